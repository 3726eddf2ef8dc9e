"""The portal under test with its pages: browsers, people of every role, and an allocation's story to act."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from html import unescape
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal import clock, identity, registers
from portal.cases import deferred, delivery, filing, tasks
from portal.cases.models import Case, Task
from portal.db import Database, moved_clock
from portal.documents.models import Letter
from portal.identity import passwords, service
from portal.identity.models import Person
from portal.jobs import Collected
from portal.web import Pages
from portal.web.access import COOKIE, cookie
from portal.web.assets import Manifest

ETS = "chongqing-ets"
UNIT = "91110000802100433B"
PASSWORD = "correct horse 9"
LONG_AGO = date(2020, 1, 1)
ROLES = {
    "zhou": "handler",
    "sun": "handler",
    "li": "intake",
    "chen": "leader",
    "he": "reviewer",
    "tao": "clerk",
}
NAMES = {"zhou": "周敏", "sun": "孙伟", "li": "李强", "chen": "陈涛", "he": "何静", "tao": "陶然", "wang": "王磊"}


class NoAssets(Manifest):
    """Addresses of assets that nobody has built."""

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"))

    def url(self, name: str) -> str:
        """An address."""
        return f"/static/dist/{name}"


@dataclass
class Portal:
    """The application under test, with the machine behind it and its people's ids."""

    app: Flask
    machine: Pages
    people: Mapping[str, int]
    unit_id: int
    now: datetime = field(default_factory=clock.now)

    @property
    def database(self) -> Database:
        """The database behind the pages."""
        return self.machine.database

    def client(self, login: str | None = None) -> Browser:
        """A browser, signed in as a person unless nobody is named."""
        browser = Browser(self.app.test_client())
        if login:
            with self.database.transaction() as tx:
                token = service.sign_in(tx, login, PASSWORD, "127.0.0.1", clock.now())
            assert isinstance(token, str), token
            browser.raw.set_cookie(cookie(self.machine.settings), token, httponly=True, samesite="Lax")
        return browser

    def actor(self, login: str) -> identity.Actor:
        """A person as the kernel sees him."""
        with self.database.transaction() as tx:
            actor = service.actor_of(tx, self.people[login], clock.day_of(self.now))
        assert actor is not None
        return actor

    def allocation(self) -> int:
        """Starts an allocation; the id of its task 核定."""
        kernel, actor = self.machine.kernel, self.actor("zhou")
        with self.database.transaction() as tx:
            self._list_unit(tx)
            case = filing.file(kernel, tx, actor, ETS, "allocation", {}, self._moment())
            case_id = case.id
        return self.task("draft", case_id)

    def _list_unit(self, tx: Session) -> None:
        """Has the unit on the list of key emitters of 2025, as it was before there were cases."""
        emitters = self.machine.kernel.releases.newest(tx, ETS).regulation.registers["emitters"]
        key = {"uscc": UNIT, "year": "2025"}
        if registers.current(tx, ETS, emitters, key) is None:
            row = {**key, "name": "重庆某水泥有限公司", "industry": "水泥", "district": "万州区"}
            registers.record(tx, ETS, emitters, [row], None, registers.Cause(moment=self.now, reason="test"))

    def notice(self) -> tuple[int, int]:
        """Draws up and signs an allocation; the ids of the notice case and of its letter, not rendered yet."""
        task_id = self.allocation()
        self.complete("zhou", task_id, {"year": "2025", "units": [{"unit": UNIT, "amount": "1200000"}]})
        with self.database.transaction() as tx:
            allocation = tx.get_one(Task, task_id).case_id
        self.complete("chen", self.task("sign", allocation), {"result": "签发"})
        with self.database.transaction() as tx:
            case = tx.scalars(
                select(Case).where(Case.procedure == "allocation-notice").order_by(Case.id.desc())
            ).first()
            assert case is not None
            letter = tx.scalars(select(Letter).where(Letter.case_id == case.id)).one()
            return case.id, letter.id

    def rendered(self, letter_id: int, content: bytes = b"letter") -> None:
        """Stores a file for a letter, as the worker would."""
        self.machine.store.put(f"letter-{letter_id}", content, len(content), "application/octet-stream")
        file = delivery.StoredFile(f"letter-{letter_id}", hashlib.sha256(content).hexdigest(), len(content))
        with self.database.transaction() as tx:
            delivery.rendered(self.machine.kernel, tx, letter_id, file, self._moment())

    def review(self) -> int:
        """A review filed by the unit about a notice served on it; the id of its case."""
        notice, letter = self.notice()
        self.rendered(letter)
        wang = self.actor("wang")
        with self.database.transaction() as tx:
            delivery.sign_for(self.machine.kernel, tx, wang, letter, self._moment())
        answers = {"claimed_amount": "1300000", "grounds": "产量数据有误"}
        with self.database.transaction() as tx:
            return filing.file(
                self.machine.kernel, tx, wang, ETS, "allocation-review", answers, self._moment(), notice
            ).id

    def complete(self, login: str, task_id: int, answers: Mapping[str, object]) -> None:
        """Completes a task by the kernel."""
        actor = self.actor(login)
        with self.database.transaction() as tx:
            tasks.complete(self.machine.kernel, tx, actor, task_id, answers, self._moment())
        self.work()

    def work(self) -> None:
        """Does the jobs that acts have deferred, but for the rendering of letters, as a worker would."""
        queue = self.machine.kernel.queue
        assert isinstance(queue, Collected)
        while job := next((job for job in queue.jobs if job.name in deferred.WORK), None):
            queue.jobs.remove(job)
            with self.database.transaction() as tx:
                deferred.do(self.machine.kernel, tx, self._moment(), job.name, job.arguments)

    def task(self, element: str, case_id: int) -> int:
        """The open task of an element."""
        with self.database.transaction() as tx:
            wanted = select(Task.id).where(Task.state == "open", Task.element == element, Task.case_id == case_id)
            return tx.scalars(wanted).one()

    def case(self, case_id: int) -> Case:
        """A case as it stands."""
        with self.database.transaction() as tx:
            return tx.get_one(Case, case_id)

    def ahead(self, by: timedelta) -> None:
        """Moves the demo clock."""
        with self.database.transaction() as tx:
            moved_clock.move(tx, by)

    def _moment(self) -> datetime:
        with self.database.transaction() as tx:
            return self.machine.kernel.now(tx)


class Browser:
    """A client that sends the form token of a page along, as a browser does."""

    def __init__(self, client: FlaskClient) -> None:
        self.raw = client
        self._tokens: dict[str, str] = {}

    def get(self, path: str, **options: object) -> TestResponse:
        """Opens a page."""
        return self.raw.get(path, **options)

    def post(self, path: str, data: Mapping[str, object] | None = None, **options: object) -> TestResponse:
        """Posts a form with its token."""
        return self.raw.post(path, data={**(data or {}), "csrf_token": self.held_token()}, **options)

    def held_token(self) -> str:
        """A form token: that of any page serves until somebody else signs in, so one small page is read once."""
        held = next(filter(None, map(self.raw.get_cookie, (COOKIE, f"__Host-{COOKIE}"))), None)
        signed_in = held.value if held else ""
        if signed_in not in self._tokens:
            self._tokens = {signed_in: self.token("/track")}
        return self._tokens[signed_in]

    def token(self, page: str) -> str:
        """The form token in a page."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.raw.get(page, follow_redirects=True).text)
        assert found, f"{page} has no form"
        return found[1]


def plain(page: TestResponse) -> str:
    """The text of a page without its marks, blanks run together."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.text)))


def settle(tx: Session, password_hash: str) -> tuple[dict[str, int], int]:
    """Adds the unit and everybody; their ids by login, and the unit's."""
    unit = identity.add_organisation(tx, uscc=UNIT, name="重庆某水泥有限公司", district="万州区", kinds=["enterprise"])
    unit.electronic_service_since = clock.start_of(LONG_AGO)
    people = {}
    for login, name in NAMES.items():
        person = Person(login=login, name=name, password_hash=password_hash)
        person.organisation_id = None if login in ROLES else unit.id
        tx.add(person)
        tx.flush()
        people[login] = person.id
        if login in ROLES:
            identity.grant_role(tx, person_id=person.id, regulation=ETS, role=ROLES[login], from_day=LONG_AGO)
    return people, unit.id


def hashed() -> str:
    """The hash of everybody's password: made once, for it is slow on purpose."""
    return passwords.hashed(PASSWORD)
