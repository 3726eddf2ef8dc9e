"""A child of `portal run`: it begins when its parent says so, and ends when that is gone, however it died."""

from __future__ import annotations

import os
import signal
import sys
import threading

STANDARD_INPUT = 0
GO = b"."


def wait_for_parent() -> None:
    """Returns when the parent has everything ready; from then on this process ends as by SIGTERM without it.

    Standard input is a pipe that the parent holds: it writes one byte, and its death closes the pipe.
    """
    # Not sys.stdin: its lock would be held when the interpreter ends.
    if os.read(STANDARD_INPUT, 1) != GO:
        sys.exit()
    threading.Thread(target=_end_without_parent, name="parent", daemon=True).start()


def _end_without_parent() -> None:
    while os.read(STANDARD_INPUT, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
