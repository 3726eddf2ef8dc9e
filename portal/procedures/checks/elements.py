"""Whether what each element names exists: roles, forms, deadlines, messages, outcomes, articles, conditions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from portal.errors import Fault
from portal.forms.kinds.corrections import ANSWER, Corrections
from portal.procedures.checks import actions, expressions, gateways
from portal.procedures.checks.actions import ALL_ENDED, PORTALS, SERVED
from portal.procedures.checks.expressions import Where
from portal.procedures.checks.names import Names
from portal.procedures.checks.whole import Subject, Whole, at
from portal.procedures.drawing import BPMN, Drawing, Each, Element, Task
from portal.procedures.expressions import visible_from
from portal.procedures.regulation import PARTY
from portal.procedures.spelling import instead, referred

_ROLE = '写 <portal:task role="…" form="…"/>'


def faults(whole: Whole, subject: Subject) -> Iterator[Fault]:
    """The faults of a procedure's diagrams as this procedure uses them."""
    for drawn in subject.procedure.drawings.values():
        yield from _Drawn(whole, subject, drawn).faults()


class _Drawn:
    """One diagram as one procedure uses it."""

    def __init__(self, whole: Whole, subject: Subject, drawn: Drawing) -> None:
        self.whole, self.subject, self.drawn = whole, subject, drawn
        self.said = subject.procedure.manifest
        self.has_lanes = drawn.root.find(f".//{{{BPMN}}}lane") is not None

    def faults(self) -> Iterator[Fault]:
        for element in self.drawn.elements.values():
            if element.kind == "userTask":
                yield from self._task(element)
            if element.message is not None:
                yield from self._message(element)
            if element.kind == "serviceTask":
                yield from actions.faults(self.whole, self.subject, self.drawn, element)
            if element.event == "timer":
                yield from self._timer(element)
            if element.each is not None:
                yield from self._many(element, element.each)
            yield from self._article(element)
        yield from self._ends()
        yield from self._conditions()

    def _conditions(self) -> Iterator[Fault]:
        """Conditions that say what they mean, and leave no case without a way."""
        misread = set()
        for flow in self.drawn.flows.values():
            if flow.condition:
                where = Where("顺序流的条件", self.drawn.file, flow.id, flow.line)
                found = list(expressions.condition_faults(flow.condition, where, self._names(flow.source)))
                misread |= {flow.source} if found else set()
                yield from found
        yield from gateways.faults(self.whole, self.subject, self.drawn, misread)

    def _names(self, element: str) -> Names:
        """The names that the expressions of an element may use."""
        return Names(self.whole, self.subject, self.drawn, element)

    def _at(self, element: Element, what: str, mend: str) -> Fault:
        return at(self.drawn, element, what, mend)

    # People

    def _task(self, element: Element) -> Iterator[Fault]:
        task = element.task
        if task is None:
            yield self._at(element, "人员任务没有说明由谁办理、用哪份表单", _ROLE)
            return
        if not element.name:
            yield self._at(element, "人员任务没有名称", "写上办理人看到的名称")
        if not task.form:
            yield self._at(element, "人员任务没有说明用哪份表单", _ROLE)
        yield from self._role(element, task.role, "人员任务没有说明由谁办理")
        yield from self._assignee(element, task)
        yield from self._told(element, "asks", task.asks)
        if task.deadline is not None:
            yield from self._deadline(element, task.deadline)
        form = self.subject.procedure.forms.get(task.form)
        items = form.corrections if form is not None else None
        if items is not None and isinstance(items.kind, Corrections):
            yield from self._corrects(element, task, items.kind.element, items.kind.part)
        elif task.revises is not None:
            yield from self._revised(element, task.revises, task.form)
        yield from self._lane(element, task.role)

    def _role(self, element: Element, role: str, missing: str) -> Iterator[Fault]:
        meant = self.said.role(role)
        if not role:
            yield self._at(element, missing, _ROLE)
        elif meant != PARTY and self.whole.regulation_known and meant not in self.whole.regulation.roles:
            known = instead(meant, [PARTY, *self.whole.regulation.roles])
            yield self._at(element, f"法规中没有岗位“{meant}”", f"{known}；或在 procedure.toml 的 roles 中对应")

    def _assignee(self, element: Element, task: Task) -> Iterator[Fault]:
        """A role of applicants is done by the one party that is named; an office's tasks by whoever holds it."""
        role = self.whole.regulation.roles.get(self.said.role(task.role))
        of_applicants = role is not None and bool(role.applicant)
        if task.assignee is None:
            if role is not None and of_applicants:
                mend = 'assignee="=…"，值为当事人的代码；由案件当事人办理的写 role="party"'
                yield self._at(element, f"岗位“{role.title}”是申请人，没有写由哪一位办理", mend)
            return
        if not of_applicants and (role is not None or self.said.role(task.role) == PARTY):
            mend = '在 regulation.toml 中写 applicant = ["person"]，或删去 assignee'
            yield self._at(element, f"写了 assignee，岗位“{task.role}”却不是申请人的岗位", mend)
        yield from self._told(element, "assignee", task.assignee)

    def _told(self, element: Element, key: str, text: str | None) -> Iterator[Fault]:
        """An attribute of a task that is an expression."""
        where = Where(f"任务的 {key}", self.drawn.file, element.id, element.line)
        if text is not None and not text.startswith("="):
            yield where.fault("应当以等号开头", f"写成 ={text}")
        elif text is not None:
            yield from expressions.faults(text[1:], where, self._names(element.id))

    def _lane(self, element: Element, role: str) -> Iterator[Fault]:
        meant, regulation = self.said.role(role), self.whole.regulation
        if not self.has_lanes or element.parent is not None or (meant != PARTY and meant not in regulation.roles):
            return
        title = regulation.role_title(meant)
        if element.lane is None:
            yield self._at(element, "人员任务不在任何泳道中", f"把它放进泳道“{title}”")
        elif element.lane != title:
            mend = f"移到泳道“{title}”，或改 role"
            yield self._at(element, f"泳道“{element.lane}”与岗位“{title}”（{meant}）不符", mend)

    def _corrects(self, element: Element, task: Task, of: str, part: str) -> Iterator[Fault]:
        """What is answered item by item takes the place of what it corrects; nothing else in a correction does."""
        around = [drawn.elements.get(of) for drawn in visible_from(self.subject.procedure, self.drawn)]
        if self.subject.complete and not any(around):
            yield self._at(element, f"表单“{task.form}”补正的“{of}”在这里看不到", "of 写本图或调用它的图中的元素")
        elif part == ANSWER and task.revises != of:
            yield self._at(element, f"逐项补正的表单“{task.form}”没有写明答案放回哪里", f'写 revises="{of}"')
        elif part != ANSWER and task.revises is not None:
            yield self._at(element, f"表单“{task.form}”不改动原来的答案，不能写 revises", "删去 revises")

    def _revised(self, element: Element, key: str, form: str) -> Iterator[Fault]:
        revised = self.drawn.elements.get(key)
        if revised is None:
            yield self._at(element, f"revises 指的元素“{key}”不在这张图中", "写本图中用同一表单的元素")
        elif form != (revised.task.form if revised.task else revised.form):
            yield self._at(element, f"revises 指的元素“{key}”用的不是表单“{form}”", "两处用同一份表单")

    def _many(self, element: Element, each: Each) -> Iterator[Fault]:
        """By which list it is done by many, and when those who are left need not."""
        where = Where("portal:each 的 in", self.drawn.file, element.id, element.line)
        names = Names(self.whole, self.subject, self.drawn, element.id, of_all=True)
        if each.items.startswith("="):
            found = list(expressions.faults(each.items[1:], where, names))
            if not found and expressions.is_no_list(each.items[1:], names):
                found = [where.fault("不是列表", "写一个列表的路径，如 =draw.experts；每一项办理一份")]
            yield from found
        if each.completion:
            where = Where("多实例的完成条件", self.drawn.file, element.id, element.line)
            yield from expressions.condition_faults(each.completion, where, names)

    # Events

    def _message(self, element: Element) -> Iterator[Fault]:
        message = element.message
        if message is None:
            return
        if message.role is not None:
            yield from self._role(element, message.role, "消息的 role 是空的")
            if not element.name:
                yield self._at(element, "可由人员发出的消息没有名称", "写上发送人看到的名称")
        elif message.form:
            yield self._at(element, "消息有表单而没有写由谁填写", "加上 role，或删去 form")
        if message.taken_while is not None:
            where = Where("消息的 while", self.drawn.file, element.id, element.line)
            yield from expressions.condition_faults(message.taken_while, where, self._names(element.id))
            if not message.otherwise:
                yield self._at(element, "消息写了 while 而没有写 otherwise", "在 otherwise 中写明不再接收的理由")
        if message.document is not None:
            yield from self._served(element, message.name, message.document)
        if message.name in PORTALS and message.role is not None:
            yield self._at(element, f"消息“{message.name}”由平台发出，不能由人员发出", "删去 role")
        if message.name == ALL_ENDED:
            yield from self._all_ended(element)

    def _all_ended(self, element: Element) -> Iterator[Fault]:
        """The portal sends it, to a case that starts cases in bulk."""
        starters = (e for _, e in self.subject.procedure.elements() if e.action and e.action.name == "cases.start_each")
        if self.subject.complete and not any(starters):
            mend = "加上动作为 cases.start_each 的服务任务，或改等别的消息"
            yield self._at(element, f"消息“{ALL_ENDED}”永远不会来：图中没有逐个启动案件的动作", mend)

    def _served(self, element: Element, message: str, document: str) -> Iterator[Fault]:
        if document not in self.said.documents:
            yield self._at(element, f"没有名为“{document}”的文书", _known(self.said.documents))
        if message != SERVED:
            yield self._at(element, f"消息“{message}”不能写 document", f"只有消息 {SERVED}（送达）按文书区分")

    def _timer(self, element: Element) -> Iterator[Fault]:
        if element.deadline is None:
            return
        yield from self._deadline(element, element.deadline)
        rule = self.said.deadlines.get(element.deadline)
        started = {
            one.action.inputs.get("deadline")
            for _drawn, one in self.subject.procedure.elements()
            if one.action and one.action.name == "deadlines.start"
        }
        if rule is not None and not rule.after and element.deadline not in started:
            what = f"期限“{element.deadline}”没有写 after，定时事件永远不会发生"
            yield self._at(element, what, f"在 [deadlines.{element.deadline}] 中写 after")

    def _deadline(self, element: Element, name: str) -> Iterator[Fault]:
        if name not in self.said.deadlines:
            yield self._at(element, f"没有名为“{name}”的期限", _known(self.said.deadlines))

    # Outcomes

    def _ends(self) -> Iterator[Fault]:
        ends = list(self.drawn.of_kind("endEvent"))
        count = Counter(end.name for end in ends)
        seen: set[str] = set()
        for end in ends:
            if not end.name:
                yield self._at(end, "结束事件没有名称", "写上结果的名称，如“维持”")
            elif count[end.name] > 1 and end.name in seen:
                yield self._at(
                    end, f"结果“{end.name}”在图中有 {count[end.name]} 个结束事件", "每种结果只画一个，或改名"
                )
            seen.add(end.name)
            if end.replaces is not None or end.replaced_as is not None:
                yield from self._replaces(end)

    def _replaces(self, end: Element) -> Iterator[Fault]:
        if end.replaces != "about" or not end.replaced_as:
            yield self._at(end, "portal:outcome 写得不对", '写成 <portal:outcome replaces="about" as="…"/>')
        elif self.said.about is None:
            yield self._at(end, "本事项没有写 about，不能取代关联案件的结果", "在 procedure.toml 中写 about")
        elif self.drawn is not self.subject.procedure.drawing or self._inside(end):
            yield self._at(end, "被调用的图或子流程中的结束事件不能取代关联案件的结果", "写在事项自己的图的结束事件上")
        else:
            about = self.whole.about(self.subject)
            names = [e.name for e in about.procedure.drawing.of_kind("endEvent")] if about else [end.replaced_as]
            if end.replaced_as not in names:
                yield self._at(end, f"关联事项没有名为“{end.replaced_as}”的结果", instead(end.replaced_as, names))

    def _inside(self, element: Element) -> bool:
        around = self.drawn.elements.get(element.parent or "")
        return around is not None and (not around.event_subprocess or self._inside(around))

    # Articles

    def _article(self, element: Element) -> Iterator[Fault]:
        basis = element.basis
        if basis and basis.startswith("@") and basis[1:] not in self.said.basis:
            mend = referred(basis[1:], self.said.basis, f'写 basis = {{ {basis[1:]} = "…" }}')
            yield self._at(element, f"procedure.toml 的 basis 中没有“{basis[1:]}”", mend)
        elif basis and not basis.startswith("@") and self.whole.regulation_known:
            if not self.whole.regulation.cites(basis):
                yield self._at(element, f"法规中没有条款“{basis}”", "改为 [articles] 中的条款，或“法名:条”")
        elif _wants_article(element) and not basis and not element.assumed and not self._borrowed(element):
            mend = '写 <portal:basis ref="…"/>，文本没有规定时写 <portal:assumed reason="…"/>'
            yield self._at(element, "没有写依据哪一条", mend)

    def _borrowed(self, element: Element) -> bool:
        """Whether the deadline or document that it names says the article; a missing one is told elsewhere."""
        name = element.deadline or (element.task.deadline if element.task else None)
        document = element.action.inputs.get("document") if element.action else None
        if element.event == "timer" and name is None:
            return True
        if name is not None:
            return True  # a deadline without article is told in the manifest
        return (
            document is not None
            and not document.startswith("=")
            and (document not in self.said.documents or bool(self.said.documents[document].basis))
        )


def _wants_article(element: Element) -> bool:
    posts = element.action is not None and element.action.name.startswith(("ledger.", "register."))
    return element.kind in ("userTask", "endEvent") or element.event == "timer" or posts


def _known(table: Mapping[str, object]) -> str:
    return f"可用：{'、'.join(table)}" if table else "先在 procedure.toml 中定义"
