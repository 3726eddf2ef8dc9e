"""Whether expressions ask the registers for what they hold, `record("register", [key, …]).field`, and of an
organisation what is known of it, `registered(code).name`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from portal.feel import syntax
from portal.procedures.checks.values import Unknown, nearest
from portal.procedures.expressions import NAMES
from portal.registers.rules import STATE, Register

FUNCTION, OF_UNIT = "record", "registered"


@dataclass(frozen=True)
class _Asked:
    """One call with what is read of its answer (None: all of it) and the texts that this is compared with."""

    register: str | None
    keys: int | None
    part: str | None
    texts: tuple[str, ...] = ()


def faults(node: syntax.Node, register_of: Callable[[str | None], Register | Unknown | None]) -> Iterator[Unknown]:
    """What is wrong with the calls of `record` in an expression; `register_of` knows the registers."""
    said = set()
    for asked in sorted(set(_calls(node)), key=str):
        for fault in _faults(asked, register_of(asked.register)):
            if fault not in said:
                said.add(fault)
                yield fault


def unit_faults(node: syntax.Node) -> Iterator[Unknown]:
    """The parts that calls of `registered` ask for and that no organisation has, each once."""
    known = NAMES["party"]
    found = sorted(key for key in _unit_parts(node) if key not in known)
    yield from (Unknown(f"“{OF_UNIT}”没有“{key}”", nearest(key, known)) for key in dict.fromkeys(found))


def _unit_parts(node: syntax.Node) -> Iterator[str]:
    match node:
        case syntax.Step(syntax.Invocation(function), key) if function == OF_UNIT:
            yield key
    for part in syntax.parts(node):
        yield from _unit_parts(part)


def _faults(asked: _Asked, register: Register | Unknown | None) -> Iterator[Unknown]:
    if isinstance(register, Unknown):
        yield register
    if not isinstance(register, Register):
        return
    if asked.keys is not None and asked.keys != len(register.key):
        what = f"名册“{register.name}”的键有 {len(register.key)} 项，这里给出 {asked.keys} 项"
        yield Unknown(what, f'写成 record("{register.name}", [{", ".join(register.key)}])')
    if asked.part is not None and asked.part not in {*register.fields, STATE}:
        what = f"名册“{register.name}”没有字段“{asked.part}”"
        yield Unknown(what, f"可用：{'、'.join([*register.fields, STATE])}")
    for text in asked.texts:
        if asked.part == STATE and text not in register.states:
            yield Unknown(f"名册“{register.name}”没有状态“{text}”", f"可能的值：{'、'.join(register.states)}")


def _calls(node: syntax.Node) -> Iterator[_Asked]:
    match node:
        case syntax.Compare("=" | "!=", left, right):
            yield from _compared(left, right)
            yield from _compared(right, left)
        case syntax.Step(base, key) if (asked := _call(base, key)) is not None:
            yield asked
        case syntax.Invocation() if (asked := _call(node, None)) is not None:
            yield asked
    for part in syntax.parts(node):
        # What is read of an answer was looked at with it.
        if not (isinstance(node, syntax.Step) and _call(part, None) is not None):
            yield from _calls(part)
        elif isinstance(part, syntax.Invocation):
            for argument in part.arguments:
                yield from _calls(argument)


def _compared(asking: syntax.Node, other: syntax.Node) -> Iterator[_Asked]:
    asked = _call(asking.base, asking.key) if isinstance(asking, syntax.Step) else None
    if asked is not None and isinstance(other, syntax.Literal) and isinstance(other.value, str):
        yield _Asked(asked.register, asked.keys, asked.part, (other.value,))


def _call(node: syntax.Node, part: str | None) -> _Asked | None:
    if not isinstance(node, syntax.Invocation) or node.function != FUNCTION:
        return None
    name, key = node.arguments
    register = name.value if isinstance(name, syntax.Literal) and isinstance(name.value, str) else None
    return _Asked(register, len(key.elements) if isinstance(key, syntax.Elements) else None, part)
