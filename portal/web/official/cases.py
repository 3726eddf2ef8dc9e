"""All cases of an official's regulations, newest first, found by number, unit or number of a letter."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import or_, select

from portal.cases.models import Case
from portal.documents.models import Letter
from portal.identity import Organisation, Permission
from portal.web.access import needs, permit
from portal.web.acting import reading
from portal.web.official.blueprint import blueprint, frame, place_of, side
from portal.web.pages import render

SIZE = 50


@blueprint.get("/cases")
@needs(Permission.TASK_LIST)
def cases_page() -> ResponseReturnValue:
    """One page of the list, or of what a search finds."""
    actor = permit()
    place, q = place_of(actor), request.args.get("q", "").strip()
    before = request.args.get("before", type=int)
    wanted = (
        select(Case, Organisation.name)
        .outerjoin(Organisation, Organisation.id == Case.party_id)
        .where(Case.regulation.in_(place.regulations))
        .order_by(Case.id.desc())
        .limit(SIZE + 1)
    )
    if q:
        of_letters = select(Letter.case_id).where(Letter.number.icontains(q, autoescape=True))
        named = [column.icontains(q, autoescape=True) for column in (Case.number, Organisation.name)]
        wanted = wanted.where(or_(*named, Case.id.in_(of_letters)))
    if before is not None:
        wanted = wanted.where(Case.id < before)
    with reading() as tx:
        found = tx.execute(wanted).all()
        rows = found[:SIZE]
        more = urlencode({"q": q, "before": rows[-1][0].id}) if len(found) > SIZE else None
        return render(
            "official/cases.html",
            rows=rows,
            q=q,
            later=f"/cases?{more}" if more else None,
            earlier=f"/cases?{urlencode({'q': q})}" if before is not None else None,
            side=side(tx, place),
            **frame(tx, actor, "/cases"),
        )
