"""S13: a bearer token that counts no more lets nobody in, and no copy of the database holds one that does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import identity
from portal.identity import Actor, membership, queries, tokens
from portal.identity.models import Person
from portal.identity.tokens import Issued, Scope
from tests.builders.proving import Proof

NOW, TODAY = datetime(2026, 9, 24, 10, 0, tzinfo=UTC), date(2026, 9, 24)
GOAL = "all refused, at once"
USCC = "91110000802100433B"


class Office:
    """An administrator, an organisation with a manager, and as many people with a token each as are asked for."""

    def __init__(self, tx: Session):
        self.tx, self.many = tx, 0
        self.admin = self._actor(self._person(administrator=True))
        unit = identity.add_organisation(tx, uscc=USCC, name="某某钢铁公司", district="渝北区", kinds=["enterprise"])
        self.unit_id = unit.id
        self.manager = self._actor(self._person(organisation_id=unit.id))

    def _person(self, **facts: object) -> Person:
        self.many += 1
        return identity.add_person(self.tx, login=f"p{self.many}", name="王", password="correct horse 9", **facts)

    def _actor(self, person: Person) -> Actor:
        found = identity.actor_of(self.tx, person.id, TODAY)
        assert found is not None
        return found

    def holder(self) -> tuple[Person, Issued]:
        """A person of the organisation, and his token."""
        person = self._person(organisation_id=self.unit_id)
        return person, tokens.issue(self.tx, person.id, "对账", list(Scope), TODAY, None, NOW)


def revoked(office: Office, person: Person, made: Issued) -> datetime:
    tokens.revoke(office.tx, made.token.id, office.admin, NOW)
    return NOW


def expired(office: Office, person: Person, made: Issued) -> datetime:
    return NOW + timedelta(days=1)


def closed(office: Office, person: Person, made: Issued) -> datetime:
    person.active = False
    office.tx.flush()
    return NOW


def let_go(office: Office, person: Person, made: Issued) -> datetime:
    membership.remove(office.tx, office.manager, person.id, NOW, NOW)
    return NOW


def given_a_password(office: Office, person: Person, made: Issued) -> datetime:
    person.must_change_password = True
    office.tx.flush()
    return NOW


WAYS: tuple[Callable[[Office, Person, Issued], datetime], ...] = (revoked, expired, closed, let_go, given_a_password)
"""How a token comes to count no more; each says when it is shown next."""


def let_in(tx: Session, proof: Proof, many: int) -> dict[str, int]:
    """How many of so many tokens, that count no more, still let somebody in, by the way it ended."""
    office, dice = Office(tx), proof.dice
    found = dict.fromkeys((way.__name__ for way in WAYS), 0)
    for number in range(many):
        way = WAYS[number % len(WAYS)] if number < len(WAYS) else dice.choice(WAYS)
        person, made = office.holder()
        assert tokens.bearer(tx, made.secret, NOW, TODAY) is not None
        at = way(office, person, made)
        found[way.__name__] += tokens.bearer(tx, made.secret, at, TODAY) is not None
    return found


def secrets_found(tx: Session, secrets: list[str]) -> int:
    """How many of some secrets stand in any row of any table, as text or as bytes, whole or without their beginning."""
    tables = tx.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
    rows = "\n".join(row for table in tables for row in tx.scalars(text(f'SELECT to_jsonb(t)::text FROM "{table}" t')))
    return sum(any(form in rows for form in _forms(secret.removeprefix(tokens.PREFIX))) for secret in secrets)


def _forms(secret: str) -> tuple[str, str]:
    """A secret as it is, and as bytes of it are dumped."""
    return secret, secret.encode().hex()


def test_a_token_that_counts_no_more_lets_nobody_in(tx: Session, proof: Proof):
    many = proof.size(20, 100, 1000)
    found = let_in(tx, proof, many)
    proof.says(
        "S13", "bearer tokens revoked, expired, of accounts closed", GOAL, tokens=many, let_in=sum(found.values())
    )
    assert found == dict.fromkeys(found, 0)


def test_no_table_holds_a_token(tx: Session, proof: Proof):
    office, many = Office(tx), proof.size(20, 100, 1000)
    secrets = [office.holder()[1].secret for _ in range(many)]
    for secret in secrets:
        tokens.bearer(tx, secret, NOW, TODAY)
    found = secrets_found(tx, secrets)
    proof.says("S13", "bearer tokens in a dump of every table", "none", tokens=many, found=found)
    assert found == 0


def _always_live(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    monkeypatch.setattr(tokens, "is_live", lambda token, now: True)
    return {"revoked", "expired", "let_go"}


def _nobody_must_change(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    asked = queries.token_of

    def careless(tx: Session, digest: bytes, today: date):
        found = asked(tx, digest, today)
        if found is not None:
            object.__setattr__(found[1], "must_change_password", False)
        return found

    monkeypatch.setattr(queries, "token_of", careless)
    return {"given_a_password"}


def _nobody_ends_them(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    monkeypatch.setattr(tokens, "revoke_all", lambda *_, **__: 0)
    return {"let_go"}


@pytest.mark.parametrize("mutant", [_always_live, _nobody_must_change, _nobody_ends_them])
def test_a_check_taken_away_is_noticed(tx: Session, proof: Proof, monkeypatch: pytest.MonkeyPatch, mutant):
    noticed = mutant(monkeypatch)
    found = let_in(tx, proof, len(WAYS))
    proof.catches("S13", mutant.__name__.strip("_").replace("_", " "), let_in=sum(found.values()))
    assert {way for way, count in found.items() if count} == noticed


def test_a_secret_kept_as_it_is_is_noticed(tx: Session, proof: Proof, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tokens, "digest", str.encode)
    _person, made = Office(tx).holder()
    found = secrets_found(tx, [made.secret])
    proof.catches("S13", "secret kept instead of its hash", found=found)
    assert found == 1
