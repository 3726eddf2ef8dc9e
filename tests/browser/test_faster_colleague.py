"""Two officials open the same task: the slower one is told who was faster, and keeps what he has typed."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.site import Site
from tests.browser.windows import Windows, choose, hand_in

FINDINGS = "外购蒸汽的计量凭证缺少第三季度，其余与核查报告一致。"


def test_the_second_sees_who_was_faster_and_loses_nothing(site: Site, windows: Windows):
    task, _case = site.task("allocation-review", "review")
    he, zheng = windows.of("he"), windows.of("zheng")
    for page in (he, zheng):
        page.goto(f"/tasks/{task}")
        choose(page, "维持")
    he.get_by_label("理由").fill("原核定数据来源清楚。")
    zheng.get_by_label("理由").fill(FINDINGS)
    hand_in(he)
    zheng.get_by_role("button", name="提交", exact=True).click()
    told = re.compile(r"这项任务已于 \S+ \S+ 由何平办结。您填写的内容没有提交，仍保留在页面上。")
    expect(zheng.get_by_role("alert").filter(has_text=told)).to_be_visible()
    expect(zheng.get_by_label("理由")).to_have_value(FINDINGS)
    expect(zheng.get_by_label("维持", exact=True)).to_be_checked()
    expect(zheng.get_by_role("button", name="提交", exact=True)).to_have_count(0)
    windows.shoot(zheng, "a colleague was faster")


def test_who_opens_a_claimed_task_sees_who_has_it(site: Site, windows: Windows):
    task = site.draft()
    zhou, wu = windows.of("zhou"), windows.of("wu")
    zhou.goto(f"/tasks/{task}")
    zhou.get_by_role("button", name="领取").click()
    wu.goto(f"/tasks/{task}")
    expect(wu.get_by_role("status").filter(has_text="周正已领取这项任务。")).to_be_visible()
    expect(wu.get_by_role("button", name="领取")).to_have_count(0)
    windows.shoot(wu, "a colleague has it")
