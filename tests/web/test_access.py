"""Who gets to which page: every route declares it, and nobody else gets in."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from portal.identity import Permission
from portal.web import access, create_app
from portal.web.access import Undeclared, declared, needs, open_to_all
from tests.builders.pages import ETS


def test_every_route_declares_a_permission_or_is_open(portal):
    for rule in portal.app.url_map.iter_rules():
        said = declared(portal.app, rule.endpoint)
        assert isinstance(said, Permission) or said == "open to all", rule


def test_what_is_open_to_all_is_a_short_list(portal):
    endpoints = {rule.endpoint for rule in portal.app.url_map.iter_rules()}
    found = {one for one in endpoints if declared(portal.app, one) == "open to all"}
    signing_in, probes = {"auth.sign_in", "auth.sign_in_post"}, {"health.healthz", "health.readyz", "metrics.metrics"}
    coming = {f"registration.{one}" for one in ("register", "register_post", "received", "join", "join_post")}
    coming |= {f"registration.{one}" for one in ("register_person", "register_person_post")}
    asking = {f"tracking.{one}" for one in ("track", "track_post", "letter", "letter_file")}
    asking |= {f"notices.{one}" for one in ("index", "feed", "notice", "data", "file")}
    asking |= {"objecting.form", "objecting.submit"}
    asking |= {f"registry.{one}" for one in ("registers_page", "register_page", "record_page")}
    asking |= {f"draws.{one}" for one in ("draws_page", "draw_page", "draw_json")}
    asking |= {f"registry_files.{one}" for one in ("register_csv", "register_json", "record_json")}
    verifying = {f"verifying.{one}" for one in ("ask", "letter_by_code", "compare")}
    assert found == {"static", "public.index", "switching.choose"} | signing_in | coming | probes | asking | verifying


def test_a_route_that_declares_nothing_keeps_the_portal_from_starting():
    app = Flask("undeclared")
    app.add_url_rule("/secret", "secret", lambda: "secret")
    with pytest.raises(Undeclared, match="secret"):
        access.guard(app)


def test_a_view_that_never_asks_gives_no_answer(portal):
    @needs(Permission.CASE_READ)
    def careless() -> str:
        return "everything"

    with portal.app.test_request_context("/"), pytest.raises(Undeclared, match=r"case\.read"):
        careless()


def test_a_view_is_the_same_function_when_it_is_open():
    def view() -> str:
        return ""

    assert open_to_all(view) is view


def _official_pages(portal):
    review = portal.review()
    notice = portal.case(review).about_id
    return {
        "/inbox": set(["zhou", "li", "chen", "he", "tao"]),
        "/cases": set(["zhou", "li", "chen", "he", "tao"]),
        "/start": set(["zhou", "li", "chen", "he", "tao"]),
        "/receipts": set(["zhou", "li", "chen", "he", "tao"]),
        "/registers": set(["zhou", "li", "chen", "he", "tao"]),
        f"/registers/{ETS}/emitters": set(["zhou", "li", "chen", "he", "tao"]),
        f"/tasks/{portal.task('check', review)}": {"li"},
        f"/cases/{review}": set(["zhou", "li", "chen", "he", "tao"]),
        f"/cases/{notice}": set(["zhou", "li", "chen", "he", "tao"]),
        f"/cases/{review}/diagram": set(["zhou", "li", "chen", "he", "tao"]),
        "/letters/1/file": set(["zhou", "li", "chen", "he", "tao", "wang"]),
        "/services/1/receipt": {"tao"},
        f"/start/{ETS}/allocation": {"zhou"},
        f"/start/{ETS}/allocation-notice": set(),
    }


def test_each_official_page_is_for_its_people_only(portal):
    pages = _official_pages(portal)
    for login in ("zhou", "li", "chen", "he", "tao", "wang"):
        browser = portal.client(login)
        for path, allowed in pages.items():
            status = browser.get(path, follow_redirects=True).status_code
            assert (status == 200) is (login in allowed), (login, path, status)
            assert status in (200, 403, 404), (login, path, status)


def test_whoever_is_not_signed_in_is_led_to_the_door_and_back(portal):
    browser = portal.client()
    for path in _official_pages(portal):
        answer = browser.get(path)
        assert answer.status_code == 302
        assert answer.location.startswith("/sign-in?next=")
    answer = browser.post("/sign-in", {"login": "li", "password": "correct horse 9", "next": "/cases?q=x"})
    assert answer.location == "/cases?q=x"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "inbox"])
def test_the_door_leads_nowhere_else(portal, elsewhere):
    data = {"login": "li", "password": "correct horse 9", "next": elsewhere}
    assert portal.client().post("/sign-in", data).location == "/inbox"


def test_applicants_begin_at_home_and_officials_at_the_inbox(portal):
    for login, first in (("wang", "/home"), ("li", "/inbox")):
        answer = portal.client().post("/sign-in", {"login": login, "password": "correct horse 9"})
        assert answer.location == first


def test_a_wrong_password_and_an_unknown_login_are_answered_alike(portal):
    browser = portal.client()
    wrong = browser.post("/sign-in", {"login": "li", "password": "wrong"})
    unknown = browser.post("/sign-in", {"login": "nobody", "password": "wrong"})
    assert (wrong.status_code, unknown.status_code) == (422, 422)
    assert "用户名或密码不正确。" in wrong.text
    assert "用户名或密码不正确。" in unknown.text


def test_after_ten_failures_nobody_is_let_in_for_a_while(portal):
    browser = portal.client()
    for _ in range(10):
        browser.post("/sign-in", {"login": "li", "password": "wrong"})
    answer = browser.post("/sign-in", {"login": "li", "password": "correct horse 9"})
    assert answer.status_code == 429
    assert "请 15 分钟后再试" in answer.text


def test_signing_out_ends_the_session_on_the_server(portal):
    browser = portal.client("li")
    cookie = browser.raw.get_cookie(access.COOKIE)
    assert cookie is not None
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    browser.post("/sign-out")
    browser.raw.set_cookie(access.COOKIE, cookie.value)
    assert browser.get("/inbox").status_code == 302


def test_a_portal_in_production_has_no_clock_to_move(portal, settings):
    machine = replace(portal.machine, settings=replace(settings, demo=False, public_url="https://portal.example"))
    app = create_app(machine)
    assert "/clock" not in {rule.rule for rule in app.url_map.iter_rules()}
    answer = app.test_client().get("/")
    assert "演示时钟" not in answer.text
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


@pytest.mark.parametrize("address", ["//evil.example", "/\t/evil.example", "/\\evil.example", "https://evil.example"])
def test_signing_in_leads_to_no_other_site(portal, address):
    assert portal.client("zhou").get("/sign-in", query_string={"next": address}).location == "/inbox"


@pytest.mark.parametrize("path", ["/tasks/{}", "/cases/{}", "/letters/{}", "/letters/{}/file", "/attachments/{}"])
def test_what_no_id_can_be_is_not_found(portal, path):
    assert portal.client("zhou").get(path.format(10**20)).status_code == 404
