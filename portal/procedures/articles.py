"""How an article is cited in Chinese: 渝府发〔2023〕6号第十一条第二款."""

from __future__ import annotations

import re

from portal.procedures.regulation import Regulation

_DIGITS = "零一二三四五六七八九"
_ANNEX = re.compile(r"A(\d+)")
_LEVELS = ("第{}条", "第{}款", "第（{}）项")


def citation(regulation: Regulation, article: str | None) -> str | None:
    """The text's number and the article, of another law its title; None when there is no article."""
    if article is None:
        return None
    law, _, number = article.rpartition(":")
    text = f"《{regulation.laws[law]}》" if law in regulation.laws else regulation.number
    return f"{text}{article_text(number)}"


def article_text(number: str) -> str:
    """第十一条第二款 for "11.2", 附件2第三条 for "A2.3"."""
    parts = number.split(".")
    annex = _ANNEX.fullmatch(parts[0])
    if annex:
        return f"附件{annex[1]}" + (article_text(".".join(parts[1:])) if parts[1:] else "")
    levels = [*_LEVELS, *["{}"] * len(parts)]
    return "".join(level.format(chinese(part)) for level, part in zip(levels, parts, strict=False))


def chinese(number: str) -> str:
    """二十五 for "25"; what is no number below 1,000 stays as it is."""
    if not number.isdecimal() or not 0 < int(number) < 1000:
        return number
    hundreds, rest = divmod(int(number), 100)
    tens, ones = divmod(rest, 10)
    text = f"{_DIGITS[hundreds]}百" if hundreds else ""
    if tens:
        text += "十" if tens == 1 and not hundreds else f"{_DIGITS[tens]}十"
    elif hundreds and ones:
        text += "零"
    return text + (_DIGITS[ones] if ones else "")
