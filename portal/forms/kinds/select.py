"""One of many options, in a list that opens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from portal.forms.kinds.radio import Radio


@dataclass(frozen=True, kw_only=True)
class Select(Radio):
    """One of the options of `values`."""

    TEMPLATE: ClassVar[str] = "select"
