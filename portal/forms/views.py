"""What a page shows of a form: plain data for the templates in `web/templates/fields`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal

from portal.errors import Language
from portal.feel import Scope
from portal.forms.answers import ROWS, SHEET, UPLOAD, Choices, Option, Refused
from portal.forms.characters import printable
from portal.forms.expressions import value, words
from portal.forms.items import Asked, Item
from portal.forms.kinds.base import Answered, Kind
from portal.forms.kinds.corrections import ACCEPTED
from portal.forms.kinds.filepicker import FilePicker
from portal.forms.kinds.number import Number, grouped, plain
from portal.forms.kinds.table import Cells, Rows, carried
from portal.forms.kinds.textarea import TextArea
from portal.forms.tables import column_choices, kind_of
from portal.forms.tree import Field, Group, Part, Static, drivers

PAGE_ROWS = 100
"""A longer table is shown to be read, and carried by the page as JSON."""
FIRST_ROWS = 20
"""So many rows of a stored table are shown in the file of a case."""
MOST_ERRORS = 200
"""So many faults of tables are listed; of the others their number is told."""
_LONGEST_BESIDE = 80
_MOST_OFFERED = 300
"""An organisation is offered by name while there are at most so many."""


@dataclass(frozen=True)
class BesideView:
    """What somebody said that bears on a field: `label` says who and what.

    Of a number beside a number `number` is its plain digits, and `more` by how much it is more than what the field
    holds; None while the field holds none.
    """

    label: str
    text: str
    number: str = ""
    more: Decimal | None = None

    @property
    def long(self) -> bool:
        """Whether it is too long to stand beside a field unfolded."""
        return len(self.text) > _LONGEST_BESIDE or "\n" in self.text

    @property
    def apart(self) -> str:
        """How far the two numbers are apart, without sign."""
        return grouped(abs(self.more)) if self.more else ""


@dataclass(frozen=True)
class FieldView:
    """A question with what is answered so far; `template` names the file that shows it."""

    template: str
    id: str
    name: str
    kind: str
    """In lower case: `number`, `amount`, …"""
    label: str
    hint: str
    required: bool
    visible: bool
    """A field that is not visible keeps its answers in hidden inputs, so that nothing typed is lost."""
    depends_on: tuple[str, ...]
    """The names of the fields whose answers decide whether it is visible."""
    drives: bool
    """Whether other fields hang on its answer, so that a change shows the form anew."""
    values: tuple[str, ...]
    """What a browser would post: none, one, or (checklist, files) several texts."""
    options: tuple[Option, ...]
    error: str | None
    type: str
    inputmode: str | None
    short: bool
    unit: str | None
    maxlength: int | None
    accept: tuple[str, ...]
    multiple: bool
    beside: tuple[BesideView, ...]

    @property
    def value(self) -> str:
        """The one text of a field that takes one."""
        return self.values[0] if self.values else ""

    @property
    def named(self) -> tuple[Option, ...]:
        """The answers with their labels; one that is no option (a file the page does not know) names itself."""
        labels = {option.value: option.label for option in self.options}
        return tuple(Option(value, labels.get(value, value)) for value in self.values)

    @property
    def upload(self) -> str:
        """The name under which new files are posted."""
        return UPLOAD + self.name

    @property
    def described_by(self) -> str:
        """The ids of hint, limit and error, as `aria-describedby` wants them."""
        told = any(not one.long for one in self.beside)
        ends = (
            ("hint", self.hint), ("beside", told), ("limit", self.maxlength or self.accept), ("error", self.error)
        )  # fmt: skip
        return " ".join(f"{self.id}-{end}" for end, there in ends if there)

    @property
    def carried(self) -> tuple[tuple[str, str], ...]:
        """Names and texts of the hidden inputs that keep what was answered."""
        return tuple((self.name, value) for value in self.values)


@dataclass(frozen=True)
class ColumnView:
    """One column of a table; `listed` when its options are offered beside a line of text (organisations)."""

    name: str
    label: str
    hint: str
    required: bool
    kind: str
    type: str
    inputmode: str | None
    numeric: bool
    options: tuple[Option, ...]
    listed: bool


@dataclass(frozen=True)
class CellView:
    """One cell; `said` is the name of the organisation whose code it holds."""

    id: str
    name: str
    value: str
    said: str
    error: str | None


@dataclass(frozen=True)
class RowView:
    """One row with the number by which the page calls it."""

    number: int
    cells: tuple[CellView, ...]

    @property
    def bad(self) -> bool:
        """Whether something is wrong in it."""
        return any(cell.error for cell in self.cells)


@dataclass(frozen=True)
class Total:
    """The sum of a column, with its unit."""

    label: str
    text: str


@dataclass(frozen=True)
class TableView(FieldView):
    """A table to be filled in; a long one is `compact`, shown to be read and carried as JSON."""

    columns: tuple[ColumnView, ...]
    rows: tuple[RowView, ...]
    compact: bool
    count: int
    """Rows that are not blank."""
    most: int
    sums: tuple[Total, ...]
    json: str
    imports: bool

    @property
    def carried(self) -> tuple[tuple[str, str], ...]:
        """All rows in one hidden input."""
        return ((f"{self.name}.{ROWS}", self.json),)

    @property
    def sheet(self) -> str:
        """The name under which a sheet to be imported is posted."""
        return f"{self.name}.{SHEET}"


@dataclass(frozen=True)
class TableShown:
    """A stored table read back: its first rows, how many there are, and its sums."""

    name: str
    label: str
    headings: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    count: int
    sums: tuple[Total, ...]

    @property
    def more(self) -> int:
        """How many rows are not shown."""
        return self.count - len(self.rows)


@dataclass(frozen=True)
class GroupView:
    """Parts under one heading; one that is not visible still holds its fields, as hidden as it is."""

    template: str
    label: str
    visible: bool
    parts: tuple[PartView, ...]


@dataclass(frozen=True)
class ChangeView:
    """One field before and after: in words, as files (their ids), or as rows; empty where nothing was said."""

    label: str
    before: str
    after: str
    is_files: bool = False
    old_files: tuple[str, ...] = ()
    new_files: tuple[str, ...] = ()
    old_rows: TableShown | None = None
    new_rows: TableShown | None = None
    same: bool = False


@dataclass(frozen=True)
class ItemView(GroupView):
    """An item of a correction, with the questions put about it; none where it is only read."""

    no: int
    part: str
    """Whether it is asked for, answered or judged."""
    ask: str
    why: str
    """What is still to be corrected, in the words of who judged it last."""
    note: str
    result: str
    changes: tuple[ChangeView, ...] = ()
    is_open: bool = False
    """Whether it waits to be answered or judged."""

    @property
    def id(self) -> str:
        """Where a link leads to it."""
        return f"item-{self.no}"

    @property
    def is_accepted(self) -> bool:
        """Whether the answer to it was accepted."""
        return self.result == ACCEPTED


@dataclass(frozen=True)
class TextView:
    """Paragraphs that ask nothing."""

    template: str
    visible: bool
    paragraphs: tuple[str, ...]


PartView = FieldView | GroupView | TextView


@dataclass(frozen=True)
class ErrorView:
    """One line of the summary of errors; `target` is the id to go to, None if no field is shown for it."""

    text: str
    target: str | None


@dataclass(frozen=True)
class FormView:
    """A form as a page shows it."""

    id: str
    parts: tuple[PartView, ...]
    errors: tuple[ErrorView, ...]
    unlisted: int = 0
    """How many more errors there are."""

    @property
    def tables(self) -> tuple[TableView, ...]:
        """All tables."""
        return tuple(field for field in self.fields if isinstance(field, TableView))

    @property
    def items(self) -> tuple[ItemView, ...]:
        """The items of a correction."""
        return tuple(part for part in self.parts if isinstance(part, ItemView))

    @property
    def fields(self) -> tuple[FieldView, ...]:
        """All questions, those inside groups too."""
        return tuple(_fields(self.parts))

    @property
    def conditional(self) -> bool:
        """Whether an answer decides what else is asked."""
        return any(field.drives for field in self.fields)

    @property
    def uploads(self) -> tuple[str, ...]:
        """The names under which new files are posted; the page's form is then multipart."""
        files = tuple(field.upload for field in self.fields if field.kind == "filepicker")
        return files + tuple(table.sheet for table in self.tables if table.imports)


def _fields(parts: tuple[PartView, ...]) -> Iterator[FieldView]:
    for part in parts:
        if isinstance(part, FieldView):
            yield part
        elif isinstance(part, GroupView):
            yield from _fields(part.parts)


def entered(field: Field, value: object, given: object) -> tuple[str, ...]:
    """The texts to show in a field: those of the value, what was typed where it could not be read."""
    if value is not None:
        return field.kind.entered(value)
    typed = given if isinstance(given, (list, tuple)) else [given]
    return tuple(printable(text) for text in typed if isinstance(text, str) and text)


@dataclass(frozen=True)
class Showing:
    """Turns the parts of one form into views: what is entered and what is wrong, by field name."""

    scope: Scope
    fields: tuple[Field, ...]
    drivers: frozenset[str]
    entered: Mapping[str, tuple[str, ...]]
    errors: Mapping[str, str]
    choices: Choices
    tables: Mapping[str, Rows]
    language: Language

    def form(self, id: str, parts: tuple[Part, ...]) -> FormView:
        """The whole form, with the summary of its errors in the order of the page."""
        view = FormView(id, tuple(map(self._part, parts)), ())
        names, targets = _in_order(view)
        order = {name: at for at, name in enumerate(names)}
        told = sorted(self.errors, key=lambda name: order.get(name, len(order)))
        cells = [name for name in told if any(name.startswith(f"{table.name}.") for table in view.tables)]
        left_out = frozenset(cells[MOST_ERRORS:])
        errors = tuple(ErrorView(self.errors[name], targets.get(name)) for name in told if name not in left_out)
        return replace(view, errors=errors, unlisted=len(left_out))

    def _part(self, part: Part) -> PartView:
        match part:
            case Field():
                return self._field(part)
            case Item():
                shown = item_shown(part.asked, part.part, ())
                inside = tuple(map(self._part, part.parts))
                return replace(shown, visible=part.visible(self.scope), parts=inside)
            case Group():
                return self._group(part)
            case Static():
                return self._text(part)
            case _:
                raise AssertionError(part)

    def _group(self, group: Group) -> GroupView:
        label = group.label.render(self.scope) if group.label else ""
        return GroupView("group", label, group.visible(self.scope), tuple(map(self._part, group.parts)))

    def _text(self, static: Static) -> TextView:
        paragraphs = static.text.render(self.scope).split("\n\n")
        return TextView("text", static.visible(self.scope), tuple(text.strip() for text in paragraphs if text.strip()))

    def _field(self, field: Field) -> FieldView:
        return self._table(field) if field.columns else self._question(field)

    def _table(self, field: Field) -> TableView:
        rows = self.tables.get(field.name) or Rows((), (), {}, ())
        asked = self._question(field)
        columns = _columns(field, self.scope, column_choices(field, self.choices))
        read = rows.read or ({},) * len(rows.given)
        given = rows.given or ({},)  # a table without rows begins with a blank one
        texts = [_texts(field, cells, raw) for cells, raw in zip(read or ({},), given, strict=True)]
        named = {column.name: {option.value: option.label for option in column.options} for column in columns}
        return TableView(
            **{part.name: getattr(asked, part.name) for part in fields(FieldView)},
            columns=columns,
            rows=tuple(self._row(asked, columns, at, row, named) for at, row in enumerate(texts)),
            compact=len(rows.given) > PAGE_ROWS,
            count=sum(1 for row in rows.given if row),
            most=kind_of(field).most,
            sums=totals(field, read, {column.name: column.label for column in columns}),
            json=carried([row for row in texts if row]),
            imports=kind_of(field).imports,
        )

    def _row(
        self,
        table: FieldView,
        columns: tuple[ColumnView, ...],
        at: int,
        texts: Mapping[str, str],
        named: Mapping[str, Mapping[str, str]],
    ) -> RowView:
        cells = []
        for column in columns:
            name, text = f"{table.name}.{at}.{column.name}", texts.get(column.name, "")
            said = named[column.name].get(text, "") if column.kind == "party" else ""
            error = self.errors.get(name)
            if error is not None:
                error = error.removeprefix(
                    f"第 {at + 1} 行 {column.label}：" if self.language == "zh" else f"Row {at + 1}, {column.label}: "
                )
            cells.append(CellView(f"{table.id}-{at}-{column.name}", name, text, said, error))
        return RowView(at + 1, tuple(cells))

    def _question(self, field: Field) -> FieldView:
        kind, values = field.kind, self.entered[field.name]
        # A browser shows nothing in a date input whose value is no day.
        readable = kind.INPUT == "text" or not values or _is_day(values[0])
        return FieldView(
            template=kind.TEMPLATE,
            id="f-" + field.name.replace(".", "-"),
            name=field.name,
            kind=field.kind_name,
            label=field.label.render(self.scope),
            hint=field.hint.render(self.scope) if field.hint else "",
            required=kind.required,
            visible=field.visible(self.scope),
            depends_on=tuple(driver.name for driver in drivers(field.hidden_when, self.fields)),
            drives=field.name in self.drivers,
            values=values,
            options=kind.options_of(self.choices.get(field.name)),
            error=self.errors.get(field.name),
            type=kind.INPUT if readable else "text",
            inputmode=kind.INPUTMODE,
            short=kind.SHORT,
            unit=kind.unit if isinstance(kind, Number) else None,
            maxlength=kind.longest if isinstance(kind, TextArea) else None,
            accept=kind.accept if isinstance(kind, FilePicker) else (),
            multiple=kind.multiple if isinstance(kind, FilePicker) else False,
            beside=tuple(besides(field, self.scope, values)),
        )


def besides(field: Field, scope: Scope, entered: Sequence[str]) -> Iterator[BesideView]:
    """What others said that bears on a field; what nobody said is left out."""
    for one in field.beside:
        found = value(one.said, scope)
        if found is None or found == "" or found == []:
            continue
        label = one.label.render(scope)
        if isinstance(field.kind, Number) and isinstance(found, Decimal):
            text = field.kind.shown(plain(found), None)
            yield BesideView(label, text, plain(found), _more(field.kind, found, entered))
        else:
            yield BesideView(label, words(found))


def _more(kind: Number, said: Decimal, entered: Sequence[str]) -> Decimal | None:
    """By how much a number that was said is more than the one in the field."""
    try:
        typed = kind.read(entered[0]) if entered else None
    except Refused:
        return None
    return said - Decimal(typed) if typed is not None else None


def _in_order(view: FormView) -> tuple[list[str], dict[str, str]]:
    """The names under which errors are told in the order of the page, and the ids to go to."""
    names: list[str] = []
    targets: dict[str, str] = {}
    for field in view.fields:
        names.append(field.name)
        if field.visible:
            targets[field.name] = field.id
        if isinstance(field, TableView):
            cells = [cell for row in field.rows for cell in row.cells]
            names += [cell.name for cell in cells]
            if field.visible:
                targets |= {cell.name: field.id if field.compact else cell.id for cell in cells}
    return names, targets


def _columns(field: Field, scope: Scope, choices: Choices) -> tuple[ColumnView, ...]:
    views = []
    for column in field.columns:
        options = column.kind.options_of(choices.get(column.name))
        views.append(
            ColumnView(
                name=column.name,
                label=column.label.render(scope),
                hint=column.hint.render(scope) if column.hint else "",
                required=column.kind.required,
                kind=column.kind_name,
                type="text",
                inputmode=column.kind.INPUTMODE,
                numeric=isinstance(column.kind, Number),
                options=options,
                listed=column.kind_name == "party" and 0 < len(options) <= _MOST_OFFERED,
            )
        )
    return tuple(views)


def _texts(field: Field, cells: Cells, given: Cells) -> dict[str, str]:
    """The texts to show in a row: those of the values, what was typed where it could not be read."""
    found = {}
    for column in field.columns:
        if column.name in cells:
            found[column.name] = column.kind.entered(cells[column.name])[0]
        elif column.name in given:
            found[column.name] = printable(str(given[column.name]))
    return found


def totals(field: Field, rows: Sequence[Cells], labels: Mapping[str, str]) -> tuple[Total, ...]:
    """The sums that a table shows; the unit that a column's heading names stands behind the sum alone."""
    kinds = {column.name: column.kind for column in field.columns}
    return tuple(
        Total(_without_unit(kinds[name], labels[name]), kinds[name].shown(total, None))
        for name, total in kind_of(field).sums(rows).items()
    )


def _without_unit(kind: Kind, heading: str) -> str:
    """年度配额（tCO₂e）→ 年度配额."""
    unit = kind.unit if isinstance(kind, Number) else None
    return heading.removesuffix(f"（{unit}）").removesuffix(f" ({unit})") if unit else heading


def _cell(kind: Answered, heading: str, value: object, known: Sequence[Option] | None, language: Language) -> str:
    """A value as its column shows it: without the unit that the heading names."""
    if isinstance(kind, Number) and heading != _without_unit(kind, heading):
        return kind.entered(value)[0]
    return kind.shown(value, known, language)


def table_shown(
    field: Field, rows: Sequence[Cells], scope: Scope, choices: Choices, language: Language = "zh"
) -> TableShown:
    """Stored rows of a table, the first of them in words."""
    known = column_choices(field, choices)
    labels = {column.name: column.label.render(scope) for column in field.columns}
    return TableShown(
        name=field.name,
        label=field.label.render(scope),
        headings=tuple(labels[column.name] for column in field.columns),
        numeric=tuple(isinstance(column.kind, Number) for column in field.columns),
        rows=tuple(
            tuple(
                _cell(column.kind, labels[column.name], row[column.name], known.get(column.name), language)
                if column.name in row
                else ""
                for column in field.columns
            )
            for row in rows[:FIRST_ROWS]
        ),
        count=len(rows),
        sums=totals(field, rows, labels),
    )


def item_shown(asked: Asked, part: str, changes: tuple[ChangeView, ...]) -> ItemView:
    """An item as it is read."""
    return ItemView(
        "item", asked.label, True, (), asked.no, part, asked.ask, asked.why, asked.note, asked.result, changes
    )


def change(
    field: Field, old: object, new: object, scope: Scope, choices: Choices, language: Language = "zh"
) -> ChangeView:
    """One field before and after."""
    label, same = field.label.render(scope), old == new
    if isinstance(field.kind, FilePicker):
        files = [tuple(map(str, ids)) if isinstance(ids, list) else () for ids in (old, new)]
        return ChangeView(label, "", "", True, files[0], files[1], same=same)
    known = choices.get(field.name)
    texts = ["" if one is None else field.kind.shown(one, known, language) for one in (old, new)]
    rows = [
        table_shown(field, one, scope, choices, language) if field.columns and isinstance(one, list) else None
        for one in (old, new)
    ]
    return ChangeView(label, texts[0], texts[1], old_rows=rows[0], new_rows=rows[1], same=same)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
