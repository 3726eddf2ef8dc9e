"""What expressions ask of the registers: a record by its key, however many rows of a form ask at once."""

from __future__ import annotations

from collections import Counter

from sqlalchemy.orm import Session

from portal import registers
from portal.procedures.regulation import Regulation
from portal.registers.rules import STATE, Register, Values, WrongField

# So many records are asked for one by one; whoever asks for more (the rows of a table) gets those beside them too.
_SINGLY = 5
_AT_ONCE = 20_000

Record = dict[str, object] | None
_Place = tuple[str, str]  # register and key
_Group = tuple[str, int | None]  # register and year


class OnRecord:
    """The function `record` of one evaluation, or of one form; what it has read it does not read again."""

    def __init__(self, tx: Session, regulation: Regulation) -> None:
        self._tx, self._regulation = tx, regulation
        self._known: dict[_Place, Record] = {}
        self._asked: Counter[_Group] = Counter()
        self._whole: set[_Group] = set()

    def __call__(self, name: object, key: object) -> Record:
        """The fields and the state of the record of a key; None where there is none, or can be none."""
        register = self._regulation.registers.get(name) if isinstance(name, str) else None
        values = _stored(register, key) if register is not None else None
        if register is None or values is None:
            return None
        place = register.name, register.key_of(values)
        if place not in self._known:
            self._known[place] = self._read(register, values, place)
        return self._known[place]

    def _read(self, register: Register, values: Values, place: _Place) -> Record:
        group = _group(register, values)
        if group is not None:
            self._asked[group] += 1
            if self._asked[group] == _SINGLY + 1:
                self._read_all(register, group)
            if place in self._known or group in self._whole:
                return self._known.get(place)
        row = registers.current(self._tx, self._regulation.slug, register, values)
        return {**register.typed(row.fields), STATE: row.state} if row else None

    def _read_all(self, register: Register, group: _Group) -> None:
        found = registers.siblings(self._tx, self._regulation.slug, *group, most=_AT_ONCE)
        for key, state, fields in found:
            self._known.setdefault((register.name, key), {**register.typed(fields), STATE: state})
        if len(found) < _AT_ONCE:
            self._whole.add(group)


def _group(register: Register, values: Values) -> _Group | None:
    """The register and year by which a record is read together with others; None where its key does not tell it."""
    field = register.field_of("year")
    if field is None:
        return register.name, None
    year = values.get(field)
    return (register.name, int(year)) if year is not None else None


def _stored(register: Register, key: object) -> Values | None:
    """A key's values as they are stored; None when it is none."""
    parts = key if isinstance(key, list) else [key]
    if len(parts) != len(register.key):
        return None
    try:
        return {name: register.stored(name, part) for name, part in zip(register.key, parts, strict=True)}
    except WrongField:
        return None
