"""Filings behind the pages: handed in, taken in and shown to everybody by the people of the demo."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases import attachments, filing
from portal.cases.models import Publication, Task
from portal.identity import Actor
from portal.procedures.manifest import Material
from portal.scenarios.demo import read_demo
from tests.browser.files import pdf
from tests.browser.site import FILINGS, Site

FILING, OBJECTION = "methodology-filing", "publicity-objection"


def filed(site: Site, login: str, title: str, like: str = "to take in") -> int:
    """A methodology that somebody hands in with all that is asked, as in a story of the demo; the id of its case."""
    kernel, unit = site.tools.kernel, site.actor(login)
    with site.tools.database.transaction() as tx:
        published, now = kernel.releases.newest(tx, FILINGS), kernel.now(tx)
        [step, *_] = read_demo(published.content).stories[like]
        materials = published.procedure(FILING).manifest.materials
        files = {name: [_uploaded(site, tx, unit, materials[name], title, now)] for name in step.files}
        return filing.file(kernel, tx, unit, FILINGS, FILING, {**step.answers, **files, "title": title}, now).id


def _uploaded(site: Site, tx: Session, by: Actor, material: Material, title: str, now: datetime) -> str:
    body = pdf(f"{title}{material.title}.pdf")
    file = attachments.examine(body["name"], BytesIO(body["buffer"]), material)
    site.tools.store.put(file.key, body["buffer"], file.size, body["mimeType"], file.name)
    return str(attachments.keep(site.tools.kernel, tx, file, by, now).id)


def done(site: Site, case: int, element: str, login: str, **answers: object) -> None:
    """Somebody does the open task of an element of a case."""
    site.complete(login, open_task(site, case, element), answers)


def open_task(site: Site, case: int, element: str) -> int:
    """The id of the open task of an element of a case."""
    with site.tools.database.transaction() as tx:
        wanted = select(Task.id).where(Task.case_id == case, Task.element == element, Task.state == "open")
        return tx.scalars(wanted).one()


def audited(site: Site, login: str, title: str) -> int:
    """A methodology on which the authority is to decide, without experts: that time runs; the id of its case."""
    case = filed(site, login, title)
    done(site, case, "check", "xu", result="受理")
    done(site, case, "audit", "ke", result="符合要求", report="核算方法完整，参数来源清楚。")
    done(site, case, "plan", "lv", result="不组织专家评审", reason="只更新参数。")
    return case


def shown(site: Site, login: str, title: str) -> tuple[int, int]:
    """A methodology that everybody is shown from today on; the ids of its case and notice."""
    case = audited(site, login, title)
    done(site, case, "determine", "lv", result="同意备案", reasons="核证中心审核符合要求。")
    with site.tools.database.transaction() as tx:
        return case, tx.scalars(select(Publication.id).where(Publication.case_id == case)).one()
