"""Uploads with a filing: what is refused is told at its field, and everything else is kept."""

from __future__ import annotations

import io
import struct
import zipfile
from dataclasses import replace

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.cases.models import Attachment, Filing
from portal.db import Database
from portal.db.database import DatabaseUnreachable
from portal.procedures.manifest import Material
from portal.storage import MemoryStore, StoreUnavailable
from tests.builders.pages import ETS, Portal, plain
from tests.web.test_applicant import PDF, Story

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + struct.pack(">II", 8, 8) + b"\0" * 9 + b"\0\0\0\0IEND\xaeB`\x82"
EXE = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00"


class Drafting(Story):
    """A notice served, a draft about it begun."""

    about: int
    place: str

    def upload(self, *files: tuple[str, bytes], go: str = "next", **more: str) -> TestResponse:
        """Posts the step of the files."""
        return self.post_step(f"{self.place}/evidence", {"_go": go, **more}, *files)


@pytest.fixture
def story(portal: Portal) -> Drafting:
    """A notice served, a draft begun."""
    story = Drafting(portal)
    story.about, _letter = story.served()
    story.place = story.draft(story.about)
    return story


@pytest.fixture
def small(story: Drafting, monkeypatch: pytest.MonkeyPatch) -> Material:
    """The material with a limit of 2 MB and 2 files."""
    with story.portal.database.transaction() as tx:
        procedure = story.portal.machine.kernel.releases.newest(tx, ETS).procedure("allocation-review")
    material = replace(procedure.manifest.materials["evidence"], size=2_000_000, most=2)
    monkeypatch.setitem(procedure.manifest.materials, "evidence", material)  # type: ignore[arg-type]
    return material


def kept(story: Drafting) -> list[str]:
    """The names of the files that the draft holds."""
    with story.portal.database.transaction() as tx:
        ids = tx.scalars(select(Filing)).one().answers.get("evidence", [])
        return list(tx.scalars(select(Attachment.name).where(Attachment.id.in_(map(int, ids))).order_by(Attachment.id)))


def docx() -> bytes:
    """A file that has the bones of a Word file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<document/>")
    return stream.getvalue()


def test_what_may_be_uploaded_is_told_before_choosing(story: Drafting, small: Material) -> None:
    page = story.wang.get(f"{story.place}/evidence")
    assert "产量、能耗台账、检测报告等。每个文件不超过 2 MB，最多 2 个。" in plain(page)
    assert "可上传 .pdf .docx .xlsx .jpg .png" in plain(page)
    assert 'accept=".pdf,.docx,.xlsx,.jpg,.png"' in page.text


REFUSED = {
    "空.pdf": (b"", "“空.pdf”是空文件（0 字节），请重新选择。"),
    "大.pdf": (PDF + b"\0" * 2_000_000, "“大.pdf”超过 2 MB 的上限，请压缩或拆分后上传。"),
    "报告.pdf": (EXE, "“报告.pdf”不是可以接受的文件（pdf、docx、xlsx、jpg、png），或内容与扩展名不符。"),
    "报告.exe": (EXE, "“报告.exe”不是可以接受的文件"),
    "图.pdf": (PNG, "“图.pdf”不是可以接受的文件"),
    "没有扩展名": (PDF, "“没有扩展名”不是可以接受的文件"),
    "加密.xlsx": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 40,
        "“加密.xlsx”加了密码，或者是旧版 Office 格式，无法查看。请取消密码，另存为 .xlsx 后上传。",
    ),
    "压缩.docx": (b"PK\x03\x04" + b"\0" * 40, "“压缩.docx”不是可以接受的文件"),
    "../../etc/passwd": (b"root:x:0:0", "“passwd”不是可以接受的文件"),
}


def test_files_that_are_refused(story: Drafting, small: Material) -> None:
    story.upload(("好.pdf", PDF), go="save")
    for name, (data, told) in REFUSED.items():
        for go in ("next", "back", "save"):
            answer = story.upload((name, data), go=go)
            assert answer.status_code == 422, name
            page = plain(answer)
            assert page.count(told) == 2, name  # above the form, and at the field
            assert "有 1 处需要改正" in page
            assert "好.pdf" in page
            assert kept(story) == ["好.pdf"], name


KEPT = {
    "../../etc/passwd.pdf": (PDF, "passwd.pdf"),
    "长" * 300 + ".pdf": (PDF + b"1", "长" * 120 + ".pdf"),
    "a\u202efdp.pdf": (PDF + b"2", "afdp.pdf"),
    "说明.docx": (docx(), "说明.docx"),
    "图.PNG": (PNG, "图.PNG"),
}


def test_files_are_kept_under_clean_names(story: Drafting) -> None:
    clean = []
    for name, (data, cleaned) in KEPT.items():
        assert story.fill(story.place, (name, data)).status_code == 303, name
        clean.append(cleaned)
        assert kept(story) == clean
    check = story.read(f"{story.place}/check-answers")
    assert all(f"{name}（1 KB）" in check for name in clean)


def test_too_many_files_keep_those_that_fit(story: Drafting, small: Material) -> None:
    files = [(f"{number}.pdf", PDF + bytes([number])) for number in range(1, 4)]
    answer = story.fill(story.place, *files)
    assert answer.status_code == 422
    assert "“证明材料”最多上传 2 个文件，这次选择的有 1 个没有上传。" in plain(answer)
    assert kept(story) == ["1.pdf", "2.pdf"]


def test_one_bad_file_does_not_lose_the_good_ones(story: Drafting) -> None:
    answer = story.fill(story.place, ("好.pdf", PDF), ("空.pdf", b""))
    assert answer.status_code == 422
    assert kept(story) == ["好.pdf"]
    assert "好.pdf" in plain(answer)


def test_the_same_file_twice_is_kept_once(story: Drafting) -> None:
    for _click in range(2):
        story.fill(story.place, ("好.pdf", PDF), go="save")
    assert kept(story) == ["好.pdf"]


def test_a_file_is_removed_by_its_button_and_the_rest_is_saved(story: Drafting) -> None:
    story.fill(story.place, ("一.pdf", PDF + b"1"), ("二.pdf", PDF + b"2"), go="save")
    with story.portal.database.transaction() as tx:
        first = tx.scalars(select(Attachment.id).where(Attachment.name == "一.pdf")).one()
    step = f"{story.place}/evidence"
    removed = story.wang.post(step, {"_remove": str(first)}, follow_redirects=True)
    assert "文件已移除，其他内容已保存。" in plain(removed)
    assert "产量数据有误" in story.read(f"{story.place}/grounds")
    assert kept(story) == ["二.pdf"]


def test_a_file_of_another_window_stays(story: Drafting) -> None:
    story.wang.get(story.place)
    story.fill(story.place, ("一.pdf", PDF + b"1"), go="save")
    story.fill(story.place, ("二.pdf", PDF + b"2"), go="save")
    assert kept(story) == ["一.pdf", "二.pdf"]


def test_the_object_lies_in_the_store_before_its_row(story: Drafting) -> None:
    story.fill(story.place, ("好.pdf", PDF), go="save")
    with story.portal.database.transaction() as tx:
        row = tx.scalars(select(Attachment)).one()
    assert story.portal.machine.store.get(row.key) == PDF
    assert len(row.key) > 20
    assert row.case_id is None


def test_a_store_that_is_away_keeps_the_answers(story: Drafting, monkeypatch: pytest.MonkeyPatch) -> None:
    story.fill(story.place, ("好.pdf", PDF), go="save")

    def away(*_args: object) -> None:
        raise StoreUnavailable(reason="down")

    monkeypatch.setattr(MemoryStore, "put", away)
    answer = story.fill(story.place, ("新.pdf", PDF + b"new"), grounds="写了很久的理由")
    assert answer.status_code == 422
    assert "“新.pdf”没有上传成功：文件存储暂时不可用" in plain(answer)
    monkeypatch.undo()
    assert kept(story) == ["好.pdf"]
    assert "写了很久的理由" in story.read(f"{story.place}/grounds")


def test_a_request_too_large_for_the_portal_keeps_what_was_typed(story: Drafting) -> None:
    answer = story.fill(story.place, ("大.pdf", PDF + b"\0" * 5_000_000), grounds="写了很久的理由")
    assert answer.status_code == 413
    assert "一次提交的内容不能超过 4 MB" in plain(answer)
    assert "写了很久的理由" in story.read(f"{story.place}/grounds")


def test_a_database_that_is_away_keeps_what_was_typed(story: Drafting, monkeypatch: pytest.MonkeyPatch) -> None:
    token = story.wang.token("/home")

    def away(*_args: object) -> None:
        raise DatabaseUnreachable(reason="down")

    monkeypatch.setattr(Database, "transaction", away)
    answer = story.wang.raw.post(
        f"{story.place}/grounds",
        data={"grounds": "写了很久的理由", "_go": "next", "_labels": '{"grounds": "事实与理由"}', "csrf_token": token},
    )
    assert answer.status_code == 503
    assert "写了很久的理由" in answer.text
    assert "事实与理由" in answer.text
    assert f'action="{story.place}/grounds"' in answer.text
    assert 'name="_go" value="next"' in answer.text


def test_an_expired_form_keeps_what_was_typed(story: Drafting) -> None:
    step = f"{story.place}/grounds"
    answer = story.wang.raw.post(step, data={"grounds": "写了很久的理由", "csrf_token": "old"})
    assert answer.status_code == 400
    assert "写了很久的理由" in answer.text


def test_a_draft_is_found_again(story: Drafting) -> None:
    story.fill(story.place, ("好.pdf", PDF), go="save", grounds="只写了一半", claimed_amount="")
    home = story.read("/home")
    assert "填了一半的申请" in home
    assert story.draft(story.about) == story.place
    assert story.wang.get(story.place).location == f"{story.place}/claimed_amount"
    assert "只写了一半" in story.read(f"{story.place}/grounds")
    assert "好.pdf" in story.read(f"{story.place}/evidence")
    assert story.count(Filing) == 1


def test_an_unfinished_draft_cannot_be_handed_in(story: Drafting) -> None:
    story.fill(story.place, go="save", claimed_amount="")
    first = f"{story.place}/claimed_amount?check=1&to=check"
    assert story.wang.get(f"{story.place}/check-answers").location == first
    answer = story.wang.post(f"{story.place}/check-answers")
    assert (answer.status_code, answer.location) == (303, first)
    page = story.read(first)
    assert "还不能提交：这一步还没有完成。" in page
    assert "有 1 处需要改正" in page
    assert page.count("请填写主张的年度配额") == 2


def test_an_answer_that_names_anothers_file_names_nothing(story: Drafting) -> None:
    story.fill(story.place, ("好.pdf", PDF), go="save")
    story.wang.post(f"{story.place}/evidence", {"evidence": "1", "_kept.evidence": "1", "_go": "save"})
    assert kept(story) == ["好.pdf"]


def test_the_same_content_under_another_name_is_told_and_not_taken_twice(story: Drafting) -> None:
    again = story.fill(story.place, ("台账.pdf", PDF), ("台账（副本）.pdf", PDF), go="save")
    assert "“台账（副本）.pdf”与“台账.pdf”内容相同，没有重复上传。" in plain(story.wang.get(again.location))
    twice = story.fill(story.place, ("台账.pdf", PDF), go="save")
    assert "内容相同" not in plain(story.wang.get(twice.location))
    assert kept(story) == ["台账.pdf"]
