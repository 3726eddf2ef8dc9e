"""Trying again what has failed, from its incident: once, however often it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases import bulk, delivery, incidents
from portal.cases.incidents import JOB, LETTER, ROW, TIMERS
from portal.cases.kernel import Kernel
from portal.cases.models import Case, Incident, StartItem
from portal.documents.models import Letter
from portal.errors import PortalError
from portal.identity import Actor

Standing = Literal["failed", "under way", "settled", "unknown"]
"""How what failed stands by now: failed still, tried again already, done since, or nobody can tell."""

TRIED_AGAIN = "已重试"
"""The reason of an incident that was closed by trying again."""
MENDED = "此后已经办成，没有再次办理"
"""The reason of an incident of what was done, or tried again, meanwhile."""


class CannotTryAgain(PortalError):
    """The portal does not know how to do again what failed."""

    zh = "这一步要由原来的办理人重新办理，系统不能代为重试。问题排除后请填写原因关闭。"
    en = "The portal cannot do this again by itself: whoever did it has to. Close the incident once it is mended."


def try_again(kernel: Kernel, tx: Session, actor: Actor, incident_id: int, moment: datetime) -> Incident:
    """Has what failed done again, unless it was meanwhile, and closes its incident; failing again makes another.

    UnknownIncident, IncidentClosed, CannotTryAgain.
    """
    row = incidents.taken(tx, incident_id)
    if row.again is None:
        raise CannotTryAgain()
    [standing] = standings(tx, [row])
    if standing not in ("failed", "unknown"):
        incidents.settle(row, actor, MENDED, moment)
        return row
    what = {name: value for name, value in row.again.items() if name != "how"}
    _AGAIN[row.again["how"]](kernel, tx, actor, moment, **what)
    incidents.settle(row, actor, TRIED_AGAIN, moment)
    return row


def standings(tx: Session, rows: Sequence[Incident]) -> list[Standing]:
    """How what failed stands by now, for each incident; three statements however many there are."""
    letters = dict(tx.execute(select(Letter.id, Letter.state).where(Letter.id.in_(_named(rows, LETTER)))).all())
    items = dict(tx.execute(select(StartItem.id, StartItem.state).where(StartItem.id.in_(_named(rows, ROW)))).all())
    roots = Case.root_id.in_(_named(rows, TIMERS))
    resting = set(tx.scalars(select(Case.root_id).where(roots, Case.rests_until.is_not(None)).distinct()))
    return [_standing(row.again or {}, letters, items, resting) for row in rows]


def _standing(
    again: Mapping[str, Any], letters: Mapping[int, str], items: Mapping[int, str], resting: set[int | None]
) -> Standing:
    how = again.get("how")
    if how == LETTER:
        return _LETTERS[letters[again["letter_id"]]]
    if how == ROW:
        return _ROWS.get(items[again["item_id"]], "settled")
    if how == TIMERS:
        return "failed" if again["root_id"] in resting else "settled"
    return "unknown"


_LETTERS: Mapping[str, Standing] = {"failed": "failed", "rendering": "under way", "ready": "settled"}
_ROWS: Mapping[str, Standing] = {"failed": "failed", "waiting": "under way"}
_IDS = {LETTER: "letter_id", ROW: "item_id", TIMERS: "root_id"}


def _named(rows: Sequence[Incident], how: str) -> list[int]:
    return [row.again[_IDS[how]] for row in rows if row.again is not None and row.again["how"] == how]


def _letter(kernel: Kernel, tx: Session, actor: Actor, moment: datetime, letter_id: int) -> None:
    delivery.render_again(kernel, tx, actor, letter_id, moment)


def _row(kernel: Kernel, tx: Session, actor: Actor, moment: datetime, item_id: int) -> None:
    bulk.retry(kernel, tx, actor, item_id, moment)


def _timers(kernel: Kernel, tx: Session, actor: Actor, moment: datetime, root_id: int) -> None:
    """Lets the timers of a family be claimed at once."""
    tx.execute(select(Case.id).where(Case.id == root_id).with_for_update(key_share=True))
    for case in tx.scalars(select(Case).where(Case.root_id == root_id, Case.rests_until.is_not(None))):
        case.rests_until = None


def _job(
    kernel: Kernel, tx: Session, actor: Actor, moment: datetime, name: str, arguments: Mapping[str, object]
) -> None:
    kernel.queue.defer(tx, name, **arguments)


_AGAIN: Mapping[str, Callable[..., None]] = {LETTER: _letter, ROW: _row, TIMERS: _timers, JOB: _job}
