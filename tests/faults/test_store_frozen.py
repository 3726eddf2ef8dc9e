"""The object store stops in the middle of a large upload: the person is told in time, nothing half-done is left, and
what was typed stays."""

from __future__ import annotations

import os
import random
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from sqlalchemy import select, text

from portal.cases.models import Attachment
from portal.settings import Settings
from portal.storage import S3Store
from tests.builders.procedures import REGULATION
from tests.builders.proving import Proof
from tests.builders.running import Answer, Browser, NoAnswer, Running, Servers, wait_until
from tests.faults import filings
from tests.faults.changes import QUICK
from tests.faults.changes import __name__ as CHANGES
from tests.faults.filings import UNIT, Leftovers, leftovers, swept, unsound

LARGE = 60_000_000
TOLD_WITHIN = 30
ALLOWED = {"UPLOAD_MEGABYTES": "64"}
NAME = "台账.pdf"
NOT_STORED = f"“{NAME}”没有上传成功：文件存储暂时不可用，请稍后重新选择。其他内容已保留。"


@dataclass
class Frozen:
    """What came of an upload during which the store stopped."""

    answer: Answer | None
    seconds: float
    received: int
    """Bytes that the store had written when it was stopped."""


def written(servers: Servers) -> int:
    """The bytes in the store's volumes."""
    return sum(volume.stat().st_size for volume in (servers.store.log.parent / "data").rglob("*.dat"))


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process that does nothing for a while."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def large(dice: random.Random) -> bytes:
    """A large file, of another content each time."""
    return b"%PDF-1.7\n" + dice.randbytes(LARGE) + b"\n%%EOF\n"


def post(browser: Browser, said: str, once: str, file: bytes) -> Answer:
    """Files a grant with a file."""
    form = {"unit": UNIT, "text": said, "_once": once}
    return browser.post(f"/start/{REGULATION}/grant", form, {"_upload.evidence": (NAME, file)})


def frozen_while(running: Running, said: str, once: str, file: bytes) -> Frozen:
    """Uploads, and stops the store once it has begun to write; it goes on when the person has had an answer, or has
    waited in vain."""
    servers = running.servers
    browser = running.browser("officer-0", follows=False, timeout=TOLD_WITHIN)
    before, answers = written(servers), list[Answer]()

    def upload() -> None:
        try:
            answers.append(post(browser, said, once, file))
        except NoAnswer:
            return

    thread = threading.Thread(target=upload)
    thread.start()
    wait_until(lambda: written(servers) > before + 1_000_000 or not thread.is_alive(), 60)
    with stopped(servers.store_process()):
        began, received = time.monotonic(), written(servers) - before
        thread.join()
        seconds = time.monotonic() - began
        # Who asks for nothing that is in the store is not kept waiting.
        assert running.answers("/sign-in")
    return Frozen(answers[0] if answers else None, seconds, received)


def objects(settings: Settings) -> set[str]:
    """The keys of everything that can be seen in the store."""
    assert settings.s3 is not None
    listed = S3Store(settings.s3).keys()
    return {kept.key for kept in listed}


def rows(servers: Servers, said: str) -> int:
    """The files and cases that an upload has left in the tables."""
    with servers.database.transaction() as tx:
        files = tx.scalars(select(Attachment.id).where(Attachment.size > LARGE)).all()
        cases = tx.execute(text("SELECT 1 FROM case_values WHERE value->>'text' = :said"), {"said": said}).all()
    return len(files) + len(cases)


def caught_in_the_middle(running: Running, said: str, once: str, file: bytes) -> Frozen:
    """The same, again until the store was stopped neither too early nor too late."""
    for _ in range(5):
        frozen = frozen_while(running, said, once, file)
        if 0 < frozen.received < LARGE and (frozen.answer is None or frozen.answer.status != 302):
            return frozen
    raise AssertionError("toothless: the store was never stopped in the middle of the upload")


def test_a_store_that_stops_in_the_middle_of_an_upload(servers: Servers, proof: Proof) -> None:
    said, once, file = secrets.token_hex(8), secrets.token_urlsafe(16), large(proof.dice)
    swept(servers)
    with servers.running(*QUICK, **ALLOWED) as running:
        seen = objects(servers.settings)
        frozen = caught_in_the_middle(running, said, once, file)
        assert frozen.answer is not None, f"no answer within {TOLD_WITHIN} s"
        assert frozen.answer.status == 422
        assert NOT_STORED in frozen.answer.text
        assert f'value="{said}"' in frozen.answer.text
        assert f'value="{once}"' in frozen.answer.text
        assert rows(servers, said) == 0
        time.sleep(1)  # what the store had taken in before it stopped, it deals with now
        visible = objects(servers.settings) - seen
        assert swept(servers) == Leftovers(0, 0)
        again = running.browser("officer-0", follows=False)
        wait_until(lambda: post(again, said, once, file).status == 302, 60, lambda: running.said)
        filings.jobs_done(running, 60)
    assert unsound(servers) == []
    assert rows(servers, said) == 2
    assert leftovers(servers).objects == 0
    proof.says(
        "R7",
        f"object store frozen in the middle of an upload of {LARGE // 1_000_000} MB",
        f"told within {TOLD_WITHIN} s; no row, no visible object; what was typed is kept; works again afterwards",
        told_after_s=round(frozen.seconds, 1),
        written_before_MB=round(frozen.received / 1e6, 1),
        rows=0,
        visible_objects=len(visible),
        left_after_sweeping=0,
    )
    assert visible == set()


@pytest.mark.thorough
def test_a_store_that_is_waited_for_is_found_out(spoiled: Servers, proof: Proof) -> None:
    said, once, file = secrets.token_hex(8), secrets.token_urlsafe(16), large(proof.dice)
    with spoiled.running(*QUICK, f"{CHANGES}:waits_for_ever", **ALLOWED) as running:
        frozen = caught_in_the_middle(running, said, once, file)
    assert frozen.answer is None
    proof.catches("R7", "a store that does not answer is waited for", answer_within_30_s=frozen.answer)
