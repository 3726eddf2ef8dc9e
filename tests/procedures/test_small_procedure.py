"""A procedure that is nothing but files: written, checked, acted, published, and run to its ends.

No line of Python belongs to it; then one of its numbers is changed and published again.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from portal.cases.actions import ACTIONS
from portal.cases.errors import NobodyWaits
from portal.cases.kernel import Kernel
from portal.jobs import Collected
from portal.procedures import Releases
from portal.procedures.check import check
from portal.procedures.content import from_folder
from portal.scenarios.service import act_all
from tests.builders.letters import plain
from tests.builders.planes import drawn
from tests.builders.world import World

HOME = "bpmn/cqtest-water"
FILES = {
    f"{HOME}/regulation.toml": """
title    = "节水奖励办法"
number   = "试府发〔2026〕1号"
code     = "WATER"
in_force = 2026-01-01
region   = "重庆市"

[bodies]
bureau = "水利局"

[roles]
unit     = { title = "用水单位", applicant = ["enterprise"] }
officer  = { title = "经办人", body = "bureau" }

[articles]
"1" = { none = "purpose" }
"5" = "a unit that saved water may ask for a reward; decided within 10 working days"
"6" = "what is missing is asked for once, within 3 working days"
""",
    f"{HOME}/given.toml": """
[people]
"王" = { org = "某用水单位", uscc = "91500101MA5YKQ1X0C", district = "万州区" }
""",
    f"{HOME}/reward/procedure.toml": """
title      = "节水奖励"
starts     = [ { role = "unit" } ]
number     = "试水奖〔{year}〕{seq}号"
searchable = ["start.saved"]

[deadlines.decision]
title  = "作出决定"
kind   = "duty"
after  = "filed"
within = "10 working days"
met    = ["issued(decision)"]
basis  = "5"

[deadlines.correction]
title  = "补正"
kind   = "right"
after  = "entered(correct)"
within = "3 working days"
met    = "done(correct)"
basis  = "6"

[documents.decision]
title    = "节水奖励决定书"
template = "decision.docx"
number   = "试水决〔{year}〕{seq}号"
serve    = ["party"]
receipt  = "officer"
basis    = "5"
""",
    f"{HOME}/reward/process.bpmn": """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:portal="https://portal.example/bpmn/1.0" id="definitions" targetNamespace="https://portal.example">
  <bpmn:message id="message_served" name="served"/>
  <bpmn:collaboration id="collaboration">
    <bpmn:participant id="participant" processRef="process" name="节水奖励"/>
  </bpmn:collaboration>
  <bpmn:process id="process" name="节水奖励" isExecutable="true">
    <bpmn:laneSet id="lanes">
      <bpmn:lane id="lane_unit" name="申请人">
        <bpmn:flowNodeRef>start</bpmn:flowNodeRef>
        <bpmn:flowNodeRef>correct</bpmn:flowNodeRef>
      </bpmn:lane>
      <bpmn:lane id="lane_officer" name="经办人">
        <bpmn:flowNodeRef>decide</bpmn:flowNodeRef>
        <bpmn:flowNodeRef>decided</bpmn:flowNodeRef>
      </bpmn:lane>
      <bpmn:lane id="lane_system" name="系统">
        <bpmn:flowNodeRef>issue</bpmn:flowNodeRef>
        <bpmn:flowNodeRef>served</bpmn:flowNodeRef>
        <bpmn:flowNodeRef>rewarded</bpmn:flowNodeRef>
        <bpmn:flowNodeRef>lapsed</bpmn:flowNodeRef>
      </bpmn:lane>
    </bpmn:laneSet>
    <bpmn:startEvent id="start" name="申请">
      <bpmn:extensionElements><portal:start form="application"/><portal:basis ref="5"/></bpmn:extensionElements>
    </bpmn:startEvent>
    <bpmn:userTask id="decide" name="审核">
      <bpmn:extensionElements>
        <portal:task role="officer" form="decision" deadline="decision"/>
        <portal:status text="审核中"/><portal:basis ref="5"/>
      </bpmn:extensionElements>
    </bpmn:userTask>
    <bpmn:exclusiveGateway id="decided" name="结论" default="agreed"/>
    <bpmn:userTask id="correct" name="补正">
      <bpmn:extensionElements>
        <portal:task role="party" form="application" deadline="correction" revises="start"/>
        <portal:status text="等待补正"/>
      </bpmn:extensionElements>
    </bpmn:userTask>
    <bpmn:boundaryEvent id="correction_over" name="补正期满" attachedToRef="correct">
      <bpmn:timerEventDefinition id="over">
        <bpmn:timeDate>=deadline("correction")</bpmn:timeDate>
      </bpmn:timerEventDefinition>
    </bpmn:boundaryEvent>
    <bpmn:serviceTask id="issue" name="制发决定书">
      <bpmn:extensionElements>
        <portal:action name="documents.issue"><portal:input name="document" value="decision"/></portal:action>
      </bpmn:extensionElements>
    </bpmn:serviceTask>
    <bpmn:intermediateCatchEvent id="served" name="等待送达">
      <bpmn:extensionElements><portal:message document="decision"/><portal:basis ref="5"/></bpmn:extensionElements>
      <bpmn:messageEventDefinition id="on_served" messageRef="message_served"/>
    </bpmn:intermediateCatchEvent>
    <bpmn:endEvent id="rewarded" name="已奖励">
      <bpmn:extensionElements><portal:basis ref="5"/></bpmn:extensionElements>
    </bpmn:endEvent>
    <bpmn:endEvent id="lapsed" name="逾期未补正">
      <bpmn:extensionElements><portal:basis ref="6"/></bpmn:extensionElements>
    </bpmn:endEvent>
    <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="decide"/>
    <bpmn:sequenceFlow id="f2" sourceRef="decide" targetRef="decided"/>
    <bpmn:sequenceFlow id="agreed" name="同意" sourceRef="decided" targetRef="issue"/>
    <bpmn:sequenceFlow id="missing" name="补正" sourceRef="decided" targetRef="correct">
      <bpmn:conditionExpression>=decide.result = "补正" and visits(correct) = 0</bpmn:conditionExpression>
    </bpmn:sequenceFlow>
    <bpmn:sequenceFlow id="f3" sourceRef="correct" targetRef="decide"/>
    <bpmn:sequenceFlow id="f4" sourceRef="correction_over" targetRef="lapsed"/>
    <bpmn:sequenceFlow id="f5" sourceRef="issue" targetRef="served"/>
    <bpmn:sequenceFlow id="f6" sourceRef="served" targetRef="rewarded"/>
  </bpmn:process>
</bpmn:definitions>
""",
    f"{HOME}/reward/paths/rewarded.toml": """
title = "补正一次后同意，送达即奖励"
basis = "5"

[[step]]
at      = 2026-09-21T09:00:00
file    = "reward"
bind    = "reward"
as      = "unit/王"
answers = { saved = 1200 }
expect.deadlines.decision = { last_day = 2026-10-12 }

[[step]]
at      = 2026-09-22T09:00:00
task    = "decide"
as      = "officer/李"
answers = { result = "补正" }
expect.tasks = ["correct"]
expect.status = "等待补正"

[[step]]
at      = 2026-09-23T09:00:00
task    = "correct"
as      = "unit/王"
answers = { saved = 1250 }

[[step]]
at      = 2026-09-24T09:00:00
task    = "decide"
as      = "officer/李"
answers = { result = "同意" }

[[step]]
at      = 2026-09-28T09:00:00
serve   = "reward"
as      = "unit/王"

[outcome]
outcomes  = { reward = "已奖励" }
documents = { reward = ["decision"] }
""",
    f"{HOME}/reward/paths/lapsed.toml": """
title = "逾期未补正"
basis = "6"

[[step]]
at      = 2026-09-21T09:00:00
file    = "reward"
bind    = "reward"
as      = "unit/王"
answers = { saved = 1200 }

[[step]]
at      = 2026-09-22T09:00:00
task    = "decide"
as      = "officer/李"
answers = { result = "补正" }
expect.deadlines.correction = { last_day = 2026-09-28 }

[[step]]
at      = 2026-09-29T00:01:00
pass    = true

[outcome]
outcomes  = { reward = "逾期未补正" }
ledger    = "unchanged"
""",
    "forms/cqtest-water/reward/application.json": """
{ "type": "default", "id": "application", "components": [
  { "type": "number", "key": "saved", "label": "节水量",
    "properties": { "unit": "立方米" }, "validate": { "required": true } } ] }
""",
    "forms/cqtest-water/reward/decision.json": """
{ "type": "default", "id": "decision", "components": [
  { "type": "radio", "key": "result", "label": "结论", "description": "节水 {{ start.saved }} 立方米",
    "validate": { "required": true },
    "valuesExpression": "=if visits(correct) = 0 then [\\"同意\\", \\"补正\\"] else [\\"同意\\"]" } ] }
""",
}
LETTER = plain("{{ number }} {{ party.name }}：奖励节水 {{ start.saved }} 立方米。{{ issued_at | day }}")


def write(folder: Path, **changes: str) -> Path:
    """The files in a folder, with texts of the manifest changed."""
    for name, text in FILES.items():
        for old, new in changes.items() if name.endswith("procedure.toml") else ():
            assert text.count(old) == 1
            text = text.replace(old, new)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"), encoding="utf-8")
    letter = folder / "documents/cqtest-water/reward/decision.docx"
    letter.parent.mkdir(parents=True, exist_ok=True)
    letter.write_bytes(LETTER)
    return folder


@pytest.fixture
def written(tmp_path):
    return from_folder(write(tmp_path / "content"), "cqtest-water")


def test_the_files_are_faultless(written):
    assert check(drawn(written), {name: action.rule for name, action in ACTIONS.items()}) == []


def test_its_own_paths_reach_everything_drawn(written, database):
    kernel = Kernel(Releases(), Collected(), lambda tx: None, ACTIONS)
    report = act_all(database, kernel, written)
    assert [fault.what for fault in report.faults] == []
    assert [result.title for result in report.results] == ["逾期未补正", "补正一次后同意，送达即奖励"]


def test_it_runs_to_its_end_over_a_real_database(written, own_database):
    world = World.over(own_database, written)
    li, case = world.person("李", "officer"), world.file("reward", world.wang, saved="1,200")
    assert (case.number, case.status, case.tasks) == ("试水奖〔2026〕1号", "审核中", ["decide"])
    assert case.deadline("decision").last_day.isoformat() == "2026-10-12"
    world.complete("decide", li, case, result="补正")
    assert (case.status, case.tasks) == ("等待补正", ["correct"])
    world.at("2026-09-23T09:00:00")
    world.complete("correct", world.wang, case, saved="1250")
    assert (case.ripe_at, case.deadline("correction").state) == (None, "met")
    world.complete("decide", li, case, result="同意")
    [letter] = case.letters
    assert (letter.number, letter.data["start"], case.status) == ("试水决〔2026〕1号", {"saved": "1250"}, "等待送达")
    world.sign_for(case, world.wang)
    assert (case.outcome, case.deadline("decision").state) == ("已奖励", "met")
    assert world.breaks() == []


def test_its_timer_ends_a_case_that_is_not_corrected(written, own_database):
    world = World.over(own_database, written)
    li, case = world.person("李", "officer"), world.file("reward", world.wang, saved="1200")
    world.complete("decide", li, case, result="补正")
    world.pass_to("2026-09-25T00:00:59")
    assert case.tasks == ["correct"]
    world.pass_to("2026-09-25T00:01:00")
    assert (case.outcome, case.tasks) == ("逾期未补正", [])
    with pytest.raises(NobodyWaits):
        world.send("withdraw", case, world.wang)
    assert world.breaks() == []


def test_a_changed_deadline_counts_for_new_cases_and_running_ones_keep_theirs(written, own_database, tmp_path):
    world = World.over(own_database, written)
    li, old = world.person("李", "officer"), world.file("reward", world.wang, saved="1200")
    changes = {'"10 working days"': '"20 working days"', '"3 working days"': '"5 working days"'}
    world.publish(from_folder(write(tmp_path / "changed", **changes), "cqtest-water"))
    new = world.file("reward", world.wang, saved="1300")
    assert (old.row.release_id, new.row.release_id) == (1, 2)
    last_days = [case.deadline("decision").last_day.isoformat() for case in (old, new)]
    assert last_days == ["2026-10-12", "2026-10-26"]
    for case in (old, new):
        world.complete("decide", li, case, result="补正")
    # What the running case starts from now on is its own release's too.
    assert [case.deadline("correction").last_day.isoformat() for case in (old, new)] == ["2026-09-24", "2026-09-29"]
    world.pass_to("2026-09-29T00:01:00")
    assert (old.outcome, new.outcome) == ("逾期未补正", None)
    world.pass_to("2026-09-30T00:01:00")
    assert new.outcome == "逾期未补正"


def test_the_same_content_published_again_is_the_same_release(written, own_database, tmp_path):
    world = World.over(own_database, written)
    assert world.publish(written).id == 1
    assert world.publish(from_folder(write(tmp_path / "copy"), "cqtest-water")).id == 1
