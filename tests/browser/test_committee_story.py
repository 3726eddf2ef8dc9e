"""A committee of experts by hand: drawn, one recused, votes from three browsers at once, minutes, and drawn again."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from portal.cases.models import Case, Task
from portal.registers.models import Draw, Replacement
from tests.browser.filings import done, filed
from tests.browser.site import Seeded, Site
from tests.browser.windows import DESK, PHONE, Windows, choose, claim, hand_in, text_of, until_there

TITLE = "公共汽车换乘碳普惠方法学"
EXPERTS = {
    "Z01": ("qin", "秦岚"), "Z02": ("han", "韩松"), "Z03": ("yang", "杨帆"), "Z04": ("zhu", "朱青"),
    "Z05": ("you", "尤明"),
}  # fmt: skip
SAID = ("换乘里程没有核对，减排量被高估。", "参数来源清楚，建议通过。", "基准线偏高，不能成立。")
VOTES = ("不通过", "通过", "不通过")
SUMMARY = "两名专家认为换乘里程没有核对，一名专家同意。"
RESERVED = "仍认为参数来源清楚。"
WHY_NOT = "与编写人员有师生关系"
DEPARTS = "专家所指的换乘里程，申请人已提供刷卡记录核对，结论与补充材料不符。"
WIDTHS = {"Z01": PHONE, "Z02": DESK, "Z03": PHONE, "Z04": DESK, "Z05": PHONE}
"""Some experts sit at a desk."""
TOO_FEW = (
    "需抽取 7 人，名册中可以抽取的只有 5 人。"
    "被排除的：与申请人同单位：1 人（蒋路）；已申报与申请人的利害关系：1 人（褚文）。"
)


@pytest.fixture(scope="module")
def seeded(demo_with_filings: Seeded) -> Seeded:
    """Here filings are reviewed by experts."""
    return demo_with_filings


@dataclass(frozen=True)
class Review:
    """The case that is reviewed; its drawing and the digest that was public at once; by their numbers on the register
    who was drawn, and who sits now."""

    case: int
    number: str
    draw: int = 0
    seal: str = ""
    drawn: tuple[str, ...] = ()
    seats: tuple[str, ...] = ()


def to_convene(site: Site) -> Review:
    """A methodology that was handed in, taken in and audited: the committee is to be convened."""
    case = filed(site, "shenyi", TITLE, "in committee")
    done(site, case, "check", "xu", result="受理")
    done(site, case, "audit", "ke", result="符合要求", report="核算方法完整，参数来源清楚。")
    done(site, case, "plan", "lv", result="组织专家评审")
    with site.tools.database.transaction() as tx:
        return Review(case, tx.get_one(Case, case).number)


def open_tasks(site: Site, case: int, element: str) -> list[int]:
    """The open tasks of an element, seat by seat."""
    with site.tools.database.transaction() as tx:
        wanted = select(Task.id).where(Task.case_id == case, Task.element == element, Task.state == "open")
        return list(tx.scalars(wanted.order_by(Task.scope, Task.id)))


def test_a_committee_from_the_draw_to_the_minutes(site: Site, windows: Windows, tmp_path: Path):
    review = to_convene(site)
    drawn = convened(site, windows, review)
    committee = replaced(site, windows, drawn)
    pages = opinions_open(windows, committee)
    late = voted(windows, committee, pages)
    minuted(windows, committee, late)
    departed_from(windows, committee)
    published(windows, committee, tmp_path)


def convened(site: Site, windows: Windows, review: Review) -> Review:
    """The handler has three drawn: he reads who was left out and why; the public does not know yet who sits."""
    page = windows.of("lv")
    claim(page, review.number)
    expect(page.get_by_label("评审领域")).to_have_value("低碳出行")
    page.get_by_label("专家人数").fill("4")
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("alert").first).to_contain_text("专家人数应为单数，且不少于 3 人")
    page.get_by_label("专家人数").fill("7")
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text(TOO_FEW)
    windows.look_at(page, "too few")
    page.get_by_label("专家人数").fill("3")
    hand_in(page)
    with site.tools.database.transaction() as tx:
        draw = tx.scalars(select(Draw).where(Draw.case_id == review.case)).one()
        found = replace(review, draw=draw.id, drawn=tuple(draw.drawn), seats=tuple(draw.drawn))
    page.goto(f"/cases/{review.case}")
    page.get_by_role("tab", name="专家抽取").click()
    told = page.locator("#file-draws")
    expect(told.locator(".seats li")).to_have_text([f"{number} {EXPERTS[number][1]}" for number in found.seats])
    expect(told).to_contain_text("可以抽取 5 人")
    expect(told.locator("dl")).to_have_text("与申请人同单位Z06 蒋路已申报与申请人的利害关系Z07 褚文")
    windows.look_at(page, "drawn")
    told.get_by_role("link", name="公开的抽取记录").click()
    expect(page.get_by_role("main")).to_contain_text("这次抽取的评审还没有结束。")
    assert not re.search(r"Z0\d", text_of(page)), "nobody is to know meanwhile who sits"
    [seal] = re.findall(r"\b[0-9a-f]{64}\b", text_of(page))
    windows.look_at(page, "not public yet")
    return replace(found, seal=seal)


def begun(windows: Windows, review: Review, number: str, what: str) -> Page:
    """An expert opens, from his tasks, what he is asked in this case."""
    page = windows.of(EXPERTS[number][0], WIDTHS[number])
    page.goto("/my/tasks")
    asked = page.locator("section.state").filter(has_text=review.number)
    expect(asked).to_contain_text(f"请办理：{what}")
    asked.get_by_role("link", name="现在办理").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(what)
    return page


def accepts(windows: Windows, review: Review, number: str) -> None:
    """An expert takes part; without his declaration he cannot."""
    page = begun(windows, review, number, "答复邀请")
    choose(page, "参加")
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("alert").first).to_contain_text("我声明与申请人和所评审的文件没有利害关系")
    page.get_by_label("我声明与申请人和所评审的文件没有利害关系").check()
    hand_in(page)


def replaced(site: Site, windows: Windows, review: Review) -> Review:
    """The third recuses himself, the next of the order comes in his place, and all three accept."""
    gone = review.seats[2]
    page = begun(windows, review, gone, "答复邀请")
    stale = again(page)
    choose(page, "申请回避")
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("alert").first).to_contain_text("请填写理由")
    page.get_by_label("理由").fill(WHY_NOT)
    windows.look_at(page, "recused")
    hand_in(page)
    with site.tools.database.transaction() as tx:
        [change] = tx.scalars(select(Replacement).where(Replacement.draw_id == review.draw))
    assert (change.number, change.reason) == (gone, "申请回避或不能参加")
    assert change.by is not None
    stale.get_by_label("参加", exact=True).check()
    expect(stale.get_by_text("“答复邀请”已经提交，不需要再办理。")).to_be_visible()
    too_late(windows, stale, "答复邀请", EXPERTS[gone][1])
    sits = (*review.seats[:2], change.by)
    for number in sits:
        accepts(windows, review, number)
    return replace(review, seats=sits)


def opinions_open(windows: Windows, review: Review) -> dict[str, Page]:
    """Three browsers at once, each with the case's documents; of the case itself nobody reads more."""
    pages = {number: begun(windows, review, number, "出具评审意见") for number in review.seats}
    for page in pages.values():
        shown = page.get_by_role("region", name="供您办理的材料")
        expect(shown).to_contain_text(TITLE)
        expect(shown.get_by_role("link", name=re.compile("下载"))).to_have_text(
            [f"下载 {TITLE}方法学文本.pdf", f"下载 {TITLE}编制说明.pdf"]
        )
        others = (f"/my/cases/{review.case}", f"/cases/{review.case}")
        assert [page.context.request.get(place).status for place in others] == [404, 403]
    windows.look_at(pages[review.seats[0]], "opinion")
    return pages


def voted(windows: Windows, review: Review, pages: dict[str, Page]) -> Page:
    """Each votes without seeing what the others said, and once; a page that one of them has still open."""
    twice, late = (again(pages[number]) for number in review.seats[:2])
    for number, result, opinion in zip(review.seats, VOTES, SAID, strict=True):
        page = pages[number]
        page.reload()
        assert not [other for other in SAID if other in page.content()]
        page.get_by_label(result, exact=True).check()
        page.get_by_label("理由和修改建议").fill(opinion)
        hand_in(page)
    votes_again(windows, twice, EXPERTS[review.seats[0]][1])
    return late


def again(page: Page) -> Page:
    """The same page once more, in another tab of the same browser."""
    tab = page.context.new_page()
    tab.goto(page.url)
    return tab


def too_late(windows: Windows, tab: Page, what: str, name: str) -> None:
    """Hands in what was handed in already: he reads when, that it stays so, and loses nothing of what he typed."""
    tab.get_by_role("button", name="提交", exact=True).click()
    told = tab.get_by_role("alert").first
    expect(told).to_contain_text(re.compile(rf"“{what}”已于 09-21 \d\d:\d\d 由{name}提交，以那次提交的为准"))
    expect(told).to_contain_text("这次填写的内容没有提交，仍在下面")
    windows.look_at(tab, f"too late {what}")
    tab.close()


def votes_again(windows: Windows, tab: Page, name: str) -> None:
    """Somebody votes who has voted."""
    tab.get_by_label("修改后通过", exact=True).check()
    tab.get_by_label("理由和修改建议").fill("改主意了")
    too_late(windows, tab, "出具评审意见", name)


def minuted(windows: Windows, review: Review, late: Page) -> None:
    """The chair reads all opinions and says what most of them say; all sign, and the minutes are a letter."""
    chair, other, _ = review.seats
    page = begun(windows, review, chair, "汇总评审意见")
    expect(page.get_by_text("各专家意见：通过 1 人，修改后通过 0 人，不通过 2 人。")).to_be_visible()
    names = [EXPERTS[number][1] for number in review.seats]
    for name, result, opinion in zip(names, VOTES, SAID, strict=True):
        expect(page.get_by_text(f"{name}（{result}）：{opinion}", exact=True)).to_be_visible()
    page.get_by_label("通过", exact=True).check()
    page.get_by_label("综合意见").fill(SUMMARY)
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("alert").first).to_contain_text("评审结论应当与多数专家的意见一致")
    page.get_by_label("不通过", exact=True).check()
    windows.look_at(page, "consolidated")
    hand_in(page)
    votes_again(windows, late, EXPERTS[other][1])
    for number in review.seats:
        page = begun(windows, review, number, "签署评审纪要")
        expect(page.get_by_text("评审结论：不通过。", exact=True)).to_be_visible()
        expect(page.get_by_text(f"综合意见：{SUMMARY}", exact=True)).to_be_visible()
        page.get_by_label("我已阅读评审结论和综合意见，同意签署评审纪要").check()
        if number == other:
            page.get_by_label("保留意见").fill(RESERVED)
            windows.look_at(page, "signed with a reservation")
        hand_in(page)
    page = windows.of("lv", PHONE)
    page.goto(f"/cases/{review.case}")
    until_there(page, page.locator("#file-letters").get_by_text("专家评审纪要").first)
    page.get_by_role("tab", name="文书").click()
    page.locator("#file-letters").get_by_role("link", name="专家评审纪要", exact=True).click()
    minutes = page.get_by_role("article")
    until_there(page, minutes)
    for text in (*names, SUMMARY, RESERVED, review.seal):
        expect(minutes).to_contain_text(text)
    windows.look_at(page, "minutes")


def departed_from(windows: Windows, review: Review) -> None:
    """The advice was no; the authority says yes, and has to say why."""
    page = windows.of("lv")
    page.goto(f"/cases/{review.case}")
    page.get_by_role("link", name="办理", exact=True).click()
    page.get_by_role("button", name="领取").click()
    assert "Decimal" not in page.content()
    choose(page, "同意备案")
    page.get_by_label("理由", exact=True).fill("核证中心审核符合要求。")
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("alert").first).to_contain_text("请填写与专家评审结论不同的理由")
    page.get_by_label("与专家评审结论不同的理由").fill(DEPARTS)
    windows.look_at(page, "departs from the advice")
    hand_in(page)
    page.goto(f"/cases/{review.case}")
    expect(page.get_by_role("heading", name="公示中")).to_be_visible()


def published(windows: Windows, review: Review, folder: Path) -> None:
    """Anybody reads the drawing now, and draws again with the portal's own program."""
    page = windows.open(PHONE)
    page.goto(f"/registry/draws/{review.draw}")
    seats = page.locator(".seats > li")
    expect(seats).to_have_count(3)
    for seat, number in enumerate(review.drawn):
        expect(seats.nth(seat)).to_contain_text(f"{number} {EXPERTS[number][1]}")
    expect(seats.last).to_contain_text(f"申请回避或不能参加 → {review.seats[2]} {EXPERTS[review.seats[2]][1]}")
    told = text_of(page)
    assert "与申请人同单位 1 人 Z06 已申报与申请人的利害关系 1 人 Z07" in told
    assert "可以抽取的人 5 人 Z01、Z02、Z03、Z04、Z05" in told
    assert re.search(r"种子 [0-9a-f]{32}\b", told)
    assert not [word for word in (WHY_NOT, RESERVED, *SAID) if word in page.content()]
    windows.look_at(page, "public")
    record = page.context.request.get(f"/registry/draws/{review.draw}.json")
    (folder / "record.json").write_text(record.text(), encoding="utf-8")
    page.get_by_role("link", name="怎样重新抽取").click()
    with page.expect_download() as file:
        page.get_by_role("link", name="draw_again.py").click()
    file.value.save_as(folder / "draw_again.py")
    program = [sys.executable, "draw_again.py", "record.json", review.seal]
    again = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=True)
    assert again.stdout.splitlines()[0] == f"The same people: {', '.join(review.drawn)}"
