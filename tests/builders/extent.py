"""How much of the suite is run: everything, or all but what is marked as thorough."""

from __future__ import annotations

import os

THOROUGH = bool(os.environ.get("THOROUGH"))
