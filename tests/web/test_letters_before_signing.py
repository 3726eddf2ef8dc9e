"""The letters that a step would issue are shown before it is done, and nothing at all comes of it."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import inspect, select, text

from portal.cases import rehearsal
from portal.cases.live import Cases
from portal.cases.models import Incident, StartItem, Task
from portal.documents.models import Letter, NumberSequence
from tests.builders.pages import UNIT, plain

HTMX = {"HX-Request": "true"}


def contents(portal):
    """Every row of every table."""
    with portal.database.engine.connect() as connection:
        names = sorted(inspect(connection).get_table_names())
        query = 'SELECT coalesce(array_agg(t::text ORDER BY t::text), ARRAY[]::text[]) FROM "{}" t'
        return {name: connection.scalar(text(query.format(name))) for name in names}


def signing(portal, rows=1):
    """An allocation that waits for the leader's signature; its task."""
    task_id = portal.allocation()
    portal.complete("zhou", task_id, {"year": "2025", "units": [{"unit": UNIT, "amount": "1200000"}] * rows})
    with portal.database.transaction() as tx:
        case_id = tx.get_one(Task, task_id).case_id
    return portal.task("sign", case_id)


def deciding(portal, conclusion, **more):
    """A review that waits for the leader's signature; its task."""
    review = portal.review()
    portal.complete("li", portal.task("check", review), {"result": "受理"})
    answers = {"conclusion": conclusion, "reasons": "产量台账与检测报告一致", **more}
    portal.complete("he", portal.task("review", review), answers)
    portal.complete("he", portal.task("draft", review), {"findings": "已核对产量"})
    return portal.task("sign", review)


def previewed(portal, task_id, login="chen", headers=None, **answers):
    browser = portal.client(login)
    browser.get(f"/tasks/{task_id}")
    before = contents(portal)
    page = browser.post(f"/tasks/{task_id}/letters", answers, headers=headers or {})
    after = contents(portal)
    assert {name for name, rows in before.items() if rows != after[name]} == set()
    return page


def test_a_decision_is_shown_as_it_would_be_issued_and_nothing_is_kept(portal):
    page = previewed(portal, deciding(portal, "维持"), result="签发")
    assert page.status_code == 200
    said = plain(page)
    assert "预览·未签发。这是按现在填写的内容会制发的文书，没有保存任何内容" in said
    number = re.search(r"文号 (渝环复〔\d{4}〕1号)（以签发时为准）", said)
    assert number, said
    assert f"{number[1]} 复核决定书 重庆某水泥有限公司：" in said
    assert "产量台账与检测报告一致" in said
    assert "维持《碳排放配额分配通知书》" in said
    assert "核验码：签发后生成" in said
    assert "letter-draft" in page.text
    with portal.database.transaction() as tx:
        assert tx.scalars(select(Incident)).all() == []
        assert tx.scalars(select(NumberSequence).where(NumberSequence.pattern.contains("渝环复〔"))).all() == []


def test_the_number_shown_is_the_one_that_is_drawn_then(portal):
    task_id = deciding(portal, "变更", amount="1250000")
    said = plain(previewed(portal, task_id, result="签发"))
    shown = re.findall(r"文号 (\S+?)（以签发时为准）", said)
    portal.complete("chen", task_id, {"result": "签发"})
    with portal.database.transaction() as tx:
        issued = tx.scalars(select(Letter.number).where(Letter.number.in_(shown)).order_by(Letter.id)).all()
        assert issued == shown
        assert len(shown) == 2


def test_a_list_shows_the_notice_of_its_first_row(portal):
    page = previewed(portal, signing(portal), result="签发")
    said = plain(page)
    assert "逐行启动《配额分配通知》：第 1 行，共 1 行" in said
    assert re.search(r"文号 渝环配〔\d{4}〕1号（以签发时为准）", said)
    assert "碳排放配额为1,200,000吨二氧化碳当量" in said
    with portal.database.transaction() as tx:
        assert tx.scalars(select(StartItem)).all() == []


def test_a_first_row_that_cannot_be_started_is_told(portal):
    first, second = signing(portal), signing(portal)
    portal.complete("chen", first, {"result": "签发"})
    said = plain(previewed(portal, second, result="签发"))
    assert re.search(r"第 1 行启动不了：.*《配额分配通知》", said), said


def test_returning_issues_nothing(portal):
    page = previewed(portal, deciding(portal, "维持"), result="退回", opinion="理由不足")
    assert "按现在填写的内容，这一步不制发文书。" in plain(page)


def test_wrong_answers_come_back_as_what_is_wrong(portal):
    task_id = deciding(portal, "维持")
    page = previewed(portal, task_id, headers=HTMX)
    assert page.status_code == 422
    assert 'id="letters-preview"' in page.text
    assert "<html" not in page.text
    assert 'href="#f-result"' in page.text


def test_a_part_for_the_page_of_the_task(portal):
    page = previewed(portal, deciding(portal, "维持"), headers=HTMX, result="签发")
    assert page.status_code == 200
    assert page.text.lstrip().startswith("<section")
    assert "复核决定书" in page.text


def test_who_may_not_do_the_step_sees_no_letter(portal):
    task_id = deciding(portal, "维持")
    assert portal.client("li").post(f"/tasks/{task_id}/letters", {"result": "签发"}).status_code == 403
    assert portal.client("wang").post(f"/tasks/{task_id}/letters", {}).status_code in (403, 404)


def test_a_step_that_is_done_is_told(portal):
    task_id = deciding(portal, "维持")
    portal.complete("chen", task_id, {"result": "签发"})
    page = portal.client("chen").post(f"/tasks/{task_id}/letters", {"result": "签发"})
    assert page.status_code == 409
    assert "办结。" in plain(page)


def test_which_steps_may_issue_letters(portal):
    review = portal.review()
    with portal.database.transaction() as tx:
        case = Cases(tx, portal.machine.kernel.releases).get(review)
        may = {key: rehearsal.may_issue(case, "", key) for key in ("check", "review", "draft", "sign", "sign_refusal")}
        redo = {key: rehearsal.may_issue(case, "redo:1", key) for key in ("redetermine", "sign_redo")}
        allocation = Cases(tx, portal.machine.kernel.releases).get(case.about.row.started_by_id)
        assert rehearsal.may_issue(allocation, "", "sign")
        assert not rehearsal.may_issue(allocation, "", "draft")
    assert may == {"check": False, "review": False, "draft": False, "sign": True, "sign_refusal": True}
    assert redo == {"redetermine": False, "sign_redo": True}


def test_a_preview_beside_the_act_itself_takes_nothing_from_it(portal):
    task_id = deciding(portal, "维持")
    browsers = [portal.client("chen") for _ in range(3)]
    tokens = [browser.token(f"/tasks/{task_id}") for browser in browsers]
    barrier = threading.Barrier(4)

    def look(browser, token):
        barrier.wait()
        return browser.raw.post(f"/tasks/{task_id}/letters", data={"result": "签发", "csrf_token": token}).status_code

    def sign():
        barrier.wait()
        portal.complete("chen", task_id, {"result": "签发"})

    with ThreadPoolExecutor(4) as pool:
        looks = [pool.submit(look, *pair) for pair in zip(browsers, tokens, strict=True)]
        pool.submit(sign).result()
        assert {one.result() for one in looks} <= {200, 409}
    with portal.database.transaction() as tx:
        numbers = tx.scalars(select(Letter.number).where(Letter.name == "decision")).all()
        sequence = tx.scalars(select(NumberSequence.last).where(NumberSequence.pattern.contains("渝环复〔"))).all()
        assert len(numbers) == 1
        assert sequence == [1]
        assert tx.scalars(select(Incident)).all() == []
