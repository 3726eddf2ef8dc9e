"""Mailing: messages of the portal to whoever wishes them by mail, and the codes by which an address is proved."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from portal import clock, identity, notify
from portal.cases import incidents
from portal.cases.models import Case, Incident
from portal.db import locks
from portal.identity import profile
from portal.notify import PortalMessage
from portal.notify.mail import AddressRefused, Mail, deliver
from portal.worker.tools import Tools

OUTSTANDING = "mail.outstanding"
"""The job that mails what a server that failed for good did not take; its argument is `since_id`, of a message."""
DURING = "发送邮件"
STAYS = "消息仍在门户中，可以登录查看。"
_MESSAGE = """{name}，您好：

{title}
{body}

案件：{case}（{number}）
登录门户查看和办理：{url}/messages/{id}

———
您收到这封邮件，是因为您在本门户绑定了本邮箱并开启了邮件提醒。
不想再收到：登录后在 {url}/profile 关闭“邮件提醒”。
邮件只作提醒，不是送达；期限以门户中和文书上写明的为准。本邮件由系统发送，请勿回复。
"""
_CODE = """{name}，您好：

您的验证码是 {code}，{minutes} 分钟内有效。
登录门户，在 {url}/profile 填写验证码后，本邮箱即可接收提醒。

———
如果不是您本人在门户填写了本邮箱，请忽略这封邮件：不填写验证码，门户不会再向本邮箱发送邮件。
本邮件由系统发送，请勿回复。
"""


def send_message(tools: Tools, job: str, message_id: int) -> None:
    """Mails one message, unless it was mailed, or its person has read it, left, or does not wish mail any more.

    A worker that dies between the server's answer and the commit leaves the mail to be sent again under the same id.
    """
    if tools.mail is None:
        return
    try:
        with tools.database.transaction() as tx:
            # A worker that was taken for dead may still be at it.
            locks.take(tx, f"mail/{message_id}")
            message = tx.get_one(PortalMessage, message_id)
            mail = _mail(tools, tx, message)
            if mail is not None:
                deliver(tools.mail, mail, clock.now())
                message.mailed_at = clock.now()
    except AddressRefused as error:
        reason = error.text("zh")
        tools.database.attempt(lambda tx: give_up_message(tools, tx, job, reason, message_id))


def give_up_message(tools: Tools, tx: Session, job: str, reason: str, message_id: int) -> None:
    """Tells the administrators; a server that fails for many messages is told of once, from the first of them on."""
    what = f"{reason}。{STAYS}"
    told = tx.scalar(_open(what).limit(1).with_for_update())
    if told is None:
        again = incidents.Again(incidents.JOB, _job(OUTSTANDING, since_id=message_id))
        incidents.note(tx, DURING, what, tools.kernel.now(tx), again=again)
    elif told.again is not None and message_id < told.again["arguments"]["since_id"]:
        told.again = {**told.again, "arguments": {"since_id": message_id}}


def send_outstanding(tools: Tools, job: str, since_id: int) -> None:
    """Has the messages from one on that were neither mailed nor read mailed after all, to those who wish mail now."""
    waiting = select(PortalMessage.id).where(
        PortalMessage.id >= since_id, PortalMessage.mailed_at.is_(None), PortalMessage.read_at.is_(None)
    )
    with tools.database.transaction() as tx:
        tools.kernel.post(tx).mail(tx.scalars(waiting).all())


def send_code(tools: Tools, job: str, person_id: int) -> None:
    """Mails a new code to the address that a person has given, unless it is proved by now."""
    if tools.mail is None:
        return
    with tools.database.transaction() as tx:
        drawn = profile.draw_code(tx, person_id, clock.now())
    if drawn is None:
        return
    text = _CODE.format(name=drawn.name, code=drawn.code, minutes=profile.CODE_MINUTES, url=tools.public_url)
    key = f"check-{person_id}-{drawn.at:%Y%m%d%H%M%S%f}"
    try:
        deliver(tools.mail, Mail(drawn.address, f"验证码 {drawn.code}", text, key), clock.now())
    except AddressRefused as error:
        fault = error.text("zh") + "。"  # mistyped, most likely: his to mend
        tools.database.attempt(lambda tx: profile.not_mailed(tx, person_id, fault))


def give_up_code(tools: Tools, tx: Session, job: str, reason: str, person_id: int) -> None:
    """Tells the person on his page, and the administrators, that no code could be mailed."""
    profile.not_mailed(tx, person_id, f"{reason}。")
    what = f"{reason}。"
    if not tx.scalar(select(_open(what).exists())):
        again = incidents.Again(incidents.JOB, _job(notify.SEND_CODE, person_id=person_id))
        incidents.note(tx, DURING, what, tools.kernel.now(tx), again=again)


def _mail(tools: Tools, tx: Session, message: PortalMessage) -> Mail | None:
    """The mail that tells of a message; None when it is not to be sent."""
    person = identity.person(tx, message.person_id)
    if person is None or not person.active or message.organisation_id != person.organisation_id:
        return None
    if message.mailed_at is not None or message.read_at is not None:
        return None
    if person.email is None or person.email_verified_at is None or not person.mail_on:
        return None
    case = tx.get_one(Case, message.case_id)
    text = _MESSAGE.format(
        name=person.name,
        title=message.title,
        body=message.body,
        case=case.title,
        number=case.number,
        url=tools.public_url,
        id=message.id,
    )
    return Mail(person.email, f"{message.title}（{case.number}）", text, f"message-{message.id}")


def _job(name: str, **arguments: int) -> dict[str, object]:
    return {"name": name, "arguments": arguments}


def _open(what: str) -> Select[Incident]:
    """The open incident that tells this of mail."""
    return select(Incident).where(Incident.during == DURING, Incident.what == what, Incident.closed_at.is_(None))
