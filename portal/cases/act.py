"""The act: one thing a person, a message, a job or a timer does to a family of cases, at one moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, func, insert, select
from sqlalchemy.orm import Session

from portal import audit
from portal.audit.rules import Chain, Event
from portal.calendar.rules import Calendar
from portal.cases import deciding, kept, lengths, matters, pausing, projection, publishing, scopes, telling
from portal.cases.errors import NobodyWaits, StepFailed, TooLate
from portal.cases.family import Family, Message, RipeTimer
from portal.cases.live import LiveCase, served_at
from portal.cases.models import ActRecord, KeptMessage, StartItem, Task
from portal.cases.names import evaluate, seen_from
from portal.cases.values import digest
from portal.clock import TZ, day_of
from portal.deadlines import service as deadlines
from portal.deadlines.changes import Change
from portal.deadlines.models import Deadline
from portal.deadlines.rules import DeadlineRule, Length
from portal.deadlines.scopes import instance
from portal.engine import EngineFault, OpenMessage, Place
from portal.feel.values import IN_WORDS, kind
from portal.identity import Actor
from portal.notify import Post

# A case that sends itself messages for ever is stopped; no lawful act needs a hundredth of this.
_MOST_MESSAGES = 500
ITEM_ENDED = "cases.item_ended"
"""The job that counts the end of a case which stands for a row of a list."""
ALL_ENDED = "all_ended"
"""The message to the case that started others for a list, when all of them have ended."""
_OVER = ("ended", "dropped")
MANY = "many.entered"
"""The line of a case's history that says for whom, or what, a step is done by many."""
MOST_ITEMS = 200
"""How many instances one element may have; the engine takes no more."""


_ACTS = cast(Table, ActRecord.__table__)
_RECORD = insert(_ACTS).returning(_ACTS.c.id)


class Act:
    """One act; `settle` brings every case it touched to rest and writes what became of it."""

    def __init__(
        self, family: Family, moment: datetime, kind: str, actor: Actor | None = None, job: str | None = None
    ) -> None:
        self.family, self.moment, self.kind, self.actor, self.job = family, moment, kind, actor, job
        self.tx: Session = family.tx
        self.for_id: int | None = None
        """For whom the actor, a deputy, does it; see `done_for`."""
        self._id: int | None = None
        self._history: dict[int, list[Event]] = defaultdict(list)
        self.touched: dict[int, LiveCase] = {}
        self.afterwards: list[Callable[[Act], None]] = []
        """What is done at the same moment once the timers that this act made ripe have fired."""
        family.act = self

    @property
    def id(self) -> int:
        """The act's number; later acts have higher ones."""
        if self._id is None:
            record = {
                "root_id": self.family.root_id,
                "moment": self.moment,
                "kind": self.kind,
                "person_id": self.actor.person_id if self.actor else None,
                "for_id": self.for_id,
                "job": self.job,
            }
            self._id = self.tx.execute(_RECORD, record).scalar_one()
        return self._id

    @property
    def post(self) -> Post:
        """By which its messages go out."""
        return self.family.kernel.post(self.tx)

    def done_for(self, principal_id: int | None) -> None:
        """Says for whom the actor, a deputy, does it (`Actor.acts_for`), before anything of it is written."""
        if self._id is not None:
            raise RuntimeError("for whom an act is done is said before it is written")
        self.for_id = principal_id

    # What happens, and what is written about it

    def note(self, case: LiveCase, kind: str, at: str | None = None, /, **details: object) -> None:
        """Writes a line into a case's history: `kind` is noun.verb, `at` the element where it happened."""
        self.touched[case.id] = case
        person = self.actor.person_id if self.actor else None
        self._history[case.id].append(Event(self.moment, self.id, kind, person, self.for_id, at, details))

    @property
    def calendar(self) -> Calendar:
        """The calendar at its present version."""
        return self.family.calendar

    def happened(self, case: LiveCase, event: str, at: datetime | None = None, scope: str = "") -> None:
        """An event in a scope of the case that deadlines may start from or be met by."""
        every = case.procedure.manifest.deadlines.values()
        rules = [rule for rule in every if event in rule.after or event in rule.met]
        if rules:
            moment = at or self.moment

            def length(rule: DeadlineRule) -> Length:
                return lengths.length_of(case, rule, scope, day_of(moment), self.calendar)

            changes = deadlines.happened(self.tx, case.id, rules, event, moment, self.calendar, scope, length)
            self.note_changes(case, changes)

    def note_changes(self, case: LiveCase, changes: list[Change]) -> None:
        """Writes what became of deadlines into the history."""
        for change in changes:
            over = change.old_due is not None and self.moment >= change.old_due
            self.note(case, f"deadline.{change.what}", **change.details, late=over and change.what == "met")
            publishing.deadline_changed(self, case, change)
            if over and (change.new_due is None or change.new_due > self.moment):
                self._no_longer_overdue(case, change.deadline_id)

    def _no_longer_overdue(self, case: LiveCase, deadline_id: int) -> None:
        """Takes a duty that was done, dropped or given more time off the desk, if it lies there."""
        matters.settle_matter(self, case, matters.OVERDUE, str(deadline_id))

    def say(self, case: LiveCase, place: Place, value: Mapping[str, Any]) -> None:
        """Keeps what was said at a place."""
        person = self.actor.person_id if self.actor else None
        case.values.write(place, self.id, person, value, self.for_id)
        self.touched[case.id] = case

    def outcome_of(self, case: LiveCase, place: Place, end: str) -> None:
        """Keeps which end event a call or subprocess reached, as `<element>.outcome`."""
        scope = place.scope
        if case.element(scope, place.element).kind == "callActivity":
            scope = scopes.within(place)
        self.say(case, place, {"outcome": case.element(scope, end).name})

    def enter_many(self, case: LiveCase, place: Place) -> int:
        """Keeps what each instance of a multi-instance element is about; how many there are.

        Raises StepFailed when its list is none, or holds too much.
        """
        drawn = case.element(place.scope, place.element)
        if drawn.each is None:
            raise EngineFault(place.element, "the element is not drawn as done by many")
        listed = evaluate(case, drawn.each.items.removeprefix("="), place.scope)
        if listed is None:
            raise StepFailed(reason=f"“{drawn.name}”要按一份名单逐一办理，但名单还没有内容。")
        if not isinstance(listed, list):
            told = IN_WORDS[kind(listed)]
            raise StepFailed(reason=f"“{drawn.name}”要按一份名单逐一办理：应为名单，现为{told}。")
        if len(listed) > MOST_ITEMS:
            raise StepFailed(reason=f"“{drawn.name}”的名单有{len(listed)}项，最多{MOST_ITEMS}项。")
        case.manys.enter(place, listed, self.id)
        self.note(
            case, MANY, place.element, task=drawn.name, scope=place.scope, visit=place.visit, count=len(listed),
            items=digest([kept.keep(one) for one in listed]),
        )  # fmt: skip
        return len(listed)

    def perform(self, case: LiveCase, place: Place) -> None:
        """Carries out the action that a service task names, or asks the tables of a business rule task."""
        element = case.element(place.scope, place.element)
        if element.decide:
            decided = deciding.decide(case, place)
            self.say(case, place, decided)
            self.note(
                case, deciding.DECIDED, place.element, task=element.name, scope=place.scope, visit=place.visit,
                said=digest(decided),
            )  # fmt: skip
            return
        drawn = element.action
        if drawn is None:
            raise EngineFault(place.element, "the task names no action and no table")
        inputs = {
            key: evaluate(case, text[1:], place.scope) if text.startswith("=") else text
            for key, text in drawn.inputs.items()
        }
        result = self.family.kernel.actions[drawn.name].run(self, case, place, inputs)
        if result:
            self.say(case, place, kept.keep(result))

    def send(self, message: Message) -> None:
        """Queues a message; it is delivered when the engine is at rest."""
        self.family.outbox.append(message)

    # Steps

    def complete(
        self, case: LiveCase, task: Task, value: Mapping[str, Any], revised: Mapping[str, Any] | None = None
    ) -> None:
        """Completes a user task with what was answered; `revised` is what the answers that it corrects come to, where
        that is not the same."""
        place = task.place
        self.say(case, place, value)
        drawn = case.element(task.scope, task.element)
        if drawn.task and drawn.task.revises:
            self._revise(case, task.scope, drawn.task.revises, value if revised is None else revised)
            publishing.revised(self, case)
        self.note(
            case, "task.completed", task.element, task=task.name, scope=task.scope, visit=task.visit,
            **({"item": task.item} if task.item else {}), said=digest(value),
            **({"revised": digest(revised)} if revised is not None else {}),
        )  # fmt: skip
        self.family.position(case).complete(task.engine_id)
        task.state, task.closed_at = "done", self.moment

    def _revise(self, case: LiveCase, scope: str, element: str, value: Mapping[str, Any]) -> None:
        found = seen_from(case, scope, element)
        home = found[0] if found else scope
        before = case.values.latest(home, element)
        self.say(case, before.place if before else Place(home, element, 1), value)

    def take(self, case: LiveCase, name: str, payload: Mapping[str, Any]) -> None:
        """Delivers a person's message; refused when nobody waits for it, or no longer."""
        waiting = self._receiver(case, Message(case.id, name, payload))
        if waiting is None:
            drawn = [element for _, element in case.procedure.elements() if element.message]
            takers = [element for element in drawn if element.message and element.message.name == name]
            said = next((taker.message.otherwise for taker in takers if taker.message), "")
            raise TooLate(otherwise=said) if said else NobodyWaits(message=takers[0].name if takers else name)
        message = case.element(waiting.place.scope, waiting.place.element).message
        if message and message.taken_while:
            holds = evaluate(case, message.taken_while.removeprefix("="), waiting.place.scope)
            if holds is not True:
                raise TooLate(otherwise=message.otherwise)
        self._hand_over(case, waiting, payload, None)

    def _deliver(self, message: Message) -> None:
        case = self.family.cases.get(message.to)
        self._end_if_over(case)
        if case.ended:
            # Service is noted as such; that no element hears of it any more is nothing to tell.
            if message.document is None:
                self.note(case, "message.dropped", message=message.name, **_sender(self, message))
            return
        waiting = self._receiver(case, message)
        if waiting is not None:
            self._hand_over(case, waiting, message.payload, message)
        elif message.document is None:
            self.tx.add(
                KeptMessage(
                    case_id=case.id,
                    name=message.name,
                    payload=dict(message.payload),
                    sender_id=message.sender,
                    sent_at=self.moment,
                )
            )
            self.tx.flush()

    def _receiver(self, case: LiveCase, message: Message) -> OpenMessage | None:
        if case.ended:
            return None
        for waiting in self.family.position(case).waiting().messages:
            drawn = case.element(waiting.place.scope, waiting.place.element).message
            wanted = drawn.document if drawn else None
            if waiting.name == message.name and wanted in (None, message.document):
                return waiting
        return None

    def _hand_over(
        self, case: LiveCase, waiting: OpenMessage, payload: Mapping[str, Any], sent: Message | None
    ) -> None:
        if payload:
            self.say(case, waiting.place, payload)
        sender = _sender(self, sent) if sent else {}
        name = case.element(waiting.place.scope, waiting.place.element).name
        said = {"message": waiting.name, "name": name, "said": digest(payload), **sender}
        self.note(case, "message.received", waiting.place.element, **said)
        self.happened(case, f"received({waiting.name})", scope=instance(waiting.place.scope))
        self.family.position(case).signal(waiting.id)

    def fire(self, ripe: RipeTimer) -> None:
        """Fires one timer."""
        due = ripe.deadline.due.astimezone(TZ).isoformat()
        self.note(
            ripe.case, "timer.fired", ripe.timer.place.element, deadline=ripe.deadline.name,
            title=ripe.deadline.title, due=due,
        )  # fmt: skip
        self.family.position(ripe.case).tick(ripe.timer.id)

    # Coming to rest

    def rest(self) -> None:
        """Delivers every message that was sent, first in, first out, each receiver to its rest."""
        for _ in range(_MOST_MESSAGES):
            if self.family.outbox:
                self._deliver(self.family.outbox.popleft())
            elif not self._deliver_kept() and not self._deliver_served():
                return
        raise StepFailed(reason="案件之间的消息没有尽头。")

    def _deliver_kept(self) -> bool:
        """Delivers one kept message that a touched case now waits for."""
        ids = [case.id for case in self.touched.values() if not case.ended and self._may_receive(case)]
        if not ids:
            return False
        kept = self.tx.scalars(
            select(KeptMessage)
            .where(KeptMessage.case_id.in_(ids), KeptMessage.delivered_at.is_(None))
            .order_by(KeptMessage.id)
        ).all()
        for row in kept:
            case = self.family.cases.get(row.case_id)
            if row.name == ALL_ENDED and rows_open(self.tx, case.id):
                # A notice was made anew since, or another list begun: their end will be told again.
                self.tx.delete(row)
                continue
            message = Message(case.id, row.name, row.payload, row.sender_id)
            waiting = self._receiver(case, message)
            if waiting is not None:
                row.delivered_at = self.moment
                self._hand_over(case, waiting, row.payload, message)
                return True
        return False

    def _may_receive(self, case: LiveCase) -> bool:
        """Whether a case may be waiting for a message: one whose engine nobody has asked yet may."""
        position = self.family.positions.get(case.id)
        return position is None or bool(position.waiting().messages)

    def _deliver_served(self) -> bool:
        """Lets one case go on that came to wait, in this act, for the service of a letter served before."""
        for case in [case for case in self.touched.values() if case.id in self.family.positions and not case.ended]:
            for waiting in self.family.position(case).waiting().messages:
                drawn = case.element(waiting.place.scope, waiting.place.element).message
                letter = case.letters.get(drawn.document) if drawn and drawn.document else None
                if letter is not None and served_at(letter) is not None:
                    self._hand_over(case, waiting, {}, None)
                    return True
        return False

    def settle(self) -> None:
        """Rests, then writes tasks, subscriptions, states and history of every case it touched."""
        self.rest()
        for case in list(self.touched.values()):
            self._end_if_over(case)
        self._follow_clocks()
        for case_id, events in self._history.items():
            self._write_history(case_id, events)
        for case in list(self.touched.values()):
            position = self.family.positions.get(case.id)
            if position is not None:
                moved = projection.project(self.tx, case, position, self.moment)
                telling.tasks_wait(self.post, case, moved.opened, self.moment)
                telling.tasks_gone(self.post, case, moved.gone, self.moment)
        self.tx.flush()

    def _follow_clocks(self) -> None:
        """Brings the clocks of what it touched, and of what those are about, in line with where they stand now."""
        concerned = {case.id: case for case in self.touched.values()}
        for case in list(self.touched.values()):
            if case.about is not None:
                concerned[case.about.id] = case.about
        for case in concerned.values():
            if not case.ended and pausing.is_followed(case):
                self.note_changes(case, pausing.follow(self, case, self.family.position(case)))

    def _end_if_over(self, case: LiveCase) -> None:
        """Ends a case whose engine has reached an end event: outcome, deadlines, and the case it replaces."""
        position = self.family.positions.get(case.id)
        if position is None or case.ended or not position.ended or position.end is None:
            return
        end = case.element("", position.end)
        case.row.outcome, case.row.ended_at, case.row.status = end.name, self.moment, end.name
        self.note(case, "case.ended", end.id, outcome=end.name)
        publishing.concluded(self, case, end.name)
        if self.tx.scalar(select(StartItem.id).where(StartItem.case_id == case.id)) is not None:
            self.family.kernel.queue.defer(self.tx, ITEM_ENDED, case_id=case.id)

        def stays(row: Deadline) -> bool:
            return row.state == "running" and (row.due <= self.moment or _met_by_service(case, row.name))

        self.note_changes(case, deadlines.drop_running(self.tx, case.id, self.moment, stays))
        for row in deadlines.live_of(self.tx, case.id):
            if row.due <= self.moment and not _met_by_service(case, row.name):
                self._leave_alone(case, row)
        replaced = case.about if end.replaces == "about" else None
        if replaced is not None and replaced.ended:
            self.replace(replaced, end.replaced_as or end.name, case)
            matters.settle_services(self, replaced)
        telling.outcome_known(self.post, case, self.moment, replaced if replaced and replaced.ended else None)

    def _leave_alone(self, case: LiveCase, deadline: Deadline) -> None:
        """Warns no more of a deadline that was over when its case ended."""
        if deadline.state == "running" and (deadline.warn_at or deadline.warned):
            deadline.warn_at = None
            self._no_longer_overdue(case, deadline.id)

    def replace(self, replaced: LiveCase, outcome: str, by: LiveCase) -> None:
        """Gives an ended case another outcome; the old one stays in its history with a link."""
        if replaced.row.outcome != outcome:
            self.note(replaced, "case.replaced", was=replaced.row.outcome, outcome=outcome, by=by.row.number)
            replaced.row.outcome = replaced.row.status = outcome
            publishing.concluded(self, replaced, outcome)

    def _write_history(self, case_id: int, events: list[Event]) -> None:
        row = self.family.cases.get(case_id).row
        # What was said and done is written with where the case stands, a little later, all at once.
        with self.tx.no_autoflush:
            chain = audit.append_all(self.tx, case_id, Chain(row.audit_length, row.audit_head), events)
        row.audit_length, row.audit_head = chain.length, chain.head


def rows_open(tx: Session, starter_id: int) -> int:
    """How many rows of a case's lists are waiting, under way or failed."""
    count = select(func.count()).where(StartItem.starter_id == starter_id, StartItem.state.not_in(_OVER))
    return tx.scalar(count) or 0


def _sender(act: Act, message: Message) -> dict[str, object]:
    if message.sender is None:
        return {}
    return {"from": act.family.cases.get(message.sender).row.number}


def _met_by_service(case: LiveCase, name: str) -> bool:
    """Whether the service of a letter already issued may still meet a deadline of the ended case."""
    rule = case.procedure.manifest.deadlines.get(name)
    return rule is not None and any(f"served({letter})" in rule.met for letter in case.letters)
