"""Every route, method, person and thing (ASVS 8.2.1, 8.2.2): who is let in is written here, and nobody else is."""

from __future__ import annotations

import re

import pytest
from flask import Flask, g
from sqlalchemy import text

from portal.edge.access import OPEN, declared
from portal.identity import Permission, access
from portal.identity.access import ACCESS, is_signed_in
from tests.builders.everybody import (
    ADMIN,
    CLERK,
    CLOSED,
    DEPUTY,
    EVERYBODY,
    EXPERT,
    FOREIGN,
    GONE,
    HANDLER,
    INTAKE,
    LEADER,
    NATURAL,
    NEW,
    NOBODY,
    OTHER,
    PARTY,
)  # fmt: skip
from tests.builders.walking import DOOR, LET, PASSWORD, REFUSED, Walk, calls, walk

NO_ONE: frozenset[str] = frozenset()
OF_A = frozenset({HANDLER, INTAKE, CLERK, LEADER, DEPUTY})
"""Officials of the regulation to which the things of A belong; those of B have one."""
OFFICIALS = OF_A | {FOREIGN, ADMIN}
MEMBERS = frozenset({PARTY, OTHER, NATURAL, EXPERT})
"""Applicants of an organisation, or who are natural persons."""
APPLICANTS = MEMBERS | {GONE}
SIGNED_IN = APPLICANTS | OFFICIALS
OUTSIDE = frozenset({NOBODY, CLOSED})
ANYBODY = SIGNED_IN | OUTSIDE | {NEW}


def who(*people: str) -> frozenset[str]:
    """Only these."""
    return frozenset(people)


A, B = "A", "B"
# (permission or OPEN, who is let in at A, who at B): endpoints. Where B is not told it is as A; a page without things
# is asked for once. Nobody, a closed account and one with a given password come in nowhere but where it is open.
TABLE: dict[tuple[Permission | str, frozenset[str], frozenset[str]], str] = {
    (OPEN, ANYBODY, ANYBODY): """
        public.index tracking.track tracking.track_post tracking.letter tracking.letter_file notices.index notices.feed
        notices.notice notices.data notices.file objecting.form objecting.submit verifying.ask verifying.letter_by_code
        verifying.compare draws.draws_page registry.registers_page registry.register_page registry.record_page
        registry_files.register_csv registry_files.register_json registry_files.record_json auth.sign_in
        auth.sign_in_post registration.received switching.choose health.healthz health.readyz metrics.metrics""",
    # Whoever is known as an official registers nobody, one who has yet to choose a password neither.
    (OPEN, APPLICANTS | OUTSIDE, APPLICANTS | OUTSIDE): """
        registration.register registration.register_person registration.register_post
        registration.register_person_post registration.join registration.join_post""",
    # There is nothing of the kind in this town: whoever asks, there is no such thing.
    (OPEN, NO_ONE, NO_ONE): "static draws.draw_page draws.draw_json",
    (Permission.ACCOUNT_READ, MEMBERS, MEMBERS): "applicant.my_account",
    (Permission.ATTACHMENT_READ, OF_A | {PARTY}, who(FOREIGN, OTHER, EXPERT)): """
        files.attachment previews.attachment previews.shown_file""",
    (Permission.CALENDAR_ENTER, who(ADMIN), NO_ONE): """
        official.calendar_page official.preview_notice official.enter_notice""",
    (Permission.CASE_FILE, who(HANDLER), NO_ONE): "official.start_form official.discard_start official.begin",
    # An allocation begins without a form: there is nothing to keep.
    (Permission.CASE_FILE, NO_ONE, NO_ONE): "official.keep_start",
    # A review is about a notice that the address does not name here; a paper is for organisations.
    (Permission.CASE_FILE, NO_ONE, who(PARTY, OTHER)): "applicant.file",
    (Permission.CASE_FILE, who(PARTY), who(OTHER)): """
        applicant.draft applicant.check applicant.hand_in applicant.step applicant.save_step""",
    (Permission.CASE_READ, OF_A, NO_ONE): "official.archive_list official.archive_zip official.answered_rows",
    (Permission.CASE_READ, OF_A, who(FOREIGN)): """
        official.case_page official.diagram official.items_page official.notes_page official.add_note
        official.extension_page official.extend_deadline""",
    (Permission.CASE_READ, who(PARTY), who(OTHER)): "applicant.my_case applicant.receipt",
    (Permission.CLOCK_MOVE, SIGNED_IN, NO_ONE): "demo.move",
    # The copy is the registry's, of which nobody here is.
    (Permission.COPY_READ, NO_ONE, NO_ONE): "official.copy_page official.copy_file",
    (Permission.DELEGATION_END, who(LEADER, ADMIN), NO_ONE): "official.ending official.end_delegation",
    (Permission.DELEGATION_MAKE, OFFICIALS, NO_ONE): "official.make_delegation",
    (Permission.DELEGATION_MAKE, who(ADMIN), who(ADMIN)): "admin.make_delegation",
    (Permission.DELEGATION_READ, OFFICIALS, NO_ONE): "official.delegations",
    (Permission.DELEGATION_READ, who(ADMIN), who(ADMIN)): "admin.delegations",
    (Permission.HISTORY_CHECK, who(ADMIN), NO_ONE): "admin.checks_page admin.start_check",
    (Permission.INCIDENT_HANDLE, who(ADMIN), who(ADMIN)): """
        admin.incidents_page admin.incident_page admin.retry admin.close""",
    (Permission.JOB_RETRY, who(ADMIN), NO_ONE): "admin.retry_job",
    (Permission.LETTER_READ, OF_A | {PARTY}, NO_ONE): "files.letter files.letter_pdf previews.letter",
    (Permission.LETTER_READ, OF_A, NO_ONE): "official.letter_page",
    (Permission.LETTER_READ, MEMBERS, NO_ONE): "applicant.my_letters",
    (Permission.LETTER_READ, who(PARTY), NO_ONE): "applicant.my_letter",
    (Permission.LETTER_SIGN_FOR, who(PARTY), NO_ONE): "applicant.sign_for",
    (Permission.MATTER_DECIDE, who(LEADER, DEPUTY), NO_ONE): "official.decide_matter",
    (Permission.MESSAGE_SEND, NO_ONE, who(FOREIGN)): "official.message_page official.register_message",
    (Permission.MESSAGE_SEND, who(PARTY), who(OTHER)): "applicant.my_message applicant.send_message",
    (Permission.ORGANISATION_ADD, who(INTAKE, ADMIN), who(INTAKE, ADMIN)): """
        official.organisations_page official.adding official.add official.organisation_page""",
    (Permission.PASSWORD_CHOOSE, SIGNED_IN | {NEW}, NO_ONE): "password.choose_page password.choose",
    # Of somebody else's people and invitations: let in, and told that they are not his own; see below.
    (Permission.PEOPLE_MANAGE, MEMBERS, MEMBERS): """
        applicant.change_rights applicant.removing applicant.remove applicant.invite applicant.revoke
        applicant.agreement applicant.agree_or_end""",
    (Permission.PEOPLE_READ, MEMBERS, MEMBERS): """
        applicant.my_tasks applicant.organisation applicant.leaving applicant.leave""",
    (Permission.PERSON_ADD, who(ADMIN), NO_ONE): """
        admin.add_page admin.add admin.add_system_page admin.add_system""",
    (Permission.PERSON_MANAGE, who(ADMIN), who(ADMIN)): """
        admin.people admin.person admin.password_page admin.give_password admin.deed_page admin.do
        admin.revoke_token_page admin.revoke_token""",
    (Permission.PERSON_MANAGE, who(ADMIN), NO_ONE): "admin.systems_page admin.system_page",
    (Permission.REGISTER_READ, OF_A, NO_ONE): "official.register_page official.record_page",
    (Permission.REGISTRATION_DECIDE, who(INTAKE), NO_ONE): """
        official.registrations_page official.registration_page official.decide""",
    (Permission.REGISTRATION_HAND_IN, APPLICANTS, NO_ONE): "registration.hand_in_again",
    (Permission.REGISTRATION_READ, APPLICANTS, NO_ONE): "registration.own_registration",
    (Permission.REGISTRATION_READ, who(GONE, INTAKE), NO_ONE): "registration.proof",
    (Permission.REGULATION_RENEW, who(ADMIN), NO_ONE): """
        admin.regulations_page admin.preview_renewal admin.enter_renewal admin.revoke_page admin.revoke""",
    (Permission.ROLE_GRANT, who(ADMIN), who(ADMIN)): "admin.grant admin.end_page admin.end",
    (Permission.SERVICE_ENTER, who(CLERK), NO_ONE): """
        official.receipt_page official.enter official.correction_page official.correct_proof official.make_again""",
    (Permission.SYSTEM_READ, who(ADMIN), NO_ONE): """
        admin.overview admin.jobs_page admin.releases_page admin.release_page""",
    (Permission.TASK_COMPLETE, who(INTAKE), NO_ONE): """
        official.task_page official.keep_draft official.discard_draft official.hand_in official.preview_letters""",
    (Permission.TASK_COMPLETE, who(HANDLER), NO_ONE): """
        official.retry_all official.retry_item official.drop_page official.drop_item""",
    (Permission.TASK_COMPLETE, NO_ONE, who(EXPERT)): "applicant.my_task applicant.answer_task",
    (Permission.TASK_LIST, SIGNED_IN, SIGNED_IN): """
        applicant.home applicant.my_cases messages.messages_page messages.mark_all profile.page profile.give_email
        profile.prove_email profile.forget_email profile.switch_mail profile.change_password own_sessions.end_others
        own_sessions.stay""",
    (Permission.TASK_LIST, SIGNED_IN | {NEW}, NO_ONE): "auth.sign_out",
    (Permission.TASK_LIST, who(PARTY), who(OTHER)): """
        messages.message_target messages.open_message own_sessions.end""",
    (Permission.TASK_LIST, who(INTAKE), NO_ONE): "official.claim official.release",
    # Of another's saved filter nothing is known, and nothing done; see below.
    (Permission.TASK_LIST, OFFICIALS, OFFICIALS): """
        official.inbox_page official.arrivals official.claim_chosen official.cases_page official.filters_page
        official.save_filter official.rename_filter official.delete_filter official.receipts_page
        official.registers_page official.start_page""",
    (Permission.TASK_LIST, NO_ONE, NO_ONE): "official.copies_page",
    (Permission.TASK_LIST, who(LEADER, DEPUTY), NO_ONE): "official.desk_page",
    (Permission.TOKEN_ISSUE, SIGNED_IN, NO_ONE): "own_tokens.page own_tokens.issue",
    (Permission.TOKEN_ISSUE, who(ADMIN), NO_ONE): "admin.issue_token",
    (Permission.TOKEN_REVOKE, who(PARTY), who(OTHER)): "own_tokens.revoke_page own_tokens.revoke",
}  # fmt: skip
LINES = {endpoint: line for line, endpoints in TABLE.items() for endpoint in endpoints.split()}


def expected(endpoint: str, place: str, person: str) -> str:
    """What the table says comes of it."""
    permission, at_a, at_b = LINES[endpoint]
    if person in (at_a if place == A else at_b):
        return LET
    if permission == OPEN:
        return REFUSED
    if person in OUTSIDE:
        return DOOR
    # Who has to choose a password is led there from everything but the way out and what is open to all.
    return PASSWORD if person == NEW else REFUSED


def wrong(done: Walk) -> list[str]:
    """Every answer that the table does not say."""
    return [
        f"{method} {endpoint} {place} {person}: {came}, not {said}"
        for (endpoint, method, place), answers in done.found.items()
        for person, came in answers.items()
        if came != (said := expected(endpoint, place, person))
    ]


def undeclared(app: Flask) -> list[str]:
    """Routes of which the table has no line, or another permission than they declare."""
    said = {call.endpoint: declared(app, call.endpoint) for call in calls(app)}
    return sorted(f"{one}: {given}" for one, given in said.items() if one not in LINES or LINES[one][0] != given)


def test_every_route_has_a_line_and_every_line_a_route(portal):
    assert undeclared(portal.app) == []
    assert sorted(set(LINES) - {call.endpoint for call in calls(portal.app)}) == []
    assert sorted(set(Permission) - {line[0] for line in TABLE}) == []


def test_nobody_is_let_in_where_the_table_does_not_say_so(made, monkeypatch, proof):
    people = proof.size(1, len(EVERYBODY), len(EVERYBODY))
    done = walk(made, monkeypatch, people=people)
    found = wrong(done)
    proof.says(
        "S9",
        "every route, method, person and thing is answered as the table says",
        "0 unexpected 2xx; a route without a line fails",
        routes=len({endpoint for endpoint, _method, _place in done.found}),
        people=people,
        requests=sum(done.statuses.values()),
        unexpected=len(found),
    )
    assert (found, done.without_things) == ([], [])


@pytest.mark.parametrize(
    ("permission", "endpoint"),
    [
        (Permission.LETTER_READ, "files.letter"),
        (Permission.ATTACHMENT_READ, "files.attachment"),
        (Permission.CASE_READ, "official.case_page"),
        (Permission.CASE_READ, "official.archive_zip"),
        (Permission.CASE_READ, "official.answered_rows"),
        (Permission.COPY_READ, "official.copy_file"),
        (Permission.PERSON_MANAGE, "admin.person"),
    ],
)
def test_a_permission_that_is_opened_is_noticed(made, monkeypatch, proof, permission, endpoint):
    opened = {**ACCESS, permission: [[is_signed_in]]}
    monkeypatch.setattr(access, "ACCESS", opened)
    noticed = wrong(walk(made, monkeypatch, frozenset({endpoint})))
    proof.catches("S9", f"{permission} is open to whoever is signed in", noticed=len(noticed))
    assert noticed
    assert all(line.endswith(f"{LET}, not {REFUSED}") for line in noticed)


def test_a_view_that_asks_for_nothing_is_noticed(made, monkeypatch, proof):
    def careless(**_: object) -> str:
        g.permitted = True
        return "everything"

    inner = made.portal.app.view_functions["files.letter"]
    monkeypatch.setitem(made.portal.app.view_functions, "files.letter", _declaring_as(inner, careless))
    noticed = wrong(walk(made, monkeypatch, frozenset({"files.letter"})))
    proof.catches("S9", "a view answers without permit()", noticed=len(noticed))
    assert f"GET files.letter A {OTHER}: {LET}, not {REFUSED}" in noticed


def _declaring_as(one, other):
    other.__dict__.update({name: value for name, value in vars(one).items() if name != "__wrapped__"})
    return other


def test_a_route_without_a_line_is_noticed(portal, proof):
    other = Flask("other")
    other.add_url_rule("/new", "new", lambda: "")
    other.view_functions["new"].portal_access = OPEN
    found = [call.endpoint for call in calls(other) if call.endpoint not in LINES]
    proof.catches("S9", "a route without a line in the table", noticed=len(found))
    assert found == ["new"]


HIDDEN = ["/my/cases/{}", "/my/letters/{}", "/file/{}", "/messages/{}", "/my/tasks/{}"]


@pytest.mark.parametrize("path", HIDDEN)
def test_what_is_anothers_is_answered_as_what_does_not_exist(made, path):
    names = {"/my/cases/{}": "case_id", "/my/letters/{}": "letter_id", "/file/{}": "draft_id"}
    name = names.get(path, "message_id" if "messages" in path else "task_id")
    browser = made.browser(OTHER)
    others, none = browser.get(path.format(made.of(A)[name])), browser.get(path.format(10**9))
    assert (others.status_code, none.status_code) == (404, 404)
    assert _without_address(others.text, path, made.of(A)[name]) == _without_address(none.text, path, 10**9)


def _without_address(page: str, path: str, number: object) -> str:
    """A page without its own address and its form token, which differ anyway."""
    page = re.sub(r'name="csrf_token" value="[^"]+"', "", page)
    return page.replace(path.format(number), "").replace(path.format(number).replace("/", "%2F"), "")


def test_of_anothers_filter_people_invitation_and_session_nothing_changes(made):
    portal, of_a, feng, xu = made.portal, made.of(A), made.browser(OTHER), made.browser(FOREIGN)
    before = _rows(portal)
    xu.post(f"/inbox/filters/{of_a['filter_id']}", {"name": "新名"})
    xu.post(f"/inbox/filters/{of_a['filter_id']}/delete")
    feng.post(f"/organisation/people/{of_a['person_id']}/rights", {"rights": "read", "right": "read"})
    feng.post(f"/organisation/people/{of_a['person_id']}/remove", {"confirmed": "yes", "reason": "x"})
    feng.post(f"/organisation/invitations/{of_a['invitation_id']}/revoke")
    feng.post(f"/profile/sessions/{of_a['session_id']}/end")
    feng.post(f"/profile/tokens/{of_a['token_id']}/revoke", {"confirmed": "yes"})
    made.browser(ADMIN).post(f"/admin/tokens/{of_a['token_id']}/revoke", {"reason": "另一单位的"})
    assert _rows(portal) == before


def _rows(portal):
    tables = ("saved_filters", "persons", "invitations", "tokens", "identity_changes")
    with portal.database.transaction() as tx:
        rows = {one: tx.execute(text(f"SELECT * FROM {one} ORDER BY id")).all() for one in tables}
        rows["sessions"] = tx.execute(text("SELECT id, revoked FROM sessions ORDER BY id")).all()
    return rows
