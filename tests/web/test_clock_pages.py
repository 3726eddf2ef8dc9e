"""Pages of clocks that stand and are extended: what officials and the applicant read, and the extension's page."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from portal import identity
from portal.cases import filing
from portal.deadlines import service as deadlines
from portal.procedures import publish
from portal.web import dates
from tests.builders.clocks import clocks_content
from tests.builders.pages import plain


@pytest.fixture
def plan(portal) -> int:
    """A plan filed by wang; chen is the leader, zhou the officer."""
    with portal.database.transaction() as tx:
        publish(tx, clocks_content(), portal.now, "test")
        for login, role in (("chen", "leader"), ("zhou", "officer")):
            person = portal.people[login]
            identity.grant_role(tx, person_id=person, regulation="small", role=role, from_day=date(2020, 1, 1))
    kernel = portal.machine.kernel
    with portal.database.transaction() as tx:
        answers = {"text": "方案"}
        return filing.file(kernel, tx, portal.actor("wang"), "small", "plan", answers, kernel.now(tx)).id


def paused(portal, plan: int) -> None:
    portal.complete("zhou", portal.task("review", plan), {"result": "继续"})


def decide(portal, plan: int):
    with portal.database.transaction() as tx:
        row = deadlines.latest(tx, plan)["decide"]
        tx.expunge(row)
        return row


def test_the_case_tells_that_its_clock_stands_since_when_and_why(portal, plan):
    paused(portal, plan)
    page = plain(portal.client("zhou").get(f"/cases/{plan}"))
    assert "恢复计时后确定" in page
    assert "暂停计时：环节correct" in page
    assert "恢复计时后，接着计算剩余10个工作日" in page
    mine = plain(portal.client("wang").get(f"/my/cases/{plan}"))
    assert "恢复计时后确定" in mine
    assert "起暂停计时（环节correct）" in mine
    assert "超期" not in mine


def test_days_pass_while_it_stands_and_nothing_is_late(portal, plan):
    paused(portal, plan)
    portal.ahead(timedelta(days=60))
    for login, url in (("zhou", f"/cases/{plan}"), ("wang", f"/my/cases/{plan}"), ("wang", "/my")):
        page = plain(portal.client(login).get(url))
        assert "超期" not in page
        assert "没有在下面的期限内办完" not in page


@pytest.mark.parametrize(
    ("kind", "said", "other"), [("duty", "逾期完成", "期满完成"), ("minimum", "期满完成", "逾期完成")]
)
def test_what_was_met_when_its_last_day_was_over(portal, plan, kind, said, other):
    """A duty is late then; a period that must not be cut short has run its course. Both are folded away."""
    with portal.database.transaction() as tx:
        row = deadlines.latest(tx, plan)["decide"]
        row.kind, row.state, row.met_at, row.warn_at = kind, "met", row.due, None
    page = plain(portal.client("zhou").get(f"/cases/{plan}"))
    assert "已完成的期限（1 项）" in page
    assert (said in page, other in page, "期限内完成" in page) == (True, False, False)


def test_the_leader_extends_it_and_the_applicant_reads_why(portal, plan):
    url = f"/cases/{plan}/deadlines/{decide(portal, plan).id}/extension"
    chen = portal.client("chen")
    assert f'href="{url}"' in chen.get(f"/cases/{plan}").text
    old = decide(portal, plan).due
    page = plain(chen.get(url))
    assert dates_of(portal, old) in page
    assert "5 个工作日" in page
    assert "假定：试验" in page
    missing = chen.post(url, {"reason": " "})
    assert missing.status_code == 422
    assert "请说明延长的理由，最多 500 字；申请人会看到。" in plain(missing)
    for typed, character in (("情\x00况", "U+0000"), ("\u202e情况", "U+202E")):
        unfit = chen.post(url, {"reason": typed})
        assert unfit.status_code == 422
        assert f"延长的理由含有不能使用的控制字符（{character}），请删去后重新填写。" in plain(unfit)
    assert chen.post(url, {"reason": "案情复杂"}).status_code == 303
    new = decide(portal, plan)
    assert new.due > old
    official = plain(chen.get(f"/cases/{plan}"))
    assert "批准延长 5 个工作日：案情复杂" in official
    assert url not in chen.get(f"/cases/{plan}").text
    mine = plain(portal.client("wang").get(f"/my/cases/{plan}"))
    assert "经领导批准延长5个工作日，理由：案情复杂" in mine
    again = chen.post(url, {"reason": "再次"})
    assert again.status_code == 409
    assert "最多延长 1 次，已经延长过" in plain(again)


def dates_of(portal, due) -> str:
    with portal.app.test_request_context():
        return dates.due_text(due)


def test_whoever_is_not_of_that_office_sees_no_extension(portal, plan):
    url = f"/cases/{plan}/deadlines/{decide(portal, plan).id}/extension"
    zhou = portal.client("zhou")
    assert url not in zhou.get(f"/cases/{plan}").text
    assert zhou.get(url).status_code == 403
    assert zhou.post(url, {"reason": "案情复杂"}).status_code == 403
    assert portal.client("wang").get(url).status_code in (403, 404)


def test_the_deadline_of_another_case_is_not_found(portal, plan):
    kernel = portal.machine.kernel
    with portal.database.transaction() as tx:
        other = filing.file(kernel, tx, portal.actor("wang"), "small", "plan", {"text": "另一"}, kernel.now(tx)).id
    assert portal.client("chen").get(f"/cases/{other}/deadlines/{decide(portal, plan).id}/extension").status_code == 404
    assert portal.client("chen").get(f"/cases/{plan}/deadlines/999999/extension").status_code == 404


def test_a_task_whose_clock_stands_is_listed_without_a_day(portal, plan):
    kernel = portal.machine.kernel
    with portal.database.transaction() as tx:
        answers = {"text": "不同意"}
        filing.file(kernel, tx, portal.actor("wang"), "small", "objection", answers, kernel.now(tx), plan)
    page = plain(portal.client("zhou").get("/inbox", follow_redirects=True))
    assert "期限现在没有计时" in page
