"""What a desk decides when a service was corrected after its timer had fired: keep the outcome, or a new notice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from portal import audit, notify
from portal.cases import telling
from portal.cases.act import Act
from portal.cases.conduct import conduct
from portal.cases.errors import EnteredIt, MatterDecided, NotServed, NotYourRole, UnknownCase
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
from portal.deadlines.models import Deadline
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


def service_changed(
    act: Act, case: LiveCase, served: Served, changes: Iterable[Change], reason: str | None, note: str = ""
) -> None:
    """Weighs a service that was corrected (with a reason), or proved anew or earlier, against what fires by it.

    For each deadline that a timer had fired on already, the desk named by the manifest gets both dates; when the
    new date is again the one on which it fired, the matter goes away. A period of the party that ends at once
    because its service was earlier comes onto the desk too, as soon as its timer has fired.
    """
    desk = _desk_of(act, case, served.service.letter.name)
    if desk is None or case.row.outcome == REPLACED:
        return
    corrected = any(proof.struck for proof in served.service.proofs)
    for change in changes:
        fired = _fired(act.tx, case.id, served.service.letter.id, change.name)
        if fired is None and _ends_at_once(act, change):
            act.afterwards.append(
                partial(_lay_hastened, case=case, desk=desk, served=served, change=change, why=reason or note)
            )
        elif fired is not None and corrected:
            _weigh(act, case, desk, served, change, fired, reason)


def _weigh(
    act: Act, case: LiveCase, desk: str, served: Served, change: Change, fired: Mapping[str, Any], reason: str | None
) -> None:
    """Lays a deadline that has fired and was moved onto the desk, or takes it off when nothing differs any more."""
    key = _key(served, change)
    matter = open_matter(act.tx, case.id, SERVICE, key)
    if reason is None and matter is None:
        return
    before = matter.details if matter else {}
    # A period that was hastened has fired on its new day: beside that day again stands the one before it.
    hastened = before.get("hastened")
    first = fired["due"] if hastened or not matter else before["old_due"]
    if change.new_due is not None and change.new_due == datetime.fromisoformat(first):
        if not hastened:
            settle_matter(act, case, SERVICE, key)
            return
        first = hastened
    details = _details(case, served, change) | {"old_due": first}
    if matter:
        details["served_before"] = before["served_before"]
    if reason:
        details["reason"] = reason
    raised = raise_matter(act, case, desk, SERVICE, key, details)
    if matter is None:
        body = f"“{change.title}”按原送达时间已经届满。请到督办台决定维持原结果，或重新作出通知。"
        _tell(act, case, raised, body)


def _ends_at_once(act: Act, change: Change) -> bool:
    """Whether a running period of the party was moved to a day that is over."""
    if change.what != "moved" or change.old_due is None or change.new_due is None:
        return False
    deadline = act.tx.get_one(Deadline, change.deadline_id)
    ran = deadline.state == "running" and deadline.kind != "duty"
    return ran and change.new_due <= act.moment < change.old_due


def _lay_hastened(act: Act, *, case: LiveCase, desk: str, served: Served, change: Change, why: str) -> None:
    """Lays a period onto the desk that an earlier service has ended in this act."""
    old = _text(change.old_due)
    details = _details(case, served, change) | {"old_due": old, "hastened": old, "reason": why}
    raised = raise_matter(act, case, desk, SERVICE, _key(served, change), details)
    body = f"按更早的送达时间，“{change.title}”随即届满。请到督办台决定维持原结果，或重新作出通知。"
    _tell(act, case, raised, body)


def _key(served: Served, change: Change) -> str:
    return f"{served.service.id}:{change.name}"


def _details(case: LiveCase, served: Served, change: Change) -> dict[str, object]:
    letter = served.service.letter
    return {
        "letter": letter.id,
        "number": letter.number,
        "service": served.service.id,
        "deadline": change.name,
        "title": change.title,
        "new_due": _text(change.new_due),
        "served_before": _text(served.before),
        "served": _text(served.at),
        "outcome": case.row.outcome,
    }


def keep(kernel: Kernel, tx: Session, actor: Actor, matter_id: int, reason: str, moment: datetime) -> None:
    """The desk keeps the outcome, with a reason.

    Raises UnknownCase, NotYourRole, EnteredIt, ReasonMissing, MatterDecided (with who was faster), or NotServed
    when every proof of the service was struck out.
    """

    def verb(act: Act) -> None:
        matter, case = _decidable(act, actor, matter_id, reason)
        if documents.service_record(act.tx, matter.details["service"]).served_at is None:
            raise NotServed()
        _decide(act, case, matter, KEPT, reason, actor)
        telling.outcome_kept(act.tx, case, act.moment)

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
        telling.notice_renewed(act.tx, case, new, act.moment)
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


def _desk_of(act: Act, case: LiveCase, letter: str) -> str | None:
    """The role that decides about a letter's service: a release older than that leaves it to the newest one's."""
    desk = case.procedure.manifest.desks.get(letter)
    if desk is not None:
        return desk
    newest = act.family.kernel.releases.newest(act.tx, case.row.regulation).procedures.get(case.row.procedure)
    return newest.manifest.desks.get(letter) if newest is not None else None


def _tell(act: Act, case: LiveCase, matter: DeskMatter, body: str) -> None:
    """Lets the people of a desk know that there is something to decide."""
    people = identity.people_in_roles(act.tx, matter.regulation, [matter.role], day_of(act.moment))
    notify.send(
        act.tx,
        [person_id for _role, person_id in people],
        case_id=case.id,
        kind="warning",
        at=act.moment,
        title=f"请决定：{case.row.number} 的送达已更正",
        body=body,
        subject_id=matter.id,
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
