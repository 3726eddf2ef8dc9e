"""Files of a form that is kept while it is filled in: stored first, their rows written with the answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO, cast

from flask import flash, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.cases import attachments
from portal.cases.attachments import Accepted
from portal.cases.models import Attachment
from portal.edge.machine import machine
from portal.errors import PortalError
from portal.forms import Choices, FieldError, Form, FormView, Option
from portal.forms.views import FieldView, GroupView, PartView
from portal.identity import Actor
from portal.procedures import Procedure
from portal.procedures.manifest import Material
from portal.web import dates
from portal.web.uploads import material_of, new_files, own_name, pickers, store

KEPT = "_kept."
"""Begins the name of a hidden input that says which uploaded files a field of this page holds."""
REMOVE = "_remove"
"""Posted by the button 移除; its value is the file's id."""


class LeftOut(PortalError):
    """More files were chosen than the material allows; the first ones were uploaded."""

    zh = "“{title}”最多上传 {most} 个文件，这次选择的有 {count} 个没有上传。"
    en = "At most {most} files can be uploaded as “{title}”: {count} of those just chosen were not."


@dataclass(frozen=True)
class Arrived:
    """A file that lies in the store and waits for its row; `field` is the form field it was posted for."""

    field: str
    file: Accepted


@dataclass(frozen=True)
class Taken:
    """What became of the files of one request: those stored, and what is wrong, by field."""

    arrived: tuple[Arrived, ...]
    errors: Mapping[str, FieldError]


def posted_ids(form: Form) -> dict[str, list[str]]:
    """The uploaded files that the page says its fields hold, but for one that is to be removed."""
    removed = request.form.get(REMOVE)
    return {
        field.name: [text for text in request.form.getlist(KEPT + field.name) if text != removed]
        for field in pickers(form)
    }


def take(procedure: Procedure, form: Form, held: Mapping[str, Sequence[Attachment]]) -> Taken:
    """Looks at every new file and stores those that pass; `held` are the files a field holds already."""
    arrived: list[Arrived] = []
    errors: dict[str, FieldError] = {}
    for field in pickers(form):
        material = material_of(procedure, field)
        known = {file.sha256: file.name for file in held.get(field.name, ())}
        refused: list[PortalError] = []
        left_out = 0
        for posted in new_files(field):
            try:
                file = attachments.examine(posted.filename or "", cast(BinaryIO, posted.stream), material)
                if file.sha256 in known:
                    _tell_same(file.name, known[file.sha256])
                    continue
                if len(known) >= material.most:
                    left_out += 1
                    continue
                store(posted, file)
            except PortalError as error:
                refused.append(error)
                continue
            known[file.sha256] = file.name
            arrived.append(Arrived(field.name, file))
        if left_out:
            refused.append(LeftOut(title=material.title, most=material.most, count=left_out))
        if refused:
            errors[field.name] = _together(refused)
    return Taken(tuple(arrived), errors)


def making_room(
    procedure: Procedure, form: Form, held: Mapping[str, Sequence[Attachment]]
) -> dict[str, Sequence[Attachment]]:
    """What the file fields hold when new files come: one that takes the place of what was handed in before, and of
    which there can be only one, holds nothing."""
    only = [
        field.name
        for field in pickers(form)
        if field.name in form.replaced_files
        and material_of(procedure, field).most == 1
        and next(new_files(field), None) is not None
    ]
    return {name: () if name in only else files for name, files in held.items()}


def write_rows(tx: Session, actor: Actor, form: Form, taken: Taken, moment: datetime) -> dict[str, list[str]]:
    """Writes the rows of the files that were stored; their ids by file field."""
    ids: dict[str, list[str]] = {field.name: [] for field in pickers(form)}
    for new in taken.arrived:
        ids[new.field].append(str(attachments.keep(machine().kernel, tx, new.file, actor, moment).id))
    return ids


def _tell_same(name: str, known: str) -> None:
    """Says why a file is not in the list: another of the same content is; the same one again, as after a double click,
    is no news."""
    if name != known:
        flash(_("“%(name)s”与“%(known)s”内容相同，没有重复上传。", name=name, known=known), "warning")


def _together(errors: Iterable[PortalError]) -> FieldError:
    """Several refusals as one message, each said once."""
    zh = dict.fromkeys(error.text("zh") for error in errors)
    en = dict.fromkeys(error.text("en") for error in errors)
    return FieldError("".join(zh), " ".join(en))


def choices(form: Form, held: Mapping[str, Sequence[Attachment]]) -> Choices:
    """The files that each file field may name."""
    return {
        field.name: [
            Option(str(file.id), _("%(name)s（%(size)s）", name=own_name(file), size=dates.size(file.size)))
            for file in held.get(field.name, ())
        ]
        for field in pickers(form)
    }


def with_limits(view: FormView, procedure: Procedure, form: Form) -> FormView:
    """The form with what may be uploaded written beside each file field, before anything is chosen."""
    materials = {field.name: material_of(procedure, field) for field in pickers(form)}
    return replace(view, parts=tuple(_limited(part, materials, form.replaced_files) for part in view.parts))


def _limited(part: PartView, materials: Mapping[str, Material], replaced: frozenset[str]) -> PartView:
    if isinstance(part, GroupView):
        return replace(part, parts=tuple(_limited(inner, materials, replaced) for inner in part.parts))
    if not isinstance(part, FieldView) or part.name not in materials:
        return part
    material = materials[part.name]
    limit = _("每个文件不超过 %(size)s MB，最多 %(most)s 个。", size=material.size // 1_000_000, most=material.most)
    if part.name in replaced and material.most == 1:
        limit += _("上传新的文件，就替换原来的。")
    hint = f"{part.hint.rstrip('。')}。{limit}" if part.hint else limit
    return replace(part, hint=hint, accept=tuple(f".{kind}" for kind in material.accept), multiple=material.most > 1)
