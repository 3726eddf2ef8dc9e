"""What has renewed the regulations of the demo, as their demo.toml says: there nobody waits for a real instrument."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from portal.procedures import Releases, validity
from portal.scenarios.demo import read_demo
from portal.scenarios.stage import wanted_of


def enter(releases: Releases, tx: Session, by: int, at: datetime) -> None:
    """Enters every renewal that the content in force gives for a demo, by a person's id."""
    for published in releases.in_force(tx):
        for given in read_demo(published.content).given.renewals:
            validity.enter(tx, wanted_of(published.regulation, given), by, at)
