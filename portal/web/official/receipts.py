"""Receipts of post and personal delivery: what is still to be entered, and entering one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from urllib.parse import urlencode

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import inbox
from portal.cases import delivery
from portal.cases.errors import AlreadyEntered, EarlierNeedsReason
from portal.cases.filers import address_of
from portal.cases.live import Cases
from portal.cases.models import Case
from portal.clock import TZ
from portal.documents import service as documents
from portal.documents.rules import FileNotReady, ServedBeforeIssue, ServedInFuture
from portal.edge.acting import act, asked, moment, reading
from portal.edge.machine import machine
from portal.edge.standing import in_force
from portal.forms.characters import narrow
from portal.identity import Actor, Permission, Subject
from portal.inbox import Place
from portal.web import validity
from portal.web.access import needs, permit
from portal.web.languages import said
from portal.web.official.blueprint import blueprint, frame, place_of, receipts, side
from portal.web.official.proofs import counting_text, service_views
from portal.web.pages import render

SIZE = 50
# Reading in the portal is proved by the addressee himself.
WAYS = ("post", "in person")
LIMIT = 500
"""Characters of a note or a reason."""


def typed_moment(day: str, clock: str) -> datetime | None:
    """The moment that a typed day and time make; None when either is none."""
    try:
        return datetime.combine(date.fromisoformat(narrow(day)), time.fromisoformat(narrow(clock)), TZ)
    except ValueError:
        return None


@dataclass(frozen=True)
class Typed:
    """What the clerk typed."""

    how: str
    day: str
    time: str
    note: str

    @property
    def at(self) -> datetime | None:
        """The moment of receipt; None when day or time is none."""
        return typed_moment(self.day, self.time)


@blueprint.get("/receipts")
@needs(Permission.TASK_LIST)
def receipts_page() -> ResponseReturnValue:
    """The services not proved yet whose receipts this official enters, the oldest letter first; or the proved ones."""
    actor = permit()
    place = place_of(actor)
    with reading() as tx:
        after = asked("after") or 0
        kinds = [kind for one in in_force(tx) for kind in receipts(one, actor)]
        if request.args.get("view") == "served":
            return _served_page(tx, actor, place, kinds)
        rows = inbox.open_services(tx, kinds, after, SIZE + 1)
        return render(
            "official/receipts.html",
            rows=rows[:SIZE],
            later=f"/receipts?after={rows[SIZE - 1][0].id}" if len(rows) > SIZE else None,
            earlier="/receipts" if after else None,
            side=side(tx, place),
            **frame(tx, actor, "/receipts"),
        )


def _served_page(tx: Session, actor: Actor, place: Place, kinds: list[tuple[str, str, str]]) -> str:
    """What is on record, with every proof, the newest letter first."""
    q, before = request.args.get("q", "").replace("\0", "").strip(), asked("before")
    rows = inbox.served_services(tx, kinds, q, before, SIZE + 1)
    views = service_views(tx, [(letter, service, True) for service, letter, _ in rows[:SIZE]])
    more = urlencode({"view": "served", "q": q, "before": rows[SIZE - 1][0].id}) if len(rows) > SIZE else None
    return render(
        "official/receipts_served.html",
        rows=list(zip(views, (case for _, _, case in rows[:SIZE]), strict=True)),
        q=q,
        later=f"/receipts?{more}" if more else None,
        earlier=f"/receipts?{urlencode({'view': 'served', 'q': q})}" if before is not None else None,
        side=side(tx, place),
        **frame(tx, actor, "/receipts"),
    )


@blueprint.get("/services/<int:service_id>/receipt")
@needs(Permission.SERVICE_ENTER)
def receipt_page(service_id: int) -> ResponseReturnValue:
    """The form for one receipt."""
    return _page(service_id, Typed("", "", "", ""), {})


@blueprint.post("/services/<int:service_id>/receipt")
@needs(Permission.SERVICE_ENTER)
def enter(service_id: int) -> ResponseReturnValue:
    """Enters the receipt; the earliest proof counts, deadlines start from it."""
    typed = Typed(*(request.form.get(name, "").strip() for name in ("how", "day", "time", "note")))
    with reading() as tx:
        actor, case = _permitted(tx, service_id)
    errors = receipt_errors(typed.how, typed.at, typed.note)
    at = typed.at
    if errors or at is None:
        return _page(service_id, typed, errors), 422
    try:
        act(
            lambda tx, now: delivery.enter_receipt(
                machine().kernel, tx, actor, service_id, typed.how, at, typed.note, now
            ),
            _("登记送达"),
            case.id,
        )
    except (ServedInFuture, ServedBeforeIssue, FileNotReady) as refusal:
        return _page(service_id, typed, {"day": said(refusal)}), 422
    except EarlierNeedsReason as refusal:
        return _page(service_id, typed, {"note": said(refusal)}), 422
    except AlreadyEntered as refusal:
        return _page(service_id, typed, {"day": said(refusal)}), 409
    flash(_entered_text(service_id, typed.how, at), "success")
    return redirect(f"/cases/{case.id}")


def _entered_text(service_id: int, how: str, at: datetime) -> str:
    """What a receipt has brought about: periods run from it, or an earlier service counts as before."""
    with reading() as tx:
        service = documents.service_record(tx, service_id)
        if (service.how, service.served_at) == (how, at):
            return _("已登记送达，相关期限自送达之日次日起算。")
        return _("已登记；以更早的送达（%(proof)s）为准，期限不变", proof=counting_text(service.how, service.served_at))


def receipt_errors(how: str, at: datetime | None, note: str) -> dict[str, str]:
    """What is wrong with a receipt as typed, by field."""
    errors = {}
    if how not in WAYS:
        errors["how"] = _("请选择送达方式")
    if at is None:
        errors["day"] = _("请填写签收的日期和时间，例如 2026-11-23 和 09:30")
    if len(note) > LIMIT:
        errors["note"] = _("备注最多 %(n)s 字，请删减", n=LIMIT)
    return errors


def _page(service_id: int, typed: Typed, errors: dict[str, str]) -> str:
    with reading() as tx:
        actor, case = _permitted(tx, service_id)
        service = documents.service_record(tx, service_id)
        letter = service.letter
        return render(
            "official/receipt.html",
            service=service,
            letter=letter,
            case=case,
            law=validity.of_case_id(tx, case.id),
            typed=typed,
            address=address_of(Cases(tx, machine().kernel.releases).get(case.id)),
            errors=errors,
            now=moment(tx),
            **frame(tx, actor, "/receipts"),
        )


def _permitted(tx: Session, service_id: int) -> tuple[Actor, Case]:
    """The actor and the case, if the manifest lets him enter this receipt."""
    service = documents.service_record(tx, service_id)
    case = Cases(tx, machine().kernel.releases).get(service.letter.case_id)
    actor = permit(Subject(regulation=case.row.regulation))
    delivery.may_enter_receipt(case, service.letter, actor)
    return actor, case.row
