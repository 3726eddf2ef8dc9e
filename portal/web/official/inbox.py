"""The inbox: an official's tasks, the most urgent first; claiming and giving back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import inbox
from portal.calendar import service as calendars
from portal.calendar.rules import Calendar
from portal.cases import tasks
from portal.cases.names import form_of
from portal.clock import TZ, day_of
from portal.deadlines.rules import left
from portal.feel import Scope
from portal.identity import Actor, Permission
from portal.inbox import Cursor, Row, View
from portal.inbox.rules import Light
from portal.procedures import Published
from portal.web import dates
from portal.web.access import needs, permit
from portal.web.acting import act, moment, reading
from portal.web.machine import machine
from portal.web.official.blueprint import blueprint, count_text, frame, is_only_local, place_of, side, view_title
from portal.web.pages import render


@dataclass(frozen=True)
class InboxRow:
    """One case in two lines; `left` in working days, None without deadline."""

    task_id: int
    title: str
    number: str
    case_id: int
    party: str
    figure: str | None
    step: str
    holder: str | None
    role: str
    left: int | None
    due_note: str
    arrived: datetime
    mine: bool
    free: bool


@dataclass(frozen=True)
class Ended:
    """The last day that a due moment ends."""

    last_day: date


@blueprint.get("/inbox")
@needs(Permission.TASK_LIST)
def inbox_page() -> ResponseReturnValue:
    """The tasks of one view, with the lights above them."""
    actor = permit()
    if is_only_local(actor):
        return redirect("/copies")
    place, view, light = place_of(actor), _view(), _light()
    with reading() as tx:
        if not request.args and _should_claim(inbox.counts(tx, place)):
            return redirect("/inbox?view=role")
        now, calendar = moment(tx), calendars.current(tx)
        limits = inbox.bounds(now, calendar)
        after = Cursor.read(request.args.get("after"))
        found = inbox.tasks_page(tx, place, view, light=light, limits=limits, after=after)
        context = {
            "rows": [_row(tx, row, actor, now, calendar) for row in found.rows],
            "lights": _lights(inbox.lights(tx, place, view, limits), view, light),
            "side": side(tx, place, view),
            **frame(tx, actor, "/inbox"),
        }
    return render(
        "official/inbox.html",
        title=view_title(view),
        today=_today(now, calendar),
        view=view,
        later=_address(view, light, found.following) if found.following else None,
        earlier=_address(view, light, None) if after else None,
        **context,
    )


@blueprint.post("/tasks/<int:task_id>/claim")
@needs(Permission.TASK_LIST)
def claim(task_id: int) -> ResponseReturnValue:
    """Takes a task and opens it."""
    actor = permit()
    place_of(actor)
    act(lambda tx, now: tasks.claim(machine().kernel, tx, actor, task_id, now), _("领取任务"))
    return redirect(f"/tasks/{task_id}")


@blueprint.post("/tasks/<int:task_id>/release")
@needs(Permission.TASK_LIST)
def release(task_id: int) -> ResponseReturnValue:
    """Gives a task back to its role."""
    actor = permit()
    place_of(actor)
    act(lambda tx, now: tasks.release(machine().kernel, tx, actor, task_id, now), _("退回任务"))
    flash(_("已退回，由本岗位重新领取。"), "success")
    return redirect("/inbox")


def _should_claim(counts: inbox.Counts) -> bool:
    """Whether a person with nothing in hand has something to claim: he is shown that first."""
    return counts.mine == 0 and counts.role > 0


def _view() -> View:
    wanted = request.args.get("view", "")
    return View(wanted) if wanted in set(View) else View.MINE


def _light() -> Light | None:
    wanted = request.args.get("light", "")
    return Light(wanted) if wanted in set(Light) else None


def _address(view: View, light: Light | None, after: Cursor | None) -> str:
    parts = [f"view={view}", f"light={light}" if light else "", f"after={after}" if after else ""]
    return "/inbox?" + "&".join(filter(None, parts))


def _today(now: datetime, calendar: Calendar) -> str:
    """11 月 21 日，星期六（非工作日） · 下一工作日 11 月 23 日."""
    today = day_of(now)
    text = _("%(day)s，%(weekday)s", day=dates.long_day(today), weekday=dates.weekday(today))
    if calendar.is_working(today):
        return text
    following = dates.long_day(calendar.next_working(today))
    return text + _("（非工作日） · 下一工作日 %(day)s", day=following)


def _lights(lights: inbox.Lights, view: View, on: Light | None) -> list[dict[str, object]]:
    said = [
        (Light.RED, "r", _("已超期"), lights.red, _("请优先办理") if lights.red else _("没有超期")),
        (Light.AMBER, "a", _("2 个工作日内到期"), lights.amber, _("含今日到期")),
        (Light.GREEN, "g", _("正常"), lights.green, _("3 个工作日以上")),
        (Light.NONE, "n", _("无期限"), lights.none, _("按到达先后办理")),
    ]
    return [
        {
            "tone": tone,
            "label": label,
            "number": count_text(number),
            "note": _("正在筛选，点击取消") if on == light else note,
            "url": _address(view, None if on == light else light, None),
        }
        for light, tone, label, number, note in said
    ]


def _row(tx: Session, row: Row, actor: Actor, now: datetime, calendar: Calendar) -> InboxRow:
    published = machine().kernel.releases.get(tx, row.release_id)
    remaining = left(Ended(dates.last_day(row.due)), now, calendar) if row.due else None
    return InboxRow(
        task_id=row.task_id,
        title=row.title,
        number=row.number,
        case_id=row.case_id,
        party=row.party or _("（无相对人）"),
        figure=figure(published, row.procedure, row.searchable),
        step=row.name,
        holder=row.holder,
        role=published.regulation.role_title(row.role),
        left=remaining.days if remaining else None,
        due_note=_due_note(row.due, now) if row.due else _("本环节没有期限"),
        arrived=row.opened_at.astimezone(TZ),
        mine=row.holder_id == actor.person_id,
        free=row.holder_id is None and actor.has(published.regulation.slug, row.role),
    )


def _due_note(due: datetime, now: datetime) -> str:
    day = dates.short_day(dates.last_day(due))
    return _("应于 %(day)s 24:00 前办结", day=day) if due <= now else _("%(day)s 24:00 截止", day=day)


def figure(published: Published, slug: str, searchable: dict[str, str]) -> str | None:
    """The first amount among a case's searchable values with its label, else the first value; None without any."""
    procedure, shown = published.procedure(slug), []
    about = procedure.manifest.about
    given = published.procedure(about.procedure).manifest.given if about else {}
    names = Scope({"with": procedure.manifest.given, "about": {"with": given}}, {})
    for path, value in searchable.items():
        element, _dot, name = path.partition(".")
        drawn = procedure.drawing.elements.get(element)
        form = form_of(drawn) if drawn else None
        field = next((field for field in procedure.forms[form].fields if field.name == name), None) if form else None
        if field is not None:
            text = f"{field.label.render(names)} {field.kind.shown(value, None)}"
            shown.append((field.kind_name != "amount", text))
    return min(shown, key=lambda one: one[0], default=(False, None))[1]
