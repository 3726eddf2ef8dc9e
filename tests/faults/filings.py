"""A small procedure with uploads, numbers and letters; people who file without pause; and what must hold afterwards."""

from __future__ import annotations

import hashlib
import json
import random
import secrets
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import clock
from portal.cases import checking
from portal.cases.models import Attachment, Case, Incident
from portal.documents.models import Letter
from portal.ledger import service as ledger
from portal.procedures.content import Content
from portal.storage import ObjectMissing, S3Store, StoreUnavailable
from portal.worker import sweeping
from portal.worker.jobs import JOBS
from tests.builders.diagrams import path
from tests.builders.procedures import REGULATION, content, does, end, letter, procedure, start, task
from tests.builders.running import Browser, NoAnswer, Running, Servers, wait_until

UNIT = "91500101MA5YKQ1X0C"
PEOPLE = 8
PATIENCE = 60
"""Seconds for which somebody hands in the same form again and again."""
OPENS_A_PAGE = 20
"""After so many forms he looks at a page."""
_GRANT = [
    {"type": "textfield", "key": "unit", "label": "单位"},
    {"type": "textfield", "key": "text", "label": "说明"},
    {"type": "filepicker", "key": "evidence", "label": "材料", "multiple": True},
]


def small() -> Content:
    """`race`: one task, which any officer does. `grant`: filed with a file, its letter rendered by a worker."""
    whole = content(
        race=procedure(start(None), task("do"), end(), path("start", "do", "end"), by="officer"),
        grant=procedure(
            start("grant"), does("issue", "documents.issue", document="notice"), task("do"), end(),
            path("start", "issue", "do", "end"),
            manifest='starts = [ { role = "officer", party = "start.unit" } ]\n' + letter("notice"),
        ),
    )  # fmt: skip
    form = json.dumps({"type": "default", "id": "grant", "components": _GRANT}, ensure_ascii=False)
    return Content(whole.regulation, {**whole.files, "forms/_shared/grant.json": form.encode()})


@contextmanager
def settled(**postgres_settings: str) -> Iterator[Servers]:
    """Servers with the content, the unit, and officers `officer-0` and so on."""
    with tempfile.TemporaryDirectory(prefix="portal-faults-") as name:
        home = Path(name)
        # For root's PostgreSQL, which runs as another user: its data are to lie here too, and go at the end.
        home.chmod(0o755)
        with Servers.started(home, **postgres_settings) as servers:
            servers.publish(small())
            servers.unit(UNIT)
            for number in range(PEOPLE):
                servers.official(f"officer-{number}", "officer")
            yield servers


@dataclass(frozen=True)
class Filed:
    """A form that was handed in: what it says, the hash of its file, and where its acknowledgement led."""

    text: str
    sha256: str
    to: str
    posted: float
    """When, by this machine's steady clock, it was handed in the last time."""


@dataclass
class Writer:
    """Somebody who files one grant after the other; what is not acknowledged he hands in again, the same form."""

    browser: Browser
    dice: random.Random
    name: str
    filed: list[Filed] = field(default_factory=list)
    tried: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    """Forms of which nobody knew whether they were carried out, each time."""
    refused: Counter[int] = field(default_factory=Counter)
    """Answers that told him to try again later, by status."""
    wrong: list[str] = field(default_factory=list)

    def work(self, stop: threading.Event) -> None:
        """Files until he is told to stop; what he has begun he brings to its end."""
        while not stop.is_set():
            try:
                self._file(f"{self.name}/{len(self.tried)}")
            except AssertionError as error:
                self.wrong.append(str(error))
                return

    def _file(self, said: str) -> None:
        data = b"%PDF-1.7\n" + said.encode() + self.dice.randbytes(self.dice.randrange(1_000, 200_000)) + b"\n%%EOF\n"
        form = {"unit": UNIT, "text": said, "_once": secrets.token_urlsafe(16)}
        self.tried.add(said)
        began = time.monotonic()
        while True:
            assert time.monotonic() - began < PATIENCE, f"{said}: no acknowledgement within {PATIENCE} s"
            posted = time.monotonic()
            try:
                answer = self.browser.post(
                    f"/start/{REGULATION}/grant", form, {"_upload.evidence": (f"{self.name}.pdf", data)}
                )
            except NoAnswer:
                self.broken.append(said)
            else:
                if answer.status == 302:
                    self.filed.append(Filed(said, hashlib.sha256(data).hexdigest(), answer.headers["Location"], posted))
                    if len(self.filed) % OPENS_A_PAGE == 0:
                        self._open_page()
                    return
                unstored = answer.status == 422 and "文件存储暂时不可用" in answer.text
                assert answer.status == 503 or unstored, f"{said}: {answer.status} {answer.text[-3000:]}"
                self.refused[answer.status] += 1
            time.sleep(0.02)

    def _open_page(self) -> None:
        """What he was told at each form lies in his cookie until a page shows it, and no cookie may grow for ever."""
        with suppress(NoAnswer):
            self.browser.get(self.filed[-1].to)


@contextmanager
def writing(running: Running, writers: int, dice: random.Random) -> Iterator[list[Writer]]:
    """So many people file without pause, and bring to an end what they have begun."""
    mark = secrets.token_hex(4)
    people = [
        Writer(
            running.browser(f"officer-{number % PEOPLE}", follows=False),
            random.Random(dice.random()),
            f"{mark}-{number}",
        )
        for number in range(writers)
    ]
    stop = threading.Event()
    threads = [threading.Thread(target=one.work, args=(stop,)) for one in people]
    for thread in threads:
        thread.start()
    try:
        yield people
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def filed_so_far(writers: Sequence[Writer]) -> int:
    """How many forms were acknowledged."""
    return sum(len(one.filed) for one in writers)


def wait_for_more(running: Running, writers: Sequence[Writer]) -> None:
    """Waits until one more form is acknowledged that is handed in from now on."""
    now = time.monotonic()

    def one_more() -> bool:
        return any(one.wrong or (one.filed and one.filed[-1].posted > now) for one in writers)

    wait_until(one_more, 120, lambda: f"{running.said}\n{running.servers.postgres.log.read_text()[-3000:]}")
    wrong = [said for one in writers for said in one.wrong]
    assert wrong == [], "\n".join(wrong)


# What must hold afterwards


def jobs_done(running: Running, seconds: float) -> None:
    """Waits until no job is left that an act has deferred."""
    servers = running.servers
    wait_until(lambda: not jobs_left(servers), seconds, lambda: f"{jobs_left(servers)}\n{running.said}")


def jobs_left(servers: Servers) -> list[tuple[object, ...]]:
    """The oldest jobs of acts that wait, run, or have failed: a long run leaves thousands."""
    query = (
        "SELECT id, task_name, status, attempts, scheduled_at, worker_id FROM procrastinate_jobs "
        "WHERE task_name <> ALL(:others) ORDER BY id LIMIT 200"
    )
    with servers.database.transaction() as tx:
        found = tx.execute(text(query), {"others": [name for name, work in JOBS.items() if work.every is not None]})
        return [tuple(row) for row in found if not row[1].startswith("builtin:")]


def lost_or_doubled(servers: Servers, writers: Sequence[Writer]) -> list[str]:
    """What is not there although it was acknowledged, or there twice; or not what was handed in."""
    with servers.database.transaction() as tx:
        rows = tx.execute(
            text(
                "SELECT value->>'text', case_id FROM case_values JOIN cases ON cases.id = case_id "
                "WHERE procedure = 'grant' AND element = 'start'"
            )
        ).all()
        files = dict[int, list[str]]()
        for case_id, sha256 in tx.execute(select(Attachment.case_id, Attachment.sha256)):
            files.setdefault(case_id, []).append(sha256)
        tasks = dict(tx.execute(text("SELECT id, case_id FROM tasks")).all())
    there = Counter(said for said, _ in rows)
    cases = dict(rows)
    wrong = [f"{said} is there {count} times" for said, count in there.items() if count > 1]
    for one in (filed for writer in writers for filed in writer.filed):
        case_id = cases.get(one.text)
        if case_id is None:
            wrong.append(f"{one.text} was acknowledged and is lost")
            continue
        kind, number = one.to.split("?")[0].split("/")[-2:]
        led_to = tasks.get(int(number)) if kind == "tasks" else int(number)
        if led_to != case_id:
            wrong.append(f"{one.text} is case {case_id}, its acknowledgement led to {one.to}")
        if files.get(case_id) != [one.sha256]:
            wrong.append(f"{one.text} has the files {files.get(case_id)}")
    return [*wrong, *(said for writer in writers for said in writer.wrong)]


def unsound(servers: Servers) -> list[str]:
    """Every broken link of a history, number missing or drawn twice, posting that does not add up, file that is not in
    the store as it was kept, and incident."""
    with servers.database.transaction() as tx:
        breaks = [str(one) for one in checking.verify(tx).breaks]
    with servers.database.transaction() as tx:
        return [
            *breaks,
            *_numbers(tx),
            *ledger.invariants(tx),
            *_objects(servers, tx),
            *(f"incident: {one.during}: {one.what}" for one in tx.scalars(select(Incident))),
        ]


def _numbers(tx: Session) -> Iterator[str]:
    """A running count that is missing, or stands twice, of the cases of each procedure and of their letters."""
    year = clock.now().year
    drawn = dict[str, list[str]]()
    for procedure_of, number in tx.execute(select(Case.procedure, Case.number)):
        drawn.setdefault(procedure_of, []).append(number)
    drawn["notice"] = list(tx.scalars(select(Letter.number)))
    for name, numbers in drawn.items():
        wanted = Counter(f"{name}〔{year}〕{seq}号" for seq in range(1, len(numbers) + 1))
        if Counter(numbers) != wanted:
            found = Counter(numbers)
            yield f"numbers of {name}: {sorted(found - wanted)} in place of {sorted(wanted - found)}"


def _objects(servers: Servers, tx: Session) -> Iterator[str]:
    assert servers.settings.s3 is not None
    store = S3Store(servers.settings.s3)
    kept = [(one.key, one.sha256) for one in tx.scalars(select(Attachment))]
    kept += [(one.object_key, one.sha256) for one in tx.scalars(select(Letter)) if one.object_key and one.sha256]
    for key, sha256 in kept:
        try:
            found = hashlib.sha256(store.get(key)).hexdigest()
        except ObjectMissing:
            yield f"the object {key} is missing"
        except StoreUnavailable as error:
            yield f"the object {key} is missing: {error}"
        else:
            if found != sha256:
                yield f"the object {key} is another"


@dataclass(frozen=True)
class Leftovers:
    """What killed processes have left in the store: objects without a row, and uploads that no case uses."""

    objects: int
    uploads: int


def leftovers(servers: Servers) -> Leftovers:
    """What is there now."""
    assert servers.settings.s3 is not None
    listed = S3Store(servers.settings.s3).keys()
    found = {kept.key for kept in listed}
    with servers.database.transaction() as tx:
        rows = {*tx.scalars(select(Attachment.key)), *tx.scalars(select(Letter.object_key))}
        unused = tx.scalars(select(Attachment.id).where(Attachment.case_id.is_(None))).all()
    return Leftovers(len(found - rows), len(unused))


def swept(servers: Servers) -> Leftovers:
    """Sweeps as if everything were old, as the job does; what is left over then."""
    tools = servers.tools()
    sweeping.sweep(replace(tools, orphans_after=timedelta(0)), "of this test")
    tools.database.close()
    return leftovers(servers)
