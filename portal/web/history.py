"""A case's history in sentences: who did what, when; one visible table from kinds of entries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import audit
from portal.audit.rules import Entry
from portal.cases.filers import is_public
from portal.cases.live import LiveCase
from portal.web import dates
from portal.web.languages import listed
from portal.web.people import People
from portal.web.reasons import reason


@dataclass(frozen=True)
class Happening:
    """One line of the history, as `ui.timeline` takes it; `kind` and `element` are the entry's."""

    at: str
    moment: str
    text: str
    note: str | None
    kind: str
    element: str | None
    act_id: int
    state: str | None = None
    who: str = ""
    """Who did it, with the role; also part of `text`."""


def happenings(tx: Session, case: LiveCase) -> list[Happening]:
    """What happened in a case, newest first."""
    entries = audit.entries(tx, case.id)
    people = People(tx, ((entry.actor_id, entry.on_behalf) for entry in entries))
    lines = [_happening(case, entry, people) for entry in reversed(entries)]
    return lines if case.ended else [replace(line, state="now") if line is lines[0] else line for line in lines]


def _happening(case: LiveCase, entry: Entry, people: People) -> Happening:
    sentence = SENTENCES.get(entry.kind)
    text, note = sentence(entry.details) if sentence else (entry.kind, None)
    who = _who(case, entry, people)
    return Happening(
        at=dates.short(entry.moment),
        moment=entry.moment.isoformat(),
        text=f"{text} · {who}" if who else text,
        note=note,
        kind=entry.kind,
        element=entry.element,
        act_id=entry.act_id,
        who=who,
    )


# What people do themselves; everything else the portal does in consequence.
_BY_PEOPLE = (
    "task.",
    "deadline.extended",
    "case.filed",
    "message.",
    "letter.served",
    "letter.retried",
    "receipt.",
    "matter.kept",
    "matter.renewed",
    "item.",
    "items.retried",
    "note.",
)


def _who(case: LiveCase, entry: Entry, people: People) -> str:
    """The person's name with the role of the step, 周敏（代 李强）（局领导）; nothing for what the portal did."""
    if entry.actor_id is None and is_public(case.row) and _is_by_filer(entry):
        return _("公众（实名）")
    if entry.actor_id is None or not entry.kind.startswith(_BY_PEOPLE):
        return ""
    name = people.said(entry.actor_id, entry.on_behalf)
    role = _role(case, entry)
    return _("%(name)s（%(role)s）", name=name, role=role) if role else name


def _is_by_filer(entry: Entry) -> bool:
    """Whether it is what somebody without an account does himself: he files, and signs for the answer."""
    return entry.kind == "case.filed" or (entry.kind == "letter.served" and entry.details.get("how") == "read")


def _role(case: LiveCase, entry: Entry) -> str:
    if not entry.element or not entry.kind.startswith("task."):
        return ""
    scope = str(entry.details.get("scope", ""))
    for drawing in (case.procedure.drawing_at(scope), *case.procedure.drawings.values()):
        drawn = drawing.elements.get(entry.element)
        if drawn is not None and drawn.task is not None:
            return case.published.regulation.role_title(case.procedure.manifest.role(drawn.task.role))
    return ""


Details = Mapping[str, Any]
Said = tuple[str, str | None]


def _due(details: Details, key: str) -> str:
    value = details.get(key)
    return dates.due_text(datetime.fromisoformat(str(value))) if value else ""


def _at(details: Details, key: str) -> str:
    return dates.exact(datetime.fromisoformat(str(details[key])))


def _message(details: Details) -> Said:
    sender = _("来自 %(number)s", number=details["from"]) if details.get("from") else None
    return str(details.get("name") or details["message"]), sender


def _served(details: Details) -> Said:
    how = how_text(str(details["how"]))
    text = _(
        "《%(title)s》%(number)s 于 %(at)s 送达（%(how)s）",
        title=details["title"],
        number=details["number"],
        at=_at(details, "at"),
        how=how,
    )
    return text, None


def _receipt(details: Details) -> Said:
    text = _(
        "录入 %(number)s 的送达回执：%(how)s，%(at)s 收到",
        number=details["number"],
        how=how_text(str(details["how"])),
        at=_at(details, "at"),
    )
    return text, None


def _corrected(details: Details) -> Said:
    text = _(
        "更正 %(number)s 的送达回执：由%(before)s，%(old)s 收到，改为%(after)s，%(new)s 收到",
        number=details["number"],
        before=how_text(str(details["how_before"])),
        old=_at(details, "before"),
        after=how_text(str(details["how"])),
        new=_at(details, "at"),
    )
    return text, _("理由：%(why)s", why=details["reason"])


def _struck(details: Details) -> Said:
    text = _(
        "作废 %(number)s 的送达回执：%(how)s，%(at)s 收到",
        number=details["number"],
        how=how_text(str(details["how_before"])),
        at=_at(details, "before"),
    )
    return text, _("理由：%(why)s", why=details["reason"])


def _raised(details: Details) -> Said:
    if details["about"] == "overdue":
        return _("提交督办：%(title)s逾期未办", title=details["title"]), None
    return _("提交督办：更正送达时，%(title)s已经届满", title=details["title"]), None


def _posted(details: Details) -> Said:
    """So much, with its unit where the act kept it: 登记入账 +5,300,000 tCO₂e."""
    amount = f"{int(details['amount']):+,} {details.get('unit', '')}".rstrip()
    return _("登记入账 %(amount)s", amount=amount), None


def _recorded(details: Details) -> Said:
    text = (
        _("登记《%(title)s》：%(key)s", title=details["title"], key=details["key"])
        if "key" in details
        else _("登记《%(title)s》：%(n)s 条", title=details["title"], n=details["count"])
    )
    about = [details.get("state"), details.get("document")]
    return text, " · ".join(str(part) for part in about if part) or None


def _met(details: Details) -> Said:
    title = details["title"]
    if details.get("late") and details["stands"]["kind"] == "minimum":
        return _("期满：%(title)s", title=title), _("期限至 %(due)s", due=_due(details, "old_due"))
    if details.get("late"):
        return _("逾期完成：%(title)s", title=title), _("期限至 %(due)s", due=_due(details, "old_due"))
    return _("期限内完成：%(title)s", title=title), None


def _deadline_moved(details: Details) -> Said:
    title, why = details["title"], reason(details["reason"])
    if not details["new_due"]:  # its clock stands
        return _("期限调整：%(title)s，恢复计时后确定", title=title), why
    old, new = _due(details, "old_due"), _due(details, "new_due")
    return _("期限调整：%(title)s，由 %(old)s 改为 %(new)s", title=title, old=old, new=new), why


def _warned(details: Details) -> Said:
    due = _due(details, "due")
    to = listed(details["roles"])
    count = len(details["people"])
    reminded = _("提醒%(roles)s（%(n)s 人）", roles=to, n=count) if to else None
    if "overdue" in str(details["warnings"]):
        return _("逾期：%(title)s，期限至 %(due)s", title=details["title"], due=due), reminded
    return _("期限提醒：%(title)s，至 %(due)s", title=details["title"], due=due), reminded


def _drawn(details: Details) -> Said:
    text = _(
        "从《%(title)s》抽取 %(n)s 人：%(numbers)s",
        title=details["title"],
        n=len(details["drawn"]),
        numbers=listed(details["drawn"]),
    )
    note = _(
        "可以抽取 %(pool)s 人，排除 %(excluded)s 人；快照 SHA-256 %(sha256)s…",
        pool=details["pool"],
        excluded=details["excluded"],
        sha256=str(details["sha256"])[:12],
    )
    return text, note


def _replaced(details: Details) -> Said:
    if details["by"] is None:
        text = _("专家 %(number)s 不参加，没有可以递补的人", number=details["number"])
    else:
        text = _("专家 %(number)s 不参加，由 %(by)s 递补", number=details["number"], by=details["by"])
    passed = "；".join(f"{one['number']} {one['reason']}" for one in details.get("passed", []))
    if not passed:
        return text, _("理由：%(why)s", why=details["reason"])
    return text, _("理由：%(why)s；跳过：%(passed)s", why=details["reason"], passed=passed)


def how_text(how: str) -> str:
    """A way of service in words."""
    ways = {
        "read": _("门户签收"),
        "post": _("邮寄送达"),
        "in person": _("直接送达"),
        "filing": _("以提出申请或答复推定"),
    }
    return ways[how]


SENTENCES: Mapping[str, Callable[[Details], Said]] = {
    "facts.kept": lambda d: (_("提出时符合：%(facts)s", facts="；".join(d["facts"].values())), None),
    "case.filed": lambda d: (_("立案，编号 %(number)s", number=d["number"]), None),
    "case.started": lambda d: (_("立案，编号 %(number)s", number=d["number"]), None),
    "case.begun": lambda d: (_("启动《%(title)s》%(number)s", title=d["title"], number=d["number"]), None),
    "items.begun": lambda d: (_("逐行启动案件，共 %(n)s 行", n=d["count"]), None),
    "items.retried": lambda d: (_("重试启动失败的 %(n)s 行", n=d["count"]), None),
    "item.retried": lambda d: (_("重试第 %(n)s 行", n=d["item"]), None),
    "item.dropped": lambda d: (_("第 %(n)s 行不再启动", n=d["item"]), _("理由：%(why)s", why=d["reason"])),
    "case.bound": lambda d: (
        _("适用受理之日有效的文本：%(number)s", number=d["number"]),
        _("受理之日 %(day)s", day=d["day"]),
    ),
    "case.ended": lambda d: (_("办结：%(outcome)s", outcome=d["outcome"]), None),
    "case.replaced": lambda d: (
        _("结果变更为：%(outcome)s", outcome=d["outcome"]),
        _("由 %(by)s 引起，原结果：%(was)s", by=d["by"], was=d["was"]),
    ),
    "task.claimed": lambda d: (_("领取“%(task)s”", task=d["task"]), None),
    "task.released": lambda d: (_("退回“%(task)s”，由岗位重新领取", task=d["task"]), None),
    "task.freed": lambda d: (
        _("“%(task)s”由岗位重新领取", task=d["task"]),
        _("%(who)s领取后不再担任这个岗位", who=d["who"]),
    ),
    "task.completed": lambda d: (_("办结“%(task)s”", task=d["task"]), None),
    "note.added": lambda d: (_("告知申请人一条说明") if d["visible"] else _("添加内部备注"), None),
    "message.received": _message,
    "message.dropped": lambda d: (_("案件已办结，收到的消息“%(name)s”未处理", name=d["message"]), None),
    "timer.fired": lambda d: (_("期限届满：%(title)s", title=d["title"]), None),
    "letter.issued": lambda d: (_("制发《%(title)s》%(number)s", title=d["title"], number=d["number"]), None),
    "letter.rendered": lambda d: (_("文书 %(number)s 已生成", number=d["number"]), f"SHA-256 {d['sha256'][:12]}…"),
    "letter.pdf": lambda d: (_("文书 %(number)s 的 PDF 已生成", number=d["number"]), f"SHA-256 {d['sha256'][:12]}…"),
    "letter.failed": lambda d: (_("文书 %(number)s 生成失败", number=d["number"]), str(d["reason"])),
    "letter.revoked": lambda d: (
        _("文书 %(number)s 由 %(of)s 撤销，自后者送达时起", number=d["number"], of=d["of"]),
        None,
    ),
    "letter.retried": lambda d: (_("文书 %(number)s 重新生成", number=d["number"]), None),
    "letter.served": _served,
    "letter.unserved": lambda d: (
        _("《%(title)s》%(number)s 的送达证明均已作废，视为没有送达", title=d["title"], number=d["number"]),
        None,
    ),
    "receipt.entered": _receipt,
    "receipt.corrected": _corrected,
    "receipt.struck": _struck,
    "matter.raised": _raised,
    "matter.settled": lambda d: (_("督办事项自行消除：%(title)s", title=d["title"]), None),
    "matter.kept": lambda d: (_("督办决定：维持原结果"), _("理由：%(why)s", why=d["reason"])),
    "matter.renewed": lambda d: (
        _("督办决定：重新作出通知 %(number)s", number=d["by"]),
        _("理由：%(why)s", why=d["reason"]),
    ),
    "publicity.opened": lambda d: (
        _("开始公示《%(title)s》，至 %(due)s", title=d["title"], due=_due(d, "due")),
        _("页面存证 SHA-256 %(sha256)s", sha256=d["sha256"]),
    ),
    "publicity.closed": lambda d: (_("结束公示《%(title)s》", title=d["title"]), _("结果：%(why)s", why=d["result"])),
    "rules.decided": lambda d: (_("核对规则“%(task)s”", task=d["task"]), None),
    "many.entered": lambda d: (_("“%(task)s”逐一办理，共 %(n)s 项", task=d["task"], n=d["count"]), None),
    "experts.drawn": _drawn,
    "experts.replaced": _replaced,
    "notice.sent": lambda d: (
        _("通知%(to)s：%(title)s", to=d["to"], title=d["title"]),
        _("发给 %(n)s 人", n=d["count"]),
    ),
    "archive.begun": lambda d: (_("开始归档"), _("保管期限：%(retention)s", retention=d["retention"])),
    "archive.closed": lambda d: (
        _("归档完成，共 %(n)s 件", n=d["pieces"]),
        _("清单 SHA-256 %(sha256)s", sha256=d["sha256"]),
    ),
    "ledger.posted": _posted,
    "record.entered": _recorded,
    "ledger.reversed": lambda d: (_("冲销 %(number)s 的登记", number=d["of"]), None),
    "deadline.started": lambda d: (
        _("期限起算：%(title)s，至 %(due)s", title=d["title"], due=_due(d, "new_due")),
        reason(d["reason"]),
    ),
    "deadline.met": _met,
    "deadline.moved": _deadline_moved,
    "deadline.paused": lambda d: (_("暂停计时：%(title)s", title=d["title"]), reason(d["reason"])),
    "deadline.resumed": lambda d: (
        _("恢复计时：%(title)s，至 %(due)s", title=d["title"], due=_due(d, "new_due")),
        reason(d["reason"]),
    ),
    "deadline.extended": lambda d: (
        _("延长期限：%(title)s，至 %(due)s", title=d["title"], due=_due(d, "new_due"))
        if d["new_due"]
        else _("延长期限：%(title)s，恢复计时后确定", title=d["title"]),
        reason(d["reason"]),
    ),
    "deadline.warned": _warned,
    "deadline.dropped": lambda d: (_("期限终止：%(title)s", title=d["title"]), reason(d["reason"])),
    "deadline.kept": lambda d: (_("期限不变：%(title)s", title=d["title"]), reason(d["reason"])),
    "deadline.confirmed": lambda d: (_("期限确定：%(title)s", title=d["title"]), reason(d["reason"])),
}
"""Kind of entry -> its sentence and a second line, from its details."""
