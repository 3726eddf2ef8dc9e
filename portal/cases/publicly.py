"""Filing in public: without an account, under a real name, about a case while it is shown to everybody."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases import attachments, publishing
from portal.cases.act import Act
from portal.cases.conduct import OLDEST, conduct
from portal.cases.errors import MayNotStart, RequestTooOld, UnknownCase
from portal.cases.filers import is_public
from portal.cases.kernel import Kernel
from portal.cases.live import Cases, LiveCase
from portal.cases.models import ActRecord, Case, Publication
from portal.cases.names import scope_before
from portal.cases.starting import checked, start
from portal.db import locks
from portal.procedures import Procedure, Published
from portal.procedures.publicity import Showing


class TooMuch(attachments.FileTooLarge):
    """More than may come with one filing in public."""

    zh = "材料合计不能超过 {most} MB，“{name}”没有上传。请压缩后重新选择，或者只交最要紧的；所填内容都已保留。"
    en = "All files together may have {most} MB: “{name}” was not uploaded. Compress it; what you typed was kept."


@dataclass(frozen=True)
class PublicOffer:
    """What anybody may file about what a case shows now."""

    published: Published
    procedure: Procedure
    about: LiveCase
    publication: Publication


def published_as(tx: Session, publication_id: int) -> Publication:
    """A publication by its id; UnknownCase."""
    found = tx.get(Publication, publication_id)
    if found is None:
        raise UnknownCase()
    return found


def offer(kernel: Kernel, tx: Session, publication_id: int, moment: datetime) -> PublicOffer:
    """What may be filed during a publication; UnknownCase, MayNotStart, PublicityOver or NotPublished when nothing."""
    publication = published_as(tx, publication_id)
    about = Cases(tx, kernel.releases).get(publication.case_id)
    rule = about.procedure.manifest.publicity.get(publication.name)
    if rule is None or rule.objections is None:
        raise MayNotStart(procedure=publication.title)
    published = kernel.releases.newest(tx, about.row.regulation)
    procedure = published.procedure(rule.objections)
    said = procedure.manifest.about
    if procedure.manifest.in_public is None or said is None or said.procedure != about.row.procedure:
        raise MayNotStart(procedure=procedure.manifest.title)
    newest = publishing.newest(tx, about.id, publication.name)
    if newest is not None and newest.id != publication.id:
        raise publishing.over(publication)
    publishing.check_open(tx, about, publication.name, moment)
    return PublicOffer(published, procedure, about, publication)


def file(
    kernel: Kernel, tx: Session, publication_id: int, answers: Mapping[str, object], moment: datetime, once: str
) -> Case:
    """Files a case about what is shown, in nobody's account; raises what `offer` raises, FormRefused, RequestTooOld,
    NotYourFile, TooMany, TooMuch.

    `once` is the random text of the form: posted again it is the case that it opened before, and the files that came
    with it are those that the answers may name.
    """
    job = f"public:{bundle_of(once)}"
    # Two that post the same form at the same time wait for each other here.
    locks.take(tx, job)
    before = filed(tx, once)
    if before is not None:
        return before
    about_id = offer(kernel, tx, publication_id, moment).about.id

    def verb(act: Act) -> Case:
        if kernel.now(tx) - moment > OLDEST:
            raise RequestTooOld()
        offered = offer(kernel, tx, publication_id, moment)
        about = act.family.cases.get(about_id)
        procedure, published = offered.procedure, offered.published
        values = checked(procedure, answers, scope_before(tx, published.regulation, about))
        case = start(act, published, procedure, values, party=None, about=about, filed=True)
        if procedure.start_form is not None:
            attachments.bind_bundle(tx, case, procedure.drawing.start().form or "", values, bundle_of(once))
        return case.row

    row = conduct(kernel, tx, about_id, moment, "file", verb, job=job)
    if row is None:
        raise RuntimeError("what was filed before was looked for under the lock")
    return row


def filed(tx: Session, once: str) -> Case | None:
    """The case that the form with this random text has opened, if it was filed before."""
    record = tx.scalar(select(ActRecord).where(ActRecord.job == f"public:{bundle_of(once)}"))
    if record is None:
        return None
    opened = select(Case).where(Case.root_id == record.root_id, Case.filed_at == record.moment)
    cases = [row for row in tx.scalars(opened.order_by(Case.id)) if is_public(row)]
    return cases[0] if cases else None


@dataclass(frozen=True)
class Shared:
    """What the party of a case may read of something that was filed about it in public: never who filed it."""

    row: Case
    lines: tuple[tuple[str, str], ...]


def shared_with(case: LiveCase) -> list[Shared]:
    """What was filed about a case in public, newest first."""
    return [
        Shared(one.row, tuple((label, text) for _path, label, text in publishing.shown(one, "", _shared(one))))
        for one in case.answers
        if is_public(one.row)
    ]


def _shared(case: LiveCase) -> tuple[Showing, ...]:
    return tuple(Showing(path) for path in case.procedure.manifest.shares)


def bundle_of(once: str) -> str:
    """How the random text of a form is stored: nobody who reads the tables can use it."""
    return hashlib.sha256(once.encode()).hexdigest()
