"""The check as a whole: sound content is clean, bad content of whatever kind gives faults and never an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.procedures import Content, from_folder
from portal.procedures.check import check
from portal.procedures.content import regulations
from tests.builders.content import FILES, changed, small
from tests.builders.planes import drawn
from tests.procedures.expecting import RULES, faults

ROOT = Path(__file__).parents[2]


def test_the_small_content_is_clean():
    assert faults(small()) == []


@pytest.mark.parametrize("regulation", regulations(ROOT))
def test_the_shipped_content_is_clean(regulation):
    found = faults(from_folder(ROOT, regulation))
    assert found == [], "\n".join(map(str, found))


def test_an_empty_folder_has_no_regulation():
    assert [(f.file, f.element) for f in faults(Content("demo", {}))] == [("bpmn/demo/regulation.toml", None)]


def test_many_faults_are_found_in_one_go():
    texts = {
        "regulation.toml": ('title    = "示范办法"', ""),
        "grant.bpmn": ('role="leader"', 'role="nobody"'),
        "period.bpmn": ("<bpmn:endEvent", "<bpmn:endEvent colour"),
        "review.toml": ('"11.2"', '"99"'),
        "form/sign": ('"radio"', '"wireless"'),
        "form/check": ("start.claimed", "start.claimd"),
    }
    files = {name: small().files[FILES[name]].decode().replace(*swap).encode() for name, swap in texts.items()}
    found = faults(changed(**files, **{"letter/notice": b""}))
    assert {f.file for f in found} >= {FILES[name] for name in (*texts, "letter/notice")}
    assert all(f.what and f.mend for f in found)
    assert found == sorted(found, key=lambda f: (f.file, f.line or 0))


def test_each_fault_is_told_once():
    found = faults(changed(**{"form/sign": b"{}"}))
    assert len(found) == len(set(found)) == 1


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_a_fault(name):
    assert faults(changed(**{name: None}))


BAD = [
    b"",
    b"\x00\xff\xfe",
    b"<",
    b"<a/>",
    b"{}",
    b"[]",
    b"[[[",
    b"null",
    b"a = 1",
    b"\xef\xbb\xbf",
    b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    b"[" * 100_000,
    b"a = " + b"[" * 100_000,
    b"a = 1" + b"0" * 5000,
    b"PK\x03\x04",
    "﷐".encode() * 100,
]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("data", BAD, ids=range(len(BAD)))
def test_a_file_of_another_kind_is_a_fault(name, data):
    assert faults(changed(**{name: data}))


TOML = [
    "starts = 3", "starts = [3]", "starts = { role = 3 }", "about = 3", "about = []", "basis = 3", "with = []",
    "roles = 1",
    "searchable = 3", "separation = 3", "separation = true", "facts = 3", "facts = { a = 3 }", "deadlines = []",
    "deadlines = { a = 1 }", "deadlines = { a = {} }", "documents = { a = {} }", "documents = 3",
    "materials = { a = {} }",
    "materials = { a = { max = 1.5, accept = [1] } }", "number = 3", 'number = "{"', "diagram = 3", 'diagram = ""',
    'diagram = "../.."', 'with = { "a.b" = "c" }', 'facts = { "" = { title = "x", is = "" } }', 'searchable = [""]',
    'searchable = ["..a"]', 'separation = [["", ":"]]', 'documents = { a = { template = "../x" } }',
]  # fmt: skip


@pytest.mark.parametrize("text", TOML)
def test_keys_of_the_wrong_kind_are_faults(text):
    key = text.split()[0]
    lines = small().files[FILES["grant.toml"]].decode().splitlines()
    kept = [line for line in lines if line.split(" ")[0] != key]
    assert faults(changed(**{"grant.toml": "\n".join([*kept, text]).encode()}))


PLACES = [name for name in FILES if not name.startswith("letter")]


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(PLACES),
    at=st.integers(0, 6000),
    cut=st.integers(0, 80),
    put=st.one_of(
        st.binary(max_size=12),
        st.text(max_size=12).map(str.encode),
        st.sampled_from(PLACES).map(lambda other: small().files[FILES[other]][40:160]),
        st.sampled_from([b'"', b"<", b">", b"[", b"]", b"=", b"\n", b'""', b"true", b"3", b"/>", b"\\", b"{{", b"}}"]),
    ),
)
@pytest.mark.thorough
def test_no_change_of_a_file_raises(name, at, cut, put):
    data = small().files[FILES[name]]
    at %= len(data) + 1
    for fault in faults(changed(**{name: data[:at] + put + data[at + cut :]})):
        assert fault.what
        assert fault.file


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(at=st.integers(0, 10**6), put=st.binary(min_size=1, max_size=4))
def test_no_change_of_a_letter_raises(at, put):
    data = small().files[FILES["letter/notice"]]
    at %= len(data)
    faults(changed(**{"letter/notice": data[:at] + put + data[at + len(put) :]}))


def test_the_actions_there_are_come_from_outside():
    rules = {name: rule for name, rule in RULES.items() if name != "ledger.reverse"}
    found = check(drawn(small()), rules)
    assert [(f.element, f.what) for f in found] == [("reverse", "没有名为“ledger.reverse”的动作")]
