"""A diagram with all that it calls, ready to be run by many cases at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec


@dataclass(frozen=True, eq=False)
class Spec:
    """What `read` gives and `start` and `load` take; opaque, never changed, shared by cases and threads."""

    name: str
    top: BpmnProcessSpec = field(repr=False)
    inner: dict[str, BpmnProcessSpec] = field(repr=False)

    def fingerprint(self) -> str:
        """A digest of its elements and how they are connected; running cases never changes it."""
        digest = hashlib.sha256()
        for name, spec in sorted({**self.inner, "": self.top}.items()):
            for task in sorted(spec.task_specs.values(), key=lambda task: str(task.name)):
                facts = (name, task.name, type(task).__name__, task._inputs, task._outputs, task.data)
                digest.update(repr(facts).encode())
        return digest.hexdigest()
