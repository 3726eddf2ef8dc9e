"""The stage on which a path is acted: made-up people, a clock of its own, jobs done right after their act."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from hashlib import sha256
from itertools import count, islice
from typing import TypeVar

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from portal import identity, registers
from portal.cases import attachments, deferred, delivery, warning
from portal.cases.attachments import Accepted
from portal.cases.conduct import claim, fire_ripe
from portal.cases.kernel import Kernel
from portal.cases.models import Attachment, Case
from portal.deadlines.models import Deadline
from portal.documents import service as documents
from portal.documents import trial
from portal.documents.filters import RenderFailed
from portal.errors import ContentFaults, Fault, PortalError
from portal.identity import Actor
from portal.jobs import Collected
from portal.procedures import Published, Releases, publish, validity
from portal.procedures.content import Content
from portal.procedures.regulation import Regulation
from portal.registers import lots
from portal.registers.models import Record
from portal.scenarios.path import Given, GivenRenewal, Person

T = TypeVar("T")
_LONG_AGO = date(2000, 1, 1)
# Five of a dozen come out together once in 792 seeds, with the next one behind them once in 5,544.
_MOST_SEEDS = 200_000
# What an act's commit would check; in one round trip, and put off again for the next act.
_CONSTRAINTS = "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED"


@dataclass(frozen=True)
class Unmade:
    """A letter whose file could not be made of its template (a path in the content), and why."""

    letter: str
    template: str
    reason: RenderFailed


class NotInThePool(PortalError):
    """A path wants those drawn who cannot be."""

    zh = "“{numbers}”不在可以抽取的名单中，抽不出来。"
    en = "“{numbers}” cannot be drawn: not in the pool."


class JobFailed(Exception):
    """A job that an act had deferred could not be done; the text says why."""


@dataclass
class Stage:
    """The world of the paths within one session that will be rolled back."""

    tx: Session
    kernel: Kernel
    published: Published
    queue: Collected
    given: Given
    now: datetime
    people: dict[str, int] = field(default_factory=dict)
    roles: set[tuple[str, str]] = field(default_factory=set)
    organisations: dict[str, int] = field(default_factory=dict)
    unmade: list[Unmade] = field(default_factory=list)
    drawn: tuple[str, ...] = ()
    """The numbers that are to come out of the lot drawn next; none: as it falls, always the same way."""
    uploads: Iterator[int] = field(default_factory=lambda: count(1))
    """Numbers of the made-up files, for each has a place of its own, whatever its name."""

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Undoes whatever happens within, so that something else may follow from the same beginning."""
        people, roles, organisations, now = dict(self.people), set(self.roles), dict(self.organisations), self.now
        savepoint = self.tx.begin_nested()
        try:
            yield
        finally:
            savepoint.rollback()
            self.tx.expire_all()
            self.queue.jobs.clear()
            self.unmade.clear()
            self.people, self.roles, self.organisations, self.now = people, roles, organisations, now

    def act(self, verb: Callable[[], T]) -> T:
        """Does one act in a savepoint with its constraints checked, then the jobs it deferred; JobFailed."""
        try:
            result = self._checked(verb)
        except PortalError:
            # What a refused act had deferred goes with it.
            self.queue.jobs.clear()
            raise
        self.do_jobs()
        return result

    def seed(self, numbers: Sequence[str], count: int) -> str:
        """A seed by which `drawn` come out: looked for, so that the lot is drawn as it always is; NotInThePool."""
        if not {*self.drawn} <= {*numbers}:
            raise NotInThePool(numbers="、".join(sorted({*self.drawn} - {*numbers})))
        for seed in islice(self.seeds(numbers, count), _MOST_SEEDS):
            if self.comes_out(lots.order(seed, numbers), count):
                return seed
        raise NotInThePool(numbers="、".join(self.drawn))

    def seeds(self, _numbers: Sequence[str], _count: int) -> Iterator[str]:
        """The seeds that are tried, one after the other: the same ones in every trial."""
        return (f"trial-{number}" for number in count())

    def comes_out(self, order: Sequence[str], count: int) -> bool:
        """Whether an order has the first `count` of `drawn` first, in any order, and the others in theirs behind."""
        first, behind = set(self.drawn[:count]), list(self.drawn[count:])
        return first <= set(order[:count]) and list(order[count : count + len(behind)]) == behind

    def _checked(self, verb: Callable[[], T]) -> T:
        with self.tx.begin_nested():
            result = verb()
            self.tx.flush()
            self.tx.connection().exec_driver_sql(_CONSTRAINTS)
        return result

    def pass_to(self, moment: datetime) -> None:
        """Lets time pass: the worker fires what has become ripe by then, and warns on each day between."""
        if self._anything_due(moment):
            while (warned := warning.first(self.tx, moment)) is not None:
                self._work(max(warned, self.now))
            self._work(moment)
        self.now = moment

    def _anything_due(self, moment: datetime) -> bool:
        """Whether the worker would find something to do: between most steps there is nothing."""
        ripe = exists(select(Case.id).where(Case.ripe_at <= moment))
        return bool(self.tx.scalar(select(or_(ripe, exists(select(Deadline.id).where(Deadline.warn_at <= moment))))))

    def _work(self, moment: datetime) -> None:
        self.now = moment
        while self._fired(moment):
            self.do_jobs()
        while (root_id := warning.claim(self.tx, moment)) is not None:
            self._checked(partial(warning.warn, self.kernel, self.tx, root_id, moment))

    def _fired(self, moment: datetime) -> bool:
        root_id = claim(self.tx, moment)
        if root_id is None:
            return False
        self._checked(lambda: fire_ripe(self.kernel, self.tx, root_id, moment))
        return True

    def do_jobs(self) -> None:
        """Does deferred jobs: those of cases, and a letter's file is made, as far as a path can tell."""
        while self.queue.jobs:
            job = self.queue.jobs.pop(0)
            try:
                if job.name == delivery.RENDER:
                    self._render(int(str(job.arguments["letter_id"])))
                elif job.name in deferred.WORK:
                    self._checked(partial(deferred.do, self.kernel, self.tx, self.now, job.name, job.arguments))
            except PortalError as error:
                self.queue.jobs.clear()
                raise JobFailed(f"{job.name}：{error.text()}") from error

    def _render(self, letter_id: int) -> None:
        """Fills the letter's template for trial; what it lacks is noted, and the path goes on as if it were made."""
        letter = documents.letter(self.tx, letter_id)
        try:
            trial.fill(self.published.content.files[letter.template], letter.data)
        except RenderFailed as error:
            self.unmade.append(Unmade(letter.name, letter.template, error))
        content = f"letter {letter_id}".encode()
        file = delivery.StoredFile(f"trial/{letter_id}", sha256(content).hexdigest(), len(content))
        self._checked(partial(delivery.rendered, self.kernel, self.tx, letter_id, file, self.now))

    def actor(self, role: str, name: str) -> Actor:
        """A person in a role; the same name is the same person throughout and keeps his roles."""
        if name not in self.people:
            self.people[name] = self._person(name)
        if (name, role) not in self.roles:
            self.roles.add((name, role))
            regulation = self.published.regulation
            if role in regulation.roles and not regulation.roles[role].applicant:
                identity.grant_role(
                    self.tx,
                    person_id=self.people[name],
                    regulation=regulation.slug,
                    role=role,
                    from_day=_LONG_AGO,
                )
        found = identity.actor_of(self.tx, self.people[name], self.now.date())
        if found is None:
            raise RuntimeError(f"{name} is not known")
        regulation = self.published.regulation
        # In this step he acts in this one role, whatever others he has.
        this = (regulation.slug, role)
        only = frozenset(pair for pair in found.roles if pair == this)
        principals = tuple(one for one in found.deputy_for if (one.regulation, one.role) == this)
        return replace(found, roles=only, lent=found.lent & only, deputy_for=principals)

    def _person(self, name: str) -> int:
        known = self.given.people.get(name)
        organisation = self.organisation(known) if known else None
        person = identity.Person(
            login=f"trial-{len(self.people) + 1}",
            name=name,
            password_hash="",  # nosec B106 # 2026-11-22: nobody signs in
            organisation_id=organisation,
            administrator=False,
            active=True,
        )
        self.tx.add(person)
        self.tx.flush()
        return person.id

    def organisation(self, person: Person) -> int:
        """The organisation of a made-up person."""
        if person.uscc not in self.organisations:
            made = identity.add_organisation(
                self.tx,
                uscc=person.uscc,
                name=person.org,
                district=person.district,
                kinds=person.kinds,
                electronic_service_since=self.now,
            )
            self.organisations[person.uscc] = made.id
        return self.organisations[person.uscc]

    def number(self, name: str) -> str:
        """The number under which a made-up person is on record; his name when he is not."""
        code = self.given.unit(name)
        here = (Record.regulation == self.published.regulation.slug, Record.uscc == code)
        found = self.tx.scalar(select(Record).where(*here).order_by(Record.id.desc()).limit(1)) if code else None
        if found is None:
            return name
        return str(found.fields.get("number") or name)

    def renew(self, renewals: Iterable[GivenRenewal]) -> None:
        """Enters what has renewed the regulation; ContentFaults for what cannot be entered."""
        for given in renewals:
            try:
                validity.enter(self.tx, wanted_of(self.published.regulation, given), None, self.now)
            except PortalError as error:
                place = given.table.line("number"), given.table.file
                raise ContentFaults([Fault(error.text(), "改正这份续期文件", "renewal", *place)]) from error

    def upload(self, actor: Actor, name: str) -> str:
        """A made-up file, as an answer to a file field."""
        content = name.encode()
        row = Attachment(
            uploaded_by_id=actor.person_id,
            organisation_id=actor.organisation_id,
            uploaded_at=self.now,
            key=f"trial/{next(self.uploads)}/{name}",
            name=name,
            kind=name.rpartition(".")[2],
            size=len(content),
            sha256=sha256(content).hexdigest(),
        )
        self.tx.add(row)
        self.tx.flush()
        return str(row.id)

    def upload_in_public(self, bundle: str, name: str) -> str:
        """A made-up file that comes with a public form."""
        content = name.encode()
        kind = name.rpartition(".")[2]
        file = Accepted(f"trial/{next(self.uploads)}/{name}", name, kind, len(content), sha256(content).hexdigest())
        return str(attachments.keep_in_bundle(self.kernel, self.tx, file, bundle, self.now).id)


def wanted_of(regulation: Regulation, given: GivenRenewal) -> validity.Wanted:
    """A renewal as content gives it."""
    days = given.from_day, given.last_day
    return validity.Wanted(
        regulation, given.number, given.title, *days, assumed=given.assumed, source=given.source, reason=given.reason
    )


def set_up(tx: Session, content: Content, given: Given, opened: Published, kernel: Kernel, now: datetime) -> Stage:
    """An empty stage with the content published on it and every organisation of given.toml registered."""
    queue = Collected()
    release, _ = publish(tx, content, now, "trial")
    releases = Releases()
    published = replace(opened, id=release.id)
    releases.put(published)
    stage = Stage(tx, kernel, published, queue, given, now)
    stage.kernel = replace(
        kernel, releases=releases, queue=queue, now=lambda _tx: stage.now, seed=stage.seed, scans=False
    )
    for person in given.people.values():
        stage.organisation(person)
    stage.renew(given.renewals)
    put_on_record(tx, published.regulation, given, registers.Cause(moment=now, reason="given.toml"))
    return stage


def put_on_record(tx: Session, regulation: Regulation, what: Given, cause: registers.Cause) -> None:
    """Enters the records that content gives, as they were before there were cases; ContentFaults for misfits."""
    for given in what.records:
        register = regulation.registers[given.register]
        try:
            registers.record(tx, regulation.slug, register, given.rows, given.state, cause)
        except PortalError as error:
            place = given.table.line("register"), given.table.file
            raise ContentFaults([Fault(error.text(), "改正这些记录", "record", *place)]) from error
