"""Who made an entry of a register: the person himself, or who had the case started that made it."""

from __future__ import annotations

import json

from sqlalchemy import select

from portal import identity
from portal.cases import filing
from portal.registers import Record
from tests.builders.pages import ETS, LONG_AGO, PASSWORD, UNIT, Portal, plain


def verified(portal: Portal) -> tuple[str, int]:
    """A verification signed by 陈涛 whose result is on record: its number, and the record's id."""
    kernel = portal.machine.kernel
    with portal.database.transaction() as tx:
        portal._list_unit(tx)
        case = filing.file(kernel, tx, portal.actor("zhou"), ETS, "verification", {}, portal.now)
        case_id, number = case.id, case.number
    arranged = {"year": "2025", "way": "自行组织核查"}
    portal.complete("zhou", portal.task("arrange", case_id), arranged)
    rows = json.dumps([{"unit": UNIT, "reported": "850000", "amount": "864000"}])
    portal.complete("zhou", portal.task("draft", case_id), {"units": rows})
    portal.complete("chen", portal.task("sign", case_id), {"result": "签发"})
    with portal.database.transaction() as tx:
        return number, tx.scalars(select(Record.id).where(Record.register == "verified_emissions")).one()


def test_an_entry_that_a_job_made_names_who_had_it_made(portal: Portal) -> None:
    number, record = verified(portal)
    page = plain(portal.client("zhou").get(f"/registers/{ETS}/verified_emissions/{record}"))
    assert f"登记核定排放量 · 据陈涛在 {number} 的办理登记" in page


def test_an_entry_of_no_case_names_nobody(portal: Portal) -> None:
    with portal.database.transaction() as tx:
        portal._list_unit(tx)
        record = tx.scalars(select(Record.id).where(Record.register == "emitters")).one()
    page = plain(portal.client("zhou").get(f"/registers/{ETS}/emitters/{record}"))
    assert "第 1 条" in page
    assert "的办理登记" not in page


def test_who_has_no_registers_is_told_so_in_his_own_words(portal: Portal) -> None:
    with portal.database.transaction() as tx:
        here = identity.add_person(tx, login="shen", name="沈明", password=PASSWORD)
        identity.grant_role(tx, person_id=here.id, regulation=ETS, role="district", from_day=LONG_AGO, body="万州区")
    page = plain(portal.client("shen").get("/registers"))
    assert "没有可以查看的名册" in page
    assert "regulation.toml" not in page
