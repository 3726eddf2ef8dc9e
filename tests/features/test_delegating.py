"""Officials lend their roles for some days: what may be lent to whom, for how long it counts, and what is refused."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from portal import identity
from portal.clock import TZ, end_of
from portal.identity import delegating, lending, queries
from portal.identity.lending import LendingRefused, Wanted
from portal.identity.models import Delegation, Grant, IdentityChange
from tests.features.test_act_costs import counted

ETS, EVT = "chongqing-ets", "chongqing-events"
TODAY = date(2026, 10, 12)
NOW = datetime(2026, 10, 12, 9, 0, tzinfo=TZ)
LEADER, HANDLER = (ETS, "leader"), (ETS, "handler")
TITLES = {LEADER: "局领导", HANDLER: "承办人"}


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    monkeypatch.setattr("portal.identity.passwords.hashed", lambda password: "")


def person(tx, name, *roles, until=None, **more):
    made = identity.add_person(tx, login=f"p-{name}", name=name, password="correct horse 9", **more)
    for regulation, role in roles:
        identity.grant_role(
            tx, person_id=made.id, regulation=regulation, role=role, from_day=date(2020, 1, 1), to_day=until
        )
    return made


@pytest.fixture
def li(tx):
    return person(tx, "李强", LEADER)


@pytest.fixture
def zhou(tx):
    return person(tx, "周敏", HANDLER)


def wanted(lender, deputy, *roles, first=TODAY, last=date(2026, 10, 23), why="出差"):
    return Wanted(lender.id, deputy.id if deputy else None, roles or (LEADER,), first, last, why)


def actor(tx, someone, day=TODAY):
    found = identity.actor_of(tx, someone.id, day)
    assert found is not None
    return found


def lend(tx, lender, deputy, *roles, by=None, at=NOW, **more):
    maker = actor(tx, by or lender, at.date())
    return delegating.make(tx, maker, wanted(lender, deputy, *roles, **more), TITLES, at)


def refused(tx, *arguments, **more):
    before = tx.scalars(select(Delegation.id)).all()
    with pytest.raises(LendingRefused) as refusal:
        lend(tx, *arguments, **more)
    assert tx.scalars(select(Delegation.id)).all() == before
    return {field: fault.text() for field, fault in refusal.value.fields.items()}


def test_a_lent_role_counts_from_the_first_day_to_24_00_of_the_last(tx, li, zhou):
    lend(tx, li, zhou, first=date(2026, 10, 14), last=date(2026, 10, 16))
    held = {day: actor(tx, zhou, date(2026, 10, day)).has(*LEADER) for day in range(13, 18)}
    assert held == {13: False, 14: True, 15: True, 16: True, 17: False}
    last_moment = end_of(date(2026, 10, 16)) - timedelta(microseconds=1)
    assert actor(tx, zhou, last_moment.astimezone(TZ).date()).has(*LEADER)


def test_the_deputy_knows_what_is_lent_by_whom_and_until_when(tx, li, zhou):
    lend(tx, li, zhou)
    now = actor(tx, zhou)
    assert now.roles == {LEADER, HANDLER}
    assert now.lent == {LEADER}
    assert now.deputy_for == (identity.Deputy(li.id, "李强", ETS, "leader", date(2026, 10, 23)),)
    assert (now.acts_for(*LEADER), now.acts_for(*HANDLER)) == (li.id, None)
    assert actor(tx, li).lent == frozenset()


def test_who_acts_is_read_in_one_statement_however_much_is_lent(tx, li, zhou):
    lend(tx, li, zhou)
    zhou_id = zhou.id
    tx.expire_all()
    with counted(tx) as statements:
        identity.actor_of(tx, zhou_id, TODAY)
    assert len(statements) == 1


def test_what_is_lent_counts_only_while_the_lender_holds_it(tx, li, zhou):
    lend(tx, li, zhou)
    grant = tx.scalars(select(Grant).where(Grant.person_id == li.id)).one()
    grant.to_day = date(2026, 10, 15)
    tx.flush()
    assert actor(tx, zhou, date(2026, 10, 15)).lent == {LEADER}
    assert actor(tx, zhou, date(2026, 10, 16)).lent == frozenset()
    assert queries.people_in_roles(tx, ETS, ["leader"], date(2026, 10, 16)) == []


def test_what_is_lent_counts_only_while_the_lender_is_active(tx, li, zhou):
    lend(tx, li, zhou)
    li.active = False
    tx.flush()
    assert actor(tx, zhou).roles == {HANDLER}


def test_the_deputy_gets_what_is_sent_to_the_role(tx, li, zhou):
    lend(tx, li, zhou)
    assert queries.people_in_roles(tx, ETS, ["leader"], TODAY) == [("leader", li.id), ("leader", zhou.id)]
    assert queries.deputies_of(tx, [li.id], ETS, TODAY) == {("leader", li.id, zhou.id)}
    zhou.active = False
    tx.flush()
    assert queries.people_in_roles(tx, ETS, ["leader"], TODAY) == [("leader", li.id)]


def test_nobody_lends_to_himself(tx, li):
    assert refused(tx, li, li) == {"deputy": "代办人不能是本人，请选择其他工作人员。"}


def test_nobody_but_an_active_official_with_a_role_there_stands_in(tx, li):
    said = "代办人须是同一法规下在岗的工作人员；申请人、已停用的账号和无岗位的账号不能代办。"
    elsewhere = person(tx, "吴越", (EVT, "handler"))
    applicant = person(tx, "王磊", applicant=True)
    gone = person(tx, "郑岩", HANDLER)
    gone.active = False
    former = person(tx, "何静", HANDLER, until=date(2026, 10, 11))
    for deputy in (elsewhere, applicant, gone, former):
        assert refused(tx, li, deputy) == {"deputy": said}


def test_a_role_of_one_region_only_makes_no_deputy(tx, li):
    shen = person(tx, "沈洁")
    identity.grant_role(
        tx, person_id=shen.id, regulation=ETS, role="district", from_day=date(2020, 1, 1), body="万州区"
    )
    assert list(refused(tx, li, shen)) == ["deputy"]


def test_only_what_is_held_on_all_those_days_is_lent(tx, zhou):
    temporary = person(tx, "孙伟", LEADER, until=date(2026, 10, 20))
    assert refused(tx, temporary, zhou, last=date(2026, 10, 21)) == {
        "roles": "孙伟在所选期间并非每天都担任“局领导”。只能交他人代办本人担任的岗位，代办来的岗位不能再转交。"
    }
    identity.grant_role(tx, person_id=temporary.id, regulation=ETS, role="leader", from_day=date(2026, 10, 21))
    [made] = lend(tx, temporary, zhou, last=date(2026, 10, 30))
    assert (made.from_day, made.to_day) == (TODAY, date(2026, 10, 30))


def test_what_was_lent_cannot_be_lent_on(tx, li, zhou):
    lend(tx, li, zhou)
    he = person(tx, "何静", HANDLER)
    assert list(refused(tx, zhou, he, LEADER)) == ["roles"]


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ({"first": date(2026, 10, 14), "last": date(2026, 10, 13)}, {"to_day": "最后一天不能早于第一天。"}),
        (
            {"first": date(2026, 10, 11), "last": date(2026, 10, 13)},
            {"from_day": "这一天已经过去，请填写 2026-10-12 或以后的日期。"},
        ),
        (
            {"first": TODAY, "last": date(2026, 10, 11)},
            {"to_day": "这一天已经过去，请填写 2026-10-12 或以后的日期。"},
        ),
        (
            {"first": TODAY, "last": date(2027, 10, 12)},
            {"to_day": "代办最长一年，最后一天不能晚于 2027-10-11。到期后可以再设。"},
        ),
        (
            {"first": None, "last": None},
            {"from_day": "请填写日期，如 2026-10-12。", "to_day": "请填写日期，如 2026-10-12。"},
        ),
    ],
)
def test_the_days_are_in_order_ahead_and_at_most_a_year(tx, li, zhou, days, said):
    assert refused(tx, li, zhou, **days) == said


def test_a_year_is_the_most(tx, li, zhou):
    [made] = lend(tx, li, zhou, last=date(2027, 10, 11))
    assert made.to_day == date(2027, 10, 11)
    assert lending.last_day_from(date(2028, 2, 29)) == date(2029, 2, 28)


def test_everything_that_is_wrong_is_said_at_once(tx, li):
    faults = refused(tx, li, None, last=date(2026, 10, 1), why="　")
    assert faults == {
        "to_day": "这一天已经过去，请填写 2026-10-12 或以后的日期。",
        "deputy": "请选择代办人。",
        "reason": "请写明理由。",
    }
    with pytest.raises(LendingRefused) as refusal:
        delegating.make(tx, actor(tx, li), Wanted(li.id, None, (), TODAY, TODAY, "病" * 201), TITLES, NOW)
    assert {field: fault.text("en") for field, fault in refusal.value.fields.items()} == {
        "deputy": "Please choose who stands in.",
        "roles": "Please choose at least one role.",
        "reason": "The reason may have 200 characters, all of which can be shown.",
    }


def test_a_role_is_lent_once_for_each_day(tx, li, zhou):
    he = person(tx, "何静", HANDLER)
    lend(tx, li, zhou, first=date(2026, 10, 14), last=date(2026, 10, 16))
    assert refused(tx, li, he, first=date(2026, 10, 16), last=date(2026, 10, 20)) == {
        "roles": "“局领导”在 2026-10-14 至 2026-10-16 已由周敏代办，期间不能重叠。需要更换的，先结束原来的代办。"
    }
    lend(tx, li, he, first=date(2026, 10, 17), last=date(2026, 10, 20))
    lend(tx, li, he, first=TODAY, last=date(2026, 10, 13))


def test_all_roles_are_lent_or_none(tx, zhou):
    both = person(tx, "孙伟", LEADER, HANDLER)
    lend(tx, both, zhou, HANDLER)
    assert list(refused(tx, both, zhou, LEADER, HANDLER)) == ["roles"]
    he = person(tx, "何静", HANDLER)
    made = lend(tx, both, he, LEADER, HANDLER, first=date(2026, 10, 26), last=date(2026, 10, 27))
    assert [(one.role, one.to_person_id) for one in made] == [("leader", he.id), ("handler", he.id)]


def test_a_deputy_who_holds_the_role_acts_in_his_own_right(tx, li):
    other = person(tx, "陈涛", LEADER)
    lend(tx, li, other)
    now = actor(tx, other)
    assert (now.lent, now.principals(*LEADER)) == (frozenset(), (li.id,))
    assert now.acts_for(*LEADER) is None
    assert now.acts_for(*LEADER, holder_id=li.id) == li.id


def test_of_several_lenders_the_first_counts_unless_another_holds_or_is_chosen(tx, li, zhou):
    chen = person(tx, "陈涛", LEADER)
    lend(tx, chen, zhou)
    lend(tx, li, zhou)
    now = actor(tx, zhou)
    assert now.principals(*LEADER) == (chen.id, li.id)
    assert now.acts_for(*LEADER) == chen.id
    assert now.acts_for(*LEADER, chosen=li.id) == li.id
    assert now.acts_for(*LEADER, holder_id=li.id, chosen=chen.id) == li.id
    assert now.acts_for_one_of([LEADER]) == chen.id
    assert now.acts_for_one_of([LEADER, HANDLER]) is None


def test_an_administrator_lends_for_another_but_not_to_himself(tx, li, zhou):
    admin = person(tx, "管理员", HANDLER, administrator=True)
    assert refused(tx, li, admin, by=admin) == {"deputy": "管理员不能把他人的岗位交给自己代办。"}
    [made] = lend(tx, li, zhou, by=admin, why="病假")
    assert (made.from_person_id, made.made_by_id, made.reason) == (li.id, admin.id, "病假")


def test_an_applicant_has_nothing_to_lend(tx, zhou):
    wang = person(tx, "王磊", applicant=True)
    with pytest.raises(lending.NoSuchDelegation):
        lend(tx, wang, zhou)


def test_ending_counts_at_once_and_once(tx, li, zhou):
    [made] = lend(tx, li, zhou)
    later = NOW + timedelta(hours=1)
    for reason, error in (("  ", lending.ReasonMissing), ("长" * 201, lending.ReasonTooLong)):
        with pytest.raises(error):
            delegating.end(tx, actor(tx, li), made.id, reason, later)
    delegating.end(tx, actor(tx, li), made.id, "提前返岗", later)
    assert actor(tx, zhou).lent == frozenset()
    with pytest.raises(lending.EndedAlready):
        delegating.end(tx, actor(tx, li), made.id, "提前返岗", later)
    with pytest.raises(lending.NoSuchDelegation):
        delegating.end(tx, actor(tx, li), made.id + 1, "提前返岗", later)
    lend(tx, li, zhou)


def test_what_is_over_is_not_ended(tx, li, zhou):
    [made] = lend(tx, li, zhou, last=TODAY)
    with pytest.raises(lending.EndedAlready):
        delegating.end(tx, actor(tx, li), made.id, "提前返岗", NOW + timedelta(days=1))


def test_every_change_is_kept_with_who_when_and_why(tx, li, zhou):
    [made] = lend(tx, li, zhou)
    delegating.end(tx, actor(tx, li), made.id, "提前返岗", NOW + timedelta(hours=1))
    kept = tx.scalars(select(IdentityChange).order_by(IdentityChange.id)).all()
    assert [(one.kind, one.person_id, one.by_id, one.at, one.details["reason"]) for one in kept] == [
        ("delegation.made", li.id, li.id, NOW, "出差"),
        ("delegation.ended", li.id, li.id, NOW + timedelta(hours=1), "提前返岗"),
    ]
    assert kept[0].details == {
        "delegation": made.id, "to": zhou.id, "regulation": ETS, "role": "leader",
        "from_day": "2026-10-12", "to_day": "2026-10-23", "reason": "出差",
    }  # fmt: skip


def test_what_was_lent_is_told_now_coming_and_past(tx, li, zhou):
    [now] = lend(tx, li, zhou, last=date(2026, 10, 16))
    [coming] = lend(tx, li, zhou, first=date(2026, 10, 19), last=date(2026, 10, 20))
    assert [one.row.id for one in delegating.lent_by(tx, li.id, TODAY)] == [now.id, coming.id]
    assert [one.row.id for one in delegating.lent_to(tx, zhou.id, date(2026, 10, 17))] == [coming.id]
    [past] = delegating.past(tx, zhou.id, date(2026, 10, 17))
    assert (past.row.id, past.principal, past.deputy, past.made_by) == (now.id, "李强", "周敏", "李强")
    assert (past.is_over(date(2026, 10, 17)), past.is_over(date(2026, 10, 16))) == (True, False)
    assert delegating.own_roles(tx, li.id, TODAY) == [LEADER]


def test_candidates_are_officials_of_the_regulation_found_by_name(tx, li, zhou):
    person(tx, "吴越", (EVT, "handler"))
    person(tx, "王磊", applicant=True)
    he = person(tx, "何静", HANDLER, LEADER)
    found = delegating.candidates(tx, li.id, [ETS], "", TODAY)
    assert {(one.name, one.roles) for one in found} == {("何静", (HANDLER, LEADER)), ("周敏", (HANDLER,))}
    assert [one.person_id for one in delegating.candidates(tx, li.id, [ETS], "静", TODAY)] == [he.id]
    assert delegating.candidates(tx, li.id, [ETS], "%", TODAY) == []


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("to_person_id = from_person_id", "to_another"),
        ("to_day = from_day - 1", "days_in_order"),
        ("to_day = from_day + 366", "at_most_a_year"),
        ("reason = ' '", "ck_delegations_reason"),
        ("revoked_at = made_at", "revoked"),
    ],
)
def test_the_table_refuses_what_the_rules_refuse(tx, li, zhou, change, constraint):
    lend(tx, li, zhou)
    with pytest.raises(IntegrityError, match=constraint), tx.begin_nested():
        tx.execute(text(f"UPDATE delegations SET {change}"))
