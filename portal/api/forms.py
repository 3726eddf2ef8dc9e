"""A form as a program is told of it: what is asked now, of what kind, and what may be chosen."""

from __future__ import annotations

from pydantic import Field

from portal.api.problems import language
from portal.api.shapes import Shape
from portal.feel import Scope
from portal.forms import FieldView, Form


class Choice(Shape):
    """One thing to choose: the value that is answered, and how it reads."""

    value: str
    label: str


class Question(Shape):
    """One field of a form."""

    name: str = Field(description="Under this name it is answered; a dot leads into a group: `unit.code`.")
    label: str
    kind: str = Field(description="textfield, textarea, number, amount, year, date, radio, select, table, …")
    required: bool
    unit: str | None
    options: list[Choice] = Field(description="Where only these may be answered.")
    columns: list[str] = Field(description="The names of a table's columns.")


def questions(form: Form | None, names: Scope) -> list[Question]:
    """What a form asks as long as nothing is answered; some answers bring further questions with them, which a 422
    then names."""
    if form is None:
        return []
    shown = form.view(None, {}, names, language=language())
    columns = {field.name: [column.name for column in field.columns] for field in form.fields}
    return [_question(field, columns.get(field.name, [])) for field in shown.fields if field.visible]


def _question(field: FieldView, columns: list[str]) -> Question:
    return Question(
        name=field.name,
        label=field.label,
        kind=field.kind,
        required=field.required,
        unit=field.unit,
        options=[Choice(value=one.value, label=one.label) for one in field.options],
        columns=columns,
    )
