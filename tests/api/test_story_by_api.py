"""The first story of the README, done by programs alone: an allocation, the notice, an objection, its review."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from portal import clock
from portal.documents.models import Letter
from tests.builders.pages import ETS, UNIT


def rendered(portal):
    """The worker makes the files of all letters."""
    portal.work()
    with portal.database.transaction() as tx:
        waiting = list(tx.scalars(select(Letter.id).where(Letter.state == "rendering").order_by(Letter.id)))
    for letter_id in waiting:
        portal.rendered(letter_id, b"the letter's file")


def claimed(program, step):
    """The task of a step among those that a program's person may claim, claimed."""
    [task] = [one for one in program.read("/tasks", {"view": "group"})["items"] if one["name"] == step]
    assert program.made(f"/tasks/{task['id']}/claim")["holder"] is not None
    [mine] = program.read("/tasks", {"view": "mine"})["items"]
    assert mine["id"] == task["id"]
    return task


def allocated(zhou, chen):
    """A handler starts the allocation and determines it; the leader signs."""
    assert f"{ETS}/allocation" in [one["procedure"] for one in zhou.read("/procedures")["items"]]
    allocation = zhou.made("/cases", {"procedure": f"{ETS}/allocation", "answers": {}}, key="start")
    [draft] = allocation["tasks"]
    table = {"year": 2025, "units": [{"unit": UNIT, "amount": 1200000}]}
    assert zhou.made(f"/tasks/{draft['id']}/complete", {"answers": table})["state"] == "done"
    sign = claimed(chen, "签批分配结果")
    [result] = [one for one in chen.read(f"/tasks/{sign['id']}")["fields"] if one["name"] == "result"]
    assert "签发" in [one["value"] for one in result["options"]]
    chen.made(f"/tasks/{sign['id']}/complete", {"answers": {"result": "签发"}})


def signed_for(wang):
    """The unit finds a letter, of which it learns nothing more before it has signed for it; its case."""
    [letter] = wang.read("/documents")["items"]
    assert (letter["state"], letter["sha256"], letter["services"][0]["state"]) == ("ready", None, "open")
    assert wang.get(f"/documents/{letter['id']}").status_code == 409
    assert wang.read("/ledger/accounts")["items"][0]["balances"] == []
    served = wang.made(f"/documents/{letter['id']}/sign")
    assert served["services"][0]["state"] == "served"
    assert wang.get(f"/documents/{letter['id']}").data == b"the letter's file"
    return wang.read(f"/cases/{letter['case']}")


def decided(review, li, he, chen):
    """Checked, reviewed by somebody else than who determined it, drafted and signed."""
    check = claimed(li, "形式审查")
    li.made(f"/tasks/{check['id']}/complete", {"answers": {"result": "受理"}})
    task = claimed(he, next(one["name"] for one in he.read("/tasks", {"view": "group"})["items"]))
    changed = {"conclusion": "变更", "reasons": "经核对产量台账，变更", "amount": 1250000}
    he.made(f"/tasks/{task['id']}/complete", {"answers": changed})
    [drafted] = he.read(f"/cases/{review}")["tasks"]
    he.made(f"/tasks/{drafted['id']}/complete", {"answers": {"findings": "产量台账与检测报告已核对"}})
    [signing] = chen.read(f"/cases/{review}")["tasks"]
    chen.made(f"/tasks/{signing['id']}/complete", {"answers": {"result": "签发"}})


def test_the_first_story_of_the_readme_by_the_api_alone(portal, of):
    with portal.database.transaction() as tx:
        portal._list_unit(tx)
    zhou, chen, li, he, wang = (of(login) for login in ("zhou", "chen", "li", "he", "wang"))
    allocated(zhou, chen)
    rendered(portal)
    notice = signed_for(wang)
    [account] = wang.read("/ledger/accounts")["items"]
    assert [one["balance"] for one in account["balances"]] == [1200000]

    # Its period has begun, with the reason for its last day.
    [period] = [one for one in notice["deadlines"] if one["kind"] == "right"]
    assert period["state"] == "running"
    assert len([day for day in period["explanation"]["days"] if day["n"]]) == 7
    assert period["due"].endswith("+08:00")
    assert date.fromisoformat(period["due"][:10]) > clock.day_of(portal.now)

    # It objects.
    [offer] = wang.read("/procedures")["items"]
    assert (offer["procedure"], offer["about"]) == (f"{ETS}/allocation-review", notice["id"])
    asked = {"claimed_amount": "1300000", "grounds": "产量数据有误"}
    objection = {"procedure": offer["procedure"], "about": offer["about"], "answers": asked}
    review = wang.made("/cases", objection, key="object")["id"]
    assert wang.read("/procedures")["items"] == []
    decided(review, li, he, chen)
    rendered(portal)

    # The unit finds the decision, the notice of change, and what it holds now; the notice was replaced.
    assert wang.read(f"/cases/{review}")["outcome"] is None
    new = [one for one in wang.read("/documents")["items"] if one["services"][0]["state"] == "open"]
    assert len(new) == 2
    for one in new:
        wang.made(f"/documents/{one['id']}/sign")
    assert wang.read(f"/cases/{review}")["outcome"] == "变更"
    assert wang.read(f"/cases/{notice['id']}")["outcome"] == "已被取代"
    held = wang.read(f"/ledger/accounts/{account['number']}")["balances"]
    assert sum(one["balance"] for one in held) == 1250000
    case = chen.read(f"/cases/{review}")
    assert case["events"][-1]["kind"] == "letter.served"
    assert {one["relation"] for one in case["links"]} == {"about"}
