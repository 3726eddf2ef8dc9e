"""What the description promises is what is answered: generated requests of every kind of person find nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, strategies
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks
from sqlalchemy import select
from werkzeug.exceptions import ImATeapot
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.wrappers import Response

from portal import clock, identity
from portal.api import MOUNTED, access, create_app
from portal.cases.models import Case, Task
from portal.documents.models import Letter
from portal.edge.access import OPEN, Undeclared, declared, open_to_all
from portal.identity import service, systems
from portal.ledger import Account
from tests.builders.pages import PASSWORD, UNIT, Portal
from tests.builders.programs import BASE, PDF, program

CONFORM = (
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
)
ROLES = ("zhou", "chen", "wang", "admin", "system", None)
"""A handler, a leader, an applicant, an administrator, a system account, and nobody."""


def test_every_route_declares_its_permission_and_scopes(portal):
    for endpoint in portal.app.view_functions:
        said = declared(portal.app, endpoint)
        assert (said == OPEN) is (endpoint == "openapi")
        assert bool(access.scopes_of(portal.app, endpoint)) is (said != OPEN)


def test_an_api_with_a_route_that_declares_no_scope_does_not_start(portal):
    app = create_app(portal.machine)
    app.add_url_rule("/v1/leak", "leak", lambda: "everything")
    with pytest.raises(Undeclared, match="leak"):
        access.guard(app)
    app.view_functions["leak"] = open_to_all(lambda: "everything")
    access.guard(app)


def test_every_call_is_described_with_all_that_it_takes_and_answers(portal, of):
    spec = of(None).read("/openapi.json")
    assert spec["openapi"] == "3.1.0"
    assert spec["servers"] == [{"url": MOUNTED}]
    assert spec["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    rules = {re.sub("<(int:)?([a-z_]+)>", r"{\2}", rule.rule) for rule in portal.app.url_map.iter_rules()}
    assert set(spec["paths"]) == rules - {"/v1/openapi.json"}
    for path, calls in spec["paths"].items():
        for method, call in calls.items():
            assert call["security"] == [{"bearer": []}], path
            assert call["summary"], path
            assert call["tags"], path
            assert {"401", "403", "429", "500", "503"} <= set(call["responses"]), path
            names = [one["name"] for one in call.get("parameters", [])]
            assert ("Idempotency-Key" in names) is (method == "post"), path
            for status, answer in call["responses"].items():
                if method == "post" and status[0] == "2":
                    made = {"Location"} if status == "201" else set()
                    assert set(answer["headers"]) == {"Idempotent-Replayed"} | made, path
                if status[0] in "45":
                    assert list(answer["content"]) == ["application/problem+json"], (path, status)


def test_every_default_that_is_described_is_one(of):
    """What may be left out but never is null has no default of null."""

    def defaults(said):
        if isinstance(said, dict):
            yield from ([said["default"]] if "default" in said else [])
            said = list(said.values())
        for one in said if isinstance(said, list) else []:
            yield from defaults(one)

    found = list(defaults(of(None).read("/openapi.json")))
    assert 50 in found
    assert None not in found


@pytest.fixture
def world(portal, of):
    """People of every kind, and something of everything that a generated request may hit."""
    review = portal.review()
    with portal.database.transaction() as tx:
        admin = identity.add_person(tx, login="admin", name="管理员", password=PASSWORD, administrator=True)
        actor = service.actor_of(tx, admin.id, clock.day_of(portal.now))
        wanted = systems.Wanted("gateway", "数据交换", "与排放核算系统交换数据", "信息中心 李工", UNIT)
        portal.people |= {"admin": admin.id, "system": systems.add(tx, actor, wanted, portal.now).id}
        ids = {
            "case_id": list(tx.scalars(select(Case.id))),
            "task_id": list(tx.scalars(select(Task.id))),
            "document_id": list(tx.scalars(select(Letter.id))),
            "number": [account.number for account in tx.scalars(select(Account))],
            "name": ["withdraw", "waive", "nothing"],
        }
    ids["attachment_id"] = [of(login).upload("材料.pdf", PDF).json["id"] for login in ("wang", "zhou")]
    assert review in ids["case_id"]
    return ids


@pytest.mark.parametrize("login", ROLES)
def test_nothing_is_answered_that_is_not_described(login, world, portal, proof):
    examples = proof.size(14, 60, 350)
    asked, refused = _asked_by(login, portal, world, proof.seed, examples)
    assert asked >= examples
    claim = f"API asked at random by {login or 'nobody'}: no 5xx, nothing undeclared"
    proof.says("S11", claim, "0 in 2,000 requests of all roles", requests=asked, refused=refused)
    if login is None:
        assert refused == asked


@pytest.mark.thorough
def test_an_answer_that_is_not_described_is_noticed(world, portal, proof, monkeypatch):
    """Mutant: a check that is forgotten, so that what cannot be read ends in a status of its own."""

    def forgotten(error):
        raise ImATeapot

    monkeypatch.setattr(portal.app, "validation_error_callback", forgotten)
    with pytest.raises(FailureGroup, match="Undocumented status code"):
        _asked_by("zhou", portal, world, proof.seed, 200)
    proof.catches("S11", "an undeclared status for wrong parameters", noticed=True)


def _asked_by(
    login: str | None, portal: Portal, world: dict[str, list[Any]], seed: int, examples: int
) -> tuple[int, int]:
    """How many generated requests were answered as described, and how many of them were refused."""
    asking = program(portal, login)
    alone = DispatcherMiddleware(Response("not the API", 404), {MOUNTED: portal.app.wsgi_app})
    schema = schemathesis.openapi.from_wsgi(f"{BASE}/openapi.json", alone)
    counted = {"asked": 0, "refused": 0}
    modes = [schema.as_strategy(generation_mode=mode) for mode in GenerationMode]

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=strategies.one_of(modes), at=strategies.integers(0, 9), there=strategies.booleans())
    def ask(case: schemathesis.Case, at: int, there: bool) -> None:
        for name in case.path_parameters or {}:
            if there and name in world:
                case.path_parameters[name] = world[name][at % len(world[name])]
        case.headers = {name: text for name, text in (case.headers or {}).items() if name.lower() != "authorization"}
        answer = case.call(headers=asking.headers)
        counted["asked"] += 1
        counted["refused"] += answer.status_code >= 400
        assert answer.status_code < 500 or (answer.status_code == 501 and case.path.endswith("{document_id}")), (
            answer.text
        )
        case.validate_response(answer, checks=list(CONFORM))

    ask()
    return counted["asked"], counted["refused"]


def test_the_how_to_speaks_of_every_call_and_of_no_other(portal):
    """Each address in it is one of the description, and each of those is in it."""
    text = (Path(__file__).parents[2] / "docs/how-to/use-the-api.md").read_text()
    spoken = {
        re.sub(r"\$[A-Z]+|\{[a-z_]+\}", "{}", one) for one in re.findall(r"(?:\$API|(?:GET|POST) )(/[\w/${}]+)", text)
    }
    paths = {re.sub(r"\{[a-z_]+\}", "{}", path.removeprefix("/v1")) for path in portal.app.api_doc["paths"]}
    assert spoken - {"/api/v1/openapi"} == paths
