"""What diagrams may tell people unasked: a message in the portal to the party, or to those of a role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.cases import telling
from portal.cases.act import Act
from portal.cases.errors import StepFailed
from portal.cases.kernel import Action
from portal.cases.live import LiveCase
from portal.cases.values import digest
from portal.clock import day_of
from portal.engine import Place
from portal.identity import PARTY
from portal.identity import queries as identity
from portal.procedures.actions import ActionRule

LONGEST = 1000
"""Characters of what is told."""


def send(act: Act, case: LiveCase, place: Place, inputs: Mapping[str, Any]) -> None:
    """Tells the party, or everybody of a role, a `text` beside the procedure; to nobody where there is nobody."""
    said = inputs["text"]
    text = said.strip() if isinstance(said, str) else ""
    if not text:
        raise StepFailed(reason="要通知的内容是空的。")
    if len(text) > LONGEST:
        raise StepFailed(reason=f"要通知的内容有{len(text)}字，最多{LONGEST}字。")
    role = case.procedure.manifest.role(inputs["to"])
    people = _people(act, case, role)
    title = case.element(place.scope, place.element).name
    telling.told(act.post, case, people, title, text, act.moment)
    # Who it is that holds a role is no matter of the case; that it was told, and what, is.
    to = case.published.regulation.role_title(role)
    act.note(case, "notice.sent", place.element, to=to, title=title, text=digest(text), count=len(people))


def _people(act: Act, case: LiveCase, role: str) -> list[int]:
    if role == PARTY:
        return identity.people_of(act.tx, case.party.id) if case.party else []
    return [one for _role, one in identity.people_in_roles(act.tx, case.row.regulation, [role], day_of(act.moment))]


ACTIONS: Mapping[str, Action] = {"notify.send": Action(ActionRule(frozenset({"to", "text"})), send)}
"""What `portal.cases.actions` adds to its table."""
