"""The blueprint of administrators' pages, and the frame they share."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from sqlalchemy.orm import Session

from portal.identity import Actor
from portal.web.official.blueprint import frame as of_officials
from portal.web.official.managing import HOME, side

blueprint = Blueprint("admin", __name__, url_prefix=HOME)


def frame(tx: Session, actor: Actor, on: str) -> dict[str, Any]:
    """Top bar and the administrators' side navigation; `on` is the path of the item that the page belongs to."""
    return {**of_officials(tx, actor, HOME), "side": side(tx, on)}
