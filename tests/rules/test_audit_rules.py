"""The hash chain of a case's history: what it covers, and which tampering it shows."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.audit.rules import BEFORE_THE_FIRST, Break, Chain, Event, breaks, breaks_of, extend, link

MOMENT = datetime(2026, 9, 24, 2, 0, tzinfo=UTC)


def events(count, act_id=1):
    return [
        Event(
            MOMENT + timedelta(minutes=n),
            act_id + n,
            "task.completed",
            7,
            None,
            "review",
            {"第": n, "b": [True]},
        )
        for n in range(count)
    ]


def a_history(count, case_id=5):
    return extend(Chain(), case_id, events(count))


def test_the_first_entry_is_the_hash_of_exactly_this_text():
    _, (entry,) = extend(Chain(), 5, [Event(MOMENT, 3, "case.filed", 7, None, None, {"理由": "产量"})])
    text = (
        '{"act_id":3,"actor_id":7,"case_id":5,"details":{"理由":"产量"},"element":null,"kind":"case.filed",'
        '"moment":"2026-09-24T02:00:00.000000+00:00","on_behalf":null,"previous":"' + "0" * 64 + '","seq":1}'
    )
    assert entry.hash == hashlib.sha256(text.encode("utf-8")).hexdigest()


def test_the_zone_in_which_a_moment_is_written_does_not_matter():
    _, (entry,) = a_history(1)
    shanghai = replace(entry, moment=entry.moment.astimezone(timezone(timedelta(hours=8))))
    assert link(BEFORE_THE_FIRST, shanghai) == entry.hash


def test_a_chain_remembers_length_and_last_hash():
    chain, entries = a_history(3)
    assert chain == Chain(3, entries[-1].hash)
    assert [entry.seq for entry in entries] == [1, 2, 3]
    assert [entry.previous for entry in entries] == [BEFORE_THE_FIRST, entries[0].hash, entries[1].hash]


def test_two_appends_chain_like_one():
    whole, entries = a_history(4)
    half, first = extend(Chain(), 5, events(4)[:2])
    end, second = extend(half, 5, events(4)[2:])
    assert (end, first + second) == (whole, entries)


@pytest.mark.parametrize("details", [{"a": 1.5}, {"a": [float("nan")]}, {"a": {1: 2}}, {"a": "\0"}, {"a": MOMENT}])
def test_details_that_a_database_would_change_are_refused(details):
    with pytest.raises(ValueError, match="detail"):
        extend(Chain(), 5, [Event(MOMENT, 1, "case.filed", details=details)])


@pytest.mark.parametrize("kind", ["filed", "Case.filed", "case.", "case.filed.now", "案件.提出"])
def test_a_kind_is_noun_dot_verb(kind):
    with pytest.raises(ValueError, match="noun"):
        extend(Chain(), 5, [Event(MOMENT, 1, kind)])


def test_a_moment_without_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        extend(Chain(), 5, [Event(datetime(2026, 9, 24), 1, "case.filed")])


def test_an_untouched_history_has_no_break():
    chain, entries = a_history(5)
    assert list(breaks([(5, chain)], entries)) == []
    assert list(breaks([(4, Chain()), (5, chain), (6, Chain())], entries)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"moment": MOMENT - timedelta(microseconds=1)},
        {"act_id": 99},
        {"kind": "task.claimed"},
        {"actor_id": None},
        {"on_behalf": 7},
        {"element": "sign"},
        {"details": {"第": 2}},
    ],
)
def test_an_edit_of_any_field_shows_where_it_is(change):
    chain, entries = a_history(5)
    entries[2] = replace(entries[2], **change)
    assert list(breaks([(5, chain)], entries)) == [
        Break(5, 3, "第3条的内容被改动", "the content of entry 3 was changed")
    ]


def test_an_edit_with_its_hash_made_anew_shows_at_the_next_entry():
    chain, entries = a_history(5)
    forged = replace(entries[2], actor_id=8)
    entries[2] = replace(forged, hash=link(forged.previous, forged))
    assert [(b.seq, b.en) for b in breaks([(5, chain)], entries)] == [
        (4, "entry 4 does not follow from the one before it")
    ]


def test_a_history_forged_from_a_point_to_its_end_shows_at_the_head():
    chain, entries = a_history(5)
    before = Chain(2, entries[1].hash)
    _, forged = extend(before, 5, [replace(event, actor_id=8) for event in events(5)[2:]])
    found = list(breaks([(5, chain)], entries[:2] + forged))
    assert found == [Break(5, 5, "第5条不是案件所记的最后一条", "entry 5 is not the last one that the case remembers")]


def test_a_cut_tail_shows():
    chain, entries = a_history(5)
    assert [(b.seq, b.zh) for b in breaks([(5, chain)], entries[:3])] == [(4, "应有5条，只到第3条")]
    assert [(b.seq, b.zh) for b in breaks([(5, chain)], [])] == [(1, "应有5条，只到第0条")]


def test_an_entry_added_at_the_end_shows():
    chain, _ = a_history(3)
    _, entries = a_history(4)
    assert [(b.seq, b.zh) for b in breaks([(5, chain)], entries)] == [(4, "应有3条，却有第4条")]


def test_an_entry_moved_to_another_case_shows_in_both():
    chain, entries = a_history(3)
    other, others = extend(Chain(), 6, events(2))
    moved = replace(entries[2], case_id=6)
    found = list(breaks([(5, chain), (6, other)], [*entries[:2], *others, moved]))
    assert {b.case_id for b in found} == {5, 6}


def test_entries_of_a_case_that_nobody_knows_show_wherever_it_sorts():
    chain, entries = a_history(2)
    _, before = extend(Chain(), 4, events(2))
    _, after = extend(Chain(), 9, events(1))
    found = list(breaks([(5, chain)], [*before, *entries, *after]))
    assert [(b.case_id, b.en) for b in found] == [
        (4, "there are entries of a case that is not known"),
        (9, "there are entries of a case that is not known"),
    ]


def test_chains_out_of_order_are_refused_rather_than_misread():
    with pytest.raises(ValueError, match="ascend"):
        list(breaks([(6, Chain()), (5, Chain())], []))


@given(st.integers(1, 8), st.data())
def test_whatever_is_deleted_doubled_or_swapped_is_found(count, data):
    chain, entries = a_history(count)
    here = data.draw(st.integers(0, count - 1))
    there = data.draw(st.integers(0, count - 1))
    way = data.draw(st.sampled_from(["delete", "insert", "swap"]))
    if way == "delete":
        del entries[here]
    elif way == "insert":
        entries.insert(here, replace(entries[there], seq=entries[here].seq))
    elif here == there:
        return
    else:
        here_as_there = replace(entries[here], seq=entries[there].seq)
        entries[here], entries[there] = replace(entries[there], seq=entries[here].seq), here_as_there
    assert list(breaks_of(5, chain, entries))
