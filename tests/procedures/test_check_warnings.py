"""What `portal check` says of warnings in a manifest."""

from __future__ import annotations

import pytest

from tests.builders.assigned import one_expert
from tests.builders.procedures import content
from tests.builders.warned import asked
from tests.procedures.expecting import faults


def told(warn: str) -> list[str]:
    """The faults of a deadline with these warnings."""
    found = faults(content(asked=asked(f"warn = [ {warn} ]\n")))
    return [f"{fault.element}：{fault.what}" for fault in found if "warn" in fault.what]


@pytest.mark.parametrize("role", ["nobody", "unit"])
@pytest.mark.parametrize("key", ["remind", "raise"])
def test_a_role_that_is_no_office_is_a_fault(role, key):
    said = f'{{ overdue = 0, {key} = "{role}" }}'
    assert told(said) == [f"deadlines.decide.warn：warn 的“overdue = 0”：{key} 的“{role}”不是机关的岗位"]


def test_the_party_may_be_reminded_but_has_no_desk():
    assert told('{ day = 2, remind = ["party", "officer"] }') == []
    assert told('{ overdue = 0, raise = "party" }') != []


def test_whoever_has_a_task_alone_is_reminded_of_its_deadline_only():
    said = 'warn = [ { left = 1, remind = ["expert"] } ]'
    assert [one.what for one in faults(one_expert(warn=said)) if "warn" in one.what] == []
    [fault] = [one for one in faults(one_expert(warn=said, shows="")) if "warn" in one.what]
    assert (fault.element, fault.what) == (
        "deadlines.opinion.warn",
        "warn 的“left = 1”：remind 的“expert”不是机关的岗位",
    )
    assert fault.mend.endswith("；提醒办理人本人，要在他的任务上写 assignee 和 deadline=“opinion”")
    raised = 'warn = [ { overdue = 0, raise = "expert" } ]'
    assert [one.what for one in faults(one_expert(warn=raised)) if "warn" in one.what] == [
        "warn 的“overdue = 0”：raise 的“expert”不是机关的岗位"
    ]


def test_every_fault_of_the_key_is_told_at_its_line():
    found = faults(
        content(asked=asked('warn = [ { day = 11, remind = ["officer"] }, { left = 10, remind = ["officer"] } ]'))
    )
    mine = [fault for fault in found if "warn" in fault.what]
    assert [fault.what for fault in mine] == [
        "warn 的“day = 11”：期限没有第 11 日",
        "warn 的“left = 10”：那时期限还没有开始",
    ]
    assert all(fault.file == "bpmn/small/asked/procedure.toml" and fault.line for fault in mine)


def test_warnings_that_are_no_list_of_tables_are_a_fault():
    assert faults(content(asked=asked("warn = 5\n"))) != []
