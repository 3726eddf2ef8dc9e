"""Renewals given to paths: for all of them, for a beginning, for one path; and what a demo begins with."""

from __future__ import annotations

from datetime import date

import pytest

from portal.cases.actions import ACTIONS
from portal.cases.kernel import Kernel
from portal.demo import renewals
from portal.errors import ContentFaults
from portal.jobs import Collected
from portal.procedures import Releases, validity
from portal.procedures.check import check
from portal.procedures.content import Content
from portal.scenarios.service import act_all, unread
from tests.builders.diagrams import path
from tests.builders.procedures import content, end, lapsing, procedure, start, task
from tests.builders.world import World

PEOPLE = '[people]\n"王" = "单位 91110000802100433B 甲区"\n'
RENEWAL = """
number  = "小〔2025〕9号"
title   = "延期通知"
from    = 2025-11-08
assumed = true
reason  = "试点仍在进行"
source  = "局务会纪要"
"""
FILED = """
title = "提出"
basis = "1"
{before}
[[step]]
at   = 2026-03-02T09:00:00
file = "main"
as   = "unit/王"
bind = "one"
{refused}
[outcome]
documents = {{}}
"""
REFUSED = 'expect = { refused = "state", says = "有效期到 2025年11月7日 为止（第一条）" }\n'


def acted(database, given: str, **paths: str) -> dict[str, list[str]]:
    """What was found in each path of a regulation that lapsed on 7 November 2025."""
    main = procedure(
        start(), task("check"), end(), path("start", "check", "end"), paths=paths,
    )  # fmt: skip
    whole = lapsing(content(main=main), "2025-11-07")
    files = {**whole.files, "bpmn/small/given.toml": given.encode()}
    kernel = Kernel(Releases(), Collected(), lambda tx: None, ACTIONS)
    report = act_all(database, kernel, Content(whole.regulation, files))
    return {
        one.file.rpartition("/")[2].removesuffix(".toml"): [fault.what for fault in one.faults]
        for one in report.results
    }


def said(before: str = "", refused: str = "") -> str:
    return FILED.format(before=before, refused=refused)


def test_a_path_is_acted_under_the_lapsed_text_or_under_its_own_renewal(database):
    found = acted(
        database,
        PEOPLE,
        lapsed=said(refused=REFUSED),
        renewed=said(before=f"[[renewal]]{RENEWAL}"),
        forgotten=said(),
    )
    assert found["lapsed"] == []
    assert found["renewed"] == []
    [what] = found["forgotten"]
    assert "被拒绝：《小办法》（小〔2023〕1号）的有效期到 2025年11月7日 为止（第一条）" in what


def test_what_given_renews_holds_for_every_path_and_what_a_beginning_renews_for_those_that_follow_it(database):
    everywhere = f"{PEOPLE}[[renewal]]{RENEWAL}"
    assert acted(database, everywhere, one=said()) == {"one": []}
    begun = f'{PEOPLE}[["renewed".renewal]]{RENEWAL}'
    found = acted(database, begun, one=said(before='given = "renewed"'), lapsed=said(refused=REFUSED))
    assert found == {"one": [], "lapsed": []}


def test_a_renewal_that_cannot_be_entered_is_told_where_it_stands(database):
    early = RENEWAL.replace("2025-11-08", "2023-02-20")
    found = acted(database, PEOPLE, early=said(before=f"[[renewal]]{early}"))
    assert found == {"early": ["《小办法》自 2023年2月20日 起施行，续期应当从以后的日子开始。"]}
    with pytest.raises(ContentFaults) as refusal:
        acted(database, f"{PEOPLE}[[renewal]]{early}", one=said())
    [fault] = refusal.value.faults
    assert (fault.file, fault.line, fault.what) == (
        "bpmn/small/given.toml",
        4,
        "《小办法》自 2023年2月20日 起施行，续期应当从以后的日子开始。",
    )


@pytest.mark.parametrize(
    ("old", "new", "element", "what"),
    [
        ('source  = "局务会纪要"\n', "", "renewal.source", "source"),
        ('reason  = "试点仍在进行"\n', "", "renewal.reason", "reason"),
        ("from    = 2025-11-08", "form    = 2025-11-08", "renewal.form", "不认识的键“renewal.form”"),
        ("assumed = true", 'assumed = "yes"', "renewal.assumed", "assumed"),
    ],
)
def test_a_renewal_is_read_strictly(old, new, element, what):
    assert old in RENEWAL
    told = [(fault.file, fault.element) for fault in unread(demo(RENEWAL.replace(old, new))) if what in fault.what]
    assert told == [("bpmn/small/demo.toml", element)]


def demo(renewal: str) -> Content:
    """Content whose demo.toml renews the regulation."""
    whole = lapsing(content(main=procedure(start(), end(), path("start", "end"))), "2025-11-07")
    return Content(whole.regulation, {**whole.files, "bpmn/small/demo.toml": f"[[renewal]]{renewal}".encode()})


def test_a_demo_begins_with_the_renewals_of_its_content_and_nothing_else_does(tx):
    whole = demo(RENEWAL)
    assert [fault for fault in check(whole, {}) if "demo.toml" in (fault.file or "")] == []
    world = World.within(tx, whole)
    assert validity.entered(tx) == []
    renewals.enter(world.kernel.releases, tx, world.wang.person_id, world.now)
    [row] = validity.entered(tx)
    assert (row.number, row.from_day, row.last_day, row.assumed) == ("小〔2025〕9号", date(2025, 11, 8), None, True)
    assert (row.source, row.reason, row.entered_by_id) == ("局务会纪要", "试点仍在进行", world.wang.person_id)
