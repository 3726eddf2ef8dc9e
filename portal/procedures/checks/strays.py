"""Whether everything in a content folder belongs to a regulation: what lies beside them all is read by nobody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from portal.errors import Fault
from portal.procedures.checks.files import EXPECTED, MISPLACED
from portal.procedures.content import ROOTS, SHARED, everything, regulations
from portal.procedures.spelling import meant

_REGULATION = "regulation.toml"


def faults(folder: Path) -> Iterator[Fault]:
    """Files beside the folders of regulations, and folders of no regulation, each told once with all that is in it."""
    known = [SHARED, *regulations(folder)]
    lost: dict[str, list[str]] = {}
    for root in ROOTS:
        for file in everything(folder, root):
            owner, _, name = file.removeprefix(f"{root}/").partition("/")
            if not name:
                yield Fault(MISPLACED, EXPECTED[root], file=file)
            elif owner not in known:
                lost.setdefault(f"{root}/{owner}", []).append(name)
    for place, names in lost.items():
        root, _, owner = place.partition("/")
        # Forms and letters of a regulation that only lacks its file are found again with it.
        if root == "bpmn" or f"bpmn/{owner}" not in lost:
            yield _lost(place, owner, names, known)


def _lost(place: str, owner: str, names: list[str], known: list[str]) -> Fault:
    what = f"“{owner}”不是法规（没有 bpmn/{owner}/{_REGULATION}），其中的 {len(names)} 个文件都不会被读取"
    misspelt = next((name for name in names if meant(name, [_REGULATION])), None)
    if misspelt and place.startswith("bpmn/"):
        return Fault(what, f"把 {misspelt} 改名为 {_REGULATION}", file=place)
    near = meant(owner, known)
    return Fault(what, f"{near}放入 bpmn/{owner}/{_REGULATION}，或移到法规的文件夹或 {SHARED} 里", file=place)
