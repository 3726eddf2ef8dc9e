"""What a newer calendar makes of a running deadline: it moves, becomes definite, or stays and says why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, Protocol

from portal.calendar.rules import Calendar
from portal.deadlines.rules import Computed, Explained

Fate = Literal["moved", "kept", "confirmed"]
# More days than these are not told one by one.
_FEW = 6
_DAY = timedelta(days=1)


class Weighed(Protocol):
    """What is weighed; a stored deadline has it."""

    @property
    def last_day(self) -> date:
        """The last day so far."""

    @property
    def due(self) -> datetime:
        """24:00 of that day."""

    @property
    def provisional(self) -> bool:
        """Whether a year's notice was missing."""


@dataclass(frozen=True)
class Verdict:
    """The fate of a deadline (None: nothing changes), its last day from then on, and why, in Chinese."""

    fate: Fate | None
    last_day: date
    provisional: bool
    reason: str


def weigh(deadline: Weighed, old: Sequence[Explained], new: Computed, calendar: Calendar, moment: datetime) -> Verdict:
    """What becomes of a deadline, explained by `old` so far; what is past, or would become so, stays."""
    if new.due == deadline.due:
        fate: Fate | None = "confirmed" if deadline.provisional and not new.provisional else None
        return Verdict(fate, new.last_day, new.provisional, f"{_by(new, calendar)}已公布，日期不变" if fate else "")
    if deadline.due <= moment:
        reason = f"放假安排更新后应为{new.last_day}，但原期限{deadline.last_day}已届满，不再变动"
        return Verdict("kept", deadline.last_day, False, reason)
    if new.due <= moment:
        reason = f"放假安排更新后应为{new.last_day}，但该日已过，维持原期限{deadline.last_day}"
        return Verdict("kept", deadline.last_day, new.provisional, reason)
    return Verdict("moved", new.last_day, new.provisional, _why(old, new, calendar))


def _by(new: Computed, calendar: Calendar) -> str:
    """放假安排（国办发明电〔2026〕7号）."""
    years = dict.fromkeys(entry.day.year for entry in new.explanation)
    numbers = [number for year in years if (number := calendar.year_of(year).number)]
    return f"放假安排（{'、'.join(numbers)}）" if numbers else "放假安排"


def _why(old: Sequence[Explained], new: Computed, calendar: Calendar) -> str:
    """放假安排（国办发明电〔2026〕7号）更新：2月9日至11日不计；2月14日上班，计入."""
    before: dict[str, Explained] = {}
    for line in old:
        before.setdefault(line["day"], line)  # remarks come after the days
    both = [(entry, before[entry.day.isoformat()]) for entry in new.explanation if entry.day.isoformat() in before]
    off = [entry.day for entry, line in both if entry.counted is None and line["counted"] is not None]
    on = [entry.day for entry, line in both if entry.counted is not None and line["counted"] is None]
    parts = [f"{_days(off)}放假，不计"] if off else []
    parts += [f"{_days(on)}上班，计入"] if on else []
    if not parts:
        parts = [f"{_day(entry.day)}：{entry.reason}" for entry, line in both if entry.reason != line["reason"]][:1]
    return f"{_by(new, calendar)}更新" + (f"：{'；'.join(parts)}" if parts else "")


def _days(days: Sequence[date]) -> str:
    runs: list[list[date]] = []
    for day in days:
        if runs and day - runs[-1][-1] == _DAY:
            runs[-1].append(day)
        else:
            runs.append([day])
    return "、".join(_spans(runs)) if len(runs) <= _FEW else f"{_day(days[0])}至{_day(days[-1])}间共{len(days)}日"


def _spans(runs: Iterable[Sequence[date]]) -> Iterable[str]:
    for run in runs:
        first, last = run[0], run[-1]
        if first == last:
            yield _day(first)
        elif first.month == last.month:
            yield f"{_day(first)}至{last.day}日"
        else:
            yield f"{_day(first)}至{_day(last)}"


def _day(day: date) -> str:
    return f"{day.month}月{day.day}日"
