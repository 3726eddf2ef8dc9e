"""The health checks of containers: what they say, and that asking costs little."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from portal.commands import health
from portal.settings import Settings
from tests.builders.running import free_port


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("PORTAL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_worker_without_a_heartbeat_is_not_well(home, capsys):
    assert health.main(["worker"]) == 1
    assert "no heartbeat yet" in capsys.readouterr().err


def test_a_worker_is_well_for_half_a_minute_after_a_heartbeat(home, capsys):
    health.heartbeat_of(Settings.read())()
    assert health.main(["worker"]) == 0
    before = time.time() - health.SILENT_FOR - 5
    os.utime(home / "worker-heartbeat", (before, before))
    assert health.main(["worker"]) == 1
    assert "the last heartbeat was 35 s ago" in capsys.readouterr().err
    health.heartbeat_of(Settings.read())()
    assert health.main(["worker"]) == 0


def test_pages_that_do_not_answer_are_not_well(home, monkeypatch, capsys):
    monkeypatch.setenv("PORT", str(free_port()))
    assert health.main(["web"]) == 1
    assert "does not answer" in capsys.readouterr().err


def test_asking_loads_next_to_nothing(home):
    look = "import portal.commands.health, sys; print({'sqlalchemy', 'flask', 'lxml'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"
