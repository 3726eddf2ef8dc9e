"""SeaweedFS that the portal starts itself: loopback only, every port closed to strangers, durable writes."""

from __future__ import annotations

import json
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO

from portal.db import servers
from portal.errors import PortalError
from portal.settings import S3Settings
from portal.storage.port import StoreUnavailable
from portal.storage.s3 import S3Store

PROGRAM = "weed"
HOST = "127.0.0.1"
BUCKET = "portal"
PARTS = ("master", "volume", "filer", "s3", "admin")
# SeaweedFS's admin looks for its own gRPC port at this distance; below it no port is handed out by Linux.
GRPC = 10_000
LOWEST, HIGHEST = 12_000, 22_000
STARTS_WITHIN = 60.0
# Then it is killed, which loses nothing that was acknowledged.
STOPS_WITHIN = 6.0
SAFETY = {
    "ip": HOST,
    "ip.bind": HOST,
    "master.telemetry": "false",
    # A master that is alone waits for its own election: with the usual 10 s now and then 5 or 15 s at a start.
    "master.electionTimeout": "1s",
    "webdav": "false",
    "admin.ui": "false",
    "s3.autoCreateBucket": "false",
    "s3.allowDeleteBucketNotEmpty": "false",
    "s3.port.iceberg": "0",
    "s3.port.lance": "0",
    "volume.preStopSeconds": "0",
}
# Without these keys the filer serves and deletes every object for whoever asks.
SIGNING_KEYS = (
    "WEED_JWT_SIGNING_KEY",
    "WEED_JWT_SIGNING_READ_KEY",
    "WEED_JWT_FILER_SIGNING_KEY",
    "WEED_JWT_FILER_SIGNING_READ_KEY",
)
ACCESS, SECRET = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"


class NoObjectServer(PortalError):
    """There is no SeaweedFS to run."""

    zh = (
        "找不到 SeaweedFS：请安装扩展 embedded（pip install 'statutory-casework-portal[embedded]'），"
        "或设置 S3_ENDPOINT、S3_ACCESS_KEY、S3_SECRET_KEY。"
    )
    en = "No SeaweedFS to run: install the extra 'embedded', or set S3_ENDPOINT, S3_ACCESS_KEY, S3_SECRET_KEY."


class ObjectServerDidNotStart(PortalError):
    """The embedded SeaweedFS did not start."""

    zh = "内置文件存储未能启动：{reason}"
    en = "The embedded object store did not start: {reason}"


class EmbeddedStore:
    """The object store of one portal home; started by the first process, shared by later ones.

    The process that holds the lock owns the server and stops it. What a killed owner left running is
    ended first.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock: IO[str] | None = None
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> S3Settings:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> S3Settings:
        """Start or join the server; how to reach it."""
        self._place = self._home.resolve() / "objects"
        self._data = self._place / "data"
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            return self._await()
        except BaseException:
            self.stop()
            raise

    @property
    def log(self) -> Path:
        """What the server says."""
        return self._place / "weed.log"

    def is_down(self) -> bool:
        """Whether the server has ended."""
        if self._child is not None:
            return self._child.poll() is not None
        return _is_free(self._ports()["s3"])

    def start_again(self) -> None:
        """Start the server that has ended, at the same address, without waiting until it answers; nothing happens
        while another process owns it."""
        self._child = None
        self._lock = self._lock or servers.lock(self._place / "lock")
        if self._lock is not None:
            self._end_processes()
            self._launch(self._ports())

    def stop(self) -> None:
        """Stop the server when it is ours."""
        if self._child is not None:
            self._end_processes()
            self._child.wait(STOPS_WITHIN)
            self._child = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _launch(self, ports: Mapping[str, int]) -> None:
        program = _program()
        keys = self._keys()
        options = {**SAFETY, "dir": str(self._data)}
        for part, port in ports.items():
            options[f"{part}.port"] = str(port)
            options[f"{part}.port.grpc"] = str(port + GRPC)
        logs = self._place / "log"
        logs.mkdir(exist_ok=True)
        with servers.log(self.log) as log:
            self._child = subprocess.Popen(
                [
                    program,
                    f"-logdir={logs}",
                    "mini",
                    *(f"-{name}={value}" for name, value in options.items()),
                ],
                cwd=self._data,
                env=_environment(self._data, keys),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Its sockets and files are for us alone.
                umask=0o077,
                start_new_session=True,
            )

    def _end_processes(self) -> None:
        servers.end_all(PROGRAM, f"-dir={self._data}\0", signal.SIGTERM, signal.SIGKILL, within=STOPS_WITHIN)

    def _await(self) -> S3Settings:
        """Wait until the store keeps an object."""
        failures: list[StoreUnavailable] = []

        def works() -> bool:
            self._own_if_nobody_does()
            if self._child is not None and self._child.poll() is not None:
                raise ObjectServerDidNotStart(reason=self.log.read_text()[-1000:])
            settings = self._settings()
            return settings is not None and _keeps_objects(settings, failures)

        if not servers.wait_until(works, STARTS_WITHIN):
            raise ObjectServerDidNotStart(reason=str(failures[-1]) if failures else "no answer")
        settings = self._settings()
        assert settings is not None
        if self._lock is not None:
            self._write_durably()
        return settings

    def _own_if_nobody_does(self) -> None:
        if self._lock is None:
            self._lock = servers.lock(self._place / "lock")
            if self._lock is not None:
                self._end_processes()
                self._launch(self._free_ports())

    def _settings(self) -> S3Settings | None:
        """How to reach the server; None while its owner has not chosen the ports yet."""
        if not self._ports_file.exists():
            return None
        keys = self._keys()
        endpoint = f"{HOST}:{self._ports()['s3']}"
        return S3Settings(endpoint, keys[ACCESS], keys[SECRET], BUCKET, secure=False)

    def _write_durably(self) -> None:
        """Have every write reach the disk before it is acknowledged; SeaweedFS keeps this setting."""
        ports = self._ports()
        said = subprocess.run(
            [
                _program(),
                f"-logdir={self._place / 'log'}",
                "shell",
                *(f"-{part}={HOST}:{ports[part]}.{ports[part] + GRPC}" for part in ("master", "filer")),
            ],
            input="fs.configure -locationPrefix=/buckets/ -fsync -apply\n",
            cwd=self._place,
            env=_environment(self._data, self._keys()),
            capture_output=True,
            text=True,
            timeout=STARTS_WITHIN,
        )
        if said.returncode or '"fsync":  true' not in said.stdout:
            raise ObjectServerDidNotStart(reason=(said.stderr + said.stdout)[-1000:])

    def _keys(self) -> dict[str, str]:
        """The generated keys, made at the first start."""
        file = self._place / "keys.json"
        if not file.exists():
            servers.write_secret(
                file, json.dumps({name: secrets.token_hex(24) for name in (ACCESS, SECRET, *SIGNING_KEYS)})
            )
        keys: dict[str, str] = json.loads(file.read_text())
        return keys

    def _free_ports(self) -> dict[str, int]:
        """The ports of last time when they are still free, else others."""
        if self._ports_file.exists():
            ports = self._ports()
            if all(_is_free(port) and _is_free(port + GRPC) for port in ports.values()):
                return ports
        candidates = iter(random.sample(range(LOWEST, HIGHEST), HIGHEST - LOWEST))  # nosec B311 # 2026-11-22: no secret
        free = (port for port in candidates if _is_free(port) and _is_free(port + GRPC))
        ports = dict(zip(PARTS, free, strict=False))
        self._ports_file.write_text(json.dumps(ports))
        return ports

    @property
    def _ports_file(self) -> Path:
        return self._place / "ports.json"

    def _ports(self) -> dict[str, int]:
        """The ports that the owner has chosen."""
        ports: dict[str, int] = json.loads(self._ports_file.read_text())
        return ports


def _keeps_objects(settings: S3Settings, failures: list[StoreUnavailable]) -> bool:
    """Whether the store takes an object; it listens before it can."""
    port = int(settings.endpoint.partition(":")[2])
    if _is_free(port):
        return False
    store = S3Store(settings)
    probe = f"started/{secrets.token_hex(8)}"
    try:
        store.create_bucket()
        store.put(probe, b"?", 1, "text/plain")
        store.delete(probe)
    except StoreUnavailable as error:
        failures.append(error)
        return False
    return True


def _program() -> Path:
    """The wheel's program beside this Python, else one in PATH."""
    beside = Path(sysconfig.get_path("scripts"), PROGRAM)
    found = beside if beside.exists() else shutil.which(PROGRAM)
    if found is None:
        raise NoObjectServer
    return Path(found)


def _environment(home: Path, keys: dict[str, str]) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": str(home), "TMPDIR": "/tmp", **keys}  # nosec B108 # 2026-11-22: a name for a child


def _is_free(port: int) -> bool:
    with socket.socket() as attempt:
        # A port that a stopped server has just left may be taken again.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((HOST, port))
        except OSError:
            return False
    return True
