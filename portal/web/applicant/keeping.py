"""What is kept of a form while it is filled in: by its buttons, and by its page while somebody is typing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.cases import drafts
from portal.cases.drafts import ChangedElsewhere
from portal.cases.models import MessageDraft, TaskDraft
from portal.web import dates, languages
from portal.web.keeping import kept, not_kept, page_mark, page_marks

GO, NEXT, BACK, SAVE = "_go", "next", "back", "save"
"""Posted by the buttons of a form."""
_OVER = "_over"
"""Posted by a button: the mark of the answers which the person says his own shall replace."""


def seen(stored: Callable[[drafts.Answers], drafts.Answers] = dict) -> str | None:
    """The mark of the answers that this request goes by; `stored` as for `page_marks`."""
    return request.form.get(_OVER) or page_marks(stored)


def only_keeps() -> bool:
    """Whether the person wants what he typed kept and nothing sent: by its button, or in the place of another's."""
    return asks(SAVE) or _OVER in request.form


def asks(go: str) -> bool:
    """Whether this button was pressed."""
    return request.form.get(GO) == go


def only_shown() -> bool:
    """Whether the page only shows itself anew: these requests overlap one another, so nothing is kept."""
    return "HX-Request" in request.headers


def told(mark: str, at: str, elsewhere: ChangedElsewhere | None) -> ResponseReturnValue:
    """Tells the page that keeps itself by which mark it goes from now on; or that it is kept no longer: whether it
    shall replace the others is asked when a button is pressed."""
    if elsewhere is not None:
        return not_kept(languages.said(elsewhere))
    return kept(_("%(at)s 已保存。", at=at), mark)


@dataclass(frozen=True)
class Kept:
    """What was kept of a form before: the answers, their mark, and when; nothing yet at first."""

    answers: drafts.Answers | None
    mark: str
    at: str

    @classmethod
    def of(cls, draft: TaskDraft | MessageDraft | None) -> Kept:
        """That of a draft."""
        if draft is None:
            return cls(None, drafts.NOTHING, "")
        return cls(draft.answers, drafts.mark(draft.answers), dates.exact(draft.saved_at))

    def shown(self, elsewhere: ChangedElsewhere | None = None) -> dict[str, object]:
        """The variables of a page whose form is kept; one that was not kept still goes by what it went by before."""
        before = page_mark() if elsewhere is not None or only_shown() else None
        return {
            "seen": before or self.mark,
            "over": self.mark,
            "saved": self.at,
            "elsewhere": languages.said(elsewhere) if elsewhere else None,
        }
