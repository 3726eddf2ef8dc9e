"""The rows for which a case started others: how far they are, which failed and why, trying again, giving up."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from sqlalchemy import select, update

from portal import identity
from portal.cases import bulk, filing, tasks
from portal.cases.models import StartItem
from portal.notify import PortalMessage
from portal.procedures import Releases, publish
from tests.builders.lists import listed
from tests.builders.pages import LONG_AGO, UNIT, plain
from tests.builders.tasklists import statements

NOBODY = "91500000MA5U000X1X"


@pytest.fixture(scope="module")
def releases():
    """Opened for this module alone: only here there is this second release."""
    return Releases()


@pytest.fixture
def grant(portal):
    """A grant for the unit and one that nobody knows; the second failed."""
    return _grant(portal, [UNIT, NOBODY])


def _grant(portal, units, *, work=True):
    with portal.database.transaction() as tx:
        publish(tx, listed(), portal.now, "test")
        for login, role in (("zhou", "handler"), ("chen", "leader"), ("he", "reviewer")):
            if identity.actor_of(tx, portal.people[login], portal.now.date()).has("demo", role) is False:
                identity.grant_role(tx, person_id=portal.people[login], regulation="demo", role=role, from_day=LONG_AGO)
    kernel = portal.machine.kernel
    with portal.database.transaction() as tx:
        case_id = filing.file(kernel, tx, portal.actor("zhou"), "demo", "grant", {}, portal.now).id
    rows = json.dumps([{"unit": unit, "amount": "5"} for unit in units])
    for login, element, answers in (
        ("zhou", "draft", {"year": "2025", "units": rows}),
        ("chen", "sign", {"result": "签发"}),
    ):
        actor, task_id = portal.actor(login), portal.task(element, case_id)
        with portal.database.transaction() as tx:
            tasks.complete(kernel, tx, actor, task_id, answers, portal.now)
    if work:
        portal.work()
    return case_id


def items(portal, case_id):
    with portal.database.transaction() as tx:
        return list(tx.scalars(select(StartItem).where(StartItem.starter_id == case_id).order_by(StartItem.id)))


def test_the_page_says_what_became_of_each_row(portal, grant):
    text = plain(portal.client("zhou").get(f"/cases/{grant}/items"))
    assert "启动失败 1" in text
    assert f"没有统一社会信用代码为 {NOBODY} 的单位。" in text
    assert text.index(NOBODY) < text.index("重庆某水泥有限公司")
    assert "等待送达" in text
    assert "共 2 行" in text


def test_the_case_says_how_far_it_is(portal, grant):
    page = portal.client("zhou").get(f"/cases/{grant}")
    assert "已办结 0 件，共 2 件" in plain(page)
    assert f'href="/cases/{grant}/items"' in page.text
    assert "逐行启动案件，共 2 行" in plain(page)
    # The single cases are on their own page, not among the links.
    assert "file-links" not in page.text


def test_one_state_alone_can_be_shown(portal, grant):
    zhou = portal.client("zhou")
    assert NOBODY not in zhou.get(f"/cases/{grant}/items?state=started").text
    failed = plain(zhou.get(f"/cases/{grant}/items?state=failed"))
    assert NOBODY in failed
    assert "重庆某水泥有限公司" not in failed
    assert "没有这样的行" in plain(zhou.get(f"/cases/{grant}/items?state=dropped"))
    for nonsense in ("state=rubbish", "after=x.y", "after=1.99999999999999999999", "after="):
        assert zhou.get(f"/cases/{grant}/items?{nonsense}").status_code == 200


def test_it_asks_again_by_itself_only_while_something_waits(portal):
    case_id = _grant(portal, [UNIT], work=False)
    zhou = portal.client("zhou")
    waiting = zhou.get(f"/cases/{case_id}/items").text
    assert f'hx-get="/cases/{case_id}/items"' in waiting
    assert "已处理 0 行，共 1 行" in waiting
    portal.work()
    assert "hx-trigger" not in zhou.get(f"/cases/{case_id}/items").text


def test_trying_again(portal, grant):
    zhou, failed = portal.client("zhou"), items(portal, grant)[1]
    with portal.database.transaction() as tx:
        identity.add_organisation(tx, uscc=NOBODY, name="新登记的单位", district="万州区", kinds=["enterprise"])
    answer = zhou.post(f"/items/{failed.id}/retry", follow_redirects=True)
    assert "正在重试第 2 行" in answer.text
    portal.work()
    assert items(portal, grant)[1].state == "started"
    assert zhou.post(f"/items/{failed.id}/retry").status_code == 409
    assert "没有需要重试的行" in zhou.post(f"/cases/{grant}/items/retry", follow_redirects=True).text


def test_trying_all_again(portal, grant):
    answer = portal.client("zhou").post(f"/cases/{grant}/items/retry", follow_redirects=True)
    assert "正在重试 1 行" in answer.text
    assert items(portal, grant)[1].state == "waiting"


def test_giving_up_needs_a_reason(portal, grant):
    zhou, failed = portal.client("zhou"), items(portal, grant)[1]
    path = f"/items/{failed.id}/drop"
    assert NOBODY in zhou.get(path).text
    refused = zhou.post(path, {"reason": "  "})
    assert refused.status_code == 422
    assert "请写明不再启动的理由" in refused.text
    long = zhou.post(path, {"reason": "很" * 501})
    assert long.status_code == 422
    assert "很" * 501 in long.text
    done = zhou.post(path, {"reason": "<b>已注销</b>"}, follow_redirects=True)
    assert "理由：&lt;b&gt;已注销" in done.text
    assert items(portal, grant)[1].state == "dropped"
    assert "第 2 行不再启动 · 周敏" in plain(zhou.get(f"/cases/{grant}"))


@pytest.mark.parametrize(("login", "status"), [("chen", 200), ("he", 200), ("wang", 403), ("li", 403)])
def test_others_of_the_office_look_but_do_not_decide(portal, grant, login, status):
    browser, failed = portal.client(login), items(portal, grant)[1]
    page = browser.get(f"/cases/{grant}/items", follow_redirects=True)
    assert page.status_code == status
    assert "再试一次" not in page.text
    for path in (f"/items/{failed.id}/retry", f"/items/{failed.id}/drop", f"/cases/{grant}/items/retry"):
        assert browser.post(path, {"reason": "x"}).status_code == 403
    assert browser.get(f"/items/{failed.id}/drop").status_code == 403
    assert items(portal, grant)[1].state == "failed"


def test_what_does_not_exist_is_not_found(portal):
    zhou = portal.client("zhou")
    for path in ("/cases/4711/items", "/items/4711/drop"):
        assert zhou.get(path).status_code == 404
    assert zhou.post("/items/4711/retry").status_code == 404


def test_every_row_is_on_exactly_one_page(portal):
    case_id = _grant(portal, [UNIT] + [NOBODY] * 130, work=False)
    with portal.database.transaction() as tx:
        odd = StartItem.item % 3 == 0
        tx.execute(update(StartItem).where(odd).values(state="failed", fault="…"))
    zhou, path, seen = portal.client("zhou"), f"/cases/{case_id}/items", []
    while path:
        page = zhou.get(path).text
        numbers = [int(cell.split("<")[0]) for cell in page.split('<td class="num">')[1:]]
        assert len(numbers) <= 50
        seen += numbers
        after = page.split('rel="next"')[0].rpartition('href="')[2] if 'rel="next"' in page else ""
        path = after.split('"')[0].replace("&amp;", "&")
    assert seen[:43] == [number for number in range(1, 132) if number % 3 == 0]
    assert sorted(seen) == list(range(1, 132))


def test_the_number_of_statements_does_not_grow_with_the_rows(portal):
    few, many = _grant(portal, [UNIT, NOBODY], work=False), _grant(portal, [UNIT] + [NOBODY] * 80, work=False)
    zhou = portal.client("zhou")
    for path in ("/cases/{}/items", "/cases/{}"):
        zhou.get(path.format(few))
        assert _cost(portal, zhou, path.format(few)) == _cost(portal, zhou, path.format(many))


def _cost(portal, browser, path):
    with statements(portal) as sent:
        browser.get(path)
    return len(sent)


def test_a_row_that_has_not_failed_is_not_given_up(portal, grant):
    zhou, started = portal.client("zhou"), items(portal, grant)[0]
    path = f"/items/{started.id}/drop"
    for answer in (
        zhou.get(path),
        zhou.post(path, {"reason": "不要了"}),
        zhou.post(path),
    ):
        assert answer.status_code == 409
        assert "第 1 行没有失败，或者已有人处理" in plain(answer)
    kept = zhou.post(path, {"reason": "不要了", "_labels": '{"reason": "理由"}'})
    assert "理由" in plain(kept)


def test_giving_up_names_the_unit_and_labels_the_reason(portal, grant):
    with portal.database.transaction() as tx:
        identity.add_organisation(tx, uscc=NOBODY, name="迟到的单位", district="万州区", kinds=["enterprise"])
    page = portal.client("zhou").get(f"/items/{items(portal, grant)[1].id}/drop")
    assert f"迟到的单位（{NOBODY}）" in plain(page)
    labels = re.search(r'name="_labels" value="([^"]+)"', page.text)[1]
    assert json.loads(unescape(labels)) == {"reason": "理由"}


def test_what_was_given_up_is_counted_apart(portal, grant):
    zhou = portal.client("zhou")
    path = f"/items/{items(portal, grant)[1].id}/drop"
    zhou.post(path, {"reason": "已注销"})
    for page in (zhou.get(f"/cases/{grant}"), zhou.get(f"/cases/{grant}/items")):
        assert "已办结 0 件，不再启动 1 件，共 2 件" in plain(page)
        assert 'value="0" max="1"' in page.text


def test_a_case_none_of_whose_rows_was_started_says_that_nothing_came_of_it(portal, grant):
    zhou, nothing = portal.client("zhou"), "没有启动任何案件：各行都不再启动，没有作出任何结果。"
    assert nothing not in plain(zhou.get(f"/cases/{grant}/items"))
    alone = _grant(portal, [NOBODY])
    path = f"/items/{items(portal, alone)[0].id}/drop"
    zhou.post(path, {"reason": "已注销"})
    for page in (f"/cases/{alone}", f"/cases/{alone}/items"):
        assert "已办结 0 件，不再启动 1 件，共 1 件" in plain(zhou.get(page))
        assert nothing in plain(zhou.get(page))


def heard(portal):
    """How the messages about failed rows begin, the first first."""
    with portal.database.transaction() as tx:
        told = select(PortalMessage.body).where(PortalMessage.title == bulk.SOME_FAILED).order_by(PortalMessage.id)
        return [body[:5] for body in tx.scalars(told)]


def test_those_who_decide_hear_once_of_what_failed(portal):
    case_id = _grant(portal, [NOBODY, UNIT, NOBODY, NOBODY])
    zhou, number = portal.client("zhou"), portal.case(case_id).number
    page = zhou.get("/messages")
    assert heard(portal) == ["有 3 行"]
    assert re.search(rf"有 3 行没有启动成功，请到\S+ {number} 的“逐个启动的案件”处理。", plain(page))
    for login in ("chen", "he", "wang"):
        assert bulk.SOME_FAILED not in portal.client(login).get("/messages").text
    opened = zhou.post(re.search(r'action="(/messages/[0-9]+)"', page.text)[1])
    assert opened.location == f"/cases/{case_id}"
    zhou.post(f"/cases/{case_id}/items/retry")
    portal.work()
    assert heard(portal) == ["有 3 行", "有 3 行"]
