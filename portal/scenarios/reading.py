"""Reads given.toml and paths strictly: whatever nobody would look at is a fault, with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

from portal.clock import TZ
from portal.errors import ContentFaults
from portal.forms import personal, uscc
from portal.identity.entry import KINDS as ORGANISATIONS
from portal.identity.entry import PERSON
from portal.procedures.content import Content
from portal.procedures.spelling import instead, meant
from portal.procedures.tables import Table, opened
from portal.scenarios.path import (
    NOT_BEGUN,
    PUBLIC,
    Beginning,
    End,
    Given,
    GivenRecords,
    GivenRenewal,
    Path,
    Person,
    Started,
    Step,
)

# Each verb, and the keys that it takes beside `at`, `as`, `starts` and `expect`.
VERBS: Mapping[str, frozenset[str]] = {
    "file": frozenset({"about", "bind", "answers", "files", "drawn"}),
    "task": frozenset({"case", "answers", "files", "drawn"}),
    "serve": frozenset({"document", "how", "on"}),
    "message": frozenset({"case", "answers", "files"}),
    "pass": frozenset({"case"}),
    "retry": frozenset({"party"}),
    "drop": frozenset({"party", "reason"}),
    "correct": frozenset({"document", "how", "on", "reason"}),
    "keep": frozenset({"reason"}),
    "renew": frozenset({"reason"}),
    "extend": frozenset({"deadline", "reason"}),
}
_STEP = ("at", "as", "starts", "expect")
HOW = ("read", "post", "in person")
REFUSALS = ("separation", "forbidden", "form", "state", "rule")
STATES = ("running", "paused", "met", "dropped", NOT_BEGUN)
# What of a deadline can be compared: its kind of value, in words and as TOML has it.
DEADLINE: Mapping[str, tuple[str, type]] = {
    "last_day": ("日期，如 2026-10-12", date),
    "due": ("时刻，如 2026-10-13T00:00:00", datetime),
    "state": (f"{'、'.join(STATES)} 之一", str),
    "provisional": ("true 或 false", bool),
    "paused_by": ('为何暂停，如 ["correct", "cases(objection)"]', list),
    "warned": ('已到时的提醒，如 ["day 5", "overdue 0"]', list),
}
_ENTRY = {"account": str, "asset": str, "amount": int}
_LINE_OF_PEOPLE = '"王" = "单位名称 统一社会信用代码 区县"'


def read_given(content: Content) -> Given:
    """What the paths of a regulation share; ContentFaults with the lines."""
    file = f"bpmn/{content.regulation}/given.toml"
    if file not in content.files:
        return Given()
    data = content.files[file]
    table = opened(data, file)
    people = {name: person for name, person in _people(table.table("people")) if person is not None}
    records = read_records(table)
    renewals = read_renewals(table)
    beginnings = {
        name: Beginning(begun.text("given") or None, read_steps(begun, name), begun, read_renewals(begun))
        for name in table.values
        if name not in ("people", "record", "renewal")
        for begun in [table.table(name)]
    }
    close(table)
    return Given(people, records, renewals, beginnings)


def read_path(content: Content, procedure: str, file: str) -> Path:
    """One path; ContentFaults with the lines."""
    data = content.files[file]
    table = opened(data, file)
    path = Path(
        procedure=procedure,
        file=file,
        title=table.text("title", required=True),
        basis=table.text("basis", required=True),
        given=table.text("given") or None,
        steps=read_steps(table, None),
        end=_end(table),
        table=table,
        renewals=read_renewals(table),
    )
    if not path.steps and path.given is None:
        table.fault("step", "路径没有任何一步", "写 [[step]]，或写 given")
    close(table)
    return path


def read_renewals(table: Table) -> tuple[GivenRenewal, ...]:
    """The instruments under `[[renewal]]` that have renewed the regulation; faults go to the table."""
    return tuple(_renewal(entry) for entry in table.array("renewal"))


def _renewal(table: Table) -> GivenRenewal:
    assumed = table.flag("assumed")
    return GivenRenewal(
        number=table.text("number", required=True),
        title=table.text("title", required=True),
        from_day=table.day("from", required=True),
        last_day=table.day("last_day"),
        assumed=assumed,
        source=table.text("source", required=True),
        reason=table.text("reason", required=assumed),
        table=table,
    )


def close(table: Table) -> None:
    """Tells the keys that nobody asked for; ContentFaults with everything that is wrong with the file."""
    table.close()
    if table.faults:
        raise ContentFaults(table.faults)


# What paths share


def _people(table: Table) -> Iterator[tuple[str, Person | None]]:
    for name, value in table.values.items():
        if isinstance(value, str):
            table.asked.add(name)
            yield name, _person_in_a_line(name, value, table)
        else:
            written = table.table(name)
            person = Person(
                name,
                written.text("org", required=True),
                written.text("uscc", required=True),
                written.text("district"),
                written.texts("kinds") or ("enterprise",),
                table,
            )
            yield name, with_valid_code(person, table)


def _person_in_a_line(name: str, line: str, table: Table) -> Person | None:
    parts = line.split()
    if len(parts) != 3:
        table.fault(name, f"“{name}”应写明单位名称、统一社会信用代码和区县，以空格分开", _LINE_OF_PEOPLE)
        return None
    org, code, district = parts
    kind = PERSON if personal.is_valid(code) else "enterprise"
    return with_valid_code(Person(name, org, code, district, (kind,), table), table)


def with_valid_code(person: Person, table: Table) -> Person:
    """The person, with a fault for a code or a kind that cannot be."""
    natural = PERSON in person.kinds
    if person.uscc and not (personal if natural else uscc).is_valid(person.uscc):
        called = "个人编号" if natural else "统一社会信用代码"
        table.fault(person.name, f"“{person.uscc}”不是正确的{called}", "改正代码，末位是校验码")
    if natural and person.kinds != (PERSON,):
        table.fault(f"{person.name}.kinds", "自然人不能同时是单位", f'写 kinds = ["{PERSON}"]')
    for kind in person.kinds:
        if kind not in ORGANISATIONS:
            table.fault(f"{person.name}.kinds", f"“{kind}”不是单位的种类", instead(kind, ORGANISATIONS))
    return person


def read_records(table: Table) -> tuple[GivenRecords, ...]:
    """What is on record under `[[record]]`; faults go to the table."""
    return tuple(_records(entry) for entry in table.array("record"))


def _records(table: Table) -> GivenRecords:
    columns, rows = table.texts("columns"), table.anything("rows")
    fields = table.anything("fields")
    written: tuple[Mapping[str, Any], ...] = ()
    if isinstance(fields, dict) and not columns and rows is None:
        written = (fields,)
    elif fields is None and columns and isinstance(rows, list) and all(_fits(row, columns) for row in rows):
        written = tuple(dict(zip(columns, row, strict=True)) for row in rows)
    else:
        mend = "写 fields = { … }；多条时写 columns = [字段名…]，rows = [[…], …]，每行与 columns 一样长"
        table.fault("rows" if rows is not None else "fields", "看不出登记的是哪些记录", mend)
    return GivenRecords(table.text("register", required=True), table.text("state") or None, written, table)


def _fits(row: object, columns: tuple[str, ...]) -> bool:
    return isinstance(row, list) and len(row) == len(columns)


# Steps


def _at(table: Table) -> datetime:
    return _moment(table, "at", required=True) or datetime.min.replace(tzinfo=TZ)


def read_steps(table: Table, beginning: str | None, at: Callable[[Table], datetime] = _at) -> tuple[Step, ...]:
    """What happens, step by step, under `[[step]]`; `at` reads the moment of a step. Faults go to the table."""
    return tuple(_step(number, entry, beginning, at(entry)) for number, entry in enumerate(table.array("step"), 1))


def _step(number: int, table: Table, beginning: str | None, at: datetime) -> Step:
    verb = _verb(number, table)
    role, person = _who(table, verb)
    step = Step(
        number=number,
        table=table,
        beginning=beginning,
        at=at,
        verb=verb,
        what=_what(table, verb),
        role=role,
        person=person,
        case=table.text("case") or None,
        about=table.text("about") or None,
        bind=table.text("bind") or None,
        answers=_anything_in(table, "answers"),
        files=_texts_in(table.table("files")),
        how=_one_of(table, "how", HOW, "送达的方式") or "read",
        on=_moment(table, "on"),
        document=table.text("document") or None,
        deadline=table.text("deadline", required=verb == "extend") or None,
        party=table.text("party", required=verb in ("retry", "drop")) or None,
        reason=table.text("reason", required=verb in ("drop", "correct", "keep", "renew", "extend")),
        drawn=table.texts("drawn"),
        starts=dict(_starts(table.table("starts"))),
        expect=_expectations(table.table("expect")),
    )
    _only(table, verb)
    return step


def _verb(number: int, table: Table) -> str:
    """The step's verb; where it is not clear, what else stands in the step is not judged by it."""
    verbs = [verb for verb in VERBS if verb in table.values]
    if len(verbs) == 1:
        return verbs[0]
    table.asked.update(table.values)
    known = [*_STEP, *VERBS, *frozenset().union(*VERBS.values())]
    misspelt = next((key for key in table.values if key not in known and meant(key, VERBS)), None)
    if misspelt and not verbs:
        table.fault(misspelt, f"第{number}步不认识“{misspelt}”", instead(misspelt, VERBS))
    else:
        table.fault("at", f"第{number}步应当有且只有一个动作", f"写 {'、'.join(VERBS)} 之一")
    return ""


def _what(table: Table, verb: str) -> str:
    """What a verb is done to; `pass = true` names nothing."""
    if verb not in ("pass", ""):
        return table.text(verb, required=True)
    if verb and "pass" in table.values and not table.flag("pass"):
        table.fault("pass", "pass 只能是 true", "pass = true")
    return ""


def _who(table: Table, verb: str) -> tuple[str, str]:
    role, _, person = table.text("as").partition("/")
    if role == PUBLIC and not person and verb in ("file", "serve"):
        return role, person
    if verb not in ("pass", "") and not (role and person):
        table.fault("as", "没有写明由谁办理", 'as = "岗位/姓名"')
    return role, person


def _only(table: Table, verb: str) -> None:
    """Refuses the keys that another verb takes: nobody would look at them."""
    if not verb:
        return
    others = frozenset().union(*VERBS.values()) - VERBS[verb] | ({"as"} if verb == "pass" else set())
    for key in sorted(others & set(table.values)):
        mend = f"{verb} 可用：{'、'.join(sorted(VERBS[verb])) or '无'}"
        table.fault(key, f"{verb} 用不到“{key}”", mend)


def _starts(table: Table) -> Iterator[tuple[str, Started]]:
    for name, value in table.values.items():
        if isinstance(value, dict):
            entry = table.table(name)
            procedure, party = entry.text("procedure", required=True), entry.text("party", required=True)
            # An asterisk stands for each unit: its case is bound as `name/person`.
            yield name, Started(procedure, None if party == "*" else party, each=party == "*")
        else:
            yield name, Started(table.text(name))


def _expectations(table: Table) -> dict[str, Any]:
    said = {
        "deadlines": {name: _deadline(part) for name, part in table.tables("deadlines")},
        "outcomes": _text_in(table.table("outcomes")),
        "facts": _anything_in(table, "facts"),
        "tasks": sorted(table.texts("tasks")),
        "desk": sorted(table.texts("desk")),
        "refused": _one_of(table, "refused", REFUSALS, "拒绝的种类"),
        "status": table.text("status"),
        "says": table.text("says"),
        "failed": _text_in(table.table("failed")),
        "records": _records_expected(table),
        "letters": _texts_in(table.table("letters")),
    }
    if "says" in table.values and "refused" not in table.values:
        table.fault("says", "says 只和 refused 一起写", "补上 expect.refused，或去掉 says")
    return {key: said[key] for key in said if key in table.values}


def _deadline(table: Table) -> dict[str, Any]:
    found = {}
    for part, value in table.values.items():
        if part not in DEADLINE:
            continue  # told as an unknown key
        table.asked.add(part)
        words, kind = DEADLINE[part]
        fits = isinstance(value, kind) and not (kind is date and isinstance(value, datetime))
        if not fits or (part == "state" and value not in STATES):
            table.fault(part, f"期限的 {part} 应为{words}", f"改写 {part} 的值")
        found[part] = value.replace(tzinfo=TZ) if isinstance(value, datetime) and not value.tzinfo else value
    table.asked.update(DEADLINE)
    return found


def _records_expected(table: Table) -> tuple[Mapping[str, Any], ...]:
    found = []
    for entry in table.array("records"):
        entry.text("register", required=True)
        entry.asked.update(entry.values)
        found.append(dict(entry.values))
    return tuple(found)


# The end


def _end(table: Table) -> End:
    outcome = table.table("outcome")
    end = End(
        table=outcome,
        outcomes=_text_in(outcome.table("outcomes")),
        documents=_texts_in(outcome.table("documents")),
        unchanged=_one_of(outcome, "ledger", ("unchanged",), "台账的写法") is not None,
        entries=tuple(_entry(entry) for entry in outcome.array("entries")),
        balances={asset: _numbers_in(part) for asset, part in outcome.tables("balances")},
        totals=_numbers_in(outcome.table("totals")),
        records=_records_expected(outcome),
    )
    if not (end.outcomes or end.documents or "documents" in outcome.values):
        table.fault("outcome", "路径没有写明结果", "写 [outcome] outcomes = { … }")
    if end.unchanged and "entries" in outcome.values:
        outcome.fault("ledger", "ledger = unchanged 和 entries 不能同时写", "留下一个")
    return end


def _entry(table: Table) -> dict[str, Any]:
    for key, kind in _ENTRY.items():
        value = table.anything(key)
        if not isinstance(value, kind) or isinstance(value, bool):
            words = "整数" if kind is int else "文字"
            table.fault(key, f"分录的“{key}”应为{words}", '{ account = "单位", asset = "allowance", amount = 1 }')
    return {key: table.values.get(key) for key in _ENTRY}


# Values


def _moment(table: Table, key: str, *, required: bool = False) -> datetime | None:
    value = table.anything(key)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=TZ)
    if value is not None or required:
        table.fault(key, f"“{key}”应为时刻", f"{key} = 2026-09-24T10:00:00（北京时间）")
    return None


def _one_of(table: Table, key: str, known: tuple[str, ...], what: str) -> str | None:
    value = table.text(key)
    if key in table.values and value not in known:
        table.fault(key, f"“{table.values[key]}”不是{what}", f"可用：{'、'.join(known)}")
        return None
    return value or None


def _text_in(table: Table) -> dict[str, str]:
    return {name: table.text(name) for name in table.values}


def _texts_in(table: Table) -> dict[str, tuple[str, ...]]:
    return {name: table.texts(name) for name in table.values}


def _numbers_in(table: Table) -> dict[str, int]:
    return {name: table.whole(name) or 0 for name in table.values}


def _anything_in(table: Table, key: str) -> dict[str, Any]:
    """A table whose keys a form or the manifest knows; days may be written as TOML has them."""
    inner = table.table(key)
    inner.asked.update(inner.values)
    return {name: _plain(value) if key == "answers" else value for name, value in inner.values.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever TOML holds
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, date | time) else value
