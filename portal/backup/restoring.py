"""Restores a backup into an empty database and an empty object store: checked first, whole or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, MetaData, text

from portal import jobs
from portal.backup.folder import LIST, OBJECTS, TABLES, Damaged, Folder
from portal.backup.manifest import KeptObject, KeptTable, Manifest, NotABackup, parsed
from portal.backup.taking import AT_ONCE
from portal.db import Database, copying, migrations
from portal.errors import PortalError
from portal.storage import ObjectExists, ObjectStore, whole

NAMED = 3
"""Tables that a refusal names."""


class DatabaseNotEmpty(PortalError):
    """The database holds tables already."""

    zh = (
        "数据库中已有表（{tables}），未恢复任何内容：备份只能恢复到空数据库。"
        "请新建一个数据库并由 DATABASE_URL 指明，或者换一个 PORTAL_HOME。"
    )
    en = (
        "The database holds tables already ({tables}); nothing was restored, as that takes an empty one: "
        "make a new database and name it by DATABASE_URL, or take another PORTAL_HOME."
    )


class StoreNotEmpty(PortalError):
    """The bucket holds objects that are not of this backup."""

    zh = (
        "文件存储中已有不属于该备份的文件（例如 {key}），未恢复任何内容：请换一个空的存储桶并由 S3_BUCKET 指明，"
        "或者换一个 PORTAL_HOME。"
    )
    en = (
        "The bucket holds objects that are not of this backup (such as {key}); nothing was restored: "
        "name an empty one by S3_BUCKET, or take another PORTAL_HOME."
    )


class NewerBackup(PortalError):
    """The backup was made by a portal with a newer schema."""

    zh = "备份由更新的门户（{portal}，数据库版本 {revision}）生成，本门户不能读取：请先升级门户。"
    en = "A newer portal ({portal}, schema {revision}) made this backup: upgrade the portal first."


class Mismatch(PortalError):
    """What was written is not what the backup holds."""

    zh = "恢复后的表 {table} 与备份不一致，已全部撤销：{reason}。"
    en = "The restored table {table} is not what the backup holds, everything was undone: {reason}."


def checked(path: Path) -> Manifest:
    """The list of a backup, once every file is found to be what it says.

    NotABackup, OtherFormat, NewerBackup, Damaged.
    """
    manifest, folder = _listed(path), Folder(path)
    if not migrations.knows(manifest.revision):
        raise NewerBackup(portal=manifest.portal, revision=manifest.revision)
    for table in manifest.tables:
        if copying.digest(folder.rows(table.name)) != copying.Copied(table.rows, table.sha256):
            raise Damaged(part=f"{TABLES}/{table.name}")
    for one in manifest.objects:
        if folder.found(one.key) != (one.sha256, one.size):
            raise Damaged(part=f"{OBJECTS}/{one.key}")
    return manifest


def restore(database: Database, metadata: MetaData, store: ObjectStore, path: Path) -> Manifest:
    """Restores a backup: first objects, then all rows in one transaction, in which the schema is brought to its newest
    state. A restore that was cut short may be begun again: objects that are there already are compared.

    What `checked` raises, DatabaseNotEmpty, StoreNotEmpty, Mismatch, DatabaseUnreachable, StoreUnavailable.
    """
    manifest, folder = checked(path), Folder(path)
    _refuse_tables(database)
    _refuse_others(store, manifest)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(lambda one: _put(store, folder, one), manifest.objects))
    migrations.rebuild(database.url, metadata, manifest.revision, partial(_fill, folder, manifest))
    return manifest


def _listed(path: Path) -> Manifest:
    try:
        return parsed(Folder(path).list.read_text())
    except OSError as error:
        raise NotABackup(path=path, reason=error.strerror) from error
    except (ValueError, KeyError, TypeError) as error:
        raise NotABackup(path=path, reason=f"{LIST}: {error}") from error


def _refuse_tables(database: Database) -> None:
    with database.transaction() as tx:
        names = [table.name for table in copying.tables(tx.connection())]
    if names:
        raise DatabaseNotEmpty(tables=", ".join(names[:NAMED]) + (", …" if names[NAMED:] else ""))


def _refuse_others(store: ObjectStore, manifest: Manifest) -> None:
    ours = {one.key for one in manifest.objects}
    there = store.keys()
    other = next((kept.key for kept in there if kept.key not in ours), None)
    if other is not None:
        raise StoreNotEmpty(key=other)


def _put(store: ObjectStore, folder: Folder, one: KeptObject) -> None:
    try:
        with folder.opened(one.key) as file:
            store.put(one.key, file, one.size, one.content_type, one.name)
    except ObjectExists:
        whole(store, one.key, one.sha256).close()


def _fill(folder: Folder, manifest: Manifest, connection: Connection) -> None:
    """Fills the tables of the backup's own schema, and reads them again."""
    jobs.make_tables(connection)
    copying.as_text(connection)
    there = {table.name: table for table in copying.tables(connection)}
    with copying.loading(connection):
        for table in manifest.tables:
            if not set(table.columns) <= set(there[table.name].columns if table.name in there else ()):
                raise Mismatch(table=table.name, reason="this portal does not know it, or a column of it")
            copying.into(connection, table.name, table.columns, folder.rows(table.name))
    known = copying.sequences(connection)
    copying.count_on(connection, {name: last for name, last in manifest.sequences.items() if name in known})
    for table in manifest.tables:
        _compare(connection, table, there[table.name])
    # Without it the first hours after a restore would be slow ones: the server does not know yet how much is where.
    connection.execute(text("ANALYZE"))


def _compare(connection: Connection, kept: KeptTable, there: copying.Table) -> None:
    read = copying.digest(copying.out(connection, copying.Table(kept.name, kept.columns, there.key)))
    if read != copying.Copied(kept.rows, kept.sha256):
        raise Mismatch(table=kept.name, reason=f"{kept.rows} rows were kept, {read.rows} rows are there")
