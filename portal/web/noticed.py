"""A publication as a line of a list: what it is, where it stands, its period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.cases import publishing
from portal.cases.models import Publication
from portal.clock import day_of
from portal.notices import queries
from portal.web import dates


@dataclass(frozen=True)
class Standing:
    """Where a publication stands: a word with its tone, and its period in a sentence."""

    text: str
    tone: str
    period: str


@dataclass(frozen=True)
class NoticeLine:
    """A publication in a list."""

    title: str
    place: str
    standing: Standing
    url: str


def lines_of(tx: Session, case_id: int, now: datetime) -> list[NoticeLine]:
    """What a case has shown to everybody, for its other pages."""
    return lines(tx, queries.of_case(tx, case_id), now)


def lines(tx: Session, rows: Sequence[Publication], now: datetime) -> list[NoticeLine]:
    """Publications as they stand at a moment."""
    moving = queries.provisional(tx, rows)
    return [_line(row, standing(row, now, row.id in moving)) for row in rows]


def _line(row: Publication, stands: Standing) -> NoticeLine:
    return NoticeLine(row.title, place(row), stands, url_for("notices.notice", notice_id=row.id))


def place(row: Publication) -> str:
    """Where and of which kind: 某市 · 备案公示."""
    return _("%(region)s · %(kind)s", region=row.region, kind=row.kind) if row.region else row.kind


def standing(row: Publication, now: datetime, provisional: bool) -> Standing:
    """Whether its period runs, stands or is over, and what came of it; `provisional`: its last day may still move."""
    first = dates.plain_day(day_of(row.opened_at))
    if row.closed_at is not None:
        ended = _("%(first)s 至 %(last)s", first=first, last=dates.plain_day(row.last_day))
        if publishing.ended_early(row):
            ended = _("%(period)s，在期满以前结束", period=ended)
        else:
            ended = _("%(period)s，%(day)s确认结果", period=ended, day=dates.plain_day(day_of(row.closed_at)))
        return Standing(_("已结束：%(result)s", result=row.result), "n", ended)
    if row.paused:
        return Standing(_("暂停计时"), "v", _("%(first)s 起，恢复计时后另定截止日", first=first))
    period = _("%(first)s 至 %(last)s", first=first, last=dates.due_text(row.due))
    if provisional:
        period = _("%(period)s（暂定）", period=period)
    if now < row.due:
        return Standing(_("公示中"), "g", period)
    return Standing(_("期满，待确认结果"), "a", period)
