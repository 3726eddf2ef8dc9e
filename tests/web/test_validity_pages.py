"""Pages about a text that lapses: entering and revoking a renewal, what is closed, and what says that it is assumed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from portal.cases import filing
from portal.cases.models import Case, Filing, Task
from portal.clock import day_of
from portal.documents.models import Letter
from portal.identity import grant_role
from portal.identity.models import Person
from portal.procedures import Content, Releases, publish, validity
from tests.builders.decisions import decision, definitions, table
from tests.builders.diagrams import path
from tests.builders.experts import judges
from tests.builders.pages import Portal, plain
from tests.builders.procedures import content, does, end, lapsing, letter, procedure, start, task

FILE = "/file/small/main"
FORM = {
    "regulation": "small",
    "number": "小〔2026〕9号",
    "title": "关于延长小办法有效期的通知",
    "assumed": "yes",
    "source": "局务会纪要第3期",
    "reason": "试点仍在进行，续期文件正在报批",
}


class Site(SimpleNamespace):
    """A portal whose regulation `small` is in force to `last`, and its administrator."""

    portal: Portal
    last: date
    today: date

    @property
    def form(self) -> dict[str, str]:
        return {**FORM, "from_day": (self.last + timedelta(days=1)).isoformat(), "last_day": ""}

    def seen(self) -> str:
        with self.portal.database.transaction() as tx:
            return validity.mark(tx, "small")

    def renew(self, **said: str) -> None:
        """Enters a renewal by the page."""
        admin = self.portal.client("sun")
        assert admin.post("/admin/regulations/renewals", {**self.form, **said, "seen": self.seen()}).status_code == 303

    def entered(self) -> list[tuple[str, bool, bool]]:
        with self.portal.database.transaction() as tx:
            return [(row.number, row.assumed, row.revoked is not None) for row in validity.entered(tx)]

    def filed(self) -> int:
        """A case that the unit has filed today."""
        actor = self.portal.actor("wang")
        with self.portal.database.transaction() as tx:
            return filing.file(self.portal.machine.kernel, tx, actor, "small", "main", {}, self.portal.now).id


def site(portal: Portal, days: int, whole: Content | None = None) -> Site:
    """A portal with a regulation whose last day is so many days from today."""
    today = day_of(portal.now)
    last = today + timedelta(days=days)
    main = procedure(
        start(), does("issue", "documents.issue", document="reply"), task("check"), end(),
        path("start", "issue", "check", "end"), manifest=letter("reply"),
    )  # fmt: skip
    own = procedure(start(), task("draft"), end(), path("start", "draft", "end"), by="officer")
    portal.machine = replace(portal.machine, kernel=replace(portal.machine.kernel, releases=Releases()))
    portal.app.extensions["portal"] = portal.machine
    with portal.database.transaction() as tx:
        publish(tx, lapsing(whole or content(main=main, own=own), last.isoformat()), portal.now, "test")
        grant_role(tx, person_id=portal.people["zhou"], regulation="small", role="officer", from_day=date(2020, 1, 1))
        tx.get_one(Person, portal.people["sun"]).administrator = True
    return Site(portal=portal, last=last, today=today)


@pytest.fixture
def lapsed(portal):
    return site(portal, -1)


def day(value: date) -> str:
    return f"{value.year}年{value.month}月{value.day}日"


def assumption(site: Site) -> str:
    first = site.last + timedelta(days=1)
    return (
        f"假定 《小办法》以《关于延长小办法有效期的通知》（小〔2026〕9号）续期，自 {day(first)} 起；"
        "这是假定：试点仍在进行，续期文件正在报批，见局务会纪要第3期。"
    )


def test_the_page_is_for_administrators_alone(lapsed):
    for login in ("zhou", "chen", "wang"):
        browser = lapsed.portal.client(login)
        assert browser.get("/admin/regulations").status_code in (403, 404)
        assert browser.post("/admin/regulations/preview", lapsed.form).status_code in (403, 404)
        entering = {**lapsed.form, "seen": lapsed.seen()}
        assert browser.post("/admin/regulations/renewals", entering).status_code in (403, 404)
    lapsed.renew()
    assert lapsed.portal.client("chen").post("/admin/regulations/renewals/1/revoke", {"reason": "x"}).status_code in (
        403,
        404,
    )
    assert lapsed.entered() == [("小〔2026〕9号", True, False)]


def test_every_regulation_stands_in_the_list_and_only_what_lapses_can_be_renewed(lapsed):
    page = lapsed.portal.client("sun").get("/admin/regulations")
    said = plain(page)
    assert "重庆市碳排放权交易管理办法（试行） 渝府发〔2023〕6号 自 2023年2月20日 起 有效 随内容发布" in said
    assert f"小办法 小〔2023〕1号 自 2023年2月20日 至 {day(lapsed.last)} 已过有效期 随内容发布" in said
    assert 'value="small" checked' in page.text
    assert 'value="chongqing-ets"' not in page.text


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("regulation", "", "请选择法规"),
        ("regulation", "no-such", "请选择法规"),
        ("number", "", "请填写文号。"),
        ("number", "号" * 101, "最多 100 字，请删减"),
        ("title", " ", "请填写名称。"),
        ("title", "名" * 201, "最多 200 字，请删减"),
        ("from_day", "", "请填写从哪一天起。"),
        ("from_day", "明天", "请填写日期，例如 2025-11-08"),
        ("from_day", "2023-02-20", "《小办法》自 2023年2月20日 起施行，续期应当从以后的日子开始。"),
        ("last_day", "2023-02-21", "早于开始的一日"),
        ("source", "", "请填写来源。"),
        ("reason", "", "请填写为什么这样假定。"),
        ("reason", "由" * 501, "最多 500 字，请删减"),
    ],
)
def test_faults_are_told_at_their_field_and_nothing_typed_is_lost(lapsed, field, typed, told):
    form = {**lapsed.form, field: typed}
    for address in ("/admin/regulations/preview", "/admin/regulations/renewals"):
        answer = lapsed.portal.client("sun").post(address, form)
        assert answer.status_code == 422
        assert told in plain(answer)
        assert f'href="#{field}"' in answer.text
        for name in ("number", "title", "from_day", "source", "reason"):
            assert form[name].strip() in answer.text, name
    assert lapsed.entered() == []


def test_the_preview_says_what_follows_and_changes_nothing(lapsed):
    admin = lapsed.portal.client("sun")
    said = plain(admin.post("/admin/regulations/preview", lapsed.form))
    assert "确认后立即恢复受理新的申报。 连续有效到：没有最后一日。" in said
    assert assumption(lapsed) in said
    later = {**lapsed.form, "from_day": (lapsed.last + timedelta(days=3)).isoformat(), "assumed": "no"}
    said = plain(admin.post("/admin/regulations/preview", later))
    gap = [day(lapsed.last + timedelta(days=n)) for n in (1, 2)]
    assert f"今天仍不在有效期内，不能受理新的申报。 {gap[0]} 至 {gap[1]} 没有有效的文本，这期间不能受理。" in said
    assert "这是假定" not in said
    earlier = {**lapsed.form, "from_day": (lapsed.last - timedelta(days=9)).isoformat()}
    begins = day(lapsed.last - timedelta(days=9))
    assert f"自 {begins} 起由这份文件接续《小办法》。" in plain(admin.post("/admin/regulations/preview", earlier))
    back = admin.post("/admin/regulations/preview", {**lapsed.form, "edit": "1"})
    assert FORM["reason"] in back.text
    assert lapsed.entered() == []


def test_a_renewal_is_entered_once_however_often_the_button_is_pressed(lapsed):
    admin, form = lapsed.portal.client("sun"), {**lapsed.form, "seen": lapsed.seen()}
    for _ in range(2):
        assert admin.post("/admin/regulations/renewals", form).status_code == 303
    assert lapsed.entered() == [("小〔2026〕9号", True, False)]
    said = plain(admin.get("/admin/regulations"))
    assert "假定 孙伟 于" in said
    assert "试点仍在进行，续期文件正在报批 来源：局务会纪要第3期 撤回" in said


def test_whoever_has_seen_other_renewals_looks_again(lapsed):
    admin, seen = lapsed.portal.client("sun"), lapsed.seen()
    lapsed.renew(last_day=(lapsed.today + timedelta(days=30)).isoformat())
    other = {**lapsed.form, "number": "小〔2026〕10号", "from_day": (lapsed.today + timedelta(days=31)).isoformat()}
    answer = admin.post("/admin/regulations/renewals", {**other, "seen": seen})
    assert answer.status_code == 409
    assert "续期的记录刚刚有变动，请按新的情况再核对一次。" in plain(answer)
    assert admin.post("/admin/regulations/renewals", {**other, "seen": lapsed.seen()}).status_code == 303
    assert [number for number, _, _ in lapsed.entered()] == ["小〔2026〕9号", "小〔2026〕10号"]


def test_a_renewal_is_revoked_with_a_reason_and_stays_in_the_list(lapsed):
    lapsed.renew()
    admin, url = lapsed.portal.client("sun"), "/admin/regulations/renewals/1/revoke"
    assert "撤回后今天没有有效的文本，立即停止受理新的申报。" in plain(admin.get(url))
    refused = admin.post(url, {"reason": " "})
    assert refused.status_code == 422
    assert "请写明撤回的理由（不超过 500 字）。" in plain(refused)
    unfit = admin.post(url, {"reason": "文号\x00有误"})
    assert unfit.status_code == 422
    assert "填写的内容含有不能使用的控制字符（U+0000）。" in plain(unfit)
    assert "请修改后重新提交。" in plain(unfit)
    assert admin.post(url, {"reason": "文号有误"}).status_code == 303
    said = plain(admin.get("/admin/regulations"))
    assert "已撤回" in said
    assert "撤回：文号有误" in said
    for again in (admin.get(url), admin.post(url, {"reason": "再撤"})):
        assert "这份续期文件已于" in plain(again)
    assert admin.get("/admin/regulations/renewals/99/revoke").status_code == 404


def test_what_is_closed_stays_listed_with_why_and_drafts_are_kept(portal):
    open_site = site(portal, 0)
    applicant = portal.client("wang")
    step = applicant.get(FILE, follow_redirects=True).request.path
    assert applicant.post(step, {"text": "写了一半"}).status_code == 303
    portal.ahead(timedelta(days=1))
    last = day(open_site.last)
    why = f"《小办法》（小〔2023〕1号）的有效期到 {last} 为止（第一条），没有录入续期文件，“main”已停止受理。"
    home = plain(applicant.get("/home"))
    assert "已停止受理的申请 main" in home
    assert why in home
    assert "填了一半的申请" in home
    assert why in plain(applicant.post(f"{step.rpartition('/')[0]}/check-answers", {}))
    refused = applicant.get(FILE)
    assert refused.status_code == 409
    assert why in plain(refused)
    official = plain(portal.client("zhou").get("/start"))
    assert "“own”已停止受理。" in official
    assert portal.client("zhou").post("/start/small/own", {}).status_code == 409
    assert "main 已停止受理" in plain(portal.client().get("/"))
    with portal.database.transaction() as tx:
        assert tx.scalars(select(Filing.answers)).all() == [{"text": ["写了一半"]}]
        assert tx.scalars(select(Case.id)).all() == []


def test_every_page_that_depends_on_an_assumed_renewal_says_so(lapsed):
    lapsed.renew()
    case_id = lapsed.filed()
    with lapsed.portal.database.transaction() as tx:
        letter = tx.scalars(select(Letter).where(Letter.case_id == case_id)).one()
        task_id = tx.scalars(select(Task.id).where(Task.case_id == case_id)).one()
        number, code = tx.get_one(Case, case_id).number, tx.get_one(Case, case_id).query_code
    pages = {
        "zhou": [f"/cases/{case_id}", f"/tasks/{task_id}", f"/letters/{letter.id}", "/start", "/start/small/own"],
        "wang": ["/home", f"/my/cases/{case_id}", f"/my/cases/{case_id}/receipt", f"/my/letters/{letter.id}"],
        None: ["/", f"/verify/{letter.verification_code}"],
        "sun": ["/admin", "/admin/regulations"],
    }
    said = assumption(lapsed)
    for login, addresses in pages.items():
        browser = lapsed.portal.client(login)
        for address in addresses:
            page = browser.get(address)
            assert page.status_code == 200, address
            assert said in plain(page), address
    tracked = lapsed.portal.client().post("/track", {"number": number, "code": code})
    assert said in plain(tracked)
    step = lapsed.portal.client("wang").get(FILE, follow_redirects=True)
    assert said in plain(step)
    assert "受理时的有效文本：《关于延长小办法有效期的通知》（小〔2026〕9号）" in plain(
        lapsed.portal.client("wang").get(f"/my/cases/{case_id}")
    )
    assert "受理依据 小〔2026〕9号" in plain(lapsed.portal.client("zhou").get(f"/cases/{case_id}"))
    # Revoked, the pages of the case say that, and those of the procedure that it is closed.
    admin = lapsed.portal.client("sun")
    assert admin.post("/admin/regulations/renewals/1/revoke", {"reason": "文件没有发布"}).status_code == 303
    case = plain(lapsed.portal.client("wang").get(f"/my/cases/{case_id}"))
    assert "续期已撤回 受理时《小办法》以《关于延长小办法有效期的通知》（小〔2026〕9号）续期，该续期已于" in case
    assert "撤回：文件没有发布。" in case
    assert "这是假定" not in case


def test_the_rule_on_the_text_is_judged_as_of_the_day_on_which_the_official_reads_it(portal):
    manifest = '[decisions.valid]\ntitle = "文本有效"\nfile = "valid.dmn"\neffect = "hard"\nassumed = "惯例"\n'
    main = procedure(
        start(), judges("valid"), task("check"), end(), path("start", "judge", "check", "end"), manifest=manifest
    )
    rule = [("true", "true", '"有效"'), ("not(true)", "false", '"没有有效的文本"')]
    asked = table([("in_force_on(case.filed_at)", "boolean")], [("holds", "boolean"), ("reason", "string")], rule)
    whole = content(main=main)
    held = {**whole.files, "bpmn/small/main/valid.dmn": definitions(decision("valid", asked))}
    lapsed = site(portal, -1, Content(whole.regulation, held))
    lapsed.renew()
    case_id = lapsed.filed()
    with portal.database.transaction() as tx:
        task_id = tx.scalars(select(Task.id).where(Task.case_id == case_id)).one()
    browser = portal.client("zhou")
    assert "符合 文本有效 硬性条件 有效" in plain(browser.get(f"/tasks/{task_id}"))
    admin = portal.client("sun")
    assert admin.post("/admin/regulations/renewals/1/revoke", {"reason": "文件没有发布"}).status_code == 303
    page = plain(browser.get(f"/tasks/{task_id}"))
    assert "1 项不符合 不符合 文本有效 硬性条件 现在核对：没有有效的文本（先前核对为“符合”）" in page


def test_a_renewal_that_was_seen_is_not_called_assumed(lapsed):
    lapsed.renew(assumed="no", reason="")
    case_id = lapsed.filed()
    for login, address in (("wang", f"/my/cases/{case_id}"), ("zhou", f"/cases/{case_id}"), (None, "/")):
        assert "这是假定" not in plain(lapsed.portal.client(login).get(address))


def test_half_a_year_before_its_last_day_everybody_is_told(portal):
    near = site(portal, 100)
    said = (
        f"即将届满 《小办法》的有效期到 {day(near.last)} 为止（小〔2023〕1号第一条）。"
        "此后没有续期的，停止受理新的申报；已经受理的继续办理。"
    )
    addresses = (("sun", "/admin/regulations"), ("zhou", "/start"), (None, "/"), ("wang", "/home"))
    for login, address in addresses:
        assert said in plain(portal.client(login).get(address)), address
    assert f"即将届满 《小办法》的有效期到 {day(near.last)} 为止" in plain(portal.client("sun").get("/admin"))
    near.renew(assumed="no", reason="")
    for login, address in addresses:
        assert "即将届满" not in plain(portal.client(login).get(address)), address


def test_before_that_nobody_is_told(portal):
    site(portal, 200)
    for login, address in (("sun", "/admin"), ("zhou", "/start"), (None, "/"), ("wang", "/home")):
        assert "即将届满" not in plain(portal.client(login).get(address)), address


def test_the_overview_marks_what_is_only_assumed_to_follow(portal):
    later = site(portal, 300)
    later.renew()
    said = plain(portal.client("sun").get("/admin"))
    assert (
        f"法规效力 假定 《小办法》有效期到：{day(later.last)}；"
        "此后以《关于延长小办法有效期的通知》（小〔2026〕9号）续期，这是假定。"
    ) in said
    portal.ahead(timedelta(days=200))
    assert f"法规效力 即将届满 《小办法》有效期到：{day(later.last)}；" in plain(portal.client("sun").get("/admin"))


def test_a_title_within_a_title_takes_the_inner_marks(lapsed):
    lapsed.renew(title="关于延长《小办法》有效期的通知")
    said = plain(lapsed.portal.client().get("/"))
    assert "以《关于延长〈小办法〉有效期的通知》（小〔2026〕9号）续期" in said


def test_that_a_draft_is_kept_is_said_once(portal):
    site(portal, 1)
    wang = portal.client("wang")
    draft = wang.get(FILE).location
    step = wang.get(draft).location
    assert wang.post(step, {"text": "写了很久", "_go": "next"}).status_code == 303
    portal.ahead(timedelta(days=3))
    refused = plain(wang.post(f"{draft}/check-answers"))
    assert refused.count("草稿仍然保留") == 1
