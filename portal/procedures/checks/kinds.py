"""What becomes of values of known kinds: operators and functions that are defined for them, and those that are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from portal.feel import operators
from portal.procedures.checks.values import (
    ANY,
    DATE,
    FLAG,
    KIND_OF,
    LIST,
    MOMENT,
    NUMBER,
    RECORD,
    TEXT,
    Unknown,
    Value,
)

_FEEL = {told: kind for kind, told in KIND_OF.items()}
_UNORDERED = frozenset({FLAG, LIST, RECORD})
_SAME = "比较同一种类的值"
_MENDS: Mapping[frozenset[str], str] = {
    frozenset({NUMBER, TEXT}): "数字不加引号；文字用 number(…) 变成数字，数字用 string(…) 变成文字",
    frozenset({DATE, MOMENT}): "用 date(…) 取时刻的日期",
}
_OF_A_LIST = "先用 count(…) 数，用 [1] 取一项，或用 some … in … satisfies 逐项看"
_LISTS = "写一个列表的路径，如表格、多选或多实例的名称"

_ON_LISTS = ("count", "sublist", "remove", "insert before", "list contains", "index of", "distinct values", "reverse")
_ON_TEXTS = ("string length", "upper case", "lower case", "substring", "substring before", "substring after")
_ON_TWO_TEXTS = ("contains", "starts with", "ends with", "substring before", "substring after")
_ON_NUMBERS = ("abs", "floor", "ceiling", "decimal", "round up", "round down", "round half up", "round half down")
_ON_MORE_NUMBERS = ("modulo", "sqrt", "exp", "log", "even", "odd")
# What a function's first arguments must be; of another kind it gives null, or what nobody meant.
_TAKES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_ON_LISTS, (LIST,)),
    **dict.fromkeys(_ON_TEXTS, (TEXT,)),
    **dict.fromkeys(_ON_TWO_TEXTS, (TEXT, TEXT)),
    **dict.fromkeys((*_ON_NUMBERS, *_ON_MORE_NUMBERS), (NUMBER,)),
    "not": (FLAG,),
    "string join": (LIST,),
}
_GIVES: Mapping[str, str] = {
    **dict.fromkeys((*_ON_NUMBERS, "modulo", "sqrt", "exp", "log", "number", "count", "string length"), NUMBER),
    **dict.fromkeys(("sum", "mean", "product", "median", "stddev", "day of year", "week of year"), NUMBER),
    **dict.fromkeys(("string", "string join", "upper case", "lower case"), TEXT),
    **dict.fromkeys(("substring", "substring before", "substring after", "day of week", "month of year"), TEXT),
    **dict.fromkeys(("not", "is defined", "is", "contains", "starts with", "ends with", "even", "odd"), FLAG),
    **dict.fromkeys(("all", "any", "list contains"), FLAG),
    **dict.fromkeys(("append", "concatenate", "insert before", "list replace", "union", "index of"), LIST),
    **dict.fromkeys(("flatten", "get entries", "mode"), LIST),
    "date": DATE,
    "date and time": MOMENT,
}
_KEEPING = frozenset({"sublist", "reverse", "distinct values", "remove"})
"""The functions whose answer has the elements of their first argument."""


def arithmetic(sign: str, left: Value, right: Value, names: tuple[str, str]) -> Value | Unknown:
    """What `left sign right` comes to; `names` is how they are written."""
    if left.kind is None or right.kind is None:
        return ANY
    pair = _FEEL[left.kind], _FEEL[right.kind]
    if operators.takes(sign, *pair):
        return Value(left.kind) if left.kind == right.kind and left.kind in (NUMBER, TEXT) else ANY
    what = f"“{names[0]}”是{left.kind}，“{names[1]}”是{right.kind}，不能用“{sign}”计算，结果总是空的"
    return Unknown(what, _mend(left.kind, right.kind, "换成可以计算的值"))


def compared(sign: str, left: Value, right: Value, names: tuple[str, str]) -> Unknown | None:
    """Why two values can never be compared so, if they cannot."""
    if left.kind is None or right.kind is None:
        return None
    if left.kind != right.kind:
        what = f"“{names[0]}”是{left.kind}，“{names[1]}”是{right.kind}，不能比较，结果总是空的"
        return Unknown(what, _mend(left.kind, right.kind, _SAME))
    if sign not in ("=", "!=") and left.kind in _UNORDERED:
        return Unknown(f"“{names[0]}”是{left.kind}，没有大小，不能用“{sign}”比较", "用 = 或 !=，或比较数字、日期、文字")
    return None


def _mend(left: str, right: str, otherwise: str) -> str:
    return _OF_A_LIST if LIST in (left, right) else _MENDS.get(frozenset({left, right}), otherwise)


def negated(value: Value, name: str) -> Unknown | None:
    """Why a value has no negative, if it has none."""
    if value.kind is None or _FEEL[value.kind] in ("number", "span", "months"):
        return None
    return Unknown(f"“{name}”是{value.kind}，前面不能写负号", "写一个数字")


def truth(value: Value, name: str) -> Unknown | None:
    """Why a value cannot be true or false, if it cannot."""
    if value.kind in (None, FLAG):
        return None
    return Unknown(f"“{name}”是{value.kind}，不是“是”或“否”", '写成比较，如 review.conclusion = "变更"')


def walked(value: Value, name: str) -> Unknown | None:
    """Why there is nothing to go through one by one, if there is not."""
    return None if value.kind in (None, LIST) else Unknown(f"“{name}”是{value.kind}，不能逐项看", _LISTS)


def taken(function: str, arguments: Sequence[Value], names: Sequence[str]) -> Unknown | None:
    """Why one of FEEL's functions makes nothing of its arguments, if it does not."""
    for wanted, given, name in zip(_TAKES.get(function, ()), arguments, names, strict=False):
        if given.kind not in (wanted, None):
            mend = _LISTS if wanted == LIST else _mend(wanted, given.kind, f"写{wanted}")
            return Unknown(f"“{name}”是{given.kind}，{function}(…) 要{wanted}", mend)
    return None


def given(function: str, arguments: Sequence[Value]) -> Value:
    """What one of FEEL's functions gives."""
    if function in _KEEPING and arguments[0].kind == LIST:
        return arguments[0]
    return Value(LIST if function in _KEEPING else _GIVES.get(function))
