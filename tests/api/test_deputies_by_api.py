"""A deputy says in whose name he does a task; what he may not say is refused and nothing is done."""

from __future__ import annotations

import pytest

from portal.cases.models import Task
from tests.builders.deputies import grant, lent_by_two

SIGNED = {"answers": {"result": "签发"}}


@pytest.fixture
def signing(portal):
    """The task of signing an allocation; 陈涛 and 何静 are leaders, for both of whom 孙伟 stands in."""
    return lent_by_two(portal)


def test_a_deputy_reads_for_whom_he_may_do_a_task_and_chooses(portal, of, signing):
    sun, chen, he = of("sun"), portal.people["chen"], portal.people["he"]
    task = sun.read(f"/tasks/{signing}")
    assert task["principals"] == [{"id": chen, "name": "陈涛"}, {"id": he, "name": "何静"}]
    assert task["for_id"] == chen
    done = sun.made(f"/tasks/{signing}/complete", {**SIGNED, "for_id": he}, key="k")
    assert (done["state"], done["for_id"], done["principals"]) == ("done", he, [])
    [event] = [
        one for one in of("chen").read(f"/cases/{task['case']}")["events"] if one["name"] == task["name"] and one["by"]
    ]
    assert (event["by"], event["by_for"]) == ("孙伟", "何静")
    other = sun.post(f"/tasks/{signing}/complete", {**SIGNED, "for_id": chen}, key="k")
    assert (other.status_code, other.json["type"]) == (422, "urn:portal:problem:key-used-otherwise")


def test_without_a_choice_it_is_the_one_who_lent_first(portal, of, signing):
    assert of("sun").made(f"/tasks/{signing}/complete", SIGNED)["for_id"] == portal.people["chen"]


def test_for_somebody_who_has_lent_nothing_nobody_does_a_task(portal, of, signing):
    for login, named in (("sun", "zhou"), ("sun", "sun"), ("he", "chen")):
        refused = of(login).post(f"/tasks/{signing}/complete", {**SIGNED, "for_id": portal.people[named]})
        assert (refused.status_code, refused.json["type"]) == (409, "urn:portal:problem:not-their-deputy")
    with portal.database.transaction() as tx:
        assert tx.get_one(Task, signing).state == "open"


def test_who_holds_the_role_himself_does_not_act_for_another_in_silence(portal, of, signing):
    grant(portal, "sun", "leader")
    sun = of("sun")
    task = sun.read(f"/tasks/{signing}")
    assert (task["for_id"], task["principals"]) == (None, [])
    refused = sun.post(f"/tasks/{signing}/complete", {**SIGNED, "for_id": portal.people["he"]})
    assert (refused.status_code, refused.json["type"]) == (409, "urn:portal:problem:not-in-their-name")
    assert sun.made(f"/tasks/{signing}/complete", SIGNED)["for_id"] is None


def test_what_one_of_his_principals_has_claimed_a_deputy_does_for_that_one(portal, of, signing):
    of("he").made(f"/tasks/{signing}/claim")
    sun, chen, he = of("sun"), portal.people["chen"], portal.people["he"]
    task = sun.read(f"/tasks/{signing}")
    assert (task["for_id"], task["principals"]) == (he, [])
    refused = sun.post(f"/tasks/{signing}/complete", {**SIGNED, "for_id": chen})
    assert (refused.status_code, refused.json["type"]) == (409, "urn:portal:problem:not-in-their-name")
    assert sun.made(f"/tasks/{signing}/complete", {**SIGNED, "for_id": he})["for_id"] == he


def test_a_party_acts_for_nobody_else(portal, of):
    review = portal.review()
    portal.complete("li", portal.task("check", review), {"result": "补正", "corrections": "补充产量台账"})
    wang = of("wang")
    [task] = wang.read("/tasks")["items"]
    asked = wang.read(f"/tasks/{task['id']}")
    assert (asked["for_id"], asked["principals"]) == (None, [])
    mended = {"claimed_amount": 1300000, "grounds": "产量数据有误，见台账"}
    for named in ("zhou", "wang"):
        body = {"answers": mended, "for_id": portal.people[named]}
        refused = wang.post(f"/tasks/{task['id']}/complete", body)
        assert (refused.status_code, refused.json["type"]) == (409, "urn:portal:problem:not-in-their-name")
    assert wang.made(f"/tasks/{task['id']}/complete", {"answers": mended})["for_id"] is None
