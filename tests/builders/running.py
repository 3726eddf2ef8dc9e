"""The portal as it is operated: PostgreSQL, object store, pages and worker, each a process, asked by HTTP.

    with Servers.started(home) as servers:                      # empty tables, everything durable
        servers.publish(content(one=procedure(…)))
        servers.official("li", "officer")
        with servers.running(web_workers=2) as running:         # portal web and portal worker
            li = running.browser("li")                          # signed in; `Browser(address).sign_in` uses the page
            assert li.post(f"/tasks/{task}", {"text": "…"}).status == 302
            running.kill_worker()
            servers.kill_postgres()
            servers.postgres.start_again()

Nothing is replaced by something else; what a test wants otherwise in the processes it names (`changes`, launcher.py).
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from http.cookiejar import Cookie, CookieJar
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import select, text

from portal import app, clock, identity
from portal.db import Base, Database, postmaster, servers
from portal.db.embedded import EmbeddedPostgres
from portal.identity.models import Person
from portal.jobs import schema as jobs_schema
from portal.procedures import publish
from portal.procedures.content import Content
from portal.settings import Settings
from portal.storage.embedded import PROGRAM as WEED
from portal.storage.embedded import EmbeddedStore
from portal.web.access import COOKIE
from portal.worker import Tools
from tests.builders.pages import PASSWORD, hashed

LAUNCHER = Path(__file__).with_name("launcher.py")
CONNECTIONS = {"max_connections": "200"}
ANSWERS_WITHIN = 60.0
LONG_AGO = date(2020, 1, 1)
BROKEN_OFF = "on client connection with an open transaction"
"""What PostgreSQL's log says of a process that was gone in the middle of a transaction."""


def free_port() -> int:
    """A port of this machine on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], seconds: float, why: Callable[[], str] = str) -> None:
    """Waits; AssertionError, with the reason, when it takes longer."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s:\n{why()}"
        time.sleep(0.02)


# Asking


@dataclass
class Answer:
    """What came back."""

    status: int
    text: str
    headers: http.client.HTTPMessage


class NoAnswer(OSError):
    """The connection was refused or broken: nobody knows whether the request was carried out."""


class _Stays(urllib.request.HTTPRedirectHandler):
    """Leaves a redirect as the answer that it is."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Browser:
    """A browser with cookies and the form token of the last page that had one.

    `follows`: whether a redirect is followed to its page, as people's browsers do. NoAnswer when none came in time.
    """

    def __init__(self, address: str, *, follows: bool = True, timeout: float = 60) -> None:
        self._address, self._timeout, self._token = address, timeout, ""
        self._cookies = CookieJar()
        stays = () if follows else (_Stays(),)
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies), *stays)

    def get(self, path: str) -> Answer:
        """Opens a page."""
        return self._asked(urllib.request.Request(self._address + path))

    def post(
        self, path: str, fields: Mapping[str, str], files: Mapping[str, tuple[str, bytes]] | None = None
    ) -> Answer:
        """Posts a form, with the token of the last page; `files` by field, each with its name."""
        body, kind = _multipart({**fields, "csrf_token": self._token}, files or {})
        return self._asked(urllib.request.Request(self._address + path, body, {"Content-Type": kind}))

    def sign_in(self, login: str, password: str = PASSWORD) -> Answer:
        """Signs in by the page."""
        self.get("/sign-in")
        return self.post("/sign-in", {"login": login, "password": password})

    def carry(self, session: str) -> None:
        """Carries on a session that was opened elsewhere, and takes a form token."""
        host = urllib.parse.urlsplit(self._address).hostname or ""
        self._cookies.set_cookie(
            Cookie(0, COOKIE, session, None, False, host, False, False, "/", True, False, None, True, None, None, {})
        )
        self.get("/track")

    def _asked(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                said = Answer(answer.status, answer.read().decode("utf-8", "replace"), answer.headers)
        except urllib.error.HTTPError as error:
            try:
                said = Answer(error.code, error.read().decode("utf-8", "replace"), error.headers)
            except (OSError, http.client.HTTPException) as broken:
                raise NoAnswer(str(broken)) from broken
        except (OSError, http.client.HTTPException) as broken:
            raise NoAnswer(str(broken)) from broken
        found = re.search(r'name="csrf_token" value="([^"]+)"', said.text)
        self._token = found[1] if found else self._token
        return said


def _multipart(fields: Mapping[str, str], files: Mapping[str, tuple[str, bytes]]) -> tuple[bytes, str]:
    mark = b"--of-this-test"
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{text}'.encode() for name, text in fields.items()]
    for name, (file, data) in files.items():
        head = f'Content-Disposition: form-data; name="{name}"; filename="{file}"\r\n\r\n'
        parts.append(head.encode() + data)
    body = b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + mark + b"--\r\n"
    return body, f"multipart/form-data; boundary={mark.decode()}"


# Processes


class Launcher:
    """Starts commands of the portal as processes, changed as said (launcher.py)."""

    def __init__(self, *changes: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(LAUNCHER), *changes], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._said() == "ready"

    def start(self, environment: Mapping[str, str], log: Path, *arguments: str) -> Launched:
        """Starts `portal ARGUMENTS`."""
        order = {"arguments": arguments, "environment": dict(environment), "log": str(log)}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Launched(int(self._said()))

    def close(self) -> None:
        """Ends it, and everything that it has started."""
        self._process.communicate()

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@dataclass(frozen=True)
class Launched:
    """A process with all that it has forked."""

    pid: int

    def lives(self) -> bool:
        """Whether any of them does."""
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def children(self) -> list[int]:
        """Those that it has forked: of `portal web`, the processes that serve."""
        try:
            return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]
        except OSError:
            return []

    def kill(self) -> None:
        """Kills all of them at once (-9), and waits until they are gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Asks it to end, as an operator does."""
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if not self.lives():
            return
        if number == signal.SIGKILL:
            os.killpg(self.pid, number)
        else:
            os.kill(self.pid, number)
        wait_until(lambda: not self.lives(), 20)


@dataclass
class Servers:
    """PostgreSQL, with everything on disk before it is acknowledged, and the object store, over one home."""

    home: Path
    postgres: EmbeddedPostgres
    store: EmbeddedStore
    environment: Mapping[str, str]
    """What a process of the portal needs to be told of them."""
    database: Database
    """The tests' own look at the tables."""
    regulation: str = ""
    _launchers: dict[tuple[str, ...], Launcher] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def started(cls, home: Path, **postgres_settings: str) -> Iterator[Servers]:
        """Both started with empty tables, and stopped at the end."""
        postgres, store = EmbeddedPostgres(home, {**CONNECTIONS, **postgres_settings}), EmbeddedStore(home)
        try:
            url, s3 = postgres.start(), store.start()
            environment = {
                **os.environ, "DATABASE_URL": url, "S3_ENDPOINT": f"http://{s3.endpoint}",
                "S3_ACCESS_KEY": s3.access_key, "S3_SECRET_KEY": s3.secret_key, "S3_BUCKET": s3.bucket,
                "SECRET_KEY": "of these tests", "PORTAL_HOME": str(home), "PORTAL_DEMO": "0", "LETTER_PDF": "0",
            }  # fmt: skip
            jobs_schema(url)
            database = Database(url, pool_size=4)
            assert app.TABLES
            Base.metadata.create_all(database.engine)
            made = cls(home, postgres, store, environment, database)
            try:
                yield made
            finally:
                made.close()
                made.kill_store()  # which takes its time to stop
        finally:
            store.stop()
            postgres.stop()

    def close(self) -> None:
        """Ends every process and closes every connection; the servers go on."""
        for launcher in self._launchers.values():
            launcher.close()
        self._launchers.clear()
        self.database.close()

    @property
    def settings(self) -> Settings:
        """What a process of the portal is told."""
        return Settings.read(self.environment)

    def tools(self) -> Tools:
        """What a worker of these servers works with, for acts and looks of a test itself; to be closed by it."""
        return app.tools(self.settings)

    @contextmanager
    def running(
        self, *changes: str, web: bool = True, worker: bool = True, web_workers: int = 2, **settings: str
    ) -> Iterator[Running]:
        """Pages and a worker over these servers, changed as said (launcher.py), with more settings; killed at the
        end."""
        if changes not in self._launchers:
            self._launchers[changes] = Launcher(*changes)
        port = free_port()
        environment = {**self.environment, "PORT": str(port), "WEB_WORKERS": str(web_workers), **settings}
        running = Running(self, self._launchers[changes], environment, f"http://127.0.0.1:{port}")
        try:
            if web:
                running.start_web()
                running.wait_for_pages()
            if worker:
                running.start_worker()
            yield running
        finally:
            running.kill_web()
            running.kill_worker()

    # What is in the tables

    def publish(self, content: Content) -> None:
        """Publishes content; its regulation is that of officials added from now on."""
        with self.database.transaction() as tx:
            publish(tx, content, clock.now(), "test")
        self.regulation = content.regulation

    def unit(self, uscc: str, name: str = "某单位") -> int:
        """An enterprise that reads its letters in the portal; its id."""
        with self.database.transaction() as tx:
            added = identity.add_organisation(
                tx, uscc=uscc, name=name, district="万州区", kinds=["enterprise"],
                electronic_service_since=clock.now(),
            )  # fmt: skip
            return added.id

    def official(self, login: str, *roles: str) -> int:
        """Somebody with roles of the regulation, and PASSWORD; his id."""
        person_id = self._person(login, None)
        with self.database.transaction() as tx:
            for role in roles:
                identity.grant_role(tx, person_id=person_id, regulation=self.regulation, role=role, from_day=LONG_AGO)
        return person_id

    def applicant(self, login: str, unit_id: int) -> int:
        """Somebody of a unit, with PASSWORD; his id."""
        return self._person(login, unit_id)

    def _person(self, login: str, unit_id: int | None) -> int:
        with self.database.transaction() as tx:
            someone = Person(login=login, name=login, password_hash=hashed(), organisation_id=unit_id)
            tx.add(someone)
            tx.flush()
            return someone.id

    def number(self, query: str, **values: object) -> int:
        """What a query for one number finds; 0 when it finds nothing."""
        with self.database.transaction() as tx:
            return int(tx.scalar(text(query), values) or 0)

    def session(self, login: str) -> str:
        """A session opened for somebody, without the work that a password costs the pages."""
        with self.database.transaction() as tx:
            assert tx.scalar(select(Person.id).where(Person.login == login)), login
            token = identity.service.sign_in(tx, login, PASSWORD, "127.0.0.1", clock.now())
        assert isinstance(token, str), token
        return token

    # Servers that end

    @property
    def postgres_data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.postgres.log.parent / "data"

    def broken_off(self) -> int:
        """How many transactions PostgreSQL has seen end because their process was gone in the middle of them."""
        return self.postgres.log.read_text(errors="replace").count(BROKEN_OFF)

    def kill_postgres(self) -> None:
        """Kills PostgreSQL and all its processes at once (-9)."""
        mark = postmaster.mark(self.postgres_data)
        servers.end_all(postmaster.PROGRAM, mark, signal.SIGKILL, within=10)
        wait_until(self.postgres.is_down, 10)
        # Ours went with it: one used a moment ago would not be asked whether it lives.
        self.database.close()

    def postgres_answers(self) -> bool:
        """Whether PostgreSQL takes a connection."""
        try:
            psycopg.connect(self.environment["DATABASE_URL"], connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def store_process(self) -> int:
        """The object store's process."""
        [pid] = servers.processes(WEED, f"-dir={self.store.log.parent / 'data'}\0")
        return pid

    def kill_store(self) -> None:
        """Kills the object store (-9)."""
        servers.end_all(WEED, f"-dir={self.store.log.parent / 'data'}\0", signal.SIGKILL, within=10)
        wait_until(self.store.is_down, 10)


@dataclass
class Running:
    """Pages and a worker, each started, killed and started again at will."""

    servers: Servers
    launcher: Launcher
    environment: Mapping[str, str]
    address: str
    web: Launched | None = None
    worker: Launched | None = None

    @property
    def log(self) -> Path:
        """What pages and worker say."""
        return self.servers.home / "portal.log"

    @property
    def said(self) -> str:
        """The end of it."""
        return self.log.read_text(errors="replace")[-3000:]

    def start_web(self) -> None:
        """Starts `portal web`, without waiting until it answers."""
        self.web = self.launcher.start(self.environment, self.log, "web", "--host", "127.0.0.1")

    def start_worker(self) -> None:
        """Starts `portal worker`."""
        self.worker = self.launcher.start(self.environment, self.log, "worker")

    def kill_web(self) -> None:
        """Kills `portal web` with all its processes (-9)."""
        if self.web is not None:
            self.web.kill()
            self.web = None

    def kill_worker(self) -> None:
        """Kills `portal worker` (-9)."""
        if self.worker is not None:
            self.worker.kill()
            self.worker = None

    def answers(self, path: str = "/healthz") -> bool:
        """Whether a page answers with 200."""
        try:
            with urllib.request.urlopen(self.address + path, timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, http.client.HTTPException):
            return False

    def wait_for_pages(self) -> None:
        """Waits until the pages answer."""
        wait_until(partial(self.answers), ANSWERS_WITHIN, lambda: self.said)

    def browser(self, login: str | None = None, *, follows: bool = True, timeout: float = 60) -> Browser:
        """A browser, with a session of somebody's unless nobody is named."""
        browser = Browser(self.address, follows=follows, timeout=timeout)
        if login is not None:
            browser.carry(self.servers.session(login))
        return browser
