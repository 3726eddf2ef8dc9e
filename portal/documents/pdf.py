"""Makes a PDF of a letter with LibreOffice, where it is installed: in a process of its own, killed when it hangs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import portal
from portal.errors import PortalError

SECONDS = 90.0
"""LibreOffice takes one or two; the first start on a busy machine many more."""
LARGEST = 50_000_000
_PROGRAMS = ("soffice", "libreoffice")
_FONTS = Path(__file__).with_name("fonts.conf")
_ROOT = Path(portal.__file__).resolve().parent.parent
# Fonts embedded, PDF 1.7 with its structure for screen readers.
_EXPORT = 'pdf:writer_pdf_Export:{"UseTaggedPDF":{"type":"boolean","value":"true"}}'


class PdfFailed(PortalError):
    """LibreOffice made no PDF of a letter."""

    zh = "没有转换成 PDF（{reason}）。Word 版本的文书不受影响。"
    en = "No PDF was made ({reason}); the letter itself, the Word file, is as it was."


def office() -> str | None:
    """The path of LibreOffice; None where it is not installed."""
    return next((found for program in _PROGRAMS if (found := shutil.which(program))), None)


def converted(word: bytes, program: str, *, seconds: float = SECONDS) -> bytes:
    """The letter as PDF; PdfFailed. Each conversion has a profile of its own, so that several may run at once."""
    with tempfile.TemporaryDirectory(prefix="portal-pdf-") as folder:
        here = Path(folder)
        source, target = here / "letter.docx", here / "letter.pdf"
        source.write_bytes(word)
        said = _run(program, here, source, seconds)
        if not target.is_file():
            raise PdfFailed(reason=said[-200:] or "no file")
        if target.stat().st_size > LARGEST:
            raise PdfFailed(reason=f"more than {LARGEST // 1_000_000} MB")
        return target.read_bytes()


def _run(program: str, here: Path, source: Path, seconds: float) -> str:
    """What LibreOffice said on the way."""
    command = [
        *(sys.executable, "-m", "portal.documents.pdf_child", program),
        *(f"-env:UserInstallation={(here / 'profile').as_uri()}", "--headless", "--norestore", "--nolockcheck"),
        *("--convert-to", _EXPORT, "--outdir", str(here), str(source)),
    ]
    # Nothing of ours is inherited: no addresses, no passwords.
    env = {"PATH": os.defpath, "HOME": str(here), "LANG": "C.UTF-8", "FONTCONFIG_FILE": str(_FONTS)}
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=_ROOT,
        env=env,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise PdfFailed(reason=f"more than {seconds:.0f} s") from error
    finally:
        _end(process)
    return said.decode(errors="replace").strip()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends LibreOffice with everything that it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
