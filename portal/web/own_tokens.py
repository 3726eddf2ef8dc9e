"""One's own tokens: what programs act by in one's name, issued and revoked."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, flash, redirect
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import clock
from portal.edge.acting import act, reading
from portal.edge.statuses import status_of
from portal.errors import PortalError
from portal.identity import Actor, Permission, Subject, tokens
from portal.web.access import needs, permit, signed_in
from portal.web.frames import frame
from portal.web.pages import render
from portal.web.profile import PAGE as PROFILE
from portal.web.tokens import Typed, asking, view, views

blueprint = Blueprint("own_tokens", __name__)

PAGE = "/profile/tokens"


@blueprint.get(PAGE)
@needs(Permission.TOKEN_ISSUE)
def page() -> ResponseReturnValue:
    """The tokens of whoever asks, and the form for another."""
    return _page(permit(_own()), None, {})


@blueprint.post(PAGE)
@needs(Permission.TOKEN_ISSUE)
def issue() -> ResponseReturnValue:
    """Issues a token and shows it, this once."""
    actor, typed = permit(_own()), Typed.read()
    faults = typed.faults()
    if faults:
        return _page(actor, typed, faults), 422
    try:
        issued = act(lambda tx, now: typed.issue(tx, actor.person_id, actor, now), _("新建令牌"))
    except (tokens.NameTaken, tokens.TooManyTokens) as fault:
        return _page(actor, typed, {"name": fault}), status_of(fault)
    with reading() as tx:
        made = view(issued.token, clock.now())
        shown = render("token_issued.html", issued=issued, token=made, back=PAGE, **frame(tx, actor, PROFILE))
    return shown, 200, {"Cache-Control": "no-store"}


@blueprint.get(PAGE + "/<int:token_id>/revoke")
@needs(Permission.TOKEN_REVOKE)
def revoke_page(token_id: int) -> ResponseReturnValue:
    """Before a token is revoked."""
    actor = permit(_own())
    with reading() as tx:
        found = tokens.token(tx, token_id)
        if found.person_id != actor.person_id:
            raise tokens.UnknownToken()
        return render("token_revoke.html", token=view(found, clock.now()), back=PAGE, **frame(tx, actor, PROFILE))


@blueprint.post(PAGE + "/<int:token_id>/revoke")
@needs(Permission.TOKEN_REVOKE)
def revoke(token_id: int) -> ResponseReturnValue:
    """Ends it at once."""
    actor = permit(_own())
    with reading() as tx:
        if tokens.token(tx, token_id).person_id != actor.person_id:
            raise tokens.UnknownToken()
    ended = act(lambda tx, now: tokens.revoke(tx, token_id, actor, clock.now(), moment=now), _("撤销令牌"))
    flash(_("已撤销令牌“%(name)s”，使用它的程序立即不能再访问。", name=ended.name), "success")
    return redirect(PAGE, 303)


def _own() -> Subject:
    return Subject(person_id=signed_in().person_id)


def _page(actor: Actor, typed: Typed | None, faults: Mapping[str, PortalError]) -> str:
    with reading() as tx:
        mine = views(tx, actor.person_id)
        return render("tokens.html", tokens=mine, **asking(typed, faults), **frame(tx, actor, PROFILE))
