"""The administrator's people: adding, roles and their days, closing accounts, a given password changed first."""

from __future__ import annotations

import re
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from portal import clock
from portal.clock import day_of
from portal.identity import Actor, Forbidden, Grant, Person, accounts, actor_of
from portal.identity.models import IdentityChange
from tests.builders.pages import ETS, PASSWORD, plain

WHY = {"reason": "人事〔2026〕12号"}


@pytest.fixture
def admin(portal):
    """A browser of the only administrator, who has no role; another one is added by those who need him."""
    add_administrator(portal, "root", "管理员")
    return portal.client("root")


def add_administrator(portal, login: str, name: str) -> int:
    with portal.database.transaction() as tx:
        hashed = tx.get_one(Person, portal.people["li"]).password_hash
        person = Person(login=login, name=name, password_hash=hashed, administrator=True)
        tx.add(person)
        tx.flush()
        return person.id


def stored(portal, login: str) -> Person:
    with portal.database.transaction() as tx:
        return tx.scalars(select(Person).where(Person.login == login)).one()


def grants(portal, login: str) -> list[Grant]:
    with portal.database.transaction() as tx:
        mine = select(Grant).join(Person, Person.id == Grant.person_id).where(Person.login == login)
        return list(tx.scalars(mine.order_by(Grant.id)))


def kept(portal, kind: str) -> list[IdentityChange]:
    with portal.database.transaction() as tx:
        return list(tx.scalars(select(IdentityChange).where(IdentityChange.kind == kind).order_by(IdentityChange.id)))


def added(admin, login: str = "gao", name: str = "高远", kind: str = "official") -> str:
    """Adds somebody; the one-time password that the page shows."""
    answer = admin.post("/admin/people/add", {"login": login, "name": name, "kind": kind, **WHY})
    assert answer.status_code == 200, plain(answer)
    assert answer.headers["Cache-Control"] == "no-store"
    [password] = re.findall(r"<code>([2-9a-z-]{19})</code>", answer.text)
    return password


def signed_in(portal, login: str, password: str):
    browser = portal.client()
    return browser, browser.post("/sign-in", {"login": login, "password": password})


def _actor(portal, person_id: int) -> Actor:
    with portal.database.transaction() as tx:
        actor = actor_of(tx, person_id, today(portal))
    assert actor is not None
    return actor


def today(portal):
    return day_of(portal.now)


def granted(portal, login: str = "gao", **typed: str) -> dict[str, str]:
    return {"role": f"{ETS}:handler", "from_day": today(portal).isoformat(), **WHY, **typed}


class TestWhoMayComeHere:
    def test_administrators_alone(self, portal, admin):
        pages = ("/admin", "/admin/people", "/admin/people/add", f"/admin/people/{portal.people['li']}",
                 f"/admin/people/{portal.people['li']}/close", "/admin/releases", "/admin/releases/1",
                 "/admin/incidents", "/admin/jobs", "/admin/checks")  # fmt: skip
        for page in pages:
            assert admin.get(page).status_code == 200, page
            for login in ("zhou", "chen", "wang"):
                assert portal.client(login).get(page).status_code == 403, (login, page)
            assert portal.client().get(page).location.startswith("/sign-in?next=")

    def test_what_is_posted_too(self, portal, admin):
        person = portal.people["li"]
        posts = ("/admin/people/add", f"/admin/people/{person}/grants", f"/admin/people/{person}/close",
                 f"/admin/people/{person}/password", "/admin/grants/1/end", "/admin/incidents/1/close",
                 "/admin/incidents/1/retry", "/admin/jobs/1/retry", "/admin/checks")  # fmt: skip
        for path in posts:
            for login in ("zhou", "wang"):
                assert portal.client(login).post(path, WHY).status_code == 403, (login, path)
        assert stored(portal, "li").active

    def test_who_is_refused_is_told_whom_he_can_ask(self, portal, admin):
        review = portal.review()
        told = {
            "root": "管理员维护门户，不查看也不办理案件。确需办理的，请由另一位管理员为您授予岗位。",
            "zhou": "如确需办理，请联系管理员确认您的岗位。",
            "wang": "请从首页进入您可以办理的事项。如属本单位的事项，请联系本单位的管理人员；",
        }
        assert told["root"] in plain(admin.get(f"/cases/{review}"))
        for login in ("zhou", "wang"):
            page = portal.client(login).get("/admin/people")
            assert page.status_code == 403
            assert told[login] in plain(page)

    def test_an_administrator_without_roles_begins_here_and_sees_no_case(self, portal, admin):
        review = portal.review()
        assert admin.get("/").location == "/admin"
        bar = re.search(r"<nav aria-label=\"主导航\">(.*?)</nav>", admin.get("/admin").text, re.DOTALL)
        assert bar
        assert "/inbox" not in bar[1]
        assert "/cases" not in bar[1]
        assert admin.get(f"/cases/{review}").status_code in (403, 404)


class TestList:
    def test_officials_with_their_roles_and_no_applicants(self, portal, admin):
        text = plain(admin.get("/admin/people"))
        assert "周敏 zhou 承办人 在用" in text
        assert "管理员 root — 在用 管理员" in text
        assert "王磊" not in text

    @pytest.mark.parametrize(("typed", "found"), [("周", "周敏"), ("ZHOU", "周敏"), ("chen", "陈涛")])
    def test_found_by_name_or_login(self, admin, typed, found):
        text = plain(admin.get(f"/admin/people?q={typed}"))
        assert found in text
        assert "何静" not in text

    def test_a_search_without_result_says_what_to_do(self, admin):
        assert "没有找到人员" in plain(admin.get("/admin/people?q=%25"))
        assert "没有找到人员" in plain(admin.get("/admin/people?q=%25%00"))

    def test_page_after_page_by_keys(self, portal, admin):
        with portal.database.transaction() as tx:
            hashed = stored(portal, "li").password_hash
            tx.add_all([Person(login=f"p{n:03}", name=f"人{n:03}", password_hash=hashed) for n in range(60)])
        first = admin.get("/admin/people")
        assert "人059" in first.text
        assert "人009" not in first.text
        [later] = re.findall(r'href="(/admin/people\?before=\d+)"', first.text)
        second = admin.get(later)
        assert "人009" in second.text
        assert "周敏" in second.text
        assert 'rel="prev"' in second.text


class TestAdding:
    def test_the_password_is_shown_once_and_changed_before_anything_else(self, portal, admin):
        password = added(admin)
        assert stored(portal, "gao").must_change_password
        browser, answer = signed_in(portal, "gao", password)
        assert answer.status_code == 302
        for path in ("/inbox", "/cases", "/messages", "/profile"):
            led = browser.get(path)
            assert led.status_code == 303, path
            assert led.location.startswith("/password")
        page = plain(browser.get("/password"))
        assert "设置自己的密码" in page
        mine = {"password": "my own words 7", "password_again": "my own words 7"}
        refused = browser.post("/inbox", {})
        assert refused.status_code in (303, 405)
        assert browser.post("/password", {**mine, "next": "/cases?q=1"}).location == "/cases?q=1"
        assert browser.get("/inbox").status_code == 200
        assert not stored(portal, "gao").must_change_password
        assert browser.get("/password").location == "/profile"
        assert signed_in(portal, "gao", password)[1].status_code == 422
        assert signed_in(portal, "gao", "my own words 7")[1].status_code == 302
        [line] = kept(portal, "password.chosen")
        assert line.person_id == line.by_id == stored(portal, "gao").id

    @pytest.mark.parametrize(
        ("typed", "told"),
        [
            (("short", "short"), "密码须为10至128个字符"),
            (("my own words 7", "my own words 8"), "两次输入的密码不一致，请重新输入。"),
            ((None, None), "新密码不能与现在的密码相同。"),
        ],
    )
    def test_what_is_no_password_of_ones_own_is_refused(self, portal, admin, typed, told):
        password = added(admin)
        browser, _ = signed_in(portal, "gao", password)
        first, again = (text or password for text in typed)
        answer = browser.post("/password", {"password": first, "password_again": again})
        assert answer.status_code == 422
        assert told in plain(answer)
        assert browser.get("/inbox").location.startswith("/password")

    @pytest.mark.parametrize(
        ("typed", "told"),
        [
            ({"login": ""}, "请填写用户名。"),
            ({"login": "a"}, "用户名须为2至64个字符"),
            ({"login": "two words"}, "不含空格"),
            ({"login": "zhou"}, "用户名已被使用：zhou"),
            ({"login": "WANG"}, "用户名“wang”是申请人（单位人员）的账号。申请人不能兼任工作人员"),
            ({"name": ""}, "请填写姓名。"),
            ({"name": "名" * 41}, "姓名最多 40 个字，现有 41 个字。"),
            ({"reason": " "}, "请填写事由。"),
            ({"reason": "由\u202e"}, "事由含有不能显示的字符"),
        ],
    )
    def test_faults_are_told_at_their_field_and_nothing_typed_is_lost(self, portal, admin, typed, told):
        form = {"login": "gao", "name": "高远", "kind": "administrator", "reason": "到岗", **typed}
        answer = admin.post("/admin/people/add", form)
        assert answer.status_code == 422
        assert told in plain(answer)
        assert re.search(r'value="administrator" checked', answer.text)
        assert len(kept(portal, "person.added")) == 0

    def test_everything_is_kept_with_who_and_why(self, portal, admin):
        added(admin)
        [line] = kept(portal, "person.added")
        assert (line.by_id, line.person_id) == (stored(portal, "root").id, stored(portal, "gao").id)
        assert line.details["reason"] == "人事〔2026〕12号"
        text = plain(admin.get(f"/admin/people/{stored(portal, 'gao').id}"))
        assert "管理员添加了这个账号 事由：人事〔2026〕12号" in text


class TestRoles:
    @pytest.fixture
    def gao(self, portal, admin) -> str:
        added(admin)
        return f"/admin/people/{stored(portal, 'gao').id}"

    def test_a_role_counts_from_its_first_day_to_its_last(self, portal, admin, gao):
        assert "授予岗位 还没有人担任：" in plain(admin.get(gao))
        first, last = today(portal) + timedelta(days=2), today(portal) + timedelta(days=3)
        form = granted(portal, from_day=first.isoformat(), to_day=last.isoformat())
        assert admin.post(f"{gao}/grants", form).status_code == 303
        assert "未生效" in plain(admin.get(gao))
        [grant] = grants(portal, "gao")
        assert (grant.role, grant.from_day, grant.to_day) == ("handler", first, last)
        portal.ahead(timedelta(days=3))
        assert "承办人 重庆市碳排放权交易管理办法" in plain(admin.get(gao))
        assert re.search(r"有效</span>", admin.get(gao).text)
        portal.ahead(timedelta(days=1))
        assert "已结束" in plain(admin.get(gao))

    @pytest.mark.parametrize(
        ("typed", "told"),
        [
            ({"role": ""}, "请选择岗位。"),
            ({"role": f"{ETS}:king"}, "请选择岗位。"),
            ({"role": f"{ETS}:emitter"}, "请选择岗位。"),
            ({"role": f"{ETS}:district"}, "请选择区县。"),
            ({"from_day": ""}, "请选择起始日期。"),
            ({"from_day": "2026-02-30"}, "“2026-02-30”不是日期"),
            ({"from_day": "2020-01-01"}, "日期不能早于今天"),
            ({"to_day": "2020-01-01"}, "结束日期不能早于起始日期"),
            ({"reason": ""}, "请填写事由。"),
        ],
    )
    def test_faults_are_told_and_nothing_typed_is_lost(self, portal, admin, gao, typed, told):
        answer = admin.post(f"{gao}/grants", granted(portal, **typed))
        assert answer.status_code == 422
        assert told in plain(answer)
        assert "reason" in typed or 'value="人事〔2026〕12号"' in answer.text
        assert grants(portal, "gao") == []

    def test_the_role_of_a_region_opens_that_region(self, portal, admin, gao):
        form = granted(portal, role=f"{ETS}:district", region="万州区")
        assert admin.post(f"{gao}/grants", form).status_code == 303
        assert grants(portal, "gao")[0].body == "万州区"
        assert "万州区生态环境局" in plain(admin.get(gao))
        assert "万州区生态环境局" in plain(admin.get("/admin/people"))

    def test_the_same_role_is_not_granted_twice_for_the_same_days(self, portal, admin, gao):
        assert admin.post(f"{gao}/grants", granted(portal)).status_code == 303
        answer = admin.post(f"{gao}/grants", granted(portal))
        assert answer.status_code == 409
        assert f"高远自 {today(portal)} 起已有该岗位，没有截止日。" in plain(answer)
        assert len(grants(portal, "gao")) == 1

    def test_a_role_ends_with_a_day(self, portal, admin, gao):
        admin.post(f"{gao}/grants", granted(portal))
        [grant] = grants(portal, "gao")
        last = today(portal) + timedelta(days=4)
        form = {"when": "day", "last_day": last.isoformat(), "reason": "调离"}
        assert admin.post(f"/admin/grants/{grant.id}/end", form).status_code == 303
        assert grants(portal, "gao")[0].to_day == last
        [line] = kept(portal, "role.ended")
        assert (line.details["reason"], line.details["to_day"]) == ("调离", last.isoformat())

    def test_ending_a_role_does_not_lengthen_it(self, portal, admin, gao):
        last = today(portal) + timedelta(days=4)
        admin.post(f"{gao}/grants", granted(portal, to_day=last.isoformat()))
        [grant] = grants(portal, "gao")
        form = {"when": "day", "last_day": (last + timedelta(days=1)).isoformat(), "reason": "延长"}
        answer = admin.post(f"/admin/grants/{grant.id}/end", form)
        assert answer.status_code == 422
        assert f"该岗位到 {last} 为止，结束不能使它延长。" in plain(answer)
        assert grants(portal, "gao")[0].to_day == last

    def test_a_role_ended_at_once_counts_no_more(self, portal, admin):
        held = portal.client("chen")
        assert "督办台" in plain(held.get("/start"))
        [grant] = grants(portal, "chen")
        page = f"/admin/grants/{grant.id}/end"
        assert admin.post(page, {"when": "now", "reason": "误授"}).status_code == 303
        assert grants(portal, "chen")[0].to_day == today(portal) - timedelta(days=1)
        assert "督办台" not in plain(held.get("/start"))
        assert portal.actor("chen").roles == frozenset()
        again = admin.post(page, {"when": "now", "reason": "误授"})
        assert again.status_code == 409
        assert "这项授予已经结束" in plain(again)

    def test_a_role_granted_today_can_be_taken_back_today(self, portal, admin, gao):
        admin.post(f"{gao}/grants", granted(portal))
        [grant] = grants(portal, "gao")
        page = f"/admin/grants/{grant.id}/end"
        assert admin.post(page, {"when": "now", "reason": "误授"}).status_code == 303
        assert "第一日未满即收回" in plain(admin.get(gao))
        assert admin.post(f"{gao}/grants", granted(portal)).status_code == 303

    def test_a_role_taken_back_before_its_first_day_stands_in_nobody_s_way(self, portal, admin, gao):
        tomorrow = today(portal) + timedelta(days=1)
        admin.post(f"{gao}/grants", granted(portal, from_day=tomorrow.isoformat()))
        [grant] = grants(portal, "gao")
        page = f"/admin/grants/{grant.id}/end"
        assert admin.post(page, {"when": "now", "reason": "误授"}).status_code == 303
        assert grants(portal, "gao")[0].to_day == today(portal)
        assert page not in admin.get(gao).text
        assert admin.post(page, {"when": "now", "reason": "误授"}).status_code == 409
        assert len(kept(portal, "role.ended")) == 1
        assert admin.post(f"{gao}/grants", granted(portal)).status_code == 303

    def test_a_day_gone_by_is_no_last_day(self, portal, admin):
        [grant] = grants(portal, "chen")
        page = f"/admin/grants/{grant.id}/end"
        answer = admin.post(page, {"when": "day", "last_day": "2021-01-01", "reason": "调离"})
        assert answer.status_code == 422
        assert "日期不能早于今天" in plain(answer)
        assert 'value="调离"' in answer.text


class TestAccounts:
    def test_a_closed_account_is_out_at_once(self, portal, admin):
        li = portal.client("li")
        assert li.get("/inbox").status_code == 200
        page = f"/admin/people/{portal.people['li']}/close"
        assert admin.post(page, WHY).status_code == 303
        assert li.get("/inbox").location.startswith("/sign-in")
        assert signed_in(portal, "li", PASSWORD)[1].status_code == 422
        twice = admin.post(page, WHY)
        assert twice.status_code == 409
        assert "已经是这样了" in plain(twice)
        back = f"/admin/people/{portal.people['li']}/reopen"
        assert admin.post(back, WHY).status_code == 303
        assert signed_in(portal, "li", PASSWORD)[1].status_code == 302

    def test_without_reason_nothing_is_done(self, portal, admin):
        page = f"/admin/people/{portal.people['li']}/close"
        answer = admin.post(page, {"reason": " "})
        assert answer.status_code == 422
        assert "请填写事由。" in plain(answer)
        assert stored(portal, "li").active

    def test_a_new_password_ends_all_sessions(self, portal, admin):
        li = portal.client("li")
        page = f"/admin/people/{portal.people['li']}/password"
        answer = admin.post(page, WHY)
        [password] = re.findall(r"<code>([2-9a-z-]{19})</code>", answer.text)
        assert li.get("/inbox").location.startswith("/sign-in")
        assert signed_in(portal, "li", PASSWORD)[1].status_code == 422
        browser, opened = signed_in(portal, "li", password)
        assert opened.status_code == 302
        assert browser.get("/inbox").location.startswith("/password")

    @pytest.mark.parametrize("deed", ["close", "no-administrator", "password"])
    def test_nobody_takes_his_own_rights(self, portal, admin, deed):
        add_administrator(portal, "second", "管理员二")
        page = f"/admin/people/{stored(portal, 'root').id}/{deed}"
        answer = admin.post(page, WHY)
        assert answer.status_code == 403
        assert "不能对自己的账号进行这项操作，请由另一名管理员办理。" in plain(answer)
        mine = stored(portal, "root")
        assert (mine.active, mine.administrator) == (True, True)

    @pytest.mark.parametrize("deed", ["close", "no-administrator"])
    def test_the_last_administrator_is_told_why_he_stays(self, portal, admin, deed):
        mine = stored(portal, "root").id
        answer = admin.post(f"/admin/people/{mine}/{deed}", WHY)
        assert answer.status_code == 409
        assert "管理员是最后一名在用的管理员，不能停用，也不能取消管理员身份。请先添加另一名管理员。" in plain(answer)
        assert stored(portal, "root").administrator
        assert stored(portal, "root").active

    def test_two_who_end_each_other_at_the_same_time_leave_one(self, portal, admin):
        """The second waits for the first, and is no administrator any more when his turn comes."""
        second = add_administrator(portal, "second", "管理员二")
        first = stored(portal, "root").id
        actors = [_actor(portal, number) for number in (first, second)]
        barrier, outcomes = Barrier(2), []

        def end(mine: Actor, other: int) -> None:
            barrier.wait()
            try:
                portal.database.attempt(lambda tx: accounts.close(tx, mine, other, "离任", clock.now(), clock.now()))
                outcomes.append("ended")
            except Forbidden:
                outcomes.append("refused")

        threads = [Thread(target=end, args=args) for args in ((actors[0], second), (actors[1], first))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(outcomes) == ["ended", "refused"]

    def test_nor_gives_himself_a_role(self, portal, admin):
        mine = stored(portal, "root").id
        answer = admin.post(f"/admin/people/{mine}/grants", granted(portal))
        assert answer.status_code == 403
        assert "不能对自己的账号进行这项操作" in plain(answer)
        assert grants(portal, "root") == []
        assert "这是您自己的账号" in plain(admin.get(f"/admin/people/{mine}"))

    def test_one_of_two_administrators_can_end_the_other_and_then_nobody_him(self, portal, admin):
        second = add_administrator(portal, "second", "管理员二")
        other = portal.client("second")
        page = f"/admin/people/{second}/no-administrator"
        assert admin.post(page, WHY).status_code == 303
        assert other.get("/admin").status_code == 403
        mine = stored(portal, "root").id
        assert other.post(f"/admin/people/{mine}/close", WHY).status_code == 403

    def test_an_applicant_is_not_looked_after_here(self, portal, admin):
        page = f"/admin/people/{portal.people['wang']}"
        answer = admin.get(page)
        assert answer.status_code == 404
        assert "单位的人员由单位的管理人员管理" in plain(answer)
        assert admin.post(f"{page}/grants", granted(portal)).status_code == 404
        assert admin.post(f"{page}/close", WHY).status_code == 404
        assert admin.get(f"/admin/people/{portal.people['li']}/nonsense").status_code == 404
