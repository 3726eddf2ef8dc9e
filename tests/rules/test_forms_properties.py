"""Whatever is posted: checking never fails, what it returns is JSON and is accepted again unchanged."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal import forms

OPTIONS = [{"label": "甲", "value": "a"}, {"label": "乙", "value": "b"}]


def field(type_, key, **more):
    return {"type": type_, "key": key, "label": key, **more}


HIDE = {"conditional": {"hide": '=choice != "a" or amount > 10'}}
FORM = forms.read(
    json.dumps(
        {
            "type": "default",
            "id": "every",
            "components": [
                field("textfield", "line", validate={"pattern": "^[a-z]*$"}),
                field("textarea", "area", validate={"maxLength": 5}, **HIDE),
                field("number", "number", decimalDigits=2, validate={"max": 1000}),
                field("number", "amount", properties={"kind": "amount"}),
                field("number", "year", properties={"kind": "year"}),
                field("radio", "choice", values=OPTIONS),
                field("checklist", "several", values=OPTIONS),
                field("checkbox", "tick"),
                field("datetime", "day", **HIDE),
                field("filepicker", "files", multiple=True),
                {
                    "type": "group",
                    "path": "unit",
                    "components": [field("textfield", "code", properties={"kind": "uscc"})],
                },
            ],
        }
    ).encode()
)
NAMES = [field.name for field in FORM.fields] + ["unit", "unknown"]

plausible = st.sampled_from(
    ["a", "b", "true", "12", "1,204", "-1", "2026", "2026-10-12", "91440300708461136T", "１２", "", " x\r\n"]
)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | plausible
any_text = st.text(alphabet=st.characters(exclude_categories=()), max_size=8)
anything = st.recursive(
    leaves | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text | st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=5,
)
answers = st.dictionaries(st.sampled_from(NAMES) | any_text, plausible | anything, max_size=12)
quick = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(answers)
def test_checking_never_fails_and_gives_json(given_answers):
    checked = FORM.check(given_answers, {})
    json.dumps(checked.values, allow_nan=False).encode()
    json.dumps(checked.values, ensure_ascii=False).encode()
    for name, error in checked.errors.items():
        (name + error.zh + error.en).encode()
    FORM.typed(checked.values)


@quick
@given(answers)
def test_good_values_are_accepted_again_unchanged(given_answers):
    checked = FORM.check(given_answers, {})
    if not checked.errors:
        again = FORM.check(json.loads(json.dumps(checked.values)), {})
        assert again == checked


@quick
@given(answers)
def test_any_answers_can_be_shown(given_answers):
    view = FORM.view(given_answers, FORM.check(given_answers, {}).errors, {})
    for shown in view.fields:
        "".join(shown.values).encode()
    FORM.display(FORM.check(given_answers, {}).values, {})


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), plausible, max_size=12))
def test_what_a_page_shows_of_good_values_reads_as_the_same(given_answers):
    checked = FORM.check(given_answers, {})
    if not checked.errors:
        posted = {shown.name: list(shown.values) for shown in FORM.view(checked.values, {}, {}).fields}
        assert FORM.check(posted, {}).values == checked.values
