"""What was typed into a form, so that a page can show it again without asking anybody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from flask import request
from flask_babel import gettext as _
from werkzeug.exceptions import RequestEntityTooLarge

from portal.forms import PRESSED, REFRESH, ROWS, SHEET, UPLOAD, FormView, Option
from portal.web.forgery import is_foreign

LABELS = "_labels"
"""A hidden input that carries the labels of a form's fields, so that they are known when the database is not.

It is JSON: by a field's name its label, by `name=value` what is read where that may be chosen. What has no label in a
form that has labels was not typed by a person (a button, a hidden input) and is not shown.
"""
_SECRET = frozenset({"password", "password_again", "old"})
_LEFT_OUT = frozenset({"csrf_token", REFRESH, PRESSED})
_CELL = re.compile(r"(.+)\.([0-9]+)\.([^.]+)")
_LONG = 60
_CHOOSING = frozenset({"radio", "select", "checklist"})


@dataclass(frozen=True)
class KeptField:
    """One thing that was typed: `kind` is line, area, choice (of `options`), hidden, secret (asked for again) or file
    (to be chosen again)."""

    id: str
    name: str
    label: str
    value: str
    kind: str
    options: tuple[Option, ...] = ()

    @property
    def shown(self) -> str:
        """What is read: of a choice its words."""
        return next((option.label for option in self.options if option.value == self.value), self.value)


def labels_of(form: FormView) -> str:
    """The labels of a form's fields, of the columns of its tables and of what may be chosen, for the hidden input."""
    labels: dict[str, str] = {}
    for field in form.fields:
        labels |= _labelled(field.name, field.label, _chosen(field.kind, field.options))
    for table in form.tables:
        for column in table.columns:
            labels |= _labelled(f"{table.name}.{column.name}", column.label, _chosen(column.kind, column.options))
    return json.dumps(labels, ensure_ascii=False)


def _chosen(kind: str, options: Iterable[Option]) -> Iterable[Option]:
    """What may be chosen in a field of a kind; a box is ticked or not."""
    if kind == "checkbox":
        return (Option("true", _("是")), Option("false", _("否")))
    return options if kind in _CHOOSING else ()


def _labelled(name: str, label: str, options: Iterable[Option]) -> dict[str, str]:
    return {name: label, **{f"{name}={option.value}": option.label for option in options}}


def kept_fields() -> list[KeptField]:
    """Everything typed into the form of this request, in order; nothing when it came from elsewhere."""
    if request.method != "POST" or is_foreign():
        return []
    try:
        pairs = list(request.form.items(multi=True))
        # Every table offers to import a sheet; only a chosen one has to be chosen again.
        files = [name for name, file in request.files.items() if file.filename or not name.endswith(f".{SHEET}")]
    except RequestEntityTooLarge:
        return []
    labels = _labels()
    fields = [
        _field(number, name, value, labels) for number, (name, value) in enumerate(pairs) if name not in _LEFT_OUT
    ]
    for number, name in enumerate(files):
        field = name.removeprefix(UPLOAD).removesuffix(f".{SHEET}")
        label = labels.get(field, field)
        fields.append(KeptField(f"kept-file-{number}", name, label, "", "file"))
    return fields


def _labels() -> dict[str, str]:
    try:
        said = json.loads(request.form.get(LABELS, "{}"))
    except (ValueError, RecursionError):  # the latter of what is nested too deeply
        return {}
    return {str(name): str(label) for name, label in said.items()} if isinstance(said, dict) else {}


def _field(number: int, name: str, value: str, labels: dict[str, str]) -> KeptField:
    if name in _SECRET:
        kind, value = "secret", ""
    elif name.startswith("_") or name.endswith(f".{ROWS}"):
        kind = "hidden"
    else:
        kind = "area" if len(value) > _LONG or "\n" in value else "line"
    known, label = _label(name, labels)
    if labels and not label and kind != "secret":
        kind = "hidden"
    options = tuple(Option(key.removeprefix(f"{known}="), text) for key, text in labels.items() if _of(key, known))
    if kind != "hidden" and value in (option.value for option in options):
        kind = "choice"
    return KeptField(f"kept-{number}", name, label or name, value, kind, options)


def _label(name: str, labels: dict[str, str]) -> tuple[str, str]:
    """The name under which a field is labelled, and its label, if any; of a cell of a table those of its column, with
    the row."""
    cell = _CELL.fullmatch(name)
    if cell and f"{cell[1]}.{cell[3]}" in labels:
        column = f"{cell[1]}.{cell[3]}"
        return column, f"{labels[column]} {int(cell[2]) + 1}"
    return name, labels.get(name, "")


def _of(key: str, name: str) -> bool:
    """Whether a label is that of something to choose in a field."""
    return key.startswith(f"{name}=")
