"""Made-up papers that the people of the demo hand in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "evidence"


@dataclass(frozen=True)
class Paper:
    """A file of the folder `evidence` and the name under which it is uploaded."""

    name: str
    file: str

    def content(self) -> bytes:
        """What is in it."""
        return (_FOLDER / self.file).read_bytes()


LICENCE = Paper("营业执照（演示）.pdf", "licence.pdf")
OUTPUT = (Paper("四季度产量情况说明.docx", "statement.docx"), Paper("熟料产量月报.xlsx", "output.xlsx"))
GAS = (Paper("转炉煤气计量情况说明.docx", "gas.docx"),)
STEAM = (Paper("外购蒸汽结算汇总.pdf", "steam.pdf"), Paper("转供分表照片.png", "meter.png"))
