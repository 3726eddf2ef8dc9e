"""What the law and office custom say of letters: how numbers look, and when service counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from string import Formatter
from typing import Literal, Protocol, TypeVar, get_args

from portal.errors import ContentFaults, Fault, PortalError

How = Literal["read", "post", "in person"]
WAYS: frozenset[str] = frozenset(get_args(How))


class ServedInFuture(PortalError):
    """Service was entered for a moment that has not come yet."""

    zh = "送达时间不能晚于现在。"
    en = "The moment of service lies in the future."


class ServedBeforeIssue(PortalError):
    """Service was entered for a moment before the letter was issued."""

    zh = "送达时间不能早于文书的制发时间。"
    en = "The moment of service lies before the letter was issued."


class FileNotReady(PortalError):
    """Service was entered for a moment at which the letter had no file yet."""

    zh = "在所填的送达时间，文书文件还没有生成，不能送达。"
    en = "At that moment the letter had no file yet, so it cannot have been served."


class NoPdf(PortalError):
    """A letter of which there is no PDF: it is still being made, could not be made, or none are made here."""

    zh = "这份文书没有 PDF 版本，请下载 Word 版本。"
    en = "There is no PDF of this letter; download the Word file."


class UnknownWayOfService(PortalError):
    """A way of service the portal does not know."""

    zh = "不认识的送达方式：{how}。"
    en = "Unknown way of service: {how}."


class MalformedNumber(PortalError):
    """A number was to be drawn for something that is no year."""

    zh = "文号的年份有误：{year}。"
    en = "This is not a year a number can be drawn for: {year}."


@dataclass(frozen=True)
class DocumentRule:
    """A kind of letter, as a manifest's `[documents.*]` defines it."""

    name: str
    title: str
    template: str
    number: str
    serve: tuple[str, ...] = ()
    copy: tuple[str, ...] = ()
    basis: str | None = None


def number_faults(pattern: str) -> tuple[Fault, ...]:
    """What is wrong with a number pattern: it holds `{year}` and `{seq}`, each once, and no other braces."""
    mend = "文号写成“渝环复〔{year}〕{seq}号”的样子，{year} 与 {seq} 各一次"
    try:
        parts = list(Formatter().parse(pattern))
    except ValueError:
        return (Fault(f"文号“{pattern}”的大括号不成对", mend),)
    fields = [field for _, field, _, _ in parts if field is not None]
    if any(spec or conversion for _, _, spec, conversion in parts):
        return (Fault(f"文号“{pattern}”的占位符里有格式说明", mend),)
    if unknown := sorted(set(fields) - {"year", "seq"}):
        return (Fault(f"文号“{pattern}”有不认识的占位符 {{{unknown[0]}}}", mend),)
    if sorted(fields) != ["seq", "year"] or "{{" in pattern or "}}" in pattern:
        return (Fault(f"文号“{pattern}”不是 {{year}} 与 {{seq}} 各一次", mend),)
    return ()


def numbered(pattern: str, year: int, seq: int) -> str:
    """The number with this running count; GB/T 9704 writes it without leading zeros."""
    if faults := number_faults(pattern):
        raise ContentFaults(faults)
    if not 2000 <= year <= 9999:
        raise MalformedNumber(year=year)
    return pattern.format(year=year, seq=seq)


def check_service(how: str, at: datetime, *, now: datetime, issued: datetime, ready: datetime | None) -> None:
    """Refuse a moment of service in the future, before issue, or before the file exists (None: no file)."""
    if how not in WAYS:
        raise UnknownWayOfService(how=how)
    if at > now:
        raise ServedInFuture
    if at < issued:
        raise ServedBeforeIssue
    if ready is None or at < ready:
        raise FileNotReady


class Proof(Protocol):
    """A proof of service that has not been struck out."""

    received_at: datetime


AProof = TypeVar("AProof", bound=Proof)


def earliest(proofs: Iterable[AProof]) -> AProof | None:
    """The proof that counts: the one with the earliest moment of receipt."""
    return min(proofs, key=lambda proof: proof.received_at, default=None)
