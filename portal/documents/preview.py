"""Shows a letter as HTML for reading in the portal: its text and form, nothing that acts."""

from __future__ import annotations

import io

import mammoth

from portal.documents.archive import open_word
from portal.documents.cleaning import cleaned

# The styles of an official letter, as the first set of templates names them.
_STYLES = {
    "发文机关标志": "p.letter-authority",
    "发文字号": "p.letter-number",
    "公文标题": "h1.letter-title",
    "主送机关": "p.letter-to",
    "一级标题": "h2.letter-heading",
    "发文机关署名": "p.letter-signed",
    "成文日期": "p.letter-date",
    "抄送机关": "p.letter-copies",
    "核验二维码": "p.letter-code",
}
_STYLE_MAP = "\n".join(f"p[style-name='{name}'] => {element}:fresh" for name, element in _STYLES.items())
_CLASSES = frozenset(element.partition(".")[2] for element in _STYLES.values())


def preview(letter: bytes) -> str:
    """A letter's body as HTML of harmless elements; ContentFaults when it is no harmless .docx."""
    open_word(letter)
    converted = mammoth.convert_to_html(io.BytesIO(letter), style_map=_STYLE_MAP)  # type: ignore[no-untyped-call]  # mammoth has none
    return cleaned(converted.value, _CLASSES, links=True)
