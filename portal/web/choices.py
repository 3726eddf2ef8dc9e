"""What the fields of a form offer to choose from that only the database knows: organisations and files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.cases.models import Attachment
from portal.forms import Choices, Form, Option
from portal.identity import queries as identity
from portal.procedures.regulation import Regulation


def offered(
    tx: Session, regulation: Regulation, form: Form, answers: Mapping[str, object], person_id: int, case_id: int | None
) -> Choices:
    """For a form to be filled in: every organisation that may be a party, and the files answered so far that
    this person uploaded or that the case already has."""
    choices: dict[str, list[Option]] = {}
    organisations: list[Option] | None = None
    for field in form.fields:
        if field.kind_name == "party":
            if organisations is None:
                kinds = {kind for role in regulation.roles.values() for kind in role.applicant}
                found = identity.organisations_of_kinds(tx, kinds)
                organisations = [Option(one.uscc, f"{one.name}（{one.uscc}）") for one in found]
            choices[field.name] = organisations
        elif field.kind_name == "filepicker":
            ids = _ids(answers.get(field.name))
            mine = or_(Attachment.uploaded_by_id == person_id, Attachment.case_id == case_id)
            choices[field.name] = _files(tx, ids, mine=mine) if ids else []
    return choices


def named(tx: Session, forms: Iterable[tuple[Form, Mapping[str, object]]]) -> Choices:
    """For answers to be read back: the names of the organisations and files in them, by field."""
    codes: dict[str, set[str]] = {}
    files: dict[str, set[int]] = {}
    for form, answers in forms:
        for field in form.fields:
            value = answers.get(field.name)
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


def _files(tx: Session, ids: set[int], *, mine: object = None) -> list[Option]:
    wanted = select(Attachment.id, Attachment.name).where(Attachment.id.in_(ids)).order_by(Attachment.id)
    if mine is not None:
        wanted = wanted.where(mine)  # type: ignore[arg-type] # a condition
    return [Option(str(number), name) for number, name in tx.execute(wanted)]


def _ids(value: object) -> set[int]:
    answered = value if isinstance(value, (list, tuple)) else [value]
    return {int(item) for item in answered if isinstance(item, (int, str)) and str(item).isdecimal()}
