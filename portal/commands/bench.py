"""`portal bench`: measures how fast the portal is, with what lies beside it in a checkout."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from portal import app
from portal.errors import PortalError

_CHECKOUT = app.PACKAGE.parent


class NoCheckout(PortalError):
    """An installed portal brings no measurements."""

    zh = "这里只有安装好的门户，没有测量程序。请在源代码目录中运行 portal bench。"
    en = "An installed portal brings no measurements: run portal bench in a checkout."


def bench(arguments: Sequence[str]) -> int:
    """Measures what is asked for, in a process of its own that starts and asks the portal; NoCheckout."""
    if not (_CHECKOUT / "bench" / "speed").is_dir():
        raise NoCheckout()
    return subprocess.run([sys.executable, "-m", "bench.speed", *arguments], cwd=_CHECKOUT).returncode
