"""Error pages: inside the frame of whoever is signed in, in words, with a way on; an address that only takes a form."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from lxml import html

from portal.db.database import DatabaseBusy
from portal.identity.models import Person
from portal.web import create_app, frames
from tests.builders.pages import ETS, Browser, plain

HUGE = "9" * 23


def _bar(answer) -> list[str]:
    """The items of the main navigation."""
    return html.fromstring(answer.text).xpath("//header/nav[1]/a/text()")


def _ways(answer) -> list[tuple[str, str]]:
    """The buttons below an error."""
    links = html.fromstring(answer.text).xpath('//main//p[@class="cluster"]/a')
    return [(one.text, one.get("href")) for one in links]


@pytest.fixture
def everything(portal) -> Browser:
    """A browser of somebody who may do nearly everything."""
    with portal.database.transaction() as tx:
        tx.get_one(Person, portal.people["zhou"]).administrator = True
    return portal.client("zhou")


@pytest.mark.parametrize(("login", "item"), [("zhou", "待办"), ("wang", "我的办件")])
def test_an_address_that_is_none_keeps_the_navigation(portal, login, item):
    answer = portal.client(login).get("/nothing")
    assert answer.status_code == 404
    assert item in _bar(answer)
    assert portal.actor(login).name in plain(answer)
    assert ">登录<" not in answer.text
    signed_out = portal.client().get("/nothing")
    assert (signed_out.status_code, _bar(signed_out)) == (404, [])


def test_a_name_that_no_database_holds_names_nothing(portal):
    answer = portal.client("zhou").get(f"/start/a%00b/{ETS}")
    assert (answer.status_code, "待办" in _bar(answer)) == (404, True)


def test_a_number_that_is_too_long_keeps_the_navigation(portal):
    answer = portal.client("zhou").get(f"/cases/{HUGE}")
    assert (answer.status_code, "待办" in _bar(answer)) == (404, True)


@pytest.mark.parametrize(
    ("failure", "status", "told"),
    [(DatabaseBusy(reason="busy"), 404, "没有这个页面"), (RuntimeError("a bug"), 500, "系统出错")],
)
def test_an_error_page_comes_also_when_its_frame_cannot_be_read(portal, monkeypatch, failure, status, told):
    def fails(_tx, _actor):
        raise failure

    monkeypatch.setattr(frames, "frame", fails)
    app = create_app(replace(portal.machine))
    browser = Browser(app.test_client())
    browser.post("/sign-in", {"login": "zhou", "password": "correct horse 9"})
    answer = browser.get("/nothing")
    assert (answer.status_code, told in answer.text) == (status, True)
    assert _bar(answer) == []


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("/organisation/invitations", "/organisation"),
        ("/desk/4", "/desk"),
        ("/calendar/preview", "/calendar"),
        ("/tasks/1/claim", "/tasks/1"),
        ("/messages/read?x=1", "/messages"),
        ("/clock", "/"),
        ("/sign-out", "/"),
    ],
)
def test_an_address_that_only_takes_a_form_leads_to_the_page_above_it(portal, address, page):
    for login in ("zhou", None):
        answer = portal.client(login).get(address)
        assert (answer.status_code, answer.location) == (302, page)


def test_a_form_posted_to_a_page_that_takes_none_is_told_so(portal):
    answer = portal.client("zhou").post("/inbox", {})
    assert answer.status_code == 405
    assert set(answer.allow) == {"GET", "HEAD", "OPTIONS"}
    assert "这个地址不接受提交，没有任何变动。" in plain(answer)
    assert "待办" in _bar(answer)


@pytest.mark.parametrize(
    ("method", "address", "form"),
    [
        ("GET", f"/start/{ETS}/allocation?about={HUGE}", {}),
        ("POST", f"/start/{ETS}/allocation?about={HUGE}", {}),
        ("GET", f"/file/{ETS}/allocation-review?about={HUGE}", {}),
        ("GET", f"/registers/{ETS}/emitters?year={HUGE}", {}),
        ("GET", f"/messages?before={HUGE}", {}),
        ("POST", "/messages/read", {"until": HUGE}),
        ("POST", "/messages/read", {"until": f"-{HUGE}"}),
        ("GET", f"/desk?before={HUGE}&after={HUGE}", {}),
        ("GET", f"/registrations?after={HUGE}", {}),
        ("POST", "/calendar/notices", {"version": HUGE}),
        ("POST", "/calendar/preview", {"moved_page": HUGE, "turn": f"kept:{HUGE}"}),
        ("POST", "/registrations/1", {"round": HUGE, "decision": "approve"}),
    ],
)
def test_a_number_that_no_id_can_be_fails_nothing(everything, method, address, form):
    answer = everything.get(address) if method == "GET" else everything.post(address, form)
    assert answer.status_code < 500, plain(answer)


def test_whoever_claims_what_is_done_is_told_by_whom_and_nothing_of_what_he_typed(portal):
    task = portal.allocation()
    portal.complete("sun", task, {"year": "2025", "units": [{"unit": "91110000802100433B", "amount": "1200000"}]})
    answer = portal.client("zhou").post(f"/tasks/{task}/claim")
    assert answer.status_code == 409
    assert re.search(r"这项任务已于 \S+ \S+ 由孙伟办结。 案件没有变动。", plain(answer))
    assert "您填写的内容" not in answer.text
    assert _ways(answer)[1:] == [("返回原来的页面", f"/tasks/{task}"), ("返回首页", "/")]
    assert re.fullmatch(r"/cases/\d+", dict(_ways(answer))["查看案件"])


def test_a_choice_is_told_in_words_and_what_nobody_typed_is_not_told(portal):
    labels = '{"what": "如何更正", "what=correct": "改为另一时间", "what=strike": "作废", "reason": "理由"}'
    data = {"what": "correct", "reason": "录错", "confirmed": "1", "_labels": labels}
    answer = portal.client("zhou").raw.post("/desk/1", data=data)
    assert answer.status_code == 400
    form = html.fromstring(answer.text).get_element_by_id("kept")
    assert form.xpath(".//label/text()") == ["如何更正", "理由"]
    [chosen] = form.xpath('.//select[@name="what"]')
    assert [(one.get("value"), one.text) for one in chosen] == [("correct", "改为另一时间"), ("strike", "作废")]
    assert chosen.xpath("./option[@selected]/@value") == ["correct"]
    assert form.xpath('.//input[@name="confirmed"]/@type') == ["hidden"]
    gone = portal.client("zhou").post("/nothing/at/all", data)
    assert gone.status_code == 404
    page = html.fromstring(gone.text)
    assert [one.text for one in page.xpath("//main//textarea")] == ["改为另一时间", "录错"]
