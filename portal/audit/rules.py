"""How an entry of a case's history is chained to the one before it, and how a broken chain shows."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter

BEFORE_THE_FIRST = "0" * 64
KIND = re.compile(r"[a-z_]+\.[a-z_]+")
_canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True)
class Chain:
    """Length and last hash of one case's history; a case row keeps it, so that a cut tail shows."""

    length: int = 0
    head: str = BEFORE_THE_FIRST


@dataclass(frozen=True)
class Event:
    """One thing that happened in an act: `kind` is noun.verb, `actor_id` a person, or none for the portal.

    `on_behalf` is the person for whom a delegate acted (代); `details` holds what JSON keeps unchanged.
    """

    moment: datetime
    act_id: int
    kind: str
    actor_id: int | None = None
    on_behalf: int | None = None
    element: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in its place: the `seq`-th of its case, from 1; `previous` and `hash` are SHA-256 in hex."""

    case_id: int
    seq: int
    moment: datetime
    act_id: int
    kind: str
    actor_id: int | None
    on_behalf: int | None
    element: str | None
    details: Mapping[str, object]
    previous: str
    hash: str


@dataclass(frozen=True)
class Break:
    """Where the history of a case is not what was written, and what is wrong there."""

    case_id: int
    seq: int
    zh: str
    en: str


def link(previous: str, entry: Entry) -> str:
    """The hash of an entry that follows `previous`: SHA-256 over canonical JSON, moments in UTC."""
    content = {
        "previous": previous,
        "case_id": entry.case_id,
        "seq": entry.seq,
        "moment": entry.moment.astimezone(UTC).isoformat(timespec="microseconds"),
        "act_id": entry.act_id,
        "kind": entry.kind,
        "actor_id": entry.actor_id,
        "on_behalf": entry.on_behalf,
        "element": entry.element,
        "details": entry.details,
    }
    return hashlib.sha256(_canonical(content).encode()).hexdigest()


def extend(chain: Chain, case_id: int, events: Sequence[Event]) -> tuple[Chain, list[Entry]]:
    """The entries that follow `chain`, and the chain after them."""
    entries = []
    for event in events:
        entry = _entry(chain, case_id, event)
        chain = Chain(entry.seq, entry.hash)
        entries.append(entry)
    return chain, entries


def _entry(chain: Chain, case_id: int, event: Event) -> Entry:
    if not KIND.fullmatch(event.kind):
        raise ValueError(f"an event is called noun.verb, not {event.kind!r}")
    if event.moment.tzinfo is None:
        raise ValueError("the moment of an event names its zone")
    _refuse_what_json_changes(event.details)
    facts = {name: getattr(event, name) for name in Event.__dataclass_fields__}
    entry = Entry(case_id=case_id, seq=chain.length + 1, previous=chain.head, hash="", **facts)
    return Entry(case_id=case_id, seq=entry.seq, previous=chain.head, hash=link(chain.head, entry), **facts)


def _refuse_what_json_changes(value: object) -> None:
    # PostgreSQL's jsonb rewrites floats (1e22) and refuses NUL: the hash could not be computed again.
    match value:
        case None | bool() | int():
            return
        case str():
            if "\0" in value:
                raise ValueError("a detail holds the character NUL")
        case list() | tuple():
            for part in value:
                _refuse_what_json_changes(part)
        case Mapping():
            for key, part in value.items():
                if not isinstance(key, str):
                    raise ValueError(f"the name of a detail is text, not {key!r}")
                _refuse_what_json_changes(key)
                _refuse_what_json_changes(part)
        case _:
            raise ValueError(f"a detail is text, a whole number, a list or a mapping, not {value!r}")


def breaks(chains: Iterable[tuple[int, Chain]], entries: Iterable[Entry]) -> Iterator[Break]:
    """Every place where the entries are not those that the chains tell of; keeps neither in memory.

    Both ascend by case, the entries by case and seq. Found are entries edited, deleted, inserted, swapped,
    moved to another case or cut from the end, and entries of cases that `chains` does not name.
    """
    histories = groupby(entries, attrgetter("case_id"))
    history = next(histories, None)
    for case_id, chain in _ascending(chains):
        while history is not None and history[0] < case_id:
            yield _unknown(history[0])
            history = next(histories, None)
        if history is not None and history[0] == case_id:
            yield from breaks_of(case_id, chain, history[1])
            history = next(histories, None)
        else:
            yield from breaks_of(case_id, chain, ())
    while history is not None:
        yield _unknown(history[0])
        history = next(histories, None)


def breaks_of(case_id: int, chain: Chain, entries: Iterable[Entry]) -> Iterator[Break]:
    """The breaks of one case's entries, in order of seq, against the chain its row keeps."""
    length, head = 0, BEFORE_THE_FIRST
    for entry in entries:
        if entry.seq != length + 1:
            yield _out_of_sequence(entry, length + 1)
        elif entry.previous != head:
            yield Break(
                case_id,
                entry.seq,
                f"第{entry.seq}条与前一条不相衔接",
                f"entry {entry.seq} does not follow from the one before it",
            )
        if link(entry.previous, entry) != entry.hash:
            yield Break(
                case_id,
                entry.seq,
                f"第{entry.seq}条的内容被改动",
                f"the content of entry {entry.seq} was changed",
            )
        length, head = entry.seq, entry.hash
    yield from _wrong_end(case_id, chain, Chain(length, head))


def _wrong_end(case_id: int, chain: Chain, last: Chain) -> Iterator[Break]:
    if last.length < chain.length:
        yield Break(
            case_id,
            last.length + 1,
            f"应有{chain.length}条，只到第{last.length}条",
            f"{chain.length} entries were written, the last one left is {last.length}",
        )
    elif last.length > chain.length:
        yield Break(
            case_id,
            chain.length + 1,
            f"应有{chain.length}条，却有第{last.length}条",
            f"{chain.length} entries were written, yet there is entry {last.length}",
        )
    elif last.head != chain.head:
        yield Break(
            case_id,
            last.length,
            f"第{last.length}条不是案件所记的最后一条",
            f"entry {last.length} is not the last one that the case remembers",
        )


def _out_of_sequence(entry: Entry, expected: int) -> Break:
    return Break(
        entry.case_id,
        expected,
        f"第{expected}条的位置上是第{entry.seq}条",
        f"where entry {expected} belongs stands entry {entry.seq}",
    )


def _unknown(case_id: int) -> Break:
    return Break(case_id, 1, "记录所属的案件不存在", "there are entries of a case that is not known")


def _ascending(chains: Iterable[tuple[int, Chain]]) -> Iterator[tuple[int, Chain]]:
    before = None
    for case_id, chain in chains:
        if before is not None and case_id <= before:
            raise ValueError(f"the chains must ascend by case: {case_id} after {before}")
        before = case_id
        yield case_id, chain
