"""Officials: the list, and adding one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.clock import day_of
from portal.edge.acting import act, asked, moment, reading
from portal.errors import PortalError
from portal.identity import Actor, Permission, Person, accounts, granting
from portal.identity.rules import LoginTaken
from portal.web.access import needs, permit
from portal.web.admin.blueprint import blueprint, frame
from portal.web.admin.words import role_text
from portal.web.languages import listed, said
from portal.web.pages import render

SIZE = 50
_SHOWN = 200
PEOPLE = "/admin/people"


@dataclass(frozen=True)
class Row:
    """An official as the list shows him."""

    person: Person
    roles: str


@dataclass(frozen=True)
class Typed:
    """Somebody to be added, as typed."""

    login: str = ""
    name: str = ""
    administrator: bool = False
    reason: str = ""

    @classmethod
    def read(cls) -> Typed:
        """What this request posts."""
        form = request.form
        return cls(
            form.get("login", "").strip(),
            form.get("name", "").strip(),
            form.get("kind") == "administrator",
            form.get("reason", "").strip(),
        )

    def faults(self, tx: Session) -> dict[str, PortalError]:
        """What is wrong with it, by field."""
        found = {
            "name": accounts.name_fault(self.name, _("姓名")),
            "login": accounts.login_fault(tx, self.login, _("用户名")),
            "reason": accounts.reason_fault(self.reason, _("事由")),
        }
        return {field: fault for field, fault in found.items() if fault is not None}


@blueprint.get("/people")
@needs(Permission.PERSON_MANAGE)
def people() -> ResponseReturnValue:
    """The officials, last added first, with the roles they hold today."""
    actor = permit()
    text, before = request.args.get("q", "").replace("\0", "").strip()[:_SHOWN], asked("before")
    with reading() as tx:
        found = accounts.officials_like(tx, text, before, SIZE + 1)
        shown = found[:SIZE]
        asks = {"q": text} if text else {}
        first = f"{PEOPLE}?{urlencode(asks)}" if text else PEOPLE
        more = urlencode({**asks, "before": shown[-1].id}) if len(found) > SIZE else ""
        return render(
            "admin/people.html",
            rows=_rows(tx, shown),
            q=text,
            earlier=first if before is not None else None,
            later=f"{PEOPLE}?{more}" if more else None,
            **frame(tx, actor, PEOPLE),
        )


@blueprint.get("/people/add")
@needs(Permission.PERSON_ADD)
def add_page() -> ResponseReturnValue:
    """Asks for a name and a login."""
    return _form(permit(), Typed(), {})


@blueprint.post("/people/add")
@needs(Permission.PERSON_ADD)
def add() -> ResponseReturnValue:
    """Adds an official and shows his password, this once."""
    actor, typed = permit(), Typed.read()
    with reading() as tx:
        faults = typed.faults(tx)
    if faults:
        return _form(actor, typed, faults), 422
    try:
        added = act(
            lambda tx, now: accounts.add(
                tx, actor, login=typed.login, name=typed.name, administrator=typed.administrator,
                reason=typed.reason, moment=now,
            ),
            _("添加人员"),
        )  # fmt: skip
    except LoginTaken as fault:
        return _form(actor, typed, {"login": fault}), 422
    return shown_once(actor, added, is_new=True)


def shown_once(actor: Actor, added: accounts.Added, *, is_new: bool) -> ResponseReturnValue:
    """The page with a one-time password, which is kept nowhere."""
    with reading() as tx:
        return render("admin/password.html", added=added, is_new=is_new, **frame(tx, actor, PEOPLE))


def _rows(tx: Session, shown: list[Person]) -> list[Row]:
    today = day_of(moment(tx))
    granted = granting.of_people(tx, [person.id for person in shown], today)
    rows = []
    for person in shown:
        titles = [role_text(tx, grant.regulation, grant.role, grant.body) for grant in granted[person.id]]
        rows.append(Row(person, listed(dict.fromkeys(titles))))
    return rows


def _form(actor: Actor, typed: Typed, faults: Mapping[str, PortalError]) -> str:
    with reading() as tx:
        return render(
            "admin/add.html",
            typed=typed,
            errors={field: said(fault) for field, fault in faults.items()},
            kinds=[
                ("official", _("工作人员"), _("办理案件，按授予的岗位")),
                ("administrator", _("管理员"), _("管理人员、岗位和运行，看不到案件内容")),
            ],
            **frame(tx, actor, PEOPLE),
        )
