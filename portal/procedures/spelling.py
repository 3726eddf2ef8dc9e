"""Which known name one that nobody knows was meant to be."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that is nearest; empty when none is near."""
    return next(iter(get_close_matches(name, sorted(set(known)), 1)), "")


def meant(name: str, known: Iterable[str], mark: str = "") -> str:
    """The question whether the nearest known name was meant (Chinese, `mark` before it); empty when none is near."""
    near = nearest(name, known)
    return f"是否应为“{mark}{near}”？" if near else ""


def instead(name: str, known: Iterable[str], mark: str = "") -> str:
    """The nearest known name, and which there are in their order (Chinese, `mark` before each)."""
    names = list(dict.fromkeys(known))
    return meant(name, names, mark) + f"可用：{'、'.join(mark + other for other in names) or '无'}"


def referred(name: str, known: Collection[str], otherwise: str) -> str:
    """How to mend a reference `@name` to what is not there: those that are, or how to make it be there."""
    return f"{instead(name, known, '@')}；或{otherwise}" if known else otherwise
