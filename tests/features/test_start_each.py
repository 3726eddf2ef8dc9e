"""A list that starts a case for each of its rows: each by itself, what fails is seen to, the end is told once."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from sqlalchemy import event, func, select

from portal.cases import bulk, deferred
from portal.cases.actions import start_case
from portal.cases.conduct import conduct
from portal.cases.errors import ItemNotFailed, NoReason, NotYourRole
from portal.cases.models import Incident, KeptMessage, StartItem
from portal.cases.names import evaluate
from portal.cases.once import InForce
from portal.cases.renewing import renew_case
from portal.engine import Place
from tests.builders.lists import drawn, listed
from tests.builders.world import CEMENT, STEEL, Followed, World

NOBODY = "91500000MA5U000X1X"


class Office(World):
    """A handler and a leader, and the list that they agree on."""

    def __init__(self, *given, **named):
        super().__init__(*given, **named)
        self.zhou, self.chen = self.person("周", "handler"), self.person("陈", "leader")

    def grant(self, *rows, year="2025"):
        """A grant, signed, for these rows: (unit, amount)."""
        grant = self.file("grant", self.zhou)
        units = [{"unit": unit, "amount": amount and str(amount), "remark": "…"} for unit, amount in rows]
        self.complete("draft", self.zhou, grant, year=year, units=json.dumps(units))
        self.complete("sign", self.chen, grant, result="签发")
        return grant

    def items(self, grant):
        query = select(StartItem).where(StartItem.starter_id == grant.id).order_by(StartItem.id)
        return self.run.read(lambda tx: list(tx.scalars(query)))

    def states(self, grant):
        return [item.state for item in self.items(grant)]

    def final(self, grant):
        """Every notice is signed for, and its period passes."""
        self.at("2026-09-24T10:00:00")
        for notice, who in zip(self.cases("notice"), (self.wang, self.wu), strict=False):
            self.sign_for(notice, who)
        self.pass_to("2026-10-13T00:02:00")

    def renewed(self, notice):
        """The desk has an ended notice made anew; the new one."""

        def anew(act):
            return renew_case(act, act.family.cases.get(notice.id), "desk:1", "送达有误").id

        def renew(tx, at):
            return conduct(self.kernel, tx, notice.id, at, "desk", anew, self.chen)

        return Followed(self, self.act(renew))

    def kept(self, case):
        """How many messages to a case wait to be delivered."""
        waiting = select(func.count()).where(KeptMessage.case_id == case.id, KeptMessage.delivered_at.is_(None))
        return self.run.read(lambda tx: tx.scalar(waiting))


@pytest.fixture
def office(tx):
    return Office.within(tx, listed())


def test_each_row_starts_a_case_of_its_own(office):
    grant = office.grant((CEMENT, 100), (STEEL, 250))
    assert office.states(grant) == ["started", "started"]
    first, second = office.cases("notice")
    assert first.said("start") == {"unit": CEMENT, "amount": "100", "year": "2025"}
    assert (second.row.started_by_id, second.row.started_by_item, second.row.root_id) == (grant.id, 2, second.id)
    assert [item.case_id for item in office.items(grant)] == [first.id, second.id]
    assert office.entries() == [("allowance", 100), ("allowance", 250)]
    assert grant.outcome is None
    assert grant.entries("items.begun")[0].details["count"] == 2


def test_the_end_of_the_last_ends_the_one_that_started_them(office):
    grant = office.grant((CEMENT, 100), (STEEL, 250))
    office.at("2026-09-24T10:00:00")
    office.sign_for(office.cases("notice")[0], office.wang)
    office.pass_to("2026-10-13T00:02:00")
    assert (office.states(grant), grant.outcome) == (["ended", "started"], None)
    office.sign_for(office.cases("notice")[1], office.wu)
    office.pass_to("2026-11-13T00:02:00")
    assert (office.states(grant), grant.outcome) == (["ended", "ended"], "全部办结")
    assert len(grant.entries("message.received")) == 1
    assert office.breaks() == []


def test_without_rows_it_is_over_at_once(office):
    grant = office.file("grant", office.zhou)
    office.complete("draft", office.zhou, grant, year="2025")
    office.complete("sign", office.chen, grant, result="签发")
    assert (office.states(grant), grant.outcome) == ([], "全部办结")


@pytest.fixture
def looking(tx):
    """A task stands between the start of the notices and waiting for their end."""
    between = (
        '<bpmn:userTask id="look" name="核对"><bpmn:extensionElements><portal:task role="handler" form="sign"/>'
        '<portal:basis ref="11.1"/></bpmn:extensionElements></bpmn:userTask>'
        '<bpmn:sequenceFlow id="f6" sourceRef="look" targetRef="all_ended"/>'
    )
    flow = '<bpmn:sequenceFlow id="f4" sourceRef="start_notices" targetRef="all_ended"/>'
    return Office.within(tx, drawn(flow, between + flow.replace("all_ended", "look")))


def test_what_comes_before_anybody_waits_is_kept(looking):
    grant = looking.grant((CEMENT, 1))
    looking.final(grant)
    assert (looking.states(grant), grant.outcome) == (["ended"], None)
    looking.complete("look", looking.zhou, grant, result="签发")
    assert grant.outcome == "全部办结"


def test_what_was_kept_counts_no_more_when_a_notice_is_made_anew(looking):
    grant = looking.grant((CEMENT, 1))
    looking.final(grant)
    new = looking.renewed(looking.cases("notice")[0])
    looking.complete("look", looking.zhou, grant, result="签发")
    assert (looking.states(grant), grant.outcome) == (["started"], None)
    assert looking.kept(grant) == 0
    looking.sign_for(new, looking.wang)
    looking.pass_to("2026-11-13T00:02:00")
    assert (looking.states(grant), grant.outcome) == (["ended"], "全部办结")
    assert len(grant.entries("message.received")) == 1
    assert looking.breaks() == []


def test_what_was_kept_counts_again_when_the_notice_made_anew_has_ended(looking):
    grant = looking.grant((CEMENT, 1))
    looking.final(grant)
    looking.sign_for(looking.renewed(looking.cases("notice")[0]), looking.wang)
    looking.pass_to("2026-11-13T00:02:00")
    looking.complete("look", looking.zhou, grant, result="签发")
    assert (looking.states(grant), grant.outcome) == (["ended"], "全部办结")
    assert len(grant.entries("message.received")) == 1


def test_what_fails_says_why_and_stops_no_other(office):
    office.grant((CEMENT, 100))
    grant = office.grant((NOBODY, 7), (CEMENT, 100), (STEEL, None), (STEEL, 250))
    assert office.states(grant) == ["failed", "failed", "failed", "started"]
    unknown, twice, empty, _ = office.items(grant)
    assert unknown.fault == f"没有统一社会信用代码为 {NOBODY} 的单位。"
    assert twice.fault.startswith("同一单位、同一年度已有《通知》")
    assert "数量" in empty.fault
    assert office.run.read(lambda tx: tx.scalars(select(Incident)).all()) == []
    assert office.breaks() == []


def test_a_failed_row_is_tried_again(office):
    grant = office.grant((NOBODY, 7))
    [item] = office.items(grant)
    assert (item.state, item.tries, item.case_id) == ("failed", 1, None)
    office.organisation(NOBODY, "新登记的单位")
    office.act(lambda tx, at: bulk.retry(office.kernel, tx, office.zhou, item.id, at))
    [item] = office.items(grant)
    assert (item.state, item.tries, item.fault) == ("started", 2, None)
    assert office.cases("notice")[0].row.started_by_item == 1
    assert grant.entries("item.retried")[0].actor_id == office.zhou.person_id
    with pytest.raises(ItemNotFailed):
        office.act(lambda tx, at: bulk.retry(office.kernel, tx, office.zhou, item.id, at))


def test_all_that_failed_are_tried_again(office):
    office.grant((CEMENT, 100))
    grant = office.grant((CEMENT, 1), (NOBODY, 7), (STEEL, 2))
    office.organisation(NOBODY, "新登记的单位")
    tried = office.act(lambda tx, at: bulk.retry_all(office.kernel, tx, office.zhou, grant.id, at))
    assert tried == 2
    assert office.states(grant) == ["failed", "started", "started"]
    assert office.act(lambda tx, at: bulk.retry_all(office.kernel, tx, office.zhou, grant.id, at)) == 1


def test_what_is_given_up_counts_as_over(office):
    grant = office.grant((NOBODY, 7), (CEMENT, 100))
    office.final(grant)
    assert (office.states(grant), grant.outcome) == (["failed", "ended"], None)
    item = office.items(grant)[0]
    for reason in ("", "  ", "很" * 501):
        with pytest.raises(NoReason):
            office.act(lambda tx, at, r=reason: bulk.drop(office.kernel, tx, office.zhou, item.id, r, at))
    office.act(lambda tx, at: bulk.drop(office.kernel, tx, office.zhou, item.id, "该单位已注销", at))
    assert (office.states(grant), grant.outcome) == (["dropped", "ended"], "全部办结")
    [entry] = grant.entries("item.dropped")
    assert (entry.details["reason"], entry.details["item"]) == ("该单位已注销", 1)
    with pytest.raises(ItemNotFailed):
        office.act(lambda tx, at: bulk.retry(office.kernel, tx, office.zhou, item.id, at))
    assert office.breaks() == []


@pytest.mark.parametrize("who", ["chen", "wang"])
def test_only_those_who_start_such_cases_decide(office, who):
    grant = office.grant((NOBODY, 7))
    [item] = office.items(grant)
    actor = getattr(office, who)
    for verb in (
        lambda tx, at: bulk.retry(office.kernel, tx, actor, item.id, at),
        lambda tx, at: bulk.retry_all(office.kernel, tx, actor, grant.id, at),
        lambda tx, at: bulk.drop(office.kernel, tx, actor, item.id, "不要了", at),
    ):
        with pytest.raises(NotYourRole):
            office.act(verb)
    assert office.states(grant) == ["failed"]


def test_a_job_that_is_run_again_does_nothing(office):
    office.works = False
    grant = office.grant((CEMENT, 100), (NOBODY, 1))
    for item in office.items(grant):
        for job in ("1", "1", "2", None):
            arguments = {"item_id": item.id}
            office.run.act(lambda tx, j=job, a=arguments, i=item: deferred.do(
                office.kernel, tx, office.now, bulk.START, a, j and f"{j}-{i.id}"
            ))  # fmt: skip
    assert office.states(grant) == ["started", "failed"]
    assert len(office.cases("notice")) == 1
    assert [item.tries for item in office.items(grant)] == [1, 1]
    office.works = True
    office._render()
    office.final(grant)
    [ended] = office.cases("notice")
    for _ in range(2):
        office.run.act(
            lambda tx: deferred.do(office.kernel, tx, office.now, "cases.item_ended", {"case_id": ended.id}, "77")
        )
    assert office.states(grant) == ["ended", "failed"]


def test_what_nobody_foresaw_leaves_the_row_failed_in_plain_words(office):
    office.works = False
    grant = office.grant((CEMENT, 100))
    [item] = office.items(grant)
    for _ in range(2):
        office.run.act(
            lambda tx: bulk.give_up_item(office.kernel, tx, office.now, "9", "ZeroDivisionError: …", item.id)
        )
    [item] = office.items(grant)
    assert (item.state, item.fault) == ("failed", bulk.BROKEN)
    [incident] = office.run.read(lambda tx: tx.scalars(select(Incident)).all())
    assert (incident.case_id, incident.what) == (grant.id, "ZeroDivisionError: …")


def test_no_row_is_lost_and_nothing_counted_twice(office):
    grant = office.grant(*[(unit, 10) for unit in (CEMENT, STEEL, CEMENT)])
    assert office.states(grant) == ["started", "started", "failed"]
    assert office.entries() == [("allowance", 10), ("allowance", 10)]


def test_a_case_that_takes_anothers_place_counts_in_its_row(office):
    """One notice is final when a late objection has it made anew: only the end of the new one is the end."""
    grant = office.grant((CEMENT, 100), (STEEL, 250))
    office.at("2026-09-24T10:00:00")
    old, other = office.cases("notice")
    office.sign_for(old, office.wang)
    review = office.file("review", office.wang, old)
    new = office.act(
        lambda tx, at: conduct(office.kernel, tx, review.id, at, "redo", lambda act: redo(act, old, review))
    )
    assert [item.case_id for item in office.items(grant)] == [new, other.id]
    office.send("withdraw", review, office.wang)
    office.sign_for(other, office.wu)
    office.pass_to("2026-10-13T00:02:00")
    assert (old.outcome, other.outcome) == ("已生效", "已生效")
    assert (office.states(grant), grant.outcome) == (["started", "ended"], None)

    office.sign_for(office.cases("notice")[-1], office.wang)
    office.pass_to("2026-11-13T00:02:00")
    assert (office.states(grant), grant.outcome) == (["ended", "ended"], "全部办结")
    assert len(grant.entries("message.received")) == 1
    assert office.breaks() == []


def redo(act, old, review):
    """What `cases.start` with `instead_of` does."""
    replaced, by = act.family.cases.get(old.id), act.family.cases.get(review.id)
    inputs = {"procedure": "notice", "instead_of": "about", "unit": CEMENT, "year": "2025", "amount": "90"}
    assert by.about is replaced
    return start_case(act, by, Place("", "check", 1), inputs)["case"]


# in_force


def asked(office, text, of):
    return of.see(lambda case: evaluate(case, text))


def test_in_force_tells_whether_a_case_holds_the_key(office):
    grant = office.grant((CEMENT, 100))
    assert asked(office, f'in_force("notice", ["{CEMENT}", 2025])', grant) is True
    assert asked(office, f'in_force("notice", ["{CEMENT}", draft.year])', grant) is True
    assert asked(office, f'in_force("notice", ["{CEMENT}", 2024])', grant) is False
    assert asked(office, f'in_force("notice", ["{STEEL}", 2025])', grant) is False
    assert asked(office, 'in_force("notice", [null, null])', grant) is False


def test_many_questions_of_one_form_are_not_many_statements(office):
    office.grant((CEMENT, 100))
    tx, seen = office.run.tx, []
    ask = InForce(tx, "demo")

    def count(*_):
        seen.append(1)

    event.listen(tx.get_bind(), "before_cursor_execute", count)
    units = [f"unit_{number}" for number in range(200)]
    answers = [ask("notice", [unit, Decimal(2025)]) for unit in [*units, CEMENT, CEMENT.lower()]]
    event.remove(tx.get_bind(), "before_cursor_execute", count)
    assert answers == [False] * 200 + [True, False]
    assert len(seen) <= 20
