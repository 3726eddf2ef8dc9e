"""Deadlines told in English: why one ends on its day, and what the stored Chinese reasons of days and changes say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date

from portal.calendar.rules import WEEKDAYS
from portal.deadlines.rules import Period, Until, parse_period, parse_until
from portal.deadlines.wording import EVENTS as CHINESE_EVENTS
from portal.deadlines.wording import FEW, Line, Told, lines_of, runs_off

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
EVENTS = {
    "filed": "application received",
    "started": "procedure started",
    "issued": "letter issued",
    "served": "letter served",
    "entered": "step begun",
    "done": "step done",
    "received": "message received",
}
_FESTIVALS = {
    "元旦": "New Year's Day",
    "除夕": "Lunar New Year's Eve",
    "春节": "Spring Festival",
    "春节延长假期": "extended Spring Festival holiday",
    "清明节": "Qingming",
    "劳动节": "Labour Day",
    "端午节": "Dragon Boat Festival",
    "中秋节": "Mid-Autumn Festival",
    "国庆节": "National Day",
    "中国人民抗日战争暨世界反法西斯战争胜利70周年纪念日": "70th anniversary of victory",
}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ONE = {
    **dict(zip(WEEKDAYS, _DAYS, strict=True)),
    "放假": "day off",
    "调休上班（计入）": "make-up day (counts)",
    "对应日": "corresponding day",
    "当月无对应日，取月末日": "no corresponding day, so the last of the month",
    "固定期限日": "fixed date",
    "顺延后的最后一日": "last day after moving on",
    "案件已结束": "the case has ended",
    "通知已重新作出": "the notice was made anew",
    "": "",
}


def event_text(event: str) -> str:
    """An event in English: “application received” for "filed"."""
    return EVENTS[event.partition("(")[0]]


def why(deadline: Told) -> str:
    """Why a deadline ends on its day: its start, what is skipped, its last day, and remarks."""
    lines = lines_of(deadline)
    end = next(i for i, line in enumerate(lines) if line.day == deadline.last_day) + 1
    start = f"{event_text(deadline.event)} on {_day(deadline.event_day)}"
    text = "; ".join(_course(deadline, start, lines[:end])) + ", over at 24:00 of that day."
    if deadline.provisional:
        text += f" The holiday notice for {deadline.last_day.year} is not published yet; the date is provisional."
    return text[0].upper() + text[1:] + "".join(f" {_sentence(reason(line.reason))}" for line in lines[end:])


def reason(text: str) -> str:
    """A stored reason in English; what is not known stays as it is."""
    if text in _ONE:
        return _ONE[text]
    if all(part in _FESTIVALS or part.removesuffix("假期") in _FESTIVALS for part in text.split("、")):
        return ", ".join(map(_festival, text.split("、")))
    for pattern, said in _PATTERNS:
        found = pattern.fullmatch(text)
        if found is not None:
            return said(found)
    return text


def _course(deadline: Told, start: str, lines: Sequence[Line]) -> Iterable[str]:
    """The parts of the sentence up to the last day."""
    year = deadline.event_day.year
    if "-" in deadline.period:
        until: Until = parse_until(deadline.period)
        yield start
        yield f"the period ends on a fixed date, {_day(until.of(year))}{_moved(lines[0], lines[-1], year)}"
        return
    yield f"{start}, counted from the next day"
    period = parse_period(deadline.period)
    if period.unit == "working days":
        yield from _skipped(lines, year)
        yield f"working day {period.amount} is {_day(lines[-1].day, year)}"
        return
    nominal = next(line for line in reversed(lines) if line.counted is not None)
    yield _nominal(period, deadline.event_day, nominal.day) + _moved(nominal, lines[-1], year)


def _nominal(period: Period, event_day: date, last: date) -> str:
    text = _day(last, event_day.year)
    if period.unit == "days":
        return f"day {period.amount} is {text}"
    months = f"{period.amount} month{'s' if period.amount > 1 else ''}"
    if last.day == event_day.day:
        return f"the corresponding day after {months} is {text}"
    return f"after {months} there is no corresponding day, so it is the last of the month, {text}"


def _moved(nominal: Line, last: Line, year: int) -> str:
    if nominal.day != last.day:
        return (
            f", which is a day off ({reason(nominal.reason.partition('，')[0])}) and moves on to {_day(last.day, year)}"
        )
    stays = re.search(r"（(.+)，不顺延）$", nominal.reason)
    return f" ({reason(stays[1])}, does not move on)" if stays else ""


def _skipped(lines: Sequence[Line], year: int) -> Iterable[str]:
    """What a count of working days skips, by holiday or weekend, and which make-up days it counts."""
    runs = runs_off(lines)
    weekends = [run for run in runs if _label(run) == "weekend"]
    many = len(weekends) > FEW
    told = [f"{_span(run, year)} ({_label(run)})" for run in runs if not (many and run in weekends)]
    if many:
        told.append("the weekends in between")
    if told:
        yield "skipping " + ", ".join(told)
    made_up = [line for line in lines if line.counted is not None and line.reason.startswith("调休上班")]
    if made_up:
        days = ", ".join(_day(line.day, year) for line in made_up)
        yield f"{days} {'is a make-up day and counts' if len(made_up) == 1 else 'are make-up days and count'}"


def _label(run: Sequence[Line]) -> str:
    names = dict.fromkeys(line.reason.removesuffix("假期") for line in run if line.reason not in WEEKDAYS)
    return ", ".join(map(reason, names)) or "weekend"


def _span(run: Sequence[Line], year: int) -> str:
    first, last = run[0].day, run[-1].day
    if first == last:
        return _day(first, year)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{_day(last, year)}"
    return f"{_day(first, year)} to {_day(last, first.year)}"


def _day(day: date, year: int | None = None) -> str:
    """A day with its year when that is not `year`."""
    text = f"{day.day} {MONTHS[day.month - 1]}"
    return text if year in (None, day.year) else f"{text} {day.year}"


def _festival(name: str) -> str:
    return _FESTIVALS[name] if name in _FESTIVALS else f"{_FESTIVALS[name.removesuffix('假期')]} holiday"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _iso(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _notice(number: str | None) -> str:
    return f"holiday notice {number}" if number else "holiday notice"


_EVENT = "|".join(CHINESE_EVENTS.values())
_ISO = r"\d{4}-\d{2}-\d{2}"
_BY = r"放假安排(?:（(?P<by>.+?)）)?"
_OF_EVENT = {chinese: EVENTS[event] for event, chinese in CHINESE_EVENTS.items()}
_Said = Callable[["re.Match[str]"], str]
_PATTERNS: tuple[tuple[re.Pattern[str], _Said], ...] = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (_EVENT, lambda m: _OF_EVENT[m[0]]),
        (r"第(\d+)个工作日", lambda m: f"working day {m[1]}"),
        (r"第(\d+)日", lambda m: f"day {m[1]}"),
        (r"(.+)，最后一日遇休息日顺延", lambda m: f"{reason(m[1])}; the last day is a day off and moves on"),
        (r"(.+)（(.+)，不顺延）", lambda m: f"{reason(m[1])} ({reason(m[2])}, does not move on)"),
        (
            rf"({_EVENT})的日期由({_ISO})更正为({_ISO})",
            lambda m: f"the day of “{_OF_EVENT[m[1]]}” was corrected from {_iso(m[2])} to {_iso(m[3])}",
        ),
        (rf"({_EVENT})的记录已作废", lambda m: f"the record of “{_OF_EVENT[m[1]]}” was struck out"),
        (
            rf"({_EVENT})的记录已作废，恢复计算",
            lambda m: f"the record of “{_OF_EVENT[m[1]]}” was struck out, so it runs again",
        ),
        (rf"再次({_EVENT})，重新起算", lambda m: f"again “{_OF_EVENT[m[1]]}”, so it starts anew"),
        (rf"{_BY}已公布，日期不变", lambda m: f"{_notice(m['by'])} published; the date stays"),
        (
            rf"放假安排更新后应为({_ISO})，但原期限({_ISO})已届满，不再变动",
            lambda m: f"by the new holiday notice it would be {_iso(m[1])}, but {_iso(m[2])} was over and stays",
        ),
        (
            rf"放假安排更新后应为({_ISO})，但该日已过，维持原期限({_ISO})",
            lambda m: f"by the new holiday notice it would be {_iso(m[1])}, which is past, so {_iso(m[2])} stays",
        ),
        (rf"{_BY}更新(?:：(?P<days>.+))?", lambda m: _renewed(m["by"], m["days"])),
    )
)


def _renewed(number: str | None, days: str | None) -> str:
    return f"changed by {_notice(number)}" + (f": {'; '.join(map(_change_of_days, days.split('；')))}" if days else "")


def _change_of_days(text: str) -> str:
    """2月9日至11日放假，不计: which days are off or worked by a newer notice."""
    many = re.fullmatch(r"(.+)间共(\d+)日(放假，不计|上班，计入)", text)
    said = many or re.fullmatch(r"(.+?)(放假，不计|上班，计入)", text)
    if said is None:
        day, _colon, what = text.partition("：")
        return f"{_spans(day)}: {reason(what)}"
    counted = "worked, count" if said[said.re.groups] == "上班，计入" else "off, do not count"
    return f"{said[2]} days within {_spans(said[1])} {counted}" if many else f"{_spans(said[1])} {counted}"


def _spans(text: str) -> str:
    """2月9日至11日、3月1日: in English, 9–11 Feb, 1 Mar."""
    return ", ".join(map(_run, text.split("、")))


def _run(text: str) -> str:
    found = re.fullmatch(r"(\d+)月(\d+)日(?:至(?:(\d+)月)?(\d+)日)?", text)
    if found is None:
        return text
    first = f"{found[2]} {MONTHS[int(found[1]) - 1]}"
    if found[4] is None:
        return first
    if found[3] is None:
        return f"{found[2]}–{found[4]} {MONTHS[int(found[1]) - 1]}"
    return f"{first} to {found[4]} {MONTHS[int(found[3]) - 1]}"
