"""Faults of what manifests and the regulation name."""

import pytest

from portal.cases import kinds
from portal.procedures.manifest import KINDS
from tests.builders.content import FILES, broken, changed, small
from tests.procedures.expecting import expect_one_when, faults

BASIS = 'basis      = { decision = "11.2", check = "licensing:12", in_time = "11.2" }'
MANIFESTS = [
    # who starts, and about what
    ("grant.toml", '{ role = "handler" }', '{ role = "nobody" }', "starts.role", "没有岗位“nobody”"),
    ("grant.toml", '{ role = "handler" }', '{ role = "party" }', "starts.role", "没有岗位“party”"),
    ("grant.toml", '{ role = "handler" }', "{ }", "starts.role", "role、cases、public 之一"),
    ("grant.toml", '{ role = "handler" }', '{ role = "handler", each = "x" }', "starts.each", "尚未支持"),
    ("notice.toml", '["grant"]', '["grant", "gone"]', "starts.cases", "没有名为“gone”的事项"),
    ("notice.toml", '"start.unit"', '"start.gone"', "starts.party", "“start.gone”不是启动表单中的单位"),
    ("notice.toml", '"start.unit"', '"start.amount"', "starts.party", "“start.amount”不是启动表单中的单位"),
    ("review.toml", 'until = "objection"', 'until = "gone"', "about.until", "没有名为“gone”的期限"),
    ("review.toml", 'by = "addressee"', 'by = "everyone"', "about.by", "不是可用的提出人"),
    ("review.toml", 'times = "one decided"', 'times = "two"', "about.times", "不是可用的次数"),
    ("review.toml", '{ examiner = "handler" }', '{ examiner = "handler", x = "leader" }', "roles.x", "没有用到岗位“x”"),
    ("notice.toml", 'subject = "配额", ', "", "with", "缺少图所要的 with.subject"),
    ("notice.toml", 'subject = "配额", ', 'subject = "配额", x = "y", ', "with.x", "图没有要 with.x"),
    ("grant.toml", "number ", 'with = { x = "y" }\nnumber ', "with.x", "图没有要 with.x"),
    ("period.toml", 'subject = "text"', 'subject = "number"', "with", "种类“number”不存在"),
    # articles
    ("review.toml", 'decision = "11.2"', 'decision = "99"', "basis.decision", "没有条款“99”"),
    ("review.toml", 'in_time = "11.2"', 'in_tiem = "11.2"', "basis.in_tiem", "没有什么用到"),
    ("review.toml", '"licensing:12"', '"other:12"', "basis.check", "没有条款“other:12”"),
    ("review.toml", 'after  = "filed"\n', 'after  = "filed"\nbasis = "99"\n', "deadlines.decision.basis",
     "没有条款“99”"),
    ("review.toml", 'serve    = ["party"]\n', 'serve    = ["party"]\nbasis = "99"\n', "documents.decision.basis",
     "没有条款“99”"),
    # paths and pairs
    ("grant.toml", '"draft.amount"', '"draft.amont"', "searchable", "没有“amont”这一项"),
    ("grant.toml", '["draft", "sign"]', '["draft", "sgn"]', "separation", "图中没有环节“sgn”"),
    ("grant.toml", '["draft", "sign"]', '["signed", "sign"]', "separation", "“signed”不是由人员办理的环节"),
    ("grant.toml", '[ ["draft", "sign"] ]', '"draft"', "separation", "成对"),
    ("grant.toml", '["draft", "sign"]', '["draft", "draft"]', "separation", "separation 把“draft”和它自己分开"),
    ("grant.toml", '[ ["draft", "sign"] ]', "3", "separation", "成对"),
    ("review.toml", '"grant:draft"', '"gone:draft"', "separation", "没有名为“gone”的事项"),
    ("review.toml", '"grant:draft"', '"grant:gone"', "separation", "事项“grant”中没有环节“gone”"),
    # facts
    ("review.toml", "about.deadlines.objection.due = null", "about.deadlines.objecton.due = null", "facts.in_time.is",
     "没有名为“objecton”的期限"),
    ("review.toml", "about.deadlines.objection.due = null", "facts.in_time", "facts.in_time.is", "不能再用 facts"),
    ("review.toml", "about.deadlines.objection.due = null", "visits(gone) = 1", "facts.in_time.is", "不是图中的元素"),
    ("review.toml", "about.deadlines.objection.due = null", "1 +", "facts.in_time.is", "有误"),
    # deadlines
    ("review.toml", '"issued(decision)"', '"issued(gone)"', "deadlines.decision.met", "没有名为“gone”的文书"),
    ("review.toml", '"done(sign)"', '"done(gone)"', "deadlines.decision.met", "没有元素“gone”"),
    ("review.toml", '"done(sign)"', '"received(gone)"', "deadlines.decision.met", "没有消息“gone”"),
    ("review.toml", '"done(sign)"', '"finished(sign)"', "deadlines.decision.met", "事件“finished(sign)”不存在"),
    ("period.toml", 'after  = "served(notice)"', 'after  = "served(letter)"', "deadlines.objection.after",
     "没有名为“letter”的文书"),
    ("review.toml", '"10 working days"', '"10 workdays"', "deadlines.decision.within", "读不懂"),
    ("review.toml", 'within = "10 working days"\n', "", "deadlines.decision.within", "within 或 until 之一"),
    ("review.toml", '"10 working days"', '"１0 working days"', "deadlines.decision.within", "读不懂"),
    ("review.toml", 'assumed = "文本未规定"', 'assumed = "文本未规定"\nbasis = "11.2"', "deadlines.correction.assumed",
     "期限“correction”既写了 basis 又写了 assumed"),
    # documents and materials
    ("notice.toml", 'copy     = ["registry"]', 'copy     = ["gone"]', "documents.notice.copy", "没有抄送机构“gone”"),
    ("period.toml", 'serve   = ["party"]', 'serve   = ["bureau"]', "documents.notice.serve", "送达对象“bureau”"),
    ("period.toml", 'receipt = "handler"', 'receipt = "nobody"', "documents.notice.receipt", "没有岗位“nobody”"),
    ("period.toml", 'desk    = "leader"', 'desk    = "nobody"', "documents.notice.desk", "没有岗位“nobody”"),
    ("period.toml", 'desk    = "leader"\n', "", "documents.notice.receipt", "没有写明更正送达后由谁决定"),
    ("notice.toml", '"notice.docx"', '"gone.docx"', "documents.notice.template", "找不到文书模板“gone.docx”"),
    ("notice.toml", "示通〔{year}〕{seq}号", "示通〔{year}〕号", "documents.notice.number", "各一次"),
    ("review.toml", 'accept = ["pdf"]\n', 'accept = ["pdf"]\n[materials.map]\ntitle = "图"\naccept = ["pdf"]\n', 
     "materials.map", "没有表单用到材料“map”"),
    ("review.toml", 'accept = ["pdf"]', 'accept = ["pdf", "zip"]', "materials.evidence.accept",
     "材料“evidence”不能接受“zip”这种文件"),
    ("review.toml", 'accept = ["pdf"]', 'accept = ["pdf"]\nrequired = true', "materials.evidence.required",
     "是否必交写在表单里"),
    # copies to a body of which every region has one
    ("regulation.toml", 'bureau   = "示范局"', 'bureau   = { title = "示范局", one_per = "region" }',
     "bodies.bureau.title", "每个区县一个的机构，名称里要有“区县”"),
    ("regulation.toml", 'registry = "登记机构"', 'registry = { title = "区县机构", one_per = "city" }',
     "bodies.registry.one_per", "one_per 只能是 region"),
    ("regulation.toml", 'registry = "登记机构"', 'registry = { title = "登记机构", one_pre = "region" }',
     "bodies.registry.one_pre", "不认识的键"),
    ("notice.toml", 'copy     = ["registry"]', 'copy     = ["registry(party.district)"]', "documents.notice.copy",
     "抄送机构“registry”只有一个，不必写区县"),
    ("notice.toml", 'copy     = ["registry"]', 'copy     = ["gone(party.district)"]', "documents.notice.copy",
     "法规中没有抄送机构“gone”"),
    # the text of law
    ("regulation.toml", 'applicant = ["enterprise"]', 'applicant = ["entreprise"]', "roles.unit.applicant",
     "“entreprise”不是单位的种类"),
    ("regulation.toml", "in_force = 2023-02-20", 'in_force = 2023-02-20\nlast_day = 2023-02-19\nvalidity = "1"',
     "last_day", "last_day（2023-02-19）早于 in_force（2023-02-20）"),
    ("regulation.toml", "in_force = 2023-02-20", "in_force = 2023-02-20\nlast_day = 2025-02-19", "last_day",
     "写了 last_day，没有写有效期是哪一条规定的"),
    ("regulation.toml", "in_force = 2023-02-20", 'in_force = 2023-02-20\nlast_day = 2025-02-19\nvalidity = "30"',
     "validity", "[articles] 中没有条款“30”"),
    ("regulation.toml", "in_force = 2023-02-20", 'in_force = 2023-02-20\nafter_last_day = ["review"]',
     "after_last_day", "没有 last_day，after_last_day 不起作用"),
    ("regulation.toml", "in_force = 2023-02-20",
     'in_force = 2023-02-20\nlast_day = 2025-02-19\nvalidity = "1"\nafter_last_day = ["reveiw"]', "after_last_day",
     "after_last_day 中的“reveiw”不是本法规的事项"),
    ("regulation.toml", "in_force = 2023-02-20",
     'in_force = 2023-02-20\nlast_day = 2025-02-19\nvalidity = "1"\nafter_last_day = ["review", "review"]',
     "after_last_day", "after_last_day 中“review”写了 2 次"),
    ("regulation.toml", "in_force = 2023-02-20", 'in_force = 2023-02-20\nrenewed_by = "示〔2025〕1号"', "renewed_by",
     "续期不写在内容里"),
    ("regulation.toml", "in_force = 2023-02-20", 'in_force = 2023-02-20\ndistricts = ["甲区", "乙区", "甲区"]',
     "districts", "districts 中“甲区”写了 2 次"),
    # the rest
    ("grant.toml", "title ", "titel = 1\ntitle ", "titel", "不认识的键“titel”"),
    ("regulation.toml", 'body = "bureau" }\nleader', 'body = "gone" }\nleader', "roles", "不存在的机构“gone”"),
    ("regulation.toml", "[bodies]", '[parameters]\n[bodies]', "parameters", "尚未支持"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "element", "what"), MANIFESTS)
def test_what_a_manifest_names_exists(name, old, new, element, what):
    expect_one_when(name, old, new, element, what)


DISTRICTS = ('registry = "登记机构"', 'registry = { title = "区县登记机构", one_per = "region" }')
COPIES = [
    ('["registry"]', "抄送机构“registry”每个区县一个，没有写是哪个区县的", '写成 "registry(party.district)"'),
    ('["registry(party.county)"]', "抄送的“party.county”：“party”没有“county”", "可用：district、kinds、name、uscc"),
    ('["registry(start.amount)"]', "抄送的“start.amount”是数字，不是区县的名称", "写区县名称的路径，如 party.district"),
    ('["registry (party.district)"]', "法规中没有抄送机构“registry (party.district)”", "可用：bureau、registry"),
]


@pytest.mark.parametrize(("copy", "what", "mend"), COPIES)
def test_a_copy_to_the_body_of_a_region_says_by_a_path_of_which(copy, what, mend):
    texts = {name: small().files[FILES[name]].decode() for name in ("regulation.toml", "notice.toml")}
    content = changed(
        **{
            "regulation.toml": texts["regulation.toml"].replace(*DISTRICTS).encode(),
            "notice.toml": texts["notice.toml"].replace('["registry"]', copy).encode(),
        }
    )
    assert [(f.element, f.what, f.mend) for f in faults(content)] == [("documents.notice.copy", what, mend)]


def test_a_copy_to_the_body_of_the_partys_region_is_sound():
    texts = {name: small().files[FILES[name]].decode() for name in ("regulation.toml", "notice.toml")}
    content = changed(
        **{
            "regulation.toml": texts["regulation.toml"].replace(*DISTRICTS).encode(),
            "notice.toml": texts["notice.toml"].replace('["registry"]', '["registry(party.district)"]').encode(),
        }
    )
    assert faults(content) == []


def found_in(content):
    return [(fault.file.removeprefix("bpmn/"), fault.element, fault.what) for fault in faults(content)]


def test_a_number_pattern_has_one_user():
    content = broken("review.toml", "示复〔{year}〕{seq}号", "示通〔{year}〕{seq}号")
    (only,) = found_in(content)
    assert only[:2] == ("demo/review/procedure.toml", "documents.decision.number")
    assert "已由 notice 的 documents.notice.number 使用" in only[2]


def test_a_case_and_a_letter_share_no_number_pattern():
    content = broken("review.toml", "示复案〔{year}〕{seq}号", "示复〔{year}〕{seq}号")
    assert [row[:2] for row in found_in(content)] == [("demo/review/procedure.toml", "documents.decision.number")]


def test_a_role_that_is_mapped_to_nothing_is_told_where_it_is_mapped_and_used():
    found = found_in(broken("review.toml", '{ examiner = "handler" }', '{ examiner = "nobody" }'))
    assert [row[1] for row in found] == ["roles.examiner", "check"]


def test_about_a_procedure_that_does_not_exist():
    found = found_in(broken("review.toml", 'procedure = "notice"', 'procedure = "gone"'))
    assert [row[1:] for row in found] == [("about.procedure", "法规中没有名为“gone”的事项")]


def test_without_about_all_that_needs_it_is_told():
    text = 'about      = { procedure = "notice", by = "addressee", times = "one decided", until = "objection" }\n'
    elements = {row[1] for row in found_in(broken("review.toml", text, ""))}
    messages = {"tell_filed", "tell_kept", "tell_changed", "tell_withdrawn"}
    assert elements >= messages | {"reverse", "changed", "facts.in_time.is", "components[0]", "about.start.amount"}


def test_a_shared_diagram_that_does_not_exist():
    found = found_in(broken("notice.toml", 'diagram = "period"', 'diagram = "gone"'))
    assert ("demo/notice/procedure.toml", "diagram", "找不到图“gone”") in found


def test_a_parameter_that_names_no_diagram():
    found = found_in(broken("notice.toml", 'record = "record"', 'record = "gone"'))
    assert [row[1:] for row in found] == [("with.record", "找不到图“gone”")]


def test_a_fault_of_a_shared_file_names_those_who_cause_it():
    found = found_in(broken("period.bpmn", 'ref="@notice"', 'ref="@gone"'))
    assert [row[2] for row in found] == ["procedure.toml 的 basis 中没有“gone”（用于“notice”）"]


def test_faults_of_what_lies_under_a_manifest_name_the_shared_file():
    (only,) = faults(broken("period.toml", 'kind   = "right"', 'kind   = "wrong"'))
    assert (only.file, only.line) == ("bpmn/_shared/period/shared.toml", 7)


def test_an_upload_without_a_material_is_told_at_the_form():
    text = '\n[materials.evidence]\ntitle  = "证明材料"\naccept = ["pdf"]\n'
    (only,) = faults(broken("review.toml", text, ""))
    assert (only.file, only.element) == ("forms/demo/review/application.json", "evidence")
    assert "没有对应的材料" in only.what


def test_names_that_expressions_cannot_say_are_refused():
    text = "[materials.evidence]"
    more = '[deadlines.a-b]\ntitle = "x"\nkind = "duty"\nafter = "filed"\nwithin = "1 day"\nassumed = "x"\n'
    (only,) = faults(broken("review.toml", text, more + text))
    assert (only.element, "不能在表达式中作名称" in only.what) == ("deadlines.a-b", True)


def test_a_deadline_that_nothing_uses_is_allowed():
    text = "[materials.evidence]"
    more = '[deadlines.other]\ntitle = "x"\nkind = "duty"\nafter = "filed"\nwithin = "1 day"\nassumed = "x"\n'
    assert faults(broken("review.toml", text, more + text)) == []


@pytest.mark.parametrize("name", ["regulation.toml", "grant.toml", "period.toml"])
def test_toml_that_is_none_has_its_line(name):
    data = small().files[FILES[name]] + b"= broken\n"
    found = [fault for fault in faults(changed(**{name: data})) if fault.file == FILES[name]]
    assert [(fault.line, "TOML 语法有误" in fault.what) for fault in found] == [(data.count(b"\n"), True)]


def test_a_material_accepts_the_kinds_of_file_that_uploads_are_looked_at_for():
    assert set(KINDS) == set(kinds.SIGNATURES)
