"""Builds Word templates in the letter form (信函格式) of GB/T 9704-2012, from a small description."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import datetime

from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
from docx.enum.text import WD_LINE_SPACING as SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from portal.documents.render_child import repacked

RED = RGBColor(0xE6, 0x00, 0x12)
NAME_FONT, BODY_FONT, HEADING_FONT = "方正小标宋简体", "仿宋", "黑体"
BODY, LINE = Pt(16), Pt(28.95)
# The red lines are 170 mm wide and stand in the middle of the page; the text block is 156 mm.
LINE_LEFT, LINE_RIGHT = Mm(8), Mm(6)
# Eighths of a point; two single lines, for Word and LibreOffice do not agree on which of a double line's is above.
THICK, THIN = 20, 6
CODE_WIDTH = Mm(27)
COPIES = (
    "{%p if copies %}",
    "抄送：{% for copy in copies %}{{ copy.name }}{% if not loop.last %}，{% endif %}{% endfor %}。",
    "{%p endif %}",
)


@dataclass(frozen=True)
class Letter:
    """What a letter says; every text may hold placeholders. A body line that starts with # is a heading."""

    authority: str
    number: str
    title: str
    to: str
    body: tuple[str, ...]
    date: str = "{{ issued_at | day }}"
    after: tuple[str, ...] = field(default=COPIES)


def build(letter: Letter) -> bytes:
    """The .docx."""
    document = Document()
    _set_page(document.sections[0])
    _set_base(document)
    _styles(document)
    _content(document, letter)
    _footers(document)
    _mark_language(document)
    saved = io.BytesIO()
    document.save(saved)
    return repacked(saved.getvalue())


def plain(*lines: str, qr: bool = True) -> bytes:
    """A bare .docx of these paragraphs, for tests."""
    document = Document()
    for line in (*lines, *(["{{ qr }}"] if qr else [])):
        document.add_paragraph(line)
    saved = io.BytesIO()
    document.save(saved)
    return saved.getvalue()


def _set_page(section) -> None:
    """A4; the text block is 156 x 225 mm with 37 mm above it, on the first page the head begins at 30 mm."""
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.top_margin, section.bottom_margin = Mm(30), Mm(35)
    section.header_distance, section.footer_distance = Mm(24), Mm(19)
    section.different_first_page_header_footer = True
    grid = section._sectPr.find(qn("w:docGrid"))
    if grid is None:
        grid = OxmlElement("w:docGrid")
        section._sectPr.append(grid)
    # 22 lines; 28 characters of 16 pt fill the line by themselves. A grid of characters a hair narrower than
    # 16 pt makes LibreOffice give each one two cells.
    for name, value in (("type", "lines"), ("linePitch", "579")):
        grid.set(qn(f"w:{name}"), value)
    _spacer(section.first_page_header, Pt(1))
    _spacer(section.header, Mm(13))
    _spacer(section.even_page_header, Mm(13))


def _set_base(document) -> None:
    document.settings.odd_and_even_pages_header_footer = True
    normal = document.styles["Normal"]
    _font(normal.element.get_or_add_rPr(), BODY_FONT)
    normal.font.size = BODY
    form = normal.paragraph_format
    form.space_before = form.space_after = Pt(0)
    form.line_spacing_rule, form.line_spacing = SPACING.EXACTLY, LINE
    form.widow_control = False
    properties = document.core_properties
    properties.author = properties.last_modified_by = properties.comments = ""
    properties.created = properties.modified = datetime(2026, 1, 1)
    _forget_thumbnail(document)


def _styles(document) -> None:
    """The elements of an official letter as named styles: an analyst picks them, the preview knows them."""
    head = _style(document, "发文机关标志", ALIGN.CENTER, font=NAME_FONT, size=Pt(30))
    head.font.color.rgb = RED
    form = head.paragraph_format
    form.line_spacing = Pt(34)
    form.left_indent, form.right_indent = -LINE_LEFT, -LINE_RIGHT
    _off_grid(head)
    # 4 mm under the name, the thicker line above.
    _red_line(head.element.get_or_add_pPr(), "bottom", THICK, space=11)
    under = _style(document, "红色细线", ALIGN.CENTER, size=Pt(1))
    _thin_line(under.paragraph_format)
    _off_grid(under)
    _red_line(under.element.get_or_add_pPr(), "bottom", THIN, space=0)
    # 7/8 of a character's height under the red line.
    _style(document, "发文字号", ALIGN.RIGHT).paragraph_format.space_before = Pt(14)
    form = _style(document, "公文标题", ALIGN.CENTER, font=NAME_FONT, size=Pt(22)).paragraph_format
    form.space_before, form.space_after, form.line_spacing = LINE * 2, LINE, Pt(33)
    _style(document, "主送机关", ALIGN.LEFT)
    _indent_two_characters(_style(document, "公文正文", ALIGN.JUSTIFY))
    heading = _style(document, "一级标题", ALIGN.JUSTIFY, font=HEADING_FONT)
    _indent_two_characters(heading)
    heading.paragraph_format.keep_with_next = True
    form = _style(document, "发文机关署名", ALIGN.RIGHT).paragraph_format
    # The seal is set over name and date, as wide as a hand: two lines above, and as much room below.
    form.space_before, form.right_indent, form.keep_with_next = LINE * 2, Pt(60), True
    # Four characters in from the right; the authority stands in the middle over it.
    form = _style(document, "成文日期", ALIGN.RIGHT).paragraph_format
    form.right_indent, form.space_after, form.keep_with_next = Pt(64), LINE * 3 // 2, True
    form = _style(document, "抄送机关", ALIGN.JUSTIFY, size=Pt(14)).paragraph_format
    form.left_indent, form.right_indent, form.keep_with_next = Pt(14), Pt(14), True
    code = _style(document, "核验二维码", ALIGN.LEFT, size=Pt(10.5))
    code.paragraph_format.line_spacing_rule, code.paragraph_format.keep_with_next = SPACING.SINGLE, True
    _off_grid(code)


def _content(document, letter: Letter) -> None:
    document.add_paragraph(letter.authority, "发文机关标志")
    document.add_paragraph("", "红色细线")
    document.add_paragraph(letter.number, "发文字号")
    document.add_paragraph(letter.title, "公文标题")
    document.add_paragraph(f"{letter.to}：", "主送机关")
    for line in letter.body:
        last = document.add_paragraph(line.lstrip("# "), "一级标题" if line.startswith("#") else "公文正文")
    # No page holds the signature alone.
    last.paragraph_format.keep_with_next = True
    document.add_paragraph(letter.authority, "发文机关署名")
    document.add_paragraph(letter.date, "成文日期")
    for line in letter.after:
        document.add_paragraph(line, "抄送机关")
    _code(document)


def _code(document) -> None:
    """The code that leads to the verification page, with the address in words beside it."""
    document.add_paragraph("", "核验二维码")
    table = document.add_table(1, 2)
    table.autofit = False
    row = table.rows[0]
    for column, cell, width in zip(table.columns, row.cells, (CODE_WIDTH, Mm(156) - CODE_WIDTH), strict=True):
        column.width = cell.width = width
        cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
    undivided = OxmlElement("w:cantSplit")
    row._tr.get_or_add_trPr().append(undivided)
    _fill(row.cells[0], "{{ qr }}")
    _fill(row.cells[1], "扫描二维码核验本文书，或者访问：", "{{ verification.url }}", "核验码：{{ verification.code }}")


def _fill(cell, *lines: str) -> None:
    cell.paragraphs[0].text, cell.paragraphs[0].style = lines[0], "核验二维码"
    for line in lines[1:]:
        cell.add_paragraph(line, "核验二维码")


def _footers(document) -> None:
    """A red double line 20 mm above the edge of the first page, page numbers on the others."""
    section = document.sections[0]
    first = section.first_page_footer
    first.is_linked_to_previous = False
    # The thicker line below.
    for line, weight in ((first.paragraphs[0], THIN), (first.add_paragraph(), THICK)):
        _thin_line(line.paragraph_format)
        _red_line(line._p.get_or_add_pPr(), "bottom", weight, space=0)
    for footer, align in ((section.footer, ALIGN.RIGHT), (section.even_page_footer, ALIGN.LEFT)):
        footer.is_linked_to_previous = False
        number = footer.paragraphs[0]
        number.alignment = align
        number.paragraph_format.left_indent = number.paragraph_format.right_indent = Pt(14)
        number.paragraph_format.line_spacing_rule = SPACING.SINGLE
        number.paragraph_format.space_after = Mm(5)
        for part in ("— ", None, " —"):
            run = number.add_run(part or "")
            run.font.size = Pt(14)
            _font(run._r.get_or_add_rPr(), "宋体")
            if part is None:
                _page_field(run)


def _spacer(header, height) -> None:
    header.is_linked_to_previous = False
    form = header.paragraphs[0].paragraph_format
    form.line_spacing_rule, form.line_spacing = SPACING.EXACTLY, height


def _style(document, name: str, align, *, font=BODY_FONT, size=BODY):
    style = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = document.styles["Normal"]
    style.quick_style = True
    style.paragraph_format.alignment = align
    style.font.size = size
    if font != BODY_FONT:
        _font(style.element.get_or_add_rPr(), font)
    return style


def _forget_thumbnail(document) -> None:
    """The picture of python-docx's own empty document."""
    relations = document.part.package.rels
    for key in [key for key, relation in relations.items() if relation.reltype.endswith("/thumbnail")]:
        del relations[key]


def _font(properties, east_asian: str) -> None:
    fonts = properties.get_or_add_rFonts()
    for name in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{name}"), None)
    latin = "Times New Roman" if east_asian == BODY_FONT else east_asian
    for name, value in (("ascii", latin), ("hAnsi", latin), ("eastAsia", east_asian), ("hint", "eastAsia")):
        fonts.set(qn(f"w:{name}"), value)


def _indent_two_characters(style) -> None:
    style.paragraph_format.first_line_indent = BODY * 2
    style.element.pPr.ind.set(qn("w:firstLineChars"), "200")


def _thin_line(form) -> None:
    """A paragraph that is hardly more than its lower border."""
    form.line_spacing_rule, form.line_spacing = SPACING.EXACTLY, Pt(2)
    form.left_indent, form.right_indent = -LINE_LEFT, -LINE_RIGHT


def _off_grid(style) -> None:
    """Its lines stand where their own spacing puts them, not on the page's grid of 22."""
    grid = OxmlElement("w:snapToGrid")
    grid.set(qn("w:val"), "0")
    properties = style.element.get_or_add_pPr()
    properties.insert_element_before(grid, "w:spacing", "w:ind", "w:contextualSpacing", "w:jc", "w:rPr")


def _red_line(properties, side: str, weight: int, *, space: int) -> None:
    borders = OxmlElement("w:pBdr")
    line = OxmlElement(f"w:{side}")
    for name, value in (("val", "single"), ("sz", str(weight)), ("space", str(space)), ("color", str(RED))):
        line.set(qn(f"w:{name}"), value)
    borders.append(line)
    properties.insert_element_before(borders, "w:shd", "w:tabs", "w:snapToGrid", "w:spacing", "w:ind", "w:jc", "w:rPr")


def _page_field(run) -> None:
    for kind, text in (("begin", None), (None, "PAGE"), ("end", None)):
        element = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            element.set(qn("w:fldCharType"), kind)
        else:
            element.text = text
        run._r.append(element)


def _mark_language(document) -> None:
    """Else Japanese shapes of the characters may be shown."""
    properties = document.styles["Normal"].element.get_or_add_rPr()
    language = OxmlElement("w:lang")
    for name in ("val", "eastAsia"):
        language.set(qn(f"w:{name}"), "zh-CN")
    properties.append(language)
