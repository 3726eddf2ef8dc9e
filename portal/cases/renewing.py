"""A notice made anew in the place of one whose service was corrected after its period had run out."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import registers
from portal.cases import bulk
from portal.cases.act import Act
from portal.cases.errors import FormRefused, NotRenewable
from portal.cases.live import LiveCase
from portal.cases.matters import RENEWED
from portal.cases.models import Case, DeskMatter
from portal.cases.recording import ENTERED
from portal.cases.starting import StartedBy, begin
from portal.deadlines import service as deadlines
from portal.engine import Place
from portal.errors import Words
from portal.ledger import InsufficientBalance
from portal.ledger import service as ledger
from portal.registers import Cause, Record, Register
from portal.registers.rules import digest_of

REPLACED = "已被取代"
"""The outcome of a case whose place another has taken."""


def obstacle(case: LiveCase) -> Words | None:
    """Why no new notice can take the place of a case; None when one can."""
    if not case.ended:
        return Words(
            "案件还没有办结，期限已按更正后的送达时间重新计算。",
            "The case has not ended; its deadlines have been recounted with the corrected service.",
        )
    if case.row.started_by_id is None:
        return Words(
            "案件是由当事人提出的，不是依职权作出的通知。",
            "The case was filed by the party and is no notice of the authority.",
        )
    answers = case.answers
    pending = next((one.row for one in answers if not one.ended), None)
    if pending is not None:
        return Words(
            f"针对它的《{pending.title}》（{pending.number}）正在办理，由该案决定。",
            f"“{pending.title}” ({pending.number}) about it is under way and decides it.",
        )
    if case.row.outcome == REPLACED:
        by = "".join(f"（{one.row.number}：{one.row.outcome}）" for one in answers[:1])
        by_en = "".join(f" ({one.row.number}: {one.row.outcome})" for one in answers[:1])
        return Words(f"它已被取代{by}。", f"It has been replaced{by_en}.")
    decided = next((one.row for one in answers if one.decided), None)
    if decided is not None:
        return Words(
            f"针对它的《{decided.title}》（{decided.number}）已有结果（{decided.outcome}），以该结果为准。",
            f"“{decided.title}” ({decided.number}) about it has the outcome {decided.outcome}, which counts.",
        )
    return None


def renewed_by(tx: Session, case_id: int) -> Case | None:
    """The case that the desk had made in the place of this one."""
    matter = tx.scalar(select(DeskMatter).where(DeskMatter.case_id == case_id, DeskMatter.decision == RENEWED))
    return tx.get(Case, matter.details["renewed"]) if matter is not None else None


def renewal_of(tx: Session, case_id: int) -> Case | None:
    """The case in whose place the desk had this one made."""
    renewed = DeskMatter.details["renewed"].as_integer() == case_id
    matter = tx.scalar(select(DeskMatter).where(DeskMatter.decision == RENEWED, renewed))
    return tx.get(Case, matter.case_id) if matter is not None else None


def renew_case(act: Act, old: LiveCase, mark: str, why: str) -> LiveCase:
    """Starts the same notice anew and lets it take the place of the old one, which has ended.

    `mark` is what tells the new case's start from the old one's, and `why` is the reason that registers are told.
    NotRenewable says why it cannot be.
    """
    reason = obstacle(old)
    if reason is not None:
        raise NotRenewable(reason=reason)
    for register in old.published.regulation.registers.values():
        _withdraw(act, old, register, mark, why)
    new = _start(act, old, mark)
    # Only after the new posting: in between, a unit that has used its allowance would hold less than nothing.
    _reverse(act, old, new, mark)
    act.note_changes(old, deadlines.drop_running(act.tx, old.id, act.moment, reason="通知已重新作出"))
    act.replace(old, REPLACED, new)
    return new


def _start(act: Act, old: LiveCase, mark: str) -> LiveCase:
    """Starts the new case for the step that started the old one, with its answers, in the newest release."""
    row = old.row
    starter = next(case for case in old.ancestors() if case.id == row.started_by_id)
    # Of one step there is only one case; the mark tells this one from the old.
    scope = f"{row.started_by_scope}/{mark}".removeprefix("/")
    place = Place(scope, row.started_by_element or "", row.started_by_visit or 1)
    said = old.values.latest("", old.procedure.drawing.start().id)
    try:
        new = begin(act, row.procedure, said.value if said else {}, StartedBy(starter, place, row.started_by_item, old))
    except FormRefused as refusal:
        zh = "；".join(fault.zh for fault in refusal.fields.values())
        en = "; ".join(fault.en for fault in refusal.fields.values())
        unfit = Words(f"原来填写的内容不符合现行表单：{zh}。", f"What was entered does not fit the present form: {en}.")
        raise NotRenewable(reason=unfit) from refusal
    bulk.stands_for(act, old, new)
    return new


def _withdraw(act: Act, old: LiveCase, register: Register, mark: str, why: str) -> None:
    """Closes what the old case put on a register and nobody has changed since, so that it can be recorded anew."""
    mine = (Record.regulation == old.row.regulation, Record.register == register.name, Record.case_id == old.id)
    rows = act.tx.scalars(select(Record).where(*mine, Record.state.not_in(register.closed))).all()
    if not rows:
        return
    state = next((state for state in register.states if state in register.closed), None)
    if state is None:
        stays = f"The record on “{register.title}” cannot be withdrawn."
        raise NotRenewable(reason=Words(f"《{register.title}》中的记录不能撤销。", stays))
    first, scope = old.procedure.drawing.start(), f"{mark}/{register.name}"
    cause = Cause(
        moment=act.moment,
        reason=why,
        case_id=old.id,
        act_id=act.id,
        person_id=act.actor.person_id if act.actor else None,
        scope=scope,
        element=first.id,
        visit=1,
        basis=old.procedure.article(first),
    )
    keys = [{name: row.fields[name] for name in register.key} for row in rows]
    written = registers.update(act.tx, old.row.regulation, register, keys, state, cause)
    one = written[0]
    alone = {"record": one.record_id, "entry": one.number, "key": one.key} if len(written) == 1 else {}
    act.note(
        old, ENTERED, first.id, register=register.name, title=register.title, count=len(written), state=state,
        document=None, scope=scope, visit=1, entries=digest_of([one.digest for one in written]), **alone,
    )  # fmt: skip


def _reverse(act: Act, old: LiveCase, new: LiveCase, mark: str) -> None:
    """Takes back what the old case has posted, as a posting of the new one: who learns of it learns of both."""
    try:
        transfers = ledger.reverse(
            act.tx,
            key=f"{old.id}/{mark}",
            of_case=old.id,
            case_id=new.id,
            act_id=act.id,
            moment=act.moment,
            kind="重新作出通知，冲销原登记",
            basis=old.procedure.article(old.procedure.drawing.start()) or "",
        )
    except InsufficientBalance as refusal:
        raise NotRenewable(reason=Words(refusal.text("zh"), refusal.text("en"))) from refusal
    if transfers:
        numbers = [transfer.id for transfer in transfers]
        act.note(new, "ledger.reversed", transfers=numbers, of=old.row.number)
