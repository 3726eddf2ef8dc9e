"""A worker to be killed: it renders quickly, dawdles between an act's commit and the job's end, notices the dead soon.

Run as `python tests/worker/quick_worker.py DATABASE_URL SEED MOMENT`.
"""

from __future__ import annotations

import random
import sys
import time
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from portal.cases.actions import ACTIONS
from portal.cases.kernel import Kernel
from portal.db import Database
from portal.jobs import ProcrastinateQueue
from portal.procedures import Releases
from portal.storage import MemoryStore
from portal.worker import Tools, letters, poison, recovery, run, running

PAUSE = 0.15


def main(url: str, seed: str, moment: str) -> None:
    dawdle = random.Random(seed)
    at = datetime.fromisoformat(moment)
    tools = Tools(
        Database(url), MemoryStore(), Kernel(Releases(), ProcrastinateQueue(), lambda _tx: at, ACTIONS), "http://x"
    )
    letters.render = lambda template, data, url: repr(sorted(data)).encode()
    rendered = letters.delivery.rendered

    def then_dawdle(*arguments: object, **named: object) -> None:
        time.sleep(dawdle.uniform(0, PAUSE))
        rendered(*arguments, **named)

    attempt = tools.database.attempt

    def commit_then_dawdle(act):
        done = attempt(act)
        time.sleep(dawdle.uniform(0, PAUSE))
        return done

    letters.delivery.rendered = then_dawdle
    tools.database.attempt = commit_then_dawdle
    recovery.LOOKS_EVERY = 0.2
    recovery.SILENT_FOR = running.SILENT_FOR = 0.6
    running.HEARTBEAT = 0.1
    poison.REST *= 0
    run(tools)


if __name__ == "__main__":
    main(*sys.argv[1:])
