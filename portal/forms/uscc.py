"""The unified social credit code (统一社会信用代码) of GB 32100-2015: its alphabet and its check digit."""

from __future__ import annotations

from portal.forms.characters import narrow

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # no I O S V Z
LENGTH = 18
_WEIGHTS = tuple(pow(3, place, 31) for place in range(LENGTH - 1))


def normal(text: str) -> str:
    """The code as it is stored: ASCII, upper case, without blanks."""
    return "".join(narrow(text).split()).upper()


def check_digit(first: str) -> str:
    """The 18th character for the first 17; ValueError where one of them is not in the alphabet."""
    total = sum(weight * ALPHABET.index(character) for weight, character in zip(_WEIGHTS, first, strict=True))
    return ALPHABET[-total % 31]


def is_valid(code: str) -> bool:
    """Whether a code in its stored form has the right length, alphabet and check digit."""
    return (
        len(code) == LENGTH and all(character in ALPHABET for character in code) and check_digit(code[:-1]) == code[-1]
    )
