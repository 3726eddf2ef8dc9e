"""Processes that guess the password of an account, each with an engine of its own, over one database."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from argon2 import PasswordHasher

from portal import clock
from portal.db import Database
from portal.identity import SignInRefused, TooManyAttempts, passwords, service

ALLOWED = 10
WITHIN = 1800
"""Seconds after which the processes hang."""


def guessed(url: str, login: str, *, guesses: int, processes: int, alone: bool = False) -> dict[str, int]:
    """How many guesses were compared and how many told that there were too many, of all processes together.

    They begin when all are ready. `alone`: each counts for itself what it has compared, and does not ask the database.
    """
    each = guesses // processes
    told = [str(each), str(int(alone)), url, login]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", __name__, str(n * each), *told], cwd=Path(__file__).parents[2], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for n in range(processes)
    ]  # fmt: skip
    try:
        assert [one.stdout.readline() for one in started if one.stdout] == ["ready\n"] * processes
        answers = []
        for one in started:
            assert one.stdin
            one.stdin.write("go\n")
            one.stdin.flush()
        for one in started:
            said, _ = one.communicate(timeout=WITHIN)
            assert one.returncode == 0
            answers.append(json.loads(said))
    finally:
        for one in started:
            one.kill()
            one.wait()
    return {name: sum(answer[name] for answer in answers) for name in answers[0]}


def main(first: int, guesses: int, alone: bool, url: str, login: str) -> None:
    """One of the processes: guesses from fifty addresses, and prints what came of it."""
    passwords.HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    database, compared = Database(url), []
    if alone:
        service._is_locked_out = lambda *_: len(compared) >= ALLOWED
    with database.transaction() as tx:
        service.person_by_login(tx, login)
    print("ready", flush=True)
    sys.stdin.readline()

    def guess(n: int) -> object:
        address = f"10.1.{n % 50}.1"
        answer = database.attempt(lambda tx: service.sign_in(tx, login, f"wrong {n}", address, clock.now()))
        if isinstance(answer, SignInRefused):
            compared.append(n)
        return answer

    with ThreadPoolExecutor(1 if alone else 2) as pool:
        answers = list(pool.map(guess, range(first, first + guesses)))
    database.close()
    kinds = {"compared": SignInRefused, "refused": TooManyAttempts}
    print(json.dumps({name: sum(isinstance(one, kind) for one in answers) for name, kind in kinds.items()}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "1", *sys.argv[4:])
