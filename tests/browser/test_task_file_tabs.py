"""The file beside the form: tabs by mouse, keys and address, previews in place, notes, and the other side's figures."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.site import Site
from tests.browser.windows import DESK, PHONE, Windows, choose

FITS = "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"


def opened(site: Site, windows: Windows, width: int = DESK) -> tuple[Page, int, int]:
    task, case = site.task("allocation-review", "review")
    page = windows.of("he", width)
    page.goto(f"/tasks/{task}")
    return page, task, case


def tab(page: Page, name: str):
    return page.get_by_role("tab", name=name)


def test_one_part_at_a_time_and_the_address_remembers_which(site: Site, windows: Windows):
    page, task, _case = opened(site, windows)
    expect(tab(page, "申请内容")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tabpanel")).to_have_count(1)
    tab(page, "经过").click()
    expect(page.locator("#file-history")).to_be_visible()
    expect(page.locator("#file-start")).to_be_hidden()
    assert page.url.endswith(f"/tasks/{task}#file-history")
    page.reload()
    expect(page.locator("#file-history")).to_be_visible()
    expect(tab(page, "经过")).to_have_attribute("aria-selected", "true")


def test_arrows_home_and_end_walk_the_tabs(site: Site, windows: Windows):
    page, _task, _case = opened(site, windows)
    tab(page, "申请内容").focus()
    page.keyboard.press("ArrowLeft")
    expect(tab(page, "关联案件")).to_be_focused()
    expect(page.locator("#file-links")).to_be_visible()
    page.keyboard.press("Home")
    expect(tab(page, "申请内容")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(tab(page, "材料")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#file-attachments")).to_be_focused()


def test_the_evidence_and_the_last_day_are_on_the_first_screen(site: Site, windows: Windows):
    page, _task, _case = opened(site, windows)
    for seen in (
        page.get_by_role("heading", level=1),
        page.locator(".head .chip"),
        page.get_by_label("复核结论").or_(page.get_by_role("group", name="复核结论")).first,
        page.locator("#file-start").get_by_text("事实与理由"),
        page.locator("#file-start").get_by_role("link", name=re.compile("^预览")),
        page.locator(".case-place [aria-current=step]"),
        page.locator(".deadline .date").first,
    ):
        box = seen.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 900
    windows.shoot(page, "a task on one screen")


def test_a_file_is_looked_at_beside_the_form_and_the_focus_comes_back(site: Site, windows: Windows):
    page, _task, _case = opened(site, windows)
    page.get_by_label("理由").fill("写到一半")
    link = page.locator("#file-start").get_by_role("link", name=re.compile("^预览"))
    link.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("region", name="预览", exact=True)
    expect(panel).to_be_visible()
    expect(panel).to_be_focused()
    expect(page.get_by_label("理由")).to_have_value("写到一半")
    windows.shoot(page, "a file beside the form")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(link).to_be_focused()


def test_the_difference_follows_what_is_typed(site: Site, windows: Windows):
    page, _task, _case = opened(site, windows)
    choose(page, "变更")
    amount = page.get_by_label("变更后的年度配额")
    beside = page.locator("#f-amount-beside")
    for typed, said in [
        ("5,500,000", "申请人主张：5,580,000 tCO₂e 比本栏多 80,000"),
        ("5600000", "申请人主张：5,580,000 tCO₂e 比本栏少 20,000"),
        ("5580000", "申请人主张：5,580,000 tCO₂e 与本栏相同"),
        ("很多", "申请人主张：5,580,000 tCO₂e"),
    ]:
        amount.fill(typed)
        expect(beside.locator("li").first).to_have_text(said)


def test_a_note_is_added_without_losing_what_is_typed(site: Site, windows: Windows):
    page, _task, _case = opened(site, windows)
    page.get_by_label("理由").fill("写到一半的理由")
    page.get_by_role("link", name="添加备注").click()
    note = page.get_by_label("添加备注")
    expect(note).to_be_focused()
    page.get_by_role("button", name="添加内部备注").click()
    expect(page.get_by_text("请填写备注内容")).to_be_visible()
    note.fill("已电话核实台账")
    page.get_by_role("button", name="添加内部备注").click()
    expect(page.locator(".notes").get_by_text("已电话核实台账")).to_be_visible()
    expect(tab(page, "备注")).to_have_text(re.compile(r"备注\s+1"))
    expect(page.get_by_role("button", name="确认告知申请人")).to_be_hidden()
    page.get_by_label("申请人可见", exact=True).check()
    expect(page.get_by_role("button", name="添加内部备注")).to_be_hidden()
    note.fill("请补充台账原件")
    page.get_by_role("button", name="确认告知申请人").click()
    expect(page.locator(".notes .party").get_by_text("请补充台账原件")).to_be_visible()
    expect(page.get_by_label("理由")).to_have_value("写到一半的理由")
    windows.shoot(page, "notes")


def test_the_history_is_sifted_without_the_server(site: Site, windows: Windows):
    page, _task, _case = opened(site, windows)
    tab(page, "经过").click()
    page.locator("#file-history").get_by_text("期限", exact=True).click()
    lines = page.locator("#file-history .tl > li:visible")
    expect(lines.first).to_contain_text("期限")
    assert all("期限" in text for text in lines.all_inner_texts())


def test_the_diagram_is_drawn_when_it_is_unfolded(site: Site, windows: Windows):
    page, _task, _case = opened(site, windows)
    tab(page, "流程").click()
    expect(page.locator("[data-diagram][data-state]")).to_have_count(0)
    page.get_by_text("看流程图").click()
    expect(page.locator("[data-diagram][data-state=ready]")).to_be_visible()
    expect(page.locator("[data-diagram] .here")).to_be_visible()


def test_on_a_phone_the_form_comes_first_and_only_the_tabs_scroll(site: Site, windows: Windows):
    page, _task, _case = opened(site, windows, PHONE)
    form, file = page.locator("#answers").bounding_box(), page.locator("[data-tabs]").bounding_box()
    assert form is not None
    assert file is not None
    assert form["y"] < file["y"]
    assert page.evaluate(FITS)
    for name in ("材料", "备注", "经过", "流程"):
        tab(page, name).click()
        assert page.evaluate(FITS), name
    windows.shoot(page, "a task on a phone")


def test_without_a_script_all_parts_stand_below_each_other(site: Site, windows: Windows):
    task, case = site.task("allocation-review", "review")
    page = windows.sign_in("he", javascript=False)
    for path in (f"/tasks/{task}", f"/cases/{case}"):
        page.goto(path)
        for part in ("start", "attachments", "said", "notes", "history", "way", "links"):
            expect(page.locator(f"#file-{part}")).to_be_visible()
        expect(page.locator("#viewer-panel")).to_be_hidden()
    page.get_by_role("link", name=re.compile("^预览")).first.click()
    assert re.search(r"/attachments/\d+/preview$", page.url)
