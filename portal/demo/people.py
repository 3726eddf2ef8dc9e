"""The made-up people and units of the demo, and the table of accounts that is shown to whoever starts it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.identity import Person
from portal.web import DemoAccount

PASSWORD = "chongqing-2026"


@dataclass(frozen=True)
class Official:
    """Somebody of the authority, or of the region's body, with one role; without role, the administrator."""

    login: str
    name: str
    role: str | None
    title: str
    region: str | None = None


@dataclass(frozen=True)
class StandIn:
    """Who stands in for whom in a role, from today on for some days."""

    principal: str
    deputy: str
    role: str
    days: int
    reason: str


@dataclass(frozen=True)
class Unit:
    """A key emitter and the person who acts for it."""

    uscc: str
    name: str
    district: str
    industry: str
    login: str
    person: str


# Separation of duties needs two handlers and two reviewers.
OFFICIALS = (
    Official("li", "李敏", "intake", "受理人员"),
    Official("tao", "陶洁", "clerk", "文书送达人员"),
    Official("zhou", "周正", "handler", "承办人"),
    Official("wu", "吴越", "handler", "承办人"),
    Official("he", "何平", "reviewer", "复核人员"),
    Official("zheng", "郑岩", "reviewer", "复核人员"),
    Official("zhao", "赵刚", "supervisor", "处室负责人"),
    Official("chen", "陈立", "leader", "局领导"),
    Official("sun", "孙悦", "registrar", "登记人员"),
    Official("shen", "沈洁", "district", "万州区生态环境局", "万州区"),
    Official("admin", "管理员", None, "系统管理员"),
)
STAND_IN = StandIn("chen", "zhao", "leader", 14, "赴外地调研")
"""The head of the division may sign for the leader, who still can himself."""
CEMENT = Unit("91500101MA5DEMA01C", "重庆某水泥有限公司", "万州区", "水泥", "wang", "王强")
STEEL = Unit("91500115MA5DEMB02E", "重庆某钢铁集团有限公司", "长寿区", "钢铁", "liu", "刘洋")
CHEMICALS = Unit("91500102MA5DEMC03C", "重庆某化工股份有限公司", "涪陵区", "化工", "guo", "郭峰")
UNITS = (CEMENT, STEEL, CHEMICALS)
PAPER = Unit("91500107MA5DEMD04D", "重庆某造纸有限公司", "九龙坡区", "造纸", "qian", "钱进")
"""A unit that has asked for its registration, on which nobody has decided yet."""


def accounts() -> tuple[DemoAccount, ...]:
    """Everybody who can sign in to the demo."""
    officials = [DemoAccount(one.login, PASSWORD, one.name, one.title) for one in OFFICIALS]
    units = [DemoAccount(unit.login, PASSWORD, unit.person, unit.name) for unit in UNITS]
    return (*officials, *units, DemoAccount(PAPER.login, PASSWORD, PAPER.person, f"{PAPER.name}（注册待审核）"))


def present(tx: Session) -> tuple[DemoAccount, ...]:
    """Those who can sign in as things are: a demo made by an earlier version lacks whoever was thought up later."""
    everybody = accounts()
    wanted = select(Person.login).where(Person.login.in_(one.login for one in everybody), Person.active)
    known = set(tx.scalars(wanted))
    return tuple(one for one in everybody if one.login in known)


def table(accounts: Sequence[DemoAccount]) -> str:
    """Accounts as text in columns."""
    rows = [("账号", "密码", "姓名", "岗位或单位")]
    rows += [(one.login, one.password, one.name, one.role) for one in accounts]
    widths = [max(map(_width, column)) + 2 for column in zip(*rows, strict=True)]
    return "".join(f"  {_line(row, widths)}\n" for row in rows)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    filled = (text + " " * (width - _width(text)) for text, width in zip(row, widths, strict=True))
    return "".join(filled).rstrip()


def _width(text: str) -> int:
    """Columns in a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
