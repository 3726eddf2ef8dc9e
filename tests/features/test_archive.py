"""The file of a case closed: when, what its list says, what is refused, and that a changed one is noticed."""

from __future__ import annotations

import hashlib
import json

import pytest
from sqlalchemy import text

from portal.cases import archiving, delivery, proof
from portal.cases.errors import StepFailed
from portal.cases.models import Archive
from portal.documents.models import Letter
from portal.notify import PortalMessage
from tests.builders.diagrams import flow, path, xor
from tests.builders.experts import experts, regulation
from tests.builders.procedures import content, does, end, letter, procedure, start, task
from tests.builders.world import World

FILED = procedure(
    start("files"),
    does("issue", "documents.issue", document="notice"),
    does("keep", "archive.make", retention="30 年"),
    end("done", "准予备案"),
    path("start", "issue", "keep", "done"),
    manifest=letter("notice") + '[materials.evidence]\ntitle = "材料"\naccept = ["pdf"]\nmax = 3\n',
)


@pytest.fixture
def world(tx):
    return World.within(tx, content(main=FILED))


def archive(world, case) -> Archive | None:
    return world.run.read(lambda tx: archiving.of_case(tx, case.id))


def render(world, case):
    """The worker makes the file of the case's letter."""
    [one] = case.letters
    file = delivery.StoredFile("letters/1", "1" * 64, 100)
    world.act(lambda tx, at: delivery.rendered(world.kernel, tx, one.id, file, at))


def tampered(tx, change: str) -> list[str]:
    """What the proof finds after a change that no trigger stops; it is taken back."""
    with tx.begin_nested() as trial:
        table = change.split()[1 if change.startswith("UPDATE") else 2]
        tx.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        assert tx.execute(text(change)).rowcount > 0
        tx.expire_all()
        found = [one.zh for one in proof.altered(tx)]
        trial.rollback()
    tx.expire_all()
    return found


def test_the_list_is_closed_when_the_last_letter_is_rendered(world):
    world.renders = False
    upload = world.upload(world.wang, "方案.pdf")
    case = world.file("main", world.wang, evidence=[upload])
    row = archive(world, case)
    assert (row.retention, row.closed_at, row.sha256, row.listed) == ("30 年", None, None, None)
    assert case.outcome == "准予备案"
    world.at("2026-09-21T10:00:00")
    render(world, case)
    row = archive(world, case)
    [one] = case.letters
    lines = case.history
    assert row.listed == {
        "case": case.number, "title": case.row.title, "filed_at": "2026-09-21T09:00:00+08:00", "outcome": "准予备案",
        "ended_at": "2026-09-21T09:00:00+08:00", "retention": "30 年",
        "history": {"lines": len(lines) - 1, "head": lines[-2].hash},
        "pieces": [
            {
                "kind": "letter", "id": one.id, "number": "notice〔2026〕1号", "title": "notice", "sha256": "1" * 64,
                "size": 100, "file": "001 notice notice〔2026〕1号.docx",
            },
            {
                "kind": "material", "id": int(upload), "title": "方案.pdf", "sha256": "0" * 64, "size": 3,
                "file": "002 方案.pdf",
            },
        ],
    }  # fmt: skip
    assert row.sha256 == hashlib.sha256(archiving.text_of(row)).hexdigest()
    assert json.loads(archiving.text_of(row)) == row.listed
    assert row.closed_at == world.now
    assert case.kinds[-2:] == ["letter.rendered", "archive.closed"]
    assert lines[-1].details == {"archive": row.id, "sha256": row.sha256, "pieces": 2}
    assert world.breaks() == []


def test_a_letter_that_failed_keeps_the_file_open_until_it_is_made_again(world):
    world.renders = False
    case = world.file("main", world.wang)
    [one] = case.letters
    world.act(lambda tx, at: delivery.failed(world.kernel, tx, one.id, "坏模板", at))
    assert archive(world, case).closed_at is None
    clerk = world.person("周", "officer")
    world.act(lambda tx, at: delivery.render_again(world.kernel, tx, clerk, one.id, at))
    assert archive(world, case).closed_at is None
    render(world, case)
    row = archive(world, case)
    assert [piece["sha256"] for piece in row.listed["pieces"]] == ["1" * 64]
    assert case.kinds.count("archive.closed") == 1


def test_the_job_that_comes_twice_closes_it_once(world):
    case = world.file("main", world.wang)
    before = archive(world, case)
    world.act(lambda tx, at: archiving.close(world.kernel, tx, at, None, case.id))
    after = archive(world, case)
    assert (after.sha256, after.closed_at) == (before.sha256, before.closed_at)
    assert case.kinds.count("archive.closed") == 1


@pytest.mark.parametrize(("renders", "why"), [(True, "本案已经归档。"), (False, "本案的档案正在编制。")])
def test_a_case_is_filed_away_once(tx, renders, why):
    looped = procedure(
        start(), does("issue", "documents.issue", document="notice"),
        xor("again"), does("keep", "archive.make", retention="永久"), task("look", form="choice"),
        xor("more", "more-end"), end(), path("start", "issue", "again", "keep", "look", "more"),
        flow("more", "again", '=look.result = "继续"'), flow("more", "end"), manifest=letter("notice"),
    )  # fmt: skip
    world = World.within(tx, content(main=looped))
    world.renders = renders
    case, zhou = world.file("main", world.wang), world.person("周", "officer")
    with pytest.raises(StepFailed) as refused:
        world.complete("look", zhou, case, result="继续")
    assert why in refused.value.text()
    world.complete("look", zhou, case, result="结束")
    assert case.outcome == "办结"
    # What has ended is never opened again: nothing waits in it.
    assert case.tasks == []
    assert case.kinds.count("archive.begun") == 1


def test_without_a_retention_nothing_is_filed_away(tx):
    drawn = procedure(
        start(), does("keep", "archive.make", retention="=start.text"), end(), path("start", "keep", "end")
    )
    world = World.within(tx, content(main=drawn))
    with pytest.raises(StepFailed, match="归档没有写明保管期限"):
        world.file("main", world.wang)
    assert archive(world, world.file("main", world.wang, text="10 年")).retention == "10 年"


@pytest.fixture
def whole(tx):
    """A case with a committee that was drawn, of which one was replaced, told and filed away."""
    world = World.within(tx, regulation())
    experts(tx, world.kernel.releases, range(1, 8), world.now)
    zhou = world.person("周", "officer")
    case = world.file("main", world.wang, text="某大学")
    world.complete("arrange", zhou, case, count="3")
    for result in ("继续", "结束"):
        [one] = [one for one in case.all_tasks if one.state == "open" and one.scope == "review:1/seats:1.1"]
        world.complete(one.id, zhou, result=result)
    for one in case.all_tasks:
        if one.state == "open":
            world.complete(one.id, zhou, result="结束")
    world.complete("conclude", zhou, case, text="专家意见已经形成，请留意后续文书。")
    world.case, world.zhou = case, zhou
    return world


def test_the_party_is_told_what_the_diagram_says(whole):
    [told] = whole.run.read(lambda tx: tx.query(PortalMessage).filter_by(kind="note").all())
    assert (told.person_id, told.title) == (whole.wang.person_id, "tell")
    assert told.body == f"main {whole.case.number}：专家意见已经形成，请留意后续文书。"
    [line] = whole.case.entries("notice.sent")
    assert (line.details["to"], line.details["count"]) == ("申请人", 1)
    assert "专家意见" not in json.dumps(line.details, ensure_ascii=False)


def test_those_of_a_role_are_told_and_nothing_empty_is(tx):
    def telling(said):
        told = does("tell", "notify.send", to="leader", text=said)
        return content(main=procedure(start(), told, end(), path("start", "tell", "end")))

    for said, why in (("=start.text", "内容是空的"), ("长" * 1001, "有1001字，最多1000字")):
        with tx.begin_nested() as trial:
            world = World.within(tx, telling(said))
            with pytest.raises(StepFailed, match=why):
                world.file("main", world.wang)
            trial.rollback()
    world = World.within(tx, telling("=start.text"))
    chen, _li = world.person("陈", "leader"), world.person("李", "officer")
    case = world.file("main", world.wang, text="请关注")
    [told] = world.run.read(lambda tx: tx.query(PortalMessage).filter_by(case_id=case.id, kind="note").all())
    assert (told.person_id, told.body) == (chen.person_id, f"main {case.number}：请关注")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE archives SET listed = jsonb_set(listed, '{retention}', '\"10 年\"')", "归档清单与所记的不符"),
        ("UPDATE archives SET sha256 = repeat('0', 64)", "归档清单与所记的不符"),
        ("UPDATE archives SET retention = '10 年'", "归档清单与所记的不符"),
        ("UPDATE archives SET closed_at = NULL, sha256 = NULL, listed = NULL", "归档清单与所记的不符"),
        ("DELETE FROM archives", "所记的归档已被删去"),
        ("UPDATE draws SET seed = '00'", "抽取记录与所记的不符"),
        ("UPDATE draws SET drawn = drawn - 0", "抽取记录与所记的不符"),
        ("UPDATE draws SET snapshot = jsonb_set(snapshot, '{pool}', '[\"Z-0001\"]')", "抽取记录与所记的不符"),
        ("UPDATE draws SET register = 'others'", "抽取记录与所记的不符"),
        ("UPDATE draw_replacements SET by = 'Z-0099'", "递补记录与所记的不符"),
        ("UPDATE draw_replacements SET reason = '别的'", "递补记录与所记的不符"),
        ("DELETE FROM draw_replacements", "所记的递补记录已被删去"),
        (
            'UPDATE case_items SET value = value || \'{"number": "Z-0099"}\' WHERE item = 2',
            "“席位”逐一办理的名单被改动",
        ),
        ("UPDATE case_items SET item = 9 WHERE item = 2", "“席位”逐一办理的名单被改动"),
        ("DELETE FROM case_items", "“席位”逐一办理的名单被改动"),
        ("UPDATE case_items SET element = 'other'", "“席位”逐一办理的名单被改动"),
        ("UPDATE case_values SET value = '{}' WHERE element = 'judge'", "“judge”处所填的内容被改动"),
        (
            "UPDATE case_values SET scope = 'review:1/seats:1.3' WHERE right(scope, 2) = '.2'",
            "“opinion”处所填的内容被改动",
        ),
    ],
)
def test_what_was_changed_behind_the_portal_is_noticed(whole, change, found):
    told = tampered(whole.run.tx, change)
    assert found in told, told
    assert set(told) <= {found, "“other”逐一办理的名单并非案件所记"}


def test_a_piece_that_is_not_the_listed_one_any_more_is_noticed(whole):
    tx, [one] = whole.run.tx, whole.case.letters
    assert list(proof.altered(tx)) == []
    told = tampered(tx, "UPDATE letters SET size = 99")
    assert told == ["归档的“001 notice notice〔2026〕1号.docx”与清单不符"]
    assert tx.get_one(Letter, one.id).size == 100
