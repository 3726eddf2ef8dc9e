"""The proxy of docker-compose.yml by itself: what it does when pages are gone, and what it lets in."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from tests.builders import composed
from tests.builders.composed import ROOT, Composition, Visitor, compose_file, example_settings, interpolated

FILLED = {**example_settings(), "TLS_FOLDER": "/tls", "PUBLIC_URL": "https://127.0.0.1"} | dict.fromkeys(
    ("POSTGRES_PASSWORD", "S3_SECRET_KEY", "SECRET_KEY", "WEED_KEY"), "secret"
)


class Pages:
    """A stand-in for a container of the pages: what it was asked, and whether it hangs up instead of answering."""

    def __init__(self, address: str, port: int) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.hangs_up = False
        pages = self

        class Asked(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                pages.asked.append((self.command, self.path, self.headers.get("X-Forwarded-For", "")))
                if pages.hangs_up:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

            do_GET = do_POST = _answer

        self.server = ThreadingHTTPServer((address, port), Asked)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def proxied() -> Iterator[tuple[list[Pages], Visitor]]:
    """Two of them behind the proxy, and somebody who asks it."""
    with Composition.bare(interpolated(compose_file(), FILLED)) as up:
        addresses = [f"{up.net}.1", f"{up.net}.2"]
        up.containers["web"] = [SimpleNamespace(address=one, process=None) for one in addresses]
        pages = [Pages(one, up.port) for one in addresses]
        up.start("proxy")
        for container in up.containers.get("proxy", ()):
            container.await_health()
        browser = up.browser()
        browser.tries = 1
        try:
            yield pages, browser
        finally:
            for one in pages:
                one.stop()


@pytest.fixture(params=["nginx", "stand-in"])
def proxy(request, monkeypatch):
    if request.param == "stand-in":
        monkeypatch.setattr(composed.shutil, "which", lambda name: None)
    elif not shutil.which("nginx"):
        pytest.skip("NO NGINX here: apt-get install nginx-light")
    with proxied() as both:
        yield both


def posted(pages: list[Pages]) -> int:
    return sum(method == "POST" for one in pages for method, _, _ in one.asked)


def each_form_is_handed_in_once(pages: list[Pages], browser: Visitor) -> None:
    """Forms, half of which one takes that hangs up."""
    pages[0].hangs_up = True
    for _ in range(6):
        browser.post("/tasks/1", {})
    assert posted(pages) == 6, "a form was handed in twice"


def test_one_that_is_gone_is_not_noticed(proxy):
    pages, browser = proxy
    pages[0].stop()
    assert [browser.get("/inbox").status for _ in range(6)] == [200] * 6
    assert [browser.post("/tasks/1", {}).status for _ in range(6)] == [200] * 6
    assert posted(pages) == 6


def test_what_one_took_and_did_not_answer_is_asked_again_only_if_it_changes_nothing(proxy):
    pages, browser = proxy
    pages[0].hangs_up = True
    read = [browser.get("/inbox") for _ in range(6)]
    assert {one.status: one.text for one in read} == {200: ""}
    each_form_is_handed_in_once(pages, browser)
    assert set(browser.seen) == {200, 503}


def test_the_check_notices_a_proxy_that_posts_again(monkeypatch):
    """The mutant of the one above."""
    if not shutil.which("nginx"):
        pytest.skip("NO NGINX here: apt-get install nginx-light")
    careless = (ROOT / "deploy/nginx/nginx.conf").read_text().replace("error timeout;", "error timeout non_idempotent;")
    monkeypatch.setattr(Composition, "proxy_config", lambda self: careless)
    with proxied() as (pages, browser), pytest.raises(AssertionError, match="handed in twice"):
        each_form_is_handed_in_once(pages, browser)


def test_nobody_says_who_he_is_by_himself(proxy):
    pages, browser = proxy
    browser._opener.addheaders = [("X-Forwarded-For", "10.9.8.7"), ("Forwarded", "for=10.9.8.7")]
    browser.get("/inbox")
    assert [said for one in pages for _, _, said in one.asked] == ["127.0.0.1"]


class TestNginxAlone:
    @pytest.fixture
    def proxy(self):
        if not shutil.which("nginx"):
            pytest.skip("NO NGINX here: apt-get install nginx-light")
        with proxied() as both:
            yield both

    def test_metrics_are_not_passed_on(self, proxy):
        pages, browser = proxy
        assert browser.get("/metrics").status == 404
        assert [one.asked for one in pages] == [[], []]

    def test_a_flood_of_passwords_is_held_off_and_reading_the_page_is_not(self, proxy):
        _pages, browser = proxy
        statuses = [browser.post("/sign-in", {}).status for _ in range(40)]
        assert statuses[:20] == [200] * 20
        assert 429 in statuses
        assert {browser.get("/sign-in").status for _ in range(40)} == {200}

    def test_when_all_are_gone_it_says_so_in_both_languages(self, proxy):
        pages, browser = proxy
        for one in pages:
            one.stop()
        answer = browser.get("/inbox")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
        assert "门户暂时无法访问" in answer.text
        assert "what you typed is still there" in answer.text
