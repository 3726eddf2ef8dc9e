"""Public notices and what anybody files about them: lists, one page, its proof; objection, receipt and answer."""

from __future__ import annotations

import hashlib
import io
import json
import re
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from lxml import html
from sqlalchemy import select

from portal import identity
from portal.cases import filing, publicly
from portal.cases.conduct import claim_ripe
from portal.cases.models import Attachment, Case, Publication
from portal.clock import day_of
from portal.deadlines.models import Deadline
from portal.deadlines.service import drop_running
from portal.documents.models import Letter, ServiceProof
from portal.procedures import Releases, publish
from portal.procedures.validity import Wanted, enter
from portal.settings import Settings
from tests.builders.letters import plain as word
from tests.builders.pages import LONG_AGO, plain
from tests.builders.procedures import lapsing
from tests.builders.publicity import regulation

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
ANSWER = word("答复")
WRITER = {
    "name": "张三", "kind": "个人", "id_number": "330402199001011230", "phone": "13800000000", "objection": "数据重复",
}  # fmt: skip


@pytest.fixture(scope="module")
def content():
    return regulation()


@pytest.fixture(scope="module")
def releases():
    return Releases()


@pytest.fixture
def settings():
    return Settings.read({"PORTAL_DEMO": "1", "UPLOAD_MEGABYTES": "8", "PUBLIC_URL": "https://portal.example"})


@pytest.fixture
def town(portal):
    with portal.database.transaction() as tx:
        identity.grant_role(tx, person_id=portal.people["zhou"], regulation="small", role="officer", from_day=LONG_AGO)
    return portal


def shown(portal, title="绿道"):
    """A plan that is filed and shown; the id of its publication."""
    with portal.database.transaction() as tx:
        key = f"key-{title}"
        portal.machine.store.put(key, PDF, len(PDF), "application/pdf", "方案.pdf")
        file = Attachment(
            uploaded_by_id=portal.people["wang"], organisation_id=portal.unit_id, uploaded_at=portal.now, key=key,
            name="方案.pdf", kind="pdf", size=len(PDF), sha256=hashlib.sha256(PDF).hexdigest(),
        )  # fmt: skip
        tx.add(file)
        tx.flush()
        answers = {"title": title, "summary": "沿河", "phone": "0573-1", "text": [str(file.id)]}
        filing.file(
            portal.machine.kernel, tx, portal.actor("wang"), "small", "plan", answers, portal.machine.kernel.now(tx)
        )
    with portal.database.transaction() as tx:
        return tx.scalars(select(Publication.id).order_by(Publication.id.desc())).first()


def once(page):
    return re.search(r'name="_once" value="([^"]+)"', page.text)[1]


def hand_in(browser, notice, **answers):
    """Fills in the form and hands it in."""
    form = browser.get(f"/notices/{notice}/object")
    assert form.status_code == 200
    said = {**WRITER, "_once": once(form), **answers}
    page = browser.post(f"/notices/{notice}/object", said, content_type="multipart/form-data")
    # What the test client wrote the post into.
    page.request.environ["wsgi.input"].close()
    return page


def code_on(page):
    number = re.search(r'class="number num">([^<]+)<', page.text)[1]
    return number, re.search(r'class="code">([^<]+)<', page.text)[1]


def test_the_list_is_narrowed_and_goes_on_from_the_oldest_shown(town):
    for number in range(21):
        shown(town, f"绿道{number}")
    browser = town.client()
    first = browser.get("/notices")
    assert first.text.count('class="whole"') == 20
    assert "绿道20 公示" in first.text
    assert "绿道0 公示" not in first.text
    later = re.search(r'href="(/notices\?before=\d+)" rel="next"', first.text)[1]
    assert plain(browser.get(later)).count("绿道0 公示") == 1
    assert browser.get("/notices?state=open").text.count('class="whole"') == 20
    assert "没有符合条件的公示" in plain(browser.get("/notices?state=over"))
    assert "没有符合条件的公示" in plain(browser.get("/notices?kind=别的"))
    assert browser.get("/notices?kind=方案公示").text.count('class="whole"') == 20


def test_a_notice_shows_what_its_manifest_names_and_nothing_else(town):
    notice = shown(town)
    page = town.client().get(f"/notices/{notice}")
    said = plain(page)
    assert "绿道 公示" in said
    for text in (
        "方案名称 绿道",
        "主要内容 沿河",
        "申请人 重庆某水泥有限公司",
        "公示中",
        "方案.pdf",
        "不少于 5 个工作日",
    ):
        assert text in said
    assert "0573-1" not in page.text


def test_beside_a_notice_stands_how_the_case_goes_on(town):
    notice = shown(town)
    assert steps(town, notice) == [("done", "plan"), ("now", "publish")]
    hand_in(town.client(), notice)
    with town.database.transaction() as tx:
        objection = tx.scalars(select(Case.id).order_by(Case.id.desc())).first()
    town.complete("zhou", town.task("judge", objection), {"result": "成立", "reasons": "重复"})
    assert steps(town, notice) == [("done", "plan"), ("done", "publish"), ("now", "继续办理")]


def steps(portal, notice):
    """The stages beside a notice: how each stands, and its name."""
    found = html.fromstring(portal.client().get(f"/notices/{notice}").text).xpath('//ol[@class="steps"]/li')
    return [(step.get("class"), step.xpath('span[@class="name"]/text()')[0]) for step in found]


def test_a_bar_shows_how_far_the_period_has_come(town):
    notice = shown(town)
    page = town.client().get(f"/notices/{notice}")
    assert '<progress class="prog" max="7" value="0" aria-label="公示进度">已计 0 / 7 个工作日</progress>' in page.text
    hand_in(town.client(), notice)
    town.ahead(timedelta(days=40))
    stopped = town.client().get(f"/notices/{notice}")
    assert "公示进度 已计 0 / 7 个工作日 暂停计时 已计 0 / 7 个工作日 共 7 个工作日，不少于 5 个工作日。" in plain(
        stopped
    )
    assert "逐日说明" in plain(stopped)
    over = shown(town, "另一条")
    town.ahead(timedelta(days=40))
    assert '<progress class="prog" max="7" value="7"' in town.client().get(f"/notices/{over}").text


def test_all_that_depends_on_an_assumed_renewal_says_so(town):
    yesterday = day_of(town.now) - timedelta(days=1)
    with town.database.transaction() as tx:
        publish(tx, lapsing(regulation(), yesterday.isoformat()), town.now, "test")
        renewed = town.machine.kernel.releases.newest(tx, "small").regulation
        wanted = Wanted(
            renewed, "小〔2026〕9号", "关于延长的通知", yesterday + timedelta(days=1), None, True, "演示", "待发布"
        )
        enter(tx, wanted, None, town.now)
    said = "这是假定：待发布，见演示。"
    notice = shown(town)
    browser = town.client()
    for address in ("/", "/notices", f"/notices/{notice}", f"/notices/{notice}/object"):
        assert said in plain(browser.get(address)), address
    receipt = hand_in(browser, notice)
    assert said in plain(receipt)
    number, code = code_on(receipt)
    assert said in plain(browser.post("/track", {"number": number, "code": code}))
    assert said not in plain(browser.get("/notices?state=over"))


def test_its_data_prove_themselves(town):
    notice = shown(town)
    data = town.client().get(f"/notices/{notice}.json").json
    canonical = json.dumps(data["snapshot"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(canonical.encode()).hexdigest() == data["sha256"]
    assert (data["state"], data["changes"], data["url"]) == ("open", [], f"https://portal.example/notices/{notice}")
    assert data["snapshot"]["files"][0]["sha256"] == hashlib.sha256(PDF).hexdigest()


def test_its_files_can_be_had_and_no_others(town):
    notice = shown(town)
    data = town.client().get(f"/notices/{notice}.json").json
    path = data["files"][0]["url"].removeprefix("https://portal.example")
    assert town.client().get(path).data == PDF
    other = shown(town, "别的")
    assert town.client().get(path.replace(f"/{notice}/", f"/{other}/")).status_code == 404
    assert town.client().get("/notices/999").status_code == 404


def test_the_feed_lists_them(town):
    shown(town)
    feed = town.client().get("/notices.rss?kind=方案公示")
    assert feed.content_type == "application/rss+xml; charset=utf-8"
    channel = ElementTree.fromstring(feed.data).find("channel")
    assert channel.find("{http://www.w3.org/2005/Atom}link").get("href") == (
        "https://portal.example/notices.rss?kind=%E6%96%B9%E6%A1%88%E5%85%AC%E7%A4%BA"
    )
    assert channel.findtext("language") == "zh-CN"
    items = channel.findall("item")
    assert [item.findtext("title") for item in items] == ["绿道 公示"]
    assert ElementTree.fromstring(town.client().get("/notices.rss?state=over").data).findall("channel/item") == []


def test_an_objection_with_a_file_its_receipt_and_its_answer(town):
    notice = shown(town)
    browser = town.client()
    page = hand_in(browser, notice, **{"_upload.evidence": (io.BytesIO(PDF), "证明.pdf")})
    assert page.status_code == 200
    number, code = code_on(page)
    said = plain(page)
    assert "已收到您的意见" in said
    assert hashlib.sha256(PDF).hexdigest() in re.sub(r"<wbr>", "", page.text)
    assert "办理机关应当在" in said
    # Nobody reads on the notice who objected, only that its period stands.
    public = plain(browser.get(f"/notices/{notice}"))
    assert "暂停计时" in public
    assert "收到 1 件 · 其中 1 件正在核实" in public
    assert "张三" not in public
    # An official reads it all, with both ends of the number.
    with town.database.transaction() as tx:
        case_id = tx.scalars(select(Case.id).where(Case.number == number)).one()
    file = plain(town.client("zhou").get(f"/cases/{case_id}"))
    assert "公众 张三（实名）" in file
    assert "3304**********1230" in file
    assert "330402199001011230" not in file
    # He who has number and code sees how it stands, then that there is an answer, which he opens.
    tracked = browser.post("/track", {"number": number, "code": code})
    assert "数据重复" not in tracked.text
    assert "您现在无需操作。" in plain(tracked)
    town.complete("zhou", town.task("judge", case_id), {"result": "不成立", "reasons": "已核对"})
    with town.database.transaction() as tx:
        letter = tx.scalars(select(Letter.id).where(Letter.case_id == case_id)).one()
    town.rendered(letter, ANSWER)
    tracked = browser.post("/track", {"number": number, "code": code})
    assert "答复已作出，等您打开并签收" in plain(tracked)
    assert "不成立" not in plain(tracked)
    assert browser.post(f"/track/letters/{letter}/file", {"number": number, "code": code}).status_code == 404
    wrong = browser.post(f"/track/letters/{letter}", {"number": number, "code": "34679ACD"})
    assert wrong.status_code == 422
    answer = browser.post(f"/track/letters/{letter}", {"number": number, "code": code})
    assert (answer.status_code, "异议核实意见" in plain(answer)) == (200, True)
    assert browser.post(f"/track/letters/{letter}/file", {"number": number, "code": code}).data == ANSWER
    with town.database.transaction() as tx:
        assert [(proof.how, proof.entered_by) for proof in tx.scalars(select(ServiceProof))] == [("read", None)]
    assert "已办结：异议不成立" in plain(browser.post("/track", {"number": number, "code": code}))


def test_posted_again_it_is_the_same_receipt(town):
    notice = shown(town)
    browser = town.client()
    form = browser.get(f"/notices/{notice}/object")
    said = {**WRITER, "_once": once(form)}
    first, second = (browser.post(f"/notices/{notice}/object", said) for _ in range(2))
    assert code_on(first) == code_on(second)


def test_what_is_wrong_is_told_and_nothing_typed_or_uploaded_is_lost(town):
    notice = shown(town)
    browser = town.client()
    page = hand_in(browser, notice, id_number="匿名", **{"_upload.evidence": (io.BytesIO(PDF), "证明.pdf")})
    assert page.status_code == 422
    said = plain(page)
    assert "居民身份号码应为 18 位居民身份号码，现有 2 位" in said
    assert "证明.pdf" in said
    assert "数据重复" in said
    kept = re.search(r'name="evidence" value="(\d+)" checked', page.text)[1]
    again = browser.post(f"/notices/{notice}/object", {**WRITER, "_once": once(page), "evidence": kept})
    assert "已收到您的意见" in plain(again)
    assert "证明.pdf" in plain(again)


def test_files_beyond_five_megabytes_are_refused_and_the_text_stays(town):
    notice = shown(town)
    browser = town.client()
    half = PDF.replace(b"endobj", b"endobj" + b"\n%" + b"x" * 2_600_000)
    files = [(io.BytesIO(half), "一.pdf"), (io.BytesIO(half), "二.pdf")]
    page = hand_in(browser, notice, **{"_upload.evidence": files})
    assert page.status_code == 422
    said = plain(page)
    assert "材料合计不能超过 5 MB，“二.pdf”没有上传" in said
    assert "数据重复" in said
    large = hand_in(browser, notice, **{"_upload.evidence": (io.BytesIO(PDF + b"x" * 5_000_001), "大.pdf")})
    assert "“大.pdf”超过 5 MB 的上限" in plain(large)
    program = hand_in(browser, notice, **{"_upload.evidence": (io.BytesIO(b"MZ"), "a.exe")})
    assert "不是可以接受的文件" in plain(program)


def test_a_comment_of_five_megabytes_is_told_its_limit_and_stays(town):
    notice = shown(town)
    long = "长" * 1_700_000
    page = hand_in(town.client(), notice, objection=long)
    assert page.status_code == 422
    assert "异议最多 4000 字，现有 1700000 字" in page.text
    assert long in page.text
    longer = hand_in(town.client(), notice, objection="长" * 5_400_000)
    assert longer.status_code == 413
    assert "文字太长 一次提交的文字不能超过 16 MB，填写的内容不能超过 4000 项。 没有提交。请返回上一页" in plain(longer)


def test_after_the_period_the_page_stays_and_says_that_it_is_over(town):
    notice = shown(town)
    form = town.client().get(f"/notices/{notice}/object")
    town.ahead(timedelta(days=40))
    browser = town.client()
    page = browser.get(f"/notices/{notice}")
    assert "期满，待确认结果" in plain(page)
    assert "不能再在这里提出异议" in plain(page)
    assert f"/notices/{notice}/object" not in page.text
    late = browser.post(f"/notices/{notice}/object", {**WRITER, "_once": once(form)})
    assert late.status_code == 409
    assert "不能再在这里提出异议" in plain(late)


def test_a_case_that_ends_while_its_period_stands_keeps_its_page(town):
    notice = shown(town)
    hand_in(town.client(), notice)
    with town.database.transaction() as tx:
        drop_running(tx, tx.get_one(Publication, notice).case_id, town.machine.kernel.now(tx))
    page = town.client().get(f"/notices/{notice}")
    assert page.status_code == 200
    assert "起暂停计时（objection）。" in plain(page)


def test_of_two_wrong_files_both_are_told(town):
    notice = shown(town)
    files = [(io.BytesIO(b"MZ"), "a.exe"), (io.BytesIO(PDF + b"x" * 5_000_001), "大.pdf"), (io.BytesIO(PDF), "好.pdf")]
    said = plain(hand_in(town.client(), notice, **{"_upload.evidence": files}))
    assert "“a.exe”" in said
    assert "“大.pdf”超过 5 MB 的上限" in said
    assert "好.pdf（" in said


@pytest.mark.parametrize(
    ("address", "receipt", "clerk"),
    [
        ("中山东路 1 号", "遗失的，请告知办理机关（小局）：答复按您填写的地址邮寄。", "邮寄地址 中山东路 1 号"),
        ("", "遗失的，请凭本人（单位）证件向办理机关（小局）领取书面答复。", "邮寄地址 没有填写，由本人凭证件领取"),
    ],
)
def test_who_loses_his_code_gets_the_answer_by_post_or_at_the_office(town, address, receipt, clerk):
    notice = shown(town)
    page = hand_in(town.client(), notice, address=address)
    assert receipt in plain(page)
    number, _code = code_on(page)
    with town.database.transaction() as tx:
        case_id = tx.scalars(select(Case.id).where(Case.number == number)).one()
    town.complete("zhou", town.task("judge", case_id), {"result": "不成立", "reasons": "已核对"})
    with town.database.transaction() as tx:
        letter = tx.scalars(select(Letter).where(Letter.case_id == case_id)).one()
        [service] = letter.services
        letter_id, service_id = letter.id, service.id
    town.rendered(letter_id, ANSWER)
    assert clerk in plain(town.client("zhou").get(f"/services/{service_id}/receipt"))
    assert "查询码遗失不能补发：请告知办理机关" in plain(town.client().get("/track"))


def test_every_objection_stands_above_the_task_that_they_are_about(town):
    notice = shown(town)
    numbers = [code_on(hand_in(town.client(), notice, objection=text))[0] for text in ("数据重复", "基准线过高")]
    with town.database.transaction() as tx:
        filed = list(tx.scalars(select(Case.id).where(Case.number.in_(numbers)).order_by(Case.id)))
    for objection in filed:
        town.complete("zhou", town.task("judge", objection), {"result": "不成立", "reasons": "已核对"})
    town.ahead(timedelta(days=40))
    with town.database.transaction() as tx:
        case_id = tx.get_one(Publication, notice).case_id
        assert claim_ripe(town.machine.kernel, tx, town.machine.kernel.now(tx)) is not None
    page = html.fromstring(town.client("zhou").get(f"/tasks/{town.task('confirm', case_id)}").text)
    [head] = page.xpath('//div[@class="meta"]')
    said = " ".join(head.text_content().split())
    assert all(f"{number} 异议不成立" in said for number in numbers)
    assert [link.get("href") for link in head.xpath(".//a")] == [f"/cases/{objection}" for objection in filed]


def test_a_notice_says_when_its_period_ended_and_apart_when_its_result_was_confirmed(town):
    notice = shown(town)
    town.ahead(timedelta(days=40))
    with town.database.transaction() as tx:
        assert claim_ripe(town.machine.kernel, tx, town.machine.kernel.now(tx)) is not None
    with town.database.transaction() as tx:
        case_id = tx.get_one(Publication, notice).case_id
    town.complete("zhou", town.task("confirm", case_id), {"text": "无"})
    with town.database.transaction() as tx:
        row = tx.get_one(Publication, notice)
        first, last, confirmed = (dates(day_of(row.opened_at)), dates(row.last_day), dates(day_of(row.closed_at)))
        assert row.last_day < day_of(row.closed_at)
    said = f"{first} 至 {last}，{confirmed}确认结果"
    page = plain(town.client().get(f"/notices/{notice}"))
    assert said in page
    assert "确认结果：公示期满，没有成立的异议" in page
    assert said in plain(town.client().get("/notices"))


def dates(day):
    return f"{day.year}年{day.month}月{day.day}日"


def test_two_notices_of_one_case_lead_to_each_other(town):
    notice = shown(town)
    assert "本案的其他公示" not in plain(town.client().get(f"/notices/{notice}"))
    hand_in(town.client(), notice)
    with town.database.transaction() as tx:
        objection = tx.scalars(select(Case.id).order_by(Case.id.desc())).first()
    town.complete("zhou", town.task("judge", objection), {"result": "成立", "reasons": "重复"})
    with town.database.transaction() as tx:
        other = again(tx, tx.get_one(Publication, notice)).id
        day = dates(day_of(tx.get_one(Publication, notice).closed_at))
    page = town.client().get(f"/notices/{notice}")
    assert f'<a href="/notices/{other}">' in page.text
    assert f"至 {day}，在期满以前结束" in plain(page)


def again(tx, row):
    """What a case has shown, shown a second time."""
    held = {one.name: getattr(row, one.name) for one in Publication.__table__.columns if one.name != "id"}
    shown = Publication(**{**held, "closed_at": None, "result": None, "due": row.due + timedelta(days=30)})
    tx.add(shown)
    tx.flush()
    return shown


def test_a_day_that_may_still_move_is_called_provisional(town):
    notice = shown(town)
    assert "（暂定）" not in plain(town.client().get("/notices"))
    with town.database.transaction() as tx:
        tx.get_one(Deadline, tx.get_one(Publication, notice).deadline_id).provisional = True
    for page in ("/notices", f"/notices/{notice}", "/notices.rss"):
        assert "24:00（暂定）" in town.client().get(page).text, page


def test_too_many_from_one_address_are_refused_with_what_was_typed(town):
    notice = shown(town)
    browser = town.client()
    for _ in range(5):
        assert hand_in(browser, notice).status_code == 200
    page = hand_in(browser, notice)
    assert page.status_code == 429
    assert "一小时内提交的次数过多" in plain(page)
    assert "或者邮寄给办理机关（小局），地址从机关的公开渠道查找" in plain(page)
    assert "数据重复" in plain(page)
    assert hand_in(browser, shown(town, "另一条")).status_code == 200


def test_the_same_form_sent_by_several_clicks_counts_once(town, monkeypatch):
    notice = shown(town)
    browser = town.client()
    for _ in range(4):
        assert hand_in(browser, notice).status_code == 200
    said = {**WRITER, "_once": once(browser.get(f"/notices/{notice}/object"))}
    first = browser.post(f"/notices/{notice}/object", said)
    # A second click reads what is filed before the first is through, and waits for it afterwards.
    looked_up, asked = publicly.filed, iter([None])
    monkeypatch.setattr(publicly, "filed", lambda tx, text: next(asked, looked_up(tx, text)))
    second = browser.post(f"/notices/{notice}/object", said)
    assert (second.status_code, code_on(second)) == (200, code_on(first))


def test_the_form_needs_its_token(town):
    notice = shown(town)
    assert town.app.test_client().post(f"/notices/{notice}/object", data=WRITER).status_code == 400


def test_the_unit_reads_the_objection_and_not_who_made_it(town):
    notice = shown(town)
    hand_in(town.client(), notice)
    with town.database.transaction() as tx:
        plan = tx.scalars(select(Case.id).where(Case.procedure == "plan")).one()
    page = plain(town.client("wang").get(f"/my/cases/{plan}"))
    assert "数据重复" in page
    assert "张三" not in page
    assert "绿道 公示" in page
