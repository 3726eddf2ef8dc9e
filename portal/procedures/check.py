"""`portal check`: every fault of one regulation's content, found without running it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from portal.errors import ContentFaults, Fault
from portal.procedures.actions import ActionRule
from portal.procedures.checks import actions as senders
from portal.procedures.checks import decisions, elements, files, manifests, plane, publicity, registers, shape, texts
from portal.procedures.checks.whole import Report, Subject, Whole, read
from portal.procedures.content import Content
from portal.procedures.toml import parse


def check(content: Content, actions: Mapping[str, ActionRule]) -> list[Fault]:
    """Every fault of the content, by file and line; empty when it may be published.

    `actions` are those that service tasks may name. Bad content of whatever kind gives faults, never an error.
    """
    report = Report(content.regulation)
    report.add(_tables(content))
    misshapen = list(shape.of_files(content))
    report.add(misshapen)
    report.add(plane.of_files(content))
    report.add(texts.of_files(content))
    report.add(decisions.of_files(content))
    whole = read(content, actions, report)
    for subject in whole.subjects.values():
        report.caused(subject.slug, manifests.faults(whole, subject))
        report.caused(subject.slug, publicity.faults(whole, subject))
        report.caused(subject.slug, texts.faults(whole, subject))
        report.caused(subject.slug, elements.faults(whole, subject))
        report.caused(subject.slug, decisions.faults(whole, subject))
    report.add(files.faults(whole))
    report.add(registers.faults(whole))
    report.add(manifests.after_last_day(whole))
    for slug, fault in (*manifests.shared_numbers(whole), *senders.unsent(whole)):
        report.caused(slug, [fault])
    faulty = {fault.file for fault in misshapen}
    for subject in whole.subjects.values():
        report.caused(subject.slug, _run(whole, subject, faulty))
    return report.faults()


def _tables(content: Content) -> Iterator[Fault]:
    """TOML files that are none, and procedures whose manifest is missing."""
    for file, data in sorted(content.files.items()):
        if file.endswith(".toml"):
            try:
                parse(data, file)
            except ContentFaults as error:
                yield from error.faults
    home = f"bpmn/{content.regulation}/"
    for file in sorted(content.files):
        parts = file.removeprefix(home).split("/")
        if file.startswith(home) and len(parts) == 2 and parts[1] == "process.bpmn":
            manifest = f"{home}{parts[0]}/procedure.toml"
            if manifest not in content.files:
                yield Fault(
                    f"事项“{parts[0]}”没有 procedure.toml", "放入 procedure.toml，写明谁可以启动", file=manifest
                )


def _run(whole: Whole, subject: Subject, faulty: set[str | None]) -> Iterator[Fault]:
    """What the engine itself says to a procedure whose diagrams are all well drawn."""
    procedure = subject.procedure
    if not subject.complete or any(drawn.file in faulty for drawn in procedure.drawings.values()):
        return
    try:
        _ = procedure.spec
    except ContentFaults as error:
        for fault in error.faults:
            drawn = procedure.drawings.get(fault.file or "", procedure.drawing)
            element = drawn.elements.get(fault.element or "") or drawn.flows.get(fault.element or "")
            line = element.line if element else None
            yield Fault(fault.what, fault.mend, fault.element, line, drawn.file)
