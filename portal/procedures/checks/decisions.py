"""Whether decisions hold together: their files, their tables, what they ask of a case, and who asks them."""

from __future__ import annotations

from collections.abc import Iterator

from portal.errors import ContentFaults, Fault
from portal.feel import Call, dmn, syntax
from portal.feel.dmn import Decision, Decisions, Table
from portal.procedures.checks import answers, expressions, reading
from portal.procedures.checks.expressions import Where
from portal.procedures.checks.names import Names
from portal.procedures.checks.values import KIND_OF, RECORD, TEXT, Columns, Found, Path, Unknown, Value, deeper
from portal.procedures.checks.whole import Subject, Whole, at
from portal.procedures.content import Content
from portal.procedures.drawing import Drawing, Element
from portal.procedures.functions import FUNCTIONS
from portal.procedures.manifest import DecisionRule
from portal.procedures.spelling import instead
from portal.registers.rules import Register

# What the action that draws from a register lays over the names of the case when it asks a table.
_LAID_OVER = frozenset({"candidate"})
_QUOTED = "文字要写在双引号里"


def of_files(content: Content) -> Iterator[Fault]:
    """The faults of the files by themselves: what cannot be read, and tables that are wrong whoever uses them."""
    for file, data in sorted(content.files.items()):
        if not file.endswith(".dmn"):
            continue
        try:
            read = dmn.read(data, file, FUNCTIONS)
        except ContentFaults as error:
            yield from error.faults
            continue
        yield from (found.fault for found in read.findings() if found.kind != "gap")


def faults(whole: Whole, subject: Subject) -> Iterator[Fault]:
    """The faults of a procedure's decisions, and of the tasks that ask for them."""
    for drawn, element in subject.procedure.elements():
        yield from _asking(subject, drawn, element)
    for rule in subject.procedure.manifest.decisions.values():
        yield from _Ruled(whole, subject, rule).faults()


def _asking(subject: Subject, drawn: Drawing, element: Element) -> Iterator[Fault]:
    known = subject.procedure.manifest.decisions
    if element.kind == "businessRuleTask" and not element.decide:
        yield at(drawn, element, "业务规则任务没有说明查哪张决策表", '写 <portal:decide tables="…"/>')
    for key in element.decide:
        if key not in known:
            mend = f"{instead(key, known)}；或在 procedure.toml 中写 [decisions.{key}]"
            yield at(drawn, element, f"没有名为“{key}”的决策", mend)
    for key in {key for key in element.decide if element.decide.count(key) > 1}:
        yield at(drawn, element, f"决策“{key}”写了两次", "删去一个")


class _Ruled:
    """One decision of a manifest."""

    def __init__(self, whole: Whole, subject: Subject, rule: DecisionRule) -> None:
        self.whole, self.subject, self.rule = whole, subject, rule
        self.name = f"decisions.{rule.name}"

    def faults(self) -> Iterator[Fault]:
        """What is wrong with it."""
        yield from self._reasoned()
        places = list(self._places())
        if not places and self.subject.complete:
            mend = f'在业务规则任务上写 <portal:decide tables="{self.rule.name}"/>，或删去'
            yield self.subject.fault(self.name, f"没有什么用到决策“{self.rule.name}”", mend)
        read = self.subject.procedure.decisions.get(self.rule.name)
        if read is None:
            return
        needed = read.before(read.decision(self.rule.decision))
        yield from self._gaps(read, {one.id for one in needed})
        drawn = self.subject.procedure.drawing
        for names in places or [_TableNames(read, Names(self.whole, self.subject, drawn), False)]:
            for decision in needed:
                yield from _spoken(read, decision, names)

    def _places(self) -> Iterator[_TableNames]:
        """The names seen from each element that asks for it."""
        read = self.subject.procedure.decisions.get(self.rule.name)
        for drawn, element in self.subject.procedure.elements():
            handed = element.action is not None and self.rule.name in element.action.inputs.values()
            if self.rule.name in element.decide or handed:
                yield _TableNames(read, Names(self.whole, self.subject, drawn, element.id), handed)

    def _reasoned(self) -> Iterator[Fault]:
        """An article, or a reason in place of one: one of them, and a file says only one."""
        rule, tables = self.rule, (self.subject.own, *self.subject.under)
        written = [f"{self.name}.basis", f"basis.{rule.name}"]
        if not (rule.basis or rule.assumed or any(table.holds(key) for key in written for table in tables)):
            mend = f'写 basis = {{ {rule.name} = "…" }}，文本没有规定时写 assumed = "…"'
            yield self.subject.fault(self.name, f"决策“{rule.title or rule.name}”没有写依据哪一条", mend)
        if any(all(table.holds(f"{self.name}.{key}") for key in ("basis", "assumed")) for table in tables):
            what = f"决策“{rule.title or rule.name}”既写了 basis 又写了 assumed"
            yield self.subject.fault(f"{self.name}.assumed", what, "留下一个")

    def _gaps(self, read: Decisions, needed: set[str]) -> Iterator[Fault]:
        if self.rule.gaps:
            return
        for found in read.findings():
            if found.kind == "gap" and (found.decision is None or found.decision in needed):
                yield found.fault


def _spoken(read: Decisions, decision: Decision, names: _TableNames) -> Iterator[Fault]:
    """What the expressions of a decision ask of the case."""
    for text in dmn.texts(decision.logic):
        where = Where(f"决策“{decision.name}”", read.file, text.element, text.line)
        yield from expressions.spoken(text.expression, where, names)
    if isinstance(decision.logic, Table):
        yield from _typed(read, decision, decision.logic, names)


def _typed(read: Decisions, decision: Decision, table: Table, names: _TableNames) -> Iterator[Fault]:
    """Columns that ask for something of another kind, or compare it with what it cannot be."""
    for place, column in enumerate(table.inputs):
        found = reading.value_of(column.asked.expression.node, names)
        where = Where(f"决策“{decision.name}”第{place + 1}个输入列", read.file, column.asked.element, column.asked.line)
        wanted = KIND_OF.get(column.type.kind or "")
        if wanted is not None and found.kind not in (wanted, None):
            what = f"“{column.asked.expression.text}”是{found.kind}，这一列写的是{wanted}"
            yield where.fault(what, "改这一列的类型（typeRef），或改表达式")
        elif found.options is not None and found.kind == TEXT:
            yield from _chosen(read, decision, table, place, found.options)
    for place, answer in enumerate(table.outputs):
        yield from _answered(read, decision, table, place, KIND_OF.get(answer.type.kind or ""), names)


def _answered(
    read: Decisions, decision: Decision, table: Table, place: int, wanted: str | None, names: _TableNames
) -> Iterator[Fault]:
    """What is worked out in an output column and is of another kind; what is written out is told with the table."""
    for rule in table.rules:
        written = rule.outputs[place]
        found = reading.value_of(written.expression.node, names).kind
        constant = isinstance(written.expression.node, syntax.Literal)
        if not constant and not table.outputs[place].type.many and None not in (wanted, found) and found != wanted:
            where = Where(f"决策“{decision.name}”第{rule.number}条规则", read.file, written.element, written.line)
            what = f"第{place + 1}个输出格“{written.expression.text}”是{found}，这一列是{wanted}"
            yield where.fault(what, f"写{wanted}，或改这一列的类型（typeRef）")


def _chosen(read: Decisions, decision: Decision, table: Table, place: int, options: frozenset[str]) -> Iterator[Fault]:
    """Cells that name a text which cannot be chosen in the form."""
    for rule in table.rules:
        cell = rule.tests[place]
        for value in dmn.listed(cell.expression.node):
            if isinstance(value, str) and value not in options:
                where = Where(f"决策“{decision.name}”第{rule.number}条规则", read.file, cell.element, cell.line)
                mend = f"可能的值：{'、'.join(sorted(options))}"
                yield where.fault(f"“{table.inputs[place].asked.expression.text}”不会是“{value}”", mend)


class _TableNames:
    """What a table sees: the other decisions of its file, then the names of the case."""

    def __init__(self, read: Decisions | None, names: Names, handed: bool) -> None:
        self._decided = {one.name: one for one in read.decisions.values()} if read else {}
        self._names, self._laid_over = names, _LAID_OVER if handed else frozenset()

    def value(self, path: Path) -> Found:
        """What stands behind a path."""
        if path[0] in self._laid_over or path[0] == "?":
            return None
        if path[0] in self._decided:
            return deeper(path[:1], path[1:], self._decision(self._decided[path[0]]))
        found = self._names.value(path)
        return Unknown(found.what, f"{found.mend}；{_QUOTED}") if isinstance(found, Unknown) else found

    def columns(self, path: Path) -> Columns | None:
        """The columns of the table that stands behind a path; None where that cannot be told."""
        return None if path[0] in self._decided else self._names.columns(path)

    def _decision(self, decision: Decision) -> Value:
        """What another decision of the file gives: what its type says, or what is written there."""
        if not isinstance(decision.logic, Table):
            given = reading.value_of(decision.logic.expression.node, self)
            return Value(KIND_OF.get(decision.type.kind or "")) if given.kind is None else given
        said = answers.outputs(decision)
        return said["value"] if "value" in said else Value(RECORD, parts=said)

    def answer(self, function: str, first: str | None) -> Value:
        """What one of the portal's functions gives, asked with a first argument (None: not a constant)."""
        return self._names.answer(function, first)

    def asked(self, call: Call) -> Unknown | None:
        """Why a call of one of the portal's functions can have no answer, if it can have none."""
        return self._names.asked(call) if call.function in FUNCTIONS else None

    def register(self, name: str | None) -> Register | Unknown | None:
        """The register that a constant name means."""
        return self._names.register(name)
