"""Officials and organisations: deciding on registrations, the list, adding a unit that never registered."""

from __future__ import annotations

import pytest

from portal import clock, identity
from portal.identity import membership, registering
from portal.identity.entry import Entry
from tests.builders.pages import ETS, LONG_AGO, PASSWORD, UNIT, plain
from tests.web.test_registration import FORM, NEW, PNG, decide, hidden, licence, registered, summary

GLASS = Entry(NEW, "重庆某玻璃有限公司", "涪陵区", "enterprise")


@pytest.fixture
def administrator(portal):
    """The browser of an administrator, who holds no role."""
    with portal.database.transaction() as tx:
        identity.add_person(tx, login="root", name="管理员", password=PASSWORD, administrator=True)
    return portal.client("root")


@pytest.fixture
def second(portal):
    """One more official who approves."""
    with portal.database.transaction() as tx:
        person = identity.add_person(tx, login="qin", name="秦岚", password=PASSWORD)
        identity.grant_role(tx, person_id=person.id, regulation=ETS, role="intake", from_day=LONG_AGO)
    return portal.client("qin")


def add_unit(portal, entry=GLASS):
    li = portal.actor("li")
    with portal.database.transaction() as tx:
        return registering.add_unit(tx, li, entry, clock.now()).id


# Who


def test_registrations_are_for_the_role_that_the_regulation_names(portal, administrator):
    _, number = registered(portal)
    li, zhou = portal.client("li"), portal.client("zhou")
    assert "注册审核" in li.get("/inbox").text
    assert "注册审核" not in zhou.get("/inbox").text
    for path in ("/registrations", f"/registrations/{number}"):
        assert li.get(path).status_code == 200
        for other in (zhou, administrator, portal.client("wang")):
            assert other.get(path).status_code == 403
    refused = zhou.post(f"/registrations/{number}", {"decision": "approve"})
    assert refused.status_code == 403


def test_units_are_for_that_role_and_administrators(portal, administrator):
    for browser, status in [
        (portal.client("li"), 200), (administrator, 200), (portal.client("zhou"), 403), (portal.client("wang"), 403),
    ]:  # fmt: skip
        for path in ("/organisations", "/organisations/add", f"/organisations/{portal.unit_id}"):
            assert browser.get(path).status_code == status, path


def test_the_page_of_a_unit_leads_to_its_cases_those_who_may_see_cases(portal, administrator):
    path = f"/organisations/{portal.unit_id}"
    assert "查找该单位的案件" in portal.client("li").get(path).text
    assert "查找该单位的案件" not in administrator.get(path).text


# Deciding


def test_the_list_tells_who_waits_and_what_was_decided(portal):
    _, number = registered(portal)
    browser = portal.client("li")
    inbox = browser.get("/inbox")
    assert "没有待办 本岗位现在也没有待领的任务；有注册申请等您审核。 去审核注册" in plain(inbox)
    assert '<a class="btn" href="/registrations">去审核注册</a>' in inbox.text
    assert "等您审核" not in portal.client("zhou").get("/inbox").text
    page = plain(browser.get("/registrations"))
    assert f"重庆某玻璃有限公司 {NEW} · 涪陵区 · 企业 赵敏 单位注册" in page
    assert "没有审核过的申请" not in page
    decide(portal, number, "refuse", "没有授权")
    assert "等您审核" not in browser.get("/inbox").text
    assert "没有待审核的注册申请" in browser.get("/registrations").text
    assert "不予核准 ZC00000001" in plain(browser.get("/registrations?view=decided"))
    assert browser.get("/registrations?after=99&before=x").status_code == 200


def test_the_proof_stands_beside_what_was_typed(portal):
    _, number = registered(portal, proof=licence("执照.png", PNG), agrees="yes")
    page = portal.client("li").get(f"/registrations/{number}")
    with portal.database.transaction() as tx:
        address = f"/registration/proofs/{registering.proof_of(tx, number).id}"
    assert f'<img class="proof" src="{address}" alt="证明文件：执照.png">' in page.text
    text = plain(page)
    assert "申请人 赵敏（zhao）" in text
    assert "电子送达 同意" in text
    assert "本门户没有这个单位。核准后登记该单位，申请人成为第一名人员（管理、办理）。" in text
    assert "登记簿中没有该单位的记录。" in text
    assert "赵敏提交（第 1 次）" in text
    assert "核准加入后的权限" not in text


def test_what_differs_from_the_record_is_pointed_out(portal):
    add_unit(portal)
    _, number = registered(portal, name="重庆某玻璃厂", district="万州区")
    text = plain(portal.client("li").get(f"/registrations/{number}"))
    assert "单位已登记，没有人员。" in text
    assert "单位名称与登记不一致：申请为“重庆某玻璃厂”，登记为“重庆某玻璃有限公司”。核准不改变登记的信息。" in text
    assert "所在区县与登记不一致：申请为“万州区”，登记为“涪陵区”。" in text
    assert "单位类别与登记不一致" not in text


def test_others_who_wait_for_the_same_code_are_named(portal):
    _, number = registered(portal)
    _, other = registered(portal, login="qian")
    page = portal.client("li").get(f"/registrations/{number}")
    assert "另有 1 份待审核的申请使用同一代码，请一并核对：" in plain(page)
    assert f'href="/registrations/{other}"' in page.text
    assert f'href="/registrations/{number}"' not in page.text


@pytest.mark.parametrize(
    ("what", "reason", "said"),
    [
        ("", "", "请选择审核结论。"),
        ("burn", "", "请选择审核结论。"),
        ("return", " \n ", "请填写退回或不予核准的原因。"),
        ("refuse", "", "请填写退回或不予核准的原因。"),
        ("return", "字" * 501, "原因最多 500 个字，现有 501 个字。"),
        ("return", "看不\0清", "原因含有不能显示的字符，请重新输入。"),
    ],
)
def test_a_decision_is_whole_or_none(portal, what, reason, said):
    _, number = registered(portal)
    answer = decide(portal, number, what, reason)
    assert (answer.status_code, summary(answer)) == (422, [said])
    with portal.database.transaction() as tx:
        assert registering.registration(tx, number).state == "waiting"


def test_a_further_person_gets_the_rights_the_official_ticks(portal):
    browser, number = registered(portal, uscc=UNIT, joins="yes", rights=["file", "manage"])
    page = portal.client("li").get(f"/registrations/{number}")
    text = plain(page)
    assert "凭新的证明加入已有单位，申请权限：管理、办理" in text
    assert "单位已有 1 名人员。" in text
    assert "现有人员：王磊" in text
    assert page.text.count("checked") == 2
    assert decide(portal, number, "approve", rights="file").status_code == 303
    assert "您的权限 办理" in plain(browser.get("/organisation"))
    history = plain(portal.client("wang").get("/organisation"))
    assert "赵敏加入本单位 经审核（ZC00000001），权限：办理" in history
    assert "主管部门核准了赵敏的注册申请" in history
    assert "李强" not in history


def test_the_first_of_two_officials_decides(portal, second):
    _, number = registered(portal)
    path = f"/registrations/{number}"
    seen = {"round": hidden(second, "round", path), "stands": hidden(second, "stands", path)}
    assert decide(portal, number, "return", "名称不一致").status_code == 303
    answer = second.post(path, {"decision": "approve", **seen})
    assert answer.status_code == 409
    assert "这份注册申请已由李强于" in answer.text
    assert "退回，您的决定没有提交。" in answer.text
    assert 'id="decide"' not in answer.text


def test_what_was_handed_in_again_meanwhile_must_be_looked_at(portal, second):
    browser, number = registered(portal)
    path = f"/registrations/{number}"
    seen = {"round": hidden(second, "round", path), "stands": hidden(second, "stands", path)}
    decide(portal, number, "return", "名称不一致")
    assert browser.post("/registration", {**FORM, "name": "别的名称"}).status_code == 303
    answer = second.post(path, {"decision": "approve", **seen})
    assert answer.status_code == 409
    assert "申请人已重新提交这份申请，您看到的不是最新内容，决定没有提交。" in answer.text
    assert "别的名称" in answer.text
    assert "李强退回 名称不一致" in plain(answer)


def test_a_unit_that_was_added_meanwhile_must_be_looked_at(portal, second):
    _, number = registered(portal)
    path = f"/registrations/{number}"
    seen = {"round": hidden(second, "round", path), "stands": hidden(second, "stands", path)}
    add_unit(portal)
    answer = second.post(path, {"decision": "approve", **seen})
    assert answer.status_code == 409
    assert "该单位的登记情况在您打开本页之后有变化（已登记，没有人员），决定没有提交。" in answer.text
    assert 'name="stands" value="empty"' in answer.text


def test_a_registration_that_does_not_exist_is_not_found(portal):
    assert portal.client("li").get("/registrations/999").status_code == 404
    assert portal.client("li").get("/organisations/999").status_code == 404


# Units


def test_units_are_found_by_name_and_code_however_typed(portal):
    add_unit(portal)
    browser = portal.client("li")
    everything = plain(browser.get("/organisations"))
    assert f"重庆某玻璃有限公司 {NEW} 涪陵区 没有人员 邮寄或直接送达" in everything
    assert f"重庆某水泥有限公司 {UNIT} 万州区 1 人 电子送达" in everything
    for q in ("玻璃", NEW.lower()[:9], "９１４４"):
        page = plain(browser.get("/organisations", query_string={"q": q}))
        assert "某玻璃" in page
        assert "某水泥" not in page
    for q in ("100%", "\0", "没有的"):
        assert browser.get("/organisations", query_string={"q": q}).status_code == 200
    assert "没有找到单位" in browser.get("/organisations?q=没有的").text


def test_a_unit_that_never_registered_is_added_for_service_by_post(portal):
    browser = portal.client("li")
    answer = browser.post("/organisations/add", {**FORM, "uscc": NEW.lower()})
    page = plain(browser.get(answer.location))
    assert f"已登记重庆某玻璃有限公司（{NEW}）。" in page
    assert "没有人员。单位人员注册并经核准后可以使用门户。" in page
    assert "不同意，文书以邮寄或直接送达" in page
    assert "李强登记了本单位" in page


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"uscc": NEW[:-1] + "H"},
            f"统一社会信用代码 {NEW[:-1]}H 的校验位不对，其中有一位写错了，请对照营业执照核对这 18 位。",
        ),
        ({"uscc": UNIT}, f"该统一社会信用代码已登记：{UNIT}"),
        ({"name": ""}, "请填写单位名称。"),
        ({"district": "浦东新区"}, "请选择所在区县。"),
        ({"kind": ""}, "请选择单位类别。"),
    ],
)  # fmt: skip
def test_a_unit_that_is_typed_wrong_is_not_added(portal, changes, said):
    answer = portal.client("li").post("/organisations/add", {**FORM, **changes})
    assert (answer.status_code, summary(answer)) == (422, [said])
    with portal.database.transaction() as tx:
        assert identity.organisation_by_uscc(tx, NEW) is None


def test_a_units_page_tells_its_people_and_history(portal):
    wang = portal.actor("wang")
    with portal.database.transaction() as tx:
        membership.end_agreement(tx, wang, clock.now())
    page = plain(portal.client("li").get(f"/organisations/{portal.unit_id}"))
    assert "王磊 管理、办理" in page
    assert "王磊代表本单位终止电子送达" in page
