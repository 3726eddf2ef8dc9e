"""Whether a service task names an action that there is, with inputs that exist and fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass

from portal import feel
from portal.errors import Fault
from portal.feel import syntax
from portal.forms import Form
from portal.procedures.actions import ActionRule
from portal.procedures.checks import expressions, reading
from portal.procedures.checks.answers import reasons_of
from portal.procedures.checks.expressions import Where
from portal.procedures.checks.fields import choices_of
from portal.procedures.checks.names import Names
from portal.procedures.checks.values import ANY, DATE, LIST, MOMENT, NUMBER, TEXT, Value
from portal.procedures.checks.whole import Subject, Whole, at
from portal.procedures.drawing import Action, Drawing, Element
from portal.procedures.functions import FUNCTIONS
from portal.procedures.regulation import PARTY
from portal.registers.lots import LEAST
from portal.registers.rules import KINDS, STATE, Register, WrongField

# The inputs that name something; each must be written out, or nothing could be checked.
_NAMING = {
    "documents.issue": ("document",),
    "ledger.post": ("asset",),
    "ledger.reverse": ("case",),
    "ledger.check": ("case",),
    "cases.start": ("procedure",),
    "cases.start_each": ("procedure",),
    "cases.message": ("to", "message"),
    "experts.draw": ("register", "exclude"),
    "notify.send": ("to",),
    "publicity.open": ("publicity",),
    "publicity.close": ("publicity",),
    "register.record": ("register",),
    "register.update": ("register",),
}
_TEXTS = re.compile(r'"([^"]*)"')
ABOUT = "about"
_REGION = "region"  # the kind of a register's field that holds a district
SERVED = "served"  # the message by which the portal tells a case that a letter was served
ALL_ENDED = "all_ended"  # the one by which it tells a case that all it started in bulk have ended
PORTALS = (SERVED, ALL_ENDED)


def faults(whole: Whole, subject: Subject, drawn: Drawing, element: Element) -> Iterator[Fault]:
    """The faults of a service task."""
    action = element.action
    if action is None or not action.name:
        yield at(
            drawn, element, "服务任务没有说明做什么", f'写 <portal:action name="…"/>，可用：{_list(whole.actions)}'
        )
        return
    rule = whole.actions.get(action.name)
    if rule is None:
        yield at(drawn, element, f"没有名为“{action.name}”的动作", f"可用：{_list(whole.actions)}")
        return
    task = _Task(whole, subject, drawn, element, action)
    found = [*task.inputs(rule), *task.expressions()]
    named = [key for key in _NAMING.get(action.name, ()) if action.inputs.get(key, "").startswith("=")]
    found += [task.at(f"输入“{key}”应当直接写出，不能用表达式", "去掉等号，写出名称") for key in named]
    special = _SPECIAL.get(action.name)
    if special and not named and rule.required <= action.inputs.keys():
        found += special(task)
    yield from found


def unsent(whole: Whole) -> Iterator[tuple[str, Fault]]:
    """Messages sent without what the receiver's expressions read, by the sender; ask when all else was checked."""
    for slug, message, key in sorted(whole.wanted):
        for sender in whole.senders(slug, message):
            if key not in sender.inputs:
                what = f"消息“{message}”没有带对方要用的“{key}”"
                mend = f'加上 <portal:input name="{key}" value="…"/>'
                yield sender.subject.slug, at(sender.drawn, sender.element, what, mend)


@dataclass(frozen=True)
class _Task:
    """A service task in its diagram, as one procedure uses it."""

    whole: Whole
    subject: Subject
    drawn: Drawing
    element: Element
    action: Action

    def at(self, what: str, mend: str) -> Fault:
        """A fault of the task."""
        return at(self.drawn, self.element, what, mend)

    @property
    def names(self) -> Names:
        """The names its expressions may use."""
        return Names(self.whole, self.subject, self.drawn, self.element.id)

    def free(self, rule: ActionRule) -> dict[str, str]:
        """The inputs that are handed on under their own names."""
        own = rule.required | rule.optional
        return {key: text for key, text in self.action.inputs.items() if key and key not in own}

    def inputs(self, rule: ActionRule) -> Iterator[Fault]:
        """Inputs that are missing, or that the action does not take."""
        for key in sorted(rule.required - self.action.inputs.keys()):
            yield self.at(f"动作“{self.action.name}”缺少输入“{key}”", f'加上 <portal:input name="{key}" value="…"/>')
        for key in [] if rule.free else self.free(rule):
            known = "、".join(sorted(rule.required | rule.optional)) or "无"
            yield self.at(f"动作“{self.action.name}”不认识输入“{key}”", f"可用：{known}")

    def expressions(self) -> Iterator[Fault]:
        """The faults of the inputs that are expressions."""
        for key, text in self.action.inputs.items():
            if text.startswith("="):
                where = Where(f"输入“{key}”", self.drawn.file, self.element.id, self.element.line)
                yield from expressions.faults(text[1:], where, self.names)

    # What the single actions ask for

    def issue(self) -> Iterator[Fault]:
        """A letter of the manifest."""
        documents = self.subject.procedure.manifest.documents
        name = self.action.inputs["document"]
        if name not in documents:
            yield self.at(f"没有名为“{name}”的文书", f"在 [documents.{name}] 中定义；已有：{_list(documents)}")
        if "revokes" not in self.action.inputs:
            return
        if self.subject.procedure.manifest.about is None:
            yield self.at("本事项没有写 about，没有可以撤销的文书", "在 procedure.toml 中写 about，或去掉输入“revokes”")
        elif (about := self.whole.about(self.subject)) is not None and about.complete:
            yield from self._revokes(about.procedure.manifest.documents)

    def _revokes(self, issued: Collection[str]) -> Iterator[Fault]:
        """A letter of the linked case that is withdrawn: named outright, or by an expression that names it or null."""
        text = self.action.inputs["revokes"]
        named = set(_TEXTS.findall(text)) if text.startswith("=") else {text}
        if not named & set(issued):
            mend = f'写 revokes="notice"，或 =if … then "notice" else null；已有：{_list(issued)}'
            yield self.at("输入“revokes”没有写出所关联案件的任何一种文书", mend)

    def timed(self) -> Iterator[Fault]:
        """A deadline of the manifest; to be extended, one that may be."""
        rules = self.subject.procedure.manifest.deadlines
        name = self.action.inputs["deadline"]
        if name not in rules:
            yield self.at(f"没有名为“{name}”的期限", f"在 [deadlines.{name}] 中定义；已有：{_list(rules)}")
        elif self.action.name == "deadlines.extend" and rules[name].extend is None:
            yield self.at(f"期限“{name}”不能延长", f"在 [deadlines.{name}] 中写 extend")

    def post(self) -> Iterator[Fault]:
        """An asset of the regulation, kept apart by exactly its dimensions."""
        name = self.action.inputs["asset"]
        asset = self.whole.regulation.assets.get(name)
        if asset is None:
            if self.whole.regulation_known:
                yield self.at(f"法规中没有名为“{name}”的资产", f"可用：{_list(self.whole.regulation.assets)}")
        else:
            given = self.free(self.whole.actions[self.action.name])
            yield from self._exactly(given, asset.distinguish, asset.distinguish, f"资产“{name}”的维度")
        for key in ("to", "amount"):
            if not self.action.inputs[key].startswith("="):
                yield self.at(f"输入“{key}”应当是表达式", f"写成 {key} = “=…”，如 =party.uscc、=start.amount")
        if self._kind("amount") not in (NUMBER, None):
            yield self.at("输入“amount”不是数字", "写一个数字的路径或算式")

    def _kind(self, key: str) -> str | None:
        """The kind of the value that an input gives by its expression."""
        return reading.given(self.action.inputs[key].removeprefix("="), self.names).kind

    def linked(self) -> Iterator[Fault]:
        """What the linked case has posted."""
        yield from self._linked("case")

    def message(self) -> Iterator[Fault]:
        """A message that the linked case waits for somewhere."""
        unlinked = list(self._linked("to"))
        yield from unlinked
        receiver = self.whole.about(self.subject)
        if unlinked or receiver is None or not receiver.complete:
            return
        known = {e.message.name for _, e in receiver.procedure.elements() if e.message is not None}
        name = self.action.inputs["message"]
        if name in PORTALS:
            yield self.at(f"消息“{name}”由平台发出，不能由案件发出", "换一个消息")
        elif name not in known:
            yield self.at(
                f"关联事项“{receiver.slug}”没有等待消息“{name}”的元素", f"可用：{'、'.join(sorted(known)) or '无'}"
            )

    def _linked(self, key: str) -> Iterator[Fault]:
        if self.action.inputs[key] != ABOUT:
            yield self.at(f"输入“{key}”只能是 about（本案所关联的案件）", f'写 value="{ABOUT}"')
        elif self.subject.procedure.manifest.about is None:
            yield self.at("本事项没有写 about，没有关联的案件", "在 procedure.toml 中写 about")

    def start(self) -> Iterator[Fault]:
        """A procedure of the regulation that this one may start, with exactly what its start form asks."""
        slug = self.action.inputs["procedure"]
        if slug.startswith("@"):
            return  # that `with` does not say it is told in the manifest
        if slug not in self.whole.slugs:
            if slug not in self.subject.procedure.manifest.procedures:  # those are told in `with`
                yield self.at(f"法规中没有名为“{slug}”的事项", f"可用：{_list(self.whole.slugs)}")
            return
        started = self.whole.subjects.get(slug)
        if started is None:
            return
        if not any(self.subject.slug in rule.cases for rule in started.procedure.manifest.starts):
            mend = f'在它的 procedure.toml 中写 starts = {{ cases = ["{self.subject.slug}"] }}'
            yield self.at(f"事项“{slug}”没有写可由“{self.subject.slug}”启动", mend)
        if "instead_of" in self.action.inputs and self.action.name == "cases.start":
            yield from self._linked("instead_of")
        yield from self._start_form(started, self._columns())

    def start_each(self) -> Iterator[Fault]:
        """The same for each row of a list; what failed is tried again by those who start such cases."""
        if not self.action.inputs["each"].startswith("="):
            yield self.at("输入“each”应当是表达式", "写一个表格的路径，如 =draft.units")
        elif self._kind("each") not in (LIST, None):
            yield self.at("输入“each”不是列表", "写一个表格的路径，如 =draft.units")
        if not any(rule.role for rule in self.subject.procedure.manifest.starts):
            mend = "在 procedure.toml 的 starts 中写 role，该岗位可以重试或放弃启动失败的行"
            yield self.at("本事项没有可以启动它的岗位，启动失败的行无人处理", mend)
        yield from self.start()

    def _columns(self) -> Collection[str] | None:
        """The columns of the table that each row comes from; None when they cannot be told."""
        if self.action.name != "cases.start_each":
            return frozenset()
        path = tuple(self.action.inputs["each"].removeprefix("=").strip().split("."))
        return self.names.columns(path)

    def _start_form(self, started: Subject, columns: Collection[str] | None) -> Iterator[Fault]:
        first = [e for e in started.procedure.drawing.of_kind("startEvent") if e.parent is None]
        name = first[0].form if first else None
        form = started.procedure.forms.get(name or "")
        if not first or (name and form is None):
            return
        given = self.free(self.whole.actions[self.action.name])
        fields = {field.name: field for field in form.fields} if form else {}
        needed = [field.name for field in fields.values() if field.kind.required and not field.hidden_when]
        needed = [name for name in needed if columns is not None and name not in columns]
        yield from self._exactly(given, list(fields), needed, f"事项“{started.slug}”启动表单的字段")
        if form is not None:
            yield from self._choices(given, form)

    def _choices(self, given: Mapping[str, str], form: Form) -> Iterator[Fault]:
        for field in form.fields:
            options, text = choices_of(field), given.get(field.name, "=")
            if options is not None and not text.startswith("=") and text not in options:
                yield self.at(f"“{field.name}”没有选项“{text}”", f"可能的值：{'、'.join(sorted(options))}")

    def publicity(self) -> Iterator[Fault]:
        """A publicity of the manifest."""
        known, name = self.subject.procedure.manifest.publicity, self.action.inputs["publicity"]
        if name not in known:
            yield self.at(f"没有名为“{name}”的公示", f"在 [publicity.{name}] 中定义；已有：{_list(known)}")

    def told(self) -> Iterator[Fault]:
        """The party, or a role of the regulation that officials hold; a text."""
        said, known = self.subject.procedure.manifest, self.whole.regulation.roles
        name = self.action.inputs["to"]
        role = said.role(name)
        if role != PARTY and self.whole.regulation_known:
            offices = [key for key, one in known.items() if not one.applicant]
            if role not in offices:
                yield self.at(f"输入“to”不是岗位：“{name}”", f"写 {PARTY}（当事人），或岗位：{_list(offices)}")
        if self._kind("text") not in (TEXT, None):
            yield self.at("输入“text”不是文字", "写一段文字，或结果是文字的表达式")

    def draw(self) -> Iterator[Fault]:
        """A register that is drawn from, by the key of its records; a table of the manifest that leaves people out."""
        name, table = self.action.inputs["register"], self.action.inputs.get("exclude")
        register = self.whole.regulation.registers.get(name)
        if register is None and self.whole.regulation_known:
            yield self.at(f"法规中没有名册“{name}”", f"可用：{_list(self.whole.regulation.registers)}")
        elif register is not None and register.key != ("number",):
            yield self.at(f"名册“{name}”的键不是 number，不能抽取", '在 [registers] 中写 key = ["number"]')
        if table is not None:
            yield from self._excluding(table)
        yield from self._counted(self.action.inputs["count"])

    def _counted(self, text: str) -> Iterator[Fault]:
        """A number by an expression; one that is written out can be drawn."""
        written = text.removeprefix("=").strip()
        if not text.startswith("="):
            yield self.at("输入“count”应当是表达式", "写成 =arrange.count，或 =5")
        elif self._kind("count") not in (NUMBER, None):
            yield self.at("输入“count”不是数字", "写一个数字的路径或算式")
        elif written.isdecimal() and (int(written) < LEAST or int(written) % 2 == 0):
            what = f"专家人数应为单数，且不少于 {LEAST} 人，写的是 {written}"
            yield self.at(what, f"写成 ={LEAST}、=5，或一个数字的路径")

    def _excluding(self, table: str) -> Iterator[Fault]:
        """A table of the manifest that writes out why somebody is left out: the reasons are published."""
        known, read = self.subject.procedure.manifest.decisions, self.subject.procedure.decisions.get(table)
        if table not in known:
            yield self.at(f"没有名为“{table}”的决策", f"在 [decisions.{table}] 中定义；已有：{_list(known)}")
        elif read is not None and reasons_of(read.decision(known[table].decision)) is None:
            mend = "用一张决策表，在输出列 reason 中逐条写出文字：排除的理由随抽取记录公开"
            yield self.at(f"决策“{table}”没有逐条写出排除的理由", mend)

    def replace(self) -> Iterator[Fault]:
        """A seat of a draw, by their numbers; a reason that is written out, or chosen: it is published, and what
        somebody wrote himself is not."""
        for key in ("draw", "seat"):
            if not self.action.inputs[key].startswith("=") or self._kind(key) not in (NUMBER, None):
                yield self.at(f"输入“{key}”不是编号", "写抽取的 draw 和席位的 seat，如 =draw.draw、=seat.seat")
        text = self.action.inputs["reason"]
        if text.startswith("=") and self._options("reason") is None and not _written_out(text[1:]):
            mend = '直接写出，或用选择题的路径、=if … then "…" else "…"：理由随抽取记录公开，不能是填写的文字'
            yield self.at("输入“reason”不是写出或选定的理由", mend)

    def record(self) -> Iterator[Fault]:
        """A record with all the fields of its register, unless the rows of `each` bring them."""
        register = yield from self._register()
        if register is not None and "each" not in self.action.inputs:
            yield from self._lacking(register, register.fields, "每个字段都要写明")

    def update(self) -> Iterator[Fault]:
        """A record by its key, with what changes in it."""
        register = yield from self._register()
        if register is None or "each" in self.action.inputs:
            return
        yield from self._lacking(register, register.key, "以键找到要变更的记录")
        changed = self.action.inputs.keys() & (register.fields.keys() - set(register.key) | {STATE})
        if not changed:
            yield self.at("没有说明变更什么", f"写上 {STATE}，或要变更的字段：{_list(register.fields)}")

    def _register(self) -> Generator[Fault, None, Register | None]:
        """The register that is named, once its state, document and fields have been looked at."""
        inputs = self.action.inputs
        register = self.whole.regulation.registers.get(inputs["register"])
        if register is None:
            if self.whole.regulation_known:
                known = _list(self.whole.regulation.registers)
                yield self.at(f"法规中没有名册“{inputs['register']}”", f"可用：{known}；或在 [registers] 中定义")
            return None
        for key in self.free(self.whole.actions[self.action.name]):
            if key not in register.fields:
                yield self.at(f"名册“{register.name}”没有字段“{key}”", f"可用：{_list(register.fields)}")
        state, document = inputs.get(STATE, "="), inputs.get("document", "=")
        if not state.startswith("=") and state not in register.states:
            yield self.at(f"名册“{register.name}”没有状态“{state}”", f"可用：{_list(register.states)}")
        documents = self.subject.procedure.manifest.documents
        if not document.startswith("=") and document not in documents:
            yield self.at(f"没有名为“{document}”的文书", f"在 [documents.{document}] 中定义；已有：{_list(documents)}")
        if "each" in inputs and not inputs["each"].startswith("="):
            yield self.at("输入“each”应当是表达式", "写一个列表的路径，如 =draft.units")
        elif "each" in inputs and self._kind("each") not in (LIST, None):
            yield self.at("输入“each”不是列表", "写一张表格的路径，如 =draft.units")
        yield from self._fields(register)
        yield from self._regions(register)
        return register

    def _regions(self, register: Register) -> Iterator[Fault]:
        """Districts that are chosen from a list, which says the regulation's over again."""
        districts = frozenset(self.whole.regulation.districts)
        each = self.action.inputs.get("each", "").removeprefix("=")
        columns = expressions.columns(each, self.names) if each else None
        for name in (name for name, kind in register.fields.items() if kind == _REGION):
            options = self._options(name) if name in self.action.inputs else (columns or {}).get(name, ANY).options
            if districts and options is not None and options != districts:
                lost, more = (_list(sorted(texts)) for texts in (districts - options, options - districts))
                what = f"“{name}”可选的区县与法规的 districts 不同：缺少 {lost}，多出 {more}"
                yield self.at(what, "改正表单的选项，或 regulation.toml 的 districts")

    def _options(self, key: str) -> frozenset[str] | None:
        """The texts that an input can be, where it is the path of a choice."""
        found = self.names.value(tuple(self.action.inputs[key].removeprefix("=").strip().split(".")))
        return found.options if isinstance(found, Value) else None

    def _fields(self, register: Register) -> Iterator[Fault]:
        """Fields filled from something that they cannot hold: of another kind, or a text that does not fit."""
        given = {key: text for key, text in self.action.inputs.items() if key in register.fields}
        for key, text in given.items():
            kind = KINDS[register.fields[key]]
            found = self._kind(key) if text.startswith("=") else None
            if kind.number and found not in (NUMBER, None):
                yield self.at(f"输入“{key}”不是数字", "写一个数字的路径或算式")
            elif kind.several and found not in (LIST, TEXT, None):
                yield self.at(f"输入“{key}”不是列表", "写一个列表（如多选）的路径，或逐行填写的文字")
            elif found == LIST and not kind.several:
                yield self.at(f"输入“{key}”是列表，字段只放一个值", '取其中一项，或把字段的种类改为 "list"')
            elif register.fields[key] == "date" and found not in (DATE, MOMENT, None):
                yield self.at(f"输入“{key}”不是日期", "写一个日期的路径，如 documents.notice.issued_at，或 date(…)")
            elif found is not None and not _fits(register.fields[key], found):
                yield self.at(f"输入“{key}”是{found}，字段放的是文字", "写一个文字的路径，或 string(…)")
            elif not text.startswith("=") and not _holds(register, key, text):
                yield self.at(f"字段“{key}”不能是“{text}”", f"应为{kind.wanted}")

    def _lacking(self, register: Register, names: Iterable[str], why: str) -> Iterator[Fault]:
        for name in names:
            if name not in self.action.inputs:
                mend = f'加上 <portal:input name="{name}" value="…"/>'
                yield self.at(f"缺少名册“{register.name}”的字段“{name}”（{why}）", mend)

    def _exactly(
        self, given: Iterable[str], known: Iterable[str], needed: Iterable[str], title: str
    ) -> Iterator[Fault]:
        names = list(known)
        for key in given:
            if key not in names:
                yield self.at(f"输入“{key}”不是{title}", f"可用：{'、'.join(names) or '无'}")
        for key in needed:
            if key not in given:
                yield self.at(f"缺少输入“{key}”（{title}）", f'加上 <portal:input name="{key}" value="…"/>')


def _fits(kind: str, found: str) -> bool:
    """Whether a field of a register can be filled from a value of a kind, where it takes texts."""
    return KINDS[kind].number or KINDS[kind].several or kind == "date" or found == TEXT


def _holds(register: Register, field: str, text: str) -> bool:
    try:
        register.stored(field, text)
    except WrongField:
        return False
    return True


def _written_out(text: str) -> bool:
    """Whether an expression can yield only texts that it holds itself; what cannot be read is told elsewhere."""
    try:
        return _is_constant(feel.compile(text, FUNCTIONS).node)
    except feel.FeelError:
        return True


def _is_constant(node: syntax.Node) -> bool:
    if isinstance(node, syntax.Conditional):
        return _is_constant(node.yes) and _is_constant(node.no)
    return isinstance(node, syntax.Literal) and isinstance(node.value, str)


def _list(names: Iterable[str]) -> str:
    return "、".join(names) or "无"


_SPECIAL: Mapping[str, Callable[[_Task], Iterator[Fault]]] = {
    "deadlines.start": _Task.timed,
    "deadlines.suspend": _Task.timed,
    "deadlines.resume": _Task.timed,
    "deadlines.extend": _Task.timed,
    "documents.issue": _Task.issue,
    "experts.draw": _Task.draw,
    "experts.replace": _Task.replace,
    "ledger.post": _Task.post,
    "ledger.reverse": _Task.linked,
    "ledger.check": _Task.linked,
    "cases.start": _Task.start,
    "cases.start_each": _Task.start_each,
    "cases.message": _Task.message,
    "notify.send": _Task.told,
    "publicity.open": _Task.publicity,
    "publicity.close": _Task.publicity,
    "register.record": _Task.record,
    "register.update": _Task.update,
}
