"""`portal backup` and `portal restore`: everything of one moment, out and back into an empty place."""

from __future__ import annotations

import json
import time
from pathlib import Path

from portal import app
from portal import backup as backups
from portal.backup import Manifest
from portal.cases import invariants
from portal.commands import administration
from portal.commands.servers import database_of, serving
from portal.db import Database
from portal.settings import Settings
from portal.storage import S3Store


def backup(settings: Settings, folder: Path, *, as_json: bool) -> int:
    """Writes a backup to a new folder and says what is in it; 1 when files that rows speak of are lost."""
    began = time.monotonic()
    with serving(settings) as served:
        assert served.database_url is not None
        assert served.s3 is not None
        # Two connections: one sees the moment, the other keeps the objects.
        database = Database(served.database_url, pool_size=2)
        try:
            made = backups.take(database, S3Store(served.s3), folder)
        finally:
            database.close()
    told = _told(made) | {"folder": str(folder), "seconds": round(time.monotonic() - began, 1)}
    if as_json:
        print(json.dumps(told | {"ok": not made.missing, "missing": made.missing}, ensure_ascii=False))
    else:
        print(*(f"  the object {key} is missing: a row refers to it" for key in made.missing), sep="\n", end="")
        print(f"{folder}: {_figures(made)}, {told['seconds']} s\nSHA-256 of its list: {made.sha256}")
    return 1 if made.missing else 0


def restore(settings: Settings, folder: Path, *, as_json: bool) -> int:
    """Restores a backup, proves everything, and says what came of it; 1 when something does not hold."""
    began = time.monotonic()
    with serving(settings) as served, database_of(served) as database:
        administration.make_bucket(served)
        assert served.s3 is not None
        store = S3Store(served.s3)
        made = backups.restore(database, app.metadata(), store, folder)
        restored = time.monotonic()
        if not as_json:
            print(f"{folder}: {_figures(made)}, restored in {restored - began:.1f} s", flush=True)
            print("Now everything is proved; the portal may be started meanwhile.", flush=True)
        with database.transaction() as tx:
            proved = invariants.prove(tx, store)
    told = _told(made) | {"seconds": round(restored - began, 1), "proof": round(time.monotonic() - restored, 1)}
    if as_json:
        print(json.dumps(told | administration.as_data(proved), ensure_ascii=False, default=str))
    else:
        print(*administration.report(proved), sep="\n")
        print(f"proved in {told['proof']} s")
        print("Everybody signs in anew." if proved.holds else "Not everything holds: see above.")
    return 0 if proved.holds else 1


def _told(made: Manifest) -> dict[str, object]:
    return {
        "moment": made.moment.isoformat(),
        "portal": made.portal,
        "revision": made.revision,
        "tables": len(made.tables),
        "rows": made.rows,
        "objects": len(made.objects),
        "object_bytes": made.bytes,
        "sha256": made.sha256,
    }


def _figures(made: Manifest) -> str:
    return (
        f"of {made.moment:%Y-%m-%d %H:%M:%S}, {made.rows:,} rows of {len(made.tables)} tables, "
        f"{len(made.objects):,} objects ({made.bytes / 1e6:,.1f} MB)"
    )
