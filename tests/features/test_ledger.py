"""The ledger in the database: posted once, in double entry, undone by mirrors, proven as a whole."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from portal import ledger
from portal.ledger import Asset, InsufficientBalance, KeyReused

ALLOWANCE = Asset("chongqing-ets", "allowance")
MOMENT = datetime(2026, 9, 24, 10, 0, tzinfo=UTC)
FREE = {"year": 2025, "kind": "免费"}
ADJUSTED = {"year": 2025, "kind": "调整"}
NOTICE, REVIEW, OTHER = 11, 12, 13
MILL, PLANT = 21, 22


@pytest.fixture
def tx(tx):
    """The session, where cases and organisations need not be there: these tests are about the ledger only."""
    tx.execute(text("ALTER TABLE ledger_transfers DROP CONSTRAINT fk_ledger_transfers_case_id_cases"))
    tx.execute(text("ALTER TABLE ledger_accounts DROP CONSTRAINT fk_ledger_accounts_organisation_id_organisations"))
    return tx


def post(tx, key="k1", amount=120_000, **changes):
    facts = {
        "case_id": NOTICE,
        "act_id": 1,
        "moment": MOMENT,
        "organisation_id": MILL,
        "asset": ALLOWANCE,
        "dimensions": FREE,
        "kind": "发放",
        "basis": "11",
    }
    return ledger.post(tx, key=key, amount=amount, **(facts | changes))


def reverse(tx, key="r1", of_case=NOTICE, **changes):
    facts = {"case_id": REVIEW, "act_id": 9, "moment": MOMENT, "kind": "冲销", "basis": "11.2"}
    return ledger.reverse(tx, key=key, of_case=of_case, **(facts | changes))


def held(tx, organisation_id=MILL):
    return {holding.dimensions["kind"]: holding.balance for holding in ledger.holdings(tx, organisation_id)}


def check(tx):
    """What a commit and the nightly check would say."""
    tx.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    tx.execute(text("SET CONSTRAINTS ALL DEFERRED"))
    assert ledger.invariants(tx) == []


def test_an_account_is_opened_once_for_an_organisation_and_asset(tx):
    account = ledger.open_account(tx, MILL, ALLOWANCE)
    assert ledger.open_account(tx, MILL, ALLOWANCE).id == account.id
    assert ledger.open_account(tx, PLANT, ALLOWANCE).id != account.id
    assert ledger.open_account(tx, MILL, Asset("shenzhen-tanpuhui", "allowance")).id != account.id
    assert (account.kind, account.of, account.number) == ("holding", ALLOWANCE, f"A{account.id:08d}")


def test_there_is_one_issuing_account_for_an_asset(tx):
    account = ledger.issuing_account(tx, ALLOWANCE)
    assert ledger.issuing_account(tx, ALLOWANCE).id == account.id
    assert (account.kind, account.organisation_id) == ("issue", None)


def test_issuing_gives_to_the_unit_what_it_takes_from_the_authority(tx):
    transfer = post(tx)
    issue, holding = ledger.issuing_account(tx, ALLOWANCE), ledger.open_account(tx, MILL, ALLOWANCE)
    assert [(leg.account_id, leg.amount) for leg in transfer.legs] == [
        (issue.id, -120_000),
        (holding.id, 120_000),
    ]
    assert ledger.balance(tx, holding.id) == 120_000
    assert ledger.balance(tx, issue.id) == -120_000
    check(tx)


def test_an_account_without_entries_holds_nothing(tx):
    assert ledger.balance(tx, ledger.open_account(tx, MILL, ALLOWANCE).id) == 0
    assert ledger.holdings(tx, MILL) == []
    assert ledger.statement(tx, MILL) == []


def test_balances_are_kept_apart_by_dimensions(tx):
    post(tx, "k1", 100)
    post(tx, "k2", 30, dimensions=ADJUSTED)
    post(tx, "k3", 5, dimensions={"kind": "免费", "year": 2025})
    assert held(tx) == {"免费": 105, "调整": 30}
    with pytest.raises(InsufficientBalance):
        post(tx, "k4", -31, dimensions=ADJUSTED)


def test_an_adjustment_may_take_everything_but_no_more(tx):
    post(tx, "k1", 500)
    post(tx, "k2", -500, kind="调整")
    assert held(tx) == {"免费": 0}
    with pytest.raises(InsufficientBalance) as refused:
        post(tx, "k3", -1, kind="调整")
    number = ledger.open_account(tx, MILL, ALLOWANCE).number
    assert refused.value.text("zh") == f"账户{number}（免费、2025）现有0，不足以减少1。"


def test_the_same_key_again_changes_nothing_and_returns_the_first(tx):
    first = post(tx)
    again = post(tx, act_id=2, moment=MOMENT + timedelta(hours=1))
    assert again == first
    assert held(tx) == {"免费": 120_000}
    check(tx)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 120_001},
        {"case_id": OTHER},
        {"organisation_id": PLANT},
        {"dimensions": ADJUSTED},
        {"kind": "调整"},
        {"basis": "12"},
        {"asset": Asset("chongqing-ets", "other")},
    ],
)
def test_the_same_key_with_other_content_is_refused(tx, change):
    post(tx)
    with pytest.raises(KeyReused, match="k1"):
        post(tx, **change)


def test_what_a_case_posted_is_undone_as_a_whole(tx):
    post(tx, "k1", 100)
    post(tx, "k2", -30)
    post(tx, "k3", 7, organisation_id=PLANT)
    post(tx, "k4", 1000, case_id=OTHER)
    undone = reverse(tx)
    assert [(t.key, t.case_id, t.kind) for t in undone] == [(f"r1:{t.reverses}", REVIEW, "冲销") for t in undone]
    assert len(undone) == 3
    assert held(tx) == {"免费": 1000}
    assert held(tx, PLANT) == {"免费": 0}
    check(tx)


def test_undoing_needs_the_sum_to_be_there_not_each_step_of_it(tx):
    post(tx, "k1", 50, case_id=OTHER)
    post(tx, "k2", -50)
    post(tx, "k3", 50)
    post(tx, "k4", -50, case_id=OTHER)
    reverse(tx)
    assert held(tx) == {"免费": 0}
    check(tx)


def test_undoing_is_refused_when_the_units_are_gone(tx):
    post(tx, "k1", 100)
    post(tx, "k2", -30, case_id=OTHER, kind="清缴")
    with pytest.raises(InsufficientBalance) as refused:
        reverse(tx)
    assert refused.value.facts["balance"] == 70
    assert refused.value.facts["amount"] == 100


def test_undoing_again_with_the_same_key_returns_the_first_even_if_more_was_posted(tx):
    post(tx, "k1", 100)
    first = reverse(tx)
    post(tx, "k2", 40)
    assert reverse(tx) == first
    assert held(tx) == {"免费": 40}
    with pytest.raises(KeyReused):
        reverse(tx, basis="12")


def test_undoing_with_another_key_takes_only_what_is_left(tx):
    post(tx, "k1", 100)
    reverse(tx, "r1")
    post(tx, "k2", 40)
    (second,) = reverse(tx, "r2")
    assert [leg.amount for leg in second.legs] == [40, -40]
    assert reverse(tx, "r3") == ()
    assert held(tx) == {"免费": 0}


def test_a_reversal_is_not_undone_itself(tx):
    post(tx, "k1", 100)
    reverse(tx, "r1")
    assert reverse(tx, "r2", of_case=REVIEW) == ()
    assert held(tx) == {"免费": 0}


def test_a_statement_tells_every_entry_with_the_balance_after_its_act(tx):
    post(tx, "k1", 100)
    post(tx, "k2", 30, dimensions=ADJUSTED, case_id=OTHER, act_id=2)
    post(tx, "k3", -40, kind="调整", basis="11.2", act_id=3)
    post(tx, "k4", 999, organisation_id=PLANT, act_id=4)
    lines = ledger.statement(tx, MILL)
    assert [(line.act_id, line.amount, line.balance, line.dimensions["kind"]) for line in lines] == [
        (1, 100, 100, "免费"),
        (2, 30, 30, "调整"),
        (3, -40, 60, "免费"),
    ]
    last = lines[-1]
    assert (last.kind, last.basis, last.case_id, last.moment, last.asset, last.reverses) == (
        "调整",
        "11.2",
        NOTICE,
        MOMENT,
        ALLOWANCE,
        False,
    )
    assert last.account == ledger.open_account(tx, MILL, ALLOWANCE).number


def test_what_one_act_posts_anew_and_takes_back_is_never_held_twice(tx):
    """The new is posted first, so that no balance is below zero; a statement tells only what stood after the act."""
    post(tx, "old", 100)
    post(tx, "more", 7, act_id=2, case_id=OTHER)
    post(tx, "new", 120, act_id=9, case_id=REVIEW)
    post(tx, "aside", 30, act_id=9, case_id=REVIEW, dimensions=ADJUSTED)
    reverse(tx, "back")
    check(tx)
    lines = ledger.statement(tx, MILL)
    assert [(line.act_id, line.dimensions["kind"], line.amount, line.reverses, line.balance) for line in lines] == [
        (1, "免费", 100, False, 100),
        (2, "免费", 7, False, 107),
        (9, "免费", -100, True, 127),
        (9, "免费", 120, False, 127),
        (9, "调整", 30, False, 30),
    ]


def test_the_entries_of_a_case_show_both_sides(tx):
    post(tx, "k1", 100)
    post(tx, "k2", 5, case_id=OTHER)
    assert [(line.organisation_id, line.amount) for line in ledger.entries_of_case(tx, NOTICE)] == [
        (None, -100),
        (MILL, 100),
    ]


@pytest.mark.parametrize("table", ["ledger_transfers", "ledger_entries"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = DEFAULT", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_what_is_posted_stays(tx, table, statement):
    post(tx)
    check(tx)
    with pytest.raises(DBAPIError, match="append-only"):
        tx.execute(text(statement.format(table)))


def test_the_database_itself_refuses_a_single_entry(tx):
    transfer = post(tx)
    tx.execute(
        text(
            "INSERT INTO ledger_entries (transfer_id, account_id, amount, dimensions) "
            "SELECT transfer_id, account_id, 1, dimensions FROM ledger_entries "
            "WHERE transfer_id = :id LIMIT 1"
        ),
        {"id": transfer.id},
    )
    with pytest.raises(IntegrityError, match="is not balanced"):
        tx.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


def test_the_database_itself_refuses_a_balance_below_zero(tx):
    post(tx)
    with pytest.raises(IntegrityError, match="not_negative"):
        tx.execute(text("UPDATE ledger_balances SET balance = -1"))


FORGERIES = {
    "UPDATE ledger_entries SET amount = amount + 1 WHERE amount = 100": [
        "transfer {transfer} takes and gives different amounts of {{'kind': '免费', 'year': 2025}}",
        "account {account} holds 100 of {{'kind': '免费', 'year': 2025}} by its row, 101 by its entries",
    ],
    "UPDATE ledger_balances SET balance = 99": [
        "account {account} holds 99 of {{'kind': '免费', 'year': 2025}} by its row, 100 by its entries",
    ],
    "DELETE FROM ledger_balances": [
        "account {account} holds 0 of {{'kind': '免费', 'year': 2025}} by its row, 100 by its entries",
    ],
    "DELETE FROM ledger_entries": [
        "transfer {transfer} has no entries",
        "account {account} holds 100 of {{'kind': '免费', 'year': 2025}} by its row, 0 by its entries",
    ],
    "UPDATE ledger_entries SET amount = -amount": [
        "account {account} holds 100 of {{'kind': '免费', 'year': 2025}} by its row, -100 by its entries",
        "account {account} is overspent: -100 of {{'kind': '免费', 'year': 2025}}",
    ],
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forgery_by_a_superuser_is_found(tx, forgery):
    transfer = post(tx, "k1", 100)
    check(tx)
    tx.execute(text("ALTER TABLE ledger_entries DISABLE TRIGGER ALL"))
    tx.execute(text(forgery))
    facts = {"transfer": transfer.id, "account": transfer.legs[1].account_id}
    assert ledger.invariants(tx) == [words.format(**facts) for words in FORGERIES[forgery]]


def test_a_reversal_that_is_no_mirror_is_found(tx):
    original, other = post(tx, "k1", 100), post(tx, "k2", 100, dimensions=ADJUSTED)
    tx.execute(text("ALTER TABLE ledger_transfers DISABLE TRIGGER ALL"))
    tx.execute(
        text("UPDATE ledger_transfers SET reverses = :id WHERE id = :other"),
        {"id": original.id, "other": other.id},
    )
    assert ledger.invariants(tx) == [f"transfer {other.id} does not undo transfer {original.id}"]
