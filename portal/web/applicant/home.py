"""The first page: what have I to do, and by when; then my cases, what I can file, and what we hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.cases import filing
from portal.cases.drafts import filings as filing_drafts
from portal.cases.errors import NotAgreed
from portal.cases.live import Cases
from portal.cases.models import Case
from portal.deadlines import service as deadlines
from portal.deadlines.models import Deadline
from portal.documents.models import Letter, Service
from portal.edge.acting import asked, moment, reading
from portal.edge.machine import machine
from portal.edge.standing import calendar_in_force
from portal.identity import Actor, Permission
from portal.inbox import party
from portal.inbox.party import UnderWay
from portal.web import dates, languages, validity
from portal.web.access import needs, permit
from portal.web.applicant import clocks, offering
from portal.web.applicant.account import holdings
from portal.web.applicant.clocks import DeadlineView
from portal.web.applicant.frame import blueprint, frame, has_agreed
from portal.web.applicant.offering import OfferView
from portal.web.applicant.progress import Seal
from portal.web.applicant.replaced import replacement
from portal.web.applicant.seals import seal_on
from portal.web.auth import first_page
from portal.web.figures import filed_figure, shown_figure
from portal.web.pages import render


@dataclass(frozen=True)
class TodoView:
    """One thing to do: `kind` is task, letter or right; a letter's content is not told before it is signed for."""

    kind: str
    title: str
    number: str
    url: str
    deadline: DeadlineView | None = None
    offers: tuple[OfferView, ...] = ()
    note: str = ""
    """Why this reader cannot do it now."""

    @property
    def must(self) -> bool:
        """Whether this reader has to do it."""
        return self.kind != "right" and not self.note

    @property
    def late(self) -> bool:
        """Whether its last day is over."""
        return self.deadline is not None and self.deadline.over


@dataclass(frozen=True)
class CaseLine:
    """One case in a list: what it is about, its status and the next date."""

    title: str
    about: str
    number: str
    status: str
    url: str
    ended: bool
    next: str
    left: str
    tone: str


@dataclass(frozen=True)
class DraftLine:
    """A filing begun and not handed in."""

    title: str
    saved: str
    url: str


@blueprint.get("/home")
@needs(Permission.TASK_LIST)
def home() -> ResponseReturnValue:
    """What to do, my cases, what I can file, what we hold."""
    actor = permit()
    if actor.organisation_id is None:
        return redirect(first_page(actor))
    with reading() as tx:
        now = moment(tx)
        found = filing.offers(machine().kernel, tx, actor, now)
        offers = [offering.view(tx, offer, now) for offer in found]
        cases = party.cases_of(tx, actor.organisation_id)
        todos = _todos(tx, actor, actor.organisation_id, offers, now)
        context = {
            "todos": todos,
            "sentence": _sentence(todos, actor),
            "soonest": _soonest(todos),
            "cases": lines(tx, cases[: party.AT_A_TIME], now),
            "more_cases": len(cases) > party.AT_A_TIME,
            "drafts": _drafts(tx, actor) if actor.may_file else [],
            "may_file": actor.may_file,
            "offers": [offer for offer in offers if offer.state not in (offering.LATE, offering.CLOSED)],
            "closed_offers": [offer for offer in offers if offer.state == offering.CLOSED],
            "law": validity.of_regulations(tx, (one.published.regulation for one in found if not one.closed)),
            "late_offers": [offer for offer in offers if offer.state == offering.LATE],
            "holdings": holdings(tx, actor.organisation_id),
            **frame(tx, actor, "home"),
        }
    return render("applicant/home.html", **context)


@blueprint.get("/my/cases")
@needs(Permission.TASK_LIST)
def my_cases() -> ResponseReturnValue:
    """All cases of the organisation, newest first."""
    actor = permit()
    if actor.organisation_id is None:
        return redirect(first_page(actor))
    with reading() as tx:
        before = asked("before")
        cases = party.cases_of(tx, actor.organisation_id, before)
        shown, more = cases[: party.AT_A_TIME], len(cases) > party.AT_A_TIME
        context = {
            "cases": lines(tx, shown, moment(tx)),
            "later": url_for("applicant.my_cases", before=shown[-1].id) if more else None,
            "earlier": url_for("applicant.my_cases") if before is not None else None,
            **frame(tx, actor, "my_cases"),
        }
    return render("applicant/cases.html", **context)


def lines(tx: Session, cases: list[Case], now: datetime) -> list[CaseLine]:
    """Cases as lines of a list, those that run before those that have ended."""
    seals = party.sealed(tx, cases[0].party_id) if cases and cases[0].party_id else []
    under_way = party.under_way(tx, [case.id for case in cases if case.ended_at is None])
    firsts = {case.id: _next(case, under_way[case.id], now) for case in cases if case.id in under_way}
    found = [_line(tx, case, firsts.get(case.id), now, seal_on(tx, seals, case.id)) for case in cases]
    return sorted(found, key=lambda line: line.ended)


def _next(case: Case, under_way: UnderWay, now: datetime) -> Deadline | None:
    """The deadline that the page of a case shows first: of what its party has to do, else the one that matters."""
    task, live = under_way.task, under_way.live
    return deadlines.of_task(live, task.deadline, task.inside) if task else party.heading(live, case, now)


def _line(tx: Session, case: Case, first: Deadline | None, now: datetime, seal: Seal | None) -> CaseLine:
    calendar = calendar_in_force(tx)
    ends = first.ends if first is not None else None
    return CaseLine(
        title=case.title,
        about=filed_figure(machine().kernel.releases.get(tx, case.release_id), case),
        number=case.number,
        status=seal.text if seal is not None and seal.hides else _status(tx, case),
        url=url_for("applicant.my_case", case_id=case.id),
        # Whether a letter that nobody has opened ended it is not told yet either.
        ended=case.ended_at is not None and not (seal is not None and seal.hides),
        next=_("%(what)s：%(due)s", what=first.title, due=dates.due_text(ends) if ends else _("恢复计时后确定"))
        if first
        else "",
        left=(dates.left_text(first, now, calendar) if ends else _("暂停计时")) if first else "",
        tone=dates.tone(first, now, calendar) if first and ends else "n",
    )


def _status(tx: Session, case: Case) -> str:
    replaced = replacement(tx, case)
    return replaced.text if replaced else case.status


def _todos(tx: Session, actor: Actor, organisation_id: int, offers: list[OfferView], now: datetime) -> list[TodoView]:
    """Tasks first, then letters to sign for, then rights whose period is running."""
    cases = Cases(tx, machine().kernel.releases)
    calendar = calendar_in_force(tx)
    found = []
    tasks = party.tasks_of(tx, organisation_id)
    for task, case in tasks:
        live = cases.get(case.id)
        shown = clocks.of_task(live, task, now, calendar)
        url = url_for("applicant.my_task", task_id=task.id)
        note = "" if actor.may_file else _("请本单位有“办理”权限的人员办理。")
        figure = shown_figure(live.published, case, task) if task.assignee_id else filed_figure(live.published, case)
        said = (f"{case.title} {case.number}", figure)
        number = " · ".join(part for part in said if part)
        found.append(TodoView("task", task.name, number, url, shown, note=note))
    agreed = has_agreed(tx, actor)
    found += [
        _letter(letter, service, agreed=agreed, may_sign=actor.may_file)
        for letter, service in party.unsigned(tx, organisation_id)
    ]
    asked = {(task.case_id, task.deadline) for task, _case in tasks}
    for right in party.running_rights(tx, organisation_id, now):
        if (right.case.id, right.deadline.name) in asked:
            continue
        regulation = cases.get(right.case.id).published.regulation
        shown = clocks.view(right.deadline, now, calendar, regulation)
        about = tuple(offer for offer in offers if offer.about_id == right.case.id)
        url = url_for("applicant.my_case", case_id=right.case.id)
        found.append(TodoView("right", right.case.title, right.case.number, url, shown, about))
    return found


def _sentence(todos: list[TodoView], actor: Actor) -> str:
    """Whether he has to do anything, in one sentence."""
    must = [todo for todo in todos if todo.must]
    late = [todo for todo in must if todo.late]
    if must and len(late) == len(must):
        return _("有 %(n)s 件事已过期限，请尽快办理", n=len(must))
    if late:
        return _("有 %(n)s 件事需要您办理，其中 %(late)s 件已过期限", n=len(must), late=len(late))
    if must:
        return _("有 %(n)s 件事需要您办理", n=len(must))
    others = [todo for todo in todos if todo.kind != "right"]
    if others and not actor.may_file:
        return _("本单位有 %(n)s 件事待办，您现在无需操作", n=len(others))
    return _("您现在没有必须办理的事")


def _soonest(todos: list[TodoView]) -> str:
    """By when the first of several things is to be done; empty where the only one says it itself."""
    dated = [todo for todo in todos if todo.must and todo.deadline is not None and todo.deadline.dated]
    first = dated[0].deadline if len([todo for todo in todos if todo.must]) > 1 and dated else None
    return _("最早的一件在 %(due)s 前办理（%(left)s）。", due=first.due, left=first.left) if first else ""


def _letter(letter: Letter, service: Service, *, agreed: bool, may_sign: bool) -> TodoView:
    note = "" if service.state == "open" else _("文书文件正在生成，稍后即可签收。")
    if not may_sign:
        note = _("请本单位有“办理”权限的人员打开并签收。")
    if not agreed:
        note = languages.said(NotAgreed())
    return TodoView(
        "letter", letter.title, letter.number, url_for("applicant.my_letter", letter_id=letter.id), note=note
    )


def _drafts(tx: Session, actor: Actor) -> list[DraftLine]:
    releases = machine().kernel.releases
    found = []
    for row in filing_drafts.begun(tx, actor):
        title = releases.newest(tx, row.regulation).procedure(row.procedure).manifest.title
        url = url_for("applicant.draft", draft_id=row.id)
        found.append(DraftLine(title, dates.exact(row.saved_at), url))
    return found
