"""An expression cannot use more than its budget, whatever it says and whatever it reads."""

from __future__ import annotations

from decimal import Decimal

import pytest

from portal import feel
from portal.feel import Budget, FeelError, FeelLimit, FeelTooLarge, Scope, Signature

NAMES = {
    "big": list(range(9_000)),
    "units": [{"amount": n} for n in range(9_000)],
    "wide": "x" * 9_000,
    "huge": 10 ** (10**5),
    "far": Decimal("1E+999999999999"),
    "precise": Decimal("1." + "1" * 100_000),
    "near": Decimal("1E-999999999999"),
}

ATTACKS = [
    "for a in 1..1000, b in 1..1000, c in 1..1000, d in 1..1000 return 1",
    "for a in (for b in 1..1000 return (for c in 1..1000 return c)) return a",
    "for i in 1..10 ** 18 return 1",
    "some i in 1..10 ** 18 satisfies i < 0",
    "every i in 10 ** 18..1 satisfies i > 0",
    "every a in big satisfies every b in big satisfies a >= 0",
    "big[big[item > 1][1] = 1]",
    "big[item in big]",
    "units[amount in units.amount]",
    "flatten([big, big])",
    "concatenate(big, big)",
    "append(big, " + ", ".join(["1"] * 300) + ")[1] + sum(for i in big return i)",
    "index of(big, 1)[1] + count(index of(big, 2)) + count(big[item > 0])",
    "for i in 1..5000 return sum(big)",
    "for i in 1..5000 return reverse(big)",
    "wide + wide",
    "string join([wide, wide])",
    'for i in 1..5000 return wide + "x"',
    'for i in 1..9000 return contains(wide, "yx")',
    "10 ** 1000000",
    "10 ** (10 ** 30)",
    "9 ** 9 ** 9 ** 9 ** 9",
    "10 ** 6000 * 10 ** 6000",
    "huge",
    "huge + 1",
    "far",
    "string(far)",
    "floor(far)",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_an_expression_beyond_its_budget_is_stopped(text):
    expression = feel.compile(text)
    with pytest.raises(FeelLimit):
        expression.evaluate(Scope(NAMES))


HARMLESS = [
    ("count(big)", Decimal(9_000)),
    ("big[9000]", Decimal(8_999)),
    ("string length(wide)", Decimal(9_000)),
    ("string length(string(10 ** 6000))", Decimal(6_001)),
    ("[1, 2][10 ** 6000]", None),
    ('substring("a", 10 ** 6000)', None),
    ("date(10 ** 30, 1, 1)", None),
    ('duration("P999999999D") + duration("P1D")', None),
    ('duration("P999999Y") * 1000', None),
    ("modulo(10 ** 6000, 3)", None),
    ("for i in 1..10 ** 30 return i", None),
    ("2 ** 0.5 > 1.41", True),
    ("near + 1", Decimal(1)),
    ("precise", Decimal("1.111111111111111111111111111111111")),
    ("10 ** -9999", Decimal(0)),
]


@pytest.mark.parametrize(("text", "wanted"), HARMLESS)
def test_large_is_not_yet_too_large(text, wanted):
    assert feel.compile(text).evaluate(Scope(NAMES)) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "[" * 900 + "]" * 900,
        "{a:" * 400 + "1" + "}" * 400,
        "-(" * 500 + "a" + ")" * 500,
        "not(" * 300 + "true" + ")" * 300,
        "- " * 900 + "a",
        "if true then 1 else " * 90 + "1",
        "for a in b return " * 100 + "a",
        "a" + "[1]" * 600,
        "a" + ".b" * 900,
        "1 in (" * 200 + "1" + ")" * 200,
    ],
)
def test_deep_nesting_is_refused_without_recursion(text):
    with pytest.raises(FeelTooLarge):
        feel.compile(text)


@pytest.mark.parametrize("text", ["(" * 900 + "1" + ")" * 900, "1" + "/**/" * 400])
def test_what_leaves_nothing_behind_is_not_deep(text):
    assert feel.compile(text).evaluate(Scope({})) == 1


@pytest.mark.parametrize("text", ["1" + " + 1" * 450, "a" + " and a" * 300, "a" + " or a" * 300, "1" + " ** 1" * 350])
def test_long_chains_are_not_deep(text):
    assert feel.compile(text).evaluate(Scope({"a": True})) is not None


@pytest.mark.parametrize("length", [2_001, 1_000_000])
def test_a_long_text_is_refused(length):
    with pytest.raises(FeelLimit) as refusal:
        feel.compile("1".ljust(length))
    assert isinstance(refusal.value, FeelError)
    assert "2000" in refusal.value.what


def test_a_text_of_the_greatest_length_is_not():
    assert feel.compile("1".ljust(2_000)).evaluate(Scope({})) == 1


def test_data_that_contains_itself_is_stopped():
    loop: list[object] = []
    loop.append(loop)
    ring: dict[str, object] = {}
    ring["ring"] = ring
    for text in (
        "loop",
        "ring",
        "flatten(loop)",
        "loop = loop",
        "ring = ring",
        "loop.x",
        "distinct values(loop)",
    ):
        with pytest.raises(FeelLimit):
            feel.compile(text).evaluate(Scope({"loop": loop, "ring": ring}))


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("1 + 1 + 1", Budget(steps=3)),
        ("[[[1]]]", Budget(depth=3)),
        ("deep", Budget(depth=3)),
        ('"ab" + "cd"', Budget(size=3)),
        ("[1, 2, 3, 4][item > 0]", Budget(steps=10)),
        ("for i in 1..4 return i", Budget(size=3)),
        ("f(1)", Budget(steps=500)),
    ],
)
def test_a_budget_can_be_smaller(text, budget):
    expression = feel.compile(text, {"f": Signature(1, cost=499)})
    scope = Scope({"deep": [[[[1]]]]}, {"f": lambda _: 1})
    assert expression.evaluate(scope) is not None
    with pytest.raises(FeelLimit):
        expression.evaluate(scope, budget)


def test_no_recursion_error_escapes_even_from_a_deep_caller():
    expression = feel.compile("[" * 60 + "]" * 60)

    def deeper_and_deeper() -> None:
        expression.evaluate(Scope({}))
        deeper_and_deeper()

    with pytest.raises(FeelLimit):
        deeper_and_deeper()


def test_the_deepest_expression_allowed_fits_beneath_a_usual_caller():
    text = "every x in [1] satisfies some y in [x] satisfies " * 20 + "true"
    assert feel.compile(text).evaluate(Scope({})) is True
