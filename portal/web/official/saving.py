"""暂存: what an official has typed into a form is kept before it is handed in, by a button or by script as he types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.cases.drafts import NOTHING, mark
from portal.errors import PortalError
from portal.web import dates, keeping
from portal.web.languages import said


@dataclass(frozen=True)
class SavingView:
    """What a form's page needs for it: where it is kept and forgotten, what the page was made of, what it says."""

    url: str
    seen: str
    restored: str = ""
    """Since when what the page shows was kept."""
    refused: str = ""
    """Why what was typed was not kept."""
    unsaved: bool = False
    """Whether the page shows what is kept nowhere yet, such as imported rows, so that its script keeps it at once."""

    @property
    def discard_url(self) -> str:
        """Where it is forgotten."""
        path, mark_, query = self.url.partition("?")
        return f"{path}/discard{mark_}{query}"


def shown(url: str, answers: Mapping[str, list[str]], saved_at: datetime | None) -> SavingView:
    """For a page that shows what was kept."""
    typed = any(any(texts) for texts in answers.values())
    restored = _("已恢复 %(at)s 暂存的内容。", at=dates.short(saved_at)) if saved_at and typed else ""
    return SavingView(url, mark(answers), restored)


def again(url: str, refused: str = "", seen: str = "") -> SavingView:
    """For a page that comes back with what was typed."""
    return SavingView(url, seen or seen_here(), refused=refused, unsaved=not seen)


def seen_here() -> str:
    """The `mark` of what the posting page was made of, with that of what it has sent since."""
    return keeping.page_marks() or NOTHING


def kept(saved_at: datetime, answers: Mapping[str, list[str]]) -> ResponseReturnValue:
    """Tells the script that it was kept, and when."""
    return keeping.kept(_("已暂存 %(at)s", at=dates.clock_time(saved_at)), mark(answers))


def not_kept(refusal: PortalError, seen: str = "") -> ResponseReturnValue:
    """Tells the script why not; with `seen` the person may still decide that this page's content is to be kept."""
    return keeping.not_kept(_("未能暂存：%(why)s", why=told(refusal, elsewhere=bool(seen))), seen)


def told(refusal: PortalError, *, elsewhere: bool) -> str:
    """Why nothing was kept; when another window was faster, what can be done."""
    if not elsewhere:
        return said(refusal)
    return _("%(why)s本页的内容没有覆盖它。再点“暂存”即以本页为准；想看那一份，请重新打开本页。", why=said(refusal))
