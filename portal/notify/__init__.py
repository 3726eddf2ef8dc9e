"""Messages to people inside the portal: what they should know of a case, read or not."""

from portal.notify.models import PortalMessage
from portal.notify.post import SEND, SEND_CODE, Post
from portal.notify.service import COUNTED, Kind, count_unread, keep_sent, mark_read, of_person, one_of, send, unread

__all__ = [
    "COUNTED",
    "SEND",
    "SEND_CODE",
    "Kind",
    "PortalMessage",
    "Post",
    "count_unread",
    "keep_sent",
    "mark_read",
    "of_person",
    "one_of",
    "send",
    "unread",
]
