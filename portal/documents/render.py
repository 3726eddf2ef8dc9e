"""Renders a letter in a child process that is killed when it takes too long or too much memory."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import portal
from portal.documents.filters import RenderFailed, ValueMissing, ValueUnfit

SECONDS = 10
MEMORY = 512 * 1024 * 1024
_ROOT = Path(portal.__file__).resolve().parent.parent


class RenderTooLong(RenderFailed):
    """Rendering used up its time."""

    zh = "文书生成超过 {seconds} 秒，已经停止。请检查模板里的循环。"
    en = "Rendering took more than {seconds} seconds and was stopped."


class RenderTooLarge(RenderFailed):
    """Rendering used up its memory."""

    zh = "文书生成占用的内存超过限额，已经停止。请检查模板里的循环和图片。"
    en = "Rendering took more memory than allowed and was stopped."


class TemplateFaulty(RenderFailed):
    """The template is not one that a letter may be made from."""

    zh = "文书模板有误：{summary}"
    en = "The letter's template is faulty: {summary}"


class RenderBroke(RenderFailed):
    """The rendering process ended without a letter."""

    zh = "文书未能生成（{reason}）。"
    en = "The letter could not be rendered ({reason})."


# What the child may report by name; it raises the same classes.
FAILURES: dict[str, type[RenderFailed]] = {
    failure.__name__: failure
    for failure in (RenderTooLong, RenderTooLarge, TemplateFaulty, RenderBroke, ValueMissing, ValueUnfit)
}


def render(template: bytes, data: Mapping[str, object], verification_url: str, *, seconds: float = SECONDS) -> bytes:
    """The finished .docx: the same bytes for the same template, data and address; else RenderFailed.

    `data` are those frozen at issue. `{{ qr }}` becomes a code of `verification_url`.
    """
    request = {"data": data, "url": verification_url, "seconds": seconds, "memory": MEMORY}
    try:
        child = subprocess.run(
            [sys.executable, "-X", "utf8", "-m", "portal.documents.render_child"],
            input=json.dumps(request).encode() + b"\n" + template,
            capture_output=True,
            timeout=seconds,
            cwd=_ROOT,
            # Nothing of ours is inherited: no addresses, no passwords.
            env={"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RenderTooLong(seconds=seconds) from error
    return _answer(child, seconds)


def _answer(child: subprocess.CompletedProcess[bytes], seconds: float) -> bytes:
    """What the child said: a line of JSON, then the letter."""
    head, _, letter = child.stdout.partition(b"\n")
    if child.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise RenderTooLong(seconds=seconds)
    try:
        failure = json.loads(head)
    except ValueError as error:
        raise RenderBroke(reason=f"exit {child.returncode}") from error
    if failure is None:
        return letter
    raise FAILURES[failure["name"]](**failure["facts"])
