"""`portal arrange`: diagrams are laid out anew, in place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from portal.errors import ContentFaults, PortalError
from portal.layout import arrange


class NoDiagram(PortalError):
    """A folder without diagrams, or a path where nothing is."""

    zh = "{path} 里没有流程图（.bpmn）。"
    en = "There is no diagram (.bpmn) in {path}."


def arrange_command(paths: Sequence[Path]) -> None:
    """Lays out each file, and each diagram under a folder; nothing is written when one of them is faulty."""
    files = [file for path in paths for file in _diagrams(path)]
    for file, (data, told) in {file: _arranged(file) for file in files}.items():
        file.write_bytes(data)
        print(told)


def _diagrams(path: Path) -> Iterator[Path]:
    found = sorted(path.rglob("*.bpmn")) if path.is_dir() else [path] if path.is_file() else []
    if not found:
        raise NoDiagram(path=path)
    yield from found


def _arranged(file: Path) -> tuple[bytes, str]:
    try:
        done = arrange(file.read_bytes())
    except ContentFaults as error:
        raise ContentFaults(fault.at(str(file)) for fault in error.faults) from error
    lanes = f"{done.lanes} 条泳道，" if done.lanes else ""
    return done.data, f"已重新排版 {file}：{lanes}{done.shapes} 个图形"
