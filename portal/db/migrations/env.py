"""What Alembic runs: on the connection and against the metadata that `portal.db.migrations` hands in."""

from __future__ import annotations

from alembic import context

given = context.config.attributes
context.configure(
    connection=given["connection"],
    target_metadata=given["metadata"],
    include_name=given["include_name"],
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
