"""Where mail goes, as the environment says it; a password is never shown."""

from __future__ import annotations

import pytest

from portal.settings import MailSettings, Settings, WrongSetting

FROM = {"MAIL_FROM": "重庆市生态环境局 <no-reply@portal.example>"}


def read(url: str) -> MailSettings | None:
    return Settings.read({**FROM, "SMTP_URL": url}).mail


def test_without_an_address_no_mail_is_sent():
    assert Settings.read({}).mail is None
    assert Settings.read(FROM).mail is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", ("mail.example", 25, "plain", None, "")),
        ("smtp://mail.example:2525", ("mail.example", 2525, "plain", None, "")),
        ("starttls://u:p@mail.example", ("mail.example", 587, "starttls", "u", "p")),
        ("smtps://u%40x.cn:p%3A%2F%40@mail.example:4650", ("mail.example", 4650, "tls", "u@x.cn", "p:/@")),
        ("smtps://[::1]", ("::1", 465, "tls", None, "")),
    ],
)
def test_the_scheme_says_how_the_server_is_spoken_to(url, expected):
    mail = read(url)
    assert mail is not None
    assert (mail.host, mail.port, mail.security, mail.user, mail.password) == expected
    assert mail.sender == FROM["MAIL_FROM"]


@pytest.mark.parametrize(
    "url", ["mail.example", "http://mail.example", "smtp://", "smtp://u:secret@h:99999", "smtp://u:secret@:25"]
)
def test_an_address_that_cannot_be_used_is_named_without_its_password(url):
    with pytest.raises(WrongSetting) as refused:
        read(url)
    said = refused.value.text("zh") + refused.value.text("en") + str(refused.value.__cause__)
    assert "SMTP_URL" in said
    assert "secret" not in said


@pytest.mark.parametrize("sender", ["", "nobody", "@x.cn", "a@", "a@x.cn\nBcc: b@x.cn"])
def test_mail_needs_a_sender(sender):
    with pytest.raises(WrongSetting, match="MAIL_FROM"):
        Settings.read({"SMTP_URL": "smtp://mail.example", "MAIL_FROM": sender})


def test_a_password_is_not_shown():
    assert "hidden" not in repr(read("smtps://u:hidden@mail.example"))
