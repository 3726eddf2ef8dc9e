"""Whether what manifests name exists: roles, procedures, articles, paths, elements, bodies, materials, numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from portal.deadlines.rules import DeadlineRule
from portal.errors import Fault
from portal.feel import Call
from portal.procedures.checks import expressions
from portal.procedures.checks.expressions import Where
from portal.procedures.checks.names import Names
from portal.procedures.checks.publicity import FILER
from portal.procedures.checks.shape import is_plain
from portal.procedures.checks.values import DATE, NUMBER, TEXT, Columns, Found, Path, Unknown, Value
from portal.procedures.checks.whole import Subject, Whole, forms_named
from portal.procedures.drawing import Drawing, Element
from portal.procedures.manifest import DIAGRAM, PROCEDURE, Separation, Start, copied_to
from portal.procedures.regulation import PARTY, PER_REGION
from portal.procedures.spelling import instead
from portal.procedures.tables import line_of
from portal.registers.rules import Register

# Where a case can be for a while, so that a clock can stand meanwhile.
_LASTING = frozenset({"userTask", "callActivity", "subProcess", "intermediateCatchEvent"})
# The action by which a filing is accepted, and the event `accepted` happens.
_ACCEPTS = "instrument.bind"


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
    yield from manifest.shown()
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


def after_last_day(whole: Whole) -> Iterator[Fault]:
    """What regulation.toml lets start after the last day and is no procedure."""
    file = f"bpmn/{whole.regulation.slug}/regulation.toml"
    for slug in whole.regulation.after_last_day if whole.regulation_known else ():
        if slug not in whole.slugs:
            line = line_of(whole.content.files[file].decode("utf-8-sig"), "after_last_day")
            what = f"after_last_day 中的“{slug}”不是本法规的事项"
            yield Fault(what, instead(slug, whole.slugs), "after_last_day", line, file)


class _Manifest:
    def __init__(self, whole: Whole, subject: Subject) -> None:
        self.whole, self.subject = whole, subject
        self.said, self.fault = subject.procedure.manifest, subject.fault
        self.regulation = whole.regulation
        self.names = Names(whole, subject, subject.procedure.drawing)

    def starts(self) -> Iterator[Fault]:
        for start in self.said.starts:
            if start.role is not None and self._no_role(start.role):
                meant = self.said.role(start.role)
                yield self.fault("starts.role", f"法规中没有岗位“{meant}”", instead(meant, self.regulation.roles))
            yield from self._unknown_procedures("starts.cases", start.cases)
            if start.party:
                yield from self._party(start)

    def _no_role(self, role: str) -> bool:
        return self.whole.regulation_known and self.said.role(role) not in self.regulation.roles

    def _unknown_procedures(self, name: str, slugs: Iterable[str]) -> Iterator[Fault]:
        for slug in slugs:
            if slug not in self.said.procedures:  # those are told in `with`
                yield from self._not_there(name, slug)

    def _not_there(self, name: str, slug: str) -> Iterator[Fault]:
        if slug not in self.whole.slugs:
            yield self.fault(name, f"法规中没有名为“{slug}”的事项", instead(slug, self.whole.slugs))

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
        used |= {*(start.role for start in self.said.starts if start.role)}
        used |= {*self.said.receipts.values(), *self.said.desks.values()}
        used |= {rule.extend.role for rule in self.said.deadlines.values() if rule.extend}
        for key, role in self.said.roles.items():
            if role != PARTY and self.whole.regulation_known and role not in self.regulation.roles:
                known = instead(role, [PARTY, *self.regulation.roles])
                yield self.fault(f"roles.{key}", f"法规中没有岗位“{role}”", known)
            if self.subject.complete and key not in used:
                yield self.fault(f"roles.{key}", f"图中没有用到岗位“{key}”", "删去，或改为图中的岗位")

    def _not_given(self, key: str) -> Iterator[Fault]:
        """Told of the manifest, which is to say it, and not where the shared diagram asks for it."""
        own = self.subject.own
        handed = own.values.get("with", {})
        if isinstance(handed, Mapping) and isinstance(handed.get(key, ""), str):
            mend = f'在 {own.file} 中写 with = {{ {key} = "…" }}'
            yield Fault(f"缺少图所要的 with.{key}", mend, "with", own.line("with"), own.file)

    def given(self) -> Iterator[Fault]:
        for key, kind in self.said.needs.items():
            if not self.said.given.get(key):
                yield from self._not_given(key)
            elif kind == DIAGRAM and not self._diagram(self.said.given[key]):
                name = self.said.given[key]
                yield self.fault(f"with.{key}", f"找不到图“{name}”", f"在 _shared/{name}/ 放入 process.bpmn")
            elif kind == PROCEDURE:
                yield from self._not_there(f"with.{key}", self.said.given[key])
        for key in self.said.given:
            if key not in self.said.needs and self.subject.complete:
                yield self.fault(f"with.{key}", f"图没有要 with.{key}", instead(key, self.said.needs))

    def _diagram(self, name: str) -> bool:
        owners = (f"{self.regulation.slug}/_shared", "_shared")
        called = set(self.subject.procedure.calls.values())
        # A diagram that is called and missing, the reader of procedures has told.
        return name in called or any(
            f"bpmn/{owner}/{name}/process.bpmn" in self.whole.content.files for owner in owners
        )

    def articles(self) -> Iterator[Fault]:
        lying = {table.file for table in self.subject.under}
        sharing = (one for one in self.whole.subjects.values() if lying & {table.file for table in one.under})
        users = [self.subject, *sharing]
        for key, article in self.said.basis.items():
            yield from self._cited(f"basis.{key}", article)
            # What lies under several manifests need not be used by each of them.
            asked = users[:1] if self.subject.own.holds(f"basis.{key}") else users
            if all(subject.complete and key not in _cited_keys(subject) for subject in asked):
                mend = "删去，或改为图中 @ 引用的键、期限、文书、事实的名称"
                yield self.fault(f"basis.{key}", f"没有什么用到 basis.{key}", mend)
        for name, rule in self.said.deadlines.items():
            if rule.basis and rule.basis != self.said.basis.get(name):
                yield from self._cited(f"deadlines.{name}.basis", rule.basis)
        for name, document in self.said.documents.items():
            if document.basis and document.basis != self.said.basis.get(name):
                yield from self._cited(f"documents.{name}.basis", document.basis)
        for name, decision in self.said.decisions.items():
            if decision.basis and decision.basis != self.said.basis.get(name):
                yield from self._cited(f"decisions.{name}.basis", decision.basis)

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
            if not (rule.basis or rule.assumed or self._says_article(f"deadlines.{name}.basis", f"basis.{name}")):
                mend = f'写 basis = {{ {name} = "…" }}，文本没有规定时在期限里写 assumed = "…"'
                yield self.fault(f"deadlines.{name}", f"期限“{rule.title or name}”没有写依据哪一条", mend)
            yield from self._reasoned(name)
            for key, events in (("after", rule.after), ("met", rule.met)):
                for event in events:
                    yield from self._event(f"deadlines.{name}.{key}", event)
            yield from self._warned(name, rule)
            yield from self._set_by(name, rule)
            yield from self._paused(name, rule)
            yield from self._extended(name, rule)

    def _reasoned(self, name: str) -> Iterator[Fault]:
        """An article and a reason in place of one: a file says one of them."""
        for table in (self.subject.own, *self.subject.under):
            if all(table.holds(f"deadlines.{name}.{key}") for key in ("basis", "assumed")):
                what = f"期限“{name}”既写了 basis 又写了 assumed"
                mend = "有条款的写 basis，文本没有规定的写 assumed，留下一个"
                yield self.fault(f"deadlines.{name}.assumed", what, mend)

    def _warned(self, name: str, rule: DeadlineRule) -> Iterator[Fault]:
        """Warnings reach people of offices, the party, and whoever has a task of the deadline alone; an overdue duty
        comes onto the desk of an office."""
        offices = [role.name for role in self.regulation.roles.values() if not role.applicant]
        reached = [*offices, PARTY, *self._assigned(name)]
        for warn in rule.warn if self.whole.regulation_known else ():
            raised = [warn.raises] if warn.raises else []
            for key, roles, known in (("remind", warn.remind, reached), ("raise", raised, offices)):
                for role in roles:
                    if (meant := self.said.role(role)) not in known:
                        what = f"warn 的“{warn.kind} = {warn.days}”：{key} 的“{meant}”不是机关的岗位"
                        mend = instead(meant, known)
                        if key == "remind" and meant in self.regulation.roles:
                            mend += f"；提醒办理人本人，要在他的任务上写 assignee 和 deadline=“{name}”"
                        yield self.fault(f"deadlines.{name}.warn", what, mend)

    def _assigned(self, name: str) -> list[str]:
        """The roles of applicants who have tasks of a deadline, each of one party alone; all of them where a diagram
        could not be read."""
        applicants = [role.name for role in self.regulation.roles.values() if role.applicant]
        if not self.subject.complete:
            return applicants
        tasks = (element.task for _, element in self.subject.procedure.elements() if element.task)
        doing = {self.said.role(task.role) for task in tasks if task.assignee and task.deadline == name}
        return [role for role in applicants if role in doing]

    def _set_by(self, name: str, rule: DeadlineRule) -> Iterator[Fault]:
        """What sets the length is a number or a date; a number needs a unit, that of the length written."""
        if rule.set_by is None:
            return
        found = self._anywhere(rule.set_by)
        if isinstance(found, Unknown):
            yield self.fault(f"deadlines.{name}.set_by", f"“{rule.set_by}”：{found.what}", found.mend)
        elif found is not None and found.kind not in (NUMBER, DATE, None):
            what = f"“{rule.set_by}”是{found.kind}，不是天数或日期"
            yield self.fault(f"deadlines.{name}.set_by", what, "写一个数字或日期的路径")
        elif found is not None and found.kind == NUMBER and rule.within is None:
            what = f"“{rule.set_by}”是数字，而期限到固定日期为止，没有单位"
            yield self.fault(f"deadlines.{name}.set_by", what, "写 within，或写一个日期的路径")

    def _anywhere(self, path: str) -> Found:
        """What stands behind a path in any of the procedure's diagrams, its own first."""
        drawings = [self.subject.procedure.drawing, *self.subject.procedure.drawings.values()]
        founds = [Names(self.whole, self.subject, drawn).value(tuple(path.split("."))) for drawn in drawings]
        return next((found for found in founds if not isinstance(found, Unknown)), founds[0])

    def _paused(self, name: str, rule: DeadlineRule) -> Iterator[Fault]:
        """A clock stands for an element where a case can be for a while, or for cases about this one."""
        key = f"deadlines.{name}.pauses"
        for one in rule.pauses:
            if one.kind == "cases":
                yield from self._paused_by_cases(key, one.what)
                continue
            drawn = [e for _, e in self.subject.procedure.elements() if e.id == one.what]
            if not drawn and not self.subject.knows_element(one.what):
                yield self.fault(key, f"while“{one}”：图中没有元素“{one.what}”", "写图中元素的 id")
            elif drawn and all(element.kind not in _LASTING for element in drawn):
                mend = "写人员任务、等待消息或时间的事件、子流程或调用的 id"
                yield self.fault(key, f"while“{one}”：“{one.what}”不是会停留的元素", mend)

    def _paused_by_cases(self, key: str, slug: str) -> Iterator[Fault]:
        yield from self._unknown_procedures(key, [slug])
        other = self.whole.subjects.get(slug)
        about = other.procedure.manifest.about if other is not None else None
        if other is not None and (about is None or about.procedure != self.subject.slug):
            mend = f'在它的 procedure.toml 中写 about = {{ procedure = "{self.subject.slug}", … }}'
            yield self.fault(key, f"while“cases({slug})”：事项“{slug}”不是针对本事项提出的", mend)

    def _extended(self, name: str, rule: DeadlineRule) -> Iterator[Fault]:
        """An office decides on an extension."""
        offices = [role.name for role in self.regulation.roles.values() if not role.applicant]
        if rule.extend is None or not self.whole.regulation_known:
            return
        meant = self.said.role(rule.extend.role)
        if meant not in offices:
            what = f"extend 的“{meant}”不是机关的岗位"
            yield self.fault(f"deadlines.{name}.extend.role", what, instead(meant, offices))

    def _says_article(self, *names: str) -> bool:
        """Whether an article is written, be it one that cannot be read, which is told there."""
        return any(table.holds(name) for name in names for table in (self.subject.own, *self.subject.under))

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
        elif verb in ("opened", "closed") and of not in self.said.publicity:
            known = "、".join(self.said.publicity) or "无"
            yield self.fault(name, f"事件“{event}”：没有名为“{of}”的公示", f"在 [publicity.{of}] 中定义；可用：{known}")
        elif verb == "accepted" and self.subject.complete and not self._accepts():
            mend = "由动作 instrument.bind 受理；没有受理的，写其他事件"
            yield self.fault(name, "事件“accepted”：图中没有受理的环节", mend)
        elif verb == "date":
            yield from self._dated(name, event, of)

    def _accepts(self) -> bool:
        """Whether some step binds the case to the text in force on the day of its acceptance."""
        return any(e.action and e.action.name == _ACCEPTS for _, e in self.subject.procedure.elements())

    def _dated(self, name: str, event: str, path: str) -> Iterator[Fault]:
        found = self.names.value(tuple(path.split(".")))
        if isinstance(found, Unknown):
            yield self.fault(name, f"事件“{event}”：{found.what}", found.mend)
        elif found is not None and found.kind not in (DATE, None):
            yield self.fault(name, f"事件“{event}”：“{path}”是{found.kind}，不是日期", "写一个日期的路径")

    def documents(self) -> Iterator[Fault]:
        for name, rule in self.said.documents.items():
            for addressee in rule.serve:
                if addressee not in (PARTY, FILER):
                    what = f"送达对象“{addressee}”不能用"
                    yield self.fault(f"documents.{name}.serve", what, f'只能写 serve = ["{PARTY}"]')
            for written in rule.copy if self.whole.regulation_known else ():
                yield from self._copy(f"documents.{name}.copy", *copied_to(written))
        for key, roles in (("receipt", self.said.receipts), ("desk", self.said.desks)):
            for name, role in roles.items():
                if self._no_role(role):
                    meant = self.said.role(role)
                    known = instead(meant, self.regulation.roles)
                    yield self.fault(f"documents.{name}.{key}", f"法规中没有岗位“{meant}”", known)
        yield from self._desks()

    def _desks(self) -> Iterator[Fault]:
        """When a receipt is corrected after the timer that ran from it has fired, somebody must decide."""
        timed = {element.deadline for _, element in self.subject.procedure.elements() if element.deadline}
        events = {event for name in timed & set(self.said.deadlines) for event in self.said.deadlines[name].after}
        for name in self.said.receipts:
            if f"served({name})" in events and name not in self.said.desks:
                what = f"文书“{name}”的送达会使期限届满，却没有写明更正送达后由谁决定"
                yield self.fault(f"documents.{name}.receipt", what, 'desk = "leader"，写最后签批的岗位')

    def _copy(self, name: str, body: str, path: str | None) -> Iterator[Fault]:
        """A body of the regulation; one that there is one of per region says by a path of which."""
        regional = body in self.regulation.regional
        if body not in self.regulation.bodies:
            known = "、".join(self.regulation.bodies) or "无"
            yield self.fault(name, f"法规中没有抄送机构“{body}”", f"可用：{known}")
        elif regional and path is None:
            mend = f'写成 "{body}(party.district)"'
            yield self.fault(name, f"抄送机构“{body}”每个区县一个，没有写是哪个区县的", mend)
        elif path is not None and not regional:
            mend = f'写成 "{body}"，或在 [bodies] 中写 one_per = "{PER_REGION}"'
            yield self.fault(name, f"抄送机构“{body}”只有一个，不必写区县", mend)
        elif path is not None:
            found = self.names.value(tuple(path.split(".")))
            if isinstance(found, Unknown):
                yield self.fault(name, f"抄送的“{path}”：{found.what}", found.mend)
            elif found is not None and found.kind not in (TEXT, None):
                mend = "写区县名称的路径，如 party.district"
                yield self.fault(name, f"抄送的“{path}”是{found.kind}，不是区县的名称", mend)

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
        if not self.subject.complete or any(name not in procedure.forms for name in forms_named(self.subject)):
            return
        for name in self.said.materials:
            if name not in used:
                what = f"没有表单用到材料“{name}”"
                yield self.fault(f"materials.{name}", what, f"在表单中加上 key 为“{name}”的上传项，或删去材料")

    def shown(self) -> Iterator[Fault]:
        """What is shown beside assigned tasks: fields of forms, seen from each task of the role."""
        tasks: dict[str, list[tuple[Drawing, str]]] = {}
        for drawn, element in self.subject.procedure.elements():
            if element.task and element.task.assignee:
                tasks.setdefault(element.task.role, []).append((drawn, element.id))
        for role, paths in self.said.shown.items():
            if role not in tasks and self.subject.complete:
                mend = instead(role, tasks) if tasks else "在人员任务上写 assignee，或删去"
                yield self.fault(f"shown.{role}", f"图中没有指定“{role}”办理（写 assignee）的任务", mend)
            for drawn, element_id in tasks.get(role, ()):
                names = Names(self.whole, self.subject, drawn, element_id)
                yield from (fault for path in paths if (fault := self._showable(role, path, names)))

    def _showable(self, role: str, path: str, names: Names) -> Fault | None:
        found = names.value(tuple(path.split(".")))
        if isinstance(found, Unknown):
            return self.fault(f"shown.{role}", f"“{path}”：{found.what}", found.mend)
        if found is not None and not names.is_field(tuple(path.split("."))):
            return self.fault(
                f"shown.{role}", f"“{path}”不是表单的一项，或由多人办理", "写到表单里的一项，如 start.title"
            )
        return None

    def plain_names(self) -> Iterator[Fault]:
        tables: dict[str, Mapping[str, object]] = {
            "facts": self.said.facts,
            "deadlines": self.said.deadlines,
            "decisions": self.said.decisions,
            "documents": self.said.documents,
        }
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

    def columns(self, path: Path) -> Columns | None:
        """The columns of the table that stands behind a path; None where that cannot be told."""
        return self._names.columns(path)

    def answer(self, function: str, first: str | None) -> Value:
        """What one of the portal's functions gives, asked with a first argument (None: not a constant)."""
        return self._names.answer(function, first)

    def asked(self, call: Call) -> Unknown | None:
        """Why a call of one of the portal's functions can have no answer, if it can have none."""
        return self._names.asked(call)

    def register(self, name: str | None) -> Register | Unknown | None:
        """The register that a constant name means."""
        return self._names.register(name)


def _cited_keys(subject: Subject) -> set[str]:
    """The keys of `basis` that something in a procedure speaks of."""
    said = subject.procedure.manifest
    drawn = (element.basis for _, element in subject.procedure.elements())
    references = [*drawn, *(text for table in (subject.own, *subject.under) for text in _references(table.values))]
    named = {text[1:] for text in references if isinstance(text, str) and text.startswith("@")}
    return named | {*said.facts, *said.deadlines, *said.decisions, *said.documents, *said.publicity}


def _references(values: Mapping[str, object]) -> Iterator[object]:
    """What a manifest writes under `basis`, its own and that of deadlines and letters."""
    for key, value in values.items():
        if key == "basis":
            yield from value.values() if isinstance(value, Mapping) else [value]
        elif isinstance(value, Mapping):
            yield from _references(value)


def _by_person(element: Element) -> bool:
    sent = element.message is not None and element.message.role is not None
    return element.kind == "userTask" or sent or (element.kind == "startEvent" and element.form is not None)
