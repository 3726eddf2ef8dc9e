"""What people write stands in a letter as they wrote it: in the Word file, in the preview and in the PDF."""

from __future__ import annotations

import io
import shutil
import subprocess
import unicodedata
from html import unescape

import pytest
from docx import Document

from portal.documents import language, pdf, render_child
from portal.documents.preview import preview
from portal.documents.render import render
from tests.builders.letters import plain
from tests.builders.proving import Proof

URL = "https://portal.example/verify/7K3M9QXT2B4VHN8R"
SIGNS = [
    "<b>&x", "<w:t>", "</w:t></w:r></w:p>", "<!--", "-->", "]]>", "<![CDATA[x]]>",
    "<?xml version='1.0'?>", "&amp;", "&lt;", "&#60;", "&nbsp;", "a<b>c&d\"e'f", "{{ number }}",
    "{{ 7*7 }}", "{% if 1 %}x{% endif %}", "{# x #}", "{%", "%}", "{{", "}}", "{_{", "{{r x }}",
    "${x}", "#{x}", "%s%n", "{0}", "\\u003c", "\\n", "<script>alert(1)</script>", "javascript:x",
    "=1+1", "+SUM(A1)", "@x", "-1", "'; DROP TABLE x; --", "𰻝𠮷㐂䶮𬎆龘", "𪚥𠔻𡈽", "𰀀\U00031350",
    "😀👩\u200d👩\u200d👧", "é", "Ａｂｃ１２３", "ﬁ", "\u200bx\u200d", "אאب", "\u202eabc", "ﷺ", "ẞ", "㍿",
    "\ue000", "�", "ﾊﾟ",
]  # fmt: skip
CONTROLS = ["\0", "\x01", "\x08", "\x0b", "\x0c", "\x1f", "\ufffe", "\uffff"]


def letter(*values: str) -> bytes:
    """A letter with a value in each of its paragraphs."""
    lines = [f"甲{{{{ v{n} }}}}乙" for n in range(len(values))]
    return render(plain(*lines), {f"v{n}": value for n, value in enumerate(values)}, URL)


def paragraphs(word: bytes) -> list[str]:
    return [paragraph.text for paragraph in Document(io.BytesIO(word)).paragraphs]


def test_values_stand_in_file_and_preview_as_they_were_written(proof: Proof) -> None:
    word = letter(*SIGNS)
    wanted = [f"甲{value}乙" for value in SIGNS]
    assert paragraphs(word)[: len(SIGNS)] == wanted
    shown = preview(word)
    assert "<script" not in shown
    text = unescape(shown)
    assert [value for value in wanted if value not in text] == []
    proof.says("S5", "signs in a letter's values", "verbatim, 100 %", values=len(SIGNS), changed=0)


def test_what_no_file_can_hold_is_left_out_and_nothing_else(proof: Proof) -> None:
    assert paragraphs(letter(*(f"前{sign}后" for sign in CONTROLS)))[: len(CONTROLS)] == ["甲前后乙"] * len(CONTROLS)
    proof.says("S5", "control characters in a letter's values", "the rest verbatim", values=len(CONTROLS))


@pytest.mark.thorough
@pytest.mark.skipif(pdf.office() is None or shutil.which("pdftotext") is None, reason="no LibreOffice here")
def test_values_stand_in_the_pdf_as_they_were_written(proof: Proof) -> None:
    office = pdf.office()
    assert office is not None
    made = pdf.converted(letter(*SIGNS[:36]), office)
    read = subprocess.run(["pdftotext", "-", "-"], input=made, capture_output=True, check=True).stdout.decode()
    flat = unicodedata.normalize("NFC", "".join(read.split()))
    assert [value for value in SIGNS[:36] if "".join(value.split()) not in flat] == []
    proof.says("S5", "signs in a letter as PDF", "verbatim", values=36)


def test_a_letter_without_escaping_is_noticed(monkeypatch: pytest.MonkeyPatch, proof: Proof) -> None:
    made = language.Environment.__init__

    def unescaped(self: language.Environment) -> None:
        made(self)
        self.autoescape = False

    monkeypatch.setattr(language.Environment, "__init__", unescaped)
    lost = 0
    for value in SIGNS:
        try:
            word = render_child.fill(plain("甲{{ v }}乙"), {"v": value}, URL)
        except Exception:  # whatever breaks by it was noticed too
            lost += 1
        else:
            lost += paragraphs(word)[0] != f"甲{value}乙"
    assert lost >= 5
    proof.catches("S5", "autoescape is off", values_lost=lost)
