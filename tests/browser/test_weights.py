"""What a first visit to a page costs in bytes, before any compression on the way."""

from __future__ import annotations

import pytest
from playwright.sync_api import Response

from tests.browser.site import Site
from tests.browser.windows import DESK, PHONE, Windows

KB = 1000
DIAGRAM = 200 * KB
"""bpmn-js comes only with pages that show a diagram."""


@pytest.mark.parametrize(
    ("login", "path", "width", "most"),
    [
        (None, "/", PHONE, 170 * KB),
        (None, "/sign-in", PHONE, 160 * KB),
        ("li", "/inbox?view=role", DESK, 190 * KB),
        ("li", "/cases", DESK, 190 * KB),
        ("guo", "/home", PHONE, 180 * KB),
        ("chen", "/desk", DESK, 190 * KB),
    ],
)
def test_a_page_is_light(site: Site, windows: Windows, login: str | None, path: str, width: int, most: int):
    assert weight(windows, login, path, width) <= most


def test_a_task_with_its_diagram_is_not_heavy(site: Site, windows: Windows):
    task, _case = site.task("verification-review", "check")
    assert weight(windows, "li", f"/tasks/{task}", DESK) <= 230 * KB + DIAGRAM


def weight(windows: Windows, login: str | None, path: str, width: int) -> int:
    """The bytes of everything that a page brings with it into a browser that has seen nothing of the site."""
    page = windows.open(width)
    if login is not None:
        page.context.add_cookies(windows.of(login, width).context.cookies())
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(path)
    page.wait_for_load_state("networkidle")
    parts = {answer.url: len(answer.body()) for answer in answers}
    print(*(f"{size:>9,} {url}" for url, size in parts.items()), sep="\n")
    return sum(parts.values())
