"""Filing in steps: one page for each thing that is asked, all of it read back, handed in once."""

from __future__ import annotations

from collections.abc import Mapping
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
from portal.cases.drafts import filings as filing_drafts
from portal.cases.errors import FormRefused, IntakeClosed, MayNotStart, Refused, UnknownCase
from portal.cases.filing import Offer
from portal.cases.models import Attachment
from portal.cases.tasks import known_in_tables
from portal.edge.acting import act, asked, reading
from portal.edge.machine import machine
from portal.edge.statuses import status_of
from portal.errors import PortalError
from portal.forms import REFRESH, FieldError, Form, Page, posted
from portal.identity import Actor, Permission
from portal.inbox import party
from portal.web import dates, languages, tables, validity
from portal.web.access import needs, signed_in
from portal.web.applicant import keeping, uploads
from portal.web.applicant.drafting import CHECKS, Desk, admit_to, desk, offer_of
from portal.web.applicant.frame import blueprint, frame
from portal.web.applicant.keeping import BACK, NEXT
from portal.web.keeping import is_by_script, not_kept, page_mark
from portal.web.pages import render
from portal.web.uploads import pickers

Errors = Mapping[str, FieldError]


@dataclass(frozen=True)
class AnswerView:
    """One answer read back, with the place where it is changed."""

    label: str
    text: str
    change: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class SectionView:
    """The answers of one step read back."""

    title: str
    answers: tuple[AnswerView, ...]


@blueprint.get("/file/<regulation>/<procedure>")
@needs(Permission.CASE_FILE)
def file(regulation: str, procedure: str) -> ResponseReturnValue:
    """Begins a filing, or goes on with the one begun; what stands in the way is said plainly."""
    about_id = asked("about")

    def begin(tx: Session, now: datetime) -> int | PortalError:
        actor = admit_to(tx, regulation, procedure, about_id)
        try:
            offer = filings.offer(machine().kernel, tx, actor, regulation, procedure, about_id, now)
        except Refused as error:
            return error
        unread = _unread(tx, actor, offer)
        if unread is not None:
            return unread
        return filing_drafts.begin(tx, actor, regulation, procedure, about_id, now).id

    begun = act(begin, _("开始填写申请"))
    if isinstance(begun, PortalError):
        return _obstacle(begun, about_id)
    return redirect(url_for("applicant.draft", draft_id=begun), 303)


@blueprint.get("/file/<int:draft_id>")
@needs(Permission.CASE_FILE)
def draft(draft_id: int) -> ResponseReturnValue:
    """Goes on with a draft where it was left."""
    with reading() as tx:
        shown = desk(tx, draft_id)
        if shown.draft.case_id is not None:
            return _to_receipt(shown.draft.case_id)
        return redirect(shown.go_on_url, 303)


@blueprint.get("/file/<int:draft_id>/<step>")
@needs(Permission.CASE_FILE)
def step(draft_id: int, step: str) -> ResponseReturnValue:
    """One step, with everything typed and uploaded there so far; later ones may be looked at before their turn."""
    with reading() as tx:
        shown = desk(tx, draft_id)
        if shown.draft.case_id is not None:
            return _to_receipt(shown.draft.case_id)
        page = _step(shown, step)
        if page not in shown.steps:
            return redirect(shown.go_on_url, 303)
        errors = shown.errors_on(page) if CHECKS in request.args else {}
        return _step_page(tx, shown, page, errors, unfinished=CHECKS in request.args and not shown.is_done(page))


@blueprint.post("/file/<int:draft_id>/<step>")
@needs(Permission.CASE_FILE)
def save_step(draft_id: int, step: str) -> ResponseReturnValue:
    """Keeps what was typed and uploaded; then goes on or back, or shows what is to be mended."""
    with reading() as tx:
        shown = desk(tx, draft_id)
    if shown.draft.case_id is not None:
        return _handed_in_before(shown.draft.case_id)
    page, form, held = _step(shown, step), cast(Form, shown.form), _held(shown)
    answers = posted(request.form.items(multi=True))
    pressed, changed = tables.asked(form), None
    if pressed is not None:
        with reading() as tx:
            names = desk(tx, draft_id, page, answers).names
            if pressed.gives_out:
                return tables.given_out(form, pressed, answers, names, known_in_tables(tx, form, answers))
            changed = tables.change(tx, form, pressed, answers, names)
            answers = {name: list(cast(list[str], texts)) for name, texts in changed.answers.items()}
    errors, said = (changed.errors, changed.said) if changed else ({}, tables.NOTHING)
    if keeping.only_shown():
        return _typed_page(draft_id, page, answers, errors, said), 200
    taken = uploads.take(shown.procedure, form, held)

    def keep(tx: Session, now: datetime) -> ChangedElsewhere | None:
        actor = signed_in()
        new = {name: ids for name, ids in uploads.write_rows(tx, actor, form, taken, now).items() if page.asks(name)}
        removed = request.form.get(uploads.REMOVE)
        return filing_drafts.save(tx, actor, draft_id, form, page, answers, new, removed, now, keeping.seen(page.typed))

    elsewhere = act(keep, _("保存申请草稿"))
    if is_by_script():
        return _kept(draft_id, page, elsewhere)
    if elsewhere is not None:
        html = _typed_page(draft_id, page, answers, {**taken.errors, **errors}, said, elsewhere)
        return html, status_of(elsewhere)
    if changed is not None:
        with reading() as tx:
            html = _step_page(tx, desk(tx, draft_id), page, {**taken.errors, **errors}, said)
        return html, 422 if {**taken.errors, **errors} else 200
    return _after_save(draft_id, page, taken.errors)


@blueprint.get("/file/<int:draft_id>/check-answers")
@needs(Permission.CASE_FILE)
def check(draft_id: int) -> ResponseReturnValue:
    """The last step: everything read back before it is handed in."""
    with reading() as tx:
        shown = desk(tx, draft_id)
        if shown.draft.case_id is not None:
            return _to_receipt(shown.draft.case_id)
        if shown.first_open is not None:
            return redirect(shown.open_url)
        return _check_page(tx, shown, None)


@blueprint.post("/file/<int:draft_id>/check-answers")
@needs(Permission.CASE_FILE)
def hand_in(draft_id: int) -> ResponseReturnValue:
    """Hands it in, once, however often the button is pressed; what is not finished is shown first."""
    with reading() as tx:
        shown = desk(tx, draft_id)
        if shown.draft.case_id is None and shown.first_open is not None:
            return _mended_first(shown)
    actor = signed_in()
    try:
        case_id = act(
            lambda tx, now: filing_drafts.hand_in(machine().kernel, tx, actor, draft_id, now, keeping.seen()),
            _("提交申请"),
            shown.draft.about_id,
        )
    except FormRefused as refusal:
        return _refused(draft_id, refusal)
    except ChangedElsewhere as elsewhere:
        with reading() as tx:
            return _check_page(tx, desk(tx, draft_id), elsewhere), status_of(elsewhere)
    except (Refused, MayNotStart, NotYourFile, TooMany) as error:
        with reading() as tx:
            return _check_page(tx, desk(tx, draft_id), error), status_of(error)
    return _to_receipt(case_id)


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
    addressed = party.letters_in(tx, offer.about.id, actor.organisation_id)
    if not addressed or any(service.state == "served" for _letter, service in addressed):
        return None
    letter = addressed[0][0]
    return Unread(letter.title, letter.number, letter.id)


def _obstacle(error: PortalError, about_id: int | None) -> ResponseReturnValue:
    letter_id = error.letter_id if isinstance(error, Unread) else None
    with reading() as tx:
        html = render(
            "applicant/obstacle.html",
            text=languages.said(error),
            letter_url=url_for("applicant.my_letter", letter_id=letter_id) if letter_id else None,
            about_url=url_for("applicant.my_case", case_id=about_id) if about_id else None,
            **frame(tx, signed_in()),
        )
    return html, status_of(error)


def _step(shown: Desk, name: str) -> Page:
    page = shown.step(name)
    if page is None:
        raise UnknownCase()
    return page


def _held(shown: Desk) -> Mapping[str, list[Attachment]]:
    return shown.without_removed(request.form.get(uploads.REMOVE))


def _returns() -> bool:
    """Whether one goes back from this step to what is read back."""
    return request.args.get("to") == CHECKS


def _here(draft_id: int, page: Page) -> str:
    """The address of this step, from which one goes back to what is read back if one has come from there."""
    return url_for("applicant.step", draft_id=draft_id, step=page.name, to=CHECKS if _returns() else None)


def _kept(draft_id: int, page: Page, elsewhere: ChangedElsewhere | None) -> ResponseReturnValue:
    with reading() as tx:
        shown = desk(tx, draft_id)
        return keeping.told(shown.mark_of(page), dates.exact(shown.draft.saved_at), elsewhere)


def _typed_page(
    draft_id: int,
    page: Page,
    typed: drafts.Answers,
    errors: Errors,
    said: tables.Said,
    elsewhere: ChangedElsewhere | None = None,
) -> str:
    """The step with what was typed and not saved, going by the same answers as the page before."""
    with reading() as tx:
        shown = desk(tx, draft_id, page, typed)
        return _step_page(tx, shown, page, errors, said, page_mark(), elsewhere)


def _after_save(draft_id: int, page: Page, refused: Errors) -> ResponseReturnValue:
    """The step again with what is wrong, the next one or the one before, or this one with what was saved."""
    with reading() as tx:
        shown = desk(tx, draft_id)
        errors = shown.errors_on(page) if keeping.asks(NEXT) else {}
        if refused or errors or REFRESH in request.form:
            html = _step_page(tx, shown, page, {**errors, **refused})
            return html, 422 if refused or errors else 200
        if keeping.asks(BACK):
            return redirect(shown.check_url if _returns() else shown.beside(page, -1), 303)
        if keeping.asks(NEXT):
            return redirect(shown.check_url if _returns() else shown.beside(page, 1), 303)
    if uploads.REMOVE in request.form:
        flash(_("文件已移除，其他内容已保存。"), "success")
    else:
        flash(_("草稿已保存，可以随时回来继续填写。"), "success")
    return redirect(_here(draft_id, page), 303)


def _mended_first(shown: Desk) -> ResponseReturnValue:
    """The first step that is not done; what another window has changed meanwhile is told."""
    if keeping.seen() not in (None, drafts.mark(shown.draft.answers)):
        flash(languages.said(ChangedElsewhere(shown.draft.saved_at)), "warning")
    return redirect(shown.open_url, 303)


def _refused(draft_id: int, refusal: FormRefused) -> ResponseReturnValue:
    """The step with what is wrong; a period that has just run out asks for more than the form can show yet."""
    with reading() as tx:
        shown = desk(tx, draft_id)
        if shown.first_open is not None:
            return redirect(shown.open_url, 303)
        missing = "".join(fault.text(languages.language()) for fault in refusal.fields.values())
        return _check_page(tx, shown, JustOver(what=missing)), status_of(refusal)


def _handed_in_before(case_id: int) -> ResponseReturnValue:
    """What was typed, in another window, into what was handed in meanwhile is not taken, and that is said."""
    said = _("这份申请已经提交，本页填写的内容没有计入。")
    if is_by_script():
        return not_kept(said)
    flash(said, "warning")
    return _to_receipt(case_id)


def _to_receipt(case_id: int) -> ResponseReturnValue:
    return redirect(url_for("applicant.receipt", case_id=case_id), 303)


def _step_page(
    tx: Session,
    shown: Desk,
    page: Page,
    errors: Errors,
    said: tables.Said = tables.NOTHING,
    seen: str | None = None,
    elsewhere: ChangedElsewhere | None = None,
    *,
    unfinished: bool = False,
) -> str:
    form = page.of(shown.view(errors))
    visible = [field for field in form.fields if field.visible]
    return render(
        "applicant/step.html",
        form=form,
        alone=len(visible) == 1 and page.title(shown.whole) == visible[0].label,
        optional=len(visible) == 1 and not visible[0].required,
        held=shown.held,
        offer=offer_of(tx, shown),
        progress=shown.progress(page),
        first=bool(shown.steps) and page == shown.steps[0],
        unfinished=unfinished,
        returns=_returns(),
        back=shown.check_url if _returns() else shown.beside(page, -1),
        saved=dates.exact(shown.draft.saved_at) if shown.draft.answers else None,
        here=_here(shown.draft.id, page),
        tables=said,
        seen=seen or shown.mark_of(page),
        over=shown.mark_of(page),
        elsewhere=languages.said(elsewhere) if elsewhere else None,
        law=validity.of_regulations(tx, [shown.procedure.regulation]),
        **frame(tx, signed_in()),
    )


def _check_page(tx: Session, shown: Desk, error: PortalError | None) -> str:
    last = shown.steps[-1] if shown.steps else None
    return render(
        "applicant/check.html",
        sections=_sections(shown),
        twice=_twice(shown),
        offer=offer_of(tx, shown),
        progress=shown.progress(None),
        error=_said_above(error) if error else None,
        seen=drafts.mark(shown.draft.answers),
        back=shown.url_of(last) if last else None,
        law=validity.of_regulations(tx, [shown.procedure.regulation]),
        **frame(tx, signed_in()),
    )


def _said_above(error: PortalError) -> str:
    if isinstance(error, ChangedElsewhere):
        return languages.said(error) + _("下面是现在的内容，请核对后再提交。")
    if isinstance(error, IntakeClosed):
        return languages.said(error)  # which says of itself that the draft is kept
    return languages.sentences(languages.said(error), _("草稿仍然保留。"))


def _twice(shown: Desk) -> list[str]:
    """The files that are to be handed in for several materials, each in a sentence."""
    if shown.form is None:
        return []
    alike: dict[str, list[tuple[str, str]]] = {}
    for field in pickers(shown.form):
        for file in shown.held.get(field.name, ()):
            alike.setdefault(file.sha256, []).append((field.label.render(shown.names), file.name))
    return [
        _(
            "“%(file)s”用作了几项材料：%(materials)s。如果选错了，请修改后再提交。",
            file=group[0][1],
            materials=languages.listed(material for material, _name in group),
        )
        for group in alike.values()
        if len(group) > 1
    ]


def _sections(shown: Desk) -> list[SectionView]:
    """Every answer in the order of the steps; an unanswered one says so."""
    form, values = shown.form, shown.checked.values
    if form is None:
        return []
    view = form.view(values, {}, shown.names, shown.known, languages.language())
    asked = [field for field in view.fields if field.visible]
    lines = dict(
        zip(
            (field.name for field in asked),
            form.display(values, shown.names, shown.known, languages.language()),
            strict=True,
        )
    )
    found = []
    for page in shown.steps:
        change = url_for("applicant.step", draft_id=shown.draft.id, step=page.name, to=CHECKS)
        answers = tuple(
            AnswerView(
                lines[field.name].label,
                lines[field.name].text,
                f"{change}#{field.id}",
                tuple(option.label for option in field.named) if field.kind == "filepicker" else (),
            )
            for field in page.of(view).fields
            if field.visible
        )
        found.append(SectionView(page.title(view), answers))
    return found
