"""Files that people upload: a real PDF, and a program that only says it is one."""

from __future__ import annotations

from playwright.sync_api import FilePayload

_OBJECTS = (
    b"<</Type/Catalog/Pages 2 0 R>>",
    b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
)


def pdf(name: str) -> FilePayload:
    """A whole PDF of one empty page; its name is part of it, so that no two are the same file."""
    body, places = b"%PDF-1.4\n% " + name.encode() + b"\n", []
    for number, content in enumerate(_OBJECTS, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(places) + 1
    end = b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF\n"
    return {"name": name, "mimeType": "application/pdf", "buffer": body + end % (count, table, count, len(body))}


def program(name: str) -> FilePayload:
    """The beginning of a Windows program, whatever its name says."""
    header = (
        b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8" + bytes(47) + b"This program cannot be run in DOS mode.\r\n$"
    )
    return {"name": name, "mimeType": "application/pdf", "buffer": header + bytes(400)}
