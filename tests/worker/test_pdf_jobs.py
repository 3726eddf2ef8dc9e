"""The job that makes a letter's PDF: once, beside the file; a failure leaves the letter as valid as it was."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from portal import clock
from portal.cases import delivery, proof
from portal.documents.models import Letter
from portal.documents.pdf import PdfFailed
from portal.worker import Tools, sweeping
from portal.worker.jobs import JOBS
from portal.worker.letters import make_pdf, no_pdf, render_letter
from tests.worker.conftest import incidents, jobs, letters


@pytest.fixture
def office(tools: Tools, tmp_path: Path) -> Tools:
    """The tools with a program in LibreOffice's place that writes the same PDF each time."""
    program = tmp_path / "office"
    program.write_text('#!/bin/sh\nfor last; do :; done\nprintf "%%PDF-1.7" > "$(dirname "$last")/letter.pdf"\n')
    program.chmod(0o755)
    return replace(tools, office=str(program))


def test_a_pdf_is_made_once_and_told_in_the_history(bureau, office, own_database):
    notice = bureau.notice()
    [letter] = letters(own_database)
    render_letter(office, "1", letter.id)
    assert (delivery.PDF, "todo", 0) in jobs(own_database)
    [letter] = letters(own_database)
    assert (letter.state, letter.pdf_key) == ("ready", None)

    make_pdf(office, "2", letter.id)
    make_pdf(office, "3", letter.id)

    [letter] = letters(own_database)
    stored = office.store.get(letter.pdf_key)
    assert stored == b"%PDF-1.7"
    assert (letter.pdf_sha256, letter.pdf_size) == (hashlib.sha256(stored).hexdigest(), len(stored))
    assert office.store.stat(letter.pdf_key).name == "碳排放配额分配通知书.pdf"
    [line] = notice.entries("letter.pdf")
    assert line.details["sha256"] == letter.pdf_sha256
    assert bureau.breaks() == []


def test_without_libreoffice_none_is_asked_for(bureau, tools, own_database):
    bureau.notice()
    [letter] = letters(own_database)
    render_letter(tools, "1", letter.id)
    assert delivery.PDF not in {name for name, _, _ in jobs(own_database)}
    with pytest.raises(PdfFailed, match="not installed"):
        make_pdf(tools, "2", letter.id)


def test_a_failure_is_an_incident_and_the_letter_stays_valid(bureau, tools, own_database):
    notice = bureau.notice()
    [letter] = letters(own_database)
    render_letter(tools, "1", letter.id)
    broken = replace(tools, office="/bin/false")
    with pytest.raises(PdfFailed):
        make_pdf(broken, "2", letter.id)
    own_database.attempt(lambda tx: no_pdf(broken, tx, "2", "没有转换成 PDF（no file）。", letter.id))
    [incident] = incidents(own_database)
    assert (incident.during, incident.case_id) == (f"转换文书为 PDF：{letter.number}", notice.id)
    assert incident.again == {"how": "job", "name": delivery.PDF, "arguments": {"letter_id": letter.id}}
    [letter] = letters(own_database)
    assert (letter.state, letter.pdf_key, letter.error) == ("ready", None, None)
    assert JOBS[delivery.PDF].give_up is no_pdf


def test_a_pdf_is_no_orphan_until_its_row_is_gone(bureau, office, own_database, monkeypatch):
    bureau.notice()
    [letter] = letters(own_database)
    render_letter(office, "1", letter.id)
    make_pdf(office, "2", letter.id)
    monkeypatch.setattr(clock, "now", lambda offset=timedelta(0): bureau.now + timedelta(days=20_000))
    sweeping.sweep(office, "3")
    [letter] = letters(own_database)
    assert office.store.get(letter.pdf_key) == b"%PDF-1.7"


def test_a_pdf_that_was_exchanged_shows_in_the_proof(bureau, office, own_database):
    bureau.notice()
    [letter] = letters(own_database)
    render_letter(office, "1", letter.id)
    make_pdf(office, "2", letter.id)
    with own_database.transaction() as tx:
        tx.execute(update(Letter).values(pdf_sha256="0" * 64))
    with own_database.transaction() as tx:
        assert [found.zh for found in proof.altered(tx)] == ["文书的 PDF与所记的不符"]
