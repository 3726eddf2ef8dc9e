"""Which names an expression at a place may use, and what is known of the values behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from portal.feel import Call, parser, syntax
from portal.feel.builtins import BUILTINS
from portal.feel.dmn import SINGLE, Decision
from portal.feel.dmn import Table as DecisionTable
from portal.forms import Field, Form
from portal.forms.kinds.corrections import ACCEPTED, REFUSED, SAID, Corrections
from portal.forms.kinds.table import Table
from portal.procedures.checks.whole import Subject, Whole
from portal.procedures.drawing import Drawing, Element
from portal.procedures.expressions import NAMES, periods, visible_from
from portal.procedures.functions import FUNCTIONS
from portal.procedures.spelling import meant
from portal.registers.rules import Register

Path = tuple[str, ...]

OUTCOME = "outcome"
# The functions that ask a case that is there.
_OF_A_CASE = frozenset({"visits", "handed_in_before", "file_hash", "objections", "seated"})
NUMBER, TEXT, FLAG, DATE, MOMENT, LIST, RECORD = "数字", "文字", "是否", "日期", "时刻", "列表", "一组值"
# Without what they ask or do, which is a fault of its own, nothing is known of what they would hold.
_UNSAID = frozenset({"userTask", "serviceTask"})
_STATES = frozenset({"running", "paused", "met", "dropped"})
_DAY_PARTS = frozenset({"year", "month", "day", "weekday"})
_PARTS = {DATE: _DAY_PARTS, MOMENT: _DAY_PARTS | {"hour", "minute", "second"}}
# The kinds of what stands under these names, where it is no text.
_PARTS_OF: Mapping[str, Mapping[str, str]] = {
    "instrument": {"in_force": DATE, "last_day": DATE, "assumed": FLAG},
    "party": {"kinds": LIST},
    "materials": {"missing": LIST, "twice": LIST},
}
_KINDS = {
    "number": NUMBER,
    "amount": NUMBER,
    "year": NUMBER,
    "checkbox": FLAG,
    "checklist": LIST,
    "filepicker": LIST,
    "table": LIST,
    "corrections": LIST,
    "datetime": DATE,
}


KIND_OF = {
    "number": NUMBER,
    "text": TEXT,
    "boolean": FLAG,
    "date": DATE,
    "moment": MOMENT,
    "list": LIST,
    "context": RECORD,
}
"""What FEEL calls a kind -> what people do."""


@dataclass(frozen=True)
class Value:
    """What is known of a value: its kind, and the texts that it can be (None: not known)."""

    kind: str | None = None
    options: frozenset[str] | None = None


@dataclass(frozen=True)
class Unknown:
    """A name that nothing stands behind: what is wrong, and how to mend it."""

    what: str
    mend: str


Columns = Mapping[str, frozenset[str] | None]
"""The columns of a table, each with the texts that can be chosen in it (None: not known, or any)."""

Found = Value | Unknown | None
"""None: what would tell could not be read, so nothing is said."""


class Names:
    """The names seen from one element of a procedure: those around it in its diagram, its callers', then the case's.

    `at` is the element; without it, what stands in the diagram outside all multi-instance subprocesses is seen. Of one
    that is done by many its own instance sees what it is about, the element as a whole (`of_all`) does not.
    """

    def __init__(
        self, whole: Whole, subject: Subject, drawn: Drawing, at: str | None = None, *, of_all: bool = False
    ) -> None:
        self.whole, self.subject, self.drawn, self.at, self.of_all = whole, subject, drawn, at, of_all

    def value(self, path: Path) -> Found:
        """What stands behind a path."""
        first = path[0]
        around = list(self._around())
        holding = [elements[first] for _drawn, elements in around if first in elements]
        if first in self._abouts():
            return None
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

    def _abouts(self) -> set[str]:
        """What the instances that the element stands in, or is one of, call the thing that they are about."""
        own = [self.drawn.elements[many] for many in self._manys()]
        itself = self.drawn.elements.get(self.at or "")
        own += [itself] if itself is not None and not self.of_all else []
        callers = (drawn for drawn, _ in self._around() if drawn is not self.drawn)
        outer = (element for drawn in callers for element in drawn.elements.values())
        return {element.each.name for element in (*own, *outer) if element.each is not None}

    def field_kind(self, path: Path) -> str | None:
        """The kind of the form's field that stands behind a path; None where none does."""
        for drawn in visible_from(self.subject.procedure, self.drawn):
            element = drawn.elements.get(path[0])
            if element is not None and element.yields:
                form = self.subject.procedure.forms.get(form_of(element) or "")
                return (
                    next((field.kind_name for field in form.fields if field.path == path[1:]), None) if form else None
                )
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
                return {field.name: choices_of(field) for field in form.fields} if form is not None else None
            inner = (one for one in self._within(drawn, element).values() if one.yields)
            ends = self._outcomes(drawn, element)
            return {OUTCOME: ends, element.each.name: None, **{one.id: None for one in inner}}
        if form is not None:
            return columns_of(form, rest)
        inside = self._within(drawn, element).get(rest[0]) if rest else None
        if inside is None:
            return None
        if len(rest) == 1 and element.each is not None and inside.each is None and (said := form_of(inside)):
            answered = self.subject.procedure.forms.get(said)
            return {field.name: choices_of(field) for field in answered.fields} if answered is not None else None
        return self._columns(self._drawn_within(drawn, element), inside, rest[1:])

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

    def asked(self, call: Call) -> Unknown | None:
        """Why a call of one of the portal's functions can have no answer, if it can have none."""
        first = call.arguments[0]
        if call.function == "visits":
            return self._visited(first) if first else None
        if call.function == "objections":
            return self._objected_to(first)
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

    def _objected_to(self, name: str | None) -> Unknown | None:
        if name is None:
            return Unknown("objections 的参数应当直接写公示的名称", '写成 objections("…")')
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
            return None if rule is None else _leaf(key, rest, rule.yields, Value())
        if element.decide:
            return self._of_decided(element, path)
        inner = self._within(drawn, element)
        if rest[0] in inner and inner[rest[0]].yields:
            return self._of_element(self._drawn_within(drawn, element), inner[rest[0]], rest)
        known = {OUTCOME, *(one.id for one in inner.values() if one.yields)}
        return _leaf(key, rest, known, Value(TEXT, self._outcomes(drawn, element)))

    def _of_many(self, drawn: Drawing, element: Element, path: Path) -> Found:
        """What all instances said, as a list: of tasks their answers, of others what is inside each."""
        rest = path[1:]
        if not rest or (element.each is not None and rest[0] == element.each.name):
            return Value(LIST)
        found = self._of_element(drawn, replace(element, each=None), path)
        return found if found is None or isinstance(found, Unknown) else Value(LIST)

    def _of_decided(self, element: Element, path: Path) -> Found:
        """What a table said that a business rule task asked: its outputs, and by which of its rules."""
        key, rest = path[1], path[2:]
        if key not in element.decide:
            return Unknown(f"“{element.id}”没有查“{key}”这张表", nearest(key, element.decide))
        rule = self.subject.procedure.manifest.decisions.get(key)
        decisions = self.subject.procedure.decisions.get(key)
        if rule is None or decisions is None or not rest:
            return Value(RECORD) if not rest else None
        yielded = {**outputs(decisions.decision(rule.decision)), "rules": Value(LIST)}
        return _leaf(f"{element.id}.{key}", rest, yielded, yielded.get(rest[0], Value()))

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
        return _deeper(path[:2], path[2:], Value(TEXT if fixed else None, frozenset(texts) if fixed else None))


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
            return _deeper(path[:1], path[1:], _of_field(self.row[path[0]]))
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

    def asked(self, call: Call) -> Unknown | None:
        """A case that does not exist yet has been nowhere."""
        if call.function in _OF_A_CASE:
            return Unknown(f"启动表单填写时还没有 {call.function}", "启动表单只能用本表单的答案和 about")
        return self._names.asked(call)

    def register(self, name: str | None) -> Register | Unknown | None:
        """The register that a constant name means."""
        return self._names.register(name)


def outputs(decision: Decision) -> dict[str, Value]:
    """What a decision gives, by name; `value` where it gives one thing, or a list."""
    logic = decision.logic
    if decision.type.many or (
        isinstance(logic, DecisionTable) and logic.policy not in SINGLE and not logic.aggregation
    ):
        return {"value": Value(LIST)}
    if isinstance(logic, DecisionTable) and len(logic.outputs) > 1:
        return {column.name: _of_output(logic, place) for place, column in enumerate(logic.outputs)}
    if decision.type.entries is not None:
        return {name: Value(KIND_OF.get(entry.kind or "")) for name, entry in decision.type.entries.items()}
    if isinstance(logic, DecisionTable) and not logic.aggregation:
        return {"value": _of_output(logic, 0)}
    return {"value": Value(KIND_OF.get(decision.type.kind or ""))}


def reasons_of(decision: Decision) -> frozenset[str] | None:
    """The reasons that a table can give: its column `reason`, or its only one, where each rule writes the text out."""
    logic = decision.logic
    if not isinstance(logic, DecisionTable) or logic.aggregation:
        return None
    places = [place for place, one in enumerate(logic.outputs) if one.name == "reason" or len(logic.outputs) == 1]
    texts = [rule.outputs[place] for place in places for rule in logic.rules]
    texts += [default for place in places if (default := logic.outputs[place].default) is not None]
    values = [node.value if isinstance(node := text.expression.node, syntax.Literal) else node for text in texts]
    if not places or not all(value is None or isinstance(value, str) for value in values):
        return None
    return frozenset(value for value in values if isinstance(value, str))


def _of_output(table: DecisionTable, place: int) -> Value:
    """What is known of an output column: its kind, and its texts where all of them are constant."""
    column = table.outputs[place]
    nodes = [rule.outputs[place].expression.node for rule in table.rules]
    nodes += [column.default.expression.node] if column.default else []
    constant = [node.value for node in nodes if isinstance(node, syntax.Literal)]
    known = frozenset(value for value in constant if isinstance(value, str))
    options = known if len(constant) == len(nodes) and column.type.kind == "text" else None
    return Value(LIST if column.type.many else KIND_OF.get(column.type.kind or ""), options)


def form_of(element: Element) -> str | None:
    """The form by whose schema an element's values are read."""
    if element.task:
        return element.task.form
    return element.form or (element.message.form if element.message else None)


def columns_of(form: Form, path: Path) -> Columns | None:
    """The columns of the table that stands under a path of a form; None where no table does."""
    for field in form.fields:
        if field.path == path and isinstance(field.kind, Table):
            return {column.name: choices_of(column) for column in field.columns}
        if field.path == path and isinstance(field.kind, Corrections):
            results = frozenset({ACCEPTED, REFUSED})
            return {name: results if name == "result" else None for name in SAID[field.kind.part]}
    return None


def in_form(form: Form, key: str, rest: Path) -> Found:
    """What stands behind a path into a form's answers."""
    for field in form.fields:
        if field.path == rest[: len(field.path)]:
            value, deeper = _of_field(field), rest[len(field.path) :]
            if isinstance(field.kind, Table) and deeper:
                # A column of all rows; of a single row's cell nothing more is known.
                return _leaf(field.name, deeper, [column.name for column in field.kind.columns], Value(LIST))
            if isinstance(field.kind, Corrections) and deeper:
                return _leaf(field.name, deeper, SAID[field.kind.part], Value(LIST))
            return _deeper((key, *field.path), deeper, value)
    if not rest or any(field.path[: len(rest)] == rest for field in form.fields):
        return Value(RECORD)
    names = [field.name for field in form.fields]
    return Unknown(f"表单“{form.id}”没有“{'.'.join(rest)}”这一项（{key}）", nearest(".".join(rest), names))


def _of_field(field: Field) -> Value:
    return Value(_KINDS.get(field.kind_name, TEXT), choices_of(field))


def choices_of(field: Field) -> frozenset[str] | None:
    """What a field that lets one choose one can hold."""
    if field.kind_name not in ("radio", "select"):
        return None
    if field.options is not None:
        declared = {name: signature.by_name for name, signature in FUNCTIONS.items()}
        return _listed(parser.parse(field.options.text, {**dict.fromkeys(BUILTINS, False), **declared}))
    return frozenset(option.value for option in field.kind.options_of(None))


def _listed(node: syntax.Node) -> frozenset[str] | None:
    """The texts of an expression that gives one of a few constant lists."""
    match node:
        case syntax.Elements(elements):
            texts = [part.value for part in elements if isinstance(part, syntax.Literal)]
            found = frozenset(text for text in texts if isinstance(text, str))
            return found if len(texts) == len(elements) else None
        case syntax.Conditional(_, yes, no):
            both = _listed(yes), _listed(no)
            return None if both[0] is None or both[1] is None else both[0] | both[1]
    return None


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
        return _deeper((name, rest[0]), tuple(rest[1:]), found)
    return found


def _part(name: str, rest: list[str], kind: Callable[[str], Value]) -> Found:
    if not rest:
        return Value(RECORD)
    return _leaf(name, tuple(rest), NAMES[name], kind(rest[0]))


def _leaf(name: str, rest: Path, known: Iterable[str], value: Value) -> Found:
    if rest[0] not in set(known):
        return Unknown(f"“{name}”没有“{rest[0]}”", nearest(rest[0], known))
    return _deeper((name, rest[0]), rest[1:], value)


def _deeper(path: Path, rest: Path, value: Value) -> Found:
    """What stands behind a path that goes on beyond a value: only days and moments have parts."""
    if not rest or value.kind is None:
        return value if not rest else None
    if len(rest) == 1 and rest[0] in _PARTS.get(value.kind, ()):
        return Value(NUMBER)
    return Unknown(f"“{'.'.join(path)}”是{value.kind}，没有“{'.'.join(rest)}”", f"写到“{'.'.join(path)}”为止")


def nearest(name: str, known: Iterable[str]) -> str:
    """How to mend a name that is not known: the nearest one, and what else there is."""
    names = sorted(set(known))
    return meant(name, names) + (f"可用：{'、'.join(names)}" if names else "此处没有可用的名称")
