"""Uploaded workbooks as other programs write them, as forgers do, and with what their own authors do not see."""

from __future__ import annotations

import io
import re
import tracemalloc
import zipfile
from datetime import datetime

import pytest
from openpyxl.utils import get_column_letter

from portal.forms import workbook as reading
from tests.builders.sheets import AMOUNT, CODE, HEADINGS, code, workbook
from tests.rules.test_forms_table_sheet import NOT_ONE, A, B, C, changed, faults, read, refusal, stored

SHEET, STRINGS, STYLES, BOOK = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml"
RELATIONS = "xl/_rels/workbook.xml.rels"
MAIN = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = b"http://purl.oclc.org/ooxml/spreadsheetml/main"
OFFICE = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def with_part(data, name, content):
    buffer = io.BytesIO(data)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def as_excel_writes(data):
    """The same workbook with its texts in a part of their own; openpyxl writes them into the cells."""
    texts = []

    def kept(found):
        texts.append(found[1])
        return b't="s"><v>%d</v></c>' % (len(texts) - 1)

    data = changed(data, SHEET, lambda old: re.sub(rb't="inlineStr"><is>(.*?)</is></c>', kept, old))
    relation = b'<Relationship Type="%s/sharedStrings" Target="sharedStrings.xml" Id="rIdS"/></Relationships>' % OFFICE
    data = changed(data, RELATIONS, lambda old: old.replace(b"</Relationships>", relation))
    return with_part(data, STRINGS, b'<sst xmlns="%s">%s</sst>' % (MAIN, b"".join(b"<si>%s</si>" % t for t in texts)))


TWO = workbook([(A, 1), (B, 2)])
SHARED = as_excel_writes(TWO)


def instead(old, new, data=TWO, part=SHEET):
    def replaced(content):
        assert old in content
        return content.replace(old, new, 1)

    return changed(data, part, replaced)


def rows_of(data):
    found = read(data)
    return found.numbers, found.rows, [fault.error.zh for fault in found.faults]


BOTH = ((2, 3), ({"unit": A, "amount": 1}, {"unit": B, "amount": 2}), [])

# what other programs write


def test_texts_are_read_from_the_part_they_share():
    assert rows_of(SHARED) == BOTH
    looks = b"<r><rPr><b/></rPr><t>%s</t></r><r><t>%s</t></r><rPh><t>shuo</t></rPh>" % (A[:9].encode(), A[9:].encode())
    assert rows_of(instead(b"<t>%s</t>" % A.encode(), looks, SHARED, STRINGS)) == BOTH
    assert refusal(instead(b"<v>2</v>", b"<v>999</v>", SHARED)) == NOT_ONE
    assert refusal(instead(b"<v>2</v>", b"<v>-1</v>", SHARED)) == NOT_ONE


def test_a_workbook_in_strict_names_is_read():
    data = SHARED
    for part in (SHEET, STRINGS, STYLES, BOOK):
        data = changed(data, part, lambda old: old.replace(MAIN, STRICT))
    assert rows_of(data) == BOTH


def test_rows_and_cells_without_numbers_follow_one_another():
    bare = changed(TWO, SHEET, lambda old: re.sub(rb'(<row|<c) r="[A-Z]*[0-9]+"', rb"\1", old))
    assert rows_of(bare) == ((2, 3), BOTH[1], [])


def test_days_are_counted_from_the_year_that_the_workbook_says():
    with_day = workbook([(A, datetime(2026, 1, 1))])
    says = "B2 是日期格式，请把单元格格式改为“常规”后重新填写"
    assert rows_of(with_day)[2] == [says]
    old_mac = instead(b"<workbookPr", b'<workbookPr date1904="1"', with_day, BOOK)
    assert rows_of(old_mac)[2] == [says]
    text = workbook([(datetime(2026, 1, 1), 1)])
    assert read(text).rows == ({"unit": "2026-01-01", "amount": 1},)
    assert read(instead(b"<workbookPr", b'<workbookPr date1904="1"', text, BOOK)).rows[0]["unit"] == "2030-01-02"


def test_comments_inside_a_value_do_not_cut_it():
    assert rows_of(instead(b"<v>2</v>", b"<v>1<!-- x -->7</v>"))[1][1] == {"unit": B, "amount": 17}


# numbers


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"9" * 5000, b"1" + b"0" * 400 + b".5"])
def test_a_number_that_is_none_any_more_is_a_fault_of_its_cell(number):
    data = instead(b"<v>2</v>", b"<v>%s</v>" % number)
    assert rows_of(data)[2] == ["B3 的数字过大，最多 15 位整数，请核对后重新填写"]
    assert [(fault.row, fault.column) for fault in read(data).faults] == [(3, AMOUNT)]
    as_code = instead(b't="inlineStr"><is><t>%s</t></is>' % B.encode(), b"><v>%s</v>" % number)
    assert [(fault.row, fault.column) for fault in read(as_code).faults] == [(3, CODE)]


@pytest.mark.parametrize("number", [b"NaN", b"inf", b"1_000", b"0x10", b"1e", "١".encode(), b"1 2"])
def test_what_is_no_number_is_a_damaged_file(number):
    assert refusal(instead(b"<v>2</v>", b"<v>%s</v>" % number)) == NOT_ONE


# rows and cells out of order


SECOND, THIRD = b'<row r="2"><c r="A2"', b'<row r="3"><c r="A3"'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'<row r="3"', b'<row r="2"'),
        (b'<row r="3"', b'<row r="1"'),
        (b'<row r="3"', b'<row r="0"'),
        (b'<row r="3"', b'<row r="1048577"'),
        (b'<row r="1"', b'<row r="0"'),
        (b'r="B3"', b'r="A3"'),
        (b'r="A3"', b'r="C3"'),
        (b'r="B3"', b'r="B4"'),
        (b'r="B3"', b'r="B0"'),
        (b"</sheetData>", b'</sheetData><sheetData><row r="9"><c r="A9"><v>1</v></c></row></sheetData>'),
        (b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="B"/></mergeCells>'),
        (b"</sheetData>", b'</sheetData><mergeCells><mergeCell/></mergeCells>'),
    ],
)  # fmt: skip
def test_rows_and_cells_ascend_or_nothing_is_read(old, new):
    data = instead(old, new)
    if b'r="2"' in new or b'r="1"' in new or b'r="0"' in new:
        row = re.search(rb'r="([0-9]+)"', new)[1]
        data = changed(data, SHEET, lambda part: re.sub(rb'r="([AB])3"', rb'r="\g<1>%s"' % row, part))
    assert refusal(data) == NOT_ONE


# what is hidden


def hide(*rows, columns=()):
    def more(_book, page):
        for row in rows:
            page.row_dimensions[row].hidden = True
        for column in columns:
            page.column_dimensions[column].hidden = True

    return more


def test_hidden_rows_are_neither_taken_nor_left_out_unseen():
    says = "行被隐藏或筛选掉了；请清除筛选、取消隐藏，核对这些行，不需要的整行删去，再导入"
    assert faults([(A, 1), (B, 2)], more=hide(3)) == [(None, "", f"第 3 {says}")]
    flat = instead(b'<row r="3"', b'<row r="3" ht="0" customHeight="1"')
    assert rows_of(flat) == ((), (), [f"第 3 {says}"])
    many = [(code(number), 1) for number in range(1, 9)]
    assert faults(many, more=hide(*range(2, 9))) == [(None, "", f"第 2、3、4、5、6 等 7 {says}")]
    assert read(workbook([(A, 1), (B, 2)], more=hide(3))).rows == ()


def test_hidden_rows_that_hold_nothing_or_stand_above_the_headings_do_no_harm():
    def titled(book, page):
        page.insert_rows(1)
        page["A1"] = "2025 年度"
        hide(1, 4, 6)(book, page)

    assert stored([(A, 1), (None, None), (B, 2), (None, None)], more=titled) == [
        {"unit": A, "amount": "1"}, {"unit": B, "amount": "2"},
    ]  # fmt: skip


def test_a_hidden_column_is_named():
    says = "列被隐藏了，但有内容；请取消隐藏，核对这一列，不需要的整列删去，再导入"
    assert faults([(A, 1)], more=hide(columns="B")) == [(None, "", f"B {says}")]
    assert stored([(A, 1)], more=hide(columns="D")) == [{"unit": A, "amount": "1"}]
    told = faults([(A, 1, "x")], (*HEADINGS, "备注"), hide(columns="C"))
    assert (None, "", f"C {says}") in told


def test_a_hidden_sheet_is_named_as_hidden_and_not_read():
    def more(book, page):
        page.sheet_state = "veryHidden"
        shown = book.create_sheet("今年")
        for row in (HEADINGS, (B, 9)):
            shown.append(row)
        book.create_sheet("底稿").sheet_state = "hidden"

    found = read(workbook([(A, 1)], more=more))
    assert (found.title, found.ignored) == ("今年", ("Sheet（隐藏）", "底稿（隐藏）"))
    assert found.rows == ({"unit": B, "amount": 9},)


# bombs


def junk(new, old=b"</sheetData>", part=SHEET, data=SHARED, after=True):
    return lambda: instead(old, old + new if after else new + old, data, part)


def over(columns, rows, cell):
    letters = [get_column_letter(at) for at in range(1, columns + 1)]
    lines = (
        f'<row r="{at}">' + "".join(cell.format(f"{letter}{at}") for letter in letters) + "</row>"
        for at in range(4, 4 + rows)
    )
    return junk("".join(lines).encode(), after=False)


def long_texts():
    return instead(
        b"</sst>",
        b"<si><t>%s</t></si></sst>" % (b"x" * 32_000),
        over(26, 1990, '<c r="{}" t="s"><v>4</v></c>')(),
        STRINGS,
    )


MERGED = "合并的单元格超过 100 处，没有读入；请选中整张工作表，取消合并，每一格分别填写后再导入"
SHEETS = "工作簿里的工作表超过 100 张，没有读入；请只留下要导入的那一张，另存后再导入"
TOO_MUCH = (
    "文件过大：其中的样式、名称、文字或带格式的空行过多，没有读入；请新下载样表，把各行内容“选择性粘贴”为数值后再导入"
)
UNPACKED = "文件过大（上限 5 MB），没有读入；请删去图片和多余的工作表，或拆成几个文件"
FORMATS = b'<numFmt numFmtId="200" formatCode="d"/>'
REF = b'<sheet xmlns:r="%s" name="a" sheetId="1" r:id="rId1"/>' % OFFICE
BOMBS = {
    "merged cells": (junk(b"<mergeCells>" + b'<mergeCell ref="A1:B2"/>' * 1_600_000 + b"</mergeCells>"), MERGED),
    "cell formats": (junk(b"<xf/>" * 1_600_000, b"</cellXfs>", STYLES, after=False), TOO_MUCH),
    "cell formats, fewer": (junk(b"<xf/>" * 100_000, b"</cellXfs>", STYLES, after=False), TOO_MUCH),
    "fonts": (junk(b"<font/>" * 1_100_000, b"</fonts>", STYLES, after=False), TOO_MUCH),
    "fonts, fewer": (junk(b"<font/>" * 280_000, b"</fonts>", STYLES, after=False), TOO_MUCH),
    "number formats": (junk(b"<numFmts>%s</numFmts>" % (FORMATS * 40_000), b"<fonts", STYLES, after=False), TOO_MUCH),
    "sheets": (junk(REF * 50_000, b"</sheets>", BOOK, after=False), TOO_MUCH),
    "sheets, fewer": (junk(REF * 10_000, b"</sheets>", BOOK, after=False), SHEETS),
    "names": (junk(b"<definedNames>%s</definedNames>" % (b'<definedName name="a">x</definedName>' * 200_000),
                   b"<calcPr", BOOK, after=False), TOO_MUCH),
    "relations": (junk(b'<Relationship Id="x" Type="y" Target="z"/>' * 180_000, b"</Relationships>", RELATIONS,
                       after=False), TOO_MUCH),
    "texts": (junk(b"<si/>" * 1_600_000, b"</sst>", STRINGS, after=False), TOO_MUCH),
    "pieces of a text": (junk(b"<si>%s</si>" % (b"<t/>" * 1_900_000), b"</sst>", STRINGS, after=False), TOO_MUCH),
    "texts in many places": (
        junk((b"<a>" + b"<b/>" * 40 + b"<si/></a>") * 90_000, b"</sst>", STRINGS, after=False),
        NOT_ONE,
    ),
    "one long text": (junk(b"<si><t>%s</t></si>" % (b"x" * 12_000_000), b"</sst>", STRINGS, after=False), NOT_ONE),
    "a long text everywhere": (long_texts, "表中的文字太多，没有读入；请拆成几个文件，分几次办理"),
    "cells of a row": (junk(b'<row r="4">%s</row>' % (b"<c/>" * 1_900_000), after=False), TOO_MUCH),
    "inside a cell": (junk(b'<row r="4"><c>%s</c></row>' % (b"<v/>" * 1_900_000), after=False), TOO_MUCH),
    "blank cells": (over(6, 99_000, '<c r="{}" s="0"/>'), TOO_MUCH),
    "blank cells in rows that hold something": (over(26, 1990, '<c r="{}"><v/></c>' + '<c/>' * 8), NOT_ONE),
    "columns": (junk(b"<cols>%s</cols>" % (b'<col min="1" max="16384" hidden="1"/>' * 1_000_000), b"<sheetData>",
                     after=False), TOO_MUCH),
    "formats by condition": (junk(b'<conditionalFormatting sqref="A1"><cfRule/></conditionalFormatting>' * 500_000),
                             TOO_MUCH),
    "lists to choose from": (junk(b"<dataValidations>%s</dataValidations>" % (b"<dataValidation/>" * 900_000)),
                             TOO_MUCH),
    "attributes": (junk(b" ".join(b'a%d=""' % at for at in range(300_000)), b"<sheetData ", data=instead(
        b"<sheetData>", b"<sheetData >", SHARED)), TOO_MUCH),
    "depth": (junk(b"<a>" * 100_000 + b"</a>" * 100_000), NOT_ONE),
    "declared attributes": (lambda: changed(TWO, SHEET, lambda old: b'<!DOCTYPE worksheet [<!ATTLIST c a CDATA "x">]>'
                                            + old), NOT_ONE),
}  # fmt: skip


@pytest.mark.parametrize("kind", BOMBS)
def test_what_is_made_to_cost_much_is_refused_in_little_memory(kind):
    made, says = BOMBS[kind]
    data = made()
    tracemalloc.start()
    told = refusal(data)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert told == says
    assert peak < 30_000_000


@pytest.mark.parametrize(
    "part",
    ["docProps/core.xml", "docProps/app.xml", "xl/theme/theme1.xml", "[Content_Types].xml", "docProps/custom.xml"],
)
def test_what_a_table_does_not_need_is_not_read(part, monkeypatch):
    data = TWO if part in zipfile.ZipFile(io.BytesIO(TWO)).namelist() else with_part(TWO, part, b"<a/>")
    heavy = changed(data, part, lambda old: old + b"<a/>" * 1_900_000)
    opened, read = [], zipfile.ZipFile.open

    def noting(archive, name, *args, **options):
        opened.append(getattr(name, "filename", name))
        return read(archive, name, *args, **options)

    monkeypatch.setattr(zipfile.ZipFile, "open", noting)
    assert rows_of(heavy) == BOTH
    assert part not in opened
    assert SHEET in opened


def test_a_file_of_very_many_parts_is_refused_before_they_are_listed():
    buffer = io.BytesIO(TWO)
    with zipfile.ZipFile(buffer, "a") as archive:
        for at in range(600):
            archive.writestr(f"{at}", b"")
    assert refusal(buffer.getvalue()) == UNPACKED


@pytest.mark.parametrize("way", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_parts_packed_in_other_ways_are_not_unpacked(way):
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(TWO)) as old, zipfile.ZipFile(buffer, "w", way) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    assert refusal(buffer.getvalue()) == NOT_ONE


@pytest.mark.parametrize("part", ["_rels/.rels", RELATIONS, BOOK, STYLES, STRINGS, SHEET])
def test_no_part_declares_what_its_elements_are(part):
    def declared(old):
        begun = old.index(b"?>") + 2 if old.startswith(b"<?xml") else 0
        return old[:begun] + b'<!DOCTYPE x [<!ENTITY a "b">]>' + old[begun:]

    assert refusal(changed(SHARED, part, declared)) == NOT_ONE
    assert refusal(changed(SHARED, part, lambda old: old.decode().encode("utf-16"))) == NOT_ONE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'r:id="rId1"', b""),
        (b'r:id="rId1"', b'r:id="rId99"'),
        (b'state="visible"', b'state="hidden"'),
    ],
)
def test_a_book_without_a_sheet_to_see_is_refused(old, new):
    def replaced(content):
        spoilt = re.sub(rb'\S+:id="rId1"', new, content) if b":id" in old else content.replace(old, new)
        assert spoilt != content
        return spoilt

    assert refusal(changed(TWO, BOOK, replaced)) == NOT_ONE


def test_a_hundred_merged_ranges_and_sheets_are_still_read():
    def more(book, page):
        for at in range(reading._MOST_MERGED):
            page.merge_cells(start_row=at * 2 + 1, end_row=at * 2 + 2, start_column=5, end_column=6)
        for at in range(reading._MOST_SHEETS - 1):
            book.create_sheet(f"去年{at}")

    found = read(workbook([(A, 1), (B, 2), (C, 3)], more=more))
    assert (len(found.rows), len(found.ignored)) == (3, 99)
