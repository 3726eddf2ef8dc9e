"""Whether what stands for a field while it is disputed is a fact of a procedure that disputes something."""

from __future__ import annotations

from collections.abc import Iterator

from portal.errors import Fault
from portal.procedures.checks.whole import Whole
from portal.procedures.tables import line_of
from portal.registers.rules import Register


def faults(whole: Whole) -> Iterator[Fault]:
    """The faults of a regulation's registers that only its procedures show."""
    file = f"bpmn/{whole.content.regulation}/regulation.toml"
    source = whole.content.files.get(file, b"").decode(errors="replace")
    for register in whole.regulation.registers.values():
        for field, what, mend in _meanwhile(whole, register):
            name = f"registers.{register.name}.meanwhile.{field}"
            yield Fault(what, mend, name, line_of(source, name), file)


def _meanwhile(whole: Whole, register: Register) -> Iterator[tuple[str, str, str]]:
    for field, meanwhile in register.meanwhile.items():
        slug, subject = meanwhile.procedure, whole.subjects.get(meanwhile.procedure)
        if slug not in whole.slugs:
            yield field, f"法规中没有名为“{slug}”的事项", f"可用：{'、'.join(whole.slugs) or '无'}"
        elif subject is not None and subject.procedure.manifest.about is None:
            yield field, f"事项“{slug}”没有写 about，不会对任何案件的登记提出异议", "写一个关于登记案件的事项"
        elif subject is not None and meanwhile.fact not in subject.procedure.manifest.facts:
            known = "、".join(subject.procedure.manifest.facts) or "无"
            yield field, f"事项“{slug}”没有名为“{meanwhile.fact}”的事实", f"可用：{known}"
