"""How many pixels a picture from outside has, read from its first bytes without unpacking it."""

from __future__ import annotations

import struct
from itertools import chain

from portal.documents.render import FileUnreadable

HEAD = 1_000_000
"""So many bytes of a file hold the size of any picture that a camera or scanner writes."""
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
# Start-of-frame markers, without those that define tables or restart.
_FRAMES = frozenset(chain(range(0xC0, 0xC4), range(0xC5, 0xC8), range(0xC9, 0xCC), range(0xCD, 0xD0)))
_ALONE = frozenset(chain([0x01], range(0xD0, 0xD8)))
_SCAN = 0xDA


def pixels(head: bytes) -> int:
    """Width times height of a PNG or JPEG, from its first HEAD bytes; FileUnreadable where they do not say it."""
    try:
        width, height = _of_png(head) if head.startswith(_PNG) else _of_jpeg(head)
    except (struct.error, IndexError) as error:
        raise FileUnreadable from error
    if width == 0 or height == 0:
        raise FileUnreadable
    return width * height


def _of_png(head: bytes) -> tuple[int, int]:
    name, width, height = struct.unpack_from(">4sII", head, len(_PNG) + 4)
    if name != b"IHDR":
        raise FileUnreadable
    return width, height


def _of_jpeg(head: bytes) -> tuple[int, int]:
    """From the first frame; the segments before it are stepped over."""
    at = len(_JPEG)
    while head.startswith(_JPEG) and head[at] == 0xFF and head[at + 1] != _SCAN:
        if head[at + 1] in _FRAMES:
            height, width = struct.unpack_from(">HH", head, at + 5)
            return width, height
        at += _length(head, at)
    raise FileUnreadable


def _length(head: bytes, at: int) -> int:
    """Bytes of the segment that begins there, its marker counted; a byte that only fills is one of its own."""
    if head[at + 1] == 0xFF:
        return 1
    if head[at + 1] in _ALONE:
        return 2
    (length,) = struct.unpack_from(">H", head, at + 2)
    return 2 + int(length)
