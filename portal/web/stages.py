"""The stages of a case beside what it shows to everybody: those before, the publicity, and what may follow it.

Told as its main diagram has them: what a called diagram does is one stage, and nobody is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, takewhile

from flask_babel import gettext as _

from portal.audit import Entry
from portal.cases import scopes
from portal.cases.live import LiveCase
from portal.cases.models import Publication, PublicationChange
from portal.engine import Place
from portal.web import dates
from portal.web.applicant.ahead import Way
from portal.web.applicant.progress import MOST_AHEAD, StepView

_GONE = frozenset({"case.filed", "case.started", "task.completed"})
"""What of a history makes a stage; who objected or was invited is nobody's business here."""


def stages(
    case: LiveCase, history: Sequence[Entry], row: Publication, changes: Sequence[PublicationChange]
) -> list[StepView]:
    """The stages around a publication of a case."""
    opened = next(entry for entry in history if _opens(entry, row))
    here = _around(case, opened.element or "")
    before = [entry for entry in takewhile(lambda entry: entry is not opened, history) if entry.kind in _GONE]
    return [*_done(case, before, here), _shown(case, row, here), *_after(case, before, row, here, changes)]


def _opens(entry: Entry, row: Publication) -> bool:
    return entry.kind == "publicity.opened" and entry.details.get("publication") == row.id


def _around(case: LiveCase, element: str) -> str:
    """The element of the main diagram that is this one, or that calls the diagram with it."""
    for call in case.procedure.drawing.of_kind("callActivity"):
        if element in case.procedure.drawing_at(scopes.within(Place("", call.id, 1, 0))).elements:
            return call.id
    return element


def _stage_of(entry: Entry) -> str:
    """The element of the main diagram in which something was done."""
    scope = str(entry.details.get("scope", ""))
    return scope.partition("/")[0].partition(":")[0] or entry.element or ""


def _done(case: LiveCase, before: Sequence[Entry], here: str) -> Iterator[StepView]:
    """Each stage once, as of the last time that something was done in it."""
    last: dict[str, Entry] = {}
    for entry in before:
        stage = _stage_of(entry)
        last.pop(stage, None)
        last[stage] = entry
    for stage, entry in last.items():
        if stage != here:
            yield StepView(_name(case, stage) or case.row.title, dates.exact(entry.moment), "done")


def _shown(case: LiveCase, row: Publication, here: str) -> StepView:
    name = _name(case, here) or row.kind
    if row.closed_at is None:
        return StepView(name, _("%(at)s 起", at=dates.exact(row.opened_at)), "now")
    return StepView(name, dates.exact(row.closed_at), "done")


def _after(
    case: LiveCase, before: Sequence[Entry], row: Publication, here: str, changes: Sequence[PublicationChange]
) -> Iterator[StepView]:
    """What may follow while it is shown; afterwards only whether the case has ended, and how."""
    if row.closed_at is not None:
        ended = next((change for change in changes if change.kind == "concluded"), None)
        if ended is None:
            yield StepView(_("继续办理"), _("办结后这里显示结果"), "now")
        else:
            yield StepView(_("办结：%(outcome)s", outcome=ended.details["outcome"]), dates.exact(ended.at), "done")
        return
    walked = frozenset(entry.element for entry in before if entry.element and not entry.details.get("scope"))
    named = (one for one in Way(case.procedure.drawing, walked).main(here) if one[0].kind != "eventBasedGateway")
    for number, (element, choice) in enumerate(islice(named, MOST_AHEAD)):
        parts = [_("接下来可能")] if number == 0 else []
        parts += [_("“%(choice)s”之后", choice=choice)] if choice else []
        yield StepView(element.name, " · ".join(parts), "next")


def _name(case: LiveCase, element: str) -> str:
    drawn = case.procedure.drawing.elements.get(element)
    return drawn.name if drawn is not None else ""
