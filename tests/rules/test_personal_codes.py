"""The code of a natural person and his 居民身份号码: form, check character, day of birth, and how a number is read."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.forms import parties, personal, residents, uscc
from portal.identity import idnumber
from portal.identity.entry import Entry, PersonalEntry, entry_faults, personal_faults
from tests.builders.world import CEMENT

TODAY = date(2026, 9, 24)
GIVEN = "11010519491231002X"  # the example of GB 11643-1999, annex A
OTHER = "440524188001010014"  # the same, in the year 1880
numbers = st.integers(0, 10**personal.DIGITS - 1)


def born(day, region="330402", order="123"):
    """A right number of somebody born on a day."""
    first = f"{region}{day}{order}"
    return first + personal.check_character(first)


@given(numbers)
def test_a_code_is_p_nine_digits_and_a_check_character(number):
    code = personal.code(number)
    assert (code[0], code[1:10], len(code)) == ("P", f"{number:09}", 11)
    assert (personal.is_valid(code), parties.is_valid(code), uscc.is_valid(code)) == (True, True, False)


@given(numbers, st.integers(1, 9), st.integers(0, 9))
def test_one_wrong_digit_is_noticed(number, place, digit):
    code = personal.code(number)
    wrong = f"{code[:place]}{digit}{code[place + 1 :]}"
    assert personal.is_valid(wrong) is (wrong == code)


@given(numbers, st.integers(1, 8))
def test_two_digits_exchanged_are_noticed(number, place):
    code = personal.code(number)
    wrong = f"{code[:place]}{code[place + 1]}{code[place]}{code[place + 2 :]}"
    assert personal.is_valid(wrong) is (wrong == code)


@pytest.mark.parametrize("text", ["", "P", "P12345678", CEMENT, "P1234567890X", "Q123456789X", "P123456789x", GIVEN])
def test_other_texts_are_no_personal_codes(text):
    assert not personal.is_valid(text)


@pytest.mark.parametrize("number", [-1, 10**personal.DIGITS])
def test_no_code_for_numbers_out_of_range(number):
    with pytest.raises(ValueError, match=str(number)):
        personal.code(number)


def test_a_party_is_known_by_either_code():
    assert [parties.is_valid(code) for code in (CEMENT, personal.code(7), CEMENT[:-1] + "A", GIVEN)] == [
        True, True, False, False,
    ]  # fmt: skip
    assert parties.normal(" ｐ123456789x ") == "P123456789X"


@pytest.mark.parametrize("number", [GIVEN, OTHER, born("20000229"), born("20260924"), born("18960925")])
def test_right_numbers_are_accepted(number):
    today = date(2000, 1, 1) if number == OTHER else TODAY
    assert idnumber.accepted(number, today) == number
    assert idnumber.accepted(f" {number[:6]} {number[6:].lower()} ", today) == number


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        ("1101051949123100", idnumber.IdNumberLength),
        ("11010519491231002XX", idnumber.IdNumberLength),
        ("11010519491231002A", idnumber.IdNumberCharacters),
        ("1101051949123100XX", idnumber.IdNumberCharacters),
        (born("20260925"), idnumber.IdNumberBirth),  # tomorrow
        (born("20010229"), idnumber.IdNumberBirth),
        (born("20001301"), idnumber.IdNumberBirth),
        (born("18951231"), idnumber.IdNumberBirth),
        ("110105194912310020", idnumber.IdNumberCheck),
        ("110105194912310029", idnumber.IdNumberCheck),
    ],
)
def test_what_is_wrong_with_a_number(number, fault):
    with pytest.raises(idnumber.InvalidIdNumber) as refusal:
        idnumber.accepted(number, TODAY)
    assert type(refusal.value) is fault
    assert number not in refusal.value.text() + refusal.value.text("en") + str(refusal.value)


@given(st.integers(0, 16), st.integers(0, 9))
def test_one_wrong_digit_of_a_number_is_noticed(place, digit):
    wrong = f"{GIVEN[:place]}{digit}{GIVEN[place + 1 :]}"
    if wrong == GIVEN:
        return
    with pytest.raises(idnumber.InvalidIdNumber):
        idnumber.accepted(wrong, TODAY)


def test_a_number_is_read_by_its_ends():
    assert residents.masked("33040219900101123X") == "3304**********123X"
    assert residents.masked("") == ""


def test_an_entry_does_not_tell_its_number():
    assert GIVEN not in repr(PersonalEntry("王", GIVEN, "万州区"))


def test_what_is_wrong_with_a_natural_person_as_typed():
    told = personal_faults(PersonalEntry("", "", "别处"), ["万州区"], TODAY)
    assert {name: fault.text() for name, fault in told.items()} == {
        "name": "请填写姓名。",
        "id_number": "请填写居民身份号码。",
        "district": "请选择所在区县。",
    }
    assert personal_faults(PersonalEntry("王", GIVEN, "万州区"), ["万州区"], TODAY) == {}


def test_an_organisation_is_not_registered_as_a_natural_person():
    faults = entry_faults(Entry(CEMENT, "某单位", "万州区", "person"), ["万州区"])
    assert {name: fault.text() for name, fault in faults.items()} == {"kind": "请选择单位类别。"}
    assert entry_faults(Entry(CEMENT, "某协会", "万州区", "association"), ["万州区"]) == {}
