"""What pages say of a letter's way: being made, waiting to be served, served, failed."""

from __future__ import annotations

from flask_babel import gettext as _
from markupsafe import Markup

from portal.documents.models import Letter, Service
from portal.documents.preview import preview
from portal.web.history import how_text

# What the preview calls the parts of a letter, and what the paper look calls them.
_PAPER = {
    "letter-authority": "authority",
    "letter-number": "end",
    "letter-to": "flat",
    "letter-signed": "end",
    "letter-date": "end",
    "letter-copies": "flat",
    "letter-code": "flat",
}


def paper(word: bytes) -> Markup:
    """A letter's Word file as HTML in the paper look; the preview holds nothing but harmless elements."""
    html = preview(word)
    for name, look in _PAPER.items():
        html = html.replace(f'class="{name}"', f'class="{look}"')
    return Markup(html)


def letter_state(letter: Letter) -> dict[str, str]:
    """Where a letter stands, as `ui.file` takes it."""
    if letter.state != "ready":
        texts = {"rendering": (_("生成中"), "n"), "failed": (_("生成失败"), "r")}
        text, tone = texts[letter.state]
        return {"text": text, "tone": tone}
    served = [service for service in letter.services if service.kind == "party"]
    if all(service.state == "served" for service in served):
        return {"text": _("已送达") if served else _("已制发"), "tone": "g"}
    return {"text": _("待送达"), "tone": "a"}


def service_text(service: Service) -> str:
    """Where the service on one addressee stands."""
    if service.state == "served":
        return _("已送达（%(how)s）", how=how_text(service.how or "read"))
    states = {"awaiting file": _("等待文书生成"), "open": _("待送达"), "copy": _("抄送")}
    return states[service.state]


FILTERS = {"letter_state": letter_state, "service_text": service_text}
