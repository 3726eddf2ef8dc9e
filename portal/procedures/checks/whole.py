"""One regulation's content under check: what could be read of it, and the faults found so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from portal.errors import ContentFaults, Fault
from portal.procedures import procedure as procedures
from portal.procedures import regulation as regulations
from portal.procedures.actions import ActionRule
from portal.procedures.content import Content
from portal.procedures.drawing import Drawing, Element
from portal.procedures.manifest import placed
from portal.procedures.procedure import Procedure
from portal.procedures.regulation import Regulation
from portal.procedures.tables import Table, opened


@dataclass(frozen=True)
class Sender:
    """A service task that sends a message to the case that its own case is about."""

    subject: Subject
    drawn: Drawing
    element: Element
    inputs: Mapping[str, str]


@dataclass(frozen=True)
class Subject:
    """One procedure under check, as far as it could be put together."""

    procedure: Procedure
    own: Table
    under: tuple[Table, ...]
    """The shared.toml of the diagram it uses and of those called, the nearest first."""

    @property
    def slug(self) -> str:
        """The procedure's name."""
        return self.procedure.slug

    @cached_property
    def complete(self) -> bool:
        """Whether every diagram it uses could be read, so that a name nobody knows is a fault."""
        called = self.procedure.calls
        calls = [(d.name, e.id) for d, e in self.procedure.elements() if e.kind == "callActivity"]
        return all(called.get(call) in self.procedure.drawings for call in calls)

    def fault(self, name: str, what: str, mend: str) -> Fault:
        """A fault of a dotted name in the manifest, or in the shared.toml under it."""
        return placed(Fault(what, mend, name, file=self.own.file), self.own, self.under)

    def knows_element(self, key: str) -> bool:
        """Whether any of its diagrams has an element; yes when one of them could not be read."""
        return not self.complete or any(key in drawn.elements for drawn in self.procedure.drawings.values())


@dataclass
class Whole:
    """Everything that the checks of one procedure may look up in the others."""

    content: Content
    actions: Mapping[str, ActionRule]
    regulation: Regulation
    regulation_known: bool
    slugs: tuple[str, ...]
    subjects: Mapping[str, Subject]
    wanted: set[tuple[str, str, str]] = field(default_factory=set)
    """What expressions read of a message: (procedure that waits for it, message, key)."""

    @cached_property
    def complete(self) -> bool:
        """Whether every procedure could be read whole."""
        subjects = self.subjects.values()
        linked = all(self.about(s) for s in subjects if s.procedure.manifest.about)
        return linked and len(subjects) == len(self.slugs) and all(s.complete for s in subjects)

    def about(self, subject: Subject) -> Subject | None:
        """The procedure whose cases this one's are about."""
        about = subject.procedure.manifest.about
        return self.subjects.get(about.procedure) if about else None

    def senders(self, slug: str, message: str) -> Iterator[Sender]:
        """Who sends a message to the cases of a procedure."""
        for subject in self.subjects.values():
            about = subject.procedure.manifest.about
            if about is None or about.procedure != slug:
                continue
            for drawn, element in subject.procedure.elements():
                action = element.action
                if action and action.name == "cases.message" and action.inputs.get("message") == message:
                    yield Sender(subject, drawn, element, action.inputs)


class Report:
    """The faults found, each once; one that several procedures cause in a shared file names them."""

    def __init__(self, regulation: str) -> None:
        self._home = regulation
        self._plain: dict[Fault, None] = {}
        self._caused: dict[Fault, list[str]] = {}  # without `mend`, which may differ from user to user
        self._mend: dict[Fault, str] = {}

    def add(self, faults: Iterable[Fault]) -> None:
        """Faults of a file by itself."""
        self._plain.update(dict.fromkeys(faults))

    def caused(self, slug: str, faults: Iterable[Fault]) -> None:
        """Faults of a procedure together with the diagrams, forms and letters that it uses."""
        for fault in faults:
            bare = replace(fault, mend="")
            self._mend.setdefault(bare, fault.mend)
            users = self._caused.setdefault(bare, [])
            if slug not in users:
                users.append(slug)

    def faults(self) -> list[Fault]:
        """All of them, by file and line."""
        caused = [(replace(bare, mend=self._mend[bare]), slugs) for bare, slugs in self._caused.items()]
        found = [*self._plain, *(self._named(fault, slugs) for fault, slugs in caused)]
        return sorted(dict.fromkeys(found), key=_place)

    def _named(self, fault: Fault, slugs: list[str]) -> Fault:
        own = {f"{root}/{self._home}/{slug}/" for slug in slugs for root in ("bpmn", "forms", "documents")}
        if fault in self._plain or any((fault.file or "").startswith(home) for home in own):
            return fault
        return replace(fault, what=f"{fault.what}（用于{'、'.join(f'“{slug}”' for slug in slugs)}）")


def _place(fault: Fault) -> tuple[str, int, str, str]:
    return fault.file or "", fault.line or 0, fault.element or "", fault.what


def forms_named(subject: Subject) -> Iterator[str]:
    """The forms that the elements of a procedure ask for."""
    for _, element in subject.procedure.elements():
        named = (element.form, element.task and element.task.form, element.message and element.message.form)
        yield from (name for name in named if name)


def at(drawn: Drawing, element: Element, what: str, mend: str) -> Fault:
    """A fault of an element of a diagram."""
    return Fault(what, mend, element.id, element.line, drawn.file)


def read(content: Content, actions: Mapping[str, ActionRule], report: Report) -> Whole:
    """The content as far as it can be read; what cannot is reported."""
    regulation, known = _regulation(content, report)
    slugs = tuple(content.procedures())
    subjects = {}
    for slug in slugs:
        procedure, faults = procedures.survey(content, regulation, slug)
        report.add(faults)
        if procedure is not None:
            subjects[slug] = Subject(procedure, *_tables(content, procedure))
    return Whole(content, actions, regulation, known, slugs, subjects)


def _regulation(content: Content, report: Report) -> tuple[Regulation, bool]:
    file = f"bpmn/{content.regulation}/regulation.toml"
    data = content.files.get(file)
    try:
        if data is None:
            mend = "放入 regulation.toml，写明标题、文号、岗位和条款"
            raise ContentFaults([Fault(f"没有法规文件 {file}", mend, file=file)])
        regulation, faults = regulations.survey(content.regulation, data, file)
    except ContentFaults as error:
        report.add(error.faults)
        return Regulation(content.regulation, "", "", "", None, None, "", {}, {}, {}, {}), False
    report.add(faults)
    return regulation, True


def _tables(content: Content, procedure: Procedure) -> tuple[Table, tuple[Table, ...]]:
    """The manifest and what lies under it, as written."""
    own = f"bpmn/{content.regulation}/{procedure.slug}/procedure.toml"
    under = procedures.shared_under(content, procedure.slug)
    return opened(content.files[own], own), tuple(opened(shared, file) for file, shared in under)
