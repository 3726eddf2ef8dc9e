"""When something is away or has expired, what was typed is on the page that says so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from portal.db import Database
from portal.edge import statuses
from portal.errors import PortalError
from portal.web import create_app
from tests.builders.pages import UNIT, Browser

DRAFT = {
    "units.0.unit": UNIT,
    "units.0.amount": "1,200,000",
    "grounds": "我写了很久的依据\n第二行 <b>",
    "_labels": '{"grounds": "核定依据", "units.amount": "年度配额"}',
}
AWAY = "postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1"


def _without_database(portal, browser: Browser) -> Browser:
    """The same session at a portal whose database does not answer."""
    browser.get("/inbox")
    app = create_app(replace(portal.machine, database=Database(AWAY)))
    client = app.test_client()
    for cookie in ("portal_session", "portal_page"):
        kept = browser.raw.get_cookie(cookie)
        client.set_cookie(cookie, kept.value)
    return Browser(client)


def test_when_the_database_is_away_what_was_typed_stays(portal):
    task = portal.allocation()
    browser = portal.client("zhou")
    token = browser.token(f"/tasks/{task}")
    away = _without_database(portal, browser)
    answer = away.raw.post(f"/tasks/{task}", data={**DRAFT, "csrf_token": token})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    assert "我写了很久的依据\n第二行 &lt;b&gt;</textarea>" in answer.text
    assert "核定依据" in answer.text
    assert 'value="1,200,000"' in answer.text
    assert f'action="/tasks/{task}"' in answer.text
    assert "重新提交" in answer.text
    again = {**DRAFT, "year": "2025", "csrf_token": Browser(portal.app.test_client()).token("/sign-in")}
    assert browser.raw.post(f"/tasks/{task}", data=again).status_code == 400
    again["csrf_token"] = browser.token("/inbox")
    assert browser.raw.post(f"/tasks/{task}", data=again).status_code == 302


def test_a_page_without_database_says_so_and_does_not_fail_twice(portal):
    away = _without_database(portal, portal.client("zhou"))
    answer = away.get("/inbox")
    assert answer.status_code == 503
    assert "数据库暂时无法连接" in answer.text
    assert 'href="/sign-in' not in answer.text  # whoever is signed in still is


def test_health_and_readiness(portal):
    assert portal.client().get("/healthz").json == {"status": "ok"}
    ready = portal.client().get("/readyz")
    assert ready.status_code == 503
    assert ready.json == {
        "status": "not ready", "database": "ok", "objects": "ok", "worker": "away", "clock": "ok",
    }  # fmt: skip
    away = _without_database(portal, portal.client("zhou")).get("/readyz")
    assert away.json == {
        "status": "not ready", "database": "away", "objects": "ok", "worker": "away", "clock": "away",
    }  # fmt: skip


def test_with_a_worker_the_portal_is_ready(portal):
    with portal.database.transaction() as tx:
        tx.execute(text("INSERT INTO procrastinate_workers DEFAULT VALUES"))
    assert portal.client().get("/readyz").status_code == 200


@pytest.mark.parametrize("token", [None, "forged"])
def test_without_the_token_of_a_page_nothing_is_done_and_the_text_stays(portal, token):
    task = portal.allocation()
    browser = portal.client("zhou")
    data = {**DRAFT, "year": "2025"} | ({"csrf_token": token} if token else {})
    answer = browser.raw.post(f"/tasks/{task}", data=data)
    assert answer.status_code == 400
    assert "我写了很久的依据" in answer.text
    assert browser.get(f"/tasks/{task}").status_code == 200


def test_an_expired_token_keeps_the_text(portal, monkeypatch):
    task = portal.allocation()
    browser = portal.client("zhou")
    token = browser.token(f"/tasks/{task}")
    monkeypatch.setitem(portal.app.config, "WTF_CSRF_TIME_LIMIT", -1)
    answer = browser.raw.post(f"/tasks/{task}", data={**DRAFT, "csrf_token": token})
    assert answer.status_code == 400
    assert "我写了很久的依据" in answer.text
    assert "重新提交" in answer.text


def test_whoever_was_signed_out_meanwhile_keeps_the_text(portal):
    task = portal.allocation()
    browser = portal.client("zhou")
    token = browser.token(f"/tasks/{task}")
    browser.raw.delete_cookie("portal_session")
    answer = browser.raw.post(f"/tasks/{task}", data={**DRAFT, "csrf_token": token})
    assert answer.status_code == 401
    assert "我写了很久的依据" in answer.text


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_what_another_site_sends_is_not_offered_for_handing_in(portal, headers):
    task = portal.allocation()
    answer = portal.client("zhou").raw.post(f"/tasks/{task}", data=DRAFT, headers=headers)
    assert answer.status_code == 400
    assert "我写了很久的依据" not in answer.text


def test_passwords_are_never_shown_again(portal):
    answer = portal.client().raw.post("/sign-in", data={"login": "li", "password": "correct horse 9"})
    assert answer.status_code == 400
    assert "correct horse 9" not in answer.text


def test_every_error_of_the_table_has_a_page(portal):
    for kind, status in statuses.STATUS.items():
        assert 400 <= status < 600, kind
        assert issubclass(kind, PortalError)


def test_what_does_not_exist_is_said_in_chinese(portal):
    answer = portal.client("li").get("/nowhere")
    assert answer.status_code == 404
    assert "没有这个页面" in answer.text
