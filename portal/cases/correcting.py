"""Correcting a receipt that was entered by mistake: another day or way in its place, or none at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import audit
from portal.audit.rules import Entry
from portal.cases.act import Act
from portal.cases.conduct import conduct
from portal.cases.delivery import RECEIPTS, entered_for, may_enter_receipt, proved
from portal.cases.errors import NothingCorrected, ProvedByParty
from portal.cases.kernel import Kernel
from portal.cases.models import Case
from portal.clock import TZ
from portal.documents import service as documents
from portal.documents.models import ServiceProof
from portal.documents.rules import UnknownWayOfService
from portal.documents.service import Served
from portal.errors import Words
from portal.identity import Actor


@dataclass(frozen=True)
class Receipt:
    """What a receipt says: the way (post, in person), the moment of receipt, and a remark."""

    how: str
    at: datetime
    note: str = ""


@dataclass(frozen=True)
class Foreseen:
    """What an act would write: the case's number, and the lines of its history."""

    number: str
    entries: tuple[Entry, ...]


def correct(
    kernel: Kernel,
    tx: Session,
    actor: Actor,
    proof_id: int,
    instead: Receipt | None,
    reason: str,
    moment: datetime,
) -> None:
    """Strikes out a receipt and enters another instead, in one act; with None nothing takes its place.

    The earliest proof that is left counts. When none is, the letter is unserved and its periods end. Whoever may
    enter the letter's receipts corrects them; what the party's own act has proved nobody does.
    Raises UnknownProof, NotYourRole, ProvedByParty, AlreadyStruck, ReasonMissing, NothingCorrected,
    UnknownWayOfService, ServedInFuture, ServedBeforeIssue, FileNotReady.
    """
    letter = documents.proof_record(tx, proof_id).service.letter

    def verb(act: Act) -> None:
        proof = documents.proof_record(tx, proof_id)
        case = act.family.cases.get(proof.service.letter.case_id)
        may_enter_receipt(case, proof.service.letter, actor)
        act.done_for(entered_for(case, proof.service.letter, actor))
        check(proof, instead)
        served = _corrected(act, proof, instead, reason, actor)
        act.note(case, "receipt.corrected" if instead else "receipt.struck", **_said(proof, instead, reason))
        proved(act, served, reason)

    conduct(kernel, tx, letter.case_id, moment, "correct", verb, actor)


_PROVED = {"read": Words("门户签收", "signed for in the portal")}
_BY_FILING = Words("提出申请或答复", "an application was filed or an answer given")


def check(proof: ServiceProof, instead: Receipt | None) -> None:
    """Raises ProvedByParty, AlreadyStruck, UnknownWayOfService or NothingCorrected when it cannot be corrected so."""
    if proof.how not in RECEIPTS:
        raise ProvedByParty(how=_PROVED.get(proof.how, _BY_FILING))
    documents.check_stands(proof)
    if instead is not None and instead.how not in RECEIPTS:
        raise UnknownWayOfService(how=instead.how)
    if instead is not None and (instead.how, instead.at) == (proof.how, proof.received_at):
        raise NothingCorrected()


def foreseen(
    kernel: Kernel,
    tx: Session,
    actor: Actor,
    proof_id: int,
    instead: Receipt | None,
    reason: str,
    moment: datetime,
) -> list[Foreseen]:
    """What a correction would do to each case, found out by doing it and undoing it again."""
    root = tx.get_one(Case, documents.proof_record(tx, proof_id).service.letter.case_id).root_id
    with tx.begin_nested() as trial:
        lengths = _lengths(tx, root)
        correct(kernel, tx, actor, proof_id, instead, reason, moment)
        found = [
            Foreseen(number, tuple(audit.entries(tx, case_id)[lengths.get(case_id, (0, ""))[0] :]))
            for case_id, (_length, number) in _lengths(tx, root).items()
        ]
        trial.rollback()
    tx.expire_all()
    return [one for one in found if one.entries]


def _lengths(tx: Session, root_id: int | None) -> dict[int, tuple[int, str]]:
    """How long the history of each case of a family is, with its number."""
    rows = tx.execute(select(Case.id, Case.audit_length, Case.number).where(Case.root_id == root_id).order_by(Case.id))
    return {case_id: (length, number) for case_id, length, number in rows}


def _corrected(act: Act, proof: ServiceProof, instead: Receipt | None, reason: str, actor: Actor) -> Served:
    """What striking out and entering did to the service together."""
    tx, moment, by, for_id = act.tx, act.moment, actor.person_id, act.for_id
    struck = documents.strike(tx, proof, reason=reason, by=by, for_id=for_id, now=moment)
    if instead is None:
        return struck
    entered = documents.prove(
        tx, proof.service, instead.how, instead.at, now=moment, by=by, for_id=for_id, note=instead.note
    )
    return replace(entered, before=struck.before)


def _said(proof: ServiceProof, instead: Receipt | None, reason: str) -> dict[str, object]:
    letter = proof.service.letter
    said: dict[str, object] = {
        "letter": letter.id,
        "number": letter.number,
        "proof": proof.id,
        "how_before": proof.how,
        "before": proof.received_at.astimezone(TZ).isoformat(),
        "reason": reason,
    }
    if instead is not None:
        said |= {"how": instead.how, "at": instead.at.astimezone(TZ).isoformat()}
    return said
