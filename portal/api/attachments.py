"""Uploaded files: taken in before they are named in answers, and read."""

from __future__ import annotations

from datetime import datetime
from typing import BinaryIO, cast

from flask import Response, request
from flask_openapi3 import FileStorage
from pydantic import ConfigDict, field_validator
from pydantic_core import PydanticCustomError
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage as Posted

from portal.api.access import needs
from portal.api.bodies import FORM, takes
from portal.api.casefile import FileTold, file_of
from portal.api.description import BODIES, calls, files, written
from portal.api.once import Done, answered, once
from portal.api.problems import pointer
from portal.api.shapes import Body, Reference, Shape, Write
from portal.cases import attachments
from portal.cases.errors import UnknownCase
from portal.cases.models import Attachment
from portal.edge.access import permit, signed_in
from portal.edge.acting import reading
from portal.edge.errors import Wrong, WrongRequest
from portal.edge.files import TYPES, Download, readable, stream
from portal.edge.machine import machine
from portal.identity import Forbidden, Permission, Subject
from portal.identity.tokens import Scope
from portal.procedures.manifest import Material

blueprint = calls("attachments", "Uploaded files.")
_OTHER = "application/octet-stream"
_ONE_FILE = Wrong(
    "file", pointer("file"), "每次请求只能上传一个文件，请逐个上传。", "A request takes one file: send each by itself."
)


class AttachmentPath(Shape):
    """Which file."""

    attachment_id: Reference


class Upload(Body):
    """A file to be kept."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    file: FileStorage

    @field_validator("file")
    @classmethod
    def _is_file(cls, given: object) -> object:
        """A text under the name of the file is none."""
        if not isinstance(given, Posted):
            raise PydanticCustomError("no_file", "a file is wanted")
        return given


@blueprint.post("/attachments", responses=written(201, FileTold, *BODIES))
@takes(FORM)
@needs(Permission.ATTACHMENT_READ, Scope.FILE, Scope.WORK)
def upload(header: Write, form: Upload) -> Response:
    """Takes in a file. Its id is then used in `answers`; a file that no answer names is swept after a day."""
    if len(request.files.getlist("file")) > 1:
        raise WrongRequest([_ONE_FILE])
    most = machine().settings.upload_megabytes * 1_000_000
    accepted = attachments.examine(
        form.file.filename or "", cast(BinaryIO, form.file.stream), Material("file", "file", tuple(TYPES), 1, most)
    )
    asked = f"{accepted.name}\0{accepted.sha256}".encode()
    before = answered(asked)
    if before is not None:
        return before
    # First the object, then its row: an object without a row is swept.
    kind = TYPES.get(accepted.kind, _OTHER)
    machine().store.put(accepted.key, cast(BinaryIO, form.file.stream), accepted.size, kind, accepted.name)

    def keep(tx: Session, moment: datetime) -> Done:
        actor = permit(Subject(uploader_id=signed_in().person_id))
        row = attachments.keep(machine().kernel, tx, accepted, actor, moment)
        return Done(file_of(row, own=True), f"/api/v1/attachments/{row.id}")

    return once(keep, "上传文件", about=asked)


@blueprint.get("/attachments/<int:attachment_id>", responses=files([*sorted(set(TYPES.values())), _OTHER], 404, 409))
@needs(Permission.ATTACHMENT_READ, Scope.READ)
def read_attachment(path: AttachmentPath) -> Response:
    """An uploaded file: for its uploader, his organisation, and the officials of the case that uses it."""
    with reading() as tx:
        row = _readable(tx, path.attachment_id)
        file = Download(row.key, row.sha256, row.name, TYPES.get(row.kind, _OTHER))
    return stream(file)


def _readable(tx: Session, attachment_id: int) -> Attachment:
    """A file that the user may read; for people outside the authority what is not theirs does not exist
    (UnknownCase)."""
    try:
        return readable(tx, attachment_id)[0]
    except Forbidden as error:
        if signed_in().official:
            raise
        raise UnknownCase() from error
