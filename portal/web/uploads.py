"""Takes in the files of a posted form: looked at, stored, and then answered by their ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, cast

from flask import request
from werkzeug.datastructures import FileStorage

from portal.cases import attachments
from portal.cases.attachments import Accepted
from portal.cases.models import Attachment
from portal.edge.access import signed_in
from portal.edge.acting import moment
from portal.edge.files import TYPES
from portal.edge.machine import machine
from portal.errors import PortalError
from portal.forms import UPLOAD, Field, FieldError, Form
from portal.forms.kinds.filepicker import FilePicker
from portal.identity import Actor
from portal.procedures import Procedure
from portal.procedures.manifest import Material
from portal.storage import StoreUnavailable


class StoreAway(PortalError):
    """A file could not be stored; everything else was kept."""

    zh = "“{name}”没有上传成功：文件存储暂时不可用，请稍后重新选择。其他内容已保留。"
    en = "“{name}” was not uploaded: the file store is unavailable, please choose it again later. All else was kept."


@dataclass(frozen=True)
class Taken:
    """The posted answers with the ids of the new files among them, and what was wrong with a file, by field."""

    answers: dict[str, object]
    errors: dict[str, FieldError]


def take(procedure: Procedure, form: Form, answers: Mapping[str, object], actor: Actor) -> Taken:
    """Stores the new files of this request; each is kept by a transaction of its own, so that a refused form
    does not have to upload it again. A file that no case uses is swept later."""
    taken, errors = dict(answers), dict[str, FieldError]()
    for field in pickers(form):
        for posted in new_files(field):
            try:
                number = _kept(posted, material_of(procedure, field), actor)
            except StoredNot as refusal:
                errors[field.name] = refusal.error.after(errors.get(field.name))
            else:
                alone = field.name in form.replaced_files and material_of(procedure, field).most == 1
                before = None if alone else taken.get(field.name)
                taken[field.name] = [*(before if isinstance(before, list) else []), str(number)]
    return Taken(taken, errors)


def pickers(form: Form) -> list[Field]:
    """The file fields of a form."""
    return [field for field in form.fields if isinstance(field.kind, FilePicker)]


def new_files(field: Field) -> Iterator[FileStorage]:
    """The files that this request brings for a file field."""
    return (posted for posted in request.files.getlist(UPLOAD + field.name) if posted.filename)


def material_of(procedure: Procedure, field: Field) -> Material:
    """What the manifest accepts under a file field; where it says nothing, what the form and the installation say."""
    said = procedure.manifest.materials.get(field.name)
    if said is not None:
        return said
    kind = cast(FilePicker, field.kind)
    accept = tuple(ending.lstrip(".") for ending in kind.accept) or tuple(TYPES)
    return Material(field.name, field.name, accept, kind.most, machine().settings.upload_megabytes * 1_000_000)


def own_name(row: Attachment) -> str:
    """A file's name as whoever looks at the page may read it."""
    return row.name_for(signed_in().person_id)


def store(posted: FileStorage, file: Accepted) -> None:
    """Puts a file that was accepted into the store; StoreAway."""
    kind = TYPES.get(file.kind, "application/octet-stream")
    try:
        machine().store.put(file.key, cast(BinaryIO, posted.stream), file.size, kind, file.name)
    except StoreUnavailable as error:
        raise StoreAway(name=file.name) from error


def texts_of(answers: Mapping[str, object]) -> dict[str, list[str]]:
    """Answers as a browser posts them: by field, each a list of texts."""
    return {
        name: [str(text) for text in answer] if isinstance(answer, list) else [str(answer)]
        for name, answer in answers.items()
    }


class StoredNot(Exception):
    """A file that was not accepted or could not be stored, with the words for its field."""

    def __init__(self, error: PortalError) -> None:
        self.error = FieldError(error.text("zh"), error.text("en"))
        super().__init__(error.text("en"))


def look_at(procedure: Procedure, form: Form) -> tuple[dict[str, list[Accepted]], dict[str, FieldError]]:
    """The new files of this request by their field, looked at as `take` does but not stored, and what is wrong."""
    found, errors = dict[str, list[Accepted]](), dict[str, FieldError]()
    for field in pickers(form):
        for posted in new_files(field):
            try:
                found.setdefault(field.name, []).append(examined(posted, material_of(procedure, field)))
            except StoredNot as refusal:
                errors[field.name] = refusal.error.after(errors.get(field.name))
    return found, errors


def examined(posted: FileStorage, material: Material) -> Accepted:
    """Looks at an uploaded file; StoredNot when it is not accepted."""
    try:
        return attachments.examine(posted.filename or "", cast(BinaryIO, posted.stream), material)
    except (attachments.EmptyFile, attachments.FileTooLarge, attachments.WrongKind) as error:
        raise StoredNot(error) from error


def _kept(posted: FileStorage, material: Material, actor: Actor) -> int:
    file = examined(posted, material)
    try:
        store(posted, file)
    except StoreAway as error:
        raise StoredNot(error) from error
    with machine().database.transaction() as tx:
        return attachments.keep(machine().kernel, tx, file, actor, moment(tx)).id
