"""The runner of the kit tells right from wrong, and names what is outside the subset; on folders made here."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.builders.decisions import decision, definitions, given, literal, needs, table
from tests.conformance import kit

SUM = (given("x", "number"), decision("sum", literal("x + 1"), of="number", requires=needs(inputs=["x"])))
XSD = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def case(x: str, expected: str, of: str = "decimal") -> str:
    value = f'<value xsi:type="xsd:{of}">{expected}</value>' if expected else '<value xsi:nil="true"/>'
    return (
        f'<testCase id="1"><inputNode name="x"><value xsi:type="xsd:decimal">{x}</value></inputNode>'
        f'<resultNode name="sum" type="decision"><expected>{value}</expected></resultNode></testCase>'
    )


def folder(place, data: bytes, *cases: str, model: str = "a.dmn"):
    place.mkdir(exist_ok=True)
    (place / "a.dmn").write_bytes(data)
    inside = f"<modelName>{model}</modelName>" + "".join(cases)
    (place / "a-test.xml").write_text(f'<testCases xmlns="urn:kit" {XSD}>{inside}</testCases>')
    return place


def test_right_answers_are_right(tmp_path):
    found = kit.result(folder(tmp_path / "a", definitions(*SUM), case("1", "2"), case("2", "3.0")))
    assert str(found) == "a: right (2 answers)"


@pytest.mark.parametrize(
    ("expected", "of", "told"),
    [
        ("3", "decimal", "Decimal('3') was expected, Decimal('2') came"),
        ("2", "string", "'2' was expected, Decimal('2') came"),
        ("", "", "None was expected, Decimal('2') came"),
        ("2.0000001", "decimal", "Decimal('2.0000001') was expected, Decimal('2') came"),
        ("2.00000001", "decimal", "Decimal('2.00000001') was expected, Decimal('2') came"),
    ],
)
def test_any_other_answer_is_wrong(tmp_path, expected, of, told):
    found = kit.result(folder(tmp_path / "a", definitions(*SUM), case("1", "2"), case("1", expected, of)))
    assert str(found) == f"a: WRONG: a-test.xml 1 sum: {told}"


def test_numbers_are_compared_exactly_but_for_long_fractions(tmp_path):
    large = kit.result(folder(tmp_path / "a", definitions(*SUM), case("99999999", "100000000.5")))
    assert str(large).endswith("Decimal('100000000.5') was expected, Decimal('100000000') came")
    assert kit.same(Decimal("562.7073593732659271562143285576524"), Decimal("562.707359373292"))
    assert not kit.same(Decimal("562.70735937316"), Decimal("562.707359373292"))
    assert not kit.same(Decimal("562.70735937"), Decimal("562.7073593"))


def test_what_is_refused_or_not_there_is_wrong(tmp_path):
    other = case("1", "2").replace('name="sum" type', 'name="product" type')
    assert str(kit.result(folder(tmp_path / "a", definitions(*SUM), other))) == (
        "a: WRONG: a-test.xml 1 product: Decimal('2') was expected; The file “a.dmn” of decisions holds no “product”."
    )
    silent = case("1", "2").replace('<expected><value xsi:type="xsd:decimal">2</value></expected>', "")
    assert kit.result(folder(tmp_path / "b", definitions(*SUM), silent)).wrong == (
        "a-test.xml 1 sum: None was expected, Decimal('2') came",
    )


def test_a_folder_that_asks_nothing_or_something_else_is_wrong(tmp_path):
    assert kit.result(folder(tmp_path / "a", definitions(*SUM))).wrong == ("nothing is asked here",)
    other = kit.result(folder(tmp_path / "b", definitions(*SUM), case("1", "2"), model="b.dmn"))
    assert other.wrong == ("a-test.xml asks b.dmn, which is not there", "nothing is asked here")


def test_what_is_outside_the_subset_is_named(tmp_path):
    data = definitions(decision("sum", '<context id="c"/>'))
    found = kit.result(folder(tmp_path / "a", data, case("1", "2")))
    assert str(found) == "a: outside the subset: a.dmn:3: 不支持“context”"


def test_rules_that_disagree_give_null(tmp_path):
    logic = table([("x", "number")], [("", "number")], [("> 0", "1"), ("> 1", "2")])
    data = definitions(SUM[0], decision("sum", logic, requires=needs(inputs=["x"])))
    assert not kit.result(folder(tmp_path / "a", data, case("1", "1"), case("2", ""))).wrong


def test_values_are_read_as_the_kit_writes_them():
    written = (
        f"<expected {XSD}><list><item><value xsi:type='xsd:boolean'>true</value></item><item>"
        "<component name='a'><value xsi:type='xsd:date'>2026-01-02</value></component>"
        "<component name='b'><value xsi:type='xsd:string'/></component></item></list></expected>"
    )
    value = kit.value(kit.etree.fromstring(written))
    assert kit.same(value, [True, {"a": kit.BUILTINS["date"].run(kit.Meter(kit.DEFAULT), "2026-01-02"), "b": ""}])
    assert not kit.same([Decimal(1)], [Decimal(1), Decimal(1)])
    assert not kit.same({"a": Decimal(1)}, {"b": Decimal(1)})
    assert not kit.same(True, Decimal(1))


def test_the_runner_fails_for_a_wrong_answer_and_for_too_many_named(tmp_path, capsys):
    folder(tmp_path / "right", definitions(*SUM), case("1", "2"))
    folder(tmp_path / "named", definitions(decision("sum", '<context id="c"/>')), case("1", "2"))
    assert kit.main([str(tmp_path)]) == 0
    assert kit.main([str(tmp_path), "1"]) == 0
    assert kit.main([str(tmp_path), "0"]) == 1
    folder(tmp_path / "wrong", definitions(*SUM), case("1", "3"))
    assert kit.main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "3 folders: 1 right, 1 named, 1 wrong"
    assert kit.main([str(tmp_path / "nothing")]) == 1


def test_three_folders_may_be_named_where_nothing_else_is_said(tmp_path):
    for name in ("a", "b", "c"):
        folder(tmp_path / name, definitions(decision("sum", '<context id="c"/>')), case("1", "2"))
    assert kit.main([str(tmp_path)]) == 0
    folder(tmp_path / "d", definitions(decision("sum", '<context id="c"/>')), case("1", "2"))
    assert kit.main([str(tmp_path)]) == 1


def test_a_folder_whose_model_is_gone_is_wrong(tmp_path):
    folder(tmp_path / "right", definitions(*SUM), case("1", "2"))
    (folder(tmp_path / "gone", definitions(*SUM), case("1", "2")) / "a.dmn").unlink()
    assert [str(one) for one in kit.results(tmp_path)] == [
        "gone: WRONG: a-test.xml asks a.dmn, which is not there; nothing is asked here",
        "right: right (1 answers)",
    ]
    assert kit.main([str(tmp_path)]) == 1
