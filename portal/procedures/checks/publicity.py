"""Whether what is shown to the public can be shown, for long enough, and is closed again by a person."""

from __future__ import annotations

from collections.abc import Iterator

from portal import feel
from portal.errors import Fault
from portal.procedures.checks import expressions
from portal.procedures.checks.expressions import Where
from portal.procedures.checks.names import Names
from portal.procedures.checks.values import Unknown, nearest
from portal.procedures.checks.ways import Place, before_waiting, callers, cutting, ends_diagram, reached
from portal.procedures.checks.whole import Subject, Whole, at
from portal.procedures.drawing import Drawing, Element
from portal.procedures.functions import FUNCTIONS
from portal.procedures.manifest import Start
from portal.procedures.publicity import LABELS, LARGEST_BUNDLE, Publicity, Showing
from portal.procedures.regulation import PARTY
from portal.procedures.spelling import instead

OPEN, CLOSE = "publicity.open", "publicity.close"
FILER = "filer"
"""Whom a letter is served on that answers what somebody filed without an account."""
_NUMBERS = ("identity", "uscc")
_TEXTS = ("textfield", "textarea")
_SECRET = "identity"  # nosec B105 # 2026-11-22: a name
_EITHER = "party"
"""The kind of a field that holds the code of a unit, or of a natural person."""


def faults(whole: Whole, subject: Subject) -> Iterator[Fault]:
    """The faults of one procedure's publicity, and of what the public may start."""
    for rule in subject.procedure.manifest.publicity.values():
        yield from _Shown(whole, subject, rule).faults()
    yield from _in_public(whole, subject)
    yield from _shares(whole, subject)


class _Shown:
    def __init__(self, whole: Whole, subject: Subject, rule: Publicity) -> None:
        self.whole, self.subject, self.rule = whole, subject, rule
        self.said = subject.procedure.manifest
        self.opened = list(self._acting(OPEN))
        drawn = self.opened[0][0] if self.opened else subject.procedure.drawing
        self.names = Names(whole, subject, drawn)

    def _acting(self, action: str) -> Iterator[tuple[Drawing, Element]]:
        for drawn, element in self.subject.procedure.elements():
            named = element.action is not None and element.action.name == action
            if named and element.action and element.action.inputs.get("publicity") == self.rule.name:
                yield drawn, element

    def _fault(self, key: str, what: str, mend: str) -> Fault:
        name = f"publicity.{self.rule.name}"
        return self.subject.fault(f"{name}.{key}" if key else name, what, mend)

    def faults(self) -> Iterator[Fault]:
        yield from self._reasoned()
        yield from self._title()
        yield from self._period()
        yield from self._shows()
        yield from self._materials()
        yield from self._objections()
        if not self.opened and self.subject.complete:
            mend = f"画一个服务任务，动作 {OPEN}，输入 publicity={self.rule.name}"
            yield self._fault("", f"没有什么开始公示“{self.rule.name}”", mend)
        for drawn, element in self.opened:
            yield from self._ways(drawn, element)

    def _reasoned(self) -> Iterator[Fault]:
        rule, name = self.rule, self.rule.name
        written = [f"publicity.{name}.basis", f"basis.{name}"]
        tables = (self.subject.own, *self.subject.under)
        if not (rule.basis or rule.assumed or any(table.holds(key) for key in written for table in tables)):
            mend = f'写 basis = {{ {name} = "…" }}，文本没有规定时写 assumed = "…"'
            yield self._fault("", f"公示“{name}”没有写依据哪一条", mend)
        if any(all(table.holds(f"publicity.{name}.{key}") for key in ("basis", "assumed")) for table in tables):
            yield self._fault("assumed", f"公示“{name}”既写了 basis 又写了 assumed", "留下一个")
        cited = [("basis", rule.basis)] + ([("floor.basis", rule.floor.basis)] if rule.floor else [])
        for key, article in cited:
            known = article is None or not self.whole.regulation_known or self.whole.regulation.cites(article)
            if not known and article != self.said.basis.get(name):
                yield self._fault(key, f"法规中没有条款“{article}”", "改为 [articles] 中的条款，或“法名:条”")

    def _title(self) -> Iterator[Fault]:
        place = self._fault("title", "", "")
        for text, is_formula in self.rule.pieces:
            if is_formula:
                where = Where("公示的标题", place.file or "", place.element, place.line)
                found = list(expressions.faults(text, where, self.names))
                said = [] if found else sorted(feel.compile(text, FUNCTIONS).paths)
                yield from (*found, *(self._private("title", ".".join(path)) for path in said if _private(path)))

    def _period(self) -> Iterator[Fault]:
        """A period that cannot be cut short, begins with the publicity, and is as long as its floor."""
        name, rule = self.rule.name, self.said.deadlines.get(self.rule.deadline)
        if rule is None:
            if self.rule.deadline and self.subject.complete:
                known = instead(self.rule.deadline, self.said.deadlines)
                yield self._fault("deadline", f"没有名为“{self.rule.deadline}”的期限", known)
            return
        if rule.kind and rule.kind != "minimum":
            mend = f'在 [deadlines.{rule.name}] 中写 kind = "minimum"，它只能延长，不能缩短'
            yield self._fault("deadline", f"公示的期间“{rule.name}”可以被缩短（{rule.kind}）", mend)
        if rule.after != (f"opened({name})",) and (rule.after or self.subject.complete):
            mend = f'在 [deadlines.{rule.name}] 中写 after = "opened({name})"'
            yield self._fault("deadline", f"公示的期间“{rule.name}”不自公示开始时起算", mend)
        floor = self.rule.floor
        tables = (self.subject.own, *self.subject.under)
        written = any(table.holds(f"deadlines.{rule.name}.length") for table in tables)
        if floor is None or rule.within is None or rule.kind != "minimum" or not written:
            return
        if rule.within.unit != floor.length.unit:
            what = f"期间是 {rule.within}，floor 是 {floor.length}，单位不同，不能比较"
            yield self._fault("floor", what, "两处用同一种单位")
        elif rule.within.amount < floor.length.amount:
            what = f"公示的期间 {rule.within} 短于下限 {floor.length}"
            yield self.subject.fault(f"deadlines.{rule.name}", what, f"改为不少于 {floor.length}")

    def _shows(self) -> Iterator[Fault]:
        if not self.rule.shows and not self.rule.materials:
            yield self._fault("shows", f"公示“{self.rule.name}”没有写公示什么", 'shows = ["start.title", "party.name"]')
        for one in self.rule.shows:
            found = self.names.value(tuple(one.path.split(".")))
            if isinstance(found, Unknown):
                yield self._fault("shows", f"“{one.path}”：{found.what}", found.mend)
            elif found is not None:
                yield from self._showing(one)

    def _showing(self, one: Showing) -> Iterator[Fault]:
        path = tuple(one.path.split("."))
        kind = self.names.field_kind(path)
        if kind == "filepicker":
            yield self._fault("shows", f"“{one.path}”是文件", f'写 materials = ["{path[-1]}"]')
        elif kind == _SECRET:
            yield self._fault("shows", f"“{one.path}”是居民身份号码，不能公开", "删去")
        elif _EITHER in (kind, *self._columns(path)) or _private(path):
            yield self._private("shows", one.path)
        elif kind is None and not one.label and not _labelled(path, one.path):
            mend = f'写成 {{ path = "{one.path}", label = "…" }}'
            yield self._fault("shows", f"“{one.path}”前面写什么没有说明", mend)

    def _columns(self, path: tuple[str, ...]) -> list[str]:
        """The kinds of what a table asks in each row."""
        field = self.names.field(path)
        return [column.kind_name for column in field.columns] if field is not None else []

    def _private(self, key: str, path: str) -> Fault:
        mend = "删去；要公示统一社会信用代码的，在表单中用 kind 为 uscc 的项填写"
        return self._fault(key, f"“{path}”可能是自然人的个人编号，不能公开", mend)

    def _materials(self) -> Iterator[Fault]:
        for name in self.rule.materials:
            if name not in self.said.materials:
                known = instead(name, self.said.materials) if self.said.materials else "在 [materials] 中定义"
                yield self._fault("materials", f"没有名为“{name}”的材料", known)

    def _objections(self) -> Iterator[Fault]:
        slug = self.rule.objections
        if slug is None:
            return
        other = self.whole.subjects.get(slug)
        if slug not in self.whole.slugs:
            yield self._fault("objections", f"法规中没有名为“{slug}”的事项", instead(slug, self.whole.slugs))
        elif other is not None:
            about = other.procedure.manifest.about
            if about is None or about.procedure != self.subject.slug or about.during != self.rule.name:
                said = f'procedure = "{self.subject.slug}", by = "anyone", times = "any", during = "{self.rule.name}"'
                mend = f"在它的 procedure.toml 中写 about = {{ {said} }}"
                yield self._fault("objections", f"事项“{slug}”不是公示“{self.rule.name}”期间提出的", mend)
        yield from self._paused(slug)

    def _paused(self, slug: str) -> Iterator[Fault]:
        """The period is not over while an objection is looked into: nobody could confirm what came of it."""
        rule = self.said.deadlines.get(self.rule.deadline)
        if rule is None or not (rule.pauses or self.subject.complete):
            return
        if not any((one.kind, one.what) == ("cases", slug) for one in rule.pauses):
            what = f"公示的期间“{rule.name}”在异议“{slug}”办理期间不暂停，可以在有结果之前期满"
            mend = f'pauses = [ {{ while = "cases({slug})" }} ]'
            yield self.subject.fault(f"deadlines.{rule.name}.pauses", what, mend)

    def _ways(self, drawn: Drawing, opening: Element) -> Iterator[Fault]:
        """From where it is opened every way closes it, none before its period is over or an objection has come."""
        whole = drawn is self.subject.procedure.drawing
        closings = {element.id for home, element in self._acting(CLOSE) if home is drawn}
        if not closings:
            mend = f"在同一张图中画一个服务任务，动作 {CLOSE}，输入 publicity={self.rule.name}"
            yield at(drawn, opening, f"公示“{self.rule.name}”开始后没有结束", mend)
            return
        for element in reached(drawn, opening, closings, whole_case=whole):
            if element.kind == "endEvent" and ends_diagram(drawn, element):
                what = f"公示“{self.rule.name}”开始后，可以不结束公示就走到“{element.name or element.id}”"
                yield at(drawn, opening, what, f"在这条路上加一个 {CLOSE}")
        waits = {element.id for element in drawn.elements.values() if self._ends_waiting(element)}
        if any(element.id in closings for element in reached(drawn, opening, waits, whole_case=whole)):
            yield self._skipped(drawn, opening)
        decided = {element.id for element in drawn.of_kind("userTask")}
        decided |= {key for key in waits if drawn.elements[key].kind == "startEvent"}  # an objection was upheld
        over = [drawn.elements[key] for key in waits if drawn.elements[key].deadline is not None]
        for timer in over:
            if any(element.id in closings for element in reached(drawn, timer, decided, whole_case=whole)):
                yield at(drawn, timer, "公示期满后没有人员确认结果就结束公示", "在期满与结束公示之间画一个人员任务")
        yield from self._cut_off(drawn)

    def _skipped(self, drawn: Drawing, element: Element) -> Fault:
        mend = f'结束公示之前等待期满：定时事件写 =deadline("{self.rule.deadline}")'
        return at(drawn, element, f"公示“{self.rule.name}”的期间可以跳过", mend)

    def _cut_off(self, drawn: Drawing) -> Iterator[Fault]:
        """What ends the diagram from outside ends the case, or closes the publicity before the case waits anew."""
        procedure = self.subject.procedure
        acting = [element for action in (OPEN, CLOSE) for _home, element in self._acting(action)]
        for calls in callers(procedure, drawn):
            for depth, (home, call) in enumerate(calls):
                for event in cutting(home, call, whole_case=home is procedure.drawing):
                    place = Place(home, event, calls[depth + 1 :])
                    for there in before_waiting(procedure, place, acting):
                        yield from self._goes_on(place, there.element)

    def _goes_on(self, event: Place, there: Element) -> Iterator[Fault]:
        if there.action is None or there.action.name != CLOSE:
            what = f"公示“{self.rule.name}”进行中可以由此中断，不结束公示就走到“{there.name or there.id}”"
            yield at(event.drawn, event.element, what, f"在两者之间加一个 {CLOSE}，或让案件就此结束")
        elif not self._ends_waiting(event.element):
            yield self._skipped(event.drawn, event.element)

    def _ends_waiting(self, element: Element) -> bool:
        """The end of the period, or the message of another case that an objection was upheld."""
        if element.deadline is not None:
            return element.deadline == self.rule.deadline
        first = element.kind == "startEvent" and element.parent is None
        return element.message is not None and element.message.role is None and not first


def _private(path: tuple[str, ...]) -> bool:
    """Whether a path is the code of a party, which may be a natural person."""
    return path[-2:] == ("party", "uscc")


def _labelled(path: tuple[str, ...], text: str) -> bool:
    """Whether the portal itself knows what stands before a value."""
    return path[0] in ("facts", "documents", "deadlines") or text in LABELS


def _in_public(whole: Whole, subject: Subject) -> Iterator[Fault]:
    """What the public starts: during a publicity, under a real name, answered by letters to whoever filed."""
    about, start = subject.procedure.manifest.about, subject.procedure.manifest.in_public
    if about is not None and about.during is not None:
        yield from _during(whole, subject, about.during)
    yield from _served(subject)
    if start is None:
        return
    if about is None or about.during is None:
        mend = 'about = { procedure = "…", by = "anyone", times = "any", during = "…" }'
        yield subject.fault("starts", "public 只用于公示期间提出的意见，没有写 about.during", mend)
    elif about.times != "any":
        what = f"公众都可以提出，先提出的人不能使后来的人提不成：times 不能是“{about.times}”"
        yield subject.fault("about.times", what, 'times = "any"')
    yield from _small(subject)
    yield from _real_name(subject, start)


def _served(subject: Subject) -> Iterator[Fault]:
    """A case that the public filed has no party, and another no such filer."""
    said = subject.procedure.manifest
    for name, rule in said.documents.items():
        if FILER in rule.serve and said.in_public is None:
            mend = '写 party；公众可以提出的，写 starts = [{ public = true, name = "start.name", code = ["…"] }]'
            yield subject.fault(f"documents.{name}.serve", f"“{FILER}”只用于公众可以提出的事项", mend)
        elif said.in_public is not None and PARTY in rule.serve:
            what = f"公众提出的案件没有当事人，文书“{name}”送达不了 {PARTY}"
            yield subject.fault(f"documents.{name}.serve", what, f'serve = ["{FILER}"]')


def _real_name(subject: Subject, start: Start) -> Iterator[Fault]:
    """A name and a number that are always asked for, the number perhaps by one of two fields."""
    first = next((e for e in subject.procedure.drawing.of_kind("startEvent") if e.parent is None), None)
    form = subject.procedure.forms.get(first.form or "") if first else None
    if first is None or (first.form and form is None):
        return
    fields = {f"{first.id}.{field.name}": field for field in form.fields} if form else {}
    named = fields.get(start.name)
    if start.name and (named is None or named.kind_name != "textfield" or not named.kind.required or named.hidden_when):
        what = f"name 的路径“{start.name}”不是启动表单中必填的文字项"
        yield subject.fault("starts.name", what, "真实姓名或名称必须填写，不能有时隐藏")
    texts = [path for path, field in fields.items() if field.kind_name in _TEXTS and path != start.name]
    if start.address and start.address not in texts:
        what = f"address 的路径“{start.address}”不是启动表单中的文字项"
        yield subject.fault("starts.address", what, f"可用：{'、'.join(texts) or '在表单中加上写地址的文字项'}")
    numbers = [path for path, field in fields.items() if field.kind_name in _NUMBERS]
    for path in start.code or ("",):
        if path not in numbers or not fields[path].kind.required:
            what = f"code 的路径“{path}”不是启动表单中必填的号码" if path else "没有写 code：实名要有号码"
            mend = f"可用：{'、'.join(numbers) or '在表单中加上 kind 为 identity 或 uscc 的必填项'}"
            yield subject.fault("starts.code", what, mend)


def _small(subject: Subject) -> Iterator[Fault]:
    """Materials that the public hands in, which may have no more than all of them together."""
    procedure = subject.procedure
    firsts = [e for e in procedure.drawing.of_kind("startEvent") if e.parent is None and e.form in procedure.forms]
    asked = {field.name for first in firsts for field in procedure.forms[first.form or ""].fields}
    for name, material in procedure.manifest.materials.items():
        if name in asked and material.size > LARGEST_BUNDLE:
            most = LARGEST_BUNDLE // 1_000_000
            what = f"公众提交的材料合计不超过 {most} MB，材料“{name}”却允许 {material.size // 1_000_000} MB"
            yield subject.fault(f"materials.{name}.size", what, f'size = "{most} MB"，或更小')


def _during(whole: Whole, subject: Subject, name: str) -> Iterator[Fault]:
    about, other = subject.procedure.manifest.about, whole.about(subject)
    if about is not None and about.by != "anyone":
        yield subject.fault("about.by", "公示期间任何人都可以提出", 'by = "anyone"')
    if other is not None and name not in other.procedure.manifest.publicity:
        known = nearest(name, other.procedure.manifest.publicity)
        yield subject.fault("about.during", f"事项“{other.slug}”没有名为“{name}”的公示", known)


def _shares(whole: Whole, subject: Subject) -> Iterator[Fault]:
    """What the party of the linked case may read: fields, and never who filed."""
    said = subject.procedure.manifest
    names = Names(whole, subject, subject.procedure.drawing)
    if said.shares and said.about is None:
        yield subject.fault("shares", "本事项没有写 about，没有可以看的当事人", "写 about，或删去 shares")
    start = said.in_public
    secret = {start.name, start.address, *start.code} if start else set()
    for path in said.shares:
        found, kind = names.value(tuple(path.split("."))), names.field_kind(tuple(path.split(".")))
        if isinstance(found, Unknown):
            yield subject.fault("shares", f"“{path}”：{found.what}", found.mend)
        elif found is not None and (kind is None or kind in ("filepicker", _SECRET) or path in secret):
            yield subject.fault("shares", f"“{path}”不能给关联案件的当事人看", "写表单中的内容，不写姓名、号码和文件")
