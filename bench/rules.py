"""What pure rules cost, each the median of several runs: `python -m bench.rules`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter

from portal import feel
from portal.audit.rules import Chain, Event, breaks, extend
from portal.forms import pattern

_RUNS = 9
_ENTRIES = 10_000
_CONDITIONS = 1_000
_WORST_PATTERN = "(a|a)a?a?a?a?a*a*a*b$"


def main() -> None:
    """Print seconds for a history verified, conditions evaluated, and the worst pattern a form may ask for."""
    for what, work in (
        (f"{_ENTRIES:,} entries of a history verified", _verifying()),
        (f"{_CONDITIONS:,} conditions of a gateway evaluated", _conditions()),
        (f"the pattern {_WORST_PATTERN} tried on the longest text", _matching()),
    ):
        print(f"{median(_seconds(work) for _ in range(_RUNS)):8.3f} s  {what}")


def _verifying() -> Callable[[], object]:
    start = datetime(2026, 9, 24, 2, tzinfo=UTC)
    events = [
        Event(start + timedelta(minutes=n), n, "task.completed", 7, None, "review", {"amount": n})
        for n in range(_ENTRIES)
    ]
    chain, entries = extend(Chain(), 5, events)
    return lambda: list(breaks([(5, chain)], entries))


def _conditions() -> Callable[[], object]:
    expression = feel.compile('review.conclusion = "变更" and review.amount > 0')
    scope = feel.Scope({"review": {"conclusion": "变更", "amount": 1}})
    return lambda: [feel.condition(expression, scope) for _ in range(_CONDITIONS)]


def _matching() -> Callable[[], object]:
    worst, text = pattern.compiled(_WORST_PATTERN), "a" * pattern.LONGEST_TEXT
    return lambda: worst.search(text)


def _seconds(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


if __name__ == "__main__":
    main()
