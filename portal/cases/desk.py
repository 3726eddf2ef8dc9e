"""What a desk decides when a service was corrected after its timer had fired: keep the outcome, or a new notice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from sqlalchemy.orm import Session

from portal import audit, notify
from portal.cases import telling
from portal.cases.act import Act
from portal.cases.conduct import conduct
from portal.cases.errors import EnteredIt, MatterDecided, MatterDecidedFor, NotServed, NotYourRole, Refused, UnknownCase
from portal.cases.kernel import Kernel
from portal.cases.live import LiveCase
from portal.cases.matters import (
    KEPT,
    RENEWED,
    SERVICE,
    SETTLED,
    last_kept,
    open_matter,
    open_of,
    raise_matter,
    settle,
    settle_matter,
)
from portal.cases.models import Case, DeskMatter
from portal.cases.renewing import REPLACED, renew_case
from portal.cases.values import digest
from portal.clock import TZ, day_of
from portal.deadlines import service as deadlines
from portal.deadlines.changes import Change
from portal.deadlines.models import Deadline
from portal.documents import service as documents
from portal.documents.models import Service, StruckProof
from portal.documents.service import ReasonMissing, Served
from portal.errors import Words
from portal.identity import Actor
from portal.identity import queries as identity

WORDS: Mapping[str, Words] = {
    KEPT: Words("维持原结果", "the outcome stands"),
    RENEWED: Words("重新作出通知", "the notice is made anew"),
    SETTLED: Words("已自行消除", "settled by itself"),
}
"""How people call a decision."""


class MatterChanged(Refused):
    """The service was corrected again since the page of the matter was made."""

    zh = "在您查看期间，送达又有变动，您的决定没有提交。请按最新情况重新决定，所填理由仍保留。"
    en = "The service has changed since you looked; your decision was not carried out. Please look again."


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
    new date is again the one on which it fired, or on which the desk has decided, the matter goes away. A period of
    the party that is over at once because its service was earlier, or entered anew, comes onto the desk too, as soon
    as its timer has fired.
    """
    desk = _desk_of(act, case, served.service.letter.name)
    if desk is None or case.row.outcome == REPLACED:
        return
    for change in changes:
        _weigh(_Weighed(act, case, desk, served, change, reason, note))


@dataclass(frozen=True)
class _Weighed:
    """One deadline that a service has changed, with what its desk knows of it."""

    act: Act
    case: LiveCase
    desk: str
    served: Served
    change: Change
    reason: str | None
    note: str

    @property
    def key(self) -> str:
        return f"{self.served.service.id}:{self.change.name}"

    @cached_property
    def matter(self) -> DeskMatter | None:
        """What lies on the desk about it."""
        return open_matter(self.act.tx, self.case.id, SERVICE, self.key)

    @cached_property
    def kept(self) -> DeskMatter | None:
        """Upon what the desk has kept the outcome last."""
        return last_kept(self.act.tx, self.case.id, SERVICE, self.key)

    @cached_property
    def fired(self) -> Mapping[str, Any] | None:
        """The last timer that fired on it."""
        return _fired(self.act.tx, self.case.id, self.served.service.letter.id, self.change.name)

    @cached_property
    def struck(self) -> list[StruckProof]:
        """How proofs of the service were struck out, the last one last."""
        found = [proof.struck for proof in self.served.service.proofs if proof.struck]
        return sorted(found, key=lambda struck: struck.id)

    def ends(self, due: str | None) -> bool:
        """Whether it ends now at a moment that was noted."""
        return self.change.new_due is not None and self.change.new_due == _moment(due)

    def settle(self) -> None:
        """Takes the matter off the desk, if there is one."""
        settle_matter(self.act, self.case, SERVICE, self.key)


def _weigh(one: _Weighed) -> None:
    """Lays a deadline onto the desk, brings its matter up to date, or takes it off when nothing differs any more."""
    if one.kept is not None and one.ends(one.kept.details["new_due"]):
        one.settle()
        return
    lost = _lost(one)
    # Nobody has decided yet on what lies there: then it is one matter, however often it is corrected.
    undecided = one.matter is not None and one.kept is None
    if lost is not None and (one.fired is None or not undecided):
        one.act.afterwards.append(partial(_lay_hastened, one=one, lost=lost))
    elif one.fired is None:
        one.settle()
    elif one.struck:
        _compare(one, one.fired)


@dataclass(frozen=True)
class _Lost:
    """The period that the party had before: the service it ran from, and its end."""

    served: datetime | None
    due: datetime


def _lost(one: _Weighed) -> _Lost | None:
    """What the party has lost by a change: a period of its own in which it could act, and which is over now.

    While no receipt was on record the party had no period at all: whatever is over when it gets one again is lost.
    """
    change, moment = one.change, one.act.moment
    if change.new_due is None or change.new_due > moment or (one.case.ended and one.fired is None):
        return None
    deadline = one.act.tx.get_one(Deadline, change.deadline_id)
    if deadline.state != "running" or deadline.kind == "duty":
        return None
    if change.what == "started":
        return _dropped(one, deadline) if one.struck else None
    if one.fired is None and one.matter is not None:
        # Hastened before, and its timer waits still: what was lost then is lost until it ends there again.
        was = _Lost(_moment(one.matter.details["served_before"]), _moment(one.matter.details.get("hastened")) or moment)
        return was if change.new_due < was.due else None
    if change.old_due is None or change.old_due <= moment:
        return None
    return _Lost(one.served.before, change.old_due)


def _dropped(one: _Weighed, now: Deadline) -> _Lost | None:
    """The period that ended when the service before was struck out."""
    every = deadlines.of_case(one.act.tx, one.case.id)
    alike = [each for each in every if (each.name, each.event, each.state) == (now.name, now.event, "dropped")]
    return _Lost(alike[-1].started_at, alike[-1].due) if alike else None


def _lay_hastened(act: Act, *, one: _Weighed, lost: _Lost) -> None:
    """Lays a period onto the desk that this act has ended."""
    old = _text(lost.due)
    why = one.reason or one.note.strip() or next((struck.reason for struck in reversed(one.struck)), "")
    lost_by = {"old_due": old, "hastened": old, "served_before": _text(lost.served), "reason": why}
    details = _details(one) | lost_by
    _lay(act, one, details, f"按更正后的送达时间，“{one.change.title}”随即届满。")


def _compare(one: _Weighed, fired: Mapping[str, Any]) -> None:
    """Lays a deadline that has fired and was moved onto the desk, or takes it off when nothing differs any more."""
    before = one.matter.details if one.matter else {}
    why = one.reason or ("" if one.matter else one.note.strip())
    if not why and one.matter is None:
        return
    # A period that was hastened has fired on its new day: beside that day again stands the one before it.
    hastened = before.get("hastened")
    first = fired["due"] if hastened or not one.matter else before["old_due"]
    if one.ends(first):
        if not hastened:
            one.settle()
            return
        first = hastened
    details = _details(one) | {"old_due": first}
    if one.matter:
        details["served_before"] = before["served_before"]
    if why:
        details["reason"] = why
    _lay(one.act, one, details, f"“{one.change.title}”按原送达时间已经届满。")


def _lay(act: Act, one: _Weighed, details: Mapping[str, object], happened: str) -> None:
    """Lays it onto the desk and tells the desk's people; again whenever it has become another since."""
    before = dict(one.matter.details) if one.matter else None
    matter = raise_matter(act, one.case, one.desk, SERVICE, one.key, details)
    if before is None:
        _tell(act, one.case, matter, f"{happened}请到督办台决定维持原结果，或重新作出通知。")
    elif matter.details != before:
        _tell(act, one.case, matter, f"“{one.change.title}”的送达又有变动，请到督办台按最新情况决定。")


def _details(one: _Weighed) -> dict[str, object]:
    letter = one.served.service.letter
    return {
        "letter": letter.id,
        "number": letter.number,
        "service": one.served.service.id,
        "deadline": one.change.name,
        "title": one.change.title,
        "new_due": _text(one.change.new_due),
        "served_before": _text(one.served.before),
        "served": _text(one.served.at),
        "outcome": one.case.row.outcome,
    }


def version(matter: DeskMatter) -> str:
    """What tells a matter, as somebody has seen it, from what became of it since."""
    return digest(matter.details)


def keep(
    kernel: Kernel, tx: Session, actor: Actor, matter_id: int, reason: str, moment: datetime, seen: str | None = None
) -> None:
    """The desk keeps the outcome, with a reason.

    `seen` is the version of the matter that its page showed; without it the matter is decided as it is. Raises
    UnknownCase, NotYourRole, EnteredIt, ReasonMissing, MatterDecided (with who was faster), MatterChanged, or
    NotServed when every proof of the service was struck out.
    """

    def verb(act: Act) -> None:
        matter, case = _decidable(act, actor, matter_id, reason, seen)
        if documents.service_record(act.tx, matter.details["service"]).served_at is None:
            raise NotServed()
        _decide(act, case, matter, KEPT, reason, actor)
        telling.outcome_kept(act.post, case, act.moment)

    conduct(kernel, tx, matter_record(tx, matter_id).case_id, moment, "desk", verb, actor)


def renew(
    kernel: Kernel, tx: Session, actor: Actor, matter_id: int, reason: str, moment: datetime, seen: str | None = None
) -> Case:
    """The desk has the notice made anew, with a reason; the new case.

    In one act: what the old notice recorded is taken back, the new one starts with the same answers, and the old
    one's outcome is that it was replaced. Raises what `keep` raises, and NotRenewable.
    """

    def verb(act: Act) -> Case:
        matter, case = _decidable(act, actor, matter_id, reason, seen)
        new = renew_case(act, case, f"desk:{matter.id}", reason)
        matter.details = {**matter.details, "renewed": new.id}
        _decide(act, case, matter, RENEWED, reason, actor, by=new.row.number)
        for other in act.tx.scalars(open_of(case.id)).all():
            settle(act, case, other)
        telling.notice_renewed(act.post, case, new, act.moment)
        return new.row

    return conduct(kernel, tx, matter_record(tx, matter_id).case_id, moment, "desk", verb, actor)


def may_decide(tx: Session, case: LiveCase, matter: DeskMatter, actor: Actor) -> None:
    """Raises NotYourRole or EnteredIt when a person may not decide a matter."""
    if not actor.has(matter.regulation, matter.role):
        raise NotYourRole(role=case.published.regulation.role_title(matter.role))
    if matter.kind != SERVICE:
        return
    enterers = _enterers(documents.service_record(tx, matter.details["service"]))
    if {actor.person_id, actor.acts_for(matter.regulation, matter.role)} & enterers:
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
        act.post,
        [person_id for _role, person_id in people],
        case_id=case.id,
        kind="warning",
        at=act.moment,
        title=f"请决定：{case.row.number} 的送达已更正",
        body=body,
        subject_id=matter.id,
    )


def _decidable(act: Act, actor: Actor, matter_id: int, reason: str, seen: str | None) -> tuple[DeskMatter, LiveCase]:
    """The matter as it is under the lock, with its case, if the actor may decide it now and has seen it so."""
    matter = matter_record(act.tx, matter_id)
    if matter.kind != SERVICE:
        raise UnknownCase()  # a duty overdue goes away when it is done
    case = act.family.cases.get(matter.case_id)
    may_decide(act.tx, case, matter, actor)
    act.done_for(actor.acts_for(matter.regulation, matter.role))
    if not reason.strip():
        raise ReasonMissing
    if matter.decided_at is not None:
        raise _decided(act.tx, matter, matter.decided_at)
    if seen is not None and seen != version(matter):
        raise MatterChanged()
    return matter, case


def _decided(tx: Session, matter: DeskMatter, decided_at: datetime) -> MatterDecided:
    names = identity.person_names(tx, filter(None, (matter.decided_by_id, matter.decided_for_id)))
    said = {
        "when": decided_at.astimezone(TZ).strftime("%m-%d %H:%M"),
        "who": names.get(matter.decided_by_id or 0, Words("系统", "the system")),
        "decision": WORDS[matter.decision or SETTLED],
    }
    if matter.decided_for_id is None:
        return MatterDecided(**said)
    return MatterDecidedFor(principal=names.get(matter.decided_for_id, ""), **said)


def _decide(
    act: Act, case: LiveCase, matter: DeskMatter, decision: str, reason: str, actor: Actor, **more: object
) -> None:
    matter.decided_at, matter.decision, matter.reason = act.moment, decision, reason
    matter.decided_by_id, matter.decided_for_id = actor.person_id, act.for_id
    act.tx.flush()
    act.note(case, f"matter.{decision}", matter=matter.id, title=matter.details["title"], reason=reason, **more)
    said = f"{actor.name}代您作出决定：{WORDS[decision].text('zh')}"
    telling.done_in_name(act.post, case, act.for_id, said, act.moment)


def _enterers(service: Service) -> set[int]:
    """Who entered or corrected a service, and for whom deputies did."""
    entries = [(proof.entered_by, proof.entered_for) for proof in service.proofs]
    entries += [(proof.struck.entered_by, proof.struck.entered_for) for proof in service.proofs if proof.struck]
    return {person for people in entries for person in people if person is not None}


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


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
