"""`portal why` tells what a case waits for and what stands in its way, and names nobody."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from portal.__main__ import main
from portal.cases import incidents
from portal.cases.models import Case
from tests.builders.world import Bureau


@pytest.fixture
def bureau(own_database, monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", own_database.url)
    monkeypatch.setenv("PORTAL_HOME", str(tmp_path))
    world = Bureau.over(own_database)
    world.renders = False
    return world


def told(capsys, asked: object) -> dict:
    assert main(["why", str(asked), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def kinds(said: dict) -> list[str]:
    return [one["kind"] for one in said["reasons"]]


def test_what_a_case_waits_for(bureau, own_database, capsys):
    notice = bureau.notice()
    with own_database.transaction() as tx:
        case = tx.get_one(Case, notice.id)
        number = case.number
    said = told(capsys, number)
    assert said == told(capsys, notice.id)
    assert said["number"] == number
    letters = [one for one in said["reasons"] if one["kind"] == "letter"]
    assert [one["what"].endswith("its file is being made") for one in letters] == [True]
    assert "job" in kinds(said)
    assert main(["why", number]) == 0
    plain = capsys.readouterr().out
    assert plain.startswith(f"{number} (id {notice.id}, ")


def test_what_failed_comes_first(bureau, own_database, capsys):
    notice = bureau.notice()
    with own_database.transaction() as tx:
        incidents.note(tx, "生成文书", "模板有误", bureau.now, notice.id)
    said = told(capsys, notice.id)
    assert kinds(said)[0] == "incident"
    assert said["reasons"][0]["what"] == "生成文书: 模板有误"
    assert said["reasons"][0]["see"].startswith("/admin/incidents/")


@pytest.mark.parametrize(("rests", "words"), [(None, "has not fired"), (timedelta(days=9000), "tried again then")])
def test_a_timer_that_is_due_or_rests(bureau, own_database, capsys, rests, words):
    notice = bureau.notice()
    with own_database.transaction() as tx:
        case = tx.get_one(Case, notice.id)
        case.ripe_at, case.rests_until = bureau.now - timedelta(hours=1), rests and bureau.now + rests
    [timer] = [one for one in told(capsys, notice.id)["reasons"] if one["kind"] == "timer"]
    assert words in timer["what"]


def test_nobody_and_no_party_is_named(bureau, own_database, capsys):
    notice = bureau.notice()
    said = json.dumps(told(capsys, notice.id), ensure_ascii=False)
    with own_database.transaction() as tx:
        names = tx.execute(text("SELECT name FROM persons UNION SELECT name FROM organisations")).scalars().all()
    assert names
    assert [name for name in names if len(name) > 1 and name in said] == []


@pytest.mark.parametrize("asked", ["no such number", "987654321", "9" * 40])
def test_a_case_that_is_none(bureau, capsys, asked):
    assert main(["why", asked]) == 1
    assert capsys.readouterr().err == (
        f"portal: No case has the number or id {asked}; a number is written as it stands on the case, brackets too.\n"
    )


def test_a_letter_that_is_not_served_is_said(bureau, capsys):
    bureau.renders = True
    notice = bureau.notice()
    [letter] = notice.letters
    said = [one for one in told(capsys, notice.id)["reasons"] if one["kind"] == "letter"]
    assert [(one["what"], one["see"]) for one in said] == [
        (f"letter {letter.number}: its file is there, and it is not served yet", "/receipts")
    ]
    bureau.sign_for(notice, bureau.wang)
    assert "letter" not in kinds(told(capsys, notice.id))


def test_the_end_of_a_deadline_is_told_as_its_last_day(bureau, own_database, capsys):
    bureau.renders = True
    notice = bureau.notice()
    bureau.sign_for(notice, bureau.wang)
    [deadline] = [one for one in told(capsys, notice.id)["reasons"] if one["kind"] == "deadline"]
    with own_database.transaction() as tx:
        [last] = tx.execute(text("SELECT last_day FROM deadlines WHERE case_id = :case"), {"case": notice.id}).one()
    assert deadline["until"] == f"{last} 24:00:00"


def test_the_case_to_ask_about_next_is_named(bureau, capsys):
    notice = bureau.notice()
    [allocation] = bureau.cases("allocation")
    [started] = [one for one in told(capsys, allocation.id)["reasons"] if one["kind"] == "started"]
    assert started["what"] == (
        f"cases that it has started and that have not ended: 1, the first of them id {notice.id}"
    )


def test_a_case_that_has_ended_says_only_that(bureau, own_database, capsys):
    notice = bureau.notice()
    with own_database.transaction() as tx:
        tx.execute(text("DELETE FROM subscriptions"))
        tx.execute(text("DELETE FROM procrastinate_jobs"))
        tx.execute(text("UPDATE letters SET state = 'failed', error = 'x'"))
        tx.execute(text("UPDATE cases SET ended_at = now(), outcome = 'over', ripe_at = NULL"))
    assert main(["why", str(notice.id)]) == 0
    lines = capsys.readouterr().out.split("\n")
    assert lines[1].startswith("  it has ended: ")
    assert lines[-1] == ""
    assert "" not in lines[:-1]
