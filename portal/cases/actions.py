"""What diagrams may do: one visible table from an action's name to its inputs and what carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.cases import bulk, recording
from portal.cases.act import Act
from portal.cases.delivery import RENDER
from portal.cases.errors import StepFailed
from portal.cases.family import Message
from portal.cases.kernel import Action
from portal.cases.live import LiveCase
from portal.cases.names import Names, evaluate
from portal.cases.starting import StartedBy, begin, party_of
from portal.cases.values import digest, plain
from portal.clock import day_of
from portal.documents import service as documents
from portal.documents.rules import DocumentRule
from portal.documents.service import Addressee
from portal.engine import Place
from portal.ledger import service as ledger
from portal.ledger.rules import Asset
from portal.procedures.actions import ActionRule
from portal.procedures.manifest import copied_to

Inputs = Mapping[str, Any]
Result = Mapping[str, Any] | None


def issue(act: Act, case: LiveCase, place: Place, inputs: Inputs) -> Result:
    """Issues a letter: number drawn, data frozen, service opened, rendering deferred."""
    name = inputs["document"]
    rule = case.procedure.manifest.documents[name]
    letter = documents.issue(
        act.tx,
        case_id=case.id,
        act_id=act.id,
        release_id=case.published.id,
        rule=rule,
        template=case.procedure.template_files[name],
        element=place.element,
        scope=place.scope,
        visit=place.visit,
        addressees=_addressees(case, rule),
        data=_letter_data(case, place, name),
        moment=act.moment,
        year=day_of(act.moment).year,
    )
    act.note(
        case, "letter.issued", place.element, letter=letter.id, number=letter.number, title=letter.title,
        data=digest(letter.data),
    )  # fmt: skip
    act.happened(case, f"issued({name})")
    act.family.kernel.queue.defer(act.tx, RENDER, letter_id=letter.id)
    return {"number": letter.number}


def _addressees(case: LiveCase, rule: DocumentRule) -> dict[str, Addressee]:
    """Whom a letter of the case goes to, by the manifest's words: its party, and the bodies that get a copy."""
    copies = {written: Addressee(_body(case, written)) for written in rule.copy}
    party = {"party": Addressee(case.party.name, case.party.id)} if case.party else {}
    return {**copies, **party}


def _body(case: LiveCase, written: str) -> str:
    """The title of a body of the regulation, or of the one of the region that a path of the case tells."""
    name, path = copied_to(written)
    regulation = case.published.regulation
    if path is None:
        return regulation.bodies[name]
    region = evaluate(case, path)
    if not isinstance(region, str) or not region:
        raise StepFailed(reason=f"不知道抄送给哪个区县的“{regulation.bodies[name]}”：“{path}”没有内容。")
    return regulation.body_of(name, region)


def _letter_data(case: LiveCase, place: Place, name: str) -> dict[str, Any]:
    """The values that the template's placeholders speak of, as plain JSON."""
    names = Names(case, place.scope)
    data: dict[str, Any] = {}
    paths = case.procedure.placeholders[name].paths
    for path in paths:
        if any(longer.startswith(f"{path}.") for longer in paths):
            continue  # its parts come one by one
        parts = path.split(".")
        value: object = names
        for part in parts:
            value = value.get(part) if isinstance(value, Mapping) else None
        here = data
        for part in parts[:-1]:
            here = here.setdefault(part, {})
        here[parts[-1]] = plain(value)
    return data


def post(act: Act, case: LiveCase, place: Place, inputs: Inputs) -> Result:
    """Posts an amount to a unit's account; a negative amount takes back."""
    asset = case.published.regulation.assets[inputs["asset"]]
    holder = party_of(act, inputs["to"])
    transfer = ledger.post(
        act.tx,
        key=_key(case, place),
        case_id=case.id,
        act_id=act.id,
        moment=act.moment,
        organisation_id=holder.id,
        asset=Asset(case.row.regulation, asset.name),
        amount=inputs["amount"],
        dimensions={name: inputs[name] for name in asset.distinguish},
        kind=case.element(place.scope, place.element).name,
        basis=_basis(case, place),
    )
    act.note(case, "ledger.posted", place.element, transfer=transfer.id, amount=plain(inputs["amount"]))
    return {"transfer": transfer.id}


def reverse(act: Act, case: LiveCase, place: Place, inputs: Inputs) -> Result:
    """Reverses whatever the linked case has posted."""
    undone = _linked(case, inputs["case"])
    transfers = ledger.reverse(
        act.tx,
        key=_key(case, place),
        of_case=undone.id,
        case_id=case.id,
        act_id=act.id,
        moment=act.moment,
        kind=case.element(place.scope, place.element).name,
        basis=_basis(case, place),
    )
    numbers = [transfer.id for transfer in transfers]
    act.note(case, "ledger.reversed", place.element, transfers=numbers, of=undone.row.number)
    return {"transfers": numbers}


def start_case(act: Act, case: LiveCase, place: Place, inputs: Inputs) -> Result:
    """Starts a case of another procedure of the regulation, its start form filled from the inputs."""
    given = {key: plain(value) for key, value in inputs.items() if key not in ("procedure", "instead_of")}
    replaced = _linked(case, inputs["instead_of"]) if "instead_of" in inputs else None
    if replaced is not None:
        # The new case takes the place of the linked one, of which there may be only one.
        replaced.row.once = None
        act.tx.flush()
    begun = begin(act, inputs["procedure"], given, StartedBy(case, place))
    if replaced is not None:
        bulk.stands_for(act, replaced, begun)
    act.note(case, "case.begun", place.element, number=begun.row.number, title=begun.row.title)
    return {"number": begun.row.number, "case": begun.id}


def message(act: Act, case: LiveCase, place: Place, inputs: Inputs) -> Result:
    """Sends a message to a linked case; it is delivered when the engine is at rest."""
    to = _linked(case, inputs["to"])
    payload = {key: plain(value) for key, value in inputs.items() if key not in ("to", "message")}
    act.send(Message(to.id, inputs["message"], payload, sender=case.id))
    return None


def _linked(case: LiveCase, name: str) -> LiveCase:
    if name != "about" or case.about is None:
        raise StepFailed(reason=f"案件没有关联“{name}”。")
    return case.about


def _key(case: LiveCase, place: Place) -> str:
    """What makes a posting happen once: the step and its visit."""
    return f"{case.id}/{place.scope}/{place.element}:{place.visit}"


def _basis(case: LiveCase, place: Place) -> str:
    return case.procedure.article(case.element(place.scope, place.element)) or ""


ACTIONS: Mapping[str, Action] = {
    "documents.issue": Action(ActionRule(frozenset({"document"}), yields=frozenset({"number"})), issue),
    "ledger.post": Action(
        ActionRule(frozenset({"asset", "to", "amount"}), free=True, yields=frozenset({"transfer"})), post
    ),
    "ledger.reverse": Action(ActionRule(frozenset({"case"}), yields=frozenset({"transfers"})), reverse),
    "cases.start": Action(
        ActionRule(
            frozenset({"procedure"}), frozenset({"instead_of"}), free=True, yields=frozenset({"number", "case"})
        ),
        start_case,
    ),
    "cases.start_each": Action(
        ActionRule(frozenset({"procedure", "each"}), free=True, yields=frozenset({"count"})), bulk.start_each
    ),
    "cases.message": Action(ActionRule(frozenset({"to", "message"}), free=True), message),
    **recording.ACTIONS,
}
