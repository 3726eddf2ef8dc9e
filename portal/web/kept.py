"""What was typed into a form, so that a page can show it again without asking anybody."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from portal.forms import PRESSED, REFRESH, ROWS, SHEET, UPLOAD, FormView

LABELS = "_labels"
"""A hidden input that carries the labels of a form's fields, so that they are known when the database is not."""
_SECRET = frozenset({"password", "password_again"})
_LEFT_OUT = frozenset({"csrf_token", REFRESH, PRESSED})
_CELL = re.compile(r"(.+)\.([0-9]+)\.([^.]+)")
_LONG = 60


@dataclass(frozen=True)
class KeptField:
    """One thing that was typed: `kind` is line, area, hidden, secret (asked for again) or file (to be chosen again)."""

    id: str
    name: str
    label: str
    value: str
    kind: str


def labels_of(form: FormView) -> str:
    """The labels of a form's fields and of the columns of its tables, for the hidden input."""
    labels = {field.name: field.label for field in form.fields}
    labels |= {f"{table.name}.{column.name}": column.label for table in form.tables for column in table.columns}
    return json.dumps(labels, ensure_ascii=False)


def is_foreign() -> bool:
    """Whether another site had the browser send this: then nothing it says is shown."""
    origin = request.headers.get("Origin")
    other = origin is not None and origin != "null" and urlsplit(origin).netloc != request.host
    return other or request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")


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
    except ValueError:
        return {}
    return {str(name): str(label) for name, label in said.items()} if isinstance(said, dict) else {}


def _field(number: int, name: str, value: str, labels: dict[str, str]) -> KeptField:
    if name in _SECRET:
        kind, value = "secret", ""
    elif name.startswith("_") or name.endswith(f".{ROWS}"):
        kind = "hidden"
    else:
        kind = "area" if len(value) > _LONG or "\n" in value else "line"
    return KeptField(f"kept-{number}", name, _label(name, labels), value, kind)


def _label(name: str, labels: dict[str, str]) -> str:
    """The label of a field; of a cell of a table that of its column, with the row."""
    cell = _CELL.fullmatch(name)
    if cell and f"{cell[1]}.{cell[3]}" in labels:
        return f"{labels[f'{cell[1]}.{cell[3]}']} {int(cell[2]) + 1}"
    return labels.get(name, name)
