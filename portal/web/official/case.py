"""The page of a case for officials: its whole file, running or ended, and its diagram."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from flask import Response, request
from flask.typing import ResponseReturnValue
from lxml import etree
from sqlalchemy.orm import Session

from portal import inbox
from portal.cases import extending
from portal.cases.binding import bound_to
from portal.cases.errors import UnknownCase
from portal.cases.live import Cases, LiveCase
from portal.cases.models import Case, Task
from portal.cases.names import scope_of
from portal.cases.tasks import known_parties
from portal.deadlines import service as deadlines
from portal.documents.models import Letter
from portal.edge.acting import moment, reading
from portal.edge.machine import machine
from portal.identity import Actor, Permission, Subject
from portal.identity import queries as identity
from portal.web import tables, validity
from portal.web.access import needs, permit
from portal.web.casefile import case_file, form_said
from portal.web.official.blueprint import blueprint, frame, place_of
from portal.web.official.desk import matters_of_case
from portal.web.official.items import state_titles
from portal.web.official.noting import note_form
from portal.web.official.proofs import ServiceView, enters_receipts, service_views
from portal.web.official.sendable import acts_of
from portal.web.pages import render
from portal.web.people import People


@blueprint.get("/cases/<int:case_id>")
@needs(Permission.CASE_READ)
def case_page(case_id: int) -> ResponseReturnValue:
    """Everything there is about a case."""
    with reading() as tx:
        actor, case = opened(tx, case_id)
        file = case_file(tx, case, moment(tx))
        return render(
            "official/case.html",
            file=file,
            tasks=_tasks(tx, case, actor, file.open_tasks),
            acts=acts_of(case, file.waits, actor),
            note=note_form(case, actor),
            services=_services(tx, case, actor, file.letters),
            matters=matters_of_case(tx, case, actor),
            extendable=extendable(case, actor, moment(tx)),
            items=inbox.item_counts(tx, case.id),
            item_titles=state_titles(),
            text=bound_to(case.row, case.published.regulation),
            law=validity.of_case(tx, case),
            **frame(tx, actor, "/cases"),
        )


def extendable(case: LiveCase, actor: Actor, now: datetime) -> set[int]:
    """The deadlines of a case that a person may give more time now."""
    if not any(rule.extend for rule in case.procedure.manifest.deadlines.values()):
        return set()
    live = deadlines.live_of(case.tx, case.id)
    return {row.id for row in live if extending.may_extend(case, row, actor, now)}


@blueprint.get("/cases/<int:case_id>/diagram")
@needs(Permission.CASE_READ)
def diagram(case_id: int) -> Response:
    """The drawing of the release that the case follows; `drawing` names a called one."""
    with reading() as tx:
        _actor, case = opened(tx, case_id)
        drawing = case.procedure.drawings.get(request.args.get("drawing", case.procedure.drawing.name))
        if drawing is None:
            raise UnknownCase
        return Response(
            etree.tostring(drawing.root, xml_declaration=True, encoding="UTF-8"), mimetype="application/xml"
        )


@blueprint.get("/cases/<int:case_id>/answers/<int:place>/<name>.xlsx")
@needs(Permission.CASE_READ)
def answered_rows(case_id: int, place: int, name: str) -> Response:
    """All rows of a table that was handed in, as a workbook; `place` is that of the answer among the case's."""
    with reading() as tx:
        _actor, case = opened(tx, case_id)
        said = case.values.all[place] if place < len(case.values.all) else None
        form = form_said(case, said) if said is not None else None
        table = form.table(name) if form is not None else None
        if said is None or form is None or table is None:
            raise UnknownCase
        known = known_parties(tx, form, said.value)
        return tables.stored(form, table, said.value, scope_of(case, said.inside), known)


def opened(tx: Session, case_id: int) -> tuple[Actor, LiveCase]:
    """The case, for an official of its regulation."""
    row = tx.get(Case, case_id)
    if row is None:
        raise UnknownCase
    # Its party reads it on pages of its own, which do not show what officials write for each other.
    actor = permit(Subject(regulation=row.regulation))
    place_of(actor)
    return actor, Cases(tx, machine().kernel.releases).get(case_id)


def _services(tx: Session, case: LiveCase, actor: Actor, letters: Sequence[Letter]) -> list[ServiceView]:
    """The service of every letter of the case, the newest letter first."""
    return service_views(
        tx,
        [
            (letter, service, enters_receipts(case, letter, actor))
            for letter in reversed(letters)
            for service in letter.services
            if service.kind == "party"
        ],
    )


def _tasks(tx: Session, case: LiveCase, actor: Actor, rows: Iterable[Task]) -> list[dict[str, object]]:
    """The open tasks with who holds them, or to whom alone they are assigned; `url` where this person may do them."""
    rows = list(rows)
    names = identity.names_of(tx, (row.assignee_id for row in rows if row.assignee_id is not None))
    people = People(tx, ((row.holder_id, row.for_id) for row in rows))
    return [
        {
            "name": row.name,
            "role": case.published.regulation.role_title(row.role),
            "holder": people.said(row.holder_id, row.for_id),
            "assignee": names.get(row.assignee_id or 0, ""),
            "url": f"/tasks/{row.id}" if row.assignee_id is None and actor.has(row.regulation, row.role) else None,
        }
        for row in rows
    ]
