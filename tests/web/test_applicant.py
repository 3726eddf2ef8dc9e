"""An applicant's whole story by HTTP: a letter signed for, a review filed, corrected, decided; a waiver."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from portal import clock, identity
from portal.cases import delivery, tasks
from portal.cases.models import Attachment, Case, Filing, Task
from portal.clock import TZ
from portal.db import moved_clock
from portal.documents import service as documents
from portal.documents.models import Letter
from portal.documents.render import render
from tests.web.conftest import ETS, LONG_AGO, PASSWORD, UNIT, Browser, Portal, plain

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
OTHER_UNIT = "91500115MA0TEST2X4"


class Story:
    """The portal at a chosen moment, with the unit's person and its officials."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.at("2026-09-22T09:00")
        self.wang = portal.client("wang")

    def at(self, moment: str) -> None:
        """Moves the clock to a moment of Asia/Shanghai."""
        wanted = datetime.fromisoformat(moment).replace(tzinfo=TZ)
        with self.portal.database.transaction() as tx:
            moved_clock.move(tx, wanted - clock.now(moved_clock.offset(tx)))

    def notice(self) -> tuple[int, int]:
        """A notice signed by the authority, its letter made: the ids of case and letter."""
        case_id, letter_id = self.portal.notice()
        self.render(letter_id)
        return case_id, letter_id

    def render(self, letter_id: int) -> None:
        """Makes a letter's file, as the worker does."""
        machine = self.portal.machine
        with self.portal.database.transaction() as tx:
            letter = documents.letter(tx, letter_id)
            template = machine.kernel.releases.get(tx, letter.release_id).content.files[letter.template]
            now = machine.kernel.now(tx)
        word = render(template, letter.data, f"https://portal.example/verify/{letter.verification_code}")
        machine.store.put(f"letters/{letter_id}", word, len(word), "application/octet-stream")
        file = delivery.StoredFile(f"letters/{letter_id}", hashlib.sha256(word).hexdigest(), len(word))
        with self.portal.database.transaction() as tx:
            delivery.rendered(machine.kernel, tx, letter_id, file, now)

    def served(self) -> tuple[int, int]:
        """The notice, signed for on 24 September."""
        case_id, letter_id = self.notice()
        self.at("2026-09-24T10:00")
        assert self.sign_for(letter_id).status_code == 303
        return case_id, letter_id

    def sign_for(self, letter_id: int, browser: Browser | None = None) -> TestResponse:
        """Presses 打开并签收."""
        return (browser or self.wang).post(f"/my/letters/{letter_id}/sign", page="/home")

    def draft(self, notice: int) -> str:
        """Begins a review about a notice; the address of the draft."""
        begun = self.wang.get(f"/file/{ETS}/allocation-review?about={notice}")
        assert begun.status_code == 303, plain(begun)
        return begun.location

    def fill(self, draft: str, *files: tuple[str, bytes], go: str = "next", **answers: str) -> TestResponse:
        """Posts step 1."""
        given = {"claimed_amount": "1300000", "grounds": "产量数据有误", "late_reason": "", **answers, "_go": go}
        uploads = [(io.BytesIO(content), name) for name, content in files]
        return self.wang.post(draft, {**given, "_upload.evidence": uploads}, page="/home")

    def filed(self, notice: int, *files: tuple[str, bytes]) -> int:
        """Files a review; the id of its case."""
        draft = self.draft(notice)
        assert self.fill(draft, *files).status_code == 303
        handed_in = self.wang.post(f"{draft}/check", page="/home")
        assert handed_in.status_code == 303, plain(handed_in)
        return int(handed_in.location.split("/")[3])

    def act(self, login: str, element: str, case_id: int, **answers: object) -> None:
        """An official completes a task of a case."""
        self.portal.complete(login, self.portal.task(element, case_id), answers)

    def read(self, path: str) -> str:
        """A page as its reader sees it, or why there is none."""
        page = self.wang.get(path, follow_redirects=True)
        assert page.status_code == 200, plain(page)
        return plain(page)

    def count(self, model: Any, *conditions: Any) -> int:
        """How many rows there are."""
        with self.portal.database.transaction() as tx:
            return tx.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


@pytest.fixture
def story(portal: Portal) -> Story:
    """The portal on 22 September 2026."""
    return Story(portal)


def test_before_signing_only_that_there_is_a_letter(story: Story) -> None:
    case_id, letter_id = story.notice()
    home, letter, case = story.read("/home"), story.read(f"/my/letters/{letter_id}"), story.read(f"/my/cases/{case_id}")
    for page in (home, letter, case):
        assert "碳排放配额分配通知书" in page
        assert "渝环配〔2026〕1号" in page
    for page in (letter, case):
        assert "1,200,000" not in page
    assert "打开并签收" in letter
    assert "下列期限从下一个工作日起计算：提出异议（申请复核）：7 个工作日" in letter
    assert story.wang.get(f"/letters/{letter_id}/file").status_code in (403, 404)
