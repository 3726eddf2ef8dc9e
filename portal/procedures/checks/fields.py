"""What is known of the answers that a form asks for."""

from __future__ import annotations

from collections.abc import Mapping

from portal.feel import parser, syntax
from portal.feel.builtins import BUILTINS
from portal.forms import Field, Form
from portal.forms.kinds.corrections import ACCEPTED, REFUSED, SAID, Corrections
from portal.forms.kinds.table import Table
from portal.procedures.checks.values import (
    ANY,
    DATE,
    FLAG,
    LIST,
    NUMBER,
    RECORD,
    TEXT,
    Columns,
    Found,
    Path,
    Unknown,
    Value,
    deeper,
    leaf,
    nearest,
    table_of,
)
from portal.procedures.drawing import Element
from portal.procedures.functions import FUNCTIONS

_KINDS = {
    "number": NUMBER,
    "amount": NUMBER,
    "year": NUMBER,
    "checkbox": FLAG,
    "checklist": LIST,
    "filepicker": LIST,
    "datetime": DATE,
}
_CORRECTED = {"no": Value(NUMBER), "result": Value(TEXT, frozenset({ACCEPTED, REFUSED}))}


def form_of(element: Element) -> str | None:
    """The form by whose schema an element's values are read."""
    if element.task:
        return element.task.form
    return element.form or (element.message.form if element.message else None)


def columns_of(form: Form, path: Path) -> Columns | None:
    """The columns of the table that stands under a path of a form; None where no table does."""
    return next((of_field(field).columns for field in form.fields if field.path == path), None)


def record_of(form: Form) -> Value:
    """All answers of a form, each under its name and those of its groups."""
    return Value(RECORD, parts=_parts({field.path: of_field(field) for field in form.fields}))


def _parts(values: Mapping[Path, Value]) -> Columns:
    groups: dict[str, dict[Path, Value]] = {}
    for path, value in values.items():
        groups.setdefault(path[0], {})[path[1:]] = value
    return {key: under[()] if () in under else Value(RECORD, parts=_parts(under)) for key, under in groups.items()}


def in_form(form: Form, key: str, rest: Path) -> Found:
    """What stands behind a path into a form's answers."""
    for field in form.fields:
        if field.path == rest[: len(field.path)]:
            value, rest_of = of_field(field), rest[len(field.path) :]
            if value.columns is not None and rest_of:
                column = Value(LIST, of=value.columns.get(rest_of[0]))
                return leaf(field.name, rest_of, value.columns, column)
            return deeper((key, *field.path), rest_of, value)
    if not rest:
        return record_of(form)
    if any(field.path[: len(rest)] == rest for field in form.fields):
        return Value(RECORD)
    names = [field.name for field in form.fields]
    return Unknown(f"表单“{form.id}”没有“{'.'.join(rest)}”这一项（{key}）", nearest(".".join(rest), names))


def of_field(field: Field) -> Value:
    """What is known of a field's answer."""
    if isinstance(field.kind, Table):
        return table_of({column.name: of_field(column) for column in field.columns})
    if isinstance(field.kind, Corrections):
        return table_of({name: _CORRECTED.get(name, ANY) for name in SAID[field.kind.part]})
    return Value(_KINDS.get(field.kind_name, TEXT), choices_of(field))


def choices_of(field: Field) -> frozenset[str] | None:
    """What a field that lets one choose one can hold."""
    if field.kind_name not in ("radio", "select"):
        return None
    if field.options is not None:
        declared = {name: signature.by_name for name, signature in FUNCTIONS.items()}
        return _listed(parser.parse(field.options.text, {**dict.fromkeys(BUILTINS, False), **declared}))
    return frozenset(option.value for option in field.kind.options_of(None))


def _listed(node: syntax.Node) -> frozenset[str] | None:
    """The texts of an expression that gives one of a few constant lists."""
    match node:
        case syntax.Elements(elements):
            texts = [part.value for part in elements if isinstance(part, syntax.Literal)]
            found = frozenset(text for text in texts if isinstance(text, str))
            return found if len(texts) == len(elements) else None
        case syntax.Conditional(_, yes, no):
            both = _listed(yes), _listed(no)
            return None if both[0] is None or both[1] is None else both[0] | both[1]
    return None
