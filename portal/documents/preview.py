"""Shows a letter as HTML for reading in the portal: its text and form, nothing that acts."""

from __future__ import annotations

import io
from html import escape
from html.parser import HTMLParser

import mammoth

from portal.documents.archive import open_word

_INLINE = {"strong", "em", "u", "s", "sup", "sub", "br", "img", "a"}
_TABLE = {"table", "thead", "tbody", "tr", "td", "th"}
_KEPT = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li"} | _INLINE | _TABLE
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
_CLASSES = {element.partition(".")[2] for element in _STYLES.values()}
_EMPTY = frozenset({"br", "img"})
_PICTURES = ("data:image/png;base64,", "data:image/jpeg;base64,")
_LINKS = ("https://", "http://")
_SILENT = frozenset({"script", "style"})


def preview(letter: bytes) -> str:
    """A letter's body as HTML of harmless elements; ContentFaults when it is no harmless .docx."""
    open_word(letter)
    cleaner = _Cleaner()
    converted = mammoth.convert_to_html(io.BytesIO(letter), style_map=_STYLE_MAP)  # type: ignore[no-untyped-call]  # mammoth has none
    cleaner.feed(converted.value)
    cleaner.close()
    return "".join(cleaner.kept)


class _Cleaner(HTMLParser):
    """Keeps known elements with known attributes; everything else becomes text or nothing."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.kept: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a known element."""
        self.silent += tag in _SILENT
        if tag in _KEPT and not self.silent:
            known = "".join(_attributes(tag, dict(attrs)))
            self.kept.append(f"<{tag}{known}>")

    def handle_endtag(self, tag: str) -> None:
        """Close a known element."""
        if tag in _KEPT - _EMPTY and not self.silent:
            self.kept.append(f"</{tag}>")
        self.silent -= tag in _SILENT and self.silent > 0

    def handle_data(self, data: str) -> None:
        """Keep text, escaped."""
        if not self.silent:
            self.kept.append(escape(data))


def _attributes(tag: str, given: dict[str, str | None]) -> list[str]:
    source, target = given.get("src") or "", given.get("href") or ""
    kept: dict[str, str] = {}
    if tag == "img":
        kept = {"alt": given.get("alt") or "", **({"src": source} if source.startswith(_PICTURES) else {})}
    elif tag == "a" and target.startswith(_LINKS):
        kept = {"href": target, "rel": "noopener noreferrer"}
    elif tag in ("td", "th"):
        kept = {name: str(given[name]) for name in ("colspan", "rowspan") if (given.get(name) or "").isdigit()}
    if given.get("class") in _CLASSES:
        kept["class"] = str(given["class"])
    return [f' {name}="{escape(value)}"' for name, value in kept.items()]
