"""The names that the expressions of every procedure may use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from portal.deadlines.rules import DeadlineRule
from portal.procedures.drawing import Drawing
from portal.procedures.manifest import PROCEDURE
from portal.procedures.procedure import Procedure

# What every case has beside its elements; the parts of each are what an expression may ask for.
NAMES: dict[str, frozenset[str]] = {
    "case": frozenset({"number", "title", "filed_at", "outcome"}),
    "party": frozenset({"name", "uscc", "district", "kinds"}),
    "materials": frozenset({"missing", "twice"}),
    "about": frozenset(),
    "publication": frozenset({"title", "opened_at", "closed_at", "result"}),
    "instrument": frozenset({"number", "title", "in_force", "last_day", "assumed"}),
    "deadlines": frozenset({"started", "due", "last_day", "state"}),
    "documents": frozenset({"number", "title", "issued_at", "served_at"}),
    "periods": frozenset(),
    "with": frozenset(),
    "facts": frozenset(),
}


def periods(procedure: Procedure, known: Mapping[str, Procedure]) -> dict[str, DeadlineRule]:
    """The deadlines whose lengths a procedure may tell: its own, then those of the procedures in its `with`."""
    said = procedure.manifest
    handed = (said.given[key] for key, kind in said.needs.items() if kind == PROCEDURE and key in said.given)
    found: dict[str, DeadlineRule] = {}
    for manifest in (said, *(known[slug].manifest for slug in handed if slug in known)):
        found = {**manifest.deadlines, **found}
    return found


def visible_from(procedure: Procedure, drawn: Drawing) -> Iterator[Drawing]:
    """The drawings whose elements an expression in a drawing may name: its own and its callers'."""
    seen: set[str] = set()
    waiting = [drawn.name]
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        yield procedure.drawings[name]
        waiting += [home for (home, _call), called in procedure.calls.items() if called == name]
