"""Who may do what: denied unless a row of the table allows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from portal.errors import PortalError
from portal.identity.actor import Actor

PARTY = "party"
"""The role of whoever belongs to the organisation that the case concerns; it is nobody's by grant."""


class Forbidden(PortalError):
    """The table allows this person no such thing."""

    zh = "您没有权限进行此项操作。"
    en = "You are not allowed to do this: {permission}"


class Permission(StrEnum):
    """What the portal asks about before it is done: noun.verb."""

    ACCOUNT_READ = "account.read"
    ATTACHMENT_READ = "attachment.read"
    CALENDAR_ENTER = "calendar.enter"
    CASE_FILE = "case.file"
    CASE_READ = "case.read"
    CLOCK_MOVE = "clock.move"
    COPY_READ = "copy.read"
    DELEGATION_END = "delegation.end"
    DELEGATION_MAKE = "delegation.make"
    DELEGATION_READ = "delegation.read"
    HISTORY_CHECK = "history.check"
    INCIDENT_HANDLE = "incident.handle"
    JOB_RETRY = "job.retry"
    LETTER_READ = "letter.read"
    LETTER_SIGN_FOR = "letter.sign_for"
    MATTER_DECIDE = "matter.decide"
    MESSAGE_SEND = "message.send"
    ORGANISATION_ADD = "organisation.add"
    PASSWORD_CHOOSE = "password.choose"  # nosec B105 # 2026-11-22: a name
    PEOPLE_MANAGE = "people.manage"
    PEOPLE_READ = "people.read"
    PERSON_ADD = "person.add"
    PERSON_MANAGE = "person.manage"
    REGISTER_READ = "register.read"
    REGULATION_RENEW = "regulation.renew"
    REGISTRATION_DECIDE = "registration.decide"
    REGISTRATION_HAND_IN = "registration.hand_in"
    REGISTRATION_READ = "registration.read"
    ROLE_GRANT = "role.grant"
    SERVICE_ENTER = "service.enter"
    SYSTEM_READ = "system.read"
    TASK_COMPLETE = "task.complete"
    TASK_LIST = "task.list"
    TOKEN_ISSUE = "token.issue"  # nosec B105 # 2026-11-22: a name
    TOKEN_REVOKE = "token.revoke"  # nosec B105 # 2026-11-22: a name


@dataclass(frozen=True)
class Subject:
    """The facts about a thing that decide who may do something to it; what does not apply stays empty."""

    regulation: str | None = None
    """Of the case, letter, task or account."""
    party_id: int | None = None
    """The organisation that the case concerns, the letter addresses or the account belongs to."""
    roles: frozenset[str] = frozenset()
    """Those to whom it is open: of a task its role, of a message or procedure who may send or start it."""
    kinds: frozenset[str] = frozenset()
    """The kinds of organisation for whom a procedure is open."""
    assignee_id: int | None = None
    """The person who has claimed the task."""
    assigned_id: int | None = None
    """The party to whom alone the task is assigned."""
    uploader_id: int | None = None
    """The person who has uploaded the file."""
    shown: bool = False
    """Whether the file is shown to the person beside a task of his."""
    person_id: int | None = None
    """The person whom the registration concerns, whose roles are lent, or who holds the token."""
    system: bool = False
    """Whether the account that holds the token is a system's."""
    region: str | None = None
    """Whose body got the copy of a letter, when every region has one."""
    offices: frozenset[tuple[str, str]] = frozenset()
    """The (regulation, role) any of which looks after organisations."""
    demo: bool = False
    """Whether the portal runs as a demo."""


Predicate = Callable[[Actor, Subject], bool]


def is_signed_in(actor: Actor, subject: Subject) -> bool:
    """Anyone who has an account here."""
    return True


def is_administrator(actor: Actor, subject: Subject) -> bool:
    """Someone who looks after people and calendar, and by that alone sees no case."""
    return actor.administrator


def is_party(actor: Actor, subject: Subject) -> bool:
    """A person of the organisation that it concerns."""
    return actor.organisation_id is not None and actor.organisation_id == subject.party_id


def is_official(actor: Actor, subject: Subject) -> bool:
    """Someone of the authority with a role in its regulation; no applicant is one, of an organisation or not."""
    return actor.official and any(role[0] == subject.regulation for role in actor.roles)


def holds_a_role(actor: Actor, subject: Subject) -> bool:
    """Someone to whom one of the roles was granted for which it is open; not one who has left his organisation."""
    return not actor.adrift and any((subject.regulation, role) in actor.roles for role in subject.roles - {PARTY})


def is_open_to_the_party(actor: Actor, subject: Subject) -> bool:
    """A person of the party, where the role is `party`."""
    return PARTY in subject.roles and is_party(actor, subject)


def is_of_a_kind(actor: Actor, subject: Subject) -> bool:
    """A person of an organisation of a kind for which it is open."""
    return actor.organisation_id is not None and bool(actor.kinds & subject.kinds)


def got_the_copy(actor: Actor, subject: Subject) -> bool:
    """Someone of the body that got the copy: the only one, or that of the region."""
    if subject.region is None:
        return actor.official and holds_a_role(actor, subject)
    local = {(subject.regulation, role, subject.region) for role in subject.roles}
    return actor.official and not local.isdisjoint(actor.local)


def is_free_or_his(actor: Actor, subject: Subject) -> bool:
    """Nobody has claimed it, or he himself has."""
    return subject.assignee_id in (None, actor.person_id)


def is_its_assignee(actor: Actor, subject: Subject) -> bool:
    """A person of the party to whom alone it is assigned."""
    return actor.organisation_id is not None and actor.organisation_id == subject.assigned_id


def is_shown_it(actor: Actor, subject: Subject) -> bool:
    """Somebody of a party beside whose task it is shown."""
    return actor.organisation_id is not None and subject.shown


def is_its_uploader(actor: Actor, subject: Subject) -> bool:
    """He has uploaded the file."""
    return subject.uploader_id == actor.person_id


def manages(actor: Actor, subject: Subject) -> bool:
    """He has the right to look after the people of his organisation."""
    return actor.may_manage


def is_himself(actor: Actor, subject: Subject) -> bool:
    """An applicant whom it concerns."""
    return actor.applicant and subject.person_id == actor.person_id


def is_the_lender(actor: Actor, subject: Subject) -> bool:
    """The official whose own roles are lent."""
    return actor.official and subject.person_id == actor.person_id


def is_the_holder(actor: Actor, subject: Subject) -> bool:
    """The person whose token it is."""
    return subject.person_id == actor.person_id


def is_of_a_system(actor: Actor, subject: Subject) -> bool:
    """The account is a system's: nobody signs in to it and looks after it himself."""
    return subject.system


def looks_after_organisations(actor: Actor, subject: Subject) -> bool:
    """Someone of the authority with a role that a regulation names for the registration of organisations."""
    return actor.official and bool(actor.roles & subject.offices)


def is_in_a_demo(actor: Actor, subject: Subject) -> bool:
    """Anyone, but only where the portal runs as a demo."""
    return subject.demo


ACCESS: Mapping[Permission, Sequence[Sequence[Predicate]]] = {
    Permission.ACCOUNT_READ: [[is_party], [is_official]],
    Permission.ATTACHMENT_READ: [[is_its_uploader], [is_party], [is_official], [is_shown_it]],
    Permission.CALENDAR_ENTER: [[is_administrator]],
    Permission.CASE_FILE: [[holds_a_role], [is_of_a_kind], [is_open_to_the_party]],
    Permission.CASE_READ: [[is_party], [is_official]],
    Permission.CLOCK_MOVE: [[is_in_a_demo]],
    Permission.COPY_READ: [[got_the_copy]],
    Permission.HISTORY_CHECK: [[is_administrator]],
    Permission.INCIDENT_HANDLE: [[is_administrator]],
    Permission.JOB_RETRY: [[is_administrator]],
    Permission.DELEGATION_END: [[is_the_lender], [is_administrator]],
    Permission.DELEGATION_MAKE: [[is_the_lender], [is_administrator]],
    Permission.DELEGATION_READ: [[is_the_lender], [is_administrator]],
    Permission.LETTER_READ: [[is_party], [is_official]],
    Permission.LETTER_SIGN_FOR: [[is_party]],
    Permission.MATTER_DECIDE: [[is_official, holds_a_role]],
    Permission.MESSAGE_SEND: [[holds_a_role], [is_open_to_the_party]],
    Permission.ORGANISATION_ADD: [[is_administrator], [looks_after_organisations]],
    Permission.PASSWORD_CHOOSE: [[is_signed_in]],
    Permission.PEOPLE_MANAGE: [[is_party, manages]],
    Permission.PEOPLE_READ: [[is_party]],
    Permission.PERSON_ADD: [[is_administrator]],
    Permission.PERSON_MANAGE: [[is_administrator]],
    Permission.REGISTER_READ: [[is_official]],
    Permission.REGULATION_RENEW: [[is_administrator]],
    Permission.REGISTRATION_DECIDE: [[looks_after_organisations]],
    Permission.REGISTRATION_HAND_IN: [[is_himself]],
    Permission.REGISTRATION_READ: [[is_himself], [looks_after_organisations]],
    Permission.ROLE_GRANT: [[is_administrator]],
    Permission.SERVICE_ENTER: [[is_official]],
    Permission.SYSTEM_READ: [[is_administrator]],
    Permission.TASK_COMPLETE: [
        [holds_a_role, is_free_or_his],
        [is_open_to_the_party, is_free_or_his],
        [is_its_assignee],
    ],
    Permission.TASK_LIST: [[is_signed_in]],
    Permission.TOKEN_ISSUE: [[is_the_holder], [is_administrator, is_of_a_system]],
    Permission.TOKEN_REVOKE: [[is_the_holder], [is_administrator]],
}
"""Allowed when all predicates of any one row hold."""


def allows(actor: Actor | None, permission: Permission, subject: Subject | None = None) -> bool:
    """Whether the table lets the actor do it; nobody is allowed anything without having signed in."""
    if actor is None:
        return False
    facts = subject or Subject()
    return any(all(predicate(actor, facts) for predicate in row) for row in ACCESS[permission])


def require(actor: Actor | None, permission: Permission, subject: Subject | None = None) -> None:
    """Raise Forbidden unless the table lets the actor do it."""
    if not allows(actor, permission, subject):
        raise Forbidden(permission=permission)
