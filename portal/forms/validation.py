"""The JSON Schema of a form's visible fields, and the validator that holds values against it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

from portal.forms import parties, residents, uscc
from portal.forms.answers import Choices
from portal.forms.pattern import compiled
from portal.forms.tree import Field

_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("uscc")
def _is_uscc(instance: object) -> bool:
    return not isinstance(instance, str) or uscc.is_valid(instance)


@_FORMATS.checks("party")
def _is_party(instance: object) -> bool:
    return not isinstance(instance, str) or parties.is_valid(instance)


@_FORMATS.checks("identity")
def _is_identity(instance: object) -> bool:
    return not isinstance(instance, str) or residents.is_valid(instance)


@_FORMATS.checks("date", raises=ValueError)
def _is_date(instance: object) -> bool:
    return not isinstance(instance, str) or bool(date.fromisoformat(instance))


def _pattern(_: object, pattern: str, instance: object, __: object) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not compiled(pattern).search(instance):
        yield ValidationError("pattern")


def _decimal_minimum(_: object, least: str, instance: object, __: object) -> Iterator[ValidationError]:
    if isinstance(instance, str) and Decimal(instance) < Decimal(least):
        yield ValidationError("decimalMinimum")


def _decimal_maximum(_: object, most: str, instance: object, __: object) -> Iterator[ValidationError]:
    if isinstance(instance, str) and Decimal(instance) > Decimal(most):
        yield ValidationError("decimalMaximum")


# Numbers travel as strings of decimal digits, which JSON Schema's own bounds do not see.
_Validator = extend(  # type: ignore[no-untyped-call]  # the stubs leave it untyped
    Draft202012Validator,
    {"pattern": _pattern, "decimalMinimum": _decimal_minimum, "decimalMaximum": _decimal_maximum},
)


def schema_of(fields: Iterable[Field], choices: Choices) -> dict[str, Any]:
    """The schema of one answer to these fields, nested as their names are; nothing else may be in it."""
    root = _empty_object()
    for field in fields:
        *groups, key = field.path
        place = root
        for group in groups:
            if field.kind.required:
                _require(place, group)
            place = place["properties"].setdefault(group, _empty_object())
        place["properties"][key] = field.kind.schema(choices.get(field.name))
        if field.kind.required:
            _require(place, key)
    return root


def _empty_object() -> dict[str, Any]:
    return {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


def _require(place: dict[str, Any], name: str) -> None:
    if name not in place["required"]:
        place["required"].append(name)


def breaches(
    schema: Mapping[str, Any], fields: Sequence[Field], values: Mapping[str, object]
) -> Iterator[tuple[Field, str]]:
    """Each field whose value breaks the schema, with the keyword that it breaks (`required` when missing)."""
    return checker(schema, fields)(values)


def checker(
    schema: Mapping[str, Any], fields: Sequence[Field]
) -> Callable[[Mapping[str, object]], Iterator[tuple[Field, str]]]:
    """What finds the breaches of a schema in any number of answers; made once for all rows of a table."""
    by_path = {field.path: field for field in fields}
    validator = _Validator(schema, format_checker=_FORMATS)

    def breached(values: Mapping[str, object]) -> Iterator[tuple[Field, str]]:
        for error in validator.iter_errors(_instance(fields, values)):
            path = tuple(str(part) for part in error.absolute_path)
            if error.validator == "required":
                for key in error.validator_value:
                    if key not in error.instance:
                        yield by_path[(*path, key)], "required"
            else:
                # A fault in an array's item is a fault of the field.
                inmost = next(by_path[path[:end]] for end in range(len(path), 0, -1) if path[:end] in by_path)
                yield inmost, str(error.validator)

    return breached


def _instance(fields: Iterable[Field], values: Mapping[str, object]) -> dict[str, Any]:
    """The values nested, every group there even when it is empty."""
    root: dict[str, Any] = {}
    for field in fields:
        *groups, key = field.path
        place = root
        for group in groups:
            place = place.setdefault(group, {})
        if field.name in values:
            place[key] = values[field.name]
    return root
