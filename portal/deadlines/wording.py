"""How a deadline is told to an applicant, in plain Chinese."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from portal.calendar.rules import WEEKDAYS
from portal.deadlines.rules import Explained, Period, Until, parse_period, parse_until

EVENTS = {
    "filed": "接到申请",
    "started": "程序启动",
    "issued": "作出文书",
    "served": "送达文书",
    "entered": "进入该环节",
    "done": "办结该环节",
    "received": "收到来件",
}
_UNITS = {"working days": "个工作日", "days": "日", "months": "个月"}
WEEKEND = ("周六", "周日")
# More weekends than this are not listed one by one.
FEW = 3


class Told(Protocol):
    """What the sentence needs to know of a deadline; a stored deadline has it."""

    @property
    def event(self) -> str:
        """The event it started from."""

    @property
    def event_day(self) -> date:
        """The day of that event."""

    @property
    def last_day(self) -> date:
        """The last day."""

    @property
    def period(self) -> str:
        """The length, "10 working days", or the fixed date, "04-30"."""

    @property
    def provisional(self) -> bool:
        """Whether a later notice may still move it."""

    @property
    def explanation(self) -> Sequence[Explained]:
        """Each counted and skipped day, then remarks."""


@dataclass(frozen=True)
class Line:
    """One day of an explanation, or a remark after the last one; `counted`: its number in the count."""

    day: date
    counted: int | None
    reason: str


def event_text(event: str) -> str:
    """An event in Chinese: 接到申请 for "filed", 送达文书 for "served(decision)"."""
    return EVENTS[event.partition("(")[0]]


def length_text(length: Period | Until) -> str:
    """A length or fixed date as letters say it: 7个工作日, 15日, 1个月, 4月30日."""
    if isinstance(length, Until):
        return f"{length.month}月{length.day}日"
    return f"{length.amount}{_UNITS[length.unit]}"


def due_text(day: date) -> str:
    """The end of a last day: 2026年10月12日（周一）24:00."""
    return f"{day.year}年{day.month}月{day.day}日（{WEEKDAYS[day.weekday()]}）24:00"


def lines_of(deadline: Told) -> list[Line]:
    """The explanation of a deadline, line by line."""
    return [Line(date.fromisoformat(line["day"]), line["counted"], line["reason"]) for line in deadline.explanation]


def why(deadline: Told) -> str:
    """Why a deadline ends on its day: its start, what is skipped, its last day, and remarks."""
    lines = lines_of(deadline)
    end = next(i for i, line in enumerate(lines) if line.day == deadline.last_day) + 1
    start = f"{_day(deadline.event_day)}{event_text(deadline.event)}"
    parts = [*_course(deadline, start, lines[:end])]
    text = "；".join(parts) + "，当日24:00届满。"
    if deadline.provisional:
        text += f"{deadline.last_day.year}年放假安排尚未公布，该日期为暂定。"
    return text + "".join(f"{line.reason}。" for line in lines[end:])


def _course(deadline: Told, start: str, lines: Sequence[Line]) -> Iterable[str]:
    """The parts of the sentence up to the last day."""
    year = deadline.event_day.year
    if "-" in deadline.period:
        until: Until = parse_until(deadline.period)
        yield start
        yield f"期限为固定日期{_day(until.of(year))}{_moved(lines[0], lines[-1], year)}"
        return
    yield f"{start}，次日起算"
    period = parse_period(deadline.period)
    if period.unit == "working days":
        yield from _skipped(lines, year)
        yield f"第{period.amount}个工作日为{_day(lines[-1].day, year)}"
        return
    nominal = next(line for line in reversed(lines) if line.counted is not None)
    yield _nominal(period, deadline.event_day, nominal.day) + _moved(nominal, lines[-1], year)


def _nominal(period: Period, event_day: date, last: date) -> str:
    """The last day of calendar days or months, before it may move."""
    text = _day(last, event_day.year)
    if period.unit == "days":
        return f"第{period.amount}日为{text}"
    if last.day == event_day.day:
        return f"满{period.amount}个月的对应日为{text}"
    return f"满{period.amount}个月的当月无对应日，取月末日{text}"


def _moved(nominal: Line, last: Line, year: int) -> str:
    if nominal.day != last.day:
        return f"，该日为{nominal.reason.partition('，')[0]}，顺延至{_day(last.day, year)}"
    return nominal.reason[nominal.reason.index("（") :] if "不顺延" in nominal.reason else ""


def _skipped(lines: Sequence[Line], year: int) -> Iterable[str]:
    """What a count of working days skips, by holiday or weekend, and which make-up days it counts."""
    runs = runs_off(lines)
    weekends = [run for run in runs if all(line.reason in WEEKEND for line in run)]
    many = len(weekends) > FEW
    told = [f"{_span(run, year)}（{_label(run)}）" for run in runs if not (many and run in weekends)]
    if many:
        told.append("其间的周末")
    if told:
        yield "跳过" + "、".join(told)
    made_up = [line for line in lines if line.counted is not None and line.reason.startswith("调休上班")]
    if made_up:
        yield "、".join(_day(line.day, year) for line in made_up) + "调休上班，计入"


def runs_off(lines: Sequence[Line]) -> list[list[Line]]:
    """The days that do not count, in runs without a gap."""
    runs: list[list[Line]] = []
    for line in lines:
        if line.counted is not None:
            continue
        if runs and line.day - runs[-1][-1].day == timedelta(days=1):
            runs[-1].append(line)
        else:
            runs.append([line])
    return runs


def _label(run: Sequence[Line]) -> str:
    names = dict.fromkeys(line.reason.removesuffix("假期") for line in run if line.reason not in WEEKEND)
    return "、".join(names) or "周末"


def _span(run: Sequence[Line], year: int) -> str:
    first, last = run[0].day, run[-1].day
    if first == last:
        return _day(first, year)
    joint = "、" if len(run) == 2 else "至"
    end = f"{last.day}日" if (first.year, first.month) == (last.year, last.month) else _day(last, first.year)
    return f"{_day(first, year)}{joint}{end}"


def _day(day: date, year: int | None = None) -> str:
    """A day as people say it; with its year when that is not `year`."""
    text = f"{day.month}月{day.day}日"
    return text if year in (None, day.year) else f"{day.year}年{text}"
