"""The side navigation of administrators: their own pages, and those that they share with others."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.cases import incidents
from portal.identity import Actor
from portal.web.official.blueprint import count_text

HOME = "/admin"


def side_of(tx: Session, actor: Actor, on: str) -> dict[str, Any]:
    """What a page that administrators share with others adds to its frame for them."""
    return {"side": side(tx, on)} if actor.administrator else {}


def side(tx: Session, on: str) -> list[dict[str, Any]]:
    """The side navigation, with how many incidents are open."""
    opened = incidents.count_open(tx)
    groups = [
        (None, [(_("概况"), HOME), (_("人员与角色"), "/admin/people"), (_("系统账号"), "/admin/systems")]),
        (
            None,
            [
                (_("异常事项"), "/admin/incidents"),
                (_("后台工作"), "/admin/jobs"),
                (_("已发布版本"), "/admin/releases"),
                (_("历史校验"), "/admin/checks"),
            ],
        ),
        (None, [(_("法规效力"), "/admin/regulations"), (_("放假安排"), "/calendar"), (_("单位"), "/organisations")]),
    ]
    counts = {"/admin/incidents": count_text(opened)} if opened else {}
    return [
        {
            "title": title,
            "items": [{"text": text, "url": url, "on": url == on, "count": counts.get(url)} for text, url in items],
        }
        for title, items in groups
    ]
