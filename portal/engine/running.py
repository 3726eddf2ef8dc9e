"""A case in motion: SpiffWorkflow's workflow with the portal's environment, scopes, visits and budget."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NoReturn

from SpiffWorkflow.bpmn.script_engine.python_engine import PythonScriptEngine
from SpiffWorkflow.bpmn.script_engine.python_environment import BasePythonScriptEngineEnvironment
from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.util.task import TaskState

from portal.engine.elements import VISIT, CallActivity, Exclusive, Task, events_waiting
from portal.engine.errors import EngineFault, Runaway, Stuck, TooDeep
from portal.engine.names import derived
from portal.engine.places import Environment, Place

VISITS = "visits"

STEPS = 500
"""Elements that one step may complete (H5)."""

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


class Inner(BpmnSubWorkflow):
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
        return self if isinstance(self.caller.task_spec, CallActivity) else self.parent_workflow.counting

    @cached_property
    def scope(self) -> str:
        """The chain of call activities that this workflow runs in."""
        outer = self.parent_workflow.scope
        if not isinstance(self.caller.task_spec, CallActivity):
            return outer
        here = f"{self.caller.task_spec.bpmn_id}:{self.caller.internal_data[VISIT]}"
        return f"{outer}/{here}" if outer else here


class Run(BpmnWorkflow):
    """One case's workflow, bound to an environment from its first moment on."""

    scope = ""

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

    # --- what the specs tell -------------------------------------------------------------------------

    def enter(self, task: Task) -> None:
        """Count and tell that an element became active; once per task, also after a save."""
        if VISIT in task.internal_data:
            return
        spec = task.task_spec
        if not spec.told and not isinstance(spec, Exclusive):
            return
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

    def condition(self, task: Task, expression: str) -> bool:
        """Ask whether a condition holds."""
        self.at = task.task_spec.bpmn_id
        holds = self.env.condition(expression.strip().removeprefix("=").strip(), self.place(task))
        if holds is not None and not isinstance(holds, bool):
            raise EngineFault(self.at, f"a condition gave {holds!r}, neither true, false nor null")
        return holds is True

    def place(self, task: Task) -> Place:
        """Where a task stands; the visit of a handler that still waits is the one to come."""
        visit = task.internal_data.get(VISIT)
        element = task.task_spec.bpmn_id
        if visit is None:
            visit = task.workflow.counting.data.get(VISITS, {}).get(element, 0) + 1
        return Place(task.workflow.scope, element, visit)

    # --- steps ---------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Run until only waiting elements remain, within the budget of one step."""
        left = STEPS
        while ready := self._tasks(TaskState.READY, manual=False):
            for task in ready:
                # What ran before it in this round may have cancelled it; stock Spiff runs it still.
                if task.state != TaskState.READY or task.workflow.tasks.get(task.id) is not task:
                    continue
                self.at = _drawn(task) or self.at
                if left == 0:
                    raise Runaway(self.at, f"more than {STEPS} elements in one step")
                left -= 1
                task.run()
        self.check_depth()
        if not self.completed and not any(self.open_tasks()) and not any(self.open_events()):
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
