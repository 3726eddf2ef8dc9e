"""Without signing in: a bank checks a letter and its file, with and without JavaScript; an applicant follows a case."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import FilePayload, Page, Request, expect
from sqlalchemy import select

from portal.cases import querycodes
from portal.cases.models import Case
from portal.documents.models import Letter
from tests.browser.site import Site
from tests.browser.windows import DESK, PHONE, Windows

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def letter_file(site: Site) -> tuple[str, str, bytes]:
    """Code and number of a letter that stands, and its Word file."""
    with site.tools.database.transaction() as tx:
        letter = tx.scalars(select(Letter).where(Letter.state == "ready").order_by(Letter.id.desc())).first()
        assert letter is not None
        assert letter.object_key is not None
        return letter.verification_code, letter.number, site.tools.store.get(letter.object_key)


def payload(content: bytes) -> FilePayload:
    return {"name": "通知书.docx", "mimeType": WORD, "buffer": content}


def checked(page: Page, site: Site, content: bytes, *, javascript: bool) -> None:
    """Opens the page of the letter by its code and chooses a file."""
    code, number, _genuine = letter_file(site)
    page.goto("/verify")
    page.get_by_label("核验码").fill(code.lower())
    page.get_by_role("button", name="核验").click()
    expect(page.get_by_role("heading", name="有效")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(number)
    page.get_by_label("选择从门户下载的 Word 或 PDF 文件").set_input_files(payload(content))
    if not javascript:
        page.get_by_role("button", name="比对", exact=True).click()


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("javascript", [True, False], ids=["in the browser", "on the server"])
def test_a_genuine_file_is_told_from_an_altered_one(site: Site, windows: Windows, width: int, javascript: bool):
    page = windows.open(width, javascript=javascript)
    posted: list[Request] = []
    page.on("request", lambda request: posted.append(request) if request.method == "POST" else None)
    _code, _number, genuine = letter_file(site)
    checked(page, site, genuine, javascript=javascript)
    expect(page.get_by_role("heading", name="与本机关签发的文件一致")).to_be_visible()
    expect(page.get_by_role("heading", name="与本机关签发的文件不一致")).to_be_hidden()
    windows.shoot(page, f"genuine {'here' if javascript else 'sent'}")
    checked(page, site, genuine[:-1] + b"!", javascript=javascript)
    expect(page.get_by_role("heading", name="与本机关签发的文件不一致")).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile("文件一致$"))).to_be_hidden()
    expect(page.get_by_text("请向给您文件的人索取从门户下载的原文件再核验")).to_be_visible()
    windows.shoot(page, f"altered {'here' if javascript else 'sent'}")
    told = "文件只在您的设备上比对，不会上传。" if javascript else "文件会上传到本门户比对，比对后立即删除，不保存。"
    expect(page.get_by_text(told)).to_be_visible()
    assert len(posted) == (0 if javascript else 2), "with JavaScript the file leaves the computer never"


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_an_applicant_follows_a_case_without_signing_in(site: Site, windows: Windows, width: int):
    reviewed = select(Case).where(Case.procedure == "allocation-review", Case.status == "复核审查中，由复核人员办理")
    with site.tools.database.transaction() as tx:
        case = tx.scalars(reviewed.order_by(Case.id).limit(1)).one()
    page = windows.open(width, javascript=width == DESK)
    page.goto("/")
    windows.shoot(page, "first page")
    page.get_by_role("main").get_by_role("link", name="查询办理进度").click()
    page.get_by_label("编号").fill(case.number.replace("〔", "[").replace("〕", "]"))
    page.get_by_label("查询码").fill("aaaa-aaaa")
    page.get_by_role("button", name="查询").click()
    expect(page.get_by_role("alert").first).to_contain_text("没有找到编号和查询码都相符的办件")
    expect(page.get_by_label("编号")).to_have_value(re.compile(r"\[2026\]"))
    windows.shoot(page, "not together")
    page.get_by_label("查询码").fill(querycodes.spoken(case.query_code or "").lower())
    page.get_by_role("button", name="查询").click()
    expect(page.get_by_role("heading", name="复核审查中，由复核人员办理")).to_be_visible()
    expect(page.get_by_text("作出复核决定：10 个工作日")).to_be_visible()
    page.get_by_text("为什么是这一天？").click()
    assert case.query_code not in page.url
    windows.shoot(page, "followed")
