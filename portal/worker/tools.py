"""What jobs and timers work with, put together once by the application."""

from __future__ import annotations

from dataclasses import dataclass

from portal.cases.kernel import Kernel
from portal.db import Database
from portal.settings import MailSettings
from portal.storage import ObjectStore


@dataclass(frozen=True)
class Tools:
    """The database, the object store, the kernel, and the address that letters point to."""

    database: Database
    store: ObjectStore
    kernel: Kernel
    public_url: str
    mail: MailSettings | None = None
    """None: no mail is sent."""
    office: str | None = None
    """The path of LibreOffice, which makes a PDF of each letter; None: letters are Word files only."""
