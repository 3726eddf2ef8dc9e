"""Registering an organisation and joining one by a code, as a newcomer does it: every wrong input, every answer."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from sqlalchemy import func, select, update

from portal import clock, identity
from portal.identity import membership, registering, throttle
from portal.identity.entry import JOIN, Entry
from portal.identity.models import AddressAttempt, Invitation, Proof, Registration
from portal.web import organisations
from portal.web.access import declared
from tests.builders.pages import UNIT, plain

PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c63606060f80f00010401005f"
    "e5c34b0000000049454e44ae426082"
)
NEW = "9144030071526726XG"
FORM = {
    "uscc": NEW,
    "name": "重庆某玻璃有限公司",
    "district": "涪陵区",
    "kind": "enterprise",
    "person": "赵敏",
    "login": "zhao",
    "password": "a long password",
    "password_again": "a long password",
}


def licence(name="营业执照.pdf", content=PDF):
    return BytesIO(content), name


def register(browser, **changes):
    """Posts the form as it would be on a new page; fields changed to None are left out."""
    data = {"proof": licence(), "once": hidden(browser, "once"), **FORM, **changes}
    return browser.post("/register", {k: v for k, v in data.items() if v is not None})


def hidden(browser, name, page="/register"):
    found = re.search(rf'name="{name}" value="([^"]*)"', browser.get(page).text)
    return found[1] if found else ""


def summary(answer):
    """The lines above a form that came back."""
    found = re.search(r'id="errors">.*?<ul>(.*?)</ul>', answer.text, re.S)
    assert found, plain(answer)
    return re.findall(r"<a[^>]*>(.*?)</a>", found[1])


def registered(portal, **changes):
    """A registration handed in by a new browser; the browser signed in, and its id."""
    browser = portal.client()
    answer = register(browser, **changes)
    assert answer.status_code == 303, plain(answer)
    login = changes.get("login", FORM["login"])
    signed = browser.post("/sign-in", {"login": login, "password": FORM["password"]})
    assert signed.location == "/registration"
    with portal.database.transaction() as tx:
        person = identity.person_by_login(tx, login)
        return browser, registering.of_person(tx, person.id).id


def decide(portal, number, what, reason="", login="li", **more):
    """An official decides on a registration as he sees it."""
    browser, page = portal.client(login), f"/registrations/{number}"
    data = {
        "decision": what, "reason": reason, "round": hidden(browser, "round", page),
        "stands": hidden(browser, "stands", page), **more,
    }  # fmt: skip
    return browser.post(page, data)


def count(portal, model):
    with portal.database.transaction() as tx:
        return tx.scalar(select(func.count()).select_from(model))


# The form


def test_the_form_asks_for_everything_and_works_without_javascript(portal):
    page = portal.client().get("/register")
    assert page.status_code == 200
    for name in (
        "uscc",
        "name",
        "district",
        "kind",
        "proof",
        "person",
        "login",
        "password",
        "password_again",
        "agrees",
    ):
        assert f'name="{name}"' in page.text
    assert "<option>涪陵区</option>" in page.text
    assert "同意后：文书在本门户送达，您打开并签收的当日即为送达日" in page.text
    assert "可上传 pdf、jpg、png，1 个文件，不超过 1 MB。" in page.text
    assert 'name="joins"' not in page.text


def test_the_door_and_the_front_page_lead_there(portal):
    for path in ("/", "/sign-in"):
        text = portal.client().get(path).text
        assert 'href="/register"' in text
        assert 'href="/join"' in text


def test_a_registration_is_received_with_a_number_and_the_code_in_its_normal_form(portal):
    browser = portal.client()
    wide = "".join(chr(ord(c) + 0xFEE0) for c in NEW.lower())
    answer = register(browser, uscc=f" {wide} ", agrees="yes")
    assert (answer.status_code, answer.location) == (303, "/register/received")
    page = plain(browser.get("/register/received"))
    assert "已收到您的注册申请 ZC00000001" in page
    assert (
        f"统一社会信用代码 {NEW} 单位名称 重庆某玻璃有限公司 所在区县 涪陵区 单位类别 企业 申请人 赵敏 用户名 zhao"
        in page
    )
    assert "证明文件 营业执照.pdf 电子送达 同意" in page
    # Nobody else's browser sees it.
    assert portal.client().get("/register/received").location == "/register"


def test_a_second_click_registers_nobody_twice(portal):
    browser = portal.client()
    once = hidden(browser, "once")
    first = register(browser, once=once)
    again = register(browser, once=once)
    assert (first.location, again.location) == ("/register/received", "/register/received")
    assert count(portal, Registration) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"uscc": ""}, ["请填写统一社会信用代码。"]),
        ({"uscc": NEW[:-1]}, ["统一社会信用代码应为 18 位，现有 17 位，请对照营业执照核对。"]),
        (
            {"uscc": "9144030071526726XI"},
            ["统一社会信用代码只能含数字和大写字母，不使用 I、O、S、V、Z（字母 O、I 多为数字 0、1 之误）。"],
        ),
        (
            {"uscc": "9144030071526726xh"},
            ["统一社会信用代码 9144030071526726XH 的校验位不对，其中有一位写错了，请对照营业执照核对这 18 位。"],
        ),
        ({"name": " "}, ["请填写单位名称。"]),
        ({"name": "字" * 101}, ["单位名称最多 100 个字，现有 101 个字。"]),
        ({"district": ""}, ["请选择所在区县。"]),
        ({"district": "浦东新区"}, ["请选择所在区县。"]),
        ({"kind": None}, ["请选择单位类别。"]),
        ({"kind": "person"}, ["请选择单位类别。"]),
        ({"proof": None}, ["请上传证明文件：营业执照、法人证书或本单位的授权书。"]),
        ({"proof": "empty"}, ["“营业执照.pdf”是空文件（0 字节），请重新选择。"]),
        (
            {"proof": "program"},
            ["“营业执照.pdf”不是可以接受的文件（pdf、jpg、jpeg、png），或内容与扩展名不符。"],
        ),
        (
            {"proof": "word"},
            ["“营业执照.docx”不是可以接受的文件（pdf、jpg、jpeg、png），或内容与扩展名不符。"],
        ),
        ({"person": ""}, ["请填写姓名。"]),
        ({"login": ""}, ["请填写用户名。"]),
        ({"login": "zhao min"}, ["用户名须为2至64个字符，不含空格：zhao min"]),
        ({"login": "LI"}, ["用户名已被使用：li"]),
        ({"password": ""}, ["请填写密码。"]),
        ({"password": "short", "password_again": "short"}, ["密码须为10至128个字符，且不得与用户名相同。"]),
        ({"password_again": "another password"}, ["两次输入的密码不一致，请重新输入。"]),
        (
            {"uscc": "", "name": "", "person": "\0"},
            ["请填写统一社会信用代码。", "请填写单位名称。", "姓名含有不能显示的字符，请重新输入。"],
        ),
    ],
)
def test_what_is_wrong_is_said_and_everything_typed_stays(portal, changes, said):
    files = {
        "empty": licence(content=b""),
        "program": licence(content=b"MZ\x90\0" + bytes(100)),
        "word": licence("营业执照.docx"),
    }
    changes = {name: files.get(value, value) if name == "proof" else value for name, value in changes.items()}
    answer = register(portal.client(), agrees="yes", **changes)
    assert (answer.status_code, summary(answer)) == (422, said)
    for name in ("name", "person", "login"):
        typed = changes.get(name, FORM[name])
        if typed and typed.isprintable():
            assert f'value="{typed.strip()}"' in answer.text
    assert 'name="agrees" value="yes" checked' in answer.text
    assert FORM["password"] not in answer.text
    assert count(portal, Registration) == 0


def test_a_proof_that_was_good_need_not_be_uploaded_again(portal):
    browser = portal.client()
    refused = register(browser, name="")
    assert "已上传：营业执照.pdf（" in refused.text
    [key] = re.findall(r'name="kept_proof" value="([^"]+)"', refused.text)
    answer = register(browser, proof=None, kept_proof=key)
    assert answer.status_code == 303
    assert count(portal, Proof) == 1
    # A proof is spent with its registration, and nobody's made-up name is one.
    for kept in (key, "x" * 32, "\0", "中文" * 20):
        other = register(portal.client(), proof=None, kept_proof=kept, login="qian", uscc="91330100799655058B")
        assert summary(other) == ["请上传证明文件：营业执照、法人证书或本单位的授权书。"]


def test_a_wrong_second_file_leaves_the_first(portal):
    browser = portal.client()
    [key] = re.findall(r'name="kept_proof" value="([^"]+)"', register(browser, name="").text)
    answer = register(browser, proof=licence(content=b"MZ" + bytes(90)), kept_proof=key)
    assert len(summary(answer)) == 1
    assert f'name="kept_proof" value="{key}"' in answer.text


def test_a_proof_above_the_limit_is_told_the_limit(portal, monkeypatch):
    monkeypatch.setattr(organisations, "PROOF_LIMIT", 1_000)
    answer = register(portal.client(), proof=licence(content=PDF + bytes(1_000)))
    assert summary(answer) == ["“营业执照.pdf”超过 0 MB 的上限，请压缩或拆分后上传。"]


@pytest.mark.parametrize(
    ("name", "data"), [("证.png", PNG), ("证.PDF", PDF), ("../../证.pdf", PDF)], ids=["png", "PDF", "path"]
)
def test_licences_come_as_pdf_or_picture(portal, name, data):
    assert register(portal.client(), proof=licence(name, data)).status_code == 303


def test_an_organisation_with_people_is_joined_by_invitation_or_by_a_new_proof(portal):
    browser = portal.client()
    answer = register(browser, uscc=UNIT)
    assert summary(answer) == [
        f"重庆某水泥有限公司（{UNIT}）已在本门户注册并有人员。请向本单位的管理人员索取邀请码，凭邀请码加入；"
        "联系不上管理人员的，勾选“凭新的证明加入”并上传新的证明文件，经审核后加入。"
    ]
    assert 'name="joins"' in answer.text
    assert 'name="rights"' in answer.text
    assert register(browser, uscc=UNIT, joins="yes", rights=["file", "own"]).status_code == 422
    assert register(browser, uscc=UNIT, joins="yes", rights=["file"]).status_code == 303
    with portal.database.transaction() as tx:
        row = tx.scalars(select(Registration)).one()
        assert (row.joins, row.rights) == (True, ["file"])


def test_too_many_from_one_address_are_slowed_down_and_lose_nothing(portal):
    with portal.database.transaction() as tx:
        tx.add_all(
            AddressAttempt(kind="register", address="127.0.0.1", moment=clock.now()) for _ in range(30)
        )  # fmt: skip
    answer = register(portal.client())
    assert answer.status_code == 429
    assert summary(answer) == ["从您的网络地址提交注册的次数过多，请一小时后再试。所填内容仍在本页。"]
    assert 'value="重庆某玻璃有限公司"' in answer.text
    assert count(portal, Proof) == 0


def test_a_form_without_its_token_shows_what_was_typed_under_its_names(portal):
    answer = portal.client().raw.post("/register", data={**FORM, "_labels": '{"uscc": "统一社会信用代码"}'})
    assert answer.status_code == 400
    assert FORM["name"] in answer.text
    assert FORM["password"] not in answer.text


# Who registers


def test_officials_are_told_that_they_cannot(portal):
    browser = portal.client("li")
    for answer in (
        browser.get("/register"),
        browser.get("/join"),
        browser.post("/register", FORM),
        browser.post("/join", {"code": "x"}),
    ):
        assert answer.status_code == 403
        assert "工作人员的账号不能注册或加入单位。请退出登录后，用您在单位的个人账号办理。" in answer.text
    assert browser.get("/registration").status_code == 403


def test_people_of_an_organisation_are_led_home(portal):
    browser = portal.client("wang")
    for path in ("/register", "/join", "/registration"):
        assert browser.get(path).location == "/home"
    assert browser.post("/join", {"code": "x"}).location == "/home"


def test_whoever_waits_sees_only_how_his_registration_stands(portal):
    browser, number = registered(portal)
    page = plain(browser.get("/registration"))
    assert "审核中" in page
    assert f"统一社会信用代码 {NEW}" in page
    for path in ("/", "/home", "/my/cases", "/register"):
        assert browser.get(path).location == "/registration"
    with portal.database.transaction() as tx:
        proof = registering.proof_of(tx, number).id
    assert browser.get(f"/registration/proofs/{proof}").data == PDF


def test_whoever_belongs_nowhere_reaches_no_page_of_officials_or_units(portal):
    review = portal.review()
    browser, number = registered(portal)
    assert decide(portal, number, "refuse", "没有授权").status_code == 303
    with portal.database.transaction() as tx:  # a role granted before would not help
        identity.grant_role(
            tx, person_id=identity.person_by_login(tx, "zhao").id, regulation="chongqing-ets", role="intake",
            from_day=clock.day_of(portal.now),
        )  # fmt: skip
    may = {"registration.own_registration", "registration.proof", "profile.page", "own_tokens.page", "static"}
    with portal.app.test_request_context():
        rules = [rule for rule in portal.app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    seen = set()
    for rule in rules:
        if rule.endpoint in may or declared(portal.app, rule.endpoint) == "open to all":
            continue
        values = {name: _value(name, review) for name in rule.arguments}
        with portal.app.test_request_context():
            path = portal.app.url_map.bind("localhost").build(rule.endpoint, values)
        answer = browser.get(path)
        assert answer.status_code in (302, 303, 403, 404), (path, answer.status_code)
        if answer.status_code in (302, 303):
            # Who has a password of his own is led on from where a given one is changed.
            assert answer.location == ("/profile" if path == "/password" else "/registration"), path
        seen.add(rule.endpoint)
    assert len(seen) > 25
    for path in (f"/tasks/{portal.task('check', review)}/claim", "/organisation/invitations", "/organisations/add"):
        assert browser.post(path).status_code in (403, 404), path


def _value(name, review):
    texts = {"regulation": "chongqing-ets", "procedure": "allocation-review", "code": "x", "register": "emitters"}
    return texts.get(name, review if name == "case_id" else 1 if name.endswith("_id") else "1")


def test_a_proof_is_for_its_person_and_approving_officials_only(portal):
    browser, number = registered(portal)
    other, _ = registered(portal, login="qian", uscc="91330100799655058B")
    with portal.database.transaction() as tx:
        path = f"/registration/proofs/{registering.proof_of(tx, number).id}"
    for client, allowed in [
        (browser, True), (portal.client("li"), True), (other, False), (portal.client("wang"), False),
        (portal.client("zhou"), False), (portal.client("chen"), False),
    ]:  # fmt: skip
        assert client.get(path).status_code == (200 if allowed else 404)
    assert portal.client().get(path).location.startswith("/sign-in")
    answer = browser.get(path)
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert portal.client("li").get("/registration/proofs/999").status_code == 404


def test_a_loose_proof_is_nobodys_to_open(portal):
    register(portal.client(), name="")
    assert portal.client("li").get("/registration/proofs/1").status_code == 404


# Returned, refused, approved


def test_returned_it_comes_back_filled_in_with_the_reason(portal):
    browser, number = registered(portal, agrees="yes")
    assert decide(portal, number, "return", "名称与执照不一致").location == "/registrations"
    page = browser.get("/registration")
    assert "退回原因：名称与执照不一致" in page.text
    for value in (NEW, "重庆某玻璃有限公司"):
        assert f'value="{value}"' in page.text
    assert "<option selected>涪陵区</option>" in page.text
    assert 'name="agrees" value="yes" checked' in page.text
    assert "已上传：营业执照.pdf（" in page.text
    assert 'name="login"' not in page.text
    wrong = browser.post("/registration", {**FORM, "uscc": NEW[:-1] + "H"})
    assert wrong.status_code == 422
    assert summary(wrong)[0].endswith("请对照营业执照核对这 18 位。")
    assert "退回原因：名称与执照不一致" in wrong.text
    mended = {**FORM, "name": "重庆某某玻璃有限公司"}
    new = {"proof": licence("新执照.png", PNG)}
    answer = browser.post("/registration", {**mended, **new})
    assert answer.location == "/registration"
    assert "审核中" in browser.get("/registration").text
    with portal.database.transaction() as tx:
        row = registering.registration(tx, number)
        assert (row.round, row.name, registering.proof_of(tx, number).name) == (2, "重庆某某玻璃有限公司", "新执照.png")
    # A second click finds it handed in.
    assert browser.post("/registration", mended).location == "/registration"


def test_refused_it_says_why_and_lets_one_begin_anew_with_the_same_account(portal):
    browser, number = registered(portal)
    decide(portal, number, "refuse", "不是该单位人员")
    page = browser.get("/registration")
    assert "不予核准" in page.text
    assert "原因：不是该单位人员" in page.text
    form = browser.get("/register")
    assert 'name="login"' not in form.text
    answer = browser.post("/register", {**FORM, "proof": licence(), "once": "o" * 20})
    assert answer.status_code == 303
    assert "查看审核状态" in browser.get("/register/received").text
    assert "审核中" in browser.get("/registration").text


def test_approved_the_first_person_has_everything(portal):
    browser, number = registered(portal, agrees="yes")
    assert decide(portal, number, "approve").location == "/registrations"
    assert browser.get("/").location == "/home"
    page = plain(browser.get("/organisation"))
    assert "您的权限 管理、办理" in page
    assert "电子送达 同意，自" in page
    with portal.database.transaction() as tx:
        unit = identity.organisation_by_uscc(tx, NEW)
        assert (unit.name, unit.district, unit.kinds) == ("重庆某玻璃有限公司", "涪陵区", ["enterprise"])


# Joining by a code


def an_invitation(portal, rights=("file",), note="赵敏"):
    wang = portal.actor("wang")
    with portal.database.transaction() as tx:
        made, code = membership.invite(tx, wang, rights, note, clock.now())
        return made.id, code


def join(browser, code, **changes):
    return browser.post("/join", {**FORM, "code": code, **changes})


def test_a_newcomer_joins_by_a_code_and_signs_in(portal):
    _, code = an_invitation(portal)
    browser = portal.client()
    assert join(browser, code.lower().replace("-", "")).location == "/sign-in"
    assert "已加入单位，请用刚才设置的用户名和密码登录。" in browser.get("/sign-in").text
    answer = browser.post("/sign-in", {"login": "zhao", "password": FORM["password"]})
    assert answer.location == "/home"
    assert "您的权限 办理" in plain(browser.get("/organisation"))


def test_used_expired_revoked_and_unknown_codes_are_answered_clearly(portal):
    number, revoked = an_invitation(portal)
    _, used = an_invitation(portal)
    wang = portal.actor("wang")
    with portal.database.transaction() as tx:
        membership.revoke(tx, wang, number, clock.now())
    assert join(portal.client(), used, login="qian").status_code == 303
    browser = portal.client()
    said = "这个邀请码已经用过，每个邀请码只能用一次。请本单位的管理人员重新邀请。"
    assert summary(join(browser, used)) == [said]
    assert summary(join(browser, revoked)) == ["这个邀请码已被撤销。请与本单位的管理人员联系。"]
    with portal.database.transaction() as tx:
        over = update(Invitation).values(expires_at=portal.now, used_at=None, used_by_id=None, revoked_at=None)
        tx.execute(over)
    assert re.fullmatch(
        r"这个邀请码已于 [\d :-]{16} 过期。请本单位的管理人员重新邀请。", summary(join(browser, used))[0]
    )
    wrong = join(browser, used[:-1] + ("A" if used[-1] != "A" else "B"))
    unknown = join(browser, "nobody made this")
    expected = ["邀请码不正确。请核对后重新输入，或请本单位的管理人员重新邀请。"]
    assert (summary(wrong), summary(unknown)) == (expected, expected)
    assert 'value="赵敏"' in wrong.text
    assert FORM["password"] not in wrong.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"code": " "}, ["请填写邀请码。"]),
        ({"person": ""}, ["请填写姓名。"]),
        ({"login": "x"}, ["用户名须为2至64个字符，不含空格：x"]),
        ({"password": "short"}, ["密码须为10至128个字符，且不得与用户名相同。"]),
        ({"login": "li"}, ["用户名已被使用：li"]),
    ],
)
def test_what_is_wrong_with_an_account_spends_no_code(portal, changes, said):
    _, code = an_invitation(portal)
    browser = portal.client()
    assert summary(join(browser, **{"code": code, **changes})) == said
    assert join(browser, code).status_code == 303


def test_without_a_code_nobody_learns_which_logins_are_taken(portal):
    answer = join(portal.client(), "wrong", login="li")
    assert summary(answer) == ["邀请码不正确。请核对后重新输入，或请本单位的管理人员重新邀请。"]


def test_after_ten_wrong_codes_even_a_right_one_waits(portal):
    _, code = an_invitation(portal)
    browser = portal.client()
    for n in range(10):
        assert join(browser, f"wrong {n}").status_code == 422
    answer = join(browser, code)
    assert (answer.status_code, summary(answer)) == (429, ["邀请码错误次数过多，请 15 分钟后再试。"])


def test_of_wrong_codes_tried_at_once_none_is_tried_beyond_the_tenth(portal, monkeypatch):
    browsers = [portal.client() for _ in range(4)]
    tokens = [browser.token("/join") for browser in browsers]
    with portal.database.transaction() as tx:
        for _ in range(9):
            throttle.note(tx, JOIN, "127.0.0.1", clock.now())
    tried, real = [], membership.join

    def slow(tx, who, code, moment):
        tried.append(code)
        time.sleep(0.2)
        return real(tx, who, code, moment)

    monkeypatch.setattr(membership, "join", slow)

    def attempt(browser, token):
        return browser.raw.post("/join", data={**FORM, "code": "wrong", "csrf_token": token}).status_code

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(attempt, browsers, tokens))
    assert sorted(answers) == [422, 429, 429, 429]
    assert tried == ["wrong"]
    assert count(portal, AddressAttempt) == 10


def test_whoever_has_an_account_joins_with_the_code_alone(portal):
    browser, number = registered(portal)
    _, code = an_invitation(portal, ())
    page = browser.get("/join")
    assert 'name="login"' not in page.text
    assert browser.post("/join", {"code": code}).location == "/home"
    assert "您的权限 查看" in plain(browser.get("/organisation"))
    answer = decide_again(portal, number)
    assert "撤回（已凭邀请码加入单位）" in answer.text


def decide_again(portal, number):
    page = f"/registrations/{number}"
    return portal.client("li").post(page, {"decision": "approve", "round": "1", "stands": "new"})


def test_a_unit_an_official_added_is_registered_by_its_people(portal):
    li = portal.actor("li")
    with portal.database.transaction() as tx:
        registering.add_unit(tx, li, Entry(NEW, "重庆某玻璃有限公司", "涪陵区", "enterprise"), clock.now())
    browser, number = registered(portal)
    assert decide(portal, number, "approve").status_code == 303
    assert browser.get("/").location == "/home"
