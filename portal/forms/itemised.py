"""The form of a correction with its items laid out: what is answered checked, put together again, and shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

from portal.errors import Language
from portal.feel import Scope
from portal.forms.answers import Choices, FieldError, flat, nested
from portal.forms.characters import printable
from portal.forms.expressions import Names, Overlaid
from portal.forms.form import NO_CHOICES, Checked, Form, Laid
from portal.forms.items import Asked, Item, named
from portal.forms.kinds.corrections import ANSWER, ASK, JUDGE, Corrections
from portal.forms.kinds.filepicker import FilePicker
from portal.forms.kinds.table import Rows
from portal.forms.pages import belongs
from portal.forms.tables import CellFault, Number
from portal.forms.tree import Field, fields_of
from portal.forms.views import FieldView, FormView, ItemView, PartView


@dataclass(frozen=True, kw_only=True)
class OpenForm(Form):
    """A form whose items are laid out as questions; what is stored of them is the list of the items."""

    field: Field
    """The items as the form's file has them."""
    items: tuple[Item, ...]
    answers: Mapping[str, object]
    """What is corrected, as FEEL sees it."""
    stored: Mapping[str, object]
    """The same, JSON-safe, by field name."""

    @property
    def part(self) -> str:
        """The part of the correction: asked for, answered, judged."""
        return cast(Corrections, self.field.kind).part

    @property
    def replaced_files(self) -> frozenset[str]:
        """Those of the items."""
        files = (one.name for one in self._asked if isinstance(one.kind, FilePicker))
        return frozenset(files if self.part == ANSWER else ())

    @cached_property
    def _asked(self) -> tuple[Field, ...]:
        """The fields of the corrected form that are asked anew."""
        return tuple(one for item in self.items for one in self._fields(item)) if self.part == ANSWER else ()

    def _fields(self, item: Item) -> tuple[Field, ...]:
        """The fields of the corrected form in an item."""
        return tuple(one for one in fields_of(item.parts) if not one.name.startswith(f"{item.name}."))

    # Answers

    def spread(self, answers: Mapping[str, object]) -> Mapping[str, object]:
        """Answers with those that JSON gives as a list of items under the fields' names.

        What an item of the list leaves out stays as it was; so does what the list leaves out.
        """
        listed = answers.get(self.field.name)
        if self.part == ASK or not isinstance(listed, list | tuple):
            return answers
        if not all(isinstance(one, Mapping) for one in listed):
            return answers
        found = {name: one for name, one in answers.items() if name != self.field.name}
        by_number = {str(item.asked.no): item for item in self.items}
        for one in listed:
            number = printable(str(one.get("no", "")), 20)
            inside = {name: part for name, part in one.items() if name != "no"}
            found |= dict(self._named(by_number.get(number), f"{self.field.name}.n{number}", inside))
        for field in self._asked:
            if field.name in self.stored and not any(belongs(name, field) for name in found):
                found[field.name] = self.stored[field.name]
        return found

    def _given(self, answers: Mapping[str, object]) -> tuple[dict[str, object], list[str]]:
        return super()._given(self.spread(answers))

    def _named(self, item: Item | None, prefix: str, inside: Mapping[str, object]) -> Iterator[tuple[str, object]]:
        """What was said about one item, each answer under its field's name."""
        if item is None:
            yield prefix, ""
            return
        own = {one.name for one in fields_of(item.parts)}
        for name, part in inside.items():
            if f"{prefix}.{name}" in own:
                yield f"{prefix}.{name}", part
                continue
            for deeper, answer in flat({name: part}, self._of.group_names):
                yield (deeper if deeper in own else f"{prefix}.{deeper}"), answer

    def check(self, answers: Mapping[str, object], names: Names, choices: Choices = NO_CHOICES) -> Checked:
        """As any form; an item that nobody has answered is refused, and so is an answer to one that is not open."""
        checked = super().check(answers, names, choices)
        errors = {name: self._told(name, error) for name, error in checked.errors.items()}
        if self.part == ANSWER:
            errors |= self._left_open(checked.answered, errors)
        good = {name: one for name, one in checked.answered.items() if name not in errors}
        own = {name: one for name, one in good.items() if not self._is_of_items(name)}
        values = {**nested(own), **self._collected(good)}
        revised = self._revised(good, names) if self.part == ANSWER else None
        return Checked(values, errors, good, revised)

    def _is_of_items(self, name: str) -> bool:
        return (
            name.startswith(f"{self.field.name}.")
            or name == self.field.name
            or any(one.name == name for one in self._asked)
        )

    def _told(self, name: str, error: FieldError) -> FieldError:
        """What is wrong, with the number of its item."""
        for item in self.items:
            if any(belongs(name, one) for one in fields_of(item.parts)):
                return FieldError(f"第 {item.asked.no} 项：{error.zh}", f"Item {item.asked.no}: {error.en}")
        return error

    def _left_open(self, answered: Mapping[str, object], errors: Mapping[str, FieldError]) -> dict[str, FieldError]:
        """The items in which nothing was changed and nothing said."""
        found = {}
        for item in self.items:
            inside = tuple(fields_of(item.parts))
            if any(belongs(name, one) for name in errors for one in inside) or self._is_answered(item, answered):
                continue
            said = item.asked
            found[inside[0].name] = FieldError(
                f"第 {said.no} 项：“{said.label}”还没有补正。请改正；没有改动的，请在补正说明里写明理由",
                f"Item {said.no}: “{said.label}” has not been corrected. Correct it, or say in the note why not",
            )
        return found

    def _is_answered(self, item: Item, values: Mapping[str, object]) -> bool:
        """Whether anything in an item was changed or said; of one that is judged, whether it was."""
        if self.part == JUDGE:
            return f"{item.name}.result" in values
        names = [one.name for one in self._fields(item)]
        after = _answers(values, names)
        return bool(values.get(f"{item.name}.note")) or after != _answers(item.asked.before, names)

    def _no_question(self, name: str) -> FieldError:
        numbers = [str(item.asked.no) for item in self.items]
        rest = (
            f"这次请答复第 {'、'.join(numbers)} 项" if numbers else "这次没有需要答复的事项",
            f"answer {', '.join(numbers)} now" if numbers else "there is nothing to answer now",
        )
        zh = "不在这次的补正事项中：已经接受的不再要求补正，也不再收答复。"
        en = "is not asked for now: what was accepted is closed;"
        number = re.match(rf"{re.escape(self.field.name)}\.n([0-9]{{1,9}})(\.|$)", name)
        if number is not None and number[1] not in numbers:
            return FieldError(f"第 {number[1]} 项{zh}{rest[0]}", f"Item {number[1]} {en} {rest[1]}")
        field = next((one for one in self._of.fields if belongs(name, one)), None)
        if self.part == ANSWER and field is not None:
            label = field.label.render(self._of.laid(self.stored, {}).scope)
            return FieldError(f"“{label}”{zh}{rest[0]}", f"“{label}” {en} {rest[1]}")
        return super()._no_question(name)

    # What is stored

    def _ruling(self, scope: Scope, values: Mapping[str, object]) -> Scope:
        """The items as they would be stored, so that a rule may speak of all of them."""
        if self.part == ASK:
            return scope
        items = self.field.kind.typed(self._collected(values)[self.field.name])
        return Scope(Overlaid({self.field.name: items}, scope.names), scope.functions)

    def _collected(self, good: Mapping[str, object]) -> dict[str, object]:
        """The items as they are stored."""
        if self.part == ASK:
            rows = good.get(self.field.name)
            return {self.field.name: self._listed(rows)} if isinstance(rows, list) else {}
        collect = self._answer_to if self.part == ANSWER else self._judgement_of
        return {self.field.name: [collect(item, good) for item in self.items]}

    def _listed(self, rows: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
        about = self.fields[[one.name for one in self.fields].index(self.field.name)].columns[0]
        labels = {option.value: option.label for option in about.kind.options_of(None)}
        return [
            {"no": at + 1, "about": row["about"], "label": labels.get(str(row["about"]), ""), "ask": row["ask"]}
            for at, row in enumerate(rows)
            if "about" in row and "ask" in row
        ]

    def _answer_to(self, item: Item, good: Mapping[str, object]) -> dict[str, object]:
        said, names = item.asked, [one.name for one in self._fields(item)]
        found = {
            "why": said.why,
            "note": good.get(f"{item.name}.note"),
            "before": _side(said.about, _answers(said.before, names)),
            "after": _side(said.about, _answers(good, names)),
        }
        return _item(said) | {name: one for name, one in found.items() if one}

    def _judgement_of(self, item: Item, good: Mapping[str, object]) -> dict[str, object]:
        said = item.asked
        found = {
            "note": said.note,
            "before": _side(said.about, said.before),
            "after": _side(said.about, said.after),
            "result": good.get(f"{item.name}.result"),
            "why": good.get(f"{item.name}.why"),
        }
        return _item(said) | {name: one for name, one in found.items() if one}

    def _revised(self, good: Mapping[str, object], names: Names) -> dict[str, object]:
        """The corrected form's answers with those given anew; what they take out of view is dropped."""
        asked = {one.name for one in self._asked}
        kept = {name: one for name, one in self.stored.items() if name not in asked}
        whole = {**kept, **{name: one for name, one in good.items() if name in asked}}
        visible = {one.name for one in self._of.laid(whole, names).visible}
        return nested({name: one for name, one in whole.items() if name in visible})

    # Pages

    def prefill(self, names: Names) -> dict[str, object]:
        """What was said before, in the items."""
        asked = {one.name for one in self._asked}
        return super().prefill(names) | {name: one for name, one in self.stored.items() if name in asked}

    def view(
        self,
        answers: Mapping[str, object] | None,
        errors: Mapping[str, FieldError],
        names: Names,
        choices: Choices = NO_CHOICES,
        language: Language = "zh",
    ) -> FormView:
        """The form with, for each item, what was said before and whether it is answered."""
        view = super().view(answers, errors, names, choices, language)
        values = self._read(self.prefill(names) if answers is None else answers).values
        by_number = {item.asked.no: item for item in self.items}

        def told(part: PartView) -> PartView:
            if not isinstance(part, ItemView):
                return part
            item = by_number[part.no]
            in_view = [one.name for one in part.parts if isinstance(one, FieldView) and one.visible]
            names_in = [*item.asked.before, *item.asked.after] if self.part == JUDGE else in_view
            changes = self._of.changes(item.asked.before, item.asked.after, names, choices, language, names_in)
            wrong = any(belongs(name, one) for name in errors for one in fields_of(item.parts))
            return replace(part, changes=changes, is_open=wrong or not self._is_answered(item, values))

        return replace(view, parts=tuple(map(told, view.parts)))

    @property
    def _of(self) -> Form:
        assert self.of is not None
        return self.of

    def _blank(self) -> dict[str, object]:
        """What was answered before, without what is asked anew; its own names laid over that."""
        if self.part != ANSWER:
            return super()._blank()
        own = cast(dict[str, object], _copied(self.answers))
        for field in self.fields:
            place = own
            for group in field.path[:-1]:
                inner = place.setdefault(group, {})
                if not isinstance(inner, dict):
                    inner = place[group] = {}
                place = inner
            place[field.path[-1]] = None
        return own

    def _cells(self, field: Field, rows: Rows, laid: Laid, number: Number) -> list[CellFault]:
        found = super()._cells(field, rows, laid, number)
        if self.part != ASK or field.name != self.field.name:
            return found
        return [*found, *self._twice(field, rows)]

    def _twice(self, table: Field, rows: Rows) -> Iterator[CellFault]:
        """Items about a field that another is about already."""
        seen: dict[str, int] = {}
        for at, row in enumerate(rows.read):
            about = row.get("about")
            inside = [one.name for one in named(self._of.parts, str(about))] if about else []
            other = next((seen[name] for name in inside if name in seen), None)
            if other is not None:
                zh = f"与第 {other + 1} 行针对同一处，请合并成一项"
                yield CellFault(
                    at, table.columns[0], FieldError(zh, f"the same as row {other + 1}; make them one item")
                )
            for name in inside:
                seen.setdefault(name, at)


def _answers(values: Mapping[str, object], names: Iterable[str]) -> dict[str, object]:
    """Those of some values that say anything, by name."""
    return {name: values[name] for name in names if values.get(name) not in (None, [])}


def _item(asked: Asked) -> dict[str, object]:
    return {"no": asked.no, "about": asked.about, "label": asked.label, "ask": asked.ask}


def _side(about: str, values: Mapping[str, object]) -> object:
    """What is stored of one side: the value itself where only the field that the item is about says anything."""
    return values[about] if set(values) == {about} else nested(values)


def _copied(value: object) -> object:
    """Nested names whose objects may be changed."""
    return {key: _copied(part) for key, part in value.items()} if isinstance(value, Mapping) else value
