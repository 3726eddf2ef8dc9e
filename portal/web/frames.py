"""The frame of a page that officials and applicants share: whose navigation it shows."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from portal.identity import Actor
from portal.web.applicant.frame import frame as of_applicants
from portal.web.official.blueprint import frame as of_officials


def frame(tx: Session, actor: Actor, on: str = "") -> dict[str, Any]:
    """The top bar of whoever is signed in; `on` is the path of the item that the page belongs to."""
    if actor.adrift:
        return {}
    return of_officials(tx, actor, on) if actor.official else of_applicants(tx, actor)
