"""Hands mail to the mail server; the one place that speaks SMTP."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from portal.errors import PortalError
from portal.settings import MailSettings

PATIENCE = 10.0
"""Seconds that the server may take for each answer."""
_REFUSED_FOR_GOOD = range(500, 600)


class MailServerFails(PortalError):
    """The server cannot be reached, does not let the portal in, or takes no mail now."""

    zh = "邮件服务器 {server} 没有接收邮件：{reason}"
    en = "The mail server {server} did not take the mail: {reason}"


class AddressRefused(PortalError):
    """The server takes no mail for an address, now or later."""

    zh = "邮件服务器拒绝向 {address} 投递：{reason}"
    en = "The mail server refuses to deliver to {address}: {reason}"


@dataclass(frozen=True)
class Mail:
    """One mail to one address; `key` stays the same when it is sent again, so that it is known as the same mail."""

    to: str
    subject: str
    text: str
    key: str


def deliver(server: MailSettings, mail: Mail, now: datetime) -> None:
    """Hand a mail over; returns once the server has taken it. Raises MailServerFails or AddressRefused."""
    letter = composed(server, mail, now)
    try:
        with _connection(server) as connection:
            connection.send_message(letter, parseaddr(server.sender)[1], [mail.to])
    except smtplib.SMTPRecipientsRefused as error:
        code, said = error.recipients[mail.to]
        reason = f"{code} {said.decode(errors='replace')}"
        if code in _REFUSED_FOR_GOOD:
            raise AddressRefused(address=mail.to, reason=reason) from error
        raise MailServerFails(server=server.host, reason=reason) from error
    except (OSError, smtplib.SMTPException) as error:
        raise MailServerFails(server=server.host, reason=str(error) or type(error).__name__) from error


def composed(server: MailSettings, mail: Mail, now: datetime) -> EmailMessage:
    """The mail as it is handed over; a line end in its subject or address begins no header of its own."""
    letter = EmailMessage(policy=SMTP)
    letter["From"] = server.sender
    letter["To"] = _one_line(mail.to)
    letter["Subject"] = _one_line(mail.subject)
    letter["Date"] = format_datetime(now)
    letter["Message-ID"] = f"<{_one_line(mail.key)}@{_domain(server)}>"
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's machine answers it
    letter.set_content(mail.text, cte="base64")
    letter["Content-Language"] = "zh-CN"  # set_content drops what was said of an earlier content
    return letter


def _connection(server: MailSettings) -> smtplib.SMTP:
    """A connection that is encrypted and signed in as the settings say."""
    name = _domain(server)  # else smtplib asks the name service who we are
    if server.security == "tls":
        context = ssl.create_default_context()
        connection: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, name, timeout=PATIENCE, context=context)
    else:
        connection = smtplib.SMTP(server.host, server.port, name, timeout=PATIENCE)
    try:
        if server.security == "starttls":
            connection.starttls(context=ssl.create_default_context())
        if server.user is not None:
            connection.login(server.user, server.password)
    except (smtplib.SMTPException, OSError):
        connection.close()
        raise
    return connection


def _domain(server: MailSettings) -> str:
    return parseaddr(server.sender)[1].rpartition("@")[2]


def _one_line(text: str) -> str:
    return " ".join(text.split())
