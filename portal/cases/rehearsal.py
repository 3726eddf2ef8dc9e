"""The letters that a step would issue, found out by doing the step in a transaction that is always rolled back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.cases import attachments, bulk, deferred, tasks
from portal.cases.attachments import Accepted
from portal.cases.delivery import RENDER
from portal.cases.errors import StepFailed
from portal.cases.kernel import Kernel
from portal.cases.live import Cases, LiveCase
from portal.cases.models import StartItem
from portal.db import Database
from portal.documents import service as documents
from portal.documents.models import Letter
from portal.engine import EngineFault
from portal.identity import Actor
from portal.jobs import Collected
from portal.procedures import Procedure
from portal.procedures.drawing import Action, Element
from portal.procedures.procedure import STARTING


@dataclass(frozen=True)
class Draft:
    """A letter as it would be issued; its number would be another if somebody else drew one before."""

    title: str
    number: str
    addressees: tuple[str, ...]
    copies: tuple[str, ...]
    template: bytes
    data: Mapping[str, Any]
    verification_code: str


@dataclass(frozen=True)
class Sample:
    """The first of the rows for each of which a case would be started: how many there are, the letters of its case,
    and why that case could not be started, if so."""

    rows: int
    title: str
    letters: tuple[Draft, ...]
    fault: str | None


@dataclass(frozen=True)
class Rehearsal:
    """What a step would issue: its own letters, and a sample of those of the rows it starts."""

    letters: tuple[Draft, ...]
    sample: Sample | None


def rehearse(
    kernel: Kernel,
    database: Database,
    actor: Actor,
    task_id: int,
    answers: Mapping[str, object],
    files: Mapping[str, Sequence[Accepted]],
    moment: datetime,
    for_id: int | None = None,
) -> Rehearsal:
    """Completes a task as `tasks.complete` does and takes everything back; raises what that raises.

    `files` are uploads by their field, looked at but not stored. The family is locked, and the numbers are drawn, only
    while the step runs; the letters are rendered by the caller when all of that is over.
    """
    queue = Collected()
    trial = replace(kernel, queue=queue, scans=False)

    def act(tx: Session) -> Rehearsal:
        queue.jobs.clear()
        whole = {**answers, **_kept(trial, tx, answers, files, actor, moment)}
        tasks.complete(trial, tx, actor, task_id, whole, moment, for_id)
        _settled(tx)
        own = _drafts(trial, tx, queue)
        return Rehearsal(own, _sample(trial, tx, queue, moment))

    return database.rehearse(act)


def _kept(
    kernel: Kernel,
    tx: Session,
    answers: Mapping[str, object],
    files: Mapping[str, Sequence[Accepted]],
    actor: Actor,
    moment: datetime,
) -> dict[str, object]:
    """The answers of file fields with the new files among them, as if these had been stored."""
    found: dict[str, object] = {}
    for field, new in files.items():
        before = answers.get(field)
        ids = [str(attachments.keep(kernel, tx, file, actor, moment).id) for file in new]
        found[field] = [*(before if isinstance(before, list) else []), *ids]
    return found


def _settled(tx: Session) -> None:
    """What would be refused at the commit is refused here."""
    tx.flush()
    tx.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    tx.execute(text("SET CONSTRAINTS ALL DEFERRED"))


def _drafts(kernel: Kernel, tx: Session, queue: Collected) -> tuple[Draft, ...]:
    """The letters that were to be rendered, in the order of their issue."""
    ids = [int(str(job.arguments["letter_id"])) for job in queue.jobs if job.name == RENDER]
    return tuple(_draft(kernel, tx, documents.letter(tx, letter_id)) for letter_id in ids)


def _draft(kernel: Kernel, tx: Session, letter: Letter) -> Draft:
    names = {kind: tuple(one.name for one in letter.services if one.kind == kind) for kind in ("party", "copy")}
    template = kernel.releases.get(tx, letter.release_id).content.files[letter.template]
    return Draft(
        letter.title,
        letter.number,
        names["party"],
        names["copy"],
        template,
        letter.data,
        letter.verification_code,
    )


def _sample(kernel: Kernel, tx: Session, queue: Collected, moment: datetime) -> Sample | None:
    """Starts the case of the first row, as its job would."""
    starts = [job for job in queue.jobs if job.name == bulk.START]
    if not starts:
        return None
    queue.jobs.clear()
    first = starts[0].arguments
    item = tx.get_one(StartItem, int(str(first["item_id"])))
    title = _title(kernel, tx, item)
    rows = len(starts)
    try:
        with tx.begin_nested():
            deferred.do(kernel, tx, moment, bulk.START, first)
            _settled(tx)
    except (EngineFault, StepFailed):
        return Sample(rows, title, (), bulk.BROKEN)
    tx.refresh(item)
    return Sample(rows, title, _drafts(kernel, tx, queue), item.fault)


def _title(kernel: Kernel, tx: Session, item: StartItem) -> str:
    starter = Cases(tx, kernel.releases).get(item.starter_id)
    return kernel.releases.newest(tx, starter.row.regulation).procedure(item.procedure).manifest.title


def may_issue(case: LiveCase, scope: str, element: str) -> bool:
    """Whether the step at an element may issue a letter, by itself or by the cases it starts, before the case comes
    to rest again; which answers it takes is not asked."""
    return _Ahead(case.published.procedures, case.procedure).after(scope, element)


class _Ahead:
    """Looks along the flows of a procedure's diagrams, into what they call and start, up to where a case waits."""

    def __init__(self, procedures: Mapping[str, Procedure], procedure: Procedure) -> None:
        self._procedures, self._procedure = procedures, procedure
        self._seen: set[tuple[str, str]] = set()

    def after(self, scope: str, key: str) -> bool:
        """Whether a letter may be issued behind an element."""
        drawing = self._procedure.drawing_at(scope)
        element = drawing.elements[key]
        if any(self._at(scope, flow.target) for flow in drawing.out(key)):
            return True
        if element.kind != "endEvent":
            return False
        # The end of a subprocess or of a called diagram leads on behind it.
        if element.parent is not None:
            return self.after(scope, element.parent)
        outer, _, call = scope.rpartition("/")
        return bool(scope) and self.after(outer, call.partition(":")[0])

    def _at(self, scope: str, key: str) -> bool:
        element = self._procedure.element(scope, key)
        if (scope, key) in self._seen or element.waits:
            return False
        self._seen.add((scope, key))
        if element.issues or (element.action is not None and self._starts_one_that_issues(element.action)):
            return True
        return self._within(scope, element) or self.after(scope, key)

    def _starts_one_that_issues(self, action: Action) -> bool:
        started = self._procedures.get(action.inputs["procedure"]) if action.name in STARTING else None
        if started is None or started.slug == self._procedure.slug:
            return False
        return _Ahead(self._procedures, started).after("", started.drawing.start().id)

    def _within(self, scope: str, element: Element) -> bool:
        """Whether a letter may be issued in a subprocess, or in a diagram that is called."""
        if element.kind == "callActivity":
            inner = f"{scope}/{element.id}:1".removeprefix("/")
            return self.after(inner, self._procedure.drawing_at(inner).start().id)
        starts = self._procedure.drawing_at(scope).of_kind("startEvent")
        return any(self.after(scope, start.id) for start in starts if start.parent == element.id)
