"""Both languages of the pages: the catalogue is complete, and nothing that a page says is outside it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from jinja2 import Environment

import portal.web
from portal.calendar.rules import Calendar
from portal.clock import TZ, end_of
from portal.deadlines import english as english_deadlines
from portal.deadlines import wording as chinese_deadlines
from portal.errors import PortalError, Words
from portal.web import dates, languages, reasons
from tests.rules.test_deadline_wording import CALENDAR, told

WEB = Path(portal.web.__file__).parent
CATALOGUE = WEB / "translations" / "en" / "LC_MESSAGES" / "messages.po"
CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%%")
GETTEXT = {"_", "gettext", "ngettext", "pgettext"}
MEND = "run `make messages` and translate: docs/how-to/translate.md"

CHINESE_KEPT = {
    "例如 国办发明电〔2026〕7号": "the number of a Chinese notice as it is typed",
    "如 渝环复案〔2026〕12号；括号写成 [2026] 也可以": "the number of a case as it is typed",
    "连同其中的周末，例如 2027-01-01至2027-01-03、2027-02-05至2027-02-11；也可写 2月5日至11日": "as typed",
}
"""Texts whose English has Chinese in it, and why."""

NOT_TEXTS = {
    "articles.py": "citations of articles are legal content",
    "dates.py": "days and moments are written in both languages there",
    "languages.py": "each language is named in itself, and separates names in its way",
    "jobs.py": "the incident of a job tried again is a record",
    "beginning.py": "a command as it is typed",
    "preview.py": "stands in letters, which are Chinese",
    "tables.py": "errors at a field, each in both languages",
}
"""Modules in which Chinese stands outside gettext, and why."""


@cache
def catalogue() -> dict[str, Message]:
    with CATALOGUE.open("rb") as file:
        return {_key(message.id, message.context): message for message in read_po(file, locale="en") if message.id}


@cache
def extracted() -> dict[str, Message]:
    """What pages say, as `make messages` finds it."""
    methods = [("**.py", "python"), ("templates/**.html", "jinja2")]
    options = {"templates/**.html": {"silent": "false"}}
    found = extract_from_dir(WEB, methods, options)
    return {_key(text, context): Message(text) for _file, _line, text, _comments, context in found}


def _key(text: str | tuple[str, ...] | list[str], context: str | None = None) -> str:
    plain = text if isinstance(text, str) else text[0]
    return f"{context}: {plain}" if context else plain


def _both(message: Message) -> list[str]:
    """The translations of a message: one, or one for each number."""
    return [message.string] if isinstance(message.string, str) else list(message.string)


def test_every_text_has_its_english():
    missing = [
        text for text in extracted() if text not in catalogue() or not all(map(str.strip, _both(catalogue()[text])))
    ]
    assert missing == [], MEND
    assert [text for text, message in catalogue().items() if message.fuzzy] == [], MEND


def test_nothing_is_translated_that_no_page_says():
    assert sorted(set(catalogue()) - set(extracted())) == [], MEND
    with CATALOGUE.open("rb") as file:
        assert not read_po(file, locale="en").obsolete, MEND


def test_a_translation_has_the_placeholders_of_its_text():
    for text, message in catalogue().items():
        for said in filter(None, _both(message)):
            assert sorted(set(PLACEHOLDER.findall(said))) == sorted(set(PLACEHOLDER.findall(text))), said


def test_english_has_no_chinese_in_it():
    kept = set(CHINESE_KEPT)
    for text, message in catalogue().items():
        for said in _both(message):
            assert not CHINESE.search(said) or text in kept, said
    assert kept <= set(catalogue())


def test_what_stands_alone_in_a_sentence_keeps_its_spaces():
    """“ · …” follows something on its line; “。” and “？” bring the space with them that English may need."""
    for text, message in catalogue().items():
        if not text.endswith(("。", "？")):
            assert all(said.endswith(" ") == text.endswith(" ") for said in _both(message)), text


def _texts_of_python(path: Path) -> Iterator[tuple[int, str]]:
    """Chinese texts of a module that are neither looked up, nor of an error in both languages, nor documentation."""
    tree = ast.parse(path.read_text())
    fine = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):  # documentation of a module, class, function or name
            fine.add(id(node.value))
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in (*GETTEXT, "FieldError"):
            fine |= {id(inner) for argument in node.args for inner in ast.walk(argument)}
        elif isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["zh"]:
            fine |= {id(inner) for inner in ast.walk(node.value)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in fine:
            yield node.lineno, node.value


def test_no_module_says_chinese_past_the_catalogue():
    found = [
        f"{path.relative_to(WEB)}:{line}: {text}"
        for path in sorted(WEB.rglob("*.py"))
        if path.name not in NOT_TEXTS
        for line, text in _texts_of_python(path)
        if CHINESE.search(text) and not _is_join(text)
    ]
    assert found == []


def _is_join(text: str) -> bool:
    """Whether a text only joins others: 、 and brackets around a name."""
    return not re.search(r"\w", re.sub(r"<[^>]*>|%s", "", text))


def test_no_template_says_chinese_past_the_catalogue():
    environment = Environment(extensions=["jinja2.ext.i18n"])
    found = []
    for path in sorted((WEB / "templates").rglob("*.html")):
        before: list[str] = []
        for line, kind, text in environment.lex(path.read_text()):
            if kind.startswith("comment") or kind == "whitespace":
                continue
            looked_up = len(before) > 1 and (before[-1], before[-2]) in {("(", name) for name in GETTEXT}
            second = len(before) > 3 and before[-1] == "," and before[-4] in GETTEXT
            if CHINESE.search(text) and not looked_up and not second and not _is_join(text):
                found.append(f"{path.name}:{line}: {text.strip()}")
            before.append(text)
    assert found == []


def test_the_catalogue_is_read_once():
    languages.english.cache_clear()
    assert [languages.english().gettext("登录") for _ in range(3)] == ["Sign in"] * 3
    assert languages.english.cache_info().misses == 1


@pytest.fixture
def page(portal):
    """A page in the language asked for."""

    def of(code: str):
        return portal.app.test_request_context(headers={"Cookie": f"{languages.COOKIE}={code}"})

    return of


NOON = datetime(2026, 10, 12, 15, 40, 8, tzinfo=TZ)


@pytest.mark.parametrize(
    ("say", "chinese", "english"),
    [
        (lambda: dates.due_text(end_of(date(2026, 10, 12))), "2026年10月12日（周一）24:00", "Mon 12 Oct 2026, 24:00"),
        (lambda: dates.exact(NOON), "2026年10月12日 15:40", "12 Oct 2026 15:40"),
        (lambda: dates.to_the_second(NOON), "2026年10月12日 15:40:08", "12 Oct 2026 15:40:08"),
        (lambda: dates.full(NOON), "2026年10月12日（周一）15:40", "Mon 12 Oct 2026, 15:40"),
        (lambda: dates.short(NOON), "10-12 15:40", "12 Oct 15:40"),
        (lambda: dates.day_text(NOON.date()), "10月12日（周一）", "Mon 12 Oct"),
        (lambda: dates.day_text(NOON.date(), date(2027, 1, 4)), "2026年10月12日（周一）", "Mon 12 Oct 2026"),
        (lambda: dates.day_of_the_year(4, 30), "4月30日", "30 Apr"),
    ],
)
def test_days_and_moments_in_both_languages(page, say, chinese, english):
    for code, text in (("zh-CN", chinese), ("en", english)):
        with page(code):
            assert say() == text


@pytest.mark.parametrize(
    ("moment", "chinese", "english"),
    [
        ("2026-10-01T10:00", "剩 4 个工作日", "4 working days left"),
        ("2026-10-11T10:00", "剩 1 个工作日", "1 working day left"),
        ("2026-10-12T23:59", "今日 24:00 到期", "Due today at 24:00"),
        ("2026-10-13T00:00", "超期 1 个工作日", "1 working day overdue"),
        ("2026-10-14T00:00", "超期 2 个工作日", "2 working days overdue"),
    ],
)
def test_what_is_left_in_both_languages(page, moment, chinese, english):
    deadline = told("7 working days", "2026-09-24", "served(notice)")
    now = datetime.fromisoformat(moment).replace(tzinfo=TZ)
    for code, text in (("zh-CN", chinese), ("en", english)):
        with page(code):
            assert dates.left_text(deadline, now, CALENDAR) == text


def test_why_a_deadline_ends_on_its_day_in_both_languages(page):
    deadline = told("7 working days", "2026-09-24", "served(notice)")
    with page("zh-CN"):
        assert reasons.why(deadline).startswith("9月24日送达文书，次日起算；跳过9月25日至27日（中秋节）")
        assert reasons.reason("国庆节假期") == "国庆节假期"
    with page("en"):
        assert reasons.why(deadline) == (
            "Letter served on 24 Sep, counted from the next day; skipping 25–27 Sep (Mid-Autumn Festival), "
            "1–7 Oct (National Day), 11 Oct (weekend); 10 Oct is a make-up day and counts; "
            "working day 7 is 12 Oct, over at 24:00 of that day."
        )
        assert reasons.reason("国庆节假期") == "National Day holiday"


def test_every_event_and_festival_has_its_english():
    assert set(english_deadlines.EVENTS) == set(chinese_deadlines.EVENTS)
    years = [Calendar(0, CALENDAR.year_of).year_of(year) for year in range(2010, 2036)]
    for name in {name for year in years for name in year.off.values()}:
        assert not CHINESE.search(english_deadlines.reason(name)), name


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("第3个工作日", "working day 3"),
        ("中秋节、国庆节", "Mid-Autumn Festival, National Day"),
        ("周六，最后一日遇休息日顺延", "Saturday; the last day is a day off and moves on"),
        ("对应日（国庆节假期，不顺延）", "corresponding day (National Day holiday, does not move on)"),
        (
            "送达文书的日期由2026-09-23更正为2026-09-25",
            "the day of “letter served” was corrected from 23 Sep 2026 to 25 Sep 2026",
        ),
        ("送达文书的记录已作废，恢复计算", "the record of “letter served” was struck out, so it runs again"),
        ("再次送达文书，重新起算", "again “letter served”, so it starts anew"),
        (
            "放假安排更新后应为2026-02-20，但原期限2026-02-13已届满，不再变动",
            "by the new holiday notice it would be 20 Feb 2026, but 13 Feb 2026 was over and stays",
        ),
        (
            "放假安排（国办发明电〔2026〕7号）更新：2月9日至11日、3月1日放假，不计；2月14日上班，计入",
            "changed by holiday notice 国办发明电〔2026〕7号: 9–11 Feb, 1 Mar off, do not count; 14 Feb worked, count",
        ),
        (
            "放假安排更新：2月9日至3月11日间共12日放假，不计",
            "changed by holiday notice: 12 days within 9 Feb to 11 Mar off, do not count",
        ),
        ("一句别的话", "一句别的话"),
    ],
)
def test_stored_reasons_in_english(stored, said):
    assert english_deadlines.reason(stored) == said


def test_what_an_error_names_is_named_in_its_language():
    class Unfit(PortalError):
        zh = "请填写{what}。"
        en = "Enter the {what}."

    error = Unfit(what=Words("所在区县", "district"))
    assert (error.text("zh"), error.text("en")) == ("请填写所在区县。", "Enter the district.")


def test_the_language_is_chosen_and_kept_for_a_year(portal):
    browser = portal.client()
    first = browser.get("/sign-in?next=/inbox")
    assert '<html lang="zh-CN">' in first.text
    link = re.search(r'href="(/language/en[^"]*)" lang="en"', first.text)
    assert link is not None
    answer = browser.get(link.group(1).replace("&amp;", "&"))
    assert (answer.status_code, answer.location) == (302, "/sign-in?next=/inbox")
    cookie = answer.headers["Set-Cookie"]
    assert "portal_language=en" in cookie
    assert "Max-Age=31536000" in cookie
    english = browser.get("/sign-in")
    assert '<html lang="en">' in english.text
    assert "User name" in english.text
    assert 'href="/language/zh-CN' in english.text
    refused = browser.post("/sign-in", {"login": "nobody", "password": "wrong"})
    assert (refused.status_code, bool(CHINESE.search(_main(refused.text)))) == (422, False)
    assert "/language/" not in refused.text


def _main(html: str) -> str:
    """The text of the page's main part, without the demo's accounts."""
    main = html.partition("<main")[2].partition("</main>")[0]
    typed = re.compile(r"<(code|pre)\b.*?</\1>", re.DOTALL)  # commands
    return re.sub(r"<[^>]+>", " ", typed.sub(" ", main.partition('class="demo-people"')[0]))


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "js:1", ""])
def test_choosing_a_language_leads_nowhere_else(portal, elsewhere):
    answer = portal.client().get(f"/language/en?next={elsewhere}")
    assert (answer.status_code, answer.location) == (302, "/")


def test_there_are_two_languages(portal):
    assert portal.client().get("/language/fr").status_code == 404


def test_error_pages_speak_the_language_too(portal):
    browser = portal.client()
    browser.get("/language/en")
    missing = browser.get("/nowhere")
    assert missing.status_code == 404
    assert "There is no such page, or you may not see it." in missing.text
    assert not CHINESE.search(_main(missing.text))
