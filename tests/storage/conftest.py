"""The embedded object store, started once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.settings import S3Settings
from portal.storage.embedded import EmbeddedStore


@pytest.fixture(scope="session")
def embedded_store() -> Iterator[S3Settings]:
    """How to reach an embedded store of this run."""
    with (
        tempfile.TemporaryDirectory(prefix="portal-objects-") as home,
        EmbeddedStore(Path(home)) as settings,
    ):
        yield settings
