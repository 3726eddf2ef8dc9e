"""Warnings of a deadline: on which morning whom they remind, and onto whose desk an overdue duty comes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Literal, Protocol, cast, get_args

from portal.calendar.rules import Calendar
from portal.clock import TZ
from portal.errors import ContentFaults, Fault

WarnKind = Literal["day", "left", "overdue"]

MORNING = time(9)
# A year of working days: beyond it a number is a slip of the pen.
MOST = 250
_KINDS: tuple[WarnKind, ...] = get_args(WarnKind)
_LEAST: Mapping[WarnKind, int] = {"day": 1, "left": 0, "overdue": 0}
_KEYS = (*_KINDS, "remind", "raise")
_EXAMPLE = '写成 warn = [ { day = 5, remind = ["reviewer"] }, { overdue = 0, raise = "leader" } ]'


@dataclass(frozen=True)
class Warn:
    """One warning: at 09:00 of the counted day `days`, of the day so many working days before the last day, or after
    it (overdue 0: the moment it is due). It reminds the people of roles, and may lay the duty on a desk."""

    kind: WarnKind
    days: int
    remind: tuple[str, ...] = ()
    raises: str | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.days}"


class Watched(Protocol):
    """What the moments of warnings depend on; a stored deadline has it."""

    @property
    def last_day(self) -> date:
        """The last day."""

    @property
    def due(self) -> datetime:
        """24:00 of the last day."""

    @property
    def explanation(self) -> Sequence[Mapping[str, Any]]:
        """Each counted and skipped day."""


@dataclass(frozen=True)
class Said:
    """What is to be said at a moment: the warnings, the moment of the latest, and all whose moment has come."""

    warns: tuple[Warn, ...]
    at: datetime
    over: tuple[Warn, ...]


def parse_warn(value: object) -> tuple[Warn, ...]:
    """Read the value of `warn`, a list of tables; ContentFaults holds every fault of it."""
    if not isinstance(value, list):
        raise ContentFaults([Fault("warn 应为表的列表", _EXAMPLE)])
    faults: list[Fault] = []
    warns = [warn for number, entry in enumerate(value, 1) if (warn := _entry(number, entry, faults))]
    for number, warn in enumerate(warns):
        if str(warn) in map(str, warns[:number]):
            faults.append(Fault(f"warn 中“{warn.kind} = {warn.days}”写了两次", "合并为一项"))
    if sum(warn.raises is not None for warn in warns) > 1:
        faults.append(Fault("warn 中有两处 raise：一个期限逾期只交到一个岗位的案头", "只保留一处 raise"))
    if faults:
        raise ContentFaults(faults)
    return tuple(warns)


def _entry(number: int, entry: object, faults: list[Fault]) -> Warn | None:
    before = len(faults)
    if not isinstance(entry, dict):
        faults.append(Fault(f"warn 的第{number}项应为表", _EXAMPLE))
        return None
    for key in entry:
        if key not in _KEYS:
            faults.append(Fault(f"warn 的第{number}项：不认识的键“{key}”", f"可用的键：{'、'.join(_KEYS)}"))
    kinds = [kind for kind in _KINDS if kind in entry]
    if len(kinds) != 1:
        faults.append(Fault(f"warn 的第{number}项要写 day、left、overdue 之一，且只写一个", _EXAMPLE))
        return None
    [kind] = kinds
    days = entry[kind]
    if isinstance(days, bool) or not isinstance(days, int) or not _LEAST[kind] <= days <= MOST:
        faults.append(Fault(f"warn 的第{number}项：{kind} 应为整数", f"填 {_LEAST[kind]} 至 {MOST}"))
    remind = _roles(number, entry.get("remind", []), faults)
    raises = entry.get("raise")
    if raises is not None and not (isinstance(raises, str) and raises):
        faults.append(Fault(f"warn 的第{number}项：raise 应为一个岗位", '写成 raise = "leader"'))
    elif raises is not None and kind != "overdue":
        faults.append(Fault(f"warn 的第{number}项：逾期以前不能 raise", "只在 overdue 一项写 raise"))
    if not remind and raises is None and len(faults) == before:
        faults.append(Fault(f"warn 的第{number}项没有写提醒谁", '写 remind = ["…"] 或 raise = "…"'))
    return Warn(kind, days, remind, raises) if len(faults) == before else None


def _roles(number: int, value: object, faults: list[Fault]) -> tuple[str, ...]:
    roles = [value] if isinstance(value, str) else value
    if not isinstance(roles, list) or not all(isinstance(role, str) and role for role in roles):
        faults.append(Fault(f"warn 的第{number}项：remind 应为岗位的列表", '写成 remind = ["reviewer"]'))
        return ()
    if len(set(roles)) != len(roles):
        faults.append(Fault(f"warn 的第{number}项：remind 中有岗位写了两次", "每个岗位写一次"))
    return tuple(cast("list[str]", roles))


def misfits(warns: Collection[Warn], kind: str, amount: int | None, unit: str | None) -> Iterator[Fault]:
    """The warnings that can never come in a deadline of a kind, of so many units (None: it ends on a fixed date)."""
    for warn in warns:
        said = f"warn 的“{warn.kind} = {warn.days}”"
        if warn.kind == "overdue" and kind in ("right", "minimum"):
            what = "权利期满即止" if kind == "right" else "期间届满即止"
            yield Fault(f"{said}：{what}，没有逾期", "改用 day 或 left，或改 kind")
        if warn.kind == "day" and amount is None:
            yield Fault(f"{said}：到固定日期为止的期限不逐日计数", "改用 left")
        # A month has at least 28 days.
        elif warn.kind == "day" and amount is not None and warn.days > amount * (28 if unit == "months" else 1):
            yield Fault(f"{said}：期限没有第 {warn.days} 日", f"填 1 至 {amount * (28 if unit == 'months' else 1)}")
        if warn.kind == "left" and unit == "working days" and amount is not None and warn.days >= amount:
            yield Fault(f"{said}：那时期限还没有开始", f"填 0 至 {amount - 1}")


def moments(warns: Collection[Warn], deadline: Watched, calendar: Calendar) -> list[tuple[datetime, Warn]]:
    """When each warning comes, first to last; one for a day that is not counted never does."""
    found = [(at, warn) for warn in warns if (at := _moment(warn, deadline, calendar))]
    return sorted(found, key=lambda one: one[0])


def _moment(warn: Warn, deadline: Watched, calendar: Calendar) -> datetime | None:
    if warn.kind == "overdue":
        return _morning(calendar.count(deadline.last_day, warn.days).last_day) if warn.days else deadline.due
    if warn.kind == "left":
        return _morning(calendar.before(deadline.last_day, warn.days))
    counted = (line["day"] for line in deadline.explanation if line["counted"] == warn.days)
    day = next(counted, None)
    return _morning(date.fromisoformat(day)) if day else None


def _morning(day: date) -> datetime:
    return datetime.combine(day, MORNING, TZ)


def following(warns: Collection[Warn], done: Collection[str], deadline: Watched, calendar: Calendar) -> datetime | None:
    """The moment of the first warning that is not done; None when all are."""
    return next((at for at, warn in moments(warns, deadline, calendar) if str(warn) not in done), None)


def said_at(
    warns: Collection[Warn], done: Collection[str], deadline: Watched, calendar: Calendar, now: datetime
) -> Said | None:
    """What is to be said now; None when no warning's moment has come.

    Of several reminders of a kind that were missed only the latest is still said, and none once the deadline is
    over: then its being overdue is the news. That is said however late, all of it.
    """
    over = [(at, warn) for at, warn in moments(warns, deadline, calendar) if at <= now and str(warn) not in done]
    if not over:
        return None
    latest = {warn.kind: warn for _, warn in over}
    said = [(at, warn) for at, warn in over if warn.kind == "overdue" or _still(warn, latest, now < deadline.due)]
    at = (said or over)[-1][0]
    return Said(tuple(warn for _, warn in said), at, tuple(warn for _, warn in over))


def _still(warn: Warn, latest: Mapping[WarnKind, Warn], runs: bool) -> bool:
    return runs and latest[warn.kind] is warn
