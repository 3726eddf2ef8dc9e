"""Zips from outside are opened only when all of their parts can be unpacked without harm."""

from __future__ import annotations

import io
import zipfile
import zlib

import pytest

from portal.zipped import (
    Limits,
    OddPart,
    SameNames,
    TooLarge,
    TooManyParts,
    TooSteep,
    ZipLocked,
    ZipRefused,
    opened,
)

LIMITS = Limits(parts=3, unpacked=6 * 1024 * 1024, ratio=100)


def packed(*parts: tuple[str, bytes], way: int = zipfile.ZIP_DEFLATED) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", way) as archive:
        for name, content in parts:
            archive.writestr(name, content)
    return whole.getvalue()


def locked(plain: bytes) -> bytes:
    """The same with the bit that says that its first part is locked."""
    listed = plain.index(b"PK\x01\x02") + 8
    return plain[:listed] + b"\x01" + plain[listed + 1 :]


def test_a_zip_within_the_limits_is_opened_from_its_start():
    stream = io.BytesIO(packed(("a", b"1"), ("b", b"2"), ("c", b"3")))
    stream.read()
    with opened(stream, LIMITS) as archive:
        assert [(name, archive.read(name)) for name in archive.namelist()] == [("a", b"1"), ("b", b"2"), ("c", b"3")]


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        (packed(*((str(n), b"") for n in range(4))), TooManyParts, "压缩包里的部件过多"),
        (packed(("a", bytes(6 * 1024 * 1024)), ("b", b"x")), TooLarge, "解压后超过 6 MB"),
        (packed(("a", bytes(2 * 1024 * 1024))), TooSteep, "部件“a”的压缩比异常"),
        (packed(("a", b"x"), way=zipfile.ZIP_LZMA), OddPart, "压缩包里的部件“a”不正常"),
        (packed(("a", b"x"), way=zipfile.ZIP_BZIP2), OddPart, "压缩包里的部件“a”不正常"),
        (locked(packed(("a", b"x"))), ZipLocked, "压缩包里的部件“a”加了密码"),
    ],
)
def test_any_other_is_refused_with_what_is_wrong(content, kind, says):
    with pytest.raises(kind) as refusal:
        opened(io.BytesIO(content), LIMITS)
    assert refusal.value.text("zh") == says
    assert isinstance(refusal.value, ZipRefused)


def test_two_parts_of_one_name_are_refused():
    twice = packed(("a", b"1"), ("b", b"2"))
    with pytest.raises(SameNames):
        opened(io.BytesIO(twice.replace(b"b", b"a")), LIMITS)


def test_a_part_may_become_very_many_times_as_large_where_that_is_no_matter():
    assert opened(io.BytesIO(packed(("a", bytes(2 * 1024 * 1024)))), Limits(3, 6 * 1024 * 1024)).namelist() == ["a"]


def test_a_small_part_may_too():
    small = bytes(1024 * 1024)
    assert len(small) > 100 * len(zlib.compress(small))
    assert opened(io.BytesIO(packed(("a", small))), LIMITS).namelist() == ["a"]


def test_what_is_no_zip_is_told_by_the_library():
    with pytest.raises(zipfile.BadZipFile):
        opened(io.BytesIO(b"no zip at all"), LIMITS)
