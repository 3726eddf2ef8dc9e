"""What an official sends to a case beside its tasks: from the task and the case, by its role alone, once."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from portal import identity
from portal.cases import filing
from portal.cases.models import Case
from portal.procedures import Releases
from tests.builders.diagrams import flow, parallel
from tests.builders.pages import LONG_AGO, plain
from tests.builders.procedures import content as small
from tests.builders.procedures import end, procedure, start, task, waits

CLOSED = "已经认定不成立，不能再登记撤回。"


@pytest.fixture(scope="module")
def content():
    taken = {"role": "officer", "form": "choice", "while": '=judge.text != "不成立"', "otherwise": CLOSED}
    return small(
        doubt=procedure(
            start(),
            parallel("fork"),
            task("judge"),
            task("sign", role="leader"),
            waits("taken_back", "take_back", **taken),
            end("done", "办结"),
            end("back", "已撤回"),
            flow("start", "fork"),
            flow("fork", "judge"),
            flow("judge", "sign"),
            flow("sign", "done"),
            flow("fork", "taken_back"),
            flow("taken_back", "back"),
        )
    )


@pytest.fixture(scope="module")
def releases():
    return Releases()


@pytest.fixture
def case_id(portal):
    """A doubt that waits for its officer, zhou, or for his word that it was taken back; chen is its leader."""
    kernel = portal.machine.kernel
    with portal.database.transaction() as tx:
        for login, role in (("zhou", "officer"), ("chen", "leader")):
            identity.grant_role(tx, person_id=portal.people[login], regulation="small", role=role, from_day=LONG_AGO)
        filing.file(kernel, tx, portal.actor("wang"), "small", "doubt", {"text": "数据重复"}, kernel.now(tx))
    with portal.database.transaction() as tx:
        return tx.scalars(select(Case.id)).one()


def test_it_stands_on_the_pages_of_the_task_and_of_the_case_for_its_role_alone(portal, case_id):
    url = f"/cases/{case_id}/messages/take_back"
    link = f'href="{url}">等待taken_back<'
    zhou, chen = portal.client("zhou"), portal.client("chen")
    assert link in zhou.get(f"/tasks/{portal.task('judge', case_id)}").text
    assert link in zhou.get(f"/cases/{case_id}").text
    assert url not in chen.get(f"/cases/{case_id}").text


def test_it_is_taken_once_and_the_case_goes_on(portal, case_id):
    zhou, url = portal.client("zhou"), f"/cases/{case_id}/messages/take_back"
    page = zhou.get(url)
    assert page.status_code == 200
    assert "继续" in plain(page)
    assert zhou.post(url, {}).status_code == 422
    answer = zhou.post(url, {"result": "继续"})
    assert (answer.status_code, answer.location) == (303, f"/cases/{case_id}")
    read = zhou.get(f"/cases/{case_id}")
    assert "“等待taken_back”已办理。" in plain(read)
    assert f'href="{url}"' not in read.text
    assert zhou.post(url, {"result": "继续"}).location == f"/cases/{case_id}"
    assert "“等待taken_back”先前已经收到，不需要重复提交。" in plain(zhou.get(f"/cases/{case_id}"))


def test_it_is_refused_in_the_diagrams_words_and_what_was_typed_stays(portal, case_id):
    zhou, url = portal.client("zhou"), f"/cases/{case_id}/messages/take_back"
    portal.complete("zhou", portal.task("judge", case_id), {"text": "不成立"})
    assert CLOSED in plain(zhou.get(url))
    refused = zhou.post(url, {"result": "继续"})
    assert refused.status_code == 409
    assert CLOSED in plain(refused)
    assert portal.case(case_id).ended_at is None


@pytest.mark.parametrize(("login", "status"), [("chen", 403), ("he", 403), ("wang", 403)])
def test_nobody_else_sends_it(portal, case_id, login, status):
    browser, url = portal.client(login), f"/cases/{case_id}/messages/take_back"
    assert browser.get(url).status_code == status
    assert browser.post(url, {"result": "继续"}).status_code == status
    assert browser.get(f"/my/cases/{case_id}/messages/take_back").status_code == 404


def test_what_there_is_not_is_not_found(portal, case_id):
    zhou = portal.client("zhou")
    assert zhou.get(f"/cases/{case_id}/messages/nothing").status_code == 404
    assert zhou.get("/cases/999999/messages/take_back").status_code == 404
