"""What a program is told that may not, cannot or did not ask rightly."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gunicorn.http.errors import InvalidChunkSize

from portal import clock
from portal.commands.web import Arriving
from portal.db import Database
from portal.edge import rates
from portal.edge.machine import EXTENSION
from portal.identity import tokens
from portal.identity.tokens import Scope
from tests.builders.pages import ETS
from tests.builders.programs import PDF, Program

START = {"procedure": f"{ETS}/allocation", "answers": {}}
MOST = 8_000_000


def told(answer, status, kind):
    """The problem of an answer, held against what every problem has."""
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), answer.text
    problem = answer.json
    assert (problem["status"], problem["type"]) == (status, f"urn:portal:problem:{kind}")
    assert problem["title"]
    assert problem["detail"] == problem["detail_zh"]
    assert problem["detail_en"].isascii() or "“" in problem["detail_en"]
    return problem


def test_without_a_token_nothing_is_told(portal, of):
    for sent in ({}, *({"Authorization": text} for text in ("", "Bearer", "Basic eDp5", "bearer "))):
        answer = of(None).get("/tasks", headers=sent)
        told(answer, 401, "no-token")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="portal"'


def test_a_token_that_does_not_count_is_refused(portal, of):
    wrong = Program(portal.app, "pt_" + "0" * 64)
    answer = wrong.get("/tasks")
    told(answer, 401, "token-refused")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="portal", error="invalid_token"'
    zhou = of("zhou")
    assert zhou.get("/tasks").status_code == 200
    with portal.database.transaction() as tx:
        tokens.revoke_all(tx, portal.people["zhou"], None, clock.now())
    told(zhou.get("/tasks"), 401, "token-refused")


def test_a_cookie_of_the_pages_opens_nothing_here(portal, of):
    answer = of(None).get("/tasks", headers={"Cookie": "portal_session=x"})
    told(answer, 401, "no-token")
    assert "Set-Cookie" not in answer.headers


def test_a_token_opens_only_what_it_was_issued_for(portal, of):
    reads, files, works = of("zhou", Scope.READ), of("zhou", Scope.FILE), of("zhou", Scope.WORK)
    case = files.made("/cases", START)
    task = case["tasks"][0]["id"]
    for answer, scope in (
        (reads.post("/cases", START), "file"),
        (files.get(f"/cases/{case['id']}"), "read"),
        (files.post(f"/tasks/{task}/claim"), "work"),
        (reads.post(f"/tasks/{task}/claim"), "work"),
        (works.get("/tasks"), "read"),
    ):
        told(answer, 403, "not-in-scope")
        assert answer.headers["WWW-Authenticate"].endswith(f'error="insufficient_scope", scope="{scope}"')
    assert works.post(f"/tasks/{task}/claim").status_code == 200


def test_errors_come_in_the_language_that_is_asked_for(portal, of):
    zhou = of("zhou")
    english = zhou.get("/cases/9", headers={"Accept-Language": "en-GB,en;q=0.9"})
    assert english.headers["Content-Language"] == "en"
    assert english.json["title"] == "Not found"
    assert english.json["detail"] == english.json["detail_en"] == "This does not exist, or it is not yours to see."
    assert english.json["detail_zh"] == "找不到所请求的内容，或者您无权查看。"
    chinese = zhou.get("/cases/9", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})
    assert chinese.json["detail"] == chinese.json["detail_zh"]
    for asked, spoken in (
        ("zh-CN,en;q=0.9", "zh"), ("en-US,zh;q=0.5", "en"), ("en_GB", "en"), ("zh-Hans-CN,en;q=0.1", "zh"),
        ("fr,en;q=0.5", "en"), ("fr", "zh"), ("en;q=0", "zh"), ("*", "zh"), ("", "zh"),
    ):  # fmt: skip
        assert zhou.get("/cases/9", headers={"Accept-Language": asked}).headers["Content-Language"] == spoken, asked


def test_each_wrong_field_is_told_with_its_place(portal, of):
    zhou = of("zhou")
    task = zhou.made("/cases", START)["tasks"][0]["id"]
    rows = [{"unit": "91110000802100433B", "amount": "-1"}]
    answer = zhou.post(f"/tasks/{task}/complete", {"answers": {"year": "2025", "units": rows, "colour": "red"}})
    problem = told(answer, 422, "form-refused")
    found = {one["field"]: one for one in problem["errors"]}
    assert set(found) == {"units.0.amount", "units.0.unit", "colour"}
    assert found["units.0.amount"]["pointer"] == "/answers/units/0/amount"
    assert found["colour"]["pointer"] == "/answers/colour"
    assert all(one["zh"] and one["en"] for one in found.values())


def test_keys_that_are_missing_unknown_or_wrong_are_told(portal, of):
    zhou = of("zhou")
    for body, place in (
        ({"procedure": "x/y"}, "/answers"),
        ({**START, "aboot": 1}, "/aboot"),
        ({**START, "about": -1}, "/about"),
        ({**START, "about": 2**63}, "/about"),
        ({**START, "about": "1"}, "/about"),
        ({**START, "about": True}, "/about"),
        ({**START, "procedure": "x"}, "/procedure"),
        ({**START, "answers": []}, "/answers"),
    ):
        problem = told(zhou.post("/cases", body), 422, "wrong-request")
        assert [one["pointer"] for one in problem["errors"]] == [place]


def test_what_is_wrong_is_said_in_the_words_of_both_languages(portal, of):
    zhou, key = of("zhou"), {"Idempotency-Key": "键".encode().decode("latin-1")}
    answers = [
        *(zhou.post("/cases", {**START, **wrong}) for wrong in ({"procedure": 1}, {"answers": []}, {"about": "x"})),
        *(zhou.post("/cases", {**START, "about": number}) for number in (-1, 2**63, 1.5)),
        *(zhou.get("/tasks", wrong) for wrong in ({"light": ""}, {"view": "x"}, {"limit": "x"}, {"step": "x" * 201})),
        *(zhou.get("/tasks", wrong) for wrong in ({"after": ""}, {"limit": 0}, {"limit": 101}, {"procedure": "x"})),
        zhou._ask("POST", "/attachments", data={"file": "a text"}, content_type="multipart/form-data"),
        zhou.post("/cases", START, headers=key),
    ]
    for answer in answers:
        [wrong] = told(answer, 422, "wrong-request")["errors"]
        assert not any(word in wrong["zh"] + wrong["en"] for word in ("should", "Input", "Value", "None")), wrong


def test_answers_to_what_asks_nothing_are_refused(portal, of):
    problem = told(of("zhou").post("/cases", {**START, "answers": {"x": 1}}), 422, "wrong-request")
    assert [one["pointer"] for one in problem["errors"]] == ["/answers/x"]
    problem = told(of("zhou").post("/cases", {**START, "answers": {"a/b~c": 1}}), 422, "wrong-request")
    assert [one["pointer"] for one in problem["errors"]] == ["/answers/a~1b~0c"]


def test_what_is_no_json_is_told(portal, of):
    zhou, deep = of("zhou"), "[" * 100_000
    broken = ("", "{", "{'a': 1}", '{"a": NaN}', deep, '"text"', "[]", '{"answers": "\\ud800"}', "1" * 5000, "\xff")
    for text in broken:
        answer = zhou.post("/cases", data=text.encode("latin-1"), content_type="application/json")
        told(answer, 400, "broken-json")


def test_a_number_that_would_take_hours_to_write_out_is_refused(portal, of):
    zhou = of("zhou")
    many = "1" * 1001
    for number in ("1e1001", "1E+99999", "-1e-1001", "0e-99999", "1e1000000000000000000", f"0.{many}", many):
        body = f'{{"procedure": "{ETS}/allocation", "answers": {{}}, "about": {number}}}'
        problem = told(zhou.post("/cases", data=body, content_type="application/json"), 400, "broken-json")
        assert problem["detail_en"].endswith("a number has more than 1000 digits.")


def test_a_body_that_breaks_off_is_told(portal, of):
    class Broken:
        def read(self, size=-1):
            raise InvalidChunkSize(b"ZZ")

    for path, content_type in (("/cases", "application/json"), ("/attachments", "multipart/form-data; boundary=x")):
        sent = {"wsgi.input": Arriving(Broken()), "CONTENT_LENGTH": "9"}
        answer = of("zhou").post(path, data=b"", content_type=content_type, environ_overrides=sent)
        problem = told(answer, 400, "client-disconnected")
        assert problem["detail_en"] == "The body is broken or did not come whole; send it again."


def test_what_is_sent_to_a_call_without_a_body_is_not_looked_at(portal, of):
    zhou = of("zhou")
    task = zhou.made("/cases", START)["tasks"][0]["id"]
    for data in (b"", b"{", b"\xff"):
        answer = zhou.post(f"/tasks/{task}/claim", key="k", data=data, content_type="application/json")
        assert answer.status_code == 200


def test_other_formats_are_refused(portal, of):
    zhou = of("zhou")
    told(zhou.post("/cases", data="{}", content_type="text/plain"), 415, "other-format")
    told(zhou.post("/cases"), 415, "other-format")
    told(zhou.post("/attachments", {}), 415, "other-format")


def test_too_much_is_refused(portal, of):
    zhou = of("zhou")
    body = b'{"answers": "' + b"x" * MOST + b'"}'
    problem = told(zhou.post("/cases", data=body, content_type="application/json"), 413, "request-entity-too-large")
    assert "8 MB" in problem["detail_en"]
    told(zhou.upload("大.pdf", PDF + b"x" * 1_050_000), 413, "file-too-large")
    told(zhou.upload("大.pdf", PDF + b"x" * 1_200_000), 413, "request-entity-too-large")
    part = b'--x\r\nContent-Disposition: form-data; name="more"\r\n\r\nx\r\n'
    beside = zhou.post("/attachments", data=part * 20 + b"--x--\r\n", content_type="multipart/form-data; boundary=x")
    problem = told(beside, 413, "request-entity-too-large")
    assert problem["detail_en"] == "There is too much beside the file: send nothing else."


def test_a_wrong_address_or_method_is_told(portal, of):
    told(of("zhou").get("/nothing"), 404, "not-found")
    told(of("zhou").get("//tasks"), 404, "not-found")
    answer = of("zhou").post("/tasks", {})
    told(answer, 405, "method-not-allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    asked = of("zhou")._ask("OPTIONS", "/cases")
    assert (asked.status_code, set(asked.headers["Allow"].split(", "))) == (200, {"GET", "HEAD", "OPTIONS", "POST"})


def test_what_is_not_there_is_not_found(portal, of):
    zhou, wang = of("zhou"), of("wang")
    for path in ("/cases/{}", "/tasks/{}", "/documents/{}", "/attachments/{}"):
        for number in (0, 2**63 - 1, 2**63, 10**30):
            assert zhou.get(path.format(number)).status_code == 404
    for number in ("A00000009", "A9", "x", "A99999999999999999999", "A000000000000000001"):
        told(wang.get(f"/ledger/accounts/{number}"), 404, "unknown-account")
        told(wang.get(f"/ledger/blocks/{number}"), 404, "unknown-account")


def test_a_text_that_the_database_does_not_hold_is_told(portal, of):
    zhou = of("zhou")
    task = zhou.made("/cases", START)["tasks"][0]["id"]
    for answers in ({"year": "20\x0025"}, {"ye\x00ar": "2025"}, {"units": [{"unit": "\x00"}]}):
        assert zhou.post(f"/tasks/{task}/complete", {"answers": answers}).status_code == 422
    assert zhou.get("/cases", {"q": "a\x00b"}).status_code in (200, 422)
    assert zhou.get("/tasks", {"unit": "a\x00b", "view": "all"}).status_code in (200, 422)


def test_who_asks_too_often_is_told_when_to_come_again(portal, of, slow):
    portal.app.extensions[EXTENSION] = replace(portal.machine, settings=slow)
    zhou, other = of("zhou"), of("zhou")
    assert [zhou.get("/tasks").status_code for _ in range(3)] == [200] * 3
    answer = zhou.get("/tasks")
    problem = told(answer, 429, "too-many-requests")
    assert 1 <= problem["retry_after"] <= 60
    assert answer.headers["Retry-After"] == str(problem["retry_after"])
    assert other.get("/tasks").status_code == 200


def test_a_token_begins_anew_with_its_next_minute(portal):
    now, most = clock.now(), 2
    with portal.database.transaction() as tx:
        assert [rates.wait(tx, 7, now, most) for _ in range(3)] == [None, None, 60]
        assert rates.wait(tx, 7, now + timedelta(seconds=59), most) == 1
        assert rates.wait(tx, 8, now, most) is None
        assert rates.wait(tx, 7, now + timedelta(seconds=60), most) is None


def test_an_outage_is_told_without_naming_machines(portal, of):
    zhou = of("zhou")
    away = Database("postgresql://nobody@127.0.0.1:9/nothing")
    portal.app.extensions[EXTENSION] = replace(portal.machine, database=away)
    answer = zhou.get("/tasks")
    problem = told(answer, 503, "database-unreachable")
    assert answer.headers["Retry-After"] == "10"
    assert "127.0.0.1" not in answer.text
    assert problem["detail_en"] == "The portal cannot do this at the moment; nothing was changed. Please try again."


def test_answers_keep_to_themselves(portal, of):
    answer = of("zhou").get("/tasks")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
