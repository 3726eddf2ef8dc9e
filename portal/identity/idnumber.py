"""Whether what somebody typed as his 居民身份号码 (GB 11643-1999) can be it, and what is wrong with it."""

from __future__ import annotations

import re
from datetime import date

from portal.errors import PortalError
from portal.forms.personal import check_character
from portal.forms.residents import LENGTH, normal

_FORM = re.compile(r"[0-9]{17}[0-9X]")
_OLDEST = 130  # years


class InvalidIdNumber(PortalError):
    """Not a 居民身份号码; what was typed is not said again, because errors are written down."""

    zh = "居民身份号码不正确，请对照身份证核对这 18 位。"
    en = "This is not a valid resident identity number; compare its 18 characters with the card."


class IdNumberLength(InvalidIdNumber):
    """A number that does not have 18 characters."""

    zh = "居民身份号码应为 18 位，现有 {count} 位，请对照身份证核对。"
    en = "A resident identity number has 18 characters; this one has {count}."


class IdNumberCharacters(InvalidIdNumber):
    """A number with characters that no number has."""

    zh = "居民身份号码前 17 位为数字，末位为数字或 X。"
    en = "A resident identity number is 17 digits and a last character that is a digit or X."


class IdNumberBirth(InvalidIdNumber):
    """A number whose seventh to fourteenth digits are no day on which somebody who is alive was born."""

    zh = "居民身份号码第 7 至 14 位不是可能的出生日期，请对照身份证核对。"
    en = "Digits 7 to 14 of the number are no possible day of birth; compare it with the card."


class IdNumberCheck(InvalidIdNumber):
    """A number whose last character does not follow from the others."""

    zh = "居民身份号码的校验位不对，其中有一位写错了，请对照身份证核对这 18 位。"
    en = "The check character of the number is wrong: one of its characters is mistyped."


def accepted(text: str, today: date) -> str:
    """A number in its stored form; IdNumberLength, IdNumberCharacters, IdNumberBirth or IdNumberCheck."""
    number = normal(text)
    if len(number) != LENGTH:
        raise IdNumberLength(count=len(number))
    if _FORM.fullmatch(number) is None:
        raise IdNumberCharacters()
    if not _is_plausible(number[6:14], today):
        raise IdNumberBirth()
    if check_character(number[:-1]) != number[-1]:
        raise IdNumberCheck()
    return number


def _is_plausible(digits: str, today: date) -> bool:
    """Whether somebody alive today may have been born on a day."""
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return born <= today and today.year - born.year <= _OLDEST
