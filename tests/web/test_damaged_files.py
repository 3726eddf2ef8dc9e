"""Files whose store is away, which are lost or not what was kept: each way to them says so, and sends none."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from io import BytesIO

import pytest

from portal.cases.models import Attachment, Case
from portal.documents.models import Letter
from portal.storage import ObjectMissing, StoreUnavailable
from portal.web.uploads import take
from tests.builders.pages import ETS, plain

WORD, PDF, LEDGER = b"the letter", b"%PDF-1.7 the letter %%EOF", b"%PDF-1.7 the ledger %%EOF"
AWAY = "文件存储暂时不可用，请稍后再试。"
LOST = "文件存储中没有这个文件，可能已经丢失。请告知管理员。"
ALTERED = "文件的内容与登记时的摘要（SHA-256）不一致，可能已损坏或被改动，不予显示和下载。请告知管理员。"


def away(_key):
    raise StoreUnavailable(reason="connection refused")


def lost(key):
    raise ObjectMissing(key=key)


def altered(_key):
    return b"100 t became 900 t"


@contextmanager
def broken_off(_key):
    """A store that goes away in the middle of a file."""

    def pieces():
        yield WORD[:4]
        raise StoreUnavailable(reason="connection reset")

    yield pieces()


@pytest.fixture
def paths(portal):
    """The letter of a notice and an upload of its case: the addresses of their files and pages."""
    case_id, letter_id = portal.notice()
    portal.rendered(letter_id, WORD)
    store, digest = portal.machine.store, {file: hashlib.sha256(file).hexdigest() for file in (PDF, LEDGER)}
    store.put("pdf", PDF, len(PDF), "application/pdf")
    store.put("ledger", LEDGER, len(LEDGER), "application/pdf")
    with portal.database.transaction() as tx:
        letter = tx.get_one(Letter, letter_id)
        letter.pdf_key, letter.pdf_sha256, letter.pdf_size = "pdf", digest[PDF], len(PDF)
        row = Attachment(
            case_id=tx.get_one(Case, case_id).id, uploaded_by_id=portal.people["zhou"], organisation_id=None,
            uploaded_at=portal.now, key="ledger", name="台账.pdf", kind="pdf", size=len(LEDGER), sha256=digest[LEDGER],
        )  # fmt: skip
        tx.add(row)
        tx.flush()
        upload = f"/attachments/{row.id}"
    letter = f"/letters/{letter_id}"
    return {
        "word": f"{letter}/file", "pdf": f"{letter}.pdf", "upload": upload, "shown": f"{upload}/shown",
        "page": letter, "letter preview": f"{letter}/preview", "upload preview": f"{upload}/preview",
    }  # fmt: skip


DOWNLOADS = {"word": WORD, "pdf": PDF, "upload": LEDGER, "shown": LEDGER}


@pytest.mark.parametrize("name", DOWNLOADS)
def test_what_is_as_it_was_kept_is_sent_whole(portal, paths, name):
    answer = portal.client("zhou").get(paths[name])
    assert (answer.status_code, answer.data) == (200, DOWNLOADS[name])
    assert answer.headers["Content-Length"] == str(len(DOWNLOADS[name]))


@pytest.mark.parametrize(
    ("fault", "status", "title", "text"),
    [(away, 503, "暂时不能办理", AWAY), (lost, 404, "没有找到", LOST), (altered, 409, "没有办成", ALTERED)],
)
@pytest.mark.parametrize("name", DOWNLOADS)
def test_a_download_that_cannot_be_had_is_a_page_that_says_why(
    portal, paths, monkeypatch, name, fault, status, title, text
):
    browser = portal.client("zhou")
    monkeypatch.setattr(portal.machine.store, "get", fault)
    answer = browser.get(paths[name])
    assert (answer.status_code, answer.content_type) == (status, "text/html; charset=utf-8")
    assert f"{title} {text}" in plain(answer)
    assert "900 t" not in answer.text
    assert "Content-Disposition" not in answer.headers
    assert answer.headers.get("Retry-After") == ("10" if fault is away else None)


def test_a_store_that_goes_away_in_the_middle_sends_no_half_file(portal, paths, monkeypatch):
    browser = portal.client("zhou")
    monkeypatch.setattr(portal.machine.store, "open", broken_off)
    answer = browser.get(paths["word"])
    assert answer.status_code == 503
    assert AWAY in plain(answer)


@pytest.mark.parametrize(("fault", "text"), [(away, AWAY), (lost, LOST), (altered, ALTERED)])
@pytest.mark.parametrize("name", ["page", "letter preview", "upload preview"])
def test_a_page_of_a_file_that_cannot_be_had_says_so_in_its_place(portal, paths, monkeypatch, name, fault, text):
    browser = portal.client("chen")
    monkeypatch.setattr(portal.machine.store, "get", fault)
    answer = browser.get(paths[name])
    assert answer.status_code == 200
    assert text in plain(answer)
    assert "900 t" not in answer.text
    assert "<object" not in answer.text


def test_an_official_whose_file_cannot_be_stored_keeps_his_form(portal, monkeypatch):
    with portal.database.transaction() as tx:
        procedure = portal.machine.kernel.releases.newest(tx, ETS).procedure("allocation-review")
    monkeypatch.setattr(portal.machine.store, "put", lambda key, *_rest: away(key))
    data = {"_upload.evidence": (BytesIO(PDF), "台账.pdf")}
    with portal.app.test_request_context("/tasks/1", method="POST", data=data):
        taken = take(procedure, procedure.start_form, {"grounds": ["理由"]}, portal.actor("zhou"))
    assert taken.answers == {"grounds": ["理由"]}
    assert taken.errors["evidence"].text("zh") == (
        "“台账.pdf”没有上传成功：文件存储暂时不可用，请稍后重新选择。其他内容已保留。"
    )
