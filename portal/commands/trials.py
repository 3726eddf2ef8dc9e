"""Acts content in tables of its own; several regulations side by side, each in a process of its own."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from portal import app
from portal.db import Database, migrations
from portal.errors import ContentFaults, Fault, PortalError
from portal.procedures import Content
from portal.scenarios import service as scenarios
from portal.settings import Settings

STOPS_WITHIN = 6.0


class TrialBroken(PortalError):
    """The process that acted a regulation ended without a result."""

    zh = "{regulation} 的路径没有走完：试走的进程已结束（{code}），原因见上方日志。"
    en = "The paths of {regulation} were not acted: the process ended ({code}); the log above says why."


@dataclass(frozen=True)
class Outcome:
    """So many paths of a content were acted; `faults` say what turned out otherwise."""

    acted: int
    faults: tuple[Fault, ...]


def act(settings: Settings, content: Content) -> Outcome:
    """Acts every path of the content; nothing of the trial stays."""
    with _trial(settings) as database:
        try:
            report = scenarios.act_all(database, app.kernel(settings), content)
        except ContentFaults as error:
            return Outcome(0, error.faults)
    return Outcome(len(report.results), tuple(report.faults))


def act_each(settings: Settings, folder: Path, contents: Sequence[Content]) -> list[Outcome]:
    """Acts the contents of a folder, as many at the same time as the machine has processors; TrialBroken."""
    if len(contents) == 1:
        return [act(settings, contents[0])]
    running: list[subprocess.Popen[str]] = []
    with ThreadPoolExecutor(os.cpu_count()) as beside:
        try:
            return list(beside.map(lambda content: _by_process(folder, content, running), contents))
        finally:
            beside.shutdown(wait=False, cancel_futures=True)
            _end(running)


def _by_process(folder: Path, content: Content, running: list[subprocess.Popen[str]]) -> Outcome:
    """What `portal act --json` says of one regulation; it joins the servers that we have started."""
    process = subprocess.Popen(
        [sys.executable, "-m", "portal", "act", "--json", str(folder / "bpmn" / content.regulation)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        # Ctrl-C in the terminal is for us.
        start_new_session=True,
    )
    running.append(process)
    said, _ = process.communicate()
    if not said:
        raise TrialBroken(regulation=content.regulation, code=process.returncode)
    return _read(json.loads(said), content)


def _read(said: Mapping[str, Any], content: Content) -> Outcome:
    """What the process has found, if it has acted what lies before us and not what an editor has saved meanwhile."""
    if said["hashes"] != {content.regulation: content.hash}:
        fault = Fault("内容在试走时被改动", "改完后再试一次", file=f"bpmn/{content.regulation}")
        return Outcome(0, (fault,))
    return Outcome(said["acted"], tuple(Fault(**fault) for fault in said["faults"]))


def _end(running: Sequence[subprocess.Popen[str]]) -> None:
    """Ends the processes as Ctrl-C does, so that they leave nothing behind; at last by force."""
    for process in running:
        process.send_signal(signal.SIGINT)
    for process in running:
        try:
            process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()


@contextmanager
def _trial(settings: Settings) -> Iterator[Database]:
    """Empty tables in a schema of their own, so that a trial meets nobody's cases and blocks none."""
    assert settings.database_url is not None
    schema = f"trial_{secrets.token_hex(4)}"
    migrations.upgrade(settings.database_url, app.metadata(), schema)
    database = Database(settings.database_url, schema=schema, pool_size=1)
    try:
        yield database
    finally:
        with database.transaction() as tx:
            tx.execute(text(f"DROP SCHEMA {schema} CASCADE"))
        database.close()
