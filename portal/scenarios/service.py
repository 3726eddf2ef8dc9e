"""Acts all paths of a regulation's content, and says which flows and end events none of them reached."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from portal.cases.kernel import Kernel
from portal.clock import TZ
from portal.db import Database
from portal.documents.models import Letter
from portal.errors import ContentFaults, Fault
from portal.procedures import Procedure, Published
from portal.procedures.content import Content
from portal.procedures.drawing import Drawing
from portal.procedures.releases import open_content
from portal.scenarios import names
from portal.scenarios.acting import Acted, perform
from portal.scenarios.demo import Demo, read_demo
from portal.scenarios.expecting import compare, holders_entries, judge
from portal.scenarios.path import Given, GivenRenewal, Path, Step
from portal.scenarios.reading import read_given, read_path
from portal.scenarios.stage import set_up

_BEFORE_ALL = datetime(2026, 1, 1, tzinfo=TZ)
Walked = defaultdict[str, set[tuple[str, str]]]  # procedure -> (drawing, flow)


@dataclass(frozen=True)
class Result:
    """One path and what became of it; `faults` say where it turned out otherwise."""

    file: str
    procedure: str
    title: str
    faults: tuple[Fault, ...] = ()


@dataclass
class Report:
    """All paths of a regulation, and what none of them reached."""

    results: list[Result] = field(default_factory=list)
    unreached: list[Fault] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether every path holds and everything drawn is reached."""
        return not self.unreached and not any(result.faults for result in self.results)

    @property
    def faults(self) -> list[Fault]:
        """Everything that keeps the content from being published; what paths share is told once, with their number."""
        count = Counter(fault for result in self.results for fault in result.faults)
        shared = (replace(fault, what=f"{fault.what}（{n} 条路径由此而来）") for fault, n in count.items() if n > 1)
        alone = (fault for fault, n in count.items() if n == 1)
        return [*shared, *alone, *self.unreached]


def act_all(database: Database, kernel: Kernel, content: Content) -> Report:
    """Acts every path of the content in the (trial) database; everything is rolled back.

    ContentFaults when the content, given.toml or a path cannot be read, or names what does not exist.
    """
    opened = open_content(0, content)
    given, demo, paths = _read(content)
    faults = [*names.strange(opened, given, paths), *names.strange_in_demo(opened, demo)]
    if faults:
        raise ContentFaults(faults)
    walked = Walked(set)

    def watch(procedure: str, drawing: str, flow: str) -> None:
        walked[procedure].add((drawing, flow))

    with database.rehearsal() as tx:
        stage = set_up(tx, content, given, opened, replace(kernel, walked=watch), _BEFORE_ALL)
        found = {result.file: result for result in _act_from(None, Acted(stage), paths)}
    report = Report([found[path.file] for path in paths])
    # A path that broke off walks less: what no path reaches is known once all of them hold.
    if not any(result.faults for result in report.results):
        report.unreached += [*names.unused(given, paths), *_unreached(opened, walked)]
    return report


def _act_from(beginning: str | None, acted: Acted, paths: Sequence[Path]) -> Iterator[Result]:
    """Acts every path that comes from a beginning, which is acted only once: what follows from it is undone again."""
    given = acted.stage.given
    acted.letters_before = acted.stage.tx.scalar(select(func.max(Letter.id))) or 0
    acted.entries_before = len(holders_entries(acted))
    for path in (path for path in paths if path.given == beginning):
        yield Result(path.file, path.procedure, path.title, _act_one(path, acted.branch()))
    for name, following in given.beginnings.items():
        coming = [path for path in paths if name in given.chain(path.given)]
        if following.given == beginning and coming:
            with acted.stage.undone():
                branch = acted.branch()
                _renew(branch, following.renewals)
                _act_steps(branch, following.steps)
                yield from _act_from(name, branch, coming)


def _act_one(path: Path, acted: Acted) -> tuple[Fault, ...]:
    with acted.stage.undone():
        _renew(acted, path.renewals)
        if _act_steps(acted, path.steps):
            judge(acted, path)
    return tuple(acted.faults)


def _renew(acted: Acted, renewals: Sequence[GivenRenewal]) -> None:
    """Enters what has renewed the regulation; what cannot be entered breaks off what follows."""
    try:
        acted.stage.renew(renewals)
    except ContentFaults as error:
        acted.faults += error.faults
        acted.broken_off = True


def _act_steps(acted: Acted, steps: Sequence[Step]) -> bool:
    """Acts steps and compares what they expect, until one cannot be done."""
    for step in steps:
        if acted.broken_off or not perform(acted, step):
            return False
        compare(acted, step)
    return not acted.broken_off


def unread(content: Content) -> tuple[Fault, ...]:
    """The faults that keep given.toml or a path from being read, or that name what does not exist."""
    try:
        given, demo, paths = _read(content)
    except ContentFaults as error:
        return error.faults
    try:
        opened = open_content(0, content)
    except ContentFaults:
        return ()  # told by the check of the content itself
    strange = (*names.strange(opened, given, paths), *names.strange_in_demo(opened, demo))
    return (*strange, *names.unused(given, paths))


def _read(content: Content) -> tuple[Given, Demo, list[Path]]:
    faults: list[Fault] = []
    given, demo, paths = Given(), Demo(), []
    try:
        given = read_given(content)
    except ContentFaults as error:
        faults += error.faults
    try:
        demo = read_demo(content)
    except ContentFaults as error:
        faults += error.faults
    for procedure in content.procedures():
        for file in content.paths(procedure):
            try:
                paths.append(read_path(content, procedure, file))
            except ContentFaults as error:
                faults += error.faults
    if faults:
        raise ContentFaults(faults)
    return given, demo, paths


def _unreached(opened: Published, walked: Mapping[str, set[tuple[str, str]]]) -> Iterator[Fault]:
    """Flows of own diagrams by their procedure's paths, of shared ones by any; end events by each user."""
    by_any = set().union(*walked.values()) if walked else set()
    seen: set[tuple[str, str]] = set()
    for slug, procedure in opened.procedures.items():
        own = walked.get(slug, set())
        for drawn in procedure.drawings.values():
            reached = own if drawn.name == slug else by_any
            for flow in drawn.flows.values():
                here = (drawn.name, flow.id)
                if here not in reached and here not in seen:
                    seen.add(here)
                    yield Fault(
                        f"没有路径走过“{_flow_name(drawn, flow.id)}”",
                        "补一条走这里的路径",
                        flow.id,
                        flow.line,
                        drawn.file,
                    )
        yield from _ends(procedure, own)


def _ends(procedure: Procedure, own: set[tuple[str, str]]) -> Iterator[Fault]:
    drawn = procedure.drawing
    for end in drawn.of_kind("endEvent"):
        if not any((drawn.name, flow.id) in own for flow in drawn.into(end.id)):
            yield Fault(
                f"“{procedure.manifest.title}”没有路径到达结束事件“{end.name}”",
                "补一条到达这个结果的路径",
                end.id,
                end.line,
                drawn.file,
            )


def _flow_name(drawn: Drawing, key: str) -> str:
    flow = drawn.flows[key]
    ends: list[Any] = [drawn.elements.get(flow.source), drawn.elements.get(flow.target)]
    names = [end.name or end.id if end else "？" for end in ends]
    return f"{names[0]} → {names[1]}" + (f"（{flow.name}）" if flow.name else "")
