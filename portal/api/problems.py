"""Every error as a problem (RFC 9457): what went wrong in both languages, and what a program can go by."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from pydantic import Field, ValidationError
from werkzeug.exceptions import HTTPException, InternalServerError, RequestEntityTooLarge

from portal.api.shapes import Body, Shape
from portal.cases.errors import FormRefused
from portal.db.database import DatabaseBusy, DatabaseUnreachable
from portal.edge.acting import note_failure
from portal.edge.errors import NotInScope, NoToken, TokenRefused, TooManyRequests, Wrong, WrongRequest
from portal.edge.statuses import status_of
from portal.errors import Language, PortalError, Words
from portal.storage import StoreUnavailable

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 10
"""Seconds after which a program may try again what the portal could not do at the moment."""
_KIND = "urn:portal:problem:"
_REALM = 'Bearer realm="portal"'
TITLES: Mapping[int, Words] = {
    400: Words("请求无法读取", "The request cannot be read"),
    401: Words("需要有效的令牌", "A valid token is needed"),
    403: Words("没有权限", "Not permitted"),
    404: Words("没有找到", "Not found"),
    405: Words("不支持这种方法", "Method not allowed"),
    409: Words("没有办成", "Not carried out as things stand"),
    413: Words("内容太大", "Too large"),
    415: Words("不支持这种格式", "Format not supported"),
    422: Words("有内容需要修改", "Something needs mending"),
    429: Words("请求过于频繁", "Too many requests"),
    500: Words("系统出错", "An error of the portal"),
    501: Words("本门户不提供", "Not available here"),
    503: Words("暂时不能办理", "Not available at the moment"),
}
_OUTAGES = (DatabaseUnreachable, DatabaseBusy, StoreUnavailable)
_AWAY = "The portal cannot do this at the moment; nothing was changed. Please try again."
_UNSAID = Words("服务器不能处理这个请求。", "The server cannot handle this request.")
_BESIDE_THE_FILE = Words(
    "请求中文件之外的内容太多，请只发送文件。", "There is too much beside the file: send nothing else."
)
_SAID: Mapping[int, Words] = {
    400: Words("请求正文不完整或者格式有误，请重新发送。", "The body is broken or did not come whole; send it again."),
    404: Words("没有这个地址。", "There is no such address."),
    405: Words("这个地址不接受这种方法。", "This address does not take this method."),
    500: Words("系统遇到意外情况，没有任何变动。", "Something unforeseen happened; nothing was changed."),
}


class FieldProblem(Shape):
    """What is wrong with one answer, key or parameter."""

    field: str = Field(description="Its name; a cell of a table as `units.0.amount`.")
    pointer: str | None = Field(description="Where it stands in the body (RFC 6901); null for a parameter.")
    zh: str
    en: str


class Problem(Shape):
    """What went wrong (RFC 9457)."""

    type: str = Field(description="A name of the kind of error that stays the same: `urn:portal:problem:task-held`.")
    title: str
    status: int
    detail: str = Field(description="In the language asked for by Accept-Language; Chinese unless it is English.")
    detail_zh: str
    detail_en: str
    errors: list[FieldProblem] | None = Field(None, description="With 422: what is wrong, one entry for each field.")
    retry_after: int | None = Field(None, description="Seconds after which it may be tried again.")
    case: int | None = Field(None, description="The case that it is about, where there is one.")


def install(app: Flask) -> None:
    """Has every error answered by a problem."""
    app.register_error_handler(PortalError, _portal_error)
    app.register_error_handler(InternalServerError, _unexpected)
    app.register_error_handler(HTTPException, _http_error)


def refused(error: ValidationError) -> Response:
    """Raises WrongRequest with everything that a model finds wrong with a request."""
    in_body = error.title in {model.__name__ for model in Body.__subclasses__()}
    # Of what may be left out it is not worth saying that it could be: the other finding says what is wanted.
    found = (one for one in error.errors(include_url=False) if one["type"] != "none_required")
    told = (_wrong(dict(one), in_body=in_body) for one in found)
    raise WrongRequest({one.field: one for one in told}.values())


def answer(problem: Problem) -> Response:
    """A problem as it is sent."""
    said = {name: value for name, value in problem.model_dump(mode="json").items() if value is not None}
    told = Response(json.dumps(said, ensure_ascii=False), problem.status, content_type=MEDIA_TYPE)
    told.headers["Content-Language"] = language()
    if problem.retry_after is not None:
        told.headers["Retry-After"] = str(problem.retry_after)
    return told


def language() -> Language:
    """The language that the program asks for: the first that it names of the two, in whatever country."""
    asked = (re.split("[-_]", tag.lower())[0] for tag, quality in request.accept_languages if quality > 0)
    return "en" if next((one for one in asked if one in ("zh", "en")), "zh") == "en" else "zh"


def pointer(*parts: object) -> str:
    """Where something stands in a body (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _portal_error(error: PortalError) -> ResponseReturnValue:
    status = status_of(error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        current_app.logger.error("%s", error, exc_info=error)
        note_failure(error)
    elif status == HTTPStatus.SERVICE_UNAVAILABLE:
        current_app.logger.warning("%s", error)
    # What the driver says of an outage names machines; it is for the log.
    said = Words(error.text("zh"), _AWAY if isinstance(error, _OUTAGES) else error.text("en"))
    told = answer(
        Problem(
            **_told(_KIND + _kebab(type(error).__name__), status, said),
            errors=list(_fields(error)) or None,
            retry_after=_retry_after(error, status),
            case=error.case_id,
        )
    )
    if isinstance(error, NoToken):
        told.headers["WWW-Authenticate"] = _REALM
    elif isinstance(error, TokenRefused):
        told.headers["WWW-Authenticate"] = f'{_REALM}, error="invalid_token"'
    elif isinstance(error, NotInScope):
        scopes = " ".join(error.wanted)
        told.headers["WWW-Authenticate"] = f'{_REALM}, error="insufficient_scope", scope="{scopes}"'
    return told


def _http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < HTTPStatus.BAD_REQUEST:
        return error
    said = _SAID.get(status, _UNSAID)
    if isinstance(error, RequestEntityTooLarge):
        most = (request.max_content_length or 0) // 1_000_000
        said = Words(f"请求正文不能超过 {most} MB。", f"The body may not be larger than {most} MB.")
        if (request.content_length or 0) <= (request.max_content_length or 0):
            said = _BESIDE_THE_FILE
    told = answer(Problem(**_told(_KIND + _kebab(type(error).__name__), status, said)))
    for name, value in error.get_headers():
        if name == "Allow":
            told.headers[name] = value
    return told


def _unexpected(error: InternalServerError) -> ResponseReturnValue:
    note_failure(error.original_exception or error)
    return answer(Problem(**_told(_KIND + "unexpected", 500, _SAID[500])))


def _told(kind: str, status: int, said: Words) -> dict[str, Any]:
    spoken = language()
    return {
        "type": kind,
        "title": TITLES.get(status, _UNSAID).text(spoken),
        "status": status,
        "detail": said.text(spoken),
        "detail_zh": said.zh,
        "detail_en": said.en,
    }


def _retry_after(error: PortalError, status: int) -> int | None:
    if isinstance(error, TooManyRequests):
        return error.retry_after
    return RETRY_AFTER if status == HTTPStatus.SERVICE_UNAVAILABLE else None


def _fields(error: PortalError) -> Iterator[FieldProblem]:
    if isinstance(error, FormRefused):
        for name, wrong in error.fields.items():
            yield FieldProblem(field=name, pointer=pointer("answers", *name.split(".")), zh=wrong.zh, en=wrong.en)
    elif isinstance(error, WrongRequest):
        for one in error.wrong:
            yield FieldProblem(field=one.field, pointer=one.pointer, zh=one.zh, en=one.en)


def _wrong(error: Mapping[str, Any], *, in_body: bool) -> Wrong:
    """One finding of a model in our words."""
    name = str(error["loc"][0])  # models of requests are flat; what follows is of which type it might have been
    said = _FINDINGS.get(error["type"], _OTHER)
    about = {"msg": error["msg"], **error.get("ctx", {})}
    return Wrong(name, pointer(name) if in_body else None, said.zh.format(**about), said.en.format(**about))


_WHOLE = Words("应为整数。", "A whole number is wanted.")
_FEW = Words("至少要有 {min_length} 个字符。", "At least {min_length} character(s) are wanted.")
_MANY = Words("最多 {max_length} 个字符。", "At most {max_length} characters are taken.")
_OTHER = Words("值不符合要求：{msg}。", "{msg}.")
_FINDINGS: Mapping[str, Words] = {
    "missing": Words("缺少这一项，请补上。", "This is missing; add it."),
    "extra_forbidden": Words("没有这一项，请去掉或核对拼写。", "There is no such key: leave it out or mend it."),
    "string_type": Words("应为文本。", "A text is wanted."),
    "dict_type": Words("应为 JSON 对象。", "A JSON object is wanted."),
    "no_file": Words("应为文件。", "A file is wanted."),
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "greater_than_equal": Words("不能小于 {ge}。", "It may not be less than {ge}."),
    "less_than_equal": Words("不能大于 {le}。", "It may not be more than {le}."),
    "string_too_short": _FEW,
    "too_short": _FEW,
    "string_too_long": _MANY,
    "too_long": _MANY,
    "string_pattern_mismatch": Words("格式不对，应符合 {pattern}。", "It has to match {pattern}."),
    "enum": Words("只能是以下之一：{expected}。", "It has to be one of {expected}."),
}
"""What a model finds -> how it is said; of other findings the model's own words are given."""


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
