"""Faults of tasks that are assigned to one party, and of what is shown beside them."""

from __future__ import annotations

import pytest

from portal.procedures.content import Content
from tests.builders.content import FILES, small
from tests.procedures.expecting import expect_one, faults

CHECK = '<portal:task role="examiner" form="check" deadline="decision"/>'
ASSIGNED = CHECK.replace("/>", ' assignee="=party.uscc"/>')
SHOWN = '[shown]\nexaminer = ["start.claimed", "start.evidence"]\n'


def content(task: str = ASSIGNED, shown: str = SHOWN, role: str = "expert", kinds: str = '["person"]') -> Content:
    """The small content with its check done by an expert; each part as given."""
    files = dict(small().files)

    def put(name: str, old: str, new: str) -> None:
        text = files[FILES[name]].decode()
        assert text.count(old) == 1
        files[FILES[name]] = text.replace(old, new).encode()

    put("regulation.toml", "[roles]\n", f'[roles]\nexpert = {{ title = "专家", applicant = {kinds} }}\n')
    put("review.toml", '"handler" }', f'"{role}" }}')
    put("review.toml", "[facts.in_time]", f"{shown}[facts.in_time]")
    put("review.bpmn", CHECK, task)
    return Content(small().regulation, files)


def test_a_task_may_be_assigned_to_a_party():
    assert faults(content()) == []


def test_kinds_of_applicants():
    assert faults(content(kinds='["person", "association", "institution"]')) == []
    expect_one(content(kinds='["people"]'), "regulation.toml", "roles.expert.applicant", "“people”不是单位的种类")


@pytest.mark.parametrize(
    ("task", "what"),
    [
        (CHECK, "岗位“专家”是申请人，没有写由哪一位办理"),
        (ASSIGNED.replace("=party.uscc", "party.uscc"), "任务的 assignee：应当以等号开头"),
        (ASSIGNED.replace("party.uscc", "party.code"), "任务的 assignee：“party”没有“code”"),
        (ASSIGNED.replace("party.uscc", "party."), "任务的 assignee：第 1 行"),
    ],
)
def test_whose_a_task_is_can_be_told(task, what):
    expect_one(content(task, shown="" if task == CHECK else SHOWN), "review.bpmn", "check", what)


@pytest.mark.parametrize("role", ["handler", "party"])
def test_only_tasks_of_applicants_are_assigned(role):
    expect_one(content(role=role), "review.bpmn", "check", "写了 assignee，岗位“examiner”却不是申请人的岗位")


@pytest.mark.parametrize(
    ("shown", "element", "what"),
    [
        ('[shown]\nsomebody = ["start.claimed"]\n', "shown.somebody", "没有指定“somebody”办理"),
        ('[shown]\nexaminer = ["start.gone"]\n', "shown.examiner", "“start.gone”：表单“application”没有“gone”"),
        ('[shown]\nexaminer = ["start"]\n', "shown.examiner", "“start”不是表单的一项"),
        ('[shown]\nexaminer = ["party.name"]\n', "shown.examiner", "“party.name”不是表单的一项"),
        ('[shown]\nexaminer = ["nowhere.x"]\n', "shown.examiner", "不认识的名称“nowhere”"),
    ],
)
def test_what_is_shown_is_there(shown, element, what):
    expect_one(content(shown=shown), "review.toml", element, what)
