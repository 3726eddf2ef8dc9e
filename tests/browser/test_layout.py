"""Every page at every width: it fits, its policy and console are clean, and nobody is kept from using it."""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from portal import clock, identity
from portal.cases import incidents
from portal.identity import systems, tokens
from tests.browser.files import pdf, program
from tests.browser.filings import audited
from tests.browser.looks import barriers, faults
from tests.browser.site import ETS, Seeded, Site
from tests.browser.windows import DESK, HEIGHTS, PHONE, Windows, until_there
from tests.builders.extent import THOROUGH

# What is no page: files, what machines ask for, and what only leads on.
NO_PAGES = {
    "static", "files.letter", "files.letter_pdf", "files.attachment", "previews.shown_file", "official.arrivals",
    "official.diagram", "health.healthz", "health.readyz", "metrics.metrics", "applicant.file", "applicant.draft",
    "switching.choose",
    "official.answered_rows", "official.copy_file", "registration.proof", "messages.message_target",
    "registry_files.register_csv", "registry_files.register_json", "registry_files.record_json", "draws.draw_json",
    "notices.feed", "notices.data", "notices.file", "official.archive_list", "official.archive_zip",
    "tracking.letter_file",
}  # fmt: skip
MOST, ENOUGH = 3, 9
"""Pages of one kind that one person looks at; of those that so many were seen of already, one is enough."""
CLOSELY = 3 if THOROUGH else 1
"""Pages of one kind that are looked at closely, by whomever."""
ZOOMED = 720
"""What a window of 1440 pixels shows at 200 %."""


@pytest.fixture(scope="module")
def seeded(demo_with_filings: Seeded) -> Seeded:
    """Pages of filings, drawings and notices are looked at too."""
    return demo_with_filings


@pytest.fixture(scope="module")
def seen() -> Counter[str]:
    """How many pages of each kind were looked at so far."""
    return Counter()


def looked_at(page: Page, *, closely: bool = True) -> list[str]:
    """What is wrong with the page that is open, at every width; closely: whom it keeps out, and at 200 %, too."""
    found, widths = [], (DESK, ZOOMED, PHONE) if closely else (DESK, PHONE)
    now = page.viewport_size
    assert now
    # The width that the window has already comes first: to change it is slow.
    for width in sorted(widths, key=lambda width: (width != now["width"], -width)):
        if width != now["width"]:
            page.set_viewport_size({"width": width, "height": HEIGHTS.get(width, HEIGHTS[DESK])})
        wrong = faults(page) + (barriers(page) if closely and width != ZOOMED else [])
        found += [f"{urlsplit(page.url).path} at {width}: {fault}" for fault in wrong]
    return found


def test_what_is_wrong_is_found(windows: Windows):
    page = windows.open()
    page.goto("/")
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<input>')")
    assert any(found.startswith("critical: label: ") for found in barriers(page))
    assert any(found.startswith("no label: <input") for found in faults(page))


def kind_of(site: Site, url: str) -> str | None:
    """The endpoint of a page of the site; None for what is no page."""
    parts = urlsplit(url)
    if parts.netloc != urlsplit(site.address).netloc:
        return None
    endpoint, _arguments = site.flask.url_map.bind("").match(parts.path, method="GET")
    return None if endpoint in NO_PAGES else endpoint


def walk(site: Site, page: Page, seen: Counter[str]) -> list[str]:
    """Follows every link from the page that is open, looking at a few pages of each kind."""
    waiting, known, count, found = [page.url], {page.url}, Counter(), []
    while waiting:
        url = waiting.pop(0)
        kind = kind_of(site, url)
        if kind is None or count[kind] >= (MOST if seen[kind] < ENOUGH else 1):
            continue
        if page.url != url:
            page.goto(url)
        count[kind] += 1
        shown = kind_of(site, page.url) or ""
        found += looked_at(page, closely=seen[shown] < CLOSELY)
        seen[shown] += 1
        links = page.locator("a[href]").evaluate_all("links => links.map((link) => link.href.split('#')[0])")
        waiting += [link for link in dict.fromkeys(links) if link not in known]
        known.update(links)
    return found


@pytest.fixture(scope="module", autouse=True)
def states(site: Site) -> None:
    """What the demo's cases do not show: a letter to sign for, a row that failed, a correction asked for."""
    twice = site.determined(2026)
    site.allocation(2026)
    site.signed(twice)
    site.draft()
    notice = site.case("allocation-notice", "已送达，异议期内", "wang")
    site.file("wang", "allocation-review", {"claimed_amount": "1320000", "grounds": "产量数据有误"}, notice)
    site.complete("li", site.task("allocation-review", "check")[0], {"result": "补正", "corrections": "请补充台账"})
    unit, password = site.actor("wang").organisation_id, "a long password"
    with site.tools.database.transaction() as tx:
        identity.add_person(tx, login="reader", name="周敏", password=password, organisation_id=unit, rights=[])
        new = identity.add_person(tx, login="new", name="郑新", password=password)
        new.must_change_password = True
        erp = systems.Wanted("erp", "市排放报送系统", "每晚核对配额与排放量", "信息处 李工 023-6700")
        program = systems.add(tx, site.actor("admin"), erp, site.tools.kernel.now(tx))
        for person in (program.id, site.actor("wang").person_id, site.actor("zhou").person_id):
            tokens.issue(tx, person, "每晚对账", ["read", "file"], None, None, clock.now())
        incidents.note(tx, "制发文书", "文件存储没有回应", site.tools.kernel.now(tx), site.failed_row()[0])


@pytest.mark.parametrize("login", ["he", "li", "tao", "zhou", "chen", "sun", "shen", "admin", "xu", "hua"])
def test_pages_of_officials(site: Site, windows: Windows, seen: Counter[str], login: str):
    found = walk(site, windows.sign_in(login), seen)
    assert "\n".join(found) == ""


@pytest.mark.parametrize("login", ["wang", "liu", "guo", "shenyi", "qin"])
def test_pages_of_applicants(site: Site, windows: Windows, seen: Counter[str], login: str):
    found = walk(site, windows.sign_in(login, PHONE), seen)
    assert "\n".join(found) == ""


def test_pages_before_signing_in(site: Site, windows: Windows, seen: Counter[str]):
    page = windows.open()
    page.goto("/")
    found = walk(site, page, seen)
    page.goto("/no/such/page")
    expect(page.get_by_role("heading", level=1)).to_have_text("没有找到")
    found += looked_at(page)
    assert "\n".join(found) == ""


def test_pages_that_no_link_leads_to(site: Site, windows: Windows, seen: Counter[str]):
    page, found = windows.sign_in("zhou"), []
    case, item = site.failed_row()
    rows = (f"/cases/{case}/items", f"/items/{item}/drop", f"/cases/{case}/notes")
    narrowed = ("/cases?q=nowhere", "/inbox?view=all&light=red", "/inbox/filters?view=all&light=red")
    for path in (f"/start/{ETS}/allocation", *narrowed, *rows):
        page.goto(path)
        seen[kind_of(site, page.url) or ""] += 1
        found += looked_at(page)
    assert "\n".join(found) == ""


def test_the_page_on_which_a_deadline_is_extended(site: Site, windows: Windows, seen: Counter[str]):
    case = audited(site, "shenyi", "公交出行碳普惠方法学")
    page = windows.sign_in("zhang")
    page.goto(f"/cases/{case}")
    page.get_by_role("link", name="延长期限").click()
    seen[kind_of(site, page.url) or ""] += 1
    found = looked_at(page)
    page.get_by_role("button", name="批准延长").click()
    expect(page.get_by_role("alert").filter(has_text="延长的理由")).to_be_visible()
    assert "\n".join([*found, *looked_at(page)]) == ""


def test_a_token_shown_once(site: Site, windows: Windows, seen: Counter[str]):
    found = []
    for login, width, path in (("wang", PHONE, "/profile/tokens"), ("admin", DESK, "/admin/systems")):
        page = windows.sign_in(login, width)
        page.goto(path)
        if login == "admin":
            page.get_by_role("link", name="市排放报送系统").click()
        page.get_by_label("令牌名称").fill("月末汇总")
        page.get_by_role("button", name="新建令牌").click()
        expect(page.get_by_text("只在这里显示这一次")).to_be_visible()
        found += looked_at(page)
    page.goto(f"/admin/people/{site.actor('zhou').person_id}")
    page.get_by_role("link", name="撤销 每晚对账").click()
    seen[kind_of(site, page.url) or ""] += 1
    assert "\n".join([*found, *looked_at(page)]) == ""


def test_the_page_on_which_a_given_password_is_changed(site: Site, windows: Windows, seen: Counter[str]):
    page = windows.open(PHONE)
    page.goto("/sign-in")
    page.get_by_label("用户名").fill("new")
    page.get_by_label("密码").fill("a long password")
    page.get_by_role("button", name="登录", exact=True).click()
    expect(page.get_by_label("新密码", exact=True)).to_be_visible()
    seen[kind_of(site, page.url) or ""] += 1
    assert "\n".join(looked_at(page)) == ""


def test_a_filing_from_its_obstacle_to_its_receipt(site: Site, windows: Windows, seen: Counter[str]):
    page, found = windows.sign_in("wang", PHONE), []

    def look() -> None:
        seen[kind_of(site, page.url) or ""] += 1
        found.extend(looked_at(page))

    page.goto("/home")
    until_there(page, page.get_by_role("link", name="去签收"))
    notice = site.case("allocation-notice", "通知书已制发，等待送达", "wang")
    page.goto(f"/file/{ETS}/allocation-review?about={notice}")
    expect(page.get_by_role("heading", level=1)).to_have_text("现在不能提出")
    look()
    page.get_by_role("link", name="去签收").click()
    look()
    page.get_by_role("button", name="打开并签收").click()
    page.goto(f"/file/{ETS}/allocation-review?about={notice}")
    look()
    page.get_by_role("button", name="下一步").click()
    expect(page.get_by_role("alert").filter(has_text="有 1 处需要改正")).to_be_visible()
    look()
    page.get_by_label("主张的年度配额").fill("1320000")
    page.get_by_role("button", name="下一步").click()
    page.get_by_label("事实与理由").fill("很长的理由，" * 300)
    look()
    page.get_by_role("button", name="下一步").click()
    page.get_by_label("证明材料").set_input_files([pdf("台账.pdf"), program("报告.pdf")])
    page.get_by_role("button", name="下一步").click()
    expect(page.get_by_role("alert").filter(has_text="有 1 处需要改正")).to_be_visible()
    look()
    page.get_by_role("button", name="下一步").click()
    expect(page.get_by_text("第 4 步，共 4 步")).to_be_visible()
    look()
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("已收到您的申请")
    look()
    assert "\n".join(found) == ""


def test_a_registration_from_its_form_to_the_desk(site: Site, windows: Windows, seen: Counter[str]):
    page, found = windows.open(PHONE), []

    def look() -> None:
        seen[kind_of(site, page.url) or ""] += 1
        found.extend(looked_at(page))

    page.goto("/register")
    page.get_by_label("统一社会信用代码").fill("91330100799655058B")
    page.get_by_label("单位名称").fill("重庆某某某某某某某某某某某某某某某某某某某某股份有限公司万州分公司")
    page.get_by_label("所在区县").select_option("万州区")
    page.get_by_role("radio", name="企业").check()
    page.get_by_label("证明文件").set_input_files(pdf("营业执照.pdf"))
    page.get_by_label("姓名").fill("钱进")
    page.get_by_label("用户名").fill("qianjin")
    page.get_by_label("密码", exact=True).fill("a long password")
    page.get_by_label("再次输入密码").fill("a long password")
    page.get_by_role("button", name="提交注册").click()
    look()
    page.get_by_role("link", name="登录查看审核状态").click()
    page.get_by_label("用户名").fill("qianjin")
    page.get_by_label("密码").fill("a long password")
    page.get_by_role("button", name="登录", exact=True).click()
    expect(page.get_by_role("heading", name="审核中")).to_be_visible()
    look()
    page = windows.of("li")
    page.goto("/registrations")
    page.get_by_role("row").filter(has_text="91330100799655058B").get_by_role("link").click()
    look()
    assert "\n".join(found) == ""


def test_the_page_that_a_letters_code_leads_to(site: Site, windows: Windows, seen: Counter[str]):
    page = windows.sign_in("wang", PHONE)
    page.goto("/my/letters")
    page.get_by_role("listitem").filter(has_text="送达").get_by_role("link").first.click()
    [real] = re.findall(r"核验码：(\S+)", page.get_by_role("article").inner_text())
    page = windows.open(PHONE)
    found = []
    for code in (real, "AAAA-AAAA-AAAA-AAAA"):
        page.goto(f"/verify/{code}")
        windows.shoot(page, "verify")
        seen[kind_of(site, page.url) or ""] += 1
        found += looked_at(page)
    assert "\n".join(found) == ""


def test_no_page_was_left_out(site: Site, seen: Counter[str]):
    pages = {rule.endpoint for rule in site.flask.url_map.iter_rules() if "GET" in (rule.methods or ())} - NO_PAGES
    assert pages <= seen.keys()
