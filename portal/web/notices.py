"""Public notices (公示): what is shown, until when, how to object, and what became of it; kept as proof for good."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring  # nosec B405 # 2026-11-22: writes

from flask import Blueprint, Response, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import audit
from portal.calendar.rules import Calendar
from portal.cases import drawn, publicly, publishing
from portal.cases.errors import MayNotStart, Refused, UnknownCase
from portal.cases.live import Cases, LiveCase
from portal.cases.models import Publication, PublicationChange
from portal.clock import TZ, day_of
from portal.deadlines.counting import days_so_far
from portal.deadlines.models import Deadline
from portal.deadlines.rules import Period, parse_length
from portal.edge.acting import asked, moment, reading
from portal.edge.files import TYPES, Download, stream
from portal.edge.machine import machine
from portal.edge.standing import calendar_in_force
from portal.notices import queries
from portal.notices.queries import OPEN, OVER, STATES, Objections, Wanted
from portal.procedures.articles import citation
from portal.web import dates, validity
from portal.web.access import open_to_all, visitor
from portal.web.applicant import clocks
from portal.web.applicant.clocks import DeadlineView
from portal.web.applicant.progress import StepView
from portal.web.draws import url_of_draw
from portal.web.languages import code, said
from portal.web.languages import listed as in_words
from portal.web.noticed import NoticeLine, Standing, lines, lines_of, place, standing
from portal.web.pages import render
from portal.web.periods import period_text
from portal.web.public import around
from portal.web.reasons import reason
from portal.web.stages import stages

blueprint = Blueprint("notices", __name__)

AT_A_TIME = 20
_IN_THE_FEED = 50
_CACHED = "public, max-age=60"
_ATOM = "http://www.w3.org/2005/Atom"
register_namespace("atom", _ATOM)


@dataclass(frozen=True)
class ChangeLine:
    """Something that became of a publication, as `ui.timeline` takes it."""

    at: str
    moment: str
    text: str
    note: str | None
    state: str | None = None


@dataclass(frozen=True)
class Objecting:
    """How one objects: the address of the form, or why one cannot; how many did."""

    title: str
    url: str
    closed: str
    objections: Objections | None


@dataclass(frozen=True)
class Course:
    """How far the period of a publication has come: `done` of its `total` working days, today's among them."""

    done: int
    total: int
    text: str


@dataclass(frozen=True)
class NoticeView:
    """The page of a publication."""

    title: str
    place: str
    standing: Standing
    shown: list[tuple[str, str]]
    files: list[dict[str, Any]]
    period: DeadlineView
    course: Course | None
    length: str
    floor: str
    objecting: Objecting | None
    changes: list[ChangeLine]
    case: str
    basis: str
    assumed: str
    opened: str
    sha256: str
    result: str
    closed: str
    early: bool
    """Whether it was closed before its period had run out; else `closed` is when its result was confirmed."""
    draws: list[tuple[int, str]]
    """The lots drawn in its case: number and address."""
    stages: list[StepView]
    others: list[NoticeLine]
    """What else its case has shown."""


@blueprint.get("/notices")
@open_to_all
def index() -> ResponseReturnValue:
    """All publications, the newest first; narrowed by region, kind, and whether they are open."""
    visitor()
    with reading() as tx:
        now = moment(tx)
        wanted, before = _wanted(now), asked("before")
        found = queries.listed(tx, wanted, before, AT_A_TIME + 1)
        shown, more = found[:AT_A_TIME], len(found) > AT_A_TIME
        regions, kinds = _choices(tx)
        chosen = _chosen(wanted)
        page = render(
            "public/notices.html",
            lines=lines(tx, shown, now),
            wanted=wanted,
            regions=[(region, region) for region in regions],
            kinds=[(kind, kind) for kind in kinds],
            states=((OPEN, _("公示中")), (OVER, _("已结束"))),
            earlier=_narrowed("/notices", chosen) if before is not None else None,
            later=_narrowed("/notices", {"before": str(shown[-1].id), **chosen}) if more else None,
            feed=_narrowed("/notices.rss", chosen),
            narrowed=bool(chosen),
            law=validity.of_rows(tx, queries.cases_of(tx, shown)),
            **around(tx, "/notices"),
        )
    return page


@blueprint.get("/notices.rss")
@open_to_all
def feed() -> ResponseReturnValue:
    """The newest publications for a feed reader, narrowed as the list is."""
    with reading() as tx:
        now = moment(tx)
        wanted = _wanted(now)
        rows = queries.listed(tx, wanted, None, _IN_THE_FEED)
        body = _rss(zip(rows, lines(tx, rows, now), strict=True), wanted)
    response = Response(body, content_type="application/rss+xml; charset=utf-8")
    response.headers["Cache-Control"] = _CACHED
    return response


@blueprint.get("/notices/<int:notice_id>")
@open_to_all
def notice(notice_id: int) -> ResponseReturnValue:
    """One publication; its page stays when its period is over."""
    visitor()
    with reading() as tx:
        row = publicly.published_as(tx, notice_id)
        case = Cases(tx, machine().kernel.releases).get(row.case_id)
        return render(
            "public/notice.html",
            id=row.id,
            notice=_view(tx, row, case, moment(tx)),
            law=validity.of_case(tx, case),
            **around(tx, "/notices"),
        )


@blueprint.get("/notices/<int:notice_id>.json")
@open_to_all
def data(notice_id: int) -> ResponseReturnValue:
    """The same for machines: what was shown with its hash, and what became of it."""
    with reading() as tx:
        row = publicly.published_as(tx, notice_id)
        answer = jsonify(_json(row, queries.changes_of(tx, row.id), moment(tx)))
    answer.headers["Cache-Control"] = _CACHED
    return answer


@blueprint.get("/notices/<int:notice_id>/files/<int:attachment_id>")
@open_to_all
def file(notice_id: int, attachment_id: int) -> Response:
    """A file that was made public."""
    with reading() as tx:
        row = publicly.published_as(tx, notice_id)
        found = next((one for one in row.files if one["attachment"] == attachment_id), None)
        key = publishing.file_key(tx, attachment_id) if found is not None else None
        if found is None or key is None:
            raise UnknownCase
    kind = TYPES.get(found["kind"], "application/octet-stream")
    return stream(Download(key, found["sha256"], found["name"], kind))


# Lists


def _wanted(now: datetime) -> Wanted:
    state = request.args.get("state", "")
    region, kind = request.args.get("region", ""), request.args.get("kind", "")
    return Wanted(now, _plain(region), _plain(kind), state if state in STATES else "")


def _plain(text: str) -> str:
    return text if text.isprintable() else ""


def _chosen(wanted: Wanted) -> dict[str, str]:
    """What a list is narrowed by."""
    said = {"region": wanted.region, "kind": wanted.kind, "state": wanted.state}
    return {name: text for name, text in said.items() if text}


def _choices(tx: Session) -> tuple[list[str], list[str]]:
    """The regions and kinds of what the releases in force make public; nothing is counted that grows."""
    regions, kinds = set(), set()
    for published in machine().kernel.releases.in_force(tx):
        for procedure in published.procedures.values():
            for rule in procedure.manifest.publicity.values():
                regions.add(published.regulation.region)
                kinds.add(rule.kind)
    return sorted(regions - {""}), sorted(kinds)


def _narrowed(path: str, chosen: Mapping[str, str]) -> str:
    """An address with what is chosen."""
    return f"{path}?{urlencode(chosen)}" if chosen else path


# One page


def _view(tx: Session, row: Publication, case: LiveCase, now: datetime) -> NoticeView:
    rule, regulation = case.procedure.manifest.publicity[row.name], case.published.regulation
    deadline = tx.get_one(Deadline, row.deadline_id)
    floor = rule.floor
    changes = queries.changes_of(tx, row.id)
    return NoticeView(
        title=row.title,
        place=place(row),
        standing=standing(row, now, deadline.provisional),
        shown=[(line["label"], line["text"]) for line in row.snapshot["shown"]],
        files=[
            {
                "name": one["name"],
                "kind": one["kind"].upper(),
                "note": f"{one['title']} · {dates.size(one['size'])}",
                "url": url_for("notices.file", notice_id=row.id, attachment_id=one["attachment"]),
                "sha256": one["sha256"],
            }
            for one in row.files
        ],
        period=clocks.view(deadline, now, calendar_in_force(tx), regulation),
        course=_course(deadline, row, calendar_in_force(tx), now),
        length=period_text(deadline.period),
        floor=period_text(str(floor.length)) if floor else "",
        objecting=_objecting(tx, row, rule.objections, now),
        changes=[_change(one) for one in reversed(changes)],
        case=row.snapshot["case"],
        basis=citation(regulation, rule.basis) or "",
        assumed=rule.assumed or "",
        opened=dates.exact(row.opened_at),
        sha256=row.sha256,
        result=row.result or "",
        closed=dates.exact(row.closed_at) if row.closed_at else "",
        early=publishing.ended_early(row),
        draws=[(draw.id, url_of_draw(draw.id)) for draw in drawn.of_case(tx, case)],
        stages=stages(case, audit.entries(tx, case.id), row, changes),
        others=[one for one in lines_of(tx, case.id, now) if one.url != url_for("notices.notice", notice_id=row.id)],
    )


def _course(deadline: Deadline, row: Publication, calendar: Calendar, now: datetime) -> Course | None:
    """How many of its days are over; None of a period that is not counted in working days."""
    lengths = [parse_length(deadline.period), *deadline.lengthened]
    days = [one.amount for one in lengths if isinstance(one, Period) and one.unit == "working days"]
    if len(days) < len(lengths):
        return None
    lines = days_so_far(deadline, calendar, now) if deadline.state == "paused" else deadline.explanation
    until = day_of(row.closed_at or now)
    numbers = [line["counted"] for line in lines if date.fromisoformat(line["day"]) <= until]
    done = max((n for n in numbers if n is not None), default=0)
    return Course(done, sum(days), _("已计 %(done)s / %(total)s 个工作日", done=done, total=sum(days)))


def _objecting(tx: Session, row: Publication, procedure: str | None, now: datetime) -> Objecting | None:
    if procedure is None:
        return None
    try:
        offer = publicly.offer(machine().kernel, tx, row.id, now)
    except MayNotStart:
        return None
    except Refused as refusal:
        return Objecting("", "", said(refusal), queries.objections_to(tx, row, procedure))
    title = offer.procedure.drawing.start().name or offer.procedure.manifest.title
    url = url_for("objecting.form", notice_id=row.id)
    return Objecting(title, url, "", queries.objections_to(tx, row, procedure))


def _change(change: PublicationChange) -> ChangeLine:
    text, note = _told(change)
    return ChangeLine(dates.exact(change.at), change.at.isoformat(), text, note)


def _told(change: PublicationChange) -> tuple[str, str | None]:
    told = change.details
    until = dates.plain_day(date.fromisoformat(told["last_day"])) if told.get("last_day") else ""
    match change.kind:
        case "moved":
            return _("期间调整，最后一日改为 %(day)s", day=until), reason(told["reason"])
        case "extended":
            return _("期间延长，最后一日改为 %(day)s", day=until), reason(told["reason"])
        case "paused":
            return _("暂停计时"), _("暂停期间不计入公示期，恢复后不缩短。")
        case "resumed":
            return _("恢复计时，最后一日为 %(day)s", day=until), None
        case "closed" if told["early"]:
            return _("公示结束：%(result)s", result=told["result"]), _("在期满以前结束")
        case "closed":
            return _("确认公示结果：%(result)s", result=told["result"]), None
        case "revised":
            return _("公示以后内容有修改：%(what)s", what=in_words(told["labels"])), _("本页仍显示公示时的内容。")
    return _("案件办结：%(outcome)s", outcome=told["outcome"]), None


# For machines


def _json(row: Publication, changes: Iterable[PublicationChange], now: datetime) -> dict[str, Any]:
    return {
        "id": row.id,
        "url": _address(row.id),
        "title": row.title,
        "kind": row.kind,
        "region": row.region,
        "state": "closed" if row.closed_at else "paused" if row.paused else "open" if now < row.due else "over",
        "opened_at": row.opened_at.astimezone(TZ).isoformat(),
        "last_day": None if row.paused else row.last_day.isoformat(),
        "closed_at": row.closed_at.astimezone(TZ).isoformat() if row.closed_at else None,
        "result": row.result,
        "snapshot": row.snapshot,
        "sha256": row.sha256,
        "files": [
            {"name": one["name"], "sha256": one["sha256"], "url": _address(row.id) + f"/files/{one['attachment']}"}
            for one in row.files
        ],
        "changes": [{"at": one.at.astimezone(TZ).isoformat(), "kind": one.kind, **one.details} for one in changes],
    }


def _address(notice_id: int) -> str:
    return f"{machine().settings.public_url}/notices/{notice_id}"


def _rss(rows: Iterable[tuple[Publication, NoticeLine]], wanted: Wanted) -> bytes:
    """RSS 2.0."""
    root = Element("rss", version="2.0")
    channel = SubElement(root, "channel")
    told = [wanted.region, wanted.kind]
    SubElement(channel, "title").text = " · ".join([_("公示公告"), *(part for part in told if part)])
    SubElement(channel, "link").text = f"{machine().settings.public_url}/notices"
    SubElement(channel, "description").text = _("正在公示和已经结束的公示，最新的在前")
    SubElement(channel, "language").text = code()
    here = machine().settings.public_url + _narrowed("/notices.rss", _chosen(wanted))
    SubElement(channel, f"{{{_ATOM}}}link", href=here, rel="self", type="application/rss+xml")
    for row, shown in rows:
        item = SubElement(channel, "item")
        SubElement(item, "title").text = row.title
        SubElement(item, "link").text = _address(row.id)
        SubElement(item, "guid", isPermaLink="true").text = _address(row.id)
        SubElement(item, "pubDate").text = format_datetime(row.opened_at)
        SubElement(item, "category").text = row.kind
        SubElement(item, "description").text = f"{shown.place} · {shown.standing.text} · {shown.standing.period}"
    feed: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return feed
