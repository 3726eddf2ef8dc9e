"""What diagrams may do: one visible table from an action's name to its inputs and what carries it out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from portal.cases import accepting, archiving, bulk, finding, lots, notifying, publishing, recording, timing
from portal.cases.act import Act
from portal.cases.delivery import RENDER
from portal.cases.errors import Refused, StepFailed
from portal.cases.family import Message
from portal.cases.filers import FILER, name_of
from portal.cases.kernel import Action
from portal.cases.live import LiveCase
from portal.cases.names import Names, evaluate
from portal.cases.standing import REVOKED
from portal.cases.starting import StartedBy, begin, party_of
from portal.cases.values import digest, plain
from portal.clock import day_of
from portal.documents import service as documents
from portal.documents.models import Letter
from portal.documents.rules import DocumentRule
from portal.documents.service import Addressee
from portal.engine import Place
from portal.ledger import Asset, InsufficientBalance
from portal.ledger import service as ledger
from portal.ledger.rules import dimensions_key, dimensions_text
from portal.procedures.actions import ActionRule
from portal.procedures.manifest import copied_to

Inputs = Mapping[str, Any]
Result = Mapping[str, Any] | None


class NoRegion(Refused):
    """A copy goes to the body of a region, and nothing says which region that is."""

    zh = "不知道抄送给哪个区县的“{body}”：“{path}”没有内容。请先补全（如单位登记的所在区县），再试一次。"
    en = "Whose “{body}” gets the copy is not known: “{path}” is empty. Enter it (the unit's district), then try again."


class NotHeld(Refused):
    """More is to be taken back than the unit still holds: it has used the rest, or passed it on."""

    zh = (
        "账户{account}（{dimensions}）不够收回，还差{short}：其余已经使用或者转出。"
        "请改正数量，至少少收回{short}（重新核定、变更的，即把数量提高{short}），或者待该单位补足后再办；"
        "已经送签的，签批人可以退回。"
    )
    en = (
        "Account {account} ({dimensions}) is {short} short of what is to be taken back: the rest was used or passed "
        "on. Take back at least {short} less (of a figure determined anew: raise it by {short}), or wait until the "
        "unit has made up for it; what is to be signed can be returned."
    )


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
    finding.letter_issued(act.tx, case, letter.number)
    act.happened(case, f"issued({name})")
    if inputs.get("revokes"):
        _revoke(act, _linked(case, "about"), inputs["revokes"], letter)
    act.family.kernel.queue.defer(act.tx, RENDER, letter_id=letter.id)
    return {"number": letter.number}


def _revoke(act: Act, about: LiveCase, name: str, by: Letter) -> None:
    """Notes that a letter withdraws the newest letter of that name of the case it is about."""
    old = about.letters.get(name)
    if old is None:
        raise StepFailed(reason=f"案件 {about.row.number} 没有可以撤销的文书“{name}”。")
    act.note(about, REVOKED, letter=old.id, number=old.number, by=by.id, of=by.number)


def _addressees(case: LiveCase, rule: DocumentRule) -> dict[str, Addressee]:
    """Whom a letter of the case goes to, by the manifest's words: its party, and the bodies that get a copy."""
    copies = {written: Addressee(_body(case, written)) for written in rule.copy}
    party = {"party": Addressee(case.party.name, case.party.id)} if case.party else {}
    return {**copies, **party, FILER: _filer(case)} if FILER in rule.serve else {**copies, **party}


def _filer(case: LiveCase) -> Addressee:
    """Whoever filed the case: a person without an account by his name, else its party."""
    name = name_of(case)
    if name is not None:
        return Addressee(name)
    return Addressee(case.party.name, case.party.id) if case.party else Addressee("")


def _body(case: LiveCase, written: str) -> str:
    """The title of a body of the regulation, or of the one of the region that a path of the case tells."""
    name, path = copied_to(written)
    regulation = case.published.regulation
    if path is None:
        return regulation.bodies[name]
    region = evaluate(case, path)
    if not isinstance(region, str) or not region:
        raise NoRegion(body=regulation.bodies[name], path=path)
    return regulation.body_of(name, region)


def _letter_data(case: LiveCase, place: Place, name: str) -> dict[str, Any]:
    """The values that the template's placeholders speak of, as plain JSON; of a list's rows what each is asked for."""
    found: dict[str, Any] = _asked(Names(case, place.scope), _tree(case.procedure.placeholders[name].paths))
    return found


_Parts = dict[str, "_Parts"]
"""What is asked of a value, and of its parts: of `check.items.no` `{"check": {"items": {"no": {}}}}`."""


def _tree(paths: Iterable[str]) -> _Parts:
    tree: _Parts = {}
    for path in paths:
        here = tree
        for part in path.split("."):
            here = here.setdefault(part, {})
    return tree


def _asked(value: object, parts: _Parts) -> Any:  # noqa: ANN401 - JSON
    if not parts:
        return plain(value)
    if isinstance(value, list):
        return [_asked(one, parts) for one in value]
    if isinstance(value, Mapping):
        return {name: _asked(value.get(name), more) for name, more in parts.items()}
    return None


def post(act: Act, case: LiveCase, place: Place, inputs: Inputs) -> Result:
    """Posts an amount to a unit's account; a negative amount takes back, or raises NotHeld."""
    asset = case.published.regulation.assets[inputs["asset"]]
    holder = party_of(act, inputs["to"])
    with _taken_back():
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
    amount = plain(inputs["amount"])
    act.note(case, "ledger.posted", place.element, transfer=transfer.id, amount=amount, unit=asset.unit)
    return {"transfer": transfer.id}


def reverse(act: Act, case: LiveCase, place: Place, inputs: Inputs) -> Result:
    """Reverses whatever the linked case has posted; NotHeld when the unit has used some of it."""
    undone = _linked(case, inputs["case"])
    with _taken_back():
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


@contextmanager
def _taken_back() -> Iterator[None]:
    """Says in the words of those who determine figures that a unit no longer holds what is to be taken back."""
    try:
        yield
    except InsufficientBalance as refusal:
        facts: Mapping[str, Any] = refusal.facts
        short = facts["amount"] - facts["balance"]
        raise NotHeld(account=facts["account"], dimensions=facts["dimensions"], short=short) from refusal


def check_held(act: Act, case: LiveCase, place: Place, inputs: Inputs) -> Result:
    """Raises NotHeld for an amount that could not take the place of what the linked case has posted.

    Without an amount, or where that case has posted nothing, there is nothing to look at.
    """
    undone, amount = _linked(case, inputs["case"]), inputs["amount"]
    lines = [line for line in ledger.entries_of_case(act.tx, undone.id) if line.organisation_id is not None]
    if amount is None or not lines:
        return None
    places = {(line.account, dimensions_key(line.dimensions)) for line in lines}
    holders = {line.organisation_id for line in lines if line.organisation_id is not None}
    holdings = [holding for holder in holders for holding in ledger.holdings(act.tx, holder)]
    held = sum(one.balance for one in holdings if (one.account, dimensions_key(one.dimensions)) in places)
    short = sum(line.amount for line in lines) - held - amount
    if short > 0:
        raise NotHeld(account=lines[0].account, dimensions=dimensions_text(lines[0].dimensions), short=short)
    return None


def start_case(act: Act, case: LiveCase, place: Place, inputs: Inputs) -> Result:
    """Starts a case of another procedure of the regulation, its start form filled from the inputs."""
    given = {key: plain(value) for key, value in inputs.items() if key not in ("procedure", "instead_of")}
    replaced = _linked(case, inputs["instead_of"]) if "instead_of" in inputs else None
    begun = begin(act, inputs["procedure"], given, StartedBy(case, place, instead_of=replaced))
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


def open_publicity(act: Act, case: LiveCase, place: Place, inputs: Inputs) -> Result:
    """Shows the case to everybody: its page with what the manifest names, and its period."""
    rule = case.procedure.manifest.publicity[inputs["publicity"]]
    if publishing.open_name(act.tx, case.id, rule.name):
        raise StepFailed(reason=f"公示“{rule.name}”正在进行，不能再次开始。")
    act.happened(case, f"opened({rule.name})")
    return {"publication": publishing.begin(act, case, place.scope, place.element, rule).id}


def close_publicity(act: Act, case: LiveCase, place: Place, inputs: Inputs) -> Result:
    """Closes what is shown, with its result; the page stays."""
    rule = case.procedure.manifest.publicity[inputs["publicity"]]
    publishing.end(act, case, place.element, rule, inputs["result"])
    act.happened(case, f"closed({rule.name})")
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
    "documents.issue": Action(
        ActionRule(frozenset({"document"}), frozenset({"revokes"}), yields=frozenset({"number"})), issue
    ),
    "ledger.post": Action(
        ActionRule(frozenset({"asset", "to", "amount"}), free=True, yields=frozenset({"transfer"})), post
    ),
    "ledger.reverse": Action(ActionRule(frozenset({"case"}), yields=frozenset({"transfers"})), reverse),
    "ledger.check": Action(ActionRule(frozenset({"case", "amount"})), check_held),
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
    "publicity.open": Action(ActionRule(frozenset({"publicity"}), yields=frozenset({"publication"})), open_publicity),
    "publicity.close": Action(ActionRule(frozenset({"publicity", "result"})), close_publicity),
    **accepting.ACTIONS,
    **archiving.ACTIONS,
    **lots.ACTIONS,
    **notifying.ACTIONS,
    **recording.ACTIONS,
    **timing.ACTIONS,
}
