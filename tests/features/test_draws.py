"""A committee drawn by lot: who is left out, who comes in whose place, what is public when, and what it costs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from portal.cases import drawn
from portal.cases.errors import StepFailed, UnknownCase
from portal.forms import personal
from portal.registers import drawing
from portal.registers.lots import NotOdd, PoolTooSmall, order
from portal.registers.models import Draw
from tests.builders import registry
from tests.builders.diagrams import path
from tests.builders.experts import experts, natural, register, regulation, rounds
from tests.builders.procedures import does, end, procedure, start
from tests.builders.world import World
from tests.features.test_act_costs import counted

SCRIPT = Path(__file__).parents[2] / "portal/web/static/draw_again.py"


@pytest.fixture
def world(tx):
    world = World.within(tx, regulation())
    world.officer = world.person("周", "officer")
    experts(tx, world.kernel.releases, range(1, 8), world.now)
    experts(tx, world.kernel.releases, [8], world.now, employer="某水泥公司")
    experts(tx, world.kernel.releases, [9, 10], world.now, employer="某大学", area="乙")
    return world


def arranged(world, count=3, text="某水泥公司"):
    case = world.file("main", world.wang, text=text)
    world.complete("arrange", world.officer, case, count=str(count))
    return case


def draws(world, case) -> list[Draw]:
    return world.run.read(lambda tx: case.see(lambda live: drawn.of_case(tx, live)))


def published(world, draw):
    return world.run.read(lambda tx: drawn.published(world.kernel, tx, draw.id).as_json())


def give(world, case, seat, result):
    """The opinion of one seat."""
    [task] = [one for one in case.all_tasks if one.state == "open" and one.scope == f"review:1/seats:1.{seat}"]
    world.complete(task.id, world.officer, result=result)


def drawn_again(tmp_path, record):
    file = tmp_path / "record.json"
    file.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    done = subprocess.run([sys.executable, SCRIPT, file], capture_output=True, text=True, encoding="utf-8", check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def test_whom_the_table_names_a_reason_for_is_left_out(world):
    case = arranged(world)
    [row] = draws(world, case)
    assert row.snapshot == {
        "pool": [f"Z-{n:04d}" for n in range(1, 8)],
        "excluded": [
            {"number": "Z-0008", "reason": "与申请人同单位"},
            {"number": "Z-0009", "reason": "不属于该领域"},
            {"number": "Z-0010", "reason": "不属于该领域"},
        ],
    }
    assert row.drawn == order(row.seed, row.snapshot["pool"])[:3]
    assert (row.scope, row.element, row.visit, row.count) == ("review:1", "draw", 1, 3)
    said = case.said("draw", "review:1")
    assert [seat["number"] for seat in said["seats"]] == row.drawn
    assert said["sha256"] == row.sha256
    [line] = case.entries("experts.drawn")
    assert (line.details["pool"], line.details["excluded"], line.details["seed"]) == (7, 3, row.seed)
    assert world.breaks() == []


def test_who_is_in_a_closed_state_is_no_candidate(world):
    row = {"number": "Z-0001"}
    world.run.act(lambda tx: registry.change(tx, world.kernel.releases, "experts", row, world.now, state="停用"))
    [draw] = draws(world, arranged(world))
    assert "Z-0001" not in json.dumps(draw.snapshot)


def test_a_pool_too_small_says_to_officials_which_cause_removed_whom(world):
    case = world.file("main", world.wang, text="某研究院")
    with pytest.raises(PoolTooSmall) as refused:
        world.complete("arrange", world.officer, case, count="3")
    names = "、".join(f"专家{n}" for n in range(1, 8))
    assert refused.value.text() == (
        "需抽取 3 人，名册中可以抽取的只有 1 人。"
        f"被排除的：不属于该领域：2 人（专家9、专家10）；与申请人同单位：7 人（{names}）。"
    )
    assert case.tasks == ["arrange"]
    with pytest.raises(NotOdd):
        world.complete("arrange", world.officer, case, count="4")
    with pytest.raises(StepFailed, match="专家人数应为整数"):
        world.complete("arrange", world.officer, case, count="3.5")


def test_who_is_no_official_does_not_read_whom_a_cause_removed(tx):
    drawing_at_once = procedure(
        start(), does("draw", "experts.draw", register="experts", count="=3"), end(), path("start", "draw", "end")
    )
    world = World.within(tx, regulation(drawing_at_once))
    experts(tx, world.kernel.releases, [1, 2], world.now)
    with pytest.raises(StepFailed) as refused:
        world.file("main", world.wang, text="某大学")
    assert refused.value.text() == ("这一步没有办成：名册中可以抽取的专家人数不足。案件没有变动，已记录供管理员处理。")


def test_the_next_of_the_order_comes_in_somebodys_place_each_once(world):
    case = arranged(world)
    [row] = draws(world, case)
    found = order(row.seed, row.snapshot["pool"])
    give(world, case, 2, "继续")
    give(world, case, 1, "继续")
    give(world, case, 2, "继续")
    changes = world.run.read(lambda tx: drawing.replacements(tx, row))
    assert [(one.number, one.by, one.reason) for one in changes] == [
        (found[1], found[3], "专家回避"), (found[0], found[4], "专家回避"), (found[3], found[5], "专家回避"),
    ]  # fmt: skip
    give(world, case, 3, "继续")  # the last one left
    give(world, case, 1, "继续")  # and nobody: the seat stays empty
    changes = world.run.read(lambda tx: drawing.replacements(tx, row))
    assert [(one.number, one.by) for one in changes[3:]] == [(found[2], found[6]), (found[4], None)]
    give(world, case, 1, "继续")
    assert len(world.run.read(lambda tx: drawing.replacements(tx, row))) == 5
    assert world.breaks() == []


def test_who_is_not_registered_in_the_portal_is_not_drawn(tx):
    """Before the table is asked: an expert of the applicant's own employer is left out for the first reason."""
    world = World.within(tx, natural())
    world.officer = world.person("周", "officer")
    experts(tx, world.kernel.releases, range(1, 5), world.now, coded=True)
    experts(tx, world.kernel.releases, [5, 6], world.now, employer="某水泥公司", coded=True)
    experts(tx, world.kernel.releases, [7], world.now)
    register(tx, [1, 2, 4, 5])
    case = world.file("main", world.wang, text="某水泥公司")
    world.complete("arrange", world.officer, case, count="3")
    [row] = draws(world, case)
    assert row.snapshot == {
        "pool": ["Z-0001", "Z-0002", "Z-0004"],
        "excluded": [
            {"number": "Z-0003", "reason": "没有在门户登记，无法邀请"},
            {"number": "Z-0005", "reason": "与申请人同单位"},
            {"number": "Z-0006", "reason": "没有在门户登记，无法邀请"},
            {"number": "Z-0007", "reason": "没有在门户登记，无法邀请"},
        ],
    }
    other = world.file("main", world.wang, text="某水泥公司")
    with pytest.raises(PoolTooSmall) as refused:
        world.complete("arrange", world.officer, other, count="5")
    assert refused.value.text() == (
        "需抽取 5 人，名册中可以抽取的只有 3 人。"
        "被排除的：与申请人同单位：1 人（专家5）；没有在门户登记，无法邀请：3 人（专家3、专家6、专家7）。"
    )


def test_why_somebody_is_passed_over_when_his_turn_comes_is_on_record(tx, tmp_path):
    world = World.within(tx, natural())
    world.officer = world.person("周", "officer")
    experts(tx, world.kernel.releases, range(1, 9), world.now, coded=True)
    register(tx, range(1, 9))
    case = arranged(world)
    [row] = draws(world, case)
    found = order(row.seed, row.snapshot["pool"])
    gone, unknown, suspended, last = found[3], found[4], found[5], found[7]

    def change(number, state=None, **fields):
        releases, row = world.kernel.releases, {"number": number, **fields}
        world.run.act(lambda tx: registry.change(tx, releases, "experts", row, world.now, state=state))

    change(gone, "停用")
    change(unknown, person=personal.code(99))
    change(suspended, "暂停")
    give(world, case, 1, "继续")
    change(last, "停用")
    give(world, case, 1, "继续")
    for seat in (1, 2, 3):
        give(world, case, seat, "结束")
    record = published(world, row)
    said = [
        {"number": gone, "reason": "已经不在名册"},
        {"number": unknown, "reason": "没有在门户登记，无法邀请"},
        {"number": suspended, "reason": "在名册中暂停"},
    ]
    assert [(one["number"], one["by"], one["passed"]) for one in record["replacements"]] == [
        (found[0], found[6], said),
        (found[6], None, [{"number": last, "reason": "已经不在名册"}]),
    ]
    assert drawn_again(tmp_path, record) == (
        0,
        f"The same people: {', '.join(found[:3])}\nPassed over when their turn came: "
        f"{gone} (已经不在名册), {unknown} (没有在门户登记，无法邀请), {suspended} (在名册中暂停), "
        f"{last} (已经不在名册)",
    )
    assert world.breaks() == []


def test_who_was_passed_over_is_not_called_later(world):
    case = arranged(world)
    [row] = draws(world, case)
    found = order(row.seed, row.snapshot["pool"])
    gone = {"number": found[3]}

    def state(name):
        releases = world.kernel.releases
        world.run.act(lambda tx: registry.change(tx, releases, "experts", gone, world.now, state=name))

    state("停用")
    give(world, case, 1, "继续")
    releases = world.kernel.releases
    row_again = {"number": found[3], "name": "专家", "employer": "某研究院", "area": "甲"}
    world.run.act(lambda tx: registry.enter(tx, releases, "experts", [row_again], world.now))
    give(world, case, 2, "继续")
    changes = world.run.read(lambda tx: drawing.replacements(tx, row))
    assert [(one.number, one.by) for one in changes] == [(found[0], found[4]), (found[1], found[5])]


def test_who_was_replaced_does_not_come_out_of_a_later_drawing_of_the_case(tx, tmp_path):
    """Whoever sat to the end may be drawn anew; another case knows nothing of it."""
    world = World.within(tx, regulation(rounds()))
    world.officer = world.person("周", "officer")
    experts(tx, world.kernel.releases, range(1, 6), world.now)
    case, other = (world.file("main", world.wang, text="某水泥公司") for _ in range(2))
    world.complete("arrange", world.officer, case, count="3")
    [first] = draws(world, case)
    found = order(first.seed, first.snapshot["pool"])
    give(world, case, 1, "继续")
    give(world, case, 1, "继续")
    for seat in (1, 2, 3):
        give(world, case, seat, "结束")
    world.complete("look", world.officer, case, result="继续")
    with pytest.raises(PoolTooSmall) as refused:
        world.complete("arrange", world.officer, case, count="5")
    said = refused.value.text()
    assert said.startswith("需抽取 5 人，名册中可以抽取的只有 3 人。被排除的：本案中已被替换：2 人（专家")
    world.complete("arrange", world.officer, case, count="3")
    second = draws(world, case)[1]
    gone = sorted((found[0], found[3]))
    assert second.snapshot == {
        "pool": sorted({*found} - {*gone}),
        "excluded": [{"number": number, "reason": "本案中已被替换"} for number in gone],
    }
    [seats] = [one.value["seats"] for one in case.see(lambda live: live.values.all) if one.scope == "review:2"]
    assert ["replaced" in seat for seat in seats] == [False] * 3
    for seat in (1, 2, 3):
        [task] = [one for one in case.all_tasks if one.state == "open" and one.scope == f"review:2/seats:1.{seat}"]
        world.complete(task.id, world.officer, result="结束")
    for row in (first, second):
        code, printed = drawn_again(tmp_path, published(world, row))
        assert (code, printed.splitlines()[0]) == (0, "The same people: " + ", ".join(row.drawn))
    world.complete("arrange", world.officer, other, count="5")
    assert draws(world, other)[0].snapshot["excluded"] == []
    assert world.breaks() == []


def test_while_the_committee_is_open_only_counts_and_the_digest_are_public(world, tmp_path):
    case = arranged(world)
    [row] = draws(world, case)
    head = {
        "draw": row.id, "case": case.number, "register": "专家名册", "moment": "2026-09-21T09:00:00+08:00", "count": 3,
        "sha256": row.sha256,
    }  # fmt: skip
    assert published(world, row) == {**head, "pool": 7}
    give(world, case, 1, "继续")
    for seat in (1, 2):
        give(world, case, seat, "结束")
    assert published(world, row) == {**head, "pool": 7}
    give(world, case, 3, "结束")
    assert case.tasks == ["conclude"]
    record = published(world, row)
    found = order(row.seed, row.snapshot["pool"])
    assert record == {
        **head, "seed": row.seed, "snapshot": row.snapshot, "drawn": found[:3],
        "replacements": [
            {
                "number": found[0], "by": found[3], "at": "2026-09-21T09:00:00+08:00", "reason": "专家回避",
                "passed": [],
            }
        ],
    }  # fmt: skip
    told = "Passed over when their turn came: nobody"
    assert drawn_again(tmp_path, record) == (0, f"The same people: {', '.join(found[:3])}\n{told}")
    record["snapshot"]["excluded"].pop()
    assert drawn_again(tmp_path, record)[0] == 1
    with pytest.raises(UnknownCase):
        world.run.read(lambda tx: drawn.published(world.kernel, tx, row.id + 1))


TAMPERED = [
    """UPDATE draws SET seed = 'f00d'""",
    """UPDATE draws SET count = 5""",
    """UPDATE draws SET snapshot = jsonb_set(snapshot, '{pool}', (snapshot->'pool') || '"Z-0011"')""",
    """UPDATE draws SET snapshot = jsonb_set(snapshot, '{pool}', (snapshot->'pool') - 'Z-0007')""",
    """UPDATE draws SET snapshot = jsonb_set(snapshot, '{excluded,0,reason}', '"停用"')""",
    """UPDATE draws SET snapshot = jsonb_set(snapshot, '{excluded}', (snapshot->'excluded') - 0)""",
    """UPDATE draws SET drawn = jsonb_build_array(drawn->1, drawn->0, drawn->2)""",
    """UPDATE draws SET sha256 = repeat('0', 64)""",
    """UPDATE draw_replacements SET "by" = NULL""",
    """UPDATE draw_replacements SET reason = '专家请假'""",
    """DELETE FROM draw_replacements""",
    """UPDATE audit_entries SET details = details || '{"pool": 9}' WHERE kind = 'experts.drawn'""",
]


def test_a_record_that_was_changed_is_not_proven(tx, world):
    case = arranged(world)
    [row] = draws(world, case)
    give(world, case, 1, "继续")

    def proven():
        tx.expire_all()
        return world.run.read(lambda tx: drawn.published(world.kernel, tx, row.id).proven)

    assert proven()
    quiet = []
    for statement in TAMPERED:
        with tx.begin_nested() as trial:
            for table in ("draws", "draw_replacements", "audit_entries"):
                tx.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
            tx.execute(text(statement))
            quiet += [statement] if proven() else []
            trial.rollback()
    assert quiet == []
    assert proven()


def test_three_thousand_experts_cost_no_more_statements_than_ten(tx):
    spent = []
    for many in (10, 3_000):
        with tx.begin_nested() as trial:
            world = World.within(tx, natural())
            officer = world.person("周", "officer")
            experts(tx, world.kernel.releases, range(many + 2), world.now, coded=True)
            others = range(5_001, 5_001 + many)
            experts(tx, world.kernel.releases, others, world.now, employer="某水泥公司", coded=True)
            register(tx, [*range(1, many + 1), *others])
            case = world.file("main", world.wang, text="某水泥公司")
            with counted(tx) as statements:
                world.complete("arrange", officer, case, count="5")
            spent.append(len(statements))
            [row] = draws(world, case)
            assert (len(row.snapshot["pool"]), len(row.snapshot["excluded"])) == (many, many + 2)
            trial.rollback()
        tx.expire_all()
    assert spent[0] == spent[1]
