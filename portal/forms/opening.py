"""Lays out the items of a correction as ordinary questions.

`correcting` tells a form which form's answers it corrects, once; `opened` lays out the items that are open in a case:
of `ask` a table of what is to be corrected; of `answer` for each item the very fields it is about, under their own
names, with all their rules; of `judge` for each item the choice between accepting the answer and asking again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from portal import feel
from portal.errors import ContentFaults, Fault, Language
from portal.feel import Scope
from portal.forms.answers import FieldError, Option, flat
from portal.forms.expressions import Names, Wording, Written, plain_answer, value
from portal.forms.form import Form
from portal.forms.itemised import OpenForm
from portal.forms.items import Asked, Item, about_options, asked_in, hanging, named
from portal.forms.kinds.base import Answered
from portal.forms.kinds.corrections import (
    ACCEPTED,
    ANSWER,
    ASK,
    JUDGE,
    MOST_ITEMS,
    OTHER,
    REFUSED,
    Corrections,
)
from portal.forms.kinds.radio import Radio
from portal.forms.kinds.select import Select
from portal.forms.kinds.table import Column, Table
from portal.forms.kinds.textarea import TextArea
from portal.forms.tree import Field, Part, fields_of

_LONGEST = 500
_NOTHING: Mapping[str, object] = {}


def correcting(form: Form, of: Form) -> Form:
    """A form with corrections, told which form's answers they correct; ContentFaults when the two do not fit."""
    field = form.corrections
    assert field is not None
    assert isinstance(field.kind, Corrections)
    faults = []
    if of.corrections is not None:
        faults.append(Fault("补正表单本身不能再补正", "of 写填写原表单的元素", element=field.place))
    if any(one.name == OTHER for one in of.fields):
        what = f"被补正的表单“{of.id}”有名为“{OTHER}”的字段，与补正事项的“{OTHER}”分不开"
        faults.append(Fault(what, "给那个字段换一个名称", element=field.place))
    own = {one.path[0] for one in form.fields}
    both = sorted(own & {one.path[0] for one in of.fields}) if field.kind.part == ANSWER else []
    if both:
        what = f"“{'、'.join(both)}”与被补正的表单“{of.id}”的字段同名，填写时分不开"
        faults.append(Fault(what, "给本表单的字段换一个名称", element=field.place))
    if faults:
        raise ContentFaults(faults)
    told = replace(field, kind=replace(field.kind, kinds={one.name: one.kind for one in of.fields}))
    parts = tuple(told if part is field else part for part in form.parts)
    return replace(form, parts=parts, order=tuple(told if one is field else one for one in form.order), of=of)


def opened(form: Form, names: Names, language: Language = "zh") -> Form:
    """The form with the items that are open laid out, for the case that offers `names`; any other form as it is."""
    field = form.corrections
    if field is None or form.of is None:
        return form
    scope = names if isinstance(names, Scope) else Scope(names, {})
    kind = cast(Corrections, field.kind)
    said = scope.names.get(kind.element)
    answers = said if isinstance(said, Mapping) else _NOTHING
    stored = {name: plain_answer(one) for name, one in flat(answers, form.of.group_names) if one is not None}
    items = asked_in(value(field.items, scope), form.of.group_names) if field.items is not None else ()
    return _Opening(form, form.of, field, scope, answers, stored, items, language).form()


@dataclass(frozen=True, kw_only=True)
class _Listed(Table):
    """The items that are asked for, all of them at once."""

    def missing(self) -> FieldError:
        """One lists an item."""
        return FieldError("请列出{label}，至少一项", "List “{label}”: at least one item")

    def too_many(self, count: int) -> FieldError:
        """What belongs together is one item."""
        return FieldError(
            f"{{label}}最多 {self.most} 项，现有 {count} 项，请合并同类事项",
            f"“{{label}}” takes at most {self.most} items; there are {count}, put together what belongs together",
        )


@dataclass(frozen=True)
class _Opening:
    """What is needed to lay the items out."""

    base: Form
    of: Form
    field: Field
    scope: Scope
    answers: Mapping[str, object]
    stored: Mapping[str, object]
    items: tuple[Asked, ...]
    language: Language

    def form(self) -> OpenForm:
        part = cast(Corrections, self.field.kind).part
        shown = self.of.laid(self.stored, self.scope).visible
        if part == ASK:
            laid: tuple[Part, ...] = (self._table(shown),)
        elif part == ANSWER:
            laid = tuple(self._answering(shown))
        else:
            laid = tuple(map(self._judging, self.items))
        parts = tuple(one for part in self.base.parts for one in (laid if part is self.field else (part,)))
        fields = tuple(fields_of(laid))
        asked = frozenset(one.name for one in fields)
        ordered = [one for one in self.of.order if one.name in asked]
        known = {one.name: one for one in fields}
        order = [*(known[one.name] for one in ordered), *(one for one in fields if one not in ordered)]
        own = tuple(one for one in self.base.order if one is not self.field)
        written = [*self.base.expressions, *(one for field in fields for one in _written(field))]
        return OpenForm(
            self.base.id,
            parts,
            tuple(written),
            (*own, *dict.fromkeys(order)),
            self.of,
            field=self.field,
            items=tuple(one for one in laid if isinstance(one, Item)),
            answers=self.answers,
            stored=self.stored,
        )

    def _says(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def _generated(self, name: str, kind_name: str, kind: Answered, label: str, hint: str = "") -> Field:
        words = Wording((hint,)) if hint else None
        return Field(
            self.field.place, self.field.hidden_when, name, kind_name, kind, Wording((label,)), words,
            None, None, None, None, None,
        )  # fmt: skip

    def _table(self, shown: Sequence[Field]) -> Field:
        """What is to be corrected, row by row."""
        names = frozenset(one.name for one in shown)
        scope = self.of.laid(self.stored, self.scope).scope
        about = Select(required=True, options=about_options(self.of.parts, scope, names))
        ask = TextArea(required=True, shortest=None, longest=_LONGEST)
        columns = (
            self._generated("about", "select", about, self._says("针对", "Concerns")),
            self._generated("ask", "textarea", ask, self._says("需要补正的内容", "What is to be corrected")),
        )
        kind = _Listed(
            required=self.field.kind.required,
            most=MOST_ITEMS,
            columns=tuple(Column(one.name, one.kind) for one in columns),
            imports=False,
        )
        return replace(self.field, kind_name="table", kind=kind, columns=columns)

    def _answering(self, shown: Sequence[Field]) -> Iterator[Item]:
        """For each item the fields it is about, and those that these may bring into view."""
        direct = {item.no: self._fields_of(item) for item in self.items}
        taken = {one.name for fields in direct.values() for one in fields} | {one.name for one in shown}
        for item in self.items:
            more = hanging(self.of.fields, direct[item.no], frozenset(taken))
            taken |= {one.name for one in more}
            fields = (*direct[item.no], *more)
            names = {one.name for one in fields}
            before = {name: one for name, one in self.stored.items() if name in names}
            asked = replace(item, note="", result="", before=before, after={})
            yield self._item(asked, ANSWER, (*map(self._without_prefill, fields), self._note(item, bool(fields))))

    def _fields_of(self, item: Asked) -> tuple[Field, ...]:
        """The fields that an item is about, and those that an earlier answer to it brought into view."""
        about = named(self.of.parts, item.about)
        more = [one for one in self.of.fields if one.name in item.after and one not in about]
        return (*about, *more) if about else ()

    def _without_prefill(self, field: Field) -> Field:
        hidden = self.field.hidden_when + field.hidden_when
        return replace(field, prefill=None, default=None, hidden_when=hidden)

    def _note(self, item: Asked, has_fields: bool) -> Field:
        kind = TextArea(required=not has_fields, shortest=None, longest=_LONGEST)
        name = f"{self._name(item.no)}.note"
        if not has_fields:
            return self._generated(name, "textarea", kind, self._says("答复", "Answer"))
        hint = self._says("没有改动的，请写明理由", "Say why where nothing was changed")
        return self._generated(name, "textarea", kind, self._says("补正说明", "Note"), hint)

    def _judging(self, item: Asked) -> Item:
        name = self._name(item.no)
        options = (Option(ACCEPTED, self._says(ACCEPTED, "Accept")), Option(REFUSED, self._says(REFUSED, "Ask again")))
        result = self._generated(
            f"{name}.result", "radio", Radio(required=True, options=options), self._says("审查结果", "Decision")
        )
        why = self._generated(
            f"{name}.why",
            "textarea",
            TextArea(required=True, shortest=None, longest=_LONGEST),
            self._says("还需补正什么", "What is still to be corrected"),
            self._says(
                "申请人在办件中看到，据此补齐；不能提出新的要求",
                "The applicant reads it in the case and corrects by it; nothing new may be asked for",
            ),
        )
        text = f'{name}.result != "{REFUSED}"'
        hide = Written(self.field.place, "conditional.hide", text, feel.compile(text, {}))
        return self._item(item, JUDGE, (result, replace(why, hidden_when=(*why.hidden_when, hide))))

    def _item(self, asked: Asked, part: str, parts: tuple[Field, ...]) -> Item:
        label = Wording((asked.label,))
        return Item(self.field.place, self.field.hidden_when, self._name(asked.no), label, parts, asked, part)

    def _name(self, no: int) -> str:
        return f"{self.field.name}.n{no}"


def _written(field: Field) -> Iterator[Written]:
    """The expressions on which what a field shows may hang."""
    yield from field.hidden_when
    for words in (field.label, field.hint, field.refusal):
        yield from words.expressions if words is not None else ()
    yield from (one for one in (field.refuse, field.options) if one is not None)
    yield from (one.said for one in field.beside)
    for column in field.columns:
        yield from _written(column)
