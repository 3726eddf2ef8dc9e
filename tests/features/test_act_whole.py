"""What an act leaves behind: all of it or nothing, once, with every value kept and the history chained."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from portal.calendar import service as calendars
from portal.calendar.notice import Notice
from portal.cases import delivery
from portal.cases.actions import ACTIONS, Action
from portal.cases.conduct import conduct, found
from portal.cases.errors import FormRefused, StepFailed
from portal.cases.models import ActRecord, Case, CaseValue
from portal.db import Base
from portal.engine import EngineFault
from portal.procedures.actions import ActionRule
from tests.builders.diagrams import path
from tests.builders.procedures import content, deadline, does, end, procedure, start, task
from tests.builders.world import Bureau, World, moment_of


@pytest.fixture
def bureau(tx):
    bureau = Bureau.within(tx)
    yield bureau
    assert bureau.breaks() == []


def signed(bureau, conclusion="维持", **more):
    """A review of a served notice, decided."""
    review = bureau.object(bureau.served_notice())
    bureau.complete("check", bureau.li, review, result="受理")
    bureau.decide(review, conclusion, **more)
    bureau.complete("sign", bureau.chen, review, result="签发")
    return review


def written(tx):
    """A print of every table: any row that is added, changed or gone makes another one."""
    tx.flush()
    prints = {}
    for table in Base.metadata.sorted_tables:
        rows = f"SELECT coalesce(string_agg(r::text, '|' ORDER BY r::text), '') FROM {table.name} r"
        prints[table.name] = hashlib.sha256(tx.scalar(text(rows)).encode()).hexdigest()
    return prints


# Values


def values_of(bureau, case, element):
    query = select(CaseValue).where(CaseValue.case_id == case.id, CaseValue.element == element)
    rows = bureau.run.tx.scalars(query.order_by(CaseValue.act_id))
    return [(row.visit, row.value) for row in rows]


def test_every_value_is_kept_and_the_latest_is_seen(bureau):
    review = bureau.object(bureau.served_notice())
    bureau.complete("check", bureau.li, review, result="受理")
    bureau.decide(review, "变更", amount="1250000")
    bureau.complete("sign", bureau.chen, review, result="退回", opinion="数量有误")
    bureau.decide(review, "变更", amount="1260000")
    first = {"conclusion": "变更", "amount": "1250000", "reasons": "经核对"}
    second = first | {"amount": "1260000"}
    assert values_of(bureau, review, "review") == [(1, first), (2, second)]
    assert review.said("review") == second
    assert review.row.searchable == {"start.claimed_amount": "1320000", "review.conclusion": "变更"}


def test_a_correction_takes_the_place_of_what_was_filed_and_the_first_is_kept(bureau):
    review = bureau.object(bureau.served_notice())
    bureau.complete("check", bureau.li, review, result="补正", corrections="写明数量")
    corrected = {"claimed_amount": "1310000", "grounds": "更正后的理由"}
    bureau.complete("correct", bureau.wang, review, **corrected)
    filed = {"claimed_amount": "1320000", "grounds": "产量数据有误"}
    said = [value for _visit, value in values_of(bureau, review, "start")]
    assert [{key: value[key] for key in filed} for value in said] == [filed, corrected]
    assert review.row.searchable["start.claimed_amount"] == "1310000"
    assert review.see(lambda case: case.visits("", "check")) == 2


def test_what_was_said_twice_in_one_act_is_read_in_the_order_of_the_visits(bureau):
    notice = bureau.notice()
    act_id = bureau.run.tx.scalar(select(func.max(ActRecord.id)))
    for visit in (3, 1, 2):
        row = CaseValue(case_id=notice.id, act_id=act_id, scope="", element="waived", visit=visit, value={"n": visit})
        bureau.run.tx.add(row)
        bureau.run.tx.flush()
    assert notice.said("waived") == {"n": 3}


# Ends


def test_a_notice_that_is_replaced_after_it_was_final_keeps_its_old_outcome_in_its_history(bureau):
    notice = bureau.served_notice()
    bureau.at("2026-10-13T00:00:00")
    review = bureau.object(notice, late_reason="洪水")
    assert notice.outcome == "已生效"
    bureau.complete("check", bureau.li, review, result="提请认定正当理由", reason="不可抗力")
    bureau.complete("justify", bureau.sun, review, result="准予受理", reason="属实")
    bureau.decide(review, "变更", amount="1250000")
    bureau.complete("sign", bureau.chen, review, result="签发")
    assert (review.outcome, notice.outcome, notice.status) == ("变更", "已被取代", "已被取代")
    assert [entry.details["outcome"] for entry in notice.entries("case.ended")] == ["已生效"]
    [replaced] = notice.entries("case.replaced")
    assert replaced.details == {"was": "已生效", "outcome": "已被取代", "by": review.number}
    assert notice.row.ended_at == moment_of("2026-10-13T00:00:00")
    assert bureau.entries() == [("allowance", 1_200_000), ("allowance", 50_000)]
    assert bureau.breaks() == []


def test_running_deadlines_are_dropped_when_their_case_ends(bureau):
    review = bureau.object(bureau.served_notice())
    bureau.complete("check", bureau.li, review, result="补正", corrections="写明数量")
    bureau.send("withdraw", review, bureau.wang, confirmed=True)
    assert {name: review.deadline(name).state for name in ("decision", "correction")} == {
        "decision": "dropped",
        "correction": "dropped",
    }
    assert (review.ripe_at, review.kinds[-2:]) == (None, ["deadline.dropped", "deadline.dropped"])


def test_a_deadline_that_was_over_stays_when_its_case_ends(bureau):
    review = bureau.object(bureau.served_notice())
    assert review.deadline("decision").due == moment_of("2026-10-16T00:00:00")
    bureau.pass_to("2026-10-20T09:00:00")
    bureau.send("withdraw", review, bureau.wang, confirmed=True)
    assert review.outcome == "已撤回"
    assert (review.deadline("decision").state, review.entries("deadline.dropped")) == ("running", [])


def test_a_deadline_met_by_the_decision_is_met(bureau):
    review = signed(bureau)
    decision = review.deadline("decision")
    assert (decision.state, decision.met_at) == ("met", bureau.now)


# The history


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        ("UPDATE audit_entries SET details = '{}' WHERE case_id = :case AND seq = 3", ["entry 3 was changed"]),
        ("UPDATE audit_entries SET actor_id = 999 WHERE case_id = :case AND seq = 1", ["entry 1 was changed"]),
        (
            "DELETE FROM audit_entries WHERE case_id = :case AND seq = (SELECT max(seq) FROM audit_entries"
            " WHERE case_id = :case)",
            ["entries were written, the last one left is"],
        ),
        ("DELETE FROM audit_entries WHERE case_id = :case", ["the last one left is 0"]),
        ("UPDATE cases SET audit_length = audit_length + 1 WHERE id = :case", ["the last one left is"]),
    ],
)
def test_every_story_has_a_whole_history_and_tampering_shows(tx, tamper, words):
    bureau = Bureau.within(tx)
    review = signed(bureau, "变更", amount="1250000")
    assert bureau.breaks() == []
    assert [entry.seq for entry in review.history] == list(range(1, review.row.audit_length + 1))
    bureau.run.tx.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER USER"))
    bureau.run.tx.execute(text(tamper), {"case": review.id})
    found = bureau.breaks()
    assert {each.case_id for each in found} == {review.id}
    assert all(any(word in each.en for each in found) for word in words)


# Once


def rendered(bureau, letter, job):
    file = delivery.StoredFile("letters/1", "1" * 64, 100)
    bureau.act(lambda tx, at: delivery.rendered(bureau.kernel, tx, letter.id, file, at, job=job))


def test_two_acts_of_one_job_are_done_once(bureau):
    bureau.renders = False
    notice = bureau.notice()
    [letter] = notice.letters
    rendered(bureau, letter, "job 7")
    before = written(bureau.run.tx)
    rendered(bureau, letter, "job 7")
    assert written(bureau.run.tx) == before
    assert notice.kinds.count("letter.rendered") == 1
    acts = bureau.run.tx.scalars(select(ActRecord.job).where(ActRecord.job.is_not(None))).all()
    assert acts == ["job 7"]


def test_a_job_that_founds_a_family_does_it_once(tx):
    world = World.within(tx, content(one=procedure(start(None), task("do"), end(), path("start", "do", "end"))))
    done = []

    def verb(act):
        done.append(act.id)
        return act.id

    for _ in range(2):
        world.act(lambda tx, at: found(world.kernel, tx, at, "yearly", verb, job="job 8"))
    assert len(done) == 1


def test_a_case_started_by_a_step_is_unique_by_that_step(bureau):
    notice = bureau.notice()
    assert (notice.row.started_by_element, notice.row.started_by_scope, notice.row.started_by_visit) == (
        "start_notices", "", 1,
    )  # fmt: skip
    twin = {column.name: getattr(notice.row, column.name) for column in Case.__table__.columns}
    del twin["id"]
    with pytest.raises(IntegrityError, match="uq_cases_started_by"), bureau.run.tx.begin_nested():
        bureau.run.tx.execute(Case.__table__.insert().values({**twin, "number": "another"}))


# Nothing at all


def broken_actions(error):
    def fail(act, case, place, inputs):
        raise error

    return {**ACTIONS, "test.fail": Action(ActionRule(frozenset()), fail)}


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (StepFailed(reason="不行。"), StepFailed),
        (ZeroDivisionError("by design"), EngineFault),
        (KeyError("amount"), EngineFault),
    ],
)
def test_an_action_that_fails_in_the_middle_leaves_nothing_behind(tx, error, raised):
    grant = procedure(
        start(),
        task("draft"),
        does("tell", "cases.start", procedure="child"),
        does("post", "ledger.post", asset="points", to="=party.uscc", amount="=10 + 5"),
        does("fail", "test.fail"),
        end(),
        path("start", "draft", "tell", "post", "fail", "end"),
        manifest=deadline("limit", "3 days", after="done(draft)"),
    )
    child = procedure(
        start(None), task("wait"), end(), path("start", "wait", "end"), manifest='starts = { cases = ["grant"] }\n'
    )
    world = World.within(tx, content(grant=grant, child=child), broken_actions(error))
    zhou, case = world.person("周", "officer"), world.file("grant", world.wang)
    world.claim("draft", zhou, case)
    before = written(tx)
    for _ in range(2):
        with pytest.raises(raised):
            world.complete("draft", zhou, case, text="甲")
        assert written(tx) == before
    assert (case.tasks, case.outcome, world.entries(), world.breaks()) == (["draft"], None, [], [])
    # The story of the same content without the fault, to see that the act reaches all of it.
    world.kernel.actions["test.fail"] = Action(ActionRule(frozenset()), lambda *_: None)
    world.complete("draft", zhou, case, text="甲")
    assert (case.outcome, world.entries(), len(world.cases("child"))) == ("办结", [("points", 15)], 1)


def test_answers_that_do_not_fit_leave_nothing_behind(bureau):
    review = bureau.object(bureau.served_notice())
    before = written(bureau.run.tx)
    for answers in (
        {},
        {"result": "随便"},
        {"result": "受理", "role": "leader"},
        {"result": "受理", "_holder_id": "1"},
    ):
        with pytest.raises(FormRefused):
            bureau.complete("check", bureau.li, review, **answers)
    assert written(bureau.run.tx) == before
    assert review.tasks == ["check"]


# The calendar

# Made up: the true notice for 2027 is not out.
NOTICE_2027 = {
    "off": ("01-01", "01-02", "01-03", "02-05", "02-06", "02-07", "02-08", "02-09", "02-10", "02-11", "04-03", "04-04",
            "04-05", "05-01", "05-02", "05-03", "06-09", "09-15", "10-01", "10-02", "10-03", "10-04", "10-05"),
    "worked": ("02-13", "02-14"),
}  # fmt: skip


def enter_notice(bureau, off=(), worked=()):
    def days(parts):
        return tuple(moment_of(f"2027-{part}").date() for part in parts)

    notice = Notice(2027, "国办发明电〔2026〕0号", "https://www.gov.cn/", days((*NOTICE_2027["off"], *off)),
                    days((*NOTICE_2027["worked"], *worked)))  # fmt: skip
    bureau.act(lambda tx, at: calendars.enter(tx, notice, bureau.zhou.person_id, at))


def december_notice(bureau):
    bureau.at("2026-12-23T09:00:00")
    return bureau.served_notice("2026-12-25T10:00:00")


def nothing(bureau, case):
    """The act of a calendar job: whatever is due to the family, and no more."""
    bureau.act(lambda tx, at: conduct(bureau.kernel, tx, case.id, at, "calendar", lambda act: None))


def test_a_notice_of_holidays_makes_a_provisional_deadline_definite_at_the_next_act(bureau):
    notice = december_notice(bureau)
    before = notice.deadline("objection")
    assert (before.last_day.isoformat(), before.provisional) == ("2027-01-06", True)
    assert notice.ripe_at == moment_of("2027-01-07T00:01:00")
    enter_notice(bureau, off=["01-04"])
    assert notice.deadline("objection").provisional is True
    nothing(bureau, notice)
    after = notice.deadline("objection")
    assert (after.last_day.isoformat(), after.provisional) == ("2027-01-07", False)
    assert notice.ripe_at == moment_of("2027-01-08T00:01:00")
    assert notice.kinds[-1] == "deadline.moved"
    bureau.pass_to("2027-01-07T09:00:00")
    assert notice.outcome is None
    bureau.pass_to("2027-01-08T00:01:00")
    assert (notice.outcome, notice.row.ended_at) == ("已生效", moment_of("2027-01-08T00:00:00"))
    assert bureau.breaks() == []


def test_the_worker_that_comes_for_a_timer_finds_that_the_calendar_has_moved_it(bureau):
    notice = december_notice(bureau)
    enter_notice(bureau, off=["01-04"])
    bureau.at("2027-01-07T00:01:00")
    # The old calendar's end is past now: what was over under it stays over.
    assert bureau.work() == 1
    assert (notice.outcome, notice.row.ended_at) == ("已生效", moment_of("2027-01-07T00:00:00"))
    assert notice.kinds[-3:] == ["deadline.kept", "timer.fired", "case.ended"]


def test_a_notice_that_leaves_the_day_as_it_is_confirms_it(bureau):
    notice = december_notice(bureau)
    enter_notice(bureau)
    nothing(bureau, notice)
    after = notice.deadline("objection")
    assert (after.last_day.isoformat(), after.provisional, notice.kinds[-1]) == (
        "2027-01-06", False, "deadline.confirmed",
    )  # fmt: skip
    history = notice.kinds
    nothing(bureau, notice)
    assert notice.kinds == history
