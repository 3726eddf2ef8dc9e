"""The administrator's overview, releases, incidents, jobs and checks."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from portal import clock
from portal.audit.models import AuditCheck
from portal.cases import checking, incidents
from portal.cases.incidents import Again
from portal.cases.models import Case, Incident
from portal.documents.models import Letter
from portal.identity.models import Person
from portal.procedures import Releases, publish
from portal.procedures.content import Content
from portal.procedures.models import Release
from portal.web.admin.words import job_text
from portal.worker import Tools, checks, letters
from portal.worker.jobs import JOBS
from tests.builders.pages import ETS, plain
from tests.web.test_admin_people import add_administrator
from tests.web.test_inbox_costs import cost


@pytest.fixture(scope="module")
def releases():
    """Opened for this module alone: only here there is this second release."""
    return Releases()


@pytest.fixture
def admin(portal):
    """A browser of an administrator without roles."""
    add_administrator(portal, "root", "管理员")
    return portal.client("root")


def deferred(portal, name: str) -> list[dict[str, object]]:
    return [job.arguments for job in portal.machine.kernel.queue.jobs if job.name == name]


def incident(portal, number: int) -> Incident:
    with portal.database.transaction() as tx:
        return tx.get_one(Incident, number)


def noted(portal, during: str, what: str, case_id: int | None = None, again: Again | None = None) -> int:
    with portal.database.transaction() as tx:
        return incidents.note(tx, during, what, clock.now(), case_id, again).id


class TestOverview:
    def test_each_part_in_words_with_one_thing_to_do(self, portal, admin):
        page = plain(admin.get("/admin"))
        assert "数据库 正常 能够读写，时钟一致。" in page
        assert "文件存储 正常 能够上传和下载。" in page
        assert "后台服务 已停止 没有后台服务在运行" in page
        assert "异常事项 正常 没有待处理的异常。" in page
        assert "后台工作 正常 等待 0 件，正在进行 0 件，失败 0 件。" in page
        assert re.search(
            r"现行版本 现行 重庆市碳排放权交易管理办法（试行）：第 1 版，\d{4}年.{5,15}发布，含 \d 个事项。",
            page,
        )
        assert "历史校验 未校验 还没有校验过案件的历史记录是否被改动。 开始校验" in page
        assert "岗位 有空缺 还没有人担任：" in page

    def test_a_worker_that_lives_is_told(self, portal, admin):
        with portal.database.transaction() as tx:
            tx.execute(text("INSERT INTO procrastinate_workers DEFAULT VALUES"))
        assert "后台服务 正常 1 个进程在运行" in plain(admin.get("/admin"))

    def test_the_first_steps_lead_on_and_go_when_all_are_done(self, portal, admin):
        page = plain(admin.get("/admin"))
        assert "接下来 从空的门户到第一件事项" in page
        assert "添加工作人员 已完成" in page
        assert "授予岗位 还没有人担任：" in page
        assert "第一件事项" in page

    def test_calendar_and_organisations_belong_to_the_area(self, admin):
        for path in ("/calendar", "/organisations"):
            page = admin.get(path)
            assert re.search(rf'<a href="{path}" aria-current="page">', page.text), path
            assert "人员与角色" in plain(page)


class TestReleases:
    def test_what_is_in_force_and_what_changed(self, portal, admin, content):
        case = portal.allocation()
        files = dict(content.files)
        form = next(path for path in files if path.startswith(f"forms/{ETS}/allocation/"))
        gone = next(path for path in files if path.endswith(".toml") and "/paths/" in path)
        later = {**files, form: files[form] + b"\n", f"forms/{ETS}/allocation/new.json": files[form]}
        del later[gone]
        with portal.database.transaction() as tx:
            publish(tx, replace(content, files=later), clock.now(), "portal publish")
        assert case
        page = plain(admin.get("/admin/releases"))
        assert re.search(r"第 2 版 现行 [0-9a-f]{12} .* portal publish .* 0 件", page)
        assert re.search(r"第 1 版 [0-9a-f]{12} .* 1 件", page)
        [newest] = re.findall(r'href="/admin/releases/(\d+)">第 2 版', admin.get("/admin/releases").text)
        changes = plain(admin.get(f"/admin/releases/{newest}"))
        assert "与第 1 版相比" in changes
        assert f"新增 1 个文件，修改 1 个，删除 1 个，{len(files) - 2} 个没有变化。" in changes
        assert f"新增 forms/{ETS}/allocation/new.json" in changes
        assert f"修改 {form}" in changes
        assert f"删除 {gone}" in changes
        assert "第一个版本的内容" in plain(admin.get(f"/admin/releases/{int(newest) - 1}"))
        assert admin.get("/admin/releases/999").status_code == 404

    def test_earlier_ones_are_those_of_one_regulation(self, portal, admin, content):
        about = "regulation.toml"
        other = Content("other", {f"bpmn/other/{about}": content.files[f"bpmn/{ETS}/{about}"]}).pack()
        with portal.database.transaction() as tx:
            for number in range(1, 26):
                row = {"hash": f"{number:064}", "published_at": clock.now(), "published_by": "a test"}
                tx.add(Release(regulation="other", content=other, **row))
        first = admin.get("/admin/releases").text
        assert ETS in first
        assert "第 25 版" in first
        assert "第 15 版" not in first
        [later] = re.findall(r'href="(/admin/releases\?of=other&amp;before=\d+)"', first)
        second = admin.get(later.replace("&amp;", "&")).text
        assert "第 15 版" in second
        assert "第 6 版" in second
        assert "第 16 版" not in second
        assert f'id="r-{ETS}"' not in second
        [last] = re.findall(r'href="(/admin/releases\?of=other&amp;before=\d+)"', second)
        assert "第 1 版" in admin.get(last.replace("&amp;", "&")).text

    def test_many_cost_no_more_than_one_and_a_damaged_one_is_told(self, portal, admin, content):
        admin.get("/admin/releases")
        before = len(cost(portal, admin, "/admin/releases"))
        about = f"bpmn/{ETS}/regulation.toml"
        whole = Content(ETS, {about: content.files[about]}).pack()
        with portal.database.transaction() as tx:
            damaged = [
                Release(
                    regulation=ETS, content=packed, hash=f"{at:064}", published_at=clock.now(), published_by="a test"
                )
                for at, packed in enumerate((whole[:-9], b"", zlib.compress(b"[1]"), Content(ETS, {}).pack()))
            ]
            tx.add_all(damaged)
            tx.flush()
            # The one in force can be read.
            publish(tx, content, clock.now(), "portal publish")
            first = damaged[0].id
        page = plain(admin.get("/admin/releases"))
        assert page.count("现在的程序打不开这个版本") == 4
        assert "第 6 版 现行" in page
        # Those that cannot be opened are read again, all in one statement.
        assert len(cost(portal, admin, "/admin/releases")) <= before + 1
        for number in (first, first + 1, first + 4):
            page = plain(admin.get(f"/admin/releases/{number}"))
            assert "保存的内容已损坏，不能比较。请从备份恢复数据库。" in page


class TestIncidents:
    def test_what_happened_in_words_and_the_number_without_the_case(self, portal, admin):
        notice, _ = portal.notice()
        number = noted(portal, "签发", "KeyError: 'amount'", notice)
        name = portal.case(notice).number
        page = plain(admin.get("/admin/incidents"))
        assert f"KeyError: 'amount' {name} 待核实" in page
        shown = admin.get(f"/admin/incidents/{number}")
        assert f"/cases/{notice}" not in shown.text
        assert "管理员看不到案件内容" in plain(shown)
        assert "重试" not in plain(shown)
        assert "有 1 条待处理。" in plain(admin.get("/admin"))

    def test_who_may_read_the_case_is_led_to_it(self, portal):
        with portal.database.transaction() as tx:
            tx.get_one(Person, portal.people["sun"]).administrator = True
        notice, _ = portal.notice()
        noted(portal, "签发", "KeyError", notice)
        assert f'href="/cases/{notice}"' in portal.client("sun").get("/admin/incidents").text

    def test_closing_takes_a_reason_and_is_kept(self, portal, admin):
        number = noted(portal, "签发", "KeyError")
        page = f"/admin/incidents/{number}"
        empty = admin.post(f"{page}/close", {"reason": " "})
        assert empty.status_code == 422
        assert "请填写处理情况。" in plain(empty)
        assert admin.post(f"{page}/close", {"reason": "已由办理人重新签发"}).status_code == 303
        closed = incident(portal, number)
        assert closed.closed_at is not None
        assert closed.reason == "已由办理人重新签发"
        twice = admin.post(f"{page}/close", {"reason": "又一次"})
        assert twice.status_code == 409
        assert "这条异常事项已由管理员于" in plain(twice)
        assert incident(portal, number).reason == "已由办理人重新签发"
        assert "没有待处理的异常" in plain(admin.get("/admin/incidents"))
        assert "已由办理人重新签发 管理员" in plain(admin.get("/admin/incidents?view=closed"))
        assert "已关闭" in plain(admin.get(page))

    def test_a_failed_letter_is_made_again_once(self, portal, admin):
        notice, letter = portal.notice()
        tools = Tools(portal.database, portal.machine.store, portal.machine.kernel, "http://portal")
        with portal.database.transaction() as tx:
            letters.give_up(tools, tx, "job-7", "模板有误。", letter)
        with portal.database.transaction() as tx:
            [row] = tx.scalars(select(Incident)).all()
        page = plain(admin.get(f"/admin/incidents/{row.id}"))
        assert "仍未成功" in page
        assert "用现行版本的模板重新生成这份文书" in page
        portal.machine.kernel.queue.jobs.clear()
        for expected in (303, 409):
            answer = admin.post(f"/admin/incidents/{row.id}/retry")
            assert answer.status_code == expected
        assert deferred(portal, "letters.render") == [{"letter_id": letter}]
        with portal.database.transaction() as tx:
            assert tx.get_one(Letter, letter).state == "rendering"
        assert incident(portal, row.id).reason == "已重试"
        assert "重新生成" in plain(portal.client("zhou").get(f"/cases/{notice}"))

    def test_what_a_clerk_has_mended_meanwhile_is_not_done_again(self, portal, admin):
        _, letter = portal.notice()
        portal.rendered(letter)
        number = noted(portal, "生成文书", "失败", None, Again("letter", {"letter_id": letter}))
        assert "此后已经办成" in plain(admin.get("/admin/incidents"))
        portal.machine.kernel.queue.jobs.clear()
        admin.post(f"/admin/incidents/{number}/retry")
        assert deferred(portal, "letters.render") == []
        assert incident(portal, number).reason == "此后已经办成，没有再次办理"
        assert "此后已经办成，没有再次办理；这条异常事项已关闭。" in plain(admin.get("/admin/incidents"))

    def test_timers_that_rest_are_claimed_at_once(self, portal, admin):
        notice, _ = portal.notice()
        with portal.database.transaction() as tx:
            case = tx.get_one(Case, notice)
            case.rests_until, root = clock.now() + timedelta(minutes=10), case.root_id
        number = noted(portal, "到期自动办理", "期限已到，但流程没有前进。", notice, Again("timers", {"root_id": root}))
        assert "每 10 分钟自动再试" in plain(admin.get(f"/admin/incidents/{number}"))
        assert admin.post(f"/admin/incidents/{number}/retry").status_code == 303
        assert portal.case(notice).rests_until is None

    def test_a_job_given_up_is_deferred_once_more(self, portal, admin):
        again = Again("job", {"name": "objects.sweep", "arguments": {}})
        number = noted(portal, "后台工作 objects.sweep（3）", "文件存储暂时不可用", None, again)
        for _ in range(2):
            admin.post(f"/admin/incidents/{number}/retry")
        assert deferred(portal, "objects.sweep") == [{}]

    def test_what_cannot_be_tried_again_says_so(self, portal, admin):
        number = noted(portal, "签发", "KeyError")
        answer = admin.post(f"/admin/incidents/{number}/retry")
        assert answer.status_code == 409
        assert "这一步要由原来的办理人重新办理" in plain(answer)
        assert incident(portal, number).closed_at is None
        assert admin.get("/admin/incidents/99999").status_code == 404

    def test_many_come_page_by_page_and_are_counted_to_99(self, portal, admin):
        with portal.database.transaction() as tx:
            for n in range(120):
                incidents.note(tx, f"步骤{n:03}", "失败", clock.now())
        first = admin.get("/admin/incidents")
        assert "99+" in plain(first)
        assert "步骤119" in first.text
        assert "步骤069" not in first.text
        [later] = re.findall(r'href="(/admin/incidents\?before=\d+)"', first.text)
        assert "步骤069" in admin.get(later).text


def test_who_has_no_roles_is_not_told_to_have_them_done_by_another(admin):
    page = plain(admin.get("/profile"))
    assert "岗位由系统管理员设置。" in page
    assert "请人代办" not in page


class TestJobs:
    def job(self, portal, name: str, status: str, attempts: int = 0, args: str = "{}") -> int:
        insert = text(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status, attempts, args)"
            " VALUES ('default', :name, CAST(:status AS procrastinate_job_status), :attempts, CAST(:args AS jsonb))"
            " RETURNING id"
        )
        with portal.database.transaction() as tx:
            values = {"name": name, "status": status, "attempts": attempts, "args": args}
            return tx.execute(insert, values).scalar_one()

    def test_what_waits_runs_and_failed(self, portal, admin):
        self.job(portal, "letters.render", "todo", args='{"letter_id": 12}')
        self.job(portal, "cases.start_item", "doing")
        self.job(portal, "unheard.of", "failed", 5)
        page = plain(admin.get("/admin/jobs"))
        assert "失败 1 可以在下面重试" in page
        assert "生成文书 letters.render" in page
        assert "letter_id 12" in page
        assert "已失败 5 次" in page
        assert "没有后台服务在运行：等待的工作不会开始。" in page
        assert "失败 1 件" in plain(admin.get("/admin"))

    def test_a_failed_job_is_tried_again_once_and_it_is_kept_who_wanted_it(self, portal, admin):
        number = self.job(portal, "letters.render", "failed", 5, args='{"letter_id": 12}')
        first = admin.post(f"/admin/jobs/{number}/retry", follow_redirects=True)
        assert "已安排立即重试。" in plain(first)
        assert deferred(portal, "letters.render") == [{"letter_id": 12}]
        assert "没有失败的工作" in plain(first)
        second = admin.post(f"/admin/jobs/{number}/retry", follow_redirects=True)
        assert "没有再次安排" in plain(second)
        with portal.database.transaction() as tx:
            [row] = tx.scalars(select(Incident)).all()
            assert row.closed_by_id == tx.scalars(select(Person.id).where(Person.login == "root")).one()

    def test_of_many_it_is_told_that_not_all_are_listed(self, portal, admin):
        told = "这里列出最早的 50 件，其余的在它们办完后列出。"
        numbers = [self.job(portal, "letters.render", "failed", 5) for _ in range(50)]
        assert told not in plain(admin.get("/admin/jobs"))
        newest = self.job(portal, "letters.render", "failed", 5)
        page = admin.get("/admin/jobs")
        assert told in plain(page)
        assert f"/admin/jobs/{newest}/retry" not in page.text
        admin.post(f"/admin/jobs/{numbers[0]}/retry")
        assert f"/admin/jobs/{newest}/retry" in admin.get("/admin/jobs").text

    def test_workers_and_their_heartbeats(self, portal, admin):
        with portal.database.transaction() as tx:
            beat = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '90 seconds'), (now())"
            tx.execute(text(beat))
        page = plain(admin.get("/admin/jobs"))
        assert "运行中" in page
        assert "没有音讯" in page
        assert re.search(r"（9\d 秒前）", page)


class TestChecks:
    def run(self, portal) -> None:
        tools = Tools(portal.database, portal.machine.store, portal.machine.kernel, "http://portal")
        for arguments in deferred(portal, checking.CHECK):
            checks.check_history(tools, "1", **arguments)

    def test_a_check_is_begun_once_and_tells_what_it_found(self, portal, admin):
        portal.notice()
        assert admin.post("/admin/checks").status_code == 303
        assert admin.post("/admin/checks", follow_redirects=True).status_code == 200
        assert len(deferred(portal, checking.CHECK)) == 1
        assert "正在校验" in plain(admin.get("/admin/checks"))
        self.run(portal)
        with portal.database.transaction() as tx:
            [row] = tx.scalars(select(AuditCheck)).all()
            cases = tx.execute(text("SELECT count(*) FROM cases")).scalar_one()
        assert (row.cases, row.checked, row.found, row.findings) == (cases, cases, 0, [])
        assert row.entries > 4
        page = plain(admin.get("/admin/checks"))
        assert f"完整，没有改动 {cases} 件 {row.entries} 条" in page
        assert "记录完整，没有改动。" in plain(admin.get("/admin"))
        assert admin.post("/admin/checks").status_code == 303
        assert len(deferred(portal, checking.CHECK)) == 2

    def test_what_was_tampered_with_is_listed_in_words(self, portal, admin):
        notice, _ = portal.notice()
        with portal.database.transaction() as tx:
            tx.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER append_only"))
            tx.execute(
                text("UPDATE audit_entries SET kind = 'nothing' WHERE seq = 2 AND case_id = :id"), {"id": notice}
            )
            tx.execute(text("ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER append_only"))
            tx.execute(text("UPDATE letters SET number = 'forged' WHERE case_id = :id"), {"id": notice})
        admin.post("/admin/checks")
        self.run(portal)
        page = plain(admin.get("/admin/checks"))
        assert "处与记录不符" in page
        assert f"{portal.case(notice).number} 第 2 条 第2条的内容被改动" in page
        assert f"{portal.case(notice).number} 现有数据 " in page
        assert "发现改动" in plain(admin.get("/admin"))
        assert "第 0 条" not in page

    def test_one_that_broke_says_so_and_another_may_begin(self, portal, admin):
        admin.post("/admin/checks")
        tools = Tools(portal.database, portal.machine.store, portal.machine.kernel, "http://portal")
        [arguments] = deferred(portal, checking.CHECK)
        with portal.database.transaction() as tx:
            checks.give_up(tools, tx, "1", "数据库中断。", **arguments)
        assert "未完成 数据库中断。" in plain(admin.get("/admin/checks"))
        self.run(portal)  # comes too late and changes nothing
        with portal.database.transaction() as tx:
            [row] = tx.scalars(select(AuditCheck)).all()
        assert row.fault == "数据库中断。"
        assert admin.post("/admin/checks").status_code == 303
        assert len(deferred(portal, checking.CHECK)) == 2


def test_every_job_is_named_in_words(portal):
    with portal.app.test_request_context():
        assert [name for name in JOBS if job_text(name) == name] == []
