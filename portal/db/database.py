"""The transaction: the only commit; a lost race is run again, an outage is told in the portal's words."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

import psycopg
from psycopg import errors as pg
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from portal.clock import TZ
from portal.db.silence import listen
from portal.errors import PortalError

ATTEMPTS = 5
LOST_RACES = (pg.DeadlockDetected, pg.SerializationFailure)
WAITED_TOO_LONG = (pg.LockNotAvailable, pg.QueryCanceled)
SERVER_IS_AWAY = (pg.AdminShutdown, pg.CrashShutdown, pg.CannotConnectNow, pg.TooManyConnections)

# Ours come through SQLAlchemy, those of a deferred job straight from the driver.
FAILURES = (DBAPIError, psycopg.Error)

# An act refuses a moment older than 50 s when it gets its lock, so waiting longer for one is pointless.
LIMITS = {"lock_timeout": "50s", "statement_timeout": "60s", "idle_in_transaction_session_timeout": "300s"}

T = TypeVar("T")


class DatabaseUnreachable(PortalError):
    """The database does not answer."""

    zh = "数据库暂时无法连接，请稍后再试。"
    en = "The database cannot be reached: {reason}"


class DatabaseBusy(PortalError):
    """Too many want the same row, or all connections are taken."""

    zh = "系统繁忙，请稍后再试。"
    en = "The database is busy: {reason}"


class TextWithNul(PortalError):
    """A text with a NUL character, which PostgreSQL does not store; forms tell by their own rules where it stands."""

    zh = "填写的内容含有不能使用的控制字符（U+0000）。"
    en = "What was filled in holds a control character that cannot be used (U+0000)."


def url_for(url: str) -> URL:
    """A libpq address (`postgresql://…`) as SQLAlchemy wants it, with the psycopg 3 driver."""
    return make_url(url.replace("postgres://", "postgresql://", 1)).set(drivername="postgresql+psycopg")


def engine_for(url: str, *, schema: str | None = None, pool_size: int = 10) -> Engine:
    """An engine whose connections have our limits, Asia/Shanghai, and only `schema` in their search path."""
    options = {**LIMITS, "timezone": TZ.key}
    if schema is not None:
        options["search_path"] = schema
    arguments = {
        "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
        "application_name": "portal",
        "connect_timeout": 5,
    }
    engine = create_engine(
        url_for(url),
        connect_args=arguments,
        pool_size=pool_size,
        max_overflow=5,
        pool_timeout=10,
        # The one used last is the one most surely alive (`silence`).
        pool_use_lifo=True,
    )
    listen(engine)
    return engine


class Database:
    """One PostgreSQL database; with `schema`, only that schema of it (a trial run's)."""

    def __init__(self, url: str, *, schema: str | None = None, pool_size: int = 10) -> None:
        self.url = url
        self.engine = engine_for(url, schema=schema, pool_size=pool_size)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits at the end of the block and rolls back when the block raises."""
        with speaking_of_outages(), Session(self.engine, expire_on_commit=False) as tx:
            yield tx
            tx.commit()

    @contextmanager
    def rehearsal(self) -> Iterator[Session]:
        """A session for a trial run: its savepoints are real, and everything is rolled back at the end."""
        with speaking_of_outages(), self.engine.connect() as connection:
            outer = connection.begin()
            try:
                with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as tx:
                    yield tx
            finally:
                outer.rollback()

    def attempt(self, act: Callable[[Session], T]) -> T:
        """Run an act in a transaction, again from scratch when it lost a race, at most five times."""
        return self._tried(self.transaction, act)

    def rehearse(self, act: Callable[[Session], T]) -> T:
        """Run an act as `attempt` does and roll everything back; what it returns must not need its session."""
        return self._tried(self.rehearsal, act)

    def _tried(self, opened: Callable[[], AbstractContextManager[Session]], act: Callable[[Session], T]) -> T:
        for attempt in range(1, ATTEMPTS):
            try:
                with opened() as tx:
                    return act(tx)
            except FAILURES as error:
                if not isinstance(_said_by_driver(error), LOST_RACES):
                    raise
            time.sleep(random.uniform(0, 0.02 * attempt))  # nosec B311 # 2026-11-22: a pause, not a secret
        try:
            with opened() as tx:
                return act(tx)
        except FAILURES as error:
            if isinstance(_said_by_driver(error), LOST_RACES):
                raise DatabaseBusy(reason=str(error)) from error
            raise

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()


@contextmanager
def speaking_of_outages() -> Iterator[None]:
    """Turn the driver's words for an outage, a wait in vain or a text that it does not take into the portal's."""
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseBusy(reason=str(error)) from error
    except FAILURES as error:
        said = _said_by_driver(error)
        if isinstance(said, WAITED_TOO_LONG):
            raise DatabaseBusy(reason=str(said)) from error
        if _is_outage(said):
            raise DatabaseUnreachable(reason=str(said)) from error
        if isinstance(said, psycopg.DataError) and "NUL (0x00)" in str(said):
            raise TextWithNul() from error
        raise


def _said_by_driver(error: BaseException) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error


def _is_outage(error: BaseException | None) -> bool:
    """Whether the server went away, or never answered (then the driver has no SQLSTATE)."""
    if isinstance(error, SERVER_IS_AWAY):
        return True
    return isinstance(error, pg.OperationalError) and error.sqlstate is None
