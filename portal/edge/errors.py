"""What can be wrong with the request of a program, apart from what it asks for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from portal.cases.errors import Refused
from portal.documents.rules import NoPdf
from portal.errors import PortalError


class NoToken(PortalError):
    """The request says not by which token it is made."""

    zh = "请在请求头 Authorization 中提供令牌：Bearer pt_…。"
    en = "Give a token in the header “Authorization: Bearer pt_…”."


class TokenRefused(PortalError):
    """The token is none, was revoked or is over; which of them is not said."""

    zh = "令牌无效：不存在、已撤销或者已到期。请用门户新建的令牌。"
    en = "The token does not count: there is none such, it was revoked or is over. Use one that the portal has issued."


class NotInScope(PortalError):
    """The token was not issued for this."""

    zh = "这个令牌没有所需的权限（{wanted}）。请新建一个带有该权限的令牌。"
    en = "This token lacks the scope that is needed ({wanted}). Issue one that has it."

    def __init__(self, wanted: Iterable[str]) -> None:
        self.wanted = tuple(wanted)
        super().__init__(wanted=" / ".join(self.wanted))


class TooManyRequests(PortalError):
    """The token has asked more often in a minute than it may; `retry_after` is in seconds."""

    zh = "请求过于频繁：每分钟最多 {most} 次。请 {seconds} 秒后再试。"
    en = "Too many requests: at most {most} a minute. Try again in {seconds} seconds."

    def __init__(self, most: int, seconds: int) -> None:
        self.retry_after = seconds
        super().__init__(most=most, seconds=seconds)


class OtherFormat(PortalError):
    """The body is of another media type than the call takes."""

    zh = "请求正文应为 {wanted}。"
    en = "The body has to be {wanted}."


class BrokenJson(PortalError):
    """The body cannot be read as JSON."""

    zh = "请求正文不是可以读取的 JSON：{reason}。"
    en = "The body cannot be read as JSON: {reason}."


@dataclass(frozen=True)
class Wrong:
    """One thing that is wrong with a request: its name, where it stands in the body (a JSON pointer; None when it is a
    parameter), and what to do."""

    field: str
    pointer: str | None
    zh: str
    en: str


class WrongRequest(PortalError):
    """Parameters or keys of the body are missing, unknown or of a wrong kind; `wrong` says which."""

    zh = "请求有 {count} 处不对。"
    en = "The request is wrong in {count} place(s)."

    def __init__(self, wrong: Iterable[Wrong]) -> None:
        self.wrong = tuple(wrong)
        super().__init__(count=len(self.wrong))


class KeyUsedOtherwise(PortalError):
    """The key came before, with a request that said something else."""

    zh = "这个 Idempotency-Key 已用于另一个内容不同的请求。新的请求请用新的键。"
    en = "This Idempotency-Key was used for a request with other content. Take a new key for a new request."


class PdfNotYet(NoPdf, Refused):
    """The PDF of a letter is still being made, or could not be made."""

    zh = "PDF 正在生成，请稍后再试；Word 版本可以下载。"
    en = "The PDF is being made; try again later. The Word file can be had."


class NoPdfHere(NoPdf):
    """This portal makes no PDF of letters."""

    zh = "本门户不生成 PDF（没有安装 LibreOffice），请下载 Word 版本。"
    en = "This portal makes no PDF (LibreOffice is not installed); download the Word file."


class NotRendered(Refused):
    """The file of a letter is still being made."""

    zh = "文书文件正在生成，请稍后再试。"
    en = "The file of the letter is being made; try again later."


class NotSignedFor(Refused):
    """A letter is shown to its addressee when he has signed for it."""

    zh = "《{title}》（{number}）尚未签收，签收后才能读取。"
    en = "“{title}” ({number}) has not been signed for; sign for it first."


class NotInTheirName(Refused):
    """A deputy does a task in another name than the one he has chosen, or in his own."""

    zh = (
        "这一步不能以所选的人（for_id）的名义办理：您本人任此岗位，或者您代办的另一人已经领取。没有提交。"
        "请去掉 for_id 或重新选择。"
    )
    en = (
        "This cannot be done in the name that was chosen (for_id): you hold the role yourself, or somebody else for "
        "whom you stand in has claimed it. Nothing was handed in. Leave for_id out, or choose anew."
    )


class UnknownAccount(PortalError):
    """There is no such account or block, or it is not this person's to see."""

    zh = "找不到所请求的账户或区段，或者您无权查看。"
    en = "There is no such account or block, or it is not yours to see."
