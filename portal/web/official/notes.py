"""Notes on a case: the list, and adding one for the officials alone or for the party too."""

from __future__ import annotations

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.cases import notes
from portal.cases.live import LiveCase
from portal.cases.notes import NoteRefused
from portal.edge.acting import act, moment, posted_id, reading
from portal.edge.acting import asked as in_query
from portal.edge.machine import machine
from portal.identity import Actor, Permission
from portal.web.access import needs
from portal.web.casefile import case_file
from portal.web.languages import said
from portal.web.official.blueprint import blueprint, frame
from portal.web.official.case import opened
from portal.web.official.noting import NOBODY, PARTY, NoteForm, note_form
from portal.web.pages import render


@blueprint.get("/cases/<int:case_id>/notes")
@needs(Permission.CASE_READ)
def notes_page(case_id: int) -> ResponseReturnValue:
    """The notes of a case with the form for another."""
    with reading() as tx:
        actor, case = opened(tx, case_id)
        return _page(actor, case, note_form(case, actor, in_query("task")))


@blueprint.post("/cases/<int:case_id>/notes")
@needs(Permission.CASE_READ)
def add_note(case_id: int) -> ResponseReturnValue:
    """Adds a note; for the party only when the button that says so was pressed. What was typed stays on errors."""
    text, reader, task = request.form.get("text", ""), request.form.get("reader", NOBODY), posted_id("task")
    with reading() as tx:
        actor, case = opened(tx, case_id)
        if reader == PARTY and "confirmed" not in request.form:
            unsure = _("申请人将看到这条备注，请点“确认告知申请人”")
            return _page(actor, case, note_form(case, actor, task, text, reader, unsure)), 422
    visible = reader == PARTY
    try:
        act(
            lambda tx, now: notes.add(machine().kernel, tx, actor, case_id, text, visible, now),
            _("添加备注"),
            case_id,
        )
    except NoteRefused as refusal:
        with reading() as tx:
            actor, case = opened(tx, case_id)
            return _page(actor, case, note_form(case, actor, task, text, reader, said(refusal))), 422
    if request.headers.get("HX-Request"):
        return redirect(f"/cases/{case_id}/notes" + (f"?task={task}" if task is not None else ""), 303)
    flash(_("说明已发给申请人。") if visible else _("已添加内部备注。"), "success")
    home = f"/tasks/{task}" if task is not None else f"/cases/{case_id}"
    return redirect(f"{home}#file-notes", 303)


def _page(actor: Actor, case: LiveCase, form: NoteForm) -> str:
    file = case_file(case.tx, case, moment(case.tx))
    return render("official/notes.html", file=file, note=form, **frame(case.tx, actor, "/cases"))
