"""Starting one case for each row of a list: the rows are written in the act, each case is started by a job of its own.

When no row is waiting, under way or failed any more, the case that started them receives the message `all_ended`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from portal import notify
from portal.cases import incidents
from portal.cases.act import ALL_ENDED, Act, rows_open
from portal.cases.conduct import conduct, found
from portal.cases.errors import (
    FormRefused,
    ItemNotFailed,
    NoReason,
    NotYourRole,
    StepFailed,
    UnknownCase,
)
from portal.cases.family import Message
from portal.cases.kernel import Kernel
from portal.cases.live import Cases, LiveCase
from portal.cases.models import StartItem
from portal.cases.starting import StartedBy, begin
from portal.cases.values import digest, plain
from portal.clock import day_of
from portal.db import locks
from portal.engine import EngineFault, Place
from portal.errors import PortalError
from portal.identity import Actor
from portal.identity import queries as identity
from portal.procedures import Procedure

START = "cases.start_item"
"""The job that starts the case of one row."""
BROKEN = "系统出错，没有启动，已记录供管理员处理。"
"""What a row says whose case could not be started for a reason that its people cannot mend."""
LONGEST_REASON = 500
SOME_FAILED = "逐个启动：有行没有启动成功"
"""The title of the message to those who decide about rows that failed."""


def start_each(act: Act, case: LiveCase, place: Place, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Writes one item for each context of `each` and defers a job for each; starts nothing itself."""
    rows = inputs["each"] if inputs["each"] is not None else []
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise StepFailed(reason="“each”的值不是逐行的列表。")
    published = act.family.kernel.releases.newest(act.tx, case.row.regulation)
    fields = _fields(published.procedure(inputs["procedure"]))
    same = {key: plain(value) for key, value in inputs.items() if key not in ("procedure", "each")}
    items = [
        {
            "starter_id": case.id,
            "scope": place.scope,
            "element": place.element,
            "visit": place.visit,
            "item": number,
            "procedure": inputs["procedure"],
            "values": {**same, **{key: plain(value) for key, value in row.items() if key in fields}},
            "state": "waiting",
            "tries": 0,
            "changed_at": act.moment,
        }
        for number, row in enumerate(rows, 1)
    ]
    if items:
        ids = act.tx.scalars(insert(StartItem).returning(StartItem.id, sort_by_parameter_order=True), items).all()
        act.family.kernel.queue.defer_all(act.tx, START, [{"item_id": item_id} for item_id in ids])
    rows_digest = digest([item["values"] for item in items])
    act.note(
        case, "items.begun", place.element, count=len(items), scope=place.scope, visit=place.visit, rows=rows_digest
    )
    _tell_if_over(act, case)
    return {"count": len(items)}


def _fields(procedure: Procedure) -> set[str]:
    return {field.name for field in procedure.start_form.fields} if procedure.start_form else set()


def start_item(kernel: Kernel, tx: Session, moment: datetime, job: str | None, item_id: int) -> None:
    """The job of one row: starts its case, or writes into the row, in its people's words, why it cannot be started.

    It does nothing when the row waits no more, as after an earlier run that was killed behind its commit.
    """
    item = _locked(tx, item_id)
    if item.state != "waiting":
        return
    try:
        with tx.begin_nested():
            found(kernel, tx, moment, "start_item", lambda act: _start(act, item), job=job)
    except (EngineFault, StepFailed):
        raise  # nothing that the people of the case could mend
    except PortalError as refusal:
        tx.expire_all()
        _failed(kernel, tx, _locked(tx, item_id), _said(refusal), moment)
    tx.flush()


def _locked(tx: Session, item_id: int) -> StartItem:
    item = tx.scalar(select(StartItem).where(StartItem.id == item_id).with_for_update())
    if item is None:
        raise UnknownCase()
    return item


def _start(act: Act, item: StartItem) -> None:
    starter = Cases(act.tx, act.family.kernel.releases).get(item.starter_id)
    place = Place(item.scope, item.element, item.visit)
    begun = begin(act, item.procedure, item.values, StartedBy(starter, place, item.item))
    item.state, item.case_id, item.changed_at = "started", begun.id, act.moment
    item.tries += 1


def _failed(kernel: Kernel, tx: Session, item: StartItem, fault: str, moment: datetime) -> None:
    """The row has failed; those who decide about it hear of it, by one message however many rows there are."""
    item.state, item.fault, item.changed_at = "failed", fault, moment
    item.tries += 1
    tx.flush()
    # Rows that fail at the same time wait for each other here, so that each message counts them all.
    locks.take(tx, f"{START}/{item.starter_id}")
    starter = Cases(tx, kernel.releases).get(item.starter_id)
    broken = select(func.count()).where(StartItem.starter_id == starter.id, StartItem.state == "failed")
    holders = identity.people_in_roles(tx, starter.row.regulation, deciders(starter), day_of(moment))
    where = f"{starter.row.title} {starter.row.number} 的“逐个启动的案件”"
    notify.keep_sent(
        kernel.post(tx), [person for _role, person in holders],
        case_id=starter.id, kind="task", at=moment, title=SOME_FAILED,
        body=f"有 {tx.scalar(broken)} 行没有启动成功，请到{where}处理。",
    )  # fmt: skip


def _said(refusal: PortalError) -> str:
    if isinstance(refusal, FormRefused):
        return "".join(error.text("zh").rstrip("。") + "。" for error in refusal.fields.values())
    return refusal.text("zh")


def give_up_item(kernel: Kernel, tx: Session, moment: datetime, job: str | None, reason: str, item_id: int) -> None:
    """What follows when a row's job has broken for good: the row fails in plain words, administrators learn why."""
    item = _locked(tx, item_id)
    if item.state == "waiting":
        _failed(kernel, tx, item, BROKEN, moment)
        again = incidents.Again(incidents.ROW, {"item_id": item.id})
        incidents.note(tx, f"逐行启动案件（第 {item.item} 行）", reason, moment, item.starter_id, again)


def item_ended(kernel: Kernel, tx: Session, moment: datetime, job: str | None, case_id: int) -> None:
    """The job at the end of a case that stands for a row: counts it under the starter's lock.

    It does nothing when another case stands for the row by now.
    """
    starter_id = tx.scalar(select(StartItem.starter_id).where(StartItem.case_id == case_id))
    if starter_id is None:
        return

    def verb(act: Act) -> None:
        mine = select(StartItem).where(StartItem.case_id == case_id, StartItem.state == "started")
        item = tx.scalar(mine.with_for_update())
        if item is None:
            return
        item.state, item.changed_at = "ended", moment
        _tell_if_over(act, act.family.cases.get(starter_id))

    conduct(kernel, tx, starter_id, moment, "item_ended", verb, job=job)


def stands_for(act: Act, replaced: LiveCase, begun: LiveCase) -> None:
    """Lets a new case take the place of another in its row, if it has one: the row is under way again."""
    mine = select(StartItem).where(StartItem.case_id == replaced.id)
    item = act.tx.scalar(mine.with_for_update())
    if item is not None:
        item.state, item.case_id, item.changed_at = "started", begun.id, act.moment


def _tell_if_over(act: Act, starter: LiveCase) -> None:
    """Sends `all_ended` once no row of the starter is waiting, under way or failed."""
    act.tx.flush()
    if not starter.ended and rows_open(act.tx, starter.id) == 0:
        act.send(Message(starter.id, ALL_ENDED, {}))


# What people do about rows that failed


def retry(kernel: Kernel, tx: Session, actor: Actor, item_id: int, moment: datetime) -> None:
    """Has a failed row tried again, by those who decide about it or an administrator; ItemNotFailed, NotYourRole."""

    def verb(act: Act) -> None:
        starter, item = _failed_item(act, item_id)
        if not actor.administrator:
            may_decide(starter, actor)
            act.done_for(_done_for(starter, actor))
        _again(act, [item])
        act.note(starter, "item.retried", item.element, item=item.item)

    conduct(kernel, tx, _starter_of(tx, item_id), moment, "retry_item", verb, actor)


def retry_all(kernel: Kernel, tx: Session, actor: Actor, starter_id: int, moment: datetime) -> int:
    """Has every failed row of a case tried again; how many there were."""

    def verb(act: Act) -> int:
        starter = act.family.cases.get(starter_id)
        may_decide(starter, actor)
        act.done_for(_done_for(starter, actor))
        failed = select(StartItem).where(StartItem.starter_id == starter_id, StartItem.state == "failed")
        items = act.tx.scalars(failed.order_by(StartItem.id).with_for_update()).all()
        if items:
            _again(act, items)
            act.note(starter, "items.retried", items[0].element, count=len(items))
        return len(items)

    return conduct(kernel, tx, starter_id, moment, "retry_items", verb, actor)


def _again(act: Act, items: Iterable[StartItem]) -> None:
    jobs = []
    for item in items:
        item.state, item.fault, item.changed_at = "waiting", None, act.moment
        jobs.append({"item_id": item.id})
    act.tx.flush()
    act.family.kernel.queue.defer_all(act.tx, START, jobs)


def drop(kernel: Kernel, tx: Session, actor: Actor, item_id: int, reason: str, moment: datetime) -> None:
    """Gives a failed row up, with a reason for the history; NoReason, ItemNotFailed, NotYourRole."""
    said = reason.strip()
    if not said or len(said) > LONGEST_REASON:
        raise NoReason(most=LONGEST_REASON)

    def verb(act: Act) -> None:
        starter, item = _failed_item(act, item_id)
        may_decide(starter, actor)
        act.done_for(_done_for(starter, actor))
        fault = item.fault
        item.state, item.fault, item.reason, item.changed_at = "dropped", None, said, act.moment
        act.note(starter, "item.dropped", item.element, item=item.item, reason=said, fault=fault)
        _tell_if_over(act, starter)

    conduct(kernel, tx, _starter_of(tx, item_id), moment, "drop_item", verb, actor)


def units_of(starter: LiveCase) -> dict[str, str]:
    """Of each procedure that a case may start, the key under which a row's values name the unit concerned."""
    rules = {
        slug: next((rule for rule in procedure.manifest.starts if starter.row.procedure in rule.cases), None)
        for slug, procedure in starter.published.procedures.items()
    }
    return {slug: rule.party.partition(".")[2] for slug, rule in rules.items() if rule is not None and rule.party}


def deciders(starter: LiveCase) -> list[str]:
    """The roles that start such cases, and so decide about rows that failed."""
    manifest = starter.procedure.manifest
    return [manifest.role(rule.role) for rule in manifest.starts if rule.role is not None]


def may_decide(starter: LiveCase, actor: Actor) -> None:
    """Raises NotYourRole unless a person holds the role that starts such cases."""
    roles = deciders(starter)
    if not actor.official or not any(actor.has(starter.row.regulation, role) for role in roles):
        raise NotYourRole(role="、".join(starter.published.regulation.role_title(role) for role in roles))


def _done_for(starter: LiveCase, actor: Actor) -> int | None:
    """For whom a deputy decides."""
    return actor.acts_for_one_of([(starter.row.regulation, role) for role in deciders(starter)])


def _starter_of(tx: Session, item_id: int) -> int:
    found_id = tx.scalar(select(StartItem.starter_id).where(StartItem.id == item_id))
    if found_id is None:
        raise UnknownCase()
    return found_id


def _failed_item(act: Act, item_id: int) -> tuple[LiveCase, StartItem]:
    item = _locked(act.tx, item_id)
    starter = act.family.cases.get(item.starter_id)
    if item.state != "failed":
        raise ItemNotFailed(item=item.item)
    return starter, item
