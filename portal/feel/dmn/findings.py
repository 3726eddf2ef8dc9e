"""What is wrong with tables before any case is there: overlaps, gaps, wrong types, rules that never match.

It is computed where cells are constant. A rule with another cell is taken to overlap with none and to leave no gap, so
that nothing is told which might be right.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, islice
from operator import xor
from typing import Literal as OneOf

from portal.errors import Fault
from portal.feel import syntax
from portal.feel.budget import Budget, Meter
from portal.feel.dmn.cells import Axis, NotConstant, kind_of, listed, named
from portal.feel.dmn.model import SINGLE, Definitions, Input, Output, Rule, Table, Text, texts
from portal.feel.dmn.types import Type, is_allowed
from portal.feel.values import IN_WORDS
from portal.feel.walker import Scope, Walker

Kind = OneOf["overlap", "gap", "type", "never", "name"]

# Of each kind so many are told of one table; the first ones show what is wrong.
_TOLD = 10
# So many pieces are looked into for gaps of one table; one that needs more is too wild to be judged.
_PIECES = 2_000_000
# Cells and outputs of two thousand rules, each held against the values of its column.
_STEPS = Budget(steps=20_000_000)


@dataclass(frozen=True)
class Finding:
    """Something wrong with a file of decisions: of what kind, where, and how to mend it."""

    kind: Kind
    fault: Fault
    decision: str | None = None
    """The id of the decision it is of; None for a business knowledge model."""


def findings(definitions: Definitions, known: Collection[str] | None) -> Iterator[Finding]:
    """All findings of a file; with `known`, names that are neither of those nor declared in it are told too."""
    logics = [(one.id, f"决策“{one.name}”", one.logic, ()) for one in definitions.decisions.values()]
    models = [
        (None, f"业务知识模型“{one.name}”", one.logic, tuple(name for name, _ in one.parameters))
        for one in definitions.functions.values()
    ]
    for key, title, logic, own in (*logics, *models):
        if known is not None:
            declared = {*definitions.given, *(one.name for one in definitions.decisions.values()), *own, *known}
            for found in _unknown(definitions.file, title, list(texts(logic)), declared):
                yield replace(found, decision=key)
        if isinstance(logic, Table):
            for found in _Looked(definitions, title, logic).findings():
                yield replace(found, decision=key)


def _unknown(file: str, title: str, written: list[Text], declared: set[str]) -> Iterator[Finding]:
    told: set[tuple[str | None, str]] = set()
    for text in written:
        for path in sorted(text.expression.paths):
            if path[0] not in declared and (text.element, path[0]) not in told:
                told.add((text.element, path[0]))
                what = f"{title}：不认识的名称“{path[0]}”"
                yield Finding("name", Fault(what, "文字要加双引号；名称先声明为输入", text.element, text.line, file))


class _Unjudged(Exception):
    """A table is too wild to be looked for gaps."""


class _Looked:
    """One table under inspection."""

    def __init__(self, definitions: Definitions, title: str, table: Table) -> None:
        self.file, self.title, self.table = definitions.file, title, table
        self.walker = Walker(Scope({}), Meter(_STEPS), definitions.costs)
        self.types: list[Finding] = []
        self.axes: list[Axis] = []
        self.domains: list[int] = []
        columns = [self._column(place) for place in range(len(table.inputs))]
        self.rows: list[list[int | None]] = [[column[n] for column in columns] for n in range(len(table.rules))]
        """Of each rule, the pieces that each of its cells matches, within what there can be; None: cannot be told."""

    def findings(self) -> Iterator[Finding]:
        """What is wrong with the table."""
        yield from self.types[:_TOLD]
        yield from islice(self._outputs(), _TOLD)
        yield from islice(self._never(), _TOLD)
        yield from self._overlaps()
        try:
            yield from self._gaps()
            yield from self._shadowed()
        except _Unjudged:
            return

    # Columns

    def _column(self, place: int) -> list[int | None]:
        """Makes the axis of a column; what each rule's cell matches on it."""
        column = self.table.inputs[place]
        cells = [rule.tests[place] for rule in self.table.rules]
        limits = [limit for limit in (column.type.allowed, column.values and column.values.expression) if limit]
        values: dict[int, list[object]] = {}
        for node in (*(cell.expression.node for cell in cells), *(limit.node for limit in limits)):
            if id(node) not in values:
                try:
                    values[id(node)] = list(named(node))
                except NotConstant:
                    values[id(node)] = []
        given = [value for found in values.values() for value in found if value is not None]
        kind = column.type.kind or (kind_of(given[0]) if given else None)
        axis = Axis(kind, given)
        self.axes.append(axis)
        domain, nothing = axis.real, 1 << axis.count
        for limit in limits:
            try:
                domain &= axis.pieces(limit.node)
            except NotConstant:
                continue
        # Null is a value like any other where a cell speaks of it.
        speaks = any(None in values[id(cell.expression.node)] for cell in cells)
        self.domains.append(domain | nothing if speaks else domain)
        found: list[int | None] = []
        for number, cell in enumerate(cells, 1):
            wrong = [value for value in values[id(cell.expression.node)] if kind_of(value) not in (axis.kind, "null")]
            found.append(None if wrong else self._pieces(cell, axis, nothing, speaks))
            self._judged(cell, number, place, column, wrong, axis, domain)
        return found

    def _pieces(self, cell: Text, axis: Axis, nothing: int, speaks: bool) -> int | None:
        node = cell.expression.node
        try:
            pieces = axis.pieces(node)
        except NotConstant:
            return None
        if speaks and (isinstance(node, syntax.Literal) or self.walker.value(node, {syntax.QUESTION: None}) is True):
            pieces |= nothing
        return pieces

    def _judged(
        self, cell: Text, number: int, place: int, column: Input, wrong: list[object], axis: Axis, domain: int
    ) -> None:
        """A cell that compares with what its column cannot be."""
        where = f"第{number}条规则第{place + 1}个输入格（{column.label}）"
        if wrong:
            is_kind, should = IN_WORDS[kind_of(wrong[0])], IN_WORDS.get(axis.kind or "", "")
            what = f"{where}与{is_kind}比较，这一列是{should}"
            self._type(cell, what, f"写{should}，或改这一列的类型（typeRef）")
            return
        if not any(name == syntax.QUESTION for name in syntax.names(cell.expression.node)):
            return
        if axis.kind not in ("boolean", None) and _is_condition(cell.expression.node):
            self._type(cell, f"{where}写的是条件，却没有用“?”", "用 ? 代表这一列的值，如 ? > 5")
        if axis.ordered or axis.kind == "boolean":
            return
        for value in listed(cell.expression.node):
            if isinstance(value, str) and axis.kind == "text" and not axis.pieces(_equals(value)) & domain:
                known = "、".join(axis.told(piece) for piece in range(axis.count) if domain >> piece & 1)
                self._type(cell, f"{where}的“{value}”不是这一列的取值", f"可能的值：{known}")

    def _type(self, text: Text, what: str, mend: str) -> None:
        self.types.append(Finding("type", Fault(f"{self.title}：{what}", mend, text.element, text.line, self.file)))

    # Outputs

    def _outputs(self) -> Iterator[Finding]:
        for place, column in enumerate(self.table.outputs):
            written = [(f"第{rule.number}条规则", rule.outputs[place]) for rule in self.table.rules]
            defaults = [("默认值", column.default)] if column.default else []
            for where, text in (*written, *defaults):
                if told := self._output(column, text, place):
                    what = f"{self.title}：{where}第{place + 1}个输出格{told}"
                    mend = f"写{IN_WORDS.get(column.type.kind or '', '允许的值')}，或改这一列的类型和取值"
                    yield Finding("type", Fault(what, mend, text.element, text.line, self.file))

    def _output(self, column: Output, text: Text, place: int) -> str | None:
        """Why a constant cannot stand in an output column; None where it can, or is none."""
        node = text.expression.node
        if not isinstance(node, syntax.Literal) or node.value is None:
            return None
        if column.type.kind not in (None, kind_of(node.value)):
            return f"是{IN_WORDS[kind_of(node.value)]}，这一列是{IN_WORDS[column.type.kind or '']}"
        limits = [column.type.allowed, column.values.expression if column.values else None]
        for limit in limits:
            if limit and not limit.paths and not is_allowed(node.value, Type(allowed=limit), self.walker):
                return "的值不在这一列的取值里"
        return None

    # Rules against one another

    def _known(self, number: int) -> bool:
        return None not in self.rows[number]

    def _never(self) -> Iterator[Finding]:
        """Rules of which a cell matches nothing that there can be."""
        told = {found.fault.element for found in self.types}
        for rule, row in zip(self.table.rules, self.rows, strict=True):
            for place, pieces in enumerate(row):
                cell = rule.tests[place]
                if pieces is not None and not pieces & self.domains[place] and cell.element not in told:
                    where = f"第{place + 1}个输入格（{self.table.inputs[place].label}）"
                    what = f"{self.title}：第{rule.number}条规则永远不会符合，{where}什么值都不符合"
                    yield Finding("never", Fault(what, "改写这一格，或删去规则", cell.element, cell.line, self.file))

    def _overlaps(self) -> Iterator[Finding]:
        """Pairs of rules that match at once where the hit policy forbids it."""
        if self.table.policy not in ("UNIQUE", "ANY"):
            return
        rules, told = self.table.rules, 0
        for first, second in self._pairs():
            if self.table.policy == "ANY" and not _differ(rules[first], rules[second]):
                continue
            told += 1
            if told > _TOLD:
                return
            one, other = rules[first], rules[second]
            what = f"{self.title}：第{one.number}条与第{other.number}条规则会同时符合"
            example = self._told([self._meet(first, second, place) for place in range(len(self.axes))])
            wanted = "结果却不同" if self.table.policy == "ANY" else "而命中策略是 UNIQUE"
            mend = "改写其中一条，使它们不重叠；或改命中策略"
            yield Finding("overlap", Fault(f"{what}{example}，{wanted}", mend, other.id, other.line, self.file))

    def _meet(self, first: int, second: int, place: int) -> int:
        one, other = self.rows[first][place], self.rows[second][place]
        return (one or 0) & (other or 0) & self.domains[place]

    def _pairs(self) -> Iterator[tuple[int, int]]:
        """Pairs of rules of which every column's cells have a piece in common."""
        numbers = [number for number in range(len(self.rows)) if self._known(number)]
        meeting: list[dict[int, int]] = []
        for place, domain in enumerate(self.domains):
            rules_of: dict[int, int] = {}
            for number in numbers:
                pieces = (self.rows[number][place] or 0) & domain
                rules_of[pieces] = rules_of.get(pieces, 0) | 1 << number
            meeting.append({one: sum(rules for other, rules in rules_of.items() if one & other) for one in rules_of})
        for number in numbers:
            rules = -1 << (number + 1)
            for place, domain in enumerate(self.domains):
                rules &= meeting[place][(self.rows[number][place] or 0) & domain]
            rules &= (1 << len(self.rows)) - 1
            while rules:
                lowest = rules & -rules
                yield number, lowest.bit_length() - 1
                rules ^= lowest

    def _gaps(self) -> Iterator[Finding]:
        """What no rule covers, in a table that is to answer always."""
        if self.table.policy not in SINGLE or self.table.has_default:
            return
        gap = self._covering().gap(self.domains, (1 << len(self.rows)) - 1)
        if gap is not None:
            what = f"{self.title}：有的情形没有规则{self._told(gap)}"
            mend = "补上规则，写默认值，或在清单中写 gaps = true（没有规则时结果为空）"
            yield Finding("gap", Fault(what, mend, self.table.id, self.table.line, self.file))

    def _shadowed(self) -> Iterator[Finding]:
        """Rules that never decide because those before them always do."""
        if self.table.policy != "FIRST":
            return
        covering = self._covering()
        before = told = 0
        for number, rule in enumerate(self.table.rules):
            cells = zip(self.domains, self.rows[number], strict=True)
            box = [domain if cell is None else domain & cell for domain, cell in cells]
            if before and all(box) and covering.gap(box, before) is None and told < _TOLD:
                told += 1
                what = f"{self.title}：第{rule.number}条规则永远轮不到，前面的规则已经包括它"
                yield Finding("never", Fault(what, "删去它，或移到前面", rule.id, rule.line, self.file))
            if self._known(number):
                before |= 1 << number

    def _covering(self) -> _Covering:
        """A cell that cannot be told may match everything."""
        wholes = [axis.full | 1 << axis.count for axis in self.axes]
        rows = [[whole if cell is None else cell for cell, whole in zip(row, wholes, strict=True)] for row in self.rows]
        return _Covering(rows, [axis.count + 1 for axis in self.axes])

    def _told(self, boxes: list[int]) -> str:
        """An example of what lies in a box, in words."""
        parts = []
        for axis, column, pieces in zip(self.axes, self.table.inputs, boxes, strict=True):
            piece = (pieces & -pieces).bit_length() - 1
            if piece == axis.count:
                parts.append(f"{column.label} 没有值")
            elif axis.points:
                parts.append(f"{column.label} 为{axis.told(piece)}")
        return f"（如 {'，'.join(parts)}）" if parts else ""


class _Covering:
    """Whether rows of a table cover a box of values."""

    def __init__(self, rows: list[list[int]], counts: list[int]) -> None:
        self._at = [_at_each([row[place] for row in rows], count) for place, count in enumerate(counts)]
        self._left = _PIECES
        self._covered: set[tuple[int, int]] = set()

    def gap(self, box: list[int], rows: int) -> list[int] | None:
        """A part of the box that none of some rows (bits) covers; None where there is none.

        _Unjudged when it takes too long.
        """
        self._covered.clear()
        return self._gap(0, rows, box)

    def _gap(self, place: int, rows: int, box: list[int]) -> list[int] | None:
        if not rows:
            return box
        if place == len(self._at) or (place, rows) in self._covered:
            return None
        for covering, pieces in sorted(self._groups(place, rows, box[place]).items()):
            found = self._gap(place + 1, covering, [*box[:place], pieces, *box[place + 1 :]])
            if found is not None:
                return found
        self._covered.add((place, rows))
        return None

    def _groups(self, place: int, rows: int, pieces: int) -> dict[int, int]:
        """The rows that cover each piece of a column -> the pieces that just these cover."""
        groups: dict[int, int] = {}
        while pieces:
            lowest = pieces & -pieces
            pieces ^= lowest
            covering = self._at[place][lowest.bit_length() - 1] & rows
            groups[covering] = groups.get(covering, 0) | lowest
            self._left -= 1
        if self._left < 0:
            raise _Unjudged
        return groups


def _at_each(cells: list[int], count: int) -> list[int]:
    """The rows (bits) whose cells hold each piece of a column."""
    changes = [0] * (count + 1)
    for number, pieces in enumerate(cells):
        edges = pieces ^ pieces << 1
        while edges:
            lowest = edges & -edges
            edges ^= lowest
            if (place := lowest.bit_length() - 1) < count:
                changes[place] ^= 1 << number
    return list(accumulate(changes[:count], xor))


def _differ(one: Rule, other: Rule) -> bool:
    """Whether two rules give different constants."""
    for left, right in zip(one.outputs, other.outputs, strict=True):
        nodes = left.expression.node, right.expression.node
        if all(isinstance(node, syntax.Literal) for node in nodes) and nodes[0] != nodes[1]:
            return True
    return False


def _is_condition(node: syntax.Node) -> bool:
    """Whether a cell compares its value with whether something else holds."""
    match node:
        case syntax.In(syntax.Name("?"), (test,)):
            conditions = syntax.Compare | syntax.Between | syntax.In | syntax.Both | syntax.Either | syntax.Quantified
            return isinstance(test, conditions)
        case syntax.Either(operands) | syntax.Invocation("not", operands):
            return any(map(_is_condition, operands))
    return False


def _equals(value: object) -> syntax.Node:
    return syntax.In(syntax.Name(syntax.QUESTION), (syntax.Literal(value),))
