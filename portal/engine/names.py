"""Which names a diagram's elements must not have, because the engine or the derivation uses them itself."""

from __future__ import annotations

import re

BODY = "portal_body"
OPERATOR = "op."
PROCESS = "portal_process."

_OWN = frozenset({"Start", "End", "Root", "StartEventSplit", "StartEventJoin"})
_OWN_ENDINGS = (".EndJoin", ".BoundaryEventSplit", ".BoundaryEventJoin")
_DERIVED = re.compile(r"^portal_|\.portal_")


def reserved(id: str) -> bool:
    """Whether an id collides with a name that the engine or the derivation gives."""
    return id in _OWN or id.startswith(OPERATOR) or id.endswith(_OWN_ENDINGS) or derived(id)


def derived(id: str) -> bool:
    """Whether an element was made by the derivation and is in no drawing."""
    return _DERIVED.search(id) is not None


def derived_id(id: str, part: str) -> str:
    """The id of an element that the derivation adds beside a drawn one."""
    return f"{id}.portal_{part}"


def each_name(id: str) -> str:
    """The spec of one instance of what is done by many; no id holds a blank."""
    return f"{id} [each]"


def process_id(name: str) -> str:
    """The id of the process of a diagram: apart from all drawn ids, for a diagram may be called like its task."""
    return PROCESS + re.sub(r"[^\w.-]", lambda found: f".{ord(found[0]):x}.", name)
