"""What happened in each case, written once and chained, so that any later change shows."""

from portal.audit.rules import Break, Chain, Entry, Event
from portal.audit.service import append, append_all, entries, verify, verify_case

__all__ = ["Break", "Chain", "Entry", "Event", "append", "append_all", "entries", "verify", "verify_case"]
