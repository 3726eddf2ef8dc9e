"""A letter read in the portal: its text as HTML, what is known of it, its service."""

from __future__ import annotations

from flask import flash, redirect
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.cases.delivery import render_again
from portal.cases.live import Cases
from portal.cases.models import ActRecord
from portal.cases.standing import letter_standing
from portal.documents import service as documents
from portal.edge.acting import act, reading
from portal.edge.machine import machine
from portal.identity import Permission, Subject
from portal.web import validity
from portal.web.access import needs, permit
from portal.web.letters import read
from portal.web.official.blueprint import blueprint, frame, place_of
from portal.web.official.proofs import enters_receipts, service_views
from portal.web.pages import render
from portal.web.people import People


@blueprint.get("/letters/<int:letter_id>")
@needs(Permission.LETTER_READ)
def letter_page(letter_id: int) -> ResponseReturnValue:
    """The letter, for officials of its regulation."""
    with reading() as tx:
        letter = documents.letter(tx, letter_id)
        case = Cases(tx, machine().kernel.releases).get(letter.case_id)
        actor = permit(Subject(regulation=case.row.regulation))
        place_of(actor)
        enters = enters_receipts(case, letter, actor)
        issued = tx.get_one(ActRecord, letter.act_id)
        services = service_views(tx, [(letter, service, enters) for service in letter.services])
        context = {
            "letter": letter,
            "services": services,
            "case": case.row,
            "enters": enters,
            "by": People(tx, [(issued.person_id, issued.for_id)]).said(issued.person_id, issued.for_id),
            "standing": letter_standing(tx, machine().kernel.releases, letter),
            "law": validity.of_case(tx, case),
            **frame(tx, actor, "/cases"),
        }
    body, trouble = read(letter) if letter.object_key else (None, "")
    return render("official/letter.html", body=body, trouble=trouble, **context)


@blueprint.post("/letters/<int:letter_id>/again")
@needs(Permission.SERVICE_ENTER)
def make_again(letter_id: int) -> ResponseReturnValue:
    """Has a letter whose file could not be made tried again, with the newest release's template."""
    with reading() as tx:
        letter = documents.letter(tx, letter_id)
        case = Cases(tx, machine().kernel.releases).get(letter.case_id)
        actor = permit(Subject(regulation=case.row.regulation))
    act(lambda tx, now: render_again(machine().kernel, tx, actor, letter_id, now), _("重新生成文书"), letter.case_id)
    flash(_("正在重新生成，请稍后刷新本页。"), "success")
    return redirect(f"/letters/{letter_id}")
