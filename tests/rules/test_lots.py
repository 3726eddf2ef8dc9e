"""Drawing by lot: who is left out and why, the same people from the same record, and what a changed record shows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.registers.lots import Candidate, NotOdd, Pool, PoolTooSmall, following, order, pool_of, seal

SCRIPT = Path(__file__).parents[2] / "portal/web/static/draw_again.py"
NUMBERS = [f"Z-{number:04d}" for number in range(1, 13)]


def published(seed: str, count: int, pool: Pool, replacements: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    drawn = order(seed, pool.numbers)[:count]
    return {
        "seed": seed, "count": count, "snapshot": pool.as_json(), "sha256": seal(pool.as_json(), seed, count),
        "drawn": drawn, "replacements": replacements or [],
    }  # fmt: skip


def the_same(drawn: list[str], passed: str = "nobody") -> tuple[int, str]:
    """What the script ends with, and says, where all is right."""
    return 0, f"The same people: {', '.join(drawn)}\nPassed over when their turn came: {passed}"


def drawn_again(tmp_path: Path, record: dict[str, Any], *sha256: str) -> tuple[int, str]:
    file = tmp_path / "record.json"
    file.write_text(json.dumps(record, ensure_ascii=False, indent=2), encoding="utf-8")
    command = [sys.executable, SCRIPT, file, *sha256]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def whole() -> Pool:
    return pool_of([Candidate(number, f"专家{number}") for number in reversed(NUMBERS)], 5)


def test_the_pool_is_sorted_and_says_who_was_left_out() -> None:
    pool = pool_of(
        [
            Candidate("Z-3", "丙"),
            Candidate("Z-1", "甲", "与申请人同单位"),
            Candidate("Z-4", "丁"),
            Candidate("Z-2", "乙"),
        ],
        3,
    )
    assert pool.numbers == ("Z-2", "Z-3", "Z-4")
    assert pool.as_json() == {
        "pool": ["Z-2", "Z-3", "Z-4"], "excluded": [{"number": "Z-1", "reason": "与申请人同单位"}],
    }  # fmt: skip
    # As `sha256sum` has it, of {"count":3,"excluded":[…],"pool":[…],"seed":"5eed"} without blanks.
    assert seal(pool.as_json(), "5eed", 3) == "fd8cef967900fe17c674049b59e69bf28cfb6cc90f48eac70b8f54aa780ddf2b"


def test_a_known_seed_gives_known_people() -> None:
    # As `sha256sum` and `sort` have it.
    assert order("0" * 32, NUMBERS)[:5] == ["Z-0007", "Z-0002", "Z-0010", "Z-0009", "Z-0012"]


@pytest.mark.parametrize("count", [-1, 0, 1, 2, 4, 6])
def test_a_committee_is_odd_and_at_least_three(count: int) -> None:
    with pytest.raises(NotOdd) as refused:
        pool_of([Candidate(number, number) for number in NUMBERS], count)
    assert refused.value.text() == f"专家人数应为单数，且不少于 3 人，现为 {count}。"


def test_a_pool_too_small_says_which_cause_removed_whom() -> None:
    candidates = [
        Candidate("Z-1", "甲", "与申请人同单位"), Candidate("Z-2", "乙", "与申请人同单位"), Candidate("Z-3", "丙"),
        Candidate("Z-4", "丁", "不属于该领域"), Candidate("Z-5", "戊"),
    ]  # fmt: skip
    with pytest.raises(PoolTooSmall) as refused:
        pool_of(candidates, 3)
    assert refused.value.text() == (
        "需抽取 3 人，名册中可以抽取的只有 2 人。被排除的：不属于该领域：1 人（丁）；与申请人同单位：2 人（甲、乙）。"
    )
    assert refused.value.text("en") == (
        "3 are to be drawn, but only 2 on the register may be. "
        "Left out: 不属于该领域: 1 (丁); 与申请人同单位: 2 (甲, 乙)."
    )


def test_an_empty_register_left_nobody_out() -> None:
    with pytest.raises(PoolTooSmall) as refused:
        pool_of([], 3)
    assert refused.value.text() == "需抽取 3 人，名册中可以抽取的只有 0 人。没有人被排除。"


def test_of_many_left_out_ten_are_named() -> None:
    with pytest.raises(PoolTooSmall) as refused:
        pool_of([Candidate(f"Z-{n}", f"专家{n}", "停用") for n in range(10, 22)], 3)
    assert (
        "停用：12 人（专家10、专家11、专家12、专家13、专家14、专家15、专家16、专家17、专家18、专家19等）"
        in refused.value.text()
    )


@given(seed=st.text(max_size=40), numbers=st.sets(st.text(min_size=1, max_size=12), min_size=3, max_size=60))
def test_the_order_is_that_of_the_numbers_whatever_order_they_come_in(seed: str, numbers: set[str]) -> None:
    try:
        seed.encode()
        listed = sorted(number for number in numbers if number.encode())
    except UnicodeEncodeError:
        return
    assert order(seed, listed) == order(seed, listed[::-1])
    assert Counter(order(seed, listed)) == Counter(listed)


@settings(max_examples=300)
@given(seed=st.integers(min_value=0, max_value=1 << 128).map(lambda number: f"{number:032x}"))
def test_everybody_comes_first_for_some_seed(seed: str) -> None:
    found = order(seed, NUMBERS)
    assert sorted(found) == NUMBERS


def test_who_was_passed_over_does_not_follow_any_more() -> None:
    assert following(["a", "b", "c", "d"], {"a", "c"}) == ["d"]
    assert following(["a", "b"], set()) == ["a", "b"]
    assert following(["a", "b"], {"b"}) == []


def test_each_is_drawn_about_as_often_as_the_others() -> None:
    count = Counter(number for n in range(6_000) for number in order(f"{n:032x}", NUMBERS)[:3])
    # 6,000 draws of 3 of 12: 1,500 each, with a deviation of about 34; none strays by six of those.
    assert all(abs(count[number] - 1_500) < 6 * 34 for number in NUMBERS)


def test_anybody_draws_the_same_people_again(tmp_path: Path) -> None:
    record = published("5eed" * 8, 5, whole())
    assert drawn_again(tmp_path, record) == the_same(record["drawn"])
    assert drawn_again(tmp_path, record, record["sha256"]) == the_same(record["drawn"])


def test_replacements_are_the_next_of_the_order(tmp_path: Path) -> None:
    found = order("5eed" * 8, NUMBERS)
    right = [
        {"number": found[0], "by": found[5]},
        {"number": found[2], "by": found[7], "passed": [{"number": found[6], "reason": "已经不在名册"}]},
        {"number": found[5], "by": None, "passed": [{"number": number, "reason": "停用"} for number in found[8:]]},
    ]
    # The seventh of the order was passed over for the eighth; then nobody of those behind was left.
    passed = ", ".join([f"{found[6]} (已经不在名册)", *(f"{number} (停用)" for number in found[8:])])
    assert drawn_again(tmp_path, published("5eed" * 8, 5, whole(), right)) == the_same(found[:5], passed)


NOT_NEXT = "{by} was not the next of those left who were not passed over for a reason when {gone} was replaced."


def test_a_replacement_that_was_not_the_next_is_noticed(tmp_path: Path) -> None:
    found = order("5eed" * 8, NUMBERS)
    wrong = [{"number": found[0], "by": found[6]}, {"number": found[2], "by": found[5]}]
    code, said = drawn_again(tmp_path, published("5eed" * 8, 5, whole(), wrong))
    assert (code, said) == (1, NOT_NEXT.format(by=found[6], gone=found[0]))
    # Drawn already, in the place of nobody, of no pool, passed over without a reason, nobody though some are left.
    for gone, by in (
        *((found[0], found[1]), (found[6], found[5]), (found[0], "Z-9999")),
        *((found[0], found[6]), (found[0], None)),
    ):
        code, said = drawn_again(tmp_path, published("5eed" * 8, 5, whole(), [{"number": gone, "by": by}]))
        assert (code, said) == (1, NOT_NEXT.format(by=by, gone=gone))
    reasons = [{"number": number, "reason": "停用"} for number in found[5:7]]
    invented = [{"number": found[0], "by": found[6], "passed": reasons}]
    code, said = drawn_again(tmp_path, published("5eed" * 8, 5, whole(), invented))
    assert (code, said) == (1, NOT_NEXT.format(by=found[6], gone=found[0]))


CHANGED = "The record was changed: the SHA-256 of its snapshot, seed and count is not the one that was published."


def left_out() -> Pool:
    """A pool of twelve, and two that were left out."""
    others = [Candidate("Z-0013", "癸", "停用"), Candidate("Z-0014", "甲", "与申请人同单位")]
    return pool_of([*(Candidate(number, number) for number in NUMBERS), *others], 5)


@pytest.mark.parametrize(
    "changed",
    [
        {"pool": [*NUMBERS, "Z-9999"]},
        {"pool": NUMBERS[1:]},
        {"pool": [NUMBERS[1], NUMBERS[0], *NUMBERS[2:]]},
        {"pool": ["Z-0000", *NUMBERS[1:]]},
        {"excluded": []},
        {"excluded": [{"number": "Z-0013", "reason": "停用"}, {"number": "Z-0014", "reason": "停用"}]},
        {"excluded": [{"number": "Z-0014", "reason": "与申请人同单位"}, {"number": "Z-0013", "reason": "停用"}]},
        {"employer": "某大学"},
    ],
)
def test_a_changed_snapshot_is_noticed(tmp_path: Path, changed: dict[str, Any]) -> None:
    record = published("5eed" * 8, 5, left_out())
    assert drawn_again(tmp_path, record) == the_same(record["drawn"])
    assert drawn_again(tmp_path, record | {"snapshot": record["snapshot"] | changed}) == (1, CHANGED)


@pytest.mark.parametrize(
    "changed", [{"seed": "f00d" * 8}, {"seed": ""}, {"count": 3}, {"count": 7}, {"sha256": "0" * 64}]
)
def test_another_seed_or_count_is_noticed(tmp_path: Path, changed: dict[str, Any]) -> None:
    assert drawn_again(tmp_path, published("5eed" * 8, 5, left_out()) | changed) == (1, CHANGED)


def test_a_record_made_anew_is_not_the_one_that_was_published(tmp_path: Path) -> None:
    """Somebody looks for a seed by which his people come out, and seals that: the digest on the minutes is another."""
    record = published("5eed" * 8, 3, left_out())
    wanted = set(NUMBERS[:3])
    seeds = (f"{number:032x}" for number in range(100_000))
    found = published(next(seed for seed in seeds if set(order(seed, NUMBERS)[:3]) == wanted), 3, left_out())
    assert drawn_again(tmp_path, found) == the_same(found["drawn"])
    assert drawn_again(tmp_path, found, record["sha256"]) == (1, CHANGED)


def test_other_people_are_noticed(tmp_path: Path) -> None:
    record = published("5eed" * 8, 5, whole())
    swapped = [record["drawn"][1], record["drawn"][0], *record["drawn"][2:]]
    for people in (swapped, record["drawn"][:4], [*record["drawn"][:4], "Z-9999"]):
        code, said = drawn_again(tmp_path, record | {"drawn": people})
        assert (code, said) == (1, f"Not the same people: drawn again {record['drawn']}, on record {people}.")


def test_the_script_is_short_enough_to_be_read() -> None:
    assert len(SCRIPT.read_text(encoding="utf-8").splitlines()) <= 30
