"""What an official has put into the form of a task but not handed in: his alone, and gone with the task.

Nobody who takes the task over reads it: half a sentence is no opinion; what somebody chose to hand in is in the file.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.cases.drafts.answers import Answers, replace
from portal.cases.models import Task, TaskDraft


def kept(tx: Session, person_id: int, task_id: int) -> TaskDraft | None:
    """What a person has kept for a task."""
    return tx.get(TaskDraft, (task_id, person_id))


def keep(tx: Session, person_id: int, task_id: int, answers: Answers, moment: datetime, seen: str) -> TaskDraft:
    """Keeps answers in the place of those whose `mark` is `seen`; raises what `replace` raises."""
    row = {"task_id": task_id, "person_id": person_id, "answers": {}, "saved_at": moment}
    # Of two first savings at once the second waits here for the first.
    tx.execute(insert(TaskDraft).values(row).on_conflict_do_nothing())
    mine = select(TaskDraft).where(TaskDraft.task_id == task_id, TaskDraft.person_id == person_id).with_for_update()
    draft = tx.scalars(mine.execution_options(populate_existing=True)).one()
    replace(draft, answers, moment, seen)
    tx.flush()
    return draft


_DISCARD = delete(TaskDraft).where(TaskDraft.task_id == bindparam("task"), TaskDraft.person_id == bindparam("person"))


def discard(tx: Session, person_id: int, task_id: int) -> None:
    """Forgets what a person has kept for a task."""
    tx.execute(_DISCARD, {"task": task_id, "person": person_id}, execution_options={"synchronize_session": False})


def sweep(tx: Session) -> None:
    """Forgets what was kept for tasks that are done or gone."""
    tx.execute(delete(TaskDraft).where(TaskDraft.task_id.in_(select(Task.id).where(Task.state != "open"))))


def all_answers(tx: Session) -> Collection[dict[str, list[str]]]:
    """The answers of all that is kept, for whoever asks which uploads are still spoken of."""
    return tx.scalars(select(TaskDraft.answers)).all()
