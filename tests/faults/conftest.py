"""One PostgreSQL and one object store for the tests of faults; each starts pages and workers of its own over them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.builders.running import Servers
from tests.faults.filings import settled


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Both, with a small procedure and its people; whatever a test does, what they keep must stay sound."""
    with settled() as started:
        yield started


@pytest.fixture
def spoiled() -> Iterator[Servers]:
    """The same for one test alone: a mutant leaves them unsound."""
    with settled() as started:
        yield started
