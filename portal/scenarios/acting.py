"""Acts a path on its stage, step by step, and says where it turned out otherwise than it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import select

from portal.cases import delivery, filing, messages, tasks
from portal.cases.errors import FormRefused, MayNotStart, NotAddressed, NotYourRole, Refused, Separated, UnknownCase
from portal.cases.live import Cases, LiveCase
from portal.cases.models import Case, Task
from portal.cases.names import facts_of
from portal.documents.models import Letter
from portal.errors import PortalError
from portal.identity import Actor
from portal.ledger import service as ledger
from portal.scenarios.path import Path, Step
from portal.scenarios.stage import Stage

_REFUSAL: Mapping[str, tuple[type[PortalError], ...]] = {
    "separation": (Separated,),
    "forbidden": (NotYourRole, MayNotStart, NotAddressed, UnknownCase),
    "form": (FormRefused,),
    "state": (Refused,),
}


Answers = Mapping[str, Any]


class Otherwise(Exception):
    """A path turned out otherwise than it says; the text is for the analyst."""


@dataclass
class Acted:
    """The cases that a path has bound so far, and what was there when its beginning was over."""

    stage: Stage
    bound: dict[str, int] = field(default_factory=dict)
    last: int | None = None
    letters_before: set[int] = field(default_factory=set)
    entries_before: int = 0

    def case(self, name: str | None) -> LiveCase:
        """A bound case, or the one bound last."""
        if name is not None and name not in self.bound:
            raise Otherwise(f"没有名为“{name}”的案件")
        case_id = self.bound[name] if name is not None else self.last
        if case_id is None:
            raise Otherwise("还没有任何案件")
        self.stage.tx.expire_all()
        return Cases(self.stage.tx, self.stage.kernel.releases).get(case_id)

    def bind(self, name: str | None, case_id: int) -> None:
        """Gives a case its name in the path."""
        if name is not None:
            self.bound[name] = case_id
        self.last = case_id


def act(path: Path, stage: Stage) -> None:
    """Acts a whole path; raises Otherwise with the step where it went another way."""
    acted = Acted(stage)
    begin(acted, path.given)
    acted.letters_before = set(stage.tx.scalars(select(Letter.id)))
    acted.entries_before = len(_holders_entries(acted))
    for step in path.steps:
        perform(acted, step)
    _judge(acted, path)


def begin(acted: Acted, given: str | None) -> None:
    """Acts a named beginning, and the one it begins with."""
    if given is None:
        return
    beginning = acted.stage.given.beginnings.get(given)
    if beginning is None:
        raise Otherwise(f"given.toml 里没有“{given}”")
    begin(acted, beginning.given)
    for step in beginning.steps:
        perform(acted, step)


def perform(acted: Acted, step: Step) -> None:
    """Does one step and compares what it expects."""
    stage = acted.stage
    before = set(stage.tx.scalars(select(Case.id)))
    try:
        stage.pass_to(step.at)
        refusal = _attempt(acted, step)
        if refusal is not None:
            _expect_refusal(step, refusal)
        _bind_started(acted, step, before)
        _compare(acted, step)
    except Otherwise as error:
        raise Otherwise(f"第{step.number}步（{step.at:%Y-%m-%d %H:%M:%S}，{step.file}）：{error}") from error


def _attempt(acted: Acted, step: Step) -> PortalError | None:
    # Whoever acts is there, with his files, whether or not the act is refused.
    actor = acted.stage.actor(step.role, step.person) if step.person else None
    answers = _answers(acted, step, actor) if actor else {}
    try:
        acted.stage.act(lambda: _VERBS[step.verb](acted, step, actor, answers) if actor else None)
    except PortalError as error:
        # The session forgets what the refused act had begun.
        acted.stage.tx.expire_all()
        return error
    if "refused" in step.expect:
        raise Otherwise(f"应被拒绝（{step.expect['refused']}），却办成了")
    return None


def _expect_refusal(step: Step, error: PortalError) -> None:
    wanted = step.expect.get("refused")
    if wanted is None:
        raise Otherwise(f"被拒绝：{_said(error)}") from error
    kinds = _REFUSAL.get(wanted)
    if (kinds is not None and not isinstance(error, kinds)) or (kinds is None and isinstance(error, Refused)):
        raise Otherwise(f"应因 {wanted} 被拒绝，实为：{_said(error)}") from error
    if "says" in step.expect and step.expect["says"] not in _said(error):
        raise Otherwise(f"拒绝的说明应含“{step.expect['says']}”，实为：{_said(error)}") from error


def _said(error: PortalError) -> str:
    if isinstance(error, FormRefused):
        return error.text() + "；".join(f"{key}：{fault.zh}" for key, fault in error.fields.items())
    return error.text()


def _answers(acted: Acted, step: Step, actor: Actor) -> dict[str, Any]:
    files = {key: [acted.stage.upload(actor, name) for name in names] for key, names in step.files.items()}
    return {**step.answers, **files}


def _file(acted: Acted, step: Step, actor: Actor, answers: Answers) -> None:
    stage = acted.stage
    about = acted.case(step.about).id if step.about else None
    slug = stage.published.regulation.slug
    row = filing.file(stage.kernel, stage.tx, actor, slug, step.what, answers, step.at, about)
    acted.bind(step.bind, row.id)


def _task(acted: Acted, step: Step, actor: Actor, answers: Answers) -> None:
    stage = acted.stage
    case = acted.case(step.case)
    row = stage.tx.scalar(select(Task).where(Task.case_id == case.id, Task.element == step.what, Task.state == "open"))
    if row is None:
        opened = "、".join(_open_tasks(acted, case.id)) or "没有"
        raise Otherwise(f"{case.row.number} 没有待办的“{step.what}”；待办的有：{opened}")
    tasks.complete(stage.kernel, stage.tx, actor, row.id, answers, step.at)


def _serve(acted: Acted, step: Step, actor: Actor, answers: Answers) -> None:
    stage = acted.stage
    case = acted.case(step.what)
    letters = [letter for name, letter in case.letters.items() if step.document in (None, name)]
    if not letters:
        raise Otherwise(f"{case.row.number} 没有可送达的文书")
    letter = letters[-1]
    if step.how == "read":
        delivery.sign_for(stage.kernel, stage.tx, actor, letter.id, step.at)
        return
    service = next(service for service in letter.services if service.kind == "party")
    on = step.on or step.at
    delivery.enter_receipt(stage.kernel, stage.tx, actor, service.id, step.how, on, "", step.at)


def _message(acted: Acted, step: Step, actor: Actor, answers: Answers) -> None:
    stage = acted.stage
    case = acted.case(step.case)
    messages.send(stage.kernel, stage.tx, actor, case.id, step.what, answers, step.at)


_VERBS: Mapping[str, Callable[[Acted, Step, Actor, Answers], None]] = {
    "file": _file,
    "task": _task,
    "serve": _serve,
    "message": _message,
}


def _bind_started(acted: Acted, step: Step, before: set[int]) -> None:
    for name, procedure in step.starts.items():
        new = acted.stage.tx.scalars(select(Case.id).where(Case.procedure == procedure, Case.id.not_in(before))).all()
        if len(new) != 1:
            raise Otherwise(f"应启动一件“{procedure}”，实际启动 {len(new)} 件")
        acted.bound[name] = new[0]
        if step.verb != "file":
            continue
        acted.last = acted.last or new[0]


def _compare(acted: Acted, step: Step) -> None:
    expect = step.expect
    for name, outcome in expect.get("outcomes", {}).items():
        _same(f"{name} 的结果", acted.case(name).row.outcome, outcome)
    here = step.what if step.verb == "serve" else step.case
    if "tasks" in expect:
        _same("待办的环节", _open_tasks(acted, acted.case(here).id), sorted(expect["tasks"]))
    if "status" in expect:
        _same("状态", acted.case(here).row.status, expect["status"])
    for name, value in expect.get("facts", {}).items():
        _same(f"事实 {name}", facts_of(acted.case(here)).get(name), value)
    for name, parts in expect.get("deadlines", {}).items():
        deadline = acted.case(here).deadlines.get(name)
        if deadline is None:
            raise Otherwise(f"期限“{name}”没有起算")
        for part, value in parts.items():
            _same(f"期限“{name}”的 {part}", getattr(deadline, part, None), value)


def _open_tasks(acted: Acted, case_id: int) -> list[str]:
    rows = acted.stage.tx.scalars(select(Task.element).where(Task.case_id == case_id, Task.state == "open"))
    return sorted(rows)


def _same(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise Otherwise(f"{what}应为 {_shown(wanted)}，实为 {_shown(found)}")


def _shown(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return "、".join(map(str, value)) or "无"
    return "无" if value is None else str(value)


def _judge(acted: Acted, path: Path) -> None:
    for name, outcome in path.outcomes.items():
        _same(f"结局：{name} 的结果", acted.case(name).row.outcome, outcome)
    for name, documents in path.documents.items():
        letters = acted.stage.tx.scalars(
            select(Letter).where(Letter.case_id == acted.case(name).id).order_by(Letter.id)
        )
        found = [letter.name for letter in letters if letter.id not in acted.letters_before]
        _same(f"结局：{name} 的文书", found, list(documents))
    new = _holders_entries(acted)[acted.entries_before :]
    if path.ledger == "unchanged":
        _same("结局：台账分录", new, [])
    if path.entries:
        wanted = [(e["account"], e["asset"], int(e["amount"])) for e in path.entries]
        _same("结局：台账分录", new, wanted)
    broken = ledger.invariants(acted.stage.tx)
    _same("结局：台账的平衡", broken, [])


def _holders_entries(acted: Acted) -> list[tuple[str, str, int]]:
    """Every entry on a unit's account so far: organisation, asset, amount; oldest first."""
    stage = acted.stage
    lines = [
        (line.moment, organisation, line)
        for organisation in stage.organisations.values()
        for line in ledger.statement(stage.tx, organisation)
    ]
    names = {stage.organisations[p.uscc]: p.org for p in stage.given.people.values()}
    ordered = sorted(lines, key=lambda entry: entry[0])
    return [(names[organisation], line.asset.code, line.amount) for _, organisation, line in ordered]
