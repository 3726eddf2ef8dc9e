"""What each page beside the inbox costs: so many statements and no more, once a case has gone through several hands."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from portal.documents.models import Letter
from portal.identity.models import Person
from tests.web.test_inbox_costs import cost

MOST = {
    ("", "/"): 3,
    ("", "/sign-in"): 2,
    ("", "/track"): 1,
    ("", "/verify/{code}"): 7,
    ("wang", "/home"): 19,
    ("wang", "/my/cases"): 8,
    ("wang", "/my/cases/{case}"): 27,
    ("wang", "/my/letters"): 6,
    ("wang", "/my/letters/{letter}"): 14,
    ("wang", "/messages"): 7,
    ("wang", "/account"): 16,
    ("wang", "/organisation"): 8,
    ("li", "/tasks/{task}"): 30,
    ("li", "/cases/{case}"): 26,
    ("li", "/messages"): 5,
    ("zhou", "/letters/{letter}"): 15,
    ("chen", "/desk"): 11,
    ("tao", "/admin"): 17,
    ("tao", "/admin/people"): 6,
    ("tao", "/admin/incidents"): 8,
    ("tao", "/admin/jobs"): 10,
    ("tao", "/admin/releases"): 7,
    ("tao", "/admin/checks"): 5,
}


@pytest.mark.parametrize(("login", "path"), MOST)
def test_a_page_takes_so_many_statements(portal, login, path):
    review = portal.review()
    with portal.database.transaction() as tx:
        tx.get_one(Person, portal.people["tao"]).administrator = True
        letter = tx.scalars(select(Letter).order_by(Letter.id).limit(1)).one()
    address = path.format(
        case=review, task=portal.task("check", review), letter=letter.id, code=letter.verification_code
    )
    browser = portal.client(login) if login else portal.client()
    browser.get(address)
    assert len(cost(portal, browser, address)) <= MOST[login, path]
