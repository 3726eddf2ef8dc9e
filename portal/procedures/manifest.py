"""What procedure.toml says, laid over the shared.toml of the diagram it uses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from portal.deadlines.rules import (
    EXTENDABLE,
    DeadlineRule,
    Extend,
    Period,
    Until,
    While,
    parse_event,
    parse_period,
    parse_until,
    parse_while,
)
from portal.deadlines.rules import KINDS as DEADLINE_KINDS
from portal.deadlines.warn import Warn, misfits, parse_warn
from portal.documents.rules import DocumentRule, number_faults
from portal.errors import ContentFaults, Fault
from portal.procedures.publicity import Publicity, publicity
from portal.procedures.spelling import referred
from portal.procedures.tables import Table, line_of, opened
from portal.procedures.toml import parse

S = TypeVar("S")
T = TypeVar("T")

# The words `with` may declare a parameter to be.
DIAGRAM, PROCEDURE, TEXT = "diagram", "procedure", "text"
# The prefix by which a pair of `separation` reaches another case of the same procedure.
OWN = "own"
_TIMES = ("one", "one decided", "any")
_BY = ("addressee", "same party", "anyone")
_MOST_TIMES = 5
EFFECTS = ("hard", "soft")
_SIZE = re.compile(r"([0-9]{1,4}) MB")
_COPY = re.compile(r"([^\s()]+)\(([^\s()]+)\)")
# What a file that is handed in may be: the kinds whose content the portal can tell from their names.
KINDS = ("pdf", "docx", "xlsx", "jpg", "jpeg", "png")
# Keys whose values are merged entry by entry; all others a manifest replaces whole.
_MERGED = {"about", "basis", "deadlines", "decisions", "documents", "materials", "publicity", "facts", "shown"}


@dataclass(frozen=True)
class Start:
    """Who may start a case: a role, cases of other procedures, or the public; `party` is the path to whom it concerns.

    Of the public, who needs no account, `name` is the path to the real name and `code` those to the number that goes
    with it, of which one is asked for; `address` is the path to where letters may be posted to him.
    """

    role: str | None
    cases: tuple[str, ...] = ()
    party: str | None = None
    public: bool = False
    name: str = ""
    code: tuple[str, ...] = ()
    address: str = ""


@dataclass(frozen=True)
class About:
    """The procedure whose cases this one is about, who may file, how often, and the period that counts.

    `during`: a publicity of that procedure; only while it is open may anybody file.
    """

    procedure: str
    by: str
    times: str
    until: str | None
    during: str | None = None


@dataclass(frozen=True)
class Fact:
    """A named expression shown with its title and result.

    One that `keeps` stays true when it was true as the case was filed: what is corrected later takes no right away.
    `unit` is what a number counts, such as tCO₂e.
    """

    name: str
    title: str
    expression: str
    keeps: bool = False
    unit: str = ""


@dataclass(frozen=True)
class DecisionRule:
    """A decision that the procedure makes by a table: where it stands, and what follows from it.

    `decision` is its id or name where the file holds several. A `hard` one binds, a `soft` one advises. With `gaps`
    there may be cases of which no rule speaks.
    """

    name: str
    title: str
    file: str
    decision: str | None
    effect: str
    gaps: bool
    basis: str | None
    assumed: str | None


@dataclass(frozen=True)
class Material:
    """What may be uploaded under a form's file field: kinds of file, how many, and how large each (bytes)."""

    name: str
    title: str
    accept: tuple[str, ...]
    most: int
    size: int


@dataclass(frozen=True)
class Separation:
    """Two acts that one person may not both do; `case` names another procedure of the family."""

    first: str
    second: str
    case: str | None


@dataclass(frozen=True)
class Manifest:
    """A procedure as its analyst describes it."""

    title: str
    starts: tuple[Start, ...]
    about: About | None
    diagram: str | None
    number: str
    basis: Mapping[str, str]
    given: Mapping[str, str]  # the section `with`
    needs: Mapping[str, str]  # what the shared diagram declares in its `with`
    searchable: tuple[str, ...]
    once_per: tuple[str, ...]  # fields of the start form that no two cases in force share
    separation: tuple[Separation, ...]
    roles: Mapping[str, str]
    facts: Mapping[str, Fact]
    deadlines: Mapping[str, DeadlineRule]
    documents: Mapping[str, DocumentRule]
    receipts: Mapping[str, str]  # document -> the role that enters receipts of its service
    desks: Mapping[str, str]  # document -> the role that decides when its service is corrected after a timer fired
    materials: Mapping[str, Material]
    decisions: Mapping[str, DecisionRule] = field(default_factory=dict)
    publicity: Mapping[str, Publicity] = field(default_factory=dict)
    shares: tuple[str, ...] = ()  # paths of what the party of the linked case may read of this one
    shown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Role of the diagram -> the paths of answers and files shown beside its assigned tasks."""

    @property
    def in_public(self) -> Start | None:
        """The rule by which anybody may start it without an account."""
        return next((start for start in self.starts if start.public), None)

    def role(self, name: str) -> str:
        """The regulation's role for a diagram's role."""
        return self.roles.get(name, name)

    def article(self, reference: str | None) -> str | None:
        """The article that a diagram's reference means; `@key` is looked up in `basis`."""
        if reference is None or not reference.startswith("@"):
            return reference
        return self.basis.get(reference[1:])

    @property
    def procedures(self) -> frozenset[str]:
        """The procedures that it hands to its diagram."""
        return frozenset(value for key, value in self.given.items() if self.needs.get(key) == PROCEDURE)

    def procedure(self, reference: str) -> str:
        """The procedure that a diagram's reference means; see `Handed.procedure`."""
        return Handed(self.given, self.needs).procedure(reference)


def copied_to(written: str) -> tuple[str, str | None]:
    """The body that gets a copy, and the path that says of which region: `district(party.district)`."""
    found = _COPY.fullmatch(written)
    return (found[1], found[2]) if found else (written, None)


@dataclass(frozen=True)
class Handed:
    """What a manifest hands to its shared diagram, and what that diagram has declared."""

    given: Mapping[str, str]
    needs: Mapping[str, str]

    def procedure(self, reference: str) -> str:
        """The procedure that a slug, or `@name` of `with`, means; ContentFaults when that is no procedure.

        Empty when the name is declared and the manifest does not give it, which is a fault told there.
        """
        if not reference.startswith("@"):
            return reference
        key = reference[1:]
        if key not in self.needs:
            declare = f'直接写事项的名称，或在 shared.toml 的 [with] 中写 {key} = "{PROCEDURE}"'
            mend = referred(key, [name for name, kind in self.needs.items() if kind == PROCEDURE], declare)
            raise ContentFaults([Fault(f"“{reference}”没有在图的 [with] 中声明", mend)])
        if self.needs[key] != PROCEDURE:
            raise ContentFaults([Fault(f"“with.{key}”不是事项", f"在 shared.toml 中声明为 {PROCEDURE}")])
        return self.given.get(key, "")


def survey(
    slug: str, data: bytes, file: str, under: Sequence[tuple[str, bytes]], *, partly: bool = False
) -> tuple[Manifest, list[Fault]]:
    """The manifest that a procedure's TOML and the shared.toml of its diagrams make together, as far as they say it.

    `under` are those files with their names, the nearest first: of the diagram it uses, then of those called; `partly`:
    one of those diagrams is not there. With every fault; ContentFaults when one is no TOML.
    """
    own, bases = opened(data, file), [opened(shared, name) for name, shared in under]
    needs = {name: kind for base in reversed(bases) for name, kind in _needs(base)}
    merged: dict[str, Any] = {}
    for base in reversed(bases):
        merged = _merge(merged, {key: value for key, value in base.values.items() if key != "with"})
    table = Table(_merge(merged, own.values), file, own.source, partly=partly)
    manifest = _manifest(slug, table, needs)
    table.close()
    faults = [fault for base in bases for fault in base.faults]
    return manifest, [*faults, *(placed(fault, own, bases) for fault in table.faults)]


def _needs(base: Table) -> Iterator[tuple[str, str]]:
    """What a shared diagram wants to be handed, each with its kind."""
    declared = base.table("with")
    for name in declared.values:
        kind = declared.text(name)
        if kind not in (DIAGRAM, PROCEDURE, TEXT):
            base.fault("with", f"“with.{name}”的种类“{kind}”不存在", f"写 {DIAGRAM}、{PROCEDURE} 或 {TEXT}")
        yield name, kind


def placed(fault: Fault, own: Table, under: Iterable[Table]) -> Fault:
    """A fault of a dotted name at the file and line that say it: the manifest, else what lies under it."""
    name = fault.element or ""
    while name:
        for table in (own, *under):
            if table.holds(name):
                return replace(fault, file=table.file, line=line_of(table.source, fault.element or ""))
        name = name.rpartition(".")[0]
    return fault


@dataclass(frozen=True)
class Names:
    """The shared diagram that a manifest names, and what it hands over: read before the rest, which lies on them."""

    diagram: str | None
    given: Mapping[str, str]


def handed(data: bytes, file: str) -> Names:
    """What tells which shared.toml lie under a manifest; ContentFaults when it is no TOML."""
    said = parse(data, file)
    name, given = said.get("diagram"), said.get("with")
    texts = given.items() if isinstance(given, dict) else ()
    return Names(name if isinstance(name, str) else None, {key: text for key, text in texts if isinstance(text, str)})


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if key in _MERGED and isinstance(value, dict) and isinstance(below, dict):
            merged[key] = {
                name: {**below[name], **entry}
                if isinstance(entry, dict) and isinstance(below.get(name), dict)
                else entry
                for name, entry in {**below, **value}.items()
            }
        else:
            merged[key] = value
    return merged


def _manifest(slug: str, table: Table, needs: Mapping[str, str]) -> Manifest:
    table.not_built("withdrawal", "committee", "parameters")
    with_table, roles_table, shown = table.table("with"), table.table("roles"), table.table("shown")
    handed = Handed({key: with_table.text(key) for key in with_table.values}, needs)
    basis = _articles(table.table("basis"))
    number = table.text("number", required=True)
    for fault in number_faults(number) if number else ():
        table.fault("number", fault.what, fault.mend)
    documents, receipts, desks = {}, {}, {}
    for name, entry in table.tables("documents"):
        documents[name] = _document(name, entry, basis)
        if role := entry.text("receipt"):
            receipts[name] = role
        if role := entry.text("desk"):
            desks[name] = role
    return Manifest(
        title=table.text("title", required=True),
        starts=_starts(table, handed),
        about=_about(table, handed),
        diagram=table.text("diagram") or None,
        number=number,
        basis=basis,
        given=handed.given,
        needs=needs,
        searchable=table.texts("searchable"),
        once_per=table.texts("once_per"),
        separation=_separation(slug, table, handed),
        roles={key: roles_table.text(key) for key in roles_table.values},
        facts={
            name: Fact(
                name,
                fact.text("title", required=True),
                fact.text("is", required=True).lstrip("="),
                fact.flag("keeps"),
                fact.text("unit"),
            )
            for name, fact in table.tables("facts")
        },
        deadlines={name: _deadline(name, entry, basis, handed) for name, entry in table.tables("deadlines")},
        documents=documents,
        receipts=receipts,
        desks=desks,
        materials={name: _material(name, entry) for name, entry in table.tables("materials")},
        decisions={name: _decision(name, entry, basis) for name, entry in table.tables("decisions")},
        publicity={
            name: publicity(
                name,
                entry,
                _article(entry, name, {} if entry.has("assumed") else basis),
                _objections(entry, handed),
            )
            for name, entry in table.tables("publicity")
        },
        shares=table.texts("shares"),
        shown={role: shown.texts(role) for role in shown.values},
    )


def _articles(table: Table) -> dict[str, str]:
    """Key -> article; a value `@other` is the article of another key, so that shared keys need saying once."""
    written = {key: table.text(key) for key in table.values}
    articles = {}
    for key, value in written.items():
        meant = written.get(value[1:], "") if value.startswith("@") else value
        if value.startswith("@") and (not meant or meant.startswith("@")):
            citing = [other for other, article in written.items() if article and not article.startswith("@")]
            mend = referred(value[1:], citing, f'写 basis = {{ {value[1:]} = "…" }}，值为条款')
            table.fault(key, f"basis 中没有写明条款的键“{value[1:]}”", mend)
            continue
        articles[key] = meant
    return articles


def _article(table: Table, name: str, basis: Mapping[str, str]) -> str | None:
    """The article of a deadline or letter: its own (`@key` of `basis` too), else `basis.<name>`."""
    own = table.text("basis")
    if own.startswith("@") and own[1:] not in basis:
        mend = referred(own[1:], basis, f'写 basis = {{ {own[1:]} = "…" }}')
        table.fault("basis", f"procedure.toml 的 basis 中没有“{own[1:]}”", mend)
    return (basis.get(own[1:]) if own.startswith("@") else own) or basis.get(name)


def _starts(table: Table, handed: Handed) -> tuple[Start, ...]:
    raw = table.anything("starts")
    if raw is None:
        table.fault("starts", "没有写明谁可以启动", 'starts = [ { role = "…" } ]')
        return ()
    starts = []
    for entry in raw if isinstance(raw, list) else [raw]:
        if not isinstance(entry, dict):
            table.fault("starts", "starts 应为表或表的列表", 'starts = [ { role = "…" } ]')
            continue
        inner = table.sub("starts", entry)
        inner.not_built("yearly", "each", "where")
        role, named, public = inner.text("role") or None, inner.texts("cases"), inner.flag("public")
        if [role is not None, bool(named), public].count(True) != 1:
            inner.fault("role", "starts 要写 role、cases、public 之一", 'starts = { cases = ["…"] }')
        cases = (_try(inner, "cases", handed.procedure, name) for name in named)
        who = (inner.text("name", required=True), inner.texts("code"), inner.text("address")) if public else ()
        party = inner.text("party") or None
        starts.append(Start(role, tuple(slug for slug in cases if slug), party, public, *who))
    return tuple(starts)


def _about(table: Table, handed: Handed) -> About | None:
    if not table.has("about"):
        return None
    inner = table.table("about")
    about = About(
        _try(inner, "procedure", handed.procedure, inner.text("procedure", required=True)) or "",
        inner.text("by", required=True),
        inner.text("times", required=True),
        inner.text("until") or None,
        inner.text("during") or None,
    )
    if about.by not in _BY:
        inner.fault("by", f"“{about.by}”不是可用的提出人", "、".join(_BY))
    if about.times not in _TIMES:
        inner.fault("times", f"“{about.times}”不是可用的次数", "、".join(_TIMES))
    return about


def _objections(table: Table, handed: Handed) -> str | None:
    """The procedure by which people object to what is made public."""
    named = table.text("objections")
    return _try(table, "objections", handed.procedure, named) or None if named else None


def _separation(slug: str, table: Table, handed: Handed) -> tuple[Separation, ...]:
    pairs = []
    raw = table.anything("separation")
    for entry in raw if isinstance(raw, list) else [] if raw is None else [raw]:
        if not (isinstance(entry, list) and len(entry) == 2 and all(isinstance(e, str) for e in entry)):
            table.fault("separation", "separation 应为成对的环节", 'separation = [ ["review", "sign"] ]')
            continue
        if entry[0] == entry[1]:
            table.fault("separation", f"separation 把“{entry[0]}”和它自己分开", "写两个不同的环节")
            continue
        reference, _, element = entry[1].rpartition(":")
        case = slug if reference == OWN else _try(table, "separation", handed.procedure, reference)
        if case or not reference:
            pairs.append(Separation(entry[0], element, case or None))
    return tuple(pairs)


def _deadline(name: str, table: Table, basis: Mapping[str, str], handed: Handed) -> DeadlineRule:
    kind = table.text("kind", required=True)
    if kind and kind not in DEADLINE_KINDS:
        table.fault("kind", f"“{kind}”不是期限的种类", "right、obligation、duty 或 minimum")
    within, until = _length(name, kind, table)
    if (within is None) == (until is None):
        within, until = parse_period("1 day"), None  # so that the remaining faults are found too
    events = {key: table.texts(key) for key in ("after", "met")}
    for key, texts in events.items():
        for text in texts:
            _try(table, key, parse_event, text)
            if key == "met" and text.startswith("date("):
                table.fault(key, f"“{text}”只能写在 after 里", "日期到了不等于办成了，写办成它的事件")
    holiday = table.text("holiday") or "moves"
    if holiday not in ("moves", "stays"):
        table.fault("holiday", "holiday 只能是 stays", "去掉，或写 stays")
    warns = _warns(table, kind, within)
    return DeadlineRule(
        name=name,
        title=table.text("title", required=True),
        kind=kind,  # type: ignore[arg-type] # checked above
        after=events["after"],
        within=within,
        until=until,
        met=events["met"],
        basis=_article(table, name, {} if table.has("assumed") else basis),
        assumed=table.text("assumed") or None,
        holiday=holiday,  # type: ignore[arg-type] # checked above
        warn=warns,
        set_by=table.text("set_by") or None,
        pauses=_pauses(table, handed),
        extend=_extend(table, kind),
    )


def _length(name: str, kind: str, table: Table) -> tuple[Period | None, Until | None]:
    """The length of a deadline, or the fixed date that ends it."""
    if kind == "minimum":
        for key in ("within", "until"):
            table.refuse(key, f"“minimum”的长度写 length，不写 {key}", 'length = "7 working days"')
        if not (table.partly or table.text("length") or {"within", "until"} & table.values.keys()):
            table.fault("length", f"期限“{name}”没有写 length", 'length = "7 working days"')
        return _parsed(table, "length", parse_period), None
    table.refuse("length", "length 是 minimum（不得缩短的期间）的长度", '写 within，或 kind = "minimum"')
    if bool(table.text("within")) == bool(table.text("until")) and not (table.partly and not table.text("within")):
        table.fault("within", f"期限“{name}”要写 within 或 until 之一", 'within = "7 working days"')
    return _parsed(table, "within", parse_period), _parsed(table, "until", parse_until)


def _pauses(table: Table, handed: Handed) -> tuple[While, ...]:
    """What the clock stands for, each once."""
    example = 'pauses = [ { while = "correct" }, { while = "over", title = "公示" }, { while = "cases(objection)" } ]'
    found: list[While] = []
    raw = table.anything("pauses")
    for entry in raw if isinstance(raw, list) else [] if raw is None else [raw]:
        if not _is_pause(entry):
            table.fault("pauses", "pauses 的每一项写一个 while", example)
            continue
        one = _try(table, "pauses", parse_while, entry["while"])
        one = replace(one, title=entry.get("title", "")) if one is not None else None
        if one is not None and one.kind == "cases":
            slug = _try(table, "pauses", handed.procedure, one.what)
            one = replace(one, what=slug) if slug else None
        if one is not None and one in found:
            table.fault("pauses", f"while“{one}”写了两次", "去掉一项")
        elif one is not None:
            found.append(one)
    return tuple(found)


def _is_pause(entry: object) -> bool:
    """Whether it is written as what a clock stands for: `while`, and `title` where people read something else."""
    if not isinstance(entry, dict) or not {"while"} <= set(entry) <= {"while", "title"}:
        return False
    return all(isinstance(text, str) and text.strip() for text in entry.values())


def _extend(table: Table, kind: str) -> Extend | None:
    """By how much, how often and by whom it may be extended."""
    if not table.has("extend"):
        return None
    inner = table.table("extend")
    if kind in DEADLINE_KINDS and kind not in EXTENDABLE:
        table.fault("extend", "权利的期限由法律规定，不能延长", "去掉 extend，或改 kind")
    by, times = _parsed(inner, "by", parse_period), inner.whole("times") if inner.has("times") else 1
    if not inner.text("by"):
        inner.fault("by", "extend 没有写延长多少", 'extend = { by = "10 working days", times = 1, role = "leader" }')
    if times is not None and not 1 <= times <= _MOST_TIMES:
        inner.fault("times", f"times 应为 1 至 {_MOST_TIMES}", "times = 1")
    role = inner.text("role", required=True)
    return Extend(by, times or 1, role) if by is not None and role else None


def _warns(table: Table, kind: str, within: Period | None) -> tuple[Warn, ...]:
    """The warnings of a deadline; what can never come is a fault."""
    written = table.anything("warn")
    warns = _try(table, "warn", parse_warn, written) if written is not None else None
    for fault in misfits(warns or (), kind, within.amount if within else None, within.unit if within else None):
        table.fault("warn", fault.what, fault.mend)
    return warns or ()


def _parsed(table: Table, key: str, parse_text: Callable[[str], T]) -> T | None:
    text = table.text(key)
    return _try(table, key, parse_text, text) if text else None


def _try(table: Table, key: str, parse_value: Callable[[S], T], value: S) -> T | None:
    """Reads a value with a parser of a lower package; its faults become faults of the key."""
    try:
        return parse_value(value)
    except ContentFaults as error:
        for fault in error.faults:
            table.fault(key, fault.what, fault.mend)
        return None


def _document(name: str, table: Table, basis: Mapping[str, str]) -> DocumentRule:
    number = table.text("number", required=True)
    for fault in number_faults(number) if number else ():
        table.fault("number", fault.what, fault.mend)
    return DocumentRule(
        name=name,
        title=table.text("title", required=True),
        template=table.text("template", required=True),
        number=number,
        serve=table.texts("serve"),
        copy=table.texts("copy"),
        basis=_article(table, name, basis),
    )


def _decision(name: str, table: Table, basis: Mapping[str, str]) -> DecisionRule:
    file, effect = table.text("file", required=True), table.text("effect", required=True)
    if file and ("/" in file or not file.endswith(".dmn")):
        table.fault("file", f"“{file}”不是决策文件的名称", f'写文件名，如 file = "{name}.dmn"，文件放在图的旁边')
    if effect and effect not in EFFECTS:
        table.fault("effect", f"“{effect}”不是决策的效力", "hard（应当照办）或 soft（供参考）")
    return DecisionRule(
        name=name,
        title=table.text("title", required=True),
        file=file,
        decision=table.text("decision") or None,
        effect=effect,
        gaps=table.flag("gaps"),
        basis=_article(table, name, {} if table.has("assumed") else basis),
        assumed=table.text("assumed") or None,
    )


def _material(name: str, table: Table) -> Material:
    table.not_built("form")
    table.refuse("required", "是否必交写在表单里", '在表单的文件字段写 "validate": { "required": true }')
    size = _SIZE.fullmatch(table.text("size") or "50 MB")
    if size is None:
        table.fault("size", "size 的写法不对", 'size = "50 MB"')
    accept = table.texts("accept")
    if not accept:
        table.fault("accept", f"材料“{name}”没有写明接受的文件种类", 'accept = ["pdf"]')
    for kind in accept:
        if kind.lower() not in KINDS:
            table.fault("accept", f"材料“{name}”不能接受“{kind}”这种文件", f"可用：{'、'.join(KINDS)}")
    return Material(
        name,
        table.text("title", required=True),
        tuple(kind.lower() for kind in accept),
        table.whole("max") or 1,
        int(size.group(1)) * 1_000_000 if size else 0,
    )
