"""A past made up by real acts: the clock stands at each act's moment, letters are rendered right after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from heapq import heappop, heappush
from io import BytesIO
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import identity
from portal.calendar.rules import Calendar
from portal.cases import attachments, deferred, delivery, filing, tasks, warning
from portal.cases.attachments import Accepted
from portal.cases.conduct import claim_ripe
from portal.cases.models import Case, Task
from portal.clock import TZ
from portal.demo.evidence import LICENCE, Paper
from portal.demo.people import PASSWORD, Unit
from portal.documents import service as documents
from portal.documents.models import Letter
from portal.edge.files import TYPES
from portal.identity import Actor, entry, registering
from portal.jobs import Collected
from portal.procedures.manifest import Material
from portal.scenarios.demo import Before
from portal.worker.letters import make_file
from portal.worker.tools import Tools

REGULATION = "chongqing-ets"
_ANY = Material("paper", "材料", tuple(TYPES), 1, 1_000_000)
_EVIDENCE = "evidence"
"""The material under which an application's papers are handed in."""
Story = Iterator[datetime]
"""What happens in one matter: it yields the moment of its next act, and is taken up again at that moment."""


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment of a day."""
    return datetime.combine(day, time(hour, minute), TZ)


def working_days_before(calendar: Calendar, day: date, n: int) -> date:
    """The n-th working day before a day."""
    while n:
        day -= timedelta(days=1)
        n -= calendar.is_working(day)
    return day


def days_before(calendar: Calendar, today: date) -> Before:
    """The moments at which the stories of a demo.toml happen, when it begins today."""

    def before(days: int, moment: time) -> datetime:
        return datetime.combine(working_days_before(calendar, today, days), moment, TZ)

    return before


@dataclass
class History:
    """The past being made up, in one transaction."""

    tools: Tools
    tx: Session
    people: Mapping[str, int]
    now: datetime
    queue: Collected = field(default_factory=Collected)

    def __post_init__(self) -> None:
        # What the demo makes up itself needs no look by a scanner.
        self.kernel = replace(self.tools.kernel, queue=self.queue, now=lambda _tx: self.now, scans=False)

    def tell(self, stories: list[Story], until: datetime) -> None:
        """Acts the stories together, in the order of their moments, then lets time pass to the end."""
        tie, waiting = count(), list[tuple[datetime, int, Story]]()
        for story in stories:
            heappush(waiting, (next(story), next(tie), story))
        while waiting:
            moment, _, story = heappop(waiting)
            self._pass_to(moment)
            following = next(story, None)
            self.do_jobs()
            if following is not None:
                heappush(waiting, (following, next(tie), story))
        self._pass_to(until)

    def _pass_to(self, moment: datetime) -> None:
        while (warned := warning.first(self.tx, moment)) is not None:
            self._work(max(warned, self.now))
        self._work(moment)

    def _work(self, moment: datetime) -> None:
        self.now = moment
        while claim_ripe(self.kernel, self.tx, moment) is not None:
            self.do_jobs()
        while warning.warn_one(self.kernel, self.tx, moment) is not None:
            pass

    def do_jobs(self) -> None:
        """Does what the acts so far have deferred; letters are made for real."""
        while self.queue.jobs:
            job = self.queue.jobs.pop(0)
            if job.name == delivery.RENDER:
                self._render(int(str(job.arguments["letter_id"])))
            elif job.name in deferred.WORK:
                deferred.do(self.kernel, self.tx, self.now, job.name, job.arguments)
            elif job.name == delivery.PDF:
                self.tools.kernel.queue.defer(self.tx, job.name, **job.arguments)

    def _render(self, letter_id: int) -> None:
        letter = documents.letter(self.tx, letter_id)
        content = self.kernel.releases.get(self.tx, letter.release_id).content
        file = make_file(self.tools, letter, content.files[letter.template])
        pdf = self.tools.office is not None
        delivery.rendered(self.kernel, self.tx, letter.id, file, self.now, pdf=pdf)

    def who(self, login: str) -> Actor:
        """A person as he acts now."""
        actor = identity.actor_of(self.tx, self.people[login], self.now.date())
        assert actor is not None
        return actor

    def file(
        self,
        login: str,
        procedure: str,
        answers: Mapping[str, object],
        about: Case | None = None,
        evidence: Iterable[Paper] = (),
    ) -> Case:
        """Somebody files, with papers as his evidence."""
        actor, about_id = self.who(login), about.id if about else None
        papers = self._uploaded(actor, procedure, evidence)
        return filing.file(
            self.kernel, self.tx, actor, REGULATION, procedure, {**answers, **papers}, self.now, about_id
        )

    def claim(self, login: str, case: Case, element: str) -> None:
        """Somebody takes the open task of an element."""
        tasks.claim(self.kernel, self.tx, self.who(login), self._open_task(case, element), self.now)

    def do(self, login: str, case: Case, element: str, answers: Mapping[str, object]) -> None:
        """Somebody completes the open task of an element; what it starts is there right after."""
        tasks.complete(self.kernel, self.tx, self.who(login), self._open_task(case, element), answers, self.now)
        self.do_jobs()

    def _open_task(self, case: Case, element: str) -> int:
        task = select(Task.id).where(Task.case_id == case.id, Task.element == element, Task.state == "open")
        return self.tx.scalars(task).one()

    def started_by(self, case: Case, unit: Unit) -> Case:
        """The case that a case has started for a unit."""
        party_id = self.who(unit.login).organisation_id
        started = select(Case).where(Case.started_by_id == case.id, Case.party_id == party_id)
        return self.tx.scalars(started).one()

    def letter(self, case: Case, name: str) -> Letter:
        """A letter of a case."""
        return self.tx.scalars(select(Letter).where(Letter.case_id == case.id, Letter.name == name)).one()

    def register(self, unit: Unit) -> None:
        """Somebody asks to act for a unit that is not registered yet, with its licence as proof."""
        file = self._stored(LICENCE, Material("licence", "营业执照", entry.PROOF_KINDS, 1, entry.PROOF_LIMIT))
        proof = registering.StoredProof(file.key, file.name, file.kind, file.size, file.sha256)
        registering.keep_proof(self.tx, proof, self.now)
        who = entry.Newcomer(unit.person, unit.login, PASSWORD)
        what = entry.Entry(unit.uscc, unit.name, unit.district, "enterprise", electronic_service=True)
        registering.hand_in(self.tx, who, what, file.key, file.key, self.now)

    def uploaded_in_public(self, bundle: str, paper: Paper) -> str:
        """A file that somebody without an account uploads with his form: its id."""
        return str(attachments.keep_in_bundle(self.kernel, self.tx, self._stored(paper, _ANY), bundle, self.now).id)

    def uploaded(self, actor: Actor, paper: Paper) -> str:
        """A file that somebody uploads: its id, as an answer to a file field."""
        return str(attachments.keep(self.kernel, self.tx, self._stored(paper, _ANY), actor, self.now).id)

    def _uploaded(self, actor: Actor, procedure: str, papers: Iterable[Paper]) -> dict[str, list[str]]:
        """The answer to a form's file field: the ids of what was uploaded; none without papers."""
        materials = self.kernel.releases.newest(self.tx, REGULATION).procedure(procedure).manifest.materials
        kept = [
            attachments.keep(self.kernel, self.tx, self._stored(one, materials[_EVIDENCE]), actor, self.now)
            for one in papers
        ]
        return {_EVIDENCE: [str(row.id) for row in kept]} if kept else {}

    def _stored(self, paper: Paper, material: Material) -> Accepted:
        content = paper.content()
        file = attachments.examine(paper.name, BytesIO(content), material)
        self.tools.store.put(file.key, content, file.size, TYPES[file.kind], file.name)
        return file

    def sign_for(self, unit: Unit, letter: Letter) -> None:
        """A unit opens and signs for a letter."""
        delivery.sign_for(self.kernel, self.tx, self.who(unit.login), letter.id, self.now)

    def enter_receipt(self, login: str, letter: Letter, received: datetime, note: str) -> None:
        """A clerk enters that a letter was received by post."""
        [service] = [service for service in letter.services if service.kind == "party"]
        delivery.enter_receipt(self.kernel, self.tx, self.who(login), service.id, "post", received, note, self.now)
