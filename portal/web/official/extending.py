"""Giving a deadline of a case more time: the page with what it would come to, and the extension itself."""

from __future__ import annotations

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.cases import extending
from portal.cases.errors import NotYourRole, UnknownCase
from portal.cases.extending import LONGEST_REASON, ExtensionReason
from portal.cases.live import LiveCase
from portal.deadlines.models import Deadline
from portal.edge.acting import act, moment, reading
from portal.edge.machine import machine
from portal.edge.standing import calendar_in_force
from portal.identity import Actor, Permission
from portal.procedures.articles import citation
from portal.web import dates, validity
from portal.web.access import needs
from portal.web.languages import said
from portal.web.official.blueprint import blueprint, frame
from portal.web.official.case import opened
from portal.web.pages import render
from portal.web.periods import period_text
from portal.web.reasons import why


@blueprint.get("/cases/<int:case_id>/deadlines/<int:deadline_id>/extension")
@needs(Permission.CASE_READ)
def extension_page(case_id: int, deadline_id: int) -> ResponseReturnValue:
    """What is extended, by how much, until when; and the reason to be given."""
    return _page(case_id, deadline_id, "", {})


@blueprint.post("/cases/<int:case_id>/deadlines/<int:deadline_id>/extension")
@needs(Permission.CASE_READ)
def extend_deadline(case_id: int, deadline_id: int) -> ResponseReturnValue:
    """Extends it; without a reason the page comes again with what was typed."""
    reason = request.form.get("reason", "")
    with reading() as tx:
        actor, _case, row = _opened(tx, case_id, deadline_id)
        title = row.title
    try:
        act(
            lambda tx, now: extending.extend(machine().kernel, tx, actor, deadline_id, reason, now),
            _("延长期限：%(title)s", title=title),
            case_id,
        )
    except ExtensionReason as refusal:
        return _page(case_id, deadline_id, reason, {"reason": said(refusal)}), 422
    flash(_("“%(title)s”已经延长，申请人会收到消息。", title=title), "success")
    return redirect(f"/cases/{case_id}", 303)


def _page(case_id: int, deadline_id: int, reason: str, errors: dict[str, str]) -> str:
    with reading() as tx:
        actor, case, row = _opened(tx, case_id, deadline_id)
        extending.check(case, row, moment(tx))
        _rule, by = extending.rule_of(case, row)
        new = extending.foreseen(case, row, calendar_in_force(tx))
        return render(
            "official/extension.html",
            case=case.row,
            title=row.title,
            period=period_text(row.period),
            now_due=dates.due_text(row.ends) if row.ends else _("恢复计时后确定"),
            by=period_text(str(by.by)),
            new_due=dates.due_text(new.due) if new else _("恢复计时后确定"),
            left=by.times - len(row.lengthened),
            why=why(row),
            basis=citation(case.published.regulation, row.basis) or "",
            assumed=row.assumed or "",
            most=LONGEST_REASON,
            reason=reason,
            errors=errors,
            law=validity.of_case(tx, case),
            **frame(tx, actor, "/cases"),
        )


def _opened(tx: Session, case_id: int, deadline_id: int) -> tuple[Actor, LiveCase, Deadline]:
    """The actor, the case and its deadline, if he is of the office that decides; NotYourRole, UnknownCase."""
    actor, case = opened(tx, case_id)
    row = extending.deadline_record(tx, deadline_id)
    if row.case_id != case.id:
        raise UnknownCase()
    _rule, by = extending.rule_of(case, row)
    role = case.procedure.manifest.role(by.role)
    if not actor.has(case.row.regulation, role):
        raise NotYourRole(role=case.published.regulation.role_title(role))
    return actor, case, row
