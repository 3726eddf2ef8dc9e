"""What a letter template may say, and what is refused before it can be published."""

import io
import re
import stat
import zipfile
from collections import defaultdict
from functools import cache

import pytest
from docx import Document
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from jinja2 import TemplateError

from portal.documents.filters import RenderFailed
from portal.documents.language import Environment, names
from portal.documents.template import placeholders
from portal.errors import ContentFaults
from portal.procedures import from_folder
from portal.procedures.releases import open_content
from tests.builders.letters import plain
from tests.builders.world import ROOT

TEMPLATES = sorted((ROOT / "documents").rglob("*.docx"))


def faults(template):
    with pytest.raises(ContentFaults) as refused:
        placeholders(template)
    assert all(fault.what and fault.mend for fault in refused.value.faults)
    return "；".join(str(fault) for fault in refused.value.faults)


def changed(template, name=None, data=None, **entry):
    """The template with a part put in or replaced."""
    whole = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(template)) as source,
        zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for part in source.namelist():
            if part != name:
                target.writestr(part, source.read(part))
        if name:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for key, value in entry.items():
                setattr(info, key, value)
            target.writestr(info, data)
    return whole.getvalue()


def part(template, name):
    with zipfile.ZipFile(io.BytesIO(template)) as source:
        return source.read(name).decode()


def saved(document):
    whole = io.BytesIO()
    document.save(whole)
    return whole.getvalue()


def test_paths_lists_and_filters_are_told():
    told = placeholders(
        plain(
            "{{ party.name }}：{{ case.filed_at | day }}，{{ start.amount|tonnes }}",
            '{% if review.conclusion == "变更" and not facts.late %}变{% elif check.reason %}原{% endif %}',
            "{%p for row in draw.experts %}",
            "{{ loop.index }}、{{ row.name }}{% if not loop.last %}；{% endif %}",
            "{%p endfor %}",
        )
    )
    assert told.paths == {
        "party.name", "case.filed_at", "start.amount", "review.conclusion", "facts.late", "check.reason",
        "draw.experts", "draw.experts.name",
    }  # fmt: skip
    assert told.lists == {"draw.experts"}
    assert told.filtered == {("case.filed_at", "day"), ("start.amount", "tonnes")}
    assert told.filters == {"day", "tonnes"}


def test_a_placeholder_torn_into_runs_by_word_is_one():
    document = Document(io.BytesIO(plain()))
    paragraph = document.add_paragraph("第{")
    for piece in ("{ par", "ty.", "name }", "}号"):
        paragraph.add_run(piece).bold = piece == "ty."
    assert placeholders(saved(document)).paths == {"party.name"}


def test_curly_quotes_that_word_puts_in_are_quotes():
    assert placeholders(plain("{% if review.conclusion == “变更” %}变{% endif %}")).paths == {"review.conclusion"}


def test_a_choice_among_texts_and_table_rows():
    document = Document(io.BytesIO(plain('{% if a.b in ("甲", "乙") %}甲乙{% endif %}')))
    table = document.add_table(3, 2)
    table.cell(0, 0).text = "{%tr for row in rows %}"
    table.cell(1, 0).text, table.cell(1, 1).text = "{{ row.unit }}", "{{ row.amount | number }}"
    table.cell(2, 0).text = "{%tr endfor %}"
    assert placeholders(saved(document)).paths == {"a.b", "rows", "rows.unit", "rows.amount"}


def test_headers_are_read_too():
    document = Document(io.BytesIO(plain()))
    document.sections[0].header.paragraphs[0].text = "{{ case.number }}"
    assert placeholders(saved(document)).paths == {"case.number"}


@cache
def recipients():
    """On whom the letters of each template of the repository are served, as the paths of their names."""
    found = defaultdict(set)
    for file in (ROOT / "bpmn").glob("*/regulation.toml"):
        published = open_content(0, from_folder(ROOT, file.parent.name))
        for slug, procedure in published.procedures.items():
            manifest = procedure.manifest
            named = {"party": "party.name", "filer": manifest.in_public and manifest.in_public.name}
            for document in manifest.documents.values():
                path = published.content.find("documents", slug, document.template)
                found[ROOT / path] |= {named[whom] for whom in document.serve}
    return found


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_figures_of_a_letter_do_not_break_across_lines(template):
    """Where Latin letters and figures are said to be Chinese, LibreOffice breaks lines between any two of them."""
    styles = part(template.read_bytes(), "word/styles.xml")
    assert re.findall(r'<w:lang w:val="([^"]+)" w:eastAsia="([^"]+)"/>', styles) == [("en-US", "zh-CN")]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_the_letters_of_the_repository_name_whom_they_are_for(template):
    assert template in recipients()
    named = recipients()[template]
    addressed = [one.text for one in Document(template).paragraphs if one.style.name == "主送机关"]
    assert addressed == [f"{{{{ {name} }}}}：" for name in named]
    # What is served on nobody, as the minutes of a meeting, says whose matter it is about.
    assert (named or {"party.name"}) <= placeholders(template.read_bytes()).paths


ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ self.__init__.__globals__.__builtins__ }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__['os'].system('id') }}",
    "{{ joiner.__init__.__globals__.os }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ config.items() }}",
    "{{ party.name.__class__ }}",
    "{{ party['__class__'] }}",
    "{{ party|attr('__class__') }}",
    "{{ party.items() }}",
    "{{ party.name.upper() }}",
    "{{ '%s' % party }}",
    "{{ '{0.__class__}'.format(party) }}",
    "{{ party.name|format(1) }}",
    "{{ [1,2]|map('upper')|list }}",
    "{{ range(10**9)|list }}",
    "{{ 'a' * 10**9 }}",
    "{{ 9**9**9 }}",
    "{{ 7*7 }}",
    "{{ dict(a=1) }}",
    "{{ _missing }}",
    "{{ party.name ~ party.name }}",
    "{{ 'x' if party else 'y' }}",
    "{{ party.name[0] }}",
    "{{ party.name[:3] }}",
    "{{ loop.__class__ }}",
    "{{ -party }}",
    "{% set x = 1 %}",
    "{% macro m() %}{{ m() }}{% endmacro %}",
    "{% include 'etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% from 'a' import b %}",
    "{% extends 'a' %}",
    "{% block a %}{% endblock %}",
    "{% call party() %}{% endcall %}",
    "{% filter upper %}x{% endfilter %}",
    "{% raw %}{{ party }}{% endraw %}",
    "{% autoescape false %}{{ party.name }}{% endautoescape %}",
    "{% with a = 1 %}{% endwith %}",
    "{% for a in range(99999999) %}x{% endfor %}",
    "{% for a in party recursive %}{{ loop(a) }}{% endfor %}",
    "{% for a in rows if a.b %}x{% endfor %}",
    "{% for a, b in rows %}x{% endfor %}",
    "{% for a in rows %}{{ loop.cycle('a') }}{% endfor %}",
    "{% if party.name.startswith('a') %}x{% endif %}",
    "{% if party.amount > 5 %}x{% endif %}",
    "{% if party.amount == 5 %}x{% endif %}",
    "{% if party is mapping %}x{% endif %}",
    "{% colspan 99 %}",
    "{% cellbg party %}",
    "{% vm %}",
    "{%r if party %}x{%r endif %}",
    "{{r party.name }}",
    "{{p party.name }}",
    "{%- if party %}x{% endif %}",
    "{{ party.name | day('x') }}",
    "{{ party.name | safe }}",
    "{{ party.name | escape | upper }}",
    "{{ 'text' }}",
]


@pytest.mark.parametrize("payload", ESCAPES)
def test_what_is_no_placeholder_is_refused(payload):
    faults(plain("{{ party.name }}", payload))


def evaluated(payload):
    """What comes out when the check is passed over; nothing when the language refuses."""
    data = names({"party": {"name": "渝", "amount": "5"}, "rows": [{"b": "1"}]})
    try:
        return Environment().from_string(payload).render(data)
    except (TemplateError, RenderFailed, TypeError, ValueError):
        return ""


@pytest.mark.parametrize("payload", ESCAPES)
def test_behind_the_check_the_language_itself_is_inert(payload):
    said = evaluated(payload)
    assert not any(word in said for word in ("49", "uid=", "<class", "object at", "built-in", "root:"))
    assert len(said) < 40


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{{ party.name", "没有写完整"),
        ("party }} name", "没有写完整"),
        ("用 {大括号} 的正文", "没有写完整"),
        ("{{ party.name }", "没有写完整"),
        ("{{ 甲 {{ 乙 }} }}", "没有写完整"),
        ("{{ " + "a" * 600 + " }}", "没有写完整"),
        ("{{ party..name }}", "写法有误"),
        ("{{ documents.allocation-notice.number }}", "不允许的写法"),
        ("{{ party.name | 日期 }}", "不认识的写法"),
        ("{% if a %}没有结束", "没有结束"),
        ("{%p if a %} 同段文字", "会丢失"),
        ("{%tr for a in b %}", "表格行"),
        ("二维码：{{ qr }}", "独占一段"),
        ("{%p endif %}", "开头不在同一处"),
    ],
)
def test_malformed_writing_is_explained(line, said):
    assert said in faults(plain(line))


def test_a_condition_over_paragraphs_needs_its_own_paragraphs():
    assert "不在同一处" in faults(plain("{% if a %}甲", "乙{% endif %}"))
    assert placeholders(plain("{%p if a %}", "甲", "{%p endif %}")).paths == {"a"}


def test_a_letter_needs_its_code():
    assert "核验二维码" in faults(plain("{{ party.name }}", qr=False))
    document = Document(io.BytesIO(plain(qr=False)))
    document.sections[0].footer.paragraphs[0].text = "{{ qr }}"
    assert "页眉页脚" in faults(saved(document))


def test_placeholders_where_nobody_sees_them_are_refused():
    document = Document(io.BytesIO(plain()))
    deleted = OxmlElement("w:delText")
    deleted.text = "{{ party.name }}"
    document.paragraphs[0].runs[0]._r.append(deleted)
    assert "看不见" in faults(saved(document))
    document = Document(io.BytesIO(plain()))
    document.paragraphs[0].runs[0]._r.set(qn("w:rsidR"), "{{ party.name }}")
    assert "看不见" in faults(saved(document))
    document = Document(io.BytesIO(plain()))
    document.core_properties.title = "{{ 7*7 }}"
    assert "文件属性" in faults(saved(document))


@pytest.mark.parametrize("data", [b"", b"PK", b"<html>", b"%PDF-1.7", b"PK\x03\x04" + b"0" * 200])
def test_what_is_no_word_file_is_refused(data):
    assert "Word" in faults(data)


def test_other_kinds_of_office_files_are_refused():
    types = part(plain(), "[Content_Types].xml")
    macro = types.replace(
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
        "application/vnd.ms-word.document.macroEnabled.main+xml",
    )
    assert ".docm" in faults(changed(plain(), "[Content_Types].xml", macro))
    assert "宏" in faults(changed(plain(), "word/vbaProject.bin", b"x"))
    assert "嵌入对象" in faults(changed(plain(), "word/embeddings/oleObject1.bin", b"x"))


@pytest.mark.parametrize("kind", ["attachedTemplate", "image", "oleObject", "frame", "subDocument"])
def test_content_from_elsewhere_is_refused(kind):
    relations = part(plain(), "word/_rels/document.xml.rels").replace(
        "</Relationships>",
        '<Relationship Id="rIdX" TargetMode="External" Target="http://198.51.100.7/t.dotm" '
        f'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}"/></Relationships>',
    )
    assert "外部内容" in faults(changed(plain(), "word/_rels/document.xml.rels", relations))


@pytest.mark.parametrize("code", ["DDEAUTO c:\\\\windows\\\\cmd.exe", "INCLUDETEXT x", "DATE", "DD", "HYPERLINK x"])
def test_fields_other_than_page_numbers_are_refused(code):
    document = Document(io.BytesIO(plain()))
    field = OxmlElement("w:instrText")
    field.text = code
    document.paragraphs[0].add_run()._r.append(field)
    assert "域" in faults(saved(document))


@pytest.mark.parametrize(
    "entity",
    [
        '<!DOCTYPE x [<!ENTITY a "b">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://198.51.100.7/x.dtd">',
    ],
)
def test_doctypes_are_refused(entity):
    document = part(plain(), "word/document.xml").replace("?>", f"?>{entity}", 1)
    assert "DOCTYPE" in faults(changed(plain(), "word/document.xml", document))


def test_zip_bombs_are_refused():
    assert "压缩比" in faults(changed(plain(), "word/media/a.bin", b"\0" * 20_000_000))
    assert "解压后" in faults(changed(plain(), "word/media/a.bin", b"\0" * 40_000_000))
    assert "不正常" in faults(changed(plain(), "../../etc/passwd", b"x"))
    assert "不正常" in faults(changed(plain(), "/etc/passwd", b"x"))
    link = (stat.S_IFLNK | 0o777) << 16
    assert "不正常" in faults(changed(plain(), "word/link", b"/etc/passwd", external_attr=link))
    many = io.BytesIO(plain())
    with zipfile.ZipFile(many, "a") as archive:
        for count in range(400):
            archive.writestr(f"word/{count}", b"")
    assert "过多" in faults(many.getvalue())


def test_a_size_that_lies_is_found():
    template = changed(plain(), "word/media/a.bin", b"\0" * 1_000_000)
    assert "损坏" in faults(template.replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", ["{{r ", "{", "{% ", "{{ a }}", "{{ a }", "<w:tab/>"])
def test_a_text_made_to_hang_the_check_does_not(piece):
    filling = piece if "<" in piece else f"<w:t>{piece}</w:t>"
    document = part(plain(), "word/document.xml")
    start = document.index("<w:body>") + len("<w:body>")
    count = 1_500_000 // len(filling)
    bomb = f"{document[:start]}<w:p><w:r>{filling * count}</w:r></w:p>{document[start:]}"
    template = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(plain())) as source, zipfile.ZipFile(template, "w") as target:
        for name in source.namelist():
            target.writestr(name, bomb if name == "word/document.xml" else source.read(name))
    assert faults(template.getvalue()) if "<" not in piece else placeholders(template.getvalue())
