"""Who lost a right, a role or his organisation: what waits, what was told him and what he held goes no further."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import delete, select, update

from portal import identity, notify
from portal.cases import tasks
from portal.cases.errors import RightsChanged, TaskHeld
from portal.cases.models import Case
from portal.identity import Actor, Grant, Organisation, Person
from tests.builders.diagrams import path
from tests.builders.procedures import content, end, procedure, start, task
from tests.builders.world import World

ONE_TASK = content(one=procedure(start(), task("do"), end(), path("start", "do", "end")))


@pytest.fixture
def world(tx):
    return World.within(tx, ONE_TASK)


def no_role(actor: Actor, world: World):
    return delete(Grant).where(Grant.person_id == actor.person_id)


def inactive(actor: Actor, world: World):
    return update(Person).where(Person.id == actor.person_id).values(active=False)


def reads_only(actor: Actor, world: World):
    return update(Person).where(Person.id == actor.person_id).values(rights=["read"])


def elsewhere(actor: Actor, world: World):
    return update(Person).where(Person.id == actor.person_id).values(organisation_id=world.steel)


def another_kind(actor: Actor, world: World):
    return update(Organisation).where(Organisation.id == actor.organisation_id).values(kinds=["agency"])


@pytest.mark.parametrize("loss", [no_role, inactive])
def test_an_official_who_lost_it_meanwhile_is_refused(world, loss):
    li, case = world.person("李", "officer"), world.file("one", world.wang)
    world.run.act(lambda tx: tx.execute(loss(li, world)))
    with pytest.raises(RightsChanged) as refused:
        world.complete("do", li, case, text="已办")
    assert refused.value.text() == "您的权限已变更，请重新登录后再办理。"
    assert case.tasks == ["do"]


@pytest.mark.parametrize("loss", [reads_only, inactive, elsewhere, another_kind])
def test_a_unit_s_person_who_lost_it_meanwhile_files_nothing(world, loss):
    world.run.act(lambda tx: tx.execute(loss(world.wang, world)))
    with pytest.raises(RightsChanged):
        world.file("one", world.wang)
    assert world.run.read(lambda tx: tx.scalars(select(Case)).all()) == []


def test_whoever_gained_something_or_acts_in_fewer_roles_goes_on(world):
    li, case = world.person("李", "officer"), world.file("one", world.wang)
    world.granted(li, "second")
    world.complete("do", li, case, text="已办")
    other = world.file("one", world.wang)
    both = world.run.read(lambda tx: identity.actor_of(tx, li.person_id, world.now.date()))
    world.complete("do", replace(both, roles=li.roles), other, text="已办")
    assert (case.tasks, other.tasks) == ([], [])


def test_a_right_that_goes_while_the_request_waits_for_the_lock_does_not_act(own_database):
    world = World.over(own_database, ONE_TASK)
    li, case = world.person("李", "officer"), world.file("one", world.wang)
    task_id, locked = world.task("do", case), threading.Event()

    def another_act() -> None:
        with own_database.transaction() as tx:
            tx.execute(select(Case.id).where(Case.id == case.id).with_for_update(key_share=True))
            locked.set()
            time.sleep(0.3)
            tx.execute(no_role(li, world))

    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(another_act)
        locked.wait(5)
        with pytest.raises(RightsChanged):
            world.complete(task_id, li, case, text="已办")
        waits.result()
    assert case.tasks == ["do"]


def test_messages_of_an_organisation_stay_behind_when_its_person_changes(world):
    case, wang = world.file("one", world.wang), world.wang.person_id

    def send(tx, title):
        notify.send(notify.Post(tx), [wang], case_id=case.id, kind="task", at=world.now, title=title, body="请看")

    def titles(tx):
        return [one.title for one in notify.of_person(tx, wang, 10)]

    def change(organisation_id):
        rights = ["file"] if organisation_id else []
        moved = update(Person).where(Person.id == wang).values(organisation_id=organisation_id, rights=rights)
        world.run.act(lambda tx: tx.execute(moved))

    world.run.act(lambda tx: send(tx, "水泥"))
    [old] = world.run.read(lambda tx: notify.of_person(tx, wang, 10))
    assert old.organisation_id == world.cement
    change(world.steel)
    world.run.act(lambda tx: send(tx, "钢铁"))
    assert world.run.read(titles) == ["钢铁"]
    assert world.run.read(lambda tx: (notify.unread(tx, wang), notify.one_of(tx, wang, old.id))) == (1, None)
    world.run.act(lambda tx: notify.mark_read(tx, wang, world.now))
    change(None)
    assert world.run.read(titles) == []
    change(world.cement)
    assert world.run.read(titles) == ["水泥"]
    assert world.run.read(lambda tx: notify.unread(tx, wang)) == 1


def test_an_official_s_message_is_of_no_organisation(world):
    li, case = world.person("李", "officer"), world.file("one", world.wang)
    world.run.act(
        lambda tx: notify.send(
            notify.Post(tx), [li.person_id], case_id=case.id, kind="task", at=world.now, title="任务", body="请看"
        )
    )
    [message] = world.run.read(lambda tx: notify.of_person(tx, li.person_id, 10))
    assert message.organisation_id is None


@pytest.mark.parametrize("loss", [no_role, inactive])
def test_a_task_claimed_by_somebody_who_cannot_do_it_any_more_keeps_nobody_out(world, loss):
    li, he = world.person("李", "officer"), world.person("何", "officer")
    first, second, third = (world.file("one", world.wang) for _ in range(3))
    for case in (first, second, third):
        world.claim("do", li, case)
        with pytest.raises(TaskHeld, match="李"):
            world.complete("do", he, case, text="已办")
    world.run.act(lambda tx: tx.execute(loss(li, world)))
    world.complete("do", he, first, text="已办")
    assert first.tasks == []
    world.claim("do", he, second)
    assert second.all_tasks[0].holder_id == he.person_id
    task_id = world.task("do", third)
    world.act(lambda tx, at: tasks.release(world.kernel, tx, he, task_id, at))
    assert third.all_tasks[0].holder_id is None
