"""What a test proves: how large it is run, by which seed, and what it found, for docs/reliability.md."""

from __future__ import annotations

import json
import os
import random
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from tests.builders.extent import THOROUGH

RESULTS = os.environ.get("PROVE")
"""The file to which `make prove` has every proof written, a line of JSON each; None in every other run."""
PROVES_WITHIN = 4 * 3600
"""Seconds after which a proof at full size hangs."""


@dataclass
class Proof:
    """One proof: its seed, the dice thrown by it, and the figures it has found.

    `mutant` names what was broken on purpose, when the proof is that this is noticed; `missed` the figures of speed
    that miss what is aimed at.
    """

    test: str
    seed: int
    row: str = ""
    claim: str = ""
    goal: str = ""
    mutant: str = ""
    figures: dict[str, object] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, test: str) -> Proof:
        """A proof with the seed that SEED names, else one nobody knows before; it is printed."""
        seed = int(os.environ.get("SEED") or random.randrange(2**32))
        print(f"SEED={seed}")
        return cls(test, seed)

    @property
    def dice(self) -> random.Random:
        """New dice, thrown by its seed."""
        return random.Random(self.seed)

    @staticmethod
    def size(usual: int, thorough: int, proving: int) -> int:
        """How many: in `make test`, in `.ci/run` (THOROUGH), in `make prove`."""
        return proving if RESULTS else thorough if THOROUGH else usual

    def says(self, row: str, claim: str, goal: str, **figures: object) -> None:
        """What is proved: the row (R1, S4), the claim, what is asked, and what was found."""
        self.row, self.claim, self.goal, self.figures = row, claim, goal, figures
        print(row, claim, figures)

    def aims(self, figure: str, *, at_most: float = inf, at_least: float = -inf) -> None:
        """A figure of speed that was said, and what is aimed at: never asserted, as it is the machine's too, but a miss
        is told."""
        found = self.figures[figure]
        assert isinstance(found, int | float)
        if not at_least <= found <= at_most:
            self.missed.append(figure)

    def catches(self, row: str, mutant: str, **figures: object) -> None:
        """What was broken on purpose, and by what it was noticed."""
        self.row, self.mutant, self.figures = row, mutant, figures
        print(row, "mutant", mutant, figures)

    def write(self, *, held: bool) -> None:
        """Hands it to `make prove`; a proof that said nothing, or did not hold, is on record too."""
        if RESULTS:
            with Path(RESULTS).open("a") as results:
                results.write(json.dumps({**vars(self), "held": held}, ensure_ascii=False) + "\n")
