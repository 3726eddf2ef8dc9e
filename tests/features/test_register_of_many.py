"""A list of 2,000 units, entered in a table and signed: one act puts them all on the register."""

from __future__ import annotations

from portal import registers
from portal.cases import proof
from tests.builders.measures import codes
from tests.builders.world import Bureau

MANY = 2_000


def test_two_thousand_units_are_listed_in_one_act(tx):
    bureau = Bureau.within(tx)
    case = bureau.file("emitter-list", bureau.zhou)
    rows = [
        {"uscc": code, "name": f"第{n}单位", "industry": "水泥", "district": "万州区", "action": "列入"}
        for n, code in enumerate(codes(MANY))
    ]
    bureau.complete("draft", bureau.zhou, case, year="2024", document="渝环〔2024〕1号", units=rows)
    bureau.complete("sign", bureau.chen, case, result="签发")
    assert case.outcome == "名录已登记"
    [line] = case.entries("record.entered")
    assert line.details["count"] == MANY
    emitters = bureau.kernel.releases.newest(tx, "chongqing-ets").regulation.registers["emitters"]
    last = registers.current(tx, "chongqing-ets", emitters, {"uscc": rows[-1]["uscc"], "year": "2024"})
    assert last.fields["name"] == f"第{MANY - 1}单位"
    assert list(proof.altered(tx)) == []
