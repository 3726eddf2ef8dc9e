"""What bodies and answers have in common: nothing unknown in them, moments of Asia/Shanghai, pages of lists."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from portal.clock import TZ
from portal.edge.errors import Wrong, WrongRequest

T = TypeVar("T")

MOST = 100
"""The most that a page of a list holds."""
LARGEST_ID = 2**63 - 1

Moment = Annotated[
    datetime,
    PlainSerializer(lambda moment: moment.astimezone(TZ).isoformat(), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""ISO 8601 with +08:00."""
Reference = Annotated[int, Field(ge=0, le=LARGEST_ID, strict=True)]
"""An id: a number, neither a text of digits nor a truth value."""
Answers = Annotated[
    dict[str, Any],
    Field(
        description="The answers to a form by the names of its fields; those in a group nested, those of a table as a "
        "list of objects, files by their ids. Numbers may be JSON numbers or texts of decimal digits, days are ISO "
        "texts."
    ),
]


class Shape(BaseModel):
    """Something that is answered, exactly as described."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Body(Shape):
    """The body of a request."""


class _Asked(BaseModel):
    """What a request says of itself beside its body."""

    @classmethod
    @cache
    def model_json_schema(cls, **how: Hashable) -> dict[str, Any]:  # type: ignore[override] # the same, kept
        """Pydantic's, worked out once: flask-openapi3 asks for it with every request."""
        return super().model_json_schema(**how)  # type: ignore[arg-type] # as it was asked for


class Query(Shape, _Asked):
    """The query of an address."""


class Write(_Asked):
    """The headers of a call that changes something."""

    model_config = ConfigDict(extra="ignore")

    idempotency_key: str | SkipJsonSchema[None] = Field(
        None,
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern="^[!-~]+$",
        description="A text of your own that names this very request, such as a UUID. Sent again with the same key it "
        "is not carried out again: the first answer comes again, with the header `Idempotent-Replayed: true`. Kept 24 "
        "hours unless the installation says otherwise.",
    )


class Paged(Query):
    """Which page of a list."""

    limit: int = Field(50, ge=1, le=MOST, description="How many items at most.")
    after: str | SkipJsonSchema[None] = Field(
        None, min_length=1, max_length=100, description="`next` of the page before; without it the first page."
    )


class Listed(Shape, Generic[T]):
    """A page of a list."""

    items: list[T]
    next: str | None = Field(description="Where the list goes on: `after` of the following page. Null at its end.")


_WRONG_CURSOR = Wrong(
    "after",
    None,
    "after 不是本门户给出的位置，请用上一页的 next。",
    "This is no place that the portal has given: take `next` of the page before.",
)


def wrong_cursor() -> WrongRequest:
    """What is said to an `after` that no page gave."""
    return WrongRequest([_WRONG_CURSOR])


def id_after(text: str | None) -> int | None:
    """The id that a cursor holds; WrongRequest."""
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()) or not 0 <= int(text) <= LARGEST_ID:
        raise wrong_cursor()
    return int(text)
