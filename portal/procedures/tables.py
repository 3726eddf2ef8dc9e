"""Reads TOML strictly: every key is asked for, and a key that nobody asked for is a fault with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import chain
from typing import Any

from portal.errors import Fault
from portal.procedures.spelling import meant, nearest
from portal.procedures.toml import parse, text

_HEADING = re.compile(r"\[\[?[^\[\],=]*\]\]?")


def opened(data: bytes, file: str) -> Table:
    """The table that TOML bytes hold, to be read; ContentFaults with the line when they hold none."""
    return Table(parse(data, file), file, text(data, file))


class Table:
    """A TOML table being read; `faults` is shared by all tables of one file.

    `partly`: a file that may say more in it could not be found, so that nothing is told of what lacks.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        file: str,
        source: str,
        path: str = "",
        span: range | None = None,
        *,
        partly: bool = False,
    ) -> None:
        self.values, self.file, self.source, self.path, self.partly = values, file, source, path, partly
        self.span = span  # the lines it stands on, counted from 0, when it is one of an array `[[…]]`
        self.faults: list[Fault] = []
        self.asked: set[str] = set()
        self._missing: dict[str, Fault] = {}
        self._refused: set[str] = set()
        self._inner: list[Table] = []

    def fault(self, key: str, what: str, mend: str) -> None:
        """Notes a fault at a key."""
        self.faults.append(Fault(what, mend, self._name(key), self.line(key), self.file))

    def line(self, name: str) -> int | None:
        """The line on which a (dotted) key stands, or the table that it would stand in."""
        path, _, key = self._name(name).rpartition(".")
        return _line_of(self.source, path, key, self.span)

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

    def array(self, key: str) -> list[Table]:
        """The tables of an array `[[key]]`, each of which knows the lines it stands on."""
        values = self._take(key, list, f"表的数组（[[{self._name(key)}]]）", False) or []
        spans = _spans(self.source, self._name(key))
        found = []
        for number, entry in enumerate(values):
            if isinstance(entry, dict):
                found.append(self.sub(key, entry, spans[number] if len(spans) == len(values) else None))
            else:
                self.fault(key, f"“{self._name(key)}”的第{number + 1}项应为表", f"写成 [[{self._name(key)}]]")
        return found

    def sub(self, key: str, values: Mapping[str, Any], span: range | None = None) -> Table:
        """A table read in the place of a key; its faults are this table's."""
        inner = Table(values, self.file, self.source, self._name(key), span or self.span, partly=self.partly)
        inner.faults = self.faults
        self._inner.append(inner)
        return inner

    def not_built(self, *keys: str) -> None:
        """Refuses, by name, keys that the format knows and this version does not carry out."""
        for key in keys:
            self.refuse(key, f"“{self._name(key)}”尚未支持", "先去掉这一项")

    def refuse(self, key: str, what: str, mend: str) -> None:
        """Refuses a key that people may think of, in words of its own."""
        self._refused.add(key)
        if self.has(key):
            self.fault(key, what, mend)

    def close(self) -> None:
        """Notes every key that nobody asked for, here and below."""
        for key in self.values:
            if key not in self.asked:
                known = sorted(self.asked - self._refused)
                mend = f"{meant(key, known)}此处可用的键：{'、'.join(known) or '无'}"
                self._misspelt(nearest(key, known))
                self.fault(key, f"不认识的键“{self._name(key)}”", mend)
        for inner in self._inner:
            inner.close()

    def _misspelt(self, key: str) -> None:
        """A key that stands there under another spelling is not missing besides."""
        if key in self._missing:
            self.faults.remove(self._missing.pop(key))

    def _take(self, key: str, kind: type, name: str, required: bool) -> Any:  # noqa: ANN401 - see anything
        self.asked.add(key)
        value = self.values.get(key)
        if value is None:
            if required and not self.partly:
                self.fault(key, f"缺少“{self._name(key)}”", f"补上 {key} = …")
                self._missing[key] = self.faults[-1]
            return None
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.fault(key, f"“{self._name(key)}”应为{name}", f"改写 {key} 的值")
            return None
        return value

    def _name(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def line_of(source: str, name: str) -> int | None:
    """The line of a TOML text on which a dotted name stands, or the table that it would stand in."""
    path, _, key = name.rpartition(".")
    return _line_of(source, path, key)


def _line_of(source: str, path: str, key: str, span: range | None = None) -> int | None:
    """Below the heading of its table, or of one around it, on the line of the inline table if there is one."""
    lines = source.splitlines()
    within = span or range(len(lines))
    own = _head(lines, within, f"{path}.{key}" if path else key, around=False)
    if own is not None:
        return own + 1
    start = _head(lines, within, path)
    within = _section(lines, within, start)
    name = path.rpartition(".")[2]
    inline = re.compile(rf'\s*(?:[\w"-]+\.)*"?{re.escape(name)}"?\s*=')
    if path and (start is None or _bare(lines[start]) != f"[{path}]"):
        start = next((n for n in range(start or within.start, within.stop) if inline.match(lines[n])), start)
    first = within.start if start is None else start
    word = re.escape(key)
    pattern = re.compile(rf'(^|[\s,{{\[."]){word}"?\s*(=|\])|^\s*\[+"?{word}"?\.')
    for number in chain(range(first, within.stop), range(within.start, first)):
        if pattern.search(lines[number]):
            return number + 1
    return None if start is None and span is None else first + 1


def _head(lines: Sequence[str], within: range, path: str, *, around: bool = True) -> int | None:
    """The heading `[a.b]` of a table `a.b.c`, the nearest there is; without `around` that of the table itself."""
    while path:
        found = next((n for n in within if _bare(lines[n]) == f"[{path}]"), None)
        if found is not None or not around:
            return found
        path = path.rpartition(".")[0]
    return None


def _section(lines: Sequence[str], within: range, start: int | None) -> range:
    """The lines below a heading, up to the next one; all of them without a heading."""
    if start is None:
        return within
    rest = range(start + 1, within.stop)
    return range(start, next((n for n in rest if _HEADING.fullmatch(_bare(lines[n]))), within.stop))


def _spans(source: str, name: str) -> list[range]:
    """The lines of each table of an array `[[name]]`, up to the next heading that is not of the same table."""
    spans: list[range] = []
    begun: int | None = None
    lines = source.splitlines()
    for number, line in enumerate([*lines, "[]"]):
        heading = _bare(line)
        if not _HEADING.fullmatch(heading) or heading.startswith((f"[{name}.", f"[[{name}.")):
            continue
        if begun is not None:
            spans.append(range(begun, number))
        begun = number if heading == f"[[{name}]]" else None
    return spans


def _bare(line: str) -> str:
    """A heading without its comment and its quotes."""
    return line.split("#")[0].strip().replace('"', "")
