"""One official: his roles and their days, his account, and everything that was done about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import clock
from portal.clock import day_of
from portal.edge.acting import act, asked, moment, reading
from portal.edge.statuses import status_of
from portal.errors import PortalError
from portal.identity import Actor, Grant, Permission, Person, accounts, changes, granting
from portal.identity.entry import NotOffered
from portal.web import beginning, dates
from portal.web.access import needs, permit
from portal.web.admin import words
from portal.web.admin.blueprint import blueprint, frame
from portal.web.admin.people import PEOPLE, shown_once
from portal.web.languages import said
from portal.web.pages import render
from portal.web.tokens import views

_SHOWN = 20

Faults = Mapping[str, PortalError]


class NotADay(PortalError):
    """Text that is no day."""

    zh = "“{text}”不是日期，请写成 2026-10-12 的样子。"
    en = "“{text}” is no day; write it like 2026-10-12."


@dataclass(frozen=True)
class Typed:
    """A grant as typed."""

    role: str = ""
    region: str = ""
    from_day: str = ""
    to_day: str = ""
    reason: str = ""

    @classmethod
    def read(cls) -> Typed:
        """What this request posts."""
        return cls(**{name: request.form.get(name, "").strip() for name in cls.__dataclass_fields__})

    def wanted(self, tx: Session, today: date) -> tuple[granting.Wanted | None, dict[str, PortalError]]:
        """The grant that it describes, and what is wrong with it by field."""
        faults: dict[str, PortalError] = {}
        role = next((one for one in words.roles(tx) if one.value == self.role), None)
        if role is None:
            faults["role"] = NotOffered(what=_("岗位"))
        elif role.regional and self.region not in words.regions(tx):
            faults["region"] = NotOffered(what=_("区县"))
        from_day, to_day = _day(self.from_day, "from_day", faults), _day(self.to_day, "to_day", faults)
        if from_day is None and "from_day" not in faults:
            faults["from_day"] = NotOffered(what=_("起始日期"))
        reason = accounts.reason_fault(self.reason, _("事由"))
        if reason is not None:
            faults["reason"] = reason
        if role is None or from_day is None:
            return None, faults
        regulation, _colon, name = role.value.partition(":")
        wanted = granting.Wanted(regulation, name, self.region if role.regional else None, from_day, to_day)
        wrong = granting.fault(wanted, today)
        if wrong is not None and not {"from_day", "to_day"} & faults.keys():
            faults["to_day" if isinstance(wrong, granting.DaysOutOfOrder) else "from_day"] = wrong
        return wanted, faults


def _day(text: str, field: str, faults: dict[str, PortalError]) -> date | None:
    day = dates.typed_day(text)
    if text and day is None:
        faults[field] = NotADay(text=text[:_SHOWN])
    return day


@dataclass(frozen=True)
class GrantView:
    """A grant as the page shows it; `ends` when it can still be ended."""

    id: int
    role: str
    regulation: str
    days: str
    state: str
    tone: str
    ends: bool


@dataclass(frozen=True)
class Announced:
    """What an administrator may do to an account, as the page before it says: what it is called, and what follows."""

    title: str
    text: str
    button: str
    tone: str
    of_system: str
    """The text where it is said otherwise of a system account."""


@dataclass(frozen=True)
class Deed(Announced):
    """A deed that answers with one sentence, and who does it."""

    do: Callable[[Session, Actor, int, str, datetime], Person]
    done: str


def deeds() -> Mapping[str, Deed]:
    """The deeds by the last part of their address; a new password is another matter, for it is shown."""
    return {
        "close": Deed(
            _("停用账号"),
            _(
                "其所有登录立即退出，不能再登录，令牌全部撤销。岗位和办过的事都保留；名下已领取的任务，"
                "同岗位的其他人可以直接接手。"
            ),
            _("停用"),
            "d",
            _("令牌全部撤销，程序立即不能再访问，撤销的令牌不能恢复。办过的事都保留。"),
            lambda tx, actor, number, why, now: accounts.close(tx, actor, number, why, now, clock.now()),
            _("已停用，登录和令牌已全部失效。"),
        ),
        "reopen": Deed(
            _("重新启用账号"),
            _("可以再次登录，密码不变；没有结束的岗位继续有效。"),
            _("启用"),
            "p",
            _("可以再次新建令牌；没有结束的岗位继续有效。"),
            accounts.reopen,
            _("已重新启用。"),
        ),
        "administrator": Deed(
            _("设为管理员"),
            _("可以管理人员、岗位和运行，也可以停用其他管理员。管理员身份不带来任何案件的查看权。"),
            _("设为管理员"),
            "p",
            "",
            lambda tx, actor, number, why, now: accounts.make_administrator(tx, actor, number, True, why, now),
            _("已设为管理员。"),
        ),
        "no-administrator": Deed(
            _("取消管理员身份"),
            _("不能再进入管理页面；账号和岗位不变。"),
            _("取消管理员身份"),
            "d",
            "",
            lambda tx, actor, number, why, now: accounts.make_administrator(tx, actor, number, False, why, now),
            _("已取消管理员身份。"),
        ),
    }


@blueprint.get("/people/<int:person_id>")
@needs(Permission.PERSON_MANAGE)
def person(person_id: int) -> ResponseReturnValue:
    """An official, with the form to grant him a role."""
    return _page(permit(), person_id, None, {})


@blueprint.post("/people/<int:person_id>/grants")
@needs(Permission.ROLE_GRANT)
def grant(person_id: int) -> ResponseReturnValue:
    """Grants a role."""
    actor, typed = permit(), Typed.read()
    with reading() as tx:
        wanted, faults = typed.wanted(tx, day_of(moment(tx)))
    if faults or wanted is None:
        return _page(actor, person_id, typed, faults), 422
    try:
        act(lambda tx, now: granting.grant(tx, actor, person_id, wanted, typed.reason, now), _("授予岗位"))
    except (granting.GrantedBefore, granting.DayPast) as fault:
        return _page(actor, person_id, typed, {"role": fault}), status_of(fault)
    flash(_("已授予岗位。"), "success")
    return redirect(f"{PEOPLE}/{person_id}", 303)


@blueprint.get("/grants/<int:grant_id>/end")
@needs(Permission.ROLE_GRANT)
def end_page(grant_id: int) -> ResponseReturnValue:
    """Asks from when a grant is to count no more, and why."""
    return _end_page(permit(), grant_id, "", "", {})


@blueprint.post("/grants/<int:grant_id>/end")
@needs(Permission.ROLE_GRANT)
def end(grant_id: int) -> ResponseReturnValue:
    """Ends a grant with a day, or at once."""
    actor, form = permit(), request.form
    faults: dict[str, PortalError] = {}
    typed, reason = form.get("last_day", "").strip(), form.get("reason", "").strip()
    at_once = form.get("when") == "now"
    last_day = None if at_once else _day(typed, "last_day", faults)
    if not at_once and last_day is None and not faults:
        faults["last_day"] = NotOffered(what=_("最后一日"))
    wrong = accounts.reason_fault(reason, _("事由"))
    if wrong is not None:
        faults["reason"] = wrong
    if faults:
        return _end_page(actor, grant_id, typed, reason, faults), 422
    try:
        ended = act(lambda tx, now: granting.end(tx, actor, grant_id, last_day, reason, now), _("结束岗位"))
    except (granting.DayPast, granting.DaysOutOfOrder, granting.NotLengthened) as fault:
        return _end_page(actor, grant_id, typed, reason, {"last_day": fault}), 422
    flash(_("已结束岗位。") if at_once else _("已写明岗位的最后一日。"), "success")
    return redirect(f"{PEOPLE}/{ended.person_id}", 303)


@blueprint.get("/people/<int:person_id>/password")
@needs(Permission.PERSON_MANAGE)
def password_page(person_id: int) -> ResponseReturnValue:
    """Before a new password is given."""
    return _deed_page(permit(), person_id, _giving_password(), "", None)


@blueprint.post("/people/<int:person_id>/password")
@needs(Permission.PERSON_MANAGE)
def give_password(person_id: int) -> ResponseReturnValue:
    """Gives a new one-time password and shows it, this once."""
    actor, reason = permit(), request.form.get("reason", "").strip()
    fault = accounts.reason_fault(reason, _("事由"))
    if fault is not None:
        return _deed_page(actor, person_id, _giving_password(), reason, fault), 422
    given = act(lambda tx, now: accounts.give_password(tx, actor, person_id, reason, now, clock.now()), _("重设密码"))
    return shown_once(actor, given, is_new=False)


@blueprint.get("/people/<int:person_id>/<deed>")
@needs(Permission.PERSON_MANAGE)
def deed_page(person_id: int, deed: str) -> ResponseReturnValue:
    """Before an account is closed, opened again, made an administrator's or no longer one."""
    return _deed_page(permit(), person_id, _deed(deed), "", None)


@blueprint.post("/people/<int:person_id>/<deed>")
@needs(Permission.PERSON_MANAGE)
def do(person_id: int, deed: str) -> ResponseReturnValue:
    """Does it, with a reason."""
    actor, reason, wanted = permit(), request.form.get("reason", "").strip(), _deed(deed)
    fault = accounts.reason_fault(reason, _("事由"))
    if fault is not None:
        return _deed_page(actor, person_id, wanted, reason, fault), 422
    done = act(lambda tx, now: wanted.do(tx, actor, person_id, reason, now), wanted.title)
    flash(wanted.done, "success")
    return redirect(words.page_of(done), 303)


def _deed(name: str) -> Deed:
    found = deeds().get(name)
    if found is None:
        raise accounts.UnknownOfficial()
    return found


def _giving_password() -> Announced:
    text = _("现在的密码立即失效，所有登录退出。新的一次性密码只显示一次，由您转交；本人登录后必须先改成自己的。")
    return Announced(_("重设一次性密码"), text, _("重设密码"), "p", "")


def _page(actor: Actor, person_id: int, typed: Typed | None, faults: Faults) -> str:
    with reading() as tx:
        found = accounts.official(tx, person_id)
        today = day_of(moment(tx))
        return render(
            "admin/person.html",
            found=found,
            himself=found.id == actor.person_id,
            grants=[_grant(tx, one, today) for one in granting.of_person(tx, found.id)],
            typed=typed or Typed(from_day=today.isoformat()),
            errors={field: said(fault) for field, fault in faults.items()},
            roles=words.roles(tx),
            regions=words.regions(tx),
            free=beginning.some(beginning.free_roles(tx)),
            tokens=views(tx, found.id),
            **words.happened(tx, changes.of_person(tx, found.id, asked("before")), f"{PEOPLE}/{found.id}"),
            **frame(tx, actor, PEOPLE),
        )


def _grant(tx: Session, grant: Grant, today: date) -> GrantView:
    state, tone = words.grant_state(grant, today)
    return GrantView(
        grant.id,
        words.role_text(tx, grant.regulation, grant.role, grant.body),
        words.regulation_text(tx, grant.regulation),
        words.days_text(grant.from_day, grant.to_day),
        state,
        tone,
        ends=not granting.is_over(grant, today),
    )


def _end_page(actor: Actor, grant_id: int, last_day: str, reason: str, faults: Faults) -> str:
    with reading() as tx:
        row = tx.get(Grant, grant_id)
        today = day_of(moment(tx))
        if row is None or granting.is_over(row, today):
            raise granting.GrantOver()
        return render(
            "admin/end.html",
            grant=_grant(tx, row, today),
            found=accounts.official(tx, row.person_id),
            last_day=last_day or today.isoformat(),
            at_once=request.form.get("when") == "now",
            reason=reason,
            errors={field: said(fault) for field, fault in faults.items()},
            **frame(tx, actor, PEOPLE),
        )


def _deed_page(actor: Actor, person_id: int, deed: Announced, reason: str, fault: PortalError | None) -> str:
    with reading() as tx:
        found = accounts.looked_after(tx, person_id)
        return render(
            "admin/deed.html",
            found=found,
            crumbs=words.trail(found),
            deed=deed,
            reason=reason,
            error=said(fault) if fault is not None else None,
            **frame(tx, actor, PEOPLE),
        )
