"""Takes a backup while the portal runs: the rows of one moment, and every object that those rows refer to."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.orm import Session

from portal import clock
from portal.backup.folder import Folder, making
from portal.backup.manifest import KeptObject, KeptTable, Manifest
from portal.cases import files
from portal.db import Database, copying, migrations
from portal.errors import PortalError
from portal.identity.models import SignedIn
from portal.storage import ObjectMissing, ObjectStore

LEFT_OUT = frozenset({SignedIn.__tablename__})
"""Sessions: whoever was signed in at the moment of a backup is not signed in by restoring it."""
AT_ONCE = 4
"""Objects that are read, or written, at the same time."""


class NothingThere(PortalError):
    """The database has no tables of the portal's."""

    zh = "数据库中还没有门户的表，没有可以备份的内容。"
    en = "The database has none of the portal's tables yet: there is nothing to back up."


def take(database: Database, store: ObjectStore, path: Path) -> Manifest:
    """Writes a backup to a new folder; Taken, NothingThere, DatabaseUnreachable, DatabaseBusy, StoreUnavailable."""
    with making(path) as folder, snapshot(database) as tx:
        manifest = _written(tx, store, folder)
        folder.write_list(manifest.text())
    return manifest


@contextmanager
def snapshot(database: Database) -> Iterator[Session]:
    """A session that sees one moment throughout, and to whose rows no object is lost meanwhile.

    Objects are kept before the moment is chosen, or one could go in between.
    """
    with database.transaction() as keeping:
        files.keep(keeping)
        with database.transaction() as tx:
            connection = tx.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            copying.as_text(connection)
            yield tx


def _written(tx: Session, store: ObjectStore, folder: Folder) -> Manifest:
    connection, moment = tx.connection(), clock.now()
    revision = migrations.revision_of(connection)
    if not revision:
        raise NothingThere()
    tables = [table for table in copying.tables(connection) if table.name not in LEFT_OUT]
    kept = [_table(tx, folder, table) for table in tables]
    referred = {file.key: None for file in files.referred(tx)}
    with ThreadPoolExecutor(AT_ONCE) as threads:
        objects = list(threads.map(lambda key: _object(store, folder, key), referred))
    return Manifest(
        portal=importlib.metadata.version("statutory-casework-portal"),
        revision=revision,
        moment=moment,
        tables=tuple(kept),
        sequences=copying.sequences(connection),
        left_out=tuple(sorted(LEFT_OUT)),
        objects=tuple(found for found in objects if found is not None),
        missing=tuple(key for key, found in zip(referred, objects, strict=True) if found is None),
    )


def _table(tx: Session, folder: Folder, table: copying.Table) -> KeptTable:
    copied = copying.digest(folder.write_table(table.name, copying.out(tx.connection(), table)))
    return KeptTable(table.name, table.columns, copied.rows, copied.sha256)


def _object(store: ObjectStore, folder: Folder, key: str) -> KeptObject | None:
    """An object, written to the folder; None when the store does not have it."""
    try:
        known = store.stat(key)
        with store.open(key) as pieces:
            sha256, size = folder.write_object(key, pieces)
    except ObjectMissing:
        return None
    return KeptObject(key, size, sha256, known.content_type, known.name)
