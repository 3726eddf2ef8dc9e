"""How a deadline is told to an applicant, in plain Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from portal.calendar.rules import WEEKDAYS
from portal.clock import day_of
from portal.deadlines.rules import Fixed, Length, Until, parse_period
from portal.deadlines.telling import Told, told

EVENTS = {
    "filed": "接到申请",
    "started": "程序启动",
    "accepted": "收到齐全材料（受理之日）",
    "issued": "作出文书",
    "served": "送达文书",
    "entered": "进入该环节",
    "done": "办结该环节",
    "received": "收到来件",
    "opened": "公示开始",
    "closed": "公示结束",
    "date": "起算日",
    "action": "开始计时",
}
_UNITS = {"working days": "个工作日", "days": "日", "months": "个月"}


def event_text(event: str) -> str:
    """An event in Chinese: 接到申请 for "filed", 送达文书 for "served(decision)"."""
    return EVENTS[event.partition("(")[0]]


def length_text(length: Length) -> str:
    """A length or fixed date as letters say it: 7个工作日, 15日, 1个月, 4月30日, 2026年4月30日."""
    if isinstance(length, Until):
        return f"{length.month}月{length.day}日"
    if isinstance(length, Fixed):
        return f"{length.day.year}年{length.day.month}月{length.day.day}日"
    return f"{length.amount}{_UNITS[length.unit]}"


class Extension(Protocol):
    """More time that was given; a stored extension has it."""

    by: str
    reason: str
    signer: str
    at: datetime


def extension_text(extension: Extension) -> str:
    """That it was extended, by whom and why: 2026-10-09经局领导批准延长10个工作日，理由：案情复杂."""
    more = length_text(parse_period(extension.by))
    return f"{day_of(extension.at)}经{extension.signer}批准延长{more}，理由：{extension.reason.rstrip('。')}"


def due_text(day: date) -> str:
    """The end of a last day: 2026年10月12日（周一）24:00."""
    return f"{day.year}年{day.month}月{day.day}日（{WEEKDAYS[day.weekday()]}）24:00"


def why(deadline: Told) -> str:
    """Why a deadline ends on its day: its start, what is skipped, its last day, and remarks."""
    return told(deadline, _Chinese())


class _Chinese:
    """The words of `telling.Words` in Chinese."""

    def day(self, day: date, year: int | None = None) -> str:
        text = f"{day.month}月{day.day}日"
        return text if year in (None, day.year) else f"{day.year}年{text}"

    def span(self, first: date, last: date, year: int) -> str:
        if first == last:
            return self.day(first, year)
        joint = "、" if (last - first).days == 1 else "至"
        one_month = (first.year, first.month) == (last.year, last.month)
        return f"{self.day(first, year)}{joint}{f'{last.day}日' if one_month else self.day(last, first.year)}"

    def begun(self, event: str, day: str) -> str:
        return f"{day}{event_text(event)}"

    def next_day(self, begun: str) -> str:
        return f"{begun}，次日起算"

    def fixed(self, day: str) -> str:
        return f"期限为固定日期{day}"

    def working_day(self, number: int, day: str) -> str:
        return f"第{number}个工作日为{day}"

    def calendar_day(self, number: int, day: str) -> str:
        return f"第{number}日为{day}"

    def corresponding(self, months: int, day: str) -> str:
        return f"满{months}个月的对应日为{day}"

    def end_of_month(self, months: int, day: str) -> str:
        return f"满{months}个月的当月无对应日，取月末日{day}"

    def moves(self, reason: str, day: str) -> str:
        return f"，该日为{reason}，顺延至{day}"

    def stays(self, reason: str) -> str:
        return f"（{reason}，不顺延）"

    def run(self, span: str, names: Sequence[str]) -> str:
        return f"{span}（{'、'.join(names) or '周末'}）"

    def skipping(self, runs: Sequence[str], *, weekends: bool) -> str:
        return "跳过" + "、".join([*runs, "其间的周末"] if weekends else runs)

    def made_up(self, days: Sequence[str]) -> str:
        return "、".join(days) + "调休上班，计入"

    def stood(self, span: str, why: str) -> str:
        return f"{span}暂停计时（{why}），不计"

    def held(self, day: str) -> str:
        return f"，该日24:00仍在暂停计时，顺延至{day}"

    def put_off(self, days: int, day: str) -> str:
        return f"，因暂停计时顺延{days}日至{day}"

    def lengths(self, parts: Sequence[Length]) -> str:
        return f"期限为{'，再加'.join(map(length_text, parts))}"

    def last(self, day: str) -> str:
        return f"最后一日为{day}"

    def counted(self, number: int, *, working: bool) -> str:
        return f"已计{number}{_UNITS['working days' if working else 'days']}"

    def paused(self, day: str, why: Sequence[str]) -> str:
        return f"{day}起暂停计时（{'、'.join(why)}）"

    def remaining(self, number: int, *, working: bool) -> str:
        if not number:
            return "恢复计时后，最后一日顺延"
        return f"恢复计时后，接着计算剩余{number}{_UNITS['working days' if working else 'days']}"

    def resumes(self) -> str:
        return "恢复计时后，接着计算剩余期限"

    def stands(self, course: Sequence[str]) -> str:
        return "；".join(course)

    def over(self, course: Sequence[str]) -> str:
        return "；".join(course) + "，当日24:00届满"

    def provisional(self, year: int) -> str:
        return f"{year}年放假安排尚未公布，该日期为暂定"

    def reason(self, text: str) -> str:
        return text

    def text(self, sentences: Sequence[str]) -> str:
        return "".join(f"{sentence}。" for sentence in sentences)
