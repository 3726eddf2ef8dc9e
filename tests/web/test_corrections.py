"""A correction item by item on the pages: asked for, answered in drafts with a file, judged, asked again, closed."""

from __future__ import annotations

import io
import re

import pytest
from lxml import html
from sqlalchemy import select

from portal import identity
from portal.cases import filing
from portal.cases.models import Attachment, CaseValue
from portal.procedures import Releases, publish
from portal.web import languages
from tests.browser.files import pdf
from tests.builders.corrections import ANSWERS, SLUG, content
from tests.builders.pages import LONG_AGO, plain

MULTIPART = "multipart/form-data"


class Correcting:
    """An application filed with one file, and the pages of those who correct it and judge that."""

    def __init__(self, portal):
        self.portal = portal
        with portal.database.transaction() as tx:
            publish(tx, content(), portal.now, "test")
            identity.grant_role(tx, person_id=portal.people["zhou"], regulation=SLUG, role="officer", from_day=LONG_AGO)
        kernel, wang = portal.machine.kernel, portal.actor("wang")
        with portal.database.transaction() as tx:
            old = Attachment(
                uploaded_by_id=wang.person_id, organisation_id=wang.organisation_id, uploaded_at=portal.now,
                key="old", name="旧.pdf", kind="pdf", size=4, sha256="a" * 64,
            )  # fmt: skip
            tx.add(old)
            tx.flush()
            self.old = str(old.id)
            answers = {**ANSWERS, "text": [self.old]}
            self.case = filing.file(kernel, tx, wang, SLUG, "filing", answers, kernel.now(tx)).id
        self.zhou, self.wang = portal.client("zhou"), portal.client("wang")

    def asked(self, **items):
        rows = [{"about": about, "ask": ask} for about, ask in items.items()]
        self.portal.complete("zhou", self.portal.task("check", self.case), {"result": "补正", "items": rows})
        return self

    def answered(self, *items, **files):
        self.portal.complete("wang", self.portal.task("correct", self.case), {"items": list(items), **files})

    def judged(self, *items):
        self.portal.complete("zhou", self.portal.task("recheck", self.case), {"items": list(items)})

    @property
    def place(self):
        return f"/my/tasks/{self.portal.task('correct', self.case)}"

    def page(self):
        return self.wang.get(self.place)

    def post(self, *files, go="next", **data):
        sent = {"_seen": re.search(r'name="_seen" value="([^"]*)"', self.page().text)[1], "_go": go, **data}
        uploads = [(io.BytesIO(file["buffer"]), file["name"]) for file in files]
        if uploads:
            sent["_upload.text"] = uploads
        return self.wang.post(self.place, sent, content_type=MULTIPART)

    def said(self, element):
        wanted = select(CaseValue.value).where(CaseValue.case_id == self.case, CaseValue.element == element)
        with self.portal.database.transaction() as tx:
            return tx.scalars(wanted.order_by(CaseValue.act_id.desc()).limit(1)).one()

    def files(self):
        with self.portal.database.transaction() as tx:
            rows = tx.scalars(select(Attachment).where(Attachment.case_id == self.case).order_by(Attachment.id))
            return [row.name for row in rows]


@pytest.fixture(scope="module")
def releases():
    """Opened for this module alone: only here the second release is this one."""
    return Releases()


@pytest.fixture
def story(portal):
    return Correcting(portal)


def item(page, number):
    """The text of one item on a page, blanks run together."""
    [found] = html.fromstring(page.text).xpath(f'//*[@id="item-{number}"]')
    return " ".join(found.text_content().split())


def errors(page):
    return [" ".join(line.text_content().split()) for line in html.fromstring(page.text).xpath('//*[@id="errors"]//li')]


def test_the_officer_lists_items_bound_to_what_was_asked(story):
    task = story.portal.task("check", story.case)
    page = story.zhou.get(f"/tasks/{task}")
    assert "针对" not in plain(page)  # hidden while nothing is to be corrected
    page = story.zhou.post(f"/tasks/{task}", {"result": "补正", "_refresh": "1"})
    [options] = html.fromstring(page.text).xpath('//select[@name="items.0.about"]')
    assert [one.text_content() for one in options] == [
        "请选择", "方案名称", "类型", "联系人（整组）", "姓名", "电话", "预计数量", "方案文本", "参与单位", "其他",
    ]  # fmt: skip
    assert 'textarea rows="2" id="f-items-0-ask" name="items.0.ask"' in page.text
    assert "从 Excel 导入" not in plain(page)
    assert story.zhou.post(f"/tasks/{task}", {"result": "补正", "_table": "items.sample"}).status_code == 422
    page = story.zhou.post(f"/tasks/{task}", {"result": "补正", "items.0.about": "name"})
    assert (page.status_code, errors(page)) == (422, ["第 1 行 需要补正的内容：请填写"])
    twice = {"items.0.about": "name", "items.0.ask": "写全称", "items.1.about": "name", "items.1.ask": "有错字"}
    page = story.zhou.post(f"/tasks/{task}", {"result": "补正", **twice})
    assert errors(page) == ["第 2 行 针对：与第 1 行针对同一处，请合并成一项"]
    page = story.zhou.post(f"/tasks/{task}", {"result": "补正", **twice, "items.1.about": "text"})
    assert page.status_code == 302
    assert [(one["no"], one["label"], one["ask"]) for one in story.said("check")["items"]] == [
        (1, "方案名称", "写全称"), (2, "方案文本", "有错字"),
    ]  # fmt: skip


def test_the_applicant_sees_each_item_with_its_field_and_what_he_said(story):
    story.asked(name="写全称", text="签章", 其他="说明来源")
    page = story.page()
    text = plain(page)
    assert "请补正下列事项" in text
    assert "共 3 项，还有 3 项没有补正：" in text
    assert item(page, 1).startswith("1 方案名称 待补正补正要求写全称原来填写旧名称方案名称")
    assert "旧.pdf" in item(page, 2)
    assert f'href="/attachments/{story.old}"' in page.text
    assert item(page, 3).startswith("3 其他 待补正补正要求说明来源答复")
    fields = html.fromstring(page.text)
    assert fields.xpath('//input[@id="f-name"]/@value') == ["旧名称"]
    assert fields.xpath('//input[@name="_upload.text"]/@type') == ["file"]


def test_a_draft_is_kept_and_says_what_is_open(story):
    story.asked(name="写全称", text="签章")
    kept = story.post(pdf("新.pdf"), go="save", name="新名称", **{"_kept.text": story.old})
    assert kept.status_code == 303
    page = story.page()
    assert "共 2 项，都已填写，请核对后一并提交。" in plain(page)
    assert item(page, 1).startswith("1 方案名称 已填写")
    assert "新.pdf" in item(page, 2)
    assert html.fromstring(page.text).xpath('//input[@id="f-name"]/@value') == ["新名称"]
    assert "每个文件不超过 50 MB，最多 1 个。上传新的文件，就替换原来的。" in item(page, 2)
    # Of one file the new one takes the place of the old, which is still shown as what was handed in before.
    assert len(html.fromstring(page.text).xpath('//input[@name="_kept.text"]')) == 1
    assert story.files() == ["旧.pdf"]


def test_what_is_wrong_is_told_by_its_item_and_nothing_typed_is_lost(story):
    story.asked(name="写全称", amount="核对", 其他="说明来源")
    page = story.post(name="", amount="200", **{"items.n2.note": "已核对"})
    assert (page.status_code, errors(page)) == (
        422, ["第 1 项：请填写方案名称", "第 2 项：数量最多 100", "第 3 项：请填写答复"],
    )  # fmt: skip
    assert html.fromstring(page.text).xpath('//textarea[@name="items.n2.note"]')[0].text_content() == "已核对"
    page = story.post(name="旧名称", amount="60", **{"items.n3.note": "来自年报"})
    assert errors(page) == ["第 1 项：“方案名称”还没有补正。请改正；没有改动的，请在补正说明里写明理由"]


def test_all_is_handed_in_together_and_becomes_the_application(story):
    story.asked(name="写全称", text="签章")
    done = story.post(pdf("新.pdf"), name="新名称", **{"_kept.text": story.old, "items.n2.note": "已签章"})
    assert done.status_code == 303
    first, second = story.said("correct")["items"]
    assert (first["before"], first["after"]) == ("旧名称", "新名称")
    assert (second["before"], second["note"]) == ([story.old], "已签章")
    start = story.said("start")
    assert start == {**ANSWERS, "name": "新名称", "text": second["after"]}
    assert story.files() == ["旧.pdf", "新.pdf"]


def test_the_applicant_reads_what_he_has_answered(story):
    story.asked(name="写全称", text="签章")
    story.post(pdf("新.pdf"), name="新名称", **{"_kept.text": story.old, "items.n2.note": "已签章"})
    page = plain(story.wang.get(f"/my/cases/{story.case}"))
    assert "的补正（2 项）" in page
    assert "1 方案名称 补正要求 写全称 方案名称 有改动 原来 旧名称 现在 新名称" in page
    assert "补正说明 已签章 方案文本 内容已变（哈希不同） 原来 旧.pdf" in page


def test_the_officer_sees_old_beside_new_and_judges_each(story):
    story.asked(name="写全称", text="签章")
    story.post(pdf("新.pdf"), name="新名称", **{"_kept.text": story.old, "items.n2.note": "已签章"})
    task = f"/tasks/{story.portal.task('recheck', story.case)}"
    page = story.zhou.get(task)
    assert "方案名称 有改动 原来 旧名称 现在 新名称" in item(page, 1)
    second = item(page, 2)
    assert "补正说明已签章" in second
    assert "方案文本 内容已变（哈希不同） 原来 旧.pdf 1 KB · SHA-256 aaaa…aaaa 现在 新.pdf" in second
    page = story.zhou.post(task, {"items.n1.result": "接受", "items.n2.result": "仍需补正"})
    assert (page.status_code, errors(page)) == (422, ["第 2 项：请填写还需补正什么"])
    judged = {"items.n1.result": "接受", "items.n2.result": "仍需补正", "items.n2.why": "缺骑缝章"}
    assert story.zhou.post(task, judged).status_code == 302
    assert [(one["no"], one["result"], one.get("why")) for one in story.said("recheck")["items"]] == [
        (1, "接受", None), (2, "仍需补正", "缺骑缝章"),
    ]  # fmt: skip


def test_the_next_round_asks_what_is_open_and_what_was_accepted_is_closed(story):
    story.asked(name="写全称", amount="核对")
    story.answered({"no": 1, "name": "新名称"}, {"no": 2, "amount": "60"})
    story.judged({"no": 1, "result": "接受"}, {"no": 2, "result": "仍需补正", "why": "与附表不符"})
    page = story.page()
    assert "共 1 项，还有 1 项没有补正：" in plain(page)
    assert 'id="item-1"' not in page.text
    assert "仍需补正与附表不符" in item(page, 2)
    page = story.post(name="偷改", amount="70")
    closed = "“方案名称”不在这次的补正事项中：已经接受的不再要求补正，也不再收答复。这次请答复第 2 项"
    assert (page.status_code, errors(page)) == (422, [closed])
    assert story.post(amount="70").status_code == 303
    assert (story.said("start")["name"], story.said("start")["amount"]) == ("新名称", "70")
    story.judged({"no": 2, "result": "接受"})
    assert story.portal.case(story.case).outcome == "已受理"


def test_the_file_of_the_case_keeps_every_round(story):
    story.asked(name="写全称", amount="核对")
    story.answered({"no": 1, "name": "新名称"}, {"no": 2, "note": "无误"})
    story.judged({"no": 1, "result": "接受"}, {"no": 2, "result": "接受"})
    text = plain(story.zhou.get(f"/cases/{story.case}"))
    assert "前后对照：补正 方案名称 有改动 原来 旧名称 现在 新名称" in text
    assert "复核补正 周敏" in text
    assert "1 方案名称 接受 补正要求 写全称" in text
    assert "2 预计数量 补正要求 核对 补正说明 无误 预计数量 没有改动 原来 50 现在 50" in text
    assert "结论 补正 1 方案名称 补正要求 写全称 2 预计数量 补正要求 核对" in text


def test_the_pages_are_in_english_too(story):
    story.asked(name="写全称", 其他="说明来源")
    story.wang.raw.set_cookie(languages.COOKIE, "en")
    page = plain(story.page())
    assert "Please correct the following" in page
    assert "2 items, 2 of them not corrected yet:" in page
    assert "What is to be corrected" in page
