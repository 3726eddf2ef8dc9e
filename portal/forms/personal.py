"""The code by which a natural person is known in the portal (个人编号): P, nine digits, and a check character.

It takes the place of a unified social credit code wherever a party is known by one, and says nothing of the person.
"""

from __future__ import annotations

import re

from portal.forms.characters import narrow

PREFIX, DIGITS = "P", 9
LENGTH = len(PREFIX) + DIGITS + 1
_FORM = re.compile(rf"{PREFIX}[0-9]{{{DIGITS}}}[0-9X]")


def check_character(digits: str) -> str:
    """The character behind some digits by ISO 7064 MOD 11-2: a digit or X."""
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    return "0123456789X"[(12 - total) % 11]


def normal(text: str) -> str:
    """The code as it is stored: ASCII, upper case, without blanks."""
    return "".join(narrow(text).split()).upper()


def code(number: int) -> str:
    """The code of a number below 10^9."""
    digits = f"{number:0{DIGITS}}"
    if len(digits) != DIGITS or not digits.isdecimal():
        raise ValueError(number)
    return f"{PREFIX}{digits}{check_character(digits)}"


def looks_like(text: str) -> bool:
    """Whether a text in its stored form is meant as such a code, be it mistyped: no organisation's begins so."""
    return text.startswith(PREFIX) and len(text) != 18


def is_valid(text: str) -> bool:
    """Whether a code in its stored form has the right form and check character."""
    return _FORM.fullmatch(text) is not None and check_character(text[len(PREFIX) : -1]) == text[-1]
