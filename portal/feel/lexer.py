"""How a text falls into tokens: declared names with blanks, the brackets of ranges, foreign signs refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache

from lark import Token

from portal.feel.errors import FeelError, Position

KEYWORDS = frozenset(
    (
        *("if", "then", "else", "for", "return", "some", "every", "satisfies"),
        *("in", "between", "and", "or", "true", "false", "null"),
    )
)
_LETTER = r"A-Za-z_\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_BLANK = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)++", re.DOTALL)
_WORD = re.compile(f"[{_LETTER}][{_LETTER}0-9]*+")
_NUMBER = re.compile(r"(?:\d++(?:\.\d++)?|\.\d++)(?:[eE][+-]?\d++)?", re.ASCII)
_QUESTION = re.compile(r"\?")
_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*+)"')
_SIGNS = {
    "**": "POWER",
    "..": "_DOTS",
    "<=": "COMPARE",
    ">=": "COMPARE",
    "!=": "COMPARE",
    "<": "COMPARE",
    ">": "COMPARE",
    "=": "COMPARE",
    "+": "PLUS",
    "-": "MINUS",
    "*": "TIMES",
    "/": "DIVIDE",
    "(": "LPAR",
    ")": "RPAR",
    "[": "LSQB",
    "]": "RSQB",
    "{": "_LBRACE",
    "}": "_RBRACE",
    ",": "_COMMA",
    ":": "_COLON",
    ".": "_DOT",
}
_SIGN = re.compile("|".join(re.escape(sign) for sign in _SIGNS))
_OPERAND_ENDS = frozenset({"NAME", "NUMBER", "STRING", "_TRUE", "_FALSE", "_NULL", "RPAR", "RSQB", "_RBRACE"})
_LIST_ENDS = _OPERAND_ENDS | {"LSQB", "RANGE_CLOSE"}
_OPENING = frozenset({"LPAR", "LSQB", "_LBRACE", "RANGE_OPEN"})
_CLOSING = frozenset({"RPAR", "RSQB", "_RBRACE", "RANGE_CLOSE"})
# What may follow a range written [1..5[ but not the "[" of a filter, inside which an operand comes next.
_AFTER_RANGE = re.compile(
    r"(?:\s|//[^\n]*|/\*.*?\*/)*+(?:$|[)\],}=]|!=|(?:and|or|then|else|return|satisfies)\b)", re.DOTALL
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{6})|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "\\": "\\"}

_WIDE = dict(zip("（）［］｛｝，：．＋－＊／＜＞＝“”＂；", '()[]{},:.+-*/<>=""";', strict=True))
_FOREIGN = (
    ("==", "相等只写一个 ="),
    ("&&", "写 and"),
    ("||", "写 or"),
    ("<>", "不等写 !="),
    ("->", "去掉它；函数不能在表达式里定义"),
    ("&", "写 and"),
    ("|", "写 or"),
    ("!", "否定写 not(…)，不等写 !="),
    ("%", "取余写 modulo(a, b)"),
    ("^", "乘方写 **"),
    ("'", "文本用双引号"),
    ("@", '写 date("…")、time("…")、date and time("…") 或 duration("…")'),
    ("?", "问号只用于决策表，这里写出名称"),
    (";", "一处只写一个表达式"),
)
_REFUSED_FUNCTIONS = {
    "today": "当前日期不能读取，用交给表达式的日期，如 case.filed_at",
    "now": "当前时间不能读取，用交给表达式的时间，如 case.filed_at",
    "function": "不能定义函数，直接写出表达式",
    "matches": "不支持正则表达式，用 contains、starts with 或 ends with",
    "replace": "不支持正则表达式，用 substring before 与 substring after",
    "split": "不支持正则表达式，用 substring before 与 substring after",
    "sort": "不能把函数作参数，在填写处排好顺序",
    "context": "直接写 {名称: 值}",
    "range": "直接写 [1..5]",
}


def is_word(name: str) -> bool:
    """Whether a name is read as one without being declared: a single word, and no keyword."""
    return bool(_WORD.fullmatch(name)) and name not in KEYWORDS


def tokens(
    text: str, functions: Mapping[str, bool], names: frozenset[str] = frozenset(), *, unary: bool = False
) -> list[Token]:
    """The tokens of a text, or FeelError. `functions`: what may be called, and whether it takes names.

    `names` are those that are no single words and yet may be written; in `unary` tests `?` is one too.
    """
    found = _Lexer(text, functions, names, unary).run()
    if unary and _negated(found):
        found[0] = Token("_NOT", "not", start_pos=found[0].start_pos, end_pos=found[0].end_pos)
    return found


def _negated(found: list[Token]) -> bool:
    """Whether unary tests stand in a `not(…)` that encloses all of them."""
    if len(found) < 3 or found[0].type != "FUNCTION" or found[0] != "not":
        return False
    depth = 0
    for place, token in enumerate(found):
        depth += (token.type in _OPENING) - (token.type in _CLOSING)
        if place and not depth:
            return place == len(found) - 1
    return False


class _Lexer:
    """One pass over one text."""

    def __init__(self, text: str, functions: Mapping[str, bool], names: frozenset[str], unary: bool) -> None:
        self.text = text
        self.functions = functions
        self.spaced = _spaced(frozenset(functions))
        self.declared = _declared(names)
        self.unary = unary
        self.at = 0
        self.found: list[Token] = []
        # Of each bracket not yet closed: where it stands, and whether a ".." came directly inside it.
        self.open: list[tuple[int, bool]] = []

    def run(self) -> list[Token]:
        if self.text.lstrip().startswith("=") and not self.unary:
            raise self.refusal(self.text.index("="), "多余的“=”", "表达式本身不带开头的 =")
        self.skip()
        while self.at < len(self.text):
            self.one()
            self.skip()
        if self.open:
            start = self.open[-1][0]
            raise self.refusal(start, f"“{self.text[start]}”没有闭合", "补上对应的右括号")
        return self.found

    def skip(self) -> None:
        if blank := _BLANK.match(self.text, self.at):
            self.at = blank.end()
        if self.text.startswith("/*", self.at):
            raise self.refusal(self.at, "注释没有结束", "补上 */")

    def refusal(self, at: int, what: str, mend: str) -> FeelError:
        return FeelError(Position.of(self.text, at), what, mend)

    def last(self) -> str:
        return self.found[-1].type if self.found else ""

    def take(self, kind: str, length: int, value: str | None = None) -> None:
        start, end = self.at, self.at + length
        written = self.text[start:end] if value is None else value
        self.found.append(Token(kind, written, start_pos=start, end_pos=end))
        self.at = end

    def one(self) -> None:
        if declared := self.name():
            self.take("NAME", len(declared.group()), " ".join(declared.group().split()))
        elif word := _WORD.match(self.text, self.at):
            self.word(word.group())
        elif number := _NUMBER.match(self.text, self.at):
            self.take("NUMBER", len(number.group()))
        elif self.text[self.at] == '"':
            self.string()
        else:
            self.sign()

    def name(self) -> re.Match[str] | None:
        """A declared name that is no single word, unless a function is called here."""
        if self.unary and self.text[self.at] == "?":
            return _QUESTION.match(self.text, self.at)
        called = self.spaced and self.spaced.match(self.text, self.at)
        return self.declared.match(self.text, self.at) if self.declared and not called else None

    def word(self, word: str) -> None:
        end = self.at + len(word)
        if self.last() == "_DOT" or self.follows(":", end):
            self.take("NAME", len(word))
        elif spaced := self.spaced and self.spaced.match(self.text, self.at):
            self.function(" ".join(spaced.group().split()), len(spaced.group()))
        elif word in KEYWORDS:
            self.take("_" + word.upper(), len(word))
        elif self.follows("(", end):
            self.function(word, len(word))
        elif word == "instance" and self.last() in _OPERAND_ENDS:
            raise self.refusal(self.at, "不支持“instance of”", "按值本身写条件")
        else:
            self.take("NAME", len(word))

    def follows(self, sign: str, at: int) -> bool:
        blank = _BLANK.match(self.text, at)
        return self.text.startswith(sign, blank.end() if blank else at)

    def function(self, name: str, length: int) -> None:
        if name not in self.functions:
            raise self.unknown(name)
        self.take("BY_NAME" if self.functions[name] else "FUNCTION", length, name)

    def unknown(self, name: str) -> FeelError:
        if name in _REFUSED_FUNCTIONS:
            return self.refusal(self.at, f"不支持函数“{name}”", _REFUSED_FUNCTIONS[name])
        written = [name]
        for token in reversed(self.found):
            if token.type != "NAME":
                break
            written.insert(0, str(token))
        close = get_close_matches(" ".join(written[-4:])[:60], self.functions, 1, 0.7)
        mend = f"是否指“{close[0]}”" if close else "只能调用已声明的函数"
        return self.refusal(self.at, f"没有名为“{name}”的函数", mend)

    def string(self) -> None:
        found = _STRING.match(self.text, self.at)
        if not found:
            raise self.refusal(self.at, "文本没有结束", '补上右边的双引号；换行写成 \\n，文本中的双引号写成 \\"')
        self.take("STRING", len(found.group()), self.unescaped(found.group(1)))

    def unescaped(self, written: str) -> str:
        def one(escape: re.Match[str]) -> str:
            short, long, plain = escape.groups()
            if plain is None:
                return chr(min(int(short or long, 16), 0x10FFFF))
            if plain not in _ESCAPES:
                raise self.refusal(self.at + 1 + escape.start(), f"不认识的转义“\\{plain}”", "反斜杠本身写成 \\\\")
            return _ESCAPES[plain]

        try:
            # Two escaped halves make one character; half a character is none.
            return _ESCAPE.sub(one, written).encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise self.refusal(self.at, "文本里有不完整的字符", "改正 \\u 转义") from None

    def sign(self) -> None:
        for foreign, mend in _FOREIGN:
            if self.text.startswith(foreign, self.at) and not self.text.startswith("!=", self.at):
                raise self.refusal(self.at, f"不支持“{foreign}”", mend)
        found = _SIGN.match(self.text, self.at)
        if not found:
            raise self.strange()
        self.take(self.bracket(_SIGNS[found.group()]), len(found.group()))

    def strange(self) -> FeelError:
        sign = self.text[self.at]
        if sign in _WIDE:
            return self.refusal(self.at, f"全角符号“{sign}”", f"改成半角 {_WIDE[sign]}")
        return self.refusal(self.at, f"不支持的字符“{sign}”", "名称只用汉字、字母、数字和下划线，文本写在双引号里")

    def bracket(self, kind: str) -> str:
        """The kind of a sign, a bracket's from where it stands."""
        if kind == "RSQB" and self.last() not in _LIST_ENDS and ".." in self.text[self.at :]:
            kind = "RANGE_OPEN"
        elif kind == "LSQB" and self.open and self.open[-1][1] and self.last() in _OPERAND_ENDS:
            kind = "RANGE_CLOSE" if _AFTER_RANGE.match(self.text, self.at + 1) else kind
        if kind == "_DOTS" and self.open:
            self.open[-1] = (self.open[-1][0], True)
        if kind in _OPENING:
            self.open.append((self.at, False))
        if kind in _CLOSING:
            if not self.open:
                raise self.refusal(self.at, f"多余的“{self.text[self.at]}”", "去掉它，或补上对应的左括号")
            self.open.pop()
        return kind


@lru_cache(maxsize=64)
def _spaced(names: frozenset[str]) -> re.Pattern[str] | None:
    """What matches the declared names with blanks where they are called, the longest first."""
    spaced = sorted((name for name in names if " " in name), key=len, reverse=True)
    if not spaced:
        return None
    return re.compile("(?:" + "|".join(r"\s+".join(map(re.escape, name.split())) for name in spaced) + r")(?=\s*\()")


@lru_cache(maxsize=256)
def _declared(names: frozenset[str]) -> re.Pattern[str] | None:
    """What matches the declared names that are no single words, the longest first."""
    odd = sorted((name for name in names if not is_word(name)), key=len, reverse=True)
    if not odd:
        return None
    written = "|".join(r"\s+".join(map(re.escape, name.split())) for name in odd)
    return re.compile(f"(?:{written})(?![{_LETTER}0-9])")
