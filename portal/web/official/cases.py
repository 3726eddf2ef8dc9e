"""All cases of an official's regulations, newest first, found by number, unit, title, letter and searchable values."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import request
from flask.typing import ResponseReturnValue

from portal import inbox
from portal.edge.acting import asked, reading
from portal.identity import Permission
from portal.web.access import needs, permit
from portal.web.official.blueprint import blueprint, frame, place_of, side
from portal.web.pages import render

SIZE = 50


@blueprint.get("/cases")
@needs(Permission.TASK_LIST)
def cases_page() -> ResponseReturnValue:
    """One page of the list, or of what a search finds."""
    actor = permit()
    place, q = place_of(actor), request.args.get("q", "").replace("\0", "").strip()
    before = asked("before")
    with reading() as tx:
        rows = inbox.find_cases(tx, place.regulations, q, before, SIZE + 1)
        more = urlencode({"q": q, "before": rows[SIZE - 1][0].id}) if len(rows) > SIZE else None
        return render(
            "official/cases.html",
            rows=rows[:SIZE],
            q=q,
            short=inbox.is_too_short(q),
            later=f"/cases?{more}" if more else None,
            earlier=f"/cases?{urlencode({'q': q})}" if before is not None else None,
            side=side(tx, place),
            **frame(tx, actor, "/cases"),
        )
