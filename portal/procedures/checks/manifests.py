"""Whether what manifests name exists: roles, procedures, articles, paths, elements, bodies, materials, numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from portal.errors import Fault
from portal.procedures.checks import expressions
from portal.procedures.checks.expressions import Where
from portal.procedures.checks.names import Found, Names, Path, Unknown
from portal.procedures.checks.shape import is_plain
from portal.procedures.checks.whole import Subject, Whole
from portal.procedures.drawing import Element
from portal.procedures.manifest import DIAGRAM, Separation, Start
from portal.procedures.regulation import PARTY


def faults(whole: Whole, subject: Subject) -> Iterator[Fault]:
    """The faults of one procedure's manifest."""
    manifest = _Manifest(whole, subject)
    yield from manifest.starts()
    yield from manifest.about()
    yield from manifest.roles()
    yield from manifest.given()
    yield from manifest.articles()
    yield from manifest.facts()
    yield from manifest.paths()
    yield from manifest.once()
    yield from manifest.separation()
    yield from manifest.deadlines()
    yield from manifest.documents()
    yield from manifest.materials()
    yield from manifest.plain_names()


def shared_numbers(whole: Whole) -> Iterator[tuple[str, Fault]]:
    """Number patterns that more than one procedure or document would draw from, by the later one's procedure."""
    users: dict[str, str] = {}
    for subject in whole.subjects.values():
        said = subject.procedure.manifest
        patterns = {"number": said.number} | {f"documents.{n}.number": d.number for n, d in said.documents.items()}
        for name, pattern in patterns.items():
            if pattern and pattern in users:
                what = f"文号“{pattern}”已由 {users[pattern]} 使用"
                yield subject.slug, subject.fault(name, what, "每种案件和文书用自己的文号，序号才连续")
            users.setdefault(pattern, f"{subject.slug} 的 {name}")


class _Manifest:
    def __init__(self, whole: Whole, subject: Subject) -> None:
        self.whole, self.subject = whole, subject
        self.said, self.fault = subject.procedure.manifest, subject.fault
        self.regulation = whole.regulation
        self.names = Names(whole, subject, subject.procedure.drawing)

    def starts(self) -> Iterator[Fault]:
        for start in self.said.starts:
            if start.role is not None and self._no_role(start.role):
                what = f"法规中没有岗位“{self.said.role(start.role)}”"
                yield self.fault("starts.role", what, f"可用：{'、'.join(self.regulation.roles)}")
            yield from self._unknown_procedures("starts.cases", start.cases)
            if start.party:
                yield from self._party(start)

    def _no_role(self, role: str) -> bool:
        return self.whole.regulation_known and self.said.role(role) not in self.regulation.roles

    def _unknown_procedures(self, name: str, slugs: Iterable[str]) -> Iterator[Fault]:
        for slug in slugs:
            if slug not in self.whole.slugs:
                yield self.fault(name, f"法规中没有名为“{slug}”的事项", f"可用：{'、'.join(self.whole.slugs)}")

    def _party(self, start: Start) -> Iterator[Fault]:
        first = next((e for e in self.subject.procedure.drawing.of_kind("startEvent") if e.parent is None), None)
        form = self.subject.procedure.forms.get(first.form or "") if first else None
        if first is None or (first.form and form is None):
            return
        fields = [f for f in form.fields if f.kind_name in ("party", "uscc")] if form else []
        paths = [f"{first.id}.{field.name}" for field in fields]
        if start.party not in paths:
            what = f"party 的路径“{start.party}”不是启动表单中的单位"
            yield self.fault("starts.party", what, f"可用：{'、'.join(paths) or '启动表单中没有单位字段'}")

    def about(self) -> Iterator[Fault]:
        about = self.said.about
        if about is None:
            return
        yield from self._unknown_procedures("about.procedure", [about.procedure] if about.procedure else [])
        other = self.whole.about(self.subject)
        if about.until and other is not None and about.until not in other.procedure.manifest.deadlines:
            known = "、".join(other.procedure.manifest.deadlines) or "无"
            yield self.fault("about.until", f"事项“{other.slug}”没有名为“{about.until}”的期限", f"可用：{known}")

    def roles(self) -> Iterator[Fault]:
        used = {element.task.role for _, element in self.subject.procedure.elements() if element.task}
        used |= {e.message.role for _, e in self.subject.procedure.elements() if e.message and e.message.role}
        used |= {*(start.role for start in self.said.starts if start.role), *self.said.receipts.values()}
        for key, role in self.said.roles.items():
            if role != PARTY and self.whole.regulation_known and role not in self.regulation.roles:
                known = "、".join([PARTY, *self.regulation.roles])
                yield self.fault(f"roles.{key}", f"法规中没有岗位“{role}”", f"可用：{known}")
            if self.subject.complete and key not in used:
                yield self.fault(f"roles.{key}", f"图中没有用到岗位“{key}”", "删去，或改为图中的岗位")

    def given(self) -> Iterator[Fault]:
        for key, kind in self.said.needs.items():
            if not self.said.given.get(key):
                yield self.fault("with", f"缺少图所要的 with.{key}", f'写 with = {{ {key} = "…" }}')
            elif kind == DIAGRAM and not self._diagram(self.said.given[key]):
                name = self.said.given[key]
                yield self.fault(f"with.{key}", f"找不到图“{name}”", f"在 _shared/{name}/ 放入 process.bpmn")
        for key in self.said.given:
            if key not in self.said.needs:
                known = "、".join(self.said.needs) or "无"
                yield self.fault(f"with.{key}", f"图没有要 with.{key}", f"可用：{known}")

    def _diagram(self, name: str) -> bool:
        owners = (f"{self.regulation.slug}/_shared", "_shared")
        called = set(self.subject.procedure.calls.values())
        # A diagram that is called and missing, the reader of procedures has told.
        return name in called or any(
            f"bpmn/{owner}/{name}/process.bpmn" in self.whole.content.files for owner in owners
        )

    def articles(self) -> Iterator[Fault]:
        elements = [element for _, element in self.subject.procedure.elements()]
        used = {element.basis[1:] for element in elements if element.basis and element.basis.startswith("@")}
        used |= {*self.said.facts, *self.said.deadlines, *self.said.documents}
        for key, article in self.said.basis.items():
            yield from self._cited(f"basis.{key}", article)
            if self.subject.complete and key not in used:
                mend = "删去，或改为图中 @ 引用的键、期限、文书、事实的名称"
                yield self.fault(f"basis.{key}", f"没有什么用到 basis.{key}", mend)
        for name, rule in self.said.deadlines.items():
            if rule.basis != self.said.basis.get(name):
                yield from self._cited(f"deadlines.{name}.basis", rule.basis or "")
        for name, document in self.said.documents.items():
            if document.basis != self.said.basis.get(name):
                yield from self._cited(f"documents.{name}.basis", document.basis or "")

    def _cited(self, name: str, article: str) -> Iterator[Fault]:
        if self.whole.regulation_known and not self.regulation.cites(article):
            yield self.fault(name, f"法规中没有条款“{article}”", "改为 [articles] 中的条款，或“法名:条”")

    def facts(self) -> Iterator[Fault]:
        for name, fact in self.said.facts.items():
            place = self.fault(f"facts.{name}.is", "", "")
            where = Where(f"事实“{fact.title or name}”", place.file or "", place.element, place.line)
            if not fact.expression:
                continue
            yield from expressions.faults(fact.expression, where, _FactNames(self.names))

    def paths(self) -> Iterator[Fault]:
        for path in self.said.searchable:
            found = self.names.value(tuple(path.split(".")))
            if isinstance(found, Unknown):
                yield self.fault("searchable", f"“{path}”：{found.what}", found.mend)

    def once(self) -> Iterator[Fault]:
        """What there may be only one case of is told by fields that its start form always asks for."""
        procedure = self.subject.procedure
        firsts = [first for first in procedure.drawing.of_kind("startEvent") if first.parent is None]
        form = procedure.forms.get(firsts[0].form or "") if firsts else None
        if form is None and self.said.once_per and any(first.form for first in firsts):
            return  # that the form cannot be read is told elsewhere
        asked = {f"start.{field.name}" for field in form.fields if field.kind.required} if form else set()
        for path in self.said.once_per if self.subject.complete else ():
            if path not in asked:
                mend = f"写启动表单的必填字段：{'、'.join(sorted(asked)) or '无'}"
                yield self.fault("once_per", f"“{path}”不是启动表单的必填字段", mend)

    def separation(self) -> Iterator[Fault]:
        for rule in self.said.separation:
            yield from self._separate(self.subject, rule.first)
            if rule.case is None:
                yield from self._separate(self.subject, rule.second)
                continue
            yield from self._unknown_procedures("separation", [rule.case])
            other = self.whole.subjects.get(rule.case)
            if other is not None:
                yield from self._separate(other, rule.second, rule)

    def _separate(self, subject: Subject, key: str, rule: Separation | None = None) -> Iterator[Fault]:
        elements = [drawn.elements[key] for drawn in subject.procedure.drawings.values() if key in drawn.elements]
        done = [e.id for _, e in subject.procedure.elements() if _by_person(e)]
        if any(_by_person(element) for element in elements) or (not elements and not subject.complete):
            return
        where = f"事项“{subject.slug}”" if rule else "图"
        what = f"“{key}”不是由人员办理的环节" if elements else f"{where}中没有环节“{key}”"
        yield self.fault("separation", what, f"可用：{'、'.join(dict.fromkeys(done))}")

    def deadlines(self) -> Iterator[Fault]:
        for name, rule in self.said.deadlines.items():
            for key, events in (("after", rule.after), ("met", rule.met)):
                for event in events:
                    yield from self._event(f"deadlines.{name}.{key}", event)

    def _event(self, name: str, event: str) -> Iterator[Fault]:
        verb, _, of = event.rstrip(")").partition("(")
        messages = {e.message.name for _, e in self.subject.procedure.elements() if e.message}
        if verb in ("issued", "served") and of not in self.said.documents:
            known = "、".join(self.said.documents) or "无"
            yield self.fault(name, f"事件“{event}”：没有名为“{of}”的文书", f"可用：{known}")
        elif verb in ("entered", "done") and not self.subject.knows_element(of):
            yield self.fault(name, f"事件“{event}”：图中没有元素“{of}”", "写图中元素的 id")
        elif verb == "received" and self.subject.complete and of not in messages:
            known = "、".join(sorted(messages)) or "无"
            yield self.fault(name, f"事件“{event}”：图中没有消息“{of}”", f"可用：{known}")

    def documents(self) -> Iterator[Fault]:
        for name, rule in self.said.documents.items():
            for addressee in rule.serve:
                if addressee != PARTY:
                    what = f"送达对象“{addressee}”不能用"
                    yield self.fault(f"documents.{name}.serve", what, f'只能写 serve = ["{PARTY}"]')
            for body in rule.copy:
                if self.whole.regulation_known and body not in self.regulation.bodies:
                    known = "、".join(self.regulation.bodies) or "无"
                    what = f"法规中没有抄送机构“{body}”"
                    yield self.fault(f"documents.{name}.copy", what, f"可用：{known}")
        for name, role in self.said.receipts.items():
            if self._no_role(role):
                known = "、".join(self.regulation.roles)
                what = f"法规中没有岗位“{self.said.role(role)}”"
                yield self.fault(f"documents.{name}.receipt", what, f"可用：{known}")

    def materials(self) -> Iterator[Fault]:
        procedure, used = self.subject.procedure, set()
        for name, form in procedure.forms.items():
            for field in form.fields:
                if field.kind_name != "filepicker":
                    continue
                used.add(field.name)
                if field.name not in self.said.materials:
                    file = self.whole.content.find("forms", self.subject.slug, f"{name}.json")
                    mend = f"在 procedure.toml 中写 [materials.{field.name}]，说明种类和大小"
                    yield Fault(f"上传项“{field.name}”没有对应的材料", mend, field.name, file=file)
        if not self.subject.complete or any(name not in procedure.forms for name in _forms_named(self.subject)):
            return
        for name in self.said.materials:
            if name not in used:
                what = f"没有表单用到材料“{name}”"
                yield self.fault(f"materials.{name}", what, f"在表单中加上 key 为“{name}”的上传项，或删去材料")

    def plain_names(self) -> Iterator[Fault]:
        tables = {"facts": self.said.facts, "deadlines": self.said.deadlines, "documents": self.said.documents}
        for table, names in {**tables, "with": self.said.given}.items():
            for name in names:
                if not is_plain(name):
                    mend = "以字母或汉字开头，只用字母、汉字、数字和下划线"
                    yield self.fault(f"{table}.{name}", f"“{name}”不能在表达式中作名称", mend)


class _FactNames:
    """What a fact sees: all that the case has, but no facts, which would ask for themselves."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def value(self, path: Path) -> Found:
        """What stands behind a path."""
        if path[0] == "facts":
            return Unknown("事实的表达式中不能再用 facts", "把那个事实的表达式写进来")
        return self._names.value(path)

    def visited(self, name: str) -> Unknown | None:
        """Why `visits(name)` cannot be asked, if it cannot."""
        return self._names.visited(name)


def _by_person(element: Element) -> bool:
    sent = element.message is not None and element.message.role is not None
    return element.kind == "userTask" or sent or (element.kind == "startEvent" and element.form is not None)


def _forms_named(subject: Subject) -> Iterator[str]:
    for _, element in subject.procedure.elements():
        named = (element.form, element.task and element.task.form, element.message and element.message.form)
        yield from (name for name in named if name)
