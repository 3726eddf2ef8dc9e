"""The filters that an official has given a name: saved, renamed, deleted; his own alone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.errors import PortalError
from portal.identity.models import Person
from portal.inbox.models import SavedFilter

MOST = 20
LONGEST = 20
"""Characters of a name."""


class FilterName(PortalError):
    """A name that is none, or too long."""

    zh = "请给筛选起一个名称，1 至 {most} 个字。"
    en = "Give the filter a name of 1 to {most} characters."


class FilterNameTaken(PortalError):
    """Another filter of the same person has the name."""

    zh = "已有名为“{name}”的筛选，请换一个名称；不再需要原来那个的，可以先删除。"
    en = "You have a filter named “{name}” already. Choose another name, or delete that one first."


class TooManyFilters(PortalError):
    """A person has as many filters as he may."""

    zh = "最多保存 {most} 个筛选，请先删除不再需要的。"
    en = "You may save {most} filters at most. Delete one that you no longer need."


class UnknownFilter(PortalError):
    """There is no such filter, or it is somebody else's."""

    zh = "找不到这个筛选，可能已经删除。"
    en = "There is no such filter; it may have been deleted."


def of_person(tx: Session, person_id: int) -> list[SavedFilter]:
    """A person's filters, the first saved first."""
    mine = select(SavedFilter).where(SavedFilter.person_id == person_id).order_by(SavedFilter.id)
    return list(tx.scalars(mine.limit(MOST)))


def save(tx: Session, person_id: int, name: str, query: str, moment: datetime) -> None:
    """Gives a filter a name; FilterName, FilterNameTaken or TooManyFilters."""
    accepted = _accepted(name)
    # One after the other, so that two windows together do not save one too many.
    tx.execute(select(Person.id).where(Person.id == person_id).with_for_update(key_share=True))
    if (tx.scalar(select(func.count()).where(SavedFilter.person_id == person_id)) or 0) >= MOST:
        raise TooManyFilters(most=MOST)
    new = insert(SavedFilter).values(person_id=person_id, name=accepted, query=query, saved_at=moment)
    added = tx.scalar(new.on_conflict_do_nothing().returning(SavedFilter.id))
    if added is None:
        raise FilterNameTaken(name=accepted)


def rename(tx: Session, person_id: int, filter_id: int, name: str) -> None:
    """Gives a filter another name; UnknownFilter, FilterName or FilterNameTaken."""
    accepted = _accepted(name)
    tx.execute(select(Person.id).where(Person.id == person_id).with_for_update(key_share=True))
    mine = {one.id: one for one in of_person(tx, person_id)}
    if filter_id not in mine:
        raise UnknownFilter()
    if any(one.name == accepted and one.id != filter_id for one in mine.values()):
        raise FilterNameTaken(name=accepted)
    mine[filter_id].name = accepted


def remove(tx: Session, person_id: int, filter_id: int) -> str | None:
    """Deletes a filter; its name, None when it is gone already."""
    mine = (SavedFilter.id == filter_id, SavedFilter.person_id == person_id)
    return tx.scalar(delete(SavedFilter).where(*mine).returning(SavedFilter.name))


def _accepted(name: str) -> str:
    plain = " ".join(name.split())
    if not 1 <= len(plain) <= LONGEST or not plain.isprintable():
        raise FilterName(most=LONGEST)
    return plain
