"""Which characters a person may type, and how full-width ones are read."""

from __future__ import annotations

import re

# U+FF01..U+FF5E are the full-width forms of U+0021..U+007E.
_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " ", 0x2212: "-"}
_LINE_ENDS = re.compile("\r\n|[\r\u2028\u2029]")
# Blanks, and characters of no width, which would make an empty text look answered.
_AROUND = " \t\n\r\x0b\x0c\x85\xa0\u1680\u202f\u205f\u3000\u200b\u2060\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))
# The last two code points of a plane are no characters (and not allowed in XML, which letters are).
_NO_CHARACTERS = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
# Control characters but newline and tab, half surrogate pairs, and direction overrides, which let a text read otherwise
# than it is stored.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069" + _NO_CHARACTERS + "]")


def narrow(text: str) -> str:
    """The text with full-width letters, digits and signs as ASCII, without blanks around it."""
    return text.translate(_NARROW).strip(_AROUND)


def tidy(text: str) -> str:
    """The text with one kind of line end (a newline) and without blanks around it."""
    return _LINE_ENDS.sub("\n", text).strip(_AROUND)


def forbidden(text: str) -> str | None:
    """The first character that may not be stored, as `U+0000`; newline and tab are allowed."""
    found = _FORBIDDEN.search(text)
    return f"U+{ord(found[0]):04X}" if found else None


def printable(text: str, most: int | None = None) -> str:
    """The text fit for a page: what may not be stored becomes U+FFFD; cut to `most` characters."""
    cut = text if most is None or len(text) <= most else text[:most] + "…"
    return _FORBIDDEN.sub("\ufffd", cut)
