"""Who acts, as every other package sees him."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """A signed-in person with what he may act as today: `roles` are (regulation, role).

    `kinds` are those of his organisation: a role for applicants asks for one of them. The role `party` is
    nobody's by grant; see `access.is_party`.
    """

    person_id: int
    name: str
    organisation_id: int | None = None
    roles: frozenset[tuple[str, str]] = frozenset()
    administrator: bool = False
    kinds: frozenset[str] = frozenset()

    def has(self, regulation: str, role: str) -> bool:
        """Whether the role of that regulation was granted to him."""
        return (regulation, role) in self.roles
