"""Until when each regulation is in force, and entering what has renewed it: looked at first, then confirmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.clock import day_of
from portal.edge.acting import act, moment, reading
from portal.edge.standing import in_force
from portal.errors import PortalError
from portal.identity import Actor, Permission
from portal.identity import queries as identity
from portal.procedures import validity
from portal.procedures.models import Renewal
from portal.procedures.regulation import Regulation
from portal.procedures.validity import LONGEST, Instrument, NoReasonToRevoke, RenewalsChanged, Validity, Wanted
from portal.web import dates
from portal.web import validity as law
from portal.web.access import needs, permit
from portal.web.admin.blueprint import blueprint, frame
from portal.web.languages import said
from portal.web.pages import render
from portal.web.validity import LawLine

HOME = "/admin/regulations"
FIELDS = ("regulation", "number", "title", "from_day", "last_day", "assumed", "source", "reason")

Faults = Mapping[str, str]
"""What is wrong, by field."""


@dataclass(frozen=True)
class Typed:
    """A renewal as it was typed."""

    regulation: str = ""
    number: str = ""
    title: str = ""
    from_day: str = ""
    last_day: str = ""
    assumed: str = ""
    source: str = ""
    reason: str = ""

    @classmethod
    def read(cls) -> Typed:
        """What this request posts."""
        return cls(**{name: request.form.get(name, "").strip() for name in FIELDS})


@dataclass(frozen=True)
class TextView:
    """A text of law in a list: its own, or a renewal with who entered and who revoked it."""

    title: str
    number: str
    days: str
    state: str
    tone: str
    entered: str = ""
    source: str = ""
    reason: str = ""
    assumed: bool = False
    revoked: str = ""
    revoke_url: str | None = None


@dataclass(frozen=True)
class Section:
    """One regulation: how it stands, and its texts from the first to the newest."""

    slug: str
    title: str
    lines: tuple[LawLine, ...]
    texts: tuple[TextView, ...]
    lapses: bool


@blueprint.get("/regulations")
@needs(Permission.REGULATION_RENEW)
def regulations_page() -> ResponseReturnValue:
    """Every regulation in force with its texts, and the form for a renewal."""
    return _form(permit(), Typed(), {})


@blueprint.post("/regulations/preview")
@needs(Permission.REGULATION_RENEW)
def preview_renewal() -> ResponseReturnValue:
    """What the renewal would change, before anything is entered; with faults the form again."""
    actor, typed = permit(), Typed.read()
    if "edit" in request.form:
        return _form(actor, typed, {})
    with reading() as tx:
        wanted, faults = _wanted(tx, typed)
    if wanted is None or faults:
        return _form(actor, typed, faults), 422
    return _preview(actor, typed, wanted)


@blueprint.post("/regulations/renewals")
@needs(Permission.REGULATION_RENEW)
def enter_renewal() -> ResponseReturnValue:
    """Enters the renewal, if the others are still those whose consequences were looked at."""
    actor, typed, seen = permit(), Typed.read(), request.form.get("seen", "")
    with reading() as tx:
        if _is_entered(tx, typed, actor):
            flash(_("已录入"), "success")
            return redirect(HOME, 303)
        wanted, faults = _wanted(tx, typed)
    if wanted is None or faults:
        return _form(actor, typed, faults), 422
    asked = wanted

    def enter(tx: Session, now: datetime) -> None:
        validity.enter(tx, asked, actor.person_id, now, seen)

    try:
        act(enter, _("录入续期文件"))
    except RenewalsChanged as change:
        return _preview(actor, typed, wanted, said(change)), 409
    flash(_("已录入《%(title)s》（%(number)s）。", title=wanted.title, number=wanted.number), "success")
    return redirect(HOME, 303)


@blueprint.get("/regulations/renewals/<int:renewal_id>/revoke")
@needs(Permission.REGULATION_RENEW)
def revoke_page(renewal_id: int) -> ResponseReturnValue:
    """What revoking a renewal would change, and the reason for it."""
    return _revoke_page(permit(), renewal_id, "", None)


@blueprint.post("/regulations/renewals/<int:renewal_id>/revoke")
@needs(Permission.REGULATION_RENEW)
def revoke(renewal_id: int) -> ResponseReturnValue:
    """Revokes a renewal; it stays in the list with the reason."""
    actor, reason = permit(), request.form.get("reason", "").strip()
    try:
        act(lambda tx, now: validity.revoke(tx, renewal_id, actor.person_id, reason, now), _("撤回续期文件"))
    except NoReasonToRevoke as fault:
        return _revoke_page(actor, renewal_id, reason, fault), 422
    flash(_("已撤回，理由留在记录里。"), "success")
    return redirect(HOME, 303)


# What was typed


def _wanted(tx: Session, typed: Typed) -> tuple[Wanted | None, Faults]:
    """The renewal as far as it can be read, and what is wrong with it by field."""
    regulations = {one.regulation.slug: one.regulation for one in in_force(tx)}
    regulation = regulations.get(typed.regulation)
    found: dict[str, str] = {}
    if regulation is None:
        found["regulation"] = _("请选择法规")
    for name, most in LONGEST.items():
        if len(getattr(typed, name)) > most:
            found[name] = _("最多 %(n)s 字，请删减", n=most)
    first, last = (_day(getattr(typed, name), name, found) for name in ("from_day", "last_day"))
    if regulation is None:
        return None, found
    wanted = Wanted(
        regulation,
        typed.number,
        typed.title,
        first,
        last,
        assumed=typed.assumed == "yes",
        source=typed.source,
        reason=typed.reason,
    )
    for fault in validity.faults(tx, wanted):
        found.setdefault(fault.field, said(fault))
    return wanted, found


def _day(text: str, name: str, found: dict[str, str]) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        found[name] = _("请填写日期，例如 2025-11-08")
        return None


def _is_entered(tx: Session, typed: Typed, actor: Actor) -> bool:
    """Whether the newest renewal is this very one, entered by the same person: he pressed the button twice."""
    newest = next(reversed(validity.entered(tx, typed.regulation)), None)
    if newest is None or newest.entered_by_id != actor.person_id or newest.revoked is not None:
        return False
    written = (newest.number, newest.title, newest.from_day.isoformat(), newest.source, newest.reason)
    last = newest.last_day.isoformat() if newest.last_day else ""
    same = written == (typed.number, typed.title, typed.from_day, typed.source, typed.reason)
    return same and last == typed.last_day and newest.assumed == (typed.assumed == "yes")


# Pages


def _form(actor: Actor, typed: Typed, faults: Faults) -> str:
    with reading() as tx:
        sections = _sections(tx)
        lapsing = [section for section in sections if section.lapses]
        only = lapsing[0].slug if len(lapsing) == 1 else ""
        return render(
            "admin/regulations.html",
            sections=sections,
            lapsing=[(section.slug, section.title, None) for section in lapsing],
            typed=typed if typed.regulation else replace(typed, regulation=only),
            errors=faults,
            faults=list(faults.items()),
            longest=LONGEST,
            **frame(tx, actor, HOME),
        )


def _sections(tx: Session) -> list[Section]:
    regulations = [one.regulation for one in in_force(tx)]
    today, entered = day_of(moment(tx)), validity.entered(tx)
    names = identity.person_names(tx, _people(entered))
    return [_section(one, [row for row in entered if row.regulation == one.slug], names, today) for one in regulations]


def _people(rows: Sequence[Renewal]) -> set[int]:
    ids = {row.entered_by_id for row in rows} | {row.revoked.by_id for row in rows if row.revoked}
    return {one for one in ids if one is not None}


def _section(regulation: Regulation, rows: Sequence[Renewal], names: Mapping[int, str], today: date) -> Section:
    chain = validity.chain(regulation, rows)
    stands = validity.standing(chain, today)
    own = validity.own(regulation)
    first = TextView(own.title, own.number, _days(own), *_state(own, chain, today))
    texts = [_renewal(row, chain, names, today) for row in rows]
    lines = tuple(law.of_regulation(regulation, stands))
    return Section(regulation.slug, regulation.title, lines, (first, *texts), regulation.last_day is not None)


def _renewal(row: Renewal, chain: Sequence[Instrument], names: Mapping[int, str], today: date) -> TextView:
    text, revoked = validity.of_renewal(row), row.revoked
    state, tone = (_("已撤回"), "n") if revoked is not None else _state(text, chain, today)
    who = names.get(row.entered_by_id, "") if row.entered_by_id is not None else ""
    return TextView(
        title=row.title,
        number=row.number,
        days=_days(text),
        state=state,
        tone=tone,
        entered=_("%(who)s 于 %(at)s 录入", who=who, at=dates.exact(row.entered_at)),
        source=row.source,
        reason=row.reason,
        assumed=row.assumed,
        revoked=_(
            "%(who)s 于 %(at)s 撤回：%(why)s",
            who=names.get(revoked.by_id, ""),
            at=dates.exact(revoked.at),
            why=revoked.reason,
        )
        if revoked is not None
        else "",
        revoke_url=f"{HOME}/renewals/{row.id}/revoke" if revoked is None else None,
    )


def _state(text: Instrument, chain: Sequence[Instrument], today: date) -> tuple[str, str]:
    """How a text of the chain stands today: in a word, and its tone."""
    if today < text.in_force:
        return _("尚未施行"), "n"
    if validity.on(chain, today) == text:
        return _("有效"), "g"
    followed = any(text.in_force < other.in_force <= today for other in chain)
    return (_("已由后来的文件接续"), "n") if followed else (_("已过有效期"), "a")


def _days(text: Instrument) -> str:
    return law.period_text(text.in_force, text.last_day)


def _preview(actor: Actor, typed: Typed, wanted: Wanted, trouble: str = "") -> str:
    with reading() as tx:
        today, regulation = day_of(moment(tx)), wanted.regulation
        before = validity.instruments(tx, regulation)
        assert wanted.from_day is not None
        new = Instrument(
            wanted.number,
            wanted.title,
            wanted.from_day,
            wanted.last_day,
            wanted.assumed,
            source=wanted.source,
            reason=wanted.reason,
        )
        after = sorted([*before, new], key=lambda one: one.in_force)
        return render(
            "admin/renewal_preview.html",
            regulation=regulation,
            text=new,
            days=_days(new),
            fields=[(name, getattr(typed, name)) for name in FIELDS],
            effects=_effects(validity.standing(before, today), validity.standing(after, today), before, new),
            assumption=law.assumption(new, regulation),
            seen=validity.mark(tx, regulation.slug),
            trouble=trouble,
            **frame(tx, actor, HOME),
        )


def _effects(was: Validity, will: Validity, before: Sequence[Instrument], new: Instrument) -> list[str]:
    """What changes on the day on which it is entered, and where the new text meets the one before it."""
    found = []
    if was.governs is None and will.governs is not None:
        found.append(_("确认后立即恢复受理新的申报。"))
    elif was.governs is not None and will.governs is None:
        found.append(_("确认后立即停止受理新的申报：这份文件今天已过有效期，先前的文本已由它接续。"))
    elif will.governs is None:
        found.append(_("今天仍不在有效期内，不能受理新的申报。"))
    else:
        found.append(_("今天在有效期内，受理照常。"))
    if will.governs is not None:
        until = dates.plain_day(will.until) if will.until else _("没有最后一日")
        found.append(_("连续有效到：%(day)s。", day=until))
    former = [one for one in before if one.in_force < new.in_force][-1]
    if former.last_day is not None and new.in_force > former.last_day + timedelta(days=1):
        first, last = former.last_day + timedelta(days=1), new.in_force - timedelta(days=1)
        found.append(
            _(
                "%(first)s 至 %(last)s 没有有效的文本，这期间不能受理。",
                first=dates.plain_day(first),
                last=dates.plain_day(last),
            )
        )
    elif former.last_day is not None and new.in_force <= former.last_day:
        found.append(
            _("自 %(day)s 起由这份文件接续《%(title)s》。", day=dates.plain_day(new.in_force), title=former.title)
        )
    return found


def _revoke_page(actor: Actor, renewal_id: int, reason: str, fault: PortalError | None) -> str:
    with reading() as tx:
        row = validity.get(tx, renewal_id)
        if row.revoked is not None:
            raise validity.RevokedAlready(when=dates.exact(row.revoked.at))
        regulation = next((one.regulation for one in in_force(tx) if one.regulation.slug == row.regulation), None)
        if regulation is None:
            raise validity.UnknownRenewal()
        today = day_of(moment(tx))
        before = validity.instruments(tx, regulation)
        after = [one for one in before if one.renewal != row.id]
        was, will = validity.on(before, today), validity.on(after, today)
        closes = was is not None and will is None
        return render(
            "admin/renewal_revoke.html",
            row=row,
            days=_days(validity.of_renewal(row)),
            closes=closes,
            reason=reason,
            most=LONGEST["reason"],
            error=said(fault) if fault is not None else None,
            **frame(tx, actor, HOME),
        )
