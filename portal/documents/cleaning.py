"""Keeps of HTML what is harmless: known elements with known attributes, nothing that acts or leads elsewhere."""

from __future__ import annotations

from collections.abc import Collection
from html import escape
from html.parser import HTMLParser

_INLINE = {"strong", "em", "u", "s", "sup", "sub", "br", "img", "a"}
_TABLE = {"table", "thead", "tbody", "tr", "td", "th"}
_KEPT = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li"} | _INLINE | _TABLE
_EMPTY = frozenset({"br", "img"})
_PICTURES = ("data:image/png;base64,", "data:image/jpeg;base64,")
_LINKS = ("https://", "http://")
_SILENT = frozenset({"script", "style"})
_MOST_SPANNED = 100


def cleaned(html: str, classes: Collection[str] = (), *, links: bool = False) -> str:
    """The harmless part of HTML; classes only of those named, links to web pages only where they are wanted."""
    cleaner = _Cleaner(classes, links=links)
    cleaner.feed(html)
    cleaner.close()
    return "".join(cleaner.kept)


class _Cleaner(HTMLParser):
    """Keeps known elements with known attributes; everything else becomes text or nothing."""

    def __init__(self, classes: Collection[str], *, links: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.kept: list[str] = []
        self._classes, self._known = classes, _KEPT if links else _KEPT - {"a"}
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a known element."""
        self._silent += tag in _SILENT
        if tag in self._known and not self._silent:
            known = "".join(self._attributes(tag, dict(attrs)))
            self.kept.append(f"<{tag}{known}>")

    def handle_endtag(self, tag: str) -> None:
        """Close a known element."""
        if tag in self._known - _EMPTY and not self._silent:
            self.kept.append(f"</{tag}>")
        self._silent -= tag in _SILENT and self._silent > 0

    def handle_data(self, data: str) -> None:
        """Keep text, escaped."""
        if not self._silent:
            self.kept.append(escape(data))

    def _attributes(self, tag: str, given: dict[str, str | None]) -> list[str]:
        source, target = given.get("src") or "", given.get("href") or ""
        kept: dict[str, str] = {}
        if tag == "img":
            kept = {"alt": given.get("alt") or "", **({"src": source} if source.startswith(_PICTURES) else {})}
        elif tag == "a" and target.startswith(_LINKS):
            kept = {"href": target, "rel": "noopener noreferrer"}
        elif tag in ("td", "th"):
            kept = {name: said for name in ("colspan", "rowspan") if (said := _span(given.get(name)))}
        if given.get("class") in self._classes:
            kept["class"] = str(given["class"])
        return [f' {name}="{escape(value)}"' for name, value in kept.items()]


def _span(given: str | None) -> str:
    """How many cells one takes the place of; nothing for what no table could hold."""
    text = given or ""
    return text if text.isascii() and text.isdigit() and len(text) <= 3 and 1 < int(text) <= _MOST_SPANNED else ""
