"""Read models of work to be done: the tasks of one official, and the receipts still to be entered."""

from portal.inbox.queries import Counts, Page, Row, counts, lights, most_urgent, tasks_page
from portal.inbox.rules import Bounds, Cursor, Lights, Place, View, bounds

__all__ = [
    "Bounds",
    "Counts",
    "Cursor",
    "Lights",
    "Page",
    "Place",
    "Row",
    "View",
    "bounds",
    "counts",
    "lights",
    "most_urgent",
    "tasks_page",
]
