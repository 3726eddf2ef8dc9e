"""The functions that expressions of every procedure may call beside FEEL's own."""

from __future__ import annotations

from portal.feel import Signature

# `visits(x)` takes the name of an element: how often it was entered.
FUNCTIONS = {"visits": Signature(1, by_name=True)}
