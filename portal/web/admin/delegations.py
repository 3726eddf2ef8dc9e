"""Who stands in for an official, arranged by an administrator because he cannot do it himself."""

from __future__ import annotations

from collections.abc import Mapping

from flask import redirect, request
from flask.typing import ResponseReturnValue

from portal.edge.acting import reading
from portal.errors import PortalError
from portal.identity import Actor, Permission, Subject
from portal.identity.lending import LendingRefused
from portal.web.access import needs, permit
from portal.web.admin.blueprint import blueprint, frame
from portal.web.admin.people import PEOPLE
from portal.web.official.delegations import FIND, Typed, lend, page_of
from portal.web.pages import render


@blueprint.get("/people/<int:person_id>/delegations")
@needs(Permission.DELEGATION_READ)
def delegations(person_id: int) -> ResponseReturnValue:
    """What an official has lent and was lent, and the form."""
    return _page(permit(Subject()), person_id, None, {})


@blueprint.post("/people/<int:person_id>/delegations")
@needs(Permission.DELEGATION_MAKE)
def make_delegation(person_id: int) -> ResponseReturnValue:
    """Lends an official's roles in his stead."""
    actor, typed = permit(Subject()), Typed.read()
    if FIND in request.form:
        return _page(actor, person_id, typed, {})
    try:
        lend(actor, person_id, typed)
    except LendingRefused as refusal:
        return _page(actor, person_id, typed, refusal.fields), 422
    return redirect(_address(person_id), 303)


def _address(person_id: int) -> str:
    return f"{PEOPLE}/{person_id}/delegations"


def _page(actor: Actor, person_id: int, typed: Typed | None, faults: Mapping[str, PortalError]) -> str:
    with reading() as tx:
        page = page_of(tx, actor, person_id, _address(person_id), typed, faults)
        return render("admin/delegations.html", page=page, **frame(tx, actor, PEOPLE))
