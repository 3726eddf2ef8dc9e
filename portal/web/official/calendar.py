"""The years and their official holiday notices: what is known, entering a notice, and what it would move before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.calendar import base
from portal.calendar import service as calendars
from portal.calendar.models import HolidayNotice
from portal.calendar.notice import DayOfAnotherYear, Notice, StatutoryDayMissing, YearOutOfRange, faults
from portal.calendar.rules import SATURDAY, WEEKDAYS
from portal.calendar.typed import read_days, written
from portal.cases import reckoning
from portal.cases.reckoning import CalendarChanged, ChangedDay, Line, Preview
from portal.clock import day_of
from portal.deadlines.weighing import Fate
from portal.edge.acting import act, moment, reading
from portal.edge.machine import machine
from portal.forms.characters import narrow
from portal.identity import Actor, Permission
from portal.identity import queries as identity
from portal.web import dates
from portal.web.access import needs, permit
from portal.web.languages import listed, said
from portal.web.official.blueprint import blueprint, frame
from portal.web.official.managing import side_of
from portal.web.pages import render
from portal.web.reasons import reason

SIZE = 50
"""Deadlines of one kind on a page of the preview."""
FIELDS = ("year", "number", "source", "off", "worked")
LONGEST: Mapping[str, int] = {"number": 100, "source": 300, "off": 2000, "worked": 2000}
# Years ahead of the present one in which deadlines may end.
_AHEAD = 2
_SOME_DAYS = 8

Errors = Mapping[str, Sequence[str]]
"""What is wrong, by field, each fault a sentence."""


@dataclass(frozen=True)
class Typed:
    """A notice as it was typed."""

    year: str = ""
    number: str = ""
    source: str = ""
    off: str = ""
    worked: str = ""

    @classmethod
    def read(cls) -> Typed:
        """What this request posts."""
        typed = {name: request.form.get(name, "").strip() for name in FIELDS}
        return cls(**{**typed, "year": narrow(typed["year"])})

    def notice(self) -> tuple[Notice, Errors]:
        """The notice as far as it can be read, and what is wrong with it by field."""
        found: dict[str, list[str]] = {name: [] for name in FIELDS}
        for name, most in LONGEST.items():
            if len(getattr(self, name)) > most:
                found[name].append(_("最多 %(n)s 字，请删减", n=most))
        year = int(self.year) if self.year.isascii() and self.year.isdigit() and len(self.year) == 4 else 0
        off, worked = (read_days(getattr(self, name)[: LONGEST[name]], year or 1) for name in ("off", "worked"))
        notice = Notice(year, self.number, self.source, off.days, worked.days)
        found["off"] += map(said, off.faults)
        found["worked"] += map(said, worked.faults)
        if not self.number:
            found["number"].append(_("请填写文号"))
        if not self.source:
            found["source"].append(_("请填写来源，例如中国政府网的网址"))
        if not self.off:
            found["off"].append(_("请填写放假的日期"))
        self._weigh(notice, found)
        return notice, {name: [_sentence(text) for text in texts] for name, texts in found.items() if texts}

    def _weigh(self, notice: Notice, found: Mapping[str, list[str]]) -> None:
        """Sorts the faults of the notice as a whole to their fields."""
        missing = []
        for fault in faults(notice, base.statutory):
            if isinstance(fault, YearOutOfRange):
                found["year"].append(_("请填写四位年份，2008 至 2100 年"))
            elif isinstance(fault, StatutoryDayMissing):
                missing.append(fault)
            elif isinstance(fault, DayOfAnotherYear):
                found["off" if fault.facts["day"] in notice.days_off else "worked"].append(said(fault))
            elif fault.facts:
                found["worked"].append(said(fault))
        # Of a list that cannot be read whole nobody knows what it lacks.
        if missing and self.off and not found["off"]:
            days = listed(
                _("%(day)s（%(name)s）", day=fault.facts["day"], name=reason(str(fault.facts["name"])))
                for fault in missing
            )
            found["off"].append(_("缺少法定节假日 %(days)s", days=days))


@dataclass(frozen=True)
class YearView:
    """A year as the page lists it: whether official and by which notice, and how many deadlines wait for one."""

    year: int
    official: bool
    source: str
    provisional: int


@dataclass(frozen=True)
class NoticeView:
    """A notice as it was entered; `counts` unless a later one has taken its place."""

    year: int
    number: str
    source: str
    off: str
    worked: str
    by: str
    at: datetime
    counts: bool


@dataclass(frozen=True)
class Section:
    """The deadlines of one fate: what becomes of them, how many, those on this page, and its neighbours."""

    fate: Fate
    title: str
    note: str
    count: int
    lines: tuple[Line, ...]
    page: int
    pages: int


@blueprint.get("/calendar")
@needs(Permission.CALENDAR_ENTER)
def calendar_page() -> ResponseReturnValue:
    """The years, the notices entered, and the form for another."""
    return _form(permit(), Typed(), {})


@blueprint.post("/calendar/preview")
@needs(Permission.CALENDAR_ENTER)
def preview_notice() -> ResponseReturnValue:
    """What the notice would move, before anything is entered; with faults the form again."""
    actor, typed = permit(), Typed.read()
    if "edit" in request.form:
        return _form(actor, typed, {})
    notice, errors = typed.notice()
    if errors:
        return _form(actor, typed, errors), 422
    return _preview(actor, typed, notice)


@blueprint.post("/calendar/notices")
@needs(Permission.CALENDAR_ENTER)
def enter_notice() -> ResponseReturnValue:
    """Enters the notice, if the calendar is still the one whose preview was seen."""
    actor, typed = permit(), Typed.read()
    notice, errors = typed.notice()
    if errors:
        return _form(actor, typed, errors), 422
    seen = request.form.get("version", -1, type=int)

    def enter(tx: Session, now: datetime) -> int:
        return reckoning.enter(machine().kernel, tx, notice, actor, seen, now)

    try:
        families = act(enter, _("录入放假安排"))
    except CalendarChanged as change:
        with reading() as tx:
            twice = _is_newest(tx, notice, actor)
        if twice:
            flash(_("已录入"), "success")
            return redirect("/calendar", 303)
        return _preview(actor, typed, notice, trouble=said(change)), 409
    done = _("已录入 %(year)s 年放假安排（%(number)s）。", year=notice.year, number=notice.number)
    more = _("有在办期限的 %(n)s 组案件正在逐组重新计算，变动写入每件案件的办理记录。", n=families)
    flash(done + (more if families else _("目前没有在办期限。")), "success")
    return redirect("/calendar", 303)


def _is_newest(tx: Session, notice: Notice, actor: Actor) -> bool:
    """Whether the newest notice is this very one, entered by the same person: he pressed the button twice."""
    newest = calendars.newest(tx)
    return newest is not None and newest.entered_by == actor.person_id and calendars.same(newest, notice)


def _form(actor: Actor, typed: Typed, errors: Errors) -> str:
    with reading() as tx:
        now = moment(tx)
        notices = calendars.entered(tx)
        return render(
            "official/calendar.html",
            years=_years(tx, now, notices),
            notices=_notices(tx, notices),
            waiting=reckoning.waiting(tx, now),
            typed=typed,
            errors={name: "".join(texts) for name, texts in errors.items()},
            faults=[(name, text) for name, texts in errors.items() for text in texts],
            **{**frame(tx, actor, "/calendar"), **side_of(tx, actor, "/calendar")},
        )


def _years(tx: Session, now: datetime, notices: Sequence[HolidayNotice]) -> list[YearView]:
    calendar, provisional = calendars.current(tx), reckoning.provisional_by_year(tx, now)
    this = day_of(now).year
    years = {*range(this - 1, this + _AHEAD + 1), *(notice.year for notice in notices), *provisional}
    numbers = {notice.year: notice.number for notice in notices}
    return [
        YearView(
            year,
            calendar.is_official(year),
            numbers.get(year) or (_("系统内置的国务院办公厅通知") if calendar.is_official(year) else ""),
            provisional.get(year, 0),
        )
        for year in sorted(years)
    ]


def _notices(tx: Session, notices: Sequence[HolidayNotice]) -> list[NoticeView]:
    names = identity.person_names(tx, {notice.entered_by for notice in notices})
    last = {notice.year: notice.id for notice in notices}
    return [
        NoticeView(
            year=notice.year,
            number=notice.number,
            source=notice.source,
            off=written(tuple(notice.days_off)),
            worked=written(tuple(notice.days_worked)),
            by=names.get(notice.entered_by, ""),
            at=notice.entered_at,
            counts=last[notice.year] == notice.id,
        )
        for notice in reversed(notices)
    ]


def _preview(actor: Actor, typed: Typed, notice: Notice, trouble: str = "") -> str:
    with reading() as tx:
        now = moment(tx)
        seen = reckoning.preview(machine().kernel, tx, notice, now)
        replaced = next((one.number for one in reversed(calendars.entered(tx)) if one.year == notice.year), None)
        return render(
            "official/calendar_preview.html",
            typed=typed,
            fields=[(name, getattr(typed, name)) for name in FIELDS],
            notice=notice,
            off=written(notice.days_off),
            worked=written(notice.days_worked),
            preview=seen,
            sections=[_section(tx, seen, fate) for fate in ("moved", "kept", "confirmed")],
            replaced=replaced,
            was_official=calendars.current(tx).is_official(notice.year),
            changed=_told(seen.changed),
            past=_told(seen.past),
            trouble=trouble,
            **{**frame(tx, actor, "/calendar"), **side_of(tx, actor, "/calendar")},
        )


def _section(tx: Session, preview: Preview, fate: Fate) -> Section:
    titles = {
        "moved": (_("将变动的期限"), _("新的最后一日由这份通知决定，原来的理由和新的理由都留在案件里。")),
        "kept": (
            _("不变动的期限"),
            _("已经届满的不再变动；按新安排会落到今天以前的，也维持原来的最后一日。案件里写明原因。"),
        ),
        "confirmed": (_("由暂定转为确定的期限"), _("日期不变，不再标注“暂定”。")),
    }
    count = preview.count(fate)
    pages = max(1, -(-count // SIZE))
    page = min(max(_page(fate), 1), pages)
    shown = tuple(reckoning.lines(tx, preview.affected[fate], (page - 1) * SIZE, SIZE))
    return Section(fate, *titles[fate], count, shown, page, pages)


def _page(fate: Fate) -> int:
    """The page of a section: the one just turned to, else the one that was shown."""
    turned, _colon, page = request.form.get("turn", "").partition(":")
    if turned == fate and page.isascii() and page.isdigit() and len(page) < 9:
        return int(page)
    return request.form.get(f"{fate}_page", 1, type=int)


def _told(days: Sequence[ChangedDay]) -> list[str]:
    """Each changed day in words; of many the first ones."""
    told = [
        _(
            "%(day)s由“%(before)s”改为“%(after)s”",
            day=dates.long_day(one.day),
            before=_kind(one.before),
            after=_kind(one.after),
        )
        for one in days
    ]
    more = len(told) - _SOME_DAYS
    return told if more <= 1 else [*told[:_SOME_DAYS], _("另有 %(n)s 天", n=more)]


def _kind(stored: str) -> str:
    """What a day is: one that is told by its weekday only is worked as always, or off as every weekend."""
    if stored not in WEEKDAYS:
        return reason(stored)
    return _("上班") if WEEKDAYS.index(stored) < SATURDAY else _("周末休息")


def _sentence(text: str) -> str:
    return text if text.endswith(("。", ".")) else _("%(text)s。", text=text)
