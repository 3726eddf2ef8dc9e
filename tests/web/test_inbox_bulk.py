"""Many tasks at once: claiming those that are chosen, what has arrived since, what was done, whom one stands in for."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import select, update

from portal.cases.models import Case, Task
from portal.identity import Delegation
from tests.builders.pages import ETS, plain
from tests.builders.tasklists import WEDNESDAY, more_tasks, open_tasks


def _allocations(portal, count: int) -> list[int]:
    return [portal.allocation() for _ in range(count)]


def _chosen(browser, page: str, tasks: list[int], **more: object):
    return browser.post("/inbox/claim", {"task": [str(task) for task in tasks], **more})


def test_those_chosen_are_claimed_each_in_an_act_of_its_own(portal):
    tasks = _allocations(portal, 3)
    browser = portal.client("zhou")
    page = browser.get("/inbox?view=role")
    assert [int(task) for task in re.findall(r'name="task" value="(\d+)" form="claim-chosen"', page.text)] == tasks
    answer = _chosen(browser, "/inbox?view=role", tasks[:2], back="/inbox?view=role&light=none")
    assert answer.location == "/inbox?view=role&light=none"
    assert "已领取 2 件，在“我的待办”中办理。" in plain(browser.get(answer.location))
    with portal.database.transaction() as tx:
        held = tx.execute(select(Task.id, Task.holder_id, Task.held_at).order_by(Task.id)).all()
    assert [(task, holder) for task, holder, _at in held] == [
        (tasks[0], portal.people["zhou"]),
        (tasks[1], portal.people["zhou"]),
        (tasks[2], None),
    ]


def test_where_a_colleague_was_faster_it_is_said_and_the_others_are_claimed(portal):
    tasks = _allocations(portal, 3)
    browser, colleague = portal.client("zhou"), portal.client("sun")
    colleague.post(f"/tasks/{tasks[1]}/claim")
    answer = _chosen(browser, "/inbox?view=role", tasks)
    page = plain(browser.get(answer.location))
    with portal.database.transaction() as tx:
        number = tx.scalar(select(Case.number).join(Task, Task.case_id == Case.id).where(Task.id == tasks[1]))
    assert "已领取 2 件" in page
    assert f"没有领到 {number} “核定年度配额”：孙伟已领取这项任务。" in page


def test_many_that_a_colleague_was_faster_at_are_told_in_one_sentence(portal):
    tasks = _allocations(portal, 5)
    browser, colleague = portal.client("zhou"), portal.client("sun")
    _chosen(colleague, "/inbox?view=role", tasks)
    page = browser.get(_chosen(browser, "/inbox?view=role", tasks).location)
    with portal.database.transaction() as tx:
        joined = select(Case.number).join(Task, Task.case_id == Case.id).order_by(Task.id)
        first = "、".join(f"{number} “核定年度配额”" for number in tx.scalars(joined.where(Task.id.in_(tasks[:3]))))
    assert f"有 5 件没有领到：孙伟已领取这项任务。（{first} 等）" in plain(page)
    assert page.text.count("没有领到") == 1


def test_nothing_chosen_or_nothing_of_his_is_told(portal):
    [task] = _allocations(portal, 1)
    browser = portal.client("zhou")
    assert "请先勾选要领取的任务。" in plain(browser.get(_chosen(browser, "/inbox?view=role", []).location))
    bad = browser.post("/inbox/claim", {"task": ["x", "-1", "9" * 30, "１"]})
    assert "请先勾选要领取的任务。" in plain(browser.get(bad.location))
    unknown = _chosen(browser, "/inbox?view=role", [10**9], back="//evil.example")
    assert unknown.location == "/inbox?view=role"
    assert "找不到所请求的内容" in plain(browser.get(unknown.location))
    clerk = portal.client("tao")
    assert "这一步由承办人办理，您没有这个岗位。" in plain(clerk.get(_chosen(clerk, "/clock", [task]).location))
    assert portal.client("wang").post("/inbox/claim", {"task": str(task)}).status_code == 403


def test_what_has_arrived_since_is_counted_up_to_99(portal):
    ids = open_tasks(portal, [WEDNESDAY])
    browser = portal.client("zhou")
    page = browser.get("/inbox?view=role").text
    [ask] = re.findall(r'data-arrivals="([^"]+)"', page)
    ask = ask.replace("&amp;", "&")
    assert ask == f"/inbox/new?view=role&since={ids[-1]}"
    assert browser.get(ask).json == {"count": 0, "text": ""}
    more_tasks(portal, [None, WEDNESDAY, WEDNESDAY])
    more_tasks(portal, [WEDNESDAY], role="leader")
    more_tasks(portal, [WEDNESDAY], portal.people["sun"])
    assert browser.get(ask).json == {"count": 3, "text": "有 3 件新到，点此显示"}
    assert browser.get(ask.replace("role", "mine")).json["count"] == 3
    assert browser.get(ask.replace("role", "all")).json["count"] == 5
    more_tasks(portal, [WEDNESDAY] * 120)
    assert browser.get(ask).json["text"] == "有 99+ 件新到，点此显示"
    for bad in ("", "?since=x", "?since=-1", "?since=" + "9" * 30, "?view=x&since=99999999"):
        assert browser.get(f"/inbox/new{bad}").json == {"count": 0, "text": ""}, bad


def test_whoever_is_signed_out_is_not_told_what_arrives(portal):
    answer = portal.client().get("/inbox/new?since=1")
    assert answer.status_code == 302
    assert answer.location.startswith("/sign-in")
    assert portal.client("wang").get("/inbox/new?since=1").status_code == 403


def test_what_he_has_done_stands_there_newest_first_page_by_page(portal):
    zhou = portal.people["zhou"]
    open_tasks(portal, [])
    for n in range(3):
        closed = WEDNESDAY + timedelta(days=n)
        more_tasks(portal, [None] * 20, zhou, state="done", closed_at=closed, name=f"第{n}步")
    more_tasks(portal, [None], portal.people["sun"], state="done", closed_at=WEDNESDAY, name="别人办的")
    browser = portal.client("zhou")
    first = browser.get("/inbox?view=done")
    assert re.findall(r">(第\d步)<", first.text) == ["第2步"] * 20 + ["第1步"] * 20 + ["第0步"] * 10
    [later] = re.findall(r'href="(/inbox\?view=done&amp;after=[^"]+)"', first.text)
    second = browser.get(later.replace("&amp;", "&"))
    assert re.findall(r">(第\d步)<", second.text) == ["第0步"] * 10
    assert "回到开头" in plain(second)
    assert "别人办的" not in first.text + second.text
    assert "还没有办过的任务" in plain(portal.client("li").get("/inbox?view=done"))


def test_empty_lists_say_what_next(portal):
    browser = portal.client("zhou")
    assert "本岗位现在也没有待领的任务。" in plain(browser.get("/inbox"))
    assert "本岗位没有待领的任务 有新任务到达时，这里会提示。" in plain(browser.get("/inbox?view=role"))
    assert "没有在办的任务" in plain(browser.get("/inbox?view=all"))
    _allocations(portal, 1)
    assert browser.get("/inbox").location == "/inbox?view=role"
    assert "没有待办 领取的任务在这里按期限排列。 看看本岗位待领" in plain(browser.get("/inbox?view=mine"))


def _lend(portal, lender: str, deputy: str, role: str) -> None:
    with portal.database.transaction() as tx:
        tx.add(
            Delegation(
                from_person_id=portal.people[lender],
                to_person_id=portal.people[deputy],
                regulation=ETS,
                role=role,
                from_day=portal.now.date(),
                to_day=portal.now.date() + timedelta(days=6),
                reason="外出",
                made_by_id=portal.people[lender],
                made_at=portal.now,
            )
        )


def test_a_deputy_sees_what_his_principal_has_in_hand(portal):
    held = open_tasks(portal, [WEDNESDAY, WEDNESDAY], portal.people["zhou"])
    more_tasks(portal, [WEDNESDAY], portal.people["zhou"], role="leader", name="签批")
    free = more_tasks(portal, [WEDNESDAY])
    _lend(portal, "zhou", "li", "handler")
    browser = portal.client("li")
    until = portal.now.date() + timedelta(days=6)
    name = f"代 周敏（至 {until:%m-%d}）"
    page = browser.get(f"/inbox?for={portal.people['zhou']}")
    assert f"代办 {name} 2" in plain(page)
    assert re.findall(r'href="/tasks/(\d+)">代办<', page.text) == [str(task) for task in held]
    assert "签批" not in page.text
    assert re.findall(r'action="/tasks/(\d+)/claim"', browser.get("/inbox?view=role").text) == [
        str(task) for task in free
    ]
    nobody = browser.get(f"/inbox?for={portal.people['sun']}")
    assert nobody.location == "/inbox"
    assert "您现在没有代办此人的任务" in plain(browser.get("/inbox?view=mine"))
    with portal.database.transaction() as tx:
        tx.execute(update(Task).where(Task.id.in_(held)).values(holder_id=None))
    assert "没有要代办的任务" in plain(browser.get(f"/inbox?for={portal.people['zhou']}"))


def test_the_desk_shows_what_is_to_sign_overdue_and_due_this_week(portal):
    now = portal.now
    open_tasks(portal, [])
    signs = more_tasks(portal, [None, now - timedelta(days=3)], name="签批", role="leader")
    mine = more_tasks(portal, [now + timedelta(days=30)], portal.people["chen"], name="签批", role="leader")
    more_tasks(portal, [now - timedelta(days=n) for n in range(1, 12)], portal.people["zhou"])
    page = portal.client("chen").get("/desk")
    text = plain(page)
    assert "待签 3" in text
    # What waits for a signature is said once, above, with its light.
    assert "已超期 11 不含待签 查看全部" in text
    assert "除待签的以外，期间没有到期的任务。" in text
    assert re.findall(rf'aria-describedby="list-\d-{signs[1]}"', page.text) == [f'aria-describedby="list-1-{signs[1]}"']
    assert "督办事项 0" in text
    order = re.findall(r'aria-describedby="list-1-(\d+)"', page.text)
    assert order == [str(task) for task in (signs[1], *mine, signs[0])]
    assert len(re.findall(r'aria-describedby="list-2-', page.text)) == 8
    assert portal.client("zhou").get("/desk").status_code == 403
