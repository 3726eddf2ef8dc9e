"""The page of a task: what was said beside the fields, the file in parts, the way as a list, and what it costs."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from lxml import html
from sqlalchemy import select

from portal import audit
from portal.cases.models import Attachment, Case, CaseNote, Task
from portal.documents.models import Letter, Service, ServiceProof
from portal.web.casefile import _fact_text
from tests.builders.pages import ETS, UNIT, plain
from tests.builders.tasklists import statements

DRAFT = {"year": "2025", "units.0.unit": UNIT, "units.0.amount": "1,200,000"}


@pytest.fixture
def reviewed(portal):
    """A review that waits for the reviewer; the ids of its case and of the task."""
    case = portal.review()
    portal.complete("li", portal.task("check", case), {"result": "受理"})
    return case, portal.task("review", case)


def tree(answer):
    return html.fromstring(answer.text)


def of_class(page, *classes, tag="*"):
    """The elements that have some classes."""
    having = " and ".join(f"contains(concat(' ', normalize-space(@class), ' '), ' {name} ')" for name in classes)
    return page.xpath(f".//{tag}[{having}]")


def steps(page, state):
    """The steps of the way in one state."""
    return [step for group in of_class(page, "way", state) for step in group.xpath("./li")]


def names_of(found):
    return [said_in(of_class(step, "name")[0]) for step in found]


def said_in(element):
    return re.sub(r"\s+", " ", element.text_content()).strip()


def test_the_applicants_answers_stand_beside_the_fields_they_bear_on(portal, reviewed):
    _case, task = reviewed
    browser = portal.client("he")
    page = tree(browser.get(f"/tasks/{task}"))
    conclusion = page.get_element_by_id("f-conclusion-beside")
    assert [said_in(line) for line in conclusion] == [
        "申请人主张（tCO₂e）：1,300,000",
        "通知书确定（tCO₂e）：1,200,000",
    ]
    assert said_in(page.get_element_by_id("f-reasons-beside")) == "申请人的事实与理由：产量数据有误"
    changing = {"conclusion": "变更", "amount": "1,250,000", "reasons": ""}
    page = tree(browser.post(f"/tasks/{task}", changing))
    amount = page.get_element_by_id("f-amount-beside")
    assert [said_in(line) for line in amount] == [
        "申请人主张：1,300,000 tCO₂e 比本栏多 50,000",
        "通知书确定：1,200,000 tCO₂e 比本栏少 50,000",
    ]
    assert "f-amount-beside" in page.get_element_by_id("f-amount").get("aria-describedby")


def test_the_leader_signs_beside_what_was_decided(portal, reviewed):
    case, task = reviewed
    portal.complete("he", task, {"conclusion": "变更", "amount": 1250000, "reasons": "台账可信"})
    portal.complete("he", portal.task("draft", case), {"findings": "已核对产量"})
    page = tree(portal.client("chen").get(f"/tasks/{portal.task('sign', case)}"))
    assert [said_in(line) for line in page.get_element_by_id("f-result-beside")] == [
        "复核结论：变更",
        "变更后（tCO₂e）：1,250,000",
        "通知书确定（tCO₂e）：1,200,000",
        "申请人主张（tCO₂e）：1,300,000",
        "复核理由：台账可信",
    ]


def test_the_place_shows_the_last_steps_what_may_follow_as_a_choice_and_the_last_events(portal, reviewed):
    case, task = reviewed
    portal.complete("he", task, {"conclusion": "维持", "reasons": "数据无误"})
    portal.complete("he", portal.task("draft", case), {"findings": "已核对产量"})
    (place,) = of_class(tree(portal.client("chen").get(f"/tasks/{portal.task('sign', case)}")), "case-place")
    (track,) = of_class(place, "track")
    assert [[said_in(box) for box in of_class(step, "box")] for step in track] == [
        ["之前 2 步（已完成）"],
        ["复核审查（已完成）"],
        ["拟制复核决定（已完成）"],
        ["签批复核决定（进行中）"],
        ["制发复核决定书（未开始）", "或 复核审查（未开始）"],
    ]
    (events,) = of_class(place, "tl")
    assert len(events) == 4
    assert "办结“拟制复核决定” · 何静（复核人员）" in said_in(events[0])


def test_intake_reads_the_reasons_where_it_judges_them(portal):
    case = portal.review()
    page = tree(portal.client("li").get(f"/tasks/{portal.task('check', case)}"))
    assert said_in(page.get_element_by_id("f-result-beside")) == "申请人的事实与理由：产量数据有误"


def test_every_part_of_the_file_is_on_the_page_and_every_tab_leads_to_one(portal, reviewed):
    case, task = reviewed
    for path in (f"/tasks/{task}", f"/cases/{case}"):
        page = tree(portal.client("he").get(path))
        tabs = page.xpath("//*[@data-tabs]/nav/a")
        names = [said_in(tab) for tab in tabs]
        assert names == ["申请内容", "办理意见 1", "备注", "经过", "流程", "关联案件 1"]
        parts = [part.get("id") for part in page.xpath("//*[@data-tabs]/section")]
        assert [tab.get("href") for tab in tabs] == [f"#{part}" for part in parts]
        assert len(page.xpath("//*[@id]")) == len({one.get("id") for one in page.xpath("//*[@id]")})


def test_the_way_as_a_list_says_who_when_by_when_and_on_what_article(portal, reviewed):
    _case, task = reviewed
    page = tree(portal.client("he").get(f"/tasks/{task}"))
    done = [said_in(step) for step in steps(page, "done")]
    assert re.fullmatch(r"提出复核申请（已完成） 王磊 \d{4}年\S+ \d\d:\d\d 渝府发〔2023〕6号第十一条第二款", done[0])
    assert done[1].startswith("形式审查（已完成） 受理人员 李强 20")
    assert "期限 20" in done[1]
    [now] = steps(page, "now")
    assert now.get("aria-current") == "step"
    assert said_in(now).startswith("复核审查 当前 复核人员 待领取 期限 20")
    assert said_in(now).endswith("渝府发〔2023〕6号第十一条第二款")
    following = names_of(steps(page, "next"))
    assert following == ["拟制复核决定"]
    later = names_of(steps(page, "later"))
    assert later[:2] == ["签批复核决定", "制发复核决定书"]
    assert {"维持", "变更", "撤销重作", "重新核定"} <= set(later)
    assert "不予受理" not in later
    assert said_in(steps(page, "always")[0]).startswith("撤回 申请人")


def test_an_ended_case_has_its_outcome_last_and_nothing_ahead(portal):
    case = portal.review()
    portal.complete("li", portal.task("check", case), {"result": "不予受理", "reason": "不是相对人"})
    portal.complete("chen", portal.task("sign_refusal", case), {"result": "签发"})
    page = tree(portal.client("he").get(f"/cases/{case}"))
    names = [name for state in ("done", "now", "next", "later", "always") for name in names_of(steps(page, state))]
    assert names == [
        "提出复核申请（已完成）",
        "形式审查（已完成）",
        "签批不予受理（已完成）",
        "制发不予受理告知书（已完成）",
        "不予受理（已完成）",
    ]


def test_opinions_and_history_name_the_article_of_their_step(portal, reviewed):
    _case, task = reviewed
    page = tree(portal.client("he").get(f"/tasks/{task}"))
    assert said_in(page.get_element_by_id("file-said").find(".//summary")).endswith("渝府发〔2023〕6号第十一条第二款")
    [line] = [line for line in page.xpath("//*[@id='file-history']/ol/li") if "办结“形式审查”" in line.text_content()]
    assert said_in(line).endswith("依据 渝府发〔2023〕6号第十一条第二款")
    assert "sort-act" in line.get("class").split()


def test_a_long_history_is_folded_behind_its_newest_twenty(portal, reviewed):
    case, task = reviewed
    lengthened(portal, case, 30)
    page = tree(portal.client("he").get(f"/tasks/{task}"))
    lines = page.xpath("//*[@id='file-history']/ol/li")
    older = [line for line in lines if "older" in line.get("class").split()]
    assert (len(lines) - len(older), len(older) > 10) == (20, True)
    assert f"显示全部 {len(lines)} 条" in said_in(page.get_element_by_id("file-history"))


def test_uploads_are_shown_where_they_were_asked_for_with_a_way_to_look_at_them(portal, reviewed):
    case, task = reviewed
    with portal.database.transaction() as tx:
        tx.add(attachment(portal, case, "台账.pdf"))
    page = tree(portal.client("he").get(f"/tasks/{task}"))
    [look] = page.xpath("//*[@id='file-attachments']//a[@hx-target='#viewer']")
    assert re.fullmatch(r"/attachments/\d+/preview", look.get("href"))
    assert look.get("hx-get") == look.get("href")
    assert page.get_element_by_id("viewer-panel").get("hidden") is not None


def attachment(portal, case, name):
    return Attachment(
        case_id=case, uploaded_by_id=portal.people["wang"], organisation_id=portal.unit_id, uploaded_at=portal.now,
        key=name, name=name, kind="pdf", size=8, sha256="0" * 64,
    )  # fmt: skip


def test_letters_are_not_previewed_where_the_step_issues_none(portal, reviewed):
    _case, task = reviewed
    assert f'formaction="/tasks/{task}/letters"' not in portal.client("he").get(f"/tasks/{task}").text


def test_letters_are_previewed_where_the_step_may_issue_them(portal):
    draft = portal.allocation()
    portal.complete("zhou", draft, DRAFT)
    with portal.database.transaction() as tx:
        sign = portal.task("sign", tx.get_one(Task, draft).case_id)
    page = portal.client("chen").get(f"/tasks/{sign}")
    assert f'formaction="/tasks/{sign}/letters"' in page.text
    assert "预览文书" in plain(page)


def test_handing_in_says_what_was_chosen_and_what_follows(portal):
    case = portal.review()
    task, number = portal.task("check", case), portal.case(case).number
    browser = portal.client("li")
    browser.post(f"/tasks/{task}", {"result": "受理"})
    assert f"“{number} 形式审查”已提交：受理。接下来由复核人员办理“复核审查”。" in plain(browser.get("/inbox"))


def test_signing_says_that_the_letter_is_being_made_and_the_case_is_over(portal):
    case = portal.review()
    portal.complete("li", portal.task("check", case), {"result": "不予受理", "reason": "不是相对人"})
    browser = portal.client("chen")
    browser.post(f"/tasks/{portal.task('sign_refusal', case)}", {"result": "签发"})
    number = portal.case(case).number
    told = plain(browser.get("/inbox"))
    assert re.search(
        rf"“{number} 签批不予受理”已提交：签发。《\S+》渝环复不〔\d+〕\d+号正在生成。案件已办结：不予受理。", told
    )


def lengthened(portal, case_id, by):
    """Writes so many lines more into a case's history."""
    with portal.database.transaction() as tx:
        row = tx.get_one(Case, case_id)
        events = [
            audit.Event(
                portal.now + timedelta(seconds=n),
                1,
                "task.claimed",
                portal.people["he"],
                None,
                "review",
                {"task": "复核审查"},
            )
            for n in range(by)
        ]
        chain = audit.append_all(tx, case_id, audit.Chain(row.audit_length, row.audit_head), events)
        row.audit_length, row.audit_head = chain.length, chain.head


def letter(portal, case, number):
    """A letter of a case that was served on its party."""
    served = ServiceProof(
        how="post", received_at=portal.now, entered_by=portal.people["tao"], entered_at=portal.now, note=""
    )
    service = Service(
        kind="party", addressee="party", organisation_id=portal.unit_id, name="单位", state="served", how="post",
        served_at=portal.now, proofs=[served],
    )  # fmt: skip
    return Letter(
        case_id=case, act_id=1, name=f"letter-{number}", title="通知书", number=f"测〔2026〕{number}号",
        element="check", scope="", visit=1, issued_at=portal.now, data={}, release_id=1, template="a.docx",
        verification_code=f"CODE{number}", state="rendering", services=[service],
    )  # fmt: skip


@pytest.mark.parametrize("page", ["task", "case"])
def test_a_page_costs_the_same_however_long_the_history_and_however_much_hangs_on_the_case(portal, reviewed, page):
    case, task = reviewed
    path = f"/tasks/{task}" if page == "task" else f"/cases/{case}"
    browser = portal.client("he")
    with portal.database.transaction() as tx:
        tx.add(letter(portal, case, 0))
    browser.get(path)
    with statements(portal) as few:
        browser.get(path)
    with portal.database.transaction() as tx:
        tx.add_all(attachment(portal, case, f"{n}.pdf") for n in range(12))
        tx.add_all(letter(portal, case, n) for n in range(1, 13))
        tx.add_all(
            CaseNote(case_id=case, at=portal.now, person_id=portal.people["he"], visible=False, text=str(n))
            for n in range(12)
        )
        done = tx.scalars(select(Task).where(Task.case_id == case, Task.state == "done")).one()
        same = {name: getattr(done, name) for name in Task.__table__.columns.keys() if name != "id"}  # noqa: SIM118
        tx.add_all(Task(**{**same, "engine_id": f"more-{n}", "visit": 2 + n}) for n in range(12))
    lengthened(portal, case, 200)
    with statements(portal) as many:
        assert browser.get(path).status_code == 200
    assert len(many) == len(few)
    assert len(few) <= 36, "\n".join(few)


def test_a_number_that_a_fact_comes_to_has_its_unit(portal):
    with portal.app.test_request_context():
        assert _fact_text(Decimal(1152300), "tCO₂e") == "1,152,300 tCO₂e"
        assert _fact_text(3, "") == "3"
        assert _fact_text(True, "tCO₂e") == "是"
    with portal.database.transaction() as tx:
        facts = portal.machine.kernel.releases.newest(tx, ETS).procedure("verification-review").manifest.facts
        assert facts["undisputed"].unit == "tCO₂e"
