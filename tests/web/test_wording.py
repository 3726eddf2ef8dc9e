"""How articles, deadlines and the history of a case are told."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from portal.audit.models import AUDIT_ENTRIES
from portal.audit.rules import KIND
from portal.procedures.articles import article_text
from portal.web.dates import size
from portal.web.history import SENTENCES
from portal.web.periods import period_text


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("11.2", "第十一条第二款"),
        ("25", "第二十五条"),
        ("10", "第十条"),
        ("110.1", "第一百一十条第一款"),
        ("203", "第二百零三条"),
        ("4.3.2", "第四条第三款第（二）项"),
        ("A2.3", "附件2第三条"),
        ("A1", "附件1"),
    ],
)
def test_articles_in_chinese(key, text):
    assert article_text(key) == text


def test_periods_in_chinese(portal):
    with portal.app.test_request_context():
        assert period_text("10 working days") == "10 个工作日"
        assert period_text("1 month") == "1 个月"
        assert period_text("04-30") == "4月30日"


def test_sizes():
    assert [size(1), size(412_300), size(6_300_000)] == ["1 KB", "412 KB", "6.3 MB"]


def test_every_entry_of_a_whole_story_has_its_sentence(portal):
    portal.review()
    with portal.database.transaction() as tx:
        kinds = set(tx.scalars(select(AUDIT_ENTRIES.c.kind).distinct()))
    assert kinds <= set(SENTENCES)
    assert all(KIND.fullmatch(kind) for kind in SENTENCES)
