"""What the user may start."""

from __future__ import annotations

from flask import Response, jsonify
from pydantic import Field
from sqlalchemy.orm import Session

from portal.api.access import needs
from portal.api.description import answers, calls
from portal.api.forms import Question, questions
from portal.api.shapes import Moment, Shape
from portal.cases import filing
from portal.cases.filing import Offer
from portal.cases.names import scope_before
from portal.edge.access import permit
from portal.edge.acting import moment, reading
from portal.edge.machine import machine
from portal.identity import Permission
from portal.identity.tokens import Scope
from portal.procedures.articles import citation

blueprint = calls("procedures", "What may be started.")


class Started(Shape):
    """One thing that may be started."""

    procedure: str = Field(description="What `POST /cases` takes: `regulation/slug`.")
    title: str
    basis: str | None = Field(description="The article.")
    about: int | None = Field(description="The case that it would be about; `POST /cases` takes it as `about`.")
    about_number: str | None
    until: Moment | None = Field(description="The end of the period for it, where there is one that runs.")
    closed_zh: str | None = Field(description="Why it cannot be started now.")
    closed_en: str | None
    fields: list[Question]


class Procedures(Shape):
    """Everything the user may start."""

    items: list[Started]


@blueprint.get("/procedures", responses=answers(200, Procedures))
@needs(Permission.TASK_LIST, Scope.READ)
def list_procedures() -> Response:
    """What this user may start, and about which case."""
    actor = permit()
    with reading() as tx:
        found = filing.offers(machine().kernel, tx, actor, moment(tx))
        told = Procedures(items=[_started(tx, offer) for offer in found])
    return jsonify(told.model_dump(mode="json"))


def _started(tx: Session, offer: Offer) -> Started:
    regulation, procedure = offer.published.regulation, offer.procedure
    names = scope_before(tx, regulation, offer.about)
    return Started(
        procedure=f"{regulation.slug}/{procedure.slug}",
        title=procedure.manifest.title,
        basis=citation(regulation, procedure.article(procedure.drawing.start())),
        about=offer.about.id if offer.about else None,
        about_number=offer.about.row.number if offer.about else None,
        until=offer.until.ends if offer.until and offer.until.live else None,
        closed_zh=offer.closed.text("zh") if offer.closed else None,
        closed_en=offer.closed.text("en") if offer.closed else None,
        fields=questions(procedure.start_form, names),
    )
