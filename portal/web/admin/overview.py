"""Whether everything is well: one line for each part of the portal, in words, with one thing to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import pgettext
from sqlalchemy.orm import Session

from portal import clock
from portal.cases import checking, incidents, quarantine
from portal.clock import day_of
from portal.db.skew import TOLERANCE, skew
from portal.edge.acting import moment, reading
from portal.edge.machine import machine
from portal.edge.standing import calendar_in_force, in_force
from portal.identity import Permission
from portal.jobs import state
from portal.procedures import releases
from portal.procedures.regulation import Regulation
from portal.procedures.validity import AHEAD, Instrument, Validity, instruments, months_before
from portal.storage import StoreUnavailable
from portal.web import beginning, dates, validity
from portal.web.access import needs, permit
from portal.web.admin.blueprint import blueprint, frame
from portal.web.health import HEARTBEAT_TOLERANCE
from portal.web.languages import title_inside
from portal.web.official.blueprint import count_text
from portal.web.official.managing import HOME
from portal.web.pages import render

SCANNED_WITHIN = timedelta(minutes=10)
"""A file that has waited longer for the virus scanner shows that something is wrong."""
CHECKED_WITHIN = timedelta(days=30)
"""After this time another check of the histories is suggested."""


@dataclass(frozen=True)
class Line:
    """How one part stands: `tone` is g, a or r, `state` says it in a word."""

    name: str
    tone: str
    state: str
    text: str
    action: str
    url: str


@blueprint.get("")
@needs(Permission.SYSTEM_READ)
def overview() -> ResponseReturnValue:
    """Is everything well?"""
    actor = permit()
    with reading() as tx:
        now = moment(tx)
        parts = [
            _database(tx), _objects(), _scanner(tx, now), _worker(tx), _incidents(tx), _jobs(tx), *_releases(tx),
            *_validity(tx), _roles(tx), _check(tx, now), _calendar(tx, now),
        ]  # fmt: skip
        steps = beginning.steps(tx)
        return render(
            "admin/overview.html",
            lines=parts,
            wrong=[line.name for line in parts if line.tone == "r"],
            steps=steps,
            to_do=next((step for step in steps if not step.done), None),
            **frame(tx, actor, HOME),
        )


def _well(name: str, text: str, action: str, url: str) -> Line:
    return Line(name, "g", pgettext("health", "正常"), text, action, url)


def _database(tx: Session) -> Line:
    name, action, url = _("数据库"), _("重新检查"), HOME
    off = skew(tx)
    if off > TOLERANCE:
        seconds = round(off.total_seconds(), 1)
        text = _("本机与数据库的时钟相差 %(n)s 秒，到期事项和后台工作暂停办理。请校准服务器时间。", n=seconds)
        return Line(name, "r", _("时钟不一致"), text, action, url)
    return _well(name, _("能够读写，时钟一致。"), action, url)


def _objects() -> Line:
    name, action, url = _("文件存储"), _("重新检查"), HOME
    try:
        machine().store.check()
    except StoreUnavailable:
        text = _("连不上文件存储：现在不能上传、下载和生成文书，其他办理不受影响。请启动文件存储，恢复后自动继续。")
        return Line(name, "r", _("连不上"), text, action, url)
    return _well(name, _("能够上传和下载。"), action, url)


def _scanner(tx: Session, now: datetime) -> Line:
    """What a scanner is worth shows by the files that wait for it; it may be one that only the workers can reach."""
    name, url = _("病毒检查"), "/admin/jobs"
    since = quarantine.waiting_since(tx)
    if since is not None and now - since > SCANNED_WITHIN:
        at = dates.to_the_second(since)
        text = _("有文件自 %(at)s 起等待检查，其间不能打开。请检查扫描服务和后台工作。", at=at)
        return Line(name, "r", _("没有结论"), text, _("查看后台工作"), url)
    if machine().kernel.scans:
        text = _("上传的文件通过检查以前，任何人都不能打开。")
        return _well(name, text, _("查看后台工作"), url)
    text = _("没有配置病毒扫描服务：上传的文件不经检查，即可下载。请在服务器上设置 SCANNER。")
    return Line(name, "a", _("没有配置"), text, _("查看后台工作"), url)


def _worker(tx: Session) -> Line:
    name, action, url = _("后台服务"), _("查看后台工作"), "/admin/jobs"
    now = clock.now()
    living = [one for one in state.workers(tx) if now - one.last_heartbeat <= HEARTBEAT_TOLERANCE]
    if living:
        at = dates.to_the_second(living[0].last_heartbeat)
        return _well(name, _("%(n)s 个进程在运行，最近一次报告：%(at)s。", n=len(living), at=at), action, url)
    text = _("没有后台服务在运行：文书生成、到期自动办理、提醒和邮件都在等待；期限照常计算。请启动 portal worker。")
    return Line(name, "r", _("已停止"), text, action, url)


def _incidents(tx: Session) -> Line:
    name, url = _("异常事项"), "/admin/incidents"
    count = incidents.count_open(tx)
    if not count:
        return _well(name, _("没有待处理的异常。"), _("查看记录"), url)
    return Line(name, "a", _("待处理"), _("有 %(n)s 条待处理。", n=count_text(count)), _("处理"), url)


def _jobs(tx: Session) -> Line:
    name, url = _("后台工作"), "/admin/jobs"
    counts = {key: count_text(count) for key, count in state.counts(tx).items()}
    text = _("等待 %(todo)s 件，正在进行 %(doing)s 件，失败 %(failed)s 件。", **counts)
    if counts["failed"] != "0":
        return Line(name, "a", _("有失败"), text, _("查看失败的工作"), url)
    return _well(name, text, _("查看"), url)


def _releases(tx: Session) -> list[Line]:
    found = []
    for one in in_force(tx):
        [listed] = releases.history(tx, one.regulation.slug, None, 1)
        text = _(
            "%(title)s：第 %(n)s 版，%(at)s 发布，含 %(procedures)s 个事项。",
            title=one.regulation.title,
            n=listed.number,
            at=dates.exact(listed.published_at),
            procedures=len(one.procedures),
        )
        found.append(Line(_("现行版本"), "g", _("现行"), text, _("查看版本"), "/admin/releases"))
    if found:
        return found
    text = _("还没有发布任何事项，不能办理。请在服务器上执行 portal publish。")
    return [Line(_("现行版本"), "r", _("没有"), text, _("查看版本"), "/admin/releases")]


def _validity(tx: Session) -> list[Line]:
    """Of each regulation that can lapse, how it stands; what never lapses is well without a word."""
    regulations = [one.regulation for one in in_force(tx) if one.regulation.last_day is not None]
    stands = validity.standings(tx, regulations)
    today = day_of(moment(tx))
    return [_valid(one, stands[one.slug], instruments(tx, one), today) for one in regulations]


def _valid(regulation: Regulation, stands: Validity, texts: Sequence[Instrument], today: date) -> Line:
    name, action, url = _("法规效力"), _("录入续期"), "/admin/regulations"
    if stands.governs is None:
        text = validity.closed_text(regulation, stands)
        word = _("已停止受理") if stands.lapsed else _("尚未施行")
        return Line(name, "a", word, text, action, url)
    if stands.soon:
        return Line(name, "a", _("即将届满"), validity.soon_text(regulation, stands), action, url)
    if stands.governs.assumed:
        [line] = validity.assumption(stands.governs, regulation)
        return Line(name, "a", line.mark, line.text, _("查看"), url)
    last = stands.governs.last_day
    follows = next((one for one in texts if one.in_force > stands.governs.in_force and one.assumed), None)
    if follows is not None and last is not None:
        text = _(
            "《%(title)s》有效期到：%(day)s；此后以《%(renewal)s》（%(number)s）续期，这是假定。",
            title=regulation.title,
            day=dates.plain_day(last),
            renewal=title_inside(follows.title),
            number=follows.number,
        )
        near = today >= months_before(last, AHEAD)
        return Line(name, "a" if near else "n", _("即将届满") if near else _("假定"), text, _("查看"), url)
    until = dates.plain_day(stands.until) if stands.until else _("没有最后一日")
    text = _("《%(title)s》有效期到：%(day)s。", title=regulation.title, day=until)
    return _well(name, text, _("查看"), url)


def _roles(tx: Session) -> Line:
    name, url = _("岗位"), "/admin/people"
    free = beginning.free_roles(tx)
    if not free:
        return _well(name, _("每个岗位都有人。"), _("人员与角色"), url)
    text = _("还没有人担任：%(roles)s。轮到该岗位的任务没有人能办。", roles=beginning.some(free))
    return Line(name, "a", _("有空缺"), text, _("授予岗位"), url)


def _check(tx: Session, now: datetime) -> Line:
    name, url = _("历史校验"), "/admin/checks"
    last = checking.last(tx)
    if last is None:
        return Line(name, "a", _("未校验"), _("还没有校验过案件的历史记录是否被改动。"), _("开始校验"), url)
    if last.ended_at is None:
        text = _("正在校验，已核对 %(n)s 件，共 %(all)s 件。", n=last.checked, all=last.cases)
        return Line(name, "a", _("进行中"), text, _("查看进度"), url)
    at = dates.exact(last.ended_at)
    if last.fault is not None:
        return Line(name, "a", _("未完成"), _("%(at)s 的校验没有完成。", at=at), _("查看"), url)
    if last.found:
        text = _("%(at)s 校验发现 %(n)s 处与记录不符，请立即核实。", at=at, n=last.found)
        return Line(name, "r", _("发现改动"), text, _("查看结果"), url)
    text = _("%(at)s 校验 %(n)s 件案件，记录完整，没有改动。", at=at, n=last.cases)
    if now - last.ended_at > CHECKED_WITHIN:
        return Line(name, "a", _("应再校验"), text, _("再次校验"), url)
    return _well(name, text, _("查看结果"), url)


def _calendar(tx: Session, now: datetime) -> Line:
    name, action, url = _("放假安排"), _("放假安排"), "/calendar"
    year, calendar = day_of(now).year, calendar_in_force(tx)
    if not calendar.is_official(year):
        text = _("%(year)s 年的放假通知没有录入，期限都是暂定的。", year=year)
        return Line(name, "r", _("缺今年"), text, _("录入通知"), url)
    if calendar.is_official(year + 1):
        return _well(name, _("%(year)s 年和 %(next)s 年都已公布。", year=year, next=year + 1), action, url)
    text = _("%(year)s 年已公布。%(next)s 年的通知公布后请录入，在此之前跨年的期限为暂定。", year=year, next=year + 1)
    return _well(name, text, _("录入通知"), url)
