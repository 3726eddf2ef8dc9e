"""What an official sends to a running case beside its tasks: its form, and the message itself."""

from __future__ import annotations

from collections.abc import Mapping

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.cases import messages
from portal.cases.errors import FormRefused, NobodyWaits, NotYourRole, TooLate, UnknownCase
from portal.cases.live import Cases, LiveCase
from portal.cases.models import Case
from portal.cases.names import scope_of
from portal.edge.acting import act, reading
from portal.edge.machine import machine
from portal.edge.statuses import status_of
from portal.errors import PortalError
from portal.forms import REFRESH, FieldError, posted
from portal.identity import PARTY, Actor, Permission, Subject
from portal.procedures.drawing import Element
from portal.web import tables, taking, validity
from portal.web.access import needs, permit, signed_in
from portal.web.languages import language, said
from portal.web.official.blueprint import blueprint, frame, place_of
from portal.web.pages import render

Answers = Mapping[str, object]


@blueprint.get("/cases/<int:case_id>/messages/<name>")
@needs(Permission.MESSAGE_SEND)
def message_page(case_id: int, name: str) -> ResponseReturnValue:
    """What is sent, and its form; where it is not taken now, why."""
    return _page(case_id, name, None, {})


@blueprint.post("/cases/<int:case_id>/messages/<name>")
@needs(Permission.MESSAGE_SEND)
def register_message(case_id: int, name: str) -> ResponseReturnValue:
    """Sends it; what was typed stays on the page when it is not taken."""
    answers = posted(request.form.items(multi=True))
    with reading() as tx:
        actor, _case, element = _opened(tx, case_id, name)
    if REFRESH in request.form:
        return _page(case_id, name, answers, {})
    try:
        act(
            lambda tx, now: messages.send(machine().kernel, tx, actor, case_id, name, answers, now),
            element.name,
            case_id,
        )
    except FormRefused as refusal:
        return _page(case_id, name, answers, refusal.fields), 422
    except (TooLate, NobodyWaits) as refusal:
        with reading() as tx:
            taken = taking.was_taken(tx, _opened(tx, case_id, name)[1], element)
        if not taken:
            return _page(case_id, name, answers, {}, refusal), status_of(refusal)
        flash(taking.taken_already(element), "warning")
    else:
        flash(_("“%(what)s”已办理。", what=element.name), "success")
    return redirect(f"/cases/{case_id}", 303)


def _opened(tx: Session, case_id: int, name: str) -> tuple[Actor, LiveCase, Element]:
    """The case and what takes the message, for an official of the role that sends it; UnknownCase, NotYourRole."""
    place_of(signed_in())
    row = tx.get(Case, case_id)
    if row is None:
        raise UnknownCase
    case = Cases(tx, machine().kernel.releases).get(case_id)
    element, role = _taker(case, name)
    if not signed_in().has(row.regulation, role):
        raise NotYourRole(role=case.published.regulation.role_title(role), case_id=case_id)
    return permit(Subject(regulation=row.regulation, roles=frozenset({role}))), case, element


def _taker(case: LiveCase, name: str) -> tuple[Element, str]:
    """What takes a message that officials send, with their role; UnknownCase for what only a party sends."""
    for _drawing, element in case.procedure.elements():
        if element.message and element.message.name == name and element.message.role:
            role = case.procedure.manifest.role(element.message.role)
            if role != PARTY:
                return element, role
    raise UnknownCase


def _page(
    case_id: int,
    name: str,
    answers: Answers | None,
    errors: Mapping[str, FieldError],
    refusal: PortalError | None = None,
) -> str:
    with reading() as tx:
        actor, case, element = _opened(tx, case_id, name)
        form = taking.form_of(case, element)
        return render(
            "official/message.html",
            case=case.row,
            title=element.name,
            url=f"/cases/{case_id}/messages/{name}",
            form=form.view(answers, errors, scope_of(case), language=language()) if form is not None else None,
            refused=said(refusal) if refusal is not None else taking.refusal(tx, case, element),
            tables=tables.NOTHING,
            law=validity.of_case(tx, case),
            **frame(tx, actor, "/cases"),
        )
