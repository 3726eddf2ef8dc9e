"""Natural persons as parties: registered by themselves, known by a code of their own, alone in what they are."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from portal import identity
from portal.db import Base
from portal.errors import PortalError
from portal.forms import personal
from portal.identity import membership, numbers, registering
from portal.identity.entry import (
    ActsAlone,
    IdProofMissing,
    Newcomer,
    OtherWay,
    PersonalEntry,
    PersonTaken,
    SituationChanged,
)
from portal.identity.idnumber import IdNumberCheck
from portal.identity.models import IdentityNumber, Organisation, Person, Registration
from portal.identity.registering import EMPTY, NEW, PEOPLED, StoredProof
from portal.identity.rules import InvalidPersonalCode, UsccLength

NOW = datetime(2026, 9, 24, 2, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
TODAY = date(2026, 9, 24)
PASSWORD = "correct horse 电池"
NUMBER = "11010519491231002X"  # the example of GB 11643-1999
counted = itertools.count(1)


def check(first):
    return first + personal.check_character(first)


SECOND = check("33040219900101123")
QIN = PersonalEntry("秦", NUMBER, "万州区", electronic_service=True)


def handed_in(tx, login="qin", entry=QIN, at=NOW):
    key, once = f"proof-{next(counted)}", f"once-{next(counted)}"
    registering.keep_proof(tx, StoredProof(key, "身份证.pdf", "pdf", 3, "0" * 64), NOW)
    return registering.hand_in(tx, Newcomer(entry.name, login, PASSWORD), entry, key, once, at)


def actor(tx, person_id):
    found = identity.actor_of(tx, person_id, TODAY)
    assert found is not None
    return found


def an_official(tx, login="li"):
    person = identity.add_person(tx, login=login, name="李强", password=PASSWORD)
    identity.grant_role(tx, person_id=person.id, regulation="chongqing-ets", role="intake", from_day=TODAY)
    return actor(tx, person.id)


def approved(tx, row, by, expects=NEW):
    return registering.approve(tx, by, row.id, row.round, expects, (), NOW)


def a_party(tx, by=None):
    """A natural person who was approved, and who he is."""
    row = handed_in(tx)
    party = approved(tx, row, by or an_official(tx))
    return party, actor(tx, row.person_id)


def closed(tx, who):
    """His account is closed, as an administrator does it."""
    identity.person(tx, who.person_id).active = False
    tx.flush()


def test_whoever_is_approved_is_a_party_by_a_code_of_his_own(tx):
    row = handed_in(tx)
    assert (row.kind, row.state, row.joins) == ("person", "waiting", False)
    party = approved(tx, row, an_official(tx))
    assert (party.name, party.kinds, party.natural, party.district) == ("秦", ["person"], True, "万州区")
    assert personal.is_valid(party.uscc)
    assert party.electronic_service_since == NOW
    someone = actor(tx, row.person_id)
    assert (someone.organisation_id, someone.kinds, someone.may_file) == (party.id, frozenset({"person"}), True)
    assert [one.id for one in membership.people_of(tx, party.id)] == [row.person_id]


def test_nobody_joins_him_and_he_cannot_leave_himself(tx):
    party, someone = a_party(tx)
    tries = (
        lambda: membership.invite(tx, someone, ("file",), "某人", NOW),
        lambda: membership.change_rights(tx, someone, someone.person_id, ("read",), NOW),
        lambda: membership.leave(tx, someone, NOW, NOW),
    )
    for attempt in tries:
        with pytest.raises(ActsAlone):
            attempt()
    with pytest.raises(OtherWay):
        membership.remove(tx, someone, someone.person_id, NOW, NOW)
    assert [one.rights for one in membership.people_of(tx, party.id)] == [["manage", "file"]]
    assert membership.end_agreement(tx, someone, LATER).electronic_service is False


def test_the_number_is_told_in_full_only_to_who_decides_while_he_does(tx):
    by, row = an_official(tx), handed_in(tx)
    himself = actor(tx, row.person_id)
    assert numbers.for_decision(tx, by, row) == NUMBER
    assert numbers.for_decision(tx, himself, row) == numbers.masked(tx, row) == "1101**********002X"
    party = approved(tx, row, by)
    assert numbers.for_decision(tx, by, row) == numbers.masked_of_party(tx, party.id) == "1101**********002X"


def test_the_number_stands_in_its_own_table_alone(tx):
    """Every text of every row of every other table is looked through."""
    by, row = an_official(tx), handed_in(tx)
    registering.send_back(tx, by, row.id, row.round, "请重新上传", NOW)
    registering.hand_in_again(tx, actor(tx, row.person_id), row.id, QIN, "", NOW)
    approved(tx, row, by)
    found = []
    for table in Base.metadata.sorted_tables:
        rows = tx.execute(text(f"SELECT count(*) FROM {table.name} AS t WHERE t::text LIKE '%{NUMBER}%'")).scalar_one()
        found += [table.name] if rows else []
    assert found == ["identity_numbers"]


def test_a_second_account_is_refused_by_the_office_and_not_told_to_whoever_types_a_number(tx):
    by = an_official(tx)
    party, _someone = a_party(tx, by)
    again = handed_in(tx, "qin2")
    assert again.state == "waiting"
    known = registering.situation_of(tx, again)
    assert (known.stands, known.organisation.id) == (PEOPLED, party.id)
    with pytest.raises(PersonTaken) as refusal:
        approved(tx, again, by, PEOPLED)
    assert refusal.value.text() == (
        f"该居民身份号码已由秦（{party.uscc}）登记并有账号，一人一个账号，不能核准。请退回或不予核准，并说明使用原账号。"
    )
    assert len(membership.people_of(tx, party.id)) == 1


def test_who_comes_back_gets_his_old_code(tx):
    by = an_official(tx)
    party, someone = a_party(tx, by)
    closed(tx, someone)
    again = handed_in(tx, "qin2", replace(QIN, name="秦某"))
    with pytest.raises(SituationChanged):
        approved(tx, again, by, NEW)
    assert approved(tx, again, by, EMPTY).id == party.id
    assert (again.uscc, party.name) == (party.uscc, "秦")
    assert tx.scalar(select(func.count()).select_from(Organisation)) == 1


def test_two_that_wait_for_one_number_see_each_other(tx):
    first, second, stranger = handed_in(tx), handed_in(tx, "qin2"), handed_in(tx, "xu", replace(QIN, id_number=SECOND))
    assert [one.id for one in registering.waiting_for(tx, first)] == [second.id]
    assert registering.waiting_for(tx, stranger) == []
    assert len({first.uscc, second.uscc, stranger.uscc}) == 3


def test_a_returned_one_keeps_its_number_unless_another_is_typed(tx):
    by, row = an_official(tx), handed_in(tx)
    himself = actor(tx, row.person_id)

    def again(entry):
        registering.send_back(tx, by, row.id, row.round, "请改", NOW)
        registering.hand_in_again(tx, himself, row.id, entry, "", LATER)
        return list(tx.scalars(select(IdentityNumber.number)))

    assert again(replace(QIN, id_number="", name="秦某")) == [NUMBER]
    code = row.uscc
    assert again(replace(QIN, id_number=SECOND)) == [SECOND]  # the mistyped one is forgotten
    assert (row.name, row.uscc, row.round) == ("秦", code, 3)


def test_what_cannot_be_handed_in(tx):
    with pytest.raises(IdNumberCheck):
        handed_in(tx, entry=replace(QIN, id_number=NUMBER[:-1] + "0"))
    with pytest.raises(IdProofMissing):
        registering.hand_in(tx, Newcomer("秦", "qin", PASSWORD), QIN, "no such proof", "once", NOW)


@pytest.mark.parametrize(
    ("kinds", "uscc", "fault"),
    [(["person"], "91110000802100433B", InvalidPersonalCode), (["enterprise"], personal.code(5), UsccLength)],
)
def test_each_kind_has_its_own_form_of_code(tx, kinds, uscc, fault):
    with pytest.raises(fault):
        identity.add_organisation(tx, uscc=uscc, name="某", district="万州区", kinds=kinds)


@pytest.mark.parametrize("kinds", [["person"], ["person", "enterprise"]])
def test_the_database_keeps_codes_and_kinds_apart(tx, kinds):
    code = "91110000802100433B" if kinds == ["person"] else personal.code(5)
    tx.add(Organisation(uscc=code, name="某", district="万州区", kinds=kinds))
    with pytest.raises(IntegrityError):
        tx.flush()


def test_two_officials_at_once_make_one_party(own_database):
    """Two registrations of one number, approved at the same moment: one is the party, the other is told."""
    with own_database.transaction() as tx:
        officials = [an_official(tx, login) for login in ("li", "wu")]
        rows = [handed_in(tx, login) for login in ("qin", "qin2")]
        given = [(row.id, row.round) for row in rows]
    ready = Barrier(2)

    def decide(at):
        ready.wait()
        try:
            own_database.attempt(lambda tx: registering.approve(tx, officials[at], *given[at], NEW, (), NOW).id)
        except PortalError as error:
            return type(error).__name__
        return "approved"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(decide, (0, 1))) == ["SituationChanged", "approved"]
    with own_database.transaction() as tx:
        assert tx.scalar(select(func.count()).select_from(Organisation)) == 1
        members = select(func.count()).select_from(Person).where(Person.organisation_id.is_not(None))
        assert tx.scalar(members) == 1
        assert tx.scalar(select(func.count()).select_from(Registration).where(Registration.state == "approved")) == 1
