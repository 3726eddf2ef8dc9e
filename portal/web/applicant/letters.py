"""Letters: before service only that there is one; 打开并签收 proves service, then it can be read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.cases import delivery
from portal.cases.errors import NotAgreed, UnknownCase
from portal.cases.live import LiveCase
from portal.cases.rights import check_may_file
from portal.cases.standing import issuer_of
from portal.clock import day_of
from portal.documents import service as documents
from portal.documents.models import Letter, Service
from portal.documents.rules import FileNotReady, ServedBeforeIssue, ServedInFuture
from portal.documents.service import UnknownLetter
from portal.edge.acting import act, asked, moment, reading
from portal.edge.machine import machine
from portal.edge.statuses import status_of
from portal.identity import Actor, Permission, Subject
from portal.inbox import party
from portal.web import dates, languages, validity
from portal.web.access import needs, signed_in
from portal.web.applicant.cases import letter_lines, offers_about
from portal.web.applicant.frame import admit, blueprint, case_of, frame, has_agreed, organisation_of
from portal.web.applicant.replaced import replacement
from portal.web.applicant.seals import seal_of
from portal.web.dates import long_day
from portal.web.languages import listed
from portal.web.letters import read
from portal.web.pages import render
from portal.web.periods import period_text


@dataclass(frozen=True)
class LetterView:
    """What may be known of a letter; `agreed` whether reading it here can serve it, `may_sign` whether he may do so."""

    id: int
    title: str
    number: str
    issuer: str
    issued: str
    state: str
    served: str
    how: str
    sha256: str
    pdf_url: str | None
    code: str
    period: str
    agreed: bool
    may_sign: bool
    case_url: str
    case_title: str


@blueprint.get("/my/letters")
@needs(Permission.LETTER_READ)
def my_letters() -> ResponseReturnValue:
    """All letters to the organisation, newest first."""
    actor = signed_in()
    organisation_id = organisation_of(actor)
    admit(Subject(party_id=organisation_id))
    with reading() as tx:
        before = asked("before")
        found = party.letters_of(tx, organisation_id, before)
        shown, more = found[: party.AT_A_TIME], len(found) > party.AT_A_TIME
        context = {
            "lines": letter_lines(shown, may_sign=actor.may_file),
            "later": url_for("applicant.my_letters", before=shown[-1][0].id) if more else None,
            "earlier": url_for("applicant.my_letters") if before is not None else None,
            **frame(tx, actor),
        }
    return render("applicant/letters.html", **context)


@blueprint.get("/my/letters/<int:letter_id>")
@needs(Permission.LETTER_READ)
def my_letter(letter_id: int) -> ResponseReturnValue:
    """One letter: to be signed for, or to be read."""
    with reading() as tx:
        letter, service, actor, case = _addressed(tx, letter_id)
        context = {
            "letter": _view(case, letter, service, agreed=has_agreed(tx, actor)),
            "offers": offers_about(tx, actor, case, moment(tx)) if _starts(case, letter) else [],
            "replaced": None if seal_of(tx, case.row) else replacement(tx, case.row),
            "law": validity.of_case(tx, case),
            **frame(tx, actor),
        }
    if service.state != "served" or letter.state != "ready":
        return render("applicant/letter_closed.html", **context)
    body, trouble = read(letter)
    return render("applicant/letter.html", body=body, trouble=trouble, **context)


@blueprint.post("/my/letters/<int:letter_id>/sign")
@needs(Permission.LETTER_SIGN_FOR)
def sign_for(letter_id: int) -> ResponseReturnValue:
    """Opens and signs for a letter: it is served at this moment, and can then be read.

    First the file is looked for: what cannot be read is not served.
    """
    with reading() as tx:
        letter, service, actor, case = _addressed(tx, letter_id)
        view, law = _view(case, letter, service, agreed=has_agreed(tx, actor)), validity.of_case(tx, case)
        context = {"letter": view, "law": law, **frame(tx, actor)}
    check_may_file(actor)
    here = redirect(url_for("applicant.my_letter", letter_id=letter_id), 303)
    if service.state == "served":
        return here
    if letter.state == "ready":
        _text, trouble = read(letter)
        if trouble:
            text = _("%(trouble)s本次没有签收，期限没有起算。", trouble=trouble)
            return render("applicant/letter_closed.html", trouble=text, **context), 503

    def sign(tx: Session, now: datetime) -> None:
        delivery.sign_for(machine().kernel, tx, actor, letter_id, now)

    try:
        act(sign, _("签收文书"), case.id)
    except (NotAgreed, FileNotReady, ServedBeforeIssue, ServedInFuture) as error:
        return render("applicant/letter_closed.html", trouble=languages.said(error), **context), status_of(error)
    flash(_("已签收。今日即为送达日。"), "success")
    return here


def _addressed(tx: Session, letter_id: int) -> tuple[Letter, Service, Actor, LiveCase]:
    """A letter to the person's own organisation, its service, who he is, and the case; UnknownCase."""
    try:
        letter = documents.letter(tx, letter_id)
    except UnknownLetter as error:
        raise UnknownCase() from error
    service = delivery.addressed_to(letter, signed_in())
    return letter, service, admit(Subject(party_id=service.organisation_id)), case_of(tx, letter.case_id)


def _view(case: LiveCase, letter: Letter, service: Service, *, agreed: bool) -> LetterView:
    served = service.served_at
    ways = {
        "read": _("门户签收"),
        "post": _("邮寄"),
        "in person": _("直接送达"),
        "filing": _("提出申请或答复时视为收到"),
    }
    return LetterView(
        id=letter.id,
        title=letter.title,
        number=letter.number,
        issuer=issuer_of(case),
        issued=long_day(day_of(letter.issued_at)),
        state=letter.state,
        served=dates.to_the_second(served) if served else "",
        how=ways.get(service.how or "", ""),
        sha256=letter.sha256 or "",
        pdf_url=url_for("files.letter_pdf", letter_id=letter.id) if letter.pdf_key else None,
        code=documents.spoken(letter.verification_code),
        period=_starts(case, letter),
        agreed=agreed,
        may_sign=signed_in().may_file,
        case_url=url_for("applicant.my_case", case_id=case.id),
        case_title=f"{case.row.title} {case.row.number}",
    )


def _starts(case: LiveCase, letter: Letter) -> str:
    """The period that begins with the service of this letter: 提出异议（申请复核）：7 个工作日."""
    event = f"served({letter.name})"
    rules = [rule for rule in case.procedure.manifest.deadlines.values() if event in rule.after]
    return listed(_("%(title)s：%(length)s", title=rule.title, length=period_text(str(rule.length))) for rule in rules)
