"""PostgreSQL that the portal starts itself: where its data lies, how it starts, continues and stops."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

import psycopg

from portal.db import binaries, postmaster, servers
from portal.db.binaries import Account, Binaries
from portal.errors import PortalError

USER = DATABASE = "portal"
LONGEST_SOCKET = 107
SOCKET_FILE = ".s.PGSQL.5432"
# Crash recovery of a large database takes its time; a server that lives is waited for.
STARTS_WITHIN = 600.0
STOPS_WITHIN = 30.0
# After a crash everything is first brought to the disk: as a whole where the system can, else file by file, which takes
# ten times as long.
AFTER_A_CRASH = {"recovery_init_sync_method": "syncfs"} if sys.platform == "linux" else {}


class PostgresDidNotStart(PortalError):
    """The embedded PostgreSQL did not start."""

    zh = "内置 PostgreSQL 未能启动：{reason}"
    en = "The embedded PostgreSQL did not start: {reason}"


class ServerStaysBusy(PortalError):
    """Another process has not finished stopping the embedded PostgreSQL."""

    zh = "另一个进程正在停止 {place} 中的内置 PostgreSQL，{seconds} 秒内没有停完：请结束该进程后再试。"
    en = "Another process is stopping the PostgreSQL in {place} and took over {seconds} s: end it and try again."


class OtherVersion(PortalError):
    """The data were written by another major version of PostgreSQL."""

    zh = "{data} 中的数据属于 PostgreSQL {found}，而现有程序是 {wanted}：请用旧版导出后再导入。"
    en = "The data in {data} belong to PostgreSQL {found}, the programs are {wanted}: dump and restore them."


class PasswordLost(PortalError):
    """The file with the generated password is missing while the data are there."""

    zh = "缺少密码文件 {file}，无法打开已有数据库：请从备份恢复该文件。"
    en = "The password file {file} is missing: restore it from a backup."


class EmbeddedPostgres:
    """The PostgreSQL of one portal home; started by the first process, shared by later ones.

    The process that holds the lock owns the server: it starts it, or takes over what an owner left running. The last
    process that uses it stops it. `options` are PostgreSQL settings (tests switch fsync off).
    """

    def __init__(self, home: Path, options: Mapping[str, str] | None = None) -> None:
        self._home = home
        self._options = dict(options or {})
        self._lock: IO[str] | None = None
        self._users: servers.Users | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._socket: Path | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> str:
        """Start or join the server and return the database's address (libpq URL)."""
        self._account = binaries.account()
        self._place = _place_for(self._home, self._account)
        self._data = self._place / "data"
        self._password_file = self._place / "password"
        self._users = servers.Users(self._place)
        try:
            if not self._users.enter(STARTS_WITHIN):
                raise ServerStaysBusy(place=self._place, seconds=f"{STARTS_WITHIN:.0f}")
            self._url = self._await()
        except BaseException:
            self.stop()
            raise
        return self._url

    @property
    def url(self) -> str:
        """The address that `start` returned."""
        return self._url

    @property
    def log(self) -> Path:
        """What the server says."""
        return self._place / "log"

    def is_down(self) -> bool:
        """Whether the server has ended."""
        if self._child is not None:
            return self._child.poll() is not None
        return postmaster.living(self._data) is None

    def start_again(self) -> None:
        """Start the server that has ended, at the same address, without waiting until it answers; nothing happens
        while another process owns it."""
        self._child = None
        self._lock = self._lock or servers.lock(self._place / "lock")
        if self._lock is not None:
            self._run()

    def stop(self) -> None:
        """Leave the server; the last one stops it (fast shutdown), and nothing committed is lost."""
        if self._users is not None:
            self._users.leave(self._shut_down)
        if self._child is not None:
            self._child.returncode = 0  # it goes on for the others, without us
            self._child = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        self._socket = None

    def _shut_down(self) -> None:
        self._lock = self._lock or servers.lock(self._place / "lock")
        if self._lock is None:
            return
        running = postmaster.living(self._data)
        if self._child is not None:
            self._end(self._child.pid)
            self._child = None
        elif running is not None:
            self._end(running.pid)
        if running is not None and running.socket.parent != self._place:
            shutil.rmtree(running.socket, ignore_errors=True)

    def _end(self, pid: int) -> None:
        """A fast shutdown; an immediate one when that takes too long, which only costs a recovery."""
        for number in (signal.SIGINT, signal.SIGQUIT):
            if self.is_down():
                return
            servers.send(pid, number)
            servers.wait_until(self.is_down, STOPS_WITHIN)

    def _run(self) -> None:
        """Start the server, or take over the one that a killed owner left running."""
        left = postmaster.living(self._data)
        if left is not None and left.status != "stopping":
            return
        servers.wait_until(self.is_down, STOPS_WITHIN)
        programs = binaries.find(self._account)
        if not self._data.exists():
            self._initialise(programs)
        self._check_version(programs)
        postmaster.clear_leftovers(self._data)
        self._launch(programs)

    def _initialise(self, programs: Binaries) -> None:
        """Make the data folder under another name first: a broken attempt leaves nothing behind."""
        fresh = self._place / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self._account.own(fresh, 0o700)
        password = secrets.token_urlsafe(24)
        servers.write_secret(self._password_file, password)
        handed = self._place / "password.new"
        servers.write_secret(handed, password)
        self._account.own(handed, 0o600)
        try:
            self._initdb(programs, fresh, handed)
        finally:
            handed.unlink()
        fresh.rename(self._data)

    def _initdb(self, programs: Binaries, fresh: Path, password: Path) -> None:
        command: list[str | Path] = [
            *(programs.folder / "initdb", "-D", fresh, "-U", USER),
            *("-A", "scram-sha-256", f"--pwfile={password}"),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums", "--no-instructions"),
        ]
        if self._options.get("fsync") == "off":
            command.append("--no-sync")
        done = subprocess.run(
            command,
            cwd="/",
            env=_environment(fresh),
            capture_output=True,
            text=True,
            **self._account.identity,
        )
        if done.returncode:
            raise PostgresDidNotStart(reason=(done.stderr or done.stdout)[-1000:])

    def _check_version(self, programs: Binaries) -> None:
        found = int((self._data / "PG_VERSION").read_text())
        if found != programs.major:
            raise OtherVersion(data=self._data, found=found, wanted=programs.major)

    def _launch(self, programs: Binaries) -> None:
        settings = {
            "listen_addresses": "",
            "cluster_name": postmaster.mark(self._data),
            "unix_socket_directories": str(self._socket_folder()),
            "unix_socket_permissions": "0700",
            **AFTER_A_CRASH,
            **self._options,
        }
        command: list[str | Path] = [programs.folder / "postgres", "-D", self._data]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with servers.log(self.log) as log:
            # A session of its own, so that Ctrl-C reaches the portal first and the portal stops its server.
            self._child = subprocess.Popen(
                command,
                cwd="/",
                env=_environment(self._data),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._account.identity,
            )

    def _socket_folder(self) -> Path:
        """Beside the data; in /tmp where that path would be too long for a socket. It stays the same until `stop`."""
        folder = self._socket or self._place / "socket"
        if len(os.fsencode(folder / SOCKET_FILE)) > LONGEST_SOCKET:
            folder = Path(tempfile.mkdtemp(prefix="portal-", dir="/tmp"))  # nosec B108 # 2026-11-22: made anew
        folder.mkdir(mode=0o700, exist_ok=True)
        self._account.own(folder, 0o700)
        return folder

    def _await(self) -> str:
        """Wait until the server takes connections, and see to it that our database exists."""
        end = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < end:
            self._own_if_nobody_does()
            self._give_up_if_dead()
            running = postmaster.read(self._data)
            if running is not None and running.status == "ready" and self._has_database(running.socket):
                return self._address(running.socket, DATABASE)
            time.sleep(0.01)
        raise PostgresDidNotStart(reason=f"not ready after {STARTS_WITHIN:.0f} s")

    def _own_if_nobody_does(self) -> None:
        if self._lock is None:
            self._lock = servers.lock(self._place / "lock")
            if self._lock is not None:
                self._run()

    def _give_up_if_dead(self) -> None:
        if self._child is not None and self._child.poll() is not None:
            tail = self.log.read_text(errors="replace")[-1000:]
            raise PostgresDidNotStart(reason=tail)

    def _has_database(self, socket: Path) -> bool:
        """Whether our database can be opened; its owner creates it at the first start, the others wait."""
        try:
            psycopg.connect(self._address(socket, DATABASE), connect_timeout=10).close()
        except psycopg.OperationalError:
            if self._lock is None:
                return False
            with psycopg.connect(self._address(socket, "postgres"), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {DATABASE}")
        return True

    def _address(self, socket: Path, database: str) -> str:
        if not self._password_file.exists():
            raise PasswordLost(file=self._password_file)
        password = self._password_file.read_text()
        self._socket = socket
        return f"postgresql://{USER}:{quote(password)}@/{database}?host={quote(str(socket), safe='')}"


def _place_for(home: Path, runner: Account) -> Path:
    """Where the cluster lies: in the home, or where a pointer in the home says.

    Root's home is often closed to the user PostgreSQL runs as, and we open nobody's folder.
    """
    home.mkdir(parents=True, exist_ok=True)
    home = home.resolve()
    pointer = home / "postgres.at"
    if pointer.exists():
        place = Path(pointer.read_text())
    elif runner.reaches(home):
        place = home / "postgres"
    else:
        key = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
        place = binaries.system_folder() / f"cluster-{key}"
        pointer.write_text(str(place))
    place.mkdir(mode=0o755, exist_ok=True)
    return place


def _environment(home: Path) -> dict[str, str]:
    """Nothing of ours is handed to the server, least of all PG* variables and passwords."""
    return {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "HOME": str(home)}
