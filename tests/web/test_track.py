"""Following a case by number and query code: what is told, what is not, and that nothing can be found out by trying."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from portal.cases import querycodes, tracking
from portal.cases.models import Case
from portal.identity import throttle
from portal.identity.models import AddressAttempt
from portal.web import create_app
from tests.builders.pages import UNIT, Browser, plain
from tests.features.test_act_costs import counted

WRONG = "没有找到编号和查询码都相符的办件。请对照回执或文书核对编号（含括号中的年份）和查询码。"


HERE, ELSEWHERE = "192.0.2.7", "198.51.100.9"


def track(portal, number: str, code: str, browser=None, *, of: str = HERE):
    asking = browser or portal.client()
    asking.raw.environ_base["REMOTE_ADDR"] = of
    return asking.post("/track", {"number": number, "code": code})


def test_a_case_is_followed_without_signing_in(portal):
    case = portal.case(portal.review())
    page = track(portal, case.number, querycodes.spoken(case.query_code))
    said = plain(page)
    assert page.status_code == 200
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert page.headers["Cache-Control"] == "no-store"
    assert "形式审查中，由受理人员办理" in said
    assert "形式审查中，由受理人员办理 申请人现在无需操作。" in said
    assert "作出复核决定：10 个工作日" in said
    assert "为什么是这一天？" in said
    assert "提出复核申请" in said
    assert case.number in said
    assert querycodes.spoken(case.query_code) not in page.text
    assert case.query_code not in page.text


def test_no_name_and_nothing_of_what_was_filed_is_told(portal):
    case = portal.case(portal.review())
    said = plain(track(portal, case.number, case.query_code))
    for secret in ("王磊", "李强", "重庆某水泥", UNIT, "1,300,000", "1300000", "1200000", "1,200,000", "产量数据有误"):
        assert secret not in said


@pytest.mark.parametrize("typed", ["{0}-{1}", "{0}{1}", " {0} {1} ", "{0}—{1}"])
@pytest.mark.parametrize("form", [str.lower, lambda text: text.translate(WIDE), str])
def test_a_code_may_be_typed_in_any_way(portal, typed, form):
    case = portal.case(portal.review())
    code = form(typed.format(case.query_code[:4], case.query_code[4:]))
    assert track(portal, case.number, code).status_code == 200


WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


@pytest.mark.parametrize("brackets", ["〔〕", "[]", "［］", "()", "（）", "【】"])
def test_a_number_may_be_typed_with_any_brackets(portal, brackets):
    case = portal.case(portal.review())
    number = f" {case.number} ".replace("〔", f" {brackets[0]}").replace("〕", brackets[1])
    assert track(portal, number, case.query_code).status_code == 200


@pytest.mark.parametrize(("opening", "closing"), [("", ""), (" ", " "), ("(", ""), ("", "]")])
def test_a_number_may_be_typed_without_its_brackets(portal, opening, closing):
    case = portal.case(portal.review())
    number = case.number.replace("〔", opening).replace("〕", closing)
    assert track(portal, number, case.query_code).status_code == 200


def test_what_nobody_can_read_in_a_number_does_no_harm(portal):
    case = portal.case(portal.review())
    assert track(portal, f"\0{case.number}\u200b\x1f", case.query_code).status_code == 200
    assert "请填写编号。" in plain(track(portal, "\0", case.query_code))


def test_wrong_number_and_wrong_code_are_answered_alike(portal):
    case = portal.case(portal.review())
    other = "3" * 8 if case.query_code != "3" * 8 else "4" * 8
    wrong_code = track(portal, case.number, other)
    wrong_number = track(portal, "渝环复案〔2026〕999号", case.query_code)
    for page in (wrong_code, wrong_number):
        assert page.status_code == 422
        assert WRONG in plain(page)
    same = [
        plain(page).replace(case.number, "").replace("渝环复案〔2026〕999号", "") for page in (wrong_code, wrong_number)
    ]
    assert same[0] == same[1]


def test_wrong_number_and_wrong_code_cost_the_same(portal):
    case = portal.case(portal.review())
    seen = []
    for number in (case.number, "渝环复案〔2026〕999号"):
        with portal.database.transaction() as tx, counted(tx) as statements:
            refused = tracking.sought(tx, number, "33333333", "192.0.2.1", portal.now)
        assert isinstance(refused, tracking.NotTogether)
        seen.append(statements)
    assert seen[0] == seen[1]


def test_a_case_without_party_is_nobody_s_to_follow(portal):
    task = portal.allocation()
    with portal.database.transaction() as tx:
        case = tx.scalars(select(Case)).one()
        assert (case.party_id, case.query_code) == (None, None)
    assert task
    for code in ("--------", "33333333"):
        assert track(portal, case.number, code).status_code == 422


def test_the_number_is_kept_and_the_code_is_not(portal):
    page = track(portal, "渝环复案[2026]7号", "abcd-efgh")
    assert 'value="渝环复案[2026]7号"' in page.text
    assert "abcd-efgh" not in page.text


@pytest.mark.parametrize(
    ("number", "code", "fault"),
    [
        ("", "33333333", "请填写编号。"),
        ("渝环复案〔2026〕1号", " ", "请填写查询码。"),
        ("渝环复案〔2026〕1号", "3333-333", "查询码是 8 位字母和数字，现有 7 位。"),
        ("案" * 101, "33333333", "编号过长，请只填写编号。"),
    ],
)
def test_what_cannot_be_looked_for_is_told_and_not_counted(portal, number, code, fault):
    page = track(portal, number, code)
    assert page.status_code == 422
    assert fault in plain(page)
    with portal.database.transaction() as tx:
        assert tx.scalars(select(AddressAttempt)).all() == []


def test_after_ten_failures_for_a_number_an_address_is_not_answered_about_it_and_others_are(portal):
    case = portal.case(portal.review())
    for _ in range(10):
        assert track(portal, case.number, "33333333").status_code == 422
    page = track(portal, case.number, case.query_code)
    assert page.status_code == 429
    assert "查询失败的次数过多" in plain(page)
    assert track(portal, case.number, case.query_code, of=ELSEWHERE).status_code == 200
    assert track(portal, case.number, "33333333", of=ELSEWHERE).status_code == 422
    other = portal.case(case.about_id)
    assert track(portal, other.number, other.query_code).status_code == 200


def test_a_number_that_others_guess_at_stays_open_to_its_own_people(portal):
    case = portal.case(portal.review())
    for stranger in range(30):
        assert track(portal, case.number, "33333333", of=f"203.0.113.{stranger}").status_code == 422
    assert track(portal, case.number, case.query_code).status_code == 200


def test_the_addresses_of_one_network_count_as_one(portal):
    case = portal.case(portal.review())
    for stranger in range(10):
        assert track(portal, case.number, "33333333", of=f"2001:db8:1:2::{stranger}").status_code == 422
    assert track(portal, case.number, case.query_code, of="2001:db8:1:2:ffff::1").status_code == 429
    assert track(portal, case.number, case.query_code, of="2001:db8:1:3::1").status_code == 200


def test_behind_our_proxy_the_visitors_are_told_apart_and_nobody_makes_himself_another(portal):
    case = portal.case(portal.review())

    def asked(machine, code: str, forwarded: str) -> int:
        client = create_app(machine).test_client()
        client.environ_base["HTTP_X_FORWARDED_FOR"] = forwarded
        return Browser(client).post("/track", {"number": case.number, "code": code}).status_code

    direct = portal.machine
    behind = replace(direct, settings=replace(direct.settings, proxies=1))
    for guess in range(10):
        assert asked(behind, "33333333", f"10.9.8.{guess}, {ELSEWHERE}") == 422
    assert asked(behind, case.query_code, f"10.1.1.1, {ELSEWHERE}") == 429
    assert asked(behind, case.query_code, HERE) == 200
    for guess in range(10):
        assert asked(direct, "33333333", f"10.9.8.{guess}") == 422
    assert asked(direct, case.query_code, "10.1.1.1") == 429


@pytest.mark.parametrize(
    ("address", "counted_by"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_what_an_address_is_counted_by(address, counted_by):
    assert throttle.network_of(address) == counted_by


def test_after_thirty_failures_an_address_is_not_answered_for_a_quarter_of_an_hour(portal):
    case = portal.case(portal.review())
    for number in range(30):
        assert track(portal, f"渝环复案〔2020〕{number}号", "33333333").status_code == 422
    assert track(portal, case.number, case.query_code).status_code == 429
    with portal.database.transaction() as tx:
        earlier = AddressAttempt.moment - timedelta(minutes=15)
        tx.execute(update(AddressAttempt).values(moment=earlier))
    assert track(portal, case.number, case.query_code).status_code == 200


def test_whoever_asks_rightly_is_not_counted(portal):
    case = portal.case(portal.review())
    for _ in range(12):
        assert track(portal, case.number, case.query_code).status_code == 200


def test_nothing_of_an_unopened_letter_is_told(portal):
    notice, letter = portal.notice()
    portal.rendered(letter)
    case = portal.case(notice)
    said = plain(track(portal, case.number, case.query_code))
    assert "文书已制发，等当事人签收" in said
    assert "碳排放配额分配通知书" not in said
    assert "渝环配〔" not in said


def test_a_refusal_that_was_not_opened_does_not_show_through(portal):
    review = portal.review()
    portal.complete("li", portal.task("check", review), {"result": "不予受理", "reason": "不是相对人"})
    portal.complete("chen", portal.task("sign_refusal", review), {"result": "签发"})
    case = portal.case(review)
    said = plain(track(portal, case.number, case.query_code))
    assert "文书已制发，等当事人签收" in said
    assert "不予受理" not in said
    assert "形式审查" in said


def test_what_the_applicant_has_to_do_is_told_with_its_date(portal):
    review = portal.review()
    portal.complete("li", portal.task("check", review), {"result": "补正", "corrections": "缺少计量凭证"})
    case = portal.case(review)
    said = plain(track(portal, case.number, case.query_code))
    assert "现在需要申请人登录办理“补正材料”。" in said
    assert "补正材料：3 个工作日" in said
    assert "缺少计量凭证" not in said


def test_codes_are_long_and_without_look_alikes():
    codes = {querycodes.new_code() for _ in range(1000)}
    assert len(codes) == 1000
    assert {len(code) for code in codes} == {8}
    assert set("".join(codes)) <= set("34679ACDEFGHJKMNPRTUWXY")
    assert querycodes.spoken("ACDE3467") == "ACDE-3467"


def test_whoever_is_signed_in_keeps_his_own_bar(portal):
    page = portal.client("wang").get("/track")
    assert page.status_code == 200
    assert "我的办件" in plain(page)
