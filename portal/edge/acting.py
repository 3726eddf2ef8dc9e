"""The moment of a request, the transaction it reads or acts in, and what is noted when an act fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

from flask import g, request
from sqlalchemy.orm import Session

from portal import clock
from portal.cases import incidents
from portal.cases.errors import StepFailed, UnknownCase
from portal.db.database import DatabaseBusy, DatabaseUnreachable
from portal.edge.machine import machine
from portal.edge.standing import standing
from portal.engine import EngineFault

T = TypeVar("T")

LARGEST_ID = 2**63 - 1
_DIGITS = len(str(LARGEST_ID)) + 1


def refuse_impossible(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """What no id and no name can be names nothing, and is not asked of the database; for every route."""
    if any(map(_is_impossible, (values or {}).values())):
        raise UnknownCase()


def _is_impossible(value: object) -> bool:
    """Whether a part of an address is a number beyond every id, or a text that PostgreSQL cannot hold."""
    return value > LARGEST_ID if isinstance(value, int) else isinstance(value, str) and "\0" in value


def asked(name: str) -> int | None:
    """An id in the query of the address; None when there is none."""
    return _id(request.args.get(name, type=int))


def posted_id(name: str) -> int | None:
    """An id among the texts of the posted form; None when there is none."""
    return _id(request.form.get(name, type=int))


def is_id(text: str) -> bool:
    """Whether a text of an address or a form may be an id."""
    return text.isascii() and text.isdecimal() and len(text) < _DIGITS and _id(int(text)) is not None


def _id(number: int | None) -> int | None:
    return number if number is not None and 0 <= number <= LARGEST_ID else None


def receive() -> None:
    """Notes the instant at which the whole request has arrived; runs before anything else looks at it."""
    _ = request.form  # reads the body to its end
    stamp()


def stamp() -> None:
    """Notes the present instant as that of the request, unless one is noted already."""
    if "received" not in g:
        g.received = clock.now()


def offset(tx: Session) -> timedelta:
    """How far the demo clock is ahead; nothing in production."""
    if not machine().settings.demo:
        return timedelta(0)
    if "offset" not in g:
        g.offset = standing(tx).ahead
    moved: timedelta = g.offset
    return moved


def moment(tx: Session) -> datetime:
    """The legal moment of this request: the same, however often its act is run again."""
    received: datetime = g.received
    return received + offset(tx)


@contextmanager
def reading() -> Iterator[Session]:
    """A transaction for a page that only reads."""
    with machine().database.transaction() as tx:
        offset(tx)
        yield tx


def act(do: Callable[[Session, datetime], T], during: str, case_id: int | None = None) -> T:
    """Runs an act in one transaction, again from scratch when it lost a race; `do` gets session and moment.

    When a step fails nothing is changed and an incident is written in a transaction of its own; `during` says
    in Chinese what was being done, `case_id` to which case.
    """
    g.acting = (during, case_id)
    try:
        done = machine().database.attempt(lambda tx: do(tx, moment(tx)))
    except (EngineFault, StepFailed) as failure:
        note_failure(failure)
        raise
    g.pop("acting")
    return done


def note_failure(failure: BaseException) -> bool:
    """Writes the incident of an act that failed; False when no act was under way or nothing can be written."""
    if "acting" not in g:
        return False
    during, case_id = g.pop("acting")
    with suppress(DatabaseUnreachable, DatabaseBusy):
        with machine().database.transaction() as tx:
            incidents.note(tx, during, f"{type(failure).__name__}: {failure}", moment(tx), case_id)
        return True
    return False
