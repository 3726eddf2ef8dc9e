"""Copies (抄送): the letters of which an official's body got one, and nothing else of their cases."""

from __future__ import annotations

from flask import Response
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal import inbox
from portal.cases.errors import UnknownCase
from portal.cases.live import Cases
from portal.documents import service as documents
from portal.documents.models import Service
from portal.edge.acting import asked, reading
from portal.edge.files import stream, word_of
from portal.edge.machine import machine
from portal.edge.standing import in_force
from portal.identity import Forbidden, Permission, Subject
from portal.procedures.manifest import copied_to
from portal.web import validity
from portal.web.access import needs, permit, signed_in
from portal.web.letters import read
from portal.web.official.blueprint import blueprint, bodies, frame, is_only_local, place_of, side
from portal.web.pages import render

SIZE = 50


@blueprint.get("/copies")
@needs(Permission.TASK_LIST)
def copies_page() -> ResponseReturnValue:
    """The letters copied to the bodies of this official, the newest first."""
    actor = permit()
    place = place_of(actor)
    before = asked("before")
    with reading() as tx:
        own = bodies(in_force(tx), actor)
        if not own:
            raise Forbidden(permission=Permission.COPY_READ)
        rows = inbox.copies(tx, own, before, SIZE + 1)
        return render(
            "official/copies.html",
            rows=rows[:SIZE],
            later=f"/copies?before={rows[SIZE - 1].id}" if len(rows) > SIZE else None,
            earlier="/copies" if before is not None else None,
            side=[] if is_only_local(actor) else side(tx, place),
            **frame(tx, actor, "/copies"),
        )


@blueprint.get("/copies/<int:service_id>")
@needs(Permission.COPY_READ)
def copy_page(service_id: int) -> ResponseReturnValue:
    """A copied letter as text."""
    with reading() as tx:
        service = _permitted(tx, service_id)
        letter = service.letter
        served = [one.name for one in letter.services if one.kind == "party"]
        context = {"letter": letter, "service": service, "to": served}
        context |= {"law": validity.of_case_id(tx, letter.case_id), **frame(tx, signed_in(), "/copies")}
    body, trouble = read(letter) if letter.object_key else (None, "")
    return render("official/copy.html", body=body, trouble=trouble, **context)


@blueprint.get("/copies/<int:service_id>/file")
@needs(Permission.COPY_READ)
def copy_file(service_id: int) -> Response:
    """A copied letter's Word file."""
    with reading() as tx:
        file = word_of(_permitted(tx, service_id).letter)
    return stream(file)


def _permitted(tx: Session, service_id: int) -> Service:
    """The copy, if it went to a body whose people the official is one of."""
    service = documents.service_record(tx, service_id)
    if service.kind != "copy":
        raise UnknownCase
    case = Cases(tx, machine().kernel.releases).get(service.letter.case_id)
    regulation = case.published.regulation
    name, _path = copied_to(service.addressee)
    regions = (region for _, _, region in signed_in().local if regulation.body_of(name, region) == service.name)
    permit(
        Subject(
            regulation=regulation.slug,
            roles=frozenset(role.name for role in regulation.roles.values() if role.body == name),
            region=next(regions, "") if name in regulation.regional else None,
        )
    )
    return service
