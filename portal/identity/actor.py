"""Who acts, as every other package sees him."""

from __future__ import annotations

from dataclasses import dataclass

from portal.identity.entry import FILE, MANAGE


@dataclass(frozen=True)
class Actor:
    """A signed-in person with what he may act as today: `roles` are (regulation, role).

    `kinds` are those of his organisation: a role for applicants asks for one of them. The role `party` is
    nobody's by grant; see `access.is_party`. `local` are the (regulation, role, body) granted within one body of a
    region: they open that body's copies of letters and nothing else. `rights` are what he may do for his
    organisation (`entry.RIGHTS`). An `applicant` without organisation waits to be let into one, or has left it: he
    is no official.
    """

    person_id: int
    name: str
    organisation_id: int | None = None
    roles: frozenset[tuple[str, str]] = frozenset()
    administrator: bool = False
    kinds: frozenset[str] = frozenset()
    applicant: bool = False
    rights: frozenset[str] = frozenset()
    local: frozenset[tuple[str, str, str]] = frozenset()

    @property
    def official(self) -> bool:
        """Whether he is one of the authority's: neither an applicant nor of an organisation."""
        return not self.applicant and self.organisation_id is None

    @property
    def adrift(self) -> bool:
        """Whether he is an applicant of no organisation: whatever was granted to him counts for nothing."""
        return self.applicant and self.organisation_id is None

    @property
    def may_file(self) -> bool:
        """Whether he may file, answer and sign for letters in his organisation's name."""
        return self.organisation_id is not None and FILE in self.rights

    @property
    def may_manage(self) -> bool:
        """Whether he looks after his organisation's people and its agreement to electronic service."""
        return self.organisation_id is not None and MANAGE in self.rights

    def has(self, regulation: str, role: str) -> bool:
        """Whether the role of that regulation was granted to him."""
        return (regulation, role) in self.roles

    def has_all_of(self, before: Actor) -> bool:
        """Whether the same person, as he is now, may still do in the same place whatever he might do before."""
        return (
            (self.person_id, self.organisation_id, self.applicant)
            == (before.person_id, before.organisation_id, before.applicant)
            and self.administrator >= before.administrator
            and self.roles >= before.roles
            and self.rights >= before.rights
            and self.kinds >= before.kinds
            and self.local >= before.local
        )
