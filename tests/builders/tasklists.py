"""Many open tasks at once, and the statements that a page costs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import event, insert, select, update

from portal.cases.models import Task
from portal.clock import TZ
from portal.web import liveness
from tests.builders.pages import ETS, Portal

WEDNESDAY = datetime(2026, 11, 18, 10, tzinfo=TZ)


@contextmanager
def statements(portal: Portal) -> Iterator[list[str]]:
    """The statements sent to the database in a block, in which nobody looks for a worker, as is done now and then."""
    sent: list[str] = []
    portal.app.extensions[liveness.EXTENSION] = liveness.Seen(until=math.inf)

    def note(_connection, _cursor, statement, *_rest):
        sent.append(statement)

    event.listen(portal.database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(portal.database.engine, "before_cursor_execute", note)
        del portal.app.extensions[liveness.EXTENSION]


def open_tasks(
    portal: Portal, dues: Sequence[datetime | None], holder: int | None = None, **other: object
) -> list[int]:
    """Open tasks of one case with these due moments, those of before are gone; their ids."""
    portal.allocation()
    with portal.database.transaction() as tx:
        tx.execute(update(Task).values(state="gone"))
    return more_tasks(portal, dues, holder, **other)


def more_tasks(
    portal: Portal, dues: Sequence[datetime | None], holder: int | None = None, **other: object
) -> list[int]:
    """The same beside those that are there."""
    with portal.database.transaction() as tx:
        model = tx.scalars(select(Task).order_by(Task.id.desc())).first()
        assert model is not None
        row = {
            "case_id": model.case_id,
            "scope": "",
            "element": "draft",
            "name": "核定",
            "regulation": ETS,
            "procedure": "allocation",
            "role": "handler",
            "form": "draft",
            "opened_at": WEDNESDAY,
            "state": "open",
            "holder_id": holder,
            **other,
        }
        if not dues:
            return []
        each = [row | {"engine_id": f"t{model.id}-{n}", "visit": n, "due": due} for n, due in enumerate(dues)]
        return list(tx.scalars(insert(Task).returning(Task.id, sort_by_parameter_order=True), each))
