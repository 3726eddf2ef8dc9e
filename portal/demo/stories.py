"""What happened in the demo before today: lists, allocations, verifications, notices and reviews in every state."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import date, datetime, timedelta

from portal.calendar.rules import Calendar
from portal.cases.models import Case
from portal.demo.evidence import GAS, OUTPUT, STEAM
from portal.demo.history import History, Story, at, working_days_before
from portal.demo.people import CEMENT, CHEMICALS, PAPER, STEEL, UNITS, Unit

DECIDED_WITHIN = 10
"""Working days in which a review is to be decided (article 11)."""
DAY = timedelta(days=1)


class Stories:
    """The stories, with their days reckoned back from today."""

    def __init__(self, history: History, calendar: Calendar, today: date) -> None:
        self._past, self._calendar, self._today = history, calendar, today

    def all(self) -> list[Story]:
        """One story for each state that somebody should be able to look at."""
        due = self._calendar.next_working(self._today)
        # Between that day, which is not counted, and today, which is, lie two working days.
        overdue = self._before(self._today + DAY, 3)
        return [
            self.listed(self._before(self._today, 45)),
            self.decided(self._before(self._today, 30)),
            self.review_overdue(self._before(overdue, DECIDED_WITHIN)),
            self.review_due(self._before(due, DECIDED_WITHIN)),
            self.served_yesterday(),
            self.not_signed_for(),
            self.waits_for_signature(),
            self.result_disputed(self._before(self._today, 3)),
            self.result_objected_to(),
            self.objected_late(),
            self.sent_back(),
            self.waits_for_registration(),
        ]

    def _before(self, day: date, n: int) -> date:
        return working_days_before(self._calendar, day, n)

    def served_yesterday(self) -> Story:
        """A notice that was signed for yesterday: the objection period runs."""
        issued = self._before(self._today - DAY, 2)
        notice = yield from self._notice("zhou", CEMENT, self._today.year - 1, 1_186_400, issued)
        yield at(self._today - DAY, 15, 20)
        self._past.sign_for(CEMENT, self._past.letter(notice, "notice"))

    def review_due(self, filed: date) -> Story:
        """A review that was admitted, has not been examined, and is due today or on the next working day."""
        notice = yield from self._notice("wu", STEEL, self._today.year - 1, 5_420_000, self._before(filed, 6))
        received = at(self._before(filed, 4), 10, 5)
        yield at(self._before(filed, 3), 9, 40)
        letter = self._past.letter(notice, "notice")
        self._past.enter_receipt("tao", letter, received, "邮政特快专递，收发室签收")
        yield at(filed, 14, 10)
        review = self._past.file("liu", "allocation-review", _STEEL_APPLICATION, notice, GAS)
        yield at(self._calendar.next_working(filed + DAY), 9, 30)
        self._past.do("li", review, "check", {"result": "受理"})

    def review_overdue(self, filed: date) -> Story:
        """A review whose decision is drafted and lies with the leader, two working days late."""
        notice = yield from self._notice("zhou", CHEMICALS, self._today.year - 1, 842_300, self._before(filed, 5))
        yield at(self._before(filed, 4), 16, 30)
        self._past.sign_for(CHEMICALS, self._past.letter(notice, "notice"))
        yield at(filed, 10, 25)
        review = self._past.file("guo", "allocation-review", _CHEMICALS_APPLICATION, notice, STEAM)
        yield at(self._after(filed, 1), 9, 15)
        self._past.do("li", review, "check", {"result": "受理"})
        yield at(self._after(filed, 6), 11, 0)
        self._past.do("zheng", review, "review", _UPHELD)
        yield at(self._after(filed, 8), 15, 45)
        self._past.do("zheng", review, "draft", _UPHELD_FINDINGS)

    def decided(self, filed: date) -> Story:
        """An allocation to three units, all of it final; for one a review has changed it, and its letters were read."""
        amounts = {CEMENT: 1_200_000, STEEL: 5_350_000, CHEMICALS: 838_000}
        allocation = yield from self._allocated("wu", amounts, self._today.year - 2, self._before(filed, 7))
        notice = self._past.started_by(allocation, CEMENT)
        yield at(self._before(filed, 6), 11, 10)
        self._past.sign_for(CEMENT, self._past.letter(notice, "notice"))
        yield at(self._before(filed, 6), 14, 30)
        self._past.sign_for(CHEMICALS, self._past.letter(self._past.started_by(allocation, CHEMICALS), "notice"))
        yield at(self._before(filed, 4), 9, 20)
        letter = self._past.letter(self._past.started_by(allocation, STEEL), "notice")
        self._past.enter_receipt("tao", letter, at(self._before(filed, 5), 15, 30), "邮政特快专递，收发室签收")
        yield at(filed, 9, 50)
        review = self._past.file("wang", "allocation-review", _CEMENT_APPLICATION, notice, OUTPUT)
        yield at(self._after(filed, 1), 10, 0)
        self._past.do("li", review, "check", {"result": "受理"})
        yield at(self._after(filed, 4), 16, 0)
        self._past.do("he", review, "review", _CHANGED)
        yield at(self._after(filed, 5), 10, 30)
        self._past.do("he", review, "draft", _CHANGED_FINDINGS)
        yield at(self._after(filed, 6), 17, 5)
        self._past.do("chen", review, "sign", {"result": "签发"})
        yield at(self._after(filed, 7), 9, 20)
        self._past.sign_for(CEMENT, self._past.letter(review, "decision"))
        yield at(self._after(filed, 7), 9, 25)
        self._past.sign_for(CEMENT, self._past.letter(review, "adjustment"))

    def result_disputed(self, filed: date) -> Story:
        """A verification of three units, of which one objects: until it is decided its undisputed figure counts.

        The periods of all three are over by today.
        """
        day = self._before(filed, 7)
        verification = yield from self._verified("zhou", self._today.year - 1, day, _VERIFIED)
        for minute, unit in ((10, CEMENT), (25, STEEL), (50, CHEMICALS)):
            yield at(self._before(filed, 5), 10, minute)
            result = self._past.started_by(verification, unit)
            self._past.sign_for(unit, self._past.letter(result, "notice"))
        yield at(filed, 16, 5)
        disputed = self._past.started_by(verification, CHEMICALS)
        review = self._past.file("guo", "verification-review", _CHEMICALS_EMISSION, disputed, STEAM)
        yield at(self._after(filed, 1), 9, 45)
        self._past.do("li", review, "check", {"result": "受理"})

    def result_objected_to(self) -> Story:
        """A verification of an earlier year to which a unit objected in time: nobody has looked at it yet."""
        day = self._before(self._today, 6)
        verification = yield from self._verified("wu", self._today.year - 2, day, _VERIFIED[:1])
        yield at(self._before(self._today, 4), 14, 15)
        result = self._past.started_by(verification, CEMENT)
        self._past.sign_for(CEMENT, self._past.letter(result, "notice"))
        yield at(self._before(self._today, 1), 10, 50)
        self._past.file("wang", "verification-review", _CEMENT_EMISSION, result, OUTPUT)

    def objected_late(self) -> Story:
        """An objection after its period, for which the supervisor is to say whether the reason is good."""
        day = self._before(self._today, 20)
        notice = yield from self._notice("wu", STEEL, self._today.year - 3, 5_200_000, day)
        yield at(self._after(day, 1), 15, 10)
        self._past.sign_for(STEEL, self._past.letter(notice, "notice"))
        yield at(self._before(self._today, 3), 11, 35)
        review = self._past.file("liu", "allocation-review", _STEEL_LATE, notice)
        yield at(self._before(self._today, 2), 9, 5)
        self._past.do("li", review, "check", {"result": "提请认定正当理由", "reason": _LATE_CHECKED})

    def sent_back(self) -> Story:
        """An allocation that the leader sent back to its handler."""
        day = self._before(self._today, 2)
        allocation = yield from self._draft("zhou", {CEMENT: 1_265_000}, self._today.year, day)
        yield at(day, 16, 30)
        self._past.do("chen", allocation, "sign", {"result": "退回", "opinion": _SENT_BACK})
        yield at(self._before(self._today, 1), 9, 10)
        self._past.claim("zhou", allocation, "draft")

    def listed(self, day: date) -> Story:
        """The lists of key emitters of four years."""
        for years_ago in (3, 2, 1, 0):
            yield at(day, 9, 5 + years_ago)
            case = self._past.file("zhou", "emitter-list", {})
            yield at(day, 10, 5 + years_ago)
            self._past.do("zhou", case, "draft", _emitters(self._today.year - years_ago))
            yield at(day, 15, 5 + years_ago)
            self._past.do("chen", case, "sign", {"result": "签发"})

    def waits_for_registration(self) -> Story:
        """A unit that has asked for its registration."""
        yield at(self._today - DAY, 16, 40)
        self._past.register(PAPER)

    def not_signed_for(self) -> Story:
        """A notice that its addressee has not opened yet."""
        yield from self._notice("wu", STEEL, self._today.year, 5_300_000, self._before(self._today, 1))

    def waits_for_signature(self) -> Story:
        """An allocation that waits for the leader."""
        day = self._before(self._today, 1)
        yield from self._draft("zhou", {CHEMICALS: 851_000}, self._today.year, day)

    def _after(self, day: date, n: int) -> date:
        return self._calendar.count(day, n).last_day

    def _draft(
        self, handler: str, amounts: Mapping[Unit, int], year: int, day: date
    ) -> Generator[datetime, None, Case]:
        yield at(day, 9, 5)
        allocation = self._past.file(handler, "allocation", {})
        yield at(day, 9, 35)
        units = [{"unit": unit.uscc, "amount": str(amount)} for unit, amount in amounts.items()]
        self._past.do(handler, allocation, "draft", {"year": str(year), "units": units, "grounds": _GROUNDS})
        return allocation

    def _allocated(
        self, handler: str, amounts: Mapping[Unit, int], year: int, day: date
    ) -> Generator[datetime, None, Case]:
        """An allocation that is drafted and signed on a day."""
        allocation = yield from self._draft(handler, amounts, year, day)
        yield at(day, 11, 15)
        self._past.do("chen", allocation, "sign", {"result": "签发"})
        return allocation

    def _notice(self, handler: str, unit: Unit, year: int, amount: int, day: date) -> Generator[datetime, None, Case]:
        """An allocation to one unit that is drafted and signed on a day: the notice that this starts."""
        allocation = yield from self._allocated(handler, {unit: amount}, year, day)
        return self._past.started_by(allocation, unit)

    def _verified(
        self, handler: str, year: int, day: date, units: list[dict[str, str]]
    ) -> Generator[datetime, None, Case]:
        """A verification of some units' emissions of a year that is arranged, drafted and signed on a day."""
        yield at(day, 9, 20)
        verification = self._past.file(handler, "verification", {})
        yield at(day, 9, 25)
        self._past.do(handler, verification, "arrange", {"year": str(year), "way": "自行组织核查"})
        yield at(day, 14, 10)
        self._past.do(handler, verification, "draft", {"units": units, "grounds": _VERIFIED_HOW})
        yield at(day, 16, 20)
        self._past.do("chen", verification, "sign", {"result": "签发"})
        return verification


def _emitters(year: int) -> dict[str, object]:
    """What is entered of a year's list."""
    units = [
        {
            "uscc": unit.uscc,
            "name": unit.name,
            "industry": unit.industry,
            "district": unit.district,
            "action": "列入",
        }
        for unit in UNITS
    ]
    return {"year": str(year), "document": f"{year} 年度重点排放单位名录（演示）", "units": units}


_GROUNDS = "按行业基准法，以核查确认的上一年度产量计算。"
_CEMENT_APPLICATION = {
    "claimed_amount": "1260000",
    "grounds": "通知书采用的熟料产量未计入二号线第四季度产量，少计约四万八千吨。",
}
_STEEL_APPLICATION = {
    "claimed_amount": "5580000",
    "grounds": "转炉煤气回收量按设计值计入，与实际运行记录不符，请按计量记录重新核定。",
}
_CHEMICALS_APPLICATION = {
    "claimed_amount": "910000",
    "grounds": "外购蒸汽的排放因子取值偏低，申请按供热企业提供的实测值计算。",
}
_CEMENT_EMISSION = {
    "claimed_amount": "1141000",
    "grounds": "替代燃料中生物质部分的排放未予扣除，附分批检测记录。",
}
_STEEL_LATE = {
    "claimed_amount": "5260000",
    "grounds": "高炉煤气外供量漏计。",
    "late_reason": "收到通知期间厂区因洪水停产停电，经办人员无法取得计量记录，附防汛指挥部通告。",
}
_LATE_CHECKED = "期限已经届满；申请人说明厂区受洪水影响，附通告，请认定是否属于正当理由。"
_SENT_BACK = "请补充二号线检修后的产量核对依据，再报签批。"
_CHEMICALS_EMISSION = {
    "claimed_amount": "829500",
    "grounds": "外购蒸汽中含转供园区部分，已有分表计量，不应计入本单位排放量。",
}
_VERIFIED = [
    {"unit": CEMENT.uscc, "reported": "1149800", "amount": "1152300", "finding": "生料中碳酸盐含量按化验记录修正"},
    {"unit": STEEL.uscc, "reported": "5480000", "amount": "5480000", "finding": ""},
    {"unit": CHEMICALS.uscc, "reported": "829500", "amount": "836200", "finding": "外购蒸汽按结算单计入"},
]
_VERIFIED_HOW = "文件评审和现场核查均已完成，不符合项已经整改。"
_CHANGED = {
    "conclusion": "变更",
    "amount": "1248000",
    "reasons": "遗漏的产量属实，按基准值增加配额；其余主张没有计量凭证支持。",
}
_UPHELD = {"conclusion": "维持", "reasons": "原核定数据来源清楚，计算正确；申请人未能提交完整的计量凭证。"}
_CHANGED_FINDINGS = {"findings": "经查，申请人二号熟料线产量统计遗漏第四季度数据，有生产日报和过磅单为证。"}
_UPHELD_FINDINGS = {"findings": "经查，申请人的外购蒸汽凭证不完整，原核定所用数据与核查报告一致。"}
