"""Letters as PDF: by LibreOffice in a process that is killed when it hangs, in the letter form of GB/T 9704."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import segno

from portal.documents import pdf
from portal.documents.pdf import PdfFailed, converted
from portal.documents.render import render
from tests.features.test_documents_render import DATA, TEMPLATES, URL

OFFICE = pdf.office()


def program(folder: Path, script: str) -> str:
    """A stand-in for LibreOffice: a shell script that is called with the same arguments."""
    path = folder / "office"
    path.write_text(f"#!/bin/sh\nfor last; do :; done\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_what_the_program_makes_is_taken(tmp_path):
    assert converted(b"a letter", program(tmp_path, 'cp "$last" "$(dirname "$last")/letter.pdf"')) == b"a letter"


def test_it_gets_nothing_of_ours_and_a_profile_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    script = '(env; echo "$@"; ulimit -t) > "$(dirname "$last")/letter.pdf"'
    told = [converted(b"a letter", program(tmp_path, script)).decode() for _ in range(2)]
    assert "secret" not in told[0]
    assert f"FONTCONFIG_FILE={Path(pdf.__file__).with_name('fonts.conf')}" in told[0]
    assert re.search(r"^120$", told[0], re.MULTILINE)
    profiles = [re.search(r"-env:UserInstallation=(\S+)", text)[1] for text in told]
    assert profiles[0] != profiles[1]


def test_one_that_hangs_is_killed_with_all_that_it_started(tmp_path):
    mark = tmp_path / "still-here"
    script = f"(sleep 3; touch {mark}) &\nsleep 60"
    with pytest.raises(PdfFailed) as failed:
        converted(b"a letter", program(tmp_path, script), seconds=1)
    assert failed.value.text() == "没有转换成 PDF（more than 1 s）。Word 版本的文书不受影响。"
    time.sleep(3)
    assert not mark.exists()


def test_one_that_fails_says_why(tmp_path):
    with pytest.raises(PdfFailed) as failed:
        converted(b"a letter", program(tmp_path, "echo cannot load; exit 1"))
    assert "cannot load" in failed.value.text("en")


@pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed: letters are not made as PDF here")
def test_a_letter_as_pdf_has_its_pages_fonts_and_code(tmp_path):
    assert OFFICE is not None
    made = converted(render((TEMPLATES / "review-decision.docx").read_bytes(), DATA, URL), OFFICE)
    assert made.startswith(b"%PDF-1.")
    assert len(re.findall(rb"/Type\s*/Page\b", made)) == 2
    fonts = {name.decode() for name in re.findall(rb"/FontName\s*/[A-Z]{6}\+([\w-]+)", made)}
    assert fonts, "fonts are embedded"
    assert not any("Symbol" in name or "OpenSymbol" in name for name in fonts)
    if shutil.which("pdftoppm") is None:
        return
    (tmp_path / "letter.pdf").write_bytes(made)
    subprocess.run(["pdftoppm", "-r", "200", "-gray", tmp_path / "letter.pdf", tmp_path / "page"], check=True)
    assert modules_on(tmp_path / "page-2.pgm", segno.make(URL, micro=False, error="m")) is True


def modules_on(page: Path, code: segno.QRCode) -> bool:
    """Whether the picture of a page shows every module of a QR code, whole: then any reader can read it."""
    kind, size, _depth, pixels = page.read_bytes().split(b"\n", 3)
    assert kind == b"P5"
    width, height = map(int, size.split())
    left, right = (round(mm * 200 / 25.4) for mm in (29, 60))
    dark = [[pixels[row * width + column] < 128 for column in range(left, right)] for row in range(height)]
    rows = longest_run([any(line) for line in dark])
    columns = longest_run([any(dark[row][column] for row in range(*rows)) for column in range(right - left)])
    matrix = [[bool(module) for module in line] for line in code.matrix]
    step = (rows[1] - rows[0]) / len(matrix)
    assert step == pytest.approx((columns[1] - columns[0]) / len(matrix), rel=0.02)
    assert step * len(matrix) * 25.4 / 200 > 15, "smaller than 15 mm"
    return matrix == [
        [
            dark[int(rows[0] + (row + 0.5) * step)][int(columns[0] + (column + 0.5) * step)]
            for column in range(len(matrix))
        ]
        for row in range(len(matrix))
    ]


def longest_run(flags: list[bool]) -> tuple[int, int]:
    """Where the longest run of true values begins and ends."""
    best, start = (0, 0), None
    for at, flag in enumerate([*flags, False]):
        if flag and start is None:
            start = at
        elif not flag and start is not None:
            best, start = max(best, (start, at), key=lambda run: run[1] - run[0]), None
    return best
