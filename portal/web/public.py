"""Pages for everybody: what can be filed here, by whom, on which article, and how long it takes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.edge.acting import reading
from portal.edge.machine import machine
from portal.procedures import Procedure, Published
from portal.procedures.articles import citation
from portal.procedures.drawing import Drawing
from portal.procedures.manifest import Material
from portal.procedures.regulation import Regulation
from portal.procedures.validity import Validity
from portal.web import validity
from portal.web.access import open_to_all, visitor
from portal.web.auth import first_page
from portal.web.beginning import missing_administrator
from portal.web.frames import frame
from portal.web.languages import listed
from portal.web.pages import render
from portal.web.periods import beginning, period_text
from portal.web.validity import LawLine

blueprint = Blueprint("public", __name__)


@dataclass(frozen=True)
class MaterialView:
    """What is to be handed in, and how: kinds of file, how many, how large."""

    title: str
    note: str


@dataclass(frozen=True)
class Matter:
    """One thing that applicants may file: by whom, on which article, within which period, decided within which, with
    which materials; `answers` is the notice that comes before it."""

    title: str
    who: str
    basis: str
    answers: str
    until: str
    duties: tuple[str, ...]
    materials: tuple[MaterialView, ...]
    closed: str
    """In a word why it cannot be filed now."""


@dataclass(frozen=True)
class Group:
    """What can be filed under one regulation."""

    region: str
    title: str
    number: str
    office: str
    matters: tuple[Matter, ...]
    law: tuple[LawLine, ...]
    """What is to be known of its validity."""


@blueprint.get("/")
@open_to_all
def index() -> ResponseReturnValue:
    """What can be filed; who is signed in goes to his own first page."""
    actor = visitor()
    if actor is not None:
        return redirect(first_page(actor))
    with reading() as tx:
        first = missing_administrator(tx)
        return render("public/index.html", groups=groups(tx), first=first, **around(tx, "/"))


def around(tx: Session, on: str) -> dict[str, Any]:
    """The top bar of a page that is open to all: one's own where somebody is signed in."""
    actor = visitor()
    if actor is not None:
        return frame(tx, actor)
    entries = (
        ("/", _("我要申报")),
        ("/notices", _("公示公告")),
        ("/registry", _("公开信息")),
        ("/track", _("查询办理进度")),
        ("/verify", _("核验文书真伪")),
    )
    return {"nav": [{"text": text, "url": url, "on": url == on} for url, text in entries]}


def groups(tx: Session) -> list[Group]:
    """Everything that applicants may file by the releases in force, by region and regulation."""
    every = machine().kernel.releases.in_force(tx)
    stands = validity.standings(tx, [published.regulation for published in every])
    found = [_group(published, stands[published.regulation.slug]) for published in every]
    return sorted((group for group in found if group.matters), key=lambda group: (group.region, group.number))


def _group(published: Published, stands: Validity) -> Group:
    regulation = published.regulation
    matters = tuple(
        _matter(published, procedure, who, stands)
        for procedure in published.procedures.values()
        if (who := _who(regulation, procedure))
    )
    office = next(iter(regulation.bodies.values()), "")
    law = tuple(validity.of_regulation(regulation, stands))
    return Group(regulation.region, regulation.title, regulation.number, office, matters, law)


def _who(regulation: Regulation, procedure: Procedure) -> str:
    """The applicants who may file it; empty when it is the authority's own business."""
    said = procedure.manifest
    names = [said.role(start.role) for start in said.starts if start.role]
    roles = [regulation.roles[name] for name in names if name in regulation.roles]
    return listed(role.title for role in roles if role.applicant)


def _matter(published: Published, procedure: Procedure, who: str, stands: Validity) -> Matter:
    regulation, said = published.regulation, procedure.manifest
    about = published.procedures.get(said.about.procedure) if said.about else None
    return Matter(
        title=said.title,
        who=who,
        basis=citation(regulation, procedure.article(procedure.drawing.start())) or "",
        answers=_notice(about) if about else "",
        until=_until(about, said.about.until) if about and said.about and said.about.until else "",
        duties=tuple(_duties(procedure)),
        materials=tuple(_material(procedure, material) for material in said.materials.values()),
        closed=_closed(procedure, stands),
    )


def _closed(procedure: Procedure, stands: Validity) -> str:
    """In a word why something cannot be filed; an answer to a case that is still open can be."""
    if stands.governs is not None:
        return ""
    if not stands.lapsed:
        return _("尚未施行")
    goes_on = procedure.manifest.about is not None or procedure.slug in procedure.regulation.after_last_day
    return "" if goes_on else _("已停止受理")


def _notice(about: Procedure) -> str:
    """The letter by which a case begins that can be answered."""
    letter = next(iter(about.manifest.documents.values()), None)
    return letter.title if letter else about.manifest.title


def _until(about: Procedure, name: str) -> str:
    rule = about.manifest.deadlines.get(name)
    return period_text(str(rule.length)) if rule else ""


def _duties(procedure: Procedure) -> Iterator[str]:
    """By when the authority has to have done what an applicant waits for, and how long is shown to everybody, in the
    order of the procedure: 作出复核决定：10 个工作日."""
    places = {event: place for place, event in reversed(list(enumerate(_events(procedure, procedure.drawing))))}
    rules = procedure.manifest.deadlines.values()
    last = len(places)
    for rule in sorted(rules, key=lambda rule: min((places.get(met, last) for met in rule.met), default=last)):
        awaited = {"filed", "accepted"} & {*rule.after} or any(event.startswith("issued(") for event in rule.met)
        if rule.kind == "minimum" or (rule.kind == "duty" and awaited):
            period = period_text(str(rule.length))
            if rule.within is not None and {"filed", "accepted"} & {*rule.after}:
                begins = beginning(procedure, rule)
                yield _("%(title)s：%(period)s，%(begins)s", title=rule.title, period=period, begins=begins)
            else:
                yield _("%(title)s：%(period)s", title=rule.title, period=period)


def _events(procedure: Procedure, drawing: Drawing) -> Iterator[str]:
    """What may happen along the flows of a diagram, and in those that it calls, the nearest to its start first."""
    waiting, seen = deque([drawing.start().id]), set[str]()
    while waiting:
        here = waiting.popleft()
        if here in seen:
            continue
        seen.add(here)
        called = procedure.calls.get((drawing.name, here))
        if called is not None:
            yield from _events(procedure, procedure.drawings[called])
        drawn = drawing.elements[here]
        yield f"done({here})"
        if drawn.action is not None and drawn.issues:
            yield f"issued({drawn.action.inputs.get('document', '')})"
            yield f"served({drawn.action.inputs.get('document', '')})"
        waiting.extend(flow.target for flow in drawing.out(here))
        waiting.extend(other.id for other in drawing.elements.values() if other.attached_to == here)


def _material(procedure: Procedure, material: Material) -> MaterialView:
    form = procedure.start_form
    fields: Sequence[Any] = form.fields if form else ()
    required = any(field.name == material.name and field.kind.required for field in fields)
    kinds, size = listed(material.accept), material.size // 1_000_000
    limits = _("%(kinds)s，最多 %(most)s 个，每个不超过 %(size)s MB", kinds=kinds, most=material.most, size=size)
    note = _("必交；%(limits)s", limits=limits) if required else _("可以不交；%(limits)s", limits=limits)
    return MaterialView(material.title, note)
