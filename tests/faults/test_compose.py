"""docker-compose.yml is sound, and what it describes carries the first story while containers of it are killed."""

from __future__ import annotations

import hashlib
import re
import shutil
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import func, select

from portal import clock, registers
from portal.cases import invariants
from portal.cases.models import Case, Incident, Task
from portal.commands import administration
from portal.db import Database
from portal.documents.models import Letter
from portal.identity.models import Person
from portal.procedures import Releases, from_folder, publish
from portal.settings import Settings
from portal.storage import S3Store
from portal.storage.embedded import SAFETY, SIGNING_KEYS
from tests.builders.composed import (
    ROOT,
    Composition,
    Container,
    Missing,
    Visitor,
    compose_file,
    example_settings,
    interpolated,
    words,
)
from tests.builders.pages import ETS, PASSWORD, UNIT, hashed, settle
from tests.builders.running import wait_until

SECRETS = ("POSTGRES_PASSWORD", "S3_SECRET_KEY", "SECRET_KEY", "PUBLIC_URL", "TLS_FOLDER", "WEED_KEY")
FILLED = {name: f"value-of-{name.lower()}" for name in SECRETS}
ONCE = frozenset({"migrate", "objects-folder", "objects-durable"})
"""Services that end: nobody asks after their health."""
AS_ROOT = frozenset({"objects-folder"})
UNSET = {
    "PORTAL_CONTENT": "the content that ships is in the image",
    "S3_SECURE": "the address of the store says it",
}
"""Settings of the portal that the file leaves as they are, and why."""
OURS = ("migrate", "web", "worker")


SEAWEEDFS = ("docker-compose.yml", "docker-compose.seaweedfs.yml")


def services() -> Iterator[tuple[str, dict]]:
    """Those of the file, and those that are otherwise with SeaweedFS on top of it."""
    alone = compose_file()["services"]
    yield from alone.items()
    yield from ((name, one) for name, one in compose_file(*SEAWEEDFS)["services"].items() if one != alone.get(name))


@pytest.mark.parametrize(
    ("name", "service"), list(services()), ids=lambda value: value if isinstance(value, str) else ""
)
class TestServices:
    def test_it_is_asked_after_its_health(self, name, service):
        check = service["healthcheck"]
        assert check == {"disable": True} if name in ONCE else check["test"][0] in ("CMD", "CMD-SHELL")

    def test_it_may_do_no_more_than_it_must(self, name, service):
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service
        user, allowed = service["user"].partition(":")[0], service.get("cap_add", [])
        assert (user, allowed) == (("0", ["CHOWN"]) if name in AS_ROOT else (user, []))
        assert user.isdigit()
        assert name in AS_ROOT or int(user) > 0

    def test_only_the_proxy_is_reached_from_outside(self, name, service):
        assert ("ports" in service) == (name == "proxy")
        networks, said = compose_file()["networks"], service.get("networks", [])
        assert bool(said) != (service.get("network_mode") == "none")
        assert {one for one in said if not (networks[one] or {}).get("internal")} == (
            {"outside"} if name in ("proxy", "worker") else set()
        )

    def test_its_memory_is_bounded_and_its_image_pinned(self, name, service):
        assert service["deploy"]["resources"]["limits"]["memory"]
        _name, _, tag = service["image"].rpartition(":")
        assert "build" in service or re.search(r"\d", tag), service["image"]

    def test_it_ends_in_good_time(self, name, service):
        assert service["restart"]
        if name not in ONCE:
            assert "stop_grace_period" in service


class TestSeaweedFS:
    """The store on top of the file: the program and the settings that a portal on one machine runs it with."""

    @pytest.fixture
    def whole(self):
        return compose_file(*SEAWEEDFS)

    def test_nothing_else_is_otherwise(self, whole):
        alone = compose_file()
        changed = {name for name, one in whole["services"].items() if one != alone["services"].get(name)}
        assert changed == {"objects", "objects-folder", "objects-durable", *OURS}
        for name in OURS:
            whole["services"][name]["environment"]["S3_ENDPOINT"] = "http://objects:9000"
            assert whole["services"][name] == alone["services"][name]
        assert whole["networks"] == alone["networks"]
        assert whole["volumes"] == {**alone["volumes"], "seaweedfs": None}

    def test_it_is_told_what_the_embedded_one_is_told(self, whole):
        objects = whole["services"]["objects"]
        assert [*objects["entrypoint"], *objects["command"][:2]] == ["weed", "-logtostderr=true", "mini"]
        told = dict(option.removeprefix("-").split("=", 1) for option in objects["command"][2:])
        own = {"dir": "/data", "ip": "objects", "ip.bind": "0.0.0.0", "s3.port": "8333"}
        at_its_end = {"volume.preStopSeconds"}  # it has its stop_grace_period
        assert told == {name: value for name, value in SAFETY.items() if name not in at_its_end} | own

    def test_nobody_reaches_objects_without_a_key(self, whole):
        key = "${WEED_KEY:?set it in .env}"
        given = whole["services"]["objects"]["environment"]
        assert given == {
            "AWS_ACCESS_KEY_ID": "${S3_ACCESS_KEY:-portal}",
            "AWS_SECRET_ACCESS_KEY": "${S3_SECRET_KEY:?set it in .env}",
            "HOME": "/tmp",
            **dict.fromkeys(SIGNING_KEYS, key),
        }
        durable = whole["services"]["objects-durable"]
        assert durable["environment"] == {"HOME": "/tmp", **{one: key for one in SIGNING_KEYS if "FILER" in one}}
        assert {tuple(whole["services"][name]["networks"]) for name in ("objects", "objects-durable")} == {("data",)}
        with pytest.raises(Missing, match="WEED_KEY"):
            interpolated(whole, {**FILLED, "WEED_KEY": ""})
        interpolated(whole, FILLED)

    def test_its_data_lie_on_a_volume_of_their_own(self, whole):
        for name in ("objects", "objects-folder"):
            assert whole["services"][name]["volumes"] == ["seaweedfs:/data"]
        objects, folder = whole["services"]["objects"], whole["services"]["objects-folder"]
        assert folder["entrypoint"] == ["chown", objects["user"], "/data"]

    def test_it_is_asked_at_its_own_port(self, whole):
        test = whole["services"]["objects"]["healthcheck"]["test"]
        assert test == ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8333/healthz"]
        assert {whole["services"][name]["environment"]["S3_ENDPOINT"] for name in OURS} == {"http://objects:8333"}

    def test_writes_reach_the_disk_before_they_are_acknowledged(self, whole):
        durable = whole["services"]["objects-durable"]
        assert durable["image"] == whole["services"]["objects"]["image"]
        assert durable["depends_on"] == {"objects": {"condition": "service_healthy"}}
        [told] = durable["command"]
        assert durable["entrypoint"] == ["sh", "-c"]
        assert told.strip() == (
            "echo 'fs.configure -locationPrefix=/buckets/ -fsync -apply' "
            "| weed -logtostderr=true shell -master=objects:9333 -filer=objects:8888 | grep '\"fsync\":  *true'"
        )


class TestSettings:
    def test_every_setting_of_the_portal_is_given_or_left_for_a_reason(self):
        known = set(re.findall(r'"([A-Z][A-Z0-9_]+)"', (ROOT / "portal/settings.py").read_text()))
        for name in OURS:
            given = set(compose_file()["services"][name]["environment"])
            assert given | set(UNSET) == known
            assert not given & set(UNSET)

    def test_every_variable_is_in_the_example_and_told_of_in_the_guide(self):
        texts = [(ROOT / name).read_text() for name in ("docker-compose.yml", "docker-compose.seaweedfs.yml")]
        asked = {name for one in texts for name in re.findall(r"\$\{(\w+)", one)}
        assert asked == set(example_settings())
        told = (ROOT / "docs/how-to/operate-locally.md").read_text() + (ROOT / "docs/operate.md").read_text()
        assert {name for name in asked if f"`{name}`" not in told} == set()
        known = re.findall(r'"([A-Z][A-Z0-9_]+)"', (ROOT / "portal/settings.py").read_text())
        assert {name for name in known if f"`{name}`" not in told} == set()

    def test_nothing_starts_while_a_secret_is_missing(self):
        filled = interpolated(compose_file(), FILLED)
        assert filled["services"]["web"]["environment"]["DATABASE_URL"] == (
            "postgresql://portal:value-of-postgres_password@postgres:5432/portal"
        )
        for name in set(SECRETS) - {"WEED_KEY"}:
            with pytest.raises(Missing, match=name):
                interpolated(compose_file(), {**FILLED, name: ""})

    def test_the_example_and_the_image_hold_no_secret(self):
        given = example_settings()
        assert {
            name for name in ("POSTGRES_PASSWORD", "S3_SECRET_KEY", "SECRET_KEY", "WEED_KEY") if given[name]
        } == set()
        assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"
        image = (ROOT / "Dockerfile").read_text()
        assert not re.search(r"(?i)(password|secret|token)\w*\s*=", image)
        assert re.findall(r"^USER (.*)$", image, re.M) == ["10001:10001"]

    def test_the_proxy_takes_what_the_pages_take(self):
        config = (ROOT / "deploy/nginx/nginx.conf").read_text()
        megabytes = int(compose_file()["services"]["web"]["environment"]["UPLOAD_MEGABYTES"])
        assert f"client_max_body_size {4 * megabytes}m;" in config
        assert "proxy_set_header X-Forwarded-For $remote_addr;" in config
        assert compose_file()["services"]["web"]["environment"]["PROXIES"] == "1"

    def test_what_is_killed_last_has_had_its_time(self):
        """30 s for requests that run, in the pages and so in the proxy."""
        seconds = {name: int(one["stop_grace_period"][:-1]) for name, one in services() if name in ("web", "proxy")}
        assert min(seconds.values()) > 30

    def test_commands_are_those_of_the_portal(self):
        assert words(compose_file()["services"]["migrate"]["command"]) == [
            "sh",
            "-c",
            "portal migrate && portal publish",
        ]
        assert words(compose_file()["services"]["web"]["command"]) == ["portal", "web"]
        assert words(compose_file()["services"]["worker"]["command"]) == ["portal", "worker"]


class Story:
    """The first story of the README, by people at their browsers, who come by the proxy.

    `acknowledged`: what the pages have told somebody is done, each with the query that finds it once in the tables.
    """

    def __init__(self, up: Composition, database: Database) -> None:
        self.up, self.database = up, database
        self.people: dict[str, Visitor] = {}
        self.acknowledged: dict[str, tuple[str, dict[str, object]]] = {}

    def sign_in(self) -> None:
        self.people = {login: self.up.browser() for login in ("zhou", "chen", "wang", "li", "he")}
        for login, browser in self.people.items():
            assert browser.sign_in(login, PASSWORD).status == 200

    def number(self, query) -> int:
        with self.database.transaction() as tx:
            return tx.scalars(query).one()

    def task(self, element: str) -> int:
        open_now = select(Task.id).where(Task.state == "open", Task.element == element)
        return self.number(open_now)

    def does(self, login: str, element: str, **answers: str) -> None:
        """Opens the task of an element, answers it, and is told that it is done."""
        task, browser = self.task(element), self.people[login]
        assert browser.get(f"/tasks/{task}").status == 200
        said = browser.post(f"/tasks/{task}", answers)
        assert said.status == 200, said.text
        self.acknowledged[f"{login}: {element}"] = (DONE, {"task": task, "login": login})

    def drawn_up(self) -> None:
        zhou = self.people["zhou"]
        once = re.search(r'name="_once" value="([^"]+)"', zhou.get("/start").text)
        assert once
        assert zhou.post(f"/start/{ETS}/allocation", {"_once": once[1]}).status == 200
        self.acknowledged["zhou: start"] = (STARTED, {"procedure": "allocation"})
        self.does("zhou", "draft", year="2025", **{"units.0.unit": UNIT, "units.0.amount": "1200000"})

    def signed_for(self) -> None:
        letter = self.number(select(Letter.id).where(Letter.state == "ready"))
        wang = self.people["wang"]
        assert "1,200,000" not in wang.get(f"/my/letters/{letter}").text
        assert "1,200,000" in wang.post(f"/my/letters/{letter}/sign", {}).text
        self.acknowledged["wang: letter signed for"] = (READ, {"letter": letter})

    def objected_to(self) -> None:
        wang, notice = self.people["wang"], self.number(select(Case.id).where(Case.procedure == "allocation-notice"))
        wang.get(f"/file/{ETS}/allocation-review?about={notice}")
        with psycopg.connect(self.up.database_url) as connection:
            [draft] = connection.execute("SELECT id FROM filings WHERE case_id IS NULL").fetchone()
        answers = {"claimed_amount": "1300000", "grounds": "产量数据有误", "late_reason": ""}
        for name, value in answers.items():
            assert wang.post(f"/file/{draft}/{name}", {name: value, "_go": "next"}).status == 200
        evidence = {"_upload.evidence": ("台账.pdf", PDF)}
        assert wang.post(f"/file/{draft}/evidence", {"_go": "next"}, evidence).status == 200
        assert wang.post(f"/file/{draft}/check-answers", {}).status == 200
        self.acknowledged["wang: objection"] = (STARTED, {"procedure": "allocation-review"})
        self.acknowledged["wang: evidence"] = (HANDED_IN, {"sha256": hashlib.sha256(PDF).hexdigest()})

    def decided(self) -> None:
        self.does("li", "check", result="受理")
        self.does("he", "review", conclusion="变更", amount="1300000", reasons="产量数据属实")
        self.does("he", "draft", findings="已核对产量台账")
        self.does("chen", "sign", result="签发")

    def statuses(self) -> set[int]:
        return {status for browser in self.people.values() for status in browser.seen}

    def told_to_try_again(self) -> int:
        return sum(browser.seen.count(503) + browser.seen.count(502) for browser in self.people.values())

    def found(self) -> dict[str, int]:
        """How often the tables hold each thing that was acknowledged."""
        with psycopg.connect(self.up.database_url) as connection:
            counted = {what: connection.execute(*asked).fetchone() for what, asked in self.acknowledged.items()}
        return {what: int(row[0]) for what, row in counted.items() if row is not None}

    def lost(self) -> list[str]:
        return [what for what, times in self.found().items() if times == 0]

    def doubled(self) -> list[str]:
        return [what for what, times in self.found().items() if times > 1]


DONE = """SELECT count(*) FROM tasks JOIN case_values USING (case_id, scope, element, visit, item)
    JOIN persons ON persons.id = person_id WHERE tasks.id = %(task)s AND state = 'done' AND login = %(login)s"""
STARTED = "SELECT count(*) FROM cases WHERE procedure = %(procedure)s"
READ = """SELECT count(*) FROM service_proofs JOIN services ON services.id = service_id
    WHERE letter_id = %(letter)s AND service_proofs.how = 'read'"""
HANDED_IN = "SELECT count(*) FROM attachments WHERE sha256 = %(sha256)s AND case_id IS NOT NULL"

PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)


def _furnished(database: Database) -> None:
    """People, content and a list of emitters: what exists before the story. The paths of the content are acted by
    other tests; here it is published as they have found it, and `portal publish` finds it unchanged."""
    now = clock.now()
    with database.transaction() as tx:
        for regulation in ("chongqing-ets", "jiaxing-tanpuhui", "shenzhen-tanpuhui"):
            publish(tx, from_folder(ROOT, regulation), now, "test")
        settle(tx, hashed())
    with database.transaction() as tx:
        emitters = Releases().newest(tx, ETS).regulation.registers["emitters"]
        row = {"uscc": UNIT, "year": "2025", "name": "重庆某水泥有限公司", "industry": "水泥", "district": "万州区"}
        registers.record(tx, ETS, emitters, [row], None, registers.Cause(moment=now, reason="test"))


def _killed_while_signing(up: Composition, story: Story) -> None:
    """The container that carries out a signature is killed in the middle of the act; the leader is told so and signs
    again, and the container that acknowledges this is killed at once."""
    before = up.broken_off()
    with ThreadPoolExecutor(1) as hand, psycopg.connect(up.database_url) as held:
        held.execute("LOCK TABLE case_values IN SHARE MODE")  # an act writes into it when it has begun
        signing = hand.submit(story.does, "chen", "sign", result="签发")
        first = _held_in_its_act(up)
        first.end(signal.SIGKILL)
        held.rollback()
        signing.result(120)
    [second] = [one for one in up.containers["web"] if one is not first]
    second.end(signal.SIGKILL)
    wait_until(lambda: up.broken_off() > before, 15, lambda: "toothless: no transaction was broken off")
    assert story.told_to_try_again() >= 1, "toothless: the leader has noticed nothing"


def _held_in_its_act(up: Composition) -> Container:
    """The container of the pages whose transaction has written something and waits for a lock now."""
    held = "SELECT client_port FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND backend_xid IS NOT NULL"
    found: list[Container] = []

    def look() -> bool:
        for (port,) in connection.execute(held).fetchall():
            found.extend(one for one in up.containers["web"] if one.speaks_from(port))
        return bool(found)

    with psycopg.connect(up.database_url, autocommit=True) as connection:
        wait_until(look, 60, lambda: "toothless: no act of the pages was held")
    return found[0]


@contextmanager
def _told(**changes: tuple[str, str]) -> Iterator[tuple[Composition, Database, Story]]:
    """The composition with its tables and people, and the story that is to be told; nothing of the portal runs."""
    with Composition.prepared() as up:
        up.changes |= changes
        administration.migrate(Settings.read({"DATABASE_URL": up.database_url}))
        database = Database(up.database_url)
        try:
            _furnished(database)
            yield up, database, Story(up, database)
        finally:
            database.close()


@pytest.mark.thorough
@pytest.mark.timeout(240)
def test_the_story_goes_on_while_containers_are_killed(proof):
    with _told() as (up, database, story):
        began = time.monotonic()
        up.up()
        ready = time.monotonic() - began
        print(*up.said, sep="\n")
        story.sign_in()
        story.drawn_up()

        # Containers of the pages die while a leader signs and when he has signed, a worker while it makes the letter.
        up.containers["worker"][0].signal(signal.SIGSTOP)
        _killed_while_signing(up, story)
        web, other_web = up.containers["web"]
        web.start()  # as `restart: unless-stopped` does
        other_web.start()
        assert _kill_worker_at_work(up, database), "toothless: no worker was killed with a job in its hands"
        web.await_health()
        other_web.await_health()
        _metrics_are_told_inside(up)
        assert _drains(other_web) == 400  # as in an upgrade; the form token is missing, and that is said
        wait_until(lambda: _ready_letters(database) == 1, 90)
        assert "was left behind; it is done again" in up.containers["worker"][0].log.read_text()
        story.signed_for()
        story.objected_to()
        story.decided()
        wait_until(lambda: _ready_letters(database) == 3, 90)

        with database.transaction() as tx:
            proved = invariants.prove(tx, S3Store(up.store))
        assert [fault for one in proved.invariants for fault in one.faults] == []
        with database.transaction() as tx:
            assert tx.scalar(select(func.count()).select_from(Incident)) == 0
            kinds = sorted(tx.scalars(select(Case.procedure)))
            assert kinds == ["allocation", "allocation-notice", "allocation-review"]
            notice = tx.scalars(select(Case).where(Case.procedure == "allocation-notice")).one()
            assert notice.outcome == "已被取代"
        assert (story.lost(), story.doubled()) == ([], [])
        assert _names_in_logs(up, database) == []
        assert story.statuses() <= {200, 502, 503}
        proof.says(
            "R3",
            "the compose file's processes: during the first story the pages that sign are killed in the middle of the "
            "act, those that acknowledge it right after, and a worker while it makes the letter",
            "nothing acknowledged lost, nothing doubled, no 5xx but a 503 that a second try mends",
            proxy="nginx" if up.has_nginx else "stand-in",
            seconds_until_up=round(ready, 1),
            killed_in_a_transaction=up.broken_off(),
            told_to_try_again=story.told_to_try_again(),
            acknowledged=len(story.acknowledged),
            lost=len(story.lost()),
            doubled=len(story.doubled()),
        )


@pytest.mark.thorough
@pytest.mark.timeout(180)
def test_pages_that_answer_before_they_commit_are_found_out(proof):
    """The mutant of the story, as far as it gets."""
    with _told(web=("tests.faults.changes", "answers_before_commit")) as (up, _database, story):
        up.up(but=frozenset({"migrate", "worker"}))
        story.sign_in()
        story.drawn_up()
        before = up.broken_off()
        _killed_while_signing(up, story)
        wait_until(lambda: up.broken_off() >= before + 2, 15, lambda: "the act was committed before it was answered")
        lost = story.lost()
        assert lost == ["chen: sign"]
        proof.catches("R3", "pages answer before they commit", lost=len(lost))


@pytest.mark.thorough
@pytest.mark.timeout(180)
def test_from_nothing_migrate_makes_tables_bucket_and_content_once():
    """The command of the file over empty tables, and once more as at every start; with content whose paths are few."""
    with Composition.prepared() as up:
        up.content = shutil.copytree(ROOT / "bench/content", up.home / "content")
        said = []
        for _ in range(2):
            migrating = up.add("migrate")
            migrating.start()
            assert migrating.process is not None
            assert migrating.process.wait(150) == 0, migrating.log.read_text()
            said.append(migrating.log.read_text())
        assert "bench: release 1" in said[0]
        assert "bench: unchanged" in said[1]
        with psycopg.connect(up.database_url) as connection:
            assert connection.execute("SELECT count(*), min(regulation) FROM releases").fetchone() == (1, "bench")
            made = {name for (name,) in connection.execute("SELECT tablename FROM pg_tables").fetchall()}
        assert made >= {*administration.app.metadata().tables, "alembic_version", "procrastinate_jobs"}
        S3Store(up.store).put("here", b"is a bucket", 11, "text/plain")


def _kill_worker_at_work(up: Composition, database: Database) -> bool:
    """Kills the worker that makes the letter, while it does; the other one, held back until then, goes on."""
    other, victim = up.containers["worker"]
    doing = "SELECT id FROM procrastinate_jobs WHERE task_name = 'letters.render' AND status = 'doing'"
    end = time.monotonic() + 30
    try:
        with psycopg.connect(up.database_url, autocommit=True) as connection:
            while time.monotonic() < end and not _ready_letters(database):
                if connection.execute(doing).fetchone() is not None:
                    victim.end(signal.SIGKILL)
                    return connection.execute(doing).fetchone() is not None
        return False
    finally:
        other.signal(signal.SIGCONT)


def _ready_letters(database: Database) -> int:
    with database.transaction() as tx:
        return tx.scalar(select(func.count()).where(Letter.state == "ready")) or 0


def _names_in_logs(up: Composition, database: Database) -> list[str]:
    """Logs hold ids alone: of the people and the unit of the story none is named in what any process has written."""
    written = "".join(one.log.read_text() for some in up.containers.values() for one in some)
    assert written
    with database.transaction() as tx:
        names = [*tx.scalars(select(Person.name)), *tx.scalars(select(Person.login))]
    return [name for name in (*names, UNIT, "重庆某水泥") if re.search(rf"(?<![a-z]){name}(?![a-z])", written)]


def _drains(web: Container) -> int:
    """The status of a request that is half sent when the container is told to end, and goes on afterwards."""
    body = b"login=zhou&password=" + b"x" * 2000
    head = (
        f"POST /sign-in HTTP/1.1\r\nHost: {web.address}\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    )
    with socket.create_connection((web.address, int(web.environment["PORT"])), timeout=30) as line:
        line.sendall(head.encode() + body[:1000])
        time.sleep(0.5)
        assert web.process is not None
        web.process.send_signal(signal.SIGTERM)
        time.sleep(1.5)
        line.sendall(body[1000:])
        answer = line.recv(65536).decode()
    assert web.process.wait(20) == 0
    return int(answer.split()[1])


def _metrics_are_told_inside(up: Composition) -> None:
    """With the token, and not by the proxy."""
    web = up.containers["web"][0]
    url = f"http://{web.address}:{web.environment['PORT']}/metrics"
    asked = urllib.request.Request(url, headers={"Authorization": "Bearer token-of-the-composition"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert "portal_database_up 1.0" in answer.read().decode()
    if up.has_nginx:
        browser: Visitor = up.browser()
        assert browser.get("/metrics").status == 404
