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
    LETTER_READ = "letter.read"
    LETTER_SIGN_FOR = "letter.sign_for"
    MESSAGE_SEND = "message.send"
    ORGANISATION_ADD = "organisation.add"
    PERSON_ADD = "person.add"
    ROLE_GRANT = "role.grant"
    SERVICE_ENTER = "service.enter"
    TASK_COMPLETE = "task.complete"
    TASK_LIST = "task.list"


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
    uploader_id: int | None = None
    """The person who has uploaded the file."""
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
    """Someone of the authority with a role in its regulation; whoever belongs to an organisation is none."""
    return actor.organisation_id is None and any(role[0] == subject.regulation for role in actor.roles)


def holds_a_role(actor: Actor, subject: Subject) -> bool:
    """Someone to whom one of the roles was granted for which it is open."""
    return any((subject.regulation, role) in actor.roles for role in subject.roles - {PARTY})


def is_open_to_the_party(actor: Actor, subject: Subject) -> bool:
    """A person of the party, where the role is `party`."""
    return PARTY in subject.roles and is_party(actor, subject)


def is_of_a_kind(actor: Actor, subject: Subject) -> bool:
    """A person of an organisation of a kind for which it is open."""
    return actor.organisation_id is not None and bool(actor.kinds & subject.kinds)


def is_free_or_his(actor: Actor, subject: Subject) -> bool:
    """Nobody has claimed it, or he himself has."""
    return subject.assignee_id in (None, actor.person_id)


def is_its_uploader(actor: Actor, subject: Subject) -> bool:
    """He has uploaded the file."""
    return subject.uploader_id == actor.person_id


def is_in_a_demo(actor: Actor, subject: Subject) -> bool:
    """Anyone, but only where the portal runs as a demo."""
    return subject.demo


ACCESS: Mapping[Permission, Sequence[Sequence[Predicate]]] = {
    Permission.ACCOUNT_READ: [[is_party], [is_official]],
    Permission.ATTACHMENT_READ: [[is_its_uploader], [is_party], [is_official]],
    Permission.CALENDAR_ENTER: [[is_administrator]],
    Permission.CASE_FILE: [[holds_a_role], [is_of_a_kind], [is_open_to_the_party]],
    Permission.CASE_READ: [[is_party], [is_official]],
    Permission.CLOCK_MOVE: [[is_in_a_demo]],
    Permission.LETTER_READ: [[is_party], [is_official]],
    Permission.LETTER_SIGN_FOR: [[is_party]],
    Permission.MESSAGE_SEND: [[holds_a_role], [is_open_to_the_party]],
    Permission.ORGANISATION_ADD: [[is_administrator]],
    Permission.PERSON_ADD: [[is_administrator]],
    Permission.ROLE_GRANT: [[is_administrator]],
    Permission.SERVICE_ENTER: [[is_official]],
    Permission.TASK_COMPLETE: [[holds_a_role, is_free_or_his], [is_open_to_the_party, is_free_or_his]],
    Permission.TASK_LIST: [[is_signed_in]],
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
