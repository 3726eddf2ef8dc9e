"""What a demo.toml says of people, records and stories: read strictly, acted on the days before the demo begins."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from portal import identity
from portal.calendar import service as calendars
from portal.cases.actions import ACTIONS
from portal.cases.kernel import Kernel
from portal.cases.models import Attachment, Case, Publication, Task
from portal.clock import TZ, day_of
from portal.demo import accounts, content, present
from portal.demo.evidence import paper
from portal.demo.history import History, working_days_before
from portal.demo.people import PASSWORD
from portal.errors import ContentFaults
from portal.jobs import ProcrastinateQueue
from portal.procedures import Content, Releases, publish
from portal.procedures.check import check
from portal.registers import Record, lots
from portal.registers.models import Draw
from portal.scenarios.service import unread
from portal.storage import MemoryStore
from portal.worker import Tools
from tests.builders.experts import natural
from tests.builders.publicity import regulation
from tests.builders.world import moment_of

REGISTER = """
[registers.plans]
title  = "方案"
key    = ["number"]
states = ["在册"]
fields = { number = "text" }
titles = { number = "编号" }
"""
DEMO = """
[people]
"clerk" = { name = "钱经办", roles = ["officer"] }
"unit"  = { name = "孙申请", org = "小公司", uscc = "91500101MA5YKQ1X0C", district = "南区" }
"alone" = { name = "李个人", uscc = "P000000001X", district = "南区", title = "个人" }

[[record]]
register = "plans"
fields   = { number = "旧一" }

[["objected to".step]]
ago     = 4
time    = 09:30:00
file    = "plan"
bind    = "plan"
as      = "unit/unit"
answers = { title = "绿道", summary = "沿河", phone = "1" }
files   = { text = ["绿道方案.pdf"] }
expect.deadlines.shown = { state = "running" }

[["objected to".step]]
ago     = 2
time    = 14:00:00
file    = "objection"
about   = "plan"
bind    = "objection"
as      = "public"
answers = { name = "张三", kind = "个人", id_number = "330402199001011230", phone = "13800000000", objection = "重复" }
files   = { evidence = ["证明.pdf"] }

[["over".step]]
ago     = 12
time    = 10:00:00
file    = "plan"
bind    = "plan"
as      = "unit/unit"
answers = { title = "旧方案", summary = "沿河", phone = "1" }

[["over".step]]
ago     = 2
time    = 16:00:00
task    = "confirm"
as      = "officer/clerk"
answers = { text = "无异议" }
expect.tasks = []
"""
LOT = """
[people]
"clerk" = { name = "钱经办", roles = ["officer"] }
"unit"  = { name = "孙申请", org = "小公司", uscc = "91500101MA5YKQ1X0C", district = "南区" }
"one"   = { name = "甲", uscc = "P000000001X", district = "南区" }
"two"   = { name = "乙", uscc = "P0000000028", district = "南区" }
"three" = { name = "丙", uscc = "P0000000036", district = "南区" }
"four"  = { name = "丁", uscc = "P0000000044", district = "南区" }

[[record]]
register = "experts"
columns  = ["number", "name", "person", "area"]
rows     = [
  ["Z1", "甲", "P000000001X", "甲"],
  ["Z2", "乙", "P0000000028", "甲"],
  ["Z3", "丙", "P0000000036", "甲"],
  ["Z4", "丁", "P0000000044", "甲"],
]

[["drawn".step]]
ago     = 4
time    = 09:30:00
file    = "main"
bind    = "case"
as      = "unit/unit"
answers = { text = "某单位" }

[["drawn".step]]
ago     = 3
time    = 09:30:00
task    = "arrange"
as      = "officer/clerk"
answers = { count = 3 }
drawn   = ["three", "one", "four"]
"""
DAYS = ["2026-11-23T00:00:01", "2026-10-04T12:00:00", "2026-11-21T23:59:00", "2027-01-01T09:00:00"]


def with_demo(text: str = DEMO) -> Content:
    """The regulation of plans with a demo.toml and a register."""
    whole = regulation()
    home = f"bpmn/{whole.regulation}"
    law = whole.files[f"{home}/regulation.toml"] + REGISTER.encode()
    return Content(
        whole.regulation, {**whole.files, f"{home}/regulation.toml": law, f"{home}/demo.toml": text.encode()}
    )


def with_lot() -> Content:
    """A regulation with experts whose demo draws a committee."""
    whole = natural()
    return Content(whole.regulation, {**whole.files, f"bpmn/{whole.regulation}/demo.toml": LOT.encode()})


def told(tx, now: datetime, text: str = DEMO, whole: Content | None = None) -> tuple[History, Releases]:
    """A demo of a regulation, that of plans unless another is given, which begins at a moment."""
    kernel = Kernel(Releases(), ProcrastinateQueue(), lambda _tx: now, ACTIONS)
    publish(tx, whole or with_demo(text), now, "test")
    [release] = kernel.releases.in_force(tx)
    people = content.enter(tx, release, now - timedelta(days=365))
    history = History(Tools(None, MemoryStore(), kernel, "http://127.0.0.1:8000"), tx, people, now)
    calendar = calendars.current(tx)

    def before(days, at):
        return datetime.combine(working_days_before(calendar, day_of(now), days), at, TZ)

    history.tell(content.stories(history, release, before), now)
    return history, kernel.releases


@pytest.mark.parametrize("day", DAYS)
def test_its_stories_have_happened_whatever_the_day(tx, day):
    now = moment_of(day)
    history, _ = told(tx, now)
    cases = {case.status: case for case in tx.scalars(select(Case).order_by(Case.id))}
    assert set(cases) == {"公示中", "环节judge", "同意"}
    calendar = calendars.current(tx)
    assert {name: day_of(case.filed_at) for name, case in cases.items()} == {
        "公示中": working_days_before(calendar, day_of(now), 4),
        "环节judge": working_days_before(calendar, day_of(now), 2),
        "同意": working_days_before(calendar, day_of(now), 12),
    }
    shown = {row.title: row for row in tx.scalars(select(Publication))}
    assert (shown["绿道 公示"].paused, shown["旧方案 公示"].result) == (True, "公示期满，没有成立的异议")
    assert shown["旧方案 公示"].last_day == working_days_before(calendar, day_of(now), 5)
    files = tx.scalars(select(Attachment).order_by(Attachment.name)).all()
    assert [row.name for row in files] == ["绿道方案.pdf", "证明.pdf"]
    assert all(history.tools.store.get(row.key).startswith(b"%PDF-") for row in files)
    assert len({row.sha256 for row in files}) == 2


def test_its_people_can_sign_in_and_do_what_waits_for_them(tx):
    now = moment_of(DAYS[0])
    history, releases = told(tx, now)
    [release] = releases.in_force(tx)
    here = release.regulation.region
    offered = [(one.login, one.name, one.role, one.place, one.office) for one in accounts([release])[len(accounts()) :]]
    assert offered == [
        ("clerk", "钱经办", "经办人", here, True),
        ("unit", "孙申请", "小公司", here, False),
        ("alone", "李个人", "个人", here, False),
    ]
    assert [one.login for one in present(releases, tx)] == ["clerk", "unit", "alone"]
    assert identity.sign_in(tx, "alone", PASSWORD, "127.0.0.1", now) is not None
    judging = tx.scalars(select(Task).where(Task.state == "open")).one()
    assert judging.element == "judge"
    assert history.who("clerk").has(release.regulation.slug, "officer")
    assert history.who("alone").organisation_id is not None


def test_the_seed_of_a_lot_is_of_random_bytes_and_draws_whom_the_story_names_in_that_order(tx):
    told(tx, moment_of(DAYS[0]), whole=with_lot())
    [draw] = tx.scalars(select(Draw))
    assert (draw.drawn, draw.snapshot["pool"]) == (["Z3", "Z1", "Z4"], ["Z1", "Z2", "Z3", "Z4"])
    assert lots.order(draw.seed, draw.snapshot["pool"]) == ["Z3", "Z1", "Z4", "Z2"]
    assert len(bytes.fromhex(draw.seed)) == 16


def test_what_is_on_record_was_so_a_year_before(tx):
    now = moment_of(DAYS[0])
    told(tx, now)
    [record] = tx.scalars(select(Record))
    assert (record.register, record.state, record.fields["number"]) == ("plans", "在册", "旧一")


def test_a_step_that_turns_out_otherwise_breaks_the_demo_off(tx):
    with pytest.raises(ContentFaults) as told_of:
        told(tx, moment_of(DAYS[0]), DEMO.replace('state = "running"', 'state = "met"'))
    [fault] = told_of.value.faults
    assert (fault.file, fault.element) == ("bpmn/small/demo.toml", "expect.deadlines.shown.state")


@pytest.mark.parametrize(
    ("old", "new", "element", "what"),
    [
        ("ago     = 4", "ago     = 0", "objected to.step.ago", "第几个工作日"),
        ("time    = 09:30:00", 'time    = "早上"', "objected to.step.time", "几点"),
        ("time    = 09:30:00", "at      = 2026-01-01T00:00:00", "objected to.step.at", "不认识"),
        ('roles = ["officer"]', 'roles = ["offiser"]', "roles", "没有名为“offiser”的工作人员的岗位"),
        ('roles = ["officer"]', 'roles = ["unit"]', "roles", "没有名为“unit”的工作人员的岗位"),
        ('roles = ["officer"]', 'role = ["officer"]', "people.clerk.role", "不认识的键"),
        ("91500101MA5YKQ1X0C", "91500101MA5YKQ1X0D", "people.unit", "不是正确的统一社会信用代码"),
        ("P000000001X", "P0000000011", "people.alone", "不是正确的个人编号"),
        ('as      = "unit/unit"', 'as      = "unit/clerk"', "as", "没有名为“clerk”的"),
        ('as      = "officer/clerk"', 'as      = "officer/somebody"', "as", "没有名为“somebody”的账号"),
        ('as      = "officer/clerk"', 'as      = "leader/clerk"', "as", "没有名为“clerk”的账号"),
        ('task    = "confirm"', 'task    = "confrim"', "task", "没有名为“confrim”的环节"),
        ("ago     = 2\ntime    = 16:00:00", "ago     = 13\ntime    = 16:00:00", "at", "时刻早于上一步"),
        ('register = "plans"', 'register = "plan"', "register", "没有名为“plan”的名册"),
    ],
)
def test_it_is_read_strictly(old, new, element, what):
    assert old in DEMO
    found = [
        (fault.file, fault.element) for fault in unread(with_demo(DEMO.replace(old, new, 1))) if what in fault.what
    ]
    assert found[:1] == [("bpmn/small/demo.toml", element)]


def test_nobody_else_reads_it():
    assert [fault for fault in check(with_demo(), {}) if "demo.toml" in (fault.file or "")] == []
    assert unread(with_demo()) == ()


def test_a_made_up_paper_says_what_it_stands_for():
    made = paper("绿道方案.pdf").content()
    assert made.startswith(b"%PDF-1.4")
    assert "绿道方案".encode("utf-16-be").hex().encode() in made
    start = int(made.rpartition(b"startxref\n")[2].split()[0])
    assert made[start:].startswith(b"xref\n0 8\n")
    assert made[int(made[start:].splitlines()[3].split()[0]) :].startswith(b"1 0 obj")
    assert paper("照片.png").content().startswith(b"\x89PNG")


def test_the_day_is_that_of_the_calendar(tx):
    """Between a Monday and the Friday two weeks before lies the National Day week."""
    assert working_days_before(calendars.current(tx), date(2026, 10, 9), 3) == date(2026, 9, 29)
