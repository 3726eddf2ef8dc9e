"""Pages about who stands in for whom, and how a deputy's name stands on every page that names who did something."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import func, select

from portal import clock, identity
from portal.cases.models import Task
from portal.documents.models import Letter
from portal.identity import changes, delegating, service
from portal.identity.models import Delegation, Grant, Person
from portal.web.official.organisations import _round_view
from portal.web.people import standing_in
from tests.builders.deputies import lend, lent_by_two
from tests.builders.pages import ETS, UNIT, plain
from tests.builders.tasklists import statements

HERE = "/delegations"


@pytest.fixture
def today(portal):
    return clock.day_of(portal.now)


def form(portal, deputy="zhou", days=3, **changes):
    first = clock.day_of(portal.now)
    typed = {
        "roles": [f"{ETS}:leader"],
        "deputy": str(portal.people.get(deputy, deputy or "")),
        "from_day": first.isoformat(),
        "to_day": (first + timedelta(days=days)).isoformat(),
        "reason": "出差",
    }
    return typed | changes


def count(portal):
    with portal.database.transaction() as tx:
        return tx.scalar(select(func.count()).select_from(Delegation))


def administrator(portal):
    with portal.database.transaction() as tx:
        tx.scalars(select(Person).where(Person.id == portal.people["tao"])).one().administrator = True
    return portal.client("tao")


def test_an_official_lends_his_role_and_both_read_it(portal, today):
    browser = portal.client("chen")
    page = browser.get(HERE)
    assert page.status_code == 200
    assert 'value="chongqing-ets:leader" checked' in page.text
    assert f'value="{today.isoformat()}"' in page.text
    assert "现在没有代办，也没有预先设好的代办。" in page.text
    answer = browser.post(HERE, form(portal))
    assert (answer.status_code, answer.headers["Location"]) == (303, HERE)
    shown = plain(browser.get(HERE))
    last = today + timedelta(days=3)
    assert f"至 {last.year}年{last.month}月{last.day}日（周{'一二三四五六日'[last.weekday()]}）24:00，共 4 天" in shown
    assert "已设代办：周敏" in shown
    assert "周敏 局领导" in shown
    assert "代办中" in shown
    assert "理由：出差" in shown
    assert "陈涛于" in shown
    his = plain(portal.client("zhou").get(HERE))
    assert "我替人代办" in his
    assert "陈涛 局领导" in his


def test_what_is_wrong_stands_at_the_top_and_at_the_field_and_what_was_typed_stays(portal, today):
    browser = portal.client("chen")
    typed = form(portal, deputy="chen", days=400, reason="")
    answer = browser.post(HERE, typed)
    assert answer.status_code == 422
    assert "有 3 处需要改正" in answer.text
    for field, said in (
        ("deputy", "代办人不能是本人，请选择其他工作人员。"),
        ("to_day", "代办最长一年，最后一天不能晚于"),
        ("reason", "请写明理由。"),
    ):
        assert f'href="#{field}"' in answer.text
        assert re.search(rf'id="{field}-error">{said}', answer.text), field
    assert f'value="{typed["to_day"]}"' in answer.text
    assert 'value="chongqing-ets:leader" checked' in answer.text
    assert count(portal) == 0


@pytest.mark.parametrize(
    "odd",
    [
        {"roles": ["nonsense"]},
        {"roles": [f"{ETS}\x00:leader"]},
        {"roles": [f"{ETS}:leader", "\x00:\x00"]},
        {"roles": [f"{ETS}:handler"]},
        {"roles": []},
        {"deputy": "99999999999999999999"},
        {"deputy": "x"},
        {"from_day": "明天"},
        {"to_day": "2026-02-31"},
        {"reason": "\x00"},
    ],
)
def test_bad_input_is_answered_in_words(portal, odd):
    answer = portal.client("chen").post(HERE, form(portal, **odd))
    assert answer.status_code == 422
    assert "需要改正" in answer.text
    assert count(portal) == 0


def test_posting_twice_lends_once_and_says_so(portal):
    browser = portal.client("chen")
    browser.post(HERE, form(portal))
    again = browser.post(HERE, form(portal))
    assert again.status_code == 422
    assert "已由周敏代办，期间不能重叠" in again.text
    assert count(portal) == 1


def test_ending_asks_first_and_counts_at_once(portal):
    number, browser = lend(portal), portal.client("chen")
    page = plain(browser.get(f"{HERE}/{number}/end"))
    assert "结束周敏代陈涛办理“局领导”" in page
    assert "立即生效：周敏不能再代陈涛办理。" in page
    empty = browser.post(f"{HERE}/{number}/end", {"reason": " "})
    assert (empty.status_code, "请写明理由。" in empty.text) == (422, True)
    answer = browser.post(f"{HERE}/{number}/end", {"reason": "提前返岗"})
    assert (answer.status_code, answer.headers["Location"]) == (303, HERE)
    shown = plain(browser.get(HERE))
    assert "已结束，周敏不再代陈涛办理。" in shown
    assert "以前的代办（1 项）" in shown
    assert "提前结束：提前返岗" in shown
    again = browser.post(f"{HERE}/{number}/end", {"reason": "提前返岗"})
    assert (again.status_code, "这项代办已经结束，没有变动。" in again.text) == (409, True)
    assert "这项代办已经结束，没有变动。" in browser.get(f"{HERE}/{number}/end").text
    assert portal.actor("zhou").lent == frozenset()


def test_only_the_lender_and_an_administrator_end_it(portal):
    number = lend(portal)
    for login in ("zhou", "he", "wang"):
        browser = portal.client(login)
        assert browser.get(f"{HERE}/{number}/end").status_code == 403
        assert browser.post(f"{HERE}/{number}/end", {"reason": "x"}).status_code == 403
    answer = administrator(portal).post(f"{HERE}/{number}/end", {"reason": "提前返岗"})
    assert answer.headers["Location"] == f"/admin/people/{portal.people['chen']}/delegations"
    assert portal.client("chen").get(f"{HERE}/{number + 1}/end").status_code == 404


def test_applicants_have_no_such_page(portal):
    browser = portal.client("wang")
    assert browser.get(HERE).status_code == 403
    assert browser.post(HERE, form(portal)).status_code == 403


def test_an_administrator_lends_for_somebody_who_is_ill(portal):
    browser, address = administrator(portal), f"/admin/people/{portal.people['chen']}/delegations"
    page = browser.get(address)
    assert "陈涛的代办" in page.text
    assert browser.post(address, form(portal, deputy="tao")).status_code == 422
    answer = browser.post(address, form(portal, reason="病假"))
    assert (answer.status_code, answer.headers["Location"]) == (303, address)
    shown = plain(browser.get(address))
    assert "陶然于" in shown
    assert "理由：病假" in shown
    history = plain(browser.get(f"/admin/people/{portal.people['chen']}"))
    assert "陶然设周敏代办“局领导”" in history
    assert portal.client("chen").get(address).status_code == 403
    for nobody in (portal.people["wang"], 999_999):
        assert browser.get(f"/admin/people/{nobody}/delegations").status_code == 404


def test_a_history_of_many_delegations_costs_no_more_statements(portal):
    browser, address = administrator(portal), f"/admin/people/{portal.people['chen']}"
    deputies = {"zhou": "周敏", "he": "何静", "tao": "陶然", "sun": "孙伟"}

    def lent_to(login):
        with portal.database.transaction() as tx:
            changes.note(
                tx, delegating.MADE, portal.now, organisation_id=None, person_id=portal.people["chen"],
                by_id=portal.people["chen"], regulation=ETS, role="leader", to=portal.people[login],
                from_day="2026-11-20", to_day="2026-11-27", reason="休假",
            )  # fmt: skip

    counts = []
    for login in deputies:
        lent_to(login)
        with statements(portal) as sent:
            page = plain(browser.get(address))
        counts.append(len(sent))
    for name in deputies.values():
        assert f"陈涛设{name}代办“局领导”" in page
    assert len(set(counts)) == 1, counts


def test_who_holds_only_a_lent_role_has_nothing_to_lend(portal):
    with portal.database.transaction() as tx:
        made = identity.add_person(tx, login="new", name="新来", password="correct horse 9")
        number = made.id
    maker = portal.actor("chen")
    first = clock.day_of(portal.now)
    with portal.database.transaction() as tx:
        tx.add(
            Delegation(
                from_person_id=maker.person_id, to_person_id=number, regulation=ETS, role="leader", from_day=first,
                to_day=first, reason="出差", made_by_id=maker.person_id, made_at=portal.now,
            )
        )  # fmt: skip
    browser = portal.client()
    browser.post("/sign-in", {"login": "new", "password": "correct horse 9"})
    page = browser.get(HERE)
    assert "没有可以请人代办的岗位" in page.text
    assert 'id="lend"' not in page.text


def test_that_the_deputy_holds_the_role_himself_is_said(portal):
    with portal.database.transaction() as tx:
        service.grant_role(
            tx, person_id=portal.people["sun"], regulation=ETS, role="leader", from_day=clock.day_of(portal.now)
        )
    lend(portal, deputy="sun")
    said = "代办人本人也任此岗位：待领的事项以本人名义办理，陈涛已领取的代为办理。"
    assert said in portal.client("chen").get(HERE).text
    assert said in portal.client("sun").get(HERE).text


def test_many_to_choose_from_are_found_by_name_and_what_was_typed_stays(portal, monkeypatch):
    monkeypatch.setattr(delegating, "CANDIDATES", 2)
    monkeypatch.setattr("portal.web.official.delegations.CANDIDATES", 2)
    browser = portal.client("chen")
    assert 'name="find"' in browser.get(HERE).text
    found = browser.post(HERE, form(portal, deputy=None, name="陶", find="1", reason="年休假"))
    assert found.status_code == 200
    options = re.findall(r"<option[^>]*>([^<]+)</option>", found.text)
    assert [unescape(one) for one in options] == ["请选择", "陶然（文书送达人员）"]
    assert 'value="年休假"' in found.text


# The trace on pages


def test_every_page_that_names_who_did_it_says_for_whom(portal):
    """孙伟, a supervisor, draws up an allocation for 周敏, who has lent him her role."""
    task_id = portal.allocation()
    with portal.database.transaction() as tx:
        tx.scalars(select(Grant).where(Grant.person_id == portal.people["sun"])).one().role = "supervisor"
        case_id = tx.get_one(Task, task_id).case_id
    lend(portal, "zhou", "sun", "handler")
    portal.complete("sun", task_id, {"year": "2025", "units": [{"unit": UNIT, "amount": "1200000"}]})
    browser = portal.client("chen")
    page = plain(browser.get(f"/cases/{case_id}"))
    assert "办结“核定年度配额” · 孙伟（代 周敏）（承办人）" in page
    # The timeline, what was said, and the way as a list.
    assert page.count("孙伟（代 周敏）") >= 3
    browser.raw.set_cookie("portal_language", "en")
    assert "孙伟 (for 周敏)" in plain(browser.get(f"/cases/{case_id}"))


def test_a_deputy_of_several_chooses_in_whose_name_he_signs(portal):
    sign = lent_by_two(portal)
    browser = portal.client("sun")
    page = browser.get(f"/tasks/{sign}")
    chosen, other = (str(portal.people[name]) for name in ("chen", "he"))
    assert re.findall(r'<option value="(\d+)"( selected)?>', page.text) == [(chosen, " selected"), (other, "")]
    assert "您代陈涛办理这一环节" in plain(page)
    wrong = browser.post(f"/tasks/{sign}", {"_for": other})
    assert wrong.status_code == 422
    assert f'<option value="{other}" selected>' in wrong.text
    gone = browser.post(f"/tasks/{sign}", {"result": "签发", "_for": str(portal.people["zhou"])})
    assert gone.status_code == 409
    assert "您现在没有代理所选的人办理这个岗位的事项，没有提交。" in plain(gone)
    browser.post(f"/tasks/{sign}", {"result": "签发", "_for": other})
    with portal.database.transaction() as tx:
        assert tx.get_one(Task, sign).for_id == portal.people["he"]


def test_who_stands_in_for_one_alone_has_nothing_to_choose(portal):
    lend(portal, "chen", "sun")
    draft = portal.allocation()
    portal.complete("zhou", draft, {"year": "2025", "units": [{"unit": UNIT, "amount": "1200000"}]})
    with portal.database.transaction() as tx:
        sign = portal.task("sign", tx.get_one(Task, draft).case_id)
    assert 'name="_for"' not in portal.client("sun").get(f"/tasks/{sign}").text


def test_whoever_comes_too_late_reads_who_did_it_for_whom(portal):
    task_id = portal.allocation()
    late = portal.client("zhou")
    page = f"/tasks/{task_id}"
    with portal.database.transaction() as tx:
        tx.scalars(select(Grant).where(Grant.person_id == portal.people["sun"])).one().role = "supervisor"
    lend(portal, "zhou", "sun", "handler")
    token = late.token(page)
    portal.complete("sun", task_id, {"year": "2025", "units": [{"unit": UNIT, "amount": "1200000"}]})
    answer = late.raw.post(page, data={"csrf_token": token, "year": "2025"})
    assert answer.status_code == 409
    assert "由孙伟（代 周敏）办结。" in answer.text


def test_a_deputy_whose_time_ends_while_he_fills_in_the_form_reads_why_and_keeps_his_text(portal):
    with portal.database.transaction() as tx:
        tx.scalars(select(Grant).where(Grant.person_id == portal.people["sun"])).one().role = "supervisor"
    number = lend(portal, "zhou", "sun", "handler")
    task_id = portal.allocation()
    deputy, page = portal.client("sun"), f"/tasks/{task_id}"
    token = deputy.token(page)
    with portal.database.transaction() as tx:
        case_id = tx.get_one(Task, task_id).case_id
        delegating.end(tx, portal.actor("zhou"), number, "提前回来", clock.now())
    answer = deputy.raw.post(page, data={"csrf_token": token, "grounds": "代办写的依据"})
    assert answer.status_code == 403
    assert "您代周敏办理的代办已经结束，不能再办理由承办人办理的这一步。" in plain(answer)
    assert "联系管理员" not in answer.text
    assert "代办写的依据" in answer.text
    assert f'href="/cases/{case_id}"' in answer.text


def test_decisions_on_registrations_name_the_deputy_and_his_principal(portal):
    with portal.database.transaction() as tx:
        changes.note(
            tx, "registration.returned", portal.now, organisation_id=None, person_id=portal.people["wang"],
            by_id=portal.people["zhou"], for_id=portal.people["li"], number="ZC00000001", round=1, reason="照片不清",
        )  # fmt: skip
        [line] = changes.of_registration(tx, "ZC00000001", portal.people["wang"])
    assert (line.who, line.principal) == ("周敏", "李强")
    with portal.app.test_request_context():
        assert _round_view(line)["text"] == "周敏（代 李强）退回"
        assert standing_in("周敏", "") == "周敏"


def test_lists_and_letters_name_for_whom_a_deputy_acted(portal):
    """陈涛, the leader, is away: 孙伟 claims and signs for him, which colleagues see in the inbox and at the letter."""
    lend(portal, "chen", "sun")
    review = portal.review()
    portal.complete("li", portal.task("check", review), {"result": "受理"})
    portal.complete("he", portal.task("review", review), {"conclusion": "维持", "reasons": "数量无误"})
    portal.complete("he", portal.task("draft", review), {"findings": "查明"})
    sign = portal.task("sign", review)
    deputy = portal.client("sun")
    deputy.post(f"/tasks/{sign}/claim")
    assert "孙伟（代 陈涛）办理中" in plain(portal.client("he").get("/inbox?view=all"))
    portal.complete("sun", sign, {"result": "签发"})
    assert "局领导（代 陈涛）" in plain(deputy.get("/inbox?view=done"))
    with portal.database.transaction() as tx:
        letter = tx.scalars(select(Letter).where(Letter.case_id == review)).one().id
    assert "办理人 孙伟（代 陈涛）" in plain(portal.client("he").get(f"/letters/{letter}"))
