"""What a row of an uploaded file says of its safety, and what nobody learns of it before that is known."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ColumnElement, case, func
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

UNSCANNED, WAITING, CLEAN, INFECTED = "unscanned", "waiting", "clean", "infected"
RELEASED = (UNSCANNED, CLEAN)
"""Files that may be opened: nothing was found in them, or there was no scanner when they came."""
HIDDEN = "***"
"""Stands for the name of a file that is not released."""


class Quarantined:
    """An uploaded file of a table: `name` is the one to be shown to others, `own_name` that which its uploader gave."""

    own_name: Mapped[str] = mapped_column("name")
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=UNSCANNED, default=UNSCANNED)
    found: Mapped[str | None]
    """What was found in it, by the scanner's name for it."""

    @property
    def released(self) -> bool:
        """Whether it may be opened."""
        return self.state in RELEASED

    @hybrid_property
    def name(self) -> str:
        """Its name; of one that is not released only the kind is told."""
        return self.own_name if self.state is None or self.released else f"{HIDDEN}.{self.kind}"

    @name.inplace.setter
    def _give_name(self, name: str) -> None:
        self.own_name = name

    @name.inplace.expression
    @classmethod
    def _name_in_sql(cls) -> ColumnElement[str]:
        return case((cls.state.in_(RELEASED), cls.own_name), else_=func.concat(f"{HIDDEN}.", cls.kind))


def checks() -> tuple[CheckConstraint, ...]:
    """What the database itself holds of these columns."""
    return (
        CheckConstraint("state IN ('unscanned', 'waiting', 'clean', 'infected')", name="state"),
        CheckConstraint("(state = 'infected') = (found IS NOT NULL)", name="found"),
    )
