"""What a register holds: its fields, keys and states, what an entry changes, and which figure stands meanwhile."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from portal.clock import day_of
from portal.errors import PortalError
from portal.forms import personal, uscc

STATE = "state"
"""The name under which expressions and histories speak of a record's state, beside its fields."""

MEANWHILE = "meanwhile"
"""The name under which paths speak of what stands for the fields in dispute."""

WHY_REPLACED = "replaced"
"""The name under which a table that leaves people out of a drawing asks why somebody was replaced earlier."""
DRAWN_ON = "drawn_on"
"""The name under which such a table asks for the day of the drawing."""

_LONGEST = 1000
_DIGITS = 15
_YEARS = range(1900, 2201)
_ITEMS, _ITEM = 50, 100
_SHA256 = re.compile(r"[0-9a-f]{64}")


class RecordExists(PortalError):
    """A record of this key counts already; a second would say the same thing twice."""

    zh = "《{register}》中已有{key}的记录（{state}），不能重复登记。"
    en = "The register “{register}” has a record of {key} already ({state})."


class RecordMissing(PortalError):
    """There is no record of this key that counts, so that nothing can be changed in it."""

    zh = "《{register}》中没有{key}的有效记录，无从变更。"
    en = "The register “{register}” has no record of {key} that counts."


class WrongField(PortalError):
    """A value that a field of the register cannot hold."""

    zh = "《{register}》的“{field}”不能是“{value}”，应为{wanted}。"
    en = "In the register “{register}” the field “{field}” cannot be “{value}”; it takes {wanted}."


@dataclass(frozen=True)
class Kind:
    """One type of field: its usual title, what it takes in words, its unit, and how a value is stored (None: not).

    `several`: a list, stored as its items line by line; `private`: never shown to the public.
    """

    title: str
    wanted: str
    read: Callable[[object], str | None]
    unit: str = ""
    number: bool = False
    several: bool = False
    private: bool = False


def _text(value: object) -> str | None:
    text = value.strip() if isinstance(value, str) else None
    return text if text and len(text) <= _LONGEST and "\0" not in text else None


def _uscc(value: object) -> str | None:
    code = uscc.normal(value) if isinstance(value, str) else ""
    return code if uscc.is_valid(code) else None


def _person(value: object) -> str | None:
    code = personal.normal(value) if isinstance(value, str) else ""
    return code if personal.is_valid(code) else None


def _party(value: object) -> str | None:
    return _uscc(value) or _person(value)


def _hash(value: object) -> str | None:
    digest = "".join(value.split()).lower() if isinstance(value, str) else ""
    return digest if _SHA256.fullmatch(digest) else None


def _list(value: object) -> str | None:
    """Texts one a line, each once, in their order; a text stands for the list of its lines."""
    given = value.splitlines() if isinstance(value, str) else value
    if not isinstance(given, list | tuple):
        return None
    items = [item.strip() if isinstance(item, str) else "" for item in given]
    if isinstance(value, str):
        items = [item for item in items if item]
    if not items or len(items) > _ITEMS or not all(map(_fits, items)):
        return None
    return "\n".join(dict.fromkeys(items))


def _fits(item: str) -> bool:
    return 0 < len(item) <= _ITEM and "\0" not in item and len(item.splitlines()) == 1


def _number(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    # One like 1e-999999999 would be written out with as many zeros.
    if not number.is_finite() or abs(number) >= 10**_DIGITS or (number and number.adjusted() < -_DIGITS):
        return None
    return f"{number.normalize():f}"


def _amount(value: object) -> str | None:
    number = _number(value)
    return number if number is not None and Decimal(number) == int(Decimal(number)) >= 0 else None


def _year(value: object) -> str | None:
    number = _amount(value)
    return number if number is not None and int(number) in _YEARS else None


def _day(value: object) -> str | None:
    if isinstance(value, datetime):
        return day_of(value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    try:
        return date.fromisoformat(value).isoformat() if isinstance(value, str) else None
    except ValueError:
        return None


KINDS: Mapping[str, Kind] = {
    "text": Kind("", f"不超过{_LONGEST}字的文字", _text),
    "uscc": Kind("统一社会信用代码", "正确的统一社会信用代码", _uscc),
    "amount": Kind("数量", "不小于零的整数吨数", _amount, unit="tCO₂e", number=True),
    "year": Kind("年度", "四位年份", _year, number=True),
    "region": Kind("区县", "区县名称", _text),
    "number": Kind("", "数字", _number, number=True),
    "date": Kind("日期", "日期", _day),
    "hash": Kind("SHA-256", "64位十六进制的 SHA-256 值", _hash),
    "list": Kind("", f"不超过{_ITEMS}项、每项不超过{_ITEM}字的文字", _list, several=True),
    "person": Kind("个人编号", "正确的个人编号", _person, private=True),
    "party": Kind("代码", "正确的统一社会信用代码或个人编号", _party, private=True),
}
"""The types that a field of a register may have."""


@dataclass(frozen=True)
class Meanwhile:
    """While a case of a procedure about the record's newest entry is open, a fact of it stands for a field."""

    procedure: str
    fact: str


@dataclass(frozen=True)
class Register:
    """Records of one kind, as a regulation declares them under `[registers.<name>]`."""

    name: str
    title: str
    key: tuple[str, ...]
    states: tuple[str, ...]
    fields: Mapping[str, str]
    """Field -> its type, a key of KINDS; in the order in which they are shown."""
    closed: frozenset[str] = frozenset()
    """The states in which a record no longer counts and may be recorded anew."""
    suspended: frozenset[str] = frozenset()
    """The states in which it stands, but is not to be relied on for the time being."""
    public: tuple[str, ...] = ()
    """The fields that everybody may see; without any the register is not public."""
    public_states: tuple[str, ...] = ()
    """The states in which everybody may see a record; empty: in all of them."""
    titles: Mapping[str, str] = field(default_factory=dict)
    meanwhile: Mapping[str, Meanwhile] = field(default_factory=dict)

    def title_of(self, name: str) -> str:
        """What people read for a field."""
        return self.titles.get(name) or KINDS[self.fields[name]].title or name

    def field_of(self, kind: str) -> str | None:
        """The first field of a type: by `year` a record is filtered."""
        return next((name for name, of in self.fields.items() if of == kind), None)

    @property
    def owner(self) -> str | None:
        """The field by whose code a record belongs to a party: to a natural person, to either, else to a unit."""
        return self.field_of("person") or self.field_of("party") or self.field_of("uscc")

    @property
    def shown_states(self) -> tuple[str, ...]:
        """The states in which everybody may see a record; none where the register is not public."""
        return (self.public_states or self.states) if self.public else ()

    def stored(self, name: str, value: object) -> str | None:
        """A value as the register keeps it; None stays none, but for a key; WrongField when it does not fit."""
        kind = KINDS[self.fields[name]]
        missing = value is None or value in ("", [])
        kept = None if missing else kind.read(value)
        if kept is None and (not missing or name in self.key):
            shown = "" if value is None else str(value)[:100]
            raise WrongField(register=self.title, field=self.title_of(name), value=shown, wanted=kind.wanted)
        return kept

    def typed(self, values: Mapping[str, str | None]) -> dict[str, object]:
        """Stored values as FEEL has them: numbers as decimals, days as dates."""
        return {name: self._typed(name, values.get(name)) for name in self.fields}

    def _typed(self, name: str, value: str | None) -> object:
        kind = self.fields[name]
        if value is None:
            return None
        if kind == "date":
            return date.fromisoformat(value)
        if KINDS[kind].several:
            return items_of(value)
        return Decimal(value) if KINDS[kind].number else value

    def key_of(self, values: Mapping[str, str | None]) -> str:
        """What there may be only one record of, as one text; the values are stored ones."""
        return json.dumps([values.get(name) for name in self.key], ensure_ascii=False)

    def key_text(self, values: Mapping[str, str | None]) -> str:
        """The key as people read it."""
        return "、".join(values.get(name) or "—" for name in self.key)

    def items(self, name: str, value: str) -> list[str]:
        """A stored value as what it holds: of a list its items, else itself."""
        kind = KINDS.get(self.fields.get(name, ""))
        return items_of(value) if kind is not None and kind.several else [value]

    def state(self, wanted: object) -> str:
        """The state to be entered: the first of the register's when none is given; WrongField for no such state."""
        if wanted is None:
            return self.states[0]
        if wanted not in self.states:
            raise WrongField(register=self.title, field="状态", value=wanted, wanted="、".join(self.states))
        return str(wanted)


def items_of(stored: str) -> list[str]:
    """The items of a stored list."""
    return stored.split("\n")


Values = Mapping[str, str | None]


def changes(before: tuple[str, Values] | None, after: tuple[str, Values]) -> dict[str, list[str | None]]:
    """What an entry changes: of the state and of each field the old and the new value; of the first entry all."""
    was = {STATE: before[0], **before[1]} if before else {}
    now = {STATE: after[0], **after[1]}
    return {name: [was.get(name), value] for name, value in now.items() if was.get(name) != value}


def chained(previous: str, content: Mapping[str, object]) -> str:
    """The digest of an entry that follows `previous`: no entry can be changed without changing all after it."""
    text = json.dumps({"previous": previous, **content}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of(digests: Iterable[str]) -> str:
    """One digest for all entries of a step, for the history of its case."""
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()


def standing(register: Register, name: str, recorded: str | None, fact: object) -> str | None:
    """The value that stands for a disputed field: the fact of the open case; while that says nothing, the recorded."""
    kept = KINDS[register.fields[name]].read(fact) if fact is not None else None
    return recorded if kept is None else kept
