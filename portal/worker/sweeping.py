"""Sweeps what nobody uses any more: uploads that were never handed in, objects without a row, old sessions,
answers kept for programs.

It also counts anew the ends of cases whose count was lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from itertools import islice

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal import clock, identity
from portal.cases import files, tasks
from portal.cases.act import ITEM_ENDED
from portal.cases.drafts import messages as message_drafts
from portal.cases.drafts import tasks as task_drafts
from portal.cases.kernel import Kernel
from portal.cases.models import Attachment, Case, Filing, StartItem
from portal.documents.models import Letter, ServiceProof
from portal.edge import kept, rates
from portal.identity.models import Proof
from portal.worker.tools import Tools

AT_A_TIME = 500


def sweep(tools: Tools, job: str) -> None:
    """Removes uploads and objects that nobody uses and that are old enough (real time), and sessions that are over.

    For a row of a list that is under way although its case has ended, the job that counts the end is deferred anew.
    """
    before = clock.now() - tools.orphans_after
    with tools.database.transaction() as tx:
        identity.sweep(tx, clock.now())
        task_drafts.sweep(tx)
        message_drafts.sweep(tx)
        forget_uploads(tx, before)
        count_ends(tools.kernel, tx)
        kept.sweep(tx, clock.now() - tools.answers_kept)
        rates.sweep(tx, clock.now())
    remove_objects(tools, before)


def remove_objects(tools: Tools, before: datetime) -> None:
    """Removes the objects older than a moment to which no row points, unless a backup is under way: it may hold a row
    that has gone since. The next sweep finds them again."""
    with tools.database.transaction() as tx:
        if files.may_go(tx):
            for key in _orphans(tools, before):
                tools.store.delete(key)


def free_tasks(tools: Tools, job: str) -> None:
    """Gives the tasks of those who have left their roles back to the roles, each in a transaction of its own."""
    with tools.database.transaction() as tx:
        moment = tools.kernel.now(tx)
        left = tasks.left_behind(tx, moment)
    for task_id in left:
        tools.database.attempt(partial(_free, tools.kernel, task_id, moment))


def _free(kernel: Kernel, task_id: int, moment: datetime, tx: Session) -> None:
    tasks.free(kernel, tx, task_id, moment)


def forget_uploads(tx: Session, before: datetime) -> None:
    """Deletes the rows of uploads older than a moment that no case, draft or proof of service uses."""
    drafted = _in_drafts(tx)
    proofs = select(ServiceProof.attachment_id).where(ServiceProof.attachment_id.is_not(None))
    unused = select(Attachment.id).where(
        Attachment.case_id.is_(None), Attachment.uploaded_at < before, Attachment.id.not_in(proofs)
    )
    ids = [attachment for attachment in tx.scalars(unused) if attachment not in drafted]
    tx.execute(delete(Attachment).where(Attachment.id.in_(ids)))


def count_ends(kernel: Kernel, tx: Session) -> None:
    """Defers the count of every end that was not counted; one that is counted meanwhile is not counted twice."""
    ended = select(StartItem.case_id).join(Case, Case.id == StartItem.case_id).where(Case.ended_at.is_not(None))
    lost = tx.scalars(ended.where(StartItem.state == "started").order_by(StartItem.id)).all()
    if lost:
        kernel.queue.defer_all(tx, ITEM_ENDED, [{"case_id": case_id} for case_id in lost])


def _in_drafts(tx: Session) -> set[int]:
    """The uploads that a filing not handed in yet, or what is kept for a task, speaks of."""
    drafts = [*tx.scalars(select(Filing.answers).where(Filing.case_id.is_(None))), *task_drafts.all_answers(tx)]
    listed = (answer for answers in drafts for answer in answers.values() if isinstance(answer, list))
    return {int(item) for answer in listed for item in answer if str(item).isdecimal()}


def _orphans(tools: Tools, before: datetime) -> list[str]:
    """The keys of objects older than a moment to which no row points."""
    objects = tools.store.keys()
    old = (one.key for one in objects if one.since < before)
    return [key for keys in _portions(old) for key in _unknown(tools, keys)]


def _portions(keys: Iterator[str]) -> Iterator[tuple[str, ...]]:
    while portion := tuple(islice(keys, AT_A_TIME)):
        yield portion


def _unknown(tools: Tools, keys: tuple[str, ...]) -> set[str]:
    with tools.database.transaction() as tx:
        uploads = tx.scalars(select(Attachment.key).where(Attachment.key.in_(keys)))
        letters = tx.scalars(select(Letter.object_key).where(Letter.object_key.in_(keys)))
        pdfs = tx.scalars(select(Letter.pdf_key).where(Letter.pdf_key.in_(keys)))
        proofs = tx.scalars(select(Proof.key).where(Proof.key.in_(keys)))
        return set(keys) - set(uploads) - set(letters) - set(pdfs) - set(proofs)
