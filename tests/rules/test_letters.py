"""Numbers, moments of service, and how a letter writes dates and amounts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from portal.clock import TZ
from portal.documents import filters
from portal.documents.rules import (
    FileNotReady,
    MalformedNumber,
    ServedBeforeIssue,
    ServedInFuture,
    UnknownWayOfService,
    check_service,
    earliest,
    number_faults,
    numbered,
)
from portal.errors import ContentFaults

ISSUED = datetime(2026, 9, 24, 10, tzinfo=TZ)
READY = ISSUED + timedelta(minutes=2)
NOW = ISSUED + timedelta(days=3)


def test_a_number_has_year_and_count_without_leading_zeros():
    assert numbered("渝环复〔{year}〕{seq}号", 2026, 7) == "渝环复〔2026〕7号"


@pytest.mark.parametrize(
    "pattern",
    [
        "渝环复〔{year}〕号",
        "渝环复{seq}号",
        "渝环复〔{year}〕{seq}{seq}号",
        "渝环复〔{year}〕{seq:03}号",
        "渝环复〔{year}〕{seq!r}号",
        "渝环复〔{year}〕{seq.__class__}号",
        "渝环复〔{year}〕{seq[0]}号",
        "渝环复〔{year}〕{case}号",
        "渝环复〔{year}〕{}号",
        "渝环复〔{year}〕{{seq}}号",
        "渝环复〔{year}〕{seq",
        "渝环复〔{{{year}}}〕{seq}号",
    ],
)
def test_only_year_and_count_once_each_make_a_pattern(pattern):
    assert number_faults(pattern)
    with pytest.raises(ContentFaults):
        numbered(pattern, 2026, 1)


def test_a_year_is_a_year():
    with pytest.raises(MalformedNumber):
        numbered("渝环复〔{year}〕{seq}号", 26, 1)


@pytest.mark.parametrize("how", ["read", "post", "in person"])
@pytest.mark.parametrize("at", [READY, NOW])
def test_service_between_the_file_and_now_counts(how, at):
    check_service(how, at, now=NOW, issued=ISSUED, ready=READY)


@pytest.mark.parametrize(
    ("how", "at", "ready", "refusal", "said"),
    [
        ("read", NOW + timedelta(seconds=1), READY, ServedInFuture, "不能晚于现在"),
        ("post", ISSUED - timedelta(seconds=1), READY, ServedBeforeIssue, "不能早于文书的制发时间"),
        ("in person", READY - timedelta(seconds=1), READY, FileNotReady, "还没有生成"),
        ("post", NOW, None, FileNotReady, "还没有生成"),
        ("pigeon", NOW, READY, UnknownWayOfService, "pigeon"),
    ],
)
def test_service_that_cannot_have_been_is_refused(how, at, ready, refusal, said):
    with pytest.raises(refusal) as refused:
        check_service(how, at, now=NOW, issued=ISSUED, ready=ready)
    assert said in refused.value.text("zh")
    assert refused.value.text("en")


def test_the_earliest_proof_counts():
    @dataclass
    class Proof:
        received_at: datetime

    first, second = Proof(READY), Proof(NOW)
    assert earliest([second, first]) is first
    assert earliest([]) is None


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("2026-10-12", "2026年10月12日"),
        ("2026-10-12T23:59:59+08:00", "2026年10月12日"),
        # 24:00 in Chongqing is 16:00 in Greenwich.
        ("2026-10-12T16:00:00+00:00", "2026年10月13日"),
    ],
)
def test_a_day_is_a_day_in_china(value, written):
    assert filters.day(value) == written


def test_a_moment_has_hour_and_minute():
    assert filters.moment("2026-10-12T01:05:00+00:00") == "2026年10月12日9时05分"


@pytest.mark.parametrize(
    ("value", "written"),
    [("1204905", "1,204,905"), (120000, "120,000"), ("-500.50", "-500.50"), ("0", "0"), ("999", "999")],
)
def test_amounts_are_parted_by_thousands(value, written):
    assert filters.amount(value) == written


@pytest.mark.parametrize("value", ["1e999999999", "1E-999999999", "NaN", "Infinity", "9" * 400, "十", "", True, [], {}])
def test_what_is_no_amount_is_refused(value):
    with pytest.raises(filters.ValueUnfit):
        filters.amount(value)


@pytest.mark.parametrize("value", ["12.10.2026", "2026-13-01", "2026-10-12T10:00:00", "", 20261012, None])
def test_what_is_no_date_is_refused(value):
    with pytest.raises(filters.ValueUnfit):
        filters.day(value)
