"""Where one is signed in: seen on one's own page, ended one by one or all but this one, and kept from ending."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from flask import Blueprint, flash, redirect
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from portal import clock
from portal.edge.acting import act
from portal.identity import Actor, Permission, sessions
from portal.web.access import held_token, idle, needs, permit

blueprint = Blueprint("own_sessions", __name__)

HERE = "/profile#sessions"
_WECHAT = "MicroMessenger"
_BROWSERS = (
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
"""What a browser calls itself -> what people call it; each of the later ones is also named by those before."""
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True)
class Row:
    """A session as its line shows it."""

    session: sessions.Own
    device: str


def rows(tx: Session, actor: Actor) -> list[Row]:
    """Where a person is signed in now, here first."""
    own = sessions.of_person(tx, actor.person_id, held_token(), clock.now(), idle())
    return [Row(one, device(one.agent)) for one in own]


def device(agent: str) -> str:
    """A browser and its machine in few words, by what the browser calls itself: Chrome · Windows."""
    browser = _("微信") if _WECHAT in agent else _first(_BROWSERS, agent)
    named = [name for name in (browser, _first(_SYSTEMS, agent)) if name]
    return " · ".join(named) or _("未知设备")


def _first(known: Sequence[tuple[str, str]], agent: str) -> str | None:
    return next((name for mark, name in known if re.search(rf"\b{mark}", agent)), None)


@blueprint.post("/profile/sessions/<int:session_id>/end")
@needs(Permission.TASK_LIST)
def end(session_id: int) -> ResponseReturnValue:
    """Ends one of one's own sessions; one that has ended already needs no word."""
    actor = permit()
    act(lambda tx, _moment: sessions.end(tx, actor.person_id, session_id, clock.now()), _("退出一处登录"))
    flash(_("该处登录已退出。"), "success")
    return redirect(HERE, HTTPStatus.SEE_OTHER)


@blueprint.post("/profile/sessions/end-others")
@needs(Permission.TASK_LIST)
def end_others() -> ResponseReturnValue:
    """Ends all of one's own sessions but this one."""
    actor, token = permit(), held_token()
    ended = act(lambda tx, _moment: sessions.end_others(tx, actor.person_id, token, clock.now()), _("退出其他登录"))
    said = ngettext("其他 %(num)s 处登录已退出。", "其他 %(num)s 处登录已退出。", ended)
    flash(said if ended else _("没有其他登录。"), "success")
    return redirect(HERE, HTTPStatus.SEE_OTHER)


@blueprint.post("/profile/here")
@needs(Permission.TASK_LIST)
def stay() -> ResponseReturnValue:
    """Somebody says that he is still there: by asking, he stays signed in."""
    permit()
    return "", HTTPStatus.NO_CONTENT
