"""One's own page: who one is here, where mail goes, the password, the language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import clock, identity, notify
from portal.edge.acting import act, reading
from portal.edge.machine import machine
from portal.errors import PortalError
from portal.identity import Actor, Permission, TooManyAttempts, numbers, profile
from portal.identity.accounts import SamePassword
from portal.identity.entry import FILE, MANAGE, PERSON, READ, Missing
from portal.identity.models import EmailCheck, Person
from portal.identity.rules import PasswordsDiffer, WeakPassword, check_password
from portal.web import dates, own_sessions
from portal.web.access import give_token, held_token, needs, permit
from portal.web.frames import frame
from portal.web.languages import said
from portal.web.pages import render
from portal.web.tokens import end_if_asked, live

blueprint = Blueprint("profile", __name__)

PAGE = "/profile"


@dataclass(frozen=True)
class MailView:
    """Where mail to a person stands; `state` is none, waiting (for a code to be mailed or typed), failed or proved."""

    state: str
    email: str
    on: bool
    fault: str
    portal_mails: bool


@blueprint.get(PAGE)
@needs(Permission.TASK_LIST)
def page() -> ResponseReturnValue:
    """What the portal knows of whoever asks, and what he may change himself."""
    actor = permit()
    return _page(actor)


@blueprint.post("/profile/email")
@needs(Permission.TASK_LIST)
def give_email() -> ResponseReturnValue:
    """Has a code mailed to an address, again if it is the same one; nothing else is sent there until it is typed."""
    actor = permit()
    typed = request.form.get("email", "")
    if not machine().kernel.mails:
        return redirect(PAGE, 303)
    if not typed.strip():
        return _page(actor, {"email": Missing(what=_("邮箱"))}), 422
    try:
        email = profile.accepted_email(typed)
        act(lambda tx, _moment: _ask(tx, actor, email), _("绑定邮箱"))
    except (profile.InvalidEmail, profile.TooManyCodes) as error:
        return _page(actor, {"email": error}, typed), 429 if isinstance(error, TooManyAttempts) else 422
    flash(_("验证码正在发往 %(email)s，请在下面填写邮件中的 6 位数字。", email=email), "success")
    return redirect(PAGE + "#mail", 303)


def _ask(tx: Session, actor: Actor, email: str) -> None:
    profile.give_email(tx, actor.person_id, email, clock.now())
    machine().kernel.queue.defer(tx, notify.SEND_CODE, person_id=actor.person_id)


@blueprint.post("/profile/email/code")
@needs(Permission.TASK_LIST)
def prove_email() -> ResponseReturnValue:
    """Takes the address as proved when the code is the one that was mailed there."""
    actor = permit()
    typed = request.form.get("code", "")
    if not typed.strip():
        return _page(actor, {"code": Missing(what=_("验证码"))}), 422
    refusal = act(lambda tx, _moment: profile.prove_email(tx, actor.person_id, typed, clock.now()), _("验证邮箱"))
    if refusal is not None:
        return _page(actor, {"code": refusal}), 422
    flash(_("邮箱已验证，以后的消息会同时发到这个邮箱。"), "success")
    return redirect(PAGE + "#mail", 303)


@blueprint.post("/profile/email/forget")
@needs(Permission.TASK_LIST)
def forget_email() -> ResponseReturnValue:
    """Takes the address off the record."""
    actor = permit()
    act(lambda tx, _moment: profile.forget_email(tx, actor.person_id), _("删除邮箱"))
    flash(_("邮箱已删除，不再发送邮件。"), "success")
    return redirect(PAGE + "#mail", 303)


@blueprint.post("/profile/mail")
@needs(Permission.TASK_LIST)
def switch_mail() -> ResponseReturnValue:
    """Has messages mailed from now on, or not."""
    actor = permit()
    on = request.form.get("on") == "yes"
    act(lambda tx, _moment: profile.switch_mail(tx, actor.person_id, on=on), _("邮件提醒"))
    flash(_("邮件提醒已开启。") if on else _("邮件提醒已关闭，消息仍可以在门户里看到。"), "success")
    return redirect(PAGE + "#mail", 303)


@blueprint.post("/profile/password")
@needs(Permission.TASK_LIST)
def change_password() -> ResponseReturnValue:
    """Changes the password, of whoever knows the old one, and ends the sessions on all other devices."""
    actor = permit()
    old, new, again = (request.form.get(name, "") for name in ("old", "password", "password_again"))
    with reading() as tx:
        faults = _password_faults(tx, actor, old, new, again)
    if faults:
        return _page(actor, faults), 422
    token = held_token()
    try:
        answer = act(lambda tx, moment: _change(tx, actor, old, new, token, moment), _("修改密码"))
    except SamePassword as error:
        return _page(actor, {"password": error}), 422
    if isinstance(answer, PortalError):
        return _page(actor, {"old": answer}), 429 if isinstance(answer, TooManyAttempts) else 422
    if answer is not None:
        give_token(answer)
    flash(_("密码已修改，其他设备上的登录已全部退出。"), "success")
    return redirect(PAGE + "#password-section", 303)


def _change(
    tx: Session, actor: Actor, old: str, new: str, token: str, moment: datetime
) -> str | profile.WrongOldPassword | profile.TooManyPasswords | None:
    answer = profile.change_password(tx, actor, old, new, token, moment, clock.now())
    if not isinstance(answer, PortalError):
        end_if_asked(tx, actor, moment)
    return answer


def _password_faults(tx: Session, actor: Actor, old: str, new: str, again: str) -> dict[str, PortalError]:
    """What is wrong with the passwords as typed, by field."""
    faults: dict[str, PortalError] = {}
    if not old:
        faults["old"] = Missing(what=_("原密码"))
    try:
        check_password(new, _person(tx, actor).login)
    except WeakPassword as error:
        faults["password"] = error if new else Missing(what=_("新密码"))
    else:
        if new != again:
            faults["password_again"] = PasswordsDiffer()
    return faults


def _page(actor: Actor, faults: Mapping[str, PortalError] | None = None, email: str = "") -> str:
    """The page, with what was wrong in a form, and the address as it was typed there."""
    with reading() as tx:
        person = _person(tx, actor)
        return render(
            "profile.html",
            account=person,
            does=list(_does(tx, actor)),
            company=identity.organisation(tx, actor.organisation_id) if actor.organisation_id else None,
            number=numbers.masked_of_party(tx, actor.organisation_id) if actor.organisation_id else "",
            mail=_mail(person, profile.check_of(tx, person.id)),
            typed_email=email or person.email or "",
            errors={name: said(fault) for name, fault in (faults or {}).items()},
            tokens=live(tx, person.id),
            official=actor.official,
            lends=bool(actor.roles),
            sessions=own_sessions.rows(tx, actor),
            **frame(tx, actor, PAGE),
        )


def _person(tx: Session, actor: Actor) -> Person:
    return tx.get_one(Person, actor.person_id)


def _mail(person: Person, check: EmailCheck | None) -> MailView:
    if person.email is None:
        state = "none"
    elif person.email_verified_at is not None:
        state = "proved"
    else:
        state = "failed" if check is not None and check.fault else "waiting"
    fault = check.fault or "" if check is not None else ""
    return MailView(state, person.email or "", person.mail_on, fault, machine().kernel.mails)


def _rights(actor: Actor) -> Iterable[str]:
    """What he may do for his organisation, or for himself."""
    words = {MANAGE: _("管理本单位人员"), FILE: _("办理（申请、签收文书）"), READ: _("只能查看")}
    rights = (FILE,) if PERSON in actor.kinds else (MANAGE, FILE, READ)
    return [words[right] for right in rights if right in actor.rights]


def _does(tx: Session, actor: Actor) -> Iterable[str]:
    """What a person may act as today, in words."""
    if actor.administrator:
        yield _("系统管理员")
    yield from _rights(actor)
    for published in machine().kernel.releases.in_force(tx):
        regulation = published.regulation
        own = [role for slug, role in sorted(actor.roles - actor.lent) if slug == regulation.slug]
        for role in own:
            if role in regulation.roles:
                yield _("%(role)s（%(regulation)s）", role=regulation.role_title(role), regulation=regulation.title)
        for one in actor.deputy_for:
            if one.regulation == regulation.slug and one.role in regulation.roles:
                title, until = regulation.role_title(one.role), dates.plain_day(one.to_day)
                yield _("%(role)s（代 %(name)s，至 %(until)s）", role=title, name=one.name, until=until)
        for slug, role, body in sorted(actor.local):
            if slug == regulation.slug and role in regulation.roles:
                title = regulation.role_title(role)
                yield _("%(role)s · %(body)s（%(regulation)s）", role=title, body=body, regulation=regulation.title)
