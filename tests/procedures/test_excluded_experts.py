"""Whom the shipped table leaves out of a committee, and the reason it writes: above all the border of the two years."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest

from portal.feel import Scope
from portal.procedures.content import from_folder
from portal.procedures.functions import FUNCTIONS
from portal.procedures.releases import open_content
from tests.builders.world import ROOT

UNIT, OTHER, PERSON = "91330402MA2JX001A4", "12330400MA2JX002BG", "P0000000108"
CONTRACT = "近两年与申请人有合同关系"
EXPERT = {
    "state": "在库",
    "name": "钱专家",
    "person": "P000000001X",
    "employer": "浙江某大学",
    "employer_code": OTHER,
    "fields": ["低碳出行"],
    "contracts": None,
    "conflicts": None,
    "replaced": None,
    "since": date(2023, 11, 8),
}
TABLE = open_content(1, from_folder(ROOT, "jiaxing-tanpuhui")).procedures["methodology-filing"].decisions["excluded"]


def reason(drawn: str = "2026-03-11", party: Mapping[str, str | None] | None = None, **said: object) -> object:
    """Why an expert is left out of a drawing that is made on a day."""
    names = {
        "candidate": {**EXPERT, "drawn_on": date.fromisoformat(drawn), **said},
        "convene": {"field": "低碳出行"},
        "party": party or {"name": "嘉兴某公司", "uscc": UNIT},
        "start": {"participants": [{"name": "沈工", "org": "嘉兴某公司", "code": None}]},
    }
    return TABLE.evaluate(None, Scope(names=names, functions=FUNCTIONS)).value


@pytest.mark.parametrize(
    ("drawn", "ended"),
    [
        ("2026-03-11", "2024-03-11"),
        ("2026-03-11", "2026-03-10"),
        ("2026-03-11", "2027-12-31"),
        ("2026-02-28", "2024-02-28"),
        ("2026-02-28", "2024-02-29"),
        ("2028-02-29", "2026-02-28"),
    ],
)
def test_a_contract_that_ended_at_most_two_years_before_the_draw_excludes(drawn, ended):
    assert reason(drawn, contracts=[OTHER, f"{UNIT}（至 {ended}）"]) == CONTRACT


@pytest.mark.parametrize(
    ("drawn", "ended"),
    [
        ("2026-03-11", "2024-03-10"),
        ("2026-03-01", "2024-02-29"),
        ("2028-02-29", "2026-02-27"),
        ("2028-03-01", "2026-02-28"),
    ],
)
def test_one_that_ended_earlier_does_not(drawn, ended):
    assert reason(drawn, contracts=[f"{UNIT}（至 {ended}）"]) is None


def test_one_of_several_is_enough_and_one_without_a_day_is_running():
    assert reason(contracts=[f"{UNIT}（至 2020-01-01）", UNIT]) == CONTRACT
    assert reason(contracts=[f"{UNIT}（至 2020-01-01）", f"{UNIT}（至 2025-01-01）"]) == CONTRACT


def test_a_day_that_cannot_be_read_frees_nobody():
    assert reason(contracts=[f"{UNIT}（至 2020 年底）"]) == CONTRACT


def test_contracts_with_others_do_not_count():
    assert reason(contracts=[OTHER, f"{OTHER}（至 2026-03-01）"]) is None


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, None),
        ({"state": "暂停"}, "暂停参加评审"),
        ({"fields": ["建筑"]}, "不属于评审领域"),
        ({"fields": None}, "不属于评审领域"),
        ({"employer": "嘉兴某公司", "employer_code": None}, "与申请人同单位"),
        ({"employer": "嘉兴某公司南湖分公司", "employer_code": UNIT}, "与申请人同单位"),
        ({"name": "沈工"}, "姓名列在编写人员中"),
        ({"conflicts": [UNIT]}, "已申报与申请人的利害关系"),
        ({"replaced": "专家回避"}, "在本案评审中已经回避、缺席或未出具意见"),
        ({"since": date(2026, 3, 11)}, None),
        ({"since": date(2026, 3, 12)}, "聘任尚未生效"),
    ],
)
def test_each_cause_has_its_own_words(said, why):
    assert reason(**said) == why


def test_of_a_natural_person_he_himself_and_who_works_with_an_author():
    party = {"name": "顾某", "uscc": PERSON}
    assert reason(party=party, person=PERSON) == "是申请人本人"
    assert reason(party=party, employer="嘉兴某公司") == "与编写人员同单位"


def test_a_party_without_a_code_is_not_the_unit_of_whoever_has_none():
    assert reason(party={"name": "方某", "uscc": None}, employer_code=None, contracts=[OTHER]) is None
