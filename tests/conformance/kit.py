"""Runs folders of the public conformance kit for DMN: each is right, named with what is outside our subset, or wrong.

    python -m tests.conformance.kit FOLDER [MOST]

prints a line for each folder of .dmn or test files, and fails when one is wrong or more than MOST (3) are named.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from lxml import etree

from portal.errors import ContentFaults, PortalError
from portal.feel import Scope, Value
from portal.feel.budget import DEFAULT, Meter
from portal.feel.builtins import BUILTINS
from portal.feel.dmn import Decisions, RulesDisagree, read
from portal.feel.values import kind
from portal.xml import local, safe_xml

# The kit's payments were reckoned with binary fractions, and written with a dozen decimals: 562.707359373292 stands
# there for 562.7073593732659…. What is written with so many is right to so many; every other number is exact.
PLACES = 10
MOST = 3
"""How many folders may use what is outside the subset, where nothing else is said."""
_READ = {"date": "date", "time": "time", "dateTime": "date and time", "duration": "duration"}


@dataclass(frozen=True)
class Result:
    """A folder: `named` are the constructs outside the subset, `wrong` what came out otherwise, `asked` how many."""

    folder: str
    asked: int
    named: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.wrong:
            return f"{self.folder}: WRONG: " + "; ".join(self.wrong)
        if self.named:
            return f"{self.folder}: outside the subset: " + "; ".join(self.named)
        return f"{self.folder}: right ({self.asked} answers)"


def results(cases: Path) -> Iterator[Result]:
    """The result of each folder below a place."""
    for folder in sorted({path.parent for files in ("*.dmn", "*.xml") for path in cases.rglob(files)}):
        yield result(folder)


def result(folder: Path) -> Result:
    """One folder: every .dmn file, asked what the test files beside it ask."""
    asked, named, wrong = 0, [], []
    files = {path.name: path for path in sorted(folder.glob("*.dmn"))}
    read_files: dict[str, Decisions] = {}
    for name, path in files.items():
        try:
            read_files[name] = read(path.read_bytes(), name)
        except ContentFaults as error:
            named += [f"{fault.file}:{fault.line}: {fault.what}" for fault in error.faults]
    for path in sorted(folder.glob("*.xml")):
        root = safe_xml(path.read_bytes())
        model = root.findtext("{*}modelName", "")
        if model not in files:
            wrong.append(f"{path.name} asks {model}, which is not there")
        if model not in read_files:
            continue
        for case in root.iterfind("{*}testCase"):
            for wanted in case.iterfind("{*}resultNode"):
                asked += 1
                wrong += _judged(read_files[model], path.name, case, wanted)
    if not asked and not named:
        wrong.append("nothing is asked here")
    return Result(folder.name, asked, tuple(named), tuple(wrong))


def _judged(decisions: Decisions, file: str, case: etree._Element, wanted: etree._Element) -> Iterator[str]:
    given = {one.get("name"): value(one) for one in case.iterfind("{*}inputNode")}
    name, written = wanted.get("name"), wanted.find("{*}expected")
    expected = value(written) if written is not None else None
    try:
        found = answered(decisions, name, given)
    except PortalError as refusal:
        yield f"{file} {case.get('id')} {name}: {expected!r} was expected; {refusal.text('en')}"
        return
    if not same(found, expected):
        yield f"{file} {case.get('id')} {name}: {expected!r} was expected, {found!r} came"


def answered(decisions: Decisions, name: str, given: Mapping[str, Value]) -> Value:
    """What a decision gives; null where its rules disagree, as the standard says."""
    try:
        return decisions.evaluate(name, Scope(given)).value
    except RulesDisagree:
        return None


def value(element: etree._Element) -> Value:
    """A value as the kit writes it."""
    parts = {local(one): one for one in element}
    if "list" in parts:
        return None if _nil(parts["list"]) else [value(item) for item in parts["list"]]
    components = element.findall("{*}component")
    if components:
        return {one.get("name"): value(one) for one in components}
    written = parts.get("value")
    if written is None or _nil(written):
        return None
    return _typed(written.text or "", str(written.get(f"{{{_XSI}}}type", "")).partition(":")[2])


_XSI = "http://www.w3.org/2001/XMLSchema-instance"


def _nil(element: etree._Element) -> bool:
    return element.get(f"{{{_XSI}}}nil") == "true"


def _typed(text: str, of: str) -> Value:
    if of == "boolean":
        return text == "true"
    if of in ("decimal", "double", "integer", "int", "long", "float"):
        return Decimal(text)
    if of in _READ:
        read_as: Value = BUILTINS[_READ[of]].run(Meter(DEFAULT), text)
        return read_as
    return text


def same(found: object, expected: object) -> bool:
    """Whether two values are the same, numbers exactly but for those with PLACES decimals or more."""
    if kind(found) != kind(expected):
        return False
    if isinstance(found, Decimal) and isinstance(expected, Decimal):
        written = -int(expected.as_tuple().exponent)
        return found == expected or (written >= PLACES and abs(found - expected) < Decimal(1).scaleb(-PLACES))
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(same(found[key], expected[key]) for key in found)
    return found == expected


def main(arguments: list[str]) -> int:
    """Prints every folder's result; 0 when none is wrong and no more than MOST are named."""
    found = list(results(Path(arguments[0])))
    most = int(arguments[1]) if len(arguments) > 1 else MOST
    for one in found:
        print(one)
    wrong = sum(bool(one.wrong) for one in found)
    named = sum(bool(one.named) for one in found if not one.wrong)
    print(f"{len(found)} folders: {len(found) - wrong - named} right, {named} named, {wrong} wrong")
    return 1 if wrong or named > most or not found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
