"""What may be typed when an organisation registers: codes however written, texts, rights, invitation codes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.identity import entry, rules
from portal.identity.entry import (
    FILE,
    MANAGE,
    READ,
    Entry,
    InvitationExpired,
    InvitationRevoked,
    InvitationUsed,
    Missing,
    NotOffered,
    TooLong,
    Unreadable,
    entry_faults,
    invitation_fault,
    normal_rights,
)
from portal.identity.rules import InvalidUscc, UsccCharacters, UsccCheckDigit, UsccLength, accepted_uscc

VALID = ["91110000802100433B", "9144030071526726XG", "91330100799655058B", "91440300708461136T", "91350100M000100Y43"]
NOW = datetime(2026, 9, 24, 10, 0, tzinfo=UTC)
GOOD = Entry("91110000802100433B", "重庆某水泥有限公司", "万州区", "enterprise")


def full_width(text):
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


@pytest.mark.parametrize("code", VALID)
@pytest.mark.parametrize("written", [str, str.lower, full_width, lambda c: full_width(c.lower()), lambda c: f" {c}　"])
def test_a_code_is_accepted_however_it_is_written_and_kept_in_one_form(code, written):
    assert accepted_uscc(written(code)) == code


def test_blanks_inside_a_code_do_not_count():
    assert accepted_uscc("9111 0000 8021 0043 3b") == VALID[0]


@pytest.mark.parametrize("code", ["91350100M000100Y4Z".replace("Z", "4"), "91110000802100433C", "19110000802100433B"])
def test_a_wrong_check_digit_is_said_to_be_one(code):
    with pytest.raises(UsccCheckDigit) as refused:
        accepted_uscc(code)
    assert (
        refused.value.text() == f"统一社会信用代码 {code} 的校验位不对，其中有一位写错了，请对照营业执照核对这 18 位。"
    )


@pytest.mark.parametrize(("code", "count"), [("", 0), ("91110000802100433", 17), ("91110000802100433B0", 19)])
def test_a_code_of_another_length_is_told_how_long_it_is(code, count):
    with pytest.raises(UsccLength) as refused:
        accepted_uscc(code)
    assert refused.value.text() == f"统一社会信用代码应为 18 位，现有 {count} 位，请对照营业执照核对。"


@pytest.mark.parametrize(
    "code", ["91350100M000100Y4Z", "9111OOOO802100433B", "91110000802100433\0", "９１１１００００８０２１００４３３中"]
)
def test_characters_no_code_has_are_named(code):
    with pytest.raises(UsccCharacters) as refused:
        accepted_uscc(code)
    assert "不使用 I、O、S、V、Z" in refused.value.text()
    assert isinstance(refused.value, InvalidUscc)


def test_an_organisation_that_is_filled_in_has_no_faults():
    assert entry_faults(GOOD, ["万州区"]) == {}
    assert entry_faults(GOOD, []) == {}


@pytest.mark.parametrize(
    ("changed", "field", "kind", "text"),
    [
        ({"uscc": " "}, "uscc", Missing, "请填写统一社会信用代码。"),
        ({"name": ""}, "name", Missing, "请填写单位名称。"),
        ({"name": "字" * 101}, "name", TooLong, "单位名称最多 100 个字，现有 101 个字。"),
        ({"name": "水泥\u202e公司"}, "name", Unreadable, "单位名称含有不能显示的字符，请重新输入。"),
        ({"district": ""}, "district", NotOffered, "请选择所在区县。"),
        ({"district": "浦东新区"}, "district", NotOffered, "请选择所在区县。"),
        ({"kind": "person"}, "kind", NotOffered, "请选择单位类别。"),
    ],
)
def test_each_fault_has_its_field_and_words(changed, field, kind, text):
    faults = entry_faults(Entry(**{**vars(GOOD), **changed}), ["万州区", "长寿区"])
    assert {name: type(fault) for name, fault in faults.items()} == {field: kind}
    assert faults[field].text() == text


def test_without_districts_any_name_of_one_will_do_but_none_will_not():
    assert entry_faults(Entry(**{**vars(GOOD), "district": "浦东新区"}), []) == {}
    assert entry_faults(Entry(**{**vars(GOOD), "district": ""}), [])["district"].text() == "请填写所在区县。"


@pytest.mark.parametrize(
    ("asked", "normal"),
    [
        ([], (READ,)),
        ([READ], (READ,)),
        ([READ, FILE], (FILE,)),
        ([FILE, MANAGE, FILE], (MANAGE, FILE)),
        ([MANAGE], (MANAGE,)),
    ],
)
def test_everybody_reads_so_reading_stands_alone(asked, normal):
    assert normal_rights(asked) == normal


def test_rights_that_do_not_exist_are_an_error():
    with pytest.raises(ValueError, match="no such rights"):
        normal_rights(["own"])


def test_a_code_is_found_however_it_is_typed():
    code = entry.new_code()
    assert len(code) == 23
    assert len({entry.new_code() for _ in range(50)}) == 50
    for typed in (code.lower(), code.replace("-", ""), full_width(code), f" {code.replace('-', ' ')} "):
        assert entry.code_digest(typed) == entry.code_digest(code)
    assert entry.code_digest(code[:-1]) != entry.code_digest(code)
    assert entry.code_digest(code) != rules.digest(code)


def test_an_invitation_lasts_seven_days_and_once():
    ends = NOW + entry.INVITATION_LASTS
    assert timedelta(days=7) == entry.INVITATION_LASTS
    assert invitation_fault(ends, None, None, ends - timedelta(microseconds=1), "") is None
    expired = invitation_fault(ends, None, None, ends, "2026-10-01 18:00")
    assert isinstance(expired, InvitationExpired)
    assert expired.text() == "这个邀请码已于 2026-10-01 18:00 过期。请本单位的管理人员重新邀请。"
    assert isinstance(invitation_fault(ends, NOW, None, ends, ""), InvitationUsed)
    assert isinstance(invitation_fault(ends, None, NOW, ends, ""), InvitationRevoked)
