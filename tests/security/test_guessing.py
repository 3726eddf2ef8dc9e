"""Guessing passwords (ASVS 6.3.1, 6.3.8): few tries, the same answer and the same work for every login."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pytest
from sqlalchemy import func, select

from portal import clock, identity
from portal.identity import TooManyAttempts, passwords, service
from portal.identity.models import LoginAttempt, Person
from tests.builders.everybody import CLOSED
from tests.builders.guessers import ALLOWED, guessed
from tests.builders.pages import PASSWORD, plain


class Counting:
    """The hasher, counted: how often it worked, and how often at the same time at most.

    Each time it takes a moment longer, as it does elsewhere: else those who guess at once would come one by one.
    """

    def __init__(self, hasher):
        self._hasher, self._lock = hasher, Lock()
        self.calls = self.at_once = self.most = 0

    def _work(self, do, *arguments):
        with self._lock:
            self.calls += 1
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        try:
            time.sleep(0.03)
            return do(*arguments)
        finally:
            with self._lock:
                self.at_once -= 1

    def hash(self, *arguments):
        return self._work(self._hasher.hash, *arguments)

    def verify(self, *arguments):
        return self._work(self._hasher.verify, *arguments)

    def check_needs_rehash(self, *arguments):
        return self._hasher.check_needs_rehash(*arguments)


@pytest.fixture
def hasher(monkeypatch):
    passwords._nobodys()  # made once in a process
    counting = Counting(passwords.HASHER)
    monkeypatch.setattr(passwords, "HASHER", counting)
    return counting


def guess(portal, login, addresses, times, threads=4):
    """Guesses of a login's password from many addresses at once: how many were compared, and how many were not."""

    def one(n):
        address = f"10.1.{n % addresses}.1"
        return portal.database.attempt(lambda tx: service.sign_in(tx, login, f"wrong {n}", address, clock.now()))

    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(one, range(times)))
    return sum(isinstance(answer, identity.SignInRefused) for answer in answers), answers


def test_guesses_from_many_addresses_at_once_are_ten(portal, hasher, proof):
    times = proof.size(60, 200, 1000)
    refused, answers = guess(portal, "zhou", 50, times)
    proof.says("S14", "guesses of one account spread over 50 addresses and 4 threads", "≤ 10 in 15 minutes",
               guesses=times, compared=refused, hashes_at_once=hasher.most)  # fmt: skip
    assert refused == ALLOWED
    assert all(isinstance(answer, (identity.SignInRefused, TooManyAttempts)) for answer in answers)
    assert hasher.most <= 2
    # What ran at the same time as the tenth is hashed in vain, and never more.
    assert hasher.calls <= ALLOWED + 4


@pytest.mark.thorough
def test_guesses_of_four_processes_are_ten_together(portal, proof):
    times, url = proof.size(0, 1000, 10_000), portal.database.url
    found = guessed(url, "zhou", guesses=times, processes=4)
    with portal.database.transaction() as tx:
        kept = tx.scalar(select(func.count()).select_from(LoginAttempt))
    proof.says("S14", "guesses of one account by 4 processes from 50 addresses", "≤ 10 in 15 minutes",
               guesses=times, processes=4, **found)  # fmt: skip
    assert (found, kept) == ({"compared": ALLOWED, "refused": times - ALLOWED}, ALLOWED)


@pytest.mark.thorough
def test_processes_that_count_each_for_itself_are_noticed(portal, proof):
    found = guessed(portal.database.url, "zhou", guesses=80, processes=4, alone=True)
    proof.catches("S14", "attempts are counted in the process, not in the database", **found)
    assert found == {"compared": 4 * ALLOWED, "refused": 40}


def test_one_address_that_guesses_many_accounts_is_stopped_too(portal, hasher):
    browser = portal.client()
    statuses = [browser.post("/sign-in", {"login": f"x{n}", "password": "wrong"}).status_code for n in range(102)]
    assert statuses == [422] * 100 + [429] * 2


def test_a_count_without_order_is_noticed(portal, hasher, monkeypatch, proof):
    monkeypatch.setattr(service, "_is_locked_out", lambda *_: False)
    refused, _answers = guess(portal, "zhou", 50, 40)
    proof.catches("S14", "nobody is locked out", compared=refused)
    assert refused == 40


def test_nothing_tells_whether_a_login_exists_or_is_closed(made, hasher, proof):
    logins = ("wang", "nobody-has-this", CLOSED, "meter", " WANG ", "x" * 5000, "a\0b")
    seen = set()
    for login in logins:
        for password in ("wrong", "nobody", *((PASSWORD,) if login in (CLOSED, "meter") else ())):
            before = hasher.calls
            answer = made.portal.client().post("/sign-in", {"login": login, "password": password})
            said = plain(answer).replace(plain_of(login), "")
            seen.add((answer.status_code, "用户名或密码不正确" in said, hasher.calls - before))
            with made.portal.database.transaction() as tx:
                tx.execute(LoginAttempt.__table__.delete())
    proof.says("S14", "known, unknown, closed and system logins: the same words, status and work", "no oracle",
               answers=len(seen), logins=len(logins))  # fmt: skip
    assert seen == {(422, True, 1)}


def plain_of(login):
    return login.strip()


def test_no_work_for_a_login_that_nobody_has_is_noticed(portal, hasher, monkeypatch, proof):
    fits = passwords.fits
    monkeypatch.setattr(passwords, "fits", lambda password, kept: kept is not None and fits(password, kept))
    work = []
    for login in ("wang", "nobody-has-this"):
        before = hasher.calls
        portal.client().post("/sign-in", {"login": login, "password": "wrong"})
        work.append(hasher.calls - before)
    proof.catches("S14", "no dummy hash is computed", work=work)
    assert work == [1, 0]


def test_the_password_nobody_opens_no_account_without_password(portal):
    with portal.database.transaction() as tx:
        tx.add(Person(login="meter", name="系统", password_hash="", purpose="报送", owner="某工"))
    with portal.database.transaction() as tx:
        answer = service.sign_in(tx, "meter", "nobody", "10.0.0.1", clock.now())
        assert isinstance(answer, identity.SignInRefused)
        assert tx.scalar(select(func.count()).select_from(LoginAttempt)) == 1
