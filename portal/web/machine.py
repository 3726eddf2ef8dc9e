"""What pages need of the rest of the portal, put together once by the application."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from flask import current_app
from sqlalchemy.orm import Session

from portal.calendar.service import Calendars
from portal.cases.kernel import Kernel
from portal.db import Database
from portal.procedures import Releases
from portal.settings import Settings
from portal.storage import ObjectStore

if TYPE_CHECKING:
    from portal.web.assets import Manifest  # `python -m portal.web.assets` runs that module itself

EXTENSION = "portal"


@dataclass(frozen=True)
class DemoAccount:
    """An account that the sign-in page of a demo offers: its password is no secret.

    `place`: the region where somebody is, empty for the whole portal; `office`: whether he works for an authority.
    """

    login: str
    password: str
    name: str
    role: str
    place: str
    office: bool


Accounts = Callable[[Releases, Session], Sequence[DemoAccount]]
"""Who can sign in to a demo as things are."""


def _nobody(releases: Releases, tx: Session) -> Sequence[DemoAccount]:
    return ()


@dataclass(frozen=True)
class Machine:
    """Settings, database, object store, kernel and built assets; `secret_key` signs cookies and forms."""

    settings: Settings
    database: Database
    store: ObjectStore
    kernel: Kernel
    assets: Manifest
    secret_key: str
    demo_accounts: Accounts = _nobody
    calendars: Calendars = field(default_factory=Calendars)


def machine() -> Machine:
    """The machine behind the present request."""
    return cast(Machine, current_app.extensions[EXTENSION])
