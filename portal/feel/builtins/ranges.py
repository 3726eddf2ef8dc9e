"""FEEL's functions on ranges and points: how one lies to the other."""

from __future__ import annotations

from collections.abc import Callable

from portal.feel.budget import Meter
from portal.feel.values import Range, conjunction, disjunction, order

_Truth = bool | None
_Decide = Callable[[Range, Range], _Truth]


def _below(left: object, right: object) -> _Truth:
    compared = order(left, right)
    return None if compared is None else compared < 0


def _same(left: object, right: object) -> _Truth:
    compared = order(left, right)
    return None if compared is None else compared == 0


def _as_range(value: object) -> Range:
    return value if isinstance(value, Range) else Range(value, value, True, True)


def _ends_before(left: Range, right: Range) -> _Truth:
    """Whether all of one range lies before all of another."""
    touching = conjunction((_same(left.high, right.low), not (left.high_included and right.low_included)))
    return disjunction((_below(left.high, right.low), touching))


def _starts_no_later(left: Range, right: Range) -> _Truth:
    """Whether a range reaches down as far as another."""
    same = conjunction((_same(left.low, right.low), left.low_included or not right.low_included))
    return disjunction((_below(left.low, right.low), same))


def _ends_no_earlier(left: Range, right: Range) -> _Truth:
    """Whether a range reaches up as far as another."""
    same = conjunction((_same(left.high, right.high), left.high_included or not right.high_included))
    return disjunction((_below(right.high, left.high), same))


def _not(value: _Truth) -> _Truth:
    return None if value is None else not value


def _includes(left: Range, right: Range) -> _Truth:
    return conjunction((_starts_no_later(left, right), _ends_no_earlier(left, right)))


def _overlaps(left: Range, right: Range) -> _Truth:
    return conjunction((_not(_ends_before(left, right)), _not(_ends_before(right, left))))


def _overlaps_before(left: Range, right: Range) -> _Truth:
    """The left one begins first, and ends inside the right one."""
    apart = conjunction((_same(left.low, right.low), left.low_included, not right.low_included))
    first = disjunction((_below(left.low, right.low), apart))
    return conjunction((first, _overlaps(left, right), _ends_no_earlier(right, left)))


def _overlaps_after(left: Range, right: Range) -> _Truth:
    """The left one begins inside the right one, and ends last."""
    apart = conjunction((_same(left.high, right.high), left.high_included, not right.high_included))
    last = disjunction((_below(right.high, left.high), apart))
    return conjunction((last, _overlaps(left, right), _starts_no_later(right, left)))


def _meets(left: Range, right: Range) -> _Truth:
    return conjunction((left.high_included, right.low_included, _same(left.high, right.low)))


def _starts(left: Range, right: Range) -> _Truth:
    same = conjunction((_same(left.low, right.low), left.low_included == right.low_included))
    return conjunction((same, _ends_no_earlier(right, left)))


def _finishes(left: Range, right: Range) -> _Truth:
    same = conjunction((_same(left.high, right.high), left.high_included == right.high_included))
    return conjunction((same, _starts_no_later(right, left)))


def _coincides(left: Range, right: Range) -> _Truth:
    included = (left.low_included == right.low_included, left.high_included == right.high_included)
    return conjunction((_same(left.low, right.low), _same(left.high, right.high), *included))


def _relation(decide: _Decide, wants: tuple[bool | None, bool | None]) -> Callable[..., object]:
    """A function of two ranges or points; `wants`: whether each must be a range (True), a point (False), or either."""

    def run(meter: Meter, left: object, right: object) -> object:
        for value, wanted in zip((left, right), wants, strict=True):
            if wanted is not None and isinstance(value, Range) is not wanted:
                return None
        return decide(_as_range(left), _as_range(right))

    return run


def _swapped(decide: _Decide) -> _Decide:
    return lambda left, right: decide(right, left)


_ANY, _RANGES = (None, None), (True, True)
RELATIONS = {
    "before": _relation(_ends_before, _ANY),
    "after": _relation(_swapped(_ends_before), _ANY),
    "meets": _relation(_meets, _RANGES),
    "met by": _relation(_swapped(_meets), _RANGES),
    "overlaps": _relation(_overlaps, _RANGES),
    "overlaps before": _relation(_overlaps_before, _RANGES),
    "overlaps after": _relation(_overlaps_after, _RANGES),
    "includes": _relation(_includes, (True, None)),
    "during": _relation(_swapped(_includes), (None, True)),
    "starts": _relation(_starts, (None, True)),
    "started by": _relation(_swapped(_starts), (True, None)),
    "finishes": _relation(_finishes, (None, True)),
    "finished by": _relation(_swapped(_finishes), (True, None)),
    "coincides": _relation(_coincides, _ANY),
}
