"""Whether the process of this container is well, for its health check: `python -m portal.commands.health web|worker`.

It is asked every few seconds, so it loads nothing of the portal but the settings; `portal health` is the same.
"""

from __future__ import annotations

import argparse
import http.client
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from portal import clock
from portal.errors import PortalError
from portal.settings import Settings

ANSWERS_WITHIN = 5.0
SILENT_FOR = 30.0
"""Seconds after which a worker that has written no heartbeat is not well: it writes one every five."""
PARTS = ("web", "worker")


class NotWell(PortalError):
    """The process that was asked after does not do what it is there for."""

    zh = "{part} 不正常：{reason}。"
    en = "{part} is not well: {reason}."


def heartbeat_of(settings: Settings) -> Callable[[], None]:
    """What a worker calls whenever the database has taken its heartbeat: the home keeps when that was."""
    file = _file(settings)

    def beat() -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()

    return beat


def check(settings: Settings, part: str, host: str) -> None:
    """NotWell, with the reason."""
    if part == "web":
        _check_web(host, settings.port)
    else:
        _check_worker(_file(settings))


def _check_web(host: str, port: int) -> None:
    asked = http.client.HTTPConnection(host, port, timeout=ANSWERS_WITHIN)
    try:
        asked.request("GET", "/healthz")
        status = asked.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise NotWell(part="web", reason=f"{host}:{port} does not answer ({error})") from error
    finally:
        asked.close()
    if status != 200:
        raise NotWell(part="web", reason=f"{host}:{port} answers {status}")


def _check_worker(file: Path) -> None:
    try:
        age = clock.now().timestamp() - file.stat().st_mtime
    except FileNotFoundError as error:
        raise NotWell(part="worker", reason=f"no heartbeat yet ({file})") from error
    if age > SILENT_FOR:
        raise NotWell(part="worker", reason=f"the last heartbeat was {age:.0f} s ago")


def _file(settings: Settings) -> Path:
    return settings.home / "worker-heartbeat"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said of whom to ask."""
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--host", default="127.0.0.1", help="where the pages listen")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0: well; 1: not, and why."""
    parser = argparse.ArgumentParser(prog="python -m portal.commands.health", description="Is it well?")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    try:
        check(Settings.read(), options.part, options.host)
    except PortalError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
