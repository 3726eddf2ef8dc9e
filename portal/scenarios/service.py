"""Acts all paths of a regulation's content, and says which flows and end events none of them reached."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from portal.cases.kernel import Kernel
from portal.clock import TZ
from portal.db import Database
from portal.errors import ContentFaults, Fault, PortalError
from portal.procedures import Procedure, Published
from portal.procedures.content import Content
from portal.procedures.drawing import Drawing
from portal.procedures.releases import open_content
from portal.scenarios.acting import Otherwise, act
from portal.scenarios.path import Given, Path, read_given, read_path
from portal.scenarios.stage import set_up

_BEFORE_ALL = datetime(2026, 1, 1, tzinfo=TZ)
Walked = defaultdict[str, set[tuple[str, str]]]  # procedure -> (drawing, flow)


@dataclass(frozen=True)
class Result:
    """One path and what became of it; `fault` says where it turned out otherwise."""

    file: str
    procedure: str
    title: str
    fault: str | None = None


@dataclass
class Report:
    """All paths of a regulation, and what none of them reached."""

    results: list[Result] = field(default_factory=list)
    unreached: list[Fault] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether every path holds and everything drawn is reached."""
        return not self.unreached and all(result.fault is None for result in self.results)

    @property
    def faults(self) -> list[Fault]:
        """Everything that keeps the content from being published."""
        failed = [
            Fault(result.fault, "改正流程、清单或这条路径", file=result.file)
            for result in self.results
            if result.fault is not None
        ]
        return [*failed, *self.unreached]


def act_all(database: Database, kernel: Kernel, content: Content) -> Report:
    """Acts every path of the content in the (trial) database, each rolled back afterwards.

    ContentFaults when the content, given.toml or a path cannot be read.
    """
    opened = open_content(0, content)
    given, paths = _read(content)
    report, walked = Report(), Walked(set)

    def watch(procedure: str, drawing: str, flow: str) -> None:
        walked[procedure].add((drawing, flow))

    watching = replace(kernel, walked=watch)
    for path in paths:
        fault = _act_one(database, watching, content, opened, given, path)
        report.results.append(Result(path.file, path.procedure, path.title, fault))
    # A path that broke off walks less: what no path reaches is known once all of them hold.
    if all(result.fault is None for result in report.results):
        report.unreached += _unreached(opened, walked)
    return report


def unread(content: Content) -> tuple[Fault, ...]:
    """The faults that keep given.toml or a path from being read."""
    try:
        _read(content)
    except ContentFaults as error:
        return error.faults
    return ()


def _read(content: Content) -> tuple[Given, list[Path]]:
    faults: list[Fault] = []
    given, paths = Given(), []
    try:
        given = read_given(content)
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
    return given, paths


def _act_one(
    database: Database, kernel: Kernel, content: Content, opened: Published, given: Given, path: Path
) -> str | None:
    with database.rehearsal() as tx:
        try:
            act(path, set_up(tx, content, given, opened, kernel, _BEFORE_ALL))
        except Otherwise as error:
            return str(error)
        except PortalError as error:
            return error.text()
    return None


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
