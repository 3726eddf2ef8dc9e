"""docker-compose.yml is sound, and what it describes carries the first story while containers of it are killed."""

from __future__ import annotations

import re
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator

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


def services() -> Iterator[tuple[str, dict]]:
    overlay = compose_file("docker-compose.seaweedfs.yml")["services"]
    yield from compose_file()["services"].items()
    yield "objects-durable", overlay["objects-durable"]


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
    """The first story of the README, by people at their browsers, who come by the proxy."""

    def __init__(self, up: Composition, database: Database) -> None:
        self.up, self.database = up, database
        self.people = {login: up.browser() for login in ("zhou", "chen", "wang", "li", "he")}

    def sign_in(self) -> None:
        for login, browser in self.people.items():
            assert browser.sign_in(login, PASSWORD).status == 200

    def number(self, query) -> int:
        with self.database.transaction() as tx:
            return tx.scalars(query).one()

    def task(self, element: str) -> int:
        open_now = select(Task.id).where(Task.state == "open", Task.element == element)
        return self.number(open_now)

    def does(self, login: str, element: str, **answers: str) -> None:
        """Opens the task of an element, answers it; it is done then."""
        task, browser = self.task(element), self.people[login]
        assert browser.get(f"/tasks/{task}").status == 200
        said = browser.post(f"/tasks/{task}", answers)
        assert said.status == 200, said.text
        assert self.number(select(Task.state).where(Task.id == task)) == "done", said.text

    def drawn_up(self) -> None:
        zhou = self.people["zhou"]
        once = re.search(r'name="_once" value="([^"]+)"', zhou.get("/start").text)
        assert once
        assert zhou.post(f"/start/{ETS}/allocation", {"_once": once[1]}).status == 200
        self.does("zhou", "draft", year="2025", **{"units.0.unit": UNIT, "units.0.amount": "1200000"})

    def signed_for(self) -> None:
        letter = self.number(select(Letter.id).where(Letter.state == "ready"))
        wang = self.people["wang"]
        assert "1,200,000" not in wang.get(f"/my/letters/{letter}").text
        assert "1,200,000" in wang.post(f"/my/letters/{letter}/sign", {}).text

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

    def decided(self) -> None:
        self.does("li", "check", result="受理")
        self.does("he", "review", conclusion="变更", amount="1300000", reasons="产量数据属实")
        self.does("he", "draft", findings="已核对产量台账")
        self.does("chen", "sign", result="签发")

    def statuses(self) -> set[int]:
        return {status for browser in self.people.values() for status in browser.seen}


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


def _while_it_runs(act: Callable[[], None], strike: Callable[[], None], after: float) -> bool:
    """Strikes so many seconds after an act has begun; whether it was still running then. What it raises is raised."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(after)
    ran = thread.is_alive()
    strike()
    thread.join(120)
    assert not thread.is_alive()
    for error in failed:
        raise error
    return ran


@pytest.mark.thorough
@pytest.mark.timeout(240)
def test_the_story_goes_on_while_containers_are_killed(proof):
    with Composition.prepared() as up:
        database = Database(up.database_url)
        administration.migrate(Settings.read({"DATABASE_URL": up.database_url}))
        _furnished(database)
        began = time.monotonic()
        up.up()
        ready = time.monotonic() - began
        print(*up.said, sep="\n")
        story = Story(up, database)
        story.sign_in()
        story.drawn_up()

        # A container of the pages dies while a leader signs, a worker while it makes the letter.
        up.containers["worker"][0].signal(signal.SIGSTOP)
        web, other_web = up.containers["web"]
        struck = _while_it_runs(
            lambda: story.does("chen", "sign", result="签发"),
            lambda: web.end(signal.SIGKILL),
            proof.dice.uniform(0.005, 0.03),
        )
        killed_at_work = _kill_worker_at_work(up, database)
        wait_until(lambda: _ready_letters(database) == 1, 90)
        assert "was left behind; it is done again" in up.containers["worker"][0].log.read_text()
        story.signed_for()
        story.objected_to()

        # As `restart: unless-stopped` does; then the other one is told to end, as in an upgrade.
        web.start()
        web.await_health()
        assert _drains(other_web) == 400  # the form token is missing, and that is said
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
        assert _names_in_logs(up, database) == []
        assert struck, "toothless: the signature was over before the pages were killed"
        assert killed_at_work, "toothless: no worker was killed with a job in its hands"
        again = sum(browser.seen.count(503) + browser.seen.count(502) for browser in story.people.values())
        assert story.statuses() <= {200, 502, 503}
        _metrics_are_told_inside(up)
        database.close()
        proof.says(
            "R3",
            "the compose file's processes: one of two web and one of two workers killed during the first story",
            "nothing lost, no 5xx but a 503 that a second try mends",
            proxy="nginx" if up.has_nginx else "stand-in",
            seconds_until_up=round(ready, 1),
            told_to_try_again=again,
            lost=0,
        )


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
