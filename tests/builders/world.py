"""A small world for stories: people with roles, organisations, a published release and a clock to move.

Each verb is one act, whole or not at all. `World.within(tx)` tells its story in one session that is rolled
back later; `World.over(database)` commits each act, so that several threads may tell it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Self, TypeVar

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import audit, identity, registers
from portal.audit.rules import Chain
from portal.cases import deferred, delivery, filing, messages, tasks, warning
from portal.cases.actions import ACTIONS, Action
from portal.cases.conduct import claim_ripe
from portal.cases.kernel import Kernel
from portal.cases.live import Cases, LiveCase
from portal.cases.models import Attachment, Case, Task
from portal.cases.names import facts_of
from portal.clock import TZ
from portal.db import Database
from portal.deadlines.models import Deadline
from portal.documents.models import Letter
from portal.identity import Actor
from portal.jobs import Collected, ProcrastinateQueue, Queue
from portal.ledger import service as ledger
from portal.procedures import Published, Releases, publish
from portal.procedures.content import Content, from_folder
from portal.procedures.releases import open_content

T = TypeVar("T")
CEMENT, STEEL = "91500101MA5YKQ1X0C", "91500115MA5YKQ2X1E"
ROOT = Path(__file__).parent.parent.parent


@cache
def shipped() -> Content:
    """The content of the regulation that ships."""
    return from_folder(ROOT, "chongqing-ets")


@cache
def _opened(content_hash: str) -> Published:
    return open_content(0, _contents[content_hash])


_contents: dict[str, Content] = {}


def moment_of(text: str | datetime) -> datetime:
    """A moment in Asia/Shanghai, from "2026-10-12T23:59:59.9"."""
    return text if isinstance(text, datetime) else datetime.fromisoformat(text).replace(tzinfo=TZ)


class Within:
    """Acts in savepoints of one session."""

    def __init__(self, tx: Session) -> None:
        self.tx = tx

    def act(self, verb: Callable[[Session], T]) -> T:
        try:
            with self.tx.begin_nested():
                result = verb(self.tx)
                self.tx.flush()
                self.tx.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
                self.tx.execute(text("SET CONSTRAINTS ALL DEFERRED"))
        finally:
            # Another request has a session of its own and sees what is in the tables.
            self.tx.expire_all()
        return result

    def read(self, look: Callable[[Session], T]) -> T:
        return look(self.tx)


class Over:
    """Acts in transactions of their own, as the portal's edges do."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def act(self, verb: Callable[[Session], T]) -> T:
        return self.database.attempt(verb)

    def read(self, look: Callable[[Session], T]) -> T:
        with self.database.transaction() as tx:
            return look(tx)


@dataclass(frozen=True)
class Followed:
    """A case that the story follows, as it is now."""

    world: World
    id: int

    def see(self, look: Callable[[LiveCase], T]) -> T:
        """Looks at the case with everything that belongs to it."""
        return self.world.run.read(lambda tx: look(Cases(tx, self.world.kernel.releases).get(self.id)))

    @property
    def row(self) -> Case:
        return self.see(lambda case: case.row)

    @property
    def number(self) -> str:
        return self.row.number

    @property
    def status(self) -> str:
        return self.row.status

    @property
    def outcome(self) -> str | None:
        return self.row.outcome

    @property
    def ripe_at(self) -> datetime | None:
        return self.row.ripe_at

    @property
    def tasks(self) -> list[str]:
        """The elements of its open tasks."""
        return sorted(task.element for task in self.all_tasks if task.state == "open")

    @property
    def all_tasks(self) -> list[Task]:
        query = select(Task).where(Task.case_id == self.id).order_by(Task.id)
        return self.world.run.read(lambda tx: list(tx.scalars(query)))

    @property
    def facts(self) -> dict[str, object]:
        return self.see(facts_of)

    @property
    def history(self) -> list[audit.Entry]:
        return self.world.run.read(lambda tx: audit.entries(tx, self.id))

    @property
    def kinds(self) -> list[str]:
        """The kinds of its history's lines, in order."""
        return [entry.kind for entry in self.history]

    @property
    def letters(self) -> list[Letter]:
        query = select(Letter).where(Letter.case_id == self.id).order_by(Letter.id)
        return self.world.run.read(lambda tx: [letter for letter in tx.scalars(query) if letter.services is not None])

    def entries(self, kind: str) -> list[audit.Entry]:
        """The history's lines of one kind."""
        return [entry for entry in self.history if entry.kind == kind]

    def deadline(self, name: str) -> Deadline:
        """The newest deadline of a name."""
        return self.see(lambda case: case.deadlines[name])

    def said(self, element: str, scope: str = "") -> object:
        """What was said last at an element."""
        found = self.see(lambda case: case.values.latest(scope, element))
        return found.value if found else None


class World:
    """People, organisations, a release in force and a clock; the shipped content unless another is given."""

    def __init__(
        self,
        run: Within | Over,
        queue: Queue,
        content: Content | None = None,
        actions: Mapping[str, Action] = ACTIONS,
    ) -> None:
        self.run = run
        self.now = moment_of("2026-09-21T09:00:00")
        self.kernel = Kernel(Releases(), queue, lambda _tx: self.now, actions)
        self.renders = self.works = True
        self.publish(content or shipped())
        self.cement = self.organisation(CEMENT, "重庆某水泥有限公司")
        self.steel = self.organisation(STEEL, "重庆某钢铁集团有限公司")
        self.wang, self.wu = self.person("王", of=self.cement), self.person("吴", of=self.steel)

    @classmethod
    def within(cls, tx: Session, content: Content | None = None, actions: Mapping[str, Action] = ACTIONS) -> Self:
        """A world in one session; deferred jobs are only collected."""
        return cls(Within(tx), Collected(), content, actions)

    @classmethod
    def over(cls, database: Database, content: Content | None = None, actions: Mapping[str, Action] = ACTIONS) -> Self:
        """A world in a database of its own; every act commits."""
        return cls(Over(database), ProcrastinateQueue(), content, actions)

    # People, content, time

    def publish(self, content: Content) -> Published:
        """Publishes content; it is opened once for all stories."""
        _contents[content.hash] = content
        release, _ = self.run.act(lambda tx: publish(tx, content, self.now, "test"))
        opened = _opened(content.hash)
        published = Published(release.id, content, opened.regulation, opened.procedures)
        self.kernel.releases.put(published)
        self.content = content
        return published

    def organisation(self, uscc: str, name: str, *, reads: bool = True) -> int:
        """An enterprise that agreed to electronic service, unless `reads` is false."""
        since = self.now if reads else None
        added = self.run.act(
            lambda tx: identity.add_organisation(
                tx, uscc=uscc, name=name, district="万州区", kinds=["enterprise"], electronic_service_since=since
            )
        )
        return added.id

    def person(self, name: str, *roles: str, of: int | None = None) -> Actor:
        """A person with roles of the regulation, or of an organisation."""

        def add(tx: Session) -> Actor:
            login = f"person-{tx.scalar(text('SELECT count(*) + 1 FROM persons'))}"
            someone = identity.Person(
                login=login, name=name, password_hash="", organisation_id=of, administrator=False, active=True
            )
            tx.add(someone)
            tx.flush()
            actor = identity.actor_of(tx, someone.id, self.now.date())
            assert actor is not None
            return actor

        actor = self.run.act(add)
        for role in roles:
            actor = self.granted(actor, role)
        return actor

    def granted(self, actor: Actor, role: str) -> Actor:
        """The same person with one more role."""

        def add(tx: Session) -> Actor:
            regulation, first = self.content.regulation, date(2020, 1, 1)
            identity.grant_role(tx, person_id=actor.person_id, regulation=regulation, role=role, from_day=first)
            found = identity.actor_of(tx, actor.person_id, self.now.date())
            assert found is not None
            return found

        return self.run.act(add)

    def at(self, moment: str | datetime) -> None:
        """Moves the clock; nothing happens by itself."""
        self.now = moment_of(moment)

    def pass_to(self, moment: str | datetime) -> None:
        """Lets time pass to a moment, with a worker that fires what has become ripe and warns on each day."""
        until = moment_of(moment)
        while (warned := self.run.read(lambda tx: warning.first(tx, until))) is not None:
            self.at(max(warned, self.now))
            self.work()
        self.at(until)
        self.work()

    def work(self) -> int:
        """A worker fires what is ripe now, then warns; how many families it claimed for their timers."""
        claimed = 0
        while self.run.act(lambda tx: claim_ripe(self.kernel, tx, self.now)) is not None:
            claimed += 1
            self._follow_up()
        while self.run.act(lambda tx: warning.warn_one(self.kernel, tx, self.now)) is not None:
            pass
        return claimed

    # What people do; `received` is when the edge had their request, if it was not handled at once

    def act(self, verb: Callable[[Session, datetime], T], received: str | datetime | None = None) -> T:
        """Any act, with the moment that it has; then its jobs are done and the letters it issued rendered."""
        moment = moment_of(received or self.now)
        result = self.run.act(lambda tx: verb(tx, moment))
        self._follow_up()
        return result

    def file(
        self,
        procedure: str,
        by: Actor,
        about: Followed | None = None,
        received: str | datetime | None = None,
        **answers: object,
    ) -> Followed:
        regulation, about_id = self.content.regulation, about.id if about else None
        row = self.act(
            lambda tx, at: filing.file(self.kernel, tx, by, regulation, procedure, answers, at, about_id), received
        )
        return Followed(self, row.id)

    def task(self, element: str, of: Followed | None = None) -> int:
        """The one open task of an element."""
        query = select(Task.id).where(Task.element == element, Task.state == "open")
        if of is not None:
            query = query.where(Task.case_id == of.id)
        [found] = self.run.read(lambda tx: tx.scalars(query).all())
        return found

    def complete(
        self,
        task: str | int,
        by: Actor,
        of: Followed | None = None,
        received: str | datetime | None = None,
        **answers: object,
    ) -> None:
        task_id = self.task(task, of) if isinstance(task, str) else task
        self.act(lambda tx, at: tasks.complete(self.kernel, tx, by, task_id, answers, at), received)

    def claim(self, element: str, by: Actor, of: Followed | None = None) -> None:
        task_id = self.task(element, of)
        self.act(lambda tx, at: tasks.claim(self.kernel, tx, by, task_id, at))

    def release(self, element: str, by: Actor, of: Followed | None = None) -> None:
        task_id = self.task(element, of)
        self.act(lambda tx, at: tasks.release(self.kernel, tx, by, task_id, at))

    def send(
        self, message: str, to: Followed, by: Actor, received: str | datetime | None = None, **answers: object
    ) -> None:
        self.act(lambda tx, at: messages.send(self.kernel, tx, by, to.id, message, answers, at), received)

    def sign_for(self, case: Followed, by: Actor, received: str | datetime | None = None) -> None:
        """The addressee opens the case's last letter and signs for it."""
        letter = case.letters[-1]
        self.act(lambda tx, at: delivery.sign_for(self.kernel, tx, by, letter.id, at), received)

    def receipt(
        self,
        case: Followed,
        by: Actor,
        on: str | datetime,
        how: str = "post",
        received: str | datetime | None = None,
        note: str = "见回执",
    ) -> None:
        """A clerk enters the receipt of the case's last letter."""
        service = next(service for service in case.letters[-1].services if service.kind == "party")
        self.act(
            lambda tx, at: delivery.enter_receipt(self.kernel, tx, by, service.id, how, moment_of(on), note, at),
            received,
        )

    def upload(self, by: Actor, name: str) -> str:
        """A stored file that no case uses yet, as an answer to a file field."""

        def add(tx: Session, at: datetime) -> int:
            row = Attachment(
                uploaded_by_id=by.person_id, organisation_id=by.organisation_id, uploaded_at=at,
                key=f"{by.person_id}/{name}", name=name, kind="pdf", size=3, sha256="0" * 64,
            )  # fmt: skip
            tx.add(row)
            tx.flush()
            return row.id

        return str(self.act(add))

    def _follow_up(self) -> None:
        self._do_jobs()
        self._render()
        self._do_jobs()

    def _do_jobs(self) -> None:
        while self.works and self._did_a_job():
            pass

    def _did_a_job(self) -> bool:
        queue = self.kernel.queue
        return self._do_collected(queue) if isinstance(queue, Collected) else self.run.act(self._do_one)

    def _do_collected(self, queue: Collected) -> bool:
        """Does the first job of a case that was collected, in an act of its own; whether there was one."""
        job = next((job for job in queue.jobs if job.name in deferred.WORK), None)
        if job is not None:
            queue.jobs.remove(job)
            self.run.act(lambda tx: deferred.do(self.kernel, tx, self.now, job.name, job.arguments))
        return job is not None

    def _do_one(self, tx: Session) -> bool:
        """Does the first job of a case that waits in the database, as a worker would; whether there was one."""
        query = (
            "SELECT id, task_name, args FROM procrastinate_jobs WHERE status = 'todo' AND task_name = ANY(:names) "
            "ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
        )
        job = tx.execute(text(query), {"names": list(deferred.WORK)}).first()
        if job is not None:
            deferred.do(self.kernel, tx, self.now, job.task_name, job.args, f"world-{job.id}")
            tx.execute(text("DELETE FROM procrastinate_jobs WHERE id = :id"), {"id": job.id})
        return job is not None

    def _render(self) -> None:
        if not self.renders:
            return
        waiting = select(Letter.id).where(Letter.state == "rendering").order_by(Letter.id)
        for letter_id in self.run.read(lambda tx: tx.scalars(waiting).all()):
            file = delivery.StoredFile(f"letters/{letter_id}", "0" * 64, 100)
            self.run.act(lambda tx, i=letter_id, f=file: delivery.rendered(self.kernel, tx, i, f, self.now))

    # Looking round

    def cases(self, procedure: str | None = None) -> list[Followed]:
        """All cases, or those of a procedure, oldest first."""
        query = select(Case.id).order_by(Case.id)
        if procedure is not None:
            query = query.where(Case.procedure == procedure)
        return [Followed(self, case_id) for case_id in self.run.read(lambda tx: tx.scalars(query).all())]

    def breaks(self) -> list[audit.Break]:
        """Every break in the history of any case."""
        query = select(Case.id, Case.audit_length, Case.audit_head).order_by(Case.id)

        def look(tx: Session) -> list[audit.Break]:
            chains = [(case_id, Chain(length, head)) for case_id, length, head in tx.execute(query)]
            return audit.verify(tx, chains)

        return self.run.read(look)

    def entries(self) -> list[tuple[str, int]]:
        """The number of the case and the amount, of each posting to the two organisations."""

        def look(tx: Session) -> list[tuple[str, int]]:
            lines = [line for unit in (self.cement, self.steel) for line in ledger.statement(tx, unit)]
            return [(line.asset.code, line.amount) for line in sorted(lines, key=lambda line: line.moment)]

        assert self.run.read(ledger.invariants) == []
        return self.run.read(look)


class Bureau(World):
    """The world of the shipped content: its officials, and the beginnings that many stories share."""

    def __init__(
        self,
        run: Within | Over,
        queue: Queue,
        content: Content | None = None,
        actions: Mapping[str, Action] = ACTIONS,
    ) -> None:
        super().__init__(run, queue, content, actions)
        self.zhou, self.chen = self.person("周", "handler"), self.person("陈", "leader")
        self.li, self.he = self.person("李", "intake"), self.person("何", "reviewer")
        self.sun, self.tao = self.person("孙", "supervisor"), self.person("陶", "clerk")

    def listed(self, unit: str, year: int) -> None:
        """Has a unit on the year's list of key emitters, as it was before there were cases."""

        def enter(tx: Session) -> None:
            regulation = self.kernel.releases.newest(tx, self.content.regulation).regulation
            emitters, key = regulation.registers["emitters"], {"uscc": unit, "year": str(year)}
            if registers.current(tx, regulation.slug, emitters, key) is None:
                row = {**key, "name": "某单位", "industry": "水泥", "district": "万州区"}
                cause = registers.Cause(moment=self.now, reason="test")
                registers.record(tx, regulation.slug, emitters, [row], None, cause)

        self.run.act(enter)

    def allocation(self, *rows: tuple[str, int], year: int = 2025, by: Actor | None = None) -> Followed:
        """An allocation of a year's allowances, one (code, amount) for each unit, that waits for the leader."""
        for unit, _ in rows:
            self.listed(unit, year)
        allocation = self.file("allocation", by or self.zhou)
        units = [{"unit": unit, "amount": str(amount)} for unit, amount in rows]
        self.complete("draft", by or self.zhou, allocation, year=str(year), units=units)
        return allocation

    def notice(self, unit: str = CEMENT, amount: int = 1_200_000) -> Followed:
        """A notice of an allowance that was determined and signed, for another year each time; not served yet."""
        allocation = self.allocation((unit, amount), year=2025 - len(self.cases("allocation-notice")))
        self.complete("sign", self.chen, allocation, result="签发")
        return self.cases("allocation-notice")[-1]

    def result(self, unit: str = CEMENT, amount: int = 864_000, year: int = 2025) -> Followed:
        """A notice of a verified emission; not served yet."""
        self.listed(unit, year)
        verification = self.file("verification", self.zhou)
        self.complete("arrange", self.zhou, verification, year=str(year), way="自行组织核查")
        units = [{"unit": unit, "reported": "850000", "amount": str(amount)}]
        self.complete("draft", self.zhou, verification, units=units)
        self.complete("sign", self.chen, verification, result="签发")
        return self.cases("verification-notice")[-1]

    def served_notice(self, on: str = "2026-09-24T10:00:00") -> Followed:
        """A notice signed for on a day: from 24 September the period lasts until 12 October, 24:00."""
        notice = self.notice()
        self.at(on)
        self.sign_for(notice, self.wang)
        return notice

    def object(self, notice: Followed, received: str | datetime | None = None, **more: object) -> Followed:
        """The unit asks for review of a notice; the form takes the reason only where the notice is final."""
        answers = {"claimed_amount": "1320000", "grounds": "产量数据有误", "late_reason": "洪水断路", **more}
        return self.file("allocation-review", self.wang, notice, received, **answers)

    def decide(self, review: Followed, conclusion: str = "维持", **more: object) -> None:
        """From the admitted review to the leader's desk."""
        self.complete("review", self.he, review, conclusion=conclusion, reasons="经核对", **more)
        self.complete("draft", self.he, review, findings="已核对")
