"""`portal run`: everything in one go, from an empty home to pages and a worker, looked after until Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from portal import app, demo
from portal.commands.administration import migrate
from portal.commands.content import publish_changed
from portal.commands.parts import Child, Part, Server, say
from portal.commands.servers import RUNNING, Embedded, database_of, serving
from portal.db import servers
from portal.documents import pdf
from portal.errors import PortalError
from portal.identity.accounts import has_administrator
from portal.settings import Settings
from portal.web import DemoAccount
from portal.web.beginning import first_command

LOOKS_EVERY = 0.1
ANSWERS_WITHIN = 60.0
LEFTOVERS_END_WITHIN = 5.0


class AlreadyRunning(PortalError):
    """Another `portal run` has this home."""

    zh = "{home} 已有门户在运行（进程 {pid}，{address}）；另开一个请换 PORTAL_HOME 和 PORT。"
    en = "A portal is running on {home} already (process {pid}, {address}); for another, set PORTAL_HOME and PORT."


class PortTaken(PortalError):
    """Another program listens on the port."""

    zh = "端口 {port} 已被其他程序占用；请换一个，例如 PORT={other}。"
    en = "Port {port} is taken by another program; choose another one, for example PORT={other}."


class DoesNotAnswer(PortalError):
    """The pages do not come up."""

    zh = "页面服务在 {seconds} 秒内没有应答，原因见上方日志。"
    en = "The pages did not answer within {seconds} s; the log above says why."


def run(settings: Settings, host: str) -> None:
    """Runs until Ctrl-C or SIGTERM; AlreadyRunning, PortTaken or DoesNotAnswer when that cannot be."""
    address = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{settings.port}"  # nosec B104 # 2026-11-22: compared
    with _only_one(settings, address) as cleanly_before:
        _wait_for_port(settings, host, LEFTOVERS_END_WITHIN if not cleanly_before else 0)
        # SIGINT too: a shell may have had us ignore it.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupted)
        began = time.monotonic()
        say(f"starting in {settings.home.resolve()}")
        children = [Child("web", "--host", host), Child("worker")]
        for child in children:
            child.start()
        embedded = Embedded.of(settings)
        with serving(settings, embedded=embedded) as served:
            say(f"PostgreSQL and object store answer ({time.monotonic() - began:.1f} s)")
            with _ending(children):
                _prepare(served)
                _look_after(children, _servers(embedded), served, address, began)


def _servers(embedded: Embedded) -> list[Part]:
    """Those that we have started, not those that the settings name."""
    named = {"PostgreSQL": embedded.postgres, "object store": embedded.store}
    return [Server(name, server) for name, server in named.items() if server is not None]


def _prepare(settings: Settings) -> None:
    """Tables, content and, in an empty demo, people and cases."""
    _timed("tables", lambda: migrate(settings))
    for line in publish_changed(settings):
        say(line)
    if settings.demo:
        tools = app.tools(settings)
        _timed("demo data", lambda: demo.seed(tools))
        tools.database.close()


def _look_after(
    children: Sequence[Child], embedded: Sequence[Part], settings: Settings, address: str, began: float
) -> None:
    for child in children:
        child.release()
    parts = [*embedded, *children]
    _await_answer(address, parts)
    _greet(settings, address, time.monotonic() - began)
    while True:
        _look(parts)


def _look(parts: Sequence[Part]) -> None:
    for part in parts:
        part.look_after()
    time.sleep(LOOKS_EVERY)


@contextmanager
def _ending(children: list[Child]) -> Iterator[None]:
    """Ends the children one after the other, before the servers that they use."""
    try:
        yield
    except KeyboardInterrupt:
        say("stopping")
    finally:
        # What follows is short and must not be broken off half-way.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for child in children:
            child.stop()


def _await_answer(address: str, parts: Sequence[Part]) -> None:
    end = time.monotonic() + ANSWERS_WITHIN
    while not _answers(f"{address}/healthz"):
        if time.monotonic() > end:
            raise DoesNotAnswer(seconds=int(ANSWERS_WITHIN))
        _look(parts)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # nosec B310 # 2026-11-22: an address of our own
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _letters(settings: Settings) -> str:
    """Whether letters are made as PDF too, and what it takes."""
    if not settings.letter_pdf:
        return "Letters: Word files only (LETTER_PDF=0)"
    found = pdf.office()
    if found is None:
        return (
            "Letters: Word files, shown as pages. For PDF too install LibreOffice and fonts "
            "(apt-get install libreoffice-writer-nogui fonts-noto-cjk) and start again"
        )
    return f"Letters: Word files, and PDF by LibreOffice ({found})"


def _greet(settings: Settings, address: str, seconds: float) -> None:
    say(f"ready in {seconds:.1f} s; Ctrl-C stops everything\n")
    print(f"  {address}\n", flush=True)
    print(f"  {_letters(settings)}\n", flush=True)
    if settings.demo:
        print(demo.table(_accounts(settings)), flush=True)
    elif not _has_administrator(settings):
        print(f"  There is no administrator yet. In another terminal:\n\n    {first_command(settings)}\n", flush=True)


def _has_administrator(settings: Settings) -> bool:
    with database_of(settings) as database, database.transaction() as tx:
        return has_administrator(tx)


def _accounts(settings: Settings) -> Sequence[DemoAccount]:
    """Who can sign in to the demo that is there."""
    tools = app.tools(settings)
    with tools.database.transaction() as tx:
        found = demo.present(tools.kernel.releases, tx)
    tools.database.close()
    return found


@contextmanager
def _only_one(settings: Settings, address: str) -> Iterator[bool]:
    """Holds the home for this process; whether the one before ended cleanly."""
    settings.home.mkdir(parents=True, exist_ok=True)
    about = settings.home / RUNNING
    lock = servers.lock(settings.home / "run.lock")
    if lock is None:
        other = json.loads(about.read_text()) if about.exists() else {"pid": "?", "address": "?"}
        raise AlreadyRunning(home=settings.home.resolve(), **other)
    cleanly_before = not about.exists()
    about.write_text(json.dumps({"pid": os.getpid(), "address": address}))
    try:
        yield cleanly_before
    finally:
        about.unlink()
        lock.close()


def _wait_for_port(settings: Settings, host: str, seconds: float) -> None:
    """Waits for pages that a killed run has left to end; PortTaken when the port is not ours to have."""
    if not servers.wait_until(lambda: _is_free(host, settings.port), seconds):
        raise PortTaken(port=settings.port, other=settings.port + 1)


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError:
            return False
    return True


def _timed(what: str, do: Callable[[], str | None]) -> None:
    began = time.monotonic()
    said = do()
    say(f"{what}: {said or 'ready'} ({time.monotonic() - began:.1f} s)")


def _interrupted(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt
