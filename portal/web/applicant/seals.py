"""What of a case is not told yet, because of a letter that its party has not opened."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.cases.models import Case
from portal.inbox import party
from portal.web.applicant.progress import Seal


def seal_of(tx: Session, case: Case) -> Seal | None:
    """The seal on one case."""
    return seal_on(tx, party.sealed(tx, case.party_id), case.id) if case.party_id else None


def seal_on(tx: Session, seals: Sequence[party.Sealed], case_id: int) -> Seal | None:
    """The seal on a case among those of its party, in words; None when all of it is told."""
    seal = party.seal_of(seals, case_id)
    if seal is None:
        return None
    answer = tx.get(Case, seal.case_id) if seal.case_id != case_id else None
    return Seal(seal, sealed_text(answer.title if answer else ""), answer)


def sealed_text(answer: str = "") -> str:
    """Where a case stands whose letter the party has not opened yet, or whose `answer` has such a letter."""
    return _("《%(title)s》的文书等您签收", title=answer) if answer else _("文书已制发，等您签收")
