"""`portal token`: issuing, listing and revoking on the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from portal import clock, identity
from portal.__main__ import main
from portal.clock import day_of
from portal.identity import changes, tokens
from portal.identity.models import Person, Token


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own_database):
    """The environment names a database in which there are two people."""
    for name in ("S3_ENDPOINT", "PORT", "PORTAL_DEMO", "PUBLIC_URL", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PORTAL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", own_database.url)
    with own_database.transaction() as tx:
        for login in ("wang", "li"):
            identity.add_person(tx, login=login, name=login, password="correct horse 9")
    return own_database


def ran(capsys, *arguments: str) -> object:
    assert main(["token", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def bearer(database, secret: str) -> tokens.Bearer | None:
    with database.transaction() as tx:
        return tokens.bearer(tx, secret, clock.now(), day_of(clock.now()))


def test_a_token_is_printed_once_and_acts(on, capsys):
    until = day_of(clock.now()) + timedelta(days=30)
    made = ran(capsys, "wang", "--name", "对账", "--scope", "work", "--scope", "read", "--until", until.isoformat())
    secret = made.pop("token")
    assert made == {
        "id": made["id"],
        "user": "wang",
        "name": "对账",
        "scopes": ["read", "work"],
        "until": until.isoformat(),
        "last_used": None,
    }
    assert bearer(on, secret).scopes == {"read", "work"}
    assert secret not in json.dumps(ran(capsys, "--list"))
    with on.transaction() as tx:
        token = tx.get_one(Token, made["id"])
        line = changes.of_person(tx, token.person_id)[0]
    assert (token.issued_by_id, line.kind, line.who) == (None, "token.issued", "")


def test_without_more_it_reads_for_ninety_days(on, capsys):
    assert main(["token", "wang"]) == 0
    secret, line = capsys.readouterr().out.splitlines()
    until = day_of(clock.now()) + tokens.LASTS
    assert bearer(on, secret).scopes == {"read"}
    assert line.startswith("It is shown here only. id ")
    assert line.endswith(f"wang: command line (read), until {until}, last used never")


def test_its_last_use_is_told_in_the_time_of_the_pages(on, capsys):
    made = ran(capsys, "wang")
    with on.transaction() as tx:
        tx.get_one(Token, made["id"]).last_used_at = datetime(2026, 11, 22, 22, 9, tzinfo=UTC)
    assert main(["token", "--list"]) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith("last used 2026-11-23 06:09")
    assert ran(capsys, "--list")[0]["last_used"] == "2026-11-23T06:09:00+08:00"


def test_a_revoked_one_is_refused_and_listed_no_more(on, capsys):
    made, other = ran(capsys, "wang"), ran(capsys, "li")
    assert [one["user"] for one in ran(capsys, "--list")] == ["wang", "li"]
    assert [one["user"] for one in ran(capsys, "li", "--list")] == ["li"]
    assert ran(capsys, "--revoke", str(made["id"])) == {"revoked": made["id"]}
    assert bearer(on, made["token"]) is None
    assert bearer(on, other["token"]) is not None
    assert [one["user"] for one in ran(capsys, "--list")] == ["li"]
    assert main(["token", "--revoke", str(made["id"])]) == 1
    assert "revoked or is over" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "or --revoke ID"),
        (["nobody"], "Nobody has the login nobody."),
        (["wang", "--until", "soon"], "“soon” is no day"),
        (["wang", "--until", "2020-01-01"], "cannot lie before today"),
        (["wang", "--name", " "], "Please fill in: name of the token."),
        (["--revoke", "4711"], "not exist"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(on, capsys, arguments, told):
    assert main(["token", *arguments]) == 1
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1
    with on.transaction() as tx:
        assert tx.scalars(select(Token)).all() == []


def test_whoever_must_choose_a_password_gets_none(on, capsys):
    with on.transaction() as tx:
        tx.scalars(select(Person).where(Person.login == "wang")).one().must_change_password = True
    assert main(["token", "wang"]) == 1
    assert "choose a password" in capsys.readouterr().err


def test_a_scope_that_there_is_not_is_not_understood(on):
    with pytest.raises(SystemExit):
        main(["token", "wang", "--scope", "everything"])
