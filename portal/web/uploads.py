"""Takes in the files of a posted form: looked at, stored, and then answered by their ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, cast

from flask import request
from werkzeug.datastructures import FileStorage

from portal.cases import attachments
from portal.cases.attachments import Accepted
from portal.errors import PortalError
from portal.forms import UPLOAD, Field, FieldError, Form
from portal.identity import Actor
from portal.procedures import Procedure
from portal.procedures.manifest import Material
from portal.web.acting import moment
from portal.web.files import TYPES
from portal.web.machine import machine

_ALL = tuple(TYPES)


@dataclass(frozen=True)
class Taken:
    """The posted answers with the ids of the new files among them, and what was wrong with a file, by field."""

    answers: dict[str, object]
    errors: dict[str, FieldError]


def take(procedure: Procedure, form: Form, answers: Mapping[str, object], actor: Actor) -> Taken:
    """Stores the new files of this request; each is kept by a transaction of its own, so that a refused form
    does not have to upload it again. A file that no case uses is swept later. Raises StoreUnavailable."""
    taken, errors = dict(answers), dict[str, FieldError]()
    for field in form.fields:
        if field.kind_name != "filepicker":
            continue
        for posted in request.files.getlist(UPLOAD + field.name):
            if not posted.filename:
                continue
            try:
                number = _store(posted, _material(procedure, field), actor)
            except StoredNot as refusal:
                errors[field.name] = refusal.error
            else:
                before = taken.get(field.name)
                taken[field.name] = [*(before if isinstance(before, list) else []), str(number)]
    return Taken(taken, errors)


def texts_of(answers: Mapping[str, object]) -> dict[str, list[str]]:
    """Answers as a browser posts them: by field, each a list of texts."""
    return {
        name: [str(text) for text in answer] if isinstance(answer, list) else [str(answer)]
        for name, answer in answers.items()
    }


class StoredNot(Exception):
    """A file that was not accepted, with the words for its field."""

    def __init__(self, error: PortalError) -> None:
        self.error = FieldError(error.text("zh"), error.text("en"))
        super().__init__(error.text("en"))


def _material(procedure: Procedure, field: Field) -> Material:
    """What the manifest says may be uploaded here; without a word from it, what the portal accepts at all."""
    largest = machine().settings.upload_megabytes * 1_000_000
    said = procedure.manifest.materials.get(field.name)
    return said or Material(field.name, field.name, _ALL, 20, largest)


def look_at(procedure: Procedure, form: Form) -> tuple[dict[str, list[Accepted]], dict[str, FieldError]]:
    """The new files of this request by their field, looked at as `take` does but not stored, and what is wrong."""
    found, errors = dict[str, list[Accepted]](), dict[str, FieldError]()
    for field in form.fields:
        for posted in request.files.getlist(UPLOAD + field.name) if field.kind_name == "filepicker" else ():
            if not posted.filename:
                continue
            try:
                found.setdefault(field.name, []).append(_examined(posted, _material(procedure, field)))
            except StoredNot as refusal:
                errors[field.name] = refusal.error
    return found, errors


def _examined(posted: FileStorage, material: Material) -> Accepted:
    try:
        return attachments.examine(posted.filename or "", cast(BinaryIO, posted.stream), material)
    except (attachments.EmptyFile, attachments.FileTooLarge, attachments.WrongKind) as error:
        raise StoredNot(error) from error


def _store(posted: FileStorage, material: Material, actor: Actor) -> int:
    file, stream = _examined(posted, material), cast(BinaryIO, posted.stream)
    machine().store.put(file.key, stream, file.size, TYPES.get(file.kind, "application/octet-stream"), file.name)
    with machine().database.transaction() as tx:
        return attachments.keep(tx, file, actor, moment(tx)).id
