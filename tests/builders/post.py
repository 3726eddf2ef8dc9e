"""A mail server to send to, on a port of this machine."""

from __future__ import annotations

import email
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from typing import cast

from aiosmtpd.controller import Controller


class Inbox:
    """What a mail server has taken; `says` is its answer to a recipient, `takes` to the content."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.envelopes: list[tuple[str, list[str]]] = []
        self.says = "250 OK"
        self.takes = "250 taken"

    async def handle_RCPT(self, server, session, envelope, address, options):
        """Accepts a recipient."""
        if self.says.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.says

    async def handle_DATA(self, server, session, envelope):
        """Takes a mail."""
        if self.takes.startswith("250"):
            self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
            self.mails.append(cast(EmailMessage, email.message_from_bytes(envelope.content, policy=default)))
        return self.takes


@contextmanager
def listening(handler: Inbox, **options: object) -> Iterator[Controller]:
    """A mail server on a free port."""
    controller = Controller(handler, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    yield controller
    controller.stop()


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
