"""File names that mean something to somebody: keys are random, names are text, the header gives each back."""

from __future__ import annotations

import io
import re
import unicodedata
from urllib.parse import unquote

import pytest
from flask import Flask, Response

from portal.cases.attachments import clean_name, examine
from portal.edge import files
from portal.edge.files import disposition, sent
from portal.procedures.manifest import Material
from tests.builders.proving import Proof
from tests.security.test_types import PDF

ANY = Material("file", "材料", ("pdf",), 1, 5_000_000)
NAMES = {
    "../../etc/passwd.pdf": "passwd.pdf",
    "..\\..\\windows\\system32\\x.pdf": "x.pdf",
    "/etc/x.pdf": "x.pdf",
    "C:\\Users\\张\\报告.pdf": "报告.pdf",
    "\\\\host\\share\\x.pdf": "x.pdf",
    "a\0b.pdf": "ab.pdf",
    "a\r\nSet-Cookie: x=1.pdf": "aSet-Cookie: x=1.pdf",
    "a\nb\tc.pdf": "abc.pdf",
    "\u202efdp.exe.pdf": "fdp.exe.pdf",
    "a\u200b\u2066b\u2069.pdf": "ab.pdf",
    "\ufeffa.pdf": "a.pdf",
    "a\x1b[31m.pdf": "a[31m.pdf",
    "a\x7f\x85.pdf": "a.pdf",
    "报" * 255 + ".pdf": "报" * 120 + ".pdf",
    "e\u0301.pdf": "é.pdf",
    "é.pdf": "é.pdf",
    "\u1112\u1161\u11ab.pdf": "한.pdf",
    "CON.pdf": "CON.pdf",
    "nul.tar.pdf": "nul.tar.pdf",
    'a"b;c=d.pdf': 'a"b;c=d.pdf',
    "a'b%22c.pdf": "a'b%22c.pdf",
    "%2e%2e%2fx.pdf": "%2e%2e%2fx.pdf",
    "; filename=evil.exe.pdf": "; filename=evil.exe.pdf",
    "a+b c&d#e?f.pdf": "a+b c&d#e?f.pdf",
    "<img src=x onerror=alert(1)>.pdf": "<img src=x onerror=alert(1)>.pdf",
    "<!--#exec cmd=id-->.pdf": "<!--#exec cmd=id-->.pdf",
    "$(id) `id` |id.pdf": "$(id) `id` |id.pdf",
    "=cmd|' !A0.pdf": "=cmd|' !A0.pdf",
    "-rf *.pdf": "-rf *.pdf",
    "𰻝𠮷😀.pdf": "𰻝𠮷😀.pdf",
    "   空 格   .pdf": "空 格   .pdf",
    "...x.pdf": "x.pdf",
    "x.PDF": "x.PDF",
    "{{ 7*7 }}.pdf": "{{ 7*7 }}.pdf",
    "名，称；“引号”.pdf": "名，称；“引号”.pdf",
    "a.pdf.": "a.pdf",
    "\ud800x.pdf": "x.pdf",
}
_KEY = re.compile(r"[A-Za-z0-9_-]{32}")


_EXTENDED = re.compile(r"; filename\*=UTF-8''((?:[A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-F]{2})+)$")
"""How RFC 8187 writes a name; `filename*` goes before `filename` (RFC 6266)."""


def given_back(header: str) -> str | None:
    """The name by which a browser saves a file; None where the header does not say it by the rules."""
    found = _EXTENDED.search(header)
    return unquote(found[1], errors="strict") if found else None


@pytest.mark.parametrize("given", NAMES, ids=ascii)
def test_a_name_is_text_and_nothing_else(given: str) -> None:
    file = examine(given, io.BytesIO(PDF), ANY)
    assert file.name == NAMES[given]
    assert _KEY.fullmatch(file.key)
    assert not {unicodedata.category(sign)[0] for sign in file.name} & {"C"}


def test_keys_are_random_and_say_nothing_of_the_name(proof: Proof) -> None:
    keys = {examine(given, io.BytesIO(PDF), ANY).key for given in NAMES for _ in range(20)}
    assert len(keys) == 20 * len(NAMES)
    proof.says("S8", "keys of uploaded files", "random", names=len(NAMES), keys=len(keys))


def round_trips() -> tuple[int, list[str]]:
    """How many names were sent, and those that do not come back as they were."""
    names = [*{clean_name(given) for given in NAMES}, "档案 〔2026〕3号.docx", "x", "名" * 120 + ".xlsx"]
    lost = []
    with Flask(__name__).test_request_context():
        for name in names:
            header = sent(Response(b""), name).headers["Content-Disposition"]
            alone = header.isascii() and "\r" not in header and "\n" not in header and header.count(";") == 2
            if not (alone and given_back(header) == name):
                lost.append(name)
    return len(names), lost


def test_the_header_gives_every_name_back(proof: Proof) -> None:
    count, lost = round_trips()
    assert lost == []
    assert clean_name("") == "未命名"
    assert disposition("a.pdf", inline=True).startswith("inline; ")
    proof.says("S8", "names in the header of a download", "exact, 100 %", names=count, lost=0)


def test_a_header_that_does_not_quote_is_noticed(monkeypatch: pytest.MonkeyPatch, proof: Proof) -> None:
    monkeypatch.setattr(files, "quote", lambda name, safe: name)
    _, lost = round_trips()
    assert lost
    proof.catches("S8", "names stand in the header as they are", lost=len(lost))
