"""Where the shapes and flows of a diagram stand: lanes as bands, time to the right."""

from __future__ import annotations

from portal.layout.service import Arranged, arrange

__all__ = ["Arranged", "arrange"]
