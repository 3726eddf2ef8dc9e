"""Writes docs/reliability.md from what `make prove` has found: `python -m bench.reliability FILE`.

FILE holds a line of JSON for each proof, as tests/builders/proving.py writes them. With the day and the machine they
are kept in docs/reliability.jsonl, in place of what the same modules of tests had found before; what others had found
stays.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from portal import clock
from portal.db import binaries

ROOT = Path(__file__).resolve().parents[1]
REPORT, KEPT = ROOT / "docs" / "reliability.md", ROOT / "docs" / "reliability.jsonl"
ROWS = (*(f"R{n}" for n in range(1, 15)), *(f"S{n}" for n in (*range(1, 11), 12, 13, 14, 15, 17, 19)))
"""What has to be proved; one of which nothing was said is not proved."""
HELD, SLOW, FAILED, NOTHING = "held", "held, too slow", "**FAILED**", "not proved"
_BYTES = 1 << 30


@dataclass(frozen=True)
class Machine:
    """On what it was proved; no name and no path of it."""

    cores: int
    memory: int
    """GiB."""
    processor: str
    python: str
    postgresql: str


@dataclass(frozen=True)
class Line:
    """One proof as its test has written it down."""

    test: str
    seed: int
    row: str
    claim: str
    goal: str
    mutant: str
    figures: Mapping[str, Any]
    held: bool
    missed: Sequence[str] = ()
    """Figures of speed that miss what is aimed at."""
    day: str = ""
    """When, in ISO form; empty in what its test has just written."""
    machine: Machine | None = None

    @property
    def module(self) -> str:
        """The file of its test."""
        return self.test.partition("::")[0]


def read(lines: str) -> list[Line]:
    """The proofs of a file, one a line."""
    return [_line(json.loads(line)) for line in lines.splitlines() if line.strip()]


def _line(told: dict[str, Any]) -> Line:
    machine = told.pop("machine", None)
    missed = tuple(told.pop("missed", ()))
    return Line(**told, missed=missed, machine=Machine(**machine) if machine else None)


def merged(kept: Sequence[Line], new: Sequence[Line], modules: Collection[str]) -> list[Line]:
    """What is proved now: the new proofs, and the kept ones of other modules among those that there are."""
    anew = {one.module for one in new}
    stay = [one for one in kept if one.module in modules and one.module not in anew]
    return sorted([*stay, *new], key=lambda one: (_order(one.row) if one.row else ("", 0), one.test))


def failed(proofs: Sequence[Line]) -> bool:
    """Whether a proof did not hold, or a mutant was not noticed."""
    return not all(one.held for one in proofs)


def report(proofs: Sequence[Line]) -> str:
    """The whole page: what was proved, when and on which machine, row by row, and what was not."""
    rows = sorted({*ROWS, *(one.row for one in proofs if one.row)}, key=_order)
    parts = [
        "# Reliability",
        "Written by `make prove`, which runs every proof at full size; `make prove ONLY=tests/faults/test_racers.py` "
        "runs those of a module and leaves the others as they were found. A row names its claim and its goal, what was "
        "found, when, and the seed by which it can be run again (`SEED=… make prove ONLY=…`); for each thing that was "
        "broken on purpose, how it was noticed. Seconds are of the machine and are asserted nowhere; one that misses "
        "what is aimed at is named beside the result.",
        *(_facts(proofs, machine) for machine in dict.fromkeys(one.machine for one in proofs if one.machine)),
        "## All rows",
        _table(("row", "result", "proofs", "broken on purpose", "days"), (_summary(row, proofs) for row in rows)),
        *(part for row in rows for part in _section(row, [one for one in proofs if one.row == row])),
    ]
    lost = [one for one in proofs if not one.row]
    if lost:
        parts += ["## Ended before they said anything", _table(("test", "result", "seed", "day"), map(_unsaid, lost))]
    return "\n\n".join(parts) + "\n"


def _order(row: str) -> tuple[str, int]:
    return row[:1], int(row[1:])


def _facts(proofs: Sequence[Line], machine: Machine) -> str:
    facts = (
        ("days", _days([one for one in proofs if one.machine == machine])),
        ("processor", f"{machine.processor}, {machine.cores} cores"),
        ("memory", f"{machine.memory} GiB"),
        ("Python", machine.python),
        ("PostgreSQL", machine.postgresql),
    )
    return _table(("", ""), facts)


def _days(proofs: Sequence[Line]) -> str:
    days = sorted({one.day for one in proofs})
    return " to ".join([days[0], days[-1]] if len(days) > 1 else days)


def _summary(row: str, proofs: Sequence[Line]) -> tuple[str, ...]:
    mine = [one for one in proofs if one.row == row]
    mutants = [one for one in mine if one.mutant]
    caught = f"{sum(one.held for one in mutants)} of {len(mutants)} noticed" if mutants else "–"
    return row, result(mine), str(len(mine) - len(mutants)), caught, _days(mine) or "–"


def result(proofs: Sequence[Line]) -> str:
    """How a row stands: a mutant alone proves nothing."""
    if failed(proofs):
        return FAILED
    if all(one.mutant for one in proofs):
        return NOTHING
    return SLOW if any(one.missed for one in proofs) else HELD


def _section(row: str, proofs: Sequence[Line]) -> Iterator[str]:
    if not proofs:
        return
    yield f"## {row}: {result(proofs)}"
    claims, mutants = [one for one in proofs if not one.mutant], [one for one in proofs if one.mutant]
    if claims:
        yield _table(
            ("claim", "goal", "found", "seed", "day", "result"),
            [(one.claim, one.goal, _said(one), str(one.seed), one.day, _held(one)) for one in claims],
        )
    if mutants:
        yield _table(
            ("broken on purpose", "noticed by", "seed", "day", "result"),
            [(one.mutant, _said(one), str(one.seed), one.day, _held(one)) for one in mutants],
        )


def _held(one: Line) -> str:
    if not one.held:
        return FAILED
    return f"held; missed: {', '.join(_named(one.missed))}" if one.missed else HELD


def _unsaid(one: Line) -> tuple[str, ...]:
    return one.test, _held(one), str(one.seed), one.day


def _said(one: Line) -> str:
    said = zip(_named(one.figures), one.figures.values(), strict=True)
    return "; ".join(f"{name}: {_figure(value)}" for name, value in said) or one.test


def _named(figures: Iterable[str]) -> list[str]:
    return [name.replace("_", " ") for name in figures]


def _figure(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,g}" if value < 1000 else f"{value:,.0f}"
        case list():
            return ", ".join(map(_figure, value)) or "none"
        case dict():
            return ", ".join(f"{name} {_figure(one)}" for name, one in value.items())
        case _:
            return str(value)


def _table(head: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def this_machine() -> Machine:
    """What the proofs have run on."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        cores=os.cpu_count() or 1,
        memory=round(pages / _BYTES),
        processor=models[0] if models else platform.machine(),
        python=platform.python_version(),
        postgresql=_postgresql(),
    )


def _postgresql() -> str:
    """The version of the server that the proofs have run on, which DATABASE_URL may have named."""
    given = os.environ.get("DATABASE_URL")
    if given:
        with psycopg.connect(given) as connection:
            return str(connection.info.parameter_status("server_version"))
    found = binaries.find(binaries.account()).folder / "postgres"
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
    return said.stdout.split()[-1]


def main() -> int:
    """0 when everything held and every mutant was noticed."""
    [found] = sys.argv[1:]
    day, machine = clock.day_of(clock.now()).isoformat(), this_machine()
    new = [replace(one, day=day, machine=machine) for one in read(Path(found).read_text())]
    there = {str(path.relative_to(ROOT)) for path in ROOT.glob("tests/**/test_*.py")}
    proofs = merged(read(KEPT.read_text()) if KEPT.exists() else [], new, there)
    KEPT.write_text("".join(f"{json.dumps(asdict(one), ensure_ascii=False)}\n" for one in proofs))
    REPORT.write_text(report(proofs))
    missing = [row for row in ROWS if result([one for one in proofs if one.row == row]) == NOTHING]
    print(f"{REPORT.name}: {len(proofs)} proofs ({len(new)} new), {sum(not one.held for one in proofs)} failed")
    print(f"not proved: {', '.join(missing) or 'nothing'}")
    return 1 if failed(new) or not new else 0


if __name__ == "__main__":
    sys.exit(main())
