"""Drawing people of a register by lot, so that anybody can draw again and get the same ones (docs/expert-draw.md).

The seed and the snapshot of the pool are published. Whoever has both puts the numbers of the pool in the order of
SHA-256(seed, ":", number), as hexadecimal text, and finds the drawn at its head and the replacements behind them.
One digest seals all of it when the lot is drawn, so that no other seed can be shown afterwards.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from portal.errors import PortalError, Words

LEAST = 3
"""A committee is odd, and has at least so many members."""
_NAMED = 10
"""How many of those whom one cause removed are named where the pool is too small."""


class NotOdd(PortalError):
    """A committee that could be evenly split, or is none."""

    zh = "专家人数应为单数，且不少于 {least} 人，现为 {count}。"
    en = "The number of experts must be odd and at least {least}; it is {count}."


class PoolTooSmall(PortalError):
    """Fewer are left than are to be drawn, after those who must not take part."""

    zh = "需抽取 {count} 人，名册中可以抽取的只有 {left} 人。{removed}"
    en = "{count} are to be drawn, but only {left} on the register may be. {removed}"


@dataclass(frozen=True)
class Candidate:
    """One on the register: the number by which he is drawn, his name, and why he is left out, if he is."""

    number: str
    name: str
    excluded: str = ""


@dataclass(frozen=True)
class Pool:
    """Who was on the register when it was drawn from: the numbers that could be drawn, and those left out with why."""

    numbers: tuple[str, ...]
    excluded: tuple[tuple[str, str], ...]

    def as_json(self) -> dict[str, object]:
        """What is published of it."""
        left_out = [{"number": number, "reason": reason} for number, reason in self.excluded]
        return {"pool": list(self.numbers), "excluded": left_out}


def seal(snapshot: Mapping[str, object], seed: str, count: int) -> str:
    """The digest that is published when `count` are drawn: of a snapshot (`Pool.as_json`), the seed and the count."""
    return hashlib.sha256(canonical({**snapshot, "seed": seed, "count": count})).hexdigest()


def canonical(value: object) -> bytes:
    """JSON in one form only: keys sorted, no blanks, UTF-8."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def pool_of(candidates: Iterable[Candidate], count: int) -> Pool:
    """The pool that `count` are drawn from; raises NotOdd, and PoolTooSmall with whom each cause removed."""
    if count < LEAST or count % 2 == 0:
        raise NotOdd(least=LEAST, count=count)
    listed = sorted(candidates, key=lambda one: one.number)
    pool = Pool(
        tuple(one.number for one in listed if not one.excluded),
        tuple((one.number, one.excluded) for one in listed if one.excluded),
    )
    if len(pool.numbers) < count:
        raise PoolTooSmall(count=count, left=len(pool.numbers), removed=_removed(listed))
    return pool


def order(seed: str, numbers: Sequence[str]) -> list[str]:
    """The numbers in the order in which they are drawn."""
    return sorted(numbers, key=lambda number: hashlib.sha256(f"{seed}:{number}".encode()).hexdigest())


def following(numbers: Sequence[str], called: Collection[str]) -> list[str]:
    """Those of an order who come after everybody called so far; who was passed over before is not called later."""
    last = max((place for place, number in enumerate(numbers) if number in called), default=-1)
    return list(numbers[last + 1 :])


def _removed(candidates: Iterable[Candidate]) -> Words:
    causes: Mapping[str, list[str]] = defaultdict(list)
    for one in candidates:
        if one.excluded:
            causes[one.excluded].append(one.name)
    if not causes:
        return Words("没有人被排除。", "Nobody was left out.")
    told = sorted(causes.items())
    zh = "；".join(f"{cause}：{len(names)} 人（{_names(names, '、', '等')}）" for cause, names in told)
    en = "; ".join(f"{cause}: {len(names)} ({_names(names, ', ', ' and others')})" for cause, names in told)
    return Words(f"被排除的：{zh}。", f"Left out: {en}.")


def _names(names: Sequence[str], between: str, more: str) -> str:
    return between.join(names[:_NAMED]) + (more if len(names) > _NAMED else "")
