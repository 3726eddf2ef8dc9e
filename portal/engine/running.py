"""A case in motion: SpiffWorkflow's workflow with the portal's environment, scopes, visits and budget."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cached_property
from typing import NoReturn

from SpiffWorkflow.bpmn.script_engine.python_engine import PythonScriptEngine
from SpiffWorkflow.bpmn.script_engine.python_environment import BasePythonScriptEngineEnvironment
from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.bpmn.util.task import BpmnTaskIterator
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.util.task import TaskState

from portal.engine.elements import (
    END,
    ITEM,
    VISIT,
    Boundary,
    CallActivity,
    Exclusive,
    HandlerStart,
    Task,
    events_waiting,
)
from portal.engine.errors import EngineFault, Runaway, Stuck, TooDeep, TooMany
from portal.engine.names import derived
from portal.engine.places import Environment, Place
from portal.engine.pruning import prune

VISITS = "visits"

STEPS = 500
"""Elements that one step may complete (H5)."""

ITEMS = 200
"""How many times an element may be done by many."""

STEPS_EACH = 20
"""Elements that a step may complete besides inside instances of many, for each that it begins, of at most ITEMS."""

BEGUN = 1_000
"""Instances of many that one step may begin: many within many multiply."""

DEPTH = 800
"""Levels of a task tree; past 1000 Spiff overlooks open tasks and calls the case completed (H4)."""


class _Nothing(BasePythonScriptEngineEnvironment):
    """Evaluates nothing: what SpiffWorkflow would run as Python ends here."""

    def evaluate(self, expression: str, context: object, external_context: object = None) -> NoReturn:
        _refuse(expression)

    def execute(self, script: str, context: object, external_context: object = None) -> NoReturn:
        _refuse(script)

    def call_service(self, context: object, **kwargs: object) -> NoReturn:
        _refuse(str(kwargs))


def _refuse(text: str) -> NoReturn:
    raise EngineFault(None, f"nothing is evaluated inside the engine: {text!r}")


def _drawn(task: Task) -> str | None:
    """The drawn element that a task stands for, None for what Spiff and the derivation added."""
    id: str | None = task.task_spec.bpmn_id
    return None if id is None or derived(id) else id


def _carries(event: Task) -> bool:
    """Whether a case may wait for an event alone; one at the edge of an activity waits beside what is open inside."""
    return not isinstance(event.task_spec, Boundary | HandlerStart)


class Evaluator(PythonScriptEngine):
    """The only evaluator a case has: gateway conditions go to the portal, the rest is refused."""

    def __init__(self) -> None:
        super().__init__(environment=_Nothing())

    def validate(self, expression: str) -> NoReturn:
        """Refused: expressions are checked by `feel`, when content is read."""
        _refuse(expression)

    def evaluate(self, task: Task, expression: str, external_context: object = None) -> bool:
        """Whether the portal takes the condition for true; null and false are both no."""
        if not isinstance(task.task_spec, Exclusive):
            _refuse(expression)
        run: Run = task.workflow.top_workflow
        return run.condition(task, expression)

    def execute(self, task: Task, script: str, external_context: object = None) -> NoReturn:
        """Refused: there are no scripts."""
        _refuse(script)

    def call_service(self, task: Task, **kwargs: object) -> NoReturn:
        """Refused: a service task asks the environment itself."""
        _refuse(str(kwargs))


class _Walking:
    """A workflow whose tasks are walked to the last one."""

    task_tree: Task

    def get_tasks_iterator(self, first_task: Task | None = None, **kwargs: object) -> BpmnTaskIterator:
        """SpiffWorkflow's, which counts itself a level deeper with each instance of many that it comes out of.

        So it would overlook what lies behind a thousand of them (H4); how deep a case really is says `check_depth`.
        """
        return BpmnTaskIterator(first_task or self.task_tree, **{"max_depth": sys.maxsize, **kwargs})


class Inner(_Walking, BpmnSubWorkflow):
    """The workflow inside a call activity or subprocess; knows the task that holds it."""

    def __init__(self, spec: BpmnProcessSpec, caller: Task, top: Run, *, deserializing: bool = False) -> None:
        self.caller = caller
        super().__init__(spec, caller.id, top, deserializing=deserializing)

    @property
    def parent_workflow(self) -> Run | Inner:
        """The workflow around this one."""
        around: Run | Inner = self.caller.workflow
        return around

    @cached_property
    def counting(self) -> Run | Inner:
        """The workflow that counts the visits of this one's scope."""
        return self if self.opens_scope else self.parent_workflow.counting

    @cached_property
    def is_of_many(self) -> bool:
        """Whether it runs inside one of many."""
        return ITEM in self.caller.internal_data or self.parent_workflow.is_of_many

    @property
    def opens_scope(self) -> bool:
        """Whether its elements have a scope of their own: inside a call, and inside one of many."""
        return isinstance(self.caller.task_spec, CallActivity) or ITEM in self.caller.internal_data

    @cached_property
    def scope(self) -> str:
        """The chain of calls and instances of many that this workflow runs in."""
        outer = self.parent_workflow.scope
        if not self.opens_scope:
            return outer
        here = f"{self.caller.task_spec.bpmn_id}:{self.caller.internal_data[VISIT]}"
        if ITEM in self.caller.internal_data:
            here += f".{self.caller.internal_data[ITEM]}"
        return f"{outer}/{here}" if outer else here

    def _task_removed_notify(self, task: Task) -> None:
        super()._task_removed_notify(task)
        self.top_workflow.forget(task)


class Run(_Walking, BpmnWorkflow):
    """One case's workflow, bound to an environment from its first moment on."""

    scope = ""
    is_of_many = False

    def __init__(
        self,
        spec: BpmnProcessSpec,
        inner_specs: dict[str, BpmnProcessSpec],
        env: Environment,
        *,
        deserializing: bool = False,
    ) -> None:
        self.env = env
        self.at: str | None = None
        """The drawn element that the step is busy with."""
        self._begun = 0
        super().__init__(spec, inner_specs, script_engine=Evaluator(), deserializing=deserializing)

    @property
    def counting(self) -> Run:
        """The workflow that counts the visits of the outermost scope."""
        return self

    def create_subprocess(self, my_task: Task, spec_name: str) -> Inner:
        """The workflow inside a task, as SpiffWorkflow makes it but of our class."""
        inner = Inner(self.subprocess_specs[spec_name], my_task, self)
        self.subprocesses[my_task.id] = inner
        return inner

    def _task_removed_notify(self, task: Task) -> None:
        super()._task_removed_notify(task)
        self.forget(task)

    def forget(self, task: Task) -> None:
        """Keep nothing of what ran inside a task, for it is over, or the task was taken away with all that is open."""
        inner = self.subprocesses.pop(task.id, None)
        if inner is not None:
            inner.cancel()
            for other in inner.tasks.values():
                self.forget(other)

    @property
    def over(self) -> bool:
        """Whether an end event of the diagram was reached and nothing is open any more."""
        return self.completed is True and END in self.data

    # --- what the specs tell -------------------------------------------------------------------------

    def enter(self, task: Task) -> None:
        """Count and tell that an element became active; once per task, also after a save."""
        if VISIT in task.internal_data:
            return
        spec = task.task_spec
        if not spec.told and not isinstance(spec, Exclusive):
            return
        if ITEM in task.internal_data:
            task.internal_data[VISIT] = task.parent.internal_data[VISIT]
        else:
            visits = task.workflow.counting.data.setdefault(VISITS, {})
            visits[spec.bpmn_id] = task.internal_data[VISIT] = visits.get(spec.bpmn_id, 0) + 1
        if spec.told:
            self.at = spec.bpmn_id
            self.env.entered(self.place(task), spec.kind)

    def leave(self, task: Task, end: str | None) -> None:
        """Tell that an element completed, and which flows are walked from it."""
        spec = task.task_spec
        self.at = spec.bpmn_id
        if spec.told:
            self.env.left(self.place(task), end)
        for child in task.children:
            flow = spec.flows.get(child.task_spec.name)
            if flow is not None:
                self.env.took(flow, task.workflow.scope)

    def perform(self, task: Task) -> None:
        """Have a service task done."""
        self.at = task.task_spec.bpmn_id
        self.env.perform(self.place(task))

    def items(self, task: Task) -> int:
        """Ask how many times an element is done that is done by many."""
        self.at = task.task_spec.bpmn_id
        items = self.env.items(self.place(task))
        if not isinstance(items, int) or isinstance(items, bool) or items < 0:
            raise TooMany(self.at, f"{items!r} is no number of instances")
        if items > ITEMS:
            raise TooMany(self.at, f"{items} instances, more than {ITEMS}")
        return items

    def begun(self, task: Task) -> None:
        """Count an instance of many that this step begins."""
        self._begun += 1
        if self._begun > BEGUN:
            raise Runaway(task.task_spec.bpmn_id, f"more than {BEGUN} instances begun in one step")

    def condition(self, task: Task, expression: str) -> bool:
        """Ask whether a condition holds."""
        self.at = task.task_spec.bpmn_id
        holds = self.env.condition(expression.strip().removeprefix("=").strip(), self.place(task))
        if holds is not None and not isinstance(holds, bool):
            raise EngineFault(self.at, f"a condition gave {holds!r}, neither true, false nor null")
        return holds is True

    def no_way(self, task: Task) -> None:
        """Tell that none of a gateway's conditions holds."""
        self.env.no_way(self.place(task))

    def place(self, task: Task) -> Place:
        """Where a task stands; the visit of a handler that still waits is the one to come."""
        visit = task.internal_data.get(VISIT)
        element = task.task_spec.bpmn_id
        if visit is None:
            visit = task.workflow.counting.data.get(VISITS, {}).get(element, 0) + 1
        return Place(task.workflow.scope, element, visit, task.internal_data.get(ITEM, 0))

    # --- steps ---------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Run until only waiting elements remain, within the budget of one step."""
        done = {False: 0, True: 0}
        while ready := self._tasks(TaskState.READY, manual=False):
            for task in ready:
                # What ran before it in this round may have cancelled it; stock Spiff runs it still.
                if task.state != TaskState.READY or task.workflow.tasks.get(task.id) is not task:
                    continue
                self.at = _drawn(task) or self.at
                each = task.workflow.is_of_many
                most = STEPS + (STEPS_EACH * min(self._begun, ITEMS) if each else 0)
                if done[each] == most:
                    raise Runaway(self.at, f"more than {most} elements in one step")
                done[each] += 1
                task.run()
        self._begun = 0
        for workflow in (self, *self.subprocesses.values()):
            prune(workflow)
        self.check_depth()
        if not self.over and not any(self.open_tasks()) and not any(map(_carries, self.open_events())):
            joins = (_drawn(task) for task in self._tasks(TaskState.WAITING))
            raise Stuck(next((id for id in joins if id), self.at), "nothing waits, and no end was reached")

    def check_depth(self) -> None:
        """Refuse a case so deep that SpiffWorkflow would soon lose sight of its open tasks."""
        todo: list[tuple[Task, int]] = [(self.task_tree, 1)]
        while todo:
            task, depth = todo.pop()
            if depth > DEPTH:
                raise TooDeep(_drawn(task) or self.at, f"more than {DEPTH} levels")
            todo += [(child, depth + 1) for child in task.children]
            inner = self.subprocesses.get(task.id)
            if inner is not None:
                todo.append((inner.task_tree, depth + 1))

    def _tasks(self, state: int, *, manual: bool | None = None) -> list[Task]:
        return list(self.get_tasks(state=state, manual=manual))

    def open_tasks(self) -> Iterator[Task]:
        """The user tasks that wait for a person."""
        yield from self._tasks(TaskState.READY, manual=True)

    def open_events(self) -> Iterator[Task]:
        """The message and timer events that wait, those behind event-based gateways too."""
        for task in self._tasks(TaskState.WAITING):
            yield from events_waiting(task)
