"""How the log is written: a line for each thing that happens, whatever people have typed into it."""

from __future__ import annotations

import logging
import re
from copy import copy
from types import TracebackType

LOG = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class OneLine(logging.Formatter):
    """Writes control characters as escapes, and what belongs to a line further in: nobody can write one of his own."""

    def format(self, record: logging.LogRecord) -> str:
        """The line with what belongs to it; not as another handler may have written that before."""
        record = copy(record)
        record.exc_text = None
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line itself."""
        return _CONTROLS.sub(_escape, super().formatMessage(record))

    def formatException(self, ei: _Raised) -> str:
        """What was raised, every line of it further in."""
        return "\n".join("    " + _CONTROLS.sub(_escape, line) for line in super().formatException(ei).split("\n"))


def install() -> None:
    """Has everything logged so; the portal tells more than what it uses."""
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine(LOG))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("portal").setLevel(logging.INFO)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
