"""Poisoned XML at every door where XML comes in: refused in words, nothing is read or asked for from elsewhere."""

from __future__ import annotations

import io
import os
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import portal.documents.archive
import portal.xml
from portal.cases.attachments import examine
from portal.documents import render
from portal.documents.template import placeholders
from portal.errors import PortalError
from portal.feel.dmn import reading as dmn
from portal.forms.answers import Refused
from portal.layout.service import arrange
from portal.procedures import drawing
from portal.procedures.manifest import Material
from tests.builders import decisions, diagrams
from tests.builders.letters import plain
from tests.builders.mutants import mutate
from tests.builders.poison import poisoned, strange
from tests.builders.proving import Proof
from tests.builders.sheets import workbook
from tests.rules.test_forms_table_sheet import A, changed, read
from tests.rules.test_letters_templates import changed as with_part
from tests.rules.test_letters_templates import part

DIAGRAM = diagrams.diagram(
    diagrams.start(), diagrams.user("draft"), diagrams.end(), diagrams.path("start", "draft", "end")
)
RULES = decisions.definitions(decisions.decision("d", "<literalExpression><text>1</text></literalExpression>"))
LETTER = plain("{{ number }}")
TABLE = workbook([(A, 1)])
SHEET, STORY, TYPES = "xl/worksheets/sheet1.xml", "word/document.xml", "[Content_Types].xml"
WORD = Material("file", "材料", ("docx",), 1, 50_000_000)
SECRET = "the secret of this machine"

TOLERATED = {"a table": {"no known encoding", "long"}}
"""A table is read as UTF-8 whatever it says, and piece by piece however long a cell is that nobody asks for."""

Door = tuple[bytes, Callable[[bytes], object]]
DOORS: dict[str, Door] = {
    "a diagram": (DIAGRAM, lambda data: drawing.read("x", data, "x.bpmn")),
    "a diagram to be laid out": (DIAGRAM, lambda data: arrange(data).data),
    "decisions": (RULES, lambda data: dmn.read(data, "x.dmn")),
    "a letter's template": (part(LETTER, STORY).encode(), lambda data: placeholders(with_part(LETTER, STORY, data))),
    "a table": (part(TABLE, SHEET).encode(), lambda data: read(changed(TABLE, SHEET, lambda _old: data)).rows),
    "an uploaded file": (
        part(LETTER, TYPES).encode(),
        lambda data: examine("x.docx", io.BytesIO(with_part(LETTER, TYPES, data)), WORD),
    ),
}
SHOWN = {
    "a shown file": (part(LETTER, STORY).encode(), lambda data: render.work("word", with_part(LETTER, STORY, data))),
    "a shown workbook": (
        part(TABLE, SHEET).encode(),
        lambda data: render.work("sheets", with_part(TABLE, SHEET, data)),
    ),
}
"""Read in the killable child, where each takes a process of its own."""


class Elsewhere:
    """A file and a server that nobody may look at."""

    def __init__(self, folder: Path, server: socket.socket) -> None:
        self.secret = str(folder / "secret.txt")
        Path(self.secret).write_text(SECRET)
        self.address = f"127.0.0.1:{server.getsockname()[1]}"
        self.asked = 0
        self._server = server

    def count(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.asked += 1
            connection.close()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Elsewhere]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = Elsewhere(tmp_path, server)
        threading.Thread(target=found.count, daemon=True).start()
        yield found
        server.shutdown(socket.SHUT_RDWR)


def outcome(open_it: Callable[[bytes], object], data: bytes) -> str:
    """What became of a file at a door: why it was refused, in words, or what was made of it."""
    try:
        made = open_it(data)
    except (PortalError, Refused) as refusal:
        said = refusal.text("zh") if isinstance(refusal, PortalError) else str(refusal.error.zh)
        assert said
        assert SECRET not in said
        return f"refused: {said}"
    return f"read: {made!r}"


def let_in(door: Door, elsewhere: Elsewhere) -> list[str]:
    """The document types that a door has let in."""
    good, open_it = door
    assert outcome(open_it, good).startswith("read: ")
    tried = poisoned(good, elsewhere.secret, elsewhere.address)
    return [name for name, data in tried if name.startswith("type: ") and outcome(open_it, data).startswith("read: ")]


@pytest.mark.parametrize("door", DOORS)
def test_poisoned_xml_is_refused_in_words(door: str, elsewhere: Elsewhere, proof: Proof) -> None:
    good, open_it = DOORS[door]
    took = []
    for name, data in poisoned(good, elsewhere.secret, elsewhere.address):
        began = time.perf_counter()
        refused = outcome(open_it, data).startswith("refused: ")
        assert refused or name in TOLERATED.get(door, ()), name
        took.append(time.perf_counter() - began)
    for name, data in strange(good, elsewhere.secret, elsewhere.address):
        found = outcome(open_it, data)
        assert SECRET not in found, name
    assert elsewhere.asked == 0
    slowest = round(max(took), 3)
    proof.says("S1", f"poisoned XML as {door}", "all refused < 1 s, 0 connections", files=len(took), slowest=slowest)


def swollen(door: Door, files: list[tuple[str, bytes]]) -> dict[str, int]:
    """By how many megabytes a process of its own has grown at most, by what it was given at a door."""
    open_it, found = door[1], {}
    for name, data in files:
        here, there = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                pages = int(Path("/proc/self/statm").read_text().split()[1])
                outcome(open_it, data)
                most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
                os.write(there, str(max(0, most - pages * resource.getpagesize())).encode())
            finally:
                os._exit(0)
        os.close(there)
        with open(here) as told:
            found[name] = int(told.read()) // 1_000_000
        os.waitpid(child, 0)
    return found


@pytest.mark.thorough
@pytest.mark.parametrize("door", DOORS)
def test_poisoned_xml_takes_no_more_memory_than_it_may(door: str, elsewhere: Elsewhere, proof: Proof) -> None:
    grown = swollen(DOORS[door], list(poisoned(DOORS[door][0], elsewhere.secret, elsewhere.address)))
    most = max(grown.values())
    proof.says("S1", f"memory that poisoned XML takes as {door}", "< 200 MB", files=len(grown), most_megabytes=most)
    assert {name: much for name, much in grown.items() if much >= 200} == {}


@pytest.mark.thorough
@pytest.mark.parametrize("door", SHOWN)
def test_what_is_shown_in_place_tells_nothing_of_elsewhere(door: str, elsewhere: Elsewhere, proof: Proof) -> None:
    good, open_it = SHOWN[door]
    heavy = poisoned(good, elsewhere.secret, elsewhere.address)
    asking = [(name, data) for name, data in heavy if name.startswith(("entity", "parameter", "type", "utf"))]
    files = [*asking, *strange(good, elsewhere.secret, elsewhere.address)]
    for name, data in files:
        assert SECRET not in outcome(open_it, data), name
    assert elsewhere.asked == 0
    proof.says("S1", f"poisoned XML as {door}", "nothing read or asked for from elsewhere", files=len(files))


OFF = {
    portal.xml: [("if root.getroottree().docinfo.doctype:", "if False:")],
    portal.documents.archive: [("    if root.getroottree().docinfo.doctype:", "    if False:")],
}


@pytest.mark.thorough
@pytest.mark.parametrize("door", ["a diagram", "decisions", "a letter's template"])
def test_doors_that_let_document_types_in_are_noticed(
    door: str, elsewhere: Elsewhere, proof: Proof, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, changes in OFF.items():
        mutate(monkeypatch, module, *changes)
    found = let_in(DOORS[door], elsewhere)
    assert {"type: http", "type: empty"} <= set(found)
    proof.catches("S1", f"the refusal of document types is off: {door}", let_in=len(found))
