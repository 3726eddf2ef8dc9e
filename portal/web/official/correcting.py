"""Correcting a receipt: what is typed, then what would follow from it, then the correction itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.audit.rules import Entry
from portal.cases import correcting, delivery
from portal.cases.correcting import Foreseen, Receipt
from portal.cases.errors import NothingCorrected
from portal.cases.live import Cases
from portal.clock import TZ
from portal.documents import service as documents
from portal.documents.models import ServiceProof
from portal.documents.rules import FileNotReady, ServedBeforeIssue, ServedInFuture, earliest
from portal.edge.acting import act, moment, reading
from portal.edge.machine import machine
from portal.identity import Actor, Permission, Subject
from portal.web import validity
from portal.web.access import needs, permit
from portal.web.history import SENTENCES, how_text
from portal.web.languages import said
from portal.web.official.blueprint import blueprint, frame
from portal.web.official.proofs import counting_text
from portal.web.official.receipts import LIMIT, receipt_errors, typed_moment
from portal.web.pages import render

CORRECT, STRIKE = "correct", "strike"
# Lines of a history that tell what a correction changes beside the record of service itself.
_CONSEQUENCES = ("deadline.", "timer.", "case.", "matter.", "letter.unserved", "message.")


@dataclass(frozen=True)
class Typed:
    """What the clerk typed."""

    what: str
    how: str
    day: str
    time: str
    note: str
    reason: str

    @property
    def at(self) -> datetime | None:
        """The moment of receipt; None when day or time is none."""
        return typed_moment(self.day, self.time)

    @property
    def instead(self) -> Receipt | None:
        """What takes the place of the receipt; None when it is struck out altogether."""
        return Receipt(self.how, self.at, self.note) if self.what == CORRECT and self.at is not None else None


@blueprint.get("/proofs/<int:proof_id>/correction")
@needs(Permission.SERVICE_ENTER)
def correction_page(proof_id: int) -> ResponseReturnValue:
    """The form: another day or way, or none, and why."""
    with reading() as tx:
        _actor, proof = _permitted(tx, proof_id)
        correcting.check(proof, None)
        at = proof.received_at.astimezone(TZ)
        as_it_is = Typed(CORRECT, proof.how, f"{at:%Y-%m-%d}", f"{at:%H:%M}", proof.note, "")
    return _page(proof_id, as_it_is, {})


@blueprint.post("/proofs/<int:proof_id>/correction")
@needs(Permission.SERVICE_ENTER)
def correct_proof(proof_id: int) -> ResponseReturnValue:
    """Shows what would follow; when that was confirmed, corrects."""
    names = ("what", "how", "day", "time", "note", "reason")
    typed = Typed(*(request.form.get(name, "").strip() for name in names))
    with reading() as tx:
        actor, proof = _permitted(tx, proof_id)
        case_id, unchanged = proof.service.letter.case_id, _still_counts(proof, typed)
    errors = _errors(typed)
    if errors or "again" in request.form:
        return _page(proof_id, typed, errors), 422 if errors else 200
    kernel = machine().kernel
    try:
        if "confirmed" not in request.form:
            with reading() as tx:
                now = moment(tx)
                seen = correcting.foreseen(kernel, tx, actor, proof_id, typed.instead, typed.reason, now)
            return _check_page(proof_id, typed, seen)
        act(
            lambda tx, now: correcting.correct(kernel, tx, actor, proof_id, typed.instead, typed.reason, now),
            _("更正送达"),
            case_id,
        )
    except (ServedInFuture, ServedBeforeIssue, FileNotReady, NothingCorrected) as refusal:
        return _page(proof_id, typed, {"day": said(refusal)}), 422
    if unchanged:
        flash(_("送达记录已更正；仍以%(proof)s的送达为准，期限不变。", proof=unchanged), "success")
    else:
        flash(_("送达记录已更正，相关期限已重新计算。"), "success")
    return redirect(f"/cases/{case_id}#service")


def _still_counts(proof: ServiceProof, typed: Typed) -> str:
    """The other proof that counts before and after a correction, which then changes nothing; empty when none does."""
    others = [one for one in proof.service.proofs if one.struck is None and one is not proof]
    counting = earliest(others)
    if counting is None or counting.received_at > proof.received_at:
        return ""
    if typed.instead is not None and typed.instead.at < counting.received_at:
        return ""
    return counting_text(counting.how, counting.received_at)


def _errors(typed: Typed) -> dict[str, str]:
    errors = {}
    if typed.what not in (CORRECT, STRIKE):
        errors["what"] = _("请选择如何更正")
    if typed.what == CORRECT:
        errors |= receipt_errors(typed.how, typed.at, typed.note)
    if not typed.reason:
        errors["reason"] = _("请说明更正的理由")
    elif len(typed.reason) > LIMIT:
        errors["reason"] = _("理由最多 %(n)s 字，请删减", n=LIMIT)
    return errors


def _page(proof_id: int, typed: Typed, errors: dict[str, str]) -> str:
    with reading() as tx:
        actor, proof = _permitted(tx, proof_id)
        return render(
            "official/correct.html",
            **_shown(tx, proof),
            law=validity.of_case_id(tx, proof.service.letter.case_id),
            typed=typed,
            errors=errors,
            now=moment(tx),
            **frame(tx, actor, "/receipts"),
        )


def _check_page(proof_id: int, typed: Typed, seen: list[Foreseen]) -> str:
    with reading() as tx:
        actor, proof = _permitted(tx, proof_id)
        lines = [
            {"number": one.number, "text": text, "note": note}
            for one in seen
            for entry in one.entries
            if entry.kind.startswith(_CONSEQUENCES)
            for text, note in [_sentence(entry)]
        ]
        kinds = {entry.kind for one in seen for entry in one.entries}
        return render(
            "official/correct_check.html",
            **_shown(tx, proof),
            law=validity.of_case_id(tx, proof.service.letter.case_id),
            typed=typed,
            new_how=how_text(typed.how) if typed.instead else None,
            lines=lines,
            matter="matter.raised" in kinds,
            at_once="timer.fired" in kinds,
            unchanged=_still_counts(proof, typed),
            **frame(tx, actor, "/receipts"),
        )


def _sentence(entry: Entry) -> tuple[str, str | None]:
    sentence = SENTENCES.get(entry.kind)
    return sentence(entry.details) if sentence else (entry.kind, None)


def _shown(tx: Session, proof: ServiceProof) -> dict[str, object]:
    service = proof.service
    case = Cases(tx, machine().kernel.releases).get(service.letter.case_id)
    left = [one for one in service.proofs if one.struck is None and one is not proof]
    return {
        "proof": proof,
        "service": service,
        "letter": service.letter,
        "case": case.row,
        "how": how_text(proof.how),
        "left": len(left),
    }


def _permitted(tx: Session, proof_id: int) -> tuple[Actor, ServiceProof]:
    """The actor and the proof, if the manifest lets him enter the receipts of its letter."""
    proof = documents.proof_record(tx, proof_id)
    case = Cases(tx, machine().kernel.releases).get(proof.service.letter.case_id)
    actor = permit(Subject(regulation=case.row.regulation))
    delivery.may_enter_receipt(case, proof.service.letter, actor)
    return actor, proof
