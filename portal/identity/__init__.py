"""Who acts: people, organisations, roles, permissions, sessions."""

from portal.identity.access import PARTY, Forbidden, Permission, Subject, allows, require
from portal.identity.actor import Actor, Deputy
from portal.identity.models import Delegation, Grant, Organisation, Person
from portal.identity.rules import SignInRefused, TooManyAttempts
from portal.identity.service import (
    actor_of,
    add_organisation,
    add_person,
    grant_role,
    organisation,
    organisation_by_uscc,
    person,
    person_by_login,
    sign_in,
    sweep,
)
from portal.identity.sessions import actor_of_session, revoke_all, sign_out

__all__ = [
    "PARTY",
    "Actor",
    "Delegation",
    "Deputy",
    "Forbidden",
    "Grant",
    "Organisation",
    "Permission",
    "Person",
    "SignInRefused",
    "Subject",
    "TooManyAttempts",
    "actor_of",
    "actor_of_session",
    "add_organisation",
    "add_person",
    "allows",
    "grant_role",
    "organisation",
    "organisation_by_uscc",
    "person",
    "person_by_login",
    "require",
    "revoke_all",
    "sign_in",
    "sign_out",
    "sweep",
]
