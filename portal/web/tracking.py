"""How a case stands, for whoever has its number and query code: without signing in, and without a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from flask import Blueprint, Response, make_response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import clock
from portal.cases import delivery, querycodes, tracking
from portal.cases.errors import UnknownCase
from portal.cases.filers import FILER, is_public
from portal.cases.live import Cases
from portal.cases.models import Case
from portal.cases.tracking import TooManyQueries
from portal.documents import service as documents
from portal.documents.models import Letter, Service
from portal.documents.service import UnknownLetter
from portal.edge.acting import act, moment, reading
from portal.edge.files import stream, word_of
from portal.edge.machine import machine
from portal.errors import PortalError
from portal.identity import PARTY
from portal.identity.entry import Missing
from portal.inbox.party import Sealed
from portal.storage import StoreUnavailable
from portal.web import dates, validity
from portal.web.access import network, open_to_all, visitor
from portal.web.applicant import progress
from portal.web.applicant.cases import (
    deadline_shown,
    hero_of,
    late_words,
    result_in_letter,
    standing_of,
    task_shown,
    turn_words,
)
from portal.web.applicant.clocks import DeadlineView
from portal.web.applicant.progress import Seal, Standing, StepView
from portal.web.languages import said, sentences
from portal.web.letters import read
from portal.web.pages import render
from portal.web.public import around

blueprint = Blueprint("tracking", __name__)

_LONGEST = 100
"""Characters of a number that is looked for."""


class CodeLength(PortalError):
    """A query code with too few or too many characters."""

    zh = "查询码是 {length} 位字母和数字，现有 {count} 位。"
    en = "A query code has {length} letters and digits; this one has {count}."


class NumberTooLong(PortalError):
    """Nothing that could be a number."""

    zh = "编号过长，请只填写编号。"
    en = "This is too long to be a number."


@dataclass(frozen=True)
class TrackView:
    """What is told: one sentence and a second, the next date, the steps; `tone` as in `ui.state`."""

    title: str
    text: str
    tone: str
    deadline: DeadlineView | None
    steps: list[StepView]


@dataclass(frozen=True)
class LetterLine:
    """A letter to whoever filed without an account: what it is, whether its file is ready, when he signed for it."""

    id: int
    title: str
    number: str
    issued: datetime
    ready: bool
    served: datetime | None


@blueprint.get("/track")
@open_to_all
def track() -> ResponseReturnValue:
    """Asks for number and query code."""
    visitor()
    return _form("", {})


@blueprint.post("/track")
@open_to_all
def track_post() -> ResponseReturnValue:
    """The state of the case in the answer to the form, so that the code stands in no address."""
    visitor()
    number, code = request.form.get("number", ""), request.form.get("code", "")
    faults = _faults(number, code)
    if faults:
        return _form(number, faults), 422
    address = network()
    found = act(lambda tx, _moment: tracking.sought(tx, number, code, address, clock.now()), _("查询办理进度"))
    if isinstance(found, PortalError):
        return _form(number, {"number": found}), 429 if isinstance(found, TooManyQueries) else 422
    with reading() as tx:
        case = tx.get_one(Case, found.id)
        now = moment(tx)
        view, law = _view(tx, case, now), validity.of_case_id(tx, case.id)
        page = render(
            "public/tracked.html",
            case=case,
            view=view,
            at=now,
            law=law,
            letters=_letters(tx, case),
            number=case.number,
            code=querycodes.typed(code),
            **around(tx, "/track"),
        )
    return unlisted(page)


@blueprint.post("/track/letters/<int:letter_id>")
@open_to_all
def letter(letter_id: int) -> ResponseReturnValue:
    """A letter to whoever filed without an account: opened and signed for, and then to be read."""
    visitor()
    case, refusal = _sought()
    if case is None:
        return refusal
    with reading() as tx:
        found, service = _addressed(tx, case.id, letter_id)
    if service.state != "served":
        # First the file is looked for: what cannot be read is not served.
        if found.state == "ready" and read(found)[1]:
            raise StoreUnavailable
        act(
            lambda tx, now: delivery.sign_by_code(machine().kernel, tx, case.id, letter_id, now), _("签收文书"), case.id
        )
    with reading() as tx:
        found, service = _addressed(tx, case.id, letter_id)
        body, trouble = read(found)
        page = render(
            "public/answer.html",
            letter=found,
            served=dates.to_the_second(service.served_at) if service.served_at else "",
            body=body,
            trouble=trouble,
            case=case,
            number=case.number,
            code=request.form["code"],
            law=validity.of_case_id(tx, case.id),
            **around(tx, "/track"),
        )
    return unlisted(page)


@blueprint.post("/track/letters/<int:letter_id>/file")
@open_to_all
def letter_file(letter_id: int) -> ResponseReturnValue:
    """The Word file of such a letter, once it was signed for."""
    visitor()
    case, refusal = _sought()
    if case is None:
        return refusal
    with reading() as tx:
        found, service = _addressed(tx, case.id, letter_id)
        if service.state != "served":
            raise UnknownCase
        file = word_of(found)
    return stream(file)


def _sought() -> tuple[Case | None, ResponseReturnValue]:
    """The case of the number and code that the form brings along, else the page that asks for them."""
    number, code = request.form.get("number", ""), request.form.get("code", "")
    address = network()
    found = act(lambda tx, _moment: tracking.sought(tx, number, code, address, clock.now()), _("查询办理进度"))
    if isinstance(found, PortalError):
        return None, (_form(number, {"number": found}), 429 if isinstance(found, TooManyQueries) else 422)
    return found, ""


def _addressed(tx: Session, case_id: int, letter_id: int) -> tuple[Letter, Service]:
    """A letter to whoever filed the case without an account, and its service; UnknownCase."""
    try:
        found = documents.letter(tx, letter_id)
    except UnknownLetter as error:
        raise UnknownCase from error
    case = Cases(tx, machine().kernel.releases).get(case_id)
    return found, delivery.addressed_to_filer(case, found)


def _letters(tx: Session, row: Case) -> list[LetterLine]:
    """The letters that are opened here: those of a case that was filed without an account."""
    if not is_public(row):
        return []
    return [
        LetterLine(letter.id, letter.title, letter.number, letter.issued_at, letter.state == "ready", service.served_at)
        for letter in documents.letters_of(tx, row.id)
        for service in letter.services
        if service.addressee == FILER
    ]


def unlisted(page: str, status: int = 200) -> Response:
    """A page that search engines leave out."""
    response = make_response(page, status)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _form(number: str, faults: Mapping[str, PortalError]) -> str:
    with reading() as tx:
        errors = {name: said(fault) for name, fault in faults.items()}
        return render("public/track.html", number=number[:_LONGEST], errors=errors, **around(tx, "/track"))


def _faults(number: str, code: str) -> dict[str, PortalError]:
    """What is wrong with the form itself, whatever cases there are."""
    faults: dict[str, PortalError] = {}
    if not tracking.typed_number(number):
        faults["number"] = Missing(what=_("编号"))
    elif len(number) > _LONGEST:
        faults["number"] = NumberTooLong()
    typed = querycodes.typed(code)
    if not typed:
        faults["code"] = Missing(what=_("查询码"))
    elif len(typed) != querycodes.LENGTH:
        faults["code"] = CodeLength(length=querycodes.LENGTH, count=len(typed))
    return faults


def _view(tx: Session, row: Case, now: datetime) -> TrackView:
    """Where a case stands; of what a letter brought about that its addressee has not opened, nothing."""
    standing = standing_of(tx, Cases(tx, machine().kernel.releases).get(row.id))
    case, seal = standing.case, standing.seal or _seal_of_filer(tx, row)
    if seal is not None and seal.hides:
        told = [entry for entry in standing.history if entry.act_id < seal.sealed.act_id]
        sealed = seal.text if is_public(row) else _("文书已制发，等当事人签收")
        *done, last = progress.steps(replace(standing, history=told, seal=replace(seal, text=sealed)), "")
        issued = next((entry.moment for entry in standing.history if entry.act_id >= seal.sealed.act_id), None)
        steps = [*done, replace(last, note=dates.exact(issued) if issued else "")]
        if is_public(row):
            return TrackView(sealed, _("打开并签收以后，这里显示办理结果。"), "a", None, steps)
        return TrackView(sealed, _("签收以后，这里显示办理结果。当事人登录后可以签收。"), "a", None, steps)
    if case.ended:
        title = _("已办结：%(outcome)s", outcome=case.row.outcome)
        at = dates.exact(case.row.ended_at) if case.row.ended_at else ""
        text = _("%(at)s 办结。", at=at)
        if result_in_letter(standing):
            text = _("%(at)s 办结。结果和救济途径见送达的文书。", at=at)
        return TrackView(title, text, "n", None, progress.steps(standing, ""))
    mine = next((task for task in standing.tasks if task.role == PARTY), None)
    shown = task_shown(tx, case, mine, now) if mine is not None else deadline_shown(tx, case, hero_of(case, now), now)
    steps = progress.steps(standing, shown.progress if shown else "")
    tone = "a" if mine is not None else "r" if shown is not None and shown.late else ""
    return TrackView(case.row.status, _sentence(standing, shown), tone, shown, steps)


def _seal_of_filer(tx: Session, row: Case) -> Seal | None:
    """What is kept from whoever filed without an account until he has opened a letter."""
    unopened = [line.id for line in _letters(tx, row) if line.served is None]
    if not unopened:
        return None
    first = min(documents.letter(tx, one).act_id for one in unopened)
    return Seal(Sealed(row.id, None, first, None), _("答复已作出，等您打开并签收"))


def _sentence(standing: Standing, shown: DeadlineView | None) -> str:
    """Whose turn it is."""
    mine = next((task for task in standing.tasks if task.role == PARTY), None)
    if mine is not None:
        return _("现在需要申请人登录办理“%(task)s”。", task=mine.name)
    if standing.tasks:
        turn = turn_words(standing.case, standing.tasks)
        return sentences(late_words(shown), turn, _nothing_to_do(standing.case.row))
    if shown is not None and shown.kind == "right":
        return _("当事人如不同意，可以在下面的期限内提出。")
    return _nothing_to_do(standing.case.row)


def _nothing_to_do(row: Case) -> str:
    """Who filed without an account is the one who reads this; of a party's case anybody with the code may."""
    return _("您现在无需操作。") if is_public(row) else _("申请人现在无需操作。")
