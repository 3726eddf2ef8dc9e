"""What keeps TOML from being read is said in Chinese, with the line and how to mend it."""

from __future__ import annotations

import pytest

from portal.errors import ContentFaults
from portal.procedures.toml import parse
from tests.builders.content import FILES, changed, small
from tests.procedures.expecting import faults

SAID = "TOML 语法有误："
SYNTAX = [
    ('a = 1\nb = 2\na = 3', 3, "同一个名称写了两次", "只留一处；表的内容合在一起写"),
    ("[d.x]\na = 1\n[d.x]\nb = 1", 3, "这张表前面已经写过", "把两处合成一张表"),
    ('title = “核定”', 1, "这里的““”是中文标点", '用英文输入法重写，引号写成 "…"'),
    ('title = "核定”\na = 1', 1, "这里的“””是中文标点", '用英文输入法重写，引号写成 "…"'),
    ('title ＝ "核定"', 1, "这里的“＝”是中文标点", '用英文输入法重写，引号写成 "…"'),
    ('a = ["x"，"y"]', 1, "这里的“，”是中文标点", '用英文输入法重写，引号写成 "…"'),
    ("[[step]]\nat = 2026-10-12 23:59", 2, "时刻“2026-10-12 23:59”没有写秒", "写成 2026-10-12T23:59:00"),
    ("at = 2026-11-31", 1, "没有“2026-11-31”这一天或这个时刻", "改正日期或时刻"),
    ("at = 2026-11-30T24:00:00", 1, "没有“2026-11-30T24:00:00”这一天或这个时刻", "改正日期或时刻"),
    ('王 = "x"', 1, "这一行读不懂", '写成 名称 = 值，或 [表名]；名称里有汉字或空格的，加英文引号 "…"'),
    ("a\nb = 1", 1, "名称后面没有等号", '写成 名称 = 值；名称里有汉字或空格的，加英文引号 "…"'),
    ("a = 核定", 1, "等号后面的值读不懂", '文字加英文引号 "…"；数字、日期、true、false 不加'),
    ('a = "7" days', 1, "值写完了，同一行后面还有别的内容", '每行只写一项；文字整个放在英文引号 "…" 里'),
    ('a = { b = 1 }\na.c = 1', 2, "这一项已经用 { … } 或 [ … ] 写完，不能再加内容",
     "都写进同一处，或都改成 [表名] 下面的各行"),
    ("a = { b = 1, b = 2 }", 1, "{ … } 里同一个名称写了两次", "只留一个"),
    ("[a\nb = 1", 1, "表名的方括号没有写完", "写成 [表名]"),
    ("[[a]\nb = 1", 1, "表名的方括号没有写完", "写成 [[表名]]"),
    ('a = "x\nb = 1', 1, "文字没有写完", '在文字后面补上英文引号 "'),
    ('a = """x', 1, "文字没有写完", '在文字后面补上英文引号 "'),
    ('a = "x\\d"', 1, "文字里的反斜杠写得不对", "写成 \\\\，或改用英文单引号 '…'"),
    ('a = [1\nb = 2', 2, "列表没有写完", "各项之间用逗号分开，最后补上 ]"),
    ("a = { b = 1\nc = 2", 1, "{ … } 没有写完", "各项之间用逗号分开，最后补上 }，都写在同一行里"),
    ("a = \x01", 1, "等号后面的值读不懂", '文字加英文引号 "…"；数字、日期、true、false 不加'),
    ('a = "\x01"', 1, "有不能用的控制字符", "删去这个字符，重新输入"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "line", "what", "mend"), SYNTAX)
def test_faults_of_syntax_are_told_in_chinese(source, line, what, mend):
    with pytest.raises(ContentFaults) as refused:
        parse(source.encode(), "x.toml")
    [fault] = refused.value.faults
    assert (fault.file, fault.line, fault.what, fault.mend) == ("x.toml", line, SAID + what, mend)


def test_a_file_in_another_encoding_names_the_line_and_the_remedy():
    data = 'a = 1\nb = "核定"\n'.encode("gbk")
    with pytest.raises(ContentFaults) as refused:
        parse(data, "x.toml")
    assert [str(fault) for fault in refused.value.faults] == ["x.toml:2：文件不是 UTF-8 编码（另存为 UTF-8）"]


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("letter")])
def test_a_byte_order_mark_is_left_alone(name):
    assert faults(changed(**{name: b"\xef\xbb\xbf" + small().files[FILES[name]]})) == []


def test_a_diagram_in_another_encoding_says_so():
    data = small().files[FILES["grant.bpmn"]].decode().replace(' encoding="UTF-8"', "").encode("gbk")
    [fault] = faults(changed(**{"grant.bpmn": data}))
    assert (fault.file, fault.line) == (FILES["grant.bpmn"], 4)
    assert (fault.what, fault.mend) == ("文件不是 UTF-8 编码", "另存为 UTF-8")
