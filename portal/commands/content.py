"""`portal check`, `act` and `publish`: content is checked, acted out, and frozen as a release."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import select

from portal import app, clock
from portal.cases.actions import ACTIONS
from portal.commands import trials
from portal.commands.servers import database_of, serving
from portal.db import Database
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


def contents(path: Path) -> list[Content]:
    """The content under a path: of a whole folder, or of the one regulation that the path lies in; NoContent."""
    folder, only = _located(path)
    found = [slug for slug in regulations(folder) if only in (None, slug)]
    if not found:
        raise NoContent(path=path)
    return [from_folder(folder, slug) for slug in found]


def _located(given: Path) -> tuple[Path, str | None]:
    """The content folder that a path lies in, and the regulation it names."""
    path = given.resolve()
    for place in (path, *path.parents):
        if (place / "bpmn").is_dir():
            parts = path.relative_to(place).parts
            named = parts[1] if len(parts) > 1 and parts[0] in ROOTS and parts[1] != SHARED else None
            return place, named
    return path, None


def check_command(settings: Settings, given: Path | None, *, as_json: bool) -> int:
    """Checks content, that of the settings without a path; 1 when there are faults."""
    path = given or app.content_folder(settings)
    found = list(strays.faults(_located(path)[0]))
    for content in contents(path):
        found += [*check(content, RULES), *scenarios.unread(content)]
    faults = list(dict.fromkeys(found))
    _tell(faults, as_json=as_json, good="检查通过。")
    return 1 if faults else 0


def act_command(settings: Settings, given: Path | None, *, as_json: bool) -> int:
    """Acts every path in a schema of its own; 1 when one turns out otherwise, or something is never reached."""
    path = given or app.content_folder(settings)
    found = contents(path)
    with serving(settings, objects=False) as served:
        outcomes = trials.act_each(served, _located(path)[0], found)
    faults = [fault for outcome in outcomes for fault in outcome.faults]
    acted = sum(outcome.acted for outcome in outcomes)
    hashes = {content.regulation: content.hash for content in found}
    _tell(faults, as_json=as_json, good=f"{acted} 条路径全部成立。", acted=acted, hashes=hashes)
    return 1 if faults else 0


def publish_command(settings: Settings) -> None:
    """Checks, acts and publishes the content of the settings; ContentFaults when it is faulty."""
    with serving(settings, objects=False) as served:
        for line in publish_changed(served):
            print(line, flush=True)


def publish_changed(settings: Settings) -> Iterator[str]:
    """Publishes every regulation whose content has changed, saying so; ContentFaults of those that it leaves out."""
    with database_of(settings) as database:
        changed: list[Content] = []
        faults: list[Fault] = []
        for content in contents(app.content_folder(settings)):
            if _is_newest(database, content):
                yield f"{content.regulation}: unchanged"
            else:
                changed.append(content)
        if changed:
            yield f"{', '.join(content.regulation for content in changed)}: being checked and acted out …"
        for content, found in _tried(settings, changed):
            if found:
                faults += found
            else:
                with database.transaction() as tx:
                    release, _ = publish(tx, content, clock.now(), "portal publish")
                yield f"{content.regulation}: release {release.id}"
    if faults:
        raise ContentFaults(dict.fromkeys(faults))


def _is_newest(database: Database, content: Content) -> bool:
    newest = select(Release.hash).where(Release.regulation == content.regulation).order_by(Release.id.desc()).limit(1)
    with database.transaction() as tx:
        return tx.scalar(newest) == content.hash


def _tried(settings: Settings, changed: Sequence[Content]) -> Iterator[tuple[Content, Sequence[Fault]]]:
    """The faults of each content: what does not pass the check is not acted."""
    folder = app.content_folder(settings)
    strange = list(strays.faults(folder)) if changed else []
    checked = [(content, [*strange, *check(content, RULES)]) for content in changed]
    sound = [content for content, faults in checked if not faults]
    acted = dict(zip((one.regulation for one in sound), trials.act_each(settings, folder, sound), strict=True))
    for content, faults in checked:
        yield content, faults or acted[content.regulation].faults


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
