"""What an official has typed is kept as he types: it is there after the browser was killed, and no window is lost."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from portal import demo
from tests.browser.conftest import chromium
from tests.browser.site import Site
from tests.browser.windows import PATIENCE, Windows, choose, hand_in

REASONS = "经核对入炉煤计量台账，原核定采用缺省值，申请人提供的逐批检测数据可以采信。"
KEPT = re.compile(r"已暂存 \d\d:\d\d")


@contextmanager
def of_its_own(browser: Browser) -> Iterator[tuple[Browser, subprocess.Popen[str]]]:
    """One more Chromium, with its process."""
    program = chromium()
    assert program is not None
    home = tempfile.mkdtemp(prefix="chromium-")
    words = [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
    process = subprocess.Popen([*words, f"--user-data-dir={home}"], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        found = next(filter(None, (re.search(r"DevTools listening on (ws://\S+)", line) for line in process.stderr)))
        yield browser.browser_type.connect_over_cdp(found[1]), process
    finally:
        process.kill()
        process.wait(10)
        if process.stderr is not None:
            process.stderr.close()
        shutil.rmtree(home, ignore_errors=True)


def signed_in(browser: Browser, site: Site, login: str) -> Page:
    page = browser.new_context(base_url=site.address, viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto("/sign-in")
    person = next(one for one in demo.accounts() if one.login == login)
    page.get_by_role("button", name=f"进入 {person.name}").click()
    page.wait_for_url(lambda url: "sign-in" not in url)
    return page


def status(page: Page):
    return page.locator("#kept")


def test_what_was_typed_is_there_after_the_browser_was_killed(site: Site, windows: Windows, browser: Browser):
    task, _case = site.task("allocation-review", "review")
    with of_its_own(browser) as (other, process):
        page = signed_in(other, site, "he")
        page.goto(f"/tasks/{task}")
        choose(page, "维持")
        page.get_by_label("理由").fill(REASONS)
        expect(status(page)).to_have_text(KEPT)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    page = windows.of("he")
    page.goto(f"/tasks/{task}")
    expect(page.get_by_text(re.compile(r"已恢复 \d\d-\d\d \d\d:\d\d 暂存的内容。"))).to_be_visible()
    expect(page.get_by_label("理由")).to_have_value(REASONS)
    expect(page.get_by_label("维持", exact=True)).to_be_checked()
    windows.shoot(page, "restored after the browser was killed")
    hand_in(page)


def test_rows_are_kept_as_well(site: Site, windows: Windows):
    task = site.draft()
    page = windows.of("zhou")
    page.goto(f"/tasks/{task}")
    page.get_by_role("button", name="添加一行").click()
    expect(page.locator("#f-units-1-amount")).to_be_visible()
    page.locator("#f-units-1-amount").fill("7,000")
    expect(status(page)).to_have_text(KEPT)
    page.goto("/inbox")
    page.goto(f"/tasks/{task}")
    expect(page.locator("#f-units-1-amount")).to_have_value("7,000")
    page.get_by_role("button", name="清除暂存").click()
    expect(page.locator("#f-units-1-amount")).to_have_count(0)


def test_the_older_window_says_so_and_overwrites_only_when_told_to(site: Site, windows: Windows):
    task = site.draft()
    old = windows.of("wu")
    new = old.context.new_page()
    for page in (old, new):
        page.goto(f"/tasks/{task}")
    new.get_by_label("核定依据").fill("新窗口")
    expect(status(new)).to_have_text(KEPT)
    old.get_by_label("核定依据").fill("旧窗口")
    expect(status(old)).to_contain_text("未能暂存：这份草稿已于")
    expect(old.get_by_label("核定依据")).to_have_value("旧窗口")
    new.reload()
    expect(new.get_by_label("核定依据")).to_have_value("新窗口")
    old.get_by_role("button", name="暂存", exact=True).click()
    expect(status(old)).to_have_text(KEPT)
    new.reload()
    expect(new.get_by_label("核定依据")).to_have_value("旧窗口")
    new.close()


def test_it_keeps_trying_while_the_portal_does_not_answer(site: Site, windows: Windows):
    task = site.draft()
    page = windows.of("zhou")
    page.goto(f"/tasks/{task}")
    page.route("**/draft", lambda route: route.abort())
    page.get_by_label("核定依据").fill("断网时写的")
    expect(status(page)).to_contain_text("未能暂存：暂时连不上系统，正在重试")
    page.unroute("**/draft")
    expect(status(page)).to_have_text(KEPT, timeout=20_000)
    windows.troubles[:] = [one for one in windows.troubles if "ERR_FAILED" not in one]


def test_a_reload_in_the_middle_of_typing_shows_what_was_typed(site: Site, windows: Windows):
    task = site.draft()
    page = windows.of("zhou")
    page.goto(f"/tasks/{task}")
    page.get_by_label("核定依据").fill("写到一半")
    page.reload()
    expect(page.get_by_label("核定依据")).to_have_value("写到一半")
    page.get_by_label("核定依据").fill("写到一半，又写一句")
    expect(status(page)).to_have_text(KEPT)


def test_a_page_that_comes_back_with_errors_is_kept_and_may_be_reloaded(site: Site, windows: Windows):
    task = site.draft()
    page = windows.of("zhou")
    page.goto(f"/tasks/{task}")
    page.get_by_label("核定依据").fill("只写了依据")
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.locator(".error-summary")).to_be_focused()
    expect(status(page)).to_have_text(KEPT)
    page.reload()
    expect(page.get_by_label("核定依据")).to_have_value("只写了依据")
    expect(page.locator(".error-summary")).to_have_count(0)


def test_a_file_that_is_given_out_does_not_end_the_keeping(site: Site, windows: Windows):
    task = site.draft()
    page = windows.of("zhou")
    page.goto(f"/tasks/{task}")
    with page.expect_download():
        page.get_by_role("button", name="下载样表").click()
    page.get_by_label("核定依据").fill("对照样表填写")
    expect(status(page)).to_have_text(KEPT, timeout=20_000)


def test_who_is_signed_out_is_told_and_the_button_shows_how_to_go_on(site: Site, windows: Windows):
    task = site.draft()
    page = windows.sign_in("zhou")
    page.goto(f"/tasks/{task}")
    page.context.clear_cookies()
    page.get_by_label("核定依据").fill("登录失效后写的")
    expect(status(page)).to_contain_text("未能暂存：登录已失效")
    page.get_by_role("button", name="暂存", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("请重新提交")
    expect(page.get_by_label("核定依据")).to_have_value("登录失效后写的")


@pytest.mark.parametrize("width", [1440, 390])
def test_without_a_script_the_button_keeps_it(site: Site, windows: Windows, width: int):
    task = site.draft()
    page = windows.sign_in("zhou", width, javascript=False)
    page.goto(f"/tasks/{task}")
    page.get_by_label("核定依据").fill("没有脚本也能暂存")
    page.get_by_role("button", name="暂存", exact=True).click()
    expect(page.get_by_text(re.compile(r"^已暂存 \d\d-\d\d \d\d:\d\d。$"))).to_be_visible()
    expect(page.get_by_label("核定依据")).to_have_value("没有脚本也能暂存")
