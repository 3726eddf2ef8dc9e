"""Reads a letter template: which values it speaks of, and everything in it that a letter may not do."""

from __future__ import annotations

import io
from dataclasses import dataclass

from docxtpl.template import DocxTemplate
from jinja2 import nodes
from jinja2.exceptions import TemplateError
from lxml import etree

from portal.documents import wording
from portal.documents.archive import open_word
from portal.documents.language import QR, Environment, Reading
from portal.errors import ContentFaults, Fault


@dataclass(frozen=True)
class Placeholders:
    """What a template speaks of: dotted paths, those it loops over, and the filter each is written with.

    A loop's variable is named by what it walks: `{%p for row in draw.experts %}{{ row.name }}` has the paths
    `draw.experts` and `draw.experts.name`. `compared` are the texts that conditions compare a path with, `choices`
    those that the branches of an `if … elif` without `else` provide for.
    """

    paths: frozenset[str]
    lists: frozenset[str]
    filtered: frozenset[tuple[str, str]]
    compared: frozenset[tuple[str, str]]
    choices: frozenset[tuple[str, frozenset[str]]]

    @property
    def filters(self) -> frozenset[str]:
        """The filters in use."""
        return frozenset(name for _, name in self.filtered)


def placeholders(template: bytes) -> Placeholders:
    """The placeholders of a .docx template; ContentFaults when it is no harmless template of a letter."""
    word = open_word(template)
    faults = [fault.at(story.part) for story in word.stories for fault in wording.faults_in(story)]
    for name, root in word.others:
        if _may_speak(root) and any("{{" in text or "{%" in text for text in wording.hidden_texts(root)):
            faults.append(Fault("占位符写在了脚注、批注或文件属性里", "占位符只能写在正文、页眉和页脚", file=name))
    if faults:
        raise ContentFaults(faults)
    reading = Reading()
    for story in word.stories:
        _read(reading, story.part, story.root)
    if not reading.faults and QR not in reading.paths:
        reading.faults.append(Fault("没有核验二维码", "在正文末尾让 {{ qr }} 独占一段"))
    if reading.faults:
        raise ContentFaults(reading.faults)
    return Placeholders(
        frozenset(reading.paths - {QR}),
        frozenset(reading.lists),
        frozenset(reading.filtered),
        frozenset(reading.compared),
        frozenset(reading.choices),
    )


def _may_speak(root: etree._Element) -> bool:
    """Whether a placeholder can stand anywhere in a part: a look at the whole, before each text is looked at."""
    whole = etree.tostring(root)
    return b"{{" in whole or b"{%" in whole


def parsed(root: etree._Element) -> nodes.Template:
    """A story as the renderer reads it: after docxtpl has joined what Word tore apart. TemplateError."""
    word = DocxTemplate(io.BytesIO())
    source = word.patch_xml(etree.tostring(root, encoding="unicode"))  # type: ignore[no-untyped-call]
    return Environment().parse(source)


def _read(reading: Reading, part: str, root: etree._Element) -> None:
    try:
        body = parsed(root).body
    except TemplateError as error:
        mend = "检查占位符的写法：{{ 名称 }}、{% if 名称 %}…{% endif %}"
        raise ContentFaults([Fault(f"占位符的写法有误（{error.message}）", mend, file=part)]) from error
    before = len(reading.faults)
    reading.statements(body)
    reading.faults[before:] = [fault.at(part) for fault in reading.faults[before:]]
