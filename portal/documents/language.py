"""The part of Jinja a letter may use: paths, four filters, if and for; nothing can be called."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from jinja2 import ChainableUndefined, Undefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from portal.documents.filters import FILTERS, ValueUnfit, given
from portal.errors import Fault

QR = "qr"
LOOP_NAMES = frozenset({"index", "first", "last", "length"})
_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Names(dict[str, object]):
    """Named values at a path; the only thing a dot may look into."""

    def __init__(self, values: Mapping[str, object], path: str) -> None:
        super().__init__(values)
        self.path = path


class Environment(ImmutableSandboxedEnvironment):
    """Jinja over plain data: dots read names, nothing is called, computed or reached through an attribute."""

    intercepted_binops = frozenset(ImmutableSandboxedEnvironment.default_binop_table)
    intercepted_unops = frozenset(ImmutableSandboxedEnvironment.default_unop_table)

    def __init__(self) -> None:
        super().__init__(autoescape=True, undefined=ChainableUndefined, finalize=shown, cache_size=0)
        self.globals.clear()
        self.tests.clear()
        self.filters = dict(FILTERS)

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401  Jinja's signature
        """The value of a name, or something undefined that knows its path."""
        if isinstance(obj, Names):
            return obj[attribute] if attribute in obj else self.undefined(name=_joined(obj.path, attribute))
        if isinstance(obj, LoopContext) and attribute in LOOP_NAMES:
            return getattr(obj, attribute)
        if isinstance(obj, Undefined):
            return self.undefined(name=_joined(obj._undefined_name or "", attribute))
        return self.undefined(name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:  # noqa: ANN401  Jinja's signature
        """Brackets read names as dots do."""
        return self.getattr(obj, str(argument))

    def call(self, *args: object, **kwargs: object) -> NoReturn:
        """Nothing is called from a letter."""
        raise SecurityError("a letter calls nothing")

    def call_binop(self, *args: object) -> NoReturn:
        """Nothing is computed in a letter."""
        raise SecurityError("a letter computes nothing")

    def call_unop(self, *args: object) -> NoReturn:
        """Nothing is computed in a letter."""
        raise SecurityError("a letter computes nothing")


def names(values: Mapping[str, object], path: str = "") -> Names:
    """Data as a template sees it: nulls are absent, a line break starts a paragraph, text is fit for XML."""
    return Names(
        {str(name): _plain(value, _joined(path, str(name))) for name, value in values.items() if value is not None},
        path,
    )


def shown(value: object) -> object:
    """What stands in the letter for a value; ValueMissing for none, ValueUnfit for a whole record or list."""
    value = given(value)
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, Mapping | list):
        raise ValueUnfit(value=value.path if isinstance(value, Names) else "…", wanted="一段文字")
    return value


class Reading:
    """Walks a parsed template: gathers the paths and filters it uses, and the faults of the rest."""

    def __init__(self) -> None:
        self.paths: set[str] = set()
        self.lists: set[str] = set()
        self.filtered: set[tuple[str, str]] = set()
        self.compared: set[tuple[str, str]] = set()
        self.choices: set[tuple[str, frozenset[str]]] = set()
        self.faults: list[Fault] = []
        self.scopes: list[dict[str, str]] = []

    def statements(self, body: list[nodes.Node]) -> None:
        """Read statements in order."""
        for node in body:
            reader = _STATEMENTS.get(type(node))
            if reader is None:
                self._refuse(node, "只用 if 与 for")
            else:
                reader(self, node)

    def _output(self, node: nodes.Output) -> None:
        for part in node.nodes:
            if not isinstance(part, nodes.TemplateData):
                self._value(part)

    def _value(self, node: nodes.Expr) -> None:
        """What may be written out: a path, through filters without arguments."""
        used: list[str] = []
        while isinstance(node, nodes.Filter) and node.node is not None:
            if node.name not in FILTERS:
                self.faults.append(Fault(f"不认识的写法“| {node.name}”", f"只能用：{'、'.join(FILTERS)}"))
            if node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
                self._refuse(node, "“|”后面的名称不带括号")
            used.append(node.name)
            node = node.node
        path = self._path(node)
        if path is not None:
            self.paths.add(path)
            self.filtered.update((path, name) for name in used)

    def _if(self, node: nodes.If) -> None:
        asked = []
        for branch in (node, *node.elif_):
            asked.append(self._condition(branch.test))
            self.statements(branch.body)
        self.statements(node.else_)
        paths = {one[0] for one in asked if one is not None}
        if node.elif_ and not node.else_ and None not in asked and len(paths) == 1:
            self.choices.add((paths.pop(), frozenset().union(*(one[1] for one in asked if one is not None))))

    def _for(self, node: nodes.For) -> None:
        walked = self._path(node.iter)
        if walked is None or not isinstance(node.target, nodes.Name) or node.test or node.recursive:
            self._refuse(node, "循环写成 for 名称 in 列表")
            return
        self.paths.add(walked)
        self.lists.add(walked)
        self.scopes.append({node.target.name: walked, "loop": ""})
        self.statements(node.body)
        self.scopes.pop()
        self.statements(node.else_)

    def _condition(self, node: nodes.Node) -> tuple[str, frozenset[str]] | None:
        """Read a condition; the path and the texts of one that asks only which text the path holds."""
        if isinstance(node, nodes.Compare):
            return self._comparison(node)
        if isinstance(node, nodes.And | nodes.Or):
            self._condition(node.left)
            self._condition(node.right)
        elif isinstance(node, nodes.Not):
            self._condition(node.node)
        elif (path := self._path(node)) is not None:
            self.paths.add(path)
        return None

    def _comparison(self, node: nodes.Compare) -> tuple[str, frozenset[str]] | None:
        """A path equal to, or among, texts; amounts are stored as texts, so a letter cannot compare them."""
        mend = '只能写成 名称 == "文字"、名称 != "文字" 或 名称 in ("甲", "乙")；数字的比较放在流程图里'
        if len(node.ops) != 1 or node.ops[0].op not in ("eq", "ne", "in", "notin"):
            self._refuse(node, mend)
            return None
        other = node.ops[0].expr
        several = isinstance(other, nodes.Tuple | nodes.List)
        if several != (node.ops[0].op in ("in", "notin")):
            self._refuse(node, mend)
        literals = other.items if isinstance(other, nodes.Tuple | nodes.List) else [other]
        values = [literal.value for literal in literals if isinstance(literal, nodes.Const)]
        if len(values) != len(literals) or not all(isinstance(value, str | bool) for value in values):
            self._refuse(node, mend)
        path = self._path(node.expr)
        if path is None:
            return None
        texts = frozenset(value for value in values if isinstance(value, str))
        self.paths.add(path)
        self.compared.update((path, text) for text in texts)
        return (path, texts) if texts and node.ops[0].op in ("eq", "in") else None

    def _path(self, node: nodes.Node) -> str | None:
        """The dotted path of an expression, loop variables replaced by what they walk; else None."""
        trail: list[str] = []
        while isinstance(node, nodes.Getattr):
            trail.insert(0, node.attr)
            node = node.node
        if not isinstance(node, nodes.Name):
            self._refuse(node, "占位符只能是名称，例如 {{ party.name }}")
            return None
        if any(part.startswith("_") for part in (node.name, *trail)):
            self._refuse(node, "名称不以下划线开头")
            return None
        for scope in reversed(self.scopes):
            if node.name in scope:
                return self._inside(scope[node.name], node.name, trail)
        return ".".join((node.name, *trail))

    def _inside(self, walked: str, name: str, trail: list[str]) -> str | None:
        if name == "loop":
            if len(trail) != 1 or trail[0] not in LOOP_NAMES:
                self.faults.append(
                    Fault(f"不认识的“loop.{'.'.join(trail)}”", f"loop 只有：{'、'.join(sorted(LOOP_NAMES))}")
                )
            return None
        return ".".join((walked, *trail))

    def _refuse(self, node: nodes.Node, mend: str) -> None:
        self.faults.append(Fault(f"文书里不允许的写法（{_KINDS.get(type(node), type(node).__name__)}）", mend))


_STATEMENTS: dict[type[nodes.Node], Callable[[Reading, Any], None]] = {
    nodes.Output: Reading._output,
    nodes.If: Reading._if,
    nodes.For: Reading._for,
}

_KINDS: dict[type[nodes.Node], str] = {
    nodes.Call: "调用",
    nodes.Getitem: "方括号",
    nodes.Compare: "比较",
    nodes.Filter: "带参数的“|”",
    nodes.Const: "直接写出的值",
    nodes.For: "循环",
    nodes.Macro: "宏",
    nodes.Assign: "赋值",
    nodes.Include: "引入",
    nodes.Test: "is",
}


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _plain(value: object, path: str) -> object:
    if isinstance(value, Mapping):
        return names(value, path)
    if isinstance(value, list | tuple):
        return [_plain(item, path) for item in value if item is not None]
    if isinstance(value, str):
        # \a is what docxtpl takes for the start of a paragraph with the same form.
        return _NOT_XML.sub("", value.replace("\r\n", "\n").replace("\r", "\n")).replace("\n", "\a")
    return value
