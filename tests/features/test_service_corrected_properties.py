"""Whatever clerk, party and time do in whatever order: what runs, runs from the proof that counts."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal.calendar import service as calendars
from portal.cases import correcting, desk, proof
from portal.cases.correcting import Receipt
from portal.cases.live import served_at
from portal.cases.models import DeskMatter
from portal.clock import day_of
from portal.deadlines.rules import course
from portal.documents.models import ServiceProof
from portal.errors import PortalError
from tests.builders.world import Bureau, Followed

HOURS = st.integers(min_value=1, max_value=400)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), HOURS),
        st.tuples(st.just("receipt"), HOURS),
        st.tuples(st.just("correct"), HOURS),
        st.tuples(st.just("strike"), HOURS),
        st.tuples(st.just("read"), st.just(0)),
        st.tuples(st.just("keep"), st.just(0)),
    ),
    min_size=3,
    max_size=12,
)


def standing(bureau: Bureau, notice: Followed) -> list[ServiceProof]:
    """The proofs that are not struck out."""
    return [row for row in proofs(bureau, notice) if row.struck is None]


def proofs(bureau: Bureau, notice: Followed) -> list[ServiceProof]:
    """Every proof that was ever entered."""
    wanted = select(ServiceProof).join(ServiceProof.service).where(ServiceProof.service.has(letter_id=_letter(notice)))
    return bureau.run.read(lambda tx: list(tx.scalars(wanted.order_by(ServiceProof.id))))


def _letter(notice: Followed) -> int:
    return notice.letters[-1].id


def do(bureau: Bureau, notice: Followed, step: str, hours: int) -> None:
    """One step, if it is allowed now; a day in the past is as many hours ago."""
    at = bureau.now - timedelta(hours=hours)
    receipts = [row for row in standing(bureau, notice) if row.how in ("post", "in person")]
    if step == "wait":
        bureau.pass_to(bureau.now + timedelta(hours=hours))
    elif step == "receipt":
        bureau.receipt(notice, bureau.tao, on=at, note="补录")
    elif step == "read":
        bureau.sign_for(notice, bureau.wang)
    elif step == "keep":
        for lies in on_the_desk(bureau, notice):
            bureau.act(lambda tx, now, one=lies: desk.keep(bureau.kernel, tx, bureau.chen, one.id, "照旧", now))
    elif receipts:
        chosen = receipts[hours % len(receipts)].id
        instead = Receipt("in person", at) if step == "correct" else None
        bureau.act(lambda tx, now: correcting.correct(bureau.kernel, tx, bureau.tao, chosen, instead, "录错", now))


def wrong(bureau: Bureau, notice: Followed) -> list[str]:
    """What is not as it must be."""
    found = []
    moments = [row.received_at for row in standing(bureau, notice)]
    served = notice.see(lambda case: served_at(case.letters["notice"]))
    if served != min(moments, default=None):
        found.append(f"served {served}, proved {moments}")
    deadline = notice.see(lambda case: case.deadlines.get("objection"))
    running = deadline is not None and deadline.state == "running"
    if running is (served is None):
        found.append(f"served {served} and the period {'runs' if running else 'does not run'}")
    if running and served is not None:
        found += _miscounted(bureau, notice, deadline.due, served)
    if notice.outcome is None and served is not None and deadline.ripe <= bureau.now:
        found.append(f"open after {deadline.ripe}")
    if notice.outcome is None and (notice.ripe_at is None) is not (served is None):
        found.append(f"served {served}, ripe at {notice.ripe_at}")
    if notice.outcome is None and notice.status != ("已送达，异议期内" if served else "通知书已制发，等待送达"):
        found.append(f"served {served}, {notice.status}")
    if len(notice.entries("case.ended")) > 1:
        found.append("ended twice")
    found += _unweighed(bureau, notice, deadline.due if running else None)
    found += map(str, bureau.breaks())
    return found + [one.zh for one in bureau.run.read(lambda tx: list(proof.altered(tx)))]


def running_until(notice: Followed) -> datetime | None:
    """Until when the unit may object."""
    deadline = notice.see(lambda case: case.deadlines.get("objection"))
    return deadline.due if deadline is not None and deadline.state == "running" else None


def ended_alone(bureau: Bureau, notice: Followed, step: str, ran: datetime | None) -> list[str]:
    """A clerk's step after which a period is over that was not, or that was struck out, lies on the desk."""
    due = running_until(notice)
    struck = len(standing(bureau, notice)) < len(proofs(bureau, notice))
    lost = ran > bureau.now if ran is not None else struck
    if step == "wait" or not lost or due is None or due > bureau.now or on_the_desk(bureau, notice):
        return []
    # Back at the date on which it had fired, or on which the leader has decided: that matter has gone away.
    return [] if notice.kinds[-1] == "matter.settled" else [f"over since {due}, was until {ran}, and nobody looks"]


def on_the_desk(bureau: Bureau, notice: Followed) -> list[DeskMatter]:
    """What the leader has to decide."""
    query = select(DeskMatter).where(DeskMatter.case_id == notice.id, DeskMatter.decided_at.is_(None))
    return bureau.run.read(lambda tx: list(tx.scalars(query)))


def _miscounted(bureau: Bureau, notice: Followed, due: datetime, served: datetime) -> list[str]:
    rule = notice.see(lambda case: case.procedure.manifest.deadlines["objection"])
    counted = bureau.run.read(lambda tx: course(rule.length, day_of(served), calendars.current(tx))).due
    return [] if due == counted else [f"served {served}, due {due} and not {counted}"]


def _unweighed(bureau: Bureau, notice: Followed, due: datetime | None) -> list[str]:
    """A final notice whose date has been corrected since lies on the desk, and no other."""
    matters = on_the_desk(bureau, notice)
    if len(matters) > 1 or (matters and notice.outcome is None):
        return [f"{len(matters)} matters of a case that is {notice.outcome}"]
    for matter in matters:
        said = matter.details["new_due"]
        if (datetime.fromisoformat(said) if said else None) != due:
            return [f"the desk was told {said}, it is {due}"]
    return []


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
@example(steps=[("wait", 460), ("receipt", 10), ("strike", 1), ("receipt", 459)])
@example(steps=[("receipt", 20), ("wait", 600), ("correct", 1), ("keep", 0), ("wait", 20), ("receipt", 600)])
def test_what_runs_runs_from_the_proof_that_counts(tx, steps):
    with tx.begin_nested() as story:
        bureau = Bureau.within(tx)
        notice = bureau.notice()
        bureau.at("2026-09-22T09:00:00")
        for number, (step, hours) in enumerate(steps):
            ran = running_until(notice)
            try:
                do(bureau, notice, step, hours)
            except PortalError as refusal:
                print(number, step, hours, refusal)
            assert wrong(bureau, notice) == [], (number, step, hours)
            assert ended_alone(bureau, notice, step, ran) == [], (number, step, hours)
        story.rollback()
    tx.expire_all()
