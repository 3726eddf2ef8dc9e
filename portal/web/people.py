"""How pages name people: a deputy with the one for whom he stands in, 周敏（代 李强）."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.identity import queries

Doer = tuple[int | None, int | None]
"""Who did something, and for whom if he stood in for somebody."""


class People:
    """The names of some people, read at once."""

    def __init__(self, tx: Session, doers: Iterable[Doer]) -> None:
        ids = {person for doer in doers for person in doer if person is not None}
        self._names = queries.person_names(tx, ids) if ids else {}

    def said(self, person_id: int | None, for_id: int | None = None) -> str:
        """A person's name, with that of whom he stands in for; empty for nobody."""
        name = self._names.get(person_id or 0, "")
        return standing_in(name, self._names.get(for_id, "")) if for_id is not None else name


def standing_in(name: str, principal: str) -> str:
    """周敏（代 李强）; the name alone without principal."""
    return _("%(who)s（代 %(whom)s）", who=name, whom=principal) if principal else name
