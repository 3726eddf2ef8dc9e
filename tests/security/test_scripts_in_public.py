"""Scripts in public: in what is shown to everybody, what a stranger writes about it, registers, and titles of forms."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from html import escape
from typing import Any

import pytest
from sqlalchemy import select

from portal import identity
from portal.cases import filing
from portal.cases.models import Attachment, Case, Publication
from portal.identity.models import Organisation
from portal.procedures import publish
from portal.procedures.content import Content
from tests.builders import publicity, registry
from tests.builders.pages import LONG_AGO, Portal
from tests.builders.procedures import REGULATION
from tests.builders.proving import Proof
from tests.security.test_scripts import PAYLOADS, SHORT, Tainted, Watched, browser, tainted, trusting
from tests.web.test_applicant import PDF
from tests.web.test_notices import code_on, hand_in

__all__ = ["browser", "tainted"]

SHOWN = escape(SHORT)[:20]
TITLES = re.compile(r'^(\w*\.?title|title|bureau|kind) *= *"(?=[^"]*[\u4e00-\u9fff])', re.MULTILINE)
"""Where a manifest says in Chinese what something is called."""


def content() -> Content:
    """Plans shown to everybody, objections to them and public registers; a payload in whatever has a title."""
    shown, kept = publicity.regulation().files, registry.content(_titled(registry.STANDARDS + registry.JUDGES)).files
    files = {**kept, **shown, f"bpmn/{REGULATION}/regulation.toml": kept[f"bpmn/{REGULATION}/regulation.toml"]}
    return Content(REGULATION, {path: _tainted(path, data) for path, data in files.items()})


def _titled(text: str) -> str:
    """Tables of registers with a payload in the titles of fields."""
    return re.sub(r'(number|name|areas) = "(编号|名称|姓名|专业领域|领域)"', rf'\1 = "\2{SHORT}"', text)


def _tainted(path: str, data: bytes) -> bytes:
    if path.endswith(".json"):
        return json.dumps(_labelled(json.loads(data)), ensure_ascii=False).encode()
    if path.endswith(".bpmn"):
        return data.replace(' name="环节'.encode(), f' name="{escape(SHORT)}环节'.encode())
    return TITLES.sub(lambda found: found[0] + SHORT, data.decode()).encode() if path.endswith(".toml") else data


def _labelled(form: Any) -> Any:
    """A form whose labels are payloads, and that explains itself with one."""
    if isinstance(form, list):
        return [_labelled(one) for one in form]
    if not isinstance(form, dict):
        return form
    made = {name: _labelled(one) for name, one in form.items()}
    if "label" in made:
        made["label"] = f"{made['label']}{SHORT}"
    if "key" in made:
        made["description"] = SHORT
    return made


@dataclass
class Published:
    """What a stranger finds: the publication, its case, a record of a register."""

    notice: int
    case: int
    record: int

    def open_to_all(self) -> tuple[str, ...]:
        """Pages that need no account."""
        notice, register = f"/notices/{self.notice}", f"/registry/{REGULATION}/standards"
        return (
            "/", "/notices", f"/notices?kind={SHORT}&region={SHORT}", notice, f"{notice}/object", "/registry", register,
            f"{register}?q={SHORT}", f"/registry/{REGULATION}/judges", f"{register}/{self.record}",
            f"/sign-in?next=/{SHORT}",
        )  # fmt: skip

    def of_the_office(self, objection: int, task: int) -> tuple[str, ...]:
        """Pages of an official who judges what was objected."""
        register = f"/registers/{REGULATION}/standards"
        return (
            f"/cases/{objection}", f"/tasks/{task}", f"/cases/{self.case}", "/inbox?view=role", "/cases", "/registers",
            register, f"{register}/{self.record}",
        )  # fmt: skip

    def of_the_unit(self) -> tuple[str, ...]:
        """Pages of the unit whose plan it is."""
        return f"/my/cases/{self.case}", "/home", "/account", f"/file/{REGULATION}/plan"


def put(portal: Portal) -> Published:
    """Files a plan full of payloads that is shown to everybody, and puts others on a register."""
    kernel, text = portal.machine.kernel, "\n".join(PAYLOADS)
    portal.machine.store.put("plan", PDF, len(PDF), "application/pdf")
    with portal.database.transaction() as tx:
        publish(tx, content(), portal.now, "test")
        zhou = portal.people["zhou"]
        identity.grant_role(tx, person_id=zhou, regulation=REGULATION, role="officer", from_day=LONG_AGO)
        tx.get_one(Organisation, portal.unit_id).name = SHORT
        row = {"number": SHORT, "title": text[:1000], "areas": [SHORT, "甲"], "text": "", "year": "2026", "limit": "1"}
        [record] = registry.enter(tx, kernel.releases, "standards", [row], portal.now, "已备案")
        judge = {"person": "P0000000124", "name": SHORT, "areas": [SHORT]}
        registry.enter(tx, kernel.releases, "judges", [judge], portal.now)
        file = Attachment(
            uploaded_by_id=portal.people["wang"], organisation_id=portal.unit_id, uploaded_at=portal.now, key="plan",
            name=f"{SHORT}.pdf", kind="pdf", size=len(PDF), sha256=hashlib.sha256(PDF).hexdigest(),
        )  # fmt: skip
        tx.add(file)
        tx.flush()
        answers = {"title": SHORT, "summary": text, "phone": SHORT, "text": [str(file.id)]}
    with portal.database.transaction() as tx:
        case = filing.file(kernel, tx, portal.actor("wang"), REGULATION, "plan", answers, kernel.now(tx)).id
    with portal.database.transaction() as tx:
        return Published(tx.scalars(select(Publication.id)).one(), case, record)


def objection_of(portal: Portal) -> tuple[int, int]:
    """The case that was filed last, and its task."""
    with portal.database.transaction() as tx:
        case = tx.scalars(select(Case.id).order_by(Case.id.desc())).first()
    assert case is not None
    return case, portal.task("judge", case)


def unescaped(portal: Portal) -> tuple[list[str], int]:
    """Pages on which a payload stands as it was written, or not at all; and how many there are."""
    made, nobody = put(portal), portal.client()
    said = {"name": SHORT, "address": SHORT, "objection": "\n".join(PAYLOADS), "phone": SHORT}
    refused = hand_in(nobody, made.notice, **said)
    receipt = hand_in(nobody, made.notice, **{**said, "phone": "13800000000"})
    assert (refused.status_code, receipt.status_code) == (422, 200)
    number, code = code_on(receipt)
    pages = {"refused": refused, "receipt": receipt, "track": nobody.post("/track", {"number": number, "code": code})}
    zhou, wang = portal.client("zhou"), portal.client("wang")
    for reader, addresses in (
        (nobody, made.open_to_all()), (zhou, made.of_the_office(*objection_of(portal))), (wang, made.of_the_unit()),
    ):  # fmt: skip
        pages |= {address: reader.get(address, follow_redirects=True) for address in addresses}
    assert {name: page.status_code for name, page in pages.items()} == dict.fromkeys(pages, 200) | {"refused": 422}
    return [name for name, page in pages.items() if SHORT in page.text or SHOWN not in page.text], len(pages)


def test_payloads_in_public_are_text(portal: Portal, proof: Proof) -> None:
    found, pages = unescaped(portal)
    proof.says("S15", "payloads in publications, public objections, registers, titles of forms, read as HTML",
               "escaped on every page", pages=pages, found=len(found))  # fmt: skip
    assert found == []


def object_to(window: Watched, notice: int) -> tuple[str, str]:
    """Fills in the form of anybody with payloads, wrong first and then right; number and query code of the receipt."""
    page = window.page
    page.goto(f"/notices/{notice}/object")
    page.fill('[name="name"]', SHORT)
    page.check('[name="kind"][value="个人"]')
    page.fill('[name="id_number"]', SHORT)
    page.fill('[name="phone"]', SHORT)
    page.fill('[name="address"]', SHORT)
    page.fill('[name="objection"]', "\n".join(PAYLOADS))
    page.set_input_files("[type=file]", {"name": f"{SHORT}.pdf", "mimeType": "application/pdf", "buffer": PDF})
    page.click("#objecting .onward button")
    page.wait_for_selector(".error-summary")
    window.look()
    page.fill('[name="id_number"]', "330402199001011230")
    page.fill('[name="phone"]', "13800000000")
    page.click("#objecting .onward button")
    number, code = page.inner_text(".number.num"), page.inner_text(".code")
    window.look()
    return number, code


def track(window: Watched, number: str, code: str) -> None:
    """Looks for the case with its number and query code."""
    page = window.page
    page.goto("/track")
    page.fill('[name="number"]', number)
    page.fill('[name="code"]', code)
    page.click("main form button")
    page.wait_for_load_state("networkidle")
    window.look()


@pytest.mark.thorough
def test_payloads_run_nowhere_in_public(tainted: Tainted, proof: Proof) -> None:
    made = put(tainted.portal)
    stranger, official, unit = (tainted.window(login) for login in (None, "zhou", "wang"))
    track(stranger, *object_to(stranger, made.notice))
    shown, windows = [], (stranger, official, unit)
    addresses = made.open_to_all(), made.of_the_office(*objection_of(tainted.portal)), made.of_the_unit()
    for window, own in zip(windows, addresses, strict=True):
        shown += [window.visit(address).count(SHOWN) for address in own]
        window.page.context.close()
    found = [one for window in windows for one in window.found]
    proof.says(
        "S15", "stored scripts in publications, public objections, registers, titles of forms", "0 alerts, 0 reports",
        payloads=len(PAYLOADS), pages=len(shown) + 3, shown=sum(shown), found=len(found),
    )  # fmt: skip
    assert found == []
    assert all(shown)


TRUSTING = {
    "public/notice.html": "<h1>{{ notice.title",
    "public/register.html": '<a class="t go" href="{{ record.url }}">{{ record.heading',
    "public/object.html": '<a href="{{ notice_url }}">{{ notice',
}


@pytest.mark.thorough
@pytest.mark.parametrize("name", TRUSTING)
def test_a_public_template_that_trusts_a_text_is_noticed(portal: Portal, proof: Proof, name: str) -> None:
    with trusting(portal, name, TRUSTING[name]):
        found, _pages = unescaped(portal)
    proof.catches("S15", f"|safe in {name}", found=len(found))
    assert found
