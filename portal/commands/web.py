"""`portal web`: the pages, served by gunicorn."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import TYPE_CHECKING, Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.http.errors import ParseException
from gunicorn.workers.base import Worker

from portal import app
from portal.commands import rubbish
from portal.settings import Settings
from portal.web import Accounts, metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

THREADS = 8
REQUEST_SECONDS = 120
ENDS_WITHIN = 30
"""Seconds that running requests are given at the end, such as an upload over a slow line."""
ENDS_SOON = 3
"""The same for a child of `portal run`, on whose end somebody at a terminal waits."""


class Arriving:
    """The body of a request; chunks that are none end it like a line that breaks (OSError), as every reader expects."""

    def __init__(self, given: InputStream) -> None:
        self._given = given

    def read(self, size: int = -1) -> bytes:
        """Some bytes."""
        try:
            return self._given.read(size)
        except ParseException as error:
            raise OSError(str(error)) from error


class Server(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """Gunicorn with our settings, over one application that all its processes share."""

    def __init__(self, application: Flask, host: str, settings: Settings, ends_within: int) -> None:
        self._application, self._host, self._settings = application, host, settings
        self._ends_within = ends_within
        super().__init__()

    def load_config(self) -> None:
        """Everything gunicorn is told; it reads no file and no environment."""
        options: dict[str, Any] = {
            "bind": f"{self._host}:{self._settings.port}",
            "workers": self._settings.web_workers,
            "worker_class": "gthread",
            "threads": THREADS,
            "preload_app": True,
            "timeout": REQUEST_SECONDS,
            "graceful_timeout": self._ends_within,
            "keepalive": 5,
            "loglevel": "warning",
            "proc_name": "portal-web",
            "control_socket_disable": True,
            # How people come here PUBLIC_URL says, not a header: a proxy on this machine is as any other.
            "forwarded_allow_ips": "",
            "pre_fork": self._give_row,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> WSGIApplication:
        """The application, which knows nothing of gunicorn."""

        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            environ["wsgi.input"] = Arriving(environ["wsgi.input"])
            return self._application(environ, start_response)

        return answer

    def _give_row(self, arbiter: Arbiter, worker: Worker) -> None:
        """A row of the counters to each process, none of which two that live write to."""
        taken = {other.row for other in arbiter.WORKERS.values()}
        worker.row = next(row for row in count() if row not in taken)
        self._application.extensions[metrics.EXTENSION].take(worker.row)


def serve(settings: Settings, host: str, accounts: Accounts, *, short: bool = False) -> None:
    """Serves until told to stop, and then ends in `short` or in good time; content is opened once, before the
    processes part ways."""
    application = app.web(settings, accounts)
    machine = application.extensions["portal"]
    with machine.database.transaction() as tx:
        machine.kernel.releases.in_force(tx)
    # No connection may be shared by two processes.
    machine.database.close()
    rubbish.look_rarely()
    Server(application, host, settings, ENDS_SOON if short else ENDS_WITHIN).run()
