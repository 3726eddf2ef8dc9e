"""For which days, to whom and how long an official may lend a role, and what is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from portal.errors import PortalError

REASON_LENGTH = 200
ROLES, DEPUTY, FROM, TO, REASON = "roles", "deputy", "from_day", "to_day", "reason"
"""The fields of what is asked for, by which its faults are told."""

Role = tuple[str, str]
"""A regulation and a role of it."""


class LendingRefused(PortalError):
    """What was asked for cannot be; `fields` says what is wrong with each field."""

    zh = "代办没有设立，请按提示改正。"
    en = "Nothing was lent. Please mend what is marked."

    def __init__(self, fields: Mapping[str, PortalError]) -> None:
        self.fields = dict(fields)
        super().__init__()


class NoRoleChosen(PortalError):
    """Nothing is to be lent."""

    zh = "请选择至少一个岗位。"
    en = "Please choose at least one role."


class NoDeputyChosen(PortalError):
    """Nobody is to have it."""

    zh = "请选择代办人。"
    en = "Please choose who stands in."


class ToHimself(PortalError):
    """Nobody stands in for himself."""

    zh = "代办人不能是本人，请选择其他工作人员。"
    en = "Nobody can stand in for himself. Please choose somebody else."


class NoOfficialThere(PortalError):
    """The deputy is an applicant, inactive, or has no role of the regulation."""

    zh = "代办人须是同一法规下在岗的工作人员；申请人、已停用的账号和无岗位的账号不能代办。"
    en = "Only an active official with a role of the same regulation can stand in; no applicant can."


class ToTheMaker(PortalError):
    """An administrator gives himself nobody else's role."""

    zh = "管理员不能把他人的岗位交给自己代办。"
    en = "An administrator cannot have another's role lent to himself."


class NotHeld(PortalError):
    """The lender does not hold the role by a grant of his own on all those days."""

    zh = "{who}在所选期间并非每天都担任“{role}”。只能交他人代办本人担任的岗位，代办来的岗位不能再转交。"
    en = "{who} does not hold “{role}” on all of these days. Only one's own roles can be lent; lent ones cannot."


class DayMissing(PortalError):
    """A day was not given, or is none."""

    zh = "请填写日期，如 2026-10-12。"
    en = "Please give a day, like 2026-10-12."


class DaysReversed(PortalError):
    """The last day lies before the first."""

    zh = "最后一天不能早于第一天。"
    en = "The last day cannot be before the first."


class DayOver(PortalError):
    """The day has passed."""

    zh = "这一天已经过去，请填写 {today} 或以后的日期。"
    en = "This day is over. Please give {today} or a later day."


class TooLong(PortalError):
    """More than a year."""

    zh = "代办最长一年，最后一天不能晚于 {last}。到期后可以再设。"
    en = "At most a year: the last day cannot be after {last}. It can be arranged again then."


class LentAlready(PortalError):
    """The same role is lent to somebody for some of the days."""

    zh = "“{role}”在 {from_day} 至 {to_day} 已由{who}代办，期间不能重叠。需要更换的，先结束原来的代办。"
    en = "{who} stands in as “{role}” from {from_day} to {to_day}; the days may not overlap. End that first."


class ReasonMissing(PortalError):
    """No reason was given."""

    zh = "请写明理由。"
    en = "Please give the reason."


class ReasonTooLong(PortalError):
    """A reason above its limit, or with characters that cannot be shown."""

    zh = "理由最多 {most} 个字，且不能含有不能显示的字符。"
    en = "The reason may have {most} characters, all of which can be shown."


class NoSuchDelegation(PortalError):
    """There is no such delegation, or it is not this person's to end."""

    zh = "找不到所请求的内容，或者您无权查看。"
    en = "This does not exist, or it is not yours to see."


class EndedAlready(PortalError):
    """It has ended, or somebody has ended it."""

    zh = "这项代办已经结束，没有变动。"
    en = "This has ended already; nothing was changed."


@dataclass(frozen=True)
class Wanted:
    """What is asked for: which roles of whom, to whom, for which days, and why."""

    principal_id: int
    deputy_id: int | None
    roles: tuple[Role, ...]
    from_day: date | None
    to_day: date | None
    reason: str


@dataclass(frozen=True)
class Span:
    """The days on which somebody holds or has lent a role; without last day, for good."""

    role: Role
    from_day: date
    to_day: date | None
    who: str = ""
    """To whom it is lent."""


def last_day_from(day: date) -> date:
    """The last day of a year that begins on a day."""
    try:
        return day.replace(year=day.year + 1) - timedelta(days=1)
    except ValueError:  # 29 February
        return date(day.year + 1, 2, 28)


def days_faults(from_day: date | None, to_day: date | None, today: date) -> dict[str, PortalError]:
    """What is wrong with the days, by field."""
    faults: dict[str, PortalError] = {}
    if from_day is None:
        faults[FROM] = DayMissing()
    elif from_day < today:
        faults[FROM] = DayOver(today=today)
    if to_day is None:
        faults[TO] = DayMissing()
    elif to_day < today:
        faults[TO] = DayOver(today=today)
    elif from_day is not None and to_day < from_day:
        faults[TO] = DaysReversed()
    elif from_day is not None and to_day > last_day_from(from_day):
        faults[TO] = TooLong(last=last_day_from(from_day))
    return faults


def reason_fault(reason: str) -> PortalError | None:
    """What is wrong with a reason."""
    if not reason.strip():
        return ReasonMissing()
    if len(reason) > REASON_LENGTH or not reason.isprintable():
        return ReasonTooLong(most=REASON_LENGTH)
    return None


def is_held(held: Iterable[Span], role: Role, from_day: date, to_day: date) -> bool:
    """Whether grants, put one behind the other, give a role on every day from one to another."""
    reached = from_day
    for span in sorted((one for one in held if one.role == role), key=lambda one: one.from_day):
        if span.from_day <= reached:
            if span.to_day is None or span.to_day >= to_day:
                return True
            reached = max(reached, span.to_day + timedelta(days=1))
    return False


def overlapping(lent: Iterable[Span], role: Role, from_day: date, to_day: date) -> Span | None:
    """What is lent of a role already on any of the days."""
    same = (one for one in lent if one.role == role and one.from_day <= to_day)
    return next((one for one in same if one.to_day is None or one.to_day >= from_day), None)
