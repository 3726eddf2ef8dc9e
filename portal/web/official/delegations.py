"""Who stands in for whom (代办): what an official has lent and was lent, lending a role, and ending that early."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from portal.clock import day_of, end_of
from portal.edge.acting import LARGEST_ID, act, moment, reading
from portal.edge.standing import in_force
from portal.errors import PortalError
from portal.forms.characters import tidy
from portal.identity import Actor, Permission, Person, Subject, delegating
from portal.identity import service as identity
from portal.identity.delegating import CANDIDATES, Candidate, Lent
from portal.identity.lending import (
    REASON,
    LendingRefused,
    NoSuchDelegation,
    ReasonMissing,
    ReasonTooLong,
    Role,
    Wanted,
)
from portal.web import dates
from portal.web.access import needs, permit, signed_in
from portal.web.languages import listed, said
from portal.web.official.blueprint import blueprint, frame
from portal.web.pages import render

HERE = "/delegations"
FIND = "find"
"""The button that looks for somebody by name where there are too many to choose from."""
_BETWEEN = ":"
_TEXTS = ("deputy", "name", "from_day", "to_day", "reason")


@dataclass(frozen=True)
class Typed:
    """What was typed into the form: roles as regulation:role, the deputy's id, days as text."""

    roles: tuple[str, ...] = ()
    deputy: str = ""
    name: str = ""
    from_day: str = ""
    to_day: str = ""
    reason: str = ""

    @classmethod
    def read(cls) -> Typed:
        """What this request posts."""
        texts = {name: request.form.get(name, "").replace("\0", "").strip() for name in _TEXTS}
        # No role is called so, and the database can be asked.
        roles = (role.replace("\0", "\ufffd") for role in request.form.getlist("roles"))
        return cls(tuple(dict.fromkeys(roles)), **texts)

    def wanted(self, principal_id: int) -> Wanted:
        """The same as identity takes it."""
        pairs = [value.partition(_BETWEEN) for value in self.roles]
        number = int(self.deputy) if self.deputy.isascii() and self.deputy.isdigit() else None
        return Wanted(
            principal_id=principal_id,
            deputy_id=number if number is not None and number <= LARGEST_ID else None,
            roles=tuple((regulation, role) for regulation, _colon, role in pairs),
            from_day=dates.typed_day(self.from_day),
            to_day=dates.typed_day(self.to_day),
            reason=tidy(self.reason),
        )


@dataclass(frozen=True)
class LentView:
    """A delegation in words: `both` when the deputy holds the role himself, `note` how it came about and ended."""

    id: int
    role: str
    regulation: str
    principal: str
    principal_id: int
    deputy: str
    days: str
    state: str
    tone: str
    note: str
    reason: str
    both: bool
    now: bool


@dataclass(frozen=True)
class Page:
    """What the page shows of one person: what he has lent and was lent, and the form."""

    person: Person
    himself: bool
    url: str
    lent: tuple[LentView, ...]
    held: tuple[LentView, ...]
    past: tuple[LentView, ...]
    roles: tuple[tuple[str, str, str], ...]
    """Those he may lend: value, title, regulation."""
    deputies: tuple[tuple[str, str], ...]
    """Those to choose from: value, name with roles."""
    too_many: bool
    typed: Typed
    errors: Mapping[str, str]
    labels: Mapping[str, str]


@blueprint.get("/delegations")
@needs(Permission.DELEGATION_READ)
def delegations() -> ResponseReturnValue:
    """One's own: who stands in for me, for whom I stand in, and the form."""
    actor = permit(Subject(person_id=signed_in().person_id))
    return _own_page(actor, None, {})


@blueprint.post("/delegations")
@needs(Permission.DELEGATION_MAKE)
def make_delegation() -> ResponseReturnValue:
    """Lends roles of one's own."""
    actor = permit(Subject(person_id=signed_in().person_id))
    typed = Typed.read()
    if FIND in request.form:
        return _own_page(actor, typed, {})
    try:
        lend(actor, actor.person_id, typed)
    except LendingRefused as refusal:
        return _own_page(actor, typed, refusal.fields), 422
    return redirect(HERE, 303)


@blueprint.get("/delegations/<int:delegation_id>/end")
@needs(Permission.DELEGATION_END)
def ending(delegation_id: int) -> ResponseReturnValue:
    """Asks whether it is to end now, and why."""
    return _end_page(delegation_id, "", None)


@blueprint.post("/delegations/<int:delegation_id>/end")
@needs(Permission.DELEGATION_END)
def end_delegation(delegation_id: int) -> ResponseReturnValue:
    """Ends a delegation at once."""
    reason = tidy(request.form.get("reason", ""))
    with reading() as tx:
        actor, lent = _to_end(tx, delegation_id)
    try:
        act(lambda tx, now: delegating.end(tx, actor, delegation_id, reason, now), _("结束代办"))
    except (ReasonMissing, ReasonTooLong) as fault:
        return _end_page(delegation_id, reason, fault), 422
    flash(_("已结束，%(deputy)s不再代%(principal)s办理。", deputy=lent.deputy, principal=lent.principal), "success")
    return redirect(_back(actor, lent), 303)


def lend(actor: Actor, principal_id: int, typed: Typed) -> None:
    """Lends what was typed, and says so on the next page; LendingRefused."""
    wanted = typed.wanted(principal_id)

    def make(tx: Session, now: datetime) -> list[int]:
        made = delegating.make(tx, actor, wanted, role_titles(tx), now)
        return [one.id for one in made]

    made = act(make, _("请人代办"))
    with reading() as tx:
        first = delegating.one(tx, made[0])
        days = _days(first)
    flash(_("已设代办：%(deputy)s，%(days)s。", deputy=first.deputy, days=days), "success")


def role_titles(tx: Session) -> dict[Role, str]:
    """How the roles of officials are called, by the releases in force."""
    return {
        (one.regulation.slug, role.name): role.title
        for one in in_force(tx)
        for role in one.regulation.roles.values()
        if not role.applicant
    }


def page_of(
    tx: Session, actor: Actor, person_id: int, url: str, typed: Typed | None, faults: Mapping[str, PortalError]
) -> Page:
    """The page of one official; NoSuchDelegation for whoever is none."""
    person = identity.person(tx, person_id)
    if person is None or person.applicant:
        raise NoSuchDelegation()
    today, titles = day_of(moment(tx)), role_titles(tx)
    regulations = {one.regulation.slug: one.regulation.title for one in in_force(tx)}
    own = [role for role in delegating.own_roles(tx, person.id, today) if role in titles]
    found = typed or Typed(roles=(_value(own[0]),) if len(own) == 1 else (), from_day=today.isoformat(), to_day="")
    people = delegating.candidates(tx, person.id, {regulation for regulation, _role in own}, found.name, today)
    lent, held = delegating.lent_by(tx, person.id, today), delegating.lent_to(tx, person.id, today)
    past = delegating.past(tx, person.id, today)
    own_too = delegating.holding(tx, {one.row.to_person_id for one in lent + held}, today)

    def view(one: Lent) -> LentView:
        role = (one.row.regulation, one.row.role)
        state, tone = _state(one, today)
        return LentView(
            id=one.row.id,
            role=titles.get(role, role[1]),
            regulation=regulations.get(role[0], role[0]),
            principal=one.principal,
            principal_id=one.row.from_person_id,
            deputy=one.deputy,
            days=_days(one),
            state=state,
            tone=tone,
            note=_note(one),
            reason=one.row.reason,
            both=role in own_too.get(one.row.to_person_id, ()),
            now=not one.is_over(today) and not one.is_coming(today),
        )

    return Page(
        person=person,
        himself=person.id == actor.person_id,
        url=url,
        lent=tuple(map(view, lent)),
        held=tuple(map(view, held)),
        past=tuple(map(view, past)),
        roles=tuple((_value(role), titles[role], regulations[role[0]]) for role in own),
        deputies=tuple((str(one.person_id), _called(one, titles)) for one in people[:CANDIDATES]),
        too_many=len(people) > CANDIDATES or bool(found.name),
        typed=found,
        errors={field: said(fault) for field, fault in faults.items()},
        labels=_labels(),
    )


def _own_page(actor: Actor, typed: Typed | None, faults: Mapping[str, PortalError]) -> str:
    with reading() as tx:
        page = page_of(tx, actor, actor.person_id, HERE, typed, faults)
        return render("official/delegations.html", page=page, **frame(tx, actor, HERE))


def _to_end(tx: Session, delegation_id: int) -> tuple[Actor, Lent]:
    lent = delegating.one(tx, delegation_id)
    return permit(Subject(person_id=lent.row.from_person_id)), lent


def _end_page(delegation_id: int, reason: str, fault: PortalError | None) -> str:
    with reading() as tx:
        actor, lent = _to_end(tx, delegation_id)
        today, role = day_of(moment(tx)), (lent.row.regulation, lent.row.role)
        return render(
            "official/delegation_end.html",
            lent=lent,
            over=lent.is_over(today),
            role=role_titles(tx).get(role, role[1]),
            days=_days(lent),
            back=_back(actor, lent),
            reason=reason,
            errors={REASON: said(fault)} if fault else {},
            **frame(tx, actor, HERE),
        )


def _back(actor: Actor, lent: Lent) -> str:
    own = lent.row.from_person_id == actor.person_id
    return HERE if own else f"/admin/people/{lent.row.from_person_id}/delegations"


def _value(role: Role) -> str:
    return _BETWEEN.join(role)


def _called(candidate: Candidate, titles: Mapping[Role, str]) -> str:
    """吴越（承办人）."""
    roles = listed(dict.fromkeys(titles[role] for role in candidate.roles if role in titles))
    return _("%(name)s（%(roles)s）", name=candidate.name, roles=roles) if roles else candidate.name


def _state(one: Lent, today: date) -> tuple[str, str]:
    if one.row.revoked_at is not None:
        return _("已提前结束"), "n"
    if one.is_over(today):
        return _("已到期"), "n"
    return (_("未开始"), "a") if one.is_coming(today) else (_("代办中"), "g")


def _days(one: Lent) -> str:
    """2026年10月12日（周一）至 2026年10月23日（周五）24:00，共 12 天."""
    return ngettext(
        "%(first)s至 %(last)s，共 %(num)s 天",
        "%(first)s至 %(last)s，共 %(num)s 天",
        (one.row.to_day - one.row.from_day).days + 1,
        first=dates.long_day(one.row.from_day),
        last=dates.due_text(end_of(one.row.to_day)),
    )


def _note(one: Lent) -> str:
    """Who arranged it when, and who ended it when and why."""
    made = _("%(who)s于 %(at)s 设立", who=one.made_by, at=dates.exact(one.row.made_at))
    if one.row.revoked_at is None:
        return made
    return _(
        "%(made)s；%(who)s于 %(at)s 提前结束：%(why)s",
        made=made,
        who=one.revoked_by,
        at=dates.exact(one.row.revoked_at),
        why=one.row.revoke_reason,
    )


def _labels() -> dict[str, str]:
    """How the fields are called, for the page that shows what was typed when nothing can be read."""
    return {
        "roles": _("岗位"),
        "deputy": _("代办人"),
        "name": _("姓名"),
        "from_day": _("第一天"),
        "to_day": _("最后一天"),
        "reason": _("理由"),
    }
