"""Registers: what a case puts on record, corrects and takes off, entry by entry; and what stands meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import DatabaseError

from portal import inbox, registers
from portal.cases import proof
from portal.cases.names import evaluate, functions_of
from portal.registers import Cause, Record, RecordEntry, RecordExists, RecordMissing, WrongField
from tests.builders import measures
from tests.builders.measures import codes
from tests.builders.world import CEMENT, STEEL, Followed, World

NAME = "重庆某水泥有限公司"


class Bureau(World):
    """An officer who measures, and the register."""

    def __init__(self, *parts: object) -> None:
        super().__init__(*parts)
        self.officer = self.person("周", "officer")

    @property
    def regulation(self):
        [published] = self.run.read(self.kernel.releases.in_force)
        return published.regulation

    @property
    def register(self):
        return self.regulation.registers["measures"]

    def measure(self, amount: int = 86_400, unit: str = CEMENT, year: int = 2025) -> Followed:
        return self.file("measure", self.officer, unit=unit, year=str(year), amount=str(amount))

    def record(self, unit: str = CEMENT, year: int = 2025) -> Record | None:
        key = {"uscc": unit, "year": str(year)}
        return self.run.read(lambda tx: registers.current(tx, measures.REGULATION, self.register, key))

    def entries(self) -> list[RecordEntry]:
        return self.run.read(lambda tx: list(tx.scalars(select(RecordEntry).order_by(RecordEntry.id))))

    def altered(self) -> list[str]:
        return self.run.read(lambda tx: [found.zh for found in proof.altered(tx)])

    def disputed(self):
        row = self.record()
        recorded = inbox.Recorded(row.id, row.case_id, row.fields)
        look = lambda tx: inbox.disputed(tx, self.kernel.releases, self.register, [recorded])  # noqa: E731
        return self.run.read(look).get(row.id, {})


@pytest.fixture
def bureau(tx):
    return Bureau.within(tx, measures.content())


def test_a_case_puts_a_record_on_the_register_with_its_letter_and_article(bureau):
    case = bureau.measure()
    record = bureau.record()
    assert (record.state, record.uscc, record.year, record.entries) == ("有效", CEMENT, 2025, 1)
    assert record.fields == {"uscc": CEMENT, "year": "2025", "name": NAME, "amount": "86400"}
    [entry] = bureau.entries()
    assert (entry.number, entry.case_id, entry.person_id) == (1, case.id, bureau.officer.person_id)
    assert (entry.document, entry.letter_id) == (case.letters[0].number, case.letters[0].id)
    assert entry.moment == bureau.now
    assert entry.reason == "enter"
    assert entry.changed["amount"] == [None, "86400"]
    assert case.said("enter") == {"record": record.id}
    [line] = case.entries("record.entered")
    assert (line.details["title"], line.details["count"], line.details["key"]) == ("核定数量", 1, f"{CEMENT}、2025")


def test_a_correction_is_a_new_entry_and_the_old_one_stays(bureau):
    measured = bureau.measure()
    bureau.at("2026-10-08T10:00:00")
    dispute = bureau.file("dispute", bureau.wang, measured, claimed="84000")
    bureau.complete("decide", bureau.officer, dispute, amount="85000")
    record = bureau.record()
    assert (record.fields["amount"], record.entries, record.case_id) == ("85000", 2, dispute.id)
    first, second = bureau.entries()
    assert first.fields["amount"] == "86400"
    assert second.changed == {"amount": ["86400", "85000"]}
    assert (second.reason, second.fields["name"]) == ("异议成立", NAME)
    assert bureau.altered() == []


def test_a_second_record_of_a_key_is_refused_in_the_words_of_the_register(bureau):
    bureau.measure()
    with pytest.raises(RecordExists) as refused:
        bureau.measure(90_000)
    assert refused.value.text("zh") == f"《核定数量》中已有{CEMENT}、2025的记录（有效），不能重复登记。"
    assert len(bureau.cases()) == 1
    bureau.measure(year=2024)
    bureau.measure(unit=STEEL)


def test_what_was_taken_off_may_be_recorded_anew_by_the_next_entry(bureau):
    bureau.measure()
    bureau.file("cancel", bureau.officer, unit=CEMENT, year="2025")
    assert bureau.record().state == "作废"
    with pytest.raises(RecordMissing) as refused:
        bureau.file("cancel", bureau.officer, unit=CEMENT, year="2025")
    assert refused.value.text("zh") == f"《核定数量》中没有{CEMENT}、2025的有效记录，无从变更。"
    again = bureau.measure(80_000)
    record = bureau.record()
    assert (record.state, record.entries, record.case_id) == ("有效", 3, again.id)
    assert bureau.entries()[-1].changed == {"state": ["作废", "有效"], "amount": ["86400", "80000"]}
    assert bureau.altered() == []


def test_what_is_not_on_record_cannot_be_changed(bureau):
    with pytest.raises(RecordMissing):
        bureau.file("cancel", bureau.officer, unit=CEMENT, year="2025")


def test_rows_are_entered_at_once_with_what_is_the_same_for_all(bureau):
    census = bureau.file("census", bureau.officer, unit=CEMENT, year="2026", amount="100")
    assert bureau.record(CEMENT, 2026).fields["amount"] == "101"
    assert bureau.record(CEMENT, 2026).fields["name"] == "甲"  # an empty cell leaves it as it was
    steel = bureau.record(STEEL, 2026)
    assert (steel.fields["name"], steel.fields["amount"]) == ("乙", "200")
    entries = bureau.entries()
    assert [entry.document for entry in entries] == ["普查〔2026〕1号", "普查〔2026〕1号", None]
    assert sorted(entry.reason for entry in entries) == ["enter", "raise", "补登"]
    assert [line.details["count"] for line in census.entries("record.entered")] == [2, 1]
    assert len(census.said("enter")["record"]) == 2
    assert bureau.altered() == []


def test_a_key_that_stands_twice_in_the_rows_is_refused(bureau):
    rows = [{"uscc": CEMENT, "year": 2025, "amount": 1}, {"uscc": CEMENT.lower(), "year": "2025", "amount": 2}]
    cause = Cause(moment=bureau.now, reason="试")
    with pytest.raises(RecordExists):
        bureau.run.act(lambda tx: registers.record(tx, "small", bureau.register, rows, None, cause))
    assert bureau.entries() == []


def test_a_field_that_does_not_fit_keeps_everything_out(bureau):
    rows = [{"uscc": STEEL, "year": 2025}, {"uscc": CEMENT, "year": 2025, "amount": Decimal("0.5")}]
    cause = Cause(moment=bureau.now, reason="试")
    with pytest.raises(WrongField, match="核定量"):
        bureau.run.act(lambda tx: registers.record(tx, "small", bureau.register, rows, None, cause))
    assert bureau.record(STEEL) is None


# What stands while it is disputed


def test_while_a_case_about_the_newest_entry_is_open_its_fact_stands(bureau):
    measured = bureau.measure()
    assert bureau.disputed() == {}
    dispute = bureau.file("dispute", bureau.wang, measured, claimed="84000")
    [one] = bureau.disputed().values()
    assert (one.field, one.value, one.what) == ("amount", "84000", "争议期间的无争议数量")
    assert (one.case_id, one.number) == (dispute.id, dispute.number)
    assert bureau.record().fields["amount"] == "86400"
    bureau.complete("decide", bureau.officer, dispute, amount="85000")
    assert bureau.disputed() == {}


def test_a_dispute_that_says_no_figure_leaves_the_recorded_one(bureau):
    bureau.file("dispute", bureau.wang, bureau.measure())
    assert bureau.disputed()["amount"].value == "86400"


def test_a_dispute_about_an_older_entry_changes_nothing(bureau):
    measured = bureau.measure()
    bureau.file("dispute", bureau.wang, measured, claimed="84000")
    bureau.file("cancel", bureau.officer, unit=CEMENT, year="2025")
    assert bureau.disputed() == {}


# What cannot be done


@pytest.mark.parametrize(
    "change",
    ["UPDATE record_entries SET state = '作废'", "DELETE FROM record_entries", "TRUNCATE record_entries"],
)
def test_entries_only_grow(bureau, change):
    bureau.measure()
    with pytest.raises(DatabaseError, match="append-only"), bureau.run.tx.begin_nested():
        bureau.run.tx.execute(text(change))


def _behind(bureau, change):
    bureau.run.tx.execute(text("ALTER TABLE record_entries DISABLE TRIGGER ALL"))
    bureau.run.tx.execute(text(change))
    bureau.run.tx.expire_all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("""UPDATE records SET fields = jsonb_set(fields, '{amount}', '"1"')""", "最后一条登记不符"),
        ("UPDATE records SET state = '作废'", "最后一条登记不符"),
        ("UPDATE records SET entries = 3", "最后一条登记不符"),
        ("UPDATE records SET changed_at = changed_at - interval '1 day'", "最后一条登记不符"),
        ('UPDATE records SET key = \'["1", "2"]\'', "检索项与其内容不符"),
        ("UPDATE records SET uscc = NULL", "检索项与其内容不符"),
        ("UPDATE records SET year = 2024", "检索项与其内容不符"),
        ("UPDATE records SET words = '别的'", "检索项与其内容不符"),
        ("""UPDATE record_entries SET fields = jsonb_set(fields, '{amount}', '"1"') WHERE number = 1""", "被改动"),
        ("UPDATE record_entries SET document = '别的' WHERE number = 1", "被改动"),
        ("UPDATE record_entries SET moment = moment - interval '1 day' WHERE number = 2", "被改动"),
        ("UPDATE record_entries SET person_id = NULL WHERE number = 2", "被改动"),
        ("UPDATE record_entries SET digest = repeat('0', 64) WHERE number = 2", "被改动"),
        ("DELETE FROM record_entries WHERE number = 2", "被改动"),
        ("DELETE FROM record_entries WHERE number = 1", "被改动"),
    ],
)
def test_a_record_or_entry_changed_behind_the_portal_is_found(bureau, change, words):
    bureau.complete("decide", bureau.officer, bureau.file("dispute", bureau.wang, bureau.measure()), amount="85000")
    assert bureau.altered() == []
    _behind(bureau, change)
    assert any(words in found for found in bureau.altered())


def test_an_entry_that_no_step_made_is_found(bureau):
    case = bureau.measure()
    cause = Cause(
        moment=bureau.now, reason="混入", case_id=case.id, act_id=bureau.entries()[0].act_id, element="forged"
    )
    row = {"uscc": CEMENT, "year": 2025, "amount": 1}
    bureau.run.act(lambda tx: registers.update(tx, "small", bureau.register, [row], None, cause))
    assert bureau.altered() == ["名册中有一条登记并非“forged”所记"]


def test_an_entry_of_no_case_after_the_first_is_found(bureau):
    row, cause = {"uscc": CEMENT, "year": 2025, "name": NAME, "amount": 1}, Cause(moment=bureau.now, reason="混入")
    for enter in (registers.record, registers.update):
        assert bureau.altered() == []
        bureau.run.act(lambda tx, enter=enter: enter(tx, "small", bureau.register, [row], None, cause))
    [record_key] = [bureau.record().key]
    assert bureau.altered() == [f"名册“measures”记录 {record_key} 的第2条登记不属于任何案件"]


def test_a_record_taken_away_with_its_entries_is_missed(bureau):
    bureau.measure()
    _behind(bureau, "DELETE FROM record_entries")
    bureau.run.tx.execute(text("DELETE FROM records"))
    assert bureau.altered() == ["“enter”在名册《核定数量》中的登记被改动"]


# What expressions ask


def test_expressions_read_what_is_on_record(bureau):
    measured = bureau.measure()

    def ask(expression):
        return measured.see(lambda case: evaluate(case, expression))

    assert ask('record("measures", [start.unit, start.year]).amount') == Decimal(86400)
    assert ask('record("measures", [start.unit, start.year]).state') == "有效"
    assert ask('record("measures", [start.unit, 2024])') is None
    assert ask('record("measures", [start.unit, 2024]).amount = null') is True
    assert ask('record("measures", ["不是代码", 2025])') is None
    assert ask('record("measures", [null, 2025])') is None
    assert ask('record("measures", [start.unit])') is None
    assert ask('record("others", [start.unit, 2025])') is None
    assert ask('record("measures", [start.unit, start.year]).amount > 86000') is True


def test_two_thousand_rows_ask_the_database_a_few_times_only(bureau):
    rows = [{"uscc": code, "year": 2025, "name": code, "amount": n} for n, code in enumerate(codes(2000))]
    cause = Cause(moment=bureau.now, reason="试")
    bureau.run.act(lambda tx: registers.record(tx, "small", bureau.register, rows, None, cause))
    record = functions_of(bureau.run.tx, bureau.regulation)["record"]
    with _counted(bureau) as statements:
        found = [record("measures", [row["uscc"], Decimal(2025)]) for row in rows]
        absent = [record("measures", [code, Decimal(2025)]) for code in codes(4000)[2000:]]
    assert [one["amount"] for one in found] == [Decimal(n) for n in range(2000)]
    assert absent == [None] * 2000
    assert len(statements) <= 6


class _counted:
    """The statements that are sent to the database meanwhile."""

    def __init__(self, bureau):
        self.engine, self.statements = bureau.run.tx.get_bind().engine, []

    def __enter__(self):
        event.listen(self.engine, "before_cursor_execute", self._note)
        return self.statements

    def __exit__(self, *_):
        event.remove(self.engine, "before_cursor_execute", self._note)

    def _note(self, _connection, _cursor, statement, *_):
        self.statements.append(statement)


# Two at once


def test_of_many_who_record_the_same_key_one_does(own_database):
    world = Bureau.over(own_database, measures.content())
    together = Barrier(6)

    def racer(amount):
        together.wait()
        try:
            return world.measure(amount) and "entered"
        except RecordExists:
            return "refused"

    with ThreadPoolExecutor(6) as pool:
        ends = list(pool.map(racer, range(1, 7)))
    assert sorted(ends) == ["entered"] + ["refused"] * 5
    assert world.record().entries == 1
    assert len(world.cases("measure")) == 1
    assert world.altered() == []


def test_corrections_at_once_are_entries_one_after_the_other(own_database):
    world = Bureau.over(own_database, measures.content())
    cause = Cause(moment=world.now, reason="试")
    units = codes(40)
    with own_database.transaction() as tx:
        rows = [{"uscc": code, "year": 2025, "amount": 0} for code in units]
        registers.record(tx, "small", world.register, rows, None, cause)
    together = Barrier(4)

    def racer(number):
        together.wait()
        for amount in range(5):
            order = units if number % 2 else units[::-1]  # whoever comes first, all lock in one order
            rows = [{"uscc": code, "year": 2025, "amount": amount + 10 * number} for code in order]
            with own_database.transaction() as tx:
                registers.update(tx, "small", world.register, rows, None, cause)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(racer, range(4)))
    with own_database.transaction() as tx:
        assert set(tx.scalars(select(Record.entries))) == {21}
    assert all("不属于任何案件" in found for found in world.altered())
