"""What `portal check` says of publicity that cannot be held as the law wants it, and of what the public may start."""

from __future__ import annotations

import pytest

from portal.cases.actions import ACTIONS
from portal.procedures import Content
from portal.procedures.check import check
from tests.builders.diagrams import boundary, call, diagram, element, flow, handler, message, path, subprocess, trigger
from tests.builders.procedures import does, end, over, start, task, waits
from tests.builders.publicity import OBJECTION_MANIFEST, PLAN_MANIFEST, regulation

RULES = {name: action.rule for name, action in ACTIONS.items()}
# The builder's drawings cite no article and are not laid out; that is none of this module's business.
_OTHER = ("没有写依据哪一条", "图没有画出来", "没有事项用到这个文件")


def found(content):
    """The faults of publicity alone: place and words."""
    faults = check(content, RULES)
    return [(fault.element, fault.what) for fault in faults if not any(fault.what.startswith(one) for one in _OTHER)]


def of_plan(old, new):
    assert PLAN_MANIFEST.count(old) == 1, old
    return regulation(plan_manifest=PLAN_MANIFEST.replace(old, new))


def of_objection(old, new):
    assert OBJECTION_MANIFEST.count(old) == 1, old
    return regulation(objection_manifest=OBJECTION_MANIFEST.replace(old, new))


def drawn(*changes):
    """The content with texts of the plan's drawing replaced."""
    whole = regulation()
    file = "bpmn/small/plan/process.bpmn"
    text = whole.files[file].decode()
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return Content(whole.regulation, {**whole.files, file: text.encode()})


def test_the_whole_content_is_without_a_fault():
    assert found(regulation()) == []


@pytest.mark.parametrize(
    ("old", "new", "element", "what"),
    [
        ('length  = "7 working days"', 'length  = "3 working days"', "deadlines.shown",
         "公示的期间 3 working days 短于下限 5 working days"),
        ('length  = "7 working days"', 'length  = "30 days"', "publicity.notice.floor",
         "期间是 30 days，floor 是 5 working days，单位不同，不能比较"),
        ('kind    = "minimum"\nafter   = "opened(notice)"\nlength ',
         'kind    = "duty"\nafter   = "opened(notice)"\nwithin ',
         "publicity.notice.deadline", "公示的期间“shown”可以被缩短（duty）"),
        ('after   = "opened(notice)"', 'after   = "filed"', "publicity.notice.deadline",
         "公示的期间“shown”不自公示开始时起算"),
        ('deadline   = "shown"', 'deadline   = "show"', "publicity.notice.deadline", "没有名为“show”的期限"),
        ('shows      = ["start.title", "start.summary", "party.name"]\nmaterials  = ["text"]', "",
         "publicity.notice.shows",
         "公示“notice”没有写公示什么"),
        ('"start.summary"', '"start.sumary"', "publicity.notice.shows",
         "“start.sumary”：表单“plan”没有“sumary”这一项（start）"),
        ('"start.summary"', '"start.text"', "publicity.notice.shows", "“start.text”是文件"),
        ('"party.name"]', '"party.uscc"]', "publicity.notice.shows", "“party.uscc”可能是自然人的个人编号，不能公开"),
        ("{{ start.title }}", "{{ party.uscc }}", "publicity.notice.title",
         "“party.uscc”可能是自然人的个人编号，不能公开"),
        ('pauses  = [ { while = "cases(objection)" } ]', "", "deadlines.shown.pauses",
         "公示的期间“shown”在异议“objection”办理期间不暂停，可以在有结果之前期满"),
        ('cases(objection)', 'confirm', "deadlines.shown.pauses",
         "公示的期间“shown”在异议“objection”办理期间不暂停，可以在有结果之前期满"),
        ('"party.name"]', '"case.outcome"]', "publicity.notice.shows", "“case.outcome”前面写什么没有说明"),
        ('materials  = ["text"]', 'materials  = ["texts"]', "publicity.notice.materials", "没有名为“texts”的材料"),
        ('objections = "objection"', 'objections = "objections"', "publicity.notice.objections",
         "法规中没有名为“objections”的事项"),
        ("{{ start.title }}", "{{ start.name }}", "publicity.notice.title", None),
        ("{{ start.title }}", "{{ start.title", "publicity.notice.title", "title 里的花括号不成对"),
        ('assumed    = "文本没有规定，照通常做法"\nfloor', 'floor', "publicity.notice", "公示“notice”没有写依据哪一条"),
    ],
)  # fmt: skip
def test_a_publicity_that_is_not_as_it_must_be(old, new, element, what):
    faults = found(of_plan(old, new))
    assert [fault for fault in faults if fault[0] == element and what in (None, fault[1])] != [], faults


@pytest.mark.parametrize("length", ['within  = "7 working days"', ""])
def test_a_length_that_is_not_said_is_not_compared_with_the_floor(length):
    faults = found(of_plan('length  = "7 working days"', length))
    assert [element for element, _what in faults if element.startswith(("deadlines", "publicity"))] == [
        f"deadlines.shown.{'within' if length else 'length'}"
    ]


@pytest.mark.parametrize(
    ("removed", "element", "line"),
    [('kind       = "方案公示"\n', "publicity.notice.kind", "[publicity.notice]"),
     ('length  = "7 working days"\n', "deadlines.shown.length", "[deadlines.shown]")],
)  # fmt: skip
def test_what_is_missing_is_told_at_the_table_that_lacks_it(removed, element, line):
    content = of_plan(removed, "")
    [fault] = [one for one in check(content, RULES) if one.element == element]
    assert content.files[fault.file].decode().splitlines()[fault.line - 1] == line


def test_a_publicity_that_nothing_opens():
    other = (
        '\n[publicity.other]\ntitle = "又"\nkind = "方案公示"\ndeadline = "shown"\n'
        'shows = ["start.title"]\nassumed = "例"\n'
    )
    faults = found(regulation(plan_manifest=PLAN_MANIFEST + other))
    assert ("publicity.other", "没有什么开始公示“other”") in faults


def test_a_publicity_that_is_opened_and_never_closed():
    whole = drawn(
        (flow("confirm", "unopposed"), flow("confirm", "agreed")), (flow("unopposed", "agreed"), ""),
        (flow("start", "publish"), flow("start", "publish")),
    )  # fmt: skip
    assert ("publish", "公示“notice”开始后，可以不结束公示就走到“同意”") in found(whole)


def test_a_period_that_can_be_skipped():
    # Nobody waits any more: straight from where it is opened to the person who confirms.
    whole = drawn((flow("publish", "shown"), flow("publish", "confirm")))
    assert ("publish", "公示“notice”的期间可以跳过") in found(whole)


def test_a_period_that_ends_without_a_person():
    whole = drawn((flow("over", "confirm"), flow("over", "unopposed")))
    assert ("over", "公示期满后没有人员确认结果就结束公示") in found(whole)


SHOWING = (
    start(None), does("publish", "publicity.open", publicity="notice"),
    element("eventBasedGateway", "shown"), over("over", "shown"), waits("upheld", "objection_upheld"),
    task("confirm", form="note"),
    does("unopposed", "publicity.close", publicity="notice", result="没有成立的异议"), end("quiet", "公示无碍"),
    does("opposed", "publicity.close", publicity="notice", result="异议成立"), end("upset", "异议成立"),
    path("start", "publish", "shown", "over", "confirm", "unopposed", "quiet"),
    path("shown", "upheld", "opposed", "upset"),
)  # fmt: skip
"""A diagram to be called, that shows the plan."""
CALL = (call("showing"), path("start", "showing", "revise", "agreed"))


def calling(*around, inside=SHOWING):
    """The content with the plan shown by a called diagram; what stands around the call, and inside."""
    whole = regulation()
    own = (start("plan"), task("revise", role="party", form="plan", revises="start"), end("agreed", "同意"))
    drawings = {
        "bpmn/small/plan/process.bpmn": diagram(*own, *around),
        "bpmn/small/_shared/showing/process.bpmn": diagram(*inside),
    }
    return Content(whole.regulation, {**whole.files, **drawings})


def close(key, result="申请人撤回"):
    return does(key, "publicity.close", publicity="notice", result=result)


def by_party(name):
    """The definition of a message that the party sends."""
    said = '<bpmn:extensionElements><portal:message role="party"/></bpmn:extensionElements>'
    return said + message(name)


def stopped(on="showing", *, sent=by_party):
    return boundary("stop", on, sent("stop"))


def named(part):
    """With a name, which whoever sends its message reads."""
    return part.replace(' id="stop"', ' id="stop" name="停下"')


def goes_on(to):
    return ("stop", f"公示“notice”进行中可以由此中断，不结束公示就走到“{to}”")


SKIPPED = ("stop", "公示“notice”的期间可以跳过")


@pytest.mark.parametrize(
    ("around", "faults"),
    [
        (CALL, []),
        # What ends the case closes what it shows.
        ((*CALL, stopped(), end("gone", "已撤回"), path("stop", "gone")), []),
        ((*CALL, handler("leaving", element("startEvent", "stop", by_party("stop"), isInterrupting="true"),
          task("leave"), end("gone", "已撤回"), path("stop", "leave", "gone"))), []),
        # The case goes on, the plan is still shown, and can never be shown anew.
        ((*CALL, stopped(), flow("stop", "revise")), [goes_on("环节revise")]),
        ((call("showing"), path("start", "again", "showing", "revise", "agreed"), element("exclusiveGateway", "again"),
          stopped(), flow("stop", "again")), [goes_on("publish")]),
        ((subprocess("around", start(None).replace('"start"', '"begin"'), call("showing"), end("done", "公示过"),
          path("begin", "showing", "done")), path("start", "around", "revise", "agreed"),
          stopped("around"), flow("stop", "revise")), [goes_on("环节revise")]),
        ((subprocess("around", start(None).replace('"start"', '"begin"'), call("showing"), end("done", "公示过"),
          path("begin", "showing", "done"),
          handler("leaving", element("startEvent", "stop", by_party("stop"), isInterrupting="true"),
                  end("left", "停下"), path("stop", "left"))),
          path("start", "around", "revise", "agreed")), [goes_on("环节revise")]),
        # Closed it is, but by whoever does not want to wait for the end of the period.
        ((*CALL, stopped(), close("closed"), path("stop", "closed", "revise")), [SKIPPED]),
        ((*CALL, boundary("stop", "showing", message("objection_upheld")), close("closed"),
          path("stop", "closed", "revise")), []),
    ],
)  # fmt: skip
def test_what_interrupts_the_diagram_that_shows_it(around, faults):
    assert found(calling(*(named(part) for part in around))) == faults


NEVER = ("publish", "公示“notice”开始后，可以不结束公示就走到“已撤回”（用于“plan”）")


@pytest.mark.parametrize(
    ("more", "faults"),
    [
        ((handler("leaving", element("startEvent", "stop", by_party("stop"), isInterrupting="true"),
          end("gone", "已撤回"), path("stop", "gone")),), [NEVER]),
        ((handler("leaving", element("startEvent", "stop", by_party("stop"), isInterrupting="true"),
          close("closed"), end("gone", "已撤回"), path("stop", "closed", "gone")),),
         [("publish", "公示“notice”的期间可以跳过（用于“plan”）")]),
        ((handler("leaving", trigger("stop", message("objection_upheld")),
          close("closed"), end("gone", "已撤回"), path("stop", "closed", "gone")),), []),
    ],
)  # fmt: skip
def test_what_interrupts_the_publicity_inside_its_diagram(more, faults):
    assert found(calling(*CALL, inside=(*SHOWING, *(named(part) for part in more)))) == faults


def test_a_diagram_that_is_not_there_is_told_alone():
    """Its shared.toml would say of the period what the manifest does not."""
    whole = calling(*CALL)
    manifest = "bpmn/small/plan/procedure.toml"
    text = whole.files[manifest].decode()
    start_of, end_of = text.index("[deadlines.shown]"), text.index("[materials.text]")
    shared = {"bpmn/small/_shared/showing/shared.toml": text[start_of:end_of].encode()}
    own = text[:start_of] + '[deadlines.shown]\nassumed = "另有理由"\n' + text[end_of:]
    whole = Content(whole.regulation, {**whole.files, **shared, manifest: own.encode()})
    assert found(whole) == []
    drawing = whole.files["bpmn/small/plan/process.bpmn"].replace(b'diagram="showing"', b'diagram="shown"')
    gone = Content(whole.regulation, {**whole.files, "bpmn/small/plan/process.bpmn": drawing})
    assert found(gone) == [("showing", "找不到图“shown”")]


def test_what_interrupts_a_subprocess_in_which_it_is_opened():
    inner = subprocess("held", *(part.replace('id="start"', 'id="begin"').replace('"start-', '"begin-')
                                 .replace('sourceRef="start"', 'sourceRef="begin"') for part in SHOWING))  # fmt: skip
    outer = (start(None), inner, end("shown_out", "已公示"), path("start", "held", "shown_out"))
    assert found(calling(*CALL, inside=outer)) == []
    stop = (named(stopped("held")), end("gone", "已撤回"), path("stop", "gone"))
    assert found(calling(*CALL, inside=(*outer, *stop))) == [NEVER]


def test_an_action_that_names_no_publicity():
    text = 'value="notice"/></portal:action></bpmn:extensionElements></bpmn:serviceTask>'
    assert ("publish", "没有名为“notices”的公示") in found(drawn((text, text.replace("notice", "notices"))))


@pytest.mark.parametrize(
    ("old", "new", "element", "what"),
    [
        (', during = "notice"', "", "starts", "public 只用于公示期间提出的意见，没有写 about.during"),
        ('during = "notice"', 'during = "notices"', "about.during", "事项“plan”没有名为“notices”的公示"),
        ('by = "anyone"', 'by = "addressee"', "about.by", "公示期间任何人都可以提出"),
        ('times = "any"', 'times = "one"', "about.times",
         "公众都可以提出，先提出的人不能使后来的人提不成：times 不能是“one”"),
        ('name = "start.name"', 'name = "start.phone2"', "starts.name",
         "name 的路径“start.phone2”不是启动表单中必填的文字项"),
        (', code = ["start.id_number", "start.uscc"]', "", "starts.code", "没有写 code：实名要有号码"),
        ('address = "start.address"', 'address = "start.phone2"', "starts.address",
         "address 的路径“start.phone2”不是启动表单中的文字项"),
        ('shares     = ["start.objection"]', 'shares     = ["start.address"]', "shares",
         "“start.address”不能给关联案件的当事人看"),
        ('"start.id_number"', '"start.phone"', "starts.code", "code 的路径“start.phone”不是启动表单中必填的号码"),
        ('serve    = ["filer"]', 'serve    = ["party"]', "documents.answer.serve",
         "公众提出的案件没有当事人，文书“answer”送达不了 party"),
        ('size   = "5 MB"', 'size   = "6 MB"', "materials.evidence.size",
         "公众提交的材料合计不超过 5 MB，材料“evidence”却允许 6 MB"),
        ('shares     = ["start.objection"]', 'shares     = ["start.name"]', "shares",
         "“start.name”不能给关联案件的当事人看"),
        ("public = true, ", 'role = "unit", public = true, ', "starts.role", "starts 要写 role、cases、public 之一"),
    ],
)  # fmt: skip
def test_what_the_public_starts_and_may_not_be_started_so(old, new, element, what):
    faults = found(of_objection(old, new))
    assert (element, what) in faults, faults


def test_a_letter_to_the_filer_where_the_public_files_nothing():
    letter = (
        '\n[documents.reply]\ntitle = "复"\ntemplate = "letter.docx"\n'
        'number = "复〔{year}〕{seq}号"\nserve = ["filer"]\n'
    )
    faults = found(regulation(plan_manifest=PLAN_MANIFEST + letter))
    assert ("documents.reply.serve", "“filer”只用于公众可以提出的事项") in faults


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ('count(objections("notice")) = 0', None),
        ('count(objections("notices")) = 0', "没有名为“notices”的公示"),
        ("count(objections(start.title)) = 0", "objections 的参数应当直接写公示的名称"),
        ('count(earlier_objections("notice")) = 0', None),
        ('count(earlier_objections("notices")) = 0', "没有名为“notices”的公示"),
        ("count(earlier_objections(start.title)) = 0", "earlier_objections 的参数应当直接写公示的名称"),
        ("publication.closed_at = null", "本事项不在公示期间提出，不能读取“publication”"),
    ],
)
def test_objections_are_asked_of_a_publicity_by_its_name(expression, what):
    fact = f"""\n[facts.objected]\ntitle = "异议"\nis    = '{expression}'\n"""
    said = " ".join(words for _place, words in found(regulation(plan_manifest=PLAN_MANIFEST + fact)))
    assert said == "" if what is None else what in said


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("publication.closed_at = null", None),
        ("publication.paused = true", "“publication”没有“paused”"),
        ("publication.closed_at.paused = true", "“publication.closed_at”是时刻，没有“paused”"),
    ],
)
def test_what_is_filed_during_a_publicity_asks_about_that_one(expression, what):
    fact = f"""\n[facts.stands]\ntitle = "公示未结束"\nis    = '{expression}'\n"""
    said = " ".join(words for _place, words in found(regulation(objection_manifest=OBJECTION_MANIFEST + fact)))
    assert said == "" if what is None else what in said
