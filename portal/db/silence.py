"""Connections that give a server up which is gone, or holds them open and says nothing any more."""

from __future__ import annotations

import time
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import Engine, event
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import InvalidatePoolError

PING_SECONDS = 5.0
"""How long a pooled connection may take to show that it is alive."""
TRUSTED_SECONDS = 0.25
"""How long after its last use a pooled connection is taken to be alive without being asked: asking costs as much as a
statement, and a request takes a connection twice."""
ANSWER_SECONDS = 70.0
"""How long any answer may take: longer than the server itself lets a statement run."""
_LOOKS_EVERY = 0.1

T = TypeVar("T")


class Listening(psycopg.Connection[Any]):
    """A connection that is closed, with an OperationalError, when no answer came within `patience` seconds."""

    patience = ANSWER_SECONDS
    used_at = 0.0
    """When it was made or given back last, on the monotonic clock."""

    def wait(self, gen: PQGen[T], interval: float = _LOOKS_EVERY, timeout: float | None = None) -> T:
        """Waits for an answer, at most as long as the connection has patience."""
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError as error:
            # What the server says has a SQLSTATE; without one it has said nothing.
            if error.sqlstate is None:
                self.close()
            raise


def listen(engine: Engine) -> None:
    """Has the engine's connections give up: soon when one is taken from the pool and tried, else in the end."""

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Dialect, record: object, arguments: list[Any], named: dict[str, Any]) -> Listening:
        made = Listening.connect(*arguments, **named)
        made.used_at = time.monotonic()
        return made

    @event.listens_for(engine, "checkin")
    def put_back(connection: Listening | None, record: object) -> None:
        if connection is not None:
            connection.used_at = time.monotonic()

    @event.listens_for(engine, "checkout")
    def taken(connection: Any, record: object, proxy: object) -> None:  # noqa: ANN401 - SQLAlchemy's word for ours
        if time.monotonic() - connection.used_at > TRUSTED_SECONDS:
            connection.patience = PING_SECONDS
            _try(engine.dialect, connection)
        connection.patience = ANSWER_SECONDS


def _try(dialect: Dialect, connection: Any) -> None:  # noqa: ANN401 - as above
    """Asks for a sign of life; InvalidatePoolError when none comes, as then the other connections are gone too."""
    try:
        dialect.do_ping(connection)
    except psycopg.Error as error:
        raise InvalidatePoolError() from error
