"""How rarely a process that lives long looks for rubbish that refers to itself."""

from __future__ import annotations

import gc

_LOOKS_AFTER = 20_000
"""New objects: one act makes some thousand of them, and with Python's 700 the search takes a tenth of its time."""


def look_rarely() -> None:
    """Leaves what was made until now alone for good, and looks for rubbish seldom from now on."""
    gc.freeze()
    gc.set_threshold(_LOOKS_AFTER)
