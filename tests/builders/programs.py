"""Programs that ask the portal for things over HTTP, each with the token of a person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Response

from portal import clock
from portal.api import MOUNTED
from portal.identity import tokens
from portal.identity.tokens import Scope
from tests.builders.pages import Portal

BASE = f"{MOUNTED}/v1"
EVERYTHING = tuple(Scope)


class Program:
    """A program with one token, or with none."""

    def __init__(self, app: Flask, secret: str | None) -> None:
        alone = DispatcherMiddleware(Response("not the API", 404), {MOUNTED: app.wsgi_app})
        self._client = Client(alone, Response)
        self.headers = {"Authorization": f"Bearer {secret}"} if secret else {}

    def get(self, path: str, query: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        """Asks for something."""
        return self._ask("GET", path, query_string=query, **options)

    def post(self, path: str, body: object = None, key: str | None = None, **options: Any) -> TestResponse:
        """Sends JSON; `key` is the Idempotency-Key."""
        if body is not None:
            options["json"] = body
        return self._ask("POST", path, key=key, **options)

    def upload(self, name: str, content: bytes, key: str | None = None) -> TestResponse:
        """Sends a file."""
        head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        form = head.encode() + content + b"\r\n--x--\r\n"
        return self._ask("POST", "/attachments", key=key, data=form, content_type="multipart/form-data; boundary=x")

    def made(self, path: str, body: object = None, key: str | None = None) -> Any:
        """What was answered to something that went well."""
        answer = self.post(path, body, key)
        assert answer.status_code in (200, 201), (path, answer.status_code, answer.text)
        return answer.json

    def read(self, path: str, query: dict[str, Any] | None = None) -> Any:
        """The same for something read."""
        answer = self.get(path, query)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json

    def _ask(
        self, method: str, path: str, *, key: str | None = None, headers: Any = (), **options: Any
    ) -> TestResponse:
        sent = {**self.headers, **({"Idempotency-Key": key} if key is not None else {}), **dict(headers)}
        return self._client.open(BASE + path, method=method, headers=sent, **options)


def program(portal: Portal, login: str | None, scopes: Iterable[Scope] = EVERYTHING) -> Program:
    """A program of a person; of nobody without a token."""
    if login is None:
        return Program(portal.app, None)
    with portal.database.transaction() as tx:
        before = tokens.of_person(tx, portal.people[login])
        issued = tokens.issue(tx, portal.people[login], f"test {len(before)}", list(scopes), None, None, clock.now())
    return Program(portal.app, issued.secret)


PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
"""The smallest that is taken for one."""
