"""A form: what is asked, which answers are accepted, how they are shown and read back."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

from portal.errors import Language
from portal.feel import Scope
from portal.forms import tables, views
from portal.forms.answers import ROWS, Choices, FieldError, Refused, flat, nested
from portal.forms.characters import printable
from portal.forms.expressions import Names, Overlaid, Written, options, plain_answer, value
from portal.forms.items import asked_in
from portal.forms.kinds.corrections import Corrections
from portal.forms.kinds.table import Cells, Rows, carried
from portal.forms.pages import Page, pages
from portal.forms.tables import CellFault, Number
from portal.forms.tree import Field, Part, drivers, fields_of, groups_of
from portal.forms.validation import breaches, schema_of
from portal.forms.views import ChangeView, FormView, ItemView, TableShown

NO_CHOICES: Choices = MappingProxyType({})
_LONGEST_NAME = 60
_ASKED_ONCE = ("prefill", "items", "refuse", "refusal")
"""Expressions on which nothing that is shown hangs."""


class Shown(NamedTuple):
    """One line of a form read back; of a table the text tells count and sums."""

    label: str
    text: str


@dataclass(frozen=True)
class Checked:
    """Answers after checking: the JSON-safe values to store (only good ones), and what is wrong by field."""

    values: dict[str, object]
    errors: dict[str, FieldError]
    answered: Mapping[str, object] = dataclasses.field(default_factory=dict)
    """The good answers by the names of the fields, those of a correction too."""
    revised: dict[str, object] | None = None
    """What the corrected form's answers come to, where this form answers corrections."""


@dataclass(frozen=True)
class _Reading:
    """Answers by field name: as given, as read, as refused; and the names of those that no field asks for."""

    given: dict[str, object]
    values: dict[str, object]
    refused: dict[str, FieldError]
    unknown: tuple[str, ...]
    tables: dict[str, Rows]
    """The rows of every table, the unreadable ones too."""


@dataclass(frozen=True)
class Laid:
    """What some answers come to: the visible fields, the scope with these answers on top, what may be chosen."""

    visible: tuple[Field, ...]
    scope: Scope
    choices: Choices


@dataclass(frozen=True)
class Form:
    """A form as stored; immutable, so that a release may share it.

    Its conditions, prefills and placeholders see `names`, the case's, below its own answers.
    """

    id: str
    parts: tuple[Part, ...]
    expressions: tuple[Written, ...]
    """Every expression with its place, for `portal check`."""
    order: tuple[Field, ...]
    """The fields, each after those that its conditions ask for."""
    of: Form | None = None
    """The form whose answers it corrects, put in by `correcting`."""

    @cached_property
    def corrections(self) -> Field | None:
        """The items of a correction in it; they are laid out by `opened` before anybody is asked."""
        return next((field for field in self.fields if isinstance(field.kind, Corrections)), None)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """All questions in the order they stand, those inside groups too."""
        return tuple(fields_of(self.parts))

    @cached_property
    def needs(self) -> frozenset[tuple[str, ...]]:
        """The paths that its expressions take from the case, for `portal check`."""
        own = {field.path[0] for field in self.fields}
        return frozenset(
            path
            for written in self.expressions
            for path in written.expression.paths
            if written.attribute == "prefill" or path[0] not in own | written.columns
        )

    def check(self, answers: Mapping[str, object], names: Names, choices: Choices = NO_CHOICES) -> Checked:
        """Answers as posted (texts, lists of texts) or as JSON; those of hidden fields are dropped.

        `choices` holds organisations and files to what the caller knows; a field without is held to its form.
        """
        reading = self._read(answers)
        laid = self._lay(reading.values, names, choices)
        values = {field.name: reading.values[field.name] for field in laid.visible if field.name in reading.values}
        errors = {name: self._no_question(name) for name in reading.unknown}
        for field, error in self._wrong(reading, laid, values):
            errors.setdefault(field.name, error.about(field.label.render(laid.scope)))
        good = {name: value for name, value in values.items() if name not in errors}
        for field in laid.visible:
            rows = reading.tables.get(field.name)
            faults = self._cells(field, rows, laid, lambda at: at + 1) if rows is not None else []
            labels = self._labels(field, laid.scope)
            for fault in faults:
                errors[f"{field.name}.{fault.row}.{fault.column.name}"] = tables.labelled(fault, labels)
                good.pop(field.name, None)
        return Checked(nested(good), errors, good)

    def _no_question(self, name: str) -> FieldError:
        """What is said to an answer that is not asked for."""
        return FieldError(
            f"这份表单没有“{name}”这一项，请刷新页面后重新提交",
            f"This form does not ask for “{name}”; reload the page and submit again",
        )

    def spread(self, answers: Mapping[str, object]) -> Mapping[str, object]:
        """Answers with those to the items of a correction, which JSON may give as a list, under the fields' names."""
        return answers

    @property
    def replaced_files(self) -> frozenset[str]:
        """The file fields in which a new file takes the place of one that was handed in before."""
        return frozenset()

    def laid(self, answers: Mapping[str, object], names: Names, choices: Choices = NO_CHOICES) -> Laid:
        """What some answers come to: which fields they bring into view, and what these can choose from."""
        return self._lay(self._read(answers).values, names, choices)

    @property
    def has_tables(self) -> bool:
        """Whether it asks for rows anywhere."""
        return bool(self._tables)

    def table(self, name: str) -> Field | None:
        """The table of that name."""
        return next((field for field in self.fields if field.columns and field.name == name), None)

    def rows(self, table: Field, answers: Mapping[str, object]) -> tuple[Cells, ...]:
        """The rows of a table as they were given, blank ones among them; none where they cannot be read."""
        rows = self._read(answers).tables.get(table.name)
        return rows.given if rows is not None else ()

    def with_rows(self, table: Field, answers: Mapping[str, object], rows: Sequence[Cells]) -> dict[str, object]:
        """Answers as posted, with other rows in a table."""
        return {**tables.without_rows(table, answers), f"{table.name}.{ROWS}": [carried(rows)]}

    def faults_in(
        self,
        table: Field,
        rows: Sequence[Cells],
        answers: Mapping[str, object],
        names: Names,
        choices: Choices,
        number: Number,
    ) -> list[CellFault]:
        """What is wrong with rows that would be put into a table beside some answers; `number` calls the rows."""
        reading = self._read({**tables.without_rows(table, answers), table.name: list(rows)})
        laid = self._lay(reading.values, names, choices)
        return self._cells(table, reading.tables[table.name], laid, number)

    def lines(self, table: Field, answers: Mapping[str, object]) -> list[list[object]]:
        """The rows of a table for a sheet: FEEL values by column, what was typed where it could not be read."""
        rows = self._read(answers).tables.get(table.name)
        if rows is None:
            return []
        read = rows.read or ({},) * len(rows.given)
        return [
            [
                column.kind.typed(cells[column.name]) if column.name in cells else given.get(column.name)
                for column in table.columns
            ]
            for given, cells in zip(rows.given, read, strict=True)
            if given
        ]

    def schema(self, answers: Mapping[str, object], names: Names, choices: Choices = NO_CHOICES) -> dict[str, Any]:
        """The JSON Schema of the fields that are visible for these answers."""
        laid = self._lay(self._read(answers).values, names, choices)
        return schema_of(laid.visible, laid.choices)

    def typed(self, values: Mapping[str, object]) -> dict[str, object]:
        """Stored values as FEEL values: numbers as Decimal, days as date."""
        reading = self._read(values)
        return nested(
            {
                name: self._by_name[name].kind.typed(value)
                for name, value in reading.values.items()
                if name in reading.given
            }
        )

    def prefill(self, names: Names) -> dict[str, object]:
        """The values a form begins with, before anybody has answered it."""
        scope = self._scope({}, names)
        values = {field.name: self._prefilled(field, scope) for field in self.fields}
        return nested({name: value for name, value in values.items() if value is not None})

    def begun(self, answers: Mapping[str, object], names: Names) -> dict[str, object]:
        """Answers so far, with what the form begins with where nobody has answered."""
        given, _unknown_names = self._given(answers)
        begun = {name: value for name, value in flat(self.prefill(names), self.group_names) if name not in given}
        return {**begun, **answers}

    @cached_property
    def pages(self) -> tuple[Page, ...]:
        """Its pages where it is filled in step by step."""
        return pages(self.parts)

    def asks(self, name: str) -> bool:
        """Whether an answer of that name is one to a field or to a cell of a table."""
        return any(page.asks(name) for page in self.pages)

    def view(
        self,
        answers: Mapping[str, object] | None,
        errors: Mapping[str, FieldError],
        names: Names,
        choices: Choices = NO_CHOICES,
        language: Language = "zh",
    ) -> FormView:
        """The form as a page shows it; what was typed is shown as typed, None (nothing yet) prefills."""
        reading = self._read(self.prefill(names) if answers is None else answers)
        laid = self._lay(reading.values, names, choices)
        entered = {
            field.name: views.entered(field, reading.values.get(field.name), reading.given.get(field.name))
            for field in self.fields
        }
        texts = {name: error.text(language) for name, error in errors.items()}
        showing = views.Showing(
            laid.scope, self.fields, self._drivers, entered, texts, laid.choices, reading.tables, language
        )
        return showing.form(self.id, self.parts)

    def display(
        self,
        values: Mapping[str, object],
        names: Names,
        choices: Choices = NO_CHOICES,
        language: Language = "zh",
        only: Collection[str] | None = None,
    ) -> list[Shown]:
        """Stored values read back, one line for each visible field (of those in `only`, where it is given); an
        unanswered one shows 未填写."""
        chinese = language == "zh"
        read = self._read(values).values
        laid = self._lay(read, names, choices)
        lines = []
        for field in laid.visible:
            if only is not None and field.name not in only:
                continue
            known = laid.choices.get(field.name)
            text = field.kind.shown(read[field.name], known, language) if field.name in read else ""
            if field.columns and text:
                labels = self._labels(field, laid.scope)
                totals = views.totals(field, self._stored_rows(read[field.name]), labels)
                sums = ((f"{one.label}合计" if chinese else f"total of {one.label}") + f" {one.text}" for one in totals)
                text = ("；" if chinese else "; ").join([text, *sums])
            lines.append(Shown(field.label.render(laid.scope), text or ("未填写" if chinese else "not answered")))
        return lines

    def display_tables(
        self,
        values: Mapping[str, object],
        names: Names,
        choices: Choices = NO_CHOICES,
        language: Language = "zh",
        only: Collection[str] | None = None,
    ) -> list[TableShown]:
        """The tables among stored values (those in `only`, where it is given), each with its first rows read back."""
        read = self._read(values).values
        laid = self._lay(read, names, choices)
        return [
            views.table_shown(field, self._stored_rows(read[field.name]), laid.scope, laid.choices, language)
            for field in laid.visible
            if field.columns and field.name in read and (only is None or field.name in only)
        ]

    def changes(
        self,
        before: Mapping[str, object],
        after: Mapping[str, object],
        names: Names,
        choices: Choices = NO_CHOICES,
        language: Language = "zh",
        only: Collection[str] | None = None,
    ) -> tuple[ChangeView, ...]:
        """Two stored answers side by side: the fields in which they differ, or those in `only`."""
        old, new = self._read(before).values, self._read(after).values
        laid = self._lay(new or old, names, choices)
        if only is None:
            only = {field.name for field in self.fields if old.get(field.name, []) != new.get(field.name, [])}
        return tuple(
            views.change(field, old.get(field.name), new.get(field.name), laid.scope, laid.choices, language)
            for field in self.fields
            if field.name in only
        )

    def sides(self, values: Mapping[str, object]) -> list[Mapping[str, object]]:
        """What the items of a correction among stored values hold of before and after, by field name."""
        if self.corrections is None or self.of is None:
            return []
        items = asked_in(values.get(self.corrections.name), self.of.group_names)
        return [side for item in items for side in (item.before, item.after)]

    def display_items(
        self,
        values: Mapping[str, object],
        names: Names,
        choices: Choices = NO_CHOICES,
        language: Language = "zh",
    ) -> tuple[ItemView, ...]:
        """The items of a correction among stored values, each with what was said before and after."""
        field, of = self.corrections, self.of
        if field is None or of is None or not isinstance(field.kind, Corrections):
            return ()
        part = field.kind.part
        return tuple(
            views.item_shown(
                one, part, of.changes(one.before, one.after, names, choices, language, {*one.before, *one.after})
            )
            for one in asked_in(values.get(field.name), of.group_names)
        )

    @cached_property
    def group_names(self) -> frozenset[str]:
        """The names of its groups whose answers form an object."""
        return frozenset(groups_of(self.parts))

    @cached_property
    def _drivers(self) -> frozenset[str]:
        seen = (written for written in self.expressions if written.attribute not in _ASKED_ONCE)
        return frozenset(field.name for field in drivers(seen, self.fields))

    @cached_property
    def _by_name(self) -> dict[str, Field]:
        return {field.name: field for field in self.fields}

    @cached_property
    def _tables(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.columns)

    def _read(self, answers: Mapping[str, object]) -> _Reading:
        given, unknown = self._given(answers)
        reading = _Reading(given, {}, {}, (), {})
        for field in self.fields:
            try:
                value = self._read_rows(field, reading) if field.columns else field.kind.read(given.get(field.name))
            except Refused as refusal:
                reading.refused[field.name] = refusal.error
            else:
                if value is not None:
                    reading.values[field.name] = value
        strange = [f"{name}.{part}" for name, rows in reading.tables.items() for part in rows.unknown]
        return replace(reading, unknown=(*unknown, *strange))

    def _given(self, answers: Mapping[str, object]) -> tuple[dict[str, object], list[str]]:
        """Answers by field, those of a table put together; and the names of those that no field asks for."""
        given: dict[str, object] = {}
        pieces: dict[str, dict[str, object]] = {}
        unknown = []
        for name, answer in flat(answers, self.group_names):
            table = next((field.name for field in self._tables if name.startswith(f"{field.name}.")), None)
            # An answer both nested and under its dotted name would be given twice.
            if name in self._by_name and name not in given:
                given[name] = answer
            elif table is not None:
                pieces.setdefault(table, {})[name.removeprefix(f"{table}.")] = answer
            else:
                unknown.append(printable(name, _LONGEST_NAME))
        for table, parts in pieces.items():
            if table in given:
                unknown += [f"{table}.{printable(part, _LONGEST_NAME)}" for part in parts]
            else:
                given[table], strange = tables.gathered(parts)
                unknown += [f"{table}.{printable(part, _LONGEST_NAME)}" for part in strange]
        return given, unknown

    @staticmethod
    def _read_rows(field: Field, reading: _Reading) -> object:
        raw = reading.given.get(field.name)
        if raw is None:
            return None
        kind = tables.kind_of(field)
        rows = kind.rows(raw)
        reading.tables[field.name] = rows
        if kind.is_too_many(rows):
            reading.refused[field.name] = kind.too_many(sum(1 for row in rows.given if row))
        return rows.stored or None

    def _cells(self, field: Field, rows: Rows, laid: Laid, number: Number) -> list[CellFault]:
        return tables.faults_of(field, rows, laid.scope, tables.column_choices(field, laid.choices), number)

    @staticmethod
    def _labels(field: Field, scope: Scope) -> dict[str, str]:
        return {column.name: column.label.render(scope) for column in field.columns}

    @staticmethod
    def _stored_rows(value: object) -> list[Cells]:
        return list(value) if isinstance(value, list) else []

    def _lay(self, values: Mapping[str, object], names: Names, choices: Choices) -> Laid:
        own = self._blank()
        scope = self._scope(own, names)
        visible = set()
        for field in self.order:
            if field.visible(scope):
                visible.add(field.name)
                if field.name in values:
                    _put(own, field, field.kind.typed(values[field.name]))
        asked = [(field.name, field) for field in self.fields]
        asked += [(f"{field.name}.{column.name}", column) for field in self._tables for column in field.columns]
        given = {name: options(value(one.options, scope)) for name, one in asked if one.options is not None}
        shown = tuple(field for field in self.fields if field.name in visible)
        return Laid(shown, scope, {**choices, **given})

    def _blank(self) -> dict[str, object]:
        """Its own names before anything is answered."""
        return nested(dict.fromkeys((field.name for field in self.fields), None))

    def _scope(self, own: Mapping[str, object], names: Names) -> Scope:
        below = names if isinstance(names, Scope) else Scope(names, {})
        return Scope(Overlaid(own, below.names), below.functions)

    def _wrong(self, reading: _Reading, laid: Laid, values: Mapping[str, object]) -> list[tuple[Field, FieldError]]:
        found = [(field, reading.refused[field.name]) for field in laid.visible if field.name in reading.refused]
        for field, keyword in breaches(schema_of(laid.visible, laid.choices), laid.visible, values):
            if keyword == "required":
                # What is wrong with rows that could not be read is told cell by cell.
                if field.name not in reading.tables or not any(reading.tables[field.name].given):
                    found.append((field, field.kind.missing()))
            else:
                found.append((field, field.kind.complaint(keyword, values[field.name])))
        scope = self._ruling(laid.scope, values)
        for field in laid.visible:
            if field.refuse is not None and field.name in values and value(field.refuse, scope) is True:
                found.append((field, tables.refused_by(field, scope)))
        return found

    def _ruling(self, scope: Scope, values: Mapping[str, object]) -> Scope:
        """What the rules that refuse answers see."""
        return scope

    def _prefilled(self, field: Field, scope: Scope) -> object:
        if field.prefill is not None:
            try:
                prefilled = field.kind.read(plain_answer(value(field.prefill, scope)))
            except Refused:
                prefilled = None
            if prefilled is not None:
                return prefilled
        return field.default


def _put(own: dict[str, object], field: Field, value: object) -> None:
    place = own
    for group in field.path[:-1]:
        inner = place[group]
        assert isinstance(inner, dict)
        place = inner
    place[field.path[-1]] = value
