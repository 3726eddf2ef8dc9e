"""What a request needs of the rest of the portal, put together once by the application."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from flask import current_app

from portal.calendar.service import Calendars
from portal.cases.kernel import Kernel
from portal.db import Database
from portal.settings import Settings
from portal.storage import ObjectStore

EXTENSION = "portal"


@dataclass(frozen=True)
class Machine:
    """Settings, database, object store and kernel."""

    settings: Settings
    database: Database
    store: ObjectStore
    kernel: Kernel
    calendars: Calendars = field(default_factory=Calendars, kw_only=True)


def machine() -> Machine:
    """The machine behind the present request."""
    return cast(Machine, current_app.extensions[EXTENSION])
