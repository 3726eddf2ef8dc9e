"""What an official may confirm of a publicity, by the shipped form: nothing over an objection that is not decided."""

from __future__ import annotations

import pytest

from portal.feel import Scope
from portal.procedures.content import from_folder
from portal.procedures.releases import open_content
from tests.builders.world import ROOT

NONE = "公示期内未收到异议"
REJECTED = "公示期内收到的异议均不成立"
SETTLED = "公示期内收到的异议均已撤回或者不成立"
FORM = open_content(1, from_folder(ROOT, "jiaxing-tanpuhui")).procedures["methodology-filing"].forms["publicity-result"]


def refusal(result: str, *outcomes: str | None) -> str | None:
    """What is said to a result when the objections came to these outcomes; None when it is taken."""
    functions = {"objections": lambda name: list(outcomes), "earlier_objections": lambda name: []}
    error = FORM.check({"result": result}, Scope(names={}, functions=functions)).errors.get("result")
    return error.zh if error else None


@pytest.mark.parametrize(
    ("result", "outcomes"),
    [
        (NONE, []),
        (REJECTED, ["异议不成立", "异议不成立"]),
        (SETTLED, ["异议不成立", "异议不成立"]),
        (SETTLED, ["异议不成立", "已撤回"]),
        (SETTLED, ["已撤回"]),
    ],
)
def test_a_result_that_the_objections_bear_out(result, outcomes):
    assert refusal(result, *outcomes) is None


@pytest.mark.parametrize(
    ("result", "outcomes"),
    [
        (NONE, ["已撤回"]),
        (REJECTED, []),
        (REJECTED, ["异议不成立", "已撤回"]),
        (SETTLED, []),
        (SETTLED, ["异议不成立", "异议成立"]),
    ],
)
def test_a_result_that_they_do_not(result, outcomes):
    counted = f"公示期内收到异议 {len(outcomes)} 件，其中不成立 {outcomes.count('异议不成立')} 件"
    assert refusal(result, *outcomes) == f"{counted}，与所选的公示结果不符。"


@pytest.mark.parametrize("result", [NONE, REJECTED, SETTLED])
def test_nothing_is_confirmed_over_an_objection_that_is_looked_into(result):
    assert refusal(result, "异议不成立", None) == (
        "公示期内收到异议 2 件，其中不成立 1 件，与所选的公示结果不符。还有没有办结的异议。"
    )
