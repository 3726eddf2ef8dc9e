"""Who may act in the name of a unit: those with the right to file, nobody else, as things are now."""

from __future__ import annotations

import pytest

from portal import identity
from portal.cases import filing, tasks
from portal.cases.errors import MayNotStart, MayOnlyRead, UnknownCase
from portal.identity import Person
from tests.builders.world import Bureau


@pytest.fixture
def world(tx):
    return Bureau.within(tx)


def person(world, rights, of="cement"):
    """One more person of the unit; without rights he has left it."""
    someone = world.person("赵", of=world.cement)

    def change(tx):
        row = tx.get_one(Person, someone.person_id)
        row.rights = list(rights)
        if not rights:
            row.organisation_id = None
        tx.flush()
        return identity.actor_of(tx, row.id, world.now.date())

    return world.run.act(change)


@pytest.mark.parametrize("rights", [["read"], ["manage"]])
def test_whoever_may_not_file_reads_only(world, rights):
    reader = person(world, rights)
    notice = world.notice()
    with pytest.raises(MayOnlyRead) as refused:
        world.sign_for(notice, reader)
    assert refused.value.text().startswith("您在本单位只有查看权限，不能代表单位办理。")
    world.at("2026-09-24T10:00:00")
    world.sign_for(notice, world.wang)
    assert world.run.read(lambda tx: filing.offers(world.kernel, tx, reader, world.now)) == []
    with pytest.raises(MayOnlyRead):
        world.file("allocation-review", reader, notice, claimed_amount="1320000", grounds="产量数据有误")
    review = world.object(notice)
    with pytest.raises(MayOnlyRead):
        world.send("withdraw", review, reader)
    world.complete("check", world.li, review, result="补正", corrections="请补充台账")
    [task] = [task for task in review.all_tasks if task.role == "party"]
    for verb in (tasks.claim, tasks.release):
        with pytest.raises(MayOnlyRead):
            world.act(lambda tx, at, verb=verb: verb(world.kernel, tx, reader, task.id, at))
    with pytest.raises(MayOnlyRead):
        world.complete(task.id, reader, review)
    assert review.entries("task.claimed") == []


def test_with_the_right_to_file_everything_is_open(world):
    clerk = person(world, ["file"])
    notice = world.notice()
    world.at("2026-09-24T10:00:00")
    world.sign_for(notice, clerk)
    assert world.run.read(lambda tx: filing.offers(world.kernel, tx, clerk, world.now))
    assert world.file("allocation-review", clerk, notice, claimed_amount="1320000", grounds="产量数据有误").tasks


def test_whoever_has_left_is_neither_a_party_nor_an_official(world):
    gone = person(world, [])
    world.granted(gone, "handler")
    gone = world.run.read(lambda tx: identity.actor_of(tx, gone.person_id, world.now.date()))
    assert (gone.roles, gone.official, gone.adrift) == (frozenset(), False, True)
    notice = world.notice()
    with pytest.raises(UnknownCase):
        world.sign_for(notice, gone)
    with pytest.raises((MayOnlyRead, MayNotStart)):
        world.file("allocation", gone)
    assert world.run.read(lambda tx: filing.offers(world.kernel, tx, gone, world.now)) == []
