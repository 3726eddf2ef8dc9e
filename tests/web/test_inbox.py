"""The inbox: who sees what, in which order, under which light, at which cost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal import clock, inbox
from portal.calendar import service as calendars
from portal.cases.models import Case
from portal.inbox import Cursor, Place, View
from portal.inbox.rules import Filter, Light
from tests.builders.pages import plain
from tests.builders.tasklists import WEDNESDAY, open_tasks


@pytest.fixture
def place(portal):
    return Place.of(portal.actor("zhou"))


def test_what_is_due_first_comes_first_and_what_is_never_due_last(portal, place):
    days = [None, WEDNESDAY + timedelta(3), WEDNESDAY, None, WEDNESDAY + timedelta(1), WEDNESDAY]
    ids = open_tasks(portal, days)
    with portal.database.transaction() as tx:
        found = [row.task_id for row in inbox.tasks_page(tx, place, View.ROLE).rows]
    assert found == [ids[2], ids[5], ids[4], ids[1], ids[0], ids[3]]


def test_pages_follow_each_other_without_gap_or_repetition(portal, place):
    days = [WEDNESDAY + timedelta(n // 3) if n < 9 else None for n in range(13)]
    ids = open_tasks(portal, days)
    found, after = [], None
    with portal.database.transaction() as tx:
        for _ in range(7):
            page = inbox.tasks_page(tx, place, View.ROLE, after=after, size=2)
            found += [row.task_id for row in page.rows]
            after = Cursor.read(str(page.following)) if page.following else None
    assert after is None
    assert found == ids


def test_the_lights_part_by_working_days(portal, place):
    thursday, friday, monday = (clock.end_of(WEDNESDAY.date() + timedelta(n)) for n in (1, 2, 5))
    over, today = clock.end_of(WEDNESDAY.date() - timedelta(1)), clock.end_of(WEDNESDAY.date())
    open_tasks(portal, [over, today, thursday, friday, monday, None, None])
    with portal.database.transaction() as tx:
        limits = inbox.bounds(WEDNESDAY, calendars.current(tx))
        lights = inbox.lights(tx, place, View.ROLE, limits)
        amber = inbox.tasks_page(tx, place, View.ROLE, only=Filter(light=Light.AMBER), limits=limits)
    # Saturday and Sunday are no working days: what is due on Friday is two away, on Monday three.
    assert (lights.red, lights.amber, lights.green, lights.none) == (1, 3, 1, 2)
    assert len(amber.rows) == 3


def test_a_view_shows_its_own_tasks_only(portal, place):
    mine = open_tasks(portal, [WEDNESDAY] * 2, holder=portal.people["zhou"])
    with portal.database.transaction() as tx:
        for login, counts in {"zhou": (2, 0, 2), "sun": (0, 0, 2), "li": (0, 0, 2)}.items():
            found = inbox.counts(tx, Place.of(portal.actor(login)))
            assert (found.mine, found.role, found.all) == counts, login
        assert inbox.most_urgent(tx, place).task_id == mine[0]


def test_counts_stop_at_99(portal):
    open_tasks(portal, [WEDNESDAY] * 130)
    assert "99+" in plain(portal.client("zhou").get("/inbox?view=role"))


def test_a_row_tells_case_party_figure_step_and_time_left(portal):
    portal.review()
    page = plain(portal.client("li").get("/inbox?view=role"))
    for said in (
        "配额分配异议复核",
        "渝环复案〔",
        "重庆某水泥有限公司",
        "主张的年度配额 1,300,000 tCO₂e",
        "形式审查",
        "剩 10 个工作日",
        "领取",
    ):
        assert said in page, said


def test_claiming_and_giving_back(portal):
    task = portal.allocation()
    browser = portal.client("zhou")
    assert browser.post(f"/tasks/{task}/claim").location == f"/tasks/{task}"
    assert "我的待办 1" in plain(browser.get("/inbox"))
    assert "周敏已领取这项任务" in plain(portal.client("sun").get(f"/tasks/{task}"))
    assert portal.client("sun").post(f"/tasks/{task}/claim").status_code == 409
    assert browser.post(f"/tasks/{task}/release").location == "/inbox"
    assert "我的待办 0" in plain(browser.get("/inbox?view=mine"))


def test_a_cursor_that_nobody_made_is_no_cursor():
    for text in (None, "", "x", "1_", "_1", "nan_1", "1e99_1"):
        assert Cursor.read(text) is None, text


def test_the_light_of_a_row_follows_the_moved_clock(portal):
    portal.review()
    browser = portal.client("li")
    assert "剩 10 个工作日" in plain(browser.get("/inbox?view=role"))
    browser.post("/clock", {"_to": "5"})
    assert "剩 5 个工作日" in plain(browser.get("/inbox?view=role"))


def test_cases_are_found_by_number_unit_and_letter(portal):
    case_id, letter = portal.notice()
    browser = portal.client("li")
    with portal.database.transaction() as tx:
        number = tx.get_one(Case, case_id).number
    assert letter
    for q, found in ((number, True), ("水泥", True), ("渝环配〔", True), ("没有的", False), ("%", False)):
        assert (number in browser.get("/cases", query_string={"q": q}).text.replace(f'value="{q}"', "")) is found, q


def test_cases_are_found_however_they_are_typed(portal):
    case_id = portal.review()
    browser = portal.client("li")
    number = portal.case(case_id).number
    digits = number.translate(str.maketrans("〔〕", "[]"))
    for q in (digits, number.replace("〔", "（").replace("〕", "）"), "分配异议复核", "91110000802100433b", "1300000",
              "水泥 异议复核", f" {number[-8:]} "):  # fmt: skip
        assert number in browser.get("/cases", query_string={"q": q}).text.replace(f'value="{q.strip()}"', ""), q
    for q in ("复", "%", "〔〕", "复 核"):
        assert "请至少输入连在一起的两个字" in plain(browser.get("/cases", query_string={"q": q})), q
    for q in ("水泥 没有", "核复", "复核" * 80):
        assert "没有找到案件" in plain(browser.get("/cases", query_string={"q": q})), q
    assert portal.client("wang").get("/cases?q=水泥").status_code == 403
