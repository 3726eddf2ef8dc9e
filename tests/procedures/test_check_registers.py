"""Content with one fault in a register, in what is entered in one or asked of one: told where, and how to mend it."""

from __future__ import annotations

import pytest

from portal.procedures import Content
from tests.builders.content import FILES, broken, changed, small
from tests.builders.world import shipped
from tests.procedures.expecting import expect_one, faults

REGISTER = """
[registers.measures]
title     = "核定数量"
key       = ["uscc", "year"]
states    = ["有效", "作废"]
closed    = ["作废"]
public    = ["name"]
fields.uscc   = "uscc"
fields.year   = "year"
fields.name   = "text"
fields.skills = "list"
fields.text   = "hash"
fields.who    = "person"
fields.amount = "amount"
titles    = { name = "单位名称" }
meanwhile = { amount = "review.in_time" }
"""
TASK = "register.measures"


def with_register(register: str = REGISTER, **files: bytes) -> Content:
    """The small content with a register."""
    text = small().files[FILES["regulation.toml"]].decode()
    return changed(**{"regulation.toml": (text + register).encode(), **files})


def entering(action: str = "register.record", *left_out: str, **inputs: str) -> Content:
    """The small content whose ledger posting is an entry in a register instead, with these inputs."""
    usual = {
        "register": "measures", "uscc": "=party.uscc", "year": "=start.year", "name": "=party.name",
        "amount": "=start.amount", "skills": "林业", "text": "", "who": "",
    }  # fmt: skip
    given = {key: value for key, value in {**usual, **inputs}.items() if key not in left_out}
    said = "".join(f"<portal:input name='{name}' value='{value}'/>" for name, value in given.items())
    text = small().files[FILES["record.bpmn"]].decode()
    start, end = text.index('<portal:action name="ledger.post">'), text.index("</portal:action>")
    return with_register(
        **{"record.bpmn": (text[:start] + f'<portal:action name="{action}">{said}' + text[end:]).encode()}
    )


def asking(expression: str) -> Content:
    """The small content with a register, one of whose facts asks for what is on record."""
    text = small().files[FILES["review.toml"]].decode()
    fact = f"\n[facts.recorded]\ntitle = \"已登记\"\nis = '{expression}'\n"
    return with_register(**{"review.toml": (text + fact).encode()})


def test_a_register_well_written_has_no_fault():
    assert faults(with_register()) == []
    assert faults(entering()) == []
    assert faults(entering("register.update", "name")) == []
    assert faults(asking('record("measures", [party.uscc, about.start.year]).amount > 0')) == []


def test_what_is_not_known_of_an_organisation_is_no_part_of_it():
    assert faults(asking("registered(party.uscc).name != party.name")) == []
    [fault] = faults(asking("registered(party.uscc).nam != party.name"))
    assert "“registered”没有“nam”" in fault.what


@pytest.mark.parametrize(
    ("old", "new", "element", "what"),
    [
        ('title     = "核定数量"\n', "", "registers.measures.title", "缺少"),
        ('key       = ["uscc", "year"]\n', "", "registers.measures.key", "以什么区分"),
        ('key       = ["uscc", "year"]', 'key = ["uscc", "yaer"]', "registers.measures.key", "“yaer”不是字段"),
        ('key       = ["uscc", "year"]', 'key = ["uscc", "uscc"]', "registers.measures.key", "写了 2 次"),
        ('states    = ["有效", "作废"]', 'states = ["有效", "作废", "有效"]', "registers.measures.states", "写了 2 次"),
        ('closed    = ["作废"]', 'closed = ["注销"]', "registers.measures.closed", "“注销”不是状态"),
        ('closed    = ["作废"]', 'closed = ["有效"]', "registers.measures.closed", "不能是失效的状态"),
        ('closed    = ["作废"]', 'closed = ["作废"]\nsuspended = ["作废"]', "registers.measures.suspended",
         "“作废”是登记时或者失效的状态，不是暂停的状态"),
        ('public    = ["name"]', 'public = ["nme"]', "registers.measures.public", "“nme”不是字段"),
        ('titles    = { name = "单位名称" }', 'titles = { nme = "x" }', "registers.measures.titles", "“nme”不是字段"),
        ('name   = "text"', 'name = "string"', "registers.measures.fields.name", "种类“string”不认识"),
        ('fields.who    = "person"', 'fields.state = "text"', "registers.measures.fields.state", "不能作字段"),
        ('fields.who    = "person"', 'fields."a b" = "text"', "registers.measures.fields.a b", "不能作字段"),
        ('name   = "text"', "name = 5", "registers.measures.fields.name", "应为文字"),
        ("public ", "pubic ", "registers.measures.pubic", "不认识的键"),
        ('public    = ["name"]', 'public = ["name", "name"]', "registers.measures.public", "写了 2 次"),
        ('public    = ["name"]', 'public = ["who"]', "registers.measures.public", "“who”的种类是 person，任何时候都"),
        ('public    = ["name"]', 'public_states = ["有效"]', "registers.measures.public_states", "没有公开的字段"),
        ('public    = ["name"]', 'public = ["name"]\npublic_states = ["有笑"]', "registers.measures.public_states",
         "“有笑”不是状态"),
        ('public    = ["name"]', 'public = ["name"]\npublic_states = ["有效", "有效"]',
         "registers.measures.public_states", "写了 2 次"),
        ('key       = ["uscc", "year"]', 'key = ["skills"]', "registers.measures.key", "“skills”是列表"),
        ('{ amount = "review.in_time" }', '{ year = "review.in_time" }', "registers.measures.meanwhile", "键以外"),
        ('"review.in_time"', '"in_time"', "registers.measures.meanwhile.amount", "事项和事实"),
        ('"review.in_time"', '"reveiw.in_time"', "registers.measures.meanwhile.amount", "名为“reveiw”的事项"),
        ('"review.in_time"', '"grant.in_time"', "registers.measures.meanwhile.amount", "没有写 about"),
        ('"review.in_time"', '"review.undisputed"', "registers.measures.meanwhile.amount", "名为“undisputed”的事实"),
    ],
)  # fmt: skip
def test_a_fault_in_a_register_is_told_with_its_place(old, new, element, what):
    assert REGISTER.count(old) == 1
    expect_one(with_register(REGISTER.replace(old, new)), "regulation.toml", element, what)


def test_a_register_without_states_or_fields_is_told():
    bare = '\n[registers.measures]\ntitle = "核定数量"\n'
    said = [fault.what for fault in faults(with_register(bare))]
    assert any("没有状态" in what for what in said)
    assert any("没有字段" in what for what in said)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (entering(register="measure"), "没有名册“measure”"),
        (entering(register='="measures"'), "应当直接写出"),
        (entering("register.record", "register"), "缺少输入“register”"),
        (entering("register.record", "amount"), "缺少名册“measures”的字段“amount”"),
        (entering("register.update", "year"), "缺少名册“measures”的字段“year”"),
        (entering("register.update", "name", "amount", "skills", "text", "who"), "没有说明变更什么"),
        (entering(amuont="5"), "没有字段“amuont”"),
        (entering(state="有笑"), "没有状态“有笑”"),
        (entering(document="decision"), "没有名为“decision”的文书"),
        (entering(each="draft.units"), "应当是表达式"),
        (entering(each="=start.year"), "不是列表"),
        (entering(amount="=party.name"), "“amount”不是数字"),
        (entering(amount="5.5"), "字段“amount”不能是“5.5”"),
        (entering(uscc="91500101MA5YKQ1X0D"), "字段“uscc”不能是“91500101MA5YKQ1X0D”"),
        (entering(skills="=start.amount"), "“skills”不是列表"),
        (entering(text="abc"), "字段“text”不能是“abc”"),
        (entering(name="=party.kinds"), "“name”是列表，字段只放一个值"),
    ],
)
def test_a_fault_in_what_is_entered_is_told_at_the_task(content, what):
    expect_one(content, "record.bpmn", "post", what)


def test_an_entry_cites_an_article():
    content = entering()
    text = content.files[FILES["record.bpmn"]].decode()
    cut = text.replace('</portal:action><portal:basis ref="11.1"/>', "</portal:action>")
    assert cut != text
    expect_one(
        Content("demo", {**content.files, FILES["record.bpmn"]: cut.encode()}), "record.bpmn", "post", "依据哪一条"
    )


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ('record("measure", [party.uscc, 2025]) = null', "没有名册“measure”"),
        ("record(party.name, [party.uscc, 2025]) = null", "第一个参数应当直接写"),
        ('record("measures", [party.uscc]) = null', "键有 2 项，这里给出 1 项"),
        ('record("measures", [party.uscc, 2025]).amuont > 0', "没有字段“amuont”"),
        ('record("measures", [party.uscc, 2025]).state = "有笑"', "没有状态“有笑”"),
        ('"有笑" != record("measures", [party.uscc, 2025]).state', "没有状态“有笑”"),
        ('record("measures", [party.ucss, 2025]).amount > 0', "“party”没有“ucss”"),
        ('record("measures") = null', "1个参数"),
    ],
)
def test_a_fault_in_what_is_asked_is_told_at_the_expression(expression, what):
    expect_one(asking(expression), "review.toml", "facts.recorded.is", what)


def test_without_the_regulation_nothing_is_said_of_its_registers():
    said = faults(broken("regulation.toml", "title    =", "title    = ="))
    assert not any("名册" in fault.what for fault in said)


def test_districts_that_are_chosen_are_those_of_the_regulation():
    file, form = "bpmn/chongqing-ets/regulation.toml", "forms/chongqing-ets/emitter-list/draft.json"
    text = shipped().files[file].decode()
    assert text.count('"涪陵区"') == 1
    content = Content("chongqing-ets", {**shipped().files, file: text.replace('"涪陵区"', '"新设区"').encode()})
    assert "涪陵区" in content.files[form].decode()
    told = {fault.element: (fault.what, fault.mend) for fault in faults(content) if "districts" in fault.what}
    what = "“district”可选的区县与法规的 districts 不同：缺少 新设区，多出 涪陵区"
    assert told
    assert set(told.values()) == {(what, "改正表单的选项，或 regulation.toml 的 districts")}
