"""A letter is copied to the body of the region that a path of the case tells."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from portal.errors import PortalError
from portal.identity.models import Organisation
from tests.builders.content import FILES, changed, small
from tests.builders.world import CEMENT, World

TITLE = 'registry = { title = "区县登记机构", one_per = "region" }'


def content(copy: str):
    texts = {name: small().files[FILES[name]].decode() for name in ("regulation.toml", "notice.toml")}
    regulation = texts["regulation.toml"].replace('registry = "登记机构"', TITLE)
    manifest = texts["notice.toml"].replace('["registry"]', copy)
    return changed(**{"regulation.toml": regulation.encode(), "notice.toml": manifest.encode()})


def granted(world):
    """A grant of the cement works, signed."""
    handler, leader = world.person("周", "handler"), world.person("陈", "leader")
    grant = world.file("grant", handler)
    world.complete("draft", handler, grant, unit=CEMENT, year="2025", amount="100")
    world.complete("sign", leader, grant, result="签发")
    return grant


def test_the_copy_names_the_body_of_the_partys_region(tx):
    world = World.within(tx, content('["bureau", "registry(party.district)"]'))
    granted(world)
    [letter] = world.cases("notice")[0].letters
    assert letter.data["copies"] == [{"name": "示范局"}, {"name": "万州区登记机构"}]
    copies = [(service.addressee, service.name) for service in letter.services if service.kind == "copy"]
    assert sorted(copies) == [("bureau", "示范局"), ("registry(party.district)", "万州区登记机构")]


def test_without_a_region_the_step_fails_and_says_why(tx):
    world = World.within(tx, content('["registry(party.district)"]'))
    tx.execute(update(Organisation).values(district=""))
    with pytest.raises(PortalError) as failed:
        granted(world)
    assert "不知道抄送给哪个区县的“区县登记机构”：“party.district”没有内容。" in failed.value.text("zh")
    assert world.cases("notice") == []
