"""What registers hold: how values are kept and read, what an entry changes, and what stands while it is disputed."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.registers.rules import (
    KINDS,
    Register,
    WrongField,
    chained,
    changes,
    digest_of,
    standing,
)

UNIT = "91500101MA5YKQ1X0C"
DIGEST = "9c41e07a" * 8
EMISSIONS = Register(
    name="emissions",
    title="核定排放量",
    key=("uscc", "year"),
    states=("核定", "撤销"),
    fields={
        "uscc": "uscc", "year": "year", "name": "text", "emission": "amount",
        "district": "region", "ratio": "number", "day": "date", "text": "hash", "skills": "list", "person": "person",
    },
    closed=frozenset({"撤销"}),
    titles={"name": "单位名称"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "kept", "typed"),
    [
        ("uscc", UNIT, UNIT, UNIT),
        ("uscc", "  91500101ma5ykq1x0c ", UNIT, UNIT),  # lower case
        ("uscc", "９１５００１０１ＭＡ５ＹＫＱ１Ｘ０Ｃ", UNIT, UNIT),  # full width
        ("year", Decimal("2025"), "2025", Decimal(2025)),
        ("year", "2025", "2025", Decimal(2025)),
        ("emission", Decimal("86400"), "86400", Decimal(86400)),
        ("emission", Decimal("8.64E4"), "86400", Decimal(86400)),
        ("emission", 0, "0", Decimal(0)),
        ("ratio", Decimal("-0.10"), "-0.1", Decimal("-0.1")),
        ("day", date(2026, 9, 24), "2026-09-24", date(2026, 9, 24)),
        ("day", datetime(2026, 9, 23, 16, tzinfo=UTC), "2026-09-24", date(2026, 9, 24)),  # as Shanghai has it
        ("day", "2026-09-24", "2026-09-24", date(2026, 9, 24)),
        ("name", " 某厂 ", "某厂", "某厂"),
        ("name", None, None, None),
        ("name", "", None, None),
        ("district", "万州区", "万州区", "万州区"),
        ("text", DIGEST.upper(), DIGEST, DIGEST),
        ("text", f" {DIGEST[:32]} {DIGEST[32:]}\n", DIGEST, DIGEST),  # as it is copied from a page
        ("skills", ["林业", " 交通 ", "林业"], "林业\n交通", ["林业", "交通"]),
        ("skills", "林业\n\n 交通\n", "林业\n交通", ["林业", "交通"]),  # one a line, as in a text area
        ("skills", "林业", "林业", ["林业"]),
        ("skills", [], None, None),
        ("person", "p0000000124", "P0000000124", "P0000000124"),
    ],
)
def test_a_value_is_kept_plain_and_read_with_its_type(field, value, kept, typed):
    assert EMISSIONS.stored(field, value) == kept
    assert EMISSIONS.typed({field: kept})[field] == typed


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("uscc", "91500101MA5YKQ1X0D"),  # wrong check digit
        ("uscc", None),  # a key is never empty
        ("uscc", 5),
        ("year", Decimal("2025.5")),
        ("year", 20255),
        ("year", None),
        ("emission", Decimal(-1)),
        ("emission", Decimal("0.5")),
        ("emission", Decimal("1E30")),
        ("emission", Decimal("NaN")),
        ("emission", "许多"),
        ("emission", True),
        ("ratio", "Infinity"),
        ("ratio", "1e-999999999"),  # written out it would be a gigabyte of zeros
        ("day", "2026-02-30"),
        ("day", 20260924),
        ("name", "长" * 1001),
        ("name", "有\0空字符"),
        ("name", 7),
        ("district", "   "),
        ("text", DIGEST[:-1]),
        ("text", DIGEST[:-1] + "g"),
        ("text", 5),
        ("skills", ["林业", ""]),
        ("skills", ["林业", 5]),
        ("skills", ["林\n业"]),
        ("skills", ["林\u2028业"]),
        ("skills", ["长" * 101]),
        ("skills", [str(n) for n in range(51)]),
        ("skills", {"林业": True}),
        ("skills", "\n"),
        ("person", "P0000000125"),  # wrong check character
        ("person", UNIT),
    ],
)
def test_what_a_field_cannot_hold_is_refused_in_words(field, value):
    with pytest.raises(WrongField) as refused:
        EMISSIONS.stored(field, value)
    said = refused.value
    assert EMISSIONS.title_of(field) in said.text("zh")
    assert KINDS[EMISSIONS.fields[field]].wanted in said.text("zh")
    assert "核定排放量" in said.text("en")


def test_the_state_is_the_first_unless_another_is_said():
    assert EMISSIONS.state(None) == "核定"
    assert EMISSIONS.state("撤销") == "撤销"
    with pytest.raises(WrongField, match="核定、撤销"):
        EMISSIONS.state("作废")


def test_keys_are_written_as_text_and_read_as_words():
    values = {"uscc": UNIT, "year": "2025", "name": "某厂"}
    assert EMISSIONS.key_of(values) == f'["{UNIT}", "2025"]'
    assert EMISSIONS.key_text(values) == f"{UNIT}、2025"
    assert EMISSIONS.field_of("uscc") == "uscc"
    assert EMISSIONS.owner == "person"
    assert Register("x", "x", ("a",), ("b",), {"a": "text", "b": "uscc"}).owner == "b"
    assert Register("x", "x", ("a",), ("b",), {"a": "text"}).field_of("year") is None


def test_titles_are_the_registers_own_or_those_of_the_type():
    assert [EMISSIONS.title_of(name) for name in EMISSIONS.fields] == [
        "统一社会信用代码", "年度", "单位名称", "数量", "区县", "ratio", "日期", "SHA-256", "skills", "个人编号",
    ]  # fmt: skip


def test_an_entry_says_what_it_changes():
    before = ("核定", {"emission": "86400", "name": "某厂", "day": None})
    after = ("核定", {"emission": "84000", "name": "某厂", "day": None})
    assert changes(before, after) == {"emission": ["86400", "84000"]}
    assert changes(before, ("撤销", before[1])) == {"state": ["核定", "撤销"]}
    assert changes(before, before) == {}
    assert changes(None, before) == {"state": [None, "核定"], "emission": [None, "86400"], "name": [None, "某厂"]}


@pytest.mark.parametrize(
    ("fact", "stands"),
    [
        (Decimal(84000), "84000"),
        (84000, "84000"),
        (None, "86400"),  # the open case does not say it yet
        (Decimal("-1"), "86400"),  # no amount
        (True, "86400"),
        ("不详", "86400"),
    ],
)
def test_while_a_case_is_open_its_fact_stands_for_the_field(fact, stands):
    assert standing(EMISSIONS, "emission", "86400", fact) == stands


def test_no_entry_can_be_changed_without_changing_all_after_it():
    first, second = {"number": 1, "state": "核定"}, {"number": 2, "state": "撤销"}
    told = chained(chained("", first), second)
    assert told == chained(chained("", dict(reversed(first.items()))), second)
    assert told != chained(chained("", {**first, "state": "别的"}), second)


@given(st.lists(st.text("abc", min_size=1)))
def test_the_digest_of_a_step_does_not_depend_on_the_order_of_its_entries(digests):
    assert digest_of(digests) == digest_of(list(reversed(digests)))
    assert digest_of([*digests, "d"]) != digest_of(digests)


@given(
    st.decimals(allow_nan=True, allow_infinity=True)
    | st.text()
    | st.none()
    | st.booleans()
    | st.dates()
    | st.lists(st.text() | st.integers())
)
def test_whatever_comes_is_kept_or_refused(value):
    for field in EMISSIONS.fields:
        try:
            kept = EMISSIONS.stored(field, value)
        except WrongField:
            continue
        assert kept is None or EMISSIONS.stored(field, kept) == kept
