"""An object store that speaks S3, through the minio SDK; answers or gives up within seconds."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO
from urllib.parse import quote, unquote

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError

from portal.settings import S3Settings
from portal.storage.port import Kept, ObjectExists, ObjectMissing, Stored, StoreUnavailable, content_of

CONNECT_SECONDS = 5
READ_SECONDS = 10
SIGN_OF_LIFE_SECONDS = 2
"""How long a store may take to say that it is there; what it keeps or hands out may take longer."""
ALIVE_FOR = 5.0
"""Seconds for which a store that has answered is not asked whether it is there."""
SILENT_FOR = 1.0
"""Seconds for which a store that gave no sign of life is not asked again, so that many files do not wait in turn."""
_NEVER = float("-inf")
PIECE = 64 * 1024
SMALLEST_PART = 5 * 1024 * 1024
NAME = "x-amz-meta-name"


class _RefusesOverwriting(urllib3.PoolManager):
    """Asks the store to refuse a PUT to a key that is taken; the SDK has no argument for it."""

    def urlopen(self, method: str, url: str, redirect: bool = True, **kw: Any) -> Any:  # type: ignore[override]  # noqa: ANN401
        if method == "PUT":
            kw["headers"] = {**kw["headers"], "If-None-Match": "*"}
        return super().urlopen(method, url, redirect=redirect, **kw)


class S3Store:
    """Keeps objects in one bucket; safe to share between threads."""

    def __init__(self, settings: S3Settings) -> None:
        self._bucket = settings.bucket
        self._client = _client(settings, urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS), connects_again=1)
        self._prober = _client(settings, urllib3.Timeout(SIGN_OF_LIFE_SECONDS), connects_again=0)
        self._answered = self._failed = _NEVER

    def put(self, key: str, data: bytes | BinaryIO, size: int, content_type: str, name: str = "") -> None:
        """Keep exactly `size` bytes (else ValueError); ObjectExists when the key is taken."""
        content = content_of(data, size)
        with self._asking(key):
            self._client.put_object(
                self._bucket,
                key,
                io.BytesIO(content),
                size,
                content_type=content_type,
                # S3 metadata are ASCII.
                metadata={NAME: quote(name)},
                # In one part, as overwriting is refused for that only.
                part_size=max(size, SMALLEST_PART),
            )

    def get(self, key: str) -> bytes:
        """The whole object; ObjectMissing when there is none."""
        with self.open(key) as pieces:
            return b"".join(pieces)

    @contextmanager
    def open(self, key: str) -> Iterator[Iterator[bytes]]:
        """The object piece by piece; ObjectMissing when there is none."""
        with self._asking(key):
            response = self._client.get_object(self._bucket, key)
        try:
            yield self._pieces(key, response)
        finally:
            response.close()
            response.release_conn()

    def stat(self, key: str) -> Stored:
        """What is known of the object; ObjectMissing when there is none."""
        with self._asking(key):
            found = self._client.stat_object(self._bucket, key)
        headers = found.metadata or {}
        name = unquote(headers.get(NAME, ""))
        return Stored(key, found.size or 0, found.content_type or "", name)

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens when there is none."""
        with self._asking(key):
            self._client.remove_object(self._bucket, key)

    def keys(self) -> Iterator[Kept]:
        """All keys with their age."""
        with self._asking(""):
            for found in self._client.list_objects(self._bucket, recursive=True):
                if found.object_name is not None and found.last_modified is not None:
                    yield Kept(found.object_name, found.last_modified)

    def check(self) -> None:
        """Do nothing when the bucket answers within two seconds."""
        with _in_our_words(""):
            if not self._prober.bucket_exists(self._bucket):
                raise StoreUnavailable(reason=f"there is no bucket {self._bucket}")
        self._answered = time.monotonic()

    def create_bucket(self) -> None:
        """Make the bucket unless it is there."""
        with _in_our_words(""):
            if not self._client.bucket_exists(self._bucket):
                self._client.make_bucket(self._bucket)

    @contextmanager
    def _asking(self, key: str) -> Iterator[None]:
        """Asks for something; a store that has not answered lately is first asked whether it is there, so that nobody
        waits long for one that hangs."""
        if time.monotonic() - self._failed < SILENT_FOR:
            raise StoreUnavailable(reason="it did not answer a moment ago")
        try:
            if time.monotonic() - self._answered > ALIVE_FOR:
                self.check()
            with _in_our_words(key):
                yield
        except StoreUnavailable as error:
            # Of one object it cannot give, the store says so at once; that keeps nobody from another.
            if not isinstance(error.__cause__, S3Error):
                self._answered, self._failed = _NEVER, time.monotonic()
            raise
        self._answered = time.monotonic()

    def _pieces(self, key: str, response: Any) -> Iterator[bytes]:  # noqa: ANN401 - the SDK has no type for it
        with _in_our_words(key):
            yield from response.stream(PIECE)


def _client(settings: S3Settings, timeout: urllib3.Timeout, *, connects_again: int) -> Minio:
    return Minio(
        settings.endpoint,
        access_key=settings.access_key,
        secret_key=settings.secret_key,
        secure=settings.secure,
        region=settings.region,
        http_client=_RefusesOverwriting(
            timeout=timeout,
            # Never a second PUT after an answer was lost: the first may have been kept.
            retries=urllib3.Retry(total=None, connect=connects_again, read=0, redirect=0, status=0, other=0),
            maxsize=16,
        ),
    )


@contextmanager
def _in_our_words(key: str) -> Iterator[None]:
    """Turn what the SDK and the network say into the port's errors."""
    try:
        yield
    except S3Error as error:
        if error.code == "NoSuchKey":
            raise ObjectMissing(key=key) from error
        if error.code == "PreconditionFailed":
            raise ObjectExists(key=key) from error
        raise StoreUnavailable(reason=str(error)) from error
    except (MinioException, HTTPError) as error:
        raise StoreUnavailable(reason=str(error)) from error
