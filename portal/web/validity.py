"""What a page says about the text of law behind it: that its renewal is assumed, that it lapses soon, or has lapsed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.cases.binding import bound_to
from portal.cases.live import Cases, LiveCase
from portal.cases.models import Case
from portal.clock import day_of
from portal.edge.acting import moment
from portal.edge.machine import machine
from portal.procedures import validity
from portal.procedures.articles import citation
from portal.procedures.models import Renewal
from portal.procedures.regulation import Regulation
from portal.procedures.validity import Instrument, Validity
from portal.web import dates
from portal.web.languages import title_inside


@dataclass(frozen=True)
class LawLine:
    """One line: a word as a chip, its tone, and the sentence."""

    mark: str
    tone: str
    text: str


def of_case(tx: Session, case: LiveCase) -> list[LawLine]:
    """What is to be said of the text that a case was accepted under: that it is assumed, or was revoked since."""
    return of_row(tx, case.row, case.published.regulation)


def of_case_id(tx: Session, case_id: int | None) -> list[LawLine]:
    """The same, of a case by its id; of no case nothing."""
    return of_case(tx, Cases(tx, machine().kernel.releases).get(case_id)) if case_id is not None else []


def of_rows(tx: Session, rows: Iterable[Case]) -> list[LawLine]:
    """The same, of several cases' rows, each line once."""
    releases = machine().kernel.releases
    lines = [line for row in rows for line in of_row(tx, row, releases.newest(tx, row.regulation).regulation)]
    return list(dict.fromkeys(lines))


def of_row(tx: Session, row: Case, regulation: Regulation) -> list[LawLine]:
    """The same, of a case's row; nothing is read where it was accepted under the regulation's own text."""
    text = bound_to(row, regulation)
    if text.renewal is None:
        return []
    renewal = validity.get(tx, text.renewal)
    if renewal.revoked is not None:
        return [_revoked(renewal, regulation)]
    return assumption(validity.of_renewal(renewal), regulation)


def of_regulation(regulation: Regulation, stands: Validity) -> list[LawLine]:
    """What is to be said of a regulation as it stands: closed for intake, assumed to be renewed, lapsing soon."""
    closed = closed_text(regulation, stands)
    lines = [LawLine(_("已停止受理") if stands.lapsed else _("尚未施行"), "a", closed)] if closed else []
    if stands.governs is not None:
        lines += assumption(stands.governs, regulation)
    return lines + ([LawLine(_("即将届满"), "a", soon_text(regulation, stands))] if stands.soon else [])


def of_regulations(tx: Session, regulations: Iterable[Regulation]) -> list[LawLine]:
    """The same of several, each once; where no text lapses nothing is read."""
    each = {regulation.slug: regulation for regulation in regulations}
    stands = standings(tx, list(each.values()))
    return [line for slug, regulation in each.items() for line in of_regulation(regulation, stands[slug])]


def standings(tx: Session, regulations: Sequence[Regulation]) -> dict[str, Validity]:
    """How regulations stand today, by slug."""
    return validity.standings(tx, regulations, day_of(moment(tx)))


def assumption(text: Instrument, regulation: Regulation) -> list[LawLine]:
    """That what is in force is only assumed to be: “假定：…，见…”; nothing of a text that somebody has seen."""
    if not text.assumed:
        return []
    said = _(
        "《%(regulation)s》以《%(title)s》（%(number)s）续期，%(period)s；这是假定：%(reason)s，见%(source)s。",
        regulation=regulation.title,
        title=title_inside(text.title),
        number=text.number,
        period=period_text(text.in_force, text.last_day),
        reason=text.reason.rstrip("。."),
        source=text.source.rstrip("。."),
    )
    return [LawLine(_("假定"), "n", said)]


def _revoked(renewal: Renewal, regulation: Regulation) -> LawLine:
    assert renewal.revoked is not None
    said = _(
        "受理时《%(regulation)s》以《%(title)s》（%(number)s）续期，该续期已于 %(at)s 撤回：%(reason)s。",
        regulation=regulation.title,
        title=title_inside(renewal.title),
        number=renewal.number,
        at=dates.exact(renewal.revoked.at),
        reason=renewal.revoked.reason.rstrip("。."),
    )
    return LawLine(_("续期已撤回"), "a", said)


def closed_text(regulation: Regulation, stands: Validity) -> str:
    """Why nothing can be filed under a regulation; empty when it can."""
    if stands.governs is not None:
        return ""
    if stands.last is None or stands.last.last_day is None:
        first = dates.plain_day(stands.begins)
        return _("《%(title)s》自 %(day)s 起施行，施行以后可以申报。", title=regulation.title, day=first)
    return _(
        "《%(title)s》的有效期到 %(day)s 为止%(article)s，没有录入续期，已停止受理新的申报；已受理的继续办理。",
        title=regulation.title,
        day=dates.plain_day(stands.last.last_day),
        article=_fixed_by(regulation, stands.last),
    )


def soon_text(regulation: Regulation, stands: Validity) -> str:
    """That the text lapses within half a year."""
    assert stands.until is not None
    return _(
        "《%(title)s》的有效期到 %(day)s 为止%(article)s。此后没有续期的，停止受理新的申报；已经受理的继续办理。",
        title=regulation.title,
        day=dates.plain_day(stands.until),
        article=_fixed_by(regulation, stands.last),
    )


def period_text(first: date, last: date | None) -> str:
    """自 2025年11月9日 至 2027年11月8日; without a last day only from when."""
    if last is None:
        return _("自 %(first)s 起", first=dates.plain_day(first))
    return _("自 %(first)s 至 %(last)s", first=dates.plain_day(first), last=dates.plain_day(last))


def _fixed_by(regulation: Regulation, last: Instrument | None) -> str:
    """What says how long the text is in force, in brackets: what renewed it last, else its own article."""
    if last is not None and last.renewal is not None:
        return _("（续期文件 %(number)s）", number=last.number)
    article = citation(regulation, regulation.validity)
    return _("（%(article)s）", article=article) if article else ""
