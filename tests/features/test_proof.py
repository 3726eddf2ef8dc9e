"""What was said and what letters hold is vouched for by the chained history."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from portal.cases import proof
from tests.builders.world import Bureau, moment_of
from tests.features.test_act_costs import counted
from tests.features.test_service_corrected import Desk


@pytest.fixture
def decided(tx):
    bureau = Bureau.within(tx)
    notice = bureau.served_notice()
    bureau.at("2026-09-28T15:40:00")
    review = bureau.object(notice)
    bureau.complete("check", bureau.li, review, result="受理")
    bureau.decide(review, "变更", amount="1250000")
    bureau.complete("sign", bureau.chen, review, result="签发")
    return tx


@pytest.fixture
def office(tx):
    return Desk(Bureau.within(tx))


def test_nothing_is_altered_after_a_story(decided):
    assert list(proof.altered(decided)) == []


def test_a_receipt_struck_out_leaves_what_the_party_proved_at_the_same_moment(office):
    notice, moment = office.bureau.notice(), "2026-09-24T10:00:00"
    office.bureau.at(moment)
    office.bureau.receipt(notice, office.bureau.tao, on=moment, how="in person")
    office.bureau.object(notice)
    office.bureau.at("2026-09-28T10:00:00")
    office.correct(notice, "2026-09-25T09:00:00", how="in person", which=0)
    [party] = [service for service in notice.letters[-1].services if service.kind == "party"]
    assert (party.how, party.served_at) == ("filing", moment_of(moment))
    assert list(proof.altered(office.bureau.run.tx)) == []
    office.bureau.run.tx.execute(text("UPDATE services SET how = 'post' WHERE how = 'filing'"))
    office.bureau.run.tx.expire_all()
    assert [found.zh for found in proof.altered(office.bureau.run.tx)] == ["送达方式与所记的不符"]


def test_a_value_changed_behind_the_portal_is_found(decided):
    decided.execute(text("ALTER TABLE case_values DISABLE TRIGGER ALL"))
    value = json.dumps({"conclusion": "变更", "amount": "1900000", "reasons": "…"})
    decided.execute(
        text("UPDATE case_values SET value = CAST(:value AS jsonb) WHERE element = 'review'"), {"value": value}
    )
    decided.expire_all()
    assert [found.zh for found in proof.altered(decided)] == ["“review”处所填的内容被改动"]


def test_a_letter_changed_behind_the_portal_is_found(decided):
    decided.execute(text("""UPDATE letters SET data = jsonb_set(data, '{title}', '"别的"') WHERE name = 'decision'"""))
    decided.expire_all()
    assert [found.en for found in proof.altered(decided)] == ["the data of letter 渝环复〔2026〕1号 were changed"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("UPDATE cases SET outcome = '维持' WHERE procedure = 'allocation-review'", "办理结果"),
        ("UPDATE services SET served_at = served_at + interval '1 day' WHERE served_at IS NOT NULL", "送达时间"),
        ("UPDATE letters SET sha256 = repeat('1', 64) WHERE name = 'notice'", "文书文件"),
        ("UPDATE cases SET ended_at = ended_at + interval '1 day' WHERE procedure = 'allocation-review'", "办结时间"),
        (
            "UPDATE deadlines SET due = due + interval '1 day', last_day = last_day + 1 WHERE name = 'decision'",
            "期限“作出复核决定”",
        ),
        ("UPDATE deadlines SET last_day = last_day + 1 WHERE name = 'decision'", "期限“作出复核决定”"),
        ("UPDATE deadlines SET met_at = met_at - interval '1 day' WHERE name = 'decision'", "期限“作出复核决定”"),
        (
            "UPDATE deadlines SET state = 'running', met_at = NULL WHERE name = 'decision'",
            "期限“作出复核决定”",
        ),
        ("DELETE FROM deadlines WHERE name = 'decision'", "期限“作出复核决定”"),
        ("UPDATE services SET how = 'in person' WHERE how = 'read'", "送达方式"),
        ("UPDATE service_proofs SET received_at = received_at - interval '1 hour' WHERE how = 'read'", "送达证明"),
        ("UPDATE start_items SET state = 'waiting', case_id = NULL", "名单第1行的办理情况"),
        ("UPDATE start_items SET state = 'dropped', reason = '误列'", "名单第1行的办理情况"),
        ("UPDATE start_items SET case_id = (SELECT max(id) FROM cases)", "名单第1行的办理情况"),
    ],
)
def test_a_row_that_says_otherwise_than_its_history_is_found(decided, change, what):
    assert tampered(decided, change) == [f"{what}与所记的不符"]


@pytest.mark.parametrize(
    "change",
    [
        "state = 'dropped', warn_at = NULL",
        "state = 'met', met_at = due, warn_at = NULL",
        "event_day = event_day - 3",
        "kind = 'duty'",
        "event = 'filed'",
    ],
)
def test_a_running_period_that_was_stopped_or_started_otherwise_is_found(tx, change):
    Bureau.within(tx).served_notice()
    what = "期限“提出异议（申请复核）”与所记的不符"
    assert tampered(tx, f"UPDATE deadlines SET {change} WHERE name = 'objection'") == [what]


def test_a_period_dropped_at_the_end_of_its_case_that_runs_again_is_found(tx):
    bureau = Bureau.within(tx)
    notice = bureau.served_notice()
    bureau.send("waived", notice, bureau.wang, confirmed=True)
    assert notice.deadline("objection").state == "dropped"
    what = "期限“提出异议（申请复核）”与所记的不符"
    assert tampered(tx, "UPDATE deadlines SET state = 'running' WHERE name = 'objection'") == [what]


def test_a_period_that_nobody_started_is_found(decided):
    decided.execute(text("CREATE TEMPORARY TABLE more AS SELECT * FROM deadlines WHERE name = 'decision'"))
    decided.execute(text("UPDATE more SET id = -1, name = 'more'"))
    assert tampered(decided, "INSERT INTO deadlines OVERRIDING SYSTEM VALUE SELECT * FROM more") == [
        "期限“作出复核决定”并非案件所记"
    ]


def test_older_lines_about_a_deadline_vouch_for_its_end_and_state(decided):
    """They do not hold the event's day yet: of it nothing is known, and nothing else is found."""
    decided.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER ALL"))
    decided.execute(text("UPDATE audit_entries SET details = details - 'stands' WHERE details ? 'stands'"))
    assert tampered(decided, "UPDATE deadlines SET event_day = event_day - 3") == []
    what = ["期限“作出复核决定”与所记的不符"]
    assert tampered(decided, "UPDATE deadlines SET state = 'dropped', met_at = NULL WHERE name = 'decision'") == what


DESK = [
    ("UPDATE desk_matters SET decision = 'settled', decided_at = raised_at", "open"),
    ("UPDATE desk_matters SET role = 'handler'", "open"),
    ("UPDATE desk_matters SET kind = 'overdue'", "open"),
    ("DELETE FROM desk_matters", "open"),
    ("UPDATE desk_matters SET decision = 'settled'", "kept"),
    ("UPDATE desk_matters SET reason = '别的理由'", "kept"),
    ("UPDATE desk_matters SET decided_by_id = (SELECT min(id) FROM persons)", "kept"),
    ("UPDATE desk_matters SET decided_at = decided_at - interval '1 day'", "kept"),
    ("UPDATE desk_matters SET decision = NULL, decided_at = NULL, reason = NULL, decided_by_id = NULL", "kept"),
    ("UPDATE desk_matters SET decision = 'kept'", "renewed"),
    ("""UPDATE desk_matters SET details = jsonb_set(details, '{renewed}', to_jsonb(case_id))""", "renewed"),
    ("""UPDATE desk_matters SET details = jsonb_set(details, '{new_due}', '"2026-10-11T00:00:00+08:00"')""", "open"),
]


@pytest.mark.parametrize(("change", "decision"), DESK)
def test_a_matter_on_a_desk_that_was_decided_otherwise_is_found(office, change, decision):
    notice = office.final()
    office.correct(notice, "2026-10-09T15:00:00")
    [matter] = office.matters(notice)
    if decision == "kept":
        office.keep(matter, office.bureau.chen)
    elif decision == "renewed":
        office.renew(matter, office.bureau.chen)
    with office.bureau.run.tx.begin_nested() as trial:
        found = tampered(office.bureau.run.tx, change)
        trial.rollback()
    assert found == ["督办事项“提出异议（申请复核）”与所记的不符"]
    office.bureau.run.tx.expire_all()


def test_whose_place_another_has_taken_is_found_only_when_he_has_it_back(office):
    notice = office.final()
    office.correct(notice, "2026-10-09T15:00:00")
    office.renew(office.matters(notice)[0], office.bureau.chen)
    assert office.altered() == []
    tx, held = office.bureau.run.tx, "案件占有的唯一性标识被改动"
    with tx.begin_nested() as trial:
        swapped = f"UPDATE cases SET once = CASE id WHEN {notice.id} THEN once || '/1' END WHERE once IS NOT NULL"
        assert tampered(tx, swapped) == [held]
        trial.rollback()
    tx.expire_all()


@pytest.mark.parametrize("once", ["NULL", "once || '0'"])
def test_what_there_may_be_only_one_of_is_vouched_for(tx, once):
    Bureau.within(tx).served_notice()
    found = tampered(tx, f"UPDATE cases SET once = {once} WHERE once IS NOT NULL")
    assert found == ["案件占有的唯一性标识被改动"]


def test_a_case_ended_behind_the_portal_is_found(tx):
    Bureau.within(tx).served_notice()
    change = "UPDATE cases SET outcome = '已生效', ended_at = filed_at WHERE procedure = 'allocation-notice'"
    assert tampered(tx, change) == ["办理结果与所记的不符", "办结时间与所记的不符"]


def test_a_way_that_only_a_receipt_of_the_same_moment_told_is_vouched_for(office):
    notice = office.posted()
    office.correct(notice, "2026-09-23T15:00:00", how="in person")
    assert office.altered() == []
    tx = office.bureau.run.tx
    assert tampered(tx, "UPDATE services SET how = 'read' WHERE how = 'in person'") == ["送达方式与所记的不符"]
    assert tampered(tx, "UPDATE services SET how = 'post' WHERE how = 'read'") == ["送达证明与所记的不符"]


def test_a_row_of_a_list_that_ended_before_its_case_is_found(tx):
    Bureau.within(tx).notice()
    assert tampered(tx, "UPDATE start_items SET state = 'ended'") == ["名单第1行的办理情况与所记的不符"]


def test_a_letter_served_behind_the_portal_is_found(tx):
    Bureau.within(tx).notice()
    change = "UPDATE services SET state = 'served', how = 'post', served_at = now() WHERE kind = 'party'"
    assert tampered(tx, change) == ["送达时间与所记的不符"]


def test_a_proof_costs_the_same_however_much_a_case_holds(decided):
    """The cases of one story with ten times the letters, deadlines, matters and rows cost as many statements."""

    def cost() -> int:
        decided.expire_all()
        with counted(decided) as statements:
            list(proof.altered(decided))
        return len(statements)

    alone = cost()
    assert alone <= 60  # three cases and the registers
    for table in ("letters", "deadlines", "start_items"):
        more_of(decided, table)
    assert cost() == alone


def more_of(tx, table):
    """Ten rows more of each row of a table, alike but for what must differ."""
    unique = {
        "letters": "number = number || n, verification_code = verification_code || n",
        "deadlines": "name = name || n",
        "start_items": "item = item + n, case_id = NULL, state = 'waiting'",
    }
    tx.execute(text(f"CREATE TEMPORARY TABLE more AS SELECT t.*, n FROM {table} t, generate_series(1, 10) n"))
    tx.execute(text(f"UPDATE more SET id = -10 * id - n, {unique[table]}"))
    tx.execute(text("ALTER TABLE more DROP n"))
    tx.execute(text(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM more"))
    tx.execute(text("DROP TABLE more"))


def tampered(tx, change: str) -> list[str]:
    """What is found once the owner of the tables has changed them."""
    for table in ("service_proofs", "case_values"):
        tx.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
    tx.execute(text(change))
    tx.expire_all()
    return [found.zh for found in proof.altered(tx)]


def test_a_row_changed_for_which_a_case_was_started_is_found(decided):
    decided.execute(text("""UPDATE start_items SET "values" = jsonb_set("values", '{amount}', '"1"')"""))
    decided.expire_all()
    assert [found.zh for found in proof.altered(decided)] == ["“start_notices”逐行启动案件的名单被改动"]


@pytest.mark.parametrize(
    "change",
    [
        "party_id = (SELECT max(id) FROM organisations)",
        "started_by_item = started_by_item + 7",
        "about_id = NULL",
        "number = number || '甲'",
        "filed_at = filed_at - interval '1 day'",
    ],
)
def test_a_case_given_to_another_party_or_origin_is_found(decided, change):
    decided.execute(text(f"UPDATE cases SET {change} WHERE procedure = 'allocation-review'"))
    decided.expire_all()
    what = "案件的编号、当事人、提出时间、来由或适用的版本被改动"
    assert [found.zh for found in proof.altered(decided)] == [what]
