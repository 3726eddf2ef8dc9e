"""How a letter writes dates and amounts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from jinja2 import Undefined

from portal import clock
from portal.errors import PortalError

# Longer amounts are no tonnes but an attempt to fill the memory.
MOST_DIGITS = 24


class RenderFailed(PortalError):
    """A letter's file could not be made."""

    zh = "文书未能生成。"
    en = "The letter could not be rendered."


class ValueMissing(RenderFailed):
    """A placeholder of the template has no value in the letter's data."""

    zh = "文书中的“{path}”没有内容。"
    en = "The letter's placeholder “{path}” has no value."


class ValueUnfit(RenderFailed):
    """A value cannot be written the way the template asks."""

    zh = "文书中的“{value}”不能写成{wanted}。"
    en = "The letter's value “{value}” cannot be written as: {wanted}."


def given(value: object) -> object:
    """The value itself; ValueMissing when the letter's data do not have it."""
    if isinstance(value, Undefined):
        raise ValueMissing(path=value._undefined_name or "")
    return value


def day(value: object) -> str:
    """2026年10月12日: a date, or the day of a moment in Asia/Shanghai."""
    known = _date_or_moment(given(value), "日期")
    return _day(clock.day_of(known) if isinstance(known, datetime) else known)


def moment(value: object) -> str:
    """2026年10月12日9时05分: a moment in Asia/Shanghai."""
    known = _date_or_moment(given(value), "时刻")
    if not isinstance(known, datetime):
        raise ValueUnfit(value=value, wanted="时刻")
    local = known.astimezone(clock.TZ)
    return f"{_day(local.date())}{local.hour}时{local.minute:02d}分"


def amount(value: object) -> str:
    """1,204,905: a number with its thousands parted and its decimals as they are."""
    unfit = ValueUnfit(value=str(given(value))[:MOST_DIGITS], wanted="数字")
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise unfit
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise unfit from error
    if not number.is_finite() or abs(number.adjusted()) > MOST_DIGITS or len(number.as_tuple().digits) > MOST_DIGITS:
        raise unfit
    return f"{number:,f}"


FILTERS: dict[str, Callable[[object], str]] = {
    "day": day,
    "moment": moment,
    "number": amount,
    "tonnes": amount,
}


def _day(known: date) -> str:
    return f"{known.year}年{known.month}月{known.day}日"


def _date_or_moment(value: object, wanted: str) -> date | datetime:
    """A date, or a moment with its zone."""
    if isinstance(value, str):
        try:
            if len(value) <= len("2026-10-12"):
                return date.fromisoformat(value)
            known = datetime.fromisoformat(value)
        except ValueError as error:
            raise ValueUnfit(value=value[:40], wanted=wanted) from error
        if known.tzinfo is not None:
            return known
    raise ValueUnfit(value=str(value)[:40], wanted=wanted)
