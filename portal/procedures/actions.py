"""What a diagram may say of an action: which inputs it needs and which it may have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ActionRule:
    """The inputs of one action; `free` ones are handed on under their own names (a message's content)."""

    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    free: bool = False
    yields: frozenset[str] = frozenset()  # the names under which its result can be read
