"""What became of the rows for which a case started others: the list, trying again, giving up with a reason."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import inbox
from portal.cases import bulk
from portal.cases.errors import ItemNotFailed, NoReason, UnknownCase
from portal.cases.live import Cases, LiveCase
from portal.cases.models import Case, StartItem
from portal.edge.acting import act, reading
from portal.edge.machine import machine
from portal.identity import Actor, Permission, Subject
from portal.identity import queries as identity
from portal.inbox import ItemCounts, ItemCursor
from portal.web import validity
from portal.web.access import needs, permit
from portal.web.languages import said
from portal.web.official.blueprint import blueprint, frame, place_of
from portal.web.pages import render


@blueprint.get("/cases/<int:case_id>/items")
@needs(Permission.CASE_READ)
def items_page(case_id: int) -> ResponseReturnValue:
    """The rows of a case, those that failed first; asked for again by itself while some wait."""
    wanted = request.args.get("state")
    state = wanted if wanted in state_titles() else None
    after = ItemCursor.read(request.args.get("after"))
    with reading() as tx:
        case = _starter(tx, case_id)
        actor = permit(Subject(regulation=case.row.regulation))
        place_of(actor)
        counts = inbox.item_counts(tx, case_id)
        page = inbox.items_page(tx, case_id, bulk.units_of(case), state=state, after=after)
        return render(
            "official/items.html",
            case=case.row,
            counts=counts,
            titles=state_titles(),
            tabs=_tabs(case_id, counts, state),
            rows=page.rows,
            decides=_decides(case, actor),
            here=_address(case_id, state, after),
            later=_address(case_id, state, page.following) if page.following else None,
            earlier=_address(case_id, state, None) if after else None,
            law=validity.of_case(tx, case),
            **frame(tx, actor, "/cases"),
        )


@blueprint.post("/cases/<int:case_id>/items/retry")
@needs(Permission.TASK_COMPLETE)
def retry_all(case_id: int) -> ResponseReturnValue:
    """Has every row that failed tried again."""
    with reading() as tx:
        actor = _decider(_starter(tx, case_id))
    tried = act(lambda tx, now: bulk.retry_all(machine().kernel, tx, actor, case_id, now), _("逐行重试"), case_id)
    flash(_("正在重试 %(n)s 行。", n=tried) if tried else _("没有需要重试的行。"), "success")
    return redirect(f"/cases/{case_id}/items")


@blueprint.post("/items/<int:item_id>/retry")
@needs(Permission.TASK_COMPLETE)
def retry_item(item_id: int) -> ResponseReturnValue:
    """Has one row that failed tried again."""
    with reading() as tx:
        item, case = _item(tx, item_id)
        actor = _decider(case)
    act(lambda tx, now: bulk.retry(machine().kernel, tx, actor, item_id, now), _("重试一行"), case.id)
    flash(_("正在重试第 %(n)s 行。", n=item.item), "success")
    return redirect(f"/cases/{case.id}/items")


@blueprint.get("/items/<int:item_id>/drop")
@needs(Permission.TASK_COMPLETE)
def drop_page(item_id: int) -> ResponseReturnValue:
    """The form for the reason."""
    return _drop_page(item_id, "", {})


@blueprint.post("/items/<int:item_id>/drop")
@needs(Permission.TASK_COMPLETE)
def drop_item(item_id: int) -> ResponseReturnValue:
    """Gives one row that failed up, with the reason that was typed."""
    reason = request.form.get("reason", "")
    with reading() as tx:
        item, case = _item(tx, item_id)
        actor = _decider(case)
    try:
        act(lambda tx, now: bulk.drop(machine().kernel, tx, actor, item_id, reason, now), _("不再启动一行"), case.id)
    except NoReason as refusal:
        return _drop_page(item_id, reason, {"reason": said(refusal)}), 422
    flash(_("第 %(n)s 行不再启动，理由已记入案件经过。", n=item.item), "success")
    return redirect(f"/cases/{case.id}/items")


def _drop_page(item_id: int, reason: str, errors: dict[str, str]) -> str:
    with reading() as tx:
        item, case = _item(tx, item_id)
        actor = _decider(case)
        if item.state != "failed":
            raise ItemNotFailed(item=item.item, case_id=case.id)
        code = str(item.values.get(bulk.units_of(case).get(item.procedure, ""), ""))
        name = identity.organisation_names(tx, [code]).get(code)
        return render(
            "official/item_drop.html",
            item=item,
            unit=f"{name}（{code}）" if name else code,
            case=case.row,
            reason=reason,
            errors=errors,
            most=bulk.LONGEST_REASON,
            **frame(tx, actor, "/cases"),
        )


def _starter(tx: Session, case_id: int) -> LiveCase:
    if tx.get(Case, case_id) is None:
        raise UnknownCase
    return Cases(tx, machine().kernel.releases).get(case_id)


def _item(tx: Session, item_id: int) -> tuple[StartItem, LiveCase]:
    item = tx.get(StartItem, item_id)
    if item is None:
        raise UnknownCase
    return item, _starter(tx, item.starter_id)


def _decider(case: LiveCase) -> Actor:
    """The person, when he holds a role that decides about the rows of a case."""
    return permit(Subject(regulation=case.row.regulation, roles=frozenset(bulk.deciders(case))))


def _decides(case: LiveCase, actor: Actor) -> bool:
    return any(actor.has(case.row.regulation, role) for role in bulk.deciders(case))


def state_titles() -> dict[str, str]:
    """Every state of a row, as people call it, in the order in which they are shown."""
    return {
        "failed": _("启动失败"),
        "waiting": _("等待启动"),
        "started": _("办理中"),
        "ended": _("已办结"),
        "dropped": _("不再启动"),
    }


def _tabs(case_id: int, counts: ItemCounts, on: str | None) -> list[dict[str, object]]:
    every: list[tuple[str | None, str, int]] = [(None, _("全部"), counts.all)]
    every += [(state, title, getattr(counts, state)) for state, title in state_titles().items()]
    return [
        {"text": text, "url": _address(case_id, state, None), "on": state == on, "count": number}
        for state, text, number in every
    ]


def _address(case_id: int, state: str | None, after: ItemCursor | None) -> str:
    asked = urlencode({key: str(value) for key, value in (("state", state), ("after", after)) if value})
    return f"/cases/{case_id}/items" + (f"?{asked}" if asked else "")
