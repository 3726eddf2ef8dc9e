"""How a position is saved: by SpiffWorkflow's stock serializer, the spec left out, compressed, with a header.

The bytes are opaque and their order matters (H1): a binary column, never JSONB.
"""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from SpiffWorkflow.bpmn.serializer.default.workflow import (
    BpmnSubWorkflowConverter,
    BpmnWorkflowConverter,
    TaskConverter,
    WorkflowConverter,
)
from SpiffWorkflow.bpmn.serializer.workflow import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.task import Task as SpiffTask

from portal.engine.elements import Task
from portal.engine.errors import BadState
from portal.engine.places import Environment
from portal.engine.running import Inner, Run

CODEC = 1
SPIFF = "3.2.0"
MAX_BYTES = 512 * 1024
"""Two hundred open instances of a subprocess with its own events take 230 KB; a case of some rounds takes 20."""
MAX_PLAIN = 16 * 1024 * 1024

_MAGIC = b"portal-engine"
_HEADER = b"%s %d spiff %s\n" % (_MAGIC, CODEC, SPIFF.encode())


class _RunConverter(BpmnWorkflowConverter):
    """The whole case, without its specs; they come from the release, already parsed."""

    def to_dict(self, workflow: Run) -> dict[str, Any]:
        state: dict[str, Any] = WorkflowConverter.to_dict(self, workflow)
        state["spec"] = workflow.spec.name
        state["subprocesses"] = self.mapping_to_dict(workflow.subprocesses)
        return state

    def from_dict(self, dct: dict[str, Any], run: Run) -> Run:  # type: ignore[override]
        run.tasks = self.mapping_from_dict(dct["tasks"], UUID, workflow=run)
        run.task_tree = run.tasks[UUID(dct["root"])]
        self.set_default_attributes(run, dct)
        self.subprocesses_from_dict(dct["subprocesses"], run)
        return run


class _InnerConverter(BpmnSubWorkflowConverter):
    """What stands inside a call activity or subprocess."""

    def from_dict(self, dct: dict[str, Any], task: Task, top_workflow: Run) -> Inner:  # type: ignore[override]
        inner = Inner(top_workflow.subprocess_specs[task.task_spec.spec], task, top_workflow, deserializing=True)
        inner.tasks = self.mapping_from_dict(dct["tasks"], UUID, workflow=inner)
        inner.task_tree = inner.tasks[UUID(dct["root"])]
        self.set_default_attributes(inner, dct)
        return inner


class _Serializers(threading.local):
    """One serializer per thread: its registry carries a mode flag (H11)."""

    def __init__(self) -> None:
        config = {SpiffTask: TaskConverter, Run: _RunConverter, Inner: _InnerConverter}
        self.one = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure(config))


_serializers = _Serializers()


def dump(run: Run) -> bytes:
    """The state of a case; raises BadState when it has grown beyond all measure."""
    text: str = _serializers.one.serialize_json(run)
    state = _HEADER + zlib.compress(text.encode(), 6)
    if len(state) > MAX_BYTES:
        raise BadState(run.at, f"the state has {len(state)} bytes, more than {MAX_BYTES}")
    return state


def load(state: bytes, spec: BpmnProcessSpec, inner_specs: dict[str, BpmnProcessSpec], env: Environment) -> Run:
    """The case of a saved state, bound to `env`; raises BadState."""
    saved = _plain(state)
    _check_names(saved, spec, inner_specs)
    serializer = _serializers.one
    serializer.migrate(saved)
    run = Run(spec, inner_specs, env, deserializing=True)
    serializer.from_dict(saved, run=run)
    return run


def _plain(state: bytes) -> dict[str, Any]:
    header, found, body = state.partition(b"\n")
    if not found or not header.startswith(_MAGIC):
        raise BadState(None, "these bytes are no state of the engine")
    if header + b"\n" != _HEADER:
        raise BadState(None, f"this engine reads {_HEADER!r}, the state was saved as {header[:80]!r}")
    inflate = zlib.decompressobj()
    try:
        text = inflate.decompress(body, MAX_PLAIN)
        saved = json.loads(text) if inflate.eof else None
    except (zlib.error, ValueError) as error:
        raise BadState(None, f"the state is damaged: {error}") from error
    if not isinstance(saved, dict):
        raise BadState(None, "the state is damaged or larger than any real one")
    return saved


def _check_names(saved: dict[str, Any], spec: BpmnProcessSpec, inner_specs: Mapping[str, BpmnProcessSpec]) -> None:
    """A state of another diagram is refused: Spiff would write a new start task into the shared spec."""
    if saved.get("spec") != spec.name:
        raise BadState(None, f"the state is one of {saved.get('spec')!r}, not of {spec.name!r}")
    for name, tasks in _tasks_by_spec(saved):
        known = spec if name == spec.name else inner_specs.get(name)
        for task in tasks:
            if known is None or task not in known.task_specs:
                raise BadState(task, f"the state stands at {task!r} of {name!r}, unknown here")


def _tasks_by_spec(saved: dict[str, Any]) -> Iterator[tuple[str, set[str]]]:
    for workflow in (saved, *saved["subprocesses"].values()):
        yield workflow["spec"], {task["task_spec"] for task in workflow["tasks"].values()}
