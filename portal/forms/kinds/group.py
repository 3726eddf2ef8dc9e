"""Fields that belong together, under one heading; with a `path` their answers form one object."""

from __future__ import annotations

from typing import ClassVar

from portal.forms.kinds.base import LAID_OUT, Kind


class Group(Kind):
    """A heading with components below it; without `path` their answers stand beside all others."""

    TEMPLATE: ClassVar[str] = "group"
    ATTRIBUTES: ClassVar[frozenset[str]] = LAID_OUT | {
        "label",
        "path",
        "components",
        "showOutline",
        "verticalAlignment",
    }
