"""Read models of work to be done: the tasks of one official, receipts still to be entered, cases found."""

from portal.inbox.copies import Body, copies
from portal.inbox.desk import count_matters, decided_matters, open_matters
from portal.inbox.items import ItemCounts, ItemCursor, ItemPage, ItemRow, item_counts, items_page
from portal.inbox.queries import Counts, Page, Row, counts, lights, most_urgent, tasks_page
from portal.inbox.receipts import open_services, served_services
from portal.inbox.rules import Bounds, Cursor, Lights, Place, View, bounds
from portal.inbox.search import find_cases
from portal.inbox.standing import Disputed, Recorded, decided_unread, disputed

__all__ = [
    "Body",
    "Bounds",
    "Counts",
    "Cursor",
    "Disputed",
    "ItemCounts",
    "ItemCursor",
    "ItemPage",
    "ItemRow",
    "Lights",
    "Page",
    "Place",
    "Recorded",
    "Row",
    "View",
    "bounds",
    "copies",
    "count_matters",
    "counts",
    "decided_matters",
    "decided_unread",
    "disputed",
    "find_cases",
    "item_counts",
    "items_page",
    "lights",
    "most_urgent",
    "open_matters",
    "open_services",
    "served_services",
    "tasks_page",
]
