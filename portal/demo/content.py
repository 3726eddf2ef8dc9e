"""What the demo.toml of a regulation says: people, records, and stories, acted by the machine of the paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from portal import identity, registers
from portal.clock import day_of
from portal.demo.evidence import paper
from portal.demo.history import History, Story
from portal.demo.people import PASSWORD
from portal.errors import ContentFaults
from portal.identity import Actor
from portal.procedures import Published
from portal.scenarios.acting import Acted, perform
from portal.scenarios.demo import Before, Demo, read_demo
from portal.scenarios.expecting import compare
from portal.scenarios.path import Step
from portal.scenarios.stage import Stage, put_on_record


def enter(tx: Session, published: Published, since: datetime) -> dict[str, int]:
    """Registers the people of a demo.toml, and what is on record, as of a moment; their ids by login."""
    demo, regulation = read_demo(published.content), published.regulation
    organisations = {
        code: identity.add_organisation(
            tx, uscc=code, name=party.org, district=party.district, kinds=party.kinds, electronic_service_since=since
        ).id
        for code, party in {party.uscc: party for party in demo.given.people.values()}.items()
    }
    ids = {}
    for login, account in demo.accounts.items():
        organisation = organisations[account.party.uscc] if account.party else None
        person = identity.add_person(
            tx, login=login, name=account.name, password=PASSWORD, organisation_id=organisation
        )
        for role in account.roles:
            identity.grant_role(tx, person_id=person.id, regulation=regulation.slug, role=role, from_day=day_of(since))
        ids[login] = person.id
    put_on_record(tx, regulation, demo.given, registers.Cause(moment=since, reason="演示名册"))
    return ids


def stories(history: History, published: Published, before: Before) -> list[Story]:
    """The stories of a demo.toml, on the days that `before` gives."""
    demo = read_demo(published.content, before)
    stage = _stage(history, published, demo)
    return [_told(stage, steps) for steps in demo.stories.values()]


def _told(stage: Stage, steps: Sequence[Step]) -> Story:
    """Acts one step at its moment; ContentFaults for what turns out otherwise than it is written."""
    acted = Acted(stage)
    for step in steps:
        yield step.at
        if perform(acted, step):
            compare(acted, step)
        if acted.faults:
            raise ContentFaults(acted.faults)


@dataclass(kw_only=True)
class _Stage(Stage):
    """The stage on which a demo's past is made up: its people have accounts, its letters and files are real."""

    history: History

    def pass_to(self, moment: datetime) -> None:
        """The history lets time pass for all stories together."""
        self.now = moment

    def do_jobs(self) -> None:
        """Letters are made for real."""
        self.history.do_jobs()

    def seed(self, numbers: Sequence[str], count: int) -> str:
        """By which those come out whom the story wants; else the first that comes."""
        return super().seed(numbers, count) if self.drawn else self.history.kernel.seed(numbers, count)

    def seeds(self, numbers: Sequence[str], count: int) -> Iterator[str]:
        """Seeds as they are made for a real lot, for everybody reads in the record which one it was."""
        return iter(partial(self.history.kernel.seed, numbers, count), None)

    def comes_out(self, order: Sequence[str], _count: int) -> bool:
        """Whether they come out just as they are named: who comes first may have more to do in the story."""
        return list(order[: len(self.drawn)]) == list(self.drawn)

    def upload(self, actor: Actor, name: str) -> str:
        """A made-up file that can be opened."""
        return self.history.uploaded(actor, paper(name))

    def upload_in_public(self, bundle: str, name: str) -> str:
        """The same, from somebody without an account."""
        return self.history.uploaded_in_public(bundle, paper(name))


def _stage(history: History, published: Published, demo: Demo) -> _Stage:
    stage = _Stage(
        tx=history.tx,
        kernel=history.kernel,
        published=published,
        queue=history.queue,
        given=demo.given,
        now=history.now,
        people=dict(history.people),
        roles={(login, role) for login, account in demo.accounts.items() for role in account.roles},
        history=history,
    )
    stage.kernel = replace(history.kernel, seed=stage.seed)
    return stage
