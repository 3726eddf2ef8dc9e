"""A year's allocation to a crowd of made-up units: prepared, signed, and looked at afterwards for anything amiss."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

import portal
from portal import audit, identity
from portal.audit.rules import Chain
from portal.cases import filing, proof, tasks
from portal.cases.kernel import Kernel
from portal.cases.models import Case, Incident, StartItem, Task
from portal.db import Database
from portal.documents.models import Letter
from portal.documents.rules import numbered
from portal.forms import uscc
from portal.identity import Actor
from portal.ledger import service as ledger
from portal.ledger.models import TransferRow
from portal.procedures import from_folder, publish
from portal.registers import service as registers
from portal.registers.service import Cause

REGULATION, YEAR = "chongqing-ets", 2025
CONTENT = Path(portal.__file__).resolve().parents[1]


@dataclass(frozen=True)
class Crowd:
    """The units with their amounts (tCO₂e), and the case in which they were determined."""

    amounts: dict[str, int]
    allocation: int
    year: int


def unit_code(number: int) -> str:
    """The code of a made-up unit, with its right check digit."""
    first = f"91500101MA{number:07d}"
    return first + uscc.check_digit(first)


def determined(database: Database, kernel: Kernel, units: int, dice: random.Random, moment: datetime) -> Crowd:
    """People, units and content; an allocation determined, ready to be signed."""
    amounts = {unit_code(number): dice.randrange(1, 5_000_000) for number in range(units)}
    with database.transaction() as tx:
        publish(tx, from_folder(CONTENT, REGULATION), moment, "bench")
        for number, code in enumerate(amounts):
            identity.add_organisation(
                tx, uscc=code, name=f"重庆第{number}单位", district="万州区", kinds=["enterprise"]
            )
        _list_as_emitters(tx, kernel, list(amounts), moment)
        handler = _official(tx, "handler", moment)
    with database.transaction() as tx:
        case = filing.file(kernel, tx, handler, REGULATION, "allocation", {}, moment)
    rows = [{"unit": code, "amount": str(amount)} for code, amount in amounts.items()]
    answers = {"year": str(YEAR), "units": json.dumps(rows)}
    _complete(database, kernel, handler, case.id, answers, moment)
    return Crowd(amounts, case.id, moment.year)


def signed(database: Database, kernel: Kernel, crowd: Crowd, moment: datetime) -> None:
    """A leader signs: the one act that begins everything."""
    with database.transaction() as tx:
        leader = _official(tx, "leader", moment)
    _complete(database, kernel, leader, crowd.allocation, {"result": "签发"}, moment)


def _list_as_emitters(tx: Session, kernel: Kernel, codes: list[str], moment: datetime) -> None:
    register = kernel.releases.newest(tx, REGULATION).regulation.registers["emitters"]
    rows = [
        {"uscc": code, "year": YEAR, "name": f"重庆第{number}单位", "industry": "水泥", "district": "万州区"}
        for number, code in enumerate(codes)
    ]
    registers.record(tx, REGULATION, register, rows, None, Cause(moment=moment, reason="年度名录"))


def _official(tx: Session, role: str, moment: datetime) -> Actor:
    someone = identity.Person(
        login=role, name=role, password_hash="", organisation_id=None, administrator=False, active=True
    )
    tx.add(someone)
    tx.flush()
    identity.grant_role(tx, person_id=someone.id, regulation=REGULATION, role=role, from_day=date(2020, 1, 1))
    actor = identity.actor_of(tx, someone.id, moment.date())
    assert actor is not None
    return actor


def _complete(
    database: Database, kernel: Kernel, actor: Actor, case_id: int, answers: dict[str, str], moment: datetime
) -> None:
    def act(tx: Session) -> None:
        task = select(Task.id).where(Task.case_id == case_id, Task.state == "open")
        tasks.complete(kernel, tx, actor, tx.scalars(task).one(), answers, moment)

    database.attempt(act)


# What is looked at while it runs, and afterwards


def running(database: Database) -> int:
    """How many jobs some worker says to be doing; right after all workers were killed, those that were hit."""
    return _number(database, "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'")


def done_but_running(database: Database) -> int:
    """How many of those have committed their act already: what a careless worker would do twice."""
    query = "SELECT count(*) FROM procrastinate_jobs j JOIN acts a ON a.job = j.id::text WHERE j.status = 'doing'"
    return _number(database, query)


def progress(database: Database) -> tuple[int, int]:
    """How many notices have been started, and how many letters made."""
    made = "SELECT count(*) FROM letters WHERE state = 'ready'"
    return _number(database, "SELECT count(*) FROM start_items WHERE state = 'started'"), _number(database, made)


def jobs_left(database: Database) -> int:
    """How many jobs are waiting or being done."""
    waiting = "task_name IN ('cases.start_item', 'letters.render', 'cases.item_ended')"
    return _number(database, f"SELECT count(*) FROM procrastinate_jobs WHERE {waiting}")


def _number(database: Database, query: str) -> int:
    with database.transaction() as tx:
        return int(tx.scalar(text(query)) or 0)


def faults(database: Database, kernel: Kernel, crowd: Crowd) -> list[str]:
    """Everything that is not exactly as it should be, in words; empty when nothing was lost or done twice."""
    with database.transaction() as tx:
        return [
            *_faulty_cases(tx, crowd),
            *_faulty_numbers(tx, kernel, crowd),
            *_faulty_ledger(tx, crowd),
            *_faulty_histories(tx),
            *(f"incident: {one.during}: {one.what}" for one in tx.scalars(select(Incident))),
        ]


def _faulty_cases(tx: Session, crowd: Crowd) -> Iterator[str]:
    wanted = set(range(1, len(crowd.amounts) + 1))
    items = tx.scalars(select(StartItem)).all()
    yield from (f"row {item.item} is {item.state}: {item.fault}" for item in items if item.state != "started")
    found = Counter(tx.scalars(select(Case.started_by_item).where(Case.started_by_id == crowd.allocation)))
    if found != Counter(wanted):
        yield f"{found.total()} notices instead of {len(wanted)}"
    letters = Counter(tx.scalars(select(Letter.case_id)))
    if len(letters) != len(wanted) or letters.total() != len(wanted):
        yield f"{letters.total()} letters of {len(letters)} cases instead of {len(wanted)}"
    unmade = tx.scalar(select(func.count()).where(Letter.state != "ready"))
    if unmade:
        yield f"{unmade} letters have no file"


def _faulty_numbers(tx: Session, kernel: Kernel, crowd: Crowd) -> Iterator[str]:
    said = kernel.releases.newest(tx, REGULATION).procedure("allocation-notice").manifest
    cases = tx.scalars(select(Case.number).where(Case.procedure == "allocation-notice"))
    for pattern, drawn in ((said.number, cases), (said.documents["notice"].number, tx.scalars(select(Letter.number)))):
        wanted = {numbered(pattern, crowd.year, number) for number in range(1, len(crowd.amounts) + 1)}
        numbers = Counter(drawn)
        if numbers != Counter(wanted):
            yield f"numbers {pattern}: {len(wanted - set(numbers))} missing, {len(set(numbers) - wanted)} too high"


def _faulty_ledger(tx: Session, crowd: Crowd) -> Iterator[str]:
    posted = tx.scalar(select(func.count()).select_from(TransferRow))
    if posted != len(crowd.amounts):
        yield f"{posted} postings instead of {len(crowd.amounts)}"
    yield from ledger.invariants(tx)
    for code, amount in crowd.amounts.items():
        unit = identity.organisation_by_uscc(tx, code)
        held = sum(one.balance for one in ledger.holdings(tx, unit.id)) if unit else 0
        if held != amount:
            yield f"{code} holds {held} instead of {amount}"


def _faulty_histories(tx: Session) -> Iterator[str]:
    rows = tx.execute(select(Case.id, Case.audit_length, Case.audit_head).order_by(Case.id)).all()
    breaks = audit.verify(tx, ((case_id, Chain(length, head)) for case_id, length, head in rows))
    yield from (str(one) for one in (*breaks, *proof.altered(tx)))
    for case_id in tx.scalars(select(Case.id).where(Case.procedure == "allocation-notice")):
        kinds = Counter(entry.kind for entry in audit.entries(tx, case_id))
        for kind in ("case.started", "letter.issued", "ledger.posted", "letter.rendered"):
            if kinds[kind] != 1:
                yield f"case {case_id} tells {kinds[kind]} times of {kind}"
