"""What a called diagram needs stands beside it: its shared.toml lies under the manifest of whoever calls it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portal.errors import ContentFaults
from portal.procedures.content import Content
from portal.procedures.procedure import Procedure, assemble, shared_under
from portal.procedures.regulation import read
from tests.builders.diagrams import call, diagram, path
from tests.builders.procedures import REGULATION, content, end, procedure, start, task

OUTER, INNER = f"bpmn/{REGULATION}/_shared/outer", "bpmn/_shared/inner"


def deadline(title: str, within: str = "5 days", more: str = "") -> str:
    return (
        f'[deadlines.answer]\ntitle = "{title}"\nkind = "duty"\nafter = "filed"\nwithin = "{within}"\n'
        f'assumed = "made up"\n{more}'
    )


def called(manifest: str = "", outer: str = "", inner: str = "") -> Content:
    """A procedure that calls `outer`, which calls `inner`; each with what is said beside it."""
    main = procedure(start(), call("outer"), end(), path("start", "outer", "end"), manifest=manifest)
    whole = content(main=main)
    files = {
        f"{OUTER}/process.bpmn": diagram(start(None), call("inner"), end(), path("start", "inner", "end")),
        f"{INNER}/process.bpmn": diagram(start(None), task("work"), end(), path("start", "work", "end")),
        f"{OUTER}/shared.toml": outer.encode(),
        f"{INNER}/shared.toml": inner.encode(),
    }
    return replace(whole, files={**whole.files, **{name: data for name, data in files.items() if data}})


def assembled(whole: Content) -> Procedure:
    regulation = read(REGULATION, whole.files[f"bpmn/{REGULATION}/regulation.toml"], "regulation.toml")
    return assemble(whole, regulation, "main")


def test_the_nearest_says_the_last_word():
    whole = called(
        '[deadlines.answer]\nwithin = "3 days"\n',
        deadline("外层", "4 days"),
        deadline("内层", more='met = "done(work)"\n'),
    )
    assert [name for name, _data in shared_under(whole, "main")] == [f"{OUTER}/shared.toml", f"{INNER}/shared.toml"]
    rule = assembled(whole).manifest.deadlines["answer"]
    assert (rule.title, str(rule.length), rule.met) == ("外层", "3 days", ("done(work)",))


def test_what_only_the_innermost_needs_is_there_too():
    rule = assembled(called(inner=deadline("内层"))).manifest.deadlines["answer"]
    assert (rule.title, str(rule.length)) == ("内层", "5 days")


def test_what_is_handed_to_any_of_them_is_declared_by_it():
    needs = '[with]\nkept = "text"\n'
    assert assembled(called('with = { kept = "10 年" }\n', inner=needs)).manifest.given == {"kept": "10 年"}
    manifest = assembled(called(inner=needs)).manifest
    assert (manifest.needs, manifest.given) == ({"kept": "text"}, {})


def test_a_fault_is_told_where_it_is_written():
    with pytest.raises(ContentFaults) as refused:
        assembled(called(outer=deadline("外层"), inner='[deadlines.answer]\nwithinn = "3 days"\n'))
    [fault] = refused.value.faults
    assert (fault.file, fault.line) == (f"{INNER}/shared.toml", 2)


def test_a_key_that_is_misspelt_is_not_missing_besides():
    with pytest.raises(ContentFaults) as refused:
        assembled(called(outer=deadline("外层").replace("title", "titel")))
    assert [(fault.element, fault.what) for fault in refused.value.faults] == [
        ("deadlines.answer.titel", "不认识的键“deadlines.answer.titel”")
    ]
