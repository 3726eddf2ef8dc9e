"""The public registers: who finds what without signing in, what a record tells for ever, and what it never tells."""

from __future__ import annotations

import csv
import json
import re
from datetime import datetime, timedelta
from io import StringIO

import pytest

from portal import identity
from portal.cases import filing
from portal.clock import TZ
from portal.documents.models import Letter
from portal.documents.service import spoken
from portal.identity.entry import ATTEMPTS_ALLOWED, REGISTRY_FILE
from portal.procedures import Releases, publish
from portal.procedures.content import Content
from portal.registers import Record
from portal.web import dates, registry, registry_files
from tests.builders import registry as small
from tests.builders.pages import LONG_AGO, UNIT, Portal, plain
from tests.builders.tasklists import statements

LIST = f"/registry/{small.REGULATION}/standards"
JUDGES = f"/registry/{small.REGULATION}/judges"
DIGEST = "9c41e07a" * 8
LATER = datetime(2026, 9, 3, 10, 30, tzinfo=TZ)


@pytest.fixture(scope="module")
def content() -> Content:
    """The content of the regulation with public registers."""
    return small.content()


@pytest.fixture
def releases() -> Releases:
    """Its releases, of one test: they publish others under the same ids."""
    return Releases()


class Registry:
    """The portal with public registers; `first` enters at 2026-09-01 09:00, each further entry a day later."""

    def __init__(self, portal: Portal) -> None:
        self.portal, self.releases = portal, portal.machine.kernel.releases
        self.now = datetime(2026, 9, 1, 9, tzinfo=TZ)
        self.anybody = portal.client()

    def enter(self, *rows: dict[str, object], register: str = "standards", state: str | None = "已备案") -> list[int]:
        with self.portal.database.transaction() as tx:
            ids = small.enter(tx, self.releases, register, rows, self.now, state)
        self.now += timedelta(days=1)
        return ids

    def change(self, number: str, state: str | None = None, **fields: object) -> None:
        with self.portal.database.transaction() as tx:
            small.change(tx, self.releases, "standards", {"number": number, **fields}, self.now, state)
        self.now += timedelta(days=1)

    def judge(self, **fields: object) -> int:
        [record] = self.enter({"person": "P0000000124", "name": "陈某", **fields}, register="judges", state=None)
        return record

    def publish(self, text: str) -> None:
        """A new release with other registers."""
        with self.portal.database.transaction() as tx:
            publish(tx, small.content(text), self.now, "test")
        self.now += timedelta(days=1)

    def headings(self, **query: object) -> list[str]:
        page = self.anybody.get(LIST, query_string=query)
        assert page.status_code == 200
        return re.findall(r'<a class="t go" href="[^"]+">([^<]+)</a>', page.text)

    def file(self, path: str, **query: object) -> str:
        answer = self.anybody.get(path, query_string=query)
        assert answer.status_code == 200, answer.text
        return answer.data.decode()


@pytest.fixture
def site(portal: Portal) -> Registry:
    return Registry(portal)


def test_everybody_finds_the_public_registers_and_no_other(site):
    site.enter({"number": "一号"}, {"number": "二号"})
    site.enter({"number": "三号"}, state="草案")
    assert 'href="/registry"' in site.anybody.get("/").text
    page = site.anybody.get("/registry")
    said = plain(page)
    assert "小办法 小〔2023〕1号 规范清单 2 条记录 评审人员名单 还没有记录" in said
    assert "内部登记" not in said
    assert f'href="{LIST}"' in page.text
    assert '<a href="/registry" aria-current="page">公开信息</a>' in page.text


def test_a_state_that_is_not_to_be_relied_on_looks_otherwise_than_one_that_is(site):
    ids = [
        site.judge(),
        *site.enter({"person": "P000000001X", "name": "林某"}, register="judges", state="停用"),
        *site.enter({"number": "一号"}, state="废止"),
    ]
    listed = site.anybody.get(JUDGES).text + site.anybody.get(LIST).text
    pages = [site.anybody.get(f"{where}/{one}").text for where, one in zip((JUDGES, JUDGES, LIST), ids, strict=True)]
    for page, tone, state in zip(pages, "gan", ("在库", "停用", "废止"), strict=True):
        chip = f'<span class="chip {tone}">{state}</span>'
        assert (chip in listed, chip in page) == (True, True)


def test_what_is_not_public_is_not_there(site):
    [draft] = site.enter({"number": "三号"}, state="草案")
    [inner] = site.enter({"number": "五号"}, register="drafts", state=None)
    for path in (
        f"/registry/{small.REGULATION}/drafts",
        f"/registry/{small.REGULATION}/drafts.csv",
        f"/registry/{small.REGULATION}/drafts.json",
        f"/registry/{small.REGULATION}/drafts/{inner}",
        f"/registry/{small.REGULATION}/nothing",
        "/registry/nowhere/standards",
        f"{LIST}/{draft}",
        f"{LIST}/{draft}.json",
        f"{LIST}/999999",
        f"{LIST}/{2**63}",
        f"{JUDGES}/{draft}",
    ):
        assert site.anybody.get(path).status_code == 404, path


def test_a_list_shows_public_fields_by_year_and_key(site):
    site.enter(
        {"number": "B-2", "title": "骑行", "areas": ["交通", "低碳"], "text": DIGEST, "year": 2025, "limit": "0.50"},
        {"number": "B-1", "title": "步行", "year": 2025, "owner": UNIT, "note": "只供内部"},
        {"number": "C-1", "title": "造林", "year": 2026},
        {"number": "A-9", "title": "无年度"},
        {"number": "D-1", "title": "草稿", "year": 2027},
    )
    site.change("D-1", "草案")
    assert site.headings() == ["C-1", "B-1", "B-2", "A-9"]
    page = site.anybody.get(LIST)
    said = plain(page)
    assert "B-2 骑行 交通、低碳 9c41e07a9c41… 2025 0.5 已备案 2026年9月1日" in said
    assert f'title="{DIGEST}"' in page.text
    assert "共 4 条" in said
    assert UNIT not in page.text
    assert "只供内部" not in page.text
    assert "2027" not in page.text


def test_a_list_is_searched_only_by_what_is_public(site):
    site.enter(
        {"number": "一号", "title": "骑行ABC", "areas": ["交通", "低碳"], "text": DIGEST, "year": 2025},
        {"number": "二号", "title": "造林", "year": 2026, "owner": UNIT, "note": "秘密说明"},
    )
    site.change("一号", "废止")
    assert site.headings(q="骑行") == ["一号"]
    assert site.headings(q="ａｂｃ") == ["一号"]
    assert site.headings(q="低碳") == ["一号"]
    assert site.headings(q=DIGEST[:20]) == ["一号"]
    assert site.headings(year=2026) == ["二号"]
    assert site.headings(state="废止") == ["一号"]
    assert site.headings(state="废止", year=2026) == []
    for hidden in (UNIT, UNIT[:6], "秘密", "%", "_"):
        assert site.headings(q=hidden) == [], hidden
    everything = ["二号", "一号"]
    for odd in ({"state": "草案"}, {"state": "没有的"}, {"year": "abc"}, {"year": -1}, {"q": "\0"}, {"after": "x"}):
        assert site.headings(**odd) == everything, odd
    assert "没有符合条件的记录" in plain(site.anybody.get(LIST, query_string={"q": "没有的"}))


def test_nobody_is_found_by_his_code(site):
    site.judge(areas=["林业"], employer="某大学")
    found = site.anybody.get(JUDGES, query_string={"q": "陈"})
    assert "陈某 林业 在库" in plain(found)
    for hidden in ("P0000000124", "某大学"):
        page = site.anybody.get(JUDGES, query_string={"q": hidden})
        assert "没有符合条件的记录" in plain(page)
        assert hidden not in found.text
    for name in ("csv", "json"):
        assert "P0000000124" not in site.file(f"{JUDGES}.{name}")
        assert "某大学" not in site.file(f"{JUDGES}.{name}")


@pytest.mark.parametrize("keyed", [True, False])
def test_pages_hold_every_record_once_in_order(site, monkeypatch, keyed):
    monkeypatch.setattr(registry, "SIZE", 3)
    text = small.STANDARDS if keyed else small.STANDARDS.replace('public        = ["number", ', "public        = [")
    site.publish(text)
    names = [f"{n:02}" for n in range(8)]
    site.enter(*({"number": n, "title": f"第{n}", "year": 2024 + int(n) % 3 if n != "07" else None} for n in names))
    site.enter({"number": "99", "title": "草稿", "year": 2025}, state="草案")
    seen, address, pages = [], LIST, 0
    while address and pages < 9:
        page = site.anybody.get(address)
        seen += re.findall(r'class="t go" href="[^"]+">([^<]+)</a>', page.text)
        following = re.search(r'href="([^"]+)">下一页', page.text)
        address, pages = following and following[1].replace("&amp;", "&"), pages + 1
    by_year = [["02", "05"], ["01", "04"], ["00", "03", "06"], ["07"]]
    expected = [n for year in by_year for n in (year if keyed else reversed(year))]
    assert seen == (expected if keyed else [f"第{n}" for n in expected])
    assert pages == 3


def test_a_cursor_on_what_is_not_shown_tells_nothing(site):
    [hidden] = site.enter({"number": "五号"}, state="草案")
    site.enter({"number": "一号"}, {"number": "九号"})
    assert site.headings(after=hidden) == site.headings()


def test_a_record_tells_what_changed_when_by_which_letter(site):
    portal = site.portal
    with portal.database.transaction() as tx:
        who = portal.people["zhou"]
        identity.grant_role(tx, person_id=who, regulation=small.REGULATION, role="officer", from_day=LONG_AGO)
    answers = {"unit": UNIT, "number": "一号", "title": "骑行", "areas": "交通\n低碳"}
    zhou = portal.actor("zhou")
    with portal.database.transaction() as tx:
        kernel = portal.machine.kernel
        case = filing.file(kernel, tx, zhou, small.REGULATION, "file", answers, kernel.now(tx))
        letter = tx.query(Letter).filter_by(case_id=case.id).one()
        number, code, case_number = letter.number, spoken(letter.verification_code), case.number
        record = tx.query(Record).filter_by(register="standards").one().id
    page = site.anybody.get(f"{LIST}/{record}")
    said = plain(page)
    assert "状态 已备案 编号 一号 名称 骑行 领域 交通、低碳 备案年度 2026" in said
    assert f'<a href="/verify/{code}">{number}</a>' in page.text
    assert site.anybody.get(f"/verify/{code}").status_code == 200
    for hidden in (UNIT, "见 骑行", "内部理由", case_number, "周敏", "某水泥"):
        assert hidden not in page.text, hidden
    told = json.loads(site.file(f"{LIST}/{record}.json"))
    [change] = told["changes"]
    assert change["document"] == number
    assert change["verify"].endswith(f"/verify/{code}")
    assert change["changed"]["areas"] == [None, ["交通", "低碳"]]
    assert change["changed"]["year"] == [None, 2026]
    assert told["record"]["fields"] == {
        "number": "一号", "title": "骑行", "areas": ["交通", "低碳"], "text": None, "year": 2026, "limit": None,
    }  # fmt: skip


def test_a_record_closed_later_stays_and_says_so(site):
    [record] = site.enter({"number": "一号", "title": "骑行", "text": DIGEST})
    site.change("一号", title="公共骑行", note="无关")
    site.change("一号", note="只改内部说明")
    site.change("一号", "废止")
    page = site.anybody.get(f"{LIST}/{record}")
    said = plain(page)
    assert page.status_code == 200
    assert "这条记录现在的状态是“废止”，不再有效；登记过的内容和变更保留在这里。" in said
    assert "2026年9月4日 09:00 状态 由 已备案 → 改为 废止 2026年9月2日 09:00 名称 由 骑行 → 改为 公共骑行" in said
    assert "2026年9月3日" not in said
    assert said.count("内部") == 0
    assert DIGEST in said
    assert f"http://127.0.0.1:8000{LIST}/{record}" in said
    site.enter({"number": "一号", "title": "新骑行"})
    assert "已备案" in plain(site.anybody.get(f"{LIST}/{record}"))


def test_a_record_no_longer_published_keeps_its_address_and_says_only_since_when(site):
    [record] = site.enter({"number": "一号", "title": "骑行"})
    site.change("一号", "草案", title="步行")
    page = site.anybody.get(f"{LIST}/{record}")
    said = plain(page)
    assert page.status_code == 410
    assert "自 2026年9月2日 09:00 起不再公开" in said
    for hidden in ("骑行", "步行", "一号", "草案"):
        assert hidden not in page.text, hidden
    assert 'content="noindex, nofollow"' in page.text
    answer = site.anybody.get(f"{LIST}/{record}.json")
    assert (answer.status_code, json.loads(answer.data)) == (
        410,
        {
            "id": record,
            "url": f"http://127.0.0.1:8000{LIST}/{record}",
            "hidden_since": "2026-09-02T09:00:00+08:00",
        },
    )
    assert site.headings() == []
    assert "一号" not in site.file(f"{LIST}.csv")
    site.change("一号", "已备案")
    said = plain(site.anybody.get(f"{LIST}/{record}"))
    assert "2026年9月3日 09:00 重新公开（2026年9月2日 09:00 起曾停止公开） 名称 由 骑行 → 改为 步行" in said


@pytest.mark.parametrize(
    "text",
    [
        small.STANDARDS.replace('public_states = ["已备案", "废止"]', 'public_states = ["废止"]'),
        re.sub(r"public .*\n", "", small.STANDARDS).replace('public_states = ["已备案", "废止"]\n', ""),
        small.JUDGES,
    ],
    ids=["fewer states", "not public", "no register"],
)
def test_a_release_that_shows_less_leaves_the_address(site, text):
    site.publish(small.STANDARDS + "# 新版\n")
    [record] = site.enter({"number": "一号", "title": "骑行"})
    [draft] = site.enter({"number": "二号", "title": "草稿"}, state="草案")
    at = dates.exact(site.now)
    site.publish(text)
    page = site.anybody.get(f"{LIST}/{record}")
    assert page.status_code == 410
    assert f"自 {at} 起不再公开" in plain(page)
    assert "骑行" not in page.text
    assert site.anybody.get(f"{LIST}/{draft}").status_code == 404


def test_a_spreadsheet_gets_numbers_and_no_formulas(site):
    ids = site.enter(
        {"number": "=1+1", "title": "@SUM(A1)", "areas": ["-一", "二"], "limit": "-0.50", "year": 2025},
        {"number": "＋一", "title": '带"引号",逗号', "areas": "+甲\n乙", "text": DIGEST},
    )
    answer = site.anybody.get(f"{LIST}.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "%E8%A7%84%E8%8C%83%E6%B8%85%E5%8D%95.csv" in answer.headers["Content-Disposition"]
    assert answer.data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(StringIO(answer.data.decode("utf-8-sig"))))
    assert rows[0] == ["编号", "名称", "领域", "SHA-256", "备案年度", "限值", "状态", "首次公开", "最近变更", "网址"]
    first, second = sorted(rows[1:], key=lambda row: row[-1] != f"http://127.0.0.1:8000{LIST}/{ids[0]}")
    assert first[:9] == ["'=1+1", "'@SUM(A1)", "'-一、二", "", "2025", "-0.5", "已备案", "2026-09-01", "2026-09-01"]
    assert second[:6] == ["'＋一", '带"引号",逗号', "'+甲、乙", DIGEST, "", ""]


def test_a_program_gets_the_fields_with_their_kinds(site):
    [record] = site.enter({"number": "一号", "title": "骑行", "areas": ["交通"], "limit": "0.50", "year": 2025})
    answer = site.anybody.get(f"{LIST}.json")
    assert answer.headers["Content-Type"] == "application/json"
    told = json.loads(answer.data)
    assert told["regulation"] == {"title": "小办法", "number": "小〔2023〕1号"}
    assert told["register"] == {
        "name": "standards", "title": "规范清单", "url": f"http://127.0.0.1:8000{LIST}",
    }  # fmt: skip
    assert told["fields"][2] == {"name": "areas", "title": "领域", "kind": "list", "unit": None}
    assert [field["name"] for field in told["fields"]] == ["number", "title", "areas", "text", "year", "limit"]
    assert told["records"] == [
        {
            "id": record,
            "url": f"http://127.0.0.1:8000{LIST}/{record}",
            "state": "已备案",
            "counts": True,
            "first_shown": "2026-09-01T09:00:00+08:00",
            "changed_at": "2026-09-01T09:00:00+08:00",
            "fields": {
                "number": "一号", "title": "骑行", "areas": ["交通"], "text": None, "year": 2025, "limit": "0.5",
            },
        }
    ]  # fmt: skip


def test_a_file_sent_as_it_is_read_tells_no_length_that_would_cut_it_off(site):
    site.enter({"number": "一号"})
    for path in (f"{LIST}.csv", f"{LIST}.json"):
        for answer in (site.anybody.get(path), site.anybody.raw.head(path)):
            assert (answer.status_code, answer.headers.get("Content-Length")) == (200, None)


def test_an_empty_register_is_a_whole_file_too(site):
    assert json.loads(site.file(f"{LIST}.json"))["records"] == []
    assert len(list(csv.reader(StringIO(site.file(f"{LIST}.csv"))))) == 1
    assert "名册中还没有公开的记录" in plain(site.anybody.get(LIST))


def test_a_file_holds_every_record_once_and_what_the_list_was_narrowed_to(site, monkeypatch):
    monkeypatch.setattr(registry_files, "_AT_A_TIME", 3)
    site.enter(*({"number": f"{n:02}", "title": "双" if n % 2 == 0 else "单", "year": 2025} for n in range(9)))
    site.enter({"number": "草", "title": "双"}, state="草案")
    whole = json.loads(site.file(f"{LIST}.json"))["records"]
    assert sorted(one["fields"]["number"] for one in whole) == [f"{n:02}" for n in range(9)]
    some = json.loads(site.file(f"{LIST}.json", q="双", year=2025))["records"]
    assert sorted(one["fields"]["number"] for one in some) == ["00", "02", "04", "06", "08"]
    address = site.anybody.get(LIST, query_string={"q": "双"}).text
    assert f'href="{LIST}.csv?q=%E5%8F%8C"' in address


def test_who_has_a_file_already_gets_it_again_only_when_it_changed(site):
    site.enter({"number": "一号"})
    for path in (f"{LIST}.csv", f"{LIST}.json"):
        first = site.anybody.get(path)
        assert first.headers["Cache-Control"] == "public, max-age=60"
        again = {"If-None-Match": first.headers["ETag"]}
        same = site.anybody.raw.get(path, headers=again)
        assert (same.status_code, same.data) == (304, b"")
        assert site.anybody.raw.get(path, query_string={"q": "一"}, headers=again).status_code == 200
        site.change("一号", note=f"只改内部说明 {path}")
        assert site.anybody.raw.get(path, headers=again).status_code == 200


def test_pages_are_kept_for_visitors_and_never_for_people(site):
    [record] = site.enter({"number": "一号"})
    for path in ("/registry", LIST, f"{LIST}/{record}"):
        page = site.anybody.get(path)
        assert page.headers["Cache-Control"] == "public, max-age=0, s-maxage=60", path
        assert "Cookie" in page.headers["Vary"]
        assert "Set-Cookie" not in page.headers
        assert page.headers["ETag"].startswith('W/"')
        assert site.portal.client("wang").get(path).headers["Cache-Control"] == "no-store"


def test_large_registers_are_handed_out_only_so_often(site, monkeypatch):
    site.enter({"number": "一号"}, {"number": "二号"})
    often = ATTEMPTS_ALLOWED[REGISTRY_FILE] + 1
    assert {site.anybody.get(f"{LIST}.csv").status_code for _ in range(often)} == {200}
    monkeypatch.setattr(registry_files, "LARGE", 1)
    etag = site.anybody.get(f"{LIST}.csv").headers["ETag"]
    codes = [site.anybody.get(f"{LIST}.json").status_code for _ in range(often)]
    assert codes == [200] * (often - 2) + [429] * 2
    refused = site.anybody.get(f"{LIST}.csv")
    assert "从您的网络地址下载名册的次数过多，请 15 分钟后再试。" in plain(refused)
    assert "ETag" not in refused.headers
    assert site.anybody.raw.get(f"{LIST}.csv", headers={"If-None-Match": etag}).status_code == 304
    assert site.anybody.get(LIST).status_code == 200


def test_pages_cost_the_same_however_many_records_there_are(site):
    [record] = site.enter({"number": "一号", "year": 2025})
    paths = ("/registry", LIST, f"{LIST}?q=号&year=2025&state=已备案", f"{LIST}/{record}")

    def costs() -> list[int]:
        found = []
        for path in paths:
            site.anybody.get(path)
            with statements(site.portal) as sent:
                site.anybody.get(path)
            found.append(len(sent))
        return found

    few = costs()
    site.enter(*({"number": f"{n}号", "year": 2025} for n in range(300)))
    assert costs() == few
    assert max(few) <= 8


def test_a_file_of_ten_thousand_is_read_in_batches(site):
    site.enter(*({"number": f"{n:05}", "title": f"第{n}", "year": 2020 + n % 7} for n in range(10_000)))
    with statements(site.portal) as sent:
        rows = list(csv.reader(StringIO(site.file(f"{LIST}.csv"))))
    assert len(rows) == 10_001
    assert len({row[-1] for row in rows}) == 10_001
    # Two for each batch of 500 and a last empty one, and what comes before the first line.
    assert len(sent) <= 2 * 20 + 1 + 10
    with statements(site.portal) as sent:
        assert len(site.headings()) == 50
    assert len(sent) <= 6


def test_nothing_on_record_is_taken_for_markup(site):
    [record] = site.enter({"number": "<b>一</b>", "title": "<script>x</script>", "areas": ["<i>"]})
    for path in (LIST, f"{LIST}/{record}", f"{LIST}?q=%3Cb%3E"):
        text = site.anybody.get(path).text
        assert "<script>x" not in text
        assert "<b>一" not in text
        assert "<i>" not in text


def test_officials_get_to_the_public_page_and_hidden_ones_say_so(site):
    [shown] = site.enter({"number": "一号", "text": DIGEST, "areas": ["交通", "低碳"]})
    [draft] = site.enter({"number": "二号"}, state="草案")
    with site.portal.database.transaction() as tx:
        who = site.portal.people["zhou"]
        identity.grant_role(tx, person_id=who, regulation=small.REGULATION, role="officer", from_day=LONG_AGO)
    zhou = site.portal.client("zhou")
    inner = f"/registers/{small.REGULATION}/standards"
    assert f'href="{LIST}"' in zhou.get(inner).text
    page = zhou.get(f"{inner}/{shown}")
    assert f'href="{LIST}/{shown}"' in page.text
    assert "领域 交通、低碳" in plain(page)
    assert DIGEST in plain(page)
    assert f"{DIGEST[:12]}…" in plain(zhou.get(inner))
    assert "这一状态的记录不公开" in plain(zhou.get(f"{inner}/{draft}"))


def test_pages_speak_english(site):
    [record] = site.enter({"number": "一号"})
    site.anybody.raw.set_cookie("portal_language", "en")
    assert "Public information" in plain(site.anybody.get("/registry"))
    assert "First public on" in plain(site.anybody.get(f"{LIST}/{record}"))
    heads = next(csv.reader(StringIO(site.file(f"{LIST}.csv").removeprefix("\ufeff"))))
    assert heads[-4:] == ["Status", "First public", "Last change", "Address"]
