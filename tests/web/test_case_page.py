"""The page of a case for officials: what it says of periods when the case is over."""

from __future__ import annotations

import re
from datetime import timedelta

from portal.cases import delivery
from portal.cases.conduct import claim_ripe
from tests.builders.pages import Portal, plain


def lapsed(portal: Portal) -> int:
    """A notice that was signed for, and nobody objected to in time; the id of its case."""
    notice, letter = portal.notice()
    portal.rendered(letter)
    kernel, wang = portal.machine.kernel, portal.actor("wang")
    with portal.database.transaction() as tx:
        delivery.sign_for(kernel, tx, wang, letter, kernel.now(tx))
    portal.ahead(timedelta(days=60))
    going = True
    while going:
        with portal.database.transaction() as tx:
            going = claim_ripe(kernel, tx, kernel.now(tx)) is not None
    return notice


def test_a_right_that_ran_out_is_nobodys_delay_once_the_case_has_ended(portal):
    case_id = lapsed(portal)
    assert portal.case(case_id).ended_at is not None
    page = portal.client("zhou").get(f"/cases/{case_id}")
    assert '<span class="chip n">已届满</span>' in page.text
    assert "超期" not in plain(page)
    assert not re.search(r'class="deadline r"', page.text)


def test_a_duty_that_is_late_stays_so(portal):
    review = portal.review()
    portal.ahead(timedelta(days=90))
    page = plain(portal.client("he").get(f"/cases/{review}"))
    assert "超期" in page
    assert "已届满" not in page


def test_what_was_posted_stands_with_its_unit(portal):
    notice, _letter = portal.notice()
    assert "登记入账 +1,200,000 tCO₂e" in plain(portal.client("zhou").get(f"/cases/{notice}"))


def test_the_bar_above_a_letter_is_that_of_every_page(portal):
    _notice, letter = portal.notice()
    zhou = portal.client("zhou")
    above = [
        re.search(r'<div class="bar-end">(.*?)</div>', zhou.get(path).text, re.DOTALL)
        for path in ("/cases", f"/letters/{letter}")
    ]
    texts = [re.sub(r'next=[^"]*|value="[^"]*"', "", found[1]) for found in above if found]
    assert len(texts) == 2
    assert texts[0] == texts[1]
