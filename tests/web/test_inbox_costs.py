"""What the pages of officials cost: so many statements and no more, whatever there is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.inbox import saved
from tests.builders.pages import Portal
from tests.builders.tasklists import WEDNESDAY, more_tasks, open_tasks, statements

MOST = 6
ADDRESSES = (
    "/inbox?view=mine",
    "/inbox?view=role",
    "/inbox?view=all",
    "/inbox?view=all&procedure=chongqing-ets.allocation&step=核定&light=green&unit=水泥&holder=nobody",
    "/inbox?view=done",
)


def cost(portal: Portal, browser, address: str) -> list[str]:
    """The statements of one whole request, and nothing else."""
    with statements(portal) as sent:
        answer = browser.get(address)
    assert answer.status_code == 200
    return sent


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_inbox_takes_as_many_statements_for_none_as_for_300_tasks(portal, address):
    browser = portal.client("zhou")
    open_tasks(portal, [])
    browser.get(address)
    found = {0: len(cost(portal, browser, address))}
    more_tasks(portal, [WEDNESDAY], state="done" if "done" in address else "open")
    found[1] = len(cost(portal, browser, address))
    dues = [WEDNESDAY + timedelta(hours=n) for n in range(299)]
    more_tasks(portal, dues, portal.people["zhou"] if "mine" in address else None)
    found[300] = len(cost(portal, browser, address))
    assert set(found.values()) == {found[0]}, found
    assert found[0] <= MOST, cost(portal, browser, address)


def test_saved_filters_are_counted_in_the_statement_that_counts_everything(portal):
    browser = portal.client("zhou")
    open_tasks(portal, [WEDNESDAY])
    browser.get("/inbox?view=role")
    before = len(cost(portal, browser, "/inbox?view=role"))
    with portal.database.transaction() as tx:
        for n in range(saved.MOST):
            saved.save(tx, portal.people["zhou"], f"第 {n} 个", f"view=all&unit={n}", WEDNESDAY)
    assert len(cost(portal, browser, "/inbox?view=role")) == before <= MOST


@pytest.mark.parametrize("address", ["/cases", "/cases?q=水泥", "/receipts", "/start", "/registers"])
def test_the_frame_of_other_pages_is_cheap(portal, address):
    browser = portal.client("tao" if address == "/receipts" else "zhou")
    portal.allocation()
    browser.get(address)
    assert len(cost(portal, browser, address)) <= MOST + 1


def test_asking_for_what_is_new_takes_three_statements(portal):
    browser = portal.client("zhou")
    portal.allocation()
    browser.get("/inbox/new?since=0")
    assert len(cost(portal, browser, "/inbox/new?since=0")) == 3


def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(portal):
    browser = portal.client("zhou")
    with statements(portal) as sent:
        browser.get("/inbox/new?since=0")
    assert [one for one in sent if one.startswith("UPDATE sessions")] == []
