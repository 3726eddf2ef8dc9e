"""How applicants read days, moments, amounts and sizes, and where a sealed letter stands."""

from __future__ import annotations

from flask_babel import gettext as _

from portal.web.dates import amount_text, day_text, due_text, last_day, left_text, tone, weekday
from portal.web.dates import exact as minute_text
from portal.web.dates import size as size_text
from portal.web.dates import to_the_second as second_text
from portal.web.languages import language, said

__all__ = [
    "amount_text",
    "day_text",
    "due_text",
    "language",
    "last_day",
    "left_text",
    "minute_text",
    "said",
    "sealed_text",
    "second_text",
    "size_text",
    "tone",
    "weekday",
]


def sealed_text(answer: str = "") -> str:
    """Where a case stands whose letter the party has not opened yet, or whose `answer` has such a letter."""
    return _("《%(title)s》的文书等您签收", title=answer) if answer else _("文书已制发，等您签收")
