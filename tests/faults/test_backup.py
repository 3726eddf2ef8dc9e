"""A backup taken while people work, restored into an empty place: every row and file of one moment, nothing else."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import perf_counter, sleep

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from portal import backup, clock, jobs
from portal.__main__ import main
from portal.backup import taking
from portal.backup.folder import Damaged, Folder, Taken
from portal.backup.manifest import Manifest, NotABackup, OtherFormat
from portal.backup.restoring import DatabaseNotEmpty, NewerBackup, StoreNotEmpty
from portal.cases import files, invariants
from portal.cases.models import Attachment, Case
from portal.db import Base, Database, copying, migrations
from portal.documents.models import Letter
from portal.identity.models import SignedIn
from portal.storage import MemoryStore, S3Store, new_key
from portal.storage.embedded import EmbeddedStore
from portal.worker import Tools, letters, sweeping
from tests.builders import many
from tests.builders.databases import copied, opened
from tests.builders.proving import RESULTS, Proof
from tests.builders.world import Bureau
from tests.migrations.test_migrations import enforced


@pytest.fixture(scope="module")
def newest(postgres: str) -> Iterator[str]:
    """The name of a database with all tables, as `portal migrate` makes them, to be copied."""
    with copied(postgres, "portal_newest") as url:
        migrations.upgrade(url, Base.metadata)
        jobs.schema(url)
        yield "portal_newest"


@pytest.fixture
def migrated(postgres: str, newest: str) -> Iterator[Database]:
    """A database with all tables and no rows."""
    with copied(postgres, "portal_migrated", newest) as url:
        yield from opened(url)


@pytest.fixture
def empty_place(postgres: str) -> Iterator[Database]:
    """A database without tables, to be restored into."""
    with copied(postgres, "portal_restored") as url:
        yield from opened(url)


@pytest.fixture
def office(migrated: Database, monkeypatch: pytest.MonkeyPatch) -> Office:
    # Rendering a letter takes a process of its own, for a second each; what is in it does not matter here.
    monkeypatch.setattr(letters, "render", lambda template, data, url: repr(sorted(data)).encode())
    return Office(migrated)


class Office:
    """A bureau at work, whose letters and uploads lie in a store."""

    def __init__(self, database: Database) -> None:
        self.database, self.store = database, MemoryStore()
        self._units = iter(many.codes(10_000, "91500112MA6"))
        self.bureau = Bureau.over(database)
        self.bureau.renders = False
        kernel = self.bureau.kernel
        # Nothing is too young to be swept.
        self.tools = Tools(database, self.store, kernel, "https://portal.example", orphans_after=timedelta(hours=-1))

    def work(self) -> None:
        """A new unit, its notice with the letter's file, and an upload that nobody has used yet."""
        unit = next(self._units)
        self.bureau.organisation(unit, "新增单位")
        many.allocated(self.bureau, [unit], many.LAST_YEAR)
        self.render()
        self.upload(f"{unit}的附件".encode())

    def render(self) -> None:
        """Makes the files of all letters that wait for theirs."""
        with self.database.transaction() as tx:
            waiting = list(tx.scalars(select(Letter.id).where(Letter.state == "rendering")))
        for letter in waiting:
            letters.render_letter(self.tools, f"render/{letter}", letter)

    def upload(self, content: bytes) -> None:
        key = new_key()
        self.store.put(key, content, len(content), "application/pdf", "附件.pdf")
        with self.database.transaction() as tx:
            row = Attachment(
                uploaded_by_id=self.bureau.wang.person_id,
                uploaded_at=clock.now(),
                key=key,
                name="附件.pdf",
                kind="pdf",
                size=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
            )
            tx.add(row)

    @contextmanager
    def working(self) -> Iterator[Callable[[], int]]:
        """Works until the end, in a thread of its own; how much was done meanwhile is told."""
        done, over, faults = [0], threading.Event(), list[BaseException]()

        def work() -> None:
            try:
                while not over.is_set():
                    self.work()
                    done[0] += 1
            except BaseException as error:
                faults.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield lambda: done[0]
        finally:
            over.set()
            thread.join(60)
        assert faults == []


def digests(database: Database) -> dict[str, copying.Copied]:
    """What the rows of every table come to."""
    with database.transaction() as tx:
        copying.as_text(tx.connection())
        return hashes(tx)


def hashes(tx: Session) -> dict[str, copying.Copied]:
    """The same in a transaction that is under way."""
    connection = tx.connection()
    return {table.name: copying.digest(copying.out(connection, table)) for table in copying.tables(connection)}


def contents(store: MemoryStore) -> dict[str, tuple[str, str, bytes]]:
    """Every object: its type, name and bytes."""
    kept = store.keys()
    known = (store.stat(one.key) for one in kept)
    return {one.key: (one.content_type, one.name, store.get(one.key)) for one in known}


def proved(database: Database, store: MemoryStore) -> list[str]:
    """Everything that does not hold."""
    with database.transaction() as tx:
        found = invariants.prove(tx, store)
    return [fault for one in found.invariants for fault in one.faults]


def swept_after_the_moment(office: Office) -> Callable[..., Manifest]:
    """Has the sweeper come between the moment of a backup and its writing."""

    def written(tx, store, folder, write=taking._written):
        tx.execute(text("SELECT 1"))
        sweeping.sweep(office.tools, "1")
        with office.database.transaction() as now:
            assert list(now.scalars(select(Attachment.id))) == []
        return write(tx, store, folder)

    return written


@dataclass(frozen=True)
class Restored:
    made: Manifest
    store: MemoryStore
    seconds: float


def restored(path: Path, place: Database) -> Restored:
    store, began = MemoryStore(), perf_counter()
    made = backup.restore(place, Base.metadata, store, path)
    return Restored(made, store, perf_counter() - began)


def megabytes(path: Path) -> float:
    return round(sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 1e6, 2)


class TestDrill:
    # To make 10,000 cases takes the most of it.
    @pytest.mark.timeout(2 * 3600 if RESULTS else 300)
    def test_a_backup_under_writers_comes_back_as_it_was_at_its_moment(
        self, office, empty_place, tmp_path, monkeypatch, proof: Proof
    ):
        notices = proof.size(8, 40, 10_000)
        many.notices(office.bureau, notices)
        office.work()
        with office.database.transaction() as tx:
            session = SignedIn(token=b"x", person_id=office.bureau.wang.person_id, created=clock.now())
            session.last_seen = session.expires = clock.now()
            tx.add(session)
        told: dict[str, copying.Copied] = {}

        def look(tx, store, folder, write=taking._written):
            # In the very snapshot: afterwards nobody can tell any more what stood there.
            told.update(hashes(tx))
            sleep(0.3)
            return write(tx, store, folder)

        monkeypatch.setattr(taking, "_written", look)
        with office.working() as done:
            before, began = done(), perf_counter()
            made = backup.take(office.database, office.store, tmp_path / "backup")
            seconds, meanwhile = perf_counter() - began, done() - before
        assert meanwhile > 0, "toothless: nothing was done while the backup was taken"
        assert digests(office.database) != told

        back = restored(tmp_path / "backup", empty_place)
        assert back.made == made
        assert digests(empty_place) | {"sessions": None} == told | {"sessions": None}
        assert told["sessions"].rows == 1
        assert digests(empty_place)["sessions"].rows == 0
        began = perf_counter()
        assert proved(empty_place, back.store) == []
        proving = perf_counter() - began
        theirs = contents(office.store)
        assert contents(back.store) == {one.key: theirs[one.key] for one in made.objects}
        with empty_place.transaction() as tx:
            cases = tx.scalar(select(func.count()).select_from(Case)) or 0
            assert len(made.objects) == len(list(files.referred(tx))) > notices
        proof.says(
            "R14",
            "a backup taken while people work, restored into an empty database and bucket, is what stood there at its "
            "moment: equal hashes of every table and object, and every invariant holds",
            "10,000 cases, 0 mismatches; RTO < 15 min",
            cases=cases,
            rows=made.rows,
            objects=len(made.objects),
            acts_meanwhile=meanwhile,
            backup_seconds=round(seconds, 1),
            backup_megabytes=megabytes(tmp_path / "backup"),
            restore_seconds=round(back.seconds, 1),
            invariants_seconds=round(proving, 1),
            mismatches=0,
        )
        proof.aims("restore_seconds", at_most=15 * 60)

    def test_what_is_restored_can_be_worked_with(self, office, empty_place, tmp_path):
        office.work()
        backup.take(office.database, office.store, tmp_path / "backup")
        before = enforced(office.database.url)
        back = restored(tmp_path / "backup", empty_place)
        assert enforced(empty_place.url) == before
        with pytest.raises(Exception, match="append-only"), empty_place.transaction() as tx:
            tx.execute(text("DELETE FROM audit_entries"))
        with empty_place.transaction() as tx:
            waiting = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'"
            events = "SELECT count(*) FROM procrastinate_events"
            counted = [tx.scalar(text(query)) for query in (waiting, events)]
        with office.database.transaction() as tx:
            assert [tx.scalar(text(query)) for query in (waiting, events)] == counted
        office.database, office.store, office.bureau.run.database = empty_place, back.store, empty_place
        office.tools = Tools(empty_place, back.store, office.bureau.kernel, "https://portal.example")
        office.work()
        assert proved(empty_place, back.store) == []

    def test_what_is_swept_meanwhile_waits_for_the_backup(self, office, tmp_path, monkeypatch):
        """An upload that nobody uses goes from the rows after the backup's moment; its object stays for so long."""
        office.upload("没有人用的附件".encode())
        monkeypatch.setattr(taking, "_written", swept_after_the_moment(office))
        made = backup.take(office.database, office.store, tmp_path / "backup")
        assert (len(made.objects), made.missing) == (1, ())
        sweeping.sweep(office.tools, "2")
        assert contents(office.store) == {}

    def test_a_lost_object_is_told_and_the_rest_is_kept_where_nobody_else_reads_it(self, office, empty_place, tmp_path):
        office.work()
        lost = next(iter(contents(office.store)))
        office.store.delete(lost)
        made = backup.take(office.database, office.store, tmp_path / "backup")
        assert made.missing == (lost,)
        everything = [tmp_path / "backup", *(tmp_path / "backup").rglob("*")]
        assert {one.stat().st_mode & 0o777 for one in everything if one.is_dir()} == {0o700}
        assert {one.stat().st_mode & 0o777 for one in everything if one.is_file()} == {0o600}
        back = restored(tmp_path / "backup", empty_place)
        assert [fault.split(": ")[1] for fault in proved(empty_place, back.store)] == [f"the object {lost} is missing"]


class TestRefused:
    """A backup that is not whole, and a place that is not empty; nothing is written."""

    @pytest.fixture
    def kept(self, office, tmp_path) -> Path:
        office.work()
        backup.take(office.database, office.store, tmp_path / "backup")
        return tmp_path / "backup"

    def refused(self, error, kept: Path, place: Database, store: MemoryStore | None = None) -> str:
        store = store or MemoryStore()
        before = contents(store), digests(place)
        with pytest.raises(error) as told:
            backup.restore(place, Base.metadata, store, kept)
        assert (contents(store), digests(place)) == before
        return told.value.text("en")

    def test_altered_cut_and_foreign_backups(self, kept, empty_place, tmp_path, proof: Proof):
        caught = 0
        said = json.loads((kept / "manifest.json").read_text())
        folder = Folder(kept)
        parts = [folder.object(said["objects"][0]["key"]), folder.table("cases")]
        for part in parts:
            whole = part.read_bytes()
            for altered in (whole[:-1], whole[:-3] + b"???", b"", None):
                part.unlink() if altered is None else part.write_bytes(altered)
                assert "missing, cut or altered" in self.refused(Damaged, kept, empty_place)
                part.write_bytes(whole)
                caught += 1
        listed = kept / "manifest.json"
        whole = listed.read_bytes()
        for altered in (whole[:-100], b"", b"[]", b"{}", None):
            listed.unlink() if altered is None else listed.write_bytes(altered)
            assert "is not a complete backup" in self.refused(NotABackup, kept, empty_place)
            listed.write_bytes(whole)
            caught += 1
        listed.write_text(json.dumps(said | {"format": 2}))
        self.refused(OtherFormat, kept, empty_place)
        listed.write_text(json.dumps(said | {"revision": "9999"}))
        assert "upgrade the portal first" in self.refused(NewerBackup, kept, empty_place)
        outside = tmp_path / "secret"
        outside.write_bytes(b"x")
        evil = said["objects"][0] | {"key": "../../secret", "size": 1, "sha256": hashlib.sha256(b"x").hexdigest()}
        listed.write_text(json.dumps(said | {"objects": [evil]}))
        self.refused(Damaged, kept, empty_place)
        longer = said["objects"][0] | {"size": said["objects"][0]["size"] + 1}
        listed.write_text(json.dumps(said | {"objects": [longer, *said["objects"][1:]]}))
        self.refused(Damaged, kept, empty_place)
        mutant = "an object, a table or the list of a backup cut, altered or taken away"
        proof.catches("R14", mutant, refused=caught + 4)

    def test_a_place_that_is_not_empty(self, kept, office, empty_place):
        assert "make a new database" in self.refused(DatabaseNotEmpty, kept, office.database)
        store = MemoryStore()
        store.put("theirs", b"x", 1, "text/plain")
        assert "name an empty one by S3_BUCKET" in self.refused(StoreNotEmpty, kept, empty_place, store)

    @pytest.mark.thorough
    def test_a_restore_that_was_cut_short_is_begun_again(self, kept, empty_place, monkeypatch):
        store = MemoryStore()

        def killed(connection, handed_out):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(copying, "count_on", killed)
            with pytest.raises(KeyboardInterrupt):
                backup.restore(empty_place, Base.metadata, store, kept)
        assert digests(empty_place) == {}
        assert contents(store) != {}
        backup.restore(empty_place, Base.metadata, store, kept)
        assert proved(empty_place, store) == []

    def test_a_backup_that_was_cut_short_leaves_none(self, office, tmp_path, monkeypatch):
        office.work()

        def killed(folder, written):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Folder, "write_list", killed)
            with pytest.raises(KeyboardInterrupt):
                backup.take(office.database, office.store, tmp_path / "backup")
        assert list(tmp_path.iterdir()) == []
        (tmp_path / "backup").mkdir()
        with pytest.raises(Taken):
            backup.take(office.database, office.store, tmp_path / "backup")


@pytest.mark.thorough
def test_mutant_without_one_snapshot(office, empty_place, tmp_path, monkeypatch, proof: Proof):
    """Each table is read when its turn comes, while people work: what comes back does not hold together."""
    monkeypatch.setattr(copying, "out", _each_at_its_own_moment(office))
    office.work()
    backup.take(office.database, office.store, tmp_path / "backup")
    monkeypatch.undo()
    try:
        back = restored(tmp_path / "backup", empty_place)
        noticed = proved(empty_place, back.store)
    except Exception as error:
        noticed = [str(error)]
    assert noticed != []
    proof.catches("R14", "the tables are read without one snapshot", noticed=noticed[0].splitlines()[0])


def _each_at_its_own_moment(office: Office) -> Callable[..., Iterator[bytes]]:
    read = copying.out

    def out(connection, table):
        if table.name == "cases":
            office.bureau.renders = False
            office.work()
        with office.database.transaction() as tx:
            copying.as_text(tx.connection())
            yield from read(tx.connection(), table)

    return out


def test_mutant_that_does_not_keep_objects(office, tmp_path, monkeypatch, proof: Proof):
    office.upload("没有人用的附件".encode())
    monkeypatch.setattr(files, "keep", lambda tx: None)

    monkeypatch.setattr(taking, "_written", swept_after_the_moment(office))
    made = backup.take(office.database, office.store, tmp_path / "backup")
    assert len(made.missing) == 1
    proof.catches("R14", "the sweeper is not held off while a backup is taken", missing=len(made.missing))


@pytest.mark.thorough
def test_a_backup_of_an_older_schema_is_brought_to_the_newest(postgres, empty_place, tmp_path, proof: Proof):
    """R16 by way of a backup: people and a job of the schema that was there before."""
    with copied(postgres, "portal_older") as url:

        def fill(connection):
            connection.execute(
                text(
                    "INSERT INTO organisations (uscc, name, district, kinds) VALUES "
                    "('91500101MA5YKQ1X0C', '某水泥\t有限\n公司\\', '万州区', '[\"enterprise\"]')"
                )
            )

        _at(url, "0004", fill)
        older = Database(url)
        made = backup.take(older, MemoryStore(), tmp_path / "backup")
        older.close()
    assert made.revision == "0004"
    restored(tmp_path / "backup", empty_place)
    assert migrations.differences(empty_place.url, Base.metadata) == []
    with empty_place.transaction() as tx:
        assert tx.scalar(text("SELECT name FROM organisations")) == "某水泥\t有限\n公司\\"
        again = "INSERT INTO organisations (uscc, name, district, kinds) VALUES ('x', 'x', 'x', '[]') RETURNING id"
        assert tx.scalar(text(again)) == 2
    proof.says("R16", "a backup of an older schema is restored and brought to the newest", "100%", revision="0004")


def _at(url: str, revision: str, fill) -> None:
    with migrations._connection(url, None) as connection:
        migrations.command.upgrade(migrations._config(connection, Base.metadata), revision)
        jobs.make_tables(connection)
        fill(connection)


@pytest.mark.thorough
def test_by_the_commands_with_real_stores(office, empty_place, tmp_path, monkeypatch, capsys):
    """As an operator does it: the embedded object store of one home, restored into that of another."""
    office.work()
    place = str(tmp_path / "backup")
    for name in ("S3_ENDPOINT", "PORTAL_DEMO", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", office.database.url)
    monkeypatch.setenv("PORTAL_HOME", str(tmp_path / "home"))
    with EmbeddedStore(tmp_path / "home") as settings:
        for key, (kind, name, content) in contents(office.store).items():
            S3Store(settings).put(key, content, len(content), kind, name)
        assert main(["audit", "verify", "--objects"]) == 0
        assert "none is used twice" in capsys.readouterr().out
        assert main(["backup", place, "--json"]) == 0
        made = json.loads(capsys.readouterr().out)
        assert (made["ok"], made["objects"]) == (True, 2)
        assert main(["backup", place]) == 1
        assert "exists already" in capsys.readouterr().err
        assert main(["restore", place]) == 1
        assert "holds tables already" in capsys.readouterr().err

    monkeypatch.setenv("DATABASE_URL", empty_place.url)
    monkeypatch.setenv("PORTAL_HOME", str(tmp_path / "other"))
    with EmbeddedStore(tmp_path / "other") as settings:
        assert main(["restore", place, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["ok"], told["rows"], told["sha256"]) == (True, made["rows"], made["sha256"])
        kept = S3Store(settings).keys()
        there = {one.key for one in kept}
        S3Store(settings).delete(next(iter(there)))
        assert main(["audit", "verify", "--objects", "--json"]) == 1
        said = json.loads(capsys.readouterr().out)
        assert [len(one["faults"]) for one in said["invariants"]] == [0, 0, 0, 1]
    assert there == set(contents(office.store))
