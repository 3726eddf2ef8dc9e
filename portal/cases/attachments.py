"""Uploaded files: what is accepted, whose they are, and the case that uses them."""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from portal import zipped
from portal.cases import kinds, quarantine
from portal.cases.kernel import Kernel
from portal.cases.live import LiveCase
from portal.cases.models import Attachment
from portal.errors import PortalError
from portal.forms import Field, Form
from portal.identity import Actor
from portal.procedures.manifest import Material
from portal.storage.quarantine import INFECTED

_NAME_LENGTH = 120
_HEAD = 8192
_LONGEST_ID = 18  # digits; beyond them no id of the database lies


class EmptyFile(PortalError):
    """A file without content."""

    zh = "“{name}”是空文件（0 字节），请重新选择。"
    en = "“{name}” is empty (0 bytes). Please choose another file."


class FileTooLarge(PortalError):
    """A file above the limit."""

    zh = "“{name}”超过 {most} MB 的上限，请压缩或拆分后上传。"
    en = "“{name}” is larger than the limit of {most} MB. Please compress or split it."


class WrongKind(PortalError):
    """A file of a kind that is not accepted, by its name or by its content."""

    zh = "“{name}”不是可以接受的文件（{accept}），或内容与扩展名不符。"
    en = "“{name}” is not an accepted kind of file ({accept}), or its content is not what its name says."


class LockedFile(WrongKind):
    """A Word file or workbook that is encrypted, or of the format of before 2007 under a new name."""

    zh = "“{name}”加了密码，或者是旧版 Office 格式，无法查看。请取消密码，另存为 .{kind} 后上传。"
    en = "“{name}” is protected by a password, or in an old Office format. Save it without one as .{kind}."


class UnsafeFile(WrongKind):
    """A zip that nobody should unpack, and why."""

    zh = "“{name}”没有通过安全检查：{why_zh}。请用 Word、Excel 或 WPS 打开，另存后重新上传。"
    en = "“{name}” did not pass the safety check: {why_en}. Save it anew with Word, Excel or WPS and upload that."

    def __init__(self, why: PortalError, name: str) -> None:
        super().__init__(name=name, why_zh=why.text("zh"), why_en=why.text("en"))


class TooMany(PortalError):
    """More files than the material allows."""

    zh = "“{title}”最多上传 {most} 个文件，请移除多余的以后再提交。"
    en = "At most {most} files can be uploaded as “{title}”. Remove some and hand in again."


class NotYourFile(PortalError):
    """An answer names a file that this person did not upload, or that another case already uses."""

    zh = "所选文件不存在或不能使用，请重新上传。"
    en = "A chosen file does not exist or cannot be used. Please upload it again."


class InfectedFile(PortalError):
    """A file that is to be handed in holds a virus."""

    zh = "“{name}”含有病毒（{found}），已经隔离，不能提交。请移除这个文件，检查电脑后重新上传。"
    en = "“{name}” holds a virus ({found}) and cannot be handed in. Remove it, check your computer and upload it anew."


@dataclass(frozen=True)
class Accepted:
    """A file that passed: its clean name, kind and hash; size in bytes."""

    key: str
    name: str
    kind: str
    size: int
    sha256: str


def examine(name: str, stream: BinaryIO, material: Material) -> Accepted:
    """Looks at an uploaded file before it is stored; the stream is back at its start afterwards.

    Raises EmptyFile, FileTooLarge, LockedFile, UnsafeFile or WrongKind. Extension and content must agree (ASVS 5.2.2).
    """
    clean = clean_name(name)
    kind = clean.rpartition(".")[2].lower()
    digest, size, head = hashlib.sha256(), 0, b""
    while chunk := stream.read(1 << 20):
        head = head or chunk[:_HEAD]
        size += len(chunk)
        if size > material.size:
            raise FileTooLarge(name=clean, most=material.size // 1_000_000)
        digest.update(chunk)
    if size == 0:
        raise EmptyFile(name=clean)
    stream.seek(0)
    if kind in material.accept and kind in kinds.OFFICE and head.startswith(zipped.OLE):
        raise LockedFile(name=clean, kind=kind)
    if kind not in material.accept or not _agrees(clean, kind, stream):
        raise WrongKind(name=clean, accept="、".join(material.accept))
    stream.seek(0)
    return Accepted(secrets.token_urlsafe(24), clean, kind, size, digest.hexdigest())


def _agrees(name: str, kind: str, stream: BinaryIO) -> bool:
    try:
        return kinds.agrees(kind, stream)
    except zipped.ZipLocked as refusal:
        raise LockedFile(name=name, kind=kind) from refusal
    except zipped.ZipRefused as refusal:
        raise UnsafeFile(refusal, name=name) from refusal


def clean_name(name: str) -> str:
    """A file's name without path, control or direction characters, at most 120 characters long."""
    base = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    plain = "".join(c for c in base if unicodedata.category(c)[0] != "C").strip(" .")
    stem, dot, kind = plain.rpartition(".")
    return f"{stem[:_NAME_LENGTH]}{dot}{kind[:10]}" if dot else plain[:_NAME_LENGTH] or "未命名"


def keep(kernel: Kernel, tx: Session, file: Accepted, actor: Actor, moment: datetime) -> Attachment:
    """Writes the row of a file that is stored already, and has it looked at; it belongs to no case yet."""
    row = Attachment(
        uploaded_by_id=actor.person_id,
        organisation_id=actor.organisation_id,
        uploaded_at=moment,
        key=file.key,
        name=file.name,
        kind=file.kind,
        size=file.size,
        sha256=file.sha256,
    )
    tx.add(row)
    tx.flush()
    quarantine.admit(kernel, tx, row)
    return row


def bind(tx: Session, case: LiveCase, form: Form, values: Mapping[str, object], actor: Actor) -> None:
    """Binds the files that answers, by the fields' names, name to the case.

    NotYourFile, TooMany, InfectedFile; WrongKind or FileTooLarge for one that was not uploaded for this material.
    """
    for key, ids in file_answers(form.fields, values):
        material = case.procedure.manifest.materials.get(key)
        if material is not None and len(ids) > material.most:
            raise TooMany(title=material.title, most=material.most)
        if not ids:
            continue
        # In one statement: an act of another family, which this one's lock does not stop, may bind them too.
        unbound = and_(Attachment.case_id.is_(None), Attachment.uploaded_by_id == actor.person_id)
        mine = update(Attachment).where(Attachment.id.in_(ids), or_(_of_case(case.id, actor), unbound))
        if set(tx.scalars(mine.values(case_id=case.id).returning(Attachment.id))) != set(ids):
            raise NotYourFile()
        _refuse_infected(tx, ids)
        if material is not None:
            _refuse_unfit(tx, ids, material)


def bind_bundle(tx: Session, case: LiveCase, form: str, values: Mapping[str, object], bundle: str) -> None:
    """The same for a case filed in public: with the files that came with its form."""
    for key, ids in file_answers(case.procedure.forms[form].fields, values):
        material = case.procedure.manifest.materials.get(key)
        if material is not None and len(ids) > material.most:
            raise TooMany(title=material.title, most=material.most)
        if not ids:
            continue
        unbound = and_(Attachment.case_id.is_(None), Attachment.bundle == bundle)
        mine = update(Attachment).where(Attachment.id.in_(ids), unbound)
        if set(tx.scalars(mine.values(case_id=case.id).returning(Attachment.id))) != set(ids):
            raise NotYourFile()
        _refuse_infected(tx, ids)


def _refuse_infected(tx: Session, ids: Iterable[int]) -> None:
    """Whoever hands a file in that was found to hold a virus meanwhile learns of it, by the name he gave it."""
    infected = select(Attachment.own_name, Attachment.found).where(Attachment.id.in_(ids), Attachment.state == INFECTED)
    for name, found in tx.execute(infected):
        raise InfectedFile(name=name, found=found)


def _refuse_unfit(tx: Session, ids: Iterable[int], material: Material) -> None:
    """A file may have been uploaded before it was known for what: programs do so."""
    for row in tx.scalars(select(Attachment).where(Attachment.id.in_(ids)).order_by(Attachment.id)):
        if row.kind not in material.accept:
            raise WrongKind(name=row.own_name, accept="、".join(material.accept))
        if row.size > material.size:
            raise FileTooLarge(name=row.own_name, most=material.size // 1_000_000)


def keep_in_bundle(kernel: Kernel, tx: Session, file: Accepted, bundle: str, moment: datetime) -> Attachment:
    """Writes the row of a stored file that came with a public form, and has it looked at."""
    row = Attachment(
        bundle=bundle,
        uploaded_at=moment,
        key=file.key,
        name=file.name,
        kind=file.kind,
        size=file.size,
        sha256=file.sha256,
    )
    tx.add(row)
    tx.flush()
    quarantine.admit(kernel, tx, row)
    return row


def of_bundle(tx: Session, bundle: str) -> list[Attachment]:
    """The files that came with a public form and that no case uses yet."""
    mine = select(Attachment).where(Attachment.bundle == bundle, Attachment.case_id.is_(None))
    return list(tx.scalars(mine.order_by(Attachment.id)))


def file_answers(fields: Iterable[Field], values: Mapping[str, object]) -> list[tuple[str, list[int]]]:
    """The file fields of a form with the ids answered; NotYourFile for what is no id."""
    found = []
    for field in fields:
        answered = values.get(field.name)
        if field.kind_name == "filepicker" and isinstance(answered, list):
            if not all(str(item).isdecimal() and len(str(item)) <= _LONGEST_ID for item in answered):
                raise NotYourFile()
            found.append((field.name, [int(item) for item in answered]))
    return found


def of_case(tx: Session, case_id: int) -> list[Attachment]:
    """The files of a case."""
    return list(tx.scalars(select(Attachment).where(Attachment.case_id == case_id).order_by(Attachment.id)))


def usable(tx: Session, actor: Actor, ids: Iterable[str], case_id: int | None = None) -> list[Attachment]:
    """Those of the uploads that the person's answers may name: his own unused ones, and the case's, of which others
    than officials name only those of their organisation."""
    own = (Attachment.uploaded_by_id == actor.person_id) & Attachment.case_id.is_(None)
    of_case = _of_case(case_id, actor) if case_id is not None else own
    known = [int(text) for text in ids if text.isdecimal() and len(text) <= _LONGEST_ID]
    rows = select(Attachment).where(Attachment.id.in_(known), or_(own, of_case))
    return list(tx.scalars(rows.order_by(Attachment.id)))


def _of_case(case_id: int, actor: Actor) -> ColumnElement[bool]:
    """The files of a case that the person may name in an answer."""
    here = Attachment.case_id == case_id
    return here if actor.official else and_(here, Attachment.organisation_id == actor.organisation_id)
