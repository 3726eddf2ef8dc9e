"""Who acts, as every other package sees him."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from portal.identity.entry import FILE, MANAGE


@dataclass(frozen=True)
class Deputy:
    """For whom somebody may act today, in one role, and until which day (its 24:00)."""

    person_id: int
    name: str
    regulation: str
    role: str
    to_day: date


@dataclass(frozen=True)
class Actor:
    """A signed-in person with what he may act as today: `roles` are (regulation, role), lent ones with them.

    `kinds` are those of his organisation: a role for applicants asks for one of them. The role `party` is
    nobody's by grant; see `access.is_party`. `local` are the (regulation, role, body) granted within one body of a
    region: they open that body's copies of letters and nothing else. `rights` are what he may do for his
    organisation (`entry.RIGHTS`). An `applicant` without organisation waits to be let into one, or has left it: he
    is no official. `lent` are those of the roles that he holds only because somebody lends them to him;
    `deputy_for` says for whom he stands in, also in roles of his own, in the order in which they were lent.
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
    lent: frozenset[tuple[str, str]] = frozenset()
    deputy_for: tuple[Deputy, ...] = ()
    must_change_password: bool = False
    """Whether he has signed in with a password that was given to him, and does nothing before he has his own."""

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
        """Whether the role of that regulation was granted or is lent to him."""
        return (regulation, role) in self.roles

    def principals(self, regulation: str, role: str) -> tuple[int, ...]:
        """Those for whom he stands in today in a role, who lent it first at the front."""
        mine = (one for one in self.deputy_for if (one.regulation, one.role) == (regulation, role))
        return tuple(one.person_id for one in mine)

    def acts_for(
        self, regulation: str, role: str, holder_id: int | None = None, chosen: int | None = None
    ) -> int | None:
        """In whose name he acts in a role; None when it is his own act, because he holds the role himself.

        What one of his principals holds (`holder_id`) he does for that one in any case. Else it is the one he has
        `chosen`, and without choice the one who lent the role first.
        """
        principals = self.principals(regulation, role)
        if holder_id in principals:
            return holder_id
        if (regulation, role) not in self.lent:
            return None
        return chosen if chosen in principals else principals[0]

    def acts_for_one_of(self, roles: Collection[tuple[str, str]]) -> int | None:
        """In whose name he does what any one of some roles lets him do; None when one of them is his own."""
        if any(role in self.roles and role not in self.lent for role in roles):
            return None
        lent = (one.person_id for one in self.deputy_for if (one.regulation, one.role) in roles)
        return next(lent, None)

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
            and self.lent.isdisjoint(before.roles - before.lent)
            and self._stands_in() >= before._stands_in()
        )

    def _stands_in(self) -> set[tuple[int, str, str]]:
        return {(one.person_id, one.regulation, one.role) for one in self.deputy_for}
