"""What a desk decides when a service was corrected after its timer had fired: keep the outcome, or a new notice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal import audit, notify
from portal.cases.act import Act
from portal.cases.conduct import conduct
from portal.cases.errors import EnteredIt, MatterDecided, NotYourRole, UnknownCase
from portal.cases.kernel import Kernel
from portal.cases.live import LiveCase
from portal.cases.matters import (
    KEPT,
    RENEWED,
    SERVICE,
    SETTLED,
    open_matter,
    open_of,
    raise_matter,
    settle,
    settle_matter,
)
from portal.cases.models import Case, DeskMatter
from portal.cases.renewing import REPLACED, renew_case
from portal.clock import TZ, day_of
from portal.deadlines.changes import Change
from portal.documents import service as documents
from portal.documents.models import Service
from portal.documents.service import ReasonMissing, Served
from portal.identity import Actor
from portal.identity import queries as identity
from portal.identity.models import Person

WORDS: Mapping[str, str] = {KEPT: "维持原结果", RENEWED: "重新作出通知", SETTLED: "已自行消除"}
"""How people call a decision."""


def matter_record(tx: Session, matter_id: int) -> DeskMatter:
    """A matter by its id; UnknownCase."""
    found = tx.get(DeskMatter, matter_id)
    if found is None:
        raise UnknownCase()
    return found


def service_changed(act: Act, case: LiveCase, served: Served, changes: Iterable[Change], reason: str | None) -> None:
    """Weighs a service that was corrected (with a reason), or proved anew after that, against what had fired.

    For each deadline that a timer had fired on already, the desk named by the manifest gets both dates; when the
    new date is again the one on which it fired, the matter goes away.
    """
    service = served.service
    letter, desk = service.letter, case.procedure.manifest.desks.get(service.letter.name)
    if desk is None or case.row.outcome == REPLACED or not any(proof.struck for proof in service.proofs):
        return
    for change in changes:
        key = f"{service.id}:{change.name}"
        matter = open_matter(act.tx, case.id, SERVICE, key)
        fired = _fired(act.tx, case.id, letter.id, change.name)
        if fired is None or (reason is None and matter is None):
            continue
        first = matter.details["old_due"] if matter else fired["due"]
        if change.new_due is not None and change.new_due == datetime.fromisoformat(first):
            settle_matter(act, case, SERVICE, key)
            continue
        details = {
            "letter": letter.id,
            "number": letter.number,
            "service": service.id,
            "deadline": change.name,
            "title": change.title,
            "old_due": first,
            "new_due": _text(change.new_due),
            "served_before": matter.details["served_before"] if matter else _text(served.before),
            "served": _text(served.at),
            "outcome": case.row.outcome,
        }
        raised = raise_matter(act, case, desk, SERVICE, key, details | ({"reason": reason} if reason else {}))
        if matter is None:
            _tell(act, case, raised)


def keep(kernel: Kernel, tx: Session, actor: Actor, matter_id: int, reason: str, moment: datetime) -> None:
    """The desk keeps the outcome, with a reason.

    Raises UnknownCase, NotYourRole, EnteredIt, ReasonMissing or MatterDecided (with who was faster).
    """

    def verb(act: Act) -> None:
        matter, case = _decidable(act, actor, matter_id, reason)
        _decide(act, case, matter, KEPT, reason, actor)

    conduct(kernel, tx, matter_record(tx, matter_id).case_id, moment, "desk", verb, actor)


def renew(kernel: Kernel, tx: Session, actor: Actor, matter_id: int, reason: str, moment: datetime) -> Case:
    """The desk has the notice made anew, with a reason; the new case.

    In one act: what the old notice recorded is taken back, the new one starts with the same answers, and the old
    one's outcome is that it was replaced. Raises what `keep` raises, and NotRenewable.
    """

    def verb(act: Act) -> Case:
        matter, case = _decidable(act, actor, matter_id, reason)
        new = renew_case(act, case, f"desk:{matter.id}", reason)
        matter.details = {**matter.details, "renewed": new.id}
        _decide(act, case, matter, RENEWED, reason, actor, by=new.row.number)
        for other in act.tx.scalars(open_of(case.id)).all():
            settle(act, case, other)
        return new.row

    row = conduct(kernel, tx, matter_record(tx, matter_id).case_id, moment, "desk", verb, actor)
    if row is None:
        raise RuntimeError("only a job's act may have been done before")
    return row


def may_decide(tx: Session, case: LiveCase, matter: DeskMatter, actor: Actor) -> None:
    """Raises NotYourRole or EnteredIt when a person may not decide a matter."""
    if not actor.has(matter.regulation, matter.role):
        raise NotYourRole(role=case.published.regulation.role_title(matter.role))
    if matter.kind == SERVICE and actor.person_id in _enterers(documents.service_record(tx, matter.details["service"])):
        raise EnteredIt()


def _tell(act: Act, case: LiveCase, matter: DeskMatter) -> None:
    """Lets the people of a desk know that there is something to decide."""
    people = identity.people_in_roles(act.tx, matter.regulation, [matter.role], day_of(act.moment))
    notify.send(
        act.tx,
        [person_id for _role, person_id in people],
        case_id=case.id,
        kind="warning",
        at=act.moment,
        title=f"请决定：{case.row.number} 的送达已更正",
        body=f"“{matter.details['title']}”按原送达时间已经届满。请到督办台决定维持原结果，或重新作出通知。",
    )


def _decidable(act: Act, actor: Actor, matter_id: int, reason: str) -> tuple[DeskMatter, LiveCase]:
    """The matter as it is under the lock, with its case, if the actor may decide it now."""
    matter = matter_record(act.tx, matter_id)
    if matter.kind != SERVICE:
        raise UnknownCase()  # a duty overdue goes away when it is done
    case = act.family.cases.get(matter.case_id)
    may_decide(act.tx, case, matter, actor)
    if not reason.strip():
        raise ReasonMissing
    if matter.decided_at is not None:
        who = act.tx.get(Person, matter.decided_by_id) if matter.decided_by_id else None
        when = matter.decided_at.astimezone(TZ).strftime("%m-%d %H:%M")
        raise MatterDecided(when=when, who=who.name if who else "系统", decision=WORDS[matter.decision or SETTLED])
    return matter, case


def _decide(
    act: Act, case: LiveCase, matter: DeskMatter, decision: str, reason: str, actor: Actor, **more: object
) -> None:
    matter.decided_at, matter.decision, matter.reason = act.moment, decision, reason
    matter.decided_by_id = actor.person_id
    act.tx.flush()
    act.note(case, f"matter.{decision}", matter=matter.id, title=matter.details["title"], reason=reason, **more)


def _enterers(service: Service) -> set[int]:
    """Who entered or corrected a service."""
    proofs = service.proofs
    return {proof.entered_by for proof in proofs} | {proof.struck.entered_by for proof in proofs if proof.struck}


def _fired(tx: Session, case_id: int, letter_id: int, deadline: str) -> Mapping[str, Any] | None:
    """What the history tells of the last timer that fired on a deadline since the letter was issued."""
    fired: Mapping[str, Any] | None = None
    for entry in audit.entries(tx, case_id):
        if entry.kind == "letter.issued" and entry.details["letter"] == letter_id:
            fired = None
        elif entry.kind == "timer.fired" and entry.details["deadline"] == deadline:
            fired = entry.details
    return fired


def _text(moment: datetime | None) -> str | None:
    return moment.astimezone(TZ).isoformat() if moment else None
