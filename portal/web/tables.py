"""Tables on pages: rows added and removed, a sheet imported or given out; nothing of it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast

from flask import Response, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from portal.cases.attachments import clean_name
from portal.cases.tasks import known_parties
from portal.edge.files import TYPES, disposition
from portal.feel import Scope
from portal.forms import PAGE_ROWS, PRESSED, SHEET, Choices, Field, FieldError, Form, Option, sheet
from portal.forms.answers import Refused
from portal.forms.sheet import Heading, SheetFault
from portal.forms.tables import kind_of, without_rows
from portal.forms.views import TableView

Answers = Mapping[str, object]

MOST_LISTED = 200
"""So many faults of a sheet are listed; of the others their number is told."""
_LARGEST_ROWS = 3_000_000
"""Bytes of all rows as a page carries them; beyond, the page could not be posted."""
_ROW_BY_ROW = frozenset({"add", "remove", "clear"})
_BY_SHEET = frozenset({"import", "sample", "download"})


@dataclass(frozen=True)
class Asked:
    """What a button of a table asks for; `row` is the place of the row to remove."""

    table: Field
    doing: str
    row: int | None = None
    file: FileStorage | None = None

    @property
    def gives_out(self) -> bool:
        """Whether the answer is a file, and the page stays as it is."""
        return self.doing in ("sample", "download")


@dataclass(frozen=True)
class TableSaid:
    """What a page says beside a table: what was read in, or every fault of the sheet that was not; where to go on."""

    read: str = ""
    faults: tuple[SheetFault, ...] = ()
    unlisted: int = 0
    focus: str = ""


Said = Mapping[str, TableSaid]
"""What a page says beside its tables, by their names."""
NOTHING: Said = {}


@dataclass(frozen=True)
class Changed:
    """The answers after a button was pressed, what is wrong, and what is said beside the tables."""

    answers: Answers
    errors: Mapping[str, FieldError]
    said: Said


def asked(form: Form | None) -> Asked | None:
    """What this request asks of a table: by a button, or by a chosen sheet that nobody has imported yet."""
    pressed = request.form.get(PRESSED, "")
    for table in (field for field in form.fields if field.columns) if form else ():
        file = request.files.get(f"{table.name}.{SHEET}")
        doings = _ROW_BY_ROW | (_BY_SHEET if kind_of(table).imports else frozenset())
        chosen = file if file is not None and file.filename and "import" in doings else None
        if pressed.startswith(f"{table.name}."):
            doing, _dot, row = pressed.removeprefix(f"{table.name}.").partition(".")
            if doing in doings:
                return Asked(table, doing, int(row) if row.isdecimal() and len(row) < 6 else None, chosen)
        elif not pressed and chosen is not None:
            return Asked(table, "import", None, chosen)
    return None


def change(tx: Session, form: Form, asked: Asked, answers: Answers, names: Scope) -> Changed:
    """What a page shows after a button was pressed; what was in the table stays whenever a sheet is not right."""
    if asked.doing == "import":
        return _imported(tx, form, asked, answers, names)
    table = asked.table
    rows = list(form.rows(table, answers)) or [{}]
    focus = ""
    if asked.doing == "clear":
        rows = []
    elif asked.doing == "remove" and asked.row is not None:
        rows[asked.row : asked.row + 1] = []
    elif asked.doing == "add" and len(rows) >= PAGE_ROWS:
        zh = f"{{label}}在页面上最多逐行填写 {PAGE_ROWS} 行，更多的请从 Excel 导入"
        return Changed(answers, {table.name: _about(table, zh, "import the rows from Excel", names)}, {})
    elif asked.doing == "add":
        focus = f"f-{table.name.replace('.', '-')}-{len(rows)}-{table.columns[0].name}"
        rows.append({})
    return Changed(form.with_rows(table, answers, rows), {}, {table.name: TableSaid(focus=focus)})


def given_out(form: Form, asked: Asked, answers: Answers, names: Scope, choices: Choices) -> Response:
    """The sample to fill in, or the table as the page has it, as a workbook."""
    view = _view(form, asked.table, answers, names, choices)
    if asked.doing == "sample":
        return workbook(asked.table, view, [], {}, _("%(table)s（样表）", table=view.label))
    return workbook(asked.table, view, form.lines(asked.table, answers), _names_in(asked.table, choices), view.label)


def stored(form: Form, table: Field, values: Answers, names: Scope, choices: Choices) -> Response:
    """The rows of a stored table as a workbook."""
    view = _view(form, table, values, names, choices)
    return workbook(table, view, form.lines(table, values), _names_in(table, choices), view.label)


def workbook(
    table: Field, view: TableView, lines: Sequence[Sequence[object]], known: Mapping[str, str], title: str
) -> Response:
    """A workbook as a download."""
    content = sheet.written(view.label, _headings(table, view), lines, known)
    response = Response(content, content_type=TYPES["xlsx"])
    response.headers["Content-Disposition"] = disposition(f"{title}.xlsx")
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _imported(tx: Session, form: Form, asked: Asked, answers: Answers, names: Scope) -> Changed:
    table, kind = asked.table, kind_of(asked.table)
    if asked.file is None:
        error = _about(table, "{label}：请先选择要导入的 Excel 文件", "choose an Excel file to import", names)
        return Changed(answers, {table.name: error}, {})
    file = clean_name(asked.file.filename or "")
    missing = _to_be_answered_first(form, table, answers, names)
    if missing:
        return _not_read(table, answers, file, missing, names)
    view = _view(form, table, answers, names, {})
    headings = _headings(table, view)
    try:
        found = sheet.read(cast(BinaryIO, asked.file.stream), headings, kind.most)
    except Refused as refusal:
        return _refused(table, view, answers, file, [SheetFault(None, "", refusal.error)])
    known = known_parties(tx, form, {table.name: list(found.rows)})
    cells = form.faults_in(table, found.rows, answers, names, known, lambda at: found.numbers[at])
    cells += sheet.name_faults(found, headings, table, _names_in(table, known))
    faults = found.told(cells, {heading.field.name: heading.label for heading in headings})
    if faults:
        return _refused(table, view, answers, file, faults)
    read = kind.rows(list(found.rows)).stored
    changed = form.with_rows(table, answers, read)
    if (
        sum(len(str(answer).encode()) for name, answer in changed.items() if name.startswith(table.name))
        > _LARGEST_ROWS
    ):
        error = FieldError("表中的文字太多，一次放不下，请拆成几个文件，分几次办理", "too much text; split the file")
        return _refused(table, view, answers, file, [SheetFault(None, "", error)])
    said = _("已从“%(file)s”读入 %(n)s 行，尚未提交；请核对后提交。", file=file, n=f"{len(read):,}")
    if found.ignored:
        said += _(
            "只读取了第一张工作表“%(first)s”，没有读取：%(others)s。",
            first=found.title,
            others="、".join(found.ignored),
        )
    return Changed(changed, {}, {table.name: TableSaid(read=said)})


def _to_be_answered_first(form: Form, table: Field, answers: Answers, names: Scope) -> list[tuple[Field, FieldError]]:
    """The fields beside the table by which its rows are judged, and that are not answered rightly yet."""
    rules = [rule for column in table.columns for rule in (*column.hidden_when, column.refuse) if rule is not None]
    asked = {path for rule in rules for path in rule.expression.paths if path[0] not in rule.columns}
    errors = form.check(without_rows(table, answers), names).errors
    judging = (field for field in form.fields if any(path[: len(field.path)] == field.path for path in asked))
    return [(field, errors[field.name]) for field in judging if field.name in errors]


def _not_read(
    table: Field, answers: Answers, file: str, missing: Sequence[tuple[Field, FieldError]], names: Scope
) -> Changed:
    labels = [field.label.render(names) for field, _error in missing]
    zh = f"请先填好“{'”“'.join(labels)}”再导入，各行要按它核对；“{file}”没有读入，请届时重新选择"
    en = f"fill in {', '.join(labels)} first: the rows are checked against it; “{file}” was not read"
    errors = {field.name: error for field, error in missing}
    return Changed(answers, {**errors, table.name: _about(table, f"{{label}}：{zh}", en, names)}, {})


def _refused(table: Field, view: TableView, answers: Answers, file: str, faults: Sequence[SheetFault]) -> Changed:
    error = FieldError(
        f"{view.label}：“{file}”没有导入，有 {len(faults):,} 处需要改正；页面上原有的行没有变动",
        f"{view.label}: “{file}” was not imported; places to correct: {len(faults):,}; the page's rows are unchanged",
    )
    said = TableSaid(faults=tuple(faults[:MOST_LISTED]), unlisted=max(0, len(faults) - MOST_LISTED))
    return Changed(answers, {table.name: error}, {table.name: said})


def _view(form: Form, table: Field, answers: Answers, names: Scope, choices: Choices) -> TableView:
    return next(view for view in form.view(answers, {}, names, choices).tables if view.name == table.name)


def _headings(table: Field, view: TableView) -> list[Heading]:
    return [
        Heading(column, shown.label, shown.hint, shown.options)
        for column, shown in zip(table.columns, view.columns, strict=True)
    ]


def _names_in(table: Field, choices: Choices) -> dict[str, str]:
    """The names of organisations by their codes, as the choices of the table's columns tell them."""
    options: list[Option] = []
    for column in table.columns:
        if column.kind_name == "party":
            options += choices.get(f"{table.name}.{column.name}", ())
    return {option.value: option.label for option in options}


def _about(table: Field, zh: str, en: str, names: Scope) -> FieldError:
    label = table.label.render(names)
    return FieldError(zh.replace("{label}", label), f"{label}: {en}")
