"""The inbox: an official's tasks, the most urgent first, narrowed and claimed, one or many; what he has done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from itertools import groupby
from urllib.parse import urlencode

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import inbox
from portal.calendar.rules import Calendar
from portal.cases import tasks
from portal.cases.errors import NotYourRole, Refused, Separated, UnknownCase
from portal.cases.names import form_of
from portal.cases.separation import Doers, conflict
from portal.clock import TZ, day_of
from portal.deadlines.rules import left
from portal.edge.acting import act, is_id, moment, reading
from portal.edge.acting import asked as in_query
from portal.edge.machine import machine
from portal.edge.standing import calendar_in_force
from portal.feel import Scope
from portal.identity import Actor, Permission
from portal.inbox import Bounds, Cursor, Did, Light, Place, Row, View
from portal.inbox.queries import PUBLIC
from portal.procedures import Published
from portal.procedures.regulation import PARTY
from portal.web import dates
from portal.web.access import needs, permit
from portal.web.figures import figure
from portal.web.languages import listed, said
from portal.web.official import narrowing
from portal.web.official.blueprint import (
    beside,
    blueprint,
    count_text,
    deputy_text,
    frame,
    is_only_local,
    of_place,
    place_of,
    principals_of,
    side,
    view_title,
)
from portal.web.official.narrowing import DONE, Narrowed, chosen
from portal.web.pages import own_path, render
from portal.web.people import standing_in

NAMED = 3
"""So many of the tasks that somebody could not claim are named."""
LONGEST_REASON = 20
"""Characters of what was said as a task was returned that stand in its row."""


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
    returned: str
    """With what words the step was returned, shortened: 退回意见：“补充产量核对依据”. Empty when it was not."""
    barred: str
    """Why this person may not claim what nobody holds: which step he did before. Empty when he may."""
    holder: str | None
    role: str
    left: int | None
    due_note: str
    arrived: datetime
    mine: bool
    his: bool
    """Whether somebody holds it for whom this person stands in."""
    free: bool

    @property
    def to_do(self) -> bool:
        """Whether this person may do it."""
        return self.mine or self.his or self.free


@dataclass(frozen=True)
class Ended:
    """The last day that a due moment ends."""

    last_day: date


@blueprint.get("/inbox")
@needs(Permission.TASK_LIST)
def inbox_page() -> ResponseReturnValue:
    """The tasks of one view, narrowed to what the address asks for, with the lights above them."""
    actor = permit()
    if is_only_local(actor):
        return redirect("/copies")
    place = place_of(actor)
    with reading() as tx:
        published = of_place(tx, place)
        asked = Narrowed.read(request.args, published)
        after = Cursor.read(request.args.get("after"))
        if asked.principal is not None:
            return _lent(tx, actor, asked, after)
        if asked.view == DONE:
            return _done(tx, actor, place, after)
        return _listed(tx, actor, place, asked, after)


def _listed(
    tx: Session, actor: Actor, place: Place, asked: Narrowed, after: Cursor | None, title: str = ""
) -> ResponseReturnValue:
    """A page of open tasks: of his own place, or that of somebody for whom he stands in."""
    published, limits = of_place(tx, place), inbox.bounds(moment(tx), calendar_in_force(tx))
    shown = asked.wanted(place, published, limits)
    around = beside(tx, place_of(actor), shown)
    if not request.args and around.counted.counts.mine == 0 and around.counted.counts.role > 0:
        # Who has nothing in hand is shown what he may claim.
        return redirect("/inbox?view=role")
    found = inbox.tasks_page(tx, place, shown.view, only=shown.only, limits=limits, after=after)
    people = dict(around.counted.people)
    return render(
        "official/inbox.html",
        title=title or view_title(shown.view),
        today=today_text(moment(tx), calendar_in_force(tx)),
        asked=asked,
        rows=[row_view(tx, row, actor) for row in found.rows],
        lights=_lights(around.counted.lights, asked),
        offered=_offered(asked, published, around.counted.people, limits),
        chosen=chosen(asked, published, people, limits),
        may_save=asked.may_be_saved and asked.query not in {one.query for one in around.saved},
        waiting=around.counted.counts.role,
        registrations=around.counted.registrations,
        arrivals=None if after or asked.principal else _arrivals(asked.view, around.counted.newest),
        later=_address(asked, found.following) if found.following else None,
        earlier=asked.address if after else None,
        side=side(tx, place_of(actor), None if asked.principal else shown.view, asked),
        **frame(tx, actor, "/inbox"),
    )


def _lent(tx: Session, actor: Actor, asked: Narrowed, after: Cursor | None) -> ResponseReturnValue:
    """What a principal has in hand, for the one who stands in for him."""
    deputies = next((one for one in principals_of(actor) if one[0].person_id == asked.principal), None)
    if deputies is None:
        flash(_("您现在没有代办此人的任务，委托可能已经到期或撤销。"), "warning")
        return redirect("/inbox")
    return _listed(tx, actor, Place.lent(deputies), asked, after, deputy_text(deputies))


def _done(tx: Session, actor: Actor, place: Place, after: Cursor | None) -> ResponseReturnValue:
    """What he has done, the newest first."""
    found = inbox.done_page(tx, actor.person_id, after)
    return render(
        "official/inbox_done.html",
        rows=[DoneRow.of(tx, row) for row in found.rows],
        later=f"/inbox?{urlencode({'view': DONE, 'after': str(found.following)})}" if found.following else None,
        earlier=f"/inbox?view={DONE}" if after else None,
        side=side(tx, place, DONE),
        **frame(tx, actor, "/inbox"),
    )


@blueprint.get("/inbox/new")
@needs(Permission.TASK_LIST)
def arrivals() -> ResponseReturnValue:
    """How many tasks have arrived since a page was made, for its script: the number and what the page says."""
    place, view = place_of(permit()), request.args.get("view")
    with reading() as tx:
        since = in_query("since")
        seen = View(view) if view in set(View) else View.MINE
        count = inbox.arrived_since(tx, place, seen, since) if since is not None else 0
    return {"count": count, "text": _("有 %(n)s 件新到，点此显示", n=count_text(count)) if count else ""}


@blueprint.post("/inbox/claim")
@needs(Permission.TASK_LIST)
def claim_chosen() -> ResponseReturnValue:
    """Takes each of the chosen tasks in an act of its own, and says which somebody else was faster at."""
    actor = permit()
    place = place_of(actor)
    wanted = [int(text) for text in dict.fromkeys(request.form.getlist("task")) if is_id(text)][: inbox.SIZE]
    refused: dict[int, str] = {}
    for task_id in wanted:
        try:
            act(partial(_claim, actor=actor, task_id=task_id), _("领取任务"))
        except (Refused, NotYourRole, Separated, UnknownCase) as refusal:
            refused[task_id] = said(refusal)
    _say_claimed(place, len(wanted) - len(refused), refused)
    back = own_path(request.form.get("back", ""))
    return redirect(back if back.startswith("/inbox") else "/inbox?view=role")


def _claim(tx: Session, now: datetime, *, actor: Actor, task_id: int) -> None:
    tasks.claim(machine().kernel, tx, actor, task_id, now)


def _say_claimed(place: Place, count: int, refused: Mapping[int, str]) -> None:
    if not count and not refused:
        flash(_("请先勾选要领取的任务。"), "warning")
    if count:
        flash(_("已领取 %(n)s 件，在“我的待办”中办理。", n=count), "success")
    with reading() as tx:
        names = inbox.task_names(tx, place, refused)
    for why, tasks_so in groupby(sorted(refused, key=refused.__getitem__), refused.__getitem__):
        flash(_refusal_text([names[one] for one in tasks_so if one in names], why), "warning")


def _refusal_text(lost: Sequence[tuple[str, str]], why: str) -> str:
    """Which tasks somebody did not get for the same reason: the first few by name."""
    if not lost:
        return why
    named = listed(_("%(number)s “%(step)s”", number=number, step=step) for number, step in lost[:NAMED])
    if len(lost) > NAMED:
        return _("有 %(n)s 件没有领到：%(why)s（%(tasks)s 等）", n=len(lost), why=why, tasks=named)
    return _("没有领到 %(tasks)s：%(why)s", tasks=named, why=why)


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


def _address(asked: Narrowed, after: Cursor) -> str:
    return f"{asked.address}&{urlencode({'after': str(after)})}"


def _arrivals(view: str, newest: int) -> dict[str, str]:
    """What a page's script asks for, and where its bar leads."""
    shown = View.ROLE if view == View.MINE else view
    return {"ask": f"/inbox/new?view={view}&since={newest}", "url": f"/inbox?view={shown}"}


@dataclass(frozen=True)
class Offered:
    """What may be chosen in the filters above the list; `holders` is empty where it makes no difference."""

    procedures: list[tuple[str, str]]
    steps: list[tuple[str, str]]
    lights: list[tuple[str, str]]
    holders: list[tuple[str, str]]


def _offered(asked: Narrowed, published: list[Published], people: Sequence[tuple[int, str]], limits: Bounds) -> Offered:
    steps = narrowing.steps(published, asked.procedure)
    return Offered(
        procedures=narrowing.procedures(published),
        steps=[(name, name) for name in dict.fromkeys([*steps, asked.step]) if name],
        lights=narrowing.lights(limits),
        holders=narrowing.holders(people) if asked.view == View.ALL else [],
    )


def today_text(now: datetime, calendar: Calendar) -> str:
    """2026年11月21日（周六） · 非工作日，下一工作日 2026年11月23日（周一）."""
    today = day_of(now)
    if calendar.is_working(today):
        return dates.long_day(today)
    following = dates.long_day(calendar.next_working(today))
    return _("%(day)s · 非工作日，下一工作日 %(following)s", day=dates.long_day(today), following=following)


def _lights(lights: inbox.Lights | None, asked: Narrowed) -> list[dict[str, object]]:
    if lights is None:
        return []
    told = [
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
            "note": _("正在筛选，点击取消") if asked.light == light else note,
            "url": replace(asked, light="" if asked.light == light else light.value).address,
            "on": asked.light == light,
        }
        for light, tone, label, number, note in told
    ]


def party_named(party: str | None) -> str:
    """The party of a row as a list names it."""
    return _("公众（实名）") if party == PUBLIC else party or _("（无相对人）")


def row_view(tx: Session, row: Row, actor: Actor) -> InboxRow:
    """A task as a list shows it to an official."""
    now, calendar = moment(tx), calendar_in_force(tx)
    published = machine().kernel.releases.get(tx, row.release_id)
    remaining = left(Ended(dates.last_day(row.due)), now, calendar) if row.due else None
    principals = actor.principals(row.regulation, row.role)
    free = row.holder_id is None and row.assignee is None and actor.has(row.regulation, row.role)
    barred = _barred(published, row, actor) if free else ""
    return InboxRow(
        task_id=row.task_id,
        title=row.title,
        number=row.number,
        case_id=row.case_id,
        party=party_named(row.party),
        figure=figure(published, row.procedure, row.searchable),
        step=row.name,
        returned=_returned(published, row),
        holder=standing_in(row.holder, row.principal or "") if row.holder else row.assignee,
        role=published.regulation.role_title(row.role),
        left=remaining.days if remaining else None,
        due_note=_due_note(row.due, now) if row.due else _no_due(published, row),
        arrived=row.opened_at.astimezone(TZ),
        mine=row.holder_id == actor.person_id,
        his=row.holder_id in principals and row.holder_id != actor.person_id,
        barred=barred,
        free=free and not barred,
    )


def _barred(published: Published, row: Row, actor: Actor) -> str:
    """Which step keeps this person from a task, as `tasks.claim` would refuse it."""
    rules = published.procedure(row.procedure).manifest.separation

    def doers(procedure: str, *, own: bool) -> Doers:
        return Doers(procedure, lambda key: {actor.person_id} if Did(own, procedure, key) in row.did else set())

    family = [doers(procedure, own=False) for procedure in sorted({did.procedure for did in row.did if not did.own})]
    done = conflict(rules, row.element, actor.person_id, doers(row.procedure, own=True), family)
    if done is None:
        return ""
    procedure = published.procedures.get(done.procedure)
    return _("您已办理“%(step)s”，须回避", step=procedure.name_of(done.element) if procedure else done.element)


def _returned(published: Published, row: Row) -> str:
    """What the person wrote who sent a task back, under the name of the field in which he wrote it."""
    if row.before is None or row.before.visit >= row.visit:
        return ""
    procedure = published.procedure(row.procedure)
    drawn = procedure.drawing_at(row.before.scope).elements.get(row.before.element)
    form = form_of(drawn) if drawn else None
    if form is None or drawn is None or drawn.task is None or drawn.task.role == PARTY:
        return ""
    names = Scope({"with": procedure.manifest.given}, {})
    for field in procedure.forms[form].fields:
        text = row.before.texts.get(field.name, "")
        if field.kind_name == "textarea" and text:
            short = text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]}…"
            return _("%(label)s：“%(text)s”", label=field.label.render(names), text=" ".join(short.split()))
    return ""


@dataclass(frozen=True)
class DoneRow:
    """One task that was done, in two lines, with where its case stands now."""

    title: str
    number: str
    case_id: int
    party: str
    figure: str | None
    step: str
    role: str
    principal: str
    """For whom he stood in as he did it; empty for his own."""
    status: str
    done: datetime

    @classmethod
    def of(cls, tx: Session, row: Row) -> DoneRow:
        """The line of a task that is closed."""
        published = machine().kernel.releases.get(tx, row.release_id)
        return cls(
            title=row.title,
            number=row.number,
            case_id=row.case_id,
            party=party_named(row.party),
            figure=figure(published, row.procedure, row.searchable),
            step=row.name,
            role=published.regulation.role_title(row.role),
            principal=row.principal or "",
            status=row.status,
            done=(row.closed_at or row.opened_at).astimezone(TZ),
        )


def _no_due(published: Published, row: inbox.Row) -> str:
    """Why a task has no end: its step names no deadline, or one whose clock stands or has not begun."""
    drawings = published.procedure(row.procedure).drawings.values()
    drawn = [one for drawing in drawings if (one := drawing.elements.get(row.element)) is not None]
    named = any(one.task is not None and one.task.deadline is not None for one in drawn)
    return _("期限现在没有计时") if named else _("本环节没有期限")


def _due_note(due: datetime, now: datetime) -> str:
    day = dates.short_day(dates.last_day(due))
    return _("应于 %(day)s 24:00 前办结", day=day) if due <= now else _("%(day)s 24:00 截止", day=day)
