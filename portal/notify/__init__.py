"""Messages to people inside the portal: what they should know of a case, read or not."""

from portal.notify.models import PortalMessage
from portal.notify.service import COUNTED, Kind, keep_sent, mark_read, of_person, one_of, send, unread

__all__ = ["COUNTED", "Kind", "PortalMessage", "keep_sent", "mark_read", "of_person", "one_of", "send", "unread"]
