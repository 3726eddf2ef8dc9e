"""Whether every file is one that the portal reads: a misplaced, misspelt or forgotten one changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from portal.errors import Fault
from portal.procedures.checks.whole import Subject, Whole, forms_named

_SLUG = r"[^/]+"
# Where a file may lie; `{home}` is the regulation's folder.
_BPMN = (
    "{home}/(regulation|given|demo)\\.toml",
    f"{{home}}/(?!_shared/){_SLUG}/(procedure\\.toml|process\\.bpmn|[^/]+\\.dmn|paths/.+\\.toml)",
    f"({{home}}/)?_shared/{_SLUG}/(process\\.bpmn|shared\\.toml|[^/]+\\.dmn)",
)
_PLACES = {
    "bpmn": _BPMN,
    "forms": (f"({{home}}/{_SLUG}|_shared)/[^/]+\\.json",),
    "documents": (f"({{home}}/{_SLUG}|_shared)/[^/]+\\.docx",),
}
MISPLACED = "文件放在了不会读取的位置，或名称不对"
EXPECTED = {
    "bpmn": "法规目录下是 regulation.toml、given.toml、demo.toml，事项目录下是 procedure.toml、process.bpmn、*.dmn、"
    "paths/*.toml，_shared/图名 下是 process.bpmn、shared.toml、*.dmn",
    "forms": "表单放在 forms/法规/事项/名称.json，共用的放在 _shared",
    "documents": "文书放在 documents/法规/事项/名称.docx，共用的放在 _shared",
}


def faults(whole: Whole) -> Iterator[Fault]:
    """Files of no kind that is read, files where nothing is looked for, and files of the regulation nobody uses.

    What lies in the `_shared` of all regulations may be used by another one.
    """
    for file in whole.content.strangers:
        mend = "只读取 .toml、.bpmn、.dmn、.json、.docx；改扩展名或移走，给人看的说明写成 .md"
        yield Fault("这种文件不会被读取", mend, file=file)
    used = _used(whole)
    for file in sorted(whole.content.files):
        root, _, rest = file.partition("/")
        home = re.escape(whole.content.regulation)
        if not any(re.fullmatch(place.format(home=home), rest) for place in _PLACES[root]):
            yield Fault(MISPLACED, EXPECTED[root], file=file)
        elif used is not None and rest.startswith(f"{whole.content.regulation}/") and file not in used:
            yield _unused(whole, file)


def _unused(whole: Whole, file: str) -> Fault:
    slug = file.split("/")[2]
    if file.endswith("process.bpmn") and slug in whole.subjects:
        what = "清单写了 diagram，用的是共用的图，旁边的 process.bpmn 不起作用"
        return Fault(what, "删去它，或删去清单中的 diagram", file=file)
    if file.endswith("/shared.toml"):
        what = "没有事项使用或调用这张图，shared.toml 不起作用"
        return Fault(what, "删去它，或在流程图中调用这张图", file=file)
    if file.endswith(".toml"):
        return Fault(f"“{slug}”不是事项，这个文件不起作用", "放入 procedure.toml，或删去", file=file)
    return Fault("没有事项用到这个文件", "在清单、图中写它的名称，或删去", file=file)


def _used(whole: Whole) -> set[str] | None:
    """Every file that is read; None when one is missing, for what nobody uses may be it under another name."""
    home = f"bpmn/{whole.content.regulation}"
    used: set[str | None] = {f"{home}/regulation.toml", f"{home}/given.toml", f"{home}/demo.toml"}
    for subject in whole.subjects.values():
        used.update(_of(whole, subject))
    return {file for file in used if file} if whole.complete and None not in used else None


def _of(whole: Whole, subject: Subject) -> Iterator[str | None]:
    """What one procedure reads; None for a form or letter that is not there."""
    procedure, content = subject.procedure, whole.content
    yield from (subject.own.file, *(table.file for table in subject.under), *content.paths(subject.slug))
    yield from (drawn.file for drawn in procedure.drawings.values())
    for name in forms_named(subject):
        yield content.find("forms", subject.slug, f"{name}.json")
    for decision in procedure.manifest.decisions.values():
        yield content.find_decisions(subject.slug, procedure.drawings, decision.file)
    for rule in procedure.manifest.documents.values():
        yield content.find("documents", subject.slug, rule.template)
