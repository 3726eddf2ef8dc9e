"""Finding a case by its number and query code, without signing in."""

from __future__ import annotations

import re
import secrets
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases import querycodes
from portal.cases.models import Case
from portal.errors import PortalError
from portal.forms.characters import narrow
from portal.identity import TooManyAttempts, throttle
from portal.identity.entry import TRACK, TRACK_NUMBER
from portal.identity.rules import digest

_BRACKETS = str.maketrans({**dict.fromkeys("[(【{〈《「『﹝", "〔"), **dict.fromkeys("])】}〉》」』﹞", "〕")})
_YEAR = re.compile(r"^(\D*)((?:19|20)\d\d)(?=\d)")
"""The year of a number that was typed without its brackets: 渝环复案20267号."""
_NOBODYS = "-" * querycodes.LENGTH
"""What is compared where there is no code: nobody can type it."""


class NotTogether(PortalError):
    """No case has this number and this code: which of them is wrong is not said."""

    zh = "没有找到编号和查询码都相符的办件。请对照回执或文书核对编号（含括号中的年份）和查询码。"
    en = "No case has this number and this query code. Compare both with your receipt or letter."


class TooManyQueries(TooManyAttempts):
    """Too many wrong queries from one address: for all numbers within a quarter of an hour, or for one within an
    hour."""

    zh = "查询失败的次数过多，请一小时后再试；有账号的，请登录查看。"
    en = "Too many queries have failed: try again in an hour, or sign in."


def sought(tx: Session, number: str, code: str, address: str, now: datetime) -> Case | NotTogether | TooManyQueries:
    """The case of a number, if the query code is its own, however both were typed; else why there is none.

    A refusal is handed back and not raised, so that the failure is kept: the caller commits in any case. `now` is real
    time, `address` where the question comes from; what is tried elsewhere counts for nothing here. A wrong number and a
    wrong code cost the same and are answered alike.
    """
    asked = typed_number(number)
    counted = {TRACK: address, TRACK_NUMBER: digest(f"{address} {asked}").hex()}
    throttle.queue_up(tx, counted)
    if any(throttle.too_many(tx, kind, by, now) for kind, by in counted.items()):
        return TooManyQueries()
    found = tx.scalar(select(Case).where(Case.number == asked))
    held = found.query_code if found is not None else None
    right = secrets.compare_digest(querycodes.typed(code).encode(), (held or _NOBODYS).encode())
    if found is not None and right:
        return found
    for kind, by in counted.items():
        throttle.note(tx, kind, by, now)
    return NotTogether()


def typed_number(text: str) -> str:
    """A number as cases have it, however it was typed: width, blanks and the kind of brackets do not count, nor does
    what nobody can read; brackets that are left out are put around the year."""
    seen = "".join(sign for sign in narrow(text).translate(_BRACKETS) if sign.isprintable() and not sign.isspace())
    if "〔" in seen and "〕" in seen:
        return seen
    return _YEAR.sub(r"\1〔\2〕", seen.replace("〔", "").replace("〕", ""))
