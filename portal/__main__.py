"""The command line: `portal`, or `python -m portal`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from sqlalchemy.exc import ProgrammingError

from portal import app, demo, worker
from portal.commands import administration, backup, clock, content, health, logs, parent, rubbish, web, why
from portal.commands.arrange import arrange_command
from portal.commands.bench import bench
from portal.commands.run import run
from portal.commands.servers import serving
from portal.commands.token import Asked, token_command
from portal.errors import ContentFaults, PortalError
from portal.identity.tokens import Scope
from portal.settings import Settings

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
LOCAL, EVERYWHERE = "127.0.0.1", "0.0.0.0"  # nosec B104 # 2026-11-22: the address of a server that others are to reach


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; its exit code: 0 well, 1 refused or faulty, 2 not understood, 130 broken off."""
    options = parser().parse_args(arguments)
    logs.install()
    try:
        return int(options.do(Settings.read(), options) or 0)
    except ContentFaults as error:
        print(*error.faults, sep="\n", file=sys.stderr)
        return 1
    except PortalError as error:
        print(f"portal: {error}", file=sys.stderr)
        return 1
    except ProgrammingError as error:
        print(f"portal: the tables are not there yet, run `portal migrate` first ({error.orig})", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"portal: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """What may be typed."""
    top = argparse.ArgumentParser(prog="portal", description="A portal for statutory filings and appeals.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _servers(commands)
    _content(commands)
    _clock(commands)
    _administration(commands)
    # What stands behind it is for the measurements to understand, options too.
    measures = commands.add_parser("bench", add_help=False, prefix_chars="\0", help="measure the speed (in a checkout)")
    measures.add_argument("arguments", nargs="*", metavar="ROW")
    measures.set_defaults(do=lambda _settings, options: bench(options.arguments))
    return top


def _servers(commands: Commands) -> None:
    everything = commands.add_parser("run", help="everything embedded: servers, pages, a worker")
    everything.add_argument("--host", default=LOCAL)
    everything.set_defaults(do=lambda settings, options: run(settings, options.host))

    pages = commands.add_parser("web", help="the pages")
    pages.add_argument("--host", default=EVERYWHERE)
    pages.set_defaults(do=_web)

    jobs = commands.add_parser("worker", help="jobs and timers")
    jobs.set_defaults(do=_worker)
    well = commands.add_parser("health", help="whether the pages or the worker of this machine are well")
    health.add_arguments(well)
    well.set_defaults(do=lambda settings, options: health.check(settings, options.part, options.host))
    for child in (pages, jobs):
        child.add_argument("--child", action="store_true", help=argparse.SUPPRESS)


def _web(settings: Settings, options: argparse.Namespace) -> None:
    if options.child:
        parent.wait_for_parent()
    with serving(settings) as served:
        web.serve(served, options.host, demo.present, short=options.child)


def _worker(settings: Settings, options: argparse.Namespace) -> None:
    if options.child:
        parent.wait_for_parent()
    with serving(settings) as served:
        rubbish.look_rarely()
        worker.run(replace(app.tools(served), heard=health.heartbeat_of(served)))


def _content(commands: Commands) -> None:
    check = commands.add_parser("check", help="find faults in content")
    check.set_defaults(do=lambda settings, options: content.check_command(settings, options.path, as_json=options.json))
    act = commands.add_parser("act", help="act the paths")
    act.set_defaults(do=lambda settings, options: content.act_command(settings, options.path, as_json=options.json))
    for command in (check, act):
        command.add_argument("path", nargs="?", type=Path, help="a content folder, or something in one")
        command.add_argument("--json", action="store_true")
    arrange = commands.add_parser("arrange", help="lay diagrams out anew: lanes as bands, time to the right")
    arrange.add_argument("path", nargs="+", type=Path, help="a .bpmn file, or a folder with some")
    arrange.set_defaults(do=lambda settings, options: arrange_command(options.path))
    publish = commands.add_parser("publish", help="check, act and publish the content")
    publish.set_defaults(do=lambda settings, options: content.publish_command(settings))


def _clock(commands: Commands) -> None:
    turns = commands.add_parser("clock", help="the legal clock (moved in a demo only)").add_subparsers(
        required=True, metavar="WHAT"
    )
    show = turns.add_parser("show")
    show.set_defaults(do=lambda settings, options: clock.show(settings, as_json=options.json))
    advance = turns.add_parser("advance", help="advance 3 | advance 3 working days | advance 2 hours")
    advance.add_argument("amount", type=_positive)
    advance.add_argument("unit", nargs="*", default=["days"])
    advance.set_defaults(do=_advance)
    to = turns.add_parser("set")
    to.add_argument("moment", help="2026-10-12T09:30")
    to.set_defaults(do=lambda settings, options: clock.set_to(settings, options.moment, as_json=options.json))
    reset = turns.add_parser("reset")
    reset.set_defaults(do=lambda settings, options: clock.reset(settings, as_json=options.json))
    for turn in (show, advance, to, reset):
        turn.add_argument("--json", action="store_true")


def _positive(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 3660:
        raise ValueError(text)
    return number


def _advance(settings: Settings, options: argparse.Namespace) -> None:
    unit = " ".join(options.unit)
    if unit not in clock.UNITS:
        raise clock.NotAUnit(unit=unit, units=", ".join(clock.UNITS))
    clock.advance(settings, options.amount, unit, as_json=options.json)


def _administration(commands: Commands) -> None:
    migrate = commands.add_parser("migrate", help="tables to their newest state, and the bucket")
    migrate.set_defaults(do=_migrate)

    user = commands.add_parser("user", help="people").add_subparsers(required=True, metavar="WHAT")
    add = user.add_parser("add", help="an administrator, an official with roles, or an applicant")
    add.add_argument("login", help="what is typed to sign in")
    add.add_argument("--name", required=True, help="how the person is called on pages")
    add.add_argument("--administrator", action="store_true")
    secret = add.add_mutually_exclusive_group()
    secret.add_argument("--password-file", type=Path, help="its first line; else the password is asked for twice")
    secret.add_argument("--one-time", action="store_true", help="print a password to be changed at the first sign-in")
    add.add_argument("--role", action="append", default=[], metavar="REGULATION:ROLE")
    add.add_argument("--organisation", metavar="USCC")
    add.set_defaults(do=_add_user)

    token = commands.add_parser("token", help="what a program shows instead of signing in: issue, list, revoke")
    token.add_argument("user", nargs="?", help="whose: a login")
    token.add_argument("--name", default="command line", help="what it is for")
    token.add_argument("--scope", action="append", default=[], choices=list(map(str, Scope)), help="may be repeated")
    token.add_argument("--until", metavar="DAY", help="last day, 2026-12-31; else 90 days from today")
    instead = token.add_mutually_exclusive_group()
    instead.add_argument("--list", action="store_true", help="those in use, of USER or of everybody")
    instead.add_argument("--revoke", type=int, metavar="ID", help="end one at once")
    token.add_argument("--json", action="store_true")
    token.set_defaults(do=_token)

    asking = commands.add_parser("why", help="why a case stands still: what it waits for, until when")
    asking.add_argument("case", help="its number or its id")
    asking.add_argument("--json", action="store_true")
    asking.set_defaults(do=lambda settings, options: why.why_command(settings, options.case, as_json=options.json))

    audit = commands.add_parser("audit", help="the history").add_subparsers(required=True, metavar="WHAT")
    verify = audit.add_parser("verify", help="prove histories, ledger, numbers and files")
    verify.add_argument("--objects", action="store_true", help="read and compare every file, too")
    verify.add_argument("--json", action="store_true")
    verify.set_defaults(
        do=lambda settings, options: administration.verify_audit(
            settings, objects=options.objects, as_json=options.json
        )
    )

    backing = commands.add_parser("backup", help="rows and files of one moment, while the portal runs")
    backing.add_argument("folder", type=Path, help="a new folder")
    backing.set_defaults(do=lambda settings, options: backup.backup(settings, options.folder, as_json=options.json))
    restoring = commands.add_parser("restore", help="a backup into an empty database and bucket")
    restoring.add_argument("folder", type=Path)
    restoring.set_defaults(do=lambda settings, options: backup.restore(settings, options.folder, as_json=options.json))
    for command in (backing, restoring):
        command.add_argument("--json", action="store_true")


def _migrate(settings: Settings, options: argparse.Namespace) -> None:
    with serving(settings, objects=False) as served:
        administration.migrate(served)
        administration.make_bucket(served)


def _token(settings: Settings, options: argparse.Namespace) -> None:
    asked = Asked(options.user, options.name, options.scope, options.until, options.revoke, options.list)
    token_command(settings, asked, as_json=options.json)


def _add_user(settings: Settings, options: argparse.Namespace) -> None:
    password = None if options.one_time else administration.password_from(options.password_file, options.login)
    new = administration.NewUser(
        options.login, options.name, password, options.administrator, options.role, options.organisation
    )
    administration.add_user(settings, new)


if __name__ == "__main__":
    sys.exit(main())
