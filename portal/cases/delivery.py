"""Letters of a case on their way: the file is ready or failed, and service (送达) is proved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal import audit, identity
from portal.cases import archiving, desk, telling
from portal.cases.act import Act
from portal.cases.conduct import conduct
from portal.cases.errors import AlreadyEntered, EarlierNeedsReason, NotAgreed, NotYourRole, UnknownCase
from portal.cases.family import Message
from portal.cases.filers import FILER, is_public
from portal.cases.kernel import Kernel
from portal.cases.live import LiveCase
from portal.cases.renewing import REPLACED
from portal.cases.rights import check_may_file
from portal.clock import TZ
from portal.deadlines import service as deadlines
from portal.deadlines.changes import Change
from portal.documents import service as documents
from portal.documents.models import Letter, Service
from portal.documents.rules import UnknownWayOfService
from portal.documents.service import Served
from portal.identity import Actor

SERVED = "served"
RENDER = "letters.render"
"""The job that makes a letter's file."""
PDF = "letters.pdf"
"""The job that makes a PDF of it, where LibreOffice is installed."""
RECEIPTS = ("post", "in person")
"""Ways of service whose receipt a clerk enters; reading in the portal proves itself."""


@dataclass(frozen=True)
class StoredFile:
    """A rendered letter as it lies in the object store; size in bytes."""

    key: str
    sha256: str
    size: int


def rendered(
    kernel: Kernel,
    tx: Session,
    letter_id: int,
    file: StoredFile,
    moment: datetime,
    job: str | None = None,
    *,
    pdf: bool = False,
) -> None:
    """The file of a letter is stored: its addressees may open it; `pdf` has a PDF made of it as well."""
    letter = documents.letter(tx, letter_id)

    def verb(act: Act) -> None:
        under_lock = documents.letter(tx, letter_id)
        documents.mark_ready(tx, under_lock, object_key=file.key, sha256=file.sha256, size=file.size, moment=moment)
        case = act.family.cases.get(under_lock.case_id)
        act.note(case, "letter.rendered", letter=letter_id, number=under_lock.number, sha256=file.sha256)
        telling.letter_waits(act.post, case, under_lock, moment)
        if pdf:
            kernel.queue.defer(tx, PDF, letter_id=letter_id)
        archiving.resume(act, case)

    conduct(kernel, tx, letter.case_id, moment, "render", verb, job=job)


def pdf_made(
    kernel: Kernel, tx: Session, letter_id: int, file: StoredFile, moment: datetime, job: str | None = None
) -> None:
    """The PDF of a letter is stored beside its file."""
    letter = documents.letter(tx, letter_id)

    def verb(act: Act) -> None:
        under_lock = documents.letter(tx, letter_id)
        documents.mark_pdf(tx, under_lock, object_key=file.key, sha256=file.sha256, size=file.size)
        case = act.family.cases.get(under_lock.case_id)
        act.note(case, "letter.pdf", letter=letter_id, number=under_lock.number, sha256=file.sha256)

    conduct(kernel, tx, letter.case_id, moment, "pdf", verb, job=job)


def failed(kernel: Kernel, tx: Session, letter_id: int, reason: str, moment: datetime, job: str | None = None) -> None:
    """The file of a letter could not be made; the letter stays issued and unserved."""
    letter = documents.letter(tx, letter_id)

    def verb(act: Act) -> None:
        under_lock = documents.letter(tx, letter_id)
        documents.mark_failed(tx, under_lock, reason)
        case = act.family.cases.get(under_lock.case_id)
        act.note(case, "letter.failed", letter=letter_id, number=under_lock.number, reason=reason)

    conduct(kernel, tx, letter.case_id, moment, "render", verb, job=job)


def render_again(kernel: Kernel, tx: Session, actor: Actor, letter_id: int, moment: datetime) -> None:
    """Has a letter whose rendering failed made again, with the newest release's template, which is recorded.

    By those who enter its receipts, or an administrator.
    """
    letter = documents.letter(tx, letter_id)

    def verb(act: Act) -> None:
        under_lock = documents.letter(tx, letter_id)
        case = act.family.cases.get(under_lock.case_id)
        if not actor.administrator:
            may_enter_receipt(case, under_lock, actor)
            act.done_for(entered_for(case, under_lock, actor))
        newest = kernel.releases.newest(tx, case.row.regulation)
        template = newest.procedure(case.row.procedure).template_files[under_lock.name]
        documents.retry(tx, under_lock, release_id=newest.id, template=template)
        act.note(case, "letter.retried", letter=letter_id, number=under_lock.number, release=newest.id)
        kernel.queue.defer(tx, RENDER, letter_id=letter_id)

    conduct(kernel, tx, letter.case_id, moment, "render_again", verb, actor)


def sign_for(kernel: Kernel, tx: Session, actor: Actor, letter_id: int, moment: datetime) -> None:
    """The addressee opens and signs for a letter in the portal (打开并签收): served at this moment."""
    letter = documents.letter(tx, letter_id)

    def verb(act: Act) -> None:
        service = addressed_to(documents.letter(tx, letter_id), actor)
        check_may_file(actor)
        if service.state == "served":
            return
        party = identity.organisation(tx, actor.organisation_id) if actor.organisation_id else None
        if party is None or not party.electronic_service:
            raise NotAgreed()
        proved(act, documents.prove(tx, service, "read", moment, now=moment, by=actor.person_id))

    conduct(kernel, tx, letter.case_id, moment, "sign_for", verb, actor)


def sign_by_code(kernel: Kernel, tx: Session, case_id: int, letter_id: int, moment: datetime) -> None:
    """Whoever filed a case in public opens and signs for its letter by number and query code: served at this moment.

    The caller has compared both. UnknownCase for a letter that is not his.
    """

    def verb(act: Act) -> None:
        service = addressed_to_filer(act.family.cases.get(case_id), documents.letter(tx, letter_id))
        if service.state != "served":
            proved(act, documents.prove(tx, service, "read", moment, now=moment, by=None))

    conduct(kernel, tx, case_id, moment, "sign_for", verb)


def addressed_to_filer(case: LiveCase, letter: Letter) -> Service:
    """The service record of whoever filed a case in public; UnknownCase when the letter is not for him."""
    for service in letter.services:
        if is_public(case.row) and letter.case_id == case.id and service.addressee == FILER:
            return service
    raise UnknownCase()


def enter_receipt(
    kernel: Kernel,
    tx: Session,
    actor: Actor,
    service_id: int,
    how: str,
    at: datetime,
    note: str,
    moment: datetime,
) -> None:
    """A clerk enters the receipt of post or personal delivery; the earliest proof counts.

    The note gives the reason when an earlier service is entered than the one on record.
    Raises ServedInFuture, ServedBeforeIssue, FileNotReady, NotYourRole, AlreadyEntered, EarlierNeedsReason.
    """
    letter = documents.service_record(tx, service_id).letter
    if how not in RECEIPTS:
        raise UnknownWayOfService(how=how)

    def verb(act: Act) -> None:
        service = documents.service_record(tx, service_id)
        case = act.family.cases.get(service.letter.case_id)
        may_enter_receipt(case, service.letter, actor)
        act.done_for(entered_for(case, service.letter, actor))
        _check_new(service, how, at, note)
        by = actor.person_id
        served = documents.prove(tx, service, how, at, now=moment, by=by, for_id=act.for_id, note=note)
        received = at.astimezone(TZ).isoformat()
        act.note(case, "receipt.entered", letter=service.letter.id, number=service.letter.number, how=how, at=received)
        proved(act, served, note=note)

    conduct(kernel, tx, letter.case_id, moment, "receipt", verb, actor)


def _check_new(service: Service, how: str, at: datetime, note: str) -> None:
    """Raises AlreadyEntered or EarlierNeedsReason where the proofs on record stand against a receipt."""
    if any(proof.struck is None and (proof.how, proof.received_at) == (how, at) for proof in service.proofs):
        raise AlreadyEntered()
    # A service that was struck out has been on record too: one before it is entered no more lightly.
    struck = (proof.received_at for proof in service.proofs if proof.struck is not None)
    recorded = service.served_at or max(struck, default=None)
    if recorded is not None and at < recorded and not note.strip():
        raise EarlierNeedsReason()


def may_enter_receipt(case: LiveCase, letter: Letter, actor: Actor) -> None:
    """Raises NotYourRole unless the manifest lets this person enter receipts of the letter."""
    role = case.procedure.manifest.receipts.get(letter.name)
    if role is None or not actor.has(case.row.regulation, case.procedure.manifest.role(role)):
        title = case.published.regulation.role_title(role) if role else ""
        raise NotYourRole(role=title)


def entered_for(case: LiveCase, letter: Letter, actor: Actor) -> int | None:
    """For whom a deputy enters receipts of a letter."""
    role = case.procedure.manifest.receipts.get(letter.name)
    return actor.acts_for(case.row.regulation, case.procedure.manifest.role(role)) if role else None


def addressed_to(letter: Letter, actor: Actor) -> Service:
    """The service record of the person's organisation; UnknownCase when the letter is not for it."""
    for service in letter.services:
        own = service.organisation_id is not None and service.organisation_id == actor.organisation_id
        if own and service.kind == "party":
            return service
    raise UnknownCase()


def prove_by_acting(act: Act, case: LiveCase, actor: Actor) -> None:
    """Filing about a case, or doing a task of it, as its addressee proves service of its letters not proved by then."""
    if actor.organisation_id is None:
        return
    proofs = documents.prove_all_for(act.tx, [case.id], actor.organisation_id, act.moment, by=actor.person_id)
    for served in proofs:
        proved(act, served)


def proved(act: Act, served: Served, reason: str | None = None, note: str = "") -> None:
    """What follows when a service was proved or, with a reason, corrected: deadlines run, move or are dropped.

    The case that waits for the service goes on. What has fired already stays: then a correction is a matter for
    the desk. A letter whose every proof was struck out is unserved, and nothing becomes final by it.
    `note` is what the clerk remarked on a new receipt.
    """
    if not served.changed:
        return
    letter = served.service.letter
    case = act.family.cases.get(letter.case_id)
    _tell(act, case, served)
    changes = _reckon(act, case, served)
    act.note_changes(case, changes)
    desk.service_changed(act, case, served, changes, reason, note)
    if act.actor is None or act.actor.official:
        telling.service_changed(act.post, case, served, changes, act.moment)
    if served.first and _counts(case, letter):
        act.send(Message(case.id, SERVED, {}, document=letter.name))
    elif not case.ended:
        # Opened, so that its timers are projected anew and fire if they are over now.
        act.family.position(case)


def _counts(case: LiveCase, letter: Letter) -> bool:
    """Whether the first service of a letter does anything: once another of its name is issued, only that one's does."""
    newest = case.letters.get(letter.name)
    return newest is None or newest.id == letter.id


def _tell(act: Act, case: LiveCase, served: Served) -> None:
    letter = served.service.letter
    said: dict[str, object] = {"letter": letter.id, "number": letter.number, "title": letter.title}
    if served.at is None:
        act.note(case, "letter.unserved", **said)
    else:
        if served.before is not None:
            said["before"] = served.before.astimezone(TZ).isoformat()
        act.note(case, "letter.served", **said, how=served.service.how, at=served.at.astimezone(TZ).isoformat())


def _reckon(act: Act, case: LiveCase, served: Served) -> list[Change]:
    """Brings the case's deadlines in line with a service."""
    event = f"served({served.service.letter.name})"
    every = case.procedure.manifest.deadlines.values()
    rules = [rule for rule in every if event in rule.after or event in rule.met]
    if served.at is not None:
        rules = [rule for rule in rules if event not in rule.after or _may_run(act, case, served, rule.name)]
    if not rules or _is_of_a_newer(case, served):
        return []
    if served.at is None:
        return deadlines.take_back(act.tx, case.id, rules, event, served.before, act.moment) if served.before else []
    if served.before is not None:
        return deadlines.move_start(act.tx, case.id, rules, event, served.before, served.at, act.family.calendar)
    if not _counts(case, served.service.letter):
        return []
    struck = any(proof.struck is not None for proof in served.service.proofs)
    begin = deadlines.happened_again if struck else deadlines.happened
    return begin(act.tx, case.id, rules, event, served.at, act.family.calendar)


def _is_of_a_newer(case: LiveCase, served: Served) -> bool:
    """Whether what runs from the corrected moment, or was met at it, is of a newer letter that was served just then."""
    letter = served.service.letter
    newer = [one for one in case.letters_issued if one.name == letter.name and one.id > letter.id]
    return served.before is not None and any(
        service.served_at == served.before for one in newer for service in one.services
    )


def _may_run(act: Act, case: LiveCase, served: Served, name: str) -> bool:
    """Whether a deadline may run from a service: in a case that has ended, none that was dropped with its end."""
    if case.row.outcome == REPLACED:
        return False
    newest = case.deadlines.get(name)
    if not (case.ended and served.first) or newest is None or newest.state != "dropped":
        return True
    return _taken_back(act, case, name)


def _taken_back(act: Act, case: LiveCase, name: str) -> bool:
    """Whether a deadline was dropped last because its service was struck out after the case had ended."""
    unserved, back = None, False
    for entry in audit.entries(act.tx, case.id):
        if entry.kind == "letter.unserved":
            unserved = entry.act_id
        elif entry.kind == "case.ended":
            back = False
        elif entry.kind == "deadline.dropped" and entry.details["deadline"] == name:
            back = entry.act_id == unserved
    return back
