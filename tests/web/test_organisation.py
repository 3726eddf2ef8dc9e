"""An organisation's own pages: its people and their rights, invitations, electronic service, leaving; and what
those who may only read are shown and refused."""

from __future__ import annotations

import hashlib
import re

import pytest
from sqlalchemy import select

from portal import clock, identity
from portal.cases.models import Attachment, Task
from portal.identity import membership
from portal.identity.models import Invitation, Person
from tests.builders.pages import ETS, PASSWORD, plain
from tests.web.test_applicant import Story

READS = "您在本单位只有查看权限，不能代表单位办理。需要办理的，请本单位的管理人员给您“办理”权限。"
MANAGES = "只有本单位的管理人员可以办理。需要的，请管理人员在“本单位”中给您“管理”权限。"


@pytest.fixture
def story(portal):
    """The clock in September, and letters that are real files."""
    return Story(portal)


def a_person(portal, login, name, rights):
    """One more person of the unit; his id."""
    with portal.database.transaction() as tx:
        person = identity.add_person(
            tx, login=login, name=name, password=PASSWORD, organisation_id=portal.unit_id, rights=rights
        )
        portal.people[login] = person.id
        return person.id


def said(browser, answer):
    """What the page says after a redirect."""
    assert answer.status_code == 303, plain(answer)
    return plain(browser.get(answer.location))


def rights_of(portal, number):
    with portal.database.transaction() as tx:
        return tx.get_one(Person, number).rights


# What who sees


def test_a_manager_sees_people_invitations_and_history(portal):
    a_person(portal, "zhao", "赵敏", ["read"])
    page = plain(portal.client("wang").get("/organisation"))
    assert "本单位人员" in page
    assert "统一社会信用代码 91110000802100433B" in page
    assert "电子送达 同意，自 2020年1月1日 00:00 起" in page
    assert "王磊（您） wang · 管理、办理" in page
    assert "赵敏 zhao · 查看" in page
    assert "没有尚未使用的邀请。" in page


def test_others_see_the_unit_and_their_own_rights(portal):
    a_person(portal, "zhao", "赵敏", ["file"])
    page = plain(portal.client("zhao").get("/organisation"))
    assert "您的权限 办理" in page
    assert "人员、权限、邀请和电子送达由本单位的管理人员办理。" in page
    for absent in ("王磊", "邀请一名人员", "变更记录"):
        assert absent not in page


def test_only_managers_manage(portal):
    number = a_person(portal, "zhao", "赵敏", ["file"])
    browser = portal.client("zhao")
    for path in (
        f"/organisation/people/{number}/rights", f"/organisation/people/{number}/remove", "/organisation/invitations",
        "/organisation/invitations/1/revoke", "/organisation/agreement",
    ):  # fmt: skip
        assert browser.post(path, {"rights": "manage", "agreement": "ended"}).status_code == 403
    assert browser.get("/organisation/agreement").status_code == 403
    assert rights_of(portal, number) == ["file"]


@pytest.mark.parametrize("login", ["li", "zhou"])
def test_officials_have_no_such_page(portal, login):
    browser = portal.client(login)
    for path in ("/organisation", "/organisation/leave", "/organisation/agreement"):
        assert browser.get(path).status_code in (403, 404)


# Rights


def test_a_manager_changes_rights(portal):
    number = a_person(portal, "zhao", "赵敏", ["read"])
    browser = portal.client("wang")
    path = f"/organisation/people/{number}/rights"
    answer = browser.post(path, {"rights": ["file"]})
    assert "赵敏的权限现为：办理。" in said(browser, answer)
    assert "赵敏的权限现为：查看。" in said(browser, browser.post(path))
    page = plain(browser.get("/organisation"))
    assert "王磊变更了赵敏的权限 办理 → 查看" in page


def test_the_last_manager_cannot_give_up_managing(portal):
    a_person(portal, "zhao", "赵敏", ["file"])
    browser, wang = portal.client("wang"), portal.people["wang"]
    answer = browser.post(f"/organisation/people/{wang}/rights", {"rights": "file"})
    assert "您是本单位最后一名管理人员，单位还有其他人员。请先把“管理”权限交给其中一人" in said(browser, answer)
    assert rights_of(portal, wang) == ["manage", "file"]


def test_a_manager_who_was_one_a_moment_ago_is_told(portal):
    number = a_person(portal, "zhao", "赵敏", ["manage"])
    zhao, wang = portal.client("zhao"), portal.client("wang")
    zhao.get("/organisation")
    assert wang.post(f"/organisation/people/{number}/rights", {}).status_code == 303
    assert zhao.post("/organisation/invitations", {"note": "某人"}).status_code == 403


def test_removing_asks_first_and_ends_every_session(portal):
    number = a_person(portal, "zhao", "赵敏", ["file"])
    zhao, wang = portal.client("zhao"), portal.client("wang")
    path = f"/organisation/people/{number}/remove"
    assert "移除赵敏（zhao）？" in wang.get(path).text
    assert "赵敏已不是本单位人员，其登录已全部退出。" in said(wang, wang.post(path))
    assert zhao.get("/home").location.startswith("/sign-in")
    assert "王磊移除了赵敏" in plain(wang.get("/organisation"))
    again = wang.post(path)
    assert "此人已不是本单位人员，没有变动。" in said(wang, again)
    assert wang.get(path).status_code == 303


def test_nobody_removes_himself_nor_officials(portal):
    wang = portal.client("wang")
    own = f"/organisation/people/{portal.people['wang']}/remove"
    assert "不能移除自己。要退出本单位，请使用“退出本单位”。" in said(wang, wang.post(own))
    for other in (portal.people["li"], 10**6):
        answer = wang.post(f"/organisation/people/{other}/remove")
        assert "此人已不是本单位人员，没有变动。" in said(wang, answer)


# Invitations


def test_an_invitations_code_is_shown_once(portal):
    browser = portal.client("wang")
    answer = browser.post("/organisation/invitations", {"note": "财务部 张三", "rights": "file"})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    [code] = re.findall(r'<p class="code">(\w{5}(?:-\w{5}){3})</p>', answer.text)
    page = plain(browser.get("/organisation"))
    assert code not in page
    assert "财务部 张三 办理 · 王磊发出" in page
    assert "王磊发出一份邀请 邀请对象：财务部 张三" in page
    form = {"code": code, "person": "张三", "login": "zhang", "password": "a long password",
            "password_again": "a long password"}  # fmt: skip
    assert portal.client().post("/join", form).location == "/sign-in"
    page = plain(browser.get("/organisation"))
    assert "张三 zhang · 办理" in page
    assert "没有尚未使用的邀请。" in page
    assert "张三加入本单位 凭邀请码，权限：办理" in page


@pytest.mark.parametrize(
    ("note", "text"), [(" ", "请填写邀请对象。"), ("字" * 61, "邀请对象最多 60 个字，现有 61 个字。")]
)
def test_an_invitation_says_for_whom_it_is(portal, note, text):
    browser = portal.client("wang")
    answer = browser.post("/organisation/invitations", {"note": note, "rights": "manage"})
    assert answer.status_code == 422
    assert text in answer.text
    assert 'value="manage" checked' in answer.text
    assert 'class="code"' not in answer.text


def test_an_invitation_is_revoked_once(portal):
    browser = portal.client("wang")
    browser.post("/organisation/invitations", {"note": "张三"})
    with portal.database.transaction() as tx:
        number = tx.scalars(select(Invitation.id)).one()
    path = f"/organisation/invitations/{number}/revoke"
    assert "邀请已撤销，邀请码不能再使用。" in said(browser, browser.post(path))
    assert "这份邀请已经用过、过期或撤销，没有变动。" in said(browser, browser.post(path))
    assert "没有尚未使用的邀请。" in plain(browser.get("/organisation"))


# Electronic service


def test_electronic_service_is_ended_and_agreed_to_with_what_follows_from_it(portal, story):
    _case, letter = story.notice()
    browser = portal.client("wang")
    page = plain(browser.get("/organisation/agreement"))
    assert "终止后：文书以邮寄或直接送达" in page
    assert "下列文书尚未签收，终止后将改以邮寄或直接送达：《" in page
    answer = browser.post("/organisation/agreement", {"agreement": "ended"})
    assert "本单位的电子送达已终止，此后文书以邮寄或直接送达。" in said(browser, answer)
    refused = browser.post(f"/my/letters/{letter}/sign")
    assert "贵单位没有同意电子送达" in refused.text
    assert "同意后：文书在本门户送达" in plain(browser.get("/organisation/agreement"))
    answer = browser.post("/organisation/agreement", {"agreement": "given"})
    page = said(browser, answer)
    assert "本单位已同意电子送达。" in page
    assert "王磊代表本单位同意电子送达" in page
    assert "王磊代表本单位终止电子送达" in page
    assert browser.post(f"/my/letters/{letter}/sign").status_code == 303


# Leaving


def test_leaving_asks_first_and_ends_every_session(portal):
    a_person(portal, "zhao", "赵敏", ["file"])
    browser = portal.client("zhao")
    page = browser.get("/organisation/leave")
    assert "退出本单位？" in page.text
    assert "最后一名人员" not in page.text
    answer = browser.post("/organisation/leave")
    assert answer.location == "/sign-in"
    assert "您已退出单位，所有登录已退出。" in plain(browser.get("/sign-in"))
    answer = browser.post("/sign-in", {"login": "zhao", "password": PASSWORD})
    assert answer.location == "/registration"
    page = browser.get("/registration").text
    assert "您不属于任何单位" in page
    assert 'href="/join"' in page
    assert browser.get("/organisation").status_code == 404
    assert browser.get("/organisation/leave").status_code == 404


def test_the_last_manager_is_told_to_hand_over_first(portal):
    a_person(portal, "zhao", "赵敏", ["file"])
    answer = portal.client("wang").post("/organisation/leave")
    assert answer.status_code == 409
    assert "您是本单位最后一名管理人员" in answer.text


def test_the_last_person_is_told_what_happens_to_cases_and_letters(portal, story):
    story.notice()
    browser = portal.client("wang")
    page = plain(browser.get("/organisation/leave"))
    assert "您是本单位最后一名人员" in page
    assert "办理中的案件继续进行（现有 1 件），期限照常计算，但没有人能在门户补正、撤回或提出异议。" in page
    assert "电子送达随之终止：尚未签收的文书（现有 1 份）和今后的文书以邮寄或直接送达，送达日以回执为准。" in page
    assert browser.post("/organisation/leave").location == "/sign-in"
    with portal.database.transaction() as tx:
        unit = identity.organisation(tx, portal.unit_id)
        assert not unit.electronic_service
        assert membership.people_of(tx, unit.id) == []


# Those who may only read


@pytest.fixture
def reader(portal):
    """The browser of somebody who may only read."""
    a_person(portal, "zhao", "赵敏", ["read"])
    return portal.client("zhao")


def test_a_reader_sees_letters_that_were_opened_and_opens_none(portal, story, reader):
    case, letter = story.notice()
    home = plain(reader.get("/home"))
    assert "本单位有 1 件事待办，您现在无需操作" in home
    assert "请本单位有“办理”权限的人员打开并签收。" in home
    page = reader.get(f"/my/letters/{letter}").text
    assert "等待本单位签收" in page
    assert f"/my/letters/{letter}/sign" not in page
    assert "请本单位有“办理”权限的人员办理，您只有查看权限。" in plain(reader.get(f"/my/cases/{case}"))
    refused = reader.post(f"/my/letters/{letter}/sign")
    assert (refused.status_code, READS in refused.text) == (403, True)
    assert portal.client("wang").post(f"/my/letters/{letter}/sign").status_code == 303
    assert reader.get(f"/letters/{letter}/file").status_code == 200
    assert "打开并签收" not in plain(reader.get("/my/letters"))


def test_a_reader_files_nothing_and_is_offered_nothing(portal, reader):
    review = portal.review()
    notice = portal.case(review).about_id
    assert "您在本单位只有查看权限；提出申请由有“办理”权限的人员办理。" in plain(reader.get("/home"))
    page = reader.get(f"/my/cases/{review}")
    assert page.status_code == 200
    link = re.compile(rf"/my/cases/{review}/messages/[^\"]+")
    assert link.search(page.text) is None
    [withdrawal] = link.findall(portal.client("wang").get(f"/my/cases/{review}").text)
    for answer in (
        reader.get(f"/file/{ETS}/allocation-review?about={notice}"),
        reader.get(withdrawal),
        reader.post(withdrawal),
    ):
        assert (answer.status_code, READS in plain(answer)) == (403, True), plain(answer)


def test_a_reader_answers_no_task(portal, reader):
    review = portal.review()
    portal.complete("li", portal.task("check", review), {"result": "补正", "corrections": "请补充产量台账"})
    with portal.database.transaction() as tx:
        asked = select(Task.id).where(Task.case_id == review, Task.role == "party", Task.state == "open")
        task = tx.scalars(asked).one()
    home = reader.get("/home").text
    assert "请本单位有“办理”权限的人员办理。" in home
    assert f'href="/my/tasks/{task}"' not in home
    for answer in (reader.get(f"/my/tasks/{task}"), reader.post(f"/my/tasks/{task}")):
        assert (answer.status_code, READS in plain(answer)) == (403, True)
    assert portal.client("wang").get(f"/my/tasks/{task}").status_code == 200


# What stays behind with whoever leaves


def test_drafts_and_files_stay_with_the_organisation(portal, story):
    a_person(portal, "zhao", "赵敏", ["file"])
    case, letter = story.notice()
    zhao, wang = portal.client("zhao"), portal.client("wang")
    assert zhao.post(f"/my/letters/{letter}/sign").status_code == 303
    begun = zhao.get(zhao.get(f"/file/{ETS}/allocation-review?about={case}").location).location
    assert zhao.get(begun).status_code == 200
    with portal.database.transaction() as tx:
        row = Attachment(
            case_id=case, uploaded_by_id=portal.people["zhao"], organisation_id=portal.unit_id,
            uploaded_at=clock.now(), key="台账", name="台账.pdf", kind="pdf", size=3,
            sha256=hashlib.sha256(b"pdf").hexdigest(),
        )  # fmt: skip
        tx.add(row)
        tx.flush()
        file = f"/attachments/{row.id}"
    portal.machine.store.put("台账", b"pdf", 3, "application/pdf")
    assert [browser.get(file).status_code for browser in (zhao, wang)] == [200, 200]
    zhao.post("/organisation/leave")
    zhao.post("/sign-in", {"login": "zhao", "password": PASSWORD})
    assert zhao.get(file).status_code == 403
    assert zhao.get(begun).status_code == 404
    assert zhao.get(f"/my/letters/{letter}").status_code == 404
    assert wang.get(file).status_code == 200
    with portal.database.transaction() as tx:
        other = identity.add_organisation(
            tx, uscc="9144030071526726XG", name="另一家", district="涪陵区", kinds=["enterprise"]
        )
        someone = tx.scalars(select(Person).where(Person.login == "zhao")).one()
        someone.organisation_id, someone.rights = other.id, ["file"]
    assert zhao.get(file).status_code == 403
    assert zhao.get(begun).status_code == 404


def test_the_history_says_which_rights_an_invitation_gives(portal):
    browser = portal.client("wang")
    browser.post("/organisation/invitations", {"note": "财务部", "rights": ["file", "manage"]})
    assert "王磊发出一份邀请 邀请对象：财务部 · 权限：管理、办理" in plain(browser.get("/organisation"))


def test_what_no_page_offers_is_refused_in_words(portal):
    browser, zhao = portal.client("wang"), a_person(portal, "zhao", "赵敏", ["read"])
    for path, typed, what in (
        (
            "/organisation/invitations",
            {"note": "某人", "rights": ["file", "everything"]},
            "权限中没有“everything”这一项",
        ),
        (f"/organisation/people/{zhao}/rights", {"rights": "root"}, "权限中没有“root”这一项"),
        ("/organisation/agreement", {"agreement": "perhaps"}, "电子送达中没有“perhaps”这一项"),
    ):
        answer = browser.post(path, typed)
        assert answer.status_code == 422, path
        assert what in plain(answer)
    assert rights_of(portal, zhao) == ["read"]
    with portal.database.transaction() as tx:
        assert tx.scalars(select(Invitation)).all() == []
