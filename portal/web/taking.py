"""What the pages of parties and officials say of a message that a case takes beside its tasks."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import audit
from portal.cases import messages
from portal.cases.errors import NobodyWaits
from portal.cases.live import LiveCase
from portal.cases.models import Subscription
from portal.forms import Form
from portal.procedures.drawing import Element
from portal.web.languages import language


def form_of(case: LiveCase, element: Element) -> Form | None:
    """What the sender fills; None where he fills nothing."""
    name = element.message.form if element.message else None
    return case.procedure.forms[name] if name is not None else None


def waits(tx: Session, case: LiveCase, element: Element) -> list[Subscription]:
    """Where the case waits for the message now."""
    here = (Subscription.case_id == case.id, Subscription.element == element.id)
    return list(tx.scalars(select(Subscription).where(*here).order_by(Subscription.engine_id)))


def was_taken(tx: Session, case: LiveCase, element: Element) -> bool:
    """Whether the case has taken this very message before, so that a second click is no refusal."""
    entries = audit.entries(tx, case.id)
    return any(entry.kind == "message.received" and entry.element == element.id for entry in entries)


def taken_already(element: Element) -> str:
    """What is said of a message that was taken before."""
    return _("“%(what)s”先前已经收到，不需要重复提交。", what=element.name)


def refusal(tx: Session, case: LiveCase, element: Element) -> str:
    """Why the message cannot be sent now; empty when it can."""
    waiting = waits(tx, case, element)
    if waiting:
        return messages.why_not(case, waiting[0])
    if was_taken(tx, case, element):
        return taken_already(element)
    said = element.message.otherwise if element.message else ""
    return said or NobodyWaits(message=element.name).text(language())
