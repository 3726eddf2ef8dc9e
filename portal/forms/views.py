"""What a page shows of a form: plain data for the templates in `web/templates/fields`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from portal.feel import Scope
from portal.forms.answers import UPLOAD, Choices, Option
from portal.forms.characters import printable
from portal.forms.kinds.filepicker import FilePicker
from portal.forms.kinds.number import Number
from portal.forms.kinds.textarea import TextArea
from portal.forms.tree import Field, Group, Part, Static, drivers


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
        ends = (("hint", self.hint), ("limit", self.maxlength or self.accept), ("error", self.error))
        return " ".join(f"{self.id}-{end}" for end, there in ends if there)


@dataclass(frozen=True)
class GroupView:
    """Parts under one heading; one that is not visible still holds its fields, as hidden as it is."""

    template: str
    label: str
    visible: bool
    parts: tuple[PartView, ...]


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
        return tuple(field.upload for field in self.fields if field.kind == "filepicker")


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

    def form(self, id: str, parts: tuple[Part, ...]) -> FormView:
        """The whole form, with the summary of its errors in the order of the page."""
        view = FormView(id, tuple(map(self._part, parts)), ())
        order = [field.name for field in view.fields]
        targets = {field.name: field.id for field in view.fields if field.visible}
        names = sorted(self.errors, key=lambda name: order.index(name) if name in order else len(order))
        return replace(view, errors=tuple(ErrorView(self.errors[name], targets.get(name)) for name in names))

    def _part(self, part: Part) -> PartView:
        match part:
            case Field():
                return self._field(part)
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
        )


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
