"""Every kind of answer tells the browser to keep to it (ASVS 3.2.1, 3.4.3–3.4.6, 14.3.2)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portal.web import create_app
from tests.builders.everybody import ADMIN, HANDLER, NOBODY, PARTY, town

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
KINDS = {
    "page": (NOBODY, "GET", "/"),
    "form": (NOBODY, "GET", "/sign-in"),
    "own page": (HANDLER, "GET", "/inbox"),
    "applicant's page": (PARTY, "GET", "/home"),
    "file": (PARTY, "GET", "/letters/{letter_id}/file"),
    "pdf": (PARTY, "GET", "/letters/{letter_id}.pdf"),
    "upload": (PARTY, "GET", "/attachments/{attachment_id}"),
    "shown file": (PARTY, "GET", "/attachments/{attachment_id}/shown"),
    "json": (NOBODY, "GET", "/healthz"),
    "own json": (HANDLER, "GET", "/inbox/new"),
    "feed": (NOBODY, "GET", "/notices.rss"),
    "not found": (NOBODY, "GET", "/nowhere"),
    "forbidden": (PARTY, "GET", "/admin"),
    "hidden": (PARTY, "GET", "/my/cases/999"),
    "wrong method": (NOBODY, "PUT", "/sign-in"),
    "no token": (PARTY, "POST", "/profile/mail"),
    "not signed in": (NOBODY, "GET", "/inbox"),
    "empty": (HANDLER, "HEAD", "/inbox"),
    "options": (NOBODY, "OPTIONS", "/"),
    "static": (NOBODY, "GET", "/static/draw_again.py"),
    "no static": (NOBODY, "GET", "/static/none.js"),
    "admin": (ADMIN, "GET", "/admin"),
    "csv": (NOBODY, "GET", "/registry/chongqing-ets/emitters.csv"),
    "large": (NOBODY, "POST", "/sign-in"),
}
PRIVATE = {
    "own page",
    "applicant's page",
    "file",
    "pdf",
    "upload",
    "shown file",
    "own json",
    "forbidden",
    "hidden",
    "no token",
    "empty",
    "admin",
}
"""What no cache may keep."""


@pytest.fixture
def answers(portal):
    made, found = town(portal), {}
    for kind, (who, method, path) in KINDS.items():
        data = {"login": "x" * 5_000_000} if kind == "large" else None
        answer = made.browser(who).raw.open(path.format(**made.of("A")), method=method, data=data)
        found[kind] = answer.status_code, answer.headers
        answer.close()
    return found


def test_every_answer_has_the_headers(answers, proof):
    for kind, (status, headers) in answers.items():
        policy = headers["Content-Security-Policy"]
        for name, value in ALWAYS.items():
            # What is shown inside a page of ours is framed by that page alone.
            framed = kind == "shown file" and name == "X-Frame-Options"
            assert headers[name] == ("SAMEORIGIN" if framed else value), (kind, status, name)
        assert "unsafe-inline" not in policy.replace("style-src 'unsafe-inline'", "") or kind == "shown file"
        assert "unsafe-eval" not in policy
        assert "object-src 'none'" in policy or "default-src 'none'" in policy, kind
        assert "frame-ancestors 'none'" in policy or kind == "shown file", kind
        assert "Server" not in headers or "Python" not in headers["Server"]
    proof.says(
        "S19",
        "page, file, error, feed, JSON and static answers have policy, nosniff, frame, referrer",
        "all",
        kinds=len(answers),
    )


def test_no_cache_keeps_what_belongs_to_somebody(answers):
    for kind in PRIVATE:
        assert "no-store" in answers[kind][1].get("Cache-Control", ""), (kind, answers[kind][0])


def test_what_is_uploaded_is_saved_and_not_run(answers):
    for kind in ("file", "pdf", "upload"):
        status, headers = answers[kind]
        assert (status, headers["Content-Disposition"].split(";")[0]) == (200, "attachment")


def test_over_https_only_https_is_spoken(portal):
    settings = replace(portal.machine.settings, public_url="https://portal.example")
    answer = create_app(replace(portal.machine, settings=settings)).test_client().get("/nowhere")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
