"""How tokens become an expression's parts, and what to say where they do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import cast

from lark import Lark, Token, Transformer, UnexpectedToken, v_args
from lark.lexer import Lexer

from portal.feel import syntax
from portal.feel.budget import DEFAULT, MAX_DEPTH, Meter
from portal.feel.builtins import BUILTINS, CONSTRUCTORS
from portal.feel.errors import FeelError, FeelTooLarge, Position
from portal.feel.lexer import KEYWORDS, tokens
from portal.feel.operators import negated
from portal.feel.syntax import Node
from portal.feel.values import DECIMAL, EXPONENT, Months

_MAX_BINDINGS = 4
_GRAMMAR = Path(__file__).with_name("feel.lark")


class _RefusedError(Exception):
    """A part that is grammatical but says nothing; `at` is its place from 0."""

    def __init__(self, at: int, what: str, mend: str) -> None:
        super().__init__(what)
        self.at = at
        self.what = what
        self.mend = mend


class _Ready(Lexer):
    """Hands on the tokens that were found before."""

    def __init__(self, lexer_conf: object) -> None:
        pass

    def lex(self, data: Sequence[Token]) -> Iterator[Token]:  # type: ignore[override] # lark hands over what it was given
        """The tokens as they are."""
        return iter(data)


@lru_cache(maxsize=1)
def _grammar() -> Lark:
    text = _GRAMMAR.read_text(encoding="utf-8")
    start = ["start", "unary_tests"]
    return Lark(text, start=start, parser="lalr", lexer=_Ready, transformer=_Builder(), maybe_placeholders=False)


def parse(
    text: str, functions: Mapping[str, bool], names: frozenset[str] = frozenset(), *, unary: bool = False
) -> Node:
    """The parts of an expression. `functions`: what may be called, and whether it takes names.

    `names` are those that are no single words and yet may be written. Of `unary` tests, the condition that they
    put to the name `?`. FeelError for anything outside the subset, FeelTooLarge for a text nested too deeply.
    """
    found = tokens(text, functions, names, unary=unary)
    try:
        # LALR parses and builds without recursion, so that depth can be judged afterwards.
        node = cast(Node, _grammar().parse(found, start="unary_tests" if unary else "start"))
    except UnexpectedToken as error:
        raise _unexpected(text, found, error) from None
    except _RefusedError as refused:
        raise FeelError(Position.of(text, refused.at), refused.what, refused.mend) from None
    if syntax.depth(node) > MAX_DEPTH:
        raise FeelTooLarge(Position(1, 1), f"表达式嵌套超过{MAX_DEPTH}层", "拆成几个表达式")
    return node


def _unexpected(text: str, found: Sequence[Token], error: UnexpectedToken) -> FeelError:
    token = error.token
    if token.type == "$END":
        return FeelError(Position.of(text, len(text)), "表达式没有写完", "补上缺少的部分")
    at = token.start_pos or 0
    before = [one for one in found if (one.start_pos or 0) < at]
    written = text[at : token.end_pos]
    return FeelError(Position.of(text, at), f"此处不能是“{written}”", _mend(token, before, error.accepts or set()))


def _mend(token: Token, before: Sequence[Token], accepted: set[str]) -> str:
    last = before[-1] if before else None
    if _in_names_only(before):
        return "括号里只写元素的名称，如 review 或 check.review"
    if last and last.type == "NAME" and last == "not":
        return "否定写 not(…)"
    if last and last.type == "NAME" and token.type in ("NAME", "FUNCTION", "BY_NAME"):
        return "名称中不能有空格；两个值之间要有运算符"
    if token.type == "LPAR":
        return "只能调用已声明的函数，名称中不带点"
    if token.type == "COMPARE" and last and last.type in ("NAME", "NUMBER", "STRING", "RPAR", "RSQB"):
        return "比较不能连写，用 and 连接"
    if token.type == "_COLON":
        return "参数按位置写，不写名称；键值只写在 {…} 里"
    if token.type.strip("_").lower() in KEYWORDS and "NAME" in accepted:
        return f"“{token}”是关键字，不能作名称；前面缺少一个值"
    return "这里应有一个值" if "NAME" in accepted else "删去它，或补上缺少的运算符或括号"


def _in_names_only(before: Sequence[Token]) -> bool:
    for token in reversed(before):
        if token.type == "BY_NAME":
            return True
        if token.type not in ("NAME", "_DOT", "_COMMA", "LPAR"):
            return False
    return False


@v_args(inline=True)
class _Builder(Transformer[Token, Node]):
    """Makes the parts of an expression, from the innermost outwards."""

    def start(self, expression: Node) -> Node:
        return expression

    def anything(self, _sign: Token) -> Node:
        return syntax.Literal(True)

    def any_of(self, *tests: Node) -> Node:
        asked = tuple(map(_asked, tests))
        return asked[0] if len(asked) == 1 else syntax.Either(asked)

    def none_of(self, left: Token, *tests: Node | Token) -> Node:
        passes = self.any_of(*self.tests(*tests))
        return syntax.Invocation("not", (passes,), False, (left.start_pos or 3) - 3)

    def number(self, token: Token) -> Node:
        try:
            value = Decimal(token)
        except InvalidOperation:
            raise _too_large(token) from None
        if len(value.as_tuple().digits) > DECIMAL.prec:
            raise _RefusedError(token.start_pos or 0, f"数字超过{DECIMAL.prec}位", "写短一些的数字")
        if value and abs(value.adjusted()) > EXPONENT:
            raise _too_large(token)
        return syntax.Literal(value if value else Decimal(0))

    def text(self, token: Token) -> Node:
        return syntax.Literal(str(token))

    def yes(self) -> Node:
        return syntax.Literal(True)

    def no(self) -> Node:
        return syntax.Literal(False)

    def null(self) -> Node:
        return syntax.Literal(None)

    def name(self, token: Token) -> Node:
        return syntax.Name(str(token))

    def group(self, _left: Token, expression: Node, _right: Token) -> Node:
        return expression

    def step(self, key: Token) -> str:
        return str(key)

    def choice(self, _left: Token, test: Node, _right: Token) -> Node:
        return test

    def postfix(self, base: Node, *suffixes: str | Node) -> Node:
        for suffix in suffixes:
            base = syntax.Step(base, suffix) if isinstance(suffix, str) else syntax.Filter(base, suffix)
        return base

    def negate(self, _sign: Token, operand: Node) -> Node:
        if isinstance(operand, syntax.Literal) and isinstance(operand.value, Decimal | timedelta | Months):
            return syntax.Literal(negated(operand.value))
        return syntax.Negate(operand)

    def chain(self, first: Node, *rest: Token | Node) -> Node:
        operands = cast(tuple[Node, ...], rest[1::2])
        return syntax.Chain(first, tuple(zip(map(str, rest[::2]), operands, strict=True)))

    def compare(self, left: Node, sign: Token, right: Node) -> Node:
        return syntax.Compare(str(sign), left, right)

    def between(self, operand: Node, low: Node, high: Node) -> Node:
        return syntax.Between(operand, low, high)

    def against(self, sign: Token, operand: Node) -> Node:
        return syntax.Against(str(sign), operand)

    def tests(self, *tests: Token | Node) -> tuple[Node, ...]:
        return tuple(test for test in tests if not isinstance(test, Token))

    def within(self, operand: Node, tests: tuple[Node, ...]) -> Node:
        return syntax.In(operand, tests)

    def both(self, *operands: Node) -> Node:
        return syntax.Both(operands)

    def either(self, *operands: Node) -> Node:
        return syntax.Either(operands)

    def conditional(self, test: Node, yes: Node, no: Node) -> Node:
        return syntax.Conditional(test, yes, no)

    def binding(self, name: Token, source: Node, until: Node | None = None) -> syntax.Binding:
        return syntax.Binding(str(name), source, until)

    def bindings(self, *bindings: syntax.Binding) -> tuple[syntax.Binding, ...]:
        # They nest at run time, one level each.
        if len(bindings) > _MAX_BINDINGS:
            raise _RefusedError(0, f"一处循环超过{_MAX_BINDINGS}个变量", "拆成几个表达式")
        return bindings

    def loop(self, bindings: tuple[syntax.Binding, ...], result: Node) -> Node:
        return syntax.Loop(bindings, result)

    def some(self, bindings: tuple[syntax.Binding, ...], test: Node) -> Node:
        return syntax.Quantified(False, bindings, test)

    def every(self, bindings: tuple[syntax.Binding, ...], test: Node) -> Node:
        return syntax.Quantified(True, bindings, test)

    def range(self, left: Token, low: Node, high: Node, right: Token) -> Node:
        return syntax.Interval(low, high, left.type == "LSQB", right.type == "RSQB")

    def arguments(self, *arguments: Node) -> tuple[Node, ...]:
        return arguments

    def list(self, _left: Token, *rest: tuple[Node, ...] | Token) -> Node:
        return syntax.Elements(_arguments(rest))

    def dotted(self, *names: Token) -> Node:
        return syntax.Literal(".".join(names))

    def call(self, function: Token, _left: Token, *rest: Node | tuple[Node, ...] | Token) -> Node:
        at = function.start_pos or 0
        if function.type == "BY_NAME":
            names = tuple(name for name in rest if isinstance(name, syntax.Literal))
            return syntax.Invocation(str(function), names, True, at)
        return _called(str(function), _arguments(rest), at)

    def entry(self, key: Token, value: Node) -> tuple[str, Node]:
        return str(key), value

    def entries(self, *entries: tuple[str, Node]) -> tuple[tuple[str, Node], ...]:
        return entries

    def context(self, entries: tuple[tuple[str, Node], ...] = ()) -> Node:
        return syntax.Entries(entries)


def _asked(test: Node) -> Node:
    """A unary test as a condition: one that speaks of `?` is one already, else the value is compared with it."""
    own = not isinstance(test, syntax.Against) and syntax.QUESTION in syntax.names(test)
    return test if own else syntax.In(syntax.Name(syntax.QUESTION), (test,))


def _too_large(number: Token) -> _RefusedError:
    return _RefusedError(number.start_pos or 0, "数字过大或过小", f"指数不超过{EXPONENT}")


def _arguments(rest: Sequence[object]) -> tuple[Node, ...]:
    return next((one for one in rest if isinstance(one, tuple)), ())


def _called(name: str, arguments: tuple[Node, ...], at: int) -> Node:
    """A call; a date, time or duration of a constant text is read at once."""
    match arguments:
        case (syntax.Literal(str() as text),) if name in CONSTRUCTORS:
            value = BUILTINS[name].run(Meter(DEFAULT), text)
            if value is None:
                raise _RefusedError(at, f'{name}("{text}") 不成立', _EXAMPLES[name])
            return syntax.Literal(value)
        case _:
            return syntax.Invocation(name, arguments, False, at)


_EXAMPLES = {
    "date": '写成 date("2026-01-31")，且确有此日',
    "time": '写成 time("09:30:00")',
    "date and time": '写成 date and time("2026-01-31T09:30:00")',
    "duration": '写成 duration("P3D")、duration("PT8H") 或 duration("P1Y2M")',
}
