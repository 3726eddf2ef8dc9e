"""Tokens and system accounts on pages: issued, shown this once, listed, revoked; and whose they are to look after."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import clock
from portal.clock import day_of
from portal.identity import Person, organisation, systems, tokens
from portal.identity.models import Token
from tests.builders.pages import ETS, PASSWORD, plain

NEW = "a better horse 10"
ASKED = {"name": "对账", "scopes": "read", "until": ""}
SYSTEM = {"name": "财务系统", "login": "erp", "purpose": "每晚对账", "owner": "李工 023-1234", "uscc": ""}
WHY = {"reason": "疑似泄露"}


@pytest.fixture
def admin(portal):
    """A browser of the administrator."""
    with portal.database.transaction() as tx:
        hashed = tx.get_one(Person, portal.people["li"]).password_hash
        tx.add(Person(login="root", name="管理员", password_hash=hashed, administrator=True))
    return portal.client("root")


def shown(answer) -> str:
    """The secret that a page shows."""
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store"), plain(answer)
    [secret] = re.findall(r"<code>(pt_[0-9a-f]{64})</code>", answer.text)
    return secret


def issued(browser, path: str = "/profile/tokens", **typed: object) -> str:
    return shown(browser.post(path, {**ASKED, **typed}))


def bearer(portal, secret: str) -> tokens.Bearer | None:
    with portal.database.transaction() as tx:
        return tokens.bearer(tx, secret, clock.now(), day_of(portal.now))


def newest(portal) -> Token:
    with portal.database.transaction() as tx:
        return tx.scalars(select(Token).order_by(Token.id.desc())).first()


def person(portal, login: str) -> Person:
    with portal.database.transaction() as tx:
        return tx.scalars(select(Person).where(Person.login == login)).one()


def added(admin, portal, **typed: str) -> Person:
    answer = admin.post("/admin/systems/add", {**SYSTEM, **typed})
    found = person(portal, typed.get("login", "erp"))
    assert (answer.status_code, answer.location) == (303, f"/admin/systems/{found.id}"), plain(answer)
    return found


# One's own


@pytest.mark.parametrize("login", ["zhou", "wang"])
def test_a_token_is_issued_shown_once_and_listed(portal, login):
    browser = portal.client(login)
    assert "还没有令牌。" in plain(browser.get("/profile/tokens"))
    secret = issued(browser, scopes=["work", "read"])
    found = bearer(portal, secret)
    assert (found.actor.person_id, found.scopes) == (portal.people[login], {"read", "work"})
    page = browser.get("/profile/tokens")
    assert secret not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert re.search(r"对账 .*查看、办理任务 \d{4}年\d+月\d+日 \d\d:\d\d .* 在用 撤销 对账", plain(page))
    assert "在用 1 个" in plain(browser.get("/profile"))


def test_a_token_is_revoked_after_a_look(portal):
    browser = portal.client("zhou")
    secret = issued(browser)
    address = f"/profile/tokens/{newest(portal).id}/revoke"
    assert "使用它的程序立即不能再访问" in plain(browser.get(address))
    assert bearer(portal, secret) is not None
    answer = browser.post(address)
    assert (answer.status_code, answer.location) == (303, "/profile/tokens")
    assert bearer(portal, secret) is None
    assert "已撤销令牌“对账”" in plain(browser.get("/profile/tokens"))
    assert "已经撤销或者到期" in plain(browser.get(address))
    assert browser.post(address).status_code == 409


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"name": ""}, "请填写令牌名称。"),
        ({"scopes": []}, "请至少选择一项权限"),
        ({"scopes": ["everything"]}, "请至少选择一项权限"),
        ({"until": "soon"}, "“soon”不是日期"),
        ({"until": "2020-01-01"}, "最后有效日不能早于今天"),
        ({"until": "2999-01-01"}, "令牌最长 365 天"),
    ],
)
def test_what_is_wrong_is_told_and_what_was_typed_stays(portal, typed, told):
    browser = portal.client("wang")
    answer = browser.post("/profile/tokens", {**ASKED, "name": "每晚对账", **typed})
    assert answer.status_code == 422
    assert told in plain(answer)
    if "name" not in typed:
        assert 'value="每晚对账"' in answer.text
    assert newest(portal) is None


def test_a_name_in_use_and_one_too_many_are_told_at_the_name(portal):
    browser = portal.client("wang")
    issued(browser)
    answer = browser.post("/profile/tokens", ASKED)
    assert (answer.status_code, "已有一个在用的令牌叫“对账”" in plain(answer)) == (409, True)
    with portal.database.transaction() as tx:
        for n in range(tokens.LIVE_AT_MOST - 1):
            tokens.issue(tx, portal.people["wang"], f"第{n}个", ["read"], None, None, clock.now())
    answer = browser.post("/profile/tokens", {**ASKED, "name": "再一个"})
    assert (answer.status_code, "在用的令牌最多 20 个" in plain(answer)) == (409, True)


def test_nobody_sees_or_revokes_anothers(portal):
    issued(portal.client("zhou"))
    address = f"/profile/tokens/{newest(portal).id}/revoke"
    other = portal.client("wang")
    assert (other.get(address).status_code, other.post(address).status_code) == (404, 404)
    assert "还没有令牌。" in plain(other.get("/profile/tokens"))
    assert portal.client().get("/profile/tokens").location == "/sign-in?next=/profile/tokens"
    assert newest(portal).revoked_at is None


@pytest.mark.parametrize(("ticked", "alive"), [({}, True), ({"end_tokens": "yes"}, False)])
def test_a_new_password_ends_tokens_when_that_is_ticked(portal, ticked, alive):
    browser = portal.client("wang")
    assert "同时撤销我的全部令牌" not in plain(browser.get("/profile"))
    secret = issued(browser)
    assert "同时撤销我的全部令牌" in plain(browser.get("/profile"))
    wrong = {"old": "wrong", "password": NEW, "password_again": NEW, **ticked}
    assert browser.post("/profile/password", wrong).status_code == 422
    assert bearer(portal, secret) is not None
    assert browser.post("/profile/password", {**wrong, "old": PASSWORD}).status_code == 303
    assert (bearer(portal, secret) is not None) is alive


def test_whoever_got_a_password_may_end_his_tokens_when_he_chooses_his_own(portal):
    secret = issued(portal.client("wang"))
    with portal.database.transaction() as tx:
        tx.get_one(Person, portal.people["wang"]).must_change_password = True
    assert bearer(portal, secret) is None
    browser = portal.client("wang")
    assert "同时撤销我的全部令牌" in plain(browser.get("/password"))
    browser.post("/password", {"password": NEW, "password_again": NEW, "end_tokens": "yes"})
    assert not person(portal, "wang").must_change_password
    assert bearer(portal, secret) is None


# System accounts


def test_a_system_account_is_added_granted_a_role_and_given_a_token(portal, admin):
    assert "还没有系统账号" in plain(admin.get("/admin/systems"))
    system = added(admin, portal)
    page = plain(admin.get(f"/admin/systems/{system.id}"))
    assert "用途 每晚对账 负责人 李工 023-1234 岗位 没有岗位" in page
    assert "程序还不能访问" in page
    granted = {"role": f"{ETS}:handler", "from_day": day_of(portal.now).isoformat(), "reason": "对账"}
    assert admin.post(f"/admin/people/{system.id}/grants", granted).status_code == 303
    assert "这是系统账号" in plain(admin.get(f"/admin/people/{system.id}"))
    found = bearer(portal, issued(admin, f"/admin/systems/{system.id}"))
    assert (found.actor.name, found.actor.has(ETS, "handler")) == ("财务系统", True)
    page = plain(admin.get(f"/admin/systems/{system.id}"))
    assert "岗位 承办人" in page
    assert "管理员新建令牌“对账”" in page
    assert re.search("财务系统 erp 每晚对账 李工 023-1234 1 在用", plain(admin.get("/admin/systems")))
    assert "系统账号" in plain(admin.get("/admin/people"))


def test_its_token_is_revoked_with_a_reason(portal, admin):
    system = added(admin, portal)
    secret = issued(admin, f"/admin/systems/{system.id}")
    address = f"/admin/tokens/{newest(portal).id}/revoke"
    assert "撤销财务系统的令牌“对账”" in plain(admin.get(address))
    assert admin.post(address, {"reason": ""}).status_code == 422
    assert bearer(portal, secret) is not None
    assert admin.post(address, WHY).location == f"/admin/systems/{system.id}"
    assert bearer(portal, secret) is None
    assert "事由：疑似泄露" in plain(admin.get(f"/admin/systems/{system.id}"))
    assert admin.post(address, WHY).status_code == 409


def test_closing_it_refuses_its_tokens_and_issues_no_more(portal, admin):
    system = added(admin, portal)
    secret = issued(admin, f"/admin/systems/{system.id}")
    assert "令牌全部撤销" in plain(admin.get(f"/admin/people/{system.id}/close"))
    assert admin.post(f"/admin/people/{system.id}/close", WHY).location == f"/admin/systems/{system.id}"
    assert bearer(portal, secret) is None
    assert "新建令牌" not in admin.get(f"/admin/systems/{system.id}").text.partition("变更记录")[0]
    answer = admin.post(f"/admin/systems/{system.id}", ASKED)
    assert (answer.status_code, "已停用" in plain(answer)) == (409, True)
    assert admin.post(f"/admin/people/{system.id}/reopen", WHY).status_code == 303
    issued(admin, f"/admin/systems/{system.id}")


def test_one_of_an_organisation_stands_among_its_people(portal, admin):
    with portal.database.transaction() as tx:
        unit = organisation(tx, portal.unit_id)
    system = added(admin, portal, uscc=unit.uscc)
    assert "代表的单位 重庆某水泥有限公司" in plain(admin.get(f"/admin/systems/{system.id}"))
    found = bearer(portal, issued(admin, f"/admin/systems/{system.id}", scopes="file"))
    assert (found.actor.organisation_id, found.actor.may_file) == (portal.unit_id, True)
    manager = portal.client("wang")
    page = plain(manager.get("/organisation"))
    assert "财务系统 erp · 系统账号 ·" in page
    assert "主管部门为财务系统新建了令牌" in page
    manager.post(f"/organisation/people/{system.id}/rights", {"rights": "manage"})
    assert "财务系统是系统账号，不能管理本单位人员" in plain(manager.get("/organisation"))
    assert person(portal, "erp").rights == ["file"]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"name": ""}, "请填写名称。"),
        ({"login": "root"}, "用户名已被使用：root"),
        ({"login": "wang"}, "用户名“wang”是申请人"),
        ({"purpose": ""}, "请填写用途。"),
        ({"owner": ""}, "请填写负责人。"),
        ({"uscc": "9144030071526726XG"}, "没有统一社会信用代码为 9144030071526726XG 的单位"),
    ],
)
def test_what_is_wrong_with_a_system_account_is_told(portal, admin, typed, told):
    answer = admin.post("/admin/systems/add", {**SYSTEM, **typed})
    assert answer.status_code == 422
    assert told in plain(answer)
    assert 'value="李工 023-1234"' in answer.text or "owner" in typed
    with portal.database.transaction() as tx:
        assert systems.newest(tx, None, 1) == []


def test_it_gets_no_password_and_is_no_administrator(portal, admin):
    system = added(admin, portal)
    for deed in ("password", "administrator"):
        assert admin.post(f"/admin/people/{system.id}/{deed}", WHY).status_code == 409
    browser = portal.client()
    for password in ("", "nobody", PASSWORD):
        assert browser.post("/sign-in", {"login": "erp", "password": password}).status_code == 422


# Whose they are to look after


def test_an_administrator_revokes_a_persons_token_but_issues_him_none(portal, admin):
    secret = issued(portal.client("zhou"))
    page = plain(admin.get(f"/admin/people/{portal.people['zhou']}"))
    assert "疑似泄露的可以在这里撤销" in page
    assert admin.post(f"/admin/systems/{portal.people['zhou']}", ASKED).status_code == 403
    assert admin.get(f"/admin/systems/{portal.people['zhou']}").status_code == 404
    address = f"/admin/tokens/{newest(portal).id}/revoke"
    assert admin.post(address, WHY).location == f"/admin/people/{portal.people['zhou']}"
    assert bearer(portal, secret) is None


def test_these_pages_are_for_administrators_only(portal, admin):
    system = added(admin, portal)
    issued(admin, f"/admin/systems/{system.id}")
    pages = ["/admin/systems", "/admin/systems/add", f"/admin/systems/{system.id}"]
    pages.append(f"/admin/tokens/{newest(portal).id}/revoke")
    for login in ("zhou", "wang"):
        browser = portal.client(login)
        for page in pages:
            assert (page, browser.get(page).status_code) == (page, 403)
        for page in pages[1:]:
            assert (page, browser.post(page, {**ASKED, **SYSTEM, **WHY}).status_code) == (page, 403)
    assert newest(portal).revoked_at is None


def test_one_in_use_is_shown_however_many_are_over(portal):
    browser = portal.client("zhou")
    issued(browser)
    with portal.database.transaction() as tx:
        for n in range(120):
            over = tokens.issue(tx, portal.people["zhou"], f"第{n}个", ["read"], None, None, clock.now())
            tokens.revoke(tx, over.token.id, None, clock.now())
    page = browser.get("/profile/tokens")
    assert (page.text.count("/revoke"), page.text.count("已撤销")) == (1, 20)
    assert "对账" in page.text


def test_an_expired_token_is_shown_as_over(portal):
    browser = portal.client("zhou")
    secret = issued(browser)
    with portal.database.transaction() as tx:
        tx.get_one(Token, newest(portal).id).until_day = day_of(clock.now()) - timedelta(days=1)
    assert bearer(portal, secret) is None
    page = browser.get("/profile/tokens")
    assert "已到期" in plain(page)
    assert "/revoke" not in page.text
