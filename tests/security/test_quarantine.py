"""Uploads in quarantine: until the scanner has spoken nobody opens a file, or reads its name, but its uploader."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from procrastinate import JobContext
from procrastinate.jobs import Job
from sqlalchemy import select

from portal.cases import attachments, publishing, quarantine, verdicts
from portal.cases.models import Attachment, Incident
from portal.edge import files
from portal.edge.machine import EXTENSION
from portal.identity.models import Person, Proof
from portal.notify import PortalMessage
from portal.settings import ScannerSettings, Settings, WrongSetting
from portal.storage import Clamd, ScannerAway
from portal.worker import Tools
from portal.worker.jobs import JOBS, _task
from tests.builders.pages import Browser, Portal, plain
from tests.builders.proving import Proof as Proved
from tests.web.test_applicant import PDF, Story
from tests.web.test_registration import licence, register

# In two pieces, so that no scanner takes this file for the thing itself.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"
BAD = PDF.replace(b"trailer", b"% " + EICAR + b"\ntrailer")
SECRET = "某公司的内部台账.pdf"
WAITS, FOUND = "正在检查病毒", "含有病毒，已隔离"


class FakeClamd:
    """What clamd does: reads one stream to its end and says whether the test virus is in it."""

    def __init__(self, server: socket.socket) -> None:
        self.asked = 0
        self.says: bytes | None = None
        self._server = server

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                self.asked += 1
                connection.sendall(self._answer(connection))

    def _answer(self, connection: socket.socket) -> bytes:
        source = connection.makefile("rb")
        assert source.read(10) == b"zINSTREAM\0"
        whole = b""
        while length := struct.unpack("!I", source.read(4))[0]:
            whole += source.read(length)
        if self.says is not None:
            return self.says
        return b"stream: Eicar-Signature FOUND\0" if EICAR in whole else b"stream: OK\0"


@contextmanager
def clamd(family: int = socket.AF_INET, path: Path | None = None) -> Iterator[tuple[FakeClamd, ScannerSettings]]:
    """A clamd and where it is."""
    with socket.socket(family) as server:
        server.bind(("127.0.0.1", 0) if path is None else os.fspath(path))
        server.listen()
        fake = FakeClamd(server)
        thread = threading.Thread(target=fake.serve, daemon=True)
        thread.start()
        where = (
            ScannerSettings("127.0.0.1", server.getsockname()[1]) if path is None else ScannerSettings(path=str(path))
        )
        yield fake, where
        server.shutdown(socket.SHUT_RDWR)


class Guarded(Story):
    """The portal with a scanner, and what its worker would do."""

    def __init__(self, portal: Portal, where: ScannerSettings | None) -> None:
        machine = replace(portal.machine, kernel=replace(portal.machine.kernel, scans=True))
        portal.machine = portal.app.extensions[EXTENSION] = machine
        super().__init__(portal)
        scanner = Clamd(where) if where is not None else None
        self.tools = Tools(machine.database, machine.store, machine.kernel, "http://portal", scanner=scanner)

    def work(self, attempts: int = 4) -> int:
        """Does the deferred scans; a scan that fails ends as its last attempt does. How many were done."""
        queue = self.tools.kernel.queue
        jobs = [job for job in queue.jobs if job.name in (quarantine.SCAN, verdicts.SCAN_WAITING)]
        queue.jobs[:] = [job for job in queue.jobs if job not in jobs]
        for number, job in enumerate(jobs, 1):
            row = Job(
                id=number, queue="default", lock=None, queueing_lock=None, task_name=job.name,
                task_kwargs=job.arguments, attempts=attempts,
            )  # fmt: skip
            context = JobContext(app=None, job=row, start_timestamp=0.0, abort_reason=lambda: None)
            _task(self.tools, JOBS[job.name])(context, **job.arguments)
        return len(jobs)

    def upload(self, content: bytes, name: str = SECRET) -> int:
        """A file for a review, uploaded by the unit: its id."""
        self.about, _letter = self.served()
        self.place = self.draft(self.about)
        assert self.fill(self.place, (name, content)).status_code == 303
        with self.portal.database.transaction() as tx:
            return tx.scalars(select(Attachment.id)).one()

    def state(self, file: int) -> str:
        with self.portal.database.transaction() as tx:
            return tx.get_one(Attachment, file).state

    def hand_in(self) -> int:
        """Hands the draft in: the id of its case."""
        handed_in = self.wang.post(f"{self.place}/check-answers")
        assert handed_in.status_code == 303, plain(handed_in)
        return int(handed_in.location.split("/")[3])

    def incidents(self) -> list[str]:
        with self.portal.database.transaction() as tx:
            return list(tx.scalars(select(Incident.what).order_by(Incident.id)))

    def told(self, login: str) -> list[str]:
        with self.portal.database.transaction() as tx:
            mine = select(PortalMessage.body).where(
                PortalMessage.person_id == self.portal.people[login], PortalMessage.title == "上传的文件含有病毒"
            )
            return list(tx.scalars(mine))


@pytest.fixture
def guarded(portal: Portal) -> Iterator[Guarded]:
    with clamd() as (fake, where):
        story = Guarded(portal, where)
        story.clamd = fake
        yield story


def administrator(portal: Portal) -> Browser:
    """A browser of an administrator, who looks after registrations too."""
    with portal.database.transaction() as tx:
        tx.get_one(Person, portal.people["li"]).administrator = True
    return portal.client("li")


PATHS = ("/attachments/{}", "/attachments/{}/preview", "/attachments/{}/shown")


def opened_by(story: Guarded, file: int) -> list[tuple[str, str]]:
    """Who gets anything of a file by which address."""
    found = []
    for login in ("wang", "li", "he", "chen", "zhou"):
        browser = story.portal.client(login)
        for path in PATHS:
            answer = browser.get(path.format(file))
            if answer.status_code < 400:
                found.append((login, path))
    return found


def test_nobody_opens_a_file_before_the_scanner_has_spoken(guarded: Guarded, proof: Proved) -> None:
    file = guarded.upload(PDF)
    assert guarded.state(file) == "waiting"
    own = plain(guarded.wang.get(f"{guarded.place}/evidence"))
    assert SECRET in own
    assert WAITS in own
    case = guarded.hand_in()
    assert opened_by(guarded, file) == []
    said = guarded.wang.get(f"/attachments/{file}")
    assert said.status_code == 409
    assert "文件正在接受病毒检查，通过以前不能打开、下载或公开。请稍后再试。" in plain(said)
    mine = plain(guarded.wang.get(f"/my/cases/{case}"))
    assert SECRET in mine
    assert WAITS in mine
    for page in (f"/cases/{case}", f"/tasks/{guarded.portal.task('check', case)}"):
        read = guarded.portal.client("li").get(page)
        assert read.status_code == 200, page
        assert SECRET not in read.text
        assert WAITS in plain(read)

    assert guarded.work() == 1

    assert guarded.state(file) == "clean"
    assert opened_by(guarded, file)
    assert SECRET in guarded.portal.client("li").get(f"/cases/{case}").text
    assert guarded.wang.get(f"/attachments/{file}").data == PDF
    assert (guarded.incidents(), guarded.clamd.asked) == ([], 1)
    proof.says("S7", "a file that waits for the scanner", "0 downloads, 0 names", people=5, addresses=3, opened=0)


def test_the_test_virus_is_never_handed_out_and_everybody_concerned_learns_of_it(
    guarded: Guarded, proof: Proved
) -> None:
    file = guarded.upload(BAD)
    case = guarded.hand_in()
    assert guarded.work() == 1
    assert guarded.state(file) == "infected"
    assert opened_by(guarded, file) == []
    said = guarded.portal.client("li").get(f"/attachments/{file}")
    assert said.status_code == 403
    assert "文件含有病毒（Eicar-Signature），已经隔离，任何人都不能打开或下载。" in plain(said)
    assert FOUND in plain(guarded.wang.get(f"/my/cases/{case}"))
    task = guarded.portal.client("li").get(f"/tasks/{guarded.portal.task('check', case)}")
    assert FOUND in plain(task)
    assert SECRET not in task.text
    assert guarded.incidents() == [
        f"上传的文件（attachments {file}）含有病毒（Eicar-Signature），已经隔离，任何人都不能打开或下载。"
    ]
    [own] = guarded.told("wang")
    assert f"您上传的“{SECRET}”含有病毒（Eicar-Signature）" in own
    [reader] = guarded.told("li")
    assert "一份材料含有病毒（Eicar-Signature）" in reader
    assert SECRET not in reader
    proof.says("S7", "EICAR in a PDF", "never downloadable; uploader, reader, administrator told", opened=0)


def test_what_was_found_to_hold_a_virus_cannot_be_handed_in(guarded: Guarded) -> None:
    file = guarded.upload(BAD)
    guarded.work()
    refused = guarded.wang.post(f"{guarded.place}/check-answers")
    assert refused.status_code == 422
    assert f"“{SECRET}”含有病毒（Eicar-Signature），已经隔离，不能提交。请移除这个文件" in plain(refused)
    with guarded.portal.database.transaction() as tx:
        assert tx.get_one(Attachment, file).case_id is None


NO_VERDICT = {
    "too large for it": b"INSTREAM size limit exceeded. ERROR\0",
    "cut off": b"stream: O",
    "cut off before the end": b"stream: OK",
    "nothing": b"",
    "something else": b"PONG\0",
    "nearly": b"stream: OK but\0",
}


@pytest.mark.parametrize("says", NO_VERDICT.values(), ids=NO_VERDICT)
def test_only_the_two_answers_of_a_whole_file_are_verdicts(says: bytes) -> None:
    with clamd() as (fake, where):
        fake.says = says
        with pytest.raises(ScannerAway):
            Clamd(where).look(io.BytesIO(PDF))


def test_over_a_socket_in_the_file_system_too(tmp_path: Path) -> None:
    with clamd(socket.AF_UNIX, tmp_path / "clamd.sock") as (_fake, where):
        assert Clamd(where).look(io.BytesIO(PDF * 10_000)) is None
        assert Clamd(where).look(io.BytesIO(BAD)) == "Eicar-Signature"
    with pytest.raises(ScannerAway):
        Clamd(where).look(io.BytesIO(PDF))


def another(story: Guarded, name: str, content: bytes) -> int:
    """One more upload of the unit, stored and kept: its id."""
    kernel = story.tools.kernel
    story.tools.store.put(name, content, len(content), "application/pdf", name)
    file = attachments.Accepted(name, name, "pdf", len(content), hashlib.sha256(content).hexdigest())
    with story.portal.database.transaction() as tx:
        return attachments.keep(kernel, tx, file, story.portal.actor("wang"), story.portal.now).id


def test_a_scanner_that_is_away_releases_nothing_and_is_told_of_once(portal: Portal, proof: Proved) -> None:
    with clamd() as (_fake, gone):
        pass
    story = Guarded(portal, gone)
    ids = [story.upload(PDF), another(story, "二.pdf", PDF), another(story, "三.pdf", BAD)]
    jobs = [job for job in story.tools.kernel.queue.jobs if job.name == quarantine.SCAN]
    with pytest.raises(ScannerAway):
        story.work(attempts=0)  # Procrastinate tries it again later
    assert story.incidents() == []
    story.tools.kernel.queue.jobs[:] = jobs
    assert story.work() == 3
    assert [story.state(one) for one in ids] == ["waiting"] * 3
    assert [opened for one in ids for opened in opened_by(story, one)] == []
    [said] = story.incidents()
    assert said.startswith("病毒扫描服务没有给出结论")

    with portal.database.transaction() as tx:
        [row] = tx.scalars(select(Incident.id))
    with clamd() as (_fake, where):
        story.tools = replace(story.tools, scanner=Clamd(where))
        assert administrator(portal).post(f"/admin/incidents/{row}/retry").status_code == 303
        assert story.work() == 1
        assert story.work() == 3
    assert [story.state(one) for one in ids] == ["clean", "clean", "infected"]
    proof.says("S7", "the scanner is away", "quarantined, tried again, one incident", files=3, opened=0, incidents=1)


def test_a_worker_without_a_scanner_releases_nothing(portal: Portal) -> None:
    story = Guarded(portal, None)
    file = story.upload(PDF)
    story.work()
    assert story.state(file) == "waiting"
    assert story.incidents() == ["病毒扫描服务没有给出结论（SCANNER is not set），文件继续隔离。"]


def test_the_first_verdict_counts(guarded: Guarded) -> None:
    file = guarded.upload(BAD)
    guarded.work()
    with guarded.portal.database.transaction() as tx:
        verdicts.conclude(guarded.tools.kernel, tx, "attachments", file, None, guarded.portal.now)
    assert guarded.state(file) == "infected"


def test_without_a_scanner_files_are_open_and_the_administrator_is_told_so(portal: Portal) -> None:
    story = Story(portal)
    about, _letter = story.served()
    place = story.draft(about)
    assert story.fill(place, (SECRET, BAD)).status_code == 303
    with portal.database.transaction() as tx:
        [row] = tx.scalars(select(Attachment))
    assert (row.state, row.name) == ("unscanned", SECRET)
    assert story.wang.get(f"/attachments/{row.id}").data == BAD
    read = plain(administrator(portal).get("/admin"))
    assert "没有配置病毒扫描服务：上传的文件不经检查，即可下载。请在服务器上设置 SCANNER。" in read


def test_with_a_scanner_the_administrator_reads_that_too(guarded: Guarded) -> None:
    read = plain(administrator(guarded.portal).get("/admin"))
    assert "上传的文件通过检查以前，任何人都不能打开。" in read


def test_the_administrator_reads_that_the_scanner_gives_no_verdict(guarded: Guarded) -> None:
    file = guarded.upload(PDF)
    said = "起等待检查，其间不能打开。请检查扫描服务和后台工作。"

    def read_after(minutes: float) -> bool:
        with guarded.portal.database.transaction() as tx:
            tx.get_one(Attachment, file).uploaded_at -= timedelta(minutes=minutes)
        return said in plain(administrator(guarded.portal).get("/admin"))

    assert [read_after(minutes) for minutes in (0, 9, 1.01)] == [False, False, True]
    guarded.work()
    assert not read_after(0)


def test_what_waits_is_not_made_public(guarded: Guarded) -> None:
    file = guarded.upload(PDF)
    with guarded.portal.database.transaction() as tx, pytest.raises(quarantine.NotScanned):
        publishing.file_key(tx, file)
    guarded.work()
    with guarded.portal.database.transaction() as tx:
        assert publishing.file_key(tx, file) is not None


def test_a_proof_of_a_registration_waits_too(guarded: Guarded) -> None:
    sent = register(guarded.portal.client(), proof=licence(SECRET, PDF))
    with guarded.portal.database.transaction() as tx:
        [row] = tx.scalars(select(Proof))
        number, registration = row.id, row.registration_id
    assert (row.state, registration is not None, sent.status_code) == ("waiting", True, 303)
    desk = guarded.portal.client("li")
    for answer in (desk.get(f"/registration/proofs/{number}"), desk.get(f"/registrations/{registration}")):
        assert SECRET not in answer.text
    assert desk.get(f"/registration/proofs/{number}").status_code == 409
    assert WAITS in plain(desk.get(f"/registrations/{registration}"))
    guarded.work()
    assert desk.get(f"/registration/proofs/{number}").data == PDF
    assert SECRET in desk.get(f"/registrations/{registration}").text


ADDRESSES = {
    "tcp://clamav:3310": ScannerSettings("clamav", 3310),
    "unix:///run/clamav/clamd.ctl": ScannerSettings(path="/run/clamav/clamd.ctl"),
    "": None,
}


@pytest.mark.parametrize(("given", "wanted"), ADDRESSES.items())
def test_where_the_scanner_is(given: str, wanted: ScannerSettings | None) -> None:
    assert Settings.read({"SCANNER": given}).scanner == wanted


@pytest.mark.parametrize("given", ["clamav:3310", "tcp://clamav", "http://clamav:3310", "unix://run/clamd", "tcp://:1"])
def test_an_address_that_is_none_keeps_the_portal_from_starting(given: str) -> None:
    with pytest.raises(WrongSetting) as refusal:
        Settings.read({"SCANNER": given})
    assert "tcp://host:port or unix:///path" in refusal.value.text("en")


def _fails_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(self: Clamd, file: io.BytesIO) -> str | None:
        try:
            return real(self, file)
        except ScannerAway:
            return None

    real = Clamd.look
    monkeypatch.setattr(Clamd, "look", look)


def _unguarded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files.quarantine, "require_released", lambda row: None)


@pytest.mark.thorough
@pytest.mark.parametrize("break_it", [_fails_open, _unguarded])
def test_these_proofs_notice_a_quarantine_that_lets_files_out(portal, proof, monkeypatch, break_it) -> None:
    with clamd() as (_fake, gone):
        pass
    story = Guarded(portal, gone)
    file = story.upload(PDF)
    break_it(monkeypatch)
    story.work()
    opened = len(opened_by(story, file))
    assert opened > 0
    proof.catches("S7", break_it.__name__.lstrip("_"), opened=opened)
