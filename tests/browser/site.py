"""A portal that runs for real: its pages over HTTP, a worker, a PostgreSQL and a clock that can be moved."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from flask import Flask
from sqlalchemy import select
from werkzeug.serving import WSGIRequestHandler, make_server

from portal import app, clock, demo
from portal.calendar import service as calendars
from portal.cases import filing, tasks
from portal.cases.models import Case, StartItem, Task
from portal.clock import TZ
from portal.db import Database, moved_clock
from portal.demo import content, renewals
from portal.demo.history import History, days_before
from portal.demo.seeding import LONG_BEFORE
from portal.identity import Actor, Person, service
from portal.jobs import build_app
from portal.procedures import Published, Releases, publish
from portal.procedures.content import from_folder
from portal.settings import Settings
from portal.storage import MemoryStore
from portal.web import Pages, create_app
from portal.web.assets import DIST, Manifest
from portal.worker import Tools
from portal.worker.jobs import register
from portal.worker.timers import Timers
from tests.builders.world import ROOT, shipped

ETS, FILINGS = "chongqing-ets", "jiaxing-tanpuhui"
SEEDED_AT = "2026-09-21T08:00:00"
"""A Monday before 中秋 and 国庆: periods that begin in this week show every kind of day."""
STARTS_AT = "2026-09-21T09:00:00"
CEMENT = "91500101MA5DEMA01C"
SETTINGS = Settings.read({"PORTAL_DEMO": "1", "UPLOAD_MEGABYTES": "1"})


@dataclass(frozen=True)
class Seeded:
    """A database to be copied, and the releases in it, opened once for all its copies."""

    database: str
    opened: tuple[Published, ...]

    def releases(self) -> Releases:
        """For the portal of one copy: what is published there is in no other, where its id may be another's."""
        releases = Releases()
        for published in self.opened:
            releases.put(published)
        return releases


def seed(url: str, store: MemoryStore) -> tuple[Published, ...]:
    """Fills a database with the content of the first regulation and the demo's people and cases, as of the first
    morning; the releases in it."""
    with _used(url, store, Releases()) as tools:
        with tools.database.transaction() as tx:
            moved_clock.move(tx, _moment(SEEDED_AT) - clock.now())
            publish(tx, shipped(), tools.kernel.now(tx), "test")
        assert demo.seed(tools) == "made"
        return _opened(tools)


def seed_filings(url: str, store: MemoryStore, releases: Releases) -> tuple[Published, ...]:
    """Adds a regulation of filings to what is there, with its demo: renewal, people, and the cases of earlier days."""
    with _used(url, store, releases) as tools:
        with tools.database.transaction() as tx:
            moved_clock.move(tx, _moment(SEEDED_AT) - clock.now(moved_clock.offset(tx)))
            now = tools.kernel.now(tx)
            publish(tx, from_folder(ROOT, FILINGS), now, "test")
            published = releases.newest(tx, FILINGS)
            renewals.enter(releases, tx, tx.scalars(select(Person.id).where(Person.administrator)).one(), now)
            history = History(tools, tx, content.enter(tx, published, now - LONG_BEFORE), now)
            before = days_before(calendars.current(tx), now.date())
            history.tell(content.stories(history, published, before), now)
        return _opened(tools)


def _opened(tools: Tools) -> tuple[Published, ...]:
    with tools.database.transaction() as tx:
        return tuple(tools.kernel.releases.in_force(tx))


@contextmanager
def _used(url: str, store: MemoryStore, releases: Releases) -> Iterator[Tools]:
    """What works with a database, closed at the end."""
    tools = _tools(url, store, releases)
    try:
        yield tools
    finally:
        tools.database.close()


def _tools(url: str, store: MemoryStore, releases: Releases, settings: Settings = SETTINGS) -> Tools:
    kernel = replace(app.kernel(settings), releases=releases)
    return Tools(Database(url), store, kernel, SETTINGS.public_url, settings.mail)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TZ)


@dataclass
class Site:
    """The running portal; `address` has no slash at its end."""

    tools: Tools
    flask: Flask
    address: str = ""

    def at(self, moment: str) -> None:
        """Sets the legal clock, in Asia/Shanghai; the worker fires what is due by then."""
        with self.tools.database.transaction() as tx:
            moved_clock.move(tx, _moment(moment) - clock.now(moved_clock.offset(tx)))

    def actor(self, login: str) -> Actor:
        """A person as the kernel knows him."""
        with self.tools.database.transaction() as tx:
            person = tx.scalars(select(Person).where(Person.login == login)).one()
            actor = service.actor_of(tx, person.id, clock.day_of(self.tools.kernel.now(tx)))
        assert actor is not None
        return actor

    def name_of(self, login: str) -> str:
        """The name under which the demo offers somebody's account."""
        with self.tools.database.transaction() as tx:
            return tx.scalars(select(Person.name).where(Person.login == login)).one()

    def draft(self) -> int:
        """A case of allocation, begun and waiting for its figures; the id of its task."""
        self.file("zhou", "allocation", {})
        return self.task("allocation", "draft")[0]

    def allocation(self, year: int, amount: int = 1_200_000, unit: str = CEMENT) -> None:
        """An allowance that was determined and signed behind the pages: its notice is issued by the worker."""
        self.signed(self.determined(year, amount, unit))

    def determined(self, year: int, amount: int = 1_200_000, unit: str = CEMENT) -> int:
        """An allowance that waits for the leader; the id of the task of signing it."""
        units = [{"unit": unit, "amount": str(amount)}]
        self.complete("zhou", self.draft(), {"year": str(year), "units": units})
        return self.task("allocation", "sign")[0]

    def signed(self, task: int) -> None:
        """The leader signs an allowance, and the worker starts what follows."""
        with self.tools.database.transaction() as tx:
            case = tx.get_one(Task, task).case_id
        self.complete("chen", task, {"result": "签发"})
        self._until_started(case)

    def failed_row(self) -> tuple[int, int]:
        """The ids of a case and of a row of it for which it could start nothing."""
        failed = select(StartItem.starter_id, StartItem.id).where(StartItem.state == "failed").limit(1)
        with self.tools.database.transaction() as tx:
            starter, item = tx.execute(failed).one()
            return starter, item

    def _until_started(self, case: int) -> None:
        """Waits until the worker has started what a case starts for its rows."""
        waiting = select(StartItem.id).where(StartItem.starter_id == case, StartItem.state == "waiting").limit(1)
        for _ in range(150):
            with self.tools.database.transaction() as tx:
                if tx.scalar(waiting) is None:
                    return
            time.sleep(0.1)
        raise AssertionError(f"the worker has not started what case {case} waits for")

    def complete(self, login: str, task_id: int, answers: dict[str, object]) -> None:
        """Somebody does a task, behind the pages."""
        actor, kernel = self.actor(login), self.tools.kernel
        with self.tools.database.transaction() as tx:
            tasks.complete(kernel, tx, actor, task_id, answers, kernel.now(tx))

    def file(self, login: str, procedure: str, answers: dict[str, object], about: int | None = None) -> int:
        """Somebody files, behind the pages; the id of the case."""
        actor, kernel = self.actor(login), self.tools.kernel
        with self.tools.database.transaction() as tx:
            return filing.file(kernel, tx, actor, ETS, procedure, answers, kernel.now(tx), about).id

    def case(self, procedure: str, status: str, login: str) -> int:
        """The id of the newest case of a person's organisation that stands somewhere."""
        query = select(Case.id).where(Case.procedure == procedure, Case.status == status).order_by(Case.id.desc())
        mine = query.where(Case.party_id == self.actor(login).organisation_id).limit(1)
        with self.tools.database.transaction() as tx:
            return tx.scalars(mine).one()

    def task(self, procedure: str, element: str) -> tuple[int, int]:
        """The ids of the newest open task of an element, and of its case."""
        query = select(Task).join(Case, Case.id == Task.case_id).order_by(Task.id.desc()).limit(1)
        query = query.where(Case.procedure == procedure, Task.element == element, Task.state == "open")
        with self.tools.database.transaction() as tx:
            found = tx.scalars(query).one()
            return found.id, found.case_id


@contextmanager
def running(url: str, store: MemoryStore, releases: Releases, settings: Settings = SETTINGS) -> Iterator[Site]:
    """The portal over a database with content, its pages on a free port, its worker in threads.

    A demo begins at STARTS_AT; anything else goes by the real clock.
    """
    tools = _tools(url, store, releases, settings)
    assets = Manifest(ROOT / DIST)
    machine = Pages(settings, tools.database, store, tools.kernel, assets, "a secret for tests", demo.present)
    site = Site(tools, app.mounted(create_app(machine), machine))
    if settings.demo:
        site.at(STARTS_AT)
    with _pages(site), _worker(tools):
        yield site
    tools.database.close()


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Says nothing: the browser notices what goes wrong."""


@contextmanager
def _pages(site: Site) -> Iterator[None]:
    server = make_server("127.0.0.1", 0, site.flask, threaded=True, request_handler=_Quiet)
    site.address = f"http://127.0.0.1:{server.server_port}"
    with _thread(server.serve_forever):
        yield
        server.shutdown()
    server.server_close()


@contextmanager
def _worker(tools: Tools) -> Iterator[None]:
    """Timers and jobs as the worker's process runs them, but for its signals: those belong to pytest."""
    stop = threading.Event()
    with _thread(Timers(tools, stop).run), _thread(lambda: asyncio.run(_do_jobs(tools, stop))):
        yield
        stop.set()


async def _do_jobs(tools: Tools, stop: threading.Event) -> None:
    jobs = build_app(tools.database.url)
    register(jobs, tools)
    async with jobs.open_async():
        working = asyncio.create_task(
            jobs.run_worker_async(concurrency=2, delete_jobs="successful", install_signal_handlers=False)
        )
        stopped = asyncio.create_task(asyncio.to_thread(stop.wait))
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


@contextmanager
def _thread(run: Callable[[], object]) -> Iterator[None]:
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join(10)
