"""Random walks through a small world: people file, answer, serve, correct and wait as chance has it, and try what they
may not. After each step everything that is kept about the cases has to agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, aliased

from portal import audit, identity, registers
from portal.audit.rules import Chain
from portal.calendar import service as calendars
from portal.cases import (
    attachments,
    bulk,
    correcting,
    deferred,
    delivery,
    desk,
    extending,
    filing,
    messages,
    proof,
    publicly,
    reckoning,
    tasks,
)
from portal.cases.attachments import Accepted
from portal.cases.correcting import Receipt
from portal.cases.live import Cases, LiveCase
from portal.cases.models import Case, DeskMatter, Publication, StartItem, Subscription, Task
from portal.cases.names import form_at, scope_before, scope_of
from portal.cases.proof.whole import altered_in_case
from portal.clock import day_of
from portal.db import Base
from portal.deadlines.models import Deadline
from portal.documents.models import Letter, Service, ServiceProof
from portal.engine import EngineFault
from portal.errors import PortalError
from portal.identity import Actor, delegating
from portal.identity.lending import Wanted
from portal.identity.models import Delegation
from portal.jobs import Collected, Deferred
from portal.procedures import Procedure, validity
from portal.procedures.content import Content
from portal.procedures.regulation import PARTY
from portal.scenarios.reading import read_given
from portal.scenarios.stage import wanted_of
from tests.builders.agreement import Agreement
from tests.builders.filled import Answers, Filler
from tests.builders.world import CEMENT, STEEL, World
from tests.features.test_calendar_versions import NOTICE

Verb = Callable[[Session, datetime], object]
MOST_PARTIES, MOST_OPEN = 6, 3
"""Of whom the cases are, and how many families are under way before nothing new is begun."""
OWN_PEOPLE = {"P123456789X": "自然人甲", "P9900000016": "自然人乙"}

UNITS = {CEMENT: "重庆某水泥有限公司", STEEL: "重庆某钢铁集团有限公司"}


@dataclass(frozen=True)
class Move:
    """Something that somebody would do now, in words, and how it is done."""

    words: str
    verb: Verb


class Walk(World):
    """A world of some content, and one step at a time through it; `say` is told each of them in words."""

    say: Callable[[str], None] = staticmethod(lambda _words: None)

    @classmethod
    def through(cls, tx: Session, content: Content, say: Callable[[str], None]) -> Walk:
        """A walk that begins now, with the people and records of the content's given.toml."""
        walk = cls.within(tx, content)
        walk.say = say
        walk.prepare()
        return walk

    def prepare(self) -> None:
        """Everybody is there, and what is given is on record."""
        self.works = self.renders = False
        assert isinstance(self.kernel.queue, Collected)
        self.queue = self.kernel.queue
        self.draws = self.lendings = 0
        self.kernel = replace(self.kernel, seed=self._seed)
        self.published = self.run.read(lambda tx: self.kernel.releases.newest(tx, self.content.regulation))
        self.agreement = Agreement(self.kernel)
        self.counted: Counter[str] = Counter()
        self.refused: list[Move] = []
        self.done_jobs: list[tuple[str, Deferred]] = []
        self.admin = self._administrator()
        self._people()
        self._given()
        self._lengths: dict[int, int] = {}
        self.digest = self._digest()
        self.check()

    def _seed(self, numbers: object, count: int) -> str:
        self.draws += 1
        return f"draw {self.draws}"

    def _administrator(self) -> Actor:
        who = self.person("管").person_id

        def promote(tx: Session) -> Actor:
            tx.get_one(identity.Person, who).administrator = True
            tx.flush()
            found = identity.actor_of(tx, who, day_of(self.now))
            assert found is not None
            return found

        return self.run.act(promote)

    def _people(self) -> None:
        regulation = self.published.regulation
        self.officials: dict[str, list[Actor]] = {}
        offices = [role for role in regulation.roles.values() if not role.applicant]
        everything = self.person("兼", *[role.name for role in offices])
        for role in offices:
            mine = [self.person(f"{role.title}{letter}", role.name) for letter in "甲乙"]
            self.officials[role.name] = [*mine, everything]
        self.parties: dict[int, list[Actor]] = {}
        self.names: dict[str, str] = {}

    def _given(self) -> None:
        given = read_given(self.content)
        known = [(one.uscc, one.org, one.kinds, one.district) for one in given.people.values()]
        # Those who are on record are in the front of the list.
        chosen = known[: MOST_PARTIES * 2] if any("person" in one[2] for one in known) else known[:MOST_PARTIES]
        chosen += [(code, name, ("enterprise",), "万州区") for code, name in UNITS.items()]
        chosen += [(code, name, ("person",), "") for code, name in OWN_PEOPLE.items()]
        for code, name, kinds, district in chosen:
            self._party(code, name, kinds, district)
        regulation = self.published.regulation
        self.numbers = [str(row["number"]) for one in given.records for row in one.rows if "number" in row]
        self.renewals = [wanted_of(regulation, renewal) for renewal in given.renewals]

        def enter(tx: Session) -> None:
            for record in given.records:
                cause = registers.Cause(moment=self.now, reason="given.toml")
                register = regulation.registers[record.register]
                registers.record(tx, regulation.slug, register, record.rows, record.state, cause)
            for renewal in self.renewals:
                validity.enter(tx, renewal, None, self.now)

        self.run.act(enter)

    def _party(self, code: str, name: str, kinds: tuple[str, ...], district: str) -> None:
        if code in self.names:
            return
        party = self.run.read(lambda tx: identity.organisation_by_uscc(tx, code))
        if party is None:
            agreed = self.now if len(self.names) % 3 != 2 else None
            party = self.run.act(
                lambda tx: identity.add_organisation(
                    tx, uscc=code, name=name, district=district, kinds=kinds, electronic_service_since=agreed
                )
            )
        self.names[code] = name
        people = "甲乙" if len(self.parties) < 3 else "甲"
        self.parties[party.id] = [self.person(f"{name}{letter}", of=party.id) for letter in people]

    # A step

    def step(self, kind: str, dice: Random) -> None:
        """Does, or tries, one thing of a kind, and looks whether everything agrees; where there is none, another."""
        for one in (kind, "complete", "work", "file", "wait"):
            self.tried = False
            getattr(self, f"step_{one}")(dice)
            if self.tried:
                break
        self.check()

    def attempt(self, move: Move | None, *, allowed: bool = True) -> bool:
        """Does it as one act; whether it was done. What is refused changes nothing, and is refused in words."""
        if move is None:
            return False
        self.tried = True
        if self.uploaded:
            self.digest = self._digest()
        jobs = list(self.queue.jobs)
        try:
            self.act(move.verb)
        except EngineFault:
            self.say(f"{self.now:%m-%d %H:%M} {move.words}: the engine failed")
            raise
        except PortalError as refusal:
            self.queue.jobs[:] = jobs
            said = refusal.text() + "；".join(str(one) for one in getattr(refusal, "fields", {}).items())
            self.say(f"{self.now:%m-%d %H:%M} {move.words} — refused, {type(refusal).__name__}: {said}")
            self.counted[f"refused {type(refusal).__name__}"] += 1
            changed = self._digest().items() ^ self.digest.items()
            assert not changed, f"{move.words} was refused, and changed {sorted({name for name, _rows in changed})}"
            if allowed:
                self.refused.append(move)
            return False
        self.say(f"{self.now:%m-%d %H:%M} {move.words}")
        assert allowed, f"{move.words}: this is forbidden"
        self.counted["done"] += 1
        return True

    def check(self) -> None:
        """Everything that is kept agrees, and the history vouches for it."""
        self.digest, self.uploaded = self._digest(), False
        found = self.run.read(lambda tx: self.agreement.faults(tx, self.now, self.queue.jobs))
        assert not found, "\n".join(found)
        changed = self._changed()
        broken = self.run.read(
            lambda tx: [
                fault
                for case_id, chain in changed.items()
                for fault in (*audit.verify_case(tx, case_id, chain), *altered_in_case(tx, case_id))
            ]
        )
        assert not broken, broken

    def check_whole(self) -> None:
        """The same of everything there is, at the end."""
        assert self.breaks() == []
        assert self.run.read(lambda tx: list(proof.altered(tx))) == []

    def _changed(self) -> dict[int, Chain]:
        """The cases whose history has grown, and those of their families."""
        query = select(Case.id, Case.root_id, Case.audit_length, Case.audit_head)
        rows = self.run.read(lambda tx: tx.execute(query).all())
        roots = {row.root_id for row in rows if self._lengths.get(row.id) != row.audit_length}
        self._lengths = {row.id: row.audit_length for row in rows}
        return {row.id: Chain(row.audit_length, row.audit_head) for row in rows if row.root_id in roots}

    def _digest(self) -> dict[str, str]:
        """Of the rows of every table, but what is published."""
        names = [table.name for table in Base.metadata.sorted_tables if table.name not in ("releases",)]
        each = (
            f"SELECT '{name}' AS name, coalesce(sum(hashtextextended(t::text, 0)), 0)::text AS rows FROM {name} AS t"
            for name in names
        )
        query = text(" UNION ALL ".join(each))
        return self.run.read(lambda tx: {name: rows for name, rows in tx.execute(query)})

    # Who and what there is

    def live(self, case_id: int) -> LiveCase:
        """A case as it is now."""
        return self.run.read(lambda tx: Cases(tx, self.kernel.releases).get(case_id))

    def _all(self, query: Any) -> list[Any]:
        return self.run.read(lambda tx: list(tx.scalars(query)))

    def _one(self, query: Any, dice: Random) -> Any:
        found = self._all(query)
        return dice.choice(found) if found else None

    def _everybody(self) -> list[Actor]:
        people = [*self.officials.values(), *self.parties.values()]
        return list({one.person_id: one for some in people for one in some}.values())

    def upload(self, by: Actor, name: str) -> str:
        """A stored file; files of one name are the same."""
        self.counted["files"] += 1
        self.uploaded = True
        content = sha256(name.encode()).hexdigest()
        file = Accepted(f"walk/{self.counted['files']}", name, name.rpartition(".")[2], 3, content)
        return str(self.run.act(lambda tx: attachments.keep(self.kernel, tx, file, by, self.now)).id)

    def _filler(self, dice: Random, upload: Callable[[str], str]) -> Filler:
        return Filler(dice, day_of(self.now), self.names, self.numbers, upload)

    def _answers(self, case: LiveCase, scope: str, name: str | None, who: Actor, dice: Random) -> Answers | None:
        if name is None:
            return {}
        form = form_at(case, scope, name)
        found = self._filler(dice, lambda file: self.upload(who, file)).fill(form, scope_of(case, scope))
        self.counted["filled" if found is not None else f"not filled {name}"] += 1
        return found

    def _doers(self, case: LiveCase, role: str, assignee: int | None = None) -> list[Actor]:
        """Whose a role is in a case."""
        if assignee is not None:
            return self.parties.get(assignee, [])
        if role == PARTY:
            return self.parties.get(case.row.party_id or 0, [])
        officials = self.officials.get(role, [])
        return [*officials, *self._deputies(role, {one.person_id for one in officials})]

    def _deputies(self, role: str, known: set[int]) -> list[Actor]:
        """To whom a role is lent today, of those who do not hold it."""
        if not self.lendings:
            return []
        today = day_of(self.now)
        lent = select(Delegation.to_person_id).where(
            Delegation.role == role, Delegation.revoked_at.is_(None),
            Delegation.from_day <= today, Delegation.to_day >= today,
        )  # fmt: skip
        people = sorted(set(self._all(lent)) - known)
        found = self.run.read(lambda tx: [identity.actor_of(tx, one, today) for one in people])
        return [one for one in found if one is not None]

    # Permitted

    def step_file(self, dice: Random) -> None:
        """Somebody files something new, or about a case."""
        slugs = list(self.published.procedures)
        dice.shuffle(slugs)
        for slug in slugs:
            procedure = self.published.procedure(slug)
            if procedure.manifest.in_public is None:
                self.attempt(self._filing(procedure, dice))
            if self.tried:
                return

    def _filing(self, procedure: Procedure, dice: Random, by: Actor | None = None) -> Move | None:
        manifest, about = procedure.manifest, None
        if manifest.about is not None:
            answer = aliased(Case)
            answered = select(answer.id).where(answer.about_id == Case.id).exists()
            of = select(Case).where(Case.procedure == manifest.about.procedure)
            about = self._one((of if dice.random() < 0.1 else of.where(~answered)).order_by(Case.id), dice)
            if about is None:
                return None
            people = self.parties.get(about.party_id or 0, [])
        else:
            under_way = select(func.count(Case.root_id.distinct())).where(Case.ended_at.is_(None))
            if by is None and (self.run.read(lambda tx: tx.scalar(under_way)) or 0) >= MOST_OPEN:
                return None
            people = [one for rule in manifest.starts if rule.role for one in self._starters(manifest.role(rule.role))]
        if by is None and not people:
            return None
        who = by or dice.choice(people)
        answers: Answers | None = {}
        if procedure.start_form is not None:
            earlier = self.live(about.id) if about is not None else None
            names = self.run.read(lambda tx: scope_before(tx, self.published.regulation, earlier))
            filler = self._filler(dice, lambda file: self.upload(who, file))
            answers = filler.fill(procedure.start_form, names)
            self.counted["filled" if answers is not None else f"not filled {procedure.slug}"] += 1
        if answers is None:
            return None
        slug, about_id = procedure.slug, about.id if about is not None else None
        regulation = self.content.regulation
        return Move(
            f"{who.name} files {slug} {f'about {about.number} ' if about else ''}{answers}",
            lambda tx, at: filing.file(self.kernel, tx, who, regulation, slug, answers, at, about_id),
        )

    def _starters(self, role: str) -> list[Actor]:
        kinds = set(self.published.regulation.roles[role].applicant)
        if not kinds:
            return self.officials[role]
        return [one for some in self.parties.values() for one in some if kinds & one.kinds]

    def step_object(self, dice: Random) -> None:
        """Somebody without an account files about what is shown."""
        shown = self._one(select(Publication).where(Publication.closed_at.is_(None)), dice)
        if shown is None:
            return
        about = self.live(shown.case_id)
        slug = about.procedure.manifest.publicity[shown.name].objections
        if slug is None:
            return
        procedure = self.published.procedure(slug)
        once = f"form {dice.randrange(10**6)}"
        bundle = publicly.bundle_of(once)

        def upload(name: str) -> str:
            self.counted["files"] += 1
            self.uploaded = True
            content = sha256(name.encode()).hexdigest()
            file = Accepted(f"walk/{self.counted['files']}", name, name.rpartition(".")[2], 3, content)
            row = self.run.act(lambda tx: attachments.keep_in_bundle(self.kernel, tx, file, bundle, self.now))
            return str(row.id)

        names = self.run.read(lambda tx: scope_before(tx, self.published.regulation, about))
        assert procedure.start_form is not None
        answers = self._filler(dice, upload).fill(procedure.start_form, names)
        if answers is None:
            return
        self.attempt(
            Move(
                f"somebody files {slug} about {about.row.number} {answers}",
                lambda tx, at: publicly.file(self.kernel, tx, shown.id, answers, at, once),
            )
        )

    def step_complete(self, dice: Random) -> None:
        """Somebody completes an open task; one that chance cannot fill in waits, and another is done."""
        tasks = self._all(select(Task).where(Task.state == "open").order_by(Task.id))
        dice.shuffle(tasks)
        for task in tasks:
            self.attempt(self._completion(task, dice))
            if self.tried:
                return

    def _completion(self, task: Task, dice: Random, by: Actor | None = None) -> Move | None:
        case = self.live(task.case_id)
        people = self._doers(case, task.role, task.assignee_id)
        if by is None and not people:
            return None
        holder = next((one for one in people if one.person_id == task.holder_id), None)
        who = by or (holder if holder is not None and dice.random() < 0.8 else dice.choice(people))
        answers = self._answers(case, task.inside, task.form, who, dice)
        if answers is None:
            return None
        where = f"{task.scope}/{task.element}:{task.visit}.{task.item}"
        return Move(
            f"{who.name} completes {where} of {case.row.number} {answers}",
            lambda tx, at: tasks.complete(self.kernel, tx, who, task.id, answers, at),
        )

    def step_message(self, dice: Random) -> None:
        """Somebody sends a message that a case waits for."""
        row = self._one(
            select(Subscription).where(Subscription.role.is_not(None)).order_by(Subscription.engine_id), dice
        )
        # What can be withdrawn at any time mostly is not.
        begins = row is not None and self.live(row.case_id).element(row.scope, row.element).kind == "startEvent"
        if row is not None and not (begins and dice.random() < 0.8):
            self.attempt(self._message(row, dice))

    def _message(self, row: Subscription, dice: Random, by: Actor | None = None) -> Move | None:
        case = self.live(row.case_id)
        people = self._doers(case, row.role or "")
        if by is None and not people:
            return None
        who = by or dice.choice(people)
        drawn = case.element(row.scope, row.element).message
        answers = self._answers(case, "", drawn.form if drawn else None, who, dice)
        if answers is None:
            return None
        return Move(
            f"{who.name} sends {row.message} to {case.row.number} {answers}",
            lambda tx, at: messages.send(self.kernel, tx, who, case.id, row.message, answers, at),
        )

    def step_hold(self, dice: Random) -> None:
        """Somebody claims a task, gives one back, or hands it over to a colleague."""
        task = self._one(select(Task).where(Task.state == "open").order_by(Task.id), dice)
        if task is None:
            return
        people = self._doers(self.live(task.case_id), task.role, task.assignee_id)
        holder = next((one for one in people if one.person_id == task.holder_id), None)
        if holder is not None:
            gives = Move(f"{holder.name} gives {task.element} back", self._giving(holder, task.id))
            if not self.attempt(gives) or dice.random() < 0.5:
                return
            self.check()
        others = [one for one in people if holder is None or one.person_id != holder.person_id]
        if others:
            who = dice.choice(others)
            self.attempt(Move(f"{who.name} claims {task.element}", self._claiming(who, task.id)))

    def _claiming(self, who: Actor, task_id: int) -> Verb:
        return lambda tx, at: tasks.claim(self.kernel, tx, who, task_id, at)

    def _giving(self, who: Actor, task_id: int) -> Verb:
        return lambda tx, at: tasks.release(self.kernel, tx, who, task_id, at)

    def step_wait(self, dice: Random) -> None:
        """Time passes: a little, some days, or to just before, at or after the end of a period; a worker looks on."""
        ends = self._all(select(Deadline.due).where(Deadline.state == "running", Deadline.due > self.now))
        way = dice.random()
        if way < 0.5:
            until = self.now + timedelta(minutes=dice.randint(1, 600))
        elif way < 0.75 or not ends:
            until = self.now + timedelta(days=dice.randint(1, 7), minutes=dice.randint(0, 300))
        else:
            until = min(ends) + timedelta(seconds=dice.choice([-1, 0, 1, 59, 60, 61, 3600]))
        until = max(until, self.now)
        self.tried = True
        self.say(f"{self.now:%m-%d %H:%M} time passes to {until:%Y-%m-%d %H:%M:%S}")
        self.pass_to(until)

    def step_serve(self, dice: Random) -> None:
        """A letter is signed for, or a clerk enters a receipt of it."""
        open_ones = select(Service).where(Service.kind == "party", Service.state.in_(("open", "served")))
        service = self._one(open_ones.order_by(Service.id), dice)
        if service is not None:
            self.attempt(self._service(service, dice))

    def _service(self, service: Service, dice: Random, by: Actor | None = None) -> Move | None:
        letter = service.letter
        case = self.live(letter.case_id)
        if by is None and dice.random() < 0.5:
            if service.addressee == "filer" and case.row.party_id is None:
                return Move(
                    f"the filer of {case.row.number} signs for {letter.number}",
                    lambda tx, at: delivery.sign_by_code(self.kernel, tx, case.id, letter.id, at),
                )
            people = self.parties.get(service.organisation_id or 0, [])
            if people:
                who = dice.choice(people)
                return Move(
                    f"{who.name} signs for {letter.number}",
                    lambda tx, at: delivery.sign_for(self.kernel, tx, who, letter.id, at),
                )
        role = case.procedure.manifest.receipts.get(letter.name)
        people = self.officials.get(case.procedure.manifest.role(role), []) if role else []
        if by is None and not people:
            return None
        clerk, on, how = by or dice.choice(people), self._day_of_receipt(letter, dice), dice.choice(delivery.RECEIPTS)
        return Move(
            f"{clerk.name} enters the receipt of {letter.number}: {how}, {on}",
            lambda tx, at: delivery.enter_receipt(self.kernel, tx, clerk, service.id, how, on, "见送达回执", at),
        )

    def _day_of_receipt(self, letter: Letter, dice: Random) -> datetime:
        since = letter.rendered_at or letter.issued_at
        return since + (self.now - since) * dice.random()

    def step_correct(self, dice: Random) -> None:
        """A clerk corrects a receipt, or strikes it out."""
        receipts = select(ServiceProof).where(ServiceProof.how.in_(delivery.RECEIPTS))
        found = self._one(receipts.order_by(ServiceProof.id), dice)
        if found is None:
            return
        letter = found.service.letter
        case = self.live(letter.case_id)
        role = case.procedure.manifest.receipts.get(letter.name)
        if role is None:
            return
        clerk = dice.choice(self.officials[case.procedure.manifest.role(role)])
        way = dice.choice(delivery.RECEIPTS)
        instead = Receipt(way, self._day_of_receipt(letter, dice)) if dice.random() < 0.6 else None
        self.attempt(
            Move(
                f"{clerk.name} corrects the receipt of {letter.number}: {instead}",
                lambda tx, at: correcting.correct(self.kernel, tx, clerk, found.id, instead, "登记有误", at),
            )
        )

    def step_extend(self, dice: Random) -> None:
        """An office gives a deadline more time."""
        rows = [row for row in self._all(select(Deadline).order_by(Deadline.id)) if self._extension(row) is not None]
        if not rows:
            return
        row = dice.choice(rows[-4:])
        case = self.live(row.case_id)
        rule = self._extension(row)
        assert rule is not None
        who = dice.choice(self.officials[case.procedure.manifest.role(rule.role)])
        self.attempt(
            Move(
                f"{who.name} extends {row.name} of {case.row.number}",
                lambda tx, at: extending.extend(self.kernel, tx, who, row.id, "案情复杂", at),
            )
        )

    def _extension(self, row: Deadline) -> Any:
        rule = self.live(row.case_id).procedure.manifest.deadlines.get(row.name)
        return rule.extend if rule is not None else None

    def step_decide(self, dice: Random) -> None:
        """What lies on a desk is decided, or a row that failed is tried again or given up."""
        matter = self._one(
            select(DeskMatter).where(DeskMatter.decided_at.is_(None), DeskMatter.kind == "service"), dice
        )
        item = self._one(select(StartItem).where(StartItem.state == "failed").order_by(StartItem.id), dice)
        if matter is not None:
            who = dice.choice(self.officials[matter.role])
            decide = desk.keep if dice.random() < 0.5 else desk.renew
            self.attempt(
                Move(
                    f"{who.name} decides the matter {matter.id}: {decide.__name__}",
                    lambda tx, at: decide(self.kernel, tx, who, matter.id, "情况属实", at),
                )
            )
        elif item is not None:
            starter = self.live(item.starter_id)
            who = dice.choice(self.officials[bulk.deciders(starter)[0]])
            again = dice.random() < 0.5
            self.attempt(
                Move(
                    f"{who.name} {'retries' if again else 'drops'} row {item.item} of {starter.row.number}",
                    lambda tx, at: (
                        bulk.retry(self.kernel, tx, who, item.id, at)
                        if again
                        else bulk.drop(self.kernel, tx, who, item.id, "不再发起", at)
                    ),
                )
            )

    def step_holidays(self, dice: Random) -> None:
        """The administrator enters an official notice, with some days as chance has it."""
        more = date(NOTICE.year, 1, 4) + timedelta(days=dice.randrange(4))
        notice = replace(
            NOTICE,
            number=f"国办发明电〔2026〕{dice.randrange(1000)}号",
            days_off=tuple(sorted({*NOTICE.days_off, more})),
        )
        version = self.run.read(calendars.current).version
        move = Move(
            f"the notice {notice.number} is entered, {more} is off",
            lambda tx, at: reckoning.enter(self.kernel, tx, notice, self.admin, version, at),
        )
        if self.attempt(move):
            self.agreement.computes = False

    def step_lend(self, dice: Random) -> None:
        """An official lends a role to a colleague for some days, or takes it back before they are over."""
        today = day_of(self.now)
        standing = select(Delegation).where(Delegation.revoked_at.is_(None), Delegation.to_day >= today)
        row = self._one(standing.order_by(Delegation.id), dice)
        if row is not None and dice.random() < 0.5:
            back = next(one for one in self._everybody() if one.person_id == row.from_person_id)
            self.attempt(
                Move(
                    f"{back.name} takes {row.role} back",
                    lambda tx, at: delegating.end(tx, back, row.id, "提前返岗", at),
                )
            )
            return
        name = dice.choice([*self.officials])
        who, deputy = self.officials[name][0], dice.choice(self.officials[dice.choice([*self.officials])])
        role = self.published.regulation.slug, name
        days = today + timedelta(days=dice.randrange(3)), today + timedelta(days=dice.randrange(3, 20))
        wanted = Wanted(who.person_id, deputy.person_id, (role,), *days, "出差")
        titles = {role: self.published.regulation.roles[name].title}
        self.lendings += self.attempt(
            Move(
                f"{who.name} lends {name} to {deputy.name}, {days[0]} to {days[1]}",
                lambda tx, at: delegating.make(tx, who, wanted, titles, at),
            )
        )

    def step_renew(self, dice: Random) -> None:
        """The administrator revokes the renewal of a regulation that has lapsed, or enters one again."""
        rows = self.run.read(lambda tx: validity.entered(tx, self.published.regulation.slug))
        standing = [row.id for row in rows if row.revoked is None]
        by = self.admin.person_id
        if standing and dice.random() < 0.3:
            self.attempt(
                Move(
                    "the renewal is revoked",
                    lambda tx, at: validity.revoke(tx, standing[-1], by, "文号有误", at),
                )
            )
        elif not standing and self.renewals:
            self.attempt(
                Move("the renewal is entered again", lambda tx, at: validity.enter(tx, self.renewals[0], by, at))
            )

    def step_work(self, dice: Random) -> None:
        """A job that waits is done, whichever; or one that was done is run once more."""
        if self.done_jobs and dice.random() < 0.15:
            name, job = dice.choice(self.done_jobs)
            self._do(name, job, dice, "again ")
        elif self.queue.jobs:
            job = self.queue.jobs.pop(dice.randrange(len(self.queue.jobs)))
            self.counted["jobs"] += 1
            name = f"walk {self.counted['jobs']}"
            self._do(name, job, dice)
            self.done_jobs.append((name, job))

    def _do(self, name: str, job: Deferred, dice: Random, again: str = "") -> None:
        self.tried = True
        self.say(f"{self.now:%m-%d %H:%M} {again}{job.name} {job.arguments}")
        if job.name in deferred.WORK:
            self.run.act(lambda tx: deferred.do(self.kernel, tx, self.now, job.name, job.arguments, name))
        elif job.name == delivery.RENDER:
            letter_id = int(str(job.arguments["letter_id"]))
            if dice.random() < 0.1:
                self.run.act(lambda tx: delivery.failed(self.kernel, tx, letter_id, "模板有误", self.now, name))
            else:
                content = sha256(f"{letter_id}".encode()).hexdigest()
                file = delivery.StoredFile(f"letters/{letter_id}", content, 100)
                self.run.act(lambda tx: delivery.rendered(self.kernel, tx, letter_id, file, self.now, name))

    def step_render(self, dice: Random) -> None:
        """A letter whose file could not be made is tried again."""
        letter = self._one(select(Letter).where(Letter.state == "failed").order_by(Letter.id), dice)
        if letter is not None:
            self.attempt(
                Move(
                    f"the file of {letter.number} is made again",
                    lambda tx, at: delivery.render_again(
                        self.kernel, tx, replace(self.admin, administrator=True), letter.id, at
                    ),
                )
            )

    def step_retry(self, dice: Random) -> None:
        """Somebody tries once more what was refused before."""
        if self.refused:
            move = self.refused.pop(dice.randrange(len(self.refused)))
            self.attempt(replace(move, words=f"once more: {move.words}"))

    # Forbidden

    def step_forbidden(self, dice: Random) -> None:
        """Somebody tries what nobody may, or not he."""
        way = dice.choice([self._stranger, self._twice, self._after, self._uncalled, self._unread, self._untold])
        move = way(dice)
        if move is not None:
            self.counted["forbidden"] += 1
        self.attempt(move, allowed=False)

    def _stranger(self, dice: Random) -> Move | None:
        """He completes, claims or gives back the task of another."""
        task = self._one(select(Task).where(Task.state == "open").order_by(Task.id), dice)
        if task is None:
            return None
        mine = {one.person_id for one in self._doers(self.live(task.case_id), task.role, task.assignee_id)}
        who = dice.choice([one for one in self._everybody() if one.person_id not in mine])
        verbs = {"claims": self._claiming(who, task.id), "gives back": self._giving(who, task.id)}
        word = dice.choice(["completes", *verbs])
        if word == "completes":
            return self._completion(task, dice, who)
        return Move(f"{who.name} {word} {task.element} of others", verbs[word])

    def _twice(self, dice: Random) -> Move | None:
        """He answers once more what was answered, or what is over."""
        task = self._one(select(Task).where(Task.state != "open").order_by(Task.id), dice)
        if task is None:
            return None
        people = self._doers(self.live(task.case_id), task.role, task.assignee_id)
        who = next((one for one in people if one.person_id == task.holder_id), None) or (people or [None])[0]
        return self._completion(task, dice, who) if who is not None else None

    def _after(self, dice: Random) -> Move | None:
        """He sends a message to a case that has ended, or that waits for no such."""
        case = self._one(select(Case).where(Case.ended_at.is_not(None)).order_by(Case.id), dice)
        if case is None:
            return None
        live = self.live(case.id)
        sendable = [one.message for _, one in live.procedure.elements() if one.message and one.message.role]
        if not sendable:
            return None
        drawn = dice.choice(sendable)
        people = self._doers(live, live.procedure.manifest.role(drawn.role or ""))
        if not people:
            return None
        who = dice.choice(people)
        answers = self._answers(live, "", drawn.form, who, dice)
        return (answers is not None and Move(
            f"{who.name} sends {drawn.name} to {case.number}, which has ended",
            lambda tx, at: messages.send(self.kernel, tx, who, case.id, drawn.name, answers, at),
        )) or None  # fmt: skip

    def _uncalled(self, dice: Random) -> Move | None:
        """He files what is not his to file."""
        procedure = self.published.procedure(dice.choice(list(self.published.procedures)))
        manifest = procedure.manifest
        if manifest.about is not None:
            return None
        mine = {
            one.person_id for rule in manifest.starts if rule.role for one in self._starters(manifest.role(rule.role))
        }
        others = [one for one in self._everybody() if one.person_id not in mine]
        return self._filing(procedure, dice, dice.choice(others)) if others else None

    def _unread(self, dice: Random) -> Move | None:
        """He completes a task without answering what must be answered, or answers what nobody asks."""
        task = self._one(select(Task).where(Task.state == "open").order_by(Task.id), dice)
        people = self._doers(self.live(task.case_id), task.role, task.assignee_id) if task is not None else []
        if task is None or not people:
            return None
        who = dice.choice(people)
        return Move(
            f"{who.name} answers {task.element} with nonsense",
            lambda tx, at: tasks.complete(self.kernel, tx, who, task.id, {"没有这一项": "1"}, at),
        )

    def _untold(self, dice: Random) -> Move | None:
        """He enters a receipt that is not his to enter, or sends a message that is not his to send."""
        service = self._one(select(Service).where(Service.kind == "party").order_by(Service.id), dice)
        sendable = select(Subscription).where(Subscription.role.is_not(None))
        row = self._one(sendable.order_by(Subscription.engine_id), dice)
        if service is not None and (row is None or dice.random() < 0.5):
            letter = service.letter
            manifest = self.live(letter.case_id).procedure.manifest
            role = manifest.receipts.get(letter.name)
            mine = {one.person_id for one in self.officials[manifest.role(role)]} if role else set()
            who = dice.choice([one for one in self._everybody() if one.person_id not in mine])
            return self._service(service, dice, who)
        if row is None:
            return None
        mine = {one.person_id for one in self._doers(self.live(row.case_id), row.role or "")}
        return self._message(row, dice, dice.choice([one for one in self._everybody() if one.person_id not in mine]))
