"""Proves that what was said and what letters hold is what the chained history vouches for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import audit, registers
from portal.audit.rules import Break, Entry
from portal.cases.live import served_at
from portal.cases.models import Case, CaseValue, StartItem
from portal.cases.recording import ENTERED
from portal.cases.starting import begun
from portal.cases.values import digest
from portal.clock import TZ, day_of
from portal.deadlines import service as deadlines
from portal.documents import service as documents
from portal.documents.models import Letter
from portal.procedures.content import unpack
from portal.procedures.models import Release
from portal.procedures.releases import regulation_in
from portal.registers import Record, Register
from portal.registers import proof as records
from portal.registers.rules import digest_of


def altered(tx: Session) -> Iterator[Break]:
    """Every value, letter and entry in a register that is not what its case's history vouches for."""
    for case_id in tx.scalars(select(Case.id).order_by(Case.id)):
        history = audit.entries(tx, case_id)
        yield from _begun_otherwise(tx, case_id, history)
        yield from _altered_in(tx, case_id, history)
        yield from _recorded_otherwise(tx, case_id, history)
        yield from _due_otherwise(tx, case_id, history)
        yield from _listed_otherwise(tx, case_id, history)
    for found in records.altered(tx, _Registers(tx).of):
        yield Break(found.case_id or 0, 0, found.zh, found.en)


class _Registers:
    """The registers as the releases declare them, each release opened once."""

    def __init__(self, tx: Session) -> None:
        self._tx = tx
        self._opened: dict[int, Mapping[str, Register]] = {}

    def of(self, record: Record) -> Register | None:
        """By which declaration a record's newest entry was made: its case's, or the newest when it has none."""
        if record.case_id is not None:
            release_id = self._tx.scalar(select(Case.release_id).where(Case.id == record.case_id))
        else:
            release_id = self._tx.scalar(select(func.max(Release.id)).where(Release.regulation == record.regulation))
        return self._declared(release_id).get(record.register) if release_id is not None else None

    def _declared(self, release_id: int) -> Mapping[str, Register]:
        if release_id not in self._opened:
            release = self._tx.get_one(Release, release_id)
            self._opened[release_id] = regulation_in(unpack(release.regulation, release.content)).registers
        return self._opened[release_id]


def _begun_otherwise(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    """Cases that are not any more whose they were, or what started them, at their first entry."""
    now = digest(begun(tx.get_one(Case, case_id)))
    for entry in history:
        if entry.details.get("begun", now) != now:
            zh = "案件的编号、当事人、提出时间、来由或适用的版本被改动"
            yield Break(case_id, entry.seq, zh, "the case's number, party, filing, origin or release was changed")


def _altered_in(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    said: dict[tuple[int, str], set[str]] = defaultdict(set)
    for value in tx.scalars(select(CaseValue).where(CaseValue.case_id == case_id)):
        said[value.act_id, value.element].add(digest(value.value))
    issued = documents.letters_of(tx, case_id)
    letters = {letter.id: digest(letter.data) for letter in issued}
    yield from _other_than_told(tx, case_id, history, {letter.id: letter for letter in issued})
    for entry in history:
        vouched = entry.details.get("said")
        # An empty answer (a message without form) leaves no value.
        found = said.get((entry.act_id, entry.element or ""), {digest({})})
        if vouched is not None and vouched not in found:
            zh, en = f"“{entry.element}”处所填的内容被改动", f"what was said at “{entry.element}” was changed"
            yield Break(case_id, entry.seq, zh, en)
        letter = entry.details.get("letter")
        if "data" in entry.details and isinstance(letter, int) and letters.get(letter) != entry.details["data"]:
            number = entry.details.get("number")
            zh, en = f"文书{number}的数据被改动", f"the data of letter {number} were changed"
            yield Break(case_id, entry.seq, zh, en)


def _recorded_otherwise(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    """Steps whose entries in registers are not those that the history vouches for, and entries it knows nothing of."""
    entered: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for row in registers.entries_of_case(tx, case_id):
        entered[row.act_id, row.scope, row.element, row.visit].append(row.digest)
    for entry in history:
        if entry.kind == ENTERED:
            said = entry.details
            found = entered.pop((entry.act_id, said["scope"], entry.element, said["visit"]), [])
            if digest_of(found) != said["entries"]:
                zh = f"“{entry.element}”在名册《{said['title']}》中的登记被改动"
                yield Break(case_id, entry.seq, zh, f"what “{entry.element}” entered in a register was changed")
    for _act, _scope, element, _visit in entered:
        zh, en = f"名册中有一条登记并非“{element}”所记", f"an entry in a register was not made at “{element}”"
        yield Break(case_id, 0, zh, en)


def _due_otherwise(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    """Deadlines that end at another moment than the newest line about them says."""
    told = {str(entry.details["deadline"]): entry for entry in history if _tells_an_end(entry)}
    for name, deadline in deadlines.latest(tx, case_id).items():
        entry = told.get(name)
        if entry is None or deadline.state == "dropped":
            continue
        said = datetime.fromisoformat(str(entry.details["new_due"] or entry.details["old_due"]))
        last = day_of(deadline.due - timedelta(microseconds=1))
        if deadline.due != said or deadline.last_day != last or entry.details["what"] == "dropped":
            zh = f"期限“{deadline.title}”与所记的不符"
            yield Break(case_id, entry.seq, zh, f"not what entry {entry.seq} tells: the deadline {name}")


def _tells_an_end(entry: Entry) -> bool:
    said = entry.details
    return entry.kind.startswith("deadline.") and "what" in said and bool(said.get("new_due") or said.get("old_due"))


def _listed_otherwise(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    """Lists whose rows are not those for which cases were to be started."""
    for entry in history:
        said = entry.details
        if entry.kind == "items.begun" and "rows" in said:
            place = (
                StartItem.starter_id == case_id,
                StartItem.scope == said["scope"],
                StartItem.element == entry.element,
                StartItem.visit == said["visit"],
            )
            rows = tx.scalars(select(StartItem.values).where(*place).order_by(StartItem.item)).all()
            if digest(list(rows)) != said["rows"]:
                zh = f"“{entry.element}”逐行启动案件的名单被改动"
                yield Break(case_id, entry.seq, zh, f"the rows for which “{entry.element}” starts cases were changed")


def _other_than_told(
    tx: Session, case_id: int, history: Sequence[Entry], letters: Mapping[int, Letter]
) -> Iterator[Break]:
    """Rows that say otherwise than the newest entry about them: a file's hash, a service, the outcome."""
    told: dict[tuple[str, int], tuple[Entry, object]] = {}
    for entry in history:
        letter = entry.details.get("letter")
        if entry.kind == "letter.rendered" and isinstance(letter, int):
            told["文书文件", letter] = entry, entry.details["sha256"]
        elif entry.kind == "letter.served" and isinstance(letter, int):
            told["送达时间", letter] = entry, entry.details["at"]
        elif entry.kind == "letter.unserved" and isinstance(letter, int):
            told["送达时间", letter] = entry, None
        elif entry.kind in ("case.ended", "case.replaced"):
            told["办理结果", case_id] = entry, entry.details["outcome"]
            if entry.kind == "case.ended":
                told["办结时间", case_id] = entry, entry.moment
    for (what, key), (entry, said) in told.items():
        if said != _now(tx, what, key, letters):
            yield Break(case_id, entry.seq, f"{what}与所记的不符", f"not what entry {entry.seq} tells: {what}")


def _now(tx: Session, what: str, key: int, letters: Mapping[int, Letter]) -> object:
    if what == "办理结果":
        return tx.get_one(Case, key).outcome
    if what == "办结时间":
        return tx.get_one(Case, key).ended_at
    letter = letters.get(key)
    if letter is None:
        return None
    if what == "文书文件":
        return letter.sha256
    at = served_at(letter)
    return at.astimezone(TZ).isoformat() if at else None
