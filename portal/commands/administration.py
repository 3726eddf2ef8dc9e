"""`portal migrate`, `user` and `audit`: what an administrator does from the command line."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import app, audit, clock, identity, jobs
from portal.audit import Chain
from portal.cases import proof
from portal.cases.models import Case
from portal.commands.servers import database_of, serving
from portal.db import migrations
from portal.errors import PortalError
from portal.procedures import Published
from portal.settings import Settings
from portal.storage import S3Store


class PasswordsDiffer(PortalError):
    """The password was typed in two different ways."""

    zh = "两次输入的密码不一致。"
    en = "The two passwords differ."


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
    """Makes the bucket of the store that the settings name; the embedded store has made its own."""
    if settings.s3 is not None:
        S3Store(settings.s3).create_bucket()


def add_user(
    settings: Settings, login: str, name: str, password: str, roles: list[str], organisation: str | None
) -> None:
    """Adds a person; an administrator, unless roles or an organisation are named."""
    with serving(settings, objects=False) as served:
        kernel = app.kernel(served)
        with database_of(served) as database, database.transaction() as tx:
            granted = [_role(role, kernel.releases.in_force(tx)) for role in roles]
            person = identity.add_person(
                tx,
                login=login,
                name=name,
                password=password,
                organisation_id=_organisation(tx, organisation) if organisation else None,
                administrator=not roles and organisation is None,
            )
            for regulation, role, region in granted:
                today = clock.day_of(kernel.now(tx))
                identity.grant_role(
                    tx, person_id=person.id, regulation=regulation, role=role, from_day=today, body=region
                )


def _role(given: str, in_force: list[Published]) -> tuple[str, str, str | None]:
    """Regulation, role, and of a body that every region has one of, the region."""
    known = {(one.regulation.slug, name): role for one in in_force for name, role in one.regulation.roles.items()}
    regulation, _, rest = given.partition(":")
    name, _, region = rest.partition(":")
    role = known.get((regulation, name))
    regional = {one.regulation.slug: one.regulation.regional for one in in_force}.get(regulation, frozenset())
    if role is None or (role.body in regional) is not bool(region):
        raise UnknownRole(role=given, example=":".join(next(iter(known), ("chongqing-ets", "handler"))))
    return regulation, name, region or None


def _organisation(tx: Session, uscc: str) -> int:
    found = identity.organisation_by_uscc(tx, uscc)
    if found is None:
        raise NoSuchOrganisation(uscc=uscc)
    return found.id


def password_from(file: Path | None) -> str:
    """The password in a file's first line, or asked for twice."""
    if file is not None:
        return file.read_text().partition("\n")[0]
    first = getpass.getpass("Password: ")
    if first != getpass.getpass("Again: "):
        raise PasswordsDiffer
    return first


def verify_audit(settings: Settings, *, as_json: bool) -> int:
    """Proves the history of every case; 1 when it has been tampered with."""
    with serving(settings, objects=False) as served, database_of(served) as database, database.transaction() as tx:
        # One snapshot: an act that commits in between must not look like a break.
        tx.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        rows = tx.execute(select(Case.id, Case.audit_length, Case.audit_head).order_by(Case.id)).all()
        breaks = audit.verify(tx, ((case_id, Chain(length, head)) for case_id, length, head in rows))
        breaks += proof.altered(tx)
    entries = sum(length for _, length, _ in rows)
    if as_json:
        said = {"ok": not breaks, "cases": len(rows), "entries": entries, "breaks": [asdict(b) for b in breaks]}
        print(json.dumps(said, ensure_ascii=False, default=str))
    else:
        print(*breaks, sep="\n", end="\n" if breaks else "")
        verdict = f"{len(breaks)} breaks" if breaks else "every history is complete and unchanged"
        print(f"{len(rows)} cases, {entries} entries: {verdict}")
    return 1 if breaks else 0
