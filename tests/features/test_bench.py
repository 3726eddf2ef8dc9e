"""What is measured is reckoned and written down rightly, and the cases beside which lists are asked are all there."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import func, select

from bench.speed import filling, report
from bench.speed.__main__ import main
from bench.speed.figures import Figure, median, middle, p95
from portal.cases.models import Case, CaseText, CaseValue, Task
from tests.builders.diagrams import path
from tests.builders.procedures import content, end, procedure, start, task
from tests.builders.world import World

SMALL = content(small=procedure(start(), task("do"), end(), path("start", "do", "end")))


def test_median_and_95th_percentile_in_milliseconds():
    seconds = [number / 1000 for number in range(1, 101)]
    assert (median(seconds), p95(seconds)) == (50.5, 96.0)
    assert p95([0.002]) == 2.0
    assert middle([(9.0, 20.0), (7.0, 11.0), (8.0, 12.0)]) == (8.0, 12.0)


def test_a_goal_that_is_missed_says_so_in_the_table():
    figures = [
        Figure("a", "quick", "≤ 9 ms", "8.0 ms", True, "3 runs", "0.10 – 0.12 s"),
        Figure("b", "slow", "≤ 9 ms", "12.0 ms", False, "3 runs", "0.10 – 0.10 s"),
    ]
    assert report.table(figures, date(2026, 11, 22), "2 cores").splitlines() == [
        "Measured on 2026-11-22: 2 cores.",
        "",
        "| what | we aim at | measured | how | pace |",
        "|---|---|---|---|---|",
        "| quick | ≤ 9 ms | 8.0 ms | 3 runs | 0.10 – 0.12 s |",
        "| slow | ≤ 9 ms | **12.0 ms** (missed) | 3 runs | 0.10 – 0.10 s |",
    ]


def test_the_table_takes_the_place_of_the_one_before():
    document = f"before\n{report.BEGINS}\nold\n{report.ENDS}\nafter\n"
    assert report.written(document, "new") == f"before\n{report.BEGINS}\nnew\n{report.ENDS}\nafter\n"
    with pytest.raises(ValueError, match="are missing"):
        report.written("no marks", "new")


def test_some_rows_alone_are_not_written_over_the_whole_table(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["portal bench", "disk", "--write"])
    with pytest.raises(SystemExit):
        main()
    assert "--write replaces the whole table: name no rows with it" in capsys.readouterr().err


def test_copies_of_a_case_are_cases_with_tasks_of_their_own(tx):
    world = World.within(tx, SMALL)
    case = world.file("small", world.wang)
    filling.copied(tx, case.id, 70)
    count = {table: tx.scalar(select(func.count()).select_from(table)) for table in (Case, Task, CaseValue, CaseText)}
    assert count == {Case: 71, Task: 71, CaseValue: 71, CaseText: 71}
    assert tx.scalar(select(func.count(func.distinct(Task.case_id))).where(Task.state == "open")) == 71
    later = world.file("small", world.wang)
    assert later.row.number not in {case.row.number, f"{case.row.number}-1"}
    world.complete("do", world.person("周", "officer"), later)
    assert later.status == "办结"
