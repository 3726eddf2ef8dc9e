"""Correcting a receipt on the pages, the desk that decides what follows, and copies for other bodies."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from portal import identity
from portal.cases import delivery, filing
from portal.cases.conduct import claim_ripe
from portal.cases.models import DeskMatter
from portal.clock import TZ
from portal.documents.models import Letter, Service, ServiceProof
from portal.identity import Person
from tests.builders.pages import ETS, plain

WHY = "回执日期录错，见回执照片"


def _entered(portal, days_ago: float = 0.04, file: bytes = b"letter") -> tuple[int, int]:
    """A notice whose receipt the clerk has entered; the ids of its case and of its letter."""
    case, letter = portal.notice()
    portal.rendered(letter, file)
    portal.ahead(timedelta(hours=2))
    path = f"/services/{_service(portal, letter)}/receipt"
    answer = portal.client("tao").post(path, _when(_now(portal) - timedelta(days=days_ago), note="EMS 1"))
    assert answer.status_code == 302, plain(answer)
    return case, letter


def _final(portal) -> tuple[int, int]:
    """Such a notice whose period has run out a day ago."""
    case, letter = _entered(portal)
    portal.ahead(timedelta(days=40))
    with portal.database.transaction() as tx:
        while claim_ripe(portal.machine.kernel, tx, portal.machine.kernel.now(tx)) is not None:
            pass
    assert portal.case(case).outcome == "已生效"
    return case, letter


def _now(portal) -> datetime:
    with portal.database.transaction() as tx:
        return portal.machine.kernel.now(tx).astimezone(TZ)


def _service(portal, letter: int, kind: str = "party") -> int:
    with portal.database.transaction() as tx:
        return tx.scalars(select(Service.id).where(Service.letter_id == letter, Service.kind == kind)).first()


def _proof(portal, letter: int) -> str:
    with portal.database.transaction() as tx:
        proof = select(ServiceProof.id).join(ServiceProof.service).where(Service.letter_id == letter)
        return f"/proofs/{tx.scalars(proof.order_by(ServiceProof.id.desc())).first()}/correction"


def _when(at: datetime, how: str = "post", note: str = "") -> dict[str, str]:
    at = at.astimezone(TZ)
    return {"how": how, "day": f"{at:%Y-%m-%d}", "time": f"{at:%H:%M}", "note": note}


def _matter(portal, case: int) -> int:
    with portal.database.transaction() as tx:
        return tx.scalars(select(DeskMatter.id).where(DeskMatter.case_id == case)).one()


def _decision(browser, decision: str, reason: str) -> dict[str, str]:
    """What the one form of the desk's page sends, as it stands there now."""
    [seen] = re.findall(r'name="seen" value="([0-9a-f]+)"', browser.get("/desk").text)
    return {"decision": decision, "reason": reason, "seen": seen}


def _corrected(portal, letter: int, days_ago: int = 0) -> None:
    """The clerk corrects the receipt to today, or to some days before."""
    path = _proof(portal, letter)
    at = _now(portal) - timedelta(days=days_ago, hours=1)
    typed = {**_when(at), "what": "correct", "reason": WHY, "confirmed": "1"}
    assert portal.client("tao").post(path, typed).status_code == 302


def test_a_correction_shows_what_would_follow_before_it_is_made(portal):
    case, letter = _entered(portal, days_ago=0.05)
    portal.ahead(timedelta(days=3))
    clerk, path = portal.client("tao"), _proof(portal, letter)
    form = clerk.get(path)
    assert "原记录" in plain(form)
    typed = {**_when(_now(portal) - timedelta(hours=1), "in person"), "what": "correct", "reason": WHY}
    check = clerk.post(path, typed)
    assert check.status_code == 200
    assert re.search(
        r"期限调整：提出异议（申请复核），由 \d+年\d+月\d+日（周.）24:00 改为 \d+年\d+月\d+日（周.）24:00", plain(check)
    ), plain(check)
    assert "邮寄送达" in plain(clerk.get(f"/cases/{case}"))
    assert "更正" in plain(clerk.get(f"/cases/{case}"))
    again = clerk.post(path, {**typed, "again": "1"})
    assert (again.status_code, f">{WHY}</textarea>" in again.text) == (200, True)
    done = clerk.post(path, {**typed, "confirmed": "1"})
    assert (done.status_code, done.location) == (302, f"/cases/{case}#service")
    page = plain(clerk.get(f"/cases/{case}"))
    for said in ("已作废", WHY, "直接送达", "以此为准", "更正 ", "陶然"):
        assert said in page, said
    gone = clerk.post(path, {**typed, "confirmed": "1"})
    told = r"这条送达记录已于 \d\d-\d\d \d\d:\d\d 由陶然更正，不能再更正；您这次的更正没有提交。"
    assert (gone.status_code, bool(re.search(told, gone.text))) == (409, True)
    assert (f'href="/cases/{case}"' in gone.text, "送达登记" in plain(gone)) == (True, True)


def test_striking_out_the_only_proof_says_that_the_period_ends(portal):
    case, letter = _entered(portal)
    clerk, path = portal.client("tao"), _proof(portal, letter)
    typed = {"what": "strike", "how": "", "day": "", "time": "", "note": "", "reason": WHY}
    check = plain(clerk.post(path, typed))
    assert "期限终止：提出异议" in check
    assert "视为没有送达" in check
    assert clerk.post(path, {**typed, "confirmed": "1"}).status_code == 302
    assert portal.case(case).status == "通知书已制发，等待送达"
    assert "碳排放配额分配通知书" in plain(clerk.get("/receipts"))
    assert "已作废" in plain(clerk.get("/receipts?view=served"))


def test_what_is_wrong_with_a_correction_is_said_at_its_field(portal):
    _case, letter = _entered(portal)
    clerk, path = portal.client("tao"), _proof(portal, letter)
    nothing = {"what": "", "how": "", "day": "", "time": "", "note": "", "reason": ""}
    answer = clerk.post(path, nothing)
    assert answer.status_code == 422
    assert 'id="what-error"' in answer.text
    assert 'id="reason-error"' in answer.text
    wrong = {"what": "correct", "how": "read", "day": "明天", "time": "", "note": "字" * 501, "reason": "字" * 501}
    answer = clerk.post(path, wrong)
    for field in ("how", "day", "note", "reason"):
        assert f'id="{field}-error"' in answer.text, field
    future = {**_when(_now(portal) + timedelta(days=1)), "what": "correct", "reason": WHY}
    answer = clerk.post(path, future)
    assert (answer.status_code, "送达时间不能晚于现在" in answer.text) == (422, True)
    with portal.database.transaction() as tx:
        at = tx.scalars(select(ServiceProof.received_at)).one().astimezone(TZ)
    same = {**_when(at), "time": f"{at:%H:%M:%S.%f}", "what": "correct", "reason": WHY}
    answer = clerk.post(path, same)
    assert (answer.status_code, "没有需要更正的内容" in answer.text) == (422, True)


def test_only_the_clerk_corrects_and_nobody_corrects_what_the_party_did(portal):
    case, letter = _entered(portal)
    path = _proof(portal, letter)
    for login in ("zhou", "chen", "wang"):
        assert portal.client(login).get(path).status_code == 403, login
    with portal.database.transaction() as tx:
        [proof] = tx.get_one(Service, _service(portal, letter)).proofs
        read = ServiceProof(
            service_id=proof.service_id, how="read", received_at=proof.received_at, entered_by=portal.people["wang"],
            entered_at=proof.received_at, note="",
        )  # fmt: skip
        tx.add(read)
    own_act = _proof(portal, letter)
    assert own_act != path
    answer = portal.client("tao").get(own_act)
    assert (answer.status_code, "相对人自己的行为" in answer.text) == (409, True)
    assert own_act not in portal.client("tao").get(f"/cases/{case}").text
    assert portal.client("tao").get("/proofs/99999/correction").status_code == 404


def test_served_letters_are_listed_with_their_proofs_and_found(portal, content):
    file = content.files["documents/chongqing-ets/_shared/allocation-notice.docx"]
    _case, letter = _entered(portal, file=file)
    clerk = portal.client("tao")
    page = clerk.get("/receipts?view=served")
    assert _proof(portal, letter) in page.text
    assert "EMS 1" in plain(page)
    assert _proof(portal, letter) in clerk.get("/receipts?view=served&q=水泥").text
    assert "没有找到送达记录" in plain(clerk.get("/receipts?view=served&q=没有这家"))
    assert _proof(portal, letter) in clerk.get(f"/letters/{letter}").text
    assert "/correction" not in portal.client("zhou").get(f"/letters/{letter}").text


def test_the_check_page_says_that_the_desk_will_decide(portal):
    _case, letter = _final(portal)
    path = _proof(portal, letter)
    typed = {**_when(_now(portal) - timedelta(hours=1)), "what": "correct", "reason": WHY}
    check = plain(portal.client("tao").post(path, typed))
    assert "更正不会自动改变案件结果" in check
    assert "提交督办" in check


def test_the_desk_shows_both_dates_and_keeps_the_outcome(portal):
    case, letter = _final(portal)
    leader = portal.client("chen")
    assert "没有待处理的事项" in plain(leader.get("/desk"))
    _corrected(portal, letter)
    page = plain(leader.get("/desk"))
    for said in ("送达更正，期限已经届满", "原期限至", "更正后至", WHY, "维持原结果", "重新作出通知"):
        assert said in page, said
    assert re.search(r"督办台\s+1", plain(leader.get("/inbox")))
    path = f"/desk/{_matter(portal, case)}"
    empty = leader.post(path, {"decision": "kept", "reason": " "})
    assert (empty.status_code, "请写明理由" in empty.text) == (422, True)
    long = leader.post(path, {"decision": "kept", "reason": "字" * 501})
    assert (long.status_code, "请删减" in long.text) == (422, True)
    kept = leader.post(path, _decision(leader, "kept", "单位已书面确认无异议"))
    assert (kept.status_code, kept.location) == (302, "/desk")
    page = plain(leader.get("/desk"))
    assert "没有待处理的事项" in page
    assert "单位已书面确认无异议" in page
    assert "单位已书面确认无异议" in plain(leader.get("/desk?q=水泥"))
    assert "没有找到已处理的事项" in plain(leader.get("/desk?q=没有这家"))
    assert "督办决定：维持原结果" in plain(leader.get(f"/cases/{case}"))
    late = leader.post(path, {"decision": "renewed", "reason": "再想想"})
    assert (late.status_code, "陈涛" in late.text) == (409, True)


@pytest.mark.parametrize("decision", ["kept", "renewed"])
def test_nobody_decides_on_dates_he_has_not_seen(portal, decision):
    case, letter = _final(portal)
    _corrected(portal, letter)
    leader, path = portal.client("chen"), f"/desk/{_matter(portal, case)}"
    typed = _decision(leader, decision, "只差一日，不影响结果")
    before = re.search(r"更正后至\s+(\S+日（周.）24:00)", plain(leader.get("/desk"))).group(1)
    _corrected(portal, letter, days_ago=10)
    answer = leader.post(path, typed)
    assert answer.status_code == 409
    assert "送达又有变动，您的决定没有提交" in answer.text.partition('id="reason-')[2]
    assert ">只差一日，不影响结果</textarea>" in answer.text
    now = re.search(r"更正后至\s+(\S+日（周.）24:00)", plain(answer)).group(1)
    assert now != before
    assert portal.case(case).outcome == "已生效"
    without = {name: text for name, text in typed.items() if name != "seen"}
    assert leader.post(path, without).status_code == 409
    assert leader.post(path, _decision(leader, decision, typed["reason"])).status_code == 302


def _struck(portal) -> tuple[int, int]:
    """A notice of 40 days ago whose receipt of an hour ago was struck out."""
    case, letter = portal.notice()
    portal.rendered(letter)
    portal.ahead(timedelta(days=40))
    clerk, path = portal.client("tao"), f"/services/{_service(portal, letter)}/receipt"
    assert clerk.post(path, _when(_now(portal) - timedelta(hours=1))).status_code == 302
    strike = {"what": "strike", "how": "", "day": "", "time": "", "note": "", "reason": WHY, "confirmed": "1"}
    assert clerk.post(_proof(portal, letter), strike).status_code == 302
    return case, letter


def test_the_desk_reads_of_a_receipt_struck_out_and_an_earlier_one_entered(portal):
    case, letter = _struck(portal)
    early = _when(_now(portal) - timedelta(days=39))
    clerk, path = portal.client("tao"), f"/services/{_service(portal, letter)}/receipt"
    refused = clerk.post(path, early)
    assert refused.status_code == 422
    assert "登记更早的送达须写明理由" in refused.text.partition('id="note-error"')[2][:120]
    assert clerk.post(path, {**early, "note": "回证补录"}).status_code == 302
    assert portal.case(case).outcome == "已生效"
    page = plain(portal.client("chen").get("/desk"))
    for said in ("随即届满，案件结果为“已生效”", " 提前为 ", "回证补录"):
        assert said in page, said


def test_the_desk_reads_of_a_receipt_struck_out_and_entered_anew_when_its_period_was_over(portal):
    case, letter = _struck(portal)
    again = _when(_now(portal) - timedelta(minutes=30))
    portal.ahead(timedelta(days=40))
    clerk, path = portal.client("tao"), f"/services/{_service(portal, letter)}/receipt"
    assert clerk.post(path, again).status_code == 302
    assert portal.case(case).outcome == "已生效"
    page = plain(portal.client("chen").get("/desk"))
    for said in ("的送达记录作废后，重新登记的送达时间为", "登记时已经届满，案件结果为“已生效”", WHY):
        assert said in page, said


def test_the_desk_has_the_notice_made_anew(portal):
    case, letter = _final(portal)
    _corrected(portal, letter)
    leader = portal.client("chen")
    assert "到督办台决定" in plain(leader.get(f"/cases/{case}"))
    path = f"/desk/{_matter(portal, case)}"
    assert leader.post(path, _decision(leader, "renewed", "异议期未满")).status_code == 302
    old = plain(leader.get(f"/cases/{case}"))
    assert "已被取代" in old
    assert "督办决定：重新作出通知" in old
    with portal.database.transaction() as tx:
        new = tx.get_one(DeskMatter, _matter(portal, case)).details["renewed"]
    assert f"/cases/{new}" in leader.get("/desk").text
    assert f"/cases/{new}" in leader.get(f"/cases/{case}").text
    assert f"/cases/{case}" in leader.get(f"/cases/{new}").text
    assert portal.case(new).status == "通知书已制发，等待送达"


def test_the_unit_is_told_of_the_new_notice_as_a_whole_once_it_has_opened_its_letter(portal):
    case, letter = _final(portal)
    _corrected(portal, letter)
    wang = portal.client("wang")
    before = plain(wang.get("/account"))
    path = f"/desk/{_matter(portal, case)}"
    leader = portal.client("chen")
    leader.post(path, _decision(leader, "renewed", "异议期未满"))
    assert plain(wang.get("/account")).count("冲销原登记") == before.count("冲销原登记") == 0
    assert plain(wang.get("/account")).count("+1,200,000") == before.count("+1,200,000") == 1
    with portal.database.transaction() as tx:
        new = tx.get_one(DeskMatter, _matter(portal, case)).details["renewed"]
        fresh, number = tx.execute(select(Letter.id, Letter.number).where(Letter.case_id == new)).one()
    replaced = f"已由新的《碳排放配额分配通知书》（{number}）取代"
    old = wang.get(f"/my/cases/{case}")
    assert f"{replaced} 新的通知书等您打开并签收" in plain(old)
    assert f'href="/my/letters/{fresh}">去签收</a>' in old.text
    assert f'href="/my/cases/{new}"' in old.text
    assert f'href="/my/cases/{case}"' in wang.get(f"/my/cases/{new}").text
    for page in ("/home", f"/my/letters/{letter}"):
        assert replaced in plain(wang.get(page)), page
    assert "文书已制发，等您签收" not in plain(old).split("相关办件")[0]
    portal.rendered(fresh, b"letter")
    with portal.database.transaction() as tx:
        kernel = portal.machine.kernel
        delivery.sign_for(kernel, tx, portal.actor("wang"), fresh, kernel.now(tx))
    after = plain(wang.get("/account"))
    assert (after.count("冲销原登记"), after.count("+1,200,000")) == (1, 2)
    # One act: what it takes back first, the balance once and never twice the amount.
    entries = after.split("明细")[1]
    assert entries.index("-1,200,000") < entries.index("+1,200,000")
    assert entries.count(" 1,200,000 ") == 2
    assert "2,400,000" not in after
    later = wang.get(f"/my/cases/{case}")
    assert f"{replaced} 本通知不再有效" in plain(later)
    assert f'href="/my/letters/{fresh}">查看取代它的结果</a>' in later.text


def test_an_open_review_hinders_a_new_notice_and_the_page_says_so(portal):
    case, letter = _final(portal)
    _corrected(portal, letter)
    kernel, wang = portal.machine.kernel, portal.actor("wang")
    with portal.database.transaction() as tx:
        answers = {"claimed_amount": "1300000", "grounds": "产量数据有误", "late_reason": "送达有误"}
        filing.file(kernel, tx, wang, ETS, "allocation-review", answers, kernel.now(tx), case)
    leader = portal.client("chen")
    page = leader.get("/desk")
    assert "正在办理，由该案决定" in plain(page)
    assert 'value="renewed"' not in page.text
    answer = leader.post(f"/desk/{_matter(portal, case)}", _decision(leader, "renewed", "仍要"))
    assert (answer.status_code, ">仍要</textarea>" in answer.text) == (409, True)


def test_the_desk_is_for_its_role(portal):
    case, letter = _final(portal)
    _corrected(portal, letter)
    path = f"/desk/{_matter(portal, case)}"
    for login in ("zhou", "tao", "wang"):
        browser = portal.client(login)
        assert browser.get("/desk").status_code == 403, login
        assert browser.post(path, {"decision": "kept", "reason": "x"}).status_code == 403, login
    assert "督办台" not in plain(portal.client("tao").get("/inbox"))


# Copies


@pytest.fixture
def bodies(portal):
    """People of the registry and of two districts."""
    with portal.database.transaction() as tx:
        hashed = tx.scalars(select(Person.password_hash)).first()
        for login, role, region in (
            ("han", "registrar", None),
            ("shen", "district", "万州区"),
            ("lu", "district", "涪陵区"),
        ):
            person = Person(login=login, name=login, password_hash=hashed)
            tx.add(person)
            tx.flush()
            identity.grant_role(
                tx, person_id=person.id, regulation=ETS, role=role, from_day=date(2020, 1, 1), body=region
            )
    return portal


def test_a_body_reads_the_letters_copied_to_it(bodies, monkeypatch):
    _case, letter = bodies.notice()
    registrar = bodies.client("han")
    assert "生成中" in plain(registrar.get("/copies"))
    copy = _service(bodies, letter, "copy")
    assert registrar.get(f"/copies/{copy}/file").status_code == 409
    assert "正在生成" in plain(registrar.get(f"/copies/{copy}"))
    bodies.rendered(letter, b"a file")
    page = registrar.get("/copies")
    assert "碳排放配额分配通知书" in plain(page)
    assert registrar.get(f"/copies/{copy}/file").data == b"a file"
    with monkeypatch.context() as broken:
        broken.setattr(bodies.machine.store, "get", lambda _key: b"another file")
        assert "摘要（SHA-256）不一致，可能已损坏或被改动，不予显示和下载" in plain(registrar.get(f"/copies/{copy}"))
        assert registrar.get(f"/copies/{copy}/file").status_code == 409
    party = _service(bodies, letter)
    assert registrar.get(f"/copies/{party}").status_code == 404
    for login in ("zhou", "wang", "shen"):
        assert bodies.client(login).get(f"/copies/{copy}").status_code == 403, login
        assert bodies.client(login).get(f"/copies/{copy}/file").status_code == 403, login
    for login in ("zhou", "wang"):
        assert bodies.client(login).get("/copies").status_code == 403, login


def test_a_district_sees_its_own_copies_and_nothing_else(bodies):
    case, letter = bodies.notice()
    bodies.rendered(letter)
    with bodies.database.transaction() as tx:
        sent = Service(
            letter_id=letter, kind="copy", state="copy", addressee="district(party.district)", name="万州区生态环境局"
        )
        tx.add(sent)
        tx.flush()
        copy = sent.id
    own, other = bodies.client("shen"), bodies.client("lu")
    assert own.get("/inbox").location == "/copies"
    page = own.get("/copies")
    assert "万州区生态环境局" in plain(page)
    assert f"/copies/{copy}" in page.text
    assert own.get(f"/copies/{copy}/file").status_code == 200
    assert "还没有抄送件" in plain(other.get("/copies"))
    assert other.get(f"/copies/{copy}").status_code == 403
    for path in (f"/cases/{case}", f"/letters/{letter}", f"/letters/{letter}/file", f"/cases/{case}/diagram"):
        assert own.get(path).status_code == 403, path
    assert "立案后在这里显示" in plain(own.get("/cases"))
    for path in ("/inbox", "/start", "/receipts"):
        assert bodies.case(case).number not in own.get(path, follow_redirects=True).text, path
