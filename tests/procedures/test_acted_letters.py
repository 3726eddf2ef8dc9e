"""Letters of a path are filled for trial: one that could not be made is told with step, letter and placeholder."""

from __future__ import annotations

import io

import pytest
from docx import Document

from portal.documents import trial
from portal.documents.filters import ValueMissing, ValueUnfit
from portal.documents.render import RenderTooLong
from portal.procedures import Content
from tests.builders.letters import plain
from tests.procedures.test_acted_paths import acted, with_paths

DECISION = "documents/chongqing-ets/_shared/review-decision.docx"
UPHELD = "bpmn/chongqing-ets/verification-review/paths/upheld.toml"
CHANGED = "bpmn/chongqing-ets/verification-review/paths/changed.toml"


def saying(content: Content, file: str, old: str, new: str) -> Content:
    """Content with one text of a letter replaced, where it stands exactly once."""
    document = Document(io.BytesIO(content.files[file]))
    [paragraph] = [paragraph for paragraph in document.paragraphs if old in paragraph.text]
    text = paragraph.text.replace(old, new)
    for run in paragraph.runs[1:]:
        run.text = ""
    paragraph.runs[0].text = text
    saved = io.BytesIO()
    document.save(saved)
    return Content(content.regulation, {**content.files, file: saved.getvalue()})


def test_a_placeholder_that_finds_no_value_makes_the_path_fail(database):
    mutant = saying(with_paths(UPHELD, CHANGED), DECISION, "{{ review.reasons }}", "{{ review.amount }}")
    report = acted(database, mutant)
    found = {result.file: result.faults for result in report.results}
    assert found[CHANGED] == ()
    [fault] = found[UPHELD]
    assert fault.what.endswith("：文书“decision”生成不出来：文书中的“review.amount”没有内容")
    assert fault.mend == f"改正 {DECISION}：有时没有内容的占位符放进 if；或让这一步之前填上它"
    assert fault.what.startswith("第")
    assert mutant.files[UPHELD].decode().splitlines()[fault.line - 1].startswith("task")
    assert fault in report.faults


SOME = {"party": {"name": "某厂"}, "rows": [{"amount": "12", "day": "2026-10-12"}]}


def test_what_is_there_is_written():
    text = (
        "{{ party.name }}{% for row in rows %}{{ row.amount | tonnes }}{{ row.day | day }}{{ loop.index }}{% endfor %}"
    )
    trial.fill(plain(text, "{{ verification.url }}"), SOME)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("{{ party.uscc }}", ValueMissing, "文书中的“party.uscc”没有内容。"),
        ("{% if party.name %}{{ party.uscc }}{% endif %}", ValueMissing, "文书中的“party.uscc”没有内容。"),
        ("{% for row in rows %}{{ row.unit }}{% endfor %}", ValueMissing, "文书中的“rows.unit”没有内容。"),
        ("{{ party.name | tonnes }}", ValueUnfit, "文书中的“某厂”不能写成数字。"),
    ],
)
def test_what_is_not_there_or_unfit_is_told_as_the_renderer_does(text, error, words):
    with pytest.raises(error) as failed:
        trial.fill(plain(text), SOME)
    assert failed.value.text() == words


def test_what_a_condition_leaves_out_need_not_be_there():
    trial.fill(plain("{% if party.uscc %}{{ party.uscc }}{% endif %}"), SOME)


def test_loops_without_end_are_stopped():
    text = "{% for a in rows %}{% for b in rows %}{% for c in rows %}{% endfor %}{% endfor %}{% endfor %}"
    with pytest.raises(RenderTooLong):
        trial.fill(plain(text), {"rows": [{"amount": "1"}] * 2000}, seconds=0.2)


def test_what_a_letter_says_is_expected_in_a_path(database):
    said = 'expect.letters.decision = ["复核决定书"]\n\n[outcome]'
    wrong = said.replace("复核决定书", "没有写的话")
    found = {}
    for expected in (said, wrong):
        content = with_paths(CHANGED)
        text = content.files[CHANGED].decode()
        assert text.count("[outcome]") == 1
        edited = text.replace("[outcome]", expected).encode()
        report = acted(database, Content(content.regulation, {**content.files, CHANGED: edited}))
        found[expected] = [fault.what for result in report.results for fault in result.faults]
    assert found[said] == []
    [fault] = found[wrong]
    assert fault.endswith("文书“decision”中的文字应为 没有写的话，实为 无")


def test_what_a_letter_says_is_read_paragraph_by_paragraph():
    said = trial.read(plain("{{ party.name }}：", "{% if party.name %}甲 & <乙>{% else %}丙{% endif %}"), SOME)
    assert said.split("\n")[:2] == ["某厂：", "甲 & <乙>"]
