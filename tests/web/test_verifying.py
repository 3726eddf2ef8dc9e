"""The address in a letter's QR code: open to everybody, silent about everything but the letter; files compared."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import select, update

from portal.cases import delivery
from portal.documents.models import Letter
from portal.documents.service import spoken
from tests.builders.pages import plain

GENUINE = b"the letter as it was issued"


def only_letter(portal) -> Letter:
    with portal.database.transaction() as tx:
        return tx.scalars(select(Letter)).one()


def issued(portal) -> Letter:
    """A letter whose file is there."""
    _case, letter_id = portal.notice()
    file = delivery.StoredFile(f"letter-{letter_id}", hashlib.sha256(GENUINE).hexdigest(), len(GENUINE))
    with portal.database.transaction() as tx:
        delivery.rendered(portal.machine.kernel, tx, letter_id, file, portal.machine.kernel.now(tx))
    return only_letter(portal)


def send(portal, letter: Letter, content: bytes | None, browser=None):
    """Posts a file as a browser does; without `content` the form comes without one."""
    browser, path = browser or portal.client(), f"/verify/{letter.verification_code}"
    parts = [part("csrf_token", browser.token("/track").encode())]
    if content is not None:
        parts.append(part('file"; filename="notice.docx', content))
    body = b"".join(parts) + b"--edge--\r\n"
    return browser.raw.post(path, data=body, content_type="multipart/form-data; boundary=edge")


def part(name: str, content: bytes) -> bytes:
    return f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + content + b"\r\n"


def test_a_letter_is_known_by_its_code(portal):
    letter = issued(portal)
    page = portal.client().get(f"/verify/{letter.verification_code}")
    said = plain(page)
    assert page.status_code == 200
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert "有效 这份文书由 重庆市生态环境局 签发，现在有效。" in said
    assert f"文号 {letter.number} 名称 碳排放配额分配通知书 签发机关 重庆市生态环境局 签发时间" in said
    assert letter.sha256 in page.text
    for secret in ("吨", "1,200,000", "重庆某水泥", "王磊"):
        assert secret not in said


@pytest.mark.parametrize("form", [str.lower, spoken, lambda code: f" {spoken(code)} "])
def test_a_code_may_be_typed_in_any_way(portal, form):
    letter = issued(portal)
    browser = portal.client()
    answer = browser.get("/verify", query_string={"code": form(letter.verification_code)})
    assert answer.status_code == 303
    assert letter.number in plain(browser.get(answer.location))


def test_without_a_code_it_asks_for_one(portal):
    for path in ("/verify", "/verify?code=", "/verify?code=%20-%20"):
        page = portal.client().get(path, follow_redirects=True)
        assert page.status_code in (200, 404)
        assert 'name="code"' in page.text


@pytest.mark.parametrize("code", ["ABCD-EFGH-JKLM-NPQR", "x", "2" * 200, "核验码"])
def test_an_unknown_code_is_answered_calmly_and_alike(portal, code):
    page = portal.client().get(f"/verify/{code}")
    assert page.status_code == 404
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    said = plain(page)
    assert "没有找到使用这个核验码的文书。这不一定说明文书是假的，请先检查：" in said
    assert "核验码里没有字母 I、O 和数字 0、1" in said


def test_a_letter_whose_file_is_being_made_cannot_be_compared_yet(portal):
    portal.notice()
    letter = only_letter(portal)
    page = portal.client().get(f"/verify/{letter.verification_code}")
    assert "这份文书的电子文件正在生成，暂时不能比对，请稍后再来。" in plain(page)
    assert 'type="file"' not in page.text


def answer_of(page) -> list[str]:
    """Which answers a page shows: the others are hidden."""
    return [state for state in ("same", "different") if f'class="outcome {state}">' in page.text]


def test_the_genuine_file_is_known(portal):
    page = send(portal, issued(portal), GENUINE)
    assert page.status_code == 200
    assert answer_of(page) == ["same"]
    assert "与本机关签发的文件一致" in plain(page)


def test_the_pdf_is_known_too(portal):
    letter, pdf = issued(portal), b"%PDF the same letter"
    values = {"pdf_key": "pdf", "pdf_sha256": hashlib.sha256(pdf).hexdigest(), "pdf_size": len(pdf)}
    with portal.database.transaction() as tx:
        tx.execute(update(Letter).values(**values))
    assert answer_of(send(portal, letter, pdf)) == ["same"]
    assert answer_of(send(portal, letter, GENUINE)) == ["same"]


@pytest.mark.parametrize("altered", [GENUINE[:-1] + b"!", GENUINE + b" "])
def test_an_altered_file_is_told_apart_and_what_to_do(portal, altered):
    page = send(portal, issued(portal), altered)
    assert answer_of(page) == ["different"]
    said = plain(page)
    assert "与本机关签发的文件不一致" in said
    assert "请向给您文件的人索取从门户下载的原文件再核验" in said
    assert hashlib.sha256(altered).hexdigest() in page.text


def test_a_file_is_not_kept(portal, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    letter, before = issued(portal), sorted(kept.key for kept in portal.machine.store.keys())  # noqa: SIM118
    large = b"x" * 2_000_000
    assert answer_of(send(portal, letter, large)) == ["different"]
    assert sorted(kept.key for kept in portal.machine.store.keys()) == before  # noqa: SIM118
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_too_large_is_refused_in_words(portal, monkeypatch):
    monkeypatch.setattr("portal.web.verifying.LIMIT", 1_000_000)
    page = send(portal, issued(portal), b"x" * 1_000_001)
    assert page.status_code == 422
    assert "文件超过 1 MB，本机关签发的文书没有这么大，没有比对。" in plain(page)
    assert answer_of(page) == []


def test_an_empty_file_is_told_and_not_called_a_forgery(portal):
    page = send(portal, issued(portal), b"")
    assert page.status_code == 422
    assert "这个文件是空的（0 字节），没有比对。请重新选择。" in plain(page)
    assert answer_of(page) == []


def test_no_file_is_asked_for_again(portal):
    page = send(portal, issued(portal), None)
    assert page.status_code == 422
    assert "请选择要核验的文件。" in plain(page)


def test_files_are_compared_thirty_times_in_a_quarter_of_an_hour(portal):
    letter, browser = issued(portal), portal.client()
    answers = [send(portal, letter, GENUINE, browser).status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]


def test_a_file_for_an_unknown_code_finds_nothing(portal):
    letter = issued(portal)
    letter.verification_code = "ABCD"
    page = send(portal, letter, GENUINE)
    assert page.status_code == 404
    assert answer_of(page) == []


def test_a_replaced_letter_says_by_which_and_since_when(portal):
    review = portal.review()
    with portal.database.transaction() as tx:
        notice = tx.scalars(select(Letter).order_by(Letter.id)).first()
    portal.complete("li", portal.task("check", review), {"result": "受理"})
    answers = {"conclusion": "变更", "amount": "1250000", "reasons": "理由成立"}
    portal.complete("he", portal.task("review", review), answers)
    portal.complete("he", portal.task("draft", review), {"findings": "查明"})
    portal.complete("chen", portal.task("sign", review), {"result": "签发"})
    address = f"/verify/{notice.verification_code}"
    assert "有效" in plain(portal.client().get(address))
    with portal.database.transaction() as tx:
        new = tx.scalars(select(Letter).where(Letter.id != notice.id).order_by(Letter.id)).all()
    for letter in new:
        portal.rendered(letter.id)
        with portal.database.transaction() as tx:
            moment = portal.machine.kernel.now(tx)
            delivery.sign_for(portal.machine.kernel, tx, portal.actor("wang"), letter.id, moment)
    said = plain(portal.client().get(address))
    changed = next(letter.number for letter in new if letter.name == "adjustment")
    assert f"已被 {changed} 取代" in said
    assert f"不再有效。请以 {changed} 为准。" in said
    assert "1,250,000" not in said
