"""Chromium, and for each module a portal of its own that has the demo's people and cases."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from portal.storage import MemoryStore
from tests.browser.site import Seeded, Site, running, seed, seed_filings
from tests.browser.windows import PATIENCE, SCREENSHOTS, Windows
from tests.builders.databases import copied

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLACES = ("/usr/bin/chromium", "/usr/lib/chromium/chromium", "/snap/bin/chromium")
# Each window of this browser would start two processes more for the suggestions of its address line. The last list of
# features counts, so those that Playwright switches off are named again.
SWITCHED_OFF = (
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "AimEnabled", "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades", "LensOverlay", "MediaRouter", "NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding",
    "PreconnectToSearch", "TcpPortRandomizationWin", "ThirdPartyStoragePartitioning",
)  # fmt: skip
NONE = "no Chromium on this machine (looked for {looked}): nothing was tried in a browser; apt-get install chromium"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium; without one everything here is skipped, but in CI that is a failure.

    It is closed with its module: while it is open, no other test could run an event loop of its own.
    """
    program = chromium()
    if program is None:
        reason = NONE.format(looked=", ".join((*NAMES, *PLACES)))
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        features = f"--disable-features={','.join(SWITCHED_OFF)}"
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--lang=zh-CN", features]
        )
        yield browser
        browser.close()


def chromium() -> str | None:
    """The machine's own Chromium, if it has one."""
    found = (shutil.which(name) for name in NAMES)
    return next(filter(None, found), next((place for place in PLACES if Path(place).exists()), None))


@pytest.fixture(scope="session")
def store() -> MemoryStore:
    """The files of all portals here; their keys are random."""
    return MemoryStore()


@pytest.fixture(scope="session")
def demo_alone(postgres: str, template: str, store: MemoryStore) -> Iterator[Seeded]:
    """A database with the people and cases of the demo's first regulation, to be copied."""
    name = f"portal_demo_{os.getpid()}"
    with copied(postgres, name, template) as url:
        yield Seeded(name, seed(url, store))


@pytest.fixture(scope="session")
def demo_with_filings(postgres: str, demo_alone: Seeded, store: MemoryStore) -> Iterator[Seeded]:
    """The same with the people and cases of a regulation of filings, to be copied."""
    name = f"portal_filings_{os.getpid()}"
    with copied(postgres, name, demo_alone.database) as url:
        yield Seeded(name, seed_filings(url, store, demo_alone.releases()))


@pytest.fixture(scope="module")
def seeded(demo_alone: Seeded) -> Seeded:
    """What the portal of a module begins with; a module that wants filings says so by a fixture of this name."""
    return demo_alone


@pytest.fixture(scope="module")
def site(browser: Browser, postgres: str, seeded: Seeded, store: MemoryStore) -> Iterator[Site]:
    """The running portal of a module."""
    name = f"portal_site_{os.getpid()}"
    with copied(postgres, name, seeded.database) as url, running(url, store, seeded.releases()) as site:
        yield site


@pytest.fixture(scope="module")
def windows(site: Site, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Windows]:
    """People's windows on the portal of a module."""
    story = Path(request.node.name).stem.removeprefix("test_")
    SCREENSHOTS.mkdir(exist_ok=True)
    for earlier in SCREENSHOTS.glob(f"{story}-*"):
        earlier.unlink()
    windows = Windows(site, browser, story)
    yield windows
    windows.close()


@pytest.fixture(autouse=True)
def nothing_wrong(windows: Windows) -> Iterator[None]:
    """No window may have had an error in its console, a violation of its policy, or a broken answer."""
    yield
    troubles, windows.troubles[:] = list(windows.troubles), []
    assert "\n".join(troubles) == ""
