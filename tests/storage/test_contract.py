"""What every object store promises: the one in memory and the embedded S3 alike."""

from __future__ import annotations

import hashlib
import io
import random
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from portal import clock
from portal.settings import S3Settings
from portal.storage import (
    MemoryStore,
    ObjectExists,
    ObjectMissing,
    ObjectStore,
    S3Store,
    StoreUnavailable,
    new_key,
    s3,
)


@pytest.fixture(params=["memory", "embedded"])
def store(request: pytest.FixtureRequest) -> ObjectStore:
    if request.param == "memory":
        return MemoryStore()
    settings: S3Settings = request.getfixturevalue("embedded_store")
    return S3Store(settings)


def kept(store: ObjectStore, content: bytes = b"letter", name: str = "") -> str:
    key = new_key()
    store.put(key, content, len(content), "application/pdf", name)
    return key


def test_what_was_put_comes_back(store):
    key = kept(store, "核查报告".encode())
    assert store.get(key).decode() == "核查报告"


def test_a_name_in_chinese_and_the_type_are_kept(store):
    stored = store.stat(kept(store, name="2025年度 碳排放核查报告（终稿）+1%.pdf"))
    assert stored.name == "2025年度 碳排放核查报告（终稿）+1%.pdf"
    assert stored.content_type == "application/pdf"
    assert stored.size == 6


def test_an_empty_file_is_a_file(store):
    key = kept(store, b"")
    assert store.get(key) == b""
    assert store.stat(key).size == 0


def test_a_large_file_is_read_from_a_stream_and_sent_on_piece_by_piece(store):
    content = random.Random(1).randbytes(20 * 1024 * 1024)
    key = new_key()
    store.put(key, io.BytesIO(content), len(content), "application/zip")
    with store.open(key) as pieces:
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(piece)
    assert digest.digest() == hashlib.sha256(content).digest()


@pytest.mark.parametrize("announced", [5, 7])
def test_a_wrong_size_is_refused_and_nothing_kept(store, announced):
    key = new_key()
    with pytest.raises(ValueError, match="announced"):
        store.put(key, io.BytesIO(b"letter"), announced, "text/plain")
    with pytest.raises(ObjectMissing):
        store.stat(key)


def test_a_missing_object_is_told(store):
    key = new_key()
    with pytest.raises(ObjectMissing, match=key):
        store.get(key)
    with pytest.raises(ObjectMissing):
        store.stat(key)
    with pytest.raises(ObjectMissing), store.open(key):
        pass


@pytest.mark.parametrize("size", [6, 6 * 1024 * 1024])
def test_nothing_is_overwritten(store, size):
    content = b"a" * size
    key = kept(store, content)
    with pytest.raises(ObjectExists):
        store.put(key, b"b" * size, size, "text/plain")
    assert store.get(key) == content


def test_deleting_twice_is_deleting_once(store):
    key = kept(store)
    store.delete(key)
    store.delete(key)
    with pytest.raises(ObjectMissing):
        store.get(key)


def test_the_sweeper_sees_keys_and_their_age(store):
    keys = {kept(store) for _ in range(3)}
    found = {entry.key: entry.since for entry in store.keys()}  # noqa: SIM118 (not a dict)
    assert keys <= found.keys()
    assert all(abs(clock.now() - found[key]) < timedelta(minutes=1) for key in keys)


def test_a_store_in_order_passes_the_check(store):
    store.check()


# What only a server can get wrong


@pytest.fixture(params=["nobody listens", "nobody answers"])
def dead(request: pytest.FixtureRequest) -> Iterator[S3Store]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if request.param == "nobody answers":
            listener.listen()
        host, port = listener.getsockname()
        yield S3Store(S3Settings(f"{host}:{port}", "key", "secret", secure=False))


def opened(store: S3Store) -> None:
    with store.open(new_key()):
        pass


ASKED = {
    "check": S3Store.check,
    "put": lambda store: store.put(new_key(), b"x", 1, "text/plain"),
    "get": lambda store: store.get(new_key()),
    "open": opened,
    "stat": lambda store: store.stat(new_key()),
    "delete": lambda store: store.delete(new_key()),
}


@pytest.mark.parametrize("asked", ASKED)
def test_a_dead_store_is_told(dead, asked):
    with pytest.raises(StoreUnavailable):
        ASKED[asked](dead)


@pytest.mark.parametrize(("silent_for", "times"), [(3600, 1), (0, 3)])
def test_many_files_for_a_dead_store_do_not_wait_in_turn(dead, monkeypatch, silent_for, times):
    monkeypatch.setattr(s3, "SILENT_FOR", silent_for)
    check, asked = S3Store.check, []
    monkeypatch.setattr(S3Store, "check", lambda store: asked.append(1) or check(store))
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            dead.put(new_key(), b"x", 1, "text/plain")
    assert len(asked) == times


def test_a_store_that_has_just_answered_is_not_asked_for_a_sign_of_life(embedded_store, monkeypatch):
    store = S3Store(embedded_store)
    key = kept(store)
    monkeypatch.setattr(S3Store, "check", lambda _: pytest.fail("asked twice"))
    assert store.get(key) == b"letter"


def test_wrong_keys_and_a_missing_bucket_make_the_store_unavailable(embedded_store):
    wrong = S3Settings(embedded_store.endpoint, embedded_store.access_key, "wrong", secure=False)
    with pytest.raises(StoreUnavailable):
        S3Store(wrong).check()
    elsewhere = S3Settings(
        embedded_store.endpoint, embedded_store.access_key, embedded_store.secret_key, "other", secure=False
    )
    with pytest.raises(StoreUnavailable, match="no bucket other"):
        S3Store(elsewhere).check()
    with pytest.raises(StoreUnavailable):
        S3Store(elsewhere).put(new_key(), b"x", 1, "text/plain")


class OneBroken(BaseHTTPRequestHandler):
    """A store that has lost what stands under the key `broken`, and has everything else."""

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def do_GET(self) -> None:
        broken = self.path.endswith("/broken")
        said = b"<Error><Code>InternalError</Code><Message>it is lost</Message></Error>" if broken else b"letter"
        self.send_response(500 if broken else 200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: object) -> None: ...


def test_one_object_that_the_store_cannot_give_keeps_nobody_from_another():
    with ThreadingHTTPServer(("127.0.0.1", 0), OneBroken) as server:
        threading.Thread(target=server.serve_forever).start()
        store = S3Store(S3Settings(f"127.0.0.1:{server.server_port}", "key", "secret", secure=False))
        try:
            with pytest.raises(StoreUnavailable, match="it is lost"):
                store.get("broken")
            assert store.get("sound") == b"letter"
        finally:
            server.shutdown()
