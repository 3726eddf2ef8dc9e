"""Whether the history of a case tells all that its tables and its engine hold: each letter, publicity, draw, entry,
posting, message, timer and change of a deadline has its line.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit.models import AuditEntry
from portal.cases.models import CaseItem, KeptMessage
from portal.deadlines.models import Deadline
from portal.ledger.models import TransferRow
from portal.registers.models import Draw, RecordEntry, Replacement
from tests.builders.happenings import Facts

Line = tuple[object, ...]
"""A line as far as it can be told from the tables: its kind, and what it is about."""
# What a line is about, by its kind: a name of its details; or where it is.
_ABOUT = {
    "letter.issued": "letter", "letter.rendered": "letter", "letter.served": "letter",
    "publicity.opened": "publication", "publicity.closed": "publication",
    "experts.drawn": "draw", "experts.replaced": "replacement", "ledger.posted": "transfer",
}  # fmt: skip
_AT_A_STEP = ("record.entered", "many.entered", "rules.decided")
_OF_STATE = {"met": "deadline.met", "dropped": "deadline.dropped"}


def lines(entry: AuditEntry) -> Iterator[Line]:
    """What a line of the history tells."""
    kind, said = entry.kind, entry.details
    if kind in _ABOUT:
        yield kind, said[_ABOUT[kind]]
    elif kind == "ledger.reversed":
        yield from (("ledger.posted", transfer) for transfer in said["transfers"])
    elif kind in _AT_A_STEP:
        yield kind, said["scope"], entry.element, said["visit"]
    elif kind.startswith("deadline.") and "stands" in said:
        yield kind, said["deadline"], said["stands"].get("scope", "")
    elif kind == "message.received":
        yield kind, entry.element
        yield kind, entry.element, entry.act_id
        yield "message", said["message"]
        yield "sent", said["message"], said.get("from")
    elif kind == "message.dropped":
        yield "sent", said["message"], said.get("from")
    elif kind == "timer.fired":
        yield kind, entry.element
    elif kind == "task.claimed":
        yield kind, entry.element, entry.actor_id
    elif kind in ("case.filed", "case.started", "case.ended"):
        yield (kind.replace("started", "filed"),)


@dataclass(frozen=True)
class Books:
    """What other tables hold of some cases, by case."""

    draws: Mapping[int, Sequence[Draw]]
    replaced: Mapping[int, Sequence[int]]
    entries: Mapping[int, Sequence[RecordEntry]]
    transfers: Mapping[int, Sequence[int]]
    messages: Mapping[int, Sequence[KeptMessage]]

    @classmethod
    def of(cls, tx: Session, ids: Sequence[int]) -> Books:
        """Each table is read once."""
        replaced = select(Draw.case_id, Replacement.id).join(Draw).where(Draw.case_id.in_(ids))
        posted = select(TransferRow.case_id, TransferRow.id).where(TransferRow.case_id.in_(ids))
        return cls(
            _by_case((row.case_id, row) for row in tx.scalars(select(Draw).where(Draw.case_id.in_(ids)))),
            _by_case((case_id, found) for case_id, found in tx.execute(replaced)),
            _by_case((row.case_id, row) for row in tx.scalars(select(RecordEntry).where(RecordEntry.case_id.in_(ids)))),
            _by_case((case_id, found) for case_id, found in tx.execute(posted)),
            _by_case((row.case_id, row) for row in tx.scalars(select(KeptMessage).where(KeptMessage.case_id.in_(ids)))),
        )


def _by_case(found: Iterator[tuple[Any, Any]]) -> dict[int, list[Any]]:
    by_case = defaultdict(list)
    for case_id, one in found:
        by_case[case_id].append(one)
    return by_case


def untold(
    facts: Facts, items: Sequence[CaseItem], rows: Sequence[Deadline], books: Books, told: Counter[Line]
) -> Iterator[str]:
    """What has no line, or not as many as it should."""
    wanted: Counter[Line] = Counter()
    for some in (_of_letters(facts), _of_books(facts, books), _of_steps(facts, items), _of_clocks(rows)):
        wanted.update(some)
    wanted.update([("case.filed",)] + [("case.ended",)] * (facts.case.row.ended_at is not None))
    missing = wanted - told
    if missing:
        yield f"the history has no line of {sorted(map(str, missing.elements()))}"


def _of_letters(facts: Facts) -> Iterator[Line]:
    for letter in facts.case.letters_issued:
        yield "letter.issued", letter.id
        if letter.rendered_at is not None:
            yield "letter.rendered", letter.id
        yield from (("letter.served", letter.id) for one in letter.services if one.served_at and one.kind == "party")
    for shown in facts.publications:
        yield "publicity.opened", shown.id
        if shown.closed_at is not None:
            yield "publicity.closed", shown.id


def _of_books(facts: Facts, books: Books) -> Iterator[Line]:
    here = facts.case.id
    yield from (("experts.drawn", draw.id) for draw in books.draws[here])
    yield from (("experts.replaced", one) for one in books.replaced[here])
    yield from {("record.entered", one.scope, one.element, one.visit) for one in books.entries[here]}
    yield from (("ledger.posted", transfer) for transfer in books.transfers[here])
    yield from (("message", row.name) for row in books.messages[here] if row.delivered_at is not None)


def _of_steps(facts: Facts, items: Sequence[CaseItem]) -> Iterator[Line]:
    yield from (
        ("task.claimed", task.element, task.holder_id)
        for task in facts.tasks
        if task.state == "open" and task.holder_id
    )
    yield from (("many.entered", one.scope, one.element, one.visit) for one in items if not one.item)
    for place in facts.stepped.left:
        drawn = facts.case.element(place.scope, place.element)
        if drawn.message is not None:
            yield "message.received", place.element
        elif drawn.event == "timer":
            yield "timer.fired", place.element
    for value in facts.said:
        drawn = facts.case.element(value.scope, value.element)
        if drawn.message is not None:
            yield "message.received", value.element, value.act_id
        elif drawn.decide:
            yield "rules.decided", value.scope, value.element, value.visit


def _of_clocks(rows: Sequence[Deadline]) -> Iterator[Line]:
    for row in rows:
        yield "deadline.started", row.name, row.scope
        if row.state in _OF_STATE:
            yield _OF_STATE[row.state], row.name, row.scope
        yield from [("deadline.paused", row.name, row.scope)] * len(row.pauses)
        yield from [("deadline.extended", row.name, row.scope)] * len(row.extensions)


def unheard(sender: Facts, books: Books, told: Counter[Line]) -> Iterator[str]:
    """Messages to the case that this one is about which it neither received, nor keeps, nor has dropped."""
    about = sender.case.row.about_id
    drawn = [sender.case.element(place.scope, place.element).action for place in sender.stepped.left]
    sent = [one.inputs["message"] for one in drawn if one is not None and one.name == "cases.message"]
    if about is None or not sent:
        return
    waits = [row.name for row in books.messages[about] if row.sender_id == sender.case.id and row.delivered_at is None]
    for name, count in Counter(sent).items():
        heard = told["sent", name, sender.case.row.number] + waits.count(name)
        if heard < count:
            yield f"{name} was sent {count} times to the case it is about, whose history tells of {heard}"
