"""Starts a case inside an act: its number, row, first values, and the engine up to where it first waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from portal.cases.act import Act
from portal.cases.errors import FormRefused, InForceAlready, UnknownParty
from portal.cases.live import LiveCase
from portal.cases.models import Case
from portal.cases.names import Names
from portal.cases.values import digest
from portal.clock import day_of
from portal.documents.numbers import draw_number
from portal.engine import Place
from portal.identity import service as identity
from portal.identity.models import Organisation
from portal.procedures import Procedure, Published


@dataclass(frozen=True)
class StartedBy:
    """The step of a case that starts another."""

    case: LiveCase
    place: Place


def start(
    act: Act,
    published: Published,
    procedure: Procedure,
    values: Mapping[str, Any],
    *,
    party: Organisation | None,
    about: LiveCase | None = None,
    started_by: StartedBy | None = None,
    filed: bool = False,
) -> LiveCase:
    """Starts a case of a procedure; `filed` when a person filed it, so that clocks of `filed` run."""
    once = _once(act, procedure, values)
    row = Case(
        once=once,
        number=draw_number(act.tx, procedure.manifest.number, day_of(act.moment).year),
        regulation=published.regulation.slug,
        procedure=procedure.slug,
        title=procedure.manifest.title,
        release_id=published.id,
        root_id=about.row.root_id if about else None,
        about_id=about.id if about else None,
        started_by_id=started_by.case.id if started_by else None,
        started_by_scope=started_by.place.scope if started_by else None,
        started_by_element=started_by.place.element if started_by else None,
        started_by_visit=started_by.place.visit if started_by else None,
        party_id=party.id if party else None,
        filer_id=act.actor.person_id if act.actor and filed else None,
        filed_at=act.moment,
    )
    act.tx.add(row)
    act.tx.flush()
    if row.root_id is None:
        row.root_id = row.id
        act.tx.flush()
        act.family.root_id = act.family.root_id or row.id
    case = act.family.cases.open(row)
    first = procedure.drawing.start().id
    act.note(case, "case.filed" if filed else "case.started", first, number=row.number, said=digest(values))
    if procedure.start_form is not None:
        act.say(case, Place("", first, 1), values)
    if filed:
        act.happened(case, "filed")
    act.happened(case, "started")
    act.family.begin(case)
    return case


def _once(act: Act, procedure: Procedure, values: Mapping[str, Any]) -> str | None:
    """What there may be only one case of; InForceAlready when there is one."""
    fields = [path.partition(".")[2] for path in procedure.manifest.once_per]
    if not fields:
        return None
    parts = [procedure.regulation.slug, procedure.slug, *(str(values.get(field, "")) for field in fields)]
    once = "/".join(parts)
    # Two that start at the same time wait for each other here.
    act.tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(once, 0))))
    other = act.tx.scalar(select(Case).where(Case.once == once))
    if other is not None:
        raise InForceAlready(title=other.title, number=other.number)
    return once


def checked(procedure: Procedure, values: Mapping[str, object], names: Mapping[str, object]) -> dict[str, Any]:
    """The values of a start form, checked; FormRefused when they do not fit it."""
    if procedure.start_form is None:
        return {}
    result = procedure.start_form.check(values, names)
    if result.errors:
        raise FormRefused(result.errors)
    return dict(result.values)


def party_of(act: Act, uscc: str) -> Organisation:
    """The organisation with a code; UnknownParty when there is none."""
    found = identity.organisation_by_uscc(act.tx, uscc)
    if found is None:
        raise UnknownParty(uscc=uscc)
    return found


def names_for(about: LiveCase | None) -> Mapping[str, object]:
    """What a start form may speak of before its case exists."""
    return {"about": Names(about)} if about else {}
