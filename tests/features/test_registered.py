"""What expressions ask of the organisations registered here: by a code, and with few questions for many rows."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from portal import identity
from portal.cases.registered import Registered
from tests.builders.sheets import code

UNITS = 12


@pytest.fixture
def registered(tx):
    for number in range(UNITS):
        identity.add_organisation(
            tx, uscc=code(number), name=f"重庆第{number}厂", district="万州区", kinds=["enterprise"]
        )
    tx.flush()
    return Registered(tx)


def test_an_organisation_is_found_by_its_code_however_it_is_written(registered):
    known = {"uscc": code(3), "name": "重庆第3厂", "district": "万州区"}
    assert registered(code(3)) == known
    assert registered(f" {code(3).lower()} ") == known


@pytest.mark.parametrize("asked", [code(300), "9150", "", None, 5, [code(3)]])
def test_what_nobody_is_registered_under_gives_nothing(registered, asked):
    assert registered(asked) is None


def test_many_rows_ask_few_questions(registered, tx):
    asked = []

    def note(*_arguments):
        asked.append(1)

    connection = tx.connection()
    event.listen(connection, "before_cursor_execute", note)
    names = [found["name"] if (found := registered(code(number))) else None for number in range(UNITS + 500)]
    assert names == [*(f"重庆第{number}厂" for number in range(UNITS)), *[None] * 500]
    assert len(asked) == 6
