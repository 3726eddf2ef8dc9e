"""One's own page: address and its code, mail on and off, the password, and that it is nobody else's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portal import clock, notify
from portal.identity import Person, profile
from portal.web import create_app
from tests.builders.pages import PASSWORD, Portal, plain

NEW = "a better horse 10"


@pytest.fixture
def mailing(portal) -> Portal:
    """The same portal where a mail server is configured."""
    machine = replace(portal.machine, kernel=replace(portal.machine.kernel, mails=True))
    return replace(portal, machine=machine, app=create_app(machine))


def person(portal, login: str) -> Person:
    with portal.database.transaction() as tx:
        return tx.get_one(Person, portal.people[login])


def post(browser, path: str, **data: str):
    return browser.post(f"/profile{path}", data)


def codes_asked(portal) -> list[dict[str, object]]:
    return [job.arguments for job in portal.machine.kernel.queue.jobs if job.name == notify.SEND_CODE]


def code_for(portal, login: str) -> str:
    """Draws the code as the worker would."""
    with portal.database.transaction() as tx:
        return profile.draw_code(tx, portal.people[login], clock.now()).code


def test_it_is_only_for_people_who_are_signed_in(portal):
    assert portal.client().get("/profile").location == "/sign-in?next=/profile"


def test_it_says_who_one_is_here(portal):
    said = plain(portal.client("zhou").get("/profile"))
    assert "姓名 周敏 用户名 zhou 岗位 承办人（重庆市碳排放权交易管理办法（试行））" in said
    assert "请人代办、替人代办" in said
    said = plain(portal.client("wang").get("/profile"))
    assert "姓名 王磊 用户名 wang 单位 重庆某水泥有限公司 权限 管理本单位人员、办理（申请、签收文书）" in said
    assert "替人代办" not in said


def test_a_portal_without_mail_server_says_so(portal):
    browser = portal.client("wang")
    page = browser.get("/profile")
    assert "本门户不发送邮件。" in plain(page)
    assert 'name="email"' not in page.text
    assert post(browser, "/email", email="wang@cement.example").status_code == 303
    assert person(portal, "wang").email is None


def test_an_address_counts_once_its_code_is_typed(mailing):
    browser = mailing.client("wang")
    assert post(browser, "/email", email=" ｗang@cement.example ").location == "/profile#mail"
    assert codes_asked(mailing) == [{"person_id": mailing.people["wang"]}]
    assert "请到 wang@cement.example 查收验证码" in plain(browser.get("/profile"))
    assert person(mailing, "wang").email_verified_at is None
    code = code_for(mailing, "wang")
    assert post(browser, "/email/code", code=code).location == "/profile#mail"
    said = plain(browser.get("/profile"))
    assert "邮箱已验证，以后的消息会同时发到这个邮箱。" in said
    assert "wang@cement.example 已验证 提醒已开启" in said
    assert person(mailing, "wang").email_verified_at is not None


def test_another_address_has_to_be_proved_anew(mailing):
    browser = mailing.client("wang")
    post(browser, "/email", email="wang@cement.example")
    old = code_for(mailing, "wang")
    post(browser, "/email", email="wang@other.example")
    answer = post(browser, "/email/code", code=old)
    assert answer.status_code == 422
    assert "验证码已失效，请重新发送。" in plain(answer)
    assert person(mailing, "wang").email == "wang@other.example"


@pytest.mark.parametrize(
    "wrong", ["wang", "wang@", "@x.cn", "a b@x.cn", "a@x", "a@x.cn\r\nBcc: b@x.cn", "a" * 250 + "@x.cn"]
)
def test_what_is_no_address_is_refused_and_kept(mailing, wrong):
    page = post(mailing.client("wang"), "/email", email=wrong)
    assert page.status_code == 422
    assert "邮箱地址不正确，写法如 name@example.cn" in plain(page)
    assert codes_asked(mailing) == []


def test_codes_are_asked_for_five_times_an_hour(mailing):
    browser = mailing.client("wang")
    answers = [post(browser, "/email", email="wang@cement.example").status_code for _ in range(6)]
    assert answers == [303] * 5 + [429]
    assert len(codes_asked(mailing)) == 5


def test_mail_is_switched_off_and_the_address_forgotten(mailing):
    browser = mailing.client("wang")
    post(browser, "/email", email="wang@cement.example")
    post(browser, "/email/code", code=code_for(mailing, "wang"))
    post(browser, "/mail", on="")
    assert person(mailing, "wang").mail_on is False
    assert "提醒已关闭" in plain(browser.get("/profile"))
    post(browser, "/mail", on="yes")
    assert person(mailing, "wang").mail_on is True
    post(browser, "/email/forget")
    assert (person(mailing, "wang").email, person(mailing, "wang").email_verified_at) == (None, None)


def test_why_no_code_came_is_told(mailing):
    browser = mailing.client("wang")
    post(browser, "/email", email="wang@cement.example")
    with mailing.database.transaction() as tx:
        profile.not_mailed(tx, mailing.people["wang"], "邮件服务器拒绝投递。")
    said = plain(browser.get("/profile"))
    assert "验证码没有发出 邮件服务器拒绝投递。请核对邮箱地址后重新发送。" in said


def test_a_new_password_ends_the_other_sessions(portal):
    browser, other = portal.client("wang"), portal.client("wang")
    answer = post(browser, "/password", old=PASSWORD, password=NEW, password_again=NEW)
    assert answer.location == "/profile#password-section"
    assert "密码已修改，其他设备上的登录已全部退出。" in plain(browser.get("/profile"))
    assert other.get("/profile").status_code == 302
    old = portal.client().post("/sign-in", {"login": "wang", "password": PASSWORD})
    new = portal.client().post("/sign-in", {"login": "wang", "password": NEW})
    assert (old.status_code, new.location) == (422, "/home")


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ({"old": "wrong horse 11", "password": NEW, "password_again": NEW}, "原密码不正确，密码没有改变。"),
        ({"old": "", "password": NEW, "password_again": NEW}, "请填写原密码。"),
        ({"old": PASSWORD, "password": "", "password_again": ""}, "请填写新密码。"),
        ({"old": PASSWORD, "password": "short", "password_again": "short"}, "密码须为10至128个字符"),
        ({"old": PASSWORD, "password": NEW, "password_again": NEW + "!"}, "两次输入的密码不一致，请重新输入。"),
    ],
)
def test_a_password_is_not_changed_by_mistake(portal, typed, fault):
    browser = portal.client("wang")
    page = post(browser, "/password", **typed)
    assert page.status_code == 422
    assert fault in plain(page)
    assert NEW not in page.text
    assert portal.client("wang").get("/profile").status_code == 200


def test_the_old_password_cannot_be_guessed_from_an_open_session(portal):
    browser = portal.client("wang")
    wrong = {"old": "wrong horse 11", "password": NEW, "password_again": NEW}
    answers = [post(browser, "/password", **wrong).status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]
    assert post(browser, "/password", old=PASSWORD, password=NEW, password_again=NEW).status_code == 429


def test_a_mail_s_link_leads_to_what_it_is_about(portal):
    case, letter = portal.notice()
    portal.rendered(letter)
    with portal.database.transaction() as tx:
        [message] = notify.of_person(tx, portal.people["wang"], 10)
    assert portal.client("wang").get(f"/messages/{message.id}").location == f"/my/letters/{letter}"
    assert portal.client().get(f"/messages/{message.id}").location == f"/sign-in?next=/messages/{message.id}"
    assert portal.client("zhou").get(f"/messages/{message.id}").status_code == 404
    with portal.database.transaction() as tx:
        assert notify.unread(tx, portal.people["wang"]) == 1
    assert case


def test_mail_is_offered_beside_the_messages_where_there_is_a_mail_server(portal, mailing):
    offered = '<a href="/profile">也用邮件通知我</a>'
    assert offered in mailing.client("wang").get("/messages").text
    assert offered not in portal.client("wang").get("/messages").text
