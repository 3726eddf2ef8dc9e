"""What people see when something goes wrong: which status, in plain words, with what they typed kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Flask, current_app, g, make_response, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.orm import Session
from werkzeug.exceptions import (
    HTTPException,
    InternalServerError,
    MethodNotAllowed,
    RequestEntityTooLarge,
    Unauthorized,
)

from portal.cases import errors as cases
from portal.cases import incidents, mending, publishing
from portal.edge.acting import note_failure, reading, stamp
from portal.edge.statuses import status_of
from portal.errors import PortalError
from portal.identity import Actor, accounts, entry, granting, lending
from portal.storage import ObjectAltered, ObjectMissing
from portal.web.access import visitor
from portal.web.keeping import is_by_script, not_kept
from portal.web.kept import kept_fields
from portal.web.languages import said
from portal.web.pages import render

RETRY_AFTER = 10
"""Seconds after which a browser or client may try again."""
_FIELD_LIMIT = 4
"""How many times the upload limit is still read, so that the texts beside the files are not lost."""
_NEVER_KEPT = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
"""With these there is nothing more to keep a form for, and trying again helps nobody."""

_SAYS_ALL = (
    publishing.PublicityOver,
    publishing.NotPublished,
    cases.DeputyNoMore,
    cases.MayOnlyRead,
    entry.MayNotManage,
    entry.NoSuchChoice,
    accounts.NotYourself,
    accounts.LastAdministrator,
    accounts.AlreadySo,
    granting.GrantOver,
    lending.EndedAlready,
    incidents.IncidentClosed,
    mending.CannotTryAgain,
    ObjectMissing,
    ObjectAltered,
)
"""Errors whose own words say what to do."""


Frame = Callable[[Session, Actor], dict[str, Any]]
"""What the bar of a page shows to whoever is signed in."""
_FRAME = "portal frame"


@dataclass(frozen=True)
class Trouble:
    """An error page: status, heading, what happened, what to do, whether posting again may help, and the case that
    it is about, to be looked at."""

    status: int
    title: str
    text: str
    mend: str
    again: bool = False
    sign_in: bool = False
    case_id: int | None = None


def install(app: Flask, frame: Frame) -> None:
    """Has every error answered by a page, inside the `frame` of whoever is signed in."""
    app.extensions[_FRAME] = frame
    app.register_error_handler(PortalError, _portal_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(Unauthorized, _unauthorized)
    app.register_error_handler(MethodNotAllowed, _wrong_method)
    app.register_error_handler(InternalServerError, _unexpected)
    app.register_error_handler(HTTPException, _http_error)


def page(trouble: Trouble) -> ResponseReturnValue:
    """The page of an error, with everything that was typed; it must come also when nothing else can be read.

    A script that keeps what is typed is told in words when that is in vain.
    """
    if trouble.status in _NEVER_KEPT and is_by_script():
        return not_kept(_("没有保存：%(why)s所填内容仍在本页，请复制后另行保存。", why=trouble.text))
    kept = kept_fields()
    shown = [field for field in kept if field.kind != "hidden"]
    headers = {"Retry-After": str(RETRY_AFTER)} if trouble.status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    # What has failed here may be what the frame needs; it is not known, then, whether somebody is signed in.
    frame = (
        {"sign_in_url": None, "worker_away": False} if trouble.status >= HTTPStatus.INTERNAL_SERVER_ERROR else _frame()
    )
    html = render(
        "errors/trouble.html",
        **frame,
        ways=_ways(trouble),
        trouble=trouble,
        kept=kept,
        has_text=bool(shown),
        has_files=any(field.kind == "file" for field in kept),
        again=trouble.again and request.method == "POST",
        action=request.full_path.rstrip("?"),
    )
    return html, trouble.status, headers


def _frame() -> dict[str, Any]:
    """The navigation of whoever is signed in; nothing where that cannot be read."""
    stamp()
    try:
        actor = visitor()
        if actor is None:
            return {}
        with reading() as tx:
            frame: dict[str, Any] = current_app.extensions[_FRAME](tx, actor)
            return frame
    except PortalError as error:
        current_app.logger.warning("no frame for the page of an error: %s", error)
        return {}


def _ways(trouble: Trouble) -> list[tuple[str, str]]:
    """Where to go on: to the case, and to the page whose form was posted, if that has another address."""
    actor: Actor | None = g.get("actor")
    ways = []
    if trouble.status == HTTPStatus.SERVICE_UNAVAILABLE and request.method == "GET":
        ways.append((_("再试一次"), request.full_path.rstrip("?")))
    if trouble.case_id is not None and actor is not None:
        ways.append((_("查看案件"), f"{'' if actor.official else '/my'}/cases/{trouble.case_id}"))
    before = _nearest_page()
    if request.method == "POST" and before not in ("/", request.path):
        ways.append((_("返回原来的页面"), before))
    return ways


def _nearest_page() -> str:
    """The address of this request if it shows a page, else the nearest one above it that does."""
    adapter = current_app.create_url_adapter(request)
    parts = request.path.rstrip("/").split("/")
    above = ("/".join(parts[:length]) for length in range(len(parts), 1, -1))
    return next((path for path in above if adapter is not None and adapter.test(path, method="GET")), "/")


def _portal_error(error: PortalError) -> ResponseReturnValue:
    status = status_of(error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        current_app.logger.error("%s", error, exc_info=error)
        note_failure(error)
    elif status == HTTPStatus.SERVICE_UNAVAILABLE:
        current_app.logger.warning("%s", error)
    elif isinstance(error, (ObjectMissing, ObjectAltered)):
        current_app.logger.error("%s", error)
    titles = {
        403: _("您不能进行这项操作"),
        404: _("没有找到"),
        409: _("没有办成"),
        413: _("文件太大"),
        422: _("有内容需要修改"),
        429: _("请稍后再试"),
        500: _("这一步没有办成"),
        503: _("暂时不能办理"),
    }
    mends = {
        403: _not_allowed(),
        404: _("请从工作台或办件列表重新进入。") if g.get("actor") else _("请从首页重新进入。"),
        409: _("案件没有变动。请返回查看案件的最新情况。"),
        413: _("请压缩或拆分文件后重新提交。"),
        422: _("请修改后重新提交。"),
        429: "",
        500: _("案件没有变动，问题已记录并交管理员处理。"),
        503: _("没有提交成功，也没有任何变动。所填内容仍在本页，请稍候重新提交。")
        if request.method == "POST"
        else _("请稍候再试一次；期限照常计算，不因此改变。"),
    }
    case_id = error.case_id if isinstance(error, cases.NotYourRole) else None
    if status == HTTPStatus.CONFLICT:
        case_id = error.case_id or g.get("acting", ("", None))[1]
    again = status in (413, 422, 429, 500, 503) and not isinstance(error, entry.NoSuchChoice)
    mend = "" if isinstance(error, _SAYS_ALL) else mends[status]
    return page(Trouble(status, titles[status], said(error), mend, again=again, case_id=case_id))


def _not_allowed() -> str:
    """What somebody can do who may not do this: whom he asks depends on who he is."""
    actor: Actor | None = g.get("actor")
    if actor is None or actor.official:
        if actor is not None and actor.administrator:
            return _("管理员维护门户，不查看也不办理案件。确需办理的，请由另一位管理员为您授予岗位。")
        return _("如确需办理，请联系管理员确认您的岗位。")
    return _("请从首页进入您可以办理的事项。如属本单位的事项，请联系本单位的管理人员；仍有疑问，请联系办理机关。")


def _csrf_error(error: CSRFError) -> ResponseReturnValue:
    mend = _("所填内容仍在本页，请核对后重新提交；如已退出登录，请先在新窗口登录。")
    text = _("本页打开时间过长或登录状态已变化，为了安全没有提交。")
    return page(Trouble(400, _("请重新提交"), text, mend, again=True, sign_in=True))


def _unauthorized(error: Unauthorized) -> ResponseReturnValue:
    mend = _("请先在新窗口登录，再回到本页重新提交，所填内容不会丢失。")
    return page(Trouble(401, _("请先登录"), _("您尚未登录，或登录已过期。"), mend, again=True, sign_in=True))


def _too_large(error: RequestEntityTooLarge) -> ResponseReturnValue:
    limit = current_app.config["MAX_CONTENT_LENGTH"]
    if 0 < (request.content_length or 0) <= limit:
        return _too_much_text()
    if (request.content_length or 0) <= _FIELD_LIMIT * limit:
        request.max_content_length = _FIELD_LIMIT * limit
    text = _("一次提交的内容不能超过 %(n)s MB。", n=limit // 1_000_000)
    return page(Trouble(413, _("文件太大"), text, _("请压缩、拆分或分次上传文件。"), again=True))


def _too_much_text() -> ResponseReturnValue:
    """What was typed is in no form any more by then: the page before still holds it."""
    most, parts = current_app.config["MAX_FORM_MEMORY_SIZE"] // 1_000_000, current_app.config["MAX_FORM_PARTS"]
    text = _("一次提交的文字不能超过 %(n)s MB，填写的内容不能超过 %(parts)s 项。", n=most, parts=parts)
    mend = _("没有提交。请返回上一页，缩短文字，或者把长的内容作为文件上传。")
    return page(Trouble(413, _("文字太长"), text, mend))


def _wrong_method(error: MethodNotAllowed) -> ResponseReturnValue:
    """An address that only takes a form, opened as a page (by Enter in the address bar): to the page above it."""
    if request.method in ("GET", "HEAD"):
        return redirect(_nearest_page())
    refused = Trouble(405, _("没有提交"), _("这个地址不接受提交，没有任何变动。"), _("请从首页重新进入。"))
    told = make_response(page(refused))
    told.allow.update(error.valid_methods or ())
    return told


def _http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < HTTPStatus.BAD_REQUEST:
        return error
    if status == HTTPStatus.NOT_FOUND:
        return page(Trouble(404, _("没有找到"), _("没有这个页面，或者您无权查看。"), _("请从首页重新进入。")))
    title, mend = _("请求无法处理"), _("请返回上一页重试。")
    return page(Trouble(status, title, _("服务器不能处理这个请求（%(code)s）。", code=status), mend))


def _unexpected(error: InternalServerError) -> ResponseReturnValue:
    noted = note_failure(error.original_exception or error)
    mend = _("没有任何变动，问题已记录并交管理员处理。") if noted else _("没有任何变动，请稍候再试。")
    return page(Trouble(500, _("系统出错"), _("系统遇到意外情况，没有完成这次操作。"), mend, again=True))
