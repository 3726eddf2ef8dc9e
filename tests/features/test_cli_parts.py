"""The processes that `portal run` looks after: when each is started again, and when no more."""

from __future__ import annotations

import subprocess
import sys

import pytest

from portal.commands import parts
from portal.commands.parts import KeepsEnding, Part


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Fragile(Part):
    """A part that ends when a test says so."""

    def __init__(self) -> None:
        super().__init__("worker")
        self.starts = 0
        self.ended = False

    def start(self) -> None:
        self.starts += 1
        self.ended = False

    def how_it_ended(self) -> str | None:
        return "-9" if self.ended else None


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> Clock:
    passing = Clock()
    monkeypatch.setattr(parts, "time", passing)
    return passing


def test_one_that_lived_well_is_started_again_at_once(passing, capsys):
    part = Fragile()
    part.look_after()
    assert part.starts == 0
    passing.now += 61
    part.ended = True
    part.look_after()
    assert part.starts == 1
    assert capsys.readouterr().out == "portal: worker ended (-9) after 61 s; it is started again at once\n"


def test_one_that_keeps_ending_is_started_later_and_later_and_then_no_more(passing, capsys):
    part = Fragile()
    pauses = []
    with pytest.raises(KeepsEnding) as told:  # noqa: PT012 (the last of several looks refuses)
        while True:
            part.ended, since, starts = True, passing.now, part.starts
            part.look_after()
            while part.starts == starts:
                passing.now += 0.5
                part.look_after()
            pauses.append(passing.now - since)
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    assert str(told.value) == (
        "worker ended 8 times soon after its start and is not started again, so the portal stops; see above."
    )
    assert told.value.text("zh") == ("worker 连续 8 次启动后不久就结束，不再重新启动，门户停止运行；原因见上方日志。")
    assert capsys.readouterr().out.count("\n") == 7


def test_one_that_stays_up_in_between_begins_with_a_clean_slate(passing):
    part = Fragile()
    for _ in range(6):
        part.ended = True
        part.look_after()
        passing.now += 30
        part.look_after()
    passing.now += 61
    for _ in range(7):
        part.ended = True
        part.look_after()
        passing.now += 30
        part.look_after()
    assert part.starts == 13


def test_a_child_tells_its_exit_code(monkeypatch):
    child = parts.Child("web")
    started = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"], stdin=subprocess.PIPE)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: started)
    assert child.how_it_ended() is None
    child.start()
    started.wait()
    assert child.how_it_ended() == "3"
    started.stdin.close()
