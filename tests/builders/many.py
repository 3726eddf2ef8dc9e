"""Many units, and many cases about them, as the portal itself makes them: a year's allocation to all at once."""

from __future__ import annotations

from collections.abc import Sequence

from portal.forms.uscc import ALPHABET, check_digit
from tests.builders.world import Bureau

FIRST_YEAR, LAST_YEAR = 2011, 2025
BEGINNING = "91500101MA5"


def codes(count: int, beginning: str = BEGINNING) -> list[str]:
    """So many different unified social credit codes."""
    firsts = [f"{beginning}{_written(number, 17 - len(beginning))}" for number in range(count)]
    return [first + check_digit(first) for first in firsts]


def notices(bureau: Bureau, count: int, beginning: str = BEGINNING) -> None:
    """So many notices of allowances, or a few more: to units of their own, for as many years as there are."""
    years = min(count, LAST_YEAR - FIRST_YEAR + 1)
    units = codes(-(-count // years), beginning)
    for unit in units:
        bureau.organisation(unit, f"第{unit}号单位")
    for year in range(LAST_YEAR, LAST_YEAR - years, -1):
        allocated(bureau, units, year)


def allocated(bureau: Bureau, units: Sequence[str], year: int) -> None:
    """The allowances of a year, determined and signed, a notice to each unit."""
    allocation = bureau.allocation(*((unit, 1_000 + number) for number, unit in enumerate(units)), year=year)
    bureau.complete("sign", bureau.chen, allocation, result="签发")


def _written(number: int, length: int) -> str:
    said = ""
    for _ in range(length):
        number, rest = divmod(number, len(ALPHABET))
        said = ALPHABET[rest] + said
    return said
