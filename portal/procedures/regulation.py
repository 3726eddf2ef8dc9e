"""What regulation.toml says: the text, its bodies, roles, articles and assets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from portal.errors import ContentFaults, Fault
from portal.procedures.tables import Table, parse

PARTY = "party"  # whom a case concerns; exists in every regulation


@dataclass(frozen=True)
class Role:
    """Who may act: an office of a body, or applicants of some kinds of organisation."""

    name: str
    title: str
    body: str | None = None
    applicant: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asset:
    """What the ledger holds: unit as in tCO2e, and the dimensions that balances are kept apart by."""

    name: str
    title: str
    unit: str
    integer: bool
    distinguish: tuple[str, ...]


@dataclass(frozen=True)
class Regulation:
    """One regulation, as its folder says."""

    slug: str
    title: str
    number: str
    code: str
    in_force: date | None
    last_day: date | None
    region: str
    bodies: Mapping[str, str]
    roles: Mapping[str, Role]
    articles: Mapping[str, str]
    laws: Mapping[str, str]
    assets: Mapping[str, Asset] = field(default_factory=dict)

    def role_title(self, role: str) -> str:
        """What people read for a role."""
        return "申请人" if role == PARTY else self.roles[role].title

    def cites(self, article: str) -> bool:
        """Whether an article (its own, or `law:number` of another law) can be cited."""
        law, _, number = article.rpartition(":")
        return bool(number) and law in self.laws if law else article in self.articles


def read(slug: str, data: bytes, file: str) -> Regulation:
    """The regulation that TOML bytes describe; ContentFaults names every fault with its line."""
    regulation, faults = survey(slug, data, file)
    if faults:
        raise ContentFaults(faults)
    return regulation


def survey(slug: str, data: bytes, file: str) -> tuple[Regulation, list[Fault]]:
    """The regulation as far as TOML bytes say it, and every fault; ContentFaults when they are no TOML."""
    table = Table(parse(data, file), file, data.decode())
    regulation = Regulation(
        slug=slug,
        title=table.text("title", required=True),
        number=table.text("number", required=True),
        code=table.text("code", required=True),
        in_force=table.day("in_force", required=True),
        last_day=table.day("last_day"),
        region=table.text("region"),
        bodies=_bodies(table.table("bodies")),
        roles={name: _role(name, role, table) for name, role in table.tables("roles")},
        articles=_articles(table.table("articles")),
        laws=_titles(table.table("laws")),
        assets={name: _asset(name, asset) for name, asset in table.tables("assets")},
    )
    for role in regulation.roles.values():
        if role.body and role.body not in regulation.bodies:
            table.fault("roles", f"岗位“{role.name}”属于不存在的机构“{role.body}”", "在 [bodies] 中写明该机构")
    table.not_built("registers", "parameters", "renewed_by", "after_last_day")
    table.close()
    return regulation, table.faults


def _bodies(table: Table) -> dict[str, str]:
    titles = {}
    for name, value in table.values.items():
        if isinstance(value, dict):
            body = table.table(name)
            titles[name] = body.text("title", required=True)
            body.text("one_per")
        else:
            titles[name] = table.text(name, required=True)
    return titles


def _titles(table: Table) -> dict[str, str]:
    return {name: table.text(name, required=True) for name in table.values}


def _role(name: str, table: Table, outer: Table) -> Role:
    if name == PARTY:
        outer.fault("roles", "“party”是案件所涉当事人，总是存在，不能另行定义", "换一个名称")
    return Role(
        name,
        table.text("title", required=True),
        table.text("body") or None,
        table.texts("applicant"),
    )


def _articles(table: Table) -> dict[str, str]:
    articles = {}
    for key, value in table.values.items():
        if isinstance(value, dict):
            table.table(key).text("none", required=True)
            articles[key] = ""
        else:
            articles[key] = table.text(key)
    return articles


def _asset(name: str, table: Table) -> Asset:
    return Asset(
        name,
        table.text("title", required=True),
        table.text("unit", required=True),
        table.flag("integer"),
        table.texts("distinguish"),
    )
