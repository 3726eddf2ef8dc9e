"""The administrator's page of years and notices: faults in words, the preview, confirming, looking again."""

from __future__ import annotations

import re
from datetime import date

import pytest

from portal.calendar import base
from portal.calendar import service as calendars
from portal.clock import day_of
from portal.identity.models import Person
from tests.builders.pages import plain

OFF = "2027-01-01至2027-01-03、2027-02-05至2027-02-11、4月3日至5日、5月1日至3日、2027-06-09、2027-09-15、10月1日至5日"
WORKED = "2027-01-31、2027-02-13、2027-02-14"
FORM = {
    "year": "2027",
    "number": "国办发明电〔2026〕0号",
    "source": "https://www.gov.cn/",
    "off": OFF,
    "worked": WORKED,
}


@pytest.fixture
def admin(portal):
    """A browser of the administrator."""
    with portal.database.transaction() as tx:
        tx.get_one(Person, portal.people["sun"]).administrator = True
    return portal.client("sun")


def version(portal) -> int:
    with portal.database.transaction() as tx:
        return calendars.current(tx).version


def test_the_page_is_for_administrators_alone(portal, admin):
    assert admin.get("/calendar").status_code == 200
    for login in ("zhou", "chen", "wang"):
        browser = portal.client(login)
        assert browser.get("/calendar").status_code in (403, 404)
        assert browser.post("/calendar/preview", FORM).status_code in (403, 404)
        assert browser.post("/calendar/notices", {**FORM, "version": "0"}).status_code in (403, 404)
    assert version(portal) == 0


def test_years_say_whether_they_are_official(portal, admin):
    text = plain(admin.get("/calendar"))
    year = day_of(portal.now).year
    assert re.search(rf"{year} 已公布 系统内置的国务院办公厅通知", text)
    assert re.search(rf"{year + 1} 暂定 尚未公布，只计法定节假日当日", text)
    assert "还没有录入过" in text


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("year", "二〇二七", "请填写四位年份"),
        ("year", "1999", "请填写四位年份"),
        ("year", "99999999999999999999", "请填写四位年份"),
        ("number", "", "请填写文号"),
        ("number", "号" * 101, "最多 100 字"),
        ("source", " ", "请填写来源"),
        ("off", "", "请填写放假的日期"),
        ("off", OFF + "、2027-02-30", "“2027-02-30”不是日历上的日期。"),
        ("off", OFF + "、春节", "“春节”读不懂"),
        ("off", OFF + "、2028-01-01", "2028-01-01 不属于 2027 年的放假安排。"),
        ("off", "2027-01-01", "缺少法定节假日 2027-02-05（除夕）"),
        ("off", "2027-02-11至2027-02-05", "结束日期早于开始日期"),
        ("off", OFF + "、" + "、".join(["2027-01-04"] * 200), "最多 2000 字"),
        ("worked", "2027-02-15", "2027-02-15 是周一，本来就上班"),
        ("worked", "2027-02-06", "2027-02-06 同时列为放假日和上班日。"),
    ],
)
def test_faults_are_told_and_nothing_typed_is_lost(portal, admin, field, typed, told):
    answer = admin.post("/calendar/preview", {**FORM, field: typed})
    assert answer.status_code == 422
    assert told in plain(answer)
    assert f'href="#{field}"' in answer.text
    for name, value in {**FORM, field: typed.strip()}.items():
        assert value in answer.text, name
    assert version(portal) == 0


def test_a_year_in_full_width_is_a_year(admin):
    preview = admin.post("/calendar/preview", {**FORM, "year": "２０２７"})
    assert preview.status_code == 200
    assert "2027 年放假安排：核对影响" in plain(preview)


def test_every_fault_is_told_at_once(admin):
    answer = admin.post("/calendar/preview", {**FORM, "year": "x", "number": "", "off": "x", "worked": "y"})
    text = plain(answer)
    assert "有 4 处需要改正" in text
    assert text.count("请填写文号") == 2  # above the form and at the field
    assert "“x”读不懂" in text
    assert "“y”读不懂" in text


def test_what_is_typed_cannot_be_markup(admin):
    answer = admin.post("/calendar/preview", {**FORM, "off": "<script>alert(1)</script>"})
    assert "<script>alert(1)" not in answer.text


def test_the_preview_changes_nothing_and_leads_back(portal, admin):
    answer = admin.post("/calendar/preview", FORM)
    text = plain(answer)
    assert answer.status_code == 200
    assert "2027 年放假安排：核对影响" in text
    assert "还没有生效" in text
    assert "2027-02-05至2027-02-11" in text
    assert version(portal) == 0
    back = admin.post("/calendar/preview", {**FORM, "edit": "1"})
    assert OFF in back.text


def test_confirming_enters_it(portal, admin):
    page = admin.post("/calendar/preview", FORM)
    seen = re.search(r'name="version" value="(\d+)"', page.text)
    assert seen
    answer = admin.post("/calendar/notices", {**FORM, "version": seen[1]}, follow_redirects=True)
    text = plain(answer)
    assert "已录入 2027 年放假安排（国办发明电〔2026〕0号）" in text
    assert "2027 已公布 国办发明电〔2026〕0号" in text
    assert "2027 年 有效" in text
    assert version(portal) > 0


def test_a_later_one_for_the_year_says_whose_place_it_takes(portal, admin):
    admin.post("/calendar/notices", {**FORM, "version": "0"})
    later = {**FORM, "number": "国办发明电〔2026〕1号", "worked": "2027-01-31"}
    text = plain(admin.post("/calendar/preview", later))
    assert "2027 年已录入过通知（国办发明电〔2026〕0号），确认后由这一份取代。" in text
    admin.post("/calendar/notices", {**later, "version": str(version(portal))})
    text = plain(admin.get("/calendar"))
    assert text.count("已被后录入的取代") == 1
    assert text.index("国办发明电〔2026〕1号") < text.index("已被后录入的取代")


def test_who_saw_an_older_calendar_is_shown_the_effects_again(portal, admin):
    admin.post("/calendar/notices", {**FORM, "version": "0"})
    answer = admin.post("/calendar/notices", {**FORM, "number": "另一份", "version": "0"})
    assert answer.status_code == 409
    text = plain(answer)
    assert "请按最新情况重新核对影响" in text
    assert f'name="version" value="{version(portal)}"' in answer.text
    assert "另一份" in text


@pytest.mark.parametrize("seen", ["", "x", "-1", "999"])
def test_a_version_that_never_was_is_no_permission(portal, admin, seen):
    assert admin.post("/calendar/notices", {**FORM, "version": seen}).status_code == 409
    assert version(portal) == 0


def test_a_notice_that_makes_a_past_day_a_holiday_says_which_and_what_stays(admin):
    known = base.year_of(2026)
    off = "、".join(day.isoformat() for day in (*known.off, date(2026, 3, 4)))
    worked = "、".join(day.isoformat() for day in sorted(known.worked - {date(2026, 2, 28)}))
    text = plain(admin.post("/calendar/preview", {**FORM, "year": "2026", "off": off, "worked": worked}))
    assert "2026 年的安排系统已经内置，确认后由这一份取代。" in text
    past = text[text.index("以下日期已经过去：") : text.index("按新的安排重新计算。")]
    assert "2026年2月28日（周六）由“调休上班（计入）”改为“周末休息”" in past
    assert "2026年3月4日（周三）由“上班”改为“放假”" in past
    assert "已经届满的期限不再变动" in past


def test_what_misses_is_told_once_the_rest_can_be_read(admin):
    text = plain(admin.post("/calendar/preview", {**FORM, "off": "2027-01-01、x"}))
    assert "“x”读不懂" in text
    assert "缺少法定节假日" not in text


def test_confirming_twice_is_no_error(portal, admin):
    seen = version(portal)
    for expected in ("已录入 2027 年放假安排", "已录入"):
        answer = admin.post("/calendar/notices", {**FORM, "version": seen})
        assert (answer.status_code, answer.location) == (303, "/calendar")
        assert expected in plain(admin.get("/calendar"))
    with portal.database.transaction() as tx:
        assert len(calendars.entered(tx)) == 1
        tx.get_one(Person, portal.people["zhou"]).administrator = True
    other = portal.client("zhou")
    assert other.post("/calendar/notices", {**FORM, "version": seen}).status_code == 409
    changed = {**FORM, "number": "国办发明电〔2026〕1号", "version": seen}
    assert admin.post("/calendar/notices", changed).status_code == 409
