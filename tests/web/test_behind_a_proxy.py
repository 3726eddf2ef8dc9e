"""A proxy that speaks TLS may run on the same machine: what it says of the scheme neither helps nor hinders."""

from __future__ import annotations

import socket

import pytest
from gunicorn.http.parser import RequestParser
from gunicorn.http.wsgi import create

from portal.commands.web import Server
from tests.builders.pages import PASSWORD

SAID = {
    "nothing": b"",
    "https": b"X-Forwarded-Proto: https\r\n",
    "https in three ways": b"X-Forwarded-Proto: https\r\nX-Forwarded-Protocol: ssl\r\nX-Forwarded-Ssl: on\r\n",
    "what contradicts itself": b"X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off\r\n",
    "another path": b"SCRIPT_NAME: /admin\r\nPATH_INFO: /people\r\n",
}


def environment(portal, said: bytes, peer: str) -> dict[str, object]:
    """What gunicorn, as `portal web` sets it up, makes of a request."""
    cfg = Server(portal.app, "127.0.0.1", portal.machine.settings, ends_within=3).cfg
    asked = b"POST /sign-in HTTP/1.1\r\nHost: portal.example\r\nContent-Length: 0\r\n" + said + b"\r\n"
    request = next(RequestParser(cfg, [asked], (peer, 40000)))
    with socket.socket() as line:
        _answer, made = create(request, line, (peer, 40000), ("127.0.0.1", 8000), cfg)
    return {name: made[name] for name in ("wsgi.url_scheme", "SCRIPT_NAME", "PATH_INFO", "REMOTE_ADDR")}


@pytest.mark.parametrize("said", SAID.values(), ids=SAID.keys())
@pytest.mark.parametrize("peer", ["127.0.0.1", "10.1.2.3"])
def test_people_sign_in_whatever_it_says(portal, said, peer):
    made = environment(portal, said, peer)
    assert made == {
        "wsgi.url_scheme": "http",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/sign-in",
        "REMOTE_ADDR": peer,
    }
    browser = portal.client()
    form = {"login": "zhou", "password": PASSWORD, "csrf_token": browser.held_token()}
    # Without a Referer, as browsers send that are told to keep it to themselves.
    answer = browser.raw.post("/sign-in", data=form, environ_overrides=made)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/inbox")


def test_a_server_that_believed_it_would_turn_them_away(portal, monkeypatch):
    """The mutant: over https a form would need a Referer, which a proxy or a browser may keep to itself."""
    monkeypatch.setattr(Server, "load_config", believing(Server.load_config))
    made = environment(portal, SAID["https"], "127.0.0.1")
    assert made["wsgi.url_scheme"] == "https"
    browser = portal.client()
    form = {"login": "zhou", "password": PASSWORD, "csrf_token": browser.held_token()}
    assert browser.raw.post("/sign-in", data=form, environ_overrides=made).status_code == 400


def believing(load):
    def load_and_believe(server):
        load(server)
        server.cfg.set("forwarded_allow_ips", "127.0.0.1")

    return load_and_believe
