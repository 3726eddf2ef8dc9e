"""The file of a case as officials read it: what was asked and said, letters, files, links, deadlines, history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases import attachments, notes
from portal.cases.filers import name_of
from portal.cases.links import Relation, related
from portal.cases.live import LiveCase
from portal.cases.models import Attachment, Case, CaseNote, Subscription, Task
from portal.cases.names import facts_of, form_of, scope_of
from portal.cases.values import Said
from portal.deadlines import service as deadlines
from portal.deadlines.models import Deadline
from portal.deadlines.scopes import instance
from portal.documents import service as documents
from portal.documents.models import Letter
from portal.edge.standing import calendar_in_force
from portal.engine import Place
from portal.forms import ChangeView, Form, ItemView, Shown, TableShown
from portal.procedures.articles import citation
from portal.procedures.drawing import Drawing
from portal.web import choices, judged, noticed
from portal.web.archived import ArchiveView, archive
from portal.web.drawn import DrawView, drawings
from portal.web.history import Happening, happenings
from portal.web.judged import Round
from portal.web.languages import language
from portal.web.noticed import NoticeLine
from portal.web.people import Doer, People
from portal.web.periods import DeadlineView, deadline_view
from portal.web.records import EnteredView, entered_by
from portal.web.way import Around, WayStep, article_of, drawn_as, way

RECORDS_SHOWN = 20


@dataclass(frozen=True)
class FactView:
    """A fact with its title, article and result; `good` None where nothing can be said yet."""

    title: str
    basis: str | None
    result: str
    good: bool | None


@dataclass(frozen=True)
class SaidView:
    """What was answered at one step: its name, who answered and when, line by line."""

    element: str
    title: str
    who: str
    at: datetime | None
    lines: tuple[Shown, ...]
    corrected: datetime | None = None
    corrected_by: str = ""
    """The step in which that was."""
    newest: bool = True
    """Whether this is the last answer of its step; earlier ones are folded."""
    article: str | None = None
    """The article behind the step."""
    files: Mapping[str, tuple[Attachment, ...]] = field(default_factory=dict)
    """What was uploaded, by the label of its line."""
    tables: tuple[TableShown, ...] = ()
    rows_url: str = ""
    """Begins the address of all rows of a table; its name follows."""
    visit: int = 1
    """How often the step had been come to."""
    scope: str = ""
    """Where in the diagrams it stands."""
    items: tuple[ItemView, ...] = ()
    """The items of a correction, as asked for, answered or judged there."""
    changes: tuple[ChangeView, ...] = ()
    """What has been corrected since it was filed, before and after."""


@dataclass(frozen=True)
class LinkView:
    """A case joined to this one: how, its number, title and where it stands."""

    relation: str
    case_id: int
    number: str
    title: str
    status: str
    ended: bool


@dataclass(frozen=True)
class NoteView:
    """A note beside the procedure: who wrote it, when, and whether the party may read it."""

    id: int
    who: str
    at: datetime
    text: str
    visible: bool


@dataclass(frozen=True)
class DiagramView:
    """A diagram with the way gone: as `ui.diagram` takes it."""

    name: str
    walked: tuple[str, ...]
    here: tuple[str, ...]
    here_text: str


@dataclass(frozen=True)
class CaseFile:
    """Everything that the right-hand side of a page shows of a case."""

    case: Case
    procedure_title: str
    party: str | None
    start: SaidView | None
    said: tuple[SaidView, ...]
    facts: tuple[FactView, ...]
    deadlines: tuple[DeadlineView, ...]
    attachments: tuple[Attachment, ...]
    letters: tuple[Letter, ...]
    history: tuple[Happening, ...]
    articles: Mapping[str, str]
    """The article behind each element at which something happened."""
    notes: tuple[NoteView, ...]
    links: tuple[LinkView, ...]
    notices: tuple[NoticeLine, ...]
    """What it has shown to everybody."""
    recorded: tuple[EnteredView, ...]
    """The first records in which the case has entered something."""
    way: tuple[WayStep, ...]
    diagram: DiagramView
    open_tasks: tuple[Task, ...]
    waits: tuple[Subscription, ...]
    """The messages that it waits for."""
    rules: tuple[Round, ...]
    """What decision tables said, each time they were asked, the newest first."""
    unread: tuple[Round, ...]
    """Those of them after which no official has done a step yet."""
    draws: tuple[DrawView, ...]
    """The committees drawn by lot, the newest first."""
    archive: ArchiveView | None
    """Its closed file, once its diagram has had it closed."""

    @property
    def files(self) -> dict[str, Attachment]:
        """The attachments by their ids, as answers name them."""
        return {str(row.id): row for row in self.attachments}


def case_file(tx: Session, case: LiveCase, moment: datetime, scope: str = "") -> CaseFile:
    """The file of a case at a moment; `scope` chooses the diagram that is shown."""
    # First of all: whatever asks for a letter below finds it read.
    letters = tuple(documents.letters_with_service(tx, case.id))
    history = tuple(happenings(tx, case))
    tasks = list(tx.scalars(select(Task).where(Task.case_id == case.id).order_by(Task.id)))
    waiting = list(tx.scalars(select(Subscription).where(Subscription.case_id == case.id)))
    files = tuple(attachments.of_case(tx, case.id))
    written = notes.of_case(tx, case.id)
    clocks = [row for row in deadlines.of_case(tx, case.id) if row.state != "dropped"]
    extended = [(one.person_id, one.for_id) for row in clocks if row.own_course for one in row.extensions]
    people = People(tx, [*_doers(case, tasks, written), *extended])
    said = _said(tx, case, history, people, files)
    calendar, regulation = calendar_in_force(tx), case.published.regulation
    first = case.procedure.drawing.start().id
    views = tuple(deadline_view(row, regulation, moment, calendar, ended=case.ended, people=people) for row in clocks)
    open_tasks = [task for task in tasks if task.state == "open"]
    ruled = judged.rounds(case, {line.act_id: datetime.fromisoformat(line.moment) for line in history})
    shown = _together(clocks, views)
    return CaseFile(
        case=case.row,
        procedure_title=case.procedure.manifest.title,
        party=case.party.name if case.party else _in_public(case),
        start=next((one for one in said if one.element == first), None),
        said=tuple(one for one in said if one.element != first),
        facts=tuple(_facts(case)),
        deadlines=shown,
        attachments=files,
        letters=letters,
        history=history,
        articles=_articles(case, history),
        notes=tuple(_note(one, people) for one in written),
        links=tuple(links(tx, case.row)),
        notices=tuple(noticed.lines_of(tx, case.id, moment)) if case.procedure.manifest.publicity else (),
        recorded=tuple(entered_by(tx, case, RECORDS_SHOWN)),
        way=tuple(way(Around(case, history, tasks, waiting, views, people))),
        diagram=_diagram(case, scope, history, open_tasks, waiting),
        open_tasks=tuple(open_tasks),
        waits=tuple(waiting),
        rules=ruled,
        unread=judged.unread(case, ruled),
        draws=drawings(tx, case) if _may(case, "experts.draw") else (),
        archive=archive(tx, case) if _may(case, "archive.make") else None,
    )


def _together(rows: Iterable[Deadline], views: Iterable[DeadlineView]) -> tuple[DeadlineView, ...]:
    """The deadlines as they are shown: of those that run alike for several at once, such as experts, one for all."""
    alike: dict[object, list[DeadlineView]] = {}
    for row, view in zip(rows, views, strict=True):
        runs_alike = row.state == "running" and instance(row.scope)
        key = (row.name, row.started_at.date(), row.due) if runs_alike else row.id
        alike.setdefault(key, []).append(view)
    return tuple(
        replace(same[0], title=_("%(title)s（%(n)s 项同日届满）", title=same[0].title, n=len(same)))
        if len(same) > 1
        else same[0]
        for same in alike.values()
    )


def _may(case: LiveCase, action: str) -> bool:
    """Whether the diagrams of a case hold an action at all; of one that they do not nothing is asked."""
    return any(element.action and element.action.name == action for _drawing, element in case.procedure.elements())


def _in_public(case: LiveCase) -> str | None:
    """Who filed a case without an account, by his name."""
    name = name_of(case)
    return _("公众 %(name)s（实名）", name=name) if name is not None else None


def _doers(case: LiveCase, tasks: Iterable[Task], written: Iterable[CaseNote]) -> Iterator[Doer]:
    """Everybody whom the file names as the author of an answer or note, or the holder of a task."""
    yield from ((one.person_id, one.for_id) for one in case.values.all)
    yield from ((task.holder_id, task.for_id) for task in tasks)
    yield from ((note.person_id, note.for_id) for note in written)


def _note(note: CaseNote, people: People) -> NoteView:
    return NoteView(note.id, people.said(note.person_id, note.for_id), note.at, note.text, note.visible)


def _articles(case: LiveCase, history: Iterable[Happening]) -> dict[str, str]:
    """The article behind each element at which a step was done."""
    found = {}
    for line in history:
        drawn = drawn_as(case, line.element) if line.kind.startswith(("task.", "case.", "letter.")) else None
        article = article_of(case, drawn) if drawn is not None else None
        if article is not None and line.element is not None:
            found[line.element] = article
    return found


def _said(
    tx: Session, case: LiveCase, history: tuple[Happening, ...], people: People, files: Iterable[Attachment]
) -> list[SaidView]:
    """What was answered at the start and at every task, in order; corrections of an answer stand in its place."""
    shown: dict[Place, tuple[int, Said]] = {}
    for place, one in enumerate(case.values.all):
        drawn = case.procedure.drawing_at(one.scope).elements.get(one.element)
        form = form_said(case, one)
        stands_there = drawn is not None and drawn.task and drawn.task.revises
        if form is not None and (form.corrections is not None or not stands_there):
            shown[one.place] = place, one
    read = [(place, one, form) for place, one in shown.values() if (form := form_said(case, one)) is not None]
    firsts = {one.place: one for one in reversed(case.values.all)}
    answers = [(form, said.value) for _, one, form in read for said in (one, firsts[one.place])]
    answers += [(form.of, side) for _, one, form in read if form.of for side in form.sides(one.value)]
    names = choices.named(tx, answers)
    uploads = {file.id: file for file in files}
    moments = {line.act_id: datetime.fromisoformat(line.moment) for line in history}
    newest = {(one.scope, one.element, one.item): one for _, one in shown.values()}
    first = case.procedure.drawing.start().id

    def said_at(one: Said) -> datetime | None:
        # What was filed was filed when it was filed, also when it has been corrected since.
        return case.row.filed_at if one.element == first else moments.get(one.act_id)

    def corrected_at(one: Said) -> datetime | None:
        at = moments.get(one.act_id)
        return at if one.element == first and at is not None and at > case.row.filed_at else None

    return [
        SaidView(
            element=one.element,
            title=case.element(one.scope, one.element).name,
            who=people.said(one.person_id, one.for_id),
            at=said_at(one),
            corrected=corrected_at(one),
            corrected_by=_corrected_by(case, one) if one.element == first else "",
            newest=newest[one.scope, one.element, one.item] is one,
            lines=tuple(
                form.display(one.value, scope_of(case, one.inside), names, language(), only=_read_as_lines(form))
            ),
            article=article_of(case, case.element(one.scope, one.element)),
            files=_files(case, one, form, uploads),
            tables=tuple(form.display_tables(one.value, scope_of(case, one.inside), names, language()))
            if form.has_tables
            else (),
            rows_url=f"/cases/{case.id}/answers/{place}/",
            visit=one.visit,
            scope=one.scope,
            items=form.display_items(one.value, scope_of(case, one.inside), names, language()),
            changes=form.changes(firsts[one.place].value, one.value, scope_of(case, one.inside), names, language())
            if firsts[one.place] is not one
            else (),
        )
        for place, one, form in read
    ]


def _corrected_by(case: LiveCase, said: Said) -> str:
    """The step whose answers took the place of what was filed; empty while none did."""
    acted = (one for one in case.values.all if one.act_id == said.act_id)
    for one in acted:
        drawn = case.element(one.scope, one.element)
        if drawn.task is not None and drawn.task.revises == said.element:
            return drawn.name
    return ""


def _files(
    case: LiveCase, said: Said, form: Form, uploads: Mapping[int, Attachment]
) -> dict[str, tuple[Attachment, ...]]:
    """The uploads that an answer names, by the label of the field that asked for them."""
    return {
        asked.label.render(scope_of(case, said.inside)): tuple(uploads[id] for id in ids if id in uploads)
        for asked in form.fields
        for name, ids in attachments.file_answers([asked], said.value)
    }


def _read_as_lines(form: Form) -> frozenset[str] | None:
    """The fields that are read back line by line: all but the items of a correction."""
    if form.corrections is None:
        return None
    return frozenset(field.name for field in form.fields if field is not form.corrections)


def form_said(case: LiveCase, said: Said) -> Form | None:
    """The form by which something was answered; None for what no person answered."""
    drawn = case.procedure.drawing_at(said.scope).elements.get(said.element)
    name = form_of(drawn) if drawn is not None else None
    return case.procedure.forms[name] if name else None


def _facts(case: LiveCase) -> list[FactView]:
    results = facts_of(case)
    regulation, said = case.published.regulation, case.procedure.manifest
    return [
        FactView(
            title=fact.title,
            basis=citation(regulation, said.basis.get(name)),
            result=_fact_text(result, fact.unit),
            good=result if isinstance(result, bool) else None,
        )
        for name, fact in said.facts.items()
        for result in [results[name]]
    ]


def _fact_text(result: object, unit: str) -> str:
    """What a fact came to, in words; a number with its digits grouped and its unit."""
    if isinstance(result, bool):
        return _("是") if result else _("否")
    if result is None:
        return _("尚不能判断")
    return f"{result:,} {unit}".rstrip() if isinstance(result, int | Decimal) else str(result)


def links(tx: Session, row: Case) -> list[LinkView]:
    """The cases this one answers or comes from, and those that answer it or come from it.

    Those that it started for the rows of a list have a page of their own.
    """
    words = {
        Relation.ABOUT: _("所针对的案件"),
        Relation.STARTED_BY: _("由其启动"),
        Relation.ANSWER: _("针对本案提出"),
        Relation.STARTED: _("由本案启动"),
        Relation.SUCCESSOR: _("取代本案"),
        Relation.PREDECESSOR: _("被本案取代"),
    }
    return [
        LinkView(words[relation], one.id, one.number, one.title, one.status, one.ended_at is not None)
        for relation, one in related(tx, row)
    ]


def _diagram(
    case: LiveCase,
    scope: str,
    history: tuple[Happening, ...],
    tasks: Iterable[Task],
    subscriptions: Iterable[Subscription],
) -> DiagramView:
    drawing = case.procedure.drawing_at(scope)
    waiting = [one.element for one in subscriptions if one.scope == scope]
    here = [task.element for task in tasks if task.scope == scope]
    outer = [place.split("/")[0].split(":")[0] for task in tasks if (place := task.scope) and not scope]
    calls = [element for element in outer if element in drawing.elements]
    here += calls or ([] if here else [element for element in waiting if element in drawing.elements])
    walked = {line.element for line in history if line.element and line.element in drawing.elements}
    walked |= {one.element for one in case.values.all if one.scope == scope and one.element in drawing.elements}
    passed = _way(drawing, walked - set(here), set(here))
    names = "、".join(drawing.elements[element].name for element in here)
    return DiagramView(drawing.name, tuple(sorted(passed)), tuple(here), names)


def _way(drawing: Drawing, walked: set[str], here: set[str]) -> set[str]:
    """The elements walked with the gateways and flows between them."""
    quiet = {element.id for element in drawing.elements.values() if element.kind.endswith("Gateway")}
    passed = set(walked)
    while True:
        found = {
            gateway
            for gateway in quiet - passed
            if any(flow.source in passed for flow in drawing.into(gateway))
            and any(flow.target in passed | here | quiet for flow in drawing.out(gateway))
        }
        if not found:
            break
        passed |= found
    # A gateway from which nothing walked leads on is none that was passed.
    dead = {g for g in passed & quiet if not any(flow.target in passed | here for flow in drawing.out(g))}
    passed -= dead
    flows = {f.id for f in drawing.flows.values() if f.source in passed and f.target in passed | here}
    return passed | flows
