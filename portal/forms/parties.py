"""The code by which a party is known: of an organisation its 统一社会信用代码, of a natural person his 个人编号."""

from __future__ import annotations

from portal.forms import personal, uscc

LONGEST = max(uscc.LENGTH, personal.LENGTH)


def normal(text: str) -> str:
    """The code as it is stored: ASCII, upper case, without blanks."""
    return uscc.normal(text)


def is_valid(code: str) -> bool:
    """Whether a text in its stored form is either."""
    return uscc.is_valid(code) or personal.is_valid(code)
