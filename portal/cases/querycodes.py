"""Query codes: by number and code a case is followed without signing in."""

from __future__ import annotations

import secrets

from portal.forms.characters import narrow

ALPHABET = "34679ACDEFGHJKMNPRTUWXY"
"""Neither sign of a pair that is taken for one another when it is read out or written down: 0 O, 1 I L, 2 Z, 5 S, 8 B,
U V; some 7 * 10^10 codes."""
LENGTH = 8
_GROUP = 4


def new_code() -> str:
    """A code for a case that starts."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def spoken(code: str) -> str:
    """A code as people read it: XXXX-XXXX."""
    return f"{code[:_GROUP]}-{code[_GROUP:]}"


def typed(text: str) -> str:
    """A code in its stored form, however it was typed: case, width, blanks and dashes do not count."""
    return "".join(sign for sign in narrow(text).upper() if sign.isalnum())
