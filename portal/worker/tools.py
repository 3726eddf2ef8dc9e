"""What jobs and timers work with, put together once by the application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from portal.cases.kernel import Kernel
from portal.db import Database
from portal.settings import MailSettings
from portal.storage import ObjectStore, Scanner


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
    scanner: Scanner | None = None
    """None: no file can be looked at; those that wait go on waiting."""
    orphans_after: timedelta = timedelta(hours=24)
    """How old what nobody uses must be to be swept; far longer than any request or job takes."""
    answers_kept: timedelta = timedelta(hours=24)
    """How long the answer to a request with an Idempotency-Key is given again."""
    heard: Callable[[], None] | None = None
    """Called when the database has taken this worker's heartbeat."""
