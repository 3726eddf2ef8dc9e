"""Officials who stand in for others, in the office of the pages."""

from __future__ import annotations

from datetime import timedelta

from portal import clock
from portal.cases.models import Task
from portal.identity import delegating, service
from portal.identity.lending import Wanted
from tests.builders.pages import ETS, UNIT, Portal


def grant(portal: Portal, who: str, role: str) -> None:
    """Gives a role, from today on."""
    with portal.database.transaction() as tx:
        day = clock.day_of(portal.now)
        service.grant_role(tx, person_id=portal.people[who], regulation=ETS, role=role, from_day=day)


def lend(portal: Portal, lender: str = "chen", deputy: str = "zhou", role: str = "leader") -> int:
    """Lends a role from today on; the delegation's id."""
    maker, first = portal.actor(lender), clock.day_of(portal.now)
    wanted = Wanted(maker.person_id, portal.people[deputy], ((ETS, role),), first, first + timedelta(days=3), "出差")
    with portal.database.transaction() as tx:
        [made] = delegating.make(tx, maker, wanted, {}, portal.now)
        return made.id


def lent_by_two(portal: Portal) -> int:
    """The task of signing an allocation; 陈涛 and 何静 are leaders, for both of whom 孙伟 stands in."""
    grant(portal, "he", "leader")
    lend(portal, "chen", "sun")
    lend(portal, "he", "sun")
    draft = portal.allocation()
    portal.complete("zhou", draft, {"year": "2025", "units": [{"unit": UNIT, "amount": "1200000"}]})
    with portal.database.transaction() as tx:
        return portal.task("sign", tx.get_one(Task, draft).case_id)
