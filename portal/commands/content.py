"""`portal check`, `act` and `publish`: content is checked, acted out, and frozen as a release."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import select, text

from portal import app, clock
from portal.cases.actions import ACTIONS
from portal.commands.servers import database_of, serving
from portal.db import Database, migrations
from portal.errors import ContentFaults, Fault, PortalError
from portal.procedures import Content, from_folder, publish
from portal.procedures.check import check
from portal.procedures.checks import strays
from portal.procedures.content import ROOTS, SHARED, regulations
from portal.procedures.models import Release
from portal.scenarios import service as scenarios
from portal.settings import Settings

RULES = {name: action.rule for name, action in ACTIONS.items()}


class NoContent(PortalError):
    """There are no regulations where they were looked for."""

    zh = "{path} 里没有找到法规内容（bpmn/<法规>/regulation.toml）。"
    en = "There is no content in {path} (bpmn/<regulation>/regulation.toml)."


def contents(path: Path | None) -> list[Content]:
    """The content under a path: of a whole folder, or of the one regulation that the path lies in."""
    folder, only = _located(path)
    found = [slug for slug in regulations(folder) if only in (None, slug)]
    if not found:
        raise NoContent(path=path)
    return [from_folder(folder, slug) for slug in found]


def _located(given: Path | None) -> tuple[Path, str | None]:
    """The content folder that a path lies in (the shipped one without a path), and the regulation it names."""
    path = (given or app.content_folder()).resolve()
    for place in (path, *path.parents):
        if (place / "bpmn").is_dir():
            parts = path.relative_to(place).parts
            named = parts[1] if len(parts) > 1 and parts[0] in ROOTS and parts[1] != SHARED else None
            return place, named
    return path, None


def check_command(path: Path | None, *, as_json: bool) -> int:
    """Checks content; 1 when there are faults."""
    found = list(strays.faults(_located(path)[0]))
    for content in contents(path):
        found += [*check(content, RULES), *scenarios.unread(content)]
    faults = list(dict.fromkeys(found))
    _tell(faults, as_json=as_json, good="检查通过。")
    return 1 if faults else 0


def act_command(settings: Settings, path: Path | None, *, as_json: bool) -> int:
    """Acts every path in a schema of its own; 1 when one turns out otherwise, or something is never reached."""
    found = contents(path)
    faults, acted = [], 0
    with serving(settings, objects=False) as served:
        for content in found:
            report = acted_out(served, content)
            faults += report.faults
            acted += len(report.results)
    _tell(faults, as_json=as_json, good=f"{acted} 条路径全部成立。", acted=acted)
    return 1 if faults else 0


def publish_command(settings: Settings) -> None:
    """Checks, acts and publishes the shipped content; ContentFaults when it is faulty."""
    with serving(settings, objects=False) as served:
        for line in publish_shipped(served):
            print(line, flush=True)


def publish_shipped(settings: Settings) -> Iterator[str]:
    """Publishes every regulation whose content has changed, saying so; ContentFaults stops it."""
    with database_of(settings) as database:
        for content in contents(None):
            if _is_newest(database, content):
                yield f"{content.regulation}: unchanged"
            else:
                yield f"{content.regulation}: being checked and acted out …"
                yield f"{content.regulation}: release {_publish(settings, database, content)}"


def _is_newest(database: Database, content: Content) -> bool:
    newest = select(Release.hash).where(Release.regulation == content.regulation).order_by(Release.id.desc()).limit(1)
    with database.transaction() as tx:
        return tx.scalar(newest) == content.hash


def _publish(settings: Settings, database: Database, content: Content) -> str:
    began = time.monotonic()
    faults = [*strays.faults(app.content_folder()), *check(content, RULES)] or acted_out(settings, content).faults
    if faults:
        raise ContentFaults(faults)
    with database.transaction() as tx:
        release, _ = publish(tx, content, clock.now(), "portal publish")
    return f"{release.id} ({time.monotonic() - began:.1f} s)"


def acted_out(settings: Settings, content: Content) -> scenarios.Report:
    """What became of every path of the content."""
    with _trial(settings) as database:
        return scenarios.act_all(database, app.kernel(settings), content)


@contextmanager
def _trial(settings: Settings) -> Iterator[Database]:
    """Empty tables in a schema of their own, so that a trial meets nobody's cases and blocks none."""
    assert settings.database_url is not None
    schema = f"trial_{secrets.token_hex(4)}"
    migrations.upgrade(settings.database_url, app.metadata(), schema)
    database = Database(settings.database_url, schema=schema, pool_size=1)
    try:
        yield database
    finally:
        with database.transaction() as tx:
            tx.execute(text(f"DROP SCHEMA {schema} CASCADE"))
        database.close()


def _tell(faults: Sequence[Fault], *, as_json: bool, good: str, **more: object) -> None:
    if as_json:
        print(json.dumps({"ok": not faults, **more, "faults": [asdict(fault) for fault in faults]}, ensure_ascii=False))
        return
    for line in _lines(faults):
        print(line)
    print(f"共 {len(faults)} 处问题。" if faults else good)


def _lines(faults: Iterable[Fault]) -> Iterator[str]:
    for fault in faults:
        yield str(fault)
