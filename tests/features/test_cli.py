"""The command line: what each command says, and its exit code."""

from __future__ import annotations

import json
import os
import re
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import clock
from portal.__main__ import main
from portal.calendar import service as calendars
from portal.clock import day_of
from portal.commands import administration, trials
from portal.commands.content import contents
from portal.commands.trials import TrialBroken
from portal.db import Database
from portal.identity import Person, sign_in
from portal.procedures import Content
from portal.settings import Settings
from tests.builders.world import ROOT, Bureau, World

SECRET = "correct horse 9"


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """An environment with nothing of this machine's in it."""
    for name in ("DATABASE_URL", "S3_ENDPOINT", "PORT", "PORTAL_DEMO", "PUBLIC_URL", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PORTAL_HOME", str(tmp_path / "home"))
    return monkeypatch


@pytest.fixture
def on(settings, own_database):
    """The environment names a database of its own."""
    settings.setenv("DATABASE_URL", own_database.url)
    return settings


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """A copy of the shipped content, to be spoilt."""
    folder = tmp_path / "content"
    for root in ("bpmn", "forms", "documents"):
        shutil.copytree(ROOT / root, folder / root)
    return folder


@contextmanager
def opened(url: str) -> Iterator[Session]:
    database = Database(url)
    with database.transaction() as tx:
        yield tx
    database.close()


def said(capsys) -> dict[str, object]:
    return json.loads(capsys.readouterr().out)


class TestCheck:
    def test_the_shipped_content_has_no_fault(self, settings, capsys):
        assert main(["check", "--json"]) == 0
        assert said(capsys) == {"ok": True, "faults": []}

    def test_a_fault_is_told_with_its_place_and_how_to_mend_it(self, settings, content, capsys):
        manifest = content / "bpmn/chongqing-ets/allocation/procedure.toml"
        manifest.write_text(manifest.read_text().replace('role = "handler"', 'role = "nobody"'))
        assert main(["check", "--json", str(content)]) == 1
        faults = said(capsys)["faults"]
        assert any(fault["file"] == "bpmn/chongqing-ets/allocation/procedure.toml" for fault in faults)
        assert main(["check", str(manifest)]) == 1
        assert "处问题" in capsys.readouterr().out

    def test_without_a_path_it_is_the_content_of_the_settings(self, settings, content, capsys):
        (content / "bpmn/chongqing-ets/allocation/procedure.toml").write_text('title = "?"')
        settings.setenv("PORTAL_CONTENT", str(content))
        assert main(["check", "--json"]) == 1
        assert {fault["file"] for fault in said(capsys)["faults"]} >= {"bpmn/chongqing-ets/allocation/procedure.toml"}

    def test_a_path_without_content_is_refused_in_one_line(self, settings, tmp_path, capsys):
        assert main(["check", str(tmp_path)]) == 1
        assert capsys.readouterr().err.startswith("portal: There is no content in")

    def test_a_wrong_setting_is_one_line_too(self, settings, capsys):
        settings.setenv("PORT", "eighty")
        assert main(["check"]) == 1
        assert capsys.readouterr().err.count("\n") == 1


class TestAct:
    def test_what_no_path_reaches_is_told_and_nothing_of_the_trial_stays(self, on, own_database, content, capsys):
        paths = sorted((content / "bpmn").glob("*/*/paths/*.toml"))
        for path in paths[1:]:
            path.unlink()
        assert main(["act", "--json", str(content)]) == 1
        told = said(capsys)
        assert told["acted"] == len(paths[:1])
        assert all("没有路径" in fault["what"] for fault in told["faults"])
        with own_database.transaction() as tx:
            schemas = tx.scalars(text("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'trial%'")).all()
        assert schemas == []


class TestTrialsSideBySide:
    """Several regulations are acted each by a process of its own."""

    @pytest.fixture
    def unreadable(self, content: Path) -> list[Content]:
        """Two regulations whose trials end at once: what stands ready for their paths cannot be read."""
        shutil.rmtree(content / "bpmn/shenzhen-tanpuhui")
        for given in content.glob("bpmn/*/given.toml"):
            given.write_text("people = 3")
        return contents(content)

    def test_each_tells_of_its_own_and_what_was_changed_meanwhile_has_not_been_acted(self, on, content, unreadable):
        (content / "bpmn/chongqing-ets/given.toml").write_text("people = 4")
        changed, other = trials.act_each(Settings.read(), content, unreadable)
        assert [str(fault) for fault in changed.faults] == ["bpmn/chongqing-ets：内容在试走时被改动（改完后再试一次）"]
        assert {fault.file for fault in other.faults} == {"bpmn/jiaxing-tanpuhui/given.toml"}
        assert (changed.acted, other.acted) == (0, 0)

    def test_a_process_without_a_result_is_told(self, settings, content, unreadable):
        settings.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
        with pytest.raises(TrialBroken, match="The paths of chongqing-ets were not acted"):
            trials.act_each(Settings.read(), content, unreadable)


class TestClock:
    def test_only_a_demo_moves_it(self, on, capsys):
        for arguments in (["advance", "3"], ["set", "2030-01-01"], ["reset"]):
            assert main(["clock", *arguments]) == 1
        assert capsys.readouterr().err.count("Only a demo") == 3
        assert main(["clock", "show", "--json"]) == 0
        assert said(capsys)["ahead_seconds"] == 0

    def test_it_moves_on_by_days_and_by_working_days_and_is_set_right_again(self, on, own_database, capsys):
        on.setenv("PORTAL_DEMO", "1")
        today = day_of(clock.now())
        assert main(["clock", "advance", "3", "--json"]) == 0
        assert (day_of(datetime.fromisoformat(said(capsys)["now"])) - today).days == 3
        main(["clock", "reset", "--json"])
        assert said(capsys)["ahead_seconds"] == 0

        with own_database.transaction() as tx:
            wanted = calendars.current(tx).count(today, 7).last_day
        main(["clock", "advance", "7", "working", "days", "--json"])
        assert day_of(datetime.fromisoformat(said(capsys)["now"])) == wanted

        main(["clock", "set", "2030-05-06T09:30", "--json"])
        assert said(capsys)["now"].startswith("2030-05-06T09:30")
        main(["clock", "show"])
        assert "moved by" in capsys.readouterr().out

    @pytest.mark.parametrize("arguments", [["set", "tomorrow"], ["advance", "3", "moons"]])
    def test_what_is_no_moment_or_unit_is_refused(self, on, capsys, arguments):
        on.setenv("PORTAL_DEMO", "1")
        assert main(["clock", *arguments]) == 1
        assert capsys.readouterr().err.count("\n") == 1

    def test_an_amount_is_a_positive_number(self, on, capsys):
        with pytest.raises(SystemExit) as ended:
            main(["clock", "advance", "0"])
        assert ended.value.code == 2


class TestUsers:
    @pytest.fixture
    def secret(self, tmp_path: Path) -> str:
        file = tmp_path / "secret"
        file.write_text(f"{SECRET}\n")
        return str(file)

    def test_the_first_administrator_of_an_empty_database(self, settings, empty_database, secret):
        settings.setenv("DATABASE_URL", empty_database)
        assert main(["migrate"]) == 0
        assert main(["user", "add", "root", "--name", "管理员", "--administrator", "--password-file", secret]) == 0
        with opened(empty_database) as tx:
            [person] = tx.scalars(select(Person)).all()
            assert person.administrator
            assert isinstance(sign_in(tx, "root", SECRET, "127.0.0.1", clock.now()), str)

    def test_an_official_has_roles_and_is_no_administrator(self, on, own_database, secret):
        Bureau.over(own_database)
        arguments = ["--password-file", secret, "--role", "chongqing-ets:handler", "--role", "chongqing-ets:clerk"]
        assert main(["user", "add", "wang", "--name", "王", *arguments]) == 0
        with own_database.transaction() as tx:
            person = tx.scalars(select(Person).where(Person.login == "wang")).one()
            assert not person.administrator

    def test_an_applicant_belongs_to_an_organisation(self, on, own_database, secret):
        world = World.over(own_database)
        uscc = "91500101MA5YKQ1X0C"
        arguments = ["--password-file", secret, "--organisation", uscc]
        assert main(["user", "add", "qian", "--name", "钱", *arguments]) == 0
        with own_database.transaction() as tx:
            person = tx.scalars(select(Person).where(Person.login == "qian")).one()
            assert person.organisation_id == world.cement

    @pytest.mark.parametrize(
        "more",
        [
            ["--role", "chongqing-ets:king"],
            ["--role", "chongqing-ets:district"],
            ["--organisation", "91110000802100433B"],
            ["--role", "x"],
        ],
    )
    def test_unknown_roles_and_organisations_are_refused(self, on, own_database, secret, more, capsys):
        Bureau.over(own_database)
        assert main(["user", "add", "wang", "--name", "王", "--password-file", secret, *more]) == 1
        assert capsys.readouterr().err.count("\n") == 1
        with own_database.transaction() as tx:
            assert tx.scalars(select(Person).where(Person.login == "wang")).all() == []

    @pytest.mark.parametrize("more", [["--administrator"], ["--role", "nothing"], []])
    @pytest.mark.parametrize("weak", ["short", "long-enough"])
    def test_a_weak_password_in_a_file_is_refused_before_anything_else(
        self, on, monkeypatch, tmp_path, capsys, more, weak
    ):
        monkeypatch.setattr(administration, "serving", lambda *_, **__: pytest.fail("a server was asked for"))
        file = tmp_path / "weak"
        file.write_text(weak)
        assert main(["user", "add", "long-enough", "--name", "王", "--password-file", str(file), *more]) == 1
        assert "A password has 10 to 128 characters and is not the login." in capsys.readouterr().err

    def test_a_weak_password_is_refused_as_it_is_typed(self, on, monkeypatch, capsys):
        typed = iter(["short"])
        monkeypatch.setattr(administration.getpass, "getpass", lambda prompt: next(typed))
        monkeypatch.setattr(administration, "serving", lambda *_, **__: pytest.fail("a server was asked for"))
        assert main(["user", "add", "zhu", "--name", "朱", "--role", "nothing"]) == 1
        assert "A password has 10 to 128 characters and is not the login." in capsys.readouterr().err

    def test_a_typed_password_is_asked_for_twice(self, on, own_database, monkeypatch, capsys):
        typed = iter([SECRET, "something else", SECRET, SECRET])
        monkeypatch.setattr(administration.getpass, "getpass", lambda prompt: next(typed))
        arguments = ["user", "add", "zhu", "--name", "朱", "--administrator"]
        assert main(arguments) == 1
        assert "differ" in capsys.readouterr().err
        assert main(arguments) == 0
        told = capsys.readouterr().out
        assert "zhu (朱) is added: administrator" in told
        assert SECRET not in told
        assert "next: sign in at http://127.0.0.1:8000/sign-in; the page 管理" in told

    def test_a_one_time_password_is_printed_and_has_to_be_changed(self, on, own_database, capsys):
        assert main(["user", "add", "zhu", "--name", "朱", "--administrator", "--one-time"]) == 0
        [password] = re.findall(r"one-time password: ([2-9a-z-]{19})\n", capsys.readouterr().out)
        with own_database.transaction() as tx:
            person = tx.scalars(select(Person).where(Person.login == "zhu")).one()
            assert person.must_change_password
            assert isinstance(sign_in(tx, "zhu", password, "127.0.0.1", clock.now()), str)

    def test_without_a_terminal_no_password_is_asked_for_in_sight(self, on, monkeypatch, capsys):
        def echoing(prompt: str) -> str:
            warnings.warn("Can not control echo on the terminal.", administration.getpass.GetPassWarning, stacklevel=2)
            return SECRET

        monkeypatch.setattr(administration.getpass, "getpass", echoing)
        assert main(["user", "add", "zhu", "--name", "朱", "--administrator"]) == 1
        assert "use --one-time or --password-file" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("more", "told"),
        [
            ([], "Say what the person is"),
            (["--administrator", "--organisation", "91500101MA5YKQ1X0C"], "use two accounts"),
            (["--role", "chongqing-ets:handler", "--organisation", "91500101MA5YKQ1X0C"], "use two accounts"),
        ],
    )
    def test_a_person_is_somebody_and_on_one_side(self, on, own_database, secret, more, told, capsys):
        World.over(own_database)
        assert main(["user", "add", "zhu", "--name", "朱", "--password-file", secret, *more]) == 1
        assert told in capsys.readouterr().err

    def test_what_to_do_next_names_the_running_portal(self, on, secret, tmp_path, capsys):
        home = tmp_path / "home"
        home.mkdir()
        (home / "running.json").write_text(json.dumps({"pid": os.getpid(), "address": "http://127.0.0.1:8123"}))
        assert main(["user", "add", "zhu", "--name", "朱", "--administrator", "--password-file", secret]) == 0
        assert "next: sign in at http://127.0.0.1:8123/sign-in" in capsys.readouterr().out


class TestAudit:
    def test_a_whole_history_is_proved(self, on, own_database, capsys):
        Bureau.over(own_database).notice()
        assert main(["audit", "verify", "--json"]) == 0
        told = said(capsys)
        assert (told["ok"], told["cases"]) == (True, 2)
        assert told["entries"] > 4
        figures = {one["name"]: one["figures"] for one in told["invariants"]}
        assert figures["ledger"] == {"transfers": 1, "entries": 2, "balances": 1}
        assert figures["numbers"] == {"sequences": 3, "numbers": 3}
        assert figures["files"] == {"files": 1, "bytes": 100}

    def test_what_was_tampered_with_is_told(self, on, own_database, capsys):
        Bureau.over(own_database).notice()
        with own_database.transaction() as tx:
            tx.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER append_only"))
            tx.execute(text("UPDATE audit_entries SET kind = 'nothing' WHERE seq = 2"))
            tx.execute(text("ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER append_only"))
        assert main(["audit", "verify"]) == 1
        assert "breaks" in capsys.readouterr().out


class TestMigrate:
    def test_an_empty_database_gets_all_tables_and_a_second_time_nothing_happens(self, settings, empty_database):
        settings.setenv("DATABASE_URL", empty_database)
        assert main(["migrate"]) == 0
        assert main(["migrate"]) == 0
        with opened(empty_database) as tx:
            assert tx.scalar(text("SELECT count(*) FROM cases")) == 0
            assert tx.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 0

    def test_an_absent_database_is_told_in_one_line(self, settings, capsys):
        settings.setenv("DATABASE_URL", "postgresql://portal:x@/portal?host=%2Fnonexistent")
        assert main(["migrate"]) == 1
        assert "database cannot be reached" in capsys.readouterr().err
