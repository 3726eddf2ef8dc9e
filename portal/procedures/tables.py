"""Reads TOML strictly: every key is asked for, and a key that nobody asked for is a fault with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import chain
from typing import Any

from portal.errors import ContentFaults, Fault


def parse(data: bytes, file: str) -> dict[str, Any]:
    """The table that TOML bytes hold; ContentFaults with the line when they hold none."""
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        raise ContentFaults([Fault("文件不是 UTF-8 编码", "另存为 UTF-8", file=file)]) from error
    except (ValueError, RecursionError) as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found.group(1)) if found else None
        raise ContentFaults([Fault(f"TOML 语法有误：{error}", "改正该行的写法", line=line, file=file)]) from error


class Table:
    """A TOML table being read; `faults` is shared by all tables of one file."""

    def __init__(self, values: Mapping[str, Any], file: str, source: str, path: str = "") -> None:
        self.values, self.file, self.source, self.path = values, file, source, path
        self.faults: list[Fault] = []
        self.asked: set[str] = set()
        self._inner: list[Table] = []

    def fault(self, key: str, what: str, mend: str) -> None:
        """Notes a fault at a key."""
        self.faults.append(Fault(what, mend, self._name(key), self._line(key), self.file))

    def has(self, key: str) -> bool:
        """Whether a key is given."""
        self.asked.add(key)
        return key in self.values

    def holds(self, name: str) -> bool:
        """Whether a dotted name is given, in this table or one below it."""
        values: Any = self.values
        for key in name.split("."):
            if not isinstance(values, Mapping) or key not in values:
                return False
            values = values[key]
        return True

    def text(self, key: str, *, required: bool = False) -> str:
        """A string; empty when absent and not required."""
        value = self._take(key, str, "文字", required)
        return "" if value is None else str(value)

    def whole(self, key: str) -> int | None:
        """A whole number."""
        value = self._take(key, int, "整数", False)
        return None if value is None else int(str(value))

    def flag(self, key: str) -> bool:
        """A truth value, false when absent."""
        return bool(self._take(key, bool, "true 或 false", False))

    def day(self, key: str, *, required: bool = False) -> date | None:
        """A date."""
        value = self._take(key, date, "日期，如 2023-02-20", required)
        return value if isinstance(value, date) else None

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings; a single string stands for a list of one."""
        self.asked.add(key)
        value = self.values.get(key, [])
        if isinstance(value, str):
            return (value,)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        self.fault(key, f"“{self._name(key)}”应为文字或文字的列表", '写成 ["…", "…"]')
        return ()

    def anything(self, key: str) -> Any:  # noqa: ANN401 - TOML holds any of its types here
        """The raw value of a key, for keys of several shapes."""
        self.asked.add(key)
        return self.values.get(key)

    def table(self, key: str) -> Table:
        """A sub-table, empty when absent."""
        value = self._take(key, dict, "表", False)
        return self.sub(key, value or {})

    def tables(self, key: str) -> Iterator[tuple[str, Table]]:
        """The named sub-tables under a key."""
        outer = self.table(key)
        for name in outer.values:
            yield name, outer.table(name)

    def sub(self, key: str, values: Mapping[str, Any]) -> Table:
        """A table read in the place of a key; its faults are this table's."""
        inner = Table(values, self.file, self.source, self._name(key))
        inner.faults = self.faults
        self._inner.append(inner)
        return inner

    def not_built(self, *keys: str) -> None:
        """Refuses, by name, keys that the format knows and this version does not carry out."""
        for key in keys:
            if self.has(key):
                self.fault(key, f"“{self._name(key)}”尚未支持", "先去掉这一项")

    def close(self) -> None:
        """Notes every key that nobody asked for, here and below."""
        for key in self.values:
            if key not in self.asked:
                known = "、".join(sorted(self.asked)) or "无"
                self.fault(key, f"不认识的键“{self._name(key)}”", f"此处可用的键：{known}")
        for inner in self._inner:
            inner.close()

    def _take(self, key: str, kind: type, name: str, required: bool) -> Any:  # noqa: ANN401 - see anything
        self.asked.add(key)
        value = self.values.get(key)
        if value is None:
            if required:
                self.fault(key, f"缺少“{self._name(key)}”", f"补上 {key} = …")
            return None
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.fault(key, f"“{self._name(key)}”应为{name}", f"改写 {key} 的值")
            return None
        return value

    def _name(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _line(self, key: str) -> int | None:
        return _line_of(self.source, self.path, key)


def line_of(source: str, name: str) -> int | None:
    """The line of a TOML text on which a dotted name stands, or the table that it would stand in."""
    path, _, key = name.rpartition(".")
    return _line_of(source, path, key)


def _line_of(source: str, path: str, key: str) -> int | None:
    """Below its table's heading, or on the line of its inline table, if one of them is found."""
    lines = source.splitlines()
    inline = re.compile(rf'\s*"?{re.escape(path.rpartition(".")[2])}"?\s*=')
    heads = [n for n, line in enumerate(lines) if line.split("#")[0].strip() == f"[{path}]"]
    heads = heads or [n for n, line in enumerate(lines) if path and inline.match(line)]
    start = heads[0] if heads else 0
    word = re.escape(key)
    pattern = re.compile(rf'(^|[\s,{{\[."]){word}"?\s*(=|\])|^\s*\[+"?{word}"?\.')
    for number in chain(range(start, len(lines)), range(start)):
        if pattern.search(lines[number]):
            return number + 1
    return start + 1 if heads else None
