"""A regulation whose experts are natural persons: a unit files a paper, an officer names who gives an opinion on it.

Until he has, the officer may put another in his place (`replace`), and the unit may withdraw (`withdraw`).
"""

from __future__ import annotations

import json
from dataclasses import replace as changed

from portal import identity
from portal.forms import personal
from portal.identity import Actor
from portal.procedures.content import Content
from tests.builders.diagrams import each, element, flow, message, path
from tests.builders.procedures import REGULATION, content, deadline, end, procedure, start, task
from tests.builders.world import World

FIRST, SECOND, THIRD = (personal.code(number) for number in (20260001, 20260002, 20260003))
SHOWN = '[shown]\nexpert = ["start.title", "start.paper"]\n'
_MATERIALS = """
[materials.paper]
title  = "文本"
accept = ["pdf"]
[materials.annex]
title  = "附件"
accept = ["pdf"]
"""
_PAPERS = f'searchable = ["start.title"]\n{_MATERIALS}'
_PAPER = [
    {"type": "textfield", "key": "title", "label": "题目", "validate": {"required": True}},
    {"type": "textfield", "key": "contact", "label": "联系电话"},
    {"type": "filepicker", "key": "paper", "label": "文本"},
    {"type": "filepicker", "key": "annex", "label": "附件"},
]
_EXPERT = [{"type": "textfield", "key": "expert", "label": "专家", "properties": {"kind": "party"}}]
_NAMED = "=if replace = null then assign.expert else replace.expert"


def _asks(id: str, on: str, name: str, role: str, form: str | None = None) -> str:
    """A boundary message that a role sends."""
    said = f' form="{form}"' if form else ""
    extension = f'<bpmn:extensionElements><portal:message role="{role}"{said}/></bpmn:extensionElements>'
    return element(
        "boundaryEvent", id, extension + message(name), attachedToRef=on, cancelActivity="true", name=name
    )  # fmt: skip


def one_expert(
    shown: str = SHOWN, assignee: str = _NAMED, role: str = "expert", warn: str = "", shows: str = "opinion"
) -> Content:
    """One expert after the other: procedure `paper`; `warn` reminds of the deadline that his task `shows`."""
    drawn = procedure(
        start("paper"),
        task("assign", form="expert"),
        task("opinion", role=role, form="choice", deadline=shows or None, assignee=assignee),
        _asks("replace", "opinion", "replace", "officer", "expert"),
        _asks("withdraw", "opinion", "withdraw", "party"),
        end(),
        end("gone", "撤回"),
        path("start", "assign", "opinion", "end"),
        flow("replace", "opinion"),
        flow("withdraw", "gone"),
        manifest=_PAPERS + shown + deadline("opinion", "5 working days", "entered(opinion)", "obligation") + warn,
    )
    return _with_experts(content(paper=drawn))


def committee(timed: str = "") -> Content:
    """Three experts at once, two of whom suffice; then the officer. `timed` is the table of the deadline `opinion`."""
    experts = f"=[&quot;{FIRST}&quot;, &quot;{SECOND}&quot;, &quot;{THIRD}&quot;]"
    shows = "opinion" if timed else None
    opinion = task("opinion", role="expert", form="choice", deadline=shows, assignee="=expert")
    drawn = procedure(
        start("paper"),
        each(opinion, experts, "expert", enough="=count(opinion[item != null]) >= 2"),
        task("conclude"),
        end(),
        path("start", "opinion", "conclude", "end"),
        manifest=_MATERIALS + SHOWN + timed,
    )
    return _with_experts(content(paper=drawn))


def _with_experts(whole: Content) -> Content:
    files = dict(whole.files)
    file = f"bpmn/{REGULATION}/regulation.toml"
    roles = files[file].decode().replace("[roles]\n", '[roles]\nexpert = { title = "专家", applicant = ["person"] }\n')
    files[file] = roles.encode()
    for name, components in (("paper", _PAPER), ("expert", _EXPERT)):
        form = {"type": "default", "id": name, "components": components}
        files[f"forms/_shared/{name}.json"] = json.dumps(form, ensure_ascii=False).encode()
    return changed(whole, files=files)


def natural(world: World, name: str, code: str) -> Actor:
    """A natural person of the world, known by a code."""
    added = world.run.act(
        lambda tx: identity.add_organisation(
            tx, uscc=code, name=name, district="万州区", kinds=["person"], electronic_service_since=world.now
        )
    )
    return world.person(name, of=added.id)
