"""What an official may start, and starting it."""

from __future__ import annotations

from collections.abc import Mapping

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases import errors as cases
from portal.cases import filing
from portal.cases.filing import Offer
from portal.cases.models import Task
from portal.cases.starting import names_for
from portal.forms import REFRESH, FieldError, Form, posted
from portal.identity import Actor, Permission, Subject
from portal.web import choices
from portal.web.access import needs, permit
from portal.web.acting import act, reading
from portal.web.machine import machine
from portal.web.official.blueprint import blueprint, frame, place_of, side
from portal.web.pages import render
from portal.web.uploads import take

Answers = Mapping[str, object]


@blueprint.get("/start")
@needs(Permission.TASK_LIST)
def start_page() -> ResponseReturnValue:
    """The procedures this official may start."""
    actor = permit()
    place = place_of(actor)
    with reading() as tx:
        offers = filing.offers(machine().kernel, tx, actor)
        return render(
            "official/start.html",
            offers=[{"offer": offer, "url": _address(offer)} for offer in offers],
            side=side(tx, place),
            **frame(tx, actor, "/start"),
        )


@blueprint.get("/start/<regulation>/<procedure>")
@needs(Permission.CASE_FILE)
def start_form(regulation: str, procedure: str) -> ResponseReturnValue:
    """The start form of a procedure."""
    with reading() as tx:
        actor, offer = _offered(tx, regulation, procedure)
        return _page(tx, actor, offer, None, {})


@blueprint.post("/start/<regulation>/<procedure>")
@needs(Permission.CASE_FILE)
def begin(regulation: str, procedure: str) -> ResponseReturnValue:
    """Starts the case and opens its first task, if that is this official's."""
    answers: Answers = posted(request.form.items(multi=True))
    with reading() as tx:
        actor, offer = _offered(tx, regulation, procedure)
        if REFRESH in request.form:
            return _page(tx, actor, offer, answers, {})
    if offer.procedure.start_form is not None:
        taken = take(offer.procedure, offer.procedure.start_form, answers, actor)
        answers = taken.answers
        if taken.errors:
            return _again(regulation, procedure, answers, taken.errors), 422
    about = _about_id()
    try:
        case = act(
            lambda tx, now: filing.file(machine().kernel, tx, actor, regulation, procedure, answers, now, about),
            _("发起《%(title)s》", title=offer.procedure.manifest.title),
        )
    except cases.FormRefused as refusal:
        return _again(regulation, procedure, answers, refusal.fields), 422
    flash(_("已立案，编号 %(number)s。", number=case.number), "success")
    with reading() as tx:
        return redirect(_first(tx, case.id, actor))


def _offered(tx: Session, regulation: str, procedure: str) -> tuple[Actor, Offer]:
    published = machine().kernel.releases.newest(tx, regulation)
    said = published.procedure(procedure).manifest
    roles = frozenset(said.role(start.role) for start in said.starts if start.role)
    actor = permit(Subject(regulation=regulation, roles=roles))
    place_of(actor)
    return actor, filing.offer(machine().kernel, tx, actor, regulation, procedure, _about_id())


def _about_id() -> int | None:
    return request.args.get("about", type=int)


def _address(offer: Offer) -> str:
    about = f"?about={offer.about.id}" if offer.about else ""
    return f"/start/{offer.published.regulation.slug}/{offer.procedure.slug}{about}"


def _page(tx: Session, actor: Actor, offer: Offer, answers: Answers | None, errors: Mapping[str, FieldError]) -> str:
    form: Form | None = offer.procedure.start_form
    view = None
    if form is not None:
        known = choices.offered(tx, offer.published.regulation, form, answers or {}, actor.person_id, None)
        view = form.view(answers, errors, names_for(offer.about), known)
    return render("official/start_form.html", offer=offer, form=view, url=_address(offer), **frame(tx, actor, "/start"))


def _again(regulation: str, procedure: str, answers: Answers, errors: Mapping[str, FieldError]) -> str:
    with reading() as tx:
        actor, offer = _offered(tx, regulation, procedure)
        return _page(tx, actor, offer, answers, errors)


def _first(tx: Session, case_id: int, actor: Actor) -> str:
    """The address of the case's first task when this official's role does it, else of the case."""
    rows = tx.scalars(select(Task).where(Task.case_id == case_id, Task.state == "open").order_by(Task.id))
    mine = next((row for row in rows if actor.has(row.regulation, row.role)), None)
    return f"/tasks/{mine.id}" if mine else f"/cases/{case_id}"
