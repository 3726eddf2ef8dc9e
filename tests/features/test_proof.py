"""What was said and what letters hold is vouched for by the chained history."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from portal.cases import proof
from tests.builders.world import Bureau


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


def test_nothing_is_altered_after_a_story(decided):
    assert list(proof.altered(decided)) == []


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
    ],
)
def test_a_row_that_says_otherwise_than_its_history_is_found(decided, change, what):
    decided.execute(text(change))
    decided.expire_all()
    assert [found.zh for found in proof.altered(decided)] == [f"{what}与所记的不符"]


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
