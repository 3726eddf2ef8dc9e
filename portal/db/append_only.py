"""Tables that only grow: a trigger refuses to change, delete or truncate what is written."""

from __future__ import annotations

from sqlalchemy import Connection, Table, event, text

MARK = "append_only"


def append_only(table: Table) -> None:
    """Have the table refuse UPDATE, DELETE and TRUNCATE from its creation on."""
    table.info[MARK] = True
    event.listen(table, "after_create", _protect)


def _protect(table: Table, connection: Connection, **_: object) -> None:
    for statement in append_only_sql(table.name):
        connection.execute(text(statement))


def append_only_sql(table: str) -> tuple[str, ...]:
    """The statements that make an existing table append-only, for a migration."""
    return (
        """CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
              USING ERRCODE = 'restrict_violation'; END $$""",
        # Per statement, so that TRUNCATE is caught by the same trigger.
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
        # Also while a restore or a replica has switched ordinary triggers off.
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only",
    )


def protected_tables(connection: Connection) -> frozenset[str]:
    """The tables of the current schema that have the trigger."""
    rows = connection.execute(
        text(
            "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE t.tgname = 'append_only' AND t.tgenabled = 'A' "
            "AND c.relnamespace = current_schema()::regnamespace"
        )
    )
    return frozenset(rows.scalars())
