"""Without a mouse: the inbox's keys, the skip link, a whole form, and the way from an error to its field."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.site import Site
from tests.browser.windows import Windows

OVERDUE, NO_DEADLINE = "渝环复案〔2026〕2号", "渝环配分〔2026〕8号"


@pytest.fixture
def page(windows: Windows) -> Page:
    """The leader's inbox: two tasks to claim, the overdue one first."""
    page = windows.of("chen")
    page.goto("/inbox?view=role")
    return page


def focused(page: Page) -> Locator:
    return page.locator(":focus")


def row(page: Page) -> Locator:
    """The row in which the focus is; it is on the link, which a screen reader says."""
    return page.locator("tr:has(a.go:focus)")


def tab_to(page: Page, wanted: Locator, most: int = 40) -> None:
    """Presses Tab until something has the focus; whatever has it on the way shows that it has."""
    for _ in range(most):
        page.keyboard.press("Tab")
        assert shows_focus(focused(page)), focused(page).evaluate("element => element.outerHTML")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"{most} times Tab do not lead there; the focus is on {focused(page).inner_text()!r}")


def shows_focus(element: Locator) -> bool:
    """Whether something about the focused element, what is in it or right around it looks different without focus."""
    return element.evaluate(
        """element => {
            const near = [element, element.parentElement, element.closest('label'), ...element.children];
            const look = () => near.filter(Boolean).map((one) => {
                const style = getComputedStyle(one);
                return [style.outlineStyle, style.outlineWidth, style.boxShadow].join();
            }).join(';');
            const focused = look();
            element.blur();
            const plain = look();
            element.focus({ preventScroll: true });
            return focused !== plain;
        }"""
    )


def test_j_and_k_move_and_enter_opens(page: Page, windows: Windows):
    page.keyboard.press("j")
    expect(row(page)).to_contain_text(OVERDUE)
    assert shows_focus(focused(page))
    windows.shoot(page, "first row")
    page.keyboard.press("j")
    expect(row(page)).to_contain_text(NO_DEADLINE)
    page.keyboard.press("j")
    expect(row(page)).to_contain_text(NO_DEADLINE)
    page.keyboard.press("k")
    expect(row(page)).to_contain_text(OVERDUE)
    page.keyboard.press("c")
    expect(page.get_by_role("heading", level=1)).to_contain_text(OVERDUE)
    expect(page.get_by_role("button", name="退回岗位")).to_be_visible()
    page.goto("/inbox")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(OVERDUE)
    page.get_by_role("button", name="退回岗位").click()


def test_the_keys_can_be_switched_off(page: Page):
    page.get_by_role("button", name="关闭单键").click()
    page.keyboard.press("j")
    expect(row(page)).to_have_count(0)
    page.reload()
    page.keyboard.press("j")
    expect(row(page)).to_have_count(0)
    page.get_by_role("button", name="启用单键").click()
    page.keyboard.press("j")
    expect(row(page)).to_have_count(1)


def test_slash_goes_to_the_search(page: Page):
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("jkc/")
    expect(page.get_by_role("searchbox")).to_have_value("jkc/")


def test_the_skip_link_comes_first_and_leads_to_the_content(page: Page, windows: Windows):
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="跳到正文")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    windows.shoot(page, "skip link")
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.get_by_role("main").evaluate("main => main.contains(document.activeElement)")


def test_a_form_by_keyboard_alone(page: Page, windows: Windows):
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("c")
    expect(page.get_by_role("heading", level=1)).to_contain_text(NO_DEADLINE)
    submit = page.get_by_role("button", name="提交", exact=True)
    tab_to(page, submit)
    page.keyboard.press("Enter")
    fault = page.get_by_role("alert").get_by_role("link")
    expect(fault).to_be_visible()
    tab_to(page, fault)
    windows.shoot(page, "error summary")
    page.keyboard.press("Enter")
    expect(page.get_by_label("签发", exact=True)).to_be_focused()
    page.keyboard.press("ArrowRight")
    opinion = page.get_by_label("退回意见")
    expect(opinion).to_be_visible()
    expect(page.get_by_label("退回", exact=True), "the focus is not lost by a refresh").to_be_focused()
    tab_to(page, submit)
    page.keyboard.press("Enter")
    fault = page.get_by_role("alert").get_by_role("link", name="请填写退回意见")
    expect(fault).to_be_visible()
    tab_to(page, fault)
    page.keyboard.press("Enter")
    expect(opinion).to_be_focused()
    page.keyboard.type("请补充核定依据。")
    windows.shoot(page, "opinion typed")
    tab_to(page, submit)
    page.keyboard.press("Space")
    expect(page.get_by_role("status").filter(has_text="已提交")).to_contain_text(
        f"“{NO_DEADLINE} 签批分配结果”已提交：退回。接下来由承办人办理“核定年度配额”。"
    )


def test_what_is_typed_while_the_form_is_refreshed_stays(site: Site, windows: Windows):
    """A slow answer to one question must not wipe out what was typed elsewhere meanwhile."""
    task, _case = site.task("allocation-review", "review")
    page = windows.of("he")
    page.goto(f"/tasks/{task}")
    held = []
    page.route(f"**/tasks/{task}", lambda route: held.append(route))
    page.get_by_label("变更", exact=True).check()
    page.get_by_label("理由").press_sequentially("经核对，")
    page.wait_for_timeout(50)
    [route] = held
    route.continue_()
    expect(page.get_by_label("变更后的年度配额")).to_be_visible()
    expect(page.get_by_label("理由")).to_have_value("经核对，", timeout=2000)
