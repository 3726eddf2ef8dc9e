"""Databases that a test has for itself: copied, opened, emptied."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from sqlalchemy import text

from portal.db import Database

# What is append-only is emptied too: for as long, the function that refuses it lets it pass. Every count begins again,
# and a transaction that a test left open is told at once.
EMPTY = """DO $$ DECLARE one regclass; refusal text := pg_get_functiondef('refuse_change'::regproc); BEGIN
  SET LOCAL lock_timeout = '5s';
  SET LOCAL session_replication_role = replica;
  CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
  FOR one IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
    EXECUTE 'DELETE FROM ' || one;
  END LOOP;
  PERFORM setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace;
  EXECUTE refusal;
END $$"""


@contextmanager
def copied(server: str, name: str, template: str = "template1") -> Iterator[str]:
    """A database of that name that begins as a copy of another, dropped at the end; its address."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def opened(url: str) -> Iterator[Database]:
    """A database, closed at the end."""
    database = Database(url)
    yield database
    database.close()


def empty(database: Database) -> None:
    """Takes every row out of a database."""
    with database.transaction() as tx:
        tx.execute(text(EMPTY))
