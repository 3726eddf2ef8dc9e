"""Organisations for officials: registrations to be decided on, the list, and adding one that never registered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import identity
from portal.cases.errors import UnknownCase
from portal.edge.acting import act, asked, reading
from portal.edge.standing import in_force
from portal.edge.statuses import status_of
from portal.errors import PortalError
from portal.forms.characters import forbidden, tidy
from portal.identity import (
    Actor,
    Organisation,
    Permission,
    Subject,
    changes,
    membership,
    numbers,
    queries,
    registering,
)
from portal.identity.entry import (
    REASON_LENGTH,
    AlreadyDecided,
    AlreadyInOrganisation,
    HandedInAnew,
    Missing,
    NotOffered,
    NotYourOwn,
    PersonTaken,
    SituationChanged,
    TooLong,
    Unreadable,
    entry_faults,
)
from portal.identity.models import Registration
from portal.identity.registering import EMPTY, NEW, PEOPLED, Situation
from portal.identity.rules import UsccTaken
from portal.registers import queries as registers
from portal.web import dates, languages, organisations
from portal.web.access import needs, permit
from portal.web.languages import listed
from portal.web.official.blueprint import blueprint, frame, place_of
from portal.web.official.managing import side_of
from portal.web.organisations import Typed
from portal.web.pages import render
from portal.web.people import standing_in

SIZE = 50
APPROVE, RETURN, REFUSE = "approve", "return", "refuse"
_REFUSED = (AlreadyDecided, HandedInAnew, SituationChanged, NotYourOwn, AlreadyInOrganisation, PersonTaken)
_PICTURES = ("jpg", "jpeg", "png")


@dataclass(frozen=True)
class Decision:
    """What an official decided, about which round and how the organisation stood when he looked."""

    what: str
    round: int
    stands: str
    reason: str
    rights: tuple[str, ...]

    @classmethod
    def read(cls) -> Decision:
        """What this request posts."""
        form = request.form
        return cls(
            form.get("decision", ""),
            form.get("round", 0, type=int),
            form.get("stands", ""),
            tidy(form.get("reason", "")),
            organisations.posted_rights(),
        )

    def faults(self) -> dict[str, PortalError]:
        """What is wrong with it, by field."""
        if self.what not in (APPROVE, RETURN, REFUSE):
            return {"decision": NotOffered(what=_("审核结论"))}
        if self.what == APPROVE:
            return {}
        if not self.reason:
            return {"reason": Missing(what=_("退回或不予核准的原因"))}
        if len(self.reason) > REASON_LENGTH:
            return {"reason": TooLong(what=_("原因"), most=REASON_LENGTH, count=len(self.reason))}
        return {"reason": Unreadable(what=_("原因"))} if forbidden(self.reason) else {}


@blueprint.get("/registrations")
@needs(Permission.REGISTRATION_DECIDE)
def registrations_page() -> ResponseReturnValue:
    """The registrations that wait, longest first; or those decided on, newest first."""
    with reading() as tx:
        actor = _official(tx)
        done = request.args.get("view") == "decided"
        rows = registering.decided(tx, asked("before")) if done else registering.waiting(tx, asked("after"))
        shown = rows[: registering.AT_A_TIME]
        first = "/registrations?view=decided" if done else "/registrations"
        last = shown[-1].id if shown else 0
        later = f"{first}&before={last}" if done else f"{first}?after={last}"
        return render(
            "official/registrations.html",
            rows=[(row, organisations.kind_text(row.kind)) for row in shown],
            names=queries.person_names(tx, {row.person_id for row in shown}),
            done=done,
            later=later if len(rows) > len(shown) else None,
            earlier=first if {"before", "after"} & request.args.keys() else None,
            tabs=[
                {"text": _("待审核"), "url": "/registrations", "on": not done},
                {"text": _("已审核"), "url": "/registrations?view=decided", "on": done},
            ],
            **frame(tx, actor, "/registrations"),
        )


@blueprint.get("/registrations/<int:registration_id>")
@needs(Permission.REGISTRATION_DECIDE)
def registration_page(registration_id: int) -> ResponseReturnValue:
    """One registration: the proof beside the data, what is known of the organisation, and the decision."""
    with reading() as tx:
        return _page(tx, _official(tx), registering.registration(tx, registration_id), None, {})


@blueprint.post("/registrations/<int:registration_id>")
@needs(Permission.REGISTRATION_DECIDE)
def decide(registration_id: int) -> ResponseReturnValue:
    """Approves, returns or refuses; the first decision counts."""
    with reading() as tx:
        actor = _official(tx)
        row = registering.registration(tx, registration_id)
    decision = Decision.read()
    faults = decision.faults()
    if faults:
        return _again(row.id, decision, faults), 422
    try:
        act(lambda tx, now: _carry_out(tx, actor, row.id, decision, now), _("审核单位注册"))
    except _REFUSED as error:
        return _again(row.id, decision, {}, error), status_of(error)
    said = {
        APPROVE: _("已核准，%(name)s的申请人可以使用门户。", name=row.name),
        RETURN: _("已退回，等待申请人修改后重新提交。"),
        REFUSE: _("已决定不予核准。"),
    }
    flash(said[decision.what], "success")
    return redirect("/registrations", 303)


@blueprint.get("/organisations")
@needs(Permission.ORGANISATION_ADD)
def organisations_page() -> ResponseReturnValue:
    """Every organisation, newest first, found by name or code."""
    with reading() as tx:
        actor = _official(tx)
        q = request.args.get("q", "").replace("\0", "").strip()
        rows = queries.organisations_like(tx, q, asked("before"), SIZE + 1)
        more = urlencode({"q": q, "before": rows[SIZE - 1][0].id}) if len(rows) > SIZE else None
        return render(
            "official/organisations.html",
            rows=rows[:SIZE],
            q=q,
            later=f"/organisations?{more}" if more else None,
            earlier=f"/organisations?{urlencode({'q': q})}" if asked("before") is not None else None,
            **{**frame(tx, actor, "/organisations"), **side_of(tx, actor, "/organisations")},
        )


@blueprint.get("/organisations/add")
@needs(Permission.ORGANISATION_ADD)
def adding() -> ResponseReturnValue:
    """The form to add an organisation that never registered."""
    with reading() as tx:
        return _adding_page(tx, _official(tx), Typed(), {})


@blueprint.post("/organisations/add")
@needs(Permission.ORGANISATION_ADD)
def add() -> ResponseReturnValue:
    """Adds an organisation, to be served by post until people of it register."""
    with reading() as tx:
        actor, typed = _official(tx), Typed.read()
        faults = entry_faults(typed.entry(), organisations.districts(tx))
        if faults:
            return _adding_page(tx, actor, typed, faults), 422
    try:
        added = act(
            lambda tx, now: registering.add_unit(tx, actor, typed.entry(), now, _done_for(tx, actor)), _("登记单位")
        )
    except UsccTaken as error:
        with reading() as tx:
            return _adding_page(tx, actor, typed, {"uscc": error}), 422
    flash(_("已登记%(name)s（%(uscc)s）。", name=added.name, uscc=added.uscc), "success")
    return redirect(f"/organisations/{added.id}", 303)


@blueprint.get("/organisations/<int:organisation_id>")
@needs(Permission.ORGANISATION_ADD)
def organisation_page(organisation_id: int) -> ResponseReturnValue:
    """One organisation: what is on record, who acts for it, and its history."""
    with reading() as tx:
        actor = _official(tx)
        found = identity.organisation(tx, organisation_id)
        if found is None:
            raise UnknownCase()
        return render(
            "official/organisation.html",
            unit=found,
            code_label=organisations.code_label(natural=found.natural),
            number=numbers.masked_of_party(tx, found.id),
            kind=listed(organisations.kind_text(kind) for kind in found.kinds),
            people=[(one.name, organisations.rights_text(one.rights)) for one in membership.people_of(tx, found.id)],
            records=_records(tx, found.uscc),
            history=[
                organisations.change_view(change, names_officials=True, natural=found.natural)
                for change in changes.of_organisation(tx, found.id)[: changes.AT_A_TIME]
            ],
            **{**frame(tx, actor, "/organisations"), **side_of(tx, actor, "/organisations")},
        )


def _official(tx: Session) -> Actor:
    """Who acts, if he looks after organisations (an administrator may add them); Forbidden."""
    actor = permit(Subject(offices=organisations.offices(tx)))
    place_of(actor)
    return actor


def _done_for(tx: Session, actor: Actor) -> int | None:
    """For whom a deputy looks after organisations; what an administrator does is his own."""
    return None if actor.administrator else actor.acts_for_one_of(organisations.offices(tx))


def _carry_out(tx: Session, actor: Actor, registration_id: int, decision: Decision, now: datetime) -> None:
    for_id = actor.acts_for_one_of(organisations.offices(tx))
    if decision.what == APPROVE:
        registering.approve(tx, actor, registration_id, decision.round, decision.stands, decision.rights, now, for_id)
    elif decision.what == RETURN:
        registering.send_back(tx, actor, registration_id, decision.round, decision.reason, now, for_id)
    else:
        registering.refuse(tx, actor, registration_id, decision.round, decision.reason, now, for_id)


def _again(
    registration_id: int, decision: Decision, faults: Mapping[str, PortalError], error: PortalError | None = None
) -> str:
    with reading() as tx:
        row = registering.registration(tx, registration_id)
        return _page(tx, _official(tx), row, decision, faults, error)


def _page(
    tx: Session,
    actor: Actor,
    row: Registration,
    decision: Decision | None,
    faults: Mapping[str, PortalError],
    error: PortalError | None = None,
) -> str:
    known = registering.situation_of(tx, row)
    person = identity.person(tx, row.person_id)
    newest = registering.proof_of(tx, row.id)
    return render(
        "official/registration.html",
        row=row,
        number=numbers.for_decision(tx, actor, row),
        kind=organisations.kind_text(row.kind),
        applicant=person,
        asked_rights=organisations.rights_text(row.rights),
        proof=newest,
        picture=newest is not None and newest.kind in _PICTURES,
        known=known,
        situation=_situation_of_person(known) if row.natural else _situation_text(known),
        differs=_differences(row, known.organisation),
        people=membership.people_of(tx, known.organisation.id) if known.organisation else [],
        others=registering.waiting_for(tx, row),
        records=_records(tx, row.uscc),
        rounds=[_round_view(change) for change in changes.of_registration(tx, row.number, row.person_id)],
        rights=organisations.right_options() if known.stands == PEOPLED and not row.natural else [],
        decision=decision,
        ticked=list(decision.rights if decision else row.rights if row.joins else ()),
        faults=organisations.texts(faults),
        trouble=languages.said(error) if error else "",
        **frame(tx, actor, "/registrations"),
    )


def _situation_text(known: Situation) -> str:
    said = {
        NEW: _("本门户没有这个单位。核准后登记该单位，申请人成为第一名人员（管理、办理）。"),
        EMPTY: _("单位已登记，没有人员。核准后申请人成为第一名人员（管理、办理）。"),
        PEOPLED: _("单位已有 %(n)s 名人员。核准后申请人加入该单位，权限由您确定。", n=known.people),
    }
    return said[known.stands]


def _situation_of_person(known: Situation) -> str:
    if known.organisation is None:
        return _("该居民身份号码尚未登记。核准后登记该自然人，给出个人编号。")
    told = {"name": known.organisation.name, "code": known.organisation.uscc}
    if known.stands == EMPTY:
        return _("该居民身份号码已登记为%(name)s（%(code)s），没有可用的账号。核准后沿用原个人编号。", **told)
    return _("该居民身份号码已登记为%(name)s（%(code)s）并有账号。一人一个账号，不能再核准。", **told)


def _differences(row: Registration, organisation: Organisation | None) -> list[tuple[str, str, str]]:
    """Where what was typed differs from what is on record: label, typed, recorded."""
    if organisation is None:
        return []
    recorded = listed(organisations.kind_text(kind) for kind in organisation.kinds)
    pairs = [
        (_("姓名") if row.natural else _("单位名称"), row.name, organisation.name),
        (_("所在区县"), row.district, organisation.district),
        (_("单位类别"), organisations.kind_text(row.kind), recorded),
    ]
    return [pair for pair in pairs if pair[1] != pair[2]]


def _records(tx: Session, uscc: str) -> list[tuple[str, str]]:
    """What the registers hold of a unit: the register's title, and key and state of each record."""
    titles = {
        (one.regulation.slug, register.name): register.title
        for one in in_force(tx)
        for register in one.regulation.registers.values()
    }
    found: dict[str, list[str]] = {}
    for record in registers.of_unit(tx, uscc):
        title = titles.get((record.regulation, record.register))
        if title:
            when = f"{record.year} " if record.year else ""
            found.setdefault(title, []).append(f"{when}{record.state}")
    return [(title, listed(lines)) for title, lines in found.items()]


def _round_view(change: changes.Change) -> dict[str, str]:
    """One line of a registration's rounds."""
    who = standing_in(change.who, change.principal)
    words = {
        "registration.handed_in": _("%(who)s提交（第 %(n)s 次）", who=who, n=change.details.get("round", 1)),
        "registration.returned": _("%(who)s退回", who=who),
        "registration.refused": _("%(who)s决定不予核准", who=who),
        "registration.approved": _("%(who)s核准", who=who),
        "registration.withdrawn": _("申请人已凭邀请码加入单位，申请撤回"),
    }
    note = change.details.get("reason") or ""
    return {"at": dates.exact(change.at), "text": words[change.kind], "note": note}


def _adding_page(tx: Session, actor: Actor, typed: Typed, faults: Mapping[str, PortalError]) -> str:
    return render(
        "official/adding.html",
        typed=typed,
        errors=organisations.texts(faults),
        districts=organisations.districts(tx),
        kinds=organisations.kinds(),
        labels=organisations.labels(),
        **{**frame(tx, actor, "/organisations"), **side_of(tx, actor, "/organisations")},
    )
