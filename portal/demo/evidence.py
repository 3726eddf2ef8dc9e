"""Made-up papers that the people of the demo hand in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

_FOLDER = Path(__file__).parent / "evidence"


# A page of one column, in a Chinese font that every reader of PDF has.
_PDF = """%PDF-1.4
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>> endobj
4 0 obj <</Length {length}>> stream
{page}
endstream endobj
5 0 obj <</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[6 0 R]>> endobj
6 0 obj <</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light
/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>/FontDescriptor 7 0 R>> endobj
7 0 obj <</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]
/ItalicAngle 0/Ascent 880/Descent -120/CapHeight 880/StemV 93>> endobj
"""
_SAMPLES = {"docx": "statement.docx", "xlsx": "output.xlsx", "png": "meter.png"}


@dataclass(frozen=True)
class Paper:
    """A file of the folder `evidence` and the name under which it is uploaded."""

    name: str
    file: str
    made: bytes = field(default=b"", repr=False)
    """What is in it, where it lies in no folder."""

    def content(self) -> bytes:
        """What is in it."""
        return self.made or (_FOLDER / self.file).read_bytes()


def paper(name: str) -> Paper:
    """A made-up paper of any name: a PDF that says what it stands for, or the sample of its kind."""
    stem, _, kind = name.rpartition(".")
    return Paper(name, _SAMPLES[kind]) if kind in _SAMPLES else Paper(name, "", _pdf(stem))


def _pdf(title: str) -> bytes:
    lines = (f"/F 22 Tf 72 740 Td {_words(title)}", f"/F 12 Tf 0 -40 Td {_words('演示材料，内容为虚构。')}")
    page = f"BT {' '.join(lines)} ET"
    body = _PDF.format(length=len(page), page=page).encode("ascii")
    starts = [body.index(b"%d 0 obj" % number) for number in range(1, 8)]
    table = "".join(f"{start:010} 00000 n \n" for start in starts)
    end = f"xref\n0 8\n0000000000 65535 f \n{table}trailer <</Size 8/Root 1 0 R>>\nstartxref\n{len(body)}\n%%EOF\n"
    return body + end.encode("ascii")


def _words(text: str) -> str:
    return f"<{text.encode('utf-16-be').hex()}> Tj"


LICENCE = Paper("营业执照（演示）.pdf", "licence.pdf")
OUTPUT = (Paper("四季度产量情况说明.docx", "statement.docx"), Paper("熟料产量月报.xlsx", "output.xlsx"))
GAS = (Paper("转炉煤气计量情况说明.docx", "gas.docx"),)
STEAM = (Paper("外购蒸汽结算汇总.pdf", "steam.pdf"), Paper("转供分表照片.png", "meter.png"))
