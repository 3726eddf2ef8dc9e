"""Filing in public: an objection during a publicity, by anybody under his real name, without an account."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import pgettext
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from portal import clock
from portal.cases import attachments, publicly, querycodes
from portal.cases.attachments import Accepted, NotYourFile, TooMany
from portal.cases.errors import FormRefused, MayNotStart
from portal.cases.filers import address_of
from portal.cases.live import Cases, LiveCase
from portal.cases.models import Case
from portal.cases.names import scope_before
from portal.cases.publicly import PublicOffer, TooMuch
from portal.cases.standing import issuer_of
from portal.edge.acting import act, moment, reading
from portal.edge.machine import machine
from portal.edge.statuses import status_of
from portal.errors import PortalError
from portal.forms import REFRESH, Choices, FieldError, Form, Option, posted
from portal.identity import TooManyAttempts, throttle
from portal.identity.entry import OBJECT, OBJECT_FILES, OBJECT_NOTICE
from portal.identity.rules import digest
from portal.procedures.articles import citation
from portal.procedures.publicity import LARGEST_BUNDLE
from portal.web import dates, languages, validity
from portal.web.access import network, open_to_all, visitor
from portal.web.applicant.cases import deadline_shown, next_words, standing_of
from portal.web.applicant.uploads import with_limits
from portal.web.organisations import token
from portal.web.pages import render
from portal.web.public import around
from portal.web.tracking import unlisted
from portal.web.uploads import StoreAway, StoredNot, examined, material_of, new_files, pickers, store

blueprint = Blueprint("objecting", __name__)

ONCE = "_once"
"""The random text of a form: it opens one case only, and the files that came with it are its own."""
Answers = Mapping[str, object]
Errors = Mapping[str, FieldError]


class TooManyObjections(TooManyAttempts):
    """Too many were filed from one address, or about one notice, within an hour."""

    zh = (
        "一小时内提交的次数过多，这次没有提交；所填内容仍在本页，请稍后再提交，"
        "或者邮寄给{office}，地址从机关的公开渠道查找。"
    )
    en = (
        "Too much was filed within an hour; this was not. What you typed is still here: try later, or write by post to "
        "{office}, whose address is found in its public channels."
    )


class TooManyUploads(TooManyAttempts):
    """Too many files were sent from one address within an hour."""

    zh = "一小时内上传的文件过多，这次没有上传；请稍后重新选择，其他内容已保留。"
    en = "Too many files were uploaded within an hour; choose them again later. Everything else was kept."


@blueprint.get("/notices/<int:notice_id>/object")
@open_to_all
def form(notice_id: int) -> ResponseReturnValue:
    """The form, empty; when the period is over, why there is none and what one may do."""
    visitor()
    with reading() as tx:
        offer = publicly.offer(machine().kernel, tx, notice_id, moment(tx))
        return unlisted(_page(tx, offer, None, {}, secrets.token_urlsafe(24)))


@blueprint.post("/notices/<int:notice_id>/object")
@open_to_all
def submit(notice_id: int) -> ResponseReturnValue:
    """Files it, once, and gives the receipt; what is wrong is told beside what was typed."""
    visitor()
    answers: Answers = posted(request.form.items(multi=True))
    once = token(request.form.get(ONCE, "")) or secrets.token_urlsafe(24)
    with reading() as tx:
        before = publicly.filed(tx, once)
        if before is not None:
            return _receipt(tx, notice_id, before)
        offer = publicly.offer(machine().kernel, tx, notice_id, moment(tx))
        asked = offer.procedure.start_form
        if asked is None or REFRESH in request.form:
            return unlisted(_page(tx, offer, answers, {}, once))
    answers, errors = _with_files(offer, asked, answers, once)
    if errors:
        return _again(notice_id, answers, _all_wrong(notice_id, answers, errors), once)
    address = network()

    def file(tx: Session, now: datetime) -> Case | TooManyObjections:
        if not _may_file(tx, address, notice_id, once):
            return TooManyObjections(office=_office(offer.about))
        return publicly.file(machine().kernel, tx, notice_id, answers, now, once)

    try:
        case = act(file, _("提出《%(title)s》", title=offer.procedure.manifest.title), offer.about.id)
    except FormRefused as refusal:
        return _again(notice_id, answers, refusal.fields, once)
    except (NotYourFile, TooMany) as refusal:
        return _again(notice_id, answers, {}, once, refusal)
    if isinstance(case, PortalError):
        return _again(notice_id, answers, {}, once, case)
    with reading() as tx:
        return _receipt(tx, notice_id, tx.get_one(Case, case.id))


def _may_file(tx: Session, address: str, notice_id: int, once: str) -> bool:
    """Counts a filing by its address, and by its address and the notice together; the same form only once."""
    now = clock.now()
    counted = {OBJECT: address, OBJECT_NOTICE: digest(f"{address} {notice_id}").hex()}
    throttle.queue_up(tx, counted)
    if publicly.filed(tx, once) is not None:
        return True
    if any(throttle.too_many(tx, kind, by, now) for kind, by in counted.items()):
        return False
    for kind, by in counted.items():
        throttle.note(tx, kind, by, now)
    return True


def _office(case: LiveCase) -> str:
    """Whom one writes to about a case."""
    name = issuer_of(case)
    return _("办理机关（%(office)s）", office=name) if name else pgettext("whom", "办理机关")


# Files


def _with_files(offer: PublicOffer, asked: Form, answers: Answers, once: str) -> tuple[dict[str, object], Errors]:
    """The answers with the new files of this request among them, which are stored, and what is wrong with any."""
    taken: dict[str, object] = {**answers, **{field.name: _listed(answers, field.name) for field in pickers(asked)}}
    errors: dict[str, FieldError] = {}
    for field in pickers(asked):
        for uploaded in new_files(field):
            held = [one for other in pickers(asked) for one in _listed(taken, other.name)]
            try:
                file = examined(uploaded, material_of(offer.procedure, field))
                kept = _kept(uploaded, file, publicly.bundle_of(once), held)
            except StoredNot as refusal:
                errors[field.name] = refusal.error.after(errors.get(field.name))
            except (TooMuch, TooManyUploads, StoreAway) as error:
                errors[field.name] = FieldError(error.text("zh"), error.text("en")).after(errors.get(field.name))
            else:
                taken[field.name] = [*_listed(taken, field.name), str(kept)]
            finally:
                uploaded.close()
    return taken, errors


def _listed(answers: Answers, name: str) -> list[str]:
    answered = answers.get(name)
    return [str(one) for one in answered] if isinstance(answered, list) else [str(answered)] if answered else []


def _kept(uploaded: FileStorage, file: Accepted, bundle: str, held: list[str]) -> int:
    """Stores a file that came with the form, unless all of them would be too much; its id."""
    with reading() as tx:
        together = sum(row.size for row in attachments.of_bundle(tx, bundle) if str(row.id) in held)
    if together + file.size > LARGEST_BUNDLE:
        raise TooMuch(name=file.name, most=LARGEST_BUNDLE // 1_000_000)
    address = network()
    with machine().database.transaction() as tx:
        may = throttle.counted(tx, OBJECT_FILES, address, clock.now())
    if not may:
        raise TooManyUploads()
    store(uploaded, file)
    with machine().database.transaction() as tx:
        return attachments.keep_in_bundle(machine().kernel, tx, file, bundle, moment(tx)).id


def _choices(tx: Session, asked: Form, once: str) -> Choices:
    """The files that came with the form so far, for each field that takes files."""
    rows = attachments.of_bundle(tx, publicly.bundle_of(once))
    named = [
        Option(str(row.id), _("%(name)s（%(size)s）", name=row.own_name, size=dates.size(row.size))) for row in rows
    ]
    return {field.name: named for field in pickers(asked)}


# Pages


def _all_wrong(notice_id: int, answers: Answers, errors: Errors) -> Errors:
    """What is wrong with the files, and with everything else that was answered."""
    with reading() as tx:
        offer = publicly.offer(machine().kernel, tx, notice_id, moment(tx))
        if offer.procedure.start_form is None:
            return errors
        names = scope_before(tx, offer.published.regulation, offer.about)
        return {**offer.procedure.start_form.check(answers, names).errors, **errors}


def _again(
    notice_id: int, answers: Answers, errors: Errors, once: str, error: PortalError | None = None
) -> ResponseReturnValue:
    """The form with everything that was typed and uploaded, and what is wrong with it."""
    with reading() as tx:
        offer = publicly.offer(machine().kernel, tx, notice_id, moment(tx))
        page = _page(tx, offer, answers, errors, once, languages.said(error) if error else None)
    return unlisted(page, status_of(error) if error is not None else 422)


def _page(
    tx: Session, offer: PublicOffer, answers: Answers | None, errors: Errors, once: str, error: str | None = None
) -> str:
    asked, procedure = offer.procedure.start_form, offer.procedure
    if asked is None:
        raise MayNotStart(procedure=procedure.manifest.title)
    names = scope_before(tx, offer.published.regulation, offer.about)
    view = asked.view(answers, errors, names, _choices(tx, asked, once), languages.language())
    shown = offer.publication
    until = (
        _("公示正在暂停计时，现在可以提出异议。")
        if shown.paused
        else _("请在 %(due)s 前提出。", due=dates.due_text(shown.due))
    )
    return render(
        "public/object.html",
        title=procedure.drawing.start().name or procedure.manifest.title,
        notice=shown.title,
        notice_url=url_for("notices.notice", notice_id=shown.id),
        until=until,
        form=with_limits(view, procedure, asked),
        once=once,
        here=url_for("objecting.form", notice_id=shown.id),
        error=error,
        total=LARGEST_BUNDLE // 1_000_000,
        law=validity.of_case(tx, offer.about),
        **around(tx, "/notices"),
    )


def _receipt(tx: Session, notice_id: int, row: Case) -> Response:
    """The receipt: number, query code, the second of receipt, the files with their hashes, what follows and by when."""
    case, now = Cases(tx, machine().kernel.releases).get(row.id), moment(tx)
    running = [deadline for deadline in case.deadlines.values() if deadline.state == "running"]
    duty = next((one for one in running if one.kind == "duty" and one.event == "filed"), None)
    standing = standing_of(tx, case)
    article = case.procedure.article(case.procedure.drawing.start())
    shown = publicly.published_as(tx, notice_id)
    page = render(
        "public/objected.html",
        case=row,
        at=dates.to_the_second(row.filed_at),
        notice=shown.title,
        notice_url=url_for("notices.notice", notice_id=notice_id),
        basis=citation(case.published.regulation, article) or "",
        follows=next_words(case, standing.tasks) or row.status,
        duty=deadline_shown(tx, case, duty, now),
        files=attachments.of_case(tx, row.id),
        code=querycodes.spoken(row.query_code or ""),
        address=address_of(case),
        office=_office(case),
        track=f"{machine().settings.public_url}/track",
        law=validity.of_case(tx, case),
        **around(tx, "/notices"),
    )
    return unlisted(page)
