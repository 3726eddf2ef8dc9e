"""Reminders of a deadline and the overdue duty: who hears of it, when, once, and what takes it off the desk."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select, update

from portal import identity, notify
from portal.cases import warning
from portal.clock import day_of
from portal.deadlines.models import Deadline
from portal.identity.models import Grant
from portal.notify import PortalMessage
from tests.builders.assigned import FIRST, SECOND, THIRD, committee, natural, one_expert
from tests.builders.procedures import content, deadline
from tests.builders.warned import FILED, WARN, left_open, matters, messages, warned_content
from tests.builders.world import Bureau, World
from tests.features.test_act_costs import counted


def begun(tx, warn: str = WARN):
    """A case filed on 18 September, two officers and a leader."""
    world = World.within(tx, warned_content(warn))
    world.officer, world.other = world.person("周", "officer"), world.person("吴", "officer")
    world.leader = world.person("陈", "leader")
    world.at(FILED)
    return world, world.file("asked", world.wang, text="请办理")


def to(world, *people: identity.Actor) -> list[int]:
    return sorted(person.person_id for person in people)


def at(world, moment: str) -> list[tuple[int, str]]:
    """Who was told what at a moment."""
    return sorted((person, title) for person, when, title in messages(world) if when == moment)


def test_everybody_of_a_role_is_told_on_its_day(tx):
    world, case = begun(tx)
    world.pass_to("2026-09-24T08:59:59")
    assert messages(world) == []
    world.pass_to("2026-09-24T09:00:00")
    told = [(person.person_id, "decide：第 5 个工作日") for person in (world.officer, world.other)]
    assert at(world, "09-24 09:00") == sorted(told)
    [entry] = case.entries("deadline.warned")
    assert entry.details == {
        "deadline": "decide",
        "title": "decide",
        "due": "2026-10-10T00:00:00+08:00",
        "warnings": ["day 5"],
        "late": [],
        "roles": ["经办人"],
        "people": to(world, world.officer, world.other),
    }
    assert (entry.actor_id, entry.moment.astimezone(world.now.tzinfo)) == (None, world.now)
    assert world.breaks() == []


def test_the_message_says_which_case_and_what_is_left(tx):
    world, case = begun(tx)
    world.pass_to("2026-09-24T09:00:00")
    [message] = notify.of_person(tx, world.officer.person_id, 5)
    name = "重庆某水泥有限公司"
    assert message.body == f"asked {case.number}（{name}）：decide，期限至 2026年10月9日（周五）24:00，剩 5 个工作日。"
    assert (message.case_id, message.kind, message.read_at) == (case.id, "warning", None)


def test_who_holds_the_task_stands_for_his_role(tx):
    world, case = begun(tx)
    world.claim("do", world.other, case)
    world.pass_to("2026-09-30T09:00:00")
    assert [person for person, _ in at(world, "09-24 09:00")] == [world.other.person_id]
    assert [person for person, _ in at(world, "09-30 09:00")] == to(world, world.other, world.leader)


def test_a_role_that_ended_before_the_day_hears_nothing(tx):
    world, _case = begun(tx)
    tx.execute(update(Grant).where(Grant.person_id == world.other.person_id).values(to_day=date(2026, 9, 23)))
    world.pass_to("2026-09-24T09:00:00")
    assert [person for person, _ in at(world, "09-24 09:00")] == [world.officer.person_id]


def test_a_holder_whose_role_has_ended_stands_for_nobody(tx):
    world, case = begun(tx)
    world.claim("do", world.other, case)
    tx.execute(update(Grant).where(Grant.person_id == world.other.person_id).values(to_day=date(2026, 9, 23)))
    world.pass_to("2026-09-24T09:00:00")
    assert [person for person, _ in at(world, "09-24 09:00")] == [world.officer.person_id]


def test_an_overdue_duty_comes_onto_the_desk_at_24_00_and_leaves_it_when_it_is_done(tx):
    world, case = begun(tx)
    world.pass_to("2026-10-09T23:59:59")
    assert matters(world) == []
    world.pass_to("2026-10-10T00:00:00")
    assert at(world, "10-10 00:00") == [(world.leader.person_id, "已逾期：decide")]
    assert matters(world) == [("leader", "overdue", None)]
    world.pass_to("2026-10-12T09:00:00")
    assert [title for _, title in at(world, "10-12 09:00")] == ["已逾期：decide", "已逾期：decide"]
    assert matters(world) == [("leader", "overdue", None)]
    world.complete("do", world.officer, case, text="已办")
    assert matters(world) == [("leader", "overdue", "settled")]
    assert case.kinds.count("matter.settled") == 1
    assert world.breaks() == []


def test_a_duty_done_in_time_is_warned_of_no_more(tx):
    world, case = begun(tx)
    world.pass_to("2026-09-24T10:00:00")
    world.complete("do", world.officer, case, text="已办")
    assert case.deadline("decide").warn_at is None
    before = messages(world)
    world.pass_to("2026-11-20T10:00:00")
    assert messages(world) == before
    assert matters(world) == []


def test_what_was_missed_is_not_said_ten_times(tx):
    world, case = begun(tx)
    world.at("2026-10-08T10:00:00")
    world.work()
    assert {when for _, when, _ in messages(world)} == {"09-30 09:00"}
    [entry] = case.entries("deadline.warned")
    assert (entry.details["warnings"], entry.details["late"]) == (["day 8"], ["day 5"])
    assert case.deadline("decide").warned == ["day 5", "day 8"]
    world.at("2026-12-01T10:00:00")
    world.work()
    told = case.entries("deadline.warned")[-1].details["warnings"]
    assert told == ["overdue 0", "overdue 2"]
    # Each person hears it once, though the leader is named by one warning and the officers by the other.
    late = [person for person, when, _ in messages(world) if when == "10-12 09:00"]
    assert sorted(late) == to(world, world.officer, world.other, world.leader)
    assert case.deadline("decide").warn_at is None


def test_reminders_that_come_too_late_leave_no_trace_but_that(tx):
    world, case = begun(tx, 'warn = [ { day = 5, remind = ["officer"] } ]')
    world.at("2026-12-01T10:00:00")
    world.work()
    assert messages(world) == []
    assert case.entries("deadline.warned") == []
    assert (case.deadline("decide").warned, case.deadline("decide").warn_at) == (["day 5"], None)
    assert world.run.read(lambda tx: warning.first(tx, world.now)) is None


def test_a_case_that_ends_overdue_leaves_the_desk_and_is_warned_of_no_more(tx):
    warn = 'warn = [ { overdue = 0, raise = "leader" }, { overdue = 9, remind = ["leader"] } ]'
    small = left_open("3 working days", "duty", warn)
    world = World.within(tx, content(open=small))
    world.person("陈", "leader")
    world.at(FILED)
    case = world.file("open", world.wang, text="请办理")
    world.pass_to("2026-09-23T00:00:00")
    assert matters(world) == [("leader", "overdue", None)]
    world.send("answered", case, world.granted(world.wang, "unit"))
    assert case.outcome == "办结"
    assert matters(world) == [("leader", "overdue", "settled")]
    assert case.deadline("limit").warn_at is None


def test_the_party_is_reminded_of_its_right(tx):
    world = World.within(tx, content(open=left_open(warn='warn = [ { left = 2, remind = ["party"] } ]')))
    world.person("李", of=world.cement)
    world.at(FILED)
    world.file("open", world.wang, text="请办理")
    world.pass_to("2026-10-01T00:00:00")
    told = at(world, "09-24 09:00")
    assert [title for _, title in told] == ["limit：期限将满", "limit：期限将满"]
    people = world.run.read(lambda tx: identity.queries.people_of(tx, world.cement))
    assert [person for person, _ in told] == people


def told_of_opinion(world) -> list[tuple[int, str, str, bool]]:
    """Who was told what and how of the deadline `opinion`, and whether it leads to a task of his own."""
    query = select(PortalMessage).where(PortalMessage.title == "opinion：期限将满").order_by(PortalMessage.id)
    found = world.run.read(lambda tx: list(tx.scalars(query)))
    return [(one.person_id, one.kind, one.body, one.subject_id is not None) for one in found]


def test_whoever_has_the_task_alone_is_reminded_of_its_period(tx):
    """He is told, and reads nothing of whose case it is; another comes in his place, and has a period of his own."""
    world = World.within(tx, one_expert(warn='warn = [ { left = 2, remind = ["expert", "officer"] } ]'))
    officer, posing = world.person("官", "officer"), world.person("假", "expert")
    first, second = natural(world, "秦", FIRST), natural(world, "许", SECOND)
    case = world.file("paper", world.wang, title="某题目", contact="13800000000")
    world.complete("assign", officer, case, expert=FIRST)
    world.pass_to("2026-09-24T08:59:59")
    called = f"{case.row.title} {case.number}"
    until = "opinion，期限至 2026年9月29日（周二）24:00，剩 2 个工作日。"
    assert told_of_opinion(world) == []
    world.pass_to("2026-09-24T09:00:00")
    assert told_of_opinion(world) == [
        (officer.person_id, "warning", f"{called}（重庆某水泥有限公司）：{until}", False),
        (first.person_id, "task", f"{called}：{until}", True),
    ]
    [entry] = case.entries("deadline.warned")
    assert (entry.details["roles"], entry.details["people"]) == (["专家", "经办人"], to(world, officer, first))
    world.send("replace", case, officer, expert=SECOND)
    assert len(told_of_opinion(world)) == 2
    world.pass_to("2026-10-10T09:00:00")
    assert [(person, kind) for person, kind, _body, _own in told_of_opinion(world)[2:]] == [
        (officer.person_id, "warning"), (second.person_id, "task"),
    ]  # fmt: skip
    assert posing.person_id not in {person for person, *_ in told_of_opinion(world)}
    assert world.breaks() == []


def test_of_many_only_those_are_reminded_who_have_not_done_it(tx):
    timed = deadline("opinion", "5 working days", "entered(opinion)", "obligation", met="done(opinion)")
    world = World.within(tx, committee(f'{timed}warn = [ {{ left = 2, remind = ["expert"] }} ]\n'))
    people = [natural(world, name, code) for name, code in (("秦", FIRST), ("许", SECOND), ("何", THIRD))]
    case = world.file("paper", world.wang, title="某题目", contact="13800000000")
    [task] = [one for one in case.all_tasks if one.assignee_id == people[0].organisation_id]
    world.complete(task.id, people[0], result="继续")
    world.pass_to("2026-09-24T09:00:00")
    told = [(person, kind) for person, kind, _body, _own in told_of_opinion(world)]
    assert told == [(one.person_id, "task") for one in people[1:]]
    [entry] = case.entries("deadline.warned")
    assert (entry.details["roles"], entry.details["people"]) == (["专家"], to(world, *people[1:]))


def test_a_party_that_has_used_its_right_is_not_reminded_of_it(tx):
    bureau = Bureau.within(tx)
    notice, other = bureau.served_notice(), bureau.served_notice()
    bureau.at("2026-09-25T10:00:00")
    bureau.object(notice)
    bureau.pass_to("2026-10-12T20:00:00")

    def reminded(case):
        query = select(PortalMessage.title).where(PortalMessage.case_id == case.id, PortalMessage.kind == "warning")
        return bureau.run.read(lambda tx: list(tx.scalars(query)))

    assert reminded(notice) == []
    assert reminded(other) == ["提出异议（申请复核）：期限将满"]
    assert notice.entries("deadline.warned") == []


def test_a_reminder_to_a_role_that_nobody_holds_says_so(tx):
    world, case = begun(tx, 'warn = [ { day = 5, remind = ["officer"] } ]')
    tx.execute(update(Grant).where(Grant.role == "officer").values(to_day=date(2026, 9, 23)))
    world.pass_to("2026-09-24T09:00:00")
    assert messages(world) == []
    [entry] = case.entries("deadline.warned")
    assert (entry.details["roles"], entry.details["people"]) == (["经办人"], [])


def test_other_organisations_and_people_without_the_role_hear_nothing(tx):
    world, _case = begun(tx)
    stranger = world.person("路")
    world.pass_to("2026-12-01T10:00:00")
    told = {person for person, _, _ in messages(world)}
    assert told.isdisjoint(to(world, stranger, world.wu, world.wang))


def test_the_moments_move_with_the_demo_clock(tx):
    world, case = begun(tx)
    assert case.deadline("decide").warn_at == world.now.replace(day=24, hour=9)
    world.at("2026-09-24T09:00:01")
    world.work()
    assert len(messages(world)) == 2
    # The clock goes back: nothing is unsaid, nothing said twice.
    world.at("2026-09-21T09:00:00")
    world.work()
    world.pass_to("2026-09-24T12:00:00")
    assert len(messages(world)) == 2


def test_a_late_warning_act_is_not_dated_before_what_happened_since(tx):
    world, case = begun(tx)
    world.at("2026-09-24T15:00:00")
    world.claim("do", world.officer, case)
    world.at("2026-09-24T16:00:00")
    world.work()
    moments = [entry.moment for entry in case.history]
    assert moments == sorted(moments)
    assert day_of(moments[-1]) == date(2026, 9, 24)


def test_warning_costs_the_same_beside_40_other_warned_families(tx):
    world, _case = begun(tx)

    def warn_one() -> int:
        with counted(tx) as statements:
            assert world.run.act(lambda tx: warning.warn_one(world.kernel, tx, world.now)) is not None
        return len(statements)

    world.at("2026-09-24T09:00:00")
    alone = warn_one()
    assert alone <= 24
    world.at(FILED)
    for _ in range(41):
        world.file("asked", world.wang, text="请办理")
    world.at("2026-09-24T09:00:00")
    assert warn_one() == alone
    assert len(tx.scalars(select(Deadline.id).where(Deadline.warn_at <= world.now)).all()) == 40


def test_the_one_that_waits_longest_is_found_by_an_index(tx):
    tx.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")
    query = "EXPLAIN SELECT id FROM deadlines WHERE warn_at <= now() ORDER BY warn_at LIMIT 1"
    plan = "\n".join(row[0] for row in tx.connection().exec_driver_sql(query))
    assert "ix_deadlines_warn" in plan
