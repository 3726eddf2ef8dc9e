"""Paths and given.toml are read strictly: what nobody would look at, and a name of nothing, is told with its line."""

from __future__ import annotations

from functools import cache

import pytest

from portal.errors import ContentFaults
from portal.procedures.content import Content
from portal.procedures.releases import open_content
from portal.scenarios import names, service
from portal.scenarios.reading import read_given, read_path
from tests.builders.world import shipped

FILE = "bpmn/chongqing-ets/allocation-review/paths/one.toml"
GIVEN = "bpmn/chongqing-ets/given.toml"
PATH = """
title = "一条路径"
basis = "11.2"
given = "served notice"

[[step]]
at      = 2026-10-12T23:59:59
file    = "allocation-review"
about   = "notice"
bind    = "review"
as      = "emitter/王"
answers = { claimed_amount = 1320000, grounds = "产量数据有误" }
expect.facts = { in_time = true }
expect.deadlines = { decision = { last_day = 2026-10-26 } }

[[step]]
at      = 2026-10-13T09:00:00
task    = "check"
as      = "intake/李"
answers = { result = "受理" }
expect.outcomes = { notice = "已生效" }

[[step]]
at      = 2026-10-14T09:00:00
serve   = "notice"
how     = "post"
on      = 2026-10-13T09:00:00
as      = "clerk/陶"

[outcome]
outcomes  = { review = "维持", notice = "已生效" }
documents = { review = ["decision"] }
entries   = [ { account = "王", asset = "allowance", amount = 1 } ]
balances.allowance = { "王" = 1 }
"""


def with_path(text: str) -> Content:
    files = {name: data for name, data in shipped().files.items() if "/paths/" not in name}
    return Content("chongqing-ets", {**files, FILE: text.encode()})


@cache
def opened():
    return open_content(0, with_path(PATH))


def told(text: str) -> list[tuple[int | None, str]]:
    """Line and words of each fault in the path."""
    content = with_path(text)
    try:
        path = read_path(content, "allocation-review", FILE)
    except ContentFaults as error:
        found = list(error.faults)
    else:
        found = names.strange(opened(), shared(), [path])
    assert {fault.file for fault in found} <= {FILE}
    return [(fault.line, fault.what) for fault in found]


@cache
def shared():
    return read_given(shipped())


def test_what_is_written_right_is_read():
    content = with_path(PATH)
    path = read_path(content, "allocation-review", FILE)
    assert [step.verb for step in path.steps] == ["file", "task", "serve"]
    assert names.strange(opened(), read_given(content), [path]) == []
    assert all("没有路径以" in fault.what for fault in service.unread(content))


WRONG = [
    # keys that nobody would look at
    ('how     = "post"', 'how     = "fax"', "“fax”不是送达的方式"),
    ("last_day = 2026-10-26", "lastday = 2026-10-26", "不认识的键“step.expect.deadlines.decision.lastday”"),
    ("last_day = 2026-10-26", 'last_day = "2026-10-26"', "期限的 last_day 应为日期，如 2026-10-12"),
    ("last_day = 2026-10-26", 'state = "over"', "期限的 state 应为running、paused、met、dropped、not begun 之一"),
    ("amount = 1 }", 'amount = "1" }', "分录的“amount”应为整数"),
    ("amount = 1 }", "amount = 1, kind = 2 }", "不认识的键“outcome.entries.kind”"),
    ("expect.facts =", "expect.fact =", "不认识的键“step.expect.fact”"),
    ('task    = "check"', 'task    = "check"\nabout = "notice"', "task 用不到“about”"),
    ('serve   = "notice"', 'serve   = "notice"\nanswers = { a = 1 }', "serve 用不到“answers”"),
    ('task    = "check"', 'task    = "check"\npass = true', "第2步应当有且只有一个动作"),
    ('as      = "intake/李"', 'as      = "intake"', "没有写明由谁办理"),
    ('as      = "intake/李"', 'as      = "intake/李"\nexpect.says = "期"', "says 只和 refused 一起写"),
    ('as      = "intake/李"', 'as      = "intake/李"\nexpect.refused = "late"', "“late”不是拒绝的种类"),
    ("[outcome]", '[outcome]\nledger = "same"', "“same”不是台账的写法"),
    ("[outcome]", '[outcome]\nledger = "unchanged"', "ledger = unchanged 和 entries 不能同时写"),
    # names of nothing
    ('given = "served notice"', 'given = "serve notice"', "没有名为“serve notice”的开头"),
    ('file    = "allocation-review"', 'file    = "allocation-reviews"', "没有名为“allocation-reviews”的事项"),
    ('file    = "allocation-review"', 'file    = "verification-review"', "不是针对“allocation-notice”提出的"),
    ('about   = "notice"', 'about   = "notices"', "没有名为“notices”的案件"),
    ('as      = "emitter/王"', 'as      = "emitter/汪"', "没有名为“汪”的人物"),
    ('as      = "intake/李"', 'as      = "intakes/李"', "没有名为“intakes”的岗位"),
    ('task    = "check"', 'task    = "checks"', "没有名为“checks”的环节"),
    ("in_time = true", "intime = true", "没有名为“intime”的事实"),
    ("{ decision = { last", "{ decisions = { last", "没有名为“decisions”的期限"),
    ('expect.outcomes = { notice = "已生效" }', 'expect.outcomes = { note = "已生效" }', "没有名为“note”的案件"),
    ('expect.outcomes = { notice = "已生效" }', 'expect.outcomes = { notice = "生效" }', "没有名为“生效”的结果"),
    ('outcomes  = { review = "维持"', 'outcomes  = { review = "维护"', "没有名为“维护”的结果"),
    ('["decision"]', '["decisions"]', "没有名为“decisions”的文书"),
    ('account = "王"', 'account = "汪"', "没有名为“汪”的单位"),
    ('asset = "allowance"', 'asset = "allowances"', "没有名为“allowances”的资产"),
    ('{ "王" = 1 }', '{ "汪" = 1 }', "没有名为“汪”的单位"),
    ("balances.allowance", "balances.allowances", "没有名为“allowances”的资产"),
    ("2026-10-14T09:00:00", "2026-10-12T09:00:00", "时刻早于上一步"),
]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'file    = "allocation-review"',
            'flie    = "allocation-review"',
            (
                8,
                "第1步不认识“flie”",
                "是否应为“file”？可用：file、task、serve、message、pass、retry、drop、correct、keep、renew、extend",
            ),
        ),
        (
            'task    = "check"',
            'task    = "check"\npass = true',
            (
                17,
                "第2步应当有且只有一个动作",
                "写 file、task、serve、message、pass、retry、drop、correct、keep、renew、extend 之一",
            ),
        ),
    ],
)
def test_a_step_whose_verb_is_not_clear_is_told_in_one_line(old, new, said):
    assert PATH.count(old) == 1
    with pytest.raises(ContentFaults) as refused:
        read_path(with_path(PATH.replace(old, new)), "allocation-review", FILE)
    assert [(fault.line, fault.what, fault.mend) for fault in refused.value.faults] == [said]


@pytest.mark.parametrize("text", ['title = "无"\nbasis = "1"\n[outcome]\noutcomes = { a = "b" }\n'])
def test_a_path_in_which_nothing_happens_is_told(text):
    assert [said for _, said in told(text)] == ["路径没有任何一步"]


def test_an_outcome_that_names_nothing_is_none():
    text = PATH.replace('outcomes  = { review = "维持", notice = "已生效" }', "outcomes = {}")
    text = text.replace('documents = { review = ["decision"] }\n', "")
    assert [said for _, said in told(text)] == ["路径没有写明结果"]


def test_paths_that_do_the_same_are_told():
    files = with_path(PATH).files
    again = FILE.replace("one.toml", "two.toml")
    content = Content("chongqing-ets", {**files, again: PATH.replace("一条路径", "又一条路径").encode()})
    [fault] = [fault for fault in service.unread(content) if fault.file == again]
    assert (fault.what, fault.mend) == (f"与路径 {FILE} 一样：步骤和结果都相同", "删去一条，或改成另一种情形")


def test_a_beginning_that_no_path_comes_from_is_told():
    [fault] = [fault for fault in service.unread(with_path(PATH)) if fault.element == "filed review"]
    assert (fault.file, fault.what) == (GIVEN, "没有路径以“filed review”开头，它不会被演练")
    assert fault.mend == '在路径中写 given = "filed review"，或删去'
    lines = shipped().files[GIVEN].decode().splitlines()
    assert lines[fault.line - 2] == '[["filed review".step]]'


@pytest.mark.parametrize(("old", "new", "what"), WRONG, ids=[what for _, _, what in WRONG])
def test_what_is_wrong_is_told_on_its_line(old, new, what):
    assert old in PATH
    text = PATH.replace(old, new)
    found = told(text)
    assert what in "；".join(said for _, said in found)
    # On the line that was changed, or the next where a key was put in.
    changed = [n for n, line in enumerate(text.splitlines(), 1) if line not in PATH.splitlines()]
    [line] = [line for line, said in found if what in said]
    assert line in changed or what.startswith(("第2步", "serve 用", "task 用", "says", "ledger", "不是针对"))


def given(text: str) -> list[str]:
    """What is wrong with a given.toml."""
    content = Content("chongqing-ets", {GIVEN: text.encode()})
    try:
        found = names.strange(opened(), read_given(content), [])
    except ContentFaults as error:
        found = list(error.faults)
    assert {fault.file for fault in found} <= {GIVEN}
    return [fault.what for fault in found]


PEOPLE = '[people]\n"王" = "重庆某水泥有限公司 91500101MA5YKQ1X0C 万州区"\n'


def test_people_may_be_written_in_a_line_each():
    content = Content("chongqing-ets", {GIVEN: PEOPLE.encode()})
    [person] = read_given(content).people.values()
    assert (person.org, person.uscc, person.district) == ("重庆某水泥有限公司", "91500101MA5YKQ1X0C", "万州区")
    assert person.kinds == ("enterprise",)


def test_records_may_be_written_as_a_table():
    text = (
        '[[record]]\nregister = "emitters"\ncolumns = ["uscc", "year"]\nrows = [["91500101MA5YKQ1X0C", 2025], ["x", 1]]'
    )
    [records] = read_given(Content("chongqing-ets", {GIVEN: text.encode()})).records
    assert records.rows == ({"uscc": "91500101MA5YKQ1X0C", "year": 2025}, {"uscc": "x", "year": 1})


RECORD = '[[record]]\nregister = "emitters"\n'


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[people]\n"王" = "某公司 91500101MA5YKQ1X0C"', "“王”应写明单位名称、统一社会信用代码和区县"),
        (PEOPLE.replace("1X0C", "1X0D"), "不是正确的统一社会信用代码"),
        (PEOPLE.replace("万州区", "万洲区"), "“万洲区”不是法规的区县"),
        (
            '[people]\n"王" = { org = "甲", uscc = "91500101MA5YKQ1X0C", kinds = ["entreprise"] }',
            "“entreprise”不是单位的种类",
        ),
        (RECORD.replace("emitters", "emitter") + "fields = { uscc = 1 }", "没有名为“emitter”的名册"),
        (RECORD + 'fields = { code = "x" }', "没有名为“code”的字段"),
        (RECORD + 'state = "在册"\nfields = { year = 2025 }', "没有名为“在册”的状态"),
        (RECORD + 'columns = ["uscc"]\nrows = [["x", 1]]', "看不出登记的是哪些记录"),
        (RECORD, "看不出登记的是哪些记录"),
        ('["a"]\ngiven = "b"\n["b"]\ngiven = "a"\n', "又回到自己"),
        ('["a"]\ngiven = "c"\n', "没有名为“c”的开头"),
        ('[["a".step]]\nat = 2026-09-21T09:00:00\nfile = "x"\nas = "handler/周"\n', "没有名为“x”的事项"),
        ('people = "王"', "应为表"),
        ('["a"]\nstep = [1]\n', "第1项应为表"),
    ],
)
def test_what_is_wrong_with_what_paths_share_is_told(text, what):
    assert what in "；".join(given(text))
