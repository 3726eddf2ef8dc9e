"""What a case is about in a few words: the one searchable value that tells it from others of its kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from portal.cases.models import Case, Task
from portal.cases.names import form_of
from portal.feel import Scope
from portal.procedures import Published


def figure(published: Published, slug: str, searchable: Mapping[str, str]) -> str | None:
    """The first amount among a case's searchable values with its label, else the first value; None without any."""
    return min(_said(published, slug, searchable), key=lambda one: one[0], default=(False, None))[1]


def filed_figure(published: Published, case: Case) -> str:
    """The same for whoever filed a case: only of what he himself said in it; empty where that is nothing."""
    if case.filer_id is None:
        return ""
    start = published.procedure(case.procedure).drawing.start().id
    own = {path: value for path, value in case.searchable.items() if path.startswith(f"{start}.")}
    return figure(published, case.procedure, own) or ""


def shown_figure(published: Published, case: Case, task: Task) -> str:
    """The first value, with its label, of those that the manifest shows beside a task and that its case is found by;
    empty without any."""
    procedure = published.procedure(case.procedure)
    drawn = procedure.element(task.scope, task.element).task
    shown = procedure.manifest.shown.get(drawn.role, ()) if drawn else ()
    path = next((path for path in shown if path in case.searchable), None)
    return (figure(published, case.procedure, {path: case.searchable[path]}) or "") if path else ""


def _said(published: Published, slug: str, searchable: Mapping[str, str]) -> Iterator[tuple[bool, str]]:
    """Each value with its label, in the order of the manifest, and whether it is something else than an amount."""
    procedure = published.procedure(slug)
    about = procedure.manifest.about
    given = published.procedure(about.procedure).manifest.given if about else {}
    names = Scope({"with": procedure.manifest.given, "about": {"with": given}}, {})
    for path in procedure.manifest.searchable:
        element, _dot, name = path.partition(".")
        drawn = procedure.drawing.elements.get(element)
        form = form_of(drawn) if drawn else None
        field = next((field for field in procedure.forms[form].fields if field.name == name), None) if form else None
        if field is not None and path in searchable:
            text = f"{field.label.render(names)} {field.kind.shown(searchable[path], None)}"
            yield field.kind_name != "amount", text
