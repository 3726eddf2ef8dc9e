"""Opens a .docx from outside: a bounded zip of plain XML, without macros, objects or links to elsewhere."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from portal import zipped
from portal.errors import ContentFaults, Fault

MB = 1024 * 1024
LARGEST_FILE = 5 * MB
LARGEST_STORY = 2 * MB
# Ordinary WordprocessingML grows about 15 times on unpacking.
LIMITS = zipped.Limits(parts=300, unpacked=30 * MB, ratio=100)

TYPES = "[Content_Types].xml"
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_CT = "{http://schemas.openxmlformats.org/package/2006/content-types}"
_REL = "{http://schemas.openxmlformats.org/package/2006/relationships}"
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml."
_MAIN = f"{_WORD}document.main+xml"
_STORIES = {_MAIN, f"{_WORD}header+xml", f"{_WORD}footer+xml"}
_ACTIVE = ("vbaproject", "oleobject", "activex", "word/embeddings/", "afchunk")
_ACTIVE_RELATIONS = ("/afChunk", "/oleObject", "/control", "/vbaProject", "/attachedTemplate", "/frame")
_FIELD_WORDS = {"PAGE", "NUMPAGES", "SECTIONPAGES", "\\*", "MERGEFORMAT", "ARABIC"}


@dataclass(frozen=True)
class Story:
    """A part of the document that carries text to fill in: the body, a header or a footer."""

    part: str
    root: etree._Element
    body: bool


@dataclass(frozen=True)
class WordFile:
    """What a checked .docx holds: its stories, and every other XML part by name."""

    stories: tuple[Story, ...]
    others: tuple[tuple[str, etree._Element], ...]


def open_word(data: bytes) -> WordFile:
    """A .docx whose size, structure and links are harmless; else ContentFaults."""
    parts = _unpack(data)
    roots = {name: _parse(name, text) for name, text in parts.items() if name.endswith((".xml", ".rels"))}
    if TYPES not in roots:
        raise _fault("文件不是 Word 文档", "在 Word 里另存为“Word 文档（.docx）”后再上传")
    _refuse_active(parts, roots)
    kinds = {
        str(item.get("PartName")).lstrip("/"): str(item.get("ContentType"))
        for item in roots[TYPES].iter(f"{_CT}Override")
    }
    stories = tuple(
        Story(name, root, kinds[name] == _MAIN) for name, root in sorted(roots.items()) if kinds.get(name) in _STORIES
    )
    if sum(story.body for story in stories) != 1:
        raise _fault(
            "文件不是普通的 Word 文档（可能是模板 .dotx 或带宏的 .docm）",
            "在 Word 里另存为“Word 文档（.docx）”",
        )
    for story in stories:
        if len(parts[story.part]) > LARGEST_STORY:
            raise _fault(f"{story.part} 的文字内容超过 {LARGEST_STORY // MB} MB", "文书模板应当简短，请拆分或删减")
    named = {story.part for story in stories}
    return WordFile(stories, tuple((name, root) for name, root in roots.items() if name not in named))


def paragraphs(root: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    """Each paragraph with text, in document order, and that text as Word shows it."""
    texts: dict[etree._Element, list[str]] = {}
    for run in root.iter(f"{W}t"):
        paragraph = next(run.iterancestors(f"{W}p"), None)
        if paragraph is not None:
            texts.setdefault(paragraph, []).append(run.text or "")
    for paragraph, pieces in texts.items():
        yield paragraph, "".join(pieces)


def _fault(what: str, mend: str) -> ContentFaults:
    return ContentFaults([Fault(what, mend)])


def _unpack(data: bytes) -> dict[str, bytes]:
    if len(data) > LARGEST_FILE:
        raise _fault(f"文件超过 {LARGEST_FILE // MB} MB", "压缩或删去其中的图片")
    mend = "用 Word 打开并重新保存为 .docx"
    try:
        with zipped.opened(io.BytesIO(data), LIMITS) as archive:
            entries = archive.infolist()
            return {entry.filename: archive.read(entry) for entry in entries if not entry.is_dir()}
    except zipped.ZipRefused as refusal:
        raise _fault(refusal.text("zh"), mend) from refusal
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, zlib.error) as error:
        raise _fault("文件已损坏，或者不是 Word 文档", mend) from error


def _parse(name: str, text: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    mend = "用 Word 打开并重新保存为 .docx"
    if b"\0" in text:
        raise _fault(f"部件“{name}”不是 UTF-8 编码", mend)
    try:
        root = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        raise _fault(f"部件“{name}”不是合格的 XML", mend) from error
    if root.getroottree().docinfo.doctype:
        raise _fault(f"部件“{name}”含有 DOCTYPE", mend)
    return root


def _refuse_active(parts: dict[str, bytes], roots: dict[str, etree._Element]) -> None:
    for name in parts:
        if any(word in name.lower() for word in _ACTIVE):
            raise _fault(f"文件含有宏或嵌入对象（{name}）", "删去宏和嵌入对象，另存为 .docx")
    for name, root in roots.items():
        for relation in root.iter(f"{_REL}Relationship"):
            kind = str(relation.get("Type"))
            outside = relation.get("TargetMode") == "External" and not kind.endswith("/hyperlink")
            if outside or kind.endswith(_ACTIVE_RELATIONS):
                raise _fault(f"文件引用了外部内容（{relation.get('Target')}）", "把图片等内容嵌入文件，取消链接的模板")
        for field in (*root.iter(f"{W}instrText"), *root.iter(f"{W}fldSimple")):
            words = (field.text if field.tag == f"{W}instrText" else field.get(f"{W}instr")) or ""
            if set(words.upper().split()) - _FIELD_WORDS:
                raise _fault(f"{name} 里有不允许的域“{words.strip()}”", "文书里只能用页码和总页数两种域，其余写成文字")
