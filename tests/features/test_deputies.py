"""What deputies do: which tasks, in whose name, who is kept from which step by it, and that the trace is proved."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select, text

from portal import audit, identity
from portal.audit.rules import Chain
from portal.cases import bulk, correcting, desk, proof, tasks
from portal.cases.correcting import Receipt
from portal.cases.errors import (
    EnteredIt,
    NotTheirDeputy,
    NotYourRole,
    PrincipalSeparated,
    RightsChanged,
    Separated,
    TaskDoneFor,
    TaskHeld,
)
from portal.cases.models import ActRecord, Case, DeskMatter, Task
from portal.documents.models import ServiceProof
from portal.identity import delegating
from portal.identity.lending import Wanted
from tests.builders.warned import FILED, messages, warned_content
from tests.builders.world import CEMENT, Bureau, World, moment_of

ETS = "chongqing-ets"
LAST = date(2026, 12, 31)


def lend(world, lender, deputy, role, last=LAST, regulation=ETS):
    """Lends a role; the deputy as he is then."""

    def make(tx):
        first = world.now.date()
        wanted = Wanted(lender.person_id, deputy.person_id, ((regulation, role),), first, last, "出差")
        delegating.make(tx, lender, wanted, {}, world.now)

    world.run.act(make)
    return again(world, deputy)


def again(world, person):
    """A person as he is now."""
    found = world.run.read(lambda tx: identity.actor_of(tx, person.person_id, world.now.date()))
    assert found is not None
    return found


def end(world, lender):
    """Ends what somebody has lent last."""

    def verb(tx):
        last = tx.scalars(select(identity.Delegation.id).order_by(identity.Delegation.id.desc())).first()
        delegating.end(tx, lender, last, "提前返岗", world.now)

    world.run.act(verb)


def trace(case, kind, element=None):
    """Who did what of a kind, and for whom."""
    return [(one.actor_id, one.on_behalf) for one in case.entries(kind) if element in (None, one.element)]


@pytest.fixture
def bureau(tx):
    bureau = Bureau.within(tx)
    yield bureau
    assert bureau.breaks() == []
    assert list(proof.altered(tx)) == []


@pytest.fixture
def allocation(bureau):
    """Drawn up by 周; waits for the leader 陈."""
    return bureau.allocation((CEMENT, 1_200_000))


# Tasks


def test_a_deputy_does_what_is_free_and_the_act_says_for_whom(bureau, allocation):
    sun = lend(bureau, bureau.chen, bureau.sun, "leader")
    task_id = bureau.task("sign", allocation)
    bureau.complete("sign", sun, allocation, result="签发")
    both = (sun.person_id, bureau.chen.person_id)
    assert trace(allocation, "task.completed", "sign") == [both]
    task = next(one for one in allocation.all_tasks if one.id == task_id)
    assert (task.holder_id, task.for_id) == both
    act = bureau.run.tx.scalars(select(ActRecord).where(ActRecord.kind == "complete")).all()[-1]
    assert (act.person_id, act.for_id) == both
    # Everything that followed in the act was done for him too.
    assert {one.on_behalf for one in allocation.history if one.act_id == act.id} == {bureau.chen.person_id}
    # He reads of it; nobody reads of what he does himself.
    told = [message for message in messages(bureau) if message[0] in (bureau.chen.person_id, sun.person_id)]
    assert told == [(bureau.chen.person_id, "09-21 09:00", "孙代您办理了：签批分配结果")]


def test_a_deputy_does_what_his_principal_holds_and_others_do_not(bureau, allocation):
    bureau.claim("sign", bureau.chen, allocation)
    other = bureau.person("另一名局领导", "leader")
    sun = lend(bureau, bureau.chen, bureau.sun, "leader")
    with pytest.raises(TaskHeld):
        bureau.complete("sign", other, allocation, result="签发")
    with pytest.raises(TaskHeld):
        bureau.claim("sign", sun, allocation)
    bureau.complete("sign", sun, allocation, result="签发")
    assert trace(allocation, "task.completed", "sign") == [(sun.person_id, bureau.chen.person_id)]


def test_a_deputy_of_one_does_not_do_what_another_holds(bureau, allocation):
    other = bureau.person("另一名局领导", "leader")
    bureau.claim("sign", other, allocation)
    sun = lend(bureau, bureau.chen, bureau.sun, "leader")
    with pytest.raises(TaskHeld, match="另一名局领导"):
        bureau.complete("sign", sun, allocation, result="签发")


def test_what_a_deputy_has_claimed_his_principal_may_do_himself(bureau, allocation):
    sun = lend(bureau, bureau.chen, bureau.sun, "leader")
    bureau.claim("sign", sun, allocation)
    other = bureau.person("另一名局领导", "leader")
    with pytest.raises(TaskHeld):
        bureau.complete("sign", other, allocation, result="签发")
    bureau.complete("sign", bureau.chen, allocation, result="签发")
    assert trace(allocation, "task.claimed") == [(sun.person_id, bureau.chen.person_id)]
    assert trace(allocation, "task.completed", "sign") == [(bureau.chen.person_id, None)]


def test_a_deputy_may_give_back_what_his_principal_holds_and_it_is_traced(bureau, allocation):
    bureau.claim("sign", bureau.chen, allocation)
    sun = lend(bureau, bureau.chen, bureau.sun, "leader")
    bureau.release("sign", sun, allocation)
    assert trace(allocation, "task.released") == [(sun.person_id, bureau.chen.person_id)]
    assert [(one.holder_id, one.for_id) for one in allocation.all_tasks if one.element == "sign"] == [(None, None)]


def test_it_is_over_after_the_last_day_and_what_was_claimed_is_open_to_others(bureau, allocation):
    sun = lend(bureau, bureau.chen, bureau.sun, "leader", last=date(2026, 9, 22))
    bureau.claim("sign", sun, allocation)
    bureau.at("2026-09-22T23:59:59.9")
    bureau.release("sign", again(bureau, sun), allocation)
    bureau.claim("sign", again(bureau, sun), allocation)
    bureau.at("2026-09-23T00:00:00")
    with pytest.raises(NotYourRole):
        bureau.complete("sign", again(bureau, sun), allocation, result="签发")
    other = bureau.person("另一名局领导", "leader")
    bureau.complete("sign", other, allocation, result="签发")


def test_a_delegation_that_ended_while_the_request_waited_lets_nothing_through(bureau, allocation):
    sun = lend(bureau, bureau.chen, bureau.sun, "leader")
    end(bureau, bureau.chen)
    with pytest.raises(RightsChanged):
        bureau.complete("sign", sun, allocation, result="签发")


def test_a_delegation_that_ended_counts_also_where_another_lends_the_same_role(bureau, allocation):
    other = bureau.person("另一名局领导", "leader")
    lend(bureau, other, bureau.sun, "leader")
    bureau.claim("sign", bureau.chen, allocation)
    sun = lend(bureau, bureau.chen, bureau.sun, "leader")
    end(bureau, bureau.chen)
    with pytest.raises(RightsChanged):
        bureau.complete("sign", sun, allocation, result="签发")


def test_who_holds_the_role_himself_acts_for_nobody_but_in_what_the_other_holds(bureau, allocation):
    other = lend(bureau, bureau.chen, bureau.person("另一名局领导", "leader"), "leader")
    bureau.claim("sign", other, allocation)
    bureau.release("sign", other, allocation)
    bureau.claim("sign", bureau.chen, allocation)
    bureau.complete("sign", other, allocation, result="签发")
    assert trace(allocation, "task.claimed") == [(other.person_id, None), (bureau.chen.person_id, None)]
    assert trace(allocation, "task.completed", "sign") == [(other.person_id, bureau.chen.person_id)]


def test_of_several_principals_the_first_counts_unless_one_is_chosen(bureau, allocation):
    other = bureau.person("另一名局领导", "leader")
    lend(bureau, other, bureau.sun, "leader")
    sun = lend(bureau, bureau.chen, bureau.sun, "leader")
    task_id = bureau.task("sign", allocation)
    bureau.act(lambda tx, at: tasks.claim(bureau.kernel, tx, sun, task_id, at))
    bureau.act(lambda tx, at: tasks.release(bureau.kernel, tx, sun, task_id, at))
    bureau.act(lambda tx, at: tasks.claim(bureau.kernel, tx, sun, task_id, at, bureau.chen.person_id))
    with pytest.raises(NotTheirDeputy):
        bureau.act(
            lambda tx, at: tasks.complete(
                bureau.kernel, tx, sun, task_id, {"result": "签发"}, at, bureau.zhou.person_id
            )
        )
    # He does it for whom he has claimed it.
    bureau.complete("sign", sun, allocation, result="签发")
    assert trace(allocation, "task.claimed") == [
        (sun.person_id, other.person_id),
        (sun.person_id, bureau.chen.person_id),
    ]
    assert trace(allocation, "task.completed", "sign") == [(sun.person_id, bureau.chen.person_id)]


# Separation


def test_what_a_deputy_has_done_keeps_him_and_his_principal_from_the_other_step(bureau):
    """周 holds handler; 孙 drew up for him; both of them may be asked to sign."""
    sun = lend(bureau, bureau.zhou, bureau.granted(bureau.sun, "leader"), "handler")
    zhou = bureau.granted(bureau.zhou, "leader")
    allocation = bureau.allocation((CEMENT, 1_200_000), by=sun)
    for person in (again(bureau, sun), zhou):
        with pytest.raises(Separated) as refusal:
            bureau.complete("sign", person, allocation, result="签发")
        assert type(refusal.value) is Separated
    bureau.complete("sign", bureau.chen, allocation, result="签发")


def test_what_the_principal_has_done_keeps_his_deputy_from_the_other_step_in_his_name(bureau):
    zhou = bureau.granted(bureau.zhou, "leader")
    allocation = bureau.allocation((CEMENT, 1_200_000), by=zhou)
    sun = lend(bureau, zhou, bureau.sun, "leader")
    with pytest.raises(PrincipalSeparated) as refusal:
        bureau.complete("sign", sun, allocation, result="签发")
    assert refusal.value.text() == (
        "您所代理的人已办理本案或原案的“核定年度配额”，按回避要求不能由您代为办理“签批分配结果”。"
    )
    # In the name of another who lends it to him he may, and does so where he does not choose.
    sun = lend(bureau, bureau.chen, bureau.sun, "leader")
    task_id = bureau.task("sign", allocation)
    with pytest.raises(PrincipalSeparated):
        bureau.act(
            lambda tx, at: tasks.complete(bureau.kernel, tx, sun, task_id, {"result": "签发"}, at, zhou.person_id)
        )
    bureau.complete("sign", sun, allocation, result="签发")
    assert trace(allocation, "task.completed", "sign") == [(sun.person_id, bureau.chen.person_id)]


def test_what_the_deputy_has_done_himself_keeps_him_from_the_other_step_for_another(bureau, allocation):
    zhou = lend(bureau, bureau.chen, bureau.zhou, "leader")
    with pytest.raises(Separated) as refusal:
        bureau.complete("sign", zhou, allocation, result="签发")
    assert type(refusal.value) is Separated


def test_separation_from_the_case_it_is_about_counts_for_both(bureau):
    """孙 signed the notice for 陈: neither reviews the objection to it."""
    allocation = bureau.allocation((CEMENT, 1_200_000))
    sun = lend(bureau, bureau.chen, bureau.sun, "leader")
    bureau.complete("sign", sun, allocation, result="签发")
    notice = bureau.cases("allocation-notice")[-1]
    bureau.at("2026-09-24T10:00:00")
    bureau.sign_for(notice, bureau.wang)
    review = bureau.object(notice)
    bureau.complete("check", bureau.li, review, result="受理")
    for person in (bureau.granted(sun, "reviewer"), bureau.granted(bureau.chen, "reviewer")):
        with pytest.raises(Separated):
            bureau.complete("review", person, review, conclusion="维持", reasons="经核对")
    bureau.complete("review", bureau.he, review, conclusion="维持", reasons="经核对")


# What else is done by a role


def test_a_deputy_starts_a_procedure_for_his_principal(bureau):
    sun = lend(bureau, bureau.zhou, bureau.sun, "handler")
    bureau.listed(CEMENT, 2025)
    case = bureau.file("allocation", sun)
    assert trace(case, "case.filed") == [(sun.person_id, bureau.zhou.person_id)]


def test_a_receipt_entered_by_a_deputy_names_both_and_keeps_both_from_the_desk(bureau):
    li = lend(bureau, bureau.tao, bureau.li, "clerk")
    notice = bureau.notice()
    bureau.at("2026-09-25T10:00:00")
    bureau.receipt(notice, li, "2026-09-24T10:00:00")
    [entered] = bureau.run.tx.scalars(select(ServiceProof)).all()
    assert (entered.entered_by, entered.entered_for) == (li.person_id, bureau.tao.person_id)
    assert trace(notice, "receipt.entered") == [(li.person_id, bureau.tao.person_id)]
    matter = DeskMatter(
        case_id=notice.id, regulation=ETS, role="leader", kind="service", key="x",
        details={"service": entered.service_id}, raised_at=bureau.now,
    )  # fmt: skip
    for person in (li, bureau.tao):
        decider = bureau.granted(person, "leader")
        with pytest.raises(EnteredIt):
            notice.see(lambda case, who=decider: desk.may_decide(bureau.run.tx, case, matter, who))
    notice.see(lambda case: desk.may_decide(bureau.run.tx, case, matter, bureau.chen))
    deputy = lend(bureau, bureau.granted(bureau.tao, "leader"), bureau.sun, "leader")
    with pytest.raises(EnteredIt):
        notice.see(lambda case: desk.may_decide(bureau.run.tx, case, matter, deputy))


def test_the_principal_reads_of_what_his_deputy_decides_at_the_desk(bureau):
    notice = bureau.notice()
    bureau.at("2026-09-24T10:00:00")
    bureau.receipt(notice, bureau.tao, "2026-09-23T15:00:00")
    bureau.pass_to("2026-10-11T00:01:00")
    bureau.at("2026-10-12T10:00:00")
    proof_id = bureau.run.tx.scalars(select(ServiceProof.id)).one()
    instead = Receipt("post", moment_of("2026-09-25T09:00:00"))
    bureau.act(lambda tx, at: correcting.correct(bureau.kernel, tx, bureau.tao, proof_id, instead, "回执录错", at))
    sun = lend(bureau, bureau.chen, bureau.sun, "leader")
    matter_id = bureau.run.tx.scalars(select(DeskMatter.id)).one()
    bureau.act(lambda tx, at: desk.keep(bureau.kernel, tx, sun, matter_id, "不影响结果", at))
    told = [message for message in messages(bureau) if message[2].startswith(sun.name)]
    assert told == [(bureau.chen.person_id, "10-12 10:00", "孙代您作出决定：维持原结果")]


def test_rows_that_failed_are_tried_again_in_the_name_of_the_principal(bureau, allocation):
    sun = lend(bureau, bureau.zhou, bureau.sun, "handler")
    assert allocation.see(lambda case: bulk._done_for(case, sun)) == bureau.zhou.person_id
    assert allocation.see(lambda case: bulk._done_for(case, bureau.zhou)) is None


# Reminders


def test_reminders_reach_the_deputy_of_who_holds_the_task(tx):
    world = World.within(tx, warned_content())
    officer, other = world.person("周", "officer"), world.person("吴", "officer")
    leader = world.person("陈", "leader")
    world.at(FILED)
    case = world.file("asked", world.wang, text="请办理")
    world.claim("do", officer, case)
    regulation = world.content.regulation
    lend(world, officer, leader, "officer", regulation=regulation)
    world.pass_to("2026-09-24T09:00:00")
    assert {person for person, _when, _title in messages(world)} == {officer.person_id, leader.person_id}
    end(world, officer)
    lend(world, leader, other, "leader", regulation=regulation)
    world.pass_to("2026-09-30T09:00:00")
    told = {person for person, when, _title in messages(world) if when == "09-30 09:00"}
    assert told == {officer.person_id, leader.person_id, other.person_id}


def test_the_principal_who_is_late_reads_who_did_it_for_him(bureau, allocation):
    sun, task_id = lend(bureau, bureau.chen, bureau.sun, "leader"), bureau.task("sign", allocation)
    bureau.complete(task_id, sun, result="签发")
    with pytest.raises(TaskDoneFor) as refusal:
        bureau.complete(task_id, bureau.chen, result="签发")
    assert refusal.value.text() == "这项任务已于 09-21 09:00 由孙（代 陈）办结。"
    assert refusal.value.text("en") == "孙 (for 陈) completed this task at 09-21 09:00."


# Proof


@pytest.fixture
def signed(tx):
    """A story that tells of a deputy who signed and one who entered a receipt."""
    bureau = Bureau.within(tx)
    allocation = bureau.allocation((CEMENT, 1_200_000))
    bureau.complete("sign", lend(bureau, bureau.chen, bureau.sun, "leader"), allocation, result="签发")
    li = lend(bureau, bureau.tao, bureau.li, "clerk")
    bureau.at("2026-09-25T10:00:00")
    bureau.receipt(bureau.cases("allocation-notice")[-1], li, "2026-09-24T10:00:00")
    return tx


@pytest.mark.parametrize(
    ("table", "change", "found"),
    [
        ("acts", "for_id = NULL WHERE for_id IS NOT NULL AND kind = 'complete'", "办理人或被代理人被改动"),
        ("acts", "for_id = person_id WHERE for_id IS NULL AND kind = 'complete'", "办理人或被代理人被改动"),
        ("acts", "person_id = for_id WHERE for_id IS NOT NULL AND kind = 'complete'", "办理人或被代理人被改动"),
        ("case_values", "person_id = (SELECT min(id) FROM persons) WHERE element = 'sign'", "填写人被改动"),
        ("service_proofs", "entered_for = NULL WHERE how = 'post'", "登记人与所记的不符"),
        ("service_proofs", "entered_by = entered_for WHERE how = 'post'", "登记人与所记的不符"),
    ],
)
def test_whoever_is_named_otherwise_behind_the_portal_is_found(signed, table, change, found):
    assert list(proof.altered(signed)) == []
    signed.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
    signed.execute(text(f"UPDATE {table} SET {change}"))
    signed.expire_all()
    breaks = [one.zh for one in proof.altered(signed)]
    assert any(found in one for one in breaks)


def test_the_chain_itself_covers_for_whom_it_was_done(signed):
    case_id = signed.scalars(select(Task.case_id).where(Task.element == "sign")).first()
    signed.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER ALL"))
    signed.execute(
        text("UPDATE audit_entries SET on_behalf = NULL WHERE case_id = :case AND on_behalf IS NOT NULL"),
        {"case": case_id},
    )
    signed.expire_all()
    row = signed.get_one(Case, case_id)
    broken = audit.verify_case(signed, row.id, Chain(row.audit_length, row.audit_head))
    assert {"的内容被改动" in one.zh for one in broken} == {True}
