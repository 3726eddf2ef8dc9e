"""What was typed into a form, so that a page can show it again without asking anybody."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from portal.forms import REFRESH, UPLOAD, FormView

LABELS = "_labels"
"""A hidden input that carries the labels of a form's fields, so that they are known when the database is not."""
_SECRET = frozenset({"password"})
_LEFT_OUT = frozenset({"csrf_token", REFRESH})
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
    """The labels of a form's fields, for the hidden input."""
    return json.dumps({field.name: field.label for field in form.fields}, ensure_ascii=False)


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
        files = list(request.files.keys())
    except RequestEntityTooLarge:
        return []
    labels = _labels()
    fields = [
        _field(number, name, value, labels) for number, (name, value) in enumerate(pairs) if name not in _LEFT_OUT
    ]
    for number, name in enumerate(files):
        label = labels.get(name.removeprefix(UPLOAD), name.removeprefix(UPLOAD))
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
    elif name.startswith("_"):
        kind = "hidden"
    else:
        kind = "area" if len(value) > _LONG or "\n" in value else "line"
    return KeptField(f"kept-{number}", name, labels.get(name, name), value, kind)
