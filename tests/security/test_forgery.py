"""No form counts that a page of this site has not shown in this very session (ASVS 3.5.1)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import event

from portal.edge.machine import EXTENSION
from portal.web import forgery, pages
from portal.web.forgery import PAGE_COOKIE
from tests.builders.everybody import HANDLER, OTHER, PARTY, Undone
from tests.builders.pages import PASSWORD
from tests.builders.walking import calls

SAFE = {"GET", "HEAD", "OPTIONS"}
CROSS = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
)
"""What a browser says of a form that another site posts."""


@contextmanager
def written(portal, monkeypatch) -> Iterator[list[str]]:
    """The statements that change anything; nothing stays. Pages are not rendered."""
    found: list[str] = []

    def note(_connection, _cursor, statement, *_):
        if statement.lstrip().split(" ", 1)[0].upper() in ("INSERT", "UPDATE", "DELETE"):
            found.append(statement)

    monkeypatch.setattr(pages, "render_template", lambda *_, **__: "")
    machine = portal.machine
    with machine.database.engine.connect() as connection, connection.begin() as outer:
        event.listen(connection, "before_cursor_execute", note)
        undone = Undone(machine.database, connection)
        monkeypatch.setitem(portal.app.extensions, EXTENSION, replace(machine, database=undone))
        yield found
        outer.rollback()


def unsafe(made):
    """(method, address) of every unsafe route, with things of this town."""
    for call in calls(made.portal.app):
        address = call.address(made.of("A")) or call.address(made.of("B"))
        if call.method not in SAFE:
            assert address is not None, call
            yield call.method, address


def forged(made, monkeypatch, proof, tokens, headers):
    """Each unsafe route is posted to with tokens and sets of headers: how many were refused, which not.

    In the usual run each route is posted to with one of them, by the dice; else with all.
    """
    refused, let_in, dice = 0, [], proof.dice
    tried = [(name, token, more) for name, token in tokens.items() for more in headers]
    with written(made.portal, monkeypatch) as changes:
        for method, address in unsafe(made):
            for name, token, more in dice.sample(tried, proof.size(1, len(tried), len(tried))):
                data = {} if token is None else {"csrf_token": token}
                answer = made.browser(PARTY).raw.open(address, method=method, data=data, headers=more)
                if answer.status_code == 400:
                    refused += 1
                else:
                    let_in.append(f"{method} {address} with {name} {more}: {answer.status_code}")
    return refused, let_in, changes


def tokens_of_others(made):
    """Form tokens that are not those of wang's session: none, made up, others', his own of another session and day."""
    again = made.portal.client(PARTY)
    return {
        "none": None,
        "made up": "forged",
        "another's": made.browser(OTHER).held_token(),
        "an official's": made.browser(HANDLER).held_token(),
        "nobody's": made.portal.client().held_token(),
        "another session's": again.held_token(),
    }


def test_no_unsafe_route_takes_a_form_of_somebody_else(made, monkeypatch, proof):
    made.browser(PARTY).held_token()
    refused, let_in, changes = forged(made, monkeypatch, proof, tokens_of_others(made), [{}])
    monkeypatch.setitem(made.portal.app.config, "WTF_CSRF_TIME_LIMIT", -1)
    old, let_in_late, _ = forged(made, monkeypatch, proof, {"old": made.browser(PARTY).held_token()}, [{}])
    proof.says(
        "S12", "a form with no token, an old one or one of another session is refused on every unsafe route",
        "100% refused, nothing changed", refused=refused + old, let_in=len(let_in + let_in_late), changes=len(changes),
    )  # fmt: skip
    assert (let_in, let_in_late, changes) == ([], [], [])


def test_no_unsafe_route_takes_what_another_site_posts(made, monkeypatch, proof):
    own = {"his own": made.browser(PARTY).held_token()}
    refused, let_in, changes = forged(made, monkeypatch, proof, own, CROSS)
    proof.says(
        "S12", "what another site posts is refused on every unsafe route, even with the right token",
        "100% refused, nothing changed", refused=refused, let_in=len(let_in), changes=len(changes),
    )  # fmt: skip
    assert (let_in, changes) == ([], [])


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}, {}])
def test_his_own_form_counts(made, headers):
    assert made.browser(PARTY).post("/messages/read", headers=headers).status_code == 303


@pytest.mark.parametrize("mutant", ["no token is asked for", "no origin is asked for"])
def test_a_check_that_is_missing_is_noticed(made, monkeypatch, proof, mutant):
    own = {"his own": made.browser(PARTY).held_token()}
    if mutant.startswith("no token"):
        monkeypatch.setitem(made.portal.app.config, "WTF_CSRF_ENABLED", False)
        let_in = forged(made, monkeypatch, proof, {"none": None}, [{}])[1]
    else:
        monkeypatch.setattr(forgery, "is_foreign", lambda: False)
        let_in = forged(made, monkeypatch, proof, own, CROSS)[1]
    proof.catches("S12", mutant, let_in=len(let_in))
    assert let_in


def test_a_page_cookie_planted_by_another_site_of_the_domain_makes_no_form_count(made):
    attacker, victim = made.browser(OTHER), made.browser(PARTY)
    token = attacker.held_token()
    planted = attacker.raw.get_cookie(PAGE_COOKIE)
    victim.raw.set_cookie(PAGE_COOKIE, planted.value)
    assert victim.raw.post("/messages/read", data={"csrf_token": token}).status_code == 400


def test_the_first_of_two_tokens_counts(made):
    browser = made.browser(PARTY)
    token = browser.held_token()
    assert browser.raw.post("/messages/read", data={"csrf_token": ["forged", token]}).status_code == 400


def test_who_signs_in_again_finds_his_forms_good_and_nobody_else_does(portal):
    browser = portal.client("wang")
    token = browser.held_token()
    browser.raw.post("/sign-in", data={"login": "wang", "password": PASSWORD, "csrf_token": token})
    assert browser.raw.post("/messages/read", data={"csrf_token": token}).status_code == 303
    browser.raw.post("/sign-in", data={"login": "zhou", "password": PASSWORD, "csrf_token": token})
    assert browser.raw.post("/messages/read", data={"csrf_token": token}).status_code == 400
