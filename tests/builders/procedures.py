"""Procedures as small as a test needs them: a drawing, a manifest of few lines, forms with one question.

`content(grant=procedure(...))` is the whole content of the regulation `small`; its one officer is `officer`,
its applicants are of the role `unit`. Not every piece has an article: these run, `portal check` is for others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from portal.procedures.content import Content
from tests.builders import diagrams
from tests.builders.diagrams import diagram, element
from tests.builders.letters import plain

REGULATION = "small"
_REGULATION = """
title    = "小办法"
number   = "小〔2023〕1号"
code     = "SMALL"
in_force = 2023-02-20
[bodies]
bureau = "小局"
[roles]
unit    = { title = "单位", applicant = ["enterprise"] }
officer = { title = "经办人", body = "bureau" }
leader  = { title = "领导", body = "bureau" }
[articles]
"1" = "the only one"
[assets.points]
title       = "积分"
unit        = "分"
integer     = true
distinguish = []
"""
_QUESTIONS = {
    "note": [{"type": "textfield", "key": "text", "label": "说明"}],
    "choice": [
        {
            "type": "radio", "key": "result", "label": "如何", "validate": {"required": True},
            "values": [{"label": text, "value": text} for text in ("继续", "结束")],
        },
    ],
    "files": [{"type": "filepicker", "key": "evidence", "label": "材料", "multiple": True}],
}  # fmt: skip


@dataclass(frozen=True)
class Small:
    """A drawing and its manifest, with the paths acted on it."""

    drawing: bytes
    manifest: str
    paths: Mapping[str, str]


def procedure(*parts: str, manifest: str = "", by: str = "unit", paths: Mapping[str, str] | None = None) -> Small:
    """A procedure that a unit files, or an officer starts; `manifest` adds tables to it."""
    keys = "" if "starts" in manifest.split("[")[0] else f'starts = [ {{ role = "{by}" }} ]\n'
    return Small(diagram(*parts), keys + manifest, paths or {})


def content(**procedures: Small) -> Content:
    """The content of the regulation that holds these procedures."""
    files = {f"bpmn/{REGULATION}/regulation.toml": _REGULATION.encode()}
    for name, components in _QUESTIONS.items():
        form = {"type": "default", "id": name, "components": components}
        files[f"forms/_shared/{name}.json"] = json.dumps(form, ensure_ascii=False).encode()
    files[f"documents/{REGULATION}/_shared/letter.docx"] = plain("{{ number }}")
    for slug, small in procedures.items():
        home = f"bpmn/{REGULATION}/{slug}"
        head = f'title = "{slug}"\nnumber = "{slug}〔{{year}}〕{{seq}}号"\n'
        files[f"{home}/procedure.toml"] = (head + small.manifest).encode()
        files[f"{home}/process.bpmn"] = small.drawing
        for name, text in small.paths.items():
            files[f"{home}/paths/{name}.toml"] = text.encode()
    return Content(REGULATION, files)


def deadline(name: str, within: str, after: str = "filed", kind: str = "right", met: str = "") -> str:
    """A deadline's table in a manifest."""
    said = f'met = "{met}"\n' if met else ""
    return f'[deadlines.{name}]\ntitle = "{name}"\nkind = "{kind}"\nafter = "{after}"\nwithin = "{within}"\n{said}'


def letter(name: str) -> str:
    """A letter's table in a manifest, served on the party."""
    return (
        f'[documents.{name}]\ntitle = "{name}"\ntemplate = "letter.docx"\nnumber = "{name}〔{{year}}〕{{seq}}号"\n'
        'serve = ["party"]\nreceipt = "officer"\n'
    )


def _with(*extensions: str) -> str:
    return f"<bpmn:extensionElements>{''.join(extensions)}</bpmn:extensionElements>"


def _said(extension: str, /, **attributes: str | None) -> str:
    given = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items() if value is not None)
    return f"<portal:{extension}{given}/>"


def start(form: str | None = "note") -> str:
    return element("startEvent", "start", _with(_said("start", form=form)) if form else "")


def end(id: str = "end", name: str = "办结", **outcome: str) -> str:
    return element("endEvent", id, _with(_said("outcome", **outcome)) if outcome else "", name=name)


def task(
    id: str,
    role: str = "officer",
    form: str = "note",
    deadline: str | None = None,
    revises: str | None = None,
    assignee: str | None = None,
) -> str:
    said = _said("task", role=role, form=form, deadline=deadline, revises=revises, assignee=assignee)
    return element("userTask", id, _with(said), name=f"环节{id}")


def waits(id: str, message: str, **said: str | None) -> str:
    """A catch event for a message; `role`, `form`, `document` as in `portal:message`."""
    extension = _with(_said("message", **said)) if said else ""
    return element("intermediateCatchEvent", id, extension + diagrams.message(message), name=f"等待{id}")


def over(id: str, deadline: str) -> str:
    """A catch event for the end of a deadline."""
    return element("intermediateCatchEvent", id, diagrams.timer(deadline), name=f"期满{id}")


def does(id: str, action: str, /, **inputs: str) -> str:
    """A service task."""
    given = "".join(_said("input", name=name, value=value) for name, value in inputs.items())
    return element("serviceTask", id, _with(f'<portal:action name="{action}">{given}</portal:action>'), name=id)


def lapsing(whole: Content, last_day: str, *after_last_day: str) -> Content:
    """The same content of a regulation that is in force to a day only, by its article 1."""
    file = f"bpmn/{REGULATION}/regulation.toml"
    first = "in_force = 2023-02-20\n"
    said = f'{first}last_day = {last_day}\nvalidity = "1"\n'
    if after_last_day:
        said += f"after_last_day = {json.dumps(list(after_last_day))}\n"
    text = whole.files[file].decode()
    assert text.count(first) == 1
    return Content(whole.regulation, {**whole.files, file: text.replace(first, said).encode()})
