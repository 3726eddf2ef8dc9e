"""When a regulation is in force: chains of instruments against a day-by-day oracle."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.procedures.validity import Instrument, last_day_from, months_before, on, standing

FIRST = date(2023, 11, 8)
OWN = Instrument("原〔2023〕3号", "原办法", FIRST, date(2025, 11, 7))


def renewed(from_day: date, last_day: date | None, number: str = "续〔2025〕9号") -> Instrument:
    return Instrument(number, "续期通知", from_day, last_day, renewal=1)


def test_a_text_is_in_force_from_its_first_day_to_the_end_of_its_last():
    assert on([OWN], date(2023, 11, 7)) is None
    assert on([OWN], date(2023, 11, 8)) == OWN
    assert on([OWN], date(2025, 11, 7)) == OWN
    assert on([OWN], date(2025, 11, 8)) is None


def test_a_renewal_follows_at_once_after_a_gap_or_before_the_text_is_over():
    at_once = renewed(date(2025, 11, 8), None)
    assert on([OWN, at_once], date(2025, 11, 7)) == OWN
    assert on([OWN, at_once], date(2025, 11, 8)) == at_once
    later = renewed(date(2026, 3, 1), date(2026, 12, 31))
    assert on([OWN, later], date(2026, 2, 28)) is None
    assert on([OWN, later], date(2026, 3, 1)) == later
    earlier = renewed(date(2025, 6, 1), date(2025, 8, 31))
    # What another has followed does not come back when that one lapses.
    assert on([OWN, earlier], date(2025, 9, 1)) is None


def test_time_in_force_ends_where_nothing_follows():
    assert last_day_from([OWN], date(2024, 1, 1)) == date(2025, 11, 7)
    assert last_day_from([OWN, renewed(date(2025, 11, 8), date(2027, 11, 7))], date(2024, 1, 1)) == date(2027, 11, 7)
    assert last_day_from([OWN, renewed(date(2025, 11, 9), None)], date(2024, 1, 1)) == date(2025, 11, 7)
    assert last_day_from([OWN, renewed(date(2025, 11, 8), None)], date(2024, 1, 1)) is None
    assert last_day_from([OWN], date(2025, 11, 8)) is None


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        (date(2027, 8, 17), 6, date(2027, 2, 17)),
        (date(2025, 8, 31), 6, date(2025, 2, 28)),
        (date(2024, 8, 31), 6, date(2024, 2, 29)),
        (date(2026, 5, 31), 6, date(2025, 11, 30)),
        (date(2026, 1, 15), 1, date(2025, 12, 15)),
    ],
)
def test_months_are_counted_back_to_the_corresponding_day(day, months, before):
    assert months_before(day, months) == before


def test_the_end_is_told_from_six_months_before_it():
    assert not standing([OWN], date(2025, 5, 6)).soon
    assert standing([OWN], date(2025, 5, 7)).soon
    assert standing([OWN], date(2025, 11, 7)).soon
    lapsed = standing([OWN], date(2025, 11, 8))
    assert (lapsed.governs, lapsed.last, lapsed.until, lapsed.soon, lapsed.lapsed) == (None, OWN, None, False, True)
    # A renewal that was entered in time ends the warning.
    assert not standing([OWN, renewed(date(2025, 11, 8), None)], date(2025, 11, 1)).soon


def test_before_its_first_day_a_text_has_not_lapsed():
    early = standing([OWN], date(2023, 11, 7))
    assert (early.governs, early.last, early.begins, early.lapsed) == (None, None, FIRST, False)


def test_what_a_case_keeps_is_read_back():
    text = Instrument("续〔2025〕9号", "续期通知", date(2025, 11, 8), None, assumed=True, renewal=7)
    assert text.written() == {
        "number": "续〔2025〕9号",
        "title": "续期通知",
        "in_force": "2025-11-08",
        "last_day": None,
        "assumed": True,
        "renewal": 7,
    }


@st.composite
def chains(draw):
    """A text of its own and renewals, as a chain has them: in order of their first days, no two the same."""
    starts = sorted(draw(st.sets(st.integers(0, 60), min_size=1, max_size=5)))
    lengths = [draw(st.none() | st.integers(0, 40)) for _ in starts]
    return [
        Instrument(
            f"〔{start}〕",
            "办法",
            FIRST + timedelta(days=start),
            None if length is None else FIRST + timedelta(days=start + length),
        )
        for start, length in zip(starts, lengths, strict=True)
    ]


def by_hand(chain: list[Instrument], day: date) -> Instrument | None:
    """Walks day by day: each day whoever begins takes over, and whoever is past its last day is over."""
    holder = None
    for passed in range((day - FIRST).days + 1):
        today = FIRST + timedelta(days=passed)
        for one in chain:
            if one.in_force == today:
                holder = one
        if holder is not None and holder.last_day is not None and today > holder.last_day:
            holder = None
    return holder


@given(chains(), st.integers(0, 120))
def test_what_governs_a_day_is_what_walking_day_by_day_finds(chain, passed):
    day = FIRST + timedelta(days=passed)
    assert on(chain, day) == by_hand(chain, day)


@given(chains(), st.integers(0, 120))
def test_the_unbroken_time_in_force_ends_on_the_day_before_the_first_gap(chain, passed):
    day = FIRST + timedelta(days=passed)
    gaps = (day + timedelta(days=more) for more in range(200) if by_hand(chain, day + timedelta(days=more)) is None)
    gap = next(gaps, None)
    expected = None if gap is None or gap == day else gap - timedelta(days=1)
    assert last_day_from(chain, day) == expected
