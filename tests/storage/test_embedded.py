"""The embedded object store starts, closes its doors, and keeps what it acknowledged."""

from __future__ import annotations

import json
import os
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.db import servers
from portal.storage import S3Store
from portal.storage.embedded import GRPC, EmbeddedStore


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return tmp_path_factory.mktemp("objects")


def weed_in(home: Path) -> list[int]:
    return servers.processes("weed", f"-dir={home / 'objects' / 'data'}")


def ports_of(home: Path) -> dict[str, int]:
    return json.loads((home / "objects" / "ports.json").read_text())


def listening_beyond_loopback(pid: int) -> list[str]:
    inodes = {os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink()}
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    ]
    mine = [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes]
    assert mine
    return [address for address in mine if not address.startswith("0100007F")]


def test_acknowledged_objects_outlive_a_kill_and_leftovers_are_ended(home):
    first = EmbeddedStore(home)
    store = S3Store(first.start())
    ports = ports_of(home)
    store.put("kept", b"before", 6, "text/plain")
    [pid] = weed_in(home)
    os.kill(pid, signal.SIGKILL)
    first.stop()
    with EmbeddedStore(home) as settings:
        assert ports_of(home) == ports
        assert S3Store(settings).get("kept") == b"before"
    assert weed_in(home) == []


def test_it_listens_on_loopback_only_and_the_filer_refuses_strangers(home):
    with EmbeddedStore(home):
        [pid] = weed_in(home)
        assert listening_beyond_loopback(pid) == []
        filer = f"http://127.0.0.1:{ports_of(home)['filer']}/buckets/portal/kept"
        for method in ("GET", "DELETE"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(urllib.request.Request(filer, method=method))
            assert refused.value.code == 401
            refused.value.close()
    assert (home / "objects" / "keys.json").stat().st_mode & 0o777 == 0o600


def test_taken_ports_are_replaced_and_the_objects_stay(home):
    taken = ports_of(home)["master"] + GRPC
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", taken))
        squatter.listen()
        with EmbeddedStore(home) as settings:
            assert ports_of(home)["master"] + GRPC != taken
            assert S3Store(settings).get("kept") == b"before"


def test_a_second_process_joins_and_does_not_stop_the_server(home):
    with EmbeddedStore(home) as settings:
        with EmbeddedStore(home) as joined:
            assert joined == settings
        S3Store(settings).check()
