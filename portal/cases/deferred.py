"""The jobs that the acts of cases defer and that are done in one transaction, each an act of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.cases import archiving, bulk, reckoning
from portal.cases.act import ITEM_ENDED
from portal.cases.kernel import Kernel

Work = Callable[..., None]
"""Gets the kernel, the session, the moment, the job's id (None when it is done right after its act), its arguments."""

WORK: Mapping[str, Work] = {
    bulk.START: bulk.start_item,
    ITEM_ENDED: bulk.item_ended,
    archiving.ARCHIVE: archiving.close,
    reckoning.SPREAD: reckoning.spread,
    reckoning.RECOMPUTE: reckoning.recompute,
}

GIVEN_UP: Mapping[str, Work] = {
    bulk.START: bulk.give_up_item,
}
"""What follows when such a job has failed for good; gets the reason as well (`reason`). Else an incident is all."""


def do(
    kernel: Kernel, tx: Session, moment: datetime, name: str, arguments: Mapping[str, Any], job: str | None = None
) -> None:
    """Does one of these jobs."""
    WORK[name](kernel, tx, moment, job, **arguments)
