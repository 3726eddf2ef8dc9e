"""Lists go on to their end, page by page, and nothing is left out or told twice."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from portal.cases.models import Task
from tests.builders.pages import ETS


def whole(program, path, limit, **query):
    """Every item of a list, page by page, and how long each page was."""
    items, lengths, after = [], [], {}
    while True:
        page = program.read(path, {"limit": limit, **query, **after})
        items += page["items"]
        lengths.append(len(page["items"]))
        if page["next"] is None:
            return items, lengths
        after = {"after": page["next"]}


@pytest.fixture
def seven(portal, of):
    """Seven allocations, their tasks due at three different moments, one of them never."""
    zhou = of("zhou")
    tasks = [zhou.made("/cases", {"procedure": f"{ETS}/allocation", "answers": {}})["tasks"][0]["id"] for _ in range(7)]
    with portal.database.transaction() as tx:
        for at, task in enumerate(tasks[1:]):
            due = portal.now.replace(microsecond=7 * (at % 3))
            tx.execute(update(Task).where(Task.id == task).values(due=due))
        tx.execute(update(Task).where(Task.id == tasks[0]).values(due=None))
    return tasks


@pytest.mark.parametrize(("limit", "lengths"), [(3, [3, 3, 1]), (7, [7]), (1, [1] * 7), (100, [7])])
def test_tasks_to_the_end(seven, of, limit, lengths):
    items, found = whole(of("zhou"), "/tasks", limit, view="group")
    assert found == lengths
    assert sorted(one["id"] for one in items) == seven
    assert items[-1]["due"] is None
    dues = [one["due"] for one in items[:-1]]
    assert dues == sorted(dues)


@pytest.mark.parametrize(("limit", "lengths"), [(3, [3, 3, 1]), (7, [7])])
def test_cases_to_the_end_the_newest_first(seven, of, limit, lengths):
    items, found = whole(of("zhou"), "/cases", limit)
    assert found == lengths
    ids = [one["id"] for one in items]
    assert ids == sorted(set(ids), reverse=True)
    assert len(ids) == 7


def test_what_a_list_of_tasks_is_narrowed_to(seven, of):
    zhou = of("zhou")
    zhou.made(f"/tasks/{seven[2]}/claim")

    def ids(**query):
        return {one["id"] for one in whole(zhou, "/tasks", 100, **query)[0]}

    assert ids(view="mine") == ids(view="all", holder="me") == {seven[2]}
    assert ids(view="group") == ids(view="all", holder="nobody") == set(seven) - {seven[2]}
    assert ids(view="all", light="none") == {seven[0]}
    assert ids(view="all", light="red") == set(seven[1:])
    assert ids(view="all", procedure=f"{ETS}/allocation") == ids(view="all", step="核定年度配额") == set(seven)
    assert ids(view="all", procedure=f"{ETS}/allocation-review") == ids(view="all", step="别的") == set()
    assert ids(view="all", unit="重庆") == set()


def test_cases_are_found_by_what_is_said_of_them(seven, of):
    zhou = of("zhou")
    number = zhou.read("/cases")["items"][3]["number"]
    assert [one["number"] for one in zhou.read("/cases", {"q": number})["items"]] == [number]


def test_a_party_has_its_own_lists(portal, of):
    review = portal.review()
    wang = of("wang")
    assert [one["id"] for one in whole(wang, "/cases", 1)[0]] == sorted([review, 2], reverse=True)
    items, _lengths = whole(wang, "/documents", 1)
    assert len(items) == 1
    assert wang.read("/tasks", {"view": "all"}) == {"items": [], "next": None}
    portal.complete("li", portal.task("check", review), {"result": "补正", "corrections": "补充产量台账"})
    [task] = wang.read("/tasks")["items"]
    assert (task["case"], task["role"]) == (review, "申请人")
    asked = wang.read(f"/tasks/{task['id']}")["fields"]
    assert [one["name"] for one in asked]


def test_a_place_that_no_page_gave_is_refused(of):
    wang = of("wang")
    for path in ("/cases", "/tasks", "/documents"):
        for after in ("x", "-1", "9" * 30, "9" * 101, "²"):
            answer = wang.get(path, {"after": after})
            assert answer.status_code == 422
            assert answer.json["errors"][0]["field"] == "after"


def test_what_cannot_be_asked_of_a_list_is_refused(of):
    zhou = of("zhou")
    for query in ({"limit": 0}, {"limit": 101}, {"limit": "x"}, {"view": "theirs"}, {"colour": "red"}):
        answer = zhou.get("/tasks", query)
        assert answer.status_code == 422
        assert [one["field"] for one in answer.json["errors"]] == list(query)
