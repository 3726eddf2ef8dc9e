"""Tasks that one party alone does: who sees and does them, what is shown to him, and what becomes of them."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from portal import inbox
from portal.cases import assigned, attachments, tasks
from portal.cases.assigned import Over
from portal.cases.attachments import NotYourFile
from portal.cases.errors import MayOnlyRead, NotTheirDeputy, NotYourRole, StepFailed, TaskDone, TaskGone, UnknownCase
from portal.cases.live import Cases
from portal.cases.models import Task
from portal.errors import PortalError
from portal.identity import service as identity
from portal.inbox import party
from portal.inbox.rules import NOBODY, Filter, Place, View
from portal.notify.models import PortalMessage
from tests.builders.assigned import FIRST, SECOND, THIRD, committee, natural, one_expert
from tests.builders.world import CEMENT, World

KEPT = {"result": "继续"}


@pytest.fixture
def world(tx):
    world = World.within(tx, one_expert())
    world.officer = world.person("官", "officer")
    world.first, world.second = natural(world, "秦", FIRST), natural(world, "许", SECOND)
    yield world
    assert world.breaks() == []


def filed(world):
    paper, annex = world.upload(world.wang, "正文.pdf"), world.upload(world.wang, "附件.pdf")
    return world.file("paper", world.wang, title="某题目", contact="13800000000", paper=[paper], annex=[annex])


def asked(world, code=FIRST):
    """A case that waits for one expert's opinion."""
    case = filed(world)
    world.complete("assign", world.officer, case, expert=code)
    return case


def opinion(world, case, actor):
    [row] = [task for task in case.all_tasks if task.element == "opinion" and task.assignee_id == actor.organisation_id]
    return row


def excerpt(world, task):
    return world.run.read(
        lambda tx: assigned.shown(Cases(tx, world.kernel.releases).get(task.case_id), tx.get_one(Task, task.id))
    )


def over(world, task):
    return world.run.read(lambda tx: assigned.over(tx, tx.get_one(Task, task.id)))


def opens(world, case, actor):
    """Which of the case's files a person may open because they are shown to him."""
    files = world.run.read(lambda tx: party.files_of(tx, case.id, world.cement))
    return [
        file.name
        for file in files
        if case.see(lambda live, file=file: assigned.may_open(live, file.id, actor.organisation_id))
    ]


def last_message(world, actor):
    """Title and text of what a person was told last."""
    mine = select(PortalMessage.title, PortalMessage.body).where(PortalMessage.person_id == actor.person_id)
    return world.run.read(lambda tx: tuple(tx.execute(mine.order_by(PortalMessage.id.desc())).first()))


def todo(world, actor):
    found = world.run.read(lambda tx: party.tasks_of(tx, actor.organisation_id))
    return [(task.element, case.id) for task, case in found]


def test_the_task_is_the_named_persons_alone(world):
    case = asked(world)
    row = opinion(world, case, world.first)
    assert (row.role, row.holder_id, row.due.date().isoformat()) == ("expert", None, "2026-09-30")
    assert todo(world, world.first) == [("opinion", case.id)]
    assert [todo(world, other) for other in (world.second, world.wang)] == [[], []]
    for stranger in (world.second, world.wang, world.wu):
        with pytest.raises(UnknownCase):
            world.complete("opinion", stranger, case, **KEPT)
    # An official never does it, whatever was granted to him.
    for official in (world.officer, world.person("假", "expert")):
        with pytest.raises(NotYourRole) as refusal:
            world.complete("opinion", official, case, **KEPT)
        assert refusal.value.text() == "这一步由专家办理，您没有这个岗位。"
    world.complete("opinion", world.first, case, **KEPT)
    assert (case.outcome, case.said("opinion")) == ("办结", KEPT)
    [said] = [one for one in case.see(lambda live: live.values.all) if one.element == "opinion"]
    assert said.person_id == world.first.person_id


def test_nobody_stands_in_for_him(world):
    """There is no deputy to choose, no official claims it, and no claim of his own people keeps him out."""
    case = asked(world)
    row = opinion(world, case, world.first)
    with pytest.raises(NotYourRole):
        world.act(lambda tx, at: tasks.claim(world.kernel, tx, world.officer, row.id, at))
    with pytest.raises(NotTheirDeputy):
        world.act(
            lambda tx, at: tasks.complete(
                world.kernel, tx, world.first, row.id, KEPT, at, for_id=world.second.person_id
            )
        )
    colleague = world.person("秦助", of=world.first.organisation_id)
    world.act(lambda tx, at: tasks.claim(world.kernel, tx, colleague, row.id, at))
    world.complete("opinion", world.first, case, **KEPT)
    assert opinion(world, case, world.first).holder_id == world.first.person_id


def test_the_portal_tells_him_alone(world):
    case = asked(world)
    told = select(PortalMessage.person_id).where(PortalMessage.case_id == case.id)
    assert world.run.read(lambda tx: tx.scalars(told).all()) == [world.first.person_id]
    assert last_message(world, world.first) == (
        "请办理：环节opinion",
        f"{case.row.title} {case.row.number}。请在 2026年9月29日（周二）24:00 前办理。",
    )


def test_officials_see_that_it_waits_and_for_whom(world):
    case = asked(world)
    place = Place.of(world.officer)
    every = world.run.read(lambda tx: inbox.tasks_page(tx, place, View.ALL)).rows
    assert [(row.name, row.holder, row.assignee) for row in every] == [("环节opinion", None, "秦")]
    free = Filter(holder=NOBODY)
    assert world.run.read(lambda tx: inbox.tasks_page(tx, place, View.ALL, only=free)).rows == ()
    assert world.run.read(lambda tx: inbox.tasks_page(tx, place, View.ROLE)).rows == ()
    assert case.tasks == ["opinion"]


def test_he_is_shown_what_the_manifest_names_and_nothing_else(world):
    row = opinion(world, asked(world), world.first)
    seen = excerpt(world, row)
    assert [tuple(line) for line in seen.lines] == [("题目", "某题目")]
    assert ([file.name for file in seen.files], seen.tables) == (["正文.pdf"], ())


def test_the_files_shown_open_while_he_has_or_has_done_the_task(world):
    case = asked(world)
    assert (opens(world, case, world.first), opens(world, case, world.second)) == (["正文.pdf"], [])
    world.complete("opinion", world.first, case, **KEPT)
    assert opens(world, case, world.first) == ["正文.pdf"]


def test_in_his_answers_he_names_no_file_of_others(world):
    case = asked(world)
    [paper, _annex] = world.run.read(lambda tx: party.files_of(tx, case.id, world.cement))
    own = world.upload(world.first, "意见.pdf")

    def usable(actor, *ids):
        found = world.run.read(lambda tx: attachments.usable(tx, actor, ids, case.id))
        return [file.name for file in found]

    assert usable(world.first, str(paper.id), own) == ["意见.pdf"]
    assert [usable(actor, str(paper.id)) for actor in (world.wang, world.officer)] == [["正文.pdf"]] * 2
    answers = {"paper": [str(paper.id)]}
    with pytest.raises(NotYourFile):
        case.see(lambda live: attachments.bind(live.tx, live, live.procedure.forms["paper"], answers, world.first))
    case.see(lambda live: attachments.bind(live.tx, live, live.procedure.forms["paper"], answers, world.wang))


def test_who_is_replaced_sees_that_he_is_and_reads_no_more(world):
    case = asked(world)
    before = opinion(world, case, world.first)
    world.send("replace", case, world.officer, expert=SECOND)
    assert (todo(world, world.first), todo(world, world.second)) == ([], [("opinion", case.id)])
    assert (over(world, before), over(world, opinion(world, case, world.second))) == (Over.REPLACED, None)
    assert (opens(world, case, world.first), opens(world, case, world.second)) == ([], ["正文.pdf"])
    gone = f"{case.row.title} {case.row.number}。已改由他人办理。"
    assert last_message(world, world.first) == ("不再需要办理：环节opinion", gone)
    assert last_message(world, world.second)[0] == "请办理：环节opinion"
    with pytest.raises(TaskGone):
        world.complete(before.id, world.first, **KEPT)
    world.complete("opinion", world.second, case, **KEPT)
    with pytest.raises(TaskDone):
        world.complete(opinion(world, case, world.second).id, world.second, **KEPT)


def test_with_the_end_of_the_case_it_is_gone(world):
    case = asked(world)
    row = opinion(world, case, world.first)
    world.send("withdraw", case, world.wang)
    assert (case.outcome, over(world, row), opens(world, case, world.first)) == ("撤回", Over.ENDED, [])
    gone = f"{case.row.title} {case.row.number}。案件已办结。"
    assert last_message(world, world.first) == ("不再需要办理：环节opinion", gone)


def test_one_of_his_office_only_reads(world):
    """Whoever may only read does not give the opinion, as in any act of a party."""
    case = asked(world)
    actor = world.first
    world.run.act(lambda tx: setattr(identity.person(tx, actor.person_id), "rights", ["read"]))
    reader = world.run.read(lambda tx: identity.actor_of(tx, actor.person_id, world.now.date()))
    with pytest.raises(MayOnlyRead):
        world.complete("opinion", reader, case, **KEPT)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (THIRD, f"得到的代码“{THIRD}”没有登记"),
        (CEMENT, f"由专家办理，重庆某水泥有限公司（{CEMENT}）不能担任"),
    ],
)
def test_a_code_that_names_no_expert_fails_in_words(tx, code, said):
    world = World.within(tx, one_expert(assignee=f'="{code}"'))
    officer, first = world.person("官", "officer"), natural(world, "秦", FIRST)
    case = filed(world)
    with pytest.raises(StepFailed) as failed:
        world.complete("assign", officer, case, expert=FIRST)
    assert said in failed.value.text()
    assert (case.tasks, todo(world, first)) == (["assign"], [])


def test_of_many_each_does_his_own_and_the_rest_are_not_needed(tx):
    world = World.within(tx, committee())
    people = [natural(world, name, code) for name, code in (("秦", FIRST), ("许", SECOND), ("何", THIRD))]
    case = filed(world)
    assert [todo(world, one) for one in people] == [[("opinion", case.id)]] * 3
    rows = [opinion(world, case, one) for one in people]
    with pytest.raises(UnknownCase):
        world.complete(rows[0].id, people[1], **KEPT)
    for row, one in zip(rows[:2], people, strict=False):
        world.complete(row.id, one, **KEPT)
    assert case.tasks == ["conclude"]
    assert [over(world, row) for row in rows] == [Over.DONE, Over.DONE, Over.CLOSED]
    gone = f"{case.row.title} {case.row.number}。这一环节已经结束。"
    assert last_message(world, people[2]) == ("不再需要办理：环节opinion", gone)
    assert [last_message(world, one)[0] for one in people[:2]] == ["请办理：环节opinion"] * 2
    with pytest.raises(TaskGone):
        world.complete(rows[2].id, people[2], **KEPT)


def test_messages_of_a_case_are_not_his_to_send(world):
    case = asked(world)
    for name, refused in (("withdraw", UnknownCase), ("replace", UnknownCase)):
        with pytest.raises(PortalError) as refusal:
            world.send(name, case, world.first)
        assert type(refusal.value) is refused
    assert case.tasks == ["opinion"]
