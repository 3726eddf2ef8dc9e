"""What a deadline's rule says, when the period it gives is over, and how much of it is left."""

from __future__ import annotations

import calendar as gregorian
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Literal, Protocol, TypedDict, cast, get_args

from portal.calendar.rules import NEVER, Aside, Calendar, Count, CountedDay
from portal.clock import day_of, end_of
from portal.deadlines.warn import Warn
from portal.errors import ContentFaults, Fault

Kind = Literal["right", "obligation", "duty", "minimum"]
Unit = Literal["working days", "days", "months"]
Holiday = Literal["moves", "stays"]
Light = Literal["red", "amber", "green"]

# Ten years of each: beyond it a number is a slip of the pen.
MOST: dict[Unit, int] = {"working days": 2500, "days": 3660, "months": 120}
# A party's filing received at 23:59:59 may still wait for the case's lock; its timer waits a minute.
GRACE = timedelta(seconds=60)
AMBER = 2
KINDS: tuple[Kind, ...] = get_args(Kind)
# What simply ends: nobody is late with it. Its timer waits for what came at the last second.
ENDS: frozenset[str] = frozenset({"right", "minimum"})
# What the authority may give itself, or another, more time for; a right of a party is as long as the law says.
EXTENDABLE: frozenset[str] = frozenset({"obligation", "duty", "minimum"})
LIVE: frozenset[str] = frozenset({"running", "paused"})
"""The states of a deadline that is not settled yet."""

_PERIOD = re.compile(r"([0-9]{1,5}) (working day|day|month)s?")
_UNTIL = re.compile(r"([0-9]{2})-([0-9]{2})")
_FIXED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EVENT = re.compile(r"filed|started|accepted|(?:issued|served|entered|done|received|opened|closed|date)\([\w.:-]+\)")
_WHILE = re.compile(r"(cases)\(([\w@-]+)\)|(\w+)")


class Explained(TypedDict):
    """One line of a stored explanation: the day (ISO), its number or null, and the reason in Chinese."""

    day: str
    counted: int | None
    reason: str


@dataclass(frozen=True)
class Period:
    """A length: so many working days, calendar days or months."""

    amount: int
    unit: Unit

    def __str__(self) -> str:
        return f"{self.amount} {self.unit if self.amount != 1 else self.unit.removesuffix('s')}"


@dataclass(frozen=True)
class Until:
    """A fixed date of the year in which the deadline starts; 29 February is the 28th in other years."""

    month: int
    day: int

    def __str__(self) -> str:
        return f"{self.month:02}-{self.day:02}"

    def of(self, year: int) -> date:
        """The date in a given year."""
        return date(year, self.month, min(self.day, gregorian.monthrange(year, self.month)[1]))


@dataclass(frozen=True)
class Fixed:
    """A date of its own, which somebody has set in the case."""

    day: date

    def __str__(self) -> str:
        return self.day.isoformat()


Length = Period | Until | Fixed


@dataclass(frozen=True)
class While:
    """What a clock stands for: an element of the diagram that is open, or open cases of a procedure about this one.

    `title` is what people read for it, where that is not the name of the element or the procedure.
    """

    kind: Literal["element", "cases"]
    what: str
    title: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"cases({self.what})" if self.kind == "cases" else self.what


@dataclass(frozen=True)
class Extend:
    """By how much, how often and by which office a deadline may be extended."""

    by: Period
    times: int
    role: str


@dataclass(frozen=True)
class DeadlineRule:
    """A deadline as the manifest defines it; ContentFaults unless it has one of `within` and `until`.

    `within` is a `minimum`'s `length`, too. `set_by` is the path to a number or date in its place.
    """

    name: str
    title: str
    kind: Kind
    after: tuple[str, ...]
    within: Period | None = None
    until: Until | None = None
    met: tuple[str, ...] = ()
    basis: str | None = None
    assumed: str | None = None
    holiday: Holiday = "moves"
    warn: tuple[Warn, ...] = ()
    set_by: str | None = None
    pauses: tuple[While, ...] = ()
    extend: Extend | None = None

    def __post_init__(self) -> None:
        if (self.within is None) == (self.until is None):
            raise ContentFaults(
                [
                    Fault(
                        f"期限“{self.name}”须有 within 或 until，且只有其一",
                        "保留长度 within 或固定日期 until",
                    )
                ]
            )

    @property
    def length(self) -> Period | Until:
        """The period or the fixed date that ends it."""
        return cast("Period | Until", self.within or self.until)

    @property
    def dates(self) -> tuple[str, ...]:
        """The paths of the dates that it starts from: `date(path)`."""
        return tuple(path for event in self.after if (path := dated(event)))


@dataclass(frozen=True)
class Computed:
    """When a deadline is over: last day, that day's 24:00, whether provisional, the days that led there."""

    last_day: date
    due: datetime
    provisional: bool
    explanation: tuple[CountedDay, ...]

    def lines(self) -> list[Explained]:
        """The explanation as it is stored."""
        return [explained(entry) for entry in self.explanation]


@dataclass(frozen=True)
class Left:
    """What is left: working days (0 on the last day, negative when over), a light, a Chinese text."""

    days: int
    light: Light
    text: str


class Ending(Protocol):
    """Anything that has a last day."""

    @property
    def last_day(self) -> date:
        """The last day on which an act is in time."""


def explained(entry: CountedDay) -> Explained:
    """A counted day as a line of a stored explanation."""
    return {"day": entry.day.isoformat(), "counted": entry.counted, "reason": entry.reason}


def parse_period(text: str) -> Period:
    """Read "10 working days", "15 days" or "1 month"; ContentFaults says how to write it."""
    found = _PERIOD.fullmatch(text.strip())
    if not found:
        raise ContentFaults(
            [
                Fault(
                    f"期限长度“{text}”读不懂",
                    "写成 “10 working days”（工作日）、“15 days”（自然日）或 “1 month”（月）",
                )
            ]
        )
    amount, unit = int(found[1]), cast("Unit", f"{found[2]}s")
    if not 1 <= amount <= MOST[unit]:
        raise ContentFaults([Fault(f"期限长度“{text}”超出范围", f"以 {unit} 计的，填 1 至 {MOST[unit]}")])
    return Period(amount, unit)


def parse_until(text: str) -> Until:
    """Read a fixed date of the year, "04-30"; ContentFaults says how to write it."""
    found = _UNTIL.fullmatch(text.strip())
    month, day = (int(found[1]), int(found[2])) if found else (0, 0)
    # 2000 is a leap year: 02-29 is a date, 02-30 is not.
    if not 1 <= month <= 12 or not 1 <= day <= gregorian.monthrange(2000, month)[1]:
        raise ContentFaults([Fault(f"固定日期“{text}”不是日历上的月-日", "写成 “04-30”（月-日，各两位）")])
    return Until(month, day)


def parse_length(text: str) -> Length:
    """Read a stored length: "10 working days", "04-30" or "2026-12-31"."""
    if _FIXED.fullmatch(text):
        return Fixed(date.fromisoformat(text))
    return parse_until(text) if "-" in text else parse_period(text)


def parse_while(text: str) -> While:
    """Read what a clock stands for: "correct", an element, or "cases(objection)"; ContentFaults."""
    found = _WHILE.fullmatch(text.strip())
    if not found:
        raise ContentFaults(
            [Fault(f"while“{text}”读不懂", '写成 "环节的 id"，或 "cases(事项)"：针对本案的这类案件未办结期间')]
        )
    return While("cases", found[2]) if found[1] else While("element", found[3])


def dated(event: str) -> str | None:
    """The path in the event `date(path)`; None for any other."""
    return event[5:-1] if event.startswith("date(") else None


def parse_event(text: str) -> str:
    """Check the name of an event, "filed" or "served(decision)"; ContentFaults lists what there is."""
    if not _EVENT.fullmatch(text):
        raise ContentFaults(
            [
                Fault(
                    f"事件“{text}”不存在",
                    "可用：filed、started、accepted（受理）、issued(文书)、served(文书)、entered(环节)、done(环节)、received(消息)、"
                    "opened(公示)、closed(公示)、date(日期的路径)",
                )
            ]
        )
    return text


def course(
    length: Length,
    event_day: date,
    calendar: Calendar,
    *,
    stays: bool = False,
    extensions: Sequence[Period] = (),
    aside: Aside = NEVER,
) -> Computed:
    """When a deadline of a length is over, extended and with the days set aside on which its clock stood.

    An extension in the unit of what it extends makes one longer period; another is counted from the last day on.
    """
    parts = joined(length, extensions)
    days: list[CountedDay] = []
    provisional, start = False, event_day
    for part in parts:
        count = _count(part, start, event_day, calendar, stays=stays, aside=aside)
        days += count.days
        provisional, start = provisional or count.provisional, count.last_day
    return Computed(start, end_of(start), provisional, tuple(days))


def joined(length: Length, extensions: Sequence[Period]) -> list[Length]:
    """The lengths that are counted one after the other: those of the same unit make one."""
    parts: list[Length] = [length]
    for extension in extensions:
        last = parts[-1]
        if isinstance(last, Period) and last.unit == extension.unit:
            parts[-1] = replace(last, amount=last.amount + extension.amount)
        else:
            parts.append(extension)
    return parts


def _count(length: Length, start: date, event_day: date, calendar: Calendar, *, stays: bool, aside: Aside) -> Count:
    match length:
        case Until() as until:
            return calendar.fixed(until.of(event_day.year), stays=stays, start=start, aside=aside)
        case Fixed(day):
            return calendar.fixed(day, stays=stays, start=start, aside=aside)
        case Period(amount, "working days"):
            return calendar.count(start, amount, aside)
        case Period(amount, "days"):
            return calendar.count_days(start, amount, stays=stays, aside=aside)
        case Period(amount):
            return calendar.count_months(start, amount, stays=stays, aside=aside)


def ripe(kind: str, due: datetime) -> datetime:
    """The moment from which a timer on a deadline fires: its end; of what simply ends a minute later."""
    return due + GRACE if kind in ENDS else due


def left(deadline: Ending, moment: datetime, calendar: Calendar) -> Left:
    """What is left at a moment; less than one working day counts as one, so only the last day is 0."""
    today, last = day_of(moment), deadline.last_day
    if today == last:
        return Left(0, "amber", "今日 24:00 到期")
    if today > last:
        over = calendar.working_days(last, today)
        return Left(-max(over, 1), "red", f"超期 {over} 个工作日" if over else "超期不足 1 个工作日")
    days = calendar.working_days(today, last)
    text = f"剩 {days} 个工作日" if days else "剩不足 1 个工作日"
    return Left(max(days, 1), "amber" if days <= AMBER else "green", text)
