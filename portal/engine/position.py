"""Where a case stands, and the few verbs that move it."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType

from SpiffWorkflow.exceptions import WorkflowException

from portal.engine import codec
from portal.engine.elements import END, Message, Task, fire
from portal.engine.errors import EngineFault, NotWaiting
from portal.engine.names import derived
from portal.engine.places import Environment, OpenMessage, OpenTask, OpenTimer, Waiting
from portal.engine.running import Run
from portal.engine.spec import Spec
from portal.errors import PortalError

Passing = tuple[type[Exception], ...]


class _Guard:
    """Surrounds a step: what goes wrong in it spoils the position (H6), in the portal's words."""

    def __init__(self, passing: Passing) -> None:
        self.unchanged: Passing = (PortalError, *passing)
        self.run: Run | None = None
        self.spoilt = False
        self.busy = False

    def check(self) -> None:
        """Refuse a position whose step has failed, or is not over yet."""
        if self.spoilt:
            raise EngineFault(None, "a step of this position failed before: load the last saved state again")
        if self.busy:
            raise EngineFault(None, "the environment entered the engine in mid-step")

    def __enter__(self) -> None:
        self.check()
        self.busy = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.busy = False
        self.spoilt = error is not None
        if isinstance(error, Exception) and not isinstance(error, self.unchanged):
            raise EngineFault(self._element(error), f"{type(error).__name__}: {error}") from error

    def _element(self, error: Exception) -> str | None:
        spec = error.task_spec if isinstance(error, WorkflowException) else None
        at = getattr(spec, "bpmn_id", None) or (self.run.at if self.run else None)
        return None if at is None or derived(at) else at


class Position:
    """One case in memory: used by one act under its case's lock, then dumped and thrown away.

    The caller locks. Two workers that load the same state get the same ids for what comes next (H8), so ids
    alone protect nothing; a verb on what is not open raises NotWaiting, and leaves the position as it was.
    After any other error the position is spoilt: every verb refuses, and the last saved state stands.
    """

    def __init__(self, run: Run, guard: _Guard) -> None:
        self._run = run
        self._guard = guard
        self._waiting: Waiting | None = None

    @property
    def ended(self) -> bool:
        """Whether an end event of the diagram was reached and nothing is open any more."""
        return self._run.over

    @property
    def end(self) -> str | None:
        """The id of the end event that the case reached last; None while it has not ended."""
        return str(self._run.data[END]) if self.ended else None

    def waiting(self) -> Waiting:
        """All that the case waits for."""
        self._guard.check()
        if self._waiting is None:
            self._waiting = self._awaited()
        return self._waiting

    def _awaited(self) -> Waiting:
        place = self._run.place
        messages: list[OpenMessage] = []
        timers: list[OpenTimer] = []
        for event in self._run.open_events():
            definition = event.task_spec.event_definition
            if isinstance(definition, Message):
                messages.append(OpenMessage(str(event.id), place(event), definition.name))
            else:
                timers.append(OpenTimer(str(event.id), place(event), definition.name))
        tasks = tuple(OpenTask(str(task.id), place(task)) for task in self._run.open_tasks())
        return Waiting(tasks, tuple(messages), tuple(timers))

    def complete(self, task_id: str) -> None:
        """A person has done the user task; raises NotWaiting when it is not open."""
        self._guard.check()
        task = _the(task_id, self._run.open_tasks())
        self._waiting = None
        with self._guard:
            task.run()
            self._run.settle()

    def signal(self, message_id: str) -> None:
        """The message reached this one element, and no other of the same name; raises NotWaiting."""
        self._fire(message_id, message=True)

    def tick(self, timer_id: str) -> None:
        """The deadline of this one timer is over; no other timer fires. Raises NotWaiting."""
        self._fire(timer_id, message=False)

    def dump(self) -> bytes:
        """The state to save: opaque bytes for a binary column. Raises TooDeep, BadState."""
        with self._guard:
            self._run.check_depth()
            return codec.dump(self._run)

    def _fire(self, id: str, *, message: bool) -> None:
        self._guard.check()
        events = (
            event
            for event in self._run.open_events()
            if isinstance(event.task_spec.event_definition, Message) is message
        )
        event = _the(id, events)
        self._waiting = None
        with self._guard:
            fire(event)
            self._run.settle()


def start(spec: Spec, env: Environment, *, passing: Passing = ()) -> Position:
    """A new case, run to its first waiting elements.

    Exceptions of `env` that are PortalErrors or of the types `passing` come out as they are (the database's,
    so that the act can be run again); any other becomes an EngineFault.
    """
    guard = _Guard(passing)
    with guard:
        run = guard.run = Run(spec.top, spec.inner, env)
        run.settle()
    return Position(run, guard)


def load(spec: Spec, state: bytes, env: Environment, *, passing: Passing = ()) -> Position:
    """The position that was dumped, bound to `env`, which is told nothing of it again; raises BadState."""
    guard = _Guard(passing)
    with guard:
        run = guard.run = codec.load(state, spec.top, spec.inner, env)
    return Position(run, guard)


def _the(id: str, tasks: Iterable[Task]) -> Task:
    for task in tasks:
        if str(task.id) == id:
            return task
    raise NotWaiting(id)
