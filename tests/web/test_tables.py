"""A table on a task's page: filled in row by row, imported from a sheet, handed in, and read in the case's file."""

from __future__ import annotations

import io
import json
import re
import zipfile

import pytest
from lxml import html
from openpyxl import load_workbook
from sqlalchemy import select

from portal import identity
from portal.cases import filing, tasks
from portal.cases.models import Case, CaseValue, Task
from portal.db.database import DatabaseUnreachable
from portal.procedures import Releases, publish
from tests.builders.pages import LONG_AGO, UNIT, plain
from tests.builders.procedures import REGULATION
from tests.builders.sheets import AMOUNT, CODE, HEADINGS, NAME, XLSX, code, content, workbook

LABELS = json.dumps({"units": "各单位年度配额", "units.unit": CODE, "units.amount": AMOUNT})
MULTIPART = "multipart/form-data"
PAGE = f"/start/{REGULATION}/listed"


class Listing:
    """The portal with a procedure that asks for a table, and forty organisations to be named in it."""

    def __init__(self, portal, organisations=40):
        self.portal = portal
        with portal.database.transaction() as tx:
            publish(tx, content(), portal.now, "test")
            identity.grant_role(
                tx, person_id=portal.people["zhou"], regulation=REGULATION, role="officer", from_day=LONG_AGO
            )
            for number in range(organisations):
                identity.add_organisation(
                    tx, uscc=code(number), name=f"重庆第{number}厂", district="万州区", kinds=["enterprise"]
                )
        self.browser = portal.client("zhou")

    def begin(self):
        kernel, actor = self.portal.machine.kernel, self.portal.actor("zhou")
        with self.portal.database.transaction() as tx:
            case = filing.file(kernel, tx, actor, REGULATION, "listing", {}, kernel.now(tx))
            self.case_id = case.id
        self.task = self.portal.task("fill", self.case_id)
        self.url = f"/tasks/{self.task}"
        return self

    def post(self, data, sheet=None, **more):
        file = {"units.file": (io.BytesIO(sheet), "名单.xlsx", XLSX)} if sheet is not None else {}
        return self.browser.post(self.url, {**data, **file}, content_type=MULTIPART, **more)

    def stored(self):
        with self.portal.database.transaction() as tx:
            wanted = select(CaseValue.value).where(CaseValue.case_id == self.case_id, CaseValue.element == "fill")
            return tx.scalars(wanted).one()["units"]


@pytest.fixture(scope="module")
def releases():
    """Opened for this module alone: only here the second release is the listing."""
    return Releases()


@pytest.fixture
def listing(portal):
    return Listing(portal).begin()


def cells(answer):
    """What a page holds of the table's cells, by name."""
    inputs = html.fromstring(answer.text).xpath('//fieldset[@id="f-units"]//input[starts-with(@name, "units.")]')
    return {one.get("name"): one.get("value") for one in inputs if one.get("type") != "file"}


def typed(*rows, **more):
    return {
        **{f"units.{at}.unit": row[0] for at, row in enumerate(rows)},
        **{f"units.{at}.amount": row[1] for at, row in enumerate(rows)},
        **more,
    }


def test_a_table_begins_with_a_blank_row_and_offers_organisations(listing):
    page = listing.browser.get(listing.url)
    assert cells(page) == {"units.0.unit": "", "units.0.amount": ""}
    assert f'<option value="{code(1)}">重庆第1厂</option>' in page.text
    assert 'enctype="multipart/form-data"' in page.text


def test_rows_are_added_and_removed_by_buttons_and_nothing_typed_is_lost(listing):
    data = typed((code(1), "1,000"), ("91", "x"), note="我写的")
    answer = listing.post({**data, "_table": "units.add"})
    assert answer.status_code == 200
    held = cells(answer)
    assert held["units.1.unit"], held["units.1.amount"] == ("91", "x")
    assert held["units.2.unit"] == ""
    assert 'id="f-units-2-unit"' in answer.text.partition("autofocus")[0]
    assert "我写的" in answer.text
    assert "重庆第1厂</span>" in answer.text
    assert "年度配额合计 1,000 tCO₂e" in plain(answer)
    without = listing.post({**held, "note": "我写的", "_table": "units.remove.0"})
    assert cells(without) == {
        "units.0.unit": "91", "units.0.amount": "x", "units.1.unit": "", "units.1.amount": ""
    }  # fmt: skip
    cleared = listing.post({**held, "_table": "units.clear"})
    assert cells(cleared) == {"units.0.unit": "", "units.0.amount": ""}


def test_enter_in_a_cell_refreshes_and_removes_nothing(listing):
    buttons = html.fromstring(listing.browser.get(listing.url).text).xpath('//form[@id="answers"]//button')
    assert buttons[0].get("name") == "_refresh"
    answer = listing.post({**typed((code(1), "5")), "_refresh": "1"})
    assert answer.status_code == 200
    assert cells(answer)["units.0.amount"] == "5"


def test_a_hundred_rows_are_filled_in_one_by_one_and_no_more(listing):
    rows = json.dumps([{"unit": code(1)}] * 100)
    answer = listing.post({"units.rows": rows, "_table": "units.add"})
    assert answer.status_code == 422
    assert "各单位年度配额在页面上最多逐行填写 100 行，更多的请从 Excel 导入" in answer.text
    assert len(cells(answer)) == 200


def test_rows_typed_in_are_handed_in(listing):
    data = typed((code(1).lower(), "１，０００"), ("", " "), (code(2), "7"))
    assert listing.post(data).status_code == 302
    assert listing.stored() == [{"unit": code(1), "amount": "1000"}, {"unit": code(2), "amount": "7"}]


def test_every_wrong_cell_is_named_where_it_stands(listing):
    answer = listing.post(typed((code(1), "0"), (code(1), "5"), (code(300), "")))
    assert answer.status_code == 422
    told = plain(answer)
    for text in (
        "第 1 行 年度配额（tCO₂e）：不能小于 1 tCO₂e",
        "第 1 行 统一社会信用代码：与第 2 行重复，请只留一行",
        "第 2 行 统一社会信用代码：与第 1 行重复，请只留一行",
        f"第 3 行 统一社会信用代码：{code(300)} 没有在本门户登记，请核对代码",
        "第 3 行 年度配额（tCO₂e）：请填写",
        "有 5 处需要改正",
    ):
        assert text in told, text
    assert 'href="#f-units-2-amount"' in answer.text
    assert 'id="f-units-2-amount-error">请填写<' in answer.text


def test_no_row_at_all_is_told_of_the_table(listing):
    answer = listing.post(typed(("", "")))
    assert answer.status_code == 422
    assert "请填写各单位年度配额，至少一行" in answer.text


def test_a_rule_of_a_column_sees_its_row_and_the_other_answers(listing):
    answer = listing.post(typed((code(1), "5"), (code(2), "6"), note="禁止"))
    assert "第 2 行 统一社会信用代码：不在名录中" in answer.text
    assert "第 1 行" not in plain(answer).partition("需要改正")[2].partition("本环节办理")[0].replace("第 2 行", "")


def test_a_sample_is_given_out(listing):
    answer = listing.post({"_table": "units.sample"})
    assert answer.content_type == XLSX
    assert "attachment" in answer.headers["Content-Disposition"]
    book = load_workbook(io.BytesIO(answer.data))
    assert book.sheetnames == ["各单位年度配额", "填写说明"]
    assert [cell.value for cell in book.worksheets[0][1]] == [CODE, AMOUNT, NAME]
    assert book.worksheets[0].column_dimensions["A"].number_format == "@"
    notes = [row[2] for row in book.worksheets[1].iter_rows(values_only=True)]
    assert "18 位统一社会信用代码，单元格为文本格式，不要改成数字" in notes


def test_a_good_sheet_fills_the_page_and_is_not_handed_in_yet(listing):
    sheet = workbook([(code(1), 1000, "重庆第1厂"), (code(2), "2,000", None)], (*HEADINGS, NAME))
    answer = listing.post({**typed(("old", "1")), "note": "我写的", "_table": "units.import"}, sheet)
    assert answer.status_code == 200
    assert "已从“名单.xlsx”读入 2 行，尚未提交；请核对后提交。" in answer.text
    assert "共 2 行" in answer.text
    assert "年度配额合计 3,000 tCO₂e" in plain(answer)
    held = cells(answer)
    assert held == {
        "units.0.unit": code(1), "units.0.amount": "1,000", "units.1.unit": code(2), "units.1.amount": "2,000"
    }  # fmt: skip
    assert "我写的" in answer.text
    assert listing.portal.task("fill", listing.case_id) == listing.task
    assert listing.post(held).status_code == 302
    assert listing.stored()[0] == {"unit": code(1), "amount": "1000"}


def test_a_chosen_sheet_is_read_in_before_anything_is_handed_in(listing):
    answer = listing.post({}, workbook([(code(1), 5)]))
    assert answer.status_code == 200
    assert "尚未提交" in answer.text
    assert listing.portal.task("fill", listing.case_id) == listing.task


def test_a_sheet_with_faults_leaves_the_page_as_it_was_and_lists_them(listing):
    rows = [
        (code(1), 5, "重庆第2厂"),
        (None, None, None),
        (code(1), "=B2", None),
        (code(300), 1e30, None),
        ("9", -1, ""),
    ]
    answer = listing.post({**typed((code(7), "70")), "_table": "units.import"}, workbook(rows, (*HEADINGS, NAME)))
    assert answer.status_code == 422
    assert cells(answer) == {"units.0.unit": code(7), "units.0.amount": "70"}
    summary = "各单位年度配额：“名单.xlsx”没有导入，有 8 处需要改正；页面上原有的行没有变动"
    assert summary in answer.text
    told = html.fromstring(answer.text).xpath('//div[@class="rows-faults"]//tbody/tr')
    assert [[cell.text for cell in row] for row in told] == [
        ["2", CODE, "与第 4 行重复，请只留一行"],
        ["2", CODE, f"{code(1)} 登记的名称是“重庆第1厂”，表中写的是“重庆第2厂”，请核对代码和名称"],
        ["4", CODE, "与第 2 行重复，请只留一行"],
        ["4", AMOUNT, "B4 是公式，请复制后“选择性粘贴”为数值，再导入"],
        [
            "5",
            CODE,
            f"{code(300)} 没有在本门户登记，请核对代码；代码无误的，请该单位先在本门户注册，"
            "或请管理员登记该单位（不需要账号），然后再填写",
        ],
        ["5", AMOUNT, "这一格的数字过大，最多 15 位整数，请核对"],
        ["6", CODE, "应为 18 位统一社会信用代码，现有 1 位"],
        ["6", AMOUNT, "不能小于 1 tCO₂e，请填写 1 或更大的整数"],
    ]


def _import_without(portal, **answers):
    """What comes of importing an allocation's rows while the answers beside them are these."""
    browser, url = portal.client("zhou"), f"/tasks/{portal.allocation()}"
    sheet = (io.BytesIO(workbook([(UNIT, 5)])), "名单.xlsx", XLSX)
    data = {**answers, "grounds": "我写的", "units.file": sheet, "_table": "units.import"}
    return browser.post(url, data, content_type=MULTIPART)


@pytest.mark.parametrize("year", ["", "二〇二五"])
def test_what_rows_are_judged_by_is_asked_for_before_a_sheet_is_read(portal, year):
    answer = _import_without(portal, year=year)
    assert answer.status_code == 422
    errors = html.fromstring(answer.text).xpath('//div[@id="errors"]//a')
    told = [(one.get("href"), one.text) for one in errors]
    wanted = "各单位年度配额：请先填好“配额年度”再导入，各行要按它核对；“名单.xlsx”没有读入，请届时重新选择"
    assert (told[0][0], told[1]) == ("#f-year", ("#f-units", wanted))
    assert len(told) == 2
    assert set(cells(answer).values()) == {""}
    assert "我写的" in answer.text


def test_with_what_rows_are_judged_by_a_sheet_is_read(portal):
    answer = _import_without(portal, year="2025")
    assert answer.status_code == 200
    assert cells(answer) == {"units.0.unit": UNIT, "units.0.amount": "5"}
    refused = _import_without(portal, year="2030")
    assert (refused.status_code, "请先办理《重点排放单位名录》把该单位列入" in refused.text) == (422, True)


def test_of_a_thousand_faults_the_first_are_listed(listing):
    answer = listing.post({"_table": "units.import"}, workbook([("x", "y")] * 600))
    assert "有 1,200 处需要改正" in answer.text
    assert len(html.fromstring(answer.text).xpath('//div[@class="rows-faults"]//tbody/tr')) == 200
    assert "另有 1,000 处没有列出" in answer.text


@pytest.mark.parametrize(
    ("sheet", "says"),
    [
        (b"", "请先选择要导入的 Excel 文件"),
        (b"PK\x03\x04nothing", "不是 Excel 工作簿（.xlsx）"),
        (workbook([(1, 2)], ("甲", "乙")), "前 10 行里没有找到列名"),
        (workbook([(code(1), 1)] * 2500), "表中的行数超过 2,000 行的上限"),
    ],
)
def test_what_is_no_sheet_for_the_table_is_refused(listing, sheet, says):
    answer = listing.post({"_table": "units.import"}, sheet or None)
    assert answer.status_code == 422
    assert says in answer.text


def test_two_thousand_rows_are_imported_shown_handed_in_and_read(portal):
    listing = Listing(portal, organisations=2000).begin()
    rows = [(code(number), number + 1) for number in range(2000)]
    answer = listing.post({"_table": "units.import", "note": "年度方案"}, workbook(rows))
    assert answer.status_code == 200, plain(answer)[:2000]
    assert "已从“名单.xlsx”读入 2,000 行" in answer.text
    held = cells(answer)
    assert list(held) == ["units.rows"]
    assert "年度方案" in answer.text
    refreshed = listing.post({**held, "_refresh": "1"})
    assert cells(refreshed) == held
    assert listing.post({**held, "note": "年度方案"}).status_code == 302
    assert len(listing.stored()) == 2000
    page = listing.browser.get(f"/cases/{listing.case_id}")
    assert "2,000 行；年度配额合计 2,001,000 tCO₂e" in page.text
    # The heading names the unit, the cells below do not repeat it.
    assert f'<th scope="col" class="right">{AMOUNT}</th>' in page.text
    assert re.search(rf'data-label="{AMOUNT}">[\d,]+</td>', page.text)
    assert f"重庆第19厂（{code(19)}）" in page.text
    assert code(20) not in page.text
    link = re.search(r'href="(/cases/\d+/answers/\d+/units\.xlsx)"', page.text)
    assert link
    sheet = load_workbook(io.BytesIO(listing.browser.get(link[1]).data)).worksheets[0]
    assert sheet.max_row == 2001
    assert [cell.value for cell in sheet[2001]] == [code(1999), 2000, "重庆第1999厂"]
    assert sheet["A2"].number_format == "@"


def test_faults_of_a_long_table_are_listed_and_it_stays(listing):
    rows = [{"unit": "X", "amount": "1"} for _ in range(150)]
    answer = listing.post({"units.rows": json.dumps(rows)})
    assert answer.status_code == 422
    assert "第 150 行 统一社会信用代码：应为 18 位统一社会信用代码，现有 1 位" in plain(answer)
    assert json.loads(cells(answer)["units.rows"]) == rows


def test_the_rows_of_a_case_are_for_its_officials(listing):
    assert listing.post(typed((code(1), "5"))).status_code == 302
    page = listing.browser.get(f"/cases/{listing.case_id}").text
    link = re.search(r'href="(/cases/\d+/answers/\d+/units\.xlsx)"', page)
    assert link
    assert listing.browser.get(link[1]).status_code == 200
    for login in ("wang", "li"):
        assert listing.portal.client(login).get(link[1]).status_code in (403, 404)
    for strange in ("answers/99/units", "answers/0/nothing", "answers/0/units.0"):
        assert listing.browser.get(f"/cases/{listing.case_id}/{strange}.xlsx").status_code == 404


def test_what_is_on_the_page_is_given_out_and_comes_back_the_same(listing):
    data = typed((code(1), "1,000"), ("91", "=1+1"))
    answer = listing.post({**data, "_table": "units.download"})
    sheet = load_workbook(io.BytesIO(answer.data)).worksheets[0]
    assert [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)] == [
        [code(1), 1000, "重庆第1厂"],
        ["91", "=1+1", None],
    ]
    assert sheet["B3"].data_type == "s"
    again = listing.post({"_table": "units.import"}, workbook([(code(1), 1000, "重庆第1厂")], (*HEADINGS, NAME)))
    assert cells(again) == {"units.0.unit": code(1), "units.0.amount": "1,000"}


def test_rows_that_nobody_sees_and_numbers_beyond_all_are_told_on_the_page(listing):
    hidden = workbook([(code(1), 5)], more=lambda _book, page: setattr(page.row_dimensions[2], "hidden", True))
    answer = listing.post({"_table": "units.import"}, hidden)
    assert answer.status_code == 422
    assert "第 2 行被隐藏或筛选掉了；请清除筛选、取消隐藏，核对这些行，不需要的整行删去，再导入" in plain(answer)
    unpacked = io.BytesIO(workbook([(code(1), 5)]))
    endless = io.BytesIO()
    with zipfile.ZipFile(unpacked) as old, zipfile.ZipFile(endless, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"<v>5</v>", b"<v>1e999</v>"))
    answer = listing.post({"_table": "units.import"}, endless.getvalue())
    assert answer.status_code == 422
    assert "B2 的数字过大，最多 15 位整数，请核对后重新填写" in plain(answer)


def test_other_sheets_are_named_as_not_read(listing):
    sheet = workbook([(code(1), 5)], more=lambda book, _: book.create_sheet("去年"))
    answer = listing.post({"_table": "units.import"}, sheet)
    assert "只读取了第一张工作表“Sheet”，没有读取：去年。" in answer.text


def test_a_colleague_who_was_faster_leaves_the_rows_on_the_page(listing):
    identity_of_sun = listing.portal.people["sun"]
    with listing.portal.database.transaction() as tx:
        identity.grant_role(tx, person_id=identity_of_sun, regulation=REGULATION, role="officer", from_day=LONG_AGO)
    rows = [{"unit": code(1), "amount": "5"}]
    listing.portal.complete("sun", listing.task, {"units": rows})
    answer = listing.post({"units.rows": json.dumps([*rows, {"unit": code(2), "amount": "7"}])})
    assert answer.status_code == 409
    assert cells(answer)["units.1.unit"] == code(2)


def test_a_start_form_takes_a_table_too(portal):
    listing = Listing(portal)
    listing.url = PAGE
    assert cells(listing.browser.get(PAGE)) == {"units.0.unit": "", "units.0.amount": ""}
    assert listing.post({"_table": "units.sample"}).content_type == XLSX
    wrong = listing.post({**typed((code(1), "1")), "_table": "units.import"}, workbook([(code(1), 0)]))
    assert wrong.status_code == 422
    assert "不能小于 1 tCO₂e" in wrong.text
    good = listing.post({"_table": "units.import"}, workbook([(code(1), 9)]))
    held = cells(good)
    assert held["units.0.amount"] == "9"
    added = listing.post({**held, "_table": "units.add"})
    assert len(cells(added)) == 4
    assert listing.post(typed((code(500), "1"))).status_code == 422
    assert listing.post(held).status_code == 302
    with portal.database.transaction() as tx:
        case = tx.scalars(select(Case).where(Case.procedure == "listed")).one()
        said = tx.scalars(select(CaseValue.value).where(CaseValue.case_id == case.id)).one()
        assert tx.scalars(select(Task).where(Task.case_id == case.id)).one().element == "fill"
    assert said["units"] == [{"unit": code(1), "amount": "9"}]


def test_a_party_that_is_registered_here_counts_whatever_its_kind(listing):
    assert listing.post(typed((UNIT, "5"))).status_code == 302


def test_an_applicant_fills_in_a_table_in_a_draft_in_a_task_and_in_a_message(portal):
    listing = Listing(portal)
    listing.browser = portal.client("wang")
    begun = listing.browser.get(f"/file/{REGULATION}/told").location
    listing.url = listing.browser.get(begun).location
    assert cells(listing.browser.get(listing.url)) == {"units.0.unit": "", "units.0.amount": ""}
    assert listing.post({"_table": "units.sample"}).content_type == XLSX
    wrong = listing.post({**typed((code(7), "7")), "_table": "units.import"}, workbook([(code(1), 0), (code(500), 1)]))
    assert wrong.status_code == 422
    assert "没有在本门户登记" in wrong.text
    assert cells(listing.browser.get(listing.url)) == {"units.0.unit": code(7), "units.0.amount": "7"}
    assert listing.post({**typed((code(500), "7")), "_go": "next"}).status_code == 422
    good = listing.post({"_table": "units.import"}, workbook([(code(1), 9), (code(2), 8)]))
    assert cells(good)["units.1.amount"] == "8"
    held = cells(listing.post({**cells(good), "_table": "units.remove.1"}))
    note = listing.post({**held, "_go": "next"}).location
    assert note == f"{begun}/note"
    assert cells(listing.browser.get(listing.url)) == held
    after = listing.browser.post(note, {"note": "", "_go": "next"})
    assert after.location == f"{begun}/check-answers"
    checked = listing.browser.get(after.location)
    assert "1 行；年度配额合计 9 tCO₂e" in checked.text
    assert listing.browser.post(f"{begun}/check-answers").status_code == 303
    with portal.database.transaction() as tx:
        case = tx.scalars(select(Case).where(Case.procedure == "told")).one()
        task = tx.scalars(select(Task).where(Task.case_id == case.id)).one().id
        case_id = case.id
    listing.url = f"/my/tasks/{task}"
    assert listing.post({"_table": "units.download", **held}).content_type == XLSX
    assert len(cells(listing.post({**held, "_table": "units.add"}))) == 4
    assert listing.post(held).status_code == 303
    listing.url = f"/my/cases/{case_id}/messages/more"
    assert listing.post({"_table": "units.sample"}).content_type == XLSX
    assert len(cells(listing.post({**held, "_table": "units.add"}))) == 4
    assert portal.case(case_id).ended_at is None
    assert listing.post(held).status_code == 303
    assert portal.case(case_id).ended_at is not None


def test_rows_stay_on_the_page_when_the_portal_is_in_trouble(listing, monkeypatch):
    def away(*_arguments):
        raise DatabaseUnreachable(reason="away")

    monkeypatch.setattr(tasks, "complete", away)
    rows = json.dumps([{"unit": code(1), "amount": "5"}])
    answer = listing.post({"units.rows": rows, "units.0.amount": "7", "note": "我写的", "_labels": LABELS})
    assert answer.status_code == 503
    page = html.fromstring(answer.text)
    assert page.xpath('//input[@type="hidden" and @name="units.rows"]/@value') == [rows]
    assert page.xpath('//input[@name="units.0.amount"]/@value') == ["7"]
    assert f"{AMOUNT} 1" in plain(answer)
    assert "我写的" in answer.text
    assert page.xpath('//input[@type="file"]') == []


def test_a_start_form_that_comes_back_still_opens_one_case(listing):
    once = re.compile(r'name="_once" value="([^"]+)"')
    page = listing.browser.get(PAGE)
    data = {**typed((code(1), "5")), "_once": once.search(page.text)[1]}
    added = listing.browser.post(PAGE, {**data, "_table": "units.add"}, content_type=MULTIPART)
    assert once.search(added.text)[1] == data["_once"]
    first, second = (listing.browser.post(PAGE, data, content_type=MULTIPART).location for _time in range(2))
    assert first == second is not None
    assert once.search(listing.browser.get(PAGE).text)[1] != data["_once"]
