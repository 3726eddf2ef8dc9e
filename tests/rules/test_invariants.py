"""Numbers drawn and numbers used: what is missing, used twice or never drawn."""

from __future__ import annotations

from portal.cases.invariants import misnumbered

DRAWN = [("渝环〔{year}〕{seq}号", 2026, 3), ("受理〔{year}〕{seq}号", 2026, 1)]
USED = ["渝环〔2026〕1号", "渝环〔2026〕2号", "渝环〔2026〕3号", "受理〔2026〕1号"]


def test_every_number_drawn_is_used_once():
    assert list(misnumbered(DRAWN, USED)) == []
    assert list(misnumbered([], [])) == []


def test_a_gap():
    assert list(misnumbered(DRAWN, USED[1:])) == ["the number 渝环〔2026〕1号 was drawn, and nothing has it"]


def test_one_number_twice_and_one_that_was_never_drawn():
    assert list(misnumbered(DRAWN, [*USED, USED[0], "渝环〔2026〕4号"])) == [
        "the number 渝环〔2026〕1号 is used twice",
        "the number 渝环〔2026〕4号 was never drawn",
    ]
