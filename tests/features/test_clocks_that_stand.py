"""Clocks of a case that stand for what is open, are set in the case, extended, and kept apart by seat."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from portal.cases import extending, proof, reckoning
from portal.cases.errors import FormRefused, NotYourRole
from portal.cases.extending import ExtendedEnough, ExtendedTooLate, ExtensionReason, NoLongerRuns, NotExtendable
from portal.cases.models import Task
from portal.cases.names import evaluate
from portal.clock import TZ
from portal.deadlines import service as deadlines
from portal.deadlines.models import Deadline
from portal.deadlines.wording import why
from portal.notify import PortalMessage
from tests.builders.clocks import FILED, MANIFEST, clocks_content, seats_content, timed_content
from tests.builders.warned import messages
from tests.builders.world import World
from tests.features.test_calendar_versions import NOTICE


def begun(tx, manifest: str = MANIFEST, **answers):
    """A plan filed on Monday 2 March."""
    world = World.within(tx, clocks_content(manifest))
    world.officer, world.leader = world.person("周", "officer"), world.person("陈", "leader")
    world.at(FILED)
    return world, world.file("plan", world.wang, text="方案", **answers)


def row(case, name: str, scope: str | None = None) -> Deadline:
    every = case.see(lambda live: deadlines.of_case(live.tx, live.id))
    return [one for one in every if one.name == name and scope in (None, one.scope)][-1]


def told(case, name: str) -> tuple[str, str | None]:
    """State and last day, which nobody knows while the clock stands."""
    found = row(case, name)
    return found.state, found.last.isoformat() if found.last else None


def kinds(case, name: str) -> list[tuple[str, str]]:
    """What the history tells of a deadline, and why."""
    every = case.history
    found = [entry for entry in every if entry.kind.startswith("deadline.") and entry.details["deadline"] == name]
    return [(entry.kind.removeprefix("deadline."), entry.details.get("reason", "")) for entry in found]


def intact(world) -> None:
    assert world.breaks() == []
    assert world.run.read(lambda tx: list(proof.altered(tx))) == []


def extend(world, case, by, reason="案情复杂", name="decide") -> None:
    world.act(lambda tx, at: extending.extend(world.kernel, tx, by, row(case, name).id, reason, at))


def corrected(world, case, until: str, **answers) -> None:
    """The officer asks for a correction at 15:00 of Thursday the 5th; it comes at a moment."""
    world.at("2026-03-05T15:00:00")
    world.complete("review", world.officer, result="继续")
    world.at(until)
    world.complete("correct", world.wang, text="补正后的方案", **answers)


# Elements


def test_the_clock_stands_while_an_element_is_open(tx):
    world, case = begun(tx)
    assert told(case, "decide") == ("running", "2026-03-16")
    world.at("2026-03-05T15:00:00")
    world.complete("review", world.officer, result="继续")
    assert told(case, "decide") == ("paused", None)
    assert row(case, "decide").paused_by == ["correct"]
    assert case.see(lambda live: evaluate(live, "deadlines.decide")) | {"started": None} == {
        "started": None, "due": None, "last_day": None, "state": "paused",
    }  # fmt: skip
    world.at("2026-03-09T12:00:00")
    world.complete("correct", world.wang, text="补正后的方案")
    # Only the 6th was wholly covered.
    assert told(case, "decide") == ("running", "2026-03-17")
    assert kinds(case, "decide") == [
        ("started", "接到申请"), ("paused", "环节correct"), ("resumed", "环节correct已结束"),
    ]  # fmt: skip
    [pause] = case.see(lambda live: list(live.deadlines["decide"].pauses))
    assert [moment.astimezone(TZ).isoformat() for moment in (pause.since, pause.until)] == [
        "2026-03-05T15:00:00+08:00", "2026-03-09T12:00:00+08:00",
    ]  # fmt: skip
    intact(world)


def test_the_arithmetic_is_told_while_it_stands_and_afterwards(tx):
    world, case = begun(tx)
    world.at("2026-03-05T15:00:00")
    world.complete("review", world.officer, result="继续")
    assert case.see(lambda live: why(live.deadlines["decide"])) == (
        "3月2日接到申请，次日起算；已计3个工作日；3月5日起暂停计时（环节correct）；恢复计时后，接着计算剩余7个工作日。"
    )
    world.at("2026-03-11T12:00:00")
    world.complete("correct", world.wang, text="补正后的方案")
    assert case.see(lambda live: why(live.deadlines["decide"])) == (
        "3月2日接到申请，次日起算；跳过3月14日、15日（周末）；3月6日至10日暂停计时（环节correct），不计；"
        "第10个工作日为3月19日，当日24:00届满。"
    )


def test_nobody_is_reminded_and_nothing_is_overdue_while_it_stands(tx):
    world, case = begun(tx)
    world.at("2026-03-05T15:00:00")
    world.complete("review", world.officer, result="继续")
    world.pass_to("2026-06-01T09:00:00")
    assert messages(world) == [(world.wang.person_id, "03-05 15:00", "请办理：环节correct")]
    assert told(case, "decide") == ("paused", None)
    world.complete("correct", world.wang, text="补正后的方案")
    # Three had counted, the 4th and 5th are the 1st and 2nd of June.
    assert told(case, "decide") == ("running", "2026-06-09")
    world.pass_to("2026-06-05T09:00:00")
    assert [title for person, _at, title in messages(world) if person == world.officer.person_id] == [
        "作出决定：第 8 个工作日"
    ]
    intact(world)


def test_a_deadline_that_is_over_is_not_stopped_any_more(tx):
    world, case = begun(tx)
    world.pass_to("2026-03-17T10:00:00")
    world.complete("review", world.officer, result="继续")
    assert told(case, "decide") == ("running", "2026-03-16")


def test_a_task_shows_no_end_while_its_clock_stands(tx):
    world, case = begun(tx)
    world.at("2026-03-03T10:00:00")
    world.complete("review", world.officer, result="结束")
    world.pass_to("2026-03-11T00:02:00")
    due = select(Task.due).where(Task.case_id == case.id, Task.element == "conclude")
    assert world.run.read(lambda tx: tx.scalar(due)).astimezone(TZ).isoformat() == "2026-03-17T00:00:00+08:00"
    world.at("2026-03-12T10:00:00")
    objection = world.file("objection", world.wang, case, text="不同意")
    assert world.run.read(lambda tx: tx.scalar(due)) is None
    world.at("2026-03-13T10:00:00")
    world.complete("answer", world.officer, objection, text="不成立")
    assert world.run.read(lambda tx: tx.scalar(due)).astimezone(TZ).isoformat() == "2026-03-17T00:00:00+08:00"


# Cases about it


def test_two_cases_that_overlap_stop_one_clock_from_the_first_to_the_last(tx):
    world, case = begun(tx)
    world.at("2026-03-03T10:00:00")
    world.complete("review", world.officer, result="结束")
    assert told(case, "public") == ("running", "2026-03-10")
    world.at("2026-03-05T15:00:00")
    first = world.file("objection", world.wang, case, text="一")
    assert told(case, "public") == ("paused", None)
    assert case.ripe_at is None
    world.at("2026-03-09T10:00:00")
    second = world.file("objection", world.wang, case, text="二")
    world.at("2026-03-10T10:00:00")
    world.complete("answer", world.officer, first, text="不成立")
    assert row(case, "public").paused_by == ["cases(objection)"]
    world.pass_to("2026-03-12T09:00:00")
    assert case.tasks == []
    world.complete("answer", world.officer, second, text="不成立")
    # The 4th had counted; the 5th to the 12th are touched: 13, 16, 17, 18 March.
    assert told(case, "public") == ("running", "2026-03-18")
    assert told(case, "decide") == ("running", "2026-03-20")
    world.pass_to("2026-03-19T00:01:01")
    assert case.tasks == ["conclude"]
    world.complete("conclude", world.officer, text="同意")
    assert case.outcome == "办结"
    intact(world)


def test_pauses_of_two_kinds_unite(tx):
    world, case = begun(tx)
    world.at("2026-03-05T15:00:00")
    world.complete("review", world.officer, result="继续")
    world.at("2026-03-06T10:00:00")
    objection = world.file("objection", world.wang, case, text="不同意")
    assert row(case, "decide").paused_by == ["cases(objection)", "correct"]
    world.at("2026-03-06T12:00:00")
    world.complete("correct", world.wang, case, text="补正后的方案")
    assert row(case, "decide").paused_by == ["cases(objection)"]
    world.at("2026-03-09T12:00:00")
    world.complete("answer", world.officer, objection, text="不成立")
    # Neither covers the 6th alone.
    assert told(case, "decide") == ("running", "2026-03-17")
    assert [kind for kind, _why in kinds(case, "decide")] == ["started", "paused", "paused", "paused", "resumed"]
    intact(world)


def test_a_case_that_ends_while_its_clock_stands_drops_it(tx):
    manifest = MANIFEST.replace('{ while = "correct" }', '{ while = "conclude" }')
    world, case = begun(tx, manifest)
    world.at("2026-03-03T10:00:00")
    world.complete("review", world.officer, result="结束")
    world.pass_to("2026-03-11T00:02:00")
    assert told(case, "decide") == ("paused", None)
    world.complete("conclude", world.officer, text="同意")
    # Met by what it stood for: its clock ran again at that moment, in time.
    assert told(case, "decide") == ("met", "2026-03-16")
    assert [entry.details["late"] for entry in case.entries("deadline.met")] == [False]
    intact(world)


def test_a_holiday_notice_leaves_a_standing_clock_alone_and_counts_when_it_runs_again(tx):
    """In 2027, whose notice nobody knew: it gives the 9th to the 11th of February off, and has a weekend worked."""
    world = World.within(tx, clocks_content())
    world.officer, admin = world.person("周", "officer"), world.person("管")
    world.at("2027-02-01T10:00:00")
    case, other = (world.file("plan", world.wang, text=text) for text in ("方案", "另一方案"))
    assert (told(case, "decide"), row(case, "decide").provisional) == (("running", "2027-02-17"), True)
    world.at("2027-02-02T15:00:00")
    world.complete("review", world.officer, case, result="继续")
    before = row(case, "decide").explanation
    world.at("2027-02-03T10:00:00")
    preview = world.run.read(lambda tx: reckoning.preview(world.kernel, tx, NOTICE, world.now))
    moved = world.run.read(lambda tx: list(reckoning.lines(tx, preview.affected["moved"], 0, 10)))
    assert [(line.number, line.title) for line in moved] == [(case.number, "公示"), (other.number, "作出决定")]
    assert preview.running == 2
    world.act(lambda tx, at: reckoning.enter(world.kernel, tx, NOTICE, admin, 0, at))
    world.work()
    assert told(other, "decide") == ("running", "2027-02-18")
    assert (told(case, "decide"), row(case, "decide").explanation) == (("paused", None), before)
    assert kinds(case, "decide") == [("started", "接到申请"), ("paused", "环节correct")]
    world.at("2027-02-04T12:00:00")
    world.complete("correct", world.wang, case, text="补正后的方案")
    assert told(case, "decide") == ("running", "2027-02-19")
    assert row(case, "decide").provisional is False
    days = [line["day"] for line in row(case, "decide").explanation if line["counted"]]
    # Only the 3rd was wholly covered.
    assert days == [
        *("2027-02-02", "2027-02-04", "2027-02-12", "2027-02-13", "2027-02-14"),
        *("2027-02-15", "2027-02-16", "2027-02-17", "2027-02-18", "2027-02-19"),
    ]
    intact(world)


# Lengths and dates set in the case


@pytest.mark.parametrize(("days", "last"), [(None, "2026-03-10"), (5, "2026-03-10"), (8, "2026-03-13")])
def test_a_minimum_is_lengthened_by_what_was_set(tx, days, last):
    world, case = begun(tx, **({"days": days} if days else {}))
    world.at("2026-03-03T10:00:00")
    world.complete("review", world.officer, result="结束")
    assert told(case, "public") == ("running", last)


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (4, "公示天数不得少于 5个工作日：“公示”只能延长，不能缩短"),
        (0, "公示天数应为 1 至 2500 的整数"),
        (2501, "公示天数应为 1 至 2500 的整数"),
    ],
)
def test_a_shorter_minimum_is_refused_where_it_is_typed(tx, days, said):
    with pytest.raises(FormRefused) as refused:
        begun(tx, days=days)
    assert {key: fault.zh for key, fault in refused.value.fields.items()} == {"days": said}


def test_a_shorter_minimum_is_refused_in_a_correction_too(tx):
    world, _case = begun(tx, days=8)
    world.at("2026-03-05T15:00:00")
    world.complete("review", world.officer, result="继续")
    with pytest.raises(FormRefused) as refused:
        world.complete("correct", world.wang, text="补正", days=4)
    assert list(refused.value.fields) == ["days"]


SHOWN_AT_ONCE = MANIFEST.replace('after  = "done(review)"\nlength', 'after  = "filed"\nlength')


def test_a_minimum_that_was_lengthened_is_never_cut_again(tx):
    world, case = begun(tx, SHOWN_AT_ONCE, days=12)
    assert told(case, "public") == ("running", "2026-03-18")
    world.at("2026-03-05T15:00:00")
    world.complete("review", world.officer, result="继续")
    with pytest.raises(FormRefused) as refused:
        world.complete("correct", world.wang, text="补正", days=11)
    assert refused.value.fields["days"].zh == "公示天数不得少于 12个工作日：“公示”只能延长，不能缩短"
    world.complete("correct", world.wang, text="补正")
    assert told(case, "public") == ("running", "2026-03-18")
    world.complete("review", world.officer, result="继续")
    world.complete("correct", world.wang, text="补正", days=13)
    assert told(case, "public") == ("running", "2026-03-19")
    intact(world)


def test_a_minimum_that_runs_is_lengthened_to_a_date_counted_from_its_own_beginning(tx):
    world, case = begun(tx, SHOWN_AT_ONCE.replace('"start.days"', '"start.held"'))
    assert told(case, "public") == ("running", "2026-03-09")
    world.at("2026-03-05T15:00:00")
    world.complete("review", world.officer, result="继续")
    with pytest.raises(FormRefused) as refused:
        world.complete("correct", world.wang, text="补正", held="2026-03-06")
    assert refused.value.fields["held"].zh == "活动日期不得早于 2026-03-09：“公示”不得少于5个工作日"
    world.complete("correct", world.wang, text="补正", held="2026-03-10")
    assert told(case, "public") == ("running", "2026-03-10")
    intact(world)


def test_a_date_starts_a_deadline_and_moves_it(tx):
    world, case = begun(tx, held="2026-04-01")
    assert told(case, "event") == ("running", "2026-04-07")  # the 6th is Qingming
    corrected(world, case, "2026-03-06T10:00:00", held="2026-03-20")
    assert told(case, "event") == ("running", "2026-03-25")
    assert kinds(case, "event") == [("started", "起算日"), ("moved", "起算日的日期由2026-04-01更正为2026-03-20")]
    intact(world)


# Extensions


def test_the_leader_extends_once_with_a_reason_and_the_party_is_told(tx):
    world, case = begun(tx)
    world.at("2026-03-12T10:00:00")
    extend(world, case, world.leader, "案情复杂。")
    assert told(case, "decide") == ("running", "2026-03-23")
    assert case.see(lambda live: why(live.deadlines["decide"])) == (
        "3月2日接到申请，次日起算；跳过3月7日、8日（周末）、3月14日、15日（周末）、3月21日、22日（周末）；"
        "第15个工作日为3月23日，当日24:00届满。2026-03-12经领导批准延长5个工作日，理由：案情复杂。"
    )
    [entry] = case.entries("deadline.extended")
    assert (entry.actor_id, entry.details["old_due"], entry.details["new_due"]) == (
        world.leader.person_id, "2026-03-17T00:00:00+08:00", "2026-03-24T00:00:00+08:00",
    )  # fmt: skip
    sent = world.run.read(lambda tx: tx.scalars(select(PortalMessage).where(PortalMessage.kind == "warning")).all())
    assert [(one.person_id, one.title, one.body) for one in sent] == [
        (
            world.wang.person_id,
            "期限延长：作出决定",
            f"plan {case.number}：“作出决定”延长至 2026年3月23日（周一）24:00。"
            "2026-03-12经领导批准延长5个工作日，理由：案情复杂。",
        )
    ]
    with pytest.raises(ExtendedEnough):
        extend(world, case, world.leader)
    intact(world)


def test_who_extends_why_and_when_is_bounded(tx):
    world, case = begun(tx)
    world.at("2026-03-03T10:00:00")
    with pytest.raises(NotYourRole):
        extend(world, case, world.officer)
    for reason in (" ", "长" * 501):
        with pytest.raises(ExtensionReason):
            extend(world, case, world.leader, reason)
    world.complete("review", world.officer, result="结束")
    with pytest.raises(NotExtendable):
        extend(world, case, world.leader, name="public")
    world.at("2026-03-17T00:00:00")
    with pytest.raises(ExtendedTooLate):
        extend(world, case, world.leader)
    assert told(case, "decide") == ("running", "2026-03-16")
    world.pass_to("2026-03-17T00:02:00")
    world.complete("conclude", world.officer, text="同意")
    with pytest.raises(NoLongerRuns):
        extend(world, case, world.leader)
    assert "期限延长：作出决定" not in [title for _person, _at, title in messages(world)]


def test_what_stands_is_extended_for_when_it_runs_again(tx):
    world, case = begun(tx)
    world.at("2026-03-05T15:00:00")
    world.complete("review", world.officer, result="继续")
    extend(world, case, world.leader)
    assert told(case, "decide") == ("paused", None)
    world.at("2026-03-09T12:00:00")
    world.complete("correct", world.wang, text="补正后的方案")
    assert told(case, "decide") == ("running", "2026-03-24")
    intact(world)


def test_what_people_read_for_a_pause_is_said_where_its_element_is_called_otherwise(tx):
    world, case = begun(tx, MANIFEST.replace('{ while = "correct" }', '{ while = "correct", title = "补正材料" }'))
    world.at("2026-03-05T15:00:00")
    world.complete("review", world.officer, result="继续")
    assert [one.why for one in case.see(lambda live: live.deadlines["decide"].open_pauses)] == ["补正材料"]


# Actions of diagrams


def test_a_diagram_starts_stops_restarts_and_extends_a_clock(tx):
    world = World.within(tx, timed_content())
    officer = world.person("周", "officer")
    world.at(FILED)
    case = world.file("timed", world.wang, text="请")
    assert case.see(lambda live: deadlines.of_case(live.tx, live.id)) == []
    world.complete("first", officer, text="开始")
    assert (row(case, "work").event, told(case, "work")) == ("action(begin)", ("running", "2026-03-16"))
    world.at("2026-03-05T15:00:00")
    world.complete("second", officer, text="等待鉴定")
    assert (told(case, "work"), row(case, "work").paused_by) == (("paused", None), ["suspended"])
    world.at("2026-03-09T12:00:00")
    world.complete("third", officer, text="鉴定已到")
    assert told(case, "work") == ("running", "2026-03-17")
    world.complete("fourth", officer, text="情况复杂")
    assert told(case, "work") == ("running", "2026-04-17")
    assert case.see(lambda live: why(live.deadlines["work"])) == (
        "3月2日开始计时，次日起算；期限为10个工作日，再加1个月；3月6日至8日暂停计时（等待鉴定），不计；"
        "最后一日为4月17日，当日24:00届满。2026-03-09经领导批准延长1个月，理由：情况复杂。"
    )
    world.complete("last", officer, text="完")
    assert told(case, "work") == ("met", "2026-04-17")
    intact(world)


# Seats


def test_the_periods_of_two_seats_run_side_by_side(tx):
    world = World.within(tx, seats_content())
    officer = world.person("周", "officer")
    world.at(FILED)
    case = world.file("panel", world.wang, text="请")
    live = {(one.name, one.scope): one.state for one in case.see(lambda live: deadlines.of_case(live.tx, live.id))}
    assert live == {
        ("whole", ""): "running",
        ("reply", "seat:1.1"): "running",
        ("reply", "seat:1.2"): "running",
        ("reply", "seat:1.3"): "running",
    }
    [second] = [task.id for task in case.all_tasks if task.scope == "seat:1.2"]
    world.at("2026-03-03T10:00:00")
    world.complete(second, officer, text="接受")
    states = [row(case, "reply", f"seat:1.{item}").state for item in (1, 2, 3)]
    assert states == ["running", "met", "running"]
    assert row(case, "whole").state == "running"
    intact(world)


def test_a_task_in_a_seat_shows_the_end_of_its_own_period(tx):
    world = World.within(tx, seats_content(sequential=True))
    officer = world.person("周", "officer")
    world.at(FILED)
    case = world.file("panel", world.wang, text="请")
    world.at("2026-03-04T10:00:00")
    world.complete("invite", officer, text="接受")
    world.complete("opinion", officer, text="通过")
    dues = {task.scope: task.due.astimezone(TZ).isoformat() for task in case.all_tasks if task.due}
    assert dues == {"seat:1.1": "2026-03-06T00:00:00+08:00", "seat:1.2": "2026-03-10T00:00:00+08:00"}
    assert row(case, "reply", "seat:1.1").state == "met"


def test_what_runs_in_a_seat_is_dropped_when_the_seats_are_left_unless_it_is_over(tx):
    world = World.within(tx, seats_content("=count(seat[item.outcome != null]) >= 1"))
    officer = world.person("周", "officer")
    world.at(FILED)
    case = world.file("panel", world.wang, text="请")
    [first] = [task.id for task in case.all_tasks if task.scope == "seat:1.1"]
    world.complete(first, officer, text="接受")
    [opinion] = [task.id for task in case.all_tasks if task.element == "opinion"]
    world.complete(opinion, officer, text="通过")
    assert case.tasks == ["conclude"]
    assert [row(case, "reply", f"seat:1.{item}").state for item in (1, 2, 3)] == ["met", "dropped", "dropped"]
    assert row(case, "whole").state == "met"
    assert [one for one in kinds(case, "reply") if one[0] == "dropped"] == [("dropped", "相关环节已经结束")] * 2
    intact(world)
