"""What a form does not ask for is not taken from it (ASVS 15.3.3): protected names posted along change nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from io import BytesIO

import pytest
from flask import request
from sqlalchemy import event, select, text

from portal import clock
from portal.db import moved_clock
from portal.documents.models import ServiceProof
from portal.edge.machine import EXTENSION
from portal.identity import profile, registering
from portal.identity.models import Person
from portal.web import pages
from tests.builders.everybody import (
    ADMIN,
    CLERK,
    EXPERT,
    HANDLER,
    INTAKE,
    LEADER,
    NOBODY,
    PARTY,
    PDF,
    Town,
    Undone,
)  # fmt: skip
from tests.builders.pages import ETS, PASSWORD
from tests.builders.walking import calls, fresh
from tests.web.test_notices import WRITER

MARK = "31337"
PROTECTED = (
    "id",
    "state",
    "party_id",
    "organisation_id",
    "person_id",
    "administrator",
    "role",
    "outcome",
    "release_id",
    "moment",
    "number",
    "case_id",
    "act_id",
    "uploaded_by_id",
    "applicant",
    "active",
    "must_change_password",
    "password_hash",
    "root_id",
    "ended_at",
    "due",
    "rights",
    "regulation",
)
ASKED = {
    "admin.grant": {"role", "regulation"},
    "admin.add": {"administrator"},
    "admin.add_system": {"role", "regulation"},
    "admin.preview_renewal": {"number", "regulation"},
    "admin.enter_renewal": {"number", "regulation"},
    "tracking.track_post": {"number"},
    "tracking.letter": {"number"},
    "tracking.letter_file": {"number"},
    "official.preview_notice": {"number"},
    "official.enter_notice": {"number"},
    "official.make_delegation": {"role"},
    "admin.make_delegation": {"role"},
    "verifying.compare": {"number"},
    "applicant.change_rights": {"rights"},
    "applicant.invite": {"rights"},
    "registration.register_post": {"rights"},
    "registration.hand_in_again": {"rights"},
    "official.decide": {"rights", "role"},
    "registration.register_person_post": {"rights"},
    "official.add": {"rights"},
}
"""Names that a form asks for itself: there they are no trespass."""
SAID = {
    "official.hand_in": {"result": "受理"},
    "official.keep_draft": {"result": "受理"},
    "official.add_note": {"text": "内部备注"},
    "official.save_filter": {"name": "急件", "query": "view=all"},
    "official.rename_filter": {"name": "新名"},
    "admin.add": {"login": "newcomer", "name": "新人", "reason": "入职"},
    "admin.close": {"reason": "已处理"},
    "admin.give_password": {"reason": "遗忘"},
    "admin.do": {"reason": "调离"},
    "applicant.answer_task": {"result": "继续", "_go": "next"},
    "applicant.save_step": {"grounds": "产量有误"},
    "profile.switch_mail": {"on": "yes"},
    "applicant.send_message": {"reason": "另行申报", "confirmed": "true", "_go": "next"},
    "applicant.invite": {"note": "同事", "right": "read"},
    "official.claim_chosen": {"task": "3"},
    "official.enter": {"kind": "post", "day": "2026-01-05"},
    "official.decide_matter": {"decision": "kept", "reason": "x"},
    "objecting.submit": {**WRITER, "_once": "o" * 20},
}
"""What is typed where a form is handed in whole; elsewhere it is posted empty."""
DRAFTS = ("UPDATE task_drafts", "INSERT INTO task_drafts", "UPDATE message_drafts", "INSERT INTO message_drafts")
"""One's own draft keeps what was typed, whatever it is; it is looked at when it is handed in."""
ASKERS = (PARTY, EXPERT, INTAKE, HANDLER, CLERK, LEADER, ADMIN)


@contextmanager
def written(portal, undone):
    """The (statement, parameters) that change anything meanwhile; nothing stays."""
    found: list[tuple[str, str]] = []

    def note(_connection, _cursor, statement, parameters, *_):
        if statement.lstrip().split(" ", 1)[0].upper() in ("INSERT", "UPDATE", "DELETE"):
            found.append((statement, str(parameters)))

    event.listen(undone.engine, "before_cursor_execute", note)
    try:
        with undone.undone():
            yield found
    finally:
        event.remove(undone.engine, "before_cursor_execute", note)


def trespasses(made, monkeypatch, only=()):
    """Where a protected name had an effect; and how many forms were posted, how many of them changed something."""
    portal, found, posted, changing = made.portal, [], 0, 0
    machine = portal.machine
    monkeypatch.setattr(pages, "render_template", lambda *_, **__: "")
    monkeypatch.setitem(portal.app.config, "WTF_CSRF_ENABLED", False)
    with machine.database.engine.connect() as connection, connection.begin() as outer:
        undone = Undone(machine.database, connection)
        monkeypatch.setitem(portal.app.extensions, EXTENSION, replace(machine, database=undone))
        for call in calls(portal.app):
            address = call.address(made.of("A")) or call.address(made.of("B"))
            if call.method != "POST" or address is None or (only and call.endpoint not in only):
                continue
            if call.endpoint == "applicant.answer_task":
                address = call.address(made.of("B"))
            more = {name: MARK for name in PROTECTED if name not in ASKED.get(call.endpoint, ())}
            for who in ASKERS:
                browser, said = made.browser(who).raw, SAID.get(call.endpoint, {})
                kept = browser.get_cookie("portal_session")
                results = []
                for data in (said, {**more, **said}):
                    with written(portal, undone) as changes:
                        status = browser.post(address, data=data).status_code
                        results.append((status, [statement for statement, _ in changes]))
                        taken = [text for text in changes if MARK in text[1] and not text[0].startswith(DRAFTS)]
                    browser.set_cookie("portal_session", kept.value)
                posted, changing = posted + 1, changing + bool(results[0][1])
                # A form that refuses what it does not ask for has changed nothing either.
                if (results[0] != results[1] and results[1][0] != 422) or taken:
                    found.append(f"{call.endpoint} {who}: {results[0][0]} {results[1][0]} {taken}")
        outer.rollback()
    return found, posted, changing


@dataclass(frozen=True)
class Filled:
    """A form as somebody fills it in whole, and the status of its answer."""

    endpoint: str
    who: str
    said: Callable[[Town], dict[str, object]]
    place: str = "A"
    status: int = 303
    refuses: bool = False
    """Whether it refuses whatever it does not ask for, and then changes nothing but the draft that it keeps."""


def _today(made: Town) -> str:
    return clock.day_of(made.portal.now).isoformat()


def _later(made: Town, minutes: int) -> dict[str, str]:
    at = made.portal.now + timedelta(minutes=minutes)
    return {"how": "post", "day": f"{at:%Y-%m-%d}", "time": f"{at:%H:%M}", "note": "EMS 1"}


def _unit(_made: Town) -> dict[str, object]:
    return {"uscc": "9144030071526726XG", "name": "重庆某玻璃有限公司", "district": "涪陵区", "kind": "enterprise"}


def _lent(made: Town) -> dict[str, object]:
    to_day = (clock.day_of(made.portal.now) + timedelta(days=3)).isoformat()
    deputy = str(made.portal.people[INTAKE])
    return {"roles": [f"{ETS}:handler"], "deputy": deputy, "from_day": _today(made), "to_day": to_day, "reason": "出差"}


FORMS = (
    Filled("official.begin", HANDLER, lambda _: {}, status=302),
    Filled("official.hand_in", INTAKE, lambda _: {"result": "受理"}, status=302, refuses=True),
    Filled("applicant.answer_task", EXPERT, lambda _: {"result": "继续", "_go": "next"}, "B", refuses=True),
    Filled("applicant.send_message", PARTY, lambda _: {
        "reason": "另行申报", "confirmed": "true", "_go": "send",
    }, refuses=True),
    Filled("registration.register_post", NOBODY, lambda made: {
        **_unit(made), "person": "赵敏", "login": "zhaomin", "password": "a long password",
        "password_again": "a long password", "once": "o" * 20, "proof": (BytesIO(PDF), "执照.pdf"),
    }),
    Filled("official.decide", INTAKE, lambda _: {"decision": "return", "reason": "执照不清", "round": "1"}),
    Filled("profile.change_password", PARTY, lambda _: {
        "old": PASSWORD, "password": "another horse 10", "password_again": "another horse 10",
    }),
    Filled("admin.add", ADMIN, lambda _: {"login": "newcomer", "name": "新人", "reason": "入职"}, status=200),
    Filled("admin.grant", ADMIN, lambda made: {
        "role": f"{ETS}:clerk", "from_day": _today(made), "reason": "人事",
    }),
    Filled("official.enter", CLERK, lambda made: _later(made, 30), status=302),
    Filled("official.correct_proof", CLERK, lambda made: {
        **_later(made, 60), "what": "correct", "reason": "回执看错", "confirmed": "yes",
    }, status=302),
    Filled("official.make_delegation", HANDLER, _lent),
    Filled("official.add", INTAKE, _unit),
    Filled("applicant.invite", PARTY, lambda _: {"note": "同事", "rights": "file"}, status=200),
    Filled("objecting.submit", NOBODY, lambda _: {**WRITER, "_once": "o" * 32}, "B", status=200, refuses=True),
)  # fmt: skip
"""The forms that change most, filled in whole."""


@dataclass
class Desk:
    """A town two hours later at a moment that stays, of which nothing stays."""

    made: Town
    undone: Undone

    def posted(self, form: Filled, more: dict[str, str]) -> tuple[int, dict[str, list[dict[str, object]]]]:
        """The status of a form, and every row of every table that it wrote to, as it is then."""
        made, portal = self.made, self.made.portal
        address = next(one for one in calls(portal.app) if (one.endpoint, one.method) == (form.endpoint, "POST"))
        path = address.address(made.of(form.place))
        browser, jobs = fresh(made, form.who), portal.machine.kernel.queue.jobs
        before = len(jobs)
        with written(portal, self.undone) as changes:
            with self.undone.transaction() as tx:
                tx.execute(text(NUMBERS), {"first": 1_000_000})
            answer = browser.post(path, data={**more, **form.said(made)}, content_type="multipart/form-data")
            tables = sorted({re.split(r"\s+", one)[2 if one[:6] != "UPDATE" else 1] for one, _ in changes})
            with self.undone.transaction() as tx:
                rows = {name: _rows(tx, name) for name in tables}
            answer.request.environ["wsgi.input"].close()
        rows["jobs"] = [{"name": one.name, "arguments": one.arguments} for one in jobs[before:]]
        del jobs[before:]
        return answer.status_code, rows


NUMBERS = """SELECT setval(oid::regclass, :first) FROM pg_class
    WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"""
"""Has the ids of new rows begin at a number, so that they are the same in every try."""


def _rows(tx, name):
    return [row for (row,) in tx.execute(text(f"SELECT to_jsonb(t) FROM {name} t ORDER BY to_jsonb(t)::text"))]


@pytest.fixture
def desk(made, monkeypatch) -> Iterator[Desk]:
    portal = made.portal
    machine, at = portal.machine, clock.now()
    monkeypatch.setattr(pages, "render_template", lambda *_, **__: "")
    monkeypatch.setitem(portal.app.config, "WTF_CSRF_ENABLED", False)
    with machine.database.engine.connect() as connection, connection.begin() as outer:
        undone = Undone(machine.database, connection)
        with undone.transaction() as tx:
            moved_clock.move(tx, timedelta(hours=2))
        monkeypatch.setitem(portal.app.extensions, EXTENSION, replace(machine, database=undone))
        monkeypatch.setattr(clock, "now", lambda offset=timedelta(0): at + offset)
        desk = Desk(made, undone)
        _enter_a_receipt(desk, monkeypatch)
        yield desk
        outer.rollback()


def _enter_a_receipt(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the clerk has entered can be corrected; what was signed for on the portal cannot."""
    made = desk.made
    with desk.undone.transaction() as tx:
        tx.execute(text(NUMBERS), {"first": 900_000})
    service = made.of("A")["service_id"]
    answer = made.browser(CLERK).raw.post(f"/services/{service}/receipt", data=_later(made, 40))
    assert answer.status_code == 302
    newest = select(ServiceProof.id).order_by(ServiceProof.id.desc())
    with desk.undone.transaction() as tx:
        monkeypatch.setitem(made.things["A"], "proof_id", tx.scalars(newest).first())


def differing(
    one: dict[str, list[dict[str, object]]], other: dict[str, list[dict[str, object]]]
) -> set[tuple[str, str]]:
    """The (table, column) in which two tries differ; another number of rows is every column."""
    found = set()
    for table in one.keys() | other.keys():
        left, right = one.get(table, []), other.get(table, [])
        if len(left) != len(right):
            found.add((table, "*"))
        for a, b in zip(left, right, strict=False):
            found |= {(table, name) for name in a.keys() | b.keys() if a.get(name) != b.get(name)}
    return found


def tried(desk: Desk, form: Filled) -> list[str]:
    """What protected names change of a form that was filled in whole."""
    status, rows = desk.posted(form, {})
    again, rows_again = desk.posted(form, {})
    assert (status, again) == (form.status, form.status), form.endpoint
    assert sum(map(len, rows.values())), form.endpoint
    # Tokens, salts and what is hashed of them differ by themselves, and nothing else does.
    chance = differing(rows, rows_again)
    assert not {column for _table, column in chance} - CHANCE, chance
    names = {name: MARK for name in PROTECTED if name not in ASKED.get(form.endpoint, ())}
    if form.refuses:
        return [fault for name in names for fault in _not_refused(desk, form, name)]
    status, rows_with = desk.posted(form, names)
    marked = MARK in json.dumps(rows_with, default=str)
    found = differing(rows, rows_with) - chance
    if (status, found, marked) == (form.status, set(), False):
        return []
    return [f"{form.endpoint}: {status} {sorted(found)} {marked}"]


def _not_refused(desk: Desk, form: Filled, name: str) -> list[str]:
    status, rows = desk.posted(form, {name: MARK})
    changed = {table for table, lines in rows.items() if lines} - KEEPING
    return [] if (status, changed) == (422, set()) else [f"{form.endpoint} {name}: {status} {sorted(changed)}"]


KEEPING = frozenset({"task_drafts", "message_drafts"})
"""Tables of what people have typed so far, whatever it is."""
CHANCE = frozenset({
    "state", "engine_id", "password_hash", "hash", "previous", "token", "code", "query_code", "digest", "key",
})  # fmt: skip
"""Columns that hold what is drawn by chance, or hashed from that."""


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.endpoint)
def test_a_form_filled_in_whole_takes_no_protected_name(desk, proof, form):
    found = tried(desk, form)
    proof.says("S10", f"protected names beside {form.endpoint}, filled in whole: the same rows are written",
               "0 changes", names=len(PROTECTED), changes=len(found))  # fmt: skip
    assert found == []


def test_a_form_that_takes_a_name_beside_its_own_is_noticed(desk, monkeypatch, proof):
    add = registering.add_unit

    def careless(*arguments):
        added = add(*arguments)
        added.district = request.form.get("state", added.district)
        return added

    monkeypatch.setattr(registering, "add_unit", careless)
    form = next(one for one in FORMS if one.endpoint == "official.add")
    found = tried(desk, form)
    proof.catches("S10", "an organisation takes a value that its form does not ask for", noticed=len(found))
    assert found == ["official.add: 303 [('organisations', 'district')] True"]


@pytest.mark.thorough
def test_no_protected_name_changes_anything(made, monkeypatch, proof):
    found, posted, changing = trespasses(made, monkeypatch)
    proof.says(
        "S10",
        "protected names posted with every form change nothing",
        "0 changes",
        forms=posted,
        changing=changing,
        names=len(PROTECTED),
        trespasses=len(found),
    )
    assert changing > 20
    assert found == []


def test_a_form_that_takes_whatever_is_posted_is_noticed(made, monkeypatch, proof):
    def careless(tx, person_id, *, on):
        person = tx.get_one(Person, person_id)
        for name, value in request.form.items():
            if name == "password_hash":
                setattr(person, name, value)

    monkeypatch.setattr(profile, "switch_mail", careless)
    found, _posted, _changing = trespasses(made, monkeypatch, {"profile.switch_mail"})
    proof.catches("S10", "a view copies what is posted to the row", noticed=len(found))
    assert found
