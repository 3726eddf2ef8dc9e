"""A case opened for reading or acting: its row, its procedure, what was said, its letters and deadlines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cached_property

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from portal import audit
from portal.cases.errors import UnknownCase
from portal.cases.manys import Manys
from portal.cases.models import Case, Task
from portal.cases.values import Values
from portal.deadlines import service as deadlines
from portal.deadlines.models import Deadline
from portal.documents import service as documents
from portal.documents.models import Letter
from portal.engine import OpenMessage
from portal.identity import service as identity
from portal.identity.models import Organisation
from portal.procedures import Procedure, Published, Releases
from portal.procedures.drawing import Element

FACTS_KEPT = "facts.kept"
"""The line of a case's history that names them."""


_OPEN = select(Task).where(Task.case_id == bindparam("case"), Task.state == "open")


class LiveCase:
    """One case with everything that its expressions may speak of."""

    def __init__(self, tx: Session, row: Case, published: Published, other: Callable[[int], LiveCase]) -> None:
        self.tx, self.row, self.published, self.other = tx, row, published, other
        self.procedure: Procedure = published.procedure(row.procedure)
        self._visits: dict[tuple[str, str], int] = {}
        self.awaited: tuple[OpenMessage, ...] = ()
        """The messages that it waited for when it was last written down."""

    @property
    def id(self) -> int:
        """The case's id."""
        return self.row.id

    @property
    def ended(self) -> bool:
        """Whether an end event was reached."""
        return self.row.ended_at is not None

    @cached_property
    def values(self) -> Values:
        """What was said in the case."""
        return Values(self.tx, self.id)

    @cached_property
    def manys(self) -> Manys:
        """What the instances of its multi-instance elements are about."""
        return Manys(self.tx, self.id)

    def persons(self, element: str) -> set[int]:
        """Who said anything at an element."""
        return self.values.persons(element)

    @cached_property
    def facts_kept(self) -> frozenset[str]:
        """The facts that were true when the case was filed and that nothing takes back."""
        told = (entry.details["facts"] for entry in audit.entries(self.tx, self.id) if entry.kind == FACTS_KEPT)
        return frozenset(name for facts in told if isinstance(facts, dict) for name in facts)

    @cached_property
    def open_tasks(self) -> list[Task]:
        """The tasks that were open when it was last written down."""
        return list(self.tx.scalars(_OPEN, {"case": self.id}))

    @property
    def deadlines(self) -> dict[str, Deadline]:
        """The newest deadline of each name."""
        return deadlines.latest(self.tx, self.id)

    def deadlines_at(self, scope: str) -> dict[str, Deadline]:
        """Which deadline each name means in a scope: that of the nearest scope around it, else the newest."""
        return deadlines.at_scope(self.tx, self.id, scope)

    def deadline_of(self, task: Task) -> Deadline | None:
        """By which an open task is to be done; None while that has not begun, or is settled already."""
        return deadlines.of_task(deadlines.of_case(self.tx, self.id), task.deadline, task.inside)

    @property
    def letters(self) -> dict[str, Letter]:
        """The newest letter of each name."""
        return {letter.name: letter for letter in self.letters_issued}

    @property
    def letters_issued(self) -> list[Letter]:
        """Every letter, in the order in which they were issued."""
        return documents.letters_of(self.tx, self.id)

    @cached_property
    def party(self) -> Organisation | None:
        """Whom the case concerns."""
        return identity.organisation(self.tx, self.row.party_id) if self.row.party_id else None

    @property
    def about(self) -> LiveCase | None:
        """The case this one answers."""
        return self.other(self.row.about_id) if self.row.about_id else None

    def ancestors(self) -> Iterator[LiveCase]:
        """The cases this one is about and those that started them, nearest first."""
        seen = {self.id}
        waiting = [self.row.about_id, self.row.started_by_id]
        while waiting:
            case_id = waiting.pop(0)
            if case_id is None or case_id in seen:
                continue
            seen.add(case_id)
            case = self.other(case_id)
            yield case
            waiting += [case.row.about_id, case.row.started_by_id]

    @property
    def answers(self) -> list[LiveCase]:
        """The cases about this one, newest first."""
        ids = self.tx.scalars(select(Case.id).where(Case.about_id == self.id).order_by(Case.id.desc()))
        return [self.other(case_id) for case_id in ids.all()]

    @property
    def decided(self) -> bool:
        """Whether it ended otherwise than by an end after which it may be filed again."""
        undecided = {end.name for end in self.procedure.drawing.of_kind("endEvent") if end.again}
        return self.ended and self.row.outcome not in undecided

    def element(self, scope: str, key: str) -> Element:
        """The drawn element at a place."""
        return self.procedure.element(scope, key)

    def visits(self, scope: str, key: str) -> int:
        """How often a user task of a scope was entered."""
        known = self._visits.get((scope, key))
        if known is None:
            known = (
                self.tx.scalar(
                    select(func.max(Task.visit)).where(
                        Task.case_id == self.id, Task.scope == scope, Task.element == key
                    )
                )
                or 0
            )
            self._visits[scope, key] = known
        return known

    def visited(self, scope: str, key: str, visit: int) -> None:
        """Notes that an element was entered in the present act, for the last time so far."""
        self._visits[scope, key] = visit


def served_at(letter: Letter) -> datetime | None:
    """When a letter was served on the party, by its earliest proof."""
    moments = [service.served_at for service in letter.services if service.kind == "party"]
    return min((moment for moment in moments if moment is not None), default=None)


class Cases:
    """Opens cases within one transaction, each once."""

    def __init__(self, tx: Session, releases: Releases) -> None:
        self.tx, self._releases = tx, releases
        self.opened: dict[int, LiveCase] = {}

    def get(self, case_id: int) -> LiveCase:
        """The case with this id; UnknownCase when there is none."""
        if case_id not in self.opened:
            row = self.tx.get(Case, case_id)
            if row is None:
                raise UnknownCase()
            self.open(row)
        return self.opened[case_id]

    def open(self, row: Case) -> LiveCase:
        """Opens a case by its row."""
        published = self._releases.get(self.tx, row.release_id)
        self.opened[row.id] = LiveCase(self.tx, row, published, self.get)
        return self.opened[row.id]
