"""docker-compose.yml without a container engine: its commands, settings and health checks, each service a process.

Every container has an address of its own, here one of 127/8; only the addresses in what the file says are exchanged
(names of services, the port of the pages). PostgreSQL and the object store of the images are the embedded ones. As root
every process gets what its container has: a read-only file system with a /tmp of its own, its user, no capability and
no new privileges (`Box`).
"""

from __future__ import annotations

import functools
import os
import random
import re
import shlex
import shutil
import signal
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from portal.db.embedded import EmbeddedPostgres
from portal.settings import S3Settings
from portal.storage.embedded import EmbeddedStore
from tests.builders.proxying import Proxy
from tests.builders.running import BROKEN_OFF, Browser, free_port

ROOT = Path(__file__).parents[2]
HEALTHY_WITHIN, ENDS_WITHIN = 60.0, 120.0
LOOKS_EVERY = 0.25
"""Seconds between two health checks, each of which starts Python: without a pause they would take a core."""
_CHANGED = "import sys; from {0} import {1}; {1}(); from portal.__main__ import main; sys.exit(main(sys.argv[1:]))"
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?:(:?[-?])([^}]*))?\})")
_IMAGES = frozenset({"postgres", "objects", "objects-folder"})
"""Services of images that are not ours: the embedded servers stand for them."""


class Missing(ValueError):
    """A setting that the file asks for is nowhere."""


def interpolated(value: Any, settings: Mapping[str, str]) -> Any:
    """A value with ${NAME}, ${NAME:-else} and ${NAME:?why} filled in as compose does; Missing."""
    if isinstance(value, dict):
        return {key: interpolated(one, settings) for key, one in value.items()}
    if isinstance(value, list):
        return [interpolated(one, settings) for one in value]
    return _VARIABLE.sub(lambda found: _filled(found, settings), value) if isinstance(value, str) else value


def _filled(found: re.Match[str], settings: Mapping[str, str]) -> str:
    name, how, other = found.groups()
    if name is None:
        return "$"
    given = settings.get(name, "")
    if given or how is None:
        return given
    if "?" in how:
        raise Missing(f"{name}: {other}")
    return str(other)


@dataclass(frozen=True)
class Override:
    """A value with compose's `!override`: it takes the place of what it would be merged with."""

    value: Any


class _Loader(yaml.SafeLoader):
    """Knows compose's `!override`."""


def _override(loader: yaml.SafeLoader, node: yaml.Node) -> Override:
    if isinstance(node, yaml.MappingNode):
        return Override(loader.construct_mapping(node, deep=True))
    assert isinstance(node, yaml.SequenceNode)
    return Override(loader.construct_sequence(node, deep=True))


_Loader.add_constructor("!override", _override)
_REPLACED = frozenset({"command", "entrypoint", "test"})
"""Lists that another file replaces; others it adds to."""


def compose_file(*names: str) -> dict[str, Any]:
    """The file, or several on top of each other, as compose merges them; nothing is filled in."""
    merged: Any = {}
    for name in names or ("docker-compose.yml",):
        merged = _merged(merged, yaml.load((ROOT / name).read_text(), _Loader))
    assert isinstance(merged, dict)
    return merged


def _merged(ours: Any, theirs: Any, key: str = "") -> Any:
    if isinstance(theirs, Override):
        return theirs.value
    if isinstance(theirs, dict):
        base = ours if isinstance(ours, dict) else {}
        return {**base, **{one: _merged(base.get(one), value, one) for one, value in theirs.items()}}
    if isinstance(ours, list) and isinstance(theirs, list) and key not in _REPLACED:
        return [*ours, *theirs]
    return theirs


def example_settings() -> dict[str, str]:
    """What .env.example names, with what it gives."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def words(command: str | Sequence[str]) -> list[str]:
    """A command as compose splits it."""
    return shlex.split(command) if isinstance(command, str) else list(command)


@dataclass(frozen=True)
class Box:
    """What a process has of its container; `closed`: the machine lets us make it so."""

    closed: bool
    user: int | None
    """Whom it runs as; None: us."""
    tmp: Path

    def around(self, command: Sequence[str]) -> list[str]:
        """The command, in it."""
        if not self.closed:
            return list(command)
        rights = ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
        if self.user is not None:
            rights += [f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"]
        mounts = 'mount --make-rprivate / && mount --bind "$0" /tmp && mount -o remount,bind,ro / && exec "$@"'
        return ["unshare", "--mount", "sh", "-c", mounts, str(self.tmp), "setpriv", *rights, *command]

    def inside(self, text: str) -> str:
        """A text in which /tmp is the container's."""
        return text if self.closed else text.replace("/tmp/", f"{self.tmp}/")


@functools.cache
def boxes_close() -> bool:
    """Whether processes can be shut in: by root, where mounts are allowed, for a checkout that lies elsewhere."""
    if any(place.is_relative_to("/tmp") for place in (ROOT, Path(sys.prefix))):
        return False
    probe = Box(True, None, Path("/var/tmp")).around(["sh", "-c", "! touch /var/probe"])
    try:
        return subprocess.run(probe, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@dataclass
class Container:
    """One process of a service, at its own address, in its box."""

    service: Mapping[str, Any]
    command: list[str]
    environment: Mapping[str, str]
    address: str
    box: Box
    log: Path
    pairs: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it."""
        with self.log.open("ab") as log:
            if self.box.user is not None:
                os.chown(self.log, self.box.user, self.box.user)
            command = self.box.around(self.command)
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **self._way())

    def is_well(self) -> bool:
        """What its health check says."""
        test = self.service["healthcheck"]["test"]
        assert test[0] == "CMD"
        command = [_exchanged(word, self.pairs) for word in test[1:]]
        if command[0] == "wget" and shutil.which("wget") is None:  # every image has one, this machine may not
            return _answers(command[-1])
        if command[:3] == ["python", "-m", "portal.commands.health"] and command[3] == "web":
            command += ["--host", self.address]
        return subprocess.run(self.box.around(command), capture_output=True, timeout=20, **self._way()).returncode == 0

    def await_health(self) -> None:
        """Waits until it is well."""
        end = time.monotonic() + HEALTHY_WITHIN
        while not self.is_well():
            assert time.monotonic() < end, f"not well within {HEALTHY_WITHIN} s:\n{self.log.read_text()[-3000:]}"
            time.sleep(LOOKS_EVERY)

    def speaks_from(self, port: int) -> bool:
        """Whether a connection from this port of this machine is one of its processes'."""
        assert self.process is not None
        sockets = {
            line.split()[9]
            for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
            if line.split()[1].endswith(f":{port:04X}")
        }
        return any(f"socket:[{one}]" in held for held in map(_open_by, self._processes()) for one in sockets)

    def _processes(self) -> list[int]:
        assert self.process is not None
        forked = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, forked)]

    def signal(self, number: int) -> None:
        """Sends a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def end(self, number: int) -> int:
        """Sends a signal, waits; its exit code. SIGKILL reaches all of its processes."""
        assert self.process is not None
        if number == signal.SIGKILL:
            os.killpg(self.process.pid, number)
        else:
            self.signal(number)
        return self.process.wait(60)

    def _way(self) -> dict[str, Any]:
        return {"env": dict(self.environment), "cwd": "/", "stdin": subprocess.DEVNULL}


def _open_by(pid: int) -> set[str]:
    """What a process holds open; nothing when it is gone."""
    held = set()
    with suppress(OSError):
        for one in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                held.add(str(one.readlink()))
    return held


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (OSError, urllib.error.URLError):
        return False


def _exchanged(text: str, pairs: Mapping[str, str]) -> str:
    for ours, theirs in pairs.items():
        text = text.replace(ours, theirs)
    return text


@dataclass
class Composition:
    """What the file describes, started in its order and ended at the end."""

    home: Path
    file: dict[str, Any]
    database_url: str
    proxy_port: int
    net: str
    pairs: dict[str, str]
    store: S3Settings | None
    containers: dict[str, list[Container]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    """What stands for what here, for whoever reads the output of the test."""
    changes: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Of a service: the module and the function that changes its processes, for mutants."""
    content: Path | None = None
    """Other content than that which ships."""
    server_log: Path = Path(os.devnull)
    """What PostgreSQL says."""

    @classmethod
    @contextmanager
    def prepared(cls) -> Iterator[Composition]:
        """PostgreSQL and the object store run; nothing of the portal yet."""
        home = Path(tempfile.mkdtemp(prefix="portal-composed-", dir="/var/tmp"))
        home.chmod(0o755)
        net = f"127.{random.randrange(64, 127)}.{random.randrange(256)}"
        with ExitStack() as ending:
            ending.callback(shutil.rmtree, home, ignore_errors=True)
            postgres = EmbeddedPostgres(
                home / "postgres-of-image", {"listen_addresses": f"{net}.250", "max_connections": "200"}
            )
            store = EmbeddedStore(home / "store-of-image")
            ending.callback(postgres.stop)
            ending.callback(store.stop)
            (home / "postgres-of-image").mkdir()
            url, s3 = postgres.start(), store.start()
            made = cls._described(home, net, url, s3, ending)
            made.server_log = postgres.log
            yield made

    @classmethod
    @contextmanager
    def bare(cls, file: dict[str, Any]) -> Iterator[Composition]:
        """No server runs at all: for what needs none."""
        home = Path(tempfile.mkdtemp(prefix="portal-composed-", dir="/var/tmp"))
        home.chmod(0o755)
        net = f"127.{random.randrange(64, 127)}.{random.randrange(256)}"
        with ExitStack() as ending:
            ending.callback(shutil.rmtree, home, ignore_errors=True)
            made = cls(home, file, "", free_port(), net, {}, None)
            made.port, made._ending = free_port(), ending
            ending.callback(made.stop)
            yield made

    @classmethod
    def _described(cls, home: Path, net: str, url: str, s3: S3Settings, ending: ExitStack) -> Composition:
        port, proxy_port = free_port(), free_port()
        settings = {
            **example_settings(), "POSTGRES_PASSWORD": urlsplit(url).password or "", "SECRET_KEY": "of the composition",
            "S3_ACCESS_KEY": s3.access_key, "S3_SECRET_KEY": s3.secret_key, "TLS_FOLDER": str(home / "tls"),
            "PUBLIC_URL": f"https://127.0.0.1:{proxy_port}", "METRICS_TOKEN": "token-of-the-composition",
        }  # fmt: skip
        pairs = {"@postgres:5432": f"@{net}.250:5432", "http://objects:9000": f"http://{s3.endpoint}"}
        made = cls(home, interpolated(compose_file(), settings), url, proxy_port, net, pairs, s3)
        made.said.append("PostgreSQL and object store: the embedded programs stand for the images")
        ending.callback(made.stop)
        made.port = port
        made._ending = ending
        return made

    port: int = 8000
    _ending: ExitStack = field(default_factory=ExitStack)

    def broken_off(self) -> int:
        """How many transactions PostgreSQL has seen end because their process was gone in the middle of them."""
        return self.server_log.read_text(errors="replace").count(BROKEN_OFF)

    def service(self, name: str) -> dict[str, Any]:
        """What the file says of one."""
        said: dict[str, Any] = self.file["services"][name]
        return said

    def up(self, *, but: frozenset[str] = frozenset()) -> None:
        """Everything but what is named, in the order of `depends_on`."""
        started: set[str] = {*_IMAGES, *but}
        names = [name for name in self.file["services"] if name not in started]
        while names:
            ready = [name for name in names if set(self.service(name).get("depends_on", ())) <= started]
            assert ready, f"these wait for each other: {names}"
            for name in ready:
                self._await_those_before(name)
                self.start(name)
                started.add(name)
                names.remove(name)
        for container in (one for some in self.containers.values() for one in some):
            if container.process is not None and "test" in container.service.get("healthcheck", {}):
                container.await_health()

    def _await_those_before(self, name: str) -> None:
        for other, how in self.service(name).get("depends_on", {}).items():
            for container in self.containers.get(other, ()):
                if how["condition"] == "service_completed_successfully":
                    assert container.process is not None
                    code = container.process.wait(ENDS_WITHIN)
                    assert code == 0, container.log.read_text()
                else:
                    assert how["condition"] == "service_healthy"
                    container.await_health()

    def start(self, name: str) -> None:
        """As many containers of a service as the file says."""
        if name == "proxy":
            self._start_proxy()
            return
        for _ in range(self.service(name).get("deploy", {}).get("replicas", 1)):
            self.add(name).start()

    def add(self, name: str) -> Container:
        """One more container of one of our services, not started yet."""
        service = self.service(name)
        number = sum(map(len, self.containers.values())) + 1
        address, box = f"{self.net}.{number}", self._box(f"{name}-{number}", self._user(service))
        given = {key: box.inside(_exchanged(str(value), self.pairs)) for key, value in service["environment"].items()}
        command = words(service["command"])
        if name == "web":
            command += ["--host", address]
        if name in self.changes:
            command = [sys.executable, "-c", _CHANGED.format(*self.changes[name]), *command[1:]]
            given["PYTHONPATH"] = str(ROOT)
        if self.content is not None:
            given["PORTAL_CONTENT"] = str(self.content)
        environment = {
            **given, "PORT": str(self.port), "TMPDIR": box.inside("/tmp/"), "HOME": "/nonexistent", "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1", "PATH": f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin",
        }  # fmt: skip
        return self._kept(name, service, command, environment, address, box, self.pairs)

    def _kept(self, name: str, *parts: Any) -> Container:
        log = self.home / f"{name}-{len(self.containers.get(name, ()))}.log"
        service, command, environment, address, box, pairs = parts
        made = Container(service, command, environment, address, box, log, pairs)
        self.containers.setdefault(name, []).append(made)
        return made

    def _box(self, name: str, user: int | None) -> Box:
        tmp = self.home / name
        tmp.mkdir(mode=0o700)
        closed = boxes_close()
        if closed and user is not None:
            os.chown(tmp, user, user)
        said = "" if closed else "NOT SHUT IN: only root can make file systems read-only and change users"
        if said and said not in self.said:
            self.said.append(said)
        return Box(closed, user if closed else None, tmp)

    def _user(self, service: Mapping[str, Any]) -> int | None:
        """The user of a service of ours, if he can read the checkout; else ourselves, without any capability."""
        user = int(service["user"].partition(":")[0])
        if not boxes_close():
            return None
        # By a shell, as the first program is opened with our own rights still; and what is not frozen into Python.
        look = ["sh", "-c", f"{shlex.quote(sys.executable)} -c 'import json, portal.settings'"]
        probe = Box(True, user, Path("/var/tmp")).around(look)
        if subprocess.run(probe, cwd="/", capture_output=True).returncode:
            said = f"the checkout is closed to user {user}: processes run as root without capabilities"
            if said not in self.said:
                self.said.append(said)
            return None
        return user

    def _start_proxy(self) -> None:
        """nginx with the very file, where there is one; else a small proxy by the same rules, without TLS."""
        service, addresses = self.service("proxy"), [one.address for one in self.containers["web"]]
        if not (shutil.which("nginx") and shutil.which("openssl")):
            self.said.append("NO NGINX here (apt-get install nginx-light): a small proxy stands for it, without TLS")
            ours = Proxy.started(self.proxy_port, [(address, self.port) for address in addresses])
            self._ending.callback(ours.stop)
            return
        user = int(service["user"].partition(":")[0]) if boxes_close() else None
        box, tls, config, health = self._box("proxy", user), self.home / "tls", self.home / "nginx.conf", free_port()
        names = Names.started({"web": addresses})
        self._ending.callback(names.stop)
        pairs = {
            "/etc/nginx/tls/": f"{tls}/", "resolver 127.0.0.11 ": f"resolver {names.address} ",
            "web:8000": f"web:{self.port}", "listen 8080;": f"listen 127.0.0.1:{health};",
            "listen 8443 ": f"listen 127.0.0.1:{self.proxy_port} ", "127.0.0.1:8080": f"127.0.0.1:{health}",
            "/etc/nginx/portal/nginx.conf": str(config),
        }  # fmt: skip
        config.write_text(_exchanged(box.inside(self.proxy_config()), pairs))
        _certificate(tls, user)
        command = [*service["entrypoint"], *(_exchanged(word, pairs) for word in service["command"])]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        self._kept("proxy", service, command, environment, "127.0.0.1", box, pairs).start()

    def proxy_config(self) -> str:
        """The very file."""
        return (ROOT / "deploy/nginx/nginx.conf").read_text()

    @property
    def has_nginx(self) -> bool:
        """Whether the proxy is the one of the file."""
        return "proxy" in self.containers

    def browser(self) -> Visitor:
        """Somebody who comes by the proxy."""
        scheme = "https" if self.has_nginx else "http"
        return Visitor(f"{scheme}://127.0.0.1:{self.proxy_port}", self.home / "tls/fullchain.pem")

    def stop(self) -> None:
        """Kills whatever runs."""
        for container in (one for some in self.containers.values() for one in some):
            if container.process is not None:
                with suppress(ProcessLookupError):
                    os.killpg(container.process.pid, signal.SIGKILL)
                container.process.wait()


def _certificate(folder: Path, user: int | None) -> None:
    """A key and a certificate for 127.0.0.1."""
    folder.mkdir()
    key, chain = folder / "privkey.pem", folder / "fullchain.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", str(key), "-out", str(chain),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    if user is not None:
        os.chown(key, user, user)


class Visitor(Browser):
    """A browser that does what a person does who is told that the portal is away: tries again, a few times.

    `seen`: every status, in order.
    """

    def __init__(self, address: str, certificate: Path) -> None:
        super().__init__(address)
        self.seen: list[int] = []
        self.tries = 10
        if address.startswith("https"):
            context = ssl.create_default_context(cafile=str(certificate))
            trusting = urllib.request.HTTPSHandler(context=context)
            self._opener = urllib.request.build_opener(trusting, urllib.request.HTTPCookieProcessor(self._cookies))

    def _asked(self, request: urllib.request.Request) -> Any:
        for _ in range(self.tries):
            said = super()._asked(request)
            self.seen.append(said.status)
            if said.status not in (502, 503) or self.tries == 1:
                return said
            time.sleep(0.3)
        raise AssertionError(f"{request.full_url} stays away: {said.text[:500]}")


class Names:
    """The names of services, as a container engine tells them: the addresses of all containers of one."""

    def __init__(self, server: socketserver.UDPServer) -> None:
        self._server = server
        self.address = "{}:{}".format(*server.server_address)

    @classmethod
    def started(cls, names: Mapping[str, Sequence[str]]) -> Names:
        """A server that knows these."""

        class Asked(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                packet, around = self.request
                around.sendto(_told(packet, names), self.client_address)

        server = socketserver.UDPServer(("127.0.0.1", 0), Asked)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return cls(server)

    def stop(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()


def _told(packet: bytes, names: Mapping[str, Sequence[str]]) -> bytes:
    """The answer to a question (RFC 1035): one A record for each address."""
    parts, at = [], 12
    while packet[at]:
        parts.append(packet[at + 1 : at + 1 + packet[at]].decode())
        at += 1 + packet[at]
    question = packet[12 : at + 5]
    found = names.get(".".join(parts), ()) if question[-4:-2] == b"\0\1" else ()
    records = b"".join(b"\xc0\x0c\0\1\0\1" + struct.pack(">IH", 2, 4) + socket.inet_aton(one) for one in found)
    flags = b"\x81\x80" if ".".join(parts) in names else b"\x81\x83"
    return packet[:2] + flags + struct.pack(">HHHH", 1, len(found), 0, 0) + question + records
