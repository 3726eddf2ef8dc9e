"""Pages for everybody: what can be filed here, by whom, on which article, and how long it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.clock import day_of
from portal.procedures import Procedure, Published
from portal.procedures.manifest import Material
from portal.procedures.regulation import Regulation
from portal.web import dates
from portal.web.access import open_to_all, visitor
from portal.web.acting import moment, reading
from portal.web.articles import citation
from portal.web.auth import first_page
from portal.web.beginning import missing_administrator
from portal.web.frames import frame
from portal.web.languages import listed
from portal.web.machine import machine
from portal.web.pages import render
from portal.web.periods import period_text

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


@dataclass(frozen=True)
class Group:
    """What can be filed under one regulation; `closed` says why nothing can be now."""

    region: str
    title: str
    number: str
    office: str
    closed: str
    matters: tuple[Matter, ...]


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
    entries = (("/", _("我要申报")), ("/track", _("查询办理进度")), ("/verify", _("核验文书真伪")))
    return {"nav": [{"text": text, "url": url, "on": url == on} for url, text in entries]}


def groups(tx: Session) -> list[Group]:
    """Everything that applicants may file by the releases in force, by region and regulation."""
    today = day_of(moment(tx))
    found = [_group(published, today) for published in machine().kernel.releases.in_force(tx)]
    return sorted((group for group in found if group.matters), key=lambda group: (group.region, group.number))


def _group(published: Published, today: date) -> Group:
    regulation = published.regulation
    matters = tuple(
        _matter(published, procedure, who)
        for procedure in published.procedures.values()
        if (who := _who(regulation, procedure))
    )
    office = next(iter(regulation.bodies.values()), "")
    return Group(regulation.region, regulation.title, regulation.number, office, _closed(regulation, today), matters)


def _closed(regulation: Regulation, today: date) -> str:
    """Why nothing can be filed under a regulation on a day; empty when it can."""
    if regulation.in_force is not None and today < regulation.in_force:
        return _("本办法自 %(day)s 起施行，施行以后可以申报。", day=dates.plain_day(regulation.in_force))
    if regulation.last_day is not None and today > regulation.last_day:
        return _(
            "本办法已于 %(day)s 停止施行，不再受理新的申报；已经受理的继续办理，可以查询进度。",
            day=dates.plain_day(regulation.last_day),
        )
    return ""


def _who(regulation: Regulation, procedure: Procedure) -> str:
    """The applicants who may file it; empty when it is the authority's own business."""
    said = procedure.manifest
    names = [said.role(start.role) for start in said.starts if start.role]
    roles = [regulation.roles[name] for name in names if name in regulation.roles]
    return listed(role.title for role in roles if role.applicant)


def _matter(published: Published, procedure: Procedure, who: str) -> Matter:
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
    )


def _notice(about: Procedure) -> str:
    """The letter by which a case begins that can be answered."""
    letter = next(iter(about.manifest.documents.values()), None)
    return letter.title if letter else about.manifest.title


def _until(about: Procedure, name: str) -> str:
    rule = about.manifest.deadlines.get(name)
    return period_text(str(rule.length)) if rule else ""


def _duties(procedure: Procedure) -> Iterator[str]:
    """By when the authority has to have done what: 作出复核决定：10 个工作日."""
    for rule in procedure.manifest.deadlines.values():
        if rule.kind == "duty":
            period = period_text(str(rule.length))
            if "filed" in rule.after:
                yield _("%(title)s：%(period)s，自收到申请的次日起算", title=rule.title, period=period)
            else:
                yield _("%(title)s：%(period)s", title=rule.title, period=period)


def _material(procedure: Procedure, material: Material) -> MaterialView:
    form = procedure.start_form
    fields: Sequence[Any] = form.fields if form else ()
    required = any(field.name == material.name and field.kind.required for field in fields)
    kinds, size = listed(material.accept), material.size // 1_000_000
    limits = _("%(kinds)s，最多 %(most)s 个，每个不超过 %(size)s MB", kinds=kinds, most=material.most, size=size)
    note = _("必交；%(limits)s", limits=limits) if required else _("可以不交；%(limits)s", limits=limits)
    return MaterialView(material.title, note)
