"""What a transfer is: whole units, in double entry, never more than is held, corrected only by its mirror."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from portal.errors import PortalError

DIGITS = 15
BALANCE_LIMIT = 10**18
"""No account comes near; it keeps a sum of many transfers inside PostgreSQL's bigint."""

DIMENSIONS_LIMIT = 8
DIMENSION_LENGTH = 100

Dimensions = Mapping[str, str | int]
"""What distinguishes units of one asset, for example {"year": 2025, "kind": "免费"}."""


class InvalidAmount(PortalError):
    """What is to be posted is not a number of units."""

    zh = "数量须为不等于零的整数，且不超过15位：{amount}"
    en = "An amount is a whole number other than zero, of at most 15 digits: {amount}"


class InvalidDimensions(PortalError):
    """What is to distinguish units cannot do so."""

    zh = "区分项须为名称及其文字或整数：{dimensions}"
    en = "Units are distinguished by names with a text or a whole number: {dimensions}"


class InsufficientBalance(PortalError):
    """More is to be taken from an account than it holds."""

    zh = "账户{account}（{dimensions}）现有{balance}，不足以减少{amount}。"
    en = "Account {account} ({dimensions}) holds {balance}, which is less than the {amount} to be taken."


class BalanceTooLarge(PortalError):
    """More is to be held in an account than any account can hold."""

    zh = "账户{account}（{dimensions}）的余额将超出上限。"
    en = "Account {account} ({dimensions}) would hold more than any account can."


class KeyReused(PortalError):
    """A transfer of this key was posted before, with other content."""

    zh = "同一业务键已用于另一笔内容不同的记账：{key}"
    en = "This key was used before, for a transfer of other content: {key}"


@dataclass(frozen=True)
class Asset:
    """What is held, as a regulation declares it under `[assets.<code>]`."""

    regulation: str
    code: str


@dataclass(frozen=True)
class Leg:
    """One entry: so many units (negative: taken) of these dimensions on an account."""

    account_id: int
    amount: int
    dimensions: Dimensions

    @property
    def place(self) -> tuple[int, str]:
        """The balance that it changes."""
        return self.account_id, dimensions_key(self.dimensions)


@dataclass(frozen=True, kw_only=True)
class Posting:
    """A balanced transfer to be made in an act of a case; `key` is given once in the life of the ledger."""

    key: str
    case_id: int
    act_id: int
    moment: datetime
    kind: str
    basis: str
    legs: tuple[Leg, ...]
    reverses: int | None = None

    def __post_init__(self) -> None:
        if not is_balanced(self.legs):
            raise ValueError(f"the legs of {self.key} do not add up to nothing")

    def says_the_same_as(self, other: Posting) -> bool:
        """Whether both mean one transfer: the act and its moment may differ, since acts are run again."""
        return self._meaning() == other._meaning()

    def _meaning(self) -> tuple[object, ...]:
        legs = sorted((*leg.place, leg.amount) for leg in self.legs)
        return self.key, self.case_id, self.kind, self.basis, self.reverses, legs


@dataclass(frozen=True, kw_only=True)
class Transfer(Posting):
    """A posting in the ledger, where it stays."""

    id: int


def amount_of(value: object) -> int:
    """A number of units; raises InvalidAmount unless it is whole, not zero and of at most 15 digits."""
    value = _as_whole(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < abs(value) < 10**DIGITS:
        raise InvalidAmount(amount=value)
    return value


def dimensions_of(values: Mapping[str, object]) -> dict[str, str | int]:
    """What distinguishes units, whole decimals made integers; raises InvalidDimensions."""
    dimensions: dict[str, str | int] = {}
    for name, value in values.items():
        whole = _as_whole(value)
        if isinstance(whole, bool) or not isinstance(whole, str | int) or not _fits(name, whole):
            raise InvalidDimensions(dimensions=dict(values))
        dimensions[name] = whole
    if len(dimensions) > DIMENSIONS_LIMIT:
        raise InvalidDimensions(dimensions=dict(values))
    return dimensions


def _as_whole(value: object) -> object:
    """A decimal that is a whole number of few digits as an integer (FEEL knows decimals only)."""
    small = isinstance(value, Decimal) and value.is_finite() and abs(value) < 10**DIGITS
    return int(value) if isinstance(value, Decimal) and small and value == int(value) else value


def _fits(name: str, value: str | int) -> bool:
    text = str(value) if isinstance(value, str) or abs(value) < 10**DIGITS else ""
    return all(part and len(part) <= DIMENSION_LENGTH and "\0" not in part for part in (name, text))


def dimensions_key(dimensions: Dimensions) -> str:
    """The same text for the same dimensions, in whatever order they were written."""
    return json.dumps(dimensions, ensure_ascii=False, sort_keys=True)


def dimensions_text(dimensions: Dimensions) -> str:
    """The dimensions as a person reads them."""
    return "、".join(str(value) for _, value in sorted(dimensions.items())) or "—"


def account_number(account_id: int) -> str:
    """The number by which people speak of an account."""
    return f"A{account_id:08d}"


def account_id_of(number: str) -> int | None:
    """The account behind a number; None where no account can have it."""
    digits = number.removeprefix("A")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 20) or account_number(int(digits)) != number:
        return None
    return int(digits) if int(digits) < 2**63 else None


def pair(source: int, target: int, amount: int, dimensions: Dimensions) -> tuple[Leg, Leg]:
    """So many units go from one account to another; a negative amount goes the other way."""
    return Leg(source, -amount, dimensions), Leg(target, amount, dimensions)


def mirror(legs: Iterable[Leg]) -> tuple[Leg, ...]:
    """The legs that undo these."""
    return tuple(Leg(leg.account_id, -leg.amount, leg.dimensions) for leg in legs)


def is_balanced(legs: Iterable[Leg]) -> bool:
    """Whether what is taken equals what is given, for every set of dimensions by itself."""
    sums: Counter[str] = Counter()
    for leg in legs:
        sums[dimensions_key(leg.dimensions)] += leg.amount
    return not any(sums.values())


def net(legs: Iterable[Leg]) -> list[Leg]:
    """One leg per balance that changes, ascending by account; changes that cancel each other are left out."""
    sums: Counter[tuple[int, str]] = Counter()
    for leg in legs:
        sums[leg.place] += leg.amount
    return [Leg(place[0], amount, json.loads(place[1])) for place, amount in sorted(sums.items()) if amount]


def after(balance: int, leg: Leg) -> int:
    """The balance after a leg on an account that cannot go below zero."""
    facts = {
        "account": account_number(leg.account_id),
        "dimensions": dimensions_text(leg.dimensions),
        "balance": balance,
        "amount": -leg.amount,
    }
    if balance + leg.amount < 0:
        raise InsufficientBalance(**facts)
    if balance + leg.amount >= BALANCE_LIMIT:
        raise BalanceTooLarge(**facts)
    return balance + leg.amount
