"""Notes on a case: internal ones stay inside, visible ones reach the party, and nothing typed is lost."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DatabaseError

from portal import audit, identity
from portal.cases import notes
from portal.cases.models import Case, CaseNote, Task
from portal.cases.notes import CaseOver
from portal.identity.models import Person
from portal.notify import PortalMessage
from tests.builders.pages import LONG_AGO, plain

INTERNAL = "电话核实：台账由二号线负责人保管"
TOLD = "请于本周内补充第三季度台账原件"


@pytest.fixture
def review(portal):
    """A review under way; the id of its case."""
    return portal.review()


def add(browser, case_id, text, **more):
    return browser.post(f"/cases/{case_id}/notes", {"text": text, **more})


def kept(portal):
    with portal.database.transaction() as tx:
        return [(one.text, one.visible) for one in tx.scalars(select(CaseNote).order_by(CaseNote.id))]


def messages(portal):
    with portal.database.transaction() as tx:
        found = select(PortalMessage).where(PortalMessage.kind == "note")
        return [(one.person_id, one.title, one.body) for one in tx.scalars(found)]


def test_an_internal_note_is_for_officials_alone(portal, review):
    browser = portal.client("he")
    answer = add(browser, review, f"  {INTERNAL}\r\n第二行  ", reader="office")
    assert (answer.status_code, answer.location) == (303, f"/cases/{review}#file-notes")
    page = browser.get(f"/cases/{review}")
    assert "已添加内部备注。" in plain(page)
    assert f"{INTERNAL}\n第二行" in page.text
    assert "仅内部可见 何静" in plain(page)
    assert "添加内部备注 · 何静" in plain(page)
    assert kept(portal) == [(f"{INTERNAL}\n第二行", False)]
    assert messages(portal) == []


def test_the_party_sees_nothing_of_an_internal_note_anywhere(portal, review):
    add(portal.client("he"), review, INTERNAL)
    wang = portal.client("wang")
    for path in ("/my", f"/my/cases/{review}", "/messages", "/my/cases", "/my/letters"):
        page = wang.get(path, follow_redirects=True)
        assert INTERNAL not in page.text, path
        assert "备注" not in plain(page), path
    assert wang.get(f"/cases/{review}").status_code in (403, 404)
    assert wang.get(f"/cases/{review}/notes").status_code in (403, 404)
    assert add(wang, review, "x").status_code in (403, 404)


def test_the_history_proves_a_note_without_its_words(portal, review):
    add(portal.client("he"), review, INTERNAL)
    with portal.database.transaction() as tx:
        [entry] = [one for one in audit.entries(tx, review) if one.kind == "note.added"]
        assert entry.actor_id == portal.people["he"]
        assert set(entry.details) == {"note", "visible", "said"}
        assert entry.details["visible"] is False
        case = tx.get_one(Case, review)
        assert audit.verify_case(tx, review, audit.Chain(case.audit_length, case.audit_head)) == []


def test_a_visible_note_is_sent_and_stays_to_be_read(portal, review):
    browser = portal.client("he")
    answer = add(browser, review, TOLD, reader="party", confirmed="1")
    assert answer.status_code == 303
    assert "说明已发给申请人。" in plain(browser.get(f"/cases/{review}"))
    number = portal.case(review).number
    [(person, title, body)] = messages(portal)
    assert (person, title) == (portal.people["wang"], "办理机关说明")
    assert body.endswith(f"{number}：{TOLD}")
    assert TOLD in plain(portal.client("wang").get("/messages"))
    with portal.database.transaction() as tx:
        assert [one.text for one in notes.visible(tx, review)] == [TOLD]


def test_only_the_button_that_says_so_tells_the_party(portal, review):
    answer = add(portal.client("he"), review, TOLD, reader="party")
    assert answer.status_code == 422
    assert "申请人将看到这条备注，请点“确认告知申请人”" in plain(answer)
    assert TOLD in answer.text
    assert 'value="party" checked' in answer.text
    assert (kept(portal), messages(portal)) == ([], [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "请填写备注内容"),
        (" \r\n ", "请填写备注内容"),
        ("长" * 1001, "备注最多 1000 字，现在有 1001 字，请删减或分几条填写"),
    ],
)
def test_what_is_no_note_comes_back_with_the_reason(portal, review, text, told):
    answer = add(portal.client("he"), review, text)
    assert answer.status_code == 422
    assert told in plain(answer)
    assert text.strip() in answer.text
    assert kept(portal) == []


def test_a_thousand_signs_fit(portal, review):
    assert add(portal.client("he"), review, "长" * 1000).status_code == 303


def test_from_a_task_one_comes_back_to_the_task(portal, review):
    task = portal.task("check", review)
    answer = add(portal.client("li"), review, INTERNAL, task=str(task))
    assert answer.location == f"/tasks/{task}#file-notes"
    assert INTERNAL in portal.client("li").get(f"/tasks/{task}").text


def test_a_script_gets_the_notes_alone(portal, review):
    browser = portal.client("he")
    data = {"text": INTERNAL, "csrf_token": browser.token("/inbox")}
    answer = browser.raw.post(
        f"/cases/{review}/notes", data=data, headers={"HX-Request": "true"}, follow_redirects=True
    )
    assert answer.status_code == 200
    assert 'id="file-notes"' in answer.text
    assert 'id="notes-count">1<' in answer.text


def test_a_case_without_party_has_only_internal_notes(portal):
    task, browser = portal.allocation(), portal.client("zhou")
    with portal.database.transaction() as tx:
        case_id = tx.get_one(Task, task).case_id
    assert "申请人可见" not in browser.get(f"/tasks/{task}").text
    answer = add(browser, case_id, TOLD, reader="party", confirmed="1")
    assert answer.status_code == 422
    assert "本案没有申请人，备注只能仅内部可见" in plain(answer)
    assert add(browser, case_id, INTERNAL).status_code == 303


def test_an_ended_case_takes_no_more_notes(portal, review):
    portal.complete("li", portal.task("check", review), {"result": "不予受理", "reason": "不是相对人"})
    portal.complete("chen", portal.task("sign_refusal", review), {"result": "签发"})
    assert portal.case(review).ended_at is not None
    browser = portal.client("he")
    assert "添加备注" not in plain(browser.get(f"/cases/{review}"))
    answer = add(browser, review, INTERNAL)
    assert answer.status_code == 409
    assert CaseOver.zh in plain(answer)
    assert INTERNAL in answer.text
    assert kept(portal) == []


def test_an_official_of_another_regulation_neither_reads_nor_writes(portal, review):
    add(portal.client("he"), review, INTERNAL)
    with portal.database.transaction() as tx:
        him = Person(login="other", name="外人", password_hash=tx.scalars(select(Person.password_hash)).first())
        tx.add(him)
        tx.flush()
        identity.grant_role(tx, person_id=him.id, regulation="elsewhere", role="handler", from_day=LONG_AGO)
    other = portal.client("other")
    assert other.get(f"/cases/{review}/notes").status_code in (403, 404)
    assert add(other, review, "x").status_code in (403, 404)
    with portal.database.transaction() as tx:
        assert tx.scalar(select(func.count()).select_from(CaseNote)) == 1


def test_a_note_is_never_changed(portal, review):
    add(portal.client("he"), review, INTERNAL)
    with pytest.raises(DatabaseError), portal.database.transaction() as tx:
        tx.scalars(select(CaseNote)).one().text = "改写"
