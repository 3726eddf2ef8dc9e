"""The desk (督办台): what came onto the desks of an official's roles, and deciding it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import inbox
from portal.cases import desk, renewing
from portal.cases.desk import MatterChanged
from portal.cases.errors import EnteredIt, NotRenewable, NotServed, NotYourRole
from portal.cases.live import Cases, LiveCase
from portal.cases.matters import KEPT, RENEWED, SERVICE, SETTLED
from portal.cases.models import Case, DeskMatter
from portal.documents.service import ReasonMissing
from portal.edge.acting import act, asked, moment, reading
from portal.edge.machine import machine
from portal.edge.standing import calendar_in_force, in_force
from portal.identity import Actor, Forbidden, Permission, Subject
from portal.inbox import Filter, Light, Place, View, Wanted
from portal.web import dates
from portal.web.access import needs, permit, signed_in
from portal.web.languages import language, said
from portal.web.official.blueprint import beside, blueprint, count_text, desks, frame, place_of, side
from portal.web.official.inbox import InboxRow, row_view, today_text
from portal.web.official.narrowing import light_text
from portal.web.pages import render
from portal.web.people import People

SIZE = 20
SHOWN = 8
"""So many tasks of each list stand on the desk."""
LIMIT = 500
"""Characters of a reason."""


@dataclass(frozen=True)
class MatterView:
    """One matter: what happened in a sentence, both dates, and what may be done by this person now."""

    matter: DeskMatter
    case: Case
    party: str | None
    title: str
    said: str
    why: str | None
    old: str
    new: str
    role: str
    letter: dict[str, str] | None
    may_decide: bool
    hindrance: str | None
    """Why this person may not decide it."""
    obstacle: str | None
    """Why no new notice can be made."""
    decision: str | None
    decided_by: str
    renewed: Case | None
    version: str
    """What is posted with a decision, so that nobody decides on what he has not seen."""


@dataclass(frozen=True)
class Typed:
    """A reason that was typed for a matter and not accepted."""

    matter_id: int
    reason: str
    error: str


@blueprint.get("/desk")
@needs(Permission.TASK_LIST)
def desk_page() -> ResponseReturnValue:
    """The open matters, those that have waited longest first, and the decided ones below."""
    return _page(None)


@blueprint.post("/desk/<int:matter_id>")
@needs(Permission.MATTER_DECIDE)
def decide_matter(matter_id: int) -> ResponseReturnValue:
    """Keeps the outcome, or has the notice made anew."""
    with reading() as tx:
        matter = desk.matter_record(tx, matter_id)
        actor = permit(Subject(regulation=matter.regulation, roles=frozenset({matter.role})))
        case_id = matter.case_id
    reason, decision = request.form.get("reason", "").strip(), request.form.get("decision")
    seen = request.form.get("seen", "")
    if decision not in (KEPT, RENEWED):
        return _page(Typed(matter_id, reason, _("请选择：维持原结果，或重新作出通知"))), 422
    if len(reason) > LIMIT:
        return _page(Typed(matter_id, reason, _("理由最多 %(n)s 字，请删减", n=LIMIT))), 422
    kernel = machine().kernel
    try:
        if decision == RENEWED:
            new = act(
                lambda tx, now: desk.renew(kernel, tx, actor, matter_id, reason, now, seen).number,
                _("重新作出通知"),
                case_id,
            )
            flash(_("已重新作出通知（%(number)s），原通知已被取代。", number=new), "success")
        else:
            act(lambda tx, now: desk.keep(kernel, tx, actor, matter_id, reason, now, seen), _("维持原结果"), case_id)
            flash(_("已维持原结果。"), "success")
    except ReasonMissing:
        return _page(Typed(matter_id, reason, _("请写明理由"))), 422
    except (MatterChanged, NotRenewable, NotServed) as refusal:
        return _page(Typed(matter_id, reason, said(refusal))), 409
    return redirect("/desk")


def _page(typed: Typed | None) -> str:
    who = permit() if typed is None else signed_in()
    with reading() as tx:
        place, q, before = place_of(who), request.args.get("q", "").replace("\0", "").strip(), asked("before")
        roles = desks(in_force(tx), place.roles)
        if not roles:
            raise Forbidden(permission=Permission.MATTER_DECIDE)
        after, searching = asked("after"), bool(q) or before is not None
        lists = [] if searching or after is not None else _lists(tx, who, place, roles)
        waiting = [] if searching else inbox.open_matters(tx, roles, after or 0, SIZE + 1)
        decided = inbox.decided_matters(tx, roles, q, before, SIZE + 1)
        cases = Cases(tx, machine().kernel.releases)
        more = urlencode({"q": q, "before": decided[SIZE - 1][0].id}) if len(decided) > SIZE else None
        return render(
            "official/desk.html",
            waiting=[_view(tx, cases, *one, who) for one in waiting[:SIZE]],
            further=f"/desk?after={waiting[SIZE - 1][0].id}" if len(waiting) > SIZE else None,
            decided=[_view(tx, cases, *one, who) for one in decided[:SIZE]],
            typed=typed,
            q=q,
            searching=searching,
            today=today_text(moment(tx), calendar_in_force(tx)),
            lists_shown=lists,
            matters=count_text(beside(tx, place).counted.matters),
            later=f"/desk?{more}" if more else None,
            side=side(tx, place, "/desk"),
            **frame(tx, who, "/desk"),
        )


@dataclass(frozen=True)
class DeskList:
    """The most urgent tasks of one kind; `more` when there are others at `url`; `note` says what is left out."""

    title: str
    rows: list[InboxRow]
    count: str
    more: bool
    url: str
    none: str
    note: str


def _lists(tx: Session, who: Actor, place: Place, roles: Collection[tuple[str, str]]) -> list[DeskList]:
    """What waits for the desk's roles to sign, and of all else in their regulations what is overdue and what is due
    this week."""
    limits = inbox.bounds(moment(tx), calendar_in_force(tx))
    own = Place.within(place.person_id, roles)
    overdue, week = (Wanted(place, View.ALL, limits, Filter(light=light), own) for light in (Light.RED, Light.WEEK))
    to_sign = [Wanted(own, View.MINE, limits), Wanted(own, View.ROLE, limits)]
    held, free, late, soon = inbox.count_each(tx, [*to_sign, overdue, week])
    rest = _("不含待签")
    return [
        _list(tx, who, _("待签"), to_sign, held + free, "/inbox?view=role", _("没有等您签批的任务。")),
        _list(
            tx,
            who,
            _("已超期"),
            [overdue],
            late,
            "/inbox?view=all&light=red",
            _("除待签的以外，没有超期的任务。"),
            rest,
        ),
        _list(
            tx,
            who,
            light_text(Light.WEEK, limits),
            [week],
            soon,
            "/inbox?view=all&light=week",
            _("除待签的以外，期间没有到期的任务。"),
            rest,
        ),
    ]


def _list(
    tx: Session, who: Actor, title: str, wanted: list[Wanted], count: int, url: str, none: str, note: str = ""
) -> DeskList:
    pages = [
        inbox.tasks_page(tx, one.place, one.view, only=one.only, limits=one.limits, besides=one.besides, size=SHOWN)
        for one in wanted
    ]
    rows = sorted((row for page in pages for row in page.rows), key=inbox.urgency)[:SHOWN]
    shown = [row_view(tx, row, who) for row in rows]
    return DeskList(title, shown, count_text(count), count > len(shown), url, none, note)


def matters_of_case(tx: Session, case: LiveCase, actor: Actor) -> list[MatterView]:
    """What came onto anybody's desk in a case, the newest first."""
    rows = tx.scalars(select(DeskMatter).where(DeskMatter.case_id == case.id).order_by(DeskMatter.id.desc())).all()
    cases = Cases(tx, machine().kernel.releases)
    return [_view(tx, cases, row, case.row, case.party.name if case.party else None, actor) for row in rows]


def _view(tx: Session, cases: Cases, matter: DeskMatter, row: Case, party: str | None, actor: Actor) -> MatterView:
    case, details = cases.get(row.id), matter.details
    open_service = matter.kind == SERVICE and matter.decided_at is None
    hindrance = _hindrance(tx, case, matter, actor) if open_service else None
    people = People(tx, [(matter.decided_by_id, matter.decided_for_id)])
    return MatterView(
        matter=matter,
        case=row,
        party=party,
        title=_("送达更正，期限已经届满") if matter.kind == SERVICE else _("逾期未办"),
        said=_sentence(matter),
        why=details.get("reason"),
        old=_day(details.get("old_due")) or "",
        new=_day(details.get("new_due")) or _("没有送达，尚未起算"),
        role=case.published.regulation.role_title(matter.role),
        letter={"number": details["number"], "url": f"/letters/{details['letter']}"} if "letter" in details else None,
        may_decide=open_service and hindrance is None,
        hindrance=hindrance,
        obstacle=_obstacle(case) if open_service else None,
        decision=_decision(matter),
        decided_by=people.said(matter.decided_by_id, matter.decided_for_id),
        renewed=tx.get(Case, details["renewed"]) if "renewed" in details else None,
        version=desk.version(matter),
    )


def _hindrance(tx: Session, case: LiveCase, matter: DeskMatter, actor: Actor) -> str | None:
    try:
        desk.may_decide(tx, case, matter, actor)
    except (NotYourRole, EnteredIt) as refusal:
        return said(refusal)
    return None


def _sentence(matter: DeskMatter) -> str:
    """What happened, in one sentence."""
    details = matter.details
    if matter.kind != SERVICE:
        late = {"title": details["title"], "day": _day(details["old_due"])}
        if matter.decided_at is not None:
            return _("“%(title)s”应于 %(day)s 前办结，到期没有办结。", **late)
        return _("“%(title)s”应于 %(day)s 前办结，至今没有办结。", **late)
    if details.get("hastened") == details["old_due"]:
        return _hastened(details)
    told = {"title": details["title"], "old": _day(details["old_due"]), "outcome": details["outcome"] or _("期限届满")}
    before = _moment(details["served_before"])
    if details["served"] is None:
        return _(
            "%(before)s 的送达记录已作废，而“%(title)s”已按 %(old)s 届满，案件结果为“%(outcome)s”。",
            before=before,
            **told,
        )
    return _(
        "送达时间由 %(before)s 更正为 %(after)s，而“%(title)s”已按 %(old)s 届满，案件结果为“%(outcome)s”。",
        before=before,
        after=_moment(details["served"]),
        **told,
    )


def _hastened(details: Mapping[str, Any]) -> str:
    if details["old_due"] <= details["new_due"]:
        return _(
            "%(before)s 的送达记录作废后，重新登记的送达时间为 %(after)s，“%(title)s”按此至 %(new)s，登记时已经届满，"
            "案件结果为“%(outcome)s”。",
            before=_moment(details["served_before"]),
            after=_moment(details["served"]),
            title=details["title"],
            new=_day(details["new_due"]),
            outcome=details["outcome"] or _("期限届满"),
        )
    return _(
        "送达时间由 %(before)s 提前为 %(after)s，“%(title)s”由 %(old)s 提前至 %(new)s，"
        "随即届满，案件结果为“%(outcome)s”。",
        before=_moment(details["served_before"]),
        after=_moment(details["served"]),
        title=details["title"],
        old=_day(details["old_due"]),
        new=_day(details["new_due"]),
        outcome=details["outcome"] or _("期限届满"),
    )


def _obstacle(case: LiveCase) -> str | None:
    found = renewing.obstacle(case)
    return found.text(language()) if found is not None else None


def _decision(matter: DeskMatter) -> str | None:
    words = {KEPT: _("维持原结果"), RENEWED: _("重新作出通知"), SETTLED: _("已自行消除")}
    return words[matter.decision] if matter.decision else None


def _day(due: str | None) -> str | None:
    """The last day of a due moment, 2026 年 10 月 10 日 24:00."""
    if due is None:
        return None
    return dates.due_text(datetime.fromisoformat(due))


def _moment(text: str | None) -> str:
    return dates.exact(datetime.fromisoformat(text)) if text else _("（无）")
