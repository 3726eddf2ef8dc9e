"""Incidents: what failed, how it stands by now, trying it again, and closing it with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.cases import incidents, mending
from portal.cases.incidents import JOB, LETTER, ROW, TIMERS, Line
from portal.cases.models import Incident
from portal.edge.acting import act, asked, reading
from portal.edge.machine import machine
from portal.errors import PortalError
from portal.identity import Actor, Permission, Subject, accounts, allows
from portal.web.access import needs, permit
from portal.web.admin.blueprint import blueprint, frame
from portal.web.languages import said
from portal.web.pages import render

SIZE = 50
INCIDENTS = "/admin/incidents"


@dataclass(frozen=True)
class View:
    """An incident in words: `case_url` only for those who may read the case; `retry` says what trying again does."""

    incident: Incident
    number: str
    case_url: str | None
    closed_by: str
    standing: str
    tone: str
    retry: str | None


@blueprint.get("/incidents")
@needs(Permission.INCIDENT_HANDLE)
def incidents_page() -> ResponseReturnValue:
    """The open incidents, or those that were closed, newest first."""
    actor = permit()
    closed, before = request.args.get("view") == "closed", asked("before")
    first = f"{INCIDENTS}?view=closed" if closed else INCIDENTS
    with reading() as tx:
        found = incidents.listed(tx, not closed, before, SIZE + 1)
        rows = _views(tx, actor, found[:SIZE])
        mark = "&" if closed else "?"
        return render(
            "admin/incidents.html",
            rows=rows,
            closed=closed,
            tabs=[
                {"text": _("待处理"), "url": INCIDENTS, "on": not closed},
                {"text": _("已关闭"), "url": f"{INCIDENTS}?view=closed", "on": closed},
            ],
            earlier=first if before is not None else None,
            later=f"{first}{mark}before={rows[-1].incident.id}" if len(found) > SIZE else None,
            **frame(tx, actor, INCIDENTS),
        )


@blueprint.get("/incidents/<int:incident_id>")
@needs(Permission.INCIDENT_HANDLE)
def incident_page(incident_id: int) -> ResponseReturnValue:
    """One incident, with what can be done about it."""
    return _page(permit(), incident_id, "", None)


@blueprint.post("/incidents/<int:incident_id>/retry")
@needs(Permission.INCIDENT_HANDLE)
def retry(incident_id: int) -> ResponseReturnValue:
    """Has what failed done again; a second time nothing happens."""
    actor = permit()
    row = act(lambda tx, now: mending.try_again(machine().kernel, tx, actor, incident_id, now), _("重试异常事项"))
    if row.reason == mending.TRIED_AGAIN:
        flash(_("已重试，这条异常事项已关闭。再次失败时会出现新的一条。"), "success")
    else:
        flash(_("此后已经办成，没有再次办理；这条异常事项已关闭。"), "success")
    return redirect(INCIDENTS, 303)


@blueprint.post("/incidents/<int:incident_id>/close")
@needs(Permission.INCIDENT_HANDLE)
def close(incident_id: int) -> ResponseReturnValue:
    """Closes an incident with a reason."""
    actor, reason = permit(), request.form.get("reason", "").strip()
    fault = accounts.reason_fault(reason, _("处理情况"))
    if fault is not None:
        return _page(actor, incident_id, reason, fault), 422
    act(lambda tx, now: incidents.close(tx, actor, incident_id, reason, now), _("关闭异常事项"))
    flash(_("已关闭。"), "success")
    return redirect(INCIDENTS, 303)


def _page(actor: Actor, incident_id: int, reason: str, fault: PortalError | None) -> str:
    with reading() as tx:
        [view] = _views(tx, actor, [incidents.line(tx, incident_id)])
        return render(
            "admin/incident.html",
            view=view,
            reason=reason,
            error=said(fault) if fault is not None else None,
            **frame(tx, actor, INCIDENTS),
        )


def _views(tx: Session, actor: Actor, lines: Sequence[Line]) -> list[View]:
    standings = mending.standings(tx, [line.incident for line in lines])
    return [_view(actor, line, standing) for line, standing in zip(lines, standings, strict=True)]


def _view(actor: Actor, line: Line, standing: mending.Standing) -> View:
    row = line.incident
    words = {
        "failed": (_("仍未成功"), "r"),
        "under way": (_("正在重新进行"), "a"),
        "settled": (_("此后已经办成"), "g"),
        "unknown": (_("待核实"), "a"),
    }
    state, tone = (_("已关闭"), "n") if row.closed_at is not None else words[standing]
    may_read = row.case_id is not None and allows(actor, Permission.CASE_READ, Subject(regulation=line.regulation))
    tries = row.closed_at is None and row.again is not None and standing in ("failed", "unknown")
    return View(
        row, line.number, f"/cases/{row.case_id}" if may_read else None, line.closed_by, state, tone,
        _retry(row) if tries else None,
    )  # fmt: skip


def _retry(row: Incident) -> str:
    texts = {
        LETTER: _("用现行版本的模板重新生成这份文书，文号和内容不变。"),
        ROW: _("重新启动这一行的案件。"),
        TIMERS: _("让到期的事项立即再自动办理一次；不重试的，系统每 10 分钟自动再试。"),
        JOB: _("把这项后台工作再做一次。"),
    }
    return texts[row.again["how"]] if row.again is not None else ""
