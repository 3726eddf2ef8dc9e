"""暂存: what an official has typed is kept before he hands it in, for him alone, and never silently overwritten."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from portal import clock
from portal.cases.drafts import NOTHING, filings
from portal.cases.drafts.tasks import sweep
from portal.cases.models import Attachment, Case, Filing, Task, TaskDraft
from portal.web.keeping import SEEN
from portal.worker.sweeping import forget_uploads
from tests.builders.pages import UNIT, plain

HALF = {"year": "2025", "units.0.unit": UNIT, "units.0.amount": "1,2", "grounds": "写到一半"}
WHOLE = {**HALF, "units.0.amount": "1,200,000"}
BY_SCRIPT = {"Accept": "application/json"}


def keep(browser, task, answers, seen=NOTHING, **options):
    return browser.post(f"/tasks/{task}/draft", {**answers, SEEN: seen}, **options)


def seen_in(page):
    return re.search(f'name="{SEEN}" value="([^"]*)"', page.text)[1]


def drafts(portal):
    with portal.database.transaction() as tx:
        return tx.scalar(select(func.count()).select_from(TaskDraft))


def test_what_was_kept_is_there_when_the_page_is_opened_again(portal):
    task, browser = portal.allocation(), portal.client("zhou")
    answer = keep(browser, task, HALF)
    assert (answer.status_code, answer.location) == (303, f"/tasks/{task}")
    page = portal.client("zhou").get(f"/tasks/{task}")
    assert "写到一半" in page.text
    assert 'value="1,2"' in page.text
    at = portal.now.strftime("%m-%d")
    assert re.search(f"已恢复 {at} \\d\\d:\\d\\d 暂存的内容。", plain(page))
    assert portal.task("draft", portal_case(portal, task)) == task


def portal_case(portal, task):
    with portal.database.transaction() as tx:
        return tx.get_one(Task, task).case_id


def test_a_form_kept_empty_is_not_said_to_be_restored(portal):
    task, browser = portal.allocation(), portal.client("zhou")
    keep(browser, task, {"year": "", "grounds": ""})
    assert "已恢复" not in plain(browser.get(f"/tasks/{task}"))


def test_a_page_without_anything_kept_says_nothing_of_it(portal):
    page = portal.client("zhou").get(f"/tasks/{portal.allocation()}")
    assert "已恢复" not in plain(page)
    assert "清除暂存" not in plain(page)
    assert ">暂存</button>" in page.text
    assert seen_in(page) == NOTHING


def test_a_script_is_told_when_it_was_kept_and_by_which_mark_to_go_on(portal):
    task, browser = portal.allocation(), portal.client("zhou")
    first = keep(browser, task, HALF, headers=BY_SCRIPT)
    assert first.status_code == 200
    assert re.fullmatch(r"已暂存 \d\d:\d\d", first.json["said"])
    second = keep(browser, task, WHOLE, first.json["seen"], headers=BY_SCRIPT)
    assert second.status_code == 200
    assert second.json["seen"] != first.json["seen"]


def test_nobody_else_reads_it_not_even_who_takes_the_task_over(portal):
    task = portal.allocation()
    keep(portal.client("zhou"), task, HALF)
    sun = portal.client("sun")
    sun.post(f"/tasks/{task}/claim")
    page = sun.get(f"/tasks/{task}")
    assert "写到一半" not in page.text
    assert "已恢复" not in plain(page)


def test_an_older_window_overwrites_nothing_unless_it_is_told_to(portal):
    task, browser = portal.allocation(), portal.client("zhou")
    newer = keep(browser, task, WHOLE, headers=BY_SCRIPT).json["seen"]
    older = keep(browser, task, HALF, headers=BY_SCRIPT)
    assert older.status_code == 409
    assert older.json["seen"] == newer
    assert "在另一个窗口改动并保存。本页的内容没有覆盖它。" in older.json["said"]
    assert 'value="1,200,000"' in browser.get(f"/tasks/{task}").text
    assert keep(browser, task, HALF, older.json["seen"], headers=BY_SCRIPT).status_code == 200
    assert 'value="1,2"' in browser.get(f"/tasks/{task}").text


def test_a_page_left_before_it_was_answered_goes_by_what_it_had_sent(portal):
    task, browser = portal.allocation(), portal.client("zhou")
    lines = {**HALF, "grounds": "第一句\r\n第二句"}
    sent = {f"_under.{name}": text for name, text in lines.items()}
    keep(browser, task, lines, headers=BY_SCRIPT)  # its answer does not come any more
    assert keep(browser, task, {**WHOLE, **sent}, headers=BY_SCRIPT).status_code == 200
    assert 'value="1,200,000"' in browser.get(f"/tasks/{task}").text
    other = {**HALF, "grounds": "另一个窗口", **sent}
    assert keep(browser, task, other, headers=BY_SCRIPT).status_code == 409
    assert "另一个窗口" not in browser.get(f"/tasks/{task}").text


def test_without_a_script_an_older_window_comes_back_with_what_was_typed_in_it(portal):
    task, browser = portal.allocation(), portal.client("zhou")
    keep(browser, task, WHOLE)
    answer = keep(browser, task, {**HALF, "grounds": "旧窗口里的文字"})
    assert answer.status_code == 409
    assert "旧窗口里的文字" in answer.text
    assert "再点“暂存”即以本页为准" in plain(answer)
    assert keep(browser, task, {**HALF, "grounds": "旧窗口里的文字"}, seen_in(answer)).status_code == 303
    assert "旧窗口里的文字" in browser.get(f"/tasks/{task}").text


def test_the_same_again_is_no_conflict(portal):
    task, browser = portal.allocation(), portal.client("zhou")
    assert keep(browser, task, HALF, headers=BY_SCRIPT).status_code == 200
    assert keep(browser, task, HALF, headers=BY_SCRIPT).status_code == 200


def test_it_can_be_thrown_away(portal):
    task, browser = portal.allocation(), portal.client("zhou")
    keep(browser, task, HALF)
    assert browser.post(f"/tasks/{task}/draft/discard").location == f"/tasks/{task}"
    page = browser.get(f"/tasks/{task}")
    assert "写到一半" not in page.text
    assert "已清除暂存的内容。" in plain(page)
    assert drafts(portal) == 0


def test_handing_in_takes_it_away(portal):
    task, browser = portal.allocation(), portal.client("zhou")
    keep(browser, task, HALF)
    assert browser.post(f"/tasks/{task}", WHOLE).status_code == 302
    assert drafts(portal) == 0


def test_what_a_slower_colleague_had_kept_is_swept_with_the_task(portal):
    task = portal.allocation()
    keep(portal.client("zhou"), task, HALF)
    still = portal.allocation()
    keep(portal.client("zhou"), still, HALF)
    portal.complete("sun", task, WHOLE)
    assert drafts(portal) == 2
    with portal.database.transaction() as tx:
        sweep(tx)
        assert tx.scalars(select(TaskDraft.task_id)).all() == [still]


def test_for_a_task_that_is_over_nothing_is_kept(portal):
    task, browser = portal.allocation(), portal.client("zhou")
    browser.get(f"/tasks/{task}")
    portal.complete("sun", task, WHOLE)
    told = browser.post(f"/tasks/{task}/draft", HALF, headers=BY_SCRIPT)
    assert (told.status_code, told.json["seen"]) == (409, "")
    assert told.json["said"].startswith("未能暂存：案件已进入其他环节")
    page = browser.post(f"/tasks/{task}/draft", HALF)
    assert page.status_code == 409
    assert "写到一半" in page.text
    assert drafts(portal) == 0


@pytest.mark.parametrize("login", ["chen", "wang"])
def test_only_who_does_such_tasks_keeps_anything(portal, login):
    task = portal.allocation()
    answer = portal.client(login).post(f"/tasks/{task}/draft", HALF)
    assert answer.status_code in (403, 404)
    assert drafts(portal) == 0


def test_signs_that_no_database_holds_are_kept_as_something_that_no_form_takes(portal):
    task, browser = portal.allocation(), portal.client("zhou")
    assert keep(browser, task, {**HALF, "grounds": "一\0二", "a\0b": "三"}, headers=BY_SCRIPT).status_code == 200
    assert browser.get(f"/tasks/{task}").status_code == 200


def test_rows_of_a_long_table_are_kept_too(portal):
    task, browser = portal.allocation(), portal.client("zhou")
    rows = "[" + ",".join(f'{{"unit":"{UNIT}","amount":"{n}"}}' for n in range(1, 121)) + "]"
    assert keep(browser, task, {"year": "2025", "units.rows": rows}).status_code == 303
    assert "共 120 行" in plain(browser.get(f"/tasks/{task}"))


def test_what_a_page_came_back_with_is_kept_by_its_script_at_once(portal):
    task, browser = portal.allocation(), portal.client("zhou")
    assert " data-unsaved" not in browser.get(f"/tasks/{task}").text
    for button in ({"_table": "units.add"}, {}):
        page = browser.post(f"/tasks/{task}", {**HALF, **button, SEEN: NOTHING})
        assert f' data-keep="/tasks/{task}/draft" data-unsaved' in page.text
        assert seen_in(page) == NOTHING
    assert keep(browser, task, HALF).status_code == 303
    assert " data-unsaved" not in browser.get(f"/tasks/{task}").text


def test_uploads_of_which_a_draft_speaks_are_not_swept(portal):
    task = portal.allocation()
    with portal.database.transaction() as tx:
        ids = []
        for key in ("kept", "left"):
            row = Attachment(
                uploaded_by_id=portal.people["zhou"], uploaded_at=clock.now() - timedelta(days=3), key=key,
                name="a.pdf", kind="pdf", size=1, sha256="0" * 64,
            )  # fmt: skip
            tx.add(row)
            tx.flush()
            ids.append(row.id)
        tx.add(
            TaskDraft(
                task_id=task, person_id=portal.people["zhou"], answers={"files": [str(ids[0])]}, saved_at=portal.now
            )
        )
    with portal.database.transaction() as tx:
        forget_uploads(tx, clock.now() - timedelta(days=1))
        assert tx.scalars(select(Attachment.key)).all() == ["kept"]


def test_starting_closes_what_was_kept_for_it(portal):
    zhou = portal.actor("zhou")
    with portal.database.transaction() as tx:
        draft = filings.begin(tx, zhou, "chongqing-ets", "allocation", None, portal.now)
        filings.keep(tx, zhou, draft.id, {"note": ["x"]}, portal.now, NOTHING)
    portal.client("zhou").post("/start/chongqing-ets/allocation")
    with portal.database.transaction() as tx:
        [draft] = tx.scalars(select(Filing)).all()
        assert draft.case_id == tx.scalars(select(Case.id).where(Case.procedure == "allocation")).one()
