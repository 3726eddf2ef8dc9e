"""What `portal check` says of clocks in a manifest: lengths, pauses, extensions, dates; and paths acted with them."""

from __future__ import annotations

import pytest

from portal.procedures.content import Content
from tests.builders.clocks import MANIFEST, clocks_content, timed_content
from tests.procedures.expecting import faults

BEFORE = {(one.element, one.what) for one in faults(clocks_content())}


def told(old: str, new: str, content: Content | None = None) -> list[tuple[str | None, str]]:
    """The faults that a change of the manifest brings, beside those of a procedure so small."""
    if content is None:
        assert MANIFEST.count(old) >= 1
        content = clocks_content(MANIFEST.replace(old, new, 1))
    found = faults(content)
    return [(one.element, one.what) for one in found if (one.element, one.what) not in BEFORE]


def test_what_is_written_right_is_no_fault():
    assert not [what for element, what in BEFORE if (element or "").startswith("deadlines")]


@pytest.mark.parametrize(
    ("old", "new", "element", "what"),
    [
        ('kind   = "minimum"', 'kind   = "least"', "deadlines.public.kind", "“least”不是期限的种类"),
        (
            'length = "5 working days"', 'within = "5 working days"',
            "deadlines.public.within", "“minimum”的长度写 length，不写 within",
        ),
        ('length = "5 working days"\n', "", "deadlines.public.length", "期限“public”没有写 length"),
        (
            'within = "10 working days"', 'length = "10 working days"',
            "deadlines.decide.length", "length 是 minimum（不得缩短的期间）的长度",
        ),
        (
            'set_by = "start.days"', 'set_by = "start.text"',
            "deadlines.public.set_by", "“start.text”是文字，不是天数或日期",
        ),
        ('set_by = "start.days"', 'set_by = "start.weeks"', "deadlines.public.set_by", None),
        (
            '{ while = "correct" }', '{ while = "corect" }',
            "deadlines.decide.pauses", "while“corect”：图中没有元素“corect”",
        ),
        (
            '{ while = "correct" }', '{ while = "decided" }',
            "deadlines.decide.pauses", "while“decided”：“decided”不是会停留的元素",
        ),
        (
            '{ while = "cases(objection)" }', '{ while = "cases(plan)" }',
            "deadlines.decide.pauses", "while“cases(plan)”：事项“plan”不是针对本事项提出的",
        ),
        (
            '{ while = "cases(objection)" }', '{ while = "cases(appeal)" }',
            "deadlines.decide.pauses", "法规中没有名为“appeal”的事项",
        ),
        (
            '{ while = "cases(objection)" }', '{ while = "correct" }',
            "deadlines.decide.pauses", "while“correct”写了两次",
        ),
        ('{ while = "correct" }', '{ during = "correct" }', "deadlines.decide.pauses", "pauses 的每一项写一个 while"),
        ('{ while = "correct" }', '{ while = "a b" }', "deadlines.decide.pauses", "while“a b”读不懂"),
        ('role = "leader" }', 'role = "unit" }', "deadlines.decide.extend.role", "extend 的“unit”不是机关的岗位"),
        ("times = 1", "times = 6", "deadlines.decide.extend.times", "times 应为 1 至 5"),
        ('by = "5 working days"', 'by = "5 weeks"', "deadlines.decide.extend.by", "期限长度“5 weeks”读不懂"),
        ('kind   = "duty"', 'kind   = "right"', "deadlines.decide.extend", "权利的期限由法律规定，不能延长"),
        (
            '"date(start.held)"', '"date(start.text)"',
            "deadlines.event.after", "事件“date(start.text)”：“start.text”是文字，不是日期",
        ),
        ('{ while = "correct" }', '{ while = "correct", title = "" }', "deadlines.decide.pauses", None),
        ('"date(start.held)"', '"accepted"', "deadlines.event.after", "事件“accepted”：图中没有受理的环节"),
        ('"date(start.held)"', '"opened(show)"', "deadlines.event.after", "事件“opened(show)”：没有名为“show”的公示"),
        (
            'met    = "done(conclude)"', 'met    = "date(start.held)"',
            "deadlines.decide.met", "“date(start.held)”只能写在 after 里",
        ),
    ],
)  # fmt: skip
def test_what_a_clock_names_exists_and_fits(old, new, element, what):
    found = told(old, new)
    assert element in [one for one, _what in found]
    assert what is None or (element, what) in found


def test_a_minimum_is_never_overdue():
    warned = 'length = "5 working days"\nwarn = [ { overdue = 0, raise = "leader" } ]'
    assert ("deadlines.public.warn", "warn 的“overdue = 0”：期间届满即止，没有逾期") in told(
        'length = "5 working days"', warned
    )


def test_actions_name_deadlines_that_exist_and_may_be_extended():
    whole = timed_content()
    file = "bpmn/small/timed/process.bpmn"
    drawn = whole.files[file].decode()
    unknown = Content(
        whole.regulation, {**whole.files, file: drawn.replace('value="work"', 'value="wrok"', 1).encode()}
    )
    assert ("begin", "没有名为“wrok”的期限") in told("", "", unknown)
    manifest = "bpmn/small/timed/procedure.toml"
    text = whole.files[manifest].decode()
    line = next(line for line in text.splitlines() if line.startswith("extend"))
    fixed = Content(whole.regulation, {**whole.files, manifest: text.replace(line, "").encode()})
    assert ("more", "期限“work”不能延长") in told("", "", fixed)
