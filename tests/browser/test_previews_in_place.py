"""Files of every kind and letters are looked at in place, and the letter of a step before it is signed."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from portal.cases.models import Attachment
from portal.documents.models import Letter
from tests.browser.site import Site
from tests.browser.windows import DESK, PHONE, Windows, choose

WORDS = {"docx": "我公司二号熟料线于第四季度完成检修后恢复生产", "xlsx": "二号线产量（吨）"}


def attachment(site: Site, kind: str) -> int:
    """The first file of a kind among the demo's."""
    with site.tools.database.transaction() as tx:
        first = select(Attachment.id).where(Attachment.kind == kind, Attachment.case_id.is_not(None))
        found = tx.scalar(first.order_by(Attachment.id).limit(1))
    assert found is not None
    return found


@pytest.mark.parametrize("width", [DESK, PHONE])
@pytest.mark.parametrize("kind", ["docx", "xlsx"])
def test_an_office_file_is_shown_as_a_page(site: Site, windows: Windows, kind: str, width: int):
    page = windows.of("chen", width)
    page.goto(f"/attachments/{attachment(site, kind)}/preview")
    expect(page.get_by_text(WORDS[kind])).to_be_visible()
    expect(page.get_by_role("link", name="下载", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    windows.shoot(page, kind)


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_picture_fits_and_can_be_enlarged_without_script(site: Site, windows: Windows, width: int):
    page = windows.of("chen", width, javascript=False)
    page.goto(f"/attachments/{attachment(site, 'png')}/preview")
    picture = page.get_by_role("img")
    expect(picture).to_be_visible()
    fitted = picture.bounding_box()
    assert fitted
    assert fitted["width"] <= width
    page.get_by_label("按原始大小显示").check()
    windows.shoot(page, "picture")


def test_a_pdf_is_shown_by_the_browser_inside_the_page(site: Site, windows: Windows):
    page = windows.of("chen")
    page.goto(f"/attachments/{attachment(site, 'pdf')}/preview")
    frame = page.frame(url=lambda url: url.endswith("/shown") or "/shown#" in url)
    assert frame is not None
    assert frame.evaluate("document.contentType") == "application/pdf"
    expect(page.get_by_text("说明浏览器不能显示 PDF，请下载后查看")).to_be_visible()


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_letter_is_seen_before_it_is_signed(site: Site, windows: Windows, width: int):
    task, _case = site.task("allocation-review", "sign")
    with site.tools.database.transaction() as tx:
        before = tx.scalars(select(Letter.number).order_by(Letter.id)).all()
    page = windows.of("chen", width)
    page.goto(f"/tasks/{task}")
    choose(page, "签发")
    page.get_by_role("button", name="预览文书").click()
    letter = page.get_by_role("article").filter(has_text="复核决定书")
    expect(letter).to_be_visible()
    expect(page.get_by_text("没有保存任何内容；文号、核验码以签发时为准")).to_be_visible()
    expect(page.get_by_label("签发", exact=True)).to_be_checked()
    windows.shoot(page, "before signing")
    with site.tools.database.transaction() as tx:
        assert tx.scalars(select(Letter.number).order_by(Letter.id)).all() == before


def test_the_letter_is_seen_before_it_is_signed_without_javascript(site: Site, windows: Windows):
    task, _case = site.task("allocation-review", "sign")
    page = windows.of("chen", javascript=False)
    page.goto(f"/tasks/{task}")
    page.get_by_label("签发", exact=True).check()
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="预览文书").click()
    expect(opened.value.get_by_role("article").filter(has_text="复核决定书")).to_be_visible()
    expect(page.get_by_label("签发", exact=True)).to_be_checked()
