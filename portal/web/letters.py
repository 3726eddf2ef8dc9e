"""A letter on pages: its text, and what is said of its way: being made, waiting to be served, served, failed."""

from __future__ import annotations

from flask_babel import gettext as _
from markupsafe import Markup

from portal.cases.standing import LetterStanding
from portal.documents.models import Letter, Service
from portal.documents.preview import preview
from portal.edge.machine import machine
from portal.errors import ContentFaults
from portal.storage import ObjectAltered, ObjectMissing, StoreUnavailable, whole
from portal.web import dates
from portal.web.history import how_text
from portal.web.languages import said


def paper(word: bytes) -> Markup:
    """A letter's Word file as HTML for `letter.sheet`; the preview holds nothing but harmless elements."""
    return Markup(preview(word))  # nosec B704 # 2026-11-22: escaped before


def read(letter: Letter) -> tuple[Markup, str]:
    """An issued letter as HTML for `letter.sheet`, and why it cannot be shown if it cannot."""
    try:
        with whole(machine().store, letter.object_key or "", letter.sha256 or "") as word:
            return paper(word.read()), ""
    except (StoreUnavailable, ObjectAltered, ObjectMissing) as error:
        return Markup(), said(error)
    except ContentFaults:
        return Markup(), _("文书文件不能在线显示，请下载后查看。")


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


def standing_text(standing: LetterStanding) -> str:
    """Whether a letter is in force, and what has taken its place."""
    if standing.state == "valid" or standing.at is None:
        return _("有效")
    told = {"number": standing.by, "when": dates.exact(standing.at)}
    if standing.state == "replaced":
        return _("自 %(when)s 起由 %(number)s 取代", **told)
    return _("自 %(when)s 起由 %(number)s 撤销", **told)


FILTERS = {"standing_text": standing_text, "letter_state": letter_state, "service_text": service_text}
