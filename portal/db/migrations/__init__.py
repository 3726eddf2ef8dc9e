"""The schema's history: bring a database to its newest state, write a step, compare with the models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations.ops import ExecuteSQLOp, MigrationScript
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.schema import CreateSchema

from portal.db.append_only import MARK, append_only_sql, protected_tables
from portal.db.database import engine_for, speaking_of_outages

FOLDER = Path(__file__).parent
NOT_OURS = "procrastinate_"
VERSION_TABLE = "alembic_version"


def upgrade(url: str, metadata: MetaData, schema: str | None = None, to: str = "head") -> None:
    """Bring the database, or one schema of it (made when missing), to a state, the newest, in one go.

    The release before goes on working meanwhile: a step only adds, or says by CONTRACT what nobody uses any more.
    """
    with _connection(url, schema) as connection:
        _alone(connection)
        if schema is not None:
            connection.execute(CreateSchema(schema, if_not_exists=True))
        command.upgrade(_config(connection, metadata), to)


def rebuild(url: str, metadata: MetaData, revision: str, fill: Callable[[Connection], None]) -> None:
    """Bring an empty database to an earlier state, have it filled, and bring it to the newest; all of it or nothing."""
    with _connection(url, None) as connection:
        _alone(connection)
        config = _config(connection, metadata)
        command.upgrade(config, revision)
        fill(connection)
        command.upgrade(config, "head")


def revision_of(connection: Connection) -> str:
    """The state that the schema of a database is in, by its number; empty before the first step."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def knows(revision: str) -> bool:
    """Whether this is the number of a step that is known here."""
    return revision in {step.revision for step in ScriptDirectory(str(FOLDER)).walk_revisions()}


def generate(url: str, metadata: MetaData, title: str) -> None:
    """Write the next numbered step, from what the models have and the database has not."""
    with _connection(url, None) as connection:
        command.revision(_config(connection, metadata), title, autogenerate=True, process_revision_directives=_complete)


def differences(url: str, metadata: MetaData) -> list[str]:
    """What the models have and the database has not, or the reverse; empty when they agree."""
    with _connection(url, None) as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_ours})
        found = [str(difference) for difference in compare_metadata(context, metadata)]
        unequal = _meant_to_be_protected(metadata) ^ protected_tables(connection)
        return found + [f"append-only: {name}" for name in sorted(unequal)]


def is_ours(name: str | None, kind: str, parents: object) -> bool:
    """Whether a table is ours to migrate; Procrastinate keeps its own."""
    return kind != "table" or name is None or not name.startswith(NOT_OURS)


def _meant_to_be_protected(metadata: MetaData) -> frozenset[str]:
    return frozenset(table.name for table in metadata.tables.values() if MARK in table.info)


def _alone(connection: Connection) -> None:
    # Two processes that start at once must not both migrate.
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('portal migrations'))"))


@contextmanager
def _connection(url: str, schema: str | None) -> Iterator[Connection]:
    engine = engine_for(url, schema=schema, pool_size=1)
    try:
        with speaking_of_outages(), engine.begin() as connection:
            # Changing a large table may take longer than any request may.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            yield connection
    finally:
        engine.dispose()


def _config(connection: Connection, metadata: MetaData) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes.update(connection=connection, metadata=metadata, include_name=is_ours)
    return config


def _complete(context: MigrationContext, revision: object, directives: list[MigrationScript]) -> None:
    """Number the step (0001, 0002, …) and add what Alembic does not compare: the append-only triggers."""
    [script] = directives
    head = ScriptDirectory(str(FOLDER)).get_current_head()
    script.rev_id = f"{int(head or 0) + 1:04}"
    connection, metadata = context.connection, context.opts["target_metadata"]
    assert connection is not None
    assert script.upgrade_ops is not None
    for name in sorted(_meant_to_be_protected(metadata) - protected_tables(connection)):
        script.upgrade_ops.ops.extend(ExecuteSQLOp(statement) for statement in append_only_sql(name))
