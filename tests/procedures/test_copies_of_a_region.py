"""A letter is copied to the body of the region that a path of the case tells."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from portal.cases import bulk
from portal.cases.actions import NoRegion
from portal.cases.models import Incident, StartItem
from portal.identity.models import Organisation
from tests.builders.content import FILES, changed, small
from tests.builders.world import CEMENT, Bureau, World

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


def test_without_a_region_the_step_is_refused_and_says_why(tx):
    world = World.within(tx, content('["registry(party.district)"]'))
    tx.execute(update(Organisation).values(district=""))
    with pytest.raises(NoRegion) as refused:
        granted(world)
    said = refused.value.text("zh")
    assert said.startswith("不知道抄送给哪个区县的“区县登记机构”：“party.district”没有内容。请先补全")
    assert world.cases("notice") == []


def test_a_row_without_a_region_fails_and_is_tried_again_once_it_is_known(tx):
    """The result of a verification is copied to the district of the unit, which is not known."""
    bureau = Bureau.within(tx)
    tx.execute(update(Organisation).where(Organisation.uscc == CEMENT).values(district=""))
    bureau.listed(CEMENT, 2025)
    verification = bureau.file("verification", bureau.zhou)
    bureau.complete("arrange", bureau.zhou, verification, year="2025", way="自行组织核查")
    bureau.complete("draft", bureau.zhou, verification, units=[{"unit": CEMENT, "amount": "864000"}])
    bureau.complete("sign", bureau.chen, verification, result="签发")
    [item] = tx.scalars(select(StartItem)).all()
    assert (item.state, item.tries, bureau.cases("verification-notice")) == ("failed", 1, [])
    assert item.fault.startswith("不知道抄送给哪个区县的“区县生态环境局”")
    assert tx.scalars(select(Incident)).all() == []

    tx.execute(update(Organisation).where(Organisation.uscc == CEMENT).values(district="万州区"))
    bureau.act(lambda session, at: bulk.retry(bureau.kernel, session, bureau.zhou, item.id, at))
    [letter] = bureau.cases("verification-notice")[0].letters
    assert letter.data["copies"] == [{"name": "万州区生态环境局"}]
