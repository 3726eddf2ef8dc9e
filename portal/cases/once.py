"""What there may be only one case of (`once_per`): how it is written, and which case holds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases.models import Case
from portal.cases.values import plain

# So many keys of a procedure are asked for one by one; then all are read at once, unless there are too many.
_SINGLY, _AT_ONCE = 20, 100_000


def key(regulation: str, procedure: str, parts: Iterable[object]) -> str:
    """The key of a case by what `once_per` names, as `cases.once` holds it."""
    return "/".join([regulation, procedure, *(str(part) for part in parts)])


def holder(tx: Session, once: str) -> Case | None:
    """The case in force that holds a key."""
    return tx.scalar(select(Case).where(Case.once == once))


class InForce:
    """The function `in_force` of one evaluation, or of one form with a rule for each row of a table."""

    def __init__(self, tx: Session, regulation: str) -> None:
        self._tx, self._regulation = tx, regulation
        self._asked: Counter[str] = Counter()
        self._held: dict[str, frozenset[str]] = {}

    def __call__(self, procedure: object, parts: object) -> bool:
        """Whether a case of a procedure holds what its `once_per` names, given in the same order."""
        slug, given = str(procedure), parts if isinstance(parts, list) else [parts]
        asked = key(self._regulation, slug, (plain(part) for part in given))
        self._asked[slug] += 1
        if self._asked[slug] == _SINGLY:
            self._read_all(slug)
        if slug in self._held:
            return asked in self._held[slug]
        return self._tx.scalar(select(Case.id).where(Case.once == asked)) is not None

    def _read_all(self, slug: str) -> None:
        held = select(Case.once).where(Case.once.startswith(key(self._regulation, slug, [""]), autoescape=True))
        found = self._tx.scalars(held.limit(_AT_ONCE)).all()
        if len(found) < _AT_ONCE:
            self._held[slug] = frozenset(one for one in found if one is not None)
