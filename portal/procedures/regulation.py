"""What regulation.toml says: the text, its bodies, roles, articles and assets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from portal.errors import ContentFaults, Fault
from portal.identity.entry import KINDS as ORGANISATIONS
from portal.procedures.spelling import instead
from portal.procedures.tables import Table, opened
from portal.registers.rules import DRAWN_ON, KINDS, MEANWHILE, STATE, WHY_REPLACED, Meanwhile, Register

PARTY = "party"  # whom a case concerns; exists in every regulation
PER_REGION = "region"  # what `one_per` of a body may say
_ANY_REGION = "区县"  # in the title of such a body; the name of the region takes its place
# What the actions on registers take beside fields, and what expressions and tables ask of a record.
_TAKEN = frozenset({"register", STATE, MEANWHILE, WHY_REPLACED, DRAWN_ON, "each", "document", "reason"})
_NAME = re.compile(r"[^\W\d]\w*")
_IN_ADDRESSES = re.compile(r"[^\W\d][\w-]*")


@dataclass(frozen=True)
class Role:
    """Who may act: an office of a body, or applicants of some kinds of organisation."""

    name: str
    title: str
    body: str | None = None
    applicant: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asset:
    """What the ledger holds: unit as in tCO₂e, and the dimensions that balances are kept apart by."""

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
    registers: Mapping[str, Register] = field(default_factory=dict)
    registration: str | None = None
    """The role that looks after organisations and approves their registrations."""
    districts: tuple[str, ...] = ()
    """The districts of its region, as organisations choose theirs."""
    regional: frozenset[str] = frozenset()  # the bodies of which every region has one
    validity: str | None = None
    """The article that says how long the text is in force."""
    after_last_day: tuple[str, ...] = ()
    """The procedures that may be started when the text is in force no more."""

    def role_title(self, role: str) -> str:
        """What people read for a role."""
        return "申请人" if role == PARTY else self.roles[role].title

    def body_of(self, name: str, region: str) -> str:
        """The title of a body that there is one of per region, in one of them, as 万州区生态环境局."""
        return self.bodies[name].replace(_ANY_REGION, region)

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
    table = opened(data, file)
    bodies = table.table("bodies")
    regulation = Regulation(
        slug=slug,
        title=table.text("title", required=True),
        number=table.text("number", required=True),
        code=table.text("code", required=True),
        in_force=table.day("in_force", required=True),
        last_day=table.day("last_day"),
        region=table.text("region"),
        bodies=_bodies(bodies),
        regional=frozenset(name for name, body in bodies.values.items() if _is_regional(body)),
        roles={name: _role(name, role, table) for name, role in table.tables("roles")},
        articles=_articles(table.table("articles")),
        laws=_titles(table.table("laws")),
        assets={name: _asset(name, asset) for name, asset in table.tables("assets")},
        registers={name: _register(name, register) for name, register in table.tables("registers")},
        registration=table.text("registration") or None,
        districts=table.texts("districts"),
        validity=table.text("validity") or None,
        after_last_day=table.texts("after_last_day"),
    )
    _check_registration(table, regulation)
    _check_validity(table, regulation)
    _twice(table, "districts", regulation.districts)
    for role in regulation.roles.values():
        if role.body and role.body not in regulation.bodies:
            table.fault("roles", f"岗位“{role.name}”属于不存在的机构“{role.body}”", "在 [bodies] 中写明该机构")
    table.not_built("parameters")
    table.refuse("renewed_by", "续期不写在内容里", "发布后由管理员在“法规效力”页面录入续期文件；演练时写 [[renewal]]")
    table.close()
    return regulation, table.faults


def _check_registration(table: Table, regulation: Regulation) -> None:
    role = regulation.roles.get(regulation.registration or "")
    if regulation.registration and (role is None or role.applicant):
        named = regulation.registration
        table.fault("registration", f"审核注册的岗位“{named}”不存在，或是申请人的岗位", "写 [roles] 中一个机构的岗位")


def _check_validity(table: Table, regulation: Regulation) -> None:
    """Faults of the days and the article of validity; whether `after_last_day` names procedures is told elsewhere."""
    first, last, article = regulation.in_force, regulation.last_day, regulation.validity
    if first and last and last < first:
        table.fault("last_day", f"last_day（{last}）早于 in_force（{first}）", "改正其中的一天")
    if last and article is None:
        table.fault("last_day", "写了 last_day，没有写有效期是哪一条规定的", 'validity = "30"，即规定有效期的条款')
    if article is not None and not regulation.cites(article):
        table.fault("validity", f"[articles] 中没有条款“{article}”", "在 [articles] 中写明该条，或改正 validity")
    if regulation.after_last_day and not table.has("last_day"):
        table.fault("after_last_day", "没有 last_day，after_last_day 不起作用", "写明 last_day，或去掉 after_last_day")
    _twice(table, "after_last_day", regulation.after_last_day)


def _bodies(table: Table) -> dict[str, str]:
    titles = {}
    for name, value in table.values.items():
        if isinstance(value, dict):
            body = table.table(name)
            titles[name] = title = body.text("title", required=True)
            if body.text("one_per") not in ("", PER_REGION):
                body.fault("one_per", "one_per 只能是 region（每个区县一个）", f'one_per = "{PER_REGION}"')
            if _is_regional(value) and title and _ANY_REGION not in title:
                mend = f"如“{_ANY_REGION}生态环境局”，文书中换成所在区县的名称"
                body.fault("title", f"每个区县一个的机构，名称里要有“{_ANY_REGION}”", mend)
        else:
            titles[name] = table.text(name, required=True)
    return titles


def _is_regional(body: object) -> bool:
    return isinstance(body, dict) and body.get("one_per") == PER_REGION


def _titles(table: Table) -> dict[str, str]:
    return {name: table.text(name, required=True) for name in table.values}


def _role(name: str, table: Table, outer: Table) -> Role:
    if name == PARTY:
        outer.fault("roles", "“party”是案件所涉当事人，总是存在，不能另行定义", "换一个名称")
    applicant = table.texts("applicant")
    for kind in applicant:
        if kind not in ORGANISATIONS:
            table.fault("applicant", f"“{kind}”不是单位的种类", instead(kind, ORGANISATIONS))
    return Role(name, table.text("title", required=True), table.text("body") or None, applicant)


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


def _register(name: str, table: Table) -> Register:
    written = table.table("fields")
    fields = {field: _kind(field, written) for field in written.values}
    states, closed = table.texts("states"), table.texts("closed")
    if not fields:
        table.fault("fields", f"名册“{name}”没有字段", 'fields = { uscc = "uscc", year = "year", … }')
    if not states:
        table.fault("states", f"名册“{name}”没有状态", '写 states = ["…"]，第一种是登记时的状态')
    elif states[0] in closed:
        table.fault("closed", f"登记时的状态“{states[0]}”不能是失效的状态", "states 的第一种状态不写进 closed")
    _twice(table, "states", states)
    _among(table, "closed", closed, states, "状态")
    suspended = _suspended(table, states, closed)
    key = table.texts("key")
    if not key:
        table.fault("key", f"名册“{name}”没有写以什么区分记录", 'key = ["uscc", "year"]')
    _twice(table, "key", key)
    _among(table, "key", key, fields, "字段")
    for several in (part for part in key if part in fields and KINDS[fields[part]].several):
        table.fault("key", f"“{several}”是列表，不能用来区分记录", "以文字、代码、年度等字段区分")
    public, public_states = _public(name, table, fields, states)
    titles = table.table("titles")
    _among(table, "titles", titles.values, fields, "字段")
    return Register(
        name=name,
        title=table.text("title", required=True),
        key=key,
        states=states,
        fields=fields,
        closed=frozenset(closed),
        suspended=suspended,
        public=public,
        public_states=public_states,
        titles={field: titles.text(field) for field in titles.values},
        meanwhile=_meanwhile(table, key, fields),
    )


def _suspended(table: Table, states: Sequence[str], closed: Sequence[str]) -> frozenset[str]:
    """The states in which a record stands, but is not to be relied on."""
    suspended = table.texts("suspended")
    _among(table, "suspended", suspended, states, "状态")
    for state in (state for state in suspended if state in closed or state == states[0]):
        table.fault("suspended", f"“{state}”是登记时或者失效的状态，不是暂停的状态", "从 suspended 中去掉它")
    return frozenset(suspended)


def _public(
    name: str, table: Table, fields: Mapping[str, str], states: Iterable[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fields that everybody may see, and the states in which."""
    public, shown = table.texts("public"), table.texts("public_states")
    _among(table, "public", public, fields, "字段")
    _twice(table, "public", public)
    for private in (part for part in public if part in fields and KINDS[fields[part]].private):
        what = f"“{private}”的种类是 {fields[private]}，任何时候都不公开"
        table.fault("public", what, "从 public 中去掉它")
    _among(table, "public_states", shown, states, "状态")
    _twice(table, "public_states", shown)
    if shown and not public:
        table.fault("public_states", f"名册“{name}”没有公开的字段", 'public = ["…"]，写哪些字段公开')
    if public and not _IN_ADDRESSES.fullmatch(name):
        mend = "以字母开头，只用字母、数字、“-”和“_”：它是网址的一部分"
        table.fault("title", f"“{name}”不能作公开名册的名称", mend)
    return public, shown


def _kind(field: str, table: Table) -> str:
    kind = table.text(field, required=True)
    if field in _TAKEN or not _NAME.fullmatch(field):
        mend = f"以字母或汉字开头，只用字母、汉字、数字和下划线；不用 {'、'.join(sorted(_TAKEN))}"
        table.fault(field, f"“{field}”不能作字段的名称", mend)
    if kind and kind not in KINDS:
        table.fault(field, f"字段“{field}”的种类“{kind}”不认识", f"可用：{'、'.join(KINDS)}")
    return kind if kind in KINDS else "text"


def _meanwhile(table: Table, key: Iterable[str], fields: Mapping[str, str]) -> dict[str, Meanwhile]:
    written = table.table(MEANWHILE)
    _among(table, MEANWHILE, written.values, [name for name in fields if name not in set(key)], "键以外的字段")
    found = {}
    for name in written.values:
        procedure, _, fact = written.text(name).partition(".")
        if not procedure or not fact:
            written.fault(name, f"meanwhile 的“{name}”应写明事项和事实", f'{name} = "verification-review.undisputed"')
        else:
            found[name] = Meanwhile(procedure, fact)
    return found


def _among(table: Table, key: str, names: Iterable[str], known: Iterable[str], title: str) -> None:
    known = list(known)
    for name in names:
        if name not in known:
            table.fault(key, f"{key} 中的“{name}”不是{title}", f"可用：{'、'.join(known) or '无'}")


def _twice(table: Table, key: str, names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            table.fault(key, f"{key} 中“{name}”写了 {count} 次", "每个只写一次")
