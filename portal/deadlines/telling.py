"""Why a deadline ends on its day: one walk over its explanation, told in the words of a language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from portal.calendar.rules import RESUMED
from portal.clock import day_of
from portal.deadlines.pausing import STOOD, Pause
from portal.deadlines.rules import Explained, Fixed, Length, Period, Until, joined, parse_length

WEEKEND = ("周六", "周日")
# More weekends than this are not listed one by one.
_FEW = 3
_STAYS = re.compile(r"（(.+)，不顺延）$")
_STOOD = re.compile(rf"{STOOD}（(.+)）")
_PUT_OFF = re.compile(r"固定期限日[\d-]+顺延(\d+)日")


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
        """The length, "10 working days", or the fixed date, "04-30" or "2026-12-31"."""

    @property
    def provisional(self) -> bool:
        """Whether a later notice may still move it."""

    @property
    def explanation(self) -> Sequence[Explained]:
        """Each counted and skipped day, then remarks; of one whose clock stands the days so far."""

    @property
    def state(self) -> str:
        """`paused` while its clock stands."""

    @property
    def stood(self) -> Sequence[Pause]:
        """Its pauses."""

    @property
    def lengthened(self) -> Sequence[Period]:
        """By how much it was extended each time."""


class Words(Protocol):
    """The words of a language. Days come as `day` wrote them; reasons come in Chinese, as they are stored."""

    def day(self, day: date, year: int | None = None) -> str:
        """A day; with its year when that is not `year`."""

    def span(self, first: date, last: date, year: int) -> str:
        """Days without a gap."""

    def begun(self, event: str, day: str) -> str:
        """From which event it started."""

    def next_day(self, begun: str) -> str:
        """That the count began on the day after."""

    def fixed(self, day: str) -> str:
        """A fixed date."""

    def working_day(self, number: int, day: str) -> str:
        """Which working day the last one is."""

    def calendar_day(self, number: int, day: str) -> str:
        """Which calendar day the last one is."""

    def corresponding(self, months: int, day: str) -> str:
        """The day after some months that has the number of the first."""

    def end_of_month(self, months: int, day: str) -> str:
        """The last of the month, where it has no day of that number."""

    def moves(self, reason: str, day: str) -> str:
        """That the last day is a day off, and to which it moves on; follows the last day."""

    def stays(self, reason: str) -> str:
        """That the last day is a day off and stays; follows the last day."""

    def run(self, span: str, names: Sequence[str]) -> str:
        """Days off and their holidays; without names a weekend."""

    def skipping(self, runs: Sequence[str], *, weekends: bool) -> str:
        """What is skipped: runs of days, and whether other weekends too."""

    def made_up(self, days: Sequence[str]) -> str:
        """The make-up days that count."""

    def stood(self, span: str, why: str) -> str:
        """Days that do not count because the clock stood."""

    def held(self, day: str) -> str:
        """That the clock stood at the end of the last day, so that it moves on; follows the last day."""

    def put_off(self, days: int, day: str) -> str:
        """By how many days a fixed date is put off, and to which; follows the date."""

    def lengths(self, parts: Sequence[Length]) -> str:
        """Lengths that are counted one after the other."""

    def last(self, day: str) -> str:
        """The last day, of several lengths."""

    def counted(self, number: int, *, working: bool) -> str:
        """How many days have counted so far."""

    def paused(self, day: str, why: Sequence[str]) -> str:
        """Since when the clock stands, and why."""

    def remaining(self, number: int, *, working: bool) -> str:
        """How many days there are left to count when it runs again; 0: the rest of the last day."""

    def resumes(self) -> str:
        """That what is left is counted when it runs again, where it is no number of days."""

    def stands(self, course: Sequence[str]) -> str:
        """The whole course of a period whose clock stands."""

    def over(self, course: Sequence[str]) -> str:
        """The whole course, and that the period is over with its last day."""

    def provisional(self, year: int) -> str:
        """That the holidays of a year are not known yet."""

    def reason(self, text: str) -> str:
        """A stored reason."""

    def text(self, sentences: Sequence[str]) -> str:
        """Sentences, one after the other."""


@dataclass(frozen=True)
class _Line:
    """One day of an explanation, or a remark after the last one; `counted`: its number in the count."""

    day: date
    counted: int | None
    reason: str


def told(deadline: Told, words: Words) -> str:
    """Why a deadline ends on its day, or why that is not known yet: its start, what is skipped, and remarks."""
    lines = [_Line(date.fromisoformat(line["day"]), line["counted"], line["reason"]) for line in deadline.explanation]
    # One that was dropped while its clock stood has its days up to then.
    if deadline.state == "paused" or all(line.day != deadline.last_day for line in lines):
        days = len(lines) - len(deadline.lengthened)
        stands = words.stands(list(_standing(deadline, lines[:days], words)))
        return words.text([stands, *(words.reason(line.reason) for line in lines[days:])])
    end = next(i for i, line in enumerate(lines) if line.day == deadline.last_day) + 1
    sentences = [words.over(list(_course(deadline, lines[:end], words)))]
    if deadline.provisional:
        sentences.append(words.provisional(deadline.last_day.year))
    return words.text([*sentences, *(words.reason(line.reason) for line in lines[end:])])


def _standing(deadline: Told, lines: Sequence[_Line], words: Words) -> Iterator[str]:
    """The parts of the sentence while the clock stands, or of one that was dropped while it stood."""
    year = deadline.event_day.year
    parts = joined(parse_length(deadline.period), deadline.lengthened)
    yield words.next_day(words.begun(deadline.event, words.day(deadline.event_day)))
    yield from _stood(lines, year, words)
    counted = next((line.counted for line in reversed(lines) if line.counted is not None), 0)
    [first, *more] = parts
    working = isinstance(first, Period) and first.unit == "working days"
    if isinstance(first, Period) and not more:
        yield words.counted(counted, working=working)
    last = max((one.until for one in deadline.stood if one.until), default=None)
    here = [one for one in deadline.stood if one.until == (None if deadline.state == "paused" else last)]
    since = day_of(min(one.since for one in here))
    yield words.paused(words.day(since, year), list(dict.fromkeys(one.why for one in here)))
    if deadline.state != "paused":
        return
    if isinstance(first, Period) and not more and first.unit != "months":
        yield words.remaining(first.amount - counted, working=working)
    else:
        yield words.resumes()


def _course(deadline: Told, lines: Sequence[_Line], words: Words) -> Iterator[str]:
    """The parts of the sentence up to the last day."""
    year, last = deadline.event_day.year, lines[-1]
    begun = words.begun(deadline.event, words.day(deadline.event_day))
    [length, *more] = joined(parse_length(deadline.period), deadline.lengthened)
    stood = list(_stood(lines, year, words))
    if more:
        yield words.next_day(begun)
        yield words.lengths([length, *more])
        yield from stood
        yield words.last(words.day(last.day, year))
        return
    if not isinstance(length, Period):
        yield begun
        yield from stood
        yield _fixed(length, lines, year, words)
        return
    yield words.next_day(begun)
    nominal = next(line for line in reversed(lines) if line.counted is not None)
    number, day = nominal.counted or 0, words.day(nominal.day, year)
    if length.unit == "working days":
        yield from _skipped(lines, year, words)
        yield from stood
        held = "" if nominal.day == last.day else words.held(words.day(last.day, year))
        yield words.working_day(number, day) + held
        return
    yield from stood
    if length.unit == "days" or stood:
        ends = words.calendar_day(number, day)
    elif nominal.day.day == deadline.event_day.day:
        ends = words.corresponding(length.amount, day)
    else:
        ends = words.end_of_month(length.amount, day)
    yield ends + _moved(nominal, last, year, words)


def _fixed(length: Until | Fixed, lines: Sequence[_Line], year: int, words: Words) -> str:
    """A fixed date, put off by the days on which the clock stood, moved on when it is a day off."""
    nominal, last = next(line for line in lines if not line.reason.startswith(f"{STOOD}（")), lines[-1]
    date_set = words.day(length.of(year)) if isinstance(length, Until) else words.day(length.day, year)
    put_off = _PUT_OFF.match(nominal.reason)
    text = words.fixed(date_set) + (words.put_off(int(put_off[1]), words.day(nominal.day, year)) if put_off else "")
    return text + _moved(nominal, last, year, words)


def _stood(lines: Sequence[_Line], year: int, words: Words) -> Iterator[str]:
    """The days that do not count because the clock stood, in runs of the same reason."""
    runs: list[list[_Line]] = []
    for line in lines:
        if not line.reason.startswith(f"{STOOD}（"):
            continue
        if runs and runs[-1][-1].reason == line.reason and line.day - runs[-1][-1].day == timedelta(days=1):
            runs[-1].append(line)
        else:
            runs.append([line])
    for run in runs:
        why = _STOOD.fullmatch(run[0].reason)
        yield words.stood(words.span(run[0].day, run[-1].day, year), why[1] if why else "")


def _moved(nominal: _Line, last: _Line, year: int, words: Words) -> str:
    if nominal.day != last.day:
        return words.moves(nominal.reason.partition("，")[0], words.day(last.day, year))
    stays = _STAYS.search(nominal.reason)
    return words.stays(stays[1]) if stays else ""


def _skipped(lines: Sequence[_Line], year: int, words: Words) -> Iterator[str]:
    """What a count of working days skips, by holiday or weekend, and which make-up days it counts."""
    runs = [(words.span(run[0].day, run[-1].day, year), _names(run)) for run in _runs_off(lines)]
    many = sum(not names for _span, names in runs) > _FEW
    listed = [words.run(span, names) for span, names in runs if names or not many]
    if listed or many:
        yield words.skipping(listed, weekends=many)
    made_up = [line for line in lines if line.counted is not None and line.reason.startswith("调休上班")]
    if made_up:
        yield words.made_up([words.day(line.day, year) for line in made_up])


def _names(run: Sequence[_Line]) -> list[str]:
    """The holidays of days off, each once; none for a weekend."""
    return list(dict.fromkeys(line.reason.removesuffix("假期") for line in run if line.reason not in WEEKEND))


def _runs_off(lines: Sequence[_Line]) -> list[list[_Line]]:
    """The days that do not count, in runs without a gap."""
    runs: list[list[_Line]] = []
    for line in lines:
        if line.counted is not None or line.reason == RESUMED or line.reason.startswith(STOOD):
            continue
        if runs and line.day - runs[-1][-1].day == timedelta(days=1):
            runs[-1].append(line)
        else:
            runs.append([line])
    return runs
