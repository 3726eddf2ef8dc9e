"""Uploaded files and letters shown in place: what is in them, and nothing that acts or leads out."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
import zlib

import pytest
from docx import Document
from openpyxl import Workbook

from portal.cases.models import Attachment, Task
from portal.documents import render as rendering
from portal.documents.models import Letter
from portal.storage import StoreUnavailable
from portal.web import previews
from tests.builders.pages import plain
from tests.web.test_letters_before_signing import HTMX

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n%%EOF\n"


def png():
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(*part) for part in ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0\0\0\0\0\0")), (b"IEND", b""))
    )


def word(*paragraphs, picture=False):
    document = Document()
    document.add_heading("产量说明", 1)
    for text in paragraphs:
        document.add_paragraph(text)
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "熟料", "158 万吨"
    if picture:
        document.add_picture(io.BytesIO(png()))
    return saved(document)


def sheet(rows=3):
    book = Workbook()
    book.active.title = "产量"
    for number in range(rows):
        book.active.append([f"第{number + 1}行", number * 1000])
    hidden = book.create_sheet("底稿")
    hidden.sheet_state = "hidden"
    return saved(book)


def saved(document):
    whole = io.BytesIO()
    document.save(whole)
    return whole.getvalue()


def forged(file, **parts):
    """A package with some parts put in or replaced (double underscores stand for slashes, the ending is .xml)."""
    whole = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(file)) as source, zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as target:
        names = {f"{name.replace('__', '/')}": data for name, data in parts.items()}
        for name in source.namelist():
            if name not in names:
                target.writestr(name, source.read(name))
        for name, data in names.items():
            target.writestr(name, data)
    return whole.getvalue()


@pytest.fixture
def files(portal):
    """A case and a way to have files in it."""
    task_id = portal.allocation()
    with portal.database.transaction() as tx:
        case_id = tx.get_one(Task, task_id).case_id

    def add(name, content, size=None):
        kind = name.rpartition(".")[2]
        key = f"file-{name}"
        portal.machine.store.put(key, content, len(content), "application/octet-stream", name)
        with portal.database.transaction() as tx:
            row = Attachment(
                case_id=case_id, uploaded_by_id=portal.people["zhou"], organisation_id=None, uploaded_at=portal.now,
                key=key, name=name, kind=kind, size=size or len(content),
                sha256=hashlib.sha256(content).hexdigest(),
            )  # fmt: skip
            tx.add(row)
            tx.flush()
            return row.id

    return add


def shown(portal, number, login="zhou", **headers):
    return portal.client(login).get(f"/attachments/{number}/preview", headers=headers)


def test_a_word_file_is_shown_with_its_tables_and_pictures(portal, files):
    page = shown(portal, files("说明.docx", word("按更正后的台账。", picture=True)))
    assert page.status_code == 200
    assert "产量说明 按更正后的台账。 熟料 158 万吨" in plain(page)
    assert "<table><tr><td><p>熟料</p></td>" in page.text
    assert '<img alt="" src="data:image/png;base64,' in page.text
    assert 'href="/attachments/' in page.text
    assert "版式、页眉页脚和批注以下载的文件为准" in page.text


def test_a_part_for_another_page(portal, files):
    page = shown(portal, files("说明.docx", word("甲")), **HTMX)
    assert page.text.lstrip().startswith("<section")
    assert "<html" not in page.text


def test_a_forged_word_file_brings_nothing_that_acts(portal, files):
    relation = (
        '<Relationship Id="rId99" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/image" '
        'Target="http://evil.example/p.png" TargetMode="External"/>'
        '<Relationship Id="rId98" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"'
        ' Target="javascript:alert(1)" TargetMode="External"/></Relationships>'
    )
    drawing = (
        '<w:p><w:hyperlink r:id="rId98"><w:r><w:t>&lt;script&gt;alert(1)&lt;/script&gt;</w:t></w:r></w:hyperlink><w:r>'
        '<w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing">'
        '<a:graphic xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><a:graphicData>'
        '<pic:pic xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:blipFill>'
        '<a:blip r:link="rId99"/></pic:blipFill></pic:pic></a:graphicData></a:graphic>'
        "</wp:inline></w:drawing></w:r></w:p>"
        "<w:sectPr"
    )
    file = word("甲")
    with zipfile.ZipFile(io.BytesIO(file)) as source:
        body = source.read("word/document.xml").decode().replace("<w:sectPr", drawing, 1)
        relations = source.read("word/_rels/document.xml.rels").decode().replace("</Relationships>", relation)
    style = "p => script:fresh\nr => iframe.x[src='http://evil.example']"
    made = forged(
        file,
        **{
            "word/document.xml": body,
            "word/_rels/document.xml.rels": relations,
            "mammoth/style-map": style,
        },
    )
    page = shown(portal, files("伪造.docx", made))
    assert page.status_code == 200
    part = page.text.partition('<div class="shown-word">')[2]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in part
    for word_ in ("<script", "<iframe", "evil.example", "javascript:"):
        assert word_ not in part.partition("</section>")[0], word_
    assert "〔图片未显示〕" in part


def test_a_bomb_is_not_unpacked(portal, files):
    bomb = forged(word("甲"), **{"word/media/big.png": b"\0" * 60_000_000})
    page = shown(portal, files("炸弹.docx", bomb))
    assert "文件内容过多或过于复杂，不能预览。请下载后查看。" in plain(page)
    entities = '<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>'
    page = shown(portal, files("实体.docx", forged(word("甲"), **{"word/document.xml": entities})))
    assert "文件已损坏，或者内容与扩展名不符，不能预览。请下载后查看。" in plain(page)


def test_a_file_that_takes_too_long_is_killed_and_told(portal, files, monkeypatch):
    monkeypatch.setattr(rendering, "MEMORY", 1)
    page = shown(portal, files("大.docx", word("甲")))
    assert "请下载后查看。" in plain(page)
    assert page.status_code == 200


UNSHOWN = [
    ("坏.docx", b"no zip at all", "文件已损坏，或者内容与扩展名不符，不能预览。"),
    ("坏.xlsx", b"PK\x03\x04 broken", "文件已损坏，或者内容与扩展名不符，不能预览。"),
    ("旧.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "文件加了密码，或者是旧版 Office 格式，不能预览。"),
    ("录音.mp3", b"ID3", "这种文件不能在线预览，请下载后查看。"),
    ("二进制.txt", b"a\0b", "文件已损坏，或者内容与扩展名不符，不能预览。"),
]


def test_what_cannot_be_shown_is_told_with_the_download(portal, files):
    for name, content, words in UNSHOWN:
        number = files(name, content)
        page = shown(portal, number)
        assert page.status_code == 200
        assert words in plain(page), name
        assert f'href="/attachments/{number}"' in page.text


def test_a_workbook_is_shown_as_tables(portal, files):
    page = shown(portal, files("产量.xlsx", sheet(3)))
    said = plain(page)
    assert "产量 1 第1行 0 2 第2行 1000 3 第3行 2000" in said
    assert "文件中有 1 张隐藏的工作表没有显示" in said
    assert "这里只显示前" not in said


def test_of_a_long_workbook_the_first_rows_are_shown(portal, files):
    said = plain(shown(portal, files("产量.xlsx", sheet(500))))
    assert "200 第200行 199000" in said
    assert "第201行" not in said
    assert "这里只显示前 200 行，请下载后查看全部。" in said


def test_plain_texts_and_tables_of_them(portal, files):
    assert "窑号：一号\n产量：158" in shown(portal, files("台账.txt", "窑号：一号\n产量：158".encode("gb18030"))).text
    page = shown(portal, files("台账.csv", "\ufeff窑号,产量\n一号,158\n".encode()))
    assert '<th scope="row">2</th><td>一号</td><td class="num">158</td>' in page.text
    long = shown(portal, files("长.txt", "长".encode() * 400_000))
    assert "文件较长，这里只显示开头部分" in plain(long)


def test_a_picture_is_shown_and_can_be_enlarged_without_script(portal, files):
    number = files("照片.png", png())
    page = shown(portal, number)
    broken = 'data-broken="图片不能显示，文件可能已损坏，请下载后查看。"'
    assert f'<img src="/attachments/{number}/shown" alt="照片.png" {broken}>' in page.text
    assert '<input type="checkbox" id="shown-zoom"' in page.text
    raw = portal.client("zhou").get(f"/attachments/{number}/shown")
    assert (raw.content_type, raw.data) == ("image/png", png())
    assert raw.headers["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert raw.headers["X-Frame-Options"] == "DENY"
    assert raw.headers["Content-Disposition"].startswith("inline;")


@pytest.mark.parametrize(
    ("name", "sent", "said"),
    [
        (
            "整幅.png",
            png()[:16] + struct.pack(">II", 20_000, 20_000) + png()[24:],
            "图片有 40,000 万像素，超过在线预览的上限 6,000 万像素，请下载后查看。",
        ),
        ("残缺.png", b"\x89PNG\r\n\x1a\n", "文件已损坏，或者内容与扩展名不符，不能预览。请下载后查看。"),
        ("残缺.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF", "文件已损坏，或者内容与扩展名不符，不能预览。请下载后查看。"),
    ],
    ids=("large", "cut png", "cut jpg"),
)
def test_a_picture_that_no_browser_shows_is_offered_for_download(portal, files, name, sent, said):
    number = files(name, sent)
    page = shown(portal, number)
    assert page.status_code == 200
    assert said in plain(page)
    assert "<img" not in page.text
    assert f'href="/attachments/{number}"' in page.text


def test_a_pdf_is_framed_by_its_own_page_alone(portal, files):
    number = files("报告.pdf", PDF)
    page = shown(portal, number)
    source = f"/attachments/{number}/shown#navpanes=0&amp;view=FitH"
    assert f'<iframe class="shown-pdf" src="{source}" title="报告.pdf"></iframe>' in page.text
    assert "说明浏览器不能显示 PDF，请下载后查看" in plain(page)
    assert "object-src 'none'" in page.headers["Content-Security-Policy"]
    raw = portal.client("zhou").get(f"/attachments/{number}/shown")
    assert raw.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert "script-src" not in raw.headers["Content-Security-Policy"]
    assert raw.headers["Content-Security-Policy"].endswith("frame-ancestors 'self'")
    assert raw.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert raw.headers["X-Content-Type-Options"] == "nosniff"
    download = portal.client("zhou").get(f"/attachments/{number}")
    assert download.headers["Content-Disposition"].startswith("attachment;")
    assert download.headers["X-Frame-Options"] == "DENY"


def test_only_pdfs_and_pictures_are_ever_sent_to_be_shown(portal, files):
    assert portal.client("zhou").get(f"/attachments/{files('a.docx', word('甲'))}/shown").status_code == 404


def test_a_file_above_the_limit_is_told_by_its_size(portal, files, monkeypatch):
    monkeypatch.setitem(previews._MOST, "word", 1000)
    said = plain(shown(portal, files("大.docx", word("甲"))))
    assert "超过在线预览的上限 1 KB，请下载后查看。" in said


def test_who_may_not_download_may_not_look(portal, files):
    number = files("说明.docx", word("甲"))
    for way in ("preview", "shown"):
        assert portal.client("wang").get(f"/attachments/{number}/{way}").status_code in (403, 404)
        assert portal.client().get(f"/attachments/{number}/{way}").status_code == 302


def test_while_the_store_is_away_the_page_says_so(portal, files, monkeypatch):
    number = files("说明.docx", word("甲"))

    def away(*_):
        raise StoreUnavailable(reason="away")

    monkeypatch.setattr(portal.machine.store, "get", away)
    page = shown(portal, number)
    assert "文件存储暂时不可用，请稍后再试。" in plain(page)


def test_a_letter_is_shown_to_officials_and_after_service_to_its_addressee(portal):
    _case, letter = portal.notice()
    with portal.database.transaction() as tx:
        found = tx.get_one(Letter, letter)
        template = portal.machine.kernel.releases.get(tx, found.release_id).content.files[found.template]
        data = found.data
    portal.rendered(letter, rendering.render(template, data, "https://portal.example/verify/X"))
    page = portal.client("chen").get(f"/letters/{letter}/preview")
    assert '<p class="letter-authority">重庆市生态环境局</p><p class="letter-number">渝环配' in page.text
    assert f'href="/letters/{letter}/file"' in page.text
    assert f'href="/letters/{letter}.pdf"' not in page.text
    assert portal.client("wang").get(f"/letters/{letter}/preview").status_code == 404
    own = portal.client("chen").get(f"/letters/{letter}")
    assert "效力 有效" in plain(own)
    wang = portal.client("wang")
    signed = wang.post(f"/my/letters/{letter}/sign")
    assert signed.location == f"/my/letters/{letter}"
    assert '<p class="letter-authority">重庆市生态环境局</p>' in wang.get(f"/letters/{letter}/preview").text


def test_a_letter_whose_file_was_altered_is_shown_to_nobody(portal):
    _case, letter = portal.notice()
    portal.rendered(letter)
    with portal.database.transaction() as tx:
        tx.get_one(Letter, letter).sha256 = "1" * 64
    page = portal.client("chen").get(f"/letters/{letter}/preview")
    assert "文件的内容与登记时的摘要（SHA-256）不一致，可能已损坏或被改动，不予显示和下载。" in plain(page)


def test_a_pdf_of_a_letter_is_had_where_there_is_one(portal):
    _case, letter = portal.notice()
    portal.rendered(letter)
    clerk = portal.client("tao")
    answer = clerk.get(f"/letters/{letter}.pdf")
    assert answer.status_code == 404
    assert "这份文书没有 PDF 版本，请下载 Word 版本。" in plain(answer)
    portal.machine.store.put("the pdf", PDF, len(PDF), "application/pdf")
    with portal.database.transaction() as tx:
        row = tx.get_one(Letter, letter)
        row.pdf_key, row.pdf_sha256, row.pdf_size = "the pdf", hashlib.sha256(PDF).hexdigest(), len(PDF)
    answer = clerk.get(f"/letters/{letter}.pdf")
    assert (answer.status_code, answer.data, answer.content_type) == (200, PDF, "application/pdf")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="file.pdf"')
    assert portal.client("wang").get(f"/letters/{letter}.pdf").status_code == 404
