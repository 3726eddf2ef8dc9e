"""What everybody may know of a record: nothing but public fields in public states, and when that changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from portal.registers.publication import Change, hidden_since, publication
from portal.registers.rules import Register

DRAFT, FILED, VOID = "草案", "已备案", "废止"
STANDARDS = Register(
    name="standards",
    title="规范清单",
    key=("number",),
    states=(DRAFT, FILED, VOID),
    fields={"number": "text", "title": "text", "owner": "text", "areas": "list"},
    closed=frozenset({VOID}),
    public=("number", "title", "areas"),
    public_states=(FILED, VOID),
)
START = datetime(2026, 9, 1, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Entry:
    """An entry as the register keeps it."""

    day: int
    state: str
    fields: dict[str, str | None]
    document: str | None = None
    letter_id: int | None = None
    basis: str | None = None

    @property
    def moment(self) -> datetime:
        return at(self.day)


def at(day: int) -> datetime:
    return START + timedelta(days=day)


def entry(day: int, state: str = FILED, **fields: str | None) -> Entry:
    return Entry(day, state, {"number": "一号", "title": "骑行", "owner": "甲", "areas": None, **fields})


def test_a_record_is_shown_from_its_first_public_state_on_with_all_its_public_fields():
    filed = replace(entry(2, title="出行"), document="备〔2026〕1号", letter_id=7, basis="11")
    told = publication(STANDARDS, [entry(0, DRAFT), entry(1, DRAFT, title="步行"), filed])
    changed = {"state": [None, FILED], "number": [None, "一号"], "title": [None, "出行"]}
    assert told.changes == (Change(at(2), "备〔2026〕1号", 7, "11", changed),)
    assert (told.state, told.fields) == (FILED, {"number": "一号", "title": "出行", "areas": None})
    assert told.first_shown == told.changed_at == at(2)


def test_what_is_not_public_changes_nothing_in_public():
    told = publication(STANDARDS, [entry(0), entry(1, owner="乙"), entry(2, owner="丙", areas="交通")])
    assert [change.moment for change in told.changes] == [at(0), at(2)]
    assert told.changes[1].changed == {"areas": [None, "交通"]}
    assert "owner" not in told.fields


def test_a_record_closed_later_stays():
    told = publication(STANDARDS, [entry(0), entry(3, VOID)])
    assert (told.state, told.first_shown, told.changed_at) == (VOID, at(0), at(3))
    assert told.changes[1].changed == {"state": [FILED, VOID]}


def test_what_was_changed_while_it_was_hidden_is_told_only_as_it_comes_back():
    entries = [entry(0), entry(1, DRAFT), entry(2, DRAFT, title="步行"), entry(3, title="出行")]
    assert publication(STANDARDS, entries[:2]) is None
    assert publication(STANDARDS, entries[:3]) is None
    told = publication(STANDARDS, entries)
    assert told.changes[1:] == (Change(at(3), None, None, None, {"title": ["骑行", "出行"]}, hidden_since=at(1)),)
    back = publication(STANDARDS, [entry(0), entry(1, DRAFT), entry(2)])
    assert back.changes[1].changed == {}
    assert back.changes[1].hidden_since == at(1)


def test_without_public_states_every_state_is_public_and_without_public_fields_none():
    everything = replace(STANDARDS, public_states=())
    assert publication(everything, [entry(0, DRAFT)]).state == DRAFT
    assert publication(replace(STANDARDS, public=()), [entry(0)]) is None
    assert publication(STANDARDS, []) is None


def test_since_when_a_record_is_hidden_is_told_only_of_one_that_was_shown():
    declared = [(at(-5), STANDARDS)]
    assert hidden_since(declared, [entry(0), entry(1, DRAFT), entry(2, DRAFT, title="步行")]) == at(1)
    assert hidden_since(declared, [entry(0), entry(1, DRAFT), entry(2)]) is None
    assert hidden_since(declared, [entry(0, DRAFT), entry(1, DRAFT)]) is None
    assert hidden_since(declared, [entry(0)]) is None


def test_a_release_that_shows_less_hides_too_and_one_that_shows_more_shows_again():
    less = replace(STANDARDS, public_states=(VOID,))
    assert hidden_since([(at(-5), STANDARDS), (at(4), less)], [entry(0)]) == at(4)
    assert hidden_since([(at(-5), STANDARDS), (at(4), None)], [entry(0)]) == at(4)
    assert hidden_since([(at(-5), STANDARDS), (at(4), less), (at(6), STANDARDS)], [entry(0)]) is None
    assert hidden_since([(at(-5), less), (at(4), replace(STANDARDS, public=()))], [entry(0)]) is None
    assert hidden_since([], [entry(0), entry(1, DRAFT)]) is None


def test_what_was_on_record_before_the_first_release_is_taken_as_declared_by_that():
    less = replace(STANDARDS, public_states=(VOID,))
    assert hidden_since([(at(2), STANDARDS), (at(4), less)], [entry(0)]) == at(4)
    assert hidden_since([(at(2), STANDARDS)], [entry(0), entry(1, DRAFT)]) == at(1)
    assert hidden_since([(at(2), None), (at(3), STANDARDS)], [entry(0), entry(1, DRAFT)]) is None


_STATES = st.sampled_from([DRAFT, FILED, VOID])
_TEXTS = st.sampled_from([None, "甲", "乙"])
_ENTRIES = st.lists(st.tuples(_STATES, _TEXTS, _TEXTS), max_size=8).map(
    lambda rows: [entry(day, state, title=title, owner=owner) for day, (state, title, owner) in enumerate(rows)]
)


@given(_ENTRIES)
def test_whatever_is_entered_nothing_hidden_is_told(entries):
    told = publication(STANDARDS, entries)
    shown = bool(entries) and entries[-1].state != DRAFT
    assert (told is not None) == shown
    assert (hidden_since([(at(-1), STANDARDS)], entries) is not None) == (
        not shown and any(one.state != DRAFT for one in entries)
    )
    if told is None:
        return
    state, fields = None, {}
    by_moment = {one.moment: one for one in entries}
    for change in told.changes:
        assert by_moment[change.moment].state != DRAFT
        assert not {"owner"} & change.changed.keys()
        assert DRAFT not in change.changed.get("state", [])
        for name, (old, new) in change.changed.items():
            assert old == (state if name == "state" else fields.get(name))
            state, fields = (new, fields) if name == "state" else (state, {**fields, name: new})
    assert state == told.state == entries[-1].state
    public = {name: entries[-1].fields[name] for name in STANDARDS.public}
    assert {**dict.fromkeys(STANDARDS.public), **fields} == told.fields == public


@given(_ENTRIES)
def test_what_is_entered_in_private_alone_leaves_no_trace_in_public(entries):
    silent = [replace(one, fields={**one.fields, "owner": "丁"}) for one in entries]
    assert publication(STANDARDS, entries) == publication(STANDARDS, silent)
