"""Drawings by lot, rules and closed files on pages: what everybody reads, what officials read, what the party reads."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from sqlalchemy import select, text

from portal import identity
from portal.cases import archiving, delivery, filing
from portal.cases.models import Archive, Task
from portal.clock import day_of
from portal.procedures import Releases
from portal.registers.lots import order
from portal.registers.models import Draw
from portal.web import draws
from portal.web.dates import plain_day
from tests.builders import registry
from tests.builders.experts import experts, regulation
from tests.builders.pages import LONG_AGO, plain

SCRIPT = Path(__file__).parents[2] / "portal/web/static/draw_again.py"


@pytest.fixture(scope="module")
def content():
    return regulation()


@pytest.fixture(scope="module")
def releases():
    return Releases()


@pytest.fixture
def town(portal):
    with portal.database.transaction() as tx:
        identity.grant_role(tx, person_id=portal.people["zhou"], regulation="small", role="officer", from_day=LONG_AGO)
        experts(tx, portal.machine.kernel.releases, range(1, 8), portal.now)
        experts(tx, portal.machine.kernel.releases, [8], portal.now, employer="某水泥公司")
    return portal


def filed(town, text="某水泥公司") -> int:
    with town.database.transaction() as tx:
        kernel, wang = town.machine.kernel, town.actor("wang")
        return filing.file(kernel, tx, wang, "small", "main", {"text": text}, kernel.now(tx)).id


def draw_of(town, case_id) -> Draw:
    with town.database.transaction() as tx:
        return tx.scalars(select(Draw).where(Draw.case_id == case_id)).one()


def opinions(town, case_id, *results):
    for result in results:
        with town.database.transaction() as tx:
            wanted = select(Task.id).where(Task.case_id == case_id, Task.state == "open", Task.element == "opinion")
            task_id = tx.scalars(wanted.order_by(Task.scope)).first()
        town.complete("zhou", task_id, {"result": result})


def concluded(town) -> int:
    """A case with a committee of three, of whom one was replaced; its letter is not rendered yet."""
    case = filed(town)
    town.complete("zhou", town.task("arrange", case), {"count": "3"})
    opinions(town, case, "继续", "结束", "结束", "结束")
    return case


def test_a_drawing_is_public_once_nothing_of_its_committee_is_open(town, tmp_path):
    case = filed(town)
    town.complete("zhou", town.task("arrange", case), {"count": "3"})
    row, browser = draw_of(town, case), town.client()
    page, data = browser.get(f"/registry/draws/{row.id}"), browser.get(f"/registry/draws/{row.id}.json")
    assert "评审没有结束" in plain(page)
    assert "退出" not in plain(page)
    assert row.sha256 in page.text.replace("<wbr>", "")
    assert data.json == {
        "draw": row.id, "case": town.case(case).number, "register": "专家名册", "count": 3, "pool": 7,
        "moment": data.json["moment"], "sha256": row.sha256,
    }  # fmt: skip
    hidden = [row.seed, *row.snapshot["pool"], "Z-0008", "专家"]
    hidden.remove("专家")
    for secret in hidden:
        assert secret not in page.text.replace("<wbr>", "")
        assert secret not in data.text
    passed = order(row.seed, row.snapshot["pool"])[3]
    with town.database.transaction() as tx:
        registry.change(tx, town.machine.kernel.releases, "experts", {"number": passed}, town.now, state="停用")
    opinions(town, case, "继续", "结束", "结束", "结束")
    record = browser.get(f"/registry/draws/{row.id}.json")
    assert set(record.json) == {
        "draw", "case", "register", "moment", "count", "sha256", "seed", "snapshot", "drawn", "replacements",
    }  # fmt: skip
    file = tmp_path / "record.json"
    file.write_text(record.text, encoding="utf-8")
    done = subprocess.run([sys.executable, SCRIPT, file], capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"The same people: {', '.join(row.drawn)}",
        f"Passed over when their turn came: {passed} (已经不在名册)",
    ]
    said = plain(browser.get(f"/registry/draws/{row.id}"))
    for number in row.drawn:
        assert f"{number} 专家{int(number[2:])}" in said
    [change] = record.json["replacements"]
    assert f"专家回避 → {change['by']} 专家{int(change['by'][2:])}" in said
    assert f"轮到 {passed} 时跳过：已经不在名册" in said
    assert "与申请人同单位 1 人" in said
    assert "怎样重新抽取" in said
    told = plain(town.client("zhou").get(f"/cases/{case}"))
    assert f"由 {change['by']} 递补 理由：专家回避；跳过：{passed} 已经不在名册" in told
    assert browser.get("/registry/draws/99999").status_code == 404


ALTERED = "这份记录与案件历史所记的不符：抽取记录或案件历史在抽取以后被改动过，不能作为抽取的证明。"


def test_the_page_says_so_when_the_record_was_changed(town):
    row, browser = draw_of(town, concluded(town)), town.client()
    assert ALTERED not in plain(browser.get(f"/registry/draws/{row.id}"))
    with town.database.transaction() as tx:
        tx.execute(text("ALTER TABLE draws DISABLE TRIGGER append_only"))
        tx.execute(text("UPDATE draws SET snapshot = jsonb_set(snapshot, '{pool}', (snapshot->'pool') - 'Z-0007')"))
        tx.execute(text("ALTER TABLE draws ENABLE ALWAYS TRIGGER append_only"))
    assert ALTERED in plain(browser.get(f"/registry/draws/{row.id}"))


def test_how_one_draws_again_is_told_and_the_program_is_the_one_in_the_docs(town):
    browser = town.client()
    assert "python draw_again.py record.json" in plain(browser.get("/registry/draws"))
    served = browser.get("/static/draw_again.py")
    assert served.data == SCRIPT.read_bytes()
    served.close()


def test_every_drawing_is_found_in_public_the_newest_first(town, monkeypatch):
    monkeypatch.setattr(draws, "AT_A_TIME", 1)
    browser = town.client()
    assert "还没有抽取过" in plain(browser.get("/registry/draws"))
    assert 'href="/registry/draws"' in browser.get("/registry").text
    cases = [filed(town, "甲公司"), filed(town, "乙公司")]
    for case in cases:
        town.complete("zhou", town.task("arrange", case), {"count": "3"})
    older, newer = (draw_of(town, case).id for case in cases)
    first = browser.get("/registry/draws")
    assert re.findall(r'href="(/registry/draws/\d+)"', first.text) == [f"/registry/draws/{newer}"]
    assert f"{town.case(cases[1]).number} 抽取 3 人 · {plain_day(day_of(town.now))}" in plain(first)
    later = browser.get(f"/registry/draws?before={newer}")
    assert re.findall(r'href="(/registry/draws/\d+)"', later.text) == [f"/registry/draws/{older}"]
    assert "回到开头" in plain(later)


def test_a_pool_too_small_is_told_in_the_form_and_what_was_typed_stays(town):
    case = filed(town, "某研究院")
    task, browser = town.task("arrange", case), town.client("zhou")
    page = browser.post(f"/tasks/{task}", {"count": "3", "text": "从严把关"})
    assert page.status_code == 422
    said = plain(page)
    assert "需抽取 3 人，名册中可以抽取的只有 1 人。被排除的：与申请人同单位：7 人（专家1、专家2" in said
    assert "您填写的内容没有提交，仍保留在页面上。" in said
    assert 'value="从严把关"' in page.text
    assert 'value="3"' in page.text
    page = browser.post(f"/tasks/{task}", {"count": "4", "text": "从严把关"})
    assert "专家人数应为单数，且不少于 3 人，现为 4。" in plain(page)
    assert 'value="从严把关"' in page.text


def test_officials_read_who_was_drawn_replaced_and_left_out(town):
    case = concluded(town)
    row, said = draw_of(town, case), plain(town.client("zhou").get(f"/cases/{case}"))
    assert "从《专家名册》抽取 3 人" in said
    assert "可以抽取 7 人" in said
    assert "排除 1 人 与申请人同单位 Z-0008 专家8" in said
    for number in row.drawn:
        assert f"{number} 专家{int(number[2:])}" in said
    assert "不参加，由" in said
    assert "理由：专家回避" in said
    assert "“席位”逐一办理，共 3 项" in said


@pytest.mark.parametrize(
    ("employer", "result", "reason"),
    [("外地", "不符合", "不在本市"), ("某大学", "符合", ""), (None, "需人工判断", "没有写单位")],
)
def test_the_official_reads_what_the_rules_said_before_the_rest(town, employer, result, reason):
    with town.database.transaction() as tx:
        kernel, given = town.machine.kernel, {"text": employer} if employer else {}
        case = filing.file(kernel, tx, town.actor("wang"), "small", "main", given, kernel.now(tx)).id
    browser = town.client("zhou")
    page = browser.get(f"/tasks/{town.task('arrange', case)}")
    said = plain(page)
    assert f"{result} 申请人资格 硬性条件 {reason}".rstrip() in said
    assert "小〔2023〕1号第一条" in said
    assert page.text.index("judged") < page.text.index('id="answers"')
    soft = "不符合 写明单位 提示 未写" if employer is None else "需人工判断 写明单位 提示"
    assert soft in said
    assert "假定：通常做法" in said
    rule = {"外地": "第 1 条规则", "某大学": "第 2 条规则", None: "第 3 条规则"}[employer]
    assert rule in said
    history = plain(browser.get(f"/cases/{case}"))
    assert "核对规则“自动核对”" in history
    # Afterwards they stand in the file, no more before the next task.
    town.complete("zhou", town.task("arrange", case), {"count": "3"})
    opinions(town, case, "结束", "结束", "结束")
    later = browser.get(f"/tasks/{town.task('conclude', case)}").text
    assert "由系统按规则核对" not in later
    assert 'id="file-rules"' in later


def test_old_rounds_of_rules_stay_readable(town):
    with town.database.transaction() as tx:
        kernel, wang = town.machine.kernel, town.actor("wang")
        case = filing.file(kernel, tx, wang, "small", "corrected", {"text": "外地"}, kernel.now(tx)).id
    town.complete("zhou", town.task("look", case), {"result": "继续"})
    town.complete("wang", town.task("correct", case), {"text": "本市"})
    page = town.client("zhou").get(f"/tasks/{town.task('look', case)}")
    fresh, folded = page.text.split('id="answers"')[0], page.text.split('id="file-rules"')[1]
    assert (">符合</span>" in fresh, ">不符合</span>" in fresh) == (True, False)
    rounds = re.findall(r'<details class="said-step"( open)?><summary>自动核对|>(不符合)</span>', folded)
    assert [bool(opened or failed) for opened, failed in rounds] == [True, False, True]
    assert "1 项不符合" in folded


def test_the_party_reads_the_results_when_the_case_is_settled_and_not_before(town):
    case, wang = concluded(town), town.client("wang")
    assert "条件核对结果" not in plain(wang.get(f"/my/cases/{case}"))
    town.complete("zhou", town.task("conclude", case), {"text": "已有结论"})
    # The letter that says so is not opened yet.
    letter = render(town, case, b"a letter")
    assert "条件核对结果" not in plain(wang.get(f"/my/cases/{case}"))
    with town.database.transaction() as tx:
        delivery.sign_for(town.machine.kernel, tx, town.actor("wang"), letter, town.machine.kernel.now(tx))
    said = plain(wang.get(f"/my/cases/{case}"))
    assert "条件核对结果 符合 申请人资格 小〔2023〕1号第一条" in said
    for text_ in ("第 2 条规则", "写明单位", "需人工判断"):
        assert text_ not in said


def render(town, case, content) -> int:
    with town.database.transaction() as tx:
        letter = tx.execute(text("SELECT id FROM letters WHERE case_id = :case"), {"case": case}).scalar_one()
    town.rendered(letter, content)
    town.work()
    return letter


def test_the_closed_file_is_shown_and_taken_away_with_its_list(town):
    case = concluded(town)
    town.complete("zhou", town.task("conclude", case), {"text": "已有结论"})
    browser = town.client("zhou")
    said = plain(browser.get(f"/cases/{case}"))
    assert "保管期限 30 年" in said
    assert "正在编制，文书全部生成后完成" in said
    assert "notice〔2026〕1号 正在生成" in said
    assert browser.get(f"/cases/{case}/archive.zip").status_code == 404
    letter = render(town, case, b"a letter")
    page = browser.get(f"/cases/{case}")
    with town.database.transaction() as tx:
        row = archiving.of_case(tx, case)
        sha256, listed = row.sha256, row.listed
    assert sha256 in page.text.replace("<wbr>", "")
    assert "001 notice notice〔2026〕1号.docx" in plain(page)
    listing = browser.get(f"/cases/{case}/archive.json")
    assert hashlib.sha256(listing.data).hexdigest() == sha256
    assert json.loads(listing.data) == listed
    packed = browser.get(f"/cases/{case}/archive.zip")
    assert packed.headers["Content-Disposition"].startswith("attachment")
    with ZipFile(io.BytesIO(packed.data)) as zipped:
        assert zipped.testzip() is None
        assert zipped.namelist() == ["list.json", "001 notice notice〔2026〕1号.docx"]
        assert zipped.read("list.json") == listing.data
        assert zipped.read("001 notice notice〔2026〕1号.docx") == b"a letter"
    assert int(packed.headers["Content-Length"]) == len(packed.data)
    assert town.client("wang").get(f"/cases/{case}/archive.zip").status_code in (403, 404)
    # A piece that was exchanged in the store, and a list in the table, are not handed out.
    town.machine.store.delete(f"letter-{letter}")
    assert browser.get(f"/cases/{case}/archive.zip").status_code == 404
    town.machine.store.put(f"letter-{letter}", b"another!", 8, "application/octet-stream")
    altered = browser.get(f"/cases/{case}/archive.zip")
    assert altered.status_code == 409
    assert "摘要（SHA-256）不一致" in plain(altered)
    with town.database.transaction() as tx:
        tx.get_one(Archive, row.id).listed = {**listed, "retention": "10 年"}
    assert browser.get(f"/cases/{case}/archive.json").status_code == 409
