"""The demo's clock: moved by working days, to the next due moment, or set right; absent in production."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.calendar import service as calendars
from portal.cases.models import Case
from portal.clock import day_of
from portal.db import moved_clock
from portal.deadlines.models import Deadline
from portal.deadlines.rules import ENDS
from portal.edge.acting import act
from portal.edge.machine import machine
from portal.identity import Permission, Subject
from portal.web import dates
from portal.web.access import needs, permit
from portal.web.languages import listed
from portal.web.pages import own_path

blueprint = Blueprint("demo", __name__)

_FEW = 5


@blueprint.post("/clock")
@needs(Permission.CLOCK_MOVE)
def move() -> ResponseReturnValue:
    """Moves the clock and tells what falls due by it; the worker fires that within two seconds."""
    permit(Subject(demo=machine().settings.demo))
    how = request.form.get("_to", "")
    flash(act(lambda tx, moment: _move(tx, moment, how), _("拨动演示时钟")), "success")
    return redirect(_back())


def _move(tx: Session, moment: datetime, how: str) -> str:
    """Moves the clock and says so."""
    if how == "reset":
        moved_clock.reset(tx)
        return _("演示时钟已恢复为实际时间。")
    target = _TARGETS.get(how, _next_due)(tx, moment)
    if target is None or target <= moment:
        return _("没有将要到期的事项，时钟没有变动。")
    moved_clock.move(tx, target - moment)
    due = tx.scalars(
        select(Case.number)
        .join(Deadline, Deadline.case_id == Case.id)
        .where(Deadline.state == "running", Deadline.due > moment, Deadline.due <= target, Case.ended_at.is_(None))
        .group_by(Case.number)
        .order_by(func.min(Deadline.due))
        .limit(_FEW + 1)
    ).all()
    said = _("演示时钟已拨到 %(at)s。", at=dates.full(target))
    if not due:
        return said + _("其间没有期限届满。")
    numbers = listed(due[:_FEW]) + (_(" 等") if len(due) > _FEW else "")
    return said + _("%(numbers)s 有期限届满，到期应当自动办理的，系统将在 2 秒内办理。", numbers=numbers)


def _working_days(n: int) -> Callable[[Session, datetime], datetime | None]:
    """The same time of the n-th working day from a moment."""

    def target(tx: Session, moment: datetime) -> datetime:
        today = day_of(moment)
        return moment + (calendars.current(tx).count(today, n).last_day - today)

    return target


def _next_due(tx: Session, moment: datetime) -> datetime | None:
    """The moment from which the next timer of any case fires, or the next duty of an office is over."""
    ripe = tx.scalar(select(func.min(Case.ripe_at)).where(Case.ripe_at > moment))
    running = select(func.min(Deadline.due)).join(Case, Case.id == Deadline.case_id)
    over = tx.scalar(
        running.where(
            Deadline.state == "running", Deadline.kind.not_in(ENDS), Deadline.due > moment, Case.ended_at.is_(None)
        )
    )
    first = min((at for at in (ripe, over) if at is not None), default=None)
    return first + timedelta(seconds=1) if first else None


_TARGETS: Mapping[str, Callable[[Session, datetime], datetime | None]] = {
    "1": _working_days(1),
    "5": _working_days(5),
    "due": _next_due,
}


def _back() -> str:
    """The page from which the clock was moved, if it is one of this site that may be read again."""
    return own_path(request.form.get("_from", "")) or "/"
