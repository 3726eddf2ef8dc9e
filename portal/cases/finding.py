"""What a case is found by: the words about it and its letters, kept as pairs of neighbouring characters.

An array of pairs has an index in every PostgreSQL, and two characters are the least that Chinese is searched for; a
text is compared as letters and digits alone, so that 渝环复案〔2026〕14号 is found however its brackets are typed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as insert_or_replace
from sqlalchemy.orm import Session

from portal.cases.filers import name_of
from portal.cases.live import LiveCase
from portal.cases.models import CaseText

SHORTEST = 2
"""Fewer characters than these are not searched for."""


def plain(text: str) -> str:
    """Letters and digits alone, in one width and case; words stay apart."""
    narrow = unicodedata.normalize("NFKC", text).casefold()
    words = ("".join(filter(str.isalnum, word)) for word in narrow.split())
    return " ".join(filter(None, words))


def pairs(text: str) -> list[str]:
    """The pairs of neighbouring characters in the words of a plain text, each once."""
    return sorted({word[at : at + SHORTEST] for word in text.split() for at in range(len(word) - 1)})


def case_changed(tx: Session, case: LiveCase) -> None:
    """Keeps what is said of a case now: its number, title, unit and searchable values."""
    unit = (case.party.name, case.party.uscc) if case.party else (name_of(case) or "",)
    row = _row(case, "", (case.row.number, case.row.title, *unit, *case.row.searchable.values()))
    kept = insert_or_replace(CaseText).values(row)
    said = {"text": kept.excluded.text, "pairs": kept.excluded.pairs}
    tx.execute(kept.on_conflict_do_update(index_elements=[CaseText.case_id, CaseText.letter], set_=said))


def letter_issued(tx: Session, case: LiveCase, number: str) -> None:
    """Keeps the number of a letter of a case."""
    tx.execute(insert(CaseText).values(_row(case, number, (number,))))


def _row(case: LiveCase, letter: str, said: Iterable[object]) -> dict[str, object]:
    text = plain(" ".join(map(str, said)))
    return {
        "case_id": case.id,
        "letter": letter,
        "regulation": case.row.regulation,
        "text": text,
        "pairs": pairs(text),
    }
