"""The language of a page: Chinese, unless its reader has chosen English; the texts in the source are the Chinese ones.

The English ones stand in translations/en/LC_MESSAGES/messages.po, which is read when the first page is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, request
from flask_babel import Babel, Domain, get_locale

from portal.errors import Language, PortalError

COOKIE = "portal_language"
LOCALES: Mapping[str, str] = {"zh-CN": "zh_CN", "en": "en"}
"""The code of a language as HTML and addresses have it -> its locale."""
NAMES: Mapping[str, str] = {"zh-CN": "中文", "en": "English"}
"""The code of a language -> its name in itself."""
_DEFAULT = "zh-CN"
_CATALOGUE = Path(__file__).parent / "translations" / "en" / "LC_MESSAGES" / "messages.po"


class _Texts(Domain):
    """The texts of pages, from the catalogue as text: there is no compiled one to forget."""

    def get_translations(self) -> NullTranslations:
        return english() if language() == "en" else _chinese()


class _Languages(Babel):
    @property
    def domain_instance(self) -> Domain:
        return _Texts()  # type: ignore[no-untyped-call] # Babel has no types


def install(app: Flask) -> None:
    """Has the texts of pages said in the language that the reader has chosen."""
    app.config.update(BABEL_DEFAULT_LOCALE=LOCALES[_DEFAULT], BABEL_DEFAULT_TIMEZONE="Asia/Shanghai")
    _Languages(app, locale_selector=lambda: LOCALES[code()])  # type: ignore[no-untyped-call] # few types


def code() -> str:
    """The language of this request as HTML has it: zh-CN, en."""
    chosen = request.cookies.get(COOKIE, _DEFAULT)
    return chosen if chosen in LOCALES else _DEFAULT


def language() -> Language:
    """The language of this page, as errors and forms know it."""
    locale = get_locale()
    return "zh" if locale is None or locale.language == "zh" else "en"


def said(error: PortalError) -> str:
    """An error in the language of this page."""
    return error.text(language())


def listed(names: Iterable[object]) -> str:
    """Names one after the other, as the language of this page separates them."""
    return ("、" if language() == "zh" else ", ").join(map(str, names))


def sentences(*texts: str) -> str:
    """Whole sentences, one after the other: in Chinese nothing stands between them; those that say nothing fall out."""
    return ("" if language() == "zh" else " ").join(text for text in texts if text)


_INSIDE = str.maketrans("《》", "〈〉")


def title_inside(title: str) -> str:
    """A title as it stands inside 《》: a title within it takes 〈〉 (GB/T 15834)."""
    return title.translate(_INSIDE)


def other() -> str:
    """The code of the language that this page is not in."""
    return next(known for known in LOCALES if known != code())


@cache
def english() -> Translations:
    """The English texts; fuzzy ones are left out."""
    with _CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="en")
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


@cache
def _chinese() -> NullTranslations:
    return NullTranslations()
