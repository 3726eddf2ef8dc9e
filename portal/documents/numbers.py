"""Draws official numbers: unique per pattern and year, without gaps."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.documents.models import NumberSequence
from portal.documents.rules import numbered


def draw_number(tx: Session, pattern: str, year: int) -> str:
    """The next number of the pattern in that year. Others who want one wait until this transaction ends."""
    numbered(pattern, year, 1)
    first = insert(NumberSequence).values(pattern=pattern, year=year, last=1)
    drawn = first.on_conflict_do_update(
        index_elements=[NumberSequence.pattern, NumberSequence.year], set_={"last": NumberSequence.last + 1}
    ).returning(NumberSequence.last)
    return numbered(pattern, year, tx.execute(drawn).scalar_one())
