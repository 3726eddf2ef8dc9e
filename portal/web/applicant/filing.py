"""Filing in three steps: fill in (kept as a draft), check, hand in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.cases import drafts
from portal.cases import filing as filings
from portal.cases.attachments import NotYourFile, TooMany
from portal.cases.drafts import ChangedElsewhere
from portal.cases.errors import FormRefused, MayNotStart, Refused
from portal.cases.filing import Offer
from portal.cases.live import Cases, LiveCase
from portal.cases.models import Attachment, Filing
from portal.cases.names import scope_before
from portal.cases.rights import check_may_file
from portal.cases.tasks import known_in_tables
from portal.errors import PortalError
from portal.feel import Scope
from portal.forms import REFRESH, Checked, Choices, FieldError, Form, FormView, posted
from portal.identity import Actor, Permission, Subject
from portal.procedures import Procedure
from portal.procedures.releases import UnknownProcedure
from portal.web import tables
from portal.web.access import needs, signed_in
from portal.web.acting import act, asked, moment, reading
from portal.web.applicant import offering, queries, uploads, wording
from portal.web.applicant.frame import admit, blueprint, frame
from portal.web.applicant.offering import OfferView
from portal.web.applicant.uploads import Taken
from portal.web.errors import status_of
from portal.web.machine import machine
from portal.web.pages import render

NEXT = "next"
SEEN, OVER = "_seen", "_over"
"""The mark of the draft that a page was made of, and that of the one which the person says his own shall replace."""


@dataclass(frozen=True)
class Desk:
    """A draft laid out: the procedure, what it is about, and the files its fields hold."""

    draft: Filing
    answers: Mapping[str, Sequence[str]]
    """What was saved; on a page that comes back without having saved, what was typed."""
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

    def view(self, errors: Mapping[str, FieldError]) -> FormView | None:
        """The form with what was typed and uploaded so far."""
        if self.form is None:
            return None
        answers = self.answers or None
        view = self.form.view(answers, errors, self.names, self.known, wording.language())
        return uploads.with_limits(view, self.procedure, self.form)

    def check(self) -> Checked:
        """The answers so far, held against the form."""
        if self.form is None:
            return Checked({}, {})
        return self.form.check(self.answers, self.names, self.known)

    @property
    def mark(self) -> str:
        """What tells the saved answers from others; files that are added do no harm to them."""
        return drafts.mark(
            self.draft.answers, [field.name for field in uploads.pickers(self.form)] if self.form else []
        )


@dataclass(frozen=True)
class AnswerView:
    """One answer read back, with the place where it is changed."""

    label: str
    text: str
    change: str
    files: tuple[str, ...] = ()


@blueprint.get("/file/<regulation>/<procedure>")
@needs(Permission.CASE_FILE)
def file(regulation: str, procedure: str) -> ResponseReturnValue:
    """Begins a filing, or goes on with the one begun; what stands in the way is said plainly."""
    about_id = asked("about")

    def begin(tx: Session, now: datetime) -> int | PortalError:
        actor = _admit_to(tx, regulation, procedure, about_id)
        try:
            offer = filings.offer(machine().kernel, tx, actor, regulation, procedure, about_id)
        except Refused as error:
            return error
        unread = _unread(tx, actor, offer)
        if unread is not None:
            return unread
        return drafts.begin(tx, actor, regulation, procedure, about_id, now).id

    begun = act(begin, _("开始填写申请"))
    if isinstance(begun, PortalError):
        return _obstacle(begun, about_id)
    return redirect(url_for("applicant.draft", draft_id=begun), 303)


@blueprint.get("/drafts/<int:draft_id>")
@needs(Permission.CASE_FILE)
def draft(draft_id: int) -> ResponseReturnValue:
    """Step 1: the form, with everything typed and uploaded so far."""
    with reading() as tx:
        desk = _desk(tx, draft_id)
        if desk.draft.case_id is not None:
            return _to_receipt(desk.draft.case_id)
        if desk.form is None:
            return redirect(url_for("applicant.check", draft_id=draft_id))
        errors = desk.check().errors if "check" in request.args else {}
        return _form_page(tx, desk, errors)


@blueprint.post("/drafts/<int:draft_id>")
@needs(Permission.CASE_FILE)
def save_draft(draft_id: int) -> ResponseReturnValue:
    """Keeps what was typed and uploaded; then goes on, or shows what is to be mended."""
    with reading() as tx:
        desk = _desk(tx, draft_id)
    if desk.draft.case_id is not None:
        return _to_receipt(desk.draft.case_id)
    if desk.form is None:
        return redirect(url_for("applicant.check", draft_id=draft_id), 303)
    form, held = desk.form, _without_removed(desk)
    answers = posted(request.form.items(multi=True))
    pressed, changed = tables.asked(form), None
    if pressed is not None:
        with reading() as tx:
            names = _desk(tx, draft_id).names
            if pressed.gives_out:
                return tables.given_out(form, pressed, answers, names, known_in_tables(tx, form, answers))
            changed = tables.change(tx, form, pressed, answers, names)
            answers = {name: list(cast(list[str], texts)) for name, texts in changed.answers.items()}
    if "HX-Request" in request.headers:
        # These overlap one another; what a person presses as a whole page keeps the draft.
        return _typed_page(draft_id, answers, changed.errors if changed else {}, changed.said if changed else {}), 200
    taken = uploads.take(desk.procedure, form, held)

    def keep(tx: Session, now: datetime) -> ChangedElsewhere | None:
        actor = signed_in()
        new = uploads.write_rows(tx, actor, form, taken, now)
        return drafts.save(tx, actor, draft_id, answers, new, request.form.get(uploads.REMOVE), now, _seen())

    elsewhere = act(keep, _("保存申请草稿"))
    if elsewhere is not None:
        errors = {**taken.errors, **(changed.errors if changed else {})}
        page = _typed_page(draft_id, answers, errors, changed.said if changed else {}, elsewhere)
        return page, status_of(elsewhere)
    return _after_save(draft_id, taken) if changed is None else _after_change(draft_id, taken, changed)


@blueprint.get("/drafts/<int:draft_id>/check")
@needs(Permission.CASE_FILE)
def check(draft_id: int) -> ResponseReturnValue:
    """Step 2: everything read back before it is handed in."""
    with reading() as tx:
        desk = _desk(tx, draft_id)
        if desk.draft.case_id is not None:
            return _to_receipt(desk.draft.case_id)
        if not desk.check().ok:
            return redirect(url_for("applicant.draft", draft_id=draft_id, check=1))
        return _check_page(tx, desk, None)


@blueprint.post("/drafts/<int:draft_id>/check")
@needs(Permission.CASE_FILE)
def hand_in(draft_id: int) -> ResponseReturnValue:
    """Step 3: hands it in, once, however often the button is pressed."""
    with reading() as tx:
        desk = _desk(tx, draft_id)
    actor = signed_in()
    try:
        case_id = act(
            lambda tx, now: drafts.hand_in(machine().kernel, tx, actor, draft_id, now, _seen()),
            _("提交申请"),
            desk.draft.about_id,
        )
    except FormRefused as refusal:
        return _refused(draft_id, refusal)
    except ChangedElsewhere as elsewhere:
        return _read_anew(draft_id, elsewhere)
    except (Refused, MayNotStart, NotYourFile, TooMany) as error:
        with reading() as tx:
            return _check_page(tx, _desk(tx, draft_id), error), status_of(error)
    return _to_receipt(case_id)


def _admit_to(tx: Session, regulation: str, slug: str, about_id: int | None) -> Actor:
    """Who files, if the procedure is open to him and what it is about is his own."""
    published = next((one for one in machine().kernel.releases.in_force(tx) if one.regulation.slug == regulation), None)
    if published is None:
        raise UnknownProcedure(procedure=regulation)
    procedure = published.procedure(slug)
    if about_id is None:
        actor = admit(offering.may_file(procedure, None))
        check_may_file(actor)
        return actor
    about = Cases(tx, machine().kernel.releases).get(about_id)
    if procedure.manifest.about is None or about.row.party_id != signed_in().organisation_id:
        # Whoever files about a case of others must not learn that it exists.
        return admit(Subject())
    actor = admit(offering.may_file(procedure, about))
    check_may_file(actor)
    return actor


def _seen() -> str | None:
    """The mark of the draft that this request goes by."""
    return request.form.get(OVER) or request.form.get(SEEN)


def _desk(tx: Session, draft_id: int, typed: drafts.Answers | None = None) -> Desk:
    """The person's own draft, laid out; with answers that were typed instead of those saved."""
    row = drafts.draft(tx, signed_in(), draft_id)
    actor = _admit_to(tx, row.regulation, row.procedure, row.about_id)
    procedure = machine().kernel.releases.newest(tx, row.regulation).procedure(row.procedure)
    about = Cases(tx, machine().kernel.releases).get(row.about_id) if row.about_id else None
    form = procedure.start_form
    held = {
        field.name: drafts.usable(tx, actor, row.answers.get(field.name, ()))
        for field in (uploads.pickers(form) if form else [])
    }
    files = {name: row.answers[name] for name in held if name in row.answers}
    answers = row.answers if typed is None else {**typed, **files}
    known = {**uploads.choices(form, held), **known_in_tables(tx, form, answers)} if form else {}
    return Desk(row, answers, procedure, about, held, scope_before(tx, procedure.regulation, about), known)


class Unread(Refused):
    """What the filing would be about was not signed for yet, so its content is not shown."""

    zh = "《{title}》（{number}）尚未签收。请先打开并签收，再提出申请。"
    en = "“{title}” ({number}) has not been signed for. Please open and sign for it first."

    def __init__(self, title: str, number: str, letter_id: int) -> None:
        self.letter_id = letter_id
        super().__init__(title=title, number=number)


class JustOver(PortalError):
    """The filing was refused for what the form asks only after a period, which has just run out."""

    zh = "期限刚刚届满。{what}请一分钟后返回修改。"
    en = "The period has just run out. {what} Please go back and add it in a minute."


def _unread(tx: Session, actor: Actor, offer: Offer) -> Unread | None:
    """The letter to be signed for first, when the person's organisation knows none of those it would answer."""
    if offer.about is None or actor.organisation_id is None:
        return None
    addressed = queries.letters_in(tx, offer.about.id, actor.organisation_id)
    if not addressed or any(service.state == "served" for _letter, service in addressed):
        return None
    letter = addressed[0][0]
    return Unread(letter.title, letter.number, letter.id)


def _obstacle(error: PortalError, about_id: int | None) -> ResponseReturnValue:
    letter_id = error.letter_id if isinstance(error, Unread) else None
    with reading() as tx:
        html = render(
            "applicant/obstacle.html",
            text=wording.said(error),
            letter_url=url_for("applicant.my_letter", letter_id=letter_id) if letter_id else None,
            about_url=url_for("applicant.my_case", case_id=about_id) if about_id else None,
            **frame(tx, signed_in()),
        )
    return html, status_of(error)


def _without_removed(desk: Desk) -> dict[str, list[Attachment]]:
    """The files the draft holds, but for the one whose button 移除 was pressed."""
    removed = request.form.get(uploads.REMOVE)
    return {name: [file for file in files if str(file.id) != removed] for name, files in desk.held.items()}


def _typed_page(
    draft_id: int,
    typed: drafts.Answers,
    errors: Mapping[str, FieldError],
    said: tables.Said,
    elsewhere: ChangedElsewhere | None = None,
) -> str:
    """The form with what was typed and not saved, going by the same draft as the page before."""
    with reading() as tx:
        return _form_page(tx, _desk(tx, draft_id, typed), errors, said, request.form.get(SEEN), elsewhere)


def _read_anew(draft_id: int, elsewhere: ChangedElsewhere) -> ResponseReturnValue:
    """What the draft holds now, to be checked instead of what was; or mended, where it cannot be handed in."""
    with reading() as tx:
        desk = _desk(tx, draft_id)
        if desk.check().ok:
            return _check_page(tx, desk, elsewhere), status_of(elsewhere)
    flash(wording.said(elsewhere), "warning")
    return redirect(url_for("applicant.draft", draft_id=draft_id, check=1), 303)


def _after_save(draft_id: int, taken: Taken) -> ResponseReturnValue:
    """The form again with what is wrong, the next step, or the form with what was saved."""
    if taken.errors or REFRESH in request.form:
        with reading() as tx:
            desk = _desk(tx, draft_id)
            errors = desk.check().errors if request.form.get("_go") == NEXT else {}
            html = _form_page(tx, desk, {**errors, **taken.errors})
        return html, 422 if taken.errors else 200
    if request.form.get("_go") != NEXT:
        if uploads.REMOVE in request.form:
            flash(_("文件已移除，其他内容已保存。"), "success")
        else:
            flash(_("草稿已保存，可以随时回来继续填写。"), "success")
        return redirect(url_for("applicant.draft", draft_id=draft_id), 303)
    with reading() as tx:
        desk = _desk(tx, draft_id)
        errors = desk.check().errors
        if errors:
            return _form_page(tx, desk, errors), 422
    return redirect(url_for("applicant.check", draft_id=draft_id), 303)


def _after_change(draft_id: int, taken: uploads.Taken, changed: tables.Changed) -> ResponseReturnValue:
    """The form after a button of a table was pressed."""
    errors = {**taken.errors, **changed.errors}
    with reading() as tx:
        return _form_page(tx, _desk(tx, draft_id), errors, changed.said), 422 if errors else 200


def _refused(draft_id: int, refusal: FormRefused) -> ResponseReturnValue:
    """The form with what is wrong; a period that has just run out asks for more than the form can show yet."""
    with reading() as tx:
        desk = _desk(tx, draft_id)
        if not desk.check().ok:
            return redirect(url_for("applicant.draft", draft_id=draft_id, check=1), 303)
        missing = "".join(fault.text(wording.language()) for fault in refusal.fields.values())
        return _check_page(tx, desk, JustOver(what=missing)), status_of(refusal)


def _to_receipt(case_id: int) -> ResponseReturnValue:
    return redirect(url_for("applicant.receipt", case_id=case_id), 303)


def _offer_of(tx: Session, desk: Desk) -> OfferView:
    """The thing to file with its period, even where something stands in the way of filing it."""
    published = machine().kernel.releases.newest(tx, desk.draft.regulation)
    rule = desk.procedure.manifest.about
    until = desk.about.deadlines.get(rule.until) if rule and rule.until and desk.about else None
    return offering.view(tx, Offer(published, desk.procedure, desk.about, until), moment(tx))


def _form_page(
    tx: Session,
    desk: Desk,
    errors: Mapping[str, FieldError],
    said: tables.Said = tables.NOTHING,
    seen: str | None = None,
    elsewhere: ChangedElsewhere | None = None,
) -> str:
    return render(
        "applicant/draft.html",
        form=desk.view(errors),
        held=desk.held,
        offer=_offer_of(tx, desk),
        draft=desk.draft,
        saved=wording.minute_text(desk.draft.saved_at) if desk.draft.answers else None,
        here=url_for("applicant.draft", draft_id=desk.draft.id),
        tables=said,
        seen=seen or desk.mark,
        over=desk.mark,
        elsewhere=wording.said(elsewhere) if elsewhere else None,
        **frame(tx, signed_in()),
    )


def _check_page(tx: Session, desk: Desk, error: PortalError | None) -> str:
    return render(
        "applicant/check.html",
        answers=_answers(desk),
        offer=_offer_of(tx, desk),
        draft=desk.draft,
        error=_said_above(error) if error else None,
        seen=drafts.mark(desk.draft.answers),
        change=url_for("applicant.draft", draft_id=desk.draft.id),
        **frame(tx, signed_in()),
    )


def _said_above(error: PortalError) -> str:
    if isinstance(error, ChangedElsewhere):
        return wording.said(error) + _("下面是现在的内容，请核对后再提交。")
    return wording.said(error) + _("草稿仍然保留。")


def _answers(desk: Desk) -> list[AnswerView]:
    """Every answer in the order of the page; an unanswered one says so."""
    form, change = desk.form, url_for("applicant.draft", draft_id=desk.draft.id)
    if form is None:
        return []
    known, values = desk.known, desk.check().values
    asked = [field for field in form.view(values, {}, desk.names, known).fields if field.visible]
    shown = form.display(values, desk.names, known)
    return [
        AnswerView(
            line.label,
            line.text,
            f"{change}#{field.id}",
            tuple(option.label for option in field.named) if field.kind == "filepicker" else (),
        )
        for field, line in zip(asked, shown, strict=True)
    ]
