"""When a regulation is in force: by its own text, and by the instruments that have renewed it since.

A renewal is a fact that somebody enters, not content: the text of a regulation knows when it lapses, never whether it
was renewed. Of all instruments the one that began last governs a day, if it has not lapsed by then; one that another
has followed does not come back.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from portal.clock import TZ
from portal.db import locks
from portal.errors import PortalError, Words
from portal.procedures.models import Renewal, Revocation
from portal.procedures.regulation import Regulation

AHEAD = 6
"""Months before the last day from which everybody is told that the text lapses."""
LONGEST: Mapping[str, int] = {"number": 100, "title": 200, "source": 300, "reason": 500}
"""Signs that what is typed may have."""
_DAY = timedelta(days=1)
LOCK = "renewals"
"""The lock that whoever changes the renewals takes for himself."""


class FaultyRenewal(PortalError):
    """A renewal cannot be entered as it stands; `field` says where."""

    field = "from_day"


class RenewalIncomplete(FaultyRenewal):
    """Something that must be said is missing."""

    zh = "请填写{what}。"
    en = "Something is missing: {what}."


class RenewalEndsBefore(FaultyRenewal):
    """Its last day comes before its first."""

    field = "last_day"
    zh = "最后一日（{last_day}）早于开始的一日（{from_day}）。"
    en = "Its last day ({last_day}) is before its first ({from_day})."


class NothingToRenew(FaultyRenewal):
    """What is in force on the day before never lapses."""

    zh = "《{title}》（{number}）没有最后一日，不需要续期。"
    en = "“{title}” ({number}) has no last day and needs no renewal."


class RenewedBeforeItBegan(FaultyRenewal):
    """A renewal cannot begin before what it renews, or on the same day."""

    zh = "《{title}》自 {day} 起施行，续期应当从以后的日子开始。"
    en = "“{title}” is in force from {day}; a renewal begins later."


class RenewedAlready(FaultyRenewal):
    """Another renewal begins on the same day."""

    zh = "已录入《{title}》（{number}），同样从 {day} 起；录错的，先撤回那一份。"
    en = "“{title}” ({number}) from the same day {day} was entered already; if it is wrong, revoke it first."


class RenewalsChanged(PortalError):
    """Somebody entered or revoked a renewal since the preview was shown."""

    zh = "续期的记录刚刚有变动，请按新的情况再核对一次。"
    en = "The renewals have just changed: please look at the preview again."


class UnknownRenewal(PortalError):
    """There is no such renewal."""

    zh = "没有这份续期文件。"
    en = "There is no such renewal."


class RevokedAlready(PortalError):
    """A renewal is revoked once."""

    zh = "这份续期文件已于 {when} 撤回。"
    en = "This renewal was revoked at {when}."


class NoReasonToRevoke(PortalError):
    """A renewal is revoked only with a reason."""

    zh = "请写明撤回的理由（不超过 {most} 字）。"
    en = "Please give a reason of at most {most} characters."


def in_words(day: date | None) -> Words:
    """A day as an error says it."""
    return Words(f"{day.year}年{day.month}月{day.day}日", day.isoformat()) if day is not None else Words("", "")


@dataclass(frozen=True)
class Instrument:
    """A text under which a regulation is in force: its own, or one that renewed it (`renewal` is that one's id)."""

    number: str
    title: str
    in_force: date
    last_day: date | None
    assumed: bool = False
    renewal: int | None = None
    source: str = ""
    """Where a renewal can be read; of an assumed one, what the assumption rests on."""
    reason: str = ""
    """Why it is assumed."""

    def holds_on(self, day: date) -> bool:
        """Whether a day lies between its first and its last."""
        return self.in_force <= day and (self.last_day is None or day <= self.last_day)

    def written(self) -> dict[str, Any]:
        """As a case keeps it."""
        return {
            "number": self.number,
            "title": self.title,
            "in_force": self.in_force.isoformat(),
            "last_day": self.last_day.isoformat() if self.last_day else None,
            "assumed": self.assumed,
            "renewal": self.renewal,
        }


def instrument_written(written: Mapping[str, Any]) -> Instrument:
    """What `Instrument.written` wrote."""
    last = written["last_day"]
    return Instrument(
        written["number"],
        written["title"],
        date.fromisoformat(written["in_force"]),
        date.fromisoformat(last) if last else None,
        written["assumed"],
        written["renewal"],
    )


def own(regulation: Regulation) -> Instrument:
    """The regulation's own text."""
    return Instrument(regulation.number, regulation.title, regulation.in_force or date.min, regulation.last_day)


def of_renewal(row: Renewal) -> Instrument:
    """The instrument that was entered."""
    return Instrument(row.number, row.title, row.from_day, row.last_day, row.assumed, row.id, row.source, row.reason)


def chain(regulation: Regulation, renewals: Iterable[Renewal]) -> tuple[Instrument, ...]:
    """The regulation's own text and what has renewed it, in the order in which they begin; revoked ones are left out.

    A text that never lapses is renewed by nothing.
    """
    first = own(regulation)
    if first.last_day is None:
        return (first,)
    following = (of_renewal(row) for row in renewals if row.revoked is None and row.from_day > first.in_force)
    return (first, *sorted(following, key=lambda one: one.in_force))


def on(instruments: Sequence[Instrument], day: date) -> Instrument | None:
    """The instrument of a chain that governs a day; None when none is in force."""
    begun = [one for one in instruments if one.in_force <= day]
    return begun[-1] if begun and begun[-1].holds_on(day) else None


def last_day_from(instruments: Sequence[Instrument], day: date) -> date | None:
    """The last day of the unbroken time in force that holds a day; None when it has no end, or the day is outside."""
    found = on(instruments, day)
    while found is not None:
        following = next((one for one in instruments if one.in_force > found.in_force), None)
        last = found.last_day
        # Where the following one begins, this one is over, whatever its own last day says.
        if following is None or (last is not None and following.in_force > last + _DAY):
            return last
        found = following
    return None


@dataclass(frozen=True)
class Validity:
    """How a regulation stands on a day.

    `governs` is what is in force, if anything is; `last` what began last by then, in force or lapsed; `until` the last
    day of the unbroken time in force; `soon`: that day is near.
    """

    governs: Instrument | None
    last: Instrument | None
    begins: date
    until: date | None
    soon: bool

    @property
    def lapsed(self) -> bool:
        """Whether it was in force and is no more."""
        return self.governs is None and self.last is not None


def standing(instruments: Sequence[Instrument], day: date) -> Validity:
    """How a chain of instruments stands on a day."""
    begun = [one for one in instruments if one.in_force <= day]
    until = last_day_from(instruments, day)
    near = until is not None and day >= months_before(until, AHEAD)
    return Validity(on(instruments, day), begun[-1] if begun else None, instruments[0].in_force, until, near)


def months_before(day: date, months: int) -> date:
    """The corresponding day so many months earlier; where that month is shorter, its last day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


# What is entered


def entered(tx: Session, regulation: str | None = None) -> list[Renewal]:
    """Every renewal of a regulation, or of all of them, revoked ones too, in the order of entering."""
    wanted = Renewal.regulation == regulation if regulation is not None else true()
    return list(tx.scalars(select(Renewal).where(wanted).order_by(Renewal.id)))


def get(tx: Session, renewal_id: int) -> Renewal:
    """One renewal; UnknownRenewal."""
    row = tx.get(Renewal, renewal_id)
    if row is None:
        raise UnknownRenewal()
    return row


def instruments(tx: Session, regulation: Regulation) -> tuple[Instrument, ...]:
    """The chain of a regulation; one that never lapses is not asked about."""
    return chain(regulation, entered(tx, regulation.slug) if regulation.last_day is not None else ())


def in_force(tx: Session, regulation: Regulation, day: date) -> Instrument | None:
    """The instrument under which a regulation is in force on a day; None when it is not."""
    return on(instruments(tx, regulation), day)


def standings(tx: Session, regulations: Sequence[Regulation], day: date) -> dict[str, Validity]:
    """How regulations stand on a day, by slug; in one statement, in none where no text lapses."""
    rows = entered(tx) if any(one.last_day is not None for one in regulations) else []
    return {
        one.slug: standing(chain(one, [row for row in rows if row.regulation == one.slug]), day) for one in regulations
    }


@dataclass(frozen=True)
class Wanted:
    """A renewal as somebody asks for it; days are None where none was given."""

    regulation: Regulation
    number: str
    title: str
    from_day: date | None
    last_day: date | None
    assumed: bool
    source: str
    reason: str = ""


def faults(tx: Session, wanted: Wanted) -> list[FaultyRenewal]:
    """All that keeps a renewal from being entered."""
    said = {
        "number": Words("文号", "the document number"),
        "title": Words("名称", "the title"),
        "from_day": Words("从哪一天起", "the first day"),
        "source": Words("来源", "the source"),
    }
    found: list[FaultyRenewal] = []
    for name, what in said.items():
        if not getattr(wanted, name):
            found.append(_missing(name, what))
    if wanted.assumed and not wanted.reason:
        found.append(_missing("reason", Words("为什么这样假定", "why it is assumed")))
    if wanted.from_day is not None:
        found += _faults_of_days(tx, wanted, wanted.from_day)
    return found


def _missing(field: str, what: Words) -> RenewalIncomplete:
    fault = RenewalIncomplete(what=what)
    fault.field = field
    return fault


def _faults_of_days(tx: Session, wanted: Wanted, first: date) -> list[FaultyRenewal]:
    found: list[FaultyRenewal] = []
    known = instruments(tx, wanted.regulation)
    same = next((one for one in known[1:] if one.in_force == first), None)
    before = [one for one in known if one.in_force < first]
    if wanted.last_day is not None and wanted.last_day < first:
        found.append(RenewalEndsBefore(last_day=in_words(wanted.last_day), from_day=in_words(first)))
    if same is not None:
        found.append(RenewedAlready(title=same.title, number=same.number, day=in_words(first)))
    elif not before:
        found.append(RenewedBeforeItBegan(title=known[0].title, day=in_words(known[0].in_force)))
    elif before[-1].last_day is None:
        found.append(NothingToRenew(title=before[-1].title, number=before[-1].number))
    return found


def mark(tx: Session, regulation: str) -> str:
    """What tells whether a regulation's renewals are still those that somebody has seen."""
    counted = select(func.count(Renewal.id), func.count(Revocation.renewal_id)).outerjoin(Revocation)
    return "-".join(map(str, tx.execute(counted.where(Renewal.regulation == regulation)).one()))


def enter(tx: Session, wanted: Wanted, by: int | None, at: datetime, seen: str | None = None) -> Renewal:
    """Enters a renewal (by a person's id); the first FaultyRenewal there is, or RenewalsChanged.

    `seen` is the `mark` that stood when its consequences were looked at.
    """
    locks.take(tx, LOCK)
    if seen is not None and seen != mark(tx, wanted.regulation.slug):
        raise RenewalsChanged()
    for fault in faults(tx, wanted):
        raise fault
    assert wanted.from_day is not None
    row = Renewal(
        regulation=wanted.regulation.slug,
        number=wanted.number,
        title=wanted.title,
        from_day=wanted.from_day,
        last_day=wanted.last_day,
        assumed=wanted.assumed,
        source=wanted.source,
        reason=wanted.reason,
        entered_by_id=by,
        entered_at=at,
    )
    tx.add(row)
    tx.flush()
    return row


def revoke(tx: Session, renewal_id: int, by: int, reason: str, at: datetime) -> Renewal:
    """Revokes a renewal, which stays on record with the reason; UnknownRenewal, RevokedAlready, NoReasonToRevoke."""
    locks.take(tx, LOCK)
    row = get(tx, renewal_id)
    tx.refresh(row)
    if row.revoked is not None:
        raise RevokedAlready(when=f"{row.revoked.at.astimezone(TZ):%Y-%m-%d %H:%M}")
    if not reason.strip() or len(reason.strip()) > LONGEST["reason"]:
        raise NoReasonToRevoke(most=LONGEST["reason"])
    tx.add(Revocation(renewal_id=row.id, by_id=by, at=at, reason=reason.strip()))
    tx.flush()
    tx.refresh(row)
    return row
