"""`portal migrate`, `user` and `audit`: what an administrator does from the command line."""

from __future__ import annotations

import getpass
import json
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from portal import app, clock, identity, jobs
from portal.cases import invariants
from portal.cases.invariants import Proved
from portal.commands.servers import database_of, running_at, serving
from portal.db import migrations
from portal.errors import PortalError
from portal.identity import accounts
from portal.identity.rules import PasswordsDiffer, check_password
from portal.procedures import Published
from portal.settings import Settings
from portal.storage import S3Store, StoreUnavailable

STORE_COMES_WITHIN = 60.0


class NothingToBe(PortalError):
    """A person who would be nobody here."""

    zh = "请写明其身份：--administrator（管理员）、--role 法规:岗位（工作人员）或 --organisation 代码（单位人员）。"
    en = "Say what the person is: --administrator, --role REGULATION:ROLE or --organisation USCC."


class BothSides(PortalError):
    """An applicant who would be an official too."""

    zh = "单位人员不能兼任管理员或工作人员，请分别使用两个账号。"
    en = "An applicant cannot be an administrator or official too: use two accounts."


class NoTerminal(PortalError):
    """A password is to be typed, and there is nowhere to type it unseen."""

    zh = "这里不能隐藏输入密码；请改用 --one-time 或 --password-file。"
    en = "There is no terminal to type a password unseen: use --one-time or --password-file."


class NoSuchOrganisation(PortalError):
    """No organisation has this code."""

    zh = "没有统一社会信用代码为 {uscc} 的单位。"
    en = "No organisation has the code {uscc}."


class UnknownRole(PortalError):
    """A role that no published regulation knows."""

    zh = "没有岗位“{role}”；写法：法规:岗位，例如 {example}；区县机构的岗位再写区县，法规:岗位:区县。"
    en = "There is no role {role}; write regulation:role, for example {example}, or regulation:role:region."


def migrate(settings: Settings) -> None:
    """Brings the tables, the jobs' included, to the newest state."""
    assert settings.database_url is not None
    migrations.upgrade(settings.database_url, app.metadata())
    jobs.schema(settings.database_url)


def make_bucket(settings: Settings) -> None:
    """Makes the bucket of the store that the settings name, which may be starting just now; StoreUnavailable when it
    does not come up. The embedded store has made its own."""
    if settings.s3 is None:
        return
    store, end = S3Store(settings.s3), time.monotonic() + STORE_COMES_WITHIN
    while True:
        try:
            store.create_bucket()
        except StoreUnavailable:
            if time.monotonic() > end:
                raise
        else:
            return
        time.sleep(1)


@dataclass(frozen=True)
class NewUser:
    """A person to be added: an administrator, an official with roles, or an applicant of an organisation."""

    login: str
    name: str
    password: str | None
    """None: one is made, printed, and to be changed at the first sign-in."""
    administrator: bool
    roles: Sequence[str]
    organisation: str | None


def add_user(settings: Settings, new: NewUser) -> None:
    """Adds a person and says what to do next; NothingToBe, BothSides, UnknownRole, NoSuchOrganisation, and what
    identity refuses."""
    if new.organisation and (new.administrator or new.roles):
        raise BothSides()
    if not (new.organisation or new.administrator or new.roles):
        raise NothingToBe()
    password = new.password or accounts.one_time_password()
    with serving(settings, objects=False) as served:
        kernel = app.kernel(served)
        with database_of(served) as database, database.transaction() as tx:
            granted = [_role(role, kernel.releases.in_force(tx)) for role in new.roles]
            person = identity.add_person(
                tx,
                login=new.login,
                name=new.name,
                password=password,
                organisation_id=_organisation(tx, new.organisation) if new.organisation else None,
                administrator=new.administrator,
            )
            person.must_change_password = new.password is None
            login = person.login
            for regulation, role, region in granted:
                today = clock.day_of(kernel.now(tx))
                identity.grant_role(
                    tx, person_id=person.id, regulation=regulation, role=role, from_day=today, body=region
                )
    _say_what_next(settings, new, login, password)


def _say_what_next(settings: Settings, new: NewUser, login: str, password: str) -> None:
    what = "administrator" if new.administrator else "applicant" if new.organisation else "official"
    print(f"{login} ({new.name}) is added: {what}")
    if new.password is None:
        print(f"one-time password: {password}\nIt is shown here only; it is changed at the first sign-in.")
    address = running_at(settings)
    # Pages that run apart, as with a database of one's own, do not say in this home that they do.
    begin = "" if address or settings.database_url else "start the portal, then "
    where = f"{begin}sign in at {address or settings.public_url}/sign-in"
    then = "; the page 管理 leads through the first steps" if new.administrator else ""
    print(f"next: {where}{then}")


def _role(given: str, in_force: list[Published]) -> tuple[str, str, str | None]:
    """Regulation, role, and of a body that every region has one of, the region."""
    known = {(one.regulation.slug, name): role for one in in_force for name, role in one.regulation.roles.items()}
    regulation, _, rest = given.partition(":")
    name, _, region = rest.partition(":")
    role = known.get((regulation, name))
    regional = {one.regulation.slug: one.regulation.regional for one in in_force}.get(regulation, frozenset())
    if role is None or (role.body in regional) is not bool(region):
        raise UnknownRole(role=given, example=":".join(next(iter(known), ("REGULATION", "ROLE"))))
    return regulation, name, region or None


def _organisation(tx: Session, uscc: str) -> int:
    found = identity.organisation_by_uscc(tx, uscc)
    if found is None:
        raise NoSuchOrganisation(uscc=uscc)
    return found.id


def password_from(file: Path | None, login: str) -> str:
    """The password for a login, from a file's first line or asked for twice without showing it.

    WeakPassword, before it is asked for again; PasswordsDiffer, NoTerminal.
    """
    if file is not None:
        password = file.read_text().partition("\n")[0]
        check_password(password, login)
        return password
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            password = getpass.getpass("Password (10 characters or more): ")
            check_password(password, login)
            again = getpass.getpass("Again: ")
        except (getpass.GetPassWarning, EOFError) as error:
            raise NoTerminal from error
    if password != again:
        raise PasswordsDiffer
    return password


def verify_audit(settings: Settings, *, objects: bool, as_json: bool) -> int:
    """Proves every history and whatever else must hold, with `objects` every file too; 1 when something does not."""
    with serving(settings, objects=objects) as served, database_of(served) as database, database.transaction() as tx:
        store = S3Store(served.s3) if objects and served.s3 is not None else None
        proved = invariants.prove(tx, store)
    if as_json:
        print(json.dumps(as_data(proved), ensure_ascii=False, default=str))
    else:
        print(*report(proved), sep="\n")
    return 0 if proved.holds else 1


def as_data(proved: Proved) -> dict[str, object]:
    """What was proved, for a program: the histories' figures and breaks, and each invariant with its own."""
    histories = proved.invariants[0]
    breaks = [asdict(one) for one in proved.breaks]
    return {
        "ok": proved.holds,
        **histories.figures,
        "breaks": breaks,
        "invariants": [asdict(one) for one in proved.invariants],
    }


def report(proved: Proved) -> Iterator[str]:
    """What was proved, a line for each invariant with its figures, and one for each fault."""
    for one in proved.invariants:
        yield from (f"  {fault}" for fault in one.faults)
        figures = ", ".join(f"{figure:,} {name}" for name, figure in one.figures.items())
        verdict = f"{len(one.faults)} breaks" if one.faults else one.holds
        yield f"{one.name}: {figures}: {verdict}"
