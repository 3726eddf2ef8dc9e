"""Mail, from the person's own page to the mail server: a code proves the address, a letter is told of, its link leads
to the letter."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from portal.settings import MailSettings
from tests.browser.site import SETTINGS, Site, running
from tests.browser.windows import DESK, PHONE, Windows
from tests.builders.databases import copied
from tests.builders.post import Inbox, listening

ADDRESS = "wang@cement.example"


@pytest.fixture(scope="module")
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture(scope="module")
def site(browser, postgres, seeded, store, inbox) -> Iterator[Site]:
    """A portal that sends mail."""
    with listening(inbox) as server, copied(postgres, f"portal_mailing_{os.getpid()}", seeded.database) as url:
        mail = MailSettings("127.0.0.1", server.port, "plain", "市生态环境局 <no-reply@portal.example>")
        with running(url, store, seeded.releases(), replace(SETTINGS, mail=mail)) as site:
            yield site


def mail(inbox: Inbox, subject: str, seconds: float = 20) -> EmailMessage:
    """The mail with a subject, once it has come."""
    end = time.monotonic() + seconds
    while not (found := [one for one in inbox.mails if re.fullmatch(subject, one["Subject"])]):
        assert time.monotonic() < end, [one["Subject"] for one in inbox.mails]
        time.sleep(0.1)
    return found[-1]


def test_a_letter_is_told_of_by_mail(site: Site, windows: Windows, inbox: Inbox):
    page = windows.of("wang", PHONE)
    page.goto("/profile")
    windows.shoot(page, "no address")
    page.get_by_label("邮箱").fill("wang@")
    page.get_by_role("button", name="发送验证码").click()
    expect(page.get_by_role("alert").first).to_contain_text("邮箱地址不正确")
    windows.shoot(page, "no such address")
    page.get_by_label("邮箱").fill(ADDRESS)
    page.get_by_role("button", name="发送验证码").click()
    expect(page.get_by_role("heading", name=f"请到 {ADDRESS} 查收验证码")).to_be_visible()
    windows.shoot(page, "code on its way")
    code = mail(inbox, r"验证码 \d{6}")["Subject"].split()[1]
    page.get_by_label("验证码").fill(code)
    page.get_by_role("button", name="验证", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text(f"{ADDRESS} 已验证 提醒已开启")
    windows.shoot(page, "proved")
    desk = windows.of("wang", DESK)
    desk.goto("/profile")
    windows.shoot(desk, "proved")

    site.allocation(2026)
    told = mail(inbox, "有文书待签收（.+）")
    assert told["To"] == ADDRESS
    text = told.get_content()
    assert "1,200,000" not in text
    link = re.search(r"查看和办理：(\S+)", text)
    assert link is not None
    page.goto(urlsplit(link[1]).path)
    expect(page.get_by_role("button", name="打开并签收")).to_be_visible()

    page.goto("/profile")
    page.get_by_role("button", name="关闭邮件提醒").click()
    expect(page.get_by_role("main")).to_contain_text("提醒已关闭")
    windows.shoot(page, "switched off")
