"""Whether every gateway without a default has a way out for each value that its conditions ask for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import combinations, product
from math import prod

from portal import feel
from portal.errors import Fault
from portal.feel import FeelError, syntax
from portal.procedures.checks import comparisons
from portal.procedures.checks.names import OUTCOME, Names
from portal.procedures.checks.values import FLAG, Path, Value
from portal.procedures.checks.ways import ends_diagram, reached
from portal.procedures.checks.whole import Subject, Whole, at
from portal.procedures.drawing import Drawing, Element, Flow
from portal.procedures.functions import FUNCTIONS

Said = str | bool | None
"""One of the values that can stand behind a path; None where nothing was said."""
Case = Mapping[Path, Said]
Truth = frozenset[bool | None]
"""What a condition can come to."""

_OPEN: Truth = frozenset({True, False, None})
_MOST = 500
"""Cases of one gateway that are looked at; of one with more nothing is said."""


def faults(whole: Whole, subject: Subject, drawn: Drawing, misread: Collection[str]) -> Iterator[Fault]:
    """The gateways of a diagram at which a case can come to stand still; `misread` are those told of already."""
    conditions = {flow.id: read for flow in drawn.flows.values() if (read := _read(flow)) is not None}
    for gateway in drawn.of_kind("exclusiveGateway"):
        flows = drawn.out(gateway.id)
        if gateway.default or gateway.id in misread:
            continue
        if flows and all(flow.id in conditions for flow in flows):
            yield from _Gateway(whole, subject, drawn, gateway, conditions).faults()


def _read(flow: Flow) -> feel.Expression | None:
    """The condition of a flow; None where there is none, or none that is FEEL, which is told elsewhere."""
    text = flow.condition or ""
    try:
        return feel.compile(text[1:], FUNCTIONS) if text.startswith("=") else None
    except FeelError:
        return None


class _Gateway:
    def __init__(
        self,
        whole: Whole,
        subject: Subject,
        drawn: Drawing,
        gateway: Element,
        conditions: Mapping[str, feel.Expression],
    ) -> None:
        self.subject, self.drawn, self.gateway, self.conditions = subject, drawn, gateway, conditions
        self.names = Names(whole, subject, drawn, gateway.id)
        self.ways = [conditions[flow.id].node for flow in drawn.out(gateway.id)]

    def faults(self) -> Iterator[Fault]:
        """The values for which none of the conditions can be true, as far as a case can come here with them."""
        known = {path: values for path in sorted(set(_paths(self.ways))) if (values := self._values(path))}
        if prod(len(values) for values in known.values()) > _MOST:
            return
        lost: list[Case] = []
        for size in range(1, len(known) + 1):
            for chosen in combinations([path for path in known if size == 1 or self._is_free(path)], size):
                for said in product(*(known[path] for path in chosen)):
                    case = dict(zip(chosen, said, strict=True))
                    if not any(less.items() <= case.items() for less in lost) and self._lost(case):
                        lost.append(case)
        if lost:
            what = f"没有出路的情形：{'；'.join(_told(case) for case in lost)}"
            yield at(self.drawn, self.gateway, what, "为这种情形画一条顺序流，或设一条默认流")

    def _lost(self, case: Case) -> bool:
        return not any(True in _truth(way, case) for way in self.ways) and self._comes(case)

    def _comes(self, case: Case) -> bool:
        """Whether the case can come here from where each of the values is said.

        A way whose condition asks for more that was said at the same place is not counted: both may hang together.
        """
        closed = {flow.id for flow in self.drawn.flows.values() if not self._is_open(flow, case)}
        said_at = {path[0] for path in case}
        return all(self.gateway in reached(self.drawn, self.drawn.elements[key], closed=closed) for key in said_at)

    def _is_open(self, flow: Flow, case: Case) -> bool:
        beside = [self.conditions[one.id] for one in self.drawn.out(flow.source) if one.id in self.conditions]
        own = self.conditions.get(flow.id)
        places = {path[0] for path in case}
        asked = {path for one in (beside if own is None else [own]) for path in one.paths}
        if any(path[0] in places and path not in case for path in asked):
            return False
        if own is not None:
            return True in _truth(own.node, case)
        return all(_truth(one.node, case) != {True} for one in beside)

    def _values(self, path: Path) -> list[Said]:
        """The values that a path can have where that is a closed set of what is said in this diagram, else none."""
        element = self.drawn.elements.get(path[0])
        found = self.names.value(path)
        if element is None or not element.yields or element.each is not None or not isinstance(found, Value):
            return []
        if element.kind in ("callActivity", "subProcess"):
            return [*sorted(self._outcomes(element))] if path[1:] == (OUTCOME,) else []
        field = self.names.field(path)
        if found.kind == FLAG:
            return [True] if field is not None and field.kind.required else [True, False]
        if found.options is None:
            return []
        unsaid = field is not None and not field.kind.required and not field.hidden_when
        return [*sorted(found.options), *([None] if unsaid else [])]

    def _is_free(self, path: Path) -> bool:
        """Whether a value hangs on nothing else: a field that is always asked, and takes each of its answers."""
        field = self.names.field(path)
        return field is not None and not field.hidden_when and field.options is None and field.refuse is None

    def _outcomes(self, element: Element) -> Iterator[str]:
        """The names of the ends by which what is called, or drawn inside, can be left."""
        called = self.subject.procedure.calls.get((self.drawn.name, element.id), "")
        inner = self.subject.procedure.drawings.get(called)
        if element.kind == "callActivity" and inner is not None:
            yield from (end.name for end in inner.of_kind("endEvent") if ends_diagram(inner, end))
        elif element.kind == "subProcess":
            yield from (end.name for end in self.drawn.of_kind("endEvent") if end.parent == element.id)


def _told(case: Case) -> str:
    return "，".join(f"“{'.'.join(path)}”{_SAID.get(value, f'为“{value}”')}" for path, value in case.items())


_SAID: Mapping[Said, str] = {None: "没有填写", True: "为“是”", False: "为“否”"}


def _paths(nodes: Iterable[syntax.Node]) -> Iterator[Path]:
    """The paths of which conditions ask what was said."""
    for node in nodes:
        match node:
            case syntax.Both(parts) | syntax.Either(parts) | syntax.Invocation("not", parts):
                yield from _paths(parts)
            case syntax.Conditional(test, yes, no):
                yield from _paths((test, yes, no))
            case syntax.Compare("=" | "!=", left, right):
                yield from (*comparisons.paths(left), *comparisons.paths(right))
            case syntax.In(operand, _):
                yield from comparisons.paths(operand)
            case _:
                yield from comparisons.paths(node)


def _truth(node: syntax.Node, case: Case) -> Truth:
    """What a condition can come to in a case; anything, where that hangs on something else."""
    match node:
        case syntax.Literal(bool() | None as value):
            return frozenset({value})
        case syntax.Both(operands):
            return _joined([_truth(one, case) for one in operands], decisive=False)
        case syntax.Either(operands):
            return _joined([_truth(one, case) for one in operands], decisive=True)
        case syntax.Invocation("not", (operand,)):
            return frozenset(value if value is None else not value for value in _truth(operand, case))
        case syntax.Conditional(test, yes, no):
            tested = _truth(test, case)
            taken = ([yes] if True in tested else []) + ([no] if tested != {True} else [])
            return frozenset().union(*(_truth(one, case) for one in taken))
        case syntax.Compare("=" | "!=" as sign, left, right):
            return _compared(left, right, case, same=sign == "=")
        case syntax.In(operand, tests) if all(isinstance(test, syntax.Literal) for test in tests):
            return _joined([_compared(operand, test, case, same=True) for test in tests], decisive=True)
        case syntax.Name() | syntax.Step():
            for path in comparisons.paths(node):
                said = case.get(path, "")
                return _OPEN if isinstance(said, str) else frozenset({said})
    return _OPEN


def _joined(parts: list[Truth], *, decisive: bool) -> Truth:
    """What several conditions come to together: one that is decisive decides (false in `and`, true in `or`)."""
    found: set[bool | None] = set()
    if any(decisive in part for part in parts):
        found.add(decisive)
    if all(part - {decisive} for part in parts):
        found |= {not decisive} if all((not decisive) in part for part in parts) else set()
        found |= {None} if any(None in part for part in parts) else set()
    return frozenset(found)


def _compared(left: syntax.Node, right: syntax.Node, case: Case, *, same: bool) -> Truth:
    for one, other in ((left, right), (right, left)):
        path = next(iter(comparisons.paths(one)), ())
        if path in case and isinstance(other, syntax.Literal) and isinstance(other.value, str | bool | None):
            return frozenset({(case[path] == other.value) is same})
    return _OPEN
