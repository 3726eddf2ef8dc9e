"""A filing being prepared, laid out: what is saved, its steps, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.cases import attachments, drafts
from portal.cases.drafts import filings as filing_drafts
from portal.cases.filing import Offer, open_to
from portal.cases.live import Cases, LiveCase
from portal.cases.models import Attachment, Filing
from portal.cases.names import scope_before
from portal.cases.rights import check_may_file
from portal.cases.tasks import known_in_tables
from portal.edge.acting import moment
from portal.edge.machine import machine
from portal.feel import Scope
from portal.forms import Checked, Choices, FieldError, Form, FormView, Page
from portal.identity import Actor, Subject
from portal.procedures import Procedure
from portal.procedures.releases import UnknownProcedure
from portal.web import languages
from portal.web.access import signed_in
from portal.web.applicant import offering, uploads
from portal.web.applicant.frame import admit
from portal.web.applicant.offering import OfferView
from portal.web.uploads import pickers

CHECKS = "check"
"""In an address: what is wrong is shown; as `to`: from here one goes back to what is read back."""


@dataclass(frozen=True)
class StepLine:
    """One step in the list of them: `state` is done, now or todo; one that may not be begun yet has no address."""

    title: str
    state: str
    url: str | None


@dataclass(frozen=True)
class Progress:
    """Where one is in a filing: 第 2 步，共 5 步, and the list of all steps."""

    number: int
    total: int
    title: str
    lines: tuple[StepLine, ...]


@dataclass(frozen=True)
class Desk:
    """A draft laid out: the procedure, what it is about, and the files its fields hold."""

    draft: Filing
    answers: Mapping[str, Sequence[str]]
    """What was saved; on a page that comes back without having saved, what was typed there."""
    procedure: Procedure
    about: LiveCase | None
    held: Mapping[str, Sequence[Attachment]]
    names: Scope
    """What the form may speak of."""
    known: Choices
    """The files that its fields hold, and the organisations named in its tables."""

    @property
    def form(self) -> Form | None:
        """What is asked, if anything is."""
        return self.procedure.start_form

    def view(self, errors: Mapping[str, FieldError]) -> FormView:
        """The whole form with what was typed and uploaded so far, and what it begins with elsewhere."""
        assert self.form is not None
        answers = self.form.begun(self.answers, self.names)
        view = self.form.view(answers, errors, self.names, self.known, languages.language())
        return uploads.with_limits(view, self.procedure, self.form)

    @cached_property
    def whole(self) -> FormView:
        """The form without a word of what is wrong."""
        return self.view({})

    @cached_property
    def checked(self) -> Checked:
        """The answers so far, held against the form."""
        if self.form is None:
            return Checked({}, {})
        return self.form.check(self.answers, self.names, self.known)

    @cached_property
    def steps(self) -> tuple[Page, ...]:
        """The pages that ask something, as the answers stand."""
        return tuple(page for page in (self.form.pages if self.form else ()) if page.is_shown(self.whole))

    def step(self, name: str) -> Page | None:
        """The page of that name, whether it asks anything now or not."""
        return next((page for page in (self.form.pages if self.form else ()) if page.name == name), None)

    def errors_on(self, page: Page) -> dict[str, FieldError]:
        """What is wrong on a page."""
        return {name: error for name, error in self.checked.errors.items() if page.asks(name)}

    def is_done(self, page: Page) -> bool:
        """Whether somebody has gone through a page and nothing is wrong there."""
        return page.is_answered(self.draft.answers) and not self.errors_on(page)

    @property
    def first_open(self) -> Page | None:
        """The first page that is not done; None when all can be handed in."""
        return next((page for page in self.steps if not self.is_done(page)), None)

    def beside(self, page: Page, by: int) -> str:
        """The address of the page before (-1) or after (1) one; after the last, what is read back."""
        assert self.form is not None
        every = self.form.pages
        at = every.index(page)
        way = every[at + 1 :] if by > 0 else every[:at][::-1]
        found = next((other for other in way if other in self.steps), None)
        if found is not None:
            return self.url_of(found)
        return self.check_url if by > 0 else self.url_of(page)

    def url_of(self, page: Page) -> str:
        """The address of a page."""
        return url_for("applicant.step", draft_id=self.draft.id, step=page.name)

    @property
    def check_url(self) -> str:
        """The address of the page that reads everything back."""
        return url_for("applicant.check", draft_id=self.draft.id)

    @property
    def go_on_url(self) -> str:
        """Where one goes on: the first page that is not done, else what is read back."""
        page = self.first_open
        return self.url_of(page) if page else self.check_url

    @property
    def open_url(self) -> str:
        """The first page that is not done, saying why it is shown."""
        page = self.first_open
        assert page is not None
        return url_for("applicant.step", draft_id=self.draft.id, step=page.name, check=1, to=CHECKS)

    def mark_of(self, page: Page) -> str:
        """What tells the saved answers of a page from others; files that are added do no harm to them."""
        return drafts.mark(page.typed(self.draft.answers))

    def progress(self, here: Page | None) -> Progress:
        """The list of steps as seen from a page; None: from what is read back."""
        first = self.first_open
        lines = [self._line(page, here, first) for page in self.steps]
        last = StepLine(_("核对并提交"), "now" if here is None else "todo", None if first else self.check_url)
        every = (*lines, last)
        number = next((at for at, line in enumerate(every, 1) if line.state == "now"), 1)
        return Progress(number, len(every), every[number - 1].title, every)

    def _line(self, page: Page, here: Page | None, first: Page | None) -> StepLine:
        done = self.is_done(page)
        state = "now" if page == here else "done" if done else "todo"
        return StepLine(page.title(self.whole), state, self.url_of(page) if done or page == first else None)

    def without_removed(self, removed: str | None) -> dict[str, list[Attachment]]:
        """The files the draft holds, but for the one that is to be removed."""
        return {name: [file for file in files if str(file.id) != removed] for name, files in self.held.items()}


def desk(tx: Session, draft_id: int, page: Page | None = None, typed: drafts.Answers | None = None) -> Desk:
    """The person's own draft, laid out; on one page with what was typed there instead of what is saved."""
    row = filing_drafts.draft(tx, signed_in(), draft_id)
    actor = admit_to(tx, row.regulation, row.procedure, row.about_id)
    procedure = machine().kernel.releases.newest(tx, row.regulation).procedure(row.procedure)
    about = Cases(tx, machine().kernel.releases).get(row.about_id) if row.about_id else None
    form = procedure.start_form
    answers = {name: texts for name, texts in row.answers.items() if form is not None and form.asks(name)}
    held = {
        field.name: attachments.usable(tx, actor, answers.get(field.name, ()))
        for field in (pickers(form) if form else [])
    }
    if page is not None and typed is not None:
        files = {name: answers[name] for name in held if name in answers}
        kept = {name: texts for name, texts in answers.items() if not page.asks(name)}
        answers = {**kept, **page.typed(typed), **files}
    known = {**uploads.choices(form, held), **known_in_tables(tx, form, answers)} if form else {}
    return Desk(row, answers, procedure, about, held, scope_before(tx, procedure.regulation, about), known)


def admit_to(tx: Session, regulation: str, slug: str, about_id: int | None) -> Actor:
    """Who files, if the procedure is open to him and what it is about is his own."""
    published = next((one for one in machine().kernel.releases.in_force(tx) if one.regulation.slug == regulation), None)
    if published is None:
        raise UnknownProcedure(procedure=regulation)
    procedure = published.procedure(slug)
    if about_id is None:
        actor = admit(open_to(procedure, None))
        check_may_file(actor)
        return actor
    about = Cases(tx, machine().kernel.releases).get(about_id)
    if procedure.manifest.about is None or about.row.party_id != signed_in().organisation_id:
        # Whoever files about a case of others must not learn that it exists.
        return admit(Subject())
    actor = admit(open_to(procedure, about))
    check_may_file(actor)
    return actor


def offer_of(tx: Session, shown: Desk) -> OfferView:
    """The thing to file with its period, even where something stands in the way of filing it."""
    published = machine().kernel.releases.newest(tx, shown.draft.regulation)
    rule = shown.procedure.manifest.about
    until = shown.about.deadlines.get(rule.until) if rule and rule.until and shown.about else None
    return offering.view(tx, Offer(published, shown.procedure, shown.about, until), moment(tx))
