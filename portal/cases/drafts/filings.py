"""Filings being prepared: what was typed and uploaded so far, kept until it is handed in, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from portal.cases import filing
from portal.cases.drafts.answers import Answers, ChangedElsewhere, is_seen, mark, replace, storable
from portal.cases.errors import UnknownCase
from portal.cases.kernel import Kernel
from portal.cases.models import Filing
from portal.forms import Form, Page
from portal.identity import Actor, Person


def begin(tx: Session, actor: Actor, regulation: str, procedure: str, about_id: int | None, moment: datetime) -> Filing:
    """The person's draft of this filing: the one he has begun, or a new one."""
    # Two first clicks at once begin one draft.
    tx.execute(select(Person.id).where(Person.id == actor.person_id).with_for_update(key_share=True))
    begun = begun_for(tx, actor, regulation, procedure, about_id)
    if begun is not None:
        return begun
    draft = Filing(
        person_id=actor.person_id,
        organisation_id=actor.organisation_id,
        regulation=regulation,
        procedure=procedure,
        about_id=about_id,
        answers={},
        saved_at=moment,
    )
    tx.add(draft)
    tx.flush()
    return draft


def begun_for(tx: Session, actor: Actor, regulation: str, procedure: str, about_id: int | None) -> Filing | None:
    """The person's draft of this filing, if he has begun one."""
    mine = select(Filing).where(
        *_own(actor),
        Filing.regulation == regulation,
        Filing.procedure == procedure,
        Filing.about_id.is_not_distinct_from(about_id),
        Filing.case_id.is_(None),
    )
    return tx.scalar(mine.order_by(Filing.id).limit(1))


def settle(tx: Session, actor: Actor, regulation: str, procedure: str, about_id: int | None, case_id: int) -> None:
    """Notes that the person's draft of this filing became a case."""
    draft = begun_for(tx, actor, regulation, procedure, about_id)
    if draft is not None:
        draft.case_id = case_id


def discard(tx: Session, actor: Actor, regulation: str, procedure: str, about_id: int | None) -> None:
    """Forgets the person's draft of this filing."""
    draft = begun_for(tx, actor, regulation, procedure, about_id)
    if draft is not None:
        tx.delete(draft)


def draft(tx: Session, actor: Actor, draft_id: int) -> Filing:
    """One draft of the person himself, handed in or not; UnknownCase."""
    found = tx.scalar(select(Filing).where(Filing.id == draft_id, *_own(actor)))
    if found is None:
        raise UnknownCase()
    return found


def begun(tx: Session, actor: Actor) -> list[Filing]:
    """The person's drafts with something in them, last saved first."""
    rows = tx.scalars(select(Filing).where(*_own(actor), Filing.case_id.is_(None)).order_by(Filing.saved_at.desc()))
    return [row for row in rows if row.answers]


def save(
    tx: Session,
    actor: Actor,
    draft_id: int,
    form: Form,
    page: Page,
    answers: Answers,
    files: Mapping[str, Sequence[str]],
    removed: str | None,
    moment: datetime,
    seen: str | None = None,
) -> ChangedElsewhere | None:
    """Keeps the answers of one page; of its file fields, which `files` names, it adds the new ids and takes one away.

    So a file uploaded in another window meanwhile stays, and so do the other pages. Answers are not kept, and
    ChangedElsewhere comes back, when others (`typed` of the page) were kept since the page was made than those that
    `is_seen` knows by `seen`. What was handed in before stays as it is.
    """
    row = _locked(tx, actor, draft_id)
    if row.case_id is not None:
        return None
    # A newer release may ask for less than the draft has answered.
    others = {name: texts for name, texts in row.answers.items() if form.asks(name) and not page.asks(name)}
    merged = {
        name: [*(text for text in row.answers.get(name, ()) if text != removed), *new] for name, new in files.items()
    }
    before, typed = page.typed(row.answers), page.typed(storable(answers))
    # The same again, as after a double click, takes nothing away.
    stale = seen is not None and not is_seen(before, seen) and typed != before
    elsewhere = ChangedElsewhere(row.saved_at) if stale else None
    if not stale:
        row.saved_at = moment
    row.answers = {**others, **(before if stale else typed), **merged}
    tx.flush()
    return elsewhere


def keep(tx: Session, actor: Actor, draft_id: int, answers: Answers, moment: datetime, seen: str) -> Filing:
    """Keeps the answers of a whole form, files among them, in the place of those whose `mark` is `seen`; raises what
    `replace` raises."""
    row = _locked(tx, actor, draft_id)
    replace(row, answers, moment, seen)
    tx.flush()
    return row


def hand_in(kernel: Kernel, tx: Session, actor: Actor, draft_id: int, moment: datetime, seen: str | None = None) -> int:
    """Files the case of a draft and returns its id; a second time (a double click) the same case.

    Raises ChangedElsewhere when the draft is not the one with the `mark` `seen` that was read back, and what
    `filing.file` raises; the draft then stays open.
    """
    row = _locked(tx, actor, draft_id)
    if row.case_id is not None:
        return row.case_id
    if seen is not None and seen != mark(row.answers):
        raise ChangedElsewhere(row.saved_at)
    form = kernel.releases.newest(tx, row.regulation).procedure(row.procedure).start_form
    answers = {name: texts for name, texts in row.answers.items() if form is not None and form.asks(name)}
    case = filing.file(kernel, tx, actor, row.regulation, row.procedure, answers, moment, row.about_id)
    row.case_id = case.id
    tx.flush()
    return case.id


def _locked(tx: Session, actor: Actor, draft_id: int) -> Filing:
    """The draft under a lock, as it is now."""
    own = select(Filing).where(Filing.id == draft_id, *_own(actor)).with_for_update()
    row = tx.scalar(own.execution_options(populate_existing=True))
    if row is None:
        raise UnknownCase()
    return row


def _own(actor: Actor) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The person's own, as far as they are in the name of the organisation he acts for now."""
    return (
        Filing.person_id == actor.person_id,
        Filing.organisation_id.is_not_distinct_from(actor.organisation_id),
    )
