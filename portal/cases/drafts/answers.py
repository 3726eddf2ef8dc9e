"""The answers of a form that is not handed in: how they are kept, and told apart from others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from portal.cases.errors import Refused
from portal.cases.models import Filing, MessageDraft, TaskDraft
from portal.cases.values import digest
from portal.clock import TZ

Answers = Mapping[str, list[str]]
"""What was typed, as a browser posts it: by field, each a list of texts."""


class ChangedElsewhere(Refused):
    """Other answers were kept since the page was made, so nobody overwrites or hands in what he has not seen."""

    zh = "这份草稿已于 {when} 在另一个窗口改动并保存。"
    en = "This draft was changed and saved in another window at {when}."

    def __init__(self, saved_at: datetime) -> None:
        super().__init__(when=saved_at.astimezone(TZ).strftime("%m-%d %H:%M"))


def mark(answers: Answers) -> str:
    """A short text that tells these answers from others."""
    return digest(dict(answers))[:16]


def is_seen(answers: Answers, seen: str) -> bool:
    """Whether `seen` is the `mark` of these answers, or several marks with blanks between and theirs among them."""
    return mark(answers) in seen.split()


NOTHING = mark({})
"""The `mark` of a page that was made when nothing was kept."""


def storable(answers: Answers) -> dict[str, list[str]]:
    """What was typed, as it can be stored."""
    return {_without_nul(name): [_without_nul(text) for text in texts] for name, texts in answers.items()}


def _without_nul(text: str) -> str:
    # PostgreSQL's JSON cannot hold NUL; what stands in its place is refused by every form.
    return text.replace("\0", "\x01")


def replace(draft: Filing | TaskDraft | MessageDraft, answers: Answers, moment: datetime, seen: str) -> None:
    """Keeps answers in a draft, which is locked, in the place of those that `is_seen` knows by `seen`.

    Raises ChangedElsewhere when others were kept meanwhile, in another window; the same again is kept as it is.
    """
    typed = storable(answers)
    if not is_seen(draft.answers, seen) and typed != draft.answers:
        raise ChangedElsewhere(draft.saved_at)
    draft.answers, draft.saved_at = typed, moment
