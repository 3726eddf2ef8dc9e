"""What expressions ask of the organisations registered here: one by its code, however many rows ask at once."""

from __future__ import annotations

from sqlalchemy.orm import Session

from portal.forms import parties
from portal.identity import queries

# So many are asked for one by one; whoever asks for more (the rows of a table) gets the others too, if not too many.
_SINGLY = 5
_AT_ONCE = 20_000

Unit = dict[str, str] | None


class Registered:
    """The function `registered` of one evaluation, or of one form; what it has read it does not read again."""

    def __init__(self, tx: Session) -> None:
        self._tx = tx
        self._known: dict[str, Unit] = {}
        self._asked = 0
        self._all = False

    def __call__(self, code: object) -> Unit:
        """Name, code and district of the organisation of a code; None where none is registered under it."""
        plain = parties.normal(code) if isinstance(code, str) else ""
        if not parties.is_valid(plain):
            return None
        if plain not in self._known and not self._all:
            self._known[plain] = self._read(plain)
        return self._known.get(plain)

    def _read(self, code: str) -> Unit:
        self._asked += 1
        if self._asked == _SINGLY + 1:
            found = queries.registered(self._tx, _AT_ONCE)
            self._known |= {one[0]: _unit(*one) for one in found}
            self._all = len(found) < _AT_ONCE
            if self._all or code in self._known:
                return self._known.get(code)
        row = queries.organisation_by_uscc(self._tx, code)
        return _unit(row.uscc, row.name, row.district) if row else None


def _unit(code: str, name: str, district: str) -> dict[str, str]:
    return {"uscc": code, "name": name, "district": district}
