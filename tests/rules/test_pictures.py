"""How many pixels a picture has, told by its first bytes."""

from __future__ import annotations

import struct

import pytest

from portal.documents.pictures import pixels
from portal.documents.render import FileUnreadable

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"
JFIF = b"\xff\xe0\0\x10JFIF\0" + bytes(9)


def frame(marker: int, width: int, height: int) -> bytes:
    return struct.pack(">BBHBHH", 0xFF, marker, 11, 8, height, width) + b"\x01\x01\x11\0"


@pytest.mark.parametrize(
    ("head", "count"),
    [
        (PNG + struct.pack(">II", 20_000, 30_000), 600_000_000),
        (b"\xff\xd8" + JFIF + frame(0xC0, 4000, 3000), 12_000_000),
        (b"\xff\xd8" + JFIF + b"\xff" + frame(0xC2, 640, 480), 307_200),  # progressive, behind a byte that fills
        (b"\xff\xd8" + b"\xff\xc4\0\x03\0" + b"\xff\x01" + frame(0xC1, 2, 1), 2),  # a table is no frame
    ],
)
def test_width_times_height(head, count):
    assert pixels(head) == count


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GIF89a",
        PNG,
        PNG[:12] + b"IDAT" + bytes(8),
        PNG + struct.pack(">II", 0, 5),
        b"\xff\xd8",
        b"\xff\xd8" + JFIF,
        b"\xff\xd8" + JFIF + b"\xff\xda\0\x02",
        b"\xff\xd8" + JFIF + b"\0\0\0\0",
        b"\xff\xd8" + JFIF + b"\xff\xc0\0",
    ],
)
def test_what_says_no_size_is_no_picture(head):
    with pytest.raises(FileUnreadable):
        pixels(head)
