"""Registering an organisation or oneself, and joining an organisation by a code: for whoever has no account, or belongs
nowhere yet."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from flask import Blueprint, Response, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import clock, identity
from portal.cases import quarantine
from portal.clock import day_of
from portal.edge.acting import act, moment, reading
from portal.edge.files import TYPES, Download, stream
from portal.errors import PortalError
from portal.identity import Actor, Forbidden, Permission, Subject, membership, numbers, registering, rules, throttle
from portal.identity.entry import (
    JOIN,
    NAME_LENGTH,
    REGISTER,
    AlreadyInOrganisation,
    IdProofMissing,
    InvitationExpired,
    InvitationRevoked,
    InvitationUnknown,
    InvitationUsed,
    Missing,
    Newcomer,
    OfficialsDoNotJoin,
    PeopledAlready,
    ProofMissing,
    RegistrationWaits,
    TooManyCodes,
    TooManyRegistrations,
    UnknownRegistration,
    entry_faults,
    personal_faults,
    plain,
    text_fault,
)
from portal.identity.models import Proof, Registration
from portal.identity.rules import InvalidLogin, LoginTaken, PasswordsDiffer, WeakPassword
from portal.web import dates, languages, organisations
from portal.web.access import needs, network, open_to_all, permit, signed_in, visitor
from portal.web.auth import HOME, WAITING
from portal.web.organisations import PROOF, Typed, TypedPerson
from portal.web.pages import render

blueprint = Blueprint("registration", __name__)

Errors = Mapping[str, PortalError]
NO_MORE = (InvitationUsed, InvitationExpired, InvitationRevoked, AlreadyInOrganisation)
"""Why a code that somebody made lets nobody in now."""
_RECEIVED = "registration"
"""Where the page's own cookie keeps which registration its receipt is about."""


@dataclass(frozen=True)
class Account:
    """Whom an account is to be made for, as typed; passwords are never shown again."""

    person: str = ""
    login: str = ""
    password: str = field(default="", repr=False)
    again: str = field(default="", repr=False)

    @classmethod
    def read(cls) -> Account:
        """What this request posts."""
        form = request.form
        return cls(
            plain(form.get("person", "")),
            form.get("login", "").strip(),
            form.get("password", ""),
            form.get("password_again", ""),
        )

    def faults(self, tx: Session) -> dict[str, PortalError]:
        """What is wrong with it, by field."""
        faults: dict[str, PortalError] = {}
        named = text_fault(_("姓名"), self.person, NAME_LENGTH)
        if named is not None:
            faults["person"] = named
        try:
            rules.accepted_login(self.login)
            if identity.person_by_login(tx, self.login) is not None:
                raise LoginTaken(login=rules.normal_login(self.login))
        except (InvalidLogin, LoginTaken) as error:
            faults["login"] = error if self.login else Missing(what=_("用户名"))
        if not self.password:
            faults["password"] = Missing(what=_("密码"))
            return faults
        try:
            rules.check_password(self.password, self.login)
        except WeakPassword as error:
            faults["password"] = error
        else:
            if self.password != self.again:
                faults["password_again"] = PasswordsDiffer()
        return faults

    def newcomer(self) -> Newcomer:
        """The same as identity takes it."""
        return Newcomer(self.person, self.login, self.password)


@dataclass(frozen=True)
class Filled:
    """A page of registration as it was filled in; `actor` has an account already and belongs nowhere."""

    typed: Typed | TypedPerson
    account: Account
    once: str
    actor: Actor | None
    proof: Proof | None = None
    before: Registration | None = None
    """The one that was returned and is handed in again."""

    @property
    def natural(self) -> bool:
        """Whether somebody registers himself."""
        return isinstance(self.typed, TypedPerson)


@blueprint.get("/register")
@open_to_all
def register() -> ResponseReturnValue:
    """The form to register an organisation."""
    actor = visitor()
    with reading() as tx:
        elsewhere = _elsewhere(tx, actor)
        if elsewhere is not None:
            return elsewhere
        return _page(tx, Filled(Typed(), Account(), secrets.token_urlsafe(16), actor), {})


@blueprint.get("/register/person")
@open_to_all
def register_person() -> ResponseReturnValue:
    """The form to register oneself as a natural person."""
    actor = visitor()
    with reading() as tx:
        elsewhere = _elsewhere(tx, actor)
        if elsewhere is not None:
            return elsewhere
        typed = TypedPerson(name=actor.name if actor else "")
        return _page(tx, Filled(typed, Account(), secrets.token_urlsafe(16), actor), {})


@blueprint.post("/register")
@open_to_all
def register_post() -> ResponseReturnValue:
    """Takes the registration of an organisation; whatever is wrong, everything typed and the uploaded proof stay."""
    return _register(Typed.read(), Account.read())


@blueprint.post("/register/person")
@open_to_all
def register_person_post() -> ResponseReturnValue:
    """Takes somebody's registration of himself, whose account has his name."""
    typed = TypedPerson.read()
    return _register(typed, replace(Account.read(), person=typed.name))


def _register(typed: Typed | TypedPerson, account: Account) -> ResponseReturnValue:
    actor, once = visitor(), organisations.token(request.form.get("once", ""))
    with reading() as tx:
        done = registering.of_once(tx, once)
        if done is not None:
            return _received(done)
        elsewhere = _elsewhere(tx, actor)
        if elsewhere is not None:
            return elsewhere
    filled = Filled(typed, account, once or secrets.token_urlsafe(16), actor)
    if not _counted(REGISTER):
        return _again(filled, {"name" if filled.natural else "uscc": TooManyRegistrations()}), 429
    filled, errors = _examined(filled)
    if errors:
        return _again(filled, errors), 422
    who = filled.actor or filled.account.newcomer()
    assert filled.proof is not None
    key = filled.proof.key
    try:
        row = act(
            lambda tx, now: registering.hand_in(tx, who, filled.typed.entry(), key, filled.once, now), _("单位注册")
        )
    except LoginTaken as error:
        with reading() as tx:  # a second click: the first has made the account
            done = registering.of_once(tx, filled.once)
        return _received(done) if done else (_again(filled, {"login": error}), 422)
    except PeopledAlready as error:
        return _again(filled, {"uscc": error}), 422
    except RegistrationWaits:
        return redirect(WAITING, 303)
    return _received(row)


@blueprint.get("/register/received")
@open_to_all
def received() -> ResponseReturnValue:
    """The receipt: the number, and what follows; only in the browser that handed the registration in."""
    number = session.get(_RECEIVED)
    if not isinstance(number, int):
        return redirect(url_for("registration.register"))
    with reading() as tx:
        row = registering.registration(tx, number)
        person = identity.person(tx, row.person_id)
        return render(
            "registration/received.html",
            row=row,
            person_name=person.name if person else "",
            login=person.login if person else "",
            proof=registering.proof_of(tx, row.id),
            at=dates.to_the_second(row.handed_in_at),
            kind=organisations.kind_text(row.kind),
            number=numbers.masked(tx, row),
            inside=visitor() is not None,
        )


@blueprint.get("/registration")
@needs(Permission.REGISTRATION_READ)
def own_registration() -> ResponseReturnValue:
    """How one's registration stands; returned, the form to hand it in again."""
    actor = signed_in()
    permit(Subject(person_id=actor.person_id))
    if actor.organisation_id is not None:
        return redirect(HOME)
    with reading() as tx:
        row = registering.of_person(tx, actor.person_id)
        if row is not None and row.state == "returned":
            return _page(tx, _of(tx, row, actor), {})
        return _state_page(tx, row)


@blueprint.post("/registration")
@needs(Permission.REGISTRATION_HAND_IN)
def hand_in_again() -> ResponseReturnValue:
    """Hands a returned registration in again."""
    actor = signed_in()
    permit(Subject(person_id=actor.person_id))
    with reading() as tx:
        row = registering.of_person(tx, actor.person_id)
    if row is None or row.state != "returned":
        return redirect(WAITING, 303)
    typed: Typed | TypedPerson = TypedPerson.read() if row.natural else Typed.read()
    filled = Filled(typed, Account(), row.once, actor, before=row)
    filled, errors = _examined(filled)
    if errors:
        return _again(filled, errors), 422
    number, key = row.id, filled.proof.key if filled.proof and filled.proof.registration_id is None else ""
    try:
        act(
            lambda tx, now: registering.hand_in_again(tx, actor, number, filled.typed.entry(), key, now),
            _("重新提交单位注册"),
        )
    except PeopledAlready as error:
        return _again(filled, {"uscc": error}), 422
    except RegistrationWaits:
        return redirect(WAITING, 303)
    flash(_("已重新提交，请等待审核。"), "success")
    return redirect(WAITING, 303)


@blueprint.get("/registration/proofs/<int:proof_id>")
@needs(Permission.REGISTRATION_READ)
def proof(proof_id: int) -> Response:
    """A proof: for whoever handed it in and for officials who approve."""
    with reading() as tx:
        found = tx.get(Proof, proof_id)
        row = registering.registration(tx, found.registration_id) if found and found.registration_id else None
        try:
            permit(Subject(person_id=row.person_id if row else None, offices=organisations.offices(tx)))
        except Forbidden as error:
            raise UnknownRegistration() from error
        if found is None or row is None:
            raise UnknownRegistration()
        quarantine.require_released(found)
    return stream(Download(found.key, found.sha256, found.name, TYPES[found.kind]))


@blueprint.get("/join")
@open_to_all
def join() -> ResponseReturnValue:
    """The form to join an organisation by an invitation code."""
    actor = visitor()
    if actor is not None and actor.organisation_id is not None:
        return redirect(HOME)
    if actor is not None and actor.official:
        return _closed()
    return _join_page(actor, "", Account(), {})


@blueprint.post("/join")
@open_to_all
def join_post() -> ResponseReturnValue:
    """Lets somebody in by a code; a code that is wrong and one that nobody made are answered alike."""
    actor, code, account = visitor(), request.form.get("code", "").strip(), Account.read()
    if actor is not None and actor.organisation_id is not None:
        return redirect(HOME, 303)
    if actor is not None and actor.official:
        return _closed()
    with reading() as tx:
        errors = {} if actor else account.faults(tx)
    if isinstance(errors.get("login"), LoginTaken):
        del errors["login"]  # told only to those who have a code
    if not code:
        errors = {"code": Missing(what=_("邀请码")), **errors}
    errors = errors or _joined(actor or account.newcomer(), code)
    if errors:
        status = 429 if isinstance(errors.get("code"), TooManyCodes) else 422
        return _join_page(actor, code, account, errors), status
    if actor is not None:
        flash(_("已加入单位。"), "success")
        return redirect(HOME, 303)
    flash(_("已加入单位，请用刚才设置的用户名和密码登录。"), "success")
    return redirect(url_for("auth.sign_in"), 303)


def _joined(who: Actor | Newcomer, code: str) -> dict[str, PortalError]:
    """Joins; what is wrong, by field. Codes that nobody made are counted, one after the other for an address."""
    address = network()

    def join_once(tx: Session, now: datetime) -> PortalError | None:
        throttle.queue_up(tx, {JOIN: address})
        if throttle.too_many(tx, JOIN, address, clock.now()):
            return TooManyCodes()
        try:
            membership.join(tx, who, code, now)
        except InvitationUnknown as error:
            throttle.note(tx, JOIN, address, clock.now())
            return error
        return None

    try:
        refusal = act(join_once, _("凭邀请码加入单位"))
    except LoginTaken as error:
        return {"login": error}
    except NO_MORE as error:
        return {"code": error}
    return {"code": refusal} if refusal is not None else {}


def _elsewhere(tx: Session, actor: Actor | None) -> ResponseReturnValue | None:
    """Where a person belongs who cannot register; None for one who can."""
    if actor is None:
        return None
    if actor.official:
        return _closed()
    if actor.organisation_id is not None:
        return redirect(HOME, 303)
    row = registering.of_person(tx, actor.person_id)
    return redirect(WAITING, 303) if row is not None and row.state in ("waiting", "returned") else None


def _closed() -> ResponseReturnValue:
    return render("registration/closed.html", text=languages.said(OfficialsDoNotJoin())), 403


def _counted(kind: str) -> bool:
    """Counts one more attempt from this address; False when there have been too many."""
    address = network()
    return act(lambda tx, _moment: throttle.counted(tx, kind, address, clock.now()), _("单位注册"))


def _examined(filled: Filled) -> tuple[Filled, dict[str, PortalError]]:
    """The page with its proof stored, and everything that is wrong with it, by field."""
    taken = organisations.take_proof()
    with reading() as tx:
        errors = _typed_faults(tx, filled)
        if filled.actor is None:
            errors |= filled.account.faults(tx)
        if filled.natural:
            errors.pop("person", None)  # said of the name already
        kept = taken.row or (registering.proof_of(tx, filled.before.id) if filled.before else None)
    if taken.error is not None:
        errors[PROOF] = taken.error
    elif kept is None:
        errors[PROOF] = IdProofMissing() if filled.natural else ProofMissing()
    return Filled(filled.typed, filled.account, filled.once, filled.actor, kept, filled.before), errors


def _typed_faults(tx: Session, filled: Filled) -> dict[str, PortalError]:
    """What is wrong with the organisation or person as typed, by field; an identity number may stay as it was."""
    typed, districts = filled.typed, organisations.districts(tx)
    if isinstance(typed, TypedPerson):
        errors = personal_faults(typed.entry(), districts, day_of(moment(tx)))
        if filled.before is not None and not typed.id_number:
            errors.pop("id_number", None)
        return errors
    errors = entry_faults(typed.entry(), districts)
    if "uscc" not in errors:
        known = registering.situation(tx, typed.uscc)
        if known.organisation is not None and known.people and not typed.joins:
            errors["uscc"] = PeopledAlready(name=known.organisation.name, uscc=typed.uscc)
    return errors


def _of(tx: Session, row: Registration, actor: Actor) -> Filled:
    """A returned registration as it was handed in; the identity number is not shown again."""
    typed: Typed | TypedPerson = TypedPerson(row.name, "", row.district, row.electronic_service)
    if not row.natural:
        typed = Typed(
            row.uscc, row.name, row.district, row.kind, row.electronic_service, row.joins, tuple(row.rights)
        )  # fmt: skip
    return Filled(typed, Account(), row.once, actor, registering.proof_of(tx, row.id), row)


def _received(row: Registration) -> ResponseReturnValue:
    session[_RECEIVED] = row.id
    return redirect(url_for("registration.received"), 303)


def _again(filled: Filled, errors: Errors) -> str:
    with reading() as tx:
        return _page(tx, filled, errors)


def _page(tx: Session, filled: Filled, errors: Errors) -> str:
    typed, before = filled.typed, filled.before
    peopled = isinstance(errors.get("uscc"), PeopledAlready)
    return render(
        "registration/person.html" if filled.natural else "registration/form.html",
        filled=filled,
        typed=typed,
        number_before=numbers.masked(tx, before) if before else "",
        errors=organisations.texts(errors),
        offers_joining=peopled or typed.joins,
        districts=organisations.districts(tx),
        kinds=organisations.kinds(),
        rights=organisations.right_options(),
        proof_hint=organisations.proof_limit_text(),
        loose=filled.proof is not None and filled.proof.registration_id is None,
        reason=before.reason if before else None,
        labels=json.dumps(_personal_labels() if filled.natural else _labels(), ensure_ascii=False),
        action=url_for(_action(filled)),
        **_frame(filled.actor),
    )


def _action(filled: Filled) -> str:
    """The route that the form is posted to."""
    if filled.before is not None:
        return "registration.hand_in_again"
    return "registration.register_person" if filled.natural else "registration.register"


def _personal_labels() -> dict[str, str]:
    """How the fields of a natural person's registration are called, as `_labels`."""
    return {
        "name": _("姓名"),
        "id_number": _("居民身份号码"),
        "district": _("所在区县"),
        "login": _("用户名"),
        "password": _("密码"),
        "password_again": _("再次输入密码"),
        "proof": _("身份证明"),
        "agrees": _("同意电子送达"),
        "agrees=yes": _("是"),
    }


def _labels() -> dict[str, str]:
    """How the fields are called, for the page that shows what was typed when the database is away."""
    return {
        **organisations.labels(),
        "person": _("姓名"),
        "login": _("用户名"),
        "password": _("密码"),
        "password_again": _("再次输入密码"),
        "proof": _("证明文件"),
        "agrees": _("同意电子送达"),
        "joins": _("凭新的证明加入"),
        "rights": _("申请的权限"),
        **{f"rights={right}": text for right, text, _allows in organisations.right_options()},
        **dict.fromkeys(("agrees=yes", "joins=yes"), _("是")),
    }


def _state_page(tx: Session, row: Registration | None) -> str:
    return render(
        "registration/state.html",
        row=row,
        proof=registering.proof_of(tx, row.id) if row else None,
        at=dates.exact(row.handed_in_at) if row else "",
        decided=dates.exact(row.decided_at) if row and row.decided_at else "",
        kind=organisations.kind_text(row.kind) if row else "",
        number=numbers.masked(tx, row) if row else "",
        **_frame(signed_in()),
    )


def _join_page(actor: Actor | None, code: str, account: Account, errors: Errors) -> str:
    return render(
        "registration/join.html",
        actor=actor,
        code=code,
        account=account,
        errors=organisations.texts(errors),
        **_frame(actor),
    )


def _frame(actor: Actor | None) -> dict[str, object]:
    """The top bar of somebody who belongs nowhere yet."""
    if actor is None:
        return {}
    return {"person": {"name": actor.name, "role": _("尚未加入单位"), "url": WAITING}, "home_url": WAITING}
