"""What pages show of the service of a letter: every proof, who entered it, what was struck out and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.cases.delivery import RECEIPTS, may_enter_receipt
from portal.cases.errors import NotYourRole
from portal.cases.live import LiveCase
from portal.documents.models import Letter, Service, ServiceProof
from portal.documents.rules import earliest
from portal.identity import Actor
from portal.web import dates
from portal.web.history import how_text
from portal.web.people import People


@dataclass(frozen=True)
class ProofView:
    """One proof: `counts` when the service rests on it; `url` where this person may correct it."""

    how: str
    at: datetime
    who: str
    entered_at: datetime
    note: str
    counts: bool
    struck: str | None
    struck_by: str
    struck_at: datetime | None
    url: str | None


@dataclass(frozen=True)
class ServiceView:
    """The service of a letter on one addressee; `receipt_url` where this person may enter a receipt."""

    letter: Letter
    service: Service
    proofs: tuple[ProofView, ...]
    receipt_url: str | None


def enters_receipts(case: LiveCase, letter: Letter, actor: Actor) -> bool:
    """Whether a person may enter and correct the receipts of a letter."""
    try:
        may_enter_receipt(case, letter, actor)
    except NotYourRole:
        return False
    return True


def counting_text(how: str | None, at: datetime | None) -> str:
    """邮寄送达，2026-09-23 15:00: the proof on which a service rests; empty when there is none."""
    return _("%(how)s，%(at)s", how=how_text(how), at=dates.exact(at)) if how is not None and at is not None else ""


def service_views(tx: Session, services: Iterable[tuple[Letter, Service, bool]]) -> list[ServiceView]:
    """The services as pages show them; with each, whether this person may enter and correct its receipts."""
    found = list(services)
    proofs = [proof for _letter, service, _enters in found for proof in service.proofs]
    entries = [(proof.entered_by, proof.entered_for) for proof in proofs]
    entries += [(proof.struck.entered_by, proof.struck.entered_for) for proof in proofs if proof.struck]
    people = People(tx, entries)
    return [
        ServiceView(
            letter=letter,
            service=service,
            proofs=tuple(_view(proof, service, people, enters) for proof in service.proofs),
            receipt_url=f"/services/{service.id}/receipt" if enters else None,
        )
        for letter, service, enters in found
    ]


def _view(proof: ServiceProof, service: Service, people: People, enters: bool) -> ProofView:
    struck = proof.struck
    counting = earliest(one for one in service.proofs if one.struck is None)
    return ProofView(
        how=how_text(proof.how),
        at=proof.received_at,
        who=people.said(proof.entered_by, proof.entered_for),
        entered_at=proof.entered_at,
        note=proof.note,
        counts=proof is counting,
        struck=struck.reason if struck else None,
        struck_by=people.said(struck.entered_by, struck.entered_for) if struck else "",
        struck_at=struck.entered_at if struck else None,
        url=f"/proofs/{proof.id}/correction" if enters and struck is None and proof.how in RECEIPTS else None,
    )
