"""Fills an empty demo, all or nothing: units, people, and what happened before today."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from portal import identity
from portal.calendar import service as calendars
from portal.clock import day_of
from portal.demo import content, renewals
from portal.demo.history import REGULATION, History, days_before
from portal.demo.people import OFFICIALS, PASSWORD, STAND_IN, UNITS
from portal.demo.stories import Stories
from portal.identity import Person, delegating
from portal.identity.lending import Wanted
from portal.worker.tools import Tools

LONG_BEFORE = timedelta(days=365)


def seed(tools: Tools) -> str:
    """Fills the database unless there is anybody in it; what was done, in a word."""
    with tools.database.transaction() as tx:
        if tx.scalar(select(exists(select(Person.id)))):
            return "there already"
        now = tools.kernel.now(tx)
        people = _people(tx, now)
        published = sorted(tools.kernel.releases.in_force(tx), key=lambda one: one.regulation.slug)
        renewals.enter(tools.kernel.releases, tx, people["admin"], now)
        for release in published:
            people |= content.enter(tx, release, now - LONG_BEFORE)
        history, calendar, today = History(tools, tx, people, now), calendars.current(tx), day_of(now)
        before = days_before(calendar, today)
        told = [story for release in published for story in content.stories(history, release, before)]
        history.tell([*Stories(history, calendar, today).all(), *told], now)
        _stand_in(tx, people, now)
    return "made"


def _stand_in(tx: Session, people: dict[str, int], now: datetime) -> None:
    """Has the leader lend his role from today on."""
    today = day_of(now)
    leader = identity.actor_of(tx, people[STAND_IN.principal], today)
    if leader is None:
        raise RuntimeError(f"{STAND_IN.principal} is not known")
    last = today + timedelta(days=STAND_IN.days - 1)
    role = (REGULATION, STAND_IN.role)
    wanted = Wanted(leader.person_id, people[STAND_IN.deputy], (role,), today, last, STAND_IN.reason)
    delegating.make(tx, leader, wanted, {}, now)


def _people(tx: Session, now: datetime) -> dict[str, int]:
    """Everybody's id by login."""
    since = now - LONG_BEFORE
    ids = {}
    for official in OFFICIALS:
        administrator = official.role is None
        person = identity.add_person(
            tx, login=official.login, name=official.name, password=PASSWORD, administrator=administrator
        )
        if official.role is not None:
            identity.grant_role(
                tx,
                person_id=person.id,
                regulation=REGULATION,
                role=official.role,
                from_day=day_of(since),
                body=official.region,
            )
        ids[official.login] = person.id
    for unit in UNITS:
        organisation = identity.add_organisation(
            tx,
            uscc=unit.uscc,
            name=unit.name,
            district=unit.district,
            kinds=["enterprise"],
            electronic_service_since=since,
        )
        person = identity.add_person(
            tx, login=unit.login, name=unit.person, password=PASSWORD, organisation_id=organisation.id
        )
        ids[unit.login] = person.id
    return ids
