"""Messages: who gets which, that none tells of an unopened letter, and how they are read."""

from __future__ import annotations

from datetime import timedelta

from portal import notify
from portal.notify import PortalMessage
from tests.builders.pages import plain


def of(portal, login: str) -> list[PortalMessage]:
    """The messages of a person, oldest first."""
    with portal.database.transaction() as tx:
        return notify.of_person(tx, portal.people[login], 100)[::-1]


def send(portal, login: str, number: int, case_id: int) -> None:
    """Sends messages about a case."""
    with portal.database.transaction() as tx:
        for count in range(number):
            notify.send(
                notify.Post(tx), [portal.people[login]], case_id=case_id, kind="warning",
                at=portal.now + timedelta(minutes=count), title=f"提醒{count}", body="请看",
            )  # fmt: skip


def test_a_letter_to_sign_for_is_told_when_its_file_is_there(portal):
    _case, letter = portal.notice()
    assert of(portal, "wang") == []
    portal.rendered(letter)
    [message] = of(portal, "wang")
    assert (message.kind, message.subject_id, message.title) == ("letter", letter, "有文书待签收")
    assert "签收当日即为送达日" in message.body
    assert "1200000" not in message.body.replace(",", "")
    page = portal.client("wang").get("/messages")
    assert "1,200,000" not in page.text


def test_opening_a_message_leads_to_its_letter_and_marks_it(portal):
    _case, letter = portal.notice()
    portal.rendered(letter)
    browser = portal.client("wang")
    [message] = of(portal, "wang")
    answer = browser.post(f"/messages/{message.id}")
    assert answer.status_code == 303
    assert answer.location == f"/my/letters/{letter}"
    assert of(portal, "wang")[0].read_at is not None


def test_a_correction_is_asked_by_message(portal):
    review = portal.review()
    before = len(of(portal, "wang"))
    portal.complete("li", portal.task("check", review), {"result": "补正", "corrections": "缺少计量凭证"})
    task = portal.task("correct", review)
    message = of(portal, "wang")[-1]
    assert len(of(portal, "wang")) == before + 1
    assert (message.kind, message.subject_id) == ("task", task)
    assert message.title.startswith("请办理：")
    assert "24:00 前办理" in message.body
    answer = portal.client("wang").post(f"/messages/{message.id}")
    assert answer.location == f"/my/tasks/{task}"


def test_nobody_reads_or_marks_what_is_another_persons(portal):
    case, _letter = portal.notice()
    send(portal, "zhou", 1, case)
    [message] = of(portal, "zhou")
    other = portal.client("sun")
    assert other.post(f"/messages/{message.id}").status_code == 404
    other.post("/messages/read", {"until": str(message.id)})
    assert of(portal, "zhou")[0].read_at is None
    assert "提醒0" not in other.get("/messages").text


def test_the_count_is_in_the_bar_and_goes_when_all_are_marked(portal):
    case, _letter = portal.notice()
    send(portal, "zhou", 3, case)
    browser = portal.client("zhou")
    assert "消息 3" in plain(browser.get("/inbox"))
    newest = max(message.id for message in of(portal, "zhou"))
    send(portal, "zhou", 1, case)
    answer = browser.post("/messages/read", {"until": str(newest)}, follow_redirects=True)
    # What came while he was looking stays unread.
    assert "消息 1" in plain(answer)
    assert [message.read_at is None for message in of(portal, "zhou")] == [False, False, False, True]


def test_newest_first_page_by_page(portal):
    case, _letter = portal.notice()
    send(portal, "zhou", 45, case)
    browser = portal.client("zhou")
    first = plain(browser.get("/messages"))
    assert first.index("提醒44") < first.index("提醒25")
    assert "提醒24" not in first
    ids = [message.id for message in of(portal, "zhou")]
    second = plain(browser.get(f"/messages?before={ids[25]}"))
    assert "提醒24" in second
    assert "提醒25" not in second
    assert browser.get("/messages?before=99999999999999999999999").status_code == 200


def test_a_hundred_unread_are_counted_no_further(portal):
    case, _letter = portal.notice()
    send(portal, "zhou", 120, case)
    assert "消息 99+" in plain(portal.client("zhou").get("/inbox"))


def test_a_message_leads_to_the_task_that_can_be_done_else_to_the_case(portal):
    task_id = portal.allocation()
    case = None
    with portal.database.transaction() as tx:
        from portal.cases.models import Task

        case = tx.get_one(Task, task_id).case_id
    send(portal, "zhou", 1, case)
    send(portal, "chen", 1, case)
    [mine], [his] = of(portal, "zhou"), of(portal, "chen")
    assert portal.client("zhou").post(f"/messages/{mine.id}").location == f"/tasks/{task_id}"
    assert portal.client("chen").post(f"/messages/{his.id}").location == f"/cases/{case}"


def test_without_any_it_says_so(portal):
    assert "没有消息" in plain(portal.client("he").get("/messages"))
