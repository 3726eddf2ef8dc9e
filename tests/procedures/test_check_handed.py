"""What a manifest hands to a shared diagram: procedures by `@name`, shared articles, and the merging of tables."""

from __future__ import annotations

import pytest

from portal.procedures import Content
from portal.procedures.procedure import Procedure, survey
from portal.procedures.regulation import read
from tests.builders.content import FILES, changed, small
from tests.procedures.expecting import expect_one, faults

TEXTS = {name: small().files[FILES[name]].decode() for name in FILES if not name.startswith("letter")}
SHARED = "bpmn/_shared/appeal/shared.toml"
DIAGRAM = "bpmn/_shared/appeal/process.bpmn"
STARTS = 'starts     = [ { role = "unit" } ]\n'
ABOUT = 'about      = { procedure = "notice", by = "addressee", times = "one decided", until = "objection" }\n'
BASIS = 'basis      = { decision = "11.2", check = "licensing:12", in_time = "11.2" }\n'
PAIRS = 'separation = [ ["check", "sign"], ["check", "grant:draft"] ]\n'
START_NOTICE = '<portal:input name="procedure" value="notice"/>'


def handed(**swaps: tuple[str, str]) -> Content:
    """The small content, but the review and the notice leave all they can to the shared.toml of their diagrams.

    `swaps`: in one of the files, a text and what takes its place.
    """
    review = TEXTS["review.toml"]
    for line in (STARTS, ABOUT, BASIS, PAIRS):
        assert line in review
        review = review.replace(line, "")
    texts = {
        "review.toml": f'diagram = "appeal"\nbasis = {{ review = "11.2" }}\n{review}\n'
        '[with]\norigin = "grant"\nnotice = "notice"\n',
        SHARED: STARTS
        + ABOUT.replace('"notice"', '"@notice"')
        + 'basis = { decision = "@review", check = "@review", in_time = "@review" }\n'
        + PAIRS.replace('"grant:draft"', '"@origin:draft"').replace(" ]\n", ', ["sign", "own:check"] ]\n')
        + '[with]\norigin = "procedure"\nnotice = "procedure"\n',
        DIAGRAM: TEXTS["review.bpmn"],
        "notice.toml": TEXTS["notice.toml"]
        .replace('starts  = { cases = ["grant"], party = "start.unit" }\n', "")
        .replace("with    = {", 'with    = { origin = "grant",'),
        "period.toml": 'starts = { cases = ["@origin"], party = "start.unit" }\n'
        + TEXTS["period.toml"].replace("[with]\n", '[with]\norigin = "procedure"\n'),
    }
    for name, (old, new) in swaps.items():
        name = {"shared": SHARED, "diagram": DIAGRAM}.get(name, name.replace("_", "."))
        assert texts[name].count(old) == 1, f"{old!r} stands {texts[name].count(old)} times in {name}"
        texts[name] = texts[name].replace(old, new)
    return changed(**{"review.bpmn": None}, **{name: text.encode() for name, text in texts.items()})


def put_together(content: Content, slug: str) -> Procedure:
    regulation = read("demo", content.files[FILES["regulation.toml"]], FILES["regulation.toml"])
    procedure, found = survey(content, regulation, slug)
    assert procedure is not None
    assert not found, "\n".join(map(str, found))
    return procedure


def test_all_that_two_chains_have_in_common_may_stand_in_shared_files():
    assert faults(handed()) == []


def test_after_reading_nothing_speaks_of_names_any_more():
    said = put_together(handed(), "review").manifest
    assert said.about is not None
    assert said.about.procedure == "notice"
    assert [(pair.first, pair.case, pair.second) for pair in said.separation] == [
        ("check", None, "sign"),
        ("check", "grant", "draft"),
        ("sign", "review", "check"),  # another case of this same procedure
    ]
    assert dict(said.basis) == {"decision": "11.2", "check": "11.2", "in_time": "11.2", "review": "11.2"}
    assert said.deadlines["decision"].basis == "11.2"
    assert [start.cases for start in put_together(handed(), "notice").manifest.starts] == [("grant",)]


def test_a_diagram_starts_the_procedure_that_its_user_names():
    texts = {
        "bpmn/_shared/give/process.bpmn": TEXTS["grant.bpmn"].replace(
            START_NOTICE, START_NOTICE.replace("notice", "@next")
        ),
        "bpmn/_shared/give/shared.toml": '[with]\nnext = "procedure"\n',
        "grant.toml": f'diagram = "give"\nwith = {{ next = "notice" }}\n{TEXTS["grant.toml"]}',
    }
    content = changed(**{"grant.bpmn": None}, **{name: text.encode() for name, text in texts.items()})
    assert faults(content) == []
    action = put_together(content, "grant").drawing.elements["start_notice"].action
    assert action is not None
    assert action.inputs["procedure"] == "notice"


MERGED = [
    ("about.times", 'diagram = "appeal"\n', 'diagram = "appeal"\nabout = { times = "any" }\n'),
    ("basis.check", 'review = "11.2" }', 'review = "11.2", check = "licensing:12" }'),
]


@pytest.mark.parametrize(("key", "old", "new"), MERGED)
def test_a_manifest_changes_one_key_of_a_shared_table(key, old, new):
    content = handed(review_toml=(old, new))
    assert faults(content) == []
    said = put_together(content, "review").manifest
    assert said.about is not None
    assert (said.about.by, said.about.until, said.basis["decision"]) == ("addressee", "objection", "11.2")
    assert {"about.times": said.about.times, "basis.check": said.basis["check"]}[key] in ("any", "licensing:12")


WRONG = [
    # where, the text, what takes its place, the file that is faulty, its element, what is said
    ("review_toml", 'notice = "notice"\n', "", "review.toml", "with", "缺少图所要的 with.notice"),
    ("review_toml", 'origin = "grant"\n', 'origin = "gone"\n', "review.toml", "with.origin", "没有名为“gone”的事项"),
    ("shared", '"@notice", by', '"@notce", by', SHARED, "about.procedure", "“@notce”没有在图的 [with] 中声明"),
    ("shared", '"@origin:draft"', '"@orign:draft"', SHARED, "separation", "“@orign”没有在图的 [with] 中声明"),
    ("shared", '"@origin:draft"', '"@origin:gone"', SHARED, "separation", "事项“grant”中没有环节“gone”"),
    ("shared", '"own:check"', '"own:gone"', SHARED, "separation", "事项“review”中没有环节“gone”"),
    ("shared", 'decision = "@review"', 'decision = "@revew"', SHARED, "basis.decision", "没有写明条款的键“revew”"),
    ("shared", 'decision = "@review"', 'decision = "@check"', SHARED, "basis.decision", "没有写明条款的键“check”"),
    ("shared", 'check = "@review",', 'check = "@review", x = "@review",', SHARED, "basis.x", "没有什么用到 basis.x"),
    ("period_toml", '["@origin"]', '["@subject"]', "period.toml", "starts.cases", "“with.subject”不是事项"),
    ("shared", 'notice = "procedure"', 'notice = "diagram"', SHARED, "about.procedure", "“with.notice”不是事项"),
]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        # The shared.toml asks for it; it is the manifest that is to be mended.
        ('notice = "notice"\n', "", [("with", "缺少图所要的 with.notice")]),
        ('notice = "notice"\n', 'notice = ""\n', [("with", "缺少图所要的 with.notice")]),
        ('notice = "notice"\n', "notice = 30\n", [("with.notice", "“with.notice”应为文字")]),
    ],
)
def test_what_is_not_handed_over_as_it_should_be_is_told_once_of_the_manifest(old, new, told):
    file = FILES["review.toml"]
    found = [fault for fault in faults(handed(review_toml=(old, new))) if (fault.element or "").startswith("with")]
    assert [(fault.element, fault.what) for fault in found] == told
    assert [fault.file for fault in found] == [file]
    assert told[0][0] != "with" or found[0].mend == f'在 {file} 中写 with = {{ notice = "…" }}'


def test_a_manifest_that_hands_over_nothing_at_all_is_told_so_itself():
    said = '[with]\norigin = "grant"\nnotice = "notice"\n'
    found = [fault for fault in faults(handed(review_toml=(said, ""))) if fault.element == "with"]
    assert [(fault.what, fault.file) for fault in found] == [
        ("缺少图所要的 with.notice", FILES["review.toml"]),
        ("缺少图所要的 with.origin", FILES["review.toml"]),
    ]


@pytest.mark.parametrize(("where", "old", "new", "name", "element", "what"), WRONG)
def test_what_is_handed_over_and_what_asks_for_it_agree(where, old, new, name, element, what):
    found = [fault for fault in faults(handed(**{where: (old, new)})) if fault.element == element]
    assert [fault.file for fault in found] == [FILES.get(name, name)]
    assert what in found[0].what
    assert found[0].mend
    assert found[0].line


@pytest.mark.parametrize(
    ("meant", "written", "after"), [("@notice", "@notce", '", by'), ("@origin", "@orgin", ":draft")]
)
def test_a_misspelt_procedure_is_answered_with_those_that_are_handed_over(meant, written, after):
    content = handed(shared=(meant + after, written + after))
    (only,) = [fault for fault in faults(content) if "没有在图的 [with] 中声明" in fault.what]
    assert only.what == f"“{written}”没有在图的 [with] 中声明"
    assert only.mend.startswith(f"是否应为“{meant}”？可用：@origin、@notice；或直接写事项的名称")
    assert only.mend.endswith(f'，或在 shared.toml 的 [with] 中写 {written[1:]} = "procedure"')


def test_a_procedure_that_is_not_there_is_told_once_where_it_is_handed_over():
    content = handed(review_toml=('origin = "grant"\n', 'origin = "gone"\n'))
    expect_one(content, "review.toml", "with.origin", "法规中没有名为“gone”的事项")


def test_a_diagram_may_only_name_procedures_that_are_handed_over():
    text = TEXTS["grant.bpmn"].replace(START_NOTICE, START_NOTICE.replace("notice", "@next")).encode()
    only = expect_one(changed(**{"grant.bpmn": text}), "grant.bpmn", "start_notice", "“@next”没有在图的 [with] 中声明")
    assert only.mend == '直接写事项的名称，或在 shared.toml 的 [with] 中写 next = "procedure"'


def test_an_article_of_a_deadline_or_letter_may_be_a_key_of_basis():
    own = 'kind   = "duty"\nbasis = "@review"\n'
    content = handed(review_toml=('kind   = "duty"\n', own))
    assert put_together(content, "review").manifest.deadlines["decision"].basis == "11.2"
    only = expect_one(
        handed(review_toml=('kind   = "duty"\n', own.replace("review", "revew"))),
        "review.toml",
        "deadlines.decision.basis",
        "procedure.toml 的 basis 中没有“revew”",
    )
    there = "是否应为“@review”？可用：@decision、@check、@in_time、@review"
    assert only.mend == there + '；或写 basis = { revew = "…" }'


def test_an_unknown_key_is_answered_with_those_that_work():
    text = TEXTS["review.toml"].replace("[materials.evidence]\n", '[materials.evidence]\nsise = "1 MB"\n')
    only = expect_one(changed(**{"review.toml": text.encode()}), "review.toml", "materials.evidence.sise", "不认识的键")
    assert only.mend == "是否应为“size”？此处可用的键：accept、max、size、title"
