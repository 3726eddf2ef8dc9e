"""What was handed in with a filing: which material is missing, which file was given twice, or in an earlier case."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases.attachments import file_answers
from portal.cases.live import LiveCase
from portal.cases.models import Attachment, Case


def materials_of(case: LiveCase) -> dict[str, object]:
    """What expressions see as `materials`.

    `missing`: the titles of the materials of the manifest of which the start form, as answered last, has no file, but
    for those that are optional there. `twice`: of each file that was handed in more than once, by its content
    (SHA-256), its names and the titles of the materials it was given for.
    """
    answered, form = handed_in(case), case.procedure.start_form
    optional = {field.name for field in form.fields if not field.kind.required} if form is not None else set()
    wanted = {key: one.title for key, one in case.procedure.manifest.materials.items() if key not in optional}
    missing = [title for key, title in wanted.items() if not answered.get(key)]
    return {"missing": missing, "twice": [_named(case, alike) for alike in _alike(case, answered)]}


def _alike(case: LiveCase, answered: Mapping[str, list[int]]) -> list[list[tuple[str, Attachment]]]:
    """The files of the same content, each with the field it answers, where there is more than one."""
    asked = [(key, id) for key, group in answered.items() for id in group]
    rows = case.tx.scalars(select(Attachment).where(Attachment.id.in_([id for _key, id in asked])))
    files = {file.id: file for file in rows}
    alike: dict[str, list[tuple[str, Attachment]]] = {}
    for key, id in asked:
        if id in files:
            alike.setdefault(files[id].sha256, []).append((key, files[id]))
    return [group for group in alike.values() if len(group) > 1]


def _named(case: LiveCase, alike: Iterable[tuple[str, Attachment]]) -> str:
    """说明.pdf（申请书、附件）."""
    materials = case.procedure.manifest.materials
    titles = (materials[key].title if key in materials else key for key, _file in alike)
    names = (file.name for _key, file in alike)
    return f"{'、'.join(dict.fromkeys(names))}（{'、'.join(dict.fromkeys(titles))}）"


def handed_in(case: LiveCase) -> dict[str, list[int]]:
    """The files that the start form names, by the field that asked for them."""
    form, start = case.procedure.start_form, case.procedure.drawing.start()
    said = case.values.latest("", start.id)
    return dict(file_answers(form.fields, said.value)) if form is not None and said is not None else {}


class HandedInBefore:
    """The function `handed_in_before`: in which other cases a file of the same content was handed in."""

    def __init__(self, tx: Session, case: LiveCase) -> None:
        self._tx, self._case = tx, case

    def __call__(self, files: object) -> list[str]:
        """The numbers of the cases of the same regulation, but for those that ended without a decision (withdrawn,
        lapsed, not admitted); `files` is what a file field was answered with."""
        ids = _ids(files)
        found = self._cases(ids) if ids else []
        return [row.number for row in found if row.ended_at is None or self._case.other(row.id).decided]

    def _cases(self, ids: Collection[int]) -> list[Case]:
        hashes = select(Attachment.sha256).where(Attachment.id.in_(ids))
        same = select(Attachment.case_id).where(Attachment.sha256.in_(hashes), Attachment.case_id != self._case.id)
        here = (Case.id.in_(same), Case.regulation == self._case.row.regulation)
        return list(self._tx.scalars(select(Case).where(*here).order_by(Case.id)))


class FileHash:
    """The function `file_hash`: the SHA-256 of the file that a field was answered with."""

    def __init__(self, tx: Session) -> None:
        self._tx = tx

    def __call__(self, files: object) -> str | None:
        """Hexadecimal; None when not exactly one file was handed in."""
        ids = _ids(files)
        return self._tx.scalar(select(Attachment.sha256).where(Attachment.id == ids[0])) if len(ids) == 1 else None


def _ids(files: object) -> list[int]:
    return [int(id) for id in files if str(id).isdecimal()] if isinstance(files, list) else []
