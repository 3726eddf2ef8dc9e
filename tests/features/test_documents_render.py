"""Letters as files: what was said appears as it was said, and no template can hold up or harm the portal."""

import hashlib
import io
import signal
import socket
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from docx import Document
from docx.oxml.ns import qn
from docx.shared import Mm

from portal.documents import render as rendering
from portal.documents.filters import RenderFailed, ValueMissing, ValueUnfit
from portal.documents.preview import preview
from portal.documents.render import RenderBroke, RenderTooLarge, RenderTooLong, TemplateFaulty, render
from tests.builders.letters import plain

URL = "https://portal.example/verify/7K3M9QXT2B4VHN8R"
TEMPLATES = Path(__file__).parents[2] / "documents" / "chongqing-ets" / "_shared"
DATA = {
    "number": "渝环复〔2026〕3号",
    "title": "复核决定书",
    "issued_at": "2026-10-12T10:00:00+08:00",
    "documents": {
        "notice": {"number": "渝环配〔2026〕17号"},
        "decision": {"number": "渝环复〔2026〕3号"},
        "refusal": {"number": "渝环拒〔2026〕3号"},
        "adjustment": {"number": "渝环变〔2026〕3号"},
    },
    "about": {
        "documents": {"notice": {"number": "渝环配〔2026〕17号", "title": "碳排放配额分配通知书"}},
        "start": {"year": "2025", "amount": "1200000"},
    },
    "with": {"figure": "年度配额", "right": "第十一条第二款"},
    "periods": {"objection": "9个工作日", "decision": "12个工作日"},
    "party": {"name": "重庆某某钢铁有限公司", "uscc": "91110000802100433B"},
    "case": {"number": "渝环复案〔2026〕1号", "filed_at": "2026-10-08T23:59:59+08:00"},
    "start": {"year": "2025", "amount": "1204905", "claimed_amount": "1300000", "grounds": "产量数据有误。"},
    "review": {
        "conclusion": "变更",
        "amount": "1250000",
        "reasons": "经核对，产量数据属实。\n据此应当调整。",
    },
    "draft": {"findings": "产量台账与检测报告一致。"},
    "check": {"result": "不予受理", "reason": "申请人于期限届满后提出，且未说明正当理由。"},
    "copies": [{"name": "碳排放权注册登记机构"}, {"name": "某区生态环境局"}],
    "verification": {"code": "7K3M-9QXT-2B4V-HN8R"},
}


def lines(letter):
    return [paragraph.text for paragraph in Document(io.BytesIO(letter)).paragraphs]


def said(*template, **data):
    """The paragraphs of a bare letter, without that of the code."""
    return lines(render(plain(*template), data, URL))[:-1]


@pytest.mark.parametrize("conclusion", ["维持", "变更", "撤销重作"])
def test_a_decision_says_what_was_decided(conclusion):
    data = {**DATA, "review": {**DATA["review"], "conclusion": conclusion}}
    text = "\n".join(lines(render((TEMPLATES / "review-decision.docx").read_bytes(), data, URL)))
    assert "渝环复〔2026〕3号\n复核决定书\n重庆某某钢铁有限公司：" in text
    assert "我局于2026年10月8日收到该申请" in text
    assert "经核对，产量数据属实。\n据此应当调整。" in text
    assert ("变更为1,250,000吨二氧化碳当量" in text) == (conclusion == "变更")
    assert ("维持《碳排放配额分配通知书》（渝环配〔2026〕17号）确定的年度配额。" in text) == (conclusion == "维持")
    assert ("撤销《碳排放配额分配通知书》" in text) == (conclusion == "撤销重作")
    assert "申请行政复议" in text
    assert "2026年10月12日\n抄送：碳排放权注册登记机构，某区生态环境局。" in text
    assert "{" not in text


@pytest.mark.parametrize("name", ["allocation-notice", "review-refusal", "adjustment-notice", "verification-notice"])
def test_the_other_letters_of_the_first_set_are_filled(name):
    text = "\n".join(lines(render((TEMPLATES / f"{name}.docx").read_bytes(), {**DATA, "copies": []}, URL)))
    assert "重庆某某钢铁有限公司：" in text
    assert ("第二十五条第二款" if name.startswith("verification") else "第十一条第二款") in text
    if name.endswith("-notice") and name != "adjustment-notice":
        assert "之日起9个工作日内" in text
        assert "自接到复核申请之日起12个工作日内作出复核决定" in text
    assert "抄送：" not in text
    assert "{" not in text


@pytest.mark.parametrize(
    "value",
    [
        "<b>&x",
        "a < b > c & d \" e ' f",
        "&lt;script&gt;&amp;#60;",
        "{{ 7*7 }}",
        "{% if 1 %}x{% endif %}",
        "{_{ 7 }_} {_% x %_}",
        "{# 注释 #}",
        "𰻝𠮷㐂䶮𬎆龘",
        "</w:t></w:r></w:p><w:p>",
        "]]><![CDATA[",
        "  两头有空格  ",
        "制表\t符",
        "e\u0301é“”‘’—…〔〕",
        "😀",
        "a" * 4000,
        "\\N{DIGIT ONE} %s {0}",
    ],
)
def test_values_appear_as_they_were_written(value):
    assert said("甲{{ review.reasons }}乙", review={"reasons": value}) == [f"甲{value}乙"]


def test_values_are_not_evaluated_in_headers_or_properties():
    document = Document(io.BytesIO(plain()))
    document.add_section()
    document.sections[0].header.paragraphs[0].text = "{{ a }}"
    template = io.BytesIO()
    document.save(template)
    letter = Document(io.BytesIO(render(template.getvalue(), {"a": "{{ 7*7 }}", "title": "{{ 7*7 }}"}, URL)))
    assert letter.sections[0].header.paragraphs[0].text == "{{ 7*7 }}"
    assert letter.core_properties.title == "{{ 7*7 }}"


def test_a_line_break_starts_a_paragraph_of_the_same_form():
    document = Document(io.BytesIO(plain()))
    document.paragraphs[0].insert_paragraph_before("理由：{{ a }}").paragraph_format.first_line_indent = 406400
    template = io.BytesIO()
    document.save(template)
    letter = Document(io.BytesIO(render(template.getvalue(), {"a": "一\r\n二\n\n三"}, URL)))
    assert [paragraph.text for paragraph in letter.paragraphs[:4]] == ["理由：一", "二", "", "三"]
    assert {paragraph.paragraph_format.first_line_indent for paragraph in letter.paragraphs[:4]} == {406400}


def test_signs_that_no_document_can_hold_are_left_out():
    assert said("{{ a }}", a="甲\x00\x07\x0b\x0c\ud800\ufffe乙") == ["甲乙"]


def test_conditions_lists_and_yes_and_no():
    template = (
        "{%p for row in rows %}",
        "{{ loop.index }}.{{ row.unit }}",
        "{%p endfor %}",
        "{% if missing.path %}有{% else %}无{% endif %}{{ yes }}{{ no }}",
    )
    assert said(*template, rows=[{"unit": "甲"}, {"unit": "乙"}], yes=True, no=False) == [
        "1.甲",
        "2.乙",
        "无是否",
    ]


def test_names_that_dictionaries_have_are_names():
    assert said("{{ a.items }}{{ a.get }}{{ a.values }}", a={"items": "1", "get": "2", "values": "3"}) == ["123"]


@pytest.mark.parametrize("data", [{}, {"review": {}}, {"review": {"amount": None}}, {"review": None}])
@pytest.mark.parametrize("placeholder", ["{{ review.amount }}", "{{ review.amount | tonnes }}"])
def test_a_missing_value_is_no_blank(data, placeholder):
    with pytest.raises(ValueMissing) as refused:
        render(plain(placeholder), data, URL)
    assert refused.value.text("zh") == "文书中的“review.amount”没有内容。"


@pytest.mark.parametrize(
    ("placeholder", "value"), [("{{ a | day }}", "明天"), ("{{ a | tonnes }}", "许多"), ("{{ a }}", {"b": 1})]
)
def test_a_value_that_cannot_be_written_so_is_refused(placeholder, value):
    with pytest.raises(ValueUnfit):
        render(plain(placeholder), {"a": value}, URL)


def test_the_same_letter_has_the_same_bytes():
    template = (TEMPLATES / "review-decision.docx").read_bytes()
    first = render(template, DATA, URL)
    time.sleep(2.1)  # the resolution of a time in a zip
    assert hashlib.sha256(render(template, DATA, URL)).digest() == hashlib.sha256(first).digest()
    assert render(template, {**DATA, "number": "渝环复〔2026〕4号"}, URL) != first


def test_properties_tell_of_the_letter_not_of_the_template():
    properties = Document(io.BytesIO(render(plain(), DATA, URL))).core_properties
    assert (properties.title, properties.subject) == ("复核决定书", "渝环复〔2026〕3号")
    assert (properties.author, properties.last_modified_by, properties.comments) == ("", "", "")
    assert properties.created.replace(tzinfo=None) == datetime(2026, 10, 12, 2)


def test_the_code_has_room_and_words():
    letter = render((TEMPLATES / "review-decision.docx").read_bytes(), DATA, URL)
    [code, words] = Document(io.BytesIO(letter)).tables[0].rows[0].cells
    [paragraph] = code.paragraphs
    assert [line.text for line in words.paragraphs][1:] == [URL, "核验码：7K3M-9QXT-2B4V-HN8R"]
    assert paragraph.paragraph_format.line_spacing == 1.0
    assert paragraph._p.find(f".//{qn('wp:docPr')}").get("descr") == "核验二维码"
    with zipfile.ZipFile(io.BytesIO(letter)) as package:
        assert package.read("word/media/image1.png").startswith(b"\x89PNG")


def test_a_faulty_template_is_refused_when_rendering_too():
    with pytest.raises(TemplateFaulty) as refused:
        render(plain("{{ ''.__class__ }}"), {}, URL)
    assert "占位符只能是名称" in refused.value.text("zh")
    with pytest.raises(TemplateFaulty):
        render(b"no docx", {}, URL)


def test_a_choice_that_would_tear_the_document_is_refused_not_repaired():
    """Beginning and end stand in one paragraph, but only one of them inside the link."""
    document = Document(io.BytesIO(plain("{% if a %}甲")))
    paragraph = document.paragraphs[0]
    hyperlink = paragraph._p.makeelement(qn("w:hyperlink"), {qn("w:anchor"): "top"})
    hyperlink.append(paragraph._p.r_lst[0])
    paragraph._p.append(hyperlink)
    paragraph.add_run("乙{% endif %}")
    template = io.BytesIO()
    document.save(template)
    with pytest.raises(RenderBroke):
        render(template.getvalue(), {}, URL)


@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.docx")), ids=lambda path: path.stem)
def test_the_first_set_has_the_letter_form(template):
    """GB/T 9704-2012, letter form: page, text block, and red lines of 170 mm."""
    document = Document(str(template))
    page = document.sections[0]
    assert (page.page_width.mm, page.page_height.mm) == (pytest.approx(210, abs=0.1), pytest.approx(297, abs=0.1))
    assert (page.page_width - page.left_margin - page.right_margin) / Mm(1) == pytest.approx(156, abs=0.1)
    assert page.left_margin.mm == pytest.approx(28, abs=0.1)
    assert page.bottom_margin.mm == pytest.approx(35, abs=0.1)
    assert page.top_margin.mm == pytest.approx(30, abs=0.1)
    footer = page.first_page_footer.paragraphs[0].paragraph_format
    for form in (document.styles["发文机关标志"].paragraph_format, footer):
        width = page.page_width - page.left_margin - page.right_margin - form.left_indent - form.right_indent
        assert width / Mm(1) == pytest.approx(170, abs=0.1)
    assert page.different_first_page_header_footer
    assert document.styles["Normal"].font.size.pt == 16
    assert document.styles["公文标题"].font.size.pt == 22


ROWS = {"rows": ["x"] * 3000}


def test_a_template_that_takes_too_long_is_killed():
    loops = "".join(f"{{% for {name} in rows %}}" for name in "abc") + "{% endfor %}" * 3
    with pytest.raises(RenderTooLong) as refused:
        render(plain(loops), ROWS, URL, seconds=2)
    assert "超过 2 秒" in refused.value.text("zh")


def test_a_template_that_takes_too_much_memory_is_stopped():
    with pytest.raises(RenderTooLarge):
        render(plain("{% for a in rows %}{{ big }}{% endfor %}"), {**ROWS, "big": "x" * 1_000_000}, URL)


def test_a_letter_that_grows_beyond_all_measure_is_refused():
    with pytest.raises(RenderFailed):
        render(plain("{{ a }}"), {"a": "\n" * 3_000_000}, URL)


@pytest.fixture
def prepared(monkeypatch):
    """A prepared child of this test's own."""
    own = rendering._Prepared()
    monkeypatch.setattr(rendering, "_PREPARED", own)
    yield own
    own.close()


def test_the_child_inherits_no_secrets(monkeypatch, prepared):
    """The environment of the portal holds passwords; the child gets none of it."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    render(plain(), {}, URL)
    environment = Path(f"/proc/{prepared._child.pid}/environ").read_bytes().split(b"\0")
    assert {line.partition(b"=")[0] for line in environment if line} <= {
        b"PYTHONHASHSEED", b"PYTHONDONTWRITEBYTECODE", b"LC_CTYPE",
    }  # fmt: skip


def test_a_prepared_child_serves_many_and_each_gets_its_own(prepared):
    with ThreadPoolExecutor(8) as threads:
        letters = list(threads.map(lambda n: said("{{ a }}", a=f"第{n}号"), range(40)))
    assert letters == [[f"第{n}号"] for n in range(40)]
    first = prepared._child.pid
    said("{{ a }}", a="x")
    assert prepared._child.pid == first


def test_what_hangs_holds_up_no_other(prepared):
    said("甲")
    loops = "".join(f"{{% for {name} in rows %}}" for name in "abc") + "{% endfor %}" * 3
    with ThreadPoolExecutor(2) as threads:
        hanging = threads.submit(render, plain(loops), ROWS, URL, seconds=6)
        time.sleep(0.3)
        assert said("甲") == ["甲"]
        assert not hanging.done()
        with pytest.raises(RenderTooLong):
            hanging.result()
    assert said("甲") == ["甲"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_child_that_died_is_replaced(prepared, number):
    said("甲")
    first = prepared._child
    first.send_signal(number)
    first.wait()
    assert said("甲") == ["甲"]
    assert prepared._child.pid != first.pid


def test_a_child_that_dies_over_a_letter_is_replaced_too(prepared):
    said("甲")
    first = prepared._child
    first.send_signal(signal.SIGSTOP)
    with ThreadPoolExecutor(1) as threads:
        letter = threads.submit(said, "甲")
        time.sleep(0.2)
        first.kill()
        assert letter.result() == ["甲"]


def test_a_letter_whose_child_was_killed_is_not_cut_short(prepared):
    """The letter's own process goes on for a while; nobody tells how it ended."""
    said("甲")
    loops = "".join(f"{{% for {name} in rows %}}" for name in "abc") + "{% endfor %}" * 3 + "{{ a }}"
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(said, loops, rows=["x"] * 100, a="全文")
        time.sleep(0.3)
        prepared._child.kill()
        assert slow.result() == ["全文"]


def test_a_child_that_answers_no_more_is_given_up(prepared, monkeypatch):
    said("甲")
    first = prepared._child
    monkeypatch.setattr(rendering, "_SLACK", 0.2)
    first.send_signal(signal.SIGSTOP)
    with pytest.raises(RenderTooLong):
        render(plain(), {}, URL, seconds=0.3)
    assert first.returncode == -signal.SIGKILL
    assert said("甲") == ["甲"]


def test_a_child_without_work_gives_its_memory_back():
    control, its = socket.socketpair()
    script = f"from portal.documents import render_child as it\nit.IDLE = 0.2\nit.main({its.fileno()})"
    root = Path(__file__).parents[2]
    with control, its:
        subprocess.run([sys.executable, "-c", script], cwd=root, pass_fds=[its.fileno()], check=True, timeout=20)


def test_the_child_ends_with_its_parent():
    script = (
        "import os\nfrom portal.documents import render\n"
        "render._PREPARED._alive()\nprint(render._PREPARED._child.pid, flush=True)\nos.kill(os.getpid(), 9)"
    )
    root = Path(__file__).parents[2]
    parent = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False)
    child = Path("/proc", parent.stdout.strip())
    end = time.monotonic() + 10
    while child.exists() and "Z" not in (child / "stat").read_text().rpartition(")")[2]:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_preview_shows_text_and_form():
    page = preview(render((TEMPLATES / "review-decision.docx").read_bytes(), DATA, URL))
    assert '<h1 class="letter-title">复核决定书</h1>' in page
    assert '<p class="letter-number">渝环复〔2026〕3号</p>' in page
    assert 'src="data:image/png;base64,' in page


def test_the_preview_has_nothing_that_acts():
    values = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    document = Document(io.BytesIO(plain("{{ a }}")))
    link = document.part.relate_to(
        "javascript:alert(1)",
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink",
        is_external=True,
    )
    paragraph = document.paragraphs[0]._p
    hyperlink = paragraph.makeelement(qn("w:hyperlink"), {qn("r:id"): link})
    hyperlink.append(paragraph.r_lst[0])
    paragraph.append(hyperlink)
    template = io.BytesIO()
    document.save(template)
    page = preview(render(template.getvalue(), {"a": values}, URL))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    assert "javascript" not in page
    assert "<img src=x" not in page
