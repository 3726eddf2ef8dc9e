"""A text among the fields, which asks nothing; `{{ path }}` in it is filled in."""

from __future__ import annotations

from typing import ClassVar

from portal.forms.kinds.base import LAID_OUT, Kind


class StaticText(Kind):
    """Paragraphs, parted by empty lines; no mark-up."""

    TEMPLATE: ClassVar[str] = "text"
    ATTRIBUTES: ClassVar[frozenset[str]] = LAID_OUT | {"text"}
    LONGEST: ClassVar[int] = 4000
