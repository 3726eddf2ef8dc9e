"""Issues letters, keeps what became of their files, and records their service (送达)."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import Session, object_session, selectinload

from portal.clock import TZ
from portal.documents.models import Letter, Service, ServiceProof, StruckProof
from portal.documents.numbers import draw_number
from portal.documents.rules import DocumentRule, check_service, earliest
from portal.errors import PortalError, Words
from portal.identity.queries import person_names

# Without the letters and digits that are taken for one another when typed from paper; 16 of them are 80 bits.
_CODE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_CODE_LENGTH = 16
FILING = "filing"
OWN_ACTS = ("read", FILING)
"""Ways in which the party itself proves service: nobody corrects them."""


class UnknownLetter(PortalError):
    """There is no such letter."""

    zh = "没有这份文书。"
    en = "There is no such letter."


class UnknownService(PortalError):
    """There is no such record of service."""

    zh = "没有这条送达记录。"
    en = "There is no such record of service."


class UnknownAddressee(PortalError):
    """The manifest names an addressee for whom nobody was given."""

    zh = "文书《{title}》的送达对象“{addressee}”没有确定。"
    en = "Nobody was named as “{addressee}”, to whom the letter “{title}” goes."


class AlreadyRendered(PortalError):
    """The letter has its file already; a letter's file never changes."""

    zh = "文书{number}已经生成，不能再次生成。"
    en = "The letter {number} has its file already."


class NothingFailed(PortalError):
    """Only a rendering that failed can be tried again."""

    zh = "文书{number}没有生成失败，不需要重新生成。"
    en = "The rendering of letter {number} has not failed."


class CopyIsNotServed(PortalError):
    """A copy (抄送) is sent for information; it has no service that could be proved."""

    zh = "抄送件不需要送达证明。"
    en = "A copy is not served, so there is nothing to prove."


class UnknownProof(PortalError):
    """There is no such proof of service."""

    zh = "没有这条送达证明。"
    en = "There is no such proof of service."


class AlreadyStruck(PortalError):
    """The proof was corrected or struck out before."""

    zh = "这条送达记录已于 {when} 由{who}{done}，不能再更正；您这次的更正没有提交。"
    en = "{who} has seen to this proof of service at {when}; it cannot be corrected again."


class AlreadyStruckFor(AlreadyStruck):
    """Somebody who stood in for another corrected the proof or struck it out before."""

    zh = "这条送达记录已于 {when} 由{who}（代 {principal}）{done}，不能再更正；您这次的更正没有提交。"
    en = "{who} (for {principal}) has seen to this proof of service at {when}; it cannot be corrected again."


class ReasonMissing(PortalError):
    """A correction of service gives its reason."""

    zh = "更正送达记录须说明理由。"
    en = "A correction of service needs a reason."


@dataclass(frozen=True)
class Addressee:
    """Whom a letter is served on or copied to; an organisation in the portal, or a name alone."""

    name: str
    organisation_id: int | None = None


@dataclass(frozen=True)
class Served:
    """What a proof or its correction did to a service: the moment that counts now, and before."""

    service: Service
    at: datetime | None
    before: datetime | None

    @property
    def first(self) -> bool:
        """Whether the letter was not proved to be served before."""
        return self.before is None and self.at is not None

    @property
    def changed(self) -> bool:
        """Whether deadlines that start with this service must be reckoned anew."""
        return self.at != self.before


def issue(
    tx: Session,
    *,
    case_id: int,
    act_id: int,
    release_id: int,
    rule: DocumentRule,
    template: str,
    element: str,
    scope: str,
    visit: int,
    addressees: Mapping[str, Addressee],
    data: Mapping[str, Any],
    moment: datetime,
    year: int,
) -> Letter:
    """Issue a letter: its number is drawn, its data are frozen, its services opened as “awaiting file”.

    `template` is the path in the release; `addressees` names everyone of `rule.serve` and `rule.copy`.
    To `data` (JSON) come `issued_at`, `number`, `title`, `copies`, `verification.code`, `documents.<name>`.
    """
    known = {key: _addressee(rule, key, addressees) for key in (*rule.serve, *rule.copy)}
    number = draw_number(tx, rule.number, year)
    code = "".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_LENGTH))
    own = {"number": number, "title": rule.title, "issued_at": moment.isoformat()}
    letter = Letter(
        case_id=case_id,
        act_id=act_id,
        name=rule.name,
        title=rule.title,
        number=number,
        element=element,
        scope=scope,
        visit=visit,
        issued_at=moment,
        data={
            **data,
            **own,
            "documents": {**data.get("documents", {}), rule.name: own},
            "copies": [{"name": known[key].name} for key in rule.copy],
            "verification": {"code": spoken(code)},
        },
        release_id=release_id,
        template=template,
        verification_code=code,
        services=[
            Service(
                kind=kind,
                state=state,
                addressee=key,
                name=known[key].name,
                organisation_id=known[key].organisation_id,
            )
            for kind, state, keys in (("party", "awaiting file", rule.serve), ("copy", "copy", rule.copy))
            for key in keys
        ],
    )
    tx.add(letter)
    tx.flush()
    return letter


def own_paths(document: str) -> frozenset[str]:
    """The paths that `issue` itself adds to a letter's data, and `render` the address: always there."""
    own = ("number", "title", "issued_at")
    shared = ("copies", "copies.name", "verification.code", "verification.url")
    return frozenset((*own, *shared, *(f"documents.{document}.{name}" for name in own)))


def spoken(code: str) -> str:
    """A verification code as it is printed: in groups of four."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def mark_ready(tx: Session, letter: Letter, *, object_key: str, sha256: str, size: int, moment: datetime) -> None:
    """The file is stored (size in bytes): those who wait for it may open the letter."""
    if letter.state == "ready":
        raise AlreadyRendered(number=letter.number)
    letter.state, letter.error = "ready", None
    letter.object_key, letter.sha256, letter.size, letter.rendered_at = object_key, sha256, size, moment
    for service in letter.services:
        if service.state == "awaiting file":
            service.state = "open"
    tx.flush()


def mark_pdf(tx: Session, letter: Letter, *, object_key: str, sha256: str, size: int) -> None:
    """The letter's PDF is stored too (size in bytes)."""
    if letter.state != "ready" or letter.pdf_key is not None:
        raise AlreadyRendered(number=letter.number)
    letter.pdf_key, letter.pdf_sha256, letter.pdf_size = object_key, sha256, size
    tx.flush()


def mark_failed(tx: Session, letter: Letter, error: str) -> None:
    """The file could not be made; the letter stays issued and unserved."""
    if letter.state == "ready":
        raise AlreadyRendered(number=letter.number)
    letter.state, letter.error = "failed", error
    tx.flush()


def retry(tx: Session, letter: Letter, *, release_id: int, template: str) -> None:
    """Have a failed letter rendered again, with the template of a release that is recorded."""
    if letter.state != "failed":
        raise NothingFailed(number=letter.number)
    letter.state, letter.error = "rendering", None
    letter.release_id, letter.template = release_id, template
    tx.flush()


def prove(
    tx: Session,
    service: Service,
    how: str,
    at: datetime,
    *,
    now: datetime,
    by: int | None,
    for_id: int | None = None,
    note: str = "",
    attachment_id: int | None = None,
) -> Served:
    """Enter a proof of service (read, post, in person) by a person, for another if he stands in; the earliest counts.

    Without a person (`by`) it is the addressee himself, who has no account. ServedInFuture, ServedBeforeIssue and
    FileNotReady refuse moments at which it cannot have happened.
    """
    if service.kind == "copy":
        raise CopyIsNotServed
    check_service(how, at, now=now, issued=service.letter.issued_at, ready=service.letter.rendered_at)
    service.proofs.append(
        ServiceProof(
            how=how,
            received_at=at,
            entered_by=by,
            entered_for=for_id,
            entered_at=now,
            note=note,
            attachment_id=attachment_id,
        )
    )
    return _settle(tx, service)


def prove_all_for(
    tx: Session, case_ids: Collection[int], organisation_id: int, at: datetime, *, by: int
) -> list[Served]:
    """Filing about a case as its addressee proves service of every letter of it.

    This holds before the file exists too: who answers a letter knows it. It is a proof beside a receipt entered
    before, for that may be struck out; only what the party itself has proved by then needs no further proof.
    """
    own = (ServiceProof.how.in_(OWN_ACTS), ServiceProof.received_at <= at, ~ServiceProof.struck.has())
    unproved = (
        select(Service)
        .join(Service.letter)
        .where(
            Letter.case_id.in_(case_ids),
            Letter.issued_at <= at,
            Service.organisation_id == organisation_id,
            Service.kind == "party",
            ~Service.proofs.any(and_(*own)),
        )
        .order_by(Service.id)
    )
    proved = []
    for service in tx.scalars(unproved).all():
        service.proofs.append(
            ServiceProof(how=FILING, received_at=at, entered_by=by, entered_at=at, note="", attachment_id=None)
        )
        proved.append(_settle(tx, service))
    return proved


def strike(
    tx: Session, proof: ServiceProof, *, reason: str, by: int, now: datetime, for_id: int | None = None
) -> Served:
    """Strike out a proof that was entered by mistake; the earliest of the others counts then, if any."""
    if not reason.strip():
        raise ReasonMissing
    check_stands(proof)
    proof.struck = StruckProof(reason=reason, entered_by=by, entered_for=for_id, entered_at=now)
    return _settle(tx, proof.service)


def check_stands(proof: ServiceProof) -> None:
    """Raises AlreadyStruck, with who was faster and when, if a proof no longer stands."""
    struck = proof.struck
    if struck is None:
        return
    # The receipt that takes its place is entered in the same act.
    tx = object_session(proof)
    assert tx is not None
    replaced = any(other.entered_at == struck.entered_at for other in proof.service.proofs)
    names = person_names(tx, {struck.entered_by, struck.entered_for or struck.entered_by})
    said = {
        "who": names.get(struck.entered_by, ""),
        "when": struck.entered_at.astimezone(TZ).strftime("%m-%d %H:%M"),
        "done": Words("更正", "corrected") if replaced else Words("作废", "struck out"),
        "case_id": proof.service.letter.case_id,
    }
    if struck.entered_for is None:
        raise AlreadyStruck(**said)
    raise AlreadyStruckFor(principal=names.get(struck.entered_for, ""), **said)


def letter(tx: Session, letter_id: int) -> Letter:
    """A letter by its id; UnknownLetter."""
    found = tx.get(Letter, letter_id)
    if found is None:
        raise UnknownLetter
    return found


_OF_CASE = select(Letter).where(Letter.case_id == bindparam("case")).order_by(Letter.issued_at, Letter.id)


def letters_of(tx: Session, case_id: int) -> list[Letter]:
    """The letters of a case in the order of their issue."""
    return list(tx.scalars(_OF_CASE, {"case": case_id}))


def letters_with_service(tx: Session, case_id: int) -> list[Letter]:
    """The same with all proofs of their service, read at once however many there are."""
    proofs = selectinload(Letter.services).selectinload(Service.proofs).selectinload(ServiceProof.struck)
    wanted = select(Letter).where(Letter.case_id == case_id).order_by(Letter.issued_at, Letter.id)
    return list(tx.scalars(wanted.options(proofs)))


def verification_codes(tx: Session, letter_ids: Collection[int]) -> dict[int, str]:
    """The codes by which letters are verified, by their ids."""
    wanted = select(Letter.id, Letter.verification_code).where(Letter.id.in_(letter_ids))
    return {letter_id: code for letter_id, code in tx.execute(wanted)} if letter_ids else {}


def by_verification_code(tx: Session, code: str) -> Letter | None:
    """The letter with this code, typed with or without dashes, blanks and capitals."""
    plain = "".join(sign for sign in code.upper() if sign in _CODE_LETTERS)
    return tx.scalar(select(Letter).where(Letter.verification_code == plain))


def service_record(tx: Session, service_id: int) -> Service:
    """A record of service by its id; UnknownService."""
    found = tx.get(Service, service_id)
    if found is None:
        raise UnknownService
    return found


def proof_record(tx: Session, proof_id: int) -> ServiceProof:
    """A proof of service by its id; UnknownProof."""
    found = tx.get(ServiceProof, proof_id)
    if found is None:
        raise UnknownProof
    return found


def _addressee(rule: DocumentRule, key: str, addressees: Mapping[str, Addressee]) -> Addressee:
    if key not in addressees:
        raise UnknownAddressee(title=rule.title, addressee=key)
    return addressees[key]


def _settle(tx: Session, service: Service) -> Served:
    """Bring the service in line with its proofs."""
    before = service.served_at
    counting = earliest(proof for proof in service.proofs if proof.struck is None)
    if counting is not None:
        service.state, service.how, service.served_at = "served", counting.how, counting.received_at
    else:
        service.state = "open" if service.letter.state == "ready" else "awaiting file"
        service.how = service.served_at = None
    tx.flush()
    return Served(service, service.served_at, before)
