"""What a person sends to a case beside its tasks: a withdrawal, a waiver."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from portal.cases.act import Act
from portal.cases.conduct import conduct
from portal.cases.drafts import messages as message_drafts
from portal.cases.errors import FormRefused, NobodyWaits, UnknownCase
from portal.cases.kernel import Kernel
from portal.cases.live import LiveCase
from portal.cases.models import Subscription
from portal.cases.names import evaluate, scope_of
from portal.cases.rights import check_may_file
from portal.identity import Actor
from portal.procedures.drawing import Element
from portal.procedures.regulation import PARTY


def send(
    kernel: Kernel,
    tx: Session,
    actor: Actor,
    case_id: int,
    name: str,
    answers: Mapping[str, object],
    moment: datetime,
) -> None:
    """Sends a message; raises UnknownCase, MayOnlyRead, FormRefused, NobodyWaits, TooLate (in the diagram's words)."""

    def verb(act: Act) -> None:
        case = act.family.cases.get(case_id)
        element = sendable(case, name, actor)
        if element.message and element.message.role:
            role = case.procedure.manifest.role(element.message.role)
            act.done_for(actor.acts_for(case.row.regulation, role))
        values: Mapping[str, object] = {}
        if element.message and element.message.form:
            result = case.procedure.forms[element.message.form].check(answers, scope_of(case))
            if result.errors:
                raise FormRefused(result.errors)
            values = result.values
        message_drafts.discard(act.tx, actor.person_id, case_id, name)
        act.take(case, name, values)

    conduct(kernel, tx, case_id, moment, "message", verb, actor)


def sendable(case: LiveCase, name: str, actor: Actor) -> Element:
    """The drawn element that takes a message which this person may send at all."""
    for _drawing, element in case.procedure.elements():
        if element.message and element.message.name == name and element.message.role:
            role = case.procedure.manifest.role(element.message.role)
            own = actor.organisation_id is not None and actor.organisation_id == case.row.party_id
            if own if role == PARTY else actor.has(case.row.regulation, role):
                check_may_file(actor)
                return element
            raise UnknownCase()
    raise NobodyWaits(message=name)


def why_not(case: LiveCase, wait: Subscription) -> str:
    """In the diagram's words why a message is not taken any more, though the case still waits for it."""
    message = case.element(wait.scope, wait.element).message
    if message is None or message.taken_while is None:
        return ""
    holds = evaluate(case, message.taken_while.removeprefix("="), wait.scope) is True
    return "" if holds else message.otherwise
