"""FEEL's functions on contexts."""

from __future__ import annotations

from collections.abc import Mapping

from portal.feel.budget import Meter
from portal.feel.values import elements, member


def get_value(meter: Meter, context: object, key: object) -> object:
    """get value(context, key)."""
    if not isinstance(context, Mapping) or not isinstance(key, str):
        return None
    return member(context, key)


def get_entries(meter: Meter, context: object) -> object:
    """get entries(context): a list of {key, value}."""
    if not isinstance(context, Mapping):
        return None
    return meter.list([{"key": key, "value": member(context, key)} for key in context])


def put(meter: Meter, context: object, key: object, value: object) -> object:
    """context put(context, key, value): the context with one entry more, or another."""
    if not isinstance(context, Mapping) or not isinstance(key, str):
        return None
    meter.room(len(context) + 1)
    meter.charge(len(context))
    return {**context, key: value}


def merge(meter: Meter, contexts: object) -> object:
    """context merge(contexts): later entries take the place of earlier ones."""
    merged: dict[str, object] = {}
    for one in elements(contexts, meter):
        if not isinstance(one, Mapping):
            return None
        meter.room(len(merged) + len(one))
        meter.charge(len(one))
        merged.update(one)
    return merged
