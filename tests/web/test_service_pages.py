"""A second receipt, a correction that changes nothing, the desk's choice, and what the unit reads of it all."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from portal.cases.models import Incident
from portal.notify import PortalMessage
from tests.builders.pages import plain
from tests.web.test_desk import WHY, _corrected, _decision, _entered, _final, _matter, _now, _proof, _service, _when


def _receipt(portal, letter: int, hours_ago: float, note: str = "", how: str = "post"):
    """The clerk enters a further receipt; the answer."""
    path = f"/services/{_service(portal, letter)}/receipt"
    at = _now(portal) - timedelta(hours=hours_ago)
    return portal.client("tao").post(path, _when(at, how, note))


def test_the_same_receipt_is_refused_with_what_was_typed(portal):
    _case, letter = portal.notice()
    portal.rendered(letter)
    portal.ahead(timedelta(hours=5))
    typed = _when(_now(portal) - timedelta(hours=2), note="EMS 7")
    path = f"/services/{_service(portal, letter)}/receipt"
    clerk = portal.client("tao")
    assert clerk.post(path, typed).status_code == 302
    again = clerk.post(path, typed)
    assert (again.status_code, "这份送达已经登记过" in again.text, "EMS 7" in again.text) == (409, True, True)


def test_a_later_receipt_says_which_service_counts(portal):
    case, letter = _entered(portal)
    portal.ahead(timedelta(days=2))
    assert _receipt(portal, letter, 1, how="in person").status_code == 302
    page = plain(portal.client("tao").get(f"/cases/{case}"))
    assert "直接送达" in page
    clerk = portal.client("tao")
    path = f"/services/{_service(portal, letter)}/receipt"
    answer = clerk.post(path, _when(_now(portal) - timedelta(minutes=5)))
    assert "已登记；以更早的送达（邮寄送达，" in plain(clerk.get(answer.location))


def test_an_earlier_receipt_without_reason_is_refused_at_the_note(portal):
    case, letter = portal.notice()
    portal.rendered(letter)
    portal.ahead(timedelta(days=1))
    assert _receipt(portal, letter, 1).status_code == 302
    refused = _receipt(portal, letter, 3)
    assert refused.status_code == 422
    assert "已有送达记录，登记更早的送达须写明理由" in refused.text.partition('id="note-error"')[2][:120]
    assert _receipt(portal, letter, 3, note="补录回证").status_code == 302
    steps = plain(portal.client("wang").get(f"/my/cases/{case}"))
    assert "更正送达：《碳排放配额分配通知书》" in steps
    assert steps.count("《碳排放配额分配通知书》已送达") == 1


def test_a_correction_that_changes_nothing_says_which_proof_counts(portal):
    _case, letter = _entered(portal)
    portal.ahead(timedelta(days=2))
    assert _receipt(portal, letter, 5).status_code == 302
    clerk, path = portal.client("tao"), _proof(portal, letter)
    typed = {**_when(_now(portal) - timedelta(hours=1)), "what": "correct", "reason": WHY}
    check = plain(clerk.post(path, typed))
    assert "仍以邮寄送达，" in check
    assert "期限不变" in check
    done = clerk.post(path, {**typed, "confirmed": "1"})
    assert "送达记录已更正；仍以邮寄送达，" in plain(clerk.get(done.location))


def test_the_check_page_says_that_a_period_ends_at_once_and_is_for_the_desk(portal):
    case, letter = portal.notice()
    portal.rendered(letter)
    early = _now(portal) + timedelta(minutes=10)
    portal.ahead(timedelta(days=40))
    assert _receipt(portal, letter, 1).status_code == 302
    clerk, path = portal.client("tao"), _proof(portal, letter)
    typed = {**_when(early), "what": "correct", "reason": WHY}
    assert "按更早的送达时间，期限随即届满" in plain(clerk.post(path, typed))
    assert clerk.post(path, {**typed, "confirmed": "1"}).status_code == 302
    assert portal.case(case).outcome == "已生效"
    page = plain(portal.client("chen").get("/desk"))
    assert "随即届满，案件结果为“已生效”" in page
    assert WHY in page


def test_nothing_but_the_two_decisions_is_accepted(portal):
    case, letter = _final(portal)
    _corrected(portal, letter)
    leader, path = portal.client("chen"), f"/desk/{_matter(portal, case)}"
    for decision in ({}, {"decision": "settled"}, {"decision": ""}):
        answer = leader.post(path, {**decision, "reason": "单位无异议"})
        assert answer.status_code == 422, decision
        assert "请选择：维持原结果，或重新作出通知" in answer.text
        assert ">单位无异议</textarea>" in answer.text
    assert "待决定" in plain(leader.get("/desk"))


def test_an_outcome_without_service_is_not_kept_and_the_reason_stays(portal):
    case, letter = _final(portal)
    path = _proof(portal, letter)
    typed = {"what": "strike", "how": "", "day": "", "time": "", "note": "", "reason": WHY, "confirmed": "1"}
    assert portal.client("tao").post(path, typed).status_code == 302
    leader = portal.client("chen")
    answer = leader.post(f"/desk/{_matter(portal, case)}", _decision(leader, "kept", "照旧"))
    assert answer.status_code == 409
    assert "没有有效的送达证明，不能维持：请补录送达，或重新作出通知" in answer.text
    assert ">照旧</textarea>" in answer.text


def test_the_leaders_message_leads_to_the_desk(portal):
    case, letter = _final(portal)
    _corrected(portal, letter)
    leader = portal.client("chen")
    with portal.database.transaction() as tx:
        mine = (PortalMessage.person_id == portal.people["chen"], PortalMessage.case_id == case)
        message = tx.scalars(select(PortalMessage.id).where(*mine).order_by(PortalMessage.id.desc())).first()
    assert "到督办台决定" in plain(leader.get("/messages"))
    opened = leader.post(f"/messages/{message}", {})
    assert opened.location == f"/desk#matter-{_matter(portal, case)}"


def test_a_letter_whose_file_is_being_made_is_not_made_again(portal):
    _notice, letter = portal.notice()
    answer = portal.client("tao").post(f"/letters/{letter}/again")
    assert answer.status_code == 409
    assert "没有生成失败，不需要重新生成。" in plain(answer)
    with portal.database.transaction() as tx:
        assert tx.scalars(select(Incident)).all() == []
