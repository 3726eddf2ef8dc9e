"""What diagrams may do with registers: put a record on one, or change what is on record by a new entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from portal import registers
from portal.cases.act import Act
from portal.cases.errors import StepFailed
from portal.cases.kernel import Action
from portal.cases.live import LiveCase
from portal.engine import Place
from portal.procedures.actions import ActionRule
from portal.registers import Cause, Register, Written
from portal.registers.rules import STATE, digest_of

Inputs = Mapping[str, Any]
Row = Mapping[str, object]
Enter = Callable[..., list[Written]]

ENTERED = "record.entered"
"""The line that a case's history holds for each step that entered something."""
_OWN = frozenset({"register", STATE, "each", "document", "reason"})


def record(act: Act, case: LiveCase, place: Place, inputs: Inputs) -> Mapping[str, Any]:
    """Puts one record on a register, or one for each context of `each`; all or none.

    Raises RecordExists where one of them counts already, WrongField for what a field cannot hold.
    """
    return _enter(act, case, place, inputs, registers.record, _rows(case, inputs))


def update(act: Act, case: LiveCase, place: Place, inputs: Inputs) -> Mapping[str, Any]:
    """Changes one record, or one for each context of `each`, by a new entry; fields that hold nothing stay.

    Raises RecordMissing where none counts, WrongField for what a field cannot hold.
    """
    register = _register(case, inputs)
    if inputs.get("each") is None:
        for name in register.fields.keys() & inputs.keys():
            if inputs[name] is None:
                raise StepFailed(reason=f"《{register.title}》的“{register.title_of(name)}”没有内容。")
    rows = [{name: value for name, value in row.items() if value is not None} for row in _rows(case, inputs)]
    return _enter(act, case, place, inputs, registers.update, rows)


def _enter(
    act: Act, case: LiveCase, place: Place, inputs: Inputs, enter: Enter, rows: Sequence[Row]
) -> Mapping[str, Any]:
    register = _register(case, inputs)
    cause = _cause(act, case, place, inputs)
    written = enter(act.tx, case.row.regulation, register, rows, inputs.get(STATE), cause)
    if written:
        _note(act, case, place, register, written, inputs, cause)
    ids = [one.record_id for one in written]
    return {"record": ids if "each" in inputs else ids[0]}


def _register(case: LiveCase, inputs: Inputs) -> Register:
    return case.published.regulation.registers[inputs["register"]]


def _rows(case: LiveCase, inputs: Inputs) -> list[Row]:
    """The fields of every record: those that each row names are laid over those that are the same for all."""
    same = {name: value for name, value in inputs.items() if name not in _OWN}
    if "each" not in inputs:
        return [same]
    each = inputs["each"] if inputs["each"] is not None else []
    if not isinstance(each, list) or not all(isinstance(row, Mapping) for row in each):
        raise StepFailed(reason="“each”的值不是逐行的列表。")
    known = _register(case, inputs).fields.keys() | {"reason"}
    return [{**same, **{name: value for name, value in row.items() if name in known}} for row in each]


def _cause(act: Act, case: LiveCase, place: Place, inputs: Inputs) -> Cause:
    drawn = case.element(place.scope, place.element)
    document, letter_id = _document(case, place, inputs.get("document"))
    return Cause(
        moment=act.moment,
        reason=str(inputs.get("reason") or drawn.name),
        case_id=case.id,
        act_id=act.id,
        person_id=act.actor.person_id if act.actor else None,
        scope=place.scope,
        element=place.element,
        visit=place.visit,
        document=document,
        letter_id=letter_id,
        basis=case.procedure.article(drawn),
    )


def _document(case: LiveCase, place: Place, said: object) -> tuple[str | None, int | None]:
    """The number that the entry cites: of a letter of the case by its name, or what an expression says."""
    if said is None:
        return None, None
    action = case.element(place.scope, place.element).action
    if action is not None and action.inputs["document"].startswith("="):
        return str(said), None
    letter = case.letters.get(str(said))
    if letter is None:
        raise StepFailed(reason=f"作为登记依据的文书“{said}”还没有制发。")
    return letter.number, letter.id


def _note(
    act: Act,
    case: LiveCase,
    place: Place,
    register: Register,
    written: Sequence[Written],
    inputs: Inputs,
    cause: Cause,
) -> None:
    """One line for the step, whatever the number of its entries, with a digest of all of them."""
    one = written[0]
    alone = {"record": one.record_id, "entry": one.number, "key": one.key} if len(written) == 1 else {}
    act.note(
        case, ENTERED, place.element, register=register.name, title=register.title, count=len(written),
        state=inputs.get(STATE), document=cause.document, scope=place.scope, visit=place.visit,
        entries=digest_of([one.digest for one in written]), **alone,
    )  # fmt: skip


_OPTIONAL = frozenset({STATE, "each", "document", "reason"})
_YIELDS = frozenset({"record"})
ACTIONS: Mapping[str, Action] = {
    "register.record": Action(ActionRule(frozenset({"register"}), _OPTIONAL, free=True, yields=_YIELDS), record),
    "register.update": Action(ActionRule(frozenset({"register"}), _OPTIONAL, free=True, yields=_YIELDS), update),
}
"""What `portal.cases.actions` adds to its table."""
