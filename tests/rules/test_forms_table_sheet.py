"""A table as a workbook: what is given out, what is read back, and the clear answer to a sheet that is not right."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from portal import forms
from portal.forms import Option, packed, sheet
from portal.forms.answers import Refused
from portal.forms.sheet import Heading
from portal.forms.tables import kind_of
from tests.builders.sheets import AMOUNT, CODE, HEADINGS, NAME, NOTE, TABLE, code, form, workbook

A, B, C = code(1), code(2), code(3)
LISTED = forms.read(form(TABLE, NOTE))
UNITS = LISTED.table("units")
ASKED = [Heading(UNITS.columns[0], CODE, "必填"), Heading(UNITS.columns[1], AMOUNT, "")]
NAMES = {code(number): f"重庆第{number}厂" for number in range(1, 9)}
KNOWN = {"units.unit": [Option(uscc, name) for uscc, name in NAMES.items()]}


def read(data, headings=ASKED, most=2000):
    return sheet.read(io.BytesIO(data), headings, most)


def refusal(data, most=2000):
    with pytest.raises(Refused) as caught:
        read(data, most=most)
    assert caught.value.error.en
    return caught.value.error.zh


def faults(rows, headings=HEADINGS, more=None, answers=None):
    """Every fault of a sheet as the page lists it: row, column, what."""
    found = read(workbook(rows, headings, more))
    cells = LISTED.faults_in(UNITS, found.rows, answers or {}, {}, KNOWN, lambda at: found.numbers[at])
    cells += sheet.name_faults(found, ASKED, UNITS, NAMES)
    told = found.told(cells, {heading.field.name: heading.label for heading in ASKED})
    assert all(fault.error.zh and fault.error.en for fault in told)
    return [(fault.row, fault.column, fault.error.zh) for fault in told]


def stored(rows, headings=HEADINGS, more=None):
    assert faults(rows, headings, more) == []
    return kind_of(UNITS).rows(list(read(workbook(rows, headings, more)).rows)).stored


# what is read


@pytest.mark.parametrize(
    ("given", "amount"),
    [(5, "5"), (5.0, "5"), ("5", "5"), ("１，２００", "1200"), (" 1,200 ", "1200"), (999_999_999_999_999, "9" * 15)],
)
def test_numbers_as_numbers_and_as_text(given, amount):
    assert stored([(A, given)]) == [{"unit": A, "amount": amount}]


def test_codes_are_normalised():
    full_width = A.translate({ord(letter): ord(letter) + 0xFEE0 for letter in A})
    assert stored([(A.lower(), 1)])[0]["unit"] == A
    assert stored([(full_width, 1)])[0]["unit"] == A
    assert stored([(f"{A[:9]} {A[9:]}\u3000", 1)])[0]["unit"] == A


def test_blank_rows_between_and_below_do_not_count():
    rows = [(A, 1), (None, None), (" ", "\u3000"), (B, 2), (None, None)]
    assert stored(rows) == [{"unit": A, "amount": "1"}, {"unit": B, "amount": "2"}]
    assert read(workbook(rows)).numbers == (2, 5)


def test_columns_may_stand_in_any_order_under_a_title_and_names_beside_them():
    def titled(_book, page):
        page.insert_rows(1, 2)
        page["A1"] = "2025 年度配额分配表"
        page.merge_cells("A1:C1")

    assert stored([("重庆第1厂", 5, A)], (NAME, f" {AMOUNT.replace('（', '(').replace('）', ')')}*", CODE), titled) == [
        {"unit": A, "amount": "5"}
    ]


def test_the_first_sheet_that_shows_is_read_and_others_are_named():
    def more(book, _page):
        hidden = book.create_sheet("旧表", 0)
        hidden["A1"] = "x"
        hidden.sheet_state = "hidden"
        book.create_sheet("去年")
        book.create_sheet(sheet.NOTES_TITLE)

    found = read(workbook([(A, 5)], more=more))
    assert (found.title, found.ignored) == ("Sheet", ("旧表（隐藏）", "去年"))
    assert found.rows == ({"unit": A, "amount": 5},)


def test_what_excel_computes_with_is_read_with_the_digits_that_it_keeps():
    every = forms.read(form({**TABLE, "components": [
        {"type": "number", "key": "n", "label": "数", "decimalDigits": 5},
        {"type": "textfield", "key": "t", "label": "文"},
        {"type": "datetime", "key": "d", "label": "日"},
        {"type": "select", "key": "s", "label": "类", "values": [{"label": "一类", "value": "1"}]},
    ], "properties": {"kind": "table"}}))  # fmt: skip
    table = every.table("units")
    asked = [
        Heading(column, label, "", column.kind.options_of(None))
        for column, label in zip(table.columns, "数文日类", strict=True)
    ]
    rows = [(0.1 + 0.2, 12.0, datetime(2026, 10, 12), "一类"), (1e-5, 400015, date(2026, 1, 2), "1"),
            (-0.0, date(2026, 1, 2), "2026年1月2日", None)]  # fmt: skip
    found = read(workbook(rows, tuple("数文日类")), asked)
    assert kind_of(table).rows(list(found.rows)).stored == [
        {"n": "0.3", "t": "12", "d": "2026-10-12", "s": "1"},
        {"n": "0.00001", "t": "400015", "d": "2026-01-02", "s": "1"},
        {"n": "0", "t": "2026-01-02", "d": "2026-01-02"},
    ]


# what is not right in a row


UNKNOWN = (
    f"{code(99)} 没有在本门户登记，请核对代码；代码无误的，请该单位先在本门户注册，"
    "或请管理员登记该单位（不需要账号），然后再填写"
)


@pytest.mark.parametrize(
    ("row", "column", "says"),
    [
        ((A, "=1+1"), AMOUNT, "B2 是公式，请复制后“选择性粘贴”为数值，再导入"),
        ((A, "#DIV/0!"), AMOUNT, "B2 是错误值 #DIV/0!，请改为正确的内容"),
        ((A, datetime(2026, 1, 1)), AMOUNT, "B2 是日期格式，请把单元格格式改为“常规”后重新填写"),
        ((A, None), AMOUNT, "请填写"),
        ((A, "x"), AMOUNT, "请填写整数，单位 tCO₂e，例如 120000"),
        ((A, True), AMOUNT, "请填写整数，单位 tCO₂e，例如 120000"),
        ((A, 1.5), AMOUNT, "不能有小数，请填写整数，单位 tCO₂e，例如 120000"),
        ((A, -1), AMOUNT, "不能小于 1 tCO₂e，请填写 1 或更大的整数"),
        ((A, 0), AMOUNT, "不能小于 1 tCO₂e，请填写 1 或更大的整数"),
        ((A, 1e30), AMOUNT, "这一格的数字过大，最多 15 位整数，请核对"),
        ((A, 10**30), AMOUNT, "这一格的数字过大，最多 15 位整数，请核对"),
        ((A, "1" + "0" * 30), AMOUNT, "这一格的数字过大，最多 15 位整数，请核对"),
        ((915001010000000001, 1), CODE, "A2 被存成了数字，长代码的末几位会丢失；请把这一列设为“文本”格式后重新填写"),
        ((None, 1), CODE, "请填写"),
        (("9150", 1), CODE, "应为 18 位统一社会信用代码，现有 4 位"),
        ((code(99), 1), CODE, UNKNOWN),
    ],
)  # fmt: skip
def test_a_cell_that_is_not_right_is_named_with_what_to_do(row, column, says):
    assert faults([row]) == [(2, column, says)]


def test_a_unit_twice_is_named_by_the_rows_of_the_sheet():
    assert faults([(A, 1), (None, None), (B, 1), (A.lower(), 2)]) == [
        (2, CODE, "与第 5 行重复，请只留一行"),
        (5, CODE, "与第 2 行重复，请只留一行"),
    ]


def test_a_unit_that_is_not_on_the_list_is_told_in_the_contents_words():
    assert faults([(A, 9), (B, 3)], answers={"note": "禁止"}) == [(2, CODE, "不在名录中")]


def test_a_name_that_is_not_the_organisations_is_a_fault_and_a_wide_bracket_is_none():
    says = f"{A} 登记的名称是“重庆第1厂”，表中写的是“重庆第2厂”，请核对代码和名称"
    assert faults([(A, 1, "重庆第2厂"), (B, 1, " 重庆 第２厂"), (C, 1, None)], (*HEADINGS, NAME)) == [(2, CODE, says)]
    looked_up = [(A, 1, "=VLOOKUP(A2,x!A:B,2,0)")]
    assert faults(looked_up, (*HEADINGS, NAME)) == [(2, NAME, "C2 是公式，请复制后“选择性粘贴”为数值，再导入")]


def test_every_cell_of_every_row_is_told_in_order():
    told = faults([("x", "y"), (A, 1), (A, "=B3")])
    assert [(row, column) for row, column, _ in told] == [(2, CODE), (2, AMOUNT), (3, CODE), (4, CODE), (4, AMOUNT)]


# what is not right with the sheet


def test_missing_and_extra_and_twofold_columns_are_named():
    assert set(faults([(A, 1, 2, 3)], (CODE, "备注", "备注", CODE))) == {
        (None, CODE, f"列名“{CODE}”出现两次（A 列和 D 列），请删去一列"),
        (None, AMOUNT, f"缺少列“{AMOUNT}”，请按样表补上"),
        (None, "备注", "B 列“备注”不是样表中的列，请删去整列（列名要与样表完全一致）"),
        (None, "备注", "C 列“备注”不是样表中的列，请删去整列（列名要与样表完全一致）"),
    }


@pytest.mark.parametrize(
    ("rows", "headings", "says"),
    [
        ([(A, 1)], ("代码", "数量"), f"前 10 行里没有找到列名，请使用样表，列名为：{CODE}、{AMOUNT}"),
        ([], ("", ""), f"第一张工作表是空的，请按样表填写，列名为：{CODE}、{AMOUNT}"),
        ([], HEADINGS, "列名以下没有内容，请逐行填写后再导入"),
        ([(A, 1, "x")], HEADINGS, "C 列没有列名，但有内容，请删去整列"),
    ],
)
def test_a_sheet_that_is_not_the_sample_is_told_as_a_whole(rows, headings, says):
    assert faults(rows, headings) == [(None, "", says)]


def test_merged_cells_are_named():
    told = faults([(A, 1), (None, 2)], more=lambda _book, page: page.merge_cells("A2:A3"))
    assert told == [(None, "", "A2:A3 是合并的单元格，请取消合并，每一格分别填写")]


def test_merged_cells_beside_the_table_do_no_harm():
    assert stored([(A, 1)], more=lambda _book, page: page.merge_cells("F5:G9")) == [{"unit": A, "amount": "1"}]


NOT_ONE = "这个文件不是 Excel 工作簿（.xlsx），或已经损坏；请用 Excel 或 WPS 打开后另存为“Excel 工作簿（.xlsx）”再导入"
ENCRYPTED = "文件加了密码，没有读入；请取消密码后另存，再导入"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def zipped(**parts):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


def changed(data, part, content):
    """A workbook with one of its parts replaced."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, content(old.read(name)) if name == part else old.read(name))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "这个文件是空的（0 字节），请重新选择"),
        ("统一社会信用代码,年度配额\n".encode(), NOT_ONE),
        (b"PK\x03\x04 and nothing else", NOT_ONE),
        (zipped(word__document="<w/>"), NOT_ONE),
        (OLE + b"\0" * 600 + "Workbook".encode("utf-16-le"), NOT_ONE),
        (OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), ENCRYPTED),
        (b"x" * (packed.LARGEST + 1), "文件过大（上限 5 MB），没有读入；请删去图片和多余的工作表，或拆成几个文件"),
    ],
)
def test_what_is_no_workbook_is_told_so(data, says):
    assert refusal(data) == says


def test_a_hundred_thousand_rows_are_refused_in_little_memory():
    data = workbook([(code(number), number) for number in range(100_000)])
    tracemalloc.start()
    says = refusal(data)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert says == "表中的行数超过 2,000 行的上限，没有读入；请拆成几个文件，分几次办理"
    assert peak < 20_000_000


def test_a_few_rows_too_many_are_refused_too():
    rows = [(code(number), 1) for number in range(6)]
    assert refusal(workbook(rows), most=5).startswith("表中的行数超过 5 行的上限")
    assert len(read(workbook(rows[:5]), most=5).rows) == 5


GOOD = workbook([(A, 1)])
PART = "xl/worksheets/sheet1.xml"


def test_bombs_are_not_unpacked():
    bomb = changed(GOOD, PART, lambda _: b"<x>" + b" " * 60_000_000)
    assert len(bomb) < 200_000
    assert refusal(bomb).startswith("文件过大")
    assert refusal(changed(GOOD, "xl/styles.xml", lambda old: old + b" " * 9_000_000)).startswith("文件过大")
    blank = b"".join(b'<row r="%d"><c r="A%d" s="0"/></row>' % (at, at) for at in range(3, 150_000))
    assert refusal(changed(GOOD, PART, lambda old: old.replace(b"</sheetData>", blank + b"</sheetData>"))).startswith(
        "文件过大"
    )


@pytest.mark.parametrize(
    "forged",
    [
        b'<row r="99999999999"><c r="A1"><v>1</v></c></row>',
        b'<row r="x"><c r="A1"><v>1</v></c></row>',
        b'<row r="3"><c r="ZZZZ3"><v>1</v></c></row>',
        b'<row r="3"><c r="A3" t="s"><v>999999</v></c></row>',
        b'<row r="3"><c r="A3"><v>1e</v></c></row>',
        b'<row r="3"><c r="A3" s="999999"><v>1</v></c>',
    ],
)
def test_a_forged_sheet_is_refused(forged):
    data = changed(GOOD, PART, lambda old: old.replace(b"</sheetData>", forged + b"</sheetData>"))
    assert refusal(data) == NOT_ONE


def test_what_stands_far_out_is_refused():
    far = workbook([(A, 1)], more=lambda _book, page: page.cell(2, 40, "x"))
    assert refusal(far) == "第 26 列（Z 列）以后还有内容，没有读入；请使用样表，只保留样表中的列"


@pytest.mark.parametrize(
    ("part", "outcome"),
    [
        (PART, NOT_ONE),
        ("xl/workbook.xml", NOT_ONE),
        ("xl/sharedStrings.xml", [{"unit": A, "amount": 1}]),
        ("[Content_Types].xml", [{"unit": A, "amount": 1}]),
    ],
)
def test_entities_are_not_expanded(part, outcome):
    lines = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE x [<!ENTITY a0 "lol">{lines}]>'.encode()

    def with_bomb(old):
        begun = old.index(b">") + 1 if old.startswith(b"<?xml") else 0
        return old[:begun] + bomb + old[begun:].replace(b"</", b"&a9;</", 1)

    bomb_within = changed(GOOD, part, with_bomb)
    assert (refusal(bomb_within) if outcome == NOT_ONE else list(read(bomb_within).rows)) == outcome


@pytest.mark.filterwarnings("ignore::UserWarning")  # openpyxl tells of what it leaves out
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_file_is_refused_and_nothing_worse(data):
    part = data.draw(st.sampled_from([PART, "xl/workbook.xml", "xl/sharedStrings.xml", "xl/styles.xml", ""]))
    at, junk = data.draw(st.integers(0, 3000)), data.draw(st.binary(max_size=12))

    def spoil(content):
        place = at % (len(content) + 1)
        return content[:place] + junk + content[place + data.draw(st.integers(0, 40)) :]

    spoilt = changed(GOOD, part, spoil) if part else spoil(GOOD)
    with suppress(Refused):
        read(spoilt)


# what is given out


def test_a_sample_explains_its_columns_and_is_read_as_empty():
    given_out = sheet.written("各单位年度配额", ASKED)
    book = load_workbook(io.BytesIO(given_out))
    assert book.sheetnames == ["各单位年度配额", "填写说明"]
    page, notes = book.worksheets
    assert [cell.value for cell in page[1]] == [CODE, AMOUNT, NAME]
    assert page.column_dimensions["A"].number_format == "@"
    assert page.freeze_panes == "A2"
    assert [row[:2] for row in notes.iter_rows(min_row=2, values_only=True)] == [
        (CODE, "是"), (AMOUNT, "是"), (NAME, "否"), ("全表", None)
    ]  # fmt: skip
    assert notes["C2"].value == "必填；18 位统一社会信用代码，单元格为文本格式，不要改成数字"
    assert [fault.error.zh for fault in read(given_out).faults] == ["列名以下没有内容，请逐行填写后再导入"]


def test_nothing_that_is_given_out_is_a_formula_or_a_wrong_title():
    row = ["=HYPERLINK(1)", Decimal(5)]
    given_out = sheet.written("a/b:[c]*?" * 9, ASKED, [row, ["#N/A", Decimal("1234567890123456")]], {})
    page = load_workbook(io.BytesIO(given_out)).worksheets[0]
    assert len(page.title) <= 31
    assert [page["A2"].data_type, page["A3"].data_type, page["B3"].value] == ["s", "s", "1234567890123456"]


TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co")), min_size=1, max_size=20)
ROWS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "unit": st.sampled_from(list(NAMES)),
            "amount": st.integers(0, 10**15 - 1).map(str),
            "share": st.decimals(-(10**9), 10**9, places=4).map(str),
            "day": st.dates(date(1900, 3, 1), date(2199, 12, 31)).map(str),
            "year": st.integers(2000, 2100).map(str),
            "kind": st.sampled_from(["1", "2"]),
            "text": TEXTS,
        },
    ),
    min_size=1,
    max_size=12,
)
EVERY = forms.read(form({**TABLE, "properties": {"kind": "table"}, "validate": {}, "components": [
    {"type": "textfield", "key": "unit", "label": "单位", "properties": {"kind": "party"}},
    {"type": "number", "key": "amount", "label": "数量", "properties": {"kind": "amount"}},
    {"type": "number", "key": "share", "label": "比例", "decimalDigits": 4},
    {"type": "datetime", "key": "day", "label": "日期"},
    {"type": "number", "key": "year", "label": "年度", "properties": {"kind": "year"}},
    {"type": "select", "key": "kind", "label": "种类",
     "values": [{"label": "甲类", "value": "1"}, {"label": "乙类", "value": "2"}]},
    {"type": "textfield", "key": "text", "label": "说明"},
]}))  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_what_is_given_out_is_read_back_the_same(rows):
    table = EVERY.table("units")
    kept = EVERY.check({"units": rows}, {}).values.get("units", [])
    labels = ("单位", "数量", "比例", "日期", "年度", "种类", "说明")
    asked = [
        Heading(column, label, "", column.kind.options_of(None))
        for column, label in zip(table.columns, labels, strict=True)
    ]
    given_out = sheet.written("全部", asked, EVERY.lines(table, {"units": kept}), NAMES)
    found = read(given_out, asked)
    assert [fault for fault in found.faults if kept] == []
    assert kind_of(table).rows(list(found.rows)).stored == kept
    assert sheet.name_faults(found, asked, table, NAMES) == []
    assert json.dumps(kept)
