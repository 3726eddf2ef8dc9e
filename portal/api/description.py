"""What the description of the API (OpenAPI 3.1) says of every call besides its own: tags, security, problems."""

from __future__ import annotations

from typing import Any

from flask_openapi3 import APIBlueprint, Info, OpenAPI, Server, Tag
from flask_openapi3.types import ResponseDict
from pydantic import BaseModel

from portal.api.problems import MEDIA_TYPE, TITLES, Problem, refused

PREFIX = "/v1"
MOUNTED = "/api"
"""Where the API stands beside the pages."""
_TITLE = "Statutory casework portal"
_SAYS = (
    "What the pages do, for programs. A bearer token of a person or a system account says who asks. Every call that "
    "changes something takes an `Idempotency-Key`. Errors are problems (RFC 9457) in Chinese and English."
)
_ALWAYS = (401, 403, 429, 500, 503)
"""The problems of every call that needs a token."""
WRITES = (409, 422)
"""The problems of every call that changes something."""
BODIES = (400, 413, 415)
"""The problems of every call with a body."""
_RETRY = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
_CHALLENGE = {"WWW-Authenticate": {"description": "That a bearer token is wanted.", "schema": {"type": "string"}}}
_REPLAYED = {
    "Idempotent-Replayed": {
        "description": "`true` with an answer that was given before to the same `Idempotency-Key`.",
        "schema": {"type": "string", "enum": ["true"]},
    }
}
_MADE = {"Location": {"description": "The address of what was made.", "required": True, "schema": {"type": "string"}}}
_HEADERS: dict[int, dict[str, Any]] = {401: _CHALLENGE, 429: _RETRY, 503: _RETRY}


def application(name: str) -> OpenAPI:
    """An application that describes itself; what a request says wrongly becomes a problem."""
    app = OpenAPI(
        name,
        info=Info(title=_TITLE, version="1", description=_SAYS),
        servers=[Server(url=MOUNTED)],
        security_schemes={
            "bearer": {"type": "http", "scheme": "bearer", "description": "A token issued by the portal: `pt_…`."}
        },
        validation_error_model=Problem,
        validation_error_callback=refused,
        doc_ui=False,
        static_folder=None,
    )
    app.openapi_version = "3.1.0"
    return app


def calls(name: str, says: str) -> APIBlueprint:
    """The calls about one kind of thing."""
    return APIBlueprint(
        name,
        f"portal.api.{name}",
        url_prefix=PREFIX,
        abp_tags=[Tag(name=name, description=says)],
        abp_security=[{"bearer": []}],
        operation_id_callback=_operation,
    )


def answers(status: int, answered: type[BaseModel], *problems: int) -> ResponseDict:
    """What a call answers: one thing when it goes well, and the problems it may have beside those of every call."""
    return {str(status): answered, **_problems(*_ALWAYS, *problems)}


def written(status: int, answered: type[BaseModel], *problems: int) -> ResponseDict:
    """The same for a call that changes something."""
    return answers(status, answered, *WRITES, *problems)


def files(media_types: list[str], *problems: int) -> ResponseDict:
    """What a call answers that gives a file."""
    content = {one: {"schema": {"type": "string", "format": "binary"}} for one in media_types}
    return {"200": {"description": "The file.", "content": content}, **_problems(*_ALWAYS, *problems)}


def _problems(*statuses: int) -> ResponseDict:
    schema = {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}
    return {
        str(status): {
            "description": TITLES[status].en,
            "content": {MEDIA_TYPE: schema},
            **({"headers": _HEADERS[status]} if status in _HEADERS else {}),
        }
        for status in sorted(set(statuses))
    }


def described(app: OpenAPI) -> dict[str, Any]:
    """The description of all calls. The library adds a 422 of its own to calls that cannot answer so, and a default of
    null to what may be left out but is never null: they go."""
    spec: dict[str, Any] = _without_null(app.api_doc)
    for path in spec["paths"].values():
        for method, operation in path.items():
            if "application/json" in operation["responses"].get("422", {}).get("content", {}):
                del operation["responses"]["422"]
            if method == "post":
                _say_headers(operation["responses"])
    return spec


def _say_headers(responses: dict[str, Any]) -> None:
    """The headers of what a call that changes something answers when it goes well."""
    for status in {"200", "201"} & set(responses):
        responses[status]["headers"] = _REPLAYED if status == "200" else _REPLAYED | _MADE


def _without_null(said: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(said, dict):
        return {name: _without_null(one) for name, one in said.items() if (name, one) != ("default", None)}
    return [_without_null(one) for one in said] if isinstance(said, list) else said


def _operation(*, bp_name: str, name: str, path: str, method: str) -> str:
    return name
