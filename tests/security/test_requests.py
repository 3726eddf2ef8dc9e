"""What a request says of itself is not believed (ASVS 3.7.2, 16.4.1): where to go, host, address, lines."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from sqlalchemy import select

from portal.cases.models import Task
from portal.commands.logs import LOG, OneLine
from portal.identity import rules
from portal.identity.models import LoginAttempt
from portal.web import create_app
from portal.web.pages import own_path
from tests.builders.pages import ETS, PASSWORD, UNIT, Browser, plain

ELSEWHERE = (
    "//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example/", "http:/evil.example",
    "%2f%2fevil.example", "/%09/evil.example\t", "\\\\evil.example", "/\t/evil.example", "/\r\n/evil.example",
    "/x\r\nSet-Cookie: portal_session=1", "javascript:alert(1)", "data:text/html,x", "///evil.example",
    "/\\/evil.example", "evil.example", "?next=//evil.example", "@evil.example", "/\u2028/evil.example", "/.//evil\x00",
)  # fmt: skip
EVIL = "evil.example"


@pytest.mark.parametrize("address", ELSEWHERE)
def test_no_way_leads_to_another_site(portal, proof, address):
    kept = own_path(address)
    assert kept == "" or (kept.startswith("/") and kept[1:2] not in ("/", "\\"))
    signing_in = portal.client().post("/sign-in", {"login": "li", "password": PASSWORD, "next": address})
    there = portal.client("zhou").get("/sign-in", query_string={"next": address})
    language = portal.client().get("/language/en", query_string={"next": address})
    back = portal.client("zhou").post("/clock", {"_to": "1", "_from": address})
    places = [answer.headers["Location"] for answer in (signing_in, there, language, back)]
    proof.says("S19", "what `next` and `_from` say leads to a page of this site or nowhere", "0", places=len(places))
    for place in places:
        assert place.startswith("/")
        assert place[1:2] not in ("/", "\\")
        assert place.isprintable()
    for answer in (signing_in, there, language, back):
        assert not any(line.split(";")[0] == "portal_session=1" for line in answer.headers.getlist("Set-Cookie"))


def test_an_open_redirect_is_noticed(portal, monkeypatch, proof):
    monkeypatch.setattr("portal.web.auth.own_path", lambda address: address)
    answer = portal.client().post("/sign-in", {"login": "li", "password": PASSWORD, "next": "//evil.example"})
    proof.catches("S19", "next is not looked at", location=answer.location)
    assert answer.location == "//evil.example"


PAGES = ("/", "/sign-in", "/notices", "/notices.rss", "/registry", "/nowhere", "/verify/XXXX", "/inbox", "/profile")


@pytest.mark.parametrize("headers", [
    {"Host": EVIL}, {"X-Forwarded-Host": EVIL}, {"Forwarded": f"host={EVIL}"}, {"Host": f"{EVIL}:8000"},
    {"X-Forwarded-Prefix": f"//{EVIL}"}, {"X-Original-URL": f"https://{EVIL}/admin"},
])  # fmt: skip
def test_no_page_says_the_host_that_a_request_names(portal, proof, headers):
    host = headers.get("Host", "localhost").partition(":")[0]
    said = []
    for login in (None, "zhou"):
        for path in PAGES:
            client = portal.client(login)
            # The cookies of a browser go to their own host alone.
            cookie = client.raw.get_cookie("portal_session")
            if cookie is not None and host == EVIL:
                client.raw.set_cookie("portal_session", cookie.value, domain=EVIL)
            answer = client.raw.get(path, headers=headers)
            told = [answer.text, *(value for name, value in answer.headers if name != "Set-Cookie")]
            said += [path for one in told if EVIL in one]
    proof.says("S19", "no page, feed or header repeats a host that was made up", "0", said=len(said))
    assert said == []


@pytest.fixture
def few_from_one_address(monkeypatch):
    """As many failures lock an address as lock an account."""
    monkeypatch.setattr(rules, "FAILURES_ALLOWED_FROM", rules.FAILURES_ALLOWED)


def asked_from(portal, proxies, forwarded, times=12):
    """Tries signing in, each time said to come from another address; the statuses, and how many addresses were kept."""
    app = create_app(replace(portal.machine, settings=replace(portal.machine.settings, proxies=proxies)))
    browser = Browser(app.test_client())
    statuses = []
    for n in range(times):
        data = {"login": f"nobody-{n}", "password": "wrong"}
        headers = {"X-Forwarded-For": forwarded(n)}
        statuses.append(browser.post("/sign-in", data, headers=headers).status_code)
    with portal.database.transaction() as tx:
        return statuses, set(tx.scalars(select(LoginAttempt.address)))


def test_without_a_proxy_nobody_says_where_he_comes_from(portal, few_from_one_address, proof):
    statuses, addresses = asked_from(portal, 0, lambda n: f"10.9.8.{n}")
    proof.says("S19", "X-Forwarded-For counts only as far as proxies of ours have added to it", "0 spoofed",
               addresses=len(addresses), proxies=0)  # fmt: skip
    assert addresses == {"127.0.0.1"}
    assert statuses == [422] * 10 + [429] * 2


def test_behind_one_proxy_only_what_it_has_added_counts(portal, few_from_one_address):
    statuses, addresses = asked_from(portal, 1, lambda n: f"10.9.8.{n}, 203.0.113.7")
    assert addresses == {"203.0.113.7"}
    assert statuses == [422] * 10 + [429] * 2


def test_a_form_that_answers_a_question_twice_is_refused_whole(portal, proof):
    task, browser = portal.allocation(), portal.client("zhou")
    once = {"year": "2025", "units.0.unit": UNIT, "units.0.amount": "1200000"}
    doubled = [{**once, name: [value, other]} for name, value, other in (
        ("year", "2025", "2024"), ("year", "2025", "2025"), ("units.0.amount", "1200000", "9"),
        ("units.0.unit", UNIT, "91500000MA5U6QWE06"),
    )]  # fmt: skip
    came = [browser.post(f"/tasks/{task}", data).status_code for data in doubled]
    with portal.database.transaction() as tx:
        waits = tx.get_one(Task, task).state
    proof.says("S19", "a form that answers a question twice is refused as a whole", "0 taken by half",
               forms=len(doubled), taken=sum(status != 422 for status in came))  # fmt: skip
    assert (came, waits) == ([422] * len(doubled), "open")
    assert browser.post(f"/tasks/{task}", once).status_code == 302


def test_of_a_word_that_comes_twice_the_first_counts(portal):
    browser = portal.client()
    two = {"login": ["li", "zhou"], "password": [PASSWORD, "wrong"], "next": ["/profile", "//evil.example"]}
    assert browser.post("/sign-in", two).location == "/profile"
    assert "李强" in plain(browser.get("/profile"))
    first = browser.get(f"/inbox?view=all&regulation={ETS}")
    twice = browser.get(f"/inbox?view=all&view=mine&regulation={ETS}&regulation=x")
    assert (first.status_code, twice.status_code, plain(twice)) == (200, 200, plain(first))
    assert plain(browser.get("/inbox?view=mine")) != plain(first)


NASTY = "wang\r\n2026-11-22 10:00:00 WARNING portal: forged\u2028line\x1b[2J"


def test_nobody_writes_a_line_into_the_log(portal, proof, caplog):
    formatter = OneLine(LOG)
    with caplog.at_level(logging.DEBUG):
        portal.client().post("/sign-in", {"login": NASTY, "password": NASTY})
        logging.getLogger("portal.test").warning("signed in: %s", NASTY)
        try:
            raise ValueError(NASTY)
        except ValueError:
            logging.getLogger("portal.test").exception("failed for %s", NASTY)
    lines = [line for record in caplog.records for line in formatter.format(record).split("\n")]
    own = [line for line in lines if not line.startswith("    ")]
    proof.says("S19", "what people type begins no line of the log", "0 forged lines", lines=len(lines), forged=0)
    assert len(own) == len(caplog.records)
    assert all(line.isprintable() for line in lines)


def test_a_log_that_takes_lines_as_they_are_is_noticed(proof):
    record = logging.LogRecord("portal", logging.WARNING, "", 0, "signed in: %s", (NASTY,), None)
    lines = logging.Formatter(LOG).format(record).splitlines()
    proof.catches("S19", "control characters are logged as they are", lines=len(lines))
    assert len(lines) > 1
