"""Deadlines told in English: why one ends on its day, and what the stored Chinese reasons of days and changes say."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date

from portal.calendar.rules import WEEKDAYS
from portal.deadlines.rules import Fixed, Length, Until
from portal.deadlines.telling import Told, told
from portal.deadlines.wording import EVENTS as CHINESE_EVENTS

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
EVENTS = {
    "filed": "application received",
    "started": "procedure started",
    "accepted": "complete material received (day of acceptance)",
    "issued": "letter issued",
    "served": "letter served",
    "entered": "step begun",
    "done": "step done",
    "received": "message received",
    "opened": "public notice opened",
    "closed": "public notice closed",
    "date": "starting day",
    "action": "counting begun",
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
    "恢复计时后的最后一日": "last day after the clock ran again",
    "暂停计时日": "day on which the clock stood",
    "暂停计时日，最后一日顺延至恢复之后": "the clock stood at its end, so the last day moves on",
    "案件已结束": "the case has ended",
    "通知已重新作出": "the notice was made anew",
    "": "",
}


def event_text(event: str) -> str:
    """An event in English: “application received” for "filed"."""
    return EVENTS[event.partition("(")[0]]


def why(deadline: Told) -> str:
    """Why a deadline ends on its day: its start, what is skipped, its last day, and remarks."""
    return told(deadline, _English())


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


class _English:
    """The words of `telling.Words` in English."""

    def day(self, day: date, year: int | None = None) -> str:
        text = f"{day.day} {MONTHS[day.month - 1]}"
        return text if year in (None, day.year) else f"{text} {day.year}"

    def span(self, first: date, last: date, year: int) -> str:
        if first == last:
            return self.day(first, year)
        if (first.year, first.month) == (last.year, last.month):
            return f"{first.day}–{self.day(last, year)}"
        return f"{self.day(first, year)} to {self.day(last, first.year)}"

    def begun(self, event: str, day: str) -> str:
        return f"{event_text(event)} on {day}"

    def next_day(self, begun: str) -> str:
        return f"{begun}, counted from the next day"

    def fixed(self, day: str) -> str:
        return f"the period ends on a fixed date, {day}"

    def working_day(self, number: int, day: str) -> str:
        return f"working day {number} is {day}"

    def calendar_day(self, number: int, day: str) -> str:
        return f"day {number} is {day}"

    def corresponding(self, months: int, day: str) -> str:
        return f"the corresponding day after {_months(months)} is {day}"

    def end_of_month(self, months: int, day: str) -> str:
        return f"after {_months(months)} there is no corresponding day, so it is the last of the month, {day}"

    def moves(self, reason: str, day: str) -> str:
        return f", which is a day off ({self.reason(reason)}) and moves on to {day}"

    def stays(self, reason: str) -> str:
        return f" ({self.reason(reason)}, does not move on)"

    def run(self, span: str, names: Sequence[str]) -> str:
        return f"{span} ({', '.join(map(self.reason, names)) or 'weekend'})"

    def skipping(self, runs: Sequence[str], *, weekends: bool) -> str:
        return "skipping " + ", ".join([*runs, "the weekends in between"] if weekends else runs)

    def made_up(self, days: Sequence[str]) -> str:
        count = "is a make-up day and counts" if len(days) == 1 else "are make-up days and count"
        return f"{', '.join(days)} {count}"

    def stood(self, span: str, why: str) -> str:
        return f"the clock stood {span} ({why}), which does not count"

    def held(self, day: str) -> str:
        return f", at whose end the clock stood, so it moves on to {day}"

    def put_off(self, days: int, day: str) -> str:
        return f", put off by {_number(days, working=False)} on which the clock stood, to {day}"

    def lengths(self, parts: Sequence[Length]) -> str:
        return f"the period is {' and then '.join(map(length_text, parts))}"

    def last(self, day: str) -> str:
        return f"its last day is {day}"

    def counted(self, number: int, *, working: bool) -> str:
        return f"{_number(number, working=working)} counted so far"

    def paused(self, day: str, why: Sequence[str]) -> str:
        return f"the clock stands since {day} ({', '.join(why)})"

    def remaining(self, number: int, *, working: bool) -> str:
        if not number:
            return "when it runs again, the last day moves on"
        return f"when it runs again, the remaining {_number(number, working=working)} are counted"

    def resumes(self) -> str:
        return "when it runs again, what remains is counted"

    def stands(self, course: Sequence[str]) -> str:
        return "; ".join(course)

    def over(self, course: Sequence[str]) -> str:
        return "; ".join(course) + ", over at 24:00 of that day"

    def provisional(self, year: int) -> str:
        return f"The holiday notice for {year} is not published yet; the date is provisional"

    def reason(self, text: str) -> str:
        return reason(text)

    def text(self, sentences: Sequence[str]) -> str:
        return " ".join(f"{sentence[:1].upper()}{sentence[1:]}." for sentence in sentences)


def length_text(length: Length) -> str:
    """A length or fixed date: 7 working days, 30 Apr, 30 Apr 2026."""
    if isinstance(length, Until):
        return f"{length.day} {MONTHS[length.month - 1]}"
    return _iso(str(length)) if isinstance(length, Fixed) else str(length)


def _number(days: int, *, working: bool) -> str:
    return f"{days} {'working day' if working else 'day'}{'' if days == 1 else 's'}"


def _months(amount: int) -> str:
    return f"{amount} month{'s' if amount > 1 else ''}"


def _festival(name: str) -> str:
    return _FESTIVALS[name] if name in _FESTIVALS else f"{_FESTIVALS[name.removesuffix('假期')]} holiday"


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
        (r"暂停计时（(.+)）", lambda m: f"the clock stood ({m[1]})"),
        (
            rf"固定期限日({_ISO})顺延(\d+)日",
            lambda m: f"fixed date {_iso(m[1])}, put off by {_number(int(m[2]), working=False)}",
        ),
        (
            rf"({_ISO})经(.+?)批准延长(.+?)，理由：(.+)",
            lambda m: f"extended by {_length(m[3])} on {_iso(m[1])}, decided by {m[2]}: {m[4]}",
        ),
        (r"期限长度由(.+?)改为(.+)", lambda m: f"its length was changed from {_length(m[1])} to {_length(m[2])}"),
        (r"(.+)已结束，仍在暂停", lambda m: f"“{m[1]}” is over; the clock still stands"),
        (r"(.+)已结束", lambda m: f"“{m[1]}” is over"),
        (rf"{_BY}更新(?:：(?P<days>.+))?", lambda m: _renewed(m["by"], m["days"])),
    )
)


def _length(text: str) -> str:
    """A Chinese length, 10个工作日, 15日, 1个月 or a date, in English; what is none stays as it is."""
    found = re.fullmatch(r"(\d+)(个工作日|个月|日)", text)
    if found is None:
        day = re.fullmatch(r"(?:(\d{4})年)?(\d+)月(\d+)日", text)
        return f"{day[3]} {MONTHS[int(day[2]) - 1]}{f' {day[1]}' if day[1] else ''}" if day else text
    number = int(found[1])
    return _months(number) if found[2] == "个月" else _number(number, working=found[2] == "个工作日")


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
