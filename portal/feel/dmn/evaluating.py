"""How a decision is made: the values it asks for, the rules that match, and what they give together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from portal.errors import PortalError
from portal.feel.budget import Budget, Meter
from portal.feel.builtins import BUILTINS
from portal.feel.dmn.model import SINGLE, Decision, Definitions, Function, Logic, Rule, Table, Text
from portal.feel.dmn.types import ANY, Type, conform
from portal.feel.errors import FeelLimit
from portal.feel.syntax import QUESTION, Literal
from portal.feel.values import Value, delivered, equal, plain
from portal.feel.walker import Scope, Walker

# 2,000 rules of a dozen columns, most of which differ in one of the first.
TABLES = Budget(steps=400_000)


class RulesDisagree(PortalError):
    """Several rules of a table match, of which only one may, or which give different things."""

    zh = "决策“{decision}”的第{rules}条规则同时符合，而表要求{wanted}。请修改决策表。"
    en = "Rules {rules} of the decision “{decision}” match at once, against its hit policy: mend the table."

    def __init__(self, decision: str, rules: tuple[int, ...], wanted: str) -> None:
        self.rules = rules
        PortalError.__init__(self, decision=decision, rules="、".join(map(str, rules)), wanted=wanted)


@dataclass(frozen=True)
class Matched:
    """A rule that matched and has its say: its id, its number from 1, its annotations by name."""

    rule: str
    number: int
    notes: Mapping[str, str]


@dataclass(frozen=True)
class Outcome:
    """What a decision gave, by which rules, and what the decisions before it gave, by name.

    `matched` is empty where no rule matched (the value is then the table's default, an empty list or null), and
    for a decision that is no table.
    """

    value: Value
    matched: tuple[Matched, ...] = ()
    before: Mapping[str, Outcome] = field(default_factory=dict)


def evaluate(definitions: Definitions, wanted: Decision, scope: Scope, budget: Budget = TABLES) -> Outcome:
    """Makes a decision, after those that it requires.

    RulesDisagree where a table's hit policy is violated, FeelLimit beyond the budget, FeelScope for anything but
    plain data.
    """
    making = _Making(definitions, scope, budget)
    try:
        return making.made(wanted)
    except RecursionError as error:
        raise FeelLimit("决策嵌套过深") from error


class _Seen(Mapping[str, object]):
    """The names of a scope, input data held to their types, and over them what has been decided."""

    def __init__(self, making: _Making, below: Mapping[str, object]) -> None:
        self._making, self._below = making, below
        self.decided: dict[str, object] = {}
        self._given: dict[str, object] = {}

    def __getitem__(self, name: str) -> object:
        if name in self.decided:
            return self.decided[name]
        given = self._making.definitions.given.get(name)
        if given is None:
            return self._below[name]
        if name not in self._given:
            self._given[name] = conform(plain(self._below[name]), given.type, self._making.walker)
        return self._given[name]

    def __iter__(self) -> Iterator[str]:
        return iter({*self.decided, *self._below})

    def __len__(self) -> int:
        return len({*self.decided, *self._below})


class _Making:
    """One evaluation of one decision."""

    def __init__(self, definitions: Definitions, scope: Scope, budget: Budget) -> None:
        self.definitions = definitions
        self.seen = _Seen(self, scope.names)
        called = {name: self._calling(function) for name, function in definitions.functions.items()}
        functions = {**scope.functions, **called}
        self.walker = Walker(Scope(self.seen, functions), Meter(budget), definitions.costs)

    def made(self, wanted: Decision) -> Outcome:
        outcomes: dict[str, Outcome] = {}
        for decision in self.definitions.before(wanted):
            value, matched = self._value(decision.logic, {}, decision.name)
            value = conform(value, decision.type, self.walker)
            names = [self.definitions.decisions[one].name for one in decision.requires]
            before = {name: outcomes[name] for name in names}
            self.seen.decided[decision.name] = value
            outcomes[decision.name] = Outcome(delivered(value, self.walker.meter), matched, before)
        return outcomes[wanted.name]

    def _calling(self, function: Function) -> Callable[..., object]:
        def run(*arguments: object) -> object:
            given = zip(function.parameters, arguments, strict=True)
            bound = {name: conform(plain(value), wanted, self.walker) for (name, wanted), value in given}
            value, _ = self._value(function.logic, bound, function.name)
            return conform(value, function.type, self.walker)

        return run

    def _value(self, logic: Logic, bound: Mapping[str, object], name: str) -> tuple[object, tuple[Matched, ...]]:
        if isinstance(logic, Text):
            return self.walker.value(logic.expression.node, bound), ()
        found = _Asked(self.walker, logic, bound, name)
        return found.value(), tuple(Matched(rule.id, rule.number, rule.notes) for rule in found.rules)


class _Asked:
    """A table that is asked: the rules that match and have their say."""

    def __init__(self, walker: Walker, table: Table, bound: Mapping[str, object], name: str) -> None:
        self._walker, self._table, self._bound, self._name = walker, table, bound, name
        self.rules = self._chosen(list(self._matching()))

    def _matching(self) -> Iterator[Rule]:
        columns = [self._given(place) for place in range(len(self._table.inputs))]
        bindings = [{**self._bound, QUESTION: value} for value in columns]
        for rule in self._table.rules:
            self._walker.meter.charge(1)
            if all(self._passes(test, bound) for test, bound in zip(rule.tests, bindings, strict=True)):
                yield rule
                if self._table.policy == "FIRST":
                    return

    def _given(self, place: int) -> object:
        """What a column's expression gives; null where it is not of the column's type, or none of its values."""
        column = self._table.inputs[place]
        allowed = column.values.expression if column.values else None
        value = self._walker.value(column.asked.expression.node, self._bound)
        typed = conform(value, column.type, self._walker)
        return typed if allowed is None else conform(typed, Type(allowed=allowed), self._walker)

    def _passes(self, test: Text, bound: Mapping[str, object]) -> bool:
        node = test.expression.node
        return isinstance(node, Literal) or self._walker.value(node, bound) is True

    def _chosen(self, rules: list[Rule]) -> tuple[Rule, ...]:
        match self._table.policy:
            case "UNIQUE" if len(rules) > 1:
                raise self._disagree(rules, "至多一条符合")
            case "ANY" if rules and not self._agree(rules):
                raise self._disagree(rules, "同时符合的规则结果相同")
            case "PRIORITY":
                return tuple(sorted(rules, key=self._rank)[:1])
            case "OUTPUT ORDER":
                return tuple(sorted(rules, key=self._rank))
            case _:
                return tuple(rules)

    def _disagree(self, rules: list[Rule], wanted: str) -> RulesDisagree:
        return RulesDisagree(self._name, tuple(rule.number for rule in rules), wanted)

    def _agree(self, rules: list[Rule]) -> bool:
        first = self._given_by(rules[0])
        return all(equal(first, self._given_by(rule), self._walker.meter) is True for rule in rules[1:])

    def _rank(self, rule: Rule) -> tuple[int, ...]:
        """Where a rule stands by the order of its outputs' values; values that are not listed come last."""
        ranks = []
        for column, text in zip(self._table.outputs, rule.outputs, strict=True):
            value = self._output(text, column.type)
            same = (equal(value, listed, self._walker.meter) is True for listed in column.order)
            ranks.append(next((place for place, found in enumerate(same) if found), len(column.order)))
        return tuple(ranks)

    def value(self) -> object:
        """What the table gives."""
        single = self._table.policy in SINGLE
        if self._table.aggregation:
            return self._aggregated()
        if not self.rules:
            default = self._default() if self._table.has_default else None
            return default if single else [default] if self._table.has_default else []
        given = [self._given_by(rule) for rule in (self.rules[:1] if single else self.rules)]
        return given[0] if single else self._walker.meter.list(given)

    def _aggregated(self) -> object:
        if not self.rules and self._table.has_default:
            return self._default()
        if self._table.aggregation == "COUNT":
            return Decimal(len(self.rules))
        given = [self._given_by(rule) for rule in self.rules]
        function = str(self._table.aggregation).lower()
        return BUILTINS[function].run(self._walker.meter, given)

    def _given_by(self, rule: Rule) -> object:
        return self._together(rule.outputs)

    def _default(self) -> object:
        return self._together(tuple(column.default for column in self._table.outputs))

    def _together(self, texts: tuple[Text | None, ...]) -> object:
        """The value of a table with one output, the entries of one with several."""
        columns = self._table.outputs
        values = [self._output(text, column.type) for text, column in zip(texts, columns, strict=True)]
        if len(columns) == 1:
            return values[0]
        return {column.name: value for column, value in zip(columns, values, strict=True)}

    def _output(self, text: Text | None, wanted: Type) -> object:
        value = self._walker.value(text.expression.node, self._bound) if text else None
        return value if wanted == ANY else conform(value, wanted, self._walker)
