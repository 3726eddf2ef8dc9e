"""`portal web`: the pages, served by gunicorn."""

from __future__ import annotations

import gc
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from portal import app
from portal.settings import Settings
from portal.web import Accounts

THREADS = 8
REQUEST_SECONDS = 120
ENDS_WITHIN = 3
"""Seconds that running requests are given at the end."""


class Server(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """Gunicorn with our settings, over one application that all its processes share."""

    def __init__(self, application: Flask, host: str, settings: Settings) -> None:
        self._application, self._host, self._settings = application, host, settings
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
            "graceful_timeout": ENDS_WITHIN,
            "keepalive": 5,
            "loglevel": "warning",
            "proc_name": "portal-web",
            "control_socket_disable": True,
            "forwarded_allow_ips": "127.0.0.1",
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application."""
        return self._application


def serve(settings: Settings, host: str, accounts: Accounts) -> None:
    """Serves until told to stop; content is opened once, before the processes part ways."""
    application = app.web(settings, accounts)
    machine = application.extensions["portal"]
    with machine.database.transaction() as tx:
        machine.kernel.releases.in_force(tx)
    # No connection may be shared by two processes.
    machine.database.close()
    gc.freeze()
    Server(application, host, settings).run()
