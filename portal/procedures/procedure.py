"""A procedure put together: manifest, diagrams, forms and letters, and what the engine runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from portal import engine, forms
from portal.documents.template import Placeholders, placeholders
from portal.errors import ContentFaults, Fault
from portal.feel import dmn
from portal.feel.dmn import Decisions, UnknownDecision
from portal.forms import Form
from portal.forms.kinds.corrections import Corrections
from portal.procedures import drawing, manifest
from portal.procedures.content import Content
from portal.procedures.drawing import Drawing, Element
from portal.procedures.functions import FUNCTIONS
from portal.procedures.manifest import DIAGRAM, Manifest
from portal.procedures.regulation import Regulation
from portal.procedures.spelling import referred
from portal.procedures.tables import Table, opened

# The actions whose input `procedure` names the procedure of the cases they start.
STARTING = frozenset({"cases.start", "cases.start_each"})


@dataclass(frozen=True)
class Procedure:
    """One procedure of one regulation, ready to be checked and run."""

    regulation: Regulation
    slug: str
    manifest: Manifest
    drawing: Drawing
    drawings: Mapping[str, Drawing]  # its own and every one it calls, by name
    calls: Mapping[tuple[str, str], str]  # (drawing, call activity) -> the drawing called
    forms: Mapping[str, Form]
    templates: Mapping[str, bytes]  # document -> its Word file
    template_files: Mapping[str, str]
    decisions: Mapping[str, Decisions] = field(default_factory=dict)
    """What each decision of the manifest is made by: the file that holds it."""

    @cached_property
    def spec(self) -> engine.Spec:
        """What the engine runs, derived from the drawings."""
        sources = {
            name: engine.derive(drawn.root, name, {call: to for (home, call), to in self.calls.items() if home == name})
            for name, drawn in self.drawings.items()
        }
        return engine.read(sources, self.drawing.name)

    @cached_property
    def placeholders(self) -> Mapping[str, Placeholders]:
        """What each letter's template speaks of."""
        return {name: placeholders(template) for name, template in self.templates.items()}

    def drawing_at(self, scope: str) -> Drawing:
        """The diagram that a scope is drawn in, e.g. `follow_up:1`."""
        return self._area(scope)[0]

    def inside(self, scope: str) -> Mapping[str, Element]:
        """The elements that stand in a scope itself, by id: not those in its manys, each of which is a scope."""
        drawn, many = self._area(scope)
        return drawn.held_by(many)

    def _area(self, scope: str) -> tuple[Drawing, str | None]:
        """The diagram of a scope, and the element of it of which the scope is one instance."""
        here, many = self.drawing, None
        for step in scope.split("/") if scope else ():
            key = step.split(":")[0]
            called = self.calls.get((here.name, key))
            here, many = (self.drawings[called], None) if called else (here, key)
        return here, many

    def element(self, scope: str, key: str) -> Element:
        """The element that stands at a place."""
        return self.drawing_at(scope).elements[key]

    def article(self, element: Element) -> str | None:
        """The article behind an element: its own, or that of the deadline or document it names."""
        if element.basis:
            return self.manifest.article(element.basis)
        deadline = element.deadline or (element.task.deadline if element.task else None)
        if deadline is not None and deadline in self.manifest.deadlines:
            return self.manifest.deadlines[deadline].basis
        document = element.action.inputs.get("document") if element.action else None
        rule = self.manifest.documents.get(document or "")
        return rule.basis if rule else None

    def elements(self) -> Iterable[tuple[Drawing, Element]]:
        """Every element of every drawing."""
        return ((drawn, element) for drawn in self.drawings.values() for element in drawn.elements.values())

    def name_of(self, key: str) -> str:
        """How people call an element of any of its drawings; its id where it has no name."""
        return next((element.name for _drawn, element in self.elements() if element.id == key and element.name), key)

    @property
    def start_form(self) -> Form | None:
        """The form that is filled when a case starts."""
        name = self.drawing.start().form
        return self.forms[name] if name else None


def assemble(content: Content, regulation: Regulation, slug: str) -> Procedure:
    """The procedure as its files describe it; ContentFaults names all that keeps it from being put together."""
    procedure, faults = survey(content, regulation, slug)
    if faults or procedure is None:
        raise ContentFaults(faults)
    return procedure


def shared_under(content: Content, slug: str) -> list[tuple[str, bytes]]:
    """The shared.toml that lie under a manifest, by file, the nearest first: of the diagram it uses, then of those
    that are called, however deep. ContentFaults when the manifest is no TOML."""
    found = (_shared_file(content, name, "shared.toml") for name in _used(content, slug))
    return [(file, content.files[file]) for file in found if file is not None]


def _used(content: Content, slug: str) -> list[str]:
    """The shared diagrams that a procedure names, there or not: the one it uses, then those called, however deep."""
    home = f"bpmn/{content.regulation}/{slug}"
    said = manifest.handed(content.files[f"{home}/procedure.toml"], f"{home}/procedure.toml")
    files = [_shared_file(content, said.diagram, "process.bpmn") if said.diagram else f"{home}/process.bpmn"]
    seen: list[str] = [said.diagram] if said.diagram else []
    while files:
        data = content.files.get(files.pop(0) or "")
        named = drawing.calls(data) if data is not None else ()
        for name in (said.given.get(one[1:], "") if one.startswith("@") else one for one in named):
            if name and name not in seen:
                seen.append(name)
                files.append(_shared_file(content, name, "process.bpmn"))
    return seen


def _shared_file(content: Content, name: str | None, part: str) -> str | None:
    for owner in (f"{content.regulation}/_shared", "_shared"):
        path = f"bpmn/{owner}/{name}/{part}"
        if path in content.files:
            return path
    return None


def survey(content: Content, regulation: Regulation, slug: str) -> tuple[Procedure | None, list[Fault]]:
    """The procedure as far as it can be put together (parts may be missing in it), and every fault so far."""
    assembly = _Assembly(content, regulation, slug)
    try:
        procedure = assembly.procedure()
    except ContentFaults as error:
        return None, [*assembly.faults, *error.faults]
    return procedure, assembly.faults


class _Assembly:
    def __init__(self, content: Content, regulation: Regulation, slug: str) -> None:
        self.content, self.regulation, self.slug = content, regulation, slug
        self.home = f"bpmn/{regulation.slug}/{slug}"
        self.faults: list[Fault] = []
        self.drawings: dict[str, Drawing] = {}
        self.calls: dict[tuple[str, str], str] = {}
        self.own = Table({}, f"{self.home}/procedure.toml", "")
        self.under: tuple[Table, ...] = ()

    def procedure(self) -> Procedure | None:
        """What can be put together; ContentFaults when the manifest cannot be read at all."""
        file = f"{self.home}/procedure.toml"
        data = self.content.files[file]
        shared_name = manifest.handed(data, file).diagram
        shared = shared_under(self.content, self.slug)
        partly = any(self._diagram_file(name, "process.bpmn") is None for name in _used(self.content, self.slug))
        said, faults = manifest.survey(self.slug, data, file, shared, partly=partly)
        self.faults += faults
        self.own = opened(data, file)
        self.under = tuple(opened(text, base) for base, text in shared)
        own = f"图“{self.slug}”没有 process.bpmn", f'放入 {self.home}/process.bpmn，或写 diagram = "…"'
        missing = self._manifest_fault("diagram", *(_no_diagram(shared_name) if shared_name else own))
        root = self._draw(shared_name or self.slug, said, missing, own=shared_name is None)
        forms_read = self._forms(said)
        templates, files = self._templates(said)
        decisions = self._decisions(said)
        if root is None:
            return None
        return Procedure(
            self.regulation,
            self.slug,
            said,
            root,
            self.drawings,
            self.calls,
            forms_read,
            templates,
            files,
            decisions,
        )

    def _diagram_file(self, name: str | None, part: str) -> str | None:
        return _shared_file(self.content, name, part)

    def _draw(self, name: str, said: Manifest, missing: Fault, *, own: bool = False) -> Drawing | None:
        """Reads a diagram and those it calls; `missing` is what to say when it is not there."""
        if name in self.drawings:
            return self.drawings[name]
        file = f"{self.home}/process.bpmn" if own else self._diagram_file(name, "process.bpmn")
        if file is None or file not in self.content.files:
            self.faults.append(missing)
            return None
        try:
            drawn = drawing.read(name, self.content.files[file], file)
        except ContentFaults as error:
            self.faults += error.faults
            return None
        self.faults += drawn.faults
        drawn = self._meant(drawn, said)
        self.drawings[name] = drawn
        for element in drawn.of_kind("callActivity"):
            self._call(drawn, element, said)
        return drawn

    def _meant(self, drawn: Drawing, said: Manifest) -> Drawing:
        """The drawing with every `@name` that stands for a procedure replaced by what the manifest hands over."""
        elements = {key: self._naming(drawn, element, said) for key, element in drawn.elements.items()}
        return replace(drawn, elements=elements)

    def _naming(self, drawn: Drawing, element: Element, said: Manifest) -> Element:
        action = element.action
        reference = action.inputs.get("procedure", "") if action else ""
        if action is None or action.name not in STARTING or not reference.startswith("@"):
            return element
        try:
            inputs = {**action.inputs, "procedure": said.procedure(reference) or reference}
        except ContentFaults as error:
            for fault in error.faults:
                self._fault(drawn, element, fault.what, fault.mend)
            return element
        return replace(element, action=replace(action, inputs=inputs))

    def _call(self, drawn: Drawing, element: Element, said: Manifest) -> None:
        called, key = element.call, ""
        if called and called.startswith("@"):
            key = called[1:]
            if said.needs.get(key) not in (None, DIAGRAM):
                self._fault(drawn, element, f"“with.{key}”不是图", "在 shared.toml 中声明为 diagram")
            called = said.given.get(key)
            if not called:
                self._fault(drawn, element, *_not_handed(key, said))
                return
        if not called:
            self._fault(drawn, element, "调用活动没有说明调用哪张图", '写 <portal:call diagram="…"/>')
            return
        self.calls[drawn.name, element.id] = called
        what, mend = _no_diagram(called)
        at_call = Fault(what, mend, element.id, element.line, drawn.file)
        self._draw(called, said, self._manifest_fault(f"with.{key}", what, mend) if key else at_call)

    def _put(self, root: str, name: str, *, shared: bool) -> str:
        """Where to put a file that is missing; what a shared diagram asks for is asked for in all that use it."""
        own = f"放入 {root}/{self.regulation.slug}/{self.slug}/{name}"
        return f"放入 {root}/{self.regulation.slug}/_shared/{name}；只供本事项用的，{own}" if shared else own

    def _fault(self, drawn: Drawing, element: Element, what: str, mend: str) -> None:
        self.faults.append(Fault(what, mend, element.id, element.line, drawn.file))

    def _manifest_fault(self, name: str, what: str, mend: str) -> Fault:
        return manifest.placed(Fault(what, mend, name, file=self.own.file), self.own, self.under)

    def _forms(self, said: Manifest) -> dict[str, Form]:
        """Every form that a drawing names, read once."""
        found: dict[str, Form] = {}
        for drawn in self.drawings.values():
            for element in drawn.elements.values():
                for name in _forms_of(element):
                    if name not in found:
                        self._form(name, drawn, element, found)
        for name, form in list(found.items()):
            if form.corrections is not None:
                self._correcting(name, form, found)
        return found

    def _correcting(self, name: str, form: Form, found: dict[str, Form]) -> None:
        """Tells a form with corrections which form's answers it corrects."""
        field = form.corrections
        path = self.content.find("forms", self.slug, f"{name}.json") or name
        assert field is not None
        assert isinstance(field.kind, Corrections)
        key = field.kind.element
        there = [drawn.elements[key] for drawn in self.drawings.values() if key in drawn.elements]
        named = [form for element in there for form in _forms_of(element)]
        if not named:
            mend = "写填写被补正表单的元素，通常是启动事件"
            self.faults.append(Fault(f"补正事项的 of 所指的元素“{key}”没有表单", mend, field.place, file=path))
        elif named[0] in found:
            try:
                found[name] = forms.correcting(form, found[named[0]])
            except ContentFaults as error:
                self.faults += [fault.at(path) for fault in error.faults]

    def _form(self, name: str, drawn: Drawing, element: Element, found: dict[str, Form]) -> None:
        path = self.content.find("forms", self.slug, f"{name}.json")
        if path is None:
            mend = self._put("forms", f"{name}.json", shared=drawn.file != f"{self.home}/process.bpmn")
            self._fault(drawn, element, f"找不到表单“{name}”", mend)
            return
        try:
            found[name] = forms.read(self.content.files[path], FUNCTIONS)
        except ContentFaults as error:
            self.faults += [fault.at(path) for fault in error.faults]

    def _decisions(self, said: Manifest) -> dict[str, Decisions]:
        """The file of each decision, read once."""
        found: dict[str, Decisions] = {}
        files: dict[str, Decisions | None] = {}
        for name, rule in said.decisions.items():
            path = self.content.find_decisions(self.slug, self.drawings, rule.file) if rule.file else None
            if path is None:
                own = self.own.holds(f"decisions.{name}.file")
                mend = f"放入 {self.home}/{rule.file}" if own else f"放在图的旁边：_shared/图名/{rule.file}"
                what = f"找不到决策文件“{rule.file}”"
                self.faults += [self._manifest_fault(f"decisions.{name}.file", what, mend)] if rule.file else []
                continue
            if path not in files:
                files[path] = self._read_decisions(path)
            read = files[path]
            if read is not None and self._decided(name, rule.decision, read):
                found[name] = read
        return found

    def _read_decisions(self, path: str) -> Decisions | None:
        try:
            return dmn.read(self.content.files[path], path, FUNCTIONS)
        except ContentFaults as error:
            self.faults += error.faults
            return None

    def _decided(self, name: str, wanted: str | None, read: Decisions) -> bool:
        try:
            read.decision(wanted)
        except UnknownDecision:
            known = "、".join(f"{one.id}（{one.name}）" for one in read.decisions.values())
            what = (
                f"决策文件“{read.file}”没有决策“{wanted}”" if wanted else f"“{read.file}”里有几个决策，没有写是哪一个"
            )
            mend = f"写 decision = …，可用：{known}"
            self.faults.append(self._manifest_fault(f"decisions.{name}.decision", what, mend))
            return False
        return True

    def _templates(self, said: Manifest) -> tuple[dict[str, bytes], dict[str, str]]:
        templates, files = {}, {}
        for name, rule in said.documents.items():
            path = self.content.find("documents", self.slug, rule.template)
            if path is None:
                what = f"找不到文书模板“{rule.template}”"
                mend = self._put("documents", rule.template, shared=not self.own.holds(f"documents.{name}.template"))
                fault = self._manifest_fault(f"documents.{name}.template", what, mend)
                self.faults += [fault] if rule.template else []  # that none is named has been told
                continue
            templates[name], files[name] = self.content.files[path], path
        return templates, files


def _no_diagram(name: str) -> tuple[str, str]:
    return f"找不到图“{name}”", f"在 _shared/{name}/ 放入 process.bpmn"


def _not_handed(key: str, said: Manifest) -> tuple[str, str]:
    """What to say of a call of `@key` for which the manifest hands over no diagram."""
    if key in said.needs:
        return f"procedure.toml 没有给出“@{key}”所指的图", f'写 with = {{ {key} = "…" }}'
    diagrams = [name for name, kind in said.needs.items() if kind == DIAGRAM]
    declare = f'在 shared.toml 的 [with] 中写 {key} = "{DIAGRAM}"'
    return f"“@{key}”没有在图的 [with] 中声明", referred(key, diagrams, declare)


def _forms_of(element: Element) -> list[str]:
    named = (
        element.form,
        element.task.form if element.task else None,
        element.message.form if element.message else None,
    )
    return [name for name in named if name]
