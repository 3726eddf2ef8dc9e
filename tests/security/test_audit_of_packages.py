"""What `.ci/audit` says and how it ends, by what pip-audit has answered: a fault fails, not asked is never passed."""

from __future__ import annotations

import json
import runpy
import subprocess
from pathlib import Path

import pytest

AUDIT = Path(__file__).parents[2] / ".ci" / "audit"
GOOD = {"name": "flask", "version": "3.1.3", "vulns": []}
BAD = {"name": "jinja2", "version": "3.0.0", "vulns": [{"id": "PYSEC-2099-1"}]}
UNKNOWN = {"name": "ours", "skip_reason": "Dependency not found on PyPI and could not be audited: ours (1.0)"}


@pytest.fixture(scope="module")
def audit():
    return runpy.run_path(str(AUDIT))


def answer(*packages):
    return json.dumps({"dependencies": packages, "fixes": []})


@pytest.mark.parametrize(
    ("code", "out", "err", "ends", "says"),
    [
        (0, answer(GOOD), "", 0, "pip-audit: passed, nothing known of 1 packages"),
        (1, answer(GOOD, BAD), "", 1, "pip-audit: jinja2 3.0.0 has PYSEC-2099-1"),
        # What is found counts, whatever else could not be asked.
        (1, answer(UNKNOWN, BAD), "", 1, "pip-audit: jinja2 3.0.0 has PYSEC-2099-1"),
        (0, answer(GOOD, UNKNOWN), "", 0, "pip-audit: not run for 1 of 2 packages, unknown there: ours"),
        (0, answer(UNKNOWN), "", 0,
         "pip-audit: not run, what answers in place of the advisory source knows none of the 1 packages "
         "(Dependency not found on PyPI and could not be audited: ours (1.0))"),
        (1, "", "x\nERROR: connection refused\n", 0,
         "pip-audit: not run, the advisory source cannot be reached (ERROR: connection refused)"),
        (1, "", "", 0, "pip-audit: not run, the advisory source cannot be reached (no answer)"),
        (2, answer(GOOD), "", 0, "pip-audit: not run, it ended with 2 and spoke of 1 packages"),
        (0, answer(), "", 0, "pip-audit: not run, it ended with 0 and spoke of 0 packages"),
    ],
)  # fmt: skip
def test_each_answer_is_told_apart(audit, code, out, err, ends, says):
    assert audit["verdict"](code, out, err) == (ends, says)


@pytest.mark.parametrize(("packages", "ends"), [((GOOD, BAD), 1), ((GOOD,), 0), ((UNKNOWN,), 0)])
def test_the_script_ends_by_it(audit, monkeypatch, packages, ends):
    done = subprocess.CompletedProcess([], ends, answer(*packages), "")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    assert audit["main"]() == ends


def test_an_exception_without_reason_is_refused(audit, tmp_path):
    file = tmp_path / "audit.toml"
    file.write_text('[PYSEC-2099-1]\npackage = "jinja2"\ndate = 2026-11-22\n')
    with pytest.raises(ValueError, match="PYSEC-2099-1 needs package, reason and date"):
        audit["exceptions"](file)
