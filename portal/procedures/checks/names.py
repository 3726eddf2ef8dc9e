"""Which names an expression at a place may use, and what is known of the values behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from portal.feel import Call
from portal.forms import Field, Form
from portal.procedures.checks import answers, reading
from portal.procedures.checks.fields import columns_of, form_of, in_form, of_field, record_of
from portal.procedures.checks.values import (
    ANY,
    DATE,
    FLAG,
    LIST,
    MOMENT,
    RECORD,
    TEXT,
    Columns,
    Found,
    Path,
    Unknown,
    Value,
    deeper,
    leaf,
    nearest,
)
from portal.procedures.checks.whole import Subject, Whole
from portal.procedures.drawing import Drawing, Element
from portal.procedures.expressions import NAMES, periods, visible_from
from portal.procedures.spelling import meant
from portal.registers.rules import Register

OUTCOME = "outcome"
# The functions that ask a case that is there.
_OF_A_CASE = frozenset({"visits", "handed_in_before", "file_hash", "objections", "earlier_objections", "seated"})
# Without what they ask or do, which is a fault of its own, nothing is known of what they would hold.
_UNSAID = frozenset({"userTask", "serviceTask"})
_STATES = frozenset({"running", "paused", "met", "dropped"})
# The kinds of what stands under these names, where it is no text.
_PARTS_OF: Mapping[str, Mapping[str, str]] = {
    "instrument": {"in_force": DATE, "last_day": DATE, "assumed": FLAG},
    "party": {"kinds": LIST},
    "materials": {"missing": LIST, "twice": LIST},
}


class Names:
    """The names seen from one element of a procedure: those around it in its diagram, its callers', then the case's.

    `at` is the element; without it, what stands in the diagram outside all multi-instance subprocesses is seen. Of one
    that is done by many its own instance sees what it is about, the element as a whole (`of_all`) does not.
    """

    def __init__(
        self,
        whole: Whole,
        subject: Subject,
        drawn: Drawing,
        at: str | None = None,
        *,
        of_all: bool = False,
        asked: frozenset[str] = frozenset(),
    ) -> None:
        self.whole, self.subject, self.drawn, self.at, self.of_all = whole, subject, drawn, at, of_all
        self._asked = asked  # the lists by which this is found out, so that none is found out by itself

    def value(self, path: Path) -> Found:
        """What stands behind a path."""
        first = path[0]
        around = list(self._around())
        holding = [elements[first] for _drawn, elements in around if first in elements]
        if first in (abouts := self._abouts()):
            return deeper(path[:1], path[1:], self._about(*abouts[first]))
        for drawn, elements in around:
            if first in elements and elements[first].yields:
                return self._of_element(drawn, elements[first], path)
        if first in NAMES:
            return self._of_case(path)
        if not self.subject.complete or any(element.kind in _UNSAID for element in holding):
            return None
        if holding:
            return Unknown(f"“{first}”处没有可读的内容", "填写表单、接收消息、执行动作的元素才有内容")
        if any(first in drawn.elements for drawn, _elements in around):
            return Unknown(
                f"“{first}”由多人各自办理，在这里不能单独读取", "从多实例子流程外面读：子流程.元素，得到列表"
            )
        ids = [key for _drawn, elements in around for key, element in elements.items() if element.yields]
        return Unknown(f"不认识的名称“{first}”", nearest(first, [*ids, *self._abouts(), *NAMES]))

    def _around(self) -> Iterator[tuple[Drawing, Mapping[str, Element]]]:
        """The diagrams whose elements can be named here, each with those: its own, then its callers'."""
        for drawn in visible_from(self.subject.procedure, self.drawn):
            yield drawn, self._here() if drawn is self.drawn else drawn.elements

    def _here(self) -> dict[str, Element]:
        held = [self.drawn.held_by(None), *(self.drawn.held_by(many) for many in self._manys())]
        return {key: element for elements in held for key, element in elements.items()}

    def _manys(self) -> list[str]:
        """The multi-instance subprocesses of its own diagram around the element, the nearest first."""
        around = self.drawn.elements.get(self.at or "")
        chain = []
        while around is not None and around.parent is not None:
            around = self.drawn.elements.get(around.parent)
            if around is not None and around.each is not None:
                chain.append(around.id)
        return chain

    def _abouts(self) -> dict[str, tuple[Drawing, Element]]:
        """What the instances that the element stands in, or is one of, call the thing that they are about."""
        itself = self.drawn.elements.get(self.at or "")
        own = [itself] if itself is not None and not self.of_all else []
        own += [self.drawn.elements[many] for many in self._manys()]
        callers = (drawn for drawn, _ in self._around() if drawn is not self.drawn)
        outer = [(drawn, element) for drawn in callers for element in drawn.elements.values()]
        manys = [*((self.drawn, element) for element in own), *outer]
        return {one.each.name: (drawn, one) for drawn, one in reversed(manys) if one.each is not None}

    def _about(self, drawn: Drawing, element: Element) -> Value:
        """What each instance of an element is about: one of its list."""
        key = f"{drawn.name}.{element.id}"
        if element.each is None or key in self._asked:
            return ANY
        names = Names(self.whole, self.subject, drawn, element.id, of_all=True, asked=self._asked | {key})
        return reading.given(element.each.items.removeprefix("="), names).of or ANY

    def field_kind(self, path: Path) -> str | None:
        """The kind of the form's field that stands behind a path; None where none does."""
        field = self.field(path)
        return field.kind_name if field is not None else None

    def field(self, path: Path) -> Field | None:
        """The form's field that stands behind a path, if one does."""
        for drawn in visible_from(self.subject.procedure, self.drawn):
            element = drawn.elements.get(path[0])
            if element is not None and element.yields:
                form = self.subject.procedure.forms.get(form_of(element) or "")
                return next((field for field in form.fields if field.path == path[1:]), None) if form else None
        return None

    def is_field(self, path: Path) -> bool:
        """Whether exactly one field of a form stands behind a path."""
        for _drawn, elements in self._around():
            element = elements.get(path[0])
            if element is not None and element.yields:
                form = self.subject.procedure.forms.get(form_of(element) or "")
                named = form is not None and any(field.path == path[1:] for field in form.fields)
                return named and element.each is None
        return False

    def columns(self, path: Path) -> Columns | None:
        """The columns of the table that stands behind a path; None where that cannot be told."""
        for drawn, elements in self._around():
            element = elements.get(path[0])
            if element is not None and element.yields:
                return self._columns(drawn, element, path[1:])
        about = self.whole.about(self.subject) if path[0] == "about" and path[1:] else None
        return Names(self.whole, about, about.procedure.drawing).columns(path[1:]) if about else None

    def _columns(self, drawn: Drawing, element: Element, rest: Path) -> Columns | None:
        """What the entries of a list inside an element have: the rows of a table, or the instances of many."""
        form = self.subject.procedure.forms.get(form_of(element) or "")
        if element.each is not None and not rest:
            if element.task is not None:
                return record_of(form).parts if form is not None else None
            inner = {one.id: self._said(one) for one in self._within(drawn, element).values() if one.yields}
            ends = Value(TEXT, self._outcomes(drawn, element))
            return {OUTCOME: ends, element.each.name: self._about(drawn, element), **inner}
        if form is not None:
            return columns_of(form, rest)
        inside = self._within(drawn, element).get(rest[0]) if rest else None
        if inside is None:
            return None
        if len(rest) == 1 and element.each is not None and inside.each is None and (said := form_of(inside)):
            answered = self.subject.procedure.forms.get(said)
            return record_of(answered).parts if answered is not None else None
        return self._columns(self._drawn_within(drawn, element), inside, rest[1:])

    def _said(self, element: Element) -> Value:
        """What one instance of many holds of an element in it."""
        form = self.subject.procedure.forms.get(form_of(element) or "")
        return record_of(form) if form is not None and element.each is None else ANY

    def _drawn_within(self, drawn: Drawing, element: Element) -> Drawing:
        """The diagram that the inside of a call activity or subprocess is drawn in."""
        called = self.subject.procedure.calls.get((drawn.name, element.id), "")
        return self.subject.procedure.drawings.get(called, drawn) if element.kind == "callActivity" else drawn

    def _within(self, drawn: Drawing, element: Element) -> Mapping[str, Element]:
        """The elements that can be read through a call activity or a multi-instance subprocess."""
        inner = self._drawn_within(drawn, element)
        if element.kind == "callActivity":
            return inner.held_by(None) if inner is not drawn else {}
        return drawn.held_by(element.id)

    def answer(self, function: str, first: str | None) -> Value:
        """What one of the portal's functions gives, asked with a first argument (None: not a constant)."""
        return answers.of_function(self.whole, self.subject, function, first)

    def asked(self, call: Call) -> Unknown | None:
        """Why a call of one of the portal's functions can have no answer, if it can have none."""
        first = call.arguments[0]
        if call.function == "visits":
            return self._visited(first) if first else None
        if call.function in ("objections", "earlier_objections"):
            return self._objected_to(call.function, first)
        return self._in_force(first) if call.function == "in_force" else None

    def register(self, name: str | None) -> Register | Unknown | None:
        """The register that a constant name means."""
        if name is None:
            return Unknown("record 的第一个参数应当直接写名册的名称", '写成 record("…", [unit, year])')
        registers = self.whole.regulation.registers
        if name not in registers and self.whole.regulation_known:
            return Unknown(f"法规中没有名册“{name}”", nearest(name, registers))
        return registers.get(name)

    def _in_force(self, slug: str | None) -> Unknown | None:
        if slug is None:
            return Unknown("in_force 的第一个参数应当直接写事项的名称", '写成 in_force("…", [start.unit, start.year])')
        if slug not in self.whole.slugs:
            return Unknown(f"in_force 中的“{slug}”不是本法规的事项", nearest(slug, self.whole.slugs))
        asked = self.whole.subjects.get(slug)
        if asked is not None and not asked.procedure.manifest.once_per:
            return Unknown(f"事项“{slug}”没有写 once_per，in_force 永远是“否”", "在它的 procedure.toml 中写 once_per")
        return None

    def _objected_to(self, function: str, name: str | None) -> Unknown | None:
        if name is None:
            return Unknown(f"{function} 的参数应当直接写公示的名称", f'写成 {function}("…")')
        known = self.subject.procedure.manifest.publicity
        return None if name in known else Unknown(f"没有名为“{name}”的公示", nearest(name, known))

    def _visited(self, name: str) -> Unknown | None:
        """Why `visits(name)` cannot be asked, if it cannot."""
        for _drawn, elements in self._around():
            if name in elements:
                counted = elements[name].kind == "userTask"
                return None if counted else Unknown(f"visits 只数人员任务，“{name}”不是", "写人员任务的 id")
        if not self.subject.complete:
            return None
        tasks = [e.id for _, e in self.subject.procedure.elements() if e.kind == "userTask"]
        return Unknown(f"visits 中的“{name}”不是图中的元素", nearest(name, tasks))

    # The case's own names

    def _of_case(self, path: Path) -> Found:
        said = self.subject.procedure.manifest
        match path:
            case ("about", *rest):
                return self._of_about(tuple(rest))
            case ("publication", *rest):
                return self._of_publication(rest)
            case ("deadlines", *rest):
                return _in_table("deadlines", "期限", said.deadlines, rest, self._of_deadline)
            case ("documents", *rest):
                return _in_table("documents", "文书", said.documents, rest, self._of_document)
            case ("facts", *rest):
                return _in_table("facts", "事实", said.facts, rest, lambda _: Value())
            case ("periods", *rest):
                known = {slug: other.procedure for slug, other in self.whole.subjects.items()}
                lengths = periods(self.subject.procedure, known)
                return _in_table("periods", "期限", lengths, rest, lambda parts: None if parts else Value(TEXT))
            case ("with", *rest):
                return _in_table("with", "参数", {**said.needs, **said.given}, rest, lambda _: Value(TEXT))
            case ("case", *rest):
                return _part("case", rest, self._of_row)
            case ("instrument" | "party" | "materials" as name, *rest):
                return _part(name, rest, lambda part: Value(_PARTS_OF[name].get(part, TEXT)))
        return Value(RECORD)

    def _of_about(self, rest: Path) -> Found:
        about = self.subject.procedure.manifest.about
        if about is None:
            return Unknown("本事项没有写 about，不能读取“about”", "在 procedure.toml 中写 about，或改用本案的内容")
        subject = self.whole.about(self.subject)
        if subject is None or not rest:
            return Value(RECORD) if not rest else None
        found = Names(self.whole, subject, subject.procedure.drawing).value(rest)
        if isinstance(found, Unknown):
            return Unknown(f"关联事项“{subject.slug}”中：{found.what}", found.mend)
        return found

    def _of_publication(self, rest: list[str]) -> Found:
        about = self.subject.procedure.manifest.about
        if about is None or about.during is None:
            return Unknown(
                "本事项不在公示期间提出，不能读取“publication”",
                "在 procedure.toml 的 about 中写 during，或改用本案的内容",
            )
        return _part("publication", rest, lambda part: Value(MOMENT if part.endswith("_at") else TEXT))

    def _of_deadline(self, rest: list[str]) -> Found:
        kinds = {"last_day": Value(DATE), "state": Value(TEXT, _STATES)}
        return _part("deadlines", rest, lambda part: kinds.get(part, Value(MOMENT)))

    def _of_document(self, rest: list[str]) -> Found:
        moments = {"issued_at", "served_at"}
        return _part("documents", rest, lambda part: Value(MOMENT if part in moments else TEXT))

    def _of_row(self, part: str) -> Value:
        if part == "outcome":
            drawn = self.subject.procedure.drawing
            return Value(TEXT, frozenset(end.name for end in drawn.of_kind("endEvent")))
        return Value(MOMENT if part == "filed_at" else TEXT)

    # What an element holds

    def _of_element(self, drawn: Drawing, element: Element, path: Path) -> Found:
        key, rest = path[0], path[1:]
        if element.each is not None:
            return self._of_many(drawn, element, path)
        name = form_of(element)
        if name:
            form = self.subject.procedure.forms.get(name)
            return in_form(form, key, rest) if form is not None else None
        if element.task is not None:
            return None
        if not rest:
            return Value(RECORD)
        if element.message is not None:
            return self._of_message(element, element.message.name, path)
        if element.action is not None:
            rule = self.whole.actions.get(element.action.name)
            given = answers.of_action(self.whole, element.action, rest[0])
            return None if rule is None else leaf(key, rest, rule.yields, given)
        if element.decide:
            return self._of_decided(element, path)
        if element.kind == "callActivity" and self._drawn_within(drawn, element) is drawn:
            return None  # that the diagram is not there is told at the call
        inner = self._within(drawn, element)
        if rest[0] in inner and inner[rest[0]].yields:
            return self._of_element(self._drawn_within(drawn, element), inner[rest[0]], rest)
        known = {OUTCOME, *(one.id for one in inner.values() if one.yields)}
        return leaf(key, rest, known, Value(TEXT, self._outcomes(drawn, element)))

    def _of_many(self, drawn: Drawing, element: Element, path: Path) -> Found:
        """What all instances said, as a list: of tasks their answers, of others what is inside each."""
        rest = path[1:]
        if not rest:
            return Value(LIST)
        if element.each is not None and rest[0] == element.each.name:
            about = deeper(path[:2], rest[1:], self._about(drawn, element))
            return about if isinstance(about, Unknown) else Value(LIST, of=about)
        found = self._of_element(drawn, replace(element, each=None), path)
        return found if found is None or isinstance(found, Unknown) else Value(LIST, of=found)

    def _of_decided(self, element: Element, path: Path) -> Found:
        """What a table said that a business rule task asked: its outputs, and by which of its rules."""
        key, rest = path[1], path[2:]
        if key not in element.decide:
            return Unknown(f"“{element.id}”没有查“{key}”这张表", nearest(key, element.decide))
        rule = self.subject.procedure.manifest.decisions.get(key)
        decisions = self.subject.procedure.decisions.get(key)
        if rule is None or decisions is None or not rest:
            return Value(RECORD) if not rest else None
        yielded = {**answers.outputs(decisions.decision(rule.decision)), "rules": Value(LIST)}
        return leaf(f"{element.id}.{key}", rest, yielded, yielded.get(rest[0], Value()))

    def _outcomes(self, drawn: Drawing, element: Element) -> frozenset[str] | None:
        if element.kind == "subProcess":
            ends = [end for end in drawn.of_kind("endEvent") if end.parent == element.id]
        else:
            called = self.subject.procedure.calls.get((drawn.name, element.id), "")
            inner = self.subject.procedure.drawings.get(called)
            if inner is None:
                return None
            ends = list(inner.of_kind("endEvent"))
        return frozenset(end.name for end in ends)

    def _of_message(self, element: Element, message: str, path: Path) -> Found:
        """What the senders of a message send along under a key."""
        key = path[1]
        sent = [sender.inputs for sender in self.whole.senders(self.subject.slug, message)]
        if not any(key in inputs for inputs in sent):
            if not self.whole.complete:
                return None
            given = {name for inputs in sent for name in inputs} - {"to", "message"}
            mend = nearest(key, given) if given else "由发送方的服务任务（cases.message）带上它"
            return Unknown(f"消息“{message}”没有带“{key}”（{element.id}）", mend)
        self.whole.wanted.add((self.subject.slug, message, key))
        # One that lacks the key is told of it; what it would have sent is not known.
        texts = [inputs.get(key, "=") for inputs in sent]
        fixed = self.whole.complete and not any(text.startswith("=") for text in texts)
        return deeper(path[:2], path[2:], Value(TEXT if fixed else None, frozenset(texts) if fixed else None))


class FormNames:
    """The names that a form's conditions and texts see: its own answers, then those of the case.

    A rule of a table's column sees the columns of its row (`row`) before all else.
    """

    def __init__(self, form: Form, below: Names | StartNames, row: Iterable[Field] = ()) -> None:
        self.form, self.below = form, below
        self.row = {column.name: column for column in row}

    def value(self, path: Path) -> Found:
        """What stands behind a path."""
        if path[0] in self.row:
            return deeper(path[:1], path[1:], of_field(self.row[path[0]]))
        own = {field.path[0] for field in self.form.fields}
        if path[0] in own:
            return in_form(self.form, "", path)
        found = self.below.value(path)
        near = isinstance(found, Unknown) and meant(path[0], own)
        return Unknown(found.what, nearest(path[0], own)) if isinstance(found, Unknown) and near else found

    def columns(self, path: Path) -> Columns | None:
        """The columns of the table that stands behind a path; None where that cannot be told."""
        if path[0] in self.row:
            return None
        if any(field.path[0] == path[0] for field in self.form.fields):
            return columns_of(self.form, path)
        return self.below.columns(path)

    def answer(self, function: str, first: str | None) -> Value:
        """What one of the portal's functions gives, asked with a first argument (None: not a constant)."""
        return self.below.answer(function, first)

    def asked(self, call: Call) -> Unknown | None:
        """Why a call of one of the portal's functions can have no answer, if it can have none."""
        return self.below.asked(call)

    def register(self, name: str | None) -> Register | Unknown | None:
        """The register that a constant name means."""
        return self.below.register(name)


class StartNames:
    """What a start form sees beside its own answers: the case it is about, for its own does not exist yet."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def value(self, path: Path) -> Found:
        """What stands behind a path."""
        if path[0] == "about":
            return self._names.value(path)
        return Unknown(f"启动表单填写时还没有“{path[0]}”", "启动表单只能用本表单的答案和 about")

    def columns(self, path: Path) -> Columns | None:
        """The columns of the table that stands behind a path; None where that cannot be told."""
        return self._names.columns(path) if path[0] == "about" else None

    def answer(self, function: str, first: str | None) -> Value:
        """What one of the portal's functions gives, asked with a first argument (None: not a constant)."""
        return self._names.answer(function, first)

    def asked(self, call: Call) -> Unknown | None:
        """A case that does not exist yet has been nowhere."""
        if call.function in _OF_A_CASE:
            return Unknown(f"启动表单填写时还没有 {call.function}", "启动表单只能用本表单的答案和 about")
        return self._names.asked(call)

    def register(self, name: str | None) -> Register | Unknown | None:
        """The register that a constant name means."""
        return self._names.register(name)


def _in_table(
    name: str, title: str, table: Iterable[str], rest: list[str], inside: Callable[[list[str]], Found]
) -> Found:
    """What stands behind a key of one of the manifest's tables."""
    known = list(table)
    if not rest:
        return Value(RECORD)
    if rest[0] not in known:
        return Unknown(f"没有名为“{rest[0]}”的{title}（{name}）", nearest(rest[0], known))
    found = inside(rest[1:])
    if isinstance(found, Value) and name in ("facts", "with"):
        return deeper((name, rest[0]), tuple(rest[1:]), found)
    return found


def _part(name: str, rest: list[str], kind: Callable[[str], Value]) -> Found:
    if not rest:
        return Value(RECORD)
    return leaf(name, tuple(rest), NAMES[name], kind(rest[0]))
