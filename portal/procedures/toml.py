"""Reads TOML as people save it, and says in their words what keeps it from being read."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from portal.errors import ContentFaults, Fault

_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_WIDE = "“”‘’＝［］｛｝，、：＃。；"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?)?")
_ESCAPE = ("文字里的反斜杠写得不对", "写成 \\\\，或改用英文单引号 '…'")
_STATEMENT = ("这一行读不懂", '写成 名称 = 值，或 [表名]；名称里有汉字或空格的，加英文引号 "…"')
# How each message of tomllib begins: what is wrong, and how to mend it.
_MEANINGS = (
    ("Invalid statement", _STATEMENT),
    ("Invalid initial character", _STATEMENT),
    ("Expected '=' after a key", ("名称后面没有等号", '写成 名称 = 值；名称里有汉字或空格的，加英文引号 "…"')),
    ("Invalid value", ("等号后面的值读不懂", '文字加英文引号 "…"；数字、日期、true、false 不加')),
    ("Expected newline", ("值写完了，同一行后面还有别的内容", '每行只写一项；文字整个放在英文引号 "…" 里')),
    ("Cannot overwrite", ("同一个名称写了两次", "只留一处；表的内容合在一起写")),
    ("Cannot declare", ("这张表前面已经写过", "把两处合成一张表")),
    ("Cannot mutate", ("这一项已经用 { … } 或 [ … ] 写完，不能再加内容", "都写进同一处，或都改成 [表名] 下面的各行")),
    ("Cannot redefine", ("这一项前面已经写过，不能再加内容", "把两处合在一起写")),
    ("Duplicate inline", ("{ … } 里同一个名称写了两次", "只留一个")),
    ("Expected ']'", ("表名的方括号没有写完", "写成 [表名]")),
    ("Expected ']]'", ("表名的方括号没有写完", "写成 [[表名]]")),
    ("Unterminated string", ("文字没有写完", '在文字后面补上英文引号 "')),
    ("Illegal character '\\n'", ("文字没有写完", '在文字后面补上英文引号 "')),
    ("Illegal character", ("有不能用的控制字符", "删去这个字符，重新输入")),
    ("Found invalid character", ("有不能用的控制字符", "删去这个字符，重新输入")),
    ("Unescaped", _ESCAPE),
    ("Invalid hex", _ESCAPE),
    ("Escaped character", _ESCAPE),
    ("Unclosed array", ("列表没有写完", "各项之间用逗号分开，最后补上 ]")),
    ("Unclosed inline table", ("{ … } 没有写完", "各项之间用逗号分开，最后补上 }，都写在同一行里")),
    ("Invalid date", ("没有这一天或这个时刻", "改正日期或时刻")),
)


def text(data: bytes, file: str) -> str:
    """What TOML bytes say, without the mark that some editors put before it; ContentFaults unless it is UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ContentFaults([Fault("文件不是 UTF-8 编码", "另存为 UTF-8", line=line, file=file)]) from error


def parse(data: bytes, file: str) -> dict[str, Any]:
    """The table that TOML bytes hold; ContentFaults with the line when they hold none."""
    source = text(data, file)
    try:
        return tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise ContentFaults([_fault(source, str(error)).at(file)]) from error
    except RecursionError as error:
        raise ContentFaults([Fault("括号的层数过多", "减少嵌套", file=file)]) from error
    except ValueError as error:
        raise ContentFaults([Fault("有一个数字过长", "改正这个数字", file=file)]) from error


def _fault(source: str, message: str) -> Fault:
    """What tomllib says, where it says it: `Invalid value (at line 3, column 9)`."""
    lines = source.split("\n")
    place = _AT.search(message)
    line, column = (int(place[1]), int(place[2])) if place and place[1] else (len(lines), 0)
    said = _AT.sub("", message)
    written = lines[line - 1].rstrip()
    for found in (_wide(written, column), _dated(written, column, said)):
        if found is not None:
            return Fault(*found, line=line)
    for beginning, meaning in _MEANINGS:
        if said.startswith(beginning):
            return Fault(f"TOML 语法有误：{meaning[0]}", meaning[1], line=line)
    return Fault(f"TOML 语法有误（{said}）", "改正这一行，或它前面一行的写法", line=line)


def _wide(written: str, column: int) -> tuple[str, str] | None:
    """Chinese punctuation where only the Latin one will do: at the place, or in place of the closing quote."""
    here = written[max(column - 1, 0) : column] or written[-1:]
    if here and here in _WIDE:
        return f"TOML 语法有误：这里的“{here}”是中文标点", '用英文输入法重写，引号写成 "…"'
    return None


def _dated(written: str, column: int, said: str) -> tuple[str, str] | None:
    """A moment without its seconds, or a day that there is not."""
    for found in _DAY.finditer(written):
        if said.startswith("Expected newline") and found[1] and not found[2]:
            return f"TOML 语法有误：时刻“{found[0]}”没有写秒", f"写成 {found[0].replace(' ', 'T')}:00"
        # A time that there is not is taken for what stands behind a whole day.
        if said.startswith("Invalid date") or found.start() < column - 1 < found.end():
            return f"TOML 语法有误：没有“{found[0]}”这一天或这个时刻", "改正日期或时刻"
    return None
