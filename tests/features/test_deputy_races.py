"""Lending at the same moment, and principal and deputy at the same task: one wins, the other is told."""

from __future__ import annotations

from portal.cases import tasks
from portal.cases.errors import TaskDone, TaskDoneFor
from portal.identity.lending import LendingRefused
from tests.builders.world import CEMENT, Bureau
from tests.features.test_delegating import HANDLER, LEADER, person
from tests.features.test_delegating import lend as lend_role
from tests.features.test_deputies import lend, trace
from tests.features.test_races import at_once


def test_principal_and_deputy_at_once_one_wins_the_other_is_told(own_database):
    bureau = Bureau.over(own_database)
    allocation = bureau.allocation((CEMENT, 1_200_000))
    bureau.claim("sign", bureau.chen, allocation)
    sun, task_id = lend(bureau, bureau.chen, bureau.sun, "leader"), bureau.task("sign", allocation)

    def sign(who):
        bureau.run.act(lambda tx: tasks.complete(bureau.kernel, tx, who, task_id, {"result": "签发"}, bureau.now))

    got = at_once(lambda: sign(bureau.chen), lambda: sign(sun))
    [lost] = [one for one in got if one is not None]
    assert isinstance(lost, TaskDone)
    [done] = trace(allocation, "task.completed", "sign")
    if isinstance(lost, TaskDoneFor):
        assert lost.text() == "这项任务已于 09-21 09:00 由孙（代 陈）办结。"
        assert done == (sun.person_id, bureau.chen.person_id)
    else:
        assert lost.text() == "这项任务已于 09-21 09:00 由陈办结。"
        assert done == (bureau.chen.person_id, None)


def test_two_that_lend_the_same_role_at_once_one_is_told(own_database, monkeypatch):
    monkeypatch.setattr("portal.identity.passwords.hashed", lambda password: "")
    with own_database.transaction() as tx:
        lender, first, second = person(tx, "李强", LEADER), person(tx, "周敏", HANDLER), person(tx, "何静", HANDLER)

    def attempt(deputy):
        return own_database.attempt(lambda tx: lend_role(tx, lender, deputy)[0].to_person_id)

    got = at_once(lambda: attempt(first), lambda: attempt(second))
    refusals = [one for one in got if isinstance(one, LendingRefused)]
    assert [list(one.fields) for one in refusals] == [["roles"]]
    assert {one for one in got if isinstance(one, int)} < {first.id, second.id}
