"""The inbox narrowed: filters that stay in the address, and those that are given a name."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from portal import clock, inbox
from portal.calendar import base
from portal.calendar.rules import Calendar
from portal.cases.models import Task
from portal.clock import TZ
from portal.identity import Organisation
from portal.inbox import Bounds, Cursor, Filter, Light, Place, View, saved
from portal.inbox.models import SavedFilter
from portal.web.official.narrowing import light_text
from tests.builders.pages import ETS, plain
from tests.builders.tasklists import WEDNESDAY, more_tasks, open_tasks

FRIDAY, SUNDAY = (clock.end_of(WEDNESDAY.date() + timedelta(n)) for n in (2, 4))
LIMITS = Bounds(WEDNESDAY, FRIDAY, SUNDAY)
ALLOCATION, REVIEW = (ETS, "allocation"), (ETS, "allocation-review")


def found(portal, only: Filter, view: View = View.ALL, login: str = "zhou") -> list[int]:
    """The tasks of a list, read page by page."""
    place, after, ids = Place.of(portal.actor(login)), None, []
    with portal.database.transaction() as tx:
        while True:
            page = inbox.tasks_page(tx, place, view, only=only, limits=LIMITS, after=after, size=2)
            ids += [row.task_id for row in page.rows]
            if page.following is None:
                return ids
            after = Cursor.read(str(page.following))


@pytest.fixture
def mixed(portal) -> dict[str, list[int]]:
    """Tasks of two procedures, two steps, two units and three holders, their dues interleaved."""
    with portal.database.transaction() as tx:
        other = Organisation(
            uscc="91500101MA5DEMA01C", name="万州某林业合作社", district="万州区", kinds=["enterprise"]
        )
        tx.add(other)
        tx.flush()
        other_id = other.id
    made = {"draft": open_tasks(portal, [WEDNESDAY, FRIDAY, None], party_id=portal.unit_id)}
    made["sign"] = more_tasks(portal, [WEDNESDAY - timedelta(1), SUNDAY], name="签批", role="leader")
    made["review"] = more_tasks(
        portal,
        [SUNDAY, None, FRIDAY],
        portal.people["sun"],
        procedure="allocation-review",
        name="复核",
        party_id=other_id,
    )
    made["mine"] = more_tasks(portal, [FRIDAY, WEDNESDAY], portal.people["zhou"], party_id=portal.unit_id)
    return made


def test_each_filter_narrows_and_pages_follow_without_gap(portal, mixed):
    draft, sign, review, mine = (mixed[name] for name in ("draft", "sign", "review", "mine"))
    everything = found(portal, Filter())
    assert sorted(everything) == sorted([*draft, *sign, *review, *mine])
    for only, wanted in (
        (Filter(procedures=(REVIEW,)), review),
        (Filter(procedures=(ALLOCATION,)), [*draft, *sign, *mine]),
        (Filter(procedures=(ALLOCATION, REVIEW), step="签批"), sign),
        (Filter(procedures=(ALLOCATION,), step="复核"), []),
        (Filter(procedures=()), []),
        (Filter(unit="林业"), review),
        (Filter(unit="91110000802100433b"), [*draft, *mine]),
        (Filter(unit="没有的"), []),
        (Filter(holder="me"), mine),
        (Filter(holder="nobody"), [*draft, *sign]),
        (Filter(holder=str(portal.people["sun"])), review),
        (Filter(light=Light.RED), [draft[0], sign[0], mine[1]]),
        (Filter(light=Light.AMBER), [draft[1], review[2], mine[0]]),
        (Filter(light=Light.WEEK), [draft[1], sign[1], review[0], review[2], mine[0]]),
        (Filter(light=Light.GREEN), [sign[1], review[0]]),
        (Filter(light=Light.NONE), [draft[2], review[1]]),
        (Filter(unit="水泥", holder="nobody", light=Light.AMBER, procedures=(ALLOCATION,), step="核定"), [draft[1]]),
    ):
        assert found(portal, only) == [one for one in everything if one in wanted], only


def test_what_a_role_may_claim_is_narrowed_too(portal, mixed):
    draft = mixed["draft"]
    assert found(portal, Filter(), View.ROLE) == draft
    assert found(portal, Filter(procedures=(ALLOCATION,)), View.ROLE) == draft
    assert found(portal, Filter(procedures=(REVIEW,)), View.ROLE) == []
    assert found(portal, Filter(procedures=(ALLOCATION,), step="签批"), View.ROLE) == []
    assert found(portal, Filter(unit="水泥", light=Light.NONE), View.ROLE) == [draft[2]]
    assert found(portal, Filter(procedures=(ALLOCATION,), light=Light.RED), View.MINE) == [mixed["mine"][1]]


def test_the_lights_count_what_the_other_filters_leave(portal, mixed):
    place = Place.of(portal.actor("zhou"))
    shown = inbox.Wanted(place, View.ALL, LIMITS, Filter(unit="水泥", light=Light.RED))
    with portal.database.transaction() as tx:
        lights = inbox.aside(tx, place, (), shown=shown).lights
    assert lights is not None
    assert (lights.red, lights.amber, lights.green, lights.none) == (2, 2, 0, 1)


def test_the_filters_on_are_shown_and_taken_off_one_by_one(portal):
    open_tasks(portal, [WEDNESDAY], party_id=portal.unit_id)
    browser = portal.client("zhou")
    page = browser.get("/inbox?view=all&procedure=chongqing-ets.allocation&unit=水泥&holder=nobody&light=none")
    text = plain(page)
    for said in ("事项：配额分配", "单位：水泥", "期限：无期限", "承办人：尚未领取", "没有符合筛选的任务", "清除筛选"):
        assert said in text, said
    off = re.findall(r'<li><a class="chip g" href="([^"]+)"', page.text)
    assert [address.replace("&amp;", "&") for address in off] == [
        "/inbox?view=all&unit=%E6%B0%B4%E6%B3%A5&light=none&holder=nobody",
        "/inbox?view=all&procedure=chongqing-ets.allocation&light=none&holder=nobody",
        "/inbox?view=all&procedure=chongqing-ets.allocation&unit=%E6%B0%B4%E6%B3%A5&holder=nobody",
        "/inbox?view=all&procedure=chongqing-ets.allocation&unit=%E6%B0%B4%E6%B3%A5&light=none",
    ]
    assert '<option value="chongqing-ets.allocation" selected>配额分配</option>' in page.text
    assert 'name="unit" value="水泥"' in page.text


def test_the_choices_come_from_the_content_and_not_from_what_is_open(portal):
    open_tasks(portal, [WEDNESDAY])
    page = portal.client("zhou").get("/inbox?view=all")
    assert '<option value="chongqing-ets.allocation-review">配额分配异议复核</option>' in page.text
    assert '<option value="形式审查">形式审查</option>' in page.text
    assert f'<option value="{portal.people["chen"]}">陈涛</option>' in page.text
    of_one = portal.client("zhou").get("/inbox?view=all&procedure=chongqing-ets.allocation").text
    assert '<option value="形式审查">' not in of_one
    assert '<option value="核定年度配额">' in of_one


@pytest.mark.parametrize(
    "address",
    [
        "view=x&light=y&procedure=z&step=s&holder=h",
        "view=all&holder=99999999999999999999999999",
        "view=all&holder=-1&unit=%00",
        "view=all&unit=%25_'\"<b>&after=nan_1",
        "view=role&procedure=chongqing-ets.&after=1e99_1",
        "view=all&after=-_99999999999999999999999999",
        "for=99999999999999999999999999",
        "for=abc&view=done&after=x",
        "view=done&after=-_5",
        "view=all&unit=" + "长" * 500,
        "view=all&view=mine&light=red&light=none",
    ],
)
def test_an_address_that_nobody_made_narrows_nothing(portal, address):
    open_tasks(portal, [WEDNESDAY])
    answer = portal.client("zhou").get(f"/inbox?{address}")
    assert answer.status_code == 200, plain(answer)
    assert "'\"<b>" not in answer.text


def test_a_filter_is_saved_opened_counted_renamed_and_deleted(portal):
    open_tasks(portal, [WEDNESDAY, WEDNESDAY], party_id=portal.unit_id)
    browser = portal.client("zhou")
    address = "/inbox?view=all&unit=%E6%B0%B4%E6%B3%A5"
    assert "＋ 保存当前筛选" in plain(browser.get(address))
    kept = browser.post("/inbox/filters", {"name": " 水泥  企业 ", "query": address.partition("?")[2]})
    assert kept.location == address
    page = plain(browser.get(address))
    assert "已保存为“水泥 企业”" in page
    assert "常用视图 水泥 企业 2 管理常用视图" in page
    assert "保存当前筛选" not in page
    assert "水泥 企业" not in plain(portal.client("sun").get("/inbox?view=all"))
    assert "全部在办 · 单位：水泥" in plain(browser.get("/inbox/filters"))
    with portal.database.transaction() as tx:
        [row] = tx.scalars(select(SavedFilter)).all()
    path = f"/inbox/filters/{row.id}"
    assert browser.post(path, {"name": "水泥"}).location == "/inbox/filters"
    assert "已改名为“水泥”。" in plain(browser.get("/inbox/filters"))
    assert portal.client("sun").post(f"{path}/delete").status_code == 302
    assert portal.client("sun").post(path, {"name": "我的"}).status_code == 404
    browser.post(f"{path}/delete")
    assert "已删除“水泥”。" in plain(browser.get("/inbox/filters"))
    browser.post(f"{path}/delete")
    assert "这个筛选已经删除。" in plain(browser.get("/inbox/filters"))


def test_a_name_that_cannot_be_is_told_and_stays_on_the_page(portal):
    browser = portal.client("zhou")
    browser.post("/inbox/filters", {"name": "超期", "query": "view=all&light=red"})
    again = browser.post("/inbox/filters", {"name": "超期", "query": "view=all&light=none"})
    assert again.status_code == 409
    assert "已有名为“超期”的筛选，请换一个名称" in plain(again)
    assert 'value="超期"' in again.text
    assert "全部在办 · 期限：无期限" in plain(again)
    for name in ("", "   ", "长" * 21):
        empty = browser.post("/inbox/filters", {"name": name, "query": "view=all&light=none"})
        assert empty.status_code == 422
        assert "请给筛选起一个名称，1 至 20 个字。" in plain(empty)
    for query in ("", "view=all", "view=done", "for=5&light=red", "view=all&light=purple"):
        nothing = browser.post("/inbox/filters", {"name": "空", "query": query})
        assert nothing.location == "/inbox", query


def test_there_are_at_most_twenty(portal):
    browser = portal.client("zhou")
    with portal.database.transaction() as tx:
        for n in range(saved.MOST):
            saved.save(tx, portal.people["zhou"], f"第{n}个", "view=all&light=red", WEDNESDAY)
    answer = browser.post("/inbox/filters", {"name": "再一个", "query": "view=all&light=none"})
    assert answer.status_code == 409
    assert "最多保存 20 个筛选，请先删除不再需要的。" in plain(answer)
    with portal.database.transaction() as tx:
        first = tx.scalars(select(SavedFilter.id).order_by(SavedFilter.id)).first()
    taken = browser.post(f"/inbox/filters/{first}", {"name": "第2个"})
    assert taken.status_code == 409
    assert f'id="name-{first}" name="name" value="第2个"' in taken.text


def test_counts_stop_at_99_with_filters_too(portal):
    ids = open_tasks(portal, [WEDNESDAY] * 130, party_id=portal.unit_id)
    with portal.database.transaction() as tx:
        saved.save(tx, portal.people["zhou"], "水泥", "view=role&unit=水泥", WEDNESDAY)
        tx.execute(update(Task).where(Task.id.in_(ids[:20])).values(party_id=None))
    page = plain(portal.client("zhou").get("/inbox?view=role&unit=水泥"))
    assert "水泥 99+" in page
    assert "已超期 99+" in page


@pytest.mark.parametrize(
    ("today", "last"),
    [
        ("2026-11-16", "2026-11-22"),
        ("2026-11-20", "2026-11-22"),
        ("2026-11-21", "2026-11-29"),  # 周六
        ("2026-11-22", "2026-11-29"),  # 周日
        ("2026-10-01", "2026-10-11"),  # 国庆节，10月8日上班
        ("2026-10-10", "2026-10-11"),  # 调休上班的周六
    ],
)
def test_the_week_ends_on_the_sunday_behind_the_next_working_day(today, last):
    moment = datetime.fromisoformat(f"{today}T10:00").replace(tzinfo=TZ)
    assert inbox.bounds(moment, Calendar(0, base.year_of)).week == clock.end_of(date.fromisoformat(last))


@pytest.mark.parametrize(
    ("today", "said"),
    [
        ("2026-11-20", "本周到期（至 11月22日）"),
        ("2026-11-22", "下个工作周到期（至 11月29日）"),
        ("2026-10-10", "本周到期（至 10月11日）"),
    ],
)
def test_the_week_says_until_when(portal, today, said):
    moment = datetime.fromisoformat(f"{today}T10:00").replace(tzinfo=TZ)
    with portal.app.test_request_context():
        assert light_text(Light.WEEK, inbox.bounds(moment, Calendar(0, base.year_of))) == said
