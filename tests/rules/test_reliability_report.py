"""docs/reliability.md: what was found becomes a page; what failed, or was never proved, is said as plainly."""

import json
from dataclasses import asdict, replace

import pytest

from bench.reliability import Line, Machine, failed, merged, read, report, result
from tests.builders.proving import Proof

MACHINE = Machine(cores=2, memory=8, processor="Some Processor", python="3.11.9", postgresql="18.1")
OTHER = replace(MACHINE, cores=64)
HELD = Line("a.py::test_race", 7, "R11", "many take at once", "sum = 0", "", {"attempts": 4800, "sum": 0}, held=True)
CAUGHT = Line("a.py::test_mutant", 8, "R11", "", "", "no | lock", {"found": ["overspent: -20", "two"]}, held=True)
LOST = Line("b.py::test_storm", 9, "R8", "each fires once", "< 150 s", "", {"seconds": 97.25}, held=False)
SILENT = Line("c.py::test_that_broke", 10, "", "", "", "", {}, held=False)


def stamped(proof, day="2026-11-22", machine=MACHINE):
    return replace(proof, day=day, machine=machine)


def page(*proofs):
    return report([stamped(one) for one in proofs])


def test_a_proof_is_read_from_its_line_of_json():
    line = (
        '{"test": "a.py::test_race", "seed": 7, "row": "R11", "claim": "many take at once", "goal": "sum = 0", '
        '"mutant": "", "figures": {"attempts": 4800, "sum": 0}, "held": true}'
    )
    assert read(f"{line}\n\n") == [HELD]
    assert read(json.dumps(asdict(stamped(HELD)))) == [stamped(HELD)]


def test_what_a_module_proves_anew_takes_the_place_of_what_it_had_found_and_others_stay():
    before = [stamped(HELD, "2026-11-20"), stamped(CAUGHT, "2026-11-20"), stamped(LOST, "2026-11-20")]
    gone = replace(stamped(HELD), test="gone.py::test_race")
    anew = stamped(replace(HELD, seed=70))
    assert merged([*before, gone], [anew], {"a.py", "b.py"}) == [stamped(LOST, "2026-11-20"), anew]


def test_days_and_machines_of_what_was_proved_bit_by_bit():
    text = report([stamped(HELD, "2026-11-20"), stamped(CAUGHT, "2026-11-22"), stamped(LOST, "2026-11-21", OTHER)])
    assert "| days | 2026-11-20 to 2026-11-22 |" in text
    assert "| days | 2026-11-21 |" in text
    assert "| processor | Some Processor, 64 cores |" in text
    assert "| R11 | held | 1 | 1 of 1 noticed | 2026-11-20 to 2026-11-22 |" in text


def test_a_row_tells_its_claim_goal_figures_and_seed_and_how_a_mutant_was_noticed():
    text = page(HELD, CAUGHT)
    assert "## R11: held" in text
    assert "| many take at once | sum = 0 | attempts: 4,800; sum: 0 | 7 | 2026-11-22 | held |" in text
    assert "| no \\| lock | found: overspent: -20, two | 8 | 2026-11-22 | held |" in text
    assert "| R11 | held | 1 | 1 of 1 noticed | 2026-11-22 |" in text


def test_what_failed_is_written_as_failed():
    text = page(HELD, LOST)
    assert "| R8 | **FAILED** | 1 | – | 2026-11-22 |" in text
    assert "| each fires once | < 150 s | seconds: 97.25 | 9 | 2026-11-22 | **FAILED** |" in text
    assert failed([HELD, LOST])
    assert not failed([HELD, CAUGHT])


def test_a_speed_that_misses_what_is_aimed_at_is_named_and_fails_nothing():
    slow = replace(HELD, figures={"p99_ms": 588}, missed=("p99_ms",))
    text = page(slow, CAUGHT)
    assert "| R11 | held, too slow | 1 | 1 of 1 noticed | 2026-11-22 |" in text
    assert "| many take at once | sum = 0 | p99 ms: 588 | 7 | 2026-11-22 | held; missed: p99 ms |" in text
    assert not failed([slow])
    assert read(json.dumps(asdict(slow))) == [slow]


@pytest.mark.parametrize(("figure", "missed"), [(200, []), (201, ["p99_ms"])])
def test_what_is_aimed_at_is_compared_with_what_was_found(figure, missed):
    proof = Proof("a.py::test_race", 7)
    proof.says("R1", "many take at once", "p99 < 200 ms", p99_ms=figure)
    proof.aims("p99_ms", at_most=200)
    assert proof.missed == missed


def test_a_row_that_nobody_proved_says_so_and_a_mutant_alone_proves_nothing():
    text = page(HELD)
    assert "| R8 | not proved | 0 | – | – |" in text
    assert "| S19 | not proved | 0 | – | – |" in text
    assert "## R8" not in text
    assert result([CAUGHT]) == "not proved"


def test_a_mutant_that_was_not_noticed_fails_its_row():
    missed = Line("a.py::test_mutant", 8, "R11", "", "", "no lock", {}, held=False)
    assert result([HELD, missed]) == "**FAILED**"
    assert "| no lock | a.py::test_mutant | 8 | 2026-11-22 | **FAILED** |" in page(HELD, missed)


def test_a_proof_that_ended_before_it_said_anything_is_listed_by_its_test():
    assert "| c.py::test_that_broke | **FAILED** | 10 | 2026-11-22 |" in page(SILENT)


def test_rows_stand_in_order_and_those_beyond_the_list_too():
    more = Line("test_api", 11, "S11", "no 5xx", "0", "", {"requests": 2000}, held=True)
    rows = [line.split(" | ")[0] for line in page(more, HELD).splitlines() if line.startswith(("| R", "| S"))]
    assert rows[:14] == [f"| R{number}" for number in range(1, 15)]
    assert rows[14:] == [f"| S{number}" for number in (*range(1, 16), 17, 19)]


def test_the_machine_is_told_without_a_name_or_a_path():
    text = page(HELD)
    assert "| processor | Some Processor, 2 cores |" in text
    assert "| PostgreSQL | 18.1 |" in text
    assert "| days | 2026-11-22 |" in text
