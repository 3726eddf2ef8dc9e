"""What a party has answered to the items of a correction, round by round, as its case's page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases.live import LiveCase
from portal.cases.models import ActRecord
from portal.cases.names import form_of, scope_of
from portal.cases.values import Said
from portal.forms import Form, ItemView
from portal.forms.kinds.corrections import ANSWER, Corrections
from portal.procedures.regulation import PARTY
from portal.web import choices
from portal.web.languages import language


@dataclass(frozen=True)
class Round:
    """What was handed in together, and when."""

    at: datetime
    items: tuple[ItemView, ...]


def rounds(tx: Session, case: LiveCase) -> list[Round]:
    """The party's answers, the newest first."""
    said = [(one, form) for one in case.values.all if (form := _answered_by(case, one)) is not None]
    if not said:
        return []
    wanted = select(ActRecord.id, ActRecord.moment).where(ActRecord.id.in_({one.act_id for one, _form in said}))
    moments = {row.id: row.moment for row in tx.execute(wanted)}
    names = choices.named(tx, [(form.of, side) for one, form in said if form.of for side in form.sides(one.value)])
    return [
        Round(moments[one.act_id], form.display_items(one.value, scope_of(case, one.inside), names, language()))
        for one, form in reversed(said)
    ]


def _answered_by(case: LiveCase, said: Said) -> Form | None:
    """The form by which the party answered the items of a correction; None for anything else."""
    drawn = case.procedure.drawing_at(said.scope).elements.get(said.element)
    if drawn is None or drawn.task is None or drawn.task.role != PARTY:
        return None
    form = case.procedure.forms[form_of(drawn) or ""]
    kind = form.corrections.kind if form.corrections is not None else None
    return form if isinstance(kind, Corrections) and kind.part == ANSWER else None
