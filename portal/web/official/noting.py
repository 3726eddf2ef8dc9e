"""The form for a note, as every page of a case shows it."""

from __future__ import annotations

from dataclasses import dataclass

from portal.cases import notes
from portal.cases.live import LiveCase
from portal.identity import Actor

NOBODY, PARTY = "office", "party"
"""Who reads a note: the officials alone, or the party too."""


@dataclass(frozen=True)
class NoteForm:
    """What the form shows: `open`: a note may be added; `task`: the page to come back to; `error`: what is wrong."""

    case_id: int
    open: bool
    to_party: bool
    task: int | None
    text: str
    reader: str
    error: str
    most: int = notes.LONGEST


def note_form(
    case: LiveCase, actor: Actor, task: int | None = None, text: str = "", reader: str = NOBODY, error: str = ""
) -> NoteForm:
    """The form for one more note of a case."""
    may = not case.ended and notes.may_add(case, actor)
    return NoteForm(case.id, may, case.row.party_id is not None, task, text, reader, error)
