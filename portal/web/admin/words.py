"""Words that administrators' pages share: roles, grants, jobs, and what happened to an account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import notify
from portal.cases import bulk, checking, delivery, reckoning, verdicts
from portal.cases.act import ITEM_ENDED
from portal.cases.archiving import ARCHIVE
from portal.cases.quarantine import SCAN
from portal.edge.acting import asked
from portal.edge.standing import in_force
from portal.identity import changes, delegating, granting, tokens
from portal.identity import queries as identity
from portal.identity.changes import Change
from portal.identity.models import Grant, Person
from portal.procedures import Published
from portal.web import dates

_LENDING = (delegating.MADE, delegating.ENDED)


@dataclass(frozen=True)
class RoleOption:
    """A role that may be granted: `value` names regulation and role, `regional` asks for a region."""

    value: str
    title: str
    regulation: str
    regional: bool


@dataclass(frozen=True)
class Happened:
    """One line of the history of an account."""

    at: str
    moment: datetime
    text: str
    note: str


def page_of(account: Person) -> str:
    """The address of an account that administrators look after."""
    return f"/admin/{'systems' if account.system else 'people'}/{account.id}"


def trail(account: Person) -> list[dict[str, str]]:
    """The way from the list to the page of an account, for the pages below it."""
    lists = {"text": _("系统账号"), "url": "/admin/systems"}
    if not account.system:
        lists = {"text": _("人员与角色"), "url": "/admin/people"}
    return [lists, {"text": account.name, "url": page_of(account)}]


def happened(tx: Session, lines: Sequence[Change], here: str) -> dict[str, Any]:
    """What the page of an account, `here`, shows of its history, of which it was handed one line more than it shows."""
    told = change_texts(tx, lines[: changes.AT_A_TIME])
    more = lines[changes.AT_A_TIME - 1].id if len(lines) > changes.AT_A_TIME else None
    return {
        "history": [Happened(dates.exact(line.at), line.at, *texts) for line, texts in zip(lines, told, strict=False)],
        "later": f"{here}?before={more}#history" if more else None,
        "earlier": f"{here}#history" if asked("before") else None,
    }


def roles(tx: Session) -> list[RoleOption]:
    """The roles of officials by the releases in force, in the order of their regulations."""
    found = []
    for one in in_force(tx):
        for role in one.regulation.roles.values():
            if not role.applicant:
                regional = role.body in one.regulation.regional
                found.append(
                    RoleOption(f"{one.regulation.slug}:{role.name}", role.title, one.regulation.title, regional)
                )
    return found


def regions(tx: Session) -> list[str]:
    """The regions whose bodies may have roles, each once."""
    return list(dict.fromkeys(name for one in in_force(tx) for name in one.regulation.districts))


def role_text(tx: Session, regulation: str, role: str, body: str | None) -> str:
    """承办人; of a region's body 万州区生态环境局; a role that no release in force knows by its name in the content."""
    one = _regulation(tx, regulation)
    if one is None or role not in one.regulation.roles:
        return role
    known = one.regulation.roles[role]
    if body is not None and known.body is not None:
        return one.regulation.body_of(known.body, body)
    return known.title


def regulation_text(tx: Session, regulation: str) -> str:
    """The title of a regulation; one that is not in force by its folder's name."""
    one = _regulation(tx, regulation)
    return one.regulation.title if one is not None else regulation


def _regulation(tx: Session, slug: str) -> Published | None:
    return next((one for one in in_force(tx) if one.regulation.slug == slug), None)


def days_text(from_day: date, to_day: date | None) -> str:
    """From which day to which a grant counts."""
    if to_day is None:
        return _("自 %(from_day)s 起，无截止日", from_day=dates.plain_day(from_day))
    if to_day < from_day:
        return _("自 %(from_day)s 起授予，第一日未满即收回", from_day=dates.plain_day(from_day))
    return _("%(from_day)s 至 %(to_day)s", from_day=dates.plain_day(from_day), to_day=dates.plain_day(to_day))


def grant_state(grant: Grant, today: date) -> tuple[str, str]:
    """Whether a grant counts, in words and as the tone of a chip."""
    if granting.is_over(grant, today):
        return _("已结束"), "n"
    return (_("有效"), "g") if grant.from_day <= today else (_("未生效"), "a")


def job_text(name: str) -> str:
    """What a job does; an unknown one by its name."""
    return {
        delivery.RENDER: _("生成文书"),
        delivery.PDF: _("生成文书的 PDF"),
        bulk.START: _("逐行启动案件"),
        ITEM_ENDED: _("登记逐行案件的结束"),
        ARCHIVE: _("编制归档清单"),
        reckoning.SPREAD: _("按新的放假安排分派重算"),
        reckoning.RECOMPUTE: _("按新的放假安排重算期限"),
        checking.CHECK: _("历史校验"),
        notify.SEND: _("发送邮件提醒"),
        notify.SEND_CODE: _("发送邮箱验证码"),
        "mail.outstanding": _("补发邮件提醒"),
        SCAN: _("检查上传的文件有无病毒"),
        verdicts.SCAN_WAITING: _("重新检查还在等待的文件"),
        "tasks.free": _("把离岗人员领取的任务退回岗位"),
        "objects.sweep": _("清理不再使用的文件和登录"),
    }.get(name, name)


def change_texts(tx: Session, lines: Sequence[Change]) -> list[tuple[str, str]]:
    """What happened to an account, and why, for each line of its history."""
    deputies = {line.details["to"] for line in lines if line.kind in _LENDING}
    names = identity.person_names(tx, deputies) if deputies else {}
    return [_change_text(tx, line, names) for line in lines]


def _change_text(tx: Session, change: Change, names: Mapping[int, str]) -> tuple[str, str]:
    who, details = change.who or _("命令行"), change.details
    said: Mapping[str, str] = {
        "person.added": _("%(who)s添加了这个账号", who=who),
        "person.closed": _("%(who)s停用了账号", who=who),
        "person.reopened": _("%(who)s重新启用了账号", who=who),
        "password.given": _("%(who)s重设了一次性密码", who=who),
        "password.chosen": _("%(who)s自行设置了密码", who=who),
        "administrator.made": _("%(who)s将其设为管理员", who=who),
        "system.added": _("%(who)s添加了这个系统账号", who=who),
        "person.removed": _("%(who)s将其移出所代表的单位，账号停用", who=who),
        "administrator.ended": _("%(who)s取消了其管理员身份", who=who),
    }
    if change.kind in _LENDING:
        return _lent_text(tx, who, names.get(details["to"], ""), change.kind, details), _why(details)
    if change.kind in ("role.granted", "role.ended"):
        return _grant_text(tx, who, change.kind, details), _why(details)
    if change.kind in (tokens.ISSUED, tokens.REVOKED):
        return token_text(who, change), _why(details)
    if change.kind == "rights.changed":
        return _("%(who)s变更了其在单位的权限", who=who), ""
    return said.get(change.kind, change.kind), _why(details)


def token_text(who: str, change: Change) -> str:
    """A token issued or revoked, with its number, so that it can be told from another of the same name."""
    name, number = change.details["name"], change.details["token"]
    if change.kind == tokens.ISSUED:
        return _("%(who)s新建令牌“%(name)s”（编号 %(n)s）", who=who, name=name, n=number)
    return _("%(who)s撤销令牌“%(name)s”（编号 %(n)s）", who=who, name=name, n=number)


def _grant_text(tx: Session, who: str, kind: str, details: Mapping[str, Any]) -> str:
    role = role_text(tx, details["regulation"], details["role"], details["body"])
    to_day = date.fromisoformat(details["to_day"]) if details["to_day"] else None
    days = days_text(date.fromisoformat(details["from_day"]), to_day)
    if kind == "role.granted":
        return _("%(who)s授予岗位“%(role)s”（%(days)s）", who=who, role=role, days=days)
    return _("%(who)s结束岗位“%(role)s”（%(days)s）", who=who, role=role, days=days)


def _lent_text(tx: Session, who: str, deputy: str, kind: str, details: Mapping[str, Any]) -> str:
    role = role_text(tx, details["regulation"], details["role"], None)
    if kind == delegating.ENDED:
        return _("%(who)s提前结束%(deputy)s代办“%(role)s”", who=who, deputy=deputy, role=role)
    days = days_text(date.fromisoformat(details["from_day"]), date.fromisoformat(details["to_day"]))
    return _("%(who)s设%(deputy)s代办“%(role)s”（%(days)s）", who=who, deputy=deputy, role=role, days=days)


def _why(details: Mapping[str, Any]) -> str:
    return _("事由：%(reason)s", reason=details["reason"]) if details.get("reason") else ""
