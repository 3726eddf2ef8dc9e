"""What may be posted: amounts, dimensions, balanced legs, and balances that never go below zero."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.ledger.rules import (
    BALANCE_LIMIT,
    BalanceTooLarge,
    InsufficientBalance,
    InvalidAmount,
    InvalidDimensions,
    Leg,
    Posting,
    account_number,
    after,
    amount_of,
    dimensions_key,
    dimensions_of,
    dimensions_text,
    is_balanced,
    mirror,
    net,
    pair,
)

FREE = {"year": 2025, "kind": "免费"}
AMOUNTS = st.integers(-(10**15) + 1, 10**15 - 1).filter(bool)
DIMENSIONS = st.sampled_from([FREE, {"year": 2025, "kind": "调整"}, {"year": 2026, "kind": "免费"}, {}])
LEGS = st.lists(st.builds(Leg, st.integers(1, 4), AMOUNTS, DIMENSIONS), max_size=8)


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (1, 1),
        (-500, -500),
        (999_999_999_999_999, 999_999_999_999_999),
        (Decimal("120000"), 120000),
        (Decimal("-5.00"), -5),
        (Decimal("1E+3"), 1000),
    ],
)
def test_an_amount_is_a_whole_number(value, amount):
    assert amount_of(value) == amount
    assert type(amount_of(value)) is int


@pytest.mark.parametrize(
    "value",
    [
        0,
        Decimal(0),
        10**15,
        -(10**15),
        Decimal("1E+15"),
        Decimal("1E+999999"),
        Decimal("0.5"),
        Decimal("NaN"),
        Decimal("Infinity"),
        1.0,
        True,
        "12",
        None,
    ],
)
def test_anything_else_is_no_amount(value):
    with pytest.raises(InvalidAmount):
        amount_of(value)


def test_the_refusal_of_an_amount_names_it_in_both_languages():
    with pytest.raises(InvalidAmount) as refused:
        amount_of(Decimal("0.5"))
    assert refused.value.text("zh") == "数量须为不等于零的整数，且不超过15位：0.5"
    assert refused.value.text("en") == "An amount is a whole number other than zero, of at most 15 digits: 0.5"


def test_dimensions_are_texts_and_whole_numbers():
    assert dimensions_of({"year": Decimal("2025"), "kind": "免费"}) == FREE
    assert dimensions_of({}) == {}


@pytest.mark.parametrize(
    "values",
    [
        {"year": Decimal("2025.5")},
        {"year": Decimal("1E+999999")},
        {"year": 10**15},
        {"year": None},
        {"free": True},
        {"kind": ["免费"]},
        {"kind": ""},
        {"": "免费"},
        {"kind": "x" * 101},
        {"kind": "a\0b"},
        {f"d{n}": n for n in range(9)},
    ],
)
def test_other_dimensions_are_refused(values):
    with pytest.raises(InvalidDimensions):
        dimensions_of(values)


def test_dimensions_are_the_same_in_any_order_but_not_of_any_type():
    assert dimensions_key({"kind": "免费", "year": 2025}) == dimensions_key(FREE)
    assert dimensions_key({"year": "2025", "kind": "免费"}) != dimensions_key(FREE)
    assert dimensions_text(FREE) == "免费、2025"
    assert dimensions_text({}) == "—"


def test_a_pair_takes_from_one_and_gives_to_the_other():
    assert pair(1, 2, 500, FREE) == (Leg(1, -500, FREE), Leg(2, 500, FREE))
    assert pair(1, 2, -500, FREE) == (Leg(1, 500, FREE), Leg(2, -500, FREE))


def test_units_of_one_kind_cannot_turn_into_another():
    legs = (Leg(1, -5, FREE), Leg(2, 5, {"year": 2025, "kind": "调整"}))
    assert not is_balanced(legs)
    with pytest.raises(ValueError, match="add up"):
        Posting(key="k", case_id=1, act_id=1, moment=datetime.now(UTC), kind="发放", basis="11", legs=legs)


@given(st.integers(1, 9), st.integers(1, 9), AMOUNTS, DIMENSIONS)
def test_a_pair_and_its_mirror_are_balanced_and_leave_nothing(source, target, amount, dimensions):
    legs = pair(source, target, amount, dimensions)
    assert is_balanced(legs)
    assert is_balanced(mirror(legs))
    assert net([*legs, *mirror(legs)]) == []


@given(LEGS)
def test_net_keeps_every_sum_in_the_order_of_locking(legs):
    result = net(legs)
    for place in {leg.place for leg in legs}:
        assert sum(leg.amount for leg in result if leg.place == place) == sum(
            leg.amount for leg in legs if leg.place == place
        )
    assert [leg.place for leg in result] == sorted({leg.place for leg in result})
    assert all(leg.amount for leg in result)


@given(st.integers(0, 10**16), AMOUNTS)
def test_a_balance_is_exact_or_refused(balance, amount):
    if balance + amount < 0:
        with pytest.raises(InsufficientBalance):
            after(balance, Leg(7, amount, FREE))
    else:
        assert after(balance, Leg(7, amount, FREE)) == balance + amount


def test_taking_too_much_is_told_with_figures():
    assert after(500, Leg(7, -500, FREE)) == 0
    with pytest.raises(InsufficientBalance) as refused:
        after(499, Leg(7, -500, FREE))
    assert refused.value.text("zh") == "账户A00000007（免费、2025）现有499，不足以减少500。"
    assert refused.value.text("en") == (
        "Account A00000007 (免费、2025) holds 499, which is less than the 500 to be taken."
    )


def test_a_balance_stays_within_what_the_database_can_add():
    with pytest.raises(BalanceTooLarge):
        after(BALANCE_LIMIT - 1, Leg(7, 1, FREE))


def test_an_account_is_spoken_of_by_a_number_of_fixed_length():
    assert account_number(7) == "A00000007"
