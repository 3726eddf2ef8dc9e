"""The made-up people and units of the demo, and the table of accounts that is shown to whoever starts it.

Those of the first regulation stand here; whoever else there is, the demo.toml of a regulation says.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.identity import Person
from portal.procedures import Published, Releases
from portal.scenarios.demo import Account, read_demo
from portal.web import DemoAccount

PASSWORD = "chongqing-2026"  # nosec B105 # 2026-11-22: no secret: a demo shows it


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


PLACE = "重庆市"
"""Where they are, all but the administrator."""
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


def accounts(published: Iterable[Published] = ()) -> tuple[DemoAccount, ...]:
    """Everybody who can sign in to the demo, with those whom the content of these releases adds."""
    officials = [
        DemoAccount(one.login, PASSWORD, one.name, one.title, PLACE if one.role else "", office=True)
        for one in OFFICIALS
    ]
    units = [DemoAccount(unit.login, PASSWORD, unit.person, unit.name, PLACE, office=False) for unit in UNITS]
    waiting = DemoAccount(PAPER.login, PASSWORD, PAPER.person, f"{PAPER.name}（注册待审核）", PLACE, office=False)
    more = (
        _account(account, release)
        for release in sorted(published, key=lambda one: one.regulation.slug)
        for account in read_demo(release.content).accounts.values()
    )
    return (*officials, *units, waiting, *more)


def _account(account: Account, published: Published) -> DemoAccount:
    """Somebody of demo.toml, for what it says he is there, else for his offices, else for his party."""
    regulation = published.regulation
    titles = "、".join(regulation.roles[role].title for role in account.roles)
    does = account.title or titles or (account.party.org if account.party else "")
    return DemoAccount(account.login, PASSWORD, account.name, does, regulation.region, office=bool(account.roles))


def present(releases: Releases, tx: Session) -> tuple[DemoAccount, ...]:
    """Those who can sign in as things are: a demo made by an earlier version lacks whoever was thought up later."""
    everybody = accounts(releases.in_force(tx))
    wanted = select(Person.login).where(Person.login.in_(one.login for one in everybody), Person.active)
    known = set(tx.scalars(wanted))
    return tuple(one for one in everybody if one.login in known)


def table(accounts: Sequence[DemoAccount]) -> str:
    """Accounts as text in columns."""
    rows = [("账号", "密码", "姓名", "地方", "岗位或单位")]
    rows += [(one.login, one.password, one.name, one.place, one.role) for one in accounts]
    widths = [max(map(_width, column)) + 2 for column in zip(*rows, strict=True)]
    return "".join(f"  {_line(row, widths)}\n" for row in rows)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    filled = (text + " " * (width - _width(text)) for text, width in zip(row, widths, strict=True))
    return "".join(filled).rstrip()


def _width(text: str) -> int:
    """Columns in a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
