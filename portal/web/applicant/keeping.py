"""What is kept of a form while it is filled in: the names by which its page and the server speak of that."""

from __future__ import annotations

from dataclasses import dataclass

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.cases import drafts
from portal.cases.drafts import ChangedElsewhere
from portal.cases.models import MessageDraft, TaskDraft
from portal.web import dates, languages
from portal.web.errors import status_of

GO, NEXT, BACK, SAVE, KEEP = "_go", "next", "back", "save", "keep"
"""Posted by the buttons of a form; `keep` by the page itself, while somebody is typing."""
_SEEN, _OVER = "_seen", "_over"
"""The mark of the answers that a page was made of, and that of those which the person says his own shall replace."""


def seen() -> str | None:
    """The mark of the answers that this request goes by."""
    return request.form.get(_OVER) or request.form.get(_SEEN)


def page_mark() -> str | None:
    """The mark of the answers that the page was made of, whatever the person says it shall replace."""
    return request.form.get(_SEEN)


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
    """Tells the page that keeps itself by which mark it goes from now on; or that it is kept no longer."""
    if elsewhere is not None:
        return jsonify(said=languages.said(elsewhere)), status_of(elsewhere)
    return jsonify(seen=mark, said=_("%(at)s 已保存。", at=at))


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
