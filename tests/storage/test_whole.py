"""An object is had whole and as it was kept, or not at all."""

from __future__ import annotations

import hashlib
import random

import pytest

from portal.storage import MemoryStore, ObjectAltered, ObjectMissing, ObjectStore, S3Store, whole


@pytest.fixture(params=["memory", "embedded"])
def store(request: pytest.FixtureRequest) -> ObjectStore:
    return MemoryStore() if request.param == "memory" else S3Store(request.getfixturevalue("embedded_store"))


@pytest.mark.parametrize("size", [0, 6, 3_000_000])
def test_it_comes_back_from_its_start_however_large(store, size):
    content, key = random.Random(size).randbytes(size), f"whole/{size}"
    store.put(key, content, size, "application/pdf")
    with whole(store, key, hashlib.sha256(content).hexdigest()) as file:
        assert file.read() == content
    assert file.closed


def test_another_hash_is_told_with_the_key(store):
    store.put("whole/altered", b"900 t", 5, "text/plain")
    with pytest.raises(ObjectAltered, match="whole/altered"):
        whole(store, "whole/altered", hashlib.sha256(b"100 t").hexdigest())


def test_a_missing_one_is_told(store):
    with pytest.raises(ObjectMissing, match="whole/nothing"):
        whole(store, "whole/nothing", hashlib.sha256(b"").hexdigest())
