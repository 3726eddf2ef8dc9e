"""What an official may start, and starting it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases import errors as cases
from portal.cases import filing
from portal.cases.drafts import NOTHING, ChangedElsewhere, mark
from portal.cases.drafts import filings as filing_drafts
from portal.cases.filing import Offer
from portal.cases.models import Case, Filing, Task
from portal.cases.names import scope_before
from portal.edge.acting import act, moment, reading
from portal.edge.acting import asked as in_query
from portal.edge.machine import machine
from portal.feel import Scope
from portal.forms import REFRESH, Choices, FieldError, Form, FormView, posted
from portal.identity import Actor, Permission, Subject
from portal.procedures import Published
from portal.procedures.articles import citation
from portal.web import choices, dates, tables, validity
from portal.web.access import needs, permit
from portal.web.keeping import is_by_script
from portal.web.languages import language, said
from portal.web.official.blueprint import blueprint, frame, place_of, side
from portal.web.official.saving import SavingView, again, kept, not_kept, seen_here, shown, told
from portal.web.organisations import token
from portal.web.pages import render
from portal.web.uploads import Taken, take, texts_of

Answers = Mapping[str, object]


@dataclass(frozen=True)
class StartView:
    """One thing that may be started: `first` says who does what first, `once` is the hidden input of its button."""

    title: str
    basis: str
    about: str
    first: str
    has_form: bool
    url: str
    once: str
    closed: str
    """Why it cannot be started now."""


ONCE = "_once"
"""The hidden input that lets a form open one case only, however often it is posted."""


@blueprint.get("/start")
@needs(Permission.TASK_LIST)
def start_page() -> ResponseReturnValue:
    """The procedures this official may start."""
    actor = permit()
    place = place_of(actor)
    with reading() as tx:
        offers = sorted(filing.offers(machine().kernel, tx, actor, moment(tx)), key=_place_in_text)
        return render(
            "official/start.html",
            offers=[_view(offer) for offer in offers],
            law=validity.of_regulations(tx, (offer.published.regulation for offer in offers)),
            side=side(tx, place),
            **frame(tx, actor, "/start"),
        )


@blueprint.get("/start/<regulation>/<procedure>")
@needs(Permission.CASE_FILE)
def start_form(regulation: str, procedure: str) -> ResponseReturnValue:
    """The start form of a procedure."""
    with reading() as tx:
        actor, offer = _offered(tx, regulation, procedure)
        draft = filing_drafts.begun_for(tx, actor, regulation, procedure, in_query("about"))
        answers = draft.answers if draft is not None else {}
        saving = shown(_draft_address(offer), answers, draft.saved_at if draft is not None else None)
        return _page(tx, actor, offer, answers or None, {}, saving=saving)


@blueprint.post("/start/<regulation>/<procedure>/draft")
@needs(Permission.CASE_FILE)
def keep_start(regulation: str, procedure: str) -> ResponseReturnValue:
    """Keeps what was typed so far; a script gets the answer as JSON, a person the form again."""
    answers = posted(request.form.items(multi=True))
    with reading() as tx:
        actor, offer = _offered(tx, regulation, procedure)
    form, about = offer.procedure.start_form, in_query("about")
    if form is None:
        raise cases.UnknownCase
    errors: Mapping[str, FieldError] = {}
    if not is_by_script():
        taken = take(offer.procedure, form, answers, actor)
        answers, errors = texts_of(taken.answers), taken.errors

    def keep(tx: Session, now: datetime) -> Filing:
        draft = filing_drafts.begin(tx, actor, regulation, procedure, about, now)
        return filing_drafts.keep(tx, actor, draft.id, answers, now, seen_here())

    try:
        draft = act(keep, _("暂存《%(title)s》", title=offer.procedure.manifest.title))
    except ChangedElsewhere as refusal:
        return _kept_elsewhere(regulation, procedure, answers, refusal)
    if is_by_script():
        return kept(draft.saved_at, draft.answers)
    if errors:
        saving = again(_draft_address(offer), seen=mark(draft.answers))
        return _again(regulation, procedure, answers, errors, saving), 422
    flash(_("已暂存 %(at)s。", at=dates.short(draft.saved_at)), "success")
    return redirect(_address(offer), 303)


def _kept_elsewhere(
    regulation: str, procedure: str, answers: Answers, refusal: ChangedElsewhere
) -> ResponseReturnValue:
    """Another window was faster: nothing of it is overwritten unless the person asks for that."""
    with reading() as tx:
        actor, offer = _offered(tx, regulation, procedure)
        other = filing_drafts.begun_for(tx, actor, regulation, procedure, in_query("about"))
        seen = mark(other.answers) if other is not None else NOTHING
    if is_by_script():
        return not_kept(refusal, seen)
    saving = again(_draft_address(offer), told(refusal, elsewhere=True), seen)
    return _again(regulation, procedure, answers, {}, saving), 409


@blueprint.post("/start/<regulation>/<procedure>/draft/discard")
@needs(Permission.CASE_FILE)
def discard_start(regulation: str, procedure: str) -> ResponseReturnValue:
    """Forgets what was kept; the form begins anew."""
    with reading() as tx:
        actor, offer = _offered(tx, regulation, procedure)
    act(
        lambda tx, _now: filing_drafts.discard(tx, actor, regulation, procedure, in_query("about")),
        _("清除暂存"),
    )
    flash(_("已清除暂存的内容。"), "success")
    return redirect(_address(offer), 303)


@blueprint.post("/start/<regulation>/<procedure>")
@needs(Permission.CASE_FILE)
def begin(regulation: str, procedure: str) -> ResponseReturnValue:
    """Starts the case and opens its first task, if that is this official's."""
    answers: Answers = posted(request.form.items(multi=True))
    once = _once()
    with reading() as tx:
        actor = _permitted(machine().kernel.releases.newest(tx, regulation), procedure)
        before = filing.filed(tx, actor, once)
        if before is not None:
            flash(_("此前已立案，编号 %(number)s，没有重复立案。", number=before.number), "success")
            return redirect(_first(tx, before.id, actor))
        actor, offer = _offered(tx, regulation, procedure)
        form = offer.procedure.start_form
        asked = tables.asked(form)
        if form is not None and asked is not None and asked.gives_out:
            return tables.given_out(form, asked, answers, *_around(tx, actor, offer, form, answers))
        if REFRESH in request.form and asked is None:
            return _page(tx, actor, offer, answers, {})
    if form is not None:
        taken = take(offer.procedure, form, answers, actor)
        answers = taken.answers
        if asked is not None:
            return _changed(regulation, procedure, form, asked, taken)
        if taken.errors:
            return _again(regulation, procedure, answers, taken.errors), 422
    about = in_query("about")

    def file(tx: Session, now: datetime) -> Case:
        case = filing.file(machine().kernel, tx, actor, regulation, procedure, answers, now, about, once)
        filing_drafts.settle(tx, actor, regulation, procedure, about, case.id)
        return case

    try:
        case = act(
            file,
            _("发起《%(title)s》", title=offer.procedure.manifest.title),
        )
    except cases.FormRefused as refusal:
        return _again(regulation, procedure, answers, refusal.fields), 422
    flash(_("已立案，编号 %(number)s。", number=case.number), "success")
    with reading() as tx:
        return redirect(_first(tx, case.id, actor))


def _place_in_text(offer: Offer) -> tuple[str, int]:
    """Where the text speaks of it, so that things stand in the order of the articles; elsewhere at the end."""
    regulation = offer.published.regulation
    articles = list(regulation.articles)
    article = offer.procedure.article(offer.procedure.drawing.start())
    return regulation.number, articles.index(article) if article in articles else len(articles)


def _view(offer: Offer) -> StartView:
    regulation, procedure = offer.published.regulation, offer.procedure
    return StartView(
        title=procedure.manifest.title,
        basis=citation(regulation, procedure.article(procedure.drawing.start())) or regulation.number,
        about=offer.about.row.number if offer.about else "",
        first=_first_task(offer),
        has_form=procedure.start_form is not None,
        url=_address(offer),
        once=secrets.token_urlsafe(16),
        closed=said(offer.closed) if offer.closed is not None else "",
    )


def _first_task(offer: Offer) -> str:
    """先由承办人办理“核定年度配额”; empty where the drawing parts before anybody does anything."""
    drawing, said = offer.procedure.drawing, offer.procedure.manifest
    here = drawing.start()
    while here.task is None:
        onward = drawing.out(here.id)
        if len(onward) != 1:
            return ""
        here = drawing.elements[onward[0].target]
    role = offer.published.regulation.role_title(said.role(here.task.role))
    return _("先由%(role)s办理“%(task)s”", role=role, task=here.name)


def _offered(tx: Session, regulation: str, procedure: str) -> tuple[Actor, Offer]:
    actor = _permitted(machine().kernel.releases.newest(tx, regulation), procedure)
    return actor, filing.offer(machine().kernel, tx, actor, regulation, procedure, in_query("about"), moment(tx))


def _permitted(published: Published, procedure: str) -> Actor:
    """Who acts, if he is an official of a role that starts the procedure."""
    said = published.procedure(procedure).manifest
    roles = frozenset(said.role(start.role) for start in said.starts if start.role)
    actor = permit(Subject(regulation=published.regulation.slug, roles=roles))
    place_of(actor)
    return actor


def _once() -> str:
    """The random text of this request's form, by which a form that is posted again is known."""
    return token(request.form.get(ONCE, ""))


def _address(offer: Offer) -> str:
    about = f"?about={offer.about.id}" if offer.about else ""
    return f"/start/{offer.published.regulation.slug}/{offer.procedure.slug}{about}"


def _draft_address(offer: Offer) -> str:
    path, _mark, about = _address(offer).partition("?")
    return f"{path}/draft" + (f"?{about}" if about else "")


def _around(tx: Session, actor: Actor, offer: Offer, form: Form, answers: Answers) -> tuple[Scope, Choices]:
    """What the start form sees beside its answers, and what may be chosen in it."""
    regulation = offer.published.regulation
    known = choices.offered(tx, regulation, form, answers, actor.person_id, None)
    return scope_before(tx, regulation, offer.about), known


def _page(
    tx: Session,
    actor: Actor,
    offer: Offer,
    answers: Answers | None,
    errors: Mapping[str, FieldError],
    said: tables.Said = tables.NOTHING,
    saving: SavingView | None = None,
) -> str:
    form: Form | None = offer.procedure.start_form
    view: FormView | None = None
    if form is not None:
        view = form.view(answers, errors, *_around(tx, actor, offer, form, answers or {}), language())
    return render(
        "official/start_form.html",
        offer=offer,
        form=view,
        url=_address(offer),
        once=_once() or secrets.token_urlsafe(16),
        tables=said,
        saving=saving or again(_draft_address(offer)),
        law=validity.of_regulations(tx, [offer.published.regulation]),
        **frame(tx, actor, "/start"),
    )


def _changed(regulation: str, procedure: str, form: Form, asked: tables.Asked, taken: Taken) -> ResponseReturnValue:
    """The form after a button of a table was pressed; nothing is stored but new files."""
    with reading() as tx:
        actor, offer = _offered(tx, regulation, procedure)
        names, _known = _around(tx, actor, offer, form, taken.answers)
        changed = tables.change(tx, form, asked, taken.answers, names)
        errors = {**taken.errors, **changed.errors}
        return _page(tx, actor, offer, changed.answers, errors, changed.said), 422 if errors else 200


def _again(
    regulation: str,
    procedure: str,
    answers: Answers,
    errors: Mapping[str, FieldError],
    saving: SavingView | None = None,
) -> str:
    with reading() as tx:
        actor, offer = _offered(tx, regulation, procedure)
        return _page(tx, actor, offer, answers, errors, saving=saving)


def _first(tx: Session, case_id: int, actor: Actor) -> str:
    """The address of the case's first task when this official's role does it, else of the case."""
    rows = tx.scalars(select(Task).where(Task.case_id == case_id, Task.state == "open").order_by(Task.id))
    mine = next((row for row in rows if actor.has(row.regulation, row.role)), None)
    return f"/tasks/{mine.id}" if mine else f"/cases/{case_id}"
