"""The person's own organisation: its people and their rights, invitations, electronic service, its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import clock, identity
from portal.edge.acting import act, asked, moment, reading
from portal.edge.statuses import status_of
from portal.errors import PortalError
from portal.identity import Actor, Permission, changes, membership, numbers
from portal.identity.entry import (
    MANAGE,
    NOTE_LENGTH,
    PERSON,
    ActsAlone,
    LastManager,
    NoSuchInvitation,
    NotOfYourOrganisation,
    OtherWay,
    ProgramsDoNotManage,
    plain,
    text_fault,
)
from portal.inbox import party
from portal.web import dates, languages, organisations
from portal.web.access import needs, permit, signed_in
from portal.web.applicant.frame import admit, blueprint, frame, organisation_of, own
from portal.web.languages import listed
from portal.web.pages import render

_REFUSED = (ActsAlone, LastManager, NoSuchInvitation, NotOfYourOrganisation, OtherWay, ProgramsDoNotManage)


@dataclass(frozen=True)
class MemberView:
    """One of the organisation's people."""

    id: int
    name: str
    login: str
    rights: str
    held: tuple[str, ...]
    self: bool
    system: bool


@dataclass(frozen=True)
class InvitationView:
    """An open invitation; its code is kept nowhere."""

    id: int
    note: str
    rights: str
    by: str
    until: str


@dataclass(frozen=True)
class Invited:
    """An invitation just made: the only time its code is shown."""

    code: str
    note: str
    rights: str
    until: str


@blueprint.get("/organisation")
@needs(Permission.PEOPLE_READ)
def organisation() -> ResponseReturnValue:
    """What is on record of one's organisation, whose managers look after its people here; or of oneself."""
    actor = admit(own(signed_in()))
    with reading() as tx:
        return _own_page(tx, actor) if PERSON in actor.kinds else _page(tx, moment(tx))


@blueprint.post("/organisation/people/<int:person_id>/rights")
@needs(Permission.PEOPLE_MANAGE)
def change_rights(person_id: int) -> ResponseReturnValue:
    """Gives a person other rights."""
    actor = permit(own(signed_in()))
    rights = organisations.posted_rights()
    try:
        person = act(lambda tx, now: membership.change_rights(tx, actor, person_id, rights, now), _("变更人员权限"))
    except _REFUSED as error:
        return _refused(error)
    flash(
        _("%(name)s的权限现为：%(rights)s。", name=person.name, rights=organisations.rights_text(person.rights)),
        "success",
    )
    return _back()


@blueprint.get("/organisation/people/<int:person_id>/remove")
@needs(Permission.PEOPLE_MANAGE)
def removing(person_id: int) -> ResponseReturnValue:
    """Asks once more before a person is removed, and says what follows."""
    actor = permit(own(signed_in()))
    with reading() as tx:
        person = identity.person(tx, person_id)
        if person is None or person.organisation_id != actor.organisation_id:
            return _refused(NotOfYourOrganisation())
        return render("applicant/removing.html", member=person, **frame(tx, actor, "organisation"))


@blueprint.post("/organisation/people/<int:person_id>/remove")
@needs(Permission.PEOPLE_MANAGE)
def remove(person_id: int) -> ResponseReturnValue:
    """Removes a person; his sessions end."""
    actor = permit(own(signed_in()))
    try:
        person = act(lambda tx, now: membership.remove(tx, actor, person_id, now, clock.now()), _("移除人员"))
    except _REFUSED as error:
        return _refused(error)
    flash(_("%(name)s已不是本单位人员，其登录已全部退出。", name=person.name), "success")
    return _back()


@blueprint.post("/organisation/invitations")
@needs(Permission.PEOPLE_MANAGE)
def invite() -> ResponseReturnValue:
    """Makes an invitation and shows its code, this once."""
    actor = permit(own(signed_in()))
    rights, note = organisations.posted_rights(), plain(request.form.get("note", ""))
    fault = text_fault(_("邀请对象"), note, NOTE_LENGTH)
    if fault is not None:
        with reading() as tx:
            return _page(tx, moment(tx), note=note, ticked=rights, errors={"note": languages.said(fault)}), 422
    try:
        made, code = act(lambda tx, now: membership.invite(tx, actor, rights, note, now), _("邀请人员"))
    except ActsAlone as error:
        return _refused(error)
    shown = Invited(code, note, organisations.rights_text(made.rights), dates.exact(made.expires_at))
    with reading() as tx:
        page = _page(tx, moment(tx), invited=shown)
    return page, 200, {"Cache-Control": "no-store"}


@blueprint.post("/organisation/invitations/<int:invitation_id>/revoke")
@needs(Permission.PEOPLE_MANAGE)
def revoke(invitation_id: int) -> ResponseReturnValue:
    """Takes an invitation back."""
    actor = permit(own(signed_in()))
    try:
        act(lambda tx, now: membership.revoke(tx, actor, invitation_id, now), _("撤销邀请"))
    except _REFUSED as error:
        return _refused(error)
    flash(_("邀请已撤销，邀请码不能再使用。"), "success")
    return _back()


@blueprint.get("/organisation/agreement")
@needs(Permission.PEOPLE_MANAGE)
def agreement() -> ResponseReturnValue:
    """Agreeing to electronic service or ending it, and what follows from either."""
    actor = permit(own(signed_in()))
    with reading() as tx:
        company = identity.organisation(tx, organisation_of(actor))
        waiting = party.unsigned(tx, organisation_of(actor))
        return render(
            "applicant/agreement.html",
            since=_since(company),
            natural=PERSON in actor.kinds,
            waiting=[
                _("《%(title)s》%(number)s", title=letter.title, number=letter.number) for letter, _service in waiting
            ],
            **frame(tx, actor, "organisation"),
        )


@blueprint.post("/organisation/agreement")
@needs(Permission.PEOPLE_MANAGE)
def agree_or_end() -> ResponseReturnValue:
    """Agrees or ends the agreement, from this moment on."""
    actor = permit(own(signed_in()))
    said = organisations.posted_agreement("agreement", "given", "ended")
    if said == "given":
        act(lambda tx, now: membership.agree(tx, actor, now), _("同意电子送达"))
        flash(_("已同意电子送达。") if PERSON in actor.kinds else _("本单位已同意电子送达。"), "success")
    elif said == "ended":
        act(lambda tx, now: membership.end_agreement(tx, actor, now), _("终止电子送达"))
        natural = _("电子送达已终止，此后文书以邮寄或直接送达。")
        flash(natural if PERSON in actor.kinds else _("本单位的电子送达已终止，此后文书以邮寄或直接送达。"), "success")
    return _back()


@blueprint.get("/organisation/leave")
@needs(Permission.PEOPLE_READ)
def leaving() -> ResponseReturnValue:
    """Asks once more before a person leaves, and says what follows, the more so when he is the last."""
    if PERSON in admit(own(signed_in())).kinds:
        return _refused(ActsAlone())
    return _leaving_page(None), 200


@blueprint.post("/organisation/leave")
@needs(Permission.PEOPLE_READ)
def leave() -> ResponseReturnValue:
    """Leaves the organisation; all one's sessions end."""
    actor = admit(own(signed_in()))
    try:
        act(lambda tx, now: membership.leave(tx, actor, now, clock.now()), _("退出本单位"))
    except _REFUSED as error:
        return _leaving_page(error), status_of(error)
    flash(_("您已退出单位，所有登录已退出。账号仍然保留，登录后可以凭邀请码加入其他单位。"), "success")
    return redirect(url_for("auth.sign_in"), 303)


def _leaving_page(error: PortalError | None) -> str:
    actor = admit(own(signed_in()))
    with reading() as tx:
        return render(
            "applicant/leaving.html",
            error=languages.said(error) if error else "",
            last=membership.is_last(tx, actor),
            agreed=_since(identity.organisation(tx, organisation_of(actor))) != "",
            open_cases=len([case for case in party.cases_of(tx, organisation_of(actor)) if case.ended_at is None]),
            waiting=len(party.unsigned(tx, organisation_of(actor))),
            **frame(tx, actor, "organisation"),
        )


def _page(
    tx: Session,
    now: datetime,
    *,
    invited: Invited | None = None,
    note: str = "",
    ticked: tuple[str, ...] = (),
    errors: dict[str, str] | None = None,
) -> str:
    """The page as this person may see it: what only managers see is not asked for others."""
    actor = signed_in()
    number = organisation_of(actor)
    company = identity.organisation(tx, number)
    before = asked("before")
    history = changes.of_organisation(tx, number, before) if actor.may_manage else []
    shown = history[: changes.AT_A_TIME]
    return render(
        "applicant/organisation.html",
        company=company,
        kind=listed(organisations.kind_text(kind) for kind in company.kinds) if company else "",
        since=_since(company),
        mine=organisations.rights_text(actor.rights),
        manages=actor.may_manage,
        members=_members(tx, actor) if actor.may_manage else [],
        invitations=_invitations(tx, number, now) if actor.may_manage else [],
        options=organisations.right_options(),
        invited=invited,
        note=note,
        ticked=list(ticked),
        errors=errors or {},
        history=[organisations.change_view(change, names_officials=False) for change in shown],
        later=url_for("applicant.organisation", before=shown[-1].id) if len(history) > len(shown) else None,
        earlier=url_for("applicant.organisation") if before is not None else None,
        **frame(tx, actor, "organisation"),
    )


def _own_page(tx: Session, actor: Actor) -> str:
    """What is on record of a natural person."""
    number = organisation_of(actor)
    company = identity.organisation(tx, number)
    before = asked("before")
    history = changes.of_organisation(tx, number, before)
    shown = history[: changes.AT_A_TIME]
    return render(
        "applicant/oneself.html",
        company=company,
        number=numbers.masked_of_party(tx, number),
        since=_since(company),
        history=[organisations.change_view(one, names_officials=False, natural=True) for one in shown],
        later=url_for("applicant.organisation", before=shown[-1].id) if len(history) > len(shown) else None,
        earlier=url_for("applicant.organisation") if before is not None else None,
        **frame(tx, actor, "organisation"),
    )


def _members(tx: Session, actor: Actor) -> list[MemberView]:
    return [
        MemberView(
            one.id,
            one.name,
            one.login,
            organisations.rights_text(one.rights),
            tuple(one.rights),
            one.id == actor.person_id,
            one.system,
        )
        for one in sorted(
            membership.people_of(tx, organisation_of(actor)), key=lambda one: (MANAGE not in one.rights, one.id)
        )
    ]


def _invitations(tx: Session, number: int, now: datetime) -> list[InvitationView]:
    return [
        InvitationView(row.id, row.note, organisations.rights_text(row.rights), by, dates.exact(row.expires_at))
        for row, by in membership.open_invitations(tx, number, now)
    ]


def _since(company: identity.Organisation | None) -> str:
    """Since when electronic service is agreed to; empty when it is not."""
    since = company.electronic_service_since if company else None
    return dates.exact(since) if since else ""


def _refused(error: PortalError) -> ResponseReturnValue:
    flash(languages.said(error), "error")
    return _back()


def _back() -> ResponseReturnValue:
    return redirect(url_for("applicant.organisation"), 303)
