"""What diagrams may do with a register of experts: draw a committee by lot, and put the next in somebody's place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import repeat, takewhile
from typing import Any

from sqlalchemy.orm import Session

from portal.cases import deciding, seated
from portal.cases.act import Act
from portal.cases.errors import StepFailed
from portal.cases.kernel import Action
from portal.cases.live import LiveCase
from portal.clock import day_of
from portal.engine import Place
from portal.identity import queries as identity
from portal.procedures.actions import ActionRule
from portal.registers import drawing
from portal.registers.lots import Candidate, Pool, PoolTooSmall, following, order, pool_of, seal
from portal.registers.models import Draw
from portal.registers.rules import DRAWN_ON, STATE, WHY_REPLACED, Register

Inputs = Mapping[str, Any]
People = Mapping[str, Mapping[str, Any]]
"""By their numbers the fields of their records."""

NUMBER = "number"
"""The key of a register that is drawn from."""
CANDIDATE = "candidate"
"""What the table that leaves people out calls the one whom it is asked about."""
DRAWN, REPLACED = "experts.drawn", "experts.replaced"
"""The lines of a case's history that tell of it."""
_NOBODY = "这一席没有专家，不能递补。"
_UNREGISTERED = "没有在门户登记，无法邀请"
_OFF = "已经不在名册"
_SUSPENDED = "在名册中暂停"


def draw(act: Act, case: LiveCase, place: Place, inputs: Inputs) -> Mapping[str, Any]:
    """Draws `count` of those on a register who can be given a task and whom the table `exclude` does not leave out;
    it sees of each why he was replaced in an earlier drawing of the case, if he was.

    Raises NotOdd, and PoolTooSmall, which says whom each cause removed. Yields `draw` (the record's id) and `seats`:
    for each drawn his `seat`, from 1, and the fields of his record.
    """
    register = case.published.regulation.registers[inputs["register"]]
    count = _whole(inputs["count"], "专家人数应为整数。")
    people = _people(act.tx, case.row.regulation, register)
    replaced = drawing.replaced_before(act.tx, case.id, register.name)
    asked = {DRAWN_ON: day_of(act.moment)}
    candidates = {number: {**one, **asked, WHY_REPLACED: replaced.get(number)} for number, one in people.items()}
    unregistered = _unregistered(act.tx, register, people)
    pool = _pool(act, _candidates(case, place, candidates, unregistered, inputs.get("exclude")), count)
    seed = act.family.kernel.seed(pool.numbers, count)
    drawn, snapshot = order(seed, pool.numbers)[:count], pool.as_json()
    sha256 = seal(snapshot, seed, count)
    row = Draw(
        regulation=case.row.regulation, register=register.name, case_id=case.id, scope=place.scope,
        element=place.element, visit=place.visit, act_id=act.id, moment=act.moment, count=len(drawn), seed=seed,
        snapshot=snapshot, sha256=sha256, drawn=drawn,
    )  # fmt: skip
    drawing.keep(act.tx, row)
    act.note(
        case, DRAWN, place.element, draw=row.id, register=register.name, title=register.title, seed=seed,
        sha256=sha256, drawn=drawn, pool=len(pool.numbers), excluded=len(pool.excluded), scope=place.scope,
        visit=place.visit,
    )  # fmt: skip
    seats = [{"seat": seat, **people[number]} for seat, number in enumerate(drawn, start=1)]
    return {"draw": row.id, "sha256": sha256, "seats": seats}


def replace(act: Act, case: LiveCase, place: Place, inputs: Inputs) -> Mapping[str, Any]:
    """Puts the next of the order in a `seat` of a `draw`, whose expert does not take part for a `reason`.

    Yields `number`, which is empty when nobody is left. Who no longer counts on the register when his turn comes, is
    suspended there, or can be given no task, is passed over for good; the history says why.
    """
    draw_id, seat = (_whole(inputs[key], _NOBODY) for key in ("draw", "seat"))
    row = drawing.draw_of(act.tx, case.id, draw_id)
    gone = drawing.seated(act.tx, row, seat) if row is not None else None
    if row is None or gone is None:
        raise StepFailed(reason=_NOBODY)
    reason = inputs["reason"]
    if not isinstance(reason, str) or not reason.strip():
        raise StepFailed(reason="递补要写明理由。")
    register = case.published.regulation.registers[row.register]
    waiting = following(order(row.seed, row.snapshot["pool"]), drawing.called(act.tx, row))
    why = _passed_over(act.tx, row.regulation, register, waiting)
    passed = list(takewhile(why.get, waiting))
    number = waiting[len(passed)] if len(passed) < len(waiting) else None
    change = drawing.replaced(act.tx, row, gone, number, reason.strip(), act.id, act.moment)
    act.note(
        case, REPLACED, place.element, draw=row.id, replacement=change.id, number=gone, by=number,
        reason=change.reason, passed=[{"number": one, "reason": why[one]} for one in passed],
    )  # fmt: skip
    return {"number": number}


def _pool(act: Act, candidates: Iterable[Candidate], count: int) -> Pool:
    """The pool; who is no official does not read whom a cause removed."""
    try:
        return pool_of(candidates, count)
    except PoolTooSmall as refusal:
        if act.actor is not None and act.actor.official:
            raise
        raise StepFailed(reason="名册中可以抽取的专家人数不足。") from refusal


def _candidates(
    case: LiveCase, place: Place, people: People, unregistered: frozenset[str], table: str | None
) -> Iterator[Candidate]:
    registered = {number: person for number, person in people.items() if number not in unregistered}
    asked = deciding.reasons(case, place.scope, table, CANDIDATE, registered.values()) if table else repeat("")
    reasons = {**dict(zip(registered, asked, strict=False)), **dict.fromkeys(unregistered, _UNREGISTERED)}
    for number, person in people.items():
        yield Candidate(number, str(person.get("name") or ""), reasons[number])


def _people(tx: Session, regulation: str, register: Register) -> People:
    """Everybody who counts on a register."""
    return {one.fields[NUMBER]: seated.person(register, one) for one in drawing.counting(tx, regulation, register)}


def _unregistered(tx: Session, register: Register, people: People) -> frozenset[str]:
    """Who cannot be given a task: those of a register of natural persons who are not registered in the portal."""
    code = register.field_of("person")
    if code is None:
        return frozenset()
    registered = identity.organisation_names(tx, {person[code] for person in people.values() if person[code]})
    return frozenset(number for number, person in people.items() if person[code] not in registered)


def _passed_over(tx: Session, regulation: str, register: Register, waiting: Iterable[str]) -> Mapping[str, str]:
    """Of each who waits for his turn why he is passed over; empty for whoever is not."""
    people = _people(tx, regulation, register)
    suspended = [number for number, one in people.items() if one[STATE] in register.suspended]
    why = {**dict.fromkeys(people, ""), **dict.fromkeys(suspended, _SUSPENDED)}
    why |= dict.fromkeys(_unregistered(tx, register, people), _UNREGISTERED)
    return {one: why.get(one, _OFF) for one in waiting}


def _whole(said: object, otherwise: str) -> int:
    """A whole number that an expression gave; StepFailed with a reason in words."""
    if not isinstance(said, Decimal) or said != said.to_integral_value():
        raise StepFailed(reason=otherwise)
    return int(said)


ACTIONS: Mapping[str, Action] = {
    "experts.draw": Action(
        ActionRule(
            frozenset({"register", "count"}), frozenset({"exclude"}), yields=frozenset({"draw", "sha256", "seats"})
        ),
        draw,
    ),
    "experts.replace": Action(ActionRule(frozenset({"draw", "seat", "reason"}), yields=frozenset({"number"})), replace),
}
"""What `portal.cases.actions` adds to its table."""
