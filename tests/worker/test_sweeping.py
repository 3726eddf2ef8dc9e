"""What nobody uses is removed after a day; what anybody uses stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select, text, update

from portal import clock
from portal.cases.act import ITEM_ENDED
from portal.cases.models import Attachment, Filing, StartItem
from portal.identity import registering
from portal.identity.entry import Entry, Newcomer
from portal.identity.models import Grant
from portal.storage import MemoryStore
from portal.worker import Tools, sweeping
from portal.worker.letters import render_letter
from portal.worker.sweeping import free_tasks, sweep
from tests.builders.world import CEMENT
from tests.worker.conftest import jobs, letters


def put(store: MemoryStore, key: str) -> str:
    store.put(key, b"x", 1, "application/pdf")
    return key


def keys(store: MemoryStore) -> set[str]:
    everything = store.keys()
    return {kept.key for kept in everything}


def later(tools: Tools) -> Tools:
    """The same tools at a time when everything in the store is old."""
    return replace(tools, orphans_after=timedelta(hours=-1))


def upload(database, bureau, store, name, *, hours, case_id=None) -> int:
    with database.transaction() as tx:
        row = Attachment(
            case_id=case_id,
            uploaded_by_id=bureau.wang.person_id,
            uploaded_at=clock.now() - timedelta(hours=hours),
            key=put(store, f"up/{name}"),
            name=f"{name}.pdf",
            kind="pdf",
            size=1,
            sha256="0" * 64,
        )
        tx.add(row)
        tx.flush()
        return row.id


def test_unused_uploads_and_objects_go_after_a_day(bureau, tools, own_database, monkeypatch):
    notice = bureau.notice()
    upload(own_database, bureau, tools.store, "old", hours=25)
    upload(own_database, bureau, tools.store, "used", hours=25, case_id=notice.id)
    upload(own_database, bureau, tools.store, "fresh", hours=23)
    drafted = upload(own_database, bureau, tools.store, "drafted", hours=48)
    put(tools.store, "orphan")
    with own_database.transaction() as tx:
        tx.add(
            Filing(
                person_id=bureau.wang.person_id,
                regulation="chongqing-ets",
                procedure="allocation-review",
                answers={"evidence": [str(drafted)], "grounds": "…"},
                saved_at=clock.now(),
            )
        )

    # The objects themselves are young; rows go by themselves.
    sweep(tools, "1")
    assert keys(tools.store) == {"up/old", "up/used", "up/fresh", "up/drafted", "orphan"}
    with own_database.transaction() as tx:
        assert set(tx.scalars(select(Attachment.name))) == {"used.pdf", "fresh.pdf", "drafted.pdf"}

    # A day later, by the store's own clock.
    monkeypatch.setattr(sweeping, "forget_uploads", lambda tx, before: None)
    sweep(later(tools), "2")
    assert keys(tools.store) == {"up/used", "up/fresh", "up/drafted"}


def test_proofs_stay_with_their_registration_and_others_go_after_a_day(tools, own_database):
    with own_database.transaction() as tx:
        for name, since in (("used", 25), ("fresh", 23), ("old", 25)):
            kept = registering.StoredProof(put(tools.store, f"proof/{name}"), "执照.pdf", "pdf", 1, "0" * 64)
            registering.keep_proof(tx, kept, clock.now() - timedelta(hours=since))
        entry = Entry("91110000802100433B", "某水泥有限公司", "万州区", "enterprise")
        registering.hand_in(tx, Newcomer("赵", "zhao", "a long password"), entry, "proof/used", "once", clock.now())
    sweep(later(tools), "1")
    assert keys(tools.store) == {"proof/used", "proof/fresh"}


def test_the_files_of_letters_stay(bureau, tools, own_database):
    bureau.notice()
    [letter] = letters(own_database)
    render_letter(tools, "1", letter.id)
    sweep(later(tools), "1")
    assert keys(tools.store) == {letters(own_database)[0].object_key}


def test_the_lost_count_of_an_end_is_made_up_for(bureau, tools, own_database):
    bureau.renders = True
    notice = bureau.served_notice()
    under_way = bureau.notice()
    bureau.works = False
    bureau.pass_to("2026-10-13T00:01:00")
    assert (notice.outcome, under_way.outcome) == ("已生效", None)
    with own_database.transaction() as tx:
        tx.execute(text("DELETE FROM procrastinate_jobs"))

    sweep(tools, "1")
    assert [name for name, _state, _attempts in jobs(own_database)] == [ITEM_ENDED]
    bureau.works = True
    bureau.act(lambda tx, at: None)
    with own_database.transaction() as tx:
        rows = {item.case_id: item.state for item in tx.scalars(select(StartItem))}
    assert rows == {notice.id: "ended", under_way.id: "started"}
    sweep(tools, "2")
    assert jobs(own_database) == []


def test_what_somebody_holds_who_left_the_role_goes_back_to_it(bureau, tools, own_database):
    allocation = bureau.allocation((CEMENT, 1_200_000))
    bureau.claim("sign", bureau.chen, allocation)
    free_tasks(tools, "1")
    assert [one.holder_id for one in allocation.all_tasks if one.state == "open"] == [bureau.chen.person_id]

    today = bureau.now.date()
    with own_database.transaction() as tx:
        ended = {"from_day": today - timedelta(days=9), "to_day": today - timedelta(days=1)}
        tx.execute(update(Grant).where(Grant.person_id == bureau.chen.person_id).values(ended))
    free_tasks(tools, "2")
    free_tasks(tools, "3")
    [task] = [one for one in allocation.all_tasks if one.state == "open"]
    assert (task.element, task.holder_id, task.for_id, task.held_at) == ("sign", None, None, None)
    [freed] = allocation.entries("task.freed")
    assert (freed.actor_id, freed.element, freed.details) == (None, "sign", {"task": "签批分配结果", "who": "陈"})
    assert bureau.breaks() == []
