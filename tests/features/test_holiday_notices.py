"""A holiday notice: what its preview lists is what happens, idle cases move too, what is past stays, once."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from portal.calendar import base
from portal.calendar import service as calendars
from portal.calendar.notice import FaultyNotice, Notice
from portal.cases import deferred, filing, reckoning
from portal.cases.models import ActRecord
from portal.cases.reckoning import RECOMPUTE, SPREAD, CalendarChanged, Preview
from portal.clock import TZ
from portal.deadlines import weighing
from portal.jobs import Deferred
from tests.builders.procedures import content
from tests.builders.warned import asked, left_open
from tests.builders.world import Bureau, Followed, World
from tests.features.test_calendar_versions import NOTICE
from tests.features.test_service_corrected import Desk

PERIODS = {"three": 3, "five": 5, "six": 6, "ten": 10}
"""Procedures, by their working days."""
ENTERED = "2027-02-02T10:00:00"


def small():
    duties = {name: left_open(f"{days} working days", kind="duty") for name, days in PERIODS.items()}
    return content(**duties, month=left_open("1 month", kind="duty"))


def filed(world: World, *when: tuple[str, str]) -> list[Followed]:
    """Cases of procedures, each filed on a day at ten, in this order."""
    found = []
    for procedure, day in when:
        world.at(f"{day}T10:00:00")
        found.append(world.file(procedure, world.wang, text="请办理"))
    return found


STORY = (
    ("ten", "2027-02-01"), ("three", "2027-02-01"), ("five", "2027-01-25"), ("six", "2027-01-25"),
    ("three", "2026-11-02"),
)  # fmt: skip


@pytest.fixture
def world(tx):
    """Cases that a notice for 2027 treats in every way; it is the morning of 2 February."""
    world = World.within(tx, small())
    world.admin = world.person("管")
    world.ten, world.confirmed, world.over, world.would_be_past, world.of_2026 = filed(world, *STORY)
    world.at(ENTERED)
    return world


def preview(world: World, notice: Notice = NOTICE) -> Preview:
    return world.run.read(lambda tx: reckoning.preview(world.kernel, tx, notice, world.now))


def listed(world: World, seen: Preview, fate: str) -> list[tuple[str, str, str]]:
    """Number, old and new last day of every deadline that a preview lists under a fate."""
    found = world.run.read(lambda tx: list(reckoning.lines(tx, seen.affected[fate], 0, 1000)))
    return [(line.number, str(line.old), str(line.new)) for line in found]


def enter(world: World, notice: Notice = NOTICE, seen: int | None = None) -> int:
    version = seen if seen is not None else world.run.read(calendars.current).version
    return world.act(lambda tx, at: reckoning.enter(world.kernel, tx, notice, world.admin, version, at))


def waiting(world: World) -> int:
    return world.run.read(lambda tx: reckoning.waiting(tx, world.now))


def reckoned(case: Followed) -> list[tuple[str, str]]:
    """What became of the case's deadlines by a newer calendar, with the reason."""
    kinds = ("deadline.moved", "deadline.kept", "deadline.confirmed")
    return [(entry.kind, entry.details["reason"]) for entry in case.history if entry.kind in kinds]


def test_the_preview_lists_what_would_move_stay_or_become_definite_and_changes_nothing(world):
    seen = preview(world)
    assert (seen.version, seen.running) == (0, 5)
    assert listed(world, seen, "moved") == [(world.ten.number, "2027-02-17", "2027-02-18")]
    assert listed(world, seen, "confirmed") == [(world.confirmed.number, "2027-02-04", "2027-02-04")]
    assert listed(world, seen, "kept") == [
        (world.over.number, "2027-02-01", "2027-02-01"),
        (world.would_be_past.number, "2027-02-02", "2027-02-02"),
    ]
    assert [(str(one.day), one.works) for one in seen.past] == [("2027-01-31", True)]
    assert [str(one.day) for one in seen.changed][:5] == [
        "2027-01-31", "2027-02-09", "2027-02-10", "2027-02-11", "2027-02-13",
    ]  # fmt: skip
    assert world.ten.deadline("limit").last_day == date(2027, 2, 17)
    assert world.run.read(calendars.current).version == 0


def test_each_line_says_of_whom_and_why(world):
    seen = preview(world)
    [line] = world.run.read(lambda tx: list(reckoning.lines(tx, seen.affected["moved"], 0, 10)))
    assert (line.unit, line.case, line.title) == ("重庆某水泥有限公司", "ten", "limit")
    assert (line.was_provisional, line.provisional) == (True, False)
    assert line.why == ("放假安排（国办发明电〔2026〕0号）更新：2月9日至11日放假，不计；2月13日至14日上班，计入")
    kept = world.run.read(lambda tx: [one.why for one in reckoning.lines(tx, seen.affected["kept"], 0, 10)])
    assert kept == [
        "放假安排更新后应为2027-01-31，但原期限2027-02-01已届满，不再变动",
        "放假安排更新后应为2027-02-01，但该日已过，维持原期限2027-02-02",
    ]


def test_entering_moves_idle_cases_too_with_the_reason_in_each_history(world):
    assert enter(world) == 5
    assert world.ten.deadline("limit").last_day == date(2027, 2, 18)
    assert not world.ten.deadline("limit").provisional
    assert reckoned(world.ten) == [
        (
            "deadline.moved",
            "放假安排（国办发明电〔2026〕0号）更新：2月9日至11日放假，不计；2月13日至14日上班，计入",
        )
    ]
    assert reckoned(world.confirmed) == [("deadline.confirmed", "放假安排（国办发明电〔2026〕0号）已公布，日期不变")]
    assert [kind for kind, _ in reckoned(world.over)] == ["deadline.kept"]
    assert [kind for kind, _ in reckoned(world.would_be_past)] == ["deadline.kept"]
    assert world.would_be_past.deadline("limit").last_day == date(2027, 2, 2)
    assert reckoned(world.of_2026) == []
    assert waiting(world) == 0
    assert world.breaks() == []


def test_a_second_time_nothing_happens(world):
    enter(world)
    before = {case.id: case.kinds for case in world.cases()}
    for case in world.cases():
        world.act(lambda tx, at, i=case.id: reckoning.recompute(world.kernel, tx, at, "again", i))
    assert {case.id: case.kinds for case in world.cases()} == before


def test_the_job_of_a_family_is_done_once(world, tx):
    world.works = False
    enter(world)
    [spread] = world.kernel.queue.jobs
    world.act(lambda tx, at: deferred.do(world.kernel, tx, at, spread.name, spread.arguments, "76"))
    jobs = [job for job in world.kernel.queue.jobs if job.name == RECOMPUTE]
    assert [job.arguments["root_id"] for job in jobs] == sorted(case.id for case in world.cases())
    assert isinstance(jobs[0], Deferred)
    assert waiting(world) == 5
    for _ in range(2):
        world.act(lambda tx, at: deferred.do(world.kernel, tx, at, jobs[0].name, jobs[0].arguments, "77"))
    assert len(tx.scalars(select(ActRecord).where(ActRecord.job == "77")).all()) == 1
    assert world.ten.kinds.count("deadline.moved") == 1
    assert waiting(world) == 4


def test_many_families_are_handed_out_in_parts(world, monkeypatch):
    monkeypatch.setattr(reckoning, "AT_ONCE", 2)
    world.works = False
    enter(world)
    first, second, third, fourth, fifth = sorted(case.id for case in world.cases())
    done: list[tuple[str, dict[str, object]]] = []
    queue = world.kernel.queue.jobs

    def spread() -> None:
        [job] = [job for job in queue if job.name == SPREAD]
        queue.clear()
        world.act(lambda tx, at: deferred.do(world.kernel, tx, at, job.name, job.arguments, "1"))
        done.extend((job.name, job.arguments) for job in queue)

    spread()
    assert done == [(RECOMPUTE, {"root_id": first}), (RECOMPUTE, {"root_id": second}), (SPREAD, {"after": second})]
    # The worker was killed behind its commit and does the part again; one family has been brought on meanwhile.
    world.act(lambda tx, at: reckoning.recompute(world.kernel, tx, at, None, first))
    queue[:] = [Deferred(SPREAD, {"after": 0})]
    done.clear()
    spread()
    assert done == [(RECOMPUTE, {"root_id": second}), (RECOMPUTE, {"root_id": third}), (SPREAD, {"after": third})]
    done.clear()
    spread()
    assert done == [(RECOMPUTE, {"root_id": fourth}), (RECOMPUTE, {"root_id": fifth}), (SPREAD, {"after": fifth})]
    done.clear()
    spread()
    assert done == []


def test_a_later_notice_for_the_year_takes_its_place(world):
    enter(world)
    wrong = replace(NOTICE, number="国办发明电〔2026〕0号（更正）", days_worked=(date(2027, 1, 31), date(2027, 2, 14)))
    seen = preview(world, wrong)
    assert listed(world, seen, "moved") == [(world.ten.number, "2027-02-18", "2027-02-19")]
    enter(world, wrong)
    assert world.ten.deadline("limit").last_day == date(2027, 2, 19)
    assert len(reckoned(world.ten)) == 2
    assert "2月13日放假，不计" in reckoned(world.ten)[1][1]


def test_what_was_kept_is_not_said_again_by_the_same_notice(world):
    enter(world)
    enter(world, replace(NOTICE, number="又录一次"))
    assert len(reckoned(world.over)) == 1
    assert len(reckoned(world.would_be_past)) == 1


def test_ended_cases_and_met_deadlines_are_not_touched(tx):
    world = World.within(tx, content(asked=asked("")))
    world.admin, officer = world.person("管"), world.person("周", "officer")
    [case] = filed(world, ("asked", "2027-02-01"))
    world.complete("do", officer, case, text="已办")
    assert preview(world).running == 0
    assert enter(world) == 0
    assert reckoned(case) == []


def test_a_month_moves_when_its_last_day_becomes_a_holiday(tx):
    world = World.within(tx, small())
    world.admin = world.person("管")
    [case] = filed(world, ("month", "2027-01-09"))
    assert case.deadline("limit").last_day == date(2027, 2, 9)
    seen = preview(world)
    assert listed(world, seen, "moved") == [(case.number, "2027-02-09", "2027-02-12")]
    enter(world)
    reason = "放假安排（国办发明电〔2026〕0号）更新：2月9日：春节假期，最后一日遇休息日顺延"
    assert reckoned(case) == [("deadline.moved", reason)]


def test_whoever_saw_an_older_calendar_looks_again(world):
    enter(world, seen=0)
    with pytest.raises(CalendarChanged, match="look at the effects again"):
        enter(world, replace(NOTICE, number="另一份"), seen=0)
    assert len(world.run.read(calendars.entered)) == 1


def test_a_faulty_notice_has_neither_preview_nor_effect(world):
    faulty = replace(NOTICE, days_worked=(date(2027, 3, 1),))
    with pytest.raises(FaultyNotice):
        preview(world, faulty)
    with pytest.raises(FaultyNotice):
        enter(world, faulty)
    assert world.run.read(calendars.current).version == 0


def test_long_lists_come_page_by_page_without_gap_or_repetition(tx):
    world = World.within(tx, small())
    days = ("2027-02-01", "2027-02-02", "2027-02-03")
    filed(world, *((procedure, day) for day in days for procedure in ("five", "six", "ten") for _ in range(3)))
    seen = preview(world)
    whole = listed(world, seen, "moved")
    assert len(whole) == seen.count("moved") > 20
    pages = [
        [(line.number, str(line.old), str(line.new)) for line in reckoning.lines(tx, seen.affected["moved"], at, 4)]
        for at in range(0, len(whole), 4)
    ]
    assert [line for page in pages for line in page] == whole
    assert {len(page) for page in pages[:-1]} == {4}
    assert [new for _, _, new in whole] == sorted(new for _, _, new in whole)


def made_up(dice: random.Random) -> Notice:
    """Any lawful notice for 2027."""
    spare = [date(2027, 1, 1) + timedelta(days=i) for i in range(75)]
    statutory = base.statutory(2027)
    off = {*statutory, *(day for day in spare if dice.random() < 0.15)}
    worked = {day for day in spare if day.weekday() > 4 and day not in off and dice.random() < 0.3}
    return Notice(2027, f"第{dice.randrange(1000)}号", "x", tuple(off), tuple(worked))


@pytest.mark.parametrize("seed", range(6))
def test_what_is_previewed_is_what_happens(tx, seed):
    dice = random.Random(seed)
    world = World.within(tx, small())
    world.admin = world.person("管")
    when = [(dice.choice([*PERIODS, "month"]), dice.randrange(60)) for _ in range(14)]
    when = [(name, str(date(2026, 12, 20) + timedelta(days=day))) for name, day in sorted(when, key=lambda one: one[1])]
    filed(world, *when)
    world.at(datetime.combine(date(2027, 1, 1) + timedelta(days=dice.randrange(60)), world.now.time(), TZ))
    for _ in range(2):
        notice = made_up(dice)
        seen = preview(world, notice)
        foretold = {fate: listed(world, seen, fate) for fate in ("moved", "confirmed")}
        before = {case.number: (case.deadline("limit").last_day, len(reckoned(case))) for case in world.cases()}
        enter(world, notice)
        for fate, lines in foretold.items():
            happened = sorted(
                (case.number, str(before[case.number][0]), str(case.deadline("limit").last_day))
                for case in world.cases()
                if [kind for kind, _ in reckoned(case)[before[case.number][1] :]] == [f"deadline.{fate}"]
            )
            assert happened == sorted(lines)
        assert world.breaks() == []


def test_a_mutant_that_moves_what_is_past_is_found(world, monkeypatch):
    """Were the past not kept, the list of the preview and the cases would both differ from what is expected."""
    right = weighing.weigh

    def careless(deadline, old, new, calendar, moment):
        return right(deadline, old, new, calendar, datetime(2000, 1, 1, tzinfo=TZ))

    monkeypatch.setattr("portal.deadlines.service.weigh", careless)
    foretold = [number for number, _, _ in listed(world, preview(world), "kept")]
    enter(world)
    stayed = [case.number for case in (world.over, world.would_be_past) if reckoned(case)[0][0] == "deadline.kept"]
    assert foretold != stayed


def test_a_reopened_period_of_an_ended_case_that_is_over_is_left_alone(tx):
    """It runs until its last day; no notice is weighed against it afterwards, and no page counts it."""
    office = Desk(Bureau.within(tx))
    bureau, notice = office.bureau, office.final()
    bureau.admin = bureau.person("管")
    office.correct(notice, "2026-10-08T15:00:00")
    assert notice.deadline("objection").last_day == date(2026, 10, 16)

    def running() -> int:
        return preview(bureau, of_october()).running

    bureau.pass_to("2026-10-16T23:59:59")
    assert running() == 1
    bureau.pass_to("2026-10-17T00:00:00")
    assert running() == 0
    before = notice.kinds
    assert enter(bureau, of_october()) == 0
    bureau.act(lambda tx, at: reckoning.recompute(bureau.kernel, tx, at, None, notice.id))
    assert (waiting(bureau), notice.kinds) == (0, before)
    assert bureau.run.read(lambda tx: reckoning.provisional_by_year(tx, bureau.now)) == {}
    assert bureau.breaks() == []


def of_october() -> Notice:
    """A notice for 2026 by which the 12th and 13th of October are off, too."""
    days = base.year_of(2026)
    off = tuple(sorted({*days.off, date(2026, 10, 12), date(2026, 10, 13)}))
    return Notice(2026, "国办发明电〔2026〕8号", "https://www.gov.cn/", off, tuple(days.worked))


def test_an_act_under_way_is_waited_for_so_that_its_case_moves_too(own_database):
    world = World.over(own_database, small())
    admin = world.person("管")
    world.at("2027-02-01T10:00:00")
    entered: list[int] = []

    def enter_it() -> None:
        entered.append(own_database.attempt(lambda tx: reckoning.enter(world.kernel, tx, NOTICE, admin, 0, world.now)))

    with own_database.transaction() as tx:
        case = filing.file(world.kernel, tx, world.wang, "small", "ten", {"text": "请办理"}, world.now)
        case_id = case.id
        administrator = threading.Thread(target=enter_it)
        administrator.start()
        time.sleep(0.4)
        assert entered == []
    administrator.join(10)
    assert entered == [1]
    world.act(lambda tx, at: None)  # the worker does the job
    assert Followed(world, case_id).deadline("limit").last_day == date(2027, 2, 18)


def test_of_two_administrators_at_once_one_looks_again(own_database):
    world = World.over(own_database, small())
    admin = world.person("管")
    world.at("2027-02-01T10:00:00")
    world.works = False
    world.file("ten", world.wang, text="请办理")
    barrier, outcomes = threading.Barrier(2), []

    def enter_it(number: str) -> None:
        barrier.wait()
        try:
            notice = replace(NOTICE, number=number)
            own_database.attempt(lambda tx: reckoning.enter(world.kernel, tx, notice, admin, 0, world.now))
            outcomes.append("entered")
        except CalendarChanged:
            outcomes.append("again")

    both = [threading.Thread(target=enter_it, args=(number,)) for number in ("一", "二")]
    for one in both:
        one.start()
    for one in both:
        one.join(20)
    assert sorted(outcomes) == ["again", "entered"]
    with own_database.transaction() as tx:
        assert len(calendars.entered(tx)) == 1


def test_acts_and_jobs_at_the_same_time_move_each_case_once(own_database):
    world = World.over(own_database, small())
    admin = world.person("管")
    world.works = False
    cases = filed(world, *[("ten", "2027-02-01")] * 6)
    version = own_database.attempt(lambda tx: reckoning.enter(world.kernel, tx, NOTICE, admin, 0, world.now))
    assert version == 6

    def bring_on(order: list[Followed]) -> None:
        for case in order:
            own_database.attempt(lambda tx, i=case.id: reckoning.recompute(world.kernel, tx, world.now, None, i))

    workers = [
        threading.Thread(target=bring_on, args=(order,)) for order in (cases, cases[::-1], cases[2:] + cases[:2])
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [case.kinds.count("deadline.moved") for case in cases] == [1] * 6
    assert world.breaks() == []
