"""Sessions: nobody's but his who signed in, as long as he is there (ASVS 7.2–7.4, GB/T 22239 8.1.4.1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from sqlalchemy import select, update

from portal import clock, identity
from portal.identity import accounts, sessions
from portal.identity.models import Grant, SignedIn
from portal.settings import Settings
from portal.web import create_app
from portal.web.access import COOKIE
from portal.web.own_sessions import device
from tests.builders.everybody import ADMIN, HANDLER, PARTY, town
from tests.builders.pages import ETS, LONG_AGO, PASSWORD, Browser, plain

NEW = "a better horse 10"
OFFICIAL_IDLE, IDLE = timedelta(minutes=15), timedelta(minutes=30)


def token_of(browser) -> str:
    cookie = browser.raw.get_cookie(COOKIE)
    return cookie.value if cookie else ""


def holding(portal, token) -> Browser:
    """A browser that has only the token of somebody."""
    browser = portal.client()
    browser.raw.set_cookie(COOKIE, token)
    return browser


def is_in(portal, token) -> bool:
    return holding(portal, token).get("/profile").status_code == 200


def left_alone(portal, login, by):
    """The sessions of a person as if he had asked for nothing for so long."""
    with portal.database.transaction() as tx:
        mine = update(SignedIn).where(SignedIn.person_id == portal.people[login])
        tx.execute(mine.values(last_seen=clock.now() - by))


def test_signing_in_gives_a_new_token_and_ends_the_one_of_before(portal, proof):
    browser = portal.client("wang")
    planted = token_of(browser)
    browser.post("/sign-in", {"login": "zhou", "password": PASSWORD})
    proof.says("S13", "signing in gives a new token; the one that was there before is over", "all", fixed=0)
    assert token_of(browser) not in ("", planted)
    assert not is_in(portal, planted)
    assert is_in(portal, token_of(browser))


def test_a_token_that_somebody_made_up_is_never_taken_over(portal):
    browser = holding(portal, "x" * 43)
    browser.post("/sign-in", {"login": "wang", "password": PASSWORD})
    assert token_of(browser) != "x" * 43
    assert not is_in(portal, "x" * 43)


def granted(portal):
    with portal.database.transaction() as tx:
        identity.grant_role(tx, person_id=portal.people["zhou"], regulation=ETS, role="leader", from_day=LONG_AGO)


def ended(portal):
    with portal.database.transaction() as tx:
        tx.execute(update(Grant).where(Grant.person_id == portal.people["zhou"]).values(to_day=LONG_AGO))


def let_go(portal):
    with portal.database.transaction() as tx:
        tx.get_one(identity.Person, portal.people["zhou"]).administrator = True


@pytest.mark.parametrize("change", [granted, ended, let_go])
def test_other_rights_give_a_new_token_with_the_next_page(portal, proof, change):
    browser = portal.client("zhou")
    browser.get("/inbox")
    before = token_of(browser)
    form = browser.held_token()
    assert token_of(browser) == before
    change(portal)
    browser.get("/inbox/new")  # what a page asks by itself changes nothing
    assert token_of(browser) == before
    browser.get("/profile")
    after = token_of(browser)
    proof.says(
        "S13", "other rights give a session a new token; the old one is over at once", "all", change=change.__name__
    )
    assert after != before
    assert not is_in(portal, before)
    # A form that was open before still counts.
    assert browser.raw.post("/messages/read", data={"csrf_token": form}).status_code == 303


def test_a_token_that_stays_the_same_with_other_rights_is_noticed(portal, monkeypatch, proof):
    monkeypatch.setattr(sessions, "rights_of", lambda actor: b"the same")
    browser = portal.client("zhou")
    before = token_of(browser)
    granted(portal)
    browser.get("/profile")
    proof.catches("S13", "rights are not compared", noticed=token_of(browser) == before)
    assert token_of(browser) == before


def test_another_password_gives_a_new_token_and_ends_all_others(portal):
    here, there = portal.client("wang"), portal.client("wang")
    before = token_of(here)
    answer = here.post("/profile/password", {"old": PASSWORD, "password": NEW, "password_again": NEW})
    assert answer.status_code == 303
    assert token_of(here) != before
    assert [is_in(portal, one) for one in (before, token_of(there), token_of(here))] == [False, False, True]


def test_signing_out_everywhere_else_and_in_one_place(portal, proof):
    here, there, elsewhere = (portal.client("wang") for _ in range(3))
    with portal.database.transaction() as tx:
        own = sessions.of_person(tx, portal.people["wang"], token_of(here), clock.now())
        mine = select(SignedIn.id).where(SignedIn.token == identity.rules.digest(token_of(there)))
        one = tx.scalars(mine).one()
    assert [session.here for session in own] == [True, False, False]
    here.post(f"/profile/sessions/{one}/end")
    assert [is_in(portal, token_of(each)) for each in (here, there, elsewhere)] == [True, False, True]
    assert here.post("/profile/sessions/end-others").location == "/profile#sessions"
    proof.says("S13", "a session ends on the server: here, in one place, everywhere else, by the administrator", "all")
    assert [is_in(portal, token_of(each)) for each in (here, there, elsewhere)] == [True, False, False]
    assert here.post(f"/profile/sessions/{one}/end").status_code == 404
    assert "本次登录" in plain(here.get("/profile"))


def test_an_account_that_is_closed_is_out_at_once(portal):
    made = town(portal)
    browser = made.browser(HANDLER)
    assert browser.get("/inbox").status_code == 200
    with portal.database.transaction() as tx:
        accounts.close(tx, portal.actor(ADMIN), portal.people[HANDLER], "调离", portal.now, clock.now())
    assert browser.get("/inbox").location == "/sign-in?next=/inbox"
    with portal.database.transaction() as tx:
        accounts.reopen(tx, portal.actor(ADMIN), portal.people[HANDLER], "返岗", portal.now)
    assert browser.get("/inbox").status_code == 302


@pytest.mark.parametrize(("login", "page", "limit"), [("zhou", "/inbox", OFFICIAL_IDLE), ("wang", "/home", IDLE)])
def test_whoever_asks_for_nothing_is_out_after_his_limit(portal, proof, login, page, limit):
    browser = portal.client(login)
    left_alone(portal, login, limit - timedelta(seconds=30))
    assert browser.get(page).status_code == 200
    left_alone(portal, login, limit + timedelta(seconds=1))
    proof.says(
        "S13",
        "nobody stays signed in who asks for nothing",
        "15 min officials, 30 min others",
        minutes=limit.seconds // 60,
        who=login,
    )
    assert browser.get(page).status_code == 302


def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(portal):
    made = town(portal)
    browser, items = made.browser(HANDLER), f"/cases/{made.of('A')['official.items_page.case_id']}/items"
    for path, headers in (("/inbox/new", {}), (items, {"HX-Request": "true"})):
        left_alone(portal, HANDLER, OFFICIAL_IDLE - timedelta(seconds=30))
        assert browser.get(path, headers=headers).status_code == 200
        left_before = _seen(portal, HANDLER)
        assert clock.now() - left_before > OFFICIAL_IDLE - timedelta(minutes=1)
    assert browser.get(items).status_code == 200
    assert clock.now() - _seen(portal, HANDLER) < timedelta(minutes=1)


def _seen(portal, login):
    with portal.database.transaction() as tx:
        mine = select(SignedIn.last_seen).where(SignedIn.person_id == portal.people[login])
        return max(tx.scalars(mine))


def test_the_limits_are_settings(portal):
    settings = Settings.read({"PORTAL_DEMO": "1", "IDLE_MINUTES": "5", "OFFICIAL_IDLE_MINUTES": "2"})
    app = create_app(replace(portal.machine, settings=settings))
    browser = portal.client("wang")
    left_alone(portal, "wang", timedelta(minutes=5, seconds=1))
    client = app.test_client()
    client.set_cookie(COOKIE, token_of(browser))
    assert client.get("/home").status_code == 302
    assert browser.get("/home").status_code == 200


def test_what_was_typed_after_the_limit_stays_and_is_handed_in_after_signing_in(portal):
    task = portal.allocation()
    browser = portal.client("zhou")
    token = browser.held_token()
    left_alone(portal, "zhou", timedelta(hours=1))
    draft = {"year": "2025", "units.0.unit": "91110000802100433B", "units.0.amount": "1,200,000", "csrf_token": token}
    answer = browser.raw.post(f"/tasks/{task}", data=draft)
    assert answer.status_code == 401
    assert 'value="1,200,000"' in answer.text
    browser.raw.post("/sign-in", data={"login": "zhou", "password": PASSWORD, "csrf_token": token})
    assert browser.raw.post(f"/tasks/{task}", data=draft).status_code == 302


def test_however_busy_a_session_ends_after_its_day(portal):
    browser = portal.client("wang")
    with portal.database.transaction() as tx:
        tx.execute(update(SignedIn).values(expires=clock.now()))
    assert browser.get("/home").status_code == 302


def test_a_page_says_after_how_long_it_ends_and_keeps_it_on_request(portal):
    browser = portal.client("zhou")
    assert 'id="idle" data-idle="900"' in browser.get("/inbox").text
    assert 'id="idle" data-idle="1800"' in portal.client("wang").get("/home").text
    left_alone(portal, "zhou", OFFICIAL_IDLE - timedelta(seconds=30))
    assert browser.post("/profile/here").status_code == 204
    assert clock.now() - _seen(portal, "zhou") < timedelta(minutes=1)


@pytest.mark.parametrize(("url", "prefix"), [("https://portal.example", "__Host-"), ("http://127.0.0.1:8000", "")])
def test_cookies_are_kept_from_scripts_other_sites_and_plain_connections(portal, url, prefix):
    app = create_app(replace(portal.machine, settings=replace(portal.machine.settings, public_url=url)))
    browser = Browser(app.test_client())
    page = browser.raw.get("/sign-in", base_url=url)
    token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
    data = {"login": "wang", "password": PASSWORD, "csrf_token": token}
    answer = browser.raw.post("/sign-in", data=data, base_url=url, headers={"Referer": f"{url}/"})
    assert answer.status_code == 302
    cookies = SimpleCookie()
    for line in answer.headers.getlist("Set-Cookie"):
        cookies.load(line)
    assert set(cookies) == {f"{prefix}portal_session", f"{prefix}portal_page"}
    for cookie in cookies.values():
        flags = cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"], bool(cookie["secure"])
        assert flags == (True, "Lax", "/", "", bool(prefix))
    out = browser.raw.post(
        "/sign-out", data={"csrf_token": _token(browser, url)}, base_url=url, headers={"Referer": f"{url}/"}
    )
    gone = [line for line in out.headers.getlist("Set-Cookie") if line.startswith(f"{prefix}portal_session=;")]
    assert len(gone) == 1
    assert ("Secure" in gone[0]) is bool(prefix)


def _token(browser, url):
    return browser.raw.get("/track", base_url=url).text.split('name="csrf_token" value="')[1].split('"')[0]


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0 Safari/537.36 Edg/142.0", "Edge · Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Safari/604.1", "Safari · iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/142.0 Safari/537 MicroMessenger/8.0", "微信 · Android"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox · Linux"),
    ],
)
def test_a_device_is_named_in_few_words(portal, agent, said):
    assert device(agent) == said
    browser = portal.client()
    browser.raw.post(
        "/sign-in",
        data={"login": PARTY, "password": PASSWORD, "csrf_token": browser.held_token()},
        headers={"User-Agent": agent},
    )
    assert said in plain(browser.get("/profile"))
