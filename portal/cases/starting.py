"""Starts a case inside an act: its number, row, first values, and the engine up to where it first waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.cases import lengths, once, querycodes
from portal.cases.act import Act
from portal.cases.binding import of_new
from portal.cases.errors import FormRefused, InForceAlready, StartedByOthers, UnknownParty
from portal.cases.live import FACTS_KEPT, LiveCase
from portal.cases.models import Case
from portal.cases.names import evaluate, scope_before
from portal.cases.values import digest, plain
from portal.clock import TZ, day_of
from portal.db import locks
from portal.documents.numbers import draw_number
from portal.engine import Place
from portal.feel import Scope
from portal.forms import Choices
from portal.identity import service as identity
from portal.identity.models import Organisation
from portal.procedures import Procedure, Published


@dataclass(frozen=True)
class StartedBy:
    """The step of a case that starts another; of a list, the row it is started for, from 1.

    `instead_of` is the case whose place the other takes, of which there may be only one.
    """

    case: LiveCase
    place: Place
    item: int = 0
    instead_of: LiveCase | None = None


def begin(act: Act, slug: str, given: Mapping[str, Any], by: StartedBy) -> LiveCase:
    """Starts a case for a step of another, in the newest release of its regulation, with answers to its start form.

    Raises UnknownProcedure, StartedByOthers, FormRefused, UnknownParty or InForceAlready.
    """
    published = act.family.kernel.releases.newest(act.tx, by.case.row.regulation)
    procedure = published.procedure(slug)
    values = checked(procedure, given, _scope(act, published, by.instead_of))
    if by.instead_of is not None:
        by.instead_of.row.once = None
        act.tx.flush()
    rule = next((rule for rule in procedure.manifest.starts if by.case.row.procedure in rule.cases), None)
    if rule is None:
        raise StartedByOthers(title=procedure.manifest.title, starter=by.case.row.title)
    party = party_of(act, values[rule.party.partition(".")[2]]) if rule.party else by.case.party
    return start(act, published, procedure, values, party=party, started_by=by)


def _scope(act: Act, published: Published, replaced: LiveCase | None) -> Scope:
    """What the start form may speak of: a case whose place is taken is in force until the form has been checked."""
    scope = scope_before(act.tx, published.regulation)
    said = replaced.values.latest("", replaced.procedure.drawing.start().id) if replaced is not None else None
    held = _once_key(replaced.procedure, said.value) if replaced is not None and said is not None else None
    if held is None:
        return scope
    others = scope.functions["in_force"]

    def in_force(procedure: object, parts: object) -> object:
        given = parts if isinstance(parts, list) else [parts]
        asked = once.key(published.regulation.slug, str(procedure), map(plain, given))
        return asked == held or others(procedure, parts)

    return Scope(names=scope.names, functions={**scope.functions, "in_force": in_force})


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
    lengths.check(procedure, procedure.drawing.start(), values, day_of(act.moment), act.calendar)
    before = about or (started_by.case if started_by else None)
    text = of_new(act.tx, published, act.moment, before)
    row = Case(
        instrument=text.written() if text else None,
        once=_once(act, procedure, values),
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
        started_by_item=started_by.item if started_by else 0,
        party_id=party.id if party else None,
        query_code=querycodes.new_code() if party or (filed and act.actor is None) else None,
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
    kind = "case.filed" if filed else "case.started"
    vouched = {"number": row.number, "said": digest(values), "begun": digest(begun(row)), "once": row.once}
    if row.instrument is not None:
        vouched["instrument"] = digest(row.instrument)
    act.note(case, kind, first, **vouched)
    if procedure.start_form is not None:
        act.say(case, Place("", first, 1), values)
    if filed:
        act.happened(case, "filed")
    act.happened(case, "started")
    if filed:
        _keep_facts(act, case, first)
    act.family.begin(case)
    return case


def begun(row: Case) -> dict[str, str | int | None]:
    """What a case is from its start to its end: whose it is, what started it, by which release."""
    return {
        "number": row.number,
        "procedure": f"{row.regulation}/{row.procedure}",
        "release": row.release_id,
        "root": row.root_id,
        "about": row.about_id,
        "by": row.started_by_id,
        "at": f"{row.started_by_scope}/{row.started_by_element}/{row.started_by_visit}/{row.started_by_item}",
        "party": row.party_id,
        "filer": row.filer_id,
        "filed": row.filed_at.astimezone(TZ).isoformat(),
    }


def _keep_facts(act: Act, case: LiveCase, first: str) -> None:
    """Notes the facts that are true as the case is filed and stay so."""
    facts = case.procedure.manifest.facts.values()
    kept = {fact.name: fact.title for fact in facts if fact.keeps and evaluate(case, fact.expression) is True}
    if kept:
        act.note(case, FACTS_KEPT, first, facts=kept)


def _once(act: Act, procedure: Procedure, values: Mapping[str, Any]) -> str | None:
    """What there may be only one case of; InForceAlready when there is one."""
    key = _once_key(procedure, values)
    if key is None:
        return None
    # Two that start at the same time wait for each other here.
    locks.take(act.tx, key)
    other = once.holder(act.tx, key)
    if other is not None:
        raise InForceAlready(title=other.title, number=other.number)
    return key


def _once_key(procedure: Procedure, values: Mapping[str, Any]) -> str | None:
    """What there may be only one case of, by the values of its start form; None where there may be any number."""
    fields = [path.partition(".")[2] for path in procedure.manifest.once_per]
    if not fields:
        return None
    return once.key(procedure.regulation.slug, procedure.slug, (values.get(field, "") for field in fields))


def checked(
    procedure: Procedure, values: Mapping[str, object], names: Scope, choices: Choices | None = None
) -> dict[str, Any]:
    """The values of a start form, checked (`names`: see `scope_before`); FormRefused when they do not fit it."""
    if procedure.start_form is None:
        return {}
    result = procedure.start_form.check(values, names, choices or {})
    if result.errors:
        raise FormRefused(result.errors)
    return dict(result.values)


def party_of(act: Act, uscc: str) -> Organisation:
    """The organisation with a code; UnknownParty when there is none."""
    found = identity.organisation_by_uscc(act.tx, uscc)
    if found is None:
        raise UnknownParty(uscc=uscc)
    return found
