"""Browser windows of people: each has signed in once, keeps its cookies, and notes what goes wrong in it."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, Response, expect

from tests.browser.looks import faults
from tests.browser.site import Site

SCREENSHOTS = Path(__file__).parent / "screenshots"
DESK, PHONE = 1440, 390
HEIGHTS = {DESK: 900, PHONE: 844}
PATIENCE = 15_000
"""Milliseconds after which something that should be on the page is missing."""

# A refused form is answered with a status that Chromium writes into its console.
REFUSED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")


@dataclass
class Windows:
    """The windows that are open on a site; `story` begins the names of their screenshots."""

    site: Site
    browser: Browser
    story: str
    troubles: list[str] = field(default_factory=list)
    _open: dict[tuple[str, int, bool], Page] = field(default_factory=dict)
    _shots: int = 0

    def of(self, login: str, width: int = DESK, *, javascript: bool = True) -> Page:
        """The window of a person, who signs in when it is opened."""
        key = (login, width, javascript)
        if key not in self._open:
            self._open[key] = self.sign_in(login, width, javascript=javascript)
        return self._open[key]

    def sign_in(self, login: str, width: int = DESK, *, javascript: bool = True) -> Page:
        """Opens one more window and signs in with an account that the demo offers."""
        page = self.open(width, javascript=javascript)
        page.goto("/sign-in")
        page.get_by_role("button", name=f"进入 {self.site.name_of(login)}").click()
        page.wait_for_url(lambda url: "sign-in" not in url)
        return page

    def open(self, width: int = DESK, *, javascript: bool = True) -> Page:
        """A window in which nobody has signed in."""
        context = self.browser.new_context(
            base_url=self.site.address,
            viewport={"width": width, "height": HEIGHTS[width]},
            is_mobile=width == PHONE,
            has_touch=width == PHONE,
            java_script_enabled=javascript,
            locale="zh-CN",
            timezone_id="America/New_York",  # dates must be those of Shanghai wherever the browser is
        )
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        self._watch(page)
        return page

    def shoot(self, page: Page, step: str) -> None:
        """Keeps the whole page as a picture, named by step and width, for whoever asks for pictures (SCREENSHOTS=1)."""
        if not os.environ.get("SCREENSHOTS"):
            return
        self._shots += 1
        assert page.viewport_size
        name = f"{self.story}-{self._shots:02}-{step.replace(' ', '-')}-{page.viewport_size['width']}.png"
        # To hide the caret Playwright would write styles into the page, against its policy.
        page.screenshot(path=SCREENSHOTS / name, full_page=True, caret="initial")

    def look_at(self, page: Page, step: str) -> None:
        """Keeps the page at both widths; at neither is anything too wide, unlabelled or out of order."""
        own = page.viewport_size
        assert own
        for width in (DESK, PHONE):
            page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
            assert "\n".join(faults(page)) == ""
            self.shoot(page, step)
        page.set_viewport_size(own)

    def close(self) -> None:
        """Closes every window."""
        for context in list(self.browser.contexts):
            context.close()

    def _watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.troubles.append(f"{page.url}: {error}"))
        page.on("request", self._asked)
        page.on("response", self._answered)

    def _console(self, message: ConsoleMessage) -> None:
        """Violations of the content security policy are errors in the console too."""
        if message.type in ("error", "warning") and not REFUSED.match(message.text):
            self.troubles.append(f"{message.page.url if message.page else ''}: {message.text}")

    def _asked(self, request: Request) -> None:
        """No page may ask another host for anything."""
        asked = urlsplit(request.url)
        # The browser's own parts are those of its PDF viewer.
        if (
            asked.scheme not in ("data", "blob", "chrome", "chrome-extension")
            and asked.netloc != urlsplit(self.site.address).netloc
        ):
            self.troubles.append(f"{request.frame.url} asks elsewhere: {request.url}")

    def _answered(self, response: Response) -> None:
        wrong = response.status >= (500 if response.request.resource_type in ("document", "xhr", "fetch") else 400)
        if wrong:
            self.troubles.append(f"{response.request.method} {response.url}: {response.status}")


def until_there(page: Page, wanted: Locator, seconds: float = 15) -> None:
    """Looks at the page again, as a person does who waits for the worker, until something is on it."""
    end = time.monotonic() + seconds
    while not wanted.count():
        assert time.monotonic() < end, f"after {seconds} s {page.url} still says: {text_of(page)}"
        page.wait_for_timeout(200)
        page.reload()


def text_of(page: Page) -> str:
    """What a person reads on the page, blanks run together."""
    return " ".join(page.locator("main").inner_text().split())


def claim(page: Page, number: str) -> None:
    """An official finds a case among those of his role and claims its task."""
    page.get_by_role("link", name="待办", exact=True).first.click()
    page.get_by_role("link", name="本岗位待领").click()
    page.get_by_role("row").filter(has_text=number).get_by_role("button", name="领取").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(number)


def choose(page: Page, answer: str) -> None:
    """Chooses an answer on which other questions may hang, and waits until the form has been shown anew."""
    page.get_by_label(answer, exact=True).check()
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)


def hand_in(page: Page) -> None:
    """Presses 提交 and waits until the portal has said that it is done."""
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="已提交")).to_be_visible()
