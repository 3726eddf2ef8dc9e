"""What a party sends to a running case beside its tasks: a withdrawal, a waiver."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.cases import drafts, messages, tasks
from portal.cases.drafts import ChangedElsewhere
from portal.cases.drafts import messages as message_drafts
from portal.cases.errors import FormRefused, NobodyWaits, TooLate, UnknownCase
from portal.cases.live import LiveCase
from portal.cases.names import scope_of
from portal.edge.acting import act, reading
from portal.edge.machine import machine
from portal.edge.statuses import status_of
from portal.errors import PortalError
from portal.forms import REFRESH, FieldError, posted
from portal.identity import PARTY, Actor, Permission, Subject
from portal.procedures.drawing import Element
from portal.web import languages, tables, taking, validity
from portal.web.access import needs
from portal.web.applicant import keeping
from portal.web.applicant.frame import admit, blueprint, case_of, frame
from portal.web.applicant.keeping import Kept
from portal.web.keeping import is_by_script
from portal.web.pages import render

Errors = Mapping[str, FieldError]


@blueprint.get("/my/cases/<int:case_id>/messages/<name>")
@needs(Permission.MESSAGE_SEND)
def my_message(case_id: int, name: str) -> ResponseReturnValue:
    """Asks once more before a message is sent: what follows from it, and its form with what was kept."""
    with reading() as tx:
        case, element, actor = _message(tx, case_id, name)
        kept = Kept.of(message_drafts.kept(tx, actor.person_id, case_id, name))
        return _message_page(tx, case, element, actor, kept.answers, {}, taking.refusal(tx, case, element))


@blueprint.post("/my/cases/<int:case_id>/messages/<name>")
@needs(Permission.MESSAGE_SEND)
def send_message(case_id: int, name: str) -> ResponseReturnValue:
    """Keeps a message and sends it; one that is not taken any more says why, in the diagram's words."""
    with reading() as tx:
        case, element, actor = _message(tx, case_id, name)
        over = not taking.waits(tx, case, element) and taking.was_taken(tx, case, element)
    if over and not is_by_script():
        flash(taking.taken_already(element), "warning")
        return redirect(url_for("applicant.my_case", case_id=case_id), 303)
    answers = posted(request.form.items(multi=True))
    asked = tables.asked(taking.form_of(case, element))
    if asked is not None:
        return _message_changed(case_id, name, asked, answers)
    if keeping.only_shown() or REFRESH in request.form:
        return _message_again(case_id, name, answers, {}, None)
    elsewhere = _keep_message(actor, case_id, name, answers)
    if is_by_script():
        with reading() as tx:
            kept = Kept.of(message_drafts.kept(tx, actor.person_id, case_id, name))
            return keeping.told(kept.mark, kept.at, elsewhere)
    if elsewhere is not None:
        return _message_again(case_id, name, answers, {}, elsewhere)
    if keeping.only_keeps():
        flash(_("草稿已保存，可以随时回来继续填写。"), "success")
        return redirect(url_for("applicant.my_message", case_id=case_id, name=name), 303)
    return _sent(actor, case_id, name, element, answers)


def _sent(actor: Actor, case_id: int, name: str, element: Element, answers: drafts.Answers) -> ResponseReturnValue:
    """Sends it; one that is not taken is shown again with the reason, one that was taken before is told as such."""
    try:
        act(
            lambda tx, now: messages.send(machine().kernel, tx, actor, case_id, name, answers, now),
            element.name,
            case_id,
        )
    except FormRefused as refusal:
        return _message_again(case_id, name, answers, refusal.fields, None)
    except (TooLate, NobodyWaits) as error:
        with reading() as tx:
            case, element, actor = _message(tx, case_id, name)
            taken = taking.was_taken(tx, case, element)
        if not taken:
            return _message_again(case_id, name, answers, {}, error)
        flash(taking.taken_already(element), "warning")
    else:
        flash(_("“%(what)s”已收到。", what=element.name), "success")
    return redirect(url_for("applicant.my_case", case_id=case_id), 303)


def _message_again(
    case_id: int, name: str, answers: drafts.Answers, errors: Errors, refused: PortalError | None
) -> ResponseReturnValue:
    """The page once more, with everything that was typed."""
    with reading() as tx:
        case, element, actor = _message(tx, case_id, name)
        elsewhere = refused if isinstance(refused, ChangedElsewhere) else None
        said = languages.said(refused) if refused and not elsewhere else ""
        page = _message_page(tx, case, element, actor, answers, errors, said, elsewhere=elsewhere)
    return page, status_of(refused) if refused else 422 if errors else 200


def _keep_message(actor: Actor, case_id: int, name: str, answers: drafts.Answers) -> ChangedElsewhere | None:
    def keep(tx: Session, now: datetime) -> ChangedElsewhere | None:
        before = Kept.of(message_drafts.kept(tx, actor.person_id, case_id, name))
        try:
            message_drafts.keep(tx, actor.person_id, case_id, name, answers, now, keeping.seen() or before.mark)
        except ChangedElsewhere as elsewhere:
            return elsewhere
        return None

    return act(keep, _("保存填写的内容"), case_id)


def _message_changed(case_id: int, name: str, asked: tables.Asked, answers: drafts.Answers) -> ResponseReturnValue:
    """A message's form after a button of a table was pressed."""
    with reading() as tx:
        case, element, actor = _message(tx, case_id, name)
        form = taking.form_of(case, element)
        if form is None:
            raise UnknownCase
        if asked.gives_out:
            known = tasks.known_in_tables(tx, form, answers)
            return tables.given_out(form, asked, answers, scope_of(case), known)
        changed = tables.change(tx, form, asked, answers, scope_of(case))
        refusal = taking.refusal(tx, case, element)
        kept = {name: list(cast(list[str], texts)) for name, texts in changed.answers.items()}
    elsewhere = _keep_message(actor, case_id, name, kept) if not keeping.only_shown() else None
    with reading() as tx:
        page = _message_page(
            tx, case, element, actor, changed.answers, changed.errors, refusal, changed.said, elsewhere
        )
    return page, status_of(elsewhere) if elsewhere else 422 if changed.errors else 200


def _message(tx: Session, case_id: int, name: str) -> tuple[LiveCase, Element, Actor]:
    """What takes a message from the party of a case; UnknownCase."""
    case = case_of(tx, case_id)
    actor = admit(Subject(regulation=case.row.regulation, party_id=case.row.party_id, roles=frozenset({PARTY})))
    try:
        return case, messages.sendable(case, name, actor), actor
    except NobodyWaits as error:
        raise UnknownCase() from error


def _message_page(
    tx: Session,
    case: LiveCase,
    element: Element,
    actor: Actor,
    answers: Mapping[str, object] | None,
    errors: Errors,
    refused: str,
    said: tables.Said = tables.NOTHING,
    elsewhere: ChangedElsewhere | None = None,
) -> str:
    asked = taking.form_of(case, element)
    name = element.message.name if element.message else ""
    kept = Kept.of(message_drafts.kept(tx, actor.person_id, case.id, name))
    form = None
    if asked is not None:
        form = asked.view(answers, errors, scope_of(case), language=languages.language())
    return render(
        "applicant/message.html",
        title=element.name,
        case=case.row,
        law=validity.of_case(tx, case),
        form=form,
        refused=refused,
        tables=said,
        **kept.shown(elsewhere),
        here=url_for("applicant.my_message", case_id=case.id, name=name),
        back=url_for("applicant.my_case", case_id=case.id),
        **frame(tx, actor),
    )
