"""The 居民身份号码 of a natural person (GB 11643-1999) as a form checks it: form, day of birth, check character."""

from __future__ import annotations

import re
from datetime import date

from portal.forms.characters import narrow
from portal.forms.personal import check_character

LENGTH = 18
_FORM = re.compile(r"[0-9]{17}[0-9X]")
_HEAD, _TAIL = 4, 4
_FIRST_YEAR, _LAST_YEAR = 1900, 2099


def normal(text: str) -> str:
    """The number as it is stored: ASCII, a capital X, without blanks."""
    return "".join(narrow(text).split()).upper()


def is_valid(number: str) -> bool:
    """Whether a text in its stored form has the right form, a day of birth that there is, and its check character."""
    if _FORM.fullmatch(number) is None or check_character(number[:-1]) != number[-1]:
        return False
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return _FIRST_YEAR <= born.year <= _LAST_YEAR


def masked(number: str) -> str:
    """The number as people read it: 3304**********123X."""
    return number[:_HEAD] + "*" * max(len(number) - _HEAD - _TAIL, 0) + number[-_TAIL:]
