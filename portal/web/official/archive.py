"""The closed file of a case to be taken away: its list, and all its pieces with it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import IO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from flask import Response
from sqlalchemy.orm import Session

from portal.cases import archiving
from portal.cases.archiving import Piece
from portal.cases.errors import UnknownCase
from portal.cases.models import Archive
from portal.clock import TZ
from portal.edge.acting import reading
from portal.edge.files import pieces, sent
from portal.edge.machine import machine
from portal.identity import Permission
from portal.storage import ObjectAltered, ObjectMissing, ObjectStore, whole
from portal.web.access import needs
from portal.web.official.blueprint import blueprint
from portal.web.official.case import opened

LIST = "list.json"
_IN_MEMORY = 1_000_000
_READABLE = 0o644 << 16


@blueprint.get("/cases/<int:case_id>/archive.json")
@needs(Permission.CASE_READ)
def archive_list(case_id: int) -> Response:
    """The list of a closed file, byte for byte what its digest was made of."""
    with reading() as tx:
        number, row = _closed(tx, case_id)
        listed = _list(row)
    response = Response(listed, mimetype="application/json")
    return sent(response, f"{number} {LIST}")


@blueprint.get("/cases/<int:case_id>/archive.zip")
@needs(Permission.CASE_READ)
def archive_zip(case_id: int) -> Response:
    """All pieces of a closed file with their list; ObjectAltered, ObjectMissing where one is not what was listed.

    Each is compared with its digest as it is read, and the first byte is sent when the last one has been, so that
    nobody gets half a file.
    """
    with reading() as tx:
        number, row = _closed(tx, case_id)
        listed, listing, moment = _list(row), list(archiving.pieces_of(tx, row)), row.closed_at or row.begun_at
    packed = _packed(machine().store, listed, listing, moment.astimezone(TZ))
    size = packed.seek(0, 2)
    packed.seek(0)
    response = Response(pieces(packed), mimetype="application/zip")
    response.call_on_close(packed.close)
    response.content_length = size
    return sent(response, f"{number}.zip")


def _closed(tx: Session, case_id: int) -> tuple[str, Archive]:
    """The case's number and its closed file; UnknownCase while there is none."""
    _actor, case = opened(tx, case_id)
    row = archiving.of_case(tx, case.id)
    if row is None or row.closed_at is None:
        raise UnknownCase
    return case.row.number, row


def _list(row: Archive) -> bytes:
    listed = archiving.text_of(row)
    if hashlib.sha256(listed).hexdigest() != row.sha256:
        raise ObjectAltered(key=LIST)
    return listed


def _packed(store: ObjectStore, listed: bytes, listing: Iterable[Piece], moment: datetime) -> IO[bytes]:
    """A zip, open from its beginning, of the list and the pieces; nothing in it depends on when it is made."""
    with ExitStack() as opening:
        file = opening.enter_context(SpooledTemporaryFile(_IN_MEMORY))
        with ZipFile(file, "w", ZIP_STORED) as packed:
            packed.writestr(_entry(LIST, moment), listed)
            for piece in listing:
                if piece.key is None:
                    raise ObjectMissing(key=piece.name)
                with (
                    whole(store, piece.key, piece.sha256) as bytes_,
                    packed.open(_entry(piece.name, moment), "w") as to,
                ):
                    shutil.copyfileobj(bytes_, to)
        opening.pop_all()
    return file


def _entry(name: str, moment: datetime) -> ZipInfo:
    entry = ZipInfo(name, moment.timetuple()[:6])
    entry.external_attr = _READABLE
    return entry
