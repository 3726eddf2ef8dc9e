"""The rows of every table as text: out of a database, as they are at one moment, and into empty tables."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import psycopg
from psycopg import sql
from sqlalchemy import Connection, text

from portal.db.migrations import VERSION_TABLE

# The text of a value must not depend on the server or on who asks; whole tables take longer than any request may.
_AS_TEXT = (
    "SET LOCAL timezone = 'UTC'",
    "SET LOCAL datestyle = 'ISO, MDY'",
    "SET LOCAL intervalstyle = 'postgres'",
    "SET LOCAL extra_float_digits = 1",
    "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL lock_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
)
_TABLES = """
    SELECT t.relname, array_agg(a.attname::text ORDER BY a.attnum), array_agg(a.attname::text ORDER BY k.place)
           FILTER (WHERE k.place IS NOT NULL)
      FROM pg_class t
      JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
      LEFT JOIN pg_index i ON i.indrelid = t.oid AND i.indisprimary
      LEFT JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place) ON k.attnum = a.attnum
     WHERE t.relkind = 'r' AND t.relnamespace = current_schema()::regnamespace AND t.relname <> %s
     GROUP BY t.relname ORDER BY t.relname COLLATE "C" """
_NUMERIC = "SELECT a.attname FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid AND y.typcategory = 'N'"
_SEQUENCES = "SELECT sequencename::text, last_value FROM pg_sequences WHERE schemaname = current_schema() ORDER BY 1"
_KEYS = """
    SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint
     WHERE contype = 'f' AND connamespace = current_schema()::regnamespace ORDER BY 1, 2"""
# Not those that check rows (they stay), nor those that are always on.
_TRIGGERS = """
    SELECT tgrelid::regclass::text, tgname::text FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
     WHERE NOT tgisinternal AND tgconstraint = 0 AND tgenabled = 'O' AND tgtype & 4 = 4
       AND c.relnamespace = current_schema()::regnamespace ORDER BY 1, 2"""


@dataclass(frozen=True)
class Table:
    """A table, its columns in their order, and those of its primary key."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


@dataclass(frozen=True)
class Copied:
    """What a table's rows come to: how many, and the SHA-256 (hexadecimal) of their text in the order of the key."""

    rows: int
    sha256: str


def as_text(connection: Connection) -> None:
    """Has values written in one way everywhere, and waits as long as it takes, until the transaction ends."""
    for statement in _AS_TEXT:
        connection.execute(text(statement))


def tables(connection: Connection) -> list[Table]:
    """The tables of the current schema, by name; not the one in which migrations keep their revision."""
    rows = _driver(connection).execute(_TABLES, [VERSION_TABLE]).fetchall()
    return [Table(name, tuple(columns), tuple(key or ())) for name, columns, key in rows]


def sequences(connection: Connection) -> dict[str, int | None]:
    """What each sequence has handed out last; None: nothing yet. No transaction holds a sequence still: it is never
    behind the rows that the transaction sees."""
    return dict(cast(list[tuple[str, int | None]], _driver(connection).execute(_SEQUENCES).fetchall()))


def out(connection: Connection, table: Table) -> Iterator[bytes]:
    """The rows of a table as text, a line each, in the order of its key."""
    copying = sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT").format(
        _named(table.columns), sql.Identifier(table.name), _order(connection, table)
    )
    with _driver(connection).cursor() as cursor, cursor.copy(copying) as copy:
        for piece in copy:
            yield bytes(piece)


def digest(pieces: Iterable[bytes]) -> Copied:
    """How many rows there are in the text of a table, and its hash."""
    counted, digested = 0, hashlib.sha256()
    for piece in pieces:
        counted += piece.count(b"\n")  # one within a value is written as \n
        digested.update(piece)
    return Copied(counted, digested.hexdigest())


def into(connection: Connection, table: str, columns: Iterable[str], pieces: Iterable[bytes]) -> None:
    """Writes rows as `out` has given them into a table; columns that are not named have their defaults."""
    copying = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), _named(columns))
    with _driver(connection).cursor() as cursor, cursor.copy(copying) as copy:
        for piece in pieces:
            copy.write(piece)


def count_on(connection: Connection, handed_out: dict[str, int | None]) -> None:
    """Has sequences hand out what follows."""
    setting = "SELECT setval(%s::text::regclass, %s)"
    for name, last in handed_out.items():
        if last is not None:
            _driver(connection).execute(setting, [sql.Identifier(name).as_string(_driver(connection)), last])


@contextmanager
def loading(connection: Connection) -> Iterator[None]:
    """For as long, rows may come in any order, and nothing is done because a row is new; at the end every row that
    another names must be there, and what is checked at a commit is checked."""
    driver = _driver(connection)
    keys = cast(list[tuple[str, str, str]], driver.execute(_KEYS).fetchall())
    triggers = cast(list[tuple[str, str]], driver.execute(_TRIGGERS).fetchall())
    for table, name, _ in keys:
        driver.execute(_of(table, "DROP CONSTRAINT {}", name))
    for table, name in triggers:
        driver.execute(_of(table, "DISABLE TRIGGER {}", name))
    yield
    connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    for table, name, definition in keys:
        driver.execute(_of(table, "ADD CONSTRAINT {} ", name) + sql.SQL(cast(Any, definition)))
    for table, name in triggers:
        driver.execute(_of(table, "ENABLE TRIGGER {}", name))


def _of(table: str, change: str, name: str) -> sql.Composed:
    # `regclass` has written the table's name as SQL wants it.
    return sql.SQL(cast(Any, f"ALTER TABLE {table} {change}")).format(sql.Identifier(name))


def _named(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(column) for column in columns)


def _order(connection: Connection, table: Table) -> sql.Composable:
    """The same order on every server, whatever the collation of its database."""
    if not table.key:
        return sql.SQL('{}::text COLLATE "C"').format(sql.Identifier(table.name))
    where = sql.SQL(" WHERE a.attrelid = {}::regclass").format(_literal(connection, table.name))
    numeric = {name for (name,) in _driver(connection).execute(sql.SQL(_NUMERIC) + where)}
    plain, textual = sql.SQL("{}"), sql.SQL('{}::text COLLATE "C"')
    return sql.SQL(", ").join(
        (plain if name in numeric else textual).format(sql.Identifier(name)) for name in table.key
    )


def _literal(connection: Connection, name: str) -> sql.Literal:
    return sql.Literal(sql.Identifier(name).as_string(_driver(connection)))


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)
