"""The demo can begin on any day, and shows every state that somebody should be able to look at."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from portal import identity
from portal.calendar import service as calendars
from portal.cases.actions import ACTIONS
from portal.cases.delivery import StoredFile
from portal.cases.kernel import Kernel
from portal.cases.live import Cases
from portal.cases.models import Attachment, Case, StartItem, Task
from portal.cases.names import facts_of
from portal.clock import day_of
from portal.demo import accounts, history, present, seed, table
from portal.demo.people import PAPER, PASSWORD, UNITS
from portal.documents.models import Service
from portal.forms import uscc
from portal.identity import Person
from portal.identity.models import Registration
from portal.identity.registering import proof_of
from portal.jobs import ProcrastinateQueue
from portal.procedures import Content, Releases, publish
from portal.procedures.content import from_folder
from portal.registers import Record
from portal.storage import MemoryStore
from portal.worker import Tools
from tests.builders.world import ROOT, moment_of, shipped

MONDAY = {"a Monday, just after midnight": "2026-11-23T00:00:01"}
HOLIDAY = {"in the National Day holiday": "2026-10-04T12:00:00"}
MORE_DAYS = {
    "a Saturday": "2026-11-21T23:59:00",
    "the first day of a year": "2027-01-01T09:00:00",
    "a year without an official notice": "2031-03-03T09:00:00",
}


def begun(own_database, monkeypatch, day: str, *contents: Content) -> tuple[Tools, datetime]:
    """A demo that began on a day; letters are not rendered for real."""
    now = moment_of(day)
    monkeypatch.setattr(history, "make_file", lambda tools, letter, template: StoredFile(letter.number, "0" * 64, 1))
    kernel = Kernel(Releases(), ProcrastinateQueue(), lambda _tx: now, ACTIONS)
    tools = Tools(own_database, MemoryStore(), kernel, "http://127.0.0.1:8000")
    with own_database.transaction() as tx:
        for content in contents or (shipped(),):
            publish(tx, content, now, "test")
    assert seed(tools) == "made"
    return tools, now


@pytest.mark.parametrize(
    "day",
    [
        *(pytest.param(day, id=name) for name, day in {**MONDAY, **HOLIDAY}.items()),
        *(pytest.param(day, id=name, marks=pytest.mark.thorough) for name, day in MORE_DAYS.items()),
    ],
)
def test_every_state_is_there_whatever_the_day(own_database, monkeypatch, day):
    tools, now = begun(own_database, monkeypatch, day)
    today = day_of(now)
    with tools.database.transaction() as tx:
        calendar = calendars.current(tx)
        open_tasks = {
            (case.procedure, task.element): task
            for case, task in tx.execute(select(Case, Task).join(Task, Task.case_id == Case.id))
            if task.state == "open"
        }
        assert set(open_tasks) == {
            ("allocation-review", "justify"),
            ("allocation-review", "review"),
            ("allocation-review", "sign"),
            ("verification-review", "check"),
            ("verification-review", "review"),
            ("allocation", "draft"),
            ("allocation", "sign"),
        }
        due = day_of(open_tasks["allocation-review", "review"].due - timedelta(seconds=1))
        assert due == calendar.next_working(today)
        over = day_of(open_tasks["allocation-review", "sign"].due - timedelta(seconds=1))
        assert calendar.working_days(over, today) == 2

        outcomes = tx.scalars(select(Case.outcome).where(Case.procedure == "allocation-review").order_by(Case.id))
        assert sorted(outcome or "" for outcome in outcomes) == ["", "", "", "变更"]
        statuses = set(tx.scalars(select(Case.status).where(Case.procedure == "allocation-notice")))
        assert statuses == {"已被取代", "已生效", "复核进行中", "已送达，异议期内", "通知书已制发，等待送达"}

        # Three units at once and one alone, all final; four units alone, waiting; two not signed yet.
        ended = select(Case.outcome, func.count()).where(Case.procedure == "allocation").group_by(Case.outcome)
        assert dict(tx.execute(ended).all()) == {"通知全部办结": 2, None: 6}
        items = tx.execute(select(StartItem.starter_id, func.count()).group_by(StartItem.starter_id)).all()
        assert sorted(count for _, count in items) == [1, 1, 1, 1, 1, 1, 3, 3]

        on_record = select(Record.register, Record.state, func.count()).group_by(Record.register, Record.state)
        assert sorted(tx.execute(on_record).all()) == [("emitters", "列入", 12), ("verified_emissions", "核定", 4)]
        reviews = tx.scalars(select(Case.id).where(Case.procedure == "verification-review").order_by(Case.filed_at))
        disputed = [facts_of(Cases(tx, tools.kernel.releases).get(review))["undisputed"] for review in reviews]
        assert disputed == [829_500, 1_141_000]

        papers = tx.execute(select(Attachment.kind, func.count()).group_by(Attachment.kind)).all()
        assert sorted(papers) == [("docx", 3), ("pdf", 2), ("png", 2), ("xlsx", 2)]

        [registration] = tx.scalars(select(Registration))
        assert (registration.state, registration.name) == ("waiting", PAPER.name)
        assert tools.store.get(proof_of(tx, registration.id).key).startswith(b"%PDF-")

        served = [day_of(at) for at in tx.scalars(select(Service.served_at).where(Service.served_at.is_not(None)))]
        assert max(served) == today - timedelta(days=1)
        assert tx.scalar(select(func.max(Case.filed_at))) <= now


@pytest.mark.parametrize(
    "day",
    [
        *(pytest.param(day, id=name) for name, day in MONDAY.items()),
        *(pytest.param(day, id=name, marks=pytest.mark.thorough) for name, day in {**HOLIDAY, **MORE_DAYS}.items()),
    ],
)
def test_every_regulation_that_ships_has_its_stories(own_database, monkeypatch, day):
    slugs = sorted(path.parent.name for path in (ROOT / "bpmn").glob("*/regulation.toml"))
    tools, now = begun(own_database, monkeypatch, day, *(from_folder(ROOT, slug) for slug in slugs))
    with tools.database.transaction() as tx:
        published = tools.kernel.releases.in_force(tx)
        assert present(tools.kernel.releases, tx) == accounts(published)
        for release in published:
            here = select(Case).where(Case.regulation == release.regulation.slug)
            cases = tx.scalars(here.order_by(Case.id)).all()
            assert {case.outcome is None for case in cases} == {True, False}
            assert all(case.filed_at <= now for case in cases)
        overdue = select(Task.element).where(Task.state == "open", Task.due < now)
        assert tx.scalars(overdue).all() == ["sign"]


def test_a_second_time_nothing_happens(own_database, monkeypatch):
    tools, _ = begun(own_database, monkeypatch, "2026-02-25T09:00:00")
    assert seed(tools) == "there already"
    with tools.database.transaction() as tx:
        assert tx.scalar(select(func.count(Person.id))) == len(accounts())
        assert present(tools.kernel.releases, tx) == accounts()


def test_the_codes_of_the_units_are_valid():
    assert all(uscc.is_valid(unit.uscc) for unit in (*UNITS, PAPER))


def test_only_who_can_sign_in_is_shown(tx):
    assert present(Releases(), tx) == ()
    for login in ("li", "shen", "qian", "somebody"):
        identity.add_person(tx, login=login, name=login, password=PASSWORD, applicant=login == "qian")
    tx.execute(update(Person).where(Person.login == "shen").values(active=False))
    assert [one.login for one in present(Releases(), tx)] == ["li", "qian"]


def test_the_table_shows_every_account():
    lines = table(accounts()).splitlines()
    assert len(lines) == len(accounts()) + 1
    assert all(account.login in line for account, line in zip(accounts(), lines[1:], strict=True))
