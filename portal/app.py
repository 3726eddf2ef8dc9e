"""Puts everything together: the one place that knows every package."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy import MetaData
from sqlalchemy.orm import Session
from werkzeug.middleware.dispatcher import DispatcherMiddleware

import portal
from portal import api, clock
from portal.audit import models as audit
from portal.calendar import models as calendar
from portal.cases import models as cases
from portal.cases.actions import ACTIONS
from portal.cases.kernel import Kernel
from portal.db import Base, Database, moved_clock
from portal.deadlines import models as deadlines
from portal.documents import models as documents
from portal.documents import pdf
from portal.edge import models as edge
from portal.edge.counters import counted
from portal.edge.machine import Machine
from portal.identity import models as identity
from portal.inbox import models as inbox
from portal.jobs import ProcrastinateQueue
from portal.ledger import models as ledger
from portal.notify import models as notify
from portal.procedures import Releases
from portal.procedures import models as procedures
from portal.registers import models as registers
from portal.settings import Settings
from portal.storage import Clamd, S3Store
from portal.web import Accounts, Pages, create_app, metrics
from portal.web.assets import DIST, Manifest
from portal.worker import Tools

# Every table of the portal, for Alembic: a module that is missing here is missed by the migrations.
TABLES = (
    moved_clock,
    audit,
    calendar,
    cases,
    deadlines,
    documents,
    edge,
    identity,
    inbox,
    ledger,
    notify,
    procedures,
    registers,
)
PACKAGE = Path(portal.__file__).resolve().parent


def metadata() -> MetaData:
    """All tables, as the models say."""
    return Base.metadata


def kernel(settings: Settings) -> Kernel:
    """What acts need; only in a demo is the clock read that can be moved."""

    def now(tx: Session) -> datetime:
        return clock.now(moved_clock.offset(tx)) if settings.demo else clock.now()

    mails, scans = settings.mail is not None, settings.scanner is not None
    return Kernel(Releases(), ProcrastinateQueue(), now, ACTIONS, mails=mails, scans=scans)


def tools(settings: Settings) -> Tools:
    """What the worker and the demo work with; the settings name a database and an object store."""
    assert settings.database_url is not None
    assert settings.s3 is not None
    database, store = Database(settings.database_url), S3Store(settings.s3)
    office = pdf.office() if settings.letter_pdf else None
    scanner = Clamd(settings.scanner) if settings.scanner else None
    return Tools(
        database,
        store,
        kernel(settings),
        settings.public_url,
        settings.mail,
        office,
        scanner,
        orphans_after=timedelta(hours=settings.orphans_after_hours),
        answers_kept=timedelta(hours=settings.kept_answers_hours),
    )


def web(settings: Settings, accounts: Accounts) -> Flask:
    """The pages; `accounts` says what a demo's sign-in page offers."""
    assert settings.secret_key is not None
    parts = tools(settings)
    assets = Manifest(PACKAGE.parent / DIST)
    machine = Pages(settings, parts.database, parts.store, parts.kernel, assets, settings.secret_key, accounts)
    return mounted(create_app(machine), machine)


def mounted(pages: Flask, machine: Machine) -> Flask:
    """The pages with the API beside them: an application of its own, near which comes no cookie of theirs."""
    programs = counted(api.create_app(machine).wsgi_app, pages.extensions[metrics.EXTENSION])
    pages.wsgi_app = DispatcherMiddleware(pages.wsgi_app, {api.MOUNTED: programs})  # type: ignore[method-assign] # Flask's own way
    return pages


def content_folder(settings: Settings) -> Path:
    """Where the content lies: where the settings say, else what ships, in the package or in a checkout beside it."""
    shipped = PACKAGE / "content"
    return settings.content or (shipped if shipped.is_dir() else PACKAGE.parent)
