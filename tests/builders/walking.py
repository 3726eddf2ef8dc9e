"""Every route of an application, asked by everybody for what is his own and for what is others'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from portal.edge.machine import EXTENSION
from portal.web import pages
from portal.web.access import COOKIE
from tests.builders.everybody import EVERYBODY, Town, Undone

IMPLIED = frozenset({"HEAD", "OPTIONS"})
"""What Flask answers by itself, from what GET answers."""
LET, REFUSED, DOOR, PASSWORD, FAULT = "let in", "refused", "door", "password", "fault"


@dataclass(frozen=True)
class Call:
    """One route and method."""

    endpoint: str
    method: str
    rule: Rule

    def address(self, values: Mapping[str, object]) -> str | None:
        """Its address with the things of a place; None where that has no such thing."""
        blueprint = self.endpoint.partition(".")[0]
        names = {name: (f"{self.endpoint}.{name}", f"{blueprint}.{name}", name) for name in self.rule.arguments}
        found = {name: next((values[one] for one in known if one in values), None) for name, known in names.items()}
        if any(value is None for value in found.values()):
            return None
        path = "".join(str(found[part]) if is_value else part for is_value, part in self.rule._trace if part != "|")
        return path


def calls(app: Flask) -> Iterator[Call]:
    """Every (route, method) of an application."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - IMPLIED):
            yield Call(rule.endpoint, method, rule)


def sample(call: Call, people: Sequence[str], size: int) -> list[str]:
    """So many of the people, for each route and method others, and the same in every run."""
    return Random(f"{call.method} {call.endpoint}").sample(people, size)


def outcome(answer: TestResponse) -> str:
    """What an answer means to whoever has asked."""
    location = answer.headers.get("Location", "")
    if answer.status_code == 401 or location.startswith("/sign-in?next="):
        return DOOR
    if location.split("?")[0] == "/password":
        return PASSWORD
    if answer.status_code in (403, 404):
        return REFUSED
    return FAULT if answer.status_code in (405, 500) or answer.status_code == 400 else LET


@dataclass
class Walk:
    """What came of it: (endpoint, method, place) -> who -> outcome; and how many answers there were of each status."""

    found: dict[tuple[str, str, str], dict[str, str]]
    statuses: Counter[int]
    without_things: list[str]


def walk(
    town: Town,
    monkeypatch: pytest.MonkeyPatch,
    only: frozenset[str] = frozenset(),
    *,
    people: int = len(EVERYBODY),
) -> Walk:
    """Everybody asks for everything (or `only` some endpoints), and nothing of it stays; pages are not rendered.

    With fewer `people` only so many ask for each thing, others for each, and the same every time.
    """
    app, machine = town.portal.app, town.portal.machine
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", False)
    monkeypatch.setattr(pages, "render_template", lambda *_, **__: "")
    done = Walk({}, Counter(), [])
    with machine.database.engine.connect() as connection, connection.begin() as outer:
        undone = Undone(machine.database, connection)
        monkeypatch.setitem(app.extensions, EXTENSION, replace(machine, database=undone))
        for call in calls(app):
            if only and call.endpoint not in only:
                continue
            _ask(town, undone, call, done, sample(call, EVERYBODY, people))
        outer.rollback()
    return done


def fresh(town: Town, who: str) -> FlaskClient:
    """A browser with nothing but somebody's session: what one page leaves in it changes no other."""
    browser = town.portal.app.test_client()
    session = town.browser(who).raw.get_cookie(COOKIE)
    if session is not None:
        browser.set_cookie(COOKIE, session.value)
    return browser


def _ask(town: Town, database: Undone, call: Call, done: Walk, asking: Sequence[str]) -> None:
    asked = False
    for place in ("A", "B"):
        address = call.address(town.of(place))
        if address is None or (place == "B" and not call.rule.arguments):
            continue
        asked, answers = True, done.found.setdefault((call.endpoint, call.method, place), {})
        for who in asking:
            with database.undone():
                answer = fresh(town, who).open(address, method=call.method)
                answers[who] = outcome(answer)
                done.statuses[answer.status_code] += 1
                answer.close()
    if not asked:
        done.without_things.append(f"{call.method} {call.rule.rule}")
