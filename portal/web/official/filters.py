"""An official's saved filters: giving the present one a name, renaming, deleting."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import inbox
from portal.edge.acting import act, moment, reading
from portal.edge.standing import calendar_in_force
from portal.errors import PortalError
from portal.identity import Permission
from portal.identity.queries import person_names
from portal.inbox import saved
from portal.inbox.models import SavedFilter
from portal.web.access import needs, permit, signed_in
from portal.web.languages import said
from portal.web.official.blueprint import beside, blueprint, count_text, frame, of_place, place_of, side, view_title
from portal.web.official.narrowing import Chosen, Narrowed, chosen
from portal.web.pages import render

PATH = "/inbox/filters"


@dataclass(frozen=True)
class SavedView:
    """One saved filter: what it shows in words, and how many tasks."""

    row: SavedFilter
    view: str
    conditions: list[Chosen]
    count: str


@dataclass(frozen=True)
class Typed:
    """A name that was typed and not accepted: for a filter that is there, or for the present one."""

    name: str
    error: str
    filter_id: int | None = None


@blueprint.get("/inbox/filters")
@needs(Permission.TASK_LIST)
def filters_page() -> ResponseReturnValue:
    """The saved filters; with a filter in the address, it can be given a name."""
    permit()
    return _page(request.query_string.decode("utf-8", "replace"), None)


@blueprint.post("/inbox/filters")
@needs(Permission.TASK_LIST)
def save_filter() -> ResponseReturnValue:
    """Gives the filter that the form holds a name."""
    actor = permit()
    place, name, query = place_of(actor), request.form.get("name", ""), request.form.get("query", "")
    with reading() as tx:
        asked = Narrowed.parse(query, of_place(tx, place))
    if not asked.may_be_saved:
        flash(_("没有可以保存的筛选，请先选择条件。"), "warning")
        return redirect("/inbox")
    try:
        act(lambda tx, now: saved.save(tx, actor.person_id, name, asked.query, now), _("保存筛选"))
    except (saved.FilterName, saved.FilterNameTaken, saved.TooManyFilters) as refusal:
        return _page(query, Typed(name, said(refusal))), _status(refusal)
    flash(_("已保存为“%(name)s”，在左侧“常用视图”中随时打开。", name=" ".join(name.split())), "success")
    return redirect(asked.address)


@blueprint.post("/inbox/filters/<int:filter_id>")
@needs(Permission.TASK_LIST)
def rename_filter(filter_id: int) -> ResponseReturnValue:
    """Gives a saved filter another name."""
    actor, name = permit(), request.form.get("name", "")
    place_of(actor)
    try:
        act(lambda tx, _now: saved.rename(tx, actor.person_id, filter_id, name), _("修改筛选的名称"))
    except (saved.FilterName, saved.FilterNameTaken) as refusal:
        return _page("", Typed(name, said(refusal), filter_id)), _status(refusal)
    flash(_("已改名为“%(name)s”。", name=" ".join(name.split())), "success")
    return redirect(PATH)


@blueprint.post("/inbox/filters/<int:filter_id>/delete")
@needs(Permission.TASK_LIST)
def delete_filter(filter_id: int) -> ResponseReturnValue:
    """Deletes a saved filter."""
    actor = permit()
    place_of(actor)
    name = act(lambda tx, _now: saved.remove(tx, actor.person_id, filter_id), _("删除筛选"))
    flash(_("已删除“%(name)s”。", name=name) if name else _("这个筛选已经删除。"), "success")
    return redirect(PATH)


def _status(refusal: PortalError) -> int:
    return 409 if isinstance(refusal, (saved.FilterNameTaken, saved.TooManyFilters)) else 422


def _page(query: str, typed: Typed | None) -> str:
    actor = signed_in()
    place = place_of(actor)
    with reading() as tx:
        published = of_place(tx, place)
        around, limits = beside(tx, place), inbox.bounds(moment(tx), calendar_in_force(tx))
        asked = Narrowed.parse(query, published)
        filters = [Narrowed.parse(row.query, published) for row in around.saved]
        people = person_names(tx, [int(one.holder) for one in (asked, *filters) if one.holder.isdecimal()])
        rows = zip(around.saved, filters, around.counted.saved, strict=True)
        return render(
            "official/filters.html",
            views=[
                SavedView(row, view_title(one.open_view), chosen(one, published, people, limits), count_text(count))
                for row, one, count in rows
            ],
            asked=asked if asked.may_be_saved else None,
            conditions=chosen(asked, published, people, limits),
            present=view_title(asked.open_view),
            typed=typed,
            most=saved.MOST,
            longest=saved.LONGEST,
            side=side(tx, place, PATH),
            **frame(tx, actor, "/inbox"),
        )
