"""Every call of the API, every person, every kind of token and thing (ASVS 8.2.1, 8.2.2, 4.1.1)."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from portal import clock
from portal.api import access as api_access
from portal.api import create_app
from portal.api.access import scopes_of
from portal.edge.access import OPEN, declared
from portal.edge.machine import EXTENSION
from portal.identity import Permission, access, tokens
from portal.identity.access import ACCESS, is_signed_in
from portal.identity.models import Person, Token
from portal.identity.tokens import Scope
from portal.ledger import Account
from tests.builders.everybody import (
    CLOSED,
    EVERYBODY,
    EXPERT,
    FOREIGN,
    HANDLER,
    INTAKE,
    NEW,
    NOBODY,
    OTHER,
    PARTY,
    PDF,
    Town,
    Undone,
)  # fmt: skip
from tests.builders.procedures import REGULATION
from tests.builders.walking import DOOR, FAULT, LET, REFUSED, Call, calls, sample
from tests.security.test_access_matrix import MEMBERS, NO_ONE, OF_A, SIGNED_IN, who

METER, REVOKED, OVER = "meter", "revoked", "over"
"""A system account without a role; wang's token that was revoked; wang's token whose last day is over."""
ASKERS = (*EVERYBODY, METER, REVOKED, OVER)
WITHOUT = frozenset({NOBODY, CLOSED, NEW, REVOKED, OVER})
"""Whose token counts for nothing, or who has none."""
TOLD = SIGNED_IN | {METER}
"""Whoever has a token that counts."""
OUT_OF_SCOPE = "out of scope"

# (permission, scopes, endpoint, what it is about): who is let in. The things are those of places A and B of the town.
TABLE: dict[tuple[Permission | str, frozenset[Scope], str], dict[str, frozenset[str]]] = {
    (OPEN, frozenset(), "openapi"): {"A": frozenset(ASKERS)},
    (Permission.TASK_LIST, frozenset({Scope.READ}), "procedures.list_procedures"): {"A": TOLD},
    (Permission.TASK_LIST, frozenset({Scope.READ}), "cases.list_cases"): {"A": TOLD},
    # A review is its addressee's, a paper every organisation's, an allocation the handler's.
    (Permission.CASE_FILE, frozenset({Scope.FILE}), "cases.file_case"): {
        "A": who(PARTY), "B": who(PARTY, OTHER), "office": who(HANDLER),
    },
    (Permission.CASE_READ, frozenset({Scope.READ}), "cases.read_case"): {
        "A": OF_A | {PARTY}, "B": who(FOREIGN, OTHER),
    },
    (Permission.MESSAGE_SEND, frozenset({Scope.FILE}), "cases.send_message"): {
        "A": who(PARTY), "B": who(OTHER), "office": who(FOREIGN),
    },
    (Permission.TASK_LIST, frozenset({Scope.READ}), "tasks.list_tasks"): {"A": TOLD},
    (Permission.TASK_COMPLETE, frozenset({Scope.READ}), "tasks.read_task"): {"A": who(INTAKE), "B": who(EXPERT)},
    (Permission.TASK_COMPLETE, frozenset({Scope.WORK}), "tasks.claim_task"): {"A": who(INTAKE), "B": who(EXPERT)},
    (Permission.TASK_COMPLETE, frozenset({Scope.WORK}), "tasks.release_task"): {"A": who(INTAKE), "B": who(EXPERT)},
    (Permission.TASK_COMPLETE, frozenset({Scope.WORK}), "tasks.complete_task"): {"A": who(INTAKE), "B": who(EXPERT)},
    (Permission.ATTACHMENT_READ, frozenset({Scope.FILE, Scope.WORK}), "attachments.upload"): {"A": TOLD},
    # Whoever has uploaded it and left since reads it no more.
    (Permission.ATTACHMENT_READ, frozenset({Scope.READ}), "attachments.read_attachment"): {
        "A": OF_A | {PARTY}, "B": who(FOREIGN, OTHER, EXPERT),
    },
    (Permission.LETTER_READ, frozenset({Scope.READ}), "documents.list_documents"): {"A": MEMBERS},
    (Permission.LETTER_READ, frozenset({Scope.READ}), "documents.read_document"): {"A": OF_A | {PARTY}},
    (Permission.LETTER_SIGN_FOR, frozenset({Scope.FILE}), "documents.sign_document"): {"A": who(PARTY)},
    (Permission.ACCOUNT_READ, frozenset({Scope.READ}), "ledger.list_accounts"): {"A": MEMBERS},
    (Permission.ACCOUNT_READ, frozenset({Scope.READ}), "ledger.read_account"): {
        "A": OF_A | {PARTY}, "issue": OF_A,
    },
    # Nothing is issued in blocks here.
    (Permission.ACCOUNT_READ, frozenset({Scope.READ}), "ledger.read_block"): {"A": NO_ONE},
}  # fmt: skip
LINES = {line[2]: line for line in TABLE}
BODIES = {
    "tasks.complete_task": {"answers": {}},
    "cases.send_message": {"answers": {}},
}
FILED = {
    "A": {"procedure": "chongqing-ets/allocation-review", "answers": {}},
    "B": {"procedure": f"{REGULATION}/paper", "answers": {}},
    "office": {"procedure": "chongqing-ets/allocation", "answers": {}},
}


@dataclass
class Programs:
    """The API over a town, with a token of everybody for any scopes."""

    town: Town
    client: FlaskClient
    app: OpenAPI
    database: Undone

    def things(self, place: str) -> dict[str, object] | None:
        """What the parameters of addresses are at a place."""
        made = self.town.things
        if place == "A":
            return made["A"] | {"document_id": made["A"]["letter_id"], "serial": "none", "name": "withdraw"}
        if place == "B":
            return made["B"] | {"name": "withdraw"}
        if place == "office":
            return {"case_id": made["B"]["case_id"], "name": "replace"}
        return {"number": made["A"]["issue"]}

    def ask(self, call: Call, place: str, login: str, scopes: frozenset[Scope]) -> str:
        """What comes of it when somebody asks with a token for some scopes; nothing of it stays."""
        things = self.things(place)
        address = call.address(things or {})
        assert address is not None, (call.endpoint, place)
        headers = {} if login == NOBODY else {"Authorization": f"Bearer {secret(login, scopes)}"}
        options: dict[str, object] = {}
        if call.endpoint == "attachments.upload":
            options["data"] = {"file": (io.BytesIO(PDF), "x.pdf")}
        elif call.endpoint == "cases.file_case":
            about = {"about": self.town.things["A"]["notice"]} if place == "A" else {}
            options["json"] = FILED[place] | about
        elif call.endpoint in BODIES:
            options["json"] = BODIES[call.endpoint]
        with self.database.undone():
            answer = self.client.open(address, method=call.method, headers=headers, **options)
            kind = json.loads(answer.text).get("type", "") if answer.mimetype == "application/problem+json" else ""
            answer.close()
        if answer.status_code == 401:
            return DOOR
        if kind.endswith(":not-in-scope"):
            return OUT_OF_SCOPE
        if answer.status_code in (403, 404):
            return REFUSED
        return LET if answer.status_code in (200, 201, 409, 422) else f"{FAULT} {answer.status_code}"


def secret(login: str, scopes: frozenset[Scope]) -> str:
    """The secret of somebody's token for some scopes."""
    return tokens.PREFIX + hashlib.sha256(f"{login} {sorted(scopes)}".encode()).hexdigest()


ALL = frozenset(Scope)
KINDS = (ALL, *(ALL - {scope} for scope in Scope), frozenset({Scope.READ}))
"""Tokens for everything, for all but one scope, for reading alone."""


@pytest.fixture(scope="session")
def api(_town) -> OpenAPI:
    return create_app(_town.portal.machine)


@pytest.fixture
def programs(made, api) -> Iterator[Programs]:
    machine = made.portal.machine
    with machine.database.engine.connect() as connection, connection.begin() as outer:
        undone = Undone(machine.database, connection)
        api.extensions[EXTENSION] = replace(machine, database=undone)
        with undone.transaction() as tx:
            _give_tokens(made, tx)
        yield Programs(made, api.test_client(), api, undone)
        outer.rollback()


def _give_tokens(made: Town, tx: Session) -> None:
    portal, today = made.portal, clock.day_of(clock.now())
    accounts = {one.organisation_id: one.number for one in tx.scalars(select(Account))}
    made.things["A"] |= {
        "number": accounts[portal.unit_id], "issue": accounts[None],
        "notice": portal.case(made.things["A"]["case_id"]).about_id,
    }  # fmt: skip
    people = dict(tx.execute(select(Person.login, Person.id)).all())
    rows = [
        {
            "person_id": people[PARTY if login in (REVOKED, OVER) else login],
            "name": "a program",
            "digest": hashlib.sha256(secret(login, scopes).encode()).digest(),
            "scopes": sorted(scopes),
            "issued_at": portal.now,
            "revoked_at": portal.now if login == REVOKED else None,
            "until_day": today - timedelta(days=1) if login == OVER else today + timedelta(days=1),
        }
        for login in ASKERS[1:]
        for scopes in KINDS
    ]
    tx.execute(insert(Token), rows)


def expected(endpoint: str, place: str, login: str, scopes: frozenset[Scope]) -> str:
    """What the table says comes of it."""
    permission, wanted, _endpoint = LINES[endpoint]
    if permission == OPEN:
        return LET
    if login in WITHOUT:
        return DOOR
    if scopes.isdisjoint(wanted):
        return OUT_OF_SCOPE
    return LET if login in TABLE[LINES[endpoint]][place] else REFUSED


def wrong(programs: Programs, people: int = len(ASKERS), only: str = "") -> tuple[list[str], int]:
    """Every answer that the table does not say, and how many there were."""
    found, asked = [], 0
    for call in calls(programs.app):
        if only not in ("", call.endpoint):
            continue
        for place in TABLE[LINES[call.endpoint]]:
            for login in sample(call, ASKERS, people):
                for scopes in (ALL, small(call.endpoint)):
                    asked += 1
                    came = programs.ask(call, place, login, scopes)
                    if came != (said := expected(call.endpoint, place, login, scopes)):
                        asker = f"{login} {' '.join(sorted(scopes))}"
                        found.append(f"{call.method} {call.endpoint} {place} {asker}: {came}, not {said}")
    return found, asked


def small(endpoint: str) -> frozenset[Scope]:
    """All scopes but those that open it."""
    return ALL - (LINES[endpoint][1] or {Scope.WORK})


def test_every_call_has_a_line_and_every_line_a_call(programs):
    said = {(declared(programs.app, one), scopes_of(programs.app, one), one) for one in programs.app.view_functions}
    assert said == set(TABLE)


def test_the_api_lets_nobody_in_where_the_table_does_not_say_so(programs, proof):
    people = proof.size(1, len(ASKERS), len(ASKERS))
    found, asked = wrong(programs, people)
    proof.says(
        "S9", "every call of the API, person, kind of token and thing is answered as the table says",
        "0 unexpected 2xx; a route without a line fails",
        calls=len(TABLE), people=people, requests=asked, unexpected=len(found),
    )  # fmt: skip
    assert found == []


@pytest.mark.parametrize(
    ("permission", "endpoint"),
    [(Permission.LETTER_READ, "documents.read_document"), (Permission.ACCOUNT_READ, "ledger.read_account")],
)
def test_a_permission_that_is_opened_is_noticed(programs, monkeypatch, proof, permission, endpoint):
    monkeypatch.setattr(access, "ACCESS", {**ACCESS, permission: [[is_signed_in]]})
    noticed, _asked = wrong(programs, only=endpoint)
    proof.catches("S9", f"{permission} is open to every token", noticed=len(noticed))
    assert noticed
    assert all(line.endswith(f"{LET}, not {REFUSED}") for line in noticed)


def test_a_scope_that_is_not_asked_for_is_noticed(programs, monkeypatch, proof):
    monkeypatch.setattr(api_access, "scopes_of", lambda *_: ALL)
    noticed, _asked = wrong(programs, only="cases.read_case")
    proof.catches("S9", "scopes of tokens are not looked at", noticed=len(noticed))
    assert f"GET cases.read_case A {PARTY} file work: {LET}, not {OUT_OF_SCOPE}" in noticed
