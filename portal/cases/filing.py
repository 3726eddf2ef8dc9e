"""Filing: who may file what, about which case, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases import attachments, delivery
from portal.cases.act import Act
from portal.cases.binding import Intake
from portal.cases.conduct import conduct, found
from portal.cases.errors import AlreadyFiled, MayNotStart, NotAddressed, NotInForce, Replaced
from portal.cases.kernel import Kernel
from portal.cases.live import Cases, LiveCase, served_at
from portal.cases.models import ActRecord, Case
from portal.cases.names import scope_before
from portal.cases.publishing import check_open
from portal.cases.renewing import renewed_by
from portal.cases.rights import check_may_file
from portal.cases.starting import checked, party_of, start
from portal.cases.tasks import known_in_tables
from portal.db import locks
from portal.deadlines.models import Deadline
from portal.identity import PARTY, Actor, Organisation, Subject
from portal.identity import service as identity
from portal.procedures import Procedure, Published
from portal.procedures.manifest import Start


@dataclass(frozen=True)
class Offer:
    """Something a person may file: a procedure, about which case, and the period that counts.

    `closed` says why it cannot be filed now, because the regulation is not in force.
    """

    published: Published
    procedure: Procedure
    about: LiveCase | None
    until: Deadline | None
    closed: NotInForce | None = None


def offers(kernel: Kernel, tx: Session, actor: Actor, moment: datetime) -> list[Offer]:
    """Everything a person may start at a moment, of the releases in force; with what is closed for intake."""
    found: list[Offer] = []
    if not actor.official and not actor.may_file:
        return found
    cases = Cases(tx, kernel.releases)
    for published in kernel.releases.in_force(tx):
        for procedure in published.procedures.values():
            about = procedure.manifest.about
            if about is not None and (about.by == "addressee" or _rule(published, procedure, actor)):
                found += _about_offers(tx, cases, published, procedure, actor)
            elif about is None and _rule(published, procedure, actor):
                found.append(Offer(published, procedure, None, None))
    intake = Intake(tx, moment)
    return [replace(one, closed=intake.obstacle(one.published, one.procedure, one.about)) for one in found]


def offer(
    kernel: Kernel, tx: Session, actor: Actor, regulation: str, slug: str, about_id: int | None, moment: datetime
) -> Offer:
    """One thing to file; raises MayNotStart, MayOnlyRead, NotAddressed, AlreadyFiled or NotInForce otherwise."""
    published = kernel.releases.newest(tx, regulation)
    procedure = published.procedure(slug)
    check_may_file(actor)
    rule = procedure.manifest.about
    # The addressee's right hangs on being addressed, not on the kind of organisation it is.
    if _rule(published, procedure, actor) is None and (rule is None or rule.by != "addressee"):
        raise MayNotStart(procedure=procedure.manifest.title)
    if procedure.manifest.about is None:
        Intake(tx, moment).check(published, procedure, None)
        return Offer(published, procedure, None, None)
    if about_id is None:
        raise MayNotStart(procedure=procedure.manifest.title)
    about = Cases(tx, kernel.releases).get(about_id)
    _check_about(tx, procedure, about, actor)
    _check_during(tx, procedure, about, moment)
    Intake(tx, moment).check(published, procedure, about)
    return Offer(published, procedure, about, _until(procedure, about))


def file(
    kernel: Kernel,
    tx: Session,
    actor: Actor,
    regulation: str,
    slug: str,
    answers: Mapping[str, object],
    moment: datetime,
    about_id: int | None = None,
    once: str = "",
) -> Case:
    """Files a case; raises what `offer` raises, FormRefused, and RequestTooOld.

    Filing about a case as its addressee proves service of every letter of it not proved by then, first.
    `once` is a random text of the form that is filed: posted again it is the case that it opened before.
    """
    job = _job(actor, once) if once else None
    if job is not None:
        # Two that post the same form at the same time wait for each other here.
        locks.take(tx, job)
        before = filed(tx, actor, once)
        if before is not None:
            return before
    checked_offer = offer(kernel, tx, actor, regulation, slug, about_id, moment)

    def verb(act: Act) -> Case:
        about = act.family.cases.get(about_id) if about_id is not None else None
        procedure, published = checked_offer.procedure, checked_offer.published
        if about is not None:
            _check_about(tx, procedure, about, actor)
            _check_during(tx, procedure, about, moment)
            Intake(tx, moment).check(published, procedure, about)
        act.done_for(_done_for(published, procedure, actor))
        known = known_in_tables(tx, procedure.start_form, answers) if procedure.start_form else {}
        values = checked(procedure, answers, scope_before(tx, published.regulation, about), known)
        if about is not None and actor.organisation_id == about.row.party_id:
            delivery.prove_by_acting(act, about, actor)
            act.rest()
        party = _party(act, procedure, published, actor, values)
        case = start(act, published, procedure, values, party=party, about=about, filed=True)
        if procedure.start_form is not None:
            attachments.bind(tx, case, procedure.start_form, values, actor)
        return case.row

    if about_id is None:
        row = found(kernel, tx, moment, "file", verb, actor, job)
    else:
        row = conduct(kernel, tx, about_id, moment, "file", verb, actor, job)
    if row is None:
        raise RuntimeError("what was filed before was looked for under the lock")
    return row


def filed(tx: Session, actor: Actor, once: str) -> Case | None:
    """The case that a person opened with the form that carries this random text, if it was filed before."""
    done = select(ActRecord).where(ActRecord.job == _job(actor, once))
    record = tx.scalar(done) if once else None
    if record is None:
        return None
    opened = (
        Case.root_id == record.root_id,
        Case.filer_id == actor.person_id,
        Case.filed_at == record.moment,
    )
    return tx.scalar(select(Case).where(*opened).order_by(Case.id))


def open_to(procedure: Procedure, about: LiveCase | None) -> Subject:
    """To whom the table of permissions must open a procedure: the roles of its `starts`, their kinds of organisation.

    The addressee's right hangs on being addressed, whatever kind of organisation it is.
    """
    manifest = procedure.manifest
    roles = [procedure.regulation.roles[manifest.role(rule.role)] for rule in manifest.starts if rule.role]
    addressed = about is not None and manifest.about is not None and manifest.about.by == "addressee"
    return Subject(
        regulation=procedure.regulation.slug,
        party_id=about.row.party_id if about else None,
        roles=frozenset([*(role.name for role in roles), *([PARTY] if addressed else [])]),
        kinds=frozenset(kind for role in roles for kind in role.applicant),
    )


def _job(actor: Actor, once: str) -> str:
    return f"start:{actor.person_id}:{once}"


def _rule(published: Published, procedure: Procedure, actor: Actor) -> Start | None:
    """The rule of `starts` by which a person may start a procedure."""
    for rule in procedure.manifest.starts:
        if rule.role is None:
            continue
        role = published.regulation.roles[procedure.manifest.role(rule.role)]
        open_to = bool(actor.kinds & set(role.applicant)) if role.applicant else False
        if open_to or actor.has(published.regulation.slug, role.name):
            return rule
    return None


def _done_for(published: Published, procedure: Procedure, actor: Actor) -> int | None:
    """For whom a deputy starts a procedure."""
    manifest = procedure.manifest
    roles = [manifest.role(rule.role) for rule in manifest.starts if rule.role is not None]
    return actor.acts_for_one_of([(published.regulation.slug, role) for role in roles])


def _party(
    act: Act, procedure: Procedure, published: Published, actor: Actor, values: Mapping[str, object]
) -> Organisation | None:
    """Whom the case concerns: what `party` of the rule names, else the filer's own organisation."""
    rule = _rule(published, procedure, actor)
    if rule is not None and rule.party:
        return party_of(act, str(values[rule.party.partition(".")[2]]))
    return identity.organisation(act.tx, actor.organisation_id) if actor.organisation_id else None


def _about_offers(tx: Session, cases: Cases, published: Published, procedure: Procedure, actor: Actor) -> list[Offer]:
    about = procedure.manifest.about
    if about is None or actor.organisation_id is None:
        return []
    rows = tx.scalars(
        select(Case)
        .where(
            Case.regulation == published.regulation.slug,
            Case.procedure == about.procedure,
            Case.party_id == actor.organisation_id,
        )
        .order_by(Case.id.desc())
    ).all()
    found = []
    for row in rows:
        case = cases.get(row.id)
        # Until it is opened and signed for, a letter's content is not shown, so there is nothing to object to.
        if _filed_before(tx, procedure, case) is None and renewed_by(tx, case.id) is None and _known(case):
            found.append(Offer(published, procedure, case, _until(procedure, case)))
    return found


def _known(case: LiveCase) -> bool:
    return any(served_at(letter) is not None for letter in case.letters.values())


def _until(procedure: Procedure, about: LiveCase) -> Deadline | None:
    rule = procedure.manifest.about
    return about.deadlines.get(rule.until) if rule and rule.until else None


def _check_about(tx: Session, procedure: Procedure, about: LiveCase, actor: Actor) -> None:
    rule = procedure.manifest.about
    if rule is None or about.row.procedure != rule.procedure:
        raise MayNotStart(procedure=procedure.manifest.title)
    own = actor.organisation_id is not None and actor.organisation_id == about.row.party_id
    if rule.by in ("addressee", "same party") and not own:
        raise NotAddressed(title=about.row.title)
    earlier = _filed_before(tx, procedure, about)
    if earlier is not None:
        state = "正在办理" if earlier.ended_at is None else f"已有结果（{earlier.outcome}）"
        raise AlreadyFiled(number=earlier.number, state=state)
    instead = renewed_by(tx, about.id)
    if instead is not None:
        raise Replaced(title=about.row.title, number=about.row.number, by=instead.number)


def _check_during(tx: Session, procedure: Procedure, about: LiveCase, moment: datetime) -> None:
    """Raises PublicityOver or NotPublished when it may be filed only during a publicity that is not open."""
    rule = procedure.manifest.about
    if rule is not None and rule.during is not None:
        check_open(tx, about, rule.during, moment)


def _filed_before(tx: Session, procedure: Procedure, about: LiveCase) -> Case | None:
    """The earlier filing that stands in the way, by the manifest's `times`."""
    rule = procedure.manifest.about
    if rule is None or rule.times == "any":
        return None
    earlier = tx.scalars(
        select(Case).where(Case.about_id == about.id, Case.procedure == procedure.slug).order_by(Case.id)
    ).all()
    # With `one decided`, a filing that was not admitted or was withdrawn may be followed by another.
    undecided = {end.name for end in procedure.drawing.of_kind("endEvent") if end.again}
    for row in earlier:
        if row.ended_at is None or rule.times == "one" or row.outcome not in undecided:
            return row
    return None
