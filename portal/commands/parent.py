"""A child of `portal run` ends when its parent is gone, however that died."""

from __future__ import annotations

import os
import signal
import threading

STANDARD_INPUT = 0


def end_with_parent() -> None:
    """Ends this process as by SIGTERM when its standard input, a pipe that the parent holds, is closed."""
    threading.Thread(target=_wait, name="parent", daemon=True).start()


def _wait() -> None:
    # Not sys.stdin: its lock would be held when the interpreter ends.
    while os.read(STANDARD_INPUT, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
