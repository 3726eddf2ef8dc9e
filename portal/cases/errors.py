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

    zh = "这项任务已于 {when} 由{who}办结。"
    en = "{who} completed this task at {when}."


class TaskDoneFor(TaskDone):
    """A deputy was faster."""

    zh = "这项任务已于 {when} 由{who}（代 {principal}）办结。"
    en = "{who} (for {principal}) completed this task at {when}."


class AnsweredBefore(TaskDone):
    """The party's own people have handed the task in before, otherwise than now."""

    zh = (
        "“{task}”已于 {when} 由{who}提交，以那次提交的为准；这次填写的内容没有提交，仍在下面，可复制保存。"
        "提交以后发现有误或者应当回避的，请联系办理机关。"
    )
    en = (
        "{who} handed in “{task}” at {when}, and that stands; what you filled in now was not handed in and is still "
        "below. If it was wrong, or you should have stepped aside, please tell the authority."
    )


class TaskGone(Refused):
    """The case went on without this task."""

    zh = "案件已进入其他环节，这项任务不再需要办理。"
    en = "The case has moved on; this task is no longer open."


class TaskTooLate(TaskGone):
    """The task's period was over before it was done, and the case went on without it."""

    zh = "“{title}”的期限已于 {last_day} 24:00 届满，不能再办理“{task}”。"
    en = "“{title}” was over at 24:00 on {last_day}: “{task}” can no longer be done."


class TaskHeld(Refused):
    """Another person has claimed the task."""

    zh = "{who}已领取这项任务。"
    en = "{who} has claimed this task."


class NotYourRole(PortalError):
    """The person does not hold the role that this step asks for."""

    zh = "这一步由{role}办理，您没有这个岗位。"
    en = "This step belongs to the role {role}, which you do not hold."


class NotYourRegulation(PortalError):
    """The person is no official of the regulation under which the case is handled."""

    zh = "本案由其他岗位办理，您不能办理。"
    en = "This case is handled under a regulation in which you hold no role."


class MayOnlyRead(PortalError):
    """The person sees what his organisation has, but may not act in its name."""

    zh = "您在本单位只有查看权限，不能代表单位办理。需要办理的，请本单位的管理人员给您“办理”权限。"
    en = "You may only read here. Ask a manager of your organisation for the right to act in its name."


class RightsChanged(PortalError):
    """The person has left, or lost a role or right, while the request waited its turn."""

    zh = "您的权限已变更，请重新登录后再办理。"
    en = "Your rights have changed. Sign in again before you go on."


class Separated(PortalError):
    """One person may not do both of two steps."""

    zh = "您已办理本案或原案的“{other}”，按回避要求不能再办理“{step}”。"
    en = "You did “{other}” in this case or the one it is about, so you may not do “{step}”."


class PrincipalSeparated(Separated):
    """The one for whom a deputy would act may not do both of two steps; so neither may the deputy for him."""

    zh = "您所代理的人已办理本案或原案的“{other}”，按回避要求不能由您代为办理“{step}”。"
    en = "The person for whom you stand in did “{other}” in this case or the one it is about: you may not do “{step}”."


class DeputyNoMore(NotYourRole):
    """The role was lent to the person, and is no more."""

    zh = "您代{principal}办理的代办已经结束，不能再办理由{role}办理的这一步。"
    en = "You stand in for {principal} no more, so you may not do this step of the role {role}."


class NotTheirDeputy(Refused):
    """The person does not stand in, any more, for the one whom he has chosen."""

    zh = "您现在没有代理所选的人办理这个岗位的事项，没有提交。请刷新页面后重新选择。"
    en = "You do not stand in for this person in this role now; nothing was handed in. Please choose anew."


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


class NotInForce(Refused):
    """A person files on a day on which the regulation is not in force."""


class NotYetInForce(NotInForce):
    """The regulation comes into force later."""

    zh = "《{title}》（{number}）自 {day} 起施行，施行以前不能提出“{procedure}”。"
    en = "“{title}” ({number}) comes into force on {day}; “{procedure}” cannot be filed before."


class IntakeClosed(NotInForce):
    """The regulation has lapsed, and nothing that renews it was entered."""

    zh = (
        "《{title}》（{number}）的有效期到 {last_day} 为止{article}，没有录入续期文件，“{procedure}”已停止受理。"
        "已经受理的继续办理；录入续期文件后恢复受理，填写过的草稿仍然保留。"
    )
    en = (
        "“{title}” ({number}) was in force until {last_day}{article} and no renewal was entered: “{procedure}” is "
        "closed for intake. What was accepted goes on; intake reopens when a renewal is entered, and drafts are kept."
    )


class NobodyWaits(Refused):
    """The case does not take this message now."""

    zh = "案件目前不接受“{message}”。"
    en = "The case does not take “{message}” now."


class TooLate(Refused):
    """A message that is no longer taken, in the diagram's own words."""

    zh = "{otherwise}"
    en = "{otherwise}"


class StartedByOthers(Refused):
    """The newest release no longer lets cases of that procedure start this one."""

    zh = "现行版本中，《{title}》不能由《{starter}》启动，请联系管理员核对流程配置。"
    en = "In the release in force, “{title}” cannot be started by “{starter}”; ask an administrator."


class InForceAlready(Refused):
    """There is a case of the same unit and year in force; a second would count it twice."""

    zh = "同一单位、同一年度已有《{title}》（{number}），不能重复作出。请改正单位或年度，或先依法撤销原来的一件。"
    en = "There is already a case “{title}” ({number}) of the same unit and year; a second cannot be started."


class NotAgreed(Refused):
    """Reading in the portal serves a letter only on those who agreed to electronic service."""

    zh = "贵单位没有同意电子送达，文书将以邮寄或直接送达；送达后可在此阅读。"
    en = "Your organisation has not agreed to electronic service; the letter will be served by post or in person."


class ProvedByParty(Refused):
    """A proof that the party's own act made cannot be corrected by an official."""

    zh = "这条送达由相对人自己的行为证明（{how}），不能更正或作废。实际送达更早的，可以另行登记更早的回执。"
    en = "This service was proved by the party's own act ({how}); it cannot be corrected or struck out."


class NothingCorrected(Refused):
    """A correction that says the same as the record."""

    zh = "更正后的时间和方式与原记录相同，没有需要更正的内容。"
    en = "The correction says the same as the record."


class MatterDecided(Refused):
    """Somebody else was faster at the desk, or the matter went away."""

    zh = "这件事项已于 {when} 由{who}处理（{decision}），您的决定没有提交。"
    en = "{who} settled this matter at {when} ({decision}); your decision was not carried out."


class MatterDecidedFor(MatterDecided):
    """A deputy was faster at the desk."""

    zh = "这件事项已于 {when} 由{who}（代 {principal}）处理（{decision}），您的决定没有提交。"
    en = "{who} (for {principal}) settled this matter at {when} ({decision}); your decision was not carried out."


class NotServed(Refused):
    """An outcome that rests on a service cannot be kept while no proof of service is left."""

    zh = "没有有效的送达证明，不能维持：请补录送达，或重新作出通知"
    en = "No valid proof of service is left, so the outcome cannot be kept: enter the service or make a new notice."


class AlreadyEntered(Refused):
    """A receipt that says the same as one on record."""

    zh = "这份送达已经登记过"
    en = "This service has been entered already."


class EarlierNeedsReason(PortalError):
    """An earlier service than the one on record is entered only with a reason."""

    zh = "已有送达记录，登记更早的送达须写明理由"
    en = "A service is on record already; an earlier one needs a reason."


class NotRenewable(Refused):
    """No new notice can take the place of this case."""

    zh = "不能重新作出通知：{reason}"
    en = "A new notice cannot be made: {reason}"


class EnteredIt(PortalError):
    """Whoever entered or corrected the receipt does not decide what follows from it."""

    zh = "您登记或更正过这份文书的送达，按回避要求不能再决定如何处理。"
    en = "You entered or corrected the service of this letter, so you may not decide what follows from it."


class Replaced(Refused):
    """Nothing can be filed about a case that another has taken the place of."""

    zh = "《{title}》（{number}）已被 {by} 取代，请针对新的通知提出。"
    en = "“{title}” ({number}) was replaced by {by}; please file about the new one."


class UnknownParty(Refused):
    """A case is to be started for an organisation that is not known."""

    zh = "没有统一社会信用代码为 {uscc} 的单位。"
    en = "No organisation has the code {uscc}."


class StepFailed(PortalError):
    """A step could not be carried out; nothing was changed and the matter is with the administrators."""

    zh = "这一步没有办成：{reason}案件没有变动，已记录供管理员处理。"
    en = "This step could not be carried out: {reason} Nothing was changed; it was noted for the administrators."


class NoWay(StepFailed):
    """None of the ways out of a gateway is open to the case."""

    zh = (
        "这一步没有办成：“{question}”之后没有可走的路，流程图没有写明这种情形怎么办理。"
        "案件没有变动，已记录供管理员处理。"
    )
    en = (
        "This step could not be carried out: none of the ways after “{question}” is open, for the diagram does not say "
        "what follows in this situation. Nothing was changed; it was noted for the administrators."
    )


class StandsStill(StepFailed):
    """After the step nothing could ever move the case on, and nobody would notice."""

    zh = (
        "这一步没有办成：此后没有任务可办，案件只等“{waiting}”，而其期限已经了结或者从未开始，案件将停滞不前。"
        "案件没有变动，已记录供管理员处理。"
    )
    en = (
        "This step could not be carried out: the case would have no task and wait only for “{waiting}”, whose period "
        "is settled or never began, and so stand still. Nothing was changed; it was noted for the administrators."
    )


class ItemNotFailed(Refused):
    """Only a row whose case could not be started can be tried again or given up."""

    zh = "第 {item} 行没有失败，或者已有人处理，不需要再办理。"
    en = "Row {item} has not failed, or somebody has seen to it already."


class NoReason(PortalError):
    """A row is given up only with a reason for the history."""

    zh = "请写明不再启动的理由（不超过 {most} 字）。"
    en = "Please give a reason of at most {most} characters."
