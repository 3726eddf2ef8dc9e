"""What a case need not keep of the way behind it.

SpiffWorkflow keeps each task that a case has ever been through, and looks through all of them at every step: a case
that goes round for years grows slower and slower, and too deep at last (H4). What is open looks back to little of it:
to the event at the edge of an activity that is open still, and to how often a parallel gateway was reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from SpiffWorkflow.util.task import TaskState

from portal.engine.elements import EdgeJoin, Parallel, Task

Workflow = Task
"""A case's workflow, or one inside it."""


def prune(workflow: Workflow) -> None:
    """Takes out the tasks that were passed: the one task that goes on from each stands in its place."""
    if workflow.completed:
        return
    leads_on = _leading_on(workflow)
    # The newest first: what a gateway was reached from is asked before that goes itself.
    for task in reversed(list(workflow.tasks.values())):
        ways = [child for child in task.children if child.id in leads_on]
        if task.id in leads_on and len(ways) == 1 and _is_passed(task, ways[0]):
            _take_out(task, ways[0])
    if workflow.last_task is not None and workflow.last_task.id not in workflow.tasks:
        workflow.last_task = None


def _leading_on(workflow: Workflow) -> set[UUID]:
    """The tasks that are not over, and those that lead to them."""
    found = set[UUID]()
    for task in workflow.tasks.values():
        at = task if _is_open(task) else None
        while at is not None and at.id not in found:
            found.add(at.id)
            at = at.parent
    return found


def _is_passed(task: Task, way: Task) -> bool:
    """Whether a task from which only one way goes on is needed by nobody."""
    parent = task.parent
    if parent is None or _is_open(task) or _is_open(parent) or _awaits_edge(task):
        return False
    # A parallel gateway is told by what led to it where it was reached from.
    return not isinstance(way.task_spec, Parallel)


def _awaits_edge(task: Task) -> bool:
    """Whether it happened at the edge of an activity that is not over: their join looks for both, in their places."""
    return any(isinstance(child.task_spec, EdgeJoin) and _is_open(child) for child in task.children)


def _is_open(task: Task) -> bool:
    return bool(task.has_state(TaskState.NOT_FINISHED_MASK))


def _take_out(task: Task, way: Task) -> None:
    gone = [task, *(one for child in task.children if child is not way for one in _whole(child))]
    for one in gone:
        if isinstance(one.task_spec, Parallel):
            one.task_spec.forget(one)
    siblings = task.parent._children
    siblings[siblings.index(task.id)] = way.id
    way.parent = task.parent
    for one in gone:
        del one.workflow.tasks[one.id]
        one.workflow._task_removed_notify(one)


def _whole(task: Task) -> Iterator[Task]:
    """A task with all that follows from it."""
    todo = [task]
    while todo:
        one = todo.pop()
        yield one
        todo += one.children
