"""The decisions of one file, ready to be made and to be looked over."""

from __future__ import annotations

from collections.abc import Collection

from portal.errors import PortalError
from portal.feel.budget import Budget
from portal.feel.dmn import evaluating, findings
from portal.feel.dmn.evaluating import TABLES, Outcome
from portal.feel.dmn.findings import Finding
from portal.feel.dmn.model import Decision, Definitions
from portal.feel.walker import Scope


class UnknownDecision(PortalError):
    """A file holds no such decision, or several where none was named."""

    zh = "决策文件“{file}”中没有“{decision}”。"
    en = "The file “{file}” of decisions holds no “{decision}”."


class Decisions(Definitions):
    """What a .dmn file says; `read` makes it."""

    def decision(self, wanted: str | None = None) -> Decision:
        """A decision by its id or name; without one, that which no other requires. UnknownDecision."""
        if wanted is not None:
            found = [one for one in self.decisions.values() if wanted in (one.id, one.name)]
        else:
            required = {key for one in self.decisions.values() for key in one.requires}
            found = [one for one in self.decisions.values() if one.id not in required]
        if len(found) != 1:
            raise UnknownDecision(file=self.file, decision=wanted or "唯一的最终决策")
        return found[0]

    def evaluate(self, decision: str | None, scope: Scope, budget: Budget = TABLES) -> Outcome:
        """Makes a decision; see `evaluating.evaluate`."""
        return evaluating.evaluate(self, self.decision(decision), scope, budget)

    def findings(self, known: Collection[str] | None = None) -> list[Finding]:
        """What is wrong with the tables, as far as it can be told before a case is there.

        With `known`, names that are neither of those nor declared in the file are told too.
        """
        return list(findings.findings(self, known))
