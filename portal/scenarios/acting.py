"""Acts the steps of a path on its stage; what turns out otherwise than it says is found, and told where it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select

from portal.cases import (
    bulk,
    correcting,
    delivery,
    desk,
    extending,
    filing,
    matters,
    messages,
    publicly,
    publishing,
    tasks,
)
from portal.cases.correcting import Receipt
from portal.cases.errors import (
    EnteredIt,
    FormRefused,
    MayNotStart,
    NotAddressed,
    NotYourRole,
    Refused,
    Separated,
    UnknownCase,
)
from portal.cases.live import Cases, LiveCase
from portal.cases.models import Case, DeskMatter, StartItem, Task
from portal.documents.models import Letter
from portal.errors import Fault, PortalError
from portal.identity import Actor
from portal.identity import service as identity
from portal.procedures.tables import Table
from portal.scenarios.path import EACH, PUBLIC, Started, Step
from portal.scenarios.stage import JobFailed, Stage

_REFUSAL: Mapping[str, tuple[type[PortalError], ...]] = {
    "separation": (Separated, EnteredIt),
    "forbidden": (NotYourRole, MayNotStart, NotAddressed, UnknownCase),
    "form": (FormRefused,),
    "state": (Refused,),
}
_RULE = "rule"
_BROKEN_OFF = "改正这一步，或改正不该让它走不通的流程、清单、表单"

Answers = Mapping[str, Any]


class Otherwise(Exception):
    """A step cannot be done as it is written, so that its path breaks off here; `key` is where in the step."""

    def __init__(self, what: str, mend: str = _BROKEN_OFF, key: str = "") -> None:
        self.what, self.mend, self.key = what, mend, key
        super().__init__(what)


@dataclass
class Acted:
    """The cases that a path has bound so far, what was there when its beginning was over, and what was found."""

    stage: Stage
    bound: dict[str, int] = field(default_factory=dict)
    last: int | None = None
    letters_before: int = 0
    entries_before: int = 0
    faults: list[Fault] = field(default_factory=list)
    broken_off: bool = False

    def branch(self) -> Acted:
        """What follows from here on, apart from what else may follow."""
        return replace(self, bound=dict(self.bound), faults=list(self.faults))

    def case(self, name: str | None) -> LiveCase:
        """A bound case, or the one bound last."""
        case_id = self.bound.get(name) if name is not None else self.last
        if case_id is None:
            raise Otherwise(f"没有名为“{name}”的案件" if name is not None else "还没有任何案件")
        return self.live(case_id)

    def live(self, case_id: int) -> LiveCase:
        """A case as it is now."""
        self.stage.tx.expire_all()
        return Cases(self.stage.tx, self.stage.kernel.releases).get(case_id)

    def named(self, name: str | None, apart: Sequence[str] = ()) -> list[tuple[str, LiveCase]]:
        """The case of a name; of `notice/*` each one that is not named on its own in `apart`."""
        if name is None or not name.endswith(f"/{EACH}"):
            return [(name or "", self.case(name))]
        prefix = name.removesuffix(EACH)
        found = [key for key in self.bound if key.startswith(prefix) and key not in apart]
        return [(key, self.case(key)) for key in found]

    def found(self, step: Step, key: str, what: str, mend: str) -> None:
        """Notes what turned out otherwise in a step; the path goes on."""
        begun = f"开头“{step.beginning}”" if step.beginning else ""
        text = f"{begun}第{step.number}步（{step.at:%Y-%m-%d %H:%M:%S}）：{what}"
        self.note(step.table, key, text, mend)

    def note(self, table: Table, key: str, what: str, mend: str) -> None:
        """Notes a fault at a key of the path."""
        self.faults.append(Fault(what, mend, key or None, table.line(key or "at"), table.file))


def perform(acted: Acted, step: Step) -> bool:
    """Does one step; False when it cannot be done, so that the path breaks off."""
    stage = acted.stage
    newest = max(stage.tx.scalars(select(Case.id)), default=0)
    try:
        stage.pass_to(step.at)
        refusal = _attempt(acted, step)
        if refusal is not None:
            _judge_refusal(acted, step, refusal)
        _bind_started(acted, step, newest)
    except Otherwise as error:
        acted.found(step, error.key or step.verb, error.what, error.mend)
        acted.broken_off = True
    except JobFailed as error:
        acted.found(step, step.verb, f"随后的后台工作失败：{error}", _BROKEN_OFF)
        acted.broken_off = True
    except PortalError as error:
        acted.found(step, "at", f"时间推移到此时出错：{error.text()}", _BROKEN_OFF)
        acted.broken_off = True
    _note_unmade(acted, step)
    return not acted.broken_off


def _note_unmade(acted: Acted, step: Step) -> None:
    """Letters issued in a step that could not be made, each kind once."""
    said = {}
    for unmade in acted.stage.unmade:
        what = f"文书“{unmade.letter}”生成不出来：{unmade.reason.text().rstrip('。')}"
        said[what] = f"改正 {unmade.template}：有时没有内容的占位符放进 if；或让这一步之前填上它"
    acted.stage.unmade.clear()
    for what, mend in said.items():
        acted.found(step, step.verb, what, mend)


def _attempt(acted: Acted, step: Step) -> PortalError | None:
    # Whoever acts is there, with his files, whether or not the act is refused.
    actor = acted.stage.actor(step.role, step.person) if step.person else None
    if actor is None and step.role != PUBLIC:
        return None
    answers = _answers(acted, step, actor)

    acted.stage.drawn = tuple(acted.stage.number(name.rpartition("/")[2]) for name in step.drawn)

    def verb() -> None:
        if actor is None:
            _IN_PUBLIC[step.verb](acted, step, answers)
        else:
            _VERBS[step.verb](acted, step, actor, answers)

    try:
        acted.stage.act(verb)
    except PortalError as error:
        # The session forgets what the refused act had begun.
        acted.stage.tx.expire_all()
        return error
    if "refused" in step.expect:
        what = f"应被拒绝（{step.expect['refused']}），却办成了"
        raise Otherwise(what, "去掉 expect.refused，或补上应当拒绝它的规则", "expect.refused")
    return None


def _judge_refusal(acted: Acted, step: Step, error: PortalError) -> None:
    wanted, kind = step.expect.get("refused"), _kind(error)
    if wanted is None:
        mend = f'{_BROKEN_OFF}；应当拒绝的，写 expect.refused = "{kind}"'
        raise Otherwise(f"被拒绝：{_said(error)}", mend, step.verb) from error
    if wanted != kind and not isinstance(error, _REFUSAL.get(wanted, ())):
        mend = f'写 expect.refused = "{kind}"，或改正拒绝它的规则'
        acted.found(step, "expect.refused", f"应因 {wanted} 被拒绝，实为 {kind}：{_said(error)}", mend)
    if "says" in step.expect and step.expect["says"] not in _said(error):
        what = f"拒绝的说明应含“{step.expect['says']}”，实为：{_said(error)}"
        acted.found(step, "expect.says", what, "改正 expect.says，或改正规则的说明")


def _kind(error: PortalError) -> str:
    """The narrowest kind of refusal that an error is of."""
    return next((name for name, kinds in _REFUSAL.items() if isinstance(error, kinds)), _RULE)


def _said(error: PortalError) -> str:
    if isinstance(error, FormRefused):
        return error.text() + "；".join(f"{key}：{fault.zh}" for key, fault in error.fields.items())
    return error.text()


def _answers(acted: Acted, step: Step, actor: Actor | None) -> dict[str, Any]:
    bundle = publicly.bundle_of(_once(step))
    files = {
        key: [
            acted.stage.upload(actor, name) if actor else acted.stage.upload_in_public(bundle, name) for name in names
        ]
        for key, names in step.files.items()
    }
    return {**step.answers, **files}


# Verbs


def _file(acted: Acted, step: Step, actor: Actor, answers: Answers) -> None:
    stage = acted.stage
    about = acted.case(step.about).id if step.about else None
    slug = stage.published.regulation.slug
    row = filing.file(stage.kernel, stage.tx, actor, slug, step.what, answers, step.at, about)
    acted.last = row.id
    if step.bind is not None:
        acted.bound[step.bind] = row.id


def _task(acted: Acted, step: Step, actor: Actor, answers: Answers) -> None:
    stage = acted.stage
    case = acted.case(step.case)
    row = _open_task(acted, case, step, actor)
    if row is None:
        opened = "、".join(open_tasks(acted, case.id)) or "没有"
        what = f"{case.row.number} 没有待办的“{step.what}”；待办的有：{opened}；状态：{case.row.status}"
        raise Otherwise(what, "改正 task，补上这之前的步骤，或改正流程")
    tasks.complete(stage.kernel, stage.tx, actor, row.id, answers, step.at)


def _open_task(acted: Acted, case: LiveCase, step: Step, actor: Actor) -> Task | None:
    """The task that a step means: of those assigned to parties the actor's own, also one that is over, so that the path
    can say how it is refused; else any that is open."""
    here = select(Task).where(Task.case_id == case.id, Task.element == step.what)
    if actor.organisation_id is not None:
        own = here.where(Task.assignee_id == actor.organisation_id)
        found = acted.stage.tx.scalar(own.order_by(Task.state != "open", Task.id.desc()).limit(1))
        if found is not None:
            return found
    return acted.stage.tx.scalar(here.where(Task.state == "open").order_by(Task.id).limit(1))


def _serve(acted: Acted, step: Step, actor: Actor, answers: Answers) -> None:
    several = step.what.endswith(f"/{EACH}")
    for name, case in acted.named(step.what):
        letters = [letter for key, letter in case.letters.items() if step.document in (None, key)]
        if several:
            letters = [letter for letter in letters if not _is_served(letter)]
        elif not letters:
            raise Otherwise(f"{name}（{case.row.number}）没有可送达的文书", "改正 serve，或改正应当制发文书的流程")
        for letter in letters[-1:]:
            _prove(acted, step, actor, letter)


def _is_served(letter: Letter) -> bool:
    return any(service.kind == "party" and service.state == "served" for service in letter.services)


def _prove(acted: Acted, step: Step, actor: Actor, letter: Letter) -> None:
    stage = acted.stage
    service = next((service for service in letter.services if service.kind == "party"), None)
    if service is None:
        raise Otherwise(f"文书 {letter.number} 不送达当事人", "清单中 serve 写上 party，或删去这一步", "serve")
    if step.how == "read":
        delivery.sign_for(stage.kernel, stage.tx, actor, letter.id, step.at)
        return
    delivery.enter_receipt(
        stage.kernel, stage.tx, actor, service.id, step.how, step.on or step.at, "见送达回执", step.at
    )


def _correct(acted: Acted, step: Step, actor: Actor, answers: Answers) -> None:
    """Strikes out the receipt entered last; with `on` another takes its place."""
    stage, case = acted.stage, acted.case(step.what)
    letters = [letter for key, letter in case.letters.items() if step.document in (None, key)]
    proofs = [proof for letter in letters[-1:] for service in letter.services for proof in service.proofs]
    standing = [proof.id for proof in proofs if proof.struck is None and proof.how in delivery.RECEIPTS]
    if not standing:
        raise Otherwise(f"{case.row.number} 没有可以更正的送达回执", "先用 serve 登记邮寄或直接送达", "correct")
    how = "post" if step.how == "read" else step.how
    instead = Receipt(how, step.on) if step.on is not None else None
    correcting.correct(stage.kernel, stage.tx, actor, max(standing), instead, step.reason, step.at)


def _keep(acted: Acted, step: Step, actor: Actor, answers: Answers) -> None:
    desk.keep(acted.stage.kernel, acted.stage.tx, actor, _matter(acted, step), step.reason, step.at)


def _renew(acted: Acted, step: Step, actor: Actor, answers: Answers) -> None:
    desk.renew(acted.stage.kernel, acted.stage.tx, actor, _matter(acted, step), step.reason, step.at)


def _extend(acted: Acted, step: Step, actor: Actor, answers: Answers) -> None:
    case = acted.case(step.what)
    row = case.deadlines.get(step.deadline or "")
    if row is None:
        known = "、".join(case.deadlines) or "没有"
        what = f"{case.row.number} 的期限“{step.deadline}”没有起算；起算过的有：{known}"
        raise Otherwise(what, "改正 deadline", "deadline")
    extending.extend(acted.stage.kernel, acted.stage.tx, actor, row.id, step.reason, step.at)


def _matter(acted: Acted, step: Step) -> int:
    """The newest matter that a corrected service of the case has brought onto a desk, open or decided."""
    case = acted.case(step.what)
    mine = select(DeskMatter.id).where(DeskMatter.case_id == case.id, DeskMatter.kind == matters.SERVICE)
    found = acted.stage.tx.scalar(mine.order_by(DeskMatter.id.desc()).limit(1))
    if found is None:
        what = f"{case.row.number} 没有等待决定的督办事项"
        raise Otherwise(what, "期限届满后更正送达（correct）才有，文书要写 desk", step.verb)
    return found


def _message(acted: Acted, step: Step, actor: Actor, answers: Answers) -> None:
    stage = acted.stage
    case = acted.case(step.case)
    messages.send(stage.kernel, stage.tx, actor, case.id, step.what, answers, step.at)


def _retry(acted: Acted, step: Step, actor: Actor, answers: Answers) -> None:
    bulk.retry(acted.stage.kernel, acted.stage.tx, actor, _failed_row(acted, step).id, step.at)


def _drop(acted: Acted, step: Step, actor: Actor, answers: Answers) -> None:
    bulk.drop(acted.stage.kernel, acted.stage.tx, actor, _failed_row(acted, step).id, step.reason, step.at)


def _failed_row(acted: Acted, step: Step) -> StartItem:
    case = acted.case(step.what)
    failed = {unit: item for unit, item in failed_rows(acted, case)}
    unit = acted.stage.given.unit(step.party or "")
    if unit not in failed:
        what = f"{case.row.number} 没有“{step.party}”的启动失败的一行；失败的有：{'、'.join(failed) or '没有'}"
        raise Otherwise(what, "改正 party", "party")
    return failed[unit]


_VERBS: Mapping[str, Callable[[Acted, Step, Actor, Answers], None]] = {
    "file": _file,
    "task": _task,
    "serve": _serve,
    "message": _message,
    "retry": _retry,
    "drop": _drop,
    "correct": _correct,
    "keep": _keep,
    "renew": _renew,
    "extend": _extend,
}


# What somebody without an account does


def _once(step: Step) -> str:
    """The random text of the form that is filed in a step."""
    return f"{step.beginning}/{step.number}/{step.at.isoformat()}"


def _file_in_public(acted: Acted, step: Step, answers: Answers) -> None:
    stage, about = acted.stage, acted.case(step.about)
    rule = stage.published.procedure(step.what).manifest.about
    shown = publishing.newest(stage.tx, about.id, rule.during) if rule is not None and rule.during else None
    if shown is None:
        what = f"{about.row.number} 没有公示，公众不能提出“{step.what}”"
        raise Otherwise(what, "改正 about，或补上开始公示的步骤", "about")
    row = publicly.file(stage.kernel, stage.tx, shown.id, answers, step.at, _once(step))
    acted.last = row.id
    if step.bind is not None:
        acted.bound[step.bind] = row.id


def _serve_in_public(acted: Acted, step: Step, answers: Answers) -> None:
    case = acted.case(step.what)
    letters = [letter for key, letter in case.letters.items() if step.document in (None, key)]
    if not letters:
        raise Otherwise(f"{case.row.number} 没有可送达的文书", "改正 serve，或改正应当制发文书的流程")
    delivery.sign_by_code(acted.stage.kernel, acted.stage.tx, case.id, letters[-1].id, step.at)


_IN_PUBLIC: Mapping[str, Callable[[Acted, Step, Answers], None]] = {
    "file": _file_in_public,
    "serve": _serve_in_public,
}


# What a step has started


def _bind_started(acted: Acted, step: Step, newest: int) -> None:
    stage = acted.stage
    for name, wanted in step.starts.items():
        every = select(Case).where(Case.procedure == wanted.procedure, Case.id > newest).order_by(Case.id)
        new = [(case, _unit_of(acted, case)) for case in stage.tx.scalars(every)]
        if wanted.each and new:
            acted.bound.update({f"{name}/{stage.given.spokesman(unit)}": case.id for case, unit in new})
            continue
        unit = stage.given.unit(wanted.party) if wanted.party is not None else None
        mine = [case.id for case, of in new if unit is None or of == unit]
        if len(mine) != 1 or wanted.each:
            raise Otherwise(_not_one(acted, wanted, len(mine)), _mend_started(acted, step, wanted, len(mine)), "starts")
        acted.bound[name] = mine[0]


def _unit_of(acted: Acted, case: Case) -> str:
    party = identity.organisation(acted.stage.tx, case.party_id) if case.party_id else None
    return party.uscc if party else ""


def _not_one(acted: Acted, wanted: Started, count: int) -> str:
    of = f"“{wanted.party}”的" if wanted.party is not None else ""
    return f"应启动一件{of}“{wanted.procedure}”，实际启动 {count} 件"


def _mend_started(acted: Acted, step: Step, wanted: Started, count: int) -> str:
    if count > 1:
        return f'写明是哪一家的：{{ procedure = "{wanted.procedure}", party = "…" }}；每家一件的写 party = "*"'
    fault = "；".join(item.fault or "" for item in acted.stage.tx.scalars(select(StartItem)) if item.state == "failed")
    return f"启动失败：{fault}" if fault else _BROKEN_OFF


def open_tasks(acted: Acted, case_id: int) -> list[str]:
    """The elements of a case's open tasks."""
    rows = acted.stage.tx.scalars(select(Task.element).where(Task.case_id == case_id, Task.state == "open"))
    return sorted(rows)


def failed_rows(acted: Acted, case: LiveCase) -> list[tuple[str, StartItem]]:
    """The rows for which a case could start nothing, each with the code of its unit."""
    query = select(StartItem).where(StartItem.starter_id == case.id, StartItem.state == "failed").order_by(StartItem.id)
    return [(_unit_of_row(acted, case, item), item) for item in acted.stage.tx.scalars(query)]


def _unit_of_row(acted: Acted, case: LiveCase, item: StartItem) -> str:
    """The unit that a row names, by what the procedure says whom its cases concern; else the row's number."""
    procedure = acted.stage.published.procedure(item.procedure)
    rules = [rule for rule in procedure.manifest.starts if case.row.procedure in rule.cases and rule.party]
    fields = [(rule.party or "").partition(".")[2] for rule in rules]
    return str(next((item.values[name] for name in fields if name in item.values), item.item))
