"""Pages for everybody: what can be filed here."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.web.access import open_to_all, visitor
from portal.web.acting import reading
from portal.web.auth import first_page
from portal.web.machine import machine
from portal.web.pages import render

blueprint = Blueprint("public", __name__)


@dataclass(frozen=True)
class Matter:
    """One thing that applicants may file: under which regulation, who, and whether a notice comes before it."""

    title: str
    regulation: str
    number: str
    region: str
    who: str
    answers: str | None


@blueprint.get("/")
@open_to_all
def index() -> ResponseReturnValue:
    """What can be filed; who is signed in goes to his own first page."""
    actor = visitor()
    if actor is not None:
        return redirect(first_page(actor))
    with reading() as tx:
        return render("public/index.html", matters=matters(tx))


def matters(tx: Session) -> list[Matter]:
    """Everything applicants may file by the releases in force."""
    found = []
    for published in machine().kernel.releases.in_force(tx):
        regulation = published.regulation
        for procedure in published.procedures.values():
            said = procedure.manifest
            names = [said.role(start.role) for start in said.starts if start.role]
            roles = [regulation.roles[name] for name in names if name in regulation.roles]
            who = "、".join(role.title for role in roles if role.applicant)
            if who:
                about = published.procedures.get(said.about.procedure) if said.about else None
                answers = about.manifest.title if about else None
                found.append(Matter(said.title, regulation.title, regulation.number, regulation.region, who, answers))
    return found
