"""Whether forms and letters speak only of what is there where they are used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from portal import forms
from portal.documents.service import own_paths
from portal.documents.template import Placeholders, placeholders
from portal.errors import ContentFaults, Fault
from portal.forms import Form
from portal.forms.kinds.corrections import ANSWER, ASK, SAID, Corrections
from portal.procedures.checks import expressions
from portal.procedures.checks.expressions import Vocabulary, Where
from portal.procedures.checks.names import FormNames, Names, StartNames
from portal.procedures.checks.values import ANY, DATE, LIST, MOMENT, NUMBER, Found, Unknown, Value
from portal.procedures.checks.whole import Subject, Whole, at
from portal.procedures.content import Content
from portal.procedures.drawing import Drawing, Element
from portal.procedures.functions import FUNCTIONS

# What a filter of letters can write.
_FITS: Mapping[str, frozenset[str]] = {
    "day": frozenset({DATE, MOMENT}),
    "moment": frozenset({MOMENT}),
    "number": frozenset({NUMBER}),
    "tonnes": frozenset({NUMBER}),
}
_ATTRIBUTES = {
    "conditional.hide": "显示条件",
    "prefill": "预填",
    "items": "补正事项",
    "beside": "对照",
    "valuesExpression": "选项",
    "label": "标签",
    "description": "说明",
    "refuse": "拒绝条件",
    "refusal": "拒绝说明",
    "text": "文字",
}


def of_files(content: Content) -> Iterator[Fault]:
    """The faults of every form and letter by itself, used or not."""
    for file, data in sorted(content.files.items()):
        if file.endswith(".docx"):
            # Their faults name the part of the Word file in which they stand.
            yield from (replace(fault, file=file, element=fault.element or fault.file) for fault in _letter(data)[1])
        elif file.endswith(".json"):
            try:
                forms.read(data, FUNCTIONS)
            except ContentFaults as error:
                yield from (fault.at(file) for fault in error.faults)


@lru_cache(maxsize=128)
def _letter(data: bytes) -> tuple[Placeholders | None, tuple[Fault, ...]]:
    """What a template speaks of, or its faults; cached, for reading Word files is what checking waits for."""
    try:
        return placeholders(data), ()
    except ContentFaults as error:
        return None, error.faults
    except RecursionError:
        # Jinja's parser descends once for every bracket.
        return None, (Fault("占位符的括号或嵌套过多", "把占位符写简单，判断放在流程图里"),)


def faults(whole: Whole, subject: Subject) -> Iterator[Fault]:
    """The faults of a procedure's forms and letters where it uses them."""
    for drawn in subject.procedure.drawings.values():
        for element in drawn.elements.values():
            names = Names(whole, subject, drawn, element.id)
            starts = element.kind == "startEvent" and element.message is None
            for name in {element.form, element.task and element.task.form, element.message and element.message.form}:
                if name:
                    yield from _form(whole, subject, name, StartNames(names) if starts else names)
            yield from _beside_tasks(subject, drawn, element)
            yield from _issued(subject, drawn, element, names)


def _beside_tasks(subject: Subject, drawn: Drawing, element: Element) -> Iterator[Fault]:
    """Only a task asks for corrections, or answers and judges them."""
    for name in {element.form, element.message and element.message.form}:
        form = subject.procedure.forms.get(name or "")
        if form is not None and form.corrections is not None:
            mend = "补正事项写在人员任务（portal:task）的表单里"
            yield at(drawn, element, f"表单“{form.id}”有补正事项，这里不能用", mend)


def _form(whole: Whole, subject: Subject, name: str, below: Names | StartNames) -> Iterator[Fault]:
    form = subject.procedure.forms.get(name)
    file = whole.content.find("forms", subject.slug, f"{name}.json")
    if form is None or file is None:
        return
    yield from _named(form, file)
    yield from _items(form, file, below)
    own = FormNames(form, below)
    tables = {field.place: FormNames(form, below, field.columns) for field in form.fields if field.columns}
    for written in form.expressions:
        where = Where(_ATTRIBUTES.get(written.attribute, written.attribute), file, written.element)
        # A prefill is worked out before anything was answered.
        names: Vocabulary = below if written.attribute in ("prefill", "items") else own
        if written.columns:
            names = tables.get(written.element.rpartition(".")[0], own)
        yield from expressions.faults(written.text, where, names)


def _items(form: Form, file: str, below: Names | StartNames) -> Iterator[Fault]:
    """The items of a correction: on a task's form only, and out of those that were asked for or answered."""
    field = form.corrections
    if field is None or not isinstance(field.kind, Corrections):
        return
    if field.items is None:
        return
    where = Where(_ATTRIBUTES["items"], file, field.place)
    columns = expressions.columns(field.items.text, below)
    needed = set(SAID[ASK if field.kind.part == ANSWER else ANSWER])
    if columns is not None and not needed <= set(columns):
        asked = "提出的或退回的补正事项" if field.kind.part == ANSWER else "逐项补正的答复"
        yield where.fault(f"给出的不是{asked}", '写成 "=check.items" 或 "=correct.items"')
    elif columns is None and expressions.is_no_list(field.items.text, below):
        yield where.fault("给出的不是列表", '写成 "=check.items" 或 "=correct.items"')


def _named(form: Form, file: str) -> Iterator[Fault]:
    """Findings name a form by its id; it is looked up by its file."""
    name = file.rpartition("/")[2].removesuffix(".json")
    if form.id != name:
        yield Fault(f"表单的 id“{form.id}”与文件名不同", f'写 "id": "{name}"，或把文件改名为 {form.id}.json', file=file)


def _issued(subject: Subject, drawn: Drawing, element: Element, names: Names) -> Iterator[Fault]:
    action = element.action
    if action is None or action.name != "documents.issue":
        return
    document = action.inputs.get("document", "")
    template = subject.procedure.templates.get(document)
    said = _letter(template)[0] if template is not None else None
    if said is None:
        return
    file, place = subject.procedure.template_files[document], f"在“{drawn.name}”的“{element.id}”处制发时"
    for path in sorted(said.paths - own_paths(document)):
        found, walked = names.value(tuple(path.split("."))), _walked(path, said)
        if walked is not None and not _is_list(names.value(tuple(walked.split(".")))):
            continue  # told at the list itself
        if isinstance(found, Unknown):
            yield Fault(f"占位符“{path}”：{found.what}（{place}）", found.mend, path, file=file)
        elif isinstance(found, Value) and walked is None:
            yield from _fits(path, found, said, file)
            yield from _chosen(path, found.options, said, file, place)
        elif walked is not None:
            columns = names.columns(tuple(walked.split("."))) or {}
            yield from _chosen(path, columns.get(path.removeprefix(f"{walked}."), ANY).options, said, file, place)


def _chosen(path: str, options: frozenset[str] | None, said: Placeholders, file: str, place: str) -> Iterator[Fault]:
    """Conditions that ask for what cannot be chosen, and branches that leave out what can."""
    if options is None:
        return
    possible = f"可能的值：{_texts_of(options)}"
    for text in sorted(text for compared, text in said.compared if compared == path and text not in options):
        yield Fault(f"“{path}”不会是“{text}”（{place}）", possible, path, file=file)
    for provided in sorted((texts for asked, texts in said.choices if asked == path), key=sorted):
        missing = options - provided
        if missing and provided <= options:
            what = f"“{path}”的几个分支没有写“{_texts_of(missing)}”时说什么（{place}）"
            yield Fault(what, "补上 elif 或 else；什么也不说的，写一个空的 elif", path, file=file)


def _texts_of(options: frozenset[str]) -> str:
    return "、".join(sorted(options))


def _walked(path: str, said: Placeholders) -> str | None:
    """The list whose rows a path speaks of."""
    return next((walked for walked in sorted(said.lists) if path.startswith(f"{walked}.")), None)


def _is_list(found: Found) -> bool:
    return isinstance(found, Value) and found.kind == LIST


def _fits(path: str, value: Value, said: Placeholders, file: str) -> Iterator[Fault]:
    """Whether a value can be written the way the template asks."""
    if value.kind is None:
        return
    for name in sorted(name for filtered, name in said.filtered if filtered == path):
        if value.kind not in _FITS.get(name, frozenset({value.kind})):
            mend = "、".join(sorted(n for n, kinds in _FITS.items() if value.kind in kinds)) or "不用“|”"
            yield Fault(f"占位符“{path}”是{value.kind}，不能用“| {name}”", f"可用：{mend}", path, file=file)
    if path in said.lists and value.kind != LIST:
        yield Fault(f"占位符“{path}”不是列表，不能用 for", "直接写 {{ … }}", path, file=file)
