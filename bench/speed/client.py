"""A client of the API that keeps its connection, as programs do, and notes how long each answer takes."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

KEPT = 3.0
"""Seconds of rest after which a connection is opened anew: the portal closes one that rests for five."""


class Unexpected(RuntimeError):
    """An answer that the measurement did not ask for: nothing can be said about speed."""


@dataclass
class _Asking:
    """One connection, and the seconds of each request since `took` was emptied last."""

    address: str
    secret: str
    took: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        where = urlsplit(self.address)
        self._connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=120)
        self._rests_since = 0.0

    def _answer(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        if time.perf_counter() - self._rests_since > KEPT:
            self._connection.close()
        began = time.perf_counter()
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        said = answer.read()
        self._rests_since = time.perf_counter()
        self.took.append(self._rests_since - began)
        return answer.status, said


class Client(_Asking):
    """One program with one token."""

    def get(self, path: str) -> Any:  # noqa: ANN401 - whatever JSON says
        """What a call answers."""
        return self._asked("GET", path, None)

    def post(self, path: str, body: object) -> Any:  # noqa: ANN401 - whatever JSON says
        """What a call answers that changes something."""
        return self._asked("POST", path, body)

    def _asked(self, method: str, path: str, body: object) -> Any:  # noqa: ANN401 - whatever JSON says
        headers = {"Authorization": f"Bearer {self.secret}", "Accept": "application/json"}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        status, said = self._answer(method, f"/api/v1{path}", data, headers)
        if status not in (200, 201):
            raise Unexpected(f"{method} {path}: {status} {said[:500].decode(errors='replace')}")
        return json.loads(said)


class Pages(_Asking):
    """Somebody signed in to the pages, by his cookie; reads only."""

    def get(self, path: str) -> str:
        """A page."""
        status, said = self._answer("GET", path, None, {"Cookie": self.secret})
        if status != http.client.OK:
            raise Unexpected(f"GET {path}: {status}")
        return said.decode()
