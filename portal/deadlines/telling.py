"""Why a deadline ends on its day: one walk over its explanation, told in the words of a language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from portal.deadlines.rules import Explained, parse_period, parse_until

WEEKEND = ("周六", "周日")
# More weekends than this are not listed one by one.
_FEW = 3
_STAYS = re.compile(r"（(.+)，不顺延）$")


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
    """Why a deadline ends on its day: its start, what is skipped, its last day, and remarks."""
    lines = [_Line(date.fromisoformat(line["day"]), line["counted"], line["reason"]) for line in deadline.explanation]
    end = next(i for i, line in enumerate(lines) if line.day == deadline.last_day) + 1
    sentences = [words.over(list(_course(deadline, lines[:end], words)))]
    if deadline.provisional:
        sentences.append(words.provisional(deadline.last_day.year))
    return words.text([*sentences, *(words.reason(line.reason) for line in lines[end:])])


def _course(deadline: Told, lines: Sequence[_Line], words: Words) -> Iterator[str]:
    """The parts of the sentence up to the last day."""
    year, last = deadline.event_day.year, lines[-1]
    begun = words.begun(deadline.event, words.day(deadline.event_day))
    if "-" in deadline.period:
        yield begun
        yield words.fixed(words.day(parse_until(deadline.period).of(year))) + _moved(lines[0], last, year, words)
        return
    yield words.next_day(begun)
    period = parse_period(deadline.period)
    if period.unit == "working days":
        yield from _skipped(lines, year, words)
        yield words.working_day(period.amount, words.day(last.day, year))
        return
    nominal = next(line for line in reversed(lines) if line.counted is not None)
    day = words.day(nominal.day, year)
    if period.unit == "days":
        ends = words.calendar_day(period.amount, day)
    elif nominal.day.day == deadline.event_day.day:
        ends = words.corresponding(period.amount, day)
    else:
        ends = words.end_of_month(period.amount, day)
    yield ends + _moved(nominal, last, year, words)


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
        if line.counted is not None:
            continue
        if runs and line.day - runs[-1][-1].day == timedelta(days=1):
            runs[-1].append(line)
        else:
            runs.append([line])
    return runs
