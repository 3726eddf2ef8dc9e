"""Registering an organisation, handed in by its first person or a further one, or oneself as a natural person; decided
by an official."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ScalarSelect, and_, func, or_, select
from sqlalchemy.orm import Session

from portal.clock import TZ, day_of
from portal.errors import Words
from portal.identity import changes, numbers, rules, service
from portal.identity.actor import Actor
from portal.identity.entry import (
    FIRST_RIGHTS,
    PERSON,
    AlreadyDecided,
    AlreadyDecidedFor,
    AlreadyInOrganisation,
    Entry,
    HandedInAnew,
    IdProofMissing,
    Newcomer,
    NotYourOwn,
    OfficialsDoNotJoin,
    PeopledAlready,
    PersonalEntry,
    PersonTaken,
    ProofMissing,
    RegistrationWaits,
    SituationChanged,
    UnknownRegistration,
    normal_rights,
)
from portal.identity.models import Organisation, Person, Proof, Registration
from portal.identity.rules import UsccTaken

NEW, EMPTY, PEOPLED = "new", "empty", "peopled"
AT_A_TIME = 50
DECIDED = ("approved", "returned", "refused")
_DONE = {
    "approved": Words("核准", "approved"),
    "returned": Words("退回", "returned"),
    "refused": Words("不予核准", "refused"),
    "withdrawn": Words("撤回（已凭邀请码加入单位）", "withdrawn (joined by invitation code)"),
}
_STANDS = {
    NEW: Words("尚未登记", "not entered yet"),
    EMPTY: Words("已登记，没有人员", "entered, without people"),
    PEOPLED: Words("已登记，已有人员", "entered, with people"),
}


@dataclass(frozen=True)
class Situation:
    """What the portal knows of a code: its organisation, how many people it has, how many registrations wait."""

    organisation: Organisation | None
    people: int
    waiting: int

    @property
    def stands(self) -> str:
        """NEW, EMPTY or PEOPLED."""
        if self.organisation is None:
            return NEW
        return PEOPLED if self.people else EMPTY


@dataclass(frozen=True)
class StoredProof:
    """A proof as it lies in the object store; size in bytes."""

    key: str
    name: str
    kind: str
    size: int
    sha256: str


def situation_of(tx: Session, row: Registration) -> Situation:
    """What is known of whom a registration is about: of a natural person by his identity number, whatever code his
    registration was given."""
    if row.identity_number_id is None:
        return situation(tx, row.uscc)
    party = numbers.party_of(tx, row.identity_number_id)
    same = Registration.identity_number_id == row.identity_number_id, Registration.state == "waiting"
    waiting = tx.scalar(select(func.count()).where(*same)) or 0
    return Situation(party, people_count(tx, party.id) if party else 0, waiting)


def situation(tx: Session, uscc: str) -> Situation:
    """What is known of a code in its stored form."""
    organisation = tx.scalar(
        select(Organisation).where(Organisation.uscc == uscc).execution_options(populate_existing=True)
    )
    waiting = select(func.count()).where(Registration.uscc == uscc, Registration.state == "waiting")
    people = people_count(tx, organisation.id) if organisation else 0
    return Situation(organisation, people, tx.scalar(waiting) or 0)


def people_count(tx: Session, organisation_id: int) -> int:
    """How many people act for an organisation."""
    counted = select(func.count()).where(Person.organisation_id == organisation_id, Person.active)
    return tx.scalar(counted) or 0


def keep_proof(tx: Session, file: StoredProof, now: datetime) -> Proof:
    """Writes the row of a proof that is stored already and belongs to no registration yet; `now` is real time."""
    row = Proof(**asdict(file), kept_at=now)
    tx.add(row)
    tx.flush()
    return row


def loose_proof(tx: Session, key: str) -> Proof | None:
    """The proof of a key (which only whoever uploaded it knows) as long as no registration has it."""
    return tx.scalar(select(Proof).where(Proof.key == key, Proof.registration_id.is_(None)))


def proof_of(tx: Session, registration_id: int) -> Proof | None:
    """The proof that counts."""
    newest = select(Proof).where(Proof.registration_id == registration_id).order_by(Proof.id.desc()).limit(1)
    return tx.scalar(newest)


def of_once(tx: Session, once: str) -> Registration | None:
    """The registration that was handed in with a page."""
    return tx.scalar(select(Registration).where(Registration.once == once)) if once else None


def of_person(tx: Session, person_id: int) -> Registration | None:
    """A person's newest registration."""
    newest = select(Registration).where(Registration.person_id == person_id).order_by(Registration.id.desc()).limit(1)
    return tx.scalar(newest)


def registration(tx: Session, registration_id: int) -> Registration:
    """One registration; UnknownRegistration."""
    found = tx.get(Registration, registration_id, populate_existing=True)
    if found is None:
        raise UnknownRegistration()
    return found


def waiting_for(tx: Session, row: Registration) -> list[Registration]:
    """The other registrations of the same code, or the same natural person, on which nothing was decided, longest
    waiting first."""
    one = Registration.uscc == row.uscc
    if row.identity_number_id is not None:
        one = Registration.identity_number_id == row.identity_number_id
    same = one, Registration.state == "waiting", Registration.id != row.id
    return list(tx.scalars(select(Registration).where(*same).order_by(Registration.id)))


def count_waiting(most: int) -> ScalarSelect[int]:
    """SQL that counts the registrations on which nobody has decided, up to `most`."""
    few = select(Registration.id).where(Registration.state == "waiting").limit(most).subquery()
    return select(func.count()).select_from(few).scalar_subquery()


def waiting(tx: Session, after: int | None = None) -> list[Registration]:
    """Those on which nothing was decided, longest waiting first, one more than a page shows when there are more."""
    rows = select(Registration).where(Registration.state == "waiting")
    last = tx.get(Registration, after) if after is not None else None
    if last is not None:
        later = Registration.handed_in_at > last.handed_in_at
        rows = rows.where(or_(later, and_(Registration.handed_in_at == last.handed_in_at, Registration.id > last.id)))
    return list(tx.scalars(rows.order_by(Registration.handed_in_at, Registration.id).limit(AT_A_TIME + 1)))


def decided(tx: Session, before: int | None = None) -> list[Registration]:
    """Those that were decided on, newest first, one more than a page shows when there are more."""
    rows = select(Registration).where(Registration.state.in_(DECIDED))
    if before is not None:
        rows = rows.where(Registration.id < before)
    return list(tx.scalars(rows.order_by(Registration.id.desc()).limit(AT_A_TIME + 1)))


def hand_in(
    tx: Session, who: Newcomer | Actor, entry: Entry | PersonalEntry, proof_key: str, once: str, moment: datetime
) -> Registration:
    """Registers a newcomer, who gets an account, or an applicant without organisation.

    Raises InvalidUscc, InvalidIdNumber, PeopledAlready, ProofMissing, InvalidLogin, LoginTaken, WeakPassword,
    OfficialsDoNotJoin, AlreadyInOrganisation or RegistrationWaits. That a natural person is registered already is
    told to the official, not to whoever types an identity number.
    """
    facts = _facts(tx, entry, moment)
    if isinstance(who, Newcomer):
        person = service.add_person(tx, login=who.login, name=who.name, password=who.password, applicant=True)
    else:
        person = unattached(tx, who.person_id)
        earlier = of_person(tx, person.id)
        if earlier is not None and earlier.state in ("waiting", "returned"):
            raise RegistrationWaits(number=earlier.number)
    row = Registration(
        once=once, person_id=person.id, handed_in_at=moment, state="waiting", **facts
    )  # fmt: skip
    tx.add(row)
    tx.flush()
    _bind(tx, proof_key, row)
    _note_round(tx, row, moment)
    return row


def hand_in_again(
    tx: Session,
    actor: Actor,
    registration_id: int,
    entry: Entry | PersonalEntry,
    proof_key: str,
    moment: datetime,
) -> Registration:
    """Hands in a returned registration anew; without `proof_key` the proof of before counts, without identity number
    the one of before.

    Raises UnknownRegistration, RegistrationWaits, InvalidUscc, InvalidIdNumber, PeopledAlready or ProofMissing.
    """
    row = _under_lock(tx, registration_id)
    if row.person_id != actor.person_id:
        raise UnknownRegistration()
    if row.state != "returned":
        raise RegistrationWaits(number=row.number)
    number_before = row.identity_number_id
    for name, value in _facts(tx, entry, moment, row).items():
        setattr(row, name, value)
    row.round, row.state, row.handed_in_at = row.round + 1, "waiting", moment
    row.decided_at = row.decided_by_id = row.decided_for_id = row.reason = None
    if proof_key:
        _bind(tx, proof_key, row)
    tx.flush()
    numbers.forget_unused(tx, number_before)
    _note_round(tx, row, moment)
    return row


def approve(
    tx: Session,
    actor: Actor,
    registration_id: int,
    seen: int,
    expects: str,
    rights: Iterable[str],
    moment: datetime,
    for_id: int | None = None,
) -> Organisation:
    """Lets the person into the organisation, which is made when nobody had registered it; the first decision wins.

    `seen` is the round the official looked at, `expects` how the organisation stood then. The first person gets every
    right, a further one `rights`. A natural person who was registered before comes back to his code if nobody acts
    for it. `for_id` is for whom a deputy decides. Raises AlreadyDecided, HandedInAnew, SituationChanged, PersonTaken,
    NotYourOwn, AlreadyInOrganisation or UnknownRegistration.
    """
    row = _to_decide(tx, actor, registration_id, seen)
    number = numbers.locked(tx, row.identity_number_id) if row.identity_number_id is not None else None
    now = situation_of(tx, row)
    row.uscc = now.organisation.uscc if now.organisation else row.uscc
    lock_organisation(tx, row.uscc)
    now = situation_of(tx, row)
    if now.stands != expects:
        raise SituationChanged(now=_STANDS[now.stands])
    if row.natural and now.organisation is not None and now.stands == PEOPLED:
        raise PersonTaken(name=now.organisation.name, code=now.organisation.uscc)
    organisation = now.organisation or _made(tx, row, actor, moment, for_id)
    person = unattached(tx, row.person_id)
    granted = normal_rights(rights) if now.stands == PEOPLED else FIRST_RIGHTS
    person.organisation_id, person.rights = organisation.id, list(granted)
    row.organisation_id = organisation.id
    if number is not None:
        number.organisation_id = organisation.id
    _decide(tx, row, actor, "approved", None, moment, for_id)
    changes.note(
        tx, "person.joined", moment, organisation_id=organisation.id, person_id=person.id, by_id=actor.person_id,
        for_id=for_id, rights=list(granted), registration=row.number, first=now.stands != PEOPLED,
    )  # fmt: skip
    if now.stands != PEOPLED and row.electronic_service and not organisation.electronic_service:
        organisation.electronic_service_since = moment
        changes.note(
            tx, "agreement.given", moment, organisation_id=organisation.id, by_id=person.id, registration=row.number
        )
    tx.flush()
    return organisation


def send_back(
    tx: Session,
    actor: Actor,
    registration_id: int,
    seen: int,
    reason: str,
    moment: datetime,
    for_id: int | None = None,
) -> Registration:
    """Returns a registration to be mended; raises what `approve` raises."""
    row = _to_decide(tx, actor, registration_id, seen)
    _decide(tx, row, actor, "returned", reason, moment, for_id)
    return row


def refuse(
    tx: Session,
    actor: Actor,
    registration_id: int,
    seen: int,
    reason: str,
    moment: datetime,
    for_id: int | None = None,
) -> Registration:
    """Refuses a registration for good; another may be handed in. Raises what `approve` raises."""
    row = _to_decide(tx, actor, registration_id, seen)
    _decide(tx, row, actor, "refused", reason, moment, for_id)
    return row


def withdraw(tx: Session, person_id: int, moment: datetime) -> None:
    """Ends what a person has handed in and nobody has decided on: he came in by another door."""
    open_rows = (
        select(Registration)
        .where(Registration.person_id == person_id, Registration.state.in_(("waiting", "returned")))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for row in tx.scalars(open_rows):
        row.state = "withdrawn"
        changes.note(
            tx, "registration.withdrawn", moment, organisation_id=None, person_id=person_id, by_id=person_id,
            number=row.number,
        )  # fmt: skip
    tx.flush()


def add_unit(tx: Session, actor: Actor, entry: Entry, moment: datetime, for_id: int | None = None) -> Organisation:
    """An official adds an organisation that never registered, to be served by post; InvalidUscc, UsccTaken."""
    added = service.add_organisation(
        tx, uscc=entry.uscc, name=entry.name, district=entry.district, kinds=[entry.kind]
    )  # fmt: skip
    changes.note(
        tx, "organisation.added", moment, organisation_id=added.id, by_id=actor.person_id, for_id=for_id
    )  # fmt: skip
    return added


def unattached(tx: Session, person_id: int) -> Person:
    """An applicant who belongs nowhere, under a lock; OfficialsDoNotJoin, AlreadyInOrganisation."""
    wanted = select(Person).where(Person.id == person_id).with_for_update(key_share=True)
    person = tx.scalars(wanted.execution_options(populate_existing=True)).one()
    if not person.applicant:
        raise OfficialsDoNotJoin()
    if person.organisation_id is not None:
        raise AlreadyInOrganisation(name=tx.get_one(Organisation, person.organisation_id).name)
    return person


def lock_organisation(tx: Session, uscc: str) -> None:
    """Lets nobody else change who belongs to an organisation; cases about it may go on."""
    tx.execute(select(Organisation.id).where(Organisation.uscc == uscc).with_for_update(key_share=True))


def _accepted(tx: Session, entry: Entry) -> str:
    uscc = rules.accepted_uscc(entry.uscc)
    known = situation(tx, uscc)
    if known.organisation is not None and known.stands == PEOPLED and not entry.joins:
        raise PeopledAlready(name=known.organisation.name, uscc=uscc)
    return uscc


def _facts(
    tx: Session, entry: Entry | PersonalEntry, moment: datetime, before: Registration | None = None
) -> dict[str, object]:
    """What a registration says, checked; `before` is the one that was returned."""
    if isinstance(entry, PersonalEntry):
        return _personal_facts(tx, entry, moment, before)
    uscc = _accepted(tx, entry)
    return {
        "identity_number_id": None,
        "uscc": uscc,
        "name": entry.name,
        "district": entry.district,
        "kind": entry.kind,
        "electronic_service": entry.electronic_service,
        "joins": entry.joins,
        "rights": list(normal_rights(entry.rights)),
    }


def _personal_facts(
    tx: Session, entry: PersonalEntry, moment: datetime, before: Registration | None
) -> dict[str, object]:
    number_id = before.identity_number_id if before and not entry.id_number else None
    if number_id is None:
        number_id = numbers.keep(tx, entry.id_number, day_of(moment)).id
    return {
        "identity_number_id": number_id,
        "uscc": before.uscc if before and before.natural else numbers.new_code(tx),
        "name": entry.name,
        "district": entry.district,
        "kind": PERSON,
        "electronic_service": entry.electronic_service,
        "joins": False,
        "rights": list(FIRST_RIGHTS),
    }


def _bind(tx: Session, key: str, row: Registration) -> None:
    loose = select(Proof).where(Proof.key == key, Proof.registration_id.is_(None)).with_for_update()
    proof = tx.scalar(loose)
    if proof is None:
        raise IdProofMissing() if row.natural else ProofMissing()
    proof.registration_id = row.id
    tx.flush()


def _note_round(tx: Session, row: Registration, moment: datetime) -> None:
    proof = proof_of(tx, row.id)
    changes.note(
        tx, "registration.handed_in", moment, organisation_id=None, person_id=row.person_id, by_id=row.person_id,
        number=row.number, round=row.round, uscc=row.uscc, name=row.name, district=row.district, kind=row.kind,
        electronic_service=row.electronic_service, joins=row.joins, rights=row.rights,
        proof={"id": proof.id, "sha256": proof.sha256} if proof else None,
    )  # fmt: skip


def _under_lock(tx: Session, registration_id: int) -> Registration:
    wanted = select(Registration).where(Registration.id == registration_id).with_for_update()
    row = tx.scalar(wanted.execution_options(populate_existing=True))
    if row is None:
        raise UnknownRegistration()
    return row


def _to_decide(tx: Session, actor: Actor, registration_id: int, seen: int) -> Registration:
    row = _under_lock(tx, registration_id)
    if not actor.official or actor.person_id == row.person_id:
        raise NotYourOwn()
    if row.state != "waiting":
        by = tx.get_one(Person, row.decided_by_id or row.person_id)
        at = (row.decided_at or row.handed_in_at).astimezone(TZ).strftime("%m-%d %H:%M")
        if row.decided_for_id is not None:
            principal = tx.get_one(Person, row.decided_for_id).name
            raise AlreadyDecidedFor(who=by.name, principal=principal, when=at, what=_DONE[row.state])
        raise AlreadyDecided(who=by.name, when=at, what=_DONE[row.state])
    if row.round != seen:
        raise HandedInAnew()
    return row


def _made(tx: Session, row: Registration, actor: Actor, moment: datetime, for_id: int | None) -> Organisation:
    try:
        made = service.add_organisation(
            tx, uscc=row.uscc, name=row.name, district=row.district, kinds=[row.kind]
        )  # fmt: skip
    except UsccTaken as error:
        raise SituationChanged(now=_STANDS[EMPTY]) from error
    changes.note(
        tx, "organisation.added", moment, organisation_id=made.id, by_id=actor.person_id, for_id=for_id,
        registration=row.number,
    )  # fmt: skip
    return made


def _decide(
    tx: Session,
    row: Registration,
    actor: Actor,
    state: str,
    reason: str | None,
    moment: datetime,
    for_id: int | None,
) -> None:
    row.state, row.reason = state, reason
    row.decided_at, row.decided_by_id, row.decided_for_id = moment, actor.person_id, for_id
    changes.note(
        tx, f"registration.{state}", moment, organisation_id=row.organisation_id, person_id=row.person_id,
        by_id=actor.person_id, for_id=for_id, number=row.number, round=row.round, reason=reason,
    )  # fmt: skip
