"""Says that content has exactly one fault, and where."""

from __future__ import annotations

from portal.cases.actions import ACTIONS
from portal.errors import Fault
from portal.procedures import Content
from portal.procedures.check import check
from tests.builders.content import FILES, broken
from tests.builders.planes import drawn

RULES = {name: action.rule for name, action in ACTIONS.items()}


def faults(content: Content) -> list[Fault]:
    return check(drawn(content), RULES)


def expect_one(content: Content, name: str, element: str | None, what: str) -> Fault:
    """The only fault of the content: it stands there, says that, and says how to mend it."""
    found = faults(content)
    assert [(f.file, f.element) for f in found] == [(FILES[name], element)], "\n".join(map(str, found))
    assert what in found[0].what
    assert found[0].mend
    line_is_right(content, found[0])
    return found[0]


def expect_one_when(name: str, old: str, new: str, element: str | None, what: str) -> Fault:
    """The same, of the small content with one text replaced."""
    return expect_one(broken(name, old, new), name, element, what)


def line_is_right(content: Content, fault: Fault) -> None:
    """A fault of an element in a text file names the line on which the element, or its last part, stands."""
    assert fault.file is not None
    lines = content.files[fault.file].decode(errors="replace").splitlines()
    if fault.file.endswith(".bpmn") and fault.element:
        assert fault.line is not None
        around = "\n".join(lines[fault.line - 2 : fault.line])
        assert f'id="{fault.element}"' in around
    if fault.file.endswith(".toml"):
        assert fault.line is not None
        assert fault.element is not None
        parts = fault.element.split(".")
        assert any(part in lines[fault.line - 1] for part in parts)
