"""Opens zips from outside (Word files, workbooks) whose parts can be unpacked without harm, and no others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from stat import S_ISLNK
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from portal.errors import PortalError

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How a file of old Office begins, and one that a password locks: neither is a zip."""
_FIRST, _PART, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_HEADER, _END_LENGTH = 30, 22
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """How many parts a zip may have, how many bytes all of them unpacked, and how many times its packed size a part
    that unpacks to more than a megabyte; None: any."""

    parts: int
    unpacked: int
    ratio: int | None = None


class ZipRefused(PortalError):
    """A zip of which nothing is unpacked."""


class ZipLocked(ZipRefused):
    """A part of it is locked by a password."""

    zh = "压缩包里的部件“{part}”加了密码"
    en = "The part “{part}” of the zip is locked by a password"


class OddPart(ZipRefused):
    """A part is packed or named in a way that no Office program uses: it may ask for any amount of memory, or lead out
    of the zip."""

    zh = "压缩包里的部件“{part}”不正常"
    en = "The part “{part}” of the zip is not a proper one"


class OddZip(ZipRefused):
    """Something lies before or behind the zip, so that another reader may take the same bytes for something else."""

    zh = "压缩包前后还有别的内容"
    en = "There is something else before or behind the zip"


class SameNames(ZipRefused):
    """Two parts have one name, so that two readers may see different files."""

    zh = "压缩包里的部件“{part}”重名"
    en = "The zip has two parts “{part}”"


class TooHeavy(ZipRefused):
    """It would become too much when unpacked."""


class TooManyParts(TooHeavy):
    """More parts than the limit."""

    zh = "压缩包里的部件过多"
    en = "The zip has too many parts"


class TooLarge(TooHeavy):
    """More bytes, all parts together, than the limit."""

    zh = "解压后超过 {most} MB"
    en = "The zip unpacks to more than {most} MB"


class TooSteep(TooHeavy):
    """A part that becomes very many times as large: a bomb."""

    zh = "部件“{part}”的压缩比异常"
    en = "The part “{part}” of the zip becomes suspiciously large"


def opened(stream: BinaryIO, limits: Limits) -> ZipFile:
    """The zip, when it keeps the limits: ZipRefused; BadZipFile and the like for what is none."""
    stream.seek(0)
    content = stream.read()
    # Listing the parts takes memory for each of them already.
    if content.count(_PART) > limits.parts:
        raise TooManyParts
    archive = ZipFile(stream)
    parts = archive.infolist()
    _check_packing(parts)
    if content[:4] not in (_FIRST, _END) or content[-_END_LENGTH:][:4] != _END or _begins_later(parts):
        raise OddZip
    _check_apart(parts)
    if sum(part.file_size for part in parts) > limits.unpacked:
        raise TooLarge(most=limits.unpacked // _MEGABYTE)
    for part in parts:
        steep = limits.ratio is not None and part.file_size > limits.ratio * max(part.compress_size, 1)
        if steep and part.file_size > _MEGABYTE:
            raise TooSteep(part=part.filename)
    return archive


def _check_packing(parts: Iterable[ZipInfo]) -> None:
    names = set()
    for part in parts:
        if part.flag_bits & 1:
            raise ZipLocked(part=part.filename)
        if _leads_outside(part):
            raise OddPart(part=part.filename)
        if part.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise OddPart(part=part.filename)
        if part.filename in names:
            raise SameNames(part=part.filename)
        names.add(part.filename)


def _begins_later(parts: Iterable[ZipInfo]) -> bool:
    return min((part.header_offset for part in parts), default=0) > 0


def _check_apart(parts: Iterable[ZipInfo]) -> None:
    """Refuses parts that share bytes: many could then be unpacked from a few."""
    end = 0
    for part in sorted(parts, key=lambda part: part.header_offset):
        if part.header_offset < end:
            raise OddPart(part=part.filename)
        end = part.header_offset + _HEADER + part.compress_size


def _leads_outside(part: ZipInfo) -> bool:
    """Whether unpacking the part would write, or read, somewhere else."""
    name = part.filename
    outside = name.startswith("/") or "\\" in name or ".." in name.split("/") or ":" in name
    return outside or S_ISLNK(part.external_attr >> 16)
