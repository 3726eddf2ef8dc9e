"""Where in a diagram a deadline started: chains of calls such as "review:1/seat:1.3", and which belong together.

A segment is an element with its visit and, of one of many, its item.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol, TypeVar

_VISIT = re.compile(r":\d+")


class Scoped(Protocol):
    """A deadline, as far as this is concerned."""

    @property
    def name(self) -> str:
        """Its name in the manifest."""

    @property
    def scope(self) -> str:
        """Where its event happened; "" at the top, and for what happens to the case as a whole."""


S = TypeVar("S", bound=Scoped)


def within(scope: str, outer: str) -> bool:
    """Whether a scope is another, or lies in it."""
    return not outer or scope == outer or scope.startswith(f"{outer}/")


def reaches(event: str, deadline: str) -> bool:
    """Whether what happens in one scope concerns a deadline of another: one lies in the other."""
    return within(event, deadline) or within(deadline, event)


def seat(scope: str) -> str:
    """A scope without its visits: what is entered again is the same seat, two items are two."""
    return _VISIT.sub("", scope)


def manys(scope: str) -> list[str]:
    """The beginnings of the segments of many that a scope lies in: "review:1/seat:1." of "review:1/seat:1.3"."""
    found, before = [], ""
    for segment in scope.split("/") if scope else ():
        whole, dot, _item = segment.partition(".")
        if dot:
            found.append(f"{before}{whole}.")
        before += f"{segment}/"
    return found


def instance(scope: str) -> str:
    """The innermost one of many that a scope lies in; "" when it lies in none."""
    segments = scope.split("/")
    while segments and "." not in segments[-1]:
        segments.pop()
    return "/".join(segments)


def newest(rows: Iterable[S], name: str, scope: str) -> S | None:
    """The newest deadline of a name at the seat of a scope; `rows` are in the order in which they started."""
    here = [row for row in rows if row.name == name and seat(row.scope) == seat(scope)]
    return here[-1] if here else None


def preceding(rows: Iterable[S], name: str, scope: str) -> S | None:
    """Whose place a deadline takes that an event in a scope starts: the newest at its seat, else around it."""
    known = list(rows)
    around = [row for row in known if row.name == name and within(scope, row.scope)]
    return newest(known, name, scope) or (around[-1] if around else None)


def meant(rows: Iterable[S], scope: str) -> dict[str, S]:
    """Which deadline each name means in a scope: that of the nearest scope around it, else the newest of all."""
    found: dict[str, S] = {}
    for row in rows:
        before = found.get(row.name)
        near = _nearness(row, scope)
        if before is None or near >= _nearness(before, scope):
            found[row.name] = row
    return found


def _nearness(row: Scoped, scope: str) -> int:
    """How long the scope is that a row has in common with one in it; -1 when it lies elsewhere."""
    return len(row.scope) if within(scope, row.scope) else -1
