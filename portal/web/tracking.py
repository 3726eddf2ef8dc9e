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
from portal.cases import querycodes, tracking
from portal.cases.live import Cases
from portal.cases.models import Case
from portal.cases.tracking import TooManyQueries
from portal.errors import PortalError
from portal.identity import PARTY
from portal.identity.entry import Missing
from portal.web import dates
from portal.web.access import network, open_to_all, visitor
from portal.web.acting import act, moment, reading
from portal.web.applicant import progress
from portal.web.applicant.cases import deadline_shown, hero_of, late_words, standing_of, turn_words
from portal.web.applicant.clocks import DeadlineView
from portal.web.applicant.progress import Standing, StepView
from portal.web.languages import said, sentences
from portal.web.machine import machine
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
        page = render("public/tracked.html", case=case, view=_view(tx, case, now), at=now, **around(tx, "/track"))
    return unlisted(page)


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
    case, seal = standing.case, standing.seal
    if seal is not None:
        told = [entry for entry in standing.history if entry.act_id < seal.act_id]
        sealed = _("文书已制发，等当事人签收")
        *done, last = progress.steps(replace(standing, history=told, seal=replace(seal, text=sealed)), "")
        issued = next((entry.moment for entry in standing.history if entry.act_id >= seal.act_id), None)
        steps = [*done, replace(last, note=dates.exact(issued) if issued else "")]
        return TrackView(sealed, _("签收以后，这里显示办理结果。当事人登录后可以签收。"), "a", None, steps)
    if case.ended:
        title = _("已办结：%(outcome)s", outcome=case.row.outcome)
        at = dates.exact(case.row.ended_at) if case.row.ended_at else ""
        text = _("%(at)s 办结。结果和救济途径见送达的文书。", at=at) if case.letters else _("%(at)s 办结。", at=at)
        return TrackView(title, text, "n", None, progress.steps(standing, ""))
    mine = next((task for task in standing.tasks if task.role == PARTY), None)
    deadline = case.deadlines.get(mine.deadline or "") if mine is not None else hero_of(case, now)
    shown = deadline_shown(tx, case, deadline, now)
    steps = progress.steps(standing, shown.progress if shown else "")
    tone = "a" if mine is not None else "r" if shown is not None and shown.late else ""
    return TrackView(case.row.status, _sentence(standing, shown), tone, shown, steps)


def _sentence(standing: Standing, shown: DeadlineView | None) -> str:
    """Whose turn it is."""
    mine = next((task for task in standing.tasks if task.role == PARTY), None)
    if mine is not None:
        return _("现在需要申请人登录办理“%(task)s”。", task=mine.name)
    if standing.tasks:
        turn = turn_words(standing.case, standing.tasks)
        return sentences(late_words(shown), turn, _("申请人现在无需操作。"))
    if shown is not None and shown.kind == "right":
        return _("当事人如不同意，可以在下面的期限内提出。")
    return _("申请人现在无需操作。")
