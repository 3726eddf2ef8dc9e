"""What a form does not ask for is not taken from it (ASVS 15.3.3): protected names posted along change nothing."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import event

from portal.edge.machine import EXTENSION
from portal.identity import profile
from portal.identity.models import Person
from portal.web import pages
from tests.builders.everybody import ADMIN, CLERK, EXPERT, HANDLER, INTAKE, LEADER, PARTY, Undone, town
from tests.builders.walking import calls

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


def test_no_protected_name_changes_anything(portal, monkeypatch, proof):
    found, posted, changing = trespasses(town(portal), monkeypatch)
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


def test_a_form_that_takes_whatever_is_posted_is_noticed(portal, monkeypatch, proof):
    from flask import request

    def careless(tx, person_id, *, on):
        person = tx.get_one(Person, person_id)
        for name, value in request.form.items():
            if name == "password_hash":
                setattr(person, name, value)

    monkeypatch.setattr(profile, "switch_mail", careless)
    found, _posted, _changing = trespasses(town(portal), monkeypatch, {"profile.switch_mail"})
    proof.catches("S10", "a view copies what is posted to the row", noticed=len(found))
    assert found
