"""What /metrics tells, to whom, and what that costs; every alert asks for a number that is told."""

from __future__ import annotations

import multiprocessing
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from sqlalchemy import event, text

from portal import clock
from portal.cases import incidents
from portal.db import Database
from portal.edge.counters import BOUNDS, Counters
from portal.settings import Settings, WrongSetting
from portal.web import create_app, gauges

TOKEN = "a-token-of-these-tests"
AWAY = "postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1"
ROOT = Path(__file__).parents[2]


def told(answer) -> dict[str, float]:
    """Every number, by its name and labels."""
    assert answer.status_code == 200
    lines = (line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def asked(portal, **options):
    return portal.app.test_client().get("/metrics", **options)


def with_token(portal, **changes):
    settings = replace(portal.machine.settings, metrics_token=TOKEN, **changes)
    return create_app(replace(portal.machine, settings=settings)).test_client()


class TestWhoMayAsk:
    def test_without_a_token_only_this_machine(self, portal):
        assert asked(portal).status_code == 200
        assert asked(portal, environ_base={"REMOTE_ADDR": "::1"}).status_code == 200
        assert asked(portal, environ_base={"REMOTE_ADDR": "10.0.0.7"}).status_code == 404
        assert asked(portal, environ_base={"REMOTE_ADDR": ""}).status_code == 404

    @pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
    def test_nobody_by_a_proxy_on_this_machine(self, portal, header):
        assert asked(portal, headers={header: "127.0.0.1"}).status_code == 404

    def test_nobody_who_claims_to_be_this_machine(self, portal):
        settings = replace(portal.machine.settings, proxies=1)
        client = create_app(replace(portal.machine, settings=settings)).test_client()
        claims = {"headers": {"X-Forwarded-For": "127.0.0.1"}, "environ_base": {"REMOTE_ADDR": "10.0.0.7"}}
        assert client.get("/metrics", **claims).status_code == 404

    def test_with_a_token_whoever_has_it(self, portal):
        client = with_token(portal)
        assert client.get("/metrics").status_code == 404
        assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}x"}).status_code == 404
        assert client.get("/metrics", headers={"Authorization": "Bearer 错"}).status_code == 404
        far = {"REMOTE_ADDR": "10.0.0.7"}
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, environ_base=far)
        assert answer.status_code == 200

    @pytest.mark.parametrize("token", ["short", "with a blank in it!!", "令牌令牌令牌令牌令牌令牌令牌令牌"])
    def test_a_token_that_is_none_is_refused_and_not_shown(self, token):
        with pytest.raises(WrongSetting) as refused:
            Settings.read({"METRICS_TOKEN": token})
        assert token not in str(refused.value)


class TestWhatIsTold:
    def test_what_is_open_waits_and_failed(self, portal):
        portal.allocation()
        with portal.database.transaction() as tx:
            incidents.note(tx, "试", "试", clock.now())
            incidents.note(tx, "试", "试", clock.now(), again=incidents.Again(incidents.LETTER, {"letter_id": 1}))
            tx.execute(
                text(
                    "INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES"
                    " ('default', 'letters.render', 'todo'), ('default', 'objects.sweep', 'todo'),"
                    " ('default', 'objects.sweep', 'failed')"
                )
            )
            tx.execute(text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '7 s')"))
            tx.execute(
                text(
                    "UPDATE procrastinate_events SET at = now() - interval '90 s'"
                    " WHERE job_id IN (SELECT min(id) FROM procrastinate_jobs)"
                )
            )
        found = told(asked(portal))
        assert found["portal_database_up"] == found["portal_objects_up"] == 1
        assert found["portal_open_tasks"] == 1
        assert found["portal_open_incidents"] == 2
        assert found["portal_unrendered_letters"] == 2
        assert [found[f'portal_jobs{{state="{one}"}}'] for one in ("todo", "doing", "failed")] == [2, 0, 1]
        assert 90 <= found['portal_oldest_job_seconds{state="todo"}'] < 120
        assert found['portal_oldest_job_seconds{state="doing"}'] == 0
        assert found["portal_workers"] == 1
        assert 7 <= found["portal_worker_heartbeat_age_seconds"] < 40
        assert found["portal_timer_lateness_seconds"] == 0
        assert found["portal_database_bytes"] > 1e6
        assert found["portal_clock_difference_seconds"] < 2
        assert found['portal_holiday_notice{year="this"}'] in (0, 1)

    def test_how_late_a_timer_is(self, portal):
        portal.allocation()
        with portal.database.transaction() as tx:
            tx.execute(text("UPDATE cases SET ripe_at = now() - interval '5 minutes'"))
        assert 300 <= told(asked(portal))["portal_timer_lateness_seconds"] < 330
        with portal.database.transaction() as tx:
            tx.execute(text("UPDATE cases SET rests_until = now() + interval '5 minutes'"))
        assert told(asked(portal))["portal_timer_lateness_seconds"] == 0

    def test_nothing_is_counted_to_its_end(self, portal, monkeypatch):
        monkeypatch.setattr(gauges, "COUNTED", 3)
        with portal.database.transaction() as tx:
            for _ in range(5):
                incidents.note(tx, "试", "试", clock.now())
        assert told(asked(portal))["portal_open_incidents"] == 3

    def test_it_takes_few_statements(self, portal):
        asked(portal)
        seen: list[str] = []
        event.listen(portal.database.engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
        asked(portal)
        assert len(seen) <= 10, seen

    def test_without_a_database_the_rest_is_told(self, portal):
        client = create_app(replace(portal.machine, database=Database(AWAY))).test_client()
        found = told(client.get("/metrics"))
        assert found["portal_database_up"] == 0
        assert found["portal_objects_up"] == 1
        assert "portal_open_tasks" not in found

    def test_nobody_is_named(self, portal):
        portal.client("zhou").get("/inbox")
        assert not re.search(r"zhou|周|127\.0", asked(portal).text)


class TestRequests:
    def test_each_answer_is_counted_once_by_its_status(self, portal):
        client = create_app(portal.machine).test_client()
        before = told(client.get("/metrics"))
        assert not any(name.startswith("portal_requests_total") for name in before)
        for path in ("/sign-in", "/sign-in", "/nowhere", "/inbox", "/healthz", "/readyz"):
            client.get(path)
        after = told(client.get("/metrics"))
        counted = {name: value for name, value in after.items() if name.startswith("portal_requests_total")}
        assert counted == {
            'portal_requests_total{status="200"}': 2,
            'portal_requests_total{status="302"}': 1,
            'portal_requests_total{status="404"}': 1,
        }
        assert after["portal_request_seconds_count"] == after['portal_request_seconds_bucket{le="+Inf"}'] == 4
        assert after["portal_request_seconds_sum"] > 0

    def test_processes_count_together_and_what_a_dead_one_counted_stays(self):
        counters = Counters(rows=2)

        def work(row: int) -> None:
            counters.take(row)
            for _ in range(1000):
                counters.count(200, 0.02)

        started = [multiprocessing.get_context("fork").Process(target=work, args=(row,)) for row in (0, 1)]
        for process in started:
            process.start()
        for process in started:
            process.join()
        counters.take(1)
        counters.count(503, 99)
        assert counters.by_status() == {200: 2000, 503: 1}
        assert counters.up_to() == [0 if bound < 0.02 else 2000 for bound in BOUNDS] + [2001]
        assert counters.seconds() == pytest.approx(2000 * 0.02 + 99)


def test_every_alert_asks_for_a_number_that_is_told(portal):
    with portal.database.transaction() as tx:
        tx.execute(text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now())"))
    client = create_app(portal.machine).test_client()
    client.get("/sign-in")
    known = {re.sub(r"\{.*", "", name) for name in told(client.get("/metrics"))}
    rules = [
        rule for group in yaml.safe_load((ROOT / "deploy/alerts.yml").read_text())["groups"] for rule in group["rules"]
    ]
    asked_for = {name for rule in rules for name in re.findall(r"\bportal_\w+", rule["expr"])}
    assert asked_for - known == set()
    assert {name for name in known if not re.search(r"_(total|bucket|count|sum|created)$", name)} - asked_for == set()
    guide = (ROOT / "docs/operate.md").read_text()
    assert [rule["alert"] for rule in rules if f"`{rule['alert']}`" not in guide] == []


def test_a_moved_clock_is_the_one_that_timers_go_by(portal):
    portal.allocation()
    with portal.database.transaction() as tx:
        tx.execute(text("UPDATE cases SET ripe_at = now() + interval '1 day'"))
    portal.ahead(timedelta(days=2))
    assert told(asked(portal))["portal_timer_lateness_seconds"] == pytest.approx(86400, abs=60)
