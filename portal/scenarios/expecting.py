"""Compares what has become of a path's cases with what it says; every difference is found, not only the first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from portal import inbox, registers
from portal.cases.live import LiveCase
from portal.cases.models import DeskMatter
from portal.cases.names import facts_of
from portal.clock import TZ
from portal.deadlines.models import Deadline
from portal.documents import trial
from portal.documents.models import Letter
from portal.errors import PortalError
from portal.ledger import service as ledger
from portal.registers import Register
from portal.registers.rules import MEANWHILE, STATE
from portal.scenarios.acting import Acted, Otherwise, failed_rows, open_tasks
from portal.scenarios.path import NOT_BEGUN, Path, Step

NOTHING = "无"
_NOT_COMPARED = "改正这里的写法，或改正流程、清单"
_GOES_ON = "流程还没有走完：期限改动了的，把时间推到届满之后；不然改正流程、清单或表单"
_MOST_NAMES = 3
Difference = tuple[str, str, object, object]  # the key, what it is of, found, wanted


@dataclass(frozen=True)
class Unended:
    """In place of an outcome: where the case stands, and until when its deadlines run."""

    text: str


def compare(acted: Acted, step: Step) -> None:
    """Compares the expectations of a step that was done."""
    try:
        differences = _differences(acted, step)
    except (Otherwise, PortalError) as error:
        acted.found(step, "expect", f"无从比较：{_text(error)}", _NOT_COMPARED)
        return
    for key, of, found, wanted in differences:
        acted.found(step, f"expect.{key}", *_said(key, of, found, wanted))


def judge(acted: Acted, path: Path) -> None:
    """Compares what is to be the case when a path is over."""
    table = path.end.table
    try:
        differences = _at_the_end(acted, path)
    except (Otherwise, PortalError) as error:
        acted.note(table, "outcomes", f"结局：无从比较：{_text(error)}", _NOT_COMPARED)
        return
    for key, of, found, wanted in differences:
        what, mend = _said(key, of, found, wanted)
        acted.note(table, key, f"结局：{what}", mend)


def _text(error: Otherwise | PortalError) -> str:
    return error.what if isinstance(error, Otherwise) else error.text()


def _said(key: str, of: str, found: object, wanted: object) -> tuple[str, str]:
    blank = " " if of[-1].isascii() else ""
    what = f"{of}{blank}应为 {shown(wanted)}，实为 {shown(found)}"
    if isinstance(found, Unended):
        return what, _GOES_ON
    if found is None or key in ("", "ledger"):
        return what, "改正流程、清单或表单；改动是有意的，就改正这一项"
    return what, f"改动是有意的，就把 {key.rpartition('.')[2]} 改为 {_written(found)}；不然改正流程、清单或表单"


def shown(value: object) -> str:
    """A value as people read it."""
    if isinstance(value, datetime):
        return f"{value.astimezone(TZ):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "、".join(map(shown, value)) or NOTHING
    if isinstance(value, dict):
        return "、".join(f"{name} {shown(part)}" for name, part in value.items()) or NOTHING
    if isinstance(value, Unended):
        return value.text
    return NOTHING if value is None else str(value)


def _written(value: object) -> str:
    """A value as one writes it in TOML."""
    if isinstance(value, datetime):
        return f"{value.astimezone(TZ):%Y-%m-%dT%H:%M:%S}"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {_written(part)}' for name, part in value.items())} }}"
    return shown(value)


def _differences(acted: Acted, step: Step) -> list[Difference]:
    expect = step.expect
    found = _outcomes(acted, expect.get("outcomes", {}))
    found += _records(acted, expect.get("records", ()))
    if expect.keys() - {"outcomes", "records", "refused", "says"}:
        of_cases = [
            (name if step.seen is not None else "", difference)
            for name, case in acted.named(step.seen)
            for difference in _of_case(acted, case, expect)
        ]
        found += _together(of_cases)
    return found


def _together(of_cases: Iterable[tuple[str, Difference]]) -> list[Difference]:
    """The differences of several cases; what they have in common is told once, with their names."""
    names: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    told = {}
    for name, difference in of_cases:
        key, what, is_now, wanted = difference
        same = key, what, shown(is_now), shown(wanted)
        names[same].append(name)
        told[same] = difference
    return [(key, _of(names[same]) + what, is_now, wanted) for same, (key, what, is_now, wanted) in told.items()]


def _of(names: Sequence[str]) -> str:
    of = f"等 {len(names)} 件的" if len(names) > _MOST_NAMES else "的"
    return f"{'、'.join(names[:_MOST_NAMES])} {of}" if any(names) else ""


def _of_case(acted: Acted, case: LiveCase, expect: Mapping[str, Any]) -> list[Difference]:
    """What is otherwise in one case."""
    found: list[Difference] = []
    if "tasks" in expect:
        found += _difference("tasks", "待办的环节", open_tasks(acted, case.id), expect["tasks"])
    if "desk" in expect:
        found += _difference("desk", "案头有事项待处理的岗位", _desks(acted, case), expect["desk"])
    if "status" in expect:
        found += _difference("status", "状态", case.row.status, expect["status"])
    if "facts" in expect:
        facts = facts_of(case)
        for name, value in expect["facts"].items():
            found += _difference(f"facts.{name}", f"事实“{name}”", facts.get(name), value)
    for name, parts in expect.get("deadlines", {}).items():
        found += _deadline(case, name, parts)
    for name, parts in expect.get("letters", {}).items():
        found += _letter(acted, case, name, parts)
    if "failed" in expect:
        found += _failed(acted, case, expect["failed"])
    return found


def _desks(acted: Acted, case: LiveCase) -> list[str]:
    """The roles onto whose desk something of the case has come that is not decided."""
    open_ones = select(DeskMatter.role).where(DeskMatter.case_id == case.id, DeskMatter.decided_at.is_(None))
    return sorted(acted.stage.tx.scalars(open_ones))


def _deadline(case: LiveCase, name: str, parts: Mapping[str, object]) -> list[Difference]:
    deadline = case.deadlines.get(name)
    key, of = f"deadlines.{name}", f"期限“{name}”"
    if deadline is None:
        return [] if parts.get("state") == NOT_BEGUN else [(key, of, "没有起算", "已起算")]
    return [
        difference
        for part, value in parts.items()
        for difference in _difference(f"{key}.{part}", f"{of}的 {part}", _seen(deadline, part), value)
    ]


def _seen(deadline: Deadline, part: str) -> object:
    """A part of a deadline as it is to be compared; one whose clock stands has no end."""
    return getattr(deadline, {"last_day": "last", "due": "ends"}.get(part, part))


def _letter(acted: Acted, case: LiveCase, name: str, parts: Iterable[str]) -> list[Difference]:
    """What the newest letter of a name does not say."""
    key, of = f"letters.{name}", f"文书“{name}”中的文字"
    letter = case.letters.get(name)
    if letter is None:
        return [(key, of, "没有制发", "已制发")]
    text = trial.read(acted.stage.published.content.files[letter.template], letter.data)
    return [(key, of, None, part) for part in parts if part not in text]


def _failed(acted: Acted, case: LiveCase, expected: Mapping[str, str]) -> list[Difference]:
    """The rows that failed must be exactly those named, and each fault must contain what is said."""
    given = acted.stage.given
    is_now = {unit: item.fault or "" for unit, item in failed_rows(acted, case)}
    wanted = {given.unit(name) or name: part for name, part in expected.items()}
    same = is_now.keys() == wanted.keys() and all(part in is_now[unit] for unit, part in wanted.items())
    return [] if same else [("failed", "启动失败的", is_now, wanted)]


def _outcomes(acted: Acted, expected: Mapping[str, str]) -> list[Difference]:
    return _together(
        (here, (f"outcomes.{name}", "结果", _outcome(case), outcome))
        for name, outcome in expected.items()
        for here, case in acted.named(name, apart=list(expected))
        if case.row.outcome != outcome
    )


def _outcome(case: LiveCase) -> object:
    if case.row.outcome is not None:
        return case.row.outcome
    running = [one for one in case.deadlines.values() if one.state == "running"]
    until = (f"期限“{one.name}”到 {one.last_day} 24:00" for one in running)
    return Unended("；".join([f"仍在办理（{case.row.status or NOTHING}", *until]) + "）")


def _records(acted: Acted, expected: tuple[Mapping[str, Any], ...]) -> list[Difference]:
    regulation = acted.stage.published.regulation
    found = []
    for record in expected:
        register = regulation.registers[record["register"]]
        wanted = {name: value for name, value in record.items() if name != "register"}
        is_now = _record(acted, register, wanted)
        of = f"《{register.title}》{register.key_text({name: str(wanted[name]) for name in register.key})}"
        found += _difference("records", of, is_now, wanted)
    return found


def _record(acted: Acted, register: Register, wanted: Mapping[str, Any]) -> dict[str, object] | None:
    """What is on record under a key, of the fields that were asked for."""
    regulation = acted.stage.published.regulation.slug
    key = {name: register.stored(name, wanted[name]) for name in register.key}
    row = registers.current(acted.stage.tx, regulation, register, key)
    if row is None:
        return None
    held = {**register.typed(row.fields), STATE: row.state}
    if MEANWHILE in wanted:
        held[MEANWHILE] = _standing(acted, register, row)
    return {name: held[name] for name in wanted}


def _standing(acted: Acted, register: Register, row: registers.Record) -> dict[str, object]:
    """What stands for the fields of a record that an open case disputes."""
    recorded = inbox.Recorded(row.id, row.case_id, row.fields)
    found = inbox.disputed(acted.stage.tx, acted.stage.kernel.releases, register, [recorded]).get(row.id, {})
    typed = register.typed({name: one.value for name, one in found.items()})
    return {name: typed[name] for name in found}


def _at_the_end(acted: Acted, path: Path) -> list[Difference]:
    end = path.end
    found = _outcomes(acted, end.outcomes)
    for name, documents in end.documents.items():
        issued = select(Letter).where(Letter.case_id == acted.case(name).id, Letter.id > acted.letters_before)
        letters = [letter.name for letter in acted.stage.tx.scalars(issued.order_by(Letter.id))]
        found += _difference(f"documents.{name}", f"{name} 的文书", letters, list(documents))
    found += _ledger(acted, path)
    found += _records(acted, end.records)
    return found


def _ledger(acted: Acted, path: Path) -> list[Difference]:
    end, given = path.end, acted.stage.given
    lines = holders_entries(acted)
    new = lines[acted.entries_before :]
    found: list[Difference] = []
    if end.unchanged:
        found += _difference("ledger", "新的台账分录", new, [])
    if end.entries:
        wanted = [(given.unit(entry["account"]) or "", entry["asset"], entry["amount"]) for entry in end.entries]
        if wanted != new:
            found.append(("entries", "台账分录", _by_name(acted, new), _by_name(acted, wanted)))
    sums: dict[tuple[str, str], int] = defaultdict(int)
    totals: dict[str, int] = defaultdict(int)
    for unit, asset, amount in lines:
        sums[unit, asset] += amount
        totals[asset] += amount
    for asset, balances in end.balances.items():
        for name, amount in balances.items():
            held = sums[given.unit(name) or "", asset]
            found += _difference(f"balances.{asset}.{name}", f"{name}持有的 {asset}", held, amount)
    for asset, amount in end.totals.items():
        found += _difference(f"totals.{asset}", f"全部单位持有的 {asset}", totals[asset], amount)
    broken = ledger.invariants(acted.stage.tx)
    return found + ([("", "台账的平衡", broken, [])] if broken else [])


def holders_entries(acted: Acted) -> list[tuple[str, str, int]]:
    """Every entry on a unit's account so far: its code, asset, amount; oldest first."""
    stage = acted.stage
    codes = {organisation: code for code, organisation in stage.organisations.items()}
    return [
        (codes.get(line.organisation_id or 0, ""), line.asset.code, line.amount)
        for line in ledger.units_entries(stage.tx, stage.published.regulation.slug)
    ]


def _by_name(acted: Acted, entries: list[tuple[str, str, int]]) -> list[str]:
    names = {person.uscc: person.org for person in acted.stage.given.people.values()}
    return [f"{names.get(code, code)} {asset} {amount:+d}" for code, asset, amount in entries]


def _difference(key: str, of: str, found: object, wanted: object) -> list[Difference]:
    return [] if found == _exact(wanted) else [(key, of, found, wanted)]


def _exact(value: object) -> object:
    """A value as the portal holds it: TOML's fractions are not exact."""
    if isinstance(value, float):
        return Decimal(str(value))
    return {name: _exact(part) for name, part in value.items()} if isinstance(value, dict) else value
