"""What a letter says of the rows of a list is kept when it is issued: each row, with what it is asked for."""

from __future__ import annotations

from tests.builders.corrections import ANSWERS, content
from tests.builders.world import World


def test_a_letter_keeps_the_rows_that_it_lists(tx):
    world = World.within(tx, content())
    unit = world.person("王", of=world.organisation("91500103MA6TR01X7U", "某申请单位"))
    officer = world.person("李", "officer")
    case = world.file("filing", unit, **{**ANSWERS, "text": [world.upload(unit, "方案.pdf")]})
    items = [{"about": "name", "ask": "写全称"}, {"about": "text", "ask": "签章"}]
    world.complete("check", officer, result="补正", items=items)
    [letter] = case.letters
    assert letter.data["check"] == {
        "items": [{"no": "1", "label": "方案名称", "ask": "写全称"}, {"no": "2", "label": "方案文本", "ask": "签章"}]
    }
    assert letter.data["party"] == {"name": "某申请单位"}
