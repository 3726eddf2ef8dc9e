"""What an official may start: in the order of the articles, each with its article and who does what first."""

from __future__ import annotations

from tests.builders.pages import plain


def test_what_may_be_started_stands_in_the_order_of_the_articles(portal):
    page = plain(portal.client("zhou").get("/start"))
    told = (
        "发起即立案，并给出编号。申请和异议由当事人提出，不在这里发起。",
        "重点排放单位名录 依据 渝府发〔2023〕6号第七条 · 先由承办人办理“编制名录”",
        "配额分配 依据 渝府发〔2023〕6号第十一条第一款 · 先由承办人办理“核定年度配额”",
        "排放核查 依据 渝府发〔2023〕6号第二十五条第一款 · 先由承办人办理“安排核查”",
    )
    places = [page.index(text) for text in told]
    assert places == sorted(places)


def test_who_starts_nothing_is_told_so(portal):
    assert "没有可以发起的事项" in plain(portal.client("tao").get("/start"))
