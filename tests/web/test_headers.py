"""What every answer says to the browser."""

from __future__ import annotations

import re

from portal.edge.files import disposition


def _pages(portal):
    review = portal.review()
    task = portal.task("check", review)
    return [
        "/",
        "/sign-in",
        "/inbox",
        "/inbox?view=all",
        "/cases",
        "/start",
        "/receipts",
        f"/tasks/{task}",
        f"/cases/{review}",
        "/nowhere",
        "/cases/999999",
        "/healthz",
    ]


def test_every_page_has_the_policy_and_nothing_inline(portal):
    browser = portal.client("li")
    for path in _pages(portal):
        answer = browser.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "camera=()" in answer.headers["Permissions-Policy"]
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", answer.text), path


def test_pages_of_people_are_kept_by_no_cache(portal):
    assert portal.client("li").get("/inbox").headers["Cache-Control"] == "no-store"


def test_a_letter_is_saved_under_its_own_name_and_never_shown(portal):
    _notice, letter = portal.notice()
    portal.rendered(letter, b"<script>alert(1)</script>")
    answer = portal.client("tao").get(f"/letters/{letter}/file")
    assert answer.data == b"<script>alert(1)</script>"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=\"file.docx\"; filename*=UTF-8''")
    assert "html" not in answer.content_type


def test_its_addressee_gets_a_letter_only_after_signing_for_it(portal):
    _notice, letter = portal.notice()
    portal.rendered(letter)
    assert portal.client("wang").get(f"/letters/{letter}/file").status_code == 404


def test_names_of_files_are_written_as_rfc_6266_asks():
    assert disposition('a"b\r\n.pdf') == "attachment; filename=\"file.pdf\"; filename*=UTF-8''a%22b%0D%0A.pdf"
    assert disposition("通知 1.docx").endswith("%E9%80%9A%E7%9F%A5%201.docx")
