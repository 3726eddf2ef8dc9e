"""How much one evaluation may cost, and the meter that counts it."""

from __future__ import annotations

from dataclasses import dataclass

from portal.feel.errors import FeelLimit

MAX_TEXT = 2_000
MAX_DEPTH = 64
_CHARACTERS_PER_STEP = 100


@dataclass(frozen=True)
class Budget:
    """The limits of one evaluation: steps taken, depth of nesting, length of a string or list it makes."""

    steps: int = 20_000
    depth: int = MAX_DEPTH
    size: int = 10_000


DEFAULT = Budget()


class Meter:
    """Counts what one evaluation has used; every method raises FeelLimit when the budget is spent."""

    __slots__ = ("depth", "left", "size")

    def __init__(self, budget: Budget) -> None:
        self.left = budget.steps
        self.depth = budget.depth
        self.size = budget.size

    def charge(self, steps: int) -> None:
        """Takes steps off the budget."""
        self.left -= steps
        if self.left < 0:
            raise FeelLimit("计算步数过多")

    def deeper(self, depth: int) -> int:
        """One level further down nested data, from `depth` levels."""
        if depth >= self.depth:
            raise FeelLimit("数据嵌套过深")
        return depth + 1

    def text(self, made: str) -> str:
        """A string that the expression made, charged by its length."""
        if len(made) > self.size:
            raise FeelLimit("文本过长")
        self.charge(len(made) // _CHARACTERS_PER_STEP)
        return made

    def list(self, made: list[object]) -> list[object]:
        """A list that the expression made, charged by its length."""
        self.room(len(made))
        self.charge(len(made))
        return made

    def room(self, length: int) -> None:
        """Refuses a list of this length before it is made."""
        if length > self.size:
            raise FeelLimit("列表过长")
