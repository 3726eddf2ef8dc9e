"""Every other regulation that ships, acted out: each path holds, each flow is walked, so that it may be published."""

from __future__ import annotations

import pytest

from portal.cases.actions import ACTIONS
from portal.cases.kernel import Kernel
from portal.jobs import Collected
from portal.procedures import Releases
from portal.procedures.content import from_folder, regulations
from portal.scenarios.service import act_all
from tests.builders.world import ROOT, shipped

OTHERS = [slug for slug in regulations(ROOT) if slug != shipped().regulation]


def test_there_are_some():
    assert OTHERS == ["jiaxing-tanpuhui", "shenzhen-tanpuhui"]


@pytest.mark.parametrize("regulation", OTHERS)
def test_its_paths_hold_and_reach_everything(database, regulation):
    content = from_folder(ROOT, regulation)
    kernel = Kernel(Releases(), Collected(), lambda tx: None, ACTIONS)
    report = act_all(database, kernel, content)
    told = [f"{one.title}: {fault}" for one in report.results for fault in one.faults]
    assert [*told, *map(str, report.unreached), *map(str, report.faults)] == []
    assert len(report.results) == len([file for slug in content.procedures() for file in content.paths(slug)]) > 15
