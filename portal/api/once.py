"""A call that changes something: one act and one answer, however often it is asked for with its key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import Response, request
from sqlalchemy.orm import Session

from portal import clock
from portal.api import bodies
from portal.api.shapes import Shape
from portal.edge import kept
from portal.edge.access import permitted_before, signed_in
from portal.edge.acting import act, reading
from portal.edge.errors import KeyUsedOtherwise
from portal.edge.models import KeptAnswer

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
"""The header of an answer that was given before."""


@dataclass(frozen=True)
class Done:
    """What is answered to an act: 200, or 201 with the address of what was made."""

    body: Shape
    location: str | None = None

    @property
    def status(self) -> int:
        """The HTTP status."""
        return 200 if self.location is None else 201


def once(
    do: Callable[[Session, datetime], Done], during: str, case_id: int | None = None, about: bytes = b""
) -> Response:
    """Does an act and answers; asked for again with the same key, it is not done again and the first answer comes.

    `do` gets session and moment, asks `permit`, acts, and says what is answered; it runs in the transaction in which
    the answer is kept. What was refused changed nothing and is not kept. `about` is what is asked beside method,
    address and JSON body: of an uploaded file its name and hash. Raises KeyUsedOtherwise and what `do` raises.
    """
    key, asked = request.headers.get(HEADER), _digest(about)

    def kept_with_it(tx: Session, moment: datetime) -> Response:
        before = _before(tx, key, asked)
        if before is not None:
            return before
        done = do(tx, moment)
        body = done.body.model_dump_json()
        if key is not None:
            tx.add(
                KeptAnswer(
                    person_id=signed_in().person_id,
                    key=key,
                    request=asked,
                    status=done.status,
                    location=done.location,
                    body=body,
                    kept_at=clock.now(),
                )
            )
        return _response(body, done.status, done.location)

    return act(kept_with_it, during, case_id)


def answered(about: bytes) -> Response | None:
    """The answer that this request got before, if it did; for what is costly to prepare before the act."""
    with reading() as tx:
        return _before(tx, request.headers.get(HEADER), _digest(about))


def _before(tx: Session, key: str | None, asked: bytes) -> Response | None:
    found = kept.before(tx, signed_in().person_id, key) if key is not None else None
    if found is None:
        return None
    if found.request != asked:
        raise KeyUsedOtherwise()
    permitted_before()
    told = _response(found.body, found.status, found.location)
    told.headers[REPLAYED] = "true"
    return told


def _digest(about: bytes) -> bytes:
    """SHA-256 of what is asked: the same for the same JSON, however it is written."""
    said = json.dumps(bodies.said(), sort_keys=True, default=str)
    parts = (request.method.encode(), request.full_path.encode(), said.encode(), about)
    return hashlib.sha256(b"\0".join(parts)).digest()


def _response(body: str, status: int, location: str | None) -> Response:
    told = Response(body, status, content_type=bodies.JSON)
    if location is not None:
        told.headers["Location"] = location
    return told
