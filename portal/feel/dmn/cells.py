"""What the cells of a column match: the column's values fall into pieces, within which no cell tells one from another.

Of numbers, days and the like the pieces are the constants that the cells name and the stretches between them; of texts
the constants and all others. A cell is then a set of pieces, held as the bits of an integer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import reduce
from operator import and_, or_
from typing import Any

from portal.feel import syntax
from portal.feel.syntax import Literal, Name, Node
from portal.feel.temporal import written
from portal.feel.values import Months, kind, ordinal

_ORDERED = frozenset({"number", "date", "time", "moment", "span", "months"})
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
_DAY = timedelta(days=1)


class NotConstant(Exception):
    """A cell matches what only a case can tell, or in a way that is not looked into."""


def constants(node: Node) -> tuple[object, ...] | None:
    """The values that unary tests list one by one; None where they say anything else."""
    match node:
        case syntax.In(Name("?"), (Literal(value),)):
            return (value,)
        case syntax.Either(operands):
            parts = [constants(operand) for operand in operands]
            return None if None in parts else tuple(value for part in parts for value in part or ())
    return None


def named(node: Node) -> Iterator[object]:
    """The constants that a cell compares its value with; NotConstant where it does anything else."""
    match node:
        case Literal(True) | Name("?"):
            return
        case syntax.In(Name("?"), tests):
            for test in tests:
                yield from _in_test(test)
        case syntax.Compare(_, Name("?"), Literal(value)) | syntax.Compare(_, Literal(value), Name("?")):
            yield value
        case syntax.Between(Name("?"), Literal(low), Literal(high)):
            yield from (low, high)
        case syntax.Both(operands) | syntax.Either(operands) | syntax.Invocation("not", operands):
            for operand in operands:
                yield from named(operand)
        case _:
            raise NotConstant


def listed(node: syntax.Node) -> Iterator[object]:
    """The constants that a cell names one by one, perhaps to shut them out."""
    match node:
        case syntax.In(Name("?"), (Literal(value),)):
            yield value
        case syntax.In(Name("?"), (syntax.Elements(elements),)):
            yield from (element.value for element in elements if isinstance(element, Literal))
        case syntax.Either(operands) | syntax.Invocation("not", operands):
            for operand in operands:
                yield from listed(operand)


def _in_test(test: Node) -> Iterator[object]:
    match test:
        case Literal(value) | syntax.Against(_, Literal(value)):
            yield value
        case syntax.Interval(Literal(low), Literal(high)):
            yield from (low, high)
        case syntax.Elements(elements):
            for element in elements:
                yield from _in_test(element)
        case _:
            raise NotConstant


class Axis:
    """The pieces of a column's values, numbered from 0; `points` are the constants that its cells name.

    Of an ordered kind, piece 2i+1 is the i-th point, an even one the stretch before it or after the last. Else piece i
    is the i-th point, the last one all others. Null is no piece.
    """

    def __init__(self, kind: str | None, values: Iterable[object]) -> None:
        self.kind = kind
        self.ordered = kind in _ORDERED
        kept: dict[Any, object] = {}
        for value in values:
            if kind_of(value) == kind and kind != "boolean":
                kept.setdefault(ordinal(value), value)
        self.points: tuple[object, ...] = (
            (False, True) if kind == "boolean" else tuple(kept[key] for key in sorted(kept))
        )
        ranks = self.points if kind == "boolean" else sorted(kept)
        self._place: Mapping[object, int] = {key: place for place, key in enumerate(ranks)}
        self.count = 2 * len(self.points) + 1 if self.ordered else len(self.points) + 1
        self.full = (1 << self.count) - 1
        self.real = sum(1 << piece for piece in range(self.count) if self.sample(piece) is not None)
        """The pieces that hold any value: between two neighbouring days there is none."""

    def pieces(self, node: Node) -> int:
        """The pieces that a cell matches; NotConstant."""
        match node:
            case Literal(value):
                return self.full if value is True else 0
            case syntax.In(Name("?"), tests):
                return self._any(tests)
            case syntax.Both(operands):
                return reduce(and_, map(self.pieces, operands), self.full)
            case syntax.Either(operands):
                return reduce(or_, map(self.pieces, operands), 0)
            case syntax.Invocation("not", (operand,)):
                return self.full & ~self.pieces(operand)
        return self._compared(node)

    def _compared(self, node: Node) -> int:
        match node:
            case Name("?"):
                return self._signed("=", True)
            case syntax.Compare(sign, Name("?"), Literal(value)):
                return self._signed(sign, value)
            case syntax.Compare(sign, Literal(value), Name("?")):
                return self._signed(_MIRRORED[sign], value)
            case syntax.Between(Name("?"), Literal(low), Literal(high)):
                return self._signed(">=", low) & self._signed("<=", high)
        raise NotConstant

    def _any(self, tests: tuple[Node, ...]) -> int:
        found = 0
        for test in tests:
            match test:
                case Literal(value):
                    found |= self._signed("=", value)
                case syntax.Against(sign, Literal(value)):
                    found |= self._signed(sign, value)
                case syntax.Interval(Literal(low), Literal(high), low_in, high_in):
                    above = self._signed(">=" if low_in else ">", low)
                    found |= above & self._signed("<=" if high_in else "<", high)
                case syntax.Elements(elements):
                    found |= self._any(elements)
                case _:
                    raise NotConstant
        return found

    def _signed(self, sign: str, value: object) -> int:
        """The pieces that hold what compares so with a value."""
        if value is None and sign in ("=", "!="):
            return 0 if sign == "=" else self.full
        if kind_of(value) != self.kind or not (self.ordered or sign in ("=", "!=")):
            raise NotConstant
        place = self._place[value if self.kind == "boolean" else ordinal(value)]
        point = 1 << (2 * place + 1 if self.ordered else place)
        match sign:
            case "=":
                return point
            case "!=":
                return self.full & ~point
            case "<":
                return point - 1
            case "<=":
                return point | (point - 1)
            case ">":
                return self.full & ~(point | (point - 1))
        return self.full & ~(point - 1)

    def sample(self, piece: int) -> object:
        """A value of a piece; null where it holds none."""
        if not self.ordered:
            return self.points[piece] if piece < len(self.points) else self._other()
        if piece % 2:
            return self.points[piece // 2]
        low = self.points[piece // 2 - 1] if piece else None
        high = self.points[piece // 2] if piece < self.count - 1 else None
        return _between(low, high)

    def _other(self) -> object:
        """A value that no cell names: there is none of a boolean."""
        if self.kind == "boolean":
            return None
        return max((str(point) for point in self.points), key=len, default="") + "…"

    def told(self, piece: int) -> str:
        """A piece in words, where it is not all there is (Chinese)."""
        if not self.points:
            return "任意值"
        if not self.ordered:
            return _shown(self.points[piece]) if piece < len(self.points) else "其他值"
        if piece % 2:
            return _shown(self.points[piece // 2])
        if not piece:
            return f"小于 {_shown(self.points[0])}"
        low = _shown(self.points[piece // 2 - 1])
        return f"大于 {low}" if piece == self.count - 1 else f"{low} 与 {_shown(self.points[piece // 2])} 之间"


def kind_of(value: object) -> str:
    """The kind of a constant."""
    return kind(value)


def _shown(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f"“{value}”"
        case Decimal():
            return format(value, "f")
        case date() | time() | timedelta() | Months():
            return written(value)
    return str(value)


def _between(low: Any, high: Any) -> object:  # noqa: ANN401 - two of one ordered kind, or null for no end
    """A value strictly between two; null where there is none."""
    match low if low is not None else high:
        case None:
            return Decimal(0)
        case Decimal():
            return _middle(low, high, Decimal(1))
        case Months():
            counts = (low.count if low else high.count - 2), (high.count if high else low.count + 2)
            return Months((counts[0] + counts[1]) // 2) if counts[1] - counts[0] > 1 else None
        case timedelta():
            return _middle(low, high, _DAY)
        case datetime():
            return _moment(low, high)
        case date():
            return _day(low, high)
    return _time(low, high)


def _middle(low: Any, high: Any, one: Any) -> object:  # noqa: ANN401 - numbers or durations
    if low is None:
        return high - one
    return low + one if high is None else low + (high - low) / 2


def _day(low: date | None, high: date | None) -> date | None:
    first = date.min.toordinal() - 1 if low is None else low.toordinal()
    last = date.max.toordinal() + 1 if high is None else high.toordinal()
    if last - first < 2:
        return None
    return date.fromordinal(last - 1 if low is None else first + 1)


def _moment(low: datetime | None, high: datetime | None) -> datetime | None:
    try:
        if low is None:
            return high - _DAY if high else None
        if high is None:
            return low + _DAY
        apart: timedelta = ordinal(high) - ordinal(low)
        return low + apart / 2 if apart > timedelta(microseconds=1) else None
    except OverflowError:
        return None


def _time(low: time | None, high: time | None) -> time | None:
    first = timedelta(microseconds=-1) if low is None else _of_day(low)
    last = _DAY if high is None else _of_day(high)
    middle = first + (last - first) / 2
    if last - first < timedelta(microseconds=2) or not timedelta(0) <= middle < _DAY:
        return None
    return (datetime(2000, 1, 1) + middle).time()


def _of_day(at: time) -> timedelta:
    """The time since midnight in Asia/Shanghai, where a time without a zone is meant."""
    since: timedelta = ordinal(at) - ordinal(time.min)
    return since
