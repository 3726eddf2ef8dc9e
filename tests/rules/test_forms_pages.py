"""The pages of a form that is filled in step by step: which fields stand together, and what belongs to which."""

from __future__ import annotations

import json

from portal import forms
from portal.forms import Form


def a_form(*components: object) -> Form:
    text = json.dumps({"type": "default", "id": "review", "components": components}, ensure_ascii=False)
    return forms.read(text.encode())


def a_field(key: str, type_: str = "textfield", **more: object) -> dict[str, object]:
    return {"type": type_, "key": key, "label": f"问{key}", **more}


def a_text(text: str) -> dict[str, object]:
    return {"type": "text", "text": text}


def a_group(*components: object, **more: object) -> dict[str, object]:
    return {"type": "group", "components": components, **more}


def in_row(row: str) -> dict[str, object]:
    return {"layout": {"row": row, "columns": 8}}


TABLE = {
    "type": "dynamiclist",
    "path": "units",
    "label": "各单位",
    "properties": {"kind": "table"},
    "components": [a_field("name"), a_field("amount", "number")],
}


def shown(form: Form, **answers: list[str]) -> list[tuple[str, str]]:
    """Name and title of each page that asks something."""
    view = form.view(answers, {}, {})
    return [(page.name, page.title(view)) for page in form.pages if page.is_shown(view)]


def test_every_field_at_the_top_is_a_page():
    assert shown(a_form(a_field("a"), a_field("b", "textarea"), TABLE)) == [
        ("a", "问a"), ("b", "问b"), ("units", "各单位")
    ]  # fmt: skip


def test_a_group_is_a_page_under_its_heading():
    form = a_form(a_group(a_field("a"), a_field("b"), label="甲"), a_group(a_field("c"), a_field("d")))
    assert shown(form) == [("a", "甲"), ("c", "问c")]
    assert [len(page.fields) for page in form.pages] == [2, 2]


def test_fields_of_one_row_of_the_layout_are_a_page():
    form = a_form(
        a_field("a", **in_row("1")),
        a_field("b", **in_row("1")),
        a_field("c", **in_row("2")),
        a_field("d"),
        a_field("e"),
    )
    assert [[field.name for field in page.fields] for page in form.pages] == [["a", "b"], ["c"], ["d"], ["e"]]
    apart = a_form(a_field("a", **in_row("1")), a_text("说明"), a_field("b", **in_row("1")))
    assert [len(page.fields) for page in apart.pages] == [1, 1]


def test_a_layout_that_says_nothing_of_rows_joins_nothing():
    form = a_form(a_field("a", layout={"columns": 8}), a_field("b", layout="x"), a_field("c", layout={"row": 1}))
    assert len(form.pages) == 3


def test_a_text_stands_with_what_follows_it_and_the_last_with_the_last():
    form = a_form(a_text("先读"), a_field("a"), a_text("再读"), a_field("b"), a_text("最后"))
    view = form.view({}, {}, {})
    assert [[part.template for part in page.of(view).parts] for page in form.pages] == [
        ["text", "input"], ["text", "input", "text"]
    ]  # fmt: skip


def test_a_page_comes_and_goes_by_the_answers():
    form = a_form(
        a_field("late", "checkbox"),
        a_field("reason", conditional={"hide": "=late != true"}),
        a_group(a_field("x", conditional={"hide": "=late != true"}), a_field("y"), label="甲"),
    )
    assert shown(form) == [("late", "问late"), ("x", "甲")]
    assert shown(form, late=["true"]) == [("late", "问late"), ("reason", "问reason"), ("x", "甲")]


def test_what_hangs_on_the_only_field_of_a_page_does_not_show_the_page_anew():
    hidden = a_field("reason", conditional={"hide": "=late != true"})
    apart = a_form(a_field("late", "checkbox"), hidden)
    assert apart.view({}, {}, {}).conditional
    assert not apart.pages[0].of(apart.view({}, {}, {})).conditional
    together = a_form(a_group(a_field("late", "checkbox"), hidden))
    assert together.pages[0].of(together.view({}, {}, {})).conditional


def test_an_answer_belongs_to_the_page_that_asks_for_it():
    form = a_form(a_group(a_field("a"), path="unit", label="甲"), TABLE, a_field("files", "filepicker"))
    unit, table, files = form.pages
    assert [page.name for page in form.pages] == ["unit.a", "units", "files"]
    assert unit.asks("unit.a")
    assert table.asks("units.0.name")
    assert table.asks("units.rows")
    assert not table.asks("unit.a")
    assert not form.asks("other")
    typed = {"unit.a": ["x"], "units.0.name": ["y"], "files": ["1"], "other": ["z"]}
    assert unit.typed(typed) == {"unit.a": ["x"]}
    assert table.typed(typed) == {"units.0.name": ["y"]}
    assert files.typed(typed) == {}


def test_a_page_left_empty_is_told_from_one_that_nobody_has_seen():
    form = a_form(a_group(a_field("a"), a_field("tick", "checkbox", defaultValue=True)))
    [page] = form.pages
    assert not page.is_answered({})
    left = page.typed({"a": [""]})
    assert left == {"a": [""], "tick": []}
    assert page.is_answered(left)
    tick = next(field for field in form.view(form.begun(left, {}), {}, {}).fields if field.name == "tick")
    assert tick.values == ()


def test_what_nobody_has_answered_begins_with_what_the_form_brings():
    form = a_form(
        a_field("a", properties={"prefill": '="甲"'}),
        a_group(a_field("b", properties={"prefill": '="乙"'}), path="unit"),
    )
    assert form.begun({}, {}) == {"a": "甲", "unit.b": "乙"}
    assert form.begun({"a": [""]}, {}) == {"a": [""], "unit.b": "乙"}
