"""Servers stopped for real under running pages: each page says what is not possible, and nothing typed is lost."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from portal import app, clock
from portal.cases.actions import ACTIONS
from portal.cases.kernel import Kernel
from portal.cases.models import Task
from portal.db import Base, Database, servers
from portal.db.embedded import EmbeddedPostgres
from portal.documents.models import Letter
from portal.jobs import Collected, ProcrastinateQueue, state
from portal.jobs import schema as jobs_schema
from portal.procedures import Releases, publish
from portal.settings import Settings
from portal.storage import S3Store
from portal.storage.embedded import EmbeddedStore
from portal.storage.s3 import ALIVE_FOR
from portal.web import Pages
from tests.builders.pages import PASSWORD, NoAssets, Portal, hashed, settle
from tests.builders.running import Browser, free_port, wait_until
from tests.builders.world import shipped
from tests.conftest import FAST

STOPPED = (
    "后台服务已停止：文书生成、到期自动办理、提醒和邮件要等它恢复后补办。期限照常计算，不受影响；现在仍可填写和提交。"
)
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


@dataclass
class House:
    """Servers, pages and a worker, each a process of its own."""

    postgres: EmbeddedPostgres
    store: EmbeddedStore
    environment: dict[str, str]
    address: str
    portal: Portal
    notice: tuple[int, int] = (0, 0)
    """A case with a letter, by their ids, once the database's test has handed its allocation in."""
    worker: subprocess.Popen[bytes] | None = None

    def signed_in(self, login: str) -> Browser:
        browser = Browser(self.address)
        answer = browser.sign_in(login)
        assert answer.status == 200, answer.text
        return browser

    def start_worker(self) -> None:
        self.worker = subprocess.Popen([sys.executable, "-m", "portal", "worker"], env=self.environment)

    def stop_worker(self) -> None:
        if self.worker is not None:
            self.worker.send_signal(signal.SIGTERM)
            self.worker.wait(20)
            self.worker = None


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="portal-outage-") as name:
        home = Path(name)
        home.chmod(0o755)
        postgres, store = EmbeddedPostgres(home, FAST), EmbeddedStore(home)
        url, s3 = postgres.start(), store.start()
        port = free_port()
        environment = {
            **os.environ, "DATABASE_URL": url, "S3_ENDPOINT": f"http://{s3.endpoint}", "S3_ACCESS_KEY": s3.access_key,
            "S3_SECRET_KEY": s3.secret_key, "S3_BUCKET": s3.bucket, "SECRET_KEY": "of these tests", "PORT": str(port),
            "PORTAL_HOME": str(home), "PORTAL_DEMO": "0", "WEB_WORKERS": "1",
        }  # fmt: skip
        portal = _filled(url, Settings.read(environment))
        web = subprocess.Popen([sys.executable, "-m", "portal", "web", "--host", "127.0.0.1"], env=environment)
        house = House(postgres, store, environment, f"http://127.0.0.1:{port}", portal)
        try:
            wait_until(lambda: _answers(house.address), 60)
            yield house
        finally:
            house.stop_worker()
            web.terminate()
            web.wait(20)
            portal.database.close()
            store.stop()
            postgres.stop()


def _filled(url: str, settings: Settings) -> Portal:
    """People, content and tables, as the pages' tests have them."""
    assert settings.s3 is not None
    database = Database(url)
    jobs_schema(url)
    assert app.TABLES
    Base.metadata.create_all(database.engine)
    with database.transaction() as tx:
        publish(tx, shipped(), clock.now(), "test")
        people, unit_id = settle(tx, hashed())
    kernel = Kernel(Releases(), Collected(), lambda tx: clock.now(), ACTIONS)
    machine = Pages(settings, database, S3Store(settings.s3), kernel, NoAssets(), "unused")
    return Portal(Flask("unused"), machine, people, unit_id, clock.now())


def _signed(portal: Portal, allocation: int) -> tuple[int, int]:
    """The leader signs an allocation: the notice and its letter, whose file lies in the store."""
    portal.complete("chen", portal.task("sign", allocation), {"result": "签发"})
    with portal.database.transaction() as tx:
        letter = tx.scalars(select(Letter)).one()
    portal.rendered(letter.id, b"a letter")
    return letter.case_id, letter.id


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


class TestDatabase:
    """The database goes away and comes back; the pages are not started again. These classes run in this order."""

    def test_what_was_typed_is_still_there_and_can_be_handed_in_when_it_is_back(self, house):
        task = house.portal.allocation()
        zhou = house.signed_in("zhou")
        assert zhou.get(f"/tasks/{task}").status == 200
        typed = {
            "year": "2025", "units.0.unit": "91110000802100433B", "units.0.amount": "1,200,000",
            "grounds": "停电前写好的依据", "_labels": json.dumps({"grounds": "核定依据", "units.amount": "年度配额"}),
        }  # fmt: skip
        house.portal.database.close()
        house.postgres.stop()
        shown = zhou.get("/inbox")
        assert shown.status == 503
        assert shown.headers["Retry-After"] == "10"
        assert "数据库暂时无法连接，请稍后再试。" in shown.text
        assert "期限照常计算" in shown.text
        assert '<a class="btn" href="/inbox">再试一次</a>' in shown.text
        refused = zhou.post(f"/tasks/{task}", typed)
        assert refused.status == 503
        assert "停电前写好的依据" in refused.text
        assert 'value="1,200,000"' in refused.text
        assert "重新提交" in refused.text
        assert Browser(house.address).get("/").status == 503
        assert "暂时" in Browser(house.address).get("/sign-in").text
        assert house.postgres.start() == house.environment["DATABASE_URL"]
        accepted = zhou.post(f"/tasks/{task}", typed)
        assert accepted.status == 200
        with house.portal.database.transaction() as tx:
            done = tx.get_one(Task, task)
        assert done.state == "done"
        house.notice = _signed(house.portal, done.case_id)


class TestStore:
    """The object store goes away and comes back."""

    def test_files_are_refused_in_words_and_the_rest_stays(self, house):
        case_id, letter = house.notice
        zhou, newcomer = house.signed_in("zhou"), Browser(house.address)
        assert zhou.get(f"/letters/{letter}/file").text == "a letter"
        once = re.findall(r'name="once" value="([^"]+)"', newcomer.get("/register").text)
        house.store.stop()
        refused = zhou.get(f"/letters/{letter}/file")
        assert refused.status == 503
        assert "文件存储暂时不可用，请稍后再试。" in refused.text
        assert "再试一次" in refused.text
        assert zhou.get(f"/cases/{case_id}").status == 200
        form = {
            "uscc": "9144030071526726XG", "name": "重庆某玻璃有限公司", "district": "涪陵区", "kind": "enterprise",
            "person": "赵敏", "login": "zhaomin", "password": PASSWORD, "password_again": PASSWORD,
            "once": once[0],
        }  # fmt: skip
        registered = newcomer.post("/register", form, {"proof": ("营业执照.pdf", PDF)})
        assert registered.status == 422
        assert "“营业执照.pdf”没有上传成功：文件存储暂时不可用，请稍后重新选择。其他内容已保留。" in registered.text
        assert 'value="重庆某玻璃有限公司"' in registered.text
        assert house.store.start().endpoint == house.environment["S3_ENDPOINT"].removeprefix("http://")
        # For a second after it was silent it is not asked again.
        wait_until(lambda: zhou.get(f"/letters/{letter}/file").text == "a letter", 20)
        again = newcomer.post("/register", form, {"proof": ("营业执照.pdf", PDF)})
        assert "已收到您的注册申请" in again.text

    def test_one_that_hangs_is_given_up(self, house):
        _, letter = house.notice
        zhou = house.signed_in("zhou")
        [weed] = servers.processes("weed", f"-dir={house.environment['PORTAL_HOME']}")
        os.kill(weed, signal.SIGSTOP)
        try:
            time.sleep(ALIVE_FOR)
            refused = zhou.get(f"/letters/{letter}/file")
            assert refused.status == 503
            assert "文件存储暂时不可用，请稍后再试。" in refused.text
        finally:
            os.kill(weed, signal.SIGCONT)
        wait_until(lambda: zhou.get(f"/letters/{letter}/file").text == "a letter", 20)


class TestWorker:
    """No worker lives, then one does."""

    def test_pages_say_what_waits_until_a_worker_is_back(self, house):
        case_id, letter = house.notice
        zhou, wang = house.signed_in("zhou"), house.signed_in("wang")
        task = house.portal.allocation()
        waiting = ((zhou, f"/cases/{case_id}"), (zhou, f"/tasks/{task}"), (wang, f"/my/cases/{case_id}"))
        for browser, path in (*waiting, (wang, "/my/letters")):
            assert STOPPED in browser.get(path).text, path
        for browser, path in ((zhou, "/inbox"), (wang, "/home"), (zhou, "/messages")):
            assert STOPPED not in browser.get(path).text, path
        with house.portal.database.transaction() as tx:
            ProcrastinateQueue().defer(tx, "letters.render", letter_id=letter)
        house.start_worker()
        wait_until(lambda: STOPPED not in zhou.get(f"/cases/{case_id}").text, 60)
        wait_until(lambda: _jobs(house) == 0, 60)


def _jobs(house: House) -> int:
    with house.portal.database.transaction() as tx:
        return sum(state.counts(tx).values())
