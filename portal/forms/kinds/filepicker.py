"""Uploaded files, stored as the list of their attachment ids."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from portal.errors import Language
from portal.forms.answers import FieldError, Option, Refused
from portal.forms.component import Component
from portal.forms.kinds.base import ASKED, Answered
from portal.forms.kinds.checklist import texts
from portal.forms.kinds.radio import label_of

_ENDING = re.compile(r"\.?[A-Za-z0-9]{1,10}")
_MOST_FILES = 50


@dataclass(frozen=True, kw_only=True)
class FilePicker(Answered):
    """Files of some endings, one or several; which ids exist the caller says with `choices`."""

    TEMPLATE: ClassVar[str] = "filepicker"
    ATTRIBUTES: ClassVar[frozenset[str]] = ASKED - {"defaultValue"} | {"accept", "multiple"}
    PROPERTIES: ClassVar[frozenset[str]] = frozenset({"max"})

    accept: tuple[str, ...]
    """Endings in lower case with the point, as `.pdf`; none means any."""
    multiple: bool
    most: int

    @classmethod
    def of(cls, component: Component) -> Self:
        """Reads which files, and how many."""
        multiple = component.flag(component.raw, "multiple")
        most = component.whole(component.properties, "max", 1, _MOST_FILES)
        return cls(
            required=component.flag(component.validate, "required"),
            accept=_endings(component),
            multiple=multiple,
            most=(most or _MOST_FILES) if multiple else 1,
        )

    def schema(self, choices: Sequence[Option] | None) -> dict[str, object]:
        """An array of ids."""
        return {
            "type": "array",
            "items": {"type": "string", "pattern": "^[0-9A-Za-z-]{1,64}$"}
            if choices is None
            else {"enum": [option.value for option in choices]},
            "uniqueItems": True,
            "minItems": int(self.required),
            "maxItems": self.most,
        }

    def read(self, raw: object) -> list[str]:
        """The ids, each once; a JSON answer may give them as numbers."""
        items = raw if isinstance(raw, (list, tuple)) else [raw]
        ids = texts(
            [
                str(item) if isinstance(item, int) and not isinstance(item, bool) and 0 <= item < 1 << 63 else item
                for item in items
                if item is not None
            ]
        )
        if ids is None:
            error = self.complaint("items", raw)
            raise Refused(error.zh, error.en)
        return ids

    def missing(self) -> FieldError:
        """One uploads."""
        return FieldError("请上传{label}", "Upload “{label}”")

    def complaint(self, keyword: str, value: object) -> FieldError:
        """None, too many, or a file that is not there."""
        if keyword == "minItems":
            return self.missing()
        if keyword == "maxItems":
            count = len(value) if isinstance(value, list) else 0
            return FieldError(
                f"{{label}}最多 {self.most} 个文件，现有 {count} 个，请移除多余的",
                f"“{{label}}” takes at most {self.most} files; there are {count}, remove some",
            )
        return FieldError("{label}里的文件找不到，请重新上传", "A file of “{label}” cannot be found; upload it again")

    def shown(self, value: object, choices: Sequence[Option] | None, language: Language = "zh") -> str:
        """The files' names, their count where the names are not known; nothing where there are none."""
        ids = value if isinstance(value, list) else []
        if choices is None and ids:
            return f"{len(ids)} 个文件" if language == "zh" else f"{len(ids)} file{'s' if len(ids) != 1 else ''}"
        return ("、" if language == "zh" else ", ").join(label_of(item, choices or ()) for item in ids)

    def entered(self, value: object) -> tuple[str, ...]:
        """One id for each file that is kept."""
        return tuple(map(str, value)) if isinstance(value, list) else ()


def _endings(component: Component) -> tuple[str, ...]:
    written = component.words(component.raw, "accept")
    endings = [ending.strip() for ending in written.split(",")] if written else []
    if not all(_ENDING.fullmatch(ending) for ending in endings):
        component.fault("“accept”应为文件扩展名", '用逗号分隔，写成 "accept": ".pdf,.docx"')
        return ()
    return tuple("." + ending.lstrip(".").lower() for ending in endings)
