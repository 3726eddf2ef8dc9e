"""Beginning with nothing: how the first administrator is made, and the steps from there to the first case."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flask_babel import gettext as _
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from portal.cases.models import Case
from portal.clock import day_of
from portal.edge.acting import moment
from portal.edge.machine import machine
from portal.edge.standing import calendar_in_force, in_force
from portal.identity import Organisation, Person, granting
from portal.identity.accounts import has_administrator
from portal.identity.models import Registration
from portal.settings import Settings
from portal.web.languages import listed

_USUAL_HOME = ".portal"
_SOME = 4


@dataclass(frozen=True)
class Step:
    """One thing to be done before the portal is of use: whether it is, what it is for, and where it is done."""

    done: bool
    title: str
    text: str
    action: str
    url: str


def first_command(settings: Settings) -> str:
    """What is typed on the machine to make the first administrator."""
    home = "" if settings.home.resolve() == Path(_USUAL_HOME).resolve() else f"PORTAL_HOME={settings.home.resolve()} "
    return f"{home}.venv/bin/portal user add admin --name 管理员 --administrator"


def missing_administrator(tx: Session) -> str | None:
    """The command that makes the first administrator; None when there is one."""
    return None if has_administrator(tx) else first_command(machine().settings)


def steps(tx: Session) -> list[Step]:
    """The first steps in their order; nothing once all are done."""
    found = [_people(tx), _roles(tx), _holidays(tx), _registration(tx), _organisations(tx), _first_case(tx)]
    return found if any(not step.done for step in found) else []


def free_roles(tx: Session) -> list[str]:
    """The titles of the roles of bodies that there is one of which nobody holds today."""
    held = granting.held(tx, day_of(moment(tx)))
    return [
        role.title
        for one in in_force(tx)
        for role in one.regulation.roles.values()
        if not role.applicant
        and role.body not in one.regulation.regional
        and (one.regulation.slug, role.name) not in held
    ]


def some(titles: list[str]) -> str:
    """The first of some titles, and how many more there are."""
    shown = listed(titles[:_SOME])
    more = len(titles) - _SOME
    return shown if more <= 0 else _("%(shown)s等 %(n)s 个岗位", shown=shown, n=len(titles))


def _people(tx: Session) -> Step:
    officials = select(exists().where(~Person.applicant, ~Person.administrator, Person.active))
    return Step(
        bool(tx.scalar(officials)),
        _("添加工作人员"),
        _("每人一个账号。系统给出一次性密码，由您转交，本人第一次登录时改成自己的。"),
        _("添加人员"),
        "/admin/people/add",
    )


def _roles(tx: Session) -> Step:
    free = free_roles(tx)
    text = _("在人员的页面授予岗位。承办与复核、签批由不同的人担任，系统会拦住同一人兼办。")
    if free:
        text = _("还没有人担任：%(roles)s。承办与复核、签批由不同的人担任，系统会拦住同一人兼办。", roles=some(free))
    return Step(not free, _("授予岗位"), text, _("选择人员"), "/admin/people")


def _holidays(tx: Session) -> Step:
    year = day_of(moment(tx)).year
    official = calendar_in_force(tx).is_official(year)
    text = _("%(year)s 年的放假安排已公布，期限按它计算。", year=year)
    if not official:
        text = _("%(year)s 年的放假通知还没有录入，期限都是暂定的。", year=year)
    return Step(official, _("录入放假安排"), text, _("放假安排"), "/calendar")


def _registration(tx: Session) -> Step:
    held = granting.held(tx, day_of(moment(tx)))
    regulations = [one.regulation for one in in_force(tx)]
    offices = [(one.slug, one.registration) for one in regulations if one.registration]
    titles = list(dict.fromkeys(one.role_title(one.registration) for one in regulations if one.registration))
    is_open = any(office in held for office in offices)
    text = _("有人担任“%(role)s”，单位可以在首页注册并得到审核。", role=listed(titles))
    if not is_open:
        text = _("单位注册由“%(role)s”审核，请先授予这个岗位；在此之前提交的注册会一直等待。", role=listed(titles))
    return Step(is_open, _("开放单位注册"), text, _("查看注册页"), "/register")


def _organisations(tx: Session) -> Step:
    there, waits = tx.execute(
        select(exists().where(Organisation.id.is_not(None)), exists().where(Registration.state == "waiting"))
    ).one()
    text = _("单位在首页注册，受理人员核准；不上网的单位由工作人员登记，文书邮寄或直接送达。")
    if waits and not there:
        text = _("已有单位提交注册，等受理人员登录后在“注册审核”中核准。")
    return Step(
        there,
        _("第一个单位"),
        text,
        _("单位"),
        "/organisations",
    )


def _first_case(tx: Session) -> Step:
    return Step(
        bool(tx.scalar(select(exists().where(Case.id.is_not(None))))),
        _("第一件事项"),
        _("承办人登录后在“发起事项”开始；管理员看不到案件内容。"),
        _("已发布的事项"),
        "/admin/releases",
    )
