"""The history of cases in the database: written with the act, never changed, and proven."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from portal.audit import service as audit
from portal.audit.rules import Chain, Event

MOMENT = datetime(2026, 9, 24, 10, 0, 0, 123456, tzinfo=UTC)
CASES = (41, 42, 43)


@pytest.fixture
def tx(tx):
    """The session, where an entry may name a case that is not there: these tests are about entries only."""
    tx.execute(text("ALTER TABLE audit_entries DROP CONSTRAINT fk_audit_entries_case_id_cases"))
    return tx


def events(count):
    return [
        Event(
            MOMENT + timedelta(seconds=n),
            100 + n,
            "task.completed",
            7,
            8 if n % 2 else None,
            "review",
            {
                "结论": "变更",
                "amount": "120000",
                "files": [n, None, {"z": 1, "a": 'ü\u2028"\\'}],
                "big": 10**30,
            },
        )
        for n in range(count)
    ]


@pytest.fixture
def chains(tx):
    return [(case_id, audit.append_all(tx, case_id, Chain(), events(6))) for case_id in CASES]


def test_entries_come_back_as_they_were_written(tx):
    chain = audit.append(tx, 41, Chain(), MOMENT, 100, "case.filed", 7, None, {"理由": "产量数据有误"})
    chain = audit.append(tx, 41, chain, MOMENT, 100, "task.opened", element="check", on_behalf=None)
    first, second = audit.entries(tx, 41)
    assert (first.seq, first.kind, first.actor_id, first.details) == (
        1,
        "case.filed",
        7,
        {"理由": "产量数据有误"},
    )
    assert (second.seq, second.element, second.details) == (2, "check", {})
    assert first.moment == MOMENT
    assert second.previous == first.hash
    assert chain == Chain(2, second.hash)


def test_several_entries_are_one_statement(tx):
    seen = []
    event.listen(tx.connection(), "before_cursor_execute", lambda *a: seen.append(a[2]))
    audit.append_all(tx, 41, Chain(), events(5))
    assert len([statement for statement in seen if "INSERT" in statement]) == 1
    assert len(audit.entries(tx, 41)) == 5


def test_nothing_to_write_leaves_the_chain(tx):
    assert audit.append_all(tx, 41, Chain(3, "a" * 64), []) == Chain(3, "a" * 64)


def test_an_outdated_chain_is_refused(tx, chains):
    with pytest.raises(IntegrityError, match="pk_audit_entries"):
        audit.append(tx, 41, Chain(), MOMENT, 1, "case.filed")


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_entries SET kind = 'a.b'", "DELETE FROM audit_entries", "TRUNCATE audit_entries"],
)
def test_the_table_only_grows(tx, chains, statement):
    with pytest.raises(DBAPIError, match="append-only"):
        tx.execute(text(statement))


def test_untouched_histories_are_proven(tx, chains):
    assert audit.verify(tx, iter(chains)) == []
    assert audit.verify(tx, [*chains, (99, Chain())]) == []
    assert [audit.verify_case(tx, case_id, chain) for case_id, chain in chains] == [[], [], []]


def test_the_zone_of_the_connection_does_not_matter(tx, chains):
    tx.execute(text("SET LOCAL timezone = 'America/St_Johns'"))
    assert audit.verify(tx, chains) == []


def test_entries_of_a_case_that_the_caller_does_not_know(tx, chains):
    found = audit.verify(tx, [chains[0], chains[2]])
    assert [(b.case_id, b.en) for b in found] == [(42, "there are entries of a case that is not known")]
