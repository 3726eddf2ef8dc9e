"""Connections that give a server up which holds them open and says nothing any more."""

from __future__ import annotations

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import Engine, event
from sqlalchemy.engine import Dialect

PING_SECONDS = 5.0
"""How long a pooled connection may take to show that it is alive."""
ANSWER_SECONDS = 70.0
"""How long any answer may take: longer than the server itself lets a statement run."""
_LOOKS_EVERY = 0.1

T = TypeVar("T")


class Listening(psycopg.Connection[Any]):
    """A connection that is closed, with an OperationalError, when no answer came within `patience` seconds."""

    patience = ANSWER_SECONDS

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
        return Listening.connect(*arguments, **named)

    @event.listens_for(engine, "checkin")
    def put_back(connection: Listening | None, record: object) -> None:
        # The pool asks it for a sign of life before it is used again.
        if connection is not None:
            connection.patience = PING_SECONDS

    @event.listens_for(engine, "checkout")
    def taken(connection: Listening, record: object, proxy: object) -> None:
        connection.patience = ANSWER_SECONDS
