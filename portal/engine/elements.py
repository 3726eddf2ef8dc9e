"""SpiffWorkflow's task specs, subclassed: each tells the portal what it enters, leaves and walks.

Specs are shared by all cases and threads, so nothing here writes to `self` after parsing; what a case must
remember stands in its task's `internal_data` (its visit) and its workflow's `data` (visits so far, the end).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

from SpiffWorkflow.bpmn.specs import defaults as plain
from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin, SimpleBpmnTask
from SpiffWorkflow.bpmn.specs.event_definitions.base import EventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.simple import TerminateEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.bpmn_spec_mixin import BpmnSpecMixin
from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent
from SpiffWorkflow.exceptions import WorkflowException
from SpiffWorkflow.specs.base import TaskSpec
from SpiffWorkflow.spiff.specs import defaults as spiff
from SpiffWorkflow.util.task import TaskState

from portal.engine.errors import EngineFault
from portal.engine.names import derived

if TYPE_CHECKING:
    from portal.engine.running import Run

Task: TypeAlias = Any
"""A SpiffWorkflow task: which attributes its spec and workflow have is known here, not to a type checker."""

VISIT = "visit"
ITEM = "item"
ITEMS = "items"
LEFT = "left"
FIRED = "event_fired"
CHOSEN = "chosen"
END = "end"
TERMINATED = "terminated"
TOKENS = "tokens"


class Message(EventDefinition):
    """Waits for a message of that name; fires only when the port says so to its task."""


class LegalTimer(EventDefinition):
    """Waits for the deadline of that name to be over: the portal's clock, never the engine's.

    It is no TimerEventDefinition, so the refresh that SpiffWorkflow does in every step passes it by; only
    `Position.tick` fires it.
    """


class Choice(EventDefinition):
    """What an event-based gateway waits for: that one of the events behind it is chosen."""

    def has_fired(self, my_task: Task) -> bool:
        """Whether an event behind the gateway was chosen."""
        return CHOSEN in my_task.internal_data


class Told:
    """A spec whose comings and goings are told to the portal; put first among the bases."""

    kind: str = ""

    def __init__(self, wf_spec: BpmnProcessSpec, name: str, **kwargs: object) -> None:
        super().__init__(wf_spec, name, **kwargs)  # type: ignore[call-arg]
        self.flows: dict[str, str] = {}
        """The drawn flow to each following spec."""
        self.told = bool(self.kind) and not derived(name)

    def _on_ready_hook(self, my_task: Task) -> None:
        run_of(my_task).enter(my_task)
        super()._on_ready_hook(my_task)  # type: ignore[misc]

    def _on_complete_hook(self, my_task: Task) -> None:
        super()._on_complete_hook(my_task)  # type: ignore[misc]
        run_of(my_task).leave(my_task, self.end_of(my_task))
        if ITEM in my_task.internal_data:
            my_task.parent.task_spec.one_left(my_task.parent, my_task)

    def end_of(self, my_task: Task) -> str | None:
        """The end event that was reached inside; only activities with something inside have one."""
        return None


def run_of(task: Task) -> Run:
    """The running case that a task belongs to."""
    run: Run = task.workflow.top_workflow
    return run


class UserTask(Told, spiff.UserTask):
    """A task that waits for a person."""

    kind = "userTask"


class ServiceTask(Told, spiff.ServiceTask):
    """A task that the portal performs within the step (H12)."""

    kind = "serviceTask"

    def _run_hook(self, my_task: Task) -> bool:
        run_of(my_task).perform(my_task)
        return True


class BusinessRule(Told, SimpleBpmnTask):
    """Decision tables, which the portal evaluates within the step as it performs a service task."""

    kind = "businessRuleTask"

    def __init__(self, wf_spec: BpmnProcessSpec, name: str, **kwargs: object) -> None:
        super().__init__(wf_spec, name, **kwargs)
        self.bpmn_id = name

    def _run_hook(self, my_task: Task) -> bool:
        run_of(my_task).perform(my_task)
        return True


class Inside(Told):
    """A task with a workflow inside."""

    def _update_hook(self, my_task: Task) -> object:
        if run_of(my_task).get_subprocess(my_task) is None:
            run_of(my_task).enter(my_task)
        return super()._update_hook(my_task)  # type: ignore[misc]

    def end_of(self, my_task: Task) -> str | None:
        """The end event that was reached last inside."""
        end: str | None = run_of(my_task).get_subprocess(my_task).data.get(END)
        return end


class CallActivity(Inside, spiff.CallActivity):
    """Another diagram, run inside; its elements have a scope of their own."""

    kind = "callActivity"


class SubProcess(Inside, spiff.SubWorkflowTask):
    """An embedded subprocess; the derivation's body and the event subprocesses too."""

    kind = "subProcess"

    def __init__(self, wf_spec: BpmnProcessSpec, name: str, *, decides: bool, **kwargs: object) -> None:
        super().__init__(wf_spec, name, **kwargs)
        self.decides = decides
        """Whether its end is the end of what it stands in: the body's is, an interrupting handler's too."""

    def _on_complete_hook(self, my_task: Task) -> None:
        super()._on_complete_hook(my_task)
        if not self.decides:
            return
        inner, outer = run_of(my_task).get_subprocess(my_task), my_task.workflow
        outer.data[END] = inner.data.get(END)
        if derived(self.name) and inner.data.get(TERMINATED):
            # A terminate end event ends all that its level holds, hence also the handlers beside the body.
            outer.data[TERMINATED] = True
            terminate(my_task)


class Many(Told, BpmnSpecMixin):
    """An activity that is done by many: it has one child task for each, all at once or one after the other.

    Stock SpiffWorkflow keeps items and results as data, asks the completion condition of the last child's data, and
    connects callbacks to the shared spec at run time. Here the portal says how many they are, a child tells its
    parent itself, and what must be remembered are three numbers.
    """

    def __init__(
        self,
        wf_spec: BpmnProcessSpec,
        name: str,
        *,
        kind: str,
        sequential: bool,
        enough: str | None,
        **kwargs: object,
    ) -> None:
        self.kind = kind
        super().__init__(wf_spec, name, **kwargs)
        self.sequential = sequential
        self.enough = enough
        """The completion condition."""
        self.task_spec = ""
        """The name of the spec of one of them, set by the parser."""

    def _update_hook(self, my_task: Task) -> bool:
        super()._update_hook(my_task)
        run_of(my_task).enter(my_task)
        items = run_of(my_task).items(my_task)
        if items == 0:
            return True
        my_task._set_state(TaskState.STARTED)
        my_task._set_internal_data(**{ITEMS: items, LEFT: 0})
        for item in range(1, 2 if self.sequential else items + 1):
            self._begin(my_task, item)
        return False

    def _begin(self, my_task: Task, item: int) -> None:
        one = my_task._add_child(my_task.workflow.spec.task_specs[self.task_spec], TaskState.WAITING)
        one.triggered = True  # else it is taken away again as none of those that follow
        one._set_internal_data(**{ITEM: item})
        run_of(my_task).begun(my_task)
        one.task_spec._update(one)

    def one_left(self, my_task: Task, one: Task) -> None:
        """One of them has left: perhaps that is enough, perhaps it was the last, perhaps it is the next one's turn."""
        run_of(my_task).forget(one)
        items, left = my_task.internal_data[ITEMS], my_task.internal_data[LEFT] + 1
        my_task._set_internal_data(**{LEFT: left})
        enough = self.enough is not None and run_of(my_task).condition(my_task, self.enough)
        if enough or left == items:
            for other in my_task.children:
                if ITEM in other.internal_data and not other.has_state(TaskState.FINISHED_MASK):
                    other.cancel()
                    run_of(my_task).forget(other)
            my_task._ready()
        elif self.sequential:
            self._begin(my_task, left + 1)


class Catch(Told, plain.IntermediateCatchEvent):
    """A message or timer on the way."""

    kind = "intermediateCatchEvent"

    def _update_hook(self, my_task: Task) -> object:
        run_of(my_task).enter(my_task)
        return super()._update_hook(my_task)


class Boundary(Told, plain.BoundaryEvent):
    """A message or timer at the edge of an activity."""

    kind = "boundaryEvent"

    def _update_hook(self, my_task: Task) -> object:
        run_of(my_task).enter(my_task)
        return super()._update_hook(my_task)


class EdgeJoin(BoundaryEventJoin):
    """Closes an activity with events at its edge: what came first of these ends the others.

    Stock Spiff ends the joins of all that stands below the activity in the tree. Where an event leads straight back
    to its own activity these are the next round's too: it would stay open beside a third round, and its events too.
    """

    def _find_tasks(self, my_task: Task) -> list[Task]:
        beside = my_task.parent.parent.children
        return [join for one in beside for join in one.children if join.task_spec is self]


class HandlerStart(Told, plain.BoundaryEvent):
    """The start of an event subprocess, which the derivation put at the edge of the body.

    It is entered when it is triggered, as a start event is, not when it begins to wait.
    """

    kind = "startEvent"

    def _on_complete_hook(self, my_task: Task) -> None:
        super()._on_complete_hook(my_task)
        if self.cancel_activity:
            # It interrupts all of its level: the body, whose boundary event it is, and the other handlers.
            for other in my_task.parent.children:
                if other is not my_task and isinstance(other.task_spec, HandlerStart):
                    other.cancel()


class Start(Told, plain.StartEvent):
    """The start of a process or subprocess."""

    kind = "startEvent"


class End(Told, plain.EndEvent):
    """An end event; which one was reached last is remembered by its workflow."""

    kind = "endEvent"

    def _on_complete_hook(self, my_task: Task) -> None:
        if self.told:
            my_task.workflow.data[END] = self.bpmn_id
            if isinstance(self.event_definition, TerminateEventDefinition):
                my_task.workflow.data[TERMINATED] = True
        super()._on_complete_hook(my_task)


class Exclusive(Told, plain.ExclusiveGateway):
    """An exclusive gateway; its visit is counted, so that its conditions have a place."""

    def _run_hook(self, my_task: Task) -> bool:
        try:
            return bool(super()._run_hook(my_task))
        except WorkflowException as error:  # all that stock Spiff says of it is that no condition is satisfied
            run_of(my_task).no_way(my_task)
            raise EngineFault(self.bpmn_id, "none of the conditions behind the gateway holds") from error


class Parallel(Told, plain.ParallelGateway):
    """A parallel gateway: fires when a token has come on each way in since it last fired.

    Stock Spiff infers that from the tree: it walks up from every earlier round, half a second each late in a long
    loop, and a token too many makes it fire again and drop the branch that is under way.
    """

    def _check_threshold_unstructured(self, my_task: Task) -> bool:
        waiting = Counter(my_task.workflow.data.get(TOKENS, {}).get(self.name, {}))
        for task in my_task.workflow.tasks.values():
            if task.task_spec is self:
                self._count(waiting, task)
        return all(waiting[name] > 0 for name in self._inputs)

    def _count(self, waiting: Counter[str], task: Task) -> None:
        """Counts the token that a task of this gateway stands for, and those that it took when it fired."""
        if task.parent.state == TaskState.COMPLETED:
            waiting[task.parent.task_spec.name] += 1
        if task.has_state(TaskState.READY | TaskState.COMPLETED):
            waiting.subtract(self._inputs)

    def forget(self, task: Task) -> None:
        """Keeps of a task of this gateway that goes how many tokens it leaves waiting on each way in, or lacking."""
        tokens = task.workflow.data.setdefault(TOKENS, {})
        waiting = Counter(tokens.get(self.name, {}))
        self._count(waiting, task)
        tokens[self.name] = dict(waiting)

    def _run_hook(self, my_task: Task) -> bool:
        return True


class EventGateway(Told, plain.EventBasedGateway):
    """Waits for one of the events behind it, each of which keeps what it waits for."""

    def connect(self, child: TaskSpec) -> None:
        """Add an event; SpiffWorkflow would take its definition away and merge them all into one."""
        TaskSpec.connect(self, child)

    def _update_hook(self, my_task: Task) -> object:
        fired = super()._update_hook(my_task)
        for event in my_task.children:
            run_of(my_task).enter(event)
        return fired

    def _run_hook(self, my_task: Task) -> bool:
        chosen = my_task.workflow.spec.task_specs[my_task.internal_data[CHOSEN]]
        my_task._sync_children([chosen], TaskState.FUTURE)
        for event in my_task.children:
            event.task_spec._predict(event, mask=TaskState.FUTURE | TaskState.PREDICTED_MASK)
            event._set_internal_data(**{FIRED: True})
        return True


def terminate(task: Task) -> None:
    """End a workflow at once, as its terminate end event does."""
    for other in task.workflow.get_tasks(state=TaskState.NOT_FINISHED_MASK):
        other.cancel()
    task.workflow._mark_complete(task)


def fire(task: Task) -> None:
    """Let one waiting event happen, alone: a catch event, or one behind a waiting event-based gateway."""
    gateway = task.parent
    if gateway is not None and gateway.state == TaskState.WAITING:
        gateway._set_internal_data(**{CHOSEN: task.task_spec.name})
        gateway.task_spec._update(gateway)
    else:
        task._set_internal_data(**{FIRED: True})
        task.task_spec._update(task)


def events_waiting(task: Task) -> list[Task]:
    """The events that a waiting task stands for: those behind a gateway, itself if it is one, else none."""
    if isinstance(task.task_spec, EventGateway):
        return list(task.children)
    waits = isinstance(task.task_spec, CatchingEvent) and isinstance(
        task.task_spec.event_definition, Message | LegalTimer
    )
    return [task] if waits else []
