"""Read models of work to be done: the tasks of one official, receipts still to be entered, cases found."""

from portal.inbox.queries import Counts, Page, Row, counts, lights, most_urgent, tasks_page
from portal.inbox.receipts import open_services
from portal.inbox.rules import Bounds, Cursor, Lights, Place, View, bounds
from portal.inbox.search import find_cases

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
    "find_cases",
    "lights",
    "most_urgent",
    "open_services",
    "tasks_page",
]
