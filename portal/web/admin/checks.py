"""Checks that no history was changed: starting one, how far it is, and what the last ones found."""

from __future__ import annotations

from flask import flash, redirect
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.cases import checking
from portal.edge.acting import act, reading
from portal.edge.machine import machine
from portal.identity import Permission
from portal.web.access import needs, permit
from portal.web.admin.blueprint import blueprint, frame
from portal.web.languages import language
from portal.web.pages import render

CHECKS = "/admin/checks"


@blueprint.get("/checks")
@needs(Permission.HISTORY_CHECK)
def checks_page() -> ResponseReturnValue:
    """The last checks, the newest with its findings."""
    actor = permit()
    with reading() as tx:
        lines = checking.listed(tx)
        running = lines[0].check if lines and lines[0].check.ended_at is None else None
        found = next((line.check for line in lines if line.check.ended_at is not None and not line.check.fault), None)
        return render(
            "admin/checks.html",
            lines=lines,
            running=running,
            found=found,
            numbers=checking.numbers(tx, found) if found is not None else {},
            tongue=language(),
            **frame(tx, actor, CHECKS),
        )


@blueprint.post("/checks")
@needs(Permission.HISTORY_CHECK)
def start_check() -> ResponseReturnValue:
    """Has every history proved by a job."""
    actor = permit()
    try:
        act(lambda tx, now: checking.begin(machine().kernel, tx, actor, now), _("历史校验"))
    except checking.CheckRunning:
        flash(_("历史校验正在进行，不必再次发起。"), "warning")
    else:
        flash(_("已开始校验，完成后在本页显示结果。"), "success")
    return redirect(CHECKS, 303)
