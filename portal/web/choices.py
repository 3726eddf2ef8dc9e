"""What the fields of a form offer to choose from that only the database knows: organisations and files.

The choices of a table's column stand under both names: `units.unit`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.cases.models import Attachment
from portal.forms import FIRST_ROWS, Choices, Form, Option
from portal.identity import queries as identity
from portal.procedures.regulation import Regulation


def offered(
    tx: Session, regulation: Regulation, form: Form, answers: Mapping[str, object], person_id: int, case_id: int | None
) -> Choices:
    """For a form to be filled in: every organisation that may be a party, and the files answered so far that
    this person uploaded or that the case already has."""
    choices: dict[str, list[Option]] = {}
    organisations: list[tuple[str, str]] | None = None
    for field in form.fields:
        columns = [column.name for column in field.columns if column.kind_name == "party"]
        if organisations is None and (columns or field.kind_name == "party"):
            kinds = {kind for role in regulation.roles.values() for kind in role.applicant}
            organisations = [(one.uscc, one.name) for one in identity.organisations_of_kinds(tx, kinds)]
        for column in columns:
            choices[f"{field.name}.{column}"] = [Option(uscc, name) for uscc, name in organisations or ()]
        if field.kind_name == "party":
            choices[field.name] = [Option(uscc, f"{name}（{uscc}）") for uscc, name in organisations or ()]
        elif field.kind_name == "filepicker":
            ids = _ids(answers.get(field.name))
            mine = or_(Attachment.uploaded_by_id == person_id, Attachment.case_id == case_id)
            choices[field.name] = _files(tx, ids, person_id, mine=mine) if ids else []
    return choices


def named(tx: Session, forms: Iterable[tuple[Form, Mapping[str, object]]]) -> Choices:
    """For answers to be read back: the names of the organisations and files in them, by field; of a table those in
    the rows that are shown."""
    codes: dict[str, set[str]] = {}
    files: dict[str, set[int]] = {}
    for form, answers in forms:
        for field in form.fields:
            value = answers.get(field.name)
            for column in field.columns:
                if column.kind_name == "party":
                    first = [row.get(column.name) for row in form.rows(field, answers)[:FIRST_ROWS]]
                    codes.setdefault(f"{field.name}.{column.name}", set()).update(str(code) for code in first if code)
            if field.kind_name == "party" and value:
                codes.setdefault(field.name, set()).add(str(value))
            elif field.kind_name == "filepicker":
                files.setdefault(field.name, set()).update(_ids(value))
    names = identity.organisation_names(tx, set().union(*codes.values())) if codes else {}
    choices = {
        name: [Option(code, names[code]) for code in sorted(found) if code in names] for name, found in codes.items()
    }
    titles = {option.value: option for option in _files(tx, set().union(*files.values()))} if files else {}
    for name, ids in files.items():
        choices[name] = [titles[str(number)] for number in sorted(ids) if str(number) in titles]
    return choices


def _files(tx: Session, ids: set[int], person_id: int | None = None, *, mine: object = None) -> list[Option]:
    wanted = select(Attachment).where(Attachment.id.in_(ids)).order_by(Attachment.id)
    if mine is not None:
        wanted = wanted.where(mine)  # type: ignore[arg-type] # a condition
    return [Option(str(row.id), row.name_for(person_id)) for row in tx.scalars(wanted)]


def _ids(value: object) -> set[int]:
    answered = value if isinstance(value, (list, tuple)) else [value]
    return {int(item) for item in answered if isinstance(item, (int, str)) and str(item).isdecimal()}
