"""What can go wrong when somebody acts on a case, in the words of the people concerned."""

from __future__ import annotations

from collections.abc import Mapping

from portal.errors import PortalError
from portal.forms import FieldError


class Refused(PortalError):
    """An act that the state of the case or the law does not allow."""


class UnknownCase(PortalError):
    """There is no such case, task or letter, or it is not this person's to see."""

    zh = "找不到所请求的内容，或者您无权查看。"
    en = "This does not exist, or it is not yours to see."


class TaskDone(Refused):
    """Somebody else was faster."""

    zh = "这项任务已于 {when} 由{who}办结，您填写的内容没有提交，仍保留在页面上。"
    en = "{who} completed this task at {when}; what you typed was not handed in and stays on the page."


class TaskGone(Refused):
    """The case went on without this task."""

    zh = "案件已进入其他环节，这项任务不再需要办理。"
    en = "The case has moved on; this task is no longer open."


class TaskHeld(Refused):
    """Another person has claimed the task."""

    zh = "{who}已领取这项任务。"
    en = "{who} has claimed this task."


class NotYourRole(PortalError):
    """The person does not hold the role that this step asks for."""

    zh = "这一步由{role}办理，您没有这个岗位。"
    en = "This step belongs to the role {role}, which you do not hold."


class Separated(PortalError):
    """One person may not do both of two steps."""

    zh = "您已办理本案或原案的“{other}”，按回避要求不能再办理“{step}”。"
    en = "You did “{other}” in this case or the one it is about, so you may not do “{step}”."


class FormRefused(PortalError):
    """Some answers are missing or wrong; `fields` says which, and what to do."""

    zh = "有 {count} 处需要修改。"
    en = "{count} answers need mending."

    def __init__(self, fields: Mapping[str, FieldError]) -> None:
        self.fields = dict(fields)
        super().__init__(count=len(self.fields))


class RequestTooOld(PortalError):
    """The request waited longer than 50 s for its case; its moment can no longer be relied upon."""

    zh = "系统繁忙，您的请求等待过久，没有提交。请再提交一次。"
    en = "The request waited too long for its case and was not carried out. Please hand it in again."


class NotAddressed(Refused):
    """Only the addressee of a notice may object to it."""

    zh = "只有《{title}》的相对人可以提出。"
    en = "Only the addressee of “{title}” may file this."


class AlreadyFiled(Refused):
    """A filing about the same case is open or was decided."""

    zh = "针对同一通知的申请（{number}）{state}，不能再次提出。"
    en = "An application about the same notice ({number}) is open or decided; another cannot be filed."


class MayNotStart(PortalError):
    """The person may not start this procedure."""

    zh = "您不能启动“{procedure}”。"
    en = "You may not start “{procedure}”."


class NobodyWaits(Refused):
    """The case does not take this message now."""

    zh = "案件目前不接受“{message}”。"
    en = "The case does not take “{message}” now."


class TooLate(Refused):
    """A message that is no longer taken, in the diagram's own words."""

    zh = "{otherwise}"
    en = "{otherwise}"


class InForceAlready(Refused):
    """There is a case of the same unit and year in force; a second would count it twice."""

    zh = "同一单位、同一年度已有《{title}》（{number}），不能重复作出。请改正单位或年度，或先依法撤销原来的一件。"
    en = "There is already a case “{title}” ({number}) of the same unit and year; a second cannot be started."


class NotAgreed(Refused):
    """Reading in the portal serves a letter only on those who agreed to electronic service."""

    zh = "贵单位没有同意电子送达，文书将以邮寄或直接送达；送达后可在此阅读。"
    en = "Your organisation has not agreed to electronic service; the letter will be served by post or in person."


class UnknownParty(Refused):
    """A case is to be started for an organisation that is not known."""

    zh = "没有统一社会信用代码为 {uscc} 的单位。"
    en = "No organisation has the code {uscc}."


class StepFailed(PortalError):
    """A step could not be carried out; nothing was changed and the matter is with the administrators."""

    zh = "这一步没有办成：{reason}案件没有变动，已记录供管理员处理。"
    en = "This step could not be carried out: {reason} Nothing was changed; it was noted for the administrators."
