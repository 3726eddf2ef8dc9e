"""People, organisations and roles, and signing in and out with a brake on guessing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from portal import identity
from portal.identity import Actor, SignInRefused, TooManyAttempts, passwords, rules, service, sessions
from portal.identity.models import LoginAttempt, Person, SignedIn
from portal.identity.rules import InvalidLogin, InvalidUscc, LoginTaken, UsccTaken, WeakPassword

NOW = datetime(2026, 9, 24, 10, 0, tzinfo=UTC)
TODAY = date(2026, 9, 24)
PASSWORD = "correct horse 电池"
USCC = "91110000802100433B"
IN_USE = passwords.HASHER
HERE, THERE = "10.0.0.1", "10.0.0.2"


class Counting:
    """A cheap argon2id that counts how often it is asked."""

    def __init__(self, hasher):
        self.hasher, self.verified = hasher, 0

    def verify(self, *arguments):
        self.verified += 1
        return self.hasher.verify(*arguments)

    def __getattr__(self, name):
        return getattr(self.hasher, name)


@pytest.fixture(autouse=True)
def hasher(monkeypatch):
    hasher = Counting(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    monkeypatch.setattr(passwords, "HASHER", hasher)
    passwords._nobodys.cache_clear()
    yield hasher
    passwords._nobodys.cache_clear()


def an_organisation(tx, uscc=USCC, **changes):
    facts = {"name": "某某钢铁公司", "district": "渝北区", "kinds": ["enterprise"]}
    return identity.add_organisation(tx, uscc=uscc, **(facts | changes))


def a_person(tx, login="wang", **changes):
    return identity.add_person(tx, login=login, **({"name": "王", "password": PASSWORD} | changes))


def sign_in(tx, login="wang", password=PASSWORD, address=HERE, now=NOW):
    return identity.sign_in(tx, login, password, address, now)


def failures(tx):
    return tx.scalar(select(func.count()).select_from(LoginAttempt))


# Organisations and people


def test_an_organisation_is_registered_under_its_code(tx):
    organisation = an_organisation(tx, "  91110000 8021 0043 3b", electronic_service_since=NOW)
    assert (organisation.uscc, organisation.kinds, organisation.electronic_service) == (
        USCC,
        ["enterprise"],
        True,
    )
    assert identity.organisation(tx, organisation.id) is organisation
    assert identity.organisation_by_uscc(tx, USCC.lower()) is organisation
    assert identity.organisation_by_uscc(tx, "9144030071526726XG") is None


def test_without_agreement_there_is_no_electronic_service(tx):
    assert an_organisation(tx).electronic_service is False


@pytest.mark.parametrize("uscc", ["91350100M000100Y4Z", "91110000802100433", "", "91110000802100433I"])
def test_a_code_with_a_wrong_check_character_is_refused(tx, uscc):
    with pytest.raises(InvalidUscc):
        an_organisation(tx, uscc)


def test_a_code_is_registered_once(tx):
    an_organisation(tx)
    with pytest.raises(UsccTaken, match=USCC):
        an_organisation(tx, name="另一家")


def test_a_login_is_given_once_however_it_is_typed(tx):
    person = a_person(tx, " Ｗang ")
    assert person.login == "wang"
    assert (person.active, person.administrator, person.organisation_id) == (True, False, None)
    assert identity.person_by_login(tx, "WANG") is person
    assert identity.person(tx, person.id) is person
    with pytest.raises(LoginTaken, match="wang"):
        a_person(tx, "WANG")


@pytest.mark.parametrize("login", ["", "w", "x" * 65, "wang wu", "wang\0", "wang\n五", "\ud800\ud800"])
def test_a_login_that_cannot_be_told_apart_is_refused(tx, login):
    with pytest.raises(InvalidLogin):
        a_person(tx, login)


@pytest.mark.parametrize("password", ["", "short 123", "x" * 129, "WANG.xiaoming@sh"])
def test_a_weak_password_is_refused(tx, password):
    with pytest.raises(WeakPassword):
        a_person(tx, "wang.xiaoming@sh", password=password)


def test_only_a_hash_of_the_password_is_kept(tx):
    assert a_person(tx).password_hash.startswith("$argon2id$")


def test_the_hash_in_use_is_argon2id_with_64_mib():
    assert IN_USE.hash(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


# Roles


def test_an_actor_has_the_roles_of_the_day(tx):
    organisation = an_organisation(tx)
    person = a_person(tx, organisation_id=organisation.id)

    def grant(role, from_day, to_day=None):
        identity.grant_role(
            tx,
            person_id=person.id,
            regulation="chongqing-ets",
            role=role,
            from_day=from_day,
            to_day=to_day,
        )

    grant("handler", TODAY)
    grant("reviewer", date(2026, 1, 1), TODAY)
    grant("leader", TODAY + timedelta(days=1))
    grant("intake", date(2026, 1, 1), TODAY - timedelta(days=1))
    assert identity.actor_of(tx, person.id, TODAY) == Actor(
        person.id,
        "王",
        organisation.id,
        frozenset({("chongqing-ets", "handler"), ("chongqing-ets", "reviewer")}),
        False,
        frozenset({"enterprise"}),
        True,
        frozenset({"manage", "file"}),
    )
    tomorrow = identity.actor_of(tx, person.id, TODAY + timedelta(days=1))
    assert tomorrow.roles == {("chongqing-ets", "handler"), ("chongqing-ets", "leader")}
    assert tomorrow.has("chongqing-ets", "leader")
    assert not tomorrow.has("chongqing-events", "leader")


def test_a_person_without_organisation_or_role_is_an_actor_too(tx):
    person = a_person(tx, administrator=True)
    assert identity.actor_of(tx, person.id, TODAY) == Actor(person.id, "王", administrator=True)


def test_nobody_acts_who_is_not_there_or_not_active(tx):
    person = a_person(tx)
    person.active = False
    tx.flush()
    assert identity.actor_of(tx, person.id, TODAY) is None
    assert identity.actor_of(tx, person.id + 1, TODAY) is None


def test_the_role_of_a_party_cannot_be_granted(tx):
    person = a_person(tx)
    with pytest.raises(ValueError, match="follows from the case"):
        identity.grant_role(tx, person_id=person.id, regulation="chongqing-ets", role="party", from_day=TODAY)


def test_a_grant_ends_no_earlier_than_the_day_before_it_begins(tx):
    """That day stands for a grant that was taken back before it counted on any whole day."""
    person = a_person(tx)
    with pytest.raises(IntegrityError, match="days_in_order"):
        identity.grant_role(
            tx,
            person_id=person.id,
            regulation="chongqing-ets",
            role="handler",
            from_day=TODAY,
            to_day=TODAY - timedelta(days=2),
        )


# Sessions (S13)


def test_signing_in_opens_a_session_that_is_known_by_its_token_only(tx):
    person = a_person(tx)
    token = sign_in(tx, " WANG ")
    assert len(token) == 43
    assert identity.actor_of_session(tx, token, NOW) == Actor(person.id, "王")
    stored = tx.scalars(select(SignedIn)).one()
    assert stored.token == rules.digest(token)
    assert token.encode() not in stored.token
    assert identity.actor_of_session(tx, token[:-1], NOW) is None
    assert identity.actor_of_session(tx, "", NOW) is None


def test_each_sign_in_has_a_token_of_its_own(tx):
    a_person(tx)
    assert len({sign_in(tx) for _ in range(3)}) == 3


def test_a_session_that_is_used_lasts_eight_hours(tx):
    a_person(tx)
    token = sign_in(tx)
    moment = NOW
    while moment < NOW + timedelta(hours=7):
        moment += timedelta(minutes=15)
        assert identity.actor_of_session(tx, token, moment)
    while moment < NOW + timedelta(hours=8) - timedelta(minutes=15):
        moment += timedelta(minutes=15)
        assert identity.actor_of_session(tx, token, moment)
    last = NOW + timedelta(hours=8) - timedelta(microseconds=1)
    assert identity.actor_of_session(tx, token, last)
    assert identity.actor_of_session(tx, token, NOW + timedelta(hours=8)) is None


def test_a_session_that_an_official_leaves_alone_lasts_a_quarter_of_an_hour(tx):
    a_person(tx)
    token = sign_in(tx)
    assert identity.actor_of_session(tx, token, NOW + timedelta(minutes=15, microseconds=1)) is None
    assert identity.actor_of_session(tx, token, NOW + timedelta(minutes=15))
    assert identity.actor_of_session(tx, token, NOW + timedelta(minutes=30))


def test_a_session_that_anybody_else_leaves_alone_lasts_half_an_hour(tx):
    a_person(tx).applicant = True
    token = sign_in(tx)
    assert identity.actor_of_session(tx, token, NOW + timedelta(minutes=30, microseconds=1)) is None
    assert identity.actor_of_session(tx, token, NOW + timedelta(minutes=30))
    assert identity.actor_of_session(tx, token, NOW + timedelta(minutes=60))


def test_being_seen_is_written_once_a_minute_at_most(tx):
    a_person(tx)
    token = sign_in(tx)
    for seconds, seen in [(59, 0), (60, 60), (119, 60), (130, 130)]:
        identity.actor_of_session(tx, token, NOW + timedelta(seconds=seconds))
        tx.flush()
        assert tx.scalar(select(SignedIn.last_seen)) == NOW + timedelta(seconds=seen)


def test_roles_follow_the_legal_day_and_the_session_real_time(tx):
    person = a_person(tx)
    identity.grant_role(tx, person_id=person.id, regulation="chongqing-ets", role="handler", from_day=date(2027, 1, 1))
    token = sign_in(tx)
    assert identity.actor_of_session(tx, token, NOW).roles == frozenset()
    assert identity.actor_of_session(tx, token, NOW, date(2027, 1, 1)).has("chongqing-ets", "handler")


def test_signing_out_ends_this_session_and_revoking_ends_all(tx):
    person = a_person(tx)
    first, second, third = (sign_in(tx) for _ in range(3))
    identity.sign_out(tx, first, NOW)
    assert identity.actor_of_session(tx, first, NOW) is None
    assert identity.actor_of_session(tx, second, NOW)
    identity.revoke_all(tx, person.id, NOW)
    assert [identity.actor_of_session(tx, token, NOW) for token in (second, third)] == [None, None]


def test_whoever_is_no_longer_active_loses_his_sessions_at_once(tx):
    person = a_person(tx)
    token = sign_in(tx)
    person.active = False
    tx.flush()
    assert identity.actor_of_session(tx, token, NOW) is None


# Guessing (S14)


def test_all_refusals_read_alike_and_cost_the_same(tx, hasher):
    a_person(tx)
    a_person(tx, "gone").active = False
    tx.flush()
    answers, work = [], []
    for login, password in [
        ("wang", "wrong password"),
        ("nobody", PASSWORD),
        ("gone", PASSWORD),
        ("gone", "wrong password"),
        ("wang\0", PASSWORD),
        ("\ud800", PASSWORD),
        ("wang", "\ud800"),
    ]:
        before = hasher.verified
        answers.append(sign_in(tx, login, password))
        work.append(hasher.verified - before)
    assert {type(answer) for answer in answers} == {SignInRefused}
    assert {answer.text("zh") for answer in answers} == {"用户名或密码不正确。"}
    assert work == [1] * 7
    assert failures(tx) == 7


def test_the_eleventh_guess_at_an_account_is_not_answered_even_if_right(tx):
    a_person(tx)
    for n in range(10):
        assert isinstance(sign_in(tx, password=f"guess number {n}", address=f"10.1.0.{n}"), SignInRefused)
    refused = sign_in(tx, " WANG", address="10.1.0.99")
    assert isinstance(refused, TooManyAttempts)
    assert refused.text("zh") == "登录失败次数过多，请 15 分钟后再试。"
    assert failures(tx) == 10


def test_an_account_that_does_not_exist_is_locked_in_the_same_way(tx):
    for n in range(10):
        assert isinstance(sign_in(tx, "nobody", address=f"10.1.0.{n}"), SignInRefused)
    assert isinstance(sign_in(tx, "nobody", address=THERE), TooManyAttempts)


def test_a_hundred_failures_from_one_address_lock_it_for_every_account_and_ten_for_none(tx):
    a_person(tx)
    for n in range(99):
        sign_in(tx, f"nobody{n}")
    assert isinstance(sign_in(tx), str)
    sign_in(tx, "nobody99")
    assert isinstance(sign_in(tx), TooManyAttempts)
    assert isinstance(sign_in(tx, address=THERE), str)


def test_failures_count_for_fifteen_minutes(tx):
    a_person(tx)
    for _ in range(10):
        sign_in(tx, password="wrong password")
    almost = NOW + timedelta(minutes=15) - timedelta(microseconds=1)
    assert isinstance(sign_in(tx, now=almost), TooManyAttempts)
    assert isinstance(sign_in(tx, now=NOW + timedelta(minutes=15)), str)


def test_a_success_does_not_give_new_guesses(tx):
    a_person(tx)
    for _ in range(9):
        sign_in(tx, password="wrong password")
    assert isinstance(sign_in(tx), str)
    sign_in(tx, password="wrong password")
    assert isinstance(sign_in(tx), TooManyAttempts)


def test_what_was_typed_as_login_is_not_kept(tx):
    sign_in(tx, PASSWORD)
    assert tx.scalars(select(LoginAttempt.account)).one() == rules.digest(rules.normal_login(PASSWORD))


def test_a_hash_made_with_weaker_parameters_is_renewed_on_signing_in(tx, monkeypatch):
    person = a_person(tx)
    before = person.password_hash
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    assert isinstance(sign_in(tx, password="wrong password"), SignInRefused)
    assert person.password_hash == before
    assert isinstance(sign_in(tx), str)
    assert "m=16,t=2" in person.password_hash
    assert isinstance(sign_in(tx), str)


def test_a_password_may_be_typed_in_another_encoding_of_the_same_characters(tx):
    a_person(tx, password="café correct horse")
    assert isinstance(sign_in(tx, password="cafe\u0301 correct horse"), str)


def test_sweeping_forgets_only_what_counts_no_more(tx):
    a_person(tx)
    old, new = sign_in(tx), sign_in(tx, now=NOW + timedelta(hours=7))
    sign_in(tx, password="wrong password", now=NOW + timedelta(hours=7))
    sign_in(tx, password="wrong password", now=NOW + timedelta(hours=8))
    identity.sweep(tx, NOW + timedelta(hours=8))
    assert failures(tx) == 1
    assert tx.scalars(select(SignedIn.token)).all() == [rules.digest(new)]
    assert old != new


GUESSERS = 12


def guess_at_once(database):
    """Twelve guesses that have all been hashed before the first of them is counted."""
    together = Barrier(GUESSERS)

    def guess(number):
        together.wait()
        with database.transaction() as tx:
            return type(sign_in(tx, password=f"guess number {number}", address=f"10.2.0.{number}"))

    with ThreadPoolExecutor(GUESSERS) as pool:
        answers = list(pool.map(guess, range(GUESSERS)))
    return answers.count(SignInRefused), answers.count(TooManyAttempts)


def all_hashed(monkeypatch):
    together, fits = Barrier(GUESSERS), passwords.fits

    def fits_later(*arguments):
        answer = fits(*arguments)
        together.wait()
        return answer

    monkeypatch.setattr(passwords, "fits", fits_later)


def test_guesses_at_the_same_moment_are_answered_ten_times_too(own_database, monkeypatch):
    all_hashed(monkeypatch)
    assert guess_at_once(own_database) == (10, 2)


def test_without_the_queue_the_same_guesses_are_answered_more_often(own_database, monkeypatch):
    """The mutant: it shows that the test above can fail."""
    all_hashed(monkeypatch)
    together, is_locked_out = Barrier(GUESSERS), service._is_locked_out

    def counted_together(*arguments):
        answer = is_locked_out(*arguments)
        together.wait()
        return answer

    monkeypatch.setattr(service, "_queue_up", lambda *_: None)
    monkeypatch.setattr(service, "_is_locked_out", counted_together)
    assert guess_at_once(own_database) == (12, 0)


def test_a_password_that_is_replaced_while_it_is_compared_opens_nothing(own_database, monkeypatch):
    with own_database.transaction() as tx:
        someone = a_person(tx).id
        fits = passwords.fits

    def replaced_meanwhile(*arguments):
        right = fits(*arguments)
        with own_database.transaction() as other:
            person = other.get_one(Person, someone)
            if fits(PASSWORD, person.password_hash):
                person.password_hash = passwords.hashed("another horse 电池")
                sessions.revoke_all(other, someone, NOW)
        return right

    monkeypatch.setattr(passwords, "fits", replaced_meanwhile)
    with own_database.transaction() as tx:
        assert isinstance(sign_in(tx), SignInRefused)
        assert isinstance(sign_in(tx, password="another horse 电池"), str)


def test_the_tables_hold_no_secret_in_the_clear(tx):
    a_person(tx)
    token = sign_in(tx)
    for table in ("persons", "sessions", "login_attempts"):
        rows = tx.execute(text(f"SELECT row_to_json(t)::text FROM {table} t")).scalars()
        assert all(PASSWORD not in row and token not in row for row in rows)
