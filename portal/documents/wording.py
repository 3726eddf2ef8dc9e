"""Finds the placeholders in a story's text, and whether each stands where it can be filled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from portal.documents.archive import Story, W, paragraphs
from portal.documents.language import QR
from portal.errors import Fault

LONGEST = 500
MOST_FAULTS = 50
MOST_CONSTRUCTS = 2000
_CLOSES = {"{": "}}", "%": "%}", "#": "#}"}
_WIDE = re.compile("[｛｝].{0,29}")
_STATEMENT = re.compile(r"\{%(?:(?P<reach>p|tr|tc|r) +|\s*)(?P<word>\w+)(?:\s.*)?(?<![-+])%\}", re.DOTALL)
_RICH = re.compile(r"\{\{(p|r|tr|tc)\s")
_WORDS = {"if": 1, "for": 1, "elif": 0, "else": 0, "endif": -1, "endfor": -1}


@dataclass(frozen=True)
class Construct:
    """One `{{ … }}`, `{% … %}` or `{# … #}`, its paragraph, and whether it stands there alone."""

    text: str
    paragraph: etree._Element
    alone: bool


def faults_in(story: Story) -> list[Fault]:
    """Unclosed, misplaced or unknown constructs of a story, at most `MOST_FAULTS`."""
    faults = _stray_braces(story.root)
    constructs: list[Construct] = []
    for paragraph, text in paragraphs(story.root):
        pieces, broken = split(text)
        faults += [*_wide_braces(text), *broken]
        constructs += [Construct(piece, paragraph, piece == text.strip()) for piece in pieces]
        if len(constructs) > MOST_CONSTRUCTS:
            return [Fault(f"占位符超过 {MOST_CONSTRUCTS} 个", "文书模板应当简短；重复的内容用 for 循环")]
        if len(faults) >= MOST_FAULTS:
            return faults[:MOST_FAULTS]
    faults += [fault for construct in constructs for fault in _of_one(construct, body=story.body)]
    return [*faults, *_unbalanced(constructs)][:MOST_FAULTS]


def split(text: str) -> tuple[list[str], list[Fault]]:
    """The constructs in a paragraph's text, and the faults of braces that form none."""
    found: list[str] = []
    at = 0
    while (start := _next_brace(text, at)) >= 0:
        closing = _CLOSES.get(text[start + 1 : start + 2]) if text[start] == "{" else None
        end = text.find(closing, start + 2, start + LONGEST) if closing else -1
        if closing is None or end < 0 or "{" in text[start + 2 : end]:
            return found, [
                Fault(
                    f"大括号没有写完整：“{text[start : start + 30]}”",
                    f"占位符写成 {{{{ 名称 }}}}，在同一段里写完，不超过 {LONGEST} 字；正文里不用大括号",
                )
            ]
        found.append(text[start : end + 2])
        at = end + 2
    return found, []


def _wide_braces(text: str) -> Iterator[Fault]:
    """Braces typed with a Chinese keyboard, which would be printed as they are."""
    found = _WIDE.search(text)
    if found is not None:
        mend = "用英文输入法写成 {{ 名称 }}、{% if … %}；正文里不用大括号"
        yield Fault(f"大括号是全角的，会原样印出来：“{found[0]}”", mend)


def _next_brace(text: str, at: int) -> int:
    return min((place for place in (text.find("{", at), text.find("}", at)) if place >= 0), default=-1)


def _stray_braces(root: etree._Element) -> list[Fault]:
    """Placeholders outside visible text: in attributes, field codes, comments, deleted or drawn text."""
    return [
        Fault(f"占位符写在了看不见的地方：“{text[:30]}”", "占位符只能写在段落文字里；接受全部修订后再保存")
        for text in hidden_texts(root, visible=True)
        if "{" in re.sub(r"^\{[0-9A-Fa-f-]{36}\}$", "", text)
    ]


def hidden_texts(root: etree._Element, *, visible: bool = False) -> Iterator[str]:
    """All text of a part; where a story shows its text in paragraphs, only the rest of it."""
    for element in root.iter():
        if isinstance(element.tag, str):
            yield from (str(value) for value in element.attrib.values())
        if element.text and not (visible and _is_shown(element)):
            yield str(element.text)
        if element.tail:
            yield str(element.tail)


def _is_shown(element: etree._Element) -> bool:
    return element.tag == f"{W}t" and next(element.iterancestors(f"{W}p"), None) is not None


def _of_one(construct: Construct, *, body: bool) -> Iterator[Fault]:
    if construct.text.startswith("{%"):
        yield from _of_statement(construct)
    elif _RICH.match(construct.text):
        yield Fault(f"不允许的写法“{construct.text}”", "写成 {{ 名称 }}，两个大括号后面空一格")
    elif construct.text[2:-2].strip() == QR and not (body and construct.alone):
        yield Fault("二维码没有独占一段，或者在页眉页脚里", "在正文里让 {{ qr }} 独占一段")


def _of_statement(construct: Construct) -> Iterator[Fault]:
    parsed = _STATEMENT.fullmatch(construct.text)
    if parsed is None or parsed["word"] not in _WORDS or parsed["reach"] in ("tc", "r"):
        yield Fault(
            f"不允许的写法“{construct.text[:60]}”",
            "只能用 if、elif、else、endif、for、endfor，前面可以加 p 或 tr",
        )
    elif parsed["reach"] == "p" and not construct.alone:
        yield Fault(f"“{construct.text[:60]}”所在的段落还有别的文字，这些文字会丢失", "让它独占一段")
    elif parsed["reach"] == "tr" and _row_text(construct.paragraph) != construct.text:
        yield Fault(f"“{construct.text[:60]}”所在的表格行还有别的文字，这些文字会丢失", "让它独占表格的一行")


def _row_text(paragraph: etree._Element) -> str:
    row = next(paragraph.iterancestors(f"{W}tr"), None)
    return "" if row is None else "".join(text for _, text in paragraphs(row)).strip()


def _unbalanced(constructs: list[Construct]) -> Iterator[Fault]:
    """Ends that do not stand where their beginning stands: such a letter would lose its form."""
    opened: list[etree._Element | None] = []
    for construct in constructs:
        parsed = _STATEMENT.fullmatch(construct.text) if construct.text.startswith("{%") else None
        if parsed is None or parsed["word"] not in _WORDS:
            continue
        place = _place(construct.paragraph, parsed["reach"])
        step = _WORDS[parsed["word"]]
        if step > 0:
            opened.append(place)
        elif not opened or opened[-1] is not place:
            yield Fault(
                f"“{construct.text[:60]}”与它的开头不在同一处",
                "同一段里用 {% if … %}；跨段落用 {%p if … %} 与 {%p endif %}，各占一段；跨表格行用 {%tr … %}",
            )
            return
        elif step < 0:
            opened.pop()
    if opened:
        yield Fault("有 if 或 for 没有结束", "补上 endif 或 endfor")


def _place(paragraph: etree._Element, reach: str | None) -> etree._Element | None:
    """What beginning and end must share: the paragraph, or what holds the paragraphs or rows."""
    if reach == "tr":
        row = next(paragraph.iterancestors(f"{W}tr"), None)
        return None if row is None else row.getparent()
    return paragraph.getparent() if reach == "p" else paragraph
