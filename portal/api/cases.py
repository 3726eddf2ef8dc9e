"""Cases: starting one, reading one, finding some, and what is sent to one beside its tasks."""

from __future__ import annotations

from datetime import datetime

from flask import Response, jsonify
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy.orm import Session

from portal import inbox
from portal.api import casefile
from portal.api.access import admit, needs
from portal.api.bodies import JSON, takes
from portal.api.casefile import CaseLine, CaseTold
from portal.api.description import BODIES, answers, calls, written
from portal.api.once import Done, once
from portal.api.problems import pointer
from portal.api.shapes import Answers, Body, Listed, Paged, Reference, Shape, Write, id_after
from portal.cases import filing, messages
from portal.cases.errors import UnknownCase
from portal.cases.live import Cases, LiveCase
from portal.cases.models import Case
from portal.cases.rights import check_may_file
from portal.edge.access import permit, signed_in
from portal.edge.acting import reading
from portal.edge.errors import Wrong, WrongRequest
from portal.edge.machine import machine
from portal.identity import PARTY, Actor, Permission, Subject
from portal.identity.tokens import Scope
from portal.inbox import Place, party
from portal.procedures import Procedure, Published
from portal.procedures.releases import UnknownProcedure

blueprint = calls("cases", "Cases: started, read, found; messages to them.")
_NAME = "[A-Za-z0-9_-]{1,80}"
_ABOUT_WHAT = Wrong(
    "about",
    pointer("about"),
    "这一事项须针对某一案件提出，请填写该案件的 id（见 GET /procedures 的 about）。",
    "This is filed about a case: give its id, which `GET /procedures` tells as `about`.",
)


class CasePath(Shape):
    """Which case."""

    case_id: Reference


class MessagePath(Shape):
    """Which message to which case."""

    case_id: Reference
    name: str = Field(max_length=200)


class NewCase(Body):
    """A case to be started."""

    procedure: str = Field(description="As `GET /procedures` names it.", pattern=f"^{_NAME}/{_NAME}$")
    about: Reference | SkipJsonSchema[None] = Field(
        None, description="The case that it is about, where it is about one."
    )
    answers: Answers


class Message(Body):
    """A message to a case."""

    answers: Answers = Field(default_factory=dict)


class Found(Paged):
    """Which cases."""

    q: str = Field("", max_length=100, description="Officials find by number, unit, title, letter, searchable value.")


class CaseList(Listed[CaseLine]):
    """Some cases."""


@blueprint.post("/cases", responses=written(201, CaseTold, 404, *BODIES))
@takes(JSON)
@needs(Permission.CASE_FILE, Scope.FILE)
def file_case(header: Write, body: NewCase) -> Response:
    """Starts a case. 422 with one entry for each field that is wrong."""
    regulation, _slash, slug = body.procedure.partition("/")

    def file(tx: Session, moment: datetime) -> Done:
        published, procedure = _procedure(tx, regulation, slug)
        actor = _admit_to(tx, procedure, body.about)
        if procedure.manifest.about is not None and body.about is None:
            raise WrongRequest([_ABOUT_WHAT])
        if procedure.start_form is None:
            _asks_nothing(body.answers)
        kernel = machine().kernel
        row = filing.file(kernel, tx, actor, published.regulation.slug, slug, body.answers, moment, body.about)
        return Done(_case(tx, row.id, actor), f"/api/v1/cases/{row.id}")

    return once(file, f"提交“{slug}”", body.about)


@blueprint.get("/cases", responses=answers(200, CaseList, 422))
@needs(Permission.TASK_LIST, Scope.READ)
def list_cases(query: Found) -> Response:
    """The cases of the user's organisation, or of an official's regulations; the newest first."""
    actor, before = permit(), id_after(query.after)
    with reading() as tx:
        lines = _lines(tx, actor, query, before)
    more = len(lines) > query.limit
    told = CaseList(items=lines[: query.limit], next=str(lines[query.limit - 1].id) if more else None)
    return jsonify(told.model_dump(mode="json"))


@blueprint.get("/cases/<int:case_id>", responses=answers(200, CaseTold, 404))
@needs(Permission.CASE_READ, Scope.READ)
def read_case(path: CasePath) -> Response:
    """A case as far as this user may see it: deadlines with their explanation, tasks, documents, history, links."""
    with reading() as tx:
        actor, case = opened(tx, path.case_id)
        told = casefile.told(tx, case, actor)
    return jsonify(told.model_dump(mode="json"))


@blueprint.post("/cases/<int:case_id>/messages/<name>", responses=written(200, CaseTold, 404, *BODIES))
@takes(JSON)
@needs(Permission.MESSAGE_SEND, Scope.FILE)
def send_message(path: MessagePath, header: Write, body: Message) -> Response:
    """Sends a message that the case waits for, such as a withdrawal or a waiver."""

    def send(tx: Session, moment: datetime) -> Done:
        case = Cases(tx, machine().kernel.releases).get(path.case_id)
        actor = _sender(case, path.name)
        if not _asks(case, path.name):
            _asks_nothing(body.answers)
        messages.send(machine().kernel, tx, actor, path.case_id, path.name, body.answers, moment)
        return Done(_case(tx, path.case_id, actor))

    return once(send, f"发送“{path.name}”", path.case_id)


def opened(tx: Session, case_id: int) -> tuple[Actor, LiveCase]:
    """A case for its party or an official of its regulation; UnknownCase, Forbidden."""
    case = Cases(tx, machine().kernel.releases).get(case_id)
    return admit(Subject(regulation=case.row.regulation, party_id=case.row.party_id)), case


def _case(tx: Session, case_id: int, actor: Actor) -> CaseTold:
    """A case as it stands after the act of this transaction."""
    tx.flush()
    return casefile.told(tx, Cases(tx, machine().kernel.releases).get(case_id), actor)


def _lines(tx: Session, actor: Actor, query: Found, before: int | None) -> list[CaseLine]:
    if actor.official:
        found = inbox.find_cases(tx, Place.of(actor).regulations, query.q.strip(), before, query.limit + 1)
        return [casefile.line_of(row, None) for row, _name in found]
    if actor.organisation_id is None:
        return []
    seals = party.sealed(tx, actor.organisation_id)
    rows = party.cases_of(tx, actor.organisation_id, before, query.limit)
    return [casefile.line_of(row, party.seal_of(seals, row.id)) for row in rows]


def _procedure(tx: Session, regulation: str, slug: str) -> tuple[Published, Procedure]:
    for published in machine().kernel.releases.in_force(tx):
        if published.regulation.slug == regulation:
            return published, published.procedure(slug)
    raise UnknownProcedure(procedure=regulation)


def _admit_to(tx: Session, procedure: Procedure, about_id: int | None) -> Actor:
    """Who starts it, if the procedure is open to him; whoever files about a case of others must not learn of it."""
    about = tx.get(Case, about_id) if about_id is not None else None
    actor = signed_in()
    if about_id is not None and (about is None or not _may_see(about, actor)):
        raise UnknownCase()
    live = Cases(tx, machine().kernel.releases).open(about) if about is not None else None
    admit(filing.open_to(procedure, live))
    check_may_file(actor)
    return actor


def _may_see(row: Case, actor: Actor) -> bool:
    if actor.official:
        return any(regulation == row.regulation for regulation, _role in actor.roles)
    return actor.organisation_id is not None and row.party_id == actor.organisation_id


def _sender(case: LiveCase, name: str) -> Actor:
    """Who sends a message, if he may send it at all."""
    roles = {
        case.procedure.manifest.role(element.message.role)
        for _drawing, element in case.procedure.elements()
        if element.message and element.message.name == name and element.message.role
    }
    subject = Subject(regulation=case.row.regulation, party_id=case.row.party_id, roles=frozenset(roles))
    if not roles or (roles == {PARTY} and signed_in().official):
        # What nobody sends is told to whoever sees the case, what only its party sends to nobody else.
        admit(Subject(regulation=case.row.regulation, party_id=case.row.party_id, roles=frozenset({PARTY})))
        return signed_in()
    return admit(subject)


def _asks(case: LiveCase, name: str) -> bool:
    """Whether a message comes with a form."""
    drawn = (element.message for _drawing, element in case.procedure.elements() if element.message)
    return any(message.form for message in drawn if message.name == name)


def _asks_nothing(given: Answers) -> None:
    """Raises WrongRequest when something is answered where nothing is asked."""
    if given:
        wrong = (
            Wrong(
                name, pointer("answers", name), "这里不需要填写内容，请去掉。", "Nothing is asked here; leave it out."
            )
            for name in given
        )
        raise WrongRequest(wrong)
