"""Each call by each kind of person: what it answers, and to whom."""

from __future__ import annotations

import io

import pytest
from werkzeug.test import Client

from portal import app as whole_app
from portal import identity, ledger
from portal.cases import attachments
from portal.cases.attachments import Accepted
from portal.cases.models import Case
from portal.documents import pdf
from portal.identity.tokens import Scope
from portal.inbox import party
from portal.ledger import Asset
from portal.web import create_app, metrics
from portal.web.applicant import progress
from tests.builders.pages import ETS, PASSWORD, UNIT
from tests.builders.programs import BASE, PDF, program

ALLOCATION = {"procedure": f"{ETS}/allocation", "answers": {}}
ELSEWHERE = "91500115MA5YKQ2X1E"


@pytest.fixture
def stranger(portal, of):
    """A program of another unit."""
    with portal.database.transaction() as tx:
        unit = identity.add_organisation(tx, uscc=ELSEWHERE, name="别的公司", district="渝北区", kinds=["enterprise"])
        person = identity.add_person(tx, login="feng", name="冯", password=PASSWORD, organisation_id=unit.id)
        portal.people["feng"] = person.id
    return of("feng")


@pytest.fixture
def reader(portal, of):
    """A program of somebody who may only read for his unit."""
    with portal.database.transaction() as tx:
        person = identity.add_person(
            tx, login="tang", name="唐", password=PASSWORD, organisation_id=portal.unit_id, rights=[]
        )
        portal.people["tang"] = person.id
    return of("tang")


@pytest.fixture
def administrator(portal, of):
    with portal.database.transaction() as tx:
        person = identity.add_person(tx, login="admin", name="管理员", password=PASSWORD, administrator=True)
        portal.people["admin"] = person.id
    return of("admin")


def test_what_may_be_started_depends_on_who_asks(portal, of, administrator):
    portal.notice()
    assert {one["procedure"] for one in of("zhou").read("/procedures")["items"]} >= {f"{ETS}/allocation"}
    assert of("wang").read("/procedures")["items"] == []  # its letter is not signed for yet
    assert of("tao").read("/procedures")["items"] == []
    assert administrator.read("/procedures")["items"] == []


def test_a_case_is_started_by_those_who_may(portal, of, administrator, stranger):
    case = of("zhou").post("/cases", ALLOCATION)
    assert case.status_code == 201
    assert case.json["number"]
    assert case.json["procedure"] == f"{ETS}/allocation"
    assert [one["name"] for one in case.json["tasks"]] == ["核定年度配额"]
    assert of("tao").post("/cases", ALLOCATION).status_code == 403
    assert administrator.post("/cases", ALLOCATION).status_code == 403
    assert stranger.post("/cases", ALLOCATION).status_code == 404
    for unknown in (f"{ETS}/nothing", "nowhere/allocation"):
        assert of("zhou").post("/cases", {**ALLOCATION, "procedure": unknown}).status_code == 404


def test_about_a_case_of_others_nobody_learns_that_it_is_there(portal, of, stranger, reader):
    notice, letter = portal.notice()
    portal.rendered(letter)
    review = {"procedure": f"{ETS}/allocation-review", "about": notice, "answers": {}}
    there, nowhere = stranger.post("/cases", review), stranger.post("/cases", {**review, "about": 10**6})
    assert there.status_code == nowhere.status_code == 404
    assert there.json == nowhere.json
    assert reader.post("/cases", review).status_code == 403
    assert of("wang").post("/cases", review).status_code == 422
    nothing = of("wang").post("/cases", {"procedure": review["procedure"], "answers": {}})
    assert (nothing.status_code, [one["pointer"] for one in nothing.json["errors"]]) == (422, ["/about"])
    assert of("wang").post("/cases", {**review, "procedure": f"{ETS}/allocation"}).status_code in (403, 404)


def test_a_case_is_read_by_its_party_and_the_officials_of_its_regulation(portal, of, administrator, stranger, reader):
    review = portal.review()
    case = of("li").read(f"/cases/{review}")
    assert set(case) >= {
        "id", "number", "procedure", "release", "status", "outcome",
        "deadlines", "tasks", "documents", "events", "links",
    }  # fmt: skip
    assert [event["seq"] for event in case["events"]] == list(range(1, len(case["events"]) + 1))
    assert case["events"][0]["by"] == "王磊"
    assert case["links"][0]["relation"] == "about"
    mine = of("wang").read(f"/cases/{review}")
    assert {event["by"] for event in mine["events"]} == {None}
    assert all(event["details"] == {} for event in mine["events"])
    assert {event["kind"] for event in mine["events"]} <= party.TOLD
    assert len(mine["events"]) < len(case["events"])
    assert [one["name"] for one in mine["messages"]]
    assert reader.read(f"/cases/{review}")["messages"] == []
    assert stranger.get(f"/cases/{review}").status_code == 404
    assert administrator.get(f"/cases/{review}").status_code == 403


def test_the_page_of_a_party_and_the_api_tell_the_same_kinds_of_events():
    assert {*progress._SENTENCES, "letter.served", "letter.unserved"} == party.TOLD


def test_before_a_letter_is_signed_for_nothing_of_its_case_is_told(portal, of):
    notice, letter = portal.notice()
    portal.rendered(letter, b"the letter")
    case = of("wang").read(f"/cases/{notice}")
    assert case["status"] == "文书已制发，等您签收"
    assert (case["tasks"], case["outcome"]) == ([], None)
    assert [event["kind"] for event in case["events"]] == ["letter.issued"]
    [line] = of("wang").read("/cases")["items"]
    assert line["status"] == "文书已制发，等您签收"
    assert of("chen").read(f"/cases/{notice}")["status"] != line["status"]


def test_a_letter_is_signed_for_by_its_addressee_alone_and_once(portal, of, stranger, reader, administrator):
    notice, letter = portal.notice()
    wang, path = of("wang"), f"/documents/{letter}"
    assert wang.get(path).json["type"].endswith(":not-rendered")
    assert wang.post(f"{path}/sign").status_code == 409
    portal.rendered(letter, b"the letter")
    assert wang.get(path).json["type"].endswith(":not-signed-for")
    assert stranger.get(path).status_code == stranger.post(f"{path}/sign").status_code == 404
    assert stranger.get(path).json == stranger.get("/documents/1000000").json
    assert stranger.post(f"{path}/sign").json == stranger.post("/documents/1000000/sign").json
    assert administrator.get(path).status_code == 403
    assert reader.post(f"{path}/sign").status_code == 403
    assert of("chen").post(f"{path}/sign").status_code == 404
    assert of("chen").get(path).data == b"the letter"
    first, again = wang.made(f"{path}/sign"), wang.made(f"{path}/sign")
    assert first == again
    assert reader.get(path).data == b"the letter"
    answer = wang.get(path)
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert wang.get(f"/cases/{notice}").json["documents"][0]["sha256"]


def test_a_pdf_is_there_or_in_the_making_or_not_made_here(portal, of, monkeypatch):
    _notice, letter = portal.notice()
    chen, path = of("chen"), f"/documents/{letter}"
    assert chen.get(path, {"as": "pdf"}).json["type"].endswith(":not-rendered")
    portal.rendered(letter)
    monkeypatch.setattr(pdf, "office", lambda: None)
    assert (chen.get(path, {"as": "pdf"}).status_code, chen.get(path, {"as": "docx"}).status_code) == (501, 200)
    monkeypatch.setattr(pdf, "office", lambda: "/usr/bin/soffice")
    assert chen.get(path, {"as": "pdf"}).status_code == 409
    assert chen.get(path, {"as": "odt"}).status_code == 422


def test_a_task_is_claimed_by_one_and_given_back(portal, of, administrator, stranger):
    task = portal.allocation()
    zhou, sun = of("zhou"), of("sun")
    assert zhou.made(f"/tasks/{task}/claim")["holder"] == "周敏"
    held = sun.post(f"/tasks/{task}/claim")
    assert (held.status_code, held.json["type"]) == (409, "urn:portal:problem:task-held")
    assert "周敏" in held.json["detail"]
    assert sun.post(f"/tasks/{task}/complete", {"answers": {}}).status_code == 409
    assert zhou.made(f"/tasks/{task}/release")["holder"] is None
    assert sun.made(f"/tasks/{task}/claim")["holder"] == "孙伟"
    for other, status in (("chen", 403), ("wang", 404)):
        assert of(other).post(f"/tasks/{task}/claim").status_code == status
        assert of(other).get(f"/tasks/{task}").status_code == status
    assert administrator.get(f"/tasks/{task}").status_code == 403
    assert stranger.get(f"/tasks/{task}").status_code == 404


def test_who_completes_a_task_second_learns_who_was_faster(portal, of):
    task = portal.allocation()
    answers = {"answers": {"year": 2025, "units": [{"unit": UNIT, "amount": 1200000}]}}
    assert of("zhou").made(f"/tasks/{task}/complete", answers)["state"] == "done"
    late = of("sun").post(f"/tasks/{task}/complete", answers)
    assert (late.status_code, late.json["type"]) == (409, "urn:portal:problem:task-done")
    assert "周敏" in late.json["detail"]


@pytest.mark.parametrize("amount", [1200000, "1200000", "1,200,000"])
def test_numbers_are_taken_as_numbers_or_digits(portal, of, amount):
    answers = {"year": "2025", "units": [{"unit": UNIT, "amount": amount}]}
    of("zhou").made(f"/tasks/{portal.allocation()}/complete", {"answers": answers})


def test_a_message_is_sent_by_those_who_may_and_while_it_is_taken(portal, of, stranger, reader):
    review = portal.review()
    wang = of("wang")
    [name] = [one["name"] for one in wang.read(f"/cases/{review}")["messages"]]
    path = f"/cases/{review}/messages"
    assert stranger.post(f"{path}/{name}", {}).status_code == 404
    assert reader.post(f"{path}/{name}", {}).status_code in (403, 404)
    assert wang.post(f"{path}/nothing", {}).status_code == 409
    assert wang.post(f"{path}/{name}", {"answers": {"strange": 1}}).status_code == 422
    assert wang.made(f"{path}/{name}", {"answers": {"confirmed": True}})["outcome"] == "已撤回"
    assert wang.post(f"{path}/{name}", {"answers": {"confirmed": True}}).status_code == 409


def test_a_file_is_taken_in_looked_at_and_read_by_those_who_may(portal, of, stranger):
    wang = of("wang")
    kept = wang.upload("台账.pdf", PDF)
    assert kept.status_code == 201
    assert {*kept.json} == {"id", "sha256", "name", "size", "state"}
    assert (kept.json["name"], kept.json["size"], kept.json["state"]) == ("台账.pdf", len(PDF), "unscanned")
    path = f"/attachments/{kept.json['id']}"
    assert kept.headers["Location"] == BASE + path
    assert wang.get(path).data == PDF
    assert (stranger.get(path).status_code, of("zhou").get(path).status_code) == (404, 403)
    assert stranger.get(path).json == stranger.get("/attachments/1000000").json
    for name, content in (("空.pdf", b""), ("程序.exe", b"MZ"), ("假.pdf", b"not a pdf")):
        refused = wang.upload(name, content)
        assert (refused.status_code, refused.content_type) == (422, "application/problem+json")
    nothing = wang._ask("POST", "/attachments", data={"file": "a text"}, content_type="multipart/form-data")
    assert nothing.status_code == 422
    both = [(io.BytesIO(PDF), "一.pdf"), (io.BytesIO(PDF + b" "), "二.pdf")]
    two = wang._ask("POST", "/attachments", data={"file": both}, content_type="multipart/form-data")
    assert (two.status_code, two.json["errors"][0]["en"]) == (422, "A request takes one file: send each by itself.")
    assert of("zhou", Scope.READ).upload("x.pdf", PDF).status_code == 403


def test_an_uploaded_file_is_handed_in_by_its_id(portal, of):
    notice, letter = portal.notice()
    portal.rendered(letter)
    wang = of("wang")
    wang.made(f"/documents/{letter}/sign")
    [offer] = wang.read("/procedures")["items"]
    [picker] = [one["name"] for one in offer["fields"] if one["kind"] == "filepicker"]
    file = wang.upload("台账.pdf", PDF).json["id"]
    asked = {"claimed_amount": 1300000, "grounds": "产量数据有误"}
    review = {"procedure": offer["procedure"], "about": notice}
    foreign = of("zhou").upload("别人的.pdf", PDF).json["id"]
    assert wang.post("/cases", {**review, "answers": {**asked, picker: [foreign]}}).status_code == 422
    # Taken in before it was known for what; as evidence no .jpeg is asked for.
    photograph = Accepted("key", "照片.jpeg", "jpeg", 9, "0" * 64)
    with portal.database.transaction() as tx:
        other = attachments.keep(portal.machine.kernel, tx, photograph, portal.actor("wang"), portal.now).id
    refused = wang.post("/cases", {**review, "answers": {**asked, picker: [other]}})
    assert (refused.status_code, refused.json["type"]) == (422, "urn:portal:problem:wrong-kind")
    case = wang.made("/cases", {**review, "answers": {**asked, picker: [file]}})
    assert [one["id"] for one in case["attachments"]] == [file]
    assert of("li").get(f"/attachments/{file}").data == PDF


def test_an_account_is_read_by_its_holder_and_officials(portal, of, stranger, administrator):
    _notice, letter = portal.notice()
    [account] = of("wang").read("/ledger/accounts")["items"]
    path = f"/ledger/accounts/{account['number']}"
    assert of("wang").read(path)["balances"] == []  # what came with a letter that is not opened
    assert [one["balance"] for one in of("zhou").read(path)["balances"]] == [1200000]
    portal.rendered(letter)
    of("wang").made(f"/documents/{letter}/sign")
    assert of("wang").read(path)["balances"] == of("zhou").read(path)["balances"]
    assert (account["asset"], account["kind"], account["holder"]) == ("allowance", "holding", "重庆某水泥有限公司")
    assert stranger.get(path).status_code == 404
    assert administrator.get(path).status_code == 403
    assert of("zhou").get("/ledger/accounts").status_code == 403
    issue = of("zhou").read("/ledger/accounts/A00000001")
    assert (issue["kind"], issue["balances"][0]["balance"]) == ("issue", -1200000)


def test_the_chain_of_a_block_is_told_to_those_whom_it_concerns(portal, of, stranger):
    case_id = portal.review()
    with portal.database.transaction() as tx:
        act = tx.get_one(Case, case_id)
        for key, amount in (("issue", 100), ("return", -40)):
            ledger.post(
                tx, key=key, case_id=case_id, act_id=1, moment=act.filed_at, organisation_id=portal.unit_id,
                asset=Asset(ETS, "allowance"), amount=amount, dimensions={"serial": "CQ-2026-0001"}, kind=key,
                basis="11",
            )  # fmt: skip
    for login in ("wang", "zhou"):
        chain = of(login).read("/ledger/blocks/CQ-2026-0001")["entries"]
        assert [one["amount"] for one in chain if one["account"] != "A00000001"] == [100, -40]
        assert sum(one["amount"] for one in chain) == 0
    assert stranger.get("/ledger/blocks/CQ-2026-0001").status_code == 404


def test_both_stand_beside_each_other(portal, settings):
    """The whole as it is served: pages at /, the API under /api, neither near the other's cookies."""
    pages = create_app(portal.machine)
    client = Client(whole_app.mounted(pages, portal.machine).wsgi_app)
    headers = program(portal, "zhou").headers
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get(f"{BASE}/tasks", headers=headers).status_code == 200
    signed_in = client.post(f"{BASE}/cases", json=ALLOCATION, headers=headers)
    assert (signed_in.status_code, signed_in.headers.getlist("Set-Cookie")) == (201, [])
    assert client.get("/inbox", headers=headers).status_code == 302
    assert client.get("/api/v2/tasks", headers=headers).content_type == "application/problem+json"
    assert pages.extensions[metrics.EXTENSION].by_status()[201] == 1
