"""The prepared child: it has imported what rendering needs and forks a limited process for each letter or file.

That process alone reads the request from its connection, does its work and answers. The prepared child watches
its time, and writes behind the answer how it ended.
"""

from __future__ import annotations

import gc
import io
import json
import math
import os
import resource
import select
import signal
import socket
import sys
import time
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import segno
from docx.document import Document
from docx.shared import Mm
from docx.text.paragraph import Paragraph
from docxtpl.inline_image import InlineImage
from docxtpl.template import DocxTemplate
from jinja2.exceptions import TemplateError
from lxml import etree

from portal.documents import reading
from portal.documents.archive import MB, TYPES, W
from portal.documents.filters import RenderFailed
from portal.documents.language import QR, Environment, names
from portal.documents.render import END, ORDER, STATUS, RenderBroke, RenderTooLarge, TemplateFaulty
from portal.documents.template import placeholders
from portal.errors import ContentFaults

LARGEST_LETTER = 20 * MB
IDLE = 60.0
"""Seconds without an order after which the prepared child gives its memory back."""
QR_WIDTH = Mm(24)
# The earliest moment a zip can carry; the letter's own moment stands in its properties.
WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


class LetterTemplate(DocxTemplate):
    """docxtpl without what would evaluate data: properties, footnotes, and its own escapes for braces."""

    def render_xml_part(self, src_xml: str, part: Any, context: Any, jinja_env: Any = None) -> str:  # noqa: ANN401
        """Fill one part; what comes out is well-formed or refused, never silently repaired."""
        self.current_rendering_part = part
        rendered = jinja_env.from_string(src_xml).render(context)
        filled: str = self.resolve_listing(rendered)  # type: ignore[no-untyped-call]
        try:
            etree.fromstring(filled)
        except etree.XMLSyntaxError as error:
            raise RenderBroke(reason=str(error)[:200]) from error
        return filled

    def render_properties(self, context: Any, jinja_env: Any = None) -> None:  # noqa: ANN401
        """Properties are set from the letter's data, not evaluated."""

    def render_footnotes(self, context: Any, jinja_env: Any = None) -> None:  # noqa: ANN401
        """Footnotes stay as they are: docxtpl would evaluate them once per section, data included."""


@dataclass(frozen=True)
class Rendering:
    """A piece of work under way: its process, its connection, and when it is killed (monotonic seconds)."""

    pid: int
    connection: socket.socket
    until: float


class Prepared:
    """Takes orders until the one who gives them is gone, or none has come for a while."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._running: list[Rendering] = []
        self._quiet_since = time.monotonic()
        self._ended, ends = socket.socketpair()
        for end in (self._ended, ends):
            end.setblocking(False)
        # A child's end wakes the wait below.
        signal.set_wakeup_fd(ends.fileno(), warn_on_full_buffer=False)
        self._ends = ends

    def serve(self) -> None:
        """Forks for each order, kills what takes too long, and tells how each ended."""
        while self._running or time.monotonic() - self._quiet_since < IDLE:
            ready, _, _ = select.select([self._control, self._ended], [], [], self._wait())
            if self._ended in ready:
                self._ended.recv(1 << 12)
            if self._control in ready and not self._take_order():
                break
            self._look_after()
        for rendering in self._running:
            os.kill(rendering.pid, signal.SIGKILL)

    def _wait(self) -> float:
        first = min((rendering.until for rendering in self._running), default=self._quiet_since + IDLE)
        return max(0.0, first - time.monotonic())

    def _take_order(self) -> bool:
        order, connections, _, _ = socket.recv_fds(self._control, ORDER.size, 1)
        if not order:
            return False
        connection = socket.socket(fileno=connections[0])
        (seconds,) = ORDER.unpack(order)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                status = self._alone(connection)
            finally:
                os._exit(status)
        self._running.append(Rendering(pid, connection, time.monotonic() + seconds))
        return True

    def _alone(self, connection: socket.socket) -> int:
        """In the letter's own process: nothing but its own connection is left open."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for other in (self._control, self._ended, self._ends, *(one.connection for one in self._running)):
            other.close()
        try:
            return answer(connection)
        except OSError:
            return 1  # nobody listens any more

    def _look_after(self) -> None:
        for rendering in list(self._running):
            if time.monotonic() >= rendering.until:
                os.kill(rendering.pid, signal.SIGKILL)
                ended, status = os.waitpid(rendering.pid, 0)
            else:
                ended, status = os.waitpid(rendering.pid, os.WNOHANG)
            if ended:
                self._tell(rendering, os.waitstatus_to_exitcode(status))

    def _tell(self, rendering: Rendering, status: int) -> None:
        self._running.remove(rendering)
        self._quiet_since = time.monotonic()
        rendering.connection.setblocking(False)
        with suppress(OSError), rendering.connection as connection:
            connection.sendall(STATUS.pack(END, status))


def main(control: int) -> int:
    """The prepared child; `control` is the connection over which it gets its orders."""
    # The default would not wake the wait; the handler need not do anything.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    gc.freeze()
    Prepared(socket.socket(fileno=control)).serve()
    return 0


def answer(connection: socket.socket) -> int:
    """Answers one request: a line of JSON that is null or names the failure, then what was made."""
    with connection.makefile("rb") as source:
        head, _, file = source.read().partition(b"\n")
    request = json.loads(head)
    limit(request["seconds"], request["memory"])
    try:
        made = WORKS[request["work"]](file, request)
    except MemoryError:
        return _report(connection, RenderTooLarge())
    except RenderFailed as failure:
        return _report(connection, failure)
    except ContentFaults as faulty:
        return _report(connection, TemplateFaulty(**faulty.facts))
    except (TemplateError, RecursionError, TypeError, ValueError, KeyError, etree.LxmlError) as error:
        return _report(connection, RenderBroke(reason=f"{type(error).__name__}: {error}"[:200]))
    connection.sendall(b"null\n" + made)
    return 0


def limit(seconds: float, memory: int) -> None:
    """Bound processor time (s) and memory (bytes); no file can be written."""
    whole = math.ceil(seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def fill(template: bytes, data: Mapping[str, Any], url: str) -> bytes:
    """The letter as .docx."""
    placeholders(template)
    letter = LetterTemplate(io.BytesIO(template))
    context: dict[str, object] = names({**data, "verification": {**data.get("verification", {}), "url": url}})
    context[QR] = InlineImage(letter, io.BytesIO(qr(url)), width=QR_WIDTH)  # type: ignore[no-untyped-call]
    letter.render(context, Environment())
    document = cast(Document, letter.docx)
    _give_room_to_pictures(document)
    _set_properties(document, data)
    whole = io.BytesIO()
    letter.save(whole)
    if whole.tell() > LARGEST_LETTER:
        raise RenderTooLarge
    return repacked(whole.getvalue())


def qr(url: str) -> bytes:
    """A QR code as PNG, with the quiet zone that readers need."""
    picture = io.BytesIO()
    segno.make(url, micro=False, error="m").save(picture, kind="png", scale=8, border=4)
    return picture.getvalue()


def repacked(package: bytes) -> bytes:
    """The same package with parts in a fixed order and without the time of packing."""
    whole = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as source, zipfile.ZipFile(whole, "w") as target:
        for name in sorted(source.namelist(), key=lambda name: (name != TYPES, name)):
            entry = zipfile.ZipInfo(name, ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, source.read(name))
    return whole.getvalue()


def _give_room_to_pictures(letter: Document) -> None:
    """Single spacing around pictures, which exact spacing would cut off, and words for who cannot see."""
    for paragraph in letter.element.body.iter(f"{W}p"):
        if next(paragraph.iter(f"{W}drawing"), None) is not None:
            Paragraph(paragraph, letter).paragraph_format.line_spacing = 1.0
    for picture in letter.element.body.iter(f"{WP}docPr"):
        picture.set("descr", picture.get("descr") or "核验二维码")


def _set_properties(letter: Document, data: Mapping[str, Any]) -> None:
    """Properties tell of the letter, not of who edited the template or when it was rendered."""
    issued = data.get("issued_at")
    moment = datetime.fromisoformat(issued).astimezone(UTC).replace(tzinfo=None) if issued else datetime(*ZIP_EPOCH)
    properties = letter.core_properties
    properties.title = str(data.get("title", ""))[:255]
    properties.subject = str(data.get("number", ""))[:255]
    properties.author = properties.last_modified_by = properties.comments = properties.keywords = ""
    properties.created = properties.modified = properties.last_printed = moment
    properties.revision = 1


def _letter(template: bytes, request: Mapping[str, Any]) -> bytes:
    return fill(template, request["data"], request["url"])


WORKS: Mapping[str, Callable[[bytes, Mapping[str, Any]], bytes]] = {
    "letter": _letter,
    "word": lambda file, _: reading.word(file),
    "sheets": lambda file, _: reading.sheets(file),
}
"""What can be asked for: each gets the file and the request, and says what it made."""


def _report(connection: socket.socket, failure: RenderFailed) -> int:
    said = {
        "name": type(failure).__name__,
        "facts": {key: str(value) for key, value in failure.facts.items()},
    }
    connection.sendall(json.dumps(said).encode() + b"\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
