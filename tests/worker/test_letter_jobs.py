"""A letter's job: the file is made and the letter opened, once, however often the job is run."""

from __future__ import annotations

import hashlib

import pytest
from procrastinate import JobContext
from procrastinate.jobs import Job
from sqlalchemy import update

from portal.documents.models import Letter
from portal.errors import PortalError
from portal.storage import MemoryStore, StoreUnavailable
from portal.worker import Tools
from portal.worker.jobs import DIED, JOBS, _task
from portal.worker.letters import render_letter
from tests.worker.conftest import incidents, letters, rendering_acts


class AwayStore(MemoryStore):
    def put(self, *_: object, **__: object) -> None:
        raise StoreUnavailable(reason="away")


def job(letter_id: int, attempts: int = 0) -> Job:
    return Job(
        id=71,
        queue="default",
        lock=None,
        queueing_lock=None,
        task_name="letters.render",
        task_kwargs={"letter_id": letter_id},
        attempts=attempts,
    )


def do(tools: Tools, letter_id: int, attempts: int) -> None:
    """Runs the job as Procrastinate does."""
    context = JobContext(app=None, job=job(letter_id, attempts), start_timestamp=0.0, abort_reason=lambda: None)
    _task(tools, JOBS["letters.render"])(context, letter_id=letter_id)


def test_the_file_is_stored_and_the_letter_opened(bureau, tools, own_database):
    notice = bureau.notice()
    [letter] = letters(own_database)
    assert (letter.state, letter.services[0].state) == ("rendering", "awaiting file")

    render_letter(tools, "1", letter.id)

    [letter] = letters(own_database)
    assert (letter.state, letter.services[0].state) == ("ready", "open")
    stored = tools.store.get(letter.object_key)
    assert hashlib.sha256(stored).hexdigest() == letter.sha256
    assert tools.store.stat(letter.object_key).name == "碳排放配额分配通知书.docx"
    assert notice.kinds.count("letter.rendered") == 1


def test_a_job_that_is_run_again_finds_its_act_and_does_nothing(bureau, tools, own_database):
    notice = bureau.notice()
    [letter] = letters(own_database)
    for _ in range(3):
        render_letter(tools, "1", letter.id)
    assert rendering_acts(own_database) == ["1"]
    assert notice.kinds.count("letter.rendered") == 1
    assert len(list(tools.store.keys())) == 1
    assert bureau.breaks() == []


def test_another_job_for_a_finished_letter_does_nothing(bureau, tools, own_database):
    bureau.notice()
    [letter] = letters(own_database)
    render_letter(tools, "1", letter.id)
    render_letter(tools, "2", letter.id)
    assert rendering_acts(own_database) == ["1"]


def test_a_letter_that_cannot_be_rendered_fails_at_once_with_an_incident(bureau, tools, own_database):
    notice = bureau.notice()
    [letter] = letters(own_database)
    with own_database.transaction() as tx:
        tx.execute(update(Letter).values(data={}))
    render_letter(tools, "1", letter.id)
    render_letter(tools, "1", letter.id)

    [letter] = letters(own_database)
    assert letter.state == "failed"
    assert letter.error
    assert letter.services[0].state == "awaiting file"
    [incident] = incidents(own_database)
    assert (incident.case_id, incident.during) == (notice.id, f"生成文书{letter.number}")
    assert notice.kinds.count("letter.failed") == 1


def test_a_store_that_is_away_is_tried_again_until_the_last_attempt(bureau, tools, own_database):
    bureau.notice()
    [letter] = letters(own_database)
    away = Tools(own_database, AwayStore(), bureau.kernel, "https://portal.example")
    for attempts in range(4):
        with pytest.raises(StoreUnavailable):
            do(away, letter.id, attempts)
    assert incidents(own_database) == []

    do(away, letter.id, 4)
    [incident] = incidents(own_database)
    assert incident.what == StoreUnavailable(reason="away").text("zh")
    assert letters(own_database)[0].state == "failed"


def test_a_job_that_kept_killing_its_workers_is_given_up(bureau, tools, own_database):
    bureau.notice()
    [letter] = letters(own_database)
    do(tools, letter.id, 5)
    do(tools, letter.id, 6)
    [incident] = incidents(own_database)
    assert incident.what == DIED
    assert letters(own_database)[0].state == "failed"


def test_a_new_job_in_the_place_of_the_failed_one_makes_the_letter(bureau, tools, own_database):
    bureau.notice()
    [letter] = letters(own_database)
    do(tools, letter.id, 5)
    render_letter(tools, "71", letter.id)
    assert letters(own_database)[0].state == "failed"
    render_letter(tools, "72", letter.id)
    assert letters(own_database)[0].state == "ready"


def test_a_finished_letter_is_not_marked_as_failed_afterwards(bureau, tools, own_database):
    bureau.notice()
    [letter] = letters(own_database)
    render_letter(tools, "71", letter.id)
    do(tools, letter.id, 5)
    assert letters(own_database)[0].state == "ready"
    assert incidents(own_database) == []


def test_an_unknown_letter_is_refused(tools):
    with pytest.raises(PortalError):
        render_letter(tools, "1", 4711)
