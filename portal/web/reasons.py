"""Why a deadline ends on its day, in the language of the page; the reasons that are stored are Chinese."""

from __future__ import annotations

from portal.deadlines import english, wording
from portal.deadlines.telling import Told
from portal.web.languages import language


def why(deadline: Told) -> str:
    """Why a deadline ends on its day, in a sentence."""
    return wording.why(deadline) if language() == "zh" else english.why(deadline)


def reason(stored: str) -> str:
    """What a day is, or why a deadline changed, as it is stored with the deadline or in the history."""
    return stored if language() == "zh" else english.reason(stored)
