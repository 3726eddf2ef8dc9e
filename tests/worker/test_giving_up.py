"""A job that has failed for good is told to the administrators: once for each time it comes to an end."""

from __future__ import annotations

from procrastinate.jobs import Job

from portal.cases import incidents as noted
from portal.worker.jobs import give_up
from tests.worker.conftest import incidents

SWEEPING = Job(id=7, queue="default", lock=None, queueing_lock=None, task_name="objects.sweep", task_kwargs={})


def test_a_job_that_fails_anew_after_its_incident_was_closed_is_noted_anew(bureau, tools, own_database):
    give_up(tools, SWEEPING, "文件存储暂时不可用，请稍后再试。")
    give_up(tools, SWEEPING, "文件存储暂时不可用，请稍后再试。")  # its worker died before it could say so
    [first] = incidents(own_database)
    assert (first.during, first.what) == ("后台工作 objects.sweep（7）", "文件存储暂时不可用，请稍后再试。")
    assert first.again == {"how": "job", "name": "objects.sweep", "arguments": {}}

    with own_database.transaction() as tx:
        noted.close(tx, bureau.chen, first.id, "存储已恢复", first.at)
    give_up(tools, SWEEPING, "又不可用。")
    give_up(tools, SWEEPING, "又不可用。")
    assert [(one.what, one.closed_at is None) for one in incidents(own_database)] == [
        ("文件存储暂时不可用，请稍后再试。", False),
        ("又不可用。", True),
    ]
