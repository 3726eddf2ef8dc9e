"""Where the time of a call goes: `python -m bench.speed.profile [CALL…]`.

The calls are answered in this process, which is looked at every few milliseconds that it computes: whose code it is in
(the innermost of SQLAlchemy, the driver, the engine …), and below which function of the portal. What it spends waiting
for PostgreSQL shows as the difference between the time that a call takes and that for which it computes.
"""

from __future__ import annotations

import argparse
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import FrameType
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import Engine, event

from bench.speed.site import TEXT, UNBRAKED, Prepared, prepared
from bench.timers import AHEAD
from portal import app, clock
from portal.commands import rubbish
from portal.settings import Settings
from portal.worker.timers import fire_one

LOOKS_EVERY = 0.001
PARTS = ("psycopg", "sqlalchemy", "SpiffWorkflow", "pydantic", "werkzeug", "flask", "/portal/")
ANSWER = {"answers": {"text": TEXT}}
WARM_UP = 30
HANDING_ON, MOST = 12, 36
Call = Callable[[], object]


@dataclass
class Looks:
    """What was seen: looks in all, by part, and by function of the portal that was under way."""

    total: int = 0
    parts: Counter[str] = field(default_factory=Counter)
    functions: Counter[str] = field(default_factory=Counter)

    def look(self, _signal: int, frame: FrameType | None) -> None:
        """Notes where the process is."""
        self.total += 1
        part, under_way = "", set[str]()
        while frame is not None:
            file = frame.f_code.co_filename
            part = part or next((one for one in PARTS if one in file), "")
            if "/portal/" in file:
                under_way.add(f"{file.partition('/portal/')[2]}:{frame.f_code.co_name}")
            frame = frame.f_back
        self.parts[part.strip("/") or "other"] += 1
        self.functions.update(under_way)


@dataclass
class Answering:
    """The portal in this process, asked by its test client."""

    site: Prepared
    settings: Settings
    client: FlaskClient

    def ask(self, method: str, path: str, secret: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """What a call answers."""
        headers = {"Authorization": f"Bearer {secret}"}
        answer = self.client.open(f"/api/v1{path}", method=method, json=body, headers=headers)
        assert answer.status_code in (200, 201), f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.get_json()

    def start(self) -> int:
        """A new case; its id."""
        asked = {"procedure": "bench/steps", **ANSWER}
        return int(self.ask("POST", "/cases", self.site.applicants[0], asked)["id"])


def complete(asking: Answering, times: int) -> Sequence[Call]:
    """An official completes a task; each time another."""
    tasks = [asking.site.open_task(asking.start()) for _ in range(times)]
    return [partial(asking.ask, "POST", f"/tasks/{id}/complete", asking.site.officials[0], ANSWER) for id in tasks]


def file(asking: Answering, times: int) -> Sequence[Call]:
    """An applicant files a case."""
    return [asking.start] * times


def tasks(asking: Answering, times: int) -> Sequence[Call]:
    """An official reads the first of a hundred tasks."""
    for _ in range(100):
        asking.start()
    return [partial(asking.ask, "GET", "/tasks?view=group", asking.site.officials[0])] * times


def case(asking: Answering, times: int) -> Sequence[Call]:
    """An official reads a case; each time another."""
    cases = [asking.start() for _ in range(times)]
    return [partial(asking.ask, "GET", f"/cases/{id}", asking.site.officials[0]) for id in cases]


def fire(asking: Answering, times: int) -> Sequence[Call]:
    """A worker fires a timer; each time that of another case."""
    waiting = {"procedure": "bench/waiting", **ANSWER}
    for _ in range(times):
        asking.ask("POST", "/cases", asking.site.applicants[0], waiting)
    return [partial(fire_one, app.tools(asking.settings), clock.now() + AHEAD)] * times


CALLS: Mapping[str, Callable[[Answering, int], Sequence[Call]]] = {
    "complete": complete,
    "file": file,
    "tasks": tasks,
    "case": case,
    "fire": fire,
}


def main() -> None:
    """Prints a paragraph for each call."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("calls", nargs="*", metavar="CALL", help=", ".join(CALLS))
    wanted.add_argument("--times", type=int, default=300)
    options = wanted.parse_args()
    with prepared() as site:
        settings = Settings.read({**site.servers.environment, "API_PER_MINUTE": UNBRAKED, "PORT": "1"})
        answering = Answering(site, settings, app.web(settings, lambda _releases, _tx: ()).test_client())
        for name in options.calls or CALLS:
            print("\n".join(_profiled(name, CALLS[name](answering, options.times + WARM_UP))), flush=True)


def _profiled(name: str, calls: Sequence[Call]) -> list[str]:
    for call in calls[:WARM_UP]:  # compiles, prepares, fills caches
        call()
    rubbish.look_rarely()
    first, *rest = calls[WARM_UP:]
    statements, half = _statements(first), len(rest) // 2
    took, computed = _timed(rest[:half])
    looks = _looked_at(rest[half:])
    parts = ", ".join(f"{part} {_share(count, looks)}" for part, count in looks.parts.most_common())
    told = f"{name}: {took:.1f} ms, of which it computes {computed:.1f}; {statements} statements; {parts}"
    # The first of them only hand the call on: they are under way all the time.
    functions = looks.functions.most_common(HANDING_ON + MOST)[HANDING_ON:]
    return [told, *(f"  {_share(count, looks):>5} {one}" for one, count in functions)]


def _timed(calls: Sequence[Call]) -> tuple[float, float]:
    """Milliseconds that a call takes, and for which this process computes."""
    began, idle = time.perf_counter(), time.process_time()
    for call in calls:
        call()
    each = 1000 / len(calls)
    return (time.perf_counter() - began) * each, (time.process_time() - idle) * each


def _statements(call: Call) -> int:
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    call()
    event.remove(Engine, "before_cursor_execute", note)
    return len(sent)


def _looked_at(calls: Sequence[Call]) -> Looks:
    looks = Looks()
    signal.signal(signal.SIGPROF, looks.look)
    signal.setitimer(signal.ITIMER_PROF, LOOKS_EVERY, LOOKS_EVERY)
    for call in calls:
        call()
    signal.setitimer(signal.ITIMER_PROF, 0)
    return looks


def _share(count: int, looks: Looks) -> str:
    return f"{count / looks.total:.0%}"


if __name__ == "__main__":
    main()
