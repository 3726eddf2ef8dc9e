"""The people of one organisation: their rights, invitations, joining by a code, leaving, electronic service."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.clock import TZ
from portal.errors import PortalError
from portal.identity import changes, registering, service, sessions, tokens
from portal.identity.actor import Actor
from portal.identity.entry import (
    INVITATION_LASTS,
    MANAGE,
    ActsAlone,
    InvitationUnknown,
    LastManager,
    MayNotManage,
    Newcomer,
    NoSuchInvitation,
    NotOfYourOrganisation,
    OtherWay,
    ProgramsDoNotManage,
    code_digest,
    invitation_fault,
    new_code,
    normal_rights,
)
from portal.identity.models import Invitation, Organisation, Person


def people_of(tx: Session, organisation_id: int) -> list[Person]:
    """Who acts for an organisation, by id."""
    found = select(Person).where(Person.organisation_id == organisation_id, Person.active).order_by(Person.id)
    return list(tx.scalars(found.execution_options(populate_existing=True)))


def open_invitations(tx: Session, organisation_id: int, moment: datetime) -> list[tuple[Invitation, str]]:
    """The invitations that still let somebody in, with the name of who made each; first to expire first."""
    rows = (
        select(Invitation, Person.name)
        .join(Person, Person.id == Invitation.made_by_id)
        .where(
            Invitation.organisation_id == organisation_id,
            Invitation.used_at.is_(None),
            Invitation.revoked_at.is_(None),
            Invitation.expires_at > moment,
        )
        .order_by(Invitation.expires_at, Invitation.id)
    )
    return [(invitation, name) for invitation, name in tx.execute(rows)]


def invite(tx: Session, actor: Actor, rights: Iterable[str], note: str, moment: datetime) -> tuple[Invitation, str]:
    """A new invitation and its code, which is kept nowhere; MayNotManage, ActsAlone."""
    organisation = _managed(tx, actor)
    _check_joinable(organisation)
    code = new_code()
    invitation = Invitation(
        organisation_id=organisation.id,
        code=code_digest(code),
        rights=list(normal_rights(rights)),
        note=note,
        made_by_id=actor.person_id,
        made_at=moment,
        expires_at=moment + INVITATION_LASTS,
    )
    tx.add(invitation)
    tx.flush()
    changes.note(
        tx, "invitation.made", moment, organisation_id=organisation.id, by_id=actor.person_id,
        invitation=invitation.id, rights=invitation.rights, note=note,
    )  # fmt: skip
    return invitation, code


def revoke(tx: Session, actor: Actor, invitation_id: int, moment: datetime) -> None:
    """Takes an open invitation back; MayNotManage, NoSuchInvitation."""
    organisation = _managed(tx, actor)
    row = _invitation(tx, Invitation.id == invitation_id, Invitation.organisation_id == organisation.id)
    if row is None or _fault(row, moment) is not None:
        raise NoSuchInvitation()
    row.revoked_at = moment
    changes.note(
        tx, "invitation.revoked", moment, organisation_id=organisation.id, by_id=actor.person_id,
        invitation=row.id, note=row.note,
    )  # fmt: skip


def join(tx: Session, who: Newcomer | Actor, code: str, moment: datetime) -> Person:
    """Lets a newcomer, who gets an account, or an applicant without organisation in by a code, once.

    Raises InvitationUnknown, InvitationUsed, InvitationExpired, InvitationRevoked, OfficialsDoNotJoin,
    AlreadyInOrganisation, InvalidLogin, LoginTaken or WeakPassword.
    """
    digest = code_digest(code)
    organisation_id = tx.scalar(select(Invitation.organisation_id).where(Invitation.code == digest))
    if organisation_id is None:
        raise InvitationUnknown()
    if not isinstance(who, Newcomer):
        registering.withdraw(tx, who.person_id, moment)
    organisation = _locked(tx, organisation_id)
    invitation = _invitation(tx, Invitation.code == digest)
    assert invitation is not None
    fault = _fault(invitation, moment)
    if fault is not None:
        raise fault
    rights = list(invitation.rights)
    if isinstance(who, Newcomer):
        person = service.add_person(
            tx, login=who.login, name=who.name, password=who.password, organisation_id=organisation.id, rights=rights
        )
    else:
        person = registering.unattached(tx, who.person_id)
        # Whoever was handing in meanwhile held the lock on the person, and is done: nothing can follow now.
        registering.withdraw(tx, person.id, moment)
        person.organisation_id, person.rights = organisation.id, rights
    invitation.used_at, invitation.used_by_id = moment, person.id
    changes.note(
        tx, "person.joined", moment, organisation_id=organisation.id, person_id=person.id, by_id=person.id,
        rights=rights, invitation=invitation.id,
    )  # fmt: skip
    return person


def change_rights(tx: Session, actor: Actor, person_id: int, rights: Iterable[str], moment: datetime) -> Person:
    """Gives a person of the organisation other rights; MayNotManage, ActsAlone, NotOfYourOrganisation, LastManager,
    ProgramsDoNotManage."""
    organisation = _managed(tx, actor)
    _check_joinable(organisation)
    person = _member(tx, organisation, person_id)
    before, after = list(person.rights), list(normal_rights(rights))
    if person.system and MANAGE in after:
        raise ProgramsDoNotManage(name=person.name)
    if before == after:
        return person
    if person.id == actor.person_id and MANAGE not in after:
        _check_not_last_manager(tx, organisation, person)
    person.rights = after
    changes.note(
        tx, "rights.changed", moment, organisation_id=organisation.id, person_id=person.id, by_id=actor.person_id,
        before=before, after=after,
    )  # fmt: skip
    if MANAGE not in after:
        _revoke_made_by(tx, organisation, person, actor, moment)
    return person


def remove(tx: Session, actor: Actor, person_id: int, moment: datetime, now: datetime) -> Person:
    """Takes another person out of the organisation and ends his sessions and tokens (`now` is real time); he keeps his
    account, that of a system is closed.

    Raises MayNotManage, NotOfYourOrganisation or OtherWay.
    """
    organisation = _managed(tx, actor)
    if person_id == actor.person_id:
        raise OtherWay()
    person = _member(tx, organisation, person_id)
    _let_go(tx, organisation, person, "person.removed", actor, moment, now)
    return person


def leave(tx: Session, actor: Actor, moment: datetime, now: datetime) -> None:
    """Leaves one's organisation; `now` is real time. LastManager while others remain, NotOfYourOrganisation, ActsAlone.

    When the last person goes, open invitations and the agreement to electronic service end: nobody is there to read.
    """
    if actor.organisation_id is None:
        raise NotOfYourOrganisation()
    organisation = _locked(tx, actor.organisation_id)
    _check_joinable(organisation)
    person = _member(tx, organisation, actor.person_id)
    _check_not_last_manager(tx, organisation, person)
    last = _others(tx, organisation, person) == 0
    _let_go(tx, organisation, person, "person.left", actor, moment, now)
    if last:
        _close(tx, organisation, moment)


def is_last(tx: Session, actor: Actor) -> bool:
    """Whether nobody would remain."""
    return actor.organisation_id is not None and len(people_of(tx, actor.organisation_id)) == 1


def agree(tx: Session, actor: Actor, moment: datetime) -> Organisation:
    """Agrees to be served by reading in the portal from now on; MayNotManage. Agreed before: nothing changes."""
    organisation = _managed(tx, actor)
    if not organisation.electronic_service:
        organisation.electronic_service_since = moment
        changes.note(tx, "agreement.given", moment, organisation_id=organisation.id, by_id=actor.person_id)
    return organisation


def end_agreement(tx: Session, actor: Actor, moment: datetime) -> Organisation:
    """Ends the agreement to electronic service; MayNotManage. What was served by reading stays served."""
    organisation = _managed(tx, actor)
    if organisation.electronic_service:
        organisation.electronic_service_since = None
        changes.note(tx, "agreement.ended", moment, organisation_id=organisation.id, by_id=actor.person_id)
    return organisation


def _managed(tx: Session, actor: Actor) -> Organisation:
    """The actor's organisation under a lock, if he manages it as things are now."""
    if actor.organisation_id is None:
        raise MayNotManage()
    organisation = _locked(tx, actor.organisation_id)
    own = tx.get(Person, actor.person_id, populate_existing=True)
    if own is None or own.organisation_id != organisation.id or MANAGE not in own.rights or not own.active:
        raise MayNotManage()
    return organisation


def _check_joinable(organisation: Organisation) -> None:
    """Raises ActsAlone for a natural person, whose only person he is himself."""
    if organisation.natural:
        raise ActsAlone()


def _locked(tx: Session, organisation_id: int) -> Organisation:
    wanted = select(Organisation).where(Organisation.id == organisation_id).with_for_update(key_share=True)
    return tx.scalars(wanted.execution_options(populate_existing=True)).one()


def _member(tx: Session, organisation: Organisation, person_id: int) -> Person:
    person = tx.get(Person, person_id, populate_existing=True)
    if person is None or person.organisation_id != organisation.id:
        raise NotOfYourOrganisation()
    return person


def _others(tx: Session, organisation: Organisation, person: Person) -> int:
    return sum(other.id != person.id for other in people_of(tx, organisation.id))


def _check_not_last_manager(tx: Session, organisation: Organisation, person: Person) -> None:
    others = [other for other in people_of(tx, organisation.id) if other.id != person.id]
    if MANAGE in person.rights and others and not any(MANAGE in other.rights for other in others):
        raise LastManager()


def _let_go(
    tx: Session, organisation: Organisation, person: Person, kind: str, by: Actor, moment: datetime, now: datetime
) -> None:
    before = list(person.rights)
    tokens.revoke_all(tx, person.id, by, now, moment=moment)
    person.organisation_id, person.rights = None, []
    person.active = not person.system
    sessions.revoke_all(tx, person.id, now)
    changes.note(
        tx, kind, moment, organisation_id=organisation.id, person_id=person.id, by_id=by.person_id, rights=before
    )
    _revoke_made_by(tx, organisation, person, by, moment)


def _revoke_made_by(tx: Session, organisation: Organisation, person: Person, by: Actor, moment: datetime) -> None:
    """Takes back what lets others in, and himself again, on the word of somebody who no longer manages."""
    for invitation, _ in open_invitations(tx, organisation.id, moment):
        if invitation.made_by_id == person.id:
            invitation.revoked_at = moment
            changes.note(
                tx, "invitation.revoked", moment, organisation_id=organisation.id, by_id=by.person_id,
                invitation=invitation.id, note=invitation.note,
            )  # fmt: skip


def _close(tx: Session, organisation: Organisation, moment: datetime) -> None:
    """What ends with the last person; it follows from his leaving and is nobody's own act."""
    still_open = (Invitation.organisation_id == organisation.id, Invitation.used_at.is_(None))
    tx.execute(update(Invitation).where(*still_open, Invitation.revoked_at.is_(None)).values(revoked_at=moment))
    if organisation.electronic_service:
        organisation.electronic_service_since = None
        changes.note(tx, "agreement.ended", moment, organisation_id=organisation.id, people=0)
    tx.flush()


def _invitation(tx: Session, *which: object) -> Invitation | None:
    wanted = select(Invitation).where(*which).with_for_update()  # type: ignore[arg-type] # conditions
    return tx.scalar(wanted.execution_options(populate_existing=True))


def _fault(invitation: Invitation, moment: datetime) -> PortalError | None:
    when = invitation.expires_at.astimezone(TZ).strftime("%Y-%m-%d %H:%M")
    return invitation_fault(invitation.expires_at, invitation.used_at, invitation.revoked_at, moment, when)
