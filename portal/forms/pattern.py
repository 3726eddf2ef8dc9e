"""Which regular expressions a form may hold: those that cannot keep the server busy."""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST_PATTERN = 200
LONGEST_TEXT = 100
"""A pattern is tried on texts of at most this length, so that what is left of backtracking stays cheap."""
_MOST_OPEN = 3
_MOST_OPTIONAL = 5
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?:|\(\?|\(|\)|\{\d*,?\d*\}|.", re.DOTALL)


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern as the server tries it: as JSON Schema and browsers do, `\\d` and `\\w` mean ASCII."""
    return re.compile(pattern, re.ASCII)


def fault_in(pattern: str) -> str | None:
    """What is wrong with a pattern, in Chinese; None if it may be used."""
    if len(pattern) > LONGEST_PATTERN:
        return f"正则表达式超过 {LONGEST_PATTERN} 个字符"
    try:
        compiled(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"正则表达式无法解析：{error}"
    tokens = _TOKEN.findall(pattern)
    return _foreign(tokens) or _nested(tokens) or _many(tokens)


def _foreign(tokens: list[str]) -> str | None:
    if "(?" in tokens:
        return "正则表达式不能用前后查找或命名分组"
    if any(len(token) == 2 and token[0] == "\\" and token[1].isdigit() for token in tokens):
        return "正则表达式不能用反向引用"
    return None


def _nested(tokens: list[str]) -> str | None:
    """Refuses what can take exponential time: a repeated group that itself repeats or chooses."""
    groups = [False]  # for each open group: does it repeat or choose?
    restless = False  # was the token before the end of such a group?
    for token in tokens:
        if token in ("(", "(?:"):
            groups.append(False)
        elif token == ")":  # nosec B105 # 2026-11-22: a sign of a pattern
            restless = groups.pop()
            groups[-1] = groups[-1] or restless
            continue
        elif restless and (token in "*+" or (len(token) > 1 and token[0] == "{")):  # nosec B105 # 2026-11-22: a sign
            return "正则表达式里重复的括号中又有重复或选择"
        elif token in "|?*+" or (token[0] == "{" and "," in token):  # nosec B105 # 2026-11-22: a sign of a pattern
            groups[-1] = True
        restless = False
    return None


def _many(tokens: list[str]) -> str | None:
    repeated = sum(token in "*+" or (token[0] == "{" and "," in token) for token in tokens)  # nosec B105 # 2026-11-22: a sign
    if repeated > _MOST_OPEN:
        return f"正则表达式里不定次数的重复超过 {_MOST_OPEN} 处"
    if tokens.count("?") > _MOST_OPTIONAL or tokens.count("(") + tokens.count("(?:") > _MOST_OPTIONAL:
        return f"正则表达式里的问号或括号超过 {_MOST_OPTIONAL} 个"
    return None
