"""What is known of what actions, decisions and the portal's functions give."""

from __future__ import annotations

from collections.abc import Mapping

from portal.feel import syntax
from portal.feel.dmn import SINGLE, Decision
from portal.feel.dmn import Table as DecisionTable
from portal.procedures.checks.values import (
    ANY,
    DATE,
    FLAG,
    KIND_OF,
    LIST,
    NUMBER,
    RECORD,
    TEXT,
    Columns,
    Value,
    table_of,
)
from portal.procedures.checks.whole import Subject, Whole
from portal.procedures.drawing import Action
from portal.registers.rules import KINDS, STATE, Register

DRAW = "experts.draw"
_TEXTS = Value(LIST, of=Value(TEXT))
# What does not hang on who asks, nor on what is asked for; `record` and `registered` are looked at by themselves.
_FUNCTIONS: Mapping[str, Value] = {
    "visits": Value(NUMBER),
    "in_force": Value(FLAG),
    "in_force_on": Value(FLAG),
    "handed_in_before": _TEXTS,
    "file_hash": Value(TEXT),
    "working days": Value(DATE),
}
_YIELDED: Mapping[tuple[str, str], Value] = {
    (DRAW, "draw"): Value(NUMBER),
    (DRAW, "sha256"): Value(TEXT),
    ("experts.replace", "number"): Value(TEXT),
    ("documents.issue", "number"): Value(TEXT),
    ("cases.start_each", "count"): Value(NUMBER),
    ("instrument.bind", "number"): Value(TEXT),
}


def of_action(whole: Whole, action: Action, name: str) -> Value:
    """What an action yields under a name."""
    register = whole.regulation.registers.get(action.inputs.get("register", ""))
    if (action.name, name) == (DRAW, "seats"):
        return table_of({"seat": Value(NUMBER), **_fields(register)}) if register is not None else Value(LIST)
    return _YIELDED.get((action.name, name), ANY)


def of_function(whole: Whole, subject: Subject, function: str, first: str | None) -> Value:
    """What one of the portal's functions gives a procedure, asked with a first argument (None: not a constant)."""
    if function in ("objections", "earlier_objections"):
        return Value(LIST, of=Value(TEXT, _outcomes_of_objections(whole, subject, first or "")))
    if function == "seated":
        return _seated(whole, subject)
    return _FUNCTIONS.get(function, ANY)


def _outcomes_of_objections(whole: Whole, subject: Subject, publicity: str) -> frozenset[str] | None:
    rule = subject.procedure.manifest.publicity.get(publicity)
    objecting = whole.subjects.get(rule.objections or "") if rule is not None else None
    return frozenset(end.name for end in objecting.procedure.drawing.of_kind("endEvent")) if objecting else None


def _seated(whole: Whole, subject: Subject) -> Value:
    """Somebody of the register that a procedure draws from, where it is one."""
    drawing = (one.action for _, one in subject.procedure.elements() if one.action and one.action.name == DRAW)
    registers = {action.inputs.get("register", "") for action in drawing}
    register = whole.regulation.registers.get(next(iter(registers))) if len(registers) == 1 else None
    return Value(RECORD, parts=_fields(register)) if register is not None else ANY


def _fields(register: Register) -> Columns:
    """What a record holds, as FEEL has it."""
    kinds = {name: KINDS[kind] for name, kind in register.fields.items()}
    fields = {name: _TEXTS if kind.several else Value(NUMBER if kind.number else TEXT) for name, kind in kinds.items()}
    dates = {name: Value(DATE) for name, kind in register.fields.items() if kind == "date"}
    return {**fields, **dates, STATE: Value(TEXT, frozenset(register.states))}


def outputs(decision: Decision) -> dict[str, Value]:
    """What a decision gives, by name; `value` where it gives one thing, or a list."""
    logic = decision.logic
    if decision.type.many or (
        isinstance(logic, DecisionTable) and logic.policy not in SINGLE and not logic.aggregation
    ):
        return {"value": Value(LIST)}
    if isinstance(logic, DecisionTable) and len(logic.outputs) > 1:
        return {column.name: _of_output(logic, place) for place, column in enumerate(logic.outputs)}
    if decision.type.entries is not None:
        return {name: Value(KIND_OF.get(entry.kind or "")) for name, entry in decision.type.entries.items()}
    if isinstance(logic, DecisionTable) and not logic.aggregation:
        return {"value": _of_output(logic, 0)}
    return {"value": Value(KIND_OF.get(decision.type.kind or ""))}


def reasons_of(decision: Decision) -> frozenset[str] | None:
    """The reasons that a table can give: its column `reason`, or its only one, where each rule writes the text out."""
    logic = decision.logic
    if not isinstance(logic, DecisionTable) or logic.aggregation:
        return None
    places = [place for place, one in enumerate(logic.outputs) if one.name == "reason" or len(logic.outputs) == 1]
    texts = [rule.outputs[place] for place in places for rule in logic.rules]
    texts += [default for place in places if (default := logic.outputs[place].default) is not None]
    values = [node.value if isinstance(node := text.expression.node, syntax.Literal) else node for text in texts]
    if not places or not all(value is None or isinstance(value, str) for value in values):
        return None
    return frozenset(value for value in values if isinstance(value, str))


def _of_output(table: DecisionTable, place: int) -> Value:
    """What is known of an output column: its kind, and its texts where all of them are constant."""
    column = table.outputs[place]
    nodes = [rule.outputs[place].expression.node for rule in table.rules]
    nodes += [column.default.expression.node] if column.default else []
    constant = [node.value for node in nodes if isinstance(node, syntax.Literal)]
    known = frozenset(value for value in constant if isinstance(value, str))
    options = known if len(constant) == len(nodes) and column.type.kind == "text" else None
    return Value(LIST if column.type.many else KIND_OF.get(column.type.kind or ""), options)
