"""Receipts of service entered by a clerk, and the demo's clock."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from portal.clock import TZ
from portal.documents.models import Letter, Service
from tests.builders.pages import plain


def _service(portal, letter: int) -> int:
    with portal.database.transaction() as tx:
        return tx.scalars(select(Service.id).where(Service.letter_id == letter, Service.kind == "party")).one()


def _typed(at, how="post", note="邮件编号 EMS 1") -> dict[str, str]:
    at = at.astimezone(TZ)
    return {"how": how, "day": f"{at:%Y-%m-%d}", "time": f"{at:%H:%M}", "note": note}


def test_a_receipt_serves_the_letter_and_starts_its_deadline(portal):
    case, letter = portal.notice()
    portal.rendered(letter)
    portal.ahead(timedelta(hours=2))
    clerk = portal.client("tao")
    assert "碳排放配额分配通知书" in plain(clerk.get("/receipts"))
    path = f"/services/{_service(portal, letter)}/receipt"
    answer = clerk.post(path, _typed(portal.now + timedelta(hours=1)))
    assert (answer.status_code, answer.location) == (302, f"/cases/{case}")
    page = plain(clerk.get(answer.location))
    for said in ("邮寄送达", "提出异议（申请复核）：7 个工作日", "已送达"):
        assert said in page, said
    assert "没有待登记的送达" in plain(clerk.get("/receipts"))


def test_a_moment_in_full_width_digits_is_understood(portal):
    case, letter = portal.notice()
    portal.rendered(letter)
    portal.ahead(timedelta(hours=2))
    clerk = portal.client("tao")
    typed = _typed(portal.now + timedelta(hours=1))
    wide = str.maketrans("0123456789:", "０１２３４５６７８９：")
    path = f"/services/{_service(portal, letter)}/receipt"
    answer = clerk.post(path, {**typed, "time": typed["time"].translate(wide)})
    assert (answer.status_code, answer.location) == (302, f"/cases/{case}")


def test_a_moment_that_cannot_be_is_refused_at_the_field(portal):
    _case, letter = portal.notice()
    portal.rendered(letter)
    clerk = portal.client("tao")
    path = f"/services/{_service(portal, letter)}/receipt"
    hour = timedelta(hours=1)
    with portal.database.transaction() as tx:
        issued = tx.get_one(Letter, letter).issued_at
    for at, said in (
        (portal.now + hour, "送达时间不能晚于现在。"),
        (issued - hour, "送达时间不能早于文书的制发时间。"),
    ):
        answer = clerk.post(path, _typed(at))
        assert answer.status_code == 422
        assert said in answer.text.partition('id="day-error"')[2][:60]
        assert "邮件编号 EMS 1" in answer.text


def test_a_letter_without_file_cannot_have_been_served(portal):
    _case, letter = portal.notice()
    portal.ahead(timedelta(hours=2))
    path = f"/services/{_service(portal, letter)}/receipt"
    answer = portal.client("tao").post(path, _typed(portal.now + timedelta(hours=1)))
    assert answer.status_code == 422
    assert "文书文件还没有生成" in answer.text


def test_what_is_missing_is_said_at_its_field(portal):
    _case, letter = portal.notice()
    path = f"/services/{_service(portal, letter)}/receipt"
    answer = portal.client("tao").post(path, {"how": "read", "day": "明天", "time": "", "note": "字" * 501})
    assert answer.status_code == 422
    for field in ("how", "day", "note"):
        assert f'id="{field}-error"' in answer.text
    assert 'value="明天"' in answer.text


def test_the_clock_moves_by_working_days_and_tells_what_falls_due(portal):
    case, letter = portal.notice()
    portal.rendered(letter)
    portal.ahead(timedelta(hours=1))
    clerk = portal.client("tao")
    path = f"/services/{_service(portal, letter)}/receipt"
    clerk.post(path, _typed(portal.now + timedelta(minutes=30)))
    clerk.post("/clock", {"_to": "5", "_from": "/cases"})
    assert "其间没有期限届满" in plain(clerk.get("/cases"))
    answer = clerk.post("/clock", {"_to": "due", "_from": "/cases?q="})
    assert answer.location == "/cases?q="
    assert f"{portal.case(case).number} 有期限届满" in plain(clerk.get("/cases"))
    clerk.post("/clock", {"_to": "reset"})
    assert "恢复为实际时间" in plain(clerk.get("/inbox"))


def test_the_clock_leads_back_to_no_other_site(portal):
    answer = portal.client("tao").post("/clock", {"_to": "1", "_from": "//evil.example"})
    assert answer.location == "/"


def test_a_letter_is_read_as_text_without_anything_that_acts(portal, content):
    _case, letter = portal.notice()
    portal.rendered(letter, content.files["documents/chongqing-ets/_shared/allocation-notice.docx"])
    page = portal.client("tao").get(f"/letters/{letter}")
    assert page.status_code == 200
    assert "碳排放配额分配通知书" in page.text
    assert "登记送达" in page.text
    assert "登记送达" not in portal.client("li").get(f"/letters/{letter}").text.partition("<aside")[2]
