"""What has become of a drawing by lot: whether anything of its committee is open, and what of it is public."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal import audit
from portal.audit.rules import Chain, Entry
from portal.cases.errors import UnknownCase
from portal.cases.family import Family
from portal.cases.kernel import Kernel
from portal.cases.live import LiveCase
from portal.cases.lots import REPLACED
from portal.cases.models import Case, Task
from portal.cases.proof.draws import altered
from portal.clock import TZ
from portal.registers import drawing
from portal.registers.models import Draw, Replacement
from portal.registers.rules import Register


@dataclass(frozen=True)
class Drawn:
    """A drawing with its case, and who did not take part.

    `over`: its seed and people may be published. `proven`: it is what the unbroken history of its case tells of it.
    `passed`: who was passed over in a replacement, by its id, and why, as that history tells.
    """

    row: Draw
    case: LiveCase
    replacements: tuple[Replacement, ...]
    over: bool
    proven: bool
    passed: Mapping[int, Sequence[Mapping[str, str]]]

    @property
    def register(self) -> Register:
        """The register that was drawn from, as the case's release declares it."""
        return self.case.published.regulation.registers[self.row.register]

    @property
    def pool(self) -> int:
        """How many could be drawn."""
        return len(self.row.snapshot["pool"])

    def as_json(self) -> dict[str, Any]:
        """What is published: before it is over no more than how many there were, and the snapshot's digest."""
        row = self.row
        said = {
            "draw": row.id,
            "case": self.case.row.number,
            "register": self.register.title,
            "moment": row.moment.astimezone(TZ).isoformat(timespec="seconds"),
            "count": row.count,
            "sha256": row.sha256,
        }
        if not self.over:
            return {**said, "pool": self.pool}
        changes = [
            {
                "number": one.number,
                "by": one.by,
                "at": one.moment.astimezone(TZ).isoformat(timespec="seconds"),
                "reason": one.reason,
                "passed": list(self.passed.get(one.id, ())),
            }
            for one in self.replacements
        ]
        return {**said, "seed": row.seed, "snapshot": row.snapshot, "drawn": row.drawn, "replacements": changes}


def published(kernel: Kernel, tx: Session, draw_id: int) -> Drawn:
    """A drawing as everybody may know it now; UnknownCase."""
    row = drawing.draw(tx, draw_id)
    if row is None:
        raise UnknownCase()
    family = Family(kernel, tx, None)
    case = family.cases.get(row.case_id)
    replacements = tuple(drawing.replacements(tx, row))
    history = audit.entries(tx, case.id)
    over, proven = is_over(family, case, row.scope), _is_proven(tx, case, history)
    return Drawn(row, case, replacements, over, proven, _passed(history))


def _passed(history: Sequence[Entry]) -> dict[int, Sequence[Mapping[str, str]]]:
    told: Iterator[Mapping[str, Any]] = (one.details for one in history if one.kind == REPLACED)
    return {details["replacement"]: details.get("passed", ()) for details in told}


def _is_proven(tx: Session, case: LiveCase, history: Sequence[Entry]) -> bool:
    broken = audit.verify_case(tx, case.id, Chain(case.row.audit_length, case.row.audit_head))
    return not broken and next(altered(tx, case.id, history), None) is None


def of_case(tx: Session, case: LiveCase) -> list[Draw]:
    """Every drawing of a case, the oldest first."""
    return list(tx.scalars(select(Draw).where(Draw.case_id == case.id).order_by(Draw.id)))


def listed(tx: Session, before: int | None, size: int) -> list[tuple[Draw, Case]]:
    """The newest drawings below the id `before`, at most `size`, each with the row of its case."""
    rows = select(Draw, Case).join(Case, Case.id == Draw.case_id).order_by(Draw.id.desc()).limit(size)
    if before is not None:
        rows = rows.where(Draw.id < before)
    return [(draw, case) for draw, case in tx.execute(rows)]


def is_over(family: Family, case: LiveCase, scope: str) -> bool:
    """Whether nothing waits any more in a scope of a case, or below it: no task, no message, no timer."""
    if case.ended:
        return True
    below = or_(Task.scope == scope, Task.scope.startswith(f"{scope}/" if scope else "", autoescape=True))
    if case.tx.scalar(select(Task.id).where(Task.case_id == case.id, Task.state == "open", below).limit(1)):
        return False
    waiting = family.position(case).waiting()
    places = [*(one.place for one in waiting.tasks), *(one.place for one in waiting.messages)]
    places += [one.place for one in waiting.timers]
    return not any(f"{place.scope}/".startswith(f"{scope}/" if scope else "") for place in places)
