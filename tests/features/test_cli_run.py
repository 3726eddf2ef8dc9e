"""`portal run`: everything comes up in an empty home, is looked after, and goes down without a trace."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from portal.__main__ import main
from portal.demo import accounts
from tests.builders.running import free_port, wait_until
from tests.builders.world import ROOT

STARTS_WITHIN = 180
READY = "Ctrl-C stops everything"


@dataclass
class Running:
    """A `portal run` and what it has printed."""

    process: subprocess.Popen[bytes]
    home: Path
    port: int
    log: Path
    content: Path

    @property
    def said(self) -> str:
        return self.log.read_text()

    def is_ready(self) -> bool:
        """Whether all parts answer; while the pages start again nobody does."""
        try:
            return self.get("/readyz")[0] == 200
        except (urllib.error.URLError, ConnectionError):
            return False

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def parts(self) -> dict[str, int]:
        """The child processes, by their command."""
        listed = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=True
        )
        found = {}
        for line in listed.stdout.splitlines():
            pid, command = line.split(maxsplit=1)
            name = next((part for part in ("portal web", "portal worker", "weed", "postgres") if part in command), "")
            found[name] = int(pid)
        return found


def only_one_regulation(folder: Path) -> Path:
    """A copy of the shipped content with one regulation left, so that the start does not act the paths of all."""
    for root in ("bpmn", "forms", "documents"):
        shutil.copytree(ROOT / root, folder / root, ignore=shutil.ignore_patterns("*-tanpuhui"))
    return folder


def start(home: Path, port: int, log: Path, content: Path) -> Running:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "S3_ENDPOINT", "SECRET_KEY", "PUBLIC_URL")
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "portal", "run"],
            env={
                **environment,
                "PORTAL_HOME": str(home),
                "PORT": str(port),
                "PORTAL_DEMO": "1",
                "PORTAL_CONTENT": str(content),
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    running = Running(process, home, port, log, content)
    wait_until(lambda: READY in running.said or process.poll() is not None, STARTS_WITHIN, lambda: running.said)
    assert process.poll() is None, running.said
    return running


@pytest.fixture(scope="module")
def started() -> Iterator[Running]:
    with tempfile.TemporaryDirectory(prefix="portal-run-") as name:
        folder = Path(name)
        # For root's PostgreSQL, which runs as another user: its data are to lie here too, and go at the end.
        folder.chmod(0o755)
        running = start(folder / "home", free_port(), folder / "log", only_one_regulation(folder / "content"))
        yield running
        if running.process.poll() is None:
            running.process.terminate()
            running.process.wait(20)


class TestRun:
    """One start for all, in this order."""

    def test_it_is_ready_and_shows_address_and_accounts(self, started):
        wait_until(started.is_ready, 10, lambda: started.said)
        told = [f"http://127.0.0.1:{started.port}", *(word for one in accounts() for word in (one.login, one.role))]
        wait_until(lambda: all(word in started.said for word in told), 10, lambda: started.said)
        assert re.search(r"^portal: chongqing-ets: release 1$", started.said, re.MULTILINE)
        assert "Traceback" not in started.said
        assert started.get("/sign-in")[0] == 200

    def test_a_second_run_on_the_same_home_is_one_clear_line(self, started, monkeypatch, capsys):
        monkeypatch.setenv("PORTAL_HOME", str(started.home))
        monkeypatch.setenv("PORT", str(free_port()))
        assert main(["run"]) == 1
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        assert f"process {started.process.pid}" in told

    def test_commands_work_beside_it(self, started, monkeypatch, capsys):
        for name in ("DATABASE_URL", "S3_ENDPOINT"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("PORTAL_HOME", str(started.home))
        monkeypatch.setenv("PORTAL_DEMO", "1")
        assert main(["audit", "verify", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["cases"] > 10
        assert main(["clock", "show"]) == 0

    @pytest.mark.parametrize("part", ["portal web", "portal worker"])
    def test_a_part_that_dies_is_started_again(self, started, part):
        before = started.parts()[part]
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: started.parts().get(part, before) != before, 20, lambda: started.said)
        wait_until(lambda: answers(started), 20, lambda: started.said)
        assert f"{part.removeprefix('portal ')} ended (-9)" in started.said

    @pytest.mark.parametrize(
        ("part", "log"), [("postgres", "PostgreSQL ended (its log: "), ("weed", "object store ended (its log: ")]
    )
    def test_a_server_that_dies_is_started_again_where_it_was(self, started, part, log):
        before = started.parts()[part]
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: started.parts().get(part, before) != before, 20, lambda: started.said)
        wait_until(started.is_ready, 90, lambda: started.said)
        assert log in started.said
        assert started.get("/sign-in")[0] == 200

    def test_after_a_killed_run_the_next_one_comes_up(self, started):
        parts = started.parts()
        started.process.kill()
        started.process.wait()
        again = start(started.home, started.port, started.log, started.content)
        started.process = again.process
        wait_until(lambda: answers(started), 10, lambda: started.said)
        for gone in ("portal web", "portal worker"):
            assert not Path(f"/proc/{parts[gone]}").exists()

    def test_it_stops_everything_on_ctrl_c(self, started):
        parts = started.parts()
        assert set(parts) >= {"portal web", "portal worker", "weed"}
        started.process.send_signal(signal.SIGINT)
        assert started.process.wait(20) == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in parts.values())
        assert not (started.home / "running.json").exists()
        assert "Traceback" not in started.said


def answers(running: Running) -> bool:
    try:
        return running.get("/healthz")[0] == 200
    except (urllib.error.URLError, ConnectionError):
        return False


def test_a_taken_port_is_one_clear_line(monkeypatch, tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("PORTAL_HOME", str(tmp_path))
        monkeypatch.setenv("PORT", str(port))
        assert main(["run"]) == 1
    assert capsys.readouterr().err == (
        f"portal: Port {port} is taken by another program; choose another one, for example PORT={port + 1}.\n"
    )
    assert not (tmp_path / "postgres").exists()
