"""The address in a letter's QR code: open to everybody, and silent about everything but the letter."""

from __future__ import annotations

from sqlalchemy import select

from portal.documents.models import Letter
from tests.builders.pages import plain


def test_a_letter_is_known_by_its_code(portal):
    portal.notice()
    with portal.machine.database.transaction() as tx:
        letter = tx.scalars(select(Letter)).one()
    page = portal.client().get(f"/verify/{letter.verification_code}")
    assert page.status_code == 200
    assert letter.number in plain(page)
    assert "碳排放配额分配通知书" in plain(page)
    assert "吨" not in plain(page)


def test_an_unknown_code_is_not_found(portal):
    page = portal.client().get("/verify/ABCD-EFGH-JKLM-NPQR")
    assert page.status_code == 404
    assert "没有找到使用这个核验码的文书" in plain(page)
