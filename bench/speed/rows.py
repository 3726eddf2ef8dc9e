"""The rows of the table of speed, each measured by one function on a portal of its own."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from urllib.parse import quote, unquote

from sqlalchemy import text

from bench.killing import resident
from bench.speed import filling
from bench.speed.client import Client, Pages
from bench.speed.figures import Figure, median, middle, p95
from bench.speed.site import CLIENTS, CODES, CONTENT, STEPS, TEXT, Site, opened
from tests.builders.running import free_port, wait_until

RUNS = 3
STARTS = 5
ANSWER = {"answers": {"text": TEXT}}
AGAIN = {"answers": {"result": "继续", "text": TEXT}}


def complete() -> list[Figure]:
    """One client completes tasks, one after the other."""
    runs = []
    with opened(worker=False) as site:
        officer, unit = site.officer(), site.unit()
        for run in range(RUNS + 1):
            waiting = [site.open_task(site.start(unit, "steps")) for _ in range(100)]
            officer.took.clear()
            for task in waiting:
                officer.post(f"/tasks/{task}/complete", ANSWER)
            if run:  # the first one warms up
                runs.append((median(officer.took), p95(officer.took)))
    got = middle(runs)
    return [
        Figure(
            "complete", "complete one task, one client, p50 / p95", "≤ 9 / 14 ms", f"{got[0]:.1f} / {got[1]:.1f} ms",
            got[0] <= 9 and got[1] <= 14,
            f"{RUNS} runs of 100: " + ", ".join(f"{one[0]:.1f} / {one[1]:.1f}" for one in runs),
        )
    ]  # fmt: skip


def sustained(clients: int = CLIENTS, seconds: float = 20) -> list[Figure]:
    """Several clients, each of which starts cases, finds their tasks, claims and completes them."""
    rates = []
    with opened(worker=False) as site:
        for run in range(RUNS + 1):
            rate = _rate(site, clients, seconds if run else 5)
            if run:
                rates.append(rate)
    got = statistics.median(rates)
    told = ", ".join(f"{rate:.0f}" for rate in rates)
    detail = f"each starts a case of his unit, then finds, claims and completes its {STEPS} tasks; {RUNS} runs: {told}"
    return [Figure("sustained", f"tasks/s, {clients} clients", "≥ 150", f"{got:.0f}", got >= 150, detail)]


def _rate(site: Site, clients: int, seconds: float) -> float:
    done = [0] * clients
    end = time.monotonic() + seconds

    def work(number: int) -> None:
        unit, officer = site.unit(number), site.officer(number)
        while time.monotonic() < end:
            site.start(unit, "steps")
            for _ in range(STEPS):
                [task] = [one["id"] for one in officer.get(f"/tasks?view=group&unit={CODES[number]}")["items"]]
                officer.post(f"/tasks/{task}/claim", {})
                officer.post(f"/tasks/{task}/complete", ANSWER)
                done[number] += 1

    began = time.monotonic()
    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.monotonic() - began)


def lists(few: int = 1_000, many: int = 100_000) -> list[Figure]:
    """The list of an official's tasks, with few and with many open ones."""
    found: list[Figure] = []
    with opened(worker=False) as site:
        template, filled = site.start(site.unit(), "steps"), 1
        for count, goal in ((few, 10), (many, 15)):
            _fill(site, template, count - filled)
            filled = count
            called, page = _asked(site.officer(), "/tasks?view=group"), _asked(site.pages(), "/inbox?view=role")
            found.append(
                Figure(
                    "lists", f"task list of one official, {count:,} open tasks, p50", f"≤ {goal} ms",
                    f"{called[0]:.1f} ms", called[0] <= goal,
                    f"call: p95 {called[1]:.1f}; the page of the inbox: {page[0]:.1f} / {page[1]:.1f} ms",
                )
            )  # fmt: skip
    return found


def _fill(site: Site, case_id: int, count: int) -> None:
    with site.servers.database.transaction() as tx:
        filling.copied(tx, case_id, count)
    with site.servers.database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))


def _asked(client: Client | Pages, path: str, times: int = 60) -> tuple[float, float]:
    """Median and p95 of asking for the same, in ms, of the middle of several runs."""
    runs = []
    for run in range(RUNS + 1):
        client.took.clear()
        for _ in range(times):
            client.get(path)
        if run:
            runs.append((median(client.took), p95(client.took)))
    return middle(runs)


def growth(few: int = 10, many: int = 210) -> list[Figure]:
    """Completing a task in cases with few and with many completed ones."""
    after: dict[int, list[float]] = {few: [], many: []}
    with opened(worker=False) as site:
        officer, unit = site.officer(), site.unit()
        for _ in range(5):
            case_id = site.start(unit, "again")
            for number in range(1, many + 11):
                officer.took.clear()
                officer.post(f"/tasks/{site.open_task(case_id)}/complete", AGAIN)
                for count in after:
                    if count < number <= count + 10:
                        after[count].append(officer.took[0])
    times = median(after[many]) / median(after[few])
    return [
        Figure(
            "growth", f"complete after {few} → {many} completed tasks in the case, p50", "≤ 1.2 ×", f"{times:.2f} ×",
            times <= 1.2, f"{median(after[few]):.1f} → {median(after[many]):.1f} ms, 5 cases, 10 tasks each",
        )
    ]  # fmt: skip


def lateness(timers: int = 20) -> list[Figure]:
    """How long after it is due a timer fires."""
    late = []
    with opened() as site:
        unit = site.unit()
        for _ in range(timers):
            case_id = site.start(unit, "waiting")
            with site.servers.database.transaction() as tx:
                tx.execute(
                    text("UPDATE deadlines SET due = clock_timestamp() + interval '2 s' WHERE case_id = :id"),
                    {"id": case_id},
                )
                tx.execute(
                    text("UPDATE cases SET ripe_at = clock_timestamp() + interval '2 s' WHERE id = :id"),
                    {"id": case_id},
                )
            ripe = time.time() + 2
            wait_until(partial(site.has_ended, case_id), 60)
            late.append(time.time() - ripe)
    return [
        Figure(
            "lateness", "a timer fires after it is due", "≤ 2 s", f"{max(late):.2f} s at most", max(late) <= 2,
            f"{timers} timers, one after the other; median {statistics.median(late):.2f} s",
        )
    ]  # fmt: skip


def memory() -> list[Figure]:
    """What the processes that serve pages and API hold when nobody asks."""
    with opened(worker=False) as site:
        site.pages().get("/inbox")
        time.sleep(3)
        assert site.running.web is not None
        got = resident(site.running.web.pid)
    return [
        Figure(
            "memory", "memory, master and two workers, idle", "≤ 300 MiB", f"{got:.0f} MiB", got <= 300,
            "proportional set size: pages that processes share count once",
        )
    ]  # fmt: skip


def cold_start() -> list[Figure]:
    """From the command to the first answer, of the pages alone and of everything embedded."""
    with opened(worker=False) as site:
        site.running.kill_web()
        web = [_until_answer("web", site.running.environment) for _ in range(STARTS)]
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as home:
        settings = {"PORTAL_HOME": home, "PORTAL_CONTENT": str(CONTENT), "PORTAL_DEMO": "0"}
        # The first start makes the home, and publishes the content.
        everything = [_until_answer("run", settings) for _ in range(STARTS + 1)][1:]
    return [_start("web", web, 3), _start("everything embedded", everything, 6)]


def _until_answer(command: str, settings: Mapping[str, str]) -> float:
    port = free_port()
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "portal", command],
        env={**os.environ, **settings, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _answers(f"http://127.0.0.1:{port}/healthz"), 600)
        return time.monotonic() - began
    finally:
        process.terminate()
        process.wait(60)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _start(what: str, took: Sequence[float], goal: float) -> Figure:
    got = statistics.median(took)
    told = ", ".join(f"{one:.1f}" for one in took)
    return Figure(
        "cold-start", f"cold start to first answer, {what}", f"≤ {goal:.0f} s", f"{got:.1f} s", got <= goal,
        f"{len(took)} starts: {told}",
    )  # fmt: skip


def disk(cases: int = 200) -> list[Figure]:
    """What a case takes that was worked off, with its whole history."""
    with opened() as site:
        site.closed()
        before = site.size()
        for _ in range(cases):
            site.closed()
        got = (site.size() - before) / cases / 1024
    return [
        Figure(
            "disk", "database per closed case, compacted", "≤ 40 KB", f"{got:.0f} KB", got <= 40,
            f"{cases} cases of {STEPS} tasks with 2 KB each, after VACUUM FULL",
        )
    ]  # fmt: skip


def boards(open_tasks: int = 100_000, closed_cases: int = 10_000) -> list[Figure]:
    """Boards and search beside many open tasks and closed cases."""
    with opened(worker=False) as site:
        closed = site.closed()
        _fill(site, site.start(site.unit(), "steps"), open_tasks)
        _fill(site, closed, closed_cases)
        number = site.officer().get(f"/cases/{closed}")["number"]
        pages = site.pages()
        paths = ("/desk", "/cases", f"/cases?q={quote(number)}-77", "/inbox?view=all", "/inbox?view=all&light=overdue")
        asked = {path: _asked(pages, path, 30) for path in paths}
    worst = max(one[1] for one in asked.values())
    detail = "; ".join(f"{unquote(path)} {one[0]:.0f} / {one[1]:.0f}" for path, one in asked.items())
    what = f"boards and search, {open_tasks:,} open and {closed_cases * STEPS:,} closed tasks, p95"
    return [Figure("boards", what, "≤ 60 ms", f"{worst:.0f} ms", worst <= 60, detail)]


ROWS: Mapping[str, Callable[[], list[Figure]]] = {
    "complete": complete,
    "sustained": sustained,
    "lists": lists,
    "growth": growth,
    "lateness": lateness,
    "memory": memory,
    "cold-start": cold_start,
    "disk": disk,
    "boards": boards,
}
"""By the name with which a row is asked for; 100,000 timers due at once are `python -m bench.timers 100000`."""
