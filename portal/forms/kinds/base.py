"""What every kind of component knows, and what every kind that is answered knows besides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from portal.errors import Language
from portal.forms.answers import FieldError, Option, Refused
from portal.forms.component import Component


class Kind(ABC):
    """A kind of component: the attributes an analyst may write and the template that shows it."""

    ON: ClassVar[str | None] = None
    """For a domain kind (`properties.kind`): the form-js type it refines."""
    ATTRIBUTES: ClassVar[frozenset[str]]
    VALIDATE: ClassVar[frozenset[str]] = frozenset()
    PROPERTIES: ClassVar[frozenset[str]] = frozenset()
    TEMPLATE: ClassVar[str]


LAID_OUT = frozenset({"type", "id", "layout", "conditional"})
ASKED = LAID_OUT | {"key", "label", "description", "validate", "properties", "defaultValue"}


@dataclass(frozen=True, kw_only=True)
class Answered(Kind):
    """A kind of field, set up for one component; its messages hold `{label}` where the label goes."""

    ATTRIBUTES: ClassVar[frozenset[str]] = ASKED
    VALIDATE: ClassVar[frozenset[str]] = frozenset({"required"})
    PROPERTIES: ClassVar[frozenset[str]] = frozenset({"prefill", "refuse", "refusal", "beside"})
    INPUT: ClassVar[str] = "text"
    """The `type` of an `<input>`."""
    INPUTMODE: ClassVar[str | None] = None
    SHORT: ClassVar[bool] = False
    """Whether the input needs only part of the width."""

    required: bool

    @classmethod
    @abstractmethod
    def of(cls, component: Component) -> Self:
        """The kind set up as a component says; wrong parts are noted there as faults."""

    @abstractmethod
    def schema(self, choices: Sequence[Option] | None) -> dict[str, object]:
        """The JSON Schema of a stored value; `choices` where the caller hands them in."""

    @abstractmethod
    def read(self, raw: object) -> object | None:
        """The JSON-safe value of a posted text or JSON answer, None for no answer; Refused if unreadable."""

    @abstractmethod
    def complaint(self, keyword: str, value: object) -> FieldError:
        """What to say when a value breaks a keyword of the schema."""

    def missing(self) -> FieldError:
        """What to say when a required answer is missing."""
        return FieldError("请填写{label}", "Enter “{label}”")

    def typed(self, value: object) -> object:
        """The FEEL value of a stored value."""
        return value

    def shown(self, value: object, choices: Sequence[Option] | None, language: Language = "zh") -> str:
        """The text by which a stored value is read back, what the portal adds to it in `language`."""
        return str(value)

    def entered(self, value: object) -> tuple[str, ...]:
        """The texts a browser would post for a stored value."""
        return (str(value),)

    def options_of(self, choices: Sequence[Option] | None) -> tuple[Option, ...]:
        """What there is to choose from."""
        return tuple(choices or ())


def single(raw: object) -> object | None:
    """The one answer of a field that takes one; a browser's post may hold it in a list."""
    if not isinstance(raw, (list, tuple)):
        return raw
    if len(raw) > 1:
        raise Refused("{label}只能填写一项", "“{label}” takes one answer")
    return raw[0] if raw else None


def one_text(raw: object) -> str | None:
    """The one answer of a field that takes a text."""
    text = single(raw)
    if text is None or isinstance(text, str):
        return text
    raise Refused("{label}应为文字，请重新填写", "“{label}” takes a text")
