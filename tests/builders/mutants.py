"""Modules broken on purpose: what must be noticed when a line of their source is another."""

from __future__ import annotations

import inspect
from types import FunctionType, ModuleType

import pytest


def mutate(patch: pytest.MonkeyPatch, module: ModuleType, *changes: tuple[str, str]) -> None:
    """Puts functions of a module in their place as they would be had each old text been the new one.

    The functions keep their identity, so that whoever has imported one runs the broken one too.
    """
    source = inspect.getsource(module)
    for old, new in changes:
        assert source.count(old) == 1, f"{old!r} does not stand once in {module.__name__}"
        source = source.replace(old, new)
    broken = ModuleType(module.__name__)
    broken.__dict__.update(vars(module))
    exec(compile(source, module.__file__ or "", "exec", dont_inherit=True), broken.__dict__)
    for name, function in list(vars(module).items()):
        if isinstance(function, FunctionType) and function.__module__ == module.__name__:
            patch.setattr(function, "__code__", broken.__dict__[name].__code__)
