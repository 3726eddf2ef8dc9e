"""The pages of registers: who sees them, what they find, what a record's history tells, and what stands meanwhile."""

from __future__ import annotations

import pytest
from sqlalchemy import func

from portal import identity, registers
from portal.cases import delivery, filing, tasks
from portal.cases.models import ActRecord, Task
from portal.documents.models import Letter, Service
from portal.procedures import Releases, publish
from portal.procedures.content import Content
from portal.registers import Cause, Record
from tests.builders import measures
from tests.builders.pages import LONG_AGO, UNIT, Portal, plain
from tests.builders.tasklists import statements
from tests.builders.world import CEMENT, STEEL, shipped

LIST = f"/registers/{measures.REGULATION}/measures"


@pytest.fixture(scope="module")
def content() -> Content:
    """The content of the regulation with a register."""
    return measures.content()


@pytest.fixture(scope="module")
def releases() -> Releases:
    """Its releases."""
    return Releases()


class Office:
    """The portal with an officer (zhou) who measures the unit (wang's)."""

    def __init__(self, portal: Portal) -> None:
        self.portal, self.kernel = portal, portal.machine.kernel
        with portal.database.transaction() as tx:
            # The unit is on a register of the shipped regulation, too.
            publish(tx, shipped(), self.kernel.now(tx), "test")
            who = portal.people["zhou"]
            identity.grant_role(tx, person_id=who, regulation=measures.REGULATION, role="officer", from_day=LONG_AGO)

    def file(self, procedure: str, by: str, about: int | None = None, **answers: str) -> int:
        actor = self.portal.actor(by)
        with self.portal.database.transaction() as tx:
            now = self.kernel.now(tx)
            return filing.file(self.kernel, tx, actor, measures.REGULATION, procedure, answers, now, about).id

    def measured(self) -> int:
        """A unit that was measured and has opened the letter; the id of the case."""
        case = self.file("measure", "zhou", unit=UNIT, year="2025", amount="86400")
        with self.portal.database.transaction() as tx:
            letter = tx.query(Letter).filter_by(case_id=case).one().id
        self.portal.rendered(letter)
        return case

    def opened(self, case: int) -> None:
        wang = self.portal.actor("wang")
        with self.portal.database.transaction() as tx:
            letter = tx.query(Letter).filter_by(case_id=case).one().id
            delivery.sign_for(self.kernel, tx, wang, letter, self.kernel.now(tx))

    def writes(self, case: int, state: str, like: int) -> int:
        """A letter to the unit in a case, as far along as that, otherwise like the one of another case; its id."""
        with self.portal.database.transaction() as tx:
            model = tx.query(Letter).filter_by(case_id=like).first()
            assert model is not None
            count, act = tx.query(Letter).count(), tx.query(func.max(ActRecord.id)).scalar()
            own = {
                "id": None,
                "case_id": case,
                "act_id": act,
                "number": f"第 {count} 号",
                "verification_code": f"CODE-{count}",
            }
            kept = {column.key: getattr(model, column.key) for column in Letter.__table__.columns}
            letter = Letter(**{**kept, **own})
            served = {"how": "reading", "served_at": self.portal.now} if state == "served" else {}
            unit = self.portal.unit_id
            letter.services.append(
                Service(kind="party", addressee="party", organisation_id=unit, name="…", state=state, **served)
            )
            tx.add(letter)
            tx.flush()
            return letter.id

    def decide(self, case: int, amount: str) -> None:
        actor = self.portal.actor("zhou")
        with self.portal.database.transaction() as tx:
            task = tx.query(Task).filter_by(case_id=case, state="open").one().id
            tasks.complete(self.kernel, tx, actor, task, {"amount": amount}, self.kernel.now(tx))

    def enter(self, *rows: dict[str, object]) -> None:
        """Puts records on the register that were there before."""
        with self.portal.database.transaction() as tx:
            regulation = self.kernel.releases.newest(tx, measures.REGULATION).regulation
            cause = Cause(moment=self.kernel.now(tx), reason="原有名册")
            registers.record(tx, regulation.slug, regulation.registers["measures"], rows, None, cause)

    def record_id(self, uscc: str = UNIT) -> int:
        with self.portal.database.transaction() as tx:
            return tx.query(Record).filter_by(regulation=measures.REGULATION, uscc=uscc).one().id


@pytest.fixture
def office(portal: Portal) -> Office:
    return Office(portal)


def test_officials_of_the_regulation_find_the_registers_in_the_bar(office, portal):
    page = portal.client("zhou").get("/registers")
    assert '<a href="/registers" aria-current="page">名册</a>' in page.text
    said = plain(page)
    for words in ("核定数量", "小办法", "统一社会信用代码、年度", "有效、作废", "census、measure"):
        assert words in said, words
    assert f'href="{LIST}"' in page.text


def test_others_get_no_register(office, portal):
    office.enter({"uscc": UNIT, "year": 2025, "amount": 1})
    record = f"{LIST}/{office.record_id()}"
    for login in ("li", "chen"):  # officials of another regulation
        client = portal.client(login)
        assert [client.get(path).status_code for path in (LIST, record)] == [403, 403]
        assert "核定数量" not in client.get("/registers").text
    wang = portal.client("wang")
    assert {wang.get(path).status_code for path in ("/registers", LIST, record)} <= {403, 404}
    assert portal.client().get(LIST).status_code == 302


def test_what_is_not_there_answers_so(office, portal):
    zhou = portal.client("zhou")
    for path in (f"/registers/{measures.REGULATION}/others", f"{LIST}/999999"):
        assert zhou.get(path).status_code == 404, path
    assert zhou.get("/registers/nowhere/measures").status_code == 403


def test_an_empty_register_says_what_to_do(office, portal):
    page = portal.client("zhou").get(LIST)
    said = plain(page)
    assert "名册中还没有记录" in said
    assert "办理以下事项时登记：census、measure。" in said
    assert f'href="/start/{measures.REGULATION}/measure"' in page.text


def test_a_search_without_result_leads_back_to_all(office, portal):
    office.enter({"uscc": UNIT, "year": 2025, "amount": 1})
    page = portal.client("zhou").get(LIST, query_string={"q": "没有的"})
    assert "没有符合条件的记录" in plain(page)
    assert f'href="{LIST}"' in page.text


def test_records_are_found_by_name_code_state_and_year(office, portal):
    office.enter(
        {"uscc": CEMENT, "year": 2025, "name": "某水泥", "amount": 86400},
        {"uscc": CEMENT, "year": 2024, "name": "某水泥", "amount": 70000},
        {"uscc": STEEL, "year": 2025, "name": "某钢铁", "amount": 500},
    )
    zhou = portal.client("zhou")

    def found(**query):
        said = plain(zhou.get(LIST, query_string=query))
        return [amount for amount in ("86,400 tCO₂e", "70,000 tCO₂e", "500 tCO₂e") if amount in said]

    assert found() == ["86,400 tCO₂e", "70,000 tCO₂e", "500 tCO₂e"]
    assert found(q="水泥") == ["86,400 tCO₂e", "70,000 tCO₂e"]
    assert found(q=STEEL[:10]) == ["500 tCO₂e"]
    assert found(year="2025") == ["86,400 tCO₂e", "500 tCO₂e"]
    assert found(q="水泥", year="2024") == ["70,000 tCO₂e"]
    assert found(state="作废") == []
    assert found(state="有效", q="钢铁") == ["500 tCO₂e"]
    assert found(q="%") == []
    assert found(state="没有的", year="abc") == ["86,400 tCO₂e", "70,000 tCO₂e", "500 tCO₂e"]
    assert found(q="\0") == found()
    assert found(before="x") == found()


def test_a_page_holds_fifty_and_keeps_the_filter_on_the_next(office, portal):
    office.enter(*({"uscc": CEMENT, "year": 1900 + n, "name": f"第{n}年", "amount": n} for n in range(60)))
    zhou = portal.client("zhou")
    first = zhou.get(LIST, query_string={"state": "有效"})
    assert first.text.count('class="t go"') == 50
    following = first.text.split('">下一页')[0].rpartition('href="')[2].replace("&amp;", "&")
    second = zhou.get(following)
    assert "state=" in following
    assert second.text.count('class="t go"') == 10
    assert "下一页" not in second.text
    assert "回到开头" in second.text


def test_a_page_costs_the_same_number_of_statements_however_many_records_there_are(office, portal):
    zhou = portal.client("zhou")
    office.enter({"uscc": CEMENT, "year": 2000, "amount": 1})
    zhou.get(LIST)
    with statements(portal) as few:
        zhou.get(LIST)
    office.enter(*({"uscc": CEMENT, "year": 2001 + n, "amount": n} for n in range(60)))
    with statements(portal) as many:
        zhou.get(LIST)
    assert len(many) == len(few) < 20
    assert not any("count(" in statement and "records" in statement for statement in many)


def test_a_record_tells_who_changed_what_in_which_case_on_which_document(office, portal):
    case = office.measured()
    office.opened(case)
    dispute = office.file("dispute", "wang", about=case, claimed="84000")
    office.decide(dispute, "85000")
    page = portal.client("zhou").get(f"{LIST}/{office.record_id()}")
    said = plain(page)
    with portal.database.transaction() as tx:
        letter = tx.query(Letter).filter_by(case_id=case).one()
        number, letter_id = letter.number, letter.id
    assert "核定量 由 86,400 tCO₂e → 改为 85,000 tCO₂e" in said
    assert "第 2 条" in said
    assert "异议成立 · 周敏" in said
    for link in (f'href="/letters/{letter_id}"', f'href="/cases/{case}"', f'href="/cases/{dispute}"'):
        assert link in page.text, link
    assert number in said
    assert said.index("第 2 条") < said.index("第 1 条")


def test_while_an_objection_is_open_the_undisputed_figure_is_shown_as_such(office, portal):
    case = office.measured()
    office.opened(case)
    dispute = office.file("dispute", "wang", about=case, claimed="84000")
    number = portal.case(dispute).number
    words = f"争议期间的无争议数量 84,000 tCO₂e（dispute {number} 在办）"
    zhou = portal.client("zhou")
    for page in (zhou.get(LIST), zhou.get(f"{LIST}/{office.record_id()}")):
        assert words in plain(page)
        assert "86,400 tCO₂e" in plain(page)
        assert "异议在办" in plain(page)
    assert f"86,400 tCO₂e；{words}" in plain(portal.client("wang").get("/account"))
    office.decide(dispute, "86000")
    assert "无争议" not in plain(zhou.get(LIST))


def test_a_unit_sees_its_own_records_once_it_has_opened_the_letter(office, portal):
    office.enter({"uscc": STEEL, "year": 2025, "name": "别人家", "amount": 777})
    case = office.measured()
    wang = portal.client("wang")
    assert "86,400" not in plain(wang.get("/account"))
    office.opened(case)
    page = wang.get("/account")
    said = plain(page)
    assert "核定数量" in said
    assert "86,400 tCO₂e" in said
    assert "777" not in said
    assert "周敏" not in said
    assert f'href="/my/cases/{case}"' in page.text
    assert "登记经过（1 条）" in said


def test_a_unit_is_not_told_of_cases_that_are_not_its_own(office, portal):
    case = office.measured()
    office.opened(case)
    cancel = office.file("cancel", "zhou", unit=UNIT, year="2025")
    page = portal.client("wang").get("/account")
    assert "有效 → 改为 作废" in plain(page)
    assert portal.case(cancel).number not in page.text
    assert f"/cases/{cancel}" not in page.text


def test_what_is_on_record_already_is_refused_in_words(office, portal):
    office.measured()
    answers = {"unit": UNIT, "year": "2025", "amount": "5"}
    url = f"/start/{measures.REGULATION}/measure"
    refused = portal.client("zhou").post(url, answers)
    assert refused.status_code == 409
    assert f"《核定数量》中已有{UNIT}、2025的记录（有效），不能重复登记。" in plain(refused)
    assert 'value="5"' in refused.text


def test_the_page_of_a_case_tells_what_it_entered(office, portal):
    case = office.measured()
    office.opened(case)
    zhou = portal.client("zhou")
    page = zhou.get(f"/cases/{case}")
    assert f"登记《核定数量》：{UNIT}、2025" in plain(page)
    assert f'href="{LIST}/{office.record_id()}"' in page.text
    dispute = office.file("dispute", "wang", about=case, claimed="84000")
    said = plain(zhou.get(f"/cases/{case}"))
    assert "86,400 tCO₂e；争议期间的无争议数量 84,000 tCO₂e（dispute" in said
    office.decide(dispute, "85000")
    assert "在名册中的登记" in plain(zhou.get(f"/cases/{dispute}"))
    census = office.file("census", "zhou", unit=UNIT, year="2026", amount="5")
    assert "登记《核定数量》：2 条" in plain(portal.client("zhou").get(f"/cases/{census}"))


def test_nothing_typed_is_shown_as_markup(office, portal):
    office.enter({"uscc": UNIT, "year": 2025, "name": "<b>某厂</b>", "amount": 1})
    zhou = portal.client("zhou")
    for page in (zhou.get(LIST, query_string={"q": "<b>某"}), zhou.get(f"{LIST}/{office.record_id()}")):
        assert "<b>某" not in page.text
        assert "&lt;b&gt;某厂" in page.text


def test_a_decision_that_nobody_opened_is_announced_without_its_content(office, portal):
    case = office.measured()
    office.opened(case)
    dispute = office.file("dispute", "wang", about=case, claimed="84000")
    wang, zhou = portal.client("wang"), portal.client("zhou")
    office.decide(dispute, "86000")
    office.writes(dispute, "served", like=case)
    assert "待签收" not in plain(wang.get("/account"))
    waiting = office.writes(dispute, "open", like=case)
    said = plain(wang.get("/account"))
    assert "86,400 tCO₂e；复核决定待签收，签收后更新" in said
    assert "86,000" not in said
    assert "待签收" not in plain(zhou.get(LIST))
    with portal.database.transaction() as tx:
        service = tx.query(Service).filter_by(letter_id=waiting).one()
        service.state, service.how, service.served_at = "served", "reading", portal.now
    said = plain(wang.get("/account"))
    assert "待签收，签收后更新" not in said
    assert "86,000 tCO₂e" in said


def test_a_search_takes_letters_and_digits_of_any_width(office, portal):
    office.enter({"uscc": UNIT, "year": 2025, "name": "重庆（某）ABC 公司", "amount": 1})
    zhou = portal.client("zhou")
    for typed in ("ＡＢＣ", "ａｂｃ", "重庆（某）", UNIT.translate({code: code + 0xFEE0 for code in range(48, 91)})):
        found = zhou.get(LIST, query_string={"q": typed})
        assert "ABC 公司" in plain(found), typed
    assert "ABC 公司" not in plain(zhou.get(LIST, query_string={"q": "ＸＹＺ"}))
