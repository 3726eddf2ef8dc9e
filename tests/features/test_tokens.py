"""Bearer tokens: issued, shown once, used, revoked; and the accounts of programs that act by nothing else."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from portal import identity
from portal.identity import (
    Forbidden,
    SignInRefused,
    accounts,
    changes,
    delegating,
    granting,
    lending,
    membership,
    profile,
    systems,
    tokens,
)
from portal.identity.entry import MANAGE, READ, Missing, ProgramsDoNotManage, TooLong
from portal.identity.models import Person, Token
from portal.identity.systems import NobodyThere, UnknownOrganisation, UnknownSystem, Wanted
from portal.identity.tokens import Scope

NOW = datetime(2026, 9, 24, 10, 0, tzinfo=UTC)
TODAY = date(2026, 9, 24)
PASSWORD = "correct horse 9"
USCC = "91110000802100433B"
ETS = "chongqing-ets"


def a_person(tx, login="wang", **changes):
    return identity.add_person(tx, login=login, **({"name": "王", "password": PASSWORD} | changes))


def as_actor(tx, person):
    found = identity.actor_of(tx, person.id, TODAY)
    assert found is not None
    return found


def an_administrator(tx, login="admin"):
    return as_actor(tx, a_person(tx, login, administrator=True))


def a_unit(tx):
    unit = identity.add_organisation(tx, uscc=USCC, name="某某钢铁公司", district="渝北区", kinds=["enterprise"])
    manager = as_actor(tx, a_person(tx, "manager", organisation_id=unit.id))
    return unit, manager


def a_system(tx, admin, **wanted):
    facts = {"login": "erp", "name": "财务系统", "purpose": "每晚对账", "owner": "信息处 李工 023-1234"}
    return systems.add(tx, admin, Wanted(**(facts | wanted)), NOW)


def issued(tx, person, name="对账", scopes=(Scope.READ,), until=None, by=None, now=NOW):
    return tokens.issue(tx, person.id, name, scopes, until, by, now)


def told(tx, person):
    return [(line.kind, line.who, line.details.get("name")) for line in changes.of_person(tx, person.id)]


# Issuing, using


def test_a_token_acts_for_its_person_within_its_scopes(tx):
    person = a_person(tx)
    identity.grant_role(tx, person_id=person.id, regulation=ETS, role="handler", from_day=TODAY)
    made = issued(tx, person, scopes=["work", "read", "read"], by=as_actor(tx, person))
    found = tokens.bearer(tx, made.secret, NOW, TODAY)
    assert found == tokens.Bearer(as_actor(tx, person), frozenset({Scope.READ, Scope.WORK}), made.token.id)
    assert found.actor.has(ETS, "handler")
    assert made.token.scopes == ["read", "work"]


def test_roles_are_those_of_the_portals_day(tx):
    person = a_person(tx)
    identity.grant_role(tx, person_id=person.id, regulation=ETS, role="handler", from_day=TODAY, to_day=TODAY)
    secret = issued(tx, person).secret
    assert tokens.bearer(tx, secret, NOW, TODAY).actor.has(ETS, "handler")
    assert not tokens.bearer(tx, secret, NOW, TODAY + timedelta(days=1)).actor.has(ETS, "handler")


def test_the_secret_is_known_by_its_beginning_and_kept_nowhere(tx):
    made = issued(tx, a_person(tx))
    assert made.secret.startswith("pt_")
    assert len(made.secret) == 67
    assert made.secret not in repr(made)
    secret = made.secret.removeprefix("pt_")
    for (table,) in tx.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all():
        rows = tx.scalars(text(f'SELECT row_to_json(t)::text FROM "{table}" t'))  # our own tables
        assert not any(secret in row for row in rows), table


@pytest.mark.parametrize("typed", ["", "pt_", "pt_" + "0" * 64, "x" * 67, "pt_" + "０" * 64, "pt_" + "0" * 63 + "\0"])
def test_what_is_no_token_is_nobodys(tx, typed):
    issued(tx, a_person(tx))
    assert tokens.bearer(tx, typed, NOW, TODAY) is None


def test_a_token_is_not_taken_with_anything_before_or_behind_it(tx):
    secret = issued(tx, a_person(tx)).secret
    for typed in (secret + "\n", " " + secret, secret.upper(), secret.removeprefix("pt_")):
        assert tokens.bearer(tx, typed, NOW, TODAY) is None


def test_its_use_is_noted_once_a_minute(tx):
    made = issued(tx, a_person(tx))
    seen = []
    for seconds in (0, 59, 60, 61):
        tokens.bearer(tx, made.secret, NOW + timedelta(seconds=seconds), TODAY)
        seen.append(tx.scalar(select(Token.last_used_at)))
    assert seen == [NOW, NOW, NOW + timedelta(seconds=60), NOW + timedelta(seconds=60)]


def test_noting_its_use_waits_for_nobody(own_database):
    with own_database.transaction() as tx:
        made = issued(tx, a_person(tx))
        token_id = made.token.id
    with own_database.transaction() as one, own_database.transaction() as other:
        one.execute(text("SET lock_timeout = '2s'"))
        other.execute(select(Token.id).where(Token.id == token_id).with_for_update())
        assert tokens.bearer(one, made.secret, NOW, TODAY) is not None
        assert one.scalar(select(Token.last_used_at)) is None


# Refused


def test_a_revoked_token_is_refused_at_once(tx):
    person = a_person(tx)
    actor = as_actor(tx, person)
    made, other = issued(tx, person, by=actor), issued(tx, person, "另一个", by=actor)
    tokens.revoke(tx, made.token.id, actor, NOW)
    assert tokens.bearer(tx, made.secret, NOW, TODAY) is None
    assert tokens.bearer(tx, other.secret, NOW, TODAY) is not None
    with pytest.raises(tokens.TokenOver):
        tokens.revoke(tx, made.token.id, actor, NOW)
    assert told(tx, person) == [
        ("token.revoked", "王", "对账"),
        ("token.issued", "王", "另一个"),
        ("token.issued", "王", "对账"),
    ]


def test_a_token_counts_to_the_end_of_its_last_day(tx):
    made = issued(tx, a_person(tx), until=date(2026, 9, 30))
    end = datetime(2026, 9, 30, 16, 0, tzinfo=UTC)  # 24:00 in China
    assert tokens.bearer(tx, made.secret, end - timedelta(seconds=1), TODAY) is not None
    assert tokens.bearer(tx, made.secret, end, TODAY) is None
    with pytest.raises(tokens.TokenOver):
        tokens.revoke(tx, made.token.id, None, end)


def test_a_moved_clock_lengthens_no_token(tx):
    made = issued(tx, a_person(tx), until=TODAY)
    assert tokens.bearer(tx, made.secret, NOW, TODAY + timedelta(days=400)) is not None
    assert tokens.bearer(tx, made.secret, NOW + timedelta(days=1), TODAY - timedelta(days=400)) is None


def test_whoever_must_choose_a_password_has_no_token_that_counts(tx):
    person = a_person(tx)
    made = issued(tx, person)
    person.must_change_password = True
    tx.flush()
    assert tokens.bearer(tx, made.secret, NOW, TODAY) is None
    with pytest.raises(tokens.PasswordNotChosen, match="wang"):
        issued(tx, person, "另一个")


def test_closing_an_account_ends_its_tokens_for_good(tx):
    admin, person = an_administrator(tx), a_person(tx)
    made = issued(tx, person)
    accounts.close(tx, admin, person.id, "离任", NOW, NOW)
    assert tokens.bearer(tx, made.secret, NOW, TODAY) is None
    with pytest.raises(tokens.AccountClosed, match="wang"):
        issued(tx, person, "另一个")
    accounts.reopen(tx, admin, person.id, "返聘", NOW)
    assert tokens.bearer(tx, made.secret, NOW, TODAY) is None
    assert tokens.bearer(tx, issued(tx, person).secret, NOW, TODAY) is not None
    assert told(tx, person)[2:4] == [("token.revoked", "王", "对账"), ("person.closed", "王", None)]


def test_a_closed_account_is_refused_even_if_nobody_ended_its_tokens(tx):
    person = a_person(tx)
    made = issued(tx, person)
    tx.execute(update(Person).where(Person.id == person.id).values(active=False))
    assert tokens.bearer(tx, made.secret, NOW, TODAY) is None


def test_whoever_is_let_go_takes_no_token_along(tx):
    unit, manager = a_unit(tx)
    person = a_person(tx, organisation_id=unit.id)
    made = issued(tx, person)
    membership.remove(tx, manager, person.id, NOW, NOW)
    assert tokens.bearer(tx, made.secret, NOW, TODAY) is None
    assert "token.revoked" in [line.kind for line in changes.of_organisation(tx, unit.id)]


def test_a_new_password_leaves_tokens_alone_unless_it_is_said(tx):
    person = a_person(tx)
    actor, made = as_actor(tx, person), issued(tx, person)
    session = identity.sign_in(tx, "wang", PASSWORD, "10.0.0.1", NOW)
    profile.change_password(tx, actor, PASSWORD, "another horse 9", session, NOW, NOW)
    assert tokens.bearer(tx, made.secret, NOW, TODAY) is not None
    assert tokens.revoke_all(tx, person.id, actor, NOW) == 1
    assert tokens.bearer(tx, made.secret, NOW, TODAY) is None


# What may be asked for


def test_a_token_lasts_ninety_days_unless_asked_otherwise(tx):
    assert issued(tx, a_person(tx)).token.until_day == date(2026, 12, 23)


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        ({"name": " "}, Missing),
        ({"name": "长" * 41}, TooLong),
        ({"scopes": ()}, tokens.NoScope),
        ({"scopes": ("read", "everything")}, tokens.NoScope),
        ({"until": TODAY - timedelta(days=1)}, tokens.DayOver),
        ({"until": TODAY + timedelta(days=366)}, tokens.LastsTooLong),
    ],
)
def test_what_is_wrong_with_a_token_is_said(tx, asked, fault):
    person = a_person(tx)
    with pytest.raises(fault):
        issued(tx, person, **asked)
    assert tokens.of_person(tx, person.id) == []


def test_a_year_is_the_longest(tx):
    until = TODAY + timedelta(days=365)
    assert issued(tx, a_person(tx), until=until).token.until_day == until


def test_names_tell_the_tokens_in_use_apart(tx):
    person, other = a_person(tx), a_person(tx, "zhao")
    made = issued(tx, person)
    with pytest.raises(tokens.NameTaken, match="对账"):
        issued(tx, person, " 对账 ")
    issued(tx, other)
    tokens.revoke(tx, made.token.id, None, NOW)
    again = issued(tx, person)
    assert [one.id for one in tokens.of_person(tx, person.id)] == [again.token.id, made.token.id]


def test_those_in_use_are_counted_for_each(tx):
    person, other, third = a_person(tx), a_person(tx, "zhao"), a_person(tx, "qian")
    issued(tx, person)
    issued(tx, person, "另一个", until=TODAY)
    tokens.revoke(tx, issued(tx, other).token.id, None, NOW)
    everybody = [person.id, other.id, third.id]
    assert list(tokens.how_many(tx, everybody, NOW).values()) == [2, 0, 0]
    assert list(tokens.how_many(tx, everybody, NOW + timedelta(days=1)).values()) == [1, 0, 0]


def test_a_person_has_so_many_tokens_and_no_more(tx):
    person = a_person(tx)
    made = [issued(tx, person, f"第{n}个") for n in range(tokens.LIVE_AT_MOST)]
    with pytest.raises(tokens.TooManyTokens):
        issued(tx, person, "再一个")
    tokens.revoke(tx, made[0].token.id, None, NOW)
    issued(tx, person, "再一个")


def test_many_at_once_are_not_too_many(own_database):
    with own_database.transaction() as tx:
        person = a_person(tx)
        for n in range(tokens.LIVE_AT_MOST - 2):
            issued(tx, person, f"第{n}个")

    def one(n):
        try:
            own_database.attempt(lambda tx: issued(tx, person, f"同时{n}"))
        except tokens.TooManyTokens:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(one, range(6))) == 2


# Who may


def test_everybody_issues_and_revokes_his_own(tx):
    person, other = a_person(tx), a_person(tx, "zhao")
    made = issued(tx, person, by=as_actor(tx, person))
    assert (made.token.issued_by_id, made.token.person_id) == (person.id, person.id)
    stranger = as_actor(tx, other)
    with pytest.raises(Forbidden):
        issued(tx, person, "别人的", by=stranger)
    with pytest.raises(Forbidden):
        tokens.revoke(tx, made.token.id, stranger, NOW)


def test_an_administrator_revokes_anybodys_and_issues_for_programs_only(tx):
    admin, person = an_administrator(tx), a_person(tx)
    made = issued(tx, person)
    with pytest.raises(Forbidden):
        issued(tx, person, "管理员发的", by=admin)
    tokens.revoke(tx, made.token.id, admin, NOW, reason="疑似泄露")
    assert changes.of_person(tx, person.id)[0].details["reason"] == "疑似泄露"
    system = a_system(tx, admin)
    assert issued(tx, system, by=admin).token.issued_by_id == admin.person_id


def test_whoever_was_an_administrator_is_none_any_more(tx):
    admin, other = an_administrator(tx), an_administrator(tx, "other")
    system = a_system(tx, admin)
    accounts.make_administrator(tx, other, admin.person_id, False, "轮岗", NOW)
    with pytest.raises(Forbidden):
        issued(tx, system, by=admin)
    with pytest.raises(Forbidden):
        systems.add(tx, admin, Wanted("two", "二", "用途", "某人"), NOW)


def test_a_program_issues_itself_nothing_but_what_it_is_given(tx):
    admin = an_administrator(tx)
    system = a_system(tx, admin)
    with pytest.raises(Forbidden):
        tokens.issue(tx, a_person(tx).id, "x", ["read"], None, as_actor(tx, system), NOW)


def test_what_is_nobodys_is_not_found(tx):
    with pytest.raises(tokens.UnknownToken):
        tokens.revoke(tx, 1, None, NOW)
    with pytest.raises(tokens.UnknownToken):
        tokens.issue(tx, 1, "x", ["read"], None, None, NOW)
    with pytest.raises(tokens.UnknownToken):
        tokens.token(tx, 1)


# System accounts


def test_nobody_signs_in_to_a_system_account(tx):
    system = a_system(tx, an_administrator(tx))
    assert (system.system, system.password_hash, system.applicant) == (True, "", False)
    for password in ("", "nobody", "correct horse 9"):
        assert isinstance(identity.sign_in(tx, "erp", password, "10.0.0.1", NOW), SignInRefused)


def test_a_system_account_of_the_authority_is_granted_roles_like_anybody(tx):
    admin = an_administrator(tx)
    system = a_system(tx, admin)
    granting.grant(tx, admin, system.id, granting.Wanted(ETS, "handler", None, TODAY, None), "对账需要", NOW)
    assert tokens.bearer(tx, issued(tx, system).secret, NOW, TODAY).actor.has(ETS, "handler")
    line = changes.of_person(tx, system.id)[-1]
    assert (line.kind, line.who, line.details) == (
        "system.added",
        "王",
        {"purpose": "每晚对账", "owner": "信息处 李工 023-1234"},
    )


def test_a_system_account_of_an_organisation_files_there(tx):
    admin = an_administrator(tx)
    unit, manager = a_unit(tx)
    system = a_system(tx, admin, uscc=USCC.lower())
    secret = issued(tx, system, scopes=["file"], by=admin).secret
    actor = tokens.bearer(tx, secret, NOW, TODAY).actor
    assert (actor.organisation_id, actor.may_file, actor.may_manage) == (unit.id, True, False)
    membership.change_rights(tx, manager, system.id, [READ], NOW)
    assert not tokens.bearer(tx, secret, NOW, TODAY).actor.may_file
    with pytest.raises(ProgramsDoNotManage):
        membership.change_rights(tx, manager, system.id, [MANAGE], NOW)
    membership.remove(tx, manager, system.id, NOW, NOW)
    assert tokens.bearer(tx, secret, NOW, TODAY) is None
    assert not systems.one(tx, system.id).active


def test_a_system_account_is_never_an_administrator_and_gets_no_password(tx):
    admin = an_administrator(tx)
    system = a_system(tx, admin)
    with pytest.raises(accounts.NobodySignsIn):
        accounts.make_administrator(tx, admin, system.id, True, "方便", NOW)
    with pytest.raises(accounts.NobodySignsIn):
        accounts.give_password(tx, admin, system.id, "方便", NOW, NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"administrator": True},
        {"password_hash": "x"},
        {"must_change_password": True},
        {"owner": None},
        {"purpose": None},
    ],
)
def test_the_database_holds_no_system_account_that_is_a_person_too(tx, wrong):
    system = a_system(tx, an_administrator(tx))
    with pytest.raises(IntegrityError), tx.begin_nested():
        tx.execute(update(Person).where(Person.id == system.id).values(**wrong))


def test_nobody_has_a_program_stand_in_for_him(tx):
    admin = an_administrator(tx)
    system, person = a_system(tx, admin), a_person(tx)
    for one in (system, person):
        identity.grant_role(tx, person_id=one.id, regulation=ETS, role="handler", from_day=TODAY)
    assert [one.person_id for one in delegating.candidates(tx, admin.person_id, [ETS], "", TODAY)] == [person.id]
    wanted = lending.Wanted(person.id, system.id, ((ETS, "handler"),), TODAY, TODAY, "休假")
    with pytest.raises(lending.LendingRefused):
        delegating.make(tx, admin, wanted, {}, NOW)


@pytest.mark.parametrize(
    ("wrong", "field", "fault"),
    [
        ({"name": ""}, "name", Missing),
        ({"login": ""}, "login", Missing),
        ({"login": "admin"}, "login", identity.rules.LoginTaken),
        ({"purpose": " "}, "purpose", Missing),
        ({"owner": ""}, "owner", Missing),
        ({"owner": "长" * 61}, "owner", TooLong),
        ({"uscc": "9144030071526726XG"}, "uscc", UnknownOrganisation),
        ({"uscc": USCC}, "uscc", NobodyThere),
    ],
)
def test_what_is_wrong_with_a_system_account_is_said(tx, wrong, field, fault):
    admin = an_administrator(tx)
    identity.add_organisation(tx, uscc=USCC, name="某某钢铁公司", district="渝北区", kinds=["enterprise"])
    wanted = Wanted(**({"login": "erp", "name": "财务", "purpose": "对账", "owner": "李工"} | wrong))
    assert {name: type(one) for name, one in systems.faults(tx, wanted).items()} == {field: fault}
    with pytest.raises(fault):
        systems.add(tx, admin, wanted, NOW)


def test_system_accounts_are_listed_and_found(tx):
    admin = an_administrator(tx)
    a_unit(tx)
    first, second = a_system(tx, admin), a_system(tx, admin, login="crm", uscc=USCC)
    assert systems.newest(tx, None, 5) == [(second, "某某钢铁公司"), (first, "")]
    assert systems.newest(tx, second.id, 5) == [(first, "")]
    assert systems.one(tx, first.id) is first
    with pytest.raises(UnknownSystem):
        systems.one(tx, admin.person_id)
    assert tx.scalar(select(func.count()).select_from(Person).where(Person.purpose.is_not(None))) == 2
