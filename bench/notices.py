"""A year's allocation to many units, its workers killed meanwhile: `python -m bench.notices 2000`."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import crowd, killing
from portal import app, clock
from portal.cases.actions import ACTIONS
from portal.cases.kernel import Kernel
from portal.db import Database
from portal.db.embedded import EmbeddedPostgres
from portal.jobs import ProcrastinateQueue
from portal.jobs import schema as jobs_schema
from portal.procedures import Releases
from portal.settings import S3Settings
from portal.storage.embedded import EmbeddedStore


def main() -> int:
    """0 when nothing was lost or done twice."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("units", type=int, nargs="?", default=2000)
    wanted.add_argument("--workers", type=int, default=2)
    wanted.add_argument("--kills", type=int, default=3)
    wanted.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = wanted.parse_args()
    print(f"{options.units} units, {options.workers} workers, {options.kills} kills, seed {options.seed}", flush=True)
    home = Path(tempfile.mkdtemp(prefix="portal-bench-"))
    home.chmod(0o755)
    try:
        with EmbeddedPostgres(home, {"max_connections": "60"}) as server, EmbeddedStore(home) as objects:
            return _measured(server.url, objects, home, options)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _measured(url: str, objects: S3Settings, home: Path, options: argparse.Namespace) -> int:
    database, dice = Database(url), random.Random(options.seed)
    jobs_schema(url)
    app.metadata().create_all(database.engine)
    kernel = Kernel(Releases(), ProcrastinateQueue(), lambda _tx: clock.now(), ACTIONS)
    began = time.monotonic()
    people = crowd.determined(database, kernel, options.units, dice, clock.now())
    print(f"prepared and determined in {time.monotonic() - began:.1f} s", flush=True)
    began = time.monotonic()
    crowd.signed(database, kernel, people, clock.now())
    print(f"signed in {time.monotonic() - began:.2f} s", flush=True)
    report = killing.work_off(
        database,
        lambda: _worker(url, objects, home),
        workers=options.workers,
        units=options.units,
        kills=options.kills,
        dice=dice,
        within=3600,
    )
    print(f"all started after {report.started:.1f} s, all letters made after {report.made:.1f} s")
    print(f"over after {report.over:.1f} s (jobs of a killed worker wait until it counts as dead)")
    print(f"jobs that the kills hit: {report.hit}, of which committed: {report.between}")
    print(f"processor time of the workers alive at the end: {report.processor:.0f} s")
    print(f"load of the machine, 1 and 15 minutes: {os.getloadavg()[0]:.1f} {os.getloadavg()[2]:.1f}")
    print(f"memory of the workers and what they start, at most: {report.memory:.0f} MiB")
    found = crowd.faults(database, kernel, people)
    print(*(found or ["exactly as it should be"]), sep="\n")
    database.close()
    return 1 if found else 0


def _worker(url: str, objects: S3Settings, home: Path) -> subprocess.Popen[bytes]:
    """`portal worker`, as an installation runs it."""
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "S3_ENDPOINT": objects.endpoint,
        "S3_ACCESS_KEY": objects.access_key,
        "S3_SECRET_KEY": objects.secret_key,
        "S3_BUCKET": objects.bucket,
        "S3_SECURE": "1" if objects.secure else "0",
        "PORTAL_HOME": str(home),
    }
    log = (home / "worker.log").open("ab")
    with log:
        return subprocess.Popen([sys.executable, "-m", "portal", "worker"], env=environment, stderr=log)


if __name__ == "__main__":
    sys.exit(main())
