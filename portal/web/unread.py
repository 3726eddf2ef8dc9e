"""The way to a person's messages in the top bar, with how many are unread."""

from __future__ import annotations

from sqlalchemy.orm import Session

from portal import notify
from portal.identity import Actor


def messages_bar(tx: Session, actor: Actor, counted: int | None = None) -> dict[str, str]:
    """What base.html shows: the address, and the number as text, empty for none; `counted` if it is known already."""
    unread = notify.unread(tx, actor.person_id) if counted is None else counted
    count = f"{notify.COUNTED - 1}+" if unread >= notify.COUNTED else str(unread or "")
    return {"url": "/messages", "count": count}
