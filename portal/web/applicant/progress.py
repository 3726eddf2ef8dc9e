"""The steps of a case in words: done by its history, now by its open places, ahead by its drawing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice

from flask_babel import gettext as _

from portal.audit import Entry
from portal.cases.live import LiveCase
from portal.cases.models import Case, Subscription, Task
from portal.cases.scopes import opened_by
from portal.identity import PARTY
from portal.inbox import party
from portal.inbox.party import Sealed
from portal.procedures.drawing import Element
from portal.web import dates
from portal.web.applicant.ahead import Way
from portal.web.languages import listed

Details = Mapping[str, str]
Said = tuple[str, str] | None

MOST_AHEAD = 5
"""Further ahead nobody can honestly say what will be."""


@dataclass(frozen=True)
class StepView:
    """One step: `state` is done, now, next or stopped."""

    name: str
    note: str
    state: str


@dataclass(frozen=True)
class Seal:
    """That until a letter is opened nothing is told but that there is one; `text` says so.

    `answer` is the case with that letter, where it is another one.
    """

    sealed: Sealed
    text: str
    answer: Case | None = None

    @property
    def hides(self) -> bool:
        """Whether it keeps from telling where the case stands."""
        return self.sealed.hides

    def keeps(self, entry: Entry) -> bool:
        """Whether an entry is not told."""
        return self.sealed.keeps(entry)


@dataclass(frozen=True)
class Standing:
    """Where a case stands: its history, its open tasks, and what it waits for besides."""

    case: LiveCase
    history: Sequence[Entry]
    tasks: Sequence[Task]
    waits: Sequence[Subscription]
    seal: Seal | None = None

    @property
    def told(self) -> Sequence[Entry]:
        """The part of the history that the applicant may know."""
        if self.seal is None:
            return self.history
        return [entry for entry in self.history if not self.seal.keeps(entry)]

    @property
    def sealed(self) -> Seal | None:
        """What keeps from telling where the case stands."""
        return self.seal if self.seal is not None and self.seal.hides else None


def steps(standing: Standing, progress: str) -> list[StepView]:
    """The steps done, the present ones, and those that the drawing shows ahead.

    `progress` says how far the period of the present step has run.
    """
    done = list(_done(standing))
    if standing.sealed is not None:
        return [*done, StepView(standing.sealed.text, "", "now")]
    if standing.case.ended:
        return done
    return [*done, *_now(standing, progress), *_ahead(standing)]


def _done(standing: Standing) -> Iterator[StepView]:
    served: dict[str, str] = {}
    lines: list[tuple[Entry, str, str]] = []
    for entry in standing.told:
        said = _said(standing.case, entry)
        if entry.kind in ("letter.served", "letter.unserved"):
            said = _service(entry, served)
        if said is not None:
            lines.append((entry, *said))
    for _key, together in groupby(lines, lambda line: _by_many(line[0])):
        same = list(together)
        entry, name, note = same[-1]
        parts = [dates.exact(entry.moment), note, _times(len(same))]
        yield StepView(name, " · ".join(part for part in parts if part), "done")


def _by_many(entry: Entry) -> str | int:
    """What entries that follow each other have in common when several did the same: one line tells of them all."""
    return entry.element or "" if entry.kind in ("task.completed", "timer.fired") else entry.seq


def _times(count: int) -> str:
    return _("%(n)s 人次", n=count) if count > 1 else ""


def _service(entry: Entry, served: dict[str, str]) -> Said:
    """A letter's service, or its correction with both moments; `served` holds when each letter was served so far."""
    letter, title = str(entry.details["letter"]), entry.details["title"]
    before = served.get(letter)
    if entry.kind == "letter.unserved":
        return _("更正送达：《%(title)s》的送达记录已作废", title=title), _("原为 %(before)s", before=before or "")
    served[letter] = after = dates.exact(datetime.fromisoformat(str(entry.details["at"])))
    if before is None:
        return _("《%(title)s》已送达", title=title), str(entry.details["number"])
    return _("更正送达：《%(title)s》", title=title), _("由 %(before)s 改为 %(after)s", before=before, after=after)


def _said(case: LiveCase, entry: Entry) -> Said:
    """What the applicant reads of one entry; None for what is the authority's own business."""
    sentence = _SENTENCES.get(entry.kind)
    return sentence(case, entry, {key: str(value) for key, value in entry.details.items()}) if sentence else None


def _begun(case: LiveCase, entry: Entry, details: Details) -> Said:
    return _name(case, entry) or case.row.title, details.get("number", "")


def _completed(case: LiveCase, entry: Entry, details: Details) -> Said:
    element = case.element(details.get("scope", ""), entry.element or "")
    return element.name, _doer(case, element)


def _received(case: LiveCase, entry: Entry, details: Details) -> Said:
    if "from" in details:
        return _name(case, entry), details["from"]
    role = party.sender(case, entry)
    return (_name(case, entry), case.published.regulation.role_title(role)) if role else None


def _name(case: LiveCase, entry: Entry) -> str:
    """What the drawing calls the place of an entry, in whichever of its diagrams that stands."""
    for _drawing, element in case.procedure.elements():
        if element.id == entry.element:
            return element.name
    return ""


def _doer(case: LiveCase, element: Element) -> str:
    """The role that does a task, as people call it."""
    if element.task is None:
        return ""
    return case.published.regulation.role_title(case.procedure.manifest.role(element.task.role))


def _now(standing: Standing, progress: str) -> Iterator[StepView]:
    case = standing.case
    if standing.tasks:
        for (name, role), together in groupby(standing.tasks, lambda task: (task.name, task.role)):
            parts = [case.published.regulation.role_title(role), _times(len(list(together))), progress]
            yield StepView(name, " · ".join(part for part in parts if part), "now")
        return
    yield StepView(case.row.status, progress, "now")


def ahead_text(standing: Standing) -> str:
    """What will happen next, in a sentence; empty where nobody can say."""
    if standing.seal is not None or standing.case.ended:
        return ""
    _together, ahead = _onward(standing)
    steps = [element.name for element, _choice in ahead if not element.issues]
    letters = any(element.issues for element, _choice in ahead)
    if steps and letters:
        return _("接下来可能是：%(steps)s；文书送达后您可以在本页阅读、下载。", steps=listed(steps))
    if steps:
        return _("接下来可能是：%(steps)s。", steps=listed(steps))
    return _("接下来制发文书，送达后您可以在本页阅读、下载。") if letters else ""


def _ahead(standing: Standing) -> list[StepView]:
    """What may come next along the drawing's main way; the first says that it only may."""
    together, ahead = _onward(standing)
    if together:
        return [StepView(_("接下来可能"), listed(element.name for element in together), "next")]
    return [
        StepView(element.name, _note(standing.case, element, choice, first=number == 0), "next")
        for number, (element, choice) in enumerate(ahead)
    ]


def _onward(standing: Standing) -> tuple[list[Element], list[tuple[Element, str]]]:
    """The events of which the first to happen decides, if the case waits for such; else the main way ahead."""
    scope, here = _place(standing)
    if here is None:
        return [], []
    way = Way(standing.case.procedure.drawing_at(scope), _walked(standing, scope))
    together = way.together(here) if not standing.tasks else []
    return (together, []) if together else ([], list(islice(_theirs(standing, scope, here), MOST_AHEAD)))


def _theirs(standing: Standing, scope: str, here: str) -> Iterator[tuple[Element, str]]:
    """The main way ahead, but for letters that are not served on the party."""
    rules = standing.case.procedure.manifest.documents
    for element, choice in _main(standing, scope, here):
        rule = rules.get(element.action.inputs.get("document", "")) if element.action and element.issues else None
        if rule is None or PARTY in rule.serve:
            yield element, choice


def _main(standing: Standing, scope: str, here: str) -> Iterator[tuple[Element, str]]:
    """The main way ahead, out of a called diagram into the one that calls it.

    Where what is called leaves its end open, such as one expert's opinion, it goes on after the call all the same.
    """
    case, outcomes = standing.case, dict[str, str]()
    while True:
        way = Way(case.procedure.drawing_at(scope), _walked(standing, scope), outcomes)
        end = yield from way.main(here)
        if not scope:
            return
        place = opened_by(scope)
        scope, here, outcomes = place.scope, place.element, {place.element: end.name} if end else {}


def _place(standing: Standing) -> tuple[str, str | None]:
    """The scope and element from which the way ahead is looked at."""
    if standing.tasks:
        return standing.tasks[0].scope, standing.tasks[0].element
    for wait in standing.waits:
        if standing.case.element(wait.scope, wait.element).kind == "intermediateCatchEvent":
            return wait.scope, wait.element
    return "", None


def _walked(standing: Standing, scope: str) -> frozenset[str]:
    done = (entry for entry in standing.history if entry.kind == "task.completed")
    return frozenset(entry.element for entry in done if entry.element and entry.details.get("scope") == scope)


def _note(case: LiveCase, element: Element, choice: str, *, first: bool) -> str:
    parts = [_("接下来可能")] if first else []
    if choice:
        parts.append(_("“%(choice)s”之后", choice=choice))
    if element.issues:
        parts.append(_("送达后可阅读、下载"))
    doer = _doer(case, element)
    return " · ".join([*parts, doer] if doer else parts)


_SENTENCES: Mapping[str, Callable[[LiveCase, Entry, Details], Said]] = {
    "case.filed": _begun,
    "case.started": _begun,
    "task.completed": _completed,
    "letter.issued": lambda case, entry, d: (_("制发《%(title)s》", title=d["title"]), d["number"]),
    "message.received": _received,
    "timer.fired": lambda case, entry, d: (_name(case, entry) or d["title"], ""),
    "case.begun": lambda case, entry, d: (_("启动“%(title)s”", title=d["title"]), d["number"]),
    "case.replaced": lambda case, entry, d: (d["outcome"], _("由 %(number)s 取代", number=d["by"])),
    "case.ended": lambda case, entry, d: (_("办结：%(outcome)s", outcome=d["outcome"]), ""),
}
"""Kind of entry -> what the applicant reads of it, and a second line."""
