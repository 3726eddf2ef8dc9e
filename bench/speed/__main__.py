"""`portal bench [ROW…]`: measures the table of speed, or some of its rows, and prints it.

--write puts the whole of it into docs/performance.md; --closed N fills the boards with N closed cases (1,000,000 takes
its time).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from bench.speed import report, rows
from bench.speed.figures import Figure, yardstick
from portal import clock
from portal.clock import day_of

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "performance.md"


def main() -> int:
    """0 when every goal was reached."""
    wanted = argparse.ArgumentParser(prog="portal bench", description=__doc__)
    wanted.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(rows.ROWS))
    wanted.add_argument("--closed", type=int, default=10_000, help="closed cases beside which boards are asked")
    wanted.add_argument("--write", action="store_true", help="write the whole table into docs/performance.md")
    wanted.add_argument("--json", action="store_true")
    options = wanted.parse_args()
    unknown = set(options.rows) - set(rows.ROWS)
    if unknown:
        wanted.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(rows.ROWS)}")
    if options.write and options.rows:
        wanted.error("--write replaces the whole table: name no rows with it")
    measures: dict[str, Callable[[], list[Figure]]] = {
        **rows.ROWS,
        "boards": partial(rows.boards, closed_cases=options.closed),
    }
    figures: list[Figure] = []
    for name in options.rows or measures:
        before = yardstick()
        measured = measures[name]()
        pace = " – ".join(f"{seconds:.2f}" for seconds in sorted((before, yardstick()))) + " s"
        for one in (replace(one, pace=pace) for one in measured):
            figures.append(one)
            print(
                f"{'' if one.reached else 'MISSED '}{one.what}: {one.got} ({one.goal}); {one.detail}; pace {pace}",
                flush=True,
            )
    told = report.table(figures, day_of(clock.now()), report.machine())
    if options.json:
        print(json.dumps([asdict(one) for one in figures], ensure_ascii=False))
    if options.write:
        DOCUMENT.write_text(report.written(DOCUMENT.read_text(), told))
    return 0 if all(one.reached for one in figures) else 1


if __name__ == "__main__":
    raise SystemExit(main())
